//! The intake thread: orders and hints in, seen and gone files out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use super::shared::{Shared, Ticket, read, write};
use super::write::Write;
use crate::api::text_of;
use crate::api::types::What;
use crate::intake::{self, Change, Hint, Settle, Watch};
use crate::photo::{Failure, Place, Root, RootId, Stage};
use crate::store::Reader;

/// What intake is told. The ticket keeps the root busy until the effects are in the store.
pub enum Order {
    /// Watch a root and scan it.
    Start(Root, Ticket),
    /// Scan a place.
    Scan(Root, Place, Ticket),
    /// Stop watching.
    Forget(Root),
    Hint(Hint),
}

/// Changes written at once during a scan.
const BATCH: usize = 2000;

/// How often lost hints are looked for while nothing else happens.
const IDLE: Duration = Duration::from_secs(60);

pub struct Intake {
    shared: Arc<Shared>,
    orders: Receiver<Order>,
    writes: SyncSender<Write>,
    reader: Reader,
    watch: Option<Watch>,
    settle: Settle,
    /// Keeps a root busy while one of its paths settles.
    settling: HashMap<RootId, Ticket>,
}

impl Intake {
    pub fn new(
        shared: Arc<Shared>,
        orders: Receiver<Order>,
        hints: SyncSender<Order>,
        writes: SyncSender<Write>,
        reader: Reader,
    ) -> Intake {
        let for_hints = shared.clone();
        // A full queue drops the hint and remembers only that one was lost: the scan finds it.
        let watch = Watch::new(move |hint| {
            if let Err(TrySendError::Full(_)) = hints.try_send(Order::Hint(hint)) {
                for_hints.hints_lost.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        });
        if let Err(e) = &watch {
            shared.set_problem("watch", Some(format!("new files are not noticed by themselves: {e}")));
        }
        Intake { shared, orders, writes, reader, watch: watch.ok(), settle: Settle::default(), settling: HashMap::new() }
    }

    /// Runs until every sender of orders is gone or the daemon stops.
    pub fn run(mut self) {
        while !self.shared.is_stopping() {
            let wait = self.settle.next().map_or(IDLE, |next| next.saturating_duration_since(Instant::now()));
            match self.orders.recv_timeout(wait) {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.shared.hints_lost.swap(false, std::sync::atomic::Ordering::Relaxed) {
                self.obey(Order::Hint(Hint::Lost));
            }
            for path in self.settle.take_quiet(Instant::now()) {
                if let Some(root) = self.shared.root_of(&path) {
                    self.look_at(&root, &path);
                }
            }
            self.settling.retain(|id, _| read(&self.shared.roots).iter().any(|root| root.id == *id && self.settle.holds(&root.path)));
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(root, ticket) => {
                self.watch(&root);
                let all = Place { root: root.id, path: PathBuf::new() };
                self.scan(&root, &all, ticket);
            }
            Order::Scan(root, place, ticket) => self.scan(&root, &place, ticket),
            Order::Forget(root) => {
                if let Some(watch) = &mut self.watch {
                    watch.remove(&root.path);
                }
                write(&self.shared.unwatched).remove(&root.id);
            }
            Order::Hint(Hint::Path(path)) => {
                if let Some(root) = self.shared.root_of(&path) {
                    self.settling.entry(root.id).or_insert_with(|| self.shared.activity.begin(root.id));
                    self.settle.hint(&path, Instant::now());
                }
            }
            Order::Hint(Hint::Lost) => {
                let roots = read(&self.shared.roots).clone();
                for root in roots {
                    let ticket = self.shared.activity.begin(root.id);
                    self.obey(Order::Start(root, ticket));
                }
            }
        }
    }

    fn watch(&mut self, root: &Root) {
        let Some(watch) = &mut self.watch else { return };
        let why = watch.add(&root.path).err().map(|e| e.to_string());
        let mut unwatched = write(&self.shared.unwatched);
        match why {
            Some(why) => {
                tracing::warn!("{} is not watched: {why}", root.path.display());
                unwatched.insert(root.id, why);
            }
            None => {
                unwatched.remove(&root.id);
            }
        }
    }

    /// Something happened to a path that is quiet now.
    fn look_at(&mut self, root: &Root, path: &Path) {
        let Some(place) = root.place(path) else { return };
        if place.path.iter().any(intake::is_left_out) {
            return;
        }
        let ticket = self.shared.activity.begin(root.id);
        self.reconcile(root, &place, ticket);
    }

    fn scan(&mut self, root: &Root, place: &Place, ticket: Ticket) {
        let path = text_of(&root.path_of(place));
        self.shared.tell(What::ScanStarted(path.clone()));
        let changes = self.reconcile(root, place, ticket);
        self.shared.tell(What::ScanFinished { path, changes: changes as u64 });
    }

    /// Makes the store agree with the disk at one place; returns how many files differ. A root
    /// that is not there is offline: nothing is said of its files.
    fn reconcile(&mut self, root: &Root, place: &Place, ticket: Ticket) -> usize {
        if !root.path.is_dir() {
            return 0;
        }
        let (Some(found), Ok(known), Ok(unreadable_before)) =
            (intake::walk(&root.path, &place.path, &self.shared.stopping), self.reader.files(place), self.reader.unreadable_folders(place))
        else {
            return 0;
        };
        let at = |path: &Path| Place { root: root.id, path: path.to_owned() };
        let forgiven = unreadable_before.into_iter().filter(|p| !found.unreadable.iter().any(|(q, _)| q == p)).map(|p| at(&p)).collect();
        let folders = found
            .unreadable
            .iter()
            .map(|(path, why)| (at(path), Failure::new(Stage::Open, format!("this folder cannot be read: {why}"))))
            .collect();
        self.write(Write::Folders { forgiven, unreadable: folders });
        let changes = intake::compare(&found, &known);
        let count = changes.len();
        for part in changes.chunks(BATCH) {
            let (mut seen, mut gone) = (Vec::new(), Vec::new());
            for change in part {
                match change {
                    Change::Seen(path, stamp) => seen.push((at(path), *stamp)),
                    Change::Gone(path) => gone.push(at(path)),
                }
            }
            self.write(Write::Files { seen, gone });
        }
        // After everything above: the root stays busy until it is committed.
        self.write(Write::Done { _ticket: ticket });
        count
    }

    fn write(&self, write: Write) {
        // The writer outlives intake, except at the end, when nothing more needs writing.
        let _ = self.writes.send(write);
    }
}
