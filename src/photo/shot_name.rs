//! The names of the files of a shot: which belong together by their names, and how.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::other::{film_of_sony, is_media, is_motion_film, media_before_dot};
use super::program_folder::{is_of_nikon, is_of_silkypix, is_settings};
use super::spelling::{after, before};
use super::takeout::{TakeoutName, numbered, split, unedited};
use super::{Format, OtherKind};

/// What an iPhone writes before the number of a photo: of one that was edited, and of what was changed in it.
const IPHONE: &[u8] = b"IMG_";
const IPHONE_EDITED: &[u8] = b"IMG_E";
const IPHONE_CHANGES: &[u8] = b"IMG_O";
const IPHONE_DIGITS: usize = 4;

/// What stands after the name of a photo in the name of its film, if that is in the newer of two formats.
const HEVC: &[u8] = b"_HEVC";

/// What a Pixel writes last in the name of the picture that it shows, and of the one that it was made of.
const COVER: &[u8] = b"COVER";
const ORIGINAL: &[u8] = b"ORIGINAL";

/// What a file is among the files of its shot, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role<'a> {
    /// The photo, or its film or its sound.
    Plain,
    /// What an iPhone made of it when it was edited.
    Edited,
    /// The picture that a Pixel shows, and of which kind: `RAW`, `PORTRAIT`.
    Cover(&'a [u8]),
    /// The picture of which that was made.
    Original(&'a [u8]),
    /// What was made of the photo in Google Photos. The JSON of the photo is also of this one.
    TakeoutEdited,
    /// A sidecar of the file with this name.
    OfFile(&'a [u8]),
    /// A sidecar of all files with its name and any ending.
    OfStem,
    /// A sidecar of the film with its name and any ending.
    OfFilm,
    /// What an iPhone changed in the photo with the plain name.
    OfPlain,
    /// A further version in darktable of a file with the second name, or a sidecar of the file with the first: `DSC_1_01.NEF.xmp`
    /// is of `DSC_1.NEF`, if there is no `DSC_1_01.NEF`.
    OfVersion(&'a [u8], &'a [u8]),
    /// A JSON of Google Takeout.
    OfTakeout(TakeoutName<'a>),
}

/// The name of a file in its folder, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShotName<'a> {
    /// What the names of all files of a shot begin with: `IMG_1234` also for `IMG_E1234`.
    pub base: Base<'a>,
    /// The name without its ending; of a film without what tells its format.
    pub stem: &'a [u8],
    pub role: Role<'a>,
}

/// What the names of a shot have in common: the two parts stand one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Base<'a>(&'a [u8], &'a [u8]);

impl<'a> Base<'a> {
    pub fn bytes(self) -> Vec<u8> {
        self.parts().concat()
    }

    pub fn parts(self) -> [&'a [u8]; 2] {
        [self.0, self.1]
    }
}

impl<'a> ShotName<'a> {
    /// Takes apart the name of a photo, a film, a sound or a sidecar. `None` if it has no ending. Other files count as sidecars: they
    /// are asked about only if they are in a folder for those.
    pub fn of(name: &'a [u8]) -> Option<ShotName<'a>> {
        let (stem, ending) = split(name)?;
        let path = Path::new(OsStr::from_bytes(name));
        let stem = match OtherKind::from_name(path) {
            Some(OtherKind::Sidecar) => return Some(sidecar(stem, ending)),
            Some(OtherKind::Film) if is_motion_film(ending) => name,
            Some(OtherKind::Film) => before(HEVC, stem).filter(|stem| !stem.is_empty()).unwrap_or(stem),
            None if Format::from_name(path).is_none() => return Some(sidecar(media_before_dot(stem).unwrap_or(stem), ending)),
            _ => stem,
        };
        let (base, role) = photo(stem);
        Some(ShotName { base, stem, role })
    }

    /// Takes apart the name of a photo, which is cheaper.
    pub fn of_photo(name: &'a [u8]) -> Option<ShotName<'a>> {
        let stem = split(name)?.0;
        let (base, role) = photo(stem);
        Some(ShotName { base, stem, role })
    }

    /// The other base under which a sidecar may stand: of `DSC_1_01.NEF.xmp` that is `DSC_1`.
    pub fn further_base(&self) -> Option<Base<'a>> {
        match self.role {
            Role::OfVersion(_, plain) => Some(photo(plain).0),
            _ => None,
        }
    }
}

/// The folder of the photos to which a file belongs, and the name of the file: programs keep some sidecars in a folder of their own.
pub fn home(path: &Path) -> (&Path, &[u8]) {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let folder = path.parent().unwrap_or(Path::new(""));
    let has_ending = |ending: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    if has_ending("nksc") && is_of_nikon(folder) || has_ending("spd") && is_of_silkypix(folder) {
        return (folder.parent().unwrap_or(folder), name);
    }
    // Its other files there are sidecars because of the folder alone.
    let is_of_capture_one =
        || has_ending("cos") || OtherKind::from_name(Path::new(OsStr::from_bytes(name))).is_none() && OtherKind::from_name(path).is_some();
    match folder.parent().and_then(Path::parent).filter(|_| is_settings(folder) && is_of_capture_one()) {
        Some(home) => (home, name),
        None => (folder, name),
    }
}

/// Whether a file is an XMP packet by its name. These sidecars are read.
pub fn is_packet(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xmp"))
}

/// What the names of a shot have in common with the name of a photo without its ending, and what that photo is.
fn photo(stem: &[u8]) -> (Base<'_>, Role<'_>) {
    if let Some(number) = after(IPHONE_EDITED, stem).filter(|number| is_iphone_number(number)) {
        return (Base(&stem[..IPHONE.len()], number), Role::Edited);
    }
    if let Some((base, kind, is_cover)) = of_pixel(stem) {
        return (Base(base, b""), if is_cover { Role::Cover(kind) } else { Role::Original(kind) });
    }
    let (named, number) = numbered(stem);
    match unedited(named) {
        Some(original) if number.is_empty() => (photo(original).0, Role::TakeoutEdited),
        Some(original) => (Base(original, number), Role::TakeoutEdited),
        None => (Base(stem, b""), Role::Plain),
    }
}

fn is_iphone_number(number: &[u8]) -> bool {
    number.len() == IPHONE_DIGITS && number.iter().all(u8::is_ascii_digit)
}

/// Takes apart `PXL_20240501_100000231.RAW-01.COVER`: the name of the shot, the kind, and whether this is the picture that is shown.
fn of_pixel(stem: &[u8]) -> Option<(&[u8], &[u8], bool)> {
    let (rest, last) = split(stem)?;
    let is_cover = last.eq_ignore_ascii_case(COVER);
    if !is_cover && !last.eq_ignore_ascii_case(ORIGINAL) {
        return None;
    }
    // A motion photo has one more word.
    let rest = split(rest).filter(|(_, word)| word.eq_ignore_ascii_case(b"MP")).map_or(rest, |(rest, _)| rest);
    let (base, numbered) = split(rest)?;
    let dash = numbered.iter().position(|byte| *byte == b'-')?;
    let (kind, number) = (&numbered[..dash], &numbered[dash + 1..]);
    let is_kind = !kind.is_empty() && kind.iter().all(u8::is_ascii_alphabetic);
    (is_kind && number.len() == 2 && number.iter().all(u8::is_ascii_digit)).then_some((base, kind, is_cover))
}

/// Takes apart the name of a sidecar without its ending.
fn sidecar<'a>(named: &'a [u8], ending: &[u8]) -> ShotName<'a> {
    if let Some(name) = TakeoutName::of(named).filter(|_| ending.eq_ignore_ascii_case(b"json")) {
        let base = match name.number {
            b"" => photo(name.stem).0,
            number => Base(unedited(name.stem).unwrap_or(name.stem), number),
        };
        return ShotName { base, stem: named, role: Role::OfTakeout(name) };
    }
    if let Some(film) = film_of_sony(named).filter(|_| ending.eq_ignore_ascii_case(b"xml")) {
        return ShotName { base: photo(film).0, stem: film, role: Role::OfFilm };
    }
    // Capture One may write more after the name of the photo, and SilkyPix writes the number of its format.
    let writes_more = [&b"cos"[..], b"spd"].iter().any(|program| ending.eq_ignore_ascii_case(program));
    let of_photo = media_before_dot(named).filter(|_| writes_more && !is_media(named));
    let owner = of_photo.unwrap_or(named);
    if !is_media(owner) {
        let changes = after(IPHONE_CHANGES, owner).filter(|number| is_iphone_number(number));
        return match changes {
            Some(number) => ShotName { base: Base(&owner[..IPHONE.len()], number), stem: owner, role: Role::OfPlain },
            None => ShotName { base: photo(owner).0, stem: owner, role: Role::OfStem },
        };
    }
    // That of a film says its format.
    let (base, stem) = ShotName::of(owner).map_or((photo(owner).0, owner), |owner| (owner.base, owner.stem));
    // A further version in darktable has a number before the ending.
    let is_numbered = stem.len() > 3 && stem[stem.len() - 3] == b'_' && stem[stem.len() - 2..].iter().all(u8::is_ascii_digit);
    let role = if is_numbered && ending.eq_ignore_ascii_case(b"xmp") {
        Role::OfVersion(owner, &stem[..stem.len() - 3])
    } else {
        Role::OfFile(owner)
    };
    ShotName { base, stem, role }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::has_sidecars;

    fn of(name: &str) -> Option<(String, Role<'_>)> {
        let of = ShotName::of(name.as_bytes())?;
        Some((String::from_utf8(of.base.bytes()).expect("text"), of.role))
    }

    #[test]
    fn the_files_of_a_shot_have_one_base() {
        for (base, names) in [
            ("IMG_1234", &["IMG_1234.HEIC", "IMG_E1234.HEIC", "IMG_O1234.AAE", "IMG_1234.AAE", "IMG_1234.MOV", "IMG_1234_HEVC.MOV"][..]),
            ("DSC_1", &["DSC_1.NEF", "DSC_1.JPG", "DSC_1.xmp", "DSC_1.NEF.xmp", "DSC_1.nef.PP3", "DSC_1.WAV", "DSC_1.JPG.json"]),
            ("DSC_1", &["DSC_1.JPG.supplemental-metadata.json", "DSC_1.JPG.suppl.json"]),
            ("DSC_1(2)", &["DSC_1(2).JPG", "DSC_1(2).JPG.json", "DSC_1.JPG(2).json", "DSC_1.JPG.supplemental-metadata(2).json"]),
            ("IMG_1234", &["IMG_E1234.HEIC.supplemental-metadata.json"]),
            ("PXL_20240501_100000231", &["PXL_20240501_100000231.RAW-01.COVER.jpg", "PXL_20240501_100000231.RAW-02.ORIGINAL.dng"]),
            ("PXL_20240501_100000231", &["PXL_20240501_100000231.PORTRAIT-01.MP.COVER.jpg", "PXL_20240501_100000231.mp4"]),
            ("PXL_1.MP", &["PXL_1.MP.jpg", "PXL_1.MP", "PXL_1.MP.jpg.json", "PXL_1.MP-edited.jpg"]),
            ("PXL_1.MP~2", &["PXL_1.MP~2.jpg", "PXL_1.MP~2"]),
            ("P", &["P.jpg", "P-edited.jpg", "P-bearbeitet.jpg", "P-Modifié.jpg", "P.jpg.json", "P-edited.jpg.json"]),
            ("P(1)", &["P(1).jpg", "P-edited(1).jpg", "P.jpg(1).json", "P-edited.jpg(1).json"]),
            ("DSC_1", &["DSC_1.txt", "DSC_1.JPG.txt", "DSC_1.NEF.spd", "DSC_1.NEF.9.spd"]),
            ("DSC_1", &["DSC_1.NEF.cos", "DSC_1.NEF.2.cos", "DSC_1.NEF.123.comask", "DSC_1.NEF.layers"]),
            ("C0001", &["C0001.MP4", "C0001M01.XML", "C0001.THM", "C0001.LRV", "C0001.MP4.xml"]),
            ("IMG_1234", &["IMG_1234_HEVC.MOV.xmp", "IMG_1234.MOV.xml", "IMG_1234.MOV.supplemental-metadata.json"]),
            ("PXL_1.MP", &["PXL_1.MP.xmp"]),
            ("img_1234", &["img_e1234.heic", "img_o1234.aae", "img_1234_hevc.mov"]),
            ("pxl_1", &["pxl_1.raw-01.cover.jpg", "pxl_1.portrait-01.mp.cover.jpg"]),
        ] {
            for name in names {
                assert_eq!(of(name).map(|(base, _)| base).as_deref(), Some(base), "{name}");
                if Format::from_name(Path::new(name)).is_some() {
                    assert_eq!(ShotName::of_photo(name.as_bytes()), ShotName::of(name.as_bytes()), "{name}");
                }
            }
        }
        for name in ["IMG_E123.JPG", "IMG_E12345.JPG", "-edited.jpg", "IMG_1234_HEVC.JPG", "IMG_1234 (1).JPG", "PXL_1.RAW-1.COVER.jpg"] {
            assert_ne!(of(name).expect("a name").0, "IMG_1234", "{name}");
            assert_eq!(of(name).map(|(_, role)| role), Some(Role::Plain), "{name}");
        }
        assert_eq!((of("README"), of(".jpg")), (None, None));
    }

    #[test]
    fn a_name_says_what_a_file_is_in_its_shot() {
        for (name, role) in [
            ("IMG_E1234.HEIC", Role::Edited),
            ("IMG_O1234.AAE", Role::OfPlain),
            ("DSC_1.xmp", Role::OfStem),
            ("DSC_1.NEF.XMP", Role::OfFile(b"DSC_1.NEF")),
            ("DSC_1_01.NEF.xmp", Role::OfVersion(b"DSC_1_01.NEF", b"DSC_1")),
            ("DSC_1.MOV.xmp", Role::OfFile(b"DSC_1.MOV")),
            ("DSC_1.MOV.xml", Role::OfFile(b"DSC_1.MOV")),
            ("c0001m01.xml", Role::OfFilm),
            ("DSC_1.txt", Role::OfStem),
            ("DSC_1.JPG.txt", Role::OfFile(b"DSC_1.JPG")),
            ("DSC_1.NEF.10.spd", Role::OfFile(b"DSC_1.NEF")),
            ("P_1.RAW-01.COVER.jpg", Role::Cover(b"RAW")),
            ("P_1.PORTRAIT-02.ORIGINAL.jpg", Role::Original(b"PORTRAIT")),
        ] {
            assert_eq!(of(name).map(|(_, role)| role), Some(role), "{name}");
        }
        let further = ShotName::of(b"DSC_1_01.NEF.xmp").and_then(|name| name.further_base()).map(Base::bytes);
        assert_eq!(further.as_deref(), Some(&b"DSC_1"[..]));
    }

    #[test]
    fn the_folders_of_programs_belong_to_the_folder_above() {
        let home = |path: &'static str| {
            let (folder, name) = home(Path::new(path));
            (folder.to_str().expect("text"), std::str::from_utf8(name).expect("text"))
        };
        assert_eq!(home("a/CaptureOne/Settings153/DSC_1.NEF.cos"), ("a", "DSC_1.NEF.cos"));
        assert_eq!(home("a/NKSC_PARAM/DSC_1.NEF.nksc"), ("a", "DSC_1.NEF.nksc"));
        assert_eq!(home("NKSC_PARAM/DSC_1.NEF.nksc"), ("", "DSC_1.NEF.nksc"));
        assert_eq!(home("a/SILKYPIX_DS/DSC_1.NEF.9.spd"), ("a", "DSC_1.NEF.9.spd"));
        assert_eq!(home("a/SILKYPIX_DS/DSC_1.NEF"), ("a/SILKYPIX_DS", "DSC_1.NEF"));
        assert_eq!(home("a/NKSC_PARAM/DSC_1.NEF"), ("a/NKSC_PARAM", "DSC_1.NEF"));
        assert_eq!(home("DSC_1.NEF"), ("", "DSC_1.NEF"));
        assert_eq!(home("a/captureone/settings/DSC_1.NEF.7.comask"), ("a", "DSC_1.NEF.7.comask"));
        for name in ["DSC_1.NEF", "DSC_1.xmp", "notes.txt"] {
            let path = format!("a/CaptureOne/Settings/{name}");
            assert_eq!(super::home(Path::new(&path)).0, Path::new("a/CaptureOne/Settings"), "{name}");
        }
        for folder in ["a/CaptureOne", "a/captureone/settings153", "NKSC_PARAM", "a/silkypix_ds"] {
            assert!(has_sidecars(Path::new(folder)), "{folder}");
        }
        assert!(!has_sidecars(Path::new("a/Settings153")) && !has_sidecars(Path::new("a")));
    }
}
