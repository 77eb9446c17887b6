//! The decoder sandbox: decoding in another process. A child of this program reads one open file at a time, and a file
//! that crashes or hangs it costs that file alone.
//!
//! The child gets the file's descriptor, not its path, over the socket that is its standard input,
//! and answers in two steps: first what the file is ([`Reader::identify`]), then, only if the
//! daemon does not know that photo yet, its small picture ([`Reader::decode`]).
//!
//! Before its first file the child encloses itself, as far as the system can: limits on memory and
//! time, and on Linux no way to files, network and other processes. [`Reader::missing_layers`] says what is
//! missing.

mod child;
#[cfg(target_os = "linux")]
mod fence;
mod parent;
mod protocol;

pub use child::run as run_child;
pub use parent::{Problem, Reader};

/// The hidden command of this program that turns it into such a child.
pub const COMMAND: &str = "decode-in-sandbox";
