//! Decisions on two photos.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;
use super::{EqualPictures, PictureHash};

/// Whether two photos are versions of each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Same,
    Different,
}

names!(Verdict, "verdict" { Same: "same", Different: "different" });

/// A verdict on two photos. It refers to picture hashes, so it outlives moves, copies and the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    pub a: PictureHash,
    pub b: PictureHash,
    pub verdict: Verdict,
    /// Seconds since 1970.
    pub made: i64,
    /// The picture that was decided on. The photo at its path was edited, and the decision holds for the new picture too.
    pub follows: Option<PictureHash>,
}

/// Two photos, in the order in which their decision is stored.
pub type Two = (PictureHash, PictureHash);

/// Decisions that cannot all hold: two photos are different, and the same by way of others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contradiction {
    pub different: Decision,
    /// The shortest way from one of the two photos to the other.
    pub same: Vec<Decision>,
}

impl Contradiction {
    pub fn decisions(&self) -> impl Iterator<Item = &Decision> {
        std::iter::once(&self.different).chain(&self.same)
    }
}

/// All decisions, at most one for each two photos. Pictures of equal pixels are one photo.
#[derive(Clone, Default, Debug)]
pub struct Decisions {
    equal: EqualPictures,
    /// By the pictures that stand for those of equal pixels.
    of: HashMap<Two, Decision>,
    /// Photos that are decided to be different, and the same by way of other decisions.
    contradicting: HashSet<Two>,
}

impl Decisions {
    /// Of several decisions on the same two photos the latest holds.
    pub fn new(decisions: impl IntoIterator<Item = Decision>, equal: EqualPictures) -> Decisions {
        let mut decisions: Vec<Decision> = decisions.into_iter().collect();
        decisions.sort_unstable_by_key(|d| (d.made, d.a, d.b));
        let of: HashMap<Two, Decision> = decisions.into_iter().map(|d| (key(&equal, d.a, d.b), d)).collect();
        let contradicting = contradicting(&of);
        Decisions { equal, of, contradicting }
    }

    pub fn of(&self, a: PictureHash, b: PictureHash) -> Option<Verdict> {
        self.on(a, b).map(|d| d.verdict)
    }

    /// Returns the decision on two pictures, or on pictures of their pixels.
    pub fn on(&self, a: PictureHash, b: PictureHash) -> Option<&Decision> {
        self.of.get(&key(&self.equal, a, b))
    }

    /// Returns the pictures of equal pixels that are known.
    pub fn equal(&self) -> &EqualPictures {
        &self.equal
    }

    pub fn iter(&self) -> impl Iterator<Item = &Decision> {
        self.of.values()
    }

    /// Returns the pictures that were decided on and whose pixel hash is not known.
    pub fn pictures_without_pixels(&self) -> Vec<PictureHash> {
        let decided: BTreeSet<PictureHash> = self.iter().flat_map(|d| [d.a, d.b]).collect();
        decided.into_iter().filter(|picture| self.equal.pixels(*picture).is_none()).collect()
    }

    pub fn len(&self) -> usize {
        self.of.len()
    }

    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Returns the number of decisions `different` that others contradict.
    pub fn contradictions(&self) -> usize {
        self.contradicting.len()
    }

    /// Returns whether this decision is `different` and others contradict it.
    pub fn is_contradicted(&self, decision: &Decision) -> bool {
        self.contradicting.contains(&key(&self.equal, decision.a, decision.b))
    }

    /// Returns a contradiction that was not there before, if there is one. Which one does not depend on chance.
    pub fn contradiction_since(&self, before: &Decisions) -> Option<Contradiction> {
        let two = self.contradicting.iter().filter(|two| !before.contradicting.contains(two)).min()?;
        Some(Contradiction { different: *self.of.get(two)?, same: self.way(two.0, two.1) })
    }

    /// Returns two of these new decisions that are on the same two photos and have different verdicts, if there are such.
    pub fn clash_within(&self, new: &[Decision]) -> Option<Contradiction> {
        let mut seen: HashMap<Two, Decision> = HashMap::new();
        new.iter().find_map(|decision| {
            let other = *seen.entry(key(&self.equal, decision.a, decision.b)).or_insert(*decision);
            let (same, different) = match (decision.verdict, other.verdict) {
                (Verdict::Same, Verdict::Different) => (*decision, other),
                (Verdict::Different, Verdict::Same) => (other, *decision),
                (Verdict::Same, Verdict::Same) | (Verdict::Different, Verdict::Different) => return None,
            };
            Some(Contradiction { different, same: vec![same] })
        })
    }

    /// Returns the shortest way from one photo to another by decisions `same`.
    fn way(&self, from: PictureHash, to: PictureHash) -> Vec<Decision> {
        let mut beside: HashMap<PictureHash, Vec<(PictureHash, Decision)>> = HashMap::new();
        for ((a, b), decision) in self.of.iter().filter(|(_, d)| d.verdict == Verdict::Same) {
            beside.entry(*a).or_default().push((*b, *decision));
            beside.entry(*b).or_default().push((*a, *decision));
        }
        beside.values_mut().for_each(|others| others.sort_unstable_by_key(|(other, _)| *other));
        let mut came_by: HashMap<PictureHash, (PictureHash, Decision)> = HashMap::new();
        let mut next = VecDeque::from([from]);
        while let Some(photo) = next.pop_front().filter(|photo| *photo != to) {
            for (other, decision) in beside.get(&photo).into_iter().flatten() {
                if *other != from && !came_by.contains_key(other) {
                    came_by.insert(*other, (photo, *decision));
                    next.push_back(*other);
                }
            }
        }
        let mut way = Vec::new();
        let mut at = to;
        while let Some((before, decision)) = came_by.get(&at) {
            way.push(*decision);
            at = *before;
        }
        way.reverse();
        way
    }
}

/// Returns the photos that are decided to be different although decisions `same` join them.
fn contradicting(of: &HashMap<Two, Decision>) -> HashSet<Two> {
    /// The photo that stands for all that are the same as this one.
    fn standing(joined: &mut HashMap<PictureHash, PictureHash>, photo: PictureHash) -> PictureHash {
        let mut at = photo;
        while let Some(next) = joined.get(&at).copied() {
            // The way is halved for the next time.
            if let Some(further) = joined.get(&next).copied() {
                joined.insert(at, further);
            }
            at = next;
        }
        at
    }
    let mut joined = HashMap::new();
    for ((a, b), _) in of.iter().filter(|(_, d)| d.verdict == Verdict::Same) {
        let (a, b) = (standing(&mut joined, *a), standing(&mut joined, *b));
        if a != b {
            joined.insert(a.max(b), a.min(b));
        }
    }
    let different = of.iter().filter(|(_, d)| d.verdict == Verdict::Different);
    different.map(|(two, _)| *two).filter(|(a, b)| standing(&mut joined, *a) == standing(&mut joined, *b)).collect()
}

/// Returns what a decision on two pictures is found by.
fn key(equal: &EqualPictures, a: PictureHash, b: PictureHash) -> Two {
    let (x, y) = (equal.standing(a), equal.standing(b));
    // An earlier version let a person decide on two pictures of equal pixels.
    if x == y { ordered(a, b) } else { ordered(x, y) }
}

/// Returns two picture hashes in the order in which their decision is stored.
pub fn ordered(a: PictureHash, b: PictureHash) -> Two {
    (a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::photo::PixelHash;

    fn said(a: u8, b: u8, verdict: Verdict) -> Decision {
        Decision { a: PictureHash([a; 32]), b: PictureHash([b; 32]), verdict, made: 1, follows: None }
    }

    fn all(decisions: impl IntoIterator<Item = Decision>) -> Decisions {
        Decisions::new(decisions, EqualPictures::default())
    }

    #[test]
    fn a_decision_is_found_by_any_picture_of_equal_pixels() {
        use Verdict::{Different, Same};
        let [a, turned, b, c] = [1, 2, 3, 4].map(|n| PictureHash([n; 32]));
        let pixels = PixelHash([9; 32]);
        let equal: EqualPictures = [(turned, pixels), (a, pixels), (c, PixelHash([8; 32]))].into_iter().collect();
        let later = Decision { made: 2, ..said(3, 2, Same) };
        let decisions = Decisions::new([later, said(1, 3, Different), said(2, 4, Different), said(1, 2, Different)], equal.clone());
        assert_eq!((decisions.of(a, b), decisions.of(b, turned)), (Some(Same), Some(Same)), "the later one");
        assert_eq!((decisions.of(c, a), decisions.of(c, b)), (Some(Different), None));
        assert_eq!(decisions.of(a, turned), Some(Different), "as an earlier version stored it");
        assert_eq!((decisions.len(), decisions.contradictions()), (3, 0));
        assert_eq!(equal.of(turned).collect::<Vec<_>>(), [a, turned]);
        assert_eq!(equal.of(b).collect::<Vec<_>>(), [b]);
        // A contradiction is seen by way of equal pixels.
        let more = Decisions::new([later, said(1, 4, Same), said(3, 4, Different)], equal);
        let found = more.contradiction_since(&decisions).expect("one");
        assert_eq!((found.different, found.same.len()), (said(3, 4, Different), 2));
    }

    #[test]
    fn a_contradiction_names_the_shortest_way() {
        use Verdict::{Different, Same};
        let none = Decisions::default();
        let chain = [said(1, 2, Same), said(3, 2, Same), said(3, 4, Same), said(4, 5, Same), said(2, 4, Same)];
        assert_eq!(all(chain).contradiction_since(&none), None);
        let every = all(chain.into_iter().chain([said(5, 1, Different), said(5, 9, Different)]));
        assert_eq!(every.contradictions(), 1);
        assert!(every.is_contradicted(&said(1, 5, Different)) && !every.is_contradicted(&said(9, 5, Different)));
        let found = every.contradiction_since(&none).expect("one");
        assert_eq!(found.different, said(5, 1, Different));
        assert_eq!(found.same, [said(1, 2, Same), said(2, 4, Same), said(4, 5, Same)]);
        assert_eq!(every.contradiction_since(&every), None, "it was there before");
    }

    proptest! {
        /// Photos are joined step by step until nothing changes, which needs no tree.
        #[test]
        fn contradictions_are_those_of_a_plain_closure(
            decisions in proptest::collection::vec((0u8..12, 0u8..12, any::<bool>()), 0..25)
        ) {
            let verdict = |same| if same { Verdict::Same } else { Verdict::Different };
            let decisions = all(decisions.into_iter().filter(|(a, b, _)| a != b).map(|(a, b, same)| said(a, b, verdict(same))));
            let mut group: Vec<u8> = (0..12).collect();
            for _ in 0..12 {
                for d in decisions.iter().filter(|d| d.verdict == Verdict::Same) {
                    let (a, b) = (d.a.0[0] as usize, d.b.0[0] as usize);
                    let least = group[a].min(group[b]);
                    (group[a], group[b]) = (least, least);
                }
            }
            let expected = decisions.iter().filter(|d| d.verdict == Verdict::Different);
            let expected = expected.filter(|d| group[d.a.0[0] as usize] == group[d.b.0[0] as usize]).count();
            prop_assert_eq!(decisions.contradictions(), expected);
            match decisions.contradiction_since(&Decisions::default()) {
                None => prop_assert_eq!(expected, 0),
                Some(found) => {
                    prop_assert!(!found.same.is_empty());
                    let mut at = found.different.a.min(found.different.b);
                    for step in &found.same {
                        at = if step.a == at { step.b } else { prop_assert_eq!(step.b, at); step.a };
                    }
                    prop_assert_eq!(at, found.different.a.max(found.different.b));
                }
            }
        }
    }
}
