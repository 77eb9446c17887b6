//! The news thread: once it is quiet, tells of photos that have copies now.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::comparison::{Known, Snapshot};
use super::shared::{Shared, read};
use crate::api::types::{Change, What};
use crate::photo::Place;
use crate::store::{self, Reader};

/// How long is waited for quiet.
const LONGEST: Duration = Duration::from_secs(30);

/// Compares at most every so many times as long as comparing takes.
const SHARE: u32 = 20;

/// How long the desktop may take.
const BUBBLE: Duration = Duration::from_secs(5);

/// Starts it.
pub fn spawn(shared: Arc<Shared>, reader: Reader) -> io::Result<()> {
    std::thread::Builder::new().name("news".into()).spawn(move || run(&shared, &reader)).map(drop)
}

/// Runs until the daemon stops. Where nobody wants to know it costs nothing.
fn run(shared: &Shared, reader: &Reader) {
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 10);
    let mut before: Option<Snapshot> = None;
    while !shared.is_stopping() {
        if !shared.is_listened_to() && !shared.live().notify_desktop {
            before = None;
        } else if before.is_none() {
            // At once: what comes while quiet is waited for is news.
            before = snapshot(shared, reader);
        }
        shared.news.wait(Duration::from_secs(3600));
        if before.is_none() {
            continue;
        }
        let began = Instant::now();
        while began.elapsed() < LONGEST && !is_quiet(shared, reader).unwrap_or(false) && !shared.is_stopping() {
            shared.activity.wait(Duration::from_millis(250));
        }
        let began = Instant::now();
        let after = snapshot(shared, reader);
        let spent = began.elapsed();
        if let (Some(before), Some(after)) = (&before, &after) {
            tell(shared, &before.changes(after));
        }
        before = after.or(before);
        std::thread::sleep(spent * SHARE);
    }
}

/// Answers wait for the head only as long as this takes.
fn snapshot(shared: &Shared, reader: &Reader) -> Option<Snapshot> {
    let taken = Snapshot::take(shared, reader, &read(&shared.active));
    taken.inspect_err(|e| tracing::debug!("news: {e}")).ok()
}

/// Whether nothing is under way whose effects are still to come.
fn is_quiet(shared: &Shared, reader: &Reader) -> store::Result<bool> {
    let roots = read(&shared.roots).clone();
    let online = roots.iter().filter(|root| shared.is_online(root.id));
    let scopes: Vec<Place> = online.map(|root| Place { root: root.id, path: "".into() }).collect();
    Ok(!scopes.iter().any(|scope| shared.activity.is_busy(scope.root)) && !reader.is_pending(&scopes)?)
}

fn tell(shared: &Shared, changes: &[(Change, &Known)]) {
    let news: Vec<&(Change, &Known)> = changes.iter().filter(|(change, _)| matches!(change, Change::New | Change::Grown)).collect();
    for (change, cluster) in &news {
        let (cluster, paths) = (cluster.id.clone(), cluster.paths.clone());
        shared.tell(if *change == Change::New { What::NewCluster { cluster, paths } } else { What::ClusterGrew { cluster, paths } });
    }
    if let Some((_, first)) = news.first().filter(|_| shared.live().notify_desktop) {
        let failed = bubble(news.len(), first).err();
        shared.set_problem("desktop", failed.map(|e| format!("no notifications: notify-send cannot be used: {e}")));
    }
}

/// Says it on the desktop, with what every desktop has for that.
fn bubble(count: usize, first: &Known) -> io::Result<()> {
    let title = if count == 1 { "A photo has copies".to_owned() } else { format!("{count} photos have copies") };
    let names: Vec<_> = first.paths.iter().filter_map(|path| Path::new(path).file_name()).map(|name| name.to_string_lossy()).collect();
    let mut child = Command::new("notify-send")
        .args(["--app-name=similard", "--", &title, &names.join(", ")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let began = Instant::now();
    while began.elapsed() < BUBBLE {
        if let Some(ended) = child.try_wait()? {
            return if ended.success() { Ok(()) } else { Err(io::Error::other(format!("it ended with {ended}"))) };
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    child.wait().map(drop)
}
