//! The fence: before it starts another thread, the daemon gives up the right to change files outside its own folders,
//! and the network. Its children give these up too. If the kernel lacks a layer, the daemon runs without it, and
//! `status` says so.
//!
//! An attacker who controls the daemon could still send requests to other programs of this user, over their Unix
//! sockets.

#[cfg(target_os = "linux")]
mod linux;

use std::path::Path;

/// The layers of the fence that are in force.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fence {
    /// The Landlock version that protects files. `None` if Landlock is missing.
    pub landlock: Option<i32>,
    /// Whether seccomp protects the modes, times and owners of files, and forbids all sockets except Unix sockets.
    pub seccomp: bool,
    /// The missing layers, each with the reason and the risk.
    pub missing: Vec<String>,
}

/// The folders where the daemon creates, changes and removes files.
pub struct Writable<'a> {
    pub data_dir: &'a Path,
    /// The folder of the kept pictures.
    pub pictures_dir: Option<&'a Path>,
    /// `None` if a service manager owns the socket.
    pub socket_dir: Option<&'a Path>,
}

/// Gives up the network and all changes outside these folders, for good. It must be called while this thread is the
/// only one, because the fence covers this thread and the threads that it starts.
pub fn enclose(writable: &Writable<'_>) -> Fence {
    let mut fence = Fence::default();
    #[cfg(target_os = "linux")]
    {
        match linux::landlock(writable) {
            Ok(version) => fence.landlock = Some(version),
            Err(e) => fence.missing.push(format!("landlock ({e}): a bug in the daemon could change files outside its index")),
        }
        match linux::seccomp() {
            Ok(()) => fence.seccomp = true,
            Err(e) => fence.missing.push(format!("seccomp ({e}): a bug in the daemon could reach the network")),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = writable;
        fence.missing.push("landlock and seccomp (this system has neither): a bug in the daemon could do everything that you can".into());
    }
    fence
}
