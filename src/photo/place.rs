//! Where files are: roots, and paths below them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A root's number in the library.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct RootId(pub i64);

/// A watched folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root {
    pub id: RootId,
    /// Absolute, without symlinks.
    pub path: PathBuf,
    /// The filesystem it is on and its path there, once it was looked at.
    pub home: Option<(String, PathBuf)>,
}

impl Root {
    /// The place of an absolute path, if it is the root or below it.
    pub fn place(&self, path: &Path) -> Option<Place> {
        Some(Place { root: self.id, path: path.strip_prefix(&self.path).ok()?.to_owned() })
    }

    /// The absolute path of one of its places.
    pub fn path_of(&self, place: &Place) -> PathBuf {
        // Joining an empty path would add a slash.
        if place.path.as_os_str().is_empty() { self.path.clone() } else { self.path.join(&place.path) }
    }
}

/// A file's or folder's place: a root, and its path below it, empty for the root itself. As a
/// scope of an answer, everything below it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Place {
    pub root: RootId,
    pub path: PathBuf,
}

/// The scopes that an absolute path means: itself under the root that holds it, or every root
/// below it.
pub fn scopes_of(path: &Path, roots: &[Root]) -> Vec<Place> {
    let holding = roots.iter().filter(|r| path.starts_with(&r.path)).max_by_key(|r| r.path.as_os_str().len());
    match holding {
        Some(root) => root.place(path).into_iter().collect(),
        None => roots.iter().filter(|r| r.path.starts_with(path)).map(|r| Place { root: r.id, path: PathBuf::new() }).collect(),
    }
}
