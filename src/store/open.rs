//! Opening a database: ownership, version, pragmas.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{Migrations, SchemaVersion};

use super::{Error, Result};
use crate::sys::own_file;

/// How long a connection waits for another one.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The size of a page, unless another one suits a file better.
pub const PAGE_BYTES: u32 = 4096;

/// The memory for pages that one reader may take. It takes what it reads, and gives it back when it is closed.
const READER_CACHE_KIB: i64 = 32_768;

/// Whether a committed transaction must survive a power cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    Always,
    /// Usually. A scan restores what is lost.
    Mostly,
}

/// Opens a file for writing, and creates or migrates it. A new file has pages of this size.
///
/// # Errors
/// [`Error::Newer`] and [`Error::Foreign`] do not change the file.
pub fn writable(path: &Path, application: i32, migrations: &Migrations<'_>, durable: Durable, page_bytes: u32) -> Result<Connection> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    check_owner(&connection, path, application)?;
    let version = migrations.current_version(&connection).map_err(|e| migration(path, e))?;
    if matches!(version, SchemaVersion::Outside(_)) {
        return Err(Error::Newer(path.to_owned()));
    }
    let prepare = |connection: &Connection| -> rusqlite::Result<()> {
        connection.pragma_update(None, "page_size", page_bytes)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // With WAL, NORMAL cannot corrupt the file. A power cut may lose the last transactions.
        connection.pragma_update(None, "synchronous", if durable == Durable::Always { "full" } else { "normal" })?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // Replacing a row also runs the delete triggers.
        connection.pragma_update(None, "recursive_triggers", true)?;
        // SQLite's temporary files go beside the database, because the daemon must not write anywhere else. This is set
        // for the whole process. A folder name that is not UTF-8 becomes `.`, which is the daemon's working directory.
        let folder = path.parent().and_then(Path::to_str).unwrap_or(".");
        connection.pragma_update(None, "temp_store_directory", folder)?;
        connection.pragma_update(None, "application_id", application)
    };
    prepare(&connection).map_err(|e| failed(path, e))?;
    migrations.to_latest(&mut connection).map_err(|e| migration(path, e))?;
    Ok(connection)
}

/// Opens an existing file for reading.
pub fn readable(path: &Path) -> Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // An answer about a large library looks up photos in the order of their ids, and their files and metadata in no order.
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB).map_err(|e| failed(path, e))?;
    Ok(connection)
}

/// Opens a file of this user, with the files that SQLite keeps beside it. No link is followed to any of them.
pub fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let path = with(path, end);
        own_file::check(&path).map_err(|source| Error::NotOurs { path, source })?;
    }
    // SQLite then refuses a link in any part of the path. The data directory may be reached through one.
    let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
    let real = folder.zip(path.file_name()).map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name));
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(real, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(connection)
    };
    open().map_err(|e| failed(path, e))
}

/// Returns a path with something after its name.
pub fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Returns whether an error means a page that SQLite cannot read.
pub fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Classifies an error on opening a file.
fn failed(path: &Path, source: rusqlite::Error) -> Error {
    let path = path.to_owned();
    if is_damage(&source) { Error::Damaged { path, source } } else { Error::Open { path, source } }
}

/// Checks that a file is similard's, or empty.
///
/// # Errors
/// [`Error::Foreign`] if it is not.
pub fn check_owner(connection: &Connection, path: &Path, application: i32) -> Result<()> {
    let read = || -> rusqlite::Result<(i32, i64)> {
        let owner = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((owner, tables))
    };
    let (owner, tables) = read().map_err(|e| failed(path, e))?;
    if owner == application || (owner == 0 && tables == 0) { Ok(()) } else { Err(Error::Foreign(path.to_owned())) }
}

fn migration(path: &Path, error: rusqlite_migration::Error) -> Error {
    match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => failed(path, err),
        _ => Error::Newer(path.to_owned()),
    }
}
