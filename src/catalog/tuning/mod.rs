//! The data of a tuning: training photos and held-out photos of the library, with their labels.

pub mod decisions;
pub mod folders;
pub mod sample;
pub mod tuning_data;

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::generation::Generation;
use super::roots::Roots;
use crate::photo::Decisions;
use crate::store::Reader;

/// The data that a tuning reads. A tuning takes minutes, so it locks the generation only for short moments. Otherwise
/// the writer would wait for the tuning, and every query would wait behind the writer.
#[derive(Clone, Copy)]
pub struct Library<'a> {
    pub reader: &'a Reader,
    pub roots: &'a Roots,
    pub decisions: &'a Decisions,
    pub generation: &'a RwLock<Generation>,
}

impl Library<'_> {
    pub fn generation(&self) -> RwLockReadGuard<'_, Generation> {
        self.generation.read().unwrap_or_else(PoisonError::into_inner)
    }
}
