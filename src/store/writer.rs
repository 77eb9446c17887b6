//! The one writer.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use half::f16;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Location, Result, open, schema};
use crate::photo::{Capture, ContentHash, Counters, Embedding, Failure, Features, Identity, Pair, PhotoId, Place, Root, RootId, Stamp};

/// Owns both files for writing; there is one in the whole system, held by whoever holds the lock
/// of the data directory.
pub struct Writer {
    library: Connection,
    index: Connection,
}

impl Writer {
    /// Opens both files, making them when they are not there.
    ///
    /// # Errors
    /// When a file cannot be used, is another program's, or was made by a newer version.
    pub fn open(location: &Location) -> Result<Writer> {
        let library = open::writable(&location.library(), schema::LIBRARY_ID, &schema::LIBRARY)?;
        let index = open::writable(&location.index(), schema::INDEX_ID, &schema::INDEX)?;
        let mut writer = Writer { library, index };
        writer.absorb()?;
        Ok(writer)
    }

    pub fn roots(&self) -> Result<Vec<Root>> {
        let mut statement = self.library.prepare("SELECT id, path, volume, inner FROM roots ORDER BY path")?;
        let rows = statement.query_map([], |row| {
            let inner = row.get::<_, Option<Vec<u8>>>(3)?.map(|inner| path_of(&inner));
            Ok(Root {
                id: RootId(row.get(0)?),
                path: path_of(&row.get::<_, Vec<u8>>(1)?),
                home: row.get::<_, Option<String>>(2)?.zip(inner),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Adds a root, or finds it. Roots below it become part of it, with all that is known of them.
    pub fn add_root(&mut self, path: &Path) -> Result<RootId> {
        let bytes = path.as_os_str().as_bytes();
        self.library.execute("INSERT INTO roots (path) VALUES (?1) ON CONFLICT DO NOTHING", [bytes])?;
        let id = RootId(self.library.query_row("SELECT id FROM roots WHERE path = ?1", [bytes], |row| row.get(0))?);
        self.absorb()?;
        Ok(id)
    }

    /// Makes roots that lie in another, and not in something hidden there, part of it. Moving rows
    /// and forgetting the root are in two files: this is also what mends a crash between them.
    fn absorb(&mut self) -> Result<()> {
        let roots = self.roots()?;
        for inner in &roots {
            let below =
                |outer: &Root| inner.path.strip_prefix(&outer.path).ok().filter(|below| !below.as_os_str().is_empty()).map(Path::to_owned);
            let is_hidden = |below: &Path| below.iter().any(|part| part.as_bytes().starts_with(b"."));
            let Some((outer, below)) = roots.iter().find_map(|outer| Some((outer, below(outer)?))).filter(|(_, below)| !is_hidden(below))
            else {
                continue;
            };
            let prefix = [below.as_os_str().as_bytes(), b"/"].concat();
            let batch = self.index.transaction()?;
            for table in ["files", "failures"] {
                batch.execute(
                    &format!("UPDATE OR REPLACE {table} SET root = ?1, path = CAST(?2 || path AS BLOB) WHERE root = ?3"),
                    params![outer.id.0, prefix, inner.id.0],
                )?;
            }
            batch.commit()?;
            self.library.execute("DELETE FROM roots WHERE id = ?1", [inner.id.0])?;
        }
        Ok(())
    }

    /// Records where a root is now, and the filesystem and the path inside it by which it is known
    /// at another mount point.
    pub fn place_root(&mut self, root: &Root) -> Result<()> {
        let (volume, inner) = root.home.as_ref().map(|(v, i)| (v.as_str(), i.as_os_str().as_bytes())).unzip();
        self.library.execute(
            "UPDATE OR IGNORE roots SET path = ?2, volume = ?3, inner = ?4 WHERE id = ?1",
            params![root.id.0, root.path.as_os_str().as_bytes(), volume, inner],
        )?;
        Ok(())
    }

    /// Forgets a root and its files. Photos stay, so that adding it again costs no decode.
    pub fn remove_root(&mut self, root: RootId) -> Result<()> {
        let batch = self.index.transaction()?;
        batch.execute("DELETE FROM files WHERE root = ?1", [root.0])?;
        batch.execute("DELETE FROM failures WHERE root = ?1", [root.0])?;
        batch.commit()?;
        self.library.execute("DELETE FROM roots WHERE id = ?1", [root.0])?;
        Ok(())
    }

    /// Runs `work` in one transaction: all of it is kept, or, on an error, none.
    pub fn batch<T>(&mut self, work: impl FnOnce(&mut Batch<'_>) -> Result<T>) -> Result<T> {
        let mut batch = Batch { transaction: self.index.transaction()? };
        let done = work(&mut batch)?;
        batch.transaction.commit()?;
        Ok(done)
    }
}

/// Writes that succeed or fail together.
pub struct Batch<'a> {
    transaction: Transaction<'a>,
}

impl Batch<'_> {
    /// Records a file that was seen. With a new stamp it becomes pending and its failure, if any,
    /// is forgotten; unless it is a known file's inode, moved or linked here: then it holds the
    /// same photo. So what was seen must be recorded before what is gone.
    pub fn see(&mut self, place: &Place, stamp: &Stamp) -> Result<()> {
        let changed = self
            .transaction
            .prepare_cached(
                "INSERT INTO files (root, path, volume, inode, size, mtime, ctime) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (root, path) DO UPDATE SET
                     volume = ?3, inode = ?4, size = ?5, mtime = ?6, ctime = ?7, content = NULL, photo = NULL, pending = 1
                 WHERE (volume, inode, size, mtime, ctime) IS NOT (?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                place.root.0,
                place.path.as_os_str().as_bytes(),
                stamp.volume as i64,
                stamp.inode as i64,
                stamp.size as i64,
                stamp.mtime,
                stamp.ctime
            ])?;
        if changed > 0 {
            self.forgive(place)?;
            self.transaction
                .prepare_cached(
                    "UPDATE files SET (content, photo, pending) = (known.content, known.photo, 0)
                     FROM (SELECT content, photo FROM files
                           WHERE inode = ?4 AND inode <> 0 AND size = ?5 AND mtime = ?6 AND volume = ?3 AND photo IS NOT NULL LIMIT 1) known
                     WHERE root = ?1 AND path = ?2",
                )?
                .execute(params![
                    place.root.0,
                    place.path.as_os_str().as_bytes(),
                    stamp.volume as i64,
                    stamp.inode as i64,
                    stamp.size as i64,
                    stamp.mtime
                ])?;
            self.see_links(stamp)?;
        }
        Ok(())
    }

    /// Other names of a file that was written to raise no event: they hold the new bytes all the same.
    fn see_links(&mut self, stamp: &Stamp) -> Result<()> {
        let mut write = self.transaction.prepare_cached(
            "UPDATE files SET size = ?3, mtime = ?4, ctime = ?5, content = NULL, photo = NULL, pending = 1
             WHERE volume = ?1 AND inode = ?2 AND inode <> 0 AND (size, mtime) IS NOT (?3, ?4) RETURNING root, path",
        )?;
        let links = write
            .query_map(params![stamp.volume as i64, stamp.inode as i64, stamp.size as i64, stamp.mtime, stamp.ctime], |row| {
                Ok(Place { root: RootId(row.get(0)?), path: path_of(&row.get::<_, Vec<u8>>(1)?) })
            })?;
        let links = links.collect::<rusqlite::Result<Vec<_>>>()?;
        drop(write);
        links.iter().try_for_each(|place| self.forgive(place))
    }

    /// Adds a photo with its features, or finds the one of the same picture.
    pub fn add_photo(
        &mut self,
        identity: &Identity,
        capture: &Capture,
        backbone: &str,
        features: &Features,
        embedding: &Embedding,
    ) -> Result<(PhotoId, IsNew)> {
        if let Some(known) = self.photo(identity)? {
            return Ok((known, IsNew::No));
        }
        self.transaction
            .prepare_cached(
                "INSERT INTO photos (picture, format, width, height, taken, utc_offset, make, model, serial, orientation)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
                capture.orientation
            ])?;
        let id = PhotoId(self.transaction.last_insert_rowid());
        self.transaction
            .prepare_cached("INSERT INTO features (photo, backbone, data, embedding) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id.0, backbone, bytes_of(&features.0), bytes_of(&embedding.0)])?;
        Ok((id, IsNew::Yes))
    }

    fn photo(&self, identity: &Identity) -> Result<Option<PhotoId>> {
        let mut statement = self.transaction.prepare_cached("SELECT id FROM photos WHERE picture = ?1")?;
        Ok(statement.query_row([identity.picture.0], |row| Ok(PhotoId(row.get(0)?))).optional()?)
    }

    /// Says that a file holds a photo, if its stamp is still the one that was read.
    pub fn link(&mut self, place: &Place, stamp: &Stamp, content: &ContentHash, photo: PhotoId) -> Result<()> {
        let linked = self
            .transaction
            .prepare_cached("UPDATE files SET content = ?1, photo = ?2, pending = 0 WHERE root = ?3 AND path = ?4 AND inode = ?5 AND size = ?6 AND mtime = ?7")?
            .execute(params![content.0, photo.0, place.root.0, place.path.as_os_str().as_bytes(), stamp.inode as i64, stamp.size as i64, stamp.mtime])?;
        if linked > 0 {
            self.forgive(place)?;
        }
        Ok(())
    }

    /// Records why a file could not be read, if its stamp is still the one that was read.
    pub fn fail(&mut self, place: &Place, stamp: &Stamp, failure: &Failure) -> Result<()> {
        let failed = self
            .transaction
            .prepare_cached(
                "UPDATE files SET content = NULL, photo = NULL, pending = 0
                 WHERE root = ?1 AND path = ?2 AND inode = ?3 AND size = ?4 AND mtime = ?5",
            )?
            .execute(params![place.root.0, place.path.as_os_str().as_bytes(), stamp.inode as i64, stamp.size as i64, stamp.mtime])?;
        if failed > 0 { self.fail_folder(place, failure) } else { Ok(()) }
    }

    /// Records why a folder could not be listed.
    pub fn fail_folder(&mut self, place: &Place, failure: &Failure) -> Result<()> {
        let path = place.path.as_os_str().as_bytes();
        self.transaction
            .prepare_cached("INSERT OR REPLACE INTO failures (root, path, stage, reason) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![place.root.0, path, failure.stage.name(), failure.reason])?;
        Ok(())
    }

    /// Forgets a failure.
    pub fn forgive(&mut self, place: &Place) -> Result<()> {
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
        self.forgive(place)
    }

    pub fn add_pairs(&mut self, pairs: &[Pair]) -> Result<()> {
        let mut statement = self.transaction.prepare_cached("INSERT OR REPLACE INTO pairs (a, b, distance) VALUES (?1, ?2, ?3)")?;
        for pair in pairs {
            statement.execute(params![pair.a.0, pair.b.0, pair.distance])?;
        }
        Ok(())
    }

    /// Records the level and edge of the crowd around a photo.
    pub fn set_crowd(&mut self, photo: PhotoId, level: f32, edge: f32) -> Result<()> {
        self.transaction
            .prepare_cached("UPDATE features SET crowd_level = ?2, crowd_edge = ?3 WHERE photo = ?1")?
            .execute(params![photo.0, level, edge])?;
        Ok(())
    }

    /// Replaces every embedding by what `embed` makes of the features, and drops all pairs and crowds.
    pub fn embed_again(&mut self, embed: impl Fn(&Features) -> Embedding) -> Result<()> {
        self.transaction.execute("DELETE FROM pairs", [])?;
        let mut read = self.transaction.prepare("SELECT photo, data FROM features")?;
        let mut write =
            self.transaction.prepare("UPDATE features SET embedding = ?2, crowd_level = NULL, crowd_edge = NULL WHERE photo = ?1")?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let features = Features(halves_of(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?));
            write.execute(params![row.get::<_, i64>(0)?, bytes_of(&embed(&features).0)])?;
        }
        Ok(())
    }

    /// Drops features that another backbone made, with everything made of them; their files
    /// become pending.
    pub fn keep_backbone(&mut self, backbone: &str) -> Result<usize> {
        let stale = "SELECT photo FROM features WHERE backbone IS NOT ?1";
        self.transaction
            .execute(&format!("UPDATE files SET photo = NULL, content = NULL, pending = 1 WHERE photo IN ({stale})"), [backbone])?;
        self.transaction.execute(&format!("DELETE FROM pairs WHERE a IN ({stale}) OR b IN ({stale})"), [backbone])?;
        let dropped = self.transaction.execute("DELETE FROM features WHERE backbone IS NOT ?1", [backbone])?;
        self.transaction.execute("DELETE FROM photos WHERE id NOT IN (SELECT photo FROM features)", [])?;
        Ok(dropped)
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

    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        Ok(self.transaction.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0)).optional()?)
    }

    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        self.transaction.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)", [name, value])?;
        Ok(())
    }
}

/// Whether a photo was not in the index before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IsNew {
    Yes,
    No,
}

fn bytes_of(values: &[f16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

pub(super) fn halves_of(bytes: &[u8]) -> Vec<f16> {
    bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]])).collect()
}

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}
