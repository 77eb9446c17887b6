//! The features and descriptors of a photo.

use half::f16;

use super::{CropDescriptors, Keypoints};

/// The output of the backbone. It is costly, so it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Features(pub Vec<f16>);

/// The output of a head: a unit vector of 16-bit floats. The rounded values are the embedding, so that distances are
/// the same before and after storing, and on every machine.
#[derive(Clone, PartialEq, Debug)]
pub struct Embedding(pub Vec<f16>);

impl Embedding {
    /// Scales `values` to unit length and rounds them. A zero vector stays zero.
    pub fn normalised(values: &[f32]) -> Embedding {
        let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        Embedding(values.iter().map(|v| f16::from_f32(v * scale)).collect())
    }

    pub fn to_f32(&self) -> Vec<f32> {
        self.0.iter().map(|v| v.to_f32()).collect()
    }
}

/// What the store keeps of a photo. It does not depend on the head.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredFeatures {
    pub features: Features,
    pub crops: CropDescriptors,
    pub keypoints: Keypoints,
}

/// The global descriptor and the crop descriptors of a photo.
#[derive(Clone, PartialEq, Debug)]
pub struct Descriptors {
    /// The global descriptor, which depends on the head.
    pub embedding: Embedding,
    /// The crop descriptors, which do not depend on the head.
    pub crops: CropDescriptors,
}
