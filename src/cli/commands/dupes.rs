//! `simctl dupes`: photos that are versions of each other, in four formats.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use owo_colors::OwoColorize;
use serde_json::value::RawValue;

use crate::api::client::Client;
use crate::api::query_of;
use crate::api::types::{Cluster, Clusters, End, Photo, Progress, RootStatus};
use crate::cli::args::{DupesArguments, DupesFormat};
use crate::cli::failure::{FOUND, Failure, NOT_WHOLE, UNREAD};
use crate::cli::output::{Done, Reader, opened};
use crate::cli::session::{Parameters, Session, about, all_existing, prepare};
use crate::cli::text::{bytes, count, coverage, shown, time};

/// How long a disk may take to answer whether a root is there.
const ROOT_TIMEOUT: Duration = Duration::from_secs(5);

pub async fn run(session: &Session, options: &DupesArguments) -> Done {
    let paths = all_existing(&options.paths)?;
    let client = session.daemon().await?;
    let (paths, is_whole) = prepare(&client, paths, options.no_wait).await?;
    // Files on the list may be deleted, so an incomplete answer lists none.
    if !is_whole && (paths.is_empty() || options.format == DupesFormat::Paths0) {
        return Ok(ExitCode::from(NOT_WHOLE));
    }
    if options.everywhere {
        see_all_roots(&client).await?;
    }
    let reader = if options.format == DupesFormat::Text { Reader::Person } else { Reader::Program };
    let mut out = opened(reader);
    let mut printer = Printer::new(&mut out, options.format);
    let end = about(&paths, async |mut query: Parameters| {
        query.extend(options.threshold.map(|t| ("threshold", t.to_string().into())));
        query.extend((!options.relation.is_empty()).then(|| ("relation", options.relation.join(",").into())));
        query.extend(options.everywhere.then(|| ("everywhere", b"true".to_vec())));
        let query = query_of(query);
        if options.format == DupesFormat::Json {
            return Ok(printer.whole(client.ask("/v1/clusters", query).await?)?);
        }
        client.list("/v1/clusters", query, |cluster| Ok::<_, Failure>(printer.print(cluster)?)).await
    })
    .await?;
    printer.end(&end)?;
    let found = printer.clusters > 0;
    out.flush()?;
    Ok(match (is_whole, options.strict && end.coverage.failed > 0, options.exit_code && found) {
        (false, ..) => ExitCode::from(NOT_WHOLE),
        (true, true, _) => ExitCode::from(UNREAD),
        (true, false, true) => ExitCode::from(FOUND),
        (true, false, false) => ExitCode::SUCCESS,
    })
}

/// Compares the views of every root, as `--everywhere` is about all of them. Skips a root that is offline for both.
async fn see_all_roots(client: &Client) -> Result<(), Failure> {
    let roots: Vec<RootStatus> = client.get("/v1/roots").await?;
    for root in roots {
        let path = root.path.to_path();
        let is_there = tokio::task::spawn_blocking({
            let path = path.clone();
            move || path.is_dir()
        });
        // A disk that does not answer must not delay this request further.
        let is_there = tokio::time::timeout(ROOT_TIMEOUT, is_there).await;
        let not_answered = |why: &str| Failure {
            message: format!("{} is not answered: {why}; leave out --everywhere, or simctl daemon --replace", path.display()),
            hint: None,
            code: NOT_WHOLE,
        };
        match (is_there, root.offline) {
            (Ok(Ok(false)) | Err(_), Some(_)) => continue,
            (Ok(Ok(true)), _) => {}
            (Ok(Ok(false)), None) => return Err(not_answered("the daemon sees a folder there, and you do not")),
            (Err(_) | Ok(Err(_)), _) => return Err(not_answered("its disk does not answer")),
        }
        about(&[path], async |query| {
            let query = query.into_iter().chain([("timeout_ms", b"0".to_vec())]);
            Ok(client.ask::<Progress>("/v1/wait", query_of(query)).await?)
        })
        .await?;
    }
    Ok(())
}

/// Prints an answer as it arrives.
struct Printer<'a, W: Write> {
    out: &'a mut W,
    format: DupesFormat,
    /// Clusters so far, and the bytes that their copies take.
    pub clusters: u64,
    spare: u64,
}

impl<'a, W: Write> Printer<'a, W> {
    pub fn new(out: &'a mut W, format: DupesFormat) -> Printer<'a, W> {
        Printer { out, format, clusters: 0, spare: 0 }
    }

    pub fn print(&mut self, json: &RawValue) -> io::Result<()> {
        self.clusters += 1;
        match self.format {
            DupesFormat::Text => self.cluster(&serde_json::from_str(json.get())?),
            DupesFormat::Paths0 => paths0(self.out, &serde_json::from_str(json.get())?),
            DupesFormat::Json | DupesFormat::Ndjson => line(self.out, json),
        }?;
        // Show the first cluster at once.
        if self.clusters == 1 { self.out.flush() } else { Ok(()) }
    }

    /// One JSON object. Returns its end.
    pub fn whole(&mut self, answer: Clusters) -> io::Result<End> {
        self.clusters = answer.clusters.len() as u64;
        serde_json::to_writer(&mut *self.out, &answer)?;
        writeln!(self.out)?;
        Ok(answer.end)
    }

    pub fn end(&mut self, end: &End) -> io::Result<()> {
        if self.format == DupesFormat::Text { self.summary(end) } else { Ok(()) }
    }

    fn cluster(&mut self, cluster: &Cluster) -> io::Result<()> {
        self.spare += spare(cluster);
        let mut title = format!("{}, {} in copies", count(files(cluster) as u64, "file", "files"), bytes(spare(cluster)));
        if cluster.loose {
            title.push_str(&format!("; {}: its ends are {:.2} apart, look before you delete", "loose".yellow(), cluster.diameter));
        }
        writeln!(self.out, "{} {title}", format!("{:>3}", self.clusters).bold())?;
        for (place, photo) in cluster.photos.iter().enumerate() {
            photo_lines(self.out, cluster, place, photo)?;
        }
        writeln!(self.out)
    }

    fn summary(&mut self, end: &End) -> io::Result<()> {
        let summary = match self.clusters {
            0 => "No duplicates found.".to_owned(),
            found => format!("{}; the copies take {}.", count(found, "photo has copies", "photos have copies"), bytes(self.spare)),
        };
        writeln!(self.out, "{}", summary.bold())?;
        writeln!(self.out, "{}", coverage(&end.coverage).dimmed())?;
        if end.coverage.failed > 0 {
            writeln!(self.out, "{}", "simctl failures says why".dimmed())?;
        }
        Ok(())
    }
}

/// Writes an item as a line, as it arrived.
pub fn line(out: &mut impl Write, json: &RawValue) -> io::Result<()> {
    writeln!(out, "{}", json.get())
}

/// Prints the files that could go, each followed by NUL: all online files but the first. Offline files are not listed,
/// so one online file always stays.
fn paths0(out: &mut impl Write, cluster: &Cluster) -> io::Result<()> {
    let here = cluster.photos.iter().flat_map(|photo| {
        raw_paths(photo).into_iter().enumerate().filter(|(place, _)| !photo.offline.contains(place)).map(|(_, path)| path)
    });
    for path in here.skip(1) {
        out.write_all(&path)?;
        out.write_all(b"\0")?;
    }
    Ok(())
}

fn raw_paths(photo: &Photo) -> Vec<Vec<u8>> {
    match &photo.paths_bytes {
        Some(encoded) => encoded.iter().filter_map(|b| STANDARD.decode(b).ok()).collect(),
        None => photo.paths.iter().map(|p| std::path::Path::new(p).as_os_str().as_bytes().to_vec()).collect(),
    }
}

fn files(cluster: &Cluster) -> usize {
    cluster.photos.iter().map(|p| p.paths.len()).sum()
}

fn spare(cluster: &Cluster) -> u64 {
    cluster.photos.iter().map(|p| p.bytes * (p.paths.len() as u64 - u64::from(p.representative))).sum()
}

/// Prints a line for each file of a photo.
fn photo_lines(out: &mut impl Write, cluster: &Cluster, place: usize, photo: &Photo) -> io::Result<()> {
    let nearest = cluster.pairs.iter().filter(|p| p.a == place || p.b == place).map(|p| p.distance).reduce(f32::min);
    for (number, path) in photo.paths.iter().enumerate() {
        let mark = match (photo.representative, number) {
            (true, 0) => "best".green().bold().to_string(),
            (_, 0) => nearest.map_or_else(|| "    ".to_owned(), |d| format!("{d:.2}")),
            _ => "same".dimmed().to_string(),
        };
        let size = format!("{} × {}", photo.width, photo.height);
        let taken = photo.taken.as_deref().map(time).unwrap_or_default();
        let away = if photo.offline.contains(&number) { " (offline)".yellow().to_string() } else { String::new() };
        writeln!(out, "    {mark}  {size:>13}  {:<4}  {:>10}  {taken:<16}  {}{away}", photo.format, bytes(photo.bytes), shown(path))?;
    }
    Ok(())
}
