//! `simctl daemon`: the daemon in the foreground; or, with `--replace`, a restart.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use super::restart;
use crate::cli::args::{DaemonArguments, TextFormat};
use crate::cli::failure::{AGAIN, Failure};
use crate::cli::log;
use crate::cli::start::leave_the_caller;
use crate::config::Settings;
use crate::daemon;
use crate::sys::own_program;

pub fn run(settings: Settings, options: &DaemonArguments) -> Result<ExitCode, Failure> {
    if options.background {
        leave_the_caller();
    }
    if options.replace {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // It runs in the background, so that the prompt is back.
        return runtime.block_on(restart::run(&settings, TextFormat::Text));
    }
    log::start();
    let started_in = env::current_dir();
    if daemon::run(settings)? == daemon::Ended::ToStartAgain {
        if daemon::is_supervised() {
            return Ok(ExitCode::from(AGAIN));
        }
        let arguments = env::args_os().skip(1);
        let mut again = Command::new(own_program()?);
        // Under the same name, because similard and simctl take different arguments.
        again.arg0(env::args_os().next().unwrap_or_default()).args(arguments);
        // The daemon has changed its working directory. Relative paths in the arguments start here.
        if let Ok(folder) = started_in {
            again.current_dir(folder);
        }
        return Err(Failure::from(again.exec()));
    }
    Ok(ExitCode::SUCCESS)
}
