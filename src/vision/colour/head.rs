//! Whether a photo that an older version read has colours to convert, by the beginning of its file.

use std::io::{self, Read};

use super::conversion::Conversion;
use super::source;
use crate::photo::Format;
use crate::vision::{format, jpeg};

/// How much of a file is read at first, and at most if its header is longer. A JPEG of a camera has its EXIF and thumbnail there.
const FIRST_BYTES: u64 = 1 << 16;
const MORE_BYTES: u64 = 1 << 20;

/// What is known by the beginning of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Head {
    /// Whether its colours are converted.
    Read(bool),
    /// More of the file is needed.
    Short,
}

/// Reads as much of a file as is needed, into a buffer that is reused.
///
/// # Errors
/// If it cannot be read.
pub fn needs_conversion(file: impl Read, most: u64, bytes: &mut Vec<u8>) -> io::Result<bool> {
    bytes.clear();
    let mut file = file.take(0);
    for size in [FIRST_BYTES, MORE_BYTES, 16 * MORE_BYTES, most] {
        let size = size.min(most);
        file.set_limit(size.saturating_sub(bytes.len() as u64));
        file.read_to_end(bytes)?;
        let is_whole = (bytes.len() as u64) < size || size == most;
        match look(bytes, is_whole) {
            Head::Read(needs_conversion) => return Ok(needs_conversion),
            Head::Short => {}
        }
    }
    Ok(false)
}

/// Looks at the beginning of a file.
fn look(bytes: &[u8], is_whole: bool) -> Head {
    let Some(format) = format::of(bytes) else { return Head::Read(false) };
    let is_enough = is_whole
        || match format {
            Format::Jpeg => jpeg::has_whole_header(bytes),
            Format::Png => memchr::memmem::find(bytes, b"IDAT").is_some(),
            Format::WebP => !has_profile_in_webp(bytes) || source::of(bytes, format).is_some(),
            // Its directory may be at the end.
            Format::Tiff => source::of(bytes, format).is_some(),
            // The boxes, resources and directories of others are at the beginning.
            _ => bytes.len() as u64 >= MORE_BYTES,
        };
    if !is_enough {
        return Head::Short;
    }
    Head::Read(source::of(bytes, format).is_some_and(|source| Conversion::new(&source).is_some()))
}

/// Whether the header of a WebP says that a profile follows.
fn has_profile_in_webp(bytes: &[u8]) -> bool {
    const FLAGS: usize = 20;
    const PROFILE: u8 = 0x20;
    bytes.get(12..16) == Some(b"VP8X") && bytes.get(FLAGS).is_some_and(|flags| flags & PROFILE != 0)
}
