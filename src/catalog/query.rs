//! Queries by picture: a picture that is not in the library, compared with those that are, or two such pictures.

use std::collections::{HashMap, HashSet};
use std::io::{Seek, SeekFrom, Write as _};
use std::path::Path;

use thiserror::Error;

use super::generation::{Generation, UsableHead, descriptors};
use crate::likeness::{self, CropHead, Head, Index, densities, global_only, normalized, relation, verified};
use crate::photo::{Decisions, Descriptors, Distance, Identity, Keypoints, PhotoId, Place, Relation, StoredFeatures, Verdict};
use crate::store::{self, PhotoRecord, Positives, Reader, Wanted};
use crate::vision::backbone::Runner;
use crate::vision::decode::Decoded;
use crate::vision::keypoints::keypoints;
use crate::vision::sandbox;

/// Photos embedded at once for a head that does not answer.
const EMBED_BATCH: usize = 1024;

/// Why a picture was not compared.
#[derive(Debug, Error)]
pub enum Error {
    /// It is not a picture that can be read.
    #[error("{0}")]
    NotReadable(String),
    #[error(transparent)]
    Store(#[from] store::Error),
    /// This machine's fault.
    #[error("{0}")]
    Internal(String),
}

/// Reads pictures, as any other, in a child, and compares them.
pub struct Queries {
    pub reader: sandbox::Reader,
    pub runner: Runner,
    pub crop_head: CropHead,
    /// The library under a head that does not answer: the one asked for last.
    pub other: Option<(Head, Index)>,
}

/// A picture that came with a question.
pub struct Asked {
    identity: Identity,
    decoded: Decoded,
    stored: StoredFeatures,
}

/// A photo of the library near a picture.
pub struct Neighbour<'a> {
    pub record: &'a PhotoRecord,
    pub distance: Distance,
    pub relation: Relation,
}

/// What two pictures are to each other.
pub struct Comparison {
    pub distance: Distance,
    /// The distance normalized by the local density: larger where many photos are as much alike.
    pub normalized: Distance,
    pub relation: Relation,
    /// What a person decided.
    pub decided: Option<Verdict>,
    /// In words, one difference each.
    pub differences: Vec<String>,
}

impl Queries {
    /// Reads a picture, by way of a temporary file in `folder`.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub fn read(&mut self, bytes: &[u8], folder: &Path) -> Result<Asked, Error> {
        let internal = |e: &dyn std::fmt::Display| Error::Internal(e.to_string());
        let mut file = tempfile::tempfile_in(folder).map_err(|e| internal(&e))?;
        file.write_all(bytes).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(|e| internal(&e))?;
        let refused = |problem: sandbox::Problem| match problem {
            sandbox::Problem::Photo(failure) => Error::NotReadable(failure.reason),
            sandbox::Problem::Child(e) => internal(&e),
        };
        let identity = self.reader.identify(&file).map_err(refused)?;
        let decoded = self.reader.decode().map_err(refused)?;
        let (global, crops) = self.runner.features_and_crops(&decoded.picture).map_err(|e| internal(&e))?;
        let stored = self.crop_head.stored_features(global, &crops, keypoints(&decoded.picture));
        Ok(Asked { identity, decoded, stored })
    }

    /// As [`nearest`], under a head that does not answer.
    ///
    /// # Errors
    /// Those of the store.
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

    /// The library under another head.
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

/// The photos nearest to a picture, nearest first: more than `count`, as some may have no file any more.
///
/// # Errors
/// Those of the store.
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
    // Photos whose files are all gone stay in the index: ask for more than will be shown.
    let wanted = count.saturating_mul(2).saturating_add(64);
    match positives {
        Positives::Edits => verified_all(reader, &asked.stored.keypoints, index.nearest(&descriptors(head, &asked.stored), wanted)),
        // What photos of a folder have in common is in their global descriptors.
        Positives::Folders => Ok(index.nearest(&global_only(head.embed(&asked.stored.features)), wanted)),
    }
}

/// What the photos near a picture are to it, `count` at most; `photos` holds those that have files.
pub fn neighbours<'a>(
    asked: &Asked,
    nearest: &[(PhotoId, Distance)],
    photos: &'a HashMap<PhotoId, PhotoRecord>,
    decisions: &Decisions,
    count: usize,
) -> Vec<Neighbour<'a>> {
    let near = nearest.iter().filter_map(|(photo, distance)| Some((photos.get(photo)?, *distance))).take(count);
    near.map(|(record, distance)| Neighbour { record, distance, relation: between(decisions, record, asked) }).collect()
}

/// The records of photos, as far as they have files in the scopes.
///
/// # Errors
/// Those of the store.
pub fn records(reader: &Reader, scopes: &[Place], nearest: &[(PhotoId, Distance)]) -> store::Result<HashMap<PhotoId, PhotoRecord>> {
    let named: HashSet<PhotoId> = nearest.iter().map(|(photo, _)| *photo).collect();
    reader.photos(scopes, Wanted::These(&named))
}

/// Two pictures, as if they came to the library now.
pub fn compare(generation: &Generation, decisions: &Decisions, a: &Asked, b: &Asked) -> Comparison {
    let is_one = a.identity.picture == b.identity.picture;
    let (distance, normalized) = if is_one { (0.0, 0.0) } else { distances(generation, a, b) };
    let decided = decisions.of(a.identity.picture, b.identity.picture);
    let relation = match decided {
        _ if is_one => Relation::Identical,
        Some(Verdict::Same) => Relation::Copy,
        _ => relation(&a.decoded.capture, &b.decoded.capture),
    };
    Comparison { distance, normalized, relation, decided, differences: differences(a, b) }
}

/// How far apart two pictures are, alone and among the photos of the library.
fn distances(generation: &Generation, a: &Asked, b: &Asked) -> (f32, f32) {
    let descriptors = |asked: &Asked| descriptors(&generation.head, &asked.stored);
    let new: [(PhotoId, Descriptors); 2] = [(PhotoId(i64::MAX - 1), descriptors(a)), (PhotoId(i64::MAX), descriptors(b))];
    let distance = verified(likeness::distance(&new[0].1, &new[1].1), &a.stored.keypoints, &b.stored.keypoints);
    let densities = densities(&generation.index, &new, &new.iter().map(|(photo, _)| *photo).collect());
    (distance, normalized(distance, densities[0].1.mean_similarity, densities[1].1.mean_similarity))
}

/// Photos with their distances after geometric verification, nearest first.
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

fn between(decisions: &Decisions, record: &PhotoRecord, asked: &Asked) -> Relation {
    match decisions.of(record.picture, asked.identity.picture) {
        _ if record.picture == asked.identity.picture => Relation::Identical,
        Some(Verdict::Same) => Relation::Copy,
        _ => relation(&record.capture, &asked.decoded.capture),
    }
}

fn differences(a: &Asked, b: &Asked) -> Vec<String> {
    let mut out = Vec::new();
    let mut differ = |what: &str, a: String, b: String| {
        if a != b {
            out.push(format!("{what}: {a}, {b}"));
        }
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
    let (x, y) = (&a.identity, &b.identity);
    differ("format", x.format.to_string(), y.format.to_string());
    differ(
        "dimensions",
        format!("{} × {}", x.dimensions.width, x.dimensions.height),
        format!("{} × {}", y.dimensions.width, y.dimensions.height),
    );
    let (x, y) = (&a.decoded.capture, &b.decoded.capture);
    differ("taken", or_none(&x.taken), or_none(&y.taken));
    differ("camera", or_none(&x.model), or_none(&y.model));
    if a.identity.content == b.identity.content {
        out.push("nothing: the files are byte for byte the same".into());
    } else if a.identity.picture == b.identity.picture {
        out.push("metadata only: the picture data is the same".into());
    }
    out
}
