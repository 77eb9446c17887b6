//! The mounts that this process sees, from the mount table of Linux. On other systems none are known.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The mount table of this process.
const TABLE: &str = "/proc/self/mountinfo";

/// Filesystems whose inode numbers do not last: a file gets a new one at every mount, or whenever the kernel drops it
/// from its cache.
const UNNUMBERED: [&str; 4] = ["vfat", "msdos", "exfat", "cifs"];

/// Filesystems that show files of others, with numbers and times of their own. Any of FUSE may do so, unless it is on a device.
const VIEWS: [&str; 6] = ["overlay", "aufs", "unionfs", "ecryptfs", "shiftfs", "wrapfs"];

/// A mount: one line of the table.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The kernel's number of the mount.
    pub number: u32,
    /// `major:minor` of the filesystem, the same in every process.
    pub device: String,
    /// The folder of the filesystem that is mounted.
    pub root: PathBuf,
    /// Where it is mounted.
    pub point: PathBuf,
    /// `ext4`, `vfat`, `nfs4`.
    pub kind: String,
    /// A device, or the name of a network share.
    pub source: OsString,
    /// The number of the mounted subvolume, on btrfs.
    pub subvolume: Option<u64>,
}

impl Mount {
    pub fn is_fuse(&self) -> bool {
        self.kind.starts_with("fuse")
    }

    /// Returns whether something is mounted here only when it is used.
    pub fn is_automount(&self) -> bool {
        self.kind == "autofs"
    }

    /// Returns whether files keep their inode numbers.
    pub fn numbers_last(&self) -> bool {
        !UNNUMBERED.contains(&self.kind.as_str()) && !self.is_fuse()
    }

    /// Returns whether its files may be those of another filesystem.
    fn may_be_view(&self) -> bool {
        self.is_fuse() && self.kind != "fuseblk" || VIEWS.contains(&self.kind.as_str())
    }

    /// Returns whether a file may have several spellings, and a number for each. With SMB the server decides.
    fn may_ignore_case(&self) -> bool {
        !self.numbers_last() || self.kind == "smb3"
    }

    /// Returns a path within the filesystem, as one that ignores case may take it. Accents are compared as they are written.
    fn folded(&self, path: &Path) -> String {
        let within = path.strip_prefix(&self.point).map_or_else(|_| path.to_owned(), |rest| self.root.join(rest));
        within.to_string_lossy().chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
    }
}

/// Why two paths may lead to one file, whatever its numbers, size and times say at each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OneFile {
    /// One of them is on a filesystem of this kind, which may show files of the other's.
    Shown(String),
    /// They may be two spellings of one path.
    Spelled,
}

/// All mounts at one moment. Of two mounts at one point, the later hides the earlier.
#[derive(Clone, Debug, Default)]
pub struct Mounts(Vec<Mount>);

impl Mounts {
    /// Reads the mount table. On a system without one, the result is empty.
    pub fn now() -> Mounts {
        Mounts::parse(&fs::read(TABLE).unwrap_or_default())
    }

    pub fn parse(table: &[u8]) -> Mounts {
        Mounts(table.split(|&b| b == b'\n').filter_map(parse_line).collect())
    }

    /// Returns the mount that a path is on: the one with the nearest mount point, and the last if several are there.
    pub fn holding(&self, path: &Path) -> Option<&Mount> {
        self.0.iter().filter(|m| path.starts_with(&m.point)).max_by_key(|m| m.point.as_os_str().len())
    }

    /// Returns whether a whole filesystem is mounted at a path.
    pub fn is_whole(&self, path: &Path) -> bool {
        self.holding(path).is_some_and(|mount| mount.point == path && mount.root == Path::new("/"))
    }

    /// Returns why two paths with different numbers may lead to one file, if they may.
    pub fn may_be_one_file(&self, paths: [&Path; 2], is_one_device: bool) -> Option<OneFile> {
        let mounts = paths.map(|path| self.holding(path));
        if !is_one_device {
            let view = mounts.into_iter().flatten().find(|mount| mount.may_be_view())?;
            return Some(OneFile::Shown(view.kind.clone()));
        }
        let [Some(a), Some(b)] = mounts else { return None };
        (a.may_ignore_case() && a.folded(paths[0]) == b.folded(paths[1])).then_some(OneFile::Spelled)
    }

    /// Whether what is at a path is lost when the machine is turned off.
    pub fn is_in_memory(&self, path: &Path) -> bool {
        self.holding(path).is_some_and(|mount| matches!(mount.kind.as_str(), "tmpfs" | "ramfs"))
    }

    /// Returns the mounts below a folder, without one at the folder itself.
    pub fn below(&self, folder: &Path) -> impl Iterator<Item = &Mount> {
        self.0.iter().filter(move |m| m.point != folder && m.point.starts_with(folder))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Mount> {
        self.0.iter()
    }
}

/// Parses a line of mountinfo (proc(5)): `36 35 98:0 /root /point options … - kind source options`.
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&b| b == b' ');
    let number = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let device = String::from_utf8_lossy(fields.nth(1)?).into_owned();
    let root = unescaped(fields.next()?);
    let point = unescaped(fields.next()?);
    let mut rest = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = String::from_utf8_lossy(rest.next()?).into_owned();
    let source = OsString::from_vec(unescaped(rest.next()?));
    let subvolume = rest.next().and_then(subvolume);
    Some(Mount { number, device, root: OsString::from_vec(root).into(), point: OsString::from_vec(point).into(), kind, source, subvolume })
}

/// The number of the subvolume, from the options of a filesystem: `rw,subvolid=256,subvol=/photos`.
fn subvolume(options: &[u8]) -> Option<u64> {
    let number = options.split(|&b| b == b',').find_map(|option| option.strip_prefix(b"subvolid="))?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// Undoes the kernel's escapes: white space and backslashes are written as a backslash and three octal digits.
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

    const TABLE: &[u8] = br"22 1 8:2 / / rw - ext4 /dev/sda2 rw
36 22 8:17 /photos /media/me/Old\040Disk rw,noatime master:1 shared:7 - ext4 /dev/sdb1 rw,errors=continue
37 36 0:52 / /media/me/Old\040Disk/phone rw - fuse.sshfs me@phone: rw
38 22 8:33 / /media/me/Old\040Disk rw - vfat /dev/sdc1 rw";

    #[test]
    fn a_line_of_the_mount_table() {
        let mounts = Mounts::parse(TABLE);
        let disk = &mounts.0[1];
        assert_eq!((disk.root.as_path(), disk.point.as_path()), (Path::new("/photos"), Path::new("/media/me/Old Disk")));
        assert_eq!((disk.kind.as_str(), disk.source.to_str(), disk.device.as_str(), disk.number), ("ext4", Some("/dev/sdb1"), "8:17", 36));
        assert!(parse_line(b"36 35 98:0").is_none());
        assert_eq!(disk.subvolume, None);
        let subvolume = parse_line(b"40 22 0:30 /photos /media/b rw - btrfs /dev/sdb rw,ssd,subvolid=256,subvol=/photos");
        assert_eq!(subvolume.expect("a mount").subvolume, Some(256));
    }

    #[test]
    fn two_paths_may_lead_to_one_file_on_a_view_and_where_case_is_ignored() {
        let mounts = Mounts::parse(
            b"22 1 8:2 / / rw - ext4 /dev/sda2 rw
36 22 0:50 / /bound rw - fuse.bindfs /photos rw
37 22 0:51 / /merged rw - overlay overlay rw,lowerdir=/photos
38 22 8:17 / /card rw - fuseblk /dev/sdb1 rw
39 22 8:17 /DCIM /camera rw - fuseblk /dev/sdb1 rw
40 22 0:52 / /nas rw - nfs4 nas:/photos rw
41 22 0:53 / /secret rw - ecryptfs /private rw",
        );
        let found = |a: &str, b: &str, is_one_device| mounts.may_be_one_file([a, b].map(Path::new), is_one_device);
        for (view, kind) in [("/bound/a.jpg", "fuse.bindfs"), ("/merged/a.jpg", "overlay"), ("/secret/a.jpg", "ecryptfs")] {
            let shown = Some(OneFile::Shown(kind.to_owned()));
            assert_eq!([found(view, "/photos/b.jpg", false), found("/card/b.jpg", view, false)], [shown.clone(), shown], "{view}");
            assert_eq!(found(view, "/bound/sub/a.jpg", true), None, "two files of one view");
        }
        assert_eq!(found("/photos/a.jpg", "/card/a.jpg", false), None, "two disks");
        assert_eq!(found("/photos/a.jpg", "/nas/a.jpg", false), None, "its times tell");
        let spelled = Some(OneFile::Spelled);
        assert_eq!(found("/card/DCIM/\u{c4}1.JPG", "/card/dcim/\u{e4}1.jpg", true), spelled);
        assert_eq!(found("/card/dcim/1.jpg", "/camera/1.JPG", true), spelled, "at two mount points");
        assert_eq!(found("/card/DCIM/1.jpg", "/card/DCIM/2.jpg", true), None);
        assert_eq!(found("/photos/A.jpg", "/photos/a.jpg", true), None, "its numbers tell");
    }

    #[test]
    fn a_path_is_on_the_topmost_of_the_nearest_mounts() {
        let mounts = Mounts::parse(TABLE);
        let kind = |path: &str| mounts.holding(Path::new(path)).map(|m| (m.kind.as_str(), m.numbers_last()));
        assert_eq!(kind("/home/me"), Some(("ext4", true)));
        assert_eq!(kind("/media/me/Old Disk/a.jpg"), Some(("vfat", false)));
        assert_eq!(kind("/media/me/Old Disk/phone/a.jpg"), Some(("fuse.sshfs", false)));
        assert_eq!(kind("/media/me/Old Disks"), Some(("ext4", true)));
        let whole = ["/", "/media/me/Old Disk", "/media/me/Old Disk/DCIM", "/media/me"].map(|path| mounts.is_whole(Path::new(path)));
        assert_eq!(whole, [true, true, false, false]);
        assert!(!Mounts::parse(b"36 22 8:17 /photos /disk rw - ext4 /dev/sdb1 rw").is_whole(Path::new("/disk")), "a folder of one");
        let below: Vec<&Path> = mounts.below(Path::new("/media/me/Old Disk")).map(|m| m.point.as_path()).collect();
        assert_eq!(below, [Path::new("/media/me/Old Disk/phone")]);
    }
}
