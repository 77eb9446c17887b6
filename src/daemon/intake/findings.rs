//! What an intake thread finds out about its roots and their files.

use std::collections::HashSet;
use std::time::Duration;

use crate::photo::{Place, Root};

/// The most files in one message to the writer.
pub(super) const BATCH_FILES: usize = 2000;

/// How long a disk may take to answer.
pub(super) const DISK_TIMEOUT: Duration = Duration::from_secs(20);

/// Whether a root is online.
#[derive(PartialEq, Eq, Debug)]
pub enum Presence {
    /// The root is online. It has its current path and filesystem.
    Online(Root),
    /// The root is offline. It says nothing about the files.
    Offline {
        why: String,
        /// Whether another card, or another disk, is mounted where this one was.
        is_replaced: bool,
    },
}

impl Presence {
    pub(super) fn offline(why: impl Into<String>) -> Presence {
        Presence::Offline { why: why.into(), is_replaced: false }
    }
}

/// The result of recording differences.
#[derive(Default)]
pub struct Recorded {
    /// The number of files that were seen or forgotten.
    pub changes: u64,
    /// Missing files. Many are gone at once, so a person must confirm it.
    pub missing: HashSet<Place>,
    pub away: HashSet<Place>,
}
