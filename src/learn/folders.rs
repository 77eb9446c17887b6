//! How well a head keeps the photos of a folder together.

use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;

use crate::likeness::{Head, cosine_distance};
use crate::photo::{Embedding, Features};

/// The neighbours of each photo that are counted.
pub const NEAREST_PHOTOS: usize = 10;

/// The number of resamples of the folders, and the largest share of them in which an accepted head may be worse.
const BOOTSTRAP_DRAWS: usize = 200;
const MAX_WORSE_SHARE: f64 = 0.05;

/// Photos, each labelled with the number of its folder.
pub type LabelledSet = Vec<(usize, Features)>;

/// The precision of a head on photos that it was not tuned on.
#[derive(Clone, PartialEq, Debug)]
pub struct Precision {
    /// For each folder, the mean share of the nearest photos that are of the same folder.
    folders: Vec<f64>,
}

impl Precision {
    /// For each photo of `asked`, counts the [`NEAREST_PHOTOS`] nearest photos of `asked` and `known`, or as many as
    /// its folder has.
    pub fn of(head: &Head, asked: &LabelledSet, known: &LabelledSet) -> Precision {
        let all: Vec<(usize, Embedding)> = asked.iter().chain(known).map(|(folder, features)| (*folder, head.embed(features))).collect();
        let mut sizes: HashMap<usize, usize> = HashMap::new();
        all.iter().for_each(|(folder, _)| *sizes.entry(*folder).or_default() += 1);
        let mut shares: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (photo, (folder, embedding)) in all[..asked.len()].iter().enumerate() {
            let count = NEAREST_PHOTOS.min(sizes[folder] - 1);
            if count == 0 {
                continue;
            }
            let others = all.iter().enumerate().filter(|(other, _)| *other != photo);
            let mut others: Vec<(f32, usize)> = others.map(|(_, (of, other))| (cosine_distance(&embedding.0, &other.0), *of)).collect();
            others.select_nth_unstable_by(count - 1, |x, y| x.0.total_cmp(&y.0));
            let hits = others[..count].iter().filter(|(_, of)| of == folder).count();
            shares.entry(*folder).or_default().push(hits as f64 / count as f64);
        }
        Precision { folders: shares.into_values().map(|shares| shares.iter().sum::<f64>() / shares.len() as f64).collect() }
    }

    /// The mean over all folders.
    pub fn mean(&self) -> f64 {
        self.folders.iter().sum::<f64>() / self.folders.len().max(1) as f64
    }

    /// Why this is not better than `before`. `None` if it is better, and remains so when the folders are resampled
    /// with replacement.
    pub fn refused(&self, before: &Precision) -> Option<String> {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let means = format!("{} of the nearest photos are of the same folder, {} before", percent(self.mean()), percent(before.mean()));
        let mut rng = Rng::with_seed(1);
        let count = self.folders.len();
        let worse = (0..BOOTSTRAP_DRAWS).filter(|_| {
            let drawn = (0..count).map(|_| rng.usize(..count)).map(|folder| self.folders[folder] - before.folders[folder]);
            drawn.sum::<f64>() < 0.0
        });
        let worse = worse.count() as f64 / BOOTSTRAP_DRAWS as f64;
        if self.mean() <= before.mean() {
            Some(format!("it is not better: {means}"))
        } else if worse > MAX_WORSE_SHARE {
            Some(format!("the gain is not certain enough: {means}"))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn folders_that_are_apart_are_precise() {
        let head = Head::base().expect("loads");
        let mut rng = Rng::with_seed(2);
        let mut labelled = |mixed: bool| -> LabelledSet {
            let folder = |folder: usize, rng: &mut Rng| {
                let own: Vec<f32> = (0..512).map(|_| rng.f32()).collect();
                let mut photo = |_: usize| own.iter().map(|v| f16::from_f32(if mixed { rng.f32() } else { v + 0.1 * rng.f32() })).collect();
                (0..12).map(|n| (folder, Features(photo(n)))).collect::<LabelledSet>()
            };
            (0..6).flat_map(|number| folder(number, &mut rng)).collect()
        };
        let (apart, mixed) =
            (Precision::of(&head, &labelled(false), &LabelledSet::new()), Precision::of(&head, &labelled(true), &LabelledSet::new()));
        assert_eq!(apart.mean(), 1.0);
        assert!(mixed.mean() < 0.5);
        assert_eq!(apart.refused(&mixed), None);
        assert!(mixed.refused(&apart).is_some() && apart.refused(&apart).is_some());
    }
}
