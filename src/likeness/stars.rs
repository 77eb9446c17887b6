//! Stars: a source and its versions. Each photo goes to the photo that it fits best, so that frames of one scene stay apart,
//! each with its own versions, where a chain would join them all. Pure, and it does not depend on any order.
//!
//! Two pictures alone do not tell a version from another frame of a tripod: the next frame fits as well as a version in
//! another light. What decides is which photo of all it fits best, and whether it could be a version at all: a camera
//! makes frames of one size and compression, so of two such photos the version model must say so.

use std::collections::{HashMap, HashSet};

use super::frame_name::{are_one_frame, are_two_frames, is_named_edit};
use super::relation::{
    MIN_MINUTES_REWRITTEN, are_other_pages, are_two_sensitivities, is_beside, is_one_moment, is_part, is_series, is_taken_of, may_be_pages,
    minutes_between, shows_beside,
};
use super::source::has_margin;
use super::version_inputs::{Kind, Member, are_of_one_encoder, kind};
use super::version_model::{MAX_OVERLAP_OF_CROP, VersionModel, has_other_text};
use crate::photo::{Affine, Compared, Comparison, Dimensions, Distance};

/// Photos that may be frames of one camera agree at least so well if they are one exposure, whatever else the version model says.
pub(super) const MIN_AGREEMENT_OF_FRAMES: f64 = 0.9;

/// Versions of one document agree at least so well, on both grids.
const MIN_AGREEMENT_OF_DOCUMENT: f64 = 0.7;

/// The score of the version model from which they are one exposure.
const MIN_SCORE: f32 = 0.0;

/// Two photos are at two places of a collage if no more than this share of the smaller one is covered by the other.
const MAX_COMMON_AREA: f64 = 0.2;

/// A whole picture that agrees as well as this, with a time that is not of the same burst, has the time at which a program wrote
/// it.
const MIN_AGREEMENT_REWRITTEN: f64 = 0.98;
const MAX_SPOT_REWRITTEN: f64 = 4.5;

/// How much the distance counts beside the agreement.
const DISTANCE_WEIGHT: f64 = 0.3;

/// Of 95 frames of made focus stacks the nearest two agree to 0.9957, on a tripod to 0.9987. What was saved once more agrees to 0.9998,
/// and what was sharpened to 0.9994.
const MIN_AGREEMENT_OF_EQUAL: f64 = 0.999;
const MAX_SPOT_OF_EQUAL: f64 = 4.5;
const MAX_COLOUR_OF_EQUAL: f64 = 0.3;

/// How much the name of one frame counts: more than frames of a tripod differ.
const NAME_WEIGHT: f64 = 0.05;

/// Two near photos, by their positions among the members.
#[derive(Clone, Copy, Debug)]
pub struct Near {
    pub a: usize,
    pub b: usize,
    pub distance: Distance,
    pub compared: Compared,
}

/// Returns the source of each member. A photo that is a version of none is its own source.
pub fn sources(model: &VersionModel, members: &[Member], near: &[Near]) -> Vec<usize> {
    let taken = |member: usize| &members[member].capture;
    let members = &without_rewritten_times(members, near)[..];
    let mut candidates: Vec<Vec<(f64, usize)>> = vec![Vec::new(); members.len()];
    let mut fits: HashMap<(usize, usize), bool> = HashMap::new();
    let held = held(members, near);
    let mut shows_another = vec![false; members.len()];
    for pair in near {
        let (a, b) = (&members[pair.a], &members[pair.b]);
        let Compared::Laid(comparison) = &pair.compared else { continue };
        // A crop is in a small copy of the whole as a photo is in a collage, so this alone parts no versions of a third one.
        if is_part(a.dimensions, b.dimensions, comparison) || held.contains(&(pair.a.min(pair.b), pair.a.max(pair.b))) {
            continue;
        }
        let fit = fit(model, a, b, comparison, pair.distance);
        fits.insert((pair.a.min(pair.b), pair.a.max(pair.b)), fit.is_some());
        if let Some(fit) = fit {
            candidates[pair.a].push((fit, pair.b));
            candidates[pair.b].push((fit, pair.a));
            let [of_a, of_b] = has_margin(comparison);
            let is_beside = |x: &Member, y: &Member, comparison: &Comparison| is_beside(x.dimensions, y.dimensions, comparison);
            shows_another[pair.a] |= of_a || is_beside(b, a, &comparison.swapped()) || is_taken_of(taken(pair.a), taken(pair.b));
            shows_another[pair.b] |= of_b || is_beside(a, b, comparison) || is_taken_of(taken(pair.b), taken(pair.a));
        }
    }
    let rank = ranks(members, near, &shows_another);
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_unstable_by_key(|member| rank[*member]);
    let mut sources: Vec<usize> = (0..members.len()).collect();
    let mut stars: Vec<Vec<usize>> = (0..members.len()).map(|member| vec![member]).collect();
    // Each joins the star of an earlier one. Not all pairs are compared, so one may fit later ones alone: it joins their star
    // then, with its own versions.
    for (member, is_again) in order.iter().map(|member| (*member, false)).chain(order.iter().map(|member| (*member, true))) {
        if sources[member] != member {
            continue;
        }
        // A version of a version must not be another exposure than the source.
        let may_join = |(_, other): &&(f64, usize)| {
            let (source, one) = (sources[*other], &members[member]);
            let known = fits.get(&(member.min(source), member.max(source)));
            let are_apart = || stars[member].iter().any(|x| stars[source].iter().any(|y| are_two_exposures(&members[*x], &members[*y])));
            rank[if is_again { source } else { *other }] < rank[member]
                && (source == *other || known.copied().unwrap_or(!may_be_frames(one, &members[source])))
                && !are_apart()
        };
        let best = candidates[member].iter().filter(may_join).max_by(|x, y| x.0.total_cmp(&y.0).then(rank[y.1].cmp(&rank[x.1])));
        if let Some((_, other)) = best {
            let (source, moved) = (sources[*other], std::mem::take(&mut stars[member]));
            moved.iter().for_each(|version| sources[*version] = source);
            stars[source].extend(moved);
        }
    }
    sources
}

/// Returns the members without the times that a messenger or a program wrote: the later one of two photos that are the same but
/// for their size or compression.
fn without_rewritten_times(members: &[Member], near: &[Near]) -> Vec<Member> {
    let mut cleared = members.to_vec();
    for pair in near {
        let (a, b) = (&members[pair.a], &members[pair.b]);
        let Compared::Laid(Comparison { overlap, fine, .. }) = &pair.compared else { continue };
        let is_same = overlap.iter().all(|share| *share > MAX_OVERLAP_OF_CROP)
            && fine.agreement >= MIN_AGREEMENT_REWRITTEN
            && fine.spot < MAX_SPOT_REWRITTEN;
        let is_far = minutes_between(&a.capture, &b.capture).is_some_and(|minutes| minutes >= MIN_MINUTES_REWRITTEN);
        if is_same && is_far && !may_be_frames(a, b) && !a.capture.exposure.differs_from(&b.capture.exposure) {
            let later = if a.capture.taken > b.capture.taken { pair.a } else { pair.b };
            cleared[later].capture.taken = None;
        }
    }
    cleared
}

/// Returns the pairs, the smaller position first, of a collage and a photo in it. A collage holds two others at two places, smaller
/// than they are. If it holds them in their size, they may be two crops of it, unless they were taken at two times and it says none.
pub fn held(members: &[Member], near: &[Near]) -> HashSet<(usize, usize)> {
    let mut within: Vec<Vec<Within>> = vec![Vec::new(); members.len()];
    for pair in near {
        let Compared::Laid(comparison) = &pair.compared else { continue };
        for (a, b, comparison) in [(pair.a, pair.b, *comparison), (pair.b, pair.a, comparison.swapped())] {
            let (inner, outer) = (members[a].dimensions, members[b].dimensions);
            let is_smaller = is_beside(inner, outer, &comparison);
            if is_smaller || shows_beside(&comparison) {
                within[b].push(Within { member: a, place: Place::of(inner, &comparison.map), is_smaller });
            }
        }
    }
    let taken = |within: &Within| members[within.member].capture.taken.as_ref();
    let are_two_times = |x: &Within, y: &Within| taken(x).zip(taken(y)).is_some_and(|(x, y)| x != y);
    let mut held = HashSet::new();
    for (b, all) in within.iter().enumerate() {
        let has_two = |are_two: &dyn Fn(&Within, &Within) -> bool| {
            let mut pairs = all.iter().enumerate().flat_map(|(at, x)| all[..at].iter().map(move |y| (x, y)));
            pairs.any(|(x, y)| are_two(x, y) && x.place.is_apart_from(&y.place))
        };
        let has_times = members[b].capture.taken.is_none() && has_two(&are_two_times);
        let has_smaller = has_two(&|x, y| x.is_smaller && y.is_smaller);
        let parts = all.iter().filter(|one| has_times || has_smaller && one.is_smaller);
        held.extend(parts.map(|one| (b.min(one.member), b.max(one.member))));
    }
    held
}

/// A photo that another one shows beside something else.
#[derive(Clone, Copy, Debug)]
struct Within {
    member: usize,
    place: Place,
    /// Whether it is shown smaller than it is.
    is_smaller: bool,
}

/// Where a photo is in another one: left and right, top and bottom.
#[derive(Clone, Copy, Debug)]
struct Place([f64; 2], [f64; 2]);

impl Place {
    fn of(inner: Dimensions, map: &Affine) -> Place {
        let (right, bottom) = inner.in_long_sides();
        let corners = [(0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom)].map(|corner| map.apply(corner));
        let range = |values: [f64; 4]| [values.into_iter().fold(f64::MAX, f64::min), values.into_iter().fold(f64::MIN, f64::max)];
        Place(range(corners.map(|corner| corner.0)), range(corners.map(|corner| corner.1)))
    }

    fn area(&self) -> f64 {
        (self.0[1] - self.0[0]).max(0.0) * (self.1[1] - self.1[0]).max(0.0)
    }

    fn is_apart_from(&self, other: &Place) -> bool {
        let common = |x: [f64; 2], y: [f64; 2]| [x[0].max(y[0]), x[1].min(y[1])];
        let both = Place(common(self.0, other.0), common(self.1, other.1));
        both.area() < MAX_COMMON_AREA * self.area().min(other.area())
    }
}

/// Returns the place of each member in the order in which it may be the source of another one: those first that do not show
/// another one within a margin, on a screen or as a print. Then the largest, because a version is seldom larger than what it was
/// made of. Margins do not count. Then one that says when it was taken, one of a format that loses nothing, and the one with the
/// finest quantiser steps.
fn ranks(members: &[Member], near: &[Near], shows_another: &[bool]) -> Vec<usize> {
    let mut content = vec![1.0; members.len()];
    for pair in near {
        if let Compared::Laid(comparison) = &pair.compared {
            [content[pair.a], content[pair.b]] = comparison.content;
        }
    }
    let pixels = |member: usize| members[member].dimensions.pixels() as f64 * content[member];
    let mut order: Vec<usize> = (0..members.len()).collect();
    let rest = |member: usize| {
        let Member { picture, format, quantisation, ref capture, .. } = members[member];
        (capture.taken.is_none(), !format.is_lossless(), quantisation.unwrap_or(u16::MAX), picture)
    };
    order.sort_by(|x, y| {
        let by_pixels = || pixels(*y).total_cmp(&pixels(*x));
        shows_another[*x].cmp(&shows_another[*y]).then_with(by_pixels).then_with(|| rest(*x).cmp(&rest(*y)))
    });
    let mut rank = vec![0; members.len()];
    order.iter().enumerate().for_each(|(place, member)| rank[*member] = place);
    rank
}

/// Returns whether the camera says that two photos are two exposures. Of two sizes one is a version, and its sensitivity may be that
/// of another file.
pub(super) fn are_two_exposures(a: &Member, b: &Member) -> bool {
    is_series(&a.capture, &b.capture) || a.dimensions == b.dimensions && are_two_sensitivities(&a.capture, &b.capture)
}

/// Whether two photos may be frames of one camera: of one size and format, and compressed alike as far as is known.
fn may_be_frames(a: &Member, b: &Member) -> bool {
    a.dimensions == b.dimensions && are_of_one_encoder(a, b)
}

/// Returns whether two photos by themselves are versions of one exposure.
pub fn are_versions(model: &VersionModel, a: &Member, b: &Member, comparison: &Comparison) -> bool {
    fit(model, a, b, comparison, 0.0).is_some()
}

/// Returns how well two photos fit as versions of one exposure. `None` if they are not.
fn fit(model: &VersionModel, a: &Member, b: &Member, comparison: &Comparison, distance: Distance) -> Option<f64> {
    if are_two_exposures(a, b) {
        return None;
    }
    let Comparison { overlap, fine, content, .. } = comparison;
    // Of one exposure one shows all of what the other shows, but for a border.
    let covered = (overlap[0] / content[0]).max(overlap[1] / content[1]).min(1.0);
    let is_version = are_of_one_document(a, b, comparison) || !are_named_apart(a, b, comparison) && agree(model, a, b, comparison);
    let of_name = if are_one_frame(&a.names, &b.names) { NAME_WEIGHT } else { 0.0 };
    is_version.then_some(fine.agreement + covered + of_name - DISTANCE_WEIGHT * f64::from(distance))
}

/// Returns whether names say that two photos are two frames of a camera, and nothing says otherwise: neither size and compression,
/// nor the camera, nor the pictures. A copy mostly keeps the number of its frame. A gallery or a chat may save one under a new one.
pub(super) fn are_named_apart(a: &Member, b: &Member, comparison: &Comparison) -> bool {
    let is_one_frame = is_one_moment(&a.capture, &b.capture) || a.capture.origin.is_of_one_frame(&b.capture.origin);
    may_be_frames(a, b) && are_two_frames(&a.names, &b.names) && !is_one_frame && !are_all_but_equal(comparison)
}

/// Returns whether names say that two photos are two frames of a camera, or one an edit of the other. Then nothing says that
/// nothing was changed.
pub fn are_named_otherwise(a: &Member, b: &Member) -> bool {
    are_two_frames(&a.names, &b.names) || is_named_edit(&a.names, &b.names) || is_named_edit(&b.names, &a.names)
}

/// Whether two pictures agree as no two frames without a tripod do, and as nearly all copies of one size do.
fn are_all_but_equal(comparison: &Comparison) -> bool {
    let Comparison { fine, colour, .. } = comparison;
    fine.agreement >= MIN_AGREEMENT_OF_EQUAL && fine.spot < MAX_SPOT_OF_EQUAL && colour.is_some_and(|colour| colour < MAX_COLOUR_OF_EQUAL)
}

/// Returns whether programs wrote that two photos were made of one document, and the pictures agree as versions do. Pages and memes
/// may be made of one document too.
pub fn are_of_one_document(a: &Member, b: &Member, comparison: &Comparison) -> bool {
    a.capture.origin.is_of_one_document(&b.capture.origin)
        && comparison.coarse.agreement.min(comparison.fine.agreement) >= MIN_AGREEMENT_OF_DOCUMENT
        && !may_be_pages(comparison)
        && !has_other_text(comparison)
}

/// Returns whether the pictures of two photos say that they are versions of one exposure, whatever the camera wrote.
pub fn agree(model: &VersionModel, a: &Member, b: &Member, comparison: &Comparison) -> bool {
    let is_clear = kind(a, b, comparison) == Kind::Other || comparison.fine.agreement >= MIN_AGREEMENT_OF_FRAMES;
    is_clear && !are_other_pages(comparison) && model.score(a, b, comparison) > MIN_SCORE
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::likeness::FrameName;
    use crate::photo::{Capture, Format, PictureHash, Relation, Residual, Tone};

    const LARGE: Dimensions = Dimensions { width: 6000, height: 4000 };

    fn member(number: u8, width: u32, taken: Option<&str>) -> Member {
        let capture = Capture { taken: taken.map(str::to_owned), model: taken.map(|_| "M1".into()), ..Capture::default() };
        let (dimensions, format) = (Dimensions { width, height: width * 2 / 3 }, Format::Jpeg);
        Member { picture: PictureHash([number; 32]), dimensions, format, quantisation: Some(100), capture, names: Vec::new() }
    }

    /// Two whole frames that agree so well.
    fn near(a: usize, b: usize, agreement: f64) -> Near {
        near_in(a, b, agreement, [1.0, 1.0], [1.0, 1.0])
    }

    fn near_in(a: usize, b: usize, agreement: f64, overlap: [f64; 2], content: [f64; 2]) -> Near {
        let left = Residual { agreement, misfit: 0.0, plain: 0.0, spot: 0.0 };
        let map = Affine::scaled((overlap[0] / overlap[1]).sqrt().recip(), (0.0, 0.0));
        let comparison = Comparison { map, overlap, coarse: left, fine: left, content, ..Comparison::WHOLE };
        Near { a, b, distance: 0.1, compared: Compared::Laid(comparison) }
    }

    #[test]
    fn a_version_goes_to_the_frame_that_it_fits_best() {
        let members = [member(1, 6000, None), member(2, 6000, None), member(3, 1500, None), member(4, 1500, None)];
        let near = [near(0, 1, 0.93), near(0, 2, 0.95), near(1, 2, 0.97), near(0, 3, 0.98), near(1, 3, 0.9)];
        assert_eq!(sources(VersionModel::base(), &members, &near), [0, 1, 1, 0]);
    }

    #[test]
    fn frames_of_one_size_are_versions_only_if_all_but_equal() {
        let members = [member(1, 6000, None), member(2, 6000, None)];
        assert_eq!(sources(VersionModel::base(), &members, &[near(0, 1, 0.93)]), [0, 1]);
        assert_eq!(sources(VersionModel::base(), &members, &[near(0, 1, 0.999)]), [0, 0]);
        for compared in [Compared::NotYet, Compared::Apart] {
            assert_eq!(sources(VersionModel::base(), &members, &[Near { compared, ..near(0, 1, 0.999) }]), [0, 1]);
        }
    }

    /// The same photo in a file with this name.
    fn named(member: Member, name: &str) -> Member {
        Member { names: FrameName::of(Path::new(name)).into_iter().collect(), ..member }
    }

    #[test]
    fn names_of_two_frames_part_what_may_be_frames() {
        let joined = |a: Member, b: Member| {
            let found = sources(VersionModel::base(), &[a, b], &[near(0, 1, 0.999)]);
            found[0] == found[1]
        };
        let of = |number, width, name| named(member(number, width, None), name);
        assert!(!joined(of(1, 6000, "DSC_0001.JPG"), of(2, 6000, "DSC_0002.JPG")));
        assert!(joined(of(1, 6000, "DSC_0001.JPG"), of(2, 6000, "DSC_0001-edit.JPG")));
        assert!(joined(of(1, 6000, "DSC_0001.JPG"), of(2, 6000, "sea.JPG")));
        // Outvoted by another size, and by the ids of a document.
        assert!(joined(of(1, 6000, "DSC_0001.JPG"), of(2, 3000, "DSC_0002.JPG")));
        let document = |mut member: Member| {
            member.capture.origin.documents.insert("x".into());
            member
        };
        assert!(joined(document(of(1, 6000, "DSC_0001.JPG")), document(of(2, 6000, "DSC_0002.JPG"))));
    }

    #[test]
    fn a_version_goes_to_the_frame_of_its_name_unless_it_fits_another_one_better() {
        let of = |number, width, name| named(member(number, width, None), name);
        let members = [of(1, 6000, "DSC_0001.JPG"), of(2, 6000, "DSC_0002.JPG"), of(3, 1500, "DSC_0002_small.JPG")];
        let found = |of_first: f64, of_second: f64| {
            sources(VersionModel::base(), &members, &[near(0, 1, 0.93), near(0, 2, of_first), near(1, 2, of_second)])
        };
        assert_eq!(found(0.99, 0.98), [0, 1, 1]);
        assert_eq!(found(0.99, 0.9), [0, 1, 0]);
    }

    #[test]
    fn ids_of_one_document_join_what_the_pictures_alone_do_not() {
        let of = |number, document: &str, time| {
            let mut member = member(number, 6000, time);
            member.capture.origin.documents.insert(document.into());
            member
        };
        let joined = |a: Member, b: Member, pair: Near| {
            let found = sources(VersionModel::base(), &[a, b], &[pair]);
            found[0] == found[1]
        };
        assert!(joined(of(1, "x", None), of(2, "x", None), near(0, 1, 0.93)));
        assert!(!joined(of(1, "x", None), of(2, "y", None), near(0, 1, 0.93)), "two documents");
        assert!(!joined(of(1, "x", None), member(2, 6000, None), near(0, 1, 0.93)));
        // Outvoted by the clock, by pictures that do not agree, and by the text of another page.
        let [x, y] = ["2026-05-01T10:00:00", "2026-05-01T10:00:03"].map(Some);
        assert!(!joined(of(1, "x", x), of(2, "x", y), near(0, 1, 0.93)));
        assert!(!joined(of(1, "x", None), of(2, "x", None), near(0, 1, 0.65)));
        let mut page = near(0, 1, 0.93);
        if let Compared::Laid(comparison) = &mut page.compared {
            comparison.fine.misfit = 0.12;
        }
        assert!(!joined(of(1, "x", None), of(2, "x", None), page));
    }

    #[test]
    fn a_photo_that_is_compressed_otherwise_is_no_frame_of_the_camera() {
        let with = |format, quantisation| Member { format, quantisation, ..member(2, 6000, None) };
        let joined = |other: Member| {
            let found = sources(VersionModel::base(), &[member(1, 6000, None), other], &[near(0, 1, 0.93)]);
            found[0] == found[1]
        };
        assert!(joined(with(Format::Jpeg, Some(400))) && joined(with(Format::Png, None)));
        assert!(!joined(with(Format::Jpeg, Some(140))) && !joined(with(Format::Jpeg, None)));
    }

    #[test]
    fn tables_with_one_grid_are_no_versions() {
        let of = |agreement: f64, brightness: f64, chroma: f64| {
            let mut pair = near(0, 1, agreement);
            if let Compared::Laid(comparison) = &mut pair.compared {
                comparison.tones = [Tone { brightness, contrast: 40.0, chroma }; 2];
            }
            let found = sources(VersionModel::base(), &[member(1, 1600, None), member(2, 800, None)], &[pair]);
            (found[0] == found[1], pair.compared)
        };
        let relation_of = |compared| crate::likeness::relation((&Capture::default(), LARGE), (&Capture::default(), LARGE), &compared);
        let (is_joined, compared) = of(0.92, 240.0, 0.0);
        assert!(!is_joined && relation_of(compared) == Relation::Unknown);
        assert!(of(0.98, 240.0, 0.0).0, "a smaller version of a table");
        assert!(of(0.92, 120.0, 0.0).0 && of(0.92, 240.0, 20.0).0, "photos");
    }

    /// The versions may be frames of one camera, as far as is known.
    #[test]
    fn versions_of_one_size_and_compression_join_the_original_of_another_format() {
        let original = Member { format: Format::Png, quantisation: None, ..member(3, 6000, None) };
        let members = [member(1, 6000, None), member(2, 6000, None), original];
        let near = [near(0, 1, 0.93), near(0, 2, 0.95), near(1, 2, 0.95)];
        assert_eq!(sources(VersionModel::base(), &members, &near), [2, 2, 2]);
    }

    #[test]
    fn a_frame_does_not_join_another_one_by_a_version_of_it() {
        let version = Member { quantisation: Some(400), ..member(2, 6000, None) };
        let members = [member(1, 6000, None), version, member(3, 6000, None)];
        // The second frame fits the version, and not the first frame, with which it may not be compared.
        let [of_first, of_second] = [near(0, 1, 0.99), near(1, 2, 0.98)];
        assert_eq!(sources(VersionModel::base(), &members, &[of_first, of_second, near(0, 2, 0.93)]), [0, 0, 2]);
        assert_eq!(sources(VersionModel::base(), &members, &[of_first, of_second]), [0, 0, 2]);
    }

    #[test]
    fn a_picture_that_holds_two_others_is_a_collage_and_a_version_of_none() {
        let members = [member(1, 6000, None), member(2, 6000, None), member(3, 5000, None)];
        let beside = |a: usize, left: f64| {
            let mut pair = near_in(a, 2, 0.98, [1.0, 0.25], [1.0, 1.0]);
            if let Compared::Laid(comparison) = &mut pair.compared {
                comparison.beside[1] = 0.2;
                comparison.map = Affine::scaled(0.45, (left, 0.1));
            }
            pair
        };
        assert_eq!(held(&members, &[beside(0, 0.0), beside(1, 0.5)]), [(0, 2), (1, 2)].into());
        assert_eq!(sources(VersionModel::base(), &members, &[beside(0, 0.0), beside(1, 0.5)]), [0, 1, 2]);
        assert_eq!(sources(VersionModel::base(), &members, &[beside(0, 0.0)]), [0, 1, 0], "alone it is a screenshot");
        assert!(held(&members, &[beside(0, 0.0), beside(1, 0.05)]).is_empty(), "two versions at one place");
    }

    #[test]
    fn a_collage_may_hold_photos_in_their_size() {
        let [x, y] = ["2026-05-01T10:00:00", "2026-05-02T12:00:09"].map(Some);
        // The first two are halves of the third.
        let half = |a: usize, left: f64| {
            let mut pair = near_in(a, 2, 0.98, [1.0, 0.5], [1.0, 1.0]);
            if let Compared::Laid(comparison) = &mut pair.compared {
                comparison.beside[1] = 0.4;
                comparison.map = Affine::scaled(0.5, (left, 0.0));
            }
            pair
        };
        let of = |first, second| [member(1, 3000, first), member(2, 3000, second), member(3, 6000, None)];
        let near = [half(0, 0.0), half(1, 0.5)];
        let found = |first, second| sources(VersionModel::base(), &of(first, second), &near);
        assert_eq!(held(&of(x, y), &near), [(0, 2), (1, 2)].into());
        assert_eq!(found(x, y), [0, 1, 2]);
        // Two crops of one photo say one time, or none.
        assert_eq!([found(x, x), found(None, None), found(x, None)], [[2; 3]; 3]);
        assert_eq!(sources(VersionModel::base(), &of(x, y), &near[..1]), [2, 1, 2], "a crop, as far as is known");
        let frames = [member(1, 3000, x), member(2, 3000, y), member(3, 6000, x)];
        assert!(held(&frames, &near).is_empty(), "a crop of the next frame of a tripod");
    }

    #[test]
    fn a_border_and_a_photo_of_a_print_are_versions_though_they_are_larger() {
        let taken = |model: &str, time: &str| Capture { model: Some(model.into()), ..member(1, 1, Some(time)).capture };
        let original = Member { capture: taken("Camera", "2026-05-01T10:00:00"), ..member(1, 1600, None) };
        let bordered = Member { capture: original.capture.clone(), ..member(2, 1760, None) };
        let print = Member { capture: taken("Phone", "2026-09-01T12:00:00"), quantisation: Some(400), ..member(3, 1640, None) };
        let mut around = near_in(0, 1, 0.999, [1.0, 0.82], [1.0, 0.95]);
        if let Compared::Laid(comparison) = &mut around.compared {
            comparison.map = Affine::scaled(1600.0 / 1760.0, (0.05, 0.05));
            comparison.margin = [0.0, 1.0];
        }
        // The print fits the original better, and the border does not fit the print.
        let near = [around, near(0, 2, 0.999), near(1, 2, 0.5)];
        assert_eq!(sources(VersionModel::base(), &[original, bordered, print], &near), [0; 3]);
    }

    #[test]
    fn what_is_turned_is_no_frame_of_a_camera_on_a_tripod() {
        let members = [member(1, 6000, None), member(2, 6000, None)];
        let mut turned = near(0, 1, 0.98);
        if let Compared::Laid(comparison) = &mut turned.compared {
            comparison.map = Affine { x: [-1.0, 0.0, 1.0], y: [0.0, 1.0, 0.0] };
        }
        assert_eq!(sources(VersionModel::base(), &members, &[turned]), [0, 0]);
    }

    #[test]
    fn a_photo_that_was_compared_with_a_later_one_alone_joins_its_star() {
        let members = [member(1, 6000, None), member(2, 3000, None), member(3, 1500, None), member(4, 1000, None)];
        // The second and the first are not compared. The third is a version of the first, the fourth of the second.
        let near = [near(0, 2, 0.99), near(1, 2, 0.98), near(1, 3, 0.99)];
        assert_eq!(sources(VersionModel::base(), &members, &near), [0; 4]);
        let frames = [member(1, 6000, None), member(2, 6000, None), member(3, 1500, None)];
        assert_eq!(sources(VersionModel::base(), &frames, &near[..2]), [0, 1, 0], "it may be another frame of the first");
    }

    #[test]
    fn two_times_of_one_camera_are_never_in_one_star() {
        let [x, y] = ["2026-05-01T10:00:00", "2026-05-01T10:00:01"].map(Some);
        let members = [member(1, 6000, x), member(2, 3000, None), member(3, 1500, y)];
        // The last one fits the second best, which is a version of the first.
        let near = [near(0, 1, 0.98), near(1, 2, 0.99), near(0, 2, 0.9)];
        assert_eq!(sources(VersionModel::base(), &members, &near), [0, 0, 2]);
    }

    #[test]
    fn a_time_that_a_messenger_wrote_does_not_count() {
        let [taken, sent] = ["2026-05-01T10:00:00", "2026-05-09T18:20:41"].map(Some);
        let members = [member(1, 6000, taken), member(2, 3000, sent), member(3, 1500, taken)];
        let (unlike, near) = ([near(0, 1, 0.9)], [near(0, 1, 0.99), near(1, 2, 0.99), near(0, 2, 0.99)]);
        assert_eq!(sources(VersionModel::base(), &members, &near), [0, 0, 0]);
        let frames = [member(1, 6000, taken), member(2, 6000, sent)];
        assert_eq!(sources(VersionModel::base(), &frames, &near[..1]), [0, 1], "a camera that stands for days");
        let soon = [member(1, 6000, taken), member(2, 3000, Some("2026-05-01T10:31:00"))];
        assert_eq!(sources(VersionModel::base(), &soon, &near[..1]), [0, 1]);
        assert_eq!(sources(VersionModel::base(), &members[..2], &unlike), [0, 1]);
    }

    #[test]
    fn a_border_does_not_make_a_source() {
        let bordered = near_in(0, 1, 0.999, [0.73, 1.0], [0.73, 1.0]);
        assert_eq!(sources(VersionModel::base(), &[member(1, 7000, None), member(2, 6000, None)], &[bordered]), [1, 1]);
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
            let mut pairs: Vec<Near> = pairs.into_iter().map(|(a, b, agreement)| near(a % count, b % count, agreement)).filter(|p| p.a != p.b).collect();
            // Two photos are compared once.
            let mut seen = HashSet::new();
            pairs.retain(|p| seen.insert((p.a.min(p.b), p.a.max(p.b))));
            let before = sources(VersionModel::base(), &members, &pairs);
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
            let after = sources(VersionModel::base(), &moved, &moved_pairs);
            for member in 0..count {
                prop_assert_eq!(order[after[place(member)]], before[member]);
            }
        }
    }
}
