//! The filesystem of a folder, recognised at any mount point.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::sys::mounts::{Mount, Mounts};

/// Filesystems that do not report all changes as events.
const TYPES_WITHOUT_EVENTS: [&str; 12] =
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "vboxsf", "virtiofs", "prl_fs"];

/// A filesystem, as it is recognised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Volume {
    /// `uuid:…`, `share:…` for a network filesystem, or `fsid:…`, the kernel's number.
    pub id: String,
    /// `ext4`, `vfat`, `nfs4`.
    pub kind: String,
    /// The folder's path inside the filesystem.
    pub inner: PathBuf,
}

impl Volume {
    /// The filesystem of a folder. `None` if there is no mount table.
    pub fn of(folder: &Path) -> Option<Volume> {
        Volume::on(Mounts::now().holding(folder)?, folder)
    }

    fn on(mount: &Mount, folder: &Path) -> Option<Volume> {
        let below = folder.strip_prefix(&mount.point).ok()?;
        Some(Volume { id: id(mount)?, kind: mount.kind.clone(), inner: mount.root.join(below) })
    }

    /// The current path of the folder `inner` of a filesystem, if that is mounted.
    pub fn find(id: &str, inner: &Path) -> Option<PathBuf> {
        let mounts = Mounts::now();
        let places = mounts.iter().filter(|m| self::id(m).is_some_and(|found| found == id));
        let folder = |m: &Mount| {
            let below = inner.strip_prefix(&m.root).ok()?;
            // Joining an empty path would add a slash.
            Some(if below.as_os_str().is_empty() { m.point.clone() } else { m.point.join(below) })
        };
        places.filter_map(folder).find(|folder| folder.is_dir())
    }

    /// Why changes may go unnoticed. `None` if all changes raise events.
    pub fn silence(&self) -> Option<String> {
        let silent = TYPES_WITHOUT_EVENTS.contains(&self.kind.as_str()) || self.kind.starts_with("fuse");
        silent.then(|| format!("a {} filesystem does not report all changes", self.kind))
    }
}

/// Numbers for filesystems in stamps. They do not change when device numbers change.
#[derive(Debug, Default)]
pub struct Volumes {
    known: HashMap<u64, (u64, bool)>,
}

impl Volumes {
    /// The number of the filesystem of a file in `folder`, and whether its inode numbers are stable.
    pub fn number(&mut self, folder: &Path, device: u64) -> (u64, bool) {
        *self.known.entry(device).or_insert_with(|| {
            let mounts = Mounts::now();
            let mount = mounts.holding(folder).filter(|_| fs::metadata(folder).is_ok_and(|m| m.dev() == device));
            mount.and_then(|m| Some((number(&id(m)?), m.numbers_last()))).unwrap_or((device, true))
        })
    }

    /// All mounted filesystems.
    pub fn mounted() -> Volumes {
        let mounts = Mounts::now();
        let ids = mounts.iter().filter_map(id);
        Volumes { known: ids.map(|id| (number(&id), (number(&id), true))).collect() }
    }

    /// Whether this contains the filesystem with this number.
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

/// The name by which a mounted filesystem is recognised.
fn id(mount: &Mount) -> Option<String> {
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
    fn a_folder_is_found_again_by_its_volume() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = fs::canonicalize(folder.path()).expect("there");
        let Some(volume) = Volume::of(&folder) else { return crate::sys::skip("there is no mount table") };
        let again = Volume::find(&volume.id, &volume.inner).expect("it is mounted");
        assert_eq!(fs::metadata(again).expect("there").ino(), fs::metadata(&folder).expect("there").ino());
        assert_eq!(Volume::find("uuid:none", &volume.inner), None);
    }
}
