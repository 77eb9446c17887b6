//! What the daemon gives up before its first other thread: changing anything outside its own folders, and the network.
//! Its children give it up with it. Best effort: what a kernel cannot do is said in `status`.
//!
//! A thread that was taken over could still ask other programs of this user for something, over their Unix sockets.

#[cfg(target_os = "linux")]
mod linux;

use std::path::Path;

/// The fences that stand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fence {
    /// The version of landlock that keeps files as they are.
    pub landlock: Option<i32>,
    /// Whether seccomp keeps modes, times and owners of files as they are, and allows no sockets but Unix ones.
    pub seccomp: bool,
    /// Those that do not stand, each with why and what could happen.
    pub missing: Vec<String>,
}

/// Where the daemon makes, changes and removes files.
pub struct Writable<'a> {
    pub data_dir: &'a Path,
    /// `None` where a service manager keeps the socket.
    pub socket_dir: Option<&'a Path>,
}

/// Gives up the rest, for good. To be called while this thread is the only one.
pub fn enclose(writable: &Writable<'_>) -> Fence {
    let mut fence = Fence::default();
    #[cfg(target_os = "linux")]
    {
        match linux::landlock(writable) {
            Ok(version) => fence.landlock = Some(version),
            Err(e) => fence.missing.push(format!("landlock ({e}): a fault of the daemon could change files outside its index")),
        }
        match linux::seccomp() {
            Ok(()) => fence.seccomp = true,
            Err(e) => fence.missing.push(format!("seccomp ({e}): a fault of the daemon could reach the network")),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = writable;
        fence.missing.push("landlock and seccomp (this system has neither): a fault of the daemon could do what you can".into());
    }
    fence
}
