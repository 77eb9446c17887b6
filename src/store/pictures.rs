//! `pictures.db`: the kept pictures of photos, by picture hash. It can be made again from the photos.
//!
//! The index knows which photos have one, so that those without are found at once. The file is written before the index.
//! When it was deleted, replaced or cut off, the index is corrected.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use rusqlite_migration::{M, Migrations};

use super::checkpoint::empty_log;
use super::columns::{STAMP_COLUMNS, place_of, stamp};
use super::open::{self, Durable, is_damage, with};
use super::{Batch, Error, Reader, Result, Writer, schema};
use crate::photo::{Format, KeptPicture, PhotoId, PictureHash, Place, Stamp};
use crate::sys::own_file;

const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

const STEPS: &[M<'static>] = &[
    // number: grows with each row that is written. decoding: which version of the decoder of its format made it.
    // identity: a random number, so that another file in this place is noticed.
    M::up(
        "CREATE TABLE pictures (
         number INTEGER PRIMARY KEY AUTOINCREMENT,
         picture BLOB NOT NULL,
         decoding INTEGER NOT NULL,
         jpeg BLOB NOT NULL
     ) STRICT;
     CREATE INDEX pictures_by_hash ON pictures (picture, decoding);
     CREATE TABLE identity (number INTEGER NOT NULL) STRICT;
     INSERT INTO identity (number) VALUES (random());",
    ),
];

/// Settings of the index: which file its photos have their pictures in, and the last row there.
const FILE: &str = "pictures";
const LAST: &str = "pictures-last";

/// Photos with files and no kept picture of this version.
const WITHOUT_PICTURE: &str = "ifnull(decoding, 0) <= 0 AND files > 0";

/// Photos with files that an older version read, which did not convert colours.
const OF_UNKNOWN_COLOURS: &str = "converted IS NULL AND files > 0";

/// Pages are small, because a kept picture has 12 kB on average and the last page of each is half empty.
const PICTURES_PAGE_BYTES: u32 = 2048;

/// The writing end.
#[derive(Default)]
pub(super) struct Pictures {
    /// `None` if no pictures are kept.
    path: Option<PathBuf>,
    /// `None` if the file cannot be used now.
    file: Option<Connection>,
    /// Why no pictures are kept although they should be.
    problem: Option<String>,
}

impl Pictures {
    /// Opens the file, and creates it if it does not exist. A damaged one is made again. One that cannot be used is not
    /// touched: pictures are not kept then.
    pub fn open(path: Option<PathBuf>) -> Pictures {
        let Some(path) = path else { return Pictures::default() };
        let opened = match writable(&path) {
            Err(Error::Damaged { .. }) => remove(&path).and_then(|()| writable(&path)),
            opened => opened,
        };
        match opened {
            Ok(file) => Pictures { path: Some(path), file: Some(file), problem: None },
            Err(e) => Pictures { path: Some(path), file: None, problem: Some(format!("no pictures are kept: {e}")) },
        }
    }
}

/// Removes a damaged file.
fn remove(path: &Path) -> Result<()> {
    tracing::warn!("{} is damaged; it is made again from the photos", path.display());
    for end in ["", "-wal", "-shm"] {
        match fs::remove_file(with(path, end)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::NotOurs { path: path.to_owned(), source: e }),
            _ => {}
        }
    }
    Ok(())
}

fn writable(path: &Path) -> Result<Connection> {
    // SQLite would make it readable for others. It may be in a folder that is.
    let made = own_file::open(File::options().create(true).append(true), path);
    made.map_err(|source| Error::NotOurs { path: path.to_owned(), source })?;
    open::writable(path, schema::PICTURES_ID, &MIGRATIONS, Durable::Mostly, PICTURES_PAGE_BYTES)
}

/// Writes pictures in one transaction. Returns the number of the last one.
fn write(file: &mut Connection, pictures: &[(PictureHash, &KeptPicture)]) -> rusqlite::Result<i64> {
    let transaction = file.transaction()?;
    for (picture, kept) in pictures {
        transaction.prepare_cached("DELETE FROM pictures WHERE picture = ?1")?.execute([picture.0])?;
        transaction.prepare_cached("INSERT INTO pictures (picture, decoding, jpeg) VALUES (?1, ?2, ?3)")?.execute(params![
            picture.0,
            kept.decoding,
            kept.jpeg
        ])?;
    }
    let last = transaction.last_insert_rowid();
    transaction.commit()?;
    Ok(last)
}

impl Writer {
    /// Returns why no pictures are kept although they should be.
    pub fn pictures_problem(&self) -> Option<String> {
        self.pictures.problem.clone()
    }

    /// Keeps pictures. Returns the number of the last one, for [`Batch::set_last_kept`]. `None` if they cannot be kept now, for
    /// example because the disk is full: [`pictures_problem`](Writer::pictures_problem) says why.
    pub fn keep_pictures(&mut self, pictures: &[(PictureHash, &KeptPicture)]) -> Option<i64> {
        let written = write(self.pictures.file.as_mut()?, pictures);
        self.pictures.problem = written.as_ref().err().map(|e| format!("no pictures are kept: {e}"));
        if let Err(e) = &written
            && is_damage(e)
        {
            self.replace_pictures(e);
            self.match_pictures().inspect_err(|e| tracing::warn!("not all pictures are kept: {e}")).ok();
        }
        written.ok()
    }

    /// Moves the write-ahead log of the file into the file. Returns whether it is empty.
    pub(super) fn checkpoint_pictures(&self) -> bool {
        self.pictures.file.as_ref().is_none_or(|file| empty_log(file).unwrap_or(false))
    }

    /// Tells the index which photos have a kept picture, unless it knows. A file that is damaged is made again. No error of
    /// it is one of the index.
    pub(super) fn match_pictures(&mut self) -> Result<()> {
        let seen = self.batch(|batch| {
            let last = batch.setting(LAST)?.and_then(|last| last.parse().ok()).unwrap_or(0);
            Ok((batch.setting(FILE)?, last))
        })?;
        let mut listed = list(self.pictures.file.as_ref(), &seen);
        if let Err(e) = &listed {
            self.replace_pictures(e);
            listed = list(self.pictures.file.as_ref(), &seen).or_else(|_| list(None, &seen));
        }
        let Ok(Some(Listed { identity, last, kept })) = listed else { return Ok(()) };
        let transaction = self.index.transaction()?;
        transaction.execute("UPDATE photos SET decoding = NULL WHERE decoding IS NOT NULL", [])?;
        let mut write = transaction.prepare("UPDATE photos SET decoding = ?2 WHERE picture = ?1")?;
        for (picture, decoding) in kept {
            write.execute(params![picture, decoding])?;
        }
        drop(write);
        for format in Format::ALL {
            let outdated = "UPDATE photos SET decoding = -decoding
                            WHERE format = ?1 AND decoding > 0 AND decoding <> iif(ifnull(converted, FALSE), ?3, ?2)";
            let [plain, converted] = [false, true].map(|is_converted| KeptPicture::decoding(*format, is_converted));
            transaction.execute(outdated, params![format.name(), plain, converted])?;
        }
        for (name, value) in [(FILE, identity), (LAST, last.to_string())] {
            transaction.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)", [name, &value])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Makes a damaged file again. One that cannot be read for another reason is not used.
    fn replace_pictures(&mut self, error: &rusqlite::Error) {
        self.pictures.file = None;
        self.pictures.problem = Some(format!("no pictures are kept: {error}"));
        if let Some(path) = self.pictures.path.clone()
            && is_damage(error)
            && remove(&path).is_ok()
        {
            self.pictures = Pictures::open(Some(path));
        }
    }
}

/// The kept pictures that an index does not know.
struct Listed {
    identity: String,
    last: i64,
    kept: Vec<([u8; 32], i64)>,
}

/// Lists the kept pictures with their decoders. `None` if the index has seen this identity and last row.
fn list(file: Option<&Connection>, (seen, seen_last): &(Option<String>, i64)) -> rusqlite::Result<Option<Listed>> {
    let number = |sql: &str| file.map(|file| file.query_row(sql, [], |row| row.get::<_, i64>(0))).transpose();
    let (own, last) = (number("SELECT number FROM identity")?, number("SELECT ifnull(max(number), 0) FROM pictures")?.unwrap_or(0));
    let versions = Format::ALL.iter().map(|format| format!(" {format} {}", KeptPicture::decoding(*format, true)));
    let identity: String = std::iter::once(own.map_or_else(|| "none".to_owned(), |own| own.to_string())).chain(versions).collect();
    if seen.as_ref() == Some(&identity) && *seen_last <= last {
        return Ok(None);
    }
    let Some(file) = file else { return Ok(Some(Listed { identity, last, kept: Vec::new() })) };
    let mut statement = file.prepare("SELECT picture, decoding FROM pictures INDEXED BY pictures_by_hash")?;
    let kept = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    Ok(Some(Listed { identity, last, kept }))
}

impl Batch<'_> {
    /// Records that a photo has a kept picture, which was kept just before.
    pub fn set_kept(&mut self, photo: PhotoId, decoding: i64) -> Result<()> {
        self.transaction.prepare_cached("UPDATE photos SET decoding = ?2 WHERE id = ?1")?.execute([photo.0, decoding])?;
        Ok(())
    }

    /// Records whether the colours of a photo were converted. If an older version did not, its kept picture is outdated. Returns
    /// whether that was not known.
    pub fn set_converted(&mut self, photo: PhotoId, is_converted: bool) -> Result<bool> {
        let changed = "UPDATE photos SET converted = ?2, decoding = iif(?2 AND decoding > 0, -decoding, decoding)
                       WHERE id = ?1 AND converted IS NOT ?2";
        Ok(self.transaction.prepare_cached(changed)?.execute(params![photo.0, is_converted])? > 0)
    }

    /// Records that the colours of the photo of a file need no conversion, unless it is known that they do.
    pub fn set_srgb(&mut self, place: &Place) -> Result<()> {
        let unknown = "UPDATE photos SET converted = FALSE WHERE converted IS NULL
                       AND id = (SELECT photo FROM files WHERE root = ?1 AND path = ?2)";
        self.transaction.prepare_cached(unknown)?.execute(params![place.root.0, place.path.as_os_str().as_bytes()])?;
        Ok(())
    }

    /// Records the last row of the kept pictures, so that a file that was cut off is noticed.
    pub fn set_last_kept(&mut self, last: i64) -> Result<()> {
        self.set(LAST, &last.to_string())
    }
}

impl Reader {
    /// Returns the kept picture of a picture hash. `None` if there is none, or if it cannot be read now.
    pub fn kept_picture(&self, picture: &PictureHash) -> Option<KeptPicture> {
        // The file may have been made again since it was opened, and then it is opened anew.
        self.read_kept(picture).or_else(|_| self.read_kept(picture)).unwrap_or_default()
    }

    fn read_kept(&self, picture: &PictureHash) -> Result<Option<KeptPicture>> {
        let mut file = self.pictures.borrow_mut();
        let open = match (file.take(), &self.pictures_path) {
            (Some(open), _) => open,
            (None, Some(path)) => open::readable(path)?,
            (None, None) => return Ok(None),
        };
        let kept = {
            let mut statement = open.prepare_cached("SELECT jpeg, decoding FROM pictures WHERE picture = ?1")?;
            statement.query_row([picture.0], |row| Ok(KeptPicture { jpeg: row.get(0)?, decoding: row.get(1)? })).optional()?
        };
        *file = Some(open);
        Ok(kept)
    }

    /// Returns whether pictures are to be kept.
    pub fn keeps_pictures(&self) -> bool {
        self.pictures_path.is_some()
    }

    /// Returns the number of photos that have files and no kept picture of this version.
    pub fn count_without_picture(&self) -> Result<u64> {
        let mut statement = self.index.prepare_cached(&format!("SELECT count(*) FROM photos WHERE {WITHOUT_PICTURE}"))?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Returns the files of up to `count` photos after a photo that have files and no kept picture of this version, in the
    /// order of the photos.
    pub fn without_picture_after(&self, after: PhotoId, count: usize) -> Result<Vec<(PhotoId, Place, Stamp)>> {
        let mut statement = self.index.prepare_cached(&format!(
            "SELECT f.root, f.path, {STAMP_COLUMNS}, p.id
             FROM (SELECT id FROM photos WHERE {WITHOUT_PICTURE} AND id > ?1 ORDER BY id LIMIT ?2) p JOIN files f ON f.photo = p.id
             ORDER BY p.id"
        ))?;
        let rows = statement.query_map([after.0, count as i64], |row| Ok((PhotoId(row.get(8)?), place_of(row)?, stamp(row, 2)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the files of up to `count` photos after a photo of which it is not known whether their colours are to be converted, in
    /// the order of the photos. Those without a kept picture are left out if pictures are kept: they are read again anyway.
    pub fn of_unknown_colours_after(&self, after: PhotoId, count: usize) -> Result<Vec<(PhotoId, Place, Stamp)>> {
        let kept = if self.keeps_pictures() { "decoding > 0" } else { "TRUE" };
        let mut statement = self.index.prepare_cached(&format!(
            "SELECT f.root, f.path, {STAMP_COLUMNS}, p.id
             FROM (SELECT id FROM photos WHERE {OF_UNKNOWN_COLOURS} AND {kept} AND id > ?1 ORDER BY id LIMIT ?2) p JOIN files f ON f.photo = p.id
             ORDER BY p.id"
        ))?;
        let rows = statement.query_map([after.0, count as i64], |row| Ok((PhotoId(row.get(8)?), place_of(row)?, stamp(row, 2)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns up to `count` stale photos after a photo, in the order of their ids.
    pub fn stale_after(&self, after: PhotoId, count: usize) -> Result<Vec<(PhotoId, PictureHash)>> {
        let mut statement = self.index.prepare_cached("SELECT id, picture FROM photos WHERE stale AND id > ?1 ORDER BY id LIMIT ?2")?;
        let rows = statement.query_map([after.0, count as i64], |row| Ok((PhotoId(row.get(0)?), PictureHash(row.get(1)?))))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
