//! The daemon's answers to the API, read from the store and the index.

use std::collections::{HashMap, HashSet};
use std::iter::once;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{broadcast, oneshot};

use super::asking::Encoder;
use super::clustering::{self, Ground, Rank};
use super::intake::{Intakes, Refused};
use super::service_manager::is_there as is_supervised;
use super::shared::{RootState, Shared, folder_id, lock, read, write};
use super::write::Write;
use super::{decisions, heads, pairing, tuning};
use crate::api::types::{
    Begin, Cluster, ClusterChanges, Comparison, DecisionCount, DecisionText, End, Event, Failures, FenceStatus, FileFailure, FilePair,
    HeadInfo, Line, Progress, Reloaded, RootStatus, Selection, Similar, Status, TuningOrder, TuningState, Version,
};
use crate::api::{Code, Problem, Service, Take, text_of};
use crate::config::Settings;
use crate::intake::Volume;
use crate::likeness::REACH;
use crate::photo::{Coverage, PhotoId, Place, Root, RootId, Verdict, scopes_of};
use crate::store::{self, Reader, Wanted};
use crate::sys::View;
use crate::sys::mounts::Mounts;

pub struct Answers {
    shared: Arc<Shared>,
    intakes: Arc<Intakes>,
    writes: SyncSender<Write>,
    encoder: Mutex<Encoder>,
    figures: Mutex<HashMap<RootId, Figures>>,
}

/// The store as of a commit, or of a later one.
struct AsOf {
    commit: u64,
    reader: Reader,
}

impl Deref for AsOf {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
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
            Refused::Busy => Problem::new(Code::Busy, refused.to_string()).hint("try again in a moment"),
            _ => Problem::internal(refused),
        }
    }
}

/// How long a root may take to come back.
const RETURN: Duration = Duration::from_secs(20);

impl Answers {
    pub fn new(shared: Arc<Shared>, intakes: Arc<Intakes>, writes: SyncSender<Write>, encoder: Encoder) -> Answers {
        Answers { shared, intakes, writes, encoder: Mutex::new(encoder), figures: Mutex::default() }
    }

    fn reader(&self) -> Result<AsOf, Problem> {
        // Before anything is read: what is kept as of this commit is never older.
        let commit = self.shared.commits.load(Ordering::Relaxed);
        Ok(AsOf { commit, reader: Reader::open(&self.shared.location)? })
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
                return Err(Problem::new(Code::NotWatched, format!("{} is under no watched folder", path.display()))
                    .hint(format!("simctl roots add {}", path.display())));
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

    fn coverage(&self, reader: &AsOf, scopes: &[Place]) -> Result<Coverage, Problem> {
        if let [Place { root, path }] = scopes
            && path.as_os_str().is_empty()
        {
            return Ok(self.figures(reader, *root)?.coverage);
        }
        self.counted(reader, scopes)
    }

    fn counted(&self, reader: &Reader, scopes: &[Place]) -> Result<Coverage, Problem> {
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

    fn root_status(&self, reader: &AsOf, root: &Root) -> Result<RootStatus, Problem> {
        let (figures, live) = (self.figures(reader, root.id)?, self.shared.live());
        let states = read(&self.shared.states);
        let unseen = RootState::default();
        let state = states.get(&root.id).unwrap_or(&unseen);
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|d| d.as_secs());
        Ok(RootStatus {
            path: text_of(&root.path),
            state: if state.offline.is_none() { "online" } else { "offline" }.into(),
            offline: state.offline.clone(),
            volume: root.home.as_ref().map(|(volume, _)| volume.clone()),
            busy: self.shared.activity.is_busy(root.id),
            unwatched: state.unwatched.clone(),
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
    fn figures(&self, reader: &AsOf, root: RootId) -> Result<Figures, Problem> {
        let (commit, is_online) = (reader.commit, self.shared.is_online(root));
        if let Some(known) = lock(&self.figures).get(&root).filter(|f| (f.commit, f.is_online) == (commit, is_online)) {
            return Ok(*known);
        }
        let coverage = self.counted(reader, &[Place { root, path: PathBuf::new() }])?;
        let figures = Figures { commit, is_online, coverage, photos: reader.count_photos(root)? };
        lock(&self.figures).insert(root, figures);
        Ok(figures)
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

    fn compare_views(&self, views: &[View]) -> Result<(), Problem> {
        let (mounts, rules) = (Mounts::now(), self.shared.live().rules);
        for theirs in views {
            let root = self.shared.root_of(&theirs.path).map_or_else(|| theirs.path.clone(), |root| root.path);
            let is_hidden = |point: &Path| point.strip_prefix(&root).is_ok_and(|below| rules.hide(below));
            let why = match View::of(&theirs.path, &mounts) {
                Ok(ours) => theirs.difference(&ours, is_hidden),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Some("sees nothing there".into()),
                Err(e) => Some(format!("cannot look there ({e})")),
            };
            if let Some(why) = why {
                let restart = if is_supervised() { "systemctl --user restart similard" } else { "simctl daemon --replace" };
                return Err(Problem::new(
                    Code::OtherView,
                    format!("{} is not answered: the daemon (process {}) {why}", theirs.path.display(), std::process::id()),
                )
                .hint(format!("start one that sees what you see: {restart}")));
            }
        }
        Ok(())
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
            fence: FenceStatus {
                landlock: self.shared.fence.landlock,
                seccomp: self.shared.fence.seccomp,
                missing: self.shared.fence.missing.clone(),
            },
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
        let refused = |e: std::io::Error| Problem::new(Code::NoFolder, format!("{} cannot be watched: {e}", path.display()));
        let real = std::fs::canonicalize(path).map_err(refused)?;
        if !real.is_dir() {
            return Err(refused(std::io::ErrorKind::NotADirectory.into()));
        }
        if let Some(root) = self.shared.root_of(&real)
            && real.strip_prefix(&root.path).is_ok_and(|below| !self.shared.live().rules.hide(below))
        {
            // Known, but perhaps its folder came back, was replaced, or tells nothing of its changes.
            let known = read(&self.shared.states).get(&root.id).map(|state| (state.folder, state.unwatched.is_none()));
            let is_current = known.is_none_or(|(folder, _)| folder == folder_id(&root.path));
            let is_watched = known.is_some_and(|(_, is_watched)| is_watched);
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
            return Err(Problem::new(Code::NoRoot, format!("{} is not a watched folder", path.display()))
                .hint(format!("watched: {}", known.join(", "))));
        };
        self.intakes.forget(root.clone())?;
        self.written(|reply| Write::RemoveRoot(root, reply))
    }

    fn reload(&self) -> Result<Reloaded, Problem> {
        let refused = |e| Problem::new(Code::Settings, format!("{e}")).hint("the daemon goes on with the settings it has");
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
                // As of now, and not of when the waiting began.
                return Ok(Progress { settled, coverage: self.coverage(&self.reader()?, &scopes)?, problems: self.problems() });
            }
            self.shared.activity.wait(left.min(Duration::from_millis(250)));
        }
    }

    fn clusters(&self, selection: &Selection, take: Take<'_, Cluster>) -> Result<(), Problem> {
        let reader = self.reader()?;
        let _held = reader.hold()?;
        let asked = self.scopes(&selection.paths)?;
        let scopes = if selection.everywhere { self.scopes(&[])? } else { asked.clone() };
        // Held until the answer is made, so that all of it is of one head.
        let active = read(&self.shared.active);
        let threshold = within_reach(selection.threshold.unwrap_or(active.threshold), "threshold")?;
        let after = selection.after.as_deref().map(|text| text.parse::<Rank>().map_err(|()| no_key(text))).transpose()?;
        let decisions = read(&self.shared.decisions).clone();
        let ground = Ground { reader: &reader, active: &active, decisions: &decisions, shared: &self.shared };
        let mut clustering = clustering::clusters(&ground, &scopes, threshold, &selection.relations)?;
        if selection.everywhere {
            let asked: HashSet<PhotoId> = reader.photos(&asked, Wanted::All)?.into_keys().collect();
            clustering.found.retain(|found| found.members.iter().any(|photo| asked.contains(photo)));
        }
        let begin = Begin { version: 1, threshold, head: active.head.name().to_owned() };
        drop(active);
        let found = &clustering.found[after.map_or(0, |after| clustering.found.partition_point(|found| found.rank >= after))..];
        let shown = &found[..selection.limit.unwrap_or(usize::MAX).min(found.len())];
        let lines = shown.iter().map(|found| Line::Item(clustering.answer(found, &self.shared)));
        if once(Line::Begin { begin }).chain(lines).try_for_each(&mut *take).is_break() {
            return Ok(());
        }
        let next = shown.last().filter(|_| shown.len() < found.len()).map(|last| last.rank.to_string());
        let _ = take(Line::End { end: End { coverage: self.coverage(&reader, &asked)?, next } });
        Ok(())
    }

    fn pairs(&self, selection: &Selection, take: Take<'_, FilePair>) -> Result<(), Problem> {
        let reader = self.reader()?;
        let _held = reader.hold()?;
        let scopes = self.scopes(&selection.paths)?;
        let active = read(&self.shared.active);
        let up_to = within_reach(selection.threshold.unwrap_or(active.threshold), "max_distance")?;
        let after = selection.after.as_deref().map(|key| pairing::named(key).ok_or_else(|| no_key(key))).transpose()?;
        let decisions = read(&self.shared.decisions).clone();
        let ground = Ground { reader: &reader, active: &active, decisions: &decisions, shared: &self.shared };
        let pairs = pairing::pairs(&ground, &scopes, up_to, selection.threshold.is_none(), &selection.relations)?;
        let begin = Begin { version: 1, threshold: up_to, head: active.head.name().to_owned() };
        drop(active);
        let pairs = &pairs[after.map_or(0, |after| pairs.partition_point(|pair| pairing::order(pair, &after).is_le()))..];
        let shown = &pairs[..selection.limit.unwrap_or(usize::MAX).min(pairs.len())];
        let lines = shown.iter().map(|pair| Line::Item(pair.clone()));
        if once(Line::Begin { begin }).chain(lines).try_for_each(&mut *take).is_break() {
            return Ok(());
        }
        let next = shown.last().filter(|_| shown.len() < pairs.len()).map(pairing::key);
        let _ = take(Line::End { end: End { coverage: self.coverage(&reader, &scopes)?, next } });
        Ok(())
    }

    fn similar(&self, bytes: &[u8], count: usize, head: Option<&str>) -> Result<Similar, Problem> {
        let (reader, scopes) = (self.reader()?, self.scopes(&[])?);
        lock(&self.encoder).similar(&self.shared, &reader, &scopes, bytes, count, head)
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Result<Comparison, Problem> {
        lock(&self.encoder).compare(&self.shared, a, b)
    }

    fn decide(&self, paths: &[PathBuf], verdict: Option<Verdict>) -> Result<DecisionCount, Problem> {
        let reader = self.reader()?;
        decisions::decide(&self.shared, &self.writes, &reader, paths, verdict)
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

fn within_reach(distance: f32, name: &str) -> Result<f32, Problem> {
    if distance <= REACH {
        return Ok(distance);
    }
    Err(Problem::new(Code::BeyondReach, format!("{name}={distance} is beyond {REACH}, up to which pairs are kept"))
        .hint("similar finds photos at any distance"))
}

fn no_key(text: &str) -> Problem {
    Problem::new(Code::Key, format!("after={text} is none of this list's keys")).hint("an answer's `next` is one")
}
