//! Why the daemon did not start, or ended.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::heads;
use super::intake::Refused;
use crate::likeness::HeadError;
use crate::store;
use crate::vision::backbone;

/// Why the daemon did not start, or ended.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{path} cannot be used: {source}")]
    DataDirectory { path: PathBuf, source: io::Error },
    #[error("other users can access {0}, which would hold your paths and decisions; run chmod 700 on it")]
    OpenDataDirectory(PathBuf),
    #[error("a daemon already runs on {0}")]
    AlreadyRunning(PathBuf),
    #[error("the socket {path} cannot be created: {source}")]
    Socket { path: PathBuf, source: io::Error },
    #[error("other users can access {0}, which would hold the socket; run chmod 700 on it")]
    OpenDirectory(PathBuf),
    #[error("another process already listens at {0}")]
    SocketTaken(PathBuf),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Intake(#[from] Refused),
    #[error(transparent)]
    Backbone(#[from] backbone::Error),
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error(transparent)]
    Heads(#[from] heads::Error),
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}
