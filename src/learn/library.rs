//! A library to evaluate on: originals, versions of them, and other photos.

use fastrand::Rng;

use super::edits::{self, Edit, edits};
use crate::photo::Picture;

/// The quality an original is saved with.
const ORIGINAL_JPEG_QUALITY: u8 = 92;

/// One picture of the library, as the file a person would have.
#[derive(Clone, Debug)]
pub struct Member {
    /// Which of the photos it was made from.
    pub photo: usize,
    /// What was done to it; `None` for the photo itself.
    pub edit: Option<&'static Edit>,
    /// Whether versions of its photo are in the library.
    pub has_versions: bool,
    /// Empty where only features of it are kept.
    pub jpeg: Vec<u8>,
}

/// Makes every photo a member, and of `originals` of them, drawn by `seed`, also `versions` different
/// edits each. `each` is called with the work to do for one member, in any order and from any thread
/// the caller likes.
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
