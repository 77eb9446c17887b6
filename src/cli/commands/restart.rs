//! `simctl restart`: ends the daemon and starts it anew.

use std::io::Write;

use crate::cli::answers::Restarted;
use crate::cli::args::TextFormat;
use crate::cli::lifecycle;
use crate::cli::output::{Done, show};
use crate::config::Settings;

pub async fn run(settings: &Settings, format: TextFormat) -> Done {
    let pid = lifecycle::restart(settings).await?;
    show(format, &Restarted { pid }, |out, _| writeln!(out, "the daemon runs, process {pid}"))
}
