//! Looks at the copies in the library with this program's own eyes, at the end.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::judge::{At, Look};
use super::read::{forget_cached, hash, open};
use super::walk::{Below, Candidate, is_left_out};
use crate::api::types::KnownCopy;
use crate::photo::PictureHash;
use crate::sys::SameProgram;
use crate::sys::drives::Drives;
use crate::sys::mounts::{Mount, Mounts};
use crate::sys::probe::{self, DISK_STEP_TIMEOUT};
use crate::vision::Limits;
use crate::vision::sandbox::Decoder;

/// The precision of times on a network share, in nanoseconds.
const SHARE_TIME_NS: i64 = 100;

/// How slow a disk may be that answers.
const LEAST_BYTES_PER_SECOND: u64 = 1 << 20;

/// What a disk says of a path.
#[derive(Clone)]
enum Seen {
    Silent,
    Nothing,
    /// The file, and the path of its folder without links.
    File(At, PathBuf),
}

/// The paths of copies, and the folders that they are in, at one moment.
pub struct Looks {
    top: PathBuf,
    mounts: Mounts,
    seen: HashMap<PathBuf, Seen>,
    /// Whether a folder is one of those that were asked about, or in one.
    are_asked: HashMap<PathBuf, bool>,
    drives: HashMap<PathBuf, Drives>,
}

impl Looks {
    /// Looks at the paths. `top` is what was asked about, and `below` what is there.
    pub fn at(paths: BTreeSet<PathBuf>, top: &Path, below: &Below) -> Looks {
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        let look = |path: &Path| {
            let found = fs::symlink_metadata(path).ok()?;
            let folder = fs::canonicalize(path.parent()?).ok()?;
            Some((At::of(&found), folder))
        };
        let answers = probe::each_path(&paths, look);
        let seen: HashMap<PathBuf, Seen> = paths
            .into_iter()
            .zip(answers)
            .map(|(path, answer)| {
                let seen = match answer {
                    None => Seen::Silent,
                    Some(None) => Seen::Nothing,
                    Some(Some((at, folder))) => Seen::File(at, folder),
                };
                (path, seen)
            })
            .collect();
        let mut looks = Looks {
            top: top.to_owned(),
            // Read after the files were looked at: what is not mounted by now does not count.
            mounts: Mounts::now(),
            seen,
            are_asked: HashMap::new(),
            drives: HashMap::new(),
        };
        looks.look_at_folders(below);
        looks
    }

    /// Finds out of each folder of a copy whether it is below what was asked about, and on which drives it is.
    fn look_at_folders(&mut self, below: &Below) {
        let of_files = |seen: &Seen| if let Seen::File(_, folder) = seen { Some(folder.clone()) } else { None };
        let folders: BTreeSet<PathBuf> = self.seen.values().filter_map(of_files).collect();
        let above: BTreeSet<PathBuf> = folders.iter().flat_map(|folder| folder.ancestors().map(Path::to_owned)).collect();
        let above: Vec<PathBuf> = above.into_iter().collect();
        let numbers = probe::each_path(&above, |path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino())));
        // A folder that cannot be looked at may be any.
        let asked: HashSet<PathBuf> = above
            .into_iter()
            .zip(numbers)
            .filter(|(_, number)| number.flatten().is_none_or(|number| below.folders.contains(&number)))
            .map(|(path, _)| path)
            .collect();
        for folder in folders {
            let is_below = folder.ancestors().any(|path| asked.contains(path)) || self.is_within(&folder);
            self.drives.insert(folder.clone(), Drives::of(&folder, &self.mounts));
            self.are_asked.insert(folder, is_below);
        }
    }

    /// Whether a folder is below what was asked about, in whatever mount, by the mount table. Where numbers of files do not last,
    /// only this tells.
    fn is_within(&self, folder: &Path) -> bool {
        let within = |path: &Path| {
            let mount = self.mounts.holding(path)?;
            Some((mount, mount.root.join(path.strip_prefix(&mount.point).ok()?)))
        };
        let Some(((mine, top), (theirs, folder))) = within(&self.top).zip(within(folder)) else { return folder.starts_with(&self.top) };
        let is_one = mine.device == theirs.device || is_one_share(mine, theirs);
        is_one && (folder.starts_with(&top) || !mine.numbers_last() && folded(&folder).starts_with(folded(&top)))
    }

    /// Returns what was found out about a copy of a file.
    pub fn look(&self, file: &Candidate, copy: &KnownCopy, below: &Below) -> Look {
        let path = copy.path.to_path();
        let (now, folder, is_silent) = match self.seen.get(&path) {
            Some(Seen::File(at, folder)) => (Some(*at), Some(folder), false),
            Some(Seen::Silent) => (None, None, true),
            Some(Seen::Nothing) | None => (None, None, false),
        };
        let is_below = folder.is_some_and(|folder| self.are_asked.get(folder).copied().unwrap_or(true));
        let is_same = now.is_some_and(|now| below.numbers.contains(&now.number()) || self.may_be_one(file, &path, &now));
        let is_in_trash = |path: &Path| {
            let parts: Vec<&Path> = path.iter().map(Path::new).collect();
            let is_of_home = parts.windows(2).any(|pair| pair == [Path::new("share"), Path::new("Trash")]);
            is_of_home || parts.iter().any(|part| is_trash(part))
        };
        Look {
            is_offline: copy.offline,
            is_silent,
            now,
            size: copy.size,
            mtime_ns: copy.mtime_ns,
            ctime_ns: copy.ctime_ns,
            is_asked: is_below || is_same,
            is_in_trash: is_in_trash(&path) || folder.is_some_and(|folder| is_in_trash(folder)),
            is_proven: true,
            drives: folder.and_then(|folder| self.drives.get(folder)).cloned().unwrap_or(Drives::Unknown),
        }
    }

    /// Whether a copy may be the file itself, shown by another filesystem, or by another spelling of its path.
    fn may_be_one(&self, file: &Candidate, path: &Path, now: &At) -> bool {
        let is_one_device = file.at.device == now.device;
        let in_all_views = |at: &At| (at.size, at.ctime_ns.div_euclid(SHARE_TIME_NS));
        self.mounts.may_be_one_file([&file.path, path], is_one_device).is_some()
            && (is_one_device || in_all_views(&file.at) == in_all_views(now))
    }
}

/// Whether two mounts show one share: each mount of it has a device number of its own.
fn is_one_share(a: &Mount, b: &Mount) -> bool {
    a.device.starts_with("0:") && a.kind == b.kind && a.source == b.source && a.is_fuse()
}

fn folded(path: &Path) -> PathBuf {
    path.to_string_lossy().to_lowercase().into()
}

/// Whether a folder of this name holds what was deleted.
fn is_trash(name: &Path) -> bool {
    let is_cache = ["@eaDir", ".thumbnails"].iter().any(|cache| name == Path::new(cache));
    is_left_out(name) && !is_cache || name == Path::new("files_trashbin")
}

/// Reads a copy again, past what the system keeps in memory, and returns whether it still has the bytes or the picture. A disk
/// that does not answer in time says that it has not.
pub fn still_holds(copy: &KnownCopy, picture: Option<PictureHash>, program: &SameProgram, limits: Limits) -> bool {
    let (path, content, program) = (copy.path.to_path(), copy.content.clone(), program.clone());
    let patience = DISK_STEP_TIMEOUT + Duration::from_secs(copy.size / LEAST_BYTES_PER_SECOND);
    let read = move || {
        let Ok(file) = open(&path) else { return false };
        // What is not on the disk yet cannot be read back from it.
        if file.sync_all().is_err() {
            return false;
        }
        forget_cached(&file);
        match picture {
            Some(picture) => Decoder::new(program, limits).has_picture(&file, &picture).unwrap_or(false),
            None => hash(&file, |_| {}).is_ok_and(|now| Some(now.to_string()) == content),
        }
    };
    probe::in_time(patience, read).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trash_folders_are_known_by_their_names() {
        for (name, expected) in [
            (".Trash-1000", true),
            ("$recycle.bin", true),
            ("#recycle", true),
            ("files_trashbin", true),
            ("@eaDir", false),
            ("2024", false),
        ] {
            assert_eq!(is_trash(Path::new(name)), expected, "{name}");
        }
    }
}
