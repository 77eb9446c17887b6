//! Services of the operating system: mounts, drives, views of a path, Landlock and seccomp, threads, the path of this program,
//! files of this user alone, and files that may be anything.
//!
//! Landlock and seccomp exist on Linux only. On other systems no mounts are known.

pub mod background;
pub mod drives;
pub mod mounts;
pub mod own_file;
mod own_program;
pub mod parallel;
pub mod probe;
pub mod regular_file;
#[cfg(target_os = "linux")]
pub mod restrict;
#[cfg(test)]
#[path = "../../tests/all/skip.rs"]
mod skip;
mod view;

use std::time::{SystemTime, UNIX_EPOCH};

pub use own_program::{SameProgram, own_program};
#[cfg(test)]
pub use skip::skip;
pub use view::View;

/// Returns the seconds since 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}
