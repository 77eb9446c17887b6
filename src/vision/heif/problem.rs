//! Why a file is not read.

use crate::photo::{Failure, Format, Stage};

/// Why a file is not read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// It is of a kind that is not read. The text goes on after the name of the format.
    Unsupported(String),
    /// It is damaged.
    Damaged(String),
}

impl Problem {
    /// Returns what is recorded of a file of this format.
    pub fn failure(self, format: Format) -> Failure {
        match self {
            Problem::Unsupported(why) => Failure::unsupported_kind(format, why),
            Problem::Damaged(reason) => Failure::new(Stage::Decode, reason),
        }
    }
}
