//! Failures: why a file is not in the index.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Format;
use super::names::names;

/// The step that failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Finding or opening the file.
    Open,
    /// Reading its bytes.
    Read,
    /// The format is known but not read by this build.
    Unsupported,
    /// Decoding the picture.
    Decode,
    /// Running the encoder.
    Embed,
}

names!(Stage, "stage" { Open: "open", Read: "read", Unsupported: "unsupported", Decode: "decode", Embed: "embed" });

/// The most characters of a reason. Some decoders print all that they found in a file.
const MAX_CHARACTERS: usize = 300;

/// The failure of a file. It is recorded, shown by `simctl failures`, and not tried again until the stamp of the file
/// changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    pub stage: Stage,
    /// The reason, as text for people.
    pub reason: String,
}

impl Failure {
    pub fn unsupported(format: Format) -> Failure {
        Failure::new(Stage::Unsupported, format_args!("{format} is not read by this version"))
    }

    /// A kind of files of a format that is read. The reason begins with the format, by which these files are counted.
    pub fn unsupported_kind(format: Format, why: impl fmt::Display) -> Failure {
        Failure::new(Stage::Unsupported, format_args!("{format} {why}"))
    }

    pub fn new(stage: Stage, reason: impl fmt::Display) -> Failure {
        Failure { stage, reason: reason.to_string() }
    }

    /// Cuts a reason that nobody would read.
    pub fn shortened(mut self) -> Failure {
        if let Some((end, _)) = self.reason.char_indices().nth(MAX_CHARACTERS) {
            self.reason.truncate(end);
            self.reason.push('…');
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stage, self.reason)
    }
}
