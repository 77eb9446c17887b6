//! Pairs of photos.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;

/// The id of a photo. It does not change as long as the index exists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct PhotoId(pub i64);

/// 1 − cosine of two embeddings of one head, or less if one photo is near a crop of the other. From 0 (same) to 2
/// (opposite).
pub type Distance = f32;

/// Two photos within the maximum pair distance, `a < b`.
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

/// The relation of two photos.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Two files of one photo.
    Identical,
    /// The same exposure and the whole frame, in another size, compression, format or turn, or with other metadata.
    Copy,
    /// The same exposure, changed by hand: crop, colour, border, retouch.
    Edit,
    /// One holds the other beside other content: a collage, a contact sheet, a page.
    Part,
    /// Frames of one scene: a burst, a bracket, a stack, a time-lapse.
    Series,
    /// Near, and not yet told apart.
    Unknown,
}

names!(Relation, "relation" { Identical: "identical", Copy: "copy", Edit: "edit", Part: "part", Series: "series", Unknown: "unknown" });
