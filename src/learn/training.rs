//! Training a head: it starts from the one before and ends when the objective no longer falls.

use burn::nn::Linear;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use fastrand::Rng;

use super::loss::{Margin, Masks, batch_hard, info_nce, koleo};
use super::projection::{embed, head, linear, rows};
use super::training_set::{Batch, Batches, TrainingSet};
use crate::likeness::Head;

/// The parameters of a training. The defaults measured best (`models/README.md`). A longer or faster training
/// overfits.
#[derive(Clone, Copy, Debug)]
pub struct TrainingParameters {
    /// Classes in a batch, and members of each.
    pub classes: usize,
    pub views: usize,
    /// The peak learning rate of Adam. It rises over the first steps and falls to 0 along a half cosine.
    pub rate: f64,
    pub steps: usize,
    pub margin: Margin,
    /// Weights of the terms.
    pub triplets: f32,
    pub info_nce: f32,
    pub koleo: f32,
    pub seed: u64,
}

impl Default for TrainingParameters {
    fn default() -> TrainingParameters {
        TrainingParameters {
            classes: 32,
            views: 4,
            rate: 2e-4,
            steps: 150,
            margin: Margin::Soft { scale: 10.0 },
            triplets: 0.5,
            info_nce: 1.0,
            koleo: 0.0,
            seed: 1,
        }
    }
}

impl TrainingParameters {
    /// For classes of whole folders.
    pub fn folders() -> TrainingParameters {
        TrainingParameters { classes: 24, rate: 3e-4, steps: 300, info_nce: 0.1, ..TrainingParameters::default() }
    }
}

/// Steps over which the learning rate rises.
const WARM_UP_STEPS: usize = 20;

/// Steps between two evaluations of the objective on classes that are not trained on.
const EVALUATION_STEPS: usize = 10;

/// Evaluations without a lower objective after which training ends.
const MAX_EVALUATIONS_WITHOUT_FALL: usize = 6;

/// The progress of a training.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    pub step: usize,
    /// The objective per anchor, on what is trained on and on what is not.
    pub loss: f32,
    pub objective: f32,
}

/// Whether to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    GoOn,
    Stop,
}

/// One class in this number is kept out of training to evaluate the objective.
const EVALUATED_CLASS_DIVISOR: usize = 10;

/// Batches in one evaluation.
const EVALUATION_BATCHES: usize = 4;

/// There is too little to learn from.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is too little to learn from: {classes} photos with versions, and at least {MIN_CLASSES} are needed")]
pub struct TooLittle {
    pub classes: usize,
}

/// The least number of classes with positives.
pub const MIN_CLASSES: usize = 25;

/// Trains `base` on the training set until the objective no longer falls or `watch` stops it. `watch` is called after
/// each evaluation, and can get the head as it is at that step.
///
/// # Errors
/// If there is too little to learn from.
pub fn train(
    base: &Head,
    name: &str,
    training_set: &TrainingSet,
    parameters: &TrainingParameters,
    device: &Device,
    watch: &mut impl FnMut(Step, &dyn Fn() -> Head) -> Next,
) -> Result<Head, TooLittle> {
    if training_set.taught() < MIN_CLASSES {
        return Err(TooLittle { classes: training_set.taught() });
    }
    let mut order: Vec<usize> = (0..training_set.classes()).collect();
    Rng::with_seed(parameters.seed).shuffle(&mut order);
    let trained = order.split_off(training_set.classes() / EVALUATED_CLASS_DIVISOR);
    let mut batches = Batches::new(training_set, trained, base, parameters.seed);
    let mut evaluation = Batches::new(training_set, order, base, parameters.seed ^ 1);
    let evaluation: Vec<Batch<'_>> = (0..EVALUATION_BATCHES).map(|_| evaluation.draw(parameters.classes, parameters.views)).collect();
    let device = device.clone().autodiff();
    let objective = |layer: &Linear| {
        let losses: Vec<f32> = evaluation.iter().filter_map(|batch| Some(value(&loss(layer, batch, parameters, &device)?))).collect();
        losses.iter().sum::<f32>() / losses.len().max(1) as f32
    };

    let mut layer = linear(base, &device);
    let mut optimizer = AdamConfig::new().with_epsilon(EPSILON).init();
    let (mut lowest, mut since) = (objective(&layer), 0);
    for step in 1..=parameters.steps {
        let batch = batches.draw(parameters.classes, parameters.views);
        let Some(loss) = loss(&layer, &batch, parameters, &device) else { continue };
        let shown = value(&loss);
        let gradients = GradientsParams::from_grads(loss.backward(), &layer);
        layer = optimizer.step(rate(parameters, step), layer, gradients);
        if step % EVALUATION_STEPS == 0 || step == parameters.steps {
            let objective = objective(&layer);
            since = if objective < lowest { 0 } else { since + 1 };
            lowest = lowest.min(objective);
            let current = || head(name, &layer);
            if watch(Step { step, loss: shown, objective }, &current) == Next::Stop || since > MAX_EVALUATIONS_WITHOUT_FALL {
                break;
            }
        }
    }
    Ok(head(name, &layer))
}

/// For Adam. Burn's default, 1e-5, is large compared with these small gradients.
const EPSILON: f32 = 1e-8;

fn rate(parameters: &TrainingParameters, step: usize) -> f64 {
    let rise = (step as f64 / WARM_UP_STEPS as f64).min(1.0);
    let fall = (1.0 + (std::f64::consts::PI * (step - 1) as f64 / parameters.steps as f64).cos()) / 2.0;
    parameters.rate * rise * fall
}

/// The objective per anchor of a batch; `None` when it has no anchor.
fn loss(layer: &Linear, batch: &Batch<'_>, parameters: &TrainingParameters, device: &Device) -> Option<Tensor<1>> {
    let masks = Masks::new(batch.size(), |a, b| batch.relation(a, b), device);
    if masks.anchors() == 0 {
        return None;
    }
    let embeddings = embed(layer, rows(batch.features(), device));
    let distances = embeddings.clone().matmul(embeddings.transpose()).neg().add_scalar(1.0);
    let sum = batch_hard(&distances, &masks, parameters.margin).mul_scalar(parameters.triplets)
        + info_nce(&distances, &masks).mul_scalar(parameters.info_nce)
        + koleo(&distances, &masks).mul_scalar(parameters.koleo);
    Some(sum.div_scalar(masks.anchors() as f32))
}

fn value(loss: &Tensor<1>) -> f32 {
    loss.clone().inner().into_scalar::<f32>()
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::learn::device::devices;
    use crate::likeness::cosine_distance;
    use crate::photo::Features;

    /// Photos differ in the first half of their features, and their views in the second half. So the right head uses
    /// the first half alone.
    fn training_set(photos: usize, seed: u64) -> (TrainingSet, Vec<Vec<Features>>) {
        let mut rng = Rng::with_seed(seed);
        let mut training_set = TrainingSet::default();
        let mut all = Vec::new();
        for _ in 0..photos {
            let own: Vec<f32> = (0..256).map(|_| rng.f32()).collect();
            let views: Vec<Features> = (0..4)
                .map(|_| Features(own.iter().map(|v| f16::from_f32(*v)).chain((0..256).map(|_| f16::from_f32(2.0 * rng.f32()))).collect()))
                .collect();
            training_set.add(views.clone());
            all.push(views);
        }
        (training_set, all)
    }

    /// The share of views whose nearest other view is of their photo.
    fn right(head: &Head, photos: &[Vec<Features>]) -> f32 {
        let views: Vec<_> = photos.iter().enumerate().flat_map(|(p, views)| views.iter().map(move |v| (p, head.embed(v)))).collect();
        let nearest = |at: usize| {
            let others = (0..views.len()).filter(|&other| other != at);
            others
                .min_by(|&x, &y| cosine_distance(&views[at].1.0, &views[x].1.0).total_cmp(&cosine_distance(&views[at].1.0, &views[y].1.0)))
        };
        let hits = (0..views.len()).filter(|&at| nearest(at).is_some_and(|other| views[other].0 == views[at].0)).count();
        hits as f32 / views.len() as f32
    }

    #[test]
    fn a_head_learns_what_to_look_at() {
        let (training_set, _) = training_set(100, 1);
        let (_, others) = self::training_set(40, 2);
        let base = Head::base().expect("loads");
        let parameters = TrainingParameters { rate: 1e-3, ..TrainingParameters::default() };
        for (name, device) in devices() {
            let mut steps = Vec::new();
            let tuned = train(&base, "tuned", &training_set, &parameters, &device, &mut |step: Step, _: &dyn Fn() -> Head| {
                steps.push(step);
                Next::GoOn
            });
            let tuned = tuned.expect("enough");
            let (before, after) = (right(&base, &others), right(&tuned, &others));
            assert!(after > before + 0.2, "{name}: {before} to {after}, {steps:?}");
            assert_eq!(steps.len(), 15);
        }
    }

    #[test]
    fn one_seed_gives_one_head_and_stop_stops() {
        let (training_set, _) = training_set(40, 1);
        let base = Head::base().expect("loads");
        let parameters = TrainingParameters { steps: 60, ..TrainingParameters::default() };
        let device = crate::learn::device::device();
        let run = |stop: usize| {
            let mut last = 0;
            let head = train(&base, "tuned", &training_set, &parameters, &device, &mut |step: Step, _: &dyn Fn() -> Head| {
                last = step.step;
                if step.step >= stop { Next::Stop } else { Next::GoOn }
            });
            (head.expect("enough").fingerprint(), last)
        };
        assert_eq!(run(60), run(60));
        assert_eq!(run(20).1, 20);
    }

    #[test]
    fn too_little_is_said() {
        let (training_set, _) = training_set(10, 1);
        let device = crate::learn::device::device();
        let refused = train(
            &Head::base().expect("loads"),
            "x",
            &training_set,
            &TrainingParameters::default(),
            &device,
            &mut |_: Step, _: &dyn Fn() -> Head| Next::GoOn,
        );
        assert_eq!(refused.err(), Some(TooLittle { classes: 10 }));
    }

    #[test]
    fn photos_all_alike_end_without_a_number_that_is_none() {
        let mut training_set = TrainingSet::default();
        let photo = Features(vec![f16::from_f32(0.5); 512]);
        for _ in 0..50 {
            training_set.add(vec![photo.clone(); 3]);
        }
        let device = crate::learn::device::device();
        let parameters = TrainingParameters { steps: 60, ..TrainingParameters::default() };
        let head =
            train(&Head::base().expect("loads"), "x", &training_set, &parameters, &device, &mut |_: Step, _: &dyn Fn() -> Head| Next::GoOn)
                .expect("enough");
        assert!(head.project(&photo).iter().all(|v| v.is_finite()));
    }
}
