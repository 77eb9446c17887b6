//! The objective of tuning: the batch-hard triplet loss and two further terms.
//!
//! A batch is a matrix of distances (1 − cosine) between its members. Each pair of members is a positive, a negative,
//! or neither.

use burn::tensor::{Device, Tensor, TensorData, activation};

/// Added to distances that must not be chosen: larger than any distance.
const MASKED_DISTANCE: f32 = 1e3;

/// Temperature of [`info_nce`].
const TEMPERATURE: f32 = 0.06;

/// Which members of a batch belong together and which do not: 1 where it holds, members × members.
pub struct Masks {
    positive: Tensor<2>,
    negative: Tensor<2>,
    /// 1 for members that have both a positive and a negative.
    anchor: Tensor<2>,
    anchors: usize,
}

impl Masks {
    /// `relation(a, b)` is true for positives, false for negatives, `None` for neither.
    pub fn new(members: usize, relation: impl Fn(usize, usize) -> Option<bool>, device: &Device) -> Masks {
        let mut positive = vec![0f32; members * members];
        let mut negative = positive.clone();
        for a in 0..members {
            for b in (0..members).filter(|&b| b != a) {
                match relation(a, b) {
                    Some(true) => positive[a * members + b] = 1.0,
                    Some(false) => negative[a * members + b] = 1.0,
                    None => {}
                }
            }
        }
        let any = |mask: &[f32], a: usize| mask[a * members..(a + 1) * members].contains(&1.0);
        let anchor: Vec<f32> = (0..members).map(|a| f32::from(any(&positive, a) && any(&negative, a))).collect();
        let anchors = anchor.iter().filter(|a| **a > 0.0).count();
        let matrix = |values, shape| Tensor::from_data(TensorData::new(values, shape), device);
        Masks {
            positive: matrix(positive, [members, members]),
            negative: matrix(negative, [members, members]),
            anchor: matrix(anchor, [members, 1]),
            anchors,
        }
    }

    /// Members that have a positive and a negative.
    pub fn anchors(&self) -> usize {
        self.anchors
    }

    /// For each member the distance of its farthest positive.
    fn hardest_positive(&self, distances: &Tensor<2>) -> Tensor<2> {
        (distances.clone() - (self.positive.ones_like() - self.positive.clone()).mul_scalar(MASKED_DISTANCE)).max_dim(1)
    }

    /// For each member the distance of its nearest negative.
    fn hardest_negative(&self, distances: &Tensor<2>) -> Tensor<2> {
        (distances.clone() + (self.negative.ones_like() - self.negative.clone()).mul_scalar(MASKED_DISTANCE)).min_dim(1)
    }
}

/// How much farther the hardest negative must be than the hardest positive.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Margin {
    /// By this distance: `max(0, margin + positive − negative)`.
    Hard(f32),
    /// As far as possible, with a decreasing gradient: `ln(1 + exp(scale · (positive − negative)))`.
    Soft { scale: f32 },
}

/// The batch-hard triplet loss (Hermans, Beyer, Leibe 2017), summed over the anchors. Each anchor is compared with
/// its farthest positive and its nearest negative in the batch.
pub fn batch_hard(distances: &Tensor<2>, masks: &Masks, margin: Margin) -> Tensor<1> {
    let gap = masks.hardest_positive(distances) - masks.hardest_negative(distances);
    let loss = match margin {
        Margin::Hard(margin) => activation::relu(gap.add_scalar(margin)),
        Margin::Soft { scale } => activation::softplus(gap.mul_scalar(scale).clamp(-MASKED_DISTANCE, MASKED_DISTANCE), 1.0),
    };
    (loss * masks.anchor.clone()).sum()
}

/// The contrastive loss of each positive against the negatives of its anchor (van den Oord et al. 2018): the mean
/// over the positives, summed over the anchors.
pub fn info_nce(distances: &Tensor<2>, masks: &Masks) -> Tensor<1> {
    // exp(−d / t) is between 1 (same) and 3e-15 (opposite), which f32 can hold.
    let near = distances.clone().div_scalar(-TEMPERATURE).exp();
    let negatives = (near.clone() * masks.negative.clone()).sum_dim(1);
    let each = (near + negatives).log() + distances.clone().div_scalar(TEMPERATURE);
    let count = masks.positive.clone().sum_dim(1).clamp_min(1.0);
    ((each * masks.positive.clone()).sum_dim(1) / count * masks.anchor.clone()).sum()
}

/// A penalty for anchors close to their nearest negative (Sablayrolles et al. 2019), summed over the anchors.
pub fn koleo(distances: &Tensor<2>, masks: &Masks) -> Tensor<1> {
    // For unit vectors the squared Euclidean distance is twice the cosine distance.
    let room = masks.hardest_negative(distances).mul_scalar(2.0).clamp_min(1e-6).log().mul_scalar(-0.5);
    (room * masks.anchor.clone()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::device::devices;

    /// Two photos with two views each: 0 and 1, 2 and 3.
    const DISTANCES: [[f32; 4]; 4] = [[0.0, 0.3, 0.5, 0.2], [0.3, 0.0, 0.9, 0.6], [0.5, 0.9, 0.0, 0.1], [0.2, 0.6, 0.1, 0.0]];

    fn views(a: usize, b: usize) -> Option<bool> {
        Some(a / 2 == b / 2)
    }

    fn with(relation: fn(usize, usize) -> Option<bool>, check: impl Fn(&Tensor<2>, &Masks)) {
        for (_, device) in devices() {
            check(&Tensor::from_data(DISTANCES, &device), &Masks::new(4, relation, &device));
        }
    }

    fn value(loss: Tensor<1>) -> f32 {
        loss.into_scalar::<f32>()
    }

    fn close(x: f32, y: f32) {
        assert!((x - y).abs() < 1e-5, "{x} is not {y}");
    }

    #[test]
    fn batch_hard_as_computed_by_hand() {
        // Farthest positives 0.3, 0.3, 0.1, 0.1; nearest negatives 0.2, 0.6, 0.5, 0.2.
        with(views, |distances, masks| {
            close(value(batch_hard(distances, masks, Margin::Hard(0.2))), 0.3 + 0.0 + 0.0 + 0.1);
            close(value(batch_hard(distances, masks, Margin::Hard(0.0))), 0.1);
            let soft = |gap: f32| (1.0 + (10.0 * gap).exp()).ln();
            let expected = soft(0.1) + soft(-0.3) + soft(-0.4) + soft(-0.1);
            close(value(batch_hard(distances, masks, Margin::Soft { scale: 10.0 })), expected);
        });
    }

    #[test]
    fn info_nce_as_computed_by_hand() {
        with(views, |distances, masks| {
            let near = |d: f32| (-d / TEMPERATURE).exp();
            let term = |p: f32, n: [f32; 2]| -(near(p) / (near(p) + near(n[0]) + near(n[1]))).ln();
            let expected = term(0.3, [0.5, 0.2]) + term(0.3, [0.9, 0.6]) + term(0.1, [0.5, 0.9]) + term(0.1, [0.2, 0.6]);
            close(value(info_nce(distances, masks)), expected);
        });
    }

    #[test]
    fn koleo_as_computed_by_hand() {
        with(views, |distances, masks| {
            let room = |d: f32| -(2.0 * d).sqrt().ln();
            close(value(koleo(distances, masks)), room(0.2) + room(0.6) + room(0.5) + room(0.2));
        });
    }

    #[test]
    fn neither_positive_nor_negative_counts_nowhere() {
        // 0 and 3 are near and undecided.
        let undecided = |a: usize, b: usize| if (a.min(b), a.max(b)) == (0, 3) { None } else { views(a, b) };
        with(undecided, |distances, masks| {
            close(value(batch_hard(distances, masks, Margin::Hard(0.2))), 0.0 + 0.0 + 0.0 + 0.0);
            close(value(batch_hard(distances, masks, Margin::Hard(0.4))), 0.2 + 0.1 + 0.0 + 0.0);
        });
        with(
            |_, _| Some(true),
            |distances, masks| {
                assert_eq!(masks.anchors(), 0);
                assert_eq!(value(batch_hard(distances, masks, Margin::Soft { scale: 10.0 })), 0.0);
                assert_eq!(value(info_nce(distances, masks)), 0.0);
            },
        );
    }

    #[test]
    fn no_batch_gives_a_gradient_that_is_no_number() {
        for (_, device) in devices() {
            let device = device.autodiff();
            // All the same, all opposite, and rows of zero length.
            for rows in [[[1.0, 0.0]; 4], [[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], [[0.0, 0.0]; 4]] {
                let rows = Tensor::<2>::from_data(rows, &device).require_grad();
                let length = rows.clone().square().sum_dim(1).add_scalar(1e-12).sqrt();
                let unit = rows.clone() / length;
                let distances = unit.clone().matmul(unit.transpose()).neg().add_scalar(1.0);
                let masks = Masks::new(4, views, &device);
                let loss = batch_hard(&distances, &masks, Margin::Soft { scale: 10.0 })
                    + batch_hard(&distances, &masks, Margin::Hard(0.1))
                    + info_nce(&distances, &masks)
                    + koleo(&distances, &masks);
                let grads = loss.backward();
                assert!(value(loss.inner()).is_finite());
                let gradient = rows.grad(&grads).expect("tracked").into_data();
                assert!(gradient.iter::<f32>().all(f32::is_finite));
            }
        }
    }
}
