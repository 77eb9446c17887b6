//! A library for evaluation: originals, their versions, and other photos.

use fastrand::Rng;

use super::edits::{self, Edit, edits};
use crate::photo::Picture;

/// The JPEG quality of originals.
const ORIGINAL_JPEG_QUALITY: u8 = 92;

/// One picture of the library, as a file on a disk.
#[derive(Clone, Debug)]
pub struct Member {
    /// The number of the photo it was made from.
    pub photo: usize,
    /// The edit. `None` for the photo itself.
    pub edit: Option<&'static Edit>,
    /// Whether versions of its photo are in the library.
    pub has_versions: bool,
    /// Empty where only features of it are kept.
    pub jpeg: Vec<u8>,
}

/// Plans the library: every photo is a member, and `originals` of them, drawn by `seed`, get `versions` different
/// edits each. The members can be made in any order and on any thread.
pub fn plan(photos: usize, originals: usize, versions: usize, seed: u64) -> Vec<Plan> {
    let mut rng = Rng::with_seed(seed);
    let chosen = rng.choose_multiple(0..photos, originals);
    let mut plans: Vec<Plan> =
        (0..photos).map(|photo| Plan { photo, edit: None, has_versions: chosen.contains(&photo), seed: 0 }).collect();
    for photo in chosen {
        for edit in rng.choose_multiple(edits(), versions) {
            plans.push(Plan { photo, edit: Some(edit), has_versions: true, seed: rng.u64(..) });
        }
    }
    plans
}

/// A member still to be made.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub photo: usize,
    edit: Option<&'static Edit>,
    has_versions: bool,
    seed: u64,
}

impl Plan {
    /// Makes the member from its photo's picture.
    pub fn make(self, picture: &Picture) -> Member {
        let jpeg = match self.edit {
            None => edits::jpeg(picture, ORIGINAL_JPEG_QUALITY),
            Some(edit) => edits::jpeg(&edit.apply(picture, self.seed), edits::EDITED_JPEG_QUALITY),
        };
        Member { photo: self.photo, edit: self.edit, has_versions: self.has_versions, jpeg }
    }
}
