//! `simctl events`: prints events as they happen.

use std::io::{self, Write};
use std::process::ExitCode;

use owo_colors::OwoColorize;

use super::tune;
use crate::api::types::{Event, EventKind, Versioned};
use crate::cli::args::EventsFormat;
use crate::cli::output::{Audience, Done, output};
use crate::cli::session::Session;
use crate::cli::text::{count, shown};

pub async fn run(session: &Session, format: EventsFormat) -> Done {
    let client = session.running().await?;
    let mut broken = None;
    let listening = client.events(|event| {
        let audience = if format == EventsFormat::Text { Audience::Person } else { Audience::Program };
        let printed = output(audience, |out| match format {
            EventsFormat::Text => print(out, &event),
            EventsFormat::Ndjson => {
                serde_json::to_writer(&mut *out, &Versioned::of(&event))?;
                writeln!(out)
            }
        });
        broken = printed.err();
        broken.is_none()
    });
    tokio::select! {
        ended = listening => ended?,
        _ = tokio::signal::ctrl_c() => {}
    }
    broken.map_or(Ok(ExitCode::SUCCESS), Err)
}

fn print(out: &mut impl Write, event: &Event) -> io::Result<()> {
    match &event.kind {
        EventKind::Added(path) => writeln!(out, "{}   {}", "added".green(), shown(&path.path)),
        EventKind::Failed { path, reason } => writeln!(out, "{}  {}: {}", "failed".red(), shown(&path.path), shown(reason)),
        EventKind::Changed(path) => writeln!(out, "{} {}", "changed".green(), shown(&path.path)),
        EventKind::Moved { from, path } => writeln!(out, "moved   {} to {}", shown(&from.path), shown(&path.path)),
        EventKind::Gone(path) => writeln!(out, "{}    {}", "gone".yellow(), shown(&path.path)),
        EventKind::NewCluster { paths, .. } => writeln!(out, "{} {}", "version".bold(), paths_of(paths)),
        EventKind::ClusterGrew { paths, .. } => writeln!(out, "{} {}", "more   ".bold(), paths_of(paths)),
        EventKind::Offline { path, reason } => writeln!(out, "offline {}: {}", shown(&path.path), shown(reason)),
        EventKind::Online(path) => writeln!(out, "online  {}", shown(&path.path)),
        EventKind::ScanStarted(path) => writeln!(out, "scan    {}", shown(&path.path)),
        EventKind::ScanProgress { path, entries } => writeln!(out, "scan    {}: {entries} entries found", shown(&path.path)),
        EventKind::ScanFinished { path, changes } => {
            writeln!(out, "scanned {}: {}", shown(&path.path), count(*changes, "change", "changes"))
        }
        EventKind::Decided { pairs, verdict } => writeln!(out, "decided {} {}", count(*pairs, "pair", "pairs"), verdict.name()),
        EventKind::Tuning(progress) => writeln!(out, "tuning  {}: {}", shown(&progress.name), tune::progress(progress)),
        EventKind::Tuned(end) => writeln!(out, "tuned   {}: {}", shown(&end.name), shown(&end.message)),
        EventKind::HeadChanged { name } => writeln!(out, "head    {} answers from now on", shown(name)),
        EventKind::Missed { count: missed } => writeln!(out, "{}  {missed} events were lost", "missed".red()),
    }
}

/// The first few files of a cluster.
fn paths_of(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let first: Vec<String> = paths.iter().take(SHOWN).map(|path| shown(path)).collect();
    let rest = if paths.len() > SHOWN { format!(" and {} more", paths.len() - SHOWN) } else { String::new() };
    format!("{}{rest}", first.join(", "))
}
