//! Copies what is missing. It overwrites nothing, and compares what it wrote with what the disk gives back.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::judge::At;
use super::read::{forget_cached, hash};
use super::walk::Below;
use crate::cli::failure::Failure;
use crate::cli::text::shown_path;
use crate::sys::drives::Storage;
use crate::sys::mounts::Mounts;
use crate::sys::regular_file::open;

const READ_BYTES: usize = 1 << 20;

/// What a file has while it is written.
const PART: &str = ".simctl-part";

const CHANGED: &str = "it changed while it was copied";

/// What became of a file.
pub enum Copied {
    /// It was written, and read back.
    Written(PathBuf),
    /// A file with its bytes was there, and is on the disk.
    Was(PathBuf),
    /// Something else is there, or the file cannot be read or written.
    Not(String),
}

/// Why nothing more is copied.
pub enum Stop {
    /// Ctrl-C.
    Asked,
    /// The disk is full, or fails.
    Unwritten(Failure),
}

/// Makes the folder to copy to, unless it is below what was asked about or on its drive.
///
/// # Errors
/// Why nothing can be copied there.
pub fn target(folder: &Path, top: &Path, below: &Below) -> Result<PathBuf, Failure> {
    let refused = |why: &str| Failure::usage(format!("nothing is copied to {}: {why}", shown_path(folder)));
    let unusable = |e: io::Error| Failure::unwritten_file(folder, &e);
    // Looked at before anything is made there.
    let existing = std::path::absolute(folder).map_err(unusable)?;
    let existing = existing.ancestors().find_map(|path| fs::canonicalize(path).ok()).unwrap_or_else(|| PathBuf::from("/"));
    let is_below = |path: &Path| {
        path.starts_with(top) || path.ancestors().any(|path| fs::metadata(path).is_ok_and(|m| below.folders.contains(&(m.dev(), m.ino()))))
    };
    if is_below(&existing) {
        return Err(refused("it is below the folder that was asked about").hint("name a folder on another drive"));
    }
    let mounts = Mounts::now();
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    let [storage, of_top] = [existing.as_path(), top].map(|path| Storage::of(path, &mounts));
    if storage.holders().any(is_below) {
        return Err(refused("it is kept in the folder that was asked about").hint("name a folder on another drive"));
    }
    if device(&existing) == device(top) || storage.drives.overlap(&of_top.drives) {
        return Err(refused("it is on the drive that was asked about").hint("name a folder on another drive"));
    }
    fs::create_dir_all(folder).map_err(unusable)?;
    let folder = fs::canonicalize(folder).map_err(unusable)?;
    if is_below(&folder) {
        return Err(refused("it is below the folder that was asked about"));
    }
    Ok(folder)
}

/// Copies one file to the same place below `folder` as it has below `top`.
///
/// # Errors
/// If nothing more can be copied. Nothing is left of this file then.
pub fn copy(from: &Path, at: &At, top: &Path, folder: &Path, is_ended: &AtomicBool) -> Result<Copied, Stop> {
    let below = match from.strip_prefix(top) {
        Ok(below) if !below.as_os_str().is_empty() => below,
        _ => Path::new(from.file_name().unwrap_or_default()),
    };
    let to = folder.join(below);
    if let Some(link) = way_out(folder, &to) {
        return Ok(Copied::Not(format!("{} is a link, or another disk is mounted there", shown_path(&link))));
    }
    let source = match open(from) {
        Ok(source) => source,
        Err(e) => return Ok(Copied::Not(e.to_string())),
    };
    match fs::symlink_metadata(&to) {
        Ok(there) if there.is_file() && there.len() == at.size => {
            return Ok(match is_on_disk(&source, &to) {
                Ok(true) if is_as(&source, at) => Copied::Was(to),
                Ok(true) => Copied::Not(CHANGED.into()),
                Ok(false) => Copied::Not(occupied(&to)),
                Err(e) => Copied::Not(e.to_string()),
            });
        }
        Ok(_) => return Ok(Copied::Not(occupied(&to))),
        Err(_) => {}
    }
    let Some(parent) = to.parent() else { return Ok(Copied::Not("it has no folder".into())) };
    let failed = |e: io::Error| Stop::Unwritten(Failure::unwritten_file(&to, &e));
    fs::create_dir_all(parent).map_err(failed)?;
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(format!("{PART}-{}", std::process::id()));
    let path = parent.join(name);
    let mut target = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
    let part = Part { path };
    if let Err(why) = fill(&source, &mut target, is_ended) {
        return match why {
            Filled::Asked => Err(Stop::Asked),
            Filled::Source(e) => Ok(Copied::Not(e.to_string())),
            Filled::Target(e) => Err(failed(e)),
        };
    }
    if !is_as(&source, at) {
        return Ok(Copied::Not(CHANGED.into()));
    }
    finish(&source, &target, &part.path, &to, at).map_err(failed)
}

/// Returns what on the way from a folder down to a path leads out of it, if something does: a link, or what is mounted there. It may lead
/// back to what is copied.
fn way_out(folder: &Path, to: &Path) -> Option<PathBuf> {
    let device = fs::metadata(folder).map(|found| found.dev()).ok();
    let between = to.ancestors().skip(1).take_while(|path| *path != folder);
    let leads_out = |path: &&Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink() || Some(found.dev()) != device);
    between.filter(leads_out).last().map(Path::to_owned)
}

/// Whether a copy is none of the files of a folder, by whatever mount.
pub fn is_apart(copy: &Path, below: &Below) -> bool {
    fs::symlink_metadata(copy).is_ok_and(|found| {
        let at = At::of(&found);
        !below.numbers.contains(&at.number()) && !below.may_be_seen_as(&at)
    })
}

fn is_as(file: &File, at: &At) -> bool {
    file.metadata().is_ok_and(|found| At::of(&found) == *at)
}

/// Whether the disk, and not only memory, has the bytes of a file at a path. Puts them there.
fn is_on_disk(source: &File, path: &Path) -> io::Result<bool> {
    let there = open(path)?;
    there.sync_all()?;
    sync_folders(path)?;
    [source, &there].into_iter().for_each(forget_cached);
    Ok(hash(&there, |_| {})? == hash(source, |_| {})?)
}

/// Puts the names of a file and of its folder on the disk.
fn sync_folders(path: &Path) -> io::Result<()> {
    path.ancestors().skip(1).take(2).try_for_each(|folder| File::open(folder)?.sync_all())
}

/// A file that is not whole. It is removed unless it got its name.
struct Part {
    path: PathBuf,
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

enum Filled {
    Asked,
    Source(io::Error),
    Target(io::Error),
}

fn fill(source: &File, target: &mut File, is_ended: &AtomicBool) -> Result<(), Filled> {
    io::Seek::rewind(&mut &*source).map_err(Filled::Source)?;
    let mut buffer = vec![0; READ_BYTES];
    loop {
        if is_ended.load(Ordering::Relaxed) {
            return Err(Filled::Asked);
        }
        let read = (&mut &*source).read(&mut buffer).map_err(Filled::Source)?;
        if read == 0 {
            return Ok(());
        }
        target.write_all(&buffer[..read]).map_err(Filled::Target)?;
    }
}

/// Puts a written file on the disk, compares what the disk gives back, and gives it its name.
fn finish(source: &File, target: &File, part: &Path, to: &Path, at: &At) -> io::Result<Copied> {
    let written = SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_nanos(at.mtime_ns.max(0) as u64))
        .and_then(|time| time.checked_sub(Duration::from_nanos(at.mtime_ns.min(0).unsigned_abs())));
    if let Some(written) = written {
        target.set_times(FileTimes::new().set_modified(written))?;
    }
    target.sync_all()?;
    let back = open(part)?;
    [source, &back].into_iter().for_each(forget_cached);
    if hash(&back, |_| {})? != hash(source, |_| {})? {
        return Err(io::Error::other("what was read back is not what was written"));
    }
    match named(part, to) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(Copied::Not(occupied(to))),
        Err(e) => return Err(e),
    }
    sync_folders(to)?;
    Ok(Copied::Written(to.to_owned()))
}

/// Renames a file, if nothing is at the new path.
fn named(part: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, part, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Not every filesystem can. A link does not replace a file either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match fs::hard_link(part, to) {
            Ok(()) => fs::remove_file(part),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
            // Of those without links only FUSE and shares remain.
            Err(_) if fs::symlink_metadata(to).is_err() => fs::rename(part, to),
            Err(_) => Err(io::ErrorKind::AlreadyExists.into()),
        },
        Err(e) => Err(e.into()),
    }
}

fn occupied(to: &Path) -> String {
    format!("{} is there already, with other bytes, and is not overwritten", shown_path(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &Path) -> At {
        At::of(&fs::symlink_metadata(path).expect("there"))
    }

    #[test]
    fn a_copy_has_the_folders_the_bytes_and_the_time_and_replaces_nothing() {
        let home = tempfile::tempdir().expect("a folder");
        let (card, target) = (home.path().join("card"), home.path().join("target"));
        fs::create_dir_all(card.join("DCIM/100")).expect("made");
        fs::create_dir_all(&target).expect("made");
        let from = card.join("DCIM/100/1.jpg");
        fs::write(&from, b"bytes").expect("written");
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_234_567_890_123);
        File::options().write(true).open(&from).and_then(|file| file.set_modified(time)).expect("set");
        let ended = AtomicBool::new(false);
        let copied = |from: &Path| copy(from, &at(from), &card, &target, &ended);
        let to = target.join("DCIM/100/1.jpg");
        assert!(matches!(copied(&from), Ok(Copied::Written(path)) if path == to));
        assert_eq!(fs::read(&to).expect("there"), b"bytes");
        assert_eq!(fs::metadata(&to).and_then(|found| found.modified()).expect("a time"), time);
        assert!(matches!(copied(&from), Ok(Copied::Was(path)) if path == to));
        fs::write(&to, b"other").expect("written");
        assert!(matches!(copied(&from), Ok(Copied::Not(why)) if why.contains("not overwritten")));
        fs::write(&to, b"longer than that").expect("written");
        assert!(matches!(copied(&from), Ok(Copied::Not(_))));
        assert_eq!(fs::read(&to).expect("there"), b"longer than that");
        // Nothing but this file is there.
        assert_eq!(fs::read_dir(target.join("DCIM/100")).expect("a folder").count(), 1);
        ended.store(true, Ordering::Relaxed);
        fs::remove_file(&to).expect("removed");
        assert!(matches!(copied(&from), Err(Stop::Asked)));
        assert_eq!(fs::read_dir(target.join("DCIM/100")).expect("a folder").count(), 0);
    }

    #[test]
    fn what_leads_back_to_the_card_is_no_copy() {
        let home = tempfile::tempdir().expect("a folder");
        let (card, target) = (home.path().join("card"), home.path().join("target"));
        for folder in [card.join("DCIM/100"), card.join("PRIVATE"), target.join("PRIVATE")] {
            fs::create_dir_all(folder).expect("made");
        }
        let files = ["DCIM/100/1.jpg", "PRIVATE/2.mov"].map(|name| card.join(name));
        for file in &files {
            fs::write(file, b"bytes").expect("written");
        }
        std::os::unix::fs::symlink(card.join("DCIM"), target.join("DCIM")).expect("linked");
        fs::hard_link(&files[1], target.join("PRIVATE/2.mov")).expect("linked");
        let ended = AtomicBool::new(false);
        let copied = |from: &Path| copy(from, &at(from), &card, &target, &ended);
        assert!(matches!(copied(&files[0]), Ok(Copied::Not(why)) if why.contains("DCIM is a link")));
        assert_eq!(way_out(&target, &target.join("DCIM/102/1.jpg")), Some(target.join("DCIM")));
        assert_eq!(way_out(&target, &target.join("PRIVATE/new/2.mov")), None);
        let below = crate::cli::missing::walk::walk(&card).expect("walked");
        assert!(!is_apart(&target.join("PRIVATE/2.mov"), &below), "a hard link");
        fs::write(target.join("other"), b"bytes and more").expect("written");
        assert!(is_apart(&target.join("other"), &below));
    }

    #[test]
    fn a_file_that_came_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let (part, to) = (folder.path().join("a.part"), folder.path().join("a"));
        fs::write(&part, b"new").expect("written");
        fs::write(&to, b"old").expect("written");
        assert_eq!(named(&part, &to).expect_err("it is there").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).expect("there"), b"old");
        fs::remove_file(&to).expect("removed");
        named(&part, &to).expect("renamed");
        assert!(!part.exists() && fs::read(&to).expect("there") == b"new");
    }
}
