//! What a file is whose name does not tell: a recovered photo without an ending, a film that a program was still writing.

use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::cli::answers::CheckedKind;
use crate::photo::{Format, OtherKind};
use crate::sys::regular_file::open;

/// How the files begin in which macOS keeps notes of others on a disk of another kind: `._IMG_1.JPG`.
pub const APPLE_DOUBLE: &[u8] = &[0, 5, 0x16, 7];

/// The sizes that a header of a BMP has.
const BITMAP_HEADERS: [u32; 7] = [12, 40, 52, 56, 64, 108, 124];

impl From<OtherKind> for CheckedKind {
    fn from(kind: OtherKind) -> CheckedKind {
        match kind {
            OtherKind::Film => CheckedKind::Film,
            OtherKind::Sound => CheckedKind::Sound,
            OtherKind::Picture => CheckedKind::Picture,
            OtherKind::Sidecar => CheckedKind::Sidecar,
        }
    }
}

/// Returns what a file is by its name.
pub fn by_name(path: &Path) -> Option<CheckedKind> {
    if Format::from_name(path).is_some() { Some(CheckedKind::Photo) } else { OtherKind::from_name(path).map(CheckedKind::from) }
}

/// Returns what a file is by its first bytes. `None` if these are of no picture, film or sound.
///
/// # Errors
/// If it cannot be read.
pub fn by_start(path: &Path) -> io::Result<Option<CheckedKind>> {
    start(path).map(|start| of(&start))
}

/// Whether a file is a note of macOS about another one. It looks into files of such names only.
pub fn is_apple_double(path: &Path) -> bool {
    let has_name = path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"._"));
    has_name && start(path).is_ok_and(|start| start.starts_with(APPLE_DOUBLE))
}

fn start(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    open(path)?.take(OtherKind::START_BYTES as u64).read_to_end(&mut start)?;
    Ok(start)
}

fn of(start: &[u8]) -> Option<CheckedKind> {
    match Format::from_bytes(start) {
        // A text may begin with these two letters.
        Some(Format::Bmp) => is_bitmap(start).then_some(CheckedKind::Photo),
        Some(_) => Some(CheckedKind::Photo),
        None => OtherKind::from_bytes(start).map(CheckedKind::from),
    }
}

fn is_bitmap(start: &[u8]) -> bool {
    let header = start.get(14..18).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes);
    header.is_some_and(|size| BITMAP_HEADERS.contains(&size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_what_a_file_is() {
        let bitmap = [b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0", &40_u32.to_le_bytes()[..], &[0; 36]].concat();
        for (start, kind) in [
            (&b"\xff\xd8\xff\xe1\0\x10Exif"[..], Some(CheckedKind::Photo)),
            (b"II*\0\x10\0\0\0CR\x02\0", Some(CheckedKind::Photo)),
            (b"\0\0\0\x18ftypheic\0\0\0\0", Some(CheckedKind::Photo)),
            (&bitmap, Some(CheckedKind::Photo)),
            (b"BMW: which parts to order for the old car", None),
            (b"\0\0\0\x18ftypmp42\0\0\0\0", Some(CheckedKind::Film)),
            (b"RIFF\x10\0\0\0WAVEfmt ", Some(CheckedKind::Sound)),
            (b"\x76\x2f\x31\x01", Some(CheckedKind::Picture)),
            (APPLE_DOUBLE, None),
            (b"Dear diary", None),
            (b"", None),
        ] {
            assert_eq!(of(start), kind, "{start:?}");
        }
    }
}
