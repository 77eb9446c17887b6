//! What the daemon's threads share.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, broadcast};

use super::fence::Fence;
use super::heads::Active;
use super::pulse::Pulses;
use super::tally::Tally;
use super::tuning::Tuning;
use crate::api::text_of;
use crate::api::types::{Event, Version, What};
use crate::config::{Live, Settings, own_program};
use crate::photo::{Decisions, PictureHash, Place, Root, RootId};
use crate::store::{self, HeadRecord, Location};
use crate::vision::apart;
use crate::vision::backbone::Backbone;

/// Events kept for a listener that is slow.
const EVENTS: usize = 1024;

/// Device, inode, and time of making (inodes are used again), of a folder.
pub type FolderId = (u64, u64, Option<SystemTime>);

pub fn folder_id(path: &Path) -> Option<FolderId> {
    fs::metadata(path).ok().filter(fs::Metadata::is_dir).map(|m| (m.dev(), m.ino(), m.created().ok()))
}

/// A thread that panicked while it held a lock left consistent data: every change under one is a
/// single insertion or removal.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// What is known of a root beside its files.
#[derive(Clone, Debug, Default)]
pub struct RootState {
    /// The folder that was watched and scanned; `None` when it was away.
    pub folder: Option<FolderId>,
    /// Why it is offline.
    pub offline: Option<String>,
    /// Why its changes are not all noticed by themselves, so that it is scanned now and then.
    pub unwatched: Option<String>,
    /// Until the next scan without a reason.
    pub scanned_every: Duration,
    pub last_scan: Option<SystemTime>,
    /// Events that came from the watch.
    pub hints: u64,
    /// How often events were lost, so that everything was looked at again.
    pub times_lost: u64,
    /// Files, by their paths below the root, that are gone, but so many at once that a person must say so.
    pub missing: HashSet<PathBuf>,
    /// Files on a filesystem that was mounted in this root and is not.
    pub away: HashSet<PathBuf>,
    /// It is offline because its disk did not answer; when that is asked again, and how often it was silent.
    pub silent_until: Option<Instant>,
    pub silences: u32,
}

/// What the store knew when the daemon started.
pub struct Known {
    pub roots: Vec<Root>,
    pub heads: Vec<HeadRecord>,
    pub decisions: Decisions,
}

pub struct Shared {
    pub version: Version,
    /// As they were when the daemon started.
    pub settings: Settings,
    /// Those of them that change while it runs.
    pub live: RwLock<Live>,
    pub location: Location,
    /// Names the weights that the daemon runs: heads are for them.
    pub backbone: String,
    /// Names these and how parts are taken: what is stored of photos is for it.
    pub recipe: String,
    pub roots: RwLock<Vec<Root>>,
    /// How each root was when it was last looked at. A root that is not here yet never was.
    pub states: RwLock<HashMap<RootId, RootState>>,
    /// What clients wait for, and when they last asked: it is read first.
    pub wanted: Mutex<HashMap<Place, Instant>>,
    /// The head that answers, with its embeddings.
    pub active: RwLock<Active>,
    /// One head takes over at a time.
    pub switching: Mutex<()>,
    /// All heads that were tuned.
    pub heads: RwLock<Vec<HeadRecord>>,
    pub decisions: RwLock<Decisions>,
    pub tuning: Tuning,
    pub activity: Arc<Activity>,
    pub in_flight: Mutex<InFlight>,
    /// Counts up as long as the writer gets on.
    pub beats: AtomicU64,
    /// Counts what was committed: what was read of the store before is old then.
    pub commits: AtomicU64,
    /// Wakes feed: something may be pending.
    pub pending: Signal,
    pub pulses: Pulses,
    /// What the daemon gave up.
    pub fence: Fence,
    /// The fences that do not hold around the decoding children, once that was asked.
    unfenced: OnceLock<Vec<String>>,
    /// Wakes news: clusters may be others now, or somebody wants to know.
    pub news: Signal,
    /// What keeps which part from its work.
    pub problems: Mutex<BTreeMap<&'static str, String>>,
    /// For the log.
    pub tally: Tally,
    pub stopping: AtomicBool,
    pub starts_again: AtomicBool,
    pub stopped: Notify,
    events: broadcast::Sender<Event>,
    /// The last events, for listeners that come back.
    history: Mutex<VecDeque<Event>>,
}

impl Shared {
    pub fn new(settings: Settings, location: Location, backbone: &Backbone, known: Known, active: Active, fence: Fence) -> Shared {
        Shared {
            version: super::own_version(),
            live: RwLock::new(settings.live.clone()),
            settings,
            location,
            backbone: backbone.name().to_owned(),
            recipe: backbone.recipe(),
            roots: RwLock::new(known.roots),
            states: RwLock::default(),
            wanted: Mutex::default(),
            active: RwLock::new(active),
            switching: Mutex::default(),
            heads: RwLock::new(known.heads),
            decisions: RwLock::new(known.decisions),
            tuning: Tuning::default(),
            activity: Arc::default(),
            in_flight: Mutex::default(),
            beats: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            pending: Signal::default(),
            pulses: Pulses::default(),
            fence,
            unfenced: OnceLock::new(),
            news: Signal::default(),
            problems: Mutex::default(),
            tally: Tally::default(),
            stopping: AtomicBool::new(false),
            starts_again: AtomicBool::new(false),
            stopped: Notify::new(),
            events: broadcast::channel(EVENTS).0,
            history: Mutex::default(),
        }
    }

    pub fn live(&self) -> Live {
        read(&self.live).clone()
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.pending.raise();
        self.news.raise();
        self.tuning.wake();
        self.stopped.notify_one();
    }

    /// Ends the daemon, to start again with a new index, when this one turned out to be damaged.
    pub fn examine_index(&self) {
        if store::damage::is_noticed() && !self.is_stopping() {
            tracing::error!("the index is damaged; the daemon starts again and makes a new one");
            match store::damage::suspect(&self.location) {
                Ok(()) => self.starts_again.store(true, Ordering::Relaxed),
                Err(e) => return self.set_problem("store", Some(format!("the index is damaged, and cannot be set aside: {e}"))),
            }
            self.stop();
        }
    }

    pub fn tell(&self, what: What) {
        self.tally.hear(&what);
        let is_of_a_file = matches!(what, What::Added(_) | What::Changed(_) | What::Moved { .. } | What::Gone(_));
        if is_of_a_file || matches!(what, What::Decided { .. } | What::HeadChanged { .. }) {
            self.news.raise();
        }
        let mut history = lock(&self.history);
        let event = Event { id: history.back().map_or(1, |last| last.id + 1), what };
        history.push_back(event.clone());
        if history.len() > EVENTS {
            history.pop_front();
        }
        // Nobody listening is fine. Under the lock, so that who comes now misses none and hears none twice.
        let _ = self.events.send(event);
    }

    /// Events from now on, after those that came since the one of number `after`, as far as they are kept.
    pub fn listen(&self, after: Option<u64>) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let history = lock(&self.history);
        let listener = self.events.subscribe();
        let mut missed: Vec<Event> = after.map_or_else(Vec::new, |after| history.iter().filter(|e| e.id > after).cloned().collect());
        if let (Some(after), Some(oldest)) = (after, history.front()) {
            let lost = oldest.id.saturating_sub(after + 1);
            if lost > 0 {
                missed.insert(0, Event { id: after + lost, what: What::Missed { count: lost } });
            }
        }
        drop(history);
        self.news.raise();
        (missed, listener)
    }

    pub fn is_listened_to(&self) -> bool {
        self.events.receiver_count() > 0
    }

    /// Records, or with `None` clears, what keeps `part` from its work.
    pub fn set_problem(&self, part: &'static str, problem: Option<String>) {
        let mut problems = lock(&self.problems);
        let changed = problems.get(part) != problem.as_ref();
        match problem {
            Some(problem) => {
                if changed {
                    tracing::warn!("{part}: {problem}");
                }
                problems.insert(part, problem);
            }
            None => {
                problems.remove(part);
            }
        }
    }

    /// Which fences are missing around the children that decode, each with why. The first time it asks a child of its own.
    pub fn unfenced(&self) -> Vec<String> {
        if let Some(known) = self.unfenced.get() {
            return known.clone();
        }
        match own_program().and_then(|program| apart::Reader::new(program, self.settings.limits).unfenced()) {
            Ok(missing) => self.unfenced.get_or_init(|| missing).clone(),
            Err(e) => vec![format!("any fence that is known of (the decoding child does not start: {e})")],
        }
    }

    pub fn root_of(&self, path: &Path) -> Option<Root> {
        let roots = read(&self.roots);
        roots.iter().filter(|root| path.starts_with(&root.path)).max_by_key(|root| root.path.as_os_str().len()).cloned()
    }

    /// The root in which something that happened to `path` matters: not in what is left out, and
    /// not to our own index, whose every reading would be an event.
    pub fn hinted_root(&self, path: &Path) -> Option<Root> {
        let root = self.root_of(path)?;
        let below = path.strip_prefix(&root.path).ok()?;
        (!self.live().rules.hide(below) && !path.starts_with(&self.settings.data_dir)).then_some(root)
    }

    /// Records why a root is offline, and tells of it if it was not.
    pub fn set_offline(&self, root: &Root, why: String) {
        let mut states = write(&self.states);
        let state = states.entry(root.id).or_default();
        state.folder = None;
        let was_online = state.offline.replace(why.clone()).is_none();
        drop(states);
        if was_online {
            self.tell(What::Offline { path: text_of(&root.path), reason: why });
        }
        self.activity.announce();
    }

    /// Whether a root's files can be read; one that was never looked at may be.
    pub fn is_online(&self, root: RootId) -> bool {
        read(&self.states).get(&root).is_none_or(|state| state.offline.is_none())
    }

    /// Whether a file can be had now, for all that is known.
    pub fn is_here(&self, file: &Place) -> bool {
        let states = read(&self.states);
        let Some(state) = states.get(&file.root) else { return true };
        state.offline.is_none() && !state.missing.contains(&file.path) && !state.away.contains(&file.path)
    }

    /// The absolute path of a place, or what is known of it where its root was just removed.
    pub fn shown_path(&self, place: &Place) -> PathBuf {
        self.path_of(place).unwrap_or_else(|| place.path.clone())
    }

    /// The absolute path of a place, as long as its root is known.
    pub fn path_of(&self, place: &Place) -> Option<PathBuf> {
        read(&self.roots).iter().find(|root| root.id == place.root).map(|root| root.path_of(place))
    }
}

/// Files and pictures on their way from feed to the store.
#[derive(Default)]
pub struct InFlight {
    pub places: HashSet<Place>,
    pub pictures: HashSet<PictureHash>,
}

/// How much work on each root is under way that the store does not show as pending.
#[derive(Default)]
pub struct Activity {
    open: Mutex<HashMap<RootId, usize>>,
    changed: Condvar,
}

/// One piece of such work; it ends when this is dropped.
pub struct Ticket {
    activity: Arc<Activity>,
    root: RootId,
}

impl Activity {
    pub fn begin(self: &Arc<Activity>, root: RootId) -> Ticket {
        *lock(&self.open).entry(root).or_default() += 1;
        Ticket { activity: self.clone(), root }
    }

    pub fn is_busy(&self, root: RootId) -> bool {
        lock(&self.open).get(&root).is_some_and(|&open| open > 0)
    }

    /// Wakes those that wait.
    pub fn announce(&self) {
        self.changed.notify_all();
    }

    /// Waits until something changes, or for `timeout`.
    pub fn wait(&self, timeout: Duration) {
        let open = lock(&self.open);
        drop(self.changed.wait_timeout(open, timeout));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(open) = lock(&self.activity.open).get_mut(&self.root) {
            *open -= 1;
        }
        self.activity.announce();
    }
}

/// A flag to wait for.
#[derive(Default)]
pub struct Signal {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    pub fn raise(&self) {
        *lock(&self.raised) = true;
        self.changed.notify_all();
    }

    /// Waits until it is raised, or for `timeout`, and lowers it.
    pub fn wait(&self, timeout: Duration) {
        let raised = lock(&self.raised);
        let (mut raised, _) = self.changed.wait_timeout_while(raised, timeout, |raised| !*raised).unwrap_or_else(PoisonError::into_inner);
        *raised = false;
    }
}
