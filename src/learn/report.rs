//! What a tuning reports of the head, or the version model, that it made.

use crate::photo::ClusterChanges;

/// The results of a head on held-out photos, and of the head before it.
#[derive(Clone, PartialEq, Debug)]
pub struct TuningReport {
    /// Photos in the training set, and held-out photos.
    pub tuned_on: u64,
    pub held_out: u64,
    /// Edited versions of the held-out photos. For folders, the photos whose neighbours were counted.
    pub versions: u64,
    pub decisions: u64,
    pub steps: u64,
    pub seconds: u64,
    pub before: HeadFigures,
    pub after: HeadFigures,
    /// How the clusters of this library changed. `None` if the head was never used.
    pub clusters: Option<ClusterChanges>,
}

/// The results of a head on held-out photos.
#[derive(Clone, Copy, PartialEq, Debug)]
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
