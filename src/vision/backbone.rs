//! The frozen backbone, run by tract: a picture to features.

use std::sync::Arc;

use half::f16;
use serde::Deserialize;
use thiserror::Error;
use tract_onnx::prelude::*;

use super::decode::Window;
use super::depthwise;
use super::prepare::{Preparation, parts, prepare};
use crate::photo::{Features, Picture};

const ONNX: &[u8] = include_bytes!("../../models/backbone.onnx");
const DESCRIPTION: &str = include_str!("../../models/encoder.json");

/// What `models/encoder.json` says of the backbone beside it.
#[derive(Deserialize)]
struct Description {
    size: u32,
    mean: f32,
    scale: f32,
    features: usize,
    backbone_sha256: String,
}

/// The encoder does not load or run: a broken build, not a broken photo.
#[derive(Debug, Error)]
#[error("the encoder does not run: {0}")]
pub struct Error(String);

/// One backbone, shared by all workers; each has a [`Runner`].
#[derive(Clone)]
pub struct Backbone {
    plan: Arc<TypedRunnableModel>,
    preparation: Preparation,
    features: usize,
    name: String,
}

impl Backbone {
    /// Loads the backbone in the binary: about 0.2 s.
    ///
    /// # Errors
    /// When the file does not load.
    pub fn embedded() -> Result<Backbone, Error> {
        let description: Description = serde_json::from_str(DESCRIPTION).map_err(|e| Error(e.to_string()))?;
        let size = description.size as usize;
        let load = || -> TractResult<Arc<TypedRunnableModel>> {
            let model = tract_onnx::onnx().model_for_read(&mut &ONNX[..])?;
            let mut model = model.with_input_fact(0, f32::fact([1, 3, size, size]).into())?.into_typed()?.into_decluttered()?;
            depthwise::replace(&mut model)?;
            model.into_optimized()?.into_runnable()
        };
        Ok(Backbone {
            plan: load().map_err(|e| Error(format!("{e:#}")))?,
            preparation: Preparation { size: description.size, mean: description.mean, scale: description.scale },
            features: description.features,
            name: description.backbone_sha256[..16].to_owned(),
        })
    }

    /// Names the weights: features of different names do not compare.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Numbers in the features of a photo.
    pub fn width(&self) -> usize {
        self.features
    }

    /// A runner for one thread.
    ///
    /// # Errors
    /// When tract cannot make a state of the plan.
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
    /// When tract fails, which no picture should make it do.
    pub fn features(&mut self, picture: &Picture) -> Result<Features, Error> {
        self.features_in(picture, None)
    }

    /// The features of each [part](parts) of a picture.
    ///
    /// # Errors
    /// See [`features`](Runner::features).
    pub fn parts(&mut self, picture: &Picture) -> Result<Vec<Features>, Error> {
        parts(picture).into_iter().map(|window| self.features_in(picture, Some(window))).collect()
    }

    fn features_in(&mut self, picture: &Picture, window: Option<Window>) -> Result<Features, Error> {
        let values = self.run(prepare(picture, window, &self.preparation))?;
        Ok(Features(values.iter().map(|&v| f16::from_f32(v)).collect()))
    }

    fn run(&mut self, input: Vec<f32>) -> Result<Vec<f32>, Error> {
        let size = self.preparation.size as usize;
        let run = |state: &mut TypedSimpleState| -> TractResult<Vec<f32>> {
            let input = Tensor::from_shape(&[1, 3, size, size], &input)?;
            let output = state.run(tvec!(input.into()))?;
            Ok(output[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
        };
        run(&mut self.state).map_err(|e| Error(format!("{e:#}")))
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
    fn no_depthwise_convolution_is_left_to_tract() {
        let backbone = Backbone::embedded().expect("loads");
        let names: Vec<String> = backbone.plan.model().nodes().iter().map(|node| node.op().name().into_owned()).collect();
        assert_eq!(names.iter().filter(|name| *name == "Depthwise").count(), 16, "{names:?}");
        assert!(!names.iter().any(|name| name == "DepthWiseConv"), "{names:?}");
        // Of the bounds, those after the stem alone are not within ours, or a matrix product.
        assert_eq!(names.iter().filter(|name| name.starts_with("OptBin")).count(), 1, "{names:?}");
    }

    #[test]
    fn tract_gives_the_features_that_pytorch_gave() {
        let parity: Parity = serde_json::from_str(include_str!("../../models/parity.json")).expect("parity.json");
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
        let features = backbone.runner().expect("a state").run(input).expect("runs");
        assert_eq!(features.len(), backbone.width());
        for (ours, theirs) in features.iter().zip(&parity.features) {
            assert!((ours - theirs).abs() < 1e-3, "{ours} is not {theirs}");
        }
    }
}
