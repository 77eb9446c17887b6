//! The path of the running program, for starting it again as the daemon or as a decoding child.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Returns the path of the running program. If the file at that path was replaced or deleted, returns `/proc/self/exe`,
/// which on Linux still leads to the running file.
///
/// # Errors
/// If the system does not report the path.
pub fn own_program() -> io::Result<PathBuf> {
    let named = env::current_exe()?;
    let running = Path::new("/proc/self/exe");
    let inode = |path: &Path| fs::metadata(path).map(|m| (m.dev(), m.ino())).ok();
    Ok(if inode(running).is_some_and(|i| inode(&named) != Some(i)) { running.to_owned() } else { named })
}
