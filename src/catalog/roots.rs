//! The watched folders: where each is, and whether it is here.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::photo::{self, Place, Root, RootId};

/// Device, inode, and time of making (inodes are used again), of a folder.
pub type FolderId = (u64, u64, Option<SystemTime>);

pub fn folder_id(path: &Path) -> Option<FolderId> {
    fs::metadata(path).ok().filter(fs::Metadata::is_dir).map(|m| (m.dev(), m.ino(), m.created().ok()))
}

/// What is known of a root beside its files.
#[derive(Clone, Debug, Default)]
pub struct RootState {
    /// The folder that was watched and scanned; `None` when it was away.
    pub folder: Option<FolderId>,
    /// Why it is offline.
    pub offline: Option<String>,
    /// Why the watch does not notice all of its changes, so that it is scanned at intervals.
    pub unwatched: Option<String>,
    /// Interval between routine scans.
    pub scanned_every: Duration,
    pub last_scan: Option<SystemTime>,
    /// Events that came from the watch.
    pub hints: u64,
    /// How often events were lost, so that everything was scanned again.
    pub times_lost: u64,
    /// Files, by their paths below the root, that are gone, but too many at once to be forgotten without a question.
    pub missing: HashSet<PathBuf>,
    /// Files on a filesystem that was mounted in this root and is not.
    pub away: HashSet<PathBuf>,
    /// Set while offline because of an I/O timeout: when to retry.
    pub retry_at: Option<Instant>,
    /// I/O timeouts since the last whole scan.
    pub timeouts: u32,
}

/// All roots, as they are known at one moment.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    list: Vec<Root>,
    /// How each root was at its last scan. A root without a state was not scanned yet.
    states: HashMap<RootId, RootState>,
}

impl Roots {
    pub fn new(list: Vec<Root>) -> Roots {
        Roots { list, states: HashMap::new() }
    }

    pub fn list(&self) -> &[Root] {
        &self.list
    }

    /// Takes over the roots as they are in the store now. What is known of each stays.
    pub fn replace(&mut self, list: Vec<Root>) {
        self.list = list;
    }

    pub fn get(&self, id: RootId) -> Option<&Root> {
        self.list.iter().find(|root| root.id == id)
    }

    pub fn state(&self, id: RootId) -> Option<&RootState> {
        self.states.get(&id)
    }

    /// The state of a root that was scanned, to be changed.
    pub fn state_mut(&mut self, id: RootId) -> Option<&mut RootState> {
        self.states.get_mut(&id)
    }

    /// The state of a root, made if there is none.
    pub fn state_or_new(&mut self, id: RootId) -> &mut RootState {
        self.states.entry(id).or_default()
    }

    pub fn forget_state(&mut self, id: RootId) {
        self.states.remove(&id);
    }

    /// The roots as places.
    pub fn scopes(&self) -> Vec<Place> {
        self.list.iter().map(whole).collect()
    }

    /// The roots that are here, as places.
    pub fn online_scopes(&self) -> Vec<Place> {
        self.list.iter().filter(|root| self.is_online(root.id)).map(whole).collect()
    }

    /// The places that a path means: it may be below a root, or hold some.
    pub fn scopes_of(&self, path: &Path) -> Vec<Place> {
        photo::scopes_of(path, &self.list)
    }

    /// The root that a path is in: the innermost.
    pub fn holding(&self, path: &Path) -> Option<&Root> {
        self.list.iter().filter(|root| path.starts_with(&root.path)).max_by_key(|root| root.path.as_os_str().len())
    }

    /// Whether a root's files can be read; one that was not scanned yet may be.
    pub fn is_online(&self, id: RootId) -> bool {
        self.state(id).is_none_or(|state| state.offline.is_none())
    }

    /// Whether a file can be had now, for all that is known.
    pub fn is_here(&self, file: &Place) -> bool {
        let Some(state) = self.state(file.root) else { return true };
        state.offline.is_none() && !state.missing.contains(&file.path) && !state.away.contains(&file.path)
    }

    /// The absolute path of a place, as long as its root is known.
    pub fn path_of(&self, place: &Place) -> Option<PathBuf> {
        self.get(place.root).map(|root| root.path_of(place))
    }

    /// The absolute path of a place, or what is known of it where its root was just removed.
    pub fn shown_path(&self, place: &Place) -> PathBuf {
        self.path_of(place).unwrap_or_else(|| place.path.clone())
    }
}

/// All of a root.
pub fn whole(root: &Root) -> Place {
    Place { root: root.id, path: PathBuf::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots() -> Roots {
        let root = |id, path: &str| Root { id: RootId(id), path: path.into(), home: None };
        Roots::new(vec![root(1, "/p"), root(2, "/p/inner"), root(3, "/away")])
    }

    fn place(root: i64, path: &str) -> Place {
        Place { root: RootId(root), path: path.into() }
    }

    #[test]
    fn a_path_is_in_the_innermost_root_that_holds_it() {
        let roots = roots();
        let id = |path: &str| roots.holding(Path::new(path)).map(|root| root.id.0);
        assert_eq!((id("/p/a.jpg"), id("/p/inner/a.jpg"), id("/pp/a.jpg")), (Some(1), Some(2), None));
        assert_eq!(roots.path_of(&place(2, "a.jpg")), Some("/p/inner/a.jpg".into()));
        assert_eq!(roots.shown_path(&place(9, "a.jpg")), Path::new("a.jpg"), "its root was just removed");
        assert_eq!(roots.scopes().len(), 3);
    }

    #[test]
    fn a_file_is_here_unless_its_root_or_the_file_is_not() {
        let mut roots = roots();
        assert!(roots.is_here(&place(1, "a.jpg")) && roots.is_online(RootId(1)), "not scanned yet");
        let state = roots.state_or_new(RootId(1));
        state.missing.insert("gone.jpg".into());
        state.away.insert("card/a.jpg".into());
        roots.state_or_new(RootId(3)).offline = Some("the folder is not there".into());
        for (path, is_here) in [("a.jpg", true), ("gone.jpg", false), ("card/a.jpg", false)] {
            assert_eq!(roots.is_here(&place(1, path)), is_here, "{path}");
        }
        assert!(!roots.is_here(&place(3, "a.jpg")) && !roots.is_online(RootId(3)));
        assert_eq!(roots.online_scopes(), [place(1, ""), place(2, "")]);
    }
}
