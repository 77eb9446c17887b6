//! The threads on which a tuning makes what it learns from.

use std::sync::Mutex;

use super::{Run, Why};
use crate::daemon::state::lock;
use crate::sys::background::{Nice, together};

/// Runs the same work on as many named threads as there are workers, and waits until all of them have ended.
///
/// # Errors
/// The first error of a thread. [`Why::Ending`] if the daemon is ending.
pub fn on_threads(run: &Run<'_>, name: &str, work: impl Fn() -> Result<(), Why> + Sync) -> Result<(), Why> {
    let failed: Mutex<Option<Why>> = Mutex::default();
    let started = together(name, Nice::ToAll, run.tuner.switcher.configuration.settings.workers, || {
        if let Err(why) = work() {
            lock(&failed).get_or_insert(why);
        }
    });
    if run.is_ending() {
        return Err(Why::Ending);
    }
    match lock(&failed).take() {
        Some(why) => Err(why),
        None => started.map_err(|e| Why::Failed(format!("the threads for tuning cannot be started: {e}"))),
    }
}
