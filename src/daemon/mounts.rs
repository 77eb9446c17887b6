//! Wakes intake when something is mounted or unmounted. Linux: the mount table can be polled.

use std::fs::File;
use std::sync::mpsc::SyncSender;

use rustix::event::{PollFd, PollFlags, poll};

use super::intake::Order;

/// Starts the thread, which ends with the process. Without a mount table roots are looked for now and
/// then all the same.
pub fn spawn(orders: SyncSender<Order>) -> std::io::Result<()> {
    let Ok(table) = File::open("/proc/self/mounts") else { return Ok(()) };
    let watch = move || {
        loop {
            let mut tables = [PollFd::new(&table, PollFlags::PRI | PollFlags::ERR)];
            if poll(&mut tables, None).is_err() || orders.send(Order::Mounts).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("mounts".into()).spawn(watch).map(drop)
}
