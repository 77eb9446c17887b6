//! Threads that run beside others, and what they do while a disk is full.

use std::io;
use std::thread::{self, JoinHandle};

/// How much a thread gives way to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nice {
    /// Not at all.
    No,
    /// To people's programs.
    ToPeople,
    /// To everything.
    ToAll,
}

/// Starts a named thread that gives way.
///
/// # Errors
/// When the system gives no thread.
pub fn background(name: &str, nice: Nice, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(move || {
        give_way(nice);
        work();
    })
}

/// Has this thread give way.
pub fn give_way(nice: Nice) {
    let level = match nice {
        Nice::No => return,
        Nice::ToPeople => 10,
        Nice::ToAll => 19,
    };
    // A system that does not let a thread give way runs it all the same.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), level);
}
