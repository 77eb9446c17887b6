//! Folders in which programs keep the sidecars of the photos above.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::spelling::after;

const NIKON: &[u8] = b"NKSC_PARAM";
const SILKYPIX: &[u8] = b"SILKYPIX_DS";
const CAPTURE_ONE: &[u8] = b"CaptureOne";
const CAPTURE_ONE_SETTINGS: &[u8] = b"Settings";

/// Whether a program keeps sidecars in a folder of this name, or below it: of the photos beside the folder.
pub fn has_sidecars(folder: &Path) -> bool {
    is_of_nikon(folder) || is_of_silkypix(folder) || is_named(folder, CAPTURE_ONE) || is_settings(folder)
}

/// Whether Nikon's programs keep the sidecars of the photos one folder above here.
pub fn is_of_nikon(folder: &Path) -> bool {
    is_named(folder, NIKON)
}

/// Whether SilkyPix keeps the sidecars of the photos one folder above here.
pub fn is_of_silkypix(folder: &Path) -> bool {
    is_named(folder, SILKYPIX)
}

/// Whether Capture One keeps the sidecars of the photos two folders above here.
pub fn is_settings(folder: &Path) -> bool {
    folder.file_name().is_some_and(|own| after(CAPTURE_ONE_SETTINGS, own.as_bytes()).is_some())
        && folder.parent().is_some_and(|program| is_named(program, CAPTURE_ONE))
}

fn is_named(folder: &Path, name: &[u8]) -> bool {
    folder.file_name().is_some_and(|own| own.as_bytes().eq_ignore_ascii_case(name))
}
