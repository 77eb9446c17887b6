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
