//! Waiting for the daemon, with a progress bar on a terminal.

use std::collections::HashSet;
use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::pin::pin;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use owo_colors::OwoColorize;

use super::failure::Failure;
use super::interrupt;
use super::session::{Parameters, about};
use super::text::{shown, tell};
use crate::api::client::Client;
use crate::api::query_of;
use crate::api::types::Progress;

/// What to do while the daemon cannot store anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It continues once there is room.
    Wait,
    /// What is stored by now is enough.
    GoOn,
    GiveUp,
}

/// Waits until everything under the paths is read. With [`WhenFull::GoOn`] what is not read by then is said by the places.
pub async fn wait(client: &Client, paths: &[PathBuf], when_full: WhenFull) -> Result<Progress, Failure> {
    // It is shown once there is something to wait for.
    let bar = ProgressBar::hidden();
    let rate = |state: &ProgressState, out: &mut dyn Write| {
        let _ = write!(out, "{:.0}/s", state.per_sec());
    };
    let style = ProgressStyle::with_template("{msg} {wide_bar:.cyan} {pos}/{len}  {rate}  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.with_key("rate", rate));
    bar.set_message("reading photos");
    let _heeded = interrupt::while_waiting();
    let mut pressed = pin!(interrupt::pressed());
    let mut first: Option<u64> = None;
    let mut reported: HashSet<String> = HashSet::new();
    let mut moment: Option<u64> = None;
    loop {
        let since = moment.map(|moment| ("since", moment.to_string().into_bytes()));
        let ask = async |query: Parameters| {
            let query = query.into_iter().chain([("timeout_ms", b"200".to_vec())]).chain(since.clone());
            Ok(client.ask::<Progress>("/v1/wait", query_of(query)).await?)
        };
        let progress = tokio::select! {
            progress = about(paths, ask) => progress?,
            () = &mut pressed => {
                bar.finish_and_clear();
                return Err(interrupt::reads_on());
            }
        };
        moment = progress.moment;
        if let Some(why) = progress.not_storing.as_ref().filter(|_| when_full == WhenFull::GiveUp) {
            bar.finish_and_clear();
            return Err(Failure::usage(why).hint("nothing was changed; try again when there is room"));
        }
        for problem in &progress.problems {
            if reported.insert(problem.message.clone()) {
                bar.suspend(|| tell(format_args!("{} {}", "warning:".yellow().bold(), shown(&problem.message))));
            }
        }
        if progress.settled || progress.not_storing.is_some() && when_full == WhenFull::GoOn {
            bar.finish_and_clear();
            return Ok(progress);
        }
        let c = progress.coverage;
        let total = c.indexed + c.pending + c.failed + c.unsupported;
        let done = total - c.pending;
        // What was read before this question says nothing of how fast the rest goes.
        let before = *first.get_or_insert_with(|| {
            if stderr().is_terminal() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.reset();
            done
        });
        bar.set_length(total.saturating_sub(before));
        bar.set_position(done.saturating_sub(before));
    }
}
