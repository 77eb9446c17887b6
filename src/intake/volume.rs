//! The filesystem of a folder, recognised at any mount point.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::sys::mounts::{Mount, Mounts};

/// Filesystems that do not report all changes as events.
const TYPES_WITHOUT_EVENTS: [&str; 12] =
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "vboxsf", "virtiofs", "prl_fs"];

/// Filesystems whose number for `statvfs` is that of their device in Linux, or was in an earlier version of it (erofs). Those
/// of ext4, btrfs, bcachefs, JFS and ReiserFS come from their UUID. For NTFS it depends on the driver.
const NUMBERED_BY_DEVICE: [&str; 20] = [
    "vfat", "msdos", "exfat", "ntfs", "ntfs3", "xfs", "f2fs", "nilfs2", "hfs", "hfsplus", "udf", "iso9660", "squashfs", "erofs", "minix",
    "affs", "adfs", "hpfs", "ufs", "romfs",
];

/// A filesystem, as it is recognised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Volume {
    /// `uuid:…`, `share:…` for a network filesystem, or `fsid:…`, the kernel's number.
    pub id: String,
    /// `ext4`, `vfat`, `nfs4`.
    pub kind: String,
    /// The folder's path inside the filesystem.
    pub inner: PathBuf,
    /// Whether no other filesystem has this id. Many are numbered by their device, so two cards in one slot have one number,
    /// and the name of a FUSE filesystem need not say whose it is.
    pub is_certain: bool,
    /// The id that an earlier version gave a subvolume of btrfs.
    former_id: Option<String>,
}

impl Volume {
    /// The filesystem of a folder. `None` if there is no mount table.
    pub fn of(folder: &Path) -> Option<Volume> {
        Volume::on(Mounts::now().holding(folder)?, folder)
    }

    fn on(mount: &Mount, folder: &Path) -> Option<Volume> {
        let below = folder.strip_prefix(&mount.point).ok()?;
        let id = id(mount)?;
        let is_certain = is_certain(&id, mount);
        Some(Volume { former_id: former_id(mount), id, kind: mount.kind.clone(), inner: mount.root.join(below), is_certain })
    }

    /// Whether a stored id is of this filesystem.
    pub fn has(&self, id: &str) -> bool {
        self.id == id || self.former_id.as_deref() == Some(id)
    }

    /// The current paths of the folder `inner` of a filesystem: one for each of its mounts that shows it.
    pub fn find(id: &str, inner: &Path) -> Vec<PathBuf> {
        let mounts = Mounts::now();
        let is_it = |found: Option<String>| found.is_some_and(|found| found == id);
        let places = mounts.iter().filter(|m| is_it(self::id(m)) || id.starts_with("fsid:") && is_it(former_id(m)));
        let folder = |m: &Mount| {
            let below = inner.strip_prefix(&m.root).ok()?;
            // Joining an empty path would add a slash.
            Some(if below.as_os_str().is_empty() { m.point.clone() } else { m.point.join(below) })
        };
        places.filter_map(folder).filter(|folder| folder.is_dir()).collect()
    }

    /// Whether another filesystem than that around it is mounted at this very path.
    pub fn is_mounted_apart(path: &Path) -> bool {
        let mounts = Mounts::now();
        let around = path.parent().and_then(|parent| mounts.holding(parent));
        let is_apart = |mount: &Mount| around.is_none_or(|around| around.device != mount.device);
        mounts.holding(path).is_some_and(|mount| mount.point == path && !mount.is_automount() && is_apart(mount))
    }

    /// Whether anything is mounted at this very path, such as a folder of the filesystem around it.
    pub fn is_mount_point(path: &Path) -> bool {
        Mounts::now().holding(path).is_some_and(|mount| mount.point == path && !mount.is_automount())
    }

    /// Why changes of a folder may go unnoticed. `None` if all changes raise events.
    pub fn why_unwatched(folder: &Path) -> Option<String> {
        why_unwatched(Mounts::now().holding(folder)?)
    }
}

/// Returns why changes on a mount may go unnoticed. `None` if all changes raise events.
pub fn why_unwatched(mount: &Mount) -> Option<String> {
    is_remote(mount).then(|| format!("a {} filesystem does not report all changes", mount.kind))
}

/// Returns whether a program or another machine answers for a filesystem. It may never do so.
pub fn is_remote(mount: &Mount) -> bool {
    TYPES_WITHOUT_EVENTS.contains(&mount.kind.as_str()) || mount.is_fuse()
}

/// Numbers for filesystems and files in stamps. They do not change when device numbers change.
#[derive(Debug, Default)]
pub struct Volumes {
    of_devices: HashMap<u64, Numbers>,
    /// The number of each filesystem, and the one that an earlier version gave it.
    of_points: HashMap<PathBuf, (u64, Option<u64>)>,
    mounts: Option<Mounts>,
}

/// How the files of a device are numbered.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// The number of the filesystem.
    pub volume: u64,
    /// Tells apart the inodes of subvolumes. `None` if inode numbers do not last.
    subvolume: Option<u64>,
}

impl Numbers {
    /// The number of a file in its filesystem, or 0 if such numbers do not last.
    pub fn inode(self, inode: u64) -> u64 {
        self.subvolume.map_or(0, |subvolume| inode ^ subvolume)
    }
}

impl Volumes {
    /// How the files of a folder are numbered. `device` is that of the folder.
    pub fn numbers(&mut self, folder: &Path, device: u64) -> Numbers {
        if let Some(numbers) = self.of_devices.get(&device) {
            return *numbers;
        }
        let mounts = self.mounts.get_or_insert_with(Mounts::now);
        let mount = mounts.holding(folder).filter(|_| fs::metadata(folder).is_ok_and(|m| m.dev() == device));
        let by_mount = |mount: &Mount| {
            let subvolume = if mount.kind == "btrfs" { rustix::fs::statvfs(folder).ok()?.f_fsid } else { 0 };
            Some(Numbers { volume: number(&volume_id(mount, mounts)?), subvolume: mount.numbers_last().then_some(subvolume) })
        };
        let numbers = mount.and_then(by_mount).unwrap_or(Numbers { volume: device, subvolume: Some(0) });
        self.of_devices.insert(device, numbers);
        numbers
    }

    /// The number of the filesystem that is now at a path, which need not exist. `None` if it is not known.
    pub fn at(&mut self, path: &Path) -> Option<u64> {
        Some(self.numbers_at(path)?.0)
    }

    /// Whether the filesystem that is now at a path, which need not exist, is another than the one with this number.
    pub fn is_another_at(&mut self, path: &Path, volume: u64) -> bool {
        self.numbers_at(path).is_some_and(|(now, former)| now != volume && former != Some(volume))
    }

    fn numbers_at(&mut self, path: &Path) -> Option<(u64, Option<u64>)> {
        let mounts = self.mounts.get_or_insert_with(Mounts::now);
        let mount = mounts.holding(path)?;
        if let Some(numbers) = self.of_points.get(&mount.point) {
            return Some(*numbers);
        }
        let now = volume_id(mount, mounts).map(|id| number(&id)).or_else(|| Some(fs::metadata(&mount.point).ok()?.dev()))?;
        let numbers = (now, former_id(mount).map(|id| number(&id)));
        self.of_points.insert(mount.point.clone(), numbers);
        Some(numbers)
    }
}

/// The name of a mounted filesystem in stamps. While the clone of a disk is mounted beside it, the later mount is named by
/// its device too: their inodes have the same numbers.
fn volume_id(mount: &Mount, mounts: &Mounts) -> Option<String> {
    let id = id(mount)?;
    let may_be_twin = |other: &Mount| other.number < mount.number && other.kind == mount.kind && other.device != mount.device;
    let is_twin = |other: &Mount| may_be_twin(other) && self::id(other).as_ref() == Some(&id);
    let is_clone = mounts.iter().any(is_twin);
    Some(if is_clone { format!("{id}:{}", mount.device) } else { id })
}

fn number(id: &str) -> u64 {
    u64::from_le_bytes(blake3::hash(id.as_bytes()).as_bytes()[..8].try_into().expect("eight bytes"))
}

/// The name by which a mounted filesystem is recognised.
fn id(mount: &Mount) -> Option<String> {
    // Asking for it would mount it.
    if mount.is_automount() {
        return None;
    }
    if let Some(uuid) = uuid(Path::new(&mount.source)) {
        return Some(format!("uuid:{uuid}"));
    }
    // On these, `statvfs` would block for ever if the server does not answer.
    if TYPES_WITHOUT_EVENTS.contains(&mount.kind.as_str()) || mount.is_fuse() {
        return Some(format!("share:{}:{}", mount.kind, mount.source.display()));
    }
    let fsid = fsid(mount)?;
    Some(fsid_name(mount.subvolume.filter(|_| mount.kind == "btrfs").map_or(fsid, |subvolume| whole_btrfs(fsid, subvolume))))
}

/// The name by which an earlier version recognised a subvolume of btrfs: another one for each. `None` on other filesystems.
fn former_id(mount: &Mount) -> Option<String> {
    // On other filesystems `fsid` might block.
    let is_it = mount.kind == "btrfs" && mount.subvolume.is_some() && uuid(Path::new(&mount.source)).is_none();
    is_it.then(|| fsid(mount).map(fsid_name)).flatten()
}

/// The kernel's number of the mounted filesystem.
fn fsid(mount: &Mount) -> Option<u64> {
    rustix::fs::statvfs(&mount.point).ok().map(|found| found.f_fsid).filter(|&fsid| fsid != 0)
}

fn fsid_name(fsid: u64) -> String {
    format!("fsid:{fsid:016x}")
}

/// The number of a whole btrfs filesystem, from the number that the kernel gives for one of its subvolumes. That is the
/// former with the number of the subvolume mixed in, its halves exchanged (`btrfs_statfs`).
fn whole_btrfs(fsid: u64, subvolume: u64) -> u64 {
    fsid ^ subvolume.rotate_left(32)
}

/// Returns whether an id is of one filesystem only.
fn is_certain(id: &str, mount: &Mount) -> bool {
    let names_a_host = || mount.source.as_encoded_bytes().contains(&b':');
    id.starts_with("uuid:") || !NUMBERED_BY_DEVICE.contains(&mount.kind.as_str()) && (!mount.is_fuse() || names_a_host())
}

/// The UUID of a device, from udev.
fn uuid(device: &Path) -> Option<String> {
    let device = fs::canonicalize(device).ok().filter(|_| device.is_absolute())?;
    let links = fs::read_dir("/dev/disk/by-uuid").ok()?.flatten();
    let named = links.into_iter().find(|link| fs::canonicalize(link.path()).is_ok_and(|target| target == device));
    named.map(|link| link.file_name().to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_certain_only_if_no_other_filesystem_can_have_it() {
        let mount = |kind: &str, source: &str| Mount {
            number: 1,
            device: "8:17".into(),
            root: "/".into(),
            point: "/media/card".into(),
            kind: kind.into(),
            source: source.into(),
            subvolume: None,
        };
        for (id, kind, source, certain) in [
            ("uuid:1A2B-3C4D", "vfat", "/dev/sdb1", true),
            ("fsid:0000000000000811", "vfat", "/dev/sdb1", false),
            ("fsid:0000000000000811", "exfat", "/dev/sdb1", false),
            ("fsid:0000000000000700", "xfs", "/dev/loop0", false),
            ("fsid:0000000000000700", "f2fs", "/dev/loop0", false),
            ("fsid:0000000000000700", "hfsplus", "/dev/loop0", false),
            ("fsid:0000000000000b00", "udf", "/dev/sr0", false),
            ("fsid:0000000000000b00", "iso9660", "/dev/sr0", false),
            ("fsid:0000000000000700", "squashfs", "/dev/loop0", false),
            ("uuid:5a0e3a86-4d5c-4f0c-8a53-95d6c3d0a1c4", "xfs", "/dev/sdb1", true),
            ("fsid:5bd2ab8c00b1f7aa", "ext4", "/dev/sdb1", true),
            ("fsid:5bd2ab8c00b1f7aa", "btrfs", "/dev/sdb1", true),
            ("share:fuseblk:/dev/sdb1", "fuseblk", "/dev/sdb1", false),
            ("share:fuse.simple-mtpfs:simple-mtpfs", "fuse.simple-mtpfs", "simple-mtpfs", false),
            ("share:fuse.sshfs:me@nas:/photos", "fuse.sshfs", "me@nas:/photos", true),
            ("share:nfs4:nas:/photos", "nfs4", "nas:/photos", true),
        ] {
            assert_eq!(is_certain(id, &mount(kind, source)), certain, "{id}");
        }
    }

    /// Of one filesystem: the top level is subvolume 5, and the first that was made is 256.
    #[test]
    fn all_subvolumes_of_btrfs_are_one_filesystem() {
        let whole = 0x1122_3344_5566_7788_u64;
        let of = |subvolume: u64| {
            // The first half has the upper bits of the subvolume's number, the second the lower ones.
            let (first, second) = (whole as u32 ^ (subvolume >> 32) as u32, (whole >> 32) as u32 ^ subvolume as u32);
            u64::from(first) | u64::from(second) << 32
        };
        assert_ne!(of(5), of(256));
        for subvolume in [5, 256, 70_000, 1 << 33 | 7] {
            assert_eq!(whole_btrfs(of(subvolume), subvolume), whole);
        }
    }

    #[test]
    fn a_folder_is_found_again_by_its_volume() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = fs::canonicalize(folder.path()).expect("there");
        let Some(volume) = Volume::of(&folder) else { return crate::sys::skip("there is no mount table") };
        let again = Volume::find(&volume.id, &volume.inner);
        let number = |path: &PathBuf| fs::metadata(path).expect("there").ino();
        assert!(!again.is_empty() && again.iter().all(|path| number(path) == number(&folder)), "{again:?}");
        assert_eq!(Volume::find("uuid:none", &volume.inner), Vec::<PathBuf>::new());
    }
}
