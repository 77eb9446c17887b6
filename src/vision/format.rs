//! The format of a whole file.

use super::{heif, raw};
use crate::photo::Format;

/// Returns the format by all bytes of a file. `None` if it is no picture.
pub fn of(bytes: &[u8]) -> Option<Format> {
    match Format::from_bytes(bytes)? {
        Format::Tiff if raw::family(bytes).is_some() => Some(Format::Raw),
        // Many kinds of pictures share some of their brands.
        Format::Heic if heif::is_avif(bytes) => Some(Format::Avif),
        format => Some(format),
    }
}
