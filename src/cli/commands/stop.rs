//! `simctl stop` and `simctl restart`: ends the daemon, or starts it anew.

use std::process::ExitCode;

use crate::cli::lifecycle::{self, Stopped};
use crate::cli::output::Done;
use crate::cli::systemd::SERVICE;
use crate::config::Settings;

pub async fn stop(settings: &Settings) -> Done {
    match lifecycle::stop(settings).await? {
        Stopped::Nothing => anstream::println!("no daemon runs"),
        Stopped::Process(pid) => anstream::println!("the daemon (process {pid}) has ended"),
        Stopped::Unit(unit) => {
            let again = if unit == SERVICE { "; the next request starts it again, unless you run simctl service remove" } else { "" };
            anstream::println!("{unit} is stopped{again}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn restart(settings: &Settings) -> Done {
    let pid = lifecycle::restart(settings).await?;
    anstream::println!("the daemon runs, process {pid}");
    Ok(ExitCode::SUCCESS)
}
