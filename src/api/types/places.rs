//! The places that a request is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PathText;

/// A place that a request is about, and whether an answer can include all of its photos.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlaceStatus {
    #[serde(flatten)]
    pub path: PathText,
    /// Files that cannot be read as photos do not make a place incomplete. `coverage` counts them.
    pub whole: bool,
    /// Why it is incomplete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Incomplete>,
    /// The known files that are offline or missing, or the files that are not read yet.
    pub files: u64,
}

/// Why an answer about a place is incomplete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Incomplete {
    /// It is not there, or a drive below it is not.
    Offline,
    /// Known files are missing. Many are gone at once, so they are kept until a person confirms it.
    Missing,
    /// Its disk does not answer.
    Silent,
    /// It is being scanned.
    NotListed,
    /// Files are not read yet.
    Pending,
}

/// A folder that is watched.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Watched {
    /// The path that answers are about: that of the request, or another one at which a watched folder shows the same files,
    /// as with a bind mount.
    #[serde(flatten)]
    pub path: PathText,
}
