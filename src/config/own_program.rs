//! Where this very program is, for starting it again: as the daemon, as a decoding child.

use std::path::PathBuf;
use std::{env, io};

/// On Linux the running file itself, even when it was replaced or deleted since.
///
/// # Errors
/// When the system does not say.
pub fn own_program() -> io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Ok(running) } else { env::current_exe() }
}
