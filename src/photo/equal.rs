//! Pictures of equal pixels.

use std::collections::{BTreeSet, HashMap};

use super::{PictureHash, PixelHash};

/// Pictures that were decided on, with all others of equal pixels: the same photo, compressed or turned without loss.
#[derive(Clone, Default, Debug)]
pub struct EqualPictures {
    pixels: HashMap<PictureHash, PixelHash>,
    pictures: HashMap<PixelHash, BTreeSet<PictureHash>>,
}

impl FromIterator<(PictureHash, PixelHash)> for EqualPictures {
    fn from_iter<I: IntoIterator<Item = (PictureHash, PixelHash)>>(known: I) -> EqualPictures {
        let mut equal = EqualPictures::default();
        for (picture, pixels) in known {
            equal.pixels.insert(picture, pixels);
            equal.pictures.entry(pixels).or_default().insert(picture);
        }
        equal
    }
}

impl EqualPictures {
    /// Returns the picture that stands for all of equal pixels.
    pub fn standing(&self, picture: PictureHash) -> PictureHash {
        self.of(picture).next().unwrap_or(picture)
    }

    /// Returns all known pictures with the pixels of this one, and this one, sorted.
    pub fn of(&self, picture: PictureHash) -> impl Iterator<Item = PictureHash> {
        let known = self.pixels.get(&picture).and_then(|pixels| self.pictures.get(pixels));
        let alone = known.is_none().then_some(picture);
        known.into_iter().flatten().copied().chain(alone)
    }

    pub fn pixels(&self, picture: PictureHash) -> Option<PixelHash> {
        self.pixels.get(&picture).copied()
    }

    /// Returns a known picture with these pixels.
    pub fn with_pixels(&self, pixels: PixelHash) -> Option<PictureHash> {
        self.pictures.get(&pixels)?.first().copied()
    }
}
