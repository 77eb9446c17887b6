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

/// How long after its last question a client still counts as waiting.
const WANTED: Duration = Duration::from_secs(2);

/// Runs until the daemon stops: first what somebody waits for, then everything in order.
pub fn run(shared: &Shared, reader: &Reader, jobs: &SyncSender<Job>) {
    let start = Place { root: RootId(0), path: PathBuf::new() };
    let mut after = start.clone();
    while !shared.is_stopping() {
        let fetched = reader.pending_in(&wanted(shared), BATCH).and_then(|first| Ok((first, reader.pending_after(&after, BATCH)?)));
        let (mut pending, rest) = fetched.unwrap_or_else(|e| {
            shared.set_problem("feed", Some(e.to_string()));
            Default::default()
        });
        // Whoever found the damage.
        shared.examine_index();
        let was_last = rest.len() < BATCH;
        if pending.is_empty() || was_last {
            after = rest.last().filter(|_| !was_last).map_or(start.clone(), |(place, _)| place.clone());
            pending.extend(rest);
        }
        let mut handed_out = false;
        for (place, stamp) in pending {
            let Some(path) = shared.path_of(&place).filter(|_| shared.is_online(place.root)) else { continue };
            if !lock(&shared.in_flight).places.insert(place.clone()) {
                continue;
            }
            handed_out = true;
            if shared.is_stopping() || jobs.send(Job { place, path, stamp }).is_err() {
                return;
            }
        }
        if was_last || !handed_out {
            shared.pending.wait(RETRY);
        }
    }
}

fn wanted(shared: &Shared) -> Vec<Place> {
    let mut wanted = lock(&shared.wanted);
    wanted.retain(|_, asked| asked.elapsed() < WANTED);
    wanted.keys().cloned().collect()
}

/// Starts it.
pub fn spawn(shared: Arc<Shared>, reader: Reader, jobs: SyncSender<Job>) -> std::io::Result<()> {
    std::thread::Builder::new().name("feed".into()).spawn(move || run(&shared, &reader, &jobs)).map(drop)
}
