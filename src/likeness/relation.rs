//! The relation of two photos.

use crate::photo::{Capture, Relation};

/// Time zones differ by multiples of this number of minutes. So do the times of two versions if the clock of one was
/// corrected.
const TIME_ZONE_MINUTES: u32 = 15;

/// The relation by what the camera wrote. A camera does not take the same picture twice, so two times mean two
/// exposures. An edited version keeps the time or loses it. Without two times the relation is unknown.
pub fn relation(a: &Capture, b: &Capture) -> Relation {
    if is_series(a, b).unwrap_or(false) { Relation::Series } else { Relation::Unknown }
}

fn is_series(a: &Capture, b: &Capture) -> Option<bool> {
    let one_camera =
        a.make == b.make && a.model.as_ref()? == b.model.as_ref()? && (a.serial == b.serial || a.serial.is_none() || b.serial.is_none());
    let (x, y) = (a.taken.as_ref()?, b.taken.as_ref()?);
    let ((x, x_part), (y, y_part)) = (split(x), split(y));
    if x != y {
        return Some(one_camera && !is_correction(x, y)?);
    }
    // 0.5 and 0.50 are the same time. A version without the fraction is not another exposure.
    Some(one_camera && x_part?.trim_end_matches('0') != y_part?.trim_end_matches('0'))
}

fn split(taken: &str) -> (&str, Option<&str>) {
    taken.split_once('.').map_or((taken, None), |(time, part)| (time, Some(part)))
}

/// Whether two times (`2026-05-01T10:00:00`) differ by a multiple of [`TIME_ZONE_MINUTES`].
fn is_correction(x: &str, y: &str) -> Option<bool> {
    let minutes = |time: &str| time.get(14..16)?.parse::<u32>().ok();
    Some(x.get(17..19)? == y.get(17..19)? && minutes(x)? % TIME_ZONE_MINUTES == minutes(y)? % TIME_ZONE_MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(time: &str, model: &str) -> Capture {
        Capture { taken: Some(time.into()), make: Some("Maker".into()), model: Some(model.into()), ..Capture::default() }
    }

    fn between(x: &str, y: &str) -> Relation {
        relation(&taken(x, "M1"), &taken(y, "M1"))
    }

    #[test]
    fn two_times_of_one_camera_are_two_exposures() {
        assert_eq!(between("2026-05-01T10:00:00", "2026-05-01T10:00:01"), Relation::Series);
        assert_eq!(between("2026-05-01T10:00:00.25", "2026-05-01T10:00:00.50"), Relation::Series);
        assert_eq!(between("2026-05-01T10:00:00", "2026-05-02T11:07:00"), Relation::Series);
    }

    #[test]
    fn one_time_is_no_proof_of_two() {
        assert_eq!(between("2026-05-01T10:00:00", "2026-05-01T10:00:00"), Relation::Unknown);
        assert_eq!(between("2026-05-01T10:00:00.5", "2026-05-01T10:00:00.500"), Relation::Unknown);
        assert_eq!(between("2026-05-01T10:00:00.5", "2026-05-01T10:00:00"), Relation::Unknown);
    }

    #[test]
    fn a_corrected_clock_is_no_other_exposure() {
        assert_eq!(between("2026-05-01T10:00:07", "2026-05-01T11:00:07"), Relation::Unknown);
        assert_eq!(between("2026-05-01T23:50:07", "2026-05-02T05:35:07"), Relation::Unknown);
    }

    #[test]
    fn two_cameras_or_none_say_nothing() {
        let (x, y) = ("2026-05-01T10:00:00", "2026-05-01T10:00:01");
        assert_eq!(relation(&taken(x, "M1"), &taken(y, "M2")), Relation::Unknown);
        assert_eq!(relation(&taken(x, "M1"), &Capture::default()), Relation::Unknown);
        let nameless = |time: &str| Capture { model: None, ..taken(time, "") };
        assert_eq!(relation(&nameless(x), &nameless(y)), Relation::Unknown);
        let body = |time: &str, serial: &str| Capture { serial: Some(serial.into()), ..taken(time, "M1") };
        assert_eq!(relation(&body(x, "1"), &body(y, "2")), Relation::Unknown);
        assert_eq!(relation(&body(x, "1"), &taken(y, "M1")), Relation::Series);
    }
}
