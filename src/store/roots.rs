//! The roots, and those inside others. One on the filesystem of the outer root becomes part of it. One on another
//! filesystem stays a root of its own, which comes and goes independently.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rusqlite::{OptionalExtension, Row, params};

use super::columns::path_of;
use super::library::readable;
use super::{Result, Writer};
use crate::photo::{Root, RootId, VolumeLocation};

/// The tables whose rows belong to a root.
const TABLES: [&str; 3] = ["files", "failures", "others"];

impl Writer {
    /// Returns all roots that can be read. [`problems`](Writer::problems) reports the others: they are not watched, and keep
    /// their files in the index.
    pub fn roots(&mut self) -> Result<Vec<Root>> {
        let mut statement = self.library.prepare("SELECT id, path, volume, inner, inside, asked FROM roots ORDER BY path, id")?;
        let (roots, unreadable) = readable(&mut statement, root, |row| Ok(path_of(row.get_ref(1)?.as_blob()?).display().to_string()))?;
        self.problems.roots = unreadable;
        Ok(roots)
    }

    /// Adds a root, or finds an existing one. One that cannot be read gets this filesystem: a person names its folder again.
    /// Roots below it become part of it, or are inside it ([`nest_roots`](Writer::nest_roots)).
    pub fn add_root(&mut self, path: &Path, volume_location: Option<&VolumeLocation>, is_hidden: &dyn Fn(&Path) -> bool) -> Result<RootId> {
        let (volume, inner) = columns_of(volume_location);
        let known = self.roots()?.into_iter().find(|root| root.path == path).map(|root| root.id);
        let unreadable = self.unreadable_roots(path)?;
        let library = self.library.transaction()?;
        let id = match known.or(unreadable.first().copied()) {
            Some(id) => id,
            None => {
                library.execute("INSERT INTO roots (path) VALUES (?1)", [path.as_os_str().as_bytes()])?;
                RootId(library.last_insert_rowid())
            }
        };
        if known.is_none() {
            library.execute("UPDATE roots SET volume = ?2, inner = ?3 WHERE id = ?1", params![id.0, volume, inner])?;
        }
        library.execute("UPDATE roots SET asked = TRUE WHERE id = ?1", [id.0])?;
        library.commit()?;
        self.nest_roots(is_hidden)?;
        Ok(id)
    }

    /// Adds a root like this one for another card at its path, where these are known. `None` if one was added since, or if
    /// the root around it was removed.
    pub fn add_root_beside(&mut self, root: &Root, known: &[RootId]) -> Result<Option<RootId>> {
        let roots = self.roots()?;
        let is_known = |root: RootId| roots.iter().any(|other| other.id == root);
        if roots.iter().any(|other| other.path == root.path && !known.contains(&other.id)) || !root.inside.is_none_or(is_known) {
            return Ok(None);
        }
        self.library.execute(
            "INSERT INTO roots (path, inside, asked) VALUES (?1, ?2, ?3)",
            params![root.path.as_os_str().as_bytes(), root.inside.map(|root| root.0), root.is_asked],
        )?;
        Ok(Some(RootId(self.library.last_insert_rowid())))
    }

    /// Adds a root for a filesystem that is mounted below another root, with what was known of its files there. `volume` is
    /// its number in stamps. `None` if there is such a root already, or if the other root was removed.
    pub fn add_mounted_root(
        &mut self,
        outer: &Root,
        path: &Path,
        volume_location: Option<&VolumeLocation>,
        volume: Option<u64>,
        is_hidden: &dyn Fn(&Path) -> bool,
    ) -> Result<Option<RootId>> {
        let roots = self.roots()?;
        let is_it = |root: &Root| root.path == path && (root.volume_location.is_none() || root.volume_location.as_ref() == volume_location);
        let Some(outer) = roots.iter().find(|root| root.id == outer.id) else { return Ok(None) };
        if roots.iter().any(is_it) {
            return Ok(None);
        }
        let asked = if outer.is_asked { Some(outer.id) } else { outer.inside };
        let (volume_id, inner) = columns_of(volume_location);
        self.library.execute(
            "INSERT INTO roots (path, volume, inner, inside, asked) VALUES (?1, ?2, ?3, ?4, FALSE)",
            params![path.as_os_str().as_bytes(), volume_id, inner, asked.map(|root| root.0)],
        )?;
        let id = RootId(self.library.last_insert_rowid());
        if let (Ok(below), Some(volume)) = (path.strip_prefix(&outer.path), volume) {
            let batch = self.index.transaction()?;
            let below = below.as_os_str().as_bytes();
            let (first, end) = ([below, b"/"].concat(), [below, b"0"].concat());
            let moved = "SET root = ?1, path = substr(path, ?2) WHERE root = ?3 AND path >= ?4 AND path < ?5";
            let from = first.len() as i64 + 1;
            for table in ["files", "others"] {
                batch.execute(
                    &format!("UPDATE OR REPLACE {table} {moved} AND volume = ?6"),
                    params![id.0, from, outer.id.0, first, end, volume as i64],
                )?;
            }
            let of_none = "NOT EXISTS (SELECT 1 FROM files f WHERE f.root = failures.root AND f.path = failures.path)";
            batch.execute(&format!("UPDATE OR REPLACE failures {moved} AND {of_none}"), params![id.0, from, outer.id.0, first, end])?;
            batch.commit()?;
        }
        self.nest_roots(is_hidden)?;
        Ok(Some(id))
    }

    /// Merges each root into the innermost root that it is inside of, with its files and failures, if both are on one
    /// filesystem. If not, it is marked as inside the other. Roots in hidden folders (by the path below the outer root)
    /// stay as they are. Rows move in one file and the root is removed in the other, so this also repairs a crash between
    /// the two. A root that was merged comes back when the outer one is removed.
    pub fn nest_roots(&mut self, is_hidden: &dyn Fn(&Path) -> bool) -> Result<()> {
        while self.nest_one_root(is_hidden)? {}
        Ok(())
    }

    /// Merges or marks the first nested root, and returns whether there was one.
    fn nest_one_root(&mut self, is_hidden: &dyn Fn(&Path) -> bool) -> Result<bool> {
        let roots = self.roots()?;
        for inner in &roots {
            let holds = |outer: &&Root| {
                let below = inner.path.strip_prefix(&outer.path).ok().filter(|below| !below.as_os_str().is_empty());
                below.is_some_and(|below| !is_hidden(below))
            };
            // Several cards may have been at one path. The one with this filesystem counts.
            let Some(outer) = roots.iter().filter(holds).max_by_key(|outer| (outer.path.as_os_str().len(), is_part_of(inner, outer)))
            else {
                continue;
            };
            if is_part_of(inner, outer) {
                self.merge_root(inner, outer)?;
                return Ok(true);
            }
            if inner.inside.is_none() {
                let asked = if outer.is_asked { Some(outer.id) } else { outer.inside };
                let Some(asked) = asked else { continue };
                self.library.execute("UPDATE roots SET inside = ?1 WHERE id = ?2", params![asked.0, inner.id.0])?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn merge_root(&mut self, inner: &Root, outer: &Root) -> Result<()> {
        let below = inner.path.strip_prefix(&outer.path).unwrap_or(&inner.path).as_os_str().as_bytes();
        let batch = self.index.transaction()?;
        for table in TABLES {
            batch.execute(
                &format!("UPDATE OR REPLACE {table} SET root = ?1, path = CAST(?2 || path AS BLOB) WHERE root = ?3"),
                params![outer.id.0, [below, b"/"].concat(), inner.id.0],
            )?;
        }
        batch.commit()?;
        let (volume, path_there) = columns_of(inner.volume_location.as_ref());
        let library = self.library.transaction()?;
        if inner.is_asked {
            library.execute(
                "INSERT OR REPLACE INTO absorbed (holder, path, root, volume, inner) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![outer.id.0, below, inner.id.0, volume, path_there],
            )?;
        }
        let asked = if outer.is_asked { Some(outer.id.0) } else { outer.inside.map(|root| root.0) };
        library.execute("UPDATE roots SET inside = ?1 WHERE inside = ?2", params![asked, inner.id.0])?;
        library.execute("DELETE FROM roots WHERE id = ?1", [inner.id.0])?;
        library.commit()?;
        Ok(())
    }

    /// Records the current path of a root, and the filesystem and path by which it is recognised at another mount
    /// point.
    pub fn place_root(&mut self, root: &Root) -> Result<()> {
        let (volume, inner) = columns_of(root.volume_location.as_ref());
        self.library.execute(
            "UPDATE roots SET path = ?2, volume = ?3, inner = ?4 WHERE id = ?1",
            params![root.id.0, root.path.as_os_str().as_bytes(), volume, inner],
        )?;
        Ok(())
    }

    /// Forgets a root and its files, and the filesystems that were found mounted below it. Photos stay, so that adding the
    /// root again needs no decoding. Roots that became part of it come back, with their files. After a crash in between, the
    /// root is still there, and the others are part of it.
    pub fn remove_root(&mut self, root: RootId, is_hidden: &dyn Fn(&Path) -> bool) -> Result<()> {
        self.remove_without_nesting(root)?;
        self.nest_roots(is_hidden)
    }

    /// Forgets the roots at a path that cannot be read, and returns whether there were any.
    pub fn remove_unreadable_roots(&mut self, path: &Path, is_hidden: &dyn Fn(&Path) -> bool) -> Result<bool> {
        let unreadable = self.unreadable_roots(path)?;
        unreadable.iter().try_for_each(|root| self.remove_root(*root, is_hidden))?;
        Ok(!unreadable.is_empty())
    }

    /// Returns the roots at a path that cannot be read.
    fn unreadable_roots(&mut self, path: &Path) -> Result<Vec<RootId>> {
        let known = self.roots()?;
        let mut statement = self.library.prepare("SELECT id FROM roots WHERE path = ?1 ORDER BY id")?;
        let all = statement.query_map([path.as_os_str().as_bytes()], |row| Ok(RootId(row.get(0)?)))?;
        let all = all.collect::<rusqlite::Result<Vec<RootId>>>()?;
        Ok(all.into_iter().filter(|id| !known.iter().any(|root| root.id == *id)).collect())
    }

    /// Removes a root, also one that cannot be read.
    fn remove_without_nesting(&mut self, root: RootId) -> Result<()> {
        let returning = self.bring_back_parts(root)?;
        let mut statement = self.library.prepare("SELECT id FROM roots WHERE inside = ?1 AND NOT asked ORDER BY path, id")?;
        let mounted = statement.query_map([root.0], |row| Ok(RootId(row.get(0)?)))?.collect::<rusqlite::Result<Vec<RootId>>>()?;
        drop(statement);
        for mounted in mounted {
            self.remove_without_nesting(mounted)?;
        }
        let batch = self.index.transaction()?;
        for table in TABLES {
            for (part, below) in &returning {
                let (first, end) = ([below.as_slice(), b"/"].concat(), [below.as_slice(), b"0"].concat());
                batch.execute(
                    &format!(
                        "UPDATE OR REPLACE {table} SET root = ?1, path = substr(path, ?2) WHERE root = ?3 AND path >= ?4 AND path < ?5"
                    ),
                    params![part.0, first.len() as i64 + 1, root.0, first, end],
                )?;
            }
            batch.execute(&format!("DELETE FROM {table} WHERE root = ?1"), [root.0])?;
        }
        batch.commit()?;
        let library = self.library.transaction()?;
        library.execute("DELETE FROM absorbed WHERE holder = ?1", [root.0])?;
        library.execute("UPDATE roots SET inside = NULL WHERE inside = ?1", [root.0])?;
        library.execute("DELETE FROM roots WHERE id = ?1", [root.0])?;
        library.commit()?;
        Ok(())
    }

    /// Makes roots again of those that became part of this one. Returns each with its path below this one, the inner one
    /// first where one holds another.
    fn bring_back_parts(&mut self, root: RootId) -> Result<Vec<(RootId, Vec<u8>)>> {
        let library = self.library.transaction()?;
        let holder = library.query_row("SELECT path FROM roots WHERE id = ?1", [root.0], |row| row.get::<_, Vec<u8>>(0)).optional()?;
        let Some(holder) = holder.as_deref().map(path_of) else { return Ok(Vec::new()) };
        let mut statement = library.prepare("SELECT path, root FROM absorbed WHERE holder = ?1 ORDER BY length(path) DESC")?;
        let parts = statement.query_map([root.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let parts = parts.collect::<rusqlite::Result<Vec<(Vec<u8>, i64)>>>()?;
        drop(statement);
        let mut returning = Vec::new();
        for (below, number) in parts {
            let path = holder.join(path_of(&below));
            let path = path.as_os_str().as_bytes();
            // The filesystem as it is stored, also if it cannot be read.
            library.execute(
                "INSERT INTO roots (path, volume, inner) SELECT ?1, volume, inner FROM absorbed
                 WHERE holder = ?2 AND path = ?3 AND NOT EXISTS (SELECT 1 FROM roots WHERE path = ?1)",
                params![path, root.0, below],
            )?;
            let id: i64 = library.query_row("SELECT id FROM roots WHERE path = ?1 ORDER BY id LIMIT 1", [path], |row| row.get(0))?;
            // It may have been found mounted meanwhile.
            library.execute("UPDATE roots SET asked = TRUE, inside = NULL WHERE path = ?1", [path])?;
            // What had become part of it is still part of it, and so is what is mounted below it.
            library.execute("UPDATE OR REPLACE absorbed SET holder = ?1 WHERE holder = ?2", [id, number])?;
            library.execute(
                "UPDATE roots SET inside = ?1 WHERE inside = ?2 AND path > ?3 AND path < ?4",
                params![id, root.0, [path, b"/"].concat(), [path, b"0"].concat()],
            )?;
            returning.push((RootId(id), below));
        }
        library.commit()?;
        Ok(returning)
    }

    /// Forgets the files of roots that `library.db` does not have, and returns their number. There are some after another
    /// `library.db` was put in its place. A new root may get the number of an unknown one, but not its files. A root that
    /// cannot be read keeps its files.
    pub fn forget_unknown_roots(&mut self) -> Result<usize> {
        let mut statement = self.library.prepare("SELECT id FROM roots")?;
        let known = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
        drop(statement);
        let known = known.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let batch = self.index.transaction()?;
        let forgotten = batch.execute(&format!("DELETE FROM files WHERE root NOT IN ({known})"), [])?;
        for table in ["failures", "others"] {
            batch.execute(&format!("DELETE FROM {table} WHERE root NOT IN ({known})"), [])?;
        }
        batch.commit()?;
        Ok(forgotten)
    }
}

fn root(row: &Row<'_>) -> rusqlite::Result<Root> {
    let inner = row.get::<_, Option<Vec<u8>>>(3)?.map(|inner| path_of(&inner));
    Ok(Root {
        id: RootId(row.get(0)?),
        path: path_of(row.get_ref(1)?.as_blob()?),
        volume_location: row.get::<_, Option<String>>(2)?.zip(inner),
        inside: row.get::<_, Option<i64>>(4)?.map(RootId),
        is_asked: row.get(5)?,
    })
}

/// Returns whether a root is on the filesystem of the one around it, as far as is known. One that was found mounted there is
/// not: two filesystems may have one id.
fn is_part_of(inner: &Root, outer: &Root) -> bool {
    inner.is_asked
        && match (&inner.volume_location, &outer.volume_location) {
            (Some((inner, _)), Some((outer, _))) => inner == outer,
            _ => outer.is_asked,
        }
}

/// Returns the columns of the filesystem of a root, and of its path there.
fn columns_of(volume_location: Option<&VolumeLocation>) -> (Option<&str>, Option<&[u8]>) {
    volume_location.map(|(volume, inner)| (volume.as_str(), inner.as_os_str().as_bytes())).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::{Place, Stamp};
    use crate::store::Location;

    fn store() -> (tempfile::TempDir, Writer) {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::open(&Location::new(folder.path())).expect("opens");
        (folder, writer)
    }

    fn none_hidden(_: &Path) -> bool {
        false
    }

    fn volume_location(volume: &str, inner: &str) -> Option<VolumeLocation> {
        Some((volume.into(), inner.into()))
    }

    fn see(writer: &mut Writer, root: RootId, names: &[&str], volume: u64) {
        for (name, inode) in names.iter().zip(root.0 as u64 * 10..) {
            let stamp = Stamp { volume, inode, size: 1, mtime: 1, ctime: 1, birth: None };
            writer.batch(|batch| batch.upsert_seen(&Place { root, path: name.into() }, &stamp)).expect("seen");
        }
    }

    fn add(writer: &mut Writer, path: &str, names: &[&str]) -> RootId {
        let root = writer.add_root(Path::new(path), None, &none_hidden).expect("added");
        see(writer, root, names, 1);
        root
    }

    /// The paths of the roots, and their volumes.
    fn known(writer: &mut Writer) -> Vec<(String, Option<String>)> {
        let roots = writer.roots().expect("read");
        roots
            .iter()
            .map(|root| (root.path.display().to_string(), root.volume_location.as_ref().map(|(volume, _)| volume.clone())))
            .collect()
    }

    /// Each file after the path of its root, sorted.
    fn files(writer: &mut Writer) -> Vec<String> {
        let roots = writer.roots().expect("read");
        let mut statement = writer.index.prepare("SELECT root, path FROM files").expect("valid");
        let rows = statement.query_map([], crate::store::columns::place_of).expect("read");
        let place = |place: Place| {
            let root = roots.iter().find(|root| root.id == place.root).expect("a root");
            format!("{}: {}", root.path.display(), place.path.display())
        };
        let mut files: Vec<String> = rows.map(|row| place(row.expect("a place"))).collect();
        files.sort();
        files
    }

    #[test]
    fn a_root_comes_back_with_its_files_when_the_one_that_took_it_in_is_removed() {
        let (folder, mut writer) = store();
        let inner = add(&mut writer, "/a/b/c", &["1.jpg"]);
        writer.place_root(&Root { volume_location: volume_location("card", "/DCIM"), ..Root::new(inner, "/a/b/c") }).expect("placed");
        add(&mut writer, "/a/b", &["2.jpg", "c2/3.jpg"]);
        add(&mut writer, "/a/d", &["4.jpg"]);
        let outer = add(&mut writer, "/a", &["5.jpg"]);
        assert_eq!(known(&mut writer), [("/a".into(), None)]);
        assert_eq!(files(&mut writer).len(), 5);
        drop(writer);
        let mut writer = Writer::open(&Location::new(folder.path())).expect("opens");
        writer.remove_root(outer, &none_hidden).expect("removed");
        assert_eq!(known(&mut writer), [("/a/b".into(), None), ("/a/d".into(), None)]);
        assert_eq!(files(&mut writer), ["/a/b: 2.jpg", "/a/b: c/1.jpg", "/a/b: c2/3.jpg", "/a/d: 4.jpg"]);
        // The one that this one had taken in before comes back in its turn.
        let next = writer.roots().expect("read")[0].id;
        writer.remove_root(next, &none_hidden).expect("removed");
        assert_eq!(known(&mut writer), [("/a/b/c".into(), Some("card".into())), ("/a/d".into(), None)]);
        assert_eq!(files(&mut writer), ["/a/b/c: 1.jpg", "/a/d: 4.jpg"]);
        // What was removed separately stays removed.
        for root in writer.roots().expect("read") {
            writer.remove_root(root.id, &none_hidden).expect("removed");
        }
        assert_eq!((known(&mut writer).len(), files(&mut writer).len()), (0, 0));
        assert_eq!(writer.library.query_row("SELECT count(*) FROM absorbed", [], |row| row.get::<_, i64>(0)).expect("read"), 0);
    }

    #[test]
    fn a_mounted_filesystem_is_a_root_that_goes_with_the_one_it_is_in() {
        let (_folder, mut writer) = store();
        let add = |writer: &mut Writer, path: &str, volume_location: Option<VolumeLocation>, names: &[&str]| {
            let root = writer.add_root(Path::new(path), volume_location.as_ref(), &none_hidden).expect("added");
            see(writer, root, names, 1);
            root
        };
        let mounted = |writer: &mut Writer, outer: RootId, path: &str, volume: &str, number| {
            let outer = writer.roots().expect("read").into_iter().find(|root| root.id == outer).expect("a root");
            let volume_location = volume_location(volume, "/");
            writer.add_mounted_root(&outer, Path::new(path), volume_location.as_ref(), Some(number), &none_hidden).expect("added")
        };
        let inside = |writer: &mut Writer| -> Vec<(String, Option<RootId>, bool)> {
            let roots = writer.roots().expect("read");
            roots.iter().map(|root| (root.path.display().to_string(), root.inside, root.is_asked)).collect()
        };
        // A folder on another filesystem stays a root when the folder around it becomes one.
        add(&mut writer, "/m/card/DCIM", volume_location("card", "/DCIM"), &["3.jpg"]);
        add(&mut writer, "/m/d", volume_location("disk", "/m/d"), &["4.jpg"]);
        let outer = add(&mut writer, "/m", volume_location("disk", "/m"), &["1.jpg", "card/hidden.jpg"]);
        assert_eq!(inside(&mut writer), [("/m".into(), None, true), ("/m/card/DCIM".into(), Some(outer), true)]);
        // What an earlier version knew of the card moves to it, by the filesystem.
        see(&mut writer, outer, &["card/2.jpg", "card2/5.jpg"], 7);
        let card = mounted(&mut writer, outer, "/m/card", "card", 7).expect("a new root");
        assert_eq!(mounted(&mut writer, outer, "/m/card", "card", 7), None, "there is one");
        assert_eq!(inside(&mut writer), [("/m".into(), None, true), ("/m/card".into(), Some(outer), false)]);
        let of_card = ["/m/card: 2.jpg", "/m/card: DCIM/3.jpg"];
        assert_eq!(
            files(&mut writer),
            [of_card.as_slice(), &["/m: 1.jpg", "/m: card/hidden.jpg", "/m: card2/5.jpg", "/m: d/4.jpg"]].concat()
        );
        // Another card at its path is inside the same root.
        let first = writer.roots().expect("read").into_iter().find(|root| root.id == card).expect("a root");
        let second = writer.add_root_beside(&first, &[card]).expect("added").expect("a new root");
        assert_eq!(writer.add_root_beside(&first, &[card]).expect("asked"), None);
        see(&mut writer, second, &["2.jpg"], 8);
        assert_eq!(inside(&mut writer).last(), Some(&("/m/card".into(), Some(outer), false)));
        // The folder becomes part of a larger one, and comes back with what is mounted in it.
        let larger = add(&mut writer, "/", volume_location("disk", "/"), &[]);
        assert_eq!(inside(&mut writer).iter().filter(|(_, inside, _)| *inside == Some(larger)).count(), 2);
        writer.remove_root(larger, &none_hidden).expect("removed");
        let back = writer.roots().expect("read")[0].id;
        assert_eq!(inside(&mut writer).iter().filter(|(_, inside, _)| *inside == Some(back)).count(), 2);
        assert_eq!(files(&mut writer).iter().filter(|file| of_card.contains(&file.as_str())).count(), 3, "two files have one name");
        // What a person asked for stays.
        writer.remove_root(back, &none_hidden).expect("removed");
        assert_eq!(inside(&mut writer), [("/m/card/DCIM".into(), None, true), ("/m/d".into(), None, true)]);
        assert_eq!(files(&mut writer), ["/m/card/DCIM: 3.jpg", "/m/d: 4.jpg"]);
    }

    #[test]
    fn a_root_that_was_taken_in_and_then_found_mounted_comes_back_as_one_that_was_asked_for() {
        let (_folder, mut writer) = store();
        // An earlier version took in what is on another filesystem too.
        add(&mut writer, "/m/card", &["1.jpg"]);
        let outer = add(&mut writer, "/m", &["2.jpg"]);
        assert_eq!(files(&mut writer), ["/m: 2.jpg", "/m: card/1.jpg"]);
        let known = Root::new(outer, "/m");
        let id = writer.add_mounted_root(&known, Path::new("/m/card"), volume_location("card", "/").as_ref(), Some(1), &none_hidden);
        assert!(id.expect("added").is_some());
        writer.remove_root(outer, &none_hidden).expect("removed");
        let roots = writer.roots().expect("read");
        assert_eq!(roots.iter().map(|root| (root.is_asked, root.inside)).collect::<Vec<_>>(), [(true, None)]);
        assert_eq!(files(&mut writer), ["/m/card: 1.jpg"]);
        // Nothing is added to a root that is gone.
        assert_eq!(writer.add_mounted_root(&known, Path::new("/m/nas"), None, None, &none_hidden).expect("asked"), None);
        let beside = Root { inside: Some(outer), is_asked: false, ..Root::new(outer, "/m/nas") };
        assert_eq!(writer.add_root_beside(&beside, &[]).expect("asked"), None);
    }

    #[test]
    fn files_of_roots_that_another_library_had_are_forgotten() {
        let (_folder, mut writer) = store();
        let root = add(&mut writer, "/photos", &["a.jpg"]);
        assert_eq!(writer.forget_unknown_roots().expect("looked"), 0);
        see(&mut writer, RootId(9), &["a.jpg"], 1);
        assert_eq!(writer.forget_unknown_roots().expect("forgotten"), 1);
        let roots: i64 = writer.index.query_row("SELECT max(root) FROM files", [], |row| row.get(0)).expect("read");
        assert_eq!(roots, root.0);
    }

    /// Makes the filesystem of a root no text.
    fn spoil(writer: &Writer, root: RootId) {
        let spoilt = writer.library.execute("UPDATE roots SET volume = CAST(x'ff43' AS TEXT), inner = x'2f' WHERE id = ?1", [root.0]);
        assert_eq!(spoilt.expect("changed"), 1);
    }

    /// The roots as they are stored, with their volumes.
    fn rows(writer: &Writer) -> Vec<(i64, String)> {
        let mut statement = writer.library.prepare("SELECT id, hex(volume) FROM roots ORDER BY id").expect("valid");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
        rows.collect::<rusqlite::Result<_>>().expect("read")
    }

    #[test]
    fn a_root_that_cannot_be_read_is_reported_and_kept_with_its_files_and_the_others_are_used() {
        let (folder, mut writer) = store();
        let (spoilt, good) = (add(&mut writer, "/a", &["1.jpg"]), add(&mut writer, "/b", &["2.jpg"]));
        spoil(&writer, spoilt);
        drop(writer);
        let mut writer = Writer::open(&Location::new(folder.path())).expect("opens");
        writer.nest_roots(&none_hidden).expect("nothing to nest");
        assert_eq!(writer.forget_unknown_roots().expect("looked"), 0, "its files are not forgotten");
        assert_eq!(known(&mut writer), [("/b".into(), None)]);
        let problems = writer.problems();
        assert!(problems.len() == 1 && problems[0].starts_with("the row of the watched folder /a cannot be read: "), "{problems:?}");
        assert_eq!(rows(&writer), [(spoilt.0, "FF43".into()), (good.0, String::new())]);
        // The others change, and it stays as it is.
        add(&mut writer, "/c", &[]);
        writer.remove_root(good, &none_hidden).expect("removed");
        assert_eq!(rows(&writer)[0], (spoilt.0, "FF43".into()));
        // If a person adds the folder again, it is back with its files.
        assert_eq!(writer.add_root(Path::new("/a"), volume_location("disk", "/a").as_ref(), &none_hidden).expect("added"), spoilt);
        assert_eq!(known(&mut writer), [("/a".into(), Some("disk".into())), ("/c".into(), None)]);
        assert_eq!((files(&mut writer), writer.problems()), (vec!["/a: 1.jpg".to_owned()], Vec::new()));
    }

    #[test]
    fn a_root_that_cannot_be_read_can_be_removed() {
        let (_folder, mut writer) = store();
        let inner = add(&mut writer, "/a/b", &["1.jpg"]);
        spoil(&writer, inner);
        let outer = add(&mut writer, "/a", &["2.jpg"]);
        assert_eq!(rows(&writer).len(), 2, "what cannot be read is part of nothing");
        assert!(!writer.remove_unreadable_roots(Path::new("/a"), &none_hidden).expect("asked"), "it can be read");
        assert!(writer.remove_unreadable_roots(Path::new("/a/b"), &none_hidden).expect("removed"));
        assert_eq!((files(&mut writer), writer.problems()), (vec!["/a: 2.jpg".to_owned()], Vec::new()));
        // What became part of another root before comes back as it was stored.
        let part = "INSERT INTO absorbed (holder, path, root, volume, inner) VALUES (?1, ?2, 9, CAST(x'ff43' AS TEXT), x'2f')";
        writer.library.execute(part, params![outer.0, b"c".as_slice()]).expect("as if it had been nested");
        writer.remove_root(outer, &none_hidden).expect("removed");
        assert_eq!(known(&mut writer), []);
        assert_eq!(rows(&writer).into_iter().map(|(_, volume)| volume).collect::<Vec<_>>(), ["FF43"]);
        assert!(writer.problems()[0].contains("/a/c"), "{:?}", writer.problems());
    }
}
