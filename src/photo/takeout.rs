//! The names of the JSON files that Google Takeout writes beside photos and films.

use super::other::is_media;
use super::spelling::folded;

/// What Takeout adds to the name of the photo, or the beginning of it.
const SUPPLEMENTAL: &[u8] = b"supplemental-metadata";

/// What programs write after the name of a photo that was edited, in several languages. Google Photos is one of them.
pub const EDITED: [&str; 12] = [
    "edit",
    "edited",
    "bearbeitet",
    "modifie",
    "modifié",
    "editado",
    "editada",
    "edytowane",
    "modificato",
    "bewerkt",
    "redigerad",
    "編集済み",
];

/// Takeout cuts the name of the JSON after this many characters, without its ending: also within the name of the photo.
const MAX_CHARACTERS: usize = 46;

/// The longest ending of a photo, in bytes.
const MAX_ENDING: usize = 4;

/// The name of the photo or the film of a JSON: the stem, the number and the ending, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TakeoutName<'a> {
    pub stem: &'a [u8],
    /// What tells it from another file of its name: `(1)`. In the name of the JSON this stands last. Empty if there is none.
    pub number: &'a [u8],
    pub ending: &'a [u8],
    /// Whether only the beginning of the ending is known.
    pub is_cut: bool,
}

impl<'a> TakeoutName<'a> {
    /// Reads the name of a JSON, without its ending: `IMG_1.jpg(1)` and `IMG_1.jpg.supplemental-metadata(1)` are of `IMG_1(1).jpg`.
    /// `None` if Takeout writes no such name.
    pub fn of(named: &'a [u8]) -> Option<TakeoutName<'a>> {
        let (rest, number) = numbered(named);
        let whole = |name: &'a [u8]| {
            let (stem, ending) = split(name)?;
            is_media(name).then_some(TakeoutName { stem, number, ending, is_cut: false })
        };
        let before_part = || split(rest).filter(|(_, part)| is_supplemental(part)).map(|(before, _)| before);
        whole(rest).or_else(|| whole(before_part()?)).or_else(|| {
            let (stem, ending) = split(rest).filter(|(_, ending)| ending.len() <= MAX_ENDING).unwrap_or((rest, b""));
            [named, rest].into_iter().any(is_longest).then_some(TakeoutName { stem, number, ending, is_cut: true })
        })
    }

    /// Whether a photo or a film has this name.
    pub fn is_of(&self, name: &[u8]) -> bool {
        let Some((stem, ending)) = split(name) else { return false };
        let is_ending = if self.is_cut {
            ending.get(..self.ending.len()).is_some_and(|start| start.eq_ignore_ascii_case(self.ending))
        } else {
            ending.eq_ignore_ascii_case(self.ending)
        };
        is_ending && stem.strip_prefix(self.stem) == Some(self.number)
    }
}

fn is_supplemental(part: &[u8]) -> bool {
    SUPPLEMENTAL.get(..part.len()).is_some_and(|start| start.eq_ignore_ascii_case(part))
}

/// The name of the photo of which Google Photos made the one with this name, both without number and ending: `IMG_1` of `IMG_1-edited`.
pub fn unedited(stem: &[u8]) -> Option<&[u8]> {
    let dash = stem.iter().rposition(|byte| *byte == b'-').filter(|dash| *dash > 0)?;
    let word = folded(&stem[dash + 1..]);
    EDITED.iter().any(|edited| edited.as_bytes() == &*word).then(|| &stem[..dash])
}

/// The name without its ending, and the ending without its dot.
pub fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    (dot > 0).then(|| (&name[..dot], &name[dot + 1..]))
}

/// The name without a number in brackets at its end, and the number.
pub fn numbered(name: &[u8]) -> (&[u8], &[u8]) {
    let open = name.iter().rposition(|byte| *byte == b'(').filter(|open| *open > 0);
    let is_number =
        |open: &usize| matches!(&name[*open..], [b'(', digits @ .., b')'] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
    name.split_at(open.filter(is_number).unwrap_or(name.len()))
}

/// Whether a name has as many characters as Takeout writes.
fn is_longest(name: &[u8]) -> bool {
    // Each character of UTF-8 has one byte that does not go on with the one before.
    name.iter().filter(|byte| **byte & 0xc0 != 0x80).count() == MAX_CHARACTERS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_is_of_the_photo_that_takeout_wrote_it_for() {
        let long = "a-name-that-is-too-long-for-its-json-in-all-";
        assert_eq!(long.len(), 44);
        let name = |named: &str, photo: &str| TakeoutName::of(named.as_bytes()).map(|name| name.is_of(photo.as_bytes()));
        for (named, photo) in [
            ("IMG_1.jpg", "IMG_1.JPG"),
            ("IMG_1.jpg(1)", "IMG_1(1).jpg"),
            ("IMG_1.HEIC.supplemental-metadata(12)", "IMG_1(12).HEIC"),
            ("IMG_1.jpg.suppl(1)", "IMG_1(1).jpg"),
            ("IMG_1.jpg.", "IMG_1.jpg"),
            ("IMG_1.jpg.Supplemental-Metadata", "IMG_1.jpg"),
        ] {
            assert_eq!(name(named, photo), Some(true), "{named} {photo}");
        }
        for (named, photo) in [(".j", ".jpg"), ("1.", "1.heic"), ("12", "12.mp4"), ("12(3)", "12(3).jpg"), ("ü.", "ü.jpg")] {
            assert_eq!(name(&format!("{long}{named}"), &format!("{long}{photo}")), Some(true), "{named} {photo}");
        }
        for (named, photo) in [
            ("IMG_1.jpg(1)", "IMG_1.jpg"),
            ("IMG_1.jpg", "IMG_1(1).jpg"),
            ("IMG_1.jpg(1)", "IMG_1(11).jpg"),
            ("IMG_1.jpg(1)", "IMG_1(1).png"),
        ] {
            assert_eq!(name(named, photo), Some(false), "{named} {photo}");
        }
        assert_eq!(name(&format!("{long}.j"), &format!("{long}.png")), Some(false));
        for named in ["metadata", "a.txt", "a.jpg.metadata", "(1)", "IMG_1.jpg()", "IMG_1.jpg(a)", &long[1..]] {
            assert_eq!(TakeoutName::of(named.as_bytes()), None, "{named}");
        }
    }
}
