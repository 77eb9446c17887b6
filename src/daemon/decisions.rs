//! Making and importing decisions. They refer to picture hashes, and apply from the next answer on.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use thiserror::Error;

use super::messages::{Reply, Request, Unwritten, Write, request_now};
use super::state::events::EventKind;
use super::state::{Events, Health};
use crate::catalog::roots::Roots;
use crate::catalog::shots::add_shots;
use crate::photo::{Contradiction, Decision, Decisions, PictureHash, PixelHash, Place, Shot, ShotFileKind, Verdict, ordered};
use crate::store::{self, Decided, OnConflict, Reader, Wanted};
use crate::sys::now;

/// The most photos in one request. Every two of them get a decision.
const MAX_DECIDED_PHOTOS: usize = 500;

/// The most decisions of a contradiction that are named.
const MAX_NAMED: usize = 6;

/// The digits of a picture hash that name a photo without a known file.
const HASH_DIGITS: usize = 12;

/// Why decisions were not made or removed.
#[derive(Debug, Error)]
pub enum Error {
    #[error("a decision needs 2 to {most} photos, not {0}", most = MAX_DECIDED_PHOTOS)]
    Count(usize),
    #[error("{} is not in a watched folder", .0.display())]
    NotWatched(PathBuf),
    #[error("{} is not a photo that has been read", .0.display())]
    NotIndexed(PathBuf),
    #[error("{} and {} hold the same photo: there is nothing to decide", .0.display(), .1.display())]
    OnePhoto(PathBuf, PathBuf),
    /// The decisions as sentences, and the files of an earlier one, which could be removed.
    #[error("these decisions would contradict each other: {decisions}")]
    Contradiction { decisions: String, removable: Option<(PathBuf, PathBuf)> },
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What became of a request.
#[derive(Default)]
pub struct DecisionCount {
    /// The pairs that it was about.
    pub pairs: u64,
    /// The decisions that changed.
    pub changed: u64,
    /// Those of them that were the other verdict before.
    pub reversed: u64,
    /// The imported decisions that were not taken because a later one has the other verdict.
    pub outdone: u64,
    /// The first of these, as a sentence.
    pub first_outdone: Option<String>,
}

/// The parts that making decisions needs.
pub struct Deciding<'a> {
    pub roots: &'a Roots,
    pub decisions: &'a Decisions,
    pub events: &'a Events,
    pub health: &'a Health,
    pub writes: &'a SyncSender<Write>,
    pub reader: &'a Reader,
}

impl Deciding<'_> {
    /// Stores a decision on every two photos of the paths.
    pub fn decide(&self, paths: &[PathBuf], verdict: Verdict) -> Result<DecisionCount, Error> {
        count_photos(paths.len())?;
        let named = self.pictures(paths)?;
        let made = now();
        let decisions: Vec<Decision> =
            self.between_shots(&named)?.into_iter().map(|(a, b)| Decision { a, b, verdict, made, follows: None }).collect();
        let pairs = decisions.len() as u64;
        let done = self.store(decisions, &named, |decisions, reply| Request::Decide(decisions, OnConflict::Overwrite, reply))?;
        let (changed, reversed) = (done.changed as u64, done.reversed as u64);
        self.events.emit(EventKind::Decided { pairs: changed, verdict });
        Ok(DecisionCount { pairs, changed, reversed, ..DecisionCount::default() })
    }

    /// Removes the decisions on every two photos of the paths and of the picture hashes.
    pub fn forget(&self, paths: &[PathBuf], hashes: &[PictureHash]) -> Result<DecisionCount, Error> {
        count_photos(paths.len() + hashes.len())?;
        let mut pictures = self.pictures(paths)?;
        let no_path = PathBuf::new();
        pictures.extend(hashes.iter().map(|hash| (*hash, &no_path)));
        pictures.dedup_by_key(|(picture, _)| *picture);
        let two = self.between_shots(&pictures)?;
        let pairs = two.len() as u64;
        let changed = request_now(self.writes, self.health, |reply| Request::Undecide(two, reply))? as u64;
        Ok(DecisionCount { pairs, changed, ..DecisionCount::default() })
    }

    /// Returns the pictures of files, which must be different ones.
    fn pictures<'p>(&self, paths: &'p [PathBuf]) -> Result<Vec<(PictureHash, &'p PathBuf)>, Error> {
        let mut pictures: Vec<(PictureHash, &PathBuf)> = Vec::with_capacity(paths.len());
        let mut pixels: HashMap<PixelHash, PictureHash> = HashMap::new();
        for path in paths {
            let picture = self.picture(path)?;
            // Of pictures with equal pixels the first one counts.
            let picture = self.reader.pixels_of(&picture)?.map_or(picture, |hash| *pixels.entry(hash).or_insert(picture));
            if let Some((_, other)) = pictures.iter().find(|(known, _)| *known == picture) {
                return Err(Error::OnePhoto((*other).clone(), path.clone()));
            }
            pictures.push((picture, path));
        }
        Ok(pictures)
    }

    /// Returns every two photos, with those of the shots of the files that a person named: what holds for one of a shot holds for all.
    /// Two photos of one shot are among them only if both are named.
    fn between_shots(&self, named: &[(PictureHash, &PathBuf)]) -> Result<Vec<(PictureHash, PictureHash)>, Error> {
        let mut all: Vec<InShot> = Vec::new();
        for (shot, ((picture, _), others)) in named.iter().zip(self.shots_of(named)?).enumerate() {
            let mut add = |picture, is_named| -> Result<(), Error> {
                all.push(InShot { picture, pixels: self.reader.pixels_of(&picture)?, shot, is_named });
                Ok(())
            };
            add(*picture, true)?;
            for other in others.into_iter().filter(|other| other != picture) {
                add(other, false)?;
            }
        }
        count_photos(all.len())?;
        let mut two = Vec::new();
        for (at, x) in all.iter().enumerate() {
            two.extend(all[..at].iter().filter(|y| x.is_apart_from(y)).map(|y| (x.picture, y.picture)));
        }
        let mut known = HashSet::new();
        two.retain(|(a, b)| known.insert(ordered(*a, *b)));
        Ok(two)
    }

    /// Returns the pictures of the shot of each file. The names in their folders are read once for all.
    fn shots_of(&self, named: &[(PictureHash, &PathBuf)]) -> Result<Vec<Vec<PictureHash>>, Error> {
        // A photo that is named by its hash may have no file.
        let is_watched = |path: &Path| self.roots.holding(path).is_some();
        let places: Vec<Vec<Place>> =
            named.iter().map(|(_, path)| if is_watched(path) { self.roots.scopes_of(path) } else { Vec::new() }).collect();
        let mut photos = self.reader.photos(&places.concat(), Wanted::All)?;
        add_shots(self.reader, self.decisions, &mut photos)?;
        let files = photos.values().flat_map(|photo| &photo.files);
        let shots: HashMap<&Place, &Shot> = files.filter_map(|file| Some((&file.place, file.shot.as_deref()?))).collect();
        let pictures = |places: &Vec<Place>| {
            let mut pictures = Vec::new();
            for file in places.iter().filter_map(|place| shots.get(place)).flat_map(|shot| &shot.files) {
                if file.kind == ShotFileKind::Photo {
                    pictures.extend(self.reader.file_beside(&file.place)?.and_then(|beside| beside.picture));
                }
            }
            Ok(pictures)
        };
        places.iter().map(pictures).collect()
    }

    /// Returns the picture hash of the photo in a file of the library.
    fn picture(&self, path: &Path) -> Result<PictureHash, Error> {
        let places = self.roots.scopes_of(path);
        if self.roots.holding(path).is_none() {
            return Err(Error::NotWatched(path.to_owned()));
        }
        let photos = self.reader.photos(&places, Wanted::All)?;
        let photo = photos.into_values().find(|photo| photo.files.iter().any(|file| places.contains(&file.place)));
        photo.map(|photo| photo.picture).ok_or_else(|| Error::NotIndexed(path.to_owned()))
    }

    /// Stores exported decisions, with the known pixel hashes of their pictures. Of two decisions on the same photos, the newer
    /// one is kept.
    pub fn import(&self, decisions: Vec<Decision>, pixels: Vec<(PictureHash, PixelHash)>) -> Result<DecisionCount, Error> {
        let pairs = decisions.len() as u64;
        let done = self.store(decisions, &[], |decisions, reply| Request::ImportDecisions(decisions, pixels, reply))?;
        let first_outdone = done.outdone.first().map(|decision| self.sentence(decision, &[])).transpose()?;
        let (changed, reversed, outdone) = (done.changed as u64, done.reversed as u64, done.outdone.len() as u64);
        Ok(DecisionCount { pairs, changed, reversed, outdone, first_outdone })
    }

    /// Has the writer store decisions, and returns what became of them. `named` are the paths that a person named.
    fn store(
        &self,
        decisions: Vec<Decision>,
        named: &[(PictureHash, &PathBuf)],
        make: impl FnOnce(Vec<Decision>, Reply<Decided>) -> Request,
    ) -> Result<Decided, Error> {
        let new: HashSet<_> = decisions.iter().map(|d| ordered(d.a, d.b)).collect();
        request_now(self.writes, self.health, |reply| make(decisions, reply)).map_err(|e| match e {
            Unwritten::Store(store::Error::Contradiction(found)) => {
                self.contradiction(&found, |d| !new.contains(&ordered(d.a, d.b)), named).unwrap_or_else(Error::from)
            }
            e => e.into(),
        })
    }

    /// Describes a contradiction, and which earlier decision could be removed.
    fn contradiction(
        &self,
        found: &Contradiction,
        is_earlier: impl Fn(&Decision) -> bool,
        named: &[(PictureHash, &PathBuf)],
    ) -> store::Result<Error> {
        let mut lines = Vec::new();
        let mut removable = None;
        for decision in found.decisions() {
            if lines.len() < MAX_NAMED {
                lines.push(self.sentence(decision, named)?);
            }
            if removable.is_none() && is_earlier(decision) {
                removable = self.path(decision.a, named)?.zip(self.path(decision.b, named)?);
            }
        }
        let rest = found.decisions().count() - lines.len();
        if rest > 0 {
            lines.push(format!("and {rest} more"));
        }
        Ok(Error::Contradiction { decisions: lines.join("; "), removable })
    }

    /// Says a decision in words: `a.jpg and b.jpg are different`.
    fn sentence(&self, decision: &Decision, named: &[(PictureHash, &PathBuf)]) -> store::Result<String> {
        let name = |picture: PictureHash| -> store::Result<String> {
            Ok(self
                .path(picture, named)?
                .map_or_else(|| format!("the photo {:.HASH_DIGITS$}…", picture.to_string()), |path| path.display().to_string()))
        };
        let what = match decision.verdict {
            Verdict::Same => "are the same",
            Verdict::Different => "are different",
        };
        Ok(format!("{} and {} {what}", name(decision.a)?, name(decision.b)?))
    }

    /// Returns the path that a person named for a picture, or a path of it.
    fn path(&self, picture: PictureHash, named: &[(PictureHash, &PathBuf)]) -> store::Result<Option<PathBuf>> {
        match named.iter().find(|(named, _)| *named == picture) {
            Some((_, path)) => Ok(Some((*path).clone())),
            None => Ok(self.reader.files_of_picture(&picture)?.iter().find_map(|place| self.roots.path_of(place))),
        }
    }
}

fn count_photos(count: usize) -> Result<(), Error> {
    if (2..=MAX_DECIDED_PHOTOS).contains(&count) { Ok(()) } else { Err(Error::Count(count)) }
}

/// A photo in the shot of a file that a person named.
struct InShot {
    picture: PictureHash,
    pixels: Option<PixelHash>,
    /// The number of the file.
    shot: usize,
    is_named: bool,
}

impl InShot {
    /// Whether a decision is made on this photo and another one.
    fn is_apart_from(&self, other: &InShot) -> bool {
        let is_equal = self.picture == other.picture || self.pixels.is_some() && self.pixels == other.pixels;
        !is_equal && (self.shot != other.shot || self.is_named && other.is_named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_photos_are_refused_in_one_sentence() {
        let refused = count_photos(100_000).expect_err("too many");
        assert_eq!(refused.to_string(), "a decision needs 2 to 500 photos, not 100000");
        assert!(count_photos(MAX_DECIDED_PHOTOS).is_ok());
    }
}
