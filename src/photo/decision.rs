//! Decisions on two photos.

use std::collections::{HashMap, HashSet, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PictureHash;
use super::names::names;

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

/// All decisions, at most one for each two photos.
#[derive(Clone, Default, Debug)]
pub struct Decisions {
    of: HashMap<Two, Decision>,
    /// Photos that are decided to be different, and the same by way of other decisions.
    contradicting: HashSet<Two>,
}

impl Decisions {
    pub fn new(decisions: impl IntoIterator<Item = Decision>) -> Decisions {
        let of: HashMap<Two, Decision> = decisions.into_iter().map(|d| (ordered(d.a, d.b), d)).collect();
        let contradicting = contradicting(&of);
        Decisions { of, contradicting }
    }

    pub fn of(&self, a: PictureHash, b: PictureHash) -> Option<Verdict> {
        self.of.get(&ordered(a, b)).map(|d| d.verdict)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Decision> {
        self.of.values()
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
        self.contradicting.contains(&ordered(decision.a, decision.b))
    }

    /// Returns a contradiction that was not there before, if there is one. Which one does not depend on chance.
    pub fn contradiction_since(&self, before: &Decisions) -> Option<Contradiction> {
        let two = self.contradicting.iter().filter(|two| !before.contradicting.contains(two)).min()?;
        Some(Contradiction { different: *self.of.get(two)?, same: self.way(two.0, two.1) })
    }

    /// Returns the shortest way from one photo to another by decisions `same`.
    fn way(&self, from: PictureHash, to: PictureHash) -> Vec<Decision> {
        let mut beside: HashMap<PictureHash, Vec<(PictureHash, Decision)>> = HashMap::new();
        for decision in self.iter().filter(|d| d.verdict == Verdict::Same) {
            beside.entry(decision.a).or_default().push((decision.b, *decision));
            beside.entry(decision.b).or_default().push((decision.a, *decision));
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

/// Returns two picture hashes in the order in which their decision is stored.
pub fn ordered(a: PictureHash, b: PictureHash) -> Two {
    (a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(a: u8, b: u8, verdict: Verdict) -> Decision {
        Decision { a: PictureHash([a; 32]), b: PictureHash([b; 32]), verdict, made: 1 }
    }

    #[test]
    fn a_contradiction_names_the_shortest_way() {
        use Verdict::{Different, Same};
        let none = Decisions::default();
        let chain = [said(1, 2, Same), said(3, 2, Same), said(3, 4, Same), said(4, 5, Same), said(2, 4, Same)];
        assert_eq!(Decisions::new(chain).contradiction_since(&none), None);
        let all = Decisions::new(chain.into_iter().chain([said(5, 1, Different), said(5, 9, Different)]));
        assert_eq!(all.contradictions(), 1);
        assert!(all.is_contradicted(&said(1, 5, Different)) && !all.is_contradicted(&said(9, 5, Different)));
        let found = all.contradiction_since(&none).expect("one");
        assert_eq!(found.different, said(5, 1, Different));
        assert_eq!(found.same, [said(1, 2, Same), said(2, 4, Same), said(4, 5, Same)]);
        assert_eq!(all.contradiction_since(&all), None, "it was there before");
    }

    proptest! {
        /// Photos are joined step by step until nothing changes, which needs no tree.
        #[test]
        fn contradictions_are_those_of_a_plain_closure(
            decisions in proptest::collection::vec((0u8..12, 0u8..12, any::<bool>()), 0..25)
        ) {
            let verdict = |same| if same { Verdict::Same } else { Verdict::Different };
            let decisions = Decisions::new(decisions.into_iter().filter(|(a, b, _)| a != b).map(|(a, b, same)| said(a, b, verdict(same))));
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
