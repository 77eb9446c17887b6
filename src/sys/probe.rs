//! Asks whether a mount answers, without waiting for ever.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::background::{Nice, background};
use super::mounts::Mount;

/// How long a mount may take to answer.
const MOUNT_TIMEOUT: Duration = Duration::from_secs(3);

/// Mounts, by number, that were asked and have not answered yet. Each has a thread that waits for it.
static UNANSWERED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Returns whether the filesystem of a mount can be listed now. One that has not answered the last time is not asked
/// again until it does.
pub fn answers(mount: &Mount) -> bool {
    let unanswered = || UNANSWERED.lock().unwrap_or_else(PoisonError::into_inner);
    let number = mount.number;
    if !unanswered().insert(number) {
        return false;
    }
    let (point, (answered, answer)) = (mount.point.clone(), channel());
    let ask = move || {
        let is_listed = can_be_listed(&point);
        unanswered().remove(&number);
        let _ = answered.send(is_listed);
    };
    background("probe", Nice::No, ask).is_ok() && answer.recv_timeout(MOUNT_TIMEOUT).unwrap_or(false)
}

fn can_be_listed(folder: &Path) -> bool {
    // A folder without permission has answered.
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none_or(|entry| entry.is_ok()),
        Err(e) => e.kind() == std::io::ErrorKind::PermissionDenied,
    }
}
