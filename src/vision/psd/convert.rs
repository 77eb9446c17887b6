//! From stored values to 8-bit RGB, one row at a time.

use super::header::Mode;
use crate::vision::lab;

/// What rounding to 8 bits may change in a colour and in its transparency together.
const ROUNDING: u16 = 2;

/// What the values of a channel mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    Light,
    /// a or b of Lab, neutral in the middle.
    Chroma,
    /// 0 is transparent.
    Opacity,
}

/// Converts one row of a channel to 8-bit values. Bits become 0 for black and 255 for white. Floating-point colours are
/// linear light, and are clamped and given the sRGB curve.
pub fn to_eight_bits(stored: &[u8], depth: u16, meaning: Meaning, values: &mut [u8]) {
    match depth {
        1 => {
            for (x, value) in values.iter_mut().enumerate() {
                let is_black = stored[x / 8] >> (7 - x % 8) & 1 == 1;
                *value = if is_black { 0 } else { 255 };
            }
        }
        16 => {
            for (stored, value) in stored.chunks_exact(2).zip(values) {
                let fine = u32::from(u16::from_be_bytes([stored[0], stored[1]]));
                // Neutral is 32,768, which must become 128.
                *value = if meaning == Meaning::Chroma { ((fine + 128) / 256).min(255) } else { (fine * 255 + 32_767) / 65_535 } as u8;
            }
        }
        32 => {
            for (stored, value) in stored.chunks_exact(4).zip(values) {
                let number = f32::from_be_bytes([stored[0], stored[1], stored[2], stored[3]]);
                *value = if meaning == Meaning::Opacity { byte(number) } else { lab::from_linear(number) };
            }
        }
        _ => values.copy_from_slice(stored),
    }
}

/// Returns whether a row can be colours that are blended with white already: then nothing is darker than the white that
/// shows through it.
pub fn is_on_white(mode: Mode, colours: &[Vec<u8>], opacity: &[u8]) -> bool {
    // In Lab, only the lightness is comparable.
    let compared = if mode == Mode::Lab { &colours[..1] } else { colours };
    let is_lighter = |(value, opacity): (&u8, &u8)| u16::from(*value) + ROUNDING >= u16::from(255 - opacity);
    compared.iter().all(|values| values.iter().zip(opacity).all(is_lighter))
}

/// Blends a row of colours with white.
pub fn put_on_white(mode: Mode, colours: &mut [Vec<u8>], opacity: &[u8]) {
    for (channel, values) in colours.iter_mut().enumerate() {
        let white = if mode == Mode::Lab && channel > 0 { 128 } else { 255 };
        for (value, opacity) in values.iter_mut().zip(opacity) {
            let (above, below) = (u32::from(*value), 255 - u32::from(*opacity));
            *value = ((above * u32::from(*opacity) + white * below + 127) / 255) as u8;
        }
    }
}

/// Converts one row to RGB. `colours` has a row of each colour channel, `rgb` three bytes per pixel. `palette` has 256
/// red, 256 green and 256 blue values if the mode is indexed.
pub fn to_rgb(mode: Mode, palette: &[u8], colours: &[Vec<u8>], rgb: &mut [u8]) {
    let pixels = rgb.chunks_exact_mut(3).enumerate();
    match (mode, colours) {
        (Mode::Indexed, [indexes]) => {
            for (x, pixel) in pixels {
                let index = usize::from(indexes[x]);
                pixel.copy_from_slice(&[0, 256, 512].map(|plane| palette[plane + index]));
            }
        }
        (Mode::Rgb, [red, green, blue]) => {
            for (x, pixel) in pixels {
                pixel.copy_from_slice(&[red[x], green[x], blue[x]]);
            }
        }
        (Mode::Cmyk, [cyan, magenta, yellow, black]) => {
            for (x, pixel) in pixels {
                let on_paper = |ink: u8| ((u16::from(ink) * u16::from(black[x]) + 127) / 255) as u8;
                pixel.copy_from_slice(&[cyan[x], magenta[x], yellow[x]].map(on_paper));
            }
        }
        (Mode::Lab, [lightness, a, b]) => {
            for (x, pixel) in pixels {
                pixel.copy_from_slice(&lab::to_srgb(lightness[x], a[x], b[x]));
            }
        }
        _ => {
            for (x, pixel) in pixels {
                pixel.fill(colours[0][x]);
            }
        }
    }
}

/// Returns a row of inks, four bytes per pixel: 0 is no ink. `colours` has a row of each ink, in which 255 is none.
pub fn to_inks(colours: &[Vec<u8>]) -> Vec<u8> {
    let mut inks = vec![0; colours.iter().map(Vec::len).sum()];
    for (channel, values) in colours.iter().enumerate() {
        inks.iter_mut().skip(channel).step_by(colours.len()).zip(values).for_each(|(ink, value)| *ink = 255 - value);
    }
    inks
}

fn byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}
