//! Services of the operating system: mounts, views of a path, Landlock and seccomp, threads, the path of this program,
//! files of this user alone.
//!
//! Landlock and seccomp exist on Linux only. On other systems no mounts are known.

pub mod background;
#[cfg(target_os = "linux")]
pub mod fence;
pub mod mounts;
pub mod own_file;
mod own_program;
pub mod parallel;
pub mod probe;
mod view;

use std::time::{SystemTime, UNIX_EPOCH};

pub use own_program::{SameProgram, own_program};
pub use view::View;

/// Reports that a unit test cannot run here. If `SIMILARD_MAY_SKIP` is set, it lists the allowed reasons, separated by
/// `;`, and any other reason fails the test.
#[cfg(test)]
pub fn skip(why: &str) {
    println!("SKIPPED: {why}");
    if let Ok(allowed) = std::env::var("SIMILARD_MAY_SKIP") {
        assert!(allowed.split(';').any(|reason| reason.trim() == why), "this reason to skip a test is not among those allowed: {why}");
    }
}

/// Returns the seconds since 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}
