//! What goes over the socket. Distances are 1 − cosine, sizes bytes, paths absolute.

use serde::{Deserialize, Serialize};

use crate::photo::{Counters, Coverage, Format, Relation, Stage};

/// A path for people and, when it is not UTF-8, its bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PathText {
    pub path: String,
    /// Base64, only when `path` is lossy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
}

/// Which daemon answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub version: String,
    pub protocol: u32,
    /// The program file that runs, and its time and size: tells a rebuilt one from this.
    pub program: String,
    pub build: String,
    pub pid: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    #[serde(flatten)]
    pub version: Version,
    pub data_dir: String,
    /// `idle`, or what it is doing.
    pub activity: String,
    /// What keeps it from its work, with the remedy; empty when all is well.
    pub problems: Vec<String>,
    pub head: String,
    pub threshold: f32,
    pub reach: f32,
    pub roots: Vec<RootStatus>,
    /// Distinct photos in the index.
    pub photos: u64,
    pub coverage: Coverage,
    pub counters: Counters,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RootStatus {
    #[serde(flatten)]
    pub path: PathText,
    /// `online`, or `offline` while the folder is not there.
    pub state: String,
    /// Why it is offline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<String>,
    /// The filesystem by which it is known at another mount point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// Whether a scan or a read is under way.
    pub busy: bool,
    /// Why new files are not all noticed by themselves, when they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched: Option<String>,
    /// Seconds between scans without a reason.
    pub scanned_every: u64,
    /// When the last scan of all of it ended, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_scan: Option<u64>,
    /// Events heard of it since the daemon started.
    pub events: u64,
    /// Files that are gone, but so many at once that `scan --forget` must say so.
    pub missing: u64,
    pub coverage: Coverage,
}

/// Whether everything under the paths is read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Progress {
    pub settled: bool,
    pub coverage: Coverage,
    pub problems: Vec<String>,
}

/// Narrows `clusters` and `pairs`.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub paths: Vec<std::path::PathBuf>,
    pub threshold: Option<f32>,
    /// Empty: identical, copy and unknown.
    pub relations: Vec<Relation>,
    pub everywhere: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Clusters {
    pub version: u32,
    pub threshold: f32,
    pub head: String,
    pub clusters: Vec<Cluster>,
    pub coverage: Coverage,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cluster {
    /// Stable while the members are.
    pub id: String,
    pub diameter: f32,
    pub loose: bool,
    /// The representative first.
    pub photos: Vec<Photo>,
    pub pairs: Vec<ClusterPair>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Photo {
    #[serde(flatten)]
    pub path: PathText,
    /// All files of this photo, sorted; the first is `path`.
    pub paths: Vec<String>,
    /// Base64 of each of `paths`, only when one of them is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths_bytes: Option<Vec<String>>,
    /// Of one file.
    pub bytes: u64,
    pub width: u32,
    pub height: u32,
    pub format: Format,
    pub taken: Option<String>,
    pub representative: bool,
}

/// A pair by position in `photos`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClusterPair {
    pub a: usize,
    pub b: usize,
    pub distance: f32,
    pub relation: Relation,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pairs {
    pub head: String,
    /// Closest first.
    pub pairs: Vec<FilePair>,
    pub coverage: Coverage,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FilePair {
    pub distance: f32,
    pub a: PathText,
    pub b: PathText,
    pub relation: Relation,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Similar {
    pub head: String,
    /// Nearest first.
    pub similar: Vec<Neighbour>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Neighbour {
    pub distance: f32,
    pub relation: Relation,
    pub photo: Photo,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comparison {
    pub distance: f32,
    /// The distance as the threshold sees it: larger where many photos are as much alike.
    pub crowded: f32,
    pub relation: Relation,
    pub threshold: f32,
    /// In words, one difference each.
    pub differences: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failures {
    pub failures: Vec<FileFailure>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileFailure {
    #[serde(flatten)]
    pub path: PathText,
    pub stage: Stage,
    pub reason: String,
}

/// Something happened, as `/v1/events` tells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Counts up from 1 in each run of the daemon.
    pub id: u64,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A photo is in the index.
    Added(PathText),
    /// A file could not be read.
    Failed {
        #[serde(flatten)]
        path: PathText,
        reason: String,
    },
    /// A file is gone.
    Gone(PathText),
    /// A root went away; its photos stay.
    Offline {
        #[serde(flatten)]
        path: PathText,
        reason: String,
    },
    /// A root is back, perhaps at another path.
    Online(PathText),
    ScanStarted(PathText),
    ScanFinished {
        #[serde(flatten)]
        path: PathText,
        changes: u64,
    },
    /// The listener was too slow: this many events before the next are lost to it.
    Missed {
        count: u64,
    },
}

/// Every error's body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    pub error: ErrorText,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorText {
    /// Stable, for programs.
    pub code: String,
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
