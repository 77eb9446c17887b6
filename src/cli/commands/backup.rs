//! `simctl backup`: copies `library.db`, with or without a running daemon.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::output::{Audience, Done, output};
use crate::cli::text::{bytes, count, shown_path};
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

pub fn run(settings: &Settings, file: &Path) -> Done {
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
        BackupError::File(e) => Failure::usage(format!("{} cannot be written: {e}", shown_path(&file))),
        BackupError::Library(e @ store::Error::Open { .. }) => {
            Failure::usage(e.to_string()).hint("while no daemon runs, a plain copy of library.db is a backup, too")
        }
        BackupError::Library(e) => Failure::usage(e.to_string()).hint("no backup was made"),
    })?;
    let size = std::fs::metadata(&file).map_or(0, |m| m.len());
    output(Audience::Person, |out| {
        writeln!(
            out,
            "backed up {}, {} and {} to {}, {}",
            count(copied.roots, "folder", "folders"),
            count(copied.decisions, "decision", "decisions"),
            count(copied.heads, "head", "heads"),
            shown_path(&file),
            bytes(size)
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
