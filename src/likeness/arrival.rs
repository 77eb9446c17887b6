//! What new photos bring: pairs, and other crowds around photos.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::density::{Density, densities, is_doubtful};
use super::geometry::{MAX_CANDIDATE_DISTANCE, verified};
use super::{Index, distance};
use crate::photo::{Descriptors, Distance, Keypoints, Pair, PhotoId};

/// Of what lies beyond reach, so many photos, the nearest to each new one, are candidates. In a crowd there may be any number.
const MAX_CANDIDATES_BEYOND: usize = 16;

/// What changes when new photos join an index.
#[derive(Debug)]
pub struct Arrival {
    /// With those in the index and with each other.
    pub pairs: Vec<Pair>,
    /// Of photos in doubtful pairs, new and old, where it is new or another than before.
    pub densities: Vec<(PhotoId, Density)>,
}

/// Looks at `new` photos, in the order of their numbers, before they are added to the index. `keypoints` are asked for once, of
/// all photos that are compared by them.
///
/// # Errors
/// Those of `keypoints`.
pub fn arrive<E>(
    index: &Index,
    new: &[(PhotoId, Descriptors)],
    max_distance: Distance,
    keypoints: impl FnOnce(&BTreeSet<PhotoId>) -> Result<HashMap<PhotoId, Keypoints>, E>,
) -> Result<Arrival, E> {
    let queries: Vec<Descriptors> = new.iter().map(|(_, descriptors)| descriptors.clone()).collect();
    let (found, affected) = index.within_and_affected(&queries, max_distance.max(MAX_CANDIDATE_DISTANCE));
    let candidates = candidates(new, found, max_distance);
    let keypoints = keypoints(&doubtful(&candidates))?;
    let pairs = verify(candidates, max_distance, &keypoints);
    let mut photos: HashSet<PhotoId> = affected.into_iter().collect();
    photos.extend(pairs.iter().filter(|p| is_doubtful(p)).flat_map(|p| [p.a, p.b]).filter(|p| !index.knows_density(*p)));
    Ok(Arrival { densities: densities(index, new, &photos), pairs })
}

/// The pairs of `new` photos with those that a search up to [`MAX_CANDIDATE_DISTANCE`] `found` (position, photo, distance) and with
/// each other: all within reach, and those beyond it that may come within.
pub fn candidates(new: &[(PhotoId, Descriptors)], found: Vec<(usize, PhotoId, Distance)>, max_distance: Distance) -> Vec<Pair> {
    let farthest = max_distance.max(MAX_CANDIDATE_DISTANCE);
    let mut of_each: Vec<Vec<(Distance, PhotoId)>> = vec![Vec::new(); new.len()];
    found.into_iter().for_each(|(query, photo, distance)| of_each[query].push((distance, photo)));
    for (i, (_, x)) in new.iter().enumerate() {
        let others = new[..i].iter().map(|(b, y)| (distance(x, y), *b));
        of_each[i].extend(others.filter(|(distance, _)| *distance <= farthest));
    }
    let mut pairs = Vec::new();
    for ((a, _), mut others) in new.iter().zip(of_each) {
        others.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        let within = others.partition_point(|(distance, _)| *distance <= max_distance);
        pairs.extend(others.into_iter().take(within + MAX_CANDIDATES_BEYOND).map(|(distance, b)| Pair::new(*a, b, distance)));
    }
    pairs
}

/// The photos in pairs that keypoints may move.
pub fn doubtful(candidates: &[Pair]) -> BTreeSet<PhotoId> {
    candidates.iter().filter(|p| is_doubtful(p) && p.distance <= MAX_CANDIDATE_DISTANCE).flat_map(|p| [p.a, p.b]).collect()
}

/// The candidates that are within reach once their keypoints were looked at.
pub fn verify(candidates: Vec<Pair>, max_distance: Distance, keypoints: &HashMap<PhotoId, Keypoints>) -> Vec<Pair> {
    let verified = |pair: Pair| match (keypoints.get(&pair.a), keypoints.get(&pair.b)) {
        (Some(a), Some(b)) => Pair { distance: verified(pair.distance, a, b), ..pair },
        _ => pair,
    };
    candidates.into_iter().map(verified).filter(|pair| pair.distance <= max_distance).collect()
}

/// Of photos that have none, for tests.
#[cfg(test)]
pub fn no_keypoints(_: &BTreeSet<PhotoId>) -> Result<HashMap<PhotoId, Keypoints>, std::convert::Infallible> {
    Ok(HashMap::new())
}
