//! The source of a star: the photo of which the others are versions. It is chosen by evidence, not by its pixels alone.

use std::cmp::{Ordering, Reverse};
use std::collections::HashSet;
use std::path::Path;

use super::frame_name::are_edit_names;
use super::keeper::are_copy_names;
use super::relation::{MIN_SHARE_CUT, by_time, is_aslant, is_beside, is_without_colours};
use crate::photo::{Capture, Comparison, Dimensions, Format, MAX_ENLARGED_DENSITY_RATIO, SourceRule, is_editor};

/// A picture counts as enlarged if it is at least 1.2 times as long as the other, shows no more detail (at most 1.1 times as
/// much), and has clearly fewer bytes per pixel ([`MAX_ENLARGED_DENSITY_RATIO`]). `may_be_enlarged` of `cli/worth.rs` doubts
/// more: it is told no detail, and 1.2 times the pixels are enough for it.
const MIN_ENLARGEMENT_LENGTH_RATIO: f64 = 1.2;
const MAX_DETAIL_OF_ENLARGED: f64 = 1.1;

/// From this sum of the quantiser steps on, about that of quality 55, compression takes detail from a picture: up to 29 % on 16 photos.
const MIN_COARSE_STEPS: u16 = 3300;

/// Of two pictures of one size, one was enlarged if the other shows so much more detail in fewer bytes, and both are saved this well, at
/// a quality of about 90: coarser steps can look like structure (up to 1.43 times the detail at 80).
const MIN_DETAIL_OF_SHARPER: f64 = 1.4;
const MAX_FINE_STEPS: u16 = 800;

/// What one shows and the other does not is a margin if so much of it has one brightness.
const MIN_MARGIN: f64 = 0.8;

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub dimensions: Dimensions,
    pub format: Format,
    pub capture: &'a Capture,
    /// The program that wrote the file, if it says so.
    pub software: Option<&'a str>,
    /// The share of its width and height that it needs for all of its detail, if it is known.
    pub detail: Option<f64>,
    /// The sum of the quantiser steps of a JPEG.
    pub quantisation: Option<u16>,
    /// Whether it says where it was taken.
    pub has_position: bool,
    pub bytes: u64,
    /// Nanoseconds since 1970.
    pub mtime: i64,
    pub path: &'a Path,
}

impl Candidate<'_> {
    /// Whether the file says what a camera writes, and no editor says that it wrote the file.
    fn is_from_camera(&self) -> bool {
        let Capture { taken, make, model, .. } = self.capture;
        taken.is_some() && make.is_some() && model.is_some() && !self.software.is_some_and(is_editor)
    }

    /// By how many times it is longer than `other`.
    fn enlargement(&self, other: &Candidate<'_>) -> f64 {
        let long_side = |photo: &Candidate<'_>| f64::from(photo.dimensions.width.max(photo.dimensions.height));
        long_side(self) / long_side(other)
    }

    /// Whether it seems to be an enlarged copy of `other`; `None` if it may be one and its detail is not known. The photo of a lens
    /// that is not sharp has as little detail, but a camera compresses it less than its smaller copies.
    fn is_enlarged_from(&self, other: &Candidate<'_>) -> Option<bool> {
        let density = |photo: &Candidate<'_>| photo.bytes as f64 / photo.dimensions.pixels() as f64;
        let enlargement = self.enlargement(other);
        if enlargement < MIN_ENLARGEMENT_LENGTH_RATIO {
            Some(self.is_softer_in_more_bytes(other))
        } else if self.capture.origin.says_size_of(other.dimensions) {
            Some(true)
        } else if self.format == other.format && density(self) < MAX_ENLARGED_DENSITY_RATIO * density(other) {
            let is_coarse = self.quantisation.is_some_and(|steps| steps >= MIN_COARSE_STEPS);
            Some(self.detail.filter(|_| !is_coarse)? * enlargement <= MAX_DETAIL_OF_ENLARGED)
        } else {
            Some(false)
        }
    }

    /// Whether it was enlarged to the size of `other`, from a picture that is not here.
    fn is_softer_in_more_bytes(&self, other: &Candidate<'_>) -> bool {
        let is_softer = self.detail.zip(other.detail).is_some_and(|(own, others)| own * MIN_DETAIL_OF_SHARPER <= others);
        is_softer && self.bytes >= other.bytes && self.may_be_made_of(other)
    }

    /// Whether a picture may have been made of another one of its size, though it has more bytes: a program may save with finer steps
    /// than the camera did, and may sharpen or smooth. Equal steps and detail are those of one picture, with other data around it.
    fn may_be_made_of(&self, other: &Candidate<'_>) -> bool {
        let are_fine = |(steps, others): (u16, u16)| steps.max(others) <= MAX_FINE_STEPS;
        let is_other = (self.quantisation, self.detail) != (other.quantisation, other.detail);
        self.dimensions.pixels() == other.dimensions.pixels() && self.quantisation.zip(other.quantisation).is_some_and(are_fine) && is_other
    }

    /// Whether it is sure to be a smaller copy of what `other` shows: it still says that it has that size, or the other one has
    /// detail for which this one has too few pixels.
    fn is_reduced_from(&self, other: &Candidate<'_>) -> bool {
        let enlargement = other.enlargement(self);
        let has_more_detail = || other.detail.is_some_and(|detail| detail * enlargement > MAX_DETAIL_OF_ENLARGED);
        self.format != Format::Raw
            && enlargement >= MIN_ENLARGEMENT_LENGTH_RATIO
            && (self.capture.origin.says_size_of(other.dimensions) || has_more_detail())
    }
}

/// The photos of a star by their evidence.
#[derive(Clone, PartialEq, Debug)]
pub struct SourceOrder {
    /// The positions of the photos, the source first.
    pub order: Vec<usize>,
    /// The rule by which the source comes before the second. `None` if there is no second.
    pub rule: Option<SourceRule>,
    /// The places in the order of those that are as good as the source: only the time or the path of their files tells them from it,
    /// or one of the two may be enlarged, and it is not known, or only their compression tells, and both are saved well.
    pub ties: Vec<usize>,
    /// The places in the order of those that were enlarged from another one.
    pub enlarged: Vec<usize>,
}

/// Sorts the photos of a star, the source first. `laid`: how the first of two photos lies in the second, for near ones.
///
/// The rules, in this order: the one that was taken first; the whole frame before a crop of it, one with a border or a
/// screenshot of it; what a camera wrote before what an editor wrote; a larger one before what is sure to be a smaller copy of it; the
/// plain name of a frame before that of an edit; one that says where it was taken; RAW before HEIC before other formats; one that is
/// not enlarged; the most pixels; one in colour before one in black and white; RGB before CMYK; a format that loses nothing; the most bytes; a plain name before one that a copy
/// gets; the oldest file; the shortest path; the first path.
pub fn source_first(candidates: &[Candidate<'_>], laid: &[(usize, usize, Comparison)]) -> SourceOrder {
    let cut = cut_of(candidates, laid);
    let [mut enlarged, mut reduced, mut grey] = [(); 3].map(|()| vec![false; candidates.len()]);
    let mut doubtful = HashSet::new();
    for (a, b, comparison) in laid {
        grey[*a] |= is_without_colours(&comparison.swapped());
        grey[*b] |= is_without_colours(comparison);
        if comparison.overlap.iter().all(|share| 1.0 - share < MIN_SHARE_CUT) {
            for (x, y) in [(*a, *b), (*b, *a)] {
                if candidates[x].may_be_made_of(&candidates[y]) {
                    doubtful.insert((x, y));
                }
                reduced[x] |= candidates[x].is_reduced_from(&candidates[y]);
                match candidates[x].is_enlarged_from(&candidates[y]) {
                    Some(is_enlarged) => enlarged[x] |= is_enlarged,
                    None => _ = doubtful.insert((x, y)),
                }
            }
        }
    }
    let is_edit = are_edit_names(candidates.iter().map(|c| c.path));
    let is_copy = are_copy_names(candidates.iter().map(|c| c.path));
    let compared = |x: usize, y: usize| -> [(Ordering, SourceRule); 16] {
        let (a, b) = (&candidates[x], &candidates[y]);
        [
            (by_time(a.capture, b.capture), SourceRule::Time),
            (cut[x].cmp(&cut[y]), SourceRule::WholeFrame),
            (Reverse(a.is_from_camera()).cmp(&Reverse(b.is_from_camera())), SourceRule::Camera),
            (reduced[x].cmp(&reduced[y]), SourceRule::Pixels),
            (is_edit[x].cmp(&is_edit[y]), SourceRule::PlainName),
            (Reverse(a.has_position).cmp(&Reverse(b.has_position)), SourceRule::Metadata),
            (from_sensor(a.format).cmp(&from_sensor(b.format)), SourceRule::Format),
            (enlarged[x].cmp(&enlarged[y]), SourceRule::Detail),
            (Reverse(a.dimensions.pixels()).cmp(&Reverse(b.dimensions.pixels())), SourceRule::Pixels),
            (grey[x].cmp(&grey[y]), SourceRule::Colour),
            (a.capture.origin.is_for_print.cmp(&b.capture.origin.is_for_print), SourceRule::Rgb),
            (Reverse(a.format.is_lossless()).cmp(&Reverse(b.format.is_lossless())), SourceRule::Lossless),
            (Reverse(a.bytes).cmp(&Reverse(b.bytes)), SourceRule::Bytes),
            (is_copy[x].cmp(&is_copy[y]), SourceRule::PlainName),
            (a.mtime.cmp(&b.mtime), SourceRule::Oldest),
            ((a.path.as_os_str().len(), a.path).cmp(&(b.path.as_os_str().len(), b.path)), SourceRule::Path),
        ]
    };
    let decisive = |x: usize, y: usize| compared(x, y).into_iter().find(|(order, _)| order.is_ne());
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|x, y| decisive(*x, *y).map_or(Ordering::Equal, |(order, _)| order));
    let by = |x: usize, y: usize| decisive(x, y).map(|(_, rule)| rule);
    let is_tie = |other: usize| match by(order[0], other) {
        None | Some(SourceRule::Oldest | SourceRule::Path) => true,
        Some(SourceRule::Pixels | SourceRule::Detail | SourceRule::Bytes) => doubtful.contains(&(order[0], other)),
        Some(_) => false,
    };
    let ties = (1..order.len()).filter(|place| is_tie(order[*place])).collect();
    let enlarged = (0..order.len()).filter(|place| enlarged[order[*place]]).collect();
    let rule = if let [first, second, ..] = order[..] { by(first, second) } else { None };
    SourceOrder { order, rule, ties, enlarged }
}

/// Returns which photos are a crop of another one, or have one within a border or beside something else.
fn cut_of(candidates: &[Candidate<'_>], laid: &[(usize, usize, Comparison)]) -> Vec<bool> {
    let mut cut = vec![false; candidates.len()];
    for (a, b, comparison) in laid {
        // A photo of a print shows what is around the print.
        if by_time(candidates[*a].capture, candidates[*b].capture).is_ne() {
            continue;
        }
        let (of_a, of_b, back) = (candidates[*a].dimensions, candidates[*b].dimensions, comparison.swapped());
        match (is_beside(of_a, of_b, comparison), is_beside(of_b, of_a, &back)) {
            (true, false) => cut[*b] = true,
            (false, true) => cut[*a] = true,
            _ => {
                let found = self::cut(comparison);
                let [of_a, of_b] = [*a, *b].map(|photo| candidates[photo].is_from_camera());
                // What lies aslant in a photo that no camera signed is a print of it.
                let is_print = [of_a && !of_b, of_b && !of_a].map(|is_signed| is_signed && is_aslant(comparison));
                cut[*a] |= found[0] && !is_print[0] || found[1] && is_print[1];
                cut[*b] |= found[1] && !is_print[1] || found[0] && is_print[0];
            }
        }
    }
    cut
}

/// The place of a format among those that a camera makes of one exposure: RAW, HEIC, others.
fn from_sensor(format: Format) -> u8 {
    match format {
        Format::Raw => 0,
        Format::Heic => 1,
        _ => 2,
    }
}

/// Which of two pictures is a crop of the other, or has a margin around it: the first, the second, or none.
fn cut(comparison: &Comparison) -> [bool; 2] {
    let has_margin = has_margin(comparison);
    [0, 1].map(|at| has_margin[at] || shows_more(comparison, 1 - at) && comparison.margin[1 - at] < MIN_MARGIN)
}

/// Which of two pictures is the other one within a margin: the first, the second, or none.
pub fn has_margin(comparison: &Comparison) -> [bool; 2] {
    [0, 1].map(|at| shows_more(comparison, at) && comparison.margin[at] >= MIN_MARGIN)
}

/// Whether the picture at this place shows all of the other one, and more.
fn shows_more(comparison: &Comparison, at: usize) -> bool {
    let uncovered = comparison.overlap.map(|share| 1.0 - share);
    uncovered[at] >= MIN_SHARE_CUT && uncovered[1 - at] < MIN_SHARE_CUT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::{Affine, Origin, Tone};

    const LARGE: Dimensions = Dimensions { width: 6000, height: 4000 };
    const SMALL: Dimensions = Dimensions { width: 1500, height: 1000 };

    fn camera() -> Capture {
        Capture { taken: Some("2026-05-01T10:00:00".into()), make: Some("Maker".into()), model: Some("M1".into()), ..Capture::default() }
    }

    fn candidate<'a>(dimensions: Dimensions, capture: &'a Capture, path: &'a str) -> Candidate<'a> {
        Candidate {
            dimensions,
            format: Format::Jpeg,
            capture,
            software: None,
            detail: None,
            quantisation: None,
            has_position: false,
            bytes: 1000,
            mtime: 5,
            path: Path::new(path),
        }
    }

    fn chosen(candidates: &[Candidate<'_>]) -> (usize, SourceRule) {
        let SourceOrder { order, rule, .. } = source_first(candidates, &[]);
        (order[0], rule.expect("several"))
    }

    fn laid(overlap: [f64; 2], content: [f64; 2]) -> Comparison {
        Comparison { overlap, content, ..Comparison::WHOLE }
    }

    #[test]
    fn a_picture_in_colour_comes_before_one_in_black_and_white_of_its_size() {
        let nothing = Capture::default();
        let in_colour = candidate(SMALL, &nothing, "/b.jpg");
        let grey = Candidate { format: Format::Png, bytes: 9000, ..candidate(SMALL, &nothing, "/a.png") };
        let tone = |chroma| Tone { brightness: 100.0, contrast: 40.0, chroma };
        let is_first = |grey: Candidate<'_>, chroma: [f64; 2]| {
            let comparison = Comparison { tones: chroma.map(tone), ..Comparison::WHOLE };
            let found = source_first(&[grey, in_colour], &[(0, 1, comparison)]);
            let back = source_first(&[in_colour, grey], &[(0, 1, comparison.swapped())]);
            assert_eq!((found.order[0], found.rule), (1 - back.order[0], back.rule));
            (found.order[0], found.rule)
        };
        assert_eq!(is_first(grey, [0.5, 40.0]), (1, Some(SourceRule::Colour)));
        assert_eq!(is_first(grey, [30.0, 40.0]), (0, Some(SourceRule::Lossless)), "both are in colour");
        assert_eq!(is_first(grey, [0.5, 0.5]), (0, Some(SourceRule::Lossless)), "a scan of an old print");
        assert_eq!(is_first(Candidate { dimensions: LARGE, ..grey }, [0.5, 40.0]), (0, Some(SourceRule::Pixels)), "outvoted");
    }

    #[test]
    fn each_rule_decides_where_those_before_it_do_not() {
        let (camera, none) = (camera(), Capture::default());
        let b = candidate(SMALL, &camera, "/b.jpg");
        assert_eq!(chosen(&[candidate(LARGE, &none, "/a.jpg"), b]), (1, SourceRule::Camera), "an upscale without metadata");
        let edited = Candidate { software: Some("Adobe Photoshop 26.0"), ..candidate(LARGE, &camera, "/a.jpg") };
        assert_eq!(chosen(&[edited, b]), (1, SourceRule::Camera));
        let firmware = Candidate { software: Some("Ver.1.02"), ..candidate(LARGE, &camera, "/a.jpg") };
        assert_eq!(chosen(&[firmware, b]), (0, SourceRule::Pixels));
        let upscaled = candidate(LARGE, &camera, "/a.jpg");
        assert_eq!(chosen(&[upscaled, Candidate { has_position: true, ..b }]), (1, SourceRule::Metadata), "an upscale lost it");
        assert_eq!(chosen(&[candidate(LARGE, &camera, "/a.jpg"), Candidate { format: Format::Raw, ..b }]), (1, SourceRule::Format));
        assert_eq!(chosen(&[Candidate { bytes: 2000, ..b }, Candidate { format: Format::Png, ..b }]), (1, SourceRule::Lossless));
        assert_eq!(chosen(&[Candidate { bytes: 2000, ..b }, b]), (0, SourceRule::Bytes));
        let inks = Capture { origin: Origin { is_for_print: true, ..Origin::default() }, ..camera.clone() };
        let for_print = Candidate { bytes: 2000, ..candidate(SMALL, &inks, "/a.jpg") };
        assert_eq!(chosen(&[for_print, b]), (1, SourceRule::Rgb));
        assert_eq!(chosen(&[Candidate { format: Format::Tiff, ..for_print }, b]), (1, SourceRule::Rgb));
        assert_eq!(chosen(&[Candidate { dimensions: LARGE, ..for_print }, b]), (0, SourceRule::Pixels), "outvoted");
        assert_eq!(chosen(&[candidate(SMALL, &camera, "/b (1).jpg"), b]), (1, SourceRule::PlainName));
        assert_eq!(chosen(&[candidate(SMALL, &camera, "/c.jpg"), Candidate { mtime: 4, ..b }]), (1, SourceRule::Oldest));
        assert_eq!(chosen(&[candidate(SMALL, &camera, "/folder/b.jpg"), b]), (1, SourceRule::Path));
        assert_eq!(source_first(&[b], &[]), SourceOrder { order: vec![0], rule: None, ties: Vec::new(), enlarged: Vec::new() });
    }

    #[test]
    fn what_was_enlarged_is_no_source() {
        let camera = camera();
        let small = Candidate { bytes: 700_000, detail: Some(0.9), ..candidate(SMALL, &camera, "/a.jpg") };
        let large = Candidate { bytes: 4_000_000, detail: Some(0.3), ..candidate(LARGE, &camera, "/b.jpg") };
        let found = |small, large| {
            let SourceOrder { order, rule, .. } = source_first(&[small, large], &[(0, 1, Comparison::WHOLE)]);
            (order[0], rule.expect("two"))
        };
        let enlarged = Candidate { detail: Some(0.26), ..large };
        assert_eq!(found(small, enlarged), (0, SourceRule::Detail));
        assert_eq!(found(small, large), (1, SourceRule::Pixels), "it has a little more detail");
        assert_eq!(found(small, Candidate { detail: None, ..large }), (1, SourceRule::Pixels));
        assert_eq!(found(small, Candidate { bytes: 8_000_000, ..enlarged }), (1, SourceRule::Pixels), "a soft lens");
        let scanned = Capture::default();
        assert_eq!(found(Candidate { capture: &scanned, ..small }, enlarged), (1, SourceRule::Camera), "outvoted");
    }

    #[test]
    fn what_was_enlarged_to_the_size_of_another_is_no_source() {
        let camera = camera();
        let saved = |path, quantisation, detail, bytes| Candidate {
            bytes,
            detail: Some(detail),
            quantisation: Some(quantisation),
            ..candidate(LARGE, &camera, path)
        };
        let original = saved("/a.jpg", 736, 0.9, 3_000_000);
        let found = |blown_up, original| {
            let SourceOrder { order, rule, enlarged, .. } = source_first(&[blown_up, original], &[(0, 1, Comparison::WHOLE)]);
            (order[0], rule.expect("two"), enlarged)
        };
        let blown_up = saved("/b.jpg", 221, 0.45, 4_000_000);
        assert_eq!(found(blown_up, original), (1, SourceRule::Detail, vec![1]));
        let by_bytes = (0, SourceRule::Bytes, Vec::new());
        assert_eq!(found(Candidate { detail: Some(0.7), ..blown_up }, original), by_bytes);
        assert_eq!(found(Candidate { detail: None, ..blown_up }, original), by_bytes);
        assert_eq!(found(blown_up, Candidate { quantisation: Some(1477), ..original }), by_bytes, "steps that look like structure");
        assert_eq!(found(blown_up, Candidate { quantisation: None, ..original }), by_bytes);
    }

    #[test]
    fn of_two_of_one_size_that_are_both_saved_well_either_may_be_the_source() {
        let camera = camera();
        let saved = |path, quantisation, bytes| Candidate {
            bytes,
            detail: Some(0.6),
            quantisation: Some(quantisation),
            ..candidate(LARGE, &camera, path)
        };
        let found = |a, b| {
            let SourceOrder { order, rule, ties, .. } = source_first(&[a, b], &[(0, 1, Comparison::WHOLE)]);
            (order[0], rule.expect("two"), !ties.is_empty())
        };
        let (original, again) = (saved("/a.jpg", 441, 3_000_000), saved("/b.jpg", 221, 4_000_000));
        assert_eq!(found(original, again), (1, SourceRule::Bytes, true), "saved again with finer steps");
        let sharpened = Candidate { detail: Some(0.9), bytes: 2_900_000, ..again };
        assert_eq!(found(original, sharpened), (1, SourceRule::Detail, true), "sharpened, or the other was blown up");
        // Evidence decides.
        assert_eq!(found(original, saved("/b.jpg", 441, 2_900_000)), (0, SourceRule::Bytes, false), "one picture");
        assert_eq!(found(original, saved("/b.jpg", 884, 2_000_000)), (0, SourceRule::Bytes, false), "it lost more");
        let smaller = Candidate { dimensions: SMALL, ..again };
        assert_eq!(found(original, smaller), (0, SourceRule::Pixels, false));
        let edited = Candidate { software: Some("Adobe Photoshop 26.0"), ..again };
        assert_eq!(found(original, edited), (0, SourceRule::Camera, false));
    }

    #[test]
    fn a_smaller_copy_is_no_source_though_it_alone_says_where_it_was_taken() {
        let camera = camera();
        let says = |Dimensions { width, height }| Capture {
            origin: Origin { size: Some([width, height]), ..Origin::default() },
            ..self::camera()
        };
        let (of_large, of_small) = (says(LARGE), says(SMALL));
        let small = Candidate { bytes: 700_000, has_position: true, ..candidate(SMALL, &camera, "/a.jpg") };
        let large = Candidate { bytes: 4_000_000, ..candidate(LARGE, &camera, "/b.jpg") };
        let found = |small, large| {
            let SourceOrder { order, rule, enlarged, .. } = source_first(&[small, large], &[(0, 1, Comparison::WHOLE)]);
            (order[0], rule.expect("two"), enlarged)
        };
        let (none, second) = (Vec::new(), vec![1]);
        assert_eq!(found(small, Candidate { detail: Some(0.6), ..large }), (1, SourceRule::Pixels, none.clone()), "more detail");
        assert_eq!(found(Candidate { capture: &of_large, ..small }, large), (1, SourceRule::Pixels, none.clone()), "the size that it had");
        // An enlarged copy lost the place, or nothing is known.
        assert_eq!(found(small, Candidate { detail: Some(0.26), ..large }), (0, SourceRule::Metadata, second.clone()));
        assert_eq!(found(small, Candidate { capture: &of_small, ..large }), (0, SourceRule::Metadata, second.clone()));
        assert_eq!(found(small, large), (0, SourceRule::Metadata, none.clone()));
        // Outvoted by what the camera wrote, and by a RAW file.
        let stripped = Capture::default();
        let sharp = Candidate { capture: &stripped, detail: Some(0.6), ..large };
        assert_eq!(found(small, sharp), (0, SourceRule::Camera, none.clone()));
        assert_eq!(
            found(Candidate { format: Format::Raw, ..small }, Candidate { detail: Some(0.6), ..large }),
            (0, SourceRule::Metadata, none)
        );
        // Also where nothing says where it was taken.
        let nowhere = Candidate { has_position: false, ..small };
        assert_eq!(found(nowhere, Candidate { capture: &of_small, ..large }), (0, SourceRule::Detail, second));
    }

    #[test]
    fn the_plain_name_of_a_frame_comes_before_that_of_an_edit() {
        let camera = camera();
        let plain = candidate(LARGE, &camera, "/a/IMG_1234.JPG");
        for name in ["/a/IMG_E1234.JPG", "/a/IMG_1234-edited.jpg"] {
            let edit = Candidate { bytes: 2000, has_position: true, ..candidate(LARGE, &camera, name) };
            assert_eq!(chosen(&[edit, plain]), (1, SourceRule::PlainName), "{name}");
            assert_eq!(chosen(&[edit, Candidate { path: Path::new("/a/IMG_1235.JPG"), ..plain }]).0, 0, "of another frame");
            // Outvoted by what the camera wrote, and by more detail.
            let stripped = Capture::default();
            assert_eq!(chosen(&[edit, Candidate { capture: &stripped, ..plain }]), (0, SourceRule::Camera), "{name}");
            let small = Candidate { dimensions: SMALL, ..plain };
            let found = source_first(&[Candidate { detail: Some(0.9), ..edit }, small], &[(0, 1, Comparison::WHOLE)]);
            assert_eq!((found.order[0], found.rule), (0, Some(SourceRule::Pixels)), "{name}");
        }
    }

    #[test]
    fn what_only_the_files_tell_apart_is_a_tie() {
        let camera = camera();
        let a = candidate(LARGE, &camera, "/a.jpg");
        let named = |path| Candidate { path: Path::new(path), ..a };
        let ties = |all: &[Candidate<'_>]| {
            let SourceOrder { order, ties, .. } = source_first(all, &[]);
            ties.into_iter().map(|place| order[place]).collect::<Vec<_>>()
        };
        assert_eq!(ties(&[a, Candidate { mtime: 9, ..named("/b.jpg") }]), [1], "the oldest file");
        assert_eq!(ties(&[named("/folder/b.jpg"), a]), [0], "the shortest path");
        assert_eq!(ties(&[a, named("/a (1).jpg"), Candidate { bytes: 900, ..named("/c.jpg") }, named("/d.jpg")]), [3]);
        assert_eq!(ties(&[a, Candidate { has_position: true, ..a }]), [0; 0]);
    }

    #[test]
    fn a_larger_photo_that_may_be_enlarged_is_a_tie_if_its_detail_is_not_known() {
        let camera = camera();
        let small = Candidate { bytes: 700_000, ..candidate(SMALL, &camera, "/a.jpg") };
        let large = Candidate { bytes: 4_000_000, ..candidate(LARGE, &camera, "/b.jpg") };
        let found = |large: Candidate<'_>, comparison| source_first(&[small, large], &[(0, 1, comparison)]);
        let tie = SourceOrder { order: vec![1, 0], rule: Some(SourceRule::Pixels), ties: vec![1], enlarged: Vec::new() };
        assert_eq!(found(large, Comparison::WHOLE), tie);
        let sure = SourceOrder { ties: Vec::new(), ..tie.clone() };
        assert_eq!(found(Candidate { detail: Some(0.9), ..large }, Comparison::WHOLE), sure, "it has more detail");
        assert_eq!(found(Candidate { bytes: 9_000_000, ..large }, Comparison::WHOLE), sure, "it is compressed as little");
        let coarse = Candidate { detail: Some(0.26), quantisation: Some(5240), ..large };
        assert_eq!(found(coarse, Comparison::WHOLE), tie, "its compression took the detail");
        let raw = Candidate { format: Format::Raw, ..large };
        assert_eq!(found(raw, Comparison::WHOLE).ties, [0; 0], "outvoted");
    }

    #[test]
    fn a_photo_of_a_print_is_taken_later() {
        let (first, later) = (camera(), Capture { taken: Some("2026-09-01T12:00:00".into()), model: Some("Phone".into()), ..camera() });
        let print = candidate(LARGE, &later, "/a.jpg");
        assert_eq!(chosen(&[print, candidate(SMALL, &first, "/b.jpg")]), (1, SourceRule::Time));
        // Without the seconds, by a clock that was wrong by an hour, and by one that was wrong by some minutes.
        for time in ["2026-05-01T10:00:30", "2026-05-01T11:00:00", "2026-05-01T10:07:23"] {
            let other = Capture { taken: Some(time.into()), ..camera() };
            let found = chosen(&[candidate(LARGE, &other, "/a.jpg"), candidate(SMALL, &first, "/b.jpg")]);
            assert_eq!(found, (0, SourceRule::Pixels), "{time}");
        }
    }

    #[test]
    fn a_print_that_was_photographed_is_no_whole_frame() {
        let (camera, none) = (camera(), Capture::default());
        let aslant = Affine { x: [0.69, -0.04, 0.1], y: [0.04, 0.69, 0.1] };
        let (within, straight) = (Comparison { map: aslant, ..laid([1.0, 0.5], [1.0, 1.0]) }, laid([1.0, 0.5], [1.0, 1.0]));
        let source = |first, second, comparison| {
            let two = [candidate(LARGE, first, "/a.jpg"), candidate(LARGE, second, "/b.jpg")];
            source_first(&two, &[(0, 1, comparison)]).order[0]
        };
        assert_eq!(source(&camera, &none, within), 0, "on a desk");
        assert_eq!(source(&camera, &none, straight), 1, "a crop that kept what the camera wrote");
        assert_eq!(source(&none, &none, within), 1, "a crop that was turned");
    }

    #[test]
    fn the_whole_frame_comes_before_a_crop_and_a_border() {
        let camera = camera();
        let none = Capture::default();
        let crop = Comparison { map: Affine::scaled(4.0, (0.0, 0.0)), ..laid([0.06, 1.0], [1.0, 1.0]) };
        let border = Comparison { margin: [0.0, 0.95], ..laid([1.0, 0.7], [1.0, 0.7]) };
        let screenshot = Comparison { map: Affine::scaled(0.2, (0.1, 0.1)), beside: [0.0, 0.2], ..laid([1.0, 0.04], [1.0, 1.0]) };
        // The first is a crop of the second, or has the second within a border or beside something else.
        for (is_of, first, second, comparison) in
            [("a crop", SMALL, LARGE, crop), ("a border", LARGE, SMALL, border), ("a screenshot", LARGE, SMALL, screenshot)]
        {
            let two = [candidate(first, &camera, "/a.jpg"), candidate(second, &none, "/b.jpg")];
            let found = source_first(&two, &[(1, 0, comparison)]);
            assert_eq!((found.order, found.rule, found.ties), (vec![1, 0], Some(SourceRule::WholeFrame), Vec::new()), "{is_of}");
        }
    }
}
