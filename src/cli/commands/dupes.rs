//! `simctl dupes`: photos that are versions of each other, in five formats.

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write, stdout};
use std::mem::take;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::slice::from_ref;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::api::client::{Client, Piece};
use crate::api::query_of;
use crate::api::types::{Cluster, Clusters, End, PlaceStatus, Progress, RootList, Status};
use crate::cli::args::{DupesArguments, DupesFormat, SortBy};
use crate::cli::checker::Checker;
use crate::cli::divided_shots::{has_divided_shots, joined_by_shots};
use crate::cli::failure::{DONE, FOUND, Failure, NOT_WHOLE, UNREAD};
use crate::cli::listing::{self, Layout, Ordered, Unsure, order, rows};
use crate::cli::output::{Audience, Done, opened};
use crate::cli::pager::{Pager, paged};
use crate::cli::progress::{self, WhenFull};
use crate::cli::removable::{Removable, may_go};
use crate::cli::report;
use crate::cli::session::{Parameters, Prepared, Session, about, all_answering, prepare};
use crate::cli::summary::{Counted, Summary};
use crate::cli::text::{count, names, shown, shown_path, tell};
use crate::cli::whole;
use crate::photo::Relation;
use crate::sys::probe;

/// How often the views of the roots are compared, and the pause between.
const ROOT_ATTEMPTS: usize = 8;
const ROOT_PAUSE: Duration = Duration::from_millis(500);

/// The most files of a cluster for which the reason that they stay is shown.
const MAX_REASONS: usize = 3;

pub async fn run(session: &Session, options: &DupesArguments) -> Done {
    check(options)?;
    let (places, is_answering) = all_answering(&options.paths)?;
    if places.is_empty() {
        return Ok(ExitCode::from(NOT_WHOLE));
    }
    let client = session.daemon().await?;
    // The versions of one file may be anywhere.
    let everywhere = options.everywhere || places.iter().all(|place| !place.is_folder);
    let when_full = if options.partial { WhenFull::GoOn } else { WhenFull::Wait };
    let waits = (!options.no_wait).then_some(when_full);
    let Prepared { paths, is_whole, waited } = prepare(&client, &places, waits.filter(|_| !everywhere)).await?;
    let is_whole = is_whole && (is_answering || options.partial);
    // Files on the list may be deleted, so an incomplete answer lists none.
    let is_paths0 = options.format == DupesFormat::Paths0;
    if !is_whole && (paths.is_empty() || is_paths0) {
        return Ok(ExitCode::from(NOT_WHOLE));
    }
    if options.everywhere {
        see_all_roots(&client).await?;
    }
    let waited = match waits {
        Some(when_full) if everywhere => progress::wait(&client, &[], when_full).await?.places,
        _ => waited,
    };
    let layout = match options.format {
        DupesFormat::Html => Layout::of_page(&paths, options.absolute),
        _ => Layout::of_stdout(&paths, options.absolute),
    };
    let (pager, mut out) = match options.format {
        DupesFormat::Text => paged(!options.no_pager),
        _ => (Pager::none(), opened(Audience::Program)),
    };
    let (relations, asked) = relations(options);
    let mut printer = Printer::new(&mut out, options, layout, asked, &waited);
    let end = about(&paths, async |mut query: Parameters| {
        query.extend(options.threshold.map(|t| ("threshold", t.to_string().into())));
        query.extend((!relations.is_empty()).then(|| ("relation", relations.join(",").into())));
        query.extend(everywhere.then(|| ("everywhere", b"true".to_vec())));
        query.extend(options.limit.filter(|_| is_cut_by_daemon(options)).map(|limit| ("limit", limit.to_string().into())));
        query.extend((options.within_shots && !is_paths0).then(|| ("within_shots", b"true".to_vec())));
        let query = query_of(query);
        if options.format == DupesFormat::Json {
            return Ok(printer.whole(client.ask("/v1/clusters", query).await?)?);
        }
        client.list("/v1/clusters", query, |piece, json| printer.take(piece, json)).await
    })
    .await?;
    let is_partial = options.partial || options.no_wait && !is_paths0;
    let places = whole::asked(&waited, end.places.clone());
    let is_whole = is_whole && (is_partial || whole::is_whole(&places, everywhere));
    // For a question about the whole library the coverage still counts the photos that were asked about.
    let is_alone = everywhere && printer.clusters == 0 && end.coverage.indexed == 1;
    let compared = if is_alone { client.get::<Status>("/v1/status").await?.coverage.indexed } else { end.coverage.indexed };
    if options.format == DupesFormat::Html {
        let (groups, unsure, counted) = printer.sorted(compared);
        let summary = Summary::of(options, &end, counted);
        report::write(
            printer.out,
            &client,
            &report::Report { layout: &printer.layout, groups: &groups, unsure: &unsure, summary: &summary },
        )
        .await?;
    }
    printer.end(&end, compared, is_whole)?;
    let (found, incomplete) = (printer.clusters > 0, printer.incomplete.take());
    out.flush()?;
    // A pager ends when all is written.
    drop(out);
    pager.wait();
    whole::report(&places);
    if let Some(failure) = incomplete {
        return Err(failure);
    }
    let is_unread = end.coverage.failed + end.coverage.unsupported > 0;
    Ok(ExitCode::from(exit_code(is_whole, options.strict && is_unread, options.exit_code && found)))
}

/// The relations that are asked about, by their names and as far as they are known. None stands for all.
fn relations(options: &DupesArguments) -> (Vec<String>, Vec<Relation>) {
    let mut names = options.relation.clone();
    if options.format == DupesFormat::Paths0 && names.is_empty() {
        // An edit is a person's work, so listing it is a choice.
        names.extend([Relation::Identical, Relation::Copy].map(|relation| relation.to_string()));
    }
    let asked: Vec<Relation> = Relation::ALL.iter().copied().filter(|relation| names.iter().any(|name| name == relation.name())).collect();
    tell_never_listed(options, &asked);
    (names, asked)
}

/// What cannot be asked of a format.
fn check(options: &DupesArguments) -> Result<(), Failure> {
    match options.format {
        DupesFormat::Paths0 if options.sort.is_some() => {
            Err(Failure::usage("--sort cannot be used with paths0, whose order has no meaning").hint("leave out --sort"))
        }
        DupesFormat::Html if stdout().is_terminal() => {
            Err(Failure::usage("a page with pictures cannot be shown on a terminal").hint("simctl dupes --format html DIR > report.html"))
        }
        _ => Ok(()),
    }
}

/// Whether the daemon leaves out the clusters beyond the limit. For people, series count as one, and for another order all clusters
/// are needed.
fn is_cut_by_daemon(options: &DupesArguments) -> bool {
    let is_for_people = matches!(options.format, DupesFormat::Text | DupesFormat::Html);
    !is_for_people && options.sort.is_none_or(|by| by == SortBy::Files)
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
            message: format!("{} is not answered: {why}; leave out --everywhere, or simctl restart", shown_path(&path)),
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

/// Prints an answer as it arrives, as far as its order allows.
struct Printer<'a, W: Write> {
    pub out: &'a mut W,
    options: &'a DupesArguments,
    pub layout: Layout,
    /// Those of which files may be listed.
    relations: Vec<Relation>,
    /// The places as they were when everything in them had been read.
    waited: &'a [PlaceStatus],
    /// All clusters, those with versions, and the ids of the series of which there are several.
    pub clusters: u64,
    with_versions: u64,
    series: HashSet<String>,
    /// The single clusters and series that are printed before what is not sure, and those that are left out.
    printed: u64,
    unshown: u64,
    ordered: Ordered,
    unsure: Unsure,
    /// The lines of ndjson, if another order needs all of them.
    lines: Vec<(Cluster, Box<RawValue>)>,
    checker: Option<Checker>,
    /// With the source of the cluster.
    removable: Vec<(PathBuf, Removable)>,
    /// The clusters that can be checked only together with others.
    divided: Vec<Cluster>,
    /// Why no more files are listed.
    incomplete: Option<Failure>,
}

impl<'a, W: Write> Printer<'a, W> {
    pub fn new(
        out: &'a mut W,
        options: &'a DupesArguments,
        layout: Layout,
        relations: Vec<Relation>,
        waited: &'a [PlaceStatus],
    ) -> Printer<'a, W> {
        let is_sorted = options.sort.is_some_and(|by| by != SortBy::Files);
        Printer {
            out,
            options,
            layout,
            relations,
            waited,
            clusters: 0,
            with_versions: 0,
            series: HashSet::new(),
            printed: 0,
            unshown: 0,
            ordered: Ordered::new(is_sorted || options.format == DupesFormat::Html),
            unsure: Unsure::default(),
            lines: Vec::new(),
            checker: None,
            removable: Vec::new(),
            divided: Vec::new(),
            incomplete: None,
        }
    }

    /// Takes a line of the answer. With ndjson all lines are printed, so that a reader sees whether the answer has its end.
    pub fn take(&mut self, piece: Piece, json: &RawValue) -> Result<(), Failure> {
        match (piece, self.options.format) {
            (Piece::Item, _) => self.print(json),
            (Piece::Begin, DupesFormat::Ndjson) => Ok(line(self.out, json)?),
            (Piece::End, DupesFormat::Ndjson) => {
                let mut lines = take(&mut self.lines);
                self.cut(&mut lines, |(cluster, _)| from_ref(cluster));
                lines.iter().try_for_each(|(_, json)| line(self.out, json))?;
                Ok(line(self.out, &whole::settled(json, self.waited)?)?)
            }
            (Piece::Begin | Piece::End, _) => Ok(()),
        }
    }

    fn print(&mut self, json: &RawValue) -> Result<(), Failure> {
        self.clusters += 1;
        match self.options.format {
            DupesFormat::Text | DupesFormat::Html => self.cluster(parsed(json)?)?,
            DupesFormat::Paths0 => match parsed(json)? {
                cluster if has_divided_shots(&cluster) => self.divided.push(cluster),
                cluster => self.paths0(vec![cluster]),
            },
            DupesFormat::Ndjson if self.ordered.holds_all() => self.lines.push((parsed(json)?, json.to_owned())),
            DupesFormat::Json | DupesFormat::Ndjson => line(self.out, json)?,
        }
        if self.clusters == 1 {
            // Show the first cluster at once.
            self.out.flush()?;
        }
        Ok(())
    }

    /// Sorts as a person asks for, and leaves out what is beyond the limit.
    fn cut<T>(&mut self, items: &mut Vec<T>, stars_of: impl Fn(&T) -> &[Cluster]) {
        if let Some(by) = self.options.sort.filter(|by| *by != SortBy::Files) {
            order::sort(items, by, stars_of);
        }
        if let Some(limit) = self.options.limit {
            self.unshown += items.len().saturating_sub(limit.get()) as u64;
            items.truncate(limit.get());
        }
    }

    /// Everything in its order, for a page, with what was counted.
    pub fn sorted(&mut self, compared: u64) -> (Vec<Vec<Cluster>>, Unsure, Counted) {
        let mut groups = self.ordered.rest();
        self.cut(&mut groups, Vec::as_slice);
        let mut unsure = take(&mut self.unsure);
        let room = self.options.limit.map_or(usize::MAX, |limit| limit.get() - groups.len());
        self.unshown += unsure.cut(room);
        (groups, unsure, self.counted(compared))
    }

    fn counted(&self, compared: u64) -> Counted {
        let Printer { clusters, with_versions, unshown, .. } = *self;
        Counted { clusters, with_versions, series: self.series.len() as u64, unshown, compared }
    }

    /// Collects the files that could go. A cluster that is not on the disk as the daemon says is reported instead.
    fn paths0(&mut self, clusters: Vec<Cluster>) {
        if self.incomplete.is_some() {
            return;
        }
        let source = clusters[0].photos[0].path.to_path();
        match self.checker.get_or_insert_with(|| Checker::start(self.relations.clone())).check(clusters) {
            Ok(Ok(removable)) => {
                partly_listed(&source, removable.reasons());
                self.removable.push((source, removable));
            }
            Ok(Err(why)) => not_listed(&source, &why),
            Err(silent) => self.incomplete = Some(silent),
        }
    }

    /// Lists the files that could go. Those of each cluster are checked again right before: what was checked first may have
    /// changed while others were hashed and decoded, or while the reader of the list was slow.
    fn list(&mut self) -> io::Result<()> {
        joined_by_shots(take(&mut self.divided)).into_iter().for_each(|clusters| self.paths0(clusters));
        let is_for_a_person = stdout().is_terminal();
        let mut listed = 0;
        let checker = self.checker.as_ref().filter(|_| self.incomplete.is_none());
        for (checker, (source, removable)) in checker.into_iter().cycle().zip(take(&mut self.removable)) {
            match checker.check_again(removable) {
                Ok(Ok(removable)) => {
                    for path in removable.paths() {
                        listed += 1;
                        if is_for_a_person {
                            writeln!(self.out, "{}", shown_path(path))?;
                        } else {
                            self.out.write_all(&[path.as_os_str().as_bytes(), b"\0"].concat())?;
                        }
                    }
                    self.out.flush()?;
                }
                Ok(Err(why)) => not_listed(&source, &why),
                Err(silent) => {
                    self.incomplete = Some(silent);
                    break;
                }
            }
        }
        if is_for_a_person {
            let files = count(listed, "file that you could delete", "files that you could delete");
            tell(format_args!("{files}. For a program, such as xargs -0, each ends with NUL."));
        }
        Ok(())
    }

    /// One JSON object. Returns its end.
    pub fn whole(&mut self, mut answer: Clusters) -> io::Result<End> {
        self.clusters = answer.clusters.len() as u64;
        if !is_cut_by_daemon(self.options) {
            self.cut(&mut answer.clusters, from_ref);
        }
        whole::settle(&mut answer.end, self.waited);
        serde_json::to_writer(&mut *self.out, &answer)?;
        writeln!(self.out)?;
        Ok(answer.end)
    }

    /// Ends the answer. `compared` is the number of photos that were compared with each other. Files that may be deleted are
    /// listed only now, if the answer is whole.
    pub fn end(&mut self, end: &End, compared: u64, is_whole: bool) -> io::Result<()> {
        match self.options.format {
            DupesFormat::Text => {
                let mut groups = self.ordered.rest();
                if self.ordered.holds_all()
                    && let Some(by) = self.options.sort
                {
                    order::sort(&mut groups, by, Vec::as_slice);
                }
                groups.iter().try_for_each(|stars| self.stars(stars))?;
                let room = self.options.limit.map_or(usize::MAX, |limit| limit.get() - self.printed as usize);
                self.unshown += self.unsure.cut(room);
                listing::print_unsure(self.out, &self.layout, &self.unsure, self.printed)?;
                Summary::of(self.options, end, self.counted(compared)).print(self.out, &self.layout)
            }
            DupesFormat::Paths0 if is_whole && self.incomplete.is_none() => self.list(),
            DupesFormat::Paths0 | DupesFormat::Html | DupesFormat::Json | DupesFormat::Ndjson => Ok(()),
        }
    }

    fn cluster(&mut self, cluster: Cluster) -> io::Result<()> {
        let relations: Vec<Relation> = rows::others(&cluster).map(|(relation, _)| relation).collect();
        self.with_versions += u64::from(relations.iter().any(|relation| rows::is_version(*relation)));
        self.series.extend(cluster.series.clone());
        let cluster = self.unsure.take(cluster).and_then(|cluster| self.ordered.take(cluster));
        cluster.map_or(Ok(()), |cluster| self.stars(from_ref(&cluster)))
    }

    fn stars(&mut self, stars: &[Cluster]) -> io::Result<()> {
        if self.options.limit.is_some_and(|limit| self.printed >= limit.get() as u64) {
            self.unshown += 1;
            return Ok(());
        }
        self.printed += 1;
        listing::print(self.out, &self.layout, self.printed, stars)
    }
}

/// Says which of these relations are no reason to list a file that could go, and that the photos of one shot are none.
fn tell_never_listed(options: &DupesArguments, relations: &[Relation]) {
    if options.format != DupesFormat::Paths0 {
        return;
    }
    if options.within_shots {
        tell(
            "--format paths0 lists no photo because of another one of its shot: it can check only the preview in a RAW file, not its \
             sensor data, so the JPEG beside it may be all that is left of the photo",
        );
    }
    let never: Vec<Relation> = relations.iter().copied().filter(|relation| !may_go(*relation)).collect();
    if !never.is_empty() {
        tell(format_args!("--format paths0 never lists photos of the relation {}: each may be worth keeping", names(&never)));
    }
}

fn not_listed(source: &Path, why: &str) {
    tell(format_args!("no version of {} is listed: {}", shown_path(source), shown(why)));
}

/// Says why some files of a cluster stay.
fn partly_listed(source: &Path, reasons: &[String]) {
    let source = shown_path(source);
    reasons.iter().take(MAX_REASONS).for_each(|why| tell(format_args!("not every version of {source} is listed: {}", shown(why))));
    if let Some(more) = reasons.len().checked_sub(MAX_REASONS).filter(|more| *more > 0) {
        tell(format_args!(
            "not every version of {source} is listed: such a reason holds for {}",
            count(more as u64, "other file", "other files")
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
    use super::*;

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
