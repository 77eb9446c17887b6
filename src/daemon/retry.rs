//! Retrying what cannot be stored: while the disk is full, or until it succeeds.

use std::thread;
use std::time::Duration;

use super::messages::Unwritten;
use super::state::{Health, Part};
use crate::store;

/// How long to wait before trying again.
const STORE_RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Repeats an attempt while the disk is full and `is_wanted` is true. Meanwhile `status` reports `what` as the problem of
/// `part`.
///
/// # Errors
/// The error of the last attempt.
pub fn while_full<T>(
    health: &Health,
    part: Part,
    what: &str,
    is_wanted: impl Fn() -> bool,
    attempt: impl FnMut() -> Result<T, Unwritten>,
) -> Result<T, Unwritten> {
    retry(health, part, what, store::Error::is_disk, is_wanted, attempt)
}

/// Repeats an attempt until it succeeds or `is_wanted` is false, whatever is wrong with the store, and reports in the same way.
///
/// # Errors
/// The error of the last attempt.
pub fn until_stored<T>(
    health: &Health,
    part: Part,
    what: &str,
    is_wanted: impl Fn() -> bool,
    attempt: impl FnMut() -> Result<T, Unwritten>,
) -> Result<T, Unwritten> {
    retry(health, part, what, |_| true, is_wanted, attempt)
}

/// `is_wanted` is called after the problem is set: a waiting client then finds it.
fn retry<T>(
    health: &Health,
    part: Part,
    what: &str,
    may_pass: impl Fn(&store::Error) -> bool,
    is_wanted: impl Fn() -> bool,
    mut attempt: impl FnMut() -> Result<T, Unwritten>,
) -> Result<T, Unwritten> {
    loop {
        let error = match attempt() {
            Ok(done) => {
                health.set_problem(part, None);
                return Ok(done);
            }
            Err(Unwritten::Store(e)) if may_pass(&e) => e,
            Err(e) => return Err(e),
        };
        let remedy = if error.is_disk() { "; make room, then it continues automatically" } else { "" };
        health.set_problem(part, Some(format!("{what}: {error}{remedy}")));
        if !is_wanted() {
            return Err(error.into());
        }
        thread::sleep(STORE_RETRY_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const SQLITE_FULL: i32 = 13;

    fn full() -> Unwritten {
        store::Error::Sqlite(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(SQLITE_FULL), None)).into()
    }

    fn inconsistent() -> Unwritten {
        store::Error::Inconsistent("two of one".into()).into()
    }

    #[test]
    fn what_cannot_be_stored_is_reported_until_it_is() {
        let health = Health::default();
        let stops = || false;
        let failed: Result<(), _> = until_stored(&health, Part::Store, "nothing can be stored", stops, || Err(inconsistent()));
        assert!(failed.is_err());
        assert_eq!(health.problems(), [(Part::Store, "nothing can be stored: the index has two of one".to_owned())]);
        // What room on the disk does not help is not tried again.
        let asked = Cell::new(false);
        let asks = || asked.replace(true);
        let failed: Result<(), _> = while_full(&health, Part::Tuning, "the head cannot be stored", asks, || Err(inconsistent()));
        assert!(failed.is_err() && !asked.get() && health.problem(Part::Tuning).is_none());
        for (part, what) in [(Part::Store, "nothing can be stored"), (Part::Tuning, "the head cannot be stored")] {
            let attempt = || Err::<(), _>(full());
            let failed = if part == Part::Store {
                until_stored(&health, Part::Store, what, stops, attempt)
            } else {
                while_full(&health, Part::Tuning, what, stops, attempt)
            };
            assert!(failed.is_err());
            let problem = health.problem(part).expect("reported");
            assert!(problem.starts_with(what) && problem.ends_with("make room, then it continues automatically"), "{problem}");
        }
        assert_eq!(until_stored(&health, Part::Store, "nothing can be stored", stops, || Ok(1)).expect("stored"), 1);
        assert_eq!(while_full(&health, Part::Tuning, "the head cannot be stored", stops, || Ok(2)).expect("stored"), 2);
        assert_eq!(health.problems(), []);
    }

    #[test]
    fn an_attempt_is_repeated() {
        let (health, attempts) = (Health::default(), Cell::new(0));
        let attempt = || {
            attempts.set(attempts.get() + 1);
            if attempts.get() == 1 { Err(full()) } else { Ok(attempts.get()) }
        };
        assert_eq!(while_full(&health, Part::Heads, "the next head cannot be prepared", || true, attempt).expect("stored"), 2);
    }
}
