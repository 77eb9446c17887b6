//! The training set, and the batches drawn from it.

use std::collections::{HashMap, HashSet};

use fastrand::Rng;

use crate::likeness::{Head, cosine_distance};
use crate::photo::{Embedding, Features};

/// Look-alikes that a batch takes together with a class.
const LOOK_ALIKES_PER_CLASS: usize = 8;

/// The features of photos in classes: a photo with its edited views, several photos that were decided `same`, or a
/// folder.
#[derive(Default)]
pub struct TrainingSet {
    classes: Vec<Vec<Features>>,
    /// Negatives at any distance.
    different: HashSet<(usize, usize)>,
    /// Close enough to be versions, without a decision: neither positives nor negatives.
    undecided: HashSet<(usize, usize)>,
}

fn ordered(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

impl TrainingSet {
    /// Adds a class, its most representative member first, and returns its number.
    pub fn add(&mut self, members: Vec<Features>) -> usize {
        self.classes.push(members);
        self.classes.len() - 1
    }

    pub fn different(&mut self, a: usize, b: usize) {
        self.different.insert(ordered(a, b));
    }

    pub fn undecided(&mut self, a: usize, b: usize) {
        self.undecided.insert(ordered(a, b));
    }

    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// Classes that have positives.
    pub fn taught(&self) -> usize {
        self.classes.iter().filter(|c| c.len() > 1).count()
    }

    fn relation(&self, a: usize, b: usize) -> Option<bool> {
        let pair = ordered(a, b);
        let is_open = self.undecided.contains(&pair) && !self.different.contains(&pair);
        (!is_open).then_some(a == b)
    }
}

/// Some members of some classes.
pub struct Batch<'a> {
    training_set: &'a TrainingSet,
    /// Class and place in it.
    members: Vec<(usize, usize)>,
}

impl<'a> Batch<'a> {
    pub fn size(&self) -> usize {
        self.members.len()
    }

    pub fn features(&self) -> impl ExactSizeIterator<Item = &'a Features> {
        let training_set = self.training_set;
        self.members.iter().map(move |&(class, member)| &training_set.classes[class][member])
    }

    /// True for positives, false for negatives, `None` for neither.
    pub fn relation(&self, a: usize, b: usize) -> Option<bool> {
        self.training_set.relation(self.members[a].0, self.members[b].0)
    }
}

/// Draws batches. Half of the classes in each are look-alikes of each other, and a few are pairs known to differ.
pub struct Batches<'a> {
    training_set: &'a TrainingSet,
    /// The classes that batches are drawn from.
    classes: Vec<usize>,
    /// The nearest other classes of each class.
    alike: HashMap<usize, Vec<usize>>,
    different: Vec<(usize, usize)>,
    rng: Rng,
}

impl<'a> Batches<'a> {
    /// `head` determines which classes are look-alikes.
    pub fn new(training_set: &'a TrainingSet, classes: Vec<usize>, head: &Head, seed: u64) -> Batches<'a> {
        let centres: Vec<Embedding> = classes.iter().map(|&c| head.embed(&training_set.classes[c][0])).collect();
        let nearest = |place: usize| {
            let mut others: Vec<(f32, usize)> = (0..classes.len())
                .filter(|&other| other != place)
                .map(|other| (cosine_distance(&centres[place].0, &centres[other].0), classes[other]))
                .collect();
            let kept = LOOK_ALIKES_PER_CLASS.min(others.len());
            if kept < others.len() {
                others.select_nth_unstable_by(kept, |x, y| x.0.total_cmp(&y.0));
            }
            others[..kept].iter().map(|(_, class)| *class).collect::<Vec<_>>()
        };
        let alike = (0..classes.len()).map(|place| (classes[place], nearest(place))).collect();
        let here: HashSet<usize> = classes.iter().copied().collect();
        let mut different: Vec<_> = training_set.different.iter().copied().filter(|(a, b)| here.contains(a) && here.contains(b)).collect();
        different.sort_unstable();
        Batches { training_set, classes, alike, different, rng: Rng::with_seed(seed) }
    }

    /// A batch of `classes` classes with up to `views` members each, or of all classes if there are fewer.
    pub fn draw(&mut self, classes: usize, views: usize) -> Batch<'a> {
        let count = classes.min(self.classes.len());
        let mut chosen: Vec<usize> = Vec::with_capacity(count);
        let mut seen = HashSet::new();
        let mut take = |class: usize, chosen: &mut Vec<usize>| {
            if chosen.len() < count && seen.insert(class) {
                chosen.push(class);
            }
        };
        for _ in 0..self.different.len().min(count / 8) {
            let (a, b) = self.different[self.rng.usize(..self.different.len())];
            take(a, &mut chosen);
            take(b, &mut chosen);
        }
        while chosen.len() < count {
            let class = self.classes[self.rng.usize(..self.classes.len())];
            take(class, &mut chosen);
            if chosen.len() < count / 2 {
                self.alike[&class].iter().for_each(|&other| take(other, &mut chosen));
            }
        }
        let mut members = Vec::with_capacity(count * views);
        for class in chosen {
            let size = self.training_set.classes[class].len();
            members.extend(self.rng.choose_multiple(0..size, views.min(size)).into_iter().map(|member| (class, member)));
        }
        Batch { training_set: self.training_set, members }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    fn training_set(classes: usize, views: usize) -> TrainingSet {
        let mut rng = Rng::with_seed(3);
        let mut training_set = TrainingSet::default();
        for _ in 0..classes {
            training_set.add((0..views).map(|_| Features((0..512).map(|_| f16::from_f32(rng.f32())).collect())).collect());
        }
        training_set
    }

    #[test]
    fn a_batch_has_each_class_once_and_its_views() {
        let training_set = training_set(40, 5);
        let mut batches = Batches::new(&training_set, (0..40).collect(), &Head::base().expect("loads"), 1);
        for _ in 0..20 {
            let batch = batches.draw(16, 2);
            assert_eq!(batch.size(), 32);
            let positives =
                (0..32).flat_map(|a| (0..32).map(move |b| (a, b))).filter(|&(a, b)| a != b && batch.relation(a, b) == Some(true));
            assert_eq!(positives.count(), 32);
        }
        assert_eq!(batches.draw(100, 9).size(), 200);
    }

    #[test]
    fn the_undecided_are_neither_and_the_proven_are_negatives() {
        let mut training_set = training_set(4, 1);
        training_set.undecided(0, 1);
        training_set.undecided(2, 3);
        training_set.different(3, 2);
        assert_eq!(training_set.relation(1, 0), None);
        assert_eq!(training_set.relation(2, 3), Some(false));
        assert_eq!(training_set.relation(0, 2), Some(false));
        assert_eq!(training_set.relation(2, 2), Some(true));
        let mut batches = Batches::new(&training_set, (0..4).collect(), &Head::base().expect("loads"), 1);
        assert_eq!(batches.draw(4, 2).size(), 4);
    }
}
