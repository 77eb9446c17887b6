//! What the version model takes: what is known of two photos, and nine numbers of their comparison.

use super::frame_name::FrameName;
use crate::photo::{Affine, Capture, Comparison, Dimensions, Format, PictureHash};

/// What the place of a photo among near ones depends on.
#[derive(Clone, Debug)]
pub struct Member {
    pub picture: PictureHash,
    /// Of the file.
    pub dimensions: Dimensions,
    pub format: Format,
    /// The sum of the quantiser steps of a JPEG, if it is known.
    pub quantisation: Option<u16>,
    pub capture: Capture,
    /// Of its files, as cameras give them.
    pub names: Vec<FrameName>,
}

/// The number of inputs.
pub const INPUTS: usize = 9;

/// The position of the input of the coarse grid.
pub(super) const COARSE_GRID: usize = 1;

/// The numbers on which the score depends, before they are standardised.
pub type Inputs = [f32; INPUTS];

/// What two photos have in common that frames of one camera have in common. Each kind has weights of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The format and about the same compression, and the size in pixels.
    OneSize,
    /// The format and about the same compression, and the scale of what they show.
    OneScale,
    /// Neither.
    Other,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::OneSize, Kind::OneScale, Kind::Other];
}

/// The logarithm of the ratio of two scales that are one.
pub(super) const MAX_LOG_SCALE: f64 = 0.02;

/// The largest logarithm of a ratio of quantiser steps that counts.
const MAX_LOG_STEPS: f64 = 2.0;

/// A camera that is held is turned by less.
const MAX_HELD_TURN_DEGREES: f64 = 2.0;

/// The quantiser steps of the frames of a camera differ by no more than this ratio. Some cameras adapt them a little.
const MAX_QUANTISATION_RATIO: f64 = 1.5;

/// Returns the kind of two photos.
pub fn kind(a: &Member, b: &Member, comparison: &Comparison) -> Kind {
    if !are_of_one_encoder(a, b) {
        Kind::Other
    } else if a.dimensions == b.dimensions {
        Kind::OneSize
    } else if comparison.scale(a.dimensions, b.dimensions).ln().abs() < MAX_LOG_SCALE {
        Kind::OneScale
    } else {
        Kind::Other
    }
}

/// Returns the inputs of two photos: what the fine and the coarse grid leave unexplained, what one does not show of the other,
/// the worst spot, the difference of colours, whether one is turned, and the ratios of brightness, contrast and compression.
/// Each is a logarithm, apart from the turn, which is 0 or 1.
pub fn inputs(a: &Member, b: &Member, comparison: &Comparison) -> Inputs {
    let Comparison { overlap, coarse, fine, tones, colour, .. } = comparison;
    let ratio = |x: f64, y: f64| (x.max(1.0) / y.max(1.0)).ln().abs();
    let steps = a.quantisation.zip(b.quantisation).map_or(0.0, |(x, y)| ratio(x.into(), y.into()).min(MAX_LOG_STEPS));
    [
        missing(fine.agreement, 0.002),
        coarse_grid(coarse.agreement),
        missing(overlap[0].min(overlap[1]), 0.005),
        fine.spot.max(1.0).ln(),
        (1.0 + colour.unwrap_or(0.0)).ln(),
        f64::from(u8::from(is_turned(&comparison.map))),
        ratio(tones[0].brightness, tones[1].brightness),
        ratio(tones[0].contrast, tones[1].contrast),
        steps,
    ]
    .map(|value| value as f32)
}

/// The logarithm of what is missing to 1, and how small it may be.
fn missing(share: f64, least: f64) -> f64 {
    -((1.0 - share).max(0.0) + least).ln()
}

/// The input of the coarse grid.
pub(super) fn coarse_grid(agreement: f64) -> f64 {
    missing(agreement, 0.02)
}

/// Whether two photos have one format, and as far as is known about the same compression.
pub(super) fn are_of_one_encoder(a: &Member, b: &Member) -> bool {
    let is_alike = |(a, b): (u16, u16)| f64::from(a.max(b)) <= MAX_QUANTISATION_RATIO * f64::from(a.min(b));
    a.format == b.format && a.quantisation.zip(b.quantisation).is_none_or(is_alike)
}

/// Whether a picture is mirrored or turned by more than a camera that is held.
pub(super) fn is_turned(map: &Affine) -> bool {
    map.is_mirrored() || map.degrees().abs() > MAX_HELD_TURN_DEGREES
}

/// The file of a version model cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the version model cannot be used: {0}")]
pub struct Error(pub(super) String);
