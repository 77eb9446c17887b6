//! Shots: which files of one name in one folder are of one exposure.

use std::collections::BTreeSet;

use crate::photo::{Format, NamedPhoto, Role, ShotFileKind, ShotName, Unpaired, has_name, is_motion_film, is_of_other, photos_of};

/// A RAW file and the picture of the camera are one exposure if their times are no farther apart, in seconds.
const MAX_APART: f64 = 1.0;

/// A film is surely that of a photo if their files were written no farther apart, in nanoseconds. The identifier that tells it is inside
/// of the film, and films are not read.
const MAX_FILM_APART: i64 = 3_000_000_000;

/// The endings of the film of a photo.
const FILMS: [&[u8]; 3] = [b"mov", b"mp4", b"m4v"];

/// The endings of a smaller film that a camera writes beside it.
const SMALL_FILMS: [&[u8]; 2] = [b"lrv", b"lrf"];

/// A file whose name has the base of the others.
#[derive(Clone, Copy, Debug)]
pub struct FileOfBase<'a> {
    /// In lower case, unless two files of the base have one name then.
    pub name: &'a [u8],
    pub named: ShotName<'a>,
    pub kind: ShotFileKind,
    /// Of a photo, by its content if that is read.
    pub format: Option<Format>,
    /// Whether it is a photo that could be read.
    pub is_read: bool,
    /// The time of the camera, in seconds.
    pub taken: Option<f64>,
    /// Nanoseconds since 1970.
    pub mtime: i64,
}

impl FileOfBase<'_> {
    fn is_photo(&self) -> bool {
        self.kind == ShotFileKind::Photo
    }

    fn is_raw(&self) -> bool {
        self.is_photo() && self.format == Some(Format::Raw)
    }

    /// Whether a camera or a phone may have written it beside a RAW file.
    fn is_of_camera(&self) -> bool {
        self.is_photo() && matches!(self.format, Some(Format::Jpeg | Format::Heic))
    }

    fn ending(&self) -> &[u8] {
        self.name.rsplit(|byte| *byte == b'.').next().unwrap_or_default()
    }

    /// Whether it is a film with one of these endings.
    fn is_film(&self, endings: &[&[u8]]) -> bool {
        self.kind == ShotFileKind::Film && endings.iter().any(|ending| ending.eq_ignore_ascii_case(self.ending()))
    }
}

/// The shots of some files, by their positions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Grouped {
    /// Those of several files. Photos come first, RAW before the others.
    pub shots: Vec<Vec<Member>>,
    /// Why files that look like one shot are several.
    pub unpaired: Vec<(usize, Unpaired)>,
}

/// A file of a shot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    pub file: usize,
    /// Whether it is also of what is not in the shot, or is a film that may be none of its photos.
    pub is_shared: bool,
}

/// Groups the files of one folder whose names have one base. `is_different`: whether a person decided that two photos are different.
/// The order of the files does not count.
pub fn shots(files: &[FileOfBase<'_>], is_different: &dyn Fn(usize, usize) -> bool) -> Grouped {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|file| (files[*file].kind, files[*file].format, files[*file].name));
    let mut grouping = Grouping { files, is_different, unit: (0..files.len()).collect(), unpaired: Vec::new() };
    grouping.pair_photos(&order);
    let units = grouping.units(&order);
    let mut shots: Vec<Vec<Member>> =
        units.iter().map(|unit| unit.iter().map(|file| Member { file: *file, is_shared: false }).collect()).collect();
    // The films, sounds and pictures that stay whichever shot goes. Sidecars come last in the order.
    let mut staying: Vec<&FileOfBase<'_>> = Vec::new();
    for file in order.into_iter().filter(|file| !files[*file].is_photo()) {
        let FileOfBase { named, kind, .. } = &files[file];
        let of = grouping.owners(file, &units);
        let is_of = |other: &&FileOfBase<'_>| match named.role {
            Role::OfStem => other.named.stem == named.stem,
            _ => *kind == ShotFileKind::Sidecar && is_of_other(named, other.name),
        };
        let is_shared = of.len() > 1 || staying.iter().any(is_of) || grouping.is_of_others(file, &units, &of);
        if is_shared && *kind != ShotFileKind::Sidecar {
            staying.push(&files[file]);
        }
        of.iter().for_each(|unit| shots[*unit].push(Member { file, is_shared }));
    }
    shots.retain(|shot| shot.len() > 1);
    let mut unpaired = grouping.unpaired;
    unpaired.sort_by_key(|(file, _)| *file);
    unpaired.dedup_by_key(|(file, _)| *file);
    Grouped { shots, unpaired }
}

struct Grouping<'a> {
    files: &'a [FileOfBase<'a>],
    is_different: &'a dyn Fn(usize, usize) -> bool,
    /// A number for each photo, the same for those of one shot.
    unit: Vec<usize>,
    unpaired: Vec<(usize, Unpaired)>,
}

impl Grouping<'_> {
    /// Joins the photos that are one exposure.
    fn pair_photos(&mut self, order: &[usize]) {
        let of_role = |wanted: &dyn Fn(&FileOfBase<'_>) -> bool| -> Vec<usize> {
            order.iter().copied().filter(|file| wanted(&self.files[*file])).collect()
        };
        let is_plain = |file: &FileOfBase<'_>| file.named.role == Role::Plain;
        let raws = of_role(&|file| is_plain(file) && file.is_raw());
        let pictures = of_role(&|file| is_plain(file) && file.is_of_camera());
        let edited = of_role(&|file| file.named.role == Role::Edited && (file.is_of_camera() || file.is_raw()));
        let is_cover = |file: &FileOfBase<'_>| matches!(file.named.role, Role::Cover(_)) && file.is_photo();
        let is_original = |file: &FileOfBase<'_>| matches!(file.named.role, Role::Original(_)) && file.is_photo();
        let (covers, originals) = (of_role(&is_cover), of_role(&is_original));
        // What was edited elsewhere is no partner of these, and may have both of its own.
        let is_edit = |file: &FileOfBase<'_>| file.named.role == Role::TakeoutEdited;
        let stems: BTreeSet<&[u8]> = of_role(&is_edit).into_iter().map(|file| self.files[file].named.stem).collect();
        let of_stem = |stem: &[u8]| {
            let is_of = |file: &FileOfBase<'_>| is_edit(file) && file.named.stem == stem;
            [of_role(&|file| is_of(file) && file.is_raw()), of_role(&|file| is_of(file) && file.is_of_camera())]
        };
        let edits: Vec<[Vec<usize>; 2]> = stems.into_iter().map(of_stem).collect();
        self.pair(&raws, &pictures);
        edits.iter().for_each(|[raws, pictures]| self.pair(raws, pictures));
        // What was edited belongs to a shot of one RAW file, of one picture, or of both.
        let mains: Vec<usize> = raws.iter().chain(&pictures).copied().collect();
        let is_one = mains.first().is_some_and(|first| mains.iter().all(|main| self.unit[*main] == self.unit[*first]));
        if is_one {
            self.pair(&mains[..1], &edited);
        } else if !mains.is_empty() && !edited.is_empty() {
            self.note(&edited, Unpaired::Several);
            self.note(&mains, Unpaired::Several);
        }
        let kind = |files: &[FileOfBase<'_>], file: usize| match files[file].named.role {
            Role::Cover(kind) | Role::Original(kind) => kind.to_vec(),
            _ => Vec::new(),
        };
        let mut kinds: Vec<Vec<u8>> = covers.iter().map(|file| kind(self.files, *file)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for wanted in kinds {
            let of_kind = |all: &[usize]| all.iter().copied().filter(|file| kind(self.files, *file) == wanted).collect::<Vec<_>>();
            let (covers, originals) = (of_kind(&covers), of_kind(&originals));
            self.pair(&covers, &originals);
        }
    }

    /// Joins the only photo of one list with the only one of the other, if one exposure made both. If there are more, none is joined.
    fn pair(&mut self, first: &[usize], second: &[usize]) {
        match (first, second) {
            (_, []) | ([], _) => {}
            ([a], [b]) => match self.apart(*a, *b) {
                None => {
                    let (from, to) = (self.unit[*b], self.unit[*a]);
                    self.unit.iter_mut().filter(|unit| **unit == from).for_each(|unit| *unit = to);
                }
                Some(why) => self.note(&[*a, *b], why),
            },
            _ => {
                self.note(first, Unpaired::Several);
                self.note(second, Unpaired::Several);
            }
        }
    }

    /// Notes why photos are not in one shot, unless they are in one with others.
    fn note(&mut self, photos: &[usize], why: Unpaired) {
        let alone = photos.iter().copied().filter(|photo| self.unit.iter().filter(|unit| **unit == self.unit[*photo]).count() == 1);
        let noted: Vec<(usize, Unpaired)> = alone.map(|photo| (photo, why)).collect();
        self.unpaired.extend(noted);
    }

    /// Returns why two photos are not of one exposure. What cannot be read says nothing against it.
    fn apart(&self, a: usize, b: usize) -> Option<Unpaired> {
        let (x, y) = (&self.files[a], &self.files[b]);
        if (self.is_different)(a, b) {
            return Some(Unpaired::Decision);
        }
        if !x.is_read || !y.is_read {
            return None;
        }
        match x.taken.zip(y.taken) {
            None => Some(Unpaired::NoTime),
            Some((x, y)) => ((x - y).abs() > MAX_APART).then_some(Unpaired::Time),
        }
    }

    /// The photos of each shot.
    fn units(&self, order: &[usize]) -> Vec<Vec<usize>> {
        let mut units: Vec<Vec<usize>> = Vec::new();
        for photo in order.iter().copied().filter(|file| self.files[*file].is_photo()) {
            match units.iter_mut().find(|unit| self.unit[unit[0]] == self.unit[photo]) {
                Some(unit) => unit.push(photo),
                None => units.push(vec![photo]),
            }
        }
        units
    }

    /// Returns the shots to which a film, a sound, a picture or a sidecar belongs: one, or all that have an equal right to it.
    fn owners(&self, file: usize, units: &[Vec<usize>]) -> Vec<usize> {
        let FileOfBase { kind, ref named, .. } = self.files[file];
        let (mut photos, mut of_unit) = (Vec::new(), Vec::new());
        for (unit, photo) in units.iter().enumerate().flat_map(|(unit, photos)| photos.iter().map(move |photo| (unit, *photo))) {
            let FileOfBase { name, named, format, .. } = self.files[photo];
            photos.push(NamedPhoto { name, named, format });
            of_unit.push(unit);
        }
        let mut owners: Vec<usize> = photos_of(kind, named, &photos).into_iter().map(|photo| of_unit[photo]).collect();
        // A sidecar of a film, a sound or a picture is of the shots of that.
        if owners.is_empty() && kind == ShotFileKind::Sidecar {
            let is_of_it = |other: &usize| {
                let FileOfBase { name, kind, .. } = self.files[*other];
                !matches!(kind, ShotFileKind::Photo | ShotFileKind::Sidecar) && is_of_other(named, name)
            };
            owners = (0..self.files.len()).filter(is_of_it).flat_map(|other| self.owners(other, units)).collect();
        }
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// Whether a file that is no photo is, or may be, also of what is outside of the shots that have it.
    fn is_of_others(&self, file: usize, units: &[Vec<usize>], of: &[usize]) -> bool {
        let other = &self.files[file];
        let has = |unit: usize, wanted: &dyn Fn(&FileOfBase<'_>) -> bool| units[unit].iter().any(|photo| wanted(&self.files[*photo]));
        let is_of_stem = |photo: &FileOfBase<'_>| photo.named.stem == other.named.stem;
        match other.named.role {
            Role::OfFile(_) | Role::OfTakeout(_) | Role::OfFilm => false,
            // A file with the longer name may be there, under another base.
            Role::OfVersion(owner, _) => !self.files.iter().any(|file| has_name(file.name, owner)),
            // Nothing but the film of a motion photo has this name.
            _ if other.kind == ShotFileKind::Film && is_motion_film(other.ending()) => false,
            _ if other.kind == ShotFileKind::Film => {
                let is_of_photo = |film: &FileOfBase<'_>| {
                    let is_near = |photo: &FileOfBase<'_>| photo.mtime.abs_diff(film.mtime) <= MAX_FILM_APART as u64 && is_of_stem(photo);
                    film.is_film(&FILMS) && of.iter().any(|unit| has(*unit, &is_near))
                };
                let is_beside = |film: &FileOfBase<'_>| film.named.stem == other.named.stem && is_of_photo(film);
                !(is_of_photo(other) || other.is_film(&SMALL_FILMS) && self.files.iter().any(is_beside))
            }
            _ => (0..units.len()).any(|unit| !of.contains(&unit) && has(unit, &is_of_stem)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::photo::OtherKind;

    /// A file with this name, taken and written at this second. One that is taken at none is not read, or is no photo.
    fn file(name: &'static str, seconds: Option<f64>) -> FileOfBase<'static> {
        let path = Path::new(OsStr::from_bytes(name.as_bytes()));
        let kind = OtherKind::from_name(path).map_or(ShotFileKind::Photo, ShotFileKind::from);
        FileOfBase {
            name: name.as_bytes(),
            named: ShotName::of(name.as_bytes()).expect("a name with an ending"),
            kind,
            format: Format::from_name(path),
            is_read: kind == ShotFileKind::Photo,
            taken: seconds.filter(|_| kind == ShotFileKind::Photo),
            mtime: seconds.map_or(0, |seconds| (seconds * 1e9) as i64),
        }
    }

    /// The names of each shot, with `!` for what is shared, and why others are not paired.
    fn told(files: &[FileOfBase<'_>], different: &[[usize; 2]]) -> (Vec<String>, Vec<String>) {
        let is_different = |a: usize, b: usize| different.iter().any(|two| two.contains(&a) && two.contains(&b));
        let Grouped { shots, unpaired } = shots(files, &is_different);
        let text = |file: usize| String::from_utf8_lossy(files[file].name).into_owned();
        let shown = |member: &Member| format!("{}{}", text(member.file), if member.is_shared { "!" } else { "" });
        let mut shots: Vec<String> = shots.iter().map(|shot| shot.iter().map(shown).collect::<Vec<_>>().join(" ")).collect();
        let mut unpaired: Vec<String> = unpaired.iter().map(|(file, why)| format!("{}: {why}", text(*file))).collect();
        shots.sort();
        unpaired.sort();
        (shots, unpaired)
    }

    fn of(names: &[&'static str]) -> (Vec<String>, Vec<String>) {
        told(&names.iter().map(|name| file(name, Some(100.0))).collect::<Vec<_>>(), &[])
    }

    #[test]
    fn a_raw_file_its_picture_and_what_belongs_to_them_are_one_shot() {
        for (names, shot) in [
            (&["1.CR3", "1.JPG"][..], "1.CR3 1.JPG"),
            (&["1.NEF", "1.heic", "1.xmp", "1.MOV", "1.WAV", "1.NEF.pp3"], "1.NEF 1.heic 1.MOV 1.WAV 1.NEF.pp3 1.xmp"),
            (&["1.JPG", "1.JPG.xmp"], "1.JPG 1.JPG.xmp"),
            (&["1.JPG", "1.jpg.XMP"], "1.JPG 1.jpg.XMP"),
            (
                &["IMG_1234.HEIC", "IMG_E1234.HEIC", "IMG_1234.MOV", "IMG_O1234.AAE", "IMG_1234_HEVC.MOV"],
                "IMG_1234.HEIC IMG_E1234.HEIC IMG_1234.MOV IMG_1234_HEVC.MOV IMG_O1234.AAE",
            ),
            (&["P.RAW-01.COVER.jpg", "P.RAW-02.ORIGINAL.dng"], "P.RAW-02.ORIGINAL.dng P.RAW-01.COVER.jpg"),
            (&["P.PORTRAIT-01.COVER.jpg", "P.PORTRAIT-02.ORIGINAL.jpg"], "P.PORTRAIT-01.COVER.jpg P.PORTRAIT-02.ORIGINAL.jpg"),
            (&["1-edit.CR3", "1-edit.JPG", "1-edit.xmp"], "1-edit.CR3 1-edit.JPG 1-edit.xmp"),
            (&["1.DNG", "1.JPG", "1_01.DNG.xmp"], "1.DNG 1.JPG 1_01.DNG.xmp!"),
        ] {
            assert_eq!(of(names), (vec![shot.to_owned()], vec![]), "{names:?}");
        }
        assert_eq!(of(&["1.CR3", "1-edited.JPG"]), (vec![], vec![]), "it is a photo of its own");
        assert_eq!(of(&["1.JPG", "1.tif"]), (vec![], vec![]), "an export has the name of what it was made of");
    }

    #[test]
    fn only_one_raw_file_and_one_picture_of_one_time_are_paired() {
        let at = |a: Option<f64>, b: Option<f64>| told(&[file("1.CR3", a), file("1.JPG", b)], &[]).1;
        assert!(at(Some(10.0), Some(11.0)).is_empty() && at(Some(10.9), Some(10.0)).is_empty());
        assert_eq!(at(Some(10.0), Some(11.1)), ["1.CR3: time", "1.JPG: time"]);
        assert_eq!(at(Some(10.0), None), ["1.CR3: no-time", "1.JPG: no-time"]);
        let several = |names| {
            let (shots, unpaired) = of(names);
            (shots, unpaired.len())
        };
        assert_eq!(several(&["1.CR3", "1.JPG", "1.jpeg"]), (vec![], 3));
        assert_eq!(several(&["1.CR3", "1.DNG", "1.JPG"]), (vec![], 3));
        assert_eq!(several(&["1.CR3", "1.JPG", "1.HEIC"]), (vec![], 3));
        assert_eq!(several(&["1.JPG", "1.HEIC"]), (vec![], 0), "no RAW file");
        assert_eq!(several(&["IMG_1234.JPG", "IMG_E1234.JPG", "IMG_E1234.HEIC"]), (vec![], 3));
        assert_eq!(several(&["IMG_1234.JPG", "IMG_1234.HEIC", "IMG_E1234.JPG"]), (vec![], 3), "an edit of either");
        assert_eq!(told(&[file("1.CR3", Some(1.0)), file("1.JPG", Some(1.0))], &[[0, 1]]).1, ["1.CR3: decision", "1.JPG: decision"]);
        // Nothing is known of what cannot be read, and so it is not torn from what has its name.
        let unread = FileOfBase { is_read: false, ..file("1.CR3", None) };
        assert_eq!(told(&[unread, file("1.JPG", Some(1.0))], &[]).0, ["1.CR3 1.JPG"]);
    }

    #[test]
    fn a_sidecar_of_several_photos_is_of_the_raw_file_and_stays_with_the_others() {
        assert_eq!(of(&["1.CR3", "1.JPG", "1.jpeg", "1.xmp"]).0, ["1.CR3 1.xmp!"]);
        assert_eq!(of(&["1.JPG", "1.tif", "1.xmp"]).0, ["1.JPG 1.xmp!", "1.tif 1.xmp!"]);
        assert_eq!(of(&["1.JPG", "1.tif", "1.JPG.xmp"]).0, ["1.JPG 1.JPG.xmp"]);
        assert_eq!(of(&["1.MOV", "1.MOV.xmp"]).0, [""; 0], "of a film alone");
        assert_eq!(of(&["1.JPG", "1(1).JPG", "1.JPG.json", "1.JPG(1).json"]).0, ["1(1).JPG 1.JPG(1).json", "1.JPG 1.JPG.json"]);
        assert_eq!(of(&["1.JPG", "1-edited.JPG", "1.JPG.json"]).0, ["1.JPG 1.JPG.json"]);
        assert_eq!(of(&["1-edited.JPG", "1.JPG.json"]).0, ["1-edited.JPG 1.JPG.json"], "it has none of its own");
    }

    #[test]
    fn a_film_of_another_time_or_of_two_photos_is_shared() {
        let film = |seconds| told(&[file("1.HEIC", Some(10.0)), file("1.MOV", Some(seconds))], &[]).0;
        for (seconds, shot) in [(13.0, "1.HEIC 1.MOV"), (7.0, "1.HEIC 1.MOV"), (13.1, "1.HEIC 1.MOV!")] {
            assert_eq!(film(seconds), [shot]);
        }
        let motion = told(&[file("1.MP.jpg", Some(10.0)), file("1.MP", Some(99.0)), file("1.MP.jpg.json", Some(99.0))], &[]).0;
        assert_eq!(motion, ["1.MP.jpg 1.MP 1.MP.jpg.json"], "whenever Google Takeout wrote it");
        let small = |seconds| told(&[file("1.JPG", Some(10.0)), file("1.MP4", Some(seconds)), file("1.LRV", Some(99.0))], &[]).0;
        assert_eq!(small(10.0), ["1.JPG 1.LRV 1.MP4"], "the smaller film is where the film is");
        assert_eq!(small(99.0), ["1.JPG 1.LRV! 1.MP4!"]);
        assert_eq!(of(&["1.JPG", "1.LRV"]).0, ["1.JPG 1.LRV!"], "without the film");
        assert_eq!(of(&["1.HEIC", "1.avi"]).0, ["1.HEIC 1.avi!"], "no film of a photo");
        assert_eq!(of(&["1.HEIC", "1.JPG", "1.MOV"]).0, ["1.HEIC 1.MOV!", "1.JPG 1.MOV!"]);
        assert_eq!(of(&["1.CR3", "1.JPG", "1.tif", "1.MOV"]).0, ["1.CR3 1.JPG 1.MOV!", "1.tif 1.MOV!"]);
    }

    #[test]
    fn a_sidecar_of_a_stem_stays_with_a_film_of_it() {
        let with = |names: &[(&'static str, f64)]| told(&names.iter().map(|(name, at)| file(name, Some(*at))).collect::<Vec<_>>(), &[]).0;
        let of_jpeg = [("1.JPG", 10.0), ("1.MOV", 99.0), ("1.xmp", 10.0), ("1.JPG.xmp", 10.0)];
        assert_eq!(with(&of_jpeg), ["1.JPG 1.MOV! 1.JPG.xmp 1.xmp!"]);
        assert_eq!(with(&[("1.JPG", 10.0), ("1.MOV", 10.0), ("1.xmp", 10.0)]), ["1.JPG 1.MOV 1.xmp"], "the film goes too");
        assert_eq!(with(&[("1.JPG", 10.0), ("1.MOV", 10.0), ("1.avi", 10.0), ("1.xmp", 10.0)]), ["1.JPG 1.MOV 1.avi! 1.xmp!"]);
    }

    #[test]
    fn a_sidecar_of_a_film_is_of_the_shot_of_the_film() {
        let with =
            |seconds: f64, sidecar| told(&[file("1.JPG", Some(10.0)), file("1.MP4", Some(seconds)), file(sidecar, Some(10.0))], &[]).0;
        for sidecar in ["1.MP4.xmp", "1.mp4.XMP", "1.MP4.xml", "1M01.XML", "1.MP4.json", "1.MP4.supplemental-metadata.json"] {
            assert_eq!(with(10.0, sidecar), [format!("1.JPG 1.MP4 {sidecar}")]);
            assert_eq!(with(99.0, sidecar), [format!("1.JPG 1.MP4! {sidecar}!")], "it stays with the film");
        }
        assert_eq!(of(&["1.JPG", "1.MP4.xmp", "1M01.XML"]).0, [""; 0], "of a film that is not there");
        assert_eq!(of(&["1.CR3", "1.JPG", "1.WAV", "1.WAV.xmp"]).0, ["1.CR3 1.JPG 1.WAV 1.WAV.xmp"]);
        assert_eq!(of(&["1_01.JPG", "1_01.MOV", "1_01.MOV.xmp"]).0, ["1_01.JPG 1_01.MOV 1_01.MOV.xmp"]);
        assert_eq!(of(&["1.HEIC", "1.JPG", "1.MOV", "1.MOV.xmp"]).0, ["1.HEIC 1.MOV! 1.MOV.xmp!", "1.JPG 1.MOV! 1.MOV.xmp!"]);
    }

    proptest! {
        /// The order in which a folder lists its files does not count, and every file but a shared one is in one shot at most.
        #[test]
        fn shots_do_not_depend_on_the_order(
            chosen in prop::sample::subsequence(vec![
                "IMG_1234.CR3", "IMG_1234.DNG", "IMG_1234.JPG", "IMG_1234.jpg", "IMG_1234.HEIC", "IMG_1234.tif", "IMG_E1234.JPG",
                "IMG_E1234.HEIC", "IMG_1234.RAW-01.COVER.jpg", "IMG_1234.RAW-02.ORIGINAL.dng", "IMG_1234.MOV", "IMG_1234.WAV",
                "IMG_1234.xmp", "IMG_1234.CR3.xmp", "IMG_1234_01.CR3.xmp", "IMG_1234.AAE", "IMG_O1234.AAE", "IMG_E1234.MOV",
                "IMG_1234.LRV", "IMG_1234.MOV.xmp", "IMG_1234M01.XML",
            ], 0..21),
            times in prop::collection::vec(prop::option::of(0u8..3), 21),
            order in Just((0..21usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let files: Vec<FileOfBase<'_>> =
                chosen.iter().zip(&times).map(|(name, time)| file(name, time.map(|time| 0.8 * f64::from(time)))).collect();
            let shuffled: Vec<FileOfBase<'_>> = order.into_iter().filter_map(|at| files.get(at).copied()).collect();
            prop_assert_eq!(told(&files, &[]), told(&shuffled, &[]));
            let found = shots(&files, &|_, _| false);
            for at in 0..files.len() {
                let of: Vec<&Member> = found.shots.iter().flatten().filter(|member| member.file == at).collect();
                prop_assert!(of.len() <= 1 || of.iter().all(|member| member.is_shared));
            }
            for shot in &found.shots {
                prop_assert!(shot.len() > 1 && files[shot[0].file].is_photo());
            }
        }
    }
}
