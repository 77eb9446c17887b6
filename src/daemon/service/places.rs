//! Whether an answer is whole: the state of every place that it is about.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use crate::api::types::{End, Incomplete, PlaceStatus};
use crate::api::{Problem, text_of};
use crate::catalog::roots::Roots;
use crate::daemon::state::Queue;
use crate::photo::{Coverage, Place, RootId};
use crate::store::Reader;

/// Counts the files of places.
pub type Count<'a> = &'a dyn Fn(&[Place]) -> Result<Coverage, Problem>;

/// Returns the state of the places. Several places below one root are one. If what was there when they were asked about
/// `is_read`, what came later is not part of the question.
///
/// # Errors
/// If the files cannot be counted.
pub fn states(scopes: &[Place], roots: &Roots, queue: &Queue, count: Count<'_>, is_read: bool) -> Result<Vec<PlaceStatus>, Problem> {
    let mut by_root: BTreeMap<RootId, Vec<Place>> = BTreeMap::new();
    for scope in scopes {
        by_root.entry(scope.root).or_default().push(scope.clone());
    }
    let state = |(root, scopes): (RootId, Vec<Place>)| {
        let shown =
            if let [one] = &scopes[..] { roots.shown_path(one) } else { roots.get(root).map(|r| r.path.clone()).unwrap_or_default() };
        let (reason, files) = incomplete(root, &scopes, roots, queue, count, is_read)?.unzip();
        Ok(PlaceStatus { path: text_of(&shown), whole: reason.is_none(), reason, files: files.unwrap_or(0) })
    };
    by_root.into_iter().map(state).collect()
}

/// Returns the end of an answer that takes places into account, with counts of those that were asked about.
///
/// # Errors
/// If the files cannot be counted.
pub fn end(about: &[Place], asked: &[Place], roots: &Roots, queue: &Queue, reader: &Reader, count: Count<'_>) -> Result<End, Problem> {
    let places = states(about, roots, queue, count, false)?;
    Ok(End {
        whole: places.iter().all(|place| place.whole),
        places,
        series: 0,
        parts: 0,
        unknown: 0,
        found: BTreeMap::new(),
        held_apart: BTreeMap::new(),
        shots: 0,
        outside: 0,
        coverage: count(asked)?,
        unsupported_formats: reader.unsupported(asked)?,
        left_out: roots.left_out(asked),
        next: None,
    })
}

/// Returns why an answer about places of one root is incomplete, and how many files are concerned.
fn incomplete(
    root: RootId,
    scopes: &[Place],
    roots: &Roots,
    queue: &Queue,
    count: Count<'_>,
    is_read: bool,
) -> Result<Option<(Incomplete, u64)>, Problem> {
    let Some(state) = roots.state(root) else { return Ok((!is_read).then_some((Incomplete::NotListed, 0))) };
    let Coverage { indexed, pending, unsupported, failed, offline, .. } = count(scopes)?;
    if state.offline.is_some() {
        let reason = if state.timeouts.retry_at.is_some() { Incomplete::Silent } else { Incomplete::Offline };
        return Ok(Some((reason, offline + indexed + pending + unsupported + failed)));
    }
    if pending > 0 && !is_read {
        return Ok(Some((Incomplete::Pending, pending)));
    }
    let below = |paths: &HashSet<PathBuf>| paths.iter().filter(|path| scopes.iter().any(|scope| path.starts_with(&scope.path))).count();
    // Before a scan that is under way: it is repeated while files are missing.
    Ok(match (below(&state.absent.away), below(&state.absent.missing)) {
        (0, 0) => (!is_read && queue.activity.is_busy(root)).then_some((Incomplete::NotListed, 0)),
        (0, missing) => Some((Incomplete::Missing, missing as u64)),
        (away, _) => Some((Incomplete::Offline, away as u64)),
    })
}
