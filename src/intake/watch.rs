//! The watch: notify's events as hints.

use std::path::{Path, PathBuf};

use notify::event::{CreateKind, EventKind, RemoveKind};
use notify::{Config, ErrorKind, Event, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};

use super::Writing;
use crate::photo::Format;

/// Something may have happened.
#[derive(Debug)]
pub enum Hint {
    /// To this path.
    Path(PathBuf, Writing),
    /// Events were lost: anything may have happened anywhere.
    Lost,
}

/// A recursive watch on any number of folders.
pub struct Watch {
    watcher: RecommendedWatcher,
}

impl Watch {
    /// `hint` is called on notify's thread and must not block.
    ///
    /// # Errors
    /// When the system gives no watch at all.
    pub fn new(hint: impl Fn(Hint) + Send + 'static) -> Result<Watch, notify::Error> {
        // Opening and reading, which we do ourselves, raise nothing; a writer's close does.
        let kinds = EventKindMask::CREATE | EventKindMask::REMOVE | EventKindMask::MODIFY_NAME | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_follow_symlinks(false).with_event_kinds(kinds);
        let handler = move |event: Result<Event, notify::Error>| match event {
            Ok(event) if event.need_rescan() => hint(Hint::Lost),
            Ok(Event { kind: EventKind::Other, .. }) => {}
            Ok(Event { kind, paths, .. }) => {
                // Of other programs' files only folders matter; a rename does not say what it renames.
                let is_of_a_file =
                    matches!(kind, EventKind::Access(_) | EventKind::Create(CreateKind::File) | EventKind::Remove(RemoveKind::File));
                let matters = |path: &PathBuf| !is_of_a_file || Format::from_name(path).is_some();
                // A file that was only made has a writer, who closes it in the end; a link has none, and is not young.
                let is_made = matches!(kind, EventKind::Create(made) if made != CreateKind::Folder);
                let writer = if is_made { Writing::Unknown } else { Writing::Closed };
                paths.into_iter().filter(matters).for_each(|path| hint(Hint::Path(path, writer)));
            }
            // A folder that this user may not watch, or that went at this moment: a look at it says so.
            Err(e) if !e.paths.is_empty() && !matches!(e.kind, ErrorKind::MaxFilesWatch) => {
                e.paths.into_iter().for_each(|path| hint(Hint::Path(path, Writing::Closed)));
            }
            Err(_) => hint(Hint::Lost),
        };
        Ok(Watch { watcher: RecommendedWatcher::new(handler, config)? })
    }

    /// # Errors
    /// When the folder, or one below it, cannot be watched: the inotify limit, for one.
    pub fn add(&mut self, folder: &Path) -> Result<(), notify::Error> {
        self.watcher.watch(folder, RecursiveMode::Recursive)
    }

    pub fn remove(&mut self, folder: &Path) {
        // A folder that is not watched any more is what was asked for.
        let _ = self.watcher.unwatch(folder);
    }
}
