//! A shot goes as a whole or not at all: its photos, and with them its sidecars, its film and its sound.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::disk::{Disk, Looked};
use super::shot_files::{is_of_staying, of_base, unknown};
use crate::api::types::{PhotoFile, ShotFile};
use crate::photo::ShotFileKind;

/// Why an answer may not know a file of a shot.
const UNKNOWN: &str = "it is new, or excluded, or names in its folder differ only in upper and lower case";

/// A file that could go.
pub struct Going<'a> {
    pub file: &'a PhotoFile,
    /// At its path, and at the other names that go with it.
    pub looked: Vec<Looked>,
    /// Which of the files that stay is the keeper of the cluster, and which makes it spare.
    pub keeper: usize,
    pub kept: usize,
    /// Whether it is the only file of its picture.
    pub is_only_one: bool,
}

/// What can go without tearing a shot apart.
pub struct Whole<'a> {
    pub going: Vec<Going<'a>>,
    /// These, and the other files of their shots: those of one shot one after the other.
    pub files: Vec<Looked>,
    /// The files that stay and have the bytes of those.
    pub twins: Vec<Looked>,
    /// What is on the disk and may be of their shots, by the path of each.
    pub of_bases: Vec<(PathBuf, Vec<PathBuf>)>,
    /// Why files stay with the rest of their shot.
    pub torn: Vec<String>,
}

/// Leaves out the files whose shots cannot go as a whole. `kept`: the files of photos that stay.
pub fn whole_shots<'a>(mut going: Vec<Going<'a>>, kept: &[&PhotoFile], disk: &impl Disk) -> Whole<'a> {
    let mut shots = Shots { kept, disk, going: HashSet::new(), of_bases: HashMap::new(), twins: HashMap::new() };
    let mut torn: Vec<String> = Vec::new();
    let mut said: HashSet<String> = HashSet::new();
    // A file that stays may keep another shot from going, and that one a third: a file with several names is of several shots.
    loop {
        shots.going = going.iter().flat_map(|going| &going.looked).map(|looked| looked.path.clone()).collect();
        let before = going.len();
        going.retain(|going| match shots.check(going) {
            Ok(()) => true,
            Err(why) => {
                // It holds for each photo of the shot.
                torn.extend(said.insert(why.clone()).then_some(why));
                false
            }
        });
        if going.len() == before {
            break;
        }
    }
    let (mut more, mut twins, mut of_bases) = (Vec::new(), Vec::new(), Vec::new());
    for (at, going) in going.iter().enumerate() {
        for other in rest(going, &shots.going).unwrap_or_default() {
            // One that is of two photos is taken with the first.
            if let Some(Ok([goes, stays])) = shots.twins.remove(&other.path.to_path()) {
                more.extend((!shots.stays(other, going)).then_some((at, goes)));
                twins.push(stays);
            }
        }
    }
    for looked in going.iter().flat_map(|going| &going.looked) {
        of_bases.extend(shots.of_bases.remove(&looked.path).map(|on_disk| (looked.path.clone(), on_disk)));
    }
    Whole { files: together(&going, more), going, twins, of_bases, torn }
}

/// Returns all files that go, those of one shot one after the other: whoever stops in the middle leaves no more than one shot torn.
/// `more`: the files that are no photos, each with the number of its photo.
fn together(going: &[Going<'_>], more: Vec<(usize, Looked)>) -> Vec<Looked> {
    let mut firsts: HashMap<PathBuf, usize> = HashMap::new();
    let mut first_of = |at: usize, going: &Going<'_>| {
        let of_shot = going.file.shot.iter().filter(|of| of.kind == ShotFileKind::Photo).map(|of| of.path.to_path());
        let names: Vec<PathBuf> = going.looked.iter().map(|looked| looked.path.clone()).chain(of_shot).collect();
        let first = names.iter().find_map(|name| firsts.get(name)).copied().unwrap_or(at);
        firsts.extend(names.into_iter().map(|name| (name, first)));
        first
    };
    let first: Vec<usize> = going.iter().enumerate().map(|(at, going)| first_of(at, going)).collect();
    let photos = going.iter().zip(&first).flat_map(|(going, first)| going.looked.iter().map(|looked| (*first, looked.clone())));
    let mut files: Vec<(usize, Looked)> = photos.chain(more.into_iter().map(|(at, looked)| (first[at], looked))).collect();
    files.sort_by_key(|(first, _)| *first);
    files.into_iter().map(|(_, looked)| looked).collect()
}

/// The shots of the files that could go.
struct Shots<'a, D> {
    /// The files of photos that stay.
    kept: &'a [&'a PhotoFile],
    disk: &'a D,
    /// All names of the files that could go.
    going: HashSet<PathBuf>,
    /// What may be of the shot of each of them.
    of_bases: HashMap<PathBuf, Vec<PathBuf>>,
    /// What [`twin`] returned for the other files of their shots.
    twins: HashMap<PathBuf, Result<[Looked; 2], String>>,
}

impl<D: Disk> Shots<'_, D> {
    /// Returns why a file cannot go with the whole of its shot.
    fn check(&mut self, going: &Going<'_>) -> Result<(), String> {
        for Looked { path, .. } in &going.looked {
            if !self.of_bases.contains_key(path) {
                self.of_bases.insert(path.clone(), of_base(path, self.disk)?);
            }
            if let Some(other) = unknown(going.file, path, &self.of_bases[path]) {
                let [other, path] = [other, path].map(|path| path.display());
                return Err(format!("{other} is of the shot of {path}, and the answer does not say so: {UNKNOWN}"));
            }
        }
        for other in rest(going, &self.going)? {
            let (kept, disk) = (self.kept, self.disk);
            if let Err(why) = self.twins.entry(other.path.to_path()).or_insert_with(|| twin(other, kept, disk)) {
                return Err(why.clone());
            }
        }
        Ok(())
    }

    /// Whether a file of a shot stays when the photos of the shot go, because it is also of another file.
    fn stays(&self, other: &ShotFile, going: &Going<'_>) -> bool {
        let goes_with_shot =
            |path: &Path| going.file.shot.iter().any(|of| !of.shared && of.kind != ShotFileKind::Photo && of.path.to_path() == path);
        let goes = |path: &Path| self.going.contains(path) || goes_with_shot(path);
        let names = going.looked.iter().filter_map(|looked| self.of_bases.get(&looked.path));
        other.shared || names.into_iter().any(|on_disk| is_of_staying(&other.path.to_path(), on_disk, &goes))
    }
}

/// Returns the files of the shot of a file that are no photos. The error says which photo of the shot stays.
fn rest<'a>(going: &Going<'a>, paths: &HashSet<PathBuf>) -> Result<Vec<&'a ShotFile>, String> {
    let (photos, others): (Vec<&ShotFile>, Vec<&ShotFile>) = going.file.shot.iter().partition(|of| of.kind == ShotFileKind::Photo);
    match photos.into_iter().find(|of| !paths.contains(&of.path.to_path())) {
        None => Ok(others),
        Some(stays) => {
            let [goes, stays] = [&going.file.path, &stays.path].map(|path| path.to_path());
            Err(format!("{} stays with {}, which is of the same shot and is not listed", goes.display(), stays.display()))
        }
    }
}

/// Returns a file of a shot as it is now, and one in a shot that stays with the same bytes. That may be the file itself, if it is shared.
/// The error says why it cannot go, or why the photos cannot go without it.
fn twin(other: &ShotFile, kept: &[&PhotoFile], disk: &impl Disk) -> Result<[Looked; 2], String> {
    let goes = looked(other, disk)?;
    let of_kept = || kept.iter().flat_map(|file| &file.shot);
    if other.shared && of_kept().any(|of| of.path == other.path) {
        return Ok([goes.clone(), goes]);
    }
    let cannot_read = |path: &PathBuf, e: std::io::Error| format!("{}: {e}", path.display());
    let mut content = None;
    let candidates = of_kept().filter(|of| (of.kind, of.size) == (other.kind, other.size) && of.path != other.path);
    for candidate in candidates {
        let Ok(stays) = looked(candidate, disk) else { continue };
        if stays.now.is_same_file(&goes.now) {
            continue;
        }
        let own = match &content {
            Some(content) => content,
            None => content.insert(disk.content(&goes.path).map_err(|e| cannot_read(&goes.path, e))?),
        };
        if disk.content(&stays.path).map_err(|e| cannot_read(&stays.path, e))? == *own {
            return Ok([goes, stays]);
        }
    }
    let lost = if other.shared { "would be left without a photo of its name" } else { "would be lost with its shot" };
    Err(format!("{} {lost}: the shot that stays has no file with its bytes", goes.path.display()))
}

/// Looks at a file of a shot. The error says that it is not as it was.
fn looked(of: &ShotFile, disk: &impl Disk) -> Result<Looked, String> {
    let path = of.path.to_path();
    if of.offline {
        return Err(format!("{} is offline, and its shot goes as a whole or not at all", path.display()));
    }
    let now = disk.look(&path).map_err(|e| format!("{}: {e}; its shot goes as a whole or not at all", path.display()))?;
    if !now.is_file || (now.size, now.mtime_ns, now.ctime_ns) != (of.size, of.mtime_ns, of.ctime_ns) {
        return Err(format!("{} has changed since it was seen; ask again", path.display()));
    }
    Ok(Looked { path, now })
}
