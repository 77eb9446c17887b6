//! `simctl status`: what the daemon is doing.

use std::io::{self, Write};
use std::process::ExitCode;

use owo_colors::OwoColorize;

use super::{roots, tune};
use crate::api::types::{Activity, FenceStatus, Status};
use crate::cli::args::{StatusFormat, TextFormat};
use crate::cli::failure::Failure;
use crate::cli::metrics;
use crate::cli::output::{Audience, Done, output, show};
use crate::cli::session::Session;
use crate::cli::text::{count, coverage, shown};

pub async fn run(session: &Session, format: StatusFormat) -> Done {
    match format {
        StatusFormat::Text => show(TextFormat::Text, &status(session).await?, print),
        StatusFormat::Json => show(TextFormat::Json, &status(session).await?, print),
        StatusFormat::Prometheus => metrics(session).await,
    }
}

async fn status(session: &Session) -> Result<Status, Failure> {
    Ok(session.running().await?.get("/v1/status").await?)
}

/// Where no daemon answers, the metrics say so, and the exit code too.
async fn metrics(session: &Session) -> Done {
    let status = status(session).await;
    output(Audience::Program, |out| out.write_all(metrics::text(status.as_ref().ok()).as_bytes()))?;
    status.map(|_| ExitCode::SUCCESS)
}

fn print(out: &mut impl Write, s: &Status) -> io::Result<()> {
    writeln!(out, "{} {}, process {}, {}", "similard".bold(), s.version.version, s.version.pid, activity(s))?;
    s.problems.iter().try_for_each(|problem| writeln!(out, "{} {}", "problem:".red().bold(), shown(&problem.message)))?;
    if !s.missing_sandbox_layers.is_empty() {
        writeln!(out, "{} photos are decoded without {}", "note:".yellow(), shown(&s.missing_sandbox_layers.join(", without ")))?;
    }
    writeln!(out, "photos     {}", s.photos)?;
    writeln!(out, "files      {}", coverage(&s.coverage))?;
    writeln!(
        out,
        "read       {} files since the index was made, {} pictures decoded, {} compared",
        s.counters.read, s.counters.decoded, s.counters.embedded
    )?;
    writeln!(
        out,
        "encoder    {} (simctl heads list explains it), threshold {}, pairs kept up to {}",
        shown(&s.head),
        s.threshold,
        s.max_pair_distance
    )?;
    if s.decisions > 0 {
        let doubtful = if s.contradictions > 0 { "; some contradict others: simctl decisions list shows which" } else { "" };
        writeln!(out, "decided    {}{doubtful}", count(s.decisions, "pair of photos", "pairs of photos"))?;
    }
    if let Some(progress) = &s.tuning {
        writeln!(out, "tuning     {}: {}", shown(&progress.name), tune::progress(progress))?;
    }
    writeln!(out, "index      {}", shown(&s.data_dir))?;
    fence(out, &s.fence)?;
    roots::print(out, &s.roots)
}

fn activity(s: &Status) -> String {
    match s.activity {
        Activity::Idle => "idle".to_owned(),
        Activity::Scanning => "scanning".to_owned(),
        Activity::Reading => format!("reading, {} to go", s.coverage.pending),
    }
}

fn fence(out: &mut impl Write, fence: &FenceStatus) -> io::Result<()> {
    let landlock = fence.landlock.map(|version| format!("landlock {version}"));
    let standing: Vec<String> = landlock.into_iter().chain(fence.seccomp.then(|| "seccomp".to_owned())).collect();
    writeln!(out, "fence      {}", if standing.is_empty() { "none".to_owned() } else { standing.join(", ") })?;
    fence.missing.iter().try_for_each(|missing| writeln!(out, "           {} without {}", "note:".yellow(), shown(missing)))
}
