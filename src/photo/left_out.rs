//! What a scan saw and did not take.

use std::iter::Sum;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts of files and folders that were seen and are not read, by reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// Symbolic links to folders.
    pub linked_folders: u64,
    /// Symbolic links to photos.
    pub linked_photos: u64,
    /// Other symbolic links: to other files, to nothing, or to what is not asked because it may not answer.
    #[serde(default)]
    pub linked_others: u64,
    /// Links of git-annex to photos. They are not among `linked_photos`.
    pub annexed: u64,
    /// Files and folders whose names begin with a dot.
    pub hidden: u64,
    /// Files and folders that the rules leave out: bins, snapshots and caches of other programs, and those that the
    /// settings exclude.
    pub excluded: u64,
    /// Files whose names have no ending. They may be photos.
    #[serde(default)]
    pub without_ending: u64,
    /// Files that are not photos by their names.
    pub other: u64,
}

impl LeftOut {
    pub fn is_nothing(&self) -> bool {
        *self == LeftOut::default()
    }
}

impl Sum for LeftOut {
    fn sum<I: Iterator<Item = LeftOut>>(parts: I) -> LeftOut {
        parts.fold(LeftOut::default(), |all, part| LeftOut {
            linked_folders: all.linked_folders + part.linked_folders,
            linked_photos: all.linked_photos + part.linked_photos,
            linked_others: all.linked_others + part.linked_others,
            annexed: all.annexed + part.annexed,
            hidden: all.hidden + part.hidden,
            excluded: all.excluded + part.excluded,
            without_ending: all.without_ending + part.without_ending,
            other: all.other + part.other,
        })
    }
}
