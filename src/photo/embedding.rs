//! What the encoder makes of a picture.

use half::f16;

use super::{CropDescriptors, Keypoints};

/// What the frozen backbone gives for a photo: costly, so it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Features(pub Vec<f16>);

/// The head's output: unit length, as 16-bit floats. The rounded values are the embedding, so that
/// distances are the same before and after storing, and on every machine.
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

/// What is stored of a photo for ever.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredFeatures {
    pub features: Features,
    pub crops: CropDescriptors,
    pub keypoints: Keypoints,
}

/// All that a photo is compared by.
#[derive(Clone, PartialEq, Debug)]
pub struct Descriptors {
    /// By the head that answers.
    pub embedding: Embedding,
    /// The same under every head.
    pub crops: CropDescriptors,
}
