//! Compares the result of a walk with the store, and sends the difference to the writer.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant, SystemTime};

use super::findings::{BATCH_FILES, Recorded};
use super::mass_deletion::{MASS_DELETION_MIN_FILES, believed};
use super::others::OtherDifference;
use super::thread::Intake;
use crate::catalog::roots::RootState;
use crate::daemon::messages::{Change as Written, Gone, Moves, Write};
use crate::daemon::state::lock;
use crate::daemon::state::queue::Ticket;
use crate::intake::{self, Change, Found, Heard, Volumes, Writing};
use crate::photo::{Failure, FileState, KnownFile, Place, Root, RootId, Stage, Stamp};

/// The difference between disk and store at a place.
#[derive(Default)]
pub struct Difference {
    /// The place that was walked. `None` for several.
    place: Option<Place>,
    seen: Vec<(Place, Stamp)>,
    /// Unchanged files that are numbered in another way.
    renumbered: Vec<(Place, Stamp)>,
    /// Known files that a writer closed, and that are unchanged, gone or replaced since. The file that was at the place may
    /// have been read before, wherever it is now.
    closed: Vec<Place>,
    /// Files that may have been moved and written to: a moved file keeps its photo, unless it is among these.
    doubted: Vec<(Place, Stamp)>,
    /// Files that were moved a while ago and keep their photos while their bytes are compared.
    unproven: Vec<(Place, Stamp)>,
    /// Files that are gone, with the stamps of those that were indexed.
    gone: Vec<(Place, Option<Stamp>)>,
    /// Files on a filesystem that is not mounted now.
    away: Vec<Place>,
    /// Files that are not decoded.
    others: OtherDifference,
    unreadable: Vec<(Place, Failure)>,
    /// Folders that could not be listed before and can be now.
    listed: Vec<Place>,
    /// Whether nothing is there and nothing was known of this place.
    pub is_nothing: bool,
}

impl Intake {
    /// Compares what was found with the store, which must already have the results of earlier walks. `due` are the paths
    /// with events. `ticket` is that of the walk. Returns `None` if the store cannot be read.
    pub(super) fn difference(
        &mut self,
        root: &Root,
        place: &Place,
        found: &Found,
        due: &BTreeMap<PathBuf, Heard>,
        ticket: &Ticket,
    ) -> Option<Difference> {
        let known = self.reader.files(place).ok()?;
        let unreadable_before = self.reader.unreadable_folders(place).ok()?;
        let at = |path: &Path| Place { root: root.id, path: path.to_owned() };
        let mut difference = Difference {
            place: Some(place.clone()),
            listed: unreadable_before.iter().filter(|p| !found.unreadable.iter().any(|(q, _)| q == *p)).map(|p| at(p)).collect(),
            unreadable: found
                .unreadable
                .iter()
                .map(|(path, why)| (at(path), Failure::new(Stage::Open, format!("this folder cannot be read: {why}"))))
                .collect(),
            closed: rewritten(root, found, &known, due).into_iter().map(at).collect(),
            others: self.other_difference(root, place, found, due)?,
            is_nothing: known.is_empty() && found.files.is_empty() && found.others.is_empty() && found.unreadable.is_empty(),
            ..Difference::default()
        };
        let (mut links, mut asked) = (Vec::new(), HashSet::new());
        let (mut volumes, unmounted) = (Volumes::default(), self.unmounted.get(&root.id).cloned().unwrap_or_default());
        let is_away = |path: &Path, volume: u64| {
            unmounted.iter().any(|point| path.starts_with(point)) || volumes.is_another_at(&root.path.join(path), volume)
        };
        let is_closed = |path: &Path| due.get(&root.path.join(path)).is_some_and(|heard| heard.was_closed);
        for change in intake::compare(found, &known, is_away) {
            let (path, inode) = match &change {
                Change::Seen(path, stamp) | Change::Touched(path, stamp) | Change::Renumbered(path, stamp) => (path, Some(stamp.inode)),
                Change::Gone(path) | Change::Away(path) => (path, None),
            };
            // Asked once for each inode, because a file with many hard links may lose many of them at once.
            if known
                .get(path)
                .is_some_and(|known| Some(known.stamp.inode) != inode && asked.insert((known.stamp.volume, known.stamp.inode)))
            {
                links.extend(self.reader.links(&at(path)).unwrap_or_default());
            }
            match change {
                Change::Seen(path, stamp) => {
                    if self.is_complete(root, &path, &stamp, due, ticket) {
                        if is_closed(&path) || self.must_be_read(root, &at(&path), &stamp, due) {
                            difference.doubted.push((at(&path), stamp));
                        }
                        difference.seen.push((at(&path), stamp));
                    }
                }
                Change::Touched(path, stamp) => {
                    if self.is_complete(root, &path, &stamp, due, ticket)
                        && self.rereads.allows(&root.path.join(&path), stamp.size, Instant::now())
                    {
                        // Another name may have been read with this ctime, and last writes through a mapping change none.
                        if is_closed(&path) {
                            difference.doubted.push((at(&path), stamp));
                        }
                        let is_moved = !is_closed(&path) && self.moves.take_unproven(&at(&path), &stamp);
                        if is_moved { &mut difference.unproven } else { &mut difference.seen }.push((at(&path), stamp));
                    }
                }
                Change::Renumbered(path, stamp) => difference.renumbered.push((at(&path), stamp)),
                Change::Gone(path) => {
                    self.moves.forget(&at(&path));
                    let indexed = known.get(&path).filter(|known| known.state == FileState::Indexed);
                    difference.gone.push((at(&path), indexed.map(|known| known.stamp)));
                }
                Change::Away(path) => difference.away.push(at(&path)),
            }
        }
        // Links below this place were walked just now.
        links.retain(|link| link.root != root.id || !link.path.starts_with(&place.path));
        self.check_links(links);
        Some(difference)
    }

    /// Returns whether a file can be read now. If not, it is checked again later, and its root is busy until then.
    fn is_complete(&mut self, root: &Root, path: &Path, stamp: &Stamp, due: &BTreeMap<PathBuf, Heard>, ticket: &Ticket) -> bool {
        let path = root.path.join(path);
        let written = SystemTime::UNIX_EPOCH + Duration::from_nanos(stamp.mtime.max(0) as u64);
        let age = SystemTime::now().duration_since(written).ok();
        let writing = due.get(&path).map_or(Writing::Unknown, |heard| heard.writing);
        if self.debounce.is_complete(&path, stamp, writing, age, Instant::now()) {
            return true;
        }
        // A file that is known by another name was moved or linked here, so it is not read anyway.
        if self.reader.is_known(stamp).unwrap_or(false) {
            return true;
        }
        self.debouncing.entry(path).or_insert_with(|| ticket.share());
        false
    }

    /// Returns whether a file must be read now that is known by another name and has another ctime since. A rename changes
    /// ctime. So does a program that writes and restores mtime. Only events distinguish them, and a scan has none.
    fn must_be_read(&mut self, root: &Root, place: &Place, stamp: &Stamp, due: &BTreeMap<PathBuf, Heard>) -> bool {
        let is_moved = self.reader.is_known(stamp).unwrap_or(false) && !self.reader.is_known_unchanged(stamp).unwrap_or(false);
        if !is_moved || !due.is_empty() && self.moves.believe(place.clone(), stamp, Instant::now()) {
            return false;
        }
        // One that must wait keeps the ctime of before the move, and so is read later.
        self.rereads.allows(&root.path_of(place), stamp.size, Instant::now())
    }

    /// Checks the other hard links of files that lost one. A program may have changed the file through the lost link,
    /// which raises no file event for the others.
    fn check_links(&mut self, links: Vec<Place>) {
        for link in links {
            if let Some(path) = self.parts.roots.now().path_of(&link) {
                self.intakes.hint(link.root, path);
            }
        }
    }

    /// Sends differences to the writer: first the files that are there, then the files that are gone. Of these, missing
    /// and away files are kept, unless `when_gone` is [`Gone::Forget`].
    pub(super) fn record(&mut self, differences: Vec<Difference>, when_gone: Gone) -> Recorded {
        let mut all = Difference::default();
        for difference in differences {
            self.note_absent(&difference, when_gone);
            all.seen.extend(difference.seen);
            all.renumbered.extend(difference.renumbered);
            all.closed.extend(difference.closed);
            all.doubted.extend(difference.doubted);
            all.unproven.extend(difference.unproven);
            all.gone.extend(difference.gone);
            all.away.extend(difference.away);
            all.others.add(difference.others);
            all.unreadable.extend(difference.unreadable);
            all.listed.extend(difference.listed);
        }
        let moves = Arc::new(moves(&all));
        if !all.listed.is_empty() || !all.unreadable.is_empty() {
            self.write(Written::Folders { listed: all.listed, unreadable: all.unreadable });
        }
        for part in all.renumbered.chunks(BATCH_FILES) {
            self.write(Written::Renumbered(part.to_vec()));
        }
        if !all.closed.is_empty() {
            self.write(Written::ReadAgain(all.closed.into_iter().map(|place| (place, None)).collect()));
        }
        let changes = all.seen.len();
        // Sent in parts, so that workers can start before all of a large scan is stored.
        for part in all.seen.chunks(BATCH_FILES) {
            self.write(Written::Files { seen: part.to_vec(), gone: Vec::new(), moves: moves.clone() });
        }
        for part in all.doubted.chunks(BATCH_FILES) {
            self.write(Written::ReadAgain(part.iter().map(|(place, stamp)| (place.clone(), Some(*stamp))).collect()));
        }
        if !all.unproven.is_empty() {
            lock(&self.parts.queue.unproven).extend(all.unproven);
            self.parts.queue.pending.raise();
        }
        let gone: Vec<Place> = all.gone.into_iter().map(|(place, _)| place).collect();
        let (gone, missing, away) = match when_gone {
            Gone::Forget => (gone.into_iter().chain(all.away).collect(), HashSet::new(), HashSet::new()),
            Gone::AskIfMany => {
                let (believed, missing) = self.believed(gone);
                (believed, missing, all.away.into_iter().collect())
            }
        };
        for part in gone.chunks(BATCH_FILES) {
            self.write(Written::Files { seen: Vec::new(), gone: part.to_vec(), moves: moves.clone() });
        }
        self.record_others(all.others, when_gone, &missing);
        Recorded { changes: (changes + gone.len()) as u64, missing, away }
    }

    /// Notes which files of a walked place are away, and that none is missing so far.
    fn note_absent(&self, difference: &Difference, when_gone: Gone) {
        let Some(place) = &difference.place else { return };
        let away = || difference.away.iter().filter(|_| when_gone == Gone::AskIfMany).map(|place| place.path.clone());
        let is_noted = |state: &RootState| state.absent.is_empty() && away().next().is_none();
        if !self.parts.roots.now().state(place.root).is_none_or(is_noted) {
            self.parts
                .roots
                .change(|roots| roots.state_mut(place.root).into_iter().for_each(|state| state.absent.note_below(&place.path, away())));
        }
    }

    /// Divides files that are gone into those to forget and the missing ones, by the rule in `mass_deletion.rs`.
    fn believed(&self, gone: Vec<Place>) -> (Vec<Place>, HashSet<Place>) {
        let reloadable = self.parts.configuration.reloadable();
        // Files at excluded places are forgotten, because a person excluded them.
        let roots = self.parts.roots.now();
        let is_excluded =
            |place: &Place| roots.get(place.root).is_some_and(|root| reloadable.rules.hide(&roots.path_for_rules(root, &place.path)));
        let (mut kept, gone): (Vec<Place>, Vec<Place>) = gone.into_iter().partition(is_excluded);
        let everywhere: HashSet<Place> = gone.iter().cloned().collect();
        let mut of_roots: HashMap<RootId, Vec<Place>> = HashMap::new();
        gone.into_iter().for_each(|place| of_roots.entry(place.root).or_default().push(place));
        let mut held_back = HashSet::new();
        for (root, gone) in of_roots {
            // A file is lost only if no other file holds its photo.
            let is_there = |place: &Place| !everywhere.contains(place) && self.is_there(place);
            let is_elsewhere = |place: &Place| match self.reader.other_files(place) {
                Ok(Some(others)) => others.iter().any(is_there),
                Ok(None) => true,
                Err(_) => false,
            };
            let count = || self.reader.count_files(&Place { root, path: PathBuf::new() }).unwrap_or(0);
            let can_ask = |count: usize| count < MASS_DELETION_MIN_FILES || self.flush().is_some();
            let known = if can_ask(gone.len()) { Some(is_elsewhere) } else { None };
            let (forgotten, lost) = believed(gone, reloadable.forget_at_once, known, count);
            kept.extend(forgotten);
            if lost.is_empty() {
                continue;
            }
            tracing::warn!("{} files of a folder are gone at once; they are kept until you confirm with simctl scan --forget", lost.len());
            self.parts.roots.change(|roots| {
                let missing = roots.state_mut(root).into_iter().map(|state| &mut state.absent.missing);
                missing.for_each(|missing| missing.extend(lost.iter().map(|place| place.path.clone())));
            });
            held_back.extend(lost);
        }
        kept.sort_unstable();
        (kept, held_back)
    }

    /// Waits until all changes that were sent are in the store. Otherwise a file could be compared with an outdated
    /// entry: if it changed and changed back, it would count as unchanged.
    pub(super) fn flush(&self) -> Option<()> {
        let (done, wait) = sync_channel(1);
        self.parts.writes.send(Written::Flush(done).into()).ok()?;
        wait.recv().ok()
    }

    pub(super) fn write(&self, change: Written) {
        // The writer is gone only when the daemon ends. Then nothing more needs to be written.
        let _ = self.parts.writes.send(Write::Change(change));
    }
}

/// Returns the known files that a writer closed, but for those whose new stamp shows that they were written to. An unchanged
/// stamp does not show that they were not: a program may write through a mapping, and its last writes may have changed
/// neither time. And where another file or none is at the path by now, the one that was written to has moved.
fn rewritten<'a>(root: &Root, found: &Found, known: &HashMap<PathBuf, KnownFile>, due: &'a BTreeMap<PathBuf, Heard>) -> Vec<&'a Path> {
    let closed = due.iter().filter(|(_, heard)| heard.was_closed).filter_map(|(path, _)| path.strip_prefix(&root.path).ok());
    // Also a file that is being read: what was read may be stored before this difference.
    let closed: HashSet<&Path> = closed.filter(|path| known.contains_key(*path)).collect();
    let is_changed = |path: &Path, stamp: &Stamp| {
        let before = known[path].stamp;
        (before.volume, before.inode) == (stamp.volume, stamp.inode) && !before.is_unchanged(stamp)
    };
    let changed = found.files.iter().filter(|(path, stamp)| closed.contains(path.as_path()) && is_changed(path, stamp));
    let changed: HashSet<&Path> = changed.map(|(path, _)| path.as_path()).collect();
    closed.into_iter().filter(|path| !changed.contains(path)).collect()
}

/// Finds the files that are gone and were seen at another place.
fn moves(difference: &Difference) -> Moves {
    let key = |stamp: &Stamp| (stamp.volume, stamp.inode);
    let gone = difference.gone.iter().filter_map(|(place, stamp)| Some((stamp.filter(|stamp| stamp.inode != 0)?, place)));
    let gone: HashMap<_, (Stamp, &Place)> = gone.map(|(stamp, place)| (key(&stamp), (stamp, place))).collect();
    let mut moves = Moves::default();
    for (place, stamp) in &difference.seen {
        if let Some(&(before, from)) = gone.get(&key(stamp))
            && before.is_same_inode(stamp)
        {
            moves.left.insert(from.clone());
            moves.from.insert(place.clone(), from.clone());
        }
    }
    moves
}
