//! Named background threads and their priorities.

use std::io;
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
