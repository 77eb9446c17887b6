//! Shared by the commands that send requests: connecting to the daemon, and requests about paths.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::broad::consent;
use super::connect::{Start, connect};
use super::failure::{Failure, NOT_WHOLE};
use super::progress::{self, WhenFull};
use super::suggestion::instead_of;
use super::text::{shown, shown_path, tell};
use crate::api::client::Client;
use crate::api::types::{PlaceStatus, Watched};
use crate::api::{parameters_of, query_of, shell_word};
use crate::config::Settings;
use crate::sys::mounts::Mounts;
use crate::sys::{View, probe};

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
    let views = probe::each_path(paths, move |path| View::of(path, &mounts));
    let mut parameters = Parameters::new();
    for (path, view) in paths.iter().zip(views) {
        let view = view.ok_or_else(|| Failure::silent(path))?.map_err(|e| match e.kind() {
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
    /// Whether these are all paths that were given to [`prepare`].
    pub is_whole: bool,
    /// The state of the places when they were read, if the caller waited for it.
    pub waited: Vec<PlaceStatus>,
}

/// Has the daemon watch the places, and waits until they are read, unless `when_full` is `None`. A path at which the daemon sees
/// something else is reported on standard error.
pub async fn prepare(client: &Client, places: &[Place], when_full: Option<WhenFull>) -> Result<Prepared, Failure> {
    let folders: BTreeSet<PathBuf> = places.iter().map(|place| place.folder().to_owned()).collect();
    consent(client, &folders).await?;
    let mut watched = WatchedFolders::default();
    for folder in folders {
        match watched.watch(client, folder).await {
            Err(failure) if failure.code == NOT_WHOLE => drop(failure.report()),
            done => done?,
        }
    }
    let paths: Vec<PathBuf> = places.iter().filter_map(|place| watched.path_of(place.folder(), &place.path)).collect();
    let waited = match when_full {
        Some(when_full) if !paths.is_empty() => progress::wait(client, &paths, when_full).await?.places,
        _ => Vec::new(),
    };
    let is_whole = paths.len() == places.len();
    Ok(Prepared { paths, is_whole, waited })
}

/// What is at a path that a person named.
#[derive(Clone)]
pub struct Place {
    /// Absolute, without links.
    pub path: PathBuf,
    pub is_folder: bool,
}

impl Place {
    fn at(path: &Path) -> io::Result<Place> {
        let path = fs::canonicalize(path)?;
        let is_folder = fs::metadata(&path)?.is_dir();
        Ok(Place { path, is_folder })
    }

    /// The folder to watch: the place itself, or the one that holds the file.
    fn folder(&self) -> &Path {
        if self.is_folder { &self.path } else { self.path.parent().unwrap_or(&self.path) }
    }
}

/// The existing files and folders at these paths, each once. `None` for a path whose disk does not answer.
fn looked<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<Vec<(&'a PathBuf, Option<Place>)>, Failure> {
    let paths: Vec<&PathBuf> = paths.into_iter().collect();
    let looks = probe::each_path(&paths.iter().map(|&path| path.clone()).collect::<Vec<_>>(), Place::at);
    let (mut seen, mut all) = (HashSet::new(), Vec::new());
    for (path, look) in paths.into_iter().zip(looks) {
        let place = look.transpose().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Failure::usage(format!("{} does not exist", shown_path(path))).hint(instead_of(path)),
            _ => Failure::usage(format!("{} cannot be used: {e}", shown_path(path))),
        })?;
        if place.as_ref().is_none_or(|place| seen.insert(place.path.clone())) {
            all.push((path, place));
        }
    }
    Ok(all)
}

/// The existing files and folders whose disks answer, each once, and whether these are all. The others are reported on standard
/// error.
pub fn all_answering<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(Vec<Place>, bool), Failure> {
    let looked = looked(paths)?;
    let places: Vec<Place> = looked.iter().filter_map(|(_, place)| place.clone()).collect();
    for (path, _) in looked.iter().filter(|(_, place)| place.is_none()) {
        let _ = Failure::silent(path).report();
    }
    let is_whole = places.len() == looked.len();
    Ok((places, is_whole))
}

/// The absolute path of an existing file or folder.
pub fn existing(path: &Path) -> Result<PathBuf, Failure> {
    Ok(all_existing([&path.to_owned()])?.remove(0))
}

/// The absolute paths of existing files and folders, each once.
pub fn all_existing<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    looked(paths)?.into_iter().map(|(path, place)| Ok(place.ok_or_else(|| Failure::silent(path))?.path)).collect()
}

/// How much of a file is read in one step.
const STEP_BYTES: u64 = 4 << 20;

/// Reads a file. The disk must answer for each part of it; a pipe may wait for as long as it likes.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => Failure::usage(format!("{} does not exist", shown_path(path))).hint(instead_of(path)),
        _ => Failure::usage(format!("{} cannot be read: {e}", shown_path(path))),
    };
    let found = probe::path(path, |path: &Path| fs::metadata(path)).ok_or_else(|| Failure::silent(path))?.map_err(unreadable)?;
    if found.is_dir() {
        let hint = format!("to find the versions in it: simctl dupes {}", shown(&shell_word(path)));
        return Err(Failure::usage(format!("{} is a folder and no file", shown_path(path))).hint(hint));
    }
    if !found.is_file() {
        return fs::read(path).map_err(unreadable);
    }
    let mut file =
        probe::path(path, |path| File::options().read(true).open(path)).ok_or_else(|| Failure::silent(path))?.map_err(unreadable)?;
    let mut bytes = Vec::new();
    loop {
        let step = move || {
            let read = (&mut file).take(STEP_BYTES).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>((file, bytes, read))
        };
        let read;
        (file, bytes, read) = probe::in_time(probe::DISK_STEP_TIMEOUT, step).ok_or_else(|| Failure::silent(path))?.map_err(unreadable)?;
        if read == 0 {
            return Ok(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_in_steps_and_a_pipe_as_it_comes() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, pipe) = (folder.path().join("a"), folder.path().join("pipe"));
        let bytes: Vec<u8> = (0..STEP_BYTES + 5).map(|at| at as u8).collect();
        fs::write(&file, &bytes).expect("written");
        assert!(read(&file).expect("read") == bytes);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR, 0)
            .expect("made");
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, b"late").expect("written")
        });
        assert_eq!(read(&pipe).expect("read"), b"late");
        writer.join().expect("no panic");
        assert_eq!(read(&folder.path().join("none")).expect_err("not there").code, crate::cli::failure::USAGE);
        let of_folder = read(folder.path()).expect_err("no file");
        assert!(
            of_folder.message.ends_with("is a folder and no file") && of_folder.hint.is_some_and(|hint| hint.contains("simctl dupes /"))
        );
        let (places, is_whole) = all_answering([&file, &folder.path().to_owned(), &file]).expect("there");
        assert!(is_whole);
        assert_eq!(places.iter().map(|place| place.is_folder).collect::<Vec<_>>(), [false, true]);
        assert!(places.iter().all(|place| Path::new(place.folder()).ends_with(folder.path().file_name().expect("a name"))));
    }
}
