//! The head as Burn learns it: the same linear projection that [`Head`] applies.

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};

use crate::likeness::Head;
use crate::photo::Features;

/// Added below the square root, so that no gradient is infinite when an embedding is zero.
const MIN_SQUARED_LENGTH: f32 = 1e-12;

/// The layer of a head. Burn stores weights as features × dimensions.
pub fn linear(head: &Head, device: &Device) -> Linear {
    let weight: Vec<f32> = head.weight().t().iter().copied().collect();
    let [dimensions, features] = [head.weight().nrows(), head.weight().ncols()];
    let weight = Tensor::<2>::from_data(TensorData::new(weight, [features, dimensions]), device);
    let bias = Tensor::<1>::from_data(TensorData::new(head.bias().to_vec(), [dimensions]), device);
    Linear { weight: Param::from_tensor(weight), bias: Some(Param::from_tensor(bias)) }
}

/// The head of a trained layer.
pub fn head(name: &str, linear: &Linear) -> Head {
    let values = |data: TensorData| data.iter::<f32>().collect::<Vec<f32>>();
    let bias = linear.bias.as_ref().expect("made with a bias").val();
    Head::new(name, values(linear.weight.val().transpose().into_data()), values(bias.into_data()))
}

/// Rows of unit length, from rows of features.
pub fn embed(linear: &Linear, features: Tensor<2>) -> Tensor<2> {
    let projected = linear.forward(features);
    let length = projected.clone().square().sum_dim(1).add_scalar(MIN_SQUARED_LENGTH).sqrt();
    projected / length
}

/// Rows of features as a tensor.
pub fn rows<'a>(features: impl ExactSizeIterator<Item = &'a Features>, device: &Device) -> Tensor<2> {
    let count = features.len();
    let values: Vec<f32> = features.flat_map(|f| f.0.iter().map(|v| v.to_f32())).collect();
    let width = values.len() / count.max(1);
    Tensor::from_data(TensorData::new(values, [count, width]), device)
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::learn::device::devices;

    #[test]
    fn burn_and_plain_rust_give_one_embedding() {
        let base = Head::base().expect("loads");
        let mut rng = fastrand::Rng::with_seed(1);
        let photos: Vec<Features> =
            (0..20).map(|_| Features((0..base.weight().ncols()).map(|_| f16::from_f32(4.0 * rng.f32() - 1.0)).collect())).collect();
        for (name, device) in devices() {
            let linear = linear(&base, &device);
            let embedded: Vec<f32> = embed(&linear, rows(photos.iter(), &device)).into_data().iter::<f32>().collect();
            for (ours, photo) in embedded.chunks(base.dimensions()).zip(&photos) {
                for (x, y) in ours.iter().zip(base.project(photo)) {
                    assert!((x - y).abs() < 1e-5, "{name}: {x} is not {y}");
                }
            }
            assert_eq!(head("again", &linear).fingerprint(), base.fingerprint());
        }
    }
}
