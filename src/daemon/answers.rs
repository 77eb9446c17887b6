//! The daemon's answers to the API, read from the store and the index.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use tokio::sync::{broadcast, oneshot};

use super::asking::Encoder;
use super::clustering::{self, Ground};
use super::intake::{Intakes, Refused};
use super::shared::{Shared, folder_id, lock, read, write};
use super::write::Write;
use super::{decisions, heads, tuning};
use crate::api::types::{
    ClusterChanges, Clusters, Comparison, DecisionCount, DecisionText, Event, Failures, FileFailure, FilePair, HeadInfo, Pairs, Progress,
    Reloaded, RootStatus, Selection, Similar, Status, TuningOrder, TuningState, Version,
};
use crate::api::{Problem, Service, text_of};
use crate::config::Settings;
use crate::intake::Volume;
use crate::likeness::REACH;
use crate::photo::{Coverage, PhotoId, Place, Relation, Root, RootId, Verdict, scopes_of};
use crate::store::{self, Reader, Wanted};
use crate::vision::apart;
use crate::vision::backbone::Runner;

pub struct Answers {
    shared: Arc<Shared>,
    intakes: Arc<Intakes>,
    writes: SyncSender<Write>,
    encoder: Mutex<Encoder>,
    figures: Mutex<HashMap<RootId, Figures>>,
}

/// What the store says of a root's files, as of a commit.
#[derive(Clone, Copy)]
struct Figures {
    commit: u64,
    is_online: bool,
    coverage: Coverage,
    photos: u64,
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        Problem::internal(error)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        match refused {
            Refused::Busy => Problem {
                status: StatusCode::SERVICE_UNAVAILABLE,
                code: "busy",
                message: refused.to_string(),
                hint: Some("try again in a moment".into()),
            },
            _ => Problem::internal(refused),
        }
    }
}

/// How long a root may take to come back.
const RETURN: Duration = Duration::from_secs(20);

impl Answers {
    pub fn new(shared: Arc<Shared>, intakes: Arc<Intakes>, writes: SyncSender<Write>, reader: apart::Reader, runner: Runner) -> Answers {
        let encoder = Mutex::new(Encoder { reader, runner, other: None });
        Answers { shared, intakes, writes, encoder, figures: Mutex::default() }
    }

    fn reader(&self) -> Result<Reader, Problem> {
        Ok(Reader::open(&self.shared.location)?)
    }

    /// What the paths mean; all roots when there are none.
    fn scopes(&self, paths: &[PathBuf]) -> Result<Vec<Place>, Problem> {
        let roots = read(&self.shared.roots);
        if paths.is_empty() {
            return Ok(roots.iter().map(|root| Place { root: root.id, path: PathBuf::new() }).collect());
        }
        let mut scopes = Vec::new();
        for path in paths {
            let meant = scopes_of(path, &roots);
            if meant.is_empty() {
                return Err(Problem {
                    status: StatusCode::NOT_FOUND,
                    code: "not-watched",
                    message: format!("{} is under no watched folder", path.display()),
                    hint: Some(format!("simctl roots add {}", path.display())),
                });
            }
            scopes.extend(meant);
        }
        scopes.sort_unstable();
        scopes.dedup();
        Ok(scopes)
    }

    fn is_online(&self, scope: &Place) -> bool {
        self.shared.is_online(scope.root)
    }

    fn coverage(&self, reader: &Reader, scopes: &[Place]) -> Result<Coverage, Problem> {
        let (online, offline): (Vec<Place>, Vec<Place>) = scopes.iter().cloned().partition(|s| self.is_online(s));
        let away = reader.coverage(&offline)?;
        Ok(Coverage { offline: away.indexed + away.pending + away.unsupported + away.failed, ..reader.coverage(&online)? })
    }

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = lock(&self.shared.problems).values().cloned().collect();
        let roots = read(&self.shared.roots).clone();
        let states = read(&self.shared.states);
        for root in &roots {
            let missing = states.get(&root.id).map_or(0, |state| state.missing.len());
            if missing > 0 {
                let path = root.path.display();
                problems.push(format!(
                    "{missing} files of {path} are gone at once and still listed; if they were deleted: simctl scan --forget {path}"
                ));
            }
        }
        problems
    }

    fn root_status(&self, reader: &Reader, root: &Root) -> Result<RootStatus, Problem> {
        let (figures, live) = (self.figures(reader, root)?, self.shared.live());
        let state = read(&self.shared.states).get(&root.id).cloned().unwrap_or_default();
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|d| d.as_secs());
        Ok(RootStatus {
            path: text_of(&root.path),
            state: if state.offline.is_none() { "online" } else { "offline" }.into(),
            offline: state.offline,
            volume: root.home.as_ref().map(|(volume, _)| volume.clone()),
            busy: self.shared.activity.is_busy(root.id),
            unwatched: state.unwatched,
            scanned_every: state.scanned_every.as_secs(),
            last_scan: state.last_scan.and_then(seconds),
            events: state.hints,
            times_lost: state.times_lost,
            missing: state.missing.len() as u64,
            away: state.away.len() as u64,
            excluded: live.rules.excluded().to_vec(),
            included: live.rules.included().to_vec(),
            photos: figures.photos,
            coverage: figures.coverage,
        })
    }

    /// Counted anew when something was committed since: counting 100,000 files takes a while.
    fn figures(&self, reader: &Reader, root: &Root) -> Result<Figures, Problem> {
        let (commit, is_online) = (self.shared.commits.load(Ordering::Relaxed), self.shared.is_online(root.id));
        if let Some(known) = lock(&self.figures).get(&root.id).filter(|f| (f.commit, f.is_online) == (commit, is_online)) {
            return Ok(*known);
        }
        let coverage = self.coverage(reader, &[Place { root: root.id, path: PathBuf::new() }])?;
        let figures = Figures { commit, is_online, coverage, photos: reader.count_photos(root.id)? };
        lock(&self.figures).insert(root.id, figures);
        Ok(figures)
    }

    fn file_pair(&self, distance: f32, x: &Place, y: &Place, relation: Relation) -> FilePair {
        let offline = !self.shared.is_here(x) || !self.shared.is_here(y);
        let (x, y) = (text_of(&self.shared.shown_path(x)), text_of(&self.shared.shown_path(y)));
        let (a, b) = if x.path <= y.path { (x, y) } else { (y, x) };
        FilePair { distance, a, b, relation, offline }
    }

    /// Whether a path is that of an offline root whose filesystem is mounted elsewhere now, which is
    /// taken up then.
    fn is_a_root_come_back(&self, path: &Path) -> Result<bool, Problem> {
        let Some(here) = Volume::of(path) else { return Ok(false) };
        let is_it = |root: &Root| {
            !self.shared.is_online(root.id)
                && root.home.as_ref().is_some_and(|(volume, inner)| *volume == here.id && here.inner.starts_with(inner))
        };
        let roots = read(&self.shared.roots).clone();
        let Some(root) = roots.into_iter().find(|root| is_it(root)) else { return Ok(false) };
        self.intakes.start(root)?;
        let deadline = Instant::now() + RETURN;
        while self.shared.root_of(path).is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(self.shared.root_of(path).is_some())
    }

    /// Has the writer do something and waits for it.
    fn written<T>(&self, write: impl FnOnce(oneshot::Sender<store::Result<T>>) -> Write) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        let ending = || Problem::internal("the daemon is ending");
        self.writes.send(write(reply)).map_err(|_| ending())?;
        Ok(answer.blocking_recv().map_err(|_| ending())??)
    }
}

impl Service for Answers {
    fn version(&self) -> Version {
        self.shared.version.clone()
    }

    fn status(&self) -> Result<Status, Problem> {
        let reader = self.reader()?;
        let roots = read(&self.shared.roots).clone();
        let roots = roots.iter().map(|root| self.root_status(&reader, root)).collect::<Result<Vec<_>, _>>()?;
        let coverage = roots.iter().map(|root| root.coverage).sum::<Coverage>();
        let activity = match (coverage.pending, roots.iter().any(|root| root.busy)) {
            (0, false) => "idle".to_owned(),
            (0, true) => "scanning".to_owned(),
            (pending, _) => format!("reading, {pending} to go"),
        };
        // Before the head is held: whoever starts a tuning takes them in this order, too.
        let tuning = self.shared.tuning.state().progress;
        let active = read(&self.shared.active);
        Ok(Status {
            version: self.version(),
            data_dir: self.shared.settings.data_dir.display().to_string(),
            activity,
            problems: self.problems(),
            unfenced: self.shared.unfenced(),
            head: active.head.name().to_owned(),
            threshold: active.threshold,
            reach: REACH,
            roots,
            photos: active.index.len() as u64,
            decisions: read(&self.shared.decisions).len() as u64,
            tuning,
            coverage,
            counters: reader.counters()?,
        })
    }

    fn roots(&self) -> Result<Vec<RootStatus>, Problem> {
        let reader = self.reader()?;
        let roots = read(&self.shared.roots).clone();
        roots.iter().map(|root| self.root_status(&reader, root)).collect()
    }

    fn add_root(&self, path: &Path) -> Result<(), Problem> {
        let refused = |e: std::io::Error| Problem::bad_request("no-folder", format!("{} cannot be watched: {e}", path.display()));
        let real = std::fs::canonicalize(path).map_err(refused)?;
        if !real.is_dir() {
            return Err(refused(std::io::ErrorKind::NotADirectory.into()));
        }
        if let Some(root) = self.shared.root_of(&real)
            && real.strip_prefix(&root.path).is_ok_and(|below| !self.shared.live().rules.hide(below))
        {
            // Known, but perhaps its folder came back, was replaced, or tells nothing of its changes.
            let state = read(&self.shared.states).get(&root.id).cloned();
            let is_current = state.as_ref().is_none_or(|state| state.folder == folder_id(&root.path));
            let is_watched = state.is_some_and(|state| state.unwatched.is_none());
            let is_under_way = self.shared.activity.is_busy(root.id);
            return if is_current && (is_watched || is_under_way) { Ok(()) } else { Ok(self.intakes.start(root)?) };
        }
        if self.is_a_root_come_back(&real)? {
            return Ok(());
        }
        let before = read(&self.shared.roots).clone();
        let root = self.written(|reply| Write::AddRoot(real, reply))?;
        let after = read(&self.shared.roots).clone();
        for absorbed in before.into_iter().filter(|root| !after.iter().any(|kept| kept.id == root.id)) {
            self.intakes.forget(absorbed)?;
        }
        Ok(self.intakes.start(root)?)
    }

    fn remove_root(&self, path: &Path) -> Result<(), Problem> {
        let root = read(&self.shared.roots).iter().find(|root| root.path == path).cloned();
        let Some(root) = root else {
            let known: Vec<String> = read(&self.shared.roots).iter().map(|r| r.path.display().to_string()).collect();
            return Err(Problem {
                status: StatusCode::NOT_FOUND,
                code: "no-root",
                message: format!("{} is not a watched folder", path.display()),
                hint: Some(format!("watched: {}", known.join(", "))),
            });
        };
        self.intakes.forget(root.clone())?;
        self.written(|reply| Write::RemoveRoot(root, reply))
    }

    fn reload(&self) -> Result<Reloaded, Problem> {
        let refused = |e| Problem::bad_request("settings", format!("{e}")).hint("the daemon goes on with the settings it has");
        let (before, now) = (&self.shared.settings, Settings::load(&self.shared.settings.overrides).map_err(refused)?);
        let had = std::mem::replace(&mut *write(&self.shared.live), now.live.clone());
        if had.rules != now.live.rules {
            let roots = read(&self.shared.roots).clone();
            roots.into_iter().try_for_each(|root| self.intakes.start(root))?;
        }
        self.shared.news.raise();
        Ok(Reloaded {
            config: now.config.display().to_string(),
            changed: had != now.live,
            needs_restart: (before.workers, before.limits) != (now.workers, now.limits),
        })
    }

    fn scan(&self, paths: &[PathBuf], forget: bool) -> Result<(), Problem> {
        for scope in self.scopes(paths)? {
            let root = read(&self.shared.roots).iter().find(|root| root.id == scope.root).cloned();
            if let Some(root) = root {
                self.intakes.scan(root, scope, forget)?;
            }
        }
        Ok(())
    }

    fn wait(&self, paths: &[PathBuf], timeout: Duration) -> Result<Progress, Problem> {
        let deadline = Instant::now() + timeout;
        let reader = self.reader()?;
        loop {
            let scopes = self.scopes(paths)?;
            let online: Vec<Place> = scopes.iter().filter(|s| self.is_online(s)).cloned().collect();
            lock(&self.shared.wanted).extend(online.iter().map(|scope| (scope.clone(), Instant::now())));
            let is_new = |root| !read(&self.shared.states).contains_key(&root);
            let is_busy = |root| is_new(root) || self.shared.activity.is_busy(root);
            let settled = !online.iter().any(|s| is_busy(s.root)) && !reader.is_pending(&online)?;
            let left = deadline.saturating_duration_since(Instant::now());
            if settled || left.is_zero() || self.shared.is_stopping() {
                return Ok(Progress { settled, coverage: self.coverage(&reader, &scopes)?, problems: self.problems() });
            }
            self.shared.activity.wait(left.min(Duration::from_millis(250)));
        }
    }

    fn clusters(&self, selection: &Selection) -> Result<Clusters, Problem> {
        let reader = self.reader()?;
        let asked = self.scopes(&selection.paths)?;
        let scopes = if selection.everywhere { self.scopes(&[])? } else { asked.clone() };
        // Held to the end, so that all of an answer is of one head.
        let active = read(&self.shared.active);
        let threshold = within_reach(selection.threshold.unwrap_or(active.threshold), "threshold")?;
        let decisions = read(&self.shared.decisions);
        let ground = Ground { reader: &reader, active: &active, decisions: &decisions, shared: &self.shared };
        let mut clusters = clustering::clusters(&ground, &scopes, threshold, &selection.relations)?;
        if selection.everywhere {
            let asked: HashSet<PhotoId> = reader.photos(&asked, Wanted::All)?.into_keys().collect();
            clusters.retain(|cluster| cluster.photos.iter().any(|(photo, _)| asked.contains(photo)));
        }
        let clusters = clusters.into_iter().map(Into::into).collect();
        let head = active.head.name().to_owned();
        Ok(Clusters { version: 1, threshold, head, clusters, coverage: self.coverage(&reader, &asked)? })
    }

    fn pairs(&self, selection: &Selection) -> Result<Pairs, Problem> {
        let reader = self.reader()?;
        let scopes = self.scopes(&selection.paths)?;
        let active = read(&self.shared.active);
        let up_to = within_reach(selection.threshold.unwrap_or(active.threshold), "max_distance")?;
        let mut near = if clustering::shows_near(&selection.relations) { reader.pairs(active.number, up_to)? } else { Vec::new() };
        if selection.threshold.is_none() {
            near.retain(|p| clustering::counts(p, up_to, &active.index));
        }
        let named: HashSet<PhotoId> = near.iter().flat_map(|p| [p.a, p.b]).collect();
        let photos = reader.photos(&scopes, Wanted::TheseAndSeveral(&named))?;
        let decisions = read(&self.shared.decisions);
        let mut pairs = Vec::new();
        if clustering::shows(&selection.relations, Relation::Identical) {
            for photo in photos.values() {
                let first = &photo.files[0].place;
                pairs.extend(photo.files[1..].iter().map(|other| self.file_pair(0.0, first, &other.place, Relation::Identical)));
            }
        }
        for pair in near {
            let (Some(a), Some(b)) = (photos.get(&pair.a), photos.get(&pair.b)) else { continue };
            let Some(relation) = clustering::related(&decisions, a, b) else { continue };
            if clustering::shows(&selection.relations, relation) {
                pairs.push(self.file_pair(pair.distance, &a.files[0].place, &b.files[0].place, relation));
            }
        }
        pairs.sort_by(|x, y| x.distance.total_cmp(&y.distance).then_with(|| (&x.a.path, &x.b.path).cmp(&(&y.a.path, &y.b.path))));
        Ok(Pairs { head: active.head.name().to_owned(), pairs, coverage: self.coverage(&reader, &scopes)? })
    }

    fn similar(&self, bytes: &[u8], count: usize, head: Option<&str>) -> Result<Similar, Problem> {
        let (reader, scopes) = (self.reader()?, self.scopes(&[])?);
        lock(&self.encoder).similar(&self.shared, &reader, &scopes, bytes, count, head)
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Result<Comparison, Problem> {
        lock(&self.encoder).compare(&self.shared, a, b)
    }

    fn decide(&self, paths: &[PathBuf], verdict: Option<Verdict>) -> Result<DecisionCount, Problem> {
        decisions::decide(&self.shared, &self.writes, &self.reader()?, paths, verdict)
    }

    fn decisions(&self) -> Vec<DecisionText> {
        decisions::list(&self.shared)
    }

    fn import(&self, decisions: Vec<DecisionText>) -> Result<DecisionCount, Problem> {
        decisions::import(&self.shared, &self.writes, &decisions)
    }

    fn heads(&self) -> Vec<HeadInfo> {
        heads::list(&self.shared)
    }

    fn use_head(&self, name: &str, only_try: bool) -> Result<ClusterChanges, Problem> {
        Ok(heads::switch(&self.shared, &self.writes, name, if only_try { heads::Switch::Try } else { heads::Switch::Take })?)
    }

    fn remove_head(&self, name: &str) -> Result<(), Problem> {
        Ok(heads::remove(&self.shared, &self.writes, name)?)
    }

    fn tune(&self, name: Option<String>, positives: String, minutes: Option<u64>, photos: Option<usize>) -> Result<TuningOrder, Problem> {
        let order = tuning::order(&self.shared, name, positives, minutes, photos);
        tuning::start(&self.shared, &self.writes, order)
    }

    fn tuning(&self) -> TuningState {
        self.shared.tuning.state()
    }

    fn stop_tuning(&self) -> Result<(), Problem> {
        self.shared.tuning.stop()
    }

    fn failures(&self, paths: &[PathBuf]) -> Result<Failures, Problem> {
        let failures = self.reader()?.failures(&self.scopes(paths)?)?;
        let failures = failures.into_iter().filter_map(|f| {
            Some(FileFailure { path: text_of(&self.shared.path_of(&f.place)?), stage: f.failure.stage, reason: f.failure.reason })
        });
        Ok(Failures { failures: failures.collect() })
    }

    fn events(&self, after: Option<u64>) -> (Vec<Event>, broadcast::Receiver<Event>) {
        self.shared.listen(after)
    }

    fn stop(&self) {
        self.shared.stop();
    }
}

/// By path, so that an answer does not depend on what was seen first.
fn within_reach(distance: f32, name: &str) -> Result<f32, Problem> {
    if distance <= REACH {
        return Ok(distance);
    }
    Err(Problem::bad_request("beyond-reach", format!("{name}={distance} is beyond {REACH}, up to which pairs are kept"))
        .hint("similar finds photos at any distance"))
}
