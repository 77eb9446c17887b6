//! The notifier: once it is quiet, reports photos with new versions as events and desktop notifications.

use std::io;
use std::process::{Command, Stdio};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use super::state::events::EventKind;
use super::state::{Configuration, Events, Heads, Health, Lifecycle, Part, Queue, SharedRoots, Signal, read};
use crate::catalog::Context;
use crate::catalog::changes::{Snapshot, SnapshotCluster};
use crate::photo::{ClusterChangeKind, Decisions};
use crate::store::Reader;

/// The longest wait for quiet.
const NOTIFY_MAX_DELAY: Duration = Duration::from_secs(30);

/// After a comparison the notifier sleeps for this many times its duration.
const REST_FACTOR: u32 = 20;

/// How long `notify-send` may take.
const DESKTOP_TIMEOUT: Duration = Duration::from_secs(5);

pub struct Notifier {
    pub configuration: Arc<Configuration>,
    pub roots: Arc<SharedRoots>,
    pub heads: Arc<Heads>,
    pub decisions: Arc<RwLock<Decisions>>,
    pub events: Arc<Events>,
    pub queue: Arc<Queue>,
    pub health: Arc<Health>,
    pub lifecycle: Arc<Lifecycle>,
    pub notify: Arc<Signal>,
    pub reader: Reader,
}

impl Notifier {
    /// Runs until the daemon stops. It compares clusters only while somebody listens or desktop notifications are on.
    pub fn run(&self) {
        let mut before: Option<Snapshot> = None;
        while !self.lifecycle.is_stopping() {
            if !self.events.is_listened_to() && !self.configuration.reloadable().notify_desktop {
                before = None;
            } else if before.is_none() {
                // Taken at once, so that versions that arrive during the wait for quiet are reported.
                before = self.snapshot();
            }
            self.notify.wait(Duration::from_secs(3600));
            if before.is_none() {
                continue;
            }
            let began = Instant::now();
            while began.elapsed() < NOTIFY_MAX_DELAY && !self.is_quiet() && !self.lifecycle.is_stopping() {
                self.queue.activity.wait(Duration::from_millis(250));
            }
            let began = Instant::now();
            let after = self.snapshot();
            let spent = began.elapsed();
            if let (Some(before), Some(after)) = (&before, &after) {
                self.emit(&before.changes(after));
            }
            before = after.or(before);
            std::thread::sleep(spent * REST_FACTOR);
        }
    }

    fn snapshot(&self) -> Option<Snapshot> {
        let (roots, decisions) = (self.roots.now(), read(&self.decisions).clone());
        let (versions, generation) = (read(&self.heads.versions).clone(), self.heads.active.now());
        let context =
            Context { reader: &self.reader, generation: &generation, versions: &versions.model, decisions: &decisions, roots: &roots };
        Snapshot::take(&context).inspect_err(|e| tracing::debug!("notifier: {e}")).ok()
    }

    /// Returns whether no work is under way that may change clusters.
    fn is_quiet(&self) -> bool {
        self.queue.is_settled(&self.reader, &self.roots.now().online_scopes()).unwrap_or(false)
    }

    fn emit(&self, changes: &[(ClusterChangeKind, &SnapshotCluster)]) {
        let is_news = |change: ClusterChangeKind| matches!(change, ClusterChangeKind::New | ClusterChangeKind::Grown);
        let news: Vec<&(ClusterChangeKind, &SnapshotCluster)> = changes.iter().filter(|(change, _)| is_news(*change)).collect();
        for (change, cluster) in &news {
            let (cluster, paths) = (cluster.id.clone(), cluster.paths.clone());
            self.events.emit(if *change == ClusterChangeKind::New {
                EventKind::NewCluster { cluster, paths }
            } else {
                EventKind::ClusterGrew { cluster, paths }
            });
        }
        if let Some((_, first)) = news.first().filter(|_| self.configuration.reloadable().notify_desktop) {
            let failed = show_on_desktop(news.len(), first).err();
            self.health.set_problem(Part::Desktop, failed.map(|e| format!("no notifications: notify-send cannot be used: {e}")));
        }
    }
}

/// Shows a notification with `notify-send`, which is common on Linux desktops.
fn show_on_desktop(count: usize, first: &SnapshotCluster) -> io::Result<()> {
    let title = if count == 1 { "A photo has new versions".to_owned() } else { format!("{count} photos have new versions") };
    let names: Vec<_> = first.paths.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy()).collect();
    let mut child = Command::new("notify-send")
        .args(["--app-name=similard", "--", &title, &names.join(", ")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let began = Instant::now();
    while began.elapsed() < DESKTOP_TIMEOUT {
        if let Some(ended) = child.try_wait()? {
            return if ended.success() { Ok(()) } else { Err(io::Error::other(format!("it ended with {ended}"))) };
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    child.wait().map(drop)
}
