//! A tuning: training a head and putting it through the acceptance test.

use burn::tensor::Device;

use super::acceptance::{Decided, HeldOut, Judgement, judge};
use super::training::{Next, Step, TooLittle, TrainingParameters, train};
use super::training_set::TrainingSet;
use crate::likeness::Head;
use crate::photo::{Distance, Features};

pub struct TuningData {
    /// The training set with the decisions, and without them: decisions may be wrong.
    pub with_decisions: TrainingSet,
    pub without_decisions: TrainingSet,
    pub held_out: HeldOut,
    /// Photos of the library that surround the held-out photos.
    pub background: Vec<Features>,
    pub decided: Vec<Decided>,
}

/// The head trained with decisions must find at least this share of the versions that the head trained without them
/// finds.
const MIN_FOUND_SHARE_WITH_DECISIONS: f64 = 0.99;

/// Tunes a head, starting from `old` and its threshold. If there are decisions, a second head is trained without
/// them. It is taken if the first is refused or finds clearly fewer versions.
///
/// # Errors
/// When there is too little to learn from.
pub fn tune(
    old: (&Head, Distance),
    name: &str,
    tuning_data: &TuningData,
    parameters: &TrainingParameters,
    device: &Device,
    max_distance: Distance,
    mut watch: impl FnMut(Step, &dyn Fn() -> Head) -> Next,
) -> Result<(Head, Judgement), TooLittle> {
    let mut candidate = |training_set: &TrainingSet| {
        let head = train(old.0, name, training_set, parameters, device, &mut watch)?;
        let judgement = judge(&tuning_data.held_out, &tuning_data.background, &tuning_data.decided, old, &head, max_distance);
        Ok((head, judgement))
    };
    let with_decisions = candidate(&tuning_data.with_decisions)?;
    if tuning_data.decided.is_empty() {
        return Ok(with_decisions);
    }
    let without_decisions = candidate(&tuning_data.without_decisions)?;
    let is_dear = (with_decisions.1.after.found as f64) < MIN_FOUND_SHARE_WITH_DECISIONS * without_decisions.1.after.found as f64;
    let is_plain_better = with_decisions.1.refused.is_some() || is_dear;
    Ok(if is_plain_better && without_decisions.1.refused.is_none() { without_decisions } else { with_decisions })
}
