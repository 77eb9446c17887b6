//! The acceptance test: whether a new head is better than the one before, on photos that neither was tuned on. Only
//! embeddings are compared, because crop descriptors do not depend on the head.

use std::collections::HashSet;

use super::edits::Edit;
use super::evaluation::Ranking;
use super::library::Member;
use crate::likeness::{Head, Index, cosine_distance, densities, global_only, normalized};
use crate::photo::{Descriptors, Distance, Embedding, Features, PhotoId, Verdict};

/// Photos that are held out of tuning, with edited versions.
#[derive(Default)]
pub struct HeldOut {
    members: Vec<Member>,
    features: Vec<Features>,
    photos: usize,
    undecided: HashSet<(usize, usize)>,
}

impl HeldOut {
    /// Adds a photo with its versions and returns its number.
    pub fn add(&mut self, photo: Features, versions: impl IntoIterator<Item = (&'static Edit, Features)>) -> usize {
        let number = self.photos;
        self.photos += 1;
        let member = |edit| Member { photo: number, edit, has_versions: true, jpeg: Vec::new() };
        self.members.push(member(None));
        self.features.push(photo);
        for (edit, features) in versions {
            self.members.push(member(Some(edit)));
            self.features.push(features);
        }
        number
    }

    /// Marks two photos that may be versions of each other. Joining them counts neither as right nor as wrong.
    pub fn undecided(&mut self, a: usize, b: usize) {
        self.undecided.insert((a.min(b), a.max(b)));
    }

    /// The number of edited versions.
    pub fn versions(&self) -> usize {
        self.members.len() - self.photos
    }

    pub fn photos(&self) -> usize {
        self.photos
    }

    /// The share of versions whose nearest original is their own. Quick to compute, to show the progress of a tuning.
    pub fn nearest(&self, head: &Head) -> f32 {
        let embeddings: Vec<Embedding> = self.features.iter().map(|features| head.embed(features)).collect();
        let originals: Vec<usize> = (0..self.members.len()).filter(|&i| self.members[i].edit.is_none()).collect();
        let far = |i: usize, original: usize| cosine_distance(&embeddings[i].0, &embeddings[original].0);
        let own = |i: usize| originals.iter().copied().min_by(|&x, &y| far(i, x).total_cmp(&far(i, y)));
        let versions = (0..self.members.len()).filter(|&i| self.members[i].edit.is_some());
        let hits = versions.filter(|&i| own(i).is_some_and(|original| self.members[original].photo == self.members[i].photo)).count();
        hits as f32 / self.versions().max(1) as f32
    }
}

/// Two photos with a decision.
pub struct Decided {
    pub a: Features,
    pub b: Features,
    pub verdict: Verdict,
}

/// The results of a head on held-out photos, among photos of the library.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AcceptanceFigures {
    /// Recall over all true pairs, at a precision of 99.9 % and of 99 %.
    pub recall: f64,
    pub at_99: f64,
    /// Within the threshold: versions found from their original, and pairs of different photos.
    pub found: usize,
    pub false_pairs: usize,
    /// Decisions that the head agrees with at its threshold.
    pub agreed: usize,
}

/// The result of the acceptance test.
#[derive(Clone, PartialEq, Debug)]
pub struct Judgement {
    pub before: AcceptanceFigures,
    pub after: AcceptanceFigures,
    /// The threshold for the new head.
    pub threshold: Distance,
    /// Why the new head is refused. `None` if it is accepted.
    pub refused: Option<String>,
}

/// The id of the first held-out photo. Background photos have smaller ids.
const FIRST_HELD_OUT_ID: i64 = 1 << 40;

/// The ranks, among the nearest pairs of different photos, by which the thresholds of two heads are matched.
const MATCHED_RANKS: [usize; 4] = [5, 10, 20, 40];

/// The lowest threshold that a head gets. Closer photos are almost never different.
const MIN_THRESHOLD: Distance = 0.1;

/// The largest share of resamples in which an accepted head may find no more versions than before.
const MAX_WORSE_SHARE: f64 = 0.05;

/// How much recall at a precision of 99 % an accepted head may lose: the effect of chance.
const RECALL_SLACK: f64 = 0.005;

/// A threshold is this fraction of the distance of a pair that it must not join.
const BELOW_FALSE_PAIR: Distance = 0.999;

/// One seed, so that both heads are measured on the same resamples.
const DRAW_SEED: u64 = 1;

/// Compares `new` with `old` and its threshold: on the held-out photos and their versions, among `background` photos
/// of the library, and on the decisions. The new head gets a threshold, up to `max_distance`, at which it joins no
/// more pairs of different photos than the old one.
pub fn judge(
    held_out: &HeldOut,
    background: &[Features],
    decided: &[Decided],
    old: (&Head, Distance),
    new: &Head,
    max_distance: Distance,
) -> Judgement {
    let (was, is) = (Seen::new(old.0, held_out, background, decided), Seen::new(new, held_out, background, decided));
    let (old_ranking, new_ranking) = (was.ranking(held_out), is.ranking(held_out));
    let before = was.figures(&old_ranking, held_out, decided, old.1);
    let matched = matched_threshold(&old_ranking, old.1, &new_ranking);
    // At most as many pairs of different photos as before, wherever the nearest ones are.
    let first_too_many = new_ranking.nearest_false(before.false_pairs + 1).get(before.false_pairs).copied();
    let threshold =
        matched.min(first_too_many.map_or(max_distance, |distance| distance * BELOW_FALSE_PAIR)).clamp(MIN_THRESHOLD, max_distance);
    let after = is.figures(&new_ranking, held_out, decided, threshold);
    let found = |ranking: &Ranking<'_>, within| ranking.resamples(DRAW_SEED, |draw| draw.mean_edit(within));
    let draws: Vec<(f64, f64)> = found(&old_ranking, old.1).into_iter().zip(found(&new_ranking, threshold)).collect();
    let worse = draws.iter().filter(|(old, new)| new <= old).count() as f64 / draws.len().max(1) as f64;
    // With decisions two heads are tried, and chance may favour either.
    let worse = if decided.is_empty() { worse } else { 2.0 * worse };
    let refused = reason(&before, &after, worse, held_out.versions(), decided.len());
    Judgement { before, after, threshold, refused }
}

/// The threshold of the new ranking that joins as many of the nearest pairs of different photos as `threshold` does
/// in the old one. Heads spread photos differently, so equal distances do not mean the same.
fn matched_threshold(old: &Ranking<'_>, threshold: Distance, new: &Ranking<'_>) -> Distance {
    let (old, new) = (old.nearest_false(MATCHED_RANKS[3]), new.nearest_false(MATCHED_RANKS[3]));
    let mut ratios: Vec<Distance> =
        MATCHED_RANKS.iter().filter_map(|&rank| Some(new.get(rank - 1)? / old.get(rank - 1)?.max(MIN_THRESHOLD))).collect();
    ratios.sort_unstable_by(Distance::total_cmp);
    ratios.get(ratios.len() / 2).map_or(threshold, |ratio| threshold * ratio)
}

fn reason(before: &AcceptanceFigures, after: &AcceptanceFigures, worse: f64, versions: usize, decided: usize) -> Option<String> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let found = format!("{} of {versions} test versions, {} before", after.found, before.found);
    if after.found <= before.found {
        Some(format!("it finds no more: {found}"))
    } else if worse > MAX_WORSE_SHARE {
        Some(format!("the gain is not certain enough: {found}, but no more in {} of the resamples of the test photos", percent(worse)))
    } else if after.false_pairs > before.false_pairs {
        Some(format!("it joins more different photos: {} pairs, {} before", after.false_pairs, before.false_pairs))
    } else if after.at_99 < before.at_99 - RECALL_SLACK {
        Some(format!(
            "it separates photos less well: {} of the pairs of versions are found at a precision of 99 %, {} before",
            percent(after.at_99),
            percent(before.at_99)
        ))
    } else if after.agreed < before.agreed {
        Some(format!("it agrees with fewer of your decisions: {} of {decided}, {} before", after.agreed, before.agreed))
    } else {
        None
    }
}

/// The held-out photos and the decided pairs, as one head embeds them.
struct Seen {
    held_out: Vec<(Embedding, f32)>,
    decided: Vec<Distance>,
}

impl Seen {
    fn new(head: &Head, held_out: &HeldOut, background: &[Features], decided: &[Decided]) -> Seen {
        let mut index = Index::new(head.dimensions());
        for (number, features) in (1..).zip(background) {
            index.add(PhotoId(number), &global_only(head.embed(features)));
        }
        let new: Vec<(PhotoId, Descriptors)> =
            (FIRST_HELD_OUT_ID..).map(PhotoId).zip(held_out.features.iter().map(|f| global_only(head.embed(f)))).collect();
        let held_out_densities = densities(&index, &new, &new.iter().map(|(photo, _)| *photo).collect());
        let held_out = new
            .into_iter()
            .zip(held_out_densities)
            .map(|((_, descriptors), (_, density))| (descriptors.embedding, density.mean_similarity))
            .collect();
        let both = decided.iter().flat_map(|decision| [&decision.a, &decision.b].map(|features| global_only(head.embed(features))));
        let both: Vec<(PhotoId, Descriptors)> = (FIRST_HELD_OUT_ID..).map(PhotoId).zip(both).collect();
        let decided_densities = densities(&index, &both, &both.iter().map(|(photo, _)| *photo).collect());
        let far = |pair: usize| {
            let (a, b) = (2 * pair, 2 * pair + 1);
            normalized(
                cosine_distance(&both[a].1.embedding.0, &both[b].1.embedding.0),
                decided_densities[a].1.mean_similarity,
                decided_densities[b].1.mean_similarity,
            )
        };
        Seen { held_out, decided: (0..decided.len()).map(far).collect() }
    }

    fn ranking<'a>(&self, held_out: &'a HeldOut) -> Ranking<'a> {
        Ranking::of_some(&held_out.members, |a, b| {
            let (x, y) = (held_out.members[a].photo, held_out.members[b].photo);
            let ((a, a_similarity), (b, b_similarity)) = (&self.held_out[a], &self.held_out[b]);
            (!held_out.undecided.contains(&(x.min(y), x.max(y))))
                .then(|| normalized(cosine_distance(&a.0, &b.0), *a_similarity, *b_similarity))
        })
    }

    fn figures(&self, ranking: &Ranking<'_>, held_out: &HeldOut, decided: &[Decided], threshold: Distance) -> AcceptanceFigures {
        let figures = ranking.figures();
        let photos = |(_, a, b): (Distance, usize, usize)| (held_out.members[a].photo, held_out.members[b].photo);
        AcceptanceFigures {
            recall: figures.at_999.recall,
            at_99: figures.at_99.recall,
            found: ranking.found(threshold).values().map(|(found, _)| found).sum(),
            false_pairs: ranking.false_pairs(threshold).map(photos).map(|(a, b)| (a.min(b), a.max(b))).collect::<HashSet<_>>().len(),
            agreed: self
                .decided
                .iter()
                .zip(decided)
                .filter(|(d, decision)| (**d <= threshold) == (decision.verdict == Verdict::Same))
                .count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::learn::edits::edits;

    /// Photos with three versions each: the photo with this much noise.
    fn held_out(noise: f32) -> HeldOut {
        let mut rng = fastrand::Rng::with_seed(5);
        let mut held_out = HeldOut::default();
        for _ in 0..40 {
            let photo: Vec<f32> = (0..512).map(|_| rng.f32()).collect();
            let mut view = |noise: f32| Features(photo.iter().map(|v| f16::from_f32(v + noise * rng.f32())).collect());
            let versions: Vec<Features> = (0..3).map(|_| view(noise)).collect();
            let photo = view(0.0);
            held_out.add(photo, edits().iter().zip(versions));
        }
        held_out
    }

    fn judged(held_out: &HeldOut, decided: &[Decided], new: &Head) -> Judgement {
        let base = Head::base().expect("loads");
        judge(held_out, &[], decided, (&base, 0.42), new, 0.45)
    }

    /// A head that has lost almost everything.
    fn ruined() -> Head {
        let base = Head::base().expect("loads");
        let weight = base.weight().iter().enumerate().map(|(i, v)| if i % 512 < 4 { *v } else { 0.0 }).collect();
        Head::new("ruined", weight, base.bias().to_vec())
    }

    #[test]
    fn a_worse_head_is_refused_and_the_same_one_too() {
        let held_out = held_out(0.8);
        let judgement = judged(&held_out, &[], &ruined());
        assert!(judgement.refused.as_ref().is_some_and(|r| r.starts_with("it finds no more")), "{judgement:?}");
        let judgement = judged(&held_out, &[], &Head::base().expect("loads"));
        assert!(judgement.refused.as_ref().is_some_and(|r| r.starts_with("it finds no more")), "{judgement:?}");
        assert_eq!(judgement.before, judgement.after);
        assert!((judgement.threshold - 0.42).abs() < 1e-6);
    }

    #[test]
    fn a_better_head_is_taken_unless_it_breaks_a_decision() {
        let before = AcceptanceFigures { recall: 0.7, at_99: 0.8, found: 70, false_pairs: 2, agreed: 5 };
        let after = AcceptanceFigures { found: 80, ..before };
        let refused =
            |after: &AcceptanceFigures, worse: f64, with: &str| reason(&before, after, worse, 100, 5).is_some_and(|r| r.starts_with(with));
        assert_eq!(reason(&before, &after, 0.0, 100, 5), None);
        assert!(refused(&after, 0.2, "the gain is not certain"));
        assert!(refused(&AcceptanceFigures { agreed: 4, ..after }, 0.0, "it agrees with fewer"));
        assert!(refused(&AcceptanceFigures { at_99: 0.7, ..after }, 0.0, "it separates photos less well"));
        assert!(refused(&AcceptanceFigures { false_pairs: 3, ..after }, 0.0, "it joins more different photos"));
    }

    #[test]
    fn a_threshold_follows_the_different_photos() {
        let held_out = held_out(0.1);
        let ranking = |scale: f32| {
            let far = move |a: usize, b: usize| if a / 4 == b / 4 { 0.01 } else { scale * (0.3 + 0.001 * (a + b) as f32) };
            Ranking::new(&held_out.members, far)
        };
        assert!((matched_threshold(&ranking(1.0), 0.4, &ranking(0.8)) - 0.32).abs() < 1e-3);
        assert!((matched_threshold(&ranking(1.0), 0.4, &ranking(1.0)) - 0.4).abs() < 1e-6);
    }

    #[test]
    fn the_undecided_count_neither_for_nor_against() {
        let mut held_out = held_out(0.1);
        let base = Head::base().expect("loads");
        let copy = held_out.features[0].clone();
        let number = held_out.add(copy, edits().iter().take(1).map(|e| (e, held_out_features(0.1))));
        let false_pairs = |held_out: &HeldOut| {
            let seen = Seen::new(&base, held_out, &[], &[]);
            seen.figures(&seen.ranking(held_out), held_out, &[], 0.0).false_pairs
        };
        assert_eq!(false_pairs(&held_out), 1);
        held_out.undecided(number, 0);
        assert_eq!(false_pairs(&held_out), 0);
    }

    fn held_out_features(value: f32) -> Features {
        Features(vec![f16::from_f32(value); 512])
    }
}
