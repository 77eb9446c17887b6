//! What is on the disk of the shot of a file, whether or not the answer knows it: settings may exclude it, or it is new.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use crate::api::types::{PathText, PhotoFile};
use crate::photo::{NamedPhoto, OtherKind, Role, ShotFileKind, ShotName, Unpaired, folded, home, is_of_other, may_be_one_shot, photos_of};

/// Returns the files that may be of the shot of a photo by their names.
pub fn of_base(photo: &Path, disk: &impl Disk) -> Result<Vec<PathBuf>, String> {
    disk.of_base(photo).map_err(|e| format!("the folder of {} cannot be read: {e}", photo.display()))
}

/// Returns a file that is of the shot of a photo and that the answer does not know. `path`: a name of the photo; `on_disk`: what
/// [`of_base`] returns for it.
pub fn unknown<'a>(file: &PhotoFile, path: &Path, on_disk: &'a [PathBuf]) -> Option<&'a PathBuf> {
    let texts = [&file.path].into_iter().chain(&file.also).chain(file.shot.iter().map(|of| &of.path));
    let known: HashSet<PathBuf> = texts.map(PathText::to_path).collect();
    let names: Vec<Cow<'_, [u8]>> = on_disk.iter().filter(|path| kind(path) == ShotFileKind::Photo).map(|path| name(path)).collect();
    let photos: Vec<NamedPhoto<'_>> = names.iter().filter_map(|name| NamedPhoto::of(name)).collect();
    let own_name = name(path);
    let own = photos.iter().position(|photo| photo.name == &*own_name)?;
    // The daemon knows a file of its name and says why it is no partner.
    let is_unpaired = file.unpaired.is_some_and(|why| why != Unpaired::OtherFolder);
    let is_of_own =
        |other: &PathBuf| ShotName::of(&name(other)).is_some_and(|named| photos_of(kind(other), &named, &photos).contains(&own));
    let is_of_own_film = |sidecar: &PathBuf| {
        let own_name = name(sidecar);
        let is_of = |other: &&PathBuf| ShotName::of(&own_name).is_some_and(|named| is_of_other(&named, &name(other)));
        on_disk.iter().filter(|other| is_undecoded(other)).filter(is_of).any(is_of_own)
    };
    let is_of_shot = |other: &&PathBuf| match kind(other) {
        ShotFileKind::Photo => !is_unpaired && NamedPhoto::of(&name(other)).is_some_and(|other| may_be_one_shot(&photos[own], &other)),
        ShotFileKind::Sidecar => is_of_own(other) || is_of_own_film(other),
        _ => is_of_own(other),
    };
    on_disk.iter().filter(|other| !known.contains(*other)).find(is_of_shot)
}

/// Whether a sidecar is also of a file that stays: of another one of its stem, of a film, or of what was made of its photo in Google
/// Photos. `goes`: whether a file is among those that go.
pub fn is_of_staying(sidecar: &Path, on_disk: &[PathBuf], goes: &dyn Fn(&Path) -> bool) -> bool {
    let own_name = name(sidecar);
    let Some(named) = ShotName::of(&own_name) else { return false };
    let is_of = |path: &Path| {
        let own_name = name(path);
        is_undecoded(path) && is_of_other(&named, &own_name)
            || ShotName::of(&own_name).is_some_and(|other| match named.role {
                Role::OfStem => other.stem == named.stem,
                Role::OfTakeout(_) => other.role == Role::TakeoutEdited && other.base.bytes() == named.base.bytes(),
                _ => false,
            })
    };
    let is_beside = |path: &Path| home(path).0 == home(sidecar).0 && kind(path) != ShotFileKind::Sidecar;
    on_disk.iter().any(|path| is_beside(path) && is_of(path) && !goes(path))
}

/// The name of a file as it is compared here. Case never counts: where the daemon tells two names apart by it, their shots stay.
fn name(path: &Path) -> Cow<'_, [u8]> {
    folded(home(path).1)
}

/// Whether it is a film, a sound or a picture that is not read.
fn is_undecoded(path: &Path) -> bool {
    !matches!(kind(path), ShotFileKind::Photo | ShotFileKind::Sidecar)
}

fn kind(path: &Path) -> ShotFileKind {
    OtherKind::from_name(path).map_or(ShotFileKind::Photo, ShotFileKind::from)
}
