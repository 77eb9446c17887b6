//! What photos have in common that a head holds together.

use serde::{Deserialize, Serialize};

use super::names::names;

/// What a head was taught to hold together.
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
