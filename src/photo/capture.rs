//! Capture data: what the camera wrote besides the picture.

use serde::{Deserialize, Serialize};

/// EXIF data about how a photo was taken. Missing values are `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Capture {
    /// Local time, with the sub-second digits of the camera: `2026-05-01T10:00:00.123`.
    pub taken: Option<String>,
    /// Offset of `taken` from UTC: `+02:00`.
    pub offset: Option<String>,
    pub make: Option<String>,
    pub model: Option<String>,
    pub serial: Option<String>,
    /// EXIF orientation, 1 to 8. Pictures are stored upright, with this orientation undone.
    pub orientation: Option<u8>,
}

impl Capture {
    /// Returns whether it says something that `other` does not say, or says differently. The orientation is part of the
    /// picture.
    pub fn is_missing_in(&self, other: &Capture) -> bool {
        let values = |c: &Capture| [c.taken.clone(), c.offset.clone(), c.make.clone(), c.model.clone(), c.serial.clone()];
        values(self).into_iter().zip(values(other)).any(|(own, other)| own.is_some() && own != other)
    }
}
