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
//! API. `wire` and `problems` convert types and errors to those of the API, `records` to those of the store. `fence` is
//! what the daemon gives up when it starts.

mod decisions;
mod dispatcher;
mod error;
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
mod waiting;
mod watchdog;
mod wire;
mod worker;
mod writer;

pub use error::Error;
pub use lock::{Holder, data_directory, holder};
pub use run::{Ended, run};
pub use service_manager::is_there as is_supervised;
pub use state::version::{OwnVersion, own_version};
