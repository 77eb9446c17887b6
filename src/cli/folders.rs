//! The names in the folders of photos, as they are now. A folder is read again only if it may have changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::disk::Now;
use crate::photo::{OtherKind, ShotName, folded, has_sidecars, home};
use crate::sys::now;

/// The most names that are held.
const MAX_NAMES: usize = 500_000;

/// A name that appears this many nanoseconds after another one gives its folder another time, on every filesystem.
const TIME_STEP_NS: i64 = 4_000_000_000;

#[derive(Default)]
pub struct Folders {
    listed: HashMap<PathBuf, Listed>,
    names: usize,
}

/// What was in a folder.
struct Listed {
    folder: Now,
    /// Whether a later change would show in the times of the folder.
    is_settled: bool,
    /// The files that the daemon would remember, by what the names of their shots begin with, in lower case.
    by_base: HashMap<Vec<u8>, Vec<PathBuf>>,
    /// The folders in it in which programs keep sidecars.
    of_programs: Vec<PathBuf>,
}

impl Folders {
    /// Returns the files that may be of the shot of a photo by their names, with the photo. `heard` is called each time the disk has
    /// answered.
    pub fn of_base(&mut self, photo: &Path, heard: &dyn Fn()) -> io::Result<Vec<PathBuf>> {
        let (own, name) = home(photo);
        let mut found = Vec::new();
        let Some(named) = ShotName::of(name) else { return Ok(found) };
        let base = folded(&named.base.bytes()).into_owned();
        let mut folders = vec![own.to_owned()];
        while let Some(folder) = folders.pop() {
            let listed = self.list(&folder, heard)?;
            let of_base = listed.by_base.get(&base).into_iter().flatten();
            found.extend(of_base.filter(|path| home(path).0 == own).cloned());
            folders.extend_from_slice(&listed.of_programs);
        }
        Ok(found)
    }

    fn list(&mut self, folder: &Path, heard: &dyn Fn()) -> io::Result<&Listed> {
        let found = Now::at(folder);
        heard();
        let found = found?;
        if !self.listed.get(folder).is_some_and(|listed| listed.is_settled && listed.folder == found) {
            if self.names > MAX_NAMES {
                *self = Folders::default();
            }
            let listed = Listed::read(folder, found, heard)?;
            self.names += listed.by_base.values().map(Vec::len).sum::<usize>();
            self.listed.insert(folder.to_owned(), listed);
        }
        Ok(&self.listed[folder])
    }
}

impl Listed {
    fn read(path: &Path, folder: Now, heard: &dyn Fn()) -> io::Result<Listed> {
        let is_settled = now().saturating_mul(1_000_000_000) - folder.mtime_ns.max(folder.ctime_ns) > TIME_STEP_NS;
        let mut listed = Listed { folder, is_settled, by_base: HashMap::new(), of_programs: Vec::new() };
        let entries = fs::read_dir(path);
        heard();
        for entry in entries? {
            heard();
            let entry = entry?;
            let (path, is_folder) = (entry.path(), entry.file_type()?.is_dir());
            if is_folder && has_sidecars(&path) {
                listed.of_programs.push(path);
            } else if !is_folder && OtherKind::is_remembered(&path) {
                listed.add(path);
            }
        }
        Ok(listed)
    }

    fn add(&mut self, path: PathBuf) {
        let Some(named) = ShotName::of(home(&path).1) else { return };
        let bases = [Some(named.base), named.further_base()].map(|base| base.map(|base| folded(&base.bytes()).into_owned()));
        bases.into_iter().flatten().for_each(|base| self.by_base.entry(base).or_default().push(path.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_again_if_it_may_have_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str| fs::write(path(name), "x").expect("written");
        let settings = path("CaptureOne/Settings153");
        fs::create_dir_all(&settings).expect("made");
        ["1.CR3", "1.xmp", "1.text", "2.xmp", "1_01.CR3.xmp", "CaptureOne/Settings153/1.CR3.cos", "CaptureOne/1.xmp"]
            .iter()
            .for_each(|name| write(name));
        let mut folders = Folders::default();
        let of_base = |folders: &mut Folders| {
            let mut found = folders.of_base(&path("1.CR3"), &|| {}).expect("listed");
            found.sort();
            found
        };
        write("IMG.CR3");
        write("img.XMP");
        assert_eq!(Folders::default().of_base(&path("IMG.CR3"), &|| {}).expect("listed").len(), 2, "in whatever case");
        let all = ["1.CR3", "1.xmp", "1_01.CR3.xmp", "CaptureOne/Settings153/1.CR3.cos"].map(path);
        assert_eq!(of_base(&mut folders), all);
        // It was written just now, so its times may not tell.
        write("1.pp3");
        assert_eq!(of_base(&mut folders).len(), 5);
        // A folder that was not written for long is read once.
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        let settle = |folders: &mut Folders| {
            for (path, listed) in &mut folders.listed {
                fs::File::open(path).and_then(|folder| folder.set_modified(long_ago)).expect("set");
                (listed.folder, listed.is_settled) = (Now::at(path).expect("there"), true);
            }
        };
        settle(&mut folders);
        folders.listed.get_mut(folder.path()).expect("listed").by_base.clear();
        assert_eq!(of_base(&mut folders), all[3..], "it is not read again");
        write("1.dop");
        fs::write(settings.join("1.JPG.cos"), "x").expect("written");
        assert_eq!(of_base(&mut folders).len(), 7, "both are");
        assert!(folders.of_base(&path("none/1.CR3"), &|| {}).is_err());
    }
}
