//! The running program, for starting it again as the daemon or as a decoding process.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs, io};

/// On Linux this leads to the program file that this process runs, also after that file was replaced or deleted. In a
/// child it has that meaning until the child runs its own program.
const RUNNING: &str = "/proc/self/exe";

/// Returns the path of the running program. If the file at that path was replaced or deleted, returns `/proc/self/exe`,
/// which on Linux still leads to the running file.
///
/// # Errors
/// If the system does not report the path.
pub fn own_program() -> io::Result<PathBuf> {
    let named = env::current_exe()?;
    let running = Path::new(RUNNING);
    let inode = |path: &Path| fs::metadata(path).map(|m| (m.dev(), m.ino())).ok();
    Ok(if inode(running).is_some_and(|i| inode(&named) != Some(i)) { running.to_owned() } else { named })
}

/// The very program that this process runs. It is started from the running file and not from its path, so it stays the
/// same for the life of this process.
#[derive(Clone, Debug)]
pub struct SameProgram {
    path: PathBuf,
    build: String,
}

impl SameProgram {
    /// # Errors
    /// If the system does not report the running program.
    pub fn of_this_process() -> io::Result<SameProgram> {
        static KNOWN: OnceLock<SameProgram> = OnceLock::new();
        if let Some(known) = KNOWN.get() {
            return Ok(known.clone());
        }
        let path = if cfg!(target_os = "linux") { PathBuf::from(RUNNING) } else { env::current_exe()? };
        let file = fs::metadata(&path)?;
        let build = format!("{} {:x}-{:x}", env!("CARGO_PKG_VERSION"), file.dev(), file.ino());
        Ok(KNOWN.get_or_init(|| SameProgram { path, build }).clone())
    }

    /// Another program under the name of a build, for tests.
    #[cfg(test)]
    pub fn other(path: &Path, build: &str) -> SameProgram {
        SameProgram { path: path.to_owned(), build: build.to_owned() }
    }

    /// A command that runs this program, under the name that this process has.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.arg0(env::args_os().next().unwrap_or_else(|| self.path.clone().into()));
        command
    }

    /// The version and the file of this program. Two processes of the same file have the same build. While one of them
    /// runs, no other file gets its inode number.
    pub fn build(&self) -> &str {
        &self.build
    }
}
