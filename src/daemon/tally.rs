//! Events in the log: of many files one line, once it is quiet, of what is rare a line each.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::shared::{Shared, Signal, lock};
use crate::api::types::What;

/// It is quiet when nothing happened for so long; a line comes after [`LONGEST`] in any case.
const QUIET: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);

/// What happened to files since the last line.
#[derive(Default)]
pub struct Tally {
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

impl Tally {
    /// Counts what happened to a file; of what is rare it says so at once.
    pub fn hear(&self, what: &What) {
        match what {
            What::Online(root) => return tracing::info!("{} is back", root.path),
            What::HeadChanged { name } => return tracing::info!("head {name} answers from now on"),
            What::Decided { pairs, verdict } => return tracing::info!("{pairs} pairs of photos decided {}", verdict.name()),
            _ => {}
        }
        let mut counts = lock(&self.counts);
        match what {
            What::Added(_) => counts.added += 1,
            What::Changed(_) => counts.changed += 1,
            What::Moved { .. } => counts.moved += 1,
            What::Gone(_) => counts.gone += 1,
            What::Failed { .. } => counts.failed += 1,
            _ => return,
        }
        drop(counts);
        self.raised.raise();
    }

    /// Writes the line, if there is anything to say.
    pub fn tell(&self) {
        let Counts { added, changed, moved, gone, failed } = std::mem::take(&mut *lock(&self.counts));
        let parts = [(added, "added"), (changed, "changed"), (moved, "moved"), (gone, "gone")];
        let parts: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        if !parts.is_empty() {
            tracing::info!("files: {}", parts.join(", "));
        }
        if failed > 0 {
            tracing::info!("{failed} files were not read; simctl failures says which and why");
        }
    }
}

/// Starts telling.
pub fn spawn(shared: Arc<Shared>) -> io::Result<()> {
    thread::Builder::new().name("tally".into()).spawn(move || run(&shared)).map(drop)
}

fn run(shared: &Shared) {
    let tally = &shared.tally;
    while !shared.is_stopping() {
        tally.raised.wait(Duration::from_secs(3600));
        let began = Instant::now();
        let mut before = None;
        while before != Some(*lock(&tally.counts)) && began.elapsed() < LONGEST && !shared.is_stopping() {
            before = Some(*lock(&tally.counts));
            thread::sleep(QUIET);
        }
        tally.tell();
    }
}
