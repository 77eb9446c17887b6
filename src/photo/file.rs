//! Files: their stamp, their state in the index, and their identity.

use serde::{Deserialize, Serialize};

use super::{ContentHash, Dimensions, Format, Metadata, PictureHash};

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
    /// Nanoseconds since 1970. Every write changes it, and no program can set it. Renames, links and modes change it too.
    pub ctime: i64,
    /// When the inode was made, in nanoseconds since 1970. No program can set it. `None` if the filesystem does not say,
    /// or if an older version stored the stamp.
    pub birth: Option<i64>,
}

impl Stamp {
    /// Returns whether `later` is the stamp of the same inode, with the size and time that it had. It may have another
    /// name. An inode number that was used again has another birth time.
    pub fn is_same_inode(&self, later: &Stamp) -> bool {
        let is_same_birth = self.birth.is_none() || later.birth.is_none() || self.birth == later.birth;
        (self.volume, self.inode, self.size, self.mtime) == (later.volume, later.inode, later.size, later.mtime) && is_same_birth
    }

    /// Returns whether `later` is the stamp of the same unchanged file, numbered in another way: its filesystem has another
    /// number, or an older version, which stored no birth time, did not tell subvolumes apart.
    pub fn is_renumbered(&self, later: &Stamp) -> bool {
        let same_times = (self.size, self.mtime, self.ctime) == (later.size, later.mtime, later.ctime);
        let is_same_file = self.birth.is_none() || (self.inode, self.birth) == (later.inode, later.birth);
        later.inode != 0 && self.inode != 0 && same_times && is_same_file
    }

    /// Returns whether the file with this stamp was surely not written to until it had the stamp `later`. A filesystem
    /// without lasting inode numbers has no lasting ctime either.
    pub fn is_unchanged(&self, later: &Stamp) -> bool {
        self.is_same_inode(later) && (self.inode == 0 || self.ctime == later.ctime)
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
    /// The sum of the quantiser steps of a JPEG: the larger, the coarser. The frames of a camera have nearly one.
    pub quantisation: Option<u16>,
}

/// What a decoder says of a file. It may be wrong on purpose: the file may have taken it over.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Claimed {
    pub picture: PictureIdentity,
    pub metadata: Metadata,
    /// See [`PictureData::payload`].
    pub payload: Option<String>,
}

/// What of a file is no metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PictureData {
    pub picture: PictureHash,
    /// The hash of what a JPEG has in segments for metadata and is none: heat, depth or sound. `None` if there is nothing.
    pub payload: Option<String>,
}

impl PictureData {
    /// Whether another file has all of it.
    pub fn is_in(&self, other: &PictureData) -> bool {
        self.picture == other.picture && (self.payload.is_none() || self.payload == other.payload)
    }
}

/// The identity of the picture in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PictureIdentity {
    pub picture: PictureHash,
    pub format: Format,
    pub dimensions: Dimensions,
    pub quantisation: Option<u16>,
}

impl PictureIdentity {
    pub fn with_content(self, content: ContentHash) -> Identity {
        let PictureIdentity { picture, format, dimensions, quantisation } = self;
        Identity { content, picture, format, dimensions, quantisation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { volume: 1, inode: 2, size: 3, mtime: 4, ctime: 5, birth: Some(6) };

    #[test]
    fn a_file_is_the_same_only_if_what_no_program_can_set_is_the_same() {
        for (what, later, same_inode, unchanged) in [
            ("nothing", STAMP, true, true),
            ("renamed, linked, or written to with its time put back", Stamp { ctime: 9, ..STAMP }, true, false),
            ("another file with its inode number", Stamp { birth: Some(9), ..STAMP }, false, false),
            ("written to", Stamp { mtime: 9, ctime: 9, ..STAMP }, false, false),
        ] {
            assert_eq!((STAMP.is_same_inode(&later), STAMP.is_unchanged(&later)), (same_inode, unchanged), "{what}");
        }
    }

    #[test]
    fn a_stamp_of_an_older_version_counts_as_it_did() {
        let older = Stamp { birth: None, ..STAMP };
        assert!(older.is_unchanged(&STAMP) && STAMP.is_unchanged(&older));
    }

    #[test]
    fn a_file_on_a_disk_with_another_number_is_the_same() {
        let elsewhere = Stamp { volume: 9, ..STAMP };
        assert!(STAMP.is_renumbered(&elsewhere) && !STAMP.is_unchanged(&elsewhere));
        assert!(!STAMP.is_renumbered(&Stamp { ctime: 9, ..elsewhere }) && !STAMP.is_renumbered(&Stamp { inode: 9, ..STAMP }));
        assert!(Stamp { birth: None, ..STAMP }.is_renumbered(&Stamp { inode: 9, ..STAMP }), "an older version");
    }

    #[test]
    fn without_lasting_numbers_size_and_time_tell() {
        let on_card = Stamp { inode: 0, ..STAMP };
        assert!(on_card.is_unchanged(&Stamp { ctime: 9, ..on_card }));
        assert!(!on_card.is_unchanged(&Stamp { mtime: 9, ..on_card }));
    }
}
