//! What goes over the socket. Distances are 0 to 2, sizes bytes, paths absolute.

mod tuning;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use tuning::*;

use crate::photo::{Counters, Coverage, Format, Relation, Stage, Verdict};

/// A path for people and, when it is not UTF-8, its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PathText {
    pub path: String,
    /// Base64, only when `path` is lossy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
}

/// Which daemon answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    pub version: String,
    pub protocol: u32,
    /// The program file that runs, and its time and size: tells a rebuilt one from this.
    pub program: String,
    pub build: String,
    pub pid: u32,
    /// Names this run of the daemon, among all runs.
    #[serde(default)]
    pub run: String,
}

/// What the daemon is and does.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    #[serde(flatten)]
    pub version: Version,
    pub data_dir: String,
    /// `idle`, or what it is doing.
    pub activity: String,
    /// What keeps it from its work, with the remedy; empty when all is well.
    pub problems: Vec<String>,
    /// What keeps the daemon from changing files outside its own folders, and from the network.
    #[serde(default)]
    pub fence: FenceStatus,
    /// Layers that the decoder sandbox lacks on this system, each with why.
    #[serde(default)]
    pub missing_sandbox_layers: Vec<String>,
    pub head: String,
    pub threshold: f32,
    /// Pairs are stored up to this distance.
    pub max_pair_distance: f32,
    pub roots: Vec<RootStatus>,
    /// Distinct photos in the index.
    pub photos: u64,
    pub coverage: Coverage,
    pub counters: Counters,
    /// Pairs of photos that a person decided on.
    pub decisions: u64,
    /// The tuning that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningProgress>,
}

/// What the daemon gave up when it started.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct FenceStatus {
    /// The version of Landlock by which it can write, make, rename and remove files in its own folders only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landlock: Option<i32>,
    /// Whether seccomp keeps it from modes, owners and times of files, and from all sockets but Unix ones.
    pub seccomp: bool,
    /// What does not hold on this system, each with why and what could happen.
    pub missing: Vec<String>,
}

/// A watched folder.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
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
    /// How often events were lost, so that everything was looked at again.
    pub times_lost: u64,
    /// Files that are gone, but so many at once that `scan --forget` must say so.
    pub missing: u64,
    /// Files on a filesystem that was mounted inside and is not: they stay.
    pub away: u64,
    /// What is left out, as globs, and what is not although one of them holds.
    pub excluded: Vec<String>,
    pub included: Vec<String>,
    /// Distinct photos of its files.
    pub photos: u64,
    pub coverage: Coverage,
}

/// What came of reading the settings again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reloaded {
    pub config: String,
    pub changed: bool,
    /// Whether something changed that only a restart takes over.
    pub needs_restart: bool,
}

/// Whether everything under the paths is read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
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
    /// Only what comes after this one, as [`End::next`] said.
    pub after: Option<String>,
    /// So many at most.
    pub limit: Option<usize>,
}

/// What comes before the items of a long answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Begin {
    pub version: u32,
    /// The distance up to which photos are versions of each other, or pairs are near.
    pub threshold: f32,
    pub head: String,
}

/// What comes after the items of a long answer: without it, it is not whole.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct End {
    pub coverage: Coverage,
    /// Names the last item, when there are more: `after` it they go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A line of a long answer as NDJSON.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "{T}Line")]
pub enum Line<T> {
    Begin { begin: Begin },
    End { end: End },
    Item(T),
}

/// Photos that are versions of each other.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Clusters {
    #[serde(flatten)]
    pub begin: Begin,
    /// Most files first, then most bytes that copies take.
    pub clusters: Vec<Cluster>,
    #[serde(flatten)]
    pub end: End,
}

/// Versions of one photo.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Cluster {
    /// Stable while the members are.
    pub id: String,
    pub diameter: f32,
    pub loose: bool,
    /// The representative first.
    pub photos: Vec<Photo>,
    pub pairs: Vec<ClusterPair>,
}

/// A photo and its files.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Photo {
    #[serde(flatten)]
    pub path: PathText,
    /// All files of this photo, sorted; the first is `path`.
    pub paths: Vec<String>,
    /// Base64 of each of `paths`, only when one of them is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths_bytes: Option<Vec<String>>,
    /// Which of `paths`, counted from 0, are on a disk that is not here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offline: Vec<usize>,
    /// Of one file.
    pub bytes: u64,
    pub width: u32,
    pub height: u32,
    pub format: Format,
    pub taken: Option<String>,
    pub representative: bool,
}

/// A pair by position in `photos`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ClusterPair {
    pub a: usize,
    pub b: usize,
    pub distance: f32,
    pub relation: Relation,
}

/// Pairs of near photos.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Pairs {
    #[serde(flatten)]
    pub begin: Begin,
    /// Closest first.
    pub pairs: Vec<FilePair>,
    #[serde(flatten)]
    pub end: End,
}

/// Two near photos, each by its first file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FilePair {
    pub distance: f32,
    pub a: PathText,
    pub b: PathText,
    pub relation: Relation,
    /// Whether one of the two is on a disk that is not here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
}

/// The photos nearest to a picture.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Similar {
    pub head: String,
    /// Nearest first.
    pub similar: Vec<Neighbour>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Neighbour {
    pub distance: f32,
    pub relation: Relation,
    pub photo: Photo,
}

/// What two pictures are to each other.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    pub distance: f32,
    /// The distance that is compared with the threshold: larger where many photos look alike.
    pub normalized_distance: f32,
    pub relation: Relation,
    /// What a person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Verdict>,
    pub threshold: f32,
    /// In words, one difference each.
    pub differences: Vec<String>,
}

/// Files that could not be read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Failures {
    pub failures: Vec<FileFailure>,
}

/// A file that could not be read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FileFailure {
    #[serde(flatten)]
    pub path: PathText,
    pub stage: Stage,
    pub reason: String,
}

/// Something happened, as `/v1/events` tells it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Counts up from 1 in each run of the daemon.
    pub id: u64,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A photo is in the index.
    Added(PathText),
    /// A file that held a photo holds other bytes, which are read now.
    Changed(PathText),
    /// A file has another name; nothing was read.
    Moved {
        from: PathText,
        #[serde(flatten)]
        path: PathText,
    },
    /// A file could not be read.
    Failed {
        #[serde(flatten)]
        path: PathText,
        reason: String,
    },
    /// A file is gone.
    Gone(PathText),
    /// Photos that had no copies have some now.
    NewCluster {
        cluster: String,
        paths: Vec<String>,
    },
    /// Photos that had copies have more now.
    ClusterGrew {
        cluster: String,
        paths: Vec<String>,
    },
    /// A root went away; its photos stay.
    Offline {
        #[serde(flatten)]
        path: PathText,
        reason: String,
    },
    /// A root is back, perhaps at another path.
    Online(PathText),
    ScanStarted(PathText),
    /// A scan that takes longer has come across so many files and folders.
    ScanProgress {
        #[serde(flatten)]
        path: PathText,
        entries: u64,
    },
    ScanFinished {
        #[serde(flatten)]
        path: PathText,
        changes: u64,
    },
    /// A person decided on so many pairs of photos.
    Decided {
        pairs: u64,
        verdict: Verdict,
    },
    /// A head is being tuned.
    Tuning(TuningProgress),
    /// A tuning ended.
    Tuned(TuningEnd),
    /// Another head answers.
    HeadChanged {
        name: String,
    },
    /// So many events before the next are lost to this listener: it was too slow, or away for too long. 0: the daemon
    /// started anew since, and nobody knows.
    Missed {
        count: u64,
    },
}

/// A person's word on two photos, by the BLAKE3 of their pictures in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionText {
    pub a: String,
    pub b: String,
    pub verdict: Verdict,
    /// Seconds since 1970.
    pub made: i64,
}

/// How many decisions were changed by a request.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DecisionCount {
    pub pairs: u64,
    pub changed: u64,
}
