//! Answers queries about a library. The functions read the store, a generation, the roots and the decisions at one
//! moment, and return a value. They use no thread that outlives a call, no channels, no sockets and no API types.

pub mod beside;
pub mod changes;
pub mod clusters;
mod differences;
pub mod edited;
pub mod encoder;
pub mod files;
pub mod generation;
mod groups;
pub mod pairs;
pub mod query;
pub mod ranked;
pub mod relations;
pub mod roots;
pub mod shots;
pub mod tuning;

use generation::Generation;
use roots::Roots;

use crate::likeness::VersionModel;
use crate::photo::{Decisions, PhotoId, PictureHash, Relation, Verdict};
use crate::store::{Reader, Result};

/// The data that a query is answered from, at one moment.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub reader: &'a Reader,
    pub generation: &'a Generation,
    pub versions: &'a VersionModel,
    pub decisions: &'a Decisions,
    pub roots: &'a Roots,
}

/// Says whether somebody still waits for an answer. Long work asks now and then, and ends without an answer if nobody does.
pub type IsWanted<'a> = &'a dyn Fn() -> bool;

/// The relations of an answer that does not name any.
const DEFAULT_RELATIONS: [Relation; 3] = [Relation::Identical, Relation::Copy, Relation::Edit];

/// Returns whether an answer includes a relation. An empty list means identical, copy and edit.
pub fn shows(relations: &[Relation], relation: Relation) -> bool {
    if relations.is_empty() { DEFAULT_RELATIONS.contains(&relation) } else { relations.contains(&relation) }
}

/// Returns whether an answer includes pairs of different photos.
fn shows_near(relations: &[Relation]) -> bool {
    Relation::ALL.iter().any(|relation| *relation != Relation::Identical && shows(relations, *relation))
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
