//! Geometric verification: whether two pictures can be laid over each other so that their corners meet.
//!
//! The encoder knows how alike pictures are; whether they are of one exposure shows in where things are. Corners of one are
//! matched with those of the other (Lowe 2004, the ratio of the best match to the second), and any two matches say how the
//! pictures would lie; what counts is how many others then meet (Fischler and Bolles 1981, with all pairs in place of a draw).

use std::collections::HashSet;

use super::MAX_PAIR_DISTANCE;
use super::density::ALWAYS;
use crate::photo::{Distance, Keypoint, KeypointDescriptor, Keypoints, Pose};

/// Up to this distance corners are looked at: what lies beyond cannot come within [`MAX_PAIR_DISTANCE`].
pub const MAX_CANDIDATE_DISTANCE: Distance = MAX_PAIR_DISTANCE + 0.23;

/// [`evidence`] under and over which a pair is not moved any further; 1 leaves it where it is.
const EVIDENCE: [f32; 2] = [0.7, 4.0];

/// With fewer corners, as thumbnails have, it says nothing that so few of them meet.
const ENOUGH: usize = 40;

/// How far the logarithm of the evidence moves a pair.
const WEIGHT: f32 = 1.0 / 6.0;

/// What is left at least of a distance, beyond what needs no look. Versions of one frame of a burst meet those of the next as
/// well: the encoder's order keeps them with their own.
const KEPT: f32 = 0.25;

/// Of 64 comparisons, how many may differ in a match.
const DIFFERING: u32 = 17;

/// The best match differs in so much less than the second.
const RATIO: f32 = 0.85;

/// Matches, the best first, of which any two are tried.
const TRIED: usize = 40;

/// How far from each other corners still meet, in 255ths of the longer side.
const TOLERANCE: f32 = 4.0;

/// How far from what the scale says the levels of two corners may be that meet.
const LEVELS: f32 = 1.5;

/// Corners nearer than this are one, found on several levels.
const ONE_CORNER: f32 = 6.0;

/// From here on another match is a rival, and not the same corner on another level.
const ELSEWHERE: f32 = 8.0;

/// Corners nearer to each other do not tell how a picture lies.
const FAR_ENOUGH: f32 = 10.0;

/// How much larger one picture may lie in the other.
const SCALE: std::ops::RangeInclusive<f32> = 0.2..=5.0;

/// The tangent of the angle that is left, quarter turns taken away.
const TILT: f32 = 0.36;

/// Evidence does not grow when fewer corners than this lie where both pictures are.
const FEW: usize = 12;

/// The distance of a pair once its corners were looked at: less where they meet, more where they do not; never under what
/// needs no look, and larger for what was farther and meets as well. The same whichever comes first; unchanged where one picture
/// has no corners.
pub fn verified(distance: Distance, a: &Keypoints, b: &Keypoints) -> Distance {
    if !(ALWAYS..=MAX_CANDIDATE_DISTANCE).contains(&distance) || a.as_slice().is_empty() || b.as_slice().is_empty() {
        return distance;
    }
    let [mut least, most] = EVIDENCE;
    if a.as_slice().len().min(b.as_slice().len()) < ENOUGH {
        least = 1.0;
    }
    let nearest = ALWAYS + KEPT * (distance - ALWAYS);
    (distance - WEIGHT * evidence(a, b).clamp(least, most).ln()).max(nearest)
}

/// How many corners meet beside a first, times their share of those that could, in the best way to lay one picture over the other.
fn evidence(a: &Keypoints, b: &Keypoints) -> f32 {
    let (a, b) = (a.min(b), a.max(b));
    let b: Vec<Corner> = b.as_slice().iter().map(|point| Corner::of(point, Pose::ALL[0])).collect();
    let in_pose = |pose| {
        let a: Vec<Corner> = a.as_slice().iter().map(|point| Corner::of(point, pose)).collect();
        laid_over(&a, &b)
    };
    Pose::ALL.into_iter().map(in_pose).fold(0.0, f32::max)
}

/// A keypoint in a picture that lies in some pose, its place seen from the middle.
#[derive(Clone, Copy)]
struct Corner {
    place: Place,
    level: f32,
    descriptor: KeypointDescriptor,
}

type Place = (f32, f32);

impl Corner {
    fn of(point: &Keypoint, pose: Pose) -> Corner {
        let place = (f32::from(point.x) - 127.5, f32::from(point.y) - 127.5);
        Corner { place: pose.place(place), level: point.level.into(), descriptor: point.descriptor.posed(pose) }
    }
}

/// Positions of two corners, and in how much they differ.
type Match = (u32, usize, usize);

fn laid_over(a: &[Corner], b: &[Corner]) -> f32 {
    let matches = pulp::Arch::new().dispatch(|| matches(a, b));
    let few = &matches[..matches.len().min(TRIED)];
    let ways = few.iter().enumerate().flat_map(|(n, &(_, i, j))| {
        few[..n].iter().filter_map(move |&(_, k, l)| Similarity::through([a[i].place, a[k].place], [b[j].place, b[l].place]))
    });
    let mut met = Vec::with_capacity(matches.len());
    let mut best = None;
    for way in ways {
        let (tolerance, level) = (way.tolerance(), way.level());
        met.clear();
        met.extend(matches.iter().filter_map(|&(_, i, j)| {
            let meet = !is_far(way.apply(a[i].place), b[j].place, tolerance) && (b[j].level - a[i].level - level).abs() <= LEVELS;
            meet.then_some(b[j].place)
        }));
        let most = best.map_or(0, |(most, _)| most);
        if met.len() > most {
            let met = distinct(met.iter().copied(), ONE_CORNER * way.scale().max(1.0));
            if met > most {
                best = Some((met, way));
            }
        }
    }
    let Some((met, way)) = best else { return 0.0 };
    let (in_a, in_b) = (Extent::of(a), Extent::of(b));
    let of_a = distinct(a.iter().map(|corner| way.apply(corner.place)).filter(|place| in_b.holds(*place)), ONE_CORNER);
    let of_b = distinct(b.iter().map(|corner| corner.place).filter(|place| in_a.holds(way.undo(*place))), ONE_CORNER);
    let others = met.saturating_sub(1);
    (others * others) as f32 / of_a.min(of_b).max(FEW) as f32
}

/// For each corner of `a` the one of `b` that it is most like, if that is much more than all others at other places; the best
/// first.
#[inline(always)]
fn matches(a: &[Corner], b: &[Corner]) -> Vec<Match> {
    let mut matches = Vec::new();
    let descriptors: Vec<KeypointDescriptor> = b.iter().map(|corner| corner.descriptor).collect();
    let mut differing = vec![0; b.len()];
    for (i, corner) in a.iter().enumerate() {
        differing.iter_mut().zip(&descriptors).for_each(|(to, other)| *to = corner.descriptor.differing(*other));
        let first = differing.iter().copied().fold(u32::MAX, u32::min);
        if first > DIFFERING {
            continue;
        }
        let at = differing.iter().position(|differing| *differing == first).expect("it is there");
        let limit = first as f32 / RATIO;
        let is_rival =
            |(other, &differing): (usize, &u32)| differing as f32 <= limit && other != at && is_far(b[other].place, b[at].place, ELSEWHERE);
        if !differing.iter().enumerate().any(is_rival) {
            matches.push((first, i, at));
        }
    }
    matches.sort_unstable();
    matches
}

fn is_far(a: Place, b: Place, distance: f32) -> bool {
    let (x, y) = (a.0 - b.0, a.1 - b.1);
    x * x + y * y > distance * distance
}

/// How many of the places are different ones.
fn distinct(places: impl Iterator<Item = Place>, spacing: f32) -> usize {
    let cells: HashSet<(i32, i32)> = places.map(|(x, y)| ((x / spacing).round() as i32, (y / spacing).round() as i32)).collect();
    cells.len()
}

/// A way to lay one picture over another: turned, scaled, shifted. As complex numbers, `by · place + shift`.
#[derive(Clone, Copy)]
struct Similarity {
    by: Place,
    shift: Place,
}

impl Similarity {
    /// The one that takes two places to two others; `None` when they are too near each other to tell, or no photo lies
    /// like that.
    fn through([a, b]: [Place; 2], [to_a, to_b]: [Place; 2]) -> Option<Similarity> {
        let (from, to) = ((b.0 - a.0, b.1 - a.1), (to_b.0 - to_a.0, to_b.1 - to_a.1));
        let length = from.0 * from.0 + from.1 * from.1;
        if !is_far(a, b, FAR_ENOUGH) || !is_far(to_a, to_b, FAR_ENOUGH) {
            return None;
        }
        let by = ((from.0 * to.0 + from.1 * to.1) / length, (from.0 * to.1 - from.1 * to.0) / length);
        let turned = (by.0 * a.0 - by.1 * a.1, by.1 * a.0 + by.0 * a.1);
        let way = Similarity { by, shift: (to_a.0 - turned.0, to_a.1 - turned.1) };
        (by.0 > 0.0 && by.1.abs() <= TILT * by.0 && SCALE.contains(&way.scale())).then_some(way)
    }

    fn scale(&self) -> f32 {
        self.by.0.hypot(self.by.1)
    }

    /// By how many levels corners are larger in the other picture.
    fn level(&self) -> f32 {
        2.0 * self.scale().log2()
    }

    /// Places are rounded, which a larger scale makes larger.
    fn tolerance(&self) -> f32 {
        TOLERANCE * self.scale().clamp(1.0, 2.5)
    }

    fn apply(&self, (x, y): Place) -> Place {
        (self.by.0 * x - self.by.1 * y + self.shift.0, self.by.1 * x + self.by.0 * y + self.shift.1)
    }

    fn undo(&self, (x, y): Place) -> Place {
        let (x, y, square) = (x - self.shift.0, y - self.shift.1, self.by.0 * self.by.0 + self.by.1 * self.by.1);
        ((self.by.0 * x + self.by.1 * y) / square, (self.by.0 * y - self.by.1 * x) / square)
    }
}

/// The rectangle that a picture's corners span.
struct Extent {
    from: Place,
    to: Place,
}

impl Extent {
    fn of(corners: &[Corner]) -> Extent {
        let over = |start: f32, pick: fn(f32, f32) -> f32, side: fn(&Corner) -> f32| corners.iter().map(side).fold(start, pick);
        let (x, y) = (|corner: &Corner| corner.place.0, |corner: &Corner| corner.place.1);
        Extent {
            from: (over(f32::MAX, f32::min, x) - 2.0, over(f32::MAX, f32::min, y) - 2.0),
            to: (over(f32::MIN, f32::max, x) + 2.0, over(f32::MIN, f32::max, y) + 2.0),
        }
    }

    fn holds(&self, (x, y): Place) -> bool {
        (self.from.0..=self.to.0).contains(&x) && (self.from.1..=self.to.1).contains(&y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Corners at random places, each like no other.
    fn some(seed: u64) -> Vec<Keypoint> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut point = || Keypoint {
            x: random.u8(..),
            y: random.u8(..200),
            level: random.u8(..3),
            descriptor: KeypointDescriptor(random.u64(..).to_le_bytes()),
        };
        (0..120).map(|_| point()).collect()
    }

    /// What is left of corners in a window of this share of the sides, as large as the whole was: two levels smaller for one half.
    fn cropped(points: &[Keypoint], left: u8, top: u8, share: f32) -> Vec<Keypoint> {
        let levels = (-2.0 * share.log2()).round() as u8;
        let inside = |v: u8, from: u8| v.checked_sub(from).map(|v| f32::from(v) / share).filter(|v| *v <= 255.0).map(|v| v as u8);
        let point = |p: &Keypoint| Some(Keypoint { x: inside(p.x, left)?, y: inside(p.y, top)?, level: p.level + levels, ..*p });
        points.iter().filter_map(point).collect()
    }

    fn posed(points: &[Keypoint], pose: Pose) -> Vec<Keypoint> {
        let place = |p: &Keypoint| pose.place((f32::from(p.x) - 127.5, f32::from(p.y) - 127.5));
        let point = |p: &Keypoint| Keypoint {
            x: (place(p).0 + 127.5) as u8,
            y: (place(p).1 + 127.5) as u8,
            descriptor: p.descriptor.posed(pose),
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
    fn pictures_that_lie_on_each_other_come_nearer() {
        let [least, most] = EVIDENCE.map(|evidence| 0.5 - WEIGHT * evidence.ln());
        let photo = some(1);
        assert_eq!(at_half(&photo, &photo), most);
        assert_eq!(at_half(&photo, &some(2)), least);
        for (left, top, share) in [(0, 0, 0.7), (60, 40, 0.6), (100, 80, 0.5)] {
            let crop = cropped(&photo, left, top, share);
            assert_eq!(at_half(&photo, &crop), most, "{} corners of {share}", crop.len());
            assert_eq!(at_half(&some(2), &crop), if crop.len() < ENOUGH { 0.5 } else { least });
            for pose in Pose::ALL {
                assert_eq!(at_half(&photo, &posed(&crop, pose)), most, "{pose:?}");
            }
        }
    }

    #[test]
    fn of_two_that_meet_the_nearer_stays_the_nearer() {
        let photo = Keypoints::new(some(1));
        let moved: Vec<Distance> = (6..=68).map(|d| verified(d as f32 / 100.0, &photo, &photo)).collect();
        assert!(moved.is_sorted_by(|x, y| x + 0.002 < *y), "{moved:?}");
    }

    #[test]
    fn a_part_that_both_show_is_less_than_a_copy() {
        let photo = some(1);
        // A poster, or a face, before another background.
        let mut other = some(2);
        other.retain(|p| p.x > 60 || p.y > 60);
        other.extend(photo.iter().filter(|p| p.x <= 60 && p.y <= 60));
        let shared = photo.iter().filter(|p| p.x <= 60 && p.y <= 60).count();
        assert!(shared >= 5, "{shared}");
        assert!(at_half(&photo, &other) > at_half(&photo, &photo) + 0.1);
    }

    #[test]
    fn what_keypoints_cannot_tell_is_left_alone() {
        let (photo, other) = (Keypoints::new(some(1)), Keypoints::new(some(2)));
        assert_eq!(verified(0.01, &photo, &other), 0.01);
        assert_eq!(verified(0.7, &photo, &photo), 0.7);
        assert_eq!(verified(ALWAYS, &photo, &photo), ALWAYS);
        for few in [0, 1, 2] {
            let few = Keypoints::new(some(1)[..few].to_vec());
            assert_eq!(verified(0.4, &photo, &few), 0.4);
        }
        assert_eq!(verified(0.4, &photo, &Keypoints::default()), 0.4);
    }

    #[test]
    fn a_way_back_is_the_way_there() {
        let way = Similarity::through([(10.0, 20.0), (60.0, 90.0)], [(30.0, 50.0), (125.0, 210.0)]).expect("a photo may lie so");
        let there = way.apply((60.0, 90.0));
        assert!(!is_far(there, (125.0, 210.0), 1e-3) && !is_far(way.undo(there), (60.0, 90.0), 1e-3));
        assert!(Similarity::through([(0.0, 0.0), (50.0, 0.0)], [(0.0, 0.0), (0.0, 50.0)]).is_none(), "a quarter turn is a pose");
        assert!(Similarity::through([(0.0, 0.0), (50.0, 0.0)], [(0.0, 0.0), (5.0, 0.0)]).is_none(), "as small as that");
    }
}
