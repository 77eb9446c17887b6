//! The edits that people make to photos, by name, from the table `models/edits.toml`.
//!
//! They work on small pictures (a short side of 192 to 432 pixels, as the decoder returns them), so a view costs a
//! few milliseconds. Lengths are relative to the short side.

mod geometry;
mod overlay;
mod texture;
mod tone;

use std::sync::LazyLock;

use fastrand::Rng;
use jpeg_encoder::{ColorType, Encoder};
use serde::Deserialize;

use crate::photo::Picture;
use crate::vision::Limits;
use crate::vision::decode::decode;
use crate::vision::resize::resized;

/// The JPEG quality of edited versions.
pub const EDITED_JPEG_QUALITY: u8 = 88;

const TABLE: &str = include_str!("../../../models/edits.toml");

/// A named edit: its steps, one after the other.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub name: String,
    steps: Vec<Step>,
}

/// One thing done to a picture. Colours are red, green, blue.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Step {
    /// Resizes to this short side in pixels. A smaller picture does not change.
    Resize {
        short: u32,
    },
    /// Saved as JPEG and read again.
    Jpeg {
        quality: u8,
    },
    /// A random crop of this share of the area. Its aspect is the picture's or `ratio`.
    Crop {
        area: f32,
        ratio: Option<f32>,
    },
    Grey,
    /// Shades of grey from one colour to another.
    Tint {
        shadow: [u8; 3],
        light: [u8; 3],
    },
    Gamma {
        power: f32,
    },
    Gain {
        rgb: [f32; 3],
    },
    Contrast {
        factor: f32,
    },
    Saturation {
        factor: f32,
    },
    Hue {
        degrees: f32,
    },
    /// Black becomes `low`, white becomes `high`.
    Levels {
        low: [u8; 3],
        high: [u8; 3],
    },
    /// How much darker the corners are, from 0 to 1, at half the diagonal.
    Vignette {
        strength: f32,
    },
    Blur {
        sigma: f32,
    },
    Sharpen {
        sigma: f32,
        amount: f32,
    },
    /// Standard deviation in levels of 255, drawn for each channel of each pixel.
    Noise {
        sigma: f32,
    },
    /// Zoomed so that no corner shows, or uncropped with corners of this colour.
    Rotate {
        degrees: f32,
        corners: Option<[u8; 3]>,
    },
    /// Turns clockwise by one of these angles.
    Turn {
        quarters: Vec<u8>,
    },
    Mirror,
    /// A photo of a print: each corner is moved by up to this share of width and height.
    Lean {
        by: f32,
    },
    Border {
        share: f32,
        colour: [u8; 3],
    },
    Square {
        margin: f32,
        colour: [u8; 3],
    },
    /// A line of text across it.
    Text,
    /// The same words all over the picture, half transparent.
    Watermark,
    /// A screenshot of a phone application that shows the photo.
    Phone,
    /// A screenshot of a desktop photo viewer that shows the photo.
    Desktop,
}

#[derive(Deserialize)]
struct Table {
    edit: Vec<Edit>,
}

static EDITS: LazyLock<Vec<Edit>> = LazyLock::new(|| toml::from_str::<Table>(TABLE).expect("models/edits.toml is checked by a test").edit);

/// All edits, in the order of the table.
pub fn edits() -> &'static [Edit] {
    &EDITS
}

/// The edit of a name in the table.
pub fn edit(name: &str) -> Option<&'static Edit> {
    edits().iter().find(|edit| edit.name == name)
}

impl Edit {
    /// The decoded file of the edited picture, saved as a JPEG.
    pub fn version(&self, picture: &Picture, seed: u64) -> Picture {
        reread(&self.apply(picture, seed), EDITED_JPEG_QUALITY)
    }

    /// The edited picture. `seed` determines what is random.
    pub fn apply(&self, picture: &Picture, seed: u64) -> Picture {
        let mut rng = Rng::with_seed(seed);
        self.steps.iter().fold(picture.clone(), |picture, step| step.apply(picture, &mut rng))
    }
}

impl Step {
    fn apply(&self, picture: Picture, rng: &mut Rng) -> Picture {
        match *self {
            Step::Resize { short } => shrunk(picture, short),
            Step::Jpeg { quality } => reread(&picture, quality),
            Step::Crop { area, ratio } => geometry::crop(&picture, area, ratio, rng),
            Step::Grey => tone::saturation(picture, 0.0),
            Step::Tint { shadow, light } => tone::tint(picture, shadow, light),
            Step::Gamma { power } => tone::gamma(picture, power),
            Step::Gain { rgb } => tone::gain(picture, rgb),
            Step::Contrast { factor } => tone::contrast(picture, factor),
            Step::Saturation { factor } => tone::saturation(picture, factor),
            Step::Hue { degrees } => tone::hue(picture, degrees),
            Step::Levels { low, high } => tone::levels(picture, low, high),
            Step::Vignette { strength } => tone::vignette(picture, strength),
            Step::Blur { sigma } => texture::blur(&picture, sigma * short_side(&picture)),
            Step::Sharpen { sigma, amount } => texture::sharpen(&picture, sigma * short_side(&picture), amount),
            Step::Noise { sigma } => texture::noise(picture, sigma, rng),
            Step::Rotate { degrees, corners } => geometry::rotate(&picture, degrees, corners),
            Step::Turn { ref quarters } => geometry::turn(picture, quarters[rng.usize(..quarters.len())]),
            Step::Mirror => picture.upright(2),
            Step::Lean { by } => geometry::lean(&picture, by, rng),
            Step::Border { share, colour } => overlay::border(&picture, share, colour),
            Step::Square { margin, colour } => overlay::square(&picture, margin, colour),
            Step::Text => overlay::text(picture, rng),
            Step::Watermark => overlay::watermark(picture),
            Step::Phone => overlay::phone(&picture, rng),
            Step::Desktop => overlay::desktop(&picture),
        }
    }
}

fn short_side(picture: &Picture) -> f32 {
    picture.dimensions.width.min(picture.dimensions.height) as f32
}

fn shrunk(picture: Picture, short: u32) -> Picture {
    let scale = short as f32 / short_side(&picture);
    if scale >= 1.0 {
        return picture;
    }
    let side = |s: u32| ((s as f32 * scale).round() as u32).max(8);
    resized(&picture, None, side(picture.dimensions.width), side(picture.dimensions.height))
}

/// The picture as a JPEG file.
///
/// # Panics
/// If a side is longer than JPEG allows (65,535 pixels).
pub fn jpeg(picture: &Picture, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let side = |s: u32| u16::try_from(s).expect("a side that JPEG allows");
    let (width, height) = (side(picture.dimensions.width), side(picture.dimensions.height));
    Encoder::new(&mut bytes, quality).encode(&picture.rgb, width, height, ColorType::Rgb).expect("memory takes every byte");
    bytes
}

fn reread(picture: &Picture, quality: u8) -> Picture {
    decode(&jpeg(picture, quality), &Limits::default()).expect("our own JPEG").picture
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A picture with a different colour everywhere and some edges.
    fn sample() -> Picture {
        let rgb =
            (0..200 * 300u32).flat_map(|i| [i % 200, i / 200 * 255 / 300, (i % 200 / 20 * 60 + i / 6000 * 40) % 256].map(|v| v as u8));
        Picture::new(200, 300, rgb.collect())
    }

    #[test]
    fn the_table_holds_each_edit_once_and_every_one_changes_a_picture() {
        let names: HashSet<_> = edits().iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names.len(), edits().len());
        assert!(names.len() >= 40);
        let sample = sample();
        for edit in edits() {
            let view = edit.apply(&sample, 1);
            assert!(view != sample, "{} changes nothing", edit.name);
            assert!(view == edit.apply(&sample, 1), "{} is not repeated by its seed", edit.name);
        }
    }

    #[test]
    fn the_smallest_and_narrowest_pictures_survive_every_edit() {
        for (width, height) in [(1, 1), (1, 40), (40, 1), (8, 8)] {
            let picture = Picture::new(width, height, vec![90; 3 * (width * height) as usize]);
            for edit in edits() {
                let view = edit.apply(&picture, 3);
                assert!(view.dimensions.pixels() > 0, "{} leaves nothing of {width} x {height}", edit.name);
            }
        }
    }

    #[test]
    fn an_unknown_step_is_an_error() {
        assert!(toml::from_str::<Table>("[[edit]]\nname = \"x\"\nsteps = [\"melt\"]").is_err());
        assert!(toml::from_str::<Table>("[[edit]]\nname = \"x\"\nsteps = [{ crop = { area = 0.5, width = 3 } }]").is_err());
    }
}
