//! Files of this user, in folders of this program: never through a symbolic link, and never another user's.
//!
//! A link would have the daemon write wherever it leads. Another user's file could be changed while it is in use.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// Checks what is at a path, without following a link there. Returns whether anything is.
///
/// # Errors
/// If it is a link, or belongs to another user.
pub fn check(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => Err(is_link()),
        Ok(found) => check_owner(&found).map(|()| true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

/// Opens a regular file with these options. A new file is for this user alone.
///
/// # Errors
/// Those of [`check`]. Also if it is not a regular file.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Without waiting for the other end of a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = options.mode(0o600).custom_flags(flags.bits() as i32).open(path);
    let file = opened.map_err(|e| if Errno::from_io_error(&e) == Some(Errno::LOOP) { is_link() } else { e })?;
    let found = file.metadata()?;
    check_owner(&found)?;
    if found.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

/// Checks whether a file belongs to the user that this process acts for.
///
/// # Errors
/// If it does not.
pub fn check_owner(found: &Metadata) -> io::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    if found.uid() == own {
        return Ok(());
    }
    Err(io::Error::other(format!("it belongs to user {}, and this process acts for user {own}", found.uid())))
}

fn is_link() -> io::Error {
    io::Error::other("it is a symbolic link, and these are not followed")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::{fs, thread};

    use rustix::fs::{CWD, FileType, Mode};

    use super::*;

    #[test]
    fn links_pipes_and_folders_are_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("target"), b"precious").expect("written");
        symlink(at("target"), at("link")).expect("linked");
        symlink(at("missing"), at("dangling")).expect("linked");
        for link in ["link", "dangling"] {
            for error in [check(&at(link)).expect_err(link), open(File::options().append(true).create(true), &at(link)).expect_err(link)] {
                assert!(error.to_string().contains("symbolic link"), "{link}: {error}");
            }
        }
        assert!(!at("missing").exists() && fs::read(at("target")).expect("read") == b"precious");
        rustix::fs::mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
        let pipe = at("pipe");
        let opened =
            thread::spawn(move || (open(File::options().write(true), &pipe).is_err(), open(File::options().read(true), &pipe).is_err()));
        assert_eq!(opened.join().expect("does not wait"), (true, true));
        assert!(open(File::options().read(true), folder.path()).is_err());
        assert!(open(File::options().append(true).create(true), &at("new")).is_ok());
        assert_eq!(fs::metadata(at("new")).expect("made").mode() & 0o077, 0);
        assert!(check(&at("new")).expect("ours") && !check(&at("missing")).expect("nothing"));
    }

    #[test]
    fn another_users_file_is_refused() {
        // Only root has one at hand: the program of another user's process, or a file that it gives away.
        let folder = tempfile::tempdir().expect("a folder");
        let theirs = folder.path().join("theirs");
        fs::write(&theirs, b"").expect("written");
        if std::os::unix::fs::chown(&theirs, Some(4321), None).is_err() {
            return crate::sys::skip("only root can give a file away");
        }
        let refused = open(File::options().read(true), &theirs).expect_err("theirs").to_string();
        assert!(refused.contains("user 4321"), "{refused}");
        assert!(check(&theirs).is_err());
    }
}
