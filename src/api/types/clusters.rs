//! Clusters in answers: a source, its versions, and what lies beside them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Begin, End, Evidence, Listing, PathText, Photo};
use crate::photo::{Format, PhotoChange, Relation, SourceRule};

/// Clusters of versions.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Clusters {
    #[serde(flatten)]
    pub begin: Begin,
    /// Sorted by the number of files, then by the bytes of all files but one, largest first.
    pub clusters: Vec<Cluster>,
    #[serde(flatten)]
    pub end: End,
}

impl Listing for Clusters {
    type Item = Cluster;

    fn new(begin: Begin, clusters: Vec<Cluster>, end: End) -> Clusters {
        Clusters { begin, clusters, end }
    }
}

/// A source and its versions. With the relation series also a frame of a scene that has none, and with part or unknown what is near
/// them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Cluster {
    /// Does not change as long as the members do not.
    pub id: String,
    pub diameter: f32,
    /// Why the first photo is the source. Present only if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_by: Option<SourceRule>,
    /// The positions in `photos` of the versions that are as good as the source: only the time or the path of their files tells them
    /// from it, or one of the two may be enlarged, and it is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ties: Vec<usize>,
    /// The source comes first.
    pub photos: Vec<Photo>,
    /// The pairs with the first photo, and those that hold the cluster together: at most two for each photo.
    pub pairs: Vec<ClusterPair>,
    /// Photos that are near one of these and not joined, the nearest four: parts, and those of which it is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<BesideCluster>,
    /// The same for all clusters of one scene. Absent if there is no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// The scene, if there are other exposures of it near.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scene: Option<Scene>,
    /// Whether the photos of one shot count as versions of each other here, as it was asked for with `within_shots`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub within_shots: bool,
}

impl Cluster {
    /// Whether a photo is there beside the source in its shot, and so is no version of it.
    pub fn is_in_shot(&self, place: usize) -> bool {
        let keeper = &self.photos[0].files[0];
        place > 0 && !self.within_shots && self.photos[place].files.first().is_some_and(|file| keeper.is_with(file))
    }
}

/// The exposures of one scene, also those that have no versions and are in no cluster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Scene {
    pub frames: u64,
    /// The time from the first to the last. Absent if it is not known of each when it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// A photo beside a cluster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BesideCluster {
    #[serde(flatten)]
    pub path: PathText,
    /// The position in `photos` of the one that it is near.
    pub near: usize,
    pub distance: f32,
    /// `part` or `unknown`.
    pub relation: Relation,
    /// Of its first file.
    pub bytes: u64,
    pub width: u32,
    pub height: u32,
    pub format: Format,
    pub taken: Option<String>,
    /// Of the photo that it is near, `a`, and this one, `b`.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// A pair by position in `photos`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClusterPair {
    pub a: usize,
    pub b: usize,
    pub distance: f32,
    pub relation: Relation,
    /// What was changed from `a` to `b`, if the relation is edit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<PhotoChange>,
    #[serde(flatten)]
    pub evidence: Evidence,
}
