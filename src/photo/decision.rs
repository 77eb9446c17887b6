//! Decisions on two photos.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PictureHash;
use super::names::names;

/// Whether two photos are versions of each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Same,
    Different,
}

names!(Verdict, "verdict" { Same: "same", Different: "different" });

/// A verdict on two photos. It refers to picture hashes, so it outlives moves, copies and the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    pub a: PictureHash,
    pub b: PictureHash,
    pub verdict: Verdict,
    /// Seconds since 1970.
    pub made: i64,
}

/// All decisions, at most one for each two photos.
#[derive(Clone, Default, Debug)]
pub struct Decisions(HashMap<(PictureHash, PictureHash), Decision>);

impl Decisions {
    pub fn new(decisions: impl IntoIterator<Item = Decision>) -> Decisions {
        Decisions(decisions.into_iter().map(|d| (ordered(d.a, d.b), d)).collect())
    }

    pub fn of(&self, a: PictureHash, b: PictureHash) -> Option<Verdict> {
        self.0.get(&ordered(a, b)).map(|d| d.verdict)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Decision> {
        self.0.values()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns two picture hashes in the order in which their decision is stored.
pub fn ordered(a: PictureHash, b: PictureHash) -> (PictureHash, PictureHash) {
    (a.min(b), a.max(b))
}
