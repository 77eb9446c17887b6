//! The answers of commands that do more than ask the daemon.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::api::types::PathText;

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
