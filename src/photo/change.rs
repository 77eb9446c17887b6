//! What was changed from a photo to its version.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A change by hand. Displayed as a few words.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "change", content = "by")]
pub enum PhotoChange {
    /// The share of the source that is left.
    Crop(f32),
    /// A plain border.
    Border,
    /// Shown beside something else, for example the controls of a program.
    Screenshot,
    Mirrored,
    /// Clockwise degrees, beside quarter turns.
    Turned(f32),
    /// By how much longer it is in one direction than across it.
    Stretched(f32),
    BlackAndWhite,
    /// Other colours: warmer, cooler, toned.
    Colours,
    /// The strength of colours as a multiple of before.
    Saturation(f32),
    /// Stops.
    Exposure(f32),
    /// A multiple of before.
    Contrast(f32),
    /// Some places do not agree: a retouch, a text, a date stamp.
    Retouched,
}

impl fmt::Display for PhotoChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhotoChange::Crop(share) => write!(f, "crop {:.0} %", 100.0 * share),
            PhotoChange::Border => f.write_str("border"),
            PhotoChange::Screenshot => f.write_str("screenshot of it"),
            PhotoChange::Mirrored => f.write_str("mirrored"),
            PhotoChange::Turned(degrees) => write!(f, "turned {degrees:.1}°"),
            PhotoChange::Stretched(by) => write!(f, "stretched {:.0} %", 100.0 * (by - 1.0)),
            PhotoChange::BlackAndWhite => f.write_str("black and white"),
            PhotoChange::Colours => f.write_str("other colours"),
            PhotoChange::Saturation(ratio) => f.write_str(if *ratio > 1.0 { "stronger colours" } else { "weaker colours" }),
            PhotoChange::Exposure(stops) => write!(f, "exposure {stops:+.1}"),
            PhotoChange::Contrast(ratio) => f.write_str(if *ratio > 1.0 { "more contrast" } else { "less contrast" }),
            PhotoChange::Retouched => f.write_str("retouched"),
        }
    }
}
