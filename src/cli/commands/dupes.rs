//! `simctl dupes`: photos that are versions of each other, in four formats.

use std::collections::HashSet;
use std::io::{self, Write};
use std::mem::take;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::slice::from_ref;
use std::time::Duration;

use owo_colors::OwoColorize;
use serde_json::value::RawValue;

use crate::api::client::{Client, Piece};
use crate::api::query_of;
use crate::api::types::{Cluster, Clusters, End, Progress, RootList, Status};
use crate::cli::args::{DupesArguments, DupesFormat};
use crate::cli::failure::{DONE, FOUND, Failure, NOT_WHOLE, UNREAD};
use crate::cli::listing::{self, Ordered, Unsure, is_version};
use crate::cli::output::{Audience, Done, opened};
use crate::cli::removable::{Checker, Removable};
use crate::cli::session::{Parameters, Prepared, Session, about, all_answering, prepare};
use crate::cli::text::{bytes, count, coverage, left_out, shown, tell};
use crate::cli::whole;
use crate::photo::{Amount, Relation};
use crate::sys::probe;

/// How often the views of the roots are compared, and the pause between.
const ROOT_ATTEMPTS: usize = 8;
const ROOT_PAUSE: Duration = Duration::from_millis(500);

/// The most files of a cluster for which the reason that they stay is shown.
const MAX_REASONS: usize = 3;

pub async fn run(session: &Session, options: &DupesArguments) -> Done {
    let (places, is_answering) = all_answering(&options.paths)?;
    if places.is_empty() {
        return Ok(ExitCode::from(NOT_WHOLE));
    }
    let client = session.daemon().await?;
    let Prepared { paths, is_whole, are_files, waited } = prepare(&client, &places, options.no_wait).await?;
    let is_whole = is_whole && (is_answering || options.partial);
    // Files on the list may be deleted, so an incomplete answer lists none.
    if !is_whole && (paths.is_empty() || options.format == DupesFormat::Paths0) {
        return Ok(ExitCode::from(NOT_WHOLE));
    }
    // The versions of one file may be anywhere.
    let everywhere = options.everywhere || are_files;
    if options.everywhere {
        see_all_roots(&client).await?;
    }
    let audience = if options.format == DupesFormat::Text { Audience::Person } else { Audience::Program };
    let mut out = opened(audience);
    let mut relations = options.relation.clone();
    if options.format == DupesFormat::Paths0 && relations.is_empty() {
        // An edit is a person's work, so listing it is a choice.
        relations.extend([Relation::Identical, Relation::Copy].map(|relation| relation.to_string()));
    }
    let asked = Relation::ALL.iter().copied().filter(|relation| relations.iter().any(|name| name == relation.name())).collect();
    let mut printer = Printer::new(&mut out, options.format, asked);
    let end = about(&paths, async |mut query: Parameters| {
        query.extend(options.threshold.map(|t| ("threshold", t.to_string().into())));
        query.extend((!relations.is_empty()).then(|| ("relation", relations.join(",").into())));
        query.extend(everywhere.then(|| ("everywhere", b"true".to_vec())));
        query.extend(options.within_shots.then(|| ("within_shots", b"true".to_vec())));
        let query = query_of(query);
        if options.format == DupesFormat::Json {
            return Ok(printer.whole(client.ask("/v1/clusters", query).await?)?);
        }
        client.list("/v1/clusters", query, |piece, json| printer.take(piece, json)).await
    })
    .await?;
    let is_partial = options.partial || options.no_wait && options.format != DupesFormat::Paths0;
    let places = whole::asked(&waited, end.places.clone());
    let is_whole = is_whole && (is_partial || whole::is_whole(&places, everywhere));
    // For a question about the whole library the coverage still counts the photos that were asked about.
    let is_alone = everywhere && printer.clusters == 0 && end.coverage.indexed == 1;
    let compared = if is_alone { client.get::<Status>("/v1/status").await?.coverage.indexed } else { end.coverage.indexed };
    printer.end(&end, compared, is_whole)?;
    let (found, incomplete) = (printer.clusters > 0, printer.incomplete.take());
    out.flush()?;
    whole::report(&places);
    if let Some(failure) = incomplete {
        return Err(failure);
    }
    let is_unread = end.coverage.failed + end.coverage.unsupported > 0;
    Ok(ExitCode::from(exit_code(is_whole, options.strict && is_unread, options.exit_code && found)))
}

/// Returns the exit code of an answer: what is left out comes before what could not be read, and that before what was found.
fn exit_code(is_whole: bool, is_unread: bool, is_found: bool) -> u8 {
    match (is_whole, is_unread, is_found) {
        (false, ..) => NOT_WHOLE,
        (true, true, _) => UNREAD,
        (true, false, true) => FOUND,
        (true, false, false) => DONE,
    }
}

/// Compares the views of every root, as `--everywhere` is about all of them. Where they differ, they are compared again: the
/// daemon may be about to notice a drive that was connected or removed.
async fn see_all_roots(client: &Client) -> Result<(), Failure> {
    let mut attempts = 1;
    loop {
        match compare_roots(client).await {
            Err(failure) if failure.code == NOT_WHOLE && attempts < ROOT_ATTEMPTS => {
                attempts += 1;
                tokio::time::sleep(ROOT_PAUSE).await;
            }
            compared => return compared,
        }
    }
}

/// Compares the views of every root once. Skips a root that is offline for both.
async fn compare_roots(client: &Client) -> Result<(), Failure> {
    let RootList { roots } = client.get("/v1/roots").await?;
    let paths: Vec<PathBuf> = roots.iter().map(|root| root.path.to_path()).collect();
    let are_there = probe::each_path(&paths, Path::is_dir);
    for (root, (path, is_there)) in roots.iter().zip(paths.into_iter().zip(are_there)) {
        let not_answered = |why: &str| Failure {
            message: format!("{} is not answered: {why}; leave out --everywhere, or simctl restart", crate::cli::text::shown_path(&path)),
            hint: None,
            code: NOT_WHOLE,
        };
        match (is_there, &root.offline) {
            (Some(false) | None, Some(_)) => continue,
            (Some(true), _) => {}
            (Some(false), None) => return Err(not_answered("the daemon sees a folder there, and you do not")),
            (None, None) => return Err(not_answered("its disk does not answer")),
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
    /// Those of which files may be listed.
    relations: Vec<Relation>,
    /// Clusters so far, those with versions, and the ids of the series of which there are several.
    pub clusters: u64,
    with_versions: u64,
    series: HashSet<String>,
    /// The single clusters and series that are printed before what is not sure.
    printed: u64,
    ordered: Ordered,
    unsure: Unsure,
    checker: Option<Checker>,
    /// With the id of the cluster.
    removable: Vec<(String, Removable)>,
    /// Why no more files are listed.
    incomplete: Option<Failure>,
}

impl<'a, W: Write> Printer<'a, W> {
    pub fn new(out: &'a mut W, format: DupesFormat, relations: Vec<Relation>) -> Printer<'a, W> {
        Printer {
            out,
            format,
            relations,
            clusters: 0,
            with_versions: 0,
            series: HashSet::new(),
            printed: 0,
            ordered: Ordered::default(),
            unsure: Unsure::default(),
            checker: None,
            removable: Vec::new(),
            incomplete: None,
        }
    }

    /// Takes a line of the answer. With ndjson all lines are printed, so that a reader sees whether the answer has its end.
    pub fn take(&mut self, piece: Piece, json: &RawValue) -> Result<(), Failure> {
        match (piece, self.format) {
            (Piece::Item, _) => self.print(json),
            (Piece::Begin | Piece::End, DupesFormat::Ndjson) => Ok(line(self.out, json)?),
            (Piece::Begin | Piece::End, DupesFormat::Text | DupesFormat::Json | DupesFormat::Paths0) => Ok(()),
        }
    }

    fn print(&mut self, json: &RawValue) -> Result<(), Failure> {
        self.clusters += 1;
        match self.format {
            DupesFormat::Text => self.cluster(parsed(json)?)?,
            DupesFormat::Paths0 => self.paths0(parsed(json)?),
            DupesFormat::Json | DupesFormat::Ndjson => line(self.out, json)?,
        }
        if self.clusters == 1 {
            // Show the first cluster at once.
            self.out.flush()?;
        }
        Ok(())
    }

    /// Collects the files that could go. A cluster that is not on the disk as the daemon says is reported instead.
    fn paths0(&mut self, cluster: Cluster) {
        if self.incomplete.is_some() {
            return;
        }
        let id = cluster.id.clone();
        match self.checker.get_or_insert_with(|| Checker::start(self.relations.clone())).check(cluster) {
            Ok(Ok(removable)) => {
                partly_listed(&id, removable.reasons());
                self.removable.push((id, removable));
            }
            Ok(Err(why)) => not_listed(&id, &why),
            Err(silent) => self.incomplete = Some(silent),
        }
    }

    /// Lists the files that could go. Those of each cluster are checked again right before: what was checked first may have
    /// changed while others were hashed and decoded, or while the reader of the list was slow.
    fn list(&mut self) -> io::Result<()> {
        let Some(checker) = &self.checker else { return Ok(()) };
        for (id, removable) in take(&mut self.removable) {
            match checker.check_again(removable) {
                Ok(Ok(removable)) => {
                    for path in removable.paths() {
                        self.out.write_all(path.as_os_str().as_bytes())?;
                        self.out.write_all(b"\0")?;
                    }
                    self.out.flush()?;
                }
                Ok(Err(why)) => not_listed(&id, &why),
                Err(silent) => {
                    self.incomplete = Some(silent);
                    break;
                }
            }
        }
        Ok(())
    }

    /// One JSON object. Returns its end.
    pub fn whole(&mut self, answer: Clusters) -> io::Result<End> {
        self.clusters = answer.clusters.len() as u64;
        serde_json::to_writer(&mut *self.out, &answer)?;
        writeln!(self.out)?;
        Ok(answer.end)
    }

    /// Ends the answer. `compared` is the number of photos that were compared with each other. Files that may be deleted are
    /// listed only now, if the answer is whole.
    pub fn end(&mut self, end: &End, compared: u64, is_whole: bool) -> io::Result<()> {
        match self.format {
            DupesFormat::Text => {
                self.ordered.rest().iter().try_for_each(|stars| self.stars(stars))?;
                self.unsure.print(self.out, self.printed)?;
                self.summary(end, compared)
            }
            DupesFormat::Paths0 if is_whole && self.incomplete.is_none() => self.list(),
            DupesFormat::Paths0 | DupesFormat::Json | DupesFormat::Ndjson => Ok(()),
        }
    }

    fn cluster(&mut self, cluster: Cluster) -> io::Result<()> {
        let relations: Vec<Relation> = listing::others(&cluster).map(|(relation, _)| relation).collect();
        self.with_versions += u64::from(relations.iter().any(|relation| is_version(*relation)));
        self.series.extend(cluster.series.clone());
        let cluster = self.unsure.take(cluster).and_then(|cluster| self.ordered.take(cluster));
        cluster.map_or(Ok(()), |cluster| self.stars(from_ref(&cluster)))
    }

    fn stars(&mut self, stars: &[Cluster]) -> io::Result<()> {
        self.printed += 1;
        listing::print(self.out, self.printed, stars)
    }

    fn summary(&mut self, end: &End, compared: u64) -> io::Result<()> {
        let found = self.found(end);
        let summary = if self.clusters == 0 { vec![nothing_found(end, compared).to_owned()] } else { found };
        for line in summary {
            writeln!(self.out, "{}", line.bold())?;
        }
        writeln!(self.out, "{}", coverage(&end.coverage).dimmed())?;
        if !end.unsupported_formats.is_empty() {
            let formats: Vec<String> = end.unsupported_formats.iter().map(|(format, number)| format!("{number} {format}")).collect();
            writeln!(self.out, "{}", format!("not read by this version: {}", formats.join(", ")).dimmed())?;
        }
        for line in left_out(&end.left_out) {
            writeln!(self.out, "{}", line.dimmed())?;
        }
        for (relation, what) in HELD_APART {
            if let Some(Amount { pairs, photos, bytes: size }) = end.held_apart.get(&relation) {
                let (pairs, photos) = (count(*pairs, "pair", "pairs"), count(*photos, "photo", "photos"));
                let line = format!("{pairs} {what} ({photos}, {}): --relation {relation}", bytes(*size));
                let is_unsure = relation == Relation::Unknown;
                writeln!(self.out, "{}", if is_unsure { line.yellow().to_string() } else { line.dimmed().to_string() })?;
            }
        }
        if end.shots > 0 {
            let shots = count(end.shots, "shot of several photos has", "shots of several photos have");
            writeln!(self.out, "{}", format!("{shots} no other versions: --within-shots shows them").dimmed())?;
        }
        if end.outside > 0 {
            let photos = count(end.outside, "photo outside has", "photos outside have");
            writeln!(self.out, "{}", format!("{photos} versions among these photos; --everywhere shows them").dimmed())?;
        }
        if end.coverage.failed > 0 {
            writeln!(self.out, "{}", "simctl failures says why".dimmed())?;
        }
        Ok(())
    }

    /// Says how much was found, by what it is: what versions take is told apart from frames and parts, which nobody can spare.
    fn found(&self, end: &End) -> Vec<String> {
        let amount = |relation: Relation| end.found.get(&relation).copied().unwrap_or_default();
        let versions = [
            (Relation::Identical, "identical file", "identical files"),
            (Relation::Copy, "copy", "copies"),
            (Relation::Edit, "edit", "edits"),
        ];
        let versions =
            versions.map(|(relation, one, many)| (amount(relation), one, many)).into_iter().filter(|(amount, ..)| amount.photos > 0);
        let versions: Vec<String> =
            versions.map(|(amount, one, many)| format!("{} ({})", count(amount.photos, one, many), bytes(amount.bytes))).collect();
        let mut lines = Vec::new();
        if !versions.is_empty() {
            let photos = count(self.with_versions, "photo has versions", "photos have versions");
            lines.push(format!("{photos}: {}.", versions.join(", ")));
        }
        let frames = amount(Relation::Series);
        if frames.photos > 0 {
            let (frames, size) = (count(frames.photos, "frame", "frames"), bytes(frames.bytes));
            lines.push(format!("{} series, {frames} beside the first of each ({size}).", self.series.len()));
        }
        let others = [
            (Relation::Part, "photo is part of another one, or holds it", "photos are parts of others, or hold them"),
            (Relation::Unknown, "photo may be a version of another one", "photos may be versions of others"),
        ];
        for (Amount { photos, bytes: size, .. }, one, many) in others.map(|(relation, one, many)| (amount(relation), one, many)) {
            lines.extend((photos > 0).then(|| format!("{} ({}).", count(photos, one, many), bytes(size))));
        }
        lines
    }
}

/// What is said of the pairs that an answer holds apart.
const HELD_APART: [(Relation, &str); 3] = [
    (Relation::Series, "held apart as frames of a series"),
    (Relation::Part, "held apart as parts of others"),
    (Relation::Unknown, "not sure"),
];

/// The message of an answer without clusters.
fn nothing_found(end: &End, compared: u64) -> &'static str {
    match compared {
        0 => "Nothing was compared: no photo is read.",
        1 => "Nothing was compared: only one photo is read.",
        _ if !end.whole || end.series + end.parts + end.unknown + end.outside > 0 => {
            "No versions found among the photos that were compared."
        }
        _ => "No duplicates found.",
    }
}

fn not_listed(cluster: &str, why: &str) {
    tell(format_args!("nothing of cluster {cluster} is listed: {}", shown(why)));
}

/// Says why some files of a cluster stay.
fn partly_listed(cluster: &str, reasons: &[String]) {
    reasons.iter().take(MAX_REASONS).for_each(|why| tell(format_args!("not all of cluster {cluster} is listed: {}", shown(why))));
    if let Some(more) = reasons.len().checked_sub(MAX_REASONS).filter(|more| *more > 0) {
        tell(format_args!(
            "not all of cluster {cluster} is listed: such a reason holds for {}",
            count(more as u64, "more file", "more files")
        ));
    }
}

/// Writes an item as a line, as it arrived.
pub fn line(out: &mut impl Write, json: &RawValue) -> io::Result<()> {
    writeln!(out, "{}", json.get())
}

fn parsed(json: &RawValue) -> io::Result<Cluster> {
    Ok(serde_json::from_str(json.get())?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::photo::{Coverage, LeftOut};

    const END: End = End {
        whole: true,
        places: Vec::new(),
        series: 0,
        parts: 0,
        unknown: 0,
        found: BTreeMap::new(),
        held_apart: BTreeMap::new(),
        shots: 0,
        outside: 0,
        coverage: Coverage { indexed: 2, pending: 0, unsupported: 0, failed: 0, offline: 0, without_picture: 0, uncompared: 0 },
        unsupported_formats: BTreeMap::new(),
        left_out: LeftOut {
            linked_folders: 0,
            linked_photos: 0,
            linked_others: 0,
            annexed: 0,
            hidden: 0,
            excluded: 0,
            without_ending: 0,
            other: 0,
        },
        next: None,
    };

    /// What is printed for an answer without clusters.
    fn said(end: &End, compared: u64) -> String {
        let mut out = Vec::new();
        Printer::new(&mut out, DupesFormat::Text, Vec::new()).end(end, compared, true).expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn nothing_is_found_only_where_all_was_compared() {
        for (end, compared, sentence) in [
            (END, 2, "No duplicates found."),
            (END, 1, "Nothing was compared: only one photo is read."),
            (END, 0, "Nothing was compared: no photo is read."),
            (End { whole: false, ..END }, 0, "Nothing was compared: no photo is read."),
            (End { whole: false, ..END }, 2, "No versions found among the photos that were compared."),
        ] {
            assert!(said(&end, compared).contains(sentence), "{end:?}");
        }
        let outside = said(&End { outside: 3, ..END }, 2);
        assert!(outside.contains("3 photos outside have versions among these photos; --everywhere shows them"), "{outside}");
        for (relation, line) in [
            (Relation::Series, "12 pairs held apart as frames of a series (8 photos, 34 MB): --relation series"),
            (Relation::Part, "12 pairs held apart as parts of others (8 photos, 34 MB): --relation part"),
            (Relation::Unknown, "12 pairs not sure (8 photos, 34 MB): --relation unknown"),
        ] {
            let held_apart = BTreeMap::from([(relation, Amount { pairs: 12, photos: 8, bytes: 34_000_000 })]);
            let said = said(&End { held_apart, series: 8, ..END }, 2);
            assert!(said.contains(line) && said.contains("No versions found among the photos that were compared."), "{said}");
        }
    }

    #[test]
    fn what_is_found_is_counted_by_what_it_is() {
        let mut out = Vec::new();
        let printer =
            Printer { with_versions: 2, series: HashSet::from(["1".to_owned()]), ..Printer::new(&mut out, DupesFormat::Text, Vec::new()) };
        let amount = |photos: u64| Amount { pairs: photos, photos, bytes: 1000 * photos };
        let found = |of: &[(Relation, u64)]| {
            let found = of.iter().map(|(relation, photos)| (*relation, amount(*photos))).collect();
            printer.found(&End { found, ..END })
        };
        assert_eq!(found(&[(Relation::Copy, 3), (Relation::Edit, 1)]), ["2 photos have versions: 3 copies (3 kB), 1 edit (1 kB)."]);
        assert_eq!(found(&[(Relation::Series, 6)]), ["1 series, 6 frames beside the first of each (6 kB)."]);
        assert_eq!(
            found(&[(Relation::Identical, 2), (Relation::Part, 1), (Relation::Unknown, 2)]),
            [
                "2 photos have versions: 2 identical files (2 kB).",
                "1 photo is part of another one, or holds it (1 kB).",
                "2 photos may be versions of others (2 kB)."
            ]
        );
    }

    #[test]
    fn what_is_left_out_comes_before_what_is_unread_and_that_before_what_is_found() {
        for (is_whole, is_unread, is_found, code) in [
            (true, false, false, 0),
            (true, false, true, 1),
            (true, true, false, 4),
            (true, true, true, 4),
            (false, false, false, 5),
            (false, false, true, 5),
            (false, true, true, 5),
        ] {
            assert_eq!(exit_code(is_whole, is_unread, is_found), code, "{is_whole} {is_unread} {is_found}");
        }
    }
}
