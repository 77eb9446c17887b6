//! An intake thread: takes orders and file events, and sends seen and gone files to the writer.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use super::findings::{DISK_TIMEOUT, Presence, Recorded};
use super::moves::{Moves, is_misled};
use super::schedule::Schedule;
use super::{Intakes, Parts, ThreadQueue};
use crate::catalog::roots::{AbsentFiles, FolderId, whole};
use crate::daemon::messages::{Change, Gone, Order, Request, request};
use crate::daemon::state::events::EventKind;
use crate::daemon::state::heartbeat::Heartbeat;
use crate::daemon::state::lock;
use crate::daemon::state::queue::Ticket;
use crate::intake::{self, Clock, Debounce, Found, Heard, Hint, RereadLimit, Submounts, Watch, Writing};
use crate::photo::{Place, Root, RootId};
use crate::store::Reader;

/// How often an idle thread looks for its roots.
const ROOT_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// How often a scan reports its progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

pub struct Intake {
    pub(super) parts: Parts,
    pub(super) intakes: Arc<Intakes>,
    orders: Receiver<Order>,
    pub(super) queue: ThreadQueue,
    pub(super) reader: Reader,
    pub(super) heartbeat: Arc<Heartbeat>,
    pub(super) watch: Option<Watch>,
    /// Whether there is no watch because all roots are offline.
    pub(super) is_resting: bool,
    /// The roots of this thread.
    pub(super) mine: HashSet<RootId>,
    pub(super) debounce: Debounce,
    /// Keeps a root busy while a path is debounced.
    pub(super) debouncing: HashMap<PathBuf, Ticket>,
    /// When the next routine scan of each root is due.
    pub(super) scans: HashMap<RootId, Instant>,
    /// The folder of each root that is watched, and its path.
    watched: HashMap<RootId, (PathBuf, Option<FolderId>)>,
    pub(super) moves: Moves,
    pub(super) rereads: RereadLimit,
    /// The mounts below each root when it was started.
    pub(super) submounts: HashMap<RootId, Submounts>,
    /// Mount points of its own filesystem below each root at which nothing is mounted any more.
    pub(super) unmounted: HashMap<RootId, BTreeSet<PathBuf>>,
    clock: Clock,
}

impl Intake {
    pub(super) fn new(parts: Parts, intakes: Arc<Intakes>, orders: Receiver<Order>, queue: ThreadQueue, reader: Reader) -> Intake {
        let heartbeat = queue.heartbeat.clone();
        Intake {
            parts,
            intakes,
            orders,
            queue,
            reader,
            heartbeat,
            watch: None,
            is_resting: true,
            mine: HashSet::new(),
            debounce: Debounce::default(),
            debouncing: HashMap::new(),
            scans: HashMap::new(),
            watched: HashMap::new(),
            moves: Moves::default(),
            rereads: RereadLimit::new(Instant::now()),
            submounts: HashMap::new(),
            unmounted: HashMap::new(),
            clock: Clock::new(Instant::now(), SystemTime::now()),
        }
    }

    /// Runs until the daemon stops or this thread is replaced.
    pub fn run(mut self) {
        while !self.parts.lifecycle.is_stopping() && !self.heartbeat.is_replaced() {
            let now = Instant::now();
            let next = self
                .debounce
                .next()
                .into_iter()
                .chain(self.rereads.next())
                .chain(self.moves.next())
                .chain(self.scans.values().copied())
                .min();
            match self
                .orders
                .recv_timeout(next.map_or(ROOT_CHECK_INTERVAL, |next| next.saturating_duration_since(now)).min(ROOT_CHECK_INTERVAL))
            {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) if now.elapsed() >= ROOT_CHECK_INTERVAL => self.look_for_roots(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let lost = lock(&self.queue.lost).take();
            if let Some(tickets) = lost {
                self.start_all();
                drop(tickets);
            }
            if self.clock.has_jumped(Instant::now(), SystemTime::now()) {
                self.catch_up();
            }
            self.look_at_moved();
            self.look_at_due();
            self.scan_due();
            self.take_up_again();
            self.debouncing.retain(|path, _| self.debounce.holds(path));
        }
        // Orders that came after this thread lost its last root are for another one.
        while !self.parts.lifecycle.is_stopping()
            && let Ok(order) = self.orders.try_recv()
        {
            if let Order::Start(root, _) | Order::Scan { root, .. } = &order {
                let _ = self.intakes.send(root.clone(), order);
            }
        }
    }

    /// Returns the current roots of this thread.
    pub(super) fn roots(&self) -> Vec<Root> {
        self.parts.roots.now().list().iter().filter(|root| self.mine.contains(&root.id)).cloned().collect()
    }

    fn root(&self, id: RootId) -> Option<Root> {
        self.parts.roots.now().get(id).cloned()
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(root, ticket) => self.start(&root, ticket),
            Order::Scan { root, place, gone, ticket } => {
                // If the folder is not the one that was watched, the root is started again.
                if self.is_where_it_was(&root) {
                    return self.scan(&root, &place, gone, ticket);
                }
                self.start(&root, ticket);
            }
            Order::ScanUnwatched(root, ticket) => {
                lock(&self.queue.sought).remove(&root.id);
                self.obey(Order::Scan { place: whole(&root), root, gone: Gone::AskIfMany, ticket });
            }
            Order::LookForRoots => self.look_for_roots(),
            Order::LookFor(root, ticket) => self.look_for(&root, Some(ticket)),
            Order::Forget(root) => self.drop_root(&root),
            Order::Hint(Hint::Path(path, writing), ticket) => {
                if let (Some(root), Some(ticket)) = (self.parts.roots.now().holding(&path), ticket) {
                    self.parts.roots.change(|roots| roots.state_mut(root.id).into_iter().for_each(|state| state.hints += 1));
                    self.debouncing.entry(path.clone()).or_insert(ticket);
                    self.debounce.hint(&path, writing, Instant::now());
                }
            }
            Order::Hint(Hint::FolderMoved, _) => {
                // Until it is watched under its new path, events in it have the old one.
                self.doubt_moves();
                self.scan_all_soon();
            }
            // It only wakes the thread, which then looks at what was lost.
            Order::Hint(Hint::Lost | Hint::Marker, _) => {}
        }
    }

    /// Starts all roots again after file events were lost.
    fn start_all(&mut self) {
        tracing::info!("file events were lost: everything is scanned again");
        for root in self.roots() {
            self.parts.roots.change(|roots| roots.state_mut(root.id).into_iter().for_each(|state| state.times_lost += 1));
        }
        self.watch_anew(None);
    }

    /// Looks for a root, then watches and scans it, or records that it is offline.
    pub(super) fn start(&mut self, root: &Root, ticket: Ticket) {
        // The root may have moved or been removed while the order waited.
        let Some(root) = &self.root(root.id) else { return };
        self.mine.insert(root.id);
        if self.is_left_out(root, Path::new("")) {
            return self.abandon(root);
        }
        let root = match self.presence(root) {
            Presence::Online(found) => found,
            Presence::Offline { why, is_replaced } => {
                tracing::info!("{} is offline: {why}", root.path.display());
                self.scans.remove(&root.id);
                self.parts.roots.set_offline(root, why, &self.parts.events, &self.parts.queue);
                if !root.is_asked && self.knows_nothing_of(root) {
                    return self.abandon(root);
                }
                self.rest();
                // The disk answered, so the root is looked for like any other from now on.
                self.parts.roots.change(|roots| roots.state_or_new(root.id).timeouts.retry_at = None);
                if is_replaced {
                    self.meet(root);
                }
                return;
            }
        };
        self.place(&root);
        if self.root(root.id).is_none() {
            // At its new path it is inside another root, and was merged into it.
            self.drop_root(&root);
            if let Some(outer) = self.parts.roots.now().holding(&root.path) {
                let _ = self.intakes.start(outer.clone());
            }
            return;
        }
        if self.is_left_out(&root, Path::new("")) {
            return self.abandon(&root);
        }
        let is_watch_new = self.wake();
        let is_new = !self.watched.contains_key(&root.id);
        let was_offline = !self.parts.roots.now().is_online(root.id);
        if was_offline {
            self.parts.events.emit(EventKind::Online(root.path.clone()));
        }
        // Read before the folder is watched. Later changes raise an event.
        let folder = self.folder_id(&root);
        self.parts.roots.change(|roots| {
            let state = roots.state_or_new(root.id);
            (state.folder, state.offline, state.timeouts.retry_at) = (folder, None, None);
        });
        self.note_submounts(&root);
        let now = (root.path.clone(), folder);
        let before = self.watched.insert(root.id, now.clone());
        if !is_watch_new && (before.is_some_and(|before| before != now) || was_offline && self.watch.is_some()) {
            // Its folders may be other ones than those that are watched. This starts it again.
            return self.watch_anew(Some(&ticket));
        }
        self.scan(&root, &whole(&root), Gone::AskIfMany, ticket);
        if is_new {
            self.scan_all_soon();
        }
    }

    pub(super) fn drop_root(&mut self, root: &Root) {
        self.submounts.remove(&root.id);
        self.unmounted.remove(&root.id);
        self.mine.remove(&root.id);
        self.scans.remove(&root.id);
        self.parts.roots.change(|roots| roots.forget_state(root.id));
        self.watched.remove(&root.id);
        // While other roots need the watch, those of its folders stay: to remove them one by one takes long. Nothing comes of
        // their events.
        self.intakes.release(root.id, &self.heartbeat);
    }

    /// Records the path and filesystem of a root, if they changed.
    fn place(&mut self, root: &Root) {
        let Some(known) = self.root(root.id).filter(|known| known != root) else { return };
        if known.path != root.path {
            tracing::info!("{} is now at {}", known.path.display(), root.path.display());
        }
        // The writer logs a failure.
        let _ = request(&self.parts.writes, |reply| Request::PlaceRoot(root.clone(), reply));
    }

    /// Returns whether there is a file at a place.
    pub(super) fn is_there(&self, place: &Place) -> bool {
        if !self.mine.contains(&place.root) {
            // Another disk may hang, so it is accessed by its own thread only.
            return self.parts.roots.now().is_here(place);
        }
        let roots = self.parts.roots.now();
        let Some(path) = roots.path_of(place).filter(|_| roots.is_online(place.root)) else { return false };
        let _asking = self.heartbeat.work_on(place.root, DISK_TIMEOUT);
        std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
    }

    /// Looks for changes after the clock jumped or the machine slept: disks may have been connected or removed, and
    /// other machines may have written to a server.
    fn catch_up(&mut self) {
        tracing::debug!("the clock jumped, or the machine slept");
        self.look_for_roots();
        let roots = self.parts.roots.now();
        let polled = self.mine.iter().filter(|root| roots.state(**root).is_some_and(|state| state.unwatched.is_some()));
        self.scans.extend(polled.map(|root| (*root, Instant::now())));
    }

    fn scan_due(&mut self) {
        let now = Instant::now();
        for (id, _) in self.scans.extract_if(|_, at| *at <= now).collect::<Vec<_>>() {
            if let Some(root) = self.root(id) {
                let ticket = self.parts.queue.activity.begin(id);
                self.obey(Order::Scan { place: whole(&root), root, gone: Gone::AskIfMany, ticket });
            }
        }
    }

    /// Checks the paths that are due now. Files that are there are written before files that are gone, so that a moved
    /// file is recognised by its inode.
    fn look_at_due(&mut self) {
        let mut walks = Vec::new();
        let mut is_mount_moved = false;
        let due: BTreeMap<PathBuf, Heard> = self.debounce.take_due(Instant::now()).into_iter().collect();
        let mut tickets: Vec<Ticket> = due.keys().filter_map(|path| self.debouncing.remove(path)).collect();
        // A path below another due path is walked with it, because two walks could contradict each other.
        let mut paths: Vec<&PathBuf> = due.keys().collect();
        paths.dedup_by(|inner, outer| inner.starts_with(*outer));
        for path in paths {
            let roots = self.parts.roots.now();
            is_mount_moved |= self.holds_mounted(path);
            if let Some(root) = roots.holding(path).filter(|root| !self.mine.contains(&root.id)) {
                // Its filesystem was mounted there since, or another one not any more.
                if *path == root.path {
                    is_mount_moved = true;
                } else {
                    self.intakes.hint(root.id, path.clone());
                }
            }
            // The root around it may still know files there.
            let mine = roots.list().iter().filter(|root| self.mine.contains(&root.id) && path.starts_with(&root.path));
            let Some(root) = mine.max_by_key(|root| (roots.is_online(root.id), root.path.as_os_str().len())).cloned() else { continue };
            let Some(place) = root.place(path) else { continue };
            if place.path.as_os_str().is_empty() {
                // The root itself disappeared, appeared or was replaced.
                let ticket = self.parts.queue.activity.begin(root.id);
                self.start(&root, ticket);
            } else {
                let begun = tickets.iter().min_by_key(|ticket| ticket.began());
                let work = begun.map_or_else(|| self.parts.queue.activity.begin(root.id), |begun| begun.share_with(root.id));
                match self.walk(&root, &place, &work) {
                    Some(found) => walks.push((root, place, found)),
                    None => drop(self.scans.insert(root.id, Instant::now() + Schedule::POLLED.shortest)),
                }
            }
        }
        if is_mount_moved {
            self.intakes.look_for_roots();
        }
        if is_misled(&due, &walks, |heard| heard.was_closed) {
            self.doubt_moves();
        }
        // What was renamed is scanned where it is now.
        if is_misled(&due, &walks, |heard| heard.was_closed && heard.writing != Writing::Renamed) {
            self.scan_all_soon();
        }
        if walks.is_empty() || self.flush().is_none() {
            return;
        }
        // What is found belongs to the earliest event of its root.
        tickets.sort_unstable_by_key(Ticket::began);
        let mut oldest: HashMap<RootId, Ticket> = HashMap::new();
        for ticket in &tickets {
            oldest.entry(ticket.root()).or_insert_with(|| ticket.share());
        }
        let mut differences = Vec::new();
        for (root, place, found) in walks {
            self.note_left_out(&root, &place, &found);
            let ticket = oldest.entry(root.id).or_insert_with(|| self.parts.queue.activity.begin(root.id));
            let difference = self.difference(&root, &place, &found, &due, ticket);
            let is_removed = due.get(&root.path_of(&place)).is_some_and(|heard| heard.writing == Writing::Removed);
            if is_removed && difference.as_ref().is_some_and(|difference| difference.is_nothing) {
                // It may have been a hard link through which a known file was written, in another root perhaps.
                self.scan_all_soon();
            }
            differences.extend(difference);
        }
        if !self.record(differences, Gone::AskIfMany).missing.is_empty() {
            self.scans.extend(oldest.keys().map(|root| (*root, Instant::now() + Schedule::IN_DOUBT.shortest)));
        }
        // A file that a worker gave back and that did not change is still pending, and must be handed out again.
        self.parts.queue.pending.raise();
        tickets.extend(oldest.into_values());
        self.write(Change::Done { _tickets: tickets });
    }

    fn scan(&mut self, root: &Root, place: &Place, gone: Gone, ticket: Ticket) {
        let path = root.path_of(place);
        self.parts.events.emit(EventKind::ScanStarted(path.clone()));
        if place.path.as_os_str().is_empty() {
            // Files that could not be read before may be readable now.
            self.write(Change::Retry(root.id));
        }
        let found = self.walk(root, place, &ticket).filter(|_| self.flush().is_some());
        if let Some(found) = &found {
            self.note_left_out(root, place, found);
        }
        let difference = found.and_then(|found| self.difference(root, place, &found, &BTreeMap::new(), &ticket));
        let is_nothing = difference.is_none();
        let was_whole = !is_nothing && place.path.as_os_str().is_empty();
        let recorded = self.record(difference.into_iter().collect(), gone);
        if was_whole {
            self.scanned(root, &recorded);
        } else if is_nothing {
            // The root disappeared during the walk, or the store could not be read.
            self.scans.insert(root.id, Instant::now() + Schedule::POLLED.shortest);
        } else if gone == Gone::Forget {
            // Only a scan of the whole root can tell how many files are still missing.
            self.scans.insert(root.id, Instant::now());
        }
        // Sent last, so that the root is busy until everything above is committed.
        self.write(Change::Done { _tickets: vec![ticket] });
        self.parts.events.emit(EventKind::ScanFinished { path, changes: recorded.changes });
    }

    /// Records what a walk saw and did not take.
    fn note_left_out(&self, root: &Root, place: &Place, found: &Found) {
        let is_noted = self.parts.roots.now().state(root.id).is_none_or(|state| state.left_out_below(&place.path).eq(&found.left_out));
        if !is_noted {
            self.parts.roots.change(|roots| {
                let noted = roots.state_mut(root.id).into_iter();
                noted.for_each(|state| state.note_left_out(&place.path, &found.left_out));
            });
        }
    }

    /// Records the scan of a whole root, and schedules the next one.
    fn scanned(&mut self, root: &Root, recorded: &Recorded) {
        let below = |places: &HashSet<Place>| places.iter().map(|place| place.path.clone()).collect::<HashSet<PathBuf>>();
        let (missing, away) = (below(&recorded.missing), below(&recorded.away));
        let next = self.parts.roots.change(|roots| {
            let state = roots.state_mut(root.id)?;
            let is_news = recorded.changes > 0 || missing != state.absent.missing;
            let schedule = Schedule::of(state.unwatched.is_some(), !missing.is_empty());
            state.schedule.interval = schedule.next(state.schedule.interval, is_news);
            state.schedule.last_scan = Some(SystemTime::now());
            state.timeouts.count = 0;
            state.absent = AbsentFiles { missing, away };
            Some(state.schedule.interval)
        });
        if let Some(next) = next {
            self.scans.insert(root.id, Instant::now() + next);
        }
    }

    /// Returns whether the settings leave out a path below a root, or a folder above it.
    fn is_left_out(&self, root: &Root, below: &Path) -> bool {
        let path = self.parts.roots.now().path_for_rules(root, below);
        self.parts.configuration.reloadable().rules.hide(&path)
    }

    /// Walks a place on the disk. Returns `None` if the root is offline or went offline during the walk, because its
    /// mount point is an empty folder then. Also returns `None` if the daemon stops. `work` is what the walk is part of.
    fn walk(&mut self, root: &Root, place: &Place, work: &Ticket) -> Option<Found> {
        if self.is_left_out(root, &place.path) {
            return Some(Found::default());
        }
        let working = self.heartbeat.work_on(root.id, DISK_TIMEOUT);
        let (entries, told) = (Cell::new(0), Cell::new(Instant::now()));
        let goes_on = || {
            self.heartbeat.beat();
            entries.set(entries.get() + 1);
            if told.get().elapsed() > PROGRESS_INTERVAL {
                told.set(Instant::now());
                self.parts.events.emit(EventKind::ScanProgress { path: root.path_of(place), entries: entries.get() });
            }
            !self.parts.lifecycle.is_stopping()
        };
        let failed = RefCell::new(None);
        let enter = |folder: &Path, found: &Metadata| self.watch_folder(folder, found, &mut failed.borrow_mut());
        let (rules, roots) = (self.parts.configuration.reloadable().rules, self.parts.roots.now());
        let leave_out = |below: &Path| rules.leave_out(&roots.path_for_rules(root, below));
        let mut found = intake::walk(&root.path, &place.path, &leave_out, &enter, &goes_on)?;
        drop(working);
        self.adopt(root, &mut found, work);
        self.note_watched(root, place, failed.into_inner());
        self.is_where_it_was(root).then_some(found)
    }
}
