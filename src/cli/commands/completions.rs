//! `simctl completions`: the script that completes `simctl` in a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::args::Arguments;

pub fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "simctl", &mut script);
    script
}
