//! The scan: which files exist, and how they differ from the store.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Rules, Volumes};
use crate::photo::{FileState, Format, KnownFile, Stamp};

/// The result of a walk below a root.
#[derive(Debug, Default)]
pub struct Found {
    /// Photos, by their path below the root.
    pub files: Vec<(PathBuf, Stamp)>,
    /// Folders that could not be listed, and the reason. What is known below them is kept.
    pub unreadable: Vec<(PathBuf, String)>,
    /// The filesystems of the walked folders.
    volumes: Volumes,
}

/// A difference to the store.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// A new file, or a new stamp.
    Seen(PathBuf, Stamp),
    Gone(PathBuf),
    /// The file is missing, and so is the filesystem it was on.
    Away(PathBuf),
}

/// The stamp of a file in `folder`. Its inode is 0 if the filesystem numbers files anew at every mount.
fn stamp_of(metadata: &Metadata, folder: &Path, volumes: &mut Volumes) -> Stamp {
    let (volume, lasts) = volumes.number(folder, metadata.dev());
    stamp(metadata, volume, if lasts { metadata.ino() } else { 0 })
}

/// The stamp of an open file, with the volume of the stamp that was recorded for its path.
pub fn stamp_like(metadata: &Metadata, like: &Stamp) -> Stamp {
    stamp(metadata, like.volume, if like.inode == 0 { 0 } else { metadata.ino() })
}

fn stamp(metadata: &Metadata, volume: u64, inode: u64) -> Stamp {
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Stamp {
        volume,
        inode,
        size: metadata.len(),
        mtime: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        ctime: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// Lists the photos in `root/below`, a folder or a file. It does not follow symlinks, so it always ends. `goes_on` is
/// called at each step. `None` if it returned false.
pub fn walk(root: &Path, below: &Path, rules: &Rules, goes_on: &dyn Fn() -> bool) -> Option<Found> {
    let mut found = Found::default();
    if let Ok(metadata) = fs::metadata(root) {
        found.volumes.number(root, metadata.dev());
    }
    let mut folders = Vec::new();
    let start = if below.as_os_str().is_empty() { root.to_owned() } else { root.join(below) };
    match fs::symlink_metadata(&start) {
        Ok(metadata) if metadata.is_dir() => folders.push(below.to_owned()),
        Ok(metadata) if metadata.is_file() && Format::from_name(below).is_some() => {
            let stamp = stamp_of(&metadata, start.parent().unwrap_or(root), &mut found.volumes);
            found.files.push((below.to_owned(), stamp));
        }
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => found.unreadable.push((below.to_owned(), e.to_string())),
    }
    while let Some(folder) = folders.pop() {
        match list(root, &folder, rules, goes_on, &mut folders, &mut found) {
            Ok(true) => {}
            Ok(false) => return None,
            // A folder that was removed after its parent was listed is gone, not unreadable.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => found.unreadable.push((folder, e.to_string())),
        }
    }
    Some(found)
}

/// Lists one folder. False if `goes_on` returned false.
fn list(
    root: &Path,
    folder: &Path,
    rules: &Rules,
    goes_on: &dyn Fn() -> bool,
    folders: &mut Vec<PathBuf>,
    found: &mut Found,
) -> io::Result<bool> {
    let whole = if folder.as_os_str().is_empty() { root.to_owned() } else { root.join(folder) };
    for entry in fs::read_dir(&whole)? {
        if !goes_on() {
            return Ok(false);
        }
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if rules.leave_out(&path) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folders.push(path);
        } else if kind.is_file() && Format::from_name(&path).is_some() {
            match entry.metadata() {
                Ok(metadata) => {
                    let stamp = stamp_of(&metadata, &whole, &mut found.volumes);
                    found.files.push((path, stamp));
                }
                // A file that was just removed is gone.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
    }
    Ok(true)
}

/// The differences of a walk to what is known of the same scope.
pub fn compare(found: &Found, known: &HashMap<PathBuf, KnownFile>) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut missing: HashMap<&Path, &KnownFile> = known.iter().map(|(path, file)| (path.as_path(), file)).collect();
    for (path, stamp) in &found.files {
        match missing.remove(path.as_path()) {
            Some(file) if file.stamp == *stamp => {}
            // Linking or renaming a file changes only its ctime.
            Some(file) if file.stamp.is_same_inode(stamp) && file.state == FileState::Indexed => {}
            _ => changes.push(Change::Seen(path.clone(), *stamp)),
        }
    }
    let is_hidden = |path: &Path| found.unreadable.iter().any(|(folder, _)| path.starts_with(folder));
    let mut gone: Vec<(&Path, &KnownFile)> = missing.into_iter().filter(|(path, _)| !is_hidden(path)).collect();
    gone.sort_unstable_by_key(|(path, _)| *path);
    let mut mounted = None;
    let mut is_here = |volume| found.volumes.hold(volume) || mounted.get_or_insert_with(Volumes::mounted).hold(volume);
    changes.extend(gone.into_iter().map(|(path, file)| {
        let path = path.to_owned();
        if is_here(file.stamp.volume) { Change::Gone(path) } else { Change::Away(path) }
    }));
    changes
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(found: &Found) -> Vec<String> {
        let mut names: Vec<String> = found.files.iter().map(|(p, _)| p.display().to_string()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_walk_finds_photos_and_ends_at_links() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |p: &str| root.path().join(p);
        fs::create_dir_all(at("a/.hidden")).expect("made");
        for file in ["a/1.jpg", "a/notes.txt", "a/.hidden/2.jpg", "3.HEIC", "4.nef"] {
            fs::write(at(file), b"x").expect("written");
        }
        symlink(root.path(), at("a/loop")).expect("linked");
        symlink(at("a/1.jpg"), at("link.jpg")).expect("linked");
        let found = walk(root.path(), Path::new(""), &Rules::default(), &|| true).expect("not stopped");
        assert_eq!(names(&found), ["3.HEIC", "4.nef", "a/1.jpg"]);
        let one = walk(root.path(), Path::new("a/1.jpg"), &Rules::default(), &|| true).expect("not stopped");
        assert_eq!(names(&one), ["a/1.jpg"]);
        assert!(walk(root.path(), Path::new(""), &Rules::default(), &|| false).is_none());
    }

    #[test]
    fn differences_are_new_changed_and_gone_but_not_what_is_hidden() {
        let stamp = |mtime| Stamp { volume: 1, inode: 1, size: 1, mtime, ctime: mtime };
        let known = |mtime| KnownFile { stamp: stamp(mtime), state: FileState::Indexed };
        let known: HashMap<PathBuf, KnownFile> =
            [("same", 1), ("changed", 1), ("gone", 1), ("locked/in", 1)].into_iter().map(|(p, t)| (PathBuf::from(p), known(t))).collect();
        let mut found = Found {
            files: vec![("same".into(), stamp(1)), ("changed".into(), stamp(2)), ("new".into(), stamp(1))],
            unreadable: vec![("locked".into(), "permission denied".into())],
            volumes: Volumes::default(),
        };
        let unplugged = compare(&found, &known);
        assert_eq!(unplugged.last(), Some(&Change::Away("gone".into())), "its filesystem is not there");
        found.volumes = Volumes::of_numbers([1]);
        let changes = compare(&found, &known);
        assert_eq!(changes, [Change::Seen("changed".into(), stamp(2)), Change::Seen("new".into(), stamp(1)), Change::Gone("gone".into())]);
    }
}
