//! Why a photo is the source of its versions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;

/// The rule by which a photo is the source, and not the photo that comes second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceRule {
    /// It was taken before the other, which is a photo of it.
    Time,
    /// The other is a crop of it, or has a border.
    WholeFrame,
    /// It says what a camera writes, and no editor wrote it.
    Camera,
    /// It says where it was taken, and the other lost that.
    Metadata,
    /// RAW before HEIC before other formats.
    Format,
    /// The other was enlarged: it has more pixels and no more detail, and less data for each pixel; or as many pixels, more bytes, and much
    /// less detail.
    Detail,
    Pixels,
    /// The other is black and white.
    Colour,
    /// The other is in the inks of a printing press (CMYK).
    Rgb,
    /// A format that loses nothing.
    Lossless,
    Bytes,
    /// The other has a name that a copy or an edit gets.
    PlainName,
    Oldest,
    /// The shortest path, then the first.
    Path,
}

names!(SourceRule, "source rule" {
    Time: "time",
    WholeFrame: "whole-frame",
    Camera: "camera",
    Metadata: "metadata",
    Format: "format",
    Detail: "detail",
    Pixels: "pixels",
    Colour: "colour",
    Rgb: "rgb",
    Lossless: "lossless",
    Bytes: "bytes",
    PlainName: "plain-name",
    Oldest: "oldest",
    Path: "path",
});

/// An enlarged copy has less than this share of the bytes that its original has for each pixel.
pub const MAX_ENLARGED_DENSITY_RATIO: f64 = 0.6;
