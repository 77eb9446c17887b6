//! Writing to the databases, in transactions.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, ToSql, Transaction, params, params_from_iter};

use super::checkpoint::empty_log;
use super::columns::{
    METADATA_READER, SAME_INODE, STAMP_COLUMNS, bytes_of, bytes_of_crops, keypoints_of, place_of, same_inode, stamp as stamp_of,
};
use super::open::{Durable, PAGE_BYTES};
use super::pictures::Pictures;
use super::unreadable::Problems;
use super::{EditedVersion, Error, Files, HeadNumber, IsNew, Location, Result, SeenFile, damage, open, schema};
use crate::photo::{
    Capture, ContentHash, Counters, Embedding, Failure, Identity, Keypoints, Metadata, Origin, Pair, PhotoId, PixelHash, Place, Stamp,
    StoredFeatures,
};

/// Selects a file that still has the stamp with which it was read. Without lasting inode numbers the ctime does not last
/// either.
const HAS_STAMP: &str = "root = ?1 AND path = ?2 AND inode = ?3 AND size = ?4 AND mtime = ?5 AND (inode = 0 OR ctime = ?6)";

/// Owns the databases for writing. There is one writer, in the process that holds the lock of the data directory.
pub struct Writer {
    pub(super) library: Connection,
    pub(super) index: Connection,
    /// The path of the damaged index, if it was just set aside.
    pub set_aside: Option<PathBuf>,
    pub(super) pictures: Pictures,
    pub(super) problems: Problems,
    location: Location,
    /// The files that are open.
    files: Files,
}

impl Writer {
    /// Opens the databases, and creates those that do not exist.
    ///
    /// # Errors
    /// If a file cannot be used, belongs to another program, or was written by a newer version. A damaged index is
    /// not an error: it is set aside and built again.
    pub fn open(location: &Location) -> Result<Writer> {
        // First, because the one that is opened last has SQLite's temporary files beside it.
        let pictures = Pictures::open(location.pictures());
        let library = open::writable(&location.library(), schema::LIBRARY_ID, &schema::LIBRARY, Durable::Always, PAGE_BYTES)?;
        let open_index = || open::writable(&location.index(), schema::INDEX_ID, &schema::INDEX, Durable::Mostly, PAGE_BYTES);
        let (index, set_aside) = damage::open_sound(location, open_index)?;
        let (location, files) = (location.clone(), location.files());
        let mut writer = Writer { library, index, set_aside, pictures, problems: Problems::default(), location, files };
        writer.match_pictures()?;
        Ok(writer)
    }

    /// Moves the write-ahead logs into the files and empties them. Returns whether all are empty: a reader may hold
    /// this up, but not for long.
    ///
    /// # Errors
    /// If the disk is full. No data is lost then.
    pub fn checkpoint(&self) -> Result<bool> {
        let others = self.checkpoint_library()? && self.checkpoint_pictures();
        Ok(empty_log(&self.index)? && others)
    }

    /// Does the same for `library.db` alone. Afterwards a copy of this one file is a backup.
    ///
    /// # Errors
    /// If the disk is full. No data is lost then.
    pub fn checkpoint_library(&self) -> Result<bool> {
        Ok(empty_log(&self.library)?)
    }

    /// Checks that the open `library.db` is still the file at its path.
    ///
    /// # Errors
    /// [`Error::OtherLibrary`] if it was deleted or replaced.
    pub fn check_library(&self) -> Result<()> {
        let is_another = self.files.has_other_library(&self.location.files());
        if is_another { Err(Error::OtherLibrary(self.location.library())) } else { Ok(()) }
    }

    /// Runs `work` in one transaction. On an error nothing is kept.
    pub fn batch<T>(&mut self, work: impl FnOnce(&mut Batch<'_>) -> Result<T>) -> Result<T> {
        let mut batch = Batch { transaction: self.index.transaction()? };
        let done = work(&mut batch)?;
        batch.transaction.commit()?;
        Ok(done)
    }
}

/// Writes that succeed or fail together.
pub struct Batch<'a> {
    pub(super) transaction: Transaction<'a>,
}

impl Batch<'_> {
    /// Records that a file exists. With a new stamp it becomes pending and its failure is cleared. But if its inode
    /// is that of a known file, it was moved or linked, and holds the same photo. So files that appeared must be
    /// recorded before files that are gone.
    pub fn upsert_seen(&mut self, place: &Place, stamp: &Stamp) -> Result<SeenFile> {
        let known = self.known(place)?;
        let held_photo = known.is_some_and(|(_, holds_photo)| holds_photo);
        if known.is_some_and(|(before, _)| before.is_unchanged(stamp)) {
            self.renumber(place, stamp)?;
            return Ok(SeenFile { holds_photo: held_photo, held_photo });
        }
        self.transaction
            .prepare_cached(
                "INSERT INTO files (root, path, volume, inode, size, mtime, ctime, birth) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (root, path) DO UPDATE SET volume = ?3, inode = ?4, size = ?5, mtime = ?6, ctime = ?7, birth = ?8,
                     content = NULL, photo = NULL, pending = 1, replaced = ifnull(replaced, photo)",
            )?
            .execute(params![
                place.root.0,
                place.path.as_os_str().as_bytes(),
                stamp.volume as i64,
                stamp.inode as i64,
                stamp.size as i64,
                stamp.mtime,
                stamp.ctime,
                stamp.birth
            ])?;
        self.clear_failure(place)?;
        // A file that kept its name may have been written to. Then its other names have the new bytes too.
        let kept_name = known.is_some_and(|(before, _)| before.is_same_inode(stamp));
        let holds_photo = self.take_from_same_inode(place, stamp, kept_name)?;
        self.upsert_links(stamp, kept_name)?;
        Ok(SeenFile { holds_photo, held_photo })
    }

    /// Returns the stamp of a place, and whether it holds a photo.
    fn known(&self, place: &Place) -> Result<Option<(Stamp, bool)>> {
        let mut statement = self
            .transaction
            .prepare_cached(&format!("SELECT f.photo IS NOT NULL, {STAMP_COLUMNS} FROM files f WHERE root = ?1 AND path = ?2"))?;
        let key = params![place.root.0, place.path.as_os_str().as_bytes()];
        Ok(statement.query_row(key, |row| Ok((stamp_of(row, 1)?, row.get(0)?))).optional()?)
    }

    /// Stores the new stamp of an unchanged file: the numbers of its filesystem and its inode, and its birth time.
    pub fn renumber(&mut self, place: &Place, stamp: &Stamp) -> Result<()> {
        self.transaction
            .prepare_cached(
                "UPDATE files SET volume = ?3, inode = ?4, birth = ?5
                 WHERE root = ?1 AND path = ?2 AND size = ?6 AND mtime = ?7 AND (inode = 0 OR ctime = ?8)
                 AND (volume, inode, birth) IS NOT (?3, ?4, ?5)",
            )?
            .execute(params![
                place.root.0,
                place.path.as_os_str().as_bytes(),
                stamp.volume as i64,
                stamp.inode as i64,
                stamp.birth,
                stamp.size as i64,
                stamp.mtime,
                stamp.ctime
            ])?;
        Ok(())
    }

    /// Gives a file the photo of another name of its inode, and the ctime with which that was read: what was written before
    /// the move or the link that changed it is not known. A file that kept its name gets the photo only if the other name
    /// was read with the same ctime. Returns whether the file holds a photo now.
    fn take_from_same_inode(&mut self, place: &Place, stamp: &Stamp, kept_name: bool) -> Result<bool> {
        let [inode, size, mtime, volume, birth] = same_inode(stamp);
        let taken = self
            .transaction
            .prepare_cached(&format!(
                "UPDATE files SET (content, photo, ctime, pending) = (known.content, known.photo, known.ctime, 0)
                 FROM ({SAME_INODE} AND (NOT ?6 OR ctime = ?7) ORDER BY ctime = ?7 DESC, ctime DESC LIMIT 1) known
                 WHERE root = ?8 AND path = ?9"
            ))?
            .execute(params![inode, size, mtime, volume, birth, kept_name, stamp.ctime, place.root.0, place.path.as_os_str().as_bytes()])?;
        Ok(taken > 0)
    }

    /// Makes the other hard links of a changed file pending. They raise no file event, but have the new bytes.
    fn upsert_links(&mut self, stamp: &Stamp, may_be_written: bool) -> Result<()> {
        let mut write = self.transaction.prepare_cached(
            "UPDATE files SET size = ?3, mtime = ?4, ctime = ?5, birth = ?6, content = NULL, photo = NULL, pending = 1,
                 replaced = ifnull(replaced, photo)
             WHERE volume = ?1 AND inode = ?2 AND inode <> 0 AND ifnull(birth = ?6, TRUE)
             AND ((size, mtime) IS NOT (?3, ?4) OR ?7 AND ctime <> ?5) RETURNING root, path",
        )?;
        let links = write.query_map(
            params![stamp.volume as i64, stamp.inode as i64, stamp.size as i64, stamp.mtime, stamp.ctime, stamp.birth, may_be_written],
            place_of,
        )?;
        let links = links.collect::<rusqlite::Result<Vec<_>>>()?;
        drop(write);
        links.iter().try_for_each(|place| self.clear_failure(place))
    }

    /// Adds a photo with its features, or finds the one with the same picture hash.
    pub fn add_photo(&mut self, identity: &Identity, capture: &Capture, recipe: &str, stored: &StoredFeatures) -> Result<(PhotoId, IsNew)> {
        if let Some(known) = self.photo(identity)? {
            return Ok((known, IsNew::No));
        }
        self.transaction
            .prepare_cached(
                "INSERT INTO photos (picture, format, width, height, taken, utc_offset, make, model, serial, orientation, quantisation)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                identity.picture.0,
                identity.format.name(),
                identity.dimensions.width,
                identity.dimensions.height,
                capture.taken,
                capture.offset,
                capture.make,
                capture.model,
                capture.serial,
                capture.orientation,
                identity.quantisation
            ])?;
        let id = PhotoId(self.transaction.last_insert_rowid());
        self.add_features(id, recipe, stored)?;
        Ok((id, IsNew::Yes))
    }

    pub(super) fn add_features(&mut self, photo: PhotoId, recipe: &str, stored: &StoredFeatures) -> Result<()> {
        self.transaction
            .prepare_cached("INSERT INTO features (photo, backbone, data, parts) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![photo.0, recipe, bytes_of(&stored.features.0), bytes_of_crops(&stored.crops)])?;
        self.transaction
            .prepare_cached("INSERT INTO keypoints (photo, data) VALUES (?1, ?2)")?
            .execute(params![photo.0, stored.keypoints.to_bytes()])?;
        Ok(())
    }

    /// Stores the pixel hash and the detail of a photo. `None` if the picture has none.
    pub fn set_pixels(&mut self, photo: PhotoId, pixels: Option<&PixelHash>, detail: Option<f64>) -> Result<()> {
        self.transaction.prepare_cached("UPDATE photos SET pixels = ?2, detail = ?3 WHERE id = ?1")?.execute(params![
            photo.0,
            pixels.map(|pixels| pixels.0),
            detail
        ])?;
        Ok(())
    }

    /// Records the quantisation of a photo that an older version read.
    pub fn set_quantisation(&mut self, photo: PhotoId, quantisation: Option<u16>) -> Result<()> {
        self.transaction.prepare_cached("UPDATE photos SET quantisation = ?2 WHERE id = ?1")?.execute(params![photo.0, quantisation])?;
        Ok(())
    }

    fn photo(&self, identity: &Identity) -> Result<Option<PhotoId>> {
        let mut statement = self.transaction.prepare_cached("SELECT id FROM photos WHERE picture = ?1")?;
        Ok(statement.query_row([identity.picture.0], |row| Ok(PhotoId(row.get(0)?))).optional()?)
    }

    /// Records that a file holds a photo, with its metadata, if its stamp is still the one that was read. Returns whether it
    /// is.
    pub fn link(&mut self, place: &Place, stamp: &Stamp, content: &ContentHash, photo: PhotoId, metadata: &Metadata) -> Result<bool> {
        let is_linked = self.set_if_unchanged(place, stamp, "content = ?7, photo = ?8", &[&content.0, &photo.0])?;
        if is_linked {
            self.clear_failure(place)?;
            self.describe(content, metadata)?;
        }
        Ok(is_linked)
    }

    /// Sets columns of a file that was read, if its stamp is still the one that was read. Their values are `?7` and those after
    /// it. Returns whether it is.
    fn set_if_unchanged(&mut self, place: &Place, stamp: &Stamp, columns: &str, values: &[&dyn ToSql]) -> Result<bool> {
        let (path, inode, size) = (place.path.as_os_str().as_bytes(), stamp.inode as i64, stamp.size as i64);
        let of_stamp: [&dyn ToSql; 6] = [&place.root.0, &path, &inode, &size, &stamp.mtime, &stamp.ctime];
        let mut statement = self.transaction.prepare_cached(&format!("UPDATE files SET {columns}, pending = 0 WHERE {HAS_STAMP}"))?;
        Ok(statement.execute(params_from_iter(of_stamp.iter().chain(values)))? > 0)
    }

    /// Returns whether a file still holds the photo that it has in these bytes.
    pub fn holds(&self, place: &Place, content: &ContentHash) -> Result<bool> {
        let mut statement =
            self.transaction.prepare_cached("SELECT EXISTS (SELECT 1 FROM files WHERE root = ?1 AND path = ?2 AND content = ?3)")?;
        Ok(statement.query_row(params![place.root.0, place.path.as_os_str().as_bytes(), content.0], |row| row.get(0))?)
    }

    /// Stores the metadata of a file with these bytes.
    pub fn describe(&mut self, content: &ContentHash, metadata: &Metadata) -> Result<()> {
        let Metadata { capture, description, software, trailer_bytes, trailer, other } = metadata;
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO metadata (content, taken, utc_offset, make, model, serial, orientation, rating, label, keywords,
                     title, caption, creator, latitude, longitude, software, trailer_bytes, other, reader, exposure, trailer, origin)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                     ?22)",
            )?
            .execute(params![
                content.0,
                capture.taken,
                capture.offset,
                capture.make,
                capture.model,
                capture.serial,
                capture.orientation,
                description.rating,
                description.label,
                serde_json::json!(description.keywords).to_string(),
                description.title,
                description.caption,
                description.creator,
                description.position.map(|p| p.latitude),
                description.position.map(|p| p.longitude),
                software,
                *trailer_bytes as i64,
                serde_json::json!(other).to_string(),
                METADATA_READER,
                serde_json::json!(capture.exposure).to_string(),
                trailer,
                (capture.origin != Origin::default()).then(|| serde_json::json!(capture.origin).to_string())
            ])?;
        Ok(())
    }

    /// Records why a file could not be read, if its stamp is still the one that was read. Returns whether it is.
    pub fn fail(&mut self, place: &Place, stamp: &Stamp, failure: &Failure) -> Result<bool> {
        let is_failed = self.set_if_unchanged(place, stamp, "content = NULL, photo = NULL", &[])?;
        if is_failed {
            self.fail_folder(place, failure)?;
        }
        Ok(is_failed)
    }

    /// Records why a folder could not be listed.
    pub fn fail_folder(&mut self, place: &Place, failure: &Failure) -> Result<()> {
        let path = place.path.as_os_str().as_bytes();
        self.transaction
            .prepare_cached("INSERT OR REPLACE INTO failures (root, path, stage, reason) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![place.root.0, path, failure.stage.name(), failure.reason])?;
        Ok(())
    }

    /// Removes a failure.
    pub fn clear_failure(&mut self, place: &Place) -> Result<()> {
        self.transaction
            .prepare_cached("DELETE FROM failures WHERE root = ?1 AND path = ?2")?
            .execute(params![place.root.0, place.path.as_os_str().as_bytes()])?;
        Ok(())
    }

    /// Forgets a file that is gone. Its photo stays.
    pub fn forget(&mut self, place: &Place) -> Result<()> {
        self.transaction
            .prepare_cached("DELETE FROM files WHERE root = ?1 AND path = ?2")?
            .execute(params![place.root.0, place.path.as_os_str().as_bytes()])?;
        self.clear_failure(place)
    }

    /// Returns the keypoints of the photos that are stored or in this batch. Photos without keypoints are left out.
    pub fn keypoints_of(&self, photos: &BTreeSet<PhotoId>) -> Result<HashMap<PhotoId, Keypoints>> {
        keypoints_of(&self.transaction, photos)
    }

    /// Returns the number of a head, by its fingerprint. A new head gets a new number.
    pub fn head_number(&mut self, fingerprint: &str) -> Result<HeadNumber> {
        self.transaction.execute("INSERT INTO heads (fingerprint) VALUES (?1) ON CONFLICT DO NOTHING", [fingerprint])?;
        let number = self.transaction.query_row("SELECT number FROM heads WHERE fingerprint = ?1", [fingerprint], |row| row.get(0))?;
        Ok(HeadNumber(number))
    }

    /// Makes this the head in use from this commit on.
    pub fn use_head(&mut self, head: HeadNumber) -> Result<()> {
        self.set("head", &head.0.to_string())
    }

    /// Retires all heads except `keep`, and returns all retired heads. A retired head loses its fingerprint, so that it
    /// is not taken for complete while its data is removed.
    pub fn retire_heads(&mut self, keep: &[HeadNumber]) -> Result<Vec<HeadNumber>> {
        let keep: Vec<String> = keep.iter().map(|head| head.0.to_string()).collect();
        // The row stays, because its number must not be used again.
        self.transaction
            .execute(&format!("UPDATE heads SET fingerprint = 'retired-' || number WHERE number NOT IN ({})", keep.join(", ")), [])?;
        let mut statement = self.transaction.prepare("SELECT number FROM heads WHERE fingerprint = 'retired-' || number")?;
        let rows = statement.query_map([], |row| Ok(HeadNumber(row.get(0)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Removes up to `count` rows of each table of a retired head. Returns whether all were removed already.
    pub fn sweep_head(&mut self, head: HeadNumber, count: usize) -> Result<bool> {
        let mut dropped = 0;
        for (table, key) in [("pairs", "head, a, b"), ("embeddings", "head, photo")] {
            dropped += self.transaction.execute(
                &format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE head = ?1 LIMIT ?2)"),
                params![head.0, count as i64],
            )?;
        }
        Ok(dropped == 0)
    }

    pub fn add_embedding(&mut self, head: HeadNumber, photo: PhotoId, embedding: &Embedding) -> Result<()> {
        self.transaction.prepare_cached("INSERT OR REPLACE INTO embeddings (head, photo, data) VALUES (?1, ?2, ?3)")?.execute(params![
            head.0,
            photo.0,
            bytes_of(&embedding.0)
        ])?;
        Ok(())
    }

    pub fn add_pairs(&mut self, head: HeadNumber, pairs: &[Pair]) -> Result<()> {
        let mut statement =
            self.transaction.prepare_cached("INSERT OR REPLACE INTO pairs (head, a, b, distance) VALUES (?1, ?2, ?3, ?4)")?;
        for pair in pairs {
            statement.execute(params![head.0, pair.a.0, pair.b.0, pair.distance])?;
        }
        Ok(())
    }

    /// Records the density of a photo.
    pub fn set_density(&mut self, head: HeadNumber, photo: PhotoId, mean_similarity: f32, min_similarity: f32) -> Result<()> {
        self.transaction
            .prepare_cached("UPDATE embeddings SET crowd_level = ?3, crowd_edge = ?4 WHERE head = ?1 AND photo = ?2")?
            .execute(params![head.0, photo.0, mean_similarity, min_similarity])?;
        Ok(())
    }

    /// Stores the features of a photo and of its edited versions, for tuning.
    pub fn add_edited_versions(&mut self, photo: PhotoId, versions: &[EditedVersion]) -> Result<()> {
        let mut statement =
            self.transaction.prepare_cached("INSERT OR REPLACE INTO views (photo, number, edit, data) VALUES (?1, ?2, ?3, ?4)")?;
        for (number, version) in versions.iter().enumerate() {
            statement.execute(params![photo.0, number as i64, version.edit, bytes_of(&version.features.0)])?;
        }
        Ok(())
    }

    pub fn drop_edited_versions(&mut self) -> Result<()> {
        self.transaction.execute("DELETE FROM views", [])?;
        Ok(())
    }

    pub fn count(&mut self, done: &Counters) -> Result<()> {
        let mut statement = self
            .transaction
            .prepare_cached("INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = value + ?2")?;
        for (name, value) in [("read", done.read), ("decoded", done.decoded), ("embedded", done.embedded)] {
            if value > 0 {
                statement.execute(params![name, value as i64])?;
            }
        }
        Ok(())
    }

    /// Returns the value of a stored setting. `None` if it is not set.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        Ok(self.transaction.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0)).optional()?)
    }

    pub fn unset(&mut self, name: &str) -> Result<()> {
        self.transaction.execute("DELETE FROM settings WHERE name = ?1", [name])?;
        Ok(())
    }

    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        self.transaction.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)", [name, value])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::photo::{CropDescriptors, Dimensions, Features, Format, PictureHash, RootId, Stage};

    fn writer() -> Writer {
        let [library, index] = [&schema::LIBRARY, &schema::INDEX].map(|migrations| {
            let mut connection = Connection::open_in_memory().expect("opens");
            migrations.to_latest(&mut connection).expect("migrates");
            connection
        });
        let location = Location::new(Path::new("/nowhere"));
        let (pictures, problems, files) = (Pictures::default(), Problems::default(), location.files());
        Writer { library, index, set_aside: None, pictures, problems, location, files }
    }

    fn place(path: &str) -> Place {
        Place { root: RootId(1), path: path.into() }
    }

    fn stamp(inode: u64, mtime: i64) -> Stamp {
        Stamp { volume: 7, inode, size: 100, mtime, ctime: mtime, birth: Some(inode as i64) }
    }

    impl Writer {
        fn fail(&mut self, path: &str, stamp: Stamp, stage: Stage) -> bool {
            self.batch(|batch| batch.fail(&place(path), &stamp, &Failure::new(stage, "why"))).expect("written")
        }

        fn seen(&mut self, path: &str, stamp: Stamp) -> SeenFile {
            self.batch(|batch| batch.upsert_seen(&place(path), &stamp)).expect("written")
        }

        /// Reads a file as the picture of this number. Returns whether the file was still the one that was read.
        fn read(&mut self, path: &str, stamp: Stamp, picture: u8) -> bool {
            let (content, picture) = (ContentHash([picture; 32]), PictureHash([picture; 32]));
            let identity =
                Identity { content, picture, format: Format::Jpeg, dimensions: Dimensions { width: 3, height: 2 }, quantisation: Some(90) };
            let crops = CropDescriptors::none();
            let stored = StoredFeatures { features: Features(Vec::new()), crops, keypoints: Keypoints::default() };
            self.batch(|batch| {
                let (photo, _) = batch.add_photo(&identity, &Capture::default(), "recipe", &stored)?;
                batch.link(&place(path), &stamp, &content, photo, &Metadata::default())
            })
            .expect("written")
        }

        fn file(&self, path: &str) -> File {
            let sql = "SELECT picture, pending, reason FROM files LEFT JOIN photos ON photos.id = photo
                       LEFT JOIN failures USING (root, path) WHERE path = ?1";
            let row = self.index.query_row(sql, [path.as_bytes()], |row| {
                let picture: Option<[u8; 32]> = row.get(0)?;
                Ok((picture.map(|picture| picture[0]), row.get(1)?, row.get(2)?))
            });
            row.optional().expect("readable")
        }
    }

    /// The picture of a file's photo, whether it is pending, and why it failed. `None` if it is not known.
    type File = Option<(Option<u8>, bool, Option<String>)>;

    const PENDING: File = Some((None, true, None));

    fn holds(picture: u8) -> File {
        Some((Some(picture), false, None))
    }

    fn failed() -> File {
        Some((None, false, Some("why".into())))
    }

    #[test]
    fn a_file_is_pending_until_it_is_read_and_again_when_it_changes() {
        let mut writer = writer();
        assert_eq!(writer.seen("a", stamp(1, 1)), SeenFile { holds_photo: false, held_photo: false });
        assert_eq!(writer.file("a"), PENDING);
        assert!(writer.read("a", stamp(1, 1), 5));
        assert_eq!(writer.file("a"), holds(5));
        assert_eq!(writer.seen("a", stamp(1, 1)), SeenFile { holds_photo: true, held_photo: true });
        assert_eq!(writer.file("a"), holds(5), "the stamp is the same");
        assert_eq!(writer.seen("a", stamp(1, 2)), SeenFile { holds_photo: false, held_photo: true });
        assert_eq!(writer.file("a"), PENDING);
    }

    #[test]
    fn what_was_read_of_an_older_file_does_not_count() {
        let mut writer = writer();
        writer.seen("a", stamp(1, 1));
        writer.seen("a", stamp(1, 2));
        assert!(!writer.read("a", stamp(1, 1), 5));
        assert!(!writer.fail("a", stamp(1, 1), Stage::Decode));
        assert_eq!(writer.file("a"), PENDING);
    }

    #[test]
    fn a_failure_stays_until_the_file_changes_or_is_gone() {
        let mut writer = writer();
        writer.seen("a", stamp(1, 1));
        assert!(writer.fail("a", stamp(1, 1), Stage::Decode));
        writer.seen("a", stamp(1, 1));
        assert_eq!(writer.file("a"), failed());
        writer.seen("a", stamp(1, 2));
        assert_eq!(writer.file("a"), PENDING);
        writer.fail("a", stamp(1, 2), Stage::Decode);
        writer.batch(|batch| batch.forget(&place("a"))).expect("written");
        assert_eq!(writer.file("a"), None);
        writer.seen("a", stamp(1, 2));
        assert_eq!(writer.file("a"), PENDING, "the failure is forgotten, too");
    }

    #[test]
    fn a_moved_file_keeps_its_photo_and_a_link_changes_with_its_file() {
        let mut writer = writer();
        writer.seen("a", stamp(1, 1));
        writer.read("a", stamp(1, 1), 5);
        // A rename and a link change the ctime alone.
        let moved = Stamp { ctime: 9, ..stamp(1, 1) };
        assert_eq!(writer.seen("b", moved), SeenFile { holds_photo: true, held_photo: false });
        assert_eq!(writer.file("b"), holds(5));
        writer.seen("b", stamp(1, 2));
        assert_eq!((writer.file("a"), writer.file("b")), (PENDING, PENDING), "both names hold the new bytes");
        // A file with the inode number of one that was deleted is another file.
        let born_later = Stamp { birth: Some(8), ..stamp(1, 2) };
        writer.read("b", stamp(1, 2), 5);
        writer.seen("e", born_later);
        assert_eq!((writer.file("b"), writer.file("e")), (holds(5), PENDING));
        // Without a birth time only the bytes tell.
        writer.seen("f", Stamp { birth: None, ..stamp(1, 2) });
        assert_eq!(writer.file("f"), PENDING);
        // Where inodes have no numbers, files of the same size and time are different files.
        writer.seen("c", stamp(0, 3));
        writer.read("c", stamp(0, 3), 6);
        writer.seen("d", stamp(0, 3));
        assert_eq!((writer.file("c"), writer.file("d")), (holds(6), PENDING));
    }

    #[test]
    fn a_move_does_not_vouch_for_what_was_written_before_it() {
        let mut writer = writer();
        writer.seen("a", stamp(1, 1));
        writer.read("a", stamp(1, 1), 5);
        let moved = Stamp { ctime: 9, ..stamp(1, 1) };
        let ctime = |writer: &Writer, path: &str| {
            let ctime = writer.index.query_row("SELECT ctime FROM files WHERE path = ?1", [path.as_bytes()], |row| row.get::<_, i64>(0));
            ctime.expect("stored")
        };
        for name in ["b", "c"] {
            writer.seen(name, moved);
            assert_eq!((writer.file(name), ctime(&writer, name)), (holds(5), 1), "it is answered, and not believed");
        }
        // The bytes were compared: all names have them.
        let prove = |writer: &mut Writer, content| writer.batch(|batch| batch.prove(&moved, &ContentHash([content; 32]))).expect("written");
        prove(&mut writer, 6);
        assert_eq!(ctime(&writer, "b"), 1, "other bytes");
        prove(&mut writer, 5);
        assert_eq!(["a", "b", "c"].map(|name| ctime(&writer, name)), [9; 3]);
        // A name that is linked to a file which was read since takes over what was read last.
        writer.seen("d", Stamp { ctime: 12, ..moved });
        assert_eq!((writer.file("d"), ctime(&writer, "d")), (holds(5), 9));
        // The bytes are other ones: they are read with the stamp that the file has now.
        let now = Stamp { ctime: 12, ..moved };
        writer.batch(|batch| batch.read_again(&place("d"), Some(&now))).expect("written");
        assert_eq!((writer.file("d"), writer.file("a")), (PENDING, PENDING));
        assert!(writer.read("d", now, 6) && writer.read("a", now, 6));
    }

    #[test]
    fn a_file_with_a_new_ctime_and_its_other_names_are_read_again() {
        let mut writer = writer();
        for path in ["a", "b"] {
            writer.seen(path, stamp(1, 1));
        }
        writer.read("a", stamp(1, 1), 5);
        writer.read("b", stamp(1, 1), 5);
        let touched = Stamp { ctime: 9, ..stamp(1, 1) };
        assert_eq!(writer.seen("a", touched), SeenFile { holds_photo: false, held_photo: true });
        assert_eq!((writer.file("a"), writer.file("b")), (PENDING, PENDING));
        assert!(!writer.read("a", stamp(1, 1), 5), "it was read before");
        assert!(writer.read("a", touched, 6));
        // The other name has the same inode and ctime: it holds the same bytes.
        writer.seen("b", Stamp { ctime: 9, ..stamp(1, 1) });
        writer.batch(|batch| batch.read_again(&place("a"), None)).expect("written");
        assert_eq!(writer.file("a"), PENDING);
    }

    #[test]
    fn an_older_stamp_is_completed() {
        let mut writer = writer();
        writer.seen("a", Stamp { birth: None, ..stamp(1, 1) });
        writer.read("a", stamp(1, 1), 5);
        assert!(writer.seen("a", stamp(1, 1)).holds_photo);
        let birth: i64 = writer.index.query_row("SELECT birth FROM files", [], |row| row.get(0)).expect("stored");
        assert_eq!(birth, 1);
    }

    #[test]
    fn a_reader_does_not_hold_up_a_checkpoint_for_long() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location).expect("opens");
        let log = |file: PathBuf| std::fs::metadata(format!("{}-wal", file.display())).map_or(0, |m| m.len());
        writer.seen("a", stamp(1, 1));
        let reader = crate::store::Reader::open(&location).expect("opens");
        let held = reader.hold().expect("held");
        reader.counters().expect("read");
        writer.seen("b", stamp(2, 2));
        let began = std::time::Instant::now();
        assert!(!writer.checkpoint().expect("no error"), "the reader still needs the log");
        assert!(began.elapsed() < Duration::from_secs(3));
        assert!(log(location.index()) > 0);
        drop(held);
        assert!(writer.checkpoint().expect("no error"));
        assert_eq!((log(location.index()), log(location.library())), (0, 0));
        assert_eq!(writer.file("b"), PENDING);
    }

    #[test]
    fn an_error_takes_the_whole_batch_back() {
        let mut writer = writer();
        let failed = writer.batch(|batch| {
            batch.upsert_seen(&place("a"), &stamp(1, 1))?;
            batch.link(&place("a"), &stamp(1, 1), &ContentHash([1; 32]), PhotoId(99), &Metadata::default())
        });
        assert!(failed.is_err(), "there is no such photo");
        assert_eq!(writer.file("a"), None);
    }

    #[test]
    fn files_that_could_not_be_read_are_pending_after_a_retry() {
        let mut writer = writer();
        for (path, stage, inode) in [("open", Stage::Open, 1), ("read", Stage::Read, 2), ("decode", Stage::Decode, 3)] {
            writer.seen(path, stamp(inode, 1));
            writer.fail(path, stamp(inode, 1), stage);
        }
        writer.batch(|batch| batch.retry(RootId(1))).expect("written");
        assert_eq!((writer.file("open"), writer.file("read")), (PENDING, PENDING));
        assert_eq!(writer.file("decode"), failed(), "it would fail again");
    }
}
