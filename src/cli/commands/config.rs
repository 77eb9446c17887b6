//! `simctl config`: all settings in force.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::output::{Audience, Done, output};
use crate::cli::text::shown_lines;
use crate::config::Settings;

pub fn run(settings: &Settings) -> Done {
    output(Audience::Program, |out| write!(out, "{}", shown_lines(&settings.in_force())))?;
    Ok(ExitCode::SUCCESS)
}
