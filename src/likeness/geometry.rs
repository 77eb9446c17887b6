//! Geometric verification: whether a transform aligns the keypoints of two pictures.
//!
//! The encoder measures how similar two pictures are. Whether they show one exposure depends on where things are. The
//! keypoints of one picture are matched with those of the other (Lowe 2004, the ratio of the best match to the
//! second). Any two matches determine a transform, and the best transform is the one with the most inliers (Fischler
//! and Bolles 1981, with all pairs of matches in place of a random sample).

use std::cmp::Reverse;
use std::collections::HashSet;

use super::MAX_PAIR_DISTANCE;
use super::density::NEVER_NORMALIZED_DISTANCE;
use crate::photo::{DihedralOrientation, Distance, Keypoint, KeypointDescriptor, Keypoints};

/// Pairs up to this distance are verified. Verification cannot bring a pair from beyond it within
/// [`MAX_PAIR_DISTANCE`].
pub const MAX_CANDIDATE_DISTANCE: Distance = MAX_PAIR_DISTANCE + 0.23;

/// The range of [`inlier_score`] that changes a distance. At 1 the distance stays as it is.
const INLIER_SCORE_RANGE: [f32; 2] = [0.7, 4.0];

/// With fewer keypoints than this, as in thumbnails, a low score does not raise the distance.
const MIN_KEYPOINTS_TO_REJECT: usize = 40;

/// How much the logarithm of the score changes the distance.
const LOG_SCORE_WEIGHT: f32 = 1.0 / 6.0;

/// The least share of a distance, above [`NEVER_NORMALIZED_DISTANCE`], that remains. Frames of a burst also match
/// each other: this keeps the encoder's order, in which each version is nearest to its own frame.
const MIN_DISTANCE_SHARE: f32 = 0.25;

/// The most bits, of 64, that may differ in a match.
const MAX_DIFFERING_BITS: u32 = 17;

/// The best match must have fewer differing bits than this share of the second best.
const MATCH_RATIO: f32 = 0.85;

/// The best matches. Every two of them determine a transform that is tried.
const MAX_TRIED_MATCHES: usize = 40;

/// The largest distance of an inlier from its match, in 255ths of the longer side.
const INLIER_TOLERANCE: f32 = 4.0;

/// How far the pyramid levels of an inlier may differ from what the scale predicts.
const LEVEL_TOLERANCE: f32 = 1.5;

/// Keypoints closer than this count as one, found on several levels.
const KEYPOINT_SPACING: f32 = 6.0;

/// Another match at least this far away is a rival, not the same keypoint on another level.
const RIVAL_MIN_SPACING: f32 = 8.0;

/// Two keypoints closer than this do not determine a transform reliably.
const MIN_BASELINE: f32 = 10.0;

/// The scales that a transform may have.
const SCALE_RANGE: std::ops::RangeInclusive<f32> = 0.2..=5.0;

/// The largest tangent of the rotation that remains after quarter turns.
const MAX_TILT_TANGENT: f32 = 0.36;

/// With this many keypoints that agree, no other orientation is tried.
const CERTAIN_KEYPOINTS: usize = 24;

/// The least number of keypoints that must agree with a transform.
const MIN_ALIGNED_KEYPOINTS: usize = 4;

/// The number of keypoints in the overlap counts as at least this, so that a small overlap does not raise the score.
const MIN_OVERLAP_KEYPOINTS: usize = 12;

/// The largest distance of a keypoint from its match in another version with the same frame, in 255ths of the longer side.
const FRAME_TOLERANCE: f32 = 2.0;

/// Matches up to this distance apart are correct ones, of the same frame or of a slightly moved one. Few others are.
const MOVED_FRAME_TOLERANCE: f32 = 12.0;

/// The least number of matches in place, and the least share of the correct ones, by which two pictures have one frame.
const MIN_MATCHES_IN_PLACE: usize = 12;
const MIN_SHARE_IN_PLACE: f32 = 0.8;

/// The distance of a pair after geometric verification: lower if the keypoints align, higher if they do not. It never
/// falls below `NEVER_NORMALIZED_DISTANCE`, and aligned pairs keep their order. It does not depend on the order of
/// the two pictures, and does not change if one has no keypoints.
pub fn verified(distance: Distance, a: &Keypoints, b: &Keypoints) -> Distance {
    if !(NEVER_NORMALIZED_DISTANCE..=MAX_CANDIDATE_DISTANCE).contains(&distance) || a.as_slice().is_empty() || b.as_slice().is_empty() {
        return distance;
    }
    let [mut least, most] = INLIER_SCORE_RANGE;
    if a.as_slice().len().min(b.as_slice().len()) < MIN_KEYPOINTS_TO_REJECT {
        least = 1.0;
    }
    let nearest = NEVER_NORMALIZED_DISTANCE + MIN_DISTANCE_SHARE * (distance - NEVER_NORMALIZED_DISTANCE);
    (distance - LOG_SCORE_WEIGHT * inlier_score(a, b).clamp(least, most).ln()).max(nearest)
}

/// Whether two pictures show the same frame, in any orientation: what is in one is in the other, at the same place. A crop
/// and another exposure from the hand move it. False if there are too few keypoints to tell.
pub fn shows_whole_frame(a: &Keypoints, b: &Keypoints) -> bool {
    let b: Vec<OrientedKeypoint> = b.as_slice().iter().map(|point| OrientedKeypoint::of(point, DihedralOrientation::ALL[0])).collect();
    DihedralOrientation::ALL.into_iter().any(|orientation| {
        let a: Vec<OrientedKeypoint> = a.as_slice().iter().map(|point| OrientedKeypoint::of(point, orientation)).collect();
        let matches = pulp::Arch::new().dispatch(|| matches(&a, &b));
        let within = |tolerance| matches.iter().filter(|&&(_, i, j)| !is_far(a[i].place, b[j].place, tolerance)).count();
        let in_place = within(FRAME_TOLERANCE);
        in_place >= MIN_MATCHES_IN_PLACE && in_place as f32 >= MIN_SHARE_IN_PLACE * within(MOVED_FRAME_TOLERANCE) as f32
    })
}

/// Returns the transform that aligns the keypoints of two pictures best: the orientation of `a`, then, in complex numbers in
/// 255ths of the longer sides from the middle, `by · place + shift`. `None` if too few of them align.
pub(super) fn aligned(a: &Keypoints, b: &Keypoints) -> Option<(DihedralOrientation, Point, Point)> {
    let b: Vec<OrientedKeypoint> = b.as_slice().iter().map(|point| OrientedKeypoint::of(point, DihedralOrientation::ALL[0])).collect();
    let in_orientation = |orientation| {
        let a: Vec<OrientedKeypoint> = a.as_slice().iter().map(|point| OrientedKeypoint::of(point, orientation)).collect();
        let (inliers, transform) = best_transform(&a, &b, |_| false)?;
        Some((inliers, orientation, transform))
    };
    let mut found = Vec::new();
    for orientation in DihedralOrientation::ALL {
        found.extend(in_orientation(orientation));
        if found.last().is_some_and(|(inliers, ..)| *inliers >= CERTAIN_KEYPOINTS) {
            break;
        }
    }
    let best = found.into_iter().max_by_key(|(inliers, orientation, _)| (*inliers, Reverse(orientation.number())));
    let (inliers, orientation, transform) = best?;
    (inliers >= MIN_ALIGNED_KEYPOINTS).then_some((orientation, transform.by, transform.shift))
}

/// The score of the best transform over all orientations: the inliers after the first, squared, divided by the
/// keypoints in the overlap. A score beyond the range counts no more, so the search ends with it.
fn inlier_score(a: &Keypoints, b: &Keypoints) -> f32 {
    let (a, b) = (a.min(b), a.max(b));
    let b: Vec<OrientedKeypoint> = b.as_slice().iter().map(|point| OrientedKeypoint::of(point, DihedralOrientation::ALL[0])).collect();
    let in_orientation = |orientation| {
        let a: Vec<OrientedKeypoint> = a.as_slice().iter().map(|point| OrientedKeypoint::of(point, orientation)).collect();
        best_inlier_score(&a, &b)
    };
    let mut best = 0.0_f32;
    for orientation in DihedralOrientation::ALL {
        best = best.max(in_orientation(orientation));
        if best >= INLIER_SCORE_RANGE[1] {
            break;
        }
    }
    best
}

/// A keypoint of a picture in some orientation, its position relative to the centre.
#[derive(Clone, Copy)]
struct OrientedKeypoint {
    place: Point,
    level: f32,
    descriptor: KeypointDescriptor,
}

/// A position relative to the centre of a picture, also as a complex number.
type Point = (f32, f32);

impl OrientedKeypoint {
    fn of(point: &Keypoint, orientation: DihedralOrientation) -> OrientedKeypoint {
        let place = (f32::from(point.x) - 127.5, f32::from(point.y) - 127.5);
        OrientedKeypoint { place: orientation.place(place), level: point.level.into(), descriptor: point.descriptor.oriented(orientation) }
    }
}

/// The number of differing bits, and the positions of the two keypoints.
type Match = (u32, usize, usize);

fn best_inlier_score(a: &[OrientedKeypoint], b: &[OrientedKeypoint]) -> f32 {
    // At most all keypoints are in the overlap.
    let least = |inliers: usize| score(inliers, a.len().min(b.len()));
    let is_enough = |inliers: usize| least(inliers) >= INLIER_SCORE_RANGE[1];
    let Some((inliers, transform)) = best_transform(a, b, is_enough) else { return 0.0 };
    if is_enough(inliers) {
        return least(inliers);
    }
    let (in_a, in_b) = (Extent::of(a), Extent::of(b));
    let of_a = distinct(a.iter().map(|keypoint| transform.apply(keypoint.place)).filter(|place| in_b.holds(*place)), KEYPOINT_SPACING);
    let of_b = distinct(b.iter().map(|keypoint| keypoint.place).filter(|place| in_a.holds(transform.undo(*place))), KEYPOINT_SPACING);
    score(inliers, of_a.min(of_b))
}

/// The transform with the most inliers, and their number. The search ends with the first that has enough.
fn best_transform(a: &[OrientedKeypoint], b: &[OrientedKeypoint], is_enough: impl Fn(usize) -> bool) -> Option<(usize, Transform)> {
    let matches = pulp::Arch::new().dispatch(|| matches(a, b));
    let tried = &matches[..matches.len().min(MAX_TRIED_MATCHES)];
    let transforms = tried.iter().enumerate().flat_map(|(n, &(_, i, j))| {
        tried[..n].iter().filter_map(move |&(_, k, l)| Transform::through([a[i].place, a[k].place], [b[j].place, b[l].place]))
    });
    let mut inliers = Vec::with_capacity(matches.len());
    let mut best: Option<(usize, Transform)> = None;
    for transform in transforms {
        let (tolerance, level) = (transform.tolerance(), transform.level());
        inliers.clear();
        inliers.extend(matches.iter().filter_map(|&(_, i, j)| {
            let is_inlier =
                !is_far(transform.apply(a[i].place), b[j].place, tolerance) && (b[j].level - a[i].level - level).abs() <= LEVEL_TOLERANCE;
            is_inlier.then_some(b[j].place)
        }));
        let most = best.map_or(0, |(most, _)| most);
        if inliers.len() > most {
            let inliers = distinct(inliers.iter().copied(), KEYPOINT_SPACING * transform.scale().max(1.0));
            if inliers > most {
                best = Some((inliers, transform));
                if is_enough(inliers) {
                    break;
                }
            }
        }
    }
    best
}

fn score(inliers: usize, overlap: usize) -> f32 {
    let others = inliers.saturating_sub(1);
    (others * others) as f32 / overlap.max(MIN_OVERLAP_KEYPOINTS) as f32
}

/// For each keypoint of `a` its best match in `b`, if no keypoint elsewhere in `b` is nearly as good. The best
/// matches come first.
#[inline(always)]
fn matches(a: &[OrientedKeypoint], b: &[OrientedKeypoint]) -> Vec<Match> {
    let mut matches = Vec::new();
    let descriptors: Vec<KeypointDescriptor> = b.iter().map(|keypoint| keypoint.descriptor).collect();
    let mut differing = vec![0; b.len()];
    for (i, keypoint) in a.iter().enumerate() {
        differing.iter_mut().zip(&descriptors).for_each(|(to, other)| *to = keypoint.descriptor.differing(*other));
        let first = differing.iter().copied().fold(u32::MAX, u32::min);
        if first > MAX_DIFFERING_BITS {
            continue;
        }
        let at = differing.iter().position(|differing| *differing == first).expect("it is there");
        let limit = first as f32 / MATCH_RATIO;
        let is_rival = |(other, &differing): (usize, &u32)| {
            differing as f32 <= limit && other != at && is_far(b[other].place, b[at].place, RIVAL_MIN_SPACING)
        };
        if !differing.iter().enumerate().any(is_rival) {
            matches.push((first, i, at));
        }
    }
    matches.sort_unstable();
    matches
}

fn is_far(a: Point, b: Point, distance: f32) -> bool {
    let (x, y) = (a.0 - b.0, a.1 - b.1);
    x * x + y * y > distance * distance
}

/// The number of places, those closer together than `spacing` counted once.
fn distinct(places: impl Iterator<Item = Point>, spacing: f32) -> usize {
    let cells: HashSet<(i32, i32)> = places.map(|(x, y)| ((x / spacing).round() as i32, (y / spacing).round() as i32)).collect();
    cells.len()
}

/// A similarity transform: rotation, scale and shift. In complex numbers, `by · place + shift`.
#[derive(Clone, Copy)]
struct Transform {
    by: Point,
    shift: Point,
}

impl Transform {
    /// The transform that maps two places to two others. `None` if they are too close together, or if the transform
    /// is not plausible for two photos.
    fn through([a, b]: [Point; 2], [to_a, to_b]: [Point; 2]) -> Option<Transform> {
        let (from, to) = ((b.0 - a.0, b.1 - a.1), (to_b.0 - to_a.0, to_b.1 - to_a.1));
        let length = from.0 * from.0 + from.1 * from.1;
        if !is_far(a, b, MIN_BASELINE) || !is_far(to_a, to_b, MIN_BASELINE) {
            return None;
        }
        let by = ((from.0 * to.0 + from.1 * to.1) / length, (from.0 * to.1 - from.1 * to.0) / length);
        let turned = (by.0 * a.0 - by.1 * a.1, by.1 * a.0 + by.0 * a.1);
        let transform = Transform { by, shift: (to_a.0 - turned.0, to_a.1 - turned.1) };
        (by.0 > 0.0 && by.1.abs() <= MAX_TILT_TANGENT * by.0 && SCALE_RANGE.contains(&transform.scale())).then_some(transform)
    }

    fn scale(&self) -> f32 {
        self.by.0.hypot(self.by.1)
    }

    /// How many pyramid levels larger keypoints are in the other picture.
    fn level(&self) -> f32 {
        2.0 * self.scale().log2()
    }

    /// The tolerance of an inlier. Positions are rounded, and a larger scale magnifies that error.
    fn tolerance(&self) -> f32 {
        INLIER_TOLERANCE * self.scale().clamp(1.0, 2.5)
    }

    fn apply(&self, (x, y): Point) -> Point {
        (self.by.0 * x - self.by.1 * y + self.shift.0, self.by.1 * x + self.by.0 * y + self.shift.1)
    }

    fn undo(&self, (x, y): Point) -> Point {
        let (x, y, square) = (x - self.shift.0, y - self.shift.1, self.by.0 * self.by.0 + self.by.1 * self.by.1);
        ((self.by.0 * x + self.by.1 * y) / square, (self.by.0 * y - self.by.1 * x) / square)
    }
}

/// The bounding box of the keypoints of a picture.
struct Extent {
    from: Point,
    to: Point,
}

impl Extent {
    fn of(keypoints: &[OrientedKeypoint]) -> Extent {
        let over = |start: f32, pick: fn(f32, f32) -> f32, side: fn(&OrientedKeypoint) -> f32| keypoints.iter().map(side).fold(start, pick);
        let (x, y) = (|keypoint: &OrientedKeypoint| keypoint.place.0, |keypoint: &OrientedKeypoint| keypoint.place.1);
        Extent {
            from: (over(f32::MAX, f32::min, x) - 2.0, over(f32::MAX, f32::min, y) - 2.0),
            to: (over(f32::MIN, f32::max, x) + 2.0, over(f32::MIN, f32::max, y) + 2.0),
        }
    }

    fn holds(&self, (x, y): Point) -> bool {
        (self.from.0..=self.to.0).contains(&x) && (self.from.1..=self.to.1).contains(&y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(seed: u64) -> Vec<Keypoint> {
        Keypoint::random(120, seed)
    }

    /// The keypoints inside a crop of this share of the sides, enlarged to the original size: with half the sides
    /// they are two levels smaller.
    fn cropped(points: &[Keypoint], left: u8, top: u8, share: f32) -> Vec<Keypoint> {
        let levels = (-2.0 * share.log2()).round() as u8;
        let inside = |v: u8, from: u8| v.checked_sub(from).map(|v| f32::from(v) / share).filter(|v| *v <= 255.0).map(|v| v as u8);
        let point = |p: &Keypoint| Some(Keypoint { x: inside(p.x, left)?, y: inside(p.y, top)?, level: p.level + levels, ..*p });
        points.iter().filter_map(point).collect()
    }

    fn oriented(points: &[Keypoint], orientation: DihedralOrientation) -> Vec<Keypoint> {
        let place = |p: &Keypoint| orientation.place((f32::from(p.x) - 127.5, f32::from(p.y) - 127.5));
        let point = |p: &Keypoint| Keypoint {
            x: (place(p).0 + 127.5) as u8,
            y: (place(p).1 + 127.5) as u8,
            descriptor: p.descriptor.oriented(orientation),
            ..*p
        };
        points.iter().map(point).collect()
    }

    fn at_half(a: &[Keypoint], b: &[Keypoint]) -> Distance {
        let (a, b) = (Keypoints::new(a.to_vec()), Keypoints::new(b.to_vec()));
        assert_eq!(verified(0.5, &a, &b), verified(0.5, &b, &a));
        verified(0.5, &a, &b)
    }

    #[test]
    fn aligned_pictures_come_nearer() {
        let [least, most] = INLIER_SCORE_RANGE.map(|inlier_score| 0.5 - LOG_SCORE_WEIGHT * inlier_score.ln());
        let photo = some(1);
        assert_eq!(at_half(&photo, &photo), most);
        assert_eq!(at_half(&photo, &some(2)), least);
        for (left, top, share) in [(0, 0, 0.7), (60, 40, 0.6), (100, 80, 0.5)] {
            let crop = cropped(&photo, left, top, share);
            assert_eq!(at_half(&photo, &crop), most, "{} keypoints of {share}", crop.len());
            assert_eq!(at_half(&some(2), &crop), if crop.len() < MIN_KEYPOINTS_TO_REJECT { 0.5 } else { least });
            for orientation in DihedralOrientation::ALL {
                assert_eq!(at_half(&photo, &oriented(&crop, orientation)), most, "{orientation:?}");
            }
        }
    }

    #[test]
    fn of_two_aligned_pairs_the_nearer_stays_the_nearer() {
        let photo = Keypoints::new(some(1));
        let moved: Vec<Distance> = (6..=68).map(|d| verified(d as f32 / 100.0, &photo, &photo)).collect();
        assert!(moved.is_sorted_by(|x, y| x + 0.002 < *y), "{moved:?}");
    }

    #[test]
    fn a_part_that_both_show_is_less_than_a_copy() {
        let photo = some(1);
        // A poster or a face in front of another background.
        let mut other = some(2);
        other.retain(|p| p.x > 60 || p.y > 60);
        other.extend(photo.iter().filter(|p| p.x <= 60 && p.y <= 60));
        let shared = photo.iter().filter(|p| p.x <= 60 && p.y <= 60).count();
        assert!(shared >= 5, "{shared}");
        assert!(at_half(&photo, &other) > at_half(&photo, &photo) + 0.1);
    }

    #[test]
    fn a_whole_frame_has_everything_in_its_place() {
        let photo = some(1);
        let is_whole = |other: Vec<Keypoint>| shows_whole_frame(&Keypoints::new(photo.clone()), &Keypoints::new(other));
        assert!(is_whole(photo.clone()));
        assert!(DihedralOrientation::ALL.into_iter().all(|orientation| is_whole(oriented(&photo, orientation))));
        for share in [0.95, 0.9, 0.7] {
            let margin = ((1.0 - share) * 127.0) as u8;
            assert!(!is_whole(cropped(&photo, margin, margin, share)), "a crop to {share}");
        }
        assert!(!is_whole(photo.iter().map(|p| Keypoint { x: p.x.saturating_add(5), ..*p }).collect()), "a moved camera");
        assert!(!is_whole(some(2)) && !is_whole(photo[..8].to_vec()), "too little to tell");
    }

    #[test]
    fn what_keypoints_cannot_tell_is_left_alone() {
        let (photo, other) = (Keypoints::new(some(1)), Keypoints::new(some(2)));
        assert_eq!(verified(0.01, &photo, &other), 0.01);
        assert_eq!(verified(0.7, &photo, &photo), 0.7);
        assert_eq!(verified(NEVER_NORMALIZED_DISTANCE, &photo, &photo), NEVER_NORMALIZED_DISTANCE);
        for few in [0, 1, 2] {
            let few = Keypoints::new(some(1)[..few].to_vec());
            assert_eq!(verified(0.4, &photo, &few), 0.4);
        }
        assert_eq!(verified(0.4, &photo, &Keypoints::default()), 0.4);
    }

    #[test]
    fn undo_inverts_apply() {
        let transform = Transform::through([(10.0, 20.0), (60.0, 90.0)], [(30.0, 50.0), (125.0, 210.0)]).expect("a plausible transform");
        let there = transform.apply((60.0, 90.0));
        assert!(!is_far(there, (125.0, 210.0), 1e-3) && !is_far(transform.undo(there), (60.0, 90.0), 1e-3));
        assert!(Transform::through([(0.0, 0.0), (50.0, 0.0)], [(0.0, 0.0), (0.0, 50.0)]).is_none(), "a quarter turn is an orientation");
        assert!(Transform::through([(0.0, 0.0), (50.0, 0.0)], [(0.0, 0.0), (5.0, 0.0)]).is_none(), "a scale below the range");
    }
}
