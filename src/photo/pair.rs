//! Two photos and how near they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;

/// A photo's number in the index: stable while the index lives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct PhotoId(pub i64);

/// 1 − cosine of two embeddings of the same head, or less where one photo is near a part of the other: 0 (same)
/// to 2 (opposite).
pub type Distance = f32;

/// Two photos within reach, `a < b`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pair {
    pub a: PhotoId,
    pub b: PhotoId,
    pub distance: Distance,
}

impl Pair {
    pub fn new(x: PhotoId, y: PhotoId, distance: Distance) -> Pair {
        Pair { a: x.min(y), b: x.max(y), distance }
    }
}

/// What two versions are to each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Two files of one photo.
    Identical,
    /// Another version of the same exposure.
    Copy,
    /// Frames of one scene: a burst, a bracket, a stack, a time-lapse.
    Series,
    /// Near, and not yet told apart.
    Unknown,
}

names!(Relation, "relation" { Identical: "identical", Copy: "copy", Series: "series", Unknown: "unknown" });
