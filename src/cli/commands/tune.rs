//! `simctl tune`: tunes a head on this library.

use std::io::{self, IsTerminal, Write, stderr};
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::OwoColorize;

use crate::api::client::{self, Client};
use crate::api::query_of;
use crate::api::types::{ClusterChanges, Outcome, Phase, TuningEnd, TuningOrder, TuningProgress, TuningReport, TuningState};
use crate::cli::args::{PositivesArgument, TuneArguments};
use crate::cli::failure::Failure;
use crate::cli::output::{Done, show};
use crate::cli::session::Session;
use crate::cli::text::{count, shown, tell};
use crate::photo::{ClusterChangeKind, Positives};

/// The pause between two requests for the progress.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// Starts a tuning, or follows the running one, and shows its progress until it ends.
pub async fn run(session: &Session, options: &TuneArguments) -> Done {
    if options.stop {
        session.running().await?.delete("/v1/tune").await?;
        return Ok(ExitCode::SUCCESS);
    }
    let client = session.daemon().await?;
    let (minutes, photos) = (options.minutes.map(|m| m.to_string()), options.photos.map(|n| n.to_string()));
    let positives = match options.positives {
        PositivesArgument::Edits => Positives::Edits,
        PositivesArgument::Folders => Positives::Folders,
        PositivesArgument::Decisions => Positives::Decisions,
    };
    let given = [("name", &options.name), ("minutes", &minutes), ("photos", &photos)];
    let given = given.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?.as_bytes())));
    let query = query_of(given.chain([("positives", positives.name().as_bytes())]));
    match client.post::<TuningOrder>(&format!("/v1/tune?{query}"), Vec::new()).await {
        Ok(_) => {}
        Err(client::Error::Refused(e)) if e.code == "tuning" => tell(format_args!("{}; its progress follows", shown(&e.message))),
        Err(e) => return Err(e.into()),
    }
    let end = tokio::select! {
        end = follow(&client) => end?,
        _ = tokio::signal::ctrl_c() => {
            tell("the tuning continues; simctl tune shows it again, simctl tune --stop ends it with the result that it has by then");
            return Ok(ExitCode::SUCCESS);
        }
    };
    if end.outcome == Outcome::Failed {
        return Err(Failure::usage(format!("nothing was tuned: {}", end.message)));
    }
    show(options.answer.chosen(), &end, print)
}

/// Shows a tuning on the terminal until it ends.
async fn follow(client: &Client) -> Result<TuningEnd, Failure> {
    let bar = if stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("{msg} {wide_bar:.cyan} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar()));
    loop {
        let state: TuningState = client.get("/v1/tune").await?;
        if let Some(at) = &state.progress {
            bar.set_length(at.of.max(1));
            bar.set_position(at.done);
            bar.set_message(progress(at));
        } else if let Some(end) = state.ended {
            bar.finish_and_clear();
            return Ok(end);
        } else {
            return Err(Failure::unreachable("the daemon does not know this tuning").hint("was its data directory removed?"));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// The progress as one line.
pub fn progress(at: &TuningProgress) -> String {
    let left = match at.left {
        0..90 => format!("{} s", at.left),
        _ => format!("{} min", at.left.div_ceil(60)),
    };
    match at.phase {
        Phase::Preparing if at.of == 0 => "choosing photos".into(),
        Phase::Preparing => format!("making edited versions of photos, {left} left at most"),
        Phase::Training => {
            let loss = at.loss.map_or_else(String::new, |loss| format!(", loss {loss:.3}"));
            let recall = at.recall.map_or_else(String::new, |recall| format!(", {:.1} % of the test versions nearest", 100.0 * recall));
            format!("training{loss}{recall}, {left} left at most")
        }
        Phase::Judging => "testing it on held-out photos".into(),
        Phase::Pairing => "computing the pairs of the library again".into(),
    }
}

fn print(out: &mut impl Write, end: &TuningEnd) -> io::Result<()> {
    if let Some(r) = &end.report {
        report(out, r, end.positives)?;
    }
    writeln!(out, "{}: {}", shown(&end.name).bold(), shown(&end.message))
}

fn report(out: &mut impl Write, r: &TuningReport, positives: Positives) -> io::Result<()> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    if positives == Positives::Folders {
        return writeln!(
            out,
            "of the ten photos nearest to each of {} held-out photos, {} are of the same folder, {} before",
            r.held_out,
            percent(r.after.recall),
            percent(r.before.recall)
        );
    }
    let more = r.after.found as i64 - r.before.found as i64;
    let found = format!("{} of {} test versions are found, {} before ({more:+})", r.after.found, r.copies, r.before.found);
    let wrong = r.after.false_pairs as i64 - r.before.false_pairs as i64;
    writeln!(
        out,
        "{found}; {} of different photos, {} before ({wrong:+})",
        count(r.after.false_pairs, "pair", "pairs"),
        r.before.false_pairs
    )?;
    if let Some(clusters) = &r.clusters {
        changes(out, clusters)?;
    }
    if positives == Positives::Decisions {
        return writeln!(
            out,
            "it agrees with {} of {} that it did not learn from, {} before; {} s",
            r.after.agreed,
            count(r.decisions, "decision", "decisions"),
            r.before.agreed,
            r.seconds
        );
    }
    writeln!(
        out,
        "at a precision of 99.9 %: {} of the pairs of versions, {} before; threshold {:.3}, {:.3} before",
        percent(r.after.recall),
        percent(r.before.recall),
        r.after.threshold,
        r.before.threshold
    )?;
    if r.decisions > 0 {
        writeln!(
            out,
            "the head agrees with {} of {}, {} before",
            r.after.agreed,
            count(r.decisions, "decision", "decisions"),
            r.before.agreed
        )?;
    }
    writeln!(out, "tuned on {}, tested on {} others, {} steps, {} s", count(r.tuned_on, "photo", "photos"), r.held_out, r.steps, r.seconds)
}

/// Prints how clusters change, with some examples.
pub fn changes(out: &mut impl Write, c: &ClusterChanges) -> io::Result<()> {
    if c.new + c.gone + c.grown + c.shrunk == 0 {
        return writeln!(out, "clusters of this library: no changes");
    }
    writeln!(out, "clusters of this library: {} new, {} gone, {} grown, {} shrunk", c.new, c.gone, c.grown, c.shrunk)?;
    for example in &c.examples {
        let change = match example.change {
            ClusterChangeKind::New => "new".green().to_string(),
            ClusterChangeKind::Gone => "gone".yellow().to_string(),
            ClusterChangeKind::Grown => "grown".green().to_string(),
            ClusterChangeKind::Shrunk => "shrunk".yellow().to_string(),
        };
        writeln!(out, "  {change}")?;
        example.paths.iter().try_for_each(|path| writeln!(out, "    {}", shown(path)))?;
    }
    Ok(())
}
