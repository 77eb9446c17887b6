//! From a file's bytes to features: identify, decode, prepare, backbone.
//!
//! [`decode`] and [`identify`] parse what strangers wrote, so they run in children of this program
//! ([`sandbox`]) that a bad file may crash or hang at the cost of one photo. [`backbone`] runs in the
//! daemon on the small picture that comes back.

pub mod backbone;
pub mod decode;
mod exif;
mod framed;
pub mod identify;
pub mod jpeg;
pub mod keypoints;
pub mod prepare;
pub mod sandbox;

use serde::{Deserialize, Serialize};

/// What a file may ask of the machine before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest file read, in bytes.
    pub bytes: u64,
    /// Largest picture decoded, in pixels of its header.
    pub pixels: u64,
    /// Address space of a decoding child, in bytes.
    pub memory: u64,
    /// Longest wait for one step of one photo, in seconds.
    pub seconds: u64,
}

impl Default for Limits {
    /// Twice the largest cameras of 2026 (151 megapixels, 16-bit TIFF under 1 GiB) and panoramas
    /// stitched from them; a minute is fifty times what the slowest format needs at that size.
    fn default() -> Limits {
        Limits { bytes: 1 << 30, pixels: 1 << 28, memory: 4 << 30, seconds: 60 }
    }
}
