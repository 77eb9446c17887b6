//! What a head is tuned on and judged by: photos of the library, and what is known of them.

pub mod folders;
pub mod sample;
pub mod tuning_data;

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::generation::Generation;
use super::roots::Roots;
use crate::photo::Decisions;
use crate::store::Reader;

/// The library as a tuning sees it. It takes minutes: the generation is held only for a moment each time, so that
/// nobody who asks for duplicates waits behind a writer who waits for a tuning.
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
