//! The version model: how likely a photo is a version of another one rather than another frame of its camera.
//!
//! Frames of one camera have one size and compression, and so may have versions. Then the pictures must tell: a linear score of
//! nine numbers, trained on frames of scenes and their edited versions (`models/README.md`). Of other photos a rule tells. What
//! the decisions of a person taught adds to either. The order of the two photos does not matter.

use std::sync::LazyLock;

use ndarray::{Array1, Array2};

use super::taught::{Anchor, Taught};
use super::tensors::{Tensors, write};
use super::version_inputs::{COARSE_GRID, Error, INPUTS, Inputs, Kind, Member, coarse_grid, inputs, kind};
use crate::photo::Comparison;

const BASE_FILE: &[u8] = include_bytes!("../../models/versions.safetensors");

/// Other photos of one exposure agree at least so well, on the coarse grid. What keeps its light was changed little, so it agrees
/// better, on the fine grid too.
const MIN_AGREEMENT_OF_OTHERS: f64 = 0.7;
const MIN_AGREEMENT_IN_LIGHT: f64 = 0.8;
const MIN_FINE_AGREEMENT_IN_LIGHT: f64 = 0.7;

/// How fast the score of other photos rises with the input of the coarse grid, and its limit: decisions can outweigh it.
const SLOPE_OF_OTHERS: f32 = 4.0;
const MAX_SCORE_OF_OTHERS: f32 = 2.0;

/// Photos that may be frames of one camera have at least this score if they are in one light, to this logarithm of the ratio of
/// brightness and of contrast, and all but equal apart from one spot, such as a text; or if one is a crop of the other, or has a
/// border around it. The model was trained on few texts and borders.
const SCORE_OF_EQUALS: f32 = 2.0;
const MAX_LOG_BRIGHTNESS: f64 = 0.1;
const MAX_LOG_CONTRAST: f64 = 0.2;
const MIN_AGREEMENT_OF_EQUALS: f64 = 0.997;
const MIN_OVERLAP_OF_EQUALS: f64 = 0.985;

/// Two pictures that agree so well, but not in so large a part, have other texts there: memes and pages of one layout.
const MIN_AGREEMENT_BESIDE_TEXT: f64 = 0.99;
const MIN_SHARE_OF_TEXT: f64 = 0.07;

/// With less overlap one is a crop of the other.
pub(super) const MAX_OVERLAP_OF_CROP: f64 = 0.97;

/// `score = weight[kind] · (inputs − mean) / scale + bias[kind]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Linear {
    /// Kinds × inputs.
    weight: Array2<f32>,
    bias: Array1<f32>,
    /// Of the inputs of the pairs that it was trained on.
    mean: Inputs,
    scale: Inputs,
}

impl Linear {
    /// A model that says nothing yet, for inputs with this mean and scale.
    pub fn untrained(mean: Inputs, scale: Inputs) -> Linear {
        let kinds = Kind::ALL.len();
        Linear { weight: Array2::zeros((kinds, INPUTS)), bias: Array1::zeros(kinds), mean, scale }
    }

    /// Reads `weight` (kinds × inputs), `bias` (kinds), `mean` and `scale` (inputs), all f32.
    ///
    /// # Errors
    /// If one is missing, has another shape, or has a value that is not finite.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Linear, Error> {
        let file = Tensors::of(bytes).map_err(Error)?;
        let read = |name: &str, wanted: &[usize]| -> Result<Vec<f32>, Error> {
            let (shape, values) = file.values(name).map_err(Error)?;
            if shape != wanted {
                return Err(Error(format!("{name} has the shape {shape:?}, not {wanted:?}")));
            }
            if values.iter().all(|value| value.is_finite()) { Ok(values) } else { Err(Error(format!("{name} is not finite"))) }
        };
        let kinds = Kind::ALL.len();
        let inputs = |name| Ok::<Inputs, Error>(read(name, &[INPUTS])?.try_into().expect("of this shape"));
        Ok(Linear {
            weight: Array2::from_shape_vec((kinds, INPUTS), read("weight", &[kinds, INPUTS])?).expect("of this shape"),
            bias: read("bias", &[kinds])?.into(),
            mean: inputs("mean")?,
            scale: inputs("scale")?,
        })
    }

    pub fn to_safetensors(&self) -> Vec<u8> {
        write(&[
            ("weight", self.weight.shape(), self.weight.iter().copied().collect()),
            ("bias", self.bias.shape(), self.bias.to_vec()),
            ("mean", &[INPUTS], self.mean.to_vec()),
            ("scale", &[INPUTS], self.scale.to_vec()),
        ])
    }

    pub fn score(&self, kind: Kind, inputs: &Inputs) -> f32 {
        let row = kind as usize;
        self.weight.row(row).iter().zip(self.standardised(inputs)).map(|(weight, input)| weight * input).sum::<f32>() + self.bias[row]
    }

    /// The inputs as the weights take them: with mean 0 and scale 1 over the pairs that it was trained on.
    pub fn standardised(&self, inputs: &Inputs) -> Inputs {
        std::array::from_fn(|at| (inputs[at] - self.mean[at]) / self.scale[at])
    }

    /// This model with other weights (kinds × inputs) and biases.
    pub fn with(&self, weight: Array2<f32>, bias: Array1<f32>) -> Linear {
        Linear { weight, bias, ..self.clone() }
    }
}

/// Tells versions from frames: what was trained, and what decisions taught.
#[derive(Clone, PartialEq, Debug)]
pub struct VersionModel {
    trained: Linear,
    taught: Option<Taught>,
}

impl VersionModel {
    /// The model that is embedded in the program.
    pub fn base() -> &'static VersionModel {
        static BASE: LazyLock<VersionModel> =
            LazyLock::new(|| VersionModel::new(Linear::from_safetensors(BASE_FILE).expect("its own file is checked by a test")));
        &BASE
    }

    pub fn new(trained: Linear) -> VersionModel {
        VersionModel { trained, taught: None }
    }

    /// This model and what decisions taught.
    pub fn taught(&self, taught: Taught) -> VersionModel {
        VersionModel { trained: self.trained.clone(), taught: Some(taught) }
    }

    /// The part that was trained.
    pub fn trained(&self) -> &Linear {
        &self.trained
    }

    /// The logarithm of the odds that one of two photos is a version of the other. Of each kind the two are more likely versions
    /// than not if it is above 0.
    pub fn score(&self, a: &Member, b: &Member, comparison: &Comparison) -> f32 {
        let (kind, inputs) = (kind(a, b, comparison), inputs(a, b, comparison));
        self.untaught(kind, &inputs, comparison) + self.taught.as_ref().map_or(0.0, |taught| taught.score(&self.anchor(kind, &inputs)))
    }

    /// A pair as what decisions taught takes it.
    pub fn anchor(&self, kind: Kind, inputs: &Inputs) -> Anchor {
        Anchor::new(kind, &self.trained.standardised(inputs))
    }

    /// The score without what decisions taught.
    pub fn untaught(&self, kind: Kind, inputs: &Inputs, comparison: &Comparison) -> f32 {
        match kind {
            _ if is_one_light(comparison) && has_other_text(comparison) => -SCORE_OF_EQUALS,
            Kind::Other => {
                let is_one_light = is_one_light(comparison);
                if is_one_light && comparison.fine.agreement < MIN_FINE_AGREEMENT_IN_LIGHT {
                    return -MAX_SCORE_OF_OTHERS;
                }
                let least = if is_one_light { MIN_AGREEMENT_IN_LIGHT } else { MIN_AGREEMENT_OF_OTHERS };
                let above = inputs[COARSE_GRID] - coarse_grid(least) as f32;
                (SLOPE_OF_OTHERS * above).clamp(-MAX_SCORE_OF_OTHERS, MAX_SCORE_OF_OTHERS)
            }
            kind if is_equal_in_light(kind, comparison) => self.trained.score(kind, inputs).max(SCORE_OF_EQUALS),
            kind => self.trained.score(kind, inputs),
        }
    }
}

/// Whether two photos have about the same brightness and contrast.
fn is_one_light(comparison: &Comparison) -> bool {
    let [a, b] = &comparison.tones;
    let ratio = |x: f64, y: f64| (x.max(1.0) / y.max(1.0)).ln().abs();
    ratio(a.brightness, b.brightness) < MAX_LOG_BRIGHTNESS && ratio(a.contrast, b.contrast) < MAX_LOG_CONTRAST
}

/// Whether two pictures of one frame have other texts.
pub(super) fn has_other_text(comparison: &Comparison) -> bool {
    let Comparison { overlap: [a, b], fine, .. } = comparison;
    a.min(*b) >= MIN_OVERLAP_OF_EQUALS && fine.agreement >= MIN_AGREEMENT_BESIDE_TEXT && fine.misfit > MIN_SHARE_OF_TEXT
}

/// Whether two photos are in one light and all but equal, or one is cut out of the other.
fn is_equal_in_light(kind: Kind, comparison: &Comparison) -> bool {
    let Comparison { overlap, fine, .. } = comparison;
    let overlap = overlap[0].min(overlap[1]);
    let is_equal = overlap >= MIN_OVERLAP_OF_EQUALS && fine.agreement >= MIN_AGREEMENT_OF_EQUALS;
    is_one_light(comparison) && (is_equal || kind == Kind::OneScale && overlap < MAX_OVERLAP_OF_CROP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::{Affine, Capture, Dimensions, Format, PictureHash, Residual, Tone};

    fn member(width: u32, quantisation: u16) -> Member {
        let dimensions = Dimensions { width, height: width * 2 / 3 };
        Member {
            picture: PictureHash([0; 32]),
            dimensions,
            format: Format::Jpeg,
            quantisation: Some(quantisation),
            capture: Capture::default(),
            names: Vec::new(),
        }
    }

    /// How the model scores two photos of a camera's size and compression.
    fn score(comparison: &Comparison) -> f32 {
        let (a, b) = (member(6000, 100), member(6000, 120));
        VersionModel::base().trained().score(kind(&a, &b, comparison), &inputs(&a, &b, comparison))
    }

    #[test]
    fn the_file_is_read_and_written_as_it_was() {
        let trained = VersionModel::base().trained();
        assert_eq!(&Linear::from_safetensors(&trained.to_safetensors()).expect("its own bytes"), trained);
        assert!(Linear::from_safetensors(b"no model").is_err());
        let untrained = Linear::untrained([0.0; INPUTS], [f32::NAN; INPUTS]);
        assert!(Linear::from_safetensors(&untrained.to_safetensors()).is_err(), "not finite");
    }

    #[test]
    fn kinds_are_told_by_size_scale_and_compression() {
        let of = |a: (u32, u16), b: (u32, u16), by: f64| {
            let comparison = Comparison { map: Affine::scaled(by, (0.0, 0.0)), ..Comparison::WHOLE };
            kind(&member(a.0, a.1), &member(b.0, b.1), &comparison)
        };
        assert_eq!(of((6000, 100), (6000, 140), 1.0), Kind::OneSize);
        assert_eq!(of((6000, 100), (3000, 100), 2.0), Kind::OneScale, "a crop");
        assert_eq!(of((6000, 100), (3000, 100), 1.0), Kind::Other, "a smaller version");
        assert_eq!(of((6000, 100), (6000, 400), 1.0), Kind::Other, "another compression");
    }

    #[test]
    fn less_agreement_and_another_light_make_another_frame() {
        let agreeing = |agreement: f64| {
            let left = Residual { agreement, ..Comparison::WHOLE.fine };
            Comparison { coarse: left, fine: left, ..Comparison::WHOLE }
        };
        let scores = [0.9, 0.95, 0.99, 0.998].map(|agreement| score(&agreeing(agreement)));
        assert!(scores.is_sorted() && scores[0] < 0.0 && scores[3] > 0.0, "{scores:?}");
        let moved = Comparison { overlap: [0.97; 2], ..agreeing(0.998) };
        assert!(score(&moved) < scores[3], "the camera moved");
        let spot = Comparison { fine: Residual { spot: 8.0, ..agreeing(0.998).fine }, ..agreeing(0.998) };
        assert!(score(&spot) < scores[3], "somebody moved");
    }

    #[test]
    fn equals_in_one_light_and_other_photos_are_judged_by_rules_that_decisions_can_outweigh() {
        let left = |agreement| Residual { agreement, spot: 12.0, ..Comparison::WHOLE.fine };
        let agreeing = |agreement| Comparison { coarse: left(agreement), fine: left(agreement), ..Comparison::WHOLE };
        let of = |other: Member, comparison: Comparison| {
            let model = VersionModel::base();
            let a = member(6000, 100);
            let pair = model.anchor(kind(&a, &other, &comparison), &inputs(&a, &other, &comparison));
            let against = Taught::new([(pair, -3.0)]);
            [model.score(&a, &other, &comparison), model.taught(against).score(&a, &other, &comparison)]
        };
        let [text, taught] = of(member(6000, 100), agreeing(0.998));
        assert!(text >= SCORE_OF_EQUALS && taught < text - 2.9, "a text: {text} {taught}");
        let other_text = Comparison { fine: Residual { misfit: 0.15, ..left(0.998) }, ..agreeing(0.998) };
        assert!(of(member(6000, 100), other_text)[0] < 0.0, "two memes");
        let smaller = |comparison| of(member(3000, 100), comparison);
        assert!(smaller(other_text)[0] < 0.0, "one of them smaller");
        let [whole, taught] = smaller(agreeing(0.95));
        assert!(whole > 1.9 && taught < 0.0, "{whole} {taught}");
        assert!(smaller(agreeing(0.81))[0] > 0.0 && smaller(agreeing(0.79))[0] < 0.0);
        assert!(smaller(Comparison { fine: left(0.69), ..agreeing(0.9) })[0] < 0.0);
        let [light, dark] = Comparison::WHOLE.tones;
        let dark = Tone { brightness: dark.brightness * 0.6, ..dark };
        let darker = |agreement| smaller(Comparison { tones: [light, dark], ..agreeing(agreement) })[0];
        assert!(darker(0.71) > 0.0 && darker(0.69) < 0.0, "edited");
    }

    #[test]
    fn the_order_of_the_two_does_not_matter() {
        let comparison = Comparison { overlap: [0.6, 0.9], map: Affine::scaled(1.5, (0.1, 0.0)), ..Comparison::WHOLE };
        let (a, b) = (member(6000, 100), member(4000, 130));
        let (there, back) = (inputs(&a, &b, &comparison), inputs(&b, &a, &comparison.swapped()));
        assert!(there.iter().zip(back).all(|(x, y)| (x - y).abs() < 1e-6), "{there:?} {back:?}");
        assert_eq!(kind(&a, &b, &comparison), kind(&b, &a, &comparison.swapped()));
    }
}
