//! What new photos bring: pairs, and other crowds around photos.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::crowd::{Crowd, crowds, is_doubtful};
use super::geometry::{CANDIDATES, verified};
use super::{Index, apart};
use crate::photo::{Distance, Keypoints, Looks, Pair, PhotoId};

/// Of what lies beyond reach, so many photos, the nearest to each new one, are candidates. In a crowd there may be any number.
const BEYOND: usize = 16;

/// What changes when new photos join an index.
#[derive(Debug)]
pub struct Arrival {
    /// With those in the index and with each other.
    pub pairs: Vec<Pair>,
    /// Of photos in doubtful pairs, new and old, where it is new or another than before.
    pub crowds: Vec<(PhotoId, Crowd)>,
}

/// Looks at `new` photos, in the order of their numbers, before they are added to the index. `keypoints` are asked for once, of
/// all photos that are compared by them.
///
/// # Errors
/// Those of `keypoints`.
pub fn arrive<E>(
    index: &Index,
    new: &[(PhotoId, Looks)],
    reach: Distance,
    keypoints: impl FnOnce(&BTreeSet<PhotoId>) -> Result<HashMap<PhotoId, Keypoints>, E>,
) -> Result<Arrival, E> {
    let queries: Vec<Looks> = new.iter().map(|(_, looks)| looks.clone()).collect();
    let (found, stirred) = index.within_and_stirred(&queries, reach.max(CANDIDATES));
    let candidates = candidates(new, found, reach);
    let keypoints = keypoints(&doubtful(&candidates))?;
    let pairs = verify(candidates, reach, &keypoints);
    let mut who: HashSet<PhotoId> = stirred.into_iter().collect();
    who.extend(pairs.iter().filter(|p| is_doubtful(p)).flat_map(|p| [p.a, p.b]).filter(|p| !index.knows_crowd(*p)));
    Ok(Arrival { crowds: crowds(index, new, &who), pairs })
}

/// The pairs of `new` photos with those that a search up to [`CANDIDATES`] `found` (position, photo, distance) and with
/// each other: all within reach, and those beyond it that may come within.
pub fn candidates(new: &[(PhotoId, Looks)], found: Vec<(usize, PhotoId, Distance)>, reach: Distance) -> Vec<Pair> {
    let farthest = reach.max(CANDIDATES);
    let mut of_each: Vec<Vec<(Distance, PhotoId)>> = vec![Vec::new(); new.len()];
    found.into_iter().for_each(|(query, photo, distance)| of_each[query].push((distance, photo)));
    for (i, (_, x)) in new.iter().enumerate() {
        let others = new[..i].iter().map(|(b, y)| (apart(x, y), *b));
        of_each[i].extend(others.filter(|(distance, _)| *distance <= farthest));
    }
    let mut pairs = Vec::new();
    for ((a, _), mut others) in new.iter().zip(of_each) {
        others.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)));
        let within = others.partition_point(|(distance, _)| *distance <= reach);
        pairs.extend(others.into_iter().take(within + BEYOND).map(|(distance, b)| Pair::new(*a, b, distance)));
    }
    pairs
}

/// The photos in pairs that keypoints may move.
pub fn doubtful(candidates: &[Pair]) -> BTreeSet<PhotoId> {
    candidates.iter().filter(|p| is_doubtful(p) && p.distance <= CANDIDATES).flat_map(|p| [p.a, p.b]).collect()
}

/// The candidates that are within reach once their keypoints were looked at.
pub fn verify(candidates: Vec<Pair>, reach: Distance, keypoints: &HashMap<PhotoId, Keypoints>) -> Vec<Pair> {
    let verified = |pair: Pair| match (keypoints.get(&pair.a), keypoints.get(&pair.b)) {
        (Some(a), Some(b)) => Pair { distance: verified(pair.distance, a, b), ..pair },
        _ => pair,
    };
    candidates.into_iter().map(verified).filter(|pair| pair.distance <= reach).collect()
}

/// Of photos that have none, for tests.
#[cfg(test)]
pub fn no_keypoints(_: &BTreeSet<PhotoId>) -> Result<HashMap<PhotoId, Keypoints>, std::convert::Infallible> {
    Ok(HashMap::new())
}
