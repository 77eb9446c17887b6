//! Events in the log: one line for many file events once it is quiet, and one line for each rare event.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::state::events::EventKind;
use super::state::{Lifecycle, Signal, lock};

/// It is quiet when nothing happened for this long. A line is written after [`LOG_MAX_DELAY`] in any case.
const QUIET_INTERVAL: Duration = Duration::from_secs(5);
const LOG_MAX_DELAY: Duration = Duration::from_secs(60);

/// Counts of file events since the last line.
#[derive(Default)]
pub struct LogSummary {
    counts: Mutex<Counts>,
    raised: Signal,
}

#[derive(Clone, Copy, PartialEq, Default)]
struct Counts {
    added: u64,
    changed: u64,
    moved: u64,
    gone: u64,
    failed: u64,
}

impl LogSummary {
    /// Counts a file event. A rare event is logged at once.
    pub fn count(&self, event: &EventKind) {
        match event {
            EventKind::Online(root) => return tracing::info!("{} is online again", root.display()),
            EventKind::HeadChanged { name } => return tracing::info!("head {name} is in use now"),
            EventKind::Decided { pairs, verdict } => return tracing::info!("{pairs} pairs of photos decided {}", verdict.name()),
            _ => {}
        }
        let mut counts = lock(&self.counts);
        match event {
            EventKind::Added(_) => counts.added += 1,
            EventKind::Changed(_) => counts.changed += 1,
            EventKind::Moved { .. } => counts.moved += 1,
            EventKind::Gone(_) => counts.gone += 1,
            EventKind::Failed { .. } => counts.failed += 1,
            _ => return,
        }
        drop(counts);
        self.raised.raise();
    }

    /// Writes the line, if anything was counted.
    pub fn write(&self) {
        let Counts { added, changed, moved, gone, failed } = std::mem::take(&mut *lock(&self.counts));
        let parts = [(added, "added"), (changed, "changed"), (moved, "moved"), (gone, "gone")];
        let parts: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        if !parts.is_empty() {
            tracing::info!("files: {}", parts.join(", "));
        }
        if failed > 0 {
            tracing::info!("{failed} files were not read; simctl failures lists them");
        }
    }

    /// Writes lines until the daemon stops.
    pub fn run(&self, lifecycle: &Lifecycle) {
        while !lifecycle.is_stopping() {
            self.raised.wait(Duration::from_secs(3600));
            let began = Instant::now();
            let mut before = None;
            while before != Some(*lock(&self.counts)) && began.elapsed() < LOG_MAX_DELAY && !lifecycle.is_stopping() {
                before = Some(*lock(&self.counts));
                thread::sleep(QUIET_INTERVAL);
            }
            self.write();
        }
    }
}
