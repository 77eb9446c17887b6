//! Which program this is, and which run of it.

use std::fs;
use std::time::UNIX_EPOCH;

use crate::sys::own_program;

/// The version of this program.
#[derive(Clone, Debug)]
pub struct OwnVersion {
    pub version: &'static str,
    /// The program file, its time and its size. They identify a build.
    pub program: String,
    pub build: String,
    pub pid: u32,
    /// Identifies this run of the program.
    pub run: String,
}

/// Returns the version of this program. The daemon reports it, and a client compares it with its own.
pub fn own_version() -> OwnVersion {
    let file = own_program();
    let build = file.as_ref().ok().and_then(|file| fs::metadata(file).ok()).map(|m| {
        let time = m.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        format!("{:x}-{:x}", time.as_nanos(), m.len())
    });
    OwnVersion {
        version: env!("CARGO_PKG_VERSION"),
        program: file.and_then(fs::canonicalize).unwrap_or_default().display().to_string(),
        build: build.unwrap_or_default(),
        pid: std::process::id(),
        run: format!("{:x}{:x}", UNIX_EPOCH.elapsed().unwrap_or_default().as_micros(), std::process::id()),
    }
}
