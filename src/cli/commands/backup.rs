//! `simctl backup`: copies `library.db`, with or without a running daemon.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use crate::api::text_of;
use crate::api::types::{ProblemCode, Status};
use crate::cli::answers::BackedUp;
use crate::cli::args::TextFormat;
use crate::cli::failure::{Failure, UNWRITTEN};
use crate::cli::files;
use crate::cli::output::{Done, show};
use crate::cli::running::{Found, find};
use crate::cli::text::{bytes, count, shown, shown_path};
use crate::config::Settings;
use crate::store::{self, Location, backup};

/// Why there is no backup.
enum BackupError {
    File(io::Error),
    Library(store::Error),
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> BackupError {
        BackupError::File(error)
    }
}

pub async fn run(settings: &Settings, file: &Path, format: TextFormat) -> Done {
    check_daemon(settings).await?;
    let location = Location::new(&settings.data_dir);
    if !location.library().exists() {
        let message = format!("there is nothing to back up: {} does not exist", shown_path(&location.library()));
        return Err(Failure::usage(message).hint("--data-dir names another data directory"));
    }
    let file = std::path::absolute(file)?;
    let copied = files::create(&file, |beside| backup::back_up(&location, beside).map_err(BackupError::Library));
    let copied = copied.map_err(|problem| match problem {
        BackupError::File(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{} is there already; it was not changed", shown_path(&file))).hint("name a new file")
        }
        BackupError::File(e) => Failure::unwritten_file(&file, &e).hint("no backup was made; name a file in another place"),
        BackupError::Library(e @ store::Error::Open { .. }) => {
            Failure::usage(e.to_string()).hint("while no daemon runs, a plain copy of library.db is a backup, too")
        }
        BackupError::Library(e) if e.is_disk() => Failure { code: UNWRITTEN, ..Failure::usage(e.to_string()) }
            .hint("no backup was made; make room, or name a file in another place"),
        BackupError::Library(e) => Failure::usage(e.to_string()).hint("no backup was made"),
    })?;
    let backup::Copied { roots, decisions, heads } = copied;
    let answer = BackedUp { file: text_of(&file), bytes: std::fs::metadata(&file).map_or(0, |m| m.len()), roots, decisions, heads };
    show(format, &answer, |out, copied| {
        writeln!(
            out,
            "backed up {}, {} and {} to {}, {}",
            count(copied.roots, "folder", "folders"),
            count(copied.decisions, "decision", "decisions"),
            count(copied.heads, "head", "heads"),
            shown_path(&file),
            bytes(copied.bytes)
        )
    })
}

/// Asks a daemon that runs whether `library.db` is the file that it has open. What it knows would not be in a copy of another.
async fn check_daemon(settings: &Settings) -> Result<(), Failure> {
    let Ok(Found::Daemon(client, _)) = find(settings, Duration::ZERO).await else { return Ok(()) };
    // A daemon of another version may answer otherwise.
    let Ok(status) = client.get::<Status>("/v1/status").await else { return Ok(()) };
    match status.problems.into_iter().find(|problem| problem.code == ProblemCode::LibraryFile) {
        Some(problem) => Err(Failure::usage(shown(&problem.message)).hint("no backup was made")),
        None => Ok(()),
    }
}
