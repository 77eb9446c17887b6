//! Clusters: photos joined by pairs under a threshold. A pure function of the pairs.

use std::collections::{BTreeMap, HashMap};

use crate::photo::{Cluster, Distance, Link, Pair, PhotoId};

/// A cluster is loose when its diameter passes this many thresholds.
const LOOSE: Distance = 1.5;

/// Members up to which the diameter is the largest of all distances; above, it is that of two
/// sweeps (farthest from the first, farthest from that one), which is at least half of it.
const EXACT_DIAMETER: usize = 512;

/// Joins what the pairs up to `threshold` join. Photos of `alone` make a cluster of one when no
/// pair holds them (several files of one photo). `distance` measures any two photos.
///
/// The result is a partition of the photos named, does not depend on the order of `pairs`, and a
/// higher threshold only merges.
pub fn clusters(pairs: &[Pair], alone: &[PhotoId], threshold: Distance, distance: impl Fn(PhotoId, PhotoId) -> Distance) -> Vec<Cluster> {
    let mut near: Vec<&Pair> = pairs.iter().filter(|p| p.distance <= threshold).collect();
    near.sort_by(|x, y| x.distance.total_cmp(&y.distance).then((x.a, x.b).cmp(&(y.a, y.b))));
    near.dedup_by_key(|p| (p.a, p.b));

    let mut forest = Forest::default();
    for &photo in alone {
        forest.root(photo);
    }
    for pair in &near {
        forest.join(pair.a, pair.b);
    }
    let mut members: BTreeMap<PhotoId, Vec<PhotoId>> = BTreeMap::new();
    for photo in forest.photos() {
        members.entry(forest.root(photo)).or_default().push(photo);
    }
    let mut links: HashMap<PhotoId, Vec<&Pair>> = HashMap::new();
    for pair in near {
        links.entry(forest.root(pair.a)).or_default().push(pair);
    }
    members
        .into_iter()
        .map(|(root, mut photos)| {
            photos.sort_unstable();
            let at = |photo| photos.binary_search(&photo).expect("both ends of a pair are members");
            let links =
                links.remove(&root).unwrap_or_default().iter().map(|p| Link { a: at(p.a), b: at(p.b), distance: p.distance }).collect();
            let diameter = diameter(&photos, &distance);
            Cluster { photos, links, diameter, loose: diameter > LOOSE * threshold }
        })
        .collect()
}

fn diameter(photos: &[PhotoId], distance: &impl Fn(PhotoId, PhotoId) -> Distance) -> Distance {
    if photos.len() <= EXACT_DIAMETER {
        let all = photos.iter().enumerate().flat_map(|(i, &a)| photos[..i].iter().map(move |&b| (a, b)));
        return all.map(|(a, b)| distance(a, b)).fold(0.0, Distance::max);
    }
    let farthest = |from: PhotoId| photos.iter().map(|&p| (distance(from, p), p)).max_by(|x, y| x.0.total_cmp(&y.0)).expect("many members");
    farthest(farthest(photos[0]).1).0
}

/// Union-find by smallest photo.
#[derive(Default)]
struct Forest {
    parents: HashMap<PhotoId, PhotoId>,
}

impl Forest {
    fn root(&mut self, photo: PhotoId) -> PhotoId {
        let mut at = photo;
        loop {
            let parent = *self.parents.entry(at).or_insert(at);
            if parent == at {
                return at;
            }
            let grandparent = self.parents[&parent];
            self.parents.insert(at, grandparent);
            at = grandparent;
        }
    }

    fn join(&mut self, a: PhotoId, b: PhotoId) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents.insert(a.max(b), a.min(b));
    }

    fn photos(&self) -> Vec<PhotoId> {
        self.parents.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn of(pairs: &[Pair], threshold: Distance) -> Vec<Cluster> {
        clusters(pairs, &[], threshold, |a, b| (a.0 - b.0).abs() as f32 / 100.0)
    }

    fn some_pairs() -> impl Strategy<Value = Vec<Pair>> {
        let pair = (0i64..30, 0i64..30, 0u8..100)
            .prop_filter_map("two photos", |(a, b, d)| (a != b).then(|| Pair::new(PhotoId(a), PhotoId(b), f32::from(d) / 100.0)));
        proptest::collection::vec(pair, 0..60).prop_map(|mut pairs| {
            // One distance for each two photos, as in the store.
            pairs.sort_by_key(|p| (p.a, p.b));
            pairs.dedup_by_key(|p| (p.a, p.b));
            pairs
        })
    }

    proptest! {
        #[test]
        fn they_are_a_partition(pairs in some_pairs(), threshold in 0.0f32..1.0) {
            let mut seen = BTreeSet::new();
            for cluster in of(&pairs, threshold) {
                prop_assert!(cluster.photos.len() > 1);
                for photo in &cluster.photos {
                    prop_assert!(seen.insert(*photo), "{:?} is in two clusters", photo);
                }
            }
            let named: BTreeSet<_> = pairs.iter().filter(|p| p.distance <= threshold).flat_map(|p| [p.a, p.b]).collect();
            prop_assert_eq!(seen, named);
        }

        #[test]
        fn they_do_not_depend_on_the_order(pairs in some_pairs().prop_shuffle(), threshold in 0.0f32..1.0) {
            let mut sorted = pairs.clone();
            sorted.sort_by_key(|p| (p.a, p.b));
            prop_assert_eq!(of(&pairs, threshold), of(&sorted, threshold));
        }

        #[test]
        fn a_higher_threshold_only_merges(pairs in some_pairs(), low in 0.0f32..1.0, more in 0.0f32..0.5) {
            let wide = of(&pairs, low + more);
            for narrow in of(&pairs, low) {
                prop_assert!(wide.iter().any(|w| narrow.photos.iter().all(|p| w.photos.contains(p))));
            }
        }

        #[test]
        fn links_join_all_members(pairs in some_pairs(), threshold in 0.0f32..1.0) {
            for cluster in of(&pairs, threshold) {
                let mut reached = BTreeSet::from([0]);
                loop {
                    let next: Vec<usize> = cluster.links.iter().flat_map(|l| [(l.a, l.b), (l.b, l.a)]).filter(|(a, b)| reached.contains(a) && !reached.contains(b)).map(|(_, b)| b).collect();
                    if next.is_empty() { break; }
                    reached.extend(next);
                }
                prop_assert_eq!(reached.len(), cluster.photos.len());
            }
        }
    }

    #[test]
    fn a_chain_is_loose() {
        let pairs = [Pair::new(PhotoId(0), PhotoId(20), 0.2), Pair::new(PhotoId(20), PhotoId(40), 0.2)];
        let chain = of(&pairs, 0.2);
        assert_eq!(chain.len(), 1);
        assert!(chain[0].loose && (chain[0].diameter - 0.4).abs() < 1e-6);
        assert!(!of(&pairs[..1], 0.2)[0].loose);
    }

    #[test]
    fn a_photo_with_several_files_is_a_cluster_of_one() {
        let alone = clusters(&[], &[PhotoId(7)], 0.2, |_, _| 0.0);
        assert_eq!(alone[0].photos, [PhotoId(7)]);
        assert_eq!(alone[0].diameter, 0.0);
    }
}
