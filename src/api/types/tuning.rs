//! What a tuning is asked for, does and made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a tuning is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TuningOrder {
    pub name: String,
    /// `edits` or `folders`.
    pub positives: String,
    /// It ends after this many minutes, with what it has.
    pub minutes: u64,
    /// Photos of the library that it takes, at most.
    pub photos: usize,
    /// Seconds since 1970.
    pub asked: i64,
}

/// What a tuning does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Views of photos are made.
    Preparing,
    /// The head learns.
    Training,
    /// It is held against the one before.
    Judging,
    /// The library is paired again for it.
    Pairing,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TuningProgress {
    pub name: String,
    pub phase: Phase,
    /// Photos prepared, or steps.
    pub done: u64,
    pub of: u64,
    /// The objective on what is trained on, while training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f32>,
    /// The share of held-out versions whose nearest other photo is one of their own, while training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<f32>,
    /// Seconds until it ends at the latest.
    pub left: u64,
}

/// What came of a tuning.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TuningEnd {
    pub name: String,
    pub outcome: Outcome,
    /// In words.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<TuningReport>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The new head is better and answers now.
    Used,
    /// It is kept under its name, for `similar`.
    Kept,
    /// It is not better, and not kept.
    Refused,
    /// Nothing came of it.
    Failed,
}

/// Where a tuning stands: under way, or how the last one ended.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct TuningState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<TuningProgress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<TuningEnd>,
}

/// What a head does on photos held out of its tuning, beside the head before it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TuningReport {
    /// Photos it was tuned on, and held out.
    pub tuned_on: u64,
    pub held_out: u64,
    /// Edited versions of the held-out photos; of folders, photos whose neighbours were looked at.
    pub copies: u64,
    pub decisions: u64,
    pub steps: u64,
    pub seconds: u64,
    pub before: HeadFigures,
    pub after: HeadFigures,
    /// How the clusters of this library changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<ClusterChanges>,
}

#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HeadFigures {
    /// Of all true pairs at a precision of 99.9 %; of folders, the share of the ten nearest photos that are
    /// of the same folder.
    pub recall: f64,
    /// Copies found, pairs of different photos joined, and decisions agreed with, at the threshold.
    pub found: u64,
    pub false_pairs: u64,
    pub agreed: u64,
    pub threshold: f32,
}

/// How clusters differ between two heads. Clusters with two photos in common are one.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ClusterChanges {
    pub new: u64,
    pub gone: u64,
    pub grown: u64,
    pub shrunk: u64,
    /// Some of them, with the paths of their photos.
    pub examples: Vec<ClusterChange>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClusterChange {
    pub change: Change,
    pub paths: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    New,
    Gone,
    Grown,
    Shrunk,
}

/// A head that can be used.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HeadInfo {
    pub name: String,
    /// `edits` or `folders`.
    pub positives: String,
    pub in_use: bool,
    /// Why it cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
    pub threshold: f32,
    /// Seconds since 1970; the base has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<TuningReport>,
}
