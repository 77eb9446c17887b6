//! The data of a tuning: training photos and held-out photos of the library, with their labels.

pub mod decisions;
pub mod folders;
pub mod sample;
pub mod tuning_data;

use super::generation::InUse;
use super::roots::Roots;
use crate::photo::Decisions;
use crate::store::Reader;

/// The data that a tuning reads.
#[derive(Clone, Copy)]
pub struct Library<'a> {
    pub reader: &'a Reader,
    pub roots: &'a Roots,
    pub decisions: &'a Decisions,
    pub generation: &'a InUse,
}
