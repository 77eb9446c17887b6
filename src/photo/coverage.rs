//! How much of a library an answer rests on, and what that took.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts of files; part of every answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// In the index.
    pub indexed: u64,
    /// Seen, not yet read.
    pub pending: u64,
    /// Photos in a format this build does not read.
    pub unsupported: u64,
    /// Could not be read; `simctl failures` says why.
    pub failed: u64,
    /// Under a root that is not there now.
    pub offline: u64,
}

impl std::iter::Sum for Coverage {
    fn sum<I: Iterator<Item = Coverage>>(parts: I) -> Coverage {
        parts.fold(Coverage::default(), |all, part| Coverage {
            indexed: all.indexed + part.indexed,
            pending: all.pending + part.pending,
            unsupported: all.unsupported + part.unsupported,
            failed: all.failed + part.failed,
            offline: all.offline + part.offline,
        })
    }
}

/// What was done since the index was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counters {
    /// Files whose bytes were read.
    pub read: u64,
    /// Photos decoded.
    pub decoded: u64,
    /// Photos that went through the backbone.
    pub embedded: u64,
}
