//! The conversion of pixels to sRGB.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use moxcms::{ColorProfile, Transform8BitExecutor};

use super::curve::{self, Curve};
use super::profile;
use crate::vision::lab;
use crate::vision::named_colours::NamedColours;

/// By how much the colours of a conversion may differ from what they were, of 255, so that it counts as none: the greatest
/// difference and the mean one. Curves of 2.2 in place of that of sRGB differ as much.
const MAX_DIFFERENCE: u8 = 9;
const MAX_MEAN_DIFFERENCE: u32 = 2;

/// The least range of lightness that a profile must have.
const MIN_RANGE: u8 = 64;

/// The steps of each colour that a conversion is judged by.
const STEPS: usize = 6;

/// The names of primaries in ITU-T H.273: those of BT.2020, and two with those of P3.
const BT_2020: u16 = 9;
const P3: [u16; 2] = [11, 12];

/// The names of curves.
const LINEAR: u16 = 8;
const PQ: u16 = 16;
const HLG: u16 = 18;

/// A way from the colours of a file to sRGB.
#[derive(Clone)]
pub enum Conversion {
    /// The light of each colour, and a matrix for their mixture.
    Mixed(Mixture),
    /// Grey values.
    Grey(Box<[u8; 256]>),
    /// A table of colours.
    Table(Arc<Transform8BitExecutor>),
    /// A table of four inks.
    Inks(Arc<Transform8BitExecutor>),
}

/// Three curves, and a matrix from their light to that of sRGB.
#[derive(Clone)]
pub struct Mixture {
    pub curves: [Curve; 3],
    pub matrix: [[f32; 3]; 3],
}

impl Conversion {
    /// Returns the way from these colours to sRGB. `None` if they are nearly the same, or if what names them is damaged or absurd.
    pub fn new(source: &NamedColours) -> Option<Conversion> {
        // The crate that reads profiles may panic on what it does not expect.
        catch_unwind(AssertUnwindSafe(|| Conversion::made(source).filter(Conversion::is_worth_it))).ok().flatten()
    }

    fn made(source: &NamedColours) -> Option<Conversion> {
        match source {
            NamedColours::Profile(bytes) => profile::read(bytes),
            NamedColours::Coded { primaries, transfer } => coded(*primaries, *transfer),
            NamedColours::AdobeRgb => profile::mixture(&ColorProfile::new_adobe_rgb()).map(Conversion::Mixed),
            NamedColours::Linear => {
                Some(Conversion::Mixed(Mixture { curves: [Curve::Linear, Curve::Linear, Curve::Linear], matrix: SAME }))
            }
        }
    }

    /// Whether it changes colours visibly, and is one that a picture may have.
    fn is_worth_it(&self) -> bool {
        if matches!(self, Conversion::Inks(_)) {
            return self.of_inks(&grid(4).collect::<Vec<u8>>()).is_some_and(|rgb| range(&rgb) >= MIN_RANGE);
        }
        let colours: Vec<u8> = match self {
            Conversion::Grey(_) => (0..=255).step_by(5).flat_map(|grey| [grey; 3]).collect(),
            _ => (0..=255).step_by(5).flat_map(|grey| [grey; 3]).chain(grid(3)).collect(),
        };
        let mut converted = colours.clone();
        if !self.apply(&mut converted) || range(&converted) < MIN_RANGE {
            return false;
        }
        let differences = || colours.iter().zip(&converted).map(|(a, b)| a.abs_diff(*b));
        let mean = differences().map(u32::from).sum::<u32>() / colours.len() as u32;
        differences().max() > Some(MAX_DIFFERENCE) || mean >= MAX_MEAN_DIFFERENCE
    }

    /// Converts pixels of three bytes. Returns whether they are of the kind that it converts.
    pub fn apply(&self, rgb: &mut [u8]) -> bool {
        match self {
            Conversion::Mixed(mixture) => mixture.apply(rgb),
            Conversion::Grey(table) => {
                if rgb.chunks_exact(3).any(|pixel| pixel[0] != pixel[1] || pixel[0] != pixel[2]) {
                    return false;
                }
                rgb.iter_mut().for_each(|value| *value = table[usize::from(*value)]);
            }
            Conversion::Table(table) => {
                let mut converted = vec![0; rgb.len()];
                if !transformed(&**table, rgb, &mut converted) {
                    return false;
                }
                rgb.copy_from_slice(&converted);
            }
            Conversion::Inks(_) => return false,
        }
        true
    }

    /// Converts pixels of four inks to three bytes each.
    pub fn of_inks(&self, inks: &[u8]) -> Option<Vec<u8>> {
        let Conversion::Inks(table) = self else { return None };
        let mut rgb = vec![0; inks.len() / 4 * 3];
        transformed(&**table, inks, &mut rgb).then_some(rgb)
    }

    /// Gives pixels of three fine values the curve of sRGB, in place of their own. `None` if there is nothing to gain by it.
    pub fn to_eight_bits(&self, fine: &[u16]) -> Option<Vec<u8>> {
        let Conversion::Mixed(Mixture { curves, .. }) = self else { return None };
        if curves.iter().any(Curve::is_bright) {
            return None;
        }
        let table = |curve: &Curve| (0..=u16::MAX).map(|value| lab::from_linear(curve.light(f32::from(value) / 65_535.0))).collect();
        let tables: Vec<Vec<u8>> = curves.iter().map(table).collect();
        let pixels = fine.chunks_exact(3).flat_map(|pixel| pixel.iter().zip(&tables));
        Some(pixels.map(|(value, table)| table[usize::from(*value)]).collect())
    }

    /// Returns what is left to do when the curves were applied. `None` if it is nothing.
    pub fn without_curves(self) -> Option<Conversion> {
        let rest = match self {
            Conversion::Mixed(mixture) => Some(Conversion::Mixed(Mixture { curves: [Curve::Srgb, Curve::Srgb, Curve::Srgb], ..mixture })),
            _ => None,
        };
        rest.filter(Conversion::is_worth_it)
    }
}

impl Mixture {
    fn apply(&self, rgb: &mut [u8]) {
        let light = |curve: &Curve| -> Vec<f32> { (0..=255u8).map(|value| curve.light(f32::from(value) / 255.0)).collect() };
        let lights: Vec<Vec<f32>> = self.curves.iter().map(light).collect();
        let is_bright = self.curves.iter().any(Curve::is_bright);
        let is_of_scene = matches!(self.curves[0], Curve::Hlg);
        for pixel in rgb.chunks_exact_mut(3) {
            let mut light: [f32; 3] = std::array::from_fn(|at| lights[at][usize::from(pixel[at])]);
            if is_of_scene {
                light = curve::on_screen(light);
            }
            light = self.matrix.map(|row| row[0] * light[0] + row[1] * light[1] + row[2] * light[2]);
            if is_bright {
                light = curve::pressed(light);
            }
            pixel.copy_from_slice(&light.map(lab::from_linear));
        }
    }
}

const SAME: [[f32; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// Returns the conversion of numbers of ITU-T H.273. Curves of video count as that of sRGB: what has them is meant for the same
/// screens. So do primaries of standard television.
fn coded(primaries: u16, transfer: u16) -> Option<Conversion> {
    let curve = match transfer {
        LINEAR => Curve::Linear,
        PQ => Curve::Pq,
        HLG => Curve::Hlg,
        _ => Curve::Srgb,
    };
    let matrix = match primaries {
        BT_2020 => profile::mixture(&ColorProfile::new_bt2020())?.matrix,
        p3 if P3.contains(&p3) => profile::mixture(&ColorProfile::new_display_p3())?.matrix,
        _ => SAME,
    };
    Some(Conversion::Mixed(Mixture { curves: [curve.clone(), curve.clone(), curve], matrix }))
}

/// All mixtures of a few steps of so many channels.
fn grid(channels: u32) -> impl Iterator<Item = u8> {
    let value = |at: usize| (at * 255 / (STEPS - 1)) as u8;
    (0..STEPS.pow(channels)).flat_map(move |at| (0..channels).map(move |channel| value(at / STEPS.pow(channel) % STEPS)))
}

/// The range of green, which is most of the lightness.
fn range(rgb: &[u8]) -> u8 {
    let greens = || rgb.chunks_exact(3).map(|pixel| pixel[1]);
    greens().max().unwrap_or(0) - greens().min().unwrap_or(0)
}

fn transformed(table: &Transform8BitExecutor, from: &[u8], to: &mut [u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| table.transform(from, to).is_ok())).unwrap_or(false)
}
