//! Clusters: photos joined by pairs within a threshold. A pure function of the pairs.

use std::collections::{HashMap, HashSet};

use crate::photo::{Cluster, Distance, Link, Pair, PhotoId};

/// Up to this number of photos the diameter is exact. In a larger cluster it is estimated by two sweeps: from the
/// first photo to the farthest, and from there to the farthest again.
const EXACT_DIAMETER_PHOTOS: usize = 512;

/// Joins the `decided` pairs (must-link) at any distance, then the pairs within `threshold`, the closest first.
/// Groups are not joined if `cannot_link` holds for any two of their photos. Photos in `alone` form a cluster of one
/// if nothing joins them: these are photos with several files. `distance` measures any two photos.
///
/// No photo is in two clusters, and the result does not depend on the order of `pairs`. A higher threshold only
/// merges clusters.
pub fn clusters(
    pairs: &[Pair],
    decided: &[Pair],
    alone: &[PhotoId],
    threshold: Distance,
    cannot_link: impl Fn(PhotoId, PhotoId) -> bool,
    distance: impl Fn(PhotoId, PhotoId) -> Distance,
) -> Vec<Cluster> {
    let in_order = |pairs: &mut Vec<&Pair>| pairs.sort_by(|x, y| x.distance.total_cmp(&y.distance).then((x.a, x.b).cmp(&(y.a, y.b))));
    let mut first: Vec<&Pair> = decided.iter().collect();
    in_order(&mut first);
    let known: HashSet<(PhotoId, PhotoId)> = decided.iter().map(|p| (p.a, p.b)).collect();
    let mut near: Vec<&Pair> = pairs.iter().filter(|p| p.distance <= threshold && !known.contains(&(p.a, p.b))).collect();
    in_order(&mut near);
    near.splice(..0, first);
    near.dedup_by_key(|p| (p.a, p.b));

    let mut groups = Groups::default();
    for pair in &near {
        groups.join(pair.a, pair.b, &cannot_link);
    }
    for &photo in alone {
        groups.of(photo);
    }
    let mut links: HashMap<usize, Vec<&Pair>> = HashMap::new();
    for pair in near {
        let (a, b) = (groups.of(pair.a), groups.of(pair.b));
        if a == b && !cannot_link(pair.a, pair.b) {
            links.entry(a).or_default().push(pair);
        }
    }
    let alone: HashSet<PhotoId> = alone.iter().copied().collect();
    let mut clusters: Vec<Cluster> = groups
        .members
        .into_iter()
        .enumerate()
        .filter(|(_, photos)| photos.len() > 1 || photos.first().is_some_and(|photo| alone.contains(photo)))
        .map(|(group, mut photos)| {
            photos.sort_unstable();
            let at = |photo| photos.binary_search(&photo).expect("both ends of a pair are members");
            let links: Vec<Link> =
                links.remove(&group).unwrap_or_default().iter().map(|p| Link { a: at(p.a), b: at(p.b), distance: p.distance }).collect();
            let diameter = diameter(&photos, &links, &distance);
            Cluster { photos, links, diameter }
        })
        .collect();
    clusters.sort_by(|x, y| x.photos.cmp(&y.photos));
    clusters
}

fn diameter(photos: &[PhotoId], links: &[Link], distance: &impl Fn(PhotoId, PhotoId) -> Distance) -> Distance {
    let of_links = links.iter().map(|link| link.distance).fold(0.0, Distance::max);
    if links.len() == photos.len() * (photos.len() - 1) / 2 {
        return of_links;
    }
    if photos.len() <= EXACT_DIAMETER_PHOTOS {
        let all = photos.iter().enumerate().flat_map(|(i, &a)| photos[..i].iter().map(move |&b| (a, b)));
        return all.map(|(a, b)| distance(a, b)).fold(of_links, Distance::max);
    }
    let farthest = |from: PhotoId| photos.iter().map(|&p| (distance(from, p), p)).max_by(|x, y| x.0.total_cmp(&y.0)).expect("many members");
    farthest(farthest(photos[0]).1).0
}

/// A union of photos into groups. The smaller group joins the larger.
#[derive(Default)]
struct Groups {
    of: HashMap<PhotoId, usize>,
    members: Vec<Vec<PhotoId>>,
    /// The groups with which each group cannot be joined, as far as is known. That does not change while they grow.
    refused: HashMap<usize, HashSet<usize>>,
}

impl Groups {
    fn of(&mut self, photo: PhotoId) -> usize {
        *self.of.entry(photo).or_insert_with(|| {
            self.members.push(vec![photo]);
            self.members.len() - 1
        })
    }

    fn join(&mut self, a: PhotoId, b: PhotoId, cannot_link: impl Fn(PhotoId, PhotoId) -> bool) {
        let (a, b) = (self.of(a), self.of(b));
        let (large, small) = if self.members[a].len() >= self.members[b].len() { (a, b) } else { (b, a) };
        if a == b || self.refused.get(&a).is_some_and(|others| others.contains(&b)) {
            return;
        }
        if self.members[small].iter().any(|&x| self.members[large].iter().any(|&y| cannot_link(x, y))) {
            self.refuse(a, b);
            return;
        }
        for other in self.refused.remove(&small).unwrap_or_default() {
            self.refused.entry(other).or_default().remove(&small);
            self.refuse(large, other);
        }
        let moved = std::mem::take(&mut self.members[small]);
        self.of.extend(moved.iter().map(|&photo| (photo, large)));
        self.members[large].extend(moved);
    }

    fn refuse(&mut self, a: usize, b: usize) {
        self.refused.entry(a).or_default().insert(b);
        self.refused.entry(b).or_default().insert(a);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn of(pairs: &[Pair], threshold: Distance) -> Vec<Cluster> {
        clustered(pairs, threshold, |_, _| false)
    }

    fn clustered(pairs: &[Pair], threshold: Distance, cannot_link: impl Fn(PhotoId, PhotoId) -> bool) -> Vec<Cluster> {
        clusters(pairs, &[], &[], threshold, cannot_link, |a, b| (a.0 - b.0).abs() as f32 / 100.0)
    }

    /// Any symmetric relation serves as cannot-link.
    fn differ(seed: u64) -> impl Fn(PhotoId, PhotoId) -> bool {
        move |a, b| ((a.0.min(b.0) * 31 + a.0.max(b.0) * 17) as u64 ^ seed).is_multiple_of(5)
    }

    fn some_pairs() -> impl Strategy<Value = Vec<Pair>> {
        let pair = (0i64..30, 0i64..30, 0u8..100)
            .prop_filter_map("two photos", |(a, b, d)| (a != b).then(|| Pair::new(PhotoId(a), PhotoId(b), f32::from(d) / 100.0)));
        proptest::collection::vec(pair, 0..60).prop_map(|mut pairs| {
            // Each pair has one distance, as in the store.
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
        fn they_do_not_depend_on_the_order(pairs in some_pairs().prop_shuffle(), threshold in 0.0f32..1.0, seed: u64) {
            let mut sorted = pairs.clone();
            sorted.sort_by_key(|p| (p.a, p.b));
            prop_assert_eq!(clustered(&pairs, threshold, differ(seed)), clustered(&sorted, threshold, differ(seed)));
        }

        #[test]
        fn the_different_are_never_together(pairs in some_pairs(), threshold in 0.0f32..1.0, seed: u64) {
            let differ = differ(seed);
            let found = clustered(&pairs, threshold, &differ);
            for cluster in &found {
                for (i, a) in cluster.photos.iter().enumerate() {
                    prop_assert!(cluster.photos[..i].iter().all(|b| !differ(*a, *b)));
                }
            }
            // Two groups stay separate only because of a cannot-link.
            let group = |photo: PhotoId| found.iter().find(|c| c.photos.contains(&photo)).map_or(vec![photo], |c| c.photos.clone());
            for pair in pairs.iter().filter(|p| p.distance <= threshold) {
                let (a, b) = (group(pair.a), group(pair.b));
                prop_assert!(a == b || a.iter().any(|x| b.iter().any(|y| differ(*x, *y))));
            }
        }

        #[test]
        fn a_higher_threshold_only_merges(pairs in some_pairs(), low in 0.0f32..1.0, more in 0.0f32..0.5, seed: u64) {
            let wide = clustered(&pairs, low + more, differ(seed));
            for narrow in clustered(&pairs, low, differ(seed)) {
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
    fn a_diameter_is_the_largest_distance_of_two_photos() {
        let pairs = [Pair::new(PhotoId(0), PhotoId(20), 0.2), Pair::new(PhotoId(20), PhotoId(40), 0.2)];
        let chain = of(&pairs, 0.2);
        assert!(chain.len() == 1 && (chain[0].diameter - 0.4).abs() < 1e-6);
    }

    #[test]
    fn what_is_decided_comes_first_at_any_distance() {
        let photo = |n| PhotoId(n);
        let near = [Pair::new(photo(0), photo(2), 0.1)];
        let decided = [Pair::new(photo(0), photo(1), 1.5)];
        // 1 and 2 cannot be linked. 0 joins 1, because that pair is decided.
        let differ = |a: PhotoId, b: PhotoId| (a.min(b), a.max(b)) == (photo(1), photo(2));
        let found = clusters(&near, &decided, &[], 0.2, differ, |_, _| 0.1);
        assert_eq!(found.iter().map(|c| c.photos.clone()).collect::<Vec<_>>(), [[photo(0), photo(1)]]);
        assert_eq!(found[0].links[0].distance, 1.5);
    }

    #[test]
    fn a_photo_with_several_files_is_a_cluster_of_one() {
        let alone = clusters(&[], &[], &[PhotoId(7)], 0.2, |_, _| false, |_, _| 0.0);
        assert_eq!(alone[0].photos, [PhotoId(7)]);
        assert_eq!(alone[0].diameter, 0.0);
    }
}
