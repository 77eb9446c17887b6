//! The filesystem of a folder, recognised at any mount point.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::sys::mounts::{Mount, Mounts};

/// Filesystems that do not report all changes as events.
const TYPES_WITHOUT_EVENTS: [&str; 12] =
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "vboxsf", "virtiofs", "prl_fs"];

/// Filesystems whose number for `statvfs` is that of their device.
const NUMBERED_BY_DEVICE: [&str; 5] = ["vfat", "msdos", "exfat", "ntfs", "ntfs3"];

/// A filesystem, as it is recognised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Volume {
    /// `uuid:…`, `share:…` for a network filesystem, or `fsid:…`, the kernel's number.
    pub id: String,
    /// `ext4`, `vfat`, `nfs4`.
    pub kind: String,
    /// The folder's path inside the filesystem.
    pub inner: PathBuf,
    /// Whether no other filesystem has this id. FAT, exFAT and NTFS are numbered by their device, so two cards in one slot
    /// have one number, and the name of a FUSE filesystem need not say whose it is.
    pub is_certain: bool,
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
        Some(Volume { id, kind: mount.kind.clone(), inner: mount.root.join(below), is_certain })
    }

    /// The current paths of the folder `inner` of a filesystem: one for each of its mounts that shows it.
    pub fn find(id: &str, inner: &Path) -> Vec<PathBuf> {
        let mounts = Mounts::now();
        let places = mounts.iter().filter(|m| self::id(m).is_some_and(|found| found == id));
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

    /// Why changes of a folder may go unnoticed. `None` if all changes raise events.
    pub fn silence(folder: &Path) -> Option<String> {
        silence(Mounts::now().holding(folder)?)
    }
}

/// Returns why changes on a mount may go unnoticed. `None` if all changes raise events.
pub fn silence(mount: &Mount) -> Option<String> {
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
    of_points: HashMap<PathBuf, u64>,
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

    /// The number of the filesystem that is now at a path, which need not exist. `None` if it cannot be told.
    pub fn at(&mut self, path: &Path) -> Option<u64> {
        let mounts = self.mounts.get_or_insert_with(Mounts::now);
        let mount = mounts.holding(path)?;
        if let Some(number) = self.of_points.get(&mount.point) {
            return Some(*number);
        }
        let number = volume_id(mount, mounts).map(|id| number(&id)).or_else(|| Some(fs::metadata(&mount.point).ok()?.dev()))?;
        self.of_points.insert(mount.point.clone(), number);
        Some(number)
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
    let fsid = rustix::fs::statvfs(&mount.point).ok()?.f_fsid;
    (fsid != 0).then(|| format!("fsid:{fsid:016x}"))
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
        };
        for (id, kind, source, certain) in [
            ("uuid:1A2B-3C4D", "vfat", "/dev/sdb1", true),
            ("fsid:0000000000000811", "vfat", "/dev/sdb1", false),
            ("fsid:0000000000000811", "exfat", "/dev/sdb1", false),
            ("fsid:5bd2ab8c00b1f7aa", "ext4", "/dev/sdb1", true),
            ("share:fuseblk:/dev/sdb1", "fuseblk", "/dev/sdb1", false),
            ("share:fuse.simple-mtpfs:simple-mtpfs", "fuse.simple-mtpfs", "simple-mtpfs", false),
            ("share:fuse.sshfs:me@nas:/photos", "fuse.sshfs", "me@nas:/photos", true),
            ("share:nfs4:nas:/photos", "nfs4", "nas:/photos", true),
        ] {
            assert_eq!(is_certain(id, &mount(kind, source)), certain, "{id}");
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
