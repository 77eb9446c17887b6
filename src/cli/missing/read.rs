//! Reads the files that were asked about: what they hold, by fenced children, and the hash of their bytes.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Advice, fadvise};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::judge::At;
use crate::cli::failure::Failure;
use crate::photo::{ContentHash, Format, PictureData, PictureHash, Stage};
use crate::sys::SameProgram;
use crate::sys::background::{Nice, background};
use crate::sys::probe::DISK_STEP_TIMEOUT;
use crate::sys::regular_file::open;
use crate::vision::Limits;
use crate::vision::sandbox::{DecodeError, Decoder};

/// A card is read by few at a time, and so is a hard disk.
const READERS: usize = 2;

/// How much of a file is hashed in one step.
const STEP_BYTES: usize = 1 << 20;

/// What a reader is to do with a file.
pub enum Job {
    /// Hash it, and tell its picture from its metadata.
    Photo(usize, PathBuf, At),
    /// Hash it.
    Bytes(usize, PathBuf, At),
    /// See whether another child says that it has this picture: the first one may have been taken over by a file.
    Confirm(usize, PathBuf, PictureHash),
}

/// What a file holds.
#[derive(Clone, Debug)]
pub struct Held {
    pub content: ContentHash,
    /// `None` if only all of its bytes tell what it is.
    pub picture: Option<PictureHash>,
    /// Why its picture could not be told from its metadata. Its bytes were read.
    pub problem: Option<String>,
}

/// What a reader says.
pub enum Report {
    /// So many bytes more were read. The disk answers.
    Step(u64),
    /// What a file holds, or why it cannot be read.
    Read(usize, Result<Held, String>),
    /// What another child says that a file has besides metadata, if it has the picture.
    Confirmed(usize, Option<PictureData>),
}

/// The readers. They end with their last job.
pub struct Readers {
    jobs: Sender<Job>,
    reports: UnboundedReceiver<Report>,
    /// How long a disk may take for one step.
    patience: Duration,
}

impl Readers {
    pub fn start(limits: Limits) -> Result<Readers, Failure> {
        let unusable = |e: io::Error| Failure::usage(format!("this program cannot be run to read photos: {e}"));
        let program = SameProgram::of_this_process().map_err(unusable)?;
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let (out, reports) = unbounded_channel();
        for _ in 0..READERS {
            let (queue, out) = (queue.clone(), out.clone());
            let decoder = Decoder::new(program.clone(), limits);
            background("reader", Nice::No, move || Reader { decoder, out }.run(&queue))?;
        }
        let patience = DISK_STEP_TIMEOUT.max(Duration::from_secs(limits.seconds)) + Duration::from_secs(10);
        Ok(Readers { jobs, reports, patience })
    }

    pub fn send(&self, job: Job) {
        // They are gone only when all of them have panicked. Then nothing is reported, and the patience ends.
        let _ = self.jobs.send(job);
    }

    /// Returns the next report. `None` if the disk does not answer.
    pub async fn next(&mut self) -> Option<Report> {
        tokio::time::timeout(self.patience, self.reports.recv()).await.ok().flatten()
    }
}

struct Reader {
    decoder: Decoder,
    out: UnboundedSender<Report>,
}

impl Reader {
    fn run(mut self, queue: &Mutex<Receiver<Job>>) {
        loop {
            let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = job else { return };
            let report = match job {
                Job::Photo(number, path, at) => Report::Read(number, self.photo(&path, &at)),
                Job::Bytes(number, path, at) => Report::Read(number, self.bytes(&path, &at)),
                Job::Confirm(number, path, picture) => {
                    let held = open(&path).ok().and_then(|file| self.decoder.picture_anew(&file).ok());
                    Report::Confirmed(number, held.filter(|held| held.picture == picture))
                }
            };
            if self.out.send(report).is_err() {
                return;
            }
        }
    }

    fn photo(&mut self, path: &Path, at: &At) -> Result<Held, String> {
        let file = opened(path, at)?;
        let identified = self.decoder.identify(&file);
        let held = match identified {
            Ok((identity, metadata)) => {
                // What follows the picture of a JPEG is a part of its picture data, but not that of others: a film, perhaps.
                let is_told = identity.format == Format::Jpeg || metadata.trailer_bytes == 0;
                Held { content: identity.content, picture: is_told.then_some(identity.picture), problem: None }
            }
            Err(DecodeError::Photo(failure)) => {
                // Of a format that is not read all bytes count, as of a film.
                let problem = (failure.stage != Stage::Unsupported).then_some(failure.reason);
                Held { problem, ..self.held(&file)? }
            }
            Err(DecodeError::Child(e)) => return Err(format!("it could not be looked at: {e}")),
        };
        unchanged(&file, at)?;
        let _ = self.out.send(Report::Step(at.size));
        Ok(held)
    }

    fn bytes(&mut self, path: &Path, at: &At) -> Result<Held, String> {
        let file = opened(path, at)?;
        let out = &self.out;
        let content = hash(&file, |bytes| drop(out.send(Report::Step(bytes)))).map_err(|e| e.to_string())?;
        unchanged(&file, at)?;
        Ok(Held { content, picture: None, problem: None })
    }

    /// The bytes of a file that is not told from its metadata. Its progress was reported as a whole.
    fn held(&self, file: &File) -> Result<Held, String> {
        let content = hash(file, |_| drop(self.out.send(Report::Step(0)))).map_err(|e| e.to_string())?;
        Ok(Held { content, picture: None, problem: None })
    }
}

fn opened(path: &Path, at: &At) -> Result<File, String> {
    let file = open(path).map_err(|e| e.to_string())?;
    unchanged(&file, at)?;
    Ok(file)
}

fn unchanged(file: &File, at: &At) -> Result<(), String> {
    let now = file.metadata().map_err(|e| e.to_string())?;
    if At::of(&now) == *at { Ok(()) } else { Err("it changed while it was read".into()) }
}

/// Hashes all bytes of a file, from its beginning.
pub fn hash(file: &File, mut step: impl FnMut(u64)) -> io::Result<ContentHash> {
    io::Seek::rewind(&mut &*file)?;
    let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; STEP_BYTES]);
    loop {
        match (&mut &*file).read(&mut buffer) {
            Ok(0) => return Ok(ContentHash(hasher.finalize().into())),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                step(read as u64);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Has the system forget what it keeps of a file in memory, so that the next read is one of the disk.
pub fn forget_cached(file: &File) {
    // Where the system cannot, the bytes are compared all the same.
    let _ = fadvise(file, 0, None, Advice::DontNeed);
}
