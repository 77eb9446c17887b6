//! The photos for a tuning on folders.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::catalog::roots::Roots;
use crate::photo::{Features, PhotoId, Place};
use crate::store::{Reader, Result, Wanted};

/// The fewest photos of a folder that is used.
pub const MIN_PHOTOS_PER_FOLDER: usize = 8;

/// The most photos that are taken from one folder.
const MAX_PHOTOS_PER_FOLDER: usize = 200;

/// Returns the features of the photos of each folder, in an order drawn by the seed. Folders with fewer than
/// [`MIN_PHOTOS_PER_FOLDER`] photos are left out, and so are photos that are in several folders. The result has up to `count`
/// photos, or [`MIN_PHOTOS_PER_FOLDER`] of each folder if that is more.
///
/// # Errors
/// If the store cannot be read.
pub fn folders(reader: &Reader, roots: &Roots, seed: u64, count: usize) -> Result<Vec<Vec<Features>>> {
    let mut folders: BTreeMap<Place, Vec<PhotoId>> = BTreeMap::new();
    for photo in reader.photos(&roots.scopes(), Wanted::All)?.into_values() {
        let folder = |place: &Place| Place { root: place.root, path: place.path.parent().map(Into::into).unwrap_or_default() };
        let first = folder(&photo.files[0].place);
        if photo.files.iter().all(|file| folder(&file.place) == first) {
            folders.entry(first).or_default().push(photo.id);
        }
    }
    folders.retain(|_, photos| photos.len() >= MIN_PHOTOS_PER_FOLDER);
    let mut rng = Rng::with_seed(seed);
    let share = (count / folders.len().max(1)).clamp(MIN_PHOTOS_PER_FOLDER, MAX_PHOTOS_PER_FOLDER);
    let mut out = Vec::new();
    for mut photos in folders.into_values() {
        photos.sort_unstable();
        rng.shuffle(&mut photos);
        photos.truncate(share);
        out.push(reader.features_of(&photos)?.into_iter().map(|(_, features)| features).collect());
    }
    Ok(out)
}
