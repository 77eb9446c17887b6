//! What is never looked at: hidden things, trash, caches of other programs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Folders of other programs that hold small copies of a person's photos.
const FOREIGN: [&[u8]; 6] = [b"@eaDir", b"$RECYCLE.BIN", b"System Volume Information", b"lost+found", b"__MACOSX", b"Thumbnails"];

/// Whether a file or folder of this name is left out, with everything in it.
pub fn is_left_out(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b".") || FOREIGN.contains(&name) || name.ends_with(b".lrdata") || name.ends_with(b".photoslibrary")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_trash_and_caches_are_left_out() {
        for name in [".thumbnails", ".Trash-1000", "@eaDir", "Catalog Previews.lrdata"] {
            assert!(is_left_out(OsStr::new(name)), "{name}");
        }
        assert!(!is_left_out(OsStr::new("2024 Summer.jpg")));
    }
}
