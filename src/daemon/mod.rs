//! The daemon: the only place that joins the modules, with threads and channels.
//!
//! ```text
//! notify ─(hints)─→ intake ─(see, gone)─→ write ──→ SQLite, index in memory
//!  api ──(orders)──↗                       ↑  │
//!                    feed ─(jobs)─→ work 1…N  └─(wakes)─→ feed
//! ```
//!
//! There is one intake thread for each filesystem. `presence` says whether a root is here and where, `mounts` when to
//! ask again, `pulse` and `silence` which disk does not answer. `heads` has another head take over, `tuning` makes
//! one. `clustering` and `pairing` make what is answered, `comparison` says what changed, `news` tells it when somebody
//! listens, `tally` what happened in the log. `fence` is what
//! all of it gives up first.
//!
//! Intake finds what there is and has it written as pending; feed reads what is pending from the
//! store and hands it to the workers; their results go to the one writer, which also pairs new
//! photos before they are committed. So a crash anywhere loses nothing that the store does not
//! still call pending, and no queue holds more than a few photos.

mod answers;
mod asking;
mod clustering;
mod comparison;
mod decisions;
mod feed;
mod fence;
mod heads;
mod intake;
mod lock;
mod mounts;
mod news;
mod pairing;
mod power;
mod presence;
mod pulse;
mod run;
mod service_manager;
mod shared;
mod silence;
mod tally;
mod tuning;
mod work;
mod write;

pub use run::{Ended, Error, run};
pub use service_manager::is_there as is_supervised;

use std::fs;
use std::time::UNIX_EPOCH;

use crate::api::PROTOCOL;
use crate::api::types::Version;
use crate::config::own_program;

/// This program, as the daemon tells it and as a client compares it.
pub fn own_version() -> Version {
    let file = own_program();
    let build = file.as_ref().ok().and_then(|file| fs::metadata(file).ok()).map(|m| {
        let time = m.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        format!("{:x}-{:x}", time.as_nanos(), m.len())
    });
    Version {
        version: env!("CARGO_PKG_VERSION").into(),
        protocol: PROTOCOL,
        program: file.and_then(fs::canonicalize).unwrap_or_default().display().to_string(),
        build: build.unwrap_or_default(),
        pid: std::process::id(),
        run: format!("{:x}{:x}", UNIX_EPOCH.elapsed().unwrap_or_default().as_micros(), std::process::id()),
    }
}
