//! The daemon: threads, channels and lifecycle. Only the daemon connects the other modules.
//!
//! ```text
//! notify ─(events)→ intake ─(seen, gone)─→ writer ──→ SQLite, generation in memory
//!  api ──(orders)──↗                        ↑  │
//!                dispatcher ─(jobs)─→ worker 1…N └─(wakes)─→ dispatcher
//! ```
//!
//! `run` starts everything. `state` has the parts of the state that threads share, and `messages` everything that goes
//! through a channel. `intake` has one thread for each filesystem, which finds files. The writer stores them as
//! pending. The `dispatcher` reads pending files from the store and hands them to the `worker`s. Their results go to
//! the one `writer`, which also pairs new photos before it commits them. So a crash loses only work on files that are
//! still pending in the store, and each queue holds only a few photos.
//!
//! `watchdog` takes the roots of a disk offline that does not answer. `heads` switches heads, `tuning` makes them.
//! `notifier` reports new versions while somebody listens, `log_summary` writes events to the log. `service` answers the
//! API. `wire`, `problems` and `records` convert between the types of the API, the catalog and the store. `views`
//! compares what a client and the daemon see at a path. `fence` is what the daemon gives up when it starts.

mod decisions;
mod dispatcher;
mod fence;
mod heads;
mod intake;
mod lock;
mod log_summary;
mod messages;
mod notifier;
mod places;
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
mod waiting;
mod watchdog;
mod wire;
mod worker;
mod writer;

pub use lock::{Holder, data_directory, holder};
pub use run::{Ended, Error, run};
pub use service_manager::is_there as is_supervised;

use std::fs;
use std::time::UNIX_EPOCH;

use crate::api::PROTOCOL;
use crate::api::types::Version;
use crate::sys::own_program;

/// Returns the version of this program. The daemon reports it, and a client compares it with its own.
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
