//! `simctl failures`: the files that could not be read, and why.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use owo_colors::OwoColorize;

use crate::api::query_of;
use crate::api::types::{Failures, FileFailure, Progress};
use crate::cli::args::TextFormat;
use crate::cli::output::{Done, show};
use crate::cli::session::{Parameters, Session, about, all_existing};
use crate::cli::text::{count, shown};
use crate::photo::{Coverage, Stage};

pub async fn run(session: &Session, path: Option<PathBuf>, format: TextFormat) -> Done {
    let paths = all_existing(path.iter())?;
    let client = session.running().await?;
    let failures: Failures = about(&paths, async |query| Ok(client.ask("/v1/failures", query_of(query)).await?)).await?;
    if failures.failures.is_empty() && format == TextFormat::Text {
        let now = async |query: Parameters| {
            Ok(client.ask("/v1/wait", query_of(query.into_iter().chain([("timeout_ms", b"0".to_vec())]))).await?)
        };
        let Progress { coverage, .. } = about(&paths, now).await?;
        return show(format, &failures, |out, _| writeln!(out, "{}", none(&coverage)));
    }
    show(format, &failures, print)
}

/// What is said if no file is known that could not be read.
fn none(known: &Coverage) -> String {
    match known {
        Coverage { pending: 0, indexed: 0, offline: 0, .. } => {
            "no photo is known there; simctl roots list says what is left out".to_owned()
        }
        Coverage { pending: 0, .. } => "every photo could be read".to_owned(),
        Coverage { pending, .. } => {
            format!("every other photo could be read; {} still to be read", count(*pending, "file is", "files are"))
        }
    }
}

/// What cannot be read is by its reason: damaged files with their names, and a line for each kind that this version does not read.
fn print(out: &mut impl Write, failures: &Failures) -> io::Result<()> {
    let mut reasons: BTreeMap<(bool, &str), Vec<&FileFailure>> = BTreeMap::new();
    for failure in &failures.failures {
        reasons.entry((failure.stage == Stage::Unsupported, &failure.reason)).or_default().push(failure);
    }
    for ((is_unsupported, reason), files) in &reasons {
        let number = count(files.len() as u64, "file", "files");
        if *is_unsupported {
            writeln!(out, "{}: {number}, for example {}", shown(reason).bold(), shown(&files[0].path.path))?;
            continue;
        }
        writeln!(out, "{}: {number}", shown(reason).bold())?;
        for failure in files {
            writeln!(out, "    {}", shown(&failure.path.path))?;
        }
    }
    writeln!(out, "\nThese files are tried again when they change. simctl failures --json names every file.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::PathText;

    #[test]
    fn that_all_could_be_read_is_said_of_what_was_read() {
        let said = |indexed, pending| none(&Coverage { indexed, pending, ..Coverage::default() });
        assert_eq!(said(3, 0), "every photo could be read");
        assert_eq!(said(3, 2), "every other photo could be read; 2 files are still to be read");
        assert!(said(0, 0).starts_with("no photo is known there"));
    }

    #[test]
    fn failures_stand_by_their_reason_and_what_is_not_read_is_a_line_for_each_kind() {
        let failure = |path: &str, stage, reason: &str| FileFailure {
            path: PathText { path: path.into(), path_bytes: None },
            stage,
            reason: reason.into(),
        };
        let failures = vec![
            failure("/a.jp2", Stage::Unsupported, "jp2 is not read by this version"),
            failure("/b.jpg", Stage::Decode, "no picture"),
            failure("/c.jp2", Stage::Unsupported, "jp2 is not read by this version"),
            failure("/d.jpg", Stage::Decode, "cut off"),
            failure("/e.jpg", Stage::Decode, "no picture"),
        ];
        let mut out = Vec::new();
        print(&mut out, &Failures { failures, next: None }).expect("written");
        let text = anstream::adapter::strip_str(&String::from_utf8(out).expect("text")).to_string();
        let lines: Vec<&str> = text.lines().take(6).collect();
        let expected = [
            "cut off: 1 file",
            "    /d.jpg",
            "no picture: 2 files",
            "    /b.jpg",
            "    /e.jpg",
            "jp2 is not read by this version: 2 files, for example /a.jp2",
        ];
        assert_eq!(lines, expected);
    }
}
