//! A damaged index: noticed, set aside, made again. `library.db` cannot be made again, and is left alone.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, io};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Location;

/// Whether any file of this process was found to be damaged. It is one for all connections: an error
/// shows wherever a bad page is read first.
static NOTICED: AtomicBool = AtomicBool::new(false);

/// Whether the index was suspected when it was opened, and is sound: then it is another file that is damaged.
static FOUND_SOUND: AtomicBool = AtomicBool::new(false);

pub fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Remembers an error that says that a file is damaged.
pub(super) fn notice(error: &rusqlite::Error) {
    if is_damage(error) {
        NOTICED.store(true, Ordering::Relaxed);
    }
}

/// Whether a file was found to be damaged that may be the index.
pub fn is_noticed() -> bool {
    NOTICED.load(Ordering::Relaxed) && !FOUND_SOUND.load(Ordering::Relaxed)
}

/// Has the index checked when it is opened next.
///
/// # Errors
/// When the disk takes no more files.
pub fn suspect(location: &Location) -> io::Result<()> {
    fs::write(suspicion(location), b"")
}

/// Sets the index aside if it was suspected and is damaged; where it is kept then.
pub(super) fn examine(location: &Location) -> io::Result<Option<PathBuf>> {
    let suspicion = suspicion(location);
    if !suspicion.exists() {
        return Ok(None);
    }
    let aside = if is_sound(&location.index()) { None } else { Some(set_aside(location)?) };
    FOUND_SOUND.store(aside.is_none(), Ordering::Relaxed);
    fs::remove_file(suspicion)?;
    Ok(aside)
}

/// Moves the index out of the way, in place of one that was set aside before.
pub(super) fn set_aside(location: &Location) -> io::Result<PathBuf> {
    let (index, aside) = (location.index(), with(&location.index(), ".damaged"));
    for part in ["", "-wal", "-shm"] {
        match fs::rename(with(&index, part), with(&aside, part)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(aside)
}

fn suspicion(location: &Location) -> PathBuf {
    with(&location.index(), ".suspect")
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Reads all of it.
fn is_sound(index: &Path) -> bool {
    let check = || -> rusqlite::Result<String> {
        let connection = Connection::open_with_flags(index, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
    };
    match check() {
        Ok(answer) => answer == "ok",
        // What is not damage is said when it is opened.
        Err(e) => !is_damage(&e),
    }
}
