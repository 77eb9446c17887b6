//! What a file says of how its photo was taken, and is not stored: it is read again when the file could be removed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Two numbers are one if they differ by no more than this share, or by this much: programs round them.
const SAME_NUMBER: f64 = 0.01;

/// A time is the same as another one if it begins as that does, with at least so many digits: the year.
const MIN_DIGITS_OF_TIME: usize = 4;

/// The details of a file, by their names for people.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Details(pub BTreeMap<String, Detail>);

/// A detail.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Detail {
    Text(String),
    /// Finite.
    Number(f64),
    /// The digits of a time. A program may repeat that of the camera.
    Time(String),
}

impl Details {
    /// Returns the names of the details that this file has and `kept` has not, or has with another value. `taken`: when the camera
    /// took the photo of the one that is kept.
    pub fn missing_in(&self, kept: &Details, taken: Option<&str>) -> Vec<&str> {
        let taken = taken.map(|taken| Detail::Time(digits(taken)));
        let is_said = |name: &String, own: &Detail| kept.0.get(name).into_iter().chain(&taken).any(|other| own.is_same(other));
        self.0.iter().filter(|(name, own)| !is_said(name, own)).map(|(name, _)| name.as_str()).collect()
    }
}

impl Detail {
    /// A time as EXIF or XMP writes it. `None` if it says none.
    pub fn time(text: &str) -> Option<Detail> {
        let digits = digits(text);
        (digits.len() >= MIN_DIGITS_OF_TIME && digits.bytes().any(|digit| digit != b'0')).then_some(Detail::Time(digits))
    }

    fn is_same(&self, other: &Detail) -> bool {
        match (self, other) {
            (Detail::Text(a), Detail::Text(b)) => a.eq_ignore_ascii_case(b),
            (Detail::Number(a), Detail::Number(b)) => (a - b).abs() <= SAME_NUMBER * a.abs().max(1.0),
            (Detail::Time(a), Detail::Time(b)) => a.starts_with(b.as_str()) || b.starts_with(a.as_str()),
            _ => false,
        }
    }
}

/// The digits of a time to the second: of `2026-05-01T10:00:00+02:00` the first fourteen.
fn digits(time: &str) -> String {
    time.chars().filter(char::is_ascii_digit).take(14).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(all: &[(&str, Detail)]) -> Details {
        Details(all.iter().map(|(name, detail)| ((*name).to_owned(), detail.clone())).collect())
    }

    #[test]
    fn a_detail_is_missing_in_a_file_without_it_or_with_something_else() {
        let lens = |name: &str| Detail::Text(name.to_owned());
        let own = details(&[("lens", lens("RF50")), ("altitude", Detail::Number(1200.0))]);
        for (kept, missing) in [
            (Details::default(), &["altitude", "lens"][..]),
            (details(&[("lens", lens("rf50")), ("altitude", Detail::Number(1200.4))]), &[]),
            (
                details(&[("lens", lens("RF85")), ("altitude", Detail::Number(900.0)), ("speed", Detail::Number(1.0))]),
                &["altitude", "lens"],
            ),
        ] {
            assert_eq!(own.missing_in(&kept, None), missing, "{kept:?}");
        }
        assert!(Details::default().missing_in(&own, None).is_empty());
    }

    #[test]
    fn a_time_counts_unless_it_is_that_of_the_camera() {
        let time = |text: &str| details(&[("date", Detail::time(text).expect("a time"))]);
        let own = time("1950-01-01T00:00:00");
        assert_eq!(own.missing_in(&Details::default(), None), ["date"]);
        assert_eq!(own.missing_in(&Details::default(), Some("2019-07-01T12:00:11")), ["date"]);
        for same in ["2019-07-01T12:00:11.50+02:00", "2019:07:01 12:00:11", "2019-07-01"] {
            assert!(time(same).missing_in(&Details::default(), Some("2019-07-01T12:00:11.123")).is_empty(), "{same}");
        }
        assert!(time("1950").missing_in(&own, Some("2019-07-01T12:00:11")).is_empty());
        assert_eq!((Detail::time("0000:00:00 00:00:00"), Detail::time("  :  :")), (None, None));
    }
}
