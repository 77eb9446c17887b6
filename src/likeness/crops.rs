//! Crops and quarter turns: a photo against the parts of another.

use super::cosine_distance;
use super::head::{Error, Head};
use crate::photo::{CropDescriptors, Descriptors, Distance, Embedding, Features, Keypoints, StoredFeatures};

const CROP_HEAD_FILE: &[u8] = include_bytes!("../../models/parts.safetensors");

/// Distances to parts are this much stricter than those between wholes: there are twelve of them to every pair,
/// and one small vector tells less than a large one.
const CROP_DISTANCE_FACTOR: f32 = 1.4;

/// The fixed projection from features to [`CropDescriptors`].
#[derive(Clone)]
pub struct CropHead(Head);

impl CropHead {
    /// The one in the binary.
    ///
    /// # Errors
    /// When its file is not a head.
    pub fn embedded() -> Result<CropHead, Error> {
        Head::from_safetensors("parts", CROP_HEAD_FILE).map(CropHead)
    }

    /// What is stored of a photo, from its features and those of its parts, if it has any.
    pub fn stored_features(&self, global: Features, crops: &[Features], keypoints: Keypoints) -> StoredFeatures {
        let crops = self.crops(&global, crops);
        StoredFeatures { features: global, crops, keypoints }
    }

    fn crops(&self, global: &Features, crops: &[Features]) -> CropDescriptors {
        let nothing = vec![0.0; CropDescriptors::DIMENSIONS];
        let crops = (0..CropDescriptors::COUNT).map(|i| crops.get(i).map_or_else(|| nothing.clone(), |features| self.0.project(features)));
        let vectors: Vec<Vec<f32>> = std::iter::once(self.0.project(global)).chain(crops).collect();
        CropDescriptors::new(vectors.iter().map(Vec::as_slice))
    }
}

/// The largest product of vectors (in units of [`CropDescriptors::ONE`] squared) of one photo's whole and another's part,
/// as a distance.
pub fn distance_of(product: f32) -> Distance {
    (CROP_DISTANCE_FACTOR * (1.0 - product / (CropDescriptors::ONE * CropDescriptors::ONE))).clamp(0.0, 2.0)
}

/// The product at which a distance is reached.
pub fn product_at(distance: Distance) -> f32 {
    (1.0 - distance / CROP_DISTANCE_FACTOR) * CropDescriptors::ONE * CropDescriptors::ONE
}

/// How far two photos are apart: as wholes, or one as a whole from a part of the other, whichever is less.
pub fn distance(a: &Descriptors, b: &Descriptors) -> Distance {
    let by_crops = distance_of(nearest_product(a.crops.values(), b.crops.values()) as f32);
    cosine_distance(&a.embedding.0, &b.embedding.0).min(by_crops)
}

/// The largest product of one photo's whole and another's part, from the [`values`](CropDescriptors::values) of both.
pub fn nearest_product(a: &[i8], b: &[i8]) -> i32 {
    let product = |x: &[i8], y: &[i8]| x.iter().zip(y).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum::<i32>();
    let ((a, a_crops), (b, b_crops)) = (a.split_at(CropDescriptors::DIMENSIONS), b.split_at(CropDescriptors::DIMENSIONS));
    let nearest = |global: &[i8], crops: &[i8]| crops.chunks_exact(CropDescriptors::DIMENSIONS).map(|crop| product(global, crop)).max();
    nearest(a, b_crops).max(nearest(b, a_crops)).unwrap_or(0)
}

/// Looks without parts: near others as a whole alone.
pub fn global_only(embedding: Embedding) -> Descriptors {
    Descriptors { embedding, crops: CropDescriptors::none() }
}
