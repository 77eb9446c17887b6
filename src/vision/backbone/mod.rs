//! The frozen backbone, from a picture to features. It runs on tract, with nearly all layers replaced by blocks of
//! our own.

use std::sync::Arc;

use half::f16;
use serde::Deserialize;
use thiserror::Error;
use tract_onnx::prelude::*;

use super::prepare::{Preparation, comparable_recipes, prepare, prepare_crops, recipe};
use crate::photo::{Features, Picture};

mod block;
mod bottlenecks;
mod depthwise;
mod product;

const ONNX: &[u8] = include_bytes!("../../../models/backbone.onnx");
const DESCRIPTION: &str = include_str!("../../../models/encoder.json");

/// The description of the backbone in `models/encoder.json`.
#[derive(Deserialize)]
struct Description {
    size: u32,
    mean: f32,
    scale: f32,
    features: usize,
    backbone_sha256: String,
}

/// The encoder does not load or run: the build is broken, not the photo.
#[derive(Debug, Error)]
#[error("the encoder does not run: {0}")]
pub struct Error(String);

/// The backbone, shared by all workers. Each has a [`Runner`].
#[derive(Clone)]
pub struct Backbone {
    plan: Arc<TypedRunnableModel>,
    preparation: Preparation,
    features: usize,
    name: String,
}

impl Backbone {
    /// Loads the embedded backbone, in about 0.2 s.
    ///
    /// # Errors
    /// If the file does not load.
    pub fn embedded() -> Result<Backbone, Error> {
        let description: Description = serde_json::from_str(DESCRIPTION).map_err(|e| Error(e.to_string()))?;
        let size = description.size as usize;
        let load = || -> TractResult<Arc<TypedRunnableModel>> {
            let model = tract_onnx::onnx().model_for_read(&mut &ONNX[..])?;
            let pictures = model.symbols.sym("N").to_dim();
            let input = f32::fact([pictures, 3.to_dim(), size.to_dim(), size.to_dim()]);
            let mut model = model.with_input_fact(0, input.into())?.into_typed()?;
            bottlenecks::replace(&mut model)?;
            model.into_optimized()?.into_runnable()
        };
        Ok(Backbone {
            plan: load().map_err(|e| Error(format!("{e:#}")))?,
            preparation: Preparation { size: description.size, mean: description.mean, scale: description.scale },
            features: description.features,
            name: description.backbone_sha256[..16].to_owned(),
        })
    }

    /// A hash of the weights. Features of different backbones cannot be compared.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names the weights and how features, crop descriptors and keypoints are made.
    pub fn recipe(&self) -> String {
        recipe(&self.name)
    }

    /// The recipes whose data can be compared with this one's. Photos stored with another recipe are processed again.
    pub fn comparable_recipes(&self) -> Vec<String> {
        comparable_recipes(&self.name)
    }

    /// The length of the features of a photo.
    pub fn width(&self) -> usize {
        self.features
    }

    /// A runner for one thread.
    ///
    /// # Errors
    /// If tract cannot create the state of the plan.
    pub fn runner(&self) -> Result<Runner, Error> {
        let state = self.plan.spawn().map_err(|e| Error(format!("{e:#}")))?;
        Ok(Runner { state, preparation: self.preparation })
    }
}

/// The backbone with one thread's state.
pub struct Runner {
    state: TypedSimpleState,
    preparation: Preparation,
}

impl Runner {
    /// The features of a whole picture of any size.
    ///
    /// # Errors
    /// If tract fails. No picture should cause that.
    pub fn features(&mut self, picture: &Picture) -> Result<Features, Error> {
        Ok(self.run(&[prepare(picture, None, &self.preparation)])?.remove(0))
    }

    /// The features of a picture and of its crops, in the order of
    /// [`CropDescriptors`](crate::photo::CropDescriptors).
    ///
    /// # Errors
    /// See [`features`](Runner::features).
    pub fn features_and_crops(&mut self, picture: &Picture) -> Result<(Features, Vec<Features>), Error> {
        let mut parts = self.run(&prepare_crops(picture, &self.preparation))?;
        Ok((parts.remove(0), parts))
    }

    /// Features of prepared inputs.
    fn run(&mut self, inputs: &[Vec<f32>]) -> Result<Vec<Features>, Error> {
        let outputs = self.values(inputs).map_err(|e| Error(format!("{e:#}")))?;
        Ok(outputs
            .chunks_exact(outputs.len() / inputs.len())
            .map(|values| Features(values.iter().map(|&v| f16::from_f32(v)).collect()))
            .collect())
    }

    fn values(&mut self, inputs: &[Vec<f32>]) -> TractResult<Vec<f32>> {
        let size = self.preparation.size as usize;
        let input = Tensor::from_shape(&[inputs.len(), 3, size, size], &inputs.concat())?;
        let output = self.state.run(tvec!(input.into()));
        if output.is_err() {
            // Else the number of pictures stays as it was in this run.
            self.state.reset_turn()?;
        }
        Ok(output?[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Parity {
        features: Vec<f32>,
    }

    #[test]
    fn all_blocks_are_ours() {
        let backbone = Backbone::embedded().expect("loads");
        let names: Vec<String> = backbone.plan.model().nodes().iter().map(|node| node.op().name().into_owned()).collect();
        assert_eq!(names[1], "Bottlenecks", "{names:?}");
        // The head's product, and nothing else of that kind.
        assert_eq!(names.iter().filter(|name| name.contains("MatMul") && !name.contains("Pack")).count(), 1, "{names:?}");
        assert!(!names.iter().any(|name| name.contains("Conv") || name.contains("Depth")), "{names:?}");
    }

    #[test]
    fn our_blocks_give_what_tracts_give() {
        let backbone = Backbone::embedded().expect("loads");
        let size = backbone.preparation.size as usize;
        let model = tract_onnx::onnx().model_for_read(&mut &ONNX[..]).expect("reads");
        let input = f32::fact([1, 3, size, size]);
        let plan =
            model.with_input_fact(0, input.into()).expect("fits").into_optimized().expect("optimises").into_runnable().expect("runs");
        let mut random = fastrand::Rng::with_seed(5);
        let pictures: Vec<Vec<f32>> = (0..4).map(|_| (0..3 * size * size).map(|_| 2.0 * random.f32() - 1.0).collect()).collect();
        let theirs = pictures.iter().flat_map(|picture| {
            let input = Tensor::from_shape(&[1, 3, size, size], picture).expect("a picture");
            let output = plan.run(tvec!(input.into())).expect("runs");
            output[0].try_as_plain_ram().expect("here").as_slice::<f32>().expect("numbers").to_vec()
        });
        let ours = backbone.runner().expect("a state").values(&pictures).expect("runs");
        for (ours, theirs) in ours.iter().zip(theirs.collect::<Vec<f32>>()) {
            assert!((ours - theirs).abs() < 1e-4, "{ours} is not {theirs}");
        }
    }

    #[test]
    fn the_features_are_those_that_pytorch_gave() {
        let parity: Parity = serde_json::from_str(include_str!("../../../models/parity.json")).expect("parity.json");
        let backbone = Backbone::embedded().expect("loads");
        let size = backbone.preparation.size as usize;
        let mut rgb = Vec::with_capacity(3 * size * size);
        for y in 0..size {
            for x in 0..size {
                rgb.extend([x * 7 + y * 3, x * x + y * 5, x * y].map(|v| (v % 256) as u8));
            }
        }
        let picture = Picture::new(size as u32, size as u32, rgb);
        let input = prepare(&picture, None, &backbone.preparation);
        let features = backbone.runner().expect("a state").values(&[input]).expect("runs");
        assert_eq!(features.len(), backbone.width());
        for (ours, theirs) in features.iter().zip(&parity.features) {
            assert!((ours - theirs).abs() < 1e-3, "{ours} is not {theirs}");
        }
    }
}
