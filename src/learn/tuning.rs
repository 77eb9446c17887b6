//! A tuning: a head is trained, and judged against the one before.

use burn::tensor::Device;

use super::gate::{Decided, HeldOut, Judgement, judge};
use super::material::Material;
use super::training::{Next, Recipe, Step, TooLittle, train};
use crate::likeness::Head;
use crate::photo::{Distance, Features};

/// What a head is tuned on and judged by.
pub struct Lesson {
    /// With what a person decided, and without: decisions may be wrong.
    pub heeding: Material,
    pub plain: Material,
    pub held_out: HeldOut,
    /// Photos of the library that held-out ones are seen among.
    pub background: Vec<Features>,
    pub decided: Vec<Decided>,
}

/// How many fewer of the held-out versions a head may find that heeds the decisions, than one that does not.
const HEED: f64 = 0.99;

/// Tunes a head from `old` and its threshold. With decisions there are two, one that heeds them and one that
/// does not; the second is taken when the first finds less for it.
///
/// # Errors
/// When there is too little to learn from.
pub fn tune(
    old: (&Head, Distance),
    name: &str,
    lesson: &Lesson,
    recipe: &Recipe,
    device: &Device,
    max_distance: Distance,
    mut watch: impl FnMut(Step, &dyn Fn() -> Head) -> Next,
) -> Result<(Head, Judgement), TooLittle> {
    let mut candidate = |material: &Material| {
        let head = train(old.0, name, material, recipe, device, &mut watch)?;
        let judgement = judge(&lesson.held_out, &lesson.background, &lesson.decided, old, &head, max_distance);
        Ok((head, judgement))
    };
    let heeding = candidate(&lesson.heeding)?;
    if lesson.decided.is_empty() {
        return Ok(heeding);
    }
    let plain = candidate(&lesson.plain)?;
    let is_dear = (heeding.1.after.found as f64) < HEED * plain.1.after.found as f64;
    let is_plain_better = heeding.1.refused.is_some() || is_dear;
    Ok(if is_plain_better && plain.1.refused.is_none() { plain } else { heeding })
}
