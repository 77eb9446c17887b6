//! The head: a linear projection from features to embedding.

use half::f16;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use thiserror::Error;

use super::tensors::{Tensors, write};
use crate::photo::{Embedding, Features};

const BASE_HEAD_FILE: &[u8] = include_bytes!("../../models/head.safetensors");

/// The file of a head cannot be used.
#[derive(Debug, Error)]
#[error("the head cannot be used: {0}")]
pub struct Error(String);

/// `embedding = normalise(weight · features + bias)`.
#[derive(Clone)]
pub struct Head {
    name: String,
    /// `[dimensions, features]`.
    weight: Array2<f32>,
    bias: Array1<f32>,
}

impl Head {
    /// The head that is embedded in the program.
    ///
    /// # Errors
    /// If its file is not a valid head.
    pub fn base() -> Result<Head, Error> {
        Head::from_safetensors("base", BASE_HEAD_FILE)
    }

    /// Reads `weight` (dimensions × features) and `bias` (dimensions), both f32.
    ///
    /// # Errors
    /// If one is missing or has another shape.
    pub fn from_safetensors(name: &str, bytes: &[u8]) -> Result<Head, Error> {
        let file = Tensors::of(bytes).map_err(Error)?;
        let (shape, weight) = file.values("weight").map_err(Error)?;
        let (bias_shape, bias) = file.values("bias").map_err(Error)?;
        let [dimensions, features] = shape[..] else { return Err(Error("weight is not a matrix".into())) };
        if bias_shape != [dimensions] {
            return Err(Error("bias does not fit weight".into()));
        }
        let weight = Array2::from_shape_vec((dimensions, features), weight).map_err(|e| Error(e.to_string()))?;
        Ok(Head { name: name.to_owned(), weight, bias: Array1::from_vec(bias) })
    }

    /// Makes a head from `weight` (dimensions × features, row by row) and `bias` (dimensions).
    ///
    /// # Panics
    /// If the length of `weight` is not a multiple of the length of `bias`.
    pub fn new(name: &str, weight: Vec<f32>, bias: Vec<f32>) -> Head {
        let features = weight.len() / bias.len().max(1);
        let weight = Array2::from_shape_vec((bias.len(), features), weight).expect("dimensions times features");
        Head { name: name.to_owned(), weight, bias: Array1::from_vec(bias) }
    }

    pub fn to_safetensors(&self) -> Vec<u8> {
        let weight = self.weight.iter().copied().collect();
        write(&[("weight", self.weight.shape(), weight), ("bias", self.bias.shape(), self.bias.to_vec())])
    }

    /// Dimensions × features.
    pub fn weight(&self) -> ArrayView2<'_, f32> {
        self.weight.view()
    }

    pub fn bias(&self) -> ArrayView1<'_, f32> {
        self.bias.view()
    }

    /// Returns this head if it has the shape of another.
    ///
    /// # Errors
    /// If the shapes differ.
    pub fn fitting(self, other: &Head) -> Result<Head, Error> {
        let (ours, theirs) = (self.weight.dim(), other.weight.dim());
        if ours == theirs { Ok(self) } else { Err(Error(format!("{} is {ours:?}, not {theirs:?}", self.name))) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The length of an embedding.
    pub fn dimensions(&self) -> usize {
        self.bias.len()
    }

    /// The number of features that it takes.
    pub fn features(&self) -> usize {
        self.weight.ncols()
    }

    /// A hash of the weights. Pairs with different fingerprints cannot be compared.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for value in self.weight.iter().chain(&self.bias) {
            hasher.update(&value.to_le_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// # Shapes
    /// The length of `features` must equal the columns of `weight`.
    pub fn embed(&self, features: &Features) -> Embedding {
        Embedding::normalised(&self.apply(features).to_vec())
    }

    /// The embedding before it is rounded.
    pub fn project(&self, features: &Features) -> Vec<f32> {
        let values = self.apply(features);
        let length = values.dot(&values).sqrt();
        values.iter().map(|v| v / length).collect()
    }

    fn apply(&self, features: &Features) -> Array1<f32> {
        let features: Array1<f32> = features.0.iter().copied().map(f16::to_f32).collect();
        self.weight.dot(&features) + &self.bias
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Parity {
        features: Vec<f32>,
        embedding: Vec<f32>,
    }

    #[test]
    fn the_base_head_gives_what_pytorch_gave() {
        let parity: Parity = serde_json::from_str(include_str!("../../models/parity.json")).expect("parity.json");
        let features = Features(parity.features.iter().map(|&v| f16::from_f32(v)).collect());
        let embedding = Head::base().expect("loads").embed(&features).to_f32();
        for (ours, theirs) in embedding.iter().zip(&parity.embedding) {
            assert!((ours - theirs).abs() < 1e-3, "{ours} is not {theirs}");
        }
    }

    #[test]
    fn a_head_is_the_same_after_writing_and_reading() {
        let base = Head::base().expect("loads");
        let again = Head::from_safetensors("again", &base.to_safetensors()).expect("reads");
        assert_eq!(again.fingerprint(), base.fingerprint());
    }

    #[test]
    fn rubbish_is_no_head() {
        assert!(Head::from_safetensors("x", b"rubbish").is_err());
    }
}
