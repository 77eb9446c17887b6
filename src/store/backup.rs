//! A copy of `library.db` by SQLite's own way, also while a daemon writes to it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::{Error, Location, Result, open, schema};

/// The contents of a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copied {
    pub roots: u64,
    pub decisions: u64,
    pub heads: u64,
}

/// Copies `library.db` to a file that is new or empty. The copy is of one moment, is one file, and has been read again
/// afterwards. The original is opened for reading only.
///
/// # Errors
/// If there is no library, if it is damaged or of another program, or if the copy cannot be written.
pub fn back_up(location: &Location, to: &Path) -> Result<Copied> {
    let library = location.library();
    let from = open::readable(&library)?;
    open::check_owner(&from, &library, schema::LIBRARY_ID)?;
    let text = ToSqlOutput::Borrowed(ValueRef::Text(to.as_os_str().as_bytes()));
    from.execute("VACUUM INTO ?1", [text]).map_err(|e| failed(&library, e))?;
    count(&open::readable(to)?).map_err(|e| failed(to, e))
}

fn count(copy: &Connection) -> rusqlite::Result<Copied> {
    // Older versions had fewer tables.
    let rows = |table: &str| -> rusqlite::Result<u64> {
        let is_there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
        if !copy.query_row(is_there, [table], |row| row.get(0))? {
            return Ok(0);
        }
        copy.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| Ok(row.get::<_, i64>(0)? as u64))
    };
    Ok(Copied { roots: rows("roots")?, decisions: rows("decisions")?, heads: rows("heads")? })
}

fn failed(path: &Path, source: rusqlite::Error) -> Error {
    let path = PathBuf::from(path);
    if open::is_damage(&source) { Error::Damaged { path, source } } else { Error::BackUp { path, source } }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::photo::{Decision, PictureHash, Verdict};
    use crate::store::{OnConflict, Writer};

    fn said(a: u8, b: u8) -> Decision {
        Decision { a: PictureHash([a; 32]), b: PictureHash([b; 32]), verdict: Verdict::Different, made: 1, follows: None }
    }

    #[test]
    fn a_copy_is_whole_while_the_original_is_written_to() {
        let (folder, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let location = Location::new(folder.path());
        assert!(matches!(back_up(&location, &there.path().join("none.db")), Err(Error::Open { .. })));
        let mut writer = Writer::open(&location).expect("opens");
        writer.add_root(Path::new("/photos"), None, &|_| false).expect("added");
        writer.decide(&[said(1, 2), said(3, 4)], OnConflict::Overwrite).expect("kept");
        // What is only in the write-ahead log is copied, too.
        assert!(fs::metadata(folder.path().join("library.db-wal")).is_ok_and(|m| m.len() > 0));
        let copy = there.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.db"));
        assert_eq!(back_up(&location, &copy).expect("copied"), Copied { roots: 1, decisions: 2, heads: 0 });
        assert_eq!(fs::read_dir(there.path()).expect("there").count(), 1, "it is one file");
        assert!(matches!(back_up(&location, &copy), Err(Error::BackUp { .. })), "a file with contents is not overwritten");
        writer.decide(&[said(5, 6)], OnConflict::Overwrite).expect("kept");
        // The copy is a library.
        fs::rename(&copy, there.path().join("library.db")).expect("renamed");
        assert_eq!(Writer::open(&Location::new(there.path())).and_then(|mut w| w.decisions()).expect("read").len(), 2);
    }

    #[test]
    fn what_is_no_library_is_not_copied() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let copy = folder.path().join("copy.db");
        fs::write(location.library(), [b"no database at all".as_slice(); 400].concat()).expect("written");
        assert!(matches!(back_up(&location, &copy), Err(Error::Damaged { .. })));
        fs::remove_file(location.library()).expect("removed");
        Connection::open(location.library()).and_then(|file| file.execute_batch("CREATE TABLE theirs (x)")).expect("made");
        assert!(matches!(back_up(&location, &copy), Err(Error::Foreign(_))));
    }
}
