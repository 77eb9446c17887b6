//! From the bytes of a file to features: identify, decode, prepare, backbone.
//!
//! [`decode`] and [`identify`] parse untrusted data. They run in child processes ([`sandbox`]), so that a file that
//! crashes or hangs them costs one photo. [`backbone`] runs in the daemon, on the small picture that the child
//! returns.

pub mod backbone;
pub mod colour;
pub mod decode;
mod format;
pub mod framed;
pub mod heif;
pub mod identify;
pub mod jpeg;
pub mod jxl;
pub mod kept;
pub mod keypoints;
mod lab;
mod metadata;
mod named_colours;
mod png;
pub mod prepare;
pub mod psd;
pub mod raw;
pub mod resize;
pub mod sandbox;

use serde::{Deserialize, Serialize};

/// Limits for files. A file beyond them is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest file, in bytes.
    pub bytes: u64,
    /// The largest picture that is decoded whole, in pixels, by its header.
    pub pixels: u64,
    /// The address space of a decoding process, in bytes.
    pub memory: u64,
    /// The time limit for one step of one photo, in seconds.
    pub seconds: u64,
}

/// How many times the pixels of other pictures a JPEG may have that is decoded at an eighth: that takes a quarter of a second and
/// 50 MB for 256 megapixels.
const JPEG_PIXELS_FACTOR: u64 = 10;

impl Limits {
    /// Returns the largest JPEG that may be decoded at reduced size, in pixels.
    pub fn pixels_at_reduced_size(&self) -> u64 {
        self.pixels.saturating_mul(JPEG_PIXELS_FACTOR)
    }
}

impl Default for Limits {
    /// Twice the size of the largest cameras of 2026 (151 megapixels, 16-bit TIFF under 1 GiB), and of panoramas
    /// stitched from them. A minute is fifty times what the slowest format takes at that size.
    fn default() -> Limits {
        Limits { bytes: 1 << 30, pixels: 1 << 28, memory: 4 << 30, seconds: 60 }
    }
}
