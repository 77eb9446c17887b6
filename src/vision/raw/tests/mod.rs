//! Tests on real files, on containers built after the formats, and on damaged ones.

pub mod build;
mod cameras;
mod choice;
mod containers;
mod hostile;
mod real;
mod sensors;

use std::fs;
use std::path::{Path, PathBuf};

use crate::sys::skip;

/// Returns the folder of camera files, or says that it is missing.
fn camera_files() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/camera-files");
    let folder = std::env::var_os("SIMILARD_CAMERA_FILES").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    skip("the camera files are not here");
    None
}

/// Returns the bytes of a RAW file of the collection, or says that it is missing.
pub fn file(name: &str) -> Option<Vec<u8>> {
    collected(&format!("more/raw/{name}"))
}

/// Returns the bytes of a file of the collection, or says that it is missing.
pub fn collected(path: &str) -> Option<Vec<u8>> {
    let bytes = fs::read(camera_files()?.join(path)).ok();
    if bytes.is_none() {
        skip("the camera files are not here");
    }
    bytes
}

/// Yields the same numbers on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
