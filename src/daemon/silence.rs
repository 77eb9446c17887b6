//! The silence thread: a disk that does not answer takes its roots offline, and nobody else's time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared::{Shared, read, write};
use super::work::Crew;

/// How often the pulses are taken.
const EVERY: Duration = Duration::from_secs(2);

/// When a disk is asked again although somebody still waits for it; twice as long each time.
const FIRST: Duration = Duration::from_secs(60);

/// Runs until the daemon stops.
fn run(shared: &Arc<Shared>, crew: &Crew) {
    while !shared.is_stopping() {
        std::thread::sleep(EVERY);
        for (pulse, roots) in shared.pulses.stuck() {
            let known = read(&shared.roots).clone();
            for root in known.iter().filter(|root| roots.contains(&root.id) && shared.is_online(root.id)) {
                tracing::warn!("{} does not answer", root.path.display());
                shared.set_offline(root, "its disk or server does not answer".into());
                let mut states = write(&shared.states);
                let state = states.entry(root.id).or_default();
                state.silent_until = Some(Instant::now() + FIRST * 2_u32.pow(state.silences.min(6)));
                state.silences += 1;
            }
            crew.replace(&pulse);
        }
    }
}

/// Starts it.
pub fn spawn(shared: Arc<Shared>, crew: Crew) -> std::io::Result<()> {
    std::thread::Builder::new().name("silence".into()).spawn(move || run(&shared, &crew)).map(drop)
}
