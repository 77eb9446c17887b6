//! What the decisions of a person taught: how much more or less likely a photo is a version, near the pairs that were decided on.
//! Far from them nothing changes.

use ndarray::Array2;

use super::tensors::{Tensors, write};
use super::version_inputs::{Error, INPUTS, Inputs, Kind};

/// The distance of standardised inputs at which a decision teaches 0.6 of what it teaches on its own pair.
const KERNEL_WIDTH: f32 = 1.5;

/// Standardised inputs are cut to this, so that no single one parts what is alike.
const MAX_INPUT: f32 = 3.0;

/// A pair that was decided on, as others are compared with it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Anchor {
    kind: Kind,
    inputs: Inputs,
}

impl Anchor {
    /// Of a kind and standardised inputs.
    pub fn new(kind: Kind, standardised: &Inputs) -> Anchor {
        Anchor { kind, inputs: standardised.map(|input| input.clamp(-MAX_INPUT, MAX_INPUT)) }
    }

    /// How much two pairs are alike, from 0 to 1.
    pub fn similarity(&self, other: &Anchor) -> f32 {
        if self.kind != other.kind {
            return 0.0;
        }
        let mut square = 0.0;
        for at in 0..INPUTS {
            square += (self.inputs[at] - other.inputs[at]).powi(2);
        }
        (-square / (2.0 * KERNEL_WIDTH * KERNEL_WIDTH)).exp()
    }
}

/// `score = Σ weight · similarity`, over the pairs that were decided on.
#[derive(Clone, PartialEq, Debug)]
pub struct Taught(Vec<(Anchor, f32)>);

impl Taught {
    pub fn new(anchors: impl IntoIterator<Item = (Anchor, f32)>) -> Taught {
        Taught(anchors.into_iter().collect())
    }

    /// What is added to the score of a pair.
    pub fn score(&self, pair: &Anchor) -> f32 {
        self.0.iter().map(|(anchor, weight)| weight * anchor.similarity(pair)).sum()
    }

    /// Reads `inputs` (decisions × inputs), `kind` and `weight` (decisions), all f32.
    ///
    /// # Errors
    /// If one is missing, has another shape, or has a value that is not finite or not a kind.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Taught, Error> {
        let file = Tensors::of(bytes).map_err(Error)?;
        let read = |name: &str| file.values(name).map_err(Error);
        let ((shape, inputs), (_, kinds), (_, weights)) = (read("inputs")?, read("kind")?, read("weight")?);
        let count = weights.len();
        let inputs = match Array2::from_shape_vec((count, INPUTS), inputs) {
            Ok(inputs) if kinds.len() == count => inputs,
            _ => return Err(Error(format!("inputs have the shape {shape:?}, and there are {} kinds and {count} weights", kinds.len()))),
        };
        if !inputs.iter().chain(&weights).all(|value| value.is_finite()) {
            return Err(Error("a value is not finite".into()));
        }
        let kind = |number: f32| Kind::ALL.into_iter().find(|kind| *kind as usize as f32 == number);
        let anchor = |at: usize| {
            let kind = kind(kinds[at]).ok_or_else(|| Error(format!("{} is not a kind of pair", kinds[at])))?;
            Ok((Anchor::new(kind, &std::array::from_fn(|input| inputs[(at, input)])), weights[at]))
        };
        (0..count).map(anchor).collect::<Result<_, _>>().map(Taught)
    }

    pub fn to_safetensors(&self) -> Vec<u8> {
        let count = [self.0.len()];
        write(&[
            ("inputs", &[count[0], INPUTS], self.0.iter().flat_map(|(anchor, _)| anchor.inputs).collect()),
            ("kind", &count, self.0.iter().map(|(anchor, _)| anchor.kind as usize as f32).collect()),
            ("weight", &count, self.0.iter().map(|(_, weight)| *weight).collect()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_teaches_about_pairs_like_its_own() {
        let at = |kind, input: f32| Anchor::new(kind, &[input; INPUTS]);
        let taught = Taught::new([(at(Kind::Other, 0.0), -3.0), (at(Kind::OneSize, 1.0), 2.0)]);
        let score = |kind, input| taught.score(&at(kind, input));
        assert!((score(Kind::Other, 0.0) + 3.0).abs() < 1e-6);
        assert!(score(Kind::Other, 0.3) < -2.0 && score(Kind::Other, 2.0) > -0.1);
        assert_eq!(score(Kind::OneScale, 0.0), 0.0);
        assert_eq!(Taught::from_safetensors(&taught.to_safetensors()).expect("its own bytes"), taught);
        for wrong in [Taught::new([(at(Kind::Other, f32::NAN), 1.0)]), Taught::new([(at(Kind::Other, 0.0), f32::INFINITY)])] {
            assert!(Taught::from_safetensors(&wrong.to_safetensors()).is_err());
        }
        assert!(Taught::from_safetensors(b"nothing").is_err());
    }
}
