//! Everything that goes through a channel of the daemon.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use thiserror::Error;

use super::state::queue::Ticket;
use crate::catalog::generation::{Generation, Increment};
use crate::intake::Hint;
use crate::photo::{
    Capture, ContentHash, Counters, Decision, Failure, Identity, PhotoId, PictureHash, Place, Root, RootId, Stamp, StoredFeatures,
};
use crate::store::{self, HeadNumber, HeadRecord, OnConflict, View};

/// To the writer.
pub enum Write {
    /// Committed together with other changes.
    Change(Change),
    /// Carried out on its own, after the changes before it.
    Request(Request),
}

impl From<Change> for Write {
    fn from(change: Change) -> Write {
        Write::Change(change)
    }
}

impl From<Request> for Write {
    fn from(request: Request) -> Write {
        Write::Request(request)
    }
}

/// A change of what is known of files.
pub enum Change {
    Files {
        seen: Vec<(Place, Stamp)>,
        gone: Vec<Place>,
        moves: Arc<Moves>,
    },
    /// Files of a root that could not be opened or read are tried again.
    Retry(RootId),
    Folders {
        /// Can be listed again.
        listed: Vec<Place>,
        unreadable: Vec<(Place, Failure)>,
    },
    /// A worker is done with a file; without an outcome it stays pending.
    Read {
        place: Place,
        outcome: Option<Box<Outcome>>,
        counters: Counters,
    },
    /// Everything before is committed when the ticket is dropped.
    Done {
        _ticket: Ticket,
    },
    /// Answers when everything before is committed.
    Flush(SyncSender<()>),
}

/// Files that were seen where others are gone, and are the same.
#[derive(Default)]
pub struct Moves {
    /// Where each file that is here was before.
    pub from: HashMap<Place, Place>,
    /// The places that were left.
    pub left: HashSet<Place>,
}

/// What reading a file came to.
#[expect(clippy::large_enum_variant, reason = "it is boxed on its way")]
pub enum Outcome {
    Known { stamp: Stamp, photo: PhotoId, content: ContentHash },
    New { stamp: Stamp, made: Made },
    Failed { stamp: Stamp, failure: Failure },
}

/// A photo that the index did not have.
pub struct Made {
    pub identity: Identity,
    pub capture: Capture,
    pub stored: StoredFeatures,
}

/// Where the writer's answer goes. A client that left does not want it any more.
pub type Reply<T> = SyncSender<store::Result<T>>;

/// One transaction, with its answer.
pub enum Request {
    AddRoot(PathBuf, Reply<Root>),
    RemoveRoot(Root, Reply<()>),
    /// A root is at another path, or on another filesystem, than was known.
    PlaceRoot(Root, Reply<()>),
    /// How many decisions changed.
    Decide(Vec<Decision>, OnConflict, Reply<usize>),
    Undecide(Vec<(PictureHash, PictureHash)>, Reply<usize>),
    /// From now on a daemon that starts again goes on with this head.
    ChooseHead(String, Reply<()>),
    AddHead(HeadRecord, Reply<()>),
    /// Whether it was there.
    RemoveHead(String, Reply<bool>),
    /// The number of the head of a fingerprint.
    NumberHead(String, Reply<HeadNumber>),
    AddIncrement(HeadNumber, Increment, Reply<()>),
    /// Has a generation answer; the number of the head from before.
    TakeOver(Box<Generation>, Reply<HeadNumber>),
    /// Retires all heads but these and the one of a fingerprint; the retired ones.
    RetireHeads {
        keep: Vec<HeadNumber>,
        base: String,
        reply: Reply<Vec<HeadNumber>>,
    },
    /// Drops some rows of a retired head; whether that was all.
    SweepHead(HeadNumber, Reply<bool>),
    /// Keeps the order of a tuning.
    QueueTuning(String, Reply<()>),
    DropTuning(Reply<()>),
    AddViews(PhotoId, Vec<View>, Reply<()>),
    /// Drops the order and its views, and keeps how many decisions it knew.
    EndTuning {
        decisions: usize,
        reply: Reply<()>,
    },
}

/// Why nothing came of a request to the writer.
#[derive(Debug, Error)]
pub enum Unwritten {
    #[error("the daemon is ending")]
    Ending,
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Sends a request to the writer and waits for its answer.
///
/// # Errors
/// See [`enum@Unwritten`].
pub fn request<T>(writes: &SyncSender<Write>, make: impl FnOnce(Reply<T>) -> Request) -> Result<T, Unwritten> {
    let (reply, answer) = sync_channel(1);
    writes.send(make(reply).into()).map_err(|_| Unwritten::Ending)?;
    Ok(answer.recv().map_err(|_| Unwritten::Ending)??)
}

/// To a worker: a file to read.
pub struct Job {
    pub place: Place,
    pub path: PathBuf,
    pub stamp: Stamp,
}

/// To an intake thread. The ticket keeps the root busy until the effects are in the store.
pub enum Order {
    /// Watch a root and scan it.
    Start(Root, Ticket),
    /// Scan a place.
    Scan {
        root: Root,
        place: Place,
        gone: Gone,
        ticket: Ticket,
    },
    /// Roots may have come or gone.
    LookForRoots,
    /// Stop watching.
    Forget(Root),
    Hint(Hint, Option<Ticket>),
}

/// What to do with files that are gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gone {
    /// Ask a person before most of a root is forgotten at once.
    AskIfMany,
    /// A person said that they are gone.
    Forget,
}
