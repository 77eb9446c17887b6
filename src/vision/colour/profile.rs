//! ICC profiles, by moxcms.

use std::ops::RangeInclusive;
use std::sync::Arc;

use moxcms::{
    ColorProfile, DataColorSpace, Layout, ParsingOptions, ToneReprCurve, TransferCharacteristics, Transform8BitExecutor, TransformOptions,
    Xyzd,
};

use super::conversion::{Conversion, Mixture};
use super::curve::Curve;
use crate::vision::lab;
use crate::vision::named_colours::MAX_PROFILE_BYTES;

/// The most values of a table of colours: 17 steps of four inks and more.
const MAX_TABLE_VALUES: usize = 2_000_000;

const MAX_CURVE_VALUES: usize = 40_000;

/// How bright white may be, by the sum of the primaries. Others are no white.
const WHITE: RangeInclusive<f32> = 0.7..=1.3;

/// Returns the conversion of a profile. `None` if it is damaged, absurd, or of a kind that pictures do not have.
pub fn read(bytes: &[u8]) -> Option<Conversion> {
    let options = ParsingOptions {
        max_profile_size: MAX_PROFILE_BYTES,
        max_allowed_clut_size: MAX_TABLE_VALUES,
        max_allowed_trc_size: MAX_CURVE_VALUES,
    };
    let profile = ColorProfile::new_from_slice_with_options(bytes, options).ok()?;
    let has_table = profile.lut_a_to_b_perceptual.is_some() || profile.lut_a_to_b_colorimetric.is_some();
    match profile.color_space {
        DataColorSpace::Rgb => match of_tone(&profile) {
            Some(curve) => {
                let matrix = mixture(&profile)?.matrix;
                Some(Conversion::Mixed(Mixture { curves: [curve.clone(), curve.clone(), curve], matrix }))
            }
            None if has_table => table(&profile, Layout::Rgb).map(Conversion::Table),
            None => mixture(&profile).map(Conversion::Mixed),
        },
        DataColorSpace::Gray => grey(profile.gray_trc.as_ref()?),
        DataColorSpace::Cmyk if has_table => table(&profile, Layout::Rgba).map(Conversion::Inks),
        _ => None,
    }
}

/// The curve of a profile that names one for lights that are brighter than white.
fn of_tone(profile: &ColorProfile) -> Option<Curve> {
    match profile.cicp?.transfer_characteristics {
        TransferCharacteristics::Smpte2084 => Some(Curve::Pq),
        TransferCharacteristics::Hlg => Some(Curve::Hlg),
        _ => None,
    }
}

/// Returns the curves of a profile, and the matrix from its primaries to those of sRGB.
pub fn mixture(profile: &ColorProfile) -> Option<Mixture> {
    let curve = |curve: &Option<ToneReprCurve>| Curve::of(curve.as_ref()?).filter(rises);
    let curves = [curve(&profile.red_trc)?, curve(&profile.green_trc)?, curve(&profile.blue_trc)?];
    let light = |primary: Xyzd| lab::to_linear([primary.x as f32, primary.y as f32, primary.z as f32]);
    let [red, green, blue] = [profile.red_colorant, profile.green_colorant, profile.blue_colorant].map(light);
    let matrix: [[f32; 3]; 3] = std::array::from_fn(|row| [red[row], green[row], blue[row]]);
    matrix.iter().all(|row| WHITE.contains(&row.iter().sum())).then_some(Mixture { curves, matrix })
}

/// Whether a curve leads from dark to light.
fn rises(curve: &Curve) -> bool {
    let (dark, light) = (curve.light(0.0), curve.light(1.0));
    dark.is_finite() && light.is_finite() && dark < 0.5 && light > 0.5 && light < 2.0
}

fn grey(curve: &ToneReprCurve) -> Option<Conversion> {
    let curve = Curve::of(curve).filter(rises)?;
    Some(Conversion::Grey(Box::new(std::array::from_fn(|value| lab::from_linear(curve.light(value as f32 / 255.0))))))
}

fn table(profile: &ColorProfile, layout: Layout) -> Option<Arc<Transform8BitExecutor>> {
    profile.create_transform_8bit(layout, &ColorProfile::new_srgb(), Layout::Rgb, TransformOptions::default()).ok()
}
