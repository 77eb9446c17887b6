//! Files that commands write. Each is written beside its place and renamed, so that it is whole or not there.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::sys::probe;

/// The mode of a new file, less the umask.
const NEW_FILE_MODE: u32 = 0o666;

/// Writes a file, replacing one that is there. Anything but a regular file, such as a pipe, is written to directly.
///
/// # Errors
/// If it cannot be written. An older file is unchanged then.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    answers(path)?;
    // The file behind a link is replaced, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mode = match fs::metadata(&path) {
        Ok(there) if !there.is_file() => return fs::write(&path, bytes),
        Ok(there) => Some(there.permissions()),
        Err(_) => None,
    };
    let mut beside = beside(&path, Permissions::from_mode(NEW_FILE_MODE))?;
    beside.write_all(bytes)?;
    if let Some(mode) = mode {
        beside.as_file().set_permissions(mode)?;
    }
    beside.as_file().sync_all()?;
    beside.persist(&path).map_err(|e| e.error)?;
    sync_folder(&path)
}

/// Has `write` fill a file for this user alone, and gives it its name. A file that is there is not replaced.
///
/// # Errors
/// The errors of `write`, or if the file cannot be written or is there.
pub fn create<T, E: From<io::Error>>(path: &Path, write: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
    answers(path)?;
    if fs::symlink_metadata(path).is_ok() {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists).into());
    }
    let beside = beside(path, Permissions::from_mode(0o600))?;
    let written = write(beside.path())?;
    beside.as_file().sync_all()?;
    beside.persist_noclobber(path).map_err(|e| e.error)?;
    sync_folder(path)?;
    Ok(written)
}

/// Waits until the disk has said what is at a path.
fn answers(path: &Path) -> io::Result<()> {
    let silent = || io::Error::new(io::ErrorKind::TimedOut, "its disk does not answer");
    probe::path(path, |path| drop(fs::metadata(path).or_else(|_| fs::metadata(folder_of(path))))).ok_or_else(silent)
}

/// An empty file in the same folder. It is removed unless it gets its name.
fn beside(path: &Path, mode: Permissions) -> io::Result<NamedTempFile> {
    let name = path.file_name().unwrap_or(OsStr::new("file"));
    let mut prefix = OsStr::new(".").to_owned();
    prefix.push(name);
    prefix.push(".");
    // A name that is almost as long as the filesystem allows has no room for more.
    let prefix = if prefix.len() > 200 { OsStr::new(".similard.") } else { &prefix };
    Builder::new().prefix(prefix).permissions(mode).tempfile_in(folder_of(path))
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// After this the name of the file survives a power cut.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_mode() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("a.jsonl"), folder.path().join("link"));
        replace(&file, b"one").expect("written");
        fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("set");
        symlink(&file, &link).expect("linked");
        replace(&link, b"two").expect("written");
        assert_eq!(fs::read(&file).expect("there"), b"two");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 2, "nothing is left beside it");
        assert!(replace(Path::new("/dev/null"), b"three").is_ok());
        assert!(replace(&folder.path().join("none/a"), b"four").is_err());
    }

    #[test]
    fn a_new_file_is_there_once_it_is_whole_and_replaces_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.db");
        let failed: io::Result<()> = create(&file, |beside| {
            fs::write(beside, b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0);
        create(&file, |beside| fs::write(beside, b"whole")).expect("written");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        let refused = create(&file, |beside| fs::write(beside, b"other")).expect_err("it is there");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&file).expect("there"), b"whole");
    }
}
