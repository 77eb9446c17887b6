//! What goes over the socket. Distances are 1 − cosine, sizes bytes, paths absolute.

use serde::{Deserialize, Serialize};

use crate::photo::{Counters, Coverage, Format, Relation, Stage, Verdict};

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
    /// Names this run of the daemon, among all runs.
    #[serde(default)]
    pub run: String,
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
    /// Fences that do not hold around the decoding of photos on this system, each with why.
    #[serde(default)]
    pub unfenced: Vec<String>,
    pub head: String,
    pub threshold: f32,
    pub reach: f32,
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reloaded {
    pub config: String,
    pub changed: bool,
    /// Whether something changed that only a restart takes over.
    pub needs_restart: bool,
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
    /// Whether one of the two is on a disk that is not here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
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
    /// What a person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Verdict>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionText {
    pub a: String,
    pub b: String,
    pub verdict: Verdict,
    /// Seconds since 1970.
    pub made: i64,
}

/// How many decisions were changed by a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DecisionCount {
    pub pairs: u64,
    pub changed: u64,
}

/// What a tuning is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TuningOrder {
    pub name: String,
    /// `edits` or `folders`.
    pub positives: String,
    /// It ends after this many minutes, with what it has.
    pub minutes: u64,
    /// Photos of the library that it takes, at most.
    pub photos: usize,
    /// Seconds since 1970.
    pub asked: i64,
}

/// What a tuning does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Views of photos are made.
    Preparing,
    /// The head learns.
    Training,
    /// It is held against the one before.
    Judging,
    /// The library is paired again for it.
    Pairing,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TuningProgress {
    pub name: String,
    pub phase: Phase,
    /// Photos prepared, or steps.
    pub done: u64,
    pub of: u64,
    /// The objective on what is trained on, while training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f32>,
    /// The share of held-out versions whose nearest other photo is one of their own, while training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<f32>,
    /// Seconds until it ends at the latest.
    pub left: u64,
}

/// What came of a tuning.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TuningEnd {
    pub name: String,
    pub outcome: Outcome,
    /// In words.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<TuningReport>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The new head is better and answers now.
    Used,
    /// It is kept under its name, for `similar`.
    Kept,
    /// It is not better, and not kept.
    Refused,
    /// Nothing came of it.
    Failed,
}

/// Where a tuning stands: under way, or how the last one ended.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct TuningState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<TuningProgress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<TuningEnd>,
}

/// What a head does on photos held out of its tuning, beside the head before it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TuningReport {
    /// Photos it was tuned on, and held out.
    pub tuned_on: u64,
    pub held_out: u64,
    /// Edited versions of the held-out photos; of folders, photos whose neighbours were looked at.
    pub copies: u64,
    pub decisions: u64,
    pub steps: u64,
    pub seconds: u64,
    pub before: HeadFigures,
    pub after: HeadFigures,
    /// How the clusters of this library changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<ClusterChanges>,
}

#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct HeadFigures {
    /// Of all true pairs at a precision of 99.9 %; of folders, the share of the ten nearest photos that are
    /// of the same folder.
    pub recall: f64,
    /// Copies found, pairs of different photos joined, and decisions agreed with, at the threshold.
    pub found: u64,
    pub false_pairs: u64,
    pub agreed: u64,
    pub threshold: f32,
}

/// How clusters differ between two heads. Clusters with two photos in common are one.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ClusterChanges {
    pub new: u64,
    pub gone: u64,
    pub grown: u64,
    pub shrunk: u64,
    /// Some of them, with the paths of their photos.
    pub examples: Vec<ClusterChange>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ClusterChange {
    pub change: Change,
    pub paths: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    New,
    Gone,
    Grown,
    Shrunk,
}

/// A head that can be used.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HeadInfo {
    pub name: String,
    /// `edits` or `folders`.
    pub positives: String,
    pub in_use: bool,
    /// Why it cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
    pub threshold: f32,
    /// Seconds since 1970; the base has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<TuningReport>,
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
