//! What the camera wrote beside the picture.

use serde::{Deserialize, Serialize};

/// EXIF's words on how a photo was taken; whatever it left out is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Capture {
    /// Local time with as many sub-second digits as the camera gave: `2026-05-01T10:00:00.123`.
    pub taken: Option<String>,
    /// Offset of `taken` from UTC: `+02:00`.
    pub offset: Option<String>,
    pub make: Option<String>,
    pub model: Option<String>,
    pub serial: Option<String>,
    /// EXIF orientation, 1 to 8; pictures are stored upright, this is what was undone.
    pub orientation: Option<u8>,
}
