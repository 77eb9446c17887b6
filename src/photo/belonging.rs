//! Which photos of its folder a file belongs to, by their names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::shot_name::{Role, ShotName};
use super::takeout::split;
use super::{Format, ShotFileKind};

/// A photo by its name.
#[derive(Clone, Copy, Debug)]
pub struct NamedPhoto<'a> {
    pub name: &'a [u8],
    pub named: ShotName<'a>,
    pub format: Option<Format>,
}

impl<'a> NamedPhoto<'a> {
    /// `None` if it is no photo by its name.
    pub fn of(name: &'a [u8]) -> Option<NamedPhoto<'a>> {
        let format = Format::from_name(Path::new(OsStr::from_bytes(name)))?;
        Some(NamedPhoto { name, named: ShotName::of_photo(name)?, format: Some(format) })
    }

    fn is_raw(&self) -> bool {
        self.format == Some(Format::Raw)
    }

    /// Whether a camera or a phone may have written it, as a picture beside a RAW file or as that file.
    fn is_of_camera(&self) -> bool {
        matches!(self.format, Some(Format::Raw | Format::Jpeg | Format::Heic))
    }
}

/// Returns the photos to which a film, a sound, a picture or a sidecar belongs: one, or all that have an equal right to it. The photos
/// are those of its base.
pub fn photos_of(kind: ShotFileKind, other: &ShotName<'_>, photos: &[NamedPhoto<'_>]) -> Vec<usize> {
    let with = |wanted: &dyn Fn(&NamedPhoto<'_>) -> bool| -> Vec<usize> { (0..photos.len()).filter(|at| wanted(&photos[*at])).collect() };
    let of_file = |owner: &[u8]| {
        let exact = with(&|photo| photo.name == owner);
        if exact.is_empty() { with(&|photo| has_name(photo.name, owner)) } else { exact }
    };
    match other.role {
        Role::OfFile(owner) => of_file(owner),
        // It stands under both names. Without the file of the longer one it is of the other.
        Role::OfVersion(owner, plain) => {
            let exact = of_file(owner);
            if exact.is_empty() { with(&|photo| photo.named.stem == plain && has_ending_of(photo.name, owner)) } else { exact }
        }
        Role::OfTakeout(name) => {
            let own = with(&|photo| name.is_of(photo.name));
            let is_edited =
                |photo: &NamedPhoto<'_>| photo.named.role == Role::TakeoutEdited && photo.named.base.bytes() == other.base.bytes();
            // What was made of a photo has no JSON of its own.
            if own.is_empty() { with(&is_edited) } else { own }
        }
        Role::OfPlain => with(&|photo| photo.named.role == Role::Plain),
        Role::OfFilm => Vec::new(),
        Role::OfStem | Role::Plain | Role::Edited | Role::TakeoutEdited | Role::Cover(_) | Role::Original(_) => {
            // RAW first, but for a film: that is of all photos of its name.
            let raw = with(&|photo| photo.named.stem == other.stem && photo.is_raw() && kind != ShotFileKind::Film);
            if raw.len() == 1 { raw } else { with(&|photo| photo.named.stem == other.stem) }
        }
    }
}

/// Whether a sidecar is of a film, a sound or a picture with this name, and of no photo.
pub fn is_of_other(sidecar: &ShotName<'_>, name: &[u8]) -> bool {
    match sidecar.role {
        Role::OfFile(owner) | Role::OfVersion(owner, _) => has_name(name, owner),
        Role::OfTakeout(json) => json.is_of(name),
        Role::OfFilm => split(name).is_some_and(|(stem, _)| stem == sidecar.stem),
        _ => false,
    }
}

/// Whether two photos of one base may be one shot, as far as their names and formats say.
pub fn may_be_one_shot(a: &NamedPhoto<'_>, b: &NamedPhoto<'_>) -> bool {
    let may_be = |a: &NamedPhoto<'_>, b: &NamedPhoto<'_>| match (a.named.role, b.named.role) {
        (Role::Plain, Role::Plain) => a.is_raw() && !b.is_raw() && b.is_of_camera(),
        (Role::TakeoutEdited, Role::TakeoutEdited) => a.named.stem == b.named.stem && a.is_raw() && !b.is_raw() && b.is_of_camera(),
        (Role::Plain, Role::Edited) => a.is_of_camera() && b.is_of_camera(),
        (Role::Cover(kind), Role::Original(other)) => kind == other,
        _ => false,
    };
    may_be(a, b) || may_be(b, a)
}

/// Whether a file has a name, but perhaps for the case of its ending.
pub fn has_name(file: &[u8], name: &[u8]) -> bool {
    let dot = |name: &[u8]| name.iter().rposition(|byte| *byte == b'.');
    match (dot(file), dot(name)) {
        (Some(x), Some(y)) => file[..x] == name[..y] && file[x..].eq_ignore_ascii_case(&name[y..]),
        _ => file == name,
    }
}

fn has_ending_of(a: &[u8], b: &[u8]) -> bool {
    let ending = |name: &[u8]| name.rsplit(|byte| *byte == b'.').next().map(<[u8]>::to_ascii_lowercase);
    ending(a) == ending(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_of_which_photo_a_file_is() {
        let of = |other: &str, photo: &str| {
            let kind = if other.ends_with("MOV") { ShotFileKind::Film } else { ShotFileKind::Sidecar };
            let (other, photo) = (ShotName::of(other.as_bytes()), NamedPhoto::of(photo.as_bytes()));
            !photos_of(kind, &other.expect("a name"), &[photo.expect("a photo")]).is_empty()
        };
        for other in [
            "1.JPG.xmp",
            "1.JPG.XMP",
            "1.xmp",
            "1_01.JPG.xmp",
            "1.MOV",
            "1.JPG.cos",
            "1.JPG.9.spd",
            "1.txt",
            "1.JPG.TXT",
            "1.JPG.supplemental-metadata.json",
        ] {
            assert!(of(other, "1.JPG"), "{other}");
        }
        for other in ["1.CR3.xmp", "11.xmp", "11.txt", "1.CR3.txt", "1.JPG(1).json", "1.MOV.xmp", "1M01.XML"] {
            assert!(!of(other, "1.JPG"), "{other}");
        }
        assert!(of("1.JPG(1).json", "1(1).JPG"));
        assert!(of("1.JPG.json", "1-edited.JPG") && !of("1.JPG.json", "2-edited.JPG"));
    }

    #[test]
    fn a_name_tells_of_which_film_a_sidecar_is() {
        let of = |sidecar: &str, film: &str| is_of_other(&ShotName::of(sidecar.as_bytes()).expect("a name"), film.as_bytes());
        for sidecar in ["1.MOV.xmp", "1.mov.XMP", "1.MOV.xml", "1.MOV.json", "1M01.XML"] {
            assert!(of(sidecar, "1.MOV"), "{sidecar}");
        }
        for sidecar in ["1.MP4.xmp", "1.xmp", "1.JPG.xmp", "11M01.XML", "1.THM"] {
            assert!(!of(sidecar, "1.MOV"), "{sidecar}");
        }
        assert!(of("DJI_01.MOV.xmp", "DJI_01.MOV"), "its number is no version");
    }

    #[test]
    fn only_what_a_camera_or_a_phone_writes_may_be_one_shot() {
        let may_be = |a: &str, b: &str| {
            let photo = |name| NamedPhoto::of(name).expect("a photo");
            may_be_one_shot(&photo(a.as_bytes()), &photo(b.as_bytes()))
        };
        let covers = ["P.RAW-01.COVER.jpg", "P.RAW-02.ORIGINAL.dng"];
        for [a, b] in [["1.CR3", "1.JPG"], ["1.NEF", "1.heic"], ["1-edit.NEF", "1-edit.jpg"], ["IMG_1234.HEIC", "IMG_E1234.HEIC"], covers] {
            assert!(may_be(a, b) && may_be(b, a), "{a} {b}");
        }
        for [a, b] in
            [["1.JPG", "1.tif"], ["1.JPG", "1.HEIC"], ["1.CR3", "1.DNG"], ["1.CR3", "1-edit.jpg"], ["IMG_1234.tif", "IMG_E1234.JPG"]]
        {
            assert!(!may_be(a, b) && !may_be(b, a), "{a} {b}");
        }
    }
}
