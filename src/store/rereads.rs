//! Files that are read again, and files that need not be.

use std::os::unix::ffi::OsStrExt;

use rusqlite::params;

use super::columns::{place_of, same_inode};
use super::{Batch, Result};
use crate::photo::{ContentHash, Place, RootId, Stamp};

impl Batch<'_> {
    /// Makes a file and its other hard links pending, also if their stamps are the same. `seen` is the stamp that they have
    /// now, if it may be another one. Returns those places.
    pub fn read_again(&mut self, place: &Place, seen: Option<&Stamp>) -> Result<Vec<Place>> {
        self.drop_hash(place)?;
        let mut write = self.transaction.prepare_cached(
            "UPDATE files SET content = NULL, photo = NULL, pending = 1, replaced = ifnull(replaced, photo), ctime = ifnull(?3, ctime)
             WHERE photo IS NOT NULL AND (root = ?1 AND path = ?2 OR inode <> 0 AND (volume, inode) IN
                 (SELECT volume, inode FROM files WHERE root = ?1 AND path = ?2)) RETURNING root, path",
        )?;
        let ctime = seen.map(|seen| seen.ctime);
        let places = write.query_map(params![place.root.0, place.path.as_os_str().as_bytes(), ctime], place_of)?;
        Ok(places.collect::<rusqlite::Result<_>>()?)
    }

    /// Records that a file with this stamp has these bytes: all names of its inode for which they were read have its ctime.
    pub fn prove(&mut self, stamp: &Stamp, content: &ContentHash) -> Result<()> {
        let [inode, size, mtime, volume, birth] = same_inode(stamp);
        self.transaction
            .prepare_cached(
                "UPDATE files SET ctime = ?6 WHERE inode = ?1 AND inode <> 0 AND size = ?2 AND mtime = ?3 AND volume = ?4
                     AND ifnull(birth = ?5, TRUE) AND content = ?7",
            )?
            .execute(params![inode, size, mtime, volume, birth, stamp.ctime, content.0])?;
        Ok(())
    }

    /// Makes the files of a root pending again that could not be opened or read.
    pub fn retry(&mut self, root: RootId) -> Result<()> {
        let failed = "SELECT path FROM failures WHERE root = ?1 AND stage IN ('open', 'read')";
        let files = format!("UPDATE files SET pending = 1 WHERE root = ?1 AND photo IS NULL AND path IN ({failed})");
        if self.transaction.execute(&files, [root.0])? > 0 {
            let retried = "DELETE FROM failures WHERE root = ?1 AND stage IN ('open', 'read')
                           AND path IN (SELECT path FROM files WHERE root = ?1 AND pending)";
            self.transaction.execute(retried, [root.0])?;
        }
        Ok(())
    }
}
