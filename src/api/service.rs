//! The interface between the routes and the daemon.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream::BoxStream;

use super::problem::Problem;
use super::types::{
    Cluster, ClusterChanges, Comparison, DecisionCount, DecisionText, Event, Failures, FilePair, HeadInfo, KeptPictures, KnownAnswer,
    KnownQuestion, Line, ListedDecision, Progress, Reloaded, RootStatus, Selection, Similar, Status, TuningOrder, TuningState, Version,
    Watched,
};
use crate::photo::{PictureHash, Positives, Verdict};
use crate::sys::View;

/// The client of a long answer.
pub struct Take<'a, T> {
    /// Receives the lines, until it breaks off.
    pub line: &'a mut dyn FnMut(Line<T>) -> ControlFlow<()>,
    /// Says whether the client still waits. If it does not, the answer need not be computed to its end.
    pub is_wanted: &'a dyn Fn() -> bool,
}

/// How files that are gone are treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gone {
    /// If most of a root is gone at once, its files are kept until a person confirms it.
    AskIfMany,
    /// A person confirmed it, so the files are forgotten.
    Forget,
}

/// Whether to put a head into use, or only to return how the clusters would change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Switch {
    Take,
    Try,
}

/// Answers requests. Methods may block. Paths are absolute.
pub trait Service: Send + Sync + 'static {
    fn version(&self) -> Version;
    /// Checks that the daemon's view of each path is the client's. The error names the first path where it is not.
    fn compare_views(&self, views: &[View]) -> Result<(), Problem>;
    fn status(&self) -> Result<Status, Problem>;
    fn roots(&self) -> Result<Vec<RootStatus>, Problem>;
    /// Adds a root, unless a watched folder already contains it or shows the same folder at another path.
    fn add_root(&self, path: &Path) -> Result<Watched, Problem>;
    fn remove_root(&self, path: &Path) -> Result<(), Problem>;
    /// Reloads the settings.
    fn reload(&self) -> Result<Reloaded, Problem>;
    /// Starts a scan of the paths, or of all roots if there are none, and returns at once.
    fn scan(&self, paths: &[PathBuf], gone: Gone) -> Result<(), Problem>;
    /// Waits until all changes under the paths from before the question, or from before the moment `since`, are read, at
    /// most for `timeout`.
    fn wait(&self, paths: &[PathBuf], timeout: Duration, since: Option<u64>) -> Result<Progress, Problem>;
    /// Sends the clusters one by one, between a beginning and an end.
    fn clusters(&self, selection: &Selection, take: Take<'_, Cluster>) -> Result<(), Problem>;
    /// Sends the pairs in the same way.
    fn pairs(&self, selection: &Selection, take: Take<'_, FilePair>) -> Result<(), Problem>;
    /// The `count` photos nearest to the picture in `bytes`, by the named head or by the one in use.
    fn similar(&self, bytes: &[u8], count: usize, head: Option<&str>) -> Result<Similar, Problem>;
    /// The kept pictures of these hashes, as far as there are any.
    fn pictures(&self, pictures: &[PictureHash]) -> Result<KeptPictures, Problem>;
    /// Says which files of the paths, or of all roots, have the bytes or the picture data of those that are asked about.
    fn known(&self, paths: &[PathBuf], questions: &[KnownQuestion]) -> Result<Vec<KnownAnswer>, Problem>;
    fn compare(&self, a: &[u8], b: &[u8]) -> Result<Comparison, Problem>;
    /// Stores a decision on every two photos of the paths.
    fn decide(&self, paths: &[PathBuf], verdict: Verdict) -> Result<DecisionCount, Problem>;
    /// Removes the decisions on every two photos of the paths and of the picture hashes.
    fn forget(&self, paths: &[PathBuf], pictures: &[PictureHash]) -> Result<DecisionCount, Problem>;
    fn decisions(&self) -> Vec<DecisionText>;
    /// All decisions with the files of their photos, the oldest first.
    fn listed_decisions(&self) -> Result<Vec<ListedDecision>, Problem>;
    /// Imports decisions. Of two on one pair the later one is kept.
    fn import(&self, decisions: Vec<DecisionText>) -> Result<DecisionCount, Problem>;
    fn heads(&self) -> Vec<HeadInfo>;
    /// Puts a head in use, or only tries it, and reports how clusters change.
    fn use_head(&self, name: &str, switch: Switch) -> Result<ClusterChanges, Problem>;
    fn remove_head(&self, name: &str) -> Result<(), Problem>;
    /// Starts tuning a head and returns its full order at once. The daemon chooses `name`, `minutes` and `photos` if
    /// they are missing.
    fn tune(&self, name: Option<String>, positives: Positives, minutes: Option<u64>, photos: Option<usize>)
    -> Result<TuningOrder, Problem>;
    fn tuning(&self) -> TuningState;
    /// Ends a tuning early, with its current head.
    fn stop_tuning(&self) -> Result<(), Problem>;
    /// The failures after the one with the key `after`, at most `limit`.
    fn failures(&self, paths: &[PathBuf], after: Option<&str>, limit: Option<usize>) -> Result<Failures, Problem>;
    /// All events after number `after`, past and future. Lost ones are reported by a
    /// [`EventKind::Missed`](super::types::EventKind::Missed).
    fn events(&self, after: Option<u64>) -> BoxStream<'static, Event>;
    /// Stops the daemon after this answer is sent.
    fn stop(&self);
}
