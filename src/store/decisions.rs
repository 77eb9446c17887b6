//! Decisions in `library.db`: on which pictures, which others have their pixels, and which photos took their places.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::columns::{PHOTO_COLUMNS, keypoints_of, photo_of};
use super::library::{digits, if_readable, readable};
use super::unreadable::Unreadable;
use super::{Decided, Error, HeadNumber, OnConflict, PhotoRecord, Result, Writer};
use crate::photo::{Compared, Decision, Decisions, Distance, EqualPictures, Keypoints, PhotoId, PictureHash, PixelHash, Verdict, ordered};

/// A file with another photo than before, and both photos without their files.
pub struct Replaced {
    /// The number of the file.
    pub file: i64,
    pub before: PhotoRecord,
    pub after: PhotoRecord,
    /// Whether the features of one of them are being made again, so that their distance is not known.
    pub is_stale: bool,
}

/// What is known of the two photos of a file that changed.
pub struct Evidence {
    pub distance: Distance,
    pub keypoints: [Keypoints; 2],
    /// How the photo before lies in the one after.
    pub compared: Compared,
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
    /// [`KeepNewer`](OnConflict::KeepNewer) a decision also replaces an unreadable one of the same age. Returns what
    /// became of them.
    ///
    /// # Errors
    /// [`Error::Contradiction`] if the decisions contradict others or each other. Contradictions that are stored already
    /// do not matter. On an error nothing is stored.
    pub fn decide(&mut self, decisions: &[Decision], on_conflict: OnConflict) -> Result<Decided> {
        self.decide_knowing(&[], decisions, on_conflict)
    }

    /// Stores imported decisions, with the pixel hashes that came with them. Of two decisions on the same photos the newer
    /// one is kept. Returns what became of them.
    ///
    /// # Errors
    /// As [`decide`](Writer::decide).
    pub fn import(&mut self, decisions: &[Decision], known: &[(PictureHash, PixelHash)]) -> Result<Decided> {
        self.decide_knowing(known, decisions, OnConflict::KeepNewer)
    }

    fn decide_knowing(&mut self, known: &[(PictureHash, PixelHash)], decisions: &[Decision], on_conflict: OnConflict) -> Result<Decided> {
        let transaction = self.library.transaction()?;
        for (picture, pixels) in known {
            add_pixels(&transaction, picture, &pixels.0)?;
        }
        keep_pixels(&transaction, &self.index, &decisions.iter().flat_map(|d| [d.a, d.b]).collect())?;
        let before = readable_decisions(&transaction)?;
        if let Some(clash) = before.clash_within(decisions) {
            return Err(Error::Contradiction(Box::new(clash)));
        }
        let mut done = Decided::default();
        for decision in decisions {
            let known = known_decision(&transaction, &before, decision)?;
            let is_outdone = match known {
                None => false,
                Some((None, made)) => decision.made < made,
                Some((Some(_), made)) => decision.made <= made,
            };
            let said = known.and_then(|(verdict, _)| verdict);
            let is_reversed = said.is_some_and(|said| said != decision.verdict);
            if on_conflict == OnConflict::KeepNewer && is_outdone {
                done.outdone.extend(is_reversed.then_some(*decision));
                continue;
            }
            done.changed += usize::from(said != Some(decision.verdict));
            done.reversed += usize::from(is_reversed);
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
        Ok(done)
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
        let added = keep_pixels(&transaction, &self.index, pictures)?;
        transaction.commit()?;
        Ok(added)
    }

    /// Returns the files that hold another photo than before they changed, if both photos are still known.
    pub fn replaced(&self) -> Result<Vec<Replaced>> {
        let mut statement = self.index.prepare_cached(
            "SELECT f.id, f.replaced, f.photo, a.stale OR b.stale FROM files f INDEXED BY files_replaced
             JOIN photos a ON a.id = f.replaced JOIN photos b ON b.id = f.photo
             WHERE f.replaced IS NOT NULL AND f.photo <> f.replaced",
        )?;
        let mut photo = self.index.prepare_cached(&format!("SELECT {PHOTO_COLUMNS} FROM photos p WHERE p.id = ?1"))?;
        let mut rows = statement.query([])?;
        let mut replaced = Vec::new();
        while let Some(row) = rows.next()? {
            let [before, after] = [row.get::<_, i64>(1)?, row.get(2)?];
            replaced.push(Replaced {
                file: row.get(0)?,
                before: photo.query_row([before], photo_of)?,
                after: photo.query_row([after], photo_of)?,
                is_stale: row.get(3)?,
            });
        }
        Ok(replaced)
    }

    /// Returns what is known of the two photos of a file that changed. `None` if they are not near, by this head.
    pub fn evidence(&self, head: HeadNumber, replaced: &Replaced) -> Result<Option<Evidence>> {
        let (before, after) = (replaced.before.id, replaced.after.id);
        let (a, b) = (before.min(after), before.max(after));
        let mut statement = self.index.prepare_cached(
            "SELECT p.distance, c.data FROM pairs p LEFT JOIN comparisons c ON c.a = p.a AND c.b = p.b
             WHERE p.head = ?1 AND p.a = ?2 AND p.b = ?3",
        )?;
        let known = statement
            .query_row(params![head.0, a.0, b.0], |row| Ok((row.get::<_, f64>(0)?, row.get::<_, Option<Compared>>(1)?)))
            .optional()?;
        let Some((distance, compared)) = known else { return Ok(None) };
        let compared = match compared {
            Some(Compared::Laid(comparison)) if before > after => Compared::Laid(comparison.swapped()),
            compared => compared.unwrap_or(Compared::NotYet),
        };
        let mut points = keypoints_of(&self.index, &BTreeSet::from([before, after]))?;
        let mut of = |photo: PhotoId| points.remove(&photo).unwrap_or_default();
        Ok(Some(Evidence { distance: distance as Distance, keypoints: [of(before), of(after)], compared }))
    }

    /// Forgets which photos files held before, but for these files. Files that hold none yet are left as they are.
    pub fn forget_replaced(&self, but: &[i64]) -> Result<()> {
        let but = serde_json::to_string(but).expect("numbers");
        self.index.execute(
            "UPDATE files INDEXED BY files_replaced SET replaced = NULL WHERE replaced IS NOT NULL AND photo IS NOT NULL
             AND id NOT IN (SELECT value FROM json_each(?1))",
            [but],
        )?;
        Ok(())
    }
}

/// Stores the pixel hashes of these pictures, and which other pictures of the index have them. Returns how many pictures were
/// not known.
fn keep_pixels(library: &Transaction<'_>, index: &Connection, pictures: &BTreeSet<PictureHash>) -> Result<usize> {
    let mut added = 0;
    for picture in pictures {
        let of = |file: &Connection, table: &str| -> Result<Option<[u8; 32]>> {
            let select = format!("SELECT pixels FROM {table} WHERE picture = ?1");
            let found = file.prepare_cached(&select)?.query_row([picture.0], |row| if_readable(row.get(0))).optional()?;
            Ok(found.flatten().flatten())
        };
        let Some(pixels) = of(library, "pictures")?.or(of(index, "photos")?) else { continue };
        let mut equal = index.prepare_cached("SELECT picture FROM photos WHERE pixels = ?1")?;
        let equal = equal.query_map([pixels], |row| row.get(0))?.collect::<rusqlite::Result<Vec<[u8; 32]>>>()?;
        for equal in equal.into_iter().map(PictureHash).chain([*picture]) {
            added += add_pixels(library, &equal, &pixels)?;
        }
    }
    Ok(added)
}

/// Stores the pixel hash of a picture, if none is known. Returns how many were stored.
fn add_pixels(library: &Transaction<'_>, picture: &PictureHash, pixels: &[u8; 32]) -> Result<usize> {
    let mut keep = library.prepare_cached("INSERT INTO pictures (picture, pixels) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    Ok(keep.execute(params![picture.0, pixels])?)
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
