//! Shots: which files of one name in one folder are of one exposure.

use crate::photo::{Format, Role, ShotFileKind, ShotName, Unpaired};

/// A RAW file and the picture of the camera are one exposure if their times are no farther apart, in seconds.
const MAX_APART: f64 = 1.0;

/// A film belongs to a photo if their files were written no farther apart, in nanoseconds. The identifier that tells it surely is
/// inside of the film, and films are not read.
const MAX_FILM_APART: i64 = 3_000_000_000;

/// The endings of the film of a photo.
const FILMS: [&[u8]; 3] = [b"mov", b"mp4", b"m4v"];

/// A file whose name has the base of the others.
#[derive(Clone, Copy, Debug)]
pub struct FileOfBase<'a> {
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

    fn is_film_of_photo(&self) -> bool {
        let ending = self.name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        self.kind == ShotFileKind::Film && FILMS.iter().any(|film| film.eq_ignore_ascii_case(ending))
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
    /// Whether it is also of photos that are not in the shot.
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
    for file in order.into_iter().filter(|file| !files[*file].is_photo()) {
        let of = grouping.owners(file, &units);
        let is_of_others = grouping.is_of_others(file, &units, &of);
        of.iter().for_each(|unit| shots[*unit].push(Member { file, is_shared: of.len() > 1 || is_of_others }));
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
        if !raws.is_empty() {
            self.pair(&raws, &pictures);
        }
        // What was edited belongs to a shot of one RAW file, of one picture, or of both.
        let mains: Vec<usize> = raws.iter().chain(&pictures).copied().collect();
        let is_one = mains.first().is_some_and(|first| mains.iter().all(|main| self.unit[*main] == self.unit[*first]));
        if is_one {
            self.pair(&mains[..1], &edited);
        } else if !mains.is_empty() {
            self.note(&edited, Unpaired::Several);
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

    /// Returns the shots to which a film, a sound or a sidecar belongs: one, or all that have an equal right to it.
    fn owners(&self, file: usize, units: &[Vec<usize>]) -> Vec<usize> {
        let other = &self.files[file];
        let with = |wanted: &dyn Fn(&FileOfBase<'_>) -> bool| -> Vec<usize> {
            (0..units.len()).filter(|unit| units[*unit].iter().any(|photo| wanted(&self.files[*photo]))).collect()
        };
        let has_stem = |photo: &FileOfBase<'_>| photo.named.stem == other.named.stem;
        match other.named.role {
            Role::OfFile(owner) => self.of_file(owner, units),
            // It stands under both names. Without the file of the longer one it is of the other.
            Role::OfVersion(owner, plain) => {
                let exact = self.of_file(owner, units);
                if exact.is_empty() { with(&|photo| photo.named.stem == plain && has_ending_of(photo.name, owner)) } else { exact }
            }
            Role::OfPlain => with(&|photo| photo.named.role == Role::Plain),
            _ if other.kind == ShotFileKind::Film => {
                let of_stem = with(&has_stem);
                let is_near = |photo: &FileOfBase<'_>| photo.mtime.abs_diff(other.mtime) <= MAX_FILM_APART as u64 && has_stem(photo);
                if of_stem.len() == 1 && other.is_film_of_photo() { with(&is_near) } else { Vec::new() }
            }
            // RAW first.
            _ => {
                let raw = with(&|photo| has_stem(photo) && photo.is_raw());
                if raw.len() == 1 { raw } else { with(&has_stem) }
            }
        }
    }

    /// Returns the shot of the file with a name, or of that with another case of its ending.
    fn of_file(&self, name: &[u8], units: &[Vec<usize>]) -> Vec<usize> {
        let with = |is_it: &dyn Fn(&[u8]) -> bool| -> Vec<usize> {
            (0..units.len()).filter(|unit| units[*unit].iter().any(|photo| is_it(self.files[*photo].name))).collect()
        };
        let exact = with(&|own| own == name);
        if exact.is_empty() { with(&|own| is_like(own, name)) } else { exact }
    }

    /// Whether a file that is no photo is also of photos outside of the shots that have it: of its name, or perhaps of a longer one.
    fn is_of_others(&self, file: usize, units: &[Vec<usize>], of: &[usize]) -> bool {
        let other = &self.files[file];
        let is_of_stem = |photo: &usize| self.files[*photo].named.stem == other.named.stem;
        match other.named.role {
            Role::OfFile(_) => false,
            // A file with the longer name may be there, under another base.
            Role::OfVersion(owner, _) => self.of_file(owner, units).is_empty(),
            _ => (0..units.len()).any(|unit| !of.contains(&unit) && units[unit].iter().any(is_of_stem)),
        }
    }
}

/// Whether two names differ only in the case of their ending.
fn is_like(a: &[u8], b: &[u8]) -> bool {
    let dot = |name: &[u8]| name.iter().rposition(|byte| *byte == b'.');
    match (dot(a), dot(b)) {
        (Some(x), Some(y)) => a[..x] == b[..y] && a[x..].eq_ignore_ascii_case(&b[y..]),
        _ => a == b,
    }
}

fn has_ending_of(a: &[u8], b: &[u8]) -> bool {
    let ending = |name: &[u8]| name.rsplit(|byte| *byte == b'.').next().map(<[u8]>::to_ascii_lowercase);
    ending(a) == ending(b)
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
            (&["1.DNG", "1.JPG", "1_01.DNG.xmp"], "1.DNG 1.JPG 1_01.DNG.xmp!"),
        ] {
            assert_eq!(of(names), (vec![shot.to_owned()], vec![]), "{names:?}");
        }
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
    }

    #[test]
    fn a_film_is_of_a_photo_if_both_were_written_at_one_time() {
        let film = |seconds| told(&[file("1.HEIC", Some(10.0)), file("1.MOV", Some(seconds))], &[]).0.len();
        assert_eq!((film(13.0), film(13.1), film(7.0)), (1, 0, 1));
        assert!(of(&["1.HEIC", "1.avi"]).0.is_empty() && of(&["1.HEIC", "1.JPG", "1.MOV"]).0.is_empty());
    }

    proptest! {
        /// The order in which a folder lists its files does not count, and every file but a shared one is in one shot at most.
        #[test]
        fn shots_do_not_depend_on_the_order(
            chosen in prop::sample::subsequence(vec![
                "IMG_1234.CR3", "IMG_1234.DNG", "IMG_1234.JPG", "IMG_1234.jpg", "IMG_1234.HEIC", "IMG_1234.tif", "IMG_E1234.JPG",
                "IMG_E1234.HEIC", "IMG_1234.RAW-01.COVER.jpg", "IMG_1234.RAW-02.ORIGINAL.dng", "IMG_1234.MOV", "IMG_1234.WAV",
                "IMG_1234.xmp", "IMG_1234.CR3.xmp", "IMG_1234_01.CR3.xmp", "IMG_1234.AAE", "IMG_O1234.AAE", "IMG_E1234.MOV",
            ], 0..18),
            times in prop::collection::vec(prop::option::of(0u8..3), 18),
            order in Just((0..18usize).collect::<Vec<_>>()).prop_shuffle(),
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
