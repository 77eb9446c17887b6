//! The commands that ask the daemon.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::args::{
    Arguments, Command, DecideCommand, DecisionsCommand, DupesArguments, DupesFormat, EventsFormat, HeadsCommand, PairsFormat,
    PositivesArgument, RootsCommand, TextFormat, TuneArguments,
};
use super::connect::{Start, connect};
use super::failure::{FOUND, Failure, NOT_WHOLE, UNREAD};
use super::{dupes, print, progress, service, tuning};
use crate::api::client::{self, Client, Part};
use crate::api::types::{
    ClusterChanges, Comparison, DecisionCount, DecisionText, Failures, HeadInfo, Outcome, Progress, Reloaded, RootStatus, Similar, Status,
    TuningOrder,
};
use crate::api::{parameters_of, query_of};
use crate::config::Settings;
use crate::sys::View;
use crate::sys::mounts::Mounts;

type Done = Result<ExitCode, Failure>;

/// Of a request: names and values.
type Parameters = Vec<(&'static str, Vec<u8>)>;

pub async fn run(arguments: Arguments, settings: Settings) -> Done {
    let overrides = arguments.instance.overrides();
    let wish = if arguments.instance.no_start { Start::Never } else { Start::IfNeeded };
    let open = async |start| connect(&settings, start).await;
    match arguments.command {
        Command::Dupes(options) => find(&settings, wish, &options).await,
        Command::Pairs { paths, max_distance, format, no_wait } => pairs(&settings, wish, &paths, max_distance, format, no_wait).await,
        Command::Similar { file, k, head, format } => {
            let bytes = read(&file)?;
            let count = k.to_string();
            let query = [("k", count.as_bytes())].into_iter().chain(head.as_ref().map(|name| ("head", name.as_bytes())));
            let answer: Similar = open(wish).await?.post(&format!("/v1/similar?{}", query_of(query)), bytes).await?;
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
            for folder in folders {
                watch(&client, folder).await?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Roots(RootsCommand::Remove { paths }) => {
            let client = open(wish).await?;
            for path in &paths {
                // It may be gone from the disk: then its name as it was typed must do.
                let path = existing(path).or_else(|_| std::path::absolute(path))?;
                client.delete(&format!("/v1/roots?{}", query_of([("path", path.as_os_str().as_bytes())]))).await?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Roots(RootsCommand::List { format }) => {
            let roots: Vec<RootStatus> = open(Start::Never).await?.get("/v1/roots").await?;
            show(format, &roots, |out, roots| print::roots_and_rules(out, roots))
        }
        Command::Scan { path, forget } => {
            let paths = path.iter().map(|p| existing(p)).collect::<Result<Vec<_>, _>>()?;
            let client = open(wish).await?;
            let query = asked(&paths)?;
            let orders = query.iter().cloned().chain(forget.then(|| ("forget", b"true".to_vec())));
            client.post::<()>("/v1/scan", query_of(orders).into()).await?;
            progress::wait(&client, &query).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Status { format, json } => {
            let status: Status = open(Start::Never).await?.get("/v1/status").await?;
            show(if json { TextFormat::Json } else { format }, &status, print::status)
        }
        Command::Events { format } => events(&open(Start::Never).await?, format).await,
        Command::Failures { path, format } => {
            let paths = path.iter().map(|p| existing(p)).collect::<Result<Vec<_>, _>>()?;
            let failures: Failures = open(Start::Never).await?.ask("/v1/failures", query_of(asked(&paths)?)).await?;
            show(format, &failures, print::failures)
        }
        Command::Decide(command) => decide(&open(wish).await?, command).await,
        Command::Decisions(DecisionsCommand::Export { file }) => export(&open(wish).await?, file).await,
        Command::Decisions(DecisionsCommand::Import { file }) => import(&open(wish).await?, &file).await,
        Command::Tune(options) if options.stop => {
            open(Start::Never).await?.delete("/v1/tune").await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Tune(options) => tune(&open(wish).await?, &options).await,
        Command::Heads(HeadsCommand::List { format }) => {
            let heads: Vec<HeadInfo> = open(Start::Never).await?.get("/v1/heads").await?;
            show(format, &heads, |out, heads| tuning::heads(out, heads))
        }
        Command::Heads(HeadsCommand::Use { name, only_try, format }) => {
            let query = [("name", name.as_bytes())].into_iter().chain(only_try.then_some(("try", &b"true"[..])));
            let changes: ClusterChanges = open(Start::Never).await?.post(&format!("/v1/heads/use?{}", query_of(query)), Vec::new()).await?;
            show(format, &changes, tuning::changes)
        }
        Command::Heads(HeadsCommand::Remove { name }) => {
            open(Start::Never).await?.delete(&format!("/v1/heads?{}", query_of([("name", name.as_bytes())]))).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Config => output(Reader::Program, |out| write!(out, "{}", settings.in_force())).map(|()| ExitCode::SUCCESS),
        Command::Reload => {
            let reloaded: Reloaded = open(Start::Never).await?.post("/v1/reload", Vec::new()).await?;
            let what = if reloaded.changed { "taken over" } else { "nothing changed" };
            let rest = if reloaded.needs_restart { "; workers and limits need a restart: simctl daemon --replace" } else { "" };
            anstream::println!("{}: {what}{rest}", reloaded.config);
            Ok(ExitCode::SUCCESS)
        }
        Command::Service(command) => service::run(command, &overrides, &settings).await,
        Command::Daemon(_) | Command::Completions { .. } | Command::Man { .. } | Command::Setup { .. } => {
            Err(Failure::usage("this command asks no daemon"))
        }
    }
}

async fn find(settings: &Settings, wish: Start, options: &DupesArguments) -> Done {
    let paths = options.paths.iter().map(|p| existing(p)).collect::<Result<Vec<_>, _>>()?;
    let client = connect(settings, wish).await?;
    let (paths, is_whole) = prepare(&client, paths, options.no_wait).await?;
    // What is listed may go: never by an answer that leaves out a place.
    if !is_whole && (paths.is_empty() || options.format == DupesFormat::Paths0) {
        return Ok(ExitCode::from(NOT_WHOLE));
    }
    if options.everywhere {
        see_all_roots(&client).await?;
    }
    let mut query = asked(&paths)?;
    query.extend(options.threshold.map(|t| ("threshold", t.to_string().into())));
    if !options.relation.is_empty() {
        query.push(("relation", options.relation.join(",").into()));
    }
    if options.everywhere {
        query.push(("everywhere", b"true".to_vec()));
    }
    let reader = if options.format == DupesFormat::Text { Reader::Person } else { Reader::Program };
    let mut out = opened(reader);
    let mut printer = dupes::Printer::new(&mut out, options.format);
    let end = client.list("/v1/clusters", query_of(query), |part| Ok::<_, Failure>(printer.print(part)?)).await?;
    let found = printer.clusters > 0;
    out.flush()?;
    Ok(match (is_whole, options.strict && end.coverage.failed > 0, options.exit_code && found) {
        (false, ..) => ExitCode::from(NOT_WHOLE),
        (true, true, _) => ExitCode::from(UNREAD),
        (true, false, true) => ExitCode::from(FOUND),
        (true, false, false) => ExitCode::SUCCESS,
    })
}

async fn pairs(settings: &Settings, wish: Start, paths: &[PathBuf], max_distance: Option<f32>, format: PairsFormat, no_wait: bool) -> Done {
    let paths = paths.iter().map(|p| existing(p)).collect::<Result<Vec<_>, _>>()?;
    let client = connect(settings, wish).await?;
    let (paths, is_whole) = prepare(&client, paths, no_wait).await?;
    if paths.is_empty() {
        return Ok(ExitCode::from(NOT_WHOLE));
    }
    let mut query = asked(&paths)?;
    query.extend(max_distance.map(|d| ("max_distance", d.to_string().into())));
    let mut out = opened(Reader::Program);
    let print = |part: Part<'_>| match (format, part) {
        (PairsFormat::Tsv, Part::Item(json)) => {
            let pair = serde_json::from_slice(json).map_err(io::Error::from)?;
            Ok::<_, Failure>(print::pair(&mut out, &pair)?)
        }
        (PairsFormat::Tsv, Part::Begin(_) | Part::End(_)) => Ok(()),
        (PairsFormat::Ndjson, part) => Ok(dupes::lines(&mut out, part)?),
    };
    client.list("/v1/pairs", query_of(query), print).await?;
    out.flush()?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(NOT_WHOLE) })
}

async fn decide(client: &Client, command: DecideCommand) -> Done {
    let (verdict, files) = match command {
        DecideCommand::Same { files } => (Some("same"), files),
        DecideCommand::Different { files } => (Some("different"), files),
        DecideCommand::Forget { files } => (None, files),
    };
    let files = files.iter().map(|p| existing(p)).collect::<Result<Vec<_>, _>>()?;
    let folders: BTreeSet<PathBuf> = files.iter().filter_map(|file| file.parent().map(Path::to_owned)).collect();
    for folder in folders {
        watch(client, folder).await?;
    }
    let mut query = asked(&files)?;
    progress::wait(client, &query).await?;
    let _: DecisionCount = match verdict {
        Some(verdict) => {
            query.push(("verdict", verdict.into()));
            client.post("/v1/decisions", query_of(query).into()).await?
        }
        None => client.take_back("/v1/decisions", query_of(query).into()).await?,
    };
    Ok(ExitCode::SUCCESS)
}

async fn export(client: &Client, file: Option<PathBuf>) -> Done {
    let decisions: Vec<DecisionText> = client.get("/v1/decisions").await?;
    let mut lines = Vec::new();
    for decision in &decisions {
        serde_json::to_writer(&mut lines, decision).map_err(io::Error::from)?;
        lines.push(b'\n');
    }
    match file {
        Some(file) => {
            fs::write(&file, lines).map_err(|e| Failure::usage(format!("{} cannot be written: {e}", file.display())))?;
        }
        None => output(Reader::Program, |out| out.write_all(&lines))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(client: &Client, file: &Path) -> Done {
    let text = String::from_utf8(read(file)?).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
    let broken = |line: usize, e: serde_json::Error| {
        Failure::usage(format!("{}, line {}: {e}", file.display(), line + 1))
            .hint("nothing was taken over; simctl decisions export writes what import reads")
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let decisions = lines
        .map(|(number, line)| serde_json::from_str::<DecisionText>(line).map_err(|e| broken(number, e)))
        .collect::<Result<Vec<_>, _>>()?;
    let body = serde_json::to_vec(&decisions).map_err(io::Error::from)?;
    let count: DecisionCount = client.post("/v1/decisions/import", body).await?;
    output(Reader::Person, |out| writeln!(out, "{} decisions read, {} of them new", count.pairs, count.changed))?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a tuning, or joins the one that runs, and shows it to its end.
async fn tune(client: &Client, options: &TuneArguments) -> Done {
    let (minutes, photos) = (options.minutes.map(|m| m.to_string()), options.photos.map(|n| n.to_string()));
    let positives = match options.positives {
        PositivesArgument::Edits => "edits",
        PositivesArgument::Folders => "folders",
    };
    let given = [("name", &options.name), ("minutes", &minutes), ("photos", &photos)];
    let given = given.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?.as_bytes())));
    let query = query_of(given.chain([("positives", positives.as_bytes())]));
    match client.post::<TuningOrder>(&format!("/v1/tune?{query}"), Vec::new()).await {
        Ok(_) => {}
        Err(client::Error::Refused(e)) if e.code == "tuning" => anstream::eprintln!("{}; this shows it", e.message),
        Err(e) => return Err(e.into()),
    }
    let end = tokio::select! {
        end = tuning::follow(client) => end?,
        _ = tokio::signal::ctrl_c() => {
            anstream::eprintln!("it goes on; simctl tune shows it again, simctl tune --stop ends it with what it has");
            return Ok(ExitCode::SUCCESS);
        }
    };
    if end.outcome == Outcome::Failed {
        return Err(Failure::usage(format!("nothing was tuned: {}", end.message)));
    }
    show(options.format, &end, tuning::end)
}

/// Has a folder watched.
async fn watch(client: &Client, folder: PathBuf) -> Result<(), Failure> {
    Ok(client.post::<()>("/v1/roots", query_of(asked(&[folder])?).into()).await?)
}

/// Has the paths watched, and waits until they are read. Gives back those that can be answered, and whether that is all:
/// a place where the daemon sees something else than this process is named on standard error.
async fn prepare(client: &Client, paths: Vec<PathBuf>, no_wait: bool) -> Result<(Vec<PathBuf>, bool), Failure> {
    let folder_of = |path: &Path| if path.is_dir() { path.to_owned() } else { path.parent().unwrap_or(path).to_owned() };
    let folders: BTreeSet<PathBuf> = paths.iter().map(|path| folder_of(path)).collect();
    let mut other = BTreeSet::new();
    for folder in folders {
        match watch(client, folder.clone()).await {
            Err(failure) if failure.code == NOT_WHOLE => {
                failure.report();
                other.insert(folder);
            }
            watched => watched?,
        }
    }
    let count = paths.len();
    let paths: Vec<PathBuf> = paths.into_iter().filter(|path| !other.contains(&folder_of(path))).collect();
    if !no_wait && !paths.is_empty() {
        progress::wait(client, &asked(&paths)?).await?;
    }
    let is_whole = paths.len() == count;
    Ok((paths, is_whole))
}

/// Who asks for versions everywhere asks about every root that is here.
async fn see_all_roots(client: &Client) -> Result<(), Failure> {
    let roots: Vec<RootStatus> = client.get("/v1/roots").await?;
    let mounts = Mounts::now();
    for path in roots.iter().filter(|root| root.offline.is_none()).map(|root| root.path.to_path()) {
        let view = View::of(&path, &mounts).map_err(|e| Failure {
            message: format!("{} is not answered: the daemon sees a folder there, and you do not ({e})", path.display()),
            hint: Some("leave out --everywhere, or start a daemon that sees what you see: simctl daemon --replace".into()),
            code: NOT_WHOLE,
        })?;
        let at_once = [("timeout_ms", b"0".to_vec())];
        client.ask::<Progress>("/v1/wait", query_of(parameters_of(&view).into_iter().chain(at_once))).await?;
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

/// Writes what is made without a daemon.
pub fn put_out(bytes: &[u8]) -> Done {
    output(Reader::Program, |out| out.write_all(bytes)).map(|()| ExitCode::SUCCESS)
}

/// For whom output is.
#[derive(Clone, Copy)]
enum Reader {
    /// Colours where the terminal has them.
    Person,
    /// The bytes as they are.
    Program,
}

fn opened(reader: Reader) -> Output {
    let stdout = io::stdout().lock();
    io::BufWriter::new(match reader {
        Reader::Person => Box::new(anstream::AutoStream::auto(stdout)),
        Reader::Program => Box::new(stdout),
    })
}

/// Writes to standard output. A reader that has seen enough ends the program without a word.
fn output(reader: Reader, write: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = opened(reader);
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

/// The parameters of a request about paths, each with what this process sees there: nothing is answered about another
/// place of that name.
fn asked(paths: &[PathBuf]) -> Result<Parameters, Failure> {
    let mounts = Mounts::now();
    let mut parameters = Parameters::new();
    for path in paths {
        let view = View::of(path, &mounts).map_err(|e| Failure::usage(format!("{} cannot be used: {e}", path.display())))?;
        parameters.extend(parameters_of(&view));
    }
    Ok(parameters)
}
