//! How a cluster changed.

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
