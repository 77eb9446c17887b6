//! One daemon for each data directory: its lock, and its socket.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::Mode;
use rustix::process::umask;

use super::error::Error;
use crate::sys::own_file;

/// Creates the data directory, accessible to this user only. One that exists is used as it is, or not at all: its mode is
/// the choice of the person who made it.
pub fn data_directory(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::DataDirectory { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let found = fs::metadata(path).map_err(failed)?;
    own_file::check_owner(&found).map_err(failed)?;
    if found.permissions().mode() & 0o077 == 0 { Ok(()) } else { Err(Error::OpenDataDirectory(path.to_owned())) }
}

/// How often taking the lock is tried, and the pause between. A `simctl` that looks who holds the lock holds it for a
/// moment.
const LOCK_ATTEMPTS: usize = 10;
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// The lock of the data directory, held while the daemon runs. The kernel releases it even after a crash. The file says
/// which process holds it, and where that process listens.
pub struct Lock {
    file: File,
}

impl Lock {
    pub fn take(data_directory: &Path) -> Result<Lock, Error> {
        let path = path(data_directory);
        let failed = |source| Error::DataDirectory { path: path.clone(), source };
        let file = own_file::open(File::options().create(true).truncate(false).write(true), &path).map_err(failed)?;
        for attempt in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < LOCK_ATTEMPTS => thread::sleep(LOCK_RETRY_INTERVAL),
                Err(TryLockError::WouldBlock) => return Err(Error::AlreadyRunning(data_directory.to_owned())),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        let lock = Lock { file };
        lock.say(None);
        Ok(lock)
    }

    /// Says where the daemon listens. `None` while it starts or ends.
    pub fn say(&self, socket: Option<&Path>) {
        let mut text = format!("{}\n", std::process::id()).into_bytes();
        if let Some(socket) = socket {
            text.extend(socket.as_os_str().as_bytes());
            text.push(b'\n');
        }
        // On a full disk the daemon runs all the same. It is then found at the usual socket only.
        if let Err(e) = self.file.set_len(0).and_then(|()| self.file.write_all_at(&text, 0)) {
            tracing::warn!("the lock cannot say where the daemon listens: {e}");
        }
    }
}

/// Who holds the lock of a data directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holder {
    Nobody,
    /// A daemon that has not said anything yet, or an earlier version, which never does.
    Unknown,
    /// A daemon that is starting or ending.
    Busy {
        pid: u32,
    },
    Daemon {
        pid: u32,
        socket: PathBuf,
    },
}

/// Returns who holds the lock of a data directory.
pub fn holder(data_directory: &Path) -> Holder {
    let Ok(mut file) = own_file::open(File::options().read(true), &path(data_directory)) else { return Holder::Nobody };
    let is_free = file.try_lock_shared().is_ok();
    let mut text = Vec::new();
    // The file has a process id and a path.
    let _ = file.read_to_end(&mut text);
    let said = said(&text).unwrap_or(Holder::Unknown);
    match said {
        // A daemon that starts again in its own process has no lock for a moment.
        Holder::Busy { pid } if is_free && is_this_program(pid) => said,
        _ if is_free => Holder::Nobody,
        _ => said,
    }
}

fn is_this_program(pid: u32) -> bool {
    let program = |process: &str| fs::read_link(format!("/proc/{process}/exe")).ok();
    program(&pid.to_string()).is_some_and(|other| Some(other) == program("self"))
}

/// Reads what [`Lock::say`] wrote. `None` if it was not written, or not completely.
fn said(text: &[u8]) -> Option<Holder> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let pid = std::str::from_utf8(&text[..end]).ok()?.parse().ok()?;
    match text[end + 1..].strip_suffix(b"\n") {
        Some(socket) => Some(Holder::Daemon { pid, socket: PathBuf::from(OsStr::from_bytes(socket)) }),
        None if text.len() == end + 1 => Some(Holder::Busy { pid }),
        None => None,
    }
}

fn path(data_directory: &Path) -> PathBuf {
    data_directory.join("lock")
}

/// A bound socket. Dropping it removes the file.
pub struct Socket {
    path: PathBuf,
}

impl Socket {
    /// Creates the directory of a socket, accessible to this user only. So other users can never connect.
    pub fn directory(path: &Path) -> Result<&Path, Error> {
        let failed = |source: io::Error| Error::Socket { path: path.to_owned(), source };
        let directory = path.parent().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let found = fs::metadata(directory).map_err(failed)?;
        own_file::check_owner(&found).map_err(failed)?;
        if found.permissions().mode() & 0o077 != 0 {
            return Err(Error::OpenDirectory(directory.to_owned()));
        }
        Ok(directory)
    }

    /// Binds a socket in a directory of [`Socket::directory`]. Replaces a socket on which nobody listens any more.
    pub fn bind(path: &Path) -> Result<(Socket, UnixListener), Error> {
        let failed = |source: io::Error| Error::Socket { path: path.to_owned(), source };
        own_file::check(path).map_err(failed)?;
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(Error::SocketTaken(path.to_owned()));
        }
        match fs::symlink_metadata(path) {
            Ok(found) if std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()) => fs::remove_file(path).map_err(failed)?,
            Ok(_) => return Err(failed(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is not a socket is there"))),
            Err(_) => {}
        }
        // The mode is 0600 from the start. The umask may change here, because this is the only thread yet.
        let before = umask(Mode::from_raw_mode(0o177));
        let bound = UnixListener::bind(path);
        umask(before);
        let listener = bound.map_err(failed)?;
        Ok((Socket { path: path.to_owned() }, listener))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_says_who_holds_it_and_where_that_listens() {
        let folder = tempfile::tempdir().expect("a folder");
        let pid = std::process::id();
        assert_eq!(holder(folder.path()), Holder::Nobody);
        let lock = Lock::take(folder.path()).expect("free");
        assert_eq!(holder(folder.path()), Holder::Busy { pid });
        let socket = Path::new(OsStr::from_bytes(b"/run/a\nb\xff.sock"));
        lock.say(Some(socket));
        assert_eq!(holder(folder.path()), Holder::Daemon { pid, socket: socket.to_owned() });
        assert!(matches!(Lock::take(folder.path()), Err(Error::AlreadyRunning(_))));
        // What a daemon left behind counts for nothing.
        drop(lock);
        assert_eq!(holder(folder.path()), Holder::Nobody);
    }

    #[test]
    fn a_daemon_that_starts_again_in_its_own_process_keeps_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let pid = std::process::id();
        drop(Lock::take(folder.path()).expect("free"));
        assert_eq!(holder(folder.path()), Holder::Busy { pid });
        // A process that has ended, or is another program, keeps nothing.
        for gone in [ended_process(), 1] {
            fs::write(path(folder.path()), format!("{gone}\n")).expect("written");
            assert_eq!(holder(folder.path()), Holder::Nobody, "process {gone}");
        }
    }

    fn ended_process() -> u32 {
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        child.wait().expect("it ends");
        child.id()
    }

    #[test]
    fn what_is_cut_off_or_of_an_earlier_version_names_nobody() {
        for text in [&b""[..], b"12", b"12\n/run/so", b"x\n/run/socket\n", b"\n"] {
            assert_eq!(said(text), None, "{text:?}");
        }
    }
}
