//! The coverage of an answer, and the work that indexing took.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts of the files that an answer is based on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Files in the index.
    pub indexed: u64,
    /// Files that are not read yet.
    pub pending: u64,
    /// Files of a format, or of a kind of it, that this build does not read.
    pub unsupported: u64,
    /// Files that could not be read. `simctl failures` lists the reasons.
    pub failed: u64,
    /// Files under an offline root.
    pub offline: u64,
    /// Photos of the whole library whose small picture is not kept yet, so that their relations to others may be unknown.
    pub without_picture: u64,
    /// Near photos of the whole library that are not compared yet: their relation is unknown.
    #[serde(default)]
    pub uncompared: u64,
}

impl std::iter::Sum for Coverage {
    fn sum<I: Iterator<Item = Coverage>>(parts: I) -> Coverage {
        parts.fold(Coverage::default(), |all, part| Coverage {
            indexed: all.indexed + part.indexed,
            pending: all.pending + part.pending,
            unsupported: all.unsupported + part.unsupported,
            failed: all.failed + part.failed,
            offline: all.offline + part.offline,
            without_picture: all.without_picture.max(part.without_picture),
            uncompared: all.uncompared.max(part.uncompared),
        })
    }
}

/// Work done since the index was created.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counters {
    /// Files whose bytes were read.
    pub read: u64,
    /// Photos decoded.
    pub decoded: u64,
    /// Photos that went through the backbone.
    pub embedded: u64,
}
