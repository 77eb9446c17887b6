//! Each format beside its export as JPEG and a crop of it, and the thumbnails that stand for pictures. `raw.rs` and `heif.rs` have the
//! same for RAW and HEIC, which are sources.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};
use similard::likeness::{Head, cosine_distance};
use similard::photo::{Embedding, Picture};
use similard::vision::backbone::{Backbone, Runner};
use similard::vision::{heif, jxl};

use crate::cameras::camera_files;
use crate::photos;
use crate::support::{Instance, array, names, skip};

/// The largest distance of a thumbnail to its picture.
const MAX_THUMBNAIL_DISTANCE: f32 = 0.03;

/// The short side of the small pictures, as decoding makes them.
const SHORT_SIDE: u32 = 216;

const MAX_PIXELS: u64 = 1 << 28;

/// The largest picture that is decoded whole to compare its thumbnail: one of 200 megapixels takes 15 s here. Its distance is 0.0054.
const MAX_COMPARED_PIXELS: u32 = 50_000_000;

fn encoded(name: &str, format: ImageFormat) -> (Vec<u8>, RgbImage) {
    let picture = photos::open(name);
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("encodes");
    (bytes.into_inner(), picture)
}

/// A real AVIF and a real JPEG XL, whose writers are not at hand.
fn collected() -> Option<[(Vec<u8>, RgbImage); 2]> {
    let folder = camera_files()?.join("more");
    let (Ok(avif), Ok(jxl)) =
        (fs::read(folder.join("avif/strukturag-example.avif")), fs::read(folder.join("jxl/immich-app-8bit-sRGB.jxl")))
    else {
        skip("the camera files are not here");
        return None;
    };
    let whole = heif::whole(&avif, heif::Bounds { short_side: u32::MAX, pixels: MAX_PIXELS }).expect("an AVIF");
    let of_avif = RgbImage::from_raw(whole.width, whole.height, whole.pixels).expect("as many pixels");
    let whole = jxl::read(&jxl, MAX_PIXELS).expect("a JPEG XL");
    let of_jxl = RgbImage::from_raw(whole.width, whole.height, whole.samples).expect("as many pixels");
    Some([(avif, of_avif), (jxl, of_jxl)])
}

#[test]
fn a_photo_of_each_format_its_export_and_a_crop_are_one_cluster() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let mut all = vec![
        ("a.png", encoded("00003", ImageFormat::Png)),
        ("b.tif", encoded("00009", ImageFormat::Tiff)),
        ("c.bmp", encoded("00011", ImageFormat::Bmp)),
        ("d.gif", encoded("00021", ImageFormat::Gif)),
        ("e.webp", (fs::read(photos::path("00034")).expect("read"), photos::open("00034"))),
        ("f.psd", (photos::psd(&photos::open("00040")), photos::open("00040"))),
        ("g.psb", (photos::psb(&photos::open("00055")), photos::open("00055"))),
    ];
    all.extend(["h.avif", "i.jxl"].into_iter().zip(collected().into_iter().flatten()));
    let mut expected = Vec::new();
    for (name, (bytes, picture)) in all {
        let write = |name: String, bytes: &[u8]| {
            fs::write(folder.join(&name), bytes).expect("written");
            name
        };
        expected.push(vec![
            write(name.into(), &bytes),
            write(format!("{name}-crop.jpg"), &photos::jpeg(&photos::crop(&picture, 0.6), 90)),
            write(format!("{name}-export.jpg"), &photos::jpeg(&picture, 85)),
        ]);
    }
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), expected);
}

/// Endings that earlier versions passed over.
#[test]
fn each_ending_of_a_photo_is_read_by_content_or_counted() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("written");
    let endings = ["psd", "psb", "mpo", "insp", "gpr", "mrw", "ori", "raw", "jp2", "dib", "jpg_original"];
    for (ending, quality) in endings.iter().zip(80..) {
        write(&format!("a.{ending}"), &photos::jpeg(&photos::open("00003"), quality));
        write(&format!("b.{ending}"), b"no picture at all");
    }
    write("scan.jp2", b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ");
    write("IMG_0001", &photos::jpeg(&photos::open("00009"), 90));
    let answer = instance.dupes(&folder);
    let count = |name: &str| answer["coverage"][name].as_u64().expect("a count") as usize;
    let failures = instance.json(["failures", "--format=json"]);
    let failed = array(&failures["failures"]).iter().map(|failure| failure["path"].as_str().expect("a path").rsplit('/').next());
    let mut failed: Vec<&str> = failed.flatten().collect();
    failed.sort_unstable();
    let mut expected: Vec<String> = endings.iter().map(|ending| format!("b.{ending}")).chain(["scan.jp2".into()]).collect();
    expected.sort_unstable();
    assert_eq!(failed, expected, "{failures}");
    assert_eq!((count("indexed"), count("failed") + count("unsupported")), (endings.len(), expected.len()), "{answer}");
    assert_eq!((&answer["unsupported_formats"]["jp2"], &answer["left_out"]["without_ending"]), (&1.into(), &1.into()), "{answer}");
    assert!(array(&failures["failures"]).iter().all(|failure| failure["reason"].as_str().is_some_and(|reason| !reason.is_empty())));
}

/// Every HEIC below a folder.
fn heic_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            _ if path.is_dir() => heic_files(&path, found),
            Some("heic" | "heif" | "hif") => found.push(path),
            _ => {}
        }
    }
}

fn embedding(runner: &mut Runner, head: &Head, rgb: heif::Rgb) -> Embedding {
    head.embed(&runner.features(&Picture::new(rgb.width, rgb.height, rgb.pixels)).expect("features"))
}

#[test]
fn a_thumbnail_is_near_its_picture_or_is_not_used() {
    let Some(folder) = camera_files() else { return };
    let mut found = Vec::new();
    heic_files(&folder, &mut found);
    found.sort();
    let bounds = heif::Bounds { short_side: SHORT_SIDE, pixels: MAX_PIXELS };
    let mut runner = Backbone::embedded().and_then(|backbone| backbone.runner()).expect("the backbone");
    let head = Head::base().expect("the head");
    let mut by_thumbnail = 0;
    for path in found {
        let bytes = fs::read(&path).expect("read");
        // What is not read is in the table of camera files.
        let (Ok(size), Ok(small)) = (heif::dimensions(&bytes), heif::small(&bytes, bounds)) else { continue };
        if size.0 * size.1 > MAX_COMPARED_PIXELS {
            continue;
        }
        let shrink = (size.0.min(size.1) / SHORT_SIDE).max(1);
        if (small.width, small.height) == (size.0.div_ceil(shrink), size.1.div_ceil(shrink)) {
            continue;
        }
        by_thumbnail += 1;
        let whole = heif::whole(&bytes, bounds).expect("a picture");
        let [small, whole] = [small, whole].map(|rgb| embedding(&mut runner, &head, rgb));
        let distance = cosine_distance(&small.0, &whole.0);
        println!("{distance:.4}  {}", path.display());
        assert!(distance <= MAX_THUMBNAIL_DISTANCE, "{distance} {}", path.display());
    }
    if by_thumbnail == 0 {
        skip("the camera files are not here");
    }
}
