//! Places: roots and paths below them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The id of a root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct RootId(pub i64);

/// A watched folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root {
    pub id: RootId,
    /// Absolute, without symlinks.
    pub path: PathBuf,
    /// Its volume and its path there, if known.
    pub home: Option<(String, PathBuf)>,
}

impl Root {
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

/// Returns the scopes of an absolute path: the place in the innermost root that contains it, or else every root below
/// it. Several roots have one path if several cards were there.
pub fn scopes_of(path: &Path, roots: &[Root]) -> Vec<Place> {
    let holding = roots.iter().filter(|r| path.starts_with(&r.path)).max_by_key(|r| r.path.as_os_str().len());
    match holding {
        Some(innermost) => roots.iter().filter(|root| root.path == innermost.path).filter_map(|root| root.place(path)).collect(),
        None => roots.iter().filter(|r| r.path.starts_with(path)).map(|r| Place { root: r.id, path: PathBuf::new() }).collect(),
    }
}
