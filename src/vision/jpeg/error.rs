//! Why a JPEG is not read at an eighth of its size.

use thiserror::Error;

/// Why a file was not decoded.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// A kind of JPEG that this reader does not support. A general decoder reads it.
    #[error("{0} is not read at reduced size")]
    Unsuited(&'static str),
    /// A kind of JPEG that no decoder here reads rightly.
    #[error("{0} is not read by this version")]
    Refused(&'static str),
    #[error("{0}")]
    Broken(&'static str),
}
