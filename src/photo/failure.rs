//! Why a file is not in the index.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Format;
use super::names::names;

/// The step that failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Finding or opening it.
    Open,
    /// Getting its bytes.
    Read,
    /// A photo format that this build does not read.
    Unsupported,
    /// Making a picture of its bytes.
    Decode,
    /// Running the encoder.
    Embed,
}

names!(Stage, "stage" { Open: "open", Read: "read", Unsupported: "unsupported", Decode: "decode", Embed: "embed" });

/// One photo's failure: recorded, shown by `simctl failures`, not tried again until its stamp changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    pub stage: Stage,
    /// For people: what is wrong with the file.
    pub reason: String,
}

impl Failure {
    pub fn unsupported(format: Format) -> Failure {
        Failure::new(Stage::Unsupported, format_args!("{format} is not read by this version"))
    }

    pub fn new(stage: Stage, reason: impl fmt::Display) -> Failure {
        Failure { stage, reason: reason.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stage, self.reason)
    }
}
