//! Whether everything below a folder is in the library: walks it, reads it, asks the daemon what it knows, and looks at each copy
//! itself before it says that a file is safe.

pub mod arguments;
mod content;
mod copy;
mod gather;
mod judge;
mod look;
mod read;
mod report;
mod walk;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::iter::once;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::spawn_blocking;

use self::arguments::MissingArguments;
use self::copy::{Copied, Stop};
use self::gather::{Asked, gather};
use self::judge::{Counts, Standing, beside, exit_code, judge, standing};
use self::look::{Looks, still_holds};
use self::report::{Checked, CopyMade, Report, Weighed};
use self::walk::Candidate;
use super::failure::{DONE, Failure, INTERRUPTED};
use super::interrupt;
use super::output::Done;
use super::progress::{self, WhenFull};
use super::session::{Prepared, Session, all_answering, existing, prepare, read as read_file};
use super::text::{shown_path, tell};
use super::{answers, whole};
use crate::api::client::Client;
use crate::api::query_of;
use crate::api::types::{KnownCopy, PlaceStatus, RootList, Similar};
use crate::photo::{PictureData, Relation};
use crate::sys::SameProgram;
use crate::vision::Limits;

/// Of how many near photos one may be a version in the library that is asked about.
const NEAREST_VERSIONS: &str = "20";

/// Runs `simctl missing`.
pub async fn run(session: &Session, options: &MissingArguments) -> Done {
    let top = existing(&options.path)?;
    let client = session.daemon().await?;
    let library = library(&client, &options.within).await?;
    let below = {
        let top = top.clone();
        spawn_blocking(move || walk::walk(&top)).await.map_err(|e| Failure::usage(e.to_string()))??
    };
    let target = options.copy_to.as_deref().map(|folder| copy::target(folder, &top, &below)).transpose()?;
    let mut asked = Asked::new(below, options.quick);
    let limits = session.settings.limits;
    // What is known when it is ended early is said.
    let _heeded = interrupt::while_waiting();
    let mut is_interrupted = tokio::select! {
        done = gather(&mut asked, &client, &library.paths, limits, options) => { done?; false }
        () = interrupt::pressed() => true,
    };
    if options.versions && !is_interrupted {
        is_interrupted = tokio::select! {
            () = find_versions(&client, &mut asked, &top, &library.paths) => false,
            () = interrupt::pressed() => true,
        };
    }
    let (is_verified, needed) = (options.verify && !is_interrupted, options.on_disks);
    let judging = {
        let top = top.clone();
        spawn_blocking(move || judged(asked, &top, needed, is_verified, limits))
    };
    let judged = tokio::select! {
        judged = judging => judged,
        () = interrupt::pressed() => {
            tell("ended while the library's copies were looked at: nothing is known to be safe");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    let Judged { asked, mut checked, unjudged } = judged.map_err(|e| Failure::usage(e.to_string()))??;
    let mut stopped = None;
    if let (Some(target), false) = (target, is_interrupted) {
        stopped = copy_all(&top, target, &mut checked).await;
    }
    let mut counts = Counts { unjudged, ..Counts::default() };
    checked.iter().for_each(|file| counts.add(file.verdict.state));
    let is_ended = is_interrupted || matches!(stopped, Some(Stop::Asked));
    let code = if is_ended { INTERRUPTED } else { exit_code(&counts, library.is_whole) };
    let report = Report { top: &top, options, checked: &checked, asked: &asked, places: library.places, counts, is_interrupted: is_ended };
    match report.print(code) {
        // A reader that closes the pipe has not read that everything is safe.
        Err(failure) if failure.code == DONE => {}
        done => done?,
    }
    match stopped {
        Some(Stop::Unwritten(failure)) => Err(failure),
        _ => Ok(ExitCode::from(code)),
    }
}

/// What of the library is asked about.
struct Library {
    /// The folders, or none for all.
    paths: Vec<PathBuf>,
    places: Vec<PlaceStatus>,
    is_whole: bool,
}

/// Waits until the library is read: the folders that were named, or all.
async fn library(client: &Client, within: &[PathBuf]) -> Result<Library, Failure> {
    if within.is_empty() {
        let known: RootList = client.get("/v1/roots").await?;
        if known.roots.is_empty() {
            let failure = Failure::usage("no folder is watched, so nothing is known to be safe");
            return Err(failure.hint("simctl missing PATH --in DIR asks about the photos in DIR, and has it watched"));
        }
        let waited = progress::wait(client, &[], WhenFull::GiveUp).await?;
        // A disk that is away makes nothing safe, and what is only there is named with it.
        let is_whole = whole::is_whole(&waited.places, true);
        let places = waited.places.into_iter().filter(|place| !whole::is_whole(std::slice::from_ref(place), true)).collect::<Vec<_>>();
        whole::report(&places);
        return Ok(Library { paths: Vec::new(), places, is_whole });
    }
    let (places, is_answering) = all_answering(within)?;
    if let Some(file) = places.iter().find(|place| !place.is_folder) {
        return Err(Failure::usage(format!("{} is a file, and --in takes folders", shown_path(&file.path))));
    }
    let Prepared { paths, is_whole, waited } = prepare(client, &places, Some(WhenFull::Wait)).await?;
    if paths.is_empty() {
        return Err(Failure { code: super::failure::NOT_WHOLE, ..Failure::usage("none of the folders of --in can be looked at") });
    }
    whole::report(&waited);
    let is_whole = is_answering && is_whole && whole::is_whole(&waited, false);
    Ok(Library { paths, places: waited, is_whole })
}

/// What is said of the files.
struct Judged {
    asked: Asked,
    checked: Vec<Checked>,
    /// The number of files of which nothing is said.
    unjudged: u64,
}

/// Looks at every copy now, and judges every file of which the copies are known.
fn judged(asked: Asked, top: &Path, needed: usize, is_verified: bool, limits: Limits) -> Result<Judged, Failure> {
    let copies = |number: usize| asked.answers[number].iter().flat_map(|answer| answer.content.iter().chain(&answer.picture));
    let paths: BTreeSet<PathBuf> = (0..asked.below.files.len()).flat_map(copies).map(|copy| copy.path.to_path()).collect();
    let looks = || Looks::at(paths.clone(), top, &asked.below);
    let program = SameProgram::of_this_process()?;
    let was_read = RefCell::new(HashMap::new());
    let weigh = |number: usize, looks: &Looks| {
        let holds = |copy: &KnownCopy, picture: Option<&PictureData>| {
            let read = (number, copy.path.to_path(), picture.is_some());
            *was_read.borrow_mut().entry(read).or_insert_with(|| still_holds(copy, picture, &program, limits))
        };
        weighed(&asked, number, looks, is_verified, holds)
    };
    let of_read = || (0..asked.below.files.len()).filter(|number| asked.read_of(*number).is_some());
    let before = looks();
    of_read().for_each(|number| drop(weigh(number, &before)));
    // Reading copies takes a while. One may have gone meanwhile.
    let looks = if was_read.borrow().is_empty() { before } else { looks() };
    let (mut checked, mut unjudged) = (Vec::new(), 0);
    for number in 0..asked.below.files.len() {
        let Some(read) = asked.read_of(number) else {
            unjudged += 1;
            continue;
        };
        let weighed = weigh(number, &looks);
        let all: Vec<Standing> = weighed.iter().map(|copy| copy.standing.clone()).collect();
        let verdict = judge(&read, &all, needed, asked.versions.contains_key(&number));
        checked.push(Checked::new(number, &asked, verdict, &weighed, needed));
    }
    for (path, why) in &asked.below.unreadable {
        checked.push(Checked::unlisted(path, why));
    }
    // Reading a card takes a while. A camera or a program may have written to it meanwhile.
    let later = walk::walk(top)?;
    let changed: HashMap<&Path, &Candidate> = asked.below.changes(&later).map(|file| (file.path.as_path(), file)).collect();
    checked.retain(|file| !changed.contains_key(file.path.as_path()));
    checked.extend(changed.into_values().map(Checked::written_since));
    checked.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Judged { asked, checked, unjudged })
}

/// Returns what each copy of a file counts for. `holds` reads a copy again.
fn weighed<'a>(
    asked: &'a Asked,
    number: usize,
    looks: &Looks,
    is_verified: bool,
    holds: impl Fn(&KnownCopy, Option<&PictureData>) -> Option<bool>,
) -> Vec<Weighed<'a>> {
    let by_content = asked.answers[number].iter().flat_map(|answer| answer.content.iter().map(|copy| (copy, false)));
    let by_picture = asked.answers[number].iter().flat_map(|answer| answer.picture.iter().map(|copy| (copy, true)));
    let held = asked.confirmed.get(&number);
    let (mut weighed, mut counted) = (Vec::new(), Vec::new());
    for (copy, is_by_picture) in by_content.chain(by_picture) {
        let picture = held.filter(|_| is_by_picture);
        let mut look = looks.look(&asked.below.files[number], copy, &asked.below);
        look.is_proven = !is_by_picture || picture.is_some();
        // Of a copy with this picture the daemon does not know what else is among its metadata.
        let has_payload = picture.is_some_and(|held| held.payload.is_some());
        let must_be_read = look.may_be_as_read() || (is_verified || has_payload) && matches!(standing(&look), Standing::Here(_));
        if must_be_read && look.is_proven {
            let found = holds(copy, picture);
            (look.is_proven, look.is_unreadable) = (found == Some(true), found.is_none());
            look.ctime_ns = look.ctime_ns.filter(|_| !look.is_proven);
        }
        weighed.push(Weighed { copy, has_bytes: !is_by_picture, standing: beside(standing(&look), look.now, &mut counted) });
    }
    weighed
}

/// Finds the nearest version of each photo that nothing in the library equals.
async fn find_versions(client: &Client, asked: &mut Asked, top: &Path, library: &[PathBuf]) {
    // The library may hold the folder that was asked about. Its own files are no versions of themselves.
    let is_there = |path: &Path| !path.starts_with(top) && (library.is_empty() || library.iter().any(|folder| path.starts_with(folder)));
    let mut found: HashMap<usize, answers::NearestVersion> = HashMap::new();
    for (number, file) in asked.below.files.iter().enumerate() {
        let is_unmatched = asked.answers[number].as_ref().is_some_and(|answer| answer.content.is_empty() && answer.picture.is_empty());
        if !file.is_photo() || !is_unmatched {
            continue;
        }
        let Ok(bytes) = read_file(&file.path) else { continue };
        let query = query_of([("k", NEAREST_VERSIONS)]);
        // A photo that cannot be decoded has no versions that could be found.
        let Ok(answer) = client.post::<Similar>(&format!("/v1/similar?{query}"), bytes).await else { continue };
        let is_version = |relation| matches!(relation, Relation::Identical | Relation::Copy | Relation::Edit);
        let nearest = answer.similar.into_iter().filter(|near| is_version(near.relation)).find_map(|near| {
            let path =
                once(near.photo.path).chain(near.photo.files.into_iter().map(|file| file.path)).find(|path| is_there(&path.to_path()))?;
            Some(answers::NearestVersion { path, distance: near.distance })
        });
        found.extend(nearest.map(|version| (number, version)));
    }
    asked.versions = found;
}

fn not_copied(file: &Checked, why: &str) {
    tell(format_args!("not copied: {}: {why}", shown_path(&file.path)));
}

/// Copies every file that is not safe. Returns why it ended early, if it did.
async fn copy_all(top: &Path, target: PathBuf, checked: &mut Vec<Checked>) -> Option<Stop> {
    let is_ended = Arc::new(AtomicBool::new(false));
    let (flag, top, mut files) = (is_ended.clone(), top.to_owned(), std::mem::take(checked));
    let mut work = spawn_blocking(move || {
        let mut stopped = None;
        for file in files.iter_mut().filter(|file| file.is_to_copy()) {
            let Some(at) = file.at else { continue };
            match copy::copy(&file.path, &at, &top, &target, &flag) {
                Ok(Copied::Written(path)) => file.copied = Some(CopyMade { path, is_new: true }),
                Ok(Copied::Was(path)) => file.copied = Some(CopyMade { path, is_new: false }),
                Ok(Copied::Not(why)) => not_copied(file, &why),
                Err(why) => {
                    stopped = Some(why);
                    break;
                }
            }
        }
        // The folder that was copied to may show the one that was asked about.
        let there = walk::walk(&top);
        for file in &mut files {
            let is_apart = |path: &Path| there.as_ref().is_ok_and(|there| copy::is_apart(path, there));
            if file.copied.take_if(|copy| !is_apart(&copy.path)).is_some() {
                not_copied(file, "its copy may be a file of this folder, seen through another mount");
            }
        }
        (files, stopped)
    });
    let done = tokio::select! {
        done = &mut work => done,
        () = interrupt::pressed() => {
            is_ended.store(true, Ordering::Relaxed);
            work.await
        }
    };
    match done {
        Ok((files, stopped)) => {
            *checked = files;
            stopped
        }
        Err(e) => Some(Stop::Unwritten(Failure::usage(e.to_string()))),
    }
}
