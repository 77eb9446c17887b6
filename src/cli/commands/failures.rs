//! `simctl failures`: the files that could not be read, and why.

use std::io::{self, Write};
use std::path::PathBuf;

use owo_colors::OwoColorize;

use crate::api::query_of;
use crate::api::types::Failures;
use crate::cli::args::TextFormat;
use crate::cli::output::{Done, show};
use crate::cli::session::{Session, about, all_existing};
use crate::cli::text::shown;

pub async fn run(session: &Session, path: Option<PathBuf>, format: TextFormat) -> Done {
    let paths = all_existing(path.iter())?;
    let client = session.running().await?;
    let failures: Failures = about(&paths, async |query| Ok(client.ask("/v1/failures", query_of(query)).await?)).await?;
    show(format, &failures, print)
}

fn print(out: &mut impl Write, failures: &Failures) -> io::Result<()> {
    if failures.failures.is_empty() {
        return writeln!(out, "every photo could be read");
    }
    for failure in &failures.failures {
        writeln!(out, "{}  {}", shown(&failure.path.path).bold(), shown(&failure.reason))?;
    }
    writeln!(out, "\nThey are tried again when they change.")
}
