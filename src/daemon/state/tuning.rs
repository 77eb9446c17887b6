//! The progress of a tuning, and the request to end it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::sync::{Signal, lock};
use crate::api::types::TuningState;

#[derive(Default)]
pub struct Tuning {
    state: Mutex<TuningState>,
    stop: AtomicBool,
    /// Wakes the tuning thread.
    pub asked: Arc<Signal>,
}

impl Tuning {
    pub fn state(&self) -> TuningState {
        lock(&self.state).clone()
    }

    pub fn change(&self) -> MutexGuard<'_, TuningState> {
        lock(&self.state)
    }

    /// Returns whether the tuning was asked to end with the result so far.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub fn set_stopped(&self, stopped: bool) {
        self.stop.store(stopped, Ordering::Relaxed);
    }
}
