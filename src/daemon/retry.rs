//! Retrying while the disk is full.

use std::thread;
use std::time::Duration;

use super::messages::Unwritten;
use super::state::Health;

/// How long to wait before trying again when the disk is full.
pub const RETRY_WHILE_FULL: Duration = Duration::from_secs(2);

/// Repeats an attempt while the disk is full and `goes_on` is true. Meanwhile `status` reports `what` as the problem of
/// `part`.
///
/// # Errors
/// The error of the last attempt.
pub fn while_full<T>(
    health: &Health,
    part: &'static str,
    what: &str,
    goes_on: impl Fn() -> bool,
    mut attempt: impl FnMut() -> Result<T, Unwritten>,
) -> Result<T, Unwritten> {
    loop {
        match attempt() {
            Err(Unwritten::Store(e)) if e.is_disk() && goes_on() => {
                health.set_problem(part, Some(format!("{what}: {e}; make room, then it continues automatically")));
                thread::sleep(RETRY_WHILE_FULL);
            }
            Ok(done) => {
                health.set_problem(part, None);
                return Ok(done);
            }
            Err(e) => return Err(e),
        }
    }
}
