//! The store: three SQLite files.
//!
//! `library.db` holds what cannot be computed again: roots, decisions, tuned heads. `index.db` holds what a scan can:
//! files, photos, features, embeddings, pairs, failures, other files. So a damaged index loses nothing precious. `pictures.db` holds a
//! small picture of each photo, from which all else is made. One [`Writer`] writes in transactions, and any number of
//! [`Reader`]s read at the same time (WAL).
//!
//! Invariants: a photo is stored completely or not at all (its row, features and pairs are written in one
//! transaction). A file has a photo, or a failure, or is pending, and never two of these. A value that no version
//! wrote is never read as another: in `library.db` its row is skipped and reported, and an index with such a value is
//! damaged. A damaged index is set aside and built again ([`damage`]).

mod asked;
pub mod backup;
mod checkpoint;
mod columns;
mod comparisons;
pub mod damage;
mod decisions;
mod known;
mod library;
mod open;
mod others;
mod pictures;
mod reader;
mod recipes;
mod records;
mod rereads;
mod roots;
mod schema;
mod scopes;
mod shots;
mod sidecars;
mod unreadable;
mod writer;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use thiserror::Error;

use crate::photo::{
    Capture, ContentHash, Contradiction, Decision, Dimensions, Failure, Features, Format, Metadata, PhotoId, PictureHash, Place, Shot,
    Stamp, Unpaired,
};

pub use crate::photo::Positives;
pub use asked::LastFile;
pub use comparisons::{Comparisons, Uncompared};
pub use decisions::{Evidence, Replaced};
pub use reader::{Reader, Wanted};
pub use recipes::Dropped;
pub use records::{ClusterChangeRecord, ClusterChangesRecord, HeadFiguresRecord, TuningOrderRecord, TuningReportRecord};
pub use shots::{FileBeside, Name, Named};
pub use writer::{Batch, Writer};

/// Why the store failed.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{path} cannot be used: {source}")]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("{path} is not used: {source}")]
    NotOurs { path: PathBuf, source: io::Error },
    #[error("{0} was made by a newer version of similard")]
    Newer(PathBuf),
    #[error("{0} is not similard's")]
    Foreign(PathBuf),
    #[error("{path} is damaged: {source}")]
    Damaged { path: PathBuf, source: rusqlite::Error },
    #[error("the index has {0}")]
    Inconsistent(String),
    #[error("the damaged {path} cannot be set aside: {source}")]
    SetAside { path: PathBuf, source: io::Error },
    #[error("{path} cannot be copied: {source}")]
    BackUp { path: PathBuf, source: rusqlite::Error },
    #[error("the head {0} exists already but cannot be read, so it is not replaced")]
    UnreadableHead(String),
    /// New decisions contradict others. None is stored.
    #[error("these decisions contradict each other")]
    Contradiction(Box<Contradiction>),
    /// What is stored in the file that is open would be lost with it.
    #[error(
        "{0} was deleted or replaced while the daemon runs, so nothing can be stored in it; simctl decisions export FILE saves your \
         decisions, and simctl restart goes on with the file that is there"
    )]
    OtherLibrary(PathBuf),
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
    /// Returns whether the disk is the cause, not the request: it is full, read-only or failing.
    pub fn is_disk(&self) -> bool {
        matches!(self, Error::Sqlite(e) | Error::Open { source: e, .. } | Error::BackUp { source: e, .. } if matches!(e.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure | rusqlite::ErrorCode::ReadOnly)))
    }
}

impl Error {
    /// Returns whether the contents of a file are the cause: not the disk, the system, or another process.
    pub fn is_of_contents(&self) -> bool {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed, NoLargeFileSupport, OperationAborted,
            OperationInterrupted, OutOfMemory, PermissionDenied, ReadOnly, SystemIoFailure,
        };
        match self {
            Error::Damaged { .. } | Error::Contradiction(_) => true,
            Error::Open { source: e, .. } | Error::Sqlite(e) => !matches!(
                e.sqlite_error_code(),
                Some(
                    CannotOpen
                        | DatabaseBusy
                        | DatabaseLocked
                        | DiskFull
                        | FileLockingProtocolFailed
                        | NoLargeFileSupport
                        | OperationAborted
                        | OperationInterrupted
                        | OutOfMemory
                        | PermissionDenied
                        | ReadOnly
                        | SystemIoFailure
                )
            ),
            _ => false,
        }
    }
}

pub type Result<T> = std::result::Result<T, Error>;

/// A photo with its files in the scopes of a question.
#[derive(Clone, PartialEq, Debug)]
pub struct PhotoRecord {
    pub id: PhotoId,
    pub picture: PictureHash,
    pub format: Format,
    pub dimensions: Dimensions,
    /// What one of its files says.
    pub capture: Capture,
    /// See [`Identity::quantisation`](crate::photo::Identity). `None` also if an older version read it.
    pub quantisation: Option<u16>,
    /// See [`Decoded::detail`](crate::vision::decode::Decoded). `None` also if an older version read it.
    pub detail: Option<f64>,
    pub files: Vec<FileRecord>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct FileRecord {
    pub place: Place,
    /// As the file was when it was read.
    pub stamp: Stamp,
    pub content: ContentHash,
    /// With what its sidecars say. `None` if an older version read the file.
    pub metadata: Option<Metadata>,
    /// Its shot, if that has other files. The catalog knows it.
    pub shot: Option<Arc<Shot>>,
    /// Why it is not in a shot with a file of its name.
    pub unpaired: Option<Unpaired>,
}

impl PhotoRecord {
    /// Takes the capture data of the file that was written last among those with a time. A corrected time counts, and what
    /// a deleted file said does not. Files that an older version read have the capture data of the first file.
    fn fill_in_capture(&mut self) {
        let capture_of = |file: &FileRecord| file.metadata.as_ref().map(|metadata| metadata.capture.clone());
        let timed = self.files.iter().filter(|file| capture_of(file).is_some_and(|capture| capture.taken.is_some()));
        if let Some(file) = timed.max_by_key(|file| file.stamp.mtime) {
            self.capture = capture_of(file).unwrap_or_default();
        } else if self.files.iter().all(|file| file.metadata.is_some()) {
            self.capture = self.files.iter().find_map(capture_of).unwrap_or_default();
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailureRecord {
    pub place: Place,
    pub failure: Failure,
}

/// The number of a head in the index. Embeddings, densities and pairs belong to one head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeadNumber(pub i64);

/// Which decision is kept if there already is one on the same photos.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnConflict {
    /// The new one, for a decision that a person makes now.
    Overwrite,
    /// The one that was made later, for imported decisions.
    KeepNewer,
}

/// What became of new decisions.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Decided {
    /// How many of them changed something.
    pub changed: usize,
    /// How many of those took the place of a decision with the other verdict.
    pub reversed: usize,
    /// Those that were not stored because a later decision on the same photos has the other verdict.
    pub outdone: Vec<Decision>,
}

/// The name that was chosen last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Chosen {
    /// None was ever chosen.
    Nothing,
    Name(String),
    /// What is stored is not text. It stays until another name is chosen.
    Unreadable,
}

/// A head, or a version model, tuned on this library.
#[derive(Clone, PartialEq, Debug)]
pub struct HeadRecord {
    pub name: String,
    /// The backbone whose features it takes. A version model takes none.
    pub backbone: String,
    pub positives: Positives,
    /// Safetensors.
    pub weights: Vec<u8>,
    /// The threshold in this library.
    pub threshold: f32,
    /// The report of its tuning, as JSON.
    pub report: String,
    /// Seconds since 1970.
    pub made: i64,
}

/// The features of a photo or of an edited version of it.
#[derive(Clone, PartialEq, Debug)]
pub struct EditedVersion {
    /// The name of the edit. Empty for the photo itself.
    pub edit: String,
    pub features: Features,
}

/// Whether a path holds a photo after it was recorded, and whether it did before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeenFile {
    pub holds_photo: bool,
    pub held_photo: bool,
}

/// Whether a photo was added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IsNew {
    Yes,
    No,
}

/// Which files are at the two paths of a location.
#[derive(Clone, Copy, Debug)]
pub struct Files {
    library: At,
    index: At,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// Device and inode.
    File(u64, u64),
    Nothing,
    /// The disk does not say.
    Unknown,
}

impl Files {
    /// Returns whether `library.db` was deleted or replaced since.
    pub fn has_other_library(&self, now: &Files) -> bool {
        now.library != At::Unknown && now.library != self.library
    }

    /// Returns whether `index.db` was deleted or replaced since.
    pub fn has_other_index(&self, now: &Files) -> bool {
        now.index != At::Unknown && now.index != self.index
    }
}

/// The directories of the three files.
#[derive(Clone, Debug)]
pub struct Location {
    directory: PathBuf,
    /// `None` if no pictures are kept.
    pictures: Option<PathBuf>,
}

impl Location {
    pub fn new(directory: &Path) -> Location {
        Location { directory: directory.to_owned(), pictures: Some(directory.to_owned()) }
    }

    /// Keeps pictures in another directory, or nowhere.
    pub fn keeping_pictures_in(self, directory: Option<&Path>) -> Location {
        Location { pictures: directory.map(Path::to_owned), ..self }
    }

    pub fn library(&self) -> PathBuf {
        self.directory.join("library.db")
    }

    pub fn index(&self) -> PathBuf {
        self.directory.join("index.db")
    }

    /// `None` if no pictures are kept.
    pub fn pictures(&self) -> Option<PathBuf> {
        self.pictures.as_ref().map(|directory| directory.join("pictures.db"))
    }

    /// Returns which files are at the two paths now.
    pub fn files(&self) -> Files {
        let file = |path: PathBuf| match fs::metadata(path) {
            Ok(found) => At::File(found.dev(), found.ino()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => At::Nothing,
            Err(_) => At::Unknown,
        };
        Files { library: file(self.library()), index: file(self.index()) }
    }
}
