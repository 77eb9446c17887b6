//! Clusters: photos that are versions of each other, from the pairs in the store.

use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::roots::Roots;
use super::{Context, decided_same, related, shows, shows_near};
use crate::likeness::{Candidate, Index, best_original, clusters as join, normalized};
use crate::photo::{self, Decisions, Distance, Pair, PhotoId, Place, Relation};
use crate::store::{PhotoRecord, Result, Wanted};

/// Returns whether the normalised distance of a pair is within the threshold.
pub fn counts(pair: &Pair, threshold: Distance, index: &Index) -> bool {
    normalized(pair.distance, index.density(pair.a), index.density(pair.b)) <= threshold
}

/// A cluster with its rank among the others.
pub struct Found {
    pub rank: Rank,
    /// The best original first.
    pub members: Vec<PhotoId>,
    pub diameter: Distance,
    pub loose: bool,
    pub edges: Vec<Edge>,
}

/// A pair inside a cluster, by position in `members`, `a < b`.
#[derive(Clone, PartialEq, Debug)]
pub struct Edge {
    pub a: usize,
    pub b: usize,
    pub distance: Distance,
    pub relation: Relation,
}

/// Orders clusters: an answer begins with the clusters that have the most files, then those whose copies take the most
/// bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank {
    files: usize,
    /// The bytes of all files except one file of the best original.
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

/// The clusters of some scopes, with their photos.
pub struct Clustering {
    pub found: Vec<Found>,
    photos: HashMap<PhotoId, PhotoRecord>,
}

impl Clustering {
    /// Returns a photo of one of the clusters.
    pub fn photo(&self, id: PhotoId) -> &PhotoRecord {
        &self.photos[&id]
    }
}

/// Returns the clusters of the scopes, in the order of [`Rank`].
pub fn clusters(context: &Context<'_>, scopes: &[Place], threshold: Distance, relations: &[Relation]) -> Result<Clustering> {
    let Context { reader, generation, decisions, roots } = *context;
    let index = &generation.index;
    let mut pairs = if shows_near(relations) { reader.pairs(generation.number, threshold)? } else { Vec::new() };
    pairs.retain(|p| counts(p, threshold, index));
    let decided = if shows(relations, Relation::Copy) { decided_same(reader, decisions)? } else { Vec::new() };
    let named: HashSet<PhotoId> = pairs.iter().flat_map(|p| [p.a, p.b]).chain(decided.iter().flat_map(|&(a, b)| [a, b])).collect();
    let photos = reader.photos(scopes, Wanted::TheseAndSeveral(&named))?;
    let between = |a: PhotoId, b: PhotoId| Some(related(decisions, photos.get(&a)?, photos.get(&b)?));
    let is_shown = |a: PhotoId, b: PhotoId| between(a, b).map(|relation| relation.is_some_and(|r| shows(relations, r)));
    let distance = |a: PhotoId, b: PhotoId| index.distance(a, b).unwrap_or(0.0);
    let here: Vec<Pair> = pairs.into_iter().filter(|p| is_shown(p.a, p.b) == Some(true)).collect();
    let is_here = |photo| photos.contains_key(&photo);
    let decided: Vec<Pair> =
        decided.into_iter().filter(|&(a, b)| is_here(a) && is_here(b)).map(|(a, b)| Pair::new(a, b, distance(a, b))).collect();
    let cannot_link = |a: PhotoId, b: PhotoId| is_shown(a, b) == Some(false);
    let identical = shows(relations, Relation::Identical);
    let alone: Vec<PhotoId> = photos.values().filter(|p| identical && p.files.len() > 1).map(|p| p.id).collect();
    let joined = join(&here, &decided, &alone, threshold, cannot_link, distance);
    let mut found: Vec<Found> = joined
        .iter()
        .map(|cluster| {
            let records: Vec<&PhotoRecord> = cluster.photos.iter().map(|id| &photos[id]).collect();
            ranked(cluster, &records, decisions, roots)
        })
        .collect();
    found.sort_unstable_by(|x, y| y.rank.cmp(&x.rank));
    Ok(Clustering { found, photos })
}

fn ranked(cluster: &photo::Cluster, records: &[&PhotoRecord], decisions: &Decisions, roots: &Roots) -> Found {
    let first_paths: Vec<PathBuf> = records.iter().map(|r| roots.shown_path(&r.files[0].place)).collect();
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
    let mut edges: Vec<Edge> = cluster
        .links
        .iter()
        .map(|link| {
            let (a, b) = (position[link.a], position[link.b]);
            Edge {
                a: a.min(b),
                b: a.max(b),
                distance: link.distance,
                relation: related(decisions, records[link.a], records[link.b]).unwrap_or(Relation::Unknown),
            }
        })
        .collect();
    // Equal distances are ordered by position, because photo ids depend on which photo was seen first.
    edges.sort_by(|x, y| x.distance.total_cmp(&y.distance).then((x.a, x.b).cmp(&(y.a, y.b))));
    let all_bytes: u64 = records.iter().map(|r| r.files[0].bytes * r.files.len() as u64).sum();
    Found {
        rank: Rank { files: records.iter().map(|r| r.files.len()).sum(), spare: all_bytes - records[best].files[0].bytes, id: id(records) },
        members: order.iter().map(|&i| records[i].id).collect(),
        diameter: cluster.diameter,
        loose: cluster.loose,
        edges,
    }
}

/// Returns the id of a cluster. It depends on the picture hashes alone, so moves and renames do not change it.
fn id(records: &[&PhotoRecord]) -> String {
    let mut pictures: Vec<_> = records.iter().map(|r| r.picture).collect();
    pictures.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for picture in pictures {
        hasher.update(&picture.0);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// A file of a photo.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FileOfPhoto {
    /// Absolute.
    pub path: PathBuf,
    /// Whether it can be read now, as far as is known.
    pub is_here: bool,
}

/// Returns the files of a photo, sorted by path.
pub fn files_of(record: &PhotoRecord, roots: &Roots) -> Vec<FileOfPhoto> {
    let file = |place| FileOfPhoto { path: roots.shown_path(place), is_here: roots.is_here(place) };
    let mut files: Vec<FileOfPhoto> = record.files.iter().map(|f| file(&f.place)).collect();
    files.sort_unstable();
    files
}
