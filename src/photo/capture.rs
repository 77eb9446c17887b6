//! Capture data: what the camera wrote besides the picture.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Origin;

/// EXIF data about how a photo was taken. Missing values are `None`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Capture {
    /// Local time, with the sub-second digits of the camera: `2026-05-01T10:00:00.123`.
    pub taken: Option<String>,
    /// Offset of `taken` from UTC: `+02:00`.
    pub offset: Option<String>,
    pub make: Option<String>,
    pub model: Option<String>,
    pub serial: Option<String>,
    /// The model of the lens. It is not stored: of a photo of the index it is `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lens: Option<String>,
    /// EXIF orientation, 1 to 8. Pictures are stored upright, with this orientation undone.
    pub orientation: Option<u8>,
    #[serde(default)]
    pub exposure: Exposure,
    #[serde(default)]
    pub origin: Origin,
}

/// How a camera exposed. What it does not say is `None`.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Exposure {
    /// The shutter speed.
    pub seconds: Option<f64>,
    /// The f-number.
    pub aperture: Option<f64>,
    /// The compensation, in stops.
    pub bias: Option<f64>,
    /// The sensitivity. Absent also if an older version read it.
    pub iso: Option<f64>,
}

/// Two values are one if their ratio, or their difference in stops, is less: programs round them.
const MAX_EXPOSURE_RATIO: f64 = 1.1;
const MAX_BIAS_DIFFERENCE: f64 = 0.1;

impl Exposure {
    /// Whether both say something that differs, but for the sensitivity: programs write another one, or none.
    pub fn differs_from(&self, other: &Exposure) -> bool {
        let [seconds, aperture, bias, _] = self.differing(other);
        seconds || aperture || bias
    }

    /// Whether both say a sensitivity, and not the same.
    pub fn has_other_sensitivity(&self, other: &Exposure) -> bool {
        let [.., sensitivity] = self.differing(other);
        sensitivity
    }

    /// Returns both values of each number that differs: `1/200 s and 1/400 s`.
    pub fn differences(&self, other: &Exposure) -> Vec<String> {
        let parts = self.parts().into_iter().zip(other.parts()).zip(self.differing(other));
        parts.filter_map(|((a, b), differs)| Some(format!("{} and {}", a.filter(|_| differs)?, b?))).collect()
    }

    /// Which of the [parts](Exposure::parts) both say and differ.
    fn differing(&self, other: &Exposure) -> [bool; 4] {
        let differ = |a: Option<f64>, b: Option<f64>| a.zip(b).is_some_and(|(a, b)| a.max(b) > MAX_EXPOSURE_RATIO * a.min(b));
        let is_other_bias = self.bias.zip(other.bias).is_some_and(|(a, b)| (a - b).abs() > MAX_BIAS_DIFFERENCE);
        [differ(self.seconds, other.seconds), differ(self.aperture, other.aperture), is_other_bias, differ(self.iso, other.iso)]
    }

    /// Each number in words.
    fn parts(&self) -> [Option<String>; 4] {
        let seconds = self.seconds.map(|s| if s > 0.0 && s < 0.4 { format!("1/{:.0} s", 1.0 / s) } else { format!("{s} s") });
        let aperture = self.aperture.map(|number| format!("f/{number}"));
        [seconds, aperture, self.bias.map(|stops| format!("bias {stops:+.1}")), self.iso.map(|iso| format!("ISO {iso}"))]
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.parts().into_iter().flatten().collect();
        f.write_str(if all.is_empty() { "not said".to_owned() } else { all.join(" ") }.as_str())
    }
}

impl Capture {
    /// Returns the local time of capture as a number of seconds, to subtract another one from it.
    pub fn seconds(&self) -> Option<f64> {
        let taken = self.taken.as_deref()?;
        let part = |range: std::ops::Range<usize>| taken.get(range)?.parse::<i64>().ok();
        let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
        // Days of a calendar whose years begin in March.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day;
        let whole = ((days * 24 + part(11..13)?) * 60 + part(14..16)?) * 60 + part(17..19)?;
        let fraction = taken.get(19..).and_then(|fraction| format!("0{fraction}").parse::<f64>().ok());
        Some(whole as f64 + fraction.unwrap_or(0.0))
    }

    /// Returns whether it says something that `other` does not say, or says differently. The orientation is part of the
    /// picture.
    pub fn is_missing_in(&self, other: &Capture) -> bool {
        let values = |c: &Capture| [c.taken.clone(), c.offset.clone(), c.make.clone(), c.model.clone(), c.serial.clone()];
        values(self).into_iter().zip(values(other)).any(|(own, other)| own.is_some() && own != other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_apart_over_months_and_leap_years() {
        let seconds = |taken: &str| Capture { taken: Some(taken.into()), ..Capture::default() }.seconds();
        let between = |x: &str, y: &str| Some(seconds(y)? - seconds(x)?);
        assert_eq!(between("2024-02-28T23:59:30", "2024-03-01T00:01:00.5"), Some(24.0 * 3600.0 + 90.5));
        assert_eq!(between("2023-12-31T23:00:00.25", "2024-01-01T00:00:00.75"), Some(3600.5));
        assert_eq!([seconds(""), seconds("2024-02-28"), Capture::default().seconds()], [None; 3]);
    }
}
