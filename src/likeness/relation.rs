//! The relation of two near photos, and what was changed from one to the other.

use std::cmp::Ordering;

use crate::photo::{Capture, Compared, Comparison, Dimensions, PhotoChange, Relation, Tone};

/// Time zones differ by multiples of this number of minutes. So do the times of two versions if the clock of one was
/// corrected.
const TIME_ZONE_MINUTES: u32 = 15;

/// Two times of one camera that lie so far apart are not those of a burst: if both photos show the same, a program wrote one.
pub const MIN_MINUTES_REWRITTEN: i64 = 60;

/// Two times of two cameras that lie closer are one: a version may lose the seconds.
const MIN_MINUTES_BETWEEN: i64 = 2;

/// Words in the names of scanners: CanoScan, Scanjet, ScanSnap, Perfection, OpticFilm.
const SCANNERS: [&str; 3] = ["scan", "perfection", "opticfilm"];

/// Below this agreement one picture was laid over the other by chance.
pub(super) const MIN_AGREEMENT_OF_SCENE: f64 = 0.6;

/// Two pictures in one place, to this share of the longer side, disagree in more of it than frames of a tripod do: they may be two
/// pages of one layout.
const MAX_SHIFT_IN_PLACE: f64 = 0.002;
const MAX_MISFIT_IN_PLACE: f64 = 0.09;

/// Two pictures that are both so light and have so little colour may be pages. Versions of a page agree at least so well: of made
/// tables, letters, books, slides and receipts different ones agree to 0.92 at most on the fine grid, and versions to 0.98 at least.
const MIN_BRIGHTNESS_OF_PAGE: f64 = 200.0;
const MAX_CHROMA_OF_PAGE: f64 = 8.0;
const MIN_AGREEMENT_OF_PAGES: f64 = 0.95;

/// A collage holds a picture if so much of it is there: it may be cut.
const MIN_SHARE_IN_COLLAGE: f64 = 0.5;

/// One picture holds the other beside something else, and has no plain border, if so much of it has structure.
const MIN_STRUCTURE_BESIDE: f64 = 0.08;

/// What is beside it is other pictures or a page, not the controls of a program, if so much of that has structure.
const MIN_STRUCTURE_OF_PICTURES: f64 = 0.6;

/// Below this scale a picture is shown smaller in the other one than it is.
const MAX_SCALE_WITHIN: f64 = 0.98;

/// The share of a picture that a crop or a border leaves out at least.
pub(super) const MIN_SHARE_CUT: f64 = 0.03;

/// A turn by fewer degrees, beside quarter turns, is none: copies are placed to within 0.11° of upright.
const MIN_TURN_DEGREES: f64 = 0.25;

/// A print that was photographed lies aslant by at least so many degrees.
const MIN_DEGREES_ASLANT: f64 = 0.7;

/// A picture is stretched from this factor on. Sizes in whole pixels stretch small copies by less.
const MIN_STRETCH: f64 = 1.03;

/// Below this mean chroma a picture is black and white.
const MAX_GREY_CHROMA: f64 = 4.0;

/// The least changes of tones that are named: of the exposure in stops, and of contrast and saturation as a ratio, each with the
/// least difference of the values. Copies of 16 photos, of all sizes from 160 pixels on and of qualities from 30 on, differ by 0.023 stops,
/// 2.5 % of contrast and 9.6 % of chroma, or 1.4, at most.
const MIN_STOPS: f64 = 0.06;
const MIN_CONTRAST_RATIO: f64 = 1.035;
const MIN_TONE_DIFFERENCE: f64 = 1.0;
const MIN_CHROMA_RATIO: f64 = 1.1;
const MIN_CHROMA_DIFFERENCE: f64 = 1.5;

/// Retouched: at least 6 % of the places disagree, or the worst tile differs at least 4.5 times as much as the median tile.
const MIN_MISFIT: f64 = 0.06;
const MIN_SPOT: f64 = 4.5;

/// The mean difference of colours that are other ones. Compression and size change them by 2.9 at most.
const MIN_COLOUR_DIFFERENCE: f64 = 3.3;

/// The gamma by which brightness is made light.
const GAMMA: f64 = 2.2;

/// The relation of two photos that are not versions of one exposure, as far as is known.
pub fn relation(a: (&Capture, Dimensions), b: (&Capture, Dimensions), compared: &Compared) -> Relation {
    if is_series(a.0, b.0) {
        return Relation::Series;
    }
    match compared {
        Compared::Laid(comparison) if is_part(a.1, b.1, comparison) => Relation::Part,
        Compared::Laid(comparison) if comparison.fine.agreement < MIN_AGREEMENT_OF_SCENE || may_be_pages(comparison) => Relation::Unknown,
        Compared::Laid(_) => Relation::Series,
        Compared::NotYet | Compared::Apart => Relation::Unknown,
    }
}

/// Whether two pictures may be two pages, chats or memes of one layout, and not two frames of a scene.
pub(super) fn may_be_pages(comparison: &Comparison) -> bool {
    let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)];
    let is_in_place = corners.iter().all(|corner| {
        let moved = comparison.map.apply(*corner);
        (moved.0 - corner.0).abs().max((moved.1 - corner.1).abs()) <= MAX_SHIFT_IN_PLACE
    });
    is_in_place && comparison.fine.misfit >= MAX_MISFIT_IN_PLACE || are_other_pages(comparison)
}

/// Whether two pictures look like pages, and do not agree as versions of one do: ruled tables agree in their lines alone.
pub(super) fn are_other_pages(comparison: &Comparison) -> bool {
    let is_page = |tone: &Tone| tone.brightness >= MIN_BRIGHTNESS_OF_PAGE && tone.chroma <= MAX_CHROMA_OF_PAGE;
    comparison.tones.iter().all(is_page) && comparison.fine.agreement < MIN_AGREEMENT_OF_PAGES
}

/// Whether one picture holds the other beside other pictures, as a collage or a page does. A crop is smaller than what it was
/// made of, and such a picture shows the other one smaller than it is.
pub fn is_part(a: Dimensions, b: Dimensions, comparison: &Comparison) -> bool {
    let is_beside_others = |a, b, comparison: &Comparison| {
        is_beside(a, b, comparison) && comparison.beside[1] >= MIN_STRUCTURE_OF_PICTURES * (1.0 - comparison.overlap[1])
    };
    is_beside_others(a, b, comparison) || is_beside_others(b, a, &comparison.swapped())
}

/// Whether `b` shows `a` smaller than it is, beside something that is not a plain border.
pub fn is_beside(a: Dimensions, b: Dimensions, comparison: &Comparison) -> bool {
    shows_beside(comparison) && comparison.scale(a, b) < MAX_SCALE_WITHIN
}

/// Whether the second picture shows the first one, or most of it, beside something that is not a plain border. It may be what the
/// first is a crop of.
pub(super) fn shows_beside(comparison: &Comparison) -> bool {
    comparison.overlap[0] >= MIN_SHARE_IN_COLLAGE && comparison.beside[1] >= MIN_STRUCTURE_BESIDE
}

/// What was changed from a source `a` to its version `b`. Nothing, if only the size, the compression or the metadata differ.
pub fn changes(comparison: &Comparison) -> Vec<PhotoChange> {
    let mut changes = Vec::new();
    let [of_source, of_version] = comparison.overlap;
    if of_source < 1.0 - MIN_SHARE_CUT {
        changes.push(PhotoChange::Crop(of_source as f32));
    }
    if of_version < 1.0 - MIN_SHARE_CUT {
        let is_plain = comparison.beside[1] < MIN_STRUCTURE_BESIDE;
        changes.push(if is_plain { PhotoChange::Border } else { PhotoChange::Screenshot });
    }
    if comparison.map.is_mirrored() {
        changes.push(PhotoChange::Mirrored);
    }
    let degrees = turn(comparison);
    if degrees.abs() >= MIN_TURN_DEGREES {
        changes.push(PhotoChange::Turned(degrees as f32));
    }
    let stretch = comparison.map.stretch();
    if stretch >= MIN_STRETCH {
        changes.push(PhotoChange::Stretched(stretch as f32));
    }
    let [source, version] = &comparison.tones;
    if is_without_colours(comparison) {
        changes.push(PhotoChange::BlackAndWhite);
    } else if is_other([source.chroma, version.chroma], MIN_CHROMA_RATIO, MIN_CHROMA_DIFFERENCE) {
        changes.push(PhotoChange::Saturation((version.chroma / source.chroma.max(1.0)) as f32));
    } else if comparison.colour.is_some_and(|difference| difference >= MIN_COLOUR_DIFFERENCE) {
        changes.push(PhotoChange::Colours);
    }
    let stops = GAMMA * (version.brightness.max(1.0) / source.brightness.max(1.0)).log2();
    if stops.abs() >= MIN_STOPS && (version.brightness - source.brightness).abs() >= MIN_TONE_DIFFERENCE {
        changes.push(PhotoChange::Exposure(stops as f32));
    }
    if is_other([source.contrast, version.contrast], MIN_CONTRAST_RATIO, MIN_TONE_DIFFERENCE) {
        changes.push(PhotoChange::Contrast((version.contrast / source.contrast.max(1.0)) as f32));
    }
    if comparison.fine.misfit >= MIN_MISFIT || comparison.fine.spot >= MIN_SPOT {
        changes.push(PhotoChange::Retouched);
    }
    changes
}

/// Whether the second picture is black and white, and the first is not.
pub fn is_without_colours(comparison: &Comparison) -> bool {
    let [first, second] = &comparison.tones;
    second.chroma < MAX_GREY_CHROMA && first.chroma > 2.0 * MAX_GREY_CHROMA
}

/// The turn in degrees beside quarter turns.
fn turn(comparison: &Comparison) -> f64 {
    let degrees = comparison.map.degrees();
    degrees - 90.0 * (degrees / 90.0).round()
}

/// Whether one picture is turned in the other one, and not by quarters alone.
pub fn is_aslant(comparison: &Comparison) -> bool {
    turn(comparison).abs() >= MIN_DEGREES_ASLANT
}

/// Whether a version differs from its source in size, compression and metadata only. What an earlier version compared may have
/// changes that it did not see.
pub fn is_copy(comparison: &Comparison) -> bool {
    comparison.colour.is_some() && changes(comparison).is_empty()
}

fn is_other([a, b]: [f64; 2], ratio: f64, difference: f64) -> bool {
    a.max(b) > ratio * a.min(b) && (a - b).abs() > difference
}

/// Whether two photos are two exposures by what the camera wrote. A camera does not take the same picture twice, so two times
/// mean two exposures, and so do two shutter speeds, ids or numbers of frames. An edited version keeps them or loses them. A
/// scanner says nothing of the exposure.
pub fn is_series(a: &Capture, b: &Capture) -> bool {
    let are_two = || a.exposure.differs_from(&b.exposure) || are_two_times(a, b).unwrap_or(false) || are_two_frames(a, b);
    is_one_camera(a, b) && are_two() && !is_scanned(a) && !is_scanned(b)
}

/// Whether a camera says that two photos of one size have two sensitivities.
pub(super) fn are_two_sensitivities(a: &Capture, b: &Capture) -> bool {
    let are_two = a.exposure.has_other_sensitivity(&b.exposure) && !is_one_moment(a, b);
    is_one_camera(a, b) && are_two && !is_scanned(a) && !is_scanned(b)
}

/// Whether the ids or the counter of a camera tell two frames. At one moment, to a part of a second, it takes one: it wrote a
/// version of its own.
pub(super) fn are_two_frames(a: &Capture, b: &Capture) -> bool {
    let (x, y) = (&a.origin, &b.origin);
    (x.is_other_image(y) || x.other_numbers(y).is_some()) && !is_one_moment(a, b)
}

pub(super) fn is_one_moment(a: &Capture, b: &Capture) -> bool {
    let part = |capture: &Capture| split(capture.taken.as_deref()?).1.map(|part| part.bytes().any(|digit| digit != b'0'));
    a.taken == b.taken && part(a) == Some(true)
}

/// Whether a scanner wrote a file, by its name or by what it says.
fn is_scanned(capture: &Capture) -> bool {
    let has = |name: &Option<String>, word: &str| {
        let mut windows = name.as_deref().unwrap_or_default().as_bytes().windows(word.len());
        windows.any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    capture.origin.is_scanned || SCANNERS.iter().any(|word| has(&capture.make, word) || has(&capture.model, word))
}

fn is_one_camera(a: &Capture, b: &Capture) -> bool {
    let is_one_body = a.serial == b.serial || a.serial.is_none() || b.serial.is_none();
    a.make == b.make && a.model.is_some() && a.model == b.model && is_one_body
}

pub(super) fn are_two_times(a: &Capture, b: &Capture) -> Option<bool> {
    let (x, y) = (a.taken.as_ref()?, b.taken.as_ref()?);
    let ((x, x_part), (y, y_part)) = (split(x), split(y));
    if x != y {
        return Some(!is_correction(x, y)?);
    }
    // 0.5 and 0.50 are the same time. A version without the fraction is not another exposure.
    Some(x_part?.trim_end_matches('0') != y_part?.trim_end_matches('0'))
}

/// Which of two versions of one exposure was taken first, as far as their times tell: a photo of a print or a screen has a later
/// one, and so has what a messenger sent. A clock that was corrected tells nothing.
pub fn by_time(a: &Capture, b: &Capture) -> Ordering {
    let Some(minutes) = minutes_between(a, b) else { return Ordering::Equal };
    let are_two = if is_one_camera(a, b) {
        minutes >= MIN_MINUTES_REWRITTEN && are_two_times(a, b) == Some(true)
    } else {
        minutes >= MIN_MINUTES_BETWEEN
    };
    if are_two { a.taken.cmp(&b.taken) } else { Ordering::Equal }
}

/// Whether another camera took `b` later: it is a photo of a print or a screen that shows `a`.
pub fn is_taken_of(b: &Capture, a: &Capture) -> bool {
    !is_one_camera(a, b) && by_time(a, b).is_lt()
}

/// Returns how many minutes lie between the times of two photos, if both have one.
pub fn minutes_between(a: &Capture, b: &Capture) -> Option<i64> {
    let minutes = |taken: &Option<String>| {
        let part = |range: std::ops::Range<usize>| taken.as_deref()?.get(range)?.parse::<i64>().ok();
        let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
        // Days of a calendar whose years begin in March.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
        Some((days * 24 + part(11..13)?) * 60 + part(14..16)?)
    };
    Some((minutes(&a.taken)? - minutes(&b.taken)?).abs())
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
    use crate::photo::{Affine, Exposure, Origin, Residual};

    fn taken(time: &str, model: &str) -> Capture {
        Capture { taken: Some(time.into()), make: Some("Maker".into()), model: Some(model.into()), ..Capture::default() }
    }

    fn between(x: &str, y: &str) -> bool {
        is_series(&taken(x, "M1"), &taken(y, "M1"))
    }

    #[test]
    fn two_times_of_one_camera_are_two_exposures() {
        assert!(between("2026-05-01T10:00:00", "2026-05-01T10:00:01"));
        assert!(between("2026-05-01T10:00:00.25", "2026-05-01T10:00:00.50"));
        assert!(between("2026-05-01T10:00:00", "2026-05-02T11:07:00"));
    }

    #[test]
    fn one_time_is_no_proof_of_two() {
        assert!(!between("2026-05-01T10:00:00", "2026-05-01T10:00:00"));
        assert!(!between("2026-05-01T10:00:00.5", "2026-05-01T10:00:00.500"));
        assert!(!between("2026-05-01T10:00:00.5", "2026-05-01T10:00:00"));
    }

    #[test]
    fn two_exposures_within_one_second_are_told_by_the_shutter() {
        let exposed = |seconds, bias| Capture {
            exposure: Exposure { seconds: Some(seconds), aperture: Some(8.0), bias, iso: None },
            ..taken("2026-05-01T10:00:00", "M1")
        };
        assert!(is_series(&exposed(0.005, None), &exposed(0.02, None)));
        assert!(is_series(&exposed(0.005, Some(0.0)), &exposed(0.005, Some(-2.0))));
        assert!(!is_series(&exposed(0.005, Some(0.0)), &exposed(0.005_05, None)), "rounded");
        assert!(!is_series(&exposed(0.005, None), &taken("2026-05-01T10:00:00", "M1")), "one does not say it");
        assert!(!is_series(&exposed(0.005, None), &Capture { model: Some("M2".into()), ..exposed(0.02, None) }));
    }

    #[test]
    fn the_sensitivity_an_id_and_the_number_of_a_frame_tell_two_exposures() {
        let time = "2026-05-01T10:00:00";
        let iso = |iso: f64| Capture { exposure: Exposure { iso: Some(iso), ..Exposure::default() }, ..taken(time, "M1") };
        assert!(are_two_sensitivities(&iso(100.0), &iso(400.0)) && !are_two_sensitivities(&iso(100.0), &iso(104.0)));
        assert!(!is_series(&iso(100.0), &iso(400.0)), "of two sizes one may be a version");
        assert!(!are_two_sensitivities(&iso(100.0), &Capture { model: Some("M2".into()), ..iso(400.0) }), "another camera");
        let of = |image: Option<&str>, number: Option<u32>, time: &str| {
            let origin = Origin { image: image.map(str::to_owned), number, ..Origin::default() };
            Capture { origin, ..taken(time, "M1") }
        };
        assert!(is_series(&of(Some("a"), None, time), &of(Some("b"), None, time)));
        assert!(is_series(&of(None, Some(1), time), &of(None, Some(2), time)));
        assert!(!is_series(&of(Some("a"), Some(1), time), &of(Some("a"), Some(1), time)));
        assert!(!is_series(&of(Some("a"), None, time), &of(None, Some(2), time)), "each says something else");
        let nameless = |image| Capture { model: None, ..of(Some(image), None, time) };
        assert!(!is_series(&nameless("a"), &nameless("b")));
        // At one moment the camera wrote two versions. Some write zeros as the part of a second.
        let moment = "2026-05-01T10:00:00.25";
        assert!(!is_series(&of(Some("a"), Some(1), moment), &of(Some("b"), Some(2), moment)));
        let zeros = "2026-05-01T10:00:00.00";
        assert!(is_series(&of(None, Some(1), zeros), &of(None, Some(2), zeros)));
    }

    #[test]
    fn the_time_of_a_scanner_says_nothing() {
        let [x, y] = ["2026-05-01T10:00:00", "2026-05-01T10:07:23"];
        for (make, model) in
            [("EPSON", "Perfection V600"), ("Canon", "CanoScan 9000F"), ("hp", "HP Scanjet G4050"), ("PLUSTEK", "OpticFilm 8200i")]
        {
            let scan = |time: &str| Capture { make: Some(make.into()), ..taken(time, model) };
            assert!(!is_series(&scan(x), &scan(y)), "{model}");
        }
        let by_file_source = |time: &str| Capture { origin: Origin { is_scanned: true, ..Origin::default() }, ..taken(time, "M1") };
        assert!(!is_series(&by_file_source(x), &by_file_source(y)));
        assert!(!is_series(&by_file_source(x), &taken(y, "M1")));
        let camera = |time: &str| Capture { make: Some("EPSON".into()), ..taken(time, "R-D1") };
        assert!(is_series(&camera(x), &camera(y)), "a camera of the same maker");
    }

    #[test]
    fn a_corrected_clock_is_no_other_exposure() {
        assert!(!between("2026-05-01T10:00:07", "2026-05-01T11:00:07"));
        assert!(!between("2026-05-01T23:50:07", "2026-05-02T05:35:07"));
    }

    #[test]
    fn the_minutes_between_two_times_are_counted_over_months_and_leap_years() {
        let between = |x: &str, y: &str| minutes_between(&taken(x, "M1"), &taken(y, "M1"));
        assert_eq!(between("2024-02-28T23:59:30", "2024-03-01T00:01:00.5"), Some(24 * 60 + 2));
        assert_eq!(between("2023-12-31T23:00:00", "2024-01-01T00:00:00"), Some(60));
        assert_eq!(minutes_between(&taken("2024-02-28T23:59:30", "M1"), &Capture::default()), None);
    }

    #[test]
    fn two_cameras_or_none_say_nothing() {
        let (x, y) = ("2026-05-01T10:00:00", "2026-05-01T10:00:01");
        assert!(!is_series(&taken(x, "M1"), &taken(y, "M2")));
        assert!(!is_series(&taken(x, "M1"), &Capture::default()));
        let nameless = |time: &str| Capture { model: None, ..taken(time, "") };
        assert!(!is_series(&nameless(x), &nameless(y)));
        let body = |time: &str, serial: &str| Capture { serial: Some(serial.into()), ..taken(time, "M1") };
        assert!(!is_series(&body(x, "1"), &body(y, "2")));
        assert!(is_series(&body(x, "1"), &taken(y, "M1")));
    }
    const WHOLE: Comparison = Comparison::WHOLE;

    const LARGE: Dimensions = Dimensions { width: 6000, height: 4000 };
    const SMALL: Dimensions = Dimensions { width: 1500, height: 1000 };

    /// The source, of which a half is in the other picture.
    fn half(content: f64) -> Comparison {
        Comparison { map: Affine::scaled(1.0 / 0.5f64.sqrt(), (0.0, 0.0)), overlap: [0.5, 1.0], content: [content, 1.0], ..WHOLE }
    }

    #[test]
    fn changes_are_named() {
        let named = |comparison: Comparison| changes(&comparison);
        assert_eq!(named(WHOLE), []);
        assert_eq!(named(half(1.0)), [PhotoChange::Crop(0.5)]);
        assert_eq!(named(half(1.0).swapped()), [PhotoChange::Border]);
        assert_eq!(named(Comparison { beside: [0.0, 0.15], ..half(1.0).swapped() }), [PhotoChange::Screenshot]);
        let turned = Affine { x: [0.9986, -0.0523, 0.0], y: [0.0523, 0.9986, 0.0] };
        assert!(matches!(named(Comparison { map: turned, ..WHOLE })[..], [PhotoChange::Turned(degrees)] if (degrees - 3.0).abs() < 0.1));
        let quarter = Affine { x: [0.0, -1.0, 1.0], y: [1.0, 0.0, 0.0] };
        assert_eq!(named(Comparison { map: quarter, ..WHOLE }), [], "a copy may be turned");
        let wide = Affine { x: [1.0, 0.0, 0.0], y: [0.0, 0.9, 0.0] };
        assert!(matches!(named(Comparison { map: wide, ..WHOLE })[..], [PhotoChange::Stretched(by)] if (by - 1.0 / 0.9).abs() < 0.001));
        let mirror = Affine { x: [-1.0, 0.0, 1.0], y: [0.0, 1.0, 0.0] };
        assert_eq!(named(Comparison { map: mirror, ..WHOLE }), [PhotoChange::Mirrored]);
        let tone = WHOLE.tones[0];
        let toned = |version: Tone| named(Comparison { tones: [tone, version], ..WHOLE });
        assert_eq!(toned(Tone { chroma: 1.0, ..tone }), [PhotoChange::BlackAndWhite]);
        assert_eq!(toned(Tone { chroma: 60.0, ..tone }), [PhotoChange::Saturation(2.0)]);
        assert_eq!(toned(Tone { contrast: 100.0, ..tone }), [PhotoChange::Contrast(2.0)]);
        assert!(matches!(toned(Tone { brightness: 137.0, ..tone })[..], [PhotoChange::Exposure(stops)] if (stops - 1.0).abs() < 0.01));
        // What compression and a smaller size change is no edit, and a slight edit is one.
        assert_eq!(toned(Tone { brightness: tone.brightness * 1.007, contrast: tone.contrast * 1.025, chroma: tone.chroma * 0.95 }), []);
        assert!(matches!(toned(Tone { brightness: tone.brightness * 1.04, ..tone })[..], [PhotoChange::Exposure(_)]));
        assert!(matches!(toned(Tone { contrast: tone.contrast * 1.05, ..tone })[..], [PhotoChange::Contrast(_)]));
        assert!(matches!(toned(Tone { chroma: tone.chroma * 1.15, ..tone })[..], [PhotoChange::Saturation(_)]));
        let straightened = Affine { x: [1.0, -0.007, 0.0], y: [0.007, 1.0, 0.0] };
        assert!(matches!(named(Comparison { map: straightened, ..WHOLE })[..], [PhotoChange::Turned(_)]));
        let retouched = Residual { misfit: 0.1, ..WHOLE.fine };
        assert_eq!(named(Comparison { fine: retouched, ..WHOLE }), [PhotoChange::Retouched]);
        let text = Residual { spot: 12.0, ..WHOLE.fine };
        assert_eq!(named(Comparison { fine: text, ..WHOLE }), [PhotoChange::Retouched]);
        assert_eq!(named(Comparison { colour: Some(12.0), ..WHOLE }), [PhotoChange::Colours]);
        assert!(is_copy(&WHOLE) && !is_copy(&half(1.0)) && !is_copy(&Comparison { colour: None, ..WHOLE }));
    }

    #[test]
    fn a_picture_beside_others_is_a_part_and_a_crop_is_none() {
        let within = |beside| Comparison { beside: [0.0, beside], ..half(1.0).swapped() };
        assert!(is_part(LARGE, SMALL, &within(0.4)), "a picture beside others");
        assert!(is_part(SMALL, LARGE, &within(0.4).swapped()), "the order does not matter");
        assert!(!is_part(LARGE, SMALL, &within(0.15)), "the controls of a program");
        assert!(!is_part(SMALL, LARGE, &within(0.4)), "a crop that was made smaller");
        assert!(!is_part(LARGE, SMALL, &WHOLE));
        assert!(is_beside(LARGE, SMALL, &within(0.15)) && !is_beside(SMALL, LARGE, &within(0.4)));
        assert!(!is_beside(LARGE, SMALL, &within(0.0)), "a plain border");
    }

    #[test]
    fn what_is_no_version_is_another_exposure_a_part_or_unknown() {
        let plain = Capture::default();
        let of = |a, b, compared: &Compared| relation((&plain, a), (&plain, b), compared);
        assert_eq!(of(LARGE, LARGE, &Compared::Laid(WHOLE)), Relation::Series);
        let beside_others = Comparison { beside: [0.0, 0.4], ..half(1.0).swapped() };
        assert_eq!(of(LARGE, SMALL, &Compared::Laid(beside_others)), Relation::Part);
        let by_chance = Residual { agreement: 0.3, ..WHOLE.fine };
        assert_eq!(of(LARGE, LARGE, &Compared::Laid(Comparison { fine: by_chance, ..WHOLE })), Relation::Unknown);
        assert_eq!(of(LARGE, SMALL, &Compared::Apart), Relation::Unknown);
        let other_text = Comparison { fine: Residual { misfit: 0.15, ..WHOLE.fine }, ..WHOLE };
        assert_eq!(of(LARGE, LARGE, &Compared::Laid(other_text)), Relation::Unknown, "two pages of one layout");
        let moved = Comparison { map: Affine::scaled(1.0, (0.01, 0.0)), ..other_text };
        assert_eq!(of(LARGE, LARGE, &Compared::Laid(moved)), Relation::Series);
        let (x, y) = (taken("2026-05-01T10:00:00", "M1"), taken("2026-05-01T10:00:01", "M1"));
        assert_eq!(relation((&x, LARGE), (&y, LARGE), &Compared::NotYet), Relation::Series);
    }
}
