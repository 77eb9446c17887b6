//! What CRW and X3F say of the camera in records of their own, and how they write orientation.

/// A camera, and when it took the picture.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Camera {
    /// The maker's name as written.
    pub make: Option<String>,
    /// The model's name as written.
    pub model: Option<String>,
    /// `2003-11-10T17:39:26`, by the clock of the camera.
    pub taken: Option<String>,
}

/// Returns the EXIF orientation for a clockwise rotation in degrees.
pub fn orientation(degrees: u32) -> Option<u8> {
    match degrees {
        0 => Some(1),
        90 => Some(6),
        180 => Some(3),
        270 => Some(8),
        _ => None,
    }
}

/// Returns date and time of a number of seconds since 1970. `None` for 0, which stands for a clock that was never set.
pub fn time(seconds: u32) -> Option<String> {
    let (mut day, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let is_leap = |year: u32| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_of_year = |year| if is_leap(year) { 366 } else { 365 };
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    let (hour, minute) = (second / 3600, second / 60 % 60);
    (seconds > 0).then(|| format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{:02}", day + 1, second % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_a_date() {
        assert_eq!(time(0), None);
        assert_eq!(time(1).as_deref(), Some("1970-01-01T00:00:01"));
        assert_eq!(time(951_782_400).as_deref(), Some("2000-02-29T00:00:00"));
        assert_eq!(time(978_307_199).as_deref(), Some("2000-12-31T23:59:59"));
        assert_eq!(time(u32::MAX).as_deref(), Some("2106-02-07T06:28:15"));
    }
}
