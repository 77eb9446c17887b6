//! The commands that ask the daemon.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::args::{Arguments, Command, DupesArguments, DupesFormat, EventsFormat, PairsFormat, RootsCommand, TextFormat};
use super::connect::{Start, connect};
use super::failure::{FOUND, Failure, UNREAD};
use super::{dupes, print, progress};
use crate::api::client::Client;
use crate::api::query_of;
use crate::api::types::{Clusters, Comparison, Failures, Pairs, RootStatus, Similar, Status};
use crate::config::Settings;

type Done = Result<ExitCode, Failure>;

pub async fn run(arguments: Arguments, settings: Settings) -> Done {
    let wish = if arguments.instance.no_start { Start::Never } else { Start::IfNeeded };
    let open = async |start| connect(&settings, start).await;
    match arguments.command {
        Command::Dupes(options) => find(&settings, wish, &options).await,
        Command::Pairs { paths, max_distance, format, no_wait } => pairs(&settings, wish, &paths, max_distance, format, no_wait).await,
        Command::Similar { file, k, head, format } => {
            if head != "base" {
                return Err(Failure::usage(format!("there is no head named {head}")).hint("this version has one: base"));
            }
            let bytes = read(&file)?;
            let answer: Similar = open(wish).await?.post(&format!("/v1/similar?k={k}"), bytes).await?;
            show(format, &answer, print::similar)
        }
        Command::Compare { a, b, format } => {
            let (mut bytes, second) = (read(&a)?, read(&b)?);
            let target = format!("/v1/compare?split={}", bytes.len());
            bytes.extend(second);
            let answer: Comparison = open(wish).await?.post(&target, bytes).await?;
            show(format, &answer, print::comparison)
        }
        Command::Roots(RootsCommand::Add { paths }) => {
            let folders = paths.iter().map(|p| existing(p)).collect::<Result<Vec<_>, _>>()?;
            let client = open(wish).await?;
            for folder in &folders {
                client.post::<()>(&target("/v1/roots", std::slice::from_ref(folder)), Vec::new()).await?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Roots(RootsCommand::Remove { paths }) => {
            let client = open(wish).await?;
            for path in &paths {
                // It may be gone from the disk: then its name as it was typed must do.
                let path = existing(path).or_else(|_| std::path::absolute(path))?;
                client.delete(&target("/v1/roots", &[path])).await?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Roots(RootsCommand::List { format }) => {
            let roots: Vec<RootStatus> = open(Start::Never).await?.get("/v1/roots").await?;
            show(format, &roots, |out, roots| print::roots(out, roots))
        }
        Command::Scan { path, forget } => {
            let paths = path.iter().map(|p| existing(p)).collect::<Result<Vec<_>, _>>()?;
            let client = open(wish).await?;
            let query = as_query(&paths);
            let orders = query.iter().copied().chain(forget.then_some(("forget", &b"true"[..])));
            client.post::<()>(&format!("/v1/scan?{}", query_of(orders)), Vec::new()).await?;
            progress::wait(&client, &query).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Status { format } => {
            let status: Status = open(Start::Never).await?.get("/v1/status").await?;
            show(format, &status, print::status)
        }
        Command::Events { format } => events(&open(Start::Never).await?, format).await,
        Command::Failures { path, format } => {
            let paths = path.iter().map(|p| existing(p)).collect::<Result<Vec<_>, _>>()?;
            let failures: Failures = open(Start::Never).await?.get(&target("/v1/failures", &paths)).await?;
            show(format, &failures, print::failures)
        }
        Command::Daemon(_) | Command::Completions { .. } => Err(Failure::usage("this command asks no daemon")),
    }
}

async fn find(settings: &Settings, wish: Start, options: &DupesArguments) -> Done {
    let paths = options.paths.iter().map(|p| existing(p)).collect::<Result<Vec<_>, _>>()?;
    let client = connect(settings, wish).await?;
    prepare(&client, &paths, options.no_wait).await?;
    let threshold = options.threshold.map(|t| t.to_string());
    let relation = options.relation.join(",");
    let mut query = as_query(&paths);
    query.extend(threshold.iter().map(|t| ("threshold", t.as_bytes())));
    if !relation.is_empty() {
        query.push(("relation", relation.as_bytes()));
    }
    if options.everywhere {
        query.push(("everywhere", b"true"));
    }
    let answer: Clusters = client.ask("/v1/clusters", query_of(query)).await?;
    let reader = if options.format == DupesFormat::Text { Reader::Person } else { Reader::Program };
    output(reader, |out| dupes::print(out, &answer, options.format))?;
    Ok(match (options.strict && answer.coverage.failed > 0, options.exit_code && !answer.clusters.is_empty()) {
        (true, _) => ExitCode::from(UNREAD),
        (false, true) => ExitCode::from(FOUND),
        (false, false) => ExitCode::SUCCESS,
    })
}

async fn pairs(settings: &Settings, wish: Start, paths: &[PathBuf], max_distance: Option<f32>, format: PairsFormat, no_wait: bool) -> Done {
    let paths = paths.iter().map(|p| existing(p)).collect::<Result<Vec<_>, _>>()?;
    let client = connect(settings, wish).await?;
    prepare(&client, &paths, no_wait).await?;
    let distance = max_distance.map(|d| d.to_string());
    let mut query = as_query(&paths);
    query.extend(distance.iter().map(|d| ("max_distance", d.as_bytes())));
    let answer: Pairs = client.ask("/v1/pairs", query_of(query)).await?;
    output(Reader::Program, |out| {
        answer.pairs.iter().try_for_each(|pair| match format {
            PairsFormat::Tsv => print::pair(out, pair),
            PairsFormat::Ndjson => {
                serde_json::to_writer(&mut *out, pair)?;
                writeln!(out)
            }
        })
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Has the paths watched, and waits until they are read.
async fn prepare(client: &Client, paths: &[PathBuf], no_wait: bool) -> Result<(), Failure> {
    let folders: BTreeSet<&Path> = paths.iter().map(|path| if path.is_dir() { path } else { path.parent().unwrap_or(path) }).collect();
    for folder in folders {
        client.post::<()>(&target("/v1/roots", &[folder.to_owned()]), Vec::new()).await?;
    }
    if !no_wait {
        progress::wait(client, &as_query(paths)).await?;
    }
    Ok(())
}

async fn events(client: &Client, format: EventsFormat) -> Done {
    let mut broken = None;
    let listening = client.events(|event| {
        let reader = if format == EventsFormat::Text { Reader::Person } else { Reader::Program };
        let printed = output(reader, |out| match format {
            EventsFormat::Text => print::event(out, &event),
            EventsFormat::Ndjson => {
                serde_json::to_writer(&mut *out, &event)?;
                writeln!(out)
            }
        });
        broken = printed.err();
        broken.is_none()
    });
    tokio::select! {
        ended = listening => ended?,
        _ = tokio::signal::ctrl_c() => {}
    }
    broken.map_or(Ok(ExitCode::SUCCESS), Err)
}

fn show<T: Serialize>(format: TextFormat, answer: &T, text: impl FnOnce(&mut Output, &T) -> io::Result<()>) -> Done {
    let reader = if format == TextFormat::Text { Reader::Person } else { Reader::Program };
    output(reader, |out| match format {
        TextFormat::Text => text(out, answer),
        TextFormat::Json => {
            serde_json::to_writer(&mut *out, answer)?;
            writeln!(out)
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

type Output = io::BufWriter<Box<dyn Write>>;

/// For whom output is.
#[derive(Clone, Copy)]
enum Reader {
    /// Colours where the terminal has them.
    Person,
    /// The bytes as they are.
    Program,
}

/// Writes to standard output. A reader that has seen enough ends the program without a word.
fn output(reader: Reader, write: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<(), Failure> {
    let stdout = io::stdout().lock();
    let mut out = io::BufWriter::new(match reader {
        Reader::Person => Box::new(anstream::AutoStream::auto(stdout)) as Box<dyn Write>,
        Reader::Program => Box::new(stdout),
    });
    write(&mut out)?;
    Ok(out.flush()?)
}

/// The absolute path of something that is there.
fn existing(path: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Failure::usage(format!("{} does not exist", path.display())).hint("is its drive connected?"),
        _ => Failure::usage(format!("{} cannot be used: {e}", path.display())),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|e| Failure::usage(format!("{} cannot be read: {e}", path.display())))
}

fn as_query(paths: &[PathBuf]) -> Vec<(&'static str, &[u8])> {
    paths.iter().map(|path| ("path", path.as_os_str().as_bytes())).collect()
}

fn target(route: &str, paths: &[PathBuf]) -> String {
    format!("{route}?{}", query_of(as_query(paths)))
}
