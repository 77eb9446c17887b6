//! Making, listing and importing decisions. They refer to picture hashes, and apply from the next answer on.

use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use super::messages::{Request, Write, request};
use super::state::Events;
use crate::api::types::{DecisionCount, DecisionText, What};
use crate::api::{Code, Problem};
use crate::catalog::roots::Roots;
use crate::photo::{Decision, Decisions, PictureHash, Verdict};
use crate::store::{OnConflict, Reader, Wanted};
use crate::sys::now;

/// The most photos in one request. Every two of them get a decision.
const MOST_PHOTOS: usize = 500;

/// Stores a decision on every two photos of the paths. `None` removes the decisions.
pub fn decide(
    roots: &Roots,
    events: &Events,
    writes: &SyncSender<Write>,
    reader: &Reader,
    paths: &[PathBuf],
    verdict: Option<Verdict>,
) -> Result<DecisionCount, Problem> {
    if !(2..=MOST_PHOTOS).contains(&paths.len()) {
        return Err(Problem::new(Code::Path, format!("a decision needs 2 to {MOST_PHOTOS} photos, not {}", paths.len())));
    }
    let mut pictures: Vec<(PictureHash, &PathBuf)> = Vec::with_capacity(paths.len());
    for path in paths {
        let picture = picture(roots, reader, path)?;
        if let Some((_, other)) = pictures.iter().find(|(known, _)| *known == picture) {
            let message = format!("{} and {} hold the same photo: there is nothing to decide", other.display(), path.display());
            return Err(Problem::new(Code::OnePhoto, message));
        }
        pictures.push((picture, path));
    }
    let pairs: Vec<(PictureHash, PictureHash)> =
        pictures.iter().enumerate().flat_map(|(i, (a, _))| pictures[..i].iter().map(move |(b, _)| (*a, *b))).collect();
    let count = pairs.len() as u64;
    let changed = match verdict {
        Some(verdict) => {
            let decisions: Vec<Decision> = pairs.into_iter().map(|(a, b)| Decision { a, b, verdict, made: now() }).collect();
            request(writes, |reply| Request::Decide(decisions, OnConflict::Overwrite, reply))?
        }
        None => request(writes, |reply| Request::Undecide(pairs, reply))?,
    } as u64;
    if let Some(verdict) = verdict {
        events.emit(What::Decided { pairs: changed, verdict });
    }
    Ok(DecisionCount { pairs: count, changed })
}

/// Returns the picture hash of the photo in a file of the library.
fn picture(roots: &Roots, reader: &Reader, path: &Path) -> Result<PictureHash, Problem> {
    let Some(place) = roots.holding(path).and_then(|root| root.place(path)) else {
        return Err(Problem::new(Code::NotWatched, format!("{} is not in a watched folder", path.display()))
            .hint("simctl roots add FOLDER watches a folder"));
    };
    let photos = reader.photos(std::slice::from_ref(&place), Wanted::All)?;
    let photo = photos.into_values().find(|photo| photo.files.iter().any(|file| file.place == place));
    photo.map(|photo| photo.picture).ok_or_else(|| {
        Problem::new(Code::NotIndexed, format!("{} is not a photo that has been read", path.display()))
            .hint("name files, not folders; simctl failures lists files that could not be read")
    })
}

/// Returns all decisions, sorted by picture hash.
pub fn list(decisions: &Decisions) -> Vec<DecisionText> {
    let text = |d: &Decision| DecisionText { a: d.a.to_string(), b: d.b.to_string(), verdict: d.verdict, made: d.made };
    let mut decisions: Vec<DecisionText> = decisions.iter().map(text).collect();
    decisions.sort_by(|x, y| (&x.a, &x.b).cmp(&(&y.a, &y.b)));
    decisions
}

/// Stores exported decisions. Of two decisions on the same photos, the newer one is kept.
pub fn import(writes: &SyncSender<Write>, decisions: &[DecisionText]) -> Result<DecisionCount, Problem> {
    let read = |(number, text): (usize, &DecisionText)| {
        let pictures = PictureHash::from_hex(&text.a).zip(PictureHash::from_hex(&text.b)).filter(|(a, b)| a != b);
        let (a, b) = pictures.ok_or_else(|| {
            let message = format!("decision {} does not name two photos: {} and {}", number + 1, text.a, text.b);
            Problem::new(Code::Decision, message).hint("nothing was taken over; simctl decisions export writes what import reads")
        })?;
        // A time in the future, from a clock that was ahead, would win over later decisions.
        Ok(Decision { a, b, verdict: text.verdict, made: text.made.min(now()) })
    };
    let decisions = decisions.iter().enumerate().map(read).collect::<Result<Vec<_>, Problem>>()?;
    let pairs = decisions.len() as u64;
    let changed = request(writes, |reply| Request::Decide(decisions, OnConflict::KeepNewer, reply))?;
    Ok(DecisionCount { pairs, changed: changed as u64 })
}
