//! Files with a picture, or with a size: for the question whether a file that is not in the index is known.

use std::collections::HashSet;

use super::columns::{STAMP_COLUMNS, file_of, place_of, stamp as stamp_of};
use super::{FileRecord, Reader, Result};
use crate::photo::{PictureHash, Place, Stamp};

impl Reader {
    /// Returns the files of a picture as they were when they were read, without their metadata, in the order of places.
    pub fn files_with_picture(&self, picture: &PictureHash) -> Result<Vec<FileRecord>> {
        let mut statement = self.index.prepare_cached(&format!(
            "SELECT f.root, f.path, f.content, {STAMP_COLUMNS} FROM photos p JOIN files f ON f.photo = p.id
             WHERE p.picture = ?1 ORDER BY f.root, f.path"
        ))?;
        let rows = statement.query_map([picture.0], |row| file_of(row, 0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns all files that have one of the sizes, decoded or not. It goes through the whole table, once for all sizes.
    pub fn files_of_sizes(&self, sizes: &HashSet<u64>) -> Result<Vec<(Place, Stamp)>> {
        let mut found = Vec::new();
        for table in ["files", "others"] {
            let mut statement = self.index.prepare_cached(&format!("SELECT root, path, {STAMP_COLUMNS} FROM {table} f"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if sizes.contains(&(row.get::<_, i64>(4)? as u64)) {
                    found.push((place_of(row)?, stamp_of(row, 2)?));
                }
            }
        }
        Ok(found)
    }
}
