//! The filesystems that are mounted inside a root. Each is a root of its own, which nobody asked for.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::findings::{DISK_TIMEOUT, Presence};
use super::presence::presence;
use super::thread::Intake;
use crate::catalog::roots::whole;
use crate::daemon::messages::{Mounted, Request, request};
use crate::daemon::state::queue::Ticket;
use crate::intake::{Found, Submounts, Volume, Volumes};
use crate::photo::{Coverage, Root, VolumeLocation};

impl Intake {
    /// Makes a root of each filesystem that is mounted inside one and is not a root yet. `work` is what found it.
    pub(super) fn adopt(&self, outer: &Root, found: &mut Found, work: &Ticket) {
        for below in &found.mounted {
            let (path, roots) = (outer.path.join(below), self.parts.roots.now());
            // The thread of a root that is there finds out which card it is.
            if roots.at(&path).next().is_some() {
                // What kept it from being started may be over.
                let is_idle = |root: &&Root| roots.state(root.id).is_none() && !self.parts.queue.activity.is_busy(root.id);
                roots.at(&path).filter(is_idle).for_each(|root| drop(self.intakes.start_within(root.clone(), work)));
                continue;
            }
            // It may have been unmounted since it was found.
            if !Volume::is_mounted_apart(&path) {
                continue;
            }
            let _asking = self.heartbeat.work_on(outer.id, DISK_TIMEOUT);
            match fs::read_dir(&path) {
                Ok(_) => {}
                // A file is taken where it is.
                Err(e) if e.kind() == ErrorKind::NotADirectory => continue,
                Err(e) => {
                    found.unreadable.push((below.clone(), e.to_string()));
                    continue;
                }
            }
            let volume_location: Option<VolumeLocation> = Volume::of(&path).map(|here| (here.id, here.inner));
            // A disk that was mounted elsewhere before, or whose mount point was renamed.
            let is_it = |root: &&Root| root.volume_location.is_some() && root.volume_location == volume_location;
            let moved = |root: &&Root| matches!(presence(root, &roots, &self.reader), Presence::Online(found) if found.path == path);
            let root = match roots.list().iter().filter(is_it).find(moved) {
                Some(root) => Some(root.clone()),
                None => {
                    let mounted = Mounted { outer: outer.clone(), volume_location, volume: Volumes::default().at(&path), path };
                    request(&self.parts.writes, |reply| Request::AddMountedRoot(mounted, reply)).ok().flatten()
                }
            };
            let _ = root.map(|root| self.intakes.start_within(root, work));
        }
    }

    /// Forgets a filesystem that was mounted inside a root.
    pub(super) fn abandon(&mut self, mounted: &Root) {
        let before = self.parts.roots.now();
        if request(&self.parts.writes, |reply| Request::RemoveRoot(mounted.clone(), reply)).is_err() {
            return;
        }
        self.drop_root(mounted);
        // Folders on it that a person asked for are roots again.
        let after = self.parts.roots.now();
        for back in after.list().iter().filter(|root| before.get(root.id).is_none()) {
            let _ = self.intakes.start(back.clone());
        }
        // Another one may be mounted there by now.
        mounted.inside.into_iter().for_each(|outer| self.intakes.hint(outer, mounted.path.clone()));
    }

    /// Returns whether no file of a root is known.
    pub(super) fn knows_nothing_of(&self, root: &Root) -> bool {
        let all = whole(root);
        let is_empty = |coverage: Coverage| coverage.indexed + coverage.pending + coverage.unsupported + coverage.failed == 0;
        self.flush().is_some()
            && self.reader.coverage(std::slice::from_ref(&all)).is_ok_and(is_empty)
            && self.reader.count_others(&all).is_ok_and(|count| count == 0)
    }

    /// Returns whether something was mounted in a folder, which may have moved with it.
    pub(super) fn holds_mounted(&self, folder: &Path) -> bool {
        self.parts.roots.now().list().iter().any(|root| root.inside.is_some() && root.path.starts_with(folder))
    }

    /// Notes what is mounted below a root now, and what is not mounted any more.
    pub(super) fn note_submounts(&mut self, root: &Root) {
        let now = Submounts::below(&root.path);
        let unmounted = self.unmounted.entry(root.id).or_default();
        unmounted.retain(|point| !now.has(point));
        let before = self.submounts.remove(&root.id).unwrap_or_default();
        unmounted.extend(before.own().filter(|point| !now.has(point)).cloned());
        self.submounts.insert(root.id, now);
    }

    pub(super) fn has_its_submounts(&self, root: &Root) -> bool {
        self.submounts.get(&root.id).is_none_or(|before| before.numbers() == Submounts::below(&root.path).numbers())
    }
}
