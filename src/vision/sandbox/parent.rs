//! The daemon's side: one child, started when needed and ended when it hangs.

use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::COMMAND;
use super::protocol::{self, DecodedHeader, DecodedWhole, Detailed, Identified, MissingLayers, NeedsConversion, Noted};
use crate::photo::{Claimed, ContentHash, Details, Failure, Identity, Metadata, Picture, PictureData, Stage};
use crate::sys::SameProgram;
use crate::vision::Limits;
use crate::vision::decode::Decoded;

/// How much of a file is read at once to hash it.
const READ_BYTES: usize = 1 << 18;

/// Why a file was not read.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The file cannot be read. The failure is recorded.
    #[error("{0}")]
    Photo(Failure),
    /// The machine failed, for example to start a process. The file stays pending.
    #[error("the decoding process cannot be used: {0}")]
    Child(#[from] io::Error),
}

/// Reads files through a child process. Each worker has its own.
pub struct Decoder {
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

impl Decoder {
    /// `program` is this program. It is run with [`COMMAND`].
    pub fn new(program: SameProgram, limits: Limits) -> Decoder {
        Decoder { program, limits, child: None, file: (0, 0), ended_with: None }
    }

    /// Identifies an open file, and reads its metadata. The child says both; the bytes are hashed here.
    ///
    /// # Errors
    /// [`DecodeError::Photo`] when the file cannot be a photo, crashes the child or takes too long.
    pub fn identify(&mut self, file: &File) -> Result<(Identity, Metadata), DecodeError> {
        let claimed = self.claimed(file)?;
        let content = content_hash(file).map_err(|e| DecodeError::Photo(Failure::new(Stage::Read, e)))?;
        Ok((claimed.picture.with_content(content), claimed.metadata))
    }

    /// Identifies a file again, with a new child. An earlier file may have taken over the last one.
    ///
    /// # Errors
    /// See [`identify`](Decoder::identify). Also when the children do not agree.
    pub fn confirm(&mut self, file: &File, identity: &Identity, metadata: &Metadata) -> Result<(), DecodeError> {
        self.end();
        let claimed = self.claimed(file)?;
        if claimed.picture.with_content(identity.content) == *identity && claimed.metadata == *metadata {
            return Ok(());
        }
        self.end();
        Err(DecodeError::Photo(Failure::new(Stage::Read, "two decoding processes do not agree about it; simctl scan reads it again")))
    }

    /// Returns what a new child says that a file has besides metadata.
    ///
    /// # Errors
    /// See [`identify`](Decoder::identify).
    pub fn picture_anew(&mut self, file: &File) -> Result<PictureData, DecodeError> {
        self.end();
        let claimed = self.claimed(file)?;
        Ok(PictureData { picture: claimed.picture.picture, payload: claimed.payload })
    }

    /// Reads what an open sidecar says.
    ///
    /// # Errors
    /// See [`identify`](Decoder::identify).
    pub fn sidecar(&mut self, file: &File) -> Result<Metadata, DecodeError> {
        self.asked::<Noted>(protocol::SIDECAR, file)?.map_err(DecodeError::Photo)
    }

    /// Reads of an open file what is not stored of what it says.
    ///
    /// # Errors
    /// See [`identify`](Decoder::identify).
    pub fn details(&mut self, file: &File) -> Result<Details, DecodeError> {
        self.asked::<Detailed>(protocol::DETAILS, file)?.map_err(DecodeError::Photo)
    }

    /// Returns whether the colours of a file would be converted. Only the beginning of the file is read, of most formats.
    ///
    /// # Errors
    /// See [`identify`](Decoder::identify).
    pub fn needs_conversion(&mut self, file: &File) -> Result<bool, DecodeError> {
        self.asked::<NeedsConversion>(protocol::COLOURS, file)?.map_err(DecodeError::Photo)
    }

    fn claimed(&mut self, file: &File) -> Result<Claimed, DecodeError> {
        self.asked::<Identified>(protocol::FILE, file)?.map_err(DecodeError::Photo)
    }

    fn asked<T: DeserializeOwned>(&mut self, order: u8, file: &File) -> Result<T, DecodeError> {
        self.file = file.metadata().map(|m| (m.dev(), m.ino()))?;
        // An earlier child shares the position, and has read the file.
        (&mut &*file).rewind()?;
        let socket = self.socket()?;
        if protocol::send_file(socket, order, file).is_err() {
            // The child ended between two files. This file did not cause it.
            self.end();
            protocol::send_file(self.socket()?, order, file)?;
        }
        self.answer::<T>(Stage::Read)
    }

    /// Decodes the file that was last identified.
    ///
    /// # Errors
    /// See [`identify`](Decoder::identify).
    pub fn decode(&mut self) -> Result<Decoded, DecodeError> {
        let sent = self.child.as_ref().map(|c| io::Write::write_all(&mut &c.socket, &[protocol::DECODE]));
        if !matches!(sent, Some(Ok(()))) {
            return Err(self.lost(Stage::Decode, io::ErrorKind::BrokenPipe.into()));
        }
        let header = self.answer::<DecodedHeader>(Stage::Decode)?.map_err(DecodeError::Photo)?;
        let rgb = self.receive(Stage::Decode, protocol::read_pixels)?;
        // A compromised child may send anything.
        if header.dimensions.pixels().checked_mul(3) != Some(rgb.len() as u64) || rgb.is_empty() {
            return Err(self.lost(Stage::Decode, io::ErrorKind::InvalidData.into()));
        }
        let picture = Picture::new(header.dimensions.width, header.dimensions.height, rgb);
        Ok(Decoded { picture, pixels: header.pixels, detail: header.detail, capture: header.capture, is_converted: header.is_converted })
    }

    /// Decodes every pixel of an open file, to find out whether it is whole.
    ///
    /// # Errors
    /// See [`identify`](Decoder::identify).
    pub fn decode_whole(&mut self, file: &File) -> Result<(), DecodeError> {
        self.claimed(file)?;
        let sent = self.child.as_ref().map(|c| io::Write::write_all(&mut &c.socket, &[protocol::DECODE_WHOLE]));
        if !matches!(sent, Some(Ok(()))) {
            return Err(self.lost(Stage::Decode, io::ErrorKind::BrokenPipe.into()));
        }
        self.answer::<DecodedWhole>(Stage::Decode)?.map_err(DecodeError::Photo)
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

    fn answer<T: DeserializeOwned>(&mut self, stage: Stage) -> Result<T, DecodeError> {
        self.receive(stage, protocol::read_json)
    }

    fn receive<T>(&mut self, stage: Stage, read: impl FnOnce(&UnixStream) -> io::Result<T>) -> Result<T, DecodeError> {
        let Some(child) = &self.child else { return Err(self.lost(stage, io::ErrorKind::BrokenPipe.into())) };
        read(&child.socket).map_err(|e| self.lost(stage, e))
    }

    /// The child stopped answering while it had a file. The file is the cause, unless something else ended the child.
    fn lost(&mut self, stage: Stage, error: io::Error) -> DecodeError {
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
                return DecodeError::Child(io::Error::other("the decoding process was ended from outside"));
            }
            Some(Signal::SYS) => "the decoder did something that it must not, and was ended",
            _ if timed_out => {
                // A slow read is a problem of the disk and may succeed later.
                return DecodeError::Photo(Failure::new(stage, format_args!("reading it took more than {} seconds", self.limits.seconds)));
            }
            _ => "the decoder crashed on it",
        };
        DecodeError::Photo(Failure::new(Stage::Decode, reason))
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

/// Hashes the bytes of a file. The child shares the file's position, so that is not used.
fn content_hash(file: &File) -> io::Result<ContentHash> {
    let (mut hasher, mut buffer, mut at) = (blake3::Hasher::new(), vec![0; READ_BYTES], 0);
    loop {
        match file.read_at(&mut buffer, at)? {
            0 => return Ok(ContentHash(hasher.finalize().into())),
            read => {
                hasher.update(&buffer[..read]);
                at += read as u64;
            }
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

impl Drop for Decoder {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::photo::{Format, PictureHash, PictureIdentity};

    /// What becomes of a photo when the child is this shell script.
    fn outcome(script: &str) -> DecodeError {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("program");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("ours");
        let mut decoder = Decoder::new(SameProgram::other(&program, "build-1"), Limits::default());
        loop {
            match decoder.identify(&tempfile::tempfile().expect("a file")).expect_err("it is not this program") {
                // Another test started a process while the script was open for writing here.
                DecodeError::Child(e) if e.kind() == io::ErrorKind::ExecutableFileBusy => {}
                problem => return problem,
            }
        }
    }

    #[test]
    fn a_child_that_was_taken_over_does_not_convince_the_next_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let frame = |json: &str| {
            let length: String = (json.len() as u32).to_le_bytes().iter().map(|byte| format!("\\{byte:03o}")).collect();
            format!("printf '{length}%s' '{json}' >&0\n")
        };
        let says = |picture: u8| {
            let dimensions = crate::photo::Dimensions { width: 3, height: 2 };
            let picture = PictureIdentity { picture: PictureHash([picture; 32]), format: Format::Jpeg, dimensions, quantisation: None };
            let claim = Claimed { picture, metadata: Metadata::default(), payload: None };
            frame(&serde_json::to_string(&Identified::Ok(claim)).expect("JSON"))
        };
        // The first child says the picture is 1. The next ones say it is 2.
        let (program, first) = (folder.path().join("program"), folder.path().join("first"));
        let hello = frame("\"build-1\"");
        let answers = format!("if mkdir '{}' 2>/dev/null; then\n{}else\n{}fi", first.display(), says(1), says(2));
        fs::write(&program, format!("#!/bin/sh\n{hello}head -c 1 >/dev/null\n{answers}\nsleep 60\n")).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("ours");
        let mut decoder = Decoder::new(SameProgram::other(&program, "build-1"), Limits::default());
        let file = tempfile::tempfile().expect("a file");
        (&file).write_all(b"bytes").expect("written");
        let (claimed, metadata) = loop {
            match decoder.identify(&file) {
                Err(DecodeError::Child(e)) if e.kind() == io::ErrorKind::ExecutableFileBusy => {}
                claimed => break claimed.expect("an identity"),
            }
        };
        assert_eq!((claimed.picture, claimed.content), (PictureHash([1; 32]), ContentHash(blake3::hash(b"bytes").into())));
        let refused = decoder.confirm(&file, &claimed, &metadata).expect_err("another picture").to_string();
        assert!(refused.contains("do not agree"), "{refused}");
        let (again, metadata) = decoder.identify(&file).expect("an identity");
        assert!(again.picture == PictureHash([2; 32]) && decoder.confirm(&file, &again, &metadata).is_ok());
    }

    #[test]
    fn another_program_or_build_is_never_the_fault_of_a_photo() {
        let said = |script: &str| match outcome(script) {
            DecodeError::Child(e) => e.to_string(),
            DecodeError::Photo(failure) => panic!("{script}: the photo is blamed: {failure}"),
        };
        assert!(said("exit 0").contains("did not start"));
        assert!(said("kill -SEGV $$").contains("did not start"));
        assert!(said("printf 'hello, this is no answer' >&0").contains("did not start"));
        // A frame with the JSON of a text, nine bytes long.
        let other = said(r#"printf '\011\000\000\000"build-2"' >&0"#);
        assert!(other.contains("another build (build-2)") && other.contains("restart"), "{other}");
    }
}
