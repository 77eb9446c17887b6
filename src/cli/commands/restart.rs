//! `simctl restart`: ends the daemon and starts it anew.

use std::process::ExitCode;

use crate::cli::lifecycle;
use crate::cli::output::Done;
use crate::config::Settings;

pub async fn run(settings: &Settings) -> Done {
    let pid = lifecycle::restart(settings).await?;
    anstream::println!("the daemon runs, process {pid}");
    Ok(ExitCode::SUCCESS)
}
