//! The daemon: threads, channels and lifecycle. It alone joins the other modules.
//!
//! ```text
//! notify ─(hints)─→ intake ─(seen, gone)─→ writer ──→ SQLite, generation in memory
//!  api ──(orders)──↗                        ↑  │
//!                dispatcher ─(jobs)─→ worker 1…N └─(wakes)─→ dispatcher
//! ```
//!
//! `run` starts everything, `state` is what the threads share, in parts, and `messages` is all that goes through a
//! channel. `intake` has one thread for each filesystem; it finds what there is and has it written as pending. The
//! `dispatcher` reads what is pending from the store and hands it to the `worker`s; their results go to the one
//! `writer`, which also pairs new photos before they are committed. So a crash anywhere loses nothing that the store does
//! not still call pending, and no queue holds more than a few photos.
//!
//! `watchdog` takes a disk offline that does not answer. `heads` has another head take over, `tuning` makes one. `notifier`
//! emits what changed when somebody listens, `log_summary` writes it to the log. `service` answers the API from the catalog,
//! `wire` puts it into the API's types, `records` what is stored of a tuning; `views` checks that a client sees what the daemon sees. `fence` is what all of it
//! gives up first.

mod decisions;
mod dispatcher;
mod fence;
mod heads;
mod intake;
mod lock;
mod log_summary;
mod messages;
mod notifier;
mod power;
mod problems;
mod records;
mod retry;
mod run;
mod service;
mod service_manager;
mod state;
mod tuning;
mod views;
mod watchdog;
mod wire;
mod worker;
mod writer;

pub use run::{Ended, Error, run};
pub use service_manager::is_there as is_supervised;

use std::fs;
use std::time::UNIX_EPOCH;

use crate::api::PROTOCOL;
use crate::api::types::Version;
use crate::sys::own_program;

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
