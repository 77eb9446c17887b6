//! The encoder: from the kept picture of a photo to all that the store keeps of it.

use crate::likeness::CropHead;
use crate::photo::{Picture, StoredFeatures};
use crate::vision::backbone::{Error, Runner};
use crate::vision::keypoints::keypoints;

/// Encodes pictures, on one thread.
pub struct Encoder {
    pub runner: Runner,
    pub crop_head: CropHead,
}

impl Encoder {
    /// Returns the features, crop descriptors and keypoints of a picture.
    ///
    /// # Errors
    /// See [`Runner::features`].
    pub fn encode(&mut self, picture: &Picture) -> Result<StoredFeatures, Error> {
        let (global, crops) = self.runner.features_and_crops(picture)?;
        Ok(self.crop_head.stored_features(global, &crops, keypoints(picture)))
    }
}
