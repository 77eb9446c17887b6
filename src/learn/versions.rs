//! Training the version model. Each photo chooses its source among the near photos that may be it, or none; the loss is the
//! cross-entropy of that choice.

use burn::nn;
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array1, Array2};

use super::fit::{Fit, fit};
use crate::likeness::{INPUTS, Inputs, Kind, Linear};

/// A photo that may be the source of another one.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub kind: Kind,
    pub inputs: Inputs,
    /// Whether both are one exposure.
    pub is_right: bool,
}

/// What a photo chooses from. If none is right, it should choose none.
pub type Choice = Vec<Candidate>;

/// How strongly weights are held back, per choice: this times the sum of their squares is added to the sum of all losses.
pub const VERSION_DECAY: f32 = 3.0;

/// Columns of each kind, and of all kinds together: the inputs and a constant.
const COLUMNS: usize = INPUTS + 1;
const ALL_COLUMNS: usize = COLUMNS * (1 + Kind::ALL.len());

/// The score of an option that is not there.
const NO_OPTION: f32 = -1e9;

/// Returns an untrained model for these choices.
pub fn untrained(choices: &[Choice]) -> Linear {
    let inputs: Vec<&Inputs> = choices.iter().flatten().map(|option| &option.inputs).collect();
    let mean_of = |value: &dyn Fn(&Inputs) -> f32| inputs.iter().map(|inputs| value(inputs)).sum::<f32>() / inputs.len().max(1) as f32;
    let mean: Inputs = std::array::from_fn(|at| mean_of(&|inputs| inputs[at]));
    let scale: Inputs = std::array::from_fn(|at| mean_of(&|inputs| (inputs[at] - mean[at]).powi(2)).sqrt().max(1e-3));
    Linear::untrained(mean, scale)
}

/// Trains an untrained model. Its weights are held back by `decay`.
///
/// # Panics
/// If there are no choices, or one has no options.
pub fn train(untrained: &Linear, choices: &[Choice], decay: f32, device: &Device) -> Linear {
    assert!(choices.iter().all(|choice| !choice.is_empty()) && !choices.is_empty(), "something to choose from");
    let device = device.clone().autodiff();
    let table = Table::of(untrained, choices, &device);
    // The loss is a mean.
    let parameters = Fit { steps: 300, rate: 0.05, decay: decay / choices.len() as f32 };
    let learnt = fit(ALL_COLUMNS, &parameters, &device, &|| true, |layer| table.loss(layer));
    let of = |kind: Kind, column: usize| learnt[column] + learnt[COLUMNS * (1 + kind as usize) + column];
    let weight = Array2::from_shape_fn((Kind::ALL.len(), INPUTS), |(kind, input)| of(Kind::ALL[kind], input));
    let bias = Array1::from_shape_fn(Kind::ALL.len(), |kind| of(Kind::ALL[kind], INPUTS));
    untrained.with(weight, bias)
}

/// All choices as tensors. Each has as many options as the one with the most.
struct Table {
    /// Choices × options, by rows of columns.
    columns: Tensor<2>,
    /// 0 for the options that are there. Choices × options.
    missing: Tensor<2>,
    /// 0 for the options that are right, and [`NO_OPTION`] for others. The first is none. Choices × (1 + options).
    right: Tensor<2>,
    shape: [usize; 2],
}

impl Table {
    fn of(untrained: &Linear, choices: &[Choice], device: &Device) -> Table {
        let options = choices.iter().map(Vec::len).max().unwrap_or(0);
        let (mut columns, mut missing, mut right) = (Vec::new(), Vec::new(), Vec::new());
        for choice in choices {
            let may_be = |is_right| if is_right { 0.0 } else { NO_OPTION };
            right.push(may_be(choice.iter().all(|option| !option.is_right)));
            for option in choice {
                columns.extend(row(untrained, option));
                missing.push(0.0);
                right.push(may_be(option.is_right));
            }
            let count = options - choice.len();
            columns.resize(columns.len() + count * ALL_COLUMNS, 0.0);
            missing.resize(missing.len() + count, NO_OPTION);
            right.resize(right.len() + count, NO_OPTION);
        }
        let shape = [choices.len(), options];
        let tensor = |values, shape: [usize; 2]| Tensor::<2>::from_data(TensorData::new(values, shape), device);
        Table {
            columns: tensor(columns, [shape[0] * shape[1], ALL_COLUMNS]),
            missing: tensor(missing, shape),
            right: tensor(right, [shape[0], 1 + shape[1]]),
            shape,
        }
    }

    /// The mean cross-entropy.
    fn loss(&self, layer: &nn::Linear) -> Tensor<1> {
        let scores = layer.forward(self.columns.clone()).reshape(self.shape) + self.missing.clone();
        let none = Tensor::<2>::zeros([self.shape[0], 1], &scores.device());
        let all = Tensor::cat(vec![none, scores], 1);
        (log_sum(&all) - log_sum(&(all.clone() + self.right.clone()))).mean()
    }
}

/// The logarithm of the sum of the exponentials of each row.
fn log_sum(scores: &Tensor<2>) -> Tensor<2> {
    let largest = scores.clone().max_dim(1);
    (scores.clone() - largest.clone()).exp().sum_dim(1).log() + largest
}

/// The columns of an option: those of all kinds, then those of each kind, which are 0 for the others.
fn row(untrained: &Linear, option: &Candidate) -> [f32; ALL_COLUMNS] {
    let mut row = [0.0; ALL_COLUMNS];
    for first in [0, COLUMNS * (1 + option.kind as usize)] {
        row[first..first + INPUTS].copy_from_slice(&untrained.standardised(&option.inputs));
        row[first + INPUTS] = 1.0;
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::device::devices;

    /// Photos that each choose from four, of which one is nearer in the second input; a fifth of them should choose none.
    fn choices(count: usize, seed: u64) -> Vec<Choice> {
        let mut random = fastrand::Rng::with_seed(seed);
        let choice = |number: usize| {
            let right = if number.is_multiple_of(5) { 9 } else { random.usize(..4) };
            let option = |at: usize| {
                let mut inputs: Inputs = std::array::from_fn(|_| random.f32());
                inputs[1] += if at == right { 2.0 } else { 0.0 };
                Candidate { kind: Kind::ALL[number % 2], inputs, is_right: at == right }
            };
            (0..4).map(option).collect()
        };
        (0..count).map(choice).collect()
    }

    fn right(model: &Linear, choices: &[Choice]) -> usize {
        let is_right = |choice: &&Choice| {
            let best = choice.iter().max_by(|x, y| model.score(x.kind, &x.inputs).total_cmp(&model.score(y.kind, &y.inputs)));
            best.is_some_and(
                |best| if model.score(best.kind, &best.inputs) > 0.0 { best.is_right } else { choice.iter().all(|x| !x.is_right) },
            )
        };
        choices.iter().filter(is_right).count()
    }

    #[test]
    fn a_model_learns_what_tells_a_source() {
        let (taught, others) = (choices(200, 1), choices(200, 2));
        for (name, device) in devices() {
            let model = train(&untrained(&taught), &taught, VERSION_DECAY, &device);
            assert!(right(&model, &others) >= 195, "{name}: {} of 200", right(&model, &others));
        }
    }
}
