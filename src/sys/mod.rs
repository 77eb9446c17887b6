//! What the operating system says and does, in terms that no other module owns.
//!
//! What only Linux has is in files of its own; elsewhere their functions say that there is nothing.

pub mod background;
#[cfg(target_os = "linux")]
pub mod fence;
pub mod mounts;
mod own_program;
pub mod parallel;
mod view;

use std::time::{SystemTime, UNIX_EPOCH};

pub use own_program::own_program;
pub use view::View;

/// Says that a unit test cannot run here. Where `SIMILARD_MAY_SKIP` is set, it lists the reasons that are taken, with `;`
/// between them; any other is a failure.
#[cfg(test)]
pub fn skip(why: &str) {
    println!("SKIPPED: {why}");
    if let Ok(allowed) = std::env::var("SIMILARD_MAY_SKIP") {
        assert!(allowed.split(';').any(|reason| reason.trim() == why), "this reason to skip a test is not among those allowed: {why}");
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}
