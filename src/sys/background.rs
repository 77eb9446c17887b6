//! Named background threads and their priorities.

use std::io;
use std::process::abort;
use std::thread::{self, JoinHandle};

/// The priority of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nice {
    /// The priority of the process.
    No,
    /// Nice 10: yields to the programs that people use.
    ToPeople,
    /// Nice 19: yields to everything.
    ToAll,
}

/// Starts a named thread with a priority.
///
/// # Errors
/// If the system cannot start a thread.
pub fn background(name: &str, nice: Nice, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(move || {
        give_way(nice);
        work();
    })
}

/// Starts a named thread that this process cannot do without. If it panics, the process ends at once: others would wait for the
/// thread for ever.
///
/// # Errors
/// If the system cannot start a thread.
pub fn vital(name: &str, nice: Nice, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    background(name, nice, || {
        let _end = EndOnPanic;
        work();
    })
}

struct EndOnPanic;

impl Drop for EndOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            abort();
        }
    }
}

/// Runs the same work on several named threads with a priority, and waits until all of them have ended.
///
/// # Errors
/// If the system cannot start one of them. Those that were started before have done their work.
pub fn together(name: &str, nice: Nice, count: usize, work: impl Fn() + Sync) -> io::Result<()> {
    let work = || {
        give_way(nice);
        work();
    };
    thread::scope(|scope| (0..count).try_for_each(|_| thread::Builder::new().name(name.into()).spawn_scoped(scope, work).map(drop)))
}

/// Lowers the priority of the calling thread.
pub fn give_way(nice: Nice) {
    let level = match nice {
        Nice::No => return,
        Nice::ToPeople => 10,
        Nice::ToAll => 19,
    };
    // If the system refuses, the thread runs with its old priority.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), level);
}

#[cfg(test)]
mod tests {
    use std::env::{current_exe, var_os};
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_process_ends_with_a_thread_that_it_cannot_do_without() {
        const PANICS: &str = "SIMILARD_TEST_PANICS";
        if var_os(PANICS).is_some() {
            let thread = vital("writer", Nice::No, || panic!("as a test")).expect("started");
            let _ = thread.join();
            return;
        }
        let test = thread::current().name().expect("a name").to_owned();
        let ended = Command::new(current_exe().expect("this program")).args(["--exact", &test]).env(PANICS, "1").output().expect("runs");
        assert_eq!(ended.status.signal(), Some(rustix::process::Signal::ABORT.as_raw()), "{ended:?}");
    }

    #[test]
    fn threads_that_work_together_have_a_name_and_a_priority() {
        let seen = Mutex::new(Vec::new());
        let work = || {
            let nice = rustix::process::getpriority_process(Some(rustix::thread::gettid())).expect("a priority");
            seen.lock().expect("no panic").push((thread::current().name().map(str::to_owned), nice >= 10));
        };
        together("tuning versions", Nice::ToPeople, 3, work).expect("started");
        assert_eq!(seen.into_inner().expect("no panic"), vec![(Some("tuning versions".to_owned()), true); 3]);
    }
}
