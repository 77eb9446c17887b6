//! Reading, concurrently with the writer. Each call sees one committed state.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Row, Rows, Transaction, params};

use super::columns::{
    METADATA_COLUMNS, METADATA_READER, PHOTO_COLUMNS, SAME_INODE, STAMP_COLUMNS, edited_version_of, failure_of, file_of, keypoints_of,
    metadata_of, pair_of, path_of, photo_of, pixels_of, place_of, same_inode, stamp,
};
use super::scopes::{Range, Within, ranges};
use super::{EditedVersion, FailureRecord, FileRecord, HeadNumber, Location, PhotoRecord, Result, open};
use crate::photo::{
    ContentHash, Counters, Coverage, Descriptors, Features, FileState, Format, Keypoints, KnownFile, Pair, PhotoId, PictureHash, PixelHash,
    Place, RootId, Stage, Stamp, StoredFeatures,
};

/// Which photos of the scopes to read.
#[derive(Clone, Copy)]
pub enum Wanted<'a> {
    All,
    These(&'a HashSet<PhotoId>),
    /// These photos, and all photos that have several files in the scopes.
    TheseAndSeveral(&'a HashSet<PhotoId>),
}

/// A read-only connection to the index, for one thread at a time.
pub struct Reader {
    pub(super) index: Connection,
    /// The kept pictures. Opened when the first one is read.
    pub(super) pictures: RefCell<Option<Connection>>,
    pub(super) pictures_path: Option<PathBuf>,
}

/// A read transaction, from [`Reader::hold`].
pub struct Held<'a> {
    _transaction: Transaction<'a>,
}

impl Reader {
    /// # Errors
    /// If the index does not exist yet.
    pub fn open(location: &Location) -> Result<Reader> {
        Ok(Reader { index: open::readable(&location.index())?, pictures: RefCell::default(), pictures_path: location.pictures() })
    }

    /// Begins a read transaction. While it is held, all reads see the same commit, and the cost of a transaction is
    /// paid once instead of per statement.
    pub fn hold(&self) -> Result<Held<'_>> {
        Ok(Held { _transaction: self.index.unchecked_transaction()? })
    }

    /// Reads all rows of a table in the scopes.
    pub(super) fn rows<T>(
        &self,
        select: &str,
        table: &str,
        scopes: &[Place],
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.index.prepare_cached(&format!("{select} WHERE {}", Range::condition(table)))?;
        let mut read_rows = Vec::new();
        for range in ranges(scopes) {
            let mut rows = statement.query(range.params())?;
            while let Some(row) = rows.next()? {
                read_rows.push(read(row)?);
            }
        }
        Ok(read_rows)
    }

    /// Reads up to `count` files of a table and the scopes for which a condition holds, in the order of places.
    pub(super) fn some_rows(&self, table: &str, condition: &str, scopes: &[Place], count: usize) -> Result<Vec<(Place, Stamp)>> {
        let mut statement = self.index.prepare_cached(&format!(
            "SELECT root, path, {STAMP_COLUMNS} FROM {table} f WHERE {condition} AND {} ORDER BY root, path LIMIT ?5",
            Range::condition("f")
        ))?;
        let mut found = Vec::new();
        for range in ranges(scopes) {
            if found.len() >= count {
                break;
            }
            let left = (count - found.len()) as i64;
            let rows = statement.query_map(range.params_and(&left), pending)?;
            for row in rows {
                found.push(row?);
            }
        }
        Ok(found)
    }

    /// Returns all files of a scope, with stamp and state.
    pub fn files(&self, scope: &Place) -> Result<HashMap<PathBuf, KnownFile>> {
        let select = format!("SELECT f.path, f.pending, f.photo IS NULL, {STAMP_COLUMNS} FROM files f");
        let files = self.rows(&select, "f", std::slice::from_ref(scope), |row| {
            let state = match (row.get(1)?, row.get(2)?) {
                (true, _) => FileState::Pending,
                (false, true) => FileState::Failed,
                (false, false) => FileState::Indexed,
            };
            Ok((path_of(row.get_ref(0)?.as_blob()?), KnownFile { stamp: stamp(row, 3)?, state }))
        })?;
        Ok(files.into_iter().collect())
    }

    /// Returns up to `count` files of a scope that have been read, with their stamps.
    pub fn some_files(&self, scope: &Place, count: usize) -> Result<Vec<(Place, Stamp)>> {
        self.some_rows("files", "photo IS NOT NULL", std::slice::from_ref(scope), count)
    }

    /// Returns whether a file with this inode, birth, size and time is known under any path, and has been read.
    pub fn is_known(&self, stamp: &Stamp) -> Result<bool> {
        let mut statement = self.index.prepare_cached(&format!("SELECT EXISTS ({SAME_INODE})"))?;
        Ok(statement.query_row(same_inode(stamp), |row| row.get(0))?)
    }

    /// Returns the same for a file that also has this ctime: it was not written to since it was read.
    pub fn is_known_unchanged(&self, stamp: &Stamp) -> Result<bool> {
        let mut statement = self.index.prepare_cached(&format!("SELECT EXISTS ({SAME_INODE} AND ctime = ?6)"))?;
        let [inode, size, mtime, volume, birth] = same_inode(stamp);
        Ok(statement.query_row(params![inode, size, mtime, volume, birth, stamp.ctime], |row| row.get(0))?)
    }

    /// Returns whether a file with these bytes holds a photo.
    pub fn has_content(&self, photo: PhotoId, content: &ContentHash) -> Result<bool> {
        let mut statement = self.index.prepare_cached("SELECT EXISTS (SELECT 1 FROM files WHERE photo = ?1 AND content = ?2)")?;
        Ok(statement.query_row(params![photo.0, content.0], |row| row.get(0))?)
    }

    /// Returns up to 256 other files with the photo of this place. `None` if the place holds no photo.
    pub fn other_files(&self, place: &Place) -> Result<Option<Vec<Place>>> {
        let key = params![place.root.0, place.path.as_os_str().as_bytes()];
        let mut statement = self.index.prepare_cached("SELECT id, photo FROM files WHERE root = ?1 AND path = ?2 AND photo IS NOT NULL")?;
        let Some((id, photo)) = statement.query_row(key, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).optional()? else {
            return Ok(None);
        };
        let mut statement = self.index.prepare_cached("SELECT root, path FROM files WHERE photo = ?1 AND id <> ?2 LIMIT 256")?;
        let rows = statement.query_map([photo, id], place_of)?;
        Ok(Some(rows.collect::<rusqlite::Result<_>>()?))
    }

    /// Returns the other known paths (hard links) of the file at this place.
    pub fn links(&self, place: &Place) -> Result<Vec<Place>> {
        let mut statement = self.index.prepare_cached(
            "SELECT g.root, g.path FROM files f JOIN files g USING (volume, inode) WHERE f.root = ?1 AND f.path = ?2 AND f.inode <> 0 AND g.id <> f.id",
        )?;
        let rows = statement.query_map(params![place.root.0, place.path.as_os_str().as_bytes()], place_of)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns up to `count` files after a place that have the picture of another file in other bytes, and no metadata or only
    /// the length of their trailer: an older version read them.
    pub fn without_metadata_after(&self, after: &Place, count: usize) -> Result<Vec<(Place, Stamp)>> {
        let mut statement = self.index.prepare_cached(&format!(
            "SELECT f.root, f.path, {STAMP_COLUMNS} FROM photos p JOIN files f ON f.photo = p.id
             WHERE p.files > 1 AND (f.root, f.path) > (?1, ?2)
                 AND NOT EXISTS (SELECT 1 FROM metadata m WHERE m.content = f.content AND m.reader = {METADATA_READER}
                         AND (m.trailer_bytes = 0 OR m.trailer IS NOT NULL))
                 AND EXISTS (SELECT 1 FROM files g WHERE g.photo = p.id AND g.content <> f.content)
             ORDER BY f.root, f.path LIMIT ?3"
        ))?;
        let rows = statement.query_map(params![after.root.0, after.path.as_os_str().as_bytes(), count as i64], pending)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the content of a file. `None` if it holds no photo.
    pub fn content_of(&self, place: &Place) -> Result<Option<ContentHash>> {
        let mut statement = self.index.prepare_cached("SELECT content FROM files WHERE root = ?1 AND path = ?2 AND photo IS NOT NULL")?;
        let key = params![place.root.0, place.path.as_os_str().as_bytes()];
        Ok(statement.query_row(key, |row| Ok(ContentHash(row.get(0)?))).optional()?)
    }

    /// Returns the number of files of a scope.
    pub fn count_files(&self, scope: &Place) -> Result<usize> {
        let counts = self.rows("SELECT count(*) FROM files f", "f", std::slice::from_ref(scope), |row| row.get::<_, i64>(0))?;
        Ok(counts.into_iter().sum::<i64>() as usize)
    }

    /// Returns the folders of a scope that could not be listed: failures without a file.
    pub fn unreadable_folders(&self, scope: &Place) -> Result<Vec<PathBuf>> {
        let select = "SELECT x.path, f.id FROM failures x LEFT JOIN files f ON f.root = x.root AND f.path = x.path";
        let folders = self.rows(select, "x", std::slice::from_ref(scope), |row| {
            Ok(row.get::<_, Option<i64>>(1)?.is_none().then_some(path_of(row.get_ref(0)?.as_blob()?)))
        })?;
        Ok(folders.into_iter().flatten().collect())
    }

    pub fn photo_of_picture(&self, picture: &PictureHash) -> Result<Option<PhotoId>> {
        let mut statement = self.index.prepare_cached("SELECT id FROM photos WHERE picture = ?1")?;
        Ok(statement.query_row([picture.0], |row| Ok(PhotoId(row.get(0)?))).optional()?)
    }

    /// Returns the files of a photo if all of them have the same bytes.
    pub fn files_of_one_content(&self, photo: PhotoId) -> Result<Vec<(Place, Stamp)>> {
        let is_one = "SELECT (SELECT min(content) FROM files WHERE photo = ?1) = (SELECT max(content) FROM files WHERE photo = ?1)";
        if self.index.prepare_cached(is_one)?.query_row([photo.0], |row| row.get::<_, Option<bool>>(0))? != Some(true) {
            return Ok(Vec::new());
        }
        let mut statement =
            self.index.prepare_cached(&format!("SELECT f.root, f.path, {STAMP_COLUMNS} FROM files f WHERE f.photo = ?1"))?;
        let rows = statement.query_map([photo.0], |row| Ok((place_of(row)?, stamp(row, 2)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the pixel hash of a picture. `None` if it has none or is not known.
    pub fn pixels_of(&self, picture: &PictureHash) -> Result<Option<PixelHash>> {
        let mut statement = self.index.prepare_cached("SELECT pixels FROM photos WHERE picture = ?1")?;
        Ok(statement.query_row([picture.0], |row| pixels_of(row, 0)).optional()?.flatten())
    }

    /// Returns files of pictures whose pixel hashes are not known, one for each picture.
    pub fn without_pixels(&self, pictures: &[PictureHash]) -> Result<Vec<(Place, Stamp)>> {
        let mut statement = self.index.prepare_cached(&format!(
            "SELECT f.root, f.path, {STAMP_COLUMNS} FROM photos p JOIN files f ON f.photo = p.id
             WHERE p.picture = ?1 AND p.pixels IS NULL LIMIT 1"
        ))?;
        let mut found = Vec::new();
        for picture in pictures {
            found.extend(statement.query_row([picture.0], |row| Ok((place_of(row)?, stamp(row, 2)?))).optional()?);
        }
        Ok(found)
    }

    /// Returns the files of a picture, in the order of places.
    pub fn files_of_picture(&self, picture: &PictureHash) -> Result<Vec<Place>> {
        let mut statement = self.index.prepare_cached(
            "SELECT f.root, f.path FROM photos p JOIN files f ON f.photo = p.id WHERE p.picture = ?1 ORDER BY f.root, f.path",
        )?;
        let rows = statement.query_map([picture.0], place_of)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the number of files of the scopes, by state.
    pub fn coverage(&self, scopes: &[Place]) -> Result<Coverage> {
        let count = |row: &Row<'_>, column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)? as u64);
        let files = self.rows("SELECT count(photo), count(*) FILTER (WHERE pending) FROM files f", "f", scopes, |row| {
            Ok((count(row, 0)?, count(row, 1)?))
        })?;
        let (indexed, pending) = files.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        // An unknown stage is read as well, so that it is reported as damage.
        let known: Vec<String> = Stage::ALL.iter().map(|stage| format!("'{stage}'")).collect();
        let select = format!(
            "SELECT count(*) FILTER (WHERE stage = '{}'), count(*), min(stage) FILTER (WHERE stage NOT IN ({})) FROM failures x",
            Stage::Unsupported,
            known.join(", ")
        );
        let failures = self.rows(&select, "x", scopes, |row| {
            row.get::<_, Option<Stage>>(2)?;
            Ok((count(row, 0)?, count(row, 1)?))
        })?;
        let (unsupported, all) = failures.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let stale = self.count_stale(scopes)?;
        Ok(Coverage { indexed: indexed - stale, pending: pending + stale, unsupported, failed: all - unsupported, ..Coverage::default() })
    }

    /// Returns the number of files of the scopes in each format that this version does not read, or of which it does not read this
    /// kind. The reason of such a file begins with its format.
    pub fn unsupported(&self, scopes: &[Place]) -> Result<BTreeMap<Format, u64>> {
        let count = |format: &Format| format!("count(*) FILTER (WHERE x.stage = '{}' AND x.reason GLOB '{format} *')", Stage::Unsupported);
        let select = format!("SELECT {} FROM failures x", Format::ALL.iter().map(count).collect::<Vec<_>>().join(", "));
        let mut counts = BTreeMap::new();
        let rows = self.rows(&select, "x", scopes, |row| {
            (0..Format::ALL.len()).map(|column| row.get::<_, i64>(column)).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        for (format, count) in rows.iter().flat_map(|row| Format::ALL.iter().zip(row)).filter(|(_, count)| **count > 0) {
            *counts.entry(*format).or_default() += *count as u64;
        }
        Ok(counts)
    }

    /// Returns the number of distinct photos of a root.
    pub fn count_photos(&self, root: RootId) -> Result<u64> {
        let mut statement = self.index.prepare_cached("SELECT count(DISTINCT photo) FROM files WHERE root = ?1")?;
        Ok(statement.query_row([root.0], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Returns whether a file of the scopes is pending, or its photo is stale.
    pub fn is_pending(&self, scopes: &[Place]) -> Result<bool> {
        Ok(!self.pending_in(scopes, 1)?.is_empty() || self.count_stale(scopes)? > 0)
    }

    /// Returns the number of files of the scopes whose photo is stale.
    pub(super) fn count_stale(&self, scopes: &[Place]) -> Result<u64> {
        let is_any = "SELECT EXISTS (SELECT 1 FROM photos WHERE stale)";
        if !self.index.prepare_cached(is_any)?.query_row([], |row| row.get(0))? {
            return Ok(0);
        }
        let select = "SELECT count(*) FROM photos p CROSS JOIN files f ON f.photo = p.id AND p.stale";
        Ok(self.rows(select, "f", scopes, |row| row.get::<_, i64>(0))?.into_iter().sum::<i64>() as u64)
    }

    /// Returns up to `count` pending files of the scopes.
    pub fn pending_in(&self, scopes: &[Place], count: usize) -> Result<Vec<(Place, Stamp)>> {
        // At rest nothing is pending, and nothing has to be looked up.
        let is_any = "SELECT EXISTS (SELECT 1 FROM files WHERE pending)";
        if scopes.is_empty() || !self.index.prepare_cached(is_any)?.query_row([], |row| row.get(0))? {
            return Ok(Vec::new());
        }
        self.some_rows("files", "pending", scopes, count)
    }

    /// Returns up to `count` pending files after a place.
    pub fn pending_after(&self, after: &Place, count: usize) -> Result<Vec<(Place, Stamp)>> {
        let mut statement = self.index.prepare_cached(&format!(
            "SELECT root, path, {STAMP_COLUMNS} FROM files f WHERE pending AND (root, path) > (?1, ?2) ORDER BY root, path LIMIT ?3"
        ))?;
        let rows = statement.query_map(params![after.root.0, after.path.as_os_str().as_bytes(), count as i64], pending)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub fn counters(&self) -> Result<Counters> {
        let mut counters = Counters::default();
        let mut statement = self.index.prepare_cached("SELECT name, value FROM counters")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let value = row.get::<_, i64>(1)? as u64;
            match row.get::<_, String>(0)?.as_str() {
                "read" => counters.read = value,
                "decoded" => counters.decoded = value,
                "embedded" => counters.embedded = value,
                _ => {}
            }
        }
        Ok(counters)
    }

    /// Returns the pairs of a head up to a distance, closest first.
    pub fn pairs(&self, head: HeadNumber, up_to: f32) -> Result<Vec<Pair>> {
        let mut statement =
            self.index.prepare_cached("SELECT a, b, distance FROM pairs WHERE head = ?1 AND distance <= ?2 ORDER BY distance, a, b")?;
        let rows = statement.query_map(params![head.0, f64::from(up_to)], pair_of)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the photos that have files in the scopes, with these files sorted by path.
    pub fn photos(&self, scopes: &[Place], wanted: Wanted<'_>) -> Result<HashMap<PhotoId, PhotoRecord>> {
        let columns = format!("SELECT {PHOTO_COLUMNS}, f.root, f.path, f.content, {STAMP_COLUMNS}, {METADATA_COLUMNS}");
        let metadata = format!("LEFT JOIN metadata m ON m.content = f.content AND m.reader = {METADATA_READER}");
        let mut photos = HashMap::new();
        if let Wanted::All = wanted {
            // The files come first: they are the few.
            let select = format!("{columns} FROM files f CROSS JOIN photos p ON p.id = f.photo {metadata} WHERE {}", Range::condition("f"));
            let mut statement = self.index.prepare_cached(&select)?;
            for range in ranges(scopes) {
                take_photos(&mut photos, statement.query(range.params())?, |_| true)?;
            }
        } else {
            let within = Within::new(scopes);
            let is_within = |place: &Place| within.holds(place);
            let select = format!("{columns} FROM photos p JOIN files f ON f.photo = p.id {metadata} WHERE p.id = ?1");
            let mut statement = self.index.prepare_cached(&select)?;
            let ids = self.ids(wanted)?;
            photos.reserve(ids.len());
            for id in ids {
                take_photos(&mut photos, statement.query([id.0])?, is_within)?;
            }
        }
        self.add_sidecars(&mut photos)?;
        photos.retain(|id, photo: &mut PhotoRecord| {
            photo.files.sort_unstable_by(|a, b| a.place.cmp(&b.place));
            photo.fill_in_capture();
            match wanted {
                Wanted::All | Wanted::These(_) => true,
                Wanted::TheseAndSeveral(these) => photo.files.len() > 1 || these.contains(id),
            }
        });
        Ok(photos)
    }

    /// Returns the ids of the photos that may be wanted, in ascending order, which is their order in the file.
    fn ids(&self, wanted: Wanted<'_>) -> Result<Vec<PhotoId>> {
        let (Wanted::These(these) | Wanted::TheseAndSeveral(these)) = wanted else { return Ok(Vec::new()) };
        let mut ids: Vec<PhotoId> = these.iter().copied().collect();
        if let Wanted::TheseAndSeveral(_) = wanted {
            let mut statement = self.index.prepare_cached("SELECT id FROM photos WHERE files > 1")?;
            let several = statement.query_map([], |row| Ok(PhotoId(row.get(0)?)))?;
            ids.extend(several.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Returns the failures of the scopes, sorted by path.
    pub fn failures(&self, scopes: &[Place]) -> Result<Vec<FailureRecord>> {
        // In the order of the primary key, as the ranges are.
        self.rows("SELECT x.root, x.path, x.stage, x.reason FROM failures x", "x", scopes, |row| {
            Ok(FailureRecord { place: place_of(row)?, failure: failure_of(row, 2)? })
        })
    }

    /// Returns the number and fingerprint of the head in use.
    pub fn head(&self) -> Result<Option<(HeadNumber, String)>> {
        let mut statement = self.index.prepare(
            "SELECT number, fingerprint FROM heads WHERE number = (SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'head')",
        )?;
        Ok(statement.query_row([], |row| Ok((HeadNumber(row.get(0)?), row.get(1)?))).optional()?)
    }

    /// Passes to `take` the descriptors of every photo under a head, and its density if it is known, in ascending
    /// order of photo ids.
    pub fn each_descriptors(&self, head: HeadNumber, mut take: impl FnMut(PhotoId, Descriptors, Option<(f32, f32)>)) -> Result<()> {
        let mut statement = self.index.prepare(
            "SELECT e.photo, e.data, e.crowd_level, e.crowd_edge, f.parts FROM embeddings e JOIN features f ON f.photo = e.photo
             WHERE e.head = ?1 ORDER BY e.photo",
        )?;
        let mut rows = statement.query([head.0])?;
        while let Some(row) = rows.next()? {
            let density = row.get::<_, Option<f32>>(2)?.zip(row.get(3)?);
            take(PhotoId(row.get(0)?), Descriptors { embedding: row.get(1)?, crops: row.get(4)? }, density);
        }
        Ok(())
    }

    /// Returns what in the index contradicts itself, with the number of photos that a head has embeddings of. `None` if
    /// nothing was found.
    pub fn contradiction(&self, embedded: usize) -> Result<Option<String>> {
        let photos = self.index.query_row("SELECT count(*) FROM photos WHERE NOT stale", [], |row| row.get::<_, i64>(0))?;
        if photos != embedded as i64 {
            return Ok(Some(format!("{photos} photos, and embeddings of {embedded}")));
        }
        let dangling =
            "SELECT EXISTS (SELECT 1 FROM files f WHERE f.photo IS NOT NULL AND NOT EXISTS (SELECT 1 FROM photos WHERE id = f.photo))";
        let dangles: bool = self.index.query_row(dangling, [], |row| row.get(0))?;
        Ok(dangles.then(|| "a file with a photo that is not there".to_owned()))
    }

    /// Returns the stored features of up to `count` photos with ids greater than `after`, in ascending order.
    pub fn stored_features_after(&self, after: PhotoId, count: usize) -> Result<Vec<(PhotoId, StoredFeatures)>> {
        let mut statement =
            self.index.prepare_cached("SELECT f.photo, f.data, f.parts, k.data FROM features f JOIN keypoints k ON k.photo = f.photo WHERE f.photo > ?1 ORDER BY f.photo LIMIT ?2")?;
        let rows = statement.query_map(params![after.0, count as i64], |row| {
            Ok((PhotoId(row.get(0)?), StoredFeatures { features: row.get(1)?, crops: row.get(2)?, keypoints: row.get(3)? }))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the keypoints of the photos. Photos without stored keypoints are left out.
    pub fn keypoints_of(&self, photos: &BTreeSet<PhotoId>) -> Result<HashMap<PhotoId, Keypoints>> {
        keypoints_of(&self.index, photos)
    }

    /// Returns the features of the photos, in the given order. Photos without stored features are left out.
    pub fn features_of(&self, photos: &[PhotoId]) -> Result<Vec<(PhotoId, Features)>> {
        let mut statement = self.index.prepare_cached("SELECT data FROM features WHERE photo = ?1")?;
        let mut out = Vec::with_capacity(photos.len());
        for &photo in photos {
            let features = statement.query_row([photo.0], |row| row.get(0)).optional()?;
            out.extend(features.map(|features| (photo, features)));
        }
        Ok(out)
    }

    /// Returns the edited versions stored for tuning, by photo. The features of the photo itself come first.
    pub fn edited_versions(&self) -> Result<HashMap<PhotoId, Vec<EditedVersion>>> {
        let mut versions: HashMap<PhotoId, Vec<EditedVersion>> = HashMap::new();
        let mut statement = self.index.prepare("SELECT photo, edit, data FROM views ORDER BY photo, number")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            versions.entry(PhotoId(row.get(0)?)).or_default().push(edited_version_of(row, 1)?);
        }
        Ok(versions)
    }

    /// Returns the value of a stored setting. `None` if it is not set.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        let mut statement = self.index.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }
}

/// Adds the file of each row to its photo.
fn take_photos(photos: &mut HashMap<PhotoId, PhotoRecord>, mut rows: Rows<'_>, is_wanted: impl Fn(&Place) -> bool) -> Result<()> {
    while let Some(row) = rows.next()? {
        let file = FileRecord { metadata: metadata_of(row, 22)?, ..file_of(row, 13)? };
        if !is_wanted(&file.place) {
            continue;
        }
        match photos.entry(PhotoId(row.get(0)?)) {
            Entry::Occupied(photo) => photo.into_mut().files.push(file),
            Entry::Vacant(vacant) => {
                vacant.insert(PhotoRecord { files: vec![file], ..photo_of(row)? });
            }
        }
    }
    Ok(())
}

fn pending(row: &Row<'_>) -> rusqlite::Result<(Place, Stamp)> {
    Ok((place_of(row)?, stamp(row, 2)?))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::photo::{Capture, CropDescriptors, Dimensions, Failure, Identity, Metadata};
    use crate::store::Writer;

    const PATHS: u64 = 100_000;

    fn place(number: u64) -> Place {
        Place { root: RootId(1), path: format!("folder/{number}.jpg").into() }
    }

    #[test]
    fn a_content_of_a_photo_with_very_many_files_is_looked_up_in_the_index() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        drop(Writer::open(&location).expect("opens"));
        let reader = Reader::open(&location).expect("opens");
        for (of, steps) in [("photo = 1 AND content = x'00'", "photo=? AND content=?"), ("photo = 1", "photo=?")] {
            let plan = format!("EXPLAIN QUERY PLAN SELECT min(content) FROM files WHERE {of}");
            let detail: String = reader.index.query_row(&plan, [], |row| row.get("detail")).expect("planned");
            assert_eq!(detail, format!("SEARCH files USING COVERING INDEX files_by_photo ({steps})"));
        }
    }

    #[test]
    fn a_question_about_very_many_paths_is_answered() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location).expect("opens");
        let stamp = |number| Stamp { volume: 1, inode: number + 1, size: 1, mtime: 1, ctime: 1, birth: None };
        let (content, picture) = (ContentHash([1; 32]), PictureHash([1; 32]));
        let identity =
            Identity { content, picture, format: Format::Jpeg, dimensions: Dimensions { width: 1, height: 1 }, quantisation: None };
        let stored = StoredFeatures { features: Features(Vec::new()), crops: CropDescriptors::none(), keypoints: Keypoints::default() };
        let filled = writer.batch(|batch| {
            let (photo, _) = batch.add_photo(&identity, &Capture::default(), "recipe", &stored)?;
            for number in 0..1000 {
                batch.upsert_seen(&place(number), &stamp(number))?;
                match number {
                    0 => {}
                    1 => drop(batch.fail(&place(1), &stamp(1), &Failure::new(Stage::Decode, "why"))?),
                    _ => drop(batch.link(&place(number), &stamp(number), &content, photo, &Metadata::default())?),
                }
            }
            Ok(photo)
        });
        let photo = filled.expect("filled");
        let reader = Reader::open(&location).expect("opens");
        // Every second one, and some twice.
        let scopes: Vec<Place> = (0..PATHS).map(|number| place(2 * (number % (PATHS - 10)))).collect();
        let began = Instant::now();
        let coverage = reader.coverage(&scopes).expect("counted");
        assert_eq!((coverage.indexed, coverage.pending, coverage.failed), (499, 1, 0));
        assert_eq!(reader.coverage(&[place(1), place(2)]).expect("counted").failed, 1);
        let whole = [Place { root: RootId(1), path: "folder".into() }, place(7)];
        assert_eq!(
            reader.coverage(&whole).expect("counted"),
            Coverage { indexed: 998, pending: 1, unsupported: 0, failed: 1, ..Coverage::default() }
        );
        for wanted in [Wanted::All, Wanted::TheseAndSeveral(&HashSet::new())] {
            let photos = reader.photos(&scopes, wanted).expect("read");
            assert_eq!((photos.len(), photos[&photo].files.len()), (1, 499));
        }
        assert!(reader.is_pending(&scopes).expect("looked") && !reader.is_pending(&scopes[1..9]).expect("looked"));
        assert_eq!(reader.pending_in(&scopes, 5).expect("read"), [(place(0), stamp(0))]);
        assert_eq!(reader.failures(&whole).expect("read").len(), 1);
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    }
}
