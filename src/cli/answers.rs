//! The answers of commands that do more than ask the daemon.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::api::types::{PathText, PlaceStatus};

/// The answer of `simctl stop`.
#[derive(Default, Serialize, JsonSchema)]
pub struct Stopped {
    /// The process that has ended. Null if no daemon ran.
    pub process: Option<u32>,
    /// The unit by which systemd ran it.
    pub unit: Option<String>,
}

/// The answer of `simctl restart`.
#[derive(Serialize, JsonSchema)]
pub struct Restarted {
    /// The process that runs now.
    pub pid: u32,
}

/// The answer of `simctl service status`.
#[derive(Default, Serialize, JsonSchema)]
pub struct ServiceStatus {
    /// Whether systemd knows the units.
    pub installed: bool,
    /// Whether the socket is enabled or active. Otherwise the rest is not known.
    pub enabled: bool,
    /// The states of the two units in systemd's words.
    pub socket: Option<String>,
    pub service: Option<String>,
    /// The process of the daemon, if it runs.
    pub process: Option<u32>,
    /// What the daemon says that it is doing.
    pub says: Option<String>,
    /// How often systemd restarted it after failures.
    pub restarts: u32,
}

/// The answer of `simctl backup`.
#[derive(Serialize, JsonSchema)]
pub struct BackedUp {
    pub file: PathText,
    pub bytes: u64,
    /// The number of folders, decisions and heads in it.
    pub roots: u64,
    pub decisions: u64,
    pub heads: u64,
}

/// The answer of `simctl roots add`.
#[derive(Serialize, JsonSchema)]
pub struct AddedRoots {
    pub added: Vec<AddedRoot>,
}

/// A folder that is watched now.
#[derive(Serialize, JsonSchema)]
pub struct AddedRoot {
    #[serde(flatten)]
    pub path: PathText,
    /// The path to ask about: another one if a watched folder shows the same files.
    pub watched: PathText,
    /// What changed, for people.
    pub message: String,
}

/// The answer of `simctl roots remove`.
#[derive(Serialize, JsonSchema)]
pub struct RemovedRoots {
    pub removed: Vec<PathText>,
}

/// The answer of `simctl config`.
#[derive(Serialize, JsonSchema)]
pub struct SettingsInForce {
    /// The settings file, which need not exist.
    pub config: PathText,
    pub data_dir: PathText,
    pub socket: PathText,
    pub settings: Vec<SettingInForce>,
}

/// A setting.
#[derive(Serialize, JsonSchema)]
pub struct SettingInForce {
    pub name: String,
    /// Null if it is not set and has no default.
    pub value: Value,
    pub meaning: String,
    /// Whether the file has it. Otherwise the value is the default.
    pub from_file: bool,
}

/// What `simctl missing` says of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckedState {
    /// The library has the same bytes, or the same picture data, on enough drives that are here.
    Safe,
    /// Only on disks that are away. It counts as missing.
    SafeElsewhere,
    /// Only another version is there. It counts as missing.
    Version,
    Missing,
    /// It could not be judged.
    Unread,
    /// With --quick: something has its size, name and time. Its bytes were not compared.
    Alike,
}

impl CheckedState {
    pub fn name(self) -> &'static str {
        match self {
            CheckedState::Safe => "safe",
            CheckedState::SafeElsewhere => "safe-elsewhere",
            CheckedState::Version => "version",
            CheckedState::Missing => "missing",
            CheckedState::Unread => "unread",
            CheckedState::Alike => "alike",
        }
    }
}

/// What a file is by its name. If that does not tell, by its first bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckedKind {
    Photo,
    Film,
    Sound,
    /// A picture in a format that is not read.
    Picture,
    Sidecar,
}

/// A file of which it was asked whether it is safe.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CheckedFile {
    #[serde(flatten)]
    pub path: PathText,
    /// Null for a folder that cannot be listed, and for a file of which not even that can be read.
    pub kind: Option<CheckedKind>,
    pub size: u64,
    pub state: CheckedState,
    /// Why it is not safe, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The number of physical drives that hold it.
    pub disks: u64,
    /// The files of the library that make it safe. Of a file that is away: where it was.
    pub copies: Vec<PathText>,
    /// Whether it is safe only since the library has its picture data on enough drives: its metadata are not there, or on fewer.
    pub other_metadata: bool,
    /// The file beside it that a sidecar belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<PathText>,
    /// The nearest version in the library, with --versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<NearestVersion>,
    /// Where --copy-to wrote it and read it back, or found it and compared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied: Option<PathText>,
    /// Whether that copy was there before this command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copied_before: bool,
}

/// A version in the library.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NearestVersion {
    #[serde(flatten)]
    pub path: PathText,
    pub distance: f32,
}

/// How many files of a kind, or of a folder, are safe.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SafeCount<T> {
    pub of: T,
    pub safe: u64,
    pub all: u64,
}

/// The end of the answer of `simctl missing`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MissingEnd {
    /// What one can act on, for people.
    pub sentence: String,
    /// The exit code.
    pub exit: u8,
    /// Whether it was ended before all files were judged.
    pub interrupted: bool,
    /// Files that were found and not judged yet.
    pub unjudged: u64,
    pub kinds: Vec<SafeCount<CheckedKind>>,
    pub folders: Vec<SafeCount<PathText>>,
    /// The number of files that are neither photos, films, sound nor sidecars, by name and first bytes. By ending.
    pub neither: BTreeMap<String, u64>,
    /// Symbolic links, which are not followed.
    pub links: u64,
    /// Trash folders and caches that were not looked into.
    pub left_out: Vec<PathText>,
    /// The number of files in these, as far as they can be listed.
    pub left_out_files: u64,
    /// The bytes of files of the library that were read.
    pub library_bytes_read: u64,
    /// The folders of the library that were asked about with --in, and whether they are whole.
    pub places: Vec<PlaceStatus>,
}

/// The answer of `simctl missing`.
#[derive(Serialize, JsonSchema)]
pub struct MissingAnswer {
    pub files: Vec<CheckedFile>,
    pub end: MissingEnd,
}

/// A line of `simctl missing --format ndjson`: a file, or the end.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum MissingLine {
    End { end: Box<MissingEnd> },
    File(Box<CheckedFile>),
}
