//! From pairs in the store to pairs as they are answered.

use std::cmp::Ordering;
use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::clustering::{Ground, counts, related, shows, shows_near};
use super::shared::Shared;
use crate::api::text_of;
use crate::api::types::FilePair;
use crate::photo::{Distance, PhotoId, Place, Relation};
use crate::store::{Result, Wanted};

/// The pairs of the scopes up to a distance, closest first; with `crowded`, of those only the ones that are near
/// enough for how crowded it is around them.
pub fn pairs(ground: &Ground<'_>, scopes: &[Place], up_to: Distance, crowded: bool, relations: &[Relation]) -> Result<Vec<FilePair>> {
    let Ground { reader, active, decisions, shared } = *ground;
    let mut near = if shows_near(relations) { reader.pairs(active.number, up_to)? } else { Vec::new() };
    near.retain(|pair| !crowded || counts(pair, up_to, &active.index));
    let named: HashSet<PhotoId> = near.iter().flat_map(|p| [p.a, p.b]).collect();
    let photos = reader.photos(scopes, Wanted::TheseAndSeveral(&named))?;
    let mut pairs = Vec::new();
    if shows(relations, Relation::Identical) {
        for photo in photos.values() {
            let first = &photo.files[0].place;
            pairs.extend(photo.files[1..].iter().map(|other| file_pair(0.0, first, &other.place, Relation::Identical, shared)));
        }
    }
    for pair in near {
        let (Some(a), Some(b)) = (photos.get(&pair.a), photos.get(&pair.b)) else { continue };
        let Some(relation) = related(decisions, a, b) else { continue };
        if shows(relations, relation) {
            pairs.push(file_pair(pair.distance, &a.files[0].place, &b.files[0].place, relation, shared));
        }
    }
    pairs.sort_unstable_by(order);
    Ok(pairs)
}

fn file_pair(distance: Distance, x: &Place, y: &Place, relation: Relation, shared: &Shared) -> FilePair {
    let offline = !shared.is_here(x) || !shared.is_here(y);
    let (x, y) = (text_of(&shared.shown_path(x)), text_of(&shared.shown_path(y)));
    let (a, b) = if x.path <= y.path { (x, y) } else { (y, x) };
    FilePair { distance, a, b, relation, offline }
}

/// By distance, then by path, so that an answer does not depend on what was seen first.
pub fn order(x: &FilePair, y: &FilePair) -> Ordering {
    x.distance.total_cmp(&y.distance).then_with(|| (&x.a, &x.b).cmp(&(&y.a, &y.b)))
}

/// Names a pair, so that an answer can go on after it, even where it is gone by then.
pub fn key(pair: &FilePair) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(pair).unwrap_or_default())
}

/// The pair that a [`key`] names.
pub fn named(key: &str) -> Option<FilePair> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(key).ok()?).ok()
}
