//! Tests with real files, written files and damaged files.

mod fixture;

use super::*;
use crate::vision::raw::tests::collected;
use fixture::{Compression, Fixture};

const ALL: [Compression; 4] = [Compression::Raw, Compression::PackBits, Compression::Zip, Compression::Predicted];
const SIZE: (usize, usize) = (37, 11);

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }
}

fn real_file(name: &str) -> Option<Vec<u8>> {
    collected(&format!("more/psd/{name}"))
}

/// A pattern with runs, edges and slopes, from 0 to 1.
fn pattern(channel: usize, x: usize, y: usize) -> f64 {
    match (x / 5 + y / 3 + channel) % 4 {
        0 => 0.0,
        1 => 1.0,
        2 => ((x * 7 + y * 13 + channel * 29) % 64) as f64 / 63.0,
        _ => (x + y) as f64 / (SIZE.0 + SIZE.1) as f64,
    }
}

fn srgb(linear: f64) -> f64 {
    if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// Compares with expected colours from 0 to 1, which may be `tolerance` 8-bit steps off.
fn assert_close(rgb: &Rgb, size: (usize, usize), expected: impl Fn(usize, usize) -> [f64; 3], tolerance: f64, what: &str) {
    assert_eq!((rgb.width as usize, rgb.height as usize, rgb.pixels.len()), (size.0, size.1, 3 * size.0 * size.1), "{what}");
    for (at, pixel) in rgb.pixels.chunks_exact(3).enumerate() {
        let (x, y) = (at % size.0, at / size.0);
        for (value, expected) in pixel.iter().zip(expected(x, y)) {
            let off = (f64::from(*value) - 255.0 * expected).abs();
            assert!(off <= tolerance, "{what}: {pixel:?} is {off} off at {x}, {y}");
        }
    }
}

/// Decodes the file with each compression, as PSD and as PSB, and compares.
fn assert_all(file: &Fixture, expected: impl Fn(usize, usize) -> [f64; 3], tolerance: f64) {
    for (compression, is_large) in ALL.into_iter().flat_map(|c| [(c, false), (c, true)]) {
        let what = format!("mode {} depth {} {compression:?} large: {is_large}", file.mode, file.depth);
        let bytes = Fixture { compression, is_large, ..file.clone() }.bytes();
        let header = header(&bytes).expect(&what);
        assert_eq!((header.width as usize, header.height as usize, header.is_large), (file.width, file.height, is_large), "{what}");
        assert_eq!((usize::from(header.channels), header.depth), (file.channels.len(), file.depth), "{what}");
        match merged(&bytes, 1) {
            Ok(rgb) => assert_close(&rgb, (file.width, file.height), &expected, tolerance, &what),
            // No file of one bit is predicted.
            Err(reason) => assert!(file.depth == 1 && compression == Compression::Predicted, "{what}: {reason}"),
        }
    }
}

/// The mean colour of each of 4 × 4 fields, in hexadecimal, from other programs: Pillow for the last, and the reference
/// pictures of KImageFormats for the others. (Pillow 13 shows bitmaps inverted.)
const GREY: &str = "b3b3b3 b5b5b5 b4b4b4 b3b3b3 b2b2b2 bcbcbc b5b5b5 c2c2c2 b0b0b0 b1b1b1 b9b9b9 b7b7b7 acacac c4c4c4 bdbdbd b8b8b8";
const REAL: [(&str, &str); 5] = [
    ("KDE-16bit_grayscale.psd", GREY),
    ("KDE-duotone.psb", GREY),
    (
        "KDE-8bit-photoshop.psb",
        "b8bbc9 b9c2b5 b9bec1 b7bacc b7bac9 cac0b8 ccb4b2 cbcec9 b2b4cf ceabad c3bfbb ceb5b3 afb0bc cecfc8 c4c7cd bdbdcf",
    ),
    ("KDE-bitmap.psd", "d4d4d4 a1a1a1 8d8d8d d9d9d9 6c6c6c 6b6b6b 797979 6f6f6f 5e5e5e 717171 757575 676767 bababa d5d5d5 bfbfbf adadad"),
    (
        "KDE-orientation2.psd",
        "f8eef3 fbf9fa eceaed ddebed f4e8ef fbf7f9 ede7ea dde0e1 e8eef2 eff3f6 eff3f6 eaf0f3 efefef f4f4f4 eeeeee eeeeee",
    ),
];

#[test]
fn real_files_have_the_colours_that_other_programs_read() {
    for (name, fields) in REAL {
        let Some(bytes) = real_file(name) else { return };
        let rgb = merged(&bytes, 1).expect(name);
        let (width, height) = (rgb.width as usize, rgb.height as usize);
        for (at, field) in fields.split(' ').enumerate() {
            let (columns, rows) = (at % 4 * width / 4..(at % 4 + 1) * width / 4, at / 4 * height / 4..(at / 4 + 1) * height / 4);
            for channel in 0..3 {
                let pixels = rows.clone().flat_map(|y| columns.clone().map(move |x| 3 * (y * width + x) + channel));
                let mean = pixels.map(|at| f64::from(rgb.pixels[at])).sum::<f64>() / (columns.len() * rows.len()) as f64;
                let expected = u8::from_str_radix(&field[2 * channel..2 * channel + 2], 16).expect("a number");
                assert!((mean - f64::from(expected)).abs() <= 1.0, "{name}, field {at}: {mean} instead of {expected}");
            }
        }
    }
}

#[test]
fn real_files_have_exif_and_xmp() {
    let exif = |id: u16, content: &[u8]| id == 1058 && (content.starts_with(b"MM\0*") || content.starts_with(b"II*\0"));
    for (name, _) in REAL {
        let Some(bytes) = real_file(name) else { return };
        assert!(resources(&bytes).any(|(id, content)| exif(id, content)), "{name}");
        assert!(resources(&bytes).any(|(id, content)| id == 1060 && content.starts_with(b"<?xpacket")), "{name}");
    }
}

#[test]
fn a_real_multichannel_file_says_what_to_do() {
    let Some(bytes) = real_file("KDE-mch3-8bits.psb") else { return };
    assert_eq!(header(&bytes).map(|header| header.mode), Ok(Mode::Multichannel));
    assert!(merged(&bytes, 1).is_err_and(|reason| reason.contains("convert it to RGB")));
}

#[test]
fn each_cut_of_a_real_file_is_an_error() {
    for (name, _) in REAL {
        let Some(bytes) = real_file(name) else { return };
        // The last channel of the last file is a saved selection, which is not read.
        let end = if name == "KDE-orientation2.psd" { bytes.len() / 2 } else { bytes.len() };
        for cut in (0..end).step_by(end / 97) {
            assert!(merged(&bytes[..cut], 4).is_err(), "{name} cut to {cut}");
            assert!(resources(&bytes[..cut]).count() <= resources(&bytes).count());
        }
    }
}

#[test]
fn every_mode_depth_and_compression_is_read() {
    let of = |mode, depth, count| Fixture::new(mode, depth, SIZE, count, pattern);
    assert_all(&of(0, 1, 1), |x, y| [if pattern(0, x, y) > 0.5 { 0.0 } else { 1.0 }; 3], 0.0);
    for depth in [8, 16] {
        assert_all(&of(1, depth, 1), |x, y| [pattern(0, x, y); 3], 0.51);
        assert_all(&of(8, depth, 1), |x, y| [pattern(0, x, y); 3], 0.51);
        assert_all(&of(3, depth, 3), |x, y| [0, 1, 2].map(|c| pattern(c, x, y)), 0.51);
        assert_all(&of(4, depth, 4), |x, y| [0, 1, 2].map(|c| pattern(c, x, y) * pattern(3, x, y)), 1.5);
    }
    assert_all(&of(1, 32, 1), |x, y| [srgb(pattern(0, x, y)); 3], 0.7);
    assert_all(&of(3, 32, 3), |x, y| [0, 1, 2].map(|c| srgb(pattern(c, x, y))), 0.7);
    let mut indexed = of(2, 8, 1);
    indexed.palette = (0..768).map(|at| (at % 256 * 3 + at / 256 * 50) as u8).collect();
    let colour = |index: usize, plane: usize| f64::from((index * 3 + plane * 50) as u8) / 255.0;
    assert_all(&indexed, |x, y| [0, 1, 2].map(|plane| colour((pattern(0, x, y) * 255.0).round() as usize, plane)), 0.01);
}

#[test]
fn lab_becomes_srgb() {
    /// L, a and b with the white point D50, and the sRGB colour: published values.
    const KNOWN: [([f64; 3], [f64; 3]); 8] = [
        ([100.0, 0.0, 0.0], [255.0, 255.0, 255.0]),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
        ([53.39, 0.0, 0.0], [127.0, 127.0, 127.0]),
        ([54.29, 80.81, 69.89], [255.0, 0.0, 0.0]),
        ([87.82, -79.27, 80.99], [0.0, 255.0, 0.0]),
        ([29.57, 68.30, -112.03], [0.0, 0.0, 255.0]),
        ([97.61, -15.75, 93.39], [255.0, 255.0, 0.0]),
        ([60.17, 93.55, -60.50], [255.0, 0.0, 255.0]),
    ];
    let known = |x: usize, y: usize| KNOWN[(x / 4 + y) % 8];
    for (depth, neutral, scale) in [(8, 128.0, 255.0), (16, 32_768.0 / 256.0, 65_535.0 / 256.0)] {
        let stored = |channel: usize, x: usize, y: usize| {
            let value = known(x, y).0[channel];
            if channel == 0 { value / 100.0 } else { (value + neutral) / scale }
        };
        // Half a step of a or b is several steps of sRGB where a colour is dark.
        assert_all(&Fixture::new(9, depth, SIZE, 3, stored), |x, y| known(x, y).1.map(|value| value / 255.0), 10.5);
    }
}

#[test]
fn floating_point_values_outside_of_the_range_are_clamped() {
    let values = [-1.0, 2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-30];
    let file = Fixture::new(1, 32, (6, 1), 1, |_, x, _| values[x]);
    let rgb = merged(&file.bytes(), 1).expect("it is read");
    assert_eq!(rgb.pixels.iter().step_by(3).copied().collect::<Vec<u8>>(), [0, 255, 0, 255, 0, 0]);
}

/// A file with a fourth channel of opacity. Its colours are blended with white already or not.
fn transparent(depth: u16, is_stored_on_white: bool) -> (Fixture, impl Fn(usize, usize) -> [f64; 3]) {
    let opacity = |x: usize, y: usize| pattern(7, x, y);
    let on_white = move |c: usize, x: usize, y: usize| pattern(c, x, y) * opacity(x, y) + 1.0 - opacity(x, y);
    let stored = move |c: usize, x: usize, y: usize| match c {
        3 => opacity(x, y),
        _ if is_stored_on_white => on_white(c, x, y),
        _ => pattern(c, x, y),
    };
    (Fixture::new(3, depth, SIZE, 4, stored), move |x, y| [0, 1, 2].map(|c| on_white(c, x, y)))
}

#[test]
fn transparency_is_on_white_once() {
    for (depth, is_stored_on_white) in [(8, true), (8, false), (16, true), (16, false)] {
        let (mut file, expected) = transparent(depth, is_stored_on_white);
        file.layers = -2;
        assert_all(&file, &expected, 1.01);
        // Files of 16 bits keep their layers elsewhere.
        (file.layers, file.blocks) = (0, vec!["Mt16", "Lr16"]);
        assert_all(&file, &expected, 1.01);
    }
    let (mut file, _) = transparent(8, false);
    for layers in [0, 2] {
        file.layers = layers;
        assert_all(&file, |x, y| [0, 1, 2].map(|c| pattern(c, x, y)), 0.51);
    }
}

#[test]
fn transparent_lab_and_cmyk_are_on_white() {
    // Black at full transparency.
    for (mode, count) in [(1, 2), (4, 5), (9, 4), (8, 2)] {
        let mut file = Fixture::new(mode, 8, SIZE, count, |_, _, _| 0.0);
        file.layers = -1;
        assert_all(&file, |_, _| [1.0; 3], 1.01);
    }
    // White is not compared in a and b of Lab: these are stored on white.
    let mut file = Fixture::new(9, 8, SIZE, 4, |c, _, _| [1.0, 128.0 / 255.0, 128.0 / 255.0, 0.0][c]);
    file.layers = -1;
    assert_all(&file, |_, _| [1.0; 3], 1.01);
}

#[test]
fn saved_selections_are_left_out() {
    for mode in [1, 3, 4] {
        let colours = [0, 1, 0, 3, 4][mode];
        let plain = Fixture::new(mode as u16, 8, SIZE, colours, pattern);
        let more = Fixture::new(mode as u16, 8, SIZE, colours + 3, pattern);
        for compression in ALL {
            let [plain, more] = [&plain, &more].map(|file| merged(&Fixture { compression, ..file.clone() }.bytes(), 1));
            assert!(plain.is_ok() && plain == more, "{mode} {compression:?}");
        }
    }
}

#[test]
fn pixels_are_means_of_boxes() {
    let value = |c: usize, x: usize, y: usize| ((x * x * 11 + y * 37 + c * 91) % 256) as f64 / 255.0;
    for (width, height) in [(7, 5), (12, 8), (1, 9), (9, 1)] {
        let file = Fixture { compression: Compression::PackBits, ..Fixture::new(3, 8, (width, height), 3, value) };
        let whole = merged(&file.bytes(), 1);
        assert_eq!(merged(&file.bytes(), 0), whole);
        for shrink in [2, 3, 4, 8, 100, u32::MAX] {
            let side = (shrink as usize).min(width.max(height));
            let mean = |x: usize, y: usize| {
                let (right, bottom) = (width.min((x + 1) * side), height.min((y + 1) * side));
                let boxes = (y * side..bottom).flat_map(|row| (x * side..right).map(move |column| (column, row)));
                let count = ((right - x * side) * (bottom - y * side)) as f64;
                [0, 1, 2].map(|c| boxes.clone().map(|(x, y)| value(c, x, y)).sum::<f64>() / count)
            };
            let rgb = merged(&file.bytes(), shrink).expect("it is read");
            let size = (width.div_ceil(side), height.div_ceil(side));
            assert_close(&rgb, size, mean, 0.51, &format!("{width} × {height} by {shrink}"));
        }
    }
}

#[test]
fn a_wide_and_high_file_needs_little_memory() {
    let mut file = Fixture::new(1, 8, (30_000, 1), 1, |_, x, _| (x / 3000) as f64 / 10.0);
    (file.is_large, file.compression) = (true, Compression::PackBits);
    let mut bytes = file.bytes();
    // The row again and again. Its length is at 44, after the header, three empty sections and the compression.
    let (length, row) = (bytes[44..48].to_vec(), bytes.split_off(48));
    bytes.truncate(44);
    bytes[14..18].copy_from_slice(&1500u32.to_be_bytes());
    bytes.extend(length.repeat(1500));
    bytes.extend(row.repeat(1500));
    let rgb = merged(&bytes, 300).expect("it is read");
    assert_close(&rgb, (100, 5), |x, _| [(x / 10) as f64 / 10.0; 3], 0.51, "45 million pixels");
}

#[test]
fn resources_are_found() {
    let mut file = Fixture::new(1, 8, SIZE, 1, pattern);
    file.resources = vec![(1058, "", vec![1, 2, 3]), (1060, "odd", vec![4, 5]), (1028, "even", vec![]), (1039, "x", vec![6])];
    let bytes = file.bytes();
    let found: Vec<_> = resources(&bytes).collect();
    assert_eq!(found, [(1058, &[1u8, 2, 3][..]), (1060, &[4, 5]), (1028, &[]), (1039, &[6])]);
    for cut in 0..bytes.len() {
        let some: Vec<_> = resources(&bytes[..cut]).collect();
        assert!(found.starts_with(&some), "cut to {cut}");
    }
    let mut other = bytes.clone();
    let first = other.windows(4).position(|window| window == b"8BIM").expect("it is there");
    other[first..first + 4].copy_from_slice(b"MeSa");
    assert_eq!(resources(&other).count(), 4);
    other[first..first + 4].copy_from_slice(b"what");
    assert_eq!(resources(&other).count(), 0);
}

#[test]
fn layers_and_saved_selections_are_not_part_of_the_picture() {
    let parts = |channels, layers| beside_merged(&Fixture { layers, ..Fixture::new(3, 8, SIZE, channels, pattern) }.bytes()).len();
    assert_eq!([parts(3, 0), parts(3, 2), parts(4, 0), parts(4, -2), parts(5, -2)], [0, 1, 1, 1, 2]);
    assert!(beside_merged(b"8BPS").is_empty());
}

#[test]
fn the_hash_is_that_of_all_pixels_however_they_are_shrunk() {
    let bytes = Fixture::new(3, 8, SIZE, 3, pattern).bytes();
    let [whole, small] = [1, 4].map(|shrink| merged(&bytes, shrink).expect("it is read"));
    let size = [37_u32, 11].map(u32::to_le_bytes).concat();
    assert_eq!(whole.whole, blake3::hash(&[&size[..], &whole.pixels].concat()));
    assert_eq!((small.whole, small.pixels.len()), (whole.whole, 3 * 10 * 3));
}

#[test]
fn a_file_without_a_merged_picture_says_what_to_do() {
    let mut file = Fixture::new(1, 8, SIZE, 1, pattern);
    for (is_real, info) in [(false, vec![0, 0, 0, 1, 0, 9]), (true, vec![0, 0, 0, 1, 1, 9]), (true, vec![0, 0, 0, 1]), (true, vec![])] {
        file.resources = vec![(1005, "", vec![7]), (1057, "", info)];
        let read = merged(&file.bytes(), 1);
        assert_eq!(read.is_ok(), is_real);
        assert!(read.is_ok() || read.is_err_and(|reason| reason.starts_with("saved without Maximize Compatibility")));
    }
}

#[test]
fn impossible_headers_are_errors() {
    let good = Fixture::new(3, 8, (4, 4), 3, pattern).bytes();
    assert!(header(&good).is_ok() && is_psd(&good));
    let cases: [(usize, &[u8], &str); 13] = [
        (0, b"8BPX", "not a Photoshop"),
        (4, &[0, 3], "not a Photoshop"),
        (4, &[1, 1], "not a Photoshop"),
        (12, &[0, 0], "0 channels"),
        (12, &[0, 58], "58 channels"),
        (14, &[0, 0, 0, 0], "4 × 0"),
        (14, &[0, 0, 0x75, 0x31], "4 × 30001"),
        (18, &[0, 0, 0, 0], "0 × 4"),
        (18, &[0xff, 0xff, 0xff, 0xff], "impossible size"),
        (22, &[0, 1], "1 bits"),
        (22, &[0, 7], "7 bits"),
        (24, &[0, 5], "mode 5"),
        (24, &[0, 0], "Bitmap pictures of 8 bits"),
    ];
    for (at, values, text) in cases {
        let mut bytes = good.clone();
        bytes[at..at + values.len()].copy_from_slice(values);
        let reason = header(&bytes).expect_err(text);
        assert!(reason.contains(text), "{reason}");
        assert_eq!(merged(&bytes, 1), Err(reason));
    }
    let mut bytes = good.clone();
    bytes[12..14].copy_from_slice(&[0, 2]);
    assert!(merged(&bytes, 1).is_err_and(|reason| reason.contains("2 channels")));
    bytes = Fixture::new(2, 8, (4, 4), 1, pattern).bytes();
    assert!(merged(&bytes, 1).is_err_and(|reason| reason.contains("palette")));
    bytes = good.clone();
    bytes[38..40].copy_from_slice(&[0, 4]);
    assert!(merged(&bytes, 1).is_err_and(|reason| reason.contains("compression 4")));
}

#[test]
fn a_small_file_of_a_huge_size_is_refused_at_once() {
    for (compression, depth, mode) in ALL.into_iter().flat_map(|c| [(c, 8, 3), (c, 16, 4), (c, 32, 3), (c, 1, 0)]) {
        let mut file = Fixture::new(mode, depth, (16, 16), 5, pattern);
        (file.compression, file.is_large) = (compression, true);
        let mut bytes = file.bytes();
        bytes[14..22].copy_from_slice(&[0, 4, 0x93, 0xe0, 0, 4, 0x93, 0xe0]);
        assert_eq!(header(&bytes).map(|header| (header.width, header.height)), Ok((300_000, 300_000)));
        assert!(merged(&bytes, 1).is_err(), "{compression:?} {depth}");
    }
}

/// Small files of all kinds.
fn seeds() -> Vec<Vec<u8>> {
    let kinds = [(0, 1, 1), (1, 8, 1), (1, 32, 2), (2, 8, 1), (3, 8, 3), (3, 16, 4), (3, 32, 5), (4, 8, 5), (8, 16, 1), (9, 16, 4)];
    let mut seeds = Vec::new();
    for (kind, (mode, depth, count)) in kinds.into_iter().enumerate() {
        for compression in ALL {
            let mut file = Fixture::new(mode, depth, (19, 7), count, pattern);
            (file.compression, file.is_large) = (compression, kind % 2 == compression as usize % 2);
            file.palette = if mode == 2 { vec![9; 768] } else { Vec::new() };
            file.resources = vec![(1060, "name", vec![b'<'; 5]), (1057, "", vec![0, 0, 0, 1, 1])];
            (file.layers, file.blocks) = if depth == 16 { (0, vec!["Mt16"]) } else { (-1, vec![]) };
            seeds.push(file.bytes());
        }
    }
    seeds
}

/// Reads all there is. No input may make it panic.
fn read_all(bytes: &[u8], shrink: u32) -> bool {
    let found: usize = resources(bytes).map(|(_, content)| content.len()).sum();
    assert!(found <= bytes.len());
    let read = merged(bytes, shrink);
    match &read {
        Ok(rgb) => assert_eq!(rgb.pixels.len(), 3 * rgb.width as usize * rgb.height as usize),
        Err(reason) => assert!(!reason.is_empty() && reason.len() < 250 && !reason.contains('\n'), "{reason}"),
    }
    read.is_ok()
}

#[test]
fn every_prefix_is_an_error() {
    for seed in seeds() {
        let whole = merged(&seed, 1);
        for cut in 0..seed.len() {
            if read_all(&seed[..cut], 1 + cut as u32 % 9) {
                // What is cut is a saved selection or the checksum of ZIP.
                assert_eq!(merged(&seed[..cut], 1), whole, "cut to {cut} of {}", seed.len());
            }
        }
    }
}

#[test]
fn mutations_do_no_harm() {
    let seeds = seeds();
    let mut random = Random(0x5eed_c0de);
    let mut read = 0;
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..1 + random.next(4) {
            // Half of the changes are where the structure is.
            let at = if random.next(2) == 0 { random.next(bytes.len().min(130)) } else { random.next(bytes.len()) };
            // Most changes keep the length, so that the picture is reached.
            match random.next(20) {
                0..10 => bytes[at] ^= 1 << random.next(8),
                10..14 => bytes[at] = [0, 1, 127, 128, 255][random.next(5)],
                14..17 => bytes[at] = random.next(256) as u8,
                17 => drop(bytes.splice(at..at, [random.next(256) as u8, 0])),
                18 => drop(bytes.drain(at..bytes.len().min(at + 1 + random.next(8)))),
                _ => bytes.truncate(at.max(40)),
            }
        }
        read += usize::from(read_all(&bytes, 1 + random.next(40) as u32));
    }
    assert!(read > 3000, "only {read} are read: the mutations are too coarse");
}
