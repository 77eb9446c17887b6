//! `simctl stop`: ends the daemon.

use std::io::Write;

use crate::cli::answers::Stopped;
use crate::cli::args::TextFormat;
use crate::cli::lifecycle;
use crate::cli::output::{Done, show};
use crate::cli::systemd::SERVICE;
use crate::config::Settings;

pub async fn run(settings: &Settings, format: TextFormat) -> Done {
    let stopped = lifecycle::stop(settings).await?;
    show(format, &stopped, |out, stopped| match stopped {
        Stopped { unit: Some(unit), .. } => {
            let again = if unit == SERVICE { "; the next request starts it again, unless you run simctl service remove" } else { "" };
            writeln!(out, "{unit} is stopped{again}")
        }
        Stopped { process: Some(pid), .. } => writeln!(out, "the daemon (process {pid}) has ended"),
        Stopped { .. } => writeln!(out, "no daemon runs"),
    })
}
