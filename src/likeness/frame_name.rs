//! The names that cameras and phones give their files: the number of the frame, or the time at which it was taken.

use std::collections::HashSet;
use std::path::Path;

use crate::photo::EDITED;

/// What DCF names of cameras begin with, in capitals; `#` is a digit. Four digits follow.
const CAMERAS: [&str; 23] = [
    "IMG_", "DSC_", "_DSC", "DSC#", "DSCN", "DSCF", "_DSF", "_MG_", "IMGP", "_IGP", "PICT", "CIMG", "SAM_", "GOPR", "DJI_", "SDIM", "HPIM",
    "DCP_", "KIC_", "SANY", "P###", "L###", "R###",
];

/// What names with a time begin with, in capitals. A date of 8 digits and a time of 6 to 9 digits follow.
const PHONES: [&str; 5] = ["", "IMG_", "PXL_", "MVIMG_", "DSC_"];

const CAMERA_LETTERS: usize = 4;
const NUMBER_DIGITS: usize = 4;
const DATE_DIGITS: usize = 8;
const TIME_DIGITS: std::ops::RangeInclusive<usize> = 6..=9;

/// What iPhones write between the letters and the number of a photo that was edited: `IMG_E1234` of `IMG_1234`.
const EDITED_ON_IPHONE: [&str; 2] = ["IMG_E", "IMG_"];

/// The most letters before a number.
const MAX_LETTERS: usize = 6;

/// The name of a frame, without what a copy or an edit has after it: `DSC_0001` of `DSC_0001-edit.jpg` and of `DSC_0001 (1).jpg`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameName {
    frame: Frame,
    /// Whether the name says that the photo was edited.
    is_edit: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Frame {
    /// In capitals. Frames with other letters are numbered apart.
    letters: [u8; MAX_LETTERS],
    /// Or a date and a time, which has more digits.
    number: u64,
    is_time: bool,
}

impl FrameName {
    /// `None` if no camera would give this name.
    pub fn of(path: &Path) -> Option<FrameName> {
        let stem = path.file_stem()?.as_encoded_bytes();
        let [edited, plain] = EDITED_ON_IPHONE.map(str::as_bytes);
        let of_iphone = stem.strip_prefix(edited).and_then(|number| Some((numbered(&[plain, number].concat())?.0, number)));
        let (frame, rest, is_edit) = match of_iphone {
            Some((frame, number)) => (frame, &number[NUMBER_DIGITS..], true),
            None => {
                let (frame, end) = timed(stem).or_else(|| numbered(stem))?;
                (frame, &stem[end..], is_of_edit(&stem[end..]))
            }
        };
        // A longer number or word is another name.
        rest.first().is_none_or(|next| next.is_ascii() && !next.is_ascii_alphanumeric()).then_some(FrameName { frame, is_edit })
    }
}

/// Whether what stands after the name of a frame is one of the words for an edit.
fn is_of_edit(rest: &[u8]) -> bool {
    let rest = String::from_utf8_lossy(rest).to_lowercase();
    let mut words = rest.split(|letter: char| !letter.is_alphanumeric());
    words.any(|word| EDITED.contains(&word))
}

impl Frame {
    fn new(letters: &[u8], number: impl Iterator<Item = u8>, is_time: bool) -> Frame {
        let mut capitals = [0; MAX_LETTERS];
        capitals.iter_mut().zip(letters).for_each(|(capital, letter)| *capital = letter.to_ascii_uppercase());
        let number = number.fold(0, |number, digit| 10 * number + u64::from(digit - b'0'));
        Frame { letters: capitals, number, is_time }
    }

    /// Whether both are of one numbering, with other numbers.
    fn is_other(&self, other: &Frame) -> bool {
        (self.letters, self.is_time) == (other.letters, other.is_time) && self.number != other.number
    }
}

/// Whether names of two photos say that they are two frames: they are of one numbering, and no name of both has one number.
pub fn are_two_frames(a: &[FrameName], b: &[FrameName]) -> bool {
    !are_one_frame(a, b) && a.iter().any(|x| b.iter().any(|y| x.frame.is_other(&y.frame)))
}

/// Whether names of two photos say that they are of one frame.
pub fn are_one_frame(a: &[FrameName], b: &[FrameName]) -> bool {
    a.iter().any(|x| b.iter().any(|y| x.frame == y.frame))
}

/// Whether names say that `a` is an edit of the frame whose plain name `b` has.
pub fn is_named_edit(a: &[FrameName], b: &[FrameName]) -> bool {
    a.iter().any(|x| x.is_edit && b.iter().any(|y| !y.is_edit && x.frame == y.frame))
}

/// Returns of each path whether its name is that of an edit of a frame whose plain name is among them.
pub fn are_edit_names<'a>(paths: impl Iterator<Item = &'a Path>) -> Vec<bool> {
    let names: Vec<Option<FrameName>> = paths.map(FrameName::of).collect();
    let plain: HashSet<Frame> = names.iter().flatten().filter(|name| !name.is_edit).map(|name| name.frame).collect();
    names.into_iter().map(|name| name.is_some_and(|name| name.is_edit && plain.contains(&name.frame))).collect()
}

/// Returns the name of a frame with a time at the beginning of a name, and where it ends.
fn timed(stem: &[u8]) -> Option<(Frame, usize)> {
    let begins = |letters: &&str| stem.get(..letters.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(letters.as_bytes()));
    let letters = PHONES.into_iter().filter(begins).max_by_key(|letters| letters.len())?.len();
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (date, rest) = stem[letters..].split_at_checked(DATE_DIGITS)?;
    let is_date = digits(date) == DATE_DIGITS && (date.starts_with(b"19") || date.starts_with(b"20"));
    let between = usize::from(matches!(rest.first(), Some(b'_' | b'-')));
    let length = digits(&rest[between..]);
    let is_named = is_date && TIME_DIGITS.contains(&length);
    let number = date.iter().chain(&rest[between..]).copied().take(DATE_DIGITS + length);
    is_named.then(|| (Frame::new(&stem[..letters], number, true), letters + DATE_DIGITS + between + length))
}

/// Returns the name of a frame with a number at the beginning of a name, and where it ends.
fn numbered(stem: &[u8]) -> Option<(Frame, usize)> {
    let (letters, rest) = stem.split_at_checked(CAMERA_LETTERS)?;
    let number = rest.get(..NUMBER_DIGITS).filter(|number| number.iter().all(u8::is_ascii_digit))?;
    let is_like = |camera: &&str| {
        let mut both = camera.bytes().zip(letters);
        both.all(|(of_camera, letter)| of_camera == letter.to_ascii_uppercase() || of_camera == b'#' && letter.is_ascii_digit())
    };
    let name = || (Frame::new(letters, number.iter().copied(), false), CAMERA_LETTERS + NUMBER_DIGITS);
    CAMERAS.iter().any(is_like).then(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str]) -> Vec<FrameName> {
        paths.iter().filter_map(|path| FrameName::of(Path::new(path))).collect()
    }

    #[test]
    fn two_numbers_or_times_are_two_frames() {
        for (a, b) in [
            ("/a/DSC_0001.JPG", "/b/dsc_0002.jpg"),
            ("/DSC06620.JPG", "/DSC06621-edit.jpg"),
            ("/P1010001.JPG", "/P1010002.JPG"),
            ("/_MG_1234.jpg", "/_MG_1235.jpg"),
            ("/PXL_20240501_100000231.jpg", "/PXL_20240501_100001428.jpg"),
            ("/20240501_100000.jpg", "/20240501_100001.jpg"),
        ] {
            let (x, y) = (names(&[a]), names(&[b]));
            assert!(are_two_frames(&x, &y) && are_two_frames(&y, &x) && !are_one_frame(&x, &y), "{a} {b}");
        }
    }

    #[test]
    fn what_stands_after_a_frame_is_of_a_copy_or_an_edit() {
        for copy in ["DSC_0001-edit", "DSC_0001 (1)", "DSC_0001(1)", "DSC_0001_copy", "DSC_0001 - Kopie", "dsc_0001~2"] {
            let (x, y) = (names(&["/DSC_0001.JPG"]), names(&[&format!("/small/{copy}.jpg")]));
            assert!(are_one_frame(&x, &y) && !are_two_frames(&x, &y), "{copy}");
        }
        let [time, edit] = ["/IMG_20190701_120000.jpg", "/IMG_20190701_120000-bearbeitet.jpg"].map(|name| names(&[name]));
        assert!(are_one_frame(&time, &edit));
    }

    #[test]
    fn a_name_may_say_that_a_photo_was_edited() {
        let is_edit = |edit: &str, other: &str| is_named_edit(&names(&[edit]), &names(&[other]));
        for edit in ["IMG_E1234", "IMG_1234-edited", "IMG_1234_edit", "img_1234 (bearbeitet)", "IMG_1234-modifié", "IMG_1234-編集済み"]
        {
            let edit = format!("/b/{edit}.jpg");
            assert!(is_edit(&edit, "/a/IMG_1234.HEIC") && are_one_frame(&names(&[&edit]), &names(&["/IMG_1234.JPG"])), "{edit}");
            assert!(!is_edit("/a/IMG_1234.HEIC", &edit) && !is_edit(&edit, "/a/IMG_1235.HEIC") && !is_edit(&edit, &edit), "{edit}");
        }
        for copy in ["IMG_1234 (1)", "IMG_1234-small", "IMG_1234-expedition", "IMG_1234"] {
            assert!(!is_edit(&format!("/{copy}.jpg"), "/a/IMG_1234.JPG"), "{copy}");
        }
        assert!(are_two_frames(&names(&["/IMG_E1234.JPG"]), &names(&["/IMG_1235.JPG"])));
    }

    #[test]
    fn other_names_say_nothing() {
        for name in [
            "frame1",
            "00003",
            "holiday 2",
            "page0001",
            "Rome2024",
            "scan0002",
            "f1234567",
            "IMG-20240501-WA0001",
            "photo_2024-05-01_10-00-00",
            "Screenshot_20240501-100000",
            "DSC_00011",
            "DSC_1",
            "IMG_E001",
            "IMG_E00012",
            "IMG_20249",
            "DSC_0001a",
            "99990501_100000",
            "é_é_0001",
            "",
        ] {
            assert_eq!(names(&[&format!("/{name}.jpg")]), [], "{name}");
        }
        let other = names(&["/IMG_0002.jpg"]);
        assert!(!are_two_frames(&names(&["/DSC_0001.jpg"]), &other), "two cameras");
        assert!(!are_two_frames(&names(&["/page.jpg"]), &other));
        assert!(!are_two_frames(&names(&["/IMG_0001.jpg", "/IMG_0002-small.jpg"]), &other), "one photo has both names");
    }
}
