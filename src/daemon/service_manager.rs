//! Telling a service manager how the daemon is (systemd's sd_notify). Where there is none, all of this does nothing.

use std::env;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use super::messages::{Change, Write};
use super::state::{Heads, Health, Lifecycle, Queue, lock, read};
use crate::api::client::Client;
use crate::api::types::Version;

/// How often it is told what the daemon does, when it does not ask for more.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Whether a service manager watches this process, and starts it again when it fails.
pub fn is_there() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some()
}

pub fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if is_there()
        && let Err(e) = sd_notify::notify(state)
    {
        tracing::debug!("the service manager cannot be told: {e}");
    }
}

/// What is reported of.
pub struct Reported {
    pub heads: Arc<Heads>,
    pub queue: Arc<Queue>,
    pub health: Arc<Health>,
    pub lifecycle: Arc<Lifecycle>,
}

/// Says ready once the API has answered, then what the daemon does; and feeds the watchdog as long as requests
/// find a thread and the writer goes on.
pub async fn report(parts: Reported, writes: SyncSender<Write>, client: Client) {
    if !is_there() {
        return;
    }
    let Reported { heads, queue, health, lifecycle } = parts;
    while client.get::<Version>("/v1/version").await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tell(&[NotifyState::Ready]);
    let every = sd_notify::watchdog_enabled().map_or(REPORT_INTERVAL, |limit| (limit / 3).min(REPORT_INTERVAL));
    let mut said = String::new();
    while !lifecycle.is_stopping() {
        let (for_probe, writes) = (health.clone(), writes.clone());
        let probe = tokio::task::spawn_blocking(move || is_writing(&for_probe, &writes, every));
        if matches!(tokio::time::timeout(2 * every, probe).await, Ok(Ok(true))) {
            tell(&[NotifyState::Watchdog]);
        }
        let doing = doing(&heads, &queue, &health);
        if doing != said {
            tell(&[NotifyState::Status(&doing)]);
            said = doing;
        }
        tokio::time::sleep(every).await;
    }
}

/// Whether the writer answers, or still tries: a full disk is no reason to start it again.
fn is_writing(health: &Health, writes: &SyncSender<Write>, patience: Duration) -> bool {
    let (before, began) = (health.writer_beats(), Instant::now());
    // One that has no room for this has enough to do, which will show.
    let _ = writes.try_send(Change::Flush(sync_channel(1).0).into());
    while health.writer_beats() == before {
        if began.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

fn doing(heads: &Heads, queue: &Queue, health: &Health) -> String {
    if let Some(problem) = health.problems().into_iter().next() {
        return problem;
    }
    let photos = read(&heads.active).index.len();
    let is_reading = !lock(&queue.in_flight).places.is_empty();
    format!("{photos} photos, {}", if is_reading { "reading" } else { "idle" })
}
