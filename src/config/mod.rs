//! Settings: flags override the environment, which overrides the file, which overrides the defaults. They are checked
//! once.

mod file;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, io};

use directories::{BaseDirs, ProjectDirs};
use thiserror::Error;

use file::File;

use crate::intake::Rules;
use crate::vision::Limits;

pub use file::{InForce, keys};

/// A setting is not valid.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{path} cannot be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("there is no home directory to keep the index in")]
    NoHome,
    #[error("{place} belongs to user {owner}, and not to you (user {own})")]
    OthersHome { place: PathBuf, owner: u32, own: u32 },
    #[error("the socket path {0} is longer than the 107 bytes that sockets allow")]
    LongSocket(PathBuf),
}

/// Values from flags and environment.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub data_dir: Option<PathBuf>,
    pub socket: Option<PathBuf>,
    pub config: Option<PathBuf>,
}

/// Checked settings of one instance.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of the index, with mode 0700.
    pub data_dir: PathBuf,
    /// The socket of the API, in a folder with mode 0700.
    pub socket: PathBuf,
    /// Whether an option or a variable names the socket. Otherwise a daemon of the data directory may listen elsewhere.
    pub socket_is_named: bool,
    /// The settings file, if there is one.
    pub config: PathBuf,
    /// The folder of the kept pictures. `None` if none are kept.
    pub kept_pictures: Option<PathBuf>,
    /// The number of workers.
    pub workers: usize,
    pub limits: Limits,
    pub reloadable: ReloadableSettings,
    /// Absolute paths, to read the file again from any working directory.
    pub overrides: Overrides,
}

/// Settings that a running daemon can reload.
#[derive(Clone, PartialEq, Debug)]
pub struct ReloadableSettings {
    /// The share of a root's files, 0 to 1, that may go at once without confirmation.
    pub forget_at_once: f64,
    /// What is left out below the roots.
    pub rules: Arc<Rules>,
    /// Whether new versions are shown as desktop notifications.
    pub notify_desktop: bool,
    /// After this number of decisions a head is tuned automatically, when the daemon is idle.
    pub tune_after_decisions: Option<usize>,
}

impl Settings {
    /// # Errors
    /// If a named settings file does not exist, is not TOML, has an unknown key or a wrong value, or if a glob is not valid.
    pub fn load(overrides: &Overrides) -> Result<Settings, Error> {
        let places = Places::find(overrides)?;
        let file = places.read()?;
        Settings::of(places, &file)
    }

    /// The same for a command that needs the places alone, which are not in the file. If the file cannot be used, the other settings
    /// have their defaults, and the second value says why.
    ///
    /// # Errors
    /// If there is no place for the data or the socket.
    pub fn load_places(overrides: &Overrides) -> Result<(Settings, Option<Error>), Error> {
        match Settings::load(overrides) {
            Ok(settings) => Ok((settings, None)),
            Err(broken @ (Error::Read { .. } | Error::File { .. })) => {
                Ok((Settings::of(Places::find(overrides)?, &File::default())?, Some(broken)))
            }
            Err(e) => Err(e),
        }
    }

    fn of(places: Places, file: &File) -> Result<Settings, Error> {
        let Places { data_dir, socket, socket_is_named, config, named_config } = places;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let limits = Limits::default();
        let rules = Rules::new(&file.exclude, &file.include).map_err(|reason| Error::File { path: config.clone(), reason })?;
        let kept_pictures = match file.kept_pictures.as_deref() {
            None => Some(data_dir.clone()),
            Some("off") => None,
            Some(folder) if Path::new(folder).is_absolute() => Some(PathBuf::from(folder)),
            Some(other) => {
                let reason = format!("kept-pictures must be the absolute path of a folder, or off, and not {other}");
                return Err(Error::File { path: config, reason });
            }
        };
        Ok(Settings {
            kept_pictures,
            workers: file.workers.unwrap_or(cores).clamp(1, 256),
            limits: Limits {
                bytes: file.max_file_bytes.unwrap_or(limits.bytes),
                pixels: file.max_pixels.unwrap_or(limits.pixels),
                memory: file.max_decode_memory.unwrap_or(limits.memory),
                seconds: file.max_decode_seconds.unwrap_or(limits.seconds).max(1),
            },
            reloadable: ReloadableSettings {
                forget_at_once: file.forget_at_once.unwrap_or(0.5),
                rules: Arc::new(rules),
                notify_desktop: file.notify_desktop.unwrap_or(false),
                tune_after_decisions: file.tune_after_decisions.filter(|n| *n > 0),
            },
            overrides: Overrides { data_dir: Some(data_dir.clone()), socket: Some(socket.clone()), config: named_config },
            data_dir,
            socket,
            socket_is_named,
            config,
        })
    }

    /// All settings, each with its description and source.
    pub fn in_force(&self) -> Vec<InForce> {
        file::in_force(self)
    }

    /// The same as a file.
    pub fn as_file(&self) -> String {
        file::as_file(self)
    }
}

/// Where the data, the socket and the settings file are.
struct Places {
    data_dir: PathBuf,
    socket: PathBuf,
    socket_is_named: bool,
    config: PathBuf,
    /// The settings file, if an option or a variable names it. Then it must exist.
    named_config: Option<PathBuf>,
}

impl Places {
    fn find(overrides: &Overrides) -> Result<Places, Error> {
        let chosen = |flag: &Option<PathBuf>, variable: &str| {
            flag.clone().or_else(|| env::var_os(variable).filter(|v| !v.is_empty()).map(PathBuf::from))
        };
        let home = ProjectDirs::from("", "", "similard");
        let named_config = chosen(&overrides.config, "SIMILARD_CONFIG").map(|config| absolute(&config));
        let data_dir = match chosen(&overrides.data_dir, "SIMILARD_DATA_DIR") {
            Some(named) => absolute(&named),
            None => {
                require_own_home()?;
                home.as_ref().map(|h| absolute(h.data_dir())).ok_or(Error::NoHome)?
            }
        };
        let named_socket = chosen(&overrides.socket, "SIMILARD_SOCKET");
        let socket_is_named = named_socket.is_some();
        let socket = match named_socket {
            Some(socket) => absolute(&socket),
            // An instance with its own data directory must not use the default socket.
            None if overrides.data_dir.is_some() || env::var_os("SIMILARD_DATA_DIR").is_some() => data_dir.join("api.sock"),
            None => env::var_os("XDG_RUNTIME_DIR")
                // That of another user, as after su, is not a place for this user's socket.
                .filter(|run| Path::new(run).is_absolute() && owner(Path::new(run)).is_none_or(|owner| owner == own_user()))
                .map(|run| Path::new(&run).join("similard/api.sock"))
                .unwrap_or_else(|| data_dir.join("api.sock")),
        };
        if socket.as_os_str().len() > 107 {
            return Err(Error::LongSocket(socket));
        }
        let config = named_config.clone().or_else(|| home.map(|h| h.config_dir().join("config.toml"))).unwrap_or_default();
        Ok(Places { data_dir, socket, socket_is_named, config, named_config })
    }

    fn read(&self) -> Result<File, Error> {
        match fs::read_to_string(&self.config) {
            Ok(text) => File::parse(&text).map_err(|reason| Error::File { path: self.config.clone(), reason }),
            Err(e) if e.kind() == io::ErrorKind::NotFound && self.named_config.is_none() => Ok(File::default()),
            Err(source) => Err(Error::Read { path: self.config.clone(), source }),
        }
    }
}

/// Checks that the folder for the data is this user's. sudo may keep the `HOME` of the user who calls it, and what root
/// makes there would be in that user's way.
///
/// # Errors
/// [`Error::OthersHome`] if it is not.
pub fn require_own_home() -> Result<(), Error> {
    let named = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|place| place.is_absolute() && place.exists());
    let Some(place) = named.or_else(|| BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())) else { return Ok(()) };
    match owner(&place) {
        Some(owner) if owner != own_user() => Err(Error::OthersHome { place, owner, own: own_user() }),
        _ => Ok(()),
    }
}

/// The user to whom a folder belongs. `None` if there is none.
fn owner(place: &Path) -> Option<u32> {
    fs::metadata(place).ok().map(|found| found.uid())
}

/// The user that this process acts for.
fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Makes a path absolute, because the daemon changes its working directory.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("config.toml");
        fs::write(&config, "wokers = 3\n").expect("written");
        let overrides = Overrides { data_dir: Some(folder.path().to_owned()), config: Some(config.clone()), socket: None };
        let error = Settings::load(&overrides).expect_err("unknown");
        assert!(error.to_string().contains("wokers"), "{error}");
        fs::write(&config, "workers = 3\n").expect("written");
        let settings = Settings::load(&overrides).expect("known");
        assert_eq!(settings.workers, 3);
        assert_eq!(settings.socket, folder.path().join("api.sock"));
    }
}
