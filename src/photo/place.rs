//! Places: roots and paths below them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The id of a root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct RootId(pub i64);

/// A volume and a path there.
pub type VolumeLocation = (String, PathBuf);

/// A watched folder, or a filesystem that is mounted below one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root {
    pub id: RootId,
    /// Absolute, without symlinks.
    pub path: PathBuf,
    /// Its volume and its path there, if known.
    pub volume_location: Option<VolumeLocation>,
    /// The root that it is inside of, on another filesystem than its own.
    pub inside: Option<RootId>,
    /// Whether a person asked for it. If not, it was found mounted inside the other root, and goes with it.
    pub is_asked: bool,
}

impl Root {
    /// A root that a person asked for, before it is found on a filesystem.
    pub fn new(id: RootId, path: impl Into<PathBuf>) -> Root {
        Root { id, path: path.into(), volume_location: None, inside: None, is_asked: true }
    }

    /// Returns the place of an absolute path, if the path is the root or below it.
    pub fn place(&self, path: &Path) -> Option<Place> {
        Some(Place { root: self.id, path: path.strip_prefix(&self.path).ok()?.to_owned() })
    }

    /// Returns the absolute path of a place in this root.
    pub fn path_of(&self, place: &Place) -> PathBuf {
        // Joining an empty path would add a slash.
        if place.path.as_os_str().is_empty() { self.path.clone() } else { self.path.join(&place.path) }
    }
}

/// A root and a path below it, empty for the root itself. As a scope it means everything below.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Place {
    pub root: RootId,
    pub path: PathBuf,
}
