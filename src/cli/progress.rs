//! Waiting for the daemon, with a bar on a terminal.

use std::collections::HashSet;
use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::OwoColorize;

use super::failure::Failure;
use crate::api::client::Client;
use crate::api::query_of;
use crate::api::types::Progress;

/// Waits until everything under the query's paths is read.
pub async fn wait(client: &Client, paths: &[(&str, Vec<u8>)]) -> Result<Progress, Failure> {
    let bar = if stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{msg} {wide_bar:.cyan} {pos}/{len}  {per_sec}  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.set_message("reading photos");
    let timeout = ("timeout_ms", b"200".to_vec());
    let query = query_of(paths.iter().cloned().chain([timeout]));
    let mut told: HashSet<String> = HashSet::new();
    loop {
        let progress: Progress = client.ask("/v1/wait", query.clone()).await?;
        for problem in &progress.problems {
            if told.insert(problem.clone()) {
                bar.suspend(|| anstream::eprintln!("{} {problem}", "warning:".yellow().bold()));
            }
        }
        if progress.settled {
            bar.finish_and_clear();
            return Ok(progress);
        }
        let c = progress.coverage;
        let total = c.indexed + c.pending + c.failed + c.unsupported;
        bar.set_length(total);
        bar.set_position(total - c.pending);
    }
}
