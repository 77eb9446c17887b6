//! What a tuning learns to hold together.

use serde::{Deserialize, Serialize};

use super::names::names;

/// The positives of a tuning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Positives {
    /// Versions of one photo: what `dupes` looks for.
    #[default]
    Edits,
    /// Photos of one folder: for `similar` only.
    Folders,
    /// Photos that a person decided to be the same. They tune the version model; the others tune a head.
    Decisions,
}

names!(Positives, "kind of positives" { Edits: "edits", Folders: "folders", Decisions: "decisions" });
