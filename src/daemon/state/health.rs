//! The health of the daemon: its problems, its heartbeats, and the limits that this system lacks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use super::heartbeat::Heartbeats;
use super::sync::lock;
use crate::daemon::fence::Fence;
use crate::sys::SameProgram;
use crate::vision::{Limits, sandbox};

/// What may have a problem.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// Decoding photos.
    Decode,
    /// Notifications on the desktop.
    Desktop,
    /// The thread that hands files to the workers.
    Dispatcher,
    /// The head in use.
    Heads,
    /// The index, which was made again.
    Index,
    /// Rows of `library.db` that cannot be read.
    Library,
    /// Another `library.db` than the one that is open.
    LibraryFile,
    /// The file whose events tell that all earlier ones have arrived.
    Marker,
    /// The kept pictures.
    Pictures,
    /// The writer: nothing can be stored.
    Store,
    Tuning,
    /// The version model in use.
    Versions,
    /// File events.
    Watch,
}

#[derive(Default)]
pub struct Health {
    /// The problem of each part that cannot work.
    problems: Mutex<BTreeMap<Part, String>>,
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
    pub fn set_problem(&self, part: Part, problem: Option<String>) {
        let mut problems = lock(&self.problems);
        let changed = problems.get(&part) != problem.as_ref();
        match problem {
            Some(problem) => {
                if changed {
                    tracing::warn!("{part:?}: {problem}");
                }
                problems.insert(part, problem);
            }
            None => {
                problems.remove(&part);
            }
        }
    }

    pub fn problem(&self, part: Part) -> Option<String> {
        lock(&self.problems).get(&part).cloned()
    }

    /// Returns all problems, sorted by part.
    pub fn problems(&self) -> Vec<(Part, String)> {
        lock(&self.problems).iter().map(|(part, problem)| (*part, problem.clone())).collect()
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
        health.set_problem(Part::Store, Some("the disk is full".into()));
        health.set_problem(Part::Store, Some("the disk is gone".into()));
        health.set_problem(Part::Watch, Some("no inotify".into()));
        assert_eq!(health.problems(), [(Part::Store, "the disk is gone".to_owned()), (Part::Watch, "no inotify".to_owned())]);
        health.set_problem(Part::Store, None);
        assert_eq!(health.problems(), [(Part::Watch, "no inotify".to_owned())]);
    }
}
