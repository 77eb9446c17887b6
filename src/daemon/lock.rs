//! One daemon for each data directory: its lock, and its socket.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::umask;

use super::Error;

/// Creates the data directory, accessible to this user only.
pub fn data_directory(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::DataDirectory { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    // A daemon that restarted itself is behind its fence, which forbids changing modes.
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o7777 == 0o700 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
}

/// The lock of the data directory, held while the daemon runs. The kernel releases it even after a crash.
pub struct Lock {
    _file: File,
}

impl Lock {
    pub fn take(data_directory: &Path) -> Result<Lock, Error> {
        let path = data_directory.join("lock");
        let failed = |source| Error::DataDirectory { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::AlreadyRunning(data_directory.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
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
        if fs::metadata(directory).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(Error::OpenDirectory(directory.to_owned()));
        }
        Ok(directory)
    }

    /// Binds a socket in a directory of [`Socket::directory`]. Replaces a socket on which nobody listens any more.
    pub fn bind(path: &Path) -> Result<(Socket, UnixListener), Error> {
        let failed = |source: io::Error| Error::Socket { path: path.to_owned(), source };
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
