//! What near photos are to each other: by the decision of a person, or else by their stars.

use std::collections::{HashMap, HashSet};

use crate::likeness::{Framed, Member, Near, VersionModel, changes, held, is_copy, relation, sources};
use crate::photo::{Compared, Comparison, Decisions, Distance, Keypoints, Pair, PhotoChange, PhotoId, Picture, Relation, Verdict};
use crate::store::{Comparisons, PhotoRecord, Reader, Result};
use crate::vision::framed::content_share;
use crate::vision::keypoints::frame;

/// Returns a picture as it is compared.
pub fn framed<'a>(picture: &'a Picture, keypoints: &'a Keypoints) -> Framed<'a> {
    Framed { picture, frame: frame(picture), content: content_share(picture), keypoints }
}

/// Returns a photo as a member of a star.
pub fn member(record: &PhotoRecord) -> Member {
    let PhotoRecord { picture, dimensions, format, quantisation, .. } = *record;
    Member { picture, dimensions, format, quantisation, capture: record.capture.clone() }
}

/// Two photos by themselves.
pub struct OfTwo {
    pub relation: Relation,
    /// Which of the two is the source, if one is a version of the other: 0 or 1.
    pub source: Option<usize>,
    /// What was changed from the source.
    pub changes: Vec<PhotoChange>,
}

/// Returns what two photos are to each other if nothing else is known than what they show and say.
pub fn of_two(versions: &VersionModel, members: &[Member; 2], distance: Distance, compared: Compared) -> OfTwo {
    let found = sources(versions, members, &[Near { a: 0, b: 1, distance, compared }]);
    match compared {
        Compared::Laid(comparison) if found[0] == found[1] => {
            let source = found[0];
            let changes = changes(&if source == 0 { comparison } else { comparison.swapped() });
            let relation = if is_copy(&comparison) { Relation::Copy } else { Relation::Edit };
            OfTwo { relation, source: Some(source), changes }
        }
        _ => {
            let of = |at: usize| (&members[at].capture, members[at].dimensions);
            OfTwo { relation: relation(of(0), of(1), &compared), source: None, changes: Vec::new() }
        }
    }
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
}

impl<'a> Relations<'a> {
    /// The relations of photos with these near pairs.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of(
        reader: &Reader,
        versions: &'a VersionModel,
        decisions: &'a Decisions,
        photos: &'a HashMap<PhotoId, PhotoRecord>,
        pairs: &[Pair],
    ) -> Result<Relations<'a>> {
        let comparisons = if pairs.is_empty() { Comparisons::new() } else { reader.comparisons()? };
        let mut relations = Relations { versions, decisions, photos, comparisons, sources: HashMap::new(), held: HashSet::new() };
        for group in relations.groups(pairs) {
            relations.add_stars(&group);
        }
        Ok(relations)
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
            None => Some(relation((&x.capture, x.dimensions), (&y.capture, y.dimensions), &self.compared(a, b))),
        })
    }

    /// Returns whether two photos are still to be compared: an older version found them.
    pub fn is_pending(&self, a: PhotoId, b: PhotoId) -> bool {
        self.comparisons.get(&(a.min(b), a.max(b))) == Some(&Compared::NotYet)
    }

    /// Returns what was changed from one photo to another one. Nothing, if they were not compared.
    pub fn changes(&self, from: PhotoId, to: PhotoId) -> Vec<PhotoChange> {
        self.comparison(from, to).map(|comparison| changes(&comparison)).unwrap_or_default()
    }

    /// Returns how `a` lies in `b`.
    pub fn comparison(&self, a: PhotoId, b: PhotoId) -> Option<Comparison> {
        match self.compared(a, b) {
            Compared::Laid(comparison) if a < b => Some(comparison),
            Compared::Laid(comparison) => Some(comparison.swapped()),
            Compared::NotYet | Compared::Apart => None,
        }
    }

    fn compared(&self, a: PhotoId, b: PhotoId) -> Compared {
        self.comparisons.get(&(a.min(b), a.max(b))).copied().unwrap_or(Compared::NotYet)
    }

    fn is_one_star(&self, a: PhotoId, b: PhotoId) -> bool {
        self.sources.get(&a).is_some_and(|source| Some(source) == self.sources.get(&b))
    }

    /// Whether two photos of a star differ in size, compression and metadata only. Two versions do if both are copies of the
    /// source.
    fn is_copy(&self, a: PhotoId, b: PhotoId) -> bool {
        let is_copy = |from, to| Some(is_copy(&self.comparison(from, to)?));
        // Two that were not compared are copies of one source.
        let source = self.sources[&a];
        is_copy(a, b).unwrap_or_else(|| is_copy(source, a) == Some(true) && is_copy(source, b) == Some(true))
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

    fn add_stars(&mut self, pairs: &[Pair]) {
        let mut photos: Vec<PhotoId> = pairs.iter().flat_map(|pair| [pair.a, pair.b]).collect();
        photos.sort_unstable();
        photos.dedup();
        let at = |photo: PhotoId| photos.binary_search(&photo).expect("both photos of a pair are members");
        let near = |pair: &Pair| {
            let compared = self.compared(pair.a, pair.b);
            Near { a: at(pair.a), b: at(pair.b), distance: pair.distance, compared }
        };
        let members: Vec<Member> = photos.iter().map(|photo| member(&self.photos[photo])).collect();
        let near: Vec<Near> = pairs.iter().map(near).collect();
        let sources = sources(self.versions, &members, &near);
        self.held.extend(held(&members, &near).into_iter().map(|(a, b)| (photos[a], photos[b])));
        self.sources.extend(photos.iter().zip(sources).map(|(photo, source)| (*photo, photos[source])));
    }
}
