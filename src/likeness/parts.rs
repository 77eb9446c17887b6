//! Crops and quarter turns: a photo against the parts of another.

use super::distance;
use super::head::{Error, Head};
use crate::photo::{Distance, Embedding, Encoded, Features, Keypoints, Looks, Parts};

const WEIGHTS: &[u8] = include_bytes!("../../models/parts.safetensors");

/// Distances to parts are this much stricter than those between wholes: there are twelve of them to every pair,
/// and one small vector tells less than a large one.
const STRICTER: f32 = 1.4;

/// The fixed projection from features to [`Parts`].
#[derive(Clone)]
pub struct PartsHead(Head);

impl PartsHead {
    /// The one in the binary.
    ///
    /// # Errors
    /// When its file is not a head.
    pub fn embedded() -> Result<PartsHead, Error> {
        Head::from_safetensors("parts", WEIGHTS).map(PartsHead)
    }

    /// What is stored of a photo, from its features and those of its parts, if it has any.
    pub fn encoded(&self, whole: Features, parts: &[Features], keypoints: Keypoints) -> Encoded {
        let parts = self.parts(&whole, parts);
        Encoded { features: whole, parts, keypoints }
    }

    fn parts(&self, whole: &Features, parts: &[Features]) -> Parts {
        let nothing = vec![0.0; Parts::DIMENSIONS];
        let parts = (0..Parts::COUNT).map(|i| parts.get(i).map_or_else(|| nothing.clone(), |features| self.0.project(features)));
        let vectors: Vec<Vec<f32>> = std::iter::once(self.0.project(whole)).chain(parts).collect();
        Parts::new(vectors.iter().map(Vec::as_slice))
    }
}

/// The largest product of vectors (in units of [`Parts::ONE`] squared) of one photo's whole and another's part,
/// as a distance.
pub fn distance_of(product: f32) -> Distance {
    (STRICTER * (1.0 - product / (Parts::ONE * Parts::ONE))).clamp(0.0, 2.0)
}

/// The product at which a distance is reached.
pub fn product_at(distance: Distance) -> f32 {
    (1.0 - distance / STRICTER) * Parts::ONE * Parts::ONE
}

/// How far two photos are apart: as wholes, or one as a whole from a part of the other, whichever is less.
pub fn apart(a: &Looks, b: &Looks) -> Distance {
    let in_parts = distance_of(nearest_product(a.parts.values(), b.parts.values()) as f32);
    distance(&a.embedding.0, &b.embedding.0).min(in_parts)
}

/// The largest product of one photo's whole and another's part, from the [`values`](Parts::values) of both.
pub fn nearest_product(a: &[i8], b: &[i8]) -> i32 {
    let product = |x: &[i8], y: &[i8]| x.iter().zip(y).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum::<i32>();
    let ((a, a_parts), (b, b_parts)) = (a.split_at(Parts::DIMENSIONS), b.split_at(Parts::DIMENSIONS));
    let nearest = |whole: &[i8], parts: &[i8]| parts.chunks_exact(Parts::DIMENSIONS).map(|part| product(whole, part)).max();
    nearest(a, b_parts).max(nearest(b, a_parts)).unwrap_or(0)
}

/// Looks without parts: near others as a whole alone.
pub fn whole(embedding: Embedding) -> Looks {
    Looks { embedding, parts: Parts::none() }
}
