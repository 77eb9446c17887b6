//! `simctl failures`: the files that could not be read, and why.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use owo_colors::OwoColorize;

use crate::api::query_of;
use crate::api::types::{Failures, FileFailure};
use crate::cli::args::TextFormat;
use crate::cli::output::{Done, show};
use crate::cli::session::{Session, about, all_existing};
use crate::cli::text::{count, shown};
use crate::photo::Stage;

pub async fn run(session: &Session, path: Option<PathBuf>, format: TextFormat) -> Done {
    let paths = all_existing(path.iter())?;
    let client = session.running().await?;
    let failures: Failures = about(&paths, async |query| Ok(client.ask("/v1/failures", query_of(query)).await?)).await?;
    show(format, &failures, print)
}

/// What cannot be read is by its reason: damaged files with their names, and a line for each kind that this version does not read.
fn print(out: &mut impl Write, failures: &Failures) -> io::Result<()> {
    if failures.failures.is_empty() {
        return writeln!(out, "every photo could be read");
    }
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
