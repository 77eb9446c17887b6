//! Tests on real files and on damaged ones. The sizes and colours of real ones are in the table of camera files, `tests/camera_table.tsv`.

use super::canvas::{Canvas, Window};
use super::container::Turn;
use super::{Bounds, Problem, Rgb, coded_hash, dimensions, is_avif, metadata, small, whole};
use crate::vision::raw::tests::collected;

/// The side of the squares of means that pictures are compared by.
const PARTS: u32 = 6;

const BOUNDS: Bounds = Bounds { short_side: 216, pixels: 1 << 28 };

/// Files with a thumbnail that stands for the picture.
const WITH_THUMBNAIL: [&str; 2] = ["more/heic/immich-app-IMG_2682.heic", "more/heic/photoprism-iphone_15_pro.heic"];

/// The means of the parts of a picture. A pixel counts where its middle is.
fn means(picture: &Rgb) -> Vec<f64> {
    let mut sums = vec![[0.0; 4]; (PARTS * PARTS) as usize];
    for (at, pixel) in (0..).zip(picture.pixels.chunks_exact(3)) {
        let part = |at: u32, side: u32| (2 * at + 1) * PARTS / (2 * side);
        let (x, y) = (part(at % picture.width, picture.width), part(at / picture.width, picture.height));
        let sum = &mut sums[(y * PARTS + x) as usize];
        (0..3).for_each(|colour| sum[colour] += f64::from(pixel[colour]));
        sum[3] += 1.0;
    }
    sums.into_iter().flat_map(|[red, green, blue, count]| [red / count, green / count, blue / count]).collect()
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / a.len() as f64
}

#[test]
fn a_thumbnail_stands_for_a_picture_that_looks_the_same() {
    for name in WITH_THUMBNAIL {
        let Some(bytes) = collected(name) else { return };
        let (thumbnail, picture) = (small(&bytes, BOUNDS).expect(name), whole(&bytes, BOUNDS).expect(name));
        assert_ne!((thumbnail.width, thumbnail.height), (picture.width, picture.height), "{name}");
        let off = difference(&means(&thumbnail), &means(&picture));
        assert!(off < 3.0, "{name}: {off}");
    }
    // Its thumbnail is too small: it was decoded whole.
    let Some(bytes) = collected("more/heic/bigcat88-xiaomi.heic") else { return };
    assert_eq!(small(&bytes, BOUNDS), whole(&bytes, BOUNDS));
    // A larger one is asked for than the thumbnails have.
    let Some(bytes) = collected("more/heic/bigcat88-arrow.heic") else { return };
    let large = small(&bytes, Bounds { short_side: 400, ..BOUNDS }).expect("a picture");
    assert_eq!((large.width, large.height), (432, 576));
}

/// As a program leaves it that changes the picture alone: here the 48 tiles are in another order.
#[test]
fn a_thumbnail_of_another_picture_does_not_stand_for_it() {
    let Some(mut bytes) = collected("more/heic/photoprism-iphone_15_pro.heic") else { return };
    let thumbnail = small(&bytes, BOUNDS).expect("a picture");
    let tiles = |order: &mut dyn Iterator<Item = u16>| order.flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let (first, turned) = (tiles(&mut (1..=48)), tiles(&mut (1..=48).rev()));
    let at = memchr::memmem::find(&bytes, &first).expect("the list of tiles");
    bytes[at..at + turned.len()].copy_from_slice(&turned);
    let picture = small(&bytes, BOUNDS).expect("a picture");
    assert_ne!((picture.width, picture.height), (thumbnail.width, thumbnail.height), "it is decoded whole");
    assert!(difference(&means(&picture), &means(&thumbnail)) > 3.0);
}

#[test]
fn metadata_is_not_in_the_hash_of_what_is_coded() {
    let Some(bytes) = collected("more/heic/bigcat88-arrow.heic") else { return };
    let hash = coded_hash(&bytes).expect("a hash");
    let said = metadata(&bytes);
    let at = memchr::memmem::find(&bytes, &said.exif[0]).expect("EXIF is in it");
    let mut other = bytes.clone();
    other[at + said.exif[0].len() - 1] ^= 1;
    assert_eq!(coded_hash(&other), Ok(hash));
    // The last byte belongs to a tile.
    let mut other = bytes.clone();
    *other.last_mut().expect("bytes") ^= 1;
    assert_ne!(coded_hash(&other), Ok(hash));
    let with_trailer = [&bytes[..], b"\0\0\0\x05film"].concat();
    assert_eq!((coded_hash(&with_trailer), metadata(&with_trailer).trailer_bytes), (Ok(hash), 8));
    // The thumbnail is there, but not all of the picture.
    assert!(coded_hash(&bytes[..bytes.len() - 1]).is_err());
}

#[test]
fn what_is_beside_the_picture_is_told_apart() {
    let counts = |name: &str| {
        let said = metadata(&collected(name)?);
        Some((said.exif.len(), said.xmp.len(), said.other.len(), said.profile.is_some(), said.trailer_bytes))
    };
    for (name, expected) in [
        ("more/heic/bigcat88-arrow.heic", (1, 0, 0, true, 0)),
        ("more/heic/photoprism-iphone_7.heic", (1, 1, 0, true, 0)),
        // A gain map with XMP of its own.
        ("more/heic/photoprism-iphone_15_pro.heic", (1, 1, 1, true, 0)),
        // Three other pictures of a burst.
        ("more/heic/bigcat88-bird_burst.heic", (0, 0, 4, false, 0)),
        ("more/heic/strukturag-with-alpha-512x512.heic", (0, 0, 0, true, 0)),
    ] {
        let Some(counts) = counts(name) else { return };
        assert_eq!(counts, expected, "{name}");
    }
    assert!(metadata(b"").exif.is_empty() && metadata(b"\0\0\0\x18ftypheic").exif.is_empty());
}

#[test]
fn what_is_not_read_says_why() {
    for (name, reason) in [
        ("more/heic/bigcat88-corrupted.heic", "damaged or cut short"),
        ("more/heic/photoprism-wrong.heic", "damaged or cut short"),
        ("more/heic/bigcat88-truncated.heic", "ends in the middle of the picture"),
        ("more/heic/bigcat88-alpha.heic", "made of other pictures is not read"),
    ] {
        let Some(bytes) = collected(name) else { return };
        let (Problem::Unsupported(said) | Problem::Damaged(said)) = small(&bytes, BOUNDS).expect_err(name);
        assert!(said.contains(reason), "{name}: {said}");
    }
    let Some(bytes) = collected("more/heic/bigcat88-arrow.heic") else { return };
    let Err(Problem::Damaged(said)) = whole(&bytes, Bounds { pixels: 1_000_000, ..BOUNDS }) else { panic!("it has 12 megapixels") };
    assert!(said.contains("4032 × 3024 pixels, more than the limit of 1 megapixels"), "{said}");
    assert!(!is_avif(&bytes));
}

#[test]
fn brands_tell_avif() {
    assert!(is_avif(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif") && is_avif(b"\0\0\0\x1cftypavif\0\0\0\0mif1miafMA1B"));
    assert!(!is_avif(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic") && !is_avif(b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicavif"));
    assert!(!is_avif(b"") && !is_avif(b"\0\0\0\x18ftypmif1") && !is_avif(b"\xff\xff\xff\xffftypavif"));
}

/// Cut off, and with changed bytes: each ends with a picture or a reason.
#[test]
fn damaged_files_end_with_a_picture_or_a_reason() {
    let mut rng = fastrand::Rng::with_seed(9);
    for (name, rounds) in [
        ("more/heic/strukturag-with-alpha-512x512.heic", 60),
        ("more/heic/bigcat88-L_exif_xmp_iptc.heic", 300),
        ("more/avif/KDE-unrotated.avif", 60),
    ] {
        let Some(bytes) = collected(name) else { return };
        for round in 0..rounds {
            let mut damaged = bytes.clone();
            let head = if round % 2 == 0 { 700 } else { bytes.len() };
            for _ in 0..rng.usize(1..4) {
                damaged[rng.usize(0..head)] = rng.u8(..);
            }
            if round % 5 == 0 {
                damaged.truncate(rng.usize(0..bytes.len()));
            }
            let _ = (dimensions(&damaged), coded_hash(&damaged), metadata(&damaged), is_avif(&damaged));
            // A panic of the decoder is caught in the child.
            let _ = std::panic::catch_unwind(|| small(&damaged, Bounds { pixels: 1 << 20, ..BOUNDS }).map(drop));
        }
    }
}

#[test]
fn a_canvas_is_filled_by_parts_in_any_order() {
    let window = Window { left: 1, top: 1, width: 5, height: 3 };
    let row = |y: u8| (0..8).flat_map(|x: u8| [x * 10, y * 10, 0]).collect::<Vec<u8>>();
    let of = |shrink, split: usize| {
        let mut canvas = Canvas::new(window, shrink).expect("memory");
        for y in (0..5).rev() {
            let row = row(y);
            let (left, right) = row.split_at(3 * split);
            canvas.add(split as u32, y.into(), right);
            canvas.add(0, y.into(), left);
        }
        canvas.finish()
    };
    let whole = of(1, 0);
    assert_eq!((whole.width, whole.height), (5, 3));
    let expected: Vec<u8> = (1..4).flat_map(|y: u8| (1..6).flat_map(move |x: u8| [x * 10, y * 10, 0])).collect();
    assert_eq!(whole.pixels, expected);
    let half = of(2, 0);
    assert_eq!((half.width, half.height), (3, 2));
    // Two boxes of four pixels and one of two, above a row of boxes with one row.
    assert_eq!(half.pixels, [15, 15, 0, 35, 15, 0, 50, 15, 0, 15, 30, 0, 35, 30, 0, 50, 30, 0]);
    for split in 0..=8 {
        assert!(of(1, split) == whole && of(2, split) == half, "{split}");
    }
    assert_eq!(of(9, 4).pixels, [30, 20, 0]);
}

#[test]
fn turns_go_against_the_clock() {
    let picture = Rgb { width: 3, height: 2, pixels: [1, 2, 3, 4, 5, 6].into_iter().flat_map(|value| [value; 3]).collect() };
    let of = |turn| {
        let Rgb { width, height, pixels } = super::picture::turned(picture.clone(), turn);
        (width, height, pixels.chunks_exact(3).map(|pixel| pixel[0]).collect::<Vec<u8>>())
    };
    assert_eq!(of(Turn::Quarters(1)), (2, 3, vec![3, 6, 2, 5, 1, 4]));
    assert_eq!(of(Turn::Quarters(2)), (3, 2, vec![6, 5, 4, 3, 2, 1]));
    assert_eq!(of(Turn::Quarters(3)), (2, 3, vec![4, 1, 5, 2, 6, 3]));
    assert_eq!(of(Turn::TopBottom), (3, 2, vec![4, 5, 6, 1, 2, 3]));
    assert_eq!(of(Turn::LeftRight), (3, 2, vec![3, 2, 1, 6, 5, 4]));
}
