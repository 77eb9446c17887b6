//! Finds out whether a root is online, and at which path. Its folder must be on the filesystem that it was on before.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use super::findings::{DISK_TIMEOUT, Presence};
use super::thread::Intake;
use crate::catalog::roots::{FolderId, Roots, folder_id};
use crate::daemon::messages::{Request, request};
use crate::daemon::state::queue::Ticket;
use crate::intake::Volume;
use crate::photo::{Place, Root, RootId, Stamp};
use crate::store::Reader;

/// The number of known files that are checked to tell whether another filesystem holds a copy of a root.
const SAMPLE_FILES: usize = 16;

/// The number of known files of which one must be there, where no id tells one card from another.
const CARD_SAMPLE_FILES: usize = 256;

impl Intake {
    pub(super) fn presence(&self, root: &Root) -> Presence {
        let _asking = self.heartbeat.work_on(root.id, DISK_TIMEOUT);
        presence(root, &self.parts.roots.now(), &self.reader)
    }

    pub(super) fn folder_id(&self, root: &Root) -> Option<FolderId> {
        // To ask for the folder would mount it.
        if !root.is_asked && !Volume::is_mounted_apart(&root.path) {
            return None;
        }
        let _asking = self.heartbeat.work_on(root.id, DISK_TIMEOUT);
        folder_id(&root.path)
    }

    /// Returns whether the folder that was watched is still at the path of a root.
    pub(super) fn is_where_it_was(&self, root: &Root) -> bool {
        let folder = self.folder_id(root);
        folder.is_some() && self.parts.roots.now().state(root.id).is_some_and(|state| state.folder == folder)
    }

    /// Returns whether an offline root is as it was: not there, or another card is there that is a root of its own.
    pub(super) fn is_still_offline(&self, root: &Root) -> bool {
        match self.presence(root) {
            Presence::Online(_) => false,
            Presence::Offline { is_replaced, .. } => {
                let roots = self.parts.roots.now();
                !is_replaced || roots.at(&root.path).any(|other| roots.is_online(other.id))
            }
        }
    }

    /// Starts roots again that appeared, disappeared, have another folder now, or other mounts below them.
    pub(super) fn look_for_roots(&mut self) {
        for root in self.roots() {
            if self.is_unresponsive(&root) {
                continue;
            }
            self.look_for(&root, None);
        }
    }

    /// Starts a root again unless it is as it was.
    pub(super) fn look_for(&mut self, root: &Root, ticket: Option<Ticket>) {
        let is_offline = !self.parts.roots.now().is_online(root.id);
        let is_as_it_was =
            if is_offline { self.is_still_offline(root) } else { self.is_where_it_was(root) && self.has_its_submounts(root) };
        if !is_as_it_was {
            self.start(root, ticket.unwrap_or_else(|| self.parts.queue.activity.begin(root.id)));
        }
    }

    fn is_unresponsive(&self, root: &Root) -> bool {
        self.parts.roots.now().state(root.id).is_some_and(|state| state.timeouts.retry_at.is_some())
    }

    /// Starts roots again whose disk did not answer: once no thread waits for it any more, and at intervals even if one
    /// does, because that thread may wait for a disk that was replaced.
    pub(super) fn take_up_again(&mut self) {
        let stuck = self.parts.health.heartbeats.stuck();
        let mut unresponsive = self.roots();
        unresponsive.retain(|root| self.is_unresponsive(root));
        for root in unresponsive {
            let until = self.parts.roots.now().state(root.id).and_then(|state| state.timeouts.retry_at);
            let is_awaited = stuck.iter().any(|(_, roots)| roots.contains(&root.id));
            if !is_awaited || until.is_some_and(|until| until <= Instant::now()) {
                let ticket = self.parts.queue.activity.begin(root.id);
                self.start(&root, ticket);
            }
        }
    }

    /// Makes a root of the card that is at the path of another one, unless it is known already.
    pub(super) fn meet(&self, absent: &Root) {
        let roots = self.parts.roots.now();
        let known: Vec<Root> = roots.at(&absent.path).cloned().collect();
        let back = known.iter().find(|root| root.id != absent.id && matches!(self.presence(root), Presence::Online(_)));
        let new = match back {
            Some(_) if known.iter().any(|root| roots.is_online(root.id)) => return,
            Some(back) => back.clone(),
            None => {
                let ids: Vec<RootId> = known.iter().map(|root| root.id).collect();
                let added = request(&self.parts.writes, |reply| Request::AddRootBeside(absent.clone(), ids, reply));
                let Ok(Some(added)) = added else { return };
                added
            }
        };
        let _ = self.intakes.start(new);
    }
}

/// Looks for a root: at its path, or wherever its filesystem is mounted now. What was found mounted inside another root is
/// looked for inside that one only.
pub(super) fn presence(root: &Root, roots: &Roots, store: &Reader) -> Presence {
    let outer = root.inside.filter(|_| !root.is_asked).and_then(|outer| roots.get(outer));
    let may_be_at = |path: &Path| match outer {
        Some(outer) => path.starts_with(&outer.path) && Volume::is_mounted_apart(path),
        None => true,
    };
    let elsewhere = || {
        let (volume, inner) = root.volume_location.as_ref()?;
        let is_taken = |path: &Path| roots.at(path).any(|other| other.id != root.id && roots.is_online(other.id));
        let path = Volume::find(volume, inner).into_iter().find(|path| may_be_at(path) && !is_taken(path))?;
        let found = Root { path, ..root.clone() };
        let is_it = Volume::of(&found.path).is_some_and(|there| there.is_certain) || holds_one_of(&found, store);
        is_it.then_some(found)
    };
    if !may_be_at(&root.path) || !root.path.is_dir() {
        let why = if outer.is_some() { "it is not mounted" } else { "the folder is not there" };
        return elsewhere().map_or_else(|| Presence::offline(why), Presence::Online);
    }
    let Some(here) = Volume::of(&root.path) else { return Presence::Online(root.clone()) };
    let found = Root { volume_location: Some((here.id.clone(), here.inner.clone())), ..root.clone() };
    let Some((volume, inner)) = &root.volume_location else { return Presence::Online(found) };
    let replaced = || {
        let why = if here.is_certain { "another filesystem is there" } else { "another card is there, or its photos are gone" };
        // A mount point without its disk is a folder of the disk that holds it, and has another path there.
        let is_replaced = outer.is_some() || *inner == here.inner && !is_empty(root);
        Presence::Offline { why: format!("{why} ({})", here.kind), is_replaced }
    };
    if here.has(volume) && *inner != here.inner && !is_familiar(root, store) {
        // Another folder of the same filesystem: what was mounted at the path is not any more, or something else is.
        let is_mounted = Volume::is_mount_point(&root.path);
        let why = if is_mounted { "another folder is mounted there" } else { "what was mounted there is not mounted now" };
        return Presence::Offline { why: format!("{why} ({})", here.kind), is_replaced: is_mounted && !is_empty(root) };
    }
    if here.has(volume) {
        return if here.is_certain || holds_one_of(root, store) { Presence::Online(found) } else { replaced() };
    }
    match elsewhere() {
        Some(moved) => Presence::Online(moved),
        None if is_familiar(root, store) => Presence::Online(found),
        None => replaced(),
    }
}

/// Returns whether at least half of some known files are there, unchanged. Then the filesystem is a copy of the disk,
/// or the same disk with a new UUID. If no files are known, the folder must not be empty: an empty one is a mount point
/// without its disk.
fn is_familiar(root: &Root, store: &Reader) -> bool {
    let Ok(known) = store.some_files(&Place { root: root.id, path: Default::default() }, SAMPLE_FILES) else { return false };
    if known.is_empty() {
        return !is_empty(root);
    }
    2 * known.iter().filter(|known| is_there(root, known)).count() >= known.len()
}

/// Returns whether one of some known files is there, unchanged: the card was not exchanged. If no files are known, there is
/// nothing to lose.
fn holds_one_of(root: &Root, store: &Reader) -> bool {
    let known = store.some_files(&Place { root: root.id, path: Default::default() }, CARD_SAMPLE_FILES);
    known.is_ok_and(|known| known.is_empty() || known.iter().any(|known| is_there(root, known)))
}

fn is_there(root: &Root, (place, stamp): &(Place, Stamp)) -> bool {
    let seconds = stamp.mtime.div_euclid(1_000_000_000);
    fs::symlink_metadata(root.path_of(place)).is_ok_and(|m| m.len() == stamp.size && (m.mtime() - seconds).abs() <= 2)
}

fn is_empty(root: &Root) -> bool {
    fs::read_dir(&root.path).map_or(true, |mut entries| entries.next().is_none())
}
