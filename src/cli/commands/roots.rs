//! `simctl roots`: adds, removes and lists watched folders.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use owo_colors::OwoColorize;

use crate::api::query_of;
use crate::api::types::RootStatus;
use crate::cli::args::RootsCommand;
use crate::cli::broad::consent;
use crate::cli::output::{Audience, Done, output, show};
use crate::cli::session::{Session, all_existing, existing, watch};
use crate::cli::text::{count, coverage, left_out, shown, shown_path};

pub async fn run(session: &Session, command: RootsCommand) -> Done {
    match command {
        RootsCommand::Add { paths, yes } => {
            let folders = all_existing(&paths)?;
            let client = session.daemon().await?;
            if !yes {
                consent(&client, &folders).await?;
            }
            for folder in folders {
                let before: Vec<RootStatus> = client.get("/v1/roots").await?;
                let shown = watch(&client, folder.clone()).await?;
                let after: Vec<RootStatus> = client.get("/v1/roots").await?;
                let line = if shown == folder {
                    added(&folder, &paths_of(&before), &paths_of(&after))
                } else {
                    format!("{} is the same folder as {}, which is watched", shown_path(&folder), shown_path(&shown))
                };
                output(Audience::Person, |out| writeln!(out, "{line}"))?;
            }
        }
        RootsCommand::Remove { paths } => {
            let client = session.daemon().await?;
            let watched = paths_of(&client.get::<Vec<RootStatus>>("/v1/roots").await?);
            for path in &paths {
                // A folder that no longer exists, or is a link by now, is removed by the path as it was typed.
                let typed = std::path::absolute(path)?;
                let path = if watched.contains(&typed) { typed } else { existing(path).unwrap_or(typed) };
                client.delete(&format!("/v1/roots?{}", query_of([("path", path.as_os_str().as_bytes())]))).await?;
                output(Audience::Person, |out| writeln!(out, "{} is no longer watched; its photos stay in the index", shown_path(&path)))?;
            }
        }
        RootsCommand::List { format } => {
            let roots: Vec<RootStatus> = session.running().await?.get("/v1/roots").await?;
            return show(format, &roots, |out, roots| print_with_rules(out, roots));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn paths_of(roots: &[RootStatus]) -> Vec<PathBuf> {
    roots.iter().map(|root| root.path.to_path()).collect()
}

/// What adding a folder did, by the roots before and after.
fn added(folder: &Path, before: &[PathBuf], after: &[PathBuf]) -> String {
    let name = shown_path(folder);
    if before.iter().any(|root| root == folder) {
        return format!("{name} was watched already");
    }
    if !after.iter().any(|root| root == folder) {
        let holding = after.iter().filter(|root| folder.starts_with(root)).max_by_key(|root| root.as_os_str().len());
        return match holding {
            Some(root) => format!("{name} is watched as a part of {}", shown_path(root)),
            None => format!("{name} is watched"),
        };
    }
    let absorbed: Vec<String> = before.iter().filter(|root| !after.contains(root)).map(|root| shown_path(root)).collect();
    let absorbed = if absorbed.is_empty() { String::new() } else { format!("; {} is now a part of it", absorbed.join(", ")) };
    format!("{name} is watched from now on{absorbed}")
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
        if let Some(outer) = &root.inside {
            writeln!(out, "    {}", format!("mounted in {}, managed automatically", shown(&outer.path)).dimmed())?;
        }
        if let Some(why) = &root.offline {
            writeln!(out, "    {}; its photos stay known, and it is recognised when it is back", shown(why))?;
        } else if let Some(why) = &root.unwatched {
            let every = span(root.scanned_every);
            writeln!(out, "    {} this folder is scanned every {every}, because {}", "note:".yellow(), shown(why))?;
        }
        if let Some(last) = root.last_scan {
            let ago = SystemTime::now().duration_since(UNIX_EPOCH + Duration::from_secs(last)).unwrap_or_default().as_secs();
            let (photos, events) = (count(root.photos, "photo", "photos"), count(root.events, "event", "events"));
            writeln!(out, "    {}", format!("{photos}, scanned {} ago, {events}", span(ago)).dimmed())?;
        }
        for line in left_out(&root.left_out) {
            writeln!(out, "    {}", line.dimmed())?;
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
            writeln!(out, "    {} {files} hidden by a mount, or not mounted now; they stay known", "note:".yellow())?;
        }
    }
    Ok(())
}

/// Prints the roots, and the globs in force.
fn print_with_rules(out: &mut impl Write, list: &[RootStatus]) -> io::Result<()> {
    print(out, list)?;
    let Some(root) = list.first() else { return Ok(()) };
    writeln!(out, "{} {}", "left out:".dimmed(), shown(&root.excluded.join("  ")).dimmed())?;
    if !root.included.is_empty() {
        writeln!(out, "{} {}", "but not:".dimmed(), shown(&root.included.join("  ")).dimmed())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_a_folder_says_what_changed() {
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        let said = |before: &[&str], after: &[&str]| added(Path::new("/p/a"), &paths(before), &paths(after));
        assert_eq!(said(&["/q"], &["/p/a", "/q"]), "/p/a is watched from now on");
        assert_eq!(said(&["/p/a"], &["/p/a"]), "/p/a was watched already");
        assert_eq!(said(&["/p"], &["/p"]), "/p/a is watched as a part of /p");
        assert_eq!(said(&["/p/a/b", "/q"], &["/p/a", "/q"]), "/p/a is watched from now on; /p/a/b is now a part of it");
    }
}
