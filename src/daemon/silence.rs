//! The silence thread: a disk that does not answer takes its roots offline, and nobody else's time.

use std::sync::Arc;
use std::time::Duration;

use super::shared::{Shared, read, write};
use super::work::Crew;

/// How often the pulses are taken.
const EVERY: Duration = Duration::from_secs(2);

/// Runs until the daemon stops.
fn run(shared: &Arc<Shared>, crew: &Crew) {
    while !shared.is_stopping() {
        std::thread::sleep(EVERY);
        for (pulse, root) in shared.pulses.stuck() {
            let root = read(&shared.roots).iter().find(|known| known.id == root).cloned();
            if let Some(root) = root.filter(|root| shared.is_online(root.id)) {
                tracing::warn!("{} does not answer", root.path.display());
                shared.set_offline(&root, "its disk or server does not answer".into());
                write(&shared.states).entry(root.id).or_default().is_silent = true;
            }
            crew.replace(&pulse);
        }
    }
}

/// Starts it.
pub fn spawn(shared: Arc<Shared>, crew: Crew) -> std::io::Result<()> {
    std::thread::Builder::new().name("silence".into()).spawn(move || run(&shared, &crew)).map(drop)
}
