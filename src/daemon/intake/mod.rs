//! Intake: one thread for each filesystem that holds roots. So a filesystem that hangs blocks no other, and one thread
//! sees both ends of a move between two roots of a filesystem.

mod difference;
mod findings;
mod marker;
mod mass_deletion;
mod mounted;
pub mod mounts;
mod moves;
mod others;
mod presence;
pub mod schedule;
mod thread;
mod watching;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::messages::{Gone, Order, Write};
use super::state::heartbeat::{Heartbeat, Kind};
use super::state::queue::Ticket;
use super::state::{Configuration, Events, Health, Lifecycle, Part, Queue, SharedRoots, lock};
use crate::catalog::roots::folder_id;
use crate::intake::{Hint, Volume, Writing};
use crate::photo::{Place, Root, RootId};
use crate::store::{self, Reader};
use crate::sys::background::{Nice, vital};
pub use marker::Marker;
use thread::Intake;

/// The most orders that may wait for a thread. Most are file events. A file event that finds no room is dropped, and a
/// scan of all roots of the thread takes its place.
const MAX_ORDERS: usize = 8192;

/// How long to wait for room in the queue of a thread, which may be scanning.
const ORDER_TIMEOUT: Duration = Duration::from_secs(20);

/// How long to wait until an offline root is online at its new path.
const RETURN_TIMEOUT: Duration = Duration::from_secs(20);

/// Why an order was not accepted.
#[derive(Debug, Error)]
pub enum Refused {
    #[error("the daemon is busy with other folders")]
    Busy,
    #[error("the daemon is ending")]
    Ending,
    #[error("the thread for this disk cannot be started: {0}")]
    Thread(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The queue of one intake thread.
#[derive(Clone)]
struct ThreadQueue {
    orders: SyncSender<Order>,
    /// Set while file events are lost: the roots of the thread are busy until it has scanned them.
    lost: Arc<Mutex<Option<Vec<Ticket>>>>,
    /// The roots for which a scan was ordered by [`Intakes::scan_unwatched`] and has not begun.
    sought: Arc<Mutex<HashSet<RootId>>>,
    /// The number of the last event of the marker that arrived.
    marked: Arc<AtomicU64>,
    heartbeat: Arc<Heartbeat>,
}

/// The parts of the daemon that intake needs.
#[derive(Clone)]
pub struct Parts {
    pub marker: Arc<Marker>,
    pub configuration: Arc<Configuration>,
    pub roots: Arc<SharedRoots>,
    pub events: Arc<Events>,
    pub queue: Arc<Queue>,
    pub health: Arc<Health>,
    pub lifecycle: Arc<Lifecycle>,
    pub writes: SyncSender<Write>,
}

/// All intake threads.
pub struct Intakes {
    parts: Parts,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    of_volume: HashMap<String, ThreadQueue>,
    of_root: HashMap<RootId, ThreadQueue>,
}

impl Intakes {
    pub fn new(parts: Parts) -> Arc<Intakes> {
        Arc::new(Intakes { parts, threads: Mutex::default() })
    }

    /// Looks for a root, watches it and scans it.
    ///
    /// # Errors
    /// If its thread is busy for too long, or cannot be started.
    pub fn start(self: &Arc<Intakes>, root: Root) -> Result<(), Refused> {
        let ticket = self.parts.queue.activity.begin(root.id);
        self.send(root.clone(), Order::Start(root, ticket))
    }

    /// Starts a root as part of other work: a question that waits for that work waits for the root as well.
    ///
    /// # Errors
    /// See [`start`](Intakes::start).
    pub fn start_within(self: &Arc<Intakes>, root: Root, work: &Ticket) -> Result<(), Refused> {
        let ticket = work.share_with(root.id);
        self.send(root.clone(), Order::Start(root, ticket))
    }

    /// Scans a place of a root.
    ///
    /// # Errors
    /// See [`start`](Intakes::start).
    pub fn scan(self: &Arc<Intakes>, root: Root, place: Place, gone: Gone) -> Result<(), Refused> {
        let ticket = self.parts.queue.activity.begin(root.id);
        self.send(root.clone(), Order::Scan { root, place, gone, ticket })
    }

    /// Stops watching a root.
    ///
    /// # Errors
    /// See [`start`](Intakes::start).
    pub fn forget(self: &Arc<Intakes>, root: Root) -> Result<(), Refused> {
        self.send(root.clone(), Order::Forget(root))
    }

    /// Starts the offline root whose filesystem is at a path now, if there is one, and waits until it is online. Returns
    /// whether a root holds the path then.
    ///
    /// # Errors
    /// See [`start`](Intakes::start).
    pub fn bring_back(self: &Arc<Intakes>, path: &Path) -> Result<bool, Refused> {
        let Some(here) = Volume::of(path) else { return Ok(false) };
        let roots = self.parts.roots.now();
        let is_it = |root: &&Root| {
            let is_there = |(volume, inner): &(String, PathBuf)| here.has(volume) && here.inner.starts_with(inner);
            !roots.is_online(root.id) && root.volume_location.as_ref().is_some_and(is_there)
        };
        let Some(root) = roots.list().iter().find(is_it) else { return Ok(false) };
        self.start(root.clone())?;
        let deadline = Instant::now() + RETURN_TIMEOUT;
        let is_held = || self.parts.roots.now().holding(path).is_some();
        while !is_held() && self.parts.queue.activity.is_busy(root.id) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(is_held())
    }

    /// Returns the path at which a root shows this very folder, as with a bind mount. `None` if no root does.
    pub fn same_folder(&self, folder: &Path) -> Option<PathBuf> {
        let (here, id) = (Volume::of(folder)?, folder_id(folder)?);
        let (roots, rules) = (self.parts.roots.now(), self.parts.configuration.reloadable().rules);
        let shown = |root: &Root| {
            let (_, inner) = root.volume_location.as_ref().filter(|(volume, _)| here.has(volume) && roots.is_online(root.id))?;
            let is_shown = |below: &&Path| !rules.hide(&roots.path_for_rules(root, below));
            let path = here.inner.strip_prefix(inner).ok().filter(is_shown)?.to_owned();
            let path = root.path_of(&Place { root: root.id, path });
            (folder_id(&path)? == id).then_some(path)
        };
        roots.list().iter().find_map(shown)
    }

    /// Has a path checked soon. It never blocks.
    pub fn hint(&self, root: RootId, path: PathBuf) {
        let Some(queue) = lock(&self.threads).of_root.get(&root).cloned() else { return };
        queue.hint(path, None, self.parts.queue.activity.begin(root), &self.parts.queue);
    }

    /// Raises an event that passes through the queues of all file events. Returns its number. `None` if that cannot be
    /// done.
    pub fn raise_marker(&self) -> Option<u64> {
        let raised = self.parts.marker.raise();
        self.parts.health.set_problem(
            Part::Marker,
            raised.as_ref().err().map(|e| {
                let path = self.parts.marker.path().display();
                format!("answers may lack the last changes, because {path} cannot be opened: {e}; simctl restart makes it again")
            }),
        );
        raised.ok()
    }

    /// Returns whether this event of the marker has passed through the queues of these roots. Then their earlier events
    /// have made them busy.
    pub fn has_passed(&self, marker: u64, roots: &[Place]) -> bool {
        let threads = lock(&self.threads);
        roots.iter().filter_map(|scope| threads.of_root.get(&scope.root)).all(|queue| queue.marked.load(Ordering::SeqCst) >= marker)
    }

    /// Has the offline roots of these places looked for: one may be back. It never blocks.
    pub fn look_for_offline(&self, places: &[Place]) {
        let roots = self.parts.roots.now();
        for root in roots.list().iter().filter(|root| roots.may_come_back(root.id) && places.iter().any(|place| place.root == root.id)) {
            let Some(queue) = lock(&self.threads).of_root.get(&root.id).cloned() else { continue };
            let ticket = self.parts.queue.activity.begin(root.id);
            // A thread without room looks for its roots later.
            let _ = queue.orders.try_send(Order::LookFor(root.clone(), ticket));
        }
    }

    /// Has the roots of these places scanned whose changes may go unnoticed, but for those for which `is_begun`. It never blocks.
    pub fn scan_unwatched(&self, places: &[Place], is_begun: impl Fn(RootId) -> bool) {
        let roots = self.parts.roots.now();
        let is_unwatched = |root: &&Root| {
            places.iter().any(|place| place.root == root.id)
                && roots.state(root.id).is_some_and(|state| state.offline.is_none() && state.unwatched.is_some())
        };
        for root in roots.list().iter().filter(is_unwatched).filter(|root| !is_begun(root.id)) {
            let Some(queue) = lock(&self.threads).of_root.get(&root.id).cloned() else { continue };
            // A scan that has not begun finds everything. One that has may be past a change.
            if lock(&queue.sought).insert(root.id) {
                let ticket = self.parts.queue.activity.begin(root.id);
                if queue.orders.try_send(Order::ScanUnwatched(root.clone(), ticket)).is_err() {
                    lock(&queue.sought).remove(&root.id);
                    queue.lose(&self.parts.queue);
                }
            }
        }
    }

    /// Has every thread look for its roots. A thread that is stuck on a disk is replaced, because the disk may have
    /// been mounted again.
    pub fn look_for_roots(self: &Arc<Intakes>) {
        let threads: Vec<ThreadQueue> = lock(&self.threads).of_volume.values().cloned().collect();
        for queue in threads {
            if let Some(roots) = queue.heartbeat.stuck_on() {
                queue.heartbeat.replace();
                let mut threads = lock(&self.threads);
                threads.of_volume.retain(|_, known| !Arc::ptr_eq(&known.heartbeat, &queue.heartbeat));
                threads.of_root.retain(|_, known| !Arc::ptr_eq(&known.heartbeat, &queue.heartbeat));
                drop(threads);
                let known = self.parts.roots.now();
                for root in known.list().iter().filter(|root| roots.contains(&root.id)) {
                    if let Err(e) = self.start(root.clone()) {
                        tracing::warn!("a root on a disk that did not answer cannot be looked for: {e}");
                    }
                }
                continue;
            }
            if let Err(TrySendError::Full(_)) = queue.orders.try_send(Order::LookForRoots) {
                queue.lose(&self.parts.queue);
            }
        }
    }

    /// Ends what a thread does for a root. It ends with its last one.
    fn release(&self, root: RootId, thread: &Arc<Heartbeat>) {
        let mut threads = lock(&self.threads);
        let is_its = |known: &ThreadQueue| Arc::ptr_eq(&known.heartbeat, thread);
        // Another thread may have replaced this one.
        threads.of_root.retain(|known, queue| *known != root || !is_its(queue));
        if !threads.of_root.values().any(is_its) {
            threads.of_volume.retain(|_, known| !is_its(known));
            thread.replace();
        }
    }

    fn send(self: &Arc<Intakes>, root: Root, order: Order) -> Result<(), Refused> {
        let mut queue = self.queue_of(&root)?;
        let deadline = Instant::now() + ORDER_TIMEOUT;
        let mut order = order;
        while let Err(refused) = queue.orders.try_send(order) {
            order = match refused {
                TrySendError::Full(back) => back,
                TrySendError::Disconnected(_) if self.parts.lifecycle.is_stopping() => return Err(Refused::Ending),
                // Its thread had no root left and ended.
                TrySendError::Disconnected(back) => {
                    queue = self.queue_of(&root)?;
                    back
                }
            };
            if Instant::now() > deadline {
                return Err(Refused::Busy);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Returns the queue of a root's thread: the thread of the filesystem that the root was on first, even if it moves.
    fn queue_of(self: &Arc<Intakes>, root: &Root) -> Result<ThreadQueue, Refused> {
        if let Some(queue) = lock(&self.threads).of_root.get(&root.id) {
            return Ok(queue.clone());
        }
        let volume = root.volume_location.as_ref().map(|(volume, _)| volume.clone());
        let volume = volume.or_else(|| Some(Volume::of(&root.path)?.id)).unwrap_or_default();
        let mut threads = lock(&self.threads);
        let queue = match threads.of_volume.get(&volume) {
            Some(queue) => queue.clone(),
            None => {
                let queue = self.spawn()?;
                threads.of_volume.insert(volume, queue.clone());
                queue
            }
        };
        queue.heartbeat.look_after(root.id);
        threads.of_root.insert(root.id, queue.clone());
        Ok(queue)
    }

    fn spawn(self: &Arc<Intakes>) -> Result<ThreadQueue, Refused> {
        let (orders, receiver) = sync_channel(MAX_ORDERS);
        let heartbeat = self.parts.health.heartbeats.add(Kind::Intake);
        // Until its first root is found there is no watch, and no event to wait for.
        let queue =
            ThreadQueue { orders, lost: Arc::default(), sought: Arc::default(), marked: Arc::new(AtomicU64::new(u64::MAX)), heartbeat };
        let reader = Reader::open(&self.parts.configuration.location)?;
        let intake = Intake::new(self.parts.clone(), self.clone(), receiver, queue.clone(), reader);
        vital("intake", Nice::No, move || intake.run())?;
        Ok(queue)
    }
}

impl ThreadQueue {
    fn hint(&self, path: PathBuf, writing: Option<Writing>, ticket: Ticket, work: &Queue) {
        // If the queue is full, only the loss is recorded. The scan that follows finds the change.
        if let Err(TrySendError::Full(_)) = self.orders.try_send(Order::Hint(Hint::Path(path, writing), Some(ticket))) {
            self.lose(work);
        }
    }

    /// Records that events were lost.
    fn lose(&self, work: &Queue) {
        let mut lost = lock(&self.lost);
        if lost.is_none() {
            *lost = Some(self.heartbeat.roots().into_iter().map(|root| work.activity.begin(root)).collect());
        }
        // Wakes the thread. If there is no room, it is awake.
        let _ = self.orders.try_send(Order::Hint(Hint::Lost, None));
    }
}
