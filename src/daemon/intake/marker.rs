//! The marker: a file of the daemon that every watch holds. Its events pass through the same queue as the events of
//! photos, so once one has arrived, so have all events from before it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys::own_file;

/// The name of the file in the data directory.
const NAME: &str = "marker";

pub struct Marker {
    path: PathBuf,
    raised: AtomicU64,
}

impl Marker {
    /// Returns the path of the file.
    pub fn path_in(data_dir: &Path) -> PathBuf {
        data_dir.join(NAME)
    }

    /// Makes the file.
    ///
    /// # Errors
    /// If it cannot be made, for example because it belongs to another user.
    pub fn new(data_dir: &Path) -> io::Result<Marker> {
        let marker = Marker { path: Marker::path_in(data_dir), raised: AtomicU64::new(0) };
        marker.open(File::options().create(true).truncate(false))?;
        Ok(marker)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Raises an event: a file that was open for writing is closed. Returns its number.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn raise(&self) -> io::Result<u64> {
        let number = self.raised.fetch_add(1, Ordering::SeqCst) + 1;
        self.open(&mut File::options())?;
        Ok(number)
    }

    /// Returns the number of the last event. Read when an event arrives, it is the number of that event or a later one
    /// that was merged with it.
    pub fn raised(&self) -> u64 {
        self.raised.load(Ordering::SeqCst)
    }

    fn open(&self, options: &mut std::fs::OpenOptions) -> io::Result<File> {
        own_file::open(options.write(true), &self.path)
    }
}
