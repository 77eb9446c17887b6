//! Fits the weights of a linear layer.

use burn::module::Param;
use burn::nn;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor};

/// How weights are found.
pub struct Fit {
    pub steps: usize,
    /// The learning rate of Adam at the first step. It falls to 0 along a half cosine.
    pub rate: f64,
    /// The weights are held back by this times the sum of their squares.
    pub decay: f32,
}

/// Finds the weights of a layer without a constant that have the least `loss`, from 0 on. It ends early when `goes_on` says no.
pub fn fit(inputs: usize, fit: &Fit, device: &Device, goes_on: &dyn Fn() -> bool, loss: impl Fn(&nn::Linear) -> Tensor<1>) -> Vec<f32> {
    let mut layer = nn::Linear { weight: Param::from_tensor(Tensor::<2>::zeros([inputs, 1], device)), bias: None };
    let mut optimizer = AdamConfig::new().with_epsilon(1e-8).init();
    for step in (0..fit.steps).take_while(|_| goes_on()) {
        let held_back = layer.weight.val().square().sum().mul_scalar(fit.decay);
        let gradients = GradientsParams::from_grads((loss(&layer) + held_back).backward(), &layer);
        let rate = fit.rate * (1.0 + (std::f64::consts::PI * step as f64 / fit.steps as f64).cos()) / 2.0;
        layer = optimizer.step(rate, layer, gradients);
    }
    layer.weight.val().into_data().iter::<f32>().collect()
}
