//! Stars: a source and its versions. Each photo goes to the photo that it fits best, so that frames of one scene stay apart,
//! each with its own versions, where a chain would join them all. Pure, and it does not depend on any order.
//!
//! Two pictures alone do not tell a version from another frame of a tripod: the next frame fits as well as a version in
//! another light. What decides is which photo of all it fits best, and whether it could be a version at all: a camera
//! makes frames of one size, so two photos of one size and scale must be all but equal.

use super::comparison::Comparison;
use super::relation::relation;
use crate::photo::{Capture, Dimensions, Distance, PictureHash, Relation};

/// Two photos of one scale agree at least so well if they are one exposure.
const MIN_AGREEMENT_AT_ONE_SCALE: f64 = 0.997;

/// The shares that each must show of the other then, because a camera that is held moves.
const MIN_OVERLAP_AT_ONE_SCALE: f64 = 0.985;

/// With less overlap one is a crop of the other, and this agreement is enough.
const MAX_OVERLAP_OF_CROP: f64 = 0.97;
const MIN_AGREEMENT_OF_CROP: f64 = 0.9;

/// Photos of two scales agree at least so well, on the coarse grid.
const MIN_AGREEMENT_AT_TWO_SCALES: f64 = 0.7;

/// The logarithm of the ratio of two scales that are one.
const MAX_LOG_SCALE: f64 = 0.02;

/// Photos whose place in each other is not found are versions up to this distance.
const MAX_UNPLACED_DISTANCE: Distance = 0.1;

/// How much the distance counts beside the agreement.
const DISTANCE_WEIGHT: f64 = 0.3;

/// What the place of a photo among near ones depends on.
#[derive(Clone, Debug)]
pub struct Member {
    pub picture: PictureHash,
    /// Of the file.
    pub dimensions: Dimensions,
    /// The share of the picture that is within plain margins, as of a screenshot or a border.
    pub content: f64,
    pub capture: Capture,
}

/// Two near photos, by their positions among the members.
#[derive(Clone, Copy, Debug)]
pub struct Near {
    pub a: usize,
    pub b: usize,
    pub distance: Distance,
    /// `None` if the place of one in the other is not found.
    pub comparison: Option<Comparison>,
    /// By how much lengths in `a` grow in `b`, in pixels of the files. 1 if it is not known.
    pub scale: f64,
}

/// Returns the source of each member. A photo that is a version of none is its own source.
pub fn sources(members: &[Member], near: &[Near]) -> Vec<usize> {
    // The largest first, because a version is seldom larger than what it was made of. Margins do not count.
    let pixels = |member: &Member| member.dimensions.pixels() as f64 * member.content;
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by(|x, y| pixels(&members[*y]).total_cmp(&pixels(&members[*x])).then(members[*x].picture.cmp(&members[*y].picture)));
    let mut rank = vec![0; members.len()];
    order.iter().enumerate().for_each(|(place, member)| rank[*member] = place);

    let mut candidates: Vec<Vec<(f64, usize)>> = vec![Vec::new(); members.len()];
    for pair in near {
        if let Some(fit) = fit(&members[pair.a], &members[pair.b], pair) {
            let (larger, smaller) = if rank[pair.a] < rank[pair.b] { (pair.a, pair.b) } else { (pair.b, pair.a) };
            candidates[smaller].push((fit, larger));
        }
    }
    let mut sources: Vec<usize> = (0..members.len()).collect();
    for member in order {
        let of_one_exposure = |other: &usize| relation(&members[member].capture, &members[sources[*other]].capture) != Relation::Series;
        let possible = candidates[member].iter().filter(|(_, other)| of_one_exposure(other));
        let best = possible.max_by(|x, y| x.0.total_cmp(&y.0).then(rank[y.1].cmp(&rank[x.1])));
        if let Some((_, other)) = best {
            sources[member] = sources[*other];
        }
    }
    sources
}

/// Returns how well two photos fit as versions of one exposure. `None` if they are not.
fn fit(a: &Member, b: &Member, near: &Near) -> Option<f64> {
    if relation(&a.capture, &b.capture) == Relation::Series {
        return None;
    }
    let distance = f64::from(near.distance);
    let is_one_size = a.dimensions == b.dimensions;
    let Some(Comparison { placement, coarse, fine }) = near.comparison else {
        return (!is_one_size && near.distance < MAX_UNPLACED_DISTANCE).then_some(0.5 - 2.0 * distance);
    };
    let overlap = placement.overlap[0].min(placement.overlap[1]);
    let is_fitting = if is_one_size || near.scale.ln().abs() < MAX_LOG_SCALE {
        if overlap > MAX_OVERLAP_OF_CROP {
            fine.agreement >= MIN_AGREEMENT_AT_ONE_SCALE && overlap >= MIN_OVERLAP_AT_ONE_SCALE
        } else {
            !is_one_size && fine.agreement >= MIN_AGREEMENT_OF_CROP
        }
    } else {
        coarse.agreement >= MIN_AGREEMENT_AT_TWO_SCALES
    };
    is_fitting.then_some(fine.agreement - DISTANCE_WEIGHT * distance)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::likeness::placement::{Affine, Placement};
    use crate::likeness::residual::Residual;

    fn member(number: u8, width: u32, taken: Option<&str>) -> Member {
        let capture = Capture { taken: taken.map(str::to_owned), model: taken.map(|_| "M1".into()), ..Capture::default() };
        Member { picture: PictureHash([number; 32]), dimensions: Dimensions { width, height: width * 2 / 3 }, content: 1.0, capture }
    }

    fn near(a: usize, b: usize, agreement: f64, scale: f64) -> Near {
        let placement = Placement { map: Affine::IDENTITY, overlap: [1.0, 1.0] };
        let left = Residual { agreement, misfit: 0.0, plain: 0.0 };
        Near { a, b, distance: 0.1, comparison: Some(Comparison { placement, coarse: left, fine: left }), scale }
    }

    #[test]
    fn a_version_goes_to_the_frame_that_it_fits_best() {
        let members = [member(1, 6000, None), member(2, 6000, None), member(3, 1500, None), member(4, 1500, None)];
        let near = [near(0, 1, 0.99, 1.0), near(0, 2, 0.95, 0.25), near(1, 2, 0.97, 0.25), near(0, 3, 0.98, 0.25), near(1, 3, 0.9, 0.25)];
        assert_eq!(sources(&members, &near), [0, 1, 1, 0]);
    }

    #[test]
    fn frames_of_one_size_are_versions_only_if_all_but_equal() {
        let members = [member(1, 6000, None), member(2, 6000, None)];
        assert_eq!(sources(&members, &[near(0, 1, 0.99, 1.0)]), [0, 1]);
        assert_eq!(sources(&members, &[near(0, 1, 0.999, 1.0)]), [0, 0]);
        let mut moved = near(0, 1, 0.999, 1.0);
        moved.comparison.as_mut().expect("compared").placement.overlap = [0.98, 0.98];
        assert_eq!(sources(&members, &[moved]), [0, 1]);
    }

    #[test]
    fn two_times_of_one_camera_are_never_in_one_star() {
        let [x, y] = ["2026-05-01T10:00:00", "2026-05-01T10:00:01"].map(Some);
        let members = [member(1, 6000, x), member(2, 3000, None), member(3, 1500, y)];
        // The last one fits the second best, which is a version of the first.
        let near = [near(0, 1, 0.98, 0.5), near(1, 2, 0.99, 0.5), near(0, 2, 0.9, 0.25)];
        assert_eq!(sources(&members, &near), [0, 0, 2]);
    }

    #[test]
    fn a_border_does_not_make_a_source() {
        let mut bordered = member(1, 7000, None);
        bordered.content = 0.6;
        let mut pair = near(0, 1, 0.999, 1.0);
        pair.comparison.as_mut().expect("compared").placement.overlap = [0.6, 1.0];
        assert_eq!(sources(&[bordered, member(2, 6000, None)], &[pair]), [1, 1]);
    }

    proptest! {
        #[test]
        fn neither_the_order_of_pairs_nor_that_of_members_matters(
            widths in prop::collection::vec(1_u32..5, 2..9),
            pairs in prop::collection::vec((0_usize..9, 0_usize..9, 0.5..1.0), 0..20),
            shuffle in any::<u64>(),
        ) {
            let count = widths.len();
            let members: Vec<Member> = widths.iter().zip(1..).map(|(width, number)| member(number, 1000 * width, None)).collect();
            let mut pairs: Vec<Near> = pairs.into_iter().map(|(a, b, agreement)| near(a % count, b % count, agreement, 0.5)).filter(|p| p.a != p.b).collect();
            let before = sources(&members, &pairs);
            for member in 0..count {
                prop_assert_eq!(before[before[member]], before[member], "a source is its own source");
            }
            let mut random = fastrand::Rng::with_seed(shuffle);
            let mut order: Vec<usize> = (0..count).collect();
            random.shuffle(&mut order);
            random.shuffle(&mut pairs);
            let moved: Vec<Member> = order.iter().map(|at| members[*at].clone()).collect();
            let place = |member: usize| order.iter().position(|at| *at == member).expect("a permutation");
            let moved_pairs: Vec<Near> = pairs.iter().map(|p| {
                let (a, b) = if random.bool() { (p.a, p.b) } else { (p.b, p.a) };
                Near { a: place(a), b: place(b), ..*p }
            }).collect();
            let after = sources(&moved, &moved_pairs);
            for member in 0..count {
                prop_assert_eq!(order[after[place(member)]], before[member]);
            }
        }
    }
}
