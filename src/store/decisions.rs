//! Decisions in `library.db`: on which pictures, which others have their pixels, and which photos took their places.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::columns::capture_of;
use super::library::{digits, if_readable, readable};
use super::unreadable::Unreadable;
use super::{Error, HeadNumber, OnConflict, Result, Writer};
use crate::photo::{Capture, Decision, Decisions, Dimensions, EqualPictures, Keypoints, PictureHash, PixelHash, Verdict, ordered};

/// A file with another photo than before, and both photos.
pub struct Replaced {
    pub before: ReplacedPhoto,
    pub after: ReplacedPhoto,
    /// The distance of the two photos, if they are near.
    pub distance: Option<f32>,
}

/// One of the two photos of a file that changed.
pub struct ReplacedPhoto {
    pub picture: PictureHash,
    pub dimensions: Dimensions,
    pub capture: Capture,
    pub keypoints: Keypoints,
}

impl Writer {
    /// Returns all decisions that can be read. [`problems`](Writer::problems) reports the others.
    pub fn decisions(&mut self) -> Result<Decisions> {
        let (decisions, mut unreadable) = all_decisions(&self.library)?;
        let (equal, unreadable_pixels) = equal_pictures(&self.library)?;
        unreadable.extend(unreadable_pixels);
        self.problems.decisions = unreadable;
        Ok(Decisions::new(decisions, equal))
    }

    /// Stores decisions. If there already is a decision on two photos, [`OnConflict`] says which one is kept. With
    /// [`KeepNewer`](OnConflict::KeepNewer) a decision also replaces an unreadable one of the same age. Returns how
    /// many decisions changed.
    ///
    /// # Errors
    /// [`Error::Contradiction`] if the decisions contradict others or each other. Contradictions that are stored already
    /// do not matter. On an error nothing is stored.
    pub fn decide(&mut self, decisions: &[Decision], on_conflict: OnConflict) -> Result<usize> {
        let pictures: BTreeSet<PictureHash> = decisions.iter().flat_map(|d| [d.a, d.b]).collect();
        self.keep_pixels(&pictures)?;
        let transaction = self.library.transaction()?;
        let before = readable_decisions(&transaction)?;
        let mut changed = 0;
        for decision in decisions {
            let known = known_decision(&transaction, &before, decision)?;
            let is_outdone = match known {
                None => false,
                Some((None, made)) => decision.made < made,
                Some((Some(_), made)) => decision.made <= made,
            };
            if on_conflict == OnConflict::KeepNewer && is_outdone {
                continue;
            }
            let said = known.and_then(|(verdict, _)| verdict);
            changed += usize::from(said != Some(decision.verdict));
            remove(&transaction, before.equal(), decision.a, decision.b)?;
            let (a, b) = ordered(decision.a, decision.b);
            transaction
                .prepare_cached("INSERT OR REPLACE INTO decisions (a, b, verdict, made, follows) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![a.0, b.0, decision.verdict.name(), decision.made, decision.follows.map(|picture| picture.0)])?;
        }
        if let Some(contradiction) = readable_decisions(&transaction)?.contradiction_since(&before) {
            return Err(Error::Contradiction(Box::new(contradiction)));
        }
        transaction.commit()?;
        Ok(changed)
    }

    /// Removes decisions, and returns how many there were.
    pub fn undecide(&mut self, pairs: &[(PictureHash, PictureHash)]) -> Result<usize> {
        let transaction = self.library.transaction()?;
        let (equal, _) = equal_pictures(&transaction)?;
        let mut removed = 0;
        for &(a, b) in pairs {
            removed += usize::from(remove(&transaction, &equal, a, b)? > 0);
        }
        transaction.commit()?;
        Ok(removed)
    }

    /// Stores the pixel hashes of these pictures, and which other pictures of the index have them. Returns how many
    /// pictures were not known.
    pub fn keep_pixels(&mut self, pictures: &BTreeSet<PictureHash>) -> Result<usize> {
        let transaction = self.library.transaction()?;
        let mut added = 0;
        for picture in pictures {
            let of = |file: &Connection, table: &str| -> Result<Option<[u8; 32]>> {
                let select = format!("SELECT pixels FROM {table} WHERE picture = ?1");
                let found = file.prepare_cached(&select)?.query_row([picture.0], |row| if_readable(row.get(0))).optional()?;
                Ok(found.flatten().flatten())
            };
            let Some(pixels) = of(&transaction, "pictures")?.or(of(&self.index, "photos")?) else { continue };
            let mut equal = self.index.prepare_cached("SELECT picture FROM photos WHERE pixels = ?1")?;
            let equal = equal.query_map([pixels], |row| row.get(0))?.collect::<rusqlite::Result<Vec<[u8; 32]>>>()?;
            let mut keep = transaction.prepare_cached("INSERT INTO pictures (picture, pixels) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
            for picture in equal.into_iter().chain([picture.0]) {
                added += keep.execute(params![picture, pixels])?;
            }
        }
        transaction.commit()?;
        Ok(added)
    }

    /// Stores the pixel hashes that came with imported decisions.
    pub fn import_pixels(&mut self, known: &[(PictureHash, PixelHash)]) -> Result<()> {
        let transaction = self.library.transaction()?;
        for (picture, pixels) in known {
            transaction
                .prepare_cached("INSERT INTO pictures (picture, pixels) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                .execute(params![picture.0, pixels.0])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Returns the files that hold another photo than before they changed.
    pub fn replaced(&self, head: HeadNumber) -> Result<Vec<Replaced>> {
        let columns = |photo: &str| {
            ["picture", "width", "height", "taken", "utc_offset", "make", "model", "serial", "orientation"]
                .map(|column| format!("{photo}.{column}"))
                .join(", ")
        };
        let mut statement = self.index.prepare_cached(&format!(
            "SELECT p.distance, x.data, y.data, {}, {} FROM files f
             JOIN photos a ON a.id = f.replaced JOIN photos b ON b.id = f.photo
             LEFT JOIN pairs p ON p.head = ?1 AND p.a = min(a.id, b.id) AND p.b = max(a.id, b.id)
             LEFT JOIN keypoints x ON x.photo = a.id LEFT JOIN keypoints y ON y.photo = b.id
             WHERE f.replaced IS NOT NULL AND f.photo <> f.replaced",
            columns("a"),
            columns("b")
        ))?;
        let photo = |row: &Row<'_>, first: usize, keypoints: usize| -> rusqlite::Result<ReplacedPhoto> {
            Ok(ReplacedPhoto {
                picture: PictureHash(row.get(first)?),
                dimensions: Dimensions { width: row.get(first + 1)?, height: row.get(first + 2)? },
                capture: capture_of(row, first + 3)?,
                keypoints: row.get::<_, Option<Keypoints>>(keypoints)?.unwrap_or_default(),
            })
        };
        let rows = statement
            .query_map([head.0], |row| Ok(Replaced { distance: row.get(0)?, before: photo(row, 3, 1)?, after: photo(row, 12, 2)? }))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Forgets which photos files held before. Files that hold none yet are left as they are.
    pub fn forget_replaced(&self) -> Result<()> {
        self.index.execute("UPDATE files SET replaced = NULL WHERE replaced IS NOT NULL AND photo IS NOT NULL", [])?;
        Ok(())
    }
}

/// Returns verdict and time of the stored decision on the two pictures, or on pictures of their pixels.
fn known_decision(library: &Transaction<'_>, before: &Decisions, new: &Decision) -> Result<Option<(Option<Verdict>, i64)>> {
    let (a, b) = ordered(new.a, new.b);
    let exact = library
        .prepare_cached("SELECT verdict, made FROM decisions WHERE a = ?1 AND b = ?2")?
        .query_row(params![a.0, b.0], |row| Ok((if_readable(row.get(0))?, row.get(1)?)))
        .optional()?;
    Ok(exact.or_else(|| before.on(a, b).map(|d| (Some(d.verdict), d.made))))
}

/// Removes the decisions on two pictures, and on all pictures of their pixels. Returns how many there were.
fn remove(library: &Transaction<'_>, equal: &EqualPictures, a: PictureHash, b: PictureHash) -> Result<usize> {
    let mut statement = library.prepare_cached("DELETE FROM decisions WHERE a = ?1 AND b = ?2")?;
    if equal.standing(a) == equal.standing(b) {
        let (a, b) = ordered(a, b);
        return Ok(statement.execute(params![a.0, b.0])?);
    }
    let mut removed = 0;
    for x in equal.of(a) {
        for y in equal.of(b) {
            let (x, y) = ordered(x, y);
            removed += statement.execute(params![x.0, y.0])?;
        }
    }
    Ok(removed)
}

fn readable_decisions(library: &Connection) -> Result<Decisions> {
    Ok(Decisions::new(all_decisions(library)?.0, equal_pictures(library)?.0))
}

/// Returns the decisions that can be read, and the rows that cannot.
fn all_decisions(library: &Connection) -> Result<(Vec<Decision>, Vec<Unreadable>)> {
    let mut statement = library.prepare("SELECT a, b, verdict, made, follows FROM decisions ORDER BY a, b")?;
    readable(&mut statement, decision, |row| Ok(format!("{} and {}", digits(row, 0)?, digits(row, 1)?)))
}

fn decision(row: &Row<'_>) -> rusqlite::Result<Decision> {
    let follows = row.get::<_, Option<[u8; 32]>>(4)?.map(PictureHash);
    Ok(Decision { a: PictureHash(row.get(0)?), b: PictureHash(row.get(1)?), verdict: row.get(2)?, made: row.get(3)?, follows })
}

/// Returns the pictures whose pixel hashes can be read, and the rows that cannot.
fn equal_pictures(library: &Connection) -> Result<(EqualPictures, Vec<Unreadable>)> {
    let mut statement = library.prepare("SELECT picture, pixels FROM pictures ORDER BY picture")?;
    let read = |row: &Row<'_>| Ok((PictureHash(row.get(0)?), PixelHash(row.get(1)?)));
    let (known, unreadable) = readable(&mut statement, read, |row| Ok(format!("{} (its pixels)", digits(row, 0)?)))?;
    Ok((known.into_iter().collect(), unreadable))
}
