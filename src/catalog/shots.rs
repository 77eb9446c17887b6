//! Shots of an answer: the files that belong to its photos, by their folders, names and times. Nothing of it is stored, so a shot that
//! is renamed or moved as a whole stays one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::likeness::{FileOfBase, Grouped, shots};
use crate::photo::{
    Base, Capture, Decisions, Format, OtherKind, PhotoId, PictureHash, Place, Role, RootId, Shot, ShotFile, ShotFileKind, ShotName, Stamp,
    Unpaired, Verdict, folded, home,
};
use crate::store::{FileRecord, Name, Named, PhotoRecord, Reader, Result};

/// Two files in two folders are one exposure, as far as the camera says, if their times are no farther apart, in seconds.
const MAX_APART: f64 = 1.0;

/// A file that may be of a shot, with its name in the folder of its photos.
#[derive(Clone)]
struct InFolder {
    place: Place,
    /// As it is compared with the others of its group: see [`spelled`].
    name: Vec<u8>,
    /// `None` for a file that is no photo.
    other: Option<Stamp>,
}

/// A file by its photo and its number there, with its shot, or why it is in none.
type FoundFile = (PhotoId, usize, Option<Arc<Shot>>, Option<Unpaired>);

/// What is known of such a file.
struct Known {
    place: Place,
    /// As it is compared with the others.
    name: Vec<u8>,
    kind: ShotFileKind,
    stamp: Stamp,
    format: Option<Format>,
    picture: Option<PictureHash>,
    taken: Option<f64>,
    /// If it is of one of the photos.
    of: Option<(PhotoId, usize)>,
}

/// Tells each file of the photos which shot it is of. A person may have decided that two photos are different.
///
/// # Errors
/// If the store cannot be read.
pub fn add_shots(reader: &Reader, decisions: &Decisions, photos: &mut HashMap<PhotoId, PhotoRecord>) -> Result<()> {
    let groups = groups(reader, photos)?;
    if groups.is_empty() {
        note_other_folders(decisions, photos);
        return Ok(());
    }
    let mut files: HashMap<&Place, (PhotoId, usize)> = HashMap::new();
    for photo in photos.values() {
        files.extend(photo.files.iter().enumerate().map(|(at, file)| (&file.place, (photo.id, at))));
    }
    let mut found: Vec<FoundFile> = Vec::new();
    for group in groups {
        if group.iter().any(|file| files.contains_key(&file.place)) {
            let known = group.into_iter().map(|file| known(reader, photos, &files, file)).collect::<Result<Vec<_>>>()?;
            add_group(decisions, known.into_iter().flatten().collect(), &mut found);
        }
    }
    drop(files);
    for (photo, at, shot, unpaired) in found {
        if let Some(file) = photos.get_mut(&photo).and_then(|photo| photo.files.get_mut(at)) {
            file.shot = shot.or(file.shot.take());
            file.unpaired = unpaired.or(file.unpaired);
        }
    }
    note_other_folders(decisions, photos);
    Ok(())
}

/// Returns the files that may be of one shot with a file of the photos, where there are several.
fn groups(reader: &Reader, photos: &HashMap<PhotoId, PhotoRecord>) -> Result<Vec<Vec<InFolder>>> {
    let places = || photos.values().flat_map(|photo| photo.files.iter().map(|file| &file.place));
    let mut keys = Keys::default();
    let mut wanted: HashSet<u64> = HashSet::new();
    places().for_each(|place| wanted.extend(keys.of_photo(place.root, &place.path)));
    let mut counted: HashMap<u64, u32> = HashMap::with_capacity(wanted.len());
    let mut found: Vec<(u64, InFolder)> = Vec::new();
    let scopes = Reader::folders_of(places());
    reader.each_name(&scopes, |Named { root, path, name }| {
        let (first, second, other) = match name {
            Name::Photo => (keys.of_photo(root, path), None, None),
            Name::Other(stamp) => {
                let [first, second] = of_other(root, path);
                (first, second, Some(stamp))
            }
        };
        for key in first.into_iter().chain(second).filter(|key| wanted.contains(key)) {
            *counted.entry(key).or_default() += 1;
            let name = home(path).1.to_owned();
            found.push((key, InFolder { place: Place { root, path: path.to_owned() }, name, other }));
        }
    })?;
    found.retain(|(key, _)| counted[key] > 1);
    // Two names may have one key by chance.
    let mut groups: BTreeMap<(RootId, PathBuf, Vec<u8>), Vec<InFolder>> = BTreeMap::new();
    for (key, file) in found {
        let folder = home(&file.place.path).0;
        let Some(named) = ShotName::of(&file.name) else { continue };
        let of_key = |base: &Base<'_>| self::key(folder_key(file.place.root, folder.as_os_str().as_bytes()), *base) == key;
        let Some(base) = [Some(named.base), named.further_base()].into_iter().flatten().find(of_key) else { continue };
        groups.entry((file.place.root, folder.to_owned(), folded(&base.bytes()).into_owned())).or_default().push(file);
    }
    let groups = groups.into_iter().flat_map(|((_, _, base), group)| spelled(&base, group));
    Ok(groups.filter(|group| group.len() > 1).collect())
}

/// Gives the files of one base the names by which they are compared: those in lower case, because on many disks case does not count. Where
/// two files have one name then, this disk tells them apart, and each spelling of the base is a group of its own.
fn spelled(base: &[u8], mut group: Vec<InFolder>) -> Vec<Vec<InFolder>> {
    let paths: HashSet<Vec<u8>> = group.iter().map(|file| folded(file.place.path.as_os_str().as_bytes()).into_owned()).collect();
    if paths.len() == group.len() {
        group.iter_mut().for_each(|file| file.name = folded(&file.name).into_owned());
        return vec![group];
    }
    let mut by_base: BTreeMap<Vec<u8>, Vec<InFolder>> = BTreeMap::new();
    for file in group {
        let Some(named) = ShotName::of(&file.name) else { continue };
        let bases = [Some(named.base), named.further_base()].map(|base| base.map(Base::bytes));
        for own in bases.into_iter().flatten().filter(|own| *folded(own) == *base) {
            by_base.entry(own).or_default().push(file.clone());
        }
    }
    by_base.into_values().collect()
}

/// Numbers for what the names of a shot have in common, in whatever case, with the folder. There are very many names, most of them in the folder of the one
/// before.
#[derive(Default)]
struct Keys {
    root: Option<RootId>,
    folder: Vec<u8>,
    key: u64,
}

impl Keys {
    /// Returns the number of a photo.
    fn of_photo(&mut self, root: RootId, path: &Path) -> Option<u64> {
        let path = path.as_os_str().as_bytes();
        let (folder, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&b""[..], path),
        };
        if self.root != Some(root) || self.folder != folder {
            *self = Keys { root: Some(root), folder: folder.to_owned(), key: folder_key(root, folder) };
        }
        Some(key(self.key, ShotName::of_photo(name)?.base))
    }
}

/// Returns the numbers of a file that is no photo. A sidecar may stand under two names.
fn of_other(root: RootId, path: &Path) -> [Option<u64>; 2] {
    let (folder, name) = home(path);
    let of_folder = folder_key(root, folder.as_os_str().as_bytes());
    let named = ShotName::of(name);
    [named.map(|named| named.base), named.and_then(|named| named.further_base())].map(|base| Some(key(of_folder, base?)))
}

fn folder_key(root: RootId, folder: &[u8]) -> u64 {
    let start = fold(0xcbf2_9ce4_8422_2325, &root.0.to_le_bytes());
    fold(fold(start, folder), b"/")
}

fn key(folder: u64, base: Base<'_>) -> u64 {
    base.parts().into_iter().fold(folder, |key, part| fold(key, &folded(part)))
}

/// FNV-1a. Two parts have the number of the whole.
fn fold(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |key, byte| (key ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Returns what is known of a file. `None` if it is gone by now.
fn known(
    reader: &Reader,
    photos: &HashMap<PhotoId, PhotoRecord>,
    files: &HashMap<&Place, (PhotoId, usize)>,
    InFolder { place, name, other }: InFolder,
) -> Result<Option<Known>> {
    let (mut format, mut picture, mut taken, mut of) = (Format::from_name(&place.path), None, None, None);
    let (kind, stamp) = match other {
        Some(stamp) => (OtherKind::from_name(&place.path).map_or(ShotFileKind::Sidecar, ShotFileKind::from), stamp),
        None => {
            let stamp = if let Some(&(id, at)) = files.get(&place) {
                let (record, file) = (&photos[&id], &photos[&id].files[at]);
                (format, picture, taken, of) = (Some(record.format), Some(record.picture), taken_of(record, file), Some((id, at)));
                file.stamp
            } else {
                let Some(beside) = reader.file_beside(&place)? else { return Ok(None) };
                (format, picture) = (beside.format.or(format), beside.picture);
                taken = Capture { taken: beside.taken, ..Capture::default() }.seconds();
                beside.stamp
            };
            (ShotFileKind::Photo, stamp)
        }
    };
    Ok(Some(Known { place, name, kind, stamp, format, picture, taken, of }))
}

/// When a file says that its photo was taken.
fn taken_of(record: &PhotoRecord, file: &FileRecord) -> Option<f64> {
    file.metadata.as_ref().map_or_else(|| record.capture.seconds(), |metadata| metadata.capture.seconds())
}

/// Finds the shots of files whose names have one base.
fn add_group(decisions: &Decisions, known: Vec<Known>, found: &mut Vec<FoundFile>) {
    let files: Vec<FileOfBase<'_>> = known
        .iter()
        .filter_map(|file| {
            let (named, is_read) = (ShotName::of(&file.name)?, file.picture.is_some());
            Some(FileOfBase {
                name: &file.name,
                named,
                kind: file.kind,
                format: file.format,
                is_read,
                taken: file.taken,
                mtime: file.stamp.mtime,
            })
        })
        .collect();
    if files.len() != known.len() {
        return;
    }
    let is_different = |a: usize, b: usize| {
        let two = known[a].picture.zip(known[b].picture);
        two.is_some_and(|(a, b)| decisions.of(a, b) == Some(Verdict::Different))
    };
    let Grouped { shots, unpaired } = shots(&files, &is_different);
    for members in shots {
        let of = |member: &crate::likeness::ShotMember| {
            let Known { place, kind, stamp, .. } = &known[member.file];
            ShotFile { place: place.clone(), kind: *kind, stamp: *stamp, is_shared: member.is_shared }
        };
        let shot = Arc::new(Shot { files: members.iter().map(of).collect() });
        let photos = members.iter().filter_map(|member| known[member.file].of);
        found.extend(photos.map(|(photo, at)| (photo, at, Some(shot.clone()), None)));
    }
    found.extend(unpaired.into_iter().filter_map(|(file, why)| known[file].of.map(|(photo, at)| (photo, at, None, Some(why)))));
}

/// A file that is in no shot with another photo.
struct Single<'a> {
    photo: &'a PhotoRecord,
    at: usize,
    taken: f64,
}

impl Single<'_> {
    fn file(&self) -> &FileRecord {
        &self.photo.files[self.at]
    }

    fn capture(&self) -> &Capture {
        self.file().metadata.as_ref().map_or(&self.photo.capture, |metadata| &metadata.capture)
    }

    /// Whether this and the other one look like one exposure in two folders. The cameras count only as far as both files name them.
    fn is_split_from(&self, other: &Single<'_>, decisions: &Decisions) -> bool {
        let differ = |of: fn(&Capture) -> &Option<String>| {
            of(self.capture()).as_ref().zip(of(other.capture()).as_ref()).is_some_and(|(a, b)| !a.eq_ignore_ascii_case(b))
        };
        let folder = |single: &Single<'_>| (single.file().place.root, home(&single.file().place.path).0.to_owned());
        folder(self) != folder(other)
            && !differ(|capture| &capture.model)
            && !differ(|capture| &capture.serial)
            && decisions.of(self.photo.picture, other.photo.picture) != Some(Verdict::Different)
    }

    /// Whether one of some files, which are sorted by time, looks like one exposure with this one.
    fn is_split(&self, others: &[Single<'_>], decisions: &Decisions) -> bool {
        let first = others.partition_point(|other| other.taken < self.taken - MAX_APART);
        let mut near = others[first..].iter().take_while(|other| other.taken <= self.taken + MAX_APART);
        near.any(|other| self.is_split_from(other, decisions))
    }
}

/// Notes RAW files and pictures of the camera that look like one exposure, by their names and times, and are in two folders.
fn note_other_folders(decisions: &Decisions, photos: &mut HashMap<PhotoId, PhotoRecord>) {
    let is_paired = |file: &FileRecord| file.shot.as_ref().is_some_and(|shot| shot.count_photos() > 1);
    let by_stem = |is_wanted: &dyn Fn(Format) -> bool| {
        let mut found: HashMap<&[u8], Vec<Single<'_>>> = HashMap::new();
        for photo in photos.values().filter(|photo| is_wanted(photo.format)) {
            for (at, file) in photo.files.iter().enumerate().filter(|(_, file)| !is_paired(file) && file.unpaired.is_none()) {
                let named =
                    ShotName::of_photo(home(&file.place.path).1).filter(|named| matches!(named.role, Role::Plain | Role::TakeoutEdited));
                if let Some((named, taken)) = named.zip(taken_of(photo, file)) {
                    found.entry(named.stem).or_default().push(Single { photo, at, taken });
                }
            }
        }
        found.values_mut().for_each(|files| files.sort_unstable_by(|a, b| a.taken.total_cmp(&b.taken)));
        found
    };
    let raws = by_stem(&|format| format == Format::Raw);
    if raws.is_empty() {
        return;
    }
    let pictures = by_stem(&|format| matches!(format, Format::Jpeg | Format::Heic));
    let mut split: Vec<(PhotoId, usize)> = Vec::new();
    for (stem, raws) in &raws {
        let Some(pictures) = pictures.get(stem) else { continue };
        for (files, others) in [(raws, pictures), (pictures, raws)] {
            let of_two = files.iter().filter(|file| file.is_split(others, decisions));
            split.extend(of_two.map(|file| (file.photo.id, file.at)));
        }
    }
    for (photo, at) in split {
        if let Some(file) = photos.get_mut(&photo).and_then(|photo| photo.files.get_mut(at)) {
            file.unpaired = Some(Unpaired::OtherFolder);
        }
    }
}

/// Whether all files of these photos are of one shot.
pub fn is_one_shot<'a>(photos: impl Iterator<Item = &'a PhotoRecord> + Clone) -> bool {
    let mut files = photos.clone().flat_map(|photo| &photo.files);
    let Some(shot) = files.next().and_then(|first| first.shot.clone()) else { return false };
    photos.clone().count() > 1 && photos.flat_map(|photo| &photo.files).all(|file| shot.holds(&file.place))
}

/// Whether a file of one photo is in a shot with a file of the other.
pub fn are_of_one_shot(a: &PhotoRecord, b: &PhotoRecord) -> bool {
    a.files.iter().filter_map(|file| file.shot.as_ref()).any(|shot| b.files.iter().any(|file| shot.holds(&file.place)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::{ContentHash, Decision, Dimensions, EqualPictures};

    /// A photo with one file, taken with this camera at this second.
    fn photo(number: u8, path: &str, model: &str, second: u8) -> (PhotoId, PhotoRecord) {
        let format = Format::from_name(Path::new(path)).expect("a photo");
        let stamp = Stamp { volume: 1, inode: number.into(), size: 1, mtime: 1, ctime: 1, birth: None };
        let place = Place { root: RootId(1), path: path.into() };
        let file = FileRecord { place, stamp, content: ContentHash([number; 32]), metadata: None, shot: None, unpaired: None };
        let taken = Some(format!("2026-05-01T10:00:{second:02}"));
        let capture = Capture { taken, model: Some(model.into()), ..Capture::default() };
        let (id, picture, dimensions) = (PhotoId(number.into()), PictureHash([number; 32]), Dimensions { width: 3, height: 2 });
        (id, PhotoRecord { id, picture, format, dimensions, capture, quantisation: None, detail: None, files: vec![file] })
    }

    #[test]
    fn case_counts_only_where_two_names_differ_in_nothing_else() {
        let groups = |paths: &[&str]| -> Vec<Vec<String>> {
            let file = |path: &&str| {
                let place = Place { root: RootId(1), path: path.into() };
                InFolder { name: home(&place.path).1.to_owned(), place, other: None }
            };
            let groups = spelled(b"img_1", paths.iter().map(file).collect());
            groups.into_iter().map(|group| group.into_iter().map(|file| String::from_utf8(file.name).expect("text")).collect()).collect()
        };
        assert_eq!(groups(&["IMG_1.JPG", "img_1.cr3", "Img_1.XMP"]), [["img_1.jpg", "img_1.cr3", "img_1.xmp"]]);
        let settings = ["CaptureOne/Settings1/IMG_1.CR3.cos", "CaptureOne/Settings2/img_1.cr3.cos"];
        assert_eq!(groups(&settings), [["img_1.cr3.cos", "img_1.cr3.cos"]], "in two folders");
        assert_eq!(groups(&["IMG_1.JPG", "img_1.JPG", "img_1.xmp"]), [&["IMG_1.JPG"][..], &["img_1.JPG", "img_1.xmp"]]);
        assert_eq!(groups(&["IMG_1.JPG", "IMG_1.jpg", "img_1.xmp"]), [&["IMG_1.JPG", "IMG_1.jpg"][..], &["img_1.xmp"]]);
    }

    #[test]
    fn one_exposure_in_two_folders_is_noted_as_two_shots() {
        let noted = |raw: (&str, &str, u8), picture: (&str, &str, u8), verdict: Option<Verdict>| {
            let both = [(1, raw), (2, picture)].map(|(number, (path, model, second))| photo(number, path, model, second));
            let (a, b) = (both[0].1.picture, both[1].1.picture);
            let made = verdict.map(|verdict| Decision { a, b, verdict, made: 1, follows: None });
            let mut photos = HashMap::from(both);
            note_other_folders(&Decisions::new(made, EqualPictures::default()), &mut photos);
            let noted: HashSet<bool> = photos.values().map(|photo| photo.files[0].unpaired == Some(Unpaired::OtherFolder)).collect();
            assert_eq!(noted.len(), 1, "both or none");
            noted.contains(&true)
        };
        let (raw, picture) = (("raw/1.CR3", "R6", 10), ("jpg/1.JPG", "R6", 11));
        assert!(noted(raw, picture, None) && noted(raw, picture, Some(Verdict::Same)));
        assert!(!noted(raw, picture, Some(Verdict::Different)), "a person decided");
        assert!(!noted(raw, ("jpg/1.JPG", "R5", 10), None), "another camera");
        assert!(!noted(raw, ("jpg/1.JPG", "R6", 12), None), "another time");
        assert!(!noted(raw, ("jpg/2.JPG", "R6", 10), None), "another name");
        assert!(!noted(raw, ("raw/1.JPG", "R6", 10), None), "one folder");
    }
}
