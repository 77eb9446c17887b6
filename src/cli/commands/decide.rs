//! `simctl decide`: stores a decision on every two of the files, or removes it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::api::client::Client;
use crate::api::types::DecisionCount;
use crate::api::{query_of, shell_word};
use crate::cli::args::DecideCommand;
use crate::cli::broad::consent;
use crate::cli::failure::Failure;
use crate::cli::output::{Done, show};
use crate::cli::progress::{self, WhenFull};
use crate::cli::session::{Parameters, Session, WatchedFolders, about, all_existing};
use crate::cli::text::{count, shown_path};
use crate::photo::PictureHash;
use crate::sys::probe;

pub async fn run(session: &Session, command: DecideCommand) -> Done {
    match command {
        DecideCommand::Same { files, answer } => {
            let done = decide(session, "same", &files).await?;
            show(answer.chosen(), &done, |out, done| writeln!(out, "{}", decided("the same photo from now on", "different", done)))
        }
        DecideCommand::Different { files, answer } => {
            let done = decide(session, "different", &files).await?;
            show(answer.chosen(), &done, |out, done| writeln!(out, "{}", decided("different from now on", "the same", done)))
        }
        DecideCommand::Forget { files, answer } => {
            let done = forget(session, &files).await?;
            show(answer.chosen(), &done, |out, done| writeln!(out, "{}", forgotten(done)))
        }
    }
}

async fn decide(session: &Session, verdict: &str, files: &[PathBuf]) -> Result<DecisionCount, Failure> {
    let files = all_photos(files)?;
    let client = session.daemon().await?;
    let files = read(&client, &files).await?;
    about(&files, async |mut query: Parameters| {
        query.push(("verdict", verdict.into()));
        Ok(client.post("/v1/decisions", query_of(query).into()).await?)
    })
    .await
}

/// `opposite`: what the others were before.
fn decided(what: &str, opposite: &str, done: &DecisionCount) -> String {
    let pairs = count(done.pairs, "pair of photos is", "pairs of photos are");
    let rest = match done.changed {
        0 => "; that was decided before".to_owned(),
        changed if changed == done.pairs => String::new(),
        changed => format!("; {changed} of them were not decided so before"),
    };
    let reversed = match done.reversed {
        0 => String::new(),
        1 => format!("; 1 was decided to be {opposite} before"),
        reversed => format!("; {reversed} were decided to be {opposite} before"),
    };
    format!("{pairs} {what}{rest}{reversed}")
}

async fn forget(session: &Session, files: &[PathBuf]) -> Result<DecisionCount, Failure> {
    // A photo that is in no file any more has only its hash.
    let hash = |file: &PathBuf| {
        file.to_str()
            .filter(|text| PictureHash::from_hex(text).is_some() && probe::path(file, |file| !file.exists()) == Some(true))
            .map(str::to_owned)
    };
    let (hashes, files): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(|file| hash(file).is_some());
    let hashes: Vec<String> = hashes.into_iter().filter_map(hash).collect();
    let files = all_photos(files)?;
    let client = session.daemon().await?;
    let files = read(&client, &files).await?;
    about(&files, async |mut query: Parameters| {
        query.extend(hashes.iter().map(|hash| ("picture", hash.as_bytes().to_vec())));
        Ok(client.take_back("/v1/decisions", query_of(query).into()).await?)
    })
    .await
}

fn forgotten(done: &DecisionCount) -> String {
    match done.changed {
        0 => "there was no decision about these photos".to_owned(),
        forgotten => format!("{} forgotten", count(forgotten, "decision", "decisions")),
    }
}

/// The absolute paths of existing files, each once. A decision is about single photos, so a folder is an error.
fn all_photos<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    let files = all_existing(paths)?;
    let kinds = probe::each_path(&files, |path| fs::metadata(path).map(|found| found.file_type()));
    for (path, kind) in files.iter().zip(kinds) {
        let shown = shown_path(path);
        match kind {
            Some(Ok(kind)) if kind.is_dir() => {
                let failure = Failure::usage(format!("{shown} is a folder, and a decision is about single photos"));
                return Err(failure.hint(format!("name photo files in it; simctl dupes {} shows them", shell_word(path))));
            }
            Some(Ok(kind)) if !kind.is_file() => {
                return Err(Failure::usage(format!("{shown} is no regular file, and a decision is about photo files")));
            }
            // What cannot be looked at is said by who reads it.
            _ => {}
        }
    }
    Ok(files)
}

/// Has the files read, if there are any. Returns their paths as the daemon knows them.
async fn read(client: &Client, files: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let parent = |file: &PathBuf| file.parent().map(Path::to_owned).unwrap_or_default();
    let folders: BTreeSet<PathBuf> = files.iter().map(parent).collect();
    consent(client, &folders).await?;
    let mut watched = WatchedFolders::default();
    for folder in folders {
        watched.watch(client, folder).await?;
    }
    let files: Vec<PathBuf> = files.iter().filter_map(|file| watched.path_of(&parent(file), file)).collect();
    if !files.is_empty() {
        progress::wait(client, &files, WhenFull::GiveUp).await?;
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_decided_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let (photo, above) = (folder.path().join("a.jpg"), folder.path().to_owned());
        fs::write(&photo, "x").expect("written");
        assert_eq!(all_photos([&photo, &photo]).map_err(|e| e.message).expect("a file").len(), 1);
        let refused = |path: &PathBuf| all_photos([&photo, path]).expect_err("no photo");
        let Failure { message, hint, .. } = refused(&above);
        assert!(message.contains("is a folder") && hint.is_some_and(|hint| hint.contains("simctl dupes /")), "{message}");
        assert!(refused(&"/dev/null".into()).message.contains("is no regular file"));
    }

    #[test]
    fn a_decision_that_is_reversed_is_said() {
        let said = |pairs, changed, reversed| {
            decided("the same photo from now on", "different", &DecisionCount { pairs, changed, reversed, ..DecisionCount::default() })
        };
        assert_eq!(said(1, 1, 0), "1 pair of photos is the same photo from now on");
        assert_eq!(said(1, 1, 1), "1 pair of photos is the same photo from now on; 1 was decided to be different before");
        assert_eq!(
            said(3, 2, 2),
            "3 pairs of photos are the same photo from now on; 2 of them were not decided so before; 2 were decided to be different before"
        );
        assert_eq!(said(1, 0, 0), "1 pair of photos is the same photo from now on; that was decided before");
    }
}
