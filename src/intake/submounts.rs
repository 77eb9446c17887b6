//! The mounts below a root: each may be away, silent or dead while the root is not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::volume::{is_remote, silence};
use crate::sys::mounts::{Mount, Mounts};
use crate::sys::probe::answers;

/// The topmost mount at each mount point below a root, at one moment.
#[derive(Debug, Default)]
pub struct Submounts {
    all: Mounts,
    /// By path below the root.
    mounts: BTreeMap<PathBuf, Mount>,
}

impl Submounts {
    pub fn below(root: &Path) -> Submounts {
        let mounts = Mounts::now();
        let below = |mount: &Mount| Some((mount.point.strip_prefix(root).ok()?.to_owned(), mount.clone()));
        // Of several mounts at one point, the last hides the others.
        Submounts { mounts: mounts.below(root).filter_map(below).collect(), all: mounts }
    }

    /// Returns whether a path may be asked for without waiting for another machine.
    pub fn may_ask(&self, path: &Path) -> bool {
        self.all.holding(path).is_some_and(|mount| !mount.is_automount() && !is_remote(mount))
    }

    /// Returns why the folder at a path below the root must not be entered. `None` if it may be.
    pub fn closed(&self, below: &Path) -> Option<String> {
        let mount = self.mounts.get(below)?;
        if mount.is_automount() {
            Some("it is mounted only when it is used".into())
        } else if is_remote(mount) && !answers(mount) {
            Some(format!("the {} filesystem does not answer", mount.kind))
        } else {
            None
        }
    }

    /// Returns why the folder at a path, or a folder above it, must not be entered.
    pub fn closed_above(&self, below: &Path) -> Option<String> {
        if self.mounts.is_empty() { None } else { below.ancestors().find_map(|folder| self.closed(folder)) }
    }

    /// Returns a mount point that must not be entered, and why.
    pub fn any_closed(&self) -> Option<String> {
        self.mounts.keys().find_map(|point| Some(format!("{}: {}", point.display(), self.closed(point)?)))
    }

    /// Returns the number of the mount at each mount point. A number is used for one mount only while it is mounted.
    pub fn numbers(&self) -> BTreeMap<PathBuf, u32> {
        self.mounts.iter().map(|(point, mount)| (point.clone(), mount.number)).collect()
    }

    /// Returns which mount does not report all changes, and why.
    pub fn silence(&self) -> Option<String> {
        self.mounts.iter().find_map(|(point, mount)| Some(format!("{}: {}", point.display(), silence(mount)?)))
    }
}
