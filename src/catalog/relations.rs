//! What near photos are to each other: by the decision of a person, or else by their stars.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::{Context, IsWanted};
use crate::likeness::{
    CannotLink, FrameName, Framed, Ground, Member, Near, VersionModel, agree, are_named_otherwise, changes, held, is_copy, is_series,
    reasons, relation, sources,
};
use crate::photo::{
    Capture, Compared, Comparison, Decision, Decisions, Distance, Evidence, Keypoints, Pair, PhotoChange, PhotoId, Picture, PictureHash,
    Reason, Relation, Verdict,
};
use crate::store::{Comparisons, PhotoRecord, Result};
use crate::vision::framed::content_share;
use crate::vision::keypoints::frame;

/// Two pictures that agree less do not count as versions if nothing else is known: how one lies in the other was found by chance.
pub const MIN_AGREEMENT: f64 = 0.6;

/// An id that so many different pictures have tells none from others: a template had it, or a program that gives the same to all.
const MIN_PICTURES_OF_COMMON_ID: usize = 3;

/// Returns a picture as it is compared.
pub fn framed<'a>(picture: &'a Picture, keypoints: &'a Keypoints) -> Framed<'a> {
    Framed { picture, frame: frame(picture), content: content_share(picture), keypoints }
}

/// Returns a photo as a member of a star.
pub fn member(record: &PhotoRecord) -> Member {
    let PhotoRecord { picture, dimensions, format, quantisation, .. } = *record;
    let names = record.files.iter().filter_map(|file| FrameName::of(&file.place.path)).collect();
    Member { picture, dimensions, format, quantisation, capture: record.capture.clone(), names }
}

/// Returns how `a` lies in `b`, if they were laid over each other.
pub fn laid(comparisons: &Comparisons, a: PhotoId, b: PhotoId) -> Option<Comparison> {
    match comparisons.get(&(a.min(b), a.max(b)))? {
        Compared::Laid(comparison) if a < b => Some(*comparison),
        Compared::Laid(comparison) => Some(comparison.swapped()),
        Compared::NotYet | Compared::Apart => None,
    }
}

/// Returns what two photos are to each other if nothing else is known than what they show and say.
pub fn of_two(versions: &VersionModel, members: &[Member; 2], distance: Distance, compared: Compared) -> Relation {
    let found = sources(versions, members, &[Near { a: 0, b: 1, distance, compared }]);
    match compared {
        Compared::Laid(comparison) if found[0] == found[1] && comparison.fine.agreement >= MIN_AGREEMENT => {
            if are_copies(versions, [&members[0], &members[1]], &comparison) { Relation::Copy } else { Relation::Edit }
        }
        _ => {
            let of = |at: usize| (&members[at].capture, members[at].dimensions);
            relation(of(0), of(1), &compared)
        }
    }
}

/// Whether two versions differ in size, compression and metadata only. What is named as another frame was renamed, or it is one. A
/// picture in the inks of a press was made for it.
fn are_copies(versions: &VersionModel, [a, b]: [&Member; 2], comparison: &Comparison) -> bool {
    let are_of_one_kind = a.capture.origin.is_for_print == b.capture.origin.is_for_print && !are_named_otherwise(a, b);
    is_copy(comparison) && are_of_one_kind && !are_joined_by_ids(versions, [a, b], comparison)
}

/// Whether only the ids of a document make two photos versions. Their pictures say that more was changed than is seen, so they are no
/// copies.
fn are_joined_by_ids(versions: &VersionModel, [a, b]: [&Member; 2], comparison: &Comparison) -> bool {
    a.capture.origin.is_of_one_document(&b.capture.origin) && !agree(versions, a, b, comparison)
}

/// Returns why two photos have their relation. A decision comes before all else.
pub fn reasons_of(
    versions: &VersionModel,
    [a, b]: [&Member; 2],
    compared: &Compared,
    ground: Ground,
    decided: Option<Verdict>,
) -> Vec<Reason> {
    let is_told = decided == Some(Verdict::Different) || decided == Some(Verdict::Same) && ground != Ground::Star;
    let of_photos = if is_told { Vec::new() } else { reasons(versions, a, b, compared, ground) };
    decided.map(Reason::Decision).into_iter().chain(of_photos).collect()
}

/// The share of the larger frame that two pictures both show.
pub fn overlap(comparison: &Comparison) -> f64 {
    let [a, b] = comparison.overlap;
    a.min(b).min(1.0)
}

/// The relations of some photos.
pub struct Relations<'a> {
    versions: &'a VersionModel,
    decisions: &'a Decisions,
    photos: &'a HashMap<PhotoId, PhotoRecord>,
    comparisons: Comparisons,
    /// The source of each photo that is near another one.
    sources: HashMap<PhotoId, PhotoId>,
    /// Pairs of a collage and a photo in it, `a < b`.
    held: HashSet<(PhotoId, PhotoId)>,
    /// The photos that are near another one.
    members: HashMap<PhotoId, Member>,
    /// The photos that each photo will soon be compared with. An older version found them.
    awaited: HashMap<PhotoId, Vec<PhotoId>>,
}

impl<'a> Relations<'a> {
    /// The relations of photos with these near pairs. `None` if nobody waits for them.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of(
        context: &Context<'a>,
        photos: &'a HashMap<PhotoId, PhotoRecord>,
        pairs: &[Pair],
        is_wanted: IsWanted<'_>,
    ) -> Result<Option<Relations<'a>>> {
        let comparisons = if pairs.is_empty() { Comparisons::new() } else { context.reader.comparisons()? };
        Ok(Relations::by(context, comparisons, photos, pairs, is_wanted))
    }

    /// The same, by comparisons that were read. They are at least those of the pairs.
    pub fn by(
        context: &Context<'a>,
        comparisons: Comparisons,
        photos: &'a HashMap<PhotoId, PhotoRecord>,
        pairs: &[Pair],
        is_wanted: IsWanted<'_>,
    ) -> Option<Relations<'a>> {
        let Context { versions, decisions, roots, .. } = *context;
        let (sources, held, members) = (HashMap::new(), HashSet::new(), HashMap::new());
        let is_here = |photo: PhotoId| photos.get(&photo).is_some_and(|photo| photo.files.iter().any(|file| roots.is_here(&file.place)));
        let awaited = awaited(&comparisons, is_here);
        let mut relations = Relations { versions, decisions, photos, comparisons, sources, held, members, awaited };
        for group in relations.groups(pairs) {
            is_wanted().then_some(())?;
            relations.add_stars(&group);
        }
        Some(relations)
    }

    /// Returns the relation of two photos, if these are known. Photos that a person decided to be different have none.
    pub fn between(&self, a: PhotoId, b: PhotoId) -> Option<Option<Relation>> {
        let (x, y) = (self.photos.get(&a)?, self.photos.get(&b)?);
        Some(match self.decisions.of(x.picture, y.picture) {
            // One photo by a decision, which does not say that nothing was changed.
            Some(Verdict::Same) => Some(if self.is_one_star(a, b) && self.is_copy(a, b) { Relation::Copy } else { Relation::Edit }),
            Some(Verdict::Different) => None,
            None if self.is_one_star(a, b) => Some(if self.is_copy(a, b) { Relation::Copy } else { Relation::Edit }),
            None if self.held.contains(&(a.min(b), a.max(b))) => Some(Relation::Part),
            None if self.of_two_exposures(x, y).is_some() => Some(Relation::Series),
            None => Some(match relation((&x.capture, x.dimensions), (&y.capture, y.dimensions), &self.compared(a, b)) {
                Relation::Series if self.await_a_third(a, b) => Relation::Unknown,
                told => told,
            }),
        })
    }

    /// Returns whether two photos are still to be compared, or one of them with a third that is near both: an older version found them.
    pub fn is_pending(&self, a: PhotoId, b: PhotoId) -> bool {
        self.comparisons.get(&(a.min(b), a.max(b))) == Some(&Compared::NotYet) || self.await_a_third(a, b)
    }

    /// Whether a photo that is near both of two will soon be compared with one of them. Both may be versions of it.
    fn await_a_third(&self, a: PhotoId, b: PhotoId) -> bool {
        let is_near = |x: PhotoId, y: PhotoId| self.comparisons.contains_key(&(x.min(y), x.max(y)));
        let is_awaited = |x: PhotoId, y: PhotoId| self.awaited.get(&x).is_some_and(|thirds| thirds.iter().any(|third| is_near(*third, y)));
        is_awaited(a, b) || is_awaited(b, a)
    }

    /// Returns the photo whose version a photo is, or the photo itself. All versions of one exposure have the same.
    pub fn source(&self, photo: PhotoId) -> PhotoId {
        self.sources.get(&photo).copied().unwrap_or(photo)
    }

    /// Returns what was changed from one photo to another one. Nothing, if they were not compared.
    pub fn changes(&self, from: PhotoId, to: PhotoId) -> Vec<PhotoChange> {
        self.comparison(from, to).map(|comparison| changes(&comparison)).unwrap_or_default()
    }

    /// Returns how the relation of two photos was told, but for which is the version of the other.
    pub fn evidence(&self, a: PhotoId, b: PhotoId) -> Evidence {
        let (Some(x), Some(y)) = (self.photos.get(&a), self.photos.get(&b)) else { return Evidence::default() };
        let ground = if self.is_one_star(a, b) {
            Ground::Star
        } else if self.held.contains(&(a.min(b), a.max(b))) {
            Ground::Collage
        } else {
            Ground::Two
        };
        let comparison = self.comparison(a, b);
        let compared = comparison.map_or_else(|| self.compared(a, b), Compared::Laid);
        let decided = self.decisions.of(x.picture, y.picture);
        // Two versions of two exposures go by what the camera wrote of these.
        let [first, second] = self.of_two_exposures(x, y).filter(|_| ground == Ground::Two).unwrap_or([x, y]);
        let reasons = reasons_of(self.versions, [&self.member(first), &self.member(second)], &compared, ground, decided);
        Evidence { direction: None, overlap: comparison.map(|comparison| overlap(&comparison)), reasons }
    }

    /// Returns how `a` lies in `b`.
    pub fn comparison(&self, a: PhotoId, b: PhotoId) -> Option<Comparison> {
        laid(&self.comparisons, a, b)
    }

    fn compared(&self, a: PhotoId, b: PhotoId) -> Compared {
        self.comparisons.get(&(a.min(b), a.max(b))).copied().unwrap_or(Compared::NotYet)
    }

    fn is_one_star(&self, a: PhotoId, b: PhotoId) -> bool {
        self.sources.get(&a).is_some_and(|source| Some(source) == self.sources.get(&b))
    }

    /// Returns two photos that the camera says are two exposures, if these two are versions of them, or are them. A version may have lost
    /// what the camera wrote.
    fn of_two_exposures<'b>(&'b self, x: &'b PhotoRecord, y: &'b PhotoRecord) -> Option<[&'b PhotoRecord; 2]> {
        [[x, y], [x, y].map(|photo| self.source_of(photo))].into_iter().find(|[x, y]| is_series(&x.capture, &y.capture))
    }

    fn source_of<'b>(&'b self, photo: &'b PhotoRecord) -> &'b PhotoRecord {
        self.photos.get(&self.source(photo.id)).unwrap_or(photo)
    }

    /// Whether two photos of a star differ in size, compression and metadata only. Two versions do if both are copies of the
    /// source.
    fn is_copy(&self, a: PhotoId, b: PhotoId) -> bool {
        let is_copy = |from, to| {
            let comparison = self.comparison(from, to)?;
            let [x, y] = [from, to].map(|photo| self.member(&self.photos[&photo]));
            Some(are_copies(self.versions, [&x, &y], &comparison))
        };
        // Two that were not compared are copies of one source.
        let source = self.sources[&a];
        is_copy(a, b).unwrap_or_else(|| is_copy(source, a) == Some(true) && is_copy(source, b) == Some(true))
    }

    /// Returns which photos must not be in one cluster, whatever joins them: other exposures, and photos that a person decided to be
    /// different. Two exposures of one camera are separated by their classes, because a camera makes very many. Others are few: they
    /// were compared or decided on.
    pub fn cannot_link(&self) -> CannotLink<'_> {
        let mut exposures: Vec<(Option<PhotoId>, &PhotoRecord)> = Vec::new();
        let (mut numbers, mut classes) = (HashMap::new(), HashMap::new());
        // Without a model, nothing says that one camera took two photos.
        let has_model = |photo: &&PhotoRecord| photo.capture.model.is_some() || self.source_of(photo).capture.model.is_some();
        for photo in self.photos.values().filter(has_model) {
            let source = self.sources.get(&photo.id).copied();
            let number = *numbers.entry((source, exposure(&photo.capture))).or_insert_with(|| {
                exposures.push((source, photo));
                exposures.len() - 1
            });
            classes.insert(photo.id, number);
        }
        let are_apart = move |x: usize, y: usize| {
            let ((source, a), (other, b)) = (exposures[x], exposures[y]);
            (source.is_none() || source != other) && self.of_two_exposures(a, b).is_some()
        };
        let by_class = CannotLink { pairs: HashMap::new(), classes, are_apart: Box::new(are_apart) };
        let laid = self.comparisons.iter().filter(|(_, compared)| matches!(compared, Compared::Laid(_))).map(|(pair, _)| *pair);
        let known = laid.chain(self.held.iter().copied()).chain(self.decided());
        let known = known.filter_map(|(a, b)| Some(((a, b), cannot_join(self.between(a, b)?))));
        let pairs = known.filter(|((a, b), holds)| *holds != by_class.holds(*a, *b)).collect();
        CannotLink { pairs, ..by_class }
    }

    /// Returns every two of these photos that a person decided on, `a < b`.
    fn decided(&self) -> Vec<(PhotoId, PhotoId)> {
        if self.decisions.is_empty() {
            return Vec::new();
        }
        let equal = self.decisions.equal();
        let mut photos: HashMap<PictureHash, Vec<PhotoId>> = HashMap::new();
        for photo in self.photos.values() {
            photos.entry(equal.standing(photo.picture)).or_default().push(photo.id);
        }
        let of = |picture| photos.get(&equal.standing(picture)).into_iter().flatten().copied();
        let two = |decision: &Decision| -> Vec<(PhotoId, PhotoId)> {
            of(decision.a).flat_map(|a| of(decision.b).filter(move |b| a != *b).map(move |b| (a.min(b), a.max(b)))).collect()
        };
        self.decisions.iter().flat_map(two).collect()
    }

    /// Divides the pairs that were laid over each other into groups with no pair between them.
    fn groups(&self, pairs: &[Pair]) -> Vec<Vec<Pair>> {
        let is_known = |photo: &PhotoId| self.photos.contains_key(photo);
        let is_laid = |pair: &&Pair| {
            let is_different = || self.decisions.of(self.photos[&pair.a].picture, self.photos[&pair.b].picture) == Some(Verdict::Different);
            matches!(self.compared(pair.a, pair.b), Compared::Laid(_)) && is_known(&pair.a) && is_known(&pair.b) && !is_different()
        };
        let laid: Vec<&Pair> = pairs.iter().filter(is_laid).collect();
        let mut near: HashMap<PhotoId, Vec<&Pair>> = HashMap::new();
        for pair in laid {
            near.entry(pair.a).or_default().push(pair);
            near.entry(pair.b).or_default().push(pair);
        }
        let mut groups = Vec::new();
        let mut photos: Vec<PhotoId> = near.keys().copied().collect();
        photos.sort_unstable();
        for photo in photos {
            let (mut group, mut next) = (Vec::new(), vec![photo]);
            while let Some(photo) = next.pop() {
                for pair in near.remove(&photo).unwrap_or_default() {
                    // Each pair is met from both of its photos, and counts at the first.
                    let other = if pair.a == photo { pair.b } else { pair.a };
                    if near.contains_key(&other) {
                        group.push(*pair);
                        next.push(other);
                    }
                }
            }
            if !group.is_empty() {
                groups.push(group);
            }
        }
        groups
    }

    /// Returns a photo as a member of a star.
    fn member(&self, record: &PhotoRecord) -> Cow<'_, Member> {
        self.members.get(&record.id).map_or_else(|| Cow::Owned(member(record)), Cow::Borrowed)
    }

    fn add_stars(&mut self, pairs: &[Pair]) {
        let mut photos: Vec<PhotoId> = pairs.iter().flat_map(|pair| [pair.a, pair.b]).collect();
        photos.sort_unstable();
        photos.dedup();
        let at = |photo: PhotoId| photos.binary_search(&photo).expect("both photos of a pair are members");
        let near = |pair: &Pair| {
            let compared = self.compared(pair.a, pair.b);
            Near { a: at(pair.a), b: at(pair.b), distance: pair.distance, compared }
        };
        let near: Vec<Near> = pairs.iter().map(near).collect();
        let mut members: Vec<Member> = photos.iter().map(|photo| member(&self.photos[photo])).collect();
        without_common_ids(&mut members, &near);
        let sources = sources(self.versions, &members, &near);
        self.held.extend(held(&members, &near).into_iter().map(|(a, b)| (photos[a], photos[b])));
        self.sources.extend(photos.iter().zip(sources).map(|(photo, source)| (*photo, photos[source])));
        self.members.extend(photos.iter().copied().zip(members));
    }
}

/// Returns which photos will soon be compared: of those that an older version found near each other the ones that are here.
fn awaited(comparisons: &Comparisons, is_here: impl Fn(PhotoId) -> bool) -> HashMap<PhotoId, Vec<PhotoId>> {
    let mut awaited: HashMap<PhotoId, Vec<PhotoId>> = HashMap::new();
    let not_yet = comparisons.iter().filter(|(_, compared)| **compared == Compared::NotYet).map(|(pair, _)| *pair);
    for (a, b) in not_yet.filter(|(a, b)| is_here(*a) && is_here(*b)) {
        awaited.entry(a).or_default().push(b);
        awaited.entry(b).or_default().push(a);
    }
    awaited
}

/// Takes from the members of a group the ids that different pictures have: those of three times of capture, or of three photos most of
/// which do not agree with each other.
fn without_common_ids(members: &mut [Member], near: &[Near]) {
    let mut with: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, member) in members.iter().enumerate() {
        let origin = &member.capture.origin;
        origin.documents.iter().chain(&origin.image).for_each(|id| with.entry(id.clone()).or_default().push(at));
    }
    with.retain(|_, all| all.len() >= MIN_PICTURES_OF_COMMON_ID && is_common(all, members, near));
    for member in members {
        let origin = &mut member.capture.origin;
        origin.documents.retain(|id| !with.contains_key(id));
        origin.image.take_if(|id| with.contains_key(id));
    }
}

/// Whether the members at these places, which have one id, are different pictures.
fn is_common(places: &[usize], members: &[Member], near: &[Near]) -> bool {
    let times: HashSet<&String> = places.iter().filter_map(|at| members[*at].capture.taken.as_ref()).collect();
    let pairs = near.iter().filter(|pair| [pair.a, pair.b].iter().all(|at| places.binary_search(at).is_ok()));
    let agree = |pair: &Near| matches!(pair.compared, Compared::Laid(comparison) if comparison.fine.agreement >= MIN_AGREEMENT);
    let (agreeing, others): (Vec<&Near>, Vec<&Near>) = pairs.partition(|pair| agree(pair));
    times.len() >= MIN_PICTURES_OF_COMMON_ID || others.len() > agreeing.len()
}

/// Whether two photos of this relation must not be in one cluster.
fn cannot_join(relation: Option<Relation>) -> bool {
    relation.is_none_or(|relation| relation == Relation::Series)
}

/// What a camera wrote of an exposure, to compare it. Two photos of one exposure are never a series.
fn exposure(capture: &Capture) -> impl Eq + Hash {
    let Capture { make, model, serial, taken, exposure, origin, .. } = capture;
    let numbers = [exposure.seconds, exposure.aperture, exposure.bias, exposure.iso].map(|number| number.map(f64::to_bits));
    (make, model, serial, taken, numbers, &origin.image, origin.number, origin.is_scanned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::photo::{Dimensions, EqualPictures, Format, PixelHash, Residual};

    fn photo(number: i64, seconds: Option<u8>, model: Option<u8>) -> (PhotoId, PhotoRecord) {
        let capture = Capture {
            taken: seconds.map(|seconds| format!("2026-05-01T10:00:0{seconds}")),
            model: model.map(|model| format!("M{model}")),
            ..Capture::default()
        };
        let (picture, dimensions) = (PictureHash([number as u8; 32]), Dimensions { width: 60, height: 40 });
        let (id, format, files) = (PhotoId(number), Format::Jpeg, Vec::new());
        (id, PhotoRecord { id, picture, format, dimensions, capture, quantisation: None, detail: None, files })
    }

    #[test]
    fn an_id_that_different_pictures_have_tells_none_from_others() {
        let ids = |seconds: [Option<u8>; 3], agreements: &[(usize, usize, f64)]| {
            let of = |(number, seconds)| {
                let mut member = member(&photo(number, seconds, None).1);
                member.capture.origin.documents.insert("x".into());
                member.capture.origin.image = Some("an image".into());
                member
            };
            let mut members: Vec<Member> = (1..).zip(seconds).map(of).collect();
            let near = |&(a, b, agreement): &(usize, usize, f64)| {
                let fine = Residual { agreement, ..Comparison::WHOLE.fine };
                Near { a, b, distance: 0.1, compared: Compared::Laid(Comparison { fine, ..Comparison::WHOLE }) }
            };
            without_common_ids(&mut members, &agreements.iter().map(near).collect::<Vec<_>>());
            let origin = &members[0].capture.origin;
            assert_eq!(origin.documents.is_empty(), origin.image.is_none());
            origin.documents.len()
        };
        assert_eq!(ids([Some(1), Some(2), Some(3)], &[(0, 1, 0.9), (1, 2, 0.9)]), 0, "of three times");
        assert_eq!(ids([None; 3], &[(0, 1, 0.3), (1, 2, 0.4), (0, 2, 0.9)]), 0, "of three pictures");
        assert_eq!(ids([Some(1), Some(1), Some(2)], &[(0, 1, 0.9), (1, 2, 0.9)]), 1, "a time that a program wrote");
        assert_eq!(ids([None; 3], &[(0, 1, 0.3), (1, 2, 0.9)]), 1, "two strong edits of one photo");
    }

    #[test]
    fn two_frames_that_a_third_photo_may_join_are_not_a_series_yet() {
        let photos: HashMap<PhotoId, PhotoRecord> = (1..=3).map(|number| photo(number, None, None)).collect();
        let [a, b, c] = [1, 2, 3].map(PhotoId);
        let laid = Compared::Laid(Comparison { fine: Residual { agreement: 0.8, ..Comparison::WHOLE.fine }, ..Comparison::WHOLE });
        let decisions = Decisions::default();
        let told = |with_third: [Option<Compared>; 2], is_here: bool| {
            let with_third = [a, b].into_iter().zip(with_third).filter_map(|(photo, compared)| Some(((photo, c), compared?)));
            let comparisons: Comparisons = with_third.chain([((a, b), laid)]).collect();
            let (sources, held, members) = (HashMap::new(), HashSet::new(), HashMap::new());
            let (versions, awaited) = (VersionModel::base(), awaited(&comparisons, |_| is_here));
            let relations = Relations { versions, decisions: &decisions, photos: &photos, comparisons, sources, held, members, awaited };
            (relations.between(a, b).flatten(), relations.is_pending(a, b))
        };
        let (series, not_yet) = ((Some(Relation::Series), false), Some(Compared::NotYet));
        for with_third in [[not_yet, not_yet], [not_yet, Some(laid)], [Some(laid), not_yet]] {
            assert_eq!(told(with_third, true), (Some(Relation::Unknown), true));
            assert_eq!(told(with_third, false), series, "the third is away, and nothing is awaited");
        }
        assert_eq!(told([not_yet, None], true), series, "the third is not near both");
        assert_eq!(told([Some(laid), Some(laid)], true), series);
    }

    proptest! {
        /// Classes and exceptions say the same as the relation of every two photos.
        #[test]
        fn cannot_link_is_what_the_relations_say(
            captures in prop::collection::vec((prop::option::of(0u8..4), prop::option::of(0u8..2)), 12),
            sources in prop::collection::hash_map((0i64..12).prop_map(PhotoId), (0i64..4).prop_map(PhotoId), 0..12),
            compared in prop::collection::vec((0i64..12, 0i64..12, 0u8..3), 0..12),
            held in prop::collection::vec((0i64..12, 0i64..12), 0..4),
            decided in prop::collection::vec((0u8..14, 0u8..14, any::<bool>()), 0..6),
            equal in prop::collection::vec((0u8..14, 0u8..3), 0..4),
        ) {
            let photos: HashMap<PhotoId, PhotoRecord> = (0..).zip(captures).map(|(n, (seconds, model))| photo(n, seconds, model)).collect();
            let decisions = decided.into_iter().filter(|(a, b, _)| a != b).map(|(a, b, is_same)| {
                let verdict = if is_same { Verdict::Same } else { Verdict::Different };
                Decision { a: PictureHash([a; 32]), b: PictureHash([b; 32]), verdict, made: 1, follows: None }
            });
            let equal: EqualPictures = equal.into_iter().map(|(picture, pixels)| (PictureHash([picture; 32]), PixelHash([pixels; 32]))).collect();
            let decisions = Decisions::new(decisions, equal);
            let ordered = |a: i64, b: i64| (a < b).then_some((PhotoId(a), PhotoId(b)));
            let of = |how| match how {
                0 => Compared::NotYet,
                1 => Compared::Apart,
                _ => Compared::Laid(Comparison::WHOLE),
            };
            let comparisons: Comparisons = compared.into_iter().filter_map(|(a, b, how)| Some((ordered(a, b)?, of(how)))).collect();
            let relations = Relations {
                versions: VersionModel::base(),
                decisions: &decisions,
                photos: &photos,
                awaited: awaited(&comparisons, |_| true),
                comparisons,
                sources,
                held: held.into_iter().filter_map(|(a, b)| ordered(a, b)).collect(),
                members: HashMap::new(),
            };
            let cannot_link = relations.cannot_link();
            for (a, b) in (0..12).flat_map(|a| (0..12).filter(move |b| a != *b).map(move |b| (PhotoId(a), PhotoId(b)))) {
                prop_assert_eq!(cannot_link.holds(a, b), relations.between(a, b).is_some_and(cannot_join), "{:?} and {:?}", a, b);
            }
        }
    }
}
