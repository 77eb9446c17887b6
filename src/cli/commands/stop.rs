//! `simctl stop`: ends the daemon.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::lifecycle::{self, Stopped};
use crate::cli::output::{Audience, Done, output};
use crate::cli::systemd::SERVICE;
use crate::config::Settings;

pub async fn run(settings: &Settings) -> Done {
    let line = match lifecycle::stop(settings).await? {
        Stopped::Nothing => "no daemon runs".into(),
        Stopped::Process(pid) => format!("the daemon (process {pid}) has ended"),
        Stopped::Unit(unit) => {
            let again = if unit == SERVICE { "; the next request starts it again, unless you run simctl service remove" } else { "" };
            format!("{unit} is stopped{again}")
        }
    };
    output(Audience::Person, |out| writeln!(out, "{line}"))?;
    Ok(ExitCode::SUCCESS)
}
