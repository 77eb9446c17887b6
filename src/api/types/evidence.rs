//! How the relation of two photos was told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::photo::{Direction, ReasonCode};

/// How the relation of two photos was told.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Which is a version of the other. Absent if neither is, if both are versions of a third photo, or if nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// The share of the larger frame that both show. Absent if they were not laid over each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<f32>,
    /// Why they have this relation, what decided most first.
    pub reasons: Vec<Reason>,
}

impl Evidence {
    /// Nothing is known.
    #[cfg(test)]
    pub const NONE: Evidence = Evidence { direction: None, overlap: None, reasons: Vec::new() };
}

/// What told the relation of two photos.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    pub code: ReasonCode,
    /// For people. They may change.
    pub words: String,
}
