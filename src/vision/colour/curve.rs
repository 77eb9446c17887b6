//! Curves: from what is stored, 0 to 1, to light.

use std::sync::Arc;

use moxcms::{ParametricCurve, ToneReprCurve};

/// The light of paper that is lit well, in candelas a square metre, by ITU-R BT.2408. It becomes the white of sRGB.
const PAPER: f32 = 203.0;

/// The light of the brightest values of PQ and HLG. That of HLG is of the screen that it is meant for.
const MOST_OF_PQ: f32 = 10_000.0;
const MOST_OF_HLG: f32 = 1000.0;

/// By what power a screen for HLG makes a scene darker.
const SYSTEM_GAMMA: f32 = 1.2;

/// From which share of white on lights are pressed together.
const KNEE: f32 = 0.6;

/// A curve of one colour.
#[derive(Clone)]
pub enum Curve {
    Srgb,
    Linear,
    /// ITU-R BT.2100. Light is in units of white paper.
    Pq,
    Hlg,
    /// The power of a value.
    Gamma(f32),
    /// At equal steps, of 65,535.
    Sampled(Arc<[u16]>),
    Parametric(Arc<ParametricCurve>),
}

impl Curve {
    pub fn of(curve: &ToneReprCurve) -> Option<Curve> {
        Some(match curve {
            ToneReprCurve::Lut(steps) => match steps[..] {
                [] => Curve::Linear,
                // A fixed point in the middle.
                [gamma] => Curve::Gamma(f32::from(gamma) / 256.0),
                _ => Curve::Sampled(steps[..].into()),
            },
            ToneReprCurve::Parametric(numbers) => Curve::Parametric(ParametricCurve::new(numbers)?.into()),
        })
    }

    /// Returns the light of a value. It may be no number.
    pub fn light(&self, value: f32) -> f32 {
        match self {
            Curve::Srgb => {
                if value <= 0.040_45 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            }
            Curve::Linear => value,
            Curve::Pq => {
                let root = value.powf(1.0 / 78.843_75);
                ((root - 0.835_937_5).max(0.0) / (18.851_563 - 18.6875 * root)).powf(1.0 / 0.159_301_76) * (MOST_OF_PQ / PAPER)
            }
            Curve::Hlg if value <= 0.5 => value * value / 3.0,
            Curve::Hlg => (((value - 0.559_910_7) / 0.178_832_77).exp() + 0.284_668_92) / 12.0,
            Curve::Gamma(gamma) => value.powf(*gamma),
            Curve::Sampled(steps) => {
                let at = value.clamp(0.0, 1.0) * (steps.len() - 1) as f32;
                let below = (at as usize).min(steps.len() - 2);
                let [first, second] = [below, below + 1].map(|step| f32::from(steps[step]) / 65_535.0);
                first + (second - first) * (at - below as f32)
            }
            // Not by the crate: its powers of small numbers are wrong.
            Curve::Parametric(curve) if value < curve.d => curve.c * value + curve.f,
            Curve::Parametric(curve) => (curve.a * value + curve.b).max(0.0).powf(curve.g) + curve.e,
        }
    }

    /// Whether light may be brighter than white.
    pub fn is_bright(&self) -> bool {
        matches!(self, Curve::Pq | Curve::Hlg)
    }
}

/// Returns the light of a screen for HLG, in units of white paper. `light` is that of the scene.
pub fn on_screen(light: [f32; 3]) -> [f32; 3] {
    let of_eye = 0.2627 * light[0] + 0.678 * light[1] + 0.0593 * light[2];
    light.map(|value| value * of_eye.max(0.0).powf(SYSTEM_GAMMA - 1.0) * (MOST_OF_HLG / PAPER))
}

/// Presses light that is brighter than white into what sRGB has. Up to the knee nothing changes, and hues stay.
pub fn pressed(light: [f32; 3]) -> [f32; 3] {
    let most = light[0].max(light[1]).max(light[2]);
    if most <= KNEE {
        return light;
    }
    let room = 1.0 - KNEE;
    let share = (KNEE + room * (1.0 - (-(most - KNEE) / room).exp())) / most;
    light.map(|value| value * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_have_the_light_that_the_standards_give_them() {
        let near = |a: f32, b: f32| (a - b).abs() < 0.01 * b.max(0.1);
        // BT.2408: paper is 58 % of PQ and 75 % of HLG.
        assert!(near(Curve::Pq.light(0.5807), 1.0) && near(Curve::Pq.light(1.0), MOST_OF_PQ / PAPER), "{}", Curve::Pq.light(0.5807));
        let hlg = on_screen([Curve::Hlg.light(0.75); 3]);
        assert!(near(hlg[0], 1.0), "{hlg:?}");
        assert!(near(Curve::Hlg.light(1.0), 1.0) && near(Curve::Hlg.light(0.5), 1.0 / 12.0));
        assert!(near(Curve::Srgb.light(0.5), 0.214) && near(Curve::Linear.light(0.3), 0.3));
        assert_eq!(Curve::Pq.light(0.0), 0.0);
    }

    #[test]
    fn the_curves_of_profiles_rise_from_black_to_white_without_a_jump() {
        let parametric = vec![2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.040_45];
        for curve in [
            ToneReprCurve::Lut(vec![]),
            ToneReprCurve::Lut(vec![461]),
            ToneReprCurve::Lut(vec![563]),
            ToneReprCurve::Lut((0..=64_u32).map(|step| (step * step * 16).min(65_535) as u16).collect()),
            ToneReprCurve::Parametric(vec![1.8]),
            ToneReprCurve::Parametric(parametric),
        ] {
            let made = Curve::of(&curve).expect("a curve");
            let lights: Vec<f32> = (0..=1000).map(|value| made.light(value as f32 / 1000.0)).collect();
            assert!(lights[0] == 0.0 && (lights[1000] - 1.0).abs() < 1e-3, "{curve:?}");
            assert!(lights.windows(2).all(|two| two[1] >= two[0] && two[1] - two[0] < 0.01), "{curve:?}");
        }
    }

    #[test]
    fn bright_light_is_pressed_and_keeps_its_order_and_hue() {
        assert_eq!(pressed([0.1, 0.6, 0.3]), [0.1, 0.6, 0.3]);
        let mut last = 0.0;
        for step in 1..200 {
            let light = step as f32 / 10.0;
            let [red, green, _] = pressed([light, light / 2.0, 0.0]);
            assert!(red >= last - 1e-6 && red < 1.0 + 1e-6 && (green * 2.0 - red).abs() < 1e-4, "{light}");
            last = red;
        }
    }
}
