//! `simctl restart`: ends the daemon and starts it anew.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::lifecycle;
use crate::cli::output::{Audience, Done, output};
use crate::config::Settings;

pub async fn run(settings: &Settings) -> Done {
    let pid = lifecycle::restart(settings).await?;
    output(Audience::Person, |out| writeln!(out, "the daemon runs, process {pid}"))?;
    Ok(ExitCode::SUCCESS)
}
