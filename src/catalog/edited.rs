//! Whether the photo that a file holds now is an edited version of the one before, so that decisions follow.

use super::relations::{member, of_two};
use crate::likeness::{Member, VersionModel, changes, is_series, shows_whole_frame};
use crate::photo::{Compared, Comparison, Dimensions, PhotoChange, Relation};
use crate::store::{Evidence, PhotoRecord};

/// How much the shape of a photo may differ from that of its edited version: sizes are whole pixels.
const MAX_ASPECT_CHANGE: f64 = 0.02;

/// Two pictures are all but equal if they show at least so much of each other, and agree so well. Frames that were taken from the hand
/// do neither.
const MIN_OVERLAP_OF_EQUAL: f64 = 0.985;
const MIN_AGREEMENT_OF_EQUAL: f64 = 0.98;

/// Whether the new photo of a file is an edited version of the one before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edited {
    Yes,
    No,
    /// The two are to be compared first.
    Uncompared,
    /// What they are compared by is being made again.
    NotYet,
}

/// Returns whether a photo is a version of the one before at its path, with the whole frame, and not a frame of a series.
/// Another photo that was put in its place is not a version. When in doubt the photo is not taken for one: then the person is
/// asked again.
pub fn edited(versions: &VersionModel, before: &PhotoRecord, after: &PhotoRecord, evidence: &Evidence) -> Edited {
    let aspect = |d: &Dimensions| f64::from(d.width.max(d.height)) / f64::from(d.width.min(d.height).max(1));
    let is_one_shape = (aspect(&before.dimensions) / aspect(&after.dimensions) - 1.0).abs() <= MAX_ASPECT_CHANGE;
    let [of_before, of_after] = &evidence.keypoints;
    if !is_one_shape || is_series(&before.capture, &after.capture) {
        return Edited::No;
    }
    // A photo that was turned may have other keypoints, so pictures that are all but equal need none.
    let is_whole_frame = |comparison: &Comparison| is_all_but_equal(comparison) || shows_whole_frame(of_before, of_after);
    match evidence.compared {
        Compared::NotYet => Edited::Uncompared,
        // An earlier version compared them, by less.
        Compared::Laid(comparison) if comparison.colour.is_none() => Edited::Uncompared,
        Compared::Apart => Edited::No,
        Compared::Laid(comparison) if !is_whole_frame(&comparison) => Edited::No,
        Compared::Laid(comparison) => {
            // Another frame may have been made smaller or compressed since. So they count as two of one camera and one encoder,
            // which are versions only if the version model says so.
            let (before, after) = (member(before), member(after));
            let after = Member { dimensions: before.dimensions, format: before.format, quantisation: before.quantisation, ..after };
            let relation = of_two(versions, &[before, after], evidence.distance, evidence.compared);
            let is_whole = !changes(&comparison).iter().any(shows_another_frame);
            if matches!(relation, Relation::Copy | Relation::Edit) && is_whole { Edited::Yes } else { Edited::No }
        }
    }
}

/// Whether two pictures show the same, each the whole of the other.
fn is_all_but_equal(comparison: &Comparison) -> bool {
    comparison.overlap.iter().all(|share| *share >= MIN_OVERLAP_OF_EQUAL) && comparison.fine.agreement >= MIN_AGREEMENT_OF_EQUAL
}

fn shows_another_frame(change: &PhotoChange) -> bool {
    matches!(change, PhotoChange::Crop(_) | PhotoChange::Border | PhotoChange::Screenshot | PhotoChange::Turned(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::{Capture, Format, Keypoint, Keypoints, PhotoId, PictureHash, Residual};

    const SIZE: Dimensions = Dimensions { width: 3000, height: 2000 };

    fn photo(number: u8) -> PhotoRecord {
        PhotoRecord {
            id: PhotoId(number.into()),
            picture: PictureHash([number; 32]),
            format: Format::Jpeg,
            dimensions: SIZE,
            capture: Capture::default(),
            quantisation: Some(400),
            detail: None,
            files: Vec::new(),
        }
    }

    fn keypoints(seed: u64) -> Keypoints {
        Keypoints::new(Keypoint::random(Keypoints::MAX, seed))
    }

    fn laid(agreement: f64) -> Comparison {
        let left = Residual { agreement, ..Comparison::WHOLE.fine };
        Comparison { coarse: left, fine: left, ..Comparison::WHOLE }
    }

    fn found(after: &PhotoRecord, compared: Compared) -> Edited {
        edited(VersionModel::base(), &photo(1), after, &Evidence { distance: 0.05, keypoints: [keypoints(1), keypoints(1)], compared })
    }

    #[test]
    fn a_version_with_the_whole_frame_is_an_edit_of_the_photo_before() {
        assert_eq!(found(&photo(2), Compared::Laid(laid(0.999))), Edited::Yes);
        let smaller = PhotoRecord { dimensions: Dimensions { width: 1500, height: 1000 }, ..photo(2) };
        assert_eq!(found(&smaller, Compared::Laid(laid(0.999))), Edited::Yes);
    }

    #[test]
    fn another_frame_is_none_however_it_was_saved() {
        let other = |after: PhotoRecord| found(&after, Compared::Laid(laid(0.93)));
        assert_eq!(other(photo(2)), Edited::No);
        assert_eq!(other(PhotoRecord { quantisation: Some(90), ..photo(2) }), Edited::No);
        assert_eq!(other(PhotoRecord { format: Format::Png, quantisation: None, ..photo(2) }), Edited::No);
        assert_eq!(other(PhotoRecord { dimensions: Dimensions { width: 1500, height: 1000 }, ..photo(2) }), Edited::No);
        let moved = |agreement, overlap| {
            let compared = Compared::Laid(Comparison { overlap, ..laid(agreement) });
            let evidence = Evidence { distance: 0.05, keypoints: [keypoints(1), keypoints(2)], compared };
            edited(VersionModel::base(), &photo(1), &photo(2), &evidence)
        };
        assert_eq!(moved(0.97, [1.0, 1.0]), Edited::No);
        assert_eq!(moved(0.999, [0.98, 1.0]), Edited::No);
        assert_eq!(moved(0.999, [1.0, 1.0]), Edited::Yes, "it was turned, and has other keypoints");
    }

    #[test]
    fn a_crop_and_a_picture_in_another_shape_are_none() {
        let crop = Comparison { overlap: [0.9, 1.0], ..laid(0.999) };
        assert_eq!(found(&photo(2), Compared::Laid(crop)), Edited::No);
        assert_eq!(found(&photo(2), Compared::Laid(crop.swapped())), Edited::No);
        let square = PhotoRecord { dimensions: Dimensions { width: 2000, height: 2000 }, ..photo(2) };
        assert_eq!(found(&square, Compared::Laid(laid(0.999))), Edited::No);
        assert_eq!(found(&photo(2), Compared::Apart), Edited::No);
    }

    #[test]
    fn what_is_not_compared_by_this_version_waits() {
        assert_eq!(found(&photo(2), Compared::NotYet), Edited::Uncompared);
        assert_eq!(found(&photo(2), Compared::Laid(Comparison { colour: None, ..laid(0.999) })), Edited::Uncompared);
    }
}
