//! `simctl stop`: ends the daemon.

use std::process::ExitCode;

use crate::cli::lifecycle::{self, Stopped};
use crate::cli::output::Done;
use crate::cli::systemd::SERVICE;
use crate::config::Settings;

pub async fn run(settings: &Settings) -> Done {
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
