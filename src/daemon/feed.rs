//! The feed thread: what the store calls pending, to the workers.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::shared::{Shared, lock};
use crate::photo::{Place, RootId, Stamp};
use crate::store::Reader;

/// A file to read.
pub struct Job {
    pub place: Place,
    pub path: PathBuf,
    pub stamp: Stamp,
}

/// Files fetched at once.
const BATCH: usize = 256;

/// How often pending files are looked for without being told: what a worker could not take on
/// (no process to be had) is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Runs until the daemon stops.
pub fn run(shared: &Shared, reader: &Reader, jobs: &SyncSender<Job>) {
    let start = Place { root: RootId(0), path: PathBuf::new() };
    let mut after = start.clone();
    while !shared.is_stopping() {
        let pending = match reader.pending_after(&after, BATCH) {
            Ok(pending) => pending,
            Err(e) => {
                shared.set_problem("feed", Some(e.to_string()));
                Vec::new()
            }
        };
        let was_last = pending.len() < BATCH;
        after = pending.last().map_or(start.clone(), |(place, _)| place.clone());
        for (place, stamp) in pending {
            let Some(path) = shared.path_of(&place) else { continue };
            // Offline: it is still pending when the root is back.
            if !lock(&shared.in_flight).places.insert(place.clone()) {
                continue;
            }
            if shared.is_stopping() || jobs.send(Job { place, path, stamp }).is_err() {
                return;
            }
        }
        if was_last {
            after = start.clone();
            shared.pending.wait(RETRY);
        }
    }
}

/// Starts it.
pub fn spawn(shared: Arc<Shared>, reader: Reader, jobs: SyncSender<Job>) -> std::io::Result<()> {
    std::thread::Builder::new().name("feed".into()).spawn(move || run(&shared, &reader, &jobs)).map(drop)
}
