//! Intake: one thread for each filesystem that holds roots, so that one that hangs holds up no other, and
//! what moves from root to root on one is seen at both ends.

mod difference;
mod thread;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{io, path, thread as threads};

use thiserror::Error;

use super::pulse::{Kind, Pulse};
use super::shared::{Shared, Ticket, lock, read};
use super::write::Write;
use crate::intake::{Hint, Volume, Writing};
use crate::photo::{Place, Root, RootId};
use crate::store::{self, Reader};
use thread::Intake;

/// What intake is told. The ticket keeps the root busy until the effects are in the store.
pub enum Order {
    /// Watch a root and scan it.
    Start(Root, Ticket),
    /// Scan a place.
    Scan {
        root: Root,
        place: Place,
        /// Believe that what is gone is gone, however much it is.
        forget: bool,
        ticket: Ticket,
    },
    /// Roots may have come or gone.
    LookForRoots,
    /// Stop watching.
    Forget(Root),
    Hint(Hint, Option<Ticket>),
}

/// Orders that may wait, hints above all; a hint that finds no room is dropped and a scan of all
/// the thread's roots takes its place.
const ORDERS: usize = 8192;

/// How long an order may wait for a thread, which may be scanning.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why an order was not taken.
#[derive(Debug, Error)]
pub enum Refused {
    #[error("the daemon is busy with other folders")]
    Busy,
    #[error("the daemon is ending")]
    Ending,
    #[error("no thread for this disk: {0}")]
    Thread(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The way to one thread.
#[derive(Clone)]
struct Lane {
    orders: SyncSender<Order>,
    /// Hints were dropped.
    lost: Arc<AtomicBool>,
    pulse: Arc<Pulse>,
}

/// All intake threads; they end with the process.
pub struct Intakes {
    shared: Arc<Shared>,
    writes: SyncSender<Write>,
    lanes: Mutex<Lanes>,
}

#[derive(Default)]
struct Lanes {
    of_volume: HashMap<String, Lane>,
    of_root: HashMap<RootId, Lane>,
}

impl Intakes {
    pub fn new(shared: Arc<Shared>, writes: SyncSender<Write>) -> Arc<Intakes> {
        Arc::new(Intakes { shared, writes, lanes: Mutex::default() })
    }

    /// Watches and scans a root, or looks for it.
    ///
    /// # Errors
    /// When its thread is busy for long, or cannot be had.
    pub fn start(self: &Arc<Intakes>, root: Root) -> Result<(), Refused> {
        let ticket = self.shared.activity.begin(root.id);
        self.send(root.clone(), Order::Start(root, ticket))
    }

    /// Scans a place of a root.
    ///
    /// # Errors
    /// See [`start`](Intakes::start).
    pub fn scan(self: &Arc<Intakes>, root: Root, place: Place, forget: bool) -> Result<(), Refused> {
        let ticket = self.shared.activity.begin(root.id);
        self.send(root.clone(), Order::Scan { root, place, forget, ticket })
    }

    /// Stops watching a root.
    ///
    /// # Errors
    /// See [`start`](Intakes::start).
    pub fn forget(self: &Arc<Intakes>, root: Root) -> Result<(), Refused> {
        self.send(root.clone(), Order::Forget(root))
    }

    /// Has a path looked at soon. Never waits.
    pub fn hint(&self, root: RootId, path: path::PathBuf) {
        let Some(lane) = lock(&self.lanes).of_root.get(&root).cloned() else { return };
        lane.hint(Hint::Path(path, Writing::Unknown), Some(self.shared.activity.begin(root)));
    }

    /// Has every thread look for its roots. One that waits for a disk that does not answer, and may have been
    /// mounted anew, is given up: another takes its roots.
    pub fn look_for_roots(self: &Arc<Intakes>) {
        let lanes: Vec<Lane> = lock(&self.lanes).of_volume.values().cloned().collect();
        for lane in lanes {
            if let Some(roots) = lane.pulse.stuck_on() {
                lane.pulse.replace();
                let mut lanes = lock(&self.lanes);
                lanes.of_volume.retain(|_, known| !Arc::ptr_eq(&known.pulse, &lane.pulse));
                lanes.of_root.retain(|_, known| !Arc::ptr_eq(&known.pulse, &lane.pulse));
                drop(lanes);
                let known = read(&self.shared.roots).clone();
                for root in known.into_iter().filter(|root| roots.contains(&root.id)) {
                    if let Err(e) = self.start(root) {
                        tracing::warn!("a disk that did not answer is not looked for: {e}");
                    }
                }
                continue;
            }
            if let Err(TrySendError::Full(_)) = lane.orders.try_send(Order::LookForRoots) {
                lane.lost.store(true, Ordering::Relaxed);
            }
        }
    }

    fn send(self: &Arc<Intakes>, root: Root, order: Order) -> Result<(), Refused> {
        let lane = self.lane(&root)?;
        let deadline = Instant::now() + PATIENCE;
        let mut order = order;
        while let Err(refused) = lane.orders.try_send(order) {
            let TrySendError::Full(back) = refused else { return Err(Refused::Ending) };
            if Instant::now() > deadline {
                return Err(Refused::Busy);
            }
            order = back;
            threads::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// A root's thread, for as long as the daemon runs: that of the filesystem it was on first.
    fn lane(self: &Arc<Intakes>, root: &Root) -> Result<Lane, Refused> {
        if let Some(lane) = lock(&self.lanes).of_root.get(&root.id) {
            return Ok(lane.clone());
        }
        let volume = root.home.as_ref().map(|(volume, _)| volume.clone());
        let volume = volume.or_else(|| Some(Volume::of(&root.path)?.id)).unwrap_or_default();
        let mut lanes = lock(&self.lanes);
        let lane = match lanes.of_volume.get(&volume) {
            Some(lane) => lane.clone(),
            None => {
                let lane = self.spawn()?;
                lanes.of_volume.insert(volume, lane.clone());
                lane
            }
        };
        lane.pulse.look_after(root.id);
        lanes.of_root.insert(root.id, lane.clone());
        Ok(lane)
    }

    fn spawn(self: &Arc<Intakes>) -> Result<Lane, Refused> {
        let (orders, receiver) = sync_channel(ORDERS);
        let lane = Lane { orders, lost: Arc::default(), pulse: self.shared.pulses.add(Kind::Intake) };
        let reader = Reader::open(&self.shared.location)?;
        let intake = Intake::new(self.shared.clone(), self.clone(), receiver, lane.clone(), self.writes.clone(), reader);
        threads::Builder::new().name("intake".into()).spawn(move || intake.run())?;
        Ok(lane)
    }
}

impl Lane {
    fn hint(&self, hint: Hint, ticket: Option<Ticket>) {
        // A full queue drops the hint and remembers only that one was lost: the scan finds it.
        if let Err(TrySendError::Full(_)) = self.orders.try_send(Order::Hint(hint, ticket)) {
            self.lost.store(true, Ordering::Relaxed);
        }
    }
}
