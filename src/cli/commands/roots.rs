//! `simctl roots`: adds, removes and lists watched folders.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use owo_colors::OwoColorize;

use crate::api::query_of;
use crate::api::types::RootStatus;
use crate::cli::args::RootsCommand;
use crate::cli::broad::consent;
use crate::cli::output::{Done, show};
use crate::cli::session::{Session, all_existing, existing, watch};
use crate::cli::text::{count, coverage, shown};

pub async fn run(session: &Session, command: RootsCommand) -> Done {
    match command {
        RootsCommand::Add { paths, yes } => {
            let folders = all_existing(&paths)?;
            let client = session.daemon().await?;
            if !yes {
                consent(&client, &folders).await?;
            }
            for folder in folders {
                watch(&client, folder).await?;
            }
        }
        RootsCommand::Remove { paths } => {
            let client = session.daemon().await?;
            for path in &paths {
                // A folder that no longer exists is removed by the path as it was typed.
                let path = existing(path).or_else(|_| std::path::absolute(path))?;
                client.delete(&format!("/v1/roots?{}", query_of([("path", path.as_os_str().as_bytes())]))).await?;
            }
        }
        RootsCommand::List { format } => {
            let roots: Vec<RootStatus> = session.running().await?.get("/v1/roots").await?;
            return show(format, &roots, |out, roots| print_with_rules(out, roots));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the roots, and why one is offline or not watched.
pub fn print(out: &mut impl Write, roots: &[RootStatus]) -> io::Result<()> {
    if roots.is_empty() {
        return writeln!(out, "no folder is watched; simctl roots add DIR adds one");
    }
    for root in roots {
        let state = match (root.state.as_str(), root.busy) {
            ("offline", _) => "offline".yellow().to_string(),
            (_, true) => "busy".cyan().to_string(),
            _ => "online".green().to_string(),
        };
        writeln!(out, "{}  {state}, {}", shown(&root.path.path).bold(), coverage(&root.coverage))?;
        if let Some(why) = &root.offline {
            writeln!(out, "    {why}; its photos stay known, and it is recognised when it is back")?;
        } else if let Some(why) = &root.unwatched {
            let every = span(root.scanned_every);
            writeln!(out, "    {} this folder is scanned every {every}, because {why}", "note:".yellow())?;
        }
        if let Some(last) = root.last_scan {
            let ago = SystemTime::now().duration_since(UNIX_EPOCH + Duration::from_secs(last)).unwrap_or_default().as_secs();
            let (photos, events) = (count(root.photos, "photo", "photos"), count(root.events, "event", "events"));
            writeln!(out, "    {}", format!("{photos}, scanned {} ago, {events}", span(ago)).dimmed())?;
        }
        if root.times_lost > 0 {
            let times = count(root.times_lost, "time", "times");
            writeln!(out, "    {} events were lost {times}, and the folder was scanned again", "note:".yellow())?;
        }
        if root.missing > 0 {
            writeln!(out, "    {} {} files are gone at once; simctl scan --forget DIR forgets them", "warning:".yellow(), root.missing)?;
        }
        if root.away > 0 {
            let files = count(root.away, "file is", "files are");
            writeln!(out, "    {} {files} on a filesystem that is not mounted now; they stay known", "note:".yellow())?;
        }
    }
    Ok(())
}

/// Prints the roots, and the globs in force.
fn print_with_rules(out: &mut impl Write, list: &[RootStatus]) -> io::Result<()> {
    print(out, list)?;
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
