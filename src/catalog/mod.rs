//! What is known of a library, and questions to it. Everything here takes the store, a generation of the index, the
//! roots and the decisions as they are at one moment, and gives a value: no thread of its own, no channel, no socket,
//! and no type of the API.

pub mod changes;
pub mod clusters;
pub mod generation;
pub mod pairs;
pub mod query;
pub mod roots;
pub mod tuning;

use generation::Generation;
use roots::Roots;

use crate::photo::{Decisions, PhotoId, Relation, Verdict};
use crate::store::{PhotoRecord, Reader, Result};

/// What a question is answered from, as of one moment.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub reader: &'a Reader,
    pub generation: &'a Generation,
    pub decisions: &'a Decisions,
    pub roots: &'a Roots,
}

/// Whether a relation is asked for; by default all but series.
pub fn shows(relations: &[Relation], relation: Relation) -> bool {
    if relations.is_empty() { relation != Relation::Series } else { relations.contains(&relation) }
}

/// Whether pairs of different pictures are asked for at all.
fn shows_near(relations: &[Relation]) -> bool {
    [Relation::Copy, Relation::Series, Relation::Unknown].into_iter().any(|r| shows(relations, r))
}

/// What two photos are to each other: what a person decided, or else what the camera's clock says. Photos that are decided
/// to be different have no relation.
pub fn related(decisions: &Decisions, a: &PhotoRecord, b: &PhotoRecord) -> Option<Relation> {
    match decisions.of(a.picture, b.picture) {
        Some(Verdict::Same) => Some(Relation::Copy),
        Some(Verdict::Different) => None,
        None => Some(crate::likeness::relation(&a.capture, &b.capture)),
    }
}

/// The photos in the index that a person decided to be the same, two by two.
fn decided_same(reader: &Reader, decisions: &Decisions) -> Result<Vec<(PhotoId, PhotoId)>> {
    let mut pairs = Vec::new();
    for decision in decisions.iter().filter(|d| d.verdict == Verdict::Same) {
        if let (Some(a), Some(b)) = (reader.photo_of_picture(&decision.a)?, reader.photo_of_picture(&decision.b)?) {
            pairs.push((a, b));
        }
    }
    Ok(pairs)
}
