//! What sidecars say. They are read once for each stamp, and count for the files of their name.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::params;

use super::columns::{json_of, place_of};
use super::{Batch, PhotoRecord, Reader, Result};
use crate::photo::{Format, Metadata, PhotoId, Place, Role, RootId, ShotName, Stamp, folded, home};

/// A folder of a root, and a name without its ending, in lower case.
type Stem<'a> = (RootId, &'a Path, Vec<u8>);

/// A file of a photo: the photo, the number of the file there, and its name.
type Named<'a> = (PhotoId, usize, &'a [u8]);

/// Returns the files of one stem to which a name with this stem may belong. Case does not count, unless it alone tells two of them apart.
fn of_stem<'a>(files: &'a [Named<'a>], stem: &'a [u8]) -> impl Iterator<Item = &'a Named<'a>> {
    let names: HashSet<_> = files.iter().map(|(.., name)| folded(name)).collect();
    let is_told_apart = names.len() < files.len();
    files.iter().filter(move |(.., name)| !is_told_apart || ShotName::of(name).is_some_and(|named| named.stem == stem))
}

impl Batch<'_> {
    /// Stores what a sidecar says, if its stamp is still the one that was read. `None` if it cannot be read.
    pub fn note_sidecar(&mut self, place: &Place, stamp: &Stamp, facts: Option<&Metadata>) -> Result<()> {
        let facts = facts.map(serde_json::to_string).transpose().map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
        self.transaction
            .prepare_cached(
                "UPDATE others SET facts = ?6, unread = FALSE
                 WHERE root = ?1 AND path = ?2 AND inode = ?3 AND size = ?4 AND mtime = ?5 AND (inode = 0 OR ctime = ?7)",
            )?
            .execute(params![
                place.root.0,
                place.path.as_os_str().as_bytes(),
                stamp.inode as i64,
                stamp.size as i64,
                stamp.mtime,
                facts,
                stamp.ctime
            ])?;
        Ok(())
    }
}

impl Reader {
    /// Returns whether a sidecar in the scopes is still to be read. It may also be of a file that is the whole scope.
    pub fn has_unread_sidecars(&self, scopes: &[Place]) -> Result<bool> {
        if !self.has_sidecars("unread")? {
            return Ok(false);
        }
        let above = |scope: &Place| Place { root: scope.root, path: scope.path.parent().unwrap_or(Path::new("")).to_owned() };
        let is_file = |scope: &&Place| Format::from_name(&scope.path).is_some();
        let scopes: Vec<Place> = scopes.iter().map(|scope| if is_file(&scope) { above(scope) } else { scope.clone() }).collect();
        Ok(!self.unread_sidecars(&scopes, 1)?.is_empty())
    }

    /// Returns up to `count` sidecars in the scopes that are to be read.
    pub fn unread_sidecars(&self, scopes: &[Place], count: usize) -> Result<Vec<(Place, Stamp)>> {
        if self.has_sidecars("unread")? { self.some_rows("others", "unread", scopes, count) } else { Ok(Vec::new()) }
    }

    fn has_sidecars(&self, condition: &str) -> Result<bool> {
        let mut statement = self.index.prepare_cached(&format!("SELECT EXISTS (SELECT 1 FROM others WHERE {condition})"))?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Adds what sidecars say to the metadata of all files of their name: a person who rates a shot may do it in any of its files.
    /// The ids of documents are of one file only.
    pub(super) fn add_sidecars(&self, photos: &mut HashMap<PhotoId, PhotoRecord>) -> Result<()> {
        if photos.is_empty() || !self.has_sidecars("facts IS NOT NULL")? {
            return Ok(());
        }
        let mut files: HashMap<Stem<'_>, Vec<Named<'_>>> = HashMap::new();
        for photo in photos.values() {
            for (at, file) in photo.files.iter().enumerate() {
                let (folder, name) = home(&file.place.path);
                let Some(named) = ShotName::of(name) else { continue };
                files.entry((file.place.root, folder, folded(named.stem).into_owned())).or_default().push((photo.id, at, name));
            }
        }
        let mut noted: Vec<(PhotoId, usize, Metadata, bool)> = Vec::new();
        let mut statement =
            self.index.prepare_cached("SELECT root, path, facts FROM others WHERE facts IS NOT NULL ORDER BY root, path")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let place = place_of(row)?;
            let (folder, name) = home(&place.path);
            let Some(named) = ShotName::of(name) else { continue };
            let stems = std::iter::once(named.stem).chain(match named.role {
                Role::OfVersion(_, plain) => Some(plain),
                _ => None,
            });
            for stem in stems {
                let of_folder = files.get(&(place.root, folder, folded(stem).into_owned())).map(Vec::as_slice).unwrap_or_default();
                for (photo, at, name) in of_stem(of_folder, stem) {
                    let facts: Metadata = json_of(row, 2)?.unwrap_or_default();
                    let is_exact = match named.role {
                        Role::OfFile(owner) | Role::OfVersion(owner, _) => folded(name) == folded(owner),
                        _ => photos[photo].format == Format::Raw,
                    };
                    noted.push((*photo, *at, facts, is_exact));
                }
            }
        }
        drop(files);
        for (photo, at, facts, is_exact) in noted {
            let Some(record) = photos.get_mut(&photo) else { continue };
            if let Some(metadata) = record.files[at].metadata.take() {
                let mut metadata = metadata.with_sidecar(&facts);
                if is_exact {
                    metadata.capture.origin.documents.extend(facts.capture.origin.documents);
                }
                record.files[at].metadata = Some(metadata);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::{
        Capture, ContentHash, CropDescriptors, Description, Dimensions, Features, Identity, Keypoints, OtherKind, PictureHash,
        StoredFeatures,
    };
    use crate::store::{LastFile, Location, Wanted, Writer};

    fn place(path: &str) -> Place {
        Place { root: RootId(1), path: path.into() }
    }

    fn stamp(time: i64) -> Stamp {
        Stamp { volume: 7, inode: time as u64, size: 100, mtime: time, ctime: time, birth: Some(1) }
    }

    #[test]
    fn a_sidecar_is_read_once_for_each_stamp_and_counts_for_the_files_of_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location).expect("opens");
        let stored = StoredFeatures { features: Features(Vec::new()), crops: CropDescriptors::none(), keypoints: Keypoints::default() };
        let names = ["a/1.CR2", "a/1.JPG", "b/1.JPG", "c/IMG_1.CR3", "c/img_1.JPG", "d/IMG_1.JPG", "d/img_1.jpg"];
        let filled = writer.batch(|batch| {
            for (number, name) in (1..).zip(names) {
                let (content, picture) = (ContentHash([number; 32]), PictureHash([number; 32]));
                let format = Format::from_name(Path::new(name)).expect("a photo");
                let identity = Identity { content, picture, format, dimensions: Dimensions { width: 1, height: 1 }, quantisation: None };
                batch.upsert_seen(&place(name), &stamp(1))?;
                let (photo, _) = batch.add_photo(&identity, &Capture::default(), "recipe", &stored)?;
                batch.link(&place(name), &stamp(1), &content, photo, &Metadata::default())?;
            }
            for name in ["a/1.xmp", "a/1.JPG.XMP", "a/1.MOV", "c/Img_1.XMP", "d/IMG_1.xmp"] {
                batch.upsert_other(&place(name), OtherKind::from_name(Path::new(name)).expect("known"), &stamp(2), false)?;
            }
            Ok(())
        });
        filled.expect("filled");
        let reader = Reader::open(&location).expect("opens");
        let unread = |scope: &str| {
            let found = reader.unread_sidecars(&[place(scope)], 9).expect("read");
            found.into_iter().map(|(place, _)| place.path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(unread("a"), ["a/1.JPG.XMP", "a/1.xmp"]);
        let waits = |scope: &str| reader.was_pending(&[place(scope)], LastFile::NONE_IS_LATER).expect("read");
        assert!(waits("a") && waits("a/1.JPG") && !waits("b"));
        let facts = |rating, document: &str| {
            let mut facts = Metadata { description: Description { rating, ..Description::default() }, ..Metadata::default() };
            facts.capture.origin.documents.insert(document.into());
            facts
        };
        let mut note = |name: &str, time, facts: Option<&Metadata>| {
            writer.batch(|batch| batch.note_sidecar(&place(name), &stamp(time), facts)).expect("written");
        };
        note("a/1.xmp", 9, Some(&facts(Some(1), "x")));
        assert_eq!(unread("a").len(), 2, "it has another stamp");
        note("a/1.xmp", 2, Some(&facts(Some(5), "raw")));
        note("a/1.JPG.XMP", 2, None);
        note("c/Img_1.XMP", 2, Some(&facts(Some(4), "x")));
        note("d/IMG_1.xmp", 2, Some(&facts(Some(3), "x")));
        assert!(unread("").is_empty() && !waits("a"));
        let photos = reader.photos(&[place("")], Wanted::All).expect("read");
        let mut said: Vec<(String, Option<i8>, usize)> = photos
            .values()
            .map(|photo| {
                let file = &photo.files[0];
                let metadata = file.metadata.as_ref().expect("known");
                (file.place.path.display().to_string(), metadata.description.rating, metadata.capture.origin.documents.len())
            })
            .collect();
        said.sort();
        let expected = [
            ("a/1.CR2", Some(5), 1),
            ("a/1.JPG", Some(5), 0),
            ("b/1.JPG", None, 0),
            ("c/IMG_1.CR3", Some(4), 1),
            ("c/img_1.JPG", Some(4), 0),
            // These two differ only in case.
            ("d/IMG_1.JPG", Some(3), 0),
            ("d/img_1.jpg", None, 0),
        ];
        assert_eq!(said, expected.map(|(name, rating, documents)| (name.to_owned(), rating, documents)));
        // The same stamp is not read again, and another one is.
        let mut other = Writer::open(&location).expect("opens");
        for (time, expected) in [(2, 0), (3, 1)] {
            other.batch(|batch| batch.upsert_other(&place("a/1.xmp"), OtherKind::Sidecar, &stamp(time), false)).expect("written");
            assert_eq!(unread("").len(), expected);
        }
    }
}
