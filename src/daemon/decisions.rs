//! What a person said of photos: kept by content, respected from the next answer on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{SystemTime, UNIX_EPOCH};

use super::shared::{Shared, read, write};
use super::write::{Unwritten, Write, written};
use crate::api::types::{DecisionCount, DecisionText, What};
use crate::api::{Code, Problem};
use crate::photo::{Decision, PictureHash, Place, Verdict};
use crate::store::{self, Reader, Wanted, Word, Writer};

/// Photos that one request may decide on: every two of them make a decision.
const MOST: usize = 500;

/// Keeps a person's word on every two photos of the paths; `None` takes it back.
pub fn decide(
    shared: &Arc<Shared>,
    writes: &SyncSender<Write>,
    reader: &Reader,
    paths: &[PathBuf],
    verdict: Option<Verdict>,
) -> Result<DecisionCount, Problem> {
    if !(2..=MOST).contains(&paths.len()) {
        return Err(Problem::new(Code::Path, format!("two photos are needed, and at most {MOST}; these are {}", paths.len())));
    }
    let mut pictures: Vec<(PictureHash, &PathBuf)> = Vec::with_capacity(paths.len());
    for path in paths {
        let picture = picture(shared, reader, path)?;
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
            change(shared, writes, move |writer| writer.decide(&decisions, Word::Said))?
        }
        None => change(shared, writes, move |writer| writer.undecide(&pairs))?,
    };
    if let Some(verdict) = verdict {
        shared.tell(What::Decided { pairs: changed, verdict });
    }
    Ok(DecisionCount { pairs: count, changed })
}

/// The photo that a file of the library holds.
fn picture(shared: &Shared, reader: &Reader, path: &Path) -> Result<PictureHash, Problem> {
    let Some(root) = shared.root_of(path) else {
        return Err(Problem::new(Code::NotWatched, format!("{} is under no watched folder", path.display()))
            .hint("simctl roots add FOLDER makes its photos known"));
    };
    let place = Place { root: root.id, path: path.strip_prefix(&root.path).unwrap_or(path).to_owned() };
    let photos = reader.photos(std::slice::from_ref(&place), Wanted::All)?;
    let photo = photos.into_values().find(|photo| photo.files.iter().any(|file| file.place == place));
    photo.map(|photo| photo.picture).ok_or_else(|| {
        Problem::new(Code::NotIndexed, format!("{} is not a photo that has been read", path.display()))
            .hint("name files, not folders; simctl failures shows what could not be read")
    })
}

/// All decisions, in an order that does not depend on when they were made.
pub fn list(shared: &Shared) -> Vec<DecisionText> {
    let text = |d: &Decision| DecisionText { a: d.a.to_string(), b: d.b.to_string(), verdict: d.verdict, made: d.made };
    let mut decisions: Vec<DecisionText> = read(&shared.decisions).iter().map(text).collect();
    decisions.sort_by(|x, y| (&x.a, &x.b).cmp(&(&y.a, &y.b)));
    decisions
}

/// Takes over decisions from a file.
pub fn import(shared: &Arc<Shared>, writes: &SyncSender<Write>, decisions: &[DecisionText]) -> Result<DecisionCount, Problem> {
    let read = |(number, text): (usize, &DecisionText)| {
        let pictures = PictureHash::from_hex(&text.a).zip(PictureHash::from_hex(&text.b)).filter(|(a, b)| a != b);
        let (a, b) = pictures.ok_or_else(|| {
            let message = format!("decision {} does not name two photos: {} and {}", number + 1, text.a, text.b);
            Problem::new(Code::Decision, message).hint("nothing was taken over; simctl decisions export writes what import reads")
        })?;
        // A clock that is ahead must not outdo what is said here later.
        Ok(Decision { a, b, verdict: text.verdict, made: text.made.min(now()) })
    };
    let decisions = decisions.iter().enumerate().map(read).collect::<Result<Vec<_>, Problem>>()?;
    let pairs = decisions.len() as u64;
    let changed = change(shared, writes, move |writer| writer.decide(&decisions, Word::Kept))?;
    Ok(DecisionCount { pairs, changed })
}

/// Changes what is kept, and in the same turn what answers go by; how many decisions changed.
fn change(
    shared: &Arc<Shared>,
    writes: &SyncSender<Write>,
    work: impl FnOnce(&mut Writer) -> store::Result<usize> + Send + 'static,
) -> Result<u64, Problem> {
    let shared_too = shared.clone();
    let changed = written(writes, move |writer| {
        let changed = work(writer)?;
        *write(&shared_too.decisions) = writer.decisions()?;
        Ok(changed)
    })?;
    // It may be time to tune again.
    shared.tuning.wake();
    Ok(changed as u64)
}

/// Seconds since 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}

impl From<Unwritten> for Problem {
    fn from(error: Unwritten) -> Problem {
        let hint = matches!(&error, Unwritten::Store(e) if e.is_disk()).then(|| "make room on the disk of the index".to_owned());
        Problem { hint, ..Problem::internal(error) }
    }
}
