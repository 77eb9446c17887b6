//! An intake thread: orders and hints in, seen and gone files out.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use super::difference::Recorded;
use super::{Intakes, Lane, Order};
use crate::api::text_of;
use crate::api::types::What;
use crate::daemon::presence::{Presence, presence};
use crate::daemon::pulse::Pulse;
use crate::daemon::shared::{FolderId, Shared, Ticket, folder_id, read, write};
use crate::daemon::write::Write;
use crate::intake::{self, Clock, Found, Hint, Settle, Volume, Watch, Writing};
use crate::photo::{Place, Root, RootId};
use crate::store::Reader;

/// How often roots are looked for while nothing else happens.
const IDLE: Duration = Duration::from_secs(60);

/// How long until a root is scanned without a reason: the shortest after a scan that found
/// something, then twice as long each time.
const SCANS: (Duration, Duration) = (Duration::from_secs(3600), Duration::from_secs(24 * 3600));
/// The same where changes are not noticed by themselves.
const POLLS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(1800));
/// The same while files are missing that may only have moved, to where they are not read yet.
const DOUBTS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(3600));

/// How often a scan says how far it is.
const PROGRESS: Duration = Duration::from_secs(1);

/// Within what time a disk must have an answer.
const ANSWER: Duration = Duration::from_secs(20);
/// And all its folders be watched.
const WATCH: Duration = Duration::from_secs(900);

pub struct Intake {
    pub(super) shared: Arc<Shared>,
    pub(super) intakes: Arc<Intakes>,
    orders: Receiver<Order>,
    lane: Lane,
    pub(super) writes: SyncSender<Write>,
    pub(super) reader: Reader,
    pulse: Arc<Pulse>,
    watch: Option<Watch>,
    /// The roots that this thread looks after.
    mine: HashSet<RootId>,
    pub(super) settle: Settle,
    /// Keeps a root busy while one of its paths settles.
    pub(super) settling: HashMap<RootId, Ticket>,
    /// When each root is scanned again, whatever happens.
    scans: HashMap<RootId, Instant>,
    clock: Clock,
}

impl Intake {
    pub(super) fn new(
        shared: Arc<Shared>,
        intakes: Arc<Intakes>,
        orders: Receiver<Order>,
        lane: Lane,
        writes: SyncSender<Write>,
        reader: Reader,
    ) -> Intake {
        let (for_hints, hints) = (shared.clone(), lane.clone());
        let watch = Watch::new(move |hint| {
            let ticket = match &hint {
                Hint::Path(path, _) => match for_hints.hinted_root(path) {
                    Some(root) => Some(for_hints.activity.begin(root.id)),
                    None => return,
                },
                Hint::Lost => None,
            };
            hints.hint(hint, ticket);
        });
        if let Err(e) = &watch {
            shared.set_problem("watch", Some(format!("new files are not noticed by themselves: {e}")));
        }
        let pulse = lane.pulse.clone();
        Intake {
            shared,
            intakes,
            orders,
            lane,
            writes,
            reader,
            pulse,
            watch: watch.ok(),
            mine: HashSet::new(),
            settle: Settle::default(),
            settling: HashMap::new(),
            scans: HashMap::new(),
            clock: Clock::new(Instant::now(), SystemTime::now()),
        }
    }

    /// Runs until every sender of orders is gone or the daemon stops.
    pub fn run(mut self) {
        while !self.shared.is_stopping() && !self.pulse.is_replaced() {
            let now = Instant::now();
            let next = self.settle.next().into_iter().chain(self.scans.values().copied()).min();
            match self.orders.recv_timeout(next.map_or(IDLE, |next| next.saturating_duration_since(now)).min(IDLE)) {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) if now.elapsed() >= IDLE => self.look_for_roots(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.lane.lost.swap(false, Ordering::Relaxed) {
                self.obey(Order::Hint(Hint::Lost, None));
            }
            if self.clock.has_jumped(Instant::now(), SystemTime::now()) {
                self.catch_up();
            }
            self.look_at_due();
            self.scan_due();
            self.take_up_again();
            let roots = self.roots();
            self.settling.retain(|id, _| roots.iter().any(|root| root.id == *id && self.settle.holds(&root.path)));
        }
    }

    /// The roots of this thread, as they are known now.
    fn roots(&self) -> Vec<Root> {
        read(&self.shared.roots).iter().filter(|root| self.mine.contains(&root.id)).cloned().collect()
    }

    fn root(&self, id: RootId) -> Option<Root> {
        read(&self.shared.roots).iter().find(|root| root.id == id).cloned()
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(root, ticket) => self.start(&root, ticket),
            Order::Scan { root, place, forget, ticket } => {
                // Whether it is here may be the question.
                if self.is_where_it_was(&root) { self.scan(&root, &place, forget, ticket) } else { self.start(&root, ticket) }
            }
            Order::LookForRoots => self.look_for_roots(),
            Order::Forget(root) => self.drop_root(&root),
            Order::Hint(Hint::Path(path, writing), ticket) => {
                if let (Some(root), Some(ticket)) = (self.shared.root_of(&path), ticket) {
                    if let Some(state) = write(&self.shared.states).get_mut(&root.id) {
                        state.hints += 1;
                    }
                    self.settling.entry(root.id).or_insert(ticket);
                    self.settle.hint(&path, writing, Instant::now());
                }
            }
            Order::Hint(Hint::Lost, _) => {
                tracing::info!("events were lost: everything is looked at again");
                for root in self.roots() {
                    if let Some(state) = write(&self.shared.states).get_mut(&root.id) {
                        state.times_lost += 1;
                    }
                    let ticket = self.shared.activity.begin(root.id);
                    self.start(&root, ticket);
                }
            }
        }
    }

    /// Finds a root, watches it and scans it; or says that it is offline.
    fn start(&mut self, root: &Root, ticket: Ticket) {
        // As it is known now: an order may have waited while the root moved, or was removed.
        let Some(root) = &self.root(root.id) else { return };
        self.mine.insert(root.id);
        let root = match self.presence(root) {
            Presence::Online(found) => found,
            Presence::Offline(why) => {
                tracing::info!("{} is offline: {why}", root.path.display());
                self.unwatch(root);
                self.scans.remove(&root.id);
                self.shared.set_offline(root, why);
                // It answered: from now on it is looked for like any other.
                write(&self.shared.states).entry(root.id).or_default().silent_until = None;
                return;
            }
        };
        self.place(&root);
        if self.root(root.id).is_none() {
            // Where it is now another root holds it: its files are that one's.
            self.drop_root(&root);
            if let Some(outer) = self.shared.root_of(&root.path) {
                let _ = self.intakes.start(outer);
            }
            return;
        }
        if !self.shared.is_online(root.id) {
            self.shared.tell(What::Online(text_of(&root.path)));
        }
        // Before the watch and the scan: what changes later is an event.
        let folder = self.folder_id(&root);
        {
            let mut states = write(&self.shared.states);
            let state = states.entry(root.id).or_default();
            (state.folder, state.offline, state.silent_until) = (folder, None, None);
        }
        self.watch(&root);
        let all = Place { root: root.id, path: PathBuf::new() };
        self.scan(&root, &all, false, ticket);
    }

    fn drop_root(&mut self, root: &Root) {
        self.unwatch(root);
        self.mine.remove(&root.id);
        self.scans.remove(&root.id);
        write(&self.shared.states).remove(&root.id);
    }

    /// Records where a root is, if that is new.
    fn place(&mut self, root: &Root) {
        let Some(known) = self.root(root.id).filter(|known| known != root) else { return };
        if known.path != root.path {
            tracing::info!("{} is now at {}", known.path.display(), root.path.display());
            self.unwatch(&known);
        }
        let (done, wait) = sync_channel(1);
        self.write(Write::PlaceRoot(root.clone(), done));
        let _ = wait.recv();
    }

    fn presence(&self, root: &Root) -> Presence {
        let _asking = self.pulse.work_on(root.id, ANSWER);
        presence(root, &self.reader)
    }

    fn folder_id(&self, root: &Root) -> Option<FolderId> {
        let _asking = self.pulse.work_on(root.id, ANSWER);
        folder_id(&root.path)
    }

    /// Whether there is a file at a place, for all that its disk says.
    pub(super) fn is_there(&self, place: &Place) -> bool {
        if !self.mine.contains(&place.root) {
            // Another disk may hang: its own thread finds out.
            return self.shared.is_here(place);
        }
        let Some(path) = self.shared.path_of(place).filter(|_| self.shared.is_online(place.root)) else { return false };
        let _asking = self.pulse.work_on(place.root, ANSWER);
        std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
    }

    fn is_where_it_was(&self, root: &Root) -> bool {
        let folder = self.folder_id(root);
        folder.is_some() && read(&self.shared.states).get(&root.id).is_some_and(|state| state.folder == folder)
    }

    /// Takes up roots that came, went, or whose folder is another one now.
    fn look_for_roots(&mut self) {
        for root in self.roots() {
            if self.is_silent(&root) {
                continue;
            }
            let is_offline = !self.shared.is_online(root.id);
            if is_offline && matches!(self.presence(&root), Presence::Offline(_)) || !is_offline && self.is_where_it_was(&root) {
                continue;
            }
            let ticket = self.shared.activity.begin(root.id);
            self.start(&root, ticket);
        }
    }

    fn is_silent(&self, root: &Root) -> bool {
        read(&self.shared.states).get(&root.id).is_some_and(|state| state.silent_until.is_some())
    }

    /// Takes up roots whose disk did not answer: once nobody waits for it any more, and now and then although
    /// somebody does, who may wait for a disk that was there before.
    fn take_up_again(&mut self) {
        let stuck = self.shared.pulses.stuck();
        let mut silent = self.roots();
        silent.retain(|root| self.is_silent(root));
        for root in silent {
            let until = read(&self.shared.states).get(&root.id).and_then(|state| state.silent_until);
            let is_awaited = stuck.iter().any(|(_, roots)| roots.contains(&root.id));
            if !is_awaited || until.is_some_and(|until| until <= Instant::now()) {
                let ticket = self.shared.activity.begin(root.id);
                self.start(&root, ticket);
            }
        }
    }

    /// After time that nobody saw: disks may have come or gone, others may have written to a server.
    fn catch_up(&mut self) {
        tracing::debug!("the clock jumped, or the machine slept");
        self.look_for_roots();
        let states = read(&self.shared.states);
        let polled = self.mine.iter().filter(|root| states.get(root).is_some_and(|state| state.unwatched.is_some()));
        self.scans.extend(polled.map(|root| (*root, Instant::now())));
    }

    fn scan_due(&mut self) {
        let now = Instant::now();
        for (id, _) in self.scans.extract_if(|_, at| *at <= now).collect::<Vec<_>>() {
            if let Some(root) = self.root(id) {
                let ticket = self.shared.activity.begin(id);
                self.obey(Order::Scan { place: Place { root: id, path: PathBuf::new() }, root, forget: false, ticket });
            }
        }
    }

    fn watch(&mut self, root: &Root) {
        let Some(watch) = &mut self.watch else { return };
        // Watched anew: a folder whose making was missed, or a root that was replaced, has no watch.
        watch.remove(&root.path);
        let asking = self.pulse.work_on(root.id, WATCH);
        let failed = watch.add(&root.path).err().map(|e| e.to_string());
        drop(asking);
        if let Some(why) = &failed {
            tracing::warn!("{} is not watched: {why}", root.path.display());
        }
        let why = failed.or_else(|| Volume::of(&root.path)?.silence());
        if let Some(state) = write(&self.shared.states).get_mut(&root.id) {
            state.unwatched = why;
        }
    }

    fn unwatch(&mut self, root: &Root) {
        if let Some(watch) = &mut self.watch {
            watch.remove(&root.path);
        }
    }

    /// Looks at the paths that are due now. All that is there is written before all that is
    /// gone, so that a file that moved is known by its inode.
    fn look_at_due(&mut self) {
        let mut walks = Vec::new();
        // What lies below another due path is looked at with it: two looks would contradict each other.
        let due = self.settle.take_due(Instant::now());
        let closed: HashSet<PathBuf> = due.iter().filter(|(_, writing)| *writing == Writing::Over).map(|(path, _)| path.clone()).collect();
        let mut paths: Vec<PathBuf> = due.into_iter().map(|(path, _)| path).collect();
        paths.dedup_by(|inner, outer| inner.starts_with(&*outer));
        for path in paths {
            let Some(root) = self.shared.root_of(&path) else { continue };
            let Some(place) = root.place(&path) else { continue };
            let ticket = self.shared.activity.begin(root.id);
            if place.path.as_os_str().is_empty() {
                // The root itself went, or came, or is another one.
                self.start(&root, ticket);
            } else {
                match self.walk(&root, &place) {
                    Some(found) => walks.push((root, place, found, ticket)),
                    None => drop(self.scans.insert(root.id, Instant::now() + POLLS.0)),
                }
            }
        }
        if walks.is_empty() || self.flush().is_none() {
            return;
        }
        let (mut differences, mut tickets) = (Vec::new(), Vec::new());
        for (root, place, found, ticket) in walks {
            differences.extend(self.difference(&root, &place, &found, &closed));
            tickets.push((root.id, ticket));
        }
        if !self.record(differences, false).missing.is_empty() {
            self.scans.extend(tickets.iter().map(|(root, _)| (*root, Instant::now() + DOUBTS.0)));
        }
        // A file that a worker gave back, and that is as it was, is to be read again now.
        self.shared.pending.raise();
        tickets.into_iter().for_each(|(_, ticket)| self.write(Write::Done { _ticket: ticket }));
    }

    fn scan(&mut self, root: &Root, place: &Place, forget: bool, ticket: Ticket) {
        let path = text_of(&root.path_of(place));
        self.shared.tell(What::ScanStarted(path.clone()));
        if place.path.as_os_str().is_empty() {
            // What its disk refused before it may give now.
            self.write(Write::Retry(root.id));
        }
        let found = self.walk(root, place).filter(|_| self.flush().is_some());
        let difference = found.and_then(|found| self.difference(root, place, &found, &HashSet::new()));
        let is_nothing = difference.is_none();
        let was_whole = !is_nothing && place.path.as_os_str().is_empty();
        let recorded = self.record(difference.into_iter().collect(), forget);
        if was_whole {
            self.scanned(root, &recorded);
        } else if is_nothing {
            // It went while it was walked, or could not be compared.
            self.scans.insert(root.id, Instant::now() + POLLS.0);
        } else if forget {
            // How much is missing now only a look at all of it can say.
            self.scans.insert(root.id, Instant::now());
        }
        // After everything above: the root stays busy until it is committed.
        self.write(Write::Done { _ticket: ticket });
        self.shared.tell(What::ScanFinished { path, changes: recorded.changes });
    }

    /// After a scan of a whole root: when the next one is.
    fn scanned(&mut self, root: &Root, recorded: &Recorded) {
        let below = |places: &HashSet<Place>| places.iter().map(|place| place.path.clone()).collect::<HashSet<PathBuf>>();
        let (missing, away) = (below(&recorded.missing), below(&recorded.away));
        let mut states = write(&self.shared.states);
        let Some(state) = states.get_mut(&root.id) else { return };
        let (shortest, longest) = match (missing.is_empty(), &state.unwatched) {
            (true, None) => SCANS,
            (true, Some(_)) => POLLS,
            (false, _) => DOUBTS,
        };
        let is_news = recorded.changes > 0 || missing != state.missing;
        state.scanned_every = if is_news { shortest } else { (2 * state.scanned_every).clamp(shortest, longest) };
        state.last_scan = Some(SystemTime::now());
        state.silences = 0;
        (state.missing, state.away) = (missing, away);
        self.scans.insert(root.id, Instant::now() + state.scanned_every);
    }

    /// What is on the disk at one place. Nothing is said of a root that is away, or went while it was
    /// walked: its mount point is an empty folder then.
    fn walk(&self, root: &Root, place: &Place) -> Option<Found> {
        if self.shared.live().rules.hide(&place.path) {
            return Some(Found::default());
        }
        let working = self.pulse.work_on(root.id, ANSWER);
        let (entries, told) = (Cell::new(0), Cell::new(Instant::now()));
        let goes_on = || {
            self.pulse.beat();
            entries.set(entries.get() + 1);
            if told.get().elapsed() > PROGRESS {
                told.set(Instant::now());
                self.shared.tell(What::ScanProgress { path: text_of(&root.path_of(place)), entries: entries.get() });
            }
            !self.shared.is_stopping()
        };
        let found = intake::walk(&root.path, &place.path, &self.shared.live().rules, &goes_on)?;
        drop(working);
        self.is_where_it_was(root).then_some(found)
    }
}
