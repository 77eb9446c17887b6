//! Reports the state of the daemon to a service manager (systemd's sd_notify). Without one, nothing here has an effect.

use std::env;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use super::messages::{Change, Write};
use super::state::{Heads, Health, Lifecycle, Queue, lock};
use crate::api::client::Client;
use crate::api::types::Version;

/// The longest time between two reports. The service manager's watchdog may require a shorter one.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Returns whether a service manager supervises this process, and restarts it when it fails.
pub fn is_there() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some()
}

pub fn notify_stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(state: &[NotifyState<'_>]) {
    if is_there()
        && let Err(e) = sd_notify::notify(state)
    {
        tracing::debug!("the service manager cannot be notified: {e}");
    }
}

/// The parts of the daemon that are reported.
pub struct Reported {
    pub heads: Arc<Heads>,
    pub queue: Arc<Queue>,
    pub health: Arc<Health>,
    pub lifecycle: Arc<Lifecycle>,
}

/// Reports that the daemon is ready once the API has answered, and then what it does. Feeds the watchdog of the service
/// manager as long as requests get a thread and the writer makes progress.
pub async fn report(parts: Reported, writes: SyncSender<Write>, client: Client) {
    if !is_there() {
        return;
    }
    let Reported { heads, queue, health, lifecycle } = parts;
    while client.get::<Version>("/v1/version").await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    notify(&[NotifyState::Ready]);
    let every = sd_notify::watchdog_enabled().map_or(REPORT_INTERVAL, |limit| (limit / 3).min(REPORT_INTERVAL));
    let mut said = String::new();
    while !lifecycle.is_stopping() {
        let (for_probe, writes) = (health.clone(), writes.clone());
        let probe = tokio::task::spawn_blocking(move || is_writing(&for_probe, &writes, every));
        if matches!(tokio::time::timeout(2 * every, probe).await, Ok(Ok(true))) {
            notify(&[NotifyState::Watchdog]);
        }
        let doing = doing(&heads, &queue, &health);
        if doing != said {
            notify(&[NotifyState::Status(&doing)]);
            said = doing;
        }
        tokio::time::sleep(every).await;
    }
}

/// Returns whether the writer makes progress. Retries on a full disk count, because a restart would not help.
fn is_writing(health: &Health, writes: &SyncSender<Write>, patience: Duration) -> bool {
    let (before, began) = (health.writer_beats(), Instant::now());
    // This wakes an idle writer. If the queue is full, the writer is busy and its heartbeat shows progress anyway.
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
    if let Some((_, problem)) = health.problems().into_iter().next() {
        return problem;
    }
    let photos = heads.active.now().index.len();
    let is_reading = !lock(&queue.in_flight).places.is_empty();
    format!("{photos} photos, {}", if is_reading { "reading" } else { "idle" })
}
