//! What a tuning learns to hold together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;

/// The positives of a tuning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Positives {
    /// Versions of one photo: what `dupes` looks for.
    Edits,
    /// Photos of one folder: for `similar` only.
    Folders,
    /// Photos that a person decided to be the same. They tune the version model; the others tune a head.
    Decisions,
}

names!(Positives, "kind of positives" { Edits: "edits", Folders: "folders", Decisions: "decisions" });
