//! Wakes intake when something is mounted or unmounted, by polling the mount table of Linux.

use std::fs::File;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};

use super::Intakes;
use crate::sys::background::{Nice, vital};

/// Starts the thread, which ends with the process. Without a mount table there is no such thread, and intake looks for
/// roots at intervals only.
pub fn spawn(intakes: Arc<Intakes>) -> std::io::Result<()> {
    let Ok(table) = File::open("/proc/self/mounts") else { return Ok(()) };
    let watch = move || {
        loop {
            let mut tables = [PollFd::new(&table, PollFlags::PRI | PollFlags::ERR)];
            if poll(&mut tables, None).is_err() {
                return;
            }
            intakes.look_for_roots();
        }
    };
    vital("mounts", Nice::No, watch).map(drop)
}
