//! The names in the folders of photos, for what belongs to them: cheap, because an index has all names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, params};

use super::columns::{OTHER_COLUMNS, STAMP_COLUMNS, other_of, stamp as stamp_of};
use super::scopes::{Range, ranges};
use super::{Reader, Result};
use crate::photo::{Format, OtherFile, PictureHash, Place, RootId, Stamp};

/// A file that stands beside photos, by its name.
pub struct Named<'a> {
    pub root: RootId,
    /// Below the root.
    pub path: &'a Path,
    pub name: Name,
}

pub enum Name {
    /// A file that is or will be read as a photo.
    Photo,
    Other(Stamp),
}

/// A file beside a photo that may be of its shot.
pub struct FileBeside {
    pub stamp: Stamp,
    /// `None` if it is not read, or cannot be.
    pub picture: Option<PictureHash>,
    pub format: Option<Format>,
    pub taken: Option<String>,
}

impl Reader {
    /// Passes the name of each file of the scopes to `take`.
    pub fn each_name(&self, scopes: &[Place], mut take: impl FnMut(Named<'_>)) -> Result<()> {
        // Only these two columns, so that the index alone is read.
        let mut statement = self.index.prepare_cached(&format!("SELECT f.root, f.path FROM files f WHERE {}", Range::condition("f")))?;
        for range in ranges(scopes) {
            let mut rows = statement.query(range.params())?;
            while let Some(row) = rows.next()? {
                let path = Path::new(OsStr::from_bytes(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?));
                take(Named { root: RootId(row.get(0)?), path, name: Name::Photo });
            }
        }
        let mut statement = self.index.prepare_cached(&format!("SELECT {OTHER_COLUMNS} FROM others f WHERE {}", Range::condition("f")))?;
        for range in ranges(scopes) {
            let mut rows = statement.query(range.params())?;
            while let Some(row) = rows.next()? {
                let OtherFile { place: Place { root, path }, stamp, .. } = other_of(row)?;
                take(Named { root, path: &path, name: Name::Other(stamp) });
            }
        }
        Ok(())
    }

    /// Returns what is known of a file that is or will be read as a photo. `None` if there is none.
    pub fn file_beside(&self, place: &Place) -> Result<Option<FileBeside>> {
        let mut statement = self.index.prepare_cached(&format!(
            "SELECT {STAMP_COLUMNS}, p.picture, p.format, ifnull(m.taken, p.taken) FROM files f
             LEFT JOIN photos p ON p.id = f.photo LEFT JOIN metadata m ON m.content = f.content WHERE f.root = ?1 AND f.path = ?2"
        ))?;
        let file = statement.query_row(params![place.root.0, place.path.as_os_str().as_bytes()], |row| {
            let picture = row.get::<_, Option<[u8; 32]>>(6)?.map(PictureHash);
            Ok(FileBeside { stamp: stamp_of(row, 0)?, picture, format: row.get(7)?, taken: row.get(8)? })
        });
        Ok(file.optional()?)
    }

    /// Returns the folders of photos as scopes: the whole root if there are very many.
    pub fn folders_of<'a>(places: impl Iterator<Item = &'a Place>) -> Vec<Place> {
        const MAX_FOLDERS: usize = 64;
        let mut folders: Vec<Place> = Vec::new();
        let mut is_whole = false;
        for place in places {
            let path = if is_whole { Path::new("") } else { crate::photo::home(&place.path).0 };
            if folders.last().is_none_or(|last| last.root != place.root || last.path != path)
                && !folders.iter().any(|folder| folder.root == place.root && folder.path == path)
            {
                folders.push(Place { root: place.root, path: path.to_owned() });
            }
            if folders.len() > MAX_FOLDERS && !is_whole {
                is_whole = true;
                folders.iter_mut().for_each(|folder| folder.path = PathBuf::new());
                folders.sort_unstable();
                folders.dedup();
            }
        }
        folders
    }
}
