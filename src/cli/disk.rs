//! What is on a disk now, as a check of files that could go sees it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::major;

use crate::api::types::PhotoFile;
use crate::photo::Details;
use crate::sys::mounts::Mounts;

/// The precision of times on a network share, in nanoseconds. Local filesystems have a finer one.
const SHARE_TIME_NS: i64 = 100;

/// What two views of one file have in common, on whatever devices: an overlay, a bindfs and a share pass on the size and the ctime,
/// which no program can set. A share may have a birth time of its own.
pub fn in_all_views(size: u64, ctime_ns: i64) -> (u64, i64) {
    (size, ctime_ns.div_euclid(SHARE_TIME_NS))
}

/// Whether the devices and inodes of two files that are alike [in all views](in_all_views) may be those of one, seen on two devices. Views
/// have the inode number of the file, or make one up. Those that make it up are on no disk of their own, so their device has the major
/// number 0.
pub fn may_be_two_views((a_device, a_inode): (u64, u64), (b_device, b_inode): (u64, u64)) -> bool {
    a_device != b_device && (a_inode == b_inode || [a_device, b_device].into_iter().any(|device| major(device) == 0))
}

/// What is at a path now.
#[derive(Clone, Copy, PartialEq)]
pub struct Now {
    pub is_file: bool,
    pub device: u64,
    pub inode: u64,
    pub links: u64,
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
}

impl Now {
    /// Reads the metadata of a path. Does not follow a symlink.
    pub fn at(path: &Path) -> io::Result<Now> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Now {
            is_file: metadata.is_file(),
            device: metadata.dev(),
            inode: metadata.ino(),
            links: metadata.nlink(),
            size: metadata.size(),
            mtime_ns: metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(),
            ctime_ns: metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec(),
        })
    }

    pub fn is_same_file(&self, other: &Now) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// What all views of it have in common.
    pub fn in_all_views(&self) -> (u64, i64) {
        in_all_views(self.size, self.ctime_ns)
    }

    /// Whether this may be the other file, seen on another device.
    pub fn may_be_view_of(&self, other: &Now) -> bool {
        let number = |now: &Now| (now.device, now.inode);
        self.in_all_views() == other.in_all_views() && may_be_two_views(number(self), number(other))
    }

    /// Whether size and time are those of the file that was read.
    pub fn is_alike(&self, file: &PhotoFile) -> bool {
        self.is_file && (self.size, self.mtime_ns) == (file.size, file.mtime_ns)
    }
}

/// A path, and what was there when it was checked.
#[derive(Clone)]
pub struct Looked {
    pub path: PathBuf,
    pub now: Now,
}

/// The disk, or a stand-in for it.
pub trait Disk {
    fn look(&self, path: &Path) -> io::Result<Now>;

    /// The BLAKE3 hash of the bytes of a file, in hexadecimal.
    fn content(&self, path: &Path) -> io::Result<String>;

    /// The same of the first bytes of a file.
    fn start(&self, path: &Path, bytes: u64) -> io::Result<String>;

    /// What a file says and the daemon does not store. The error says why that cannot be read.
    fn details(&self, path: &Path) -> Result<Details, String>;

    /// Decodes every pixel of a file. The error says what is wrong with it.
    fn decode(&self, path: &Path) -> Result<(), String>;

    /// The notes of a file, in their order.
    fn notes(&self, path: &Path) -> io::Result<Vec<Option<Vec<u8>>>>;

    fn mounts(&self) -> Mounts;

    /// The photos, films, sounds, pictures and sidecars whose names begin as that of a photo, with the photo: those that may be of its
    /// shot.
    fn of_base(&self, photo: &Path) -> io::Result<Vec<PathBuf>>;
}
