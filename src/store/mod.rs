//! The memory: two SQLite files in the data directory.
//!
//! `library.db` holds what cannot be made again (roots, decisions, tuned heads); `index.db` what a scan
//! can (files, photos, features, embeddings, pairs, failures), so that a damaged index takes nothing precious along. One
//! [`Writer`] writes in transactions; any number of [`Reader`]s read beside it (WAL).
//!
//! Invariants: a photo is wholly in or not at all (its row, features and pairs come in one
//! transaction); a file has a photo or a failure or is pending, never two of them. A value that no version
//! wrote is never taken for another: in `library.db` its row is left alone and told, and an index that has one is
//! damaged. A damaged index is set aside and made again ([`damage`]).

mod columns;
pub mod damage;
mod library;
mod open;
mod reader;
mod records;
mod schema;
mod writer;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::photo::{Capture, Dimensions, Failure, Features, Format, PhotoId, PictureHash, Place};

pub use crate::photo::Positives;
pub use reader::{Reader, Wanted};
pub use records::{ClusterChangeRecord, ClusterChangesRecord, HeadFiguresRecord, TuningOrderRecord, TuningReportRecord};
pub use writer::{Batch, IsNew, SeenFile, Writer};

/// Why the store did not do what was asked.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{path} cannot be used: {source}")]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("{0} was made by a newer version of similard")]
    Newer(PathBuf),
    #[error("{0} is not similard's")]
    Foreign(PathBuf),
    #[error("{path} is damaged: {source}")]
    Damaged { path: PathBuf, source: rusqlite::Error },
    #[error("the damaged {path} cannot be set aside: {source}")]
    SetAside { path: PathBuf, source: io::Error },
    #[error("the head {0} is there already and cannot be read: it is not replaced")]
    UnreadableHead(String),
    #[error("the index: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        damage::notice(&error);
        Error::Sqlite(error)
    }
}

impl Error {
    /// Whether the disk, not the request, is at fault: full or failing.
    pub fn is_disk(&self) -> bool {
        matches!(self, Error::Sqlite(e) | Error::Open { source: e, .. } if matches!(e.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure | rusqlite::ErrorCode::ReadOnly)))
    }
}

pub type Result<T> = std::result::Result<T, Error>;

/// A photo with its files in a scope.
#[derive(Clone, PartialEq, Debug)]
pub struct PhotoRecord {
    pub id: PhotoId,
    pub picture: PictureHash,
    pub format: Format,
    pub dimensions: Dimensions,
    pub capture: Capture,
    pub files: Vec<FileRecord>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRecord {
    pub place: Place,
    pub bytes: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailureRecord {
    pub place: Place,
    pub failure: Failure,
}

/// A head's number in the index: embeddings, crowds and pairs are each of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeadNumber(pub i64);

/// How a decision comes to the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnConflict {
    /// A person says so now.
    Overwrite,
    /// It was kept somewhere.
    KeepNewer,
}

/// A head that was tuned on this library.
#[derive(Clone, PartialEq, Debug)]
pub struct HeadRecord {
    pub name: String,
    /// Names the backbone whose features it takes.
    pub backbone: String,
    pub positives: Positives,
    /// Safetensors.
    pub weights: Vec<u8>,
    /// Under which pairs join, in this library.
    pub threshold: f32,
    /// JSON: what its tuning measured.
    pub report: String,
    /// Seconds since 1970.
    pub made: i64,
}

/// What the backbone makes of an edited view of a photo.
#[derive(Clone, PartialEq, Debug)]
pub struct View {
    /// Empty for the photo itself.
    pub edit: String,
    pub features: Features,
}

/// Where the two files are.
#[derive(Clone, Debug)]
pub struct Location {
    directory: PathBuf,
}

impl Location {
    pub fn new(directory: &Path) -> Location {
        Location { directory: directory.to_owned() }
    }

    pub fn library(&self) -> PathBuf {
        self.directory.join("library.db")
    }

    pub fn index(&self) -> PathBuf {
        self.directory.join("index.db")
    }
}
