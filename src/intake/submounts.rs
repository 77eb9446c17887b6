//! The mounts below a root. One of another filesystem is a place of its own: it may be away, silent or dead while the root
//! is not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::volume::{is_remote, why_unwatched};
use crate::sys::mounts::{Mount, Mounts};
use crate::sys::probe::answers;

/// The topmost mount at each mount point below a root, at one moment.
#[derive(Debug, Default)]
pub struct Submounts {
    all: Mounts,
    /// By path below the root.
    mounts: BTreeMap<PathBuf, Mount>,
    /// The device of the root. `None` if there is no mount table.
    device: Option<String>,
}

impl Submounts {
    pub fn below(root: &Path) -> Submounts {
        let mounts = Mounts::now();
        let below = |mount: &Mount| Some((mount.point.strip_prefix(root).ok()?.to_owned(), mount.clone()));
        // Of several mounts at one point, the last hides the others.
        let device = mounts.holding(root).map(|mount| mount.device.clone());
        Submounts { mounts: mounts.below(root).filter_map(below).collect(), device, all: mounts }
    }

    /// Returns whether a path may be asked for without waiting for another machine than that of the root, which is waited for
    /// anyway.
    pub fn may_ask(&self, path: &Path) -> bool {
        let is_of_root = |mount: &Mount| self.device.as_ref() == Some(&mount.device);
        self.all.holding(path).is_some_and(|mount| !mount.is_automount() && (is_of_root(mount) || !is_remote(mount)))
    }

    /// Returns why the folder at a path below the root must not be entered. `None` if it may be.
    pub fn barred(&self, below: &Path) -> Option<String> {
        let mount = self.mounts.get(below)?;
        if mount.is_automount() {
            Some("it is mounted only when it is used".into())
        } else if is_remote(mount) && !answers(mount) {
            Some(format!("the {} filesystem does not answer", mount.kind))
        } else {
            None
        }
    }

    /// Returns whether another filesystem is mounted at a path below the root.
    pub fn is_another(&self, below: &Path) -> bool {
        self.mounts.get(below).is_some_and(|mount| self.device.as_ref() != Some(&mount.device))
    }

    /// Returns the mount point of another filesystem that holds a folder below the root: the outermost if there are several.
    pub fn another_above<'a>(&self, folder: &'a Path) -> Option<&'a Path> {
        if self.mounts.is_empty() { None } else { folder.ancestors().filter(|folder| self.is_another(folder)).last() }
    }

    /// Returns the mount points of other filesystems that were not there before.
    pub fn new_others<'a>(&'a self, before: &Submounts) -> impl Iterator<Item = &'a PathBuf> {
        self.mounts.keys().filter(|point| self.is_another(point) && !before.is_another(point))
    }

    /// Returns why the folder at a path, or a folder above it, must not be entered.
    pub fn barred_above(&self, below: &Path) -> Option<String> {
        if self.mounts.is_empty() { None } else { below.ancestors().find_map(|folder| self.barred(folder)) }
    }

    /// Returns a mount point that must not be entered, and why, but for those that are roots of their own.
    pub fn any_barred(&self, is_root: impl Fn(&Path) -> bool) -> Option<String> {
        let others = self.mounts.keys().filter(|point| !is_root(point));
        others.filter_map(|point| Some(format!("{}: {}", point.display(), self.barred(point)?))).next()
    }

    /// Returns where folders of the root's own filesystem are mounted.
    pub fn own(&self) -> impl Iterator<Item = &PathBuf> {
        self.mounts.keys().filter(|point| !self.is_another(point))
    }

    pub fn has(&self, point: &Path) -> bool {
        self.mounts.contains_key(point)
    }

    /// Returns the number of the mount at each mount point. A number is used for one mount only while it is mounted.
    pub fn numbers(&self) -> BTreeMap<PathBuf, u32> {
        self.mounts.iter().map(|(point, mount)| (point.clone(), mount.number)).collect()
    }

    /// Returns which mount of the root's own filesystem does not report all changes, and why.
    pub fn why_unwatched(&self) -> Option<String> {
        let own = self.mounts.iter().filter(|(point, _)| !self.is_another(point));
        own.filter_map(|(point, mount)| Some(format!("{}: {}", point.display(), why_unwatched(mount)?))).next()
    }
}
