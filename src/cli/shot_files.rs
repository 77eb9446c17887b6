//! What is on the disk of the shot of a file, whether or not the answer knows it: settings may exclude it, or it is new.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use crate::api::types::{PathText, PhotoFile};
use crate::photo::{NamedPhoto, OtherKind, Role, ShotFileKind, ShotName, Unpaired, home, may_be_one_shot, photos_of};

/// Returns the files that may be of the shot of a photo by their names.
pub fn of_base(photo: &Path, disk: &impl Disk) -> Result<Vec<PathBuf>, String> {
    disk.of_base(photo).map_err(|e| format!("the folder of {} cannot be read: {e}", photo.display()))
}

/// Returns a file that is of the shot of a photo and that the answer does not know. `path`: a name of the photo; `on_disk`: what
/// [`of_base`] returns for it.
pub fn unknown<'a>(file: &PhotoFile, path: &Path, on_disk: &'a [PathBuf]) -> Option<&'a PathBuf> {
    let texts = [&file.path].into_iter().chain(&file.also).chain(file.shot.iter().map(|of| &of.path));
    let known: HashSet<PathBuf> = texts.map(PathText::to_path).collect();
    let names = on_disk.iter().filter(|path| kind(path) == ShotFileKind::Photo).map(|path| home(path).1);
    let photos: Vec<NamedPhoto<'_>> = names.filter_map(NamedPhoto::of).collect();
    let own = photos.iter().position(|photo| photo.name == home(path).1)?;
    // The daemon knows a file of its name and says why it is no partner.
    let is_unpaired = file.unpaired.is_some_and(|why| why != Unpaired::OtherFolder);
    let is_of_shot = |other: &&PathBuf| match kind(other) {
        ShotFileKind::Photo => !is_unpaired && NamedPhoto::of(home(other).1).is_some_and(|other| may_be_one_shot(&photos[own], &other)),
        kind => ShotName::of(home(other).1).is_some_and(|other| photos_of(kind, &other, &photos).contains(&own)),
    };
    on_disk.iter().filter(|other| !known.contains(*other)).find(is_of_shot)
}

/// Whether a file is a sidecar of all files of its stem, and one of those stays. `goes`: whether a file is among those that go.
pub fn is_of_staying(sidecar: &Path, on_disk: &[PathBuf], goes: &dyn Fn(&Path) -> bool) -> bool {
    let (folder, name) = home(sidecar);
    let Some(named) = ShotName::of(name).filter(|named| named.role == Role::OfStem) else { return false };
    let has_stem = |path: &Path| home(path).0 == folder && ShotName::of(home(path).1).is_some_and(|other| other.stem == named.stem);
    on_disk.iter().any(|path| kind(path) != ShotFileKind::Sidecar && has_stem(path) && !goes(path))
}

fn kind(path: &Path) -> ShotFileKind {
    OtherKind::from_name(path).map_or(ShotFileKind::Photo, ShotFileKind::from)
}
