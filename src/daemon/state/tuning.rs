//! The running tuning: its order, its progress, its end, and the request to end it early.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::sync::{Signal, lock};
use crate::learn::report::TuningReport;
use crate::photo::Positives;

/// The order of a tuning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TuningOrder {
    pub name: String,
    pub positives: Positives,
    /// It ends after this number of minutes, with its current head.
    pub minutes: u64,
    /// The most photos of the library to tune on.
    pub photos: usize,
    /// Seconds since 1970.
    pub asked: i64,
}

/// What a tuning does now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Edited versions of photos are made.
    Preparing,
    Training,
    /// The pairs of the library are computed again.
    Pairing,
}

#[derive(Clone, PartialEq, Debug)]
pub struct TuningProgress {
    pub name: String,
    pub phase: Phase,
    /// Prepared photos, or training steps.
    pub done: u64,
    pub of: u64,
    /// During training: the objective, and the share of held-out versions that are nearest to their own photo.
    pub loss: Option<f32>,
    pub recall: Option<f32>,
    /// Seconds until it ends, at most.
    pub left: u64,
}

/// How a tuning ended.
#[derive(Clone, PartialEq, Debug)]
pub struct TuningEnd {
    pub name: String,
    pub positives: Positives,
    pub outcome: TuningOutcome,
    /// The result, for people.
    pub message: String,
    pub report: Option<TuningReport>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TuningOutcome {
    /// The new head is better and in use.
    Used,
    /// It is kept by its name, for `similar`.
    Kept,
    /// It is not better, and was not kept.
    Refused,
    Failed,
}

/// The running tuning, or how the last one ended.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TuningState {
    pub progress: Option<TuningProgress>,
    pub ended: Option<TuningEnd>,
}

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
