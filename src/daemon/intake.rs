//! The intake thread: orders and hints in, seen and gone files out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use super::shared::{Shared, Ticket, folder_id, read, write};
use super::write::Write;
use crate::api::text_of;
use crate::api::types::What;
use crate::intake::{self, Change, Hint, Settle, Watch};
use crate::photo::{Failure, KnownFile, Place, Root, RootId, Stage, Stamp};
use crate::store::Reader;

/// What intake is told. The ticket keeps the root busy until the effects are in the store.
pub enum Order {
    /// Watch a root and scan it.
    Start(Root, Ticket),
    /// Scan a place.
    Scan(Root, Place, Ticket),
    /// Stop watching.
    Forget(Root),
    Hint(Hint, Option<Ticket>),
}

/// Changes written at once during a scan.
const BATCH: usize = 2000;

/// How often lost hints are looked for while nothing else happens.
const IDLE: Duration = Duration::from_secs(60);

/// Whether a folder is on another filesystem than all its known files: the empty mount point of a
/// volume that is away.
fn is_elsewhere<'a>(folder: &Path, mut known: impl Iterator<Item = &'a KnownFile>) -> bool {
    let Some(first) = known.next() else { return false };
    folder_id(folder).is_some_and(|(volume, ..)| volume != first.stamp.volume && known.all(|file| volume != file.stamp.volume))
}

/// What the store must be told of a place.
#[derive(Default)]
struct Difference {
    seen: Vec<(Place, Stamp)>,
    gone: Vec<Place>,
    unreadable: Vec<(Place, Failure)>,
    /// Folders that could not be listed before and can be now.
    forgiven: Vec<Place>,
}

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
            let ticket = match &hint {
                Hint::Path(path) => match for_hints.hinted_root(path) {
                    Some(root) => Some(for_hints.activity.begin(root.id)),
                    None => return,
                },
                Hint::Lost => None,
            };
            if let Err(TrySendError::Full(_)) = hints.try_send(Order::Hint(hint, ticket)) {
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
                Err(RecvTimeoutError::Timeout) => self.look_for_roots(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.shared.hints_lost.swap(false, std::sync::atomic::Ordering::Relaxed) {
                self.obey(Order::Hint(Hint::Lost, None));
            }
            self.look_at_due();
            self.settling.retain(|id, _| read(&self.shared.roots).iter().any(|root| root.id == *id && self.settle.holds(&root.path)));
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(root, ticket) => {
                self.watch(&root);
                write(&self.shared.started).insert(root.id, folder_id(&root.path));
                let all = Place { root: root.id, path: PathBuf::new() };
                self.scan(&root, &all, ticket);
            }
            Order::Scan(root, place, ticket) => self.scan(&root, &place, ticket),
            Order::Forget(root) => {
                if let Some(watch) = &mut self.watch {
                    watch.remove(&root.path);
                }
                write(&self.shared.unwatched).remove(&root.id);
                write(&self.shared.started).remove(&root.id);
            }
            Order::Hint(Hint::Path(path), ticket) => {
                if let (Some(root), Some(ticket)) = (self.shared.root_of(&path), ticket) {
                    self.settling.entry(root.id).or_insert(ticket);
                    self.settle.hint(&path, Instant::now());
                }
            }
            Order::Hint(Hint::Lost, _) => {
                let roots = read(&self.shared.roots).clone();
                for root in roots {
                    let ticket = self.shared.activity.begin(root.id);
                    self.obey(Order::Start(root, ticket));
                }
            }
        }
    }

    /// Takes up roots that came back, or whose folder is another one now.
    fn look_for_roots(&mut self) {
        let roots = read(&self.shared.roots).clone();
        for root in roots {
            let id = folder_id(&root.path);
            if id.is_some() && read(&self.shared.started).get(&root.id) != Some(&id) {
                let ticket = self.shared.activity.begin(root.id);
                self.obey(Order::Start(root, ticket));
            }
        }
    }

    fn watch(&mut self, root: &Root) {
        let Some(watch) = &mut self.watch else { return };
        // Watched anew: a folder whose making was missed, or a root that was replaced, has no watch.
        watch.remove(&root.path);
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

    /// Looks at the paths that are due now. All that is there is written before all that is
    /// gone, so that a file that moved is known by its inode.
    fn look_at_due(&mut self) {
        let mut differences = Vec::new();
        for path in self.settle.take_due(Instant::now()) {
            let Some(root) = self.shared.root_of(&path) else { continue };
            let Some(place) = root.place(&path) else { continue };
            let ticket = self.shared.activity.begin(root.id);
            if place.path.as_os_str().is_empty() {
                // The root itself went, or came, or is another one.
                self.obey(Order::Start(root, ticket));
            } else {
                differences.extend(self.difference(&root, &place).map(|d| (d, ticket)));
            }
        }
        let (mut gone, mut tickets) = (Vec::new(), Vec::new());
        for (difference, ticket) in differences {
            self.write_folders(difference.forgiven, difference.unreadable);
            self.write_files(difference.seen, Vec::new());
            gone.extend(difference.gone);
            tickets.push(ticket);
        }
        self.write_files(Vec::new(), gone);
        tickets.into_iter().for_each(|ticket| self.write(Write::Done { _ticket: ticket }));
    }

    fn scan(&mut self, root: &Root, place: &Place, ticket: Ticket) {
        let path = text_of(&root.path_of(place));
        self.shared.tell(What::ScanStarted(path.clone()));
        let difference = self.difference(root, place).unwrap_or_default();
        let changes = (difference.seen.len() + difference.gone.len()) as u64;
        self.write_folders(difference.forgiven, difference.unreadable);
        self.write_files(difference.seen, difference.gone);
        // After everything above: the root stays busy until it is committed.
        self.write(Write::Done { _ticket: ticket });
        self.shared.tell(What::ScanFinished { path, changes });
    }

    /// How the disk differs from the store at one place. A root that is not there is offline:
    /// nothing is said of its files.
    fn difference(&self, root: &Root, place: &Place) -> Option<Difference> {
        if !root.path.is_dir() {
            return None;
        }
        let found = intake::walk(&root.path, &place.path, &self.shared.stopping)?;
        self.flush()?;
        let known = self.reader.files(place).ok()?;
        if found.files.is_empty() && place.path.as_os_str().is_empty() && is_elsewhere(&root.path, known.values()) {
            return None;
        }
        let unreadable_before = self.reader.unreadable_folders(place).ok()?;
        let at = |path: &Path| Place { root: root.id, path: path.to_owned() };
        let mut difference = Difference {
            forgiven: unreadable_before.iter().filter(|p| !found.unreadable.iter().any(|(q, _)| q == *p)).map(|p| at(p)).collect(),
            unreadable: found
                .unreadable
                .iter()
                .map(|(path, why)| (at(path), Failure::new(Stage::Open, format!("this folder cannot be read: {why}"))))
                .collect(),
            ..Difference::default()
        };
        for change in intake::compare(&found, &known) {
            match change {
                Change::Seen(path, stamp) => difference.seen.push((at(&path), stamp)),
                Change::Gone(path) => difference.gone.push(at(&path)),
            }
        }
        Some(difference)
    }

    fn write_folders(&self, forgiven: Vec<Place>, unreadable: Vec<(Place, Failure)>) {
        if !forgiven.is_empty() || !unreadable.is_empty() {
            self.write(Write::Folders { forgiven, unreadable });
        }
    }

    /// Part by part: workers need not wait for the last of a large scan.
    fn write_files(&self, seen: Vec<(Place, Stamp)>, gone: Vec<Place>) {
        seen.chunks(BATCH).for_each(|part| self.write(Write::Files { seen: part.to_vec(), gone: Vec::new() }));
        gone.chunks(BATCH).for_each(|part| self.write(Write::Files { seen: Vec::new(), gone: part.to_vec() }));
    }

    /// Waits until what was written is in the store: a file that is again as the store still says
    /// it was, but as the last look did not find it, would be taken for unchanged.
    fn flush(&self) -> Option<()> {
        let (done, wait) = sync_channel(1);
        self.writes.send(Write::Flush(done)).ok()?;
        wait.recv().ok()
    }

    fn write(&self, write: Write) {
        // The writer outlives intake, except at the end, when nothing more needs writing.
        let _ = self.writes.send(write);
    }
}
