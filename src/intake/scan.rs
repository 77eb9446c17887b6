//! The scan: which files exist, and how they differ from the store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Submounts, Volumes, links};
use crate::photo::{FileState, Format, KnownFile, LeftOut, OtherFile, OtherKind, Stamp};
use crate::sys::regular_file::is_gone;

/// The result of a walk below a root.
#[derive(Debug, Default)]
pub struct Found {
    /// Photos, by their path below the root.
    pub files: Vec<(PathBuf, Stamp)>,
    /// Files that are remembered and not decoded.
    pub others: Vec<(PathBuf, OtherKind, Stamp)>,
    /// Folders that could not be listed, and the reason. What is known below them is kept.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Mount points that were not entered, and the reason. What is known below them is away.
    pub barred: Vec<(PathBuf, String)>,
    /// Mount points of other filesystems. They were not entered, because each is a root of its own.
    pub mounted: Vec<PathBuf>,
    /// What was not taken of each listed folder, if there was anything.
    pub left_out: BTreeMap<PathBuf, LeftOut>,
}

impl Found {
    /// Whether a path is in a folder that could not be listed.
    fn hides(&self, path: &Path) -> bool {
        self.unreadable.iter().any(|(folder, _)| path.starts_with(folder))
    }

    /// Whether a path is below a mount point that was not entered.
    fn bars(&self, path: &Path) -> bool {
        self.barred.iter().map(|(folder, _)| folder).chain(&self.mounted).any(|folder| path.starts_with(folder))
    }
}

/// A difference to the store.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// A new file, or a file that was written to.
    Seen(PathBuf, Stamp),
    /// Only the ctime changed: the file was linked or got another mode, or it was written to and its time put back.
    Touched(PathBuf, Stamp),
    /// The file is unchanged, but numbered in another way, or an older version did not store its birth time.
    Renumbered(PathBuf, Stamp),
    Gone(PathBuf),
    /// The file, which was read, is missing, and so is the filesystem that it was on: it is not mounted there, or does not answer.
    Away(PathBuf),
}

/// The stamp of a file in `folder`. Its inode is 0 if the filesystem numbers files anew at every mount.
fn stamp_of(metadata: &Metadata, folder: &Path, volumes: &mut Volumes) -> Stamp {
    let numbers = volumes.numbers(folder, metadata.dev());
    stamp(metadata, numbers.volume, numbers.inode(metadata.ino()))
}

/// The stamp of an open file, numbered as the stamp that was recorded for its path.
///
/// # Errors
/// If the file cannot be asked.
pub fn stamp_like(file: &File, like: &Stamp) -> io::Result<Stamp> {
    let metadata = file.metadata()?;
    let inode = match like.inode {
        0 => 0,
        inode if inode == metadata.ino() => inode,
        // In a subvolume, or another file.
        _ => metadata.ino() ^ rustix::fs::fstatvfs(file)?.f_fsid,
    };
    Ok(stamp(&metadata, like.volume, inode))
}

fn stamp(metadata: &Metadata, volume: u64, inode: u64) -> Stamp {
    let birth = metadata.created().ok().filter(|_| inode != 0).map(|time| match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i64,
        Err(before) => -(before.duration().as_nanos() as i64),
    });
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Stamp {
        volume,
        inode,
        size: metadata.len(),
        mtime: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        ctime: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        birth,
    }
}

/// Lists the photos in `root/below`, a folder or a file, but for those that are left out. It follows no symlinks and enters
/// no other filesystem, so it always ends. `enter` is called for each folder before it is listed. `goes_on` is called at each
/// step. `None` if it returned false.
pub fn walk(
    root: &Path,
    below: &Path,
    leave_out: &dyn Fn(&Path) -> bool,
    enter: &dyn Fn(&Path, &Metadata),
    goes_on: &dyn Fn() -> bool,
) -> Option<Found> {
    let submounts = Submounts::below(root);
    let mut walk = Walk { root, leave_out, submounts, volumes: Volumes::default(), folders: Vec::new(), found: Found::default() };
    if let Some(why) = walk.submounts.barred_above(below) {
        walk.found.barred.push((below.to_owned(), why));
        return Some(walk.found);
    }
    // A file may be a mount point too, and is taken like any other.
    let is_file = fs::symlink_metadata(walk.path_of(below)).is_ok_and(|found| found.is_file());
    let folder = if is_file { below.parent().unwrap_or(below) } else { below };
    if let Some(point) = walk.submounts.another_above(folder) {
        walk.found.mounted.push(point.to_owned());
        return Some(walk.found);
    }
    walk.start(below);
    while let Some(folder) = walk.folders.pop() {
        match walk.list(&folder, enter, goes_on) {
            Ok(true) => {}
            Ok(false) => return None,
            // A folder that was removed after its parent was listed is gone, not unreadable.
            Err(e) if is_gone(&e) => {}
            Err(e) => walk.found.unreadable.push((folder, e.to_string())),
        }
    }
    walk.leave_out_new_mounts();
    Some(walk.found)
}

/// A walk under way.
struct Walk<'a> {
    root: &'a Path,
    leave_out: &'a dyn Fn(&Path) -> bool,
    submounts: Submounts,
    volumes: Volumes,
    /// Folders to list, by their path below the root.
    folders: Vec<PathBuf>,
    found: Found,
}

impl Walk<'_> {
    fn start(&mut self, below: &Path) {
        let path = self.path_of(below);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => self.folders.push(below.to_owned()),
            Ok(metadata) if metadata.is_file() => self.take(below, path.parent().unwrap_or(self.root), &metadata),
            Ok(_) => {}
            Err(e) if is_gone(&e) => {}
            Err(e) => self.found.unreadable.push((below.to_owned(), e.to_string())),
        }
    }

    /// Notes a file in `folder`, if it is a photo or another file that is remembered.
    fn take(&mut self, below: &Path, folder: &Path, metadata: &Metadata) {
        if Format::from_name(below).is_some() {
            let stamp = stamp_of(metadata, folder, &mut self.volumes);
            self.found.files.push((below.to_owned(), stamp));
        } else if let Some(kind) = OtherKind::from_name(below) {
            let stamp = stamp_of(metadata, folder, &mut self.volumes);
            self.found.others.push((below.to_owned(), kind, stamp));
        }
    }

    fn path_of(&self, below: &Path) -> PathBuf {
        // Joining an empty path would add a slash.
        if below.as_os_str().is_empty() { self.root.to_owned() } else { self.root.join(below) }
    }

    /// Leaves out what was found on filesystems that were mounted during the walk.
    fn leave_out_new_mounts(&mut self) {
        let now = Submounts::below(self.root);
        for point in now.new_others(&self.submounts) {
            self.found.files.retain(|(path, _)| !path.starts_with(point) || path == point);
            self.found.others.retain(|(path, ..)| !path.starts_with(point) || path == point);
            match now.barred(point) {
                _ if point.ancestors().any(|folder| !folder.as_os_str().is_empty() && (self.leave_out)(folder)) => {}
                Some(why) => self.found.barred.push((point.clone(), why)),
                None => self.found.mounted.push(point.clone()),
            }
        }
    }

    /// Lists one folder. False if `goes_on` returned false.
    fn list(&mut self, folder: &Path, enter: &dyn Fn(&Path, &Metadata), goes_on: &dyn Fn() -> bool) -> io::Result<bool> {
        let whole = self.path_of(folder);
        enter(&whole, &fs::symlink_metadata(&whole)?);
        let mut left_out = LeftOut::default();
        for entry in fs::read_dir(&whole)? {
            if !goes_on() {
                return Ok(false);
            }
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if (self.leave_out)(&path) {
                let is_hidden = entry.file_name().as_bytes().starts_with(b".");
                *(if is_hidden { &mut left_out.hidden } else { &mut left_out.excluded }) += 1;
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                links::count(&whole.join(entry.file_name()), |path| self.submounts.may_ask(path), &mut left_out);
                continue;
            }
            if kind.is_dir() {
                match self.submounts.barred(&path) {
                    Some(why) => self.found.barred.push((path, why)),
                    None if self.submounts.is_another(&path) => self.found.mounted.push(path),
                    None => self.folders.push(path),
                }
                continue;
            }
            if kind.is_file() && OtherKind::is_remembered(&path) {
                match entry.metadata() {
                    Ok(metadata) => self.take(&path, &whole, &metadata),
                    // A file that was just removed is gone.
                    Err(e) if is_gone(&e) => {}
                    Err(e) => return Err(e),
                }
            }
            if !kind.is_file() || Format::from_name(&path).is_none() {
                let has_ending = path.extension().is_some_and(|ending| !ending.is_empty());
                *(if has_ending || !kind.is_file() { &mut left_out.other } else { &mut left_out.without_ending }) += 1;
            }
        }
        if !left_out.is_nothing() {
            self.found.left_out.insert(folder.to_owned(), left_out);
        }
        Ok(true)
    }
}

/// The differences of a walk to what is known of the same scope. `is_away` tells, by path below the root and number of
/// the filesystem, whether another filesystem is at the path of a missing file now.
pub fn compare(found: &Found, known: &HashMap<PathBuf, KnownFile>, mut is_away: impl FnMut(&Path, u64) -> bool) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut missing: HashMap<&Path, &KnownFile> = known.iter().map(|(path, file)| (path.as_path(), file)).collect();
    for (path, stamp) in &found.files {
        match missing.remove(path.as_path()) {
            Some(file) if file.stamp.is_unchanged(stamp) && file.stamp.birth == stamp.birth => {}
            Some(file) if file.stamp.is_renumbered(stamp) => changes.push(Change::Renumbered(path.clone(), *stamp)),
            Some(file) if file.stamp.is_same_inode(stamp) && file.state == FileState::Indexed => {
                changes.push(Change::Touched(path.clone(), *stamp));
            }
            _ => changes.push(Change::Seen(path.clone(), *stamp)),
        }
    }
    let mut gone: Vec<(&Path, &KnownFile)> = missing.into_iter().filter(|(path, _)| !found.hides(path)).collect();
    gone.sort_unstable_by_key(|(path, _)| *path);
    changes.extend(gone.into_iter().map(|(path, file)| {
        // Of a file that was never read nothing is known. If it stayed, all would wait for its filesystem.
        let is_away = file.state != FileState::Pending && (found.bars(path) || is_away(path, file.stamp.volume));
        if is_away { Change::Away(path.to_owned()) } else { Change::Gone(path.to_owned()) }
    }));
    changes
}

/// Files that are not decoded and differ from the store.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OtherChanges {
    /// New ones, and those with another stamp.
    pub seen: Vec<(PathBuf, OtherKind, Stamp)>,
    pub gone: Vec<PathBuf>,
}

/// The differences of a walk to the known files of the same scope that are not decoded. Those that are away stay as they are.
pub fn compare_others(found: &Found, known: &HashMap<PathBuf, OtherFile>, mut is_away: impl FnMut(&Path, u64) -> bool) -> OtherChanges {
    let is_known = |path: &Path, kind: OtherKind, stamp: &Stamp| {
        known.get(path).is_some_and(|file| file.kind == kind && file.stamp.is_unchanged(stamp) && file.stamp.birth == stamp.birth)
    };
    let seen = found.others.iter().filter(|(path, kind, stamp)| !is_known(path, *kind, stamp)).cloned().collect();
    let there: HashSet<&Path> = found.others.iter().map(|(path, ..)| path.as_path()).collect();
    let missing = known.values().filter(|file| !there.contains(file.place.path.as_path()));
    let is_gone = |file: &&OtherFile| {
        let path = &file.place.path;
        !found.hides(path) && !found.bars(path) && !is_away(path, file.stamp.volume)
    };
    let mut gone: Vec<PathBuf> = missing.filter(is_gone).map(|file| file.place.path.clone()).collect();
    gone.sort_unstable();
    OtherChanges { seen, gone }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::intake::Rules;

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
        for file in ["a/1.jpg", "a/IMG_0001", "a/2.", "a/notes.txt", "a/.hidden/2.jpg", "3.HEIC", "4.nef"] {
            fs::write(at(file), b"x").expect("written");
        }
        symlink(root.path(), at("a/loop")).expect("linked");
        symlink(at("a/1.jpg"), at("link.jpg")).expect("linked");
        symlink("../.git/annex/objects/2.jpg", at("a/annexed.jpg")).expect("linked");
        symlink(at("a/notes.txt"), at("a/link.txt")).expect("linked");
        let rules = Rules::default();
        let leave_out = |below: &Path| rules.leave_out(below);
        let found = walk(root.path(), Path::new(""), &leave_out, &|_, _| {}, &|| true).expect("not stopped");
        assert_eq!(names(&found), ["3.HEIC", "4.nef", "a/1.jpg"]);
        let in_root = LeftOut { linked_photos: 1, ..LeftOut::default() };
        let in_folder =
            LeftOut { linked_folders: 1, linked_others: 1, annexed: 1, hidden: 1, without_ending: 2, other: 1, ..LeftOut::default() };
        assert_eq!(found.left_out, BTreeMap::from([("".into(), in_root), ("a".into(), in_folder)]));
        let one = walk(root.path(), Path::new("a/1.jpg"), &leave_out, &|_, _| {}, &|| true).expect("not stopped");
        assert_eq!(names(&one), ["a/1.jpg"]);
        // A file is where a folder was.
        let gone = walk(root.path(), Path::new("3.HEIC/5.jpg"), &leave_out, &|_, _| {}, &|| true).expect("not stopped");
        assert!(gone.files.is_empty() && gone.unreadable.is_empty());
        assert!(walk(root.path(), Path::new(""), &leave_out, &|_, _| {}, &|| false).is_none());
    }

    #[test]
    fn films_and_sidecars_are_found_and_compared_too() {
        let root = tempfile::tempdir().expect("a folder");
        for file in ["1.jpg", "1.xmp", "2.MOV", "notes.pdf"] {
            fs::write(root.path().join(file), b"x").expect("written");
        }
        let mut found = walk(root.path(), Path::new(""), &|_| false, &|_, _| {}, &|| true).expect("not stopped");
        found.others.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let kinds: Vec<_> = found.others.iter().map(|(path, kind, _)| (path.to_str().expect("text"), *kind)).collect();
        assert_eq!(kinds, [("1.xmp", OtherKind::Sidecar), ("2.MOV", OtherKind::Film)]);
        assert_eq!(found.left_out[Path::new("")].other, 3, "they are no photos");
        let one = walk(root.path(), Path::new("2.MOV"), &|_| false, &|_, _| {}, &|| true).expect("not stopped");
        assert_eq!(one.others, found.others[1..]);
        let stamp = found.others[0].2;
        let known = |path: &str, stamp: Stamp| {
            let place = crate::photo::Place { root: crate::photo::RootId(1), path: path.into() };
            (PathBuf::from(path), OtherFile { place, kind: OtherKind::Sidecar, stamp, content: None })
        };
        let changed = Stamp { mtime: stamp.mtime + 1, ..stamp };
        let mut before = HashMap::from([known("1.xmp", changed), known("gone.xmp", stamp), known("locked/a.xmp", stamp)]);
        found.unreadable.push(("locked".into(), "permission denied".into()));
        let changes = compare_others(&found, &before, |_, _| false);
        assert_eq!((changes.seen, changes.gone), (found.others.clone(), vec!["gone.xmp".into()]));
        assert!(compare_others(&found, &before, |_, _| true).gone.is_empty(), "its disk is not mounted");
        before.insert("1.xmp".into(), known("1.xmp", stamp).1);
        assert_eq!(compare_others(&found, &before, |_, _| false).seen, found.others[1..]);
    }

    #[test]
    fn differences_are_new_changed_and_gone_but_not_what_is_hidden() {
        let stamp = |mtime| Stamp { volume: 1, inode: 1, size: 1, mtime, ctime: mtime, birth: Some(0) };
        let touched = Stamp { ctime: 2, ..stamp(1) };
        let names = ["same", "changed", "touched", "older", "gone", "locked/in"];
        let indexed = |stamp| KnownFile { stamp, state: FileState::Indexed };
        let mut known: HashMap<PathBuf, KnownFile> = names.into_iter().map(|name| (name.into(), indexed(stamp(1)))).collect();
        known.insert("older".into(), indexed(Stamp { birth: None, ..stamp(1) }));
        let mut found = Found {
            files: [("same", stamp(1)), ("changed", stamp(2)), ("touched", touched), ("older", stamp(1)), ("new", stamp(1))]
                .map(|(name, stamp)| (PathBuf::from(name), stamp))
                .to_vec(),
            unreadable: vec![("locked".into(), "permission denied".into())],
            ..Found::default()
        };
        let changes = compare(&found, &known, |_, _| true);
        assert_eq!(changes.last(), Some(&Change::Away("gone".into())), "another filesystem is there");
        let mut unread = known.clone();
        unread.get_mut(Path::new("gone")).expect("known").state = FileState::Pending;
        assert_eq!(compare(&found, &unread, |_, _| true).last(), Some(&Change::Gone("gone".into())), "it was never read");
        found.barred.push(("gone".into(), "it does not answer".into()));
        let changes = compare(&found, &known, |_, _| false);
        assert_eq!(changes.last(), Some(&Change::Away("gone".into())), "its folder was not entered");
        found.barred.clear();
        let changes = compare(&found, &known, |_, _| false);
        let expected = [
            Change::Seen("changed".into(), stamp(2)),
            Change::Touched("touched".into(), touched),
            Change::Renumbered("older".into(), stamp(1)),
            Change::Seen("new".into(), stamp(1)),
            Change::Gone("gone".into()),
        ];
        assert_eq!(changes, expected);
    }
}
