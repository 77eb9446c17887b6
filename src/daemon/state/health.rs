//! The health of the daemon: its problems, its heartbeats, and the limits that this system lacks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use super::heartbeat::Heartbeats;
use super::sync::lock;
use crate::daemon::fence::Fence;
use crate::sys::SameProgram;
use crate::vision::{Limits, sandbox};

/// The part whose problem is that nothing can be stored.
pub const STORE: &str = "store";
/// The part that keeps pictures.
pub const PICTURES: &str = "pictures";

#[derive(Default)]
pub struct Health {
    /// The problem of each part that cannot work.
    problems: Mutex<BTreeMap<&'static str, String>>,
    /// What the daemon gave up when it started.
    pub fence: Fence,
    /// The layers that the decoder sandbox lacks, once they are known.
    missing_sandbox_layers: OnceLock<Vec<String>>,
    /// The heartbeats of the threads that access disks.
    pub heartbeats: Heartbeats,
    /// The number of heartbeats of the writer.
    writer_beats: AtomicU64,
}

impl Health {
    pub fn new(fence: Fence) -> Health {
        Health { fence, ..Health::default() }
    }

    /// Sets or clears the problem of a part. A new problem is logged.
    pub fn set_problem(&self, part: &'static str, problem: Option<String>) {
        let mut problems = lock(&self.problems);
        let changed = problems.get(part) != problem.as_ref();
        match problem {
            Some(problem) => {
                if changed {
                    tracing::warn!("{part}: {problem}");
                }
                problems.insert(part, problem);
            }
            None => {
                problems.remove(part);
            }
        }
    }

    pub fn problem(&self, part: &str) -> Option<String> {
        lock(&self.problems).get(part).cloned()
    }

    /// Returns all problems, sorted by part.
    pub fn problems(&self) -> Vec<String> {
        lock(&self.problems).values().cloned().collect()
    }

    /// Records that the writer makes progress, or retries.
    pub fn writer_beat(&self) {
        self.writer_beats.fetch_add(1, Ordering::Relaxed);
    }

    pub fn writer_beats(&self) -> u64 {
        self.writer_beats.load(Ordering::Relaxed)
    }

    /// Returns the layers that the decoder sandbox lacks, each with the reason. The first call starts a decoding
    /// process to find out.
    pub fn missing_sandbox_layers(&self, limits: Limits) -> Vec<String> {
        if let Some(known) = self.missing_sandbox_layers.get() {
            return known.clone();
        }
        match SameProgram::of_this_process().and_then(|program| sandbox::Decoder::new(program, limits).missing_layers()) {
            Ok(missing) => self.missing_sandbox_layers.get_or_init(|| missing).clone(),
            Err(e) => vec![format!("any known layer (the decoding process cannot be started: {e})")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_one_problem_until_it_is_cleared() {
        let health = Health::default();
        health.set_problem("store", Some("the disk is full".into()));
        health.set_problem("store", Some("the disk is gone".into()));
        health.set_problem("watch", Some("no inotify".into()));
        assert_eq!(health.problems(), ["the disk is gone", "no inotify"]);
        health.set_problem("store", None);
        assert_eq!(health.problems(), ["no inotify"]);
    }
}
