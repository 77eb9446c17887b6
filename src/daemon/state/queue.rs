//! Work under way: busy roots, files in flight, and the places that clients wait for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::sync::{Signal, lock};
use crate::photo::{PhotoId, PictureHash, Place, RootId, Stamp};
use crate::store::{self, LastFile, Reader};

/// The most questions whose last files are kept.
const MAX_ASKED_QUESTIONS: usize = 4096;

#[derive(Default)]
pub struct Queue {
    /// The places that clients wait for, and when they last asked. Their files are read first.
    pub wanted: Mutex<HashMap<Place, Instant>>,
    pub in_flight: Mutex<InFlight>,
    /// Files that were moved, with the stamps that they have now. Their bytes are to be compared with those that were read.
    pub unproven: Mutex<Vec<(Place, Stamp)>>,
    pub activity: Arc<Activity>,
    /// Wakes the dispatcher: files may be pending.
    pub pending: Arc<Signal>,
    /// The last file of each root that a question is about, by the moment of the question.
    asked: Mutex<BTreeMap<(Moment, RootId), LastFile>>,
    /// Set by the writer before it commits changes after which decisions may hold for other photos, until they are kept.
    pub considers_decisions: AtomicBool,
    /// Counts commits. Data that was read before the last one may be outdated.
    commits: AtomicU64,
}

/// Files, pictures, stale photos and near photos on their way from the dispatcher to the store.
#[derive(Default)]
pub struct InFlight {
    pub places: HashSet<Place>,
    pub pictures: HashSet<PictureHash>,
    pub stale: HashSet<PhotoId>,
    pub compared: HashSet<[PhotoId; 2]>,
}

impl Queue {
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns whether no root of the scopes is busy, no file of the scopes is pending, all new photos are compared, and the
    /// decisions are those on the photos that are there.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn is_settled(&self, reader: &Reader, scopes: &[Place]) -> store::Result<bool> {
        self.was_settled(reader, scopes, Moment(u64::MAX))
    }

    /// Returns whether no root of the scopes is busy with work from before a moment, no file of the scopes from before it is
    /// pending, all new photos in such files are compared, and the decisions are those on the photos that are there.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn was_settled(&self, reader: &Reader, scopes: &[Place], moment: Moment) -> store::Result<bool> {
        if scopes.iter().any(|scope| self.activity.was_busy(scope.root, moment)) {
            return Ok(false);
        }
        for scopes in scopes.chunk_by(|a, b| a.root == b.root) {
            let last = self.last_file(reader, scopes[0].root, moment)?;
            if reader.was_pending(scopes, last)? || reader.was_uncompared(scopes, last)? {
                return Ok(false);
            }
        }
        // After the store: what is stored was considered then, or is being considered.
        Ok(!self.considers_decisions.load(Ordering::SeqCst))
    }

    /// Returns the last file of a root that a question of this moment is about, where the root is not busy with work from before
    /// the moment any more. It stays the same from then on, however many files come.
    fn last_file(&self, reader: &Reader, root: RootId, moment: Moment) -> store::Result<LastFile> {
        if moment == Moment(u64::MAX) {
            return Ok(LastFile::NONE_IS_LATER);
        }
        if let Some(known) = lock(&self.asked).get(&(moment, root)) {
            return Ok(*known);
        }
        let last = reader.last_file()?;
        let mut asked = lock(&self.asked);
        if asked.len() >= MAX_ASKED_QUESTIONS {
            asked.pop_first();
        }
        Ok(*asked.entry((moment, root)).or_insert(last))
    }
}

/// Counts the work on each root that is under way and that the store does not show as pending.
#[derive(Default)]
pub struct Activity {
    /// How many tickets of each moment are open.
    open: Mutex<HashMap<RootId, BTreeMap<Moment, usize>>>,
    changed: Condvar,
    next: AtomicU64,
}

/// A point in the order in which work began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Moment(pub u64);

/// One unit of such work. It ends when this is dropped.
pub struct Ticket {
    activity: Arc<Activity>,
    root: RootId,
    began: Moment,
}

impl Ticket {
    pub fn root(&self) -> RootId {
        self.root
    }

    pub fn began(&self) -> Moment {
        self.began
    }

    /// Returns a ticket for work on the same root that is part of this work.
    pub fn share(&self) -> Ticket {
        self.share_with(self.root)
    }

    /// Returns a ticket for work on another root that is part of this work.
    pub fn share_with(&self, root: RootId) -> Ticket {
        self.activity.open(root, self.began)
    }
}

impl Activity {
    pub fn begin(self: &Arc<Activity>, root: RootId) -> Ticket {
        self.open(root, self.now())
    }

    fn open(self: &Arc<Activity>, root: RootId, began: Moment) -> Ticket {
        *lock(&self.open).entry(root).or_default().entry(began).or_default() += 1;
        Ticket { activity: self.clone(), root, began }
    }

    /// Returns this moment. All work that has begun is from before it.
    pub fn now(&self) -> Moment {
        Moment(self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub fn is_busy(&self, root: RootId) -> bool {
        self.was_busy(root, Moment(u64::MAX))
    }

    /// Returns whether work on a root that began before a moment is under way.
    pub fn was_busy(&self, root: RootId, moment: Moment) -> bool {
        lock(&self.open).get(&root).and_then(|open| open.first_key_value()).is_some_and(|(began, _)| *began < moment)
    }

    /// Wakes the threads in [`wait`](Activity::wait).
    pub fn announce(&self) {
        self.changed.notify_all();
    }

    /// Waits until something changes, or for `timeout`.
    pub fn wait(&self, timeout: Duration) {
        let open = lock(&self.open);
        drop(self.changed.wait_timeout(open, timeout));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(tickets) = lock(&self.activity.open).get_mut(&self.root)
            && let Some(open) = tickets.get_mut(&self.began)
        {
            *open -= 1;
            if *open == 0 {
                tickets.remove(&self.began);
            }
        }
        self.activity.announce();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::{Failure, Stage, Stamp};
    use crate::store::{Location, Writer};

    fn place(path: &str) -> Place {
        Place { root: RootId(1), path: path.into() }
    }

    #[test]
    fn a_question_waits_for_the_files_from_before_it_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location).expect("opens");
        let (reader, queue, root) = (Reader::open(&location).expect("opens"), Queue::default(), [place("")]);
        let stamp = Stamp { volume: 1, inode: 0, size: 100, mtime: 1, ctime: 1, birth: None };
        let mut see = |path: &str| {
            writer.batch(|batch| batch.upsert_seen(&place(path), &stamp)).expect("written");
        };
        let was_settled = |moment| queue.was_settled(&reader, &root, moment).expect("looked");
        see("before.jpg");
        // A scan from before the question finds another one.
        let scan = queue.activity.begin(RootId(1));
        let moment = queue.activity.now();
        assert!(!was_settled(moment));
        see("found.jpg");
        drop(scan);
        assert!(!was_settled(moment));
        (0..10).for_each(|number| see(&format!("a-later-{number}.jpg")));
        let later = queue.activity.now();
        let mut read = |path: &str| {
            assert!(!was_settled(moment), "{path} is not read yet");
            let done = writer.batch(|batch| batch.fail(&place(path), &stamp, &Failure::new(Stage::Read, "why")));
            assert!(done.expect("written"));
        };
        ["before.jpg", "found.jpg"].into_iter().for_each(&mut read);
        assert!(was_settled(moment), "the later ones are not read yet");
        assert!(!was_settled(later) && !queue.is_settled(&reader, &root).expect("looked"));
    }

    #[test]
    fn a_root_is_busy_until_its_last_ticket_is_dropped() {
        let activity: Arc<Activity> = Arc::default();
        let (first, second) = (activity.begin(RootId(1)), activity.begin(RootId(1)));
        drop(first);
        assert!(activity.is_busy(RootId(1)) && !activity.is_busy(RootId(2)));
        drop(second);
        assert!(!activity.is_busy(RootId(1)));
    }

    #[test]
    fn work_that_begins_later_does_not_make_a_root_busy_before() {
        let activity: Arc<Activity> = Arc::default();
        let earlier = activity.begin(RootId(1));
        let moment = activity.now();
        let _later = activity.begin(RootId(1));
        let part = earlier.share();
        drop(earlier);
        assert!(activity.was_busy(RootId(1), moment), "a part of the earlier work is under way");
        drop(part);
        assert!(!activity.was_busy(RootId(1), moment) && activity.is_busy(RootId(1)));
    }
}
