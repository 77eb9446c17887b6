//! The watch: file events, as hints. Each folder is watched on its own, so that a folder that is left out costs nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::Metadata;
use std::ops::Bound;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{CreateKind, EventKind, ModifyKind, RemoveKind, RenameMode};
use notify::{Config, ErrorKind, Event, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};

use super::Writing;
use crate::photo::OtherKind;

/// Something may have changed.
#[derive(Debug)]
pub enum Hint {
    /// This path. `None` if the event says nothing about its writer.
    Path(PathBuf, Option<Writing>),
    /// A watched folder was moved. Until it is watched under its new path, events in it have the old one.
    FolderMoved,
    /// Events were lost: anything may have changed.
    Lost,
    /// An event of the marker. All events from before it have been reported.
    Marker,
}

/// A watch on a number of folders, without the folders in them.
pub struct Watch {
    watcher: RefCell<RecommendedWatcher>,
    folders: Arc<Mutex<Folders>>,
}

type FolderId = (u64, u64);

/// The watched folders. What an event says to be gone or moved away is not among them, nor what is below it.
#[derive(Default)]
struct Folders {
    /// Device and inode of each when it was watched, or `None` if another folder may be there now.
    of_path: BTreeMap<PathBuf, Option<FolderId>>,
    /// A folder may be watched at several paths, as with a bind mount. Its events have one of them.
    of_id: HashMap<FolderId, Vec<PathBuf>>,
    /// The folder for which a watch was last made at each path. The watcher may still report events of it with this path:
    /// when a folder with several paths is moved, it lets go of one of them only.
    reported: HashMap<PathBuf, FolderId>,
}

/// What is known of a folder that is to be watched.
#[derive(Debug, PartialEq, Eq)]
enum Entered {
    New,
    /// It is watched.
    Watched,
    /// The last watch at this path was of another folder.
    Replaced,
}

impl Folders {
    /// Notes what an event says of folders. Returns whether one of them was moved.
    fn note(&mut self, kind: EventKind, paths: &[PathBuf]) -> bool {
        let is_move = kind == EventKind::Modify(ModifyKind::Name(RenameMode::From));
        let is_moved = is_move && paths.iter().any(|path| self.of_path.contains_key(path));
        match kind {
            EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
                paths.iter().for_each(|path| self.forget(path));
            }
            // It may have replaced a folder that a program still has open, whose watch lasts.
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
                for path in paths.iter().filter(|path| self.of_path.contains_key(*path)).cloned().collect::<Vec<_>>() {
                    self.set(path, None);
                }
            }
            // The two names of a rename were reported one by one.
            _ => {}
        }
        is_moved
    }

    fn set(&mut self, path: PathBuf, id: Option<FolderId>) {
        let before = self.of_path.insert(path.clone(), id);
        self.take_from_id(&path, before.flatten());
        if let Some(id) = id {
            self.of_id.entry(id).or_default().push(path);
        }
    }

    /// Records a folder that is to be watched.
    fn enter(&mut self, path: &Path, id: FolderId) -> Entered {
        if self.of_path.get(path) == Some(&Some(id)) {
            return Entered::Watched;
        }
        self.set(path.to_owned(), Some(id));
        let before = self.reported.insert(path.to_owned(), id);
        if before.is_none_or(|before| before == id) { Entered::New } else { Entered::Replaced }
    }

    fn take_from_id(&mut self, path: &Path, id: Option<FolderId>) {
        let Some(id) = id else { return };
        if let Some(paths) = self.of_id.get_mut(&id) {
            paths.retain(|other| other != path);
            if paths.is_empty() {
                self.of_id.remove(&id);
            }
        }
    }

    fn forget(&mut self, path: &Path) {
        let below: Vec<PathBuf> = self
            .of_path
            .range::<Path, _>((Bound::Included(path), Bound::Unbounded))
            .map(|(folder, _)| folder)
            .take_while(|folder| folder.starts_with(path))
            .cloned()
            .collect();
        for folder in below {
            let id = self.of_path.remove(&folder).flatten();
            self.take_from_id(&folder, id);
        }
    }

    /// Returns the same place in the other paths at which its folder is watched.
    fn twins(&self, path: &Path) -> Vec<PathBuf> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
        let paths = self.reported.get(folder).and_then(|id| self.of_id.get(id));
        paths.into_iter().flatten().filter(|other| *other != folder).map(|other| other.join(name)).collect()
    }
}

impl Watch {
    /// `hint` is called on notify's thread and must not block. `marker` is a file.
    ///
    /// # Errors
    /// If the system does not support watches.
    pub fn new(marker: &Path, hint: impl Fn(Hint) + Send + 'static) -> Result<Watch, notify::Error> {
        // Our own opening and reading raise no event. A writer's close does.
        let kinds = EventKindMask::CREATE
            | EventKindMask::REMOVE
            | EventKindMask::MODIFY_NAME
            | EventKindMask::MODIFY_META
            | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_follow_symlinks(false).with_event_kinds(kinds);
        let marker_path = marker.to_owned();
        let folders: Arc<Mutex<Folders>> = Arc::default();
        let for_events = folders.clone();
        let handler = move |event: Result<Event, notify::Error>| match event {
            Ok(event) if event.need_rescan() => hint(Hint::Lost),
            Ok(event) if event.paths.first() == Some(&marker_path) => hint(Hint::Marker),
            Ok(Event { kind: EventKind::Other, .. }) => {}
            Ok(Event { kind, paths, .. }) => {
                let mut folders = for_events.lock().unwrap_or_else(PoisonError::into_inner);
                let twins: Vec<PathBuf> = paths.iter().flat_map(|path| folders.twins(path)).collect();
                let is_moved = folders.note(kind, &paths);
                folders.note(kind, &twins);
                drop(folders);
                if is_moved {
                    hint(Hint::FolderMoved);
                }
                // Files that are not remembered do not matter, but folders do. A rename does not say which of them it renames.
                let is_of_a_file =
                    matches!(kind, EventKind::Access(_) | EventKind::Create(CreateKind::File) | EventKind::Remove(RemoveKind::File));
                let matters = |path: &PathBuf| !is_of_a_file || OtherKind::is_remembered(path);
                let writing = writing(kind);
                paths.into_iter().chain(twins).filter(matters).for_each(|path| hint(Hint::Path(path, writing)));
            }
            // This user may not watch the folder, or it was just removed. The scan of it reports that.
            Err(e) if !e.paths.is_empty() && !matches!(e.kind, ErrorKind::MaxFilesWatch) => {
                e.paths.into_iter().for_each(|path| hint(Hint::Path(path, None)));
            }
            Err(_) => hint(Hint::Lost),
        };
        let mut watcher = RecommendedWatcher::new(handler, config)?;
        watcher.watch(marker, RecursiveMode::NonRecursive)?;
        Ok(Watch { watcher: RefCell::new(watcher), folders })
    }

    /// Watches a folder, unless it is watched. Call this before the folder is listed, at each listing: then whatever comes
    /// into it is in the list or raises an event.
    ///
    /// # Errors
    /// If it cannot be watched, for example at the inotify limit.
    pub fn enter(&self, folder: &Path, found: &Metadata) -> Result<(), notify::Error> {
        let identity = (found.dev(), found.ino());
        // Stored first: an event that arrives while the watch is made removes it again. The lock is not held meanwhile,
        // because the thread that makes the watch also takes it.
        let entered = self.folders().enter(folder, identity);
        let mut watcher = self.watcher.borrow_mut();
        match entered {
            Entered::New => {}
            Entered::Watched => return Ok(()),
            // That watch may last: the folder may be hidden by a mount, or the event of its move had another of its paths.
            // While it does, no other watch is made at this path. At its other paths that folder stays watched.
            Entered::Replaced => drop(watcher.unwatch(folder)),
        }
        watcher.watch(folder, RecursiveMode::NonRecursive).or_else(|e| {
            self.folders().forget(folder);
            let is_system = matches!(&e.kind, ErrorKind::Io(e) if e.kind() != std::io::ErrorKind::PermissionDenied);
            // The listing says that a folder is gone or closed to this user.
            if is_system || matches!(e.kind, ErrorKind::MaxFilesWatch) { Err(e) } else { Ok(()) }
        })
    }

    fn folders(&self) -> std::sync::MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what an event says about the writer of a file.
fn writing(kind: EventKind) -> Option<Writing> {
    match kind {
        // A new file has a writer, which closes it at the end. A new link has none, but is old enough to be read.
        EventKind::Create(made) if made != CreateKind::Folder => Some(Writing::Unknown),
        EventKind::Modify(ModifyKind::Metadata(_)) => None,
        EventKind::Access(_) => Some(Writing::Closed),
        EventKind::Remove(_) => Some(Writing::Removed),
        _ => Some(Writing::Renamed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_gone_is_forgotten_with_all_below_it() {
        let mut folders = Folders::default();
        for (number, path) in ["/a", "/a/b", "/a/b/c", "/a-b", "/b"].into_iter().enumerate() {
            folders.set(path.into(), Some((1, number as u64)));
        }
        folders.forget(Path::new("/a/x.jpg"));
        assert_eq!(folders.of_path.len(), 5);
        let mut moved = |path: &str| folders.note(EventKind::Modify(ModifyKind::Name(RenameMode::From)), &[path.into()]);
        assert_eq!((moved("/a/x.jpg"), moved("/a"), moved("/a")), (false, true, false));
        assert_eq!(folders.of_path.keys().map(|path| path.to_string_lossy()).collect::<Vec<_>>(), ["/a-b", "/b"]);
        assert_eq!(folders.of_id.len(), 2);
    }

    #[test]
    fn an_event_of_a_folder_at_two_paths_is_one_of_both() {
        let mut folders = Folders::default();
        for path in ["/a", "/view"] {
            assert_eq!(folders.enter(Path::new(path), (1, 1)), Entered::New);
            assert_eq!(folders.enter(Path::new(path), (1, 1)), Entered::Watched);
        }
        assert_eq!(folders.twins(Path::new("/a/1.jpg")), [PathBuf::from("/view/1.jpg")]);
        assert_eq!(folders.twins(Path::new("/view/1.jpg")), [PathBuf::from("/a/1.jpg")]);
        assert!(folders.twins(Path::new("/other/1.jpg")).is_empty());
        // Another folder is at one of the paths.
        assert_eq!(folders.enter(Path::new("/view"), (1, 2)), Entered::Replaced);
        assert!(folders.twins(Path::new("/a/1.jpg")).is_empty());
    }

    #[test]
    fn a_path_that_was_forgotten_still_leads_to_the_others() {
        let mut folders = Folders::default();
        for path in ["/a", "/view"] {
            folders.enter(Path::new(path), (1, 1));
        }
        folders.note(EventKind::Create(CreateKind::Folder), &["/view".into()]);
        assert_eq!(folders.twins(Path::new("/view/1.jpg")), [PathBuf::from("/a/1.jpg")]);
        assert_eq!(folders.enter(Path::new("/view"), (1, 1)), Entered::New);
        folders.note(EventKind::Create(CreateKind::Folder), &["/view".into()]);
        assert_eq!(folders.enter(Path::new("/view"), (1, 2)), Entered::Replaced, "its watch may last");
    }
}
