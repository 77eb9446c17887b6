//! Clusters: photos joined by pairs within a threshold. A pure function of the pairs.

use std::collections::{HashMap, HashSet};

use crate::photo::{Cluster, Distance, Link, Pair, PhotoId};

/// Up to this number of photos the diameter is exact. In a larger cluster it is estimated by two sweeps: from the
/// first photo to the farthest, and from there to the farthest again.
const EXACT_DIAMETER_PHOTOS: usize = 512;

/// Which photos must not be in one cluster.
pub struct CannotLink<'a> {
    /// Two photos that are known one by one, `a < b`: whether they must not. Here their classes do not count.
    pub pairs: HashMap<(PhotoId, PhotoId), bool>,
    /// The class of each photo. Photos of one class may be in one cluster, and so may a photo without one with any other.
    pub classes: HashMap<PhotoId, usize>,
    /// Whether photos of two classes must not be in one cluster, in whichever order.
    pub are_apart: Box<dyn Fn(usize, usize) -> bool + 'a>,
}

impl CannotLink<'_> {
    pub fn holds(&self, a: PhotoId, b: PhotoId) -> bool {
        self.pairs.get(&(a.min(b), a.max(b))).copied().unwrap_or_else(|| {
            let classes = self.classes.get(&a).zip(self.classes.get(&b));
            classes.is_some_and(|(a, b)| a != b && (self.are_apart)(*a, *b))
        })
    }

    /// Whether two photos of classes that are apart may be in one cluster all the same.
    fn may_link(&self, a: PhotoId, b: PhotoId) -> bool {
        self.pairs.get(&(a.min(b), a.max(b))) == Some(&false)
    }
}

/// Joins the `decided` pairs (must-link) at any distance, then the pairs within `threshold`, the closest first.
/// Groups are not joined if `cannot_link` holds for any two of their photos. Photos in `alone` form a cluster of one
/// if nothing joins them: these are photos with several files. `distance` measures any two photos. Returns `None` once
/// `is_wanted` does not hold.
///
/// No photo is in two clusters, and the result does not depend on the order of `pairs`. A higher threshold only
/// merges clusters.
pub fn clusters<'a>(
    pairs: impl IntoIterator<Item = &'a Pair>,
    decided: &'a [Pair],
    alone: &[PhotoId],
    threshold: Distance,
    cannot_link: &CannotLink<'_>,
    distance: impl Fn(PhotoId, PhotoId) -> Distance,
    is_wanted: &dyn Fn() -> bool,
) -> Option<Vec<Cluster>> {
    let in_order = |pairs: &mut Vec<&Pair>| pairs.sort_by(|x, y| x.distance.total_cmp(&y.distance).then((x.a, x.b).cmp(&(y.a, y.b))));
    let mut first: Vec<&Pair> = decided.iter().collect();
    in_order(&mut first);
    let known: HashSet<(PhotoId, PhotoId)> = decided.iter().map(|p| (p.a, p.b)).collect();
    let mut near: Vec<&Pair> = pairs.into_iter().filter(|p| p.distance <= threshold && !known.contains(&(p.a, p.b))).collect();
    in_order(&mut near);
    near.splice(..0, first);
    near.dedup_by_key(|p| (p.a, p.b));

    let mut groups = Groups::new(cannot_link);
    for pair in &near {
        groups.join(pair.a, pair.b);
        is_wanted().then_some(())?;
    }
    for &photo in alone {
        groups.of(photo);
    }
    let mut links: HashMap<usize, Vec<&Pair>> = HashMap::new();
    for pair in near {
        let (a, b) = (groups.of(pair.a), groups.of(pair.b));
        if a == b && !cannot_link.holds(pair.a, pair.b) {
            links.entry(a).or_default().push(pair);
        }
    }
    let alone: HashSet<PhotoId> = alone.iter().copied().collect();
    let is_shown = |photos: &[PhotoId]| photos.len() > 1 || photos.first().is_some_and(|photo| alone.contains(photo));
    let mut clusters = Vec::new();
    for (group, mut photos) in groups.members.into_iter().enumerate().filter(|(_, photos)| is_shown(photos)) {
        photos.sort_unstable();
        let at = |photo| photos.binary_search(&photo).expect("both ends of a pair are members");
        let links: Vec<Link> =
            links.remove(&group).unwrap_or_default().iter().map(|p| Link { a: at(p.a), b: at(p.b), distance: p.distance }).collect();
        let diameter = diameter(&photos, &links, &distance);
        clusters.push(Cluster { photos, links, diameter });
        is_wanted().then_some(())?;
    }
    clusters.sort_by(|x, y| x.photos.cmp(&y.photos));
    Some(clusters)
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
struct Groups<'a> {
    cannot_link: &'a CannotLink<'a>,
    of: HashMap<PhotoId, usize>,
    members: Vec<Vec<PhotoId>>,
    /// The members of each group that have a class, by class. A group has few classes, however many members it has.
    classes: Vec<HashMap<usize, Vec<PhotoId>>>,
    /// The groups with which each group cannot be joined, as far as is known. That does not change while they grow.
    refused: HashMap<usize, HashSet<usize>>,
}

impl<'a> Groups<'a> {
    fn new(cannot_link: &'a CannotLink<'a>) -> Groups<'a> {
        let mut groups = Groups { cannot_link, of: HashMap::new(), members: Vec::new(), classes: Vec::new(), refused: HashMap::new() };
        for ((a, b), _) in cannot_link.pairs.iter().filter(|(_, holds)| **holds) {
            let (a, b) = (groups.of(*a), groups.of(*b));
            groups.refuse(a, b);
        }
        groups
    }

    fn of(&mut self, photo: PhotoId) -> usize {
        *self.of.entry(photo).or_insert_with(|| {
            self.members.push(vec![photo]);
            self.classes.push(self.cannot_link.classes.get(&photo).map(|class| (*class, vec![photo])).into_iter().collect());
            self.members.len() - 1
        })
    }

    fn join(&mut self, a: PhotoId, b: PhotoId) {
        let (a, b) = (self.of(a), self.of(b));
        let (large, small) = if self.members[a].len() >= self.members[b].len() { (a, b) } else { (b, a) };
        if a == b || self.refused.get(&a).is_some_and(|others| others.contains(&b)) {
            return;
        }
        if self.are_apart(large, small) {
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
        for (class, photos) in std::mem::take(&mut self.classes[small]) {
            self.classes[large].entry(class).or_default().extend(photos);
        }
    }

    /// Whether two photos of two groups are apart by their classes.
    fn are_apart(&self, x: usize, y: usize) -> bool {
        let is_apart = |(a, of_a): (&usize, &Vec<PhotoId>), (b, of_b): (&usize, &Vec<PhotoId>)| {
            let all_may_link = || of_a.iter().all(|a| of_b.iter().all(|b| self.cannot_link.may_link(*a, *b)));
            a != b && (self.cannot_link.are_apart)(*a, *b) && !all_may_link()
        };
        self.classes[x].iter().any(|a| self.classes[y].iter().any(|b| is_apart(a, b)))
    }

    fn refuse(&mut self, a: usize, b: usize) {
        self.refused.entry(a).or_default().insert(b);
        self.refused.entry(b).or_default().insert(a);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const PHOTOS: i64 = 30;

    fn of(pairs: &[Pair], threshold: Distance) -> Vec<Cluster> {
        clustered(pairs, threshold, |_, _| false)
    }

    fn clustered(pairs: &[Pair], threshold: Distance, cannot_link: impl Fn(PhotoId, PhotoId) -> bool) -> Vec<Cluster> {
        all(clusters(pairs, &[], &[], threshold, &one_by_one(cannot_link), far, &|| true))
    }

    fn all(clusters: Option<Vec<Cluster>>) -> Vec<Cluster> {
        clusters.expect("it goes on")
    }

    fn far(a: PhotoId, b: PhotoId) -> Distance {
        (a.0 - b.0).abs() as f32 / 100.0
    }

    /// A relation of the photos of these tests, without classes.
    fn one_by_one(holds: impl Fn(PhotoId, PhotoId) -> bool) -> CannotLink<'static> {
        let two = (0..PHOTOS).flat_map(|a| (a + 1..PHOTOS).map(move |b| (PhotoId(a), PhotoId(b))));
        let pairs = two.map(|(a, b)| ((a, b), holds(a, b))).collect();
        CannotLink { pairs, classes: HashMap::new(), are_apart: Box::new(|_, _| false) }
    }

    /// A relation with classes, and with some pairs that are known one by one.
    fn by_class(classes: &[Option<usize>], pairs: &[(i64, i64, bool)], seed: u64) -> CannotLink<'static> {
        let class = |(photo, class): (i64, &Option<usize>)| Some((PhotoId(photo), (*class)?));
        CannotLink {
            pairs: pairs.iter().filter(|(a, b, _)| a < b).map(|&(a, b, holds)| ((PhotoId(a), PhotoId(b)), holds)).collect(),
            classes: (0..).zip(classes).filter_map(class).collect(),
            are_apart: Box::new(move |a, b| (seed >> ((a * b + a + b) % 64)) & 1 == 1),
        }
    }

    /// The groups by their definition: two are joined, the closest first, unless any two of their photos cannot be.
    fn by_definition(pairs: &[Pair], threshold: Distance, cannot_link: impl Fn(PhotoId, PhotoId) -> bool) -> BTreeSet<BTreeSet<PhotoId>> {
        let mut pairs: Vec<&Pair> = pairs.iter().filter(|p| p.distance <= threshold).collect();
        pairs.sort_by(|x, y| x.distance.total_cmp(&y.distance).then((x.a, x.b).cmp(&(y.a, y.b))));
        let mut groups: Vec<BTreeSet<PhotoId>> = (0..PHOTOS).map(|photo| [PhotoId(photo)].into()).collect();
        for pair in pairs {
            let of = |photo| groups.iter().position(|group| group.contains(&photo)).expect("each is in one");
            let (a, b) = (of(pair.a), of(pair.b));
            if a != b && !groups[a].iter().any(|x| groups[b].iter().any(|y| cannot_link(*x, *y))) {
                let moved = std::mem::take(&mut groups[b]);
                groups[a].extend(moved);
            }
        }
        groups.into_iter().filter(|group| group.len() > 1).collect()
    }

    /// Any symmetric relation serves as cannot-link.
    fn differ(seed: u64) -> impl Fn(PhotoId, PhotoId) -> bool {
        move |a, b| ((a.0.min(b.0) * 31 + a.0.max(b.0) * 17) as u64 ^ seed).is_multiple_of(5)
    }

    fn some_pairs() -> impl Strategy<Value = Vec<Pair>> {
        let pair = (0..PHOTOS, 0..PHOTOS, 0u8..100)
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
        fn they_are_those_of_the_definition(
            pairs in some_pairs(),
            threshold in 0.0f32..1.0,
            classes in proptest::collection::vec(proptest::option::of(0usize..5), PHOTOS as usize),
            known in proptest::collection::vec((0..PHOTOS, 0..PHOTOS, any::<bool>()), 0..40),
            seed: u64,
        ) {
            let cannot_link = by_class(&classes, &known, seed);
            let found = all(clusters(&pairs, &[], &[], threshold, &cannot_link, far, &|| true));
            let groups: BTreeSet<BTreeSet<PhotoId>> = found.iter().map(|cluster| cluster.photos.iter().copied().collect()).collect();
            prop_assert_eq!(groups, by_definition(&pairs, threshold, |a, b| cannot_link.holds(a, b)));
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
        let found = all(clusters(&near, &decided, &[], 0.2, &one_by_one(differ), |_, _| 0.1, &|| true));
        assert_eq!(found.iter().map(|c| c.photos.clone()).collect::<Vec<_>>(), [[photo(0), photo(1)]]);
        assert_eq!(found[0].links[0].distance, 1.5);
    }

    #[test]
    fn a_photo_with_several_files_is_a_cluster_of_one() {
        let alone = all(clusters(&[], &[], &[PhotoId(7)], 0.2, &one_by_one(|_, _| false), |_, _| 0.0, &|| true));
        assert_eq!(alone[0].photos, [PhotoId(7)]);
        assert_eq!(alone[0].diameter, 0.0);
    }

    #[test]
    fn many_copies_of_one_photo_are_joined_with_few_questions() {
        const COPIES: i64 = 2_000;
        // Each is near the one before and the first. Two classes, as of a photo and of copies that lost what the camera wrote.
        let pairs: Vec<Pair> =
            (1..COPIES).flat_map(|b| [(0, b), (b - 1, b)]).map(|(a, b)| Pair::new(PhotoId(a), PhotoId(b), 0.1)).collect();
        let questions = Cell::new(0_usize);
        let cannot_link = CannotLink {
            pairs: HashMap::new(),
            classes: (0..COPIES).map(|photo| (PhotoId(photo), usize::from(photo % 2 == 0))).collect(),
            are_apart: Box::new(|_, _| {
                questions.set(questions.get() + 1);
                false
            }),
        };
        let found = all(clusters(&pairs, &[], &[], 0.2, &cannot_link, |_, _| 0.1, &|| true));
        assert_eq!((found.len(), found[0].photos.len()), (1, COPIES as usize));
        assert!(questions.get() <= 4 * pairs.len(), "{} questions for {} pairs", questions.get(), pairs.len());
    }

    #[test]
    fn nothing_more_is_done_once_nobody_waits() {
        let pairs: Vec<Pair> = (1..PHOTOS).map(|b| Pair::new(PhotoId(0), PhotoId(b), 0.1)).collect();
        let asked = Cell::new(0);
        let is_wanted = || {
            asked.set(asked.get() + 1);
            asked.get() < 5
        };
        assert!(clusters(&pairs, &[], &[], 0.2, &one_by_one(|_, _| false), |_, _| 0.1, &is_wanted).is_none());
        assert_eq!(asked.get(), 5);
    }
}
