//! Locks that ignore panics of their owners, and a flag to wait for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a writer waits for a moment without readers, and how often it looks.
const WRITE_LOCK_TIMEOUT: Duration = Duration::from_secs(60);
const WRITE_LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(1);

/// Locks a mutex, even if a thread panicked while it held the lock. The data is consistent all the same, because every
/// change under a lock is a single insertion or removal.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing once nobody reads. Unlike [`write`], it does not hold up new readers while it waits, so a long answer
/// delays no short one.
pub fn write_between<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    let began = Instant::now();
    while began.elapsed() < WRITE_LOCK_TIMEOUT {
        match lock.try_write() {
            Ok(locked) => return locked,
            Err(TryLockError::Poisoned(locked)) => return locked.into_inner(),
            Err(TryLockError::WouldBlock) => thread::sleep(WRITE_LOCK_RETRY_INTERVAL),
        }
    }
    // Readers took turns all the time.
    write(lock)
}

/// A flag that threads can wait for.
#[derive(Default)]
pub struct Signal {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    pub fn raise(&self) {
        *lock(&self.raised) = true;
        self.changed.notify_all();
    }

    /// Waits until the flag is raised, or for `timeout`, and lowers it.
    pub fn wait(&self, timeout: Duration) {
        let raised = lock(&self.raised);
        let (mut raised, _) = self.changed.wait_timeout_while(raised, timeout, |raised| !*raised).unwrap_or_else(PoisonError::into_inner);
        *raised = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_waits_holds_up_no_reader() {
        let shared = RwLock::new(0);
        let long = read(&shared);
        thread::scope(|scope| {
            scope.spawn(|| *write_between(&shared) += 1);
            thread::sleep(Duration::from_millis(20));
            assert_eq!(*read(&shared), 0, "another reader comes in meanwhile");
            drop(long);
        });
        assert_eq!(*read(&shared), 1);
    }

    #[test]
    fn a_signal_is_kept_until_somebody_waits_for_it() {
        let signal = Signal::default();
        signal.raise();
        let began = std::time::Instant::now();
        signal.wait(Duration::from_secs(60));
        assert!(began.elapsed() < Duration::from_secs(30), "it was raised before");
        signal.wait(Duration::from_millis(1));
        assert!(!*lock(&signal.raised), "waiting lowers it");
    }
}
