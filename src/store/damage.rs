//! A damaged index is detected, set aside and built again. `library.db` cannot be built again and is not changed.
//!
//! Damage is a page that SQLite cannot read, a row with a value that no version wrote, a table that is not there, or rows
//! that do not fit together. So is everything else that keeps the index from being loaded, unless the disk is the cause.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, OpenFlags, Row};

use super::columns::{
    METADATA_COLUMNS, METADATA_READER, OTHER_COLUMNS, PHOTO_COLUMNS, STAMP_COLUMNS, comparison_of, edited_version_of, failure_of, file_of,
    is_unreadable, json_of, metadata_of, other_of, pair_of, photo_of, pixels_of, place_of, stamp,
};
use super::open::{connect, is_damage, with};
use super::{Error, Location, Result, schema};
use crate::photo::{CropDescriptors, Embedding, Features, Keypoints, Metadata};
use crate::sys::own_file;

/// Whether damage was detected in any file. It is global, because an error appears wherever a bad page is read first.
static NOTICED: AtomicBool = AtomicBool::new(false);

/// Whether the index was checked when it was opened and is sound. Then another file is damaged.
static FOUND_SOUND: AtomicBool = AtomicBool::new(false);

/// Whether the index is certainly damaged. It is set aside without another check, which may not see this damage.
static CONDEMNED: AtomicBool = AtomicBool::new(false);

/// Whether an index was set aside when it was opened. If the one that was made since cannot be loaded either, another
/// one would not help.
static SET_ASIDE: AtomicBool = AtomicBool::new(false);

/// The content of a request to set the index aside without a check.
const CONDEMN: &[u8] = b"set it aside";

/// Records an error that means damage. Decisions and heads that cannot be read are reported elsewhere.
pub(super) fn notice(error: &rusqlite::Error) {
    if is_damage(error) || is_unreadable(error) {
        NOTICED.store(true, Ordering::Relaxed);
    }
}

/// Returns whether damage was detected that may be in the index.
pub fn is_noticed() -> bool {
    CONDEMNED.load(Ordering::Relaxed) || NOTICED.load(Ordering::Relaxed) && !FOUND_SOUND.load(Ordering::Relaxed)
}

/// Returns whether a new index may help a daemon that could not start.
pub fn helps_to_start_again() -> bool {
    is_noticed() && !SET_ASIDE.load(Ordering::Relaxed)
}

/// Records that the index could not be loaded with this error, unless the disk is the cause.
pub fn condemn(error: &Error) {
    if error.is_of_contents() {
        CONDEMNED.store(true, Ordering::Relaxed);
    }
}

/// Returns the error of an index whose rows do not fit together, and records it as damage.
pub fn contradiction(what: impl Into<String>) -> Error {
    CONDEMNED.store(true, Ordering::Relaxed);
    Error::Inconsistent(what.into())
}

/// Requests that the index is checked the next time it is opened, or set aside if it is certainly damaged.
///
/// # Errors
/// If the disk is full or read-only.
pub fn request_check(location: &Location) -> io::Result<()> {
    let mut request = own_file::open(File::options().create(true).truncate(true).write(true), &check_request(location))?;
    request.write_all(if CONDEMNED.load(Ordering::Relaxed) { CONDEMN } else { b"" })
}

/// Opens the index with `open`, which creates it if it does not exist. A damaged index is set aside first, and its
/// new path is returned. All of it is read if a check was requested.
pub(super) fn open_sound(location: &Location, open: impl Fn() -> Result<Connection>) -> Result<(Connection, Option<PathBuf>)> {
    let failed = |source| Error::SetAside { path: location.index(), source };
    let request = read_request(location)?;
    let is_check_requested = request.is_some();
    let is_known_bad = |request: &Vec<u8>| request == CONDEMN || !has_sound_pages(&location.index());
    let mut aside = if request.as_ref().is_some_and(is_known_bad) { Some(set_aside(location).map_err(failed)?) } else { None };
    let mut index = match open() {
        Err(e) if e.is_of_contents() => {
            aside = Some(set_aside(location).map_err(failed)?);
            open()?
        }
        opened => opened?,
    };
    if is_check_requested {
        // Its rows have the current schema only after migration.
        if aside.is_none() && !has_sound_rows(&index) {
            drop(index);
            aside = Some(set_aside(location).map_err(failed)?);
            index = open()?;
        }
        FOUND_SOUND.store(aside.is_none(), Ordering::Relaxed);
        fs::remove_file(check_request(location)).map_err(failed)?;
    }
    if aside.is_none() && !schema::is_complete(&index)? {
        drop(index);
        aside = Some(set_aside(location).map_err(failed)?);
        index = open()?;
    }
    SET_ASIDE.fetch_or(aside.is_some(), Ordering::Relaxed);
    Ok((index, aside))
}

/// Renames the damaged index, replacing one that was set aside before.
fn set_aside(location: &Location) -> io::Result<PathBuf> {
    let (index, aside) = (location.index(), with(&location.index(), ".damaged"));
    for part in ["", "-wal", "-shm"] {
        match fs::rename(with(&index, part), with(&aside, part)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(aside)
}

fn check_request(location: &Location) -> PathBuf {
    with(&location.index(), ".suspect")
}

/// Returns what a request to check the index says. `None` if there is none.
fn read_request(location: &Location) -> Result<Option<Vec<u8>>> {
    let path = check_request(location);
    let mut request = Vec::new();
    let read = own_file::open(File::options().read(true), &path).and_then(|mut file| file.read_to_end(&mut request));
    match read {
        Ok(_) => Ok(Some(request)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::NotOurs { path, source }),
    }
}

/// Returns whether SQLite can read all pages.
fn has_sound_pages(index: &Path) -> bool {
    // Other errors are reported when it is opened.
    let connection = match connect(index, OpenFlags::SQLITE_OPEN_READ_WRITE) {
        Ok(connection) => connection,
        Err(e) => return !matches!(e, Error::Damaged { .. }),
    };
    match connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)) {
        Ok(answer) => answer == "ok",
        Err(e) => !is_damage(&e),
    }
}

/// Returns whether each row holds values that this version writes. They are read with the functions of the readers.
/// Features from before crop descriptors existed have none. Crop descriptors of another length come from another recipe,
/// whose data would be dropped anyway.
fn has_sound_rows(index: &Connection) -> bool {
    let check = || has_sound_photos(index).and_then(|()| has_sound_results(index));
    let dangles = || index.prepare("PRAGMA foreign_key_check").and_then(|mut found| found.exists([]));
    match check() {
        Ok(()) => !matches!(dangles(), Ok(true)),
        Err(e) => !is_damage(&e) && !is_unreadable(&e),
    }
}

/// Reads all that files say: photos, files, metadata and failures.
fn has_sound_photos(index: &Connection) -> rusqlite::Result<()> {
    each(index, &format!("SELECT {PHOTO_COLUMNS}, p.pixels FROM photos p"), |row| {
        photo_of(row)?;
        pixels_of(row, 13).map(drop)
    })?;
    let files = format!("SELECT f.root, f.path, f.content, {STAMP_COLUMNS} FROM files f WHERE");
    each(index, &format!("{files} photo IS NOT NULL"), |row| file_of(row, 0).map(drop))?;
    each(index, &format!("{files} photo IS NULL"), |row| {
        place_of(row)?;
        stamp(row, 3).map(drop)
    })?;
    // Metadata of another version of the reader is not used.
    let metadata = format!("SELECT {METADATA_COLUMNS} FROM metadata m WHERE reader = {METADATA_READER}");
    each(index, &metadata, |row| metadata_of(row, 0).map(drop))?;
    each(index, &format!("SELECT {OTHER_COLUMNS} FROM others f"), |row| other_of(row).map(drop))?;
    each(index, "SELECT facts FROM others", |row| json_of::<Metadata>(row, 0).map(drop))?;
    each(index, "SELECT content FROM files WHERE photo IS NULL", |row| row.get::<_, Option<[u8; 32]>>(0).map(drop))?;
    each(index, "SELECT root, path, stage, reason FROM failures", |row| {
        place_of(row)?;
        failure_of(row, 2).map(drop)
    })
}

/// Reads all that was computed, and the settings.
fn has_sound_results(index: &Connection) -> rusqlite::Result<()> {
    each(index, "SELECT data FROM features", |row| row.get::<_, Features>(0).map(drop))?;
    each(index, "SELECT parts FROM features WHERE backbone <> ''", |row| row.get::<_, CropDescriptors>(0).map(drop))?;
    each(index, "SELECT data FROM keypoints", |row| row.get::<_, Keypoints>(0).map(drop))?;
    each(index, "SELECT data, crowd_level, crowd_edge FROM embeddings", |row| {
        row.get::<_, Embedding>(0)?;
        row.get::<_, Option<f32>>(1)?;
        row.get::<_, Option<f32>>(2).map(drop)
    })?;
    each(index, "SELECT a, b, distance FROM pairs", |row| pair_of(row).map(drop))?;
    each(index, "SELECT a, b, data FROM comparisons", |row| comparison_of(row).map(drop))?;
    each(index, "SELECT edit, data FROM views", |row| edited_version_of(row, 0).map(drop))?;
    each(index, "SELECT name, value FROM counters", |row| {
        row.get::<_, String>(0)?;
        row.get::<_, i64>(1).map(drop)
    })?;
    each(index, "SELECT name, value FROM settings", |row| {
        row.get::<_, String>(0)?;
        row.get::<_, String>(1).map(drop)
    })?;
    each(index, "SELECT fingerprint FROM heads", |row| row.get::<_, String>(0).map(drop))
}

fn each(index: &Connection, select: &str, check: impl Fn(&Row<'_>) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let mut statement = index.prepare(select)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        check(row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::sync::{Mutex, PoisonError};

    use half::f16;
    use rusqlite::Connection;

    use super::*;
    use crate::photo::{
        Capture, Compared, ContentHash, Counters, Decision, Dimensions, Failure, Format, Identity, OtherKind, Pair, PhotoId, PictureHash,
        PixelHash, Place, RootId, Stage, Stamp, StoredFeatures, Verdict,
    };
    use crate::store::schema::{INDEX, INDEX_ID};
    use crate::store::{EditedVersion, HeadNumber, OnConflict, Reader, Wanted, Writer};

    /// The flags are global, so these tests run one at a time.
    static TURN: Mutex<()> = Mutex::new(());

    fn take_turn() -> impl Drop {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        NOTICED.store(false, Ordering::Relaxed);
        FOUND_SOUND.store(false, Ordering::Relaxed);
        CONDEMNED.store(false, Ordering::Relaxed);
        SET_ASIDE.store(false, Ordering::Relaxed);
        turn
    }

    fn place(path: &str) -> Place {
        Place { root: RootId(1), path: path.into() }
    }

    /// Makes an index of one photo and one failure.
    fn fill(location: &Location) {
        let mut writer = Writer::open(location).expect("opens");
        let stamp = |inode| Stamp { volume: 1, inode, size: 100, mtime: 5, ctime: 6, birth: None };
        let identity = Identity {
            content: ContentHash([1; 32]),
            picture: PictureHash([2; 32]),
            format: Format::WebP,
            dimensions: Dimensions { width: 30, height: 20 },
            quantisation: None,
        };
        let stored =
            StoredFeatures { features: Features(vec![f16::ONE; 4]), crops: CropDescriptors::none(), keypoints: Keypoints::default() };
        let filled = writer.batch(|batch| {
            batch.upsert_seen(&place("a.webp"), &stamp(1))?;
            let (photo, _) = batch.add_photo(&identity, &Capture::default(), "recipe-1", &stored)?;
            batch.set_pixels(photo, Some(&PixelHash([3; 32])), Some(0.5))?;
            batch.link(&place("a.webp"), &stamp(1), &identity.content, photo, &Default::default())?;
            let head = batch.head_number("fingerprint-1")?;
            batch.use_head(head)?;
            batch.add_embedding(head, photo, &Embedding(vec![f16::ONE; 2]))?;
            batch.set_density(head, photo, 0.5, 0.25)?;
            let compared = [photo, PhotoId(photo.0 + 1)];
            batch.want_comparisons(&[Pair::new(compared[0], compared[1], 0.1)], 1.0, true)?;
            batch.set_compared(compared, Some(&Compared::Apart))?;
            batch.add_edited_versions(photo, &[EditedVersion { edit: "crop".into(), features: Features(vec![f16::ONE; 4]) }])?;
            batch.count(&Counters { read: 1, ..Counters::default() })?;
            batch.set("a setting", "its value")?;
            batch.upsert_other(&place("c.mov"), OtherKind::Film, &stamp(3), false)?;
            batch.upsert_other(&place("a.xmp"), OtherKind::Sidecar, &stamp(4), false)?;
            batch.note_sidecar(&place("a.xmp"), &stamp(4), Some(&Default::default()))?;
            batch.upsert_seen(&place("b.jpg"), &stamp(2))?;
            batch.fail(&place("b.jpg"), &stamp(2), &Failure::new(Stage::Read, "it ends in the middle"))
        });
        assert!(filled.expect("filled"));
    }

    fn change(path: &Path, sql: &str) {
        Connection::open(path).and_then(|file| file.execute_batch(sql)).expect(sql);
    }

    fn read(location: &Location) -> Result<()> {
        read_all(&Reader::open(location)?)
    }

    /// Reads everything, by all functions that read.
    fn read_all(reader: &Reader) -> Result<()> {
        let (all, picture) = ([place("")], PictureHash([2; 32]));
        reader.photos(&all, Wanted::All)?;
        reader.photos(&all, Wanted::TheseAndSeveral(&[PhotoId(1)].into()))?;
        reader.failures(&all)?;
        reader.unreadable_folders(&all[0])?;
        reader.others(&all[0])?;
        reader.undecoded_of_size(100)?;
        reader.files(&all[0])?;
        reader.some_files(&all[0], 10)?;
        reader.pending_after(&all[0], 10)?;
        reader.content_of(&place("a.webp"))?;
        reader.other_files(&place("a.webp"))?;
        reader.files_of_one_content(PhotoId(1))?;
        reader.files_of_picture(&picture)?;
        reader.coverage(&all)?;
        reader.pixels_of(&picture)?;
        reader.without_metadata_after(&all[0], 10)?;
        reader.without_picture_after(PhotoId(0), 10)?;
        reader.stale_after(PhotoId(0), 10)?;
        reader.stored_features_after(PhotoId(0), 10)?;
        reader.features_of(&[PhotoId(1)])?;
        reader.keypoints_of(&[PhotoId(1)].into())?;
        reader.edited_versions()?;
        reader.head()?;
        reader.counters()?;
        reader.setting("a setting")?;
        reader.comparisons()?;
        reader.uncompared(10)?;
        reader.pairs(HeadNumber(1), 1.0)?;
        reader.each_descriptors(HeadNumber(1), |_, _, _| {})
    }

    /// So no column is forgotten when the index is checked.
    #[test]
    fn a_value_that_stops_a_reader_is_found_in_every_column() {
        let _turn = take_turn();
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        fill(&location);
        let index = Connection::open(location.index()).expect("opens");
        index
            .execute_batch("INSERT INTO pairs (head, a, b, distance) VALUES (1, 1, 1, 0.1); PRAGMA foreign_keys = off")
            .expect("one row in each table");
        let reader = Reader { index, pictures: RefCell::default(), pictures_path: None };
        let index = &reader.index;
        read_all(&reader).expect("sound");
        assert!(has_sound_rows(index));
        let texts = |select: &str| -> Vec<String> {
            let mut statement = index.prepare(select).expect(select);
            statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).expect(select)
        };
        let mut stopped = BTreeSet::new();
        for table in texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
            assert!(!texts(&format!("SELECT 'a row' FROM {table}")).is_empty(), "{table} has no row in this test");
            for column in texts(&format!("SELECT name FROM pragma_table_info('{table}')")) {
                for value in ["x'00'", "''", "'no such value'", "CAST(x'ff' AS TEXT)", "-1", "9223372036854775807", "NULL"] {
                    index.execute_batch("SAVEPOINT sound").expect("begun");
                    // A value that does not fit the column is refused.
                    let is_changed = index.execute(&format!("UPDATE {table} SET {column} = {value}"), []).is_ok();
                    if is_changed && read_all(&reader).is_err() {
                        assert!(!has_sound_rows(index), "{table}.{column} = {value}");
                        stopped.insert(format!("{table}.{column}"));
                    }
                    index.execute_batch("ROLLBACK TO sound; RELEASE sound").expect("as before");
                }
            }
        }
        for column in
            ["comparisons.data", "files.content", "photos.pixels", "views.data", "metadata.exposure", "metadata.origin", "settings.value"]
        {
            assert!(stopped.contains(column), "{column} is not among {stopped:?}");
        }
    }

    #[test]
    fn an_index_with_an_unknown_value_is_set_aside_and_made_again() {
        for sql in [
            "UPDATE photos SET format = 'jpeg2000'",
            "UPDATE photos SET format = 'JPEG'",
            "UPDATE photos SET picture = x'02'",
            "UPDATE photos SET width = -1",
            "UPDATE failures SET stage = 'develop'",
            "UPDATE failures SET stage = ''",
            "UPDATE failures SET reason = CAST(x'ff' AS TEXT)",
            "UPDATE features SET data = x'003c00'",
            "UPDATE features SET parts = x'00'",
            "UPDATE features SET parts = NULL",
            "UPDATE keypoints SET data = x'00'",
            "UPDATE embeddings SET data = x'003c00'",
            "UPDATE comparisons SET data = x'00'",
            "UPDATE files SET content = x'00' WHERE photo IS NOT NULL",
            "UPDATE files SET content = NULL",
            "UPDATE photos SET pixels = x'00'",
            "UPDATE views SET data = x'00'",
            "UPDATE settings SET value = CAST(x'ff' AS TEXT) WHERE name = 'a setting'",
            "UPDATE others SET kind = 'novel'",
            "UPDATE others SET content = x'00'",
            "UPDATE others SET facts = '5 stars'",
        ] {
            let _turn = take_turn();
            let folder = tempfile::tempdir().expect("a folder");
            let location = Location::new(folder.path());
            fill(&location);
            read(&location).expect("sound");
            assert!(!is_noticed());
            change(&location.index(), sql);
            let error = read(&location).expect_err(sql);
            assert!(is_noticed(), "{sql}: {error}");
            // The daemon does the same.
            request_check(&location).expect("told");
            let writer = Writer::open(&location).expect("opens");
            let aside = with(&location.index(), ".damaged");
            assert_eq!(writer.set_aside.as_ref(), Some(&aside), "{sql}");
            assert!(aside.exists() && !check_request(&location).exists(), "{sql}");
            read(&location).expect("made again");
            assert_eq!(Reader::open(&location).and_then(|reader| reader.count_files(&place(""))).expect("read"), 0, "{sql}");
            drop(writer);
            assert_eq!(Writer::open(&location).expect("opens").set_aside, None, "it is done once");
        }
    }

    #[test]
    fn an_index_without_all_its_parts_is_set_aside() {
        for sql in [
            "DROP TABLE pairs",
            "DROP TRIGGER file_changed",
            "ALTER TABLE heads RENAME COLUMN fingerprint TO print",
            "PRAGMA user_version = 0",
        ] {
            let _turn = take_turn();
            let folder = tempfile::tempdir().expect("a folder");
            let location = Location::new(folder.path());
            fill(&location);
            change(&location.index(), sql);
            let writer = Writer::open(&location).expect(sql);
            assert!(writer.set_aside.is_some(), "{sql}");
            drop(writer);
            assert_eq!(Writer::open(&location).expect("opens").set_aside, None, "it is done once");
        }
    }

    #[test]
    fn a_contradiction_condemns_the_index_without_a_check() {
        let _turn = take_turn();
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        fill(&location);
        let reader = Reader::open(&location).expect("opens");
        assert_eq!(reader.contradiction(1).expect("read"), None);
        assert!(reader.contradiction(2).expect("read").is_some(), "an embedding is missing");
        change(&location.index(), "PRAGMA foreign_keys = off; UPDATE files SET photo = 99 WHERE photo IS NOT NULL");
        assert!(reader.contradiction(1).expect("read").expect("a file of nothing").contains("file"));
        assert!(!is_noticed());
        contradiction("a test");
        assert!(is_noticed() && helps_to_start_again());
        request_check(&location).expect("told");
        assert!(Writer::open(&location).expect("opens").set_aside.is_some());
        assert!(!helps_to_start_again(), "another new index would not help");
    }

    #[test]
    fn a_full_or_busy_disk_is_not_damage() {
        use rusqlite::ffi;
        let _turn = take_turn();
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR, ffi::SQLITE_BUSY, ffi::SQLITE_READONLY, ffi::SQLITE_CANTOPEN, ffi::SQLITE_NOMEM] {
            condemn(&Error::Sqlite(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)));
            assert!(!is_noticed(), "{code}");
        }
        condemn(&Error::Sqlite(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), None)));
        assert!(is_noticed());
    }

    #[test]
    fn an_unknown_stage_is_not_counted_as_another() {
        let _turn = take_turn();
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        fill(&location);
        let coverage = || Reader::open(&location).and_then(|reader| reader.coverage(&[place("")]));
        let counted = coverage().expect("counted");
        assert_eq!((counted.indexed, counted.unsupported, counted.failed), (1, 0, 1));
        change(&location.index(), "UPDATE failures SET stage = 'develop'");
        let error = coverage().expect_err("no count").to_string();
        assert!(error.contains("\"develop\" is not a stage"), "{error}");
        assert!(is_noticed());
    }

    #[test]
    fn a_sound_index_that_was_suspected_stays() {
        let _turn = take_turn();
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        fill(&location);
        request_check(&location).expect("told");
        notice(&rusqlite::Error::IntegralValueOutOfRange(0, -1));
        assert!(is_noticed());
        assert_eq!(Writer::open(&location).expect("opens").set_aside, None);
        assert!(!is_noticed() && !check_request(&location).exists(), "it is another file");
        assert_eq!(Reader::open(&location).and_then(|reader| reader.count_files(&place(""))).expect("read"), 2);
        // Features from before crop descriptors existed have none, and their photos are read again.
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut old = Connection::open(location.index()).expect("opens");
        old.pragma_update(None, "application_id", INDEX_ID).expect("set");
        INDEX.to_version(&mut old, 4).expect("made");
        drop(old);
        change(
            &location.index(),
            "INSERT INTO photos (id, picture, format, width, height) VALUES (1, zeroblob(32), 'jpeg', 1, 1);
             INSERT INTO features (photo, backbone, data) VALUES (1, 'backbone-1', x'003c')",
        );
        request_check(&location).expect("told");
        assert_eq!(Writer::open(&location).expect("opens").set_aside, None);
    }

    #[test]
    fn unreadable_rows_of_the_library_are_not_damage_of_the_index() {
        let _turn = take_turn();
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        fill(&location);
        let mut writer = Writer::open(&location).expect("opens");
        let decision = Decision { a: PictureHash([1; 32]), b: PictureHash([2; 32]), verdict: Verdict::Same, made: 1, follows: None };
        writer.decide(&[decision], OnConflict::Overwrite).expect("kept");
        drop(writer);
        change(&location.library(), "UPDATE decisions SET verdict = ''");
        let mut writer = Writer::open(&location).expect("opens");
        assert_eq!(writer.decisions().expect("read").len(), 0);
        assert_eq!(writer.problems().len(), 1);
        assert!(!is_noticed());
    }
}
