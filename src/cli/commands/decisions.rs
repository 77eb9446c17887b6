//! `simctl decisions`: exports and imports decisions, for a backup or another machine.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::api::client::Client;
use crate::api::types::{DecisionCount, DecisionText};
use crate::cli::args::DecisionsCommand;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::output::{Done, Reader, output};
use crate::cli::session::{Session, read};
use crate::cli::text::{count, shown_path};

pub async fn run(session: &Session, command: DecisionsCommand) -> Done {
    let client = session.daemon().await?;
    match command {
        DecisionsCommand::Export { file } => export(&client, file).await,
        DecisionsCommand::Import { file } => import(&client, &file).await,
    }
}

async fn export(client: &Client, file: Option<PathBuf>) -> Done {
    let decisions: Vec<DecisionText> = client.get("/v1/decisions").await?;
    let mut lines = Vec::new();
    for decision in &decisions {
        serde_json::to_writer(&mut lines, decision).map_err(io::Error::from)?;
        lines.push(b'\n');
    }
    match file.filter(|file| file.as_os_str() != "-") {
        Some(file) => {
            let failed = |e| Failure::usage(format!("{} cannot be written: {e}", shown_path(&file))).hint("what was there before is unchanged");
            files::replace(&file, &lines).map_err(failed)?;
            let decisions = count(decisions.len() as u64, "decision", "decisions");
            output(Reader::Person, |out| writeln!(out, "{decisions} written to {}", shown_path(&file)))?;
        }
        None => output(Reader::Program, |out| out.write_all(&lines))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(client: &Client, file: &Path) -> Done {
    let text = String::from_utf8(read(file)?).map_err(|e| Failure::usage(format!("{}: {e}", shown_path(file))))?;
    let broken = |line: usize, e: serde_json::Error| {
        Failure::usage(format!("{}, line {}: {e}", shown_path(file), line + 1))
            .hint("nothing was taken over; simctl decisions export writes what import reads")
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let decisions = lines
        .map(|(number, line)| serde_json::from_str::<DecisionText>(line).map_err(|e| broken(number, e)))
        .collect::<Result<Vec<_>, _>>()?;
    let body = serde_json::to_vec(&decisions).map_err(io::Error::from)?;
    let done: DecisionCount = client.post("/v1/decisions/import", body).await?;
    output(Reader::Person, |out| writeln!(out, "{} read, {} of them new", count(done.pairs, "decision", "decisions"), done.changed))?;
    Ok(ExitCode::SUCCESS)
}
