//! The distance of two photos, and the crop descriptors that let a photo match a crop or a quarter turn of another.

use super::cosine_distance;
use super::head::{Error, Head};
use crate::photo::{CropDescriptors, Descriptors, Distance, Embedding, Features, Keypoints, StoredFeatures};

const CROP_HEAD_FILE: &[u8] = include_bytes!("../../models/parts.safetensors");

/// Distances to crop descriptors are scaled by this factor: each pair has twelve of them, and a small vector is less
/// reliable than an embedding.
const CROP_DISTANCE_FACTOR: f32 = 1.4;

/// The fixed projection from features to [`CropDescriptors`].
#[derive(Clone)]
pub struct CropHead(Head);

impl CropHead {
    /// The projection that is embedded in the program.
    ///
    /// # Errors
    /// If its file is not a valid head.
    pub fn embedded() -> Result<CropHead, Error> {
        Head::from_safetensors("parts", CROP_HEAD_FILE).map(CropHead)
    }

    /// What the store keeps of a photo, from the features of the whole and of its crops. A very small photo has no
    /// crops.
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

/// The distance for a product of two vectors in units of [`CropDescriptors::ONE`] squared: the largest product of the
/// whole of one photo and a crop of the other.
pub fn distance_of(product: f32) -> Distance {
    (CROP_DISTANCE_FACTOR * (1.0 - product / (CropDescriptors::ONE * CropDescriptors::ONE))).clamp(0.0, 2.0)
}

/// The inverse of [`distance_of`].
pub fn product_at(distance: Distance) -> f32 {
    (1.0 - distance / CROP_DISTANCE_FACTOR) * CropDescriptors::ONE * CropDescriptors::ONE
}

/// The distance of two photos: of their embeddings, or of the whole of one and a crop of the other, whichever is
/// less.
pub fn distance(a: &Descriptors, b: &Descriptors) -> Distance {
    let by_crops = distance_of(nearest_product(a.crops.values(), b.crops.values()) as f32);
    cosine_distance(&a.embedding.0, &b.embedding.0).min(by_crops)
}

/// The largest product of the whole of one photo and a crop of the other, from the
/// [`values`](CropDescriptors::values) of both.
pub fn nearest_product(a: &[i8], b: &[i8]) -> i32 {
    let product = |x: &[i8], y: &[i8]| x.iter().zip(y).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum::<i32>();
    let ((a, a_crops), (b, b_crops)) = (a.split_at(CropDescriptors::DIMENSIONS), b.split_at(CropDescriptors::DIMENSIONS));
    let nearest = |global: &[i8], crops: &[i8]| crops.chunks_exact(CropDescriptors::DIMENSIONS).map(|crop| product(global, crop)).max();
    nearest(a, b_crops).max(nearest(b, a_crops)).unwrap_or(0)
}

/// Descriptors without crops: only the embeddings are compared.
pub fn global_only(embedding: Embedding) -> Descriptors {
    Descriptors { embedding, crops: CropDescriptors::none() }
}
