//! All messages that go through a channel to a thread of the daemon. Events go from all threads to all who listen
//! ([`Events`](super::state::Events)).

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use thiserror::Error;

use super::state::queue::Ticket;
use super::state::{Health, Part};
use crate::catalog::generation::{Generation, Increment, Versions};
use crate::intake::Hint;
use crate::photo::{
    Compared, ContentHash, Counters, Decision, Failure, Identity, KeptPicture, Metadata, OtherKind, PhotoId, PictureHash, PixelHash, Place,
    Root, RootId, Stamp, StoredFeatures, VolumeLocation,
};
use crate::store::{self, Decided, EditedVersion, HeadNumber, HeadRecord, OnConflict, Uncompared};

/// How often a client's request looks whether things can be stored.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A message to the writer.
pub enum Write {
    /// Committed together with other changes.
    Change(Change),
    /// Carried out on its own, after the changes before it, if its claim is free.
    Request(Request, Claim),
}

impl From<Change> for Write {
    fn from(change: Change) -> Write {
        Write::Change(change)
    }
}

impl From<Request> for Write {
    fn from(request: Request) -> Write {
        Write::Request(request, Claim::default())
    }
}

/// Who has a request: the writer, to carry it out, or its sender, who took it back. The first to take it has it.
#[derive(Clone, Default)]
pub struct Claim(Arc<AtomicBool>);

impl Claim {
    /// Returns whether nobody took it before.
    pub fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// A change of stored files and failures.
pub enum Change {
    Files {
        seen: Vec<(Place, Stamp)>,
        gone: Vec<Place>,
        moves: Arc<Moves>,
    },
    /// Files that are not decoded. Of those that are there: whether a writer closed them.
    Others {
        seen: Vec<(Place, OtherKind, Stamp, bool)>,
        gone: Vec<Place>,
    },
    /// The bytes that a file which is not decoded had with this stamp.
    Hashed {
        place: Place,
        stamp: Stamp,
        content: ContentHash,
    },
    /// Stores the new stamps of unchanged files.
    Renumbered(Vec<(Place, Stamp)>),
    /// Makes files pending again that may have changed without a new stamp, or that were seen with this one.
    ReadAgain(Vec<(Place, Option<Stamp>)>),
    /// Makes the files of a root pending again that could not be opened or read.
    Retry(RootId),
    Folders {
        /// Folders that can be listed again.
        listed: Vec<Place>,
        unreadable: Vec<(Place, Failure)>,
    },
    /// A worker has finished a file. Without an outcome the file stays pending.
    Read {
        place: Place,
        outcome: Option<Box<Outcome>>,
        counters: Counters,
    },
    /// A worker has made the features of a stale photo again. Without features its files are read again.
    Encoded {
        photo: PhotoId,
        stored: Option<Box<StoredFeatures>>,
        counters: Counters,
    },
    /// A worker has compared two near photos. `None` if there is no picture of one of them.
    Compared {
        photos: [PhotoId; 2],
        compared: Option<Compared>,
    },
    /// The tickets are dropped once all earlier changes are committed.
    Done {
        _tickets: Vec<Ticket>,
    },
    /// Answered once all earlier changes are committed.
    Flush(SyncSender<()>),
}

/// Moved files: each is gone at one place and was seen at another.
#[derive(Default)]
pub struct Moves {
    /// The old place of each moved file, by its new place.
    pub from: HashMap<Place, Place>,
    /// The old places.
    pub left: HashSet<Place>,
}

/// The result of reading a file.
pub enum Outcome {
    Known {
        stamp: Stamp,
        photo: PhotoId,
        content: ContentHash,
        metadata: Metadata,
    },
    New {
        stamp: Stamp,
        made: Made,
    },
    /// The bytes that a file has since it was moved. `None` if they are not a photo.
    Moved {
        stamp: Stamp,
        content: Option<ContentHash>,
    },
    /// The metadata of a file that holds a photo already.
    Described {
        content: ContentHash,
        metadata: Metadata,
    },
    /// The pixel hash, the detail, the quantisation and the kept picture of a photo that is known already.
    Decoded {
        photo: PhotoId,
        identity: Identity,
        pixels: Option<PixelHash>,
        detail: Option<f64>,
        kept: KeptPicture,
        /// Whether another kept picture was there, so that the features of the photo are of that one.
        is_other: bool,
    },
    /// The colours of a photo that is known already need no conversion.
    Srgb,
    Failed {
        stamp: Stamp,
        failure: Failure,
    },
    /// What a sidecar says. `None` if it cannot be read.
    Noted {
        stamp: Stamp,
        facts: Option<Metadata>,
    },
}

/// A photo that is new to the index.
pub struct Made {
    pub identity: Identity,
    pub pixels: Option<PixelHash>,
    pub detail: Option<f64>,
    pub kept: KeptPicture,
    pub metadata: Metadata,
    pub stored: StoredFeatures,
}

/// The channel for the writer's answer. If nobody waits for it any more, the answer is dropped.
pub type Reply<T> = SyncSender<store::Result<T>>;

/// A filesystem that is mounted inside a root.
pub struct Mounted {
    pub outer: Root,
    pub path: PathBuf,
    pub volume_location: Option<VolumeLocation>,
    /// Its number in stamps.
    pub volume: Option<u64>,
}

/// A request that changes the store on its own, with the channel for its answer.
pub enum Request {
    AddRoot(PathBuf, Option<VolumeLocation>, Reply<Root>),
    /// Adds a root like this one for another card at its path, where these are known. Answered with nothing if one was added
    /// since.
    AddRootBeside(Root, Vec<RootId>, Reply<Option<Root>>),
    /// Adds a root for a filesystem that is mounted inside another root. Answered with nothing if there is one already.
    AddMountedRoot(Mounted, Reply<Option<Root>>),
    RemoveRoot(Root, Reply<()>),
    /// Removes the roots at a path that cannot be read. Answered with whether there were any.
    RemoveUnreadableRoots(PathBuf, Reply<bool>),
    /// Records the new path or filesystem of a root.
    PlaceRoot(Root, Reply<()>),
    /// Answered with the number of changed decisions.
    Decide(Vec<Decision>, OnConflict, Reply<Decided>),
    /// Stores imported decisions, with known pixel hashes. Of two on the same photos the later one is kept.
    ImportDecisions(Vec<Decision>, Vec<(PictureHash, PixelHash)>, Reply<Decided>),
    Undecide(Vec<(PictureHash, PictureHash)>, Reply<usize>),
    /// Stores the head that the daemon uses after its next start.
    ChooseHead(String, Reply<()>),
    /// Stores the version model that is used from now on, and puts it into use.
    UseVersions(Arc<Versions>, Reply<()>),
    AddHead(HeadRecord, Reply<()>),
    /// Answered with whether the head existed.
    RemoveHead(String, Reply<bool>),
    /// Answered with the number of the head with this fingerprint.
    NumberHead(String, Reply<HeadNumber>),
    AddIncrement(HeadNumber, Increment, Reply<()>),
    /// Puts a generation into use. Answered with the number of the previous head.
    TakeOver(Box<Generation>, Reply<HeadNumber>),
    /// Retires all heads except `keep` and the one with the fingerprint `base`. Answered with the retired heads.
    RetireHeads {
        keep: Vec<HeadNumber>,
        base: String,
        reply: Reply<Vec<HeadNumber>>,
    },
    /// Removes some rows of a retired head. Answered with whether all were removed already.
    SweepHead(HeadNumber, Reply<bool>),
    /// Stores the order of a tuning.
    QueueTuning(String, Reply<()>),
    DropTuning(Reply<()>),
    AddEditedVersions(PhotoId, Vec<EditedVersion>, Reply<()>),
    /// Removes the order and its edited versions, and stores the number of decisions at its start.
    EndTuning {
        decisions: usize,
        reply: Reply<()>,
    },
}

/// Why a request to the writer failed.
#[derive(Debug, Error)]
pub enum Unwritten {
    #[error("the daemon is ending")]
    Ending,
    /// Nothing can be stored now. The request was taken back.
    #[error("{0}")]
    NotStoring(String),
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

/// Sends a client's request to the writer and waits for its answer. While nothing can be stored, the request is taken
/// back: it is refused now and not carried out later.
///
/// # Errors
/// See [`enum@Unwritten`].
pub fn request_now<T>(writes: &SyncSender<Write>, health: &Health, make: impl FnOnce(Reply<T>) -> Request) -> Result<T, Unwritten> {
    let (reply, answer) = sync_channel(1);
    let claim = Claim::default();
    let mut message = Write::Request(make(reply), claim.clone());
    let refused = || health.problem(Part::Store).map(Unwritten::NotStoring);
    loop {
        if let Some(refused) = refused() {
            return Err(refused);
        }
        message = match writes.try_send(message) {
            Ok(()) => break,
            Err(TrySendError::Full(message)) => message,
            Err(TrySendError::Disconnected(_)) => return Err(Unwritten::Ending),
        };
        thread::sleep(LOOK_INTERVAL);
    }
    loop {
        match answer.recv_timeout(LOOK_INTERVAL) {
            Ok(answer) => return Ok(answer?),
            Err(RecvTimeoutError::Disconnected) => return Err(Unwritten::Ending),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(refused) = refused().filter(|_| claim.take()) {
                    return Err(refused);
                }
            }
        }
    }
}

/// A message to a worker.
pub enum Job {
    Read(FileJob),
    /// Make the features of a stale photo again, from its kept picture.
    Encode(PhotoId, PictureHash),
    /// Compare two near photos.
    Compare(Uncompared),
}

/// A file to read.
pub struct FileJob {
    pub place: Place,
    pub path: PathBuf,
    pub stamp: Stamp,
    pub purpose: Purpose,
}

/// Why a file is read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// It is pending: its photo is not known.
    Identify,
    /// It was moved, and may have been written to before.
    Prove,
    /// An older version read it, without its metadata.
    Describe,
    /// A decision was made on its photo, and an older version read it, without its pixel hash.
    Compare,
    /// An older version read it, and it is not known whether its colours are to be converted. If they are, it is read as for
    /// [`Keep`](Purpose::Keep).
    Colours,
    /// Its photo has no kept picture: an older version read it, or the picture could not be kept.
    Keep,
    /// It is a sidecar that was not read yet.
    Note,
}

/// How files that are gone are treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gone {
    /// If most of a root is gone at once, its files are kept until a person confirms it.
    AskIfMany,
    /// A person confirmed it, so the files are forgotten.
    Forget,
}

/// A message to an intake thread. The ticket keeps the root busy until the effects are in the store.
pub enum Order {
    /// Watch a root and scan it.
    Start(Root, Ticket),
    /// Scan a place.
    Scan { root: Root, place: Place, gone: Gone, ticket: Ticket },
    /// Scan a root whose changes may have gone unnoticed, because somebody asks about it.
    ScanUnwatched(Root, Ticket),
    /// Look for roots that appeared or disappeared.
    LookForRoots,
    /// Look for a root.
    LookFor(Root, Ticket),
    /// Stop watching.
    Forget(Root),
    /// A file event, or the loss of file events.
    Hint(Hint, Option<Ticket>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_was_refused_is_not_carried_out() {
        let (writes, queue) = sync_channel(1);
        let health = Arc::new(Health::default());
        let ask = |health: Arc<Health>| {
            let writes = writes.clone();
            thread::spawn(move || request_now(&writes, &health, Request::DropTuning))
        };
        let taken = |queue: &std::sync::mpsc::Receiver<Write>| match queue.recv().expect("sent") {
            Write::Request(Request::DropTuning(reply), claim) => (reply, claim),
            _ => panic!("another message"),
        };
        // The disk becomes full while the request waits.
        let asked = ask(health.clone());
        let (_reply, claim) = taken(&queue);
        health.set_problem(Part::Store, Some("the disk is full".into()));
        let refused = asked.join().expect("no panic").expect_err("refused");
        assert_eq!(refused.to_string(), "the disk is full");
        assert!(!claim.take(), "the writer must not carry it out");
        // While it is full, nothing is sent.
        assert!(ask(health.clone()).join().expect("no panic").is_err());
        assert!(queue.try_recv().is_err());
        // What the writer has taken is answered.
        health.set_problem(Part::Store, None);
        let asked = ask(health.clone());
        let (reply, claim) = taken(&queue);
        assert!(claim.take());
        health.set_problem(Part::Store, Some("the disk is full".into()));
        thread::sleep(5 * LOOK_INTERVAL);
        reply.send(Ok(())).expect("waited for");
        assert!(asked.join().expect("no panic").is_ok());
        // A full queue is not a reason to wait, either.
        writes.try_send(Change::Retry(RootId(1)).into()).expect("room");
        assert!(ask(health).join().expect("no panic").is_err());
    }
}
