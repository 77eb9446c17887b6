//! `simctl decisions`: lists decisions, and exports and imports them for a backup or another machine.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use owo_colors::OwoColorize;

use crate::api::client::Client;
use crate::api::types::{DecidedPhoto, DecisionCount, DecisionList, DecisionText, ListedDecision, ListedDecisions};
use crate::cli::args::{DecisionsCommand, TextFormat};
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::output::{Audience, Done, output, show};
use crate::cli::session::{Session, read};
use crate::cli::text::{count, date, shown, shown_path};
use crate::photo::Verdict;
use crate::sys::probe;

/// A line of an export is shorter.
const MAX_LINE_BYTES: u64 = 4096;

pub async fn run(session: &Session, command: DecisionsCommand) -> Done {
    let client = session.daemon().await?;
    match command {
        DecisionsCommand::List { answer } => {
            let decisions: ListedDecisions = client.get("/v1/decisions/list").await?;
            show(answer.chosen(), &decisions, |out, list| print(out, &list.decisions))
        }
        DecisionsCommand::Export { file } => export(&client, file).await,
        DecisionsCommand::Import { file, answer } => import(&client, &file, answer.chosen()).await,
    }
}

fn print(out: &mut impl Write, decisions: &[ListedDecision]) -> io::Result<()> {
    if decisions.is_empty() {
        return writeln!(out, "nothing is decided; simctl decide same and simctl decide different make decisions");
    }
    for decision in decisions {
        let verdict = match decision.verdict {
            Verdict::Same => "same".green().to_string() + "     ",
            Verdict::Different => "different".yellow().to_string(),
        };
        let doubt = if decision.contradicted { "contradicts others".red().to_string() } else { String::new() };
        let follows = if decision.follows.is_some() { "kept for an edited photo  " } else { "" };
        let line = format!("{}  {verdict}  {}  {}  {follows}{doubt}", date(decision.made), photo(&decision.a), photo(&decision.b));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The first file of a photo, or its picture hash.
fn photo(photo: &DecidedPhoto) -> String {
    match &photo.files[..] {
        [] => format!("{} (no known file)", shown(&photo.picture)),
        [file] => shown(&file.path),
        [file, others @ ..] => format!("{} (and {})", shown(&file.path), count(others.len() as u64, "more file", "more files")),
    }
}

async fn export(client: &Client, file: Option<PathBuf>) -> Done {
    let DecisionList { decisions } = client.get("/v1/decisions").await?;
    let mut lines = Vec::new();
    for decision in &decisions {
        serde_json::to_writer(&mut lines, decision).map_err(io::Error::from)?;
        lines.push(b'\n');
    }
    match file.filter(|file| file.as_os_str() != "-") {
        Some(file) => {
            let may_replace = probe::path(&file, may_replace).ok_or_else(|| Failure::silent(&file))?;
            if !may_replace.map_err(|e| Failure::unwritten_file(&file, &e))? {
                let message = format!("{} is not an earlier export; it was not changed", shown_path(&file));
                return Err(Failure::usage(message).hint("name a new file"));
            }
            let failed = |e| Failure::unwritten_file(&file, &e).hint("what was there before is unchanged");
            files::replace(&file, &lines).map_err(failed)?;
            let decisions = count(decisions.len() as u64, "decision", "decisions");
            output(Audience::Person, |out| writeln!(out, "{decisions} written to {}", shown_path(&file)))?;
        }
        None => output(Audience::Program, |out| out.write_all(&lines))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether nothing is lost with what is at a path: it is an earlier export, or empty, or not a file, such as a pipe.
fn may_replace(path: &Path) -> io::Result<bool> {
    let found = match fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
        found => found?,
    };
    if !found.is_file() || found.len() == 0 {
        return Ok(true);
    }
    let mut line = Vec::new();
    BufReader::new(File::open(path)?.take(MAX_LINE_BYTES)).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice::<DecisionText>(&line).is_ok())
}

async fn import(client: &Client, file: &Path, format: TextFormat) -> Done {
    let text = String::from_utf8(read(file)?).map_err(|e| Failure::usage(format!("{}: {e}", shown_path(file))))?;
    let broken = |line: usize, e: serde_json::Error| {
        Failure::usage(format!("{}, line {}: {e}", shown_path(file), line + 1))
            .hint("nothing was imported; simctl decisions export writes what import reads")
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let decisions = lines
        .map(|(number, line)| serde_json::from_str::<DecisionText>(line).map_err(|e| broken(number, e)))
        .collect::<Result<Vec<_>, _>>()?;
    let body = serde_json::to_vec(&DecisionList { decisions }).map_err(io::Error::from)?;
    let done: DecisionCount = client.post("/v1/decisions/import", body).await?;
    show(format, &done, |out, done| writeln!(out, "{}", imported(done)))
}

fn imported(done: &DecisionCount) -> String {
    let read = format!("{} read, {} of them new", count(done.pairs, "decision", "decisions"), done.changed);
    match &done.first_outdone {
        Some(first) if done.outdone == 1 => format!("{read}; 1 was not taken, because you decided otherwise later: {}", shown(first)),
        Some(first) => format!("{read}; {} were not taken, because you decided otherwise later, the first: {}", done.outdone, shown(first)),
        None => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_export_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let hash = |digit: &str| digit.repeat(64);
        let line = format!("{{\"a\":\"{}\",\"b\":\"{}\",\"verdict\":\"same\",\"made\":1}}\n", hash("1"), hash("2"));
        for (name, content, may) in [
            ("export.jsonl", line.repeat(3).into_bytes(), true),
            ("empty.jsonl", Vec::new(), true),
            ("photo.jpg", b"\xff\xd8\xff\xe0\n".repeat(2_000), false),
            ("other.json", b"{\"a\": 1}\n".to_vec(), false),
            ("list.txt", [b"my list\n", line.as_bytes()].concat(), false),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, content).expect("written");
            assert_eq!(may_replace(&path).expect("read"), may, "{name}");
        }
        assert!(may_replace(&folder.path().join("new.jsonl")).expect("looked"));
        assert!(may_replace(Path::new("/dev/null")).expect("looked"));
    }
}
