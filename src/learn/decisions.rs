//! Learning from the decisions of a person what a version is, and the acceptance test of what was learnt.
//!
//! Decisions change the score of pairs like those that were decided on. Edited versions of photos of the library are to keep
//! their score, so that what is right stays right. The test judges by decisions and photos that were not learnt from.

use burn::nn;
use burn::tensor::{Device, Tensor, TensorData, activation};

use super::fit::{Fit, fit};
use crate::likeness::{Anchor, Member, Near, Taught, VersionModel, are_versions, inputs, kind, sources};
use crate::photo::{Compared, Comparison, Verdict};

/// Two photos that a person decided on.
#[derive(Clone, Debug)]
pub struct Decided {
    pub members: [Member; 2],
    /// How the first one lies in the second one.
    pub comparison: Comparison,
    pub verdict: Verdict,
    /// Whether the model in use may have learnt from it.
    pub is_known: bool,
}

impl Decided {
    fn training_pair(&self) -> TrainingPair {
        let [a, b] = &self.members;
        let target = if self.verdict == Verdict::Same { 1.0 } else { 0.0 };
        TrainingPair { target, ..TrainingPair::of(a, b, &self.comparison) }
    }

    fn is_agreed(&self, model: &VersionModel) -> bool {
        let [a, b] = &self.members;
        are_versions(model, a, b, &self.comparison) == (self.verdict == Verdict::Same)
    }

    /// Decisions on one picture are in one part, so that no part is judged by what it was taught.
    fn part(&self) -> usize {
        let [a, b] = &self.members;
        usize::from(a.picture.min(b.picture).0[0]) % DECISION_PARTS
    }
}

/// A photo of the library, versions that were made of it, and photos that are known to be others.
#[derive(Clone, Debug)]
pub struct Group {
    members: Vec<Member>,
    versions: usize,
    /// How the photo lies in each of the others that can be laid over it.
    near: Vec<Near>,
}

impl Group {
    /// A group of a photo, its versions and others, each with how the photo lies in it.
    pub fn new(photo: Member, versions: Vec<(Member, Compared)>, others: Vec<(Member, Compared)>) -> Group {
        let mut group = Group { members: vec![photo], versions: versions.len(), near: Vec::new() };
        for (member, compared) in versions.into_iter().chain(others) {
            group.near.push(Near { a: 0, b: group.members.len(), distance: 0.0, compared });
            group.members.push(member);
        }
        group
    }

    fn others(&self) -> usize {
        self.members.len() - 1 - self.versions
    }

    fn is_version(&self, member: usize) -> bool {
        (1..=self.versions).contains(&member)
    }

    /// The versions that the model of the program finds, which are to keep their scores.
    fn training_pairs(&self) -> impl Iterator<Item = TrainingPair> {
        let versions = self.near.iter().filter(|near| self.is_version(near.b));
        let laid = versions.filter_map(|near| match &near.compared {
            Compared::Laid(comparison) => Some(TrainingPair::of(&self.members[near.a], &self.members[near.b], comparison)),
            Compared::NotYet | Compared::Apart => None,
        });
        laid.filter(|pair| pair.before > 0.0)
    }

    /// The number of versions that are in the star of the photo, each beside all others but without the other versions, because
    /// these are not compared with each other.
    fn found(&self, model: &VersionModel) -> usize {
        (1..=self.versions).filter(|version| self.star(model, Some(*version)).contains(version)).count()
    }

    /// The number of others in the star of the photo.
    fn joined(&self, model: &VersionModel) -> usize {
        self.star(model, None).len()
    }

    /// Returns who is in the star of the photo, with this version and no other.
    fn star(&self, model: &VersionModel, version: Option<usize>) -> Vec<usize> {
        let here: Vec<usize> = (0..self.members.len()).filter(|&at| at == 0 || Some(at) == version || !self.is_version(at)).collect();
        let members: Vec<Member> = here.iter().map(|&at| self.members[at].clone()).collect();
        let place = |at: usize| here.binary_search(&at).ok();
        let near: Vec<Near> = self.near.iter().filter_map(|near| Some(Near { a: 0, b: place(near.b)?, ..*near })).collect();
        let sources = sources(model, &members, &near);
        (1..here.len()).filter(|&at| sources[at] == sources[0]).map(|at| here[at]).collect()
    }
}

/// How well a model does on decisions and photos.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DecisionFigures {
    /// Made versions in the star of their photo.
    pub found: usize,
    /// Photos in the star of a photo that they are not versions of.
    pub joined: usize,
    /// Decisions that it agrees with.
    pub agreed: usize,
}

/// The result of the acceptance test.
#[derive(Clone, PartialEq, Debug)]
pub struct Judgement {
    /// Made versions, photos that are known to be others, and decisions that the models were judged by.
    pub versions: usize,
    pub others: usize,
    pub decisions: usize,
    pub before: DecisionFigures,
    pub after: DecisionFigures,
    /// Why the new model is refused. `None` if it is accepted.
    pub refused: Option<String>,
}

/// The number of parts of the decisions. Each part is judged by a model that was taught the other parts.
const DECISION_PARTS: usize = 5;

/// The chance of gaining as many decisions if the new model were as good as the old one.
const MAX_CHANCE: f64 = 0.05;

/// The share of the made versions that may be lost. One may be lost whatever their number: of so few as a small library
/// has, one more or less is chance.
const MAX_LOST_SHARE: f64 = 0.003;

/// How much each version of a photo of the library weighs against a decision. The first with which the model passes the
/// acceptance test counts: decisions teach as much as is safe.
const WEIGHTS_OF_VERSIONS: [f32; 3] = [1.0, 3.0, 9.0];

/// Trains what decisions teach, and stops early once `goes_on` is false. `old` is the model in use. What is learnt adds to
/// the model of the program, so decisions that were forgotten leave nothing behind.
///
/// # Panics
/// If there are no decisions.
pub fn learn(
    old: &VersionModel,
    decided: &[Decided],
    (taught, held_out): (&[Group], &[Group]),
    device: &Device,
    goes_on: &dyn Fn() -> bool,
) -> (Taught, Judgement) {
    let mut result = None;
    for weight in WEIGHTS_OF_VERSIONS {
        let train = |decisions: &[TrainingPair], versions: &[TrainingPair]| train(decisions, versions, weight, device, goes_on);
        let learnt = learnt(old, decided, taught, held_out, &train);
        let is_passed = learnt.1.refused.is_none();
        result.get_or_insert_with(|| learnt.clone());
        if is_passed {
            result = Some(learnt);
            break;
        }
    }
    result.expect("at least one weight")
}

fn learnt(
    old: &VersionModel,
    decided: &[Decided],
    taught: &[Group],
    held_out: &[Group],
    train: &dyn Fn(&[TrainingPair], &[TrainingPair]) -> Taught,
) -> (Taught, Judgement) {
    let base = VersionModel::base();
    let versions: Vec<TrainingPair> = taught.iter().flat_map(Group::training_pairs).collect();
    let trained = |counts: &dyn Fn(&Decided) -> bool| {
        let decisions: Vec<TrainingPair> = decided.iter().filter(|decided| counts(decided)).map(Decided::training_pair).collect();
        train(&decisions, &versions)
    };
    let all = trained(&|_| true);
    let new = base.taught(all.clone());
    let by_parts: Vec<VersionModel> = (0..DECISION_PARTS).map(|part| base.taught(trained(&|decided| decided.part() != part))).collect();
    let judged: Vec<&Decided> = decided.iter().filter(|decided| !decided.is_known).collect();
    let agreed: Vec<[bool; 2]> =
        judged.iter().map(|decided| [decided.is_agreed(old), decided.is_agreed(&by_parts[decided.part()])]).collect();
    let figures = |model: &VersionModel, at: usize| DecisionFigures {
        found: held_out.iter().map(|group| group.found(model)).sum(),
        joined: held_out.iter().map(|group| group.joined(model)).sum(),
        agreed: agreed.iter().filter(|agreed| agreed[at]).count(),
    };
    let (before, after) = (figures(old, 0), figures(&new, 1));
    let changed = |from: bool| agreed.iter().filter(|[was, is]| *was == from && *is != from).count();
    let (versions, others) = (held_out.iter().map(|group| group.versions).sum(), held_out.iter().map(Group::others).sum());
    let mut judgement = Judgement { versions, others, decisions: judged.len(), before, after, refused: None };
    judgement.refused = reason(&judgement, changed(false), changed(true));
    (all, judgement)
}

/// A pair to learn from.
#[derive(Clone, Copy, Debug)]
struct TrainingPair {
    anchor: Anchor,
    /// The score without what decisions teach.
    before: f32,
    /// How likely one is a version of the other.
    target: f32,
}

impl TrainingPair {
    /// A pair that is to keep its score.
    fn of(a: &Member, b: &Member, comparison: &Comparison) -> TrainingPair {
        let (model, kind, inputs) = (VersionModel::base(), kind(a, b, comparison), inputs(a, b, comparison));
        let before = model.untaught(kind, &inputs, comparison);
        TrainingPair { anchor: model.anchor(kind, &inputs), before, target: 1.0 / (1.0 + (-before).exp()) }
    }
}

/// How the weights of the decisions are found.
const DECISION_FIT: Fit = Fit { steps: 300, rate: 0.1, decay: 0.03 };

/// Finds the weights of the decisions, by the cross-entropy of all pairs.
fn train(decisions: &[TrainingPair], versions: &[TrainingPair], weight: f32, device: &Device, goes_on: &dyn Fn() -> bool) -> Taught {
    let device = device.clone().autodiff();
    let pairs: Vec<&TrainingPair> = decisions.iter().chain(versions).collect();
    let column = |value: &dyn Fn(usize) -> f32| {
        let values: Vec<f32> = (0..pairs.len()).map(value).collect();
        Tensor::<2>::from_data(TensorData::new(values, [pairs.len(), 1]), &device)
    };
    let similarities: Vec<f32> =
        pairs.iter().flat_map(|pair| decisions.iter().map(|decision| pair.anchor.similarity(&decision.anchor))).collect();
    let similarities = Tensor::<2>::from_data(TensorData::new(similarities, [pairs.len(), decisions.len()]), &device);
    let (before, target) = (column(&|at| pairs[at].before), column(&|at| pairs[at].target));
    let weights = column(&|at| if at < decisions.len() { 1.0 } else { weight });
    let loss = |layer: &nn::Linear| {
        let scores = layer.forward(similarities.clone()) + before.clone();
        let losses = activation::softplus(scores.clone(), 1.0) - target.clone() * scores;
        (losses * weights.clone()).sum()
    };
    let learnt = fit(decisions.len(), &DECISION_FIT, &device, goes_on, loss);
    Taught::new(decisions.iter().map(|decision| decision.anchor).zip(learnt))
}

fn reason(judgement: &Judgement, won: usize, lost: usize) -> Option<String> {
    let Judgement { versions, others, decisions, before, after, .. } = judgement;
    let agreed = format!("{} of {decisions} decisions that it did not learn from, {} before", after.agreed, before.agreed);
    let found = format!("{} of {versions} test versions, {} before", after.found, before.found);
    if after.agreed <= before.agreed {
        Some(format!("it agrees with no more decisions: {agreed}"))
    } else if chance(won, won + lost) > MAX_CHANCE {
        Some(format!("the gain is not certain enough: it agrees with {agreed}"))
    } else if before.found.saturating_sub(after.found) as f64 > (MAX_LOST_SHARE * *versions as f64).max(1.0) {
        Some(format!("it finds fewer versions: {found}"))
    } else if after.joined > before.joined {
        Some(format!("it joins more different photos: {} of {others}, {} before", after.joined, before.joined))
    } else {
        None
    }
}

/// The chance of at least `won` heads in `of` throws of a coin.
fn chance(won: usize, of: usize) -> f64 {
    // Logarithms, because half to the power of 2,000 is 0.
    let mut terms = vec![of as f64 * 0.5_f64.ln()];
    for k in 1..=of {
        terms.push(terms[k - 1] + ((of - k + 1) as f64 / k as f64).ln());
    }
    terms[won..].iter().map(|term| term.exp()).sum()
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::learn::device::device;
    use crate::photo::{Capture, Dimensions, Format, PictureHash, Residual};

    fn member(rng: &mut Rng) -> Member {
        let dimensions = Dimensions { width: 6000, height: 4000 };
        let picture = PictureHash(std::array::from_fn(|_| rng.u8(..)));
        Member { picture, dimensions, format: Format::Jpeg, quantisation: Some(100), capture: Capture::default(), names: Vec::new() }
    }

    /// Two photos of one size that agree so well, with a spot of misfit.
    fn laid(rng: &mut Rng, agreement: f64, spot: f64) -> Comparison {
        let left = Residual { agreement: agreement + 0.001 * rng.f64(), spot: spot + rng.f64(), ..Comparison::WHOLE.fine };
        Comparison { coarse: left, fine: left, ..Comparison::WHOLE }
    }

    /// A wrong kind: photos that are all but equal, apart from one large spot. Versions have small spots.
    fn wrong(rng: &mut Rng, verdict: Verdict) -> Decided {
        Decided { comparison: laid(rng, 0.998, 12.0), members: [member(rng), member(rng)], verdict, is_known: false }
    }

    fn groups(rng: &mut Rng, count: usize) -> Vec<Group> {
        let mut group = |_| {
            let mut others = |agreement: f64, count: usize| -> Vec<(Member, Compared)> {
                (0..count).map(|_| (member(rng), Compared::Laid(laid(rng, agreement, 1.0)))).collect()
            };
            let (versions, others) = (others(0.998, 6), others(0.93, 2));
            Group::new(member(rng), versions, others)
        };
        (0..count).map(&mut group).collect()
    }

    fn joins(model: &VersionModel, pairs: &[Decided]) -> usize {
        pairs.iter().filter(|pair| pair.is_agreed(model) != (pair.verdict == Verdict::Different)).count()
    }

    #[test]
    fn forty_decisions_part_most_of_the_others_like_them() {
        let mut rng = Rng::with_seed(7);
        let decided: Vec<Decided> = (0..40).map(|_| wrong(&mut rng, Verdict::Different)).collect();
        let others: Vec<Decided> = (0..100).map(|_| wrong(&mut rng, Verdict::Different)).collect();
        let (taught, held_out) = (groups(&mut rng, 40), groups(&mut rng, 40));
        let base = VersionModel::base();
        assert_eq!(joins(base, &others), 100, "the model of the program joins them");
        let (learnt, judgement) = learn(base, &decided, (&taught, &held_out), &device(), &|| true);
        assert_eq!(judgement.refused, None, "{judgement:?}");
        assert!(joins(&base.taught(learnt), &others) <= 20, "{judgement:?}");
        assert_eq!([judgement.before.found, judgement.after.found], [240; 2]);
        // A person who errs at every fifth decision teaches nearly the same.
        let mistaken: Vec<Decided> =
            (0..40).map(|at| wrong(&mut rng, if at % 5 == 0 { Verdict::Same } else { Verdict::Different })).collect();
        let (learnt, judgement) = learn(base, &mistaken, (&taught, &held_out), &device(), &|| true);
        assert_eq!(judgement.refused, None, "{judgement:?}");
        assert!(joins(&base.taught(learnt), &others) <= 20, "{judgement:?}");
        // What is known to the model in use does not judge the next one.
        let known: Vec<Decided> = decided.iter().cloned().map(|decided| Decided { is_known: true, ..decided }).collect();
        assert!(
            learn(base, &known, (&taught, &held_out), &device(), &|| true).1.refused.is_some_and(|why| why.contains("no more decisions"))
        );
    }

    #[test]
    fn a_model_that_loses_versions_is_refused() {
        let mut rng = Rng::with_seed(7);
        // Decisions that contradict what the library shows: versions, decided to be different.
        let mut against = |_| Decided {
            comparison: laid(&mut rng, 0.998, 1.0),
            members: [member(&mut rng), member(&mut rng)],
            verdict: Verdict::Different,
            is_known: false,
        };
        let decided: Vec<Decided> = (0..200).map(&mut against).collect();
        let (taught, held_out) = (groups(&mut rng, 3), groups(&mut rng, 40));
        let (_, judgement) = learn(VersionModel::base(), &decided, (&taught, &held_out), &device(), &|| true);
        assert!(judgement.refused.as_ref().is_some_and(|why| why.contains("fewer versions")), "{judgement:?}");
    }

    #[test]
    fn a_few_decisions_are_not_certain_enough() {
        assert!((chance(5, 5) - 1.0 / 32.0).abs() < 1e-12 && (chance(0, 3) - 1.0).abs() < 1e-12);
        assert!((0.4..0.6).contains(&chance(1000, 2000)) && chance(1100, 2000) < 1e-5);
        let before = DecisionFigures { found: 1000, joined: 2, agreed: 1 };
        let judged = |after: DecisionFigures, won, lost| {
            reason(&Judgement { versions: 1000, others: 9, decisions: 9, before, after, refused: None }, won, lost)
        };
        assert_eq!(judged(DecisionFigures { agreed: 6, ..before }, 5, 0), None);
        assert_eq!(judged(DecisionFigures { agreed: 6, found: 997, ..before }, 5, 0), None);
        let is_refused = |after, won, lost, why: &str| judged(after, won, lost).is_some_and(|reason| reason.contains(why));
        assert!(is_refused(DecisionFigures { agreed: 5, ..before }, 4, 0, "not certain"));
        assert!(is_refused(DecisionFigures { agreed: 6, ..before }, 7, 2, "not certain"));
        assert!(is_refused(DecisionFigures { agreed: 6, found: 996, ..before }, 5, 0, "fewer versions"));
        let of_few = |after| reason(&Judgement { versions: 120, others: 9, decisions: 9, before, after, refused: None }, 5, 0);
        assert_eq!(of_few(DecisionFigures { agreed: 6, found: 999, ..before }), None, "one of few is chance");
        assert!(of_few(DecisionFigures { agreed: 6, found: 998, ..before }).is_some_and(|reason| reason.contains("fewer versions")));
        assert!(is_refused(DecisionFigures { agreed: 6, joined: 3, ..before }, 5, 0, "more different photos"));
    }
}
