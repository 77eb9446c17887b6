//! The child: waits for files, says what they are, decodes them.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use super::protocol::{self, DecodedHeader, Identified, PictureHeader};
use crate::photo::{Failure, Stage};
use crate::vision::{Limits, decode, identify};

/// Serves the daemon on standard input until it goes away.
///
/// # Errors
/// When the socket breaks.
pub fn run(limits: &Limits) -> io::Result<()> {
    // The daemon's own work comes first, a person's before both.
    let _ = nice(10);
    let memory = Some(limits.memory);
    let _ = setrlimit(Resource::As, Rlimit { current: memory, maximum: memory });
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A panic is an answer like any other; its message is not for the log of the daemon.
    std::panic::set_hook(Box::new(|_| {}));
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut bytes = Vec::new();
    let mut busy = Duration::ZERO;
    while let Some((order, file)) = protocol::receive_order(&socket)? {
        // The daemon ends a child that hangs; should it be gone itself, the kernel does.
        let allowed = busy.as_secs() + limits.seconds + 5;
        let _ = setrlimit(Resource::Cpu, Rlimit { current: Some(allowed), maximum: None });
        let began = Instant::now();
        match (order, file) {
            (protocol::FILE, Some(file)) => {
                let answer: Identified = guarded(|| {
                    read(&mut File::from(file), limits, &mut bytes)?;
                    identify::identify(&bytes, limits)
                });
                protocol::write_json(&socket, &answer)?;
            }
            (protocol::DECODE, None) => match guarded(|| decode::decode(&bytes, limits)) {
                Ok(decoded) => {
                    let header = PictureHeader { dimensions: decoded.picture.dimensions, capture: decoded.capture };
                    protocol::write_json(&socket, &DecodedHeader::Ok(header))?;
                    protocol::write_frame(&socket, &decoded.picture.rgb)?;
                }
                Err(failure) => protocol::write_json(&socket, &DecodedHeader::Err(failure))?,
            },
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "an order that this child does not know")),
        }
        busy += began.elapsed();
    }
    Ok(())
}

/// The file's bytes, in a buffer that is kept from file to file unless one was very large.
fn read(file: &mut File, limits: &Limits, bytes: &mut Vec<u8>) -> Result<(), Failure> {
    let unreadable = |e: io::Error| Failure::new(Stage::Read, e);
    bytes.clear();
    bytes.shrink_to(64 << 20);
    let length = file.metadata().map_err(unreadable)?.len();
    if length > limits.bytes {
        return Err(Failure::new(
            Stage::Read,
            format!("{} MB, more than the limit of {} MB", length / 1_000_000, limits.bytes / 1_000_000),
        ));
    }
    bytes.try_reserve_exact(length as usize + 1).map_err(|e| Failure::new(Stage::Read, e))?;
    file.take(limits.bytes).read_to_end(bytes).map_err(unreadable)?;
    Ok(())
}

fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Failure::new(Stage::Decode, "the decoder gave up on damaged data")))
}
