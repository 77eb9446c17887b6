//! The types of requests and answers. Distances are 0 to 2, sizes are in bytes, paths are absolute.

mod clusters;
mod evidence;
mod known;
mod photos;
mod places;
mod queries;
mod state;
mod tuning;
mod versioned;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use clusters::*;
pub use evidence::*;
pub use known::*;
pub use photos::*;
pub use places::*;
pub use queries::*;
pub use state::*;
pub use tuning::*;
pub use versioned::*;

use crate::photo::{Amount, Counters, Coverage, Format, LeftOut, Relation, Stage, Verdict};

/// A path as text and, if it is not UTF-8, as bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PathText {
    pub path: String,
    /// Base64 of the path. Present only if it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
}

/// The version of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    pub version: String,
    pub protocol: u32,
    /// The program file, its time and its size. They identify a build.
    pub program: String,
    pub build: String,
    pub pid: u32,
    /// Identifies this run of the daemon.
    #[serde(default)]
    pub run: String,
}

/// The status of the daemon.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    #[serde(flatten)]
    pub version: Version,
    pub data_dir: String,
    pub activity: Activity,
    /// What is wrong, each with a remedy.
    pub problems: Vec<DaemonProblem>,
    /// The fence that keeps the daemon from changing files outside its own folders and from the network.
    #[serde(default)]
    pub fence: FenceStatus,
    /// Missing layers of the decoder sandbox, each with the reason.
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
    /// The number of decisions.
    pub decisions: u64,
    /// The number of decisions `different` on photos that other decisions make the same. New ones are refused.
    #[serde(default)]
    pub contradictions: u64,
    /// The running tuning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningProgress>,
}

/// The permissions that the daemon gave up when it started.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct FenceStatus {
    /// The version of Landlock, which allows changing files in the daemon's own folders only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landlock: Option<i32>,
    /// Whether seccomp denies changes of modes, owners and times of files, and all sockets but Unix ones.
    pub seccomp: bool,
    /// What is missing on this system, each with the reason and the risk.
    pub missing: Vec<String>,
}

/// A watched folder.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RootStatus {
    #[serde(flatten)]
    pub path: PathText,
    pub state: RootState,
    /// The reason if it is offline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<String>,
    /// The filesystem by which it is recognised at another mount point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// The root in which it is mounted, if it is on another filesystem than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<PathText>,
    /// Whether it is being scanned or read.
    pub busy: bool,
    /// Why new files may go unnoticed between scans, if they may: in the root, or in what is mounted in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched: Option<String>,
    /// Seconds between regular scans, of what is mounted in it if that is scanned more often because it is unwatched.
    pub scanned_every: u64,
    /// When the last full scan ended, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_scan: Option<u64>,
    /// Events since the daemon started.
    pub events: u64,
    /// How often events were lost, which causes a full scan.
    pub times_lost: u64,
    /// Missing files. Many are gone at once, so only `scan --forget` forgets them.
    pub missing: u64,
    /// Files that a mount hides, or whose folder was mounted from elsewhere and is not now. They are kept.
    pub away: u64,
    /// Globs of what is left out, and of the exceptions.
    pub excluded: Vec<String>,
    pub included: Vec<String>,
    /// The number of distinct photos.
    pub photos: u64,
    pub coverage: Coverage,
    /// What the last scan saw and did not take.
    #[serde(default)]
    pub left_out: LeftOut,
}

/// The result of reloading the settings.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reloaded {
    pub config: String,
    pub changed: bool,
    /// Whether a setting changed that needs a restart.
    pub needs_restart: bool,
}

/// Whether all files under the paths are read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// Whether everything that happened before the question is in the answers.
    pub settled: bool,
    /// The moment of the question. With it as `since`, the next request waits for the same changes and not for later ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<u64>,
    /// Whether all `places` are whole.
    pub whole: bool,
    pub places: Vec<PlaceStatus>,
    pub coverage: Coverage,
    pub problems: Vec<DaemonProblem>,
    /// Why nothing can be stored now, for example because the disk is full. Until that ends, nothing is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_storing: Option<String>,
}

/// Selects `clusters` or `pairs`.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub paths: Vec<std::path::PathBuf>,
    pub threshold: Option<f32>,
    /// If empty: identical, copy and edit.
    pub relations: Vec<Relation>,
    pub everywhere: bool,
    /// Also photos of one shot as versions of each other.
    pub within_shots: bool,
    /// Only items after this one, from [`End::next`].
    pub after: Option<String>,
    /// The most items.
    pub limit: Option<usize>,
}

/// The beginning of a long answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Begin {
    /// See [`SCHEMA`].
    pub schema: u32,
    /// The name of `schema` in earlier versions, with the same value.
    pub version: u32,
    /// The distance up to which photos are versions, or pairs are listed.
    pub threshold: f32,
    pub head: String,
}

/// The end of a long answer. Without it the answer is incomplete.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// Whether all `places` are whole.
    pub whole: bool,
    /// The places that the answer is about.
    pub places: Vec<PlaceStatus>,
    /// Photos of the places that are near others and not joined: as frames of a series, as one that holds the other beside
    /// other content, and because it is not known what they are.
    pub series: u64,
    #[serde(default)]
    pub parts: u64,
    #[serde(default)]
    pub unknown: u64,
    /// What is beside the sources of all clusters, by what it is to them: also of those on other pages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<Relation, Amount>,
    /// Near pairs that are not joined, by relation. A photo is counted once for each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held_apart: BTreeMap<Relation, Amount>,
    /// Clusters that are left out because all of their files are of one shot.
    #[serde(default)]
    pub shots: u64,
    /// Photos outside the places that are versions of photos inside. 0 with `everywhere`.
    pub outside: u64,
    pub coverage: Coverage,
    /// How many files are of each format that this version does not read, or of a kind of it.
    #[serde(default)]
    pub unsupported_formats: BTreeMap<Format, u64>,
    /// What is in the places and was not taken, as of the last scan.
    #[serde(default)]
    pub left_out: LeftOut,
    /// The key of the last item, if there are more. They follow with `after` set to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A line of a long answer as NDJSON.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "{T}Line")]
#[expect(clippy::large_enum_variant, reason = "there is one end, and nearly all lines are items")]
pub enum Line<T> {
    Begin { begin: Begin },
    End { end: End },
    Item(T),
}

/// A long answer as one object.
pub trait Listing: Serialize {
    type Item: Serialize;

    fn new(begin: Begin, items: Vec<Self::Item>, end: End) -> Self;
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

impl Listing for Pairs {
    type Item = FilePair;

    fn new(begin: Begin, pairs: Vec<FilePair>, end: End) -> Pairs {
        Pairs { begin, pairs, end }
    }
}

/// Two near photos, each by its first file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FilePair {
    pub distance: f32,
    pub a: PathText,
    pub b: PathText,
    pub relation: Relation,
    /// Whether one of the two is offline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
}

/// Files that could not be read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Failures {
    pub failures: Vec<FileFailure>,
    /// The key of the last one, if there are more. They follow with `after` set to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A file that could not be read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FileFailure {
    #[serde(flatten)]
    pub path: PathText,
    pub stage: Stage,
    pub reason: String,
}

/// An event of `/v1/events`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Counts up from 1 in each run of the daemon.
    pub id: u64,
    #[serde(flatten)]
    pub kind: EventKind,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// A photo was added to the index.
    Added(PathText),
    /// The bytes of a file changed. It is being read.
    Changed(PathText),
    /// A file was moved. It was not read again.
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
    /// Photos that had no versions have some now.
    NewCluster {
        cluster: String,
        paths: Vec<String>,
    },
    /// Photos that had versions have more now.
    ClusterGrew {
        cluster: String,
        paths: Vec<String>,
    },
    /// A root went offline. Its photos stay.
    Offline {
        #[serde(flatten)]
        path: PathText,
        reason: String,
    },
    /// A root is back, perhaps at another path.
    Online(PathText),
    ScanStarted(PathText),
    /// Progress of a longer scan: the files and folders it has found.
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
    /// Decisions were made on this number of pairs.
    Decided {
        pairs: u64,
        verdict: Verdict,
    },
    /// A tuning started.
    Tuning(TuningProgress),
    /// A tuning ended.
    Tuned(TuningEnd),
    /// Another head is in use.
    HeadChanged {
        name: String,
    },
    /// This number of events was lost for this client: it was too slow or disconnected for too long. 0 if the daemon
    /// restarted and the number is not known.
    Missed {
        count: u64,
    },
}

/// A hexadecimal BLAKE3, as a regular expression.
pub const HASH: &str = "^[0-9a-f]{64}$";

/// A decision on two photos, by the hexadecimal BLAKE3 of their pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionText {
    #[schemars(regex(pattern = HASH))]
    pub a: String,
    #[schemars(regex(pattern = HASH))]
    pub b: String,
    pub verdict: Verdict,
    /// Seconds since 1970.
    pub made: i64,
    /// The picture that was decided on, before the photo at its path was edited. None if it is one of the two.
    #[schemars(regex(pattern = HASH))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// The hexadecimal BLAKE3 of the decoded upright pictures. The decision holds for all pictures that have it.
    #[schemars(regex(pattern = HASH))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_pixels: Option<String>,
    #[schemars(regex(pattern = HASH))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b_pixels: Option<String>,
}

/// A decision with the files of its photos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedDecision {
    pub a: DecidedPhoto,
    pub b: DecidedPhoto,
    pub verdict: Verdict,
    /// Seconds since 1970.
    pub made: i64,
    /// The hash of the picture that was decided on. The photo at its path was edited, and the decision holds for the edited
    /// one too.
    pub follows: Option<String>,
    /// Whether it is `different` and other decisions make the two photos the same.
    pub contradicted: bool,
}

/// A photo of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecidedPhoto {
    /// The hexadecimal picture hash.
    pub picture: String,
    /// Its known files, sorted, also those with the same pixels in another form. None if the photo is in no watched folder.
    pub files: Vec<PathText>,
}

/// What became of decisions.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct DecisionCount {
    pub pairs: u64,
    /// The decisions that changed.
    pub changed: u64,
    /// Those of them that were the other verdict before.
    #[serde(default)]
    pub reversed: u64,
    /// The imported decisions that were not taken because a later one on the same photos has the other verdict.
    #[serde(default)]
    pub outdone: u64,
    /// The first of these, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_outdone: Option<String>,
}
