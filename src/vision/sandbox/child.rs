//! The child process: receives files, identifies and decodes them.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rustix::fs::fstat;
use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};

#[cfg(target_os = "linux")]
use super::layers;
use super::protocol::{self, DecodedHeader, DecodedWhole, Detailed, Identified, MissingLayers, NeedsConversion, Noted, PictureHeader};
use crate::photo::{Failure, Stage};
use crate::sys::SameProgram;
use crate::vision::{Limits, colour, decode, identify, metadata};

/// Serves the daemon on standard input until the daemon ends.
///
/// # Errors
/// When the socket breaks.
pub fn run(limits: &Limits) -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // The daemon sends no file to another build. This comes first, because another build may do anything else otherwise.
    protocol::write_json(&socket, &SameProgram::of_this_process()?.build())?;
    // Without it the name is that of the link that led to the program.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_name(c"similard-decode");
    // The daemon has priority over the child, and other programs over both.
    let _ = nice(10);
    // A panic is returned as an answer. Its message must not go to the daemon's log.
    std::panic::set_hook(Box::new(|_| {}));
    let missing = enclose(limits);
    let mut bytes = Vec::new();
    let mut busy = Duration::ZERO;
    while let Some((order, file)) = protocol::receive_order(&socket)? {
        // The daemon ends a child that hangs. The CPU limit is for the case that the daemon itself is gone.
        let allowed = busy.as_secs() + limits.seconds + 5;
        let _ = limit(Resource::Cpu, allowed, false);
        let began = Instant::now();
        match (order, file) {
            (protocol::LAYERS, None) => protocol::write_json(&socket, &missing)?,
            (protocol::FILE, Some(file)) => {
                let answer: Identified = guarded(|| {
                    read(&mut File::from(file), limits, &mut bytes)?;
                    identify::identify(&bytes, limits)
                });
                protocol::write_json(&socket, &answer)?;
            }
            (protocol::SIDECAR, Some(file)) => {
                let answer: Noted = guarded(|| {
                    read(&mut File::from(file), limits, &mut bytes)?;
                    Ok(metadata::sidecar(&bytes))
                });
                protocol::write_json(&socket, &answer)?;
            }
            (protocol::DETAILS, Some(file)) => {
                let answer: Detailed = guarded(|| {
                    read(&mut File::from(file), limits, &mut bytes)?;
                    Ok(metadata::details(&bytes))
                });
                protocol::write_json(&socket, &answer)?;
            }
            (protocol::COLOURS, Some(file)) => {
                let answer: NeedsConversion = guarded(|| {
                    let looked = colour::needs_conversion(&mut File::from(file), limits.bytes, &mut bytes);
                    looked.map_err(|e| Failure::new(Stage::Read, e))
                });
                bytes.clear();
                protocol::write_json(&socket, &answer)?;
            }
            (protocol::DECODE, None) => match guarded(|| decode::decode(&bytes, limits)) {
                Ok(decoded) => {
                    let dimensions = decoded.picture.dimensions;
                    let header = PictureHeader {
                        dimensions,
                        pixels: decoded.pixels,
                        detail: decoded.detail,
                        capture: decoded.capture,
                        is_converted: decoded.is_converted,
                    };
                    protocol::write_json(&socket, &DecodedHeader::Ok(header))?;
                    protocol::write_frame(&socket, &decoded.picture.rgb)?;
                }
                Err(failure) => protocol::write_json(&socket, &DecodedHeader::Err(failure))?,
            },
            (protocol::DECODE_WHOLE, None) => {
                let answer: DecodedWhole = guarded(|| decode::decode_whole(&bytes, limits));
                protocol::write_json(&socket, &answer)?;
            }
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "an order that this child does not know")),
        }
        busy += began.elapsed();
    }
    Ok(())
}

/// Enters the sandbox, irrevocably. Returns the layers that are missing, each with the reason.
fn enclose(limits: &Limits) -> MissingLayers {
    let mut missing = MissingLayers::new();
    let mut note = |layer: &str, held: io::Result<()>| {
        if let Err(e) = held {
            missing.push(format!("{layer} ({e})"));
        }
    };
    note("a limit on memory", limit(Resource::As, limits.memory, true));
    note("a limit on processor time", limit(Resource::Cpu, limits.seconds + 5, false));
    let _ = limit(Resource::Core, 0, true);
    #[cfg(target_os = "linux")]
    {
        layers::give_way();
        note("landlock", layers::landlock());
        note("seccomp", layers::seccomp());
    }
    #[cfg(not(target_os = "linux"))]
    missing.push("landlock and seccomp (this system has neither)".into());
    missing
}

/// Sets a resource limit, unless a lower one is in force.
fn limit(resource: Resource, to: u64, for_good: bool) -> io::Result<()> {
    let highest = getrlimit(resource).maximum;
    let current = highest.map_or(to, |highest| highest.min(to));
    Ok(setrlimit(resource, Rlimit { current: Some(current), maximum: if for_good { Some(current) } else { highest } })?)
}

/// Reads a file into a buffer that is reused, unless a file was very large.
fn read(file: &mut File, limits: &Limits, bytes: &mut Vec<u8>) -> Result<(), Failure> {
    let unreadable = |e: io::Error| Failure::new(Stage::Read, e);
    bytes.clear();
    bytes.shrink_to(64 << 20);
    // Not `File::metadata`: its system call also takes paths, so the sandbox refuses it.
    let length = fstat(&*file).map_err(|e| unreadable(e.into()))?.st_size as u64;
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

/// Returns what comes of work on a file. A failure is short enough for an answer, and for people.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(Failure::new(Stage::Decode, "the decoder gave up on damaged data"))).map_err(Failure::shortened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_short_and_a_panic_is_one() {
        let reason = |work: fn() -> Result<(), Failure>| guarded(work).expect_err("it fails").reason;
        assert_eq!(reason(|| Err(Failure::new(Stage::Decode, "cut off"))), "cut off");
        let long = reason(|| Err(Failure::new(Stage::Decode, "×1, ".repeat(30_000))));
        assert!(long.starts_with("×1, ×1") && long.ends_with('…') && long.chars().count() == 301, "{}", long.len());
        assert_eq!(reason(|| panic!("a decoder panics")), "the decoder gave up on damaged data");
        assert_eq!(guarded(|| Ok(3)), Ok(3));
    }
}
