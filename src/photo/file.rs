//! What is known of a file without, and with, reading it.

use serde::{Deserialize, Serialize};

use super::{ContentHash, Dimensions, Format, PictureHash};

/// What the filesystem says of a file. An equal stamp is not read again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stamp {
    /// Stands for the filesystem, at whatever device and mount point it is.
    pub volume: u64,
    /// 0 where the filesystem keeps no lasting numbers.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970, negative before.
    pub mtime: i64,
    /// Nanoseconds since 1970. Changes with every rename and link, so moves ignore it.
    pub ctime: i64,
}

impl Stamp {
    /// Whether `other` is the same bytes under another name: a rename or a hard link.
    pub fn is_same_inode(&self, other: &Stamp) -> bool {
        (self.volume, self.inode, self.size, self.mtime) == (other.volume, other.inode, other.size, other.mtime)
    }
}

/// What the index says of a file.
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

/// What a file's bytes are, known before anything is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    pub content: ContentHash,
    pub picture: PictureHash,
    pub format: Format,
    /// Upright, as the header states them.
    pub dimensions: Dimensions,
}
