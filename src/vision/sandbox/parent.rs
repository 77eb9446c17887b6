//! The daemon's side: one child, started when needed and ended when it hangs.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::COMMAND;
use super::protocol::{self, DecodedHeader, Identified, MissingLayers};
use crate::photo::{Failure, Identity, Picture, Stage};
use crate::sys::SameProgram;
use crate::vision::Limits;
use crate::vision::decode::Decoded;

/// Why a file was not read.
#[derive(Debug, Error)]
pub enum Problem {
    /// The file cannot be read. The failure is recorded.
    #[error("{0}")]
    Photo(Failure),
    /// The machine failed, for example to start a process. The file stays pending.
    #[error("the decoding child cannot be used: {0}")]
    Child(#[from] io::Error),
}

/// Reads files through a child process. Each worker has its own.
pub struct Reader {
    program: SameProgram,
    limits: Limits,
    child: Option<Running>,
    /// Device and inode of the child's current file, and of the file that last ended a child.
    file: FileId,
    ended_with: Option<FileId>,
}

type FileId = (u64, u64);

struct Running {
    process: Child,
    socket: UnixStream,
}

impl Reader {
    /// `program` is this program. It is run with [`COMMAND`].
    pub fn new(program: SameProgram, limits: Limits) -> Reader {
        Reader { program, limits, child: None, file: (0, 0), ended_with: None }
    }

    /// Identifies an open file.
    ///
    /// # Errors
    /// [`Problem::Photo`] when the file cannot be a photo, crashes the child or takes too long.
    pub fn identify(&mut self, file: &File) -> Result<Identity, Problem> {
        self.file = file.metadata().map(|m| (m.dev(), m.ino()))?;
        let socket = self.socket()?;
        if protocol::send_file(socket, file).is_err() {
            // The child ended between two files. This file did not cause it.
            self.end();
            protocol::send_file(self.socket()?, file)?;
        }
        self.answer::<Identified>(Stage::Read)?.map_err(Problem::Photo)
    }

    /// Decodes the file that was last identified.
    ///
    /// # Errors
    /// See [`identify`](Reader::identify).
    pub fn decode(&mut self) -> Result<Decoded, Problem> {
        let sent = self.child.as_ref().map(|c| io::Write::write_all(&mut &c.socket, &[protocol::DECODE]));
        if !matches!(sent, Some(Ok(()))) {
            return Err(self.lost(Stage::Decode, io::ErrorKind::BrokenPipe.into()));
        }
        let header = self.answer::<DecodedHeader>(Stage::Decode)?.map_err(Problem::Photo)?;
        let rgb = self.receive(Stage::Decode, protocol::read_pixels)?;
        // A compromised child may send anything.
        if header.dimensions.pixels().checked_mul(3) != Some(rgb.len() as u64) || rgb.is_empty() {
            return Err(self.lost(Stage::Decode, io::ErrorKind::InvalidData.into()));
        }
        let picture = Picture::new(header.dimensions.width, header.dimensions.height, rgb);
        Ok(Decoded { picture, capture: header.capture })
    }

    /// The missing sandbox layers, each with the reason.
    ///
    /// # Errors
    /// If no child can be started, or it does not answer.
    pub fn missing_layers(&mut self) -> io::Result<MissingLayers> {
        let mut socket = self.socket()?;
        io::Write::write_all(&mut socket, &[protocol::LAYERS])?;
        protocol::read_json(socket)
    }

    fn answer<T: DeserializeOwned>(&mut self, stage: Stage) -> Result<T, Problem> {
        self.receive(stage, protocol::read_json)
    }

    fn receive<T>(&mut self, stage: Stage, read: impl FnOnce(&UnixStream) -> io::Result<T>) -> Result<T, Problem> {
        let Some(child) = &self.child else { return Err(self.lost(stage, io::ErrorKind::BrokenPipe.into())) };
        read(&child.socket).map_err(|e| self.lost(stage, e))
    }

    /// The child stopped answering while it had a file. The file is the cause, unless something else ended the child.
    fn lost(&mut self, stage: Stage, error: io::Error) -> Problem {
        let timed_out = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        // A child that closed its socket has ended or is about to.
        let closed = matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset);
        let ended = self.child.take().map(|mut child| {
            if !closed {
                let _ = child.process.kill();
            }
            child.process.wait()
        });
        let signal = ended.and_then(Result::ok).and_then(|status| status.signal()).filter(|_| closed).and_then(Signal::from_named_raw);
        let reason = match signal {
            // The kernel kills the child when memory runs out, and would do so each time the file is read.
            Some(Signal::KILL) if self.ended_with == Some(self.file) => "the decoder was killed on it, twice; memory may have run out",
            Some(Signal::HUP | Signal::INT | Signal::KILL | Signal::TERM) => {
                self.ended_with = Some(self.file);
                return Problem::Child(io::Error::other("the decoding child was ended from outside"));
            }
            Some(Signal::SYS) => "the decoder did something that it must not, and was ended",
            _ if timed_out => {
                // A slow read is a problem of the disk and may succeed later.
                return Problem::Photo(Failure::new(stage, format_args!("reading it took more than {} seconds", self.limits.seconds)));
            }
            _ => "the decoder crashed on it",
        };
        Problem::Photo(Failure::new(Stage::Decode, reason))
    }

    fn socket(&mut self) -> io::Result<&UnixStream> {
        if self.child.is_none() {
            let (ours, theirs) = UnixStream::pair()?;
            ours.set_read_timeout(Some(Duration::from_secs(self.limits.seconds)))?;
            let process = self
                .program
                .command()
                .arg(COMMAND)
                .arg(serde_json::to_string(&self.limits)?)
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                // Ctrl-C is for the daemon. Its children end when it is gone.
                .process_group(0)
                .spawn()?;
            let child = self.child.insert(Running { process, socket: ours });
            if let Err(e) = check_build(&child.socket, self.program.build()) {
                self.end();
                return Err(e);
            }
        }
        Ok(&self.child.as_ref().expect("just started").socket)
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.process.kill();
            let _ = child.process.wait();
        }
    }
}

/// Waits until a new child has named its build. No file was sent yet, so no failure here is the fault of a photo.
fn check_build(socket: &UnixStream, ours: &str) -> io::Result<()> {
    let theirs: String = protocol::read_json(socket).map_err(|e| io::Error::other(format!("it did not start: {e}")))?;
    if theirs == ours {
        return Ok(());
    }
    Err(io::Error::other(format!("it is another build ({theirs}) than the daemon ({ours}); restart the daemon")))
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// What becomes of a photo when the child is this shell script.
    fn outcome(script: &str) -> Problem {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("program");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("ours");
        let mut reader = Reader::new(SameProgram::other(&program, "build-1"), Limits::default());
        loop {
            match reader.identify(&tempfile::tempfile().expect("a file")).expect_err("it is not this program") {
                // Another test started a process while the script was open for writing here.
                Problem::Child(e) if e.kind() == io::ErrorKind::ExecutableFileBusy => {}
                problem => return problem,
            }
        }
    }

    #[test]
    fn another_program_or_build_is_never_the_fault_of_a_photo() {
        let said = |script: &str| match outcome(script) {
            Problem::Child(e) => e.to_string(),
            Problem::Photo(failure) => panic!("{script}: the photo is blamed: {failure}"),
        };
        assert!(said("exit 0").contains("did not start"));
        assert!(said("kill -SEGV $$").contains("did not start"));
        assert!(said("printf 'hello, this is no answer' >&0").contains("did not start"));
        // A frame with the JSON of a text, nine bytes long.
        let other = said(r#"printf '\011\000\000\000"build-2"' >&0"#);
        assert!(other.contains("another build (build-2)") && other.contains("restart"), "{other}");
    }
}
