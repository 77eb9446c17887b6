//! Files that are not decoded: the table `others`, and the files that could not be read as photos. Their hashes are made on
//! demand and hold for one stamp.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rusqlite::{OptionalExtension, params};

use super::columns::{OTHER_COLUMNS, STAMP_COLUMNS, other_of, place_of, stamp as stamp_of};
use super::{Batch, Reader, Result};
use crate::photo::{ContentHash, OtherFile, OtherKind, Place, Stamp, is_packet};

impl Batch<'_> {
    /// Records that a file exists which is not decoded. Its hash stays if its stamp shows that it is unchanged, unless a writer
    /// closed it: the last writes through a mapping change no time. A sidecar that is no longer what was read is read again.
    pub fn upsert_other(&mut self, place: &Place, kind: OtherKind, stamp: &Stamp, was_closed: bool) -> Result<()> {
        let key = params![place.root.0, place.path.as_os_str().as_bytes()];
        let select = format!("SELECT {STAMP_COLUMNS} FROM others f WHERE root = ?1 AND path = ?2");
        let before = self.transaction.prepare_cached(&select)?.query_row(key, |row| stamp_of(row, 0)).optional()?;
        let is_unchanged = before.is_some_and(|before| before.is_unchanged(stamp) || before.is_renumbered(stamp));
        self.transaction
            .prepare_cached(
                "INSERT INTO others (root, path, kind, volume, inode, size, mtime, ctime, birth, unread)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?11)
                 ON CONFLICT (root, path) DO UPDATE SET kind = ?3, volume = ?4, inode = ?5, size = ?6, mtime = ?7, ctime = ?8, birth = ?9,
                     content = iif(?10, content, NULL), unread = iif(?10, unread, ?11)",
            )?
            .execute(params![
                place.root.0,
                place.path.as_os_str().as_bytes(),
                kind.name(),
                stamp.volume as i64,
                stamp.inode as i64,
                stamp.size as i64,
                stamp.mtime,
                stamp.ctime,
                stamp.birth,
                is_unchanged && !was_closed,
                is_packet(&place.path)
            ])?;
        Ok(())
    }

    /// Forgets a file that is gone and was not decoded.
    pub fn forget_other(&mut self, place: &Place) -> Result<()> {
        self.transaction
            .prepare_cached("DELETE FROM others WHERE root = ?1 AND path = ?2")?
            .execute(params![place.root.0, place.path.as_os_str().as_bytes()])?;
        Ok(())
    }

    /// Stores the hash of all bytes of a file that is not decoded, if its stamp is still the one that was read. Returns whether
    /// it is.
    pub fn hash_undecoded(&mut self, place: &Place, stamp: &Stamp, content: &ContentHash) -> Result<bool> {
        let mut hashed = 0;
        for (table, condition) in [("others", "TRUE"), ("files", "photo IS NULL AND NOT pending")] {
            hashed += self
                .transaction
                .prepare_cached(&format!(
                    "UPDATE {table} SET content = ?7 WHERE root = ?1 AND path = ?2 AND inode = ?3 AND size = ?4 AND mtime = ?5
                         AND (inode = 0 OR ctime = ?6) AND {condition}"
                ))?
                .execute(params![
                    place.root.0,
                    place.path.as_os_str().as_bytes(),
                    stamp.inode as i64,
                    stamp.size as i64,
                    stamp.mtime,
                    stamp.ctime,
                    content.0
                ])?;
        }
        Ok(hashed > 0)
    }

    /// Drops the hash of a file that is not decoded: it may have been written to without a new stamp.
    pub(super) fn drop_hash(&mut self, place: &Place) -> Result<()> {
        for (table, condition) in [("others", "TRUE"), ("files", "photo IS NULL")] {
            self.transaction
                .prepare_cached(&format!(
                    "UPDATE {table} SET content = NULL WHERE root = ?1 AND path = ?2 AND content IS NOT NULL AND {condition}"
                ))?
                .execute(params![place.root.0, place.path.as_os_str().as_bytes()])?;
        }
        Ok(())
    }
}

impl Reader {
    /// Returns the files of a scope that are not decoded, by their paths below the root.
    pub fn others(&self, scope: &Place) -> Result<HashMap<PathBuf, OtherFile>> {
        let select = format!("SELECT {OTHER_COLUMNS} FROM others f");
        let others = self.rows(&select, "f", std::slice::from_ref(scope), other_of)?;
        Ok(others.into_iter().map(|other| (other.place.path.clone(), other)).collect())
    }

    /// Returns the number of files of a scope that are not decoded.
    pub fn count_others(&self, scope: &Place) -> Result<usize> {
        let counts = self.rows("SELECT count(*) FROM others f", "f", std::slice::from_ref(scope), |row| row.get::<_, i64>(0))?;
        Ok(counts.into_iter().sum::<i64>() as usize)
    }

    /// Returns all files of a size that are known by their stamp only: those that are not decoded, and those that could not
    /// be read as photos.
    pub fn undecoded_of_size(&self, size: u64) -> Result<Vec<OtherFile>> {
        let mut statement =
            self.index.prepare_cached(&format!("SELECT {OTHER_COLUMNS} FROM others f WHERE size = ?1 ORDER BY root, path"))?;
        let mut found = statement.query_map([size as i64], other_of)?.collect::<rusqlite::Result<Vec<OtherFile>>>()?;
        let mut statement = self.index.prepare_cached(&format!(
            "SELECT root, path, content, {STAMP_COLUMNS} FROM files f
             WHERE size = ?1 AND photo IS NULL AND NOT pending ORDER BY root, path"
        ))?;
        let unread = statement.query_map([size as i64], |row| {
            let content = row.get::<_, Option<[u8; 32]>>(2)?.map(ContentHash);
            Ok(OtherFile { place: place_of(row)?, kind: OtherKind::Picture, stamp: stamp_of(row, 3)?, content })
        })?;
        found.extend(unread.collect::<rusqlite::Result<Vec<OtherFile>>>()?);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::{Failure, RootId, Stage};
    use crate::store::{Location, Writer};

    fn place(path: &str) -> Place {
        Place { root: RootId(1), path: path.into() }
    }

    fn stamp(time: i64) -> Stamp {
        Stamp { volume: 7, inode: 3, size: 100, mtime: time, ctime: time, birth: Some(1) }
    }

    #[test]
    fn a_hash_holds_for_the_stamp_with_which_it_was_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location).expect("opens");
        let reader = Reader::open(&location).expect("opens");
        let hash = ContentHash([5; 32]);
        let hashes = || reader.undecoded_of_size(100).expect("read").into_iter().map(|file| file.content).collect::<Vec<_>>();
        let mut see = |time, was_closed| {
            writer.batch(|batch| batch.upsert_other(&place("a.mov"), OtherKind::Film, &stamp(time), was_closed)).expect("written");
        };
        see(1, false);
        assert_eq!(hashes(), [None]);
        let mut other = Writer::open(&location).expect("opens");
        let mut keep = |time| other.batch(|batch| batch.hash_undecoded(&place("a.mov"), &stamp(time), &hash)).expect("written");
        assert!(!keep(2) && keep(1));
        for (time, was_closed, expected) in [(1, false, Some(hash)), (1, true, None), (2, false, None)] {
            keep(1);
            see(time, was_closed);
            assert_eq!(hashes(), [expected], "{time} {was_closed}");
        }
        let mut other = Writer::open(&location).expect("opens");
        other.batch(|batch| batch.forget_other(&place("a.mov"))).expect("written");
        assert!(hashes().is_empty());
    }

    #[test]
    fn a_file_that_could_not_be_read_is_hashed_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location).expect("opens");
        let reader = Reader::open(&location).expect("opens");
        let (file, hash) = (place("a.jp2"), ContentHash([5; 32]));
        writer.batch(|batch| batch.upsert_seen(&file, &stamp(1))).expect("written");
        assert!(reader.undecoded_of_size(100).expect("read").is_empty(), "it is pending");
        writer.batch(|batch| batch.fail(&file, &stamp(1), &Failure::new(Stage::Unsupported, "why"))).expect("written");
        assert!(writer.batch(|batch| batch.hash_undecoded(&file, &stamp(1), &hash)).expect("written"));
        assert_eq!(reader.undecoded_of_size(100).expect("read")[0].content, Some(hash));
        writer.batch(|batch| batch.read_again(&file, None)).expect("written");
        assert_eq!(reader.undecoded_of_size(100).expect("read")[0].content, None, "it may have been written to");
        writer.batch(|batch| batch.upsert_seen(&file, &stamp(2))).expect("written");
        assert!(reader.undecoded_of_size(100).expect("read").is_empty());
        assert_eq!(reader.content_of(&file).expect("read"), None);
    }
}
