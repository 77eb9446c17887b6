//! What a camera writes to tell a picture from others: an id, and the number of the frame in two kinds of maker notes.

use exif::{Exif, In, Tag, Value};

use super::exif::{bytes_of, software, text};
use super::text::id;
use crate::photo::{Origin, is_editor};

/// The values of FileSource for scanners: of film and of prints.
const SCANNERS: [u8; 2] = [1, 2];

/// The tags of the counters, FileNumber and ShutterCount, and the type of their values.
const FILE_NUMBER_OF_CANON: u16 = 0x0008;
const SHUTTER_COUNT_OF_NIKON: u16 = 0x00a7;
const LONG: u16 = 4;

/// The length of an ImageUniqueID. Others are the name of a module of a phone, which all of its photos have.
const IMAGE_ID_CHARACTERS: usize = 32;

/// What stands before the TIFF in a maker note of Nikon.
const NIKON: &[u8] = b"Nikon\0";
const NIKON_HEADER_BYTES: usize = 10;

/// The bytes of an entry of a directory.
const ENTRY_BYTES: usize = 12;

/// The colours of a TIFF that are inks of a printing press.
const INKS: u32 = 5;

/// Returns what EXIF says of the origin. An editor gives each file that it writes another id, so its ids tell no frames.
pub fn origin(exif: &Exif) -> Origin {
    let source = exif.get_field(Tag::FileSource, In::PRIMARY).and_then(|field| bytes_of(&field.value)?.first().copied());
    let uint = |tag| exif.get_field(tag, In::PRIMARY).and_then(|field| field.value.get_uint(0));
    let is_of_camera = !software(exif).is_some_and(|software| is_editor(&software));
    let is_image_id = |text: &String| is_of_camera && text.len() == IMAGE_ID_CHARACTERS;
    Origin {
        image: text(exif, Tag::ImageUniqueID).filter(is_image_id).and_then(|text| id(&text)),
        size: uint(Tag::PixelXDimension).zip(uint(Tag::PixelYDimension)).map(|(width, height)| [width, height]),
        is_for_print: uint(Tag::PhotometricInterpretation) == Some(INKS),
        number: number(exif).filter(|number| *number > 0),
        is_scanned: source.is_some_and(|source| SCANNERS.contains(&source)),
        ..Origin::default()
    }
}

/// Returns the number of the frame in the maker note.
fn number(exif: &Exif) -> Option<u32> {
    let make = text(exif, Tag::Make)?.to_lowercase();
    let Value::Undefined(note, _) = &exif.get_field(Tag::MakerNote, In::PRIMARY)?.value else { return None };
    if make.starts_with("canon") {
        return Bytes { bytes: note, is_little: exif.little_endian() }.long(0, FILE_NUMBER_OF_CANON);
    }
    let tiff = note.strip_prefix(NIKON).filter(|_| make.starts_with("nikon")).and(note.get(NIKON_HEADER_BYTES..))?;
    let tiff = Bytes { bytes: tiff, is_little: tiff.starts_with(b"II") };
    tiff.long(tiff.u32_at(4)? as usize, SHUTTER_COUNT_OF_NIKON)
}

/// The bytes of a maker note.
struct Bytes<'a> {
    bytes: &'a [u8],
    is_little: bool,
}

impl Bytes<'_> {
    /// Returns a single number of 32 bits in the directory at this place.
    fn long(&self, directory: usize, tag: u16) -> Option<u32> {
        let count = usize::from(self.u16_at(directory)?);
        let mut entries = (0..count).map(|entry| directory + 2 + ENTRY_BYTES * entry);
        let is_it = |at: &usize| self.u16_at(*at) == Some(tag) && self.u16_at(at + 2) == Some(LONG) && self.u32_at(at + 4) == Some(1);
        self.u32_at(entries.find(is_it)? + 8)
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32_at(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::exif::parsed;
    use super::super::exif::tests::{ascii, data, field};
    use super::*;

    /// A directory with one entry, as in a maker note.
    fn directory(tag: u16, kind: u16, value: u32, is_little: bool) -> Vec<u8> {
        let short = |value: u16| if is_little { value.to_le_bytes() } else { value.to_be_bytes() };
        let long = |value: u32| if is_little { value.to_le_bytes() } else { value.to_be_bytes() };
        [&short(1)[..], &short(tag), &short(kind), &long(1), &long(value), &long(0)].concat()
    }

    fn read(make: &str, note: Vec<u8>, is_little: bool) -> Option<u32> {
        let fields = [field(Tag::Make, ascii(make)), field(Tag::MakerNote, Value::Undefined(note, 0))];
        origin(&parsed(&data(&fields, is_little)).expect("EXIF")).number
    }

    #[test]
    fn the_counters_of_two_makers_are_read_in_both_byte_orders() {
        for is_little in [false, true] {
            let canon = directory(FILE_NUMBER_OF_CANON, LONG, 1_181_861, is_little);
            assert_eq!(read("Canon", canon.clone(), is_little), Some(1_181_861));
            assert_eq!(read("Other", canon.clone(), is_little), None);
            let order: &[u8] = if is_little { b"II*\0\x08\0\0\0" } else { b"MM\0*\0\0\0\x08" };
            let directory_of_nikon = directory(SHUTTER_COUNT_OF_NIKON, LONG, 4711, is_little);
            let nikon = [b"Nikon\0\x02\x10\0\0", order, &directory_of_nikon].concat();
            // The maker note has a byte order of its own.
            assert_eq!(read("NIKON CORPORATION", nikon.clone(), !is_little), Some(4711));
            for length in 1..nikon.len() - 4 {
                assert_eq!(read("NIKON CORPORATION", nikon[..length].to_vec(), false), None, "cut off at {length}");
            }
            assert_eq!(read("Canon", directory(FILE_NUMBER_OF_CANON, 3, 9, is_little), is_little), None, "of another type");
            assert_eq!(read("Canon", directory(FILE_NUMBER_OF_CANON, LONG, 0, is_little), is_little), None, "not set");
            assert_eq!(read("Canon", [&[0xff, 0xff][..], &canon[2..]].concat(), is_little), Some(1_181_861), "more entries than there are");
        }
    }

    #[test]
    fn the_size_that_the_camera_wrote_and_inks_are_read() {
        let of = |fields: &[exif::Field]| origin(&parsed(&data(fields, false)).expect("EXIF"));
        let [width, height] =
            [(Tag::PixelXDimension, 4032), (Tag::PixelYDimension, 3024)].map(|(tag, side)| field(tag, Value::Long(vec![side])));
        assert_eq!(of(&[width.clone(), height]).size, Some([4032, 3024]));
        assert_eq!(of(&[width]).size, None);
        let colours = |number| of(&[field(Tag::PhotometricInterpretation, Value::Short(vec![number]))]).is_for_print;
        assert!(colours(5) && !colours(2));
    }

    #[test]
    fn the_id_that_an_editor_wrote_tells_no_frames() {
        let of = |software| {
            let id = field(Tag::ImageUniqueID, ascii("0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c1e"));
            origin(&parsed(&data(&[field(Tag::Software, ascii(software)), id], false)).expect("EXIF")).image
        };
        assert_eq!(of("Picasa"), None);
        assert!(of("Ver.1.02").is_some());
    }

    #[test]
    fn an_id_and_a_scanner_are_read() {
        let of = |tag, value| origin(&parsed(&data(&[field(Tag::Make, ascii("Maker")), field(tag, value)], false)).expect("EXIF"));
        let image = |text: &str| of(Tag::ImageUniqueID, ascii(text)).image;
        let unique = "0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c1e";
        assert_eq!(image(&unique.to_uppercase()).as_deref(), Some(unique));
        for constant in ["00000000000000000000000000000000", "A16LLIC08SM A16LLIL02GM", ""] {
            assert_eq!(image(constant), None, "{constant}");
        }
        let source = |bytes: &[u8]| of(Tag::FileSource, Value::Undefined(bytes.to_vec(), 0)).is_scanned;
        assert_eq!([&[3][..], &[1], &[2], &[3, 0, 0, 0]].map(source), [false, true, true, false]);
    }
}
