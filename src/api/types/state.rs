//! What the daemon does and what is wrong, by names that programs may rely on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PathText;

/// What the daemon does now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    Idle,
    /// Folders are scanned.
    Scanning,
    /// Files are read: `coverage` has their number as `pending`.
    Reading,
}

/// Whether a root can be read now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RootState {
    Online,
    Offline,
}

/// Something that is wrong, and stays so until somebody acts or its cause is gone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DaemonProblem {
    pub code: ProblemCode,
    /// What is wrong and what to do, for people. It may change.
    pub message: String,
    /// The file or folder that it is about, if it is about one.
    #[serde(flatten)]
    pub path: Option<PathText>,
}

/// What is wrong. New codes may come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemCode {
    /// Photos cannot be decoded.
    Decode,
    /// Notifications cannot be shown on the desktop.
    Desktop,
    /// Files cannot be handed to the workers.
    Dispatcher,
    /// A head cannot be used or prepared.
    Heads,
    /// The index was damaged, and is made again.
    Index,
    /// Rows of `library.db` cannot be read.
    Library,
    /// Another file is in the place of `library.db`.
    LibraryFile,
    /// Answers may lack the last changes.
    Marker,
    /// Many known files of a folder are gone at once.
    Missing,
    /// Pictures cannot be kept.
    Pictures,
    /// Nothing can be stored.
    Store,
    /// A tuning cannot go on.
    Tuning,
    /// A version model cannot be used.
    Versions,
    /// File events cannot be received.
    Watch,
    /// A code of a newer daemon.
    #[serde(other)]
    Other,
}
