//! Metadata of a RAW file: EXIF, which may be in several structures, and what old cameras wrote in records of their own.

use std::borrow::Cow;

use exif::{Exif, In, Tag};

use super::exif::{capture, description, iptc, parsed_tiff, software, text as text_of, xmp};
use super::origin::origin;
use super::{Other, or, text};
use crate::photo::{Capture, Exposure, Metadata, Origin};
use crate::vision::raw::{self, Camera, Raw, Tags};

/// The tags that point to the EXIF and to the GPS directory.
const EXIF_POINTER: u16 = 0x8769;
const GPS_POINTER: u16 = 0x8825;

/// The type of these tags: a number of four bytes.
const LONG: u16 = 4;

/// Returns what a RAW file says. Empty if nothing can be read. The orientation is that of the picture, whatever its preview says.
pub fn read(bytes: &[u8]) -> Metadata {
    let Ok(raw) = raw::read(bytes) else { return Metadata::default() };
    let structures: Vec<Exif> = raw.exif.iter().filter_map(|part| parsed_tiff(whole(part))).collect();
    let mut other = Other::default();
    let packet = structures.iter().find_map(xmp).map(|packet| super::xmp::read(packet, &mut other)).unwrap_or_default();
    let in_iptc = structures.iter().find_map(iptc).map(|data| super::iptc::read(&data, &mut other)).unwrap_or_default();
    let said = structures.iter().fold(or(packet.description, in_iptc), |said, exif| or(said, description(exif, &mut other)));
    let mut capture = captured(&raw, &structures);
    capture.origin.documents = packet.documents;
    Metadata {
        capture,
        description: said,
        software: structures.iter().find_map(software).or(packet.software),
        trailer_bytes: 0,
        trailer: None,
        other: other.into_hashes(),
    }
}

/// Whether EXIF says that the preview is in Adobe RGB: by the names of the rules for files in cameras, or as some cameras do.
pub fn is_adobe_rgb(raw: &Raw<'_>) -> bool {
    const NUMBER: u32 = 2;
    let says = |exif: &Exif| {
        let by_rules = text_of(exif, Tag::InteroperabilityIndex).is_some_and(|rules| rules.starts_with("R03"));
        by_rules || exif.get_field(Tag::ColorSpace, In::PRIMARY).is_some_and(|field| field.value.get_uint(0) == Some(NUMBER))
    };
    raw.exif.iter().filter_map(|part| parsed_tiff(whole(part))).any(|exif| says(&exif))
}

fn captured(raw: &Raw<'_>, structures: &[Exif]) -> Capture {
    let with_origin = |exif| Capture { origin: origin(exif), ..capture(exif) };
    let said = structures.iter().map(with_origin).fold(Capture::default(), either);
    let Camera { make, model, taken } = raw.camera.clone().unwrap_or_default();
    let clean = |text: Option<String>| text.and_then(|text| text::clean(&text));
    let camera = Capture { taken, make: clean(make), model: clean(model), ..Capture::default() };
    Capture { orientation: raw.orientation, ..either(said, camera) }
}

/// Adds what the first one does not say.
fn either(first: Capture, second: Capture) -> Capture {
    Capture {
        taken: first.taken.or(second.taken),
        offset: first.offset.or(second.offset),
        make: first.make.or(second.make),
        model: first.model.or(second.model),
        serial: first.serial.or(second.serial),
        lens: first.lens.or(second.lens),
        orientation: first.orientation.or(second.orientation),
        exposure: Exposure {
            seconds: first.exposure.seconds.or(second.exposure.seconds),
            aperture: first.exposure.aperture.or(second.exposure.aperture),
            bias: first.exposure.bias.or(second.exposure.bias),
            iso: first.exposure.iso.or(second.exposure.iso),
        },
        origin: Origin {
            image: first.origin.image.or(second.origin.image),
            number: first.origin.number.or(second.origin.number),
            is_scanned: first.origin.is_scanned || second.origin.is_scanned,
            documents: first.origin.documents,
            size: first.origin.size.or(second.origin.size),
            is_for_print: false,
        },
    }
}

/// Returns a structure as EXIF readers want it: with the version number of TIFF, and with the directories of EXIF and GPS below
/// another one.
fn whole(part: &raw::Exif<'_>) -> Vec<u8> {
    match part.tags {
        Tags::Image => match part.standard() {
            Cow::Owned(bytes) => bytes,
            Cow::Borrowed(bytes) => bytes.to_vec(),
        },
        Tags::Exif => below(part.tiff, EXIF_POINTER),
        Tags::Gps => below(part.tiff, GPS_POINTER),
    }
}

/// Puts the first directory of a structure below a new one that has only the tag that points to it.
fn below(tiff: &[u8], pointer: u16) -> Vec<u8> {
    let is_little = tiff.starts_with(b"II");
    let short = |number: u16| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
    let long = |number: u32| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
    let mut bytes = tiff.to_vec();
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    let Ok(at) = u32::try_from(bytes.len()) else { return bytes };
    if let Some(start) = bytes.get_mut(4..8) {
        let first = start.to_vec();
        start.copy_from_slice(&long(at));
        bytes.extend([short(1), short(pointer), short(LONG)].concat());
        bytes.extend([long(1).as_slice(), &first, &long(0)].concat());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use exif::{Tag, Value};

    use super::super::exif::tests::{ascii, data, field, place, tiff_field};
    use super::*;
    use crate::photo::Position;
    use crate::vision::raw::tests::{build::boxed, file};

    /// What a CR3 has instead of one TIFF: three, for the tags of the picture, of EXIF and of GPS.
    fn cr3(parts: [&[u8]; 3]) -> Vec<u8> {
        let id = 0x85c0b687_820f_11e0_8111_f4ce462b6a48_u128.to_be_bytes();
        let boxes = [b"CMT1", b"CMT2", b"CMT4"].into_iter().zip(parts).map(|(kind, tiff)| boxed(kind, tiff)).collect::<Vec<_>>().concat();
        let movie = boxed(b"moov", &boxed(b"uuid", &[&id[..], &boxes].concat()));
        [boxed(b"ftyp", b"crx \0\0\0\x01crx isom"), movie].concat()
    }

    /// The directory of EXIF or GPS as the first one of a structure: the writer puts it below another.
    fn first(tiff: &[u8], pointer: u16) -> Vec<u8> {
        let tag = pointer.to_be_bytes();
        let entry = tiff.windows(2).position(|two| two == tag).expect("the pointer");
        [&tiff[..4], &tiff[entry + 8..entry + 12], &tiff[8..]].concat()
    }

    #[test]
    fn what_a_cr3_says_is_in_three_structures() {
        let image = data(
            &[field(Tag::Make, ascii("Maker")), field(Tag::Orientation, Value::Short(vec![6])), field(Tag::Artist, ascii("Ada"))],
            true,
        );
        let exif = data(
            &[
                field(Tag::DateTimeOriginal, ascii("2026:05:01 10:00:00")),
                field(Tag::SubSecTimeOriginal, ascii("92")),
                field(Tag::BodySerialNumber, ascii("4711")),
                field(Tag::ImageUniqueID, ascii("0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c1e")),
                field(Tag::FNumber, Value::Rational(vec![(28, 10).into()])),
            ],
            false,
        );
        let gps = data(&place(&[(52, 1)], "N", &[(13, 1)], "W"), false);
        let read = read(&cr3([&image, &first(&exif, EXIF_POINTER), &first(&gps, GPS_POINTER)]));
        let Capture { taken, make, serial, orientation, exposure, origin, .. } = read.capture;
        assert_eq!(origin.image.as_deref(), Some("0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c1e"));
        assert_eq!((taken.as_deref(), make.as_deref(), serial.as_deref()), (Some("2026-05-01T10:00:00.92"), Some("Maker"), Some("4711")));
        assert_eq!((orientation, exposure.aperture), (Some(6), Some(2.8)));
        assert_eq!(read.description.creator.as_deref(), Some("Ada"));
        assert!(read.description.position.is_some_and(|at| at.is_near(Position { latitude: 52.0, longitude: -13.0 })));
        assert_eq!((super::read(b"FOVb"), super::read(b"")), (Metadata::default(), Metadata::default()));
    }

    #[test]
    fn a_structure_without_a_directory_stays_as_it_is() {
        for cut in [&b""[..], b"II", b"II*\0\x08\0"] {
            assert_eq!(below(cut, EXIF_POINTER), cut);
        }
        assert!(parsed_tiff(below(&data(&[tiff_field(0x0100, Value::Short(vec![1]))], true), EXIF_POINTER)).is_some());
    }

    /// What exiftool 12.57 says of real files: make, model, time, orientation, and the exposure in seconds.
    #[test]
    fn real_raw_files_say_who_made_them_and_when() {
        let files = [
            ("Exiv2-Canon-R6-pruned.CR3", "Canon", "Canon EOS R6", Some("2021-05-12T12:21:21.92"), Some(1), Some(0.25)),
            ("mindeng-canon-r6.cr3", "Canon", "Canon EOS R6", Some("2025-09-06T20:24:47.72"), Some(1), Some(0.01)),
            ("Exiv2-IMG_1361.dng", "Apple", "iPhone 12 Pro", Some("2020-12-29T14:24:45.700"), Some(6), Some(0.00018)),
            ("bep-jølstravatnet.pef", "RICOH IMAGING COMPANY, LTD.", "PENTAX K-3 II", Some("2021-02-05T10:56:53"), Some(1), Some(0.025)),
            ("bep-sample.arw", "SONY", "DSLR-A330", Some("2009-11-13T13:33:25"), Some(1), Some(0.00625)),
            ("bep-sample.cr2", "Canon", "Canon PowerShot S90", Some("2011-08-24T14:41:04"), Some(1), Some(0.008)),
            ("bep-sample.nef", "NIKON CORPORATION", "NIKON D1", Some("2000-11-19T13:01:50.24"), None, Some(0.004)),
            ("evanoberholster-CRW.CRW", "Canon", "Canon EOS D30", Some("2018-01-01T13:03:32"), Some(1), None),
            ("exiftool-FujiFilm.raf", "FUJIFILM", "FinePix S5Pro", Some("2007-05-22T13:58:30"), Some(1), Some(0.004)),
            ("exiftool-Minolta.mrw", "Konica Minolta Camera, Inc.", "DiMAGE A2", Some("2004-11-18T23:14:58"), Some(1), Some(0.2)),
            ("exiftool-Panasonic.rw2", "Panasonic", "DMC-LX3", Some("2008-08-06T15:21:56"), Some(1), Some(0.004)),
            ("exiftool-Sigma.x3f", "SIGMA", "SIGMA SD10", Some("2001-01-01T00:36:35"), Some(6), None),
            ("exiftool-SigmaDP2.x3f", "SIGMA", "SIGMA DP2", Some("2009-11-28T13:05:20"), Some(1), Some(0.1)),
            ("gopro-GOPR0024.GPR", "GoPro", "HERO6 Black", Some("2016-01-01T23:07:27"), Some(2), Some(0.002_198)),
            ("photoprism-canon_eos_6d.dng", "Canon", "Canon EOS 6D", Some("2019-06-06T07:29:51.00"), Some(1), Some(0.016_667)),
            ("sindresorhus-fixture-Leica-M10.dng", "Leica Camera AG", "LEICA M10", None, Some(6), None),
            ("sindresorhus-fixture-sony-zv-e10.arw", "SONY", "ZV-E10", Some("2021-07-24T14:23:06.583"), Some(6), Some(0.00625)),
        ];
        for (name, make, model, taken, orientation, seconds) in files {
            let Some(bytes) = file(name) else { return };
            let Capture { make: by, model: with, taken: at, orientation: turned, exposure, .. } = read(&bytes).capture;
            assert_eq!((by.as_deref(), with.as_deref(), at.as_deref(), turned), (Some(make), Some(model), taken, orientation), "{name}");
            let is_near = |seconds: f64| exposure.seconds.is_some_and(|read| (read / seconds - 1.0).abs() < 0.01);
            assert!(seconds.map_or(exposure.seconds.is_none(), is_near), "{name}: {:?}", exposure.seconds);
        }
        let Some(bytes) = file("photoprism-canon_eos_6d.dng") else { return };
        assert!(read(&bytes).capture.origin.documents.len() >= 2, "its own id, and that of what it was made of");
    }
}
