//! Telling a service manager how the daemon is (systemd's sd_notify). Where there is none, all of this does nothing.

use std::env;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use super::shared::{Shared, lock, read};
use super::write::Write;
use crate::api::client::Client;
use crate::api::types::Version;

/// How often it is told what the daemon does, when it does not ask for more.
const EVERY: Duration = Duration::from_secs(10);

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

/// Says ready once the API has answered, then what the daemon does; and feeds the watchdog as long as requests
/// find a thread and the writer gets on.
pub async fn report(shared: Arc<Shared>, writes: SyncSender<Write>, client: Client) {
    if !is_there() {
        return;
    }
    while client.get::<Version>("/v1/version").await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tell(&[NotifyState::Ready]);
    let every = sd_notify::watchdog_enabled().map_or(EVERY, |limit| (limit / 3).min(EVERY));
    let mut said = String::new();
    while !shared.is_stopping() {
        let (for_probe, writes) = (shared.clone(), writes.clone());
        let probe = tokio::task::spawn_blocking(move || gets_on(&for_probe, &writes, every));
        if matches!(tokio::time::timeout(2 * every, probe).await, Ok(Ok(true))) {
            tell(&[NotifyState::Watchdog]);
        }
        let doing = doing(&shared);
        if doing != said {
            tell(&[NotifyState::Status(&doing)]);
            said = doing;
        }
        tokio::time::sleep(every).await;
    }
}

/// Whether the writer answers, or still tries: a full disk is no reason to start it again.
fn gets_on(shared: &Shared, writes: &SyncSender<Write>, patience: Duration) -> bool {
    let (before, began) = (shared.beats.load(Ordering::Relaxed), Instant::now());
    // One that has no room for this has enough to do, which will show.
    let _ = writes.try_send(Write::Flush(sync_channel(1).0));
    while shared.beats.load(Ordering::Relaxed) == before {
        if began.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

fn doing(shared: &Shared) -> String {
    if let Some(problem) = lock(&shared.problems).values().next() {
        return problem.clone();
    }
    let photos = read(&shared.active).index.len();
    let is_reading = !lock(&shared.in_flight).places.is_empty();
    format!("{photos} photos, {}", if is_reading { "reading" } else { "idle" })
}
