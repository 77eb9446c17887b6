//! From pairs in the store to clusters as they are answered.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::os::unix::ffi::OsStrExt;

use super::heads::Active;
use super::shared::Shared;
use crate::api::text_of;
use crate::api::types::{Cluster, ClusterPair, Photo};
use crate::likeness::{Candidate, Index, best_original, clusters as join, crowded, relation};
use crate::photo::{self, Decisions, Distance, Pair, PhotoId, Place, Relation, Verdict};
use crate::store::{PhotoRecord, Reader, Result, Wanted};

/// Whether a relation is asked for; by default all but moments.
pub fn shows(relations: &[Relation], relation: Relation) -> bool {
    if relations.is_empty() { relation != Relation::Moment } else { relations.contains(&relation) }
}

/// Whether pairs of different pictures are asked for at all.
pub fn shows_near(relations: &[Relation]) -> bool {
    [Relation::Copy, Relation::Moment, Relation::Unknown].into_iter().any(|r| shows(relations, r))
}

/// Whether a pair is near enough, seen how crowded it is around its photos.
pub fn counts(pair: &Pair, threshold: Distance, index: &Index) -> bool {
    crowded(pair.distance, index.crowd(pair.a), index.crowd(pair.b)) <= threshold
}

/// What clusters are made from.
pub struct Ground<'a> {
    pub reader: &'a Reader,
    pub active: &'a Active,
    pub decisions: &'a Decisions,
    /// Where roots are.
    pub shared: &'a Shared,
}

/// A cluster in its place among the others, its photos not yet put into words.
pub struct Found {
    pub rank: Rank,
    /// The representative first.
    pub members: Vec<PhotoId>,
    diameter: Distance,
    loose: bool,
    pairs: Vec<ClusterPair>,
}

/// Where a cluster comes: the one with most files first, then the one whose copies take most bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank {
    files: usize,
    spare: u64,
    pub id: String,
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.files, self.spare, self.id)
    }
}

impl FromStr for Rank {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Rank, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(());
        Ok(Rank { files: part()?.parse().map_err(drop)?, spare: part()?.parse().map_err(drop)?, id: part()?.to_owned() })
    }
}

/// The clusters of some scopes, and the photos they are of.
pub struct Clustering {
    pub found: Vec<Found>,
    photos: HashMap<PhotoId, PhotoRecord>,
}

impl Clustering {
    /// A cluster as it is answered.
    pub fn answer(&self, found: &Found, shared: &Shared) -> Cluster {
        let photos = found.members.iter().enumerate();
        Cluster {
            id: found.rank.id.clone(),
            diameter: found.diameter,
            loose: found.loose,
            photos: photos.map(|(place, id)| photo(&self.photos[id], place == 0, shared)).collect(),
            pairs: found.pairs.clone(),
        }
    }
}

/// What two photos are to each other: what a person said, or else what the camera did. Photos that
/// are decided to be different have no relation.
pub fn related(decisions: &Decisions, a: &PhotoRecord, b: &PhotoRecord) -> Option<Relation> {
    match decisions.of(a.picture, b.picture) {
        Some(Verdict::Same) => Some(Relation::Copy),
        Some(Verdict::Different) => None,
        None => Some(relation(&a.capture, &b.capture)),
    }
}

/// The clusters of the scopes, by [`Rank`].
pub fn clusters(ground: &Ground<'_>, scopes: &[Place], threshold: Distance, relations: &[Relation]) -> Result<Clustering> {
    let Ground { reader, active, decisions, shared } = *ground;
    let index = &active.index;
    let mut pairs = if shows_near(relations) { reader.pairs(active.number, threshold)? } else { Vec::new() };
    pairs.retain(|p| counts(p, threshold, index));
    let decided = if shows(relations, Relation::Copy) { decided(reader, decisions)? } else { Vec::new() };
    let named: HashSet<PhotoId> = pairs.iter().flat_map(|p| [p.a, p.b]).chain(decided.iter().flat_map(|&(a, b)| [a, b])).collect();
    let photos = reader.photos(scopes, Wanted::TheseAndSeveral(&named))?;
    let between = |a: PhotoId, b: PhotoId| Some(related(decisions, photos.get(&a)?, photos.get(&b)?));
    let is_shown = |a: PhotoId, b: PhotoId| between(a, b).map(|relation| relation.is_some_and(|r| shows(relations, r)));
    let how_far = |a: PhotoId, b: PhotoId| index.apart(a, b).unwrap_or(0.0);
    let here: Vec<Pair> = pairs.into_iter().filter(|p| is_shown(p.a, p.b) == Some(true)).collect();
    let is_here = |photo| photos.contains_key(&photo);
    let decided: Vec<Pair> =
        decided.into_iter().filter(|&(a, b)| is_here(a) && is_here(b)).map(|(a, b)| Pair::new(a, b, how_far(a, b))).collect();
    let apart = |a: PhotoId, b: PhotoId| is_shown(a, b) == Some(false);
    let identical = shows(relations, Relation::Identical);
    let alone: Vec<PhotoId> = photos.values().filter(|p| identical && p.files.len() > 1).map(|p| p.id).collect();
    let joined = join(&here, &decided, &alone, threshold, apart, how_far);
    let mut found: Vec<Found> = joined
        .iter()
        .map(|cluster| {
            let records: Vec<&PhotoRecord> = cluster.photos.iter().map(|id| &photos[id]).collect();
            ranked(cluster, &records, decisions, shared)
        })
        .collect();
    found.sort_unstable_by(|x, y| y.rank.cmp(&x.rank));
    Ok(Clustering { found, photos })
}

/// The photos in the index that a person said to be the same, two by two.
fn decided(reader: &Reader, decisions: &Decisions) -> Result<Vec<(PhotoId, PhotoId)>> {
    let mut pairs = Vec::new();
    for decision in decisions.iter().filter(|d| d.verdict == Verdict::Same) {
        if let (Some(a), Some(b)) = (reader.photo_of_picture(&decision.a)?, reader.photo_of_picture(&decision.b)?) {
            pairs.push((a, b));
        }
    }
    Ok(pairs)
}

fn ranked(cluster: &photo::Cluster, records: &[&PhotoRecord], decisions: &Decisions, shared: &Shared) -> Found {
    let first_paths: Vec<PathBuf> = records.iter().map(|r| shared.shown_path(&r.files[0].place)).collect();
    let candidates: Vec<Candidate<'_>> = records
        .iter()
        .zip(&first_paths)
        .map(|(r, path)| Candidate { dimensions: r.dimensions, format: r.format, capture: &r.capture, path })
        .collect();
    let best = best_original(&candidates);
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by(|&x, &y| {
        (x != best)
            .cmp(&(y != best))
            .then(records[y].dimensions.pixels().cmp(&records[x].dimensions.pixels()))
            .then(first_paths[x].cmp(&first_paths[y]))
    });
    let mut position = vec![0; records.len()];
    for (to, &from) in order.iter().enumerate() {
        position[from] = to;
    }
    let mut pairs: Vec<ClusterPair> = cluster
        .links
        .iter()
        .map(|link| {
            let (a, b) = (position[link.a], position[link.b]);
            ClusterPair {
                a: a.min(b),
                b: a.max(b),
                distance: link.distance,
                relation: related(decisions, records[link.a], records[link.b]).unwrap_or(Relation::Unknown),
            }
        })
        .collect();
    // By place, where distances are equal: the photos' own numbers depend on what was seen first.
    pairs.sort_by(|x, y| x.distance.total_cmp(&y.distance).then((x.a, x.b).cmp(&(y.a, y.b))));
    let all_bytes: u64 = records.iter().map(|r| r.files[0].bytes * r.files.len() as u64).sum();
    Found {
        rank: Rank { files: records.iter().map(|r| r.files.len()).sum(), spare: all_bytes - records[best].files[0].bytes, id: id(records) },
        members: order.iter().map(|&i| records[i].id).collect(),
        diameter: cluster.diameter,
        loose: cluster.loose,
        pairs,
    }
}

/// A cluster's name: of the pictures alone, so that a move or a rename keeps it.
fn id(records: &[&PhotoRecord]) -> String {
    let mut pictures: Vec<_> = records.iter().map(|r| r.picture).collect();
    pictures.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for picture in pictures {
        hasher.update(&picture.0);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// A photo with its files, by absolute path.
pub fn photo(record: &PhotoRecord, representative: bool, shared: &Shared) -> Photo {
    let mut files: Vec<(PathBuf, bool)> = record.files.iter().map(|f| (shared.shown_path(&f.place), shared.is_here(&f.place))).collect();
    files.sort_unstable();
    let texts: Vec<_> = files.iter().map(|(path, _)| text_of(path)).collect();
    let lossy = texts.iter().any(|t| t.path_bytes.is_some());
    Photo {
        path: texts[0].clone(),
        paths_bytes: lossy.then(|| files.iter().map(|(path, _)| STANDARD.encode(path.as_os_str().as_bytes())).collect()),
        paths: texts.into_iter().map(|t| t.path).collect(),
        offline: files.iter().enumerate().filter(|(_, (_, is_here))| !is_here).map(|(place, _)| place).collect(),
        bytes: record.files[0].bytes,
        width: record.dimensions.width,
        height: record.dimensions.height,
        format: record.format,
        taken: record.capture.taken.clone(),
        representative,
    }
}
