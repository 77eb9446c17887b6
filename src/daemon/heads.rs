//! Heads: the one that answers, those that were tuned, and how one takes over from another.
//!
//! Embeddings, crowds and pairs belong to a head. Those of another are made beside the ones that
//! answer, in commits that each leave a state to go on from; then one commit, under the lock that every
//! answer holds, makes it the one that answers. So no answer mixes two heads, and a daemon that is
//! killed anywhere goes on at its next start.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use std::{mem, thread};

use super::comparison::Snapshot;
use super::shared::{Shared, lock, read, write};
use super::write::{Unwritten, Write, written};
use crate::api::types::{Change, ClusterChange, ClusterChanges, HeadInfo, What};
use crate::likeness::{
    Arrival, CANDIDATES, Crowd, Head, HeadError, Index, REACH, THRESHOLD, arrive, candidates, crowds, doubtful, is_doubtful, verify,
};
use crate::photo::{Distance, Encoded, Looks, PhotoId};
use crate::store::{self, Batch, HeadNumber, HeadRecord, Positives, Reader};

/// The name of the head in the binary.
pub const BASE: &str = "base";

/// Photos embedded and paired in one commit.
const PART: usize = 512;

/// Rows of unused heads dropped in one commit.
const SWEEP: usize = 4096;

/// How long to wait before trying again when the disk is full.
const RETRY: Duration = Duration::from_secs(2);

/// Changed clusters that are named, of each kind.
const EXAMPLES: u64 = 10;

/// New photos and what they bring.
pub type Part = Arc<(Vec<(PhotoId, Looks)>, Arrival)>;

/// The head that answers.
pub struct Active {
    pub number: HeadNumber,
    pub head: Head,
    /// Up to which pairs join a cluster unless a question says otherwise.
    pub threshold: Distance,
    pub index: Index,
}

/// A head with its threshold in this library.
pub struct Known {
    pub head: Head,
    pub threshold: Distance,
    pub positives: Positives,
}

/// The head of a name among those that were tuned and the base; `None` when there is none for this
/// backbone.
///
/// # Errors
/// When its weights cannot be read.
pub fn find(heads: &[HeadRecord], backbone: &str, name: &str) -> Result<Option<Known>, HeadError> {
    if name == BASE {
        return Ok(Some(Known { head: Head::base()?, threshold: THRESHOLD, positives: Positives::Edits }));
    }
    let Some(record) = heads.iter().find(|h| h.name == name && h.backbone == backbone) else { return Ok(None) };
    let head = Head::from_safetensors(&record.name, &record.weights)?.fitting(&Head::base()?)?;
    Ok(Some(Known { head, threshold: record.threshold, positives: record.positives }))
}

/// Names a head and how its pairs are made.
pub fn fingerprint(head: &Head) -> String {
    format!("{}-{REACH}-crowds-parts-keypoints", head.fingerprint())
}

/// Stores what new photos bring to a head.
pub fn keep(batch: &mut Batch<'_>, head: HeadNumber, new: &[(PhotoId, Looks)], arrival: &Arrival) -> store::Result<()> {
    new.iter().try_for_each(|(photo, looks)| batch.add_embedding(head, *photo, &looks.embedding))?;
    batch.add_pairs(head, &arrival.pairs)?;
    arrival.crowds.iter().try_for_each(|(photo, crowd)| batch.set_crowd(head, *photo, crowd.level, crowd.edge))
}

/// What a photo is compared by under a head.
pub fn looks(head: &Head, encoded: &Encoded) -> Looks {
    Looks { embedding: head.embed(&encoded.features), parts: encoded.parts.clone() }
}

/// What the store holds of a head.
pub fn load(reader: &Reader, head: &Head, number: HeadNumber) -> store::Result<Index> {
    let mut index = Index::new(head.dimensions());
    reader.each_looks(number, |photo, looks, crowd| {
        index.add(photo, &looks);
        if let Some((level, edge)) = crowd {
            index.set_crowd(photo, Crowd { level, edge });
        }
    })?;
    Ok(index)
}

/// Embeds and pairs all photos that the index lacks, on all `cores`, having each part stored before it
/// joins. As long as no crowd is known, crowds wait until all photos are there, which is quicker.
pub fn catch_up<E: From<store::Error>>(
    active: &mut Active,
    reader: &Reader,
    cores: usize,
    mut store: impl FnMut(Vec<(PhotoId, Looks)>, Arrival) -> Result<Part, E>,
) -> Result<(), E> {
    let Active { number, head, index, .. } = active;
    loop {
        let missing = reader.encoded_after(index.last(), PART)?;
        if missing.is_empty() {
            break;
        }
        let new: Vec<(PhotoId, Looks)> =
            shared_out(&missing, cores, |part| part.iter().map(|(photo, encoded)| (*photo, looks(head, encoded))).collect());
        let arrival = if index.knows_crowds() {
            arrive(index, &new, REACH, |photos| reader.keypoints_of(photos))?
        } else {
            let numbered: Vec<(usize, Looks)> = new.iter().map(|(_, looks)| looks.clone()).enumerate().collect();
            let found = shared_out(&numbered, cores, |part| {
                let queries: Vec<Looks> = part.iter().map(|(_, looks)| looks.clone()).collect();
                index.within(&queries, CANDIDATES).into_iter().map(|(query, photo, d)| (part[query].0, photo, d)).collect()
            });
            let candidates = candidates(&new, found, REACH);
            let keypoints = reader.keypoints_of(&doubtful(&candidates))?;
            let pairs = shared_out(&candidates, cores, |part| verify(part.to_vec(), REACH, &keypoints));
            Arrival { pairs, crowds: Vec::new() }
        };
        let part = store(new, arrival)?;
        index.join(&part.0, &part.1.crowds);
    }
    let mut who: Vec<PhotoId> = reader.pairs(*number, REACH)?.iter().filter(|p| is_doubtful(p)).flat_map(|p| [p.a, p.b]).collect();
    who.retain(|photo| !index.knows_crowd(*photo));
    who.sort_unstable();
    who.dedup();
    for who in who.chunks(PART) {
        let crowds = shared_out(who, cores, |part| crowds(index, &[], &part.iter().copied().collect()));
        let part = store(Vec::new(), Arrival { pairs: Vec::new(), crowds })?;
        index.join(&part.0, &part.1.crowds);
    }
    Ok(())
}

/// `work` on a share of the items for each core, what comes of it in order.
fn shared_out<T: Sync, U: Send>(items: &[T], cores: usize, work: impl Fn(&[T]) -> Vec<U> + Sync) -> Vec<U> {
    let work = &work;
    thread::scope(|scope| {
        let shares: Vec<_> = items.chunks(items.len().div_ceil(cores).max(1)).map(|share| scope.spawn(move || work(share))).collect();
        // A share that panicked takes this thread with it, as it would without others.
        shares.into_iter().flat_map(|share| share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// Why a head did not take over.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no head named {0}")]
    Unknown(String),
    #[error("{0} was tuned on folders, for similar: it cannot say which photos are versions")]
    NotForDupes(String),
    #[error("{0} cannot be removed: it is in use, or comes with the program")]
    InUse(String),
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        Error::Unwritten(error.into())
    }
}

/// Whether a head is to answer, or only to show what would change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    Take,
    Try,
}

/// Makes what a head lacks, and has it take over; says how the clusters change.
///
/// # Errors
/// See [`enum@Error`]; the head from before goes on then.
pub fn switch(shared: &Arc<Shared>, writes: &SyncSender<Write>, name: &str, switch: Switch) -> Result<ClusterChanges, Error> {
    let _turn = lock(&shared.switching);
    let known = find(&read(&shared.heads), &shared.backbone, name)?.ok_or_else(|| Error::Unknown(name.to_owned()))?;
    if known.positives == Positives::Folders {
        return Err(Error::NotForDupes(name.to_owned()));
    }
    if switch == Switch::Take {
        // From here on a daemon that starts again goes on with it.
        let name = name.to_owned();
        written(writes, move |writer| writer.choose_head(&name))?;
    }
    let print = fingerprint(&known.head);
    let number = written(writes, move |writer| writer.batch(|batch| batch.head_number(&print)))?;
    if read(&shared.active).number == number {
        write(&shared.active).threshold = known.threshold;
        shared.set_problem("heads", None);
        return Ok(ClusterChanges::default());
    }
    let reader = Reader::open(&shared.location)?;
    let mut next = Active { number, threshold: known.threshold, index: load(&reader, &known.head, number)?, head: known.head };
    // Again while many came meanwhile: the last few are added while nobody else can write.
    loop {
        catch_up(&mut next, &reader, shared.settings.workers, |new, arrival| stored(shared, writes, number, new, arrival))?;
        if reader.encoded_after(next.index.last(), PART)?.len() < PART {
            break;
        }
    }
    let changes = changes(shared, &reader, &next)?;
    if switch == Switch::Try {
        return Ok(changes);
    }
    let (name, shared_too) = (next.head.name().to_owned(), shared.clone());
    let before = written(writes, move |writer| {
        let shared = shared_too;
        // What came since, and then nothing more: photos are added by this thread alone.
        let reader = Reader::open(&shared.location)?;
        catch_up(&mut next, &reader, 1, |new, arrival| {
            writer.batch(|batch| keep(batch, number, &new, &arrival))?;
            store::Result::Ok(Arc::new((new, arrival)))
        })?;
        let mut active = write(&shared.active);
        writer.batch(|batch| batch.use_head(number))?;
        Ok(mem::replace(&mut *active, next).number)
    })?;
    shared.tell(What::HeadChanged { name });
    shared.set_problem("heads", None);
    if let Err(e) = sweep(shared, writes, &[before, number]) {
        // What is left takes room and does no harm; the next change of heads sweeps it.
        tracing::warn!("what unused heads made could not all be dropped: {e}");
    }
    Ok(changes)
}

/// All heads: the base, then those that were tuned, oldest first.
pub fn list(shared: &Shared) -> Vec<HeadInfo> {
    let active = read(&shared.active);
    let in_use = active.head.name();
    let base = HeadInfo {
        name: BASE.into(),
        positives: Positives::Edits.name().into(),
        in_use: in_use == BASE,
        unusable: None,
        threshold: THRESHOLD,
        made: None,
        report: None,
    };
    let tuned = |record: &HeadRecord| HeadInfo {
        name: record.name.clone(),
        positives: record.positives.name().into(),
        in_use: in_use == record.name,
        unusable: (record.backbone != shared.backbone).then(|| "it was tuned for another encoder than this version has".into()),
        threshold: record.threshold,
        made: Some(record.made),
        report: serde_json::from_str(&record.report).ok(),
    };
    [base].into_iter().chain(read(&shared.heads).iter().map(tuned)).collect()
}

/// Keeps a head that was tuned.
pub fn add(shared: &Arc<Shared>, writes: &SyncSender<Write>, record: HeadRecord) -> Result<(), Unwritten> {
    let shared = shared.clone();
    written(writes, move |writer| {
        writer.add_head(&record)?;
        *write(&shared.heads) = writer.heads()?;
        Ok(())
    })
}

/// Forgets a head that is not in use.
pub fn remove(shared: &Arc<Shared>, writes: &SyncSender<Write>, name: &str) -> Result<(), Error> {
    let _turn = lock(&shared.switching);
    if name == BASE || read(&shared.active).head.name() == name {
        return Err(Error::InUse(name.to_owned()));
    }
    let (wanted, in_use) = (name.to_owned(), read(&shared.active).head.name().to_owned());
    let shared = shared.clone();
    let was_there = written(writes, move |writer| {
        // It may have been chosen, and not have taken over.
        if writer.chosen_head()?.as_ref() == Some(&wanted) {
            writer.choose_head(&in_use)?;
        }
        let was_there = writer.remove_head(&wanted)?;
        *write(&shared.heads) = writer.heads()?;
        Ok(was_there)
    })?;
    if was_there { Ok(()) } else { Err(Error::Unknown(name.to_owned())) }
}

/// Has a head take over that was chosen before the daemon started.
pub fn take_up(shared: &Arc<Shared>, writes: &SyncSender<Write>, name: &str) {
    match switch(shared, writes, name, Switch::Take) {
        Ok(_) | Err(Error::Unwritten(Unwritten::Ending)) => {}
        Err(e) => shared.set_problem("heads", Some(format!("the head that was chosen is not used: {e}; simctl heads use base ends this"))),
    }
}

/// Stores a part through the writer, again and again while the disk has no room.
fn stored(
    shared: &Shared,
    writes: &SyncSender<Write>,
    number: HeadNumber,
    new: Vec<(PhotoId, Looks)>,
    arrival: Arrival,
) -> Result<Part, Error> {
    let part = Arc::new((new, arrival));
    loop {
        let part_too = part.clone();
        match written(writes, move |writer| writer.batch(|batch| keep(batch, number, &part_too.0, &part_too.1))) {
            Ok(()) => break,
            Err(Unwritten::Store(e)) if e.is_disk() && !shared.is_stopping() => {
                shared.set_problem("heads", Some(format!("another head cannot be made ready: {e}; make room, it goes on by itself")));
                thread::sleep(RETRY);
            }
            Err(e) => return Err(e.into()),
        }
    }
    shared.set_problem("heads", None);
    if shared.is_stopping() { Err(Unwritten::Ending.into()) } else { Ok(part) }
}

/// Drops what heads made that are not among `keep` and not the base, a little at a time.
fn sweep(shared: &Shared, writes: &SyncSender<Write>, keep: &[HeadNumber]) -> Result<(), Error> {
    let base = fingerprint(&Head::base()?);
    let mut keep = keep.to_vec();
    let retired = written(writes, move |writer| {
        writer.batch(|batch| {
            keep.push(batch.head_number(&base)?);
            batch.retire_heads(&keep)
        })
    })?;
    for head in retired {
        while !shared.is_stopping() && !written(writes, move |writer| writer.batch(|batch| batch.sweep_head(head, SWEEP)))? {}
    }
    Ok(())
}

/// How the clusters of the whole library change when `next` answers.
fn changes(shared: &Shared, reader: &Reader, next: &Active) -> Result<ClusterChanges, Error> {
    let before = Snapshot::take(shared, reader, &read(&shared.active))?;
    let after = Snapshot::take(shared, reader, next)?;
    let mut changes = ClusterChanges::default();
    for (change, cluster) in before.changes(&after) {
        let count = match change {
            Change::New => &mut changes.new,
            Change::Gone => &mut changes.gone,
            Change::Grown => &mut changes.grown,
            Change::Shrunk => &mut changes.shrunk,
        };
        *count += 1;
        if *count <= EXAMPLES {
            changes.examples.push(ClusterChange { change, paths: cluster.paths.clone() });
        }
    }
    Ok(changes)
}
