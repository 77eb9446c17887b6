//! Where this very program is, for starting it again: as the daemon, as a decoding child.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The file that runs: by its name as long as that still names it, else, on Linux, as the running
/// file itself, which is there even after it was replaced or deleted.
///
/// # Errors
/// When the system does not say.
pub fn own_program() -> io::Result<PathBuf> {
    let named = env::current_exe()?;
    let running = Path::new("/proc/self/exe");
    let inode = |path: &Path| fs::metadata(path).map(|m| (m.dev(), m.ino())).ok();
    Ok(if inode(running).is_some_and(|i| inode(&named) != Some(i)) { running.to_owned() } else { named })
}
