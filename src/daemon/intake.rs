//! The intake thread: orders and hints in, seen and gone files out.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use super::presence::{Presence, presence};
use super::shared::{Shared, Ticket, folder_id, read, write};
use super::write::Write;
use crate::api::text_of;
use crate::api::types::What;
use crate::intake::{self, Change, Found, Hint, Settle, Volume, Watch};
use crate::photo::{Failure, Place, Root, RootId, Stage, Stamp};
use crate::store::Reader;

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
    /// Something was mounted or unmounted.
    Mounts,
    /// Stop watching.
    Forget(Root),
    Hint(Hint, Option<Ticket>),
}

/// Changes written at once during a scan.
const BATCH: usize = 2000;

/// How often roots are looked for while nothing else happens.
const IDLE: Duration = Duration::from_secs(60);

/// How long until a root is scanned without a reason: the shortest after a scan that found
/// something, then twice as long each time.
const SCANS: (Duration, Duration) = (Duration::from_secs(3600), Duration::from_secs(24 * 3600));
/// The same where changes are not noticed by themselves.
const POLLS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(1800));

/// So many files of a root may go at once without a question.
const FEW: usize = 50;

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
    /// When each root is scanned again, whatever happens.
    scans: HashMap<RootId, Instant>,
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
        Intake {
            shared,
            orders,
            writes,
            reader,
            watch: watch.ok(),
            settle: Settle::default(),
            settling: HashMap::new(),
            scans: HashMap::new(),
        }
    }

    /// Runs until every sender of orders is gone or the daemon stops.
    pub fn run(mut self) {
        while !self.shared.is_stopping() {
            let now = Instant::now();
            let next = self.settle.next().into_iter().chain(self.scans.values().copied()).min();
            match self.orders.recv_timeout(next.map_or(IDLE, |next| next.saturating_duration_since(now)).min(IDLE)) {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) if now.elapsed() >= IDLE => self.look_for_roots(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.shared.hints_lost.swap(false, std::sync::atomic::Ordering::Relaxed) {
                self.obey(Order::Hint(Hint::Lost, None));
            }
            self.look_at_due();
            self.scan_due();
            self.settling.retain(|id, _| read(&self.shared.roots).iter().any(|root| root.id == *id && self.settle.holds(&root.path)));
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(root, ticket) => self.start(&root, ticket),
            Order::Scan { root, place, forget, ticket } => {
                // Whether it is here may be the question.
                if self.is_where_it_was(&root) { self.scan(&root, &place, forget, ticket) } else { self.start(&root, ticket) }
            }
            Order::Mounts => self.look_for_roots(),
            Order::Forget(root) => {
                if let Some(watch) = &mut self.watch {
                    watch.remove(&root.path);
                }
                write(&self.shared.states).remove(&root.id);
                self.scans.remove(&root.id);
            }
            Order::Hint(Hint::Path(path), ticket) => {
                if let (Some(root), Some(ticket)) = (self.shared.root_of(&path), ticket) {
                    if let Some(state) = write(&self.shared.states).get_mut(&root.id) {
                        state.hints += 1;
                    }
                    self.settling.entry(root.id).or_insert(ticket);
                    self.settle.hint(&path, Instant::now());
                }
            }
            Order::Hint(Hint::Lost, _) => {
                tracing::info!("events were lost: everything is looked at again");
                let roots = read(&self.shared.roots).clone();
                for root in roots {
                    let ticket = self.shared.activity.begin(root.id);
                    self.start(&root, ticket);
                }
            }
        }
    }

    /// Finds a root, watches it and scans it; or says that it is offline.
    fn start(&mut self, root: &Root, ticket: Ticket) {
        // As it is known now: an order may have waited while the root moved, or was removed.
        let Some(root) = &read(&self.shared.roots).iter().find(|known| known.id == root.id).cloned() else { return };
        let was_offline = read(&self.shared.states).get(&root.id).is_some_and(|state| state.offline.is_some());
        let root = match presence(root, &self.reader) {
            Presence::Online(found) => found,
            Presence::Offline(why) => {
                tracing::info!("{} is offline: {why}", root.path.display());
                if let Some(watch) = &mut self.watch {
                    watch.remove(&root.path);
                }
                self.scans.remove(&root.id);
                let mut states = write(&self.shared.states);
                let state = states.entry(root.id).or_default();
                (state.folder, state.offline) = (None, Some(why.clone()));
                drop(states);
                if !was_offline {
                    self.shared.tell(What::Offline { path: text_of(&root.path), reason: why });
                }
                return;
            }
        };
        self.place(&root);
        if was_offline {
            self.shared.tell(What::Online(text_of(&root.path)));
        }
        // Before the watch and the scan: what changes later is an event.
        let folder = folder_id(&root.path);
        {
            let mut states = write(&self.shared.states);
            let state = states.entry(root.id).or_default();
            (state.folder, state.offline) = (folder, None);
        }
        self.watch(&root);
        let all = Place { root: root.id, path: PathBuf::new() };
        self.scan(&root, &all, false, ticket);
    }

    /// Records where a root is, if that is new.
    fn place(&mut self, root: &Root) {
        let known = read(&self.shared.roots).iter().find(|known| known.id == root.id).cloned();
        let Some(known) = known.filter(|known| known != root) else { return };
        if known.path != root.path {
            tracing::info!("{} is now at {}", known.path.display(), root.path.display());
            if let Some(watch) = &mut self.watch {
                watch.remove(&known.path);
            }
        }
        let (done, wait) = sync_channel(1);
        self.write(Write::PlaceRoot(root.clone(), done));
        let _ = wait.recv();
    }

    fn is_where_it_was(&self, root: &Root) -> bool {
        let folder = folder_id(&root.path);
        folder.is_some() && read(&self.shared.states).get(&root.id).is_some_and(|state| state.folder == folder)
    }

    /// Takes up roots that came, went, or whose folder is another one now.
    fn look_for_roots(&mut self) {
        let roots = read(&self.shared.roots).clone();
        for root in roots {
            let is_offline = !self.shared.is_online(root.id);
            if is_offline && matches!(presence(&root, &self.reader), Presence::Offline(_)) || !is_offline && self.is_where_it_was(&root) {
                continue;
            }
            let ticket = self.shared.activity.begin(root.id);
            self.start(&root, ticket);
        }
    }

    fn scan_due(&mut self) {
        let now = Instant::now();
        let due: Vec<RootId> = self.scans.iter().filter(|(_, at)| **at <= now).map(|(root, _)| *root).collect();
        for id in due {
            self.scans.remove(&id);
            let root = read(&self.shared.roots).iter().find(|root| root.id == id).cloned();
            if let Some(root) = root {
                let ticket = self.shared.activity.begin(id);
                self.obey(Order::Scan { place: Place { root: id, path: PathBuf::new() }, root, forget: false, ticket });
            }
        }
    }

    fn watch(&mut self, root: &Root) {
        let Some(watch) = &mut self.watch else { return };
        // Watched anew: a folder whose making was missed, or a root that was replaced, has no watch.
        watch.remove(&root.path);
        let failed = watch.add(&root.path).err().map(|e| e.to_string());
        if let Some(why) = &failed {
            tracing::warn!("{} is not watched: {why}", root.path.display());
        }
        let why = failed.or_else(|| Volume::of(&root.path)?.silence());
        if let Some(state) = write(&self.shared.states).get_mut(&root.id) {
            state.unwatched = why;
        }
    }

    /// Looks at the paths that are due now. All that is there is written before all that is
    /// gone, so that a file that moved is known by its inode.
    fn look_at_due(&mut self) {
        let mut walks = Vec::new();
        // What lies below another due path is looked at with it: two looks would contradict each other.
        let mut due = self.settle.take_due(Instant::now());
        due.dedup_by(|inner, outer| inner.starts_with(&*outer));
        for path in due {
            let Some(root) = self.shared.root_of(&path) else { continue };
            let Some(place) = root.place(&path) else { continue };
            let ticket = self.shared.activity.begin(root.id);
            if place.path.as_os_str().is_empty() {
                // The root itself went, or came, or is another one.
                self.start(&root, ticket);
            } else {
                walks.extend(self.walk(&root, &place).map(|found| (root, place, found, ticket)));
            }
        }
        if walks.is_empty() || self.flush().is_none() {
            return;
        }
        let (mut gone, mut tickets) = (Vec::new(), Vec::new());
        for (root, place, found, ticket) in walks {
            let Some(difference) = self.difference(&root, &place, &found) else { continue };
            self.write_folders(difference.forgiven, difference.unreadable);
            self.write_files(difference.seen, Vec::new());
            gone.extend(difference.gone);
            tickets.push(ticket);
        }
        let (gone, _) = self.believed(gone);
        self.write_files(Vec::new(), gone);
        // A file that a worker gave back, and that is as it was, is to be read again now.
        self.shared.pending.raise();
        tickets.into_iter().for_each(|ticket| self.write(Write::Done { _ticket: ticket }));
    }

    fn scan(&mut self, root: &Root, place: &Place, forget: bool, ticket: Ticket) {
        let path = text_of(&root.path_of(place));
        self.shared.tell(What::ScanStarted(path.clone()));
        let found = self.walk(root, place).filter(|_| self.flush().is_some());
        let difference = found.and_then(|found| self.difference(root, place, &found));
        let was_whole = difference.is_some() && place.path.as_os_str().is_empty();
        let difference = difference.unwrap_or_default();
        let changes = (difference.seen.len() + difference.gone.len()) as u64;
        self.write_folders(difference.forgiven, difference.unreadable);
        self.write_files(difference.seen, Vec::new());
        let (gone, missing) = if forget { (difference.gone, 0) } else { self.believed(difference.gone) };
        self.write_files(Vec::new(), gone);
        if was_whole {
            self.scanned(root, changes > 0, missing);
        }
        // After everything above: the root stays busy until it is committed.
        self.write(Write::Done { _ticket: ticket });
        self.shared.tell(What::ScanFinished { path, changes });
    }

    /// After a scan of a whole root: when the next one is.
    fn scanned(&mut self, root: &Root, found_something: bool, missing: usize) {
        let mut states = write(&self.shared.states);
        let Some(state) = states.get_mut(&root.id) else { return };
        let (shortest, longest) = if state.unwatched.is_some() { POLLS } else { SCANS };
        let next = if found_something { shortest } else { 2 * state.scanned_every };
        state.scanned_every = next.clamp(shortest, longest);
        state.last_scan = Some(SystemTime::now());
        state.missing = missing;
        self.scans.insert(root.id, Instant::now() + state.scanned_every);
    }

    /// What may be forgotten of what is gone, and how many files may not: when most of a root goes
    /// at once, it was more likely a disk that went than a person who deleted.
    fn believed(&self, gone: Vec<Place>) -> (Vec<Place>, usize) {
        let mut of_roots: HashMap<RootId, Vec<Place>> = HashMap::new();
        gone.into_iter().for_each(|place| of_roots.entry(place.root).or_default().push(place));
        let mut believed = Vec::new();
        let mut held_back = 0;
        for (root, gone) in of_roots {
            // Files that moved are here under another name by now.
            let (moved, lost): (Vec<Place>, Vec<Place>) = if gone.len() < FEW || self.flush().is_none() {
                (gone, Vec::new())
            } else {
                gone.into_iter().partition(|place| self.reader.has_moved(place).unwrap_or(false))
            };
            believed.extend(moved);
            let all = self.reader.count_files(&Place { root, path: PathBuf::new() }).unwrap_or(usize::MAX);
            if lost.len() < FEW || lost.len() as f64 <= self.shared.settings.forget_at_once * all as f64 {
                believed.extend(lost);
                continue;
            }
            held_back += lost.len();
            tracing::warn!("{} of {all} files of a folder are gone at once; they are kept until somebody says so", lost.len());
            if let Some(state) = write(&self.shared.states).get_mut(&root) {
                state.missing = lost.len();
            }
        }
        believed.sort_unstable();
        (believed, held_back)
    }

    /// What is on the disk at one place. Nothing is said of a root that is away, or went while it was
    /// walked: its mount point is an empty folder then.
    fn walk(&self, root: &Root, place: &Place) -> Option<Found> {
        let found = intake::walk(&root.path, &place.path, &self.shared.stopping)?;
        self.is_where_it_was(root).then_some(found)
    }

    /// How what was found differs from the store, which must hold all that earlier looks found.
    fn difference(&mut self, root: &Root, place: &Place, found: &Found) -> Option<Difference> {
        let known = self.reader.files(place).ok()?;
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
        let (mut links, mut asked) = (Vec::new(), HashSet::new());
        for change in intake::compare(found, &known) {
            let (path, inode) = match &change {
                Change::Seen(path, stamp) => (path, Some(stamp.inode)),
                Change::Gone(path) => (path, None),
            };
            // Once for each file: one with many names loses many of them at once.
            if known
                .get(path)
                .is_some_and(|known| Some(known.stamp.inode) != inode && asked.insert((known.stamp.volume, known.stamp.inode)))
            {
                links.extend(self.reader.links(&at(path)).unwrap_or_default());
            }
            match change {
                Change::Seen(path, stamp) => difference.seen.push((at(&path), stamp)),
                Change::Gone(path) => difference.gone.push(at(&path)),
            }
        }
        self.suspect(links);
        Some(difference)
    }

    /// Looks again at other names of files that lost one: who wrote through that name before it went
    /// raised no event for the others.
    fn suspect(&mut self, links: Vec<Place>) {
        for link in links {
            if let Some(path) = self.shared.path_of(&link) {
                self.settling.entry(link.root).or_insert_with(|| self.shared.activity.begin(link.root));
                self.settle.hint(&path, Instant::now());
            }
        }
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
