//! The best original of a cluster: the photo to keep.

use std::cmp::Reverse;
use std::path::Path;

use crate::photo::{Capture, Dimensions, Format};

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub dimensions: Dimensions,
    pub format: Format,
    pub capture: &'a Capture,
    pub path: &'a Path,
}

/// The position of the best original. In this order: most pixels, the better format (RAW before HEIC before JPEG),
/// fewest signs of an edit, oldest capture, shortest path, first path.
///
/// # Panics
/// If there are no candidates.
pub fn best_original(candidates: &[Candidate<'_>]) -> usize {
    let first = |c: &Candidate<'_>| (Reverse(c.dimensions.pixels()), c.format);
    let foremost = candidates.iter().map(first).min().expect("a cluster has members");
    let mut alike = (0..candidates.len()).filter(|&i| first(&candidates[i]) == foremost).peekable();
    let only = alike.next().expect("one of them is foremost");
    if alike.peek().is_none() {
        return only;
    }
    let rank = |&i: &usize| {
        let c = &candidates[i];
        // No time sorts last.
        (signs_of_an_edit(c), c.capture.taken.is_none(), &c.capture.taken, c.path.as_os_str().len(), c.path)
    };
    alike.chain([only]).min_by(|x, y| rank(x).cmp(&rank(y))).expect("several are foremost")
}

/// How many signs of an edit a photo shows: an export often loses what the camera wrote, and its name often says what
/// it is.
fn signs_of_an_edit(candidate: &Candidate<'_>) -> usize {
    let capture = candidate.capture;
    let lost = [capture.make.is_none(), capture.model.is_none(), capture.taken.is_none()].into_iter().filter(|&l| l).count();
    let name = candidate.path.file_stem().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let marks = ["edit", "copy", "export", "crop", "small", "thumb", "screenshot", "whatsapp", "resized", "(1)", "(2)"];
    lost + marks.iter().filter(|mark| name.contains(*mark)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(candidates: &[(u32, Format, Option<&str>, &str)]) -> usize {
        let captures: Vec<Capture> = candidates.iter().map(|c| Capture { taken: c.2.map(str::to_owned), ..Capture::default() }).collect();
        let candidates: Vec<Candidate<'_>> = candidates
            .iter()
            .zip(&captures)
            .map(|(&(width, format, _, path), capture)| Candidate {
                dimensions: Dimensions { width, height: 100 },
                format,
                capture,
                path: Path::new(path),
            })
            .collect();
        best_original(&candidates)
    }

    #[test]
    fn the_order_is_pixels_format_edits_age_path() {
        let t = Some("2026-05-01T10:00:00");
        assert_eq!(best(&[(10, Format::Raw, t, "a"), (20, Format::Png, None, "a_edit")]), 1);
        assert_eq!(best(&[(10, Format::Jpeg, t, "a"), (10, Format::Raw, t, "b")]), 1);
        assert_eq!(best(&[(10, Format::Jpeg, None, "a"), (10, Format::Jpeg, t, "b")]), 1);
        assert_eq!(best(&[(10, Format::Jpeg, t, "photo_copy.jpg"), (10, Format::Jpeg, t, "z/photo.jpg")]), 1);
        assert_eq!(best(&[(10, Format::Jpeg, Some("2026-05-02T10:00:00"), "a"), (10, Format::Jpeg, t, "b")]), 1);
        assert_eq!(best(&[(10, Format::Jpeg, t, "long/name.jpg"), (10, Format::Jpeg, t, "n.jpg")]), 1);
    }
}
