//! Which filesystem a folder is on, known again at another mount point. Linux: the mount table.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where the kernel lists the mounts that this process sees.
const MOUNTS: &str = "/proc/self/mountinfo";

/// Filesystems whose changes by others, or all of them, raise no event here.
const SILENT: [&str; 12] = ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "vboxsf", "virtiofs", "prl_fs"];

/// Filesystems that number their files anew at every mount.
const UNNUMBERED: [&str; 4] = ["vfat", "msdos", "exfat", "cifs"];

/// A filesystem as it is known again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Volume {
    /// `uuid:…`, `share:…` of a network's filesystem, or `fsid:…` as the kernel numbers it.
    pub id: String,
    /// `ext4`, `vfat`, `nfs4`.
    pub kind: String,
    /// The folder's path inside the filesystem.
    pub inner: PathBuf,
}

impl Volume {
    /// The filesystem that holds a folder; `None` where there is no mount table.
    pub fn of(folder: &Path) -> Option<Volume> {
        let mounts = mounts();
        // Of two mounts on one point the later hides the earlier.
        let mount = mounts.iter().rev().filter(|m| folder.starts_with(&m.point)).max_by_key(|m| m.point.as_os_str().len())?;
        let below = folder.strip_prefix(&mount.point).ok()?;
        Some(Volume { id: mount.id()?, kind: mount.kind.clone(), inner: mount.root.join(below) })
    }

    /// Where the folder `inner` of a filesystem is now, if that is mounted anywhere.
    pub fn find(id: &str, inner: &Path) -> Option<PathBuf> {
        let places = mounts().into_iter().filter(|m| m.id().is_some_and(|found| found == id));
        let folder = |m: Mount| {
            let below = inner.strip_prefix(&m.root).ok()?;
            // Joining an empty path would add a slash.
            Some(if below.as_os_str().is_empty() { m.point.clone() } else { m.point.join(below) })
        };
        places.filter_map(folder).find(|folder| folder.is_dir())
    }

    /// Why changes may go unnoticed, where they may.
    pub fn silence(&self) -> Option<String> {
        let silent = SILENT.contains(&self.kind.as_str()) || self.kind.starts_with("fuse");
        silent.then(|| format!("a {} filesystem does not tell of all changes", self.kind))
    }
}

/// Numbers that stand for filesystems in stamps, and stay the same when device numbers change.
#[derive(Debug, Default)]
pub struct Volumes {
    known: HashMap<u64, (u64, bool)>,
}

impl Volumes {
    /// The number of the filesystem that a file in `folder` is on, and whether the inode numbers
    /// there last.
    pub fn number(&mut self, folder: &Path, device: u64) -> (u64, bool) {
        *self.known.entry(device).or_insert_with(|| {
            let volume = Volume::of(folder).filter(|_| fs::metadata(folder).is_ok_and(|m| m.dev() == device));
            volume.map_or((device, true), |v| (number(&v.id), !UNNUMBERED.contains(&v.kind.as_str()) && !v.kind.starts_with("fuse")))
        })
    }

    /// All filesystems that are mounted.
    pub fn mounted() -> Volumes {
        let ids = mounts().into_iter().filter_map(|mount| mount.id());
        Volumes { known: ids.map(|id| (number(&id), (number(&id), true))).collect() }
    }

    /// Whether a number stands for one of these.
    pub fn hold(&self, number: u64) -> bool {
        self.known.values().any(|(known, _)| *known == number)
    }

    #[cfg(test)]
    pub fn of_numbers(numbers: impl IntoIterator<Item = u64>) -> Volumes {
        Volumes { known: numbers.into_iter().map(|number| (number, (number, true))).collect() }
    }
}

fn number(id: &str) -> u64 {
    u64::from_le_bytes(blake3::hash(id.as_bytes()).as_bytes()[..8].try_into().expect("eight bytes"))
}

struct Mount {
    /// The folder of the filesystem that is mounted.
    root: PathBuf,
    point: PathBuf,
    kind: String,
    source: OsString,
}

impl Mount {
    fn id(&self) -> Option<String> {
        if let Some(uuid) = uuid(Path::new(&self.source)) {
            return Some(format!("uuid:{uuid}"));
        }
        // Asking these where nobody answers would wait for ever.
        if SILENT.contains(&self.kind.as_str()) || self.kind.starts_with("fuse") {
            return Some(format!("share:{}:{}", self.kind, self.source.display()));
        }
        let fsid = rustix::fs::statvfs(&self.point).ok()?.f_fsid;
        (fsid != 0).then(|| format!("fsid:{fsid:016x}"))
    }
}

/// The UUID that udev read from a device.
fn uuid(device: &Path) -> Option<String> {
    let device = fs::canonicalize(device).ok().filter(|_| device.is_absolute())?;
    let links = fs::read_dir("/dev/disk/by-uuid").ok()?.flatten();
    let named = links.into_iter().find(|link| fs::canonicalize(link.path()).is_ok_and(|target| target == device));
    named.map(|link| link.file_name().to_string_lossy().into_owned())
}

fn mounts() -> Vec<Mount> {
    let table = fs::read(MOUNTS).unwrap_or_default();
    table.split(|&b| b == b'\n').filter_map(mount).collect()
}

/// A line of proc(5)'s mountinfo: `36 35 98:0 /root /point options … - kind source options`.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&b| b == b' ');
    let root = unescaped(fields.nth(3)?);
    let point = unescaped(fields.next()?);
    let mut rest = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = String::from_utf8_lossy(rest.next()?).into_owned();
    let source = OsString::from_vec(unescaped(rest.next()?));
    Some(Mount { root: OsString::from_vec(root).into(), point: OsString::from_vec(point).into(), kind, source })
}

/// Blanks and backslashes stand as three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut at = 0;
    while at < field.len() {
        let code = field.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match code.filter(|_| field[at] == b'\\') {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(field[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_mount_table() {
        let line = br"36 35 98:0 /photos /media/me/Old\040Disk rw,noatime master:1 shared:7 - ext4 /dev/sdb1 rw,errors=continue";
        let mount = mount(line).expect("a mount");
        assert_eq!((mount.root, mount.point), ("/photos".into(), PathBuf::from("/media/me/Old Disk")));
        assert_eq!((mount.kind.as_str(), mount.source), ("ext4", "/dev/sdb1".into()));
        assert!(super::mount(b"36 35 98:0").is_none());
    }

    #[test]
    fn a_folder_is_found_again_by_its_volume() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = fs::canonicalize(folder.path()).expect("there");
        let Some(volume) = Volume::of(&folder) else { return println!("SKIPPED: no mount table") };
        let again = Volume::find(&volume.id, &volume.inner).expect("it is mounted");
        assert_eq!(fs::metadata(again).expect("there").ino(), fs::metadata(&folder).expect("there").ino());
        assert_eq!(Volume::find("uuid:none", &volume.inner), None);
    }
}
