//! `simctl roots`: adds, removes and lists watched folders.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use owo_colors::OwoColorize;

use crate::api::types::{RootList, RootState, RootStatus};
use crate::api::{query_of, text_of};
use crate::cli::answers::{AddedRoot, AddedRoots, RemovedRoots};
use crate::cli::args::{AnswerFormat, RootsCommand, TextFormat};
use crate::cli::broad::consent;
use crate::cli::failure::Failure;
use crate::cli::output::{Audience, Done, output, show};
use crate::cli::session::{Session, all_existing, existing, watch};
use crate::cli::text::{count, coverage, left_out, shown, shown_path};

pub async fn run(session: &Session, command: Option<RootsCommand>) -> Done {
    match command.unwrap_or(RootsCommand::List { answer: AnswerFormat::TEXT }) {
        RootsCommand::Add { paths, yes, answer } => add(session, &paths, yes, answer.chosen()).await,
        RootsCommand::Remove { paths, answer } => remove(session, &paths, answer.chosen()).await,
        RootsCommand::List { answer } => {
            let roots: RootList = session.running().await?.get("/v1/roots").await?;
            show(answer.chosen(), &roots, |out, list| print_with_rules(out, &list.roots))
        }
    }
}

/// Folders that were done are printed at once in text, so that they are known if a later one fails.
async fn add(session: &Session, paths: &[PathBuf], yes: bool, format: TextFormat) -> Done {
    let folders = all_existing(paths)?;
    let client = session.daemon().await?;
    if !yes {
        consent(&client, &folders).await?;
    }
    let mut answer = AddedRoots { added: Vec::new() };
    for folder in folders {
        let before: RootList = client.get("/v1/roots").await?;
        let shown = watch(&client, folder.clone()).await?;
        let after: RootList = client.get("/v1/roots").await?;
        let message = if shown == folder {
            added(&folder, &paths_of(&before.roots), &paths_of(&after.roots))
        } else {
            format!("{} is the same folder as {}, which is watched", shown_path(&folder), shown_path(&shown))
        };
        say_at_once(format, &message)?;
        answer.added.push(AddedRoot { path: text_of(&folder), watched: text_of(&shown), message });
    }
    show(format, &answer, |_, _| Ok(()))
}

async fn remove(session: &Session, paths: &[PathBuf], format: TextFormat) -> Done {
    let client = session.daemon().await?;
    let watched = paths_of(&client.get::<RootList>("/v1/roots").await?.roots);
    let mut answer = RemovedRoots { removed: Vec::new() };
    for path in paths {
        // A folder that no longer exists, or is a link by now, is removed by the path as it was typed.
        let typed = std::path::absolute(path)?;
        let path = if watched.contains(&typed) { typed } else { existing(path).unwrap_or(typed) };
        client.delete(&format!("/v1/roots?{}", query_of([("path", path.as_os_str().as_bytes())]))).await?;
        say_at_once(format, &format!("{} is no longer watched; its photos stay in the index", shown_path(&path)))?;
        answer.removed.push(text_of(&path));
    }
    show(format, &answer, |_, _| Ok(()))
}

fn say_at_once(format: TextFormat, line: &str) -> Result<(), Failure> {
    match format {
        TextFormat::Text => output(Audience::Person, |out| writeln!(out, "{line}")),
        TextFormat::Json => Ok(()),
    }
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
        let state = match (root.state, root.busy) {
            (RootState::Offline, _) => "offline".yellow().to_string(),
            (RootState::Online, true) => "busy".cyan().to_string(),
            (RootState::Online, false) => "online".green().to_string(),
        };
        writeln!(out, "{}  {state}, {}", shown(&root.path.path).bold(), coverage(&root.coverage))?;
        if let Some(outer) = &root.inside {
            writeln!(out, "    {}", format!("mounted in {}, managed automatically", shown(&outer.path)).dimmed())?;
        }
        if let Some(why) = &root.offline {
            writeln!(out, "    {}; its photos are remembered, and it is recognised when it is back", shown(why))?;
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
            writeln!(out, "    {} {files} hidden by a mount, or not mounted now; they are remembered", "note:".yellow())?;
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
