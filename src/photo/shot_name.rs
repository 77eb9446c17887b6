//! The names of the files of a shot: which belong together by their names, and how.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::OtherKind;
use super::other::is_media;
use super::takeout::{TakeoutName, split};

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

/// Folders in which programs keep the sidecars of the folder above.
const NIKON_FOLDER: &[u8] = b"NKSC_PARAM";
const CAPTURE_ONE_FOLDER: &[u8] = b"CaptureOne";
const CAPTURE_ONE_SETTINGS: &[u8] = b"Settings";

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
    /// A sidecar of the file with this name.
    OfFile(&'a [u8]),
    /// A sidecar of all files with its name and any ending.
    OfStem,
    /// What an iPhone changed in the photo with the plain name.
    OfPlain,
    /// A further version in darktable of a file with the second name, or a sidecar of the file with the first: `DSC_1_01.NEF.xmp`
    /// is of `DSC_1.NEF`, if there is no `DSC_1_01.NEF`.
    OfVersion(&'a [u8], &'a [u8]),
    /// A JSON of Google Takeout whose name does not begin with the whole name of its photo.
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
    /// Takes apart the name of a photo, a film, a sound or a sidecar. `None` if it has no ending.
    pub fn of(name: &'a [u8]) -> Option<ShotName<'a>> {
        let (stem, ending) = split(name)?;
        let kind = OtherKind::from_name(Path::new(OsStr::from_bytes(name)));
        if kind == Some(OtherKind::Sidecar) {
            return Some(sidecar(stem, ending));
        }
        let stem = stem.strip_suffix(HEVC).filter(|stem| kind == Some(OtherKind::Film) && !stem.is_empty()).unwrap_or(stem);
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
    if has_ending("nksc") && is_named(folder, NIKON_FOLDER) {
        return (folder.parent().unwrap_or(folder), name);
    }
    match folder.parent().and_then(Path::parent).filter(|_| has_ending("cos") && is_settings(folder)) {
        Some(home) => (home, name),
        None => (folder, name),
    }
}

fn is_named(folder: &Path, name: &[u8]) -> bool {
    folder.file_name().is_some_and(|own| own.as_bytes().eq_ignore_ascii_case(name))
}

/// Whether a folder is one in which Capture One keeps the sidecars of the photos two folders above.
fn is_settings(folder: &Path) -> bool {
    folder.file_name().is_some_and(|own| own.as_bytes().starts_with(CAPTURE_ONE_SETTINGS))
        && folder.parent().is_some_and(|program| is_named(program, CAPTURE_ONE_FOLDER))
}

/// Whether a program keeps sidecars in a folder of this name, or below it: of the photos beside the folder.
pub fn has_sidecars(folder: &Path) -> bool {
    is_named(folder, NIKON_FOLDER) || is_named(folder, CAPTURE_ONE_FOLDER) || is_settings(folder)
}

/// Whether a file is an XMP packet by its name. These sidecars are read.
pub fn is_packet(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xmp"))
}

/// What the names of a shot have in common with the name of a photo without its ending, and what that photo is.
fn photo(stem: &[u8]) -> (Base<'_>, Role<'_>) {
    if let Some(number) = stem.strip_prefix(IPHONE_EDITED).filter(|number| is_iphone_number(number)) {
        return (Base(IPHONE, number), Role::Edited);
    }
    if let Some((base, kind, is_cover)) = of_pixel(stem) {
        return (Base(base, b""), if is_cover { Role::Cover(kind) } else { Role::Original(kind) });
    }
    (Base(stem, b""), Role::Plain)
}

fn is_iphone_number(number: &[u8]) -> bool {
    number.len() == IPHONE_DIGITS && number.iter().all(u8::is_ascii_digit)
}

/// Takes apart `PXL_20240501_100000231.RAW-01.COVER`: the name of the shot, the kind, and whether this is the picture that is shown.
fn of_pixel(stem: &[u8]) -> Option<(&[u8], &[u8], bool)> {
    let (rest, last) = split(stem)?;
    let is_cover = last == COVER;
    if !is_cover && last != ORIGINAL {
        return None;
    }
    // A motion photo has one more word.
    let rest = split(rest).filter(|(_, word)| *word == b"MP").map_or(rest, |(rest, _)| rest);
    let (base, numbered) = split(rest)?;
    let dash = numbered.iter().position(|byte| *byte == b'-')?;
    let (kind, number) = (&numbered[..dash], &numbered[dash + 1..]);
    let is_kind = !kind.is_empty() && kind.iter().all(u8::is_ascii_uppercase);
    (is_kind && number.len() == 2 && number.iter().all(u8::is_ascii_digit)).then_some((base, kind, is_cover))
}

/// Takes apart the name of a sidecar without its ending.
fn sidecar<'a>(named: &'a [u8], ending: &[u8]) -> ShotName<'a> {
    let owner = match TakeoutName::of(named).filter(|_| ending.eq_ignore_ascii_case(b"json")) {
        Some(TakeoutName { stem, number: b"", ending, is_cut: false }) => &named[..stem.len() + 1 + ending.len()],
        Some(name) => {
            let base = if name.number.is_empty() { photo(name.stem).0 } else { Base(name.stem, name.number) };
            return ShotName { base, stem: named, role: Role::OfTakeout(name) };
        }
        None => named,
    };
    if !is_media(owner) {
        let changes = owner.strip_prefix(IPHONE_CHANGES).filter(|number| is_iphone_number(number));
        return match changes {
            Some(number) => ShotName { base: Base(IPHONE, number), stem: owner, role: Role::OfPlain },
            None => ShotName { base: photo(owner).0, stem: owner, role: Role::OfStem },
        };
    }
    let stem = split(owner).map_or(owner, |(stem, _)| stem);
    let base = photo(stem).0;
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
    use crate::photo::Format;

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
        ] {
            for name in names {
                assert_eq!(of(name).map(|(base, _)| base).as_deref(), Some(base), "{name}");
                if Format::from_name(Path::new(name)).is_some() {
                    assert_eq!(ShotName::of_photo(name.as_bytes()), ShotName::of(name.as_bytes()), "{name}");
                }
            }
        }
        for name in ["IMG_E123.JPG", "IMG_E12345.JPG", "img_e1234.jpg", "IMG_1234_HEVC.JPG", "IMG_1234 (1).JPG", "PXL_1.RAW-1.COVER.jpg"] {
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
        assert_eq!(home("a/NKSC_PARAM/DSC_1.NEF"), ("a/NKSC_PARAM", "DSC_1.NEF"));
        assert_eq!(home("DSC_1.NEF"), ("", "DSC_1.NEF"));
        for folder in ["a/CaptureOne", "a/captureone/Settings153", "NKSC_PARAM"] {
            assert!(has_sidecars(Path::new(folder)), "{folder}");
        }
        assert!(!has_sidecars(Path::new("a/Settings153")) && !has_sidecars(Path::new("a")));
    }
}
