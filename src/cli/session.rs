//! Shared by the commands that send requests: connecting to the daemon, and requests about paths.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::broad::consent;
use super::connect::{Start, connect};
use super::failure::{Failure, NOT_WHOLE};
use super::progress::{self, WhenFull};
use super::text::{shown_path, tell};
use crate::api::client::Client;
use crate::api::types::{PlaceStatus, Watched};
use crate::api::{parameters_of, query_of};
use crate::config::Settings;
use crate::sys::View;
use crate::sys::mounts::Mounts;

/// The names and values of the parameters of a request.
pub type Parameters = Vec<(&'static str, Vec<u8>)>;

/// Connects a command to the daemon.
pub struct Session {
    pub settings: Settings,
    /// Whether a command that may start the daemon does so.
    pub start: Start,
}

impl Session {
    /// Connects to the daemon. Starts it if none runs, unless the user forbids it.
    pub async fn daemon(&self) -> Result<Client, Failure> {
        connect(&self.settings, self.start).await
    }

    /// Connects to the running daemon.
    pub async fn running(&self) -> Result<Client, Failure> {
        connect(&self.settings, Start::Never).await
    }
}

/// The parameters of a request about paths. Each path comes with this process's view of it, so that the answer is never
/// about another folder at the same path.
fn asked(paths: &[PathBuf]) -> Result<Parameters, Failure> {
    let mounts = Mounts::now();
    let mut parameters = Parameters::new();
    for path in paths {
        let view = View::of(path, &mounts).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Failure {
                message: format!("{} is not there any more, so the answer would be incomplete", shown_path(path)),
                hint: Some("is its drive connected?".into()),
                code: NOT_WHOLE,
            },
            _ => Failure::usage(format!("{} cannot be used: {e}", shown_path(path))),
        })?;
        parameters.extend(parameters_of(&view));
    }
    Ok(parameters)
}

/// The number of attempts while the daemon sees other mounts than this process, and the pause between them.
const VIEW_ATTEMPTS: usize = 3;
const VIEW_PAUSE: Duration = Duration::from_millis(300);

/// Sends a request about paths, with this process's view of them. If the daemon's view differs, the request is sent
/// again: a drive may have been connected or removed at this moment.
pub async fn about<T>(paths: &[PathBuf], mut ask: impl AsyncFnMut(Parameters) -> Result<T, Failure>) -> Result<T, Failure> {
    let mut attempts = 1;
    loop {
        match ask(asked(paths)?).await {
            Err(failure) if failure.code == NOT_WHOLE && attempts < VIEW_ATTEMPTS => {
                attempts += 1;
                tokio::time::sleep(VIEW_PAUSE).await;
            }
            answered => return answered,
        }
    }
}

/// Has the daemon watch a folder. Returns the path to ask about: another one if a watched folder shows the same files.
pub async fn watch(client: &Client, folder: PathBuf) -> Result<PathBuf, Failure> {
    let watched: Watched = about(&[folder], async |query| Ok(client.post("/v1/roots", query_of(query).into()).await?)).await?;
    Ok(watched.path.to_path())
}

/// Folders that the daemon watches, with the paths to ask about.
#[derive(Default)]
pub struct WatchedFolders(HashMap<PathBuf, PathBuf>);

impl WatchedFolders {
    /// Has the daemon watch a folder. Says so if it is watched at another path.
    pub async fn watch(&mut self, client: &Client, folder: PathBuf) -> Result<(), Failure> {
        let shown = watch(client, folder.clone()).await?;
        if shown != folder {
            tell(format_args!("{} is the same folder as {}, which is watched", shown_path(&folder), shown_path(&shown)));
        }
        self.0.insert(folder, shown);
        Ok(())
    }

    /// Returns the path to ask about, of a path in one of these folders.
    pub fn path_of(&self, folder: &Path, path: &Path) -> Option<PathBuf> {
        let (shown, below) = (self.0.get(folder)?, path.strip_prefix(folder).ok()?);
        Some(if below.as_os_str().is_empty() { shown.clone() } else { shown.join(below) })
    }
}

/// Paths that the daemon watches.
pub struct Prepared {
    /// The paths that can be answered.
    pub paths: Vec<PathBuf>,
    /// Whether these are all paths.
    pub is_whole: bool,
    /// The state of the places when they were read, if the caller waited for it.
    pub waited: Vec<PlaceStatus>,
}

/// Has the daemon watch the paths, and waits until they are read. A path at which the daemon sees something else is
/// reported on standard error.
pub async fn prepare(client: &Client, paths: Vec<PathBuf>, no_wait: bool) -> Result<Prepared, Failure> {
    let folder_of = |path: &Path| if path.is_dir() { path.to_owned() } else { path.parent().unwrap_or(path).to_owned() };
    let folders: BTreeSet<PathBuf> = paths.iter().map(|path| folder_of(path)).collect();
    consent(client, &folders).await?;
    let mut watched = WatchedFolders::default();
    for folder in folders {
        match watched.watch(client, folder).await {
            Err(failure) if failure.code == NOT_WHOLE => drop(failure.report()),
            done => done?,
        }
    }
    let count = paths.len();
    let paths: Vec<PathBuf> = paths.iter().filter_map(|path| watched.path_of(&folder_of(path), path)).collect();
    let waited = if no_wait || paths.is_empty() { Vec::new() } else { progress::wait(client, &paths, WhenFull::Wait).await?.places };
    let is_whole = paths.len() == count;
    Ok(Prepared { paths, is_whole, waited })
}

/// The absolute path of an existing file or folder.
pub fn existing(path: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Failure::usage(format!("{} does not exist", shown_path(path))).hint("is its drive connected?"),
        _ => Failure::usage(format!("{} cannot be used: {e}", shown_path(path))),
    })
}

/// The absolute paths of existing files and folders, each once.
pub fn all_existing<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for path in paths {
        let path = existing(path)?;
        if seen.insert(path.clone()) {
            all.push(path);
        }
    }
    Ok(all)
}

pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|e| Failure::usage(format!("{} cannot be read: {e}", shown_path(path))))
}
