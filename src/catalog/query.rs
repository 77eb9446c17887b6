//! Image queries: compare a picture with the photos of the library, or with another picture.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{Seek, SeekFrom, Write as _};
use std::path::Path;

use thiserror::Error;

use super::Context;
use super::clusters::clusters_of;
use super::differences::{Told, differences};
use super::encoder::Encoder;
use super::generation::{Generation, UsableHead, descriptors};
use super::relations::{MIN_AGREEMENT, Relations, framed, member, of_two, overlap, reasons_of};
use super::shots::{add_shots, are_of_one_shot};
use crate::likeness::{
    self, Candidate, Framed, Ground, Head, Index, Member, SourceOrder, VersionModel, are_of_one_document, changes, densities, global_only,
    is_series, normalized, source_first, verified,
};
use crate::photo::{
    self, Compared, Decisions, Descriptors, Direction, Distance, Evidence, Exposure, Identity, Keypoints, Metadata, PhotoChange, PhotoId,
    Place, Reason, Relation, SourceRule, StoredFeatures, Verdict,
};
use crate::store::{self, PhotoRecord, Positives, Reader, Wanted};
use crate::vision::decode::Decoded;
use crate::vision::kept::{keep, picture};
use crate::vision::sandbox;

/// Photos embedded at once for a head that is not in use.
const EMBED_BATCH: usize = 1024;

/// Why a picture was not compared.
#[derive(Debug, Error)]
pub enum Error {
    /// The bytes are not a picture that can be read.
    #[error("{0}")]
    NotReadable(String),
    #[error(transparent)]
    Store(#[from] store::Error),
    /// This machine is the cause, not the picture.
    #[error("{0}")]
    Internal(String),
}

/// Reads the pictures of queries, like photos of the library, in a decoding process.
pub struct Queries {
    pub decoder: sandbox::Decoder,
    pub encoder: Encoder,
    /// The last head in a query that is not in use, and the library embedded by it.
    pub other: Option<(Head, Index)>,
}

/// The picture of a query.
pub struct Asked {
    identity: Identity,
    metadata: Metadata,
    bytes: u64,
    decoded: Decoded,
    stored: StoredFeatures,
}

impl Asked {
    fn framed(&self) -> Framed<'_> {
        framed(&self.decoded.picture, &self.stored.keypoints)
    }

    fn member(&self) -> Member {
        let Identity { picture, dimensions, format, quantisation, .. } = self.identity;
        // With what XMP says. Its name is not known.
        Member { picture, dimensions, format, quantisation, capture: self.metadata.capture.clone(), names: Vec::new() }
    }

    /// What is told of it and its file.
    fn told(&self) -> Told<'_> {
        Told { identity: &self.identity, metadata: &self.metadata, bytes: self.bytes }
    }

    /// As a photo that may be the source of another one. Its path and the time of its file are not known.
    fn candidate(&self) -> Candidate<'_> {
        Candidate {
            dimensions: self.identity.dimensions,
            format: self.identity.format,
            capture: &self.decoded.capture,
            software: self.metadata.software.as_deref(),
            detail: self.decoded.detail,
            quantisation: self.identity.quantisation,
            has_position: self.metadata.description.position.is_some(),
            bytes: self.bytes.saturating_sub(self.metadata.padding_bytes()),
            mtime: 0,
            path: Path::new(""),
        }
    }
}

/// A photo of the library near a picture.
pub struct Neighbour<'a> {
    pub record: &'a PhotoRecord,
    pub distance: Distance,
    pub relation: Relation,
    /// The decision of a person, if there is one.
    pub decided: Option<Verdict>,
}

/// How a picture was taken, as far as its file says it.
pub struct TakenWith {
    pub exposure: Exposure,
    /// The model of the lens.
    pub lens: Option<String>,
}

/// The comparison of two pictures.
pub struct Comparison {
    pub distance: Distance,
    /// The normalised distance: larger if many photos of the library are as similar.
    pub normalized: Distance,
    pub of_two: OfTwo,
    /// Whether both are in the index. Then the relation is that of an answer about the whole library, where other photos count
    /// too.
    pub is_indexed: bool,
    /// Whether files of both are in one shot.
    pub is_one_shot: bool,
    /// The decision of a person, if there is one.
    pub decided: Option<Verdict>,
    /// The score of the version model for the two by themselves. `None` if something else tells their relation.
    pub score: Option<f32>,
    /// How the first lies in the second, and the scale in pixels of the files. `None` if it is not found there, or if both are
    /// one.
    pub laid: Option<(photo::Comparison, f64)>,
    pub taken: [TakenWith; 2],
    /// One line of text for each difference.
    pub differences: Vec<String>,
}

impl Comparison {
    /// Returns how the relation was told.
    pub fn evidence(&self) -> Evidence {
        let direction = self.of_two.source.map(|source| if source == 0 { Direction::AToB } else { Direction::BToA });
        Evidence { direction, overlap: self.laid.map(|(laid, _)| overlap(&laid)), reasons: self.of_two.reasons.clone() }
    }
}

impl Queries {
    /// Reads a picture. It is written to a temporary file in `folder`, because the decoding process takes an open file.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub fn read(&mut self, bytes: &[u8], folder: &Path) -> Result<Asked, Error> {
        let internal = |e: &dyn std::fmt::Display| Error::Internal(e.to_string());
        let mut file = tempfile::tempfile_in(folder).map_err(|e| internal(&e))?;
        file.write_all(bytes).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(|e| internal(&e))?;
        let refused = |problem: sandbox::DecodeError| match problem {
            sandbox::DecodeError::Photo(failure) => Error::NotReadable(failure.reason),
            sandbox::DecodeError::Child(e) => internal(&e),
        };
        let (identity, metadata) = self.decoder.identify(&file).map_err(refused)?;
        let decoded = self.decoder.decode().map_err(refused)?;
        // As it would be kept, so that the same photo in the library is at distance 0.
        let decoded = Decoded { picture: picture(&keep(&decoded.picture, identity.format)).map_err(|e| internal(&e))?, ..decoded };
        let stored = self.encoder.encode(&decoded.picture).map_err(|e| internal(&e))?;
        Ok(Asked { identity, metadata, bytes: bytes.len() as u64, decoded, stored })
    }

    /// Does the same as [`nearest`], for a head that is not in use.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn nearest_under(
        &mut self,
        head: UsableHead,
        reader: &Reader,
        asked: &Asked,
        count: usize,
    ) -> store::Result<Vec<(PhotoId, Distance)>> {
        let positives = head.positives;
        let (head, index) = self.library_under(head, reader)?;
        near(head, index, positives, reader, asked, count)
    }

    /// Returns the library embedded by a head that is not in use. New photos are added to the last such library.
    fn library_under(&mut self, asked: UsableHead, reader: &Reader) -> store::Result<&(Head, Index)> {
        let kept = self.other.take().filter(|(head, _)| head.fingerprint() == asked.head.fingerprint());
        let (head, mut index) = kept.unwrap_or_else(|| {
            let index = Index::new(asked.head.dimensions());
            (asked.head, index)
        });
        loop {
            let missing = reader.stored_features_after(index.last(), EMBED_BATCH)?;
            if missing.is_empty() {
                return Ok(self.other.insert((head, index)));
            }
            missing.iter().for_each(|(photo, stored)| index.add(*photo, &descriptors(&head, stored)));
        }
    }
}

/// Returns the photos nearest to a picture, nearest first. They are more than `count`, because some may have no files
/// any more.
///
/// # Errors
/// If the store cannot be read.
pub fn nearest(generation: &Generation, reader: &Reader, asked: &Asked, count: usize) -> store::Result<Vec<(PhotoId, Distance)>> {
    near(&generation.head, &generation.index, Positives::Edits, reader, asked, count)
}

fn near(
    head: &Head,
    index: &Index,
    positives: Positives,
    reader: &Reader,
    asked: &Asked,
    count: usize,
) -> store::Result<Vec<(PhotoId, Distance)>> {
    // Photos whose files are all gone stay in the index, so more are searched than will be shown.
    let wanted = count.saturating_mul(2).saturating_add(64);
    match positives {
        Positives::Edits | Positives::Decisions => {
            verified_all(reader, &asked.stored.keypoints, index.nearest(&descriptors(head, &asked.stored), wanted))
        }
        // A head for folders is trained on global descriptors only.
        Positives::Folders => Ok(index.nearest(&global_only(head.embed(&asked.stored.features)), wanted)),
    }
}

/// What decides the relation of two photos, apart from the photos.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub versions: &'a VersionModel,
    pub decisions: &'a Decisions,
}

/// Returns up to `count` photos near a picture, with their relation to it. Photos that are not in `photos` have no
/// files and are left out.
///
/// # Errors
/// If the store cannot be read.
pub fn neighbours<'a>(
    reader: &Reader,
    asked: &Asked,
    nearest: &[(PhotoId, Distance)],
    photos: &'a HashMap<PhotoId, PhotoRecord>,
    known: Known<'_>,
    count: usize,
) -> store::Result<Vec<Neighbour<'a>>> {
    let near = nearest.iter().filter_map(|(photo, distance)| Some((photos.get(photo)?, *distance))).take(count);
    let neighbour = |(record, distance): (&'a PhotoRecord, Distance)| {
        let decided = known.decisions.of(record.picture, asked.identity.picture);
        Ok(Neighbour { record, distance, relation: between(reader, known, record, distance, asked)?, decided })
    };
    near.map(neighbour).collect()
}

/// Returns the records of those photos that have files in the scopes.
///
/// # Errors
/// If the store cannot be read.
pub fn records(
    reader: &Reader,
    decisions: &Decisions,
    scopes: &[Place],
    nearest: &[(PhotoId, Distance)],
) -> store::Result<HashMap<PhotoId, PhotoRecord>> {
    let named: HashSet<PhotoId> = nearest.iter().map(|(photo, _)| *photo).collect();
    let mut photos = reader.photos(scopes, Wanted::These(&named))?;
    add_shots(reader, decisions, &mut photos)?;
    Ok(photos)
}

/// Compares two pictures. If both are in the index, they are to each other what an answer about the whole library says, else
/// what they are by themselves.
///
/// # Errors
/// If the store cannot be read.
pub fn compare(context: &Context<'_>, a: &Asked, b: &Asked) -> store::Result<Comparison> {
    let is_one = a.identity.picture == b.identity.picture;
    let (distance, mut normalized) = if is_one { (0.0, 0.0) } else { distances(context.generation, a, b) };
    let decided = context.decisions.of(a.identity.picture, b.identity.picture);
    let laid = if is_one { None } else { likeness::compare(a.framed(), b.framed()) };
    let in_index = if is_one { None } else { in_index(context, a, b)? };
    if let Some(InIndex { photos: [a, b], .. }) = in_index {
        let index = &context.generation.index;
        normalized = self::normalized(distance, index.density(a), index.density(b));
    }
    let is_indexed = in_index.is_some();
    let is_joined = normalized <= context.generation.threshold || decided == Some(Verdict::Same);
    let of_two = match in_index {
        _ if is_one => OfTwo { relation: Relation::Identical, ..OfTwo::unknown(Reason::SamePicture) },
        Some(found) if is_joined || found.are_together => found.of_two,
        None if is_joined && decided != Some(Verdict::Different) => by_themselves(context, a, b, distance, laid),
        _ => OfTwo::unknown(decided.map_or(Reason::Distance, Reason::Decision)),
    };
    let of_two = with_rule(of_two, a, b, laid);
    let relation = of_two.relation;
    let laid = laid.filter(|comparison| is_version(relation) || comparison.fine.agreement >= MIN_AGREEMENT);
    let (first, second) = (a.member(), b.member());
    let is_told = decided.is_some() || relation == Relation::Part || is_series(&first.capture, &second.capture);
    let is_told_by = |comparison: &photo::Comparison| is_told || are_of_one_document(&first, &second, comparison);
    let score = laid.filter(|comparison| !is_told_by(comparison)).map(|comparison| context.versions.score(&first, &second, &comparison));
    let laid = laid.map(|comparison| (comparison, comparison.scale(a.identity.dimensions, b.identity.dimensions)));
    let taken =
        [a, b].map(|Asked { metadata, decoded, .. }| TakenWith { exposure: decoded.capture.exposure, lens: metadata.capture.lens.clone() });
    let differences = differences([a, b].map(Asked::told));
    let is_one_shot = !is_one && is_one_shot(context, a, b)?;
    Ok(Comparison { distance, normalized, of_two, is_indexed, is_one_shot, decided, score, laid, taken, differences })
}

/// What two photos are to each other.
pub struct OfTwo {
    pub relation: Relation,
    /// Which of the two is the source, if one is a version of the other: 0 or 1.
    pub source: Option<usize>,
    /// The rule that chose the source.
    pub source_by: Option<SourceRule>,
    /// Whether one is the source of the other, and nothing tells which.
    pub is_tie: bool,
    /// What was changed from the source.
    pub changes: Vec<PhotoChange>,
    /// Why. Which is the version of the other, and what both show, is not among it.
    pub reasons: Vec<Reason>,
}

impl OfTwo {
    fn unknown(reason: Reason) -> OfTwo {
        OfTwo { relation: Relation::Unknown, source: None, source_by: None, is_tie: false, changes: Vec::new(), reasons: vec![reason] }
    }
}

/// What an answer about the whole library says of two photos.
struct InIndex {
    photos: [PhotoId; 2],
    of_two: OfTwo,
    /// Whether they are in one cluster.
    are_together: bool,
}

/// Returns whether files of two pictures are in one shot.
fn is_one_shot(context: &Context<'_>, a: &Asked, b: &Asked) -> store::Result<bool> {
    let photo = |asked: &Asked| context.reader.photo_of_picture(&asked.identity.picture);
    let Some((a, b)) = photo(a)?.zip(photo(b)?) else { return Ok(false) };
    let mut photos = context.reader.photos(&context.roots.scopes(), Wanted::These(&[a, b].into()))?;
    add_shots(context.reader, context.decisions, &mut photos)?;
    Ok(photos.get(&a).zip(photos.get(&b)).is_some_and(|(a, b)| are_of_one_shot(a, b)))
}

/// Returns what an answer about the whole library says of two pictures. `None` if one of them is not in the index, or near no
/// other photo.
fn in_index(context: &Context<'_>, a: &Asked, b: &Asked) -> store::Result<Option<InIndex>> {
    let photo = |asked: &Asked| context.reader.photo_of_picture(&asked.identity.picture);
    let Some((a, b)) = photo(a)?.zip(photo(b)?) else { return Ok(None) };
    let told = |known: &Relations<'_>, from: PhotoId, to: PhotoId| (known.changes(from, to), known.evidence(from, to).reasons);
    let more = |known: &Relations<'_>| Some((known.between(a, b)?, told(known, a, b), told(known, b, a)));
    let (found, Some((relation, forward, back))) = clusters_of(context, &[a, b], more)? else { return Ok(None) };
    let relation = relation.unwrap_or(Relation::Unknown);
    let together = found.iter().find(|found| [a, b].iter().all(|photo| found.members.contains(photo)));
    // Both may be versions of a third photo.
    let of_source = together.filter(|_| is_version(relation)).and_then(|found| {
        let source = [a, b].iter().position(|photo| *photo == found.members[0])?;
        let version = [a, b][1 - source];
        // The rule is about the source and the second photo of the cluster.
        let rule = found.rule.filter(|_| found.members.get(1) == Some(&version));
        Some((source, rule, found.ties.iter().any(|tie| found.members[*tie] == version)))
    });
    let is_tie = of_source.is_some_and(|(.., is_tie)| is_tie);
    let (source, source_by) = of_source.filter(|_| !is_tie).map_or((None, None), |(source, rule, _)| (Some(source), rule));
    let (changes, reasons) = if source == Some(1) { back } else { forward };
    let changes = if source.is_some() && relation == Relation::Edit { changes } else { Vec::new() };
    Ok(Some(InIndex {
        photos: [a, b],
        of_two: OfTwo { relation, source, source_by, is_tie, changes, reasons },
        are_together: together.is_some(),
    }))
}

/// Adds the rule that chose the source, if it is that of the two by themselves too.
fn with_rule(of_two: OfTwo, a: &Asked, b: &Asked, laid: Option<photo::Comparison>) -> OfTwo {
    let Some((source, comparison)) = of_two.source.zip(laid).filter(|_| of_two.source_by.is_none()) else { return of_two };
    let SourceOrder { order, rule, .. } = source_first(&[a.candidate(), b.candidate()], &[(0, 1, comparison)]);
    OfTwo { source_by: rule.filter(|_| order[0] == source), ..of_two }
}

/// Returns what two pictures are to each other if no other photo counts.
fn by_themselves(context: &Context<'_>, a: &Asked, b: &Asked, distance: Distance, laid: Option<photo::Comparison>) -> OfTwo {
    let (members, compared) = ([a.member(), b.member()], laid.map_or(Compared::Apart, Compared::Laid));
    let relation = of_two(context.versions, &members, distance, compared);
    let ground = if is_version(relation) { Ground::Star } else { Ground::Two };
    let decided = context.decisions.of(a.identity.picture, b.identity.picture);
    let relation = if decided == Some(Verdict::Same) { as_decided(relation) } else { relation };
    let reasons = |[a, b]: [&Member; 2], compared| reasons_of(context.versions, [a, b], &compared, ground, decided);
    let [first, second] = &members;
    let Some(comparison) = laid.filter(|_| is_version(relation)) else {
        let reasons = reasons([first, second], compared);
        return OfTwo { relation, source: None, source_by: None, is_tie: false, changes: Vec::new(), reasons };
    };
    let SourceOrder { order, rule, ties, enlarged } = source_first(&[a.candidate(), b.candidate()], &[(0, 1, comparison)]);
    let is_tie = !ties.is_empty();
    let source = (!is_tie).then_some(order[0]);
    // From the source to its version.
    let (from_to, comparison) = if source == Some(1) { ([second, first], comparison.swapped()) } else { ([first, second], comparison) };
    let mut reasons = reasons(from_to, Compared::Laid(comparison));
    reasons.extend((!enlarged.is_empty()).then_some(Reason::Enlarged));
    let changes = if source.is_some() && relation == Relation::Edit { changes(&comparison) } else { Vec::new() };
    OfTwo { relation, source, source_by: rule.filter(|_| !is_tie), is_tie, changes, reasons }
}

fn is_version(relation: Relation) -> bool {
    matches!(relation, Relation::Copy | Relation::Edit)
}

/// Returns the distance of two pictures, and their normalised distance among the photos of the library.
fn distances(generation: &Generation, a: &Asked, b: &Asked) -> (f32, f32) {
    let descriptors = |asked: &Asked| descriptors(&generation.head, &asked.stored);
    let new: [(PhotoId, Descriptors); 2] = [(PhotoId(i64::MAX - 1), descriptors(a)), (PhotoId(i64::MAX), descriptors(b))];
    let distance = verified(likeness::distance(&new[0].1, &new[1].1), &a.stored.keypoints, &b.stored.keypoints);
    let densities = densities(&generation.index, &new, &new.iter().map(|(photo, _)| *photo).collect());
    (distance, normalized(distance, densities[0].1.mean_similarity, densities[1].1.mean_similarity))
}

/// Returns the photos with their distances after geometric verification, nearest first.
fn verified_all(reader: &Reader, asked: &Keypoints, mut nearest: Vec<(PhotoId, Distance)>) -> store::Result<Vec<(PhotoId, Distance)>> {
    let keypoints = reader.keypoints_of(&nearest.iter().map(|(photo, _)| *photo).collect())?;
    for (photo, distance) in &mut nearest {
        if let Some(points) = keypoints.get(photo) {
            *distance = verified(*distance, asked, points);
        }
    }
    nearest.sort_by(|x, y| x.1.total_cmp(&y.1).then(x.0.cmp(&y.0)));
    Ok(nearest)
}

/// Returns the relation of a photo of the library to a picture, by its kept picture.
fn between(reader: &Reader, known: Known<'_>, record: &PhotoRecord, distance: Distance, asked: &Asked) -> store::Result<Relation> {
    Ok(match known.decisions.of(record.picture, asked.identity.picture) {
        _ if record.picture == asked.identity.picture => Relation::Identical,
        verdict => {
            let kept = reader.kept_picture(&record.picture).and_then(|kept| picture(&kept).ok());
            let keypoints = reader.keypoints_of(&BTreeSet::from([record.id]))?;
            let compared = match kept.as_ref().zip(keypoints.get(&record.id)) {
                Some((kept, points)) => likeness::compare(framed(kept, points), asked.framed()).map_or(Compared::Apart, Compared::Laid),
                None => Compared::NotYet,
            };
            let relation = of_two(known.versions, &[member(record), asked.member()], distance, compared);
            if verdict == Some(Verdict::Same) { as_decided(relation) } else { relation }
        }
    })
}

/// The relation of two photos that a person decided to be the same. That does not say that nothing was changed.
fn as_decided(relation: Relation) -> Relation {
    if relation == Relation::Copy { Relation::Copy } else { Relation::Edit }
}
