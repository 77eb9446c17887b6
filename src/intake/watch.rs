//! The watch: file events, as hints.

use std::path::{Path, PathBuf};

use notify::event::{CreateKind, EventKind, ModifyKind, RemoveKind};
use notify::{Config, ErrorKind, Event, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};

use super::Writing;
use crate::photo::Format;

/// Something may have changed.
#[derive(Debug)]
pub enum Hint {
    /// This path. `None` if the event says nothing about its writer.
    Path(PathBuf, Option<Writing>),
    /// Events were lost: anything may have changed.
    Lost,
    /// An event of the marker. All events from before it have been reported.
    Marker,
}

/// A recursive watch on a number of folders.
pub struct Watch {
    watcher: RecommendedWatcher,
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
        let handler = move |event: Result<Event, notify::Error>| match event {
            Ok(event) if event.need_rescan() => hint(Hint::Lost),
            Ok(event) if event.paths.first() == Some(&marker_path) => hint(Hint::Marker),
            Ok(Event { kind: EventKind::Other, .. }) => {}
            Ok(Event { kind, paths, .. }) => {
                // Files of other types do not matter, but folders do. A rename does not say which of them it renames.
                let is_of_a_file =
                    matches!(kind, EventKind::Access(_) | EventKind::Create(CreateKind::File) | EventKind::Remove(RemoveKind::File));
                let matters = |path: &PathBuf| !is_of_a_file || Format::from_name(path).is_some();
                let writing = writing(kind);
                paths.into_iter().filter(matters).for_each(|path| hint(Hint::Path(path, writing)));
            }
            // This user may not watch the folder, or it was just removed. The scan of it reports that.
            Err(e) if !e.paths.is_empty() && !matches!(e.kind, ErrorKind::MaxFilesWatch) => {
                e.paths.into_iter().for_each(|path| hint(Hint::Path(path, None)));
            }
            Err(_) => hint(Hint::Lost),
        };
        let mut watcher = RecommendedWatcher::new(handler, config)?;
        watcher.watch(marker, RecursiveMode::NonRecursive)?;
        Ok(Watch { watcher })
    }

    /// # Errors
    /// If the folder or one below it cannot be watched, for example at the inotify limit.
    pub fn add(&mut self, folder: &Path) -> Result<(), notify::Error> {
        self.watcher.watch(folder, RecursiveMode::Recursive)
    }

    pub fn remove(&mut self, folder: &Path) {
        // It does not matter if the folder was not watched.
        let _ = self.watcher.unwatch(folder);
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
