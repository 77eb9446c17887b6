//! How well distances separate versions of one photo from other photos, over all pairs of a library.

use std::collections::{BTreeMap, HashSet};

use fastrand::Rng;

use super::library::Member;
use crate::photo::Distance;

/// Resamples for an interval.
const RESAMPLES: usize = 200;

/// All pairs of a library, sorted by distance. A pair takes twelve bytes: 10,000 pictures take 600 MB.
pub struct Ranking<'a> {
    members: &'a [Member],
    pairs: Vec<Ranked>,
    /// Distance of every edited member to its original.
    versions: Vec<(usize, Distance)>,
}

#[derive(Clone, Copy)]
struct Ranked {
    distance: Distance,
    a: u32,
    b: u32,
}

/// The quality of a ranking.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RankingFigures {
    /// Mean of the precision over all true pairs. Pairs at one distance count as one step.
    pub average_precision: f64,
    pub at_999: Cut,
    pub at_99: Cut,
    /// Share of versions found from their original at the distance of `at_999`, averaged over the
    /// kinds of edit.
    pub mean_edit: f64,
}

/// The largest distance that keeps a precision, and the share of true pairs up to there.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Cut {
    pub distance: Distance,
    pub recall: f64,
}

impl<'a> Ranking<'a> {
    /// Ranks every pair by `distance(a, b)`, a < b being places in `members`.
    pub fn new(members: &'a [Member], distance: impl Fn(usize, usize) -> Distance) -> Ranking<'a> {
        Ranking::of_some(members, |a, b| Some(distance(a, b)))
    }

    /// Ranks the pairs that have a distance.
    pub fn of_some(members: &'a [Member], distance: impl Fn(usize, usize) -> Option<Distance>) -> Ranking<'a> {
        let mut pairs = Vec::with_capacity(members.len() * members.len().saturating_sub(1) / 2);
        let mut versions = Vec::new();
        for a in 0..members.len() {
            for b in a + 1..members.len() {
                let Some(distance) = distance(a, b) else { continue };
                pairs.push(Ranked { distance, a: a as u32, b: b as u32 });
                if members[a].photo == members[b].photo {
                    match (members[a].edit, members[b].edit) {
                        (None, Some(_)) => versions.push((b, distance)),
                        (Some(_), None) => versions.push((a, distance)),
                        _ => {}
                    }
                }
            }
        }
        pairs.sort_unstable_by(|x, y| x.distance.total_cmp(&y.distance));
        Ranking { members, pairs, versions }
    }

    fn same(&self, pair: &Ranked) -> bool {
        self.members[pair.a as usize].photo == self.members[pair.b as usize].photo
    }

    pub fn figures(&self) -> RankingFigures {
        self.weighted(|_| 1.0)
    }

    /// The interval that holds 95 % of the [`resamples`](Ranking::resamples) of `figure`: low and high.
    pub fn interval(&self, seed: u64, figure: impl Fn(&RankingFigures) -> f64) -> (f64, f64) {
        let mut values = self.resamples(seed, |draw| figure(&draw.figures()));
        values.sort_unstable_by(f64::total_cmp);
        (values[RESAMPLES / 40], values[RESAMPLES - 1 - RESAMPLES / 40])
    }

    /// Values of `figure` when the originals are drawn again with replacement (bootstrap). Two rankings of
    /// the same members see the same draws.
    pub fn resamples(&self, seed: u64, figure: impl Fn(&Draw<'_, 'a>) -> f64) -> Vec<f64> {
        let mut rng = Rng::with_seed(seed);
        let photos = self.members.iter().map(|m| m.photo + 1).max().unwrap_or(0);
        let mut originals: Vec<usize> = self.members.iter().filter(|m| m.has_versions && m.edit.is_none()).map(|m| m.photo).collect();
        originals.sort_unstable();
        let values = (0..RESAMPLES).map(|_| {
            let mut weight = vec![1.0; photos];
            originals.iter().for_each(|&photo| weight[photo] = 0.0);
            originals.iter().for_each(|_| weight[originals[rng.usize(..originals.len())]] += 1.0);
            figure(&Draw { ranking: self, weight })
        });
        values.collect()
    }

    /// The distances of the `count` nearest pairs of different photos, each two photos once, nearest first.
    pub fn nearest_false(&self, count: usize) -> Vec<Distance> {
        let mut seen = HashSet::new();
        let photos = |pair: &&Ranked| (self.members[pair.a as usize].photo, self.members[pair.b as usize].photo);
        let different = self.pairs.iter().filter(|pair| !self.same(pair));
        let once = different.filter(|pair| seen.insert((photos(pair).0.min(photos(pair).1), photos(pair).0.max(photos(pair).1))));
        once.take(count).map(|pair| pair.distance).collect()
    }

    /// The figures when each photo counts `weight(photo)` times.
    fn weighted(&self, weight: impl Fn(usize) -> f64) -> RankingFigures {
        let worth = |pair: &Ranked| {
            let (a, b) = (self.members[pair.a as usize].photo, self.members[pair.b as usize].photo);
            if a == b { weight(a) } else { weight(a) * weight(b) }
        };
        let all: f64 = self.pairs.iter().filter(|p| self.same(p)).map(&worth).sum();
        let (mut hits, mut seen, mut area) = (0.0, 0.0, 0.0);
        let (mut at_999, mut at_99) = (Cut::default(), Cut::default());
        for level in self.pairs.chunk_by(|x, y| x.distance == y.distance) {
            let new: f64 = level.iter().filter(|p| self.same(p)).map(&worth).sum();
            hits += new;
            seen += level.iter().map(&worth).sum::<f64>();
            if seen == 0.0 {
                continue;
            }
            let precision = hits / seen;
            area += new * precision;
            let cut = Cut { distance: level[0].distance, recall: hits / all.max(1e-9) };
            if precision >= 0.999 {
                at_999 = cut;
            }
            if precision >= 0.99 {
                at_99 = cut;
            }
        }
        RankingFigures { average_precision: area / all.max(1e-9), at_999, at_99, mean_edit: self.mean_edit(at_999.distance, &weight) }
    }

    fn mean_edit(&self, cut: Distance, weight: impl Fn(usize) -> f64) -> f64 {
        let mut kinds: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for &(member, distance) in &self.versions {
            let member = &self.members[member];
            let (found, of) = kinds.entry(name(member)).or_default();
            *of += weight(member.photo);
            *found += if distance <= cut { weight(member.photo) } else { 0.0 };
        }
        let shares: Vec<f64> = kinds.values().filter(|(_, of)| *of > 0.0).map(|(found, of)| found / of).collect();
        shares.iter().sum::<f64>() / shares.len().max(1) as f64
    }

    /// For each kind of edit, how many versions lie within `cut` of their original, and of how many.
    pub fn found(&self, cut: Distance) -> BTreeMap<&'a str, (usize, usize)> {
        let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for &(member, distance) in &self.versions {
            let (found, of) = kinds.entry(name(&self.members[member])).or_default();
            *of += 1;
            *found += usize::from(distance <= cut);
        }
        kinds
    }

    /// The pairs of different photos within `cut`, closest first, as places in the library.
    pub fn false_pairs(&self, cut: Distance) -> impl Iterator<Item = (Distance, usize, usize)> {
        let near = self.pairs.iter().take_while(move |p| p.distance <= cut);
        near.filter(|p| !self.same(p)).map(|p| (p.distance, p.a as usize, p.b as usize))
    }
}

/// A ranking in which each photo counts as often as it was drawn.
pub struct Draw<'r, 'a> {
    ranking: &'r Ranking<'a>,
    weight: Vec<f64>,
}

impl Draw<'_, '_> {
    pub fn figures(&self) -> RankingFigures {
        self.ranking.weighted(|photo| self.weight[photo])
    }

    /// Share of versions found from their original within `cut`, averaged over the kinds of edit.
    pub fn mean_edit(&self, cut: Distance) -> f64 {
        self.ranking.mean_edit(cut, |photo| self.weight[photo])
    }
}

fn name(member: &Member) -> &'static str {
    member.edit.map_or("", |edit| edit.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::edits::edits;

    fn member(photo: usize, edit: Option<usize>) -> Member {
        Member { photo, edit: edit.map(|e| &edits()[e]), has_versions: photo == 0, jpeg: Vec::new() }
    }

    /// An original, two versions of it, and two others: ten pairs, three of them true.
    fn library() -> Vec<Member> {
        vec![member(0, None), member(0, Some(0)), member(0, Some(1)), member(1, None), member(2, None)]
    }

    /// Distances by hand, in the order (0,1) (0,2) (0,3) (0,4) (1,2) (1,3) (1,4) (2,3) (2,4) (3,4).
    fn ranked(members: &[Member], distances: [f32; 10]) -> Ranking<'_> {
        Ranking::new(members, |a, b| distances[[0, 3, 5, 6][a] + b - 1])
    }

    #[test]
    fn perfect_distances() {
        let members = library();
        let ranking = ranked(&members, [0.1, 0.2, 0.9, 0.8, 0.3, 0.7, 0.9, 0.8, 0.9, 0.9]);
        let figures = ranking.figures();
        assert_eq!(figures.average_precision, 1.0);
        assert_eq!(figures.at_999, Cut { distance: 0.3, recall: 1.0 });
        assert_eq!(figures.mean_edit, 1.0);
        assert_eq!(ranking.false_pairs(0.5).count(), 0);
        assert_eq!(ranking.interval(1, |f| f.average_precision), (1.0, 1.0));
    }

    #[test]
    fn a_false_pair_in_the_middle() {
        let members = library();
        let ranking = ranked(&members, [0.1, 0.4, 0.9, 0.8, 0.3, 0.2, 0.9, 0.8, 0.9, 0.9]);
        let figures = ranking.figures();
        // True pairs stand at places 1, 3 and 4: (1/1 + 2/3 + 3/4) / 3.
        assert!((figures.average_precision - (1.0 + 2.0 / 3.0 + 0.75) / 3.0).abs() < 1e-12);
        assert_eq!(figures.at_999, Cut { distance: 0.1, recall: 1.0 / 3.0 });
        assert_eq!(figures.mean_edit, 0.5);
        assert_eq!(ranking.false_pairs(0.5).collect::<Vec<_>>(), [(0.2, 1, 3)]);
        assert_eq!(ranking.found(0.1).values().collect::<Vec<_>>(), [&(1, 1), &(0, 1)]);
    }

    #[test]
    fn pairs_at_one_distance_stand_or_fall_together() {
        let members = library();
        let ranking = ranked(&members, [0.1, 0.1, 0.1, 0.8, 0.1, 0.7, 0.9, 0.8, 0.9, 0.9]);
        let figures = ranking.figures();
        assert_eq!(figures.average_precision, 0.75);
        assert_eq!(figures.at_999, Cut::default());
    }
}
