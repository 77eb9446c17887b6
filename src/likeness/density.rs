//! Density around a photo, and the normalised distance.
//!
//! Photos of one subject (leaves of a plant, frames of a drive, shirts on a table) are closer to each other than
//! other photos are, without being versions. In such a dense region a pair must be closer to count. This is the score
//! normalisation of image copy detection (Douze et al. 2021, "The 2021 Image Similarity Dataset and Challenge"), with
//! the library itself as the background.

use std::collections::HashSet;

use half::f16;

use super::{Index, cosine_distance};
use crate::photo::{Descriptors, Distance, Embedding, Pair, PhotoId};

/// Two photos within this distance are assumed to show one scene. They do not count towards the density.
pub const SAME_SCENE_DISTANCE: Distance = 0.25;

/// The neighbours that are considered, and the ranks of their scenes that count. The first three scenes may be
/// distant versions of the photo itself.
const MAX_NEIGHBOURS: usize = 64;
const COUNTED_SCENE_RANKS: std::ops::Range<usize> = 3..13;

/// Up to this mean similarity a photo counts as isolated. Most photos have 0.2 in a library of some thousand mixed
/// photos, and 0.5 in a library of a million.
const SPARSE_SIMILARITY: f32 = 0.28;

/// Pairs up to this distance are not normalised: only versions and frames of one moment are so close.
pub const NEVER_NORMALIZED_DISTANCE: Distance = 0.06;

/// How similar the surroundings of a photo are, beyond its own scene.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Density {
    /// Mean similarity (1 − distance) of the fourth to the thirteenth nearest other scene. 0 if there are fewer than
    /// four.
    pub mean_similarity: f32,
    /// A new photo less similar than this does not change the mean.
    pub min_similarity: f32,
}

impl Density {
    /// The density of a photo that is in no doubtful pair.
    pub const UNKNOWN: Density = Density { mean_similarity: 0.0, min_similarity: f32::INFINITY };
}

/// The normalised distance of a pair: larger by the amount that the mean of both densities, `a` and `b`, exceeds
/// `SPARSE_SIMILARITY`.
pub fn normalized(distance: Distance, a: f32, b: f32) -> Distance {
    if distance <= NEVER_NORMALIZED_DISTANCE { distance } else { distance + ((a + b) / 2.0 - SPARSE_SIMILARITY).max(0.0) }
}

/// Whether the density matters for a pair.
pub fn is_doubtful(pair: &Pair) -> bool {
    pair.distance > NEVER_NORMALIZED_DISTANCE
}

/// The density of each photo of `around`, indexed or new, after `new`, in ascending order of their ids, has joined
/// the index.
pub fn densities(index: &Index, new: &[(PhotoId, Descriptors)], around: &HashSet<PhotoId>) -> Vec<(PhotoId, Density)> {
    let mut photos: Vec<PhotoId> = around.iter().copied().collect();
    photos.sort_unstable();
    let of_new = |photo: PhotoId| Some(new[new.binary_search_by_key(&photo, |(id, _)| *id).ok()?].1.embedding.0.as_slice());
    let embedding = |photo: PhotoId| index.get(photo).or_else(|| of_new(photo));
    let queries: Vec<Embedding> = photos.iter().filter_map(|&p| embedding(p)).map(|e| Embedding(e.to_vec())).collect();
    assert_eq!(queries.len(), photos.len(), "densities are requested only for known photos");
    let neighbours = index.beyond(&queries, SAME_SCENE_DISTANCE, MAX_NEIGHBOURS);
    let found = photos.iter().zip(queries).zip(neighbours).map(|((&photo, query), mut near)| {
        near.extend(
            new.iter()
                .map(|(id, descriptors)| (cosine_distance(&descriptors.embedding.0, &query.0), *id))
                .filter(|(d, _)| *d > SAME_SCENE_DISTANCE),
        );
        near.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        near.truncate(MAX_NEIGHBOURS);
        let near: Vec<(Distance, &[f16])> = near.into_iter().filter_map(|(d, id)| Some((d, embedding(id)?))).collect();
        (photo, density(&near))
    });
    found.collect()
}

/// The density from the nearest neighbours outside the photo's own scene, nearest first.
fn density(near: &[(Distance, &[f16])]) -> Density {
    let mut scenes: Vec<(Distance, &[f16])> = Vec::with_capacity(COUNTED_SCENE_RANKS.end);
    for &(d, embedding) in near {
        if scenes.iter().all(|(_, scene)| cosine_distance(scene, embedding) > SAME_SCENE_DISTANCE) {
            scenes.push((d, embedding));
            if scenes.len() == COUNTED_SCENE_RANKS.end {
                break;
            }
        }
    }
    let counted = scenes.get(COUNTED_SCENE_RANKS.start..).unwrap_or_default();
    let mean_similarity = counted.iter().map(|(d, _)| 1.0 - d).sum::<f32>() / counted.len().max(1) as f32;
    let last = if scenes.len() == COUNTED_SCENE_RANKS.end { scenes.last() } else { near.get(MAX_NEIGHBOURS - 1) };
    Density { mean_similarity, min_similarity: last.map_or(-2.0, |(d, _)| 1.0 - d) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::likeness::arrival::no_keypoints;
    use crate::likeness::{Arrival, PairLimit, arrive, global_only};

    /// Unit vectors with a common component. The larger it is, the denser they are.
    fn around(count: usize, common: f32, seed: u64) -> Vec<Embedding> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut vector = |scale: f32| (0..32).map(|_| scale * (rng.f32() - 0.5)).collect::<Vec<_>>();
        let centre = vector(1.0);
        (0..count)
            .map(|_| Embedding::normalised(&vector(1.0).iter().zip(&centre).map(|(v, c)| v + common * c).collect::<Vec<_>>()))
            .collect()
    }

    fn joined(index: &mut Index, new: &[(PhotoId, Descriptors)]) {
        let Arrival { densities, .. } = arrive(index, new, PairLimit::up_to(0.9), no_keypoints).expect("no store");
        new.iter().for_each(|(photo, descriptors)| index.add(*photo, descriptors));
        densities.into_iter().for_each(|(photo, density)| index.set_density(photo, density));
    }

    #[test]
    fn similar_photos_are_dense_and_a_single_photo_is_not() {
        let mut index = Index::new(32);
        let mut photos = around(60, 1.2, 1);
        photos.extend(around(1, 0.0, 9));
        let new: Vec<_> = photos.into_iter().enumerate().map(|(i, e)| (PhotoId(i as i64), global_only(e))).collect();
        joined(&mut index, &new);
        let all: HashSet<PhotoId> = new.iter().map(|(p, _)| *p).collect();
        let found = densities(&index, &[], &all);
        assert!(found[..60].iter().all(|(_, c)| c.mean_similarity > 0.4), "{found:?}");
        assert!(found[60].1.mean_similarity < 0.4);
        assert!(normalized(0.2, found[0].1.mean_similarity, found[1].1.mean_similarity) > 0.3);
        assert_eq!(normalized(0.05, 0.9, 0.9), 0.05);
        assert_eq!(normalized(0.2, 0.1, 0.1), 0.2);
    }

    #[test]
    fn twenty_versions_of_one_photo_do_not_raise_the_density() {
        let mut index = Index::new(32);
        let photo = &around(1, 0.0, 1)[0].to_f32();
        let versions = around(20, 0.0, 2)
            .into_iter()
            .map(|e| Embedding::normalised(&e.to_f32().iter().zip(photo).map(|(n, p)| p + 0.3 * n).collect::<Vec<_>>()));
        let new: Vec<_> = versions.enumerate().map(|(i, e)| (PhotoId(i as i64), global_only(e))).collect();
        joined(&mut index, &new);
        assert!(new.iter().all(|(p, _)| index.density(*p) == 0.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// However the index grew, known densities equal those computed over the whole index.
        #[test]
        fn densities_do_not_depend_on_the_order_of_arrival(seed: u64, common in 0.0f32..2.0, batch in 1usize..40) {
            let photos: Vec<_> = around(150, common, seed).into_iter().enumerate().map(|(i, e)| (PhotoId(i as i64), global_only(e))).collect();
            let mut index = Index::new(32);
            photos.chunks(batch).for_each(|new| joined(&mut index, new));
            let known: HashSet<PhotoId> = photos.iter().map(|(p, _)| *p).filter(|p| index.knows_density(*p)).collect();
            for (photo, density) in densities(&index, &[], &known) {
                prop_assert_eq!(index.density(photo), density.mean_similarity);
            }
            // The density of every photo in a doubtful pair is known.
            for (i, (a, x)) in photos.iter().enumerate() {
                for (b, y) in &photos[..i] {
                    let d = cosine_distance(&x.embedding.0, &y.embedding.0);
                    if d > NEVER_NORMALIZED_DISTANCE && d <= 0.9 {
                        prop_assert!(known.contains(a) && known.contains(b));
                    }
                }
            }
        }
    }
}
