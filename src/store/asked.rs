//! What a question waits for: files and photos from before it. What comes later does not delay it.

use rusqlite::OptionalExtension;

use super::comparisons::{IS_MISSING, uncompared_from};
use super::scopes::{Range, ranges};
use super::{Reader, Result};
use crate::photo::Place;

/// The last file that the index had at some moment. Files are numbered as they come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LastFile(i64);

impl LastFile {
    /// Counts all files, also those that are still to come.
    pub const NONE_IS_LATER: LastFile = LastFile(i64::MAX);
}

// The plus signs keep SQLite from searching by the number of the file: most files have a smaller one.
impl Reader {
    /// Returns the last file that the index has now.
    pub fn last_file(&self) -> Result<LastFile> {
        let mut statement = self.index.prepare_cached("SELECT ifnull(max(id), 0) FROM files")?;
        Ok(LastFile(statement.query_row([], |row| row.get(0))?))
    }

    /// Returns whether a file of the scopes, up to a last one, is pending. A stale photo and a sidecar that is to be
    /// read count whenever they came.
    pub fn was_pending(&self, scopes: &[Place], last: LastFile) -> Result<bool> {
        let is_any = "SELECT EXISTS (SELECT 1 FROM files WHERE pending)";
        let is_pending = self.index.prepare_cached(is_any)?.query_row([], |row| row.get(0))?
            && self.is_any_up_to(
                &format!("SELECT 1 FROM files f WHERE pending AND +f.id <= ?5 AND {}", Range::condition("f")),
                scopes,
                last,
            )?;
        Ok(is_pending || self.count_stale(scopes)? > 0 || self.has_unread_sidecars(scopes)?)
    }

    /// Returns whether a new photo of the scopes is not compared yet with another one, where both have files up to a last one,
    /// or with the photo that its file held before.
    pub fn was_uncompared(&self, scopes: &[Place], last: LastFile) -> Result<bool> {
        let is_any = format!("SELECT EXISTS (SELECT 1 FROM comparisons WHERE is_new AND {IS_MISSING})");
        if !self.index.prepare_cached(&is_any)?.query_row([], |row| row.get(0))? {
            return Ok(false);
        }
        let other = "iif(f.photo = n.a, n.b, n.a)";
        let select = format!(
            "SELECT 1 FROM (SELECT c.a, c.b {} AND c.is_new) n CROSS JOIN files f ON f.photo IN (n.a, n.b)
             WHERE +f.id <= ?5 AND {}
             AND (f.replaced = {other} OR EXISTS (SELECT 1 FROM files g WHERE g.photo = {other} AND +g.id <= ?5))",
            uncompared_from(),
            Range::condition("f")
        );
        self.is_any_up_to(&select, scopes, last)
    }

    /// Returns whether there is a row in the scopes. The fifth parameter is the last file.
    fn is_any_up_to(&self, select: &str, scopes: &[Place], last: LastFile) -> Result<bool> {
        let mut statement = self.index.prepare_cached(&format!("{select} LIMIT 1"))?;
        for range in ranges(scopes) {
            if statement.query_row(range.params_and(&last.0), |_| Ok(())).optional()?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::{
        Capture, Compared, ContentHash, CropDescriptors, Dimensions, Features, Format, Identity, Keypoints, Metadata, Pair, PhotoId,
        PictureHash, RootId, Stamp, StoredFeatures,
    };
    use crate::store::{Location, Writer};

    const ALL: LastFile = LastFile::NONE_IS_LATER;

    fn place(number: u8) -> Place {
        Place { root: RootId(1), path: format!("{number}.jpg").into() }
    }

    fn stamp(number: u8) -> Stamp {
        Stamp { volume: 1, inode: number.into(), size: 100, mtime: 1, ctime: 1, birth: None }
    }

    fn see(writer: &mut Writer, number: u8) {
        writer.batch(|batch| batch.upsert_seen(&place(number), &stamp(number))).expect("written");
    }

    /// Reads a file as a photo of its own, which is near an earlier one.
    fn read(writer: &mut Writer, file: u8, number: u8, near: Option<PhotoId>) -> PhotoId {
        let (content, picture) = (ContentHash([number; 32]), PictureHash([number; 32]));
        let identity =
            Identity { content, picture, format: Format::Jpeg, dimensions: Dimensions { width: 1, height: 1 }, quantisation: None };
        let stored = StoredFeatures { features: Features(Vec::new()), crops: CropDescriptors::none(), keypoints: Keypoints::default() };
        let done = writer.batch(|batch| {
            batch.upsert_seen(&place(file), &stamp(number))?;
            let (photo, _) = batch.add_photo(&identity, &Capture::default(), "recipe", &stored)?;
            batch.link(&place(file), &stamp(number), &content, photo, &Metadata::default())?;
            let pairs: Vec<Pair> = near.into_iter().map(|near| Pair::new(near, photo, 0.1)).collect();
            batch.want_comparisons(&pairs, 1.0, true)?;
            Ok(photo)
        });
        done.expect("written")
    }

    #[test]
    fn what_comes_later_is_neither_pending_nor_uncompared() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location).expect("opens");
        let reader = Reader::open(&location).expect("opens");
        let (root, other) = ([Place { root: RootId(1), path: "".into() }], [Place { root: RootId(2), path: "".into() }]);
        let was = |scopes: &[Place], last| {
            (reader.was_pending(scopes, last).expect("looked"), reader.was_uncompared(scopes, last).expect("looked"))
        };
        (1..=2).for_each(|number| see(&mut writer, number));
        let last = reader.last_file().expect("looked");
        see(&mut writer, 3);
        assert_eq!((was(&root, last), was(&other, last)), ((true, false), (false, false)));
        let first = read(&mut writer, 1, 1, None);
        assert_eq!((was(&root, last), was(&[place(1)], last)), ((true, false), (false, false)));
        let second = read(&mut writer, 2, 2, Some(first));
        assert_eq!((was(&root, last), was(&[place(1)], last), was(&root, ALL)), ((false, true), (false, true), (true, true)));
        writer.batch(|batch| batch.set_compared([first, second], Some(&Compared::Apart))).expect("written");
        assert_eq!((was(&root, last), was(&root, ALL)), ((false, false), (true, false)));
        // A later photo that is near an earlier one.
        read(&mut writer, 3, 3, Some(first));
        assert_eq!((was(&root, last), was(&root, ALL)), ((false, false), (false, true)));
    }

    #[test]
    fn a_photo_is_compared_with_the_one_that_its_file_held_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location).expect("opens");
        let reader = Reader::open(&location).expect("opens");
        let root = [Place { root: RootId(1), path: "".into() }];
        let before = read(&mut writer, 1, 1, None);
        let last = reader.last_file().expect("looked");
        let after = read(&mut writer, 1, 2, Some(before));
        assert!(reader.was_uncompared(&root, last).expect("looked"));
        writer.batch(|batch| batch.set_compared([before, after], Some(&Compared::Apart))).expect("written");
        assert!(!reader.was_uncompared(&root, last).expect("looked"));
    }
}
