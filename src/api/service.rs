//! What the routes ask of the daemon.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::broadcast;

use super::problem::Problem;
use super::types::{
    Cluster, ClusterChanges, Comparison, DecisionCount, DecisionText, Event, Failures, FilePair, HeadInfo, Line, Progress, Reloaded,
    RootStatus, Selection, Similar, Status, TuningOrder, TuningState, Version,
};
use crate::photo::Verdict;
use crate::sys::View;

/// Who takes the lines of a long answer, until it breaks off.
pub type Take<'a, T> = &'a mut dyn FnMut(Line<T>) -> ControlFlow<()>;

/// Answers requests; its methods may block. Paths are absolute.
pub trait Service: Send + Sync + 'static {
    fn version(&self) -> Version;
    /// Whether the daemon sees at each path what somebody else sees there; an error names the first where it does not.
    fn compare_views(&self, views: &[View]) -> Result<(), Problem>;
    fn status(&self) -> Result<Status, Problem>;
    fn roots(&self) -> Result<Vec<RootStatus>, Problem>;
    /// Watches a folder, or says that one which holds it is watched already.
    fn add_root(&self, path: &Path) -> Result<(), Problem>;
    fn remove_root(&self, path: &Path) -> Result<(), Problem>;
    /// Reads the settings again.
    fn reload(&self) -> Result<Reloaded, Problem>;
    /// Looks at the paths again, or at all roots when there are none; answers before that is done.
    /// With `forget`, files that are gone are forgotten however many they are.
    fn scan(&self, paths: &[PathBuf], forget: bool) -> Result<(), Problem>;
    /// Waits until everything under the paths is read, or for `timeout`.
    fn wait(&self, paths: &[PathBuf], timeout: Duration) -> Result<Progress, Problem>;
    /// Hands over the clusters one by one, between a beginning and an end.
    fn clusters(&self, selection: &Selection, take: Take<'_, Cluster>) -> Result<(), Problem>;
    /// Hands over the pairs in the same way.
    fn pairs(&self, selection: &Selection, take: Take<'_, FilePair>) -> Result<(), Problem>;
    /// The `count` photos nearest to the picture in `bytes`, by a head other than the one that answers
    /// when it is named.
    fn similar(&self, bytes: &[u8], count: usize, head: Option<&str>) -> Result<Similar, Problem>;
    fn compare(&self, a: &[u8], b: &[u8]) -> Result<Comparison, Problem>;
    /// Keeps a person's word on every two photos of the paths; `None` takes it back.
    fn decide(&self, paths: &[PathBuf], verdict: Option<Verdict>) -> Result<DecisionCount, Problem>;
    fn decisions(&self) -> Vec<DecisionText>;
    /// Takes over decisions made elsewhere or before; of two on one pair the later counts.
    fn import(&self, decisions: Vec<DecisionText>) -> Result<DecisionCount, Problem>;
    fn heads(&self) -> Vec<HeadInfo>;
    /// Has a head answer from now on, or only says how clusters would change.
    fn use_head(&self, name: &str, only_try: bool) -> Result<ClusterChanges, Problem>;
    fn remove_head(&self, name: &str) -> Result<(), Problem>;
    /// Starts tuning a head, and answers at once with all that was chosen for it. `name`, `minutes` and
    /// `photos` may be left to it; `positives` is `edits` or `folders`.
    fn tune(&self, name: Option<String>, positives: String, minutes: Option<u64>, photos: Option<usize>) -> Result<TuningOrder, Problem>;
    fn tuning(&self) -> TuningState;
    /// Ends a tuning with what it has.
    fn stop_tuning(&self) -> Result<(), Problem>;
    fn failures(&self, paths: &[PathBuf]) -> Result<Failures, Problem>;
    /// Events from now on, after those that came since the one of number `after`; what is lost of these is said
    /// by a [`What::Missed`](super::types::What::Missed).
    fn events(&self, after: Option<u64>) -> (Vec<Event>, broadcast::Receiver<Event>);
    /// Ends the daemon once this answer is sent.
    fn stop(&self);
}
