//! The writer thread: everything that changes the store, in the order it came.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::oneshot;

use super::heads::{keep, looks};
use super::shared::{Shared, Ticket, lock, read, write};
use super::work::Outcome;
use crate::api::text_of;
use crate::api::types::What;
use crate::likeness::{Crowd, REACH, arrive};
use crate::photo::{Counters, Encoded, Failure, Looks, PhotoId, PictureHash, Place, Root, RootId, Stamp};
use crate::store::{self, Batch, IsNew, Sight, Writer};

/// A change to the store.
pub enum Write {
    Files {
        seen: Vec<(Place, Stamp)>,
        gone: Vec<Place>,
        moves: Arc<Moves>,
    },
    /// Files of a root that could not be opened or read are tried again.
    Retry(RootId),
    /// Folders that cannot be listed, and those that can again.
    Folders {
        forgiven: Vec<Place>,
        unreadable: Vec<(Place, Failure)>,
    },
    /// A worker is done with a file; without an outcome it stays pending.
    Read {
        place: Place,
        outcome: Option<Box<Outcome>>,
        counters: Counters,
    },
    /// Everything before is committed when the ticket goes.
    Done {
        _ticket: Ticket,
    },
    /// Tells when everything before is committed.
    Flush(SyncSender<()>),
    AddRoot(PathBuf, oneshot::Sender<store::Result<Root>>),
    RemoveRoot(Root, oneshot::Sender<store::Result<()>>),
    /// A root is at another path, or on another filesystem, than was known.
    PlaceRoot(Root, SyncSender<()>),
    /// Anything else, in its turn.
    Run(Box<dyn FnOnce(&mut Writer) + Send>),
}

/// Files that were seen where others are gone, and are the same.
#[derive(Default)]
pub struct Moves {
    /// Where what is here was before.
    pub from: HashMap<Place, Place>,
    /// The places that were left.
    pub left: HashSet<Place>,
}

/// Why nothing came of an order to the writer.
#[derive(Debug, Error)]
pub enum Unwritten {
    #[error("the daemon is ending")]
    Ending,
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Has the writer do something in its turn, and waits for what comes of it.
pub fn written<T: Send + 'static>(
    writes: &SyncSender<Write>,
    work: impl FnOnce(&mut Writer) -> store::Result<T> + Send + 'static,
) -> Result<T, Unwritten> {
    let (reply, answer) = sync_channel(1);
    // Whoever asked may be gone: then nobody wants to know.
    let run = move |writer: &mut Writer| drop(reply.send(work(writer)));
    writes.send(Write::Run(Box::new(run))).map_err(|_| Unwritten::Ending)?;
    Ok(answer.recv().map_err(|_| Unwritten::Ending)??)
}

/// Changes committed at once, at most.
const BATCH: usize = 128;

/// How long it sleeps while nothing is to be written; whoever stops the daemon wakes it.
const IDLE: Duration = Duration::from_secs(60);
/// How long the last words of others are waited for at the end.
const LAST: Duration = Duration::from_millis(200);

/// How long to wait before trying again when the disk is full.
const RETRY: Duration = Duration::from_secs(2);

pub struct WriteThread {
    pub shared: Arc<Shared>,
    pub writer: Writer,
    pub writes: Receiver<Write>,
    /// Places whose file changed and is not read again yet.
    pub changed: HashSet<Place>,
}

impl WriteThread {
    /// Runs until the daemon stops, then commits what has come.
    pub fn run(mut self) {
        loop {
            self.shared.beats.fetch_add(1, Ordering::Relaxed);
            let wait = if self.shared.is_stopping() { LAST } else { IDLE };
            let first = match self.writes.recv_timeout(wait) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) if !self.shared.is_stopping() => continue,
                Err(_) => None,
            };
            let mut batch: Vec<Write> = first.into_iter().collect();
            while batch.len() < BATCH
                && let Ok(next) = self.writes.try_recv()
            {
                batch.push(next);
            }
            if batch.is_empty() {
                let _ = self.writer.tidy();
                return;
            }
            self.commit(batch);
        }
    }

    /// Writes a batch, again and again while the disk has no room for it.
    fn commit(&mut self, batch: Vec<Write>) {
        let (roots, changes): (Vec<Write>, Vec<Write>) =
            batch.into_iter().partition(|w| matches!(w, Write::AddRoot(..) | Write::RemoveRoot(..) | Write::PlaceRoot(..) | Write::Run(_)));
        loop {
            match self.write(&changes) {
                Ok(joined) => {
                    if changes.iter().any(|change| !matches!(change, Write::Flush(_) | Write::Done { .. })) {
                        self.shared.commits.fetch_add(1, Ordering::Relaxed);
                    }
                    write(&self.shared.active).index.join(&joined.new, &joined.crowds);
                    self.shared.set_problem("store", None);
                    self.tell(&changes, joined.sights, &joined.outdated);
                    break;
                }
                Err(e) => {
                    let remedy = if e.is_disk() { "; make room, it goes on by itself" } else { "" };
                    self.shared.set_problem(
                        "store",
                        Some(format!("nothing can be stored in {}: {e}{remedy}", self.shared.settings.data_dir.display())),
                    );
                    self.shared.activity.announce();
                    self.shared.examine_index();
                    self.shared.beats.fetch_add(1, Ordering::Relaxed);
                    if self.shared.stopping.load(Ordering::Relaxed) {
                        break;
                    }
                    std::thread::sleep(RETRY);
                }
            }
        }
        self.release(&changes);
        for change in &changes {
            if let Write::Flush(done) = change {
                // It has room for one, and nobody else sends.
                let _ = done.try_send(());
            }
        }
        // A file that is left pending is not handed out again at once.
        let news = changes.iter().any(|c| matches!(c, Write::Files { .. } | Write::Retry(_) | Write::Read { outcome: Some(_), .. }));
        drop(changes);
        if !roots.is_empty() {
            roots.into_iter().for_each(|order| self.change_roots(order));
            self.shared.commits.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.activity.announce();
        if news {
            self.shared.pending.raise();
        }
    }

    /// Whoever asked hears of it when everyone sees it.
    fn change_roots(&mut self, order: Write) {
        let order = match order {
            Write::Run(work) => return work(&mut self.writer),
            order => order,
        };
        let is_hidden = |below: &Path| self.shared.live().rules.hide(below);
        if let Write::PlaceRoot(root, _) = &order
            && let Err(e) = self.writer.place_root(root).and_then(|()| self.writer.absorb(&is_hidden))
        {
            tracing::warn!("where {} is could not be recorded: {e}", root.path.display());
        }
        let (root, removed) = match &order {
            Write::PlaceRoot(..) => (None, None),
            Write::AddRoot(path, _) => (Some(self.writer.add_root(path, &is_hidden)), None),
            Write::RemoveRoot(root, _) => (None, Some(self.writer.remove_root(root.id))),
            _ => return,
        };
        if let Ok(roots) = self.writer.roots() {
            *write(&self.shared.roots) = roots;
        }
        match (&order, &root, &removed) {
            (Write::AddRoot(path, _), Some(Ok(_)), _) => tracing::info!("{} is watched from now on", path.display()),
            (Write::RemoveRoot(root, _), _, Some(Ok(()))) => tracing::info!("{} is not watched any more", root.path.display()),
            _ => {}
        }
        // A client that went away does not want to know.
        match (order, root, removed) {
            (Write::AddRoot(path, reply), Some(added), _) => drop(reply.send(added.map(|id| Root { id, path, home: None }))),
            (Write::RemoveRoot(_, reply), _, Some(removed)) => drop(reply.send(removed)),
            (Write::PlaceRoot(_, done), ..) => drop(done.try_send(())),
            _ => {}
        }
    }

    /// One transaction: all changes, with what new photos bring.
    fn write(&mut self, changes: &[Write]) -> store::Result<Joined> {
        let (active, recipe) = (read(&self.shared.active), &self.shared.recipe);
        self.writer.batch(|batch| {
            let mut new: Vec<(PhotoId, Looks)> = Vec::new();
            let mut done = Counters::default();
            let (mut sights, mut outdated) = (Vec::new(), HashSet::new());
            for change in changes {
                match change {
                    Write::Files { seen, gone, .. } => {
                        for (place, stamp) in seen {
                            sights.push((place.clone(), batch.see(place, stamp)?));
                        }
                        gone.iter().try_for_each(|place| batch.forget(place))?;
                    }
                    Write::Folders { forgiven, unreadable } => {
                        forgiven.iter().try_for_each(|place| batch.forgive(place))?;
                        unreadable.iter().try_for_each(|(place, failure)| batch.fail_folder(place, failure))?;
                    }
                    Write::Read { place, outcome, counters } => {
                        done.read += counters.read;
                        done.decoded += counters.decoded;
                        done.embedded += counters.embedded;
                        if let Some(outcome) = outcome {
                            let settled = settle(batch, place, outcome, recipe)?;
                            new.extend(settled.new.map(|(photo, encoded)| (photo, looks(&active.head, encoded))));
                            outdated.extend((!settled.counts).then(|| place.clone()));
                        }
                    }
                    Write::Retry(root) => batch.retry(*root)?,
                    Write::Done { .. }
                    | Write::Flush(_)
                    | Write::AddRoot(..)
                    | Write::RemoveRoot(..)
                    | Write::PlaceRoot(..)
                    | Write::Run(_) => {}
                }
            }
            let arrival = arrive(&active.index, &new, REACH, |photos| batch.keypoints_of(photos))?;
            keep(batch, active.number, &new, &arrival)?;
            batch.count(&done)?;
            Ok(Joined { new, crowds: arrival.crowds, sights, outdated })
        })
    }

    /// These files and pictures may be taken up again.
    fn release(&self, changes: &[Write]) {
        let mut in_flight = lock(&self.shared.in_flight);
        for change in changes {
            if let Write::Read { place, outcome, .. } = change {
                in_flight.places.remove(place);
                if let Some(Outcome::New { made, .. }) = outcome.as_deref() {
                    in_flight.pictures.remove::<PictureHash>(&made.identity.picture);
                }
            }
        }
    }

    fn tell(&mut self, changes: &[Write], sights: Vec<(Place, Sight)>, outdated: &HashSet<Place>) {
        let shared = self.shared.clone();
        let text = |place: &Place| shared.path_of(place).map(|p| text_of(&p));
        let moved_from = |place: &Place| {
            changes.iter().find_map(|change| match change {
                Write::Files { moves, .. } => moves.from.get(place),
                _ => None,
            })
        };
        for (place, sight) in sights {
            let Some(path) = text(&place) else { continue };
            match (moved_from(&place).and_then(text), sight.holds_photo) {
                (Some(from), true) => shared.tell(What::Moved { from, path }),
                (None, true) if sight.held_photo => shared.tell(What::Changed(path)),
                (None, true) => shared.tell(What::Added(path)),
                (_, false) => self.changed.extend(sight.held_photo.then_some(place)),
            }
        }
        for change in changes {
            match change {
                Write::Files { gone, moves, .. } => {
                    for place in gone {
                        self.changed.remove(place);
                    }
                    let left = gone.iter().filter(|place| !moves.left.contains(place));
                    left.filter_map(text).for_each(|path| shared.tell(What::Gone(path)));
                }
                Write::Read { place, outcome: Some(outcome), .. } if !outdated.contains(place) => {
                    let was_known = self.changed.remove(place);
                    let Some(path) = text(place) else { continue };
                    match outcome.as_ref() {
                        Outcome::Failed { failure, .. } => shared.tell(What::Failed { path, reason: failure.reason.clone() }),
                        _ if was_known => shared.tell(What::Changed(path)),
                        _ => shared.tell(What::Added(path)),
                    }
                }
                _ => {}
            }
        }
    }
}

/// What the index takes over once it is stored.
struct Joined {
    new: Vec<(PhotoId, Looks)>,
    crowds: Vec<(PhotoId, Crowd)>,
    /// What was seen, for those who listen.
    sights: Vec<(Place, Sight)>,
    /// Files that were read and are others by now, or gone.
    outdated: HashSet<Place>,
}

/// What became of a file that was read.
struct Settled<'a> {
    /// Its photo, if that is new.
    new: Option<(PhotoId, &'a Encoded)>,
    /// Whether the file still is what was read.
    counts: bool,
}

/// Stores what reading a file came to.
fn settle<'a>(batch: &mut Batch<'_>, place: &Place, outcome: &'a Outcome, recipe: &str) -> store::Result<Settled<'a>> {
    let (new, counts) = match outcome {
        Outcome::Known { stamp, photo, content } => (None, batch.link(place, stamp, content, *photo)?),
        Outcome::Failed { stamp, failure } => (None, batch.fail(place, stamp, failure)?),
        Outcome::New { stamp, made } => {
            let (photo, is_new) = batch.add_photo(&made.identity, &made.capture, recipe, &made.encoded)?;
            let counts = batch.link(place, stamp, &made.identity.content, photo)?;
            ((is_new == IsNew::Yes).then_some((photo, &made.encoded)), counts)
        }
    };
    Ok(Settled { new, counts })
}
