//! Finds all files below the path that was asked about. Nothing is skipped silently.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::fs::{self, Metadata};
use std::io;
use std::iter::once;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};

use super::content::{by_name, by_start, is_apple_double};
use super::judge::At;
use crate::cli::answers::CheckedKind;
use crate::cli::disk::may_be_two_views;
use crate::cli::failure::Failure;
use crate::photo::{Format, ShotName, folded, home, is_text};
use crate::sys::background::{Nice, background};
use crate::sys::mounts::Mounts;
use crate::sys::probe::DISK_STEP_TIMEOUT;

/// Folders whose files were deleted, or made by a system and can be made again.
const LEFT_OUT: [&str; 12] = [
    ".Trashes",
    ".Trash",
    "$RECYCLE.BIN",
    "RECYCLER",
    "#recycle",
    "@Recycle",
    "@eaDir",
    ".thumbnails",
    ".Spotlight-V100",
    ".fseventsd",
    ".TemporaryItems",
    "System Volume Information",
];

/// A file to judge.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub path: PathBuf,
    pub kind: CheckedKind,
    pub at: At,
    /// The file beside it that a sidecar belongs to.
    pub beside: Option<PathBuf>,
}

impl Candidate {
    /// Whether a decoding process can tell its picture from its metadata.
    pub fn is_photo(&self) -> bool {
        self.kind == CheckedKind::Photo
    }
}

/// What is below a path.
#[derive(Default)]
pub struct Below {
    pub files: Vec<Candidate>,
    /// Device and inode of each folder, and of each file whatever it is.
    pub folders: HashSet<(u64, u64)>,
    pub numbers: HashSet<(u64, u64)>,
    /// What each file has in common with views of it, with its number.
    views: BTreeSet<((u64, i64), (u64, u64))>,
    /// The number of files that are neither photos, films, sound nor sidecars, by their endings in lower case.
    pub neither: BTreeMap<String, u64>,
    pub links: u64,
    /// Trash folders and caches, of which no file is judged.
    pub left_out: Vec<LeftOut>,
    /// Folders that cannot be listed, files that may be anything, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// A folder of which no file is judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    pub path: PathBuf,
    /// The number of files in it. `None` if not all of it can be listed.
    pub files: Option<u64>,
}

impl Below {
    /// Returns the files that were not there when this was listed, or not as they are in a later list.
    pub fn changes<'a>(&self, later: &'a Below) -> impl Iterator<Item = &'a Candidate> {
        // A new ctime may be the trace of a write, and by the old one a view of the file was not recognised.
        let stamp = |file: &Candidate| (file.at.size, file.at.mtime_ns, file.at.ctime_ns);
        let known: HashMap<&Path, (u64, i64, i64)> = self.files.iter().map(|file| (file.path.as_path(), stamp(file))).collect();
        let changed: Vec<&Candidate> = later.files.iter().filter(|file| known.get(file.path.as_path()) != Some(&stamp(file))).collect();
        changed.into_iter()
    }

    /// Whether a file on another device may be one of these, whatever its name: another mount of their storage, or an overlay.
    pub fn may_be_seen_as(&self, now: &At) -> bool {
        let alike = now.in_all_views();
        let range = (alike, (0, 0))..=(alike, (u64::MAX, u64::MAX));
        self.views.range(range).any(|(_, number)| may_be_two_views(*number, now.number()))
    }
}

impl At {
    pub fn of(metadata: &Metadata) -> At {
        let ns = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        At {
            is_file: metadata.is_file(),
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Returns whether this is the name of a trash folder, or of a cache of a system.
pub fn is_left_out(name: &Path) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(".Trash-") || LEFT_OUT.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Walks a folder, or takes one file. The disk must answer for each entry.
pub fn walk(path: &Path) -> Result<Below, Failure> {
    let (step, steps) = channel();
    let (found, result) = channel();
    let top = path.to_owned();
    background("walk", Nice::No, move || {
        // Nobody waits any more once the disk was silent for too long.
        let mut walk = Walk { below: Below::default(), mounts: Mounts::now(), answered: &|| step.send(()).is_ok() };
        walk.all(&top);
        drop(found.send(walk.below));
    })?;
    loop {
        match steps.recv_timeout(DISK_STEP_TIMEOUT) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return Err(Failure::silent(path)),
            Err(RecvTimeoutError::Disconnected) => return result.recv().map_err(|_| Failure::silent(path)),
        }
    }
}

struct Walk<'a> {
    below: Below,
    mounts: Mounts,
    answered: &'a dyn Fn() -> bool,
}

impl Walk<'_> {
    fn all(&mut self, top: &Path) {
        match fs::symlink_metadata(top) {
            Ok(found) if found.is_dir() => {}
            Ok(found) => {
                self.take(top, &found);
                return self.finish();
            }
            Err(e) => return self.unlisted(top.to_owned(), e),
        }
        let mut folders = vec![top.to_owned()];
        while let Some(folder) = folders.pop() {
            if let Err(e) = self.list(&folder, &mut folders) {
                self.unlisted(folder, e);
            }
            if !(self.answered)() {
                return;
            }
        }
        for at in 0..self.below.left_out.len() {
            let path = self.below.left_out[at].path.clone();
            self.below.left_out[at].files = self.count(path).ok();
        }
        self.finish();
    }

    fn unlisted(&mut self, folder: PathBuf, why: impl Display) {
        self.below.unreadable.push((folder, format!("this folder cannot be read: {why}")));
    }

    fn is_automount(&self, path: &Path) -> bool {
        self.mounts.holding(path).is_some_and(|mount| mount.point == path && mount.is_automount())
    }

    fn list(&mut self, folder: &Path, folders: &mut Vec<PathBuf>) -> io::Result<()> {
        let found = fs::symlink_metadata(folder)?;
        // A folder may be mounted below itself. Where a server or a view makes numbers up, two folders may have one.
        if !self.below.folders.insert((found.dev(), found.ino())) {
            return Err(io::Error::other("it has the number of another folder here, so it was not looked into; ask about it alone"));
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if is_left_out(Path::new(&entry.file_name())) {
                    self.below.left_out.push(LeftOut { path, files: None });
                } else if self.is_automount(&path) {
                    self.unlisted(path, "something is mounted there when it is used");
                } else {
                    folders.push(path);
                }
            } else if kind.is_symlink() {
                self.below.links += 1;
            } else {
                match entry.metadata() {
                    Ok(metadata) => self.take(&path, &metadata),
                    Err(e) => self.below.unreadable.push((path, format!("it cannot be looked at: {e}"))),
                }
            }
            if !(self.answered)() {
                break;
            }
        }
        Ok(())
    }

    /// Counts the files in a folder that is left out. They go with the others if the folder goes.
    fn count(&mut self, top: PathBuf) -> io::Result<u64> {
        let (mut files, mut folders) = (0, vec![top]);
        while let Some(folder) = folders.pop() {
            let found = fs::symlink_metadata(&folder)?;
            if self.is_automount(&folder) {
                return Err(io::ErrorKind::ResourceBusy.into());
            }
            // Of several paths to one folder the first is counted.
            if !self.below.folders.insert((found.dev(), found.ino())) {
                continue;
            }
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if !kind.is_symlink() {
                    self.note(&At::of(&entry.metadata()?));
                    files += 1;
                }
                if !(self.answered)() {
                    break;
                }
            }
        }
        Ok(files)
    }

    /// Notes a file, whatever it is, so that it is recognised when it is seen again.
    fn note(&mut self, at: &At) {
        self.below.numbers.insert(at.number());
        self.below.views.insert((at.in_all_views(), at.number()));
    }

    fn take(&mut self, path: &Path, metadata: &Metadata) {
        let at = At::of(metadata);
        self.note(&at);
        let kind = match by_name(path) {
            _ if !at.is_file || is_apple_double(path) => None,
            Some(kind) if !is_text(path) => Some(kind),
            named => match by_start(path) {
                Ok(kind) => kind.or(named),
                Err(e) => return self.below.unreadable.push((path.to_owned(), format!("it cannot be read, and may be a photo: {e}"))),
            },
        };
        match kind {
            Some(kind) => self.below.files.push(Candidate { path: path.to_owned(), kind, at, beside: None }),
            None => self.count_neither(path),
        }
    }

    fn count_neither(&mut self, path: &Path) {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        *self.below.neither.entry(ending).or_default() += 1;
    }

    /// Sorts the files, and says of each sidecar which file it belongs to. Case does not count. A text that belongs to none is no
    /// sidecar.
    fn finish(&mut self) {
        self.below.files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut owners: HashMap<(PathBuf, Vec<u8>), PathBuf> = HashMap::new();
        let of_name = |is_named: bool| self.below.files.iter().filter(move |file| by_name(&file.path).is_some() == is_named);
        for file in of_name(true).chain(of_name(false)).filter(|file| file.kind != CheckedKind::Sidecar) {
            owners.entry(named(&file.path)).or_insert_with(|| file.path.clone());
            // Of several with one stem the first in this order: a RAW file before others, and these before what only its content tells.
            let is_raw = Format::from_name(&file.path) == Some(Format::Raw);
            let stem = owners.entry(named(&file.path.with_extension(""))).or_insert_with(|| file.path.clone());
            if is_raw {
                stem.clone_from(&file.path);
            }
        }
        for file in self.below.files.iter_mut().filter(|file| file.kind == CheckedKind::Sidecar) {
            let (folder, name) = home(&file.path);
            let whole = Path::new(OsStr::from_bytes(name)).with_extension("");
            let of_shot = ShotName::of(name).map(|named| PathBuf::from(OsString::from_vec(named.base.bytes())));
            let names = [Some(whole.with_extension("")), of_shot].into_iter().flatten();
            file.beside = once(whole).chain(names).find_map(|name| owners.get(&named(&folder.join(name)))).cloned();
        }
        let is_lone_text = |file: &mut Candidate| file.kind == CheckedKind::Sidecar && file.beside.is_none() && is_text(&file.path);
        let lone: Vec<Candidate> = self.below.files.extract_if(.., is_lone_text).collect();
        lone.iter().for_each(|file| self.count_neither(&file.path));
    }
}

/// The folder of a path, and the name in it as it is compared.
fn named(path: &Path) -> (PathBuf, Vec<u8>) {
    let name = path.file_name().unwrap_or_default().as_bytes();
    (path.parent().unwrap_or(Path::new("")).to_owned(), folded(name).into_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::cli::missing::content::APPLE_DOUBLE;

    #[test]
    fn what_came_or_was_written_to_is_told_from_what_was_there() {
        let top = tempfile::tempdir().expect("a folder");
        let at = |name: &str| top.path().join(name);
        for name in ["1.jpg", "2.jpg", "3.jpg"] {
            fs::write(at(name), b"x").expect("written");
        }
        let before = walk(top.path()).expect("walked");
        fs::write(at("2.jpg"), b"more").expect("written");
        fs::remove_file(at("3.jpg")).expect("removed");
        fs::write(at("4.mov"), b"new").expect("written");
        let later = walk(top.path()).expect("walked");
        let mut changed: Vec<PathBuf> = before.changes(&later).map(|file| file.path.clone()).collect();
        changed.sort();
        assert_eq!(changed, [at("2.jpg"), at("4.mov")]);
        assert_eq!(before.changes(&before).count(), 0);
    }

    #[test]
    fn each_file_is_recognised_in_another_mount_of_its_storage() {
        let top = tempfile::tempdir().expect("a folder");
        for name in ["1.jpg", "2.bak"] {
            fs::write(top.path().join(name), b"x").expect("written");
        }
        let below = walk(top.path()).expect("walked");
        let [photo, other] = ["1.jpg", "2.bak"].map(|name| At::of(&fs::symlink_metadata(top.path().join(name)).expect("there")));
        let share = 0xfff0_00ff;
        assert_eq!(rustix::fs::major(share), 0, "a device without a disk");
        for (what, seen, expected) in [
            ("a share that numbers files itself", At { device: share, inode: 7, ..photo }, true),
            ("a file that is not judged", At { device: share, inode: 7, ..other }, true),
            ("with the precision of a share", At { device: share, ctime_ns: photo.ctime_ns.div_euclid(100) * 100, ..photo }, true),
            ("with another time of its content", At { device: share, mtime_ns: 7, ..photo }, true),
            ("changed at another time", At { device: share, ctime_ns: photo.ctime_ns + 3_600_000_000_000, ..photo }, false),
            ("another size", At { device: share, size: 2, ..photo }, false),
            ("the device of the files, which has other numbers for other files", At { inode: 7, ..photo }, false),
        ] {
            assert_eq!(below.may_be_seen_as(&seen), expected, "{what}");
        }
    }

    #[test]
    fn a_sidecar_is_beside_its_photo_or_its_film() {
        let top = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(top.path().join("CaptureOne/Settings153")).expect("made");
        for (sidecar, owner) in [
            ("img_1.XMP", Some("IMG_1.CR3")),
            ("IMG_1.JPG.xmp", Some("IMG_1.JPG")),
            ("CaptureOne/Settings153/IMG_1.CR3.7.comask", Some("IMG_1.CR3")),
            ("MVI_2.MOV.xmp", Some("MVI_2.MOV")),
            ("MVI_2.mov.xml", Some("MVI_2.MOV")),
            ("C0001M01.XML", Some("C0001.MP4")),
            ("c0001.thm", Some("C0001.MP4")),
            ("IMG_3.jpg(1).json", Some("IMG_3(1).jpg")),
            ("C0002M01.XML", None),
        ] {
            let names = ["IMG_1.CR3", "IMG_1.JPG", "MVI_2.MOV", "C0001.MP4", "IMG_3(1).jpg", sidecar];
            names.iter().for_each(|name| fs::write(top.path().join(name), b"x").expect("written"));
            let below = walk(top.path()).expect("walked");
            let found = below.files.iter().find(|file| file.path == top.path().join(sidecar)).expect("found");
            assert_eq!(found.kind, CheckedKind::Sidecar, "{sidecar}");
            assert_eq!(found.beside.as_deref(), owner.map(|owner| top.path().join(owner)).as_deref(), "{sidecar}");
            fs::remove_file(top.path().join(sidecar)).expect("removed");
        }
    }

    #[test]
    fn every_file_is_found_or_counted() {
        let top = tempfile::tempdir().expect("a folder");
        let at = |name: &str| top.path().join(name);
        for folder in ["DCIM/.hidden", ".Trash-1000/files", "DCIM/.thumbnails", "empty"] {
            fs::create_dir_all(at(folder)).expect("made");
        }
        for name in [
            "DCIM/1.JPG",
            "DCIM/1.xmp",
            "DCIM/1.JPG.pp3",
            "DCIM/2.MOV",
            "DCIM/2.THM",
            "DCIM/3.wav",
            "DCIM/.hidden/4.nef",
            "DCIM/lonely.xmp",
            "DCIM/1.txt",
            "DCIM/lonely.txt",
            "DCIM/index.dat",
            "DCIM/INDEX.DAT",
            "readme",
            ".Trash-1000/5.jpg",
            ".Trash-1000/files/6.txt",
        ] {
            fs::write(at(name), b"x").expect("written");
        }
        fs::write(at("DCIM/._1.JPG"), [APPLE_DOUBLE, b"rest"].concat()).expect("written");
        fs::write(at("DCIM/._own.jpg"), b"a photo of this name").expect("written");
        fs::write(at("DCIM/IMG_0001"), b"\xff\xd8\xff\xe0").expect("written");
        fs::write(at("DCIM/IMG_0001.xmp"), b"x").expect("written");
        fs::write(at("DCIM/photo.txt"), b"\xff\xd8\xff\xe0").expect("written");
        fs::write(at("DCIM/1.bak"), b"\xff\xd8\xff\xe0").expect("written");
        fs::write(at("FILE0000.CHK"), b"\0\0\0\x18ftypmp42\0\0\0\0").expect("written");
        symlink(at("DCIM/1.JPG"), at("link.jpg")).expect("linked");
        symlink(top.path(), at("loop")).expect("linked");
        let below = walk(top.path()).expect("walked");
        let found: Vec<(String, CheckedKind, Option<String>)> = below
            .files
            .iter()
            .map(|file| {
                let name = |path: &Path| path.strip_prefix(top.path()).expect("below").display().to_string();
                (name(&file.path), file.kind, file.beside.as_deref().map(name))
            })
            .collect();
        let of = |name: &str, kind, beside: Option<&str>| (name.to_owned(), kind, beside.map(str::to_owned));
        use CheckedKind::{Film, Photo, Sidecar, Sound};
        let expected = [
            of("DCIM/._own.jpg", Photo, None),
            of("DCIM/.hidden/4.nef", Photo, None),
            of("DCIM/1.JPG", Photo, None),
            of("DCIM/1.JPG.pp3", Sidecar, Some("DCIM/1.JPG")),
            of("DCIM/1.bak", Photo, None),
            of("DCIM/1.txt", Sidecar, Some("DCIM/1.JPG")),
            of("DCIM/1.xmp", Sidecar, Some("DCIM/1.JPG")),
            of("DCIM/2.MOV", Film, None),
            of("DCIM/2.THM", Sidecar, Some("DCIM/2.MOV")),
            of("DCIM/3.wav", Sound, None),
            of("DCIM/IMG_0001", Photo, None),
            of("DCIM/IMG_0001.xmp", Sidecar, Some("DCIM/IMG_0001")),
            of("DCIM/lonely.xmp", Sidecar, None),
            of("DCIM/photo.txt", Photo, None),
            of("FILE0000.CHK", Film, None),
        ];
        assert_eq!(found, expected);
        assert_eq!(below.neither, BTreeMap::from([(String::new(), 1), ("dat".into(), 2), ("jpg".into(), 1), ("txt".into(), 1)]));
        let mut left_out: Vec<(PathBuf, Option<u64>)> = below.left_out.into_iter().map(|folder| (folder.path, folder.files)).collect();
        left_out.sort();
        assert_eq!(left_out, [(at(".Trash-1000"), Some(2)), (at("DCIM/.thumbnails"), Some(0))]);
        assert_eq!((below.links, below.unreadable), (2, Vec::new()));
        let one = walk(&at("DCIM/2.MOV")).expect("walked");
        assert_eq!(one.files.len(), 1);
    }
}
