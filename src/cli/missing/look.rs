//! Looks at the copies in the library with this program's own eyes, at the end.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::judge::{At, Bond, Look};
use super::read::{forget_cached, hash};
use super::walk::{Below, Candidate, is_left_out};
use crate::api::types::KnownCopy;
use crate::photo::PictureData;
use crate::sys::SameProgram;
use crate::sys::drives::{Drives, Storage};
use crate::sys::mounts::{Mount, Mounts};
use crate::sys::probe::{self, DISK_STEP_TIMEOUT};
use crate::sys::regular_file::{is_gone, open};
use crate::vision::Limits;
use crate::vision::sandbox::Decoder;

/// How slow a disk may be that answers.
const LEAST_BYTES_PER_SECOND: u64 = 1 << 20;

/// What a disk says of a path.
#[derive(Clone)]
enum Seen {
    Silent,
    Nothing,
    /// It, or its folder, cannot be looked at.
    Unreadable,
    /// The file, and the path of its folder without links.
    File(At, PathBuf),
}

/// The paths of copies, and the folders that they are in, at one moment.
pub struct Looks {
    top: PathBuf,
    mounts: Mounts,
    seen: HashMap<PathBuf, Seen>,
    /// The folders of the copies.
    folders: HashMap<PathBuf, Folder>,
}

/// What all files of a folder have in common.
struct Folder {
    bond: Option<Bond>,
    drives: Drives,
}

impl Looks {
    /// Looks at the paths. `top` is what was asked about, and `below` what is there.
    pub fn at(paths: BTreeSet<PathBuf>, top: &Path, below: &Below) -> Looks {
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        let look = |path: &Path| {
            let found = fs::symlink_metadata(path)?;
            let folder = fs::canonicalize(path.parent().unwrap_or(path))?;
            Ok((At::of(&found), folder))
        };
        let answers = probe::each_path(&paths, look);
        let seen: HashMap<PathBuf, Seen> = paths
            .into_iter()
            .zip(answers)
            .map(|(path, answer)| {
                let seen = match answer {
                    None => Seen::Silent,
                    Some(Err(e)) if is_gone(&e) => Seen::Nothing,
                    Some(Err(_)) => Seen::Unreadable,
                    Some(Ok((at, folder))) => Seen::File(at, folder),
                };
                (path, seen)
            })
            .collect();
        let mut looks = Looks {
            top: top.to_owned(),
            // Read after the files were looked at: what is not mounted by now does not count.
            mounts: Mounts::now(),
            seen,
            folders: HashMap::new(),
        };
        looks.look_at_folders(below);
        looks
    }

    /// Finds out of each folder of a copy whether it goes with what was asked about, and on which drives it is.
    fn look_at_folders(&mut self, below: &Below) {
        let of_files = |seen: &Seen| if let Seen::File(_, folder) = seen { Some(folder.clone()) } else { None };
        let folders: BTreeSet<PathBuf> = self.seen.values().filter_map(of_files).collect();
        let stored = folders.into_iter().map(|folder| {
            let storage = Storage::of(&folder, &self.mounts);
            (folder, storage)
        });
        let stored: Vec<(PathBuf, Storage)> = stored.collect();
        let formatted = self.mounts.is_whole(&self.top).then(|| Storage::of(&self.top, &self.mounts));
        // A folder that cannot be looked at may be any.
        let above = stored.iter().flat_map(|(folder, _)| folder.ancestors());
        let asked = those(above, |found| found.flatten().is_none_or(|number| below.folders.contains(&number)));
        // A path that is not there names something else.
        let is_below = |number| below.folders.contains(&number) || below.numbers.contains(&number);
        let holders = stored.iter().flat_map(|(_, storage)| storage.holders());
        let holding = those(holders, |found| found.is_none_or(|number| number.is_some_and(is_below)));
        let is_holding = |path: &Path| path.starts_with(&self.top) || holding.contains(path);
        let mut found = HashMap::new();
        for (folder, storage) in stored {
            let is_below = folder.ancestors().any(|path| asked.contains(path)) || self.is_within(&folder);
            let is_same = is_below || storage.holders().any(is_holding);
            let bond = match &formatted {
                _ if is_same => Some(Bond::Same),
                Some(formatted) if storage.goes_with(formatted) => Some(Bond::Drive),
                _ => None,
            };
            found.insert(folder, Folder { bond, drives: storage.drives });
        }
        self.folders = found;
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
        let seen = self.seen.get(&path).unwrap_or(&Seen::Nothing);
        let (now, folder) = if let Seen::File(at, folder) = seen { (Some(*at), Some(folder)) } else { (None, None) };
        let folder_bond = folder.and_then(|folder| self.folders.get(folder)?.bond);
        let is_same = now.is_some_and(|now| below.numbers.contains(&now.number()) || self.is_respelled(file, &path, &now));
        let bond = match now {
            _ if is_same => Some(Bond::Same),
            Some(now) if folder_bond.is_none() && below.may_be_seen_as(&now) => Some(Bond::View),
            _ => folder_bond,
        };
        let is_in_trash = |path: &Path| {
            let parts: Vec<&Path> = path.iter().map(Path::new).collect();
            let is_of_home = parts.windows(2).any(|pair| pair == [Path::new("share"), Path::new("Trash")]);
            is_of_home || parts.iter().any(|part| is_trash(part))
        };
        Look {
            is_offline: copy.offline,
            is_silent: matches!(seen, Seen::Silent),
            is_unreadable: matches!(seen, Seen::Unreadable),
            now,
            size: copy.size,
            mtime_ns: copy.mtime_ns,
            ctime_ns: copy.ctime_ns,
            bond,
            is_in_trash: is_in_trash(&path) || folder.is_some_and(|folder| is_in_trash(folder)),
            is_proven: true,
            drives: folder.and_then(|folder| self.folders.get(folder)).map_or(Drives::Unknown, |folder| folder.drives.clone()),
        }
    }

    /// Whether a copy may be the file itself, by another spelling of its path.
    fn is_respelled(&self, file: &Candidate, path: &Path, now: &At) -> bool {
        file.at.device == now.device && self.mounts.may_be_one_file([&file.path, path], true).is_some()
    }
}

/// Returns the paths of which something is true: of the device and inode of what is there, of `Some(None)` if nothing is, and of `None`
/// if the disk does not answer.
fn those<'a>(paths: impl Iterator<Item = &'a Path>, is_true: impl Fn(Option<Option<(u64, u64)>>) -> bool) -> HashSet<PathBuf> {
    let paths: BTreeSet<PathBuf> = paths.map(Path::to_owned).collect();
    let paths: Vec<PathBuf> = paths.into_iter().collect();
    let found = probe::each_path(&paths, |path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino())));
    paths.into_iter().zip(found).filter(|(_, found)| is_true(*found)).map(|(path, _)| path).collect()
}

/// Whether two mounts show one share: each mount of it may have a device number of its own.
fn is_one_share(a: &Mount, b: &Mount) -> bool {
    a.device.starts_with("0:") && a.kind == b.kind && a.source == b.source
}

fn folded(path: &Path) -> PathBuf {
    path.to_string_lossy().to_lowercase().into()
}

/// Whether a folder of this name holds what was deleted.
fn is_trash(name: &Path) -> bool {
    let is_cache = ["@eaDir", ".thumbnails"].iter().any(|cache| name == Path::new(cache));
    is_left_out(name) && !is_cache || name == Path::new("files_trashbin")
}

/// Reads a copy again, past what the system keeps in memory, and returns whether it still has the bytes or the picture. `None` if it
/// cannot be read, or its disk does not answer in time.
pub fn still_holds(copy: &KnownCopy, picture: Option<&PictureData>, program: &SameProgram, limits: Limits) -> Option<bool> {
    let (path, content, picture, program) = (copy.path.to_path(), copy.content.clone(), picture.cloned(), program.clone());
    let patience = DISK_STEP_TIMEOUT + Duration::from_secs(copy.size / LEAST_BYTES_PER_SECOND);
    let read = move || {
        let file = open(&path).ok()?;
        // What is not on the disk yet cannot be read back from it.
        file.sync_all().ok()?;
        forget_cached(&file);
        match picture {
            Some(picture) => Some(Decoder::new(program, limits).picture_anew(&file).is_ok_and(|copy| picture.is_in(&copy))),
            None => hash(&file, |_| {}).ok().map(|now| Some(now.to_string()) == content),
        }
    };
    probe::in_time(patience, read).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::text_of;

    #[test]
    fn a_copy_that_cannot_be_read_is_told_from_one_that_holds_something_else() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.mov"), b"bytes").expect("written");
        let program = SameProgram::of_this_process().expect("this program");
        let holds = |name: &str, bytes: &[u8]| {
            let copy = KnownCopy {
                path: text_of(&folder.path().join(name)),
                volume: None,
                root: text_of(folder.path()),
                offline: false,
                seen: None,
                size: 5,
                mtime_ns: 0,
                ctime_ns: None,
                content: Some(blake3::hash(bytes).to_string()),
            };
            still_holds(&copy, None, &program, Limits::default())
        };
        assert_eq!(holds("a.mov", b"bytes"), Some(true));
        assert_eq!(holds("a.mov", b"other"), Some(false));
        assert_eq!(holds("b.mov", b"bytes"), None);
    }

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
