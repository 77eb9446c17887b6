//! Keeps the table of files that are not decoded in step with the disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::findings::BATCH_FILES;
use super::mass_deletion::believed;
use super::thread::Intake;
use crate::catalog::roots::whole;
use crate::daemon::messages::{Change, Gone};
use crate::intake::{Found, Heard, Volumes, compare_others};
use crate::photo::{OtherKind, Place, Root, RootId, Stamp};

/// The difference between disk and store for files that are not decoded.
#[derive(Default)]
pub struct OtherDifference {
    /// New ones and changed ones, and whether a writer closed them.
    seen: Vec<(Place, OtherKind, Stamp, bool)>,
    gone: Vec<Place>,
}

impl OtherDifference {
    pub(super) fn add(&mut self, more: OtherDifference) {
        self.seen.extend(more.seen);
        self.gone.extend(more.gone);
    }
}

impl Intake {
    /// Compares what was found with the store. `due` are the paths with events. `None` if the store cannot be read.
    pub(super) fn other_difference(
        &self,
        root: &Root,
        place: &Place,
        found: &Found,
        due: &BTreeMap<PathBuf, Heard>,
    ) -> Option<OtherDifference> {
        let known = self.reader.others(place).ok()?;
        let (mut volumes, unmounted) = (Volumes::default(), self.unmounted.get(&root.id).cloned().unwrap_or_default());
        let is_away = |path: &Path, volume: u64| {
            unmounted.iter().any(|point| path.starts_with(point)) || volumes.is_another_at(&root.path.join(path), volume)
        };
        let at = |path: PathBuf| Place { root: root.id, path };
        let is_closed = |path: &Path| due.get(&root.path.join(path)).is_some_and(|heard| heard.was_closed);
        let mut changes = compare_others(found, &known, is_away);
        // Their stamps may be the same, and their bytes others.
        let seen: HashSet<PathBuf> = changes.seen.iter().map(|(path, ..)| path.clone()).collect();
        changes.seen.extend(found.others.iter().filter(|(path, ..)| is_closed(path) && !seen.contains(path)).cloned());
        let seen = changes.seen.into_iter().map(|(path, kind, stamp)| {
            let was_closed = is_closed(&path);
            (at(path), kind, stamp, was_closed)
        });
        Some(OtherDifference { seen: seen.collect(), gone: changes.gone.into_iter().map(at).collect() })
    }

    /// Sends a difference to the writer. While the photos of a root are missing, nothing else of it is forgotten either.
    /// In a root without photos, many files that are gone at once are kept by the same rule.
    pub(super) fn record_others(&self, others: OtherDifference, when_gone: Gone, missing: &HashSet<Place>) {
        for part in others.seen.chunks(BATCH_FILES) {
            self.write(Change::Others { seen: part.to_vec(), gone: Vec::new() });
        }
        let gone = match when_gone {
            Gone::Forget => others.gone,
            Gone::AskIfMany => self.believed_others(others.gone, missing),
        };
        for part in gone.chunks(BATCH_FILES) {
            self.write(Change::Others { seen: Vec::new(), gone: part.to_vec() });
        }
    }

    /// Returns the files that are forgotten, of those that are gone.
    fn believed_others(&self, gone: Vec<Place>, missing: &HashSet<Place>) -> Vec<Place> {
        let reloadable = self.parts.configuration.reloadable();
        let roots = self.parts.roots.now();
        let mut of_roots: HashMap<RootId, Vec<Place>> = HashMap::new();
        gone.into_iter().for_each(|place| of_roots.entry(place.root).or_default().push(place));
        let mut forgotten = Vec::new();
        for (id, gone) in of_roots {
            let Some(root) = roots.get(id) else { continue };
            let is_excluded = |place: &Place| reloadable.rules.hide(&roots.path_for_rules(root, &place.path));
            let (excluded, gone): (Vec<Place>, Vec<Place>) = gone.into_iter().partition(is_excluded);
            forgotten.extend(excluded);
            let all = whole(root);
            let has_missing =
                missing.iter().any(|place| place.root == id) || roots.state(id).is_some_and(|state| !state.absent.missing.is_empty());
            if has_missing {
                continue;
            }
            let has_photos = self.reader.count_files(&all).is_ok_and(|count| count > 0);
            let is_elsewhere = (!has_photos).then_some(|_: &Place| false);
            let count = || self.reader.count_others(&all).unwrap_or(0);
            forgotten.extend(believed(gone, reloadable.forget_at_once, is_elsewhere, count).0);
        }
        forgotten
    }
}
