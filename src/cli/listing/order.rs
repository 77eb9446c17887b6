//! The order of an answer: series side by side, what is not sure last, and what a person sorts by.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::super::args::SortBy;
use super::rows::{files_of, is_sure, is_version, others};
use crate::api::types::{Cluster, PathText};
use crate::photo::Relation;

/// So many pairs are listed of which it is not sure what they are.
const MAX_UNSURE: usize = 30;

/// What an answer is not sure of. It stands last, because nothing can be done about it but to look.
#[derive(Default)]
pub struct Unsure {
    /// Clusters of photos of which nothing else is known than that they are near.
    pub clusters: Vec<Cluster>,
    /// Two photos each, with their distance, the smaller path first.
    pairs: BTreeMap<[PathText; 2], f32>,
    has_more: bool,
}

impl Unsure {
    /// Takes what is not sure of a cluster. Returns the cluster itself, unless it is to be printed with the others.
    pub fn take(&mut self, cluster: Cluster) -> Option<Cluster> {
        for beside in cluster.beside.iter().filter(|beside| !is_sure(beside)) {
            let mut two = [cluster.photos[beside.near].path.clone(), beside.path.clone()];
            two.sort_unstable();
            if self.pairs.len() < MAX_UNSURE || self.pairs.contains_key(&two) {
                self.pairs.insert(two, beside.distance);
            } else {
                self.has_more = true;
            }
        }
        let has_identical = cluster.photos.iter().any(|photo| photo.files.len() > 1);
        if has_identical || cluster.pairs.is_empty() || cluster.pairs.iter().any(|pair| pair.relation != Relation::Unknown) {
            return Some(cluster);
        }
        self.clusters.push(cluster);
        None
    }

    /// Keeps at most this number of clusters, and the pairs only if there is room for all. Returns how many clusters it left out.
    pub fn cut(&mut self, room: usize) -> u64 {
        let left_out = self.clusters.len().saturating_sub(room);
        self.clusters.truncate(room);
        if left_out > 0 || room == 0 {
            self.pairs.clear();
            self.has_more = false;
        }
        left_out as u64
    }

    pub fn is_empty(&self) -> bool {
        self.clusters.is_empty() && self.pairs.is_empty()
    }

    /// The pairs, nearest first.
    pub fn pairs(&self) -> Vec<(&[PathText; 2], f32)> {
        let mut pairs: Vec<(&[PathText; 2], f32)> = self.pairs.iter().map(|(two, distance)| (two, *distance)).collect();
        pairs.sort_by(|x, y| x.1.total_cmp(&y.1));
        pairs
    }

    /// Whether there are pairs that it did not keep.
    pub fn has_more(&self) -> bool {
        self.has_more
    }
}

/// The clusters of an answer in its order, but for the stars of a series: they stand together where the first of them does.
#[derive(Default)]
pub struct Ordered {
    /// Another order needs all of them.
    holds_all: bool,
    /// From the first star of a series on.
    held: Vec<Cluster>,
}

impl Ordered {
    /// `holds_all`: another order needs all of them.
    pub fn new(holds_all: bool) -> Ordered {
        Ordered { holds_all, ..Ordered::default() }
    }

    /// Takes a cluster. Returns it, unless later ones may belong before it.
    pub fn take(&mut self, cluster: Cluster) -> Option<Cluster> {
        if !self.holds_all && self.held.is_empty() && cluster.series.is_none() {
            return Some(cluster);
        }
        self.held.push(cluster);
        None
    }

    pub fn holds_all(&self) -> bool {
        self.holds_all
    }

    /// Returns what was held back: single clusters and series, the stars of each in the order in which they were taken.
    pub fn rest(&mut self) -> Vec<Vec<Cluster>> {
        let mut groups: Vec<Vec<Cluster>> = Vec::new();
        let mut series: HashMap<String, usize> = HashMap::new();
        for cluster in self.held.drain(..) {
            let place = cluster.series.as_ref().map_or(groups.len(), |id| *series.entry(id.clone()).or_insert(groups.len()));
            match groups.get_mut(place) {
                Some(stars) => stars.push(cluster),
                None => groups.push(vec![cluster]),
            }
        }
        let taken = |star: &Cluster| (star.photos[0].taken.clone(), star.photos[0].path.path.clone());
        groups.iter_mut().for_each(|stars| stars.sort_by_cached_key(taken));
        groups
    }
}

/// Sorts what a key names. Those that are equal stay in the order of the answer.
pub fn sort<T>(items: &mut [T], by: SortBy, stars_of: impl Fn(&T) -> &[Cluster]) {
    match by {
        SortBy::Files => items.sort_by_key(|item| Reverse(files_of(stars_of(item)))),
        SortBy::Size => items.sort_by_key(|item| Reverse(spared(stars_of(item)))),
        SortBy::Date => items.sort_by_key(|item| Reverse(taken(stars_of(item)))),
        SortBy::Certainty => items.sort_by(|x, y| {
            let ([x_relation, y_relation], [x, y]) =
                ([x, y].map(|item| doubt(stars_of(item))), [x, y].map(|item| diameter(stars_of(item))));
            x_relation.cmp(&y_relation).then(x.total_cmp(&y))
        }),
    }
}

/// The bytes of the versions beside the sources.
fn spared(stars: &[Cluster]) -> u64 {
    stars.iter().flat_map(others).filter(|(relation, _)| is_version(*relation)).map(|(_, bytes)| bytes).sum()
}

/// When the last of the sources was taken.
fn taken(stars: &[Cluster]) -> Option<String> {
    stars.iter().filter_map(|star| star.photos.first()?.taken.clone()).max()
}

/// The position of the least certain relation: identical files come first.
fn doubt(stars: &[Cluster]) -> usize {
    let position = |relation: Relation| Relation::ALL.iter().position(|known| *known == relation).unwrap_or(usize::MAX);
    stars.iter().flat_map(others).map(|(relation, _)| position(relation)).max().unwrap_or(usize::MAX)
}

fn diameter(stars: &[Cluster]) -> f32 {
    stars.iter().map(|star| star.diameter).fold(0.0, f32::max)
}
