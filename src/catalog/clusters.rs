//! Clusters: photos that are versions of each other, from the pairs in the store.

use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::files::{FileOfPhoto, count_files, files_of};
use super::roots::Roots;
use super::{Context, decided_same, related, shows, shows_near};
use crate::likeness::{Candidate, Index, best_original, clusters as joined_by, normalized};
use crate::photo::{self, Decisions, Distance, Link, Pair, PhotoId, Place, Relation};
use crate::store::{FileRecord, PhotoRecord, Result, Wanted};

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
    /// Photos that are left out as frames of a series.
    pub series: u64,
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
    let is_left_out = |p: &&Pair| between(p.a, p.b) == Some(Some(Relation::Series)) && !shows(relations, Relation::Series);
    let series: HashSet<PhotoId> = pairs.iter().filter(is_left_out).flat_map(|p| [p.a, p.b]).collect();
    let here: Vec<Pair> = pairs.into_iter().filter(|p| is_shown(p.a, p.b) == Some(true)).collect();
    let is_here = |photo| photos.contains_key(&photo);
    let decided: Vec<Pair> =
        decided.into_iter().filter(|&(a, b)| is_here(a) && is_here(b)).map(|(a, b)| Pair::new(a, b, distance(a, b))).collect();
    let cannot_link = |a: PhotoId, b: PhotoId| is_shown(a, b) == Some(false);
    let identical = shows(relations, Relation::Identical);
    let alone: Vec<PhotoId> = photos.values().filter(|p| identical && count_files(p) > 1).map(|p| p.id).collect();
    let joined = joined_by(&here, &decided, &alone, threshold, cannot_link, distance);
    let mut found: Vec<Found> = joined
        .iter()
        .map(|cluster| {
            let records: Vec<&PhotoRecord> = cluster.photos.iter().map(|id| &photos[id]).collect();
            ranked(cluster, &records, decisions, roots)
        })
        .collect();
    found.sort_unstable_by(|x, y| y.rank.cmp(&x.rank));
    Ok(Clustering { found, series: series.len() as u64, photos })
}

/// Counts the photos outside the scopes that are versions of photos inside.
pub fn versions_outside(context: &Context<'_>, scopes: &[Place], threshold: Distance, relations: &[Relation]) -> Result<u64> {
    let Context { reader, generation, decisions, roots } = *context;
    let everywhere = roots.scopes();
    if scopes == everywhere {
        return Ok(0);
    }
    let mut pairs = if shows_near(relations) { reader.pairs(generation.number, threshold)? } else { Vec::new() };
    pairs.retain(|p| counts(p, threshold, &generation.index));
    let named: HashSet<PhotoId> = pairs.iter().flat_map(|p| [p.a, p.b]).collect();
    let inside = reader.photos(scopes, Wanted::These(&named))?;
    pairs.retain(|p| inside.contains_key(&p.a) != inside.contains_key(&p.b));
    let beyond: HashSet<PhotoId> = pairs.iter().flat_map(|p| [p.a, p.b]).filter(|photo| !inside.contains_key(photo)).collect();
    let all = reader.photos(&everywhere, Wanted::TheseAndSeveral(&beyond))?;
    let is_version = |p: &&Pair| {
        let record = |photo| all.get(&photo).or_else(|| inside.get(&photo));
        let relation = record(p.a).zip(record(p.b)).and_then(|(a, b)| related(decisions, a, b));
        relation.is_some_and(|relation| shows(relations, relation))
    };
    let mut outside: HashSet<PhotoId> =
        pairs.iter().filter(is_version).flat_map(|p| [p.a, p.b]).filter(|photo| !inside.contains_key(photo)).collect();
    let is_inside =
        |file: &FileRecord| scopes.iter().any(|scope| scope.root == file.place.root && file.place.path.starts_with(&scope.path));
    if shows(relations, Relation::Identical) {
        let is_in_both = |photo: &&PhotoRecord| photo.files.iter().any(is_inside) && !photo.files.iter().all(is_inside);
        outside.extend(all.values().filter(is_in_both).map(|photo| photo.id));
    }
    Ok(outside.len() as u64)
}

fn ranked(cluster: &photo::Cluster, records: &[&PhotoRecord], decisions: &Decisions, roots: &Roots) -> Found {
    let files: Vec<Vec<FileOfPhoto>> = records.iter().map(|r| files_of(r, roots).files).collect();
    let first_paths: Vec<&Path> = files.iter().map(|files| files[0].path()).collect();
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
            .then(first_paths[x].cmp(first_paths[y]))
    });
    let mut position = vec![0; records.len()];
    for (to, &from) in order.iter().enumerate() {
        position[from] = to;
    }
    let edges = edges(&cluster.links, &position);
    let relation = |a: usize, b: usize| related(decisions, records[order[a]], records[order[b]]).unwrap_or(Relation::Unknown);
    let edges = edges.into_iter().map(|(a, b, distance)| Edge { a, b, distance, relation: relation(a, b) }).collect();
    let all_bytes: u64 = files.iter().flatten().map(|file| file.stamp.size).sum();
    Found {
        rank: Rank { files: files.iter().map(Vec::len).sum(), spare: all_bytes - files[best][0].stamp.size, id: id(records) },
        members: order.iter().map(|&i| records[i].id).collect(),
        diameter: cluster.diameter,
        loose: cluster.loose,
        edges,
    }
}

/// Returns the links of a cluster that an answer tells, by position, the closest first: those with the first photo, and
/// those that hold the cluster together. These are at most two for each photo.
fn edges(links: &[Link], position: &[usize]) -> Vec<(usize, usize, Distance)> {
    let by_position = |link: &Link| {
        let (a, b) = (position[link.a], position[link.b]);
        (a.min(b), a.max(b), link.distance)
    };
    let mut edges: Vec<(usize, usize, Distance)> = links.iter().map(by_position).collect();
    // Equal distances are ordered by position, because photo ids depend on which photo was seen first.
    edges.sort_by(|x, y| x.2.total_cmp(&y.2).then((x.0, x.1).cmp(&(y.0, y.1))));
    let mut groups: Vec<usize> = (0..position.len()).collect();
    edges.retain(|&(a, b, _)| join(&mut groups, a, b) || a == 0);
    edges
}

/// Joins the groups of two items. `groups` holds for each item another item of its group, or the item itself. Returns
/// whether they were two groups.
fn join(groups: &mut [usize], a: usize, b: usize) -> bool {
    let mut first = |mut item: usize| {
        while groups[item] != item {
            groups[item] = groups[groups[item]];
            item = groups[item];
        }
        item
    };
    let (a, b) = (first(a), first(b));
    groups[a] = b;
    a != b
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_what_holds_a_cluster_together_and_the_links_of_the_first_photo() {
        let link = |a, b, distance| Link { a, b, distance };
        // All pairs of five photos. In the answer their order is reversed.
        let all = (0..5).flat_map(|a| (a + 1..5).map(move |b| link(a, b, 0.01 * (b - a) as Distance)));
        let told = edges(&all.collect::<Vec<_>>(), &[4, 3, 2, 1, 0]);
        let pairs: Vec<(usize, usize)> = told.iter().map(|&(a, b, _)| (a, b)).collect();
        assert_eq!(pairs, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 2), (0, 3), (0, 4)]);
        assert!(edges(&[], &[0]).is_empty());
    }
}
