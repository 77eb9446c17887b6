//! A shot goes as a whole or not at all: its photos, and with them its sidecars, its film and its sound.

use std::collections::HashSet;
use std::path::PathBuf;

use super::disk::{Disk, Looked};
use crate::api::types::{Cluster, PhotoFile, ShotFile};
use crate::photo::{Format, ShotFileKind};

/// A file that could go.
pub struct Going<'a> {
    pub file: &'a PhotoFile,
    /// At its path, and at the other names that go with it.
    pub looked: Vec<Looked>,
    /// Which of the files that stay makes it spare.
    pub kept: usize,
    /// Whether it is the only file of its picture.
    pub is_only_one: bool,
}

/// What can go without tearing a shot apart.
pub struct Whole<'a> {
    pub going: Vec<Going<'a>>,
    /// The other files of their shots.
    pub more: Vec<Looked>,
    /// The files that stay and have the bytes of those.
    pub twins: Vec<Looked>,
    /// Why files stay with the rest of their shot.
    pub torn: Vec<String>,
}

/// Leaves out the files whose shots cannot go as a whole. `kept`: the files of photos that stay.
pub fn whole_shots<'a>(cluster: &Cluster, mut going: Vec<Going<'a>>, kept: &[&PhotoFile], disk: &impl Disk) -> Whole<'a> {
    let (mut more, mut twins, mut torn) = (Vec::new(), Vec::new(), Vec::new());
    let mut checked: HashSet<PathBuf> = HashSet::new();
    // A shot that stays may keep another one from going, where files have several names.
    loop {
        let paths: HashSet<PathBuf> = going.iter().flat_map(|going| &going.looked).map(|looked| looked.path.clone()).collect();
        let before = going.len();
        going.retain(|going| match rest(cluster, going, &paths) {
            Ok(_) => true,
            Err(why) => {
                torn.push(why);
                false
            }
        });
        if going.len() == before {
            break;
        }
    }
    let paths: HashSet<PathBuf> = going.iter().flat_map(|going| &going.looked).map(|looked| looked.path.clone()).collect();
    let mut staying: HashSet<PathBuf> = HashSet::new();
    for going in &going {
        for other in rest(cluster, going, &paths).unwrap_or_default() {
            let path = other.path.to_path();
            if staying.contains(&path) || !checked.insert(path) {
                continue;
            }
            match twin(other, kept, disk) {
                Ok([goes, stays]) => {
                    more.extend((!other.shared).then_some(goes));
                    twins.push(stays);
                }
                Err(why) => {
                    torn.push(why);
                    staying.extend(going.file.shot.iter().map(|of| of.path.to_path()));
                }
            }
        }
    }
    let stays = |going: &Going<'_>| going.looked.iter().any(|looked| staying.contains(&looked.path));
    going.retain(|going| !stays(going));
    more.retain(|looked: &Looked| !staying.contains(&looked.path));
    Whole { going, more, twins, torn }
}

/// Returns the files of the shot of a file that are no photos. The error says which photo of the shot stays.
fn rest<'a>(cluster: &Cluster, going: &Going<'a>, paths: &HashSet<PathBuf>) -> Result<Vec<&'a ShotFile>, String> {
    let file = going.file;
    // Within a shot, the picture of a RAW file was asked for.
    if cluster.within_shots && cluster.photos[0].format == Format::Raw && cluster.photos[0].files[0].is_with(file) {
        return Ok(Vec::new());
    }
    let (photos, others): (Vec<&ShotFile>, Vec<&ShotFile>) = file.shot.iter().partition(|of| of.kind == ShotFileKind::Photo);
    match photos.into_iter().find(|of| !paths.contains(&of.path.to_path())) {
        None => Ok(others),
        Some(stays) => {
            let [goes, stays] = [&file.path, &stays.path].map(|path| path.to_path());
            Err(format!("{} stays with {}, which is of the same shot and is not listed", goes.display(), stays.display()))
        }
    }
}

/// Returns a file of a shot as it is now, and one in a shot that stays with the same bytes. The error says why it cannot go.
fn twin(other: &ShotFile, kept: &[&PhotoFile], disk: &impl Disk) -> Result<[Looked; 2], String> {
    let goes = looked(other, disk)?;
    let cannot_read = |path: &PathBuf, e: std::io::Error| format!("{}: {e}", path.display());
    let mut content = None;
    let candidates =
        kept.iter().flat_map(|file| &file.shot).filter(|of| (of.kind, of.size) == (other.kind, other.size) && of.path != other.path);
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
    Err(format!("{} would be lost with its shot: the shot that stays has no file with its bytes", goes.path.display()))
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
