//! On which physical drives a file is. Partitions, logical volumes and subvolumes of one drive are one drive.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

use super::mounts::{Mount, Mounts};

/// Filesystems of other machines. Each share counts as a drive.
const SHARES: [&str; 14] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "glusterfs",
    "davfs",
    "fuse.sshfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.davfs2",
    "fuse.glusterfs",
];

/// How many devices may lie on each other.
const MAX_DEPTH: usize = 8;

/// The drives that a file lies on. A volume may span several: then the loss of one of them may be the loss of the file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Drives {
    Known(BTreeSet<String>),
    /// The system does not say, as of most filesystems of FUSE, and of containers.
    Unknown,
}

/// What a path is stored on.
pub struct Storage {
    pub drives: Drives,
    /// The image files that its filesystem is in, if it is on a loop device. An image may be in another one.
    images: Vec<PathBuf>,
    /// What its filesystem is mounted from, where that is a path: a device, or the folder in which an encrypted one keeps its files.
    sources: Vec<PathBuf>,
}

impl Storage {
    /// Returns what a path is stored on, by a mount table.
    pub fn of(path: &Path, mounts: &Mounts) -> Storage {
        Tree::new(Path::new("/sys"), mounts).storage(path)
    }

    /// The files and folders without which it would be gone, as far as the system names them.
    pub fn holders(&self) -> impl Iterator<Item = &Path> {
        self.images.iter().chain(&self.sources).map(PathBuf::as_path)
    }

    /// Whether it may go when what the other one is stored on is formatted as a whole, with all partitions.
    pub fn goes_with(&self, formatted: &Storage) -> bool {
        if formatted.images.is_empty() {
            return self.drives.overlap(&formatted.drives);
        }
        // An image is formatted, and the drive that it lies on is not.
        self.images.iter().any(|image| formatted.images.contains(image))
    }
}

impl Drives {
    /// Whether both are known, and have a drive in common.
    pub fn overlap(&self, other: &Drives) -> bool {
        match (self, other) {
            (Drives::Known(mine), Drives::Known(theirs)) => !mine.is_disjoint(theirs),
            _ => false,
        }
    }

    /// Returns how many drives hold copies, at least: those that share a drive are one, and one that is unknown may be any of them.
    pub fn count<'a>(all: impl IntoIterator<Item = &'a Drives>) -> usize {
        let (mut apart, mut has_unknown): (Vec<BTreeSet<&str>>, bool) = (Vec::new(), false);
        for drives in all {
            let Drives::Known(drives) = drives else {
                has_unknown = true;
                continue;
            };
            let mut joined: BTreeSet<&str> = drives.iter().map(String::as_str).collect();
            apart.retain(|other| {
                let is_apart = other.is_disjoint(&joined);
                if !is_apart {
                    joined.extend(other);
                }
                is_apart
            });
            apart.push(joined);
        }
        apart.len().max(usize::from(has_unknown))
    }

    /// The drives of what needs all of these.
    fn joined(all: Vec<Drives>) -> Drives {
        let mut joined = BTreeSet::new();
        for drives in all {
            match drives {
                Drives::Known(drives) => joined.extend(drives),
                Drives::Unknown => return Drives::Unknown,
            }
        }
        if joined.is_empty() { Drives::Unknown } else { Drives::Known(joined) }
    }
}

/// Where the kernel describes devices, and what was passed on the way from a path to its drives.
struct Tree<'a> {
    root: &'a Path,
    mounts: &'a Mounts,
    images: Vec<PathBuf>,
    sources: Vec<PathBuf>,
}

impl<'a> Tree<'a> {
    fn new(root: &'a Path, mounts: &'a Mounts) -> Tree<'a> {
        Tree { root, mounts, images: Vec::new(), sources: Vec::new() }
    }

    fn storage(mut self, path: &Path) -> Storage {
        let drives = self.drives(path, 0);
        Storage { drives, images: self.images, sources: self.sources }
    }

    fn drives(&mut self, path: &Path, depth: usize) -> Drives {
        let Some(mount) = self.mounts.holding(path) else { return Drives::Unknown };
        if SHARES.contains(&mount.kind.as_str()) {
            return Drives::Known(BTreeSet::from([format!("share {}", share(mount))]));
        }
        self.sources.extend(Some(PathBuf::from(&mount.source)).filter(|source| source.is_absolute()));
        let devices = self.devices(mount);
        Drives::joined(devices.iter().map(|device| self.drives_of(device, depth)).collect())
    }

    /// Returns the block devices of a filesystem, as `major:minor`.
    fn devices(&self, mount: &Mount) -> Vec<String> {
        let source = Path::new(&mount.source);
        // The number of a filesystem on no device of its own, as btrfs has one.
        let device = if mount.device.starts_with("0:") {
            let Some(found) = fs::metadata(source).ok().filter(|_| source.is_absolute()) else { return Vec::new() };
            if found.rdev() == 0 {
                return Vec::new();
            }
            format!("{}:{}", major(found.rdev()), minor(found.rdev()))
        } else {
            mount.device.clone()
        };
        if mount.kind == "btrfs" { self.of_btrfs(&device) } else { vec![device] }
    }

    /// Returns all devices of the btrfs that one of them belongs to.
    fn of_btrfs(&self, device: &str) -> Vec<String> {
        let number = |link: &Path| fs::read_to_string(link.join("dev")).ok().map(|text| text.trim().to_owned());
        for filesystem in fs::read_dir(self.root.join("fs/btrfs")).into_iter().flatten().flatten() {
            let links = fs::read_dir(filesystem.path().join("devices")).into_iter().flatten().flatten();
            let devices: Vec<String> = links.filter_map(|link| number(&link.path())).collect();
            if devices.iter().any(|other| other == device) {
                return devices;
            }
        }
        vec![device.to_owned()]
    }

    /// Returns the drives of a block device.
    fn drives_of(&mut self, device: &str, depth: usize) -> Drives {
        match fs::canonicalize(self.root.join("dev/block").join(device)) {
            Ok(folder) => self.drives_at(&folder, depth),
            Err(_) => Drives::Unknown,
        }
    }

    fn drives_at(&mut self, folder: &Path, depth: usize) -> Drives {
        if depth > MAX_DEPTH {
            return Drives::Unknown;
        }
        if folder.join("partition").exists() {
            return folder.parent().map_or(Drives::Unknown, |whole| self.drives_at(whole, depth + 1));
        }
        if let Ok(image) = fs::read(folder.join("loop/backing_file")) {
            let image = PathBuf::from(OsStr::from_bytes(image.strip_suffix(b"\n").unwrap_or(&image)));
            let drives = self.drives(&image, depth + 1);
            self.images.push(image);
            return drives;
        }
        let slaves: Vec<PathBuf> = fs::read_dir(folder.join("slaves")).into_iter().flatten().flatten().map(|slave| slave.path()).collect();
        if slaves.is_empty() {
            // Such as a disk of the network. The disks of NVMe with several paths are virtual too, and have a device.
            if folder.parent().is_some_and(|parent| parent.ends_with("virtual/block")) {
                return Drives::Unknown;
            }
            // The name of the hardware: the namespaces of one NVMe drive have one.
            let hardware = fs::canonicalize(folder.join("device")).unwrap_or_else(|_| folder.to_owned());
            return Drives::Known(BTreeSet::from([hardware.to_string_lossy().into_owned()]));
        }
        let slaves = slaves.iter().map(|slave| fs::canonicalize(slave).map_or(Drives::Unknown, |slave| self.drives_at(&slave, depth + 1)));
        Drives::joined(slaves.collect())
    }
}

/// The name of a share, without the folder of it that is mounted where SMB names that.
fn share(mount: &Mount) -> String {
    let source = mount.source.to_string_lossy();
    match source.strip_prefix("//") {
        Some(rest) => rest.splitn(3, '/').take(2).collect::<Vec<_>>().join("/").to_lowercase(),
        None => source.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The devices of a machine: two partitions of one disk, a logical volume on the second, one that spans two disks, a loop
    /// device whose file is on the first partition, and two namespaces of one NVMe drive.
    fn machine() -> tempfile::TempDir {
        let sys = tempfile::tempdir().expect("a folder");
        let at = |path: &str| sys.path().join(path);
        for folder in [
            "devices/ata1/block/sda/sda1",
            "devices/ata1/block/sda/sda2",
            "devices/ata2/block/sdb",
            "devices/nvme0/nvme0n1",
            "devices/nvme0/nvme0n2",
            "devices/virtual/dm-0/slaves",
            "devices/virtual/dm-1/slaves",
            "devices/virtual/loop0/loop",
            "devices/virtual/loop1/loop1p1",
            "devices/virtual/loop1/loop1p2",
            "devices/virtual/loop1/loop",
            "devices/virtual/dm-2/slaves",
            "devices/virtual/block/nbd0",
            "dev/block",
            "fs/btrfs/u-u-i-d/devices",
        ] {
            fs::create_dir_all(at(folder)).expect("made");
        }
        for (file, text) in [
            ("devices/ata1/block/sda/sda1/partition", "1"),
            ("devices/ata1/block/sda/sda2/partition", "2"),
            ("devices/ata2/block/sdb/dev", "8:16\n"),
            ("devices/nvme0/nvme0n1/dev", "259:0\n"),
            ("devices/virtual/loop0/loop/backing_file", "/first/card.img\n"),
            ("devices/virtual/loop1/loop/backing_file", "/other/two parts.img\n"),
            ("devices/virtual/loop1/loop1p1/partition", "1"),
            ("devices/virtual/loop1/loop1p2/partition", "2"),
        ] {
            fs::write(at(file), text).expect("written");
        }
        for (link, target) in [
            ("dev/block/8:0", "devices/ata1/block/sda"),
            ("dev/block/8:1", "devices/ata1/block/sda/sda1"),
            ("dev/block/8:2", "devices/ata1/block/sda/sda2"),
            ("dev/block/8:16", "devices/ata2/block/sdb"),
            ("dev/block/259:0", "devices/nvme0/nvme0n1"),
            ("dev/block/259:1", "devices/nvme0/nvme0n2"),
            ("dev/block/253:0", "devices/virtual/dm-0"),
            ("dev/block/253:1", "devices/virtual/dm-1"),
            ("dev/block/7:0", "devices/virtual/loop0"),
            ("dev/block/259:11", "devices/virtual/loop1/loop1p1"),
            ("dev/block/259:12", "devices/virtual/loop1/loop1p2"),
            ("dev/block/253:2", "devices/virtual/dm-2"),
            ("dev/block/43:0", "devices/virtual/block/nbd0"),
            ("devices/virtual/dm-2/slaves/loop0", "devices/virtual/loop0"),
            ("devices/virtual/dm-0/slaves/sda2", "devices/ata1/block/sda/sda2"),
            ("devices/virtual/dm-1/slaves/sda2", "devices/ata1/block/sda/sda2"),
            ("devices/virtual/dm-1/slaves/sdb", "devices/ata2/block/sdb"),
            ("devices/nvme0/nvme0n1/device", "devices/nvme0"),
            ("devices/nvme0/nvme0n2/device", "devices/nvme0"),
            ("fs/btrfs/u-u-i-d/devices/sdb", "devices/ata2/block/sdb"),
            ("fs/btrfs/u-u-i-d/devices/nvme0n1", "devices/nvme0/nvme0n1"),
        ] {
            symlink(at(target), at(link)).expect("linked");
        }
        sys
    }

    const MOUNTS: &[u8] = b"20 1 8:1 / /first rw - ext4 /dev/sda1 rw
21 1 8:2 / /second rw - ext4 /dev/sda2 rw
22 1 253:0 / /lvm rw - ext4 /dev/mapper/a rw
23 1 253:1 / /both rw - ext4 /dev/mapper/b rw
24 1 8:16 / /other rw - ext4 /dev/sdb rw
25 1 7:0 / /image rw - vfat /dev/loop0 rw
26 1 259:0 / /fast rw - ext4 /dev/nvme0n1 rw
27 1 259:1 / /fast2 rw - ext4 /dev/nvme0n2 rw
28 1 0:40 / /nas rw - nfs4 nas:/photos rw
29 1 0:41 / /nas2 rw - cifs //NAS/photos/2024 rw
30 1 0:42 / /nas3 rw - cifs //nas/Photos/2025 rw
31 1 0:43 / /merged rw - fuse.mergerfs a:b rw
32 1 0:44 / /memory rw - tmpfs tmpfs rw
33 1 8:16 /sub /wide rw - btrfs /dev/sdb rw
34 1 8:99 / /odd rw - ext4 /dev/sdz rw
35 1 259:11 / /part1 rw - ext4 /dev/loop1p1 rw
36 1 259:12 / /part2 rw - ext4 /dev/loop1p2 rw
37 1 253:2 / /secret rw - ext4 /dev/mapper/secret rw
38 1 43:0 / /network rw - ext4 /dev/nbd0 rw
39 1 0:45 / /decrypted rw - fuse.gocryptfs /first/encrypted rw";

    #[test]
    fn parts_of_one_drive_are_one() {
        let sys = machine();
        let mounts = Mounts::parse(MOUNTS);
        let of = |path: &str| Tree::new(sys.path(), &mounts).drives(&Path::new(path).join("a.jpg"), 0);
        let count = |paths: &[&str]| Drives::count(&paths.iter().map(|path| of(path)).collect::<Vec<_>>());
        for (paths, expected) in [
            (&["/first"][..], 1),
            (&["/first", "/second"], 1),
            (&["/first", "/lvm", "/image", "/secret"], 1),
            (&["/part1", "/part2", "/other"], 1),
            (&["/first", "/other"], 2),
            (&["/first", "/both", "/other"], 1),
            (&["/fast", "/fast2"], 1),
            (&["/wide", "/fast2"], 1),
            (&["/wide", "/first"], 2),
            (&["/nas", "/nas2"], 2),
            (&["/nas2", "/nas3"], 1),
            (&["/merged", "/memory", "/odd", "/nowhere", "/network"], 1),
            // What is unknown may be a view of one that is known.
            (&["/merged", "/first"], 1),
            (&["/merged", "/first", "/nas"], 2),
            (&[], 0),
        ] {
            assert_eq!(count(paths), expected, "{paths:?}");
        }
        assert!(of("/first").overlap(&of("/second")) && of("/both").overlap(&of("/other")));
        assert!(!of("/first").overlap(&of("/other")) && !of("/merged").overlap(&of("/memory")));
    }

    #[test]
    fn a_card_takes_its_partitions_and_images_with_it() {
        let sys = machine();
        let mounts = Mounts::parse(MOUNTS);
        let of = |path: &str| Tree::new(sys.path(), &mounts).storage(&Path::new(path).join("a.jpg"));
        for (copy, card, expected) in [
            ("/second", "/first", true),
            ("/lvm", "/first", true),
            ("/image", "/first", true),
            ("/secret", "/first", true),
            ("/other", "/first", false),
            ("/merged", "/first", false),
            // An image is not the drive that it lies on.
            ("/other", "/part1", false),
            ("/part2", "/part1", true),
            ("/first", "/secret", false),
            ("/secret", "/image", true),
        ] {
            assert_eq!(of(copy).goes_with(&of(card)), expected, "{copy} {card}");
        }
        let holders = |path: &str| of(path).holders().map(Path::to_owned).collect::<Vec<_>>();
        for (path, holder) in [("/secret", "/first/card.img"), ("/part1", "/other/two parts.img"), ("/decrypted", "/first/encrypted")] {
            assert!(holders(path).contains(&PathBuf::from(holder)), "{path}: {:?}", holders(path));
        }
        assert!(holders("/merged").is_empty());
    }

    #[test]
    fn every_path_of_this_machine_has_an_answer() {
        let mounts = Mounts::now();
        for mount in mounts.iter() {
            Storage::of(&mount.point, &mounts);
        }
    }
}
