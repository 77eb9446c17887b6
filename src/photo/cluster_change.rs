//! How the clusters of a library changed.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;

/// How a cluster changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Change")]
pub enum ClusterChangeKind {
    New,
    Gone,
    /// It has new files, or several clusters became one.
    Grown,
    Shrunk,
}

names!(ClusterChangeKind, "kind of cluster change" { New: "new", Gone: "gone", Grown: "grown", Shrunk: "shrunk" });

/// The differences of clusters between two heads. Clusters with two files in common count as the same.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClusterChanges {
    pub new: u64,
    pub gone: u64,
    pub grown: u64,
    pub shrunk: u64,
    /// Some of them.
    pub examples: Vec<ClusterChange>,
}

/// A cluster that changed, with the files of its photos.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterChange {
    pub kind: ClusterChangeKind,
    pub paths: Vec<PathBuf>,
}
