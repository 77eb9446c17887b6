//! The decoder sandbox: decoding in another process. A child of this program reads one open file at a time. A file
//! that crashes or hangs it costs only that file.
//!
//! The child is the very program that the daemon runs, whatever is at its path by then. It names its build first.
//!
//! The child receives the file's descriptor, not its path, over the socket on its standard input. It answers in two
//! steps: first the identity of the file ([`Decoder::identify`]), then its small picture ([`Decoder::decode`]) if the
//! daemon does not know the photo yet.
//!
//! Before the first file the child enters the sandbox, as far as the system supports it: limits on memory and CPU
//! time, and on Linux no access to files, network and other processes. [`Decoder::missing_layers`] lists the missing
//! layers.

mod child;
#[cfg(target_os = "linux")]
mod layers;
mod parent;
mod protocol;

pub use child::run as run_child;
pub use parent::{DecodeError, Decoder};

/// The hidden command that runs this program as such a child.
pub const COMMAND: &str = "decode-in-sandbox";
