//! Answers about single pictures: what is near one, what two are to each other, and kept pictures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Evidence, LaidOver, Photo};
use crate::photo::{Exposure, PhotoChange, Relation, SourceRule, Verdict};

/// The photos nearest to a picture.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Similar {
    pub head: String,
    /// The distance above which two photos count as different ones. Absent if `head` tells only which photos are similar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// Nearest first.
    pub similar: Vec<Neighbour>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Neighbour {
    pub distance: f32,
    pub relation: Relation,
    /// The decision about the two, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Verdict>,
    pub photo: Photo,
}

/// The comparison of two pictures.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    pub distance: f32,
    /// The normalised distance, which is compared with the threshold. It is larger where many photos look alike.
    pub normalized_distance: f32,
    pub relation: Relation,
    /// Which of the two is the source, if one is a version of the other: 0 or 1. Absent if both are versions of a third photo, or
    /// if nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<usize>,
    /// The rule that chose the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_by: Option<SourceRule>,
    /// Whether one is the source of the other, and nothing tells which.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tie: bool,
    /// What was changed from the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<PhotoChange>,
    /// Of the first picture, `a`, and the second, `b`.
    #[serde(flatten)]
    pub evidence: Evidence,
    /// Whether the relation is that of `/v1/clusters` about the whole library, where other photos count too: both are in the
    /// index, and near some photo.
    #[serde(default)]
    pub indexed: bool,
    /// Whether files of both are in one shot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shot: bool,
    /// The decision, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Verdict>,
    /// What the version model says of the two by themselves: one exposure above 0, two below. Absent if a decision, what the camera
    /// wrote or the ids of a document tell, or if one picture holds the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// Of the first and of the second picture.
    #[serde(default)]
    pub exposures: [Exposure; 2],
    /// The models of their lenses, as far as the files say them.
    #[serde(default)]
    pub lenses: [Option<String>; 2],
    /// The distance up to which photos are near.
    pub threshold: f32,
    /// How the first picture lies in the second. Absent if they cannot be laid over each other, or are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub laid_over: Option<LaidOver>,
    /// The differences of the files and of what they say, for people.
    pub differences: Vec<String>,
}

/// Kept pictures of photos.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeptPictures {
    /// In the order of the request, without those of which no picture is kept.
    pub pictures: Vec<KeptJpeg>,
}

/// The kept picture of a photo.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeptJpeg {
    /// The hexadecimal picture hash.
    pub picture: String,
    /// A small JPEG, in base64.
    pub jpeg: String,
}
