//! The distance of two embeddings.

use half::f16;

use crate::photo::Distance;

/// 1 − cosine of two unit vectors. The order of summation is always the same.
pub fn cosine_distance(a: &[f16], b: &[f16]) -> Distance {
    let dot: f32 = a.iter().zip(b).map(|(x, y)| x.to_f32() * y.to_f32()).sum();
    (1.0 - dot).clamp(0.0, 2.0)
}
