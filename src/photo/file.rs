//! Files: their stamp, their state in the index, and their identity.

use serde::{Deserialize, Serialize};

use super::{ContentHash, Dimensions, Format, PictureHash};

/// The metadata of a file. A file with an unchanged stamp is not read again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stamp {
    /// A number for the filesystem, independent of device and mount point.
    pub volume: u64,
    /// 0 if the filesystem has no stable inode numbers.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970, negative before.
    pub mtime: i64,
    /// Nanoseconds since 1970. Every rename and link changes it, so it is not used to recognise moves.
    pub ctime: i64,
}

impl Stamp {
    /// Returns whether `other` is the same file under another name: a rename or a hard link.
    pub fn is_same_inode(&self, other: &Stamp) -> bool {
        (self.volume, self.inode, self.size, self.mtime) == (other.volume, other.inode, other.size, other.mtime)
    }
}

/// The entry of a file in the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownFile {
    pub stamp: Stamp,
    pub state: FileState,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileState {
    Indexed,
    Failed,
    Pending,
}

/// The identity of a file, known before it is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    pub content: ContentHash,
    pub picture: PictureHash,
    pub format: Format,
    /// Upright, as the header states them.
    pub dimensions: Dimensions,
}
