//! What people and scripts see.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use humansize::{DECIMAL, format_size};
use owo_colors::OwoColorize;

use super::tuning;
use crate::api::types::{Comparison, Event, Failures, FenceStatus, FilePair, PathText, RootStatus, Similar, Status, What};
use crate::photo::{Coverage, Relation, Verdict};

pub fn bytes(count: u64) -> String {
    format_size(count, DECIMAL)
}

pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A path in tab-separated output: TAB, newline and backslash escaped, all other bytes as they are.
pub fn escaped(path: &PathText) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in path.to_path().as_os_str().as_bytes() {
        match byte {
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            b'\\' => out.extend(b"\\\\"),
            _ => out.push(byte),
        }
    }
    out
}

/// A path for eyes: control characters would move the cursor.
pub fn shown(path: &str) -> String {
    path.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `2026-05-01 10:00`.
pub fn time(taken: &str) -> String {
    taken.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

pub fn coverage(c: &Coverage) -> String {
    let mut parts = vec![count(c.indexed, "file indexed", "files indexed")];
    let more =
        [(c.pending, "pending"), (c.failed, "could not be read"), (c.unsupported, "of formats not read yet"), (c.offline, "offline")];
    parts.extend(more.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    parts.join(", ")
}

pub fn pair(out: &mut impl Write, pair: &FilePair) -> io::Result<()> {
    write!(out, "{:.4}\t", pair.distance)?;
    out.write_all(&escaped(&pair.a))?;
    out.write_all(b"\t")?;
    out.write_all(&escaped(&pair.b))?;
    writeln!(out, "\t{}", pair.relation)
}

pub fn similar(out: &mut impl Write, similar: &Similar) -> io::Result<()> {
    for near in &similar.similar {
        let photo = &near.photo;
        let size = format!("{} × {}", photo.width, photo.height);
        let relation = near.relation.to_string();
        writeln!(
            out,
            "{}  {relation:<9}  {size:>13}  {:>10}  {}",
            format!("{:.4}", near.distance).bold(),
            bytes(photo.bytes),
            shown(&photo.path.path)
        )?;
    }
    Ok(())
}

pub fn comparison(out: &mut impl Write, c: &Comparison) -> io::Result<()> {
    let verdict = match (c.relation, c.crowded <= c.threshold) {
        _ if c.decided == Some(Verdict::Same) => "versions of one photo, as you said".green().to_string(),
        _ if c.decided == Some(Verdict::Different) => "two photos, as you said".yellow().to_string(),
        (Relation::Identical, _) => "one photo".green().to_string(),
        (Relation::Moment, _) => "two exposures, by the camera's clock".yellow().to_string(),
        (_, true) => "versions of one photo".green().to_string(),
        (_, false) => "two photos".yellow().to_string(),
    };
    let crowd = if c.crowded > c.distance { format!(", counts as {:.4} among photos as much alike", c.crowded) } else { String::new() };
    writeln!(out, "distance {}{crowd} (threshold {}): {verdict}", format!("{:.4}", c.distance).bold(), c.threshold)?;
    c.differences.iter().try_for_each(|line| writeln!(out, "  {line}"))
}

pub fn roots(out: &mut impl Write, roots: &[RootStatus]) -> io::Result<()> {
    if roots.is_empty() {
        return writeln!(out, "no folder is watched; simctl roots add DIR, or simctl dupes DIR, changes that");
    }
    for root in roots {
        let state = match (root.state.as_str(), root.busy) {
            ("offline", _) => "offline".yellow().to_string(),
            (_, true) => "busy".cyan().to_string(),
            _ => "online".green().to_string(),
        };
        writeln!(out, "{}  {state}, {}", shown(&root.path.path).bold(), coverage(&root.coverage))?;
        if let Some(why) = &root.offline {
            writeln!(out, "    {why}; its photos stay, and it is known when it is back")?;
        } else if let Some(why) = &root.unwatched {
            let every = span(root.scanned_every);
            writeln!(out, "    {} it is scanned every {every}, because {why}", "note:".yellow())?;
        }
        if let Some(last) = root.last_scan {
            let ago = SystemTime::now().duration_since(UNIX_EPOCH + Duration::from_secs(last)).unwrap_or_default().as_secs();
            let (photos, events) = (count(root.photos, "photo", "photos"), count(root.events, "event", "events"));
            writeln!(out, "    {}", format!("{photos}, looked through {} ago, {events} heard", span(ago)).dimmed())?;
        }
        if root.times_lost > 0 {
            let times = count(root.times_lost, "time", "times");
            writeln!(out, "    {} events were lost {times}, and everything was looked at again", "note:".yellow())?;
        }
        if root.missing > 0 {
            writeln!(out, "    {} {} files are gone at once; simctl scan --forget forgets them", "warning:".yellow(), root.missing)?;
        }
        if root.away > 0 {
            let files = count(root.away, "file is", "files are");
            writeln!(out, "    {} {files} on a filesystem that is not mounted now; they stay known", "note:".yellow())?;
        }
    }
    Ok(())
}

/// The roots, and what is left out below them.
pub fn roots_and_rules(out: &mut impl Write, list: &[RootStatus]) -> io::Result<()> {
    roots(out, list)?;
    let Some(root) = list.first() else { return Ok(()) };
    writeln!(out, "{} {}", "left out:".dimmed(), root.excluded.join("  ").dimmed())?;
    if !root.included.is_empty() {
        writeln!(out, "{} {}", "but not:".dimmed(), root.included.join("  ").dimmed())?;
    }
    Ok(())
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds / 3600),
    }
}

pub fn status(out: &mut impl Write, s: &Status) -> io::Result<()> {
    writeln!(out, "{} {}, process {}, {}", "similard".bold(), s.version.version, s.version.pid, s.activity)?;
    s.problems.iter().try_for_each(|problem| writeln!(out, "{} {problem}", "problem:".red().bold()))?;
    if !s.unfenced.is_empty() {
        writeln!(out, "{} photos are decoded without {}", "note:".yellow(), s.unfenced.join(", without "))?;
    }
    writeln!(out, "photos     {}", s.photos)?;
    writeln!(out, "files      {}", coverage(&s.coverage))?;
    writeln!(out, "so far     {} read, {} decoded, {} embedded", s.counters.read, s.counters.decoded, s.counters.embedded)?;
    writeln!(out, "encoder    head {}, threshold {}, pairs kept up to {}", s.head, s.threshold, s.reach)?;
    if s.decisions > 0 {
        writeln!(out, "decided    {}", count(s.decisions, "pair of photos", "pairs of photos"))?;
    }
    if let Some(progress) = &s.tuning {
        writeln!(out, "tuning     {}: {}", progress.name, tuning::progress(progress))?;
    }
    writeln!(out, "index      {}", shown(&s.data_dir))?;
    fence(out, &s.fence)?;
    roots(out, &s.roots)
}

fn fence(out: &mut impl Write, fence: &FenceStatus) -> io::Result<()> {
    let landlock = fence.landlock.map(|version| format!("landlock {version}"));
    let standing: Vec<String> = landlock.into_iter().chain(fence.seccomp.then(|| "seccomp".to_owned())).collect();
    writeln!(out, "fence      {}", if standing.is_empty() { "none".to_owned() } else { standing.join(", ") })?;
    fence.missing.iter().try_for_each(|missing| writeln!(out, "           {} without {missing}", "note:".yellow()))
}

pub fn failures(out: &mut impl Write, failures: &Failures) -> io::Result<()> {
    if failures.failures.is_empty() {
        return writeln!(out, "every photo could be read");
    }
    for failure in &failures.failures {
        writeln!(out, "{}  {}", shown(&failure.path.path).bold(), failure.reason)?;
    }
    writeln!(out, "\nThey are tried again when they change.")
}

pub fn event(out: &mut impl Write, event: &Event) -> io::Result<()> {
    match &event.what {
        What::Added(path) => writeln!(out, "{}   {}", "added".green(), shown(&path.path)),
        What::Failed { path, reason } => writeln!(out, "{}  {}: {reason}", "failed".red(), shown(&path.path)),
        What::Changed(path) => writeln!(out, "{} {}", "changed".green(), shown(&path.path)),
        What::Moved { from, path } => writeln!(out, "moved   {} to {}", shown(&from.path), shown(&path.path)),
        What::Gone(path) => writeln!(out, "{}    {}", "gone".yellow(), shown(&path.path)),
        What::NewCluster { paths, .. } => writeln!(out, "{} {}", "copies ".bold(), paths_of(paths)),
        What::ClusterGrew { paths, .. } => writeln!(out, "{} {}", "more   ".bold(), paths_of(paths)),
        What::Offline { path, reason } => writeln!(out, "offline {}: {reason}", shown(&path.path)),
        What::Online(path) => writeln!(out, "online  {}", shown(&path.path)),
        What::ScanStarted(path) => writeln!(out, "scan    {}", shown(&path.path)),
        What::ScanProgress { path, entries } => writeln!(out, "scan    {}: {entries} entries so far", shown(&path.path)),
        What::ScanFinished { path, changes } => writeln!(out, "scanned {}: {}", shown(&path.path), count(*changes, "change", "changes")),
        What::Decided { pairs, verdict } => writeln!(out, "decided {} {}", count(*pairs, "pair", "pairs"), verdict.name()),
        What::Tuning(progress) => writeln!(out, "tuning  {}: {}", progress.name, tuning::progress(progress)),
        What::Tuned(end) => writeln!(out, "tuned   {}: {}", end.name, end.message),
        What::HeadChanged { name } => writeln!(out, "head    {name} answers from now on"),
        What::Missed { count: missed } => writeln!(out, "{}  {missed} events went by too fast", "missed".red()),
    }
}

/// The first few of the files of a cluster.
fn paths_of(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    let first: Vec<String> = paths.iter().take(SHOWN).map(|path| shown(path)).collect();
    let rest = if paths.len() > SHOWN { format!(" and {} more", paths.len() - SHOWN) } else { String::new() };
    format!("{}{rest}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_newlines_and_backslashes_are_escaped() {
        let path = PathText { path: "/a\tb\nc\\d".into(), path_bytes: None };
        assert_eq!(escaped(&path), b"/a\\tb\\nc\\\\d");
    }
}
