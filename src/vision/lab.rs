//! CIE L\*a\*b\* with the white point D50, as Photoshop and TIFF store it, and linear light, to sRGB.

use std::sync::LazyLock;

/// 8-bit values of the sRGB curve for equally spaced linear values from 0 to 1. The spacing is a fifth of an 8-bit step where the
/// curve is steepest.
static SRGB: LazyLock<Vec<u8>> = LazyLock::new(|| (0..=SRGB_STEPS).map(|step| curve(step as f32 / SRGB_STEPS as f32)).collect());
const SRGB_STEPS: usize = 1 << 14;

/// The white point D50: X and Z for Y = 1.
const WHITE: (f32, f32) = (0.9642, 0.8251);

/// X, Y and Z of D50 to linear red, green and blue, adapted to D65 by the method of Bradford.
const TO_RGB: [[f32; 3]; 3] = [[3.133_856, -1.616_867, -0.490_615], [-0.978_768, 1.916_142, 0.033_454], [0.071_945, -0.228_991, 1.405_243]];

/// Converts a colour to sRGB. The lightness is 0 to 255, and the others are neutral at 128.
pub fn to_srgb(lightness: u8, a: u8, b: u8) -> [u8; 3] {
    let from_f = |f: f32| if f > 6.0 / 29.0 { f * f * f } else { (f - 4.0 / 29.0) * (108.0 / 841.0) };
    let fy = (f32::from(lightness) / 2.55 + 16.0) / 116.0;
    let fx = fy + (f32::from(a) - 128.0) / 500.0;
    let fz = fy - (f32::from(b) - 128.0) / 200.0;
    let (x, y, z) = (WHITE.0 * from_f(fx), from_f(fy), WHITE.1 * from_f(fz));
    to_linear([x, y, z]).map(from_linear)
}

/// Converts X, Y and Z of D50 to linear red, green and blue, which may be outside of 0 to 1.
pub fn to_linear([x, y, z]: [f32; 3]) -> [f32; 3] {
    TO_RGB.map(|row| row[0] * x + row[1] * y + row[2] * z)
}

/// Returns the 8-bit sRGB value of linear light. What is outside of 0 to 1 is clamped, and no number is 0.
pub fn from_linear(light: f32) -> u8 {
    SRGB[(light.clamp(0.0, 1.0) * SRGB_STEPS as f32 + 0.5) as usize]
}

fn curve(linear: f32) -> u8 {
    let value = if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours_become_srgb() {
        // L, a and b, and the sRGB colour: published values.
        for ([l, a, b], expected) in [
            ([100.0, 0.0, 0.0], [255, 255, 255]),
            ([0.0, 0.0, 0.0], [0, 0, 0]),
            ([53.39, 0.0, 0.0], [127, 127, 127]),
            ([54.29, 80.81, 69.89], [255, 0, 0]),
            ([87.82, -79.27, 80.99], [0, 255, 0]),
            ([97.61, -15.75, 93.39], [255, 255, 0]),
        ] {
            let stored = |value: f64| (value + 128.0).round() as u8;
            let rgb = to_srgb((l * 2.55_f64).round() as u8, stored(a), stored(b));
            // Half a step of a or b is several steps of sRGB where a colour is dark.
            assert!(rgb.iter().zip(expected).all(|(read, wanted): (&u8, u8)| read.abs_diff(wanted) <= 10), "{rgb:?} {expected:?}");
        }
        assert_eq!([-1.0, 0.0, f32::NAN, 0.2, 1.0, 9.0].map(from_linear), [0, 0, 0, 124, 255, 255]);
    }
}
