//! Answers queries about a library. The functions read the store, a generation, the roots and the decisions at one
//! moment, and return a value. They use no threads of their own, no channels, no sockets and no API types.

pub mod changes;
pub mod clusters;
pub mod encoder;
pub mod files;
pub mod generation;
pub mod pairs;
pub mod query;
pub mod roots;
pub mod tuning;

use generation::Generation;
use roots::Roots;

use crate::photo::{Decisions, PhotoId, PictureHash, Relation, Verdict};
use crate::store::{PhotoRecord, Reader, Result};

/// The data that a query is answered from, at one moment.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub reader: &'a Reader,
    pub generation: &'a Generation,
    pub decisions: &'a Decisions,
    pub roots: &'a Roots,
}

/// Returns whether an answer includes a relation. An empty list means all relations except series.
pub fn shows(relations: &[Relation], relation: Relation) -> bool {
    if relations.is_empty() { relation != Relation::Series } else { relations.contains(&relation) }
}

/// Returns whether an answer includes pairs of different photos.
fn shows_near(relations: &[Relation]) -> bool {
    [Relation::Copy, Relation::Series, Relation::Unknown].into_iter().any(|r| shows(relations, r))
}

/// Returns the relation of two photos: by the decision of a person, or else by the camera's clock. Photos that a person
/// decided to be different have no relation.
pub fn related(decisions: &Decisions, a: &PhotoRecord, b: &PhotoRecord) -> Option<Relation> {
    match decisions.of(a.picture, b.picture) {
        Some(Verdict::Same) => Some(Relation::Copy),
        Some(Verdict::Different) => None,
        None => Some(crate::likeness::relation(&a.capture, &b.capture)),
    }
}

/// Returns every two photos in the index that a person decided to be the same.
fn decided_same(reader: &Reader, decisions: &Decisions) -> Result<Vec<(PhotoId, PhotoId)>> {
    let mut pairs = Vec::new();
    for decision in decisions.iter().filter(|d| d.verdict == Verdict::Same) {
        let (a, b) = (decided_photos(reader, decisions, decision.a)?, decided_photos(reader, decisions, decision.b)?);
        pairs.extend(a.iter().flat_map(|a| b.iter().map(|b| (*a, *b))));
    }
    Ok(pairs)
}

/// Returns the photos in the index with a decided picture or its pixels.
fn decided_photos(reader: &Reader, decisions: &Decisions, picture: PictureHash) -> Result<Vec<PhotoId>> {
    let mut photos = Vec::new();
    for picture in decisions.equal().of(picture) {
        photos.extend(reader.photo_of_picture(&picture)?);
    }
    Ok(photos)
}
