//! What new photos bring: pairs, and other crowds around photos.

use std::collections::HashSet;

use super::crowd::{Crowd, crowds, is_doubtful};
use super::{Index, apart};
use crate::photo::{Distance, Looks, Pair, PhotoId};

/// What changes when new photos join an index.
#[derive(Debug)]
pub struct Arrival {
    /// With those in the index and with each other.
    pub pairs: Vec<Pair>,
    /// Of photos in doubtful pairs, new and old, where it is new or another than before.
    pub crowds: Vec<(PhotoId, Crowd)>,
}

/// Looks at `new` photos, in the order of their numbers, before they are added to the index.
pub fn arrive(index: &Index, new: &[(PhotoId, Looks)], reach: Distance) -> Arrival {
    let queries: Vec<Looks> = new.iter().map(|(_, looks)| looks.clone()).collect();
    let (found, stirred) = index.within_and_stirred(&queries, reach);
    let pairs = pairs(new, found, reach);
    let mut who: HashSet<PhotoId> = stirred.into_iter().collect();
    who.extend(pairs.iter().filter(|p| is_doubtful(p)).flat_map(|p| [p.a, p.b]).filter(|p| !index.knows_crowd(*p)));
    Arrival { crowds: crowds(index, new, &who), pairs }
}

/// The pairs of `new` photos with those that a search `found` (position, photo, distance) and with each
/// other.
pub fn pairs(new: &[(PhotoId, Looks)], found: Vec<(usize, PhotoId, Distance)>, reach: Distance) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = found.into_iter().map(|(query, photo, d)| Pair::new(new[query].0, photo, d)).collect();
    for (i, (a, x)) in new.iter().enumerate() {
        for (b, y) in &new[..i] {
            let distance = apart(x, y);
            if distance <= reach {
                pairs.push(Pair::new(*a, *b, distance));
            }
        }
    }
    pairs
}
