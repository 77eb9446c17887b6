//! New photos: the pairs they form, and the densities they change.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::density::{Density, densities, is_doubtful};
use super::geometry::{MAX_CANDIDATE_DISTANCE, verified};
use super::{Index, MAX_PAIR_DISTANCE, distance};
use crate::photo::{Descriptors, Distance, Keypoints, Pair, PhotoId};

/// Candidates beyond the maximum pair distance that are kept for each new photo, the nearest first. A dense library
/// has any number of them.
const MAX_CANDIDATES_BEYOND: usize = 16;

/// Which pairs of a new photo with earlier ones are kept.
#[derive(Clone, Copy, Debug)]
pub struct PairLimit {
    pub distance: Distance,
    /// The most pairs, the nearest first.
    pub pairs: usize,
}

impl PairLimit {
    /// The pairs that are stored. Thousands of copies of one photo do not form millions of pairs, and are one cluster all the
    /// same.
    pub const STORED: PairLimit = PairLimit { distance: MAX_PAIR_DISTANCE, pairs: 256 };

    /// All pairs up to a distance.
    pub fn up_to(distance: Distance) -> PairLimit {
        PairLimit { distance, pairs: usize::MAX }
    }
}

/// What changes when new photos join an index.
#[derive(Debug)]
pub struct Arrival {
    /// Pairs of new photos with indexed photos and with each other.
    pub pairs: Vec<Pair>,
    /// Densities of photos in doubtful pairs: those of new photos and those that changed.
    pub densities: Vec<(PhotoId, Density)>,
}

/// Computes what changes when `new` photos, in ascending order of their ids, join the index. The index itself does
/// not change. `keypoints` is called once, with all photos that need geometric verification.
///
/// # Errors
/// The errors of `keypoints`.
pub fn arrive<E>(
    index: &Index,
    new: &[(PhotoId, Descriptors)],
    limit: PairLimit,
    keypoints: impl FnOnce(&BTreeSet<PhotoId>) -> Result<HashMap<PhotoId, Keypoints>, E>,
) -> Result<Arrival, E> {
    let queries: Vec<Descriptors> = new.iter().map(|(_, descriptors)| descriptors.clone()).collect();
    let (found, affected) = index.within_and_affected(&queries, limit.distance.max(MAX_CANDIDATE_DISTANCE));
    let candidates = candidates(new, found, limit);
    let keypoints = keypoints(&doubtful(&candidates))?;
    let pairs = verify(candidates, limit.distance, &keypoints);
    let mut photos: HashSet<PhotoId> = affected.into_iter().collect();
    photos.extend(pairs.iter().filter(|p| is_doubtful(p)).flat_map(|p| [p.a, p.b]).filter(|p| !index.knows_density(*p)));
    Ok(Arrival { densities: densities(index, new, &photos), pairs })
}

/// The candidate pairs of `new` photos: with the photos that a search up to [`MAX_CANDIDATE_DISTANCE`] `found`
/// (position in `new`, photo, distance), and with each other. They include the pairs within the limit, and those
/// beyond it that verification may bring within it.
pub fn candidates(new: &[(PhotoId, Descriptors)], found: Vec<(usize, PhotoId, Distance)>, limit: PairLimit) -> Vec<Pair> {
    let farthest = limit.distance.max(MAX_CANDIDATE_DISTANCE);
    let mut of_each: Vec<Vec<(Distance, PhotoId)>> = vec![Vec::new(); new.len()];
    found.into_iter().for_each(|(query, photo, distance)| of_each[query].push((distance, photo)));
    for (i, (_, x)) in new.iter().enumerate() {
        let others = new[..i].iter().map(|(b, y)| (distance(x, y), *b));
        of_each[i].extend(others.filter(|(distance, _)| *distance <= farthest));
    }
    let mut pairs = Vec::new();
    for ((a, _), mut others) in new.iter().zip(of_each) {
        others.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        let within = others.partition_point(|(distance, _)| *distance <= limit.distance);
        let taken = if within < limit.pairs { within + MAX_CANDIDATES_BEYOND } else { limit.pairs };
        pairs.extend(others.into_iter().take(taken).map(|(distance, b)| Pair::new(*a, b, distance)));
    }
    pairs
}

/// The photos whose keypoints are needed to verify the candidates.
pub fn doubtful(candidates: &[Pair]) -> BTreeSet<PhotoId> {
    candidates.iter().filter(|p| is_doubtful(p) && p.distance <= MAX_CANDIDATE_DISTANCE).flat_map(|p| [p.a, p.b]).collect()
}

/// The candidates within `max_distance` after geometric verification.
pub fn verify(candidates: Vec<Pair>, max_distance: Distance, keypoints: &HashMap<PhotoId, Keypoints>) -> Vec<Pair> {
    let verified = |pair: Pair| match (keypoints.get(&pair.a), keypoints.get(&pair.b)) {
        (Some(a), Some(b)) => Pair { distance: verified(pair.distance, a, b), ..pair },
        _ => pair,
    };
    candidates.into_iter().map(verified).filter(|pair| pair.distance <= max_distance).collect()
}

/// A source of keypoints for tests: no photo has any.
#[cfg(test)]
pub fn no_keypoints(_: &BTreeSet<PhotoId>) -> Result<HashMap<PhotoId, Keypoints>, std::convert::Infallible> {
    Ok(HashMap::new())
}
