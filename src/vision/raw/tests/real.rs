//! Real files. The expected values are those of exiftool 12.57. Most of these files are cut off, or hold dummies in place of
//! pictures, as test collections keep them.

use super::super::{Family, Tags, family, read};
use super::{camera_files, file};
use crate::sys::skip;

/// A file below `more/raw`, and what is expected of it.
type Expected = (&'static str, Family, Option<(u32, u32)>, Option<u8>, Option<(u32, u32)>);

/// Name, family, size, orientation, preview. A comment names exiftool's tag, where that is not `ImageSize`.
const FILES: [Expected; 24] = [
    ("Exiv2-Canon-R6-pruned.CR3", Family::Cr3, Some((3408, 2272)), Some(1), Some((1620, 1080))),
    ("mindeng-canon-r6.cr3", Family::Cr3, Some((5472, 3648)), Some(1), Some((1620, 1080))),
    ("exiftool-CanonRaw.cr3", Family::Cr3, Some((6000, 4000)), Some(1), None),
    // Cut off in the middle of its first preview.
    ("bep-sample.cr2", Family::Cr2, Some((3648, 2736)), Some(1), None),
    ("exiftool-CanonRaw.cr2", Family::Cr2, Some((3456, 2304)), Some(1), None),
    ("evanoberholster-CRW.CRW", Family::Crw, Some((2160, 1440)), Some(1), Some((1440, 960))),
    ("exiftool-CanonRaw.crw", Family::Crw, Some((3072, 2048)), Some(1), None),
    ("Exiv2-exiv2-canon-powershot-s40.crw", Family::Crw, Some((2272, 1704)), Some(1), None),
    ("bep-sample.nef", Family::Nef, Some((2012, 1324)), None, None),
    ("exiftool-Nikon.nef", Family::Nef, Some((3040, 2014)), Some(1), None),
    // ExifImageWidth and ExifImageHeight. ImageSize is that of Sony's record of Minolta's, 3872 × 2592.
    ("bep-sample.arw", Family::Arw, Some((3880, 2600)), Some(1), None),
    // ExifImageWidth and ExifImageHeight. There is no ImageSize: cut off before the directory of the sensor data.
    ("sindresorhus-fixture-sony-zv-e10.arw", Family::Arw, Some((6000, 4000)), Some(6), None),
    // DefaultCropSize. ImageSize is that of the sensor with its borders, 3516 × 2328.
    ("exiftool-DNG.dng", Family::Dng, Some((3456, 2304)), Some(1), None),
    ("Exiv2-IMG_1361.dng", Family::Dng, Some((4032, 3024)), Some(6), None),
    ("photoprism-canon_eos_6d.dng", Family::Dng, Some((1224, 816)), Some(1), Some((1024, 683))),
    // DefaultCropSize by its bytes: exiftool stops before it, where the file is cut off. ImageSize is 5984 × 3992.
    ("sindresorhus-fixture-Leica-M10.dng", Family::Dng, Some((5976, 3984)), Some(6), None),
    ("gopro-GOPR0024.GPR", Family::Dng, Some((4000, 3000)), Some(2), None),
    // RawImageCroppedSize is 4256 × 1424, with two rows in one.
    ("exiftool-FujiFilm.raf", Family::Raf, Some((4256, 2848)), Some(1), None),
    ("exiftool-Panasonic.rw2", Family::Rw2, Some((3648, 2736)), Some(1), None),
    ("bep-jølstravatnet.pef", Family::Pef, Some((6080, 4032)), Some(1), Some((720, 480))),
    ("exiftool-Minolta.mrw", Family::Mrw, Some((3264, 2448)), Some(1), None),
    // Rotation is 90.
    ("exiftool-Sigma.x3f", Family::X3f, Some((2268, 1512)), Some(6), None),
    // ImageWidth and ImageHeight of the header. ImageSize is that of a dummy.
    ("exiftool-SigmaDP2.x3f", Family::X3f, Some((2640, 1760)), Some(1), None),
    // ExifImageWidth and ExifImageHeight.
    ("exiftool-PhaseOne.iiq", Family::Other, Some((7320, 5484)), None, None),
];

#[test]
fn every_real_raw_file_is_read_as_exiftool_reads_it() {
    for (name, expected, dimensions, orientation, preview) in FILES {
        let Some(bytes) = file(name) else { continue };
        assert_eq!(family(&bytes), Some(expected), "{name}");
        let raw = read(&bytes).expect(name);
        let found = raw.preview.map(|preview| (preview.width, preview.height));
        assert_eq!((raw.family, raw.dimensions, raw.orientation, found), (expected, dimensions, orientation, preview), "{name}");
    }
}

/// Lengths that exiftool gives: `PreviewImage`, `JpgFromRaw`, `PreviewImageLength`. It counts what fills a box up to eight bytes.
#[test]
fn a_preview_is_as_long_as_the_file_says() {
    let lengths = [
        ("Exiv2-Canon-R6-pruned.CR3", 389_456 - 6),
        ("mindeng-canon-r6.cr3", 237_320 - 7),
        ("evanoberholster-CRW.CRW", 281_610),
        ("photoprism-canon_eos_6d.dng", 57_901),
        ("bep-jølstravatnet.pef", 53_753),
    ];
    for (name, length) in lengths {
        let Some(bytes) = file(name) else { continue };
        assert_eq!(read(&bytes).expect(name).preview.map(|preview| preview.jpeg.len()), Some(length), "{name}");
    }
}

#[test]
fn exif_is_where_the_family_keeps_it() {
    for (name, of, ..) in FILES {
        let Some(bytes) = file(name) else { continue };
        let raw = read(&bytes).expect(name);
        let tags: Vec<Tags> = raw.exif.iter().map(|exif| exif.tags).collect();
        match of {
            Family::Cr3 => assert_eq!(tags, [Tags::Image, Tags::Exif, Tags::Gps], "{name}"),
            Family::Crw => assert_eq!(tags, [], "{name}"),
            // The SD10 has no EXIF.
            Family::X3f => assert_eq!(tags.len(), usize::from(name.contains("DP2")), "{name}"),
            _ => assert_eq!(tags, [Tags::Image], "{name}"),
        }
        for exif in &raw.exif {
            let standard = exif.standard();
            assert!(standard.starts_with(b"II*\0") || standard.starts_with(b"MM\0*"), "{name}");
            assert_eq!(matches!(standard, std::borrow::Cow::Owned(_)), of == Family::Rw2, "{name}");
        }
    }
}

#[test]
fn crw_and_x3f_name_their_camera() {
    let cameras = [
        ("evanoberholster-CRW.CRW", Some("Canon"), Some("Canon EOS D30"), Some("2018-01-01T13:03:32")),
        ("exiftool-CanonRaw.crw", Some("Canon"), Some("Canon EOS DIGITAL REBEL"), Some("2003-11-10T17:39:26")),
        ("Exiv2-exiv2-canon-powershot-s40.crw", Some("Canon"), Some("Canon PowerShot S40"), Some("2005-04-23T17:54:36")),
        ("exiftool-Sigma.x3f", Some("SIGMA"), Some("SIGMA SD10"), Some("2001-01-01T00:36:35")),
    ];
    for (name, make, model, taken) in cameras {
        let Some(bytes) = file(name) else { continue };
        let camera = read(&bytes).expect(name).camera.expect(name);
        assert_eq!((camera.make.as_deref(), camera.model.as_deref(), camera.taken.as_deref()), (make, model, taken), "{name}");
    }
}

/// TIFF from GIMP has a thumbnail in a sub-directory, and other programs keep `DNGVersion`.
#[test]
fn other_files_are_no_raw_files() {
    let Some(folder) = camera_files() else { return };
    let mut folders: Vec<_> =
        ["jpg", "tiff", "heic", "more/odd", "more/heic", "more/avif", "more/jxl", "more/psd"].map(|name| folder.join(name)).into();
    let mut read_files = 0;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            skip("the camera files are not here");
            return;
        };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("readable");
            assert_eq!(family(&bytes), None, "{}", path.display());
            assert_eq!(read(&bytes), Err("not a RAW file".to_owned()));
            read_files += 1;
        }
    }
    assert!(read_files > 100, "{read_files}");
}

#[test]
fn a_jpeg_named_nef_is_a_jpeg() {
    let Some(bytes) = file("drewnoakes-Issue 247-1.nef") else { return };
    assert_eq!(family(&bytes), None);
}
