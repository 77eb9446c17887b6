//! Tuning: its order, its progress and its result.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::photo::{ClusterChangeKind, Positives};

/// The order of a tuning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TuningOrder {
    pub name: String,
    pub positives: Positives,
    /// It ends after this number of minutes, with its current head.
    pub minutes: u64,
    /// The most photos of the library to tune on.
    pub photos: usize,
    /// Seconds since 1970.
    pub asked: i64,
}

/// The phase of a tuning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Edited versions of photos are made.
    Preparing,
    /// The head is trained.
    Training,
    /// The acceptance test compares it with the head before.
    Judging,
    /// The pairs of the library are computed again.
    Pairing,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TuningProgress {
    pub name: String,
    pub phase: Phase,
    /// Prepared photos, or training steps.
    pub done: u64,
    pub of: u64,
    /// The objective on the training set, during training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f32>,
    /// The share of held-out versions whose nearest other photo is of the same photo, during training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<f32>,
    /// Seconds until it ends, at most.
    pub left: u64,
}

/// The result of a tuning.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TuningEnd {
    pub name: String,
    pub positives: Positives,
    pub outcome: Outcome,
    /// The result, for people.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<TuningReport>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The new head is better and in use.
    Used,
    /// It is kept by its name, for `similar`.
    Kept,
    /// It is not better, and was not kept.
    Refused,
    /// The tuning failed.
    Failed,
}

/// The running tuning, or how the last one ended.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct TuningState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<TuningProgress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<TuningEnd>,
}

/// The results of a head on held-out photos, and of the head before it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TuningReport {
    /// Photos in the training set, and held-out photos.
    pub tuned_on: u64,
    pub held_out: u64,
    /// Edited versions of the held-out photos. For folders, the photos whose neighbours were counted.
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
    /// Recall over all true pairs at a precision of 99.9 %. For folders, the share of the ten nearest photos that are
    /// of the same folder. For decisions, the share of the versions that are found.
    pub recall: f64,
    /// Within the threshold: versions found, pairs of different photos, and decisions it agrees with.
    pub found: u64,
    pub false_pairs: u64,
    pub agreed: u64,
    pub threshold: f32,
}

/// The differences of clusters between two heads. Clusters with two photos in common count as the same.
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
    pub change: ClusterChangeKind,
    pub paths: Vec<String>,
}

/// A head, or with the positives `decisions` a version model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HeadInfo {
    pub name: String,
    pub positives: Positives,
    pub in_use: bool,
    /// Why it cannot be used, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
    pub threshold: f32,
    /// Seconds since 1970. None for the base head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<TuningReport>,
}
