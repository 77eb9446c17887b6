//! What becomes of photos when the recipe changes by which their features are made.

use rusqlite::params;

use super::{Batch, Result};
use crate::photo::{PhotoId, StoredFeatures};

/// What became of photos whose features cannot be compared with those of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dropped {
    /// Photos whose features are made again from their kept pictures.
    pub stale: usize,
    /// Photos whose files are read again.
    pub unread: usize,
}

impl Batch<'_> {
    /// Removes features of recipes that cannot be compared with these (column `backbone`), and all data made from them. A
    /// photo with a kept picture becomes stale: its features are made again from that. The files of the others become
    /// pending. Returns the numbers of both.
    pub fn keep_recipes(&mut self, recipes: &[String]) -> Result<Dropped> {
        let recipes = serde_json::to_string(recipes).expect("texts");
        let old = "SELECT photo FROM features WHERE backbone NOT IN (SELECT value FROM json_each(?1))";
        let stale = self
            .transaction
            .execute(&format!("UPDATE photos SET stale = TRUE WHERE decoding IS NOT NULL AND id IN ({old})"), [&recipes])?;
        self.transaction.execute(
            &format!(
                "UPDATE files SET photo = NULL, content = NULL, pending = 1
                 WHERE photo IN ({old}) AND photo NOT IN (SELECT id FROM photos WHERE stale)"
            ),
            [&recipes],
        )?;
        self.transaction.execute(&format!("DELETE FROM pairs WHERE a IN ({old}) OR b IN ({old})"), [&recipes])?;
        for table in ["embeddings", "views", "keypoints"] {
            self.transaction.execute(&format!("DELETE FROM {table} WHERE photo IN ({old})"), [&recipes])?;
        }
        let dropped =
            self.transaction.execute("DELETE FROM features WHERE backbone NOT IN (SELECT value FROM json_each(?1))", [&recipes])?;
        self.transaction.execute("DELETE FROM photos WHERE NOT stale AND id NOT IN (SELECT photo FROM features)", [])?;
        Ok(Dropped { stale, unread: dropped - stale })
    }

    /// Records that the features of a photo were made of another picture than the one that is kept now. They are used until
    /// [`keep_recipes`](Batch::keep_recipes) finds them when the daemon starts the next time.
    pub fn outdate_features(&mut self, photo: PhotoId) -> Result<()> {
        self.transaction.execute("UPDATE features SET backbone = '' WHERE photo = ?1", [photo.0])?;
        Ok(())
    }

    /// Gives a stale photo its new features, and a new id: ids are in the order in which photos got their features. Returns
    /// the id. `None` if the photo is not stale any more.
    pub fn renew_photo(&mut self, photo: PhotoId, recipe: &str, stored: &StoredFeatures) -> Result<Option<PhotoId>> {
        let copied = self
            .transaction
            .prepare_cached(
                "INSERT INTO photos (picture, format, width, height, taken, utc_offset, make, model, serial, orientation, pixels, decoding,
                     quantisation, detail, converted)
                 SELECT randomblob(32), format, width, height, taken, utc_offset, make, model, serial, orientation, pixels, decoding,
                     quantisation, detail, converted
                 FROM photos WHERE id = ?1 AND stale",
            )?
            .execute([photo.0])?;
        if copied == 0 {
            return Ok(None);
        }
        let new = PhotoId(self.transaction.last_insert_rowid());
        let picture: [u8; 32] = self.transaction.query_row("SELECT picture FROM photos WHERE id = ?1", [photo.0], |row| row.get(0))?;
        self.transaction.prepare_cached("UPDATE files SET photo = ?2 WHERE photo = ?1")?.execute([photo.0, new.0])?;
        self.transaction.prepare_cached("UPDATE files SET replaced = ?2 WHERE replaced = ?1")?.execute([photo.0, new.0])?;
        self.transaction.prepare_cached("DELETE FROM photos WHERE id = ?1")?.execute([photo.0])?;
        self.transaction.prepare_cached("UPDATE photos SET picture = ?2 WHERE id = ?1")?.execute(params![new.0, picture])?;
        self.add_features(new, recipe, stored)?;
        Ok(Some(new))
    }

    /// Makes the files of a photo pending that cannot be made again without them.
    pub fn read_files_again(&mut self, photo: PhotoId) -> Result<()> {
        self.transaction.execute("UPDATE files SET photo = NULL, content = NULL, pending = 1 WHERE photo = ?1", [photo.0])?;
        self.transaction.execute("DELETE FROM photos WHERE id = ?1 AND stale", [photo.0])?;
        Ok(())
    }
}
