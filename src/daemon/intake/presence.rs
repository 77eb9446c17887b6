//! Finds out whether a root is online, and at which path. Its folder must be on the filesystem that it was on before.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::intake::Volume;
use crate::photo::{Place, Root, Stamp};
use crate::store::Reader;

/// The number of known files that are checked to tell whether another filesystem holds a copy of a root.
const SAMPLE_FILES: usize = 16;

/// Whether a root is online.
#[derive(PartialEq, Eq, Debug)]
pub enum Presence {
    /// The root is online. It has its current path and filesystem.
    Online(Root),
    /// The reason why the root is offline. It says nothing about the files.
    Offline(String),
}

/// Looks for a root: at its path, or wherever its filesystem is mounted now.
pub fn presence(root: &Root, store: &Reader) -> Presence {
    let elsewhere = || {
        let (volume, inner) = root.home.as_ref()?;
        Some(Root { path: Volume::find(volume, inner)?, ..root.clone() })
    };
    if !root.path.is_dir() {
        return elsewhere().map_or_else(|| Presence::Offline("the folder is not there".into()), Presence::Online);
    }
    let Some(here) = Volume::of(&root.path) else { return Presence::Online(root.clone()) };
    let settled = Root { home: Some((here.id.clone(), here.inner.clone())), ..root.clone() };
    match &root.home {
        Some((volume, _)) if *volume != here.id => match elsewhere() {
            Some(moved) => Presence::Online(moved),
            None if is_familiar(root, store) => Presence::Online(settled),
            None => Presence::Offline(format!("another filesystem is there ({})", here.kind)),
        },
        _ => Presence::Online(settled),
    }
}

/// Returns whether at least half of some known files are there, unchanged. Then the filesystem is a copy of the disk,
/// or the same disk with a new UUID. If no files are known, the folder must not be empty: an empty one is a mount point
/// without its disk.
fn is_familiar(root: &Root, store: &Reader) -> bool {
    let Ok(known) = store.some_files(&Place { root: root.id, path: Default::default() }, SAMPLE_FILES) else { return false };
    if known.is_empty() {
        return fs::read_dir(&root.path).is_ok_and(|mut entries| entries.next().is_some());
    }
    let is_there = |(place, stamp): &&(Place, Stamp)| {
        let seconds = stamp.mtime.div_euclid(1_000_000_000);
        fs::symlink_metadata(root.path_of(place)).is_ok_and(|m| m.len() == stamp.size && (m.mtime() - seconds).abs() <= 2)
    };
    2 * known.iter().filter(is_there).count() >= known.len()
}
