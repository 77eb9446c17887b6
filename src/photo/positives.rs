//! What a head learns to hold together.

use serde::{Deserialize, Serialize};

use super::names::names;

/// The positives that a head was tuned on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Positives {
    /// Versions of one photo: what `dupes` looks for.
    #[default]
    Edits,
    /// Photos of one folder: for `similar` only.
    Folders,
}

names!(Positives, "kind of positives" { Edits: "edits", Folders: "folders" });
