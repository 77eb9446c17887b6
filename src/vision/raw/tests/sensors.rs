//! Sensor data of DNG files without a preview.

use super::build::{Entry, ORDERS, Order, Tiff, blob, fraction, long, number16, short};
use crate::photo::Format;
use crate::vision::Limits;
use crate::vision::decode::decode;
use crate::vision::identify::identify;
use crate::vision::raw::lossless::tests::encode;
use crate::vision::raw::{read, sensor};

const WIDTH: usize = 48;
const HEIGHT: usize = 40;
const BLACK: u16 = 64;
const WHITE: u16 = 1023;

/// Half red, full green and a quarter of blue on the left, and half of all that on the right, in squares of these colours.
fn samples(pattern: [u8; 4]) -> Vec<u16> {
    let place = |at: usize| (at % WIDTH, at / WIDTH);
    let sample = |(x, y): (usize, usize)| {
        let light = [0.5, 1.0, 0.25][usize::from(pattern[y % 2 * 2 + x % 2])] * if x < WIDTH / 2 { 1.0 } else { 0.5 };
        BLACK + (light * f32::from(WHITE - BLACK)) as u16
    };
    (0..WIDTH * HEIGHT).map(|at| sample(place(at))).collect()
}

/// A DNG with these strips or tiles.
fn dng(order: Order, pattern: [u8; 4], bits: u16, compression: u16, tiles: Option<[u32; 2]>, parts: &[Vec<u8>], more: &[Entry]) -> Vec<u8> {
    let mut tiff = Tiff::new(order);
    let places: Vec<u32> = parts.iter().map(|part| tiff.put(part)).collect();
    let lengths: Vec<u32> = parts.iter().map(|part| part.len() as u32).collect();
    let mut entries = vec![
        long(0x00fe, &[0]),
        long(0x0100, &[WIDTH as u32]),
        long(0x0101, &[HEIGHT as u32]),
        short(0x0102, &[bits]),
        short(0x0103, &[compression]),
        short(0x0106, &[32803]),
        short(0x0115, &[1]),
    ];
    match tiles {
        Some([width, height]) => {
            entries.extend([long(0x0142, &[width]), long(0x0143, &[height]), long(0x0144, &places), long(0x0145, &lengths)]);
        }
        None => entries.extend([long(0x0111, &places), long(0x0116, &[16]), long(0x0117, &lengths)]),
    }
    entries.extend([
        short(0x828d, &[2, 2]),
        blob(0x828e, &pattern),
        blob(0xc612, &[1, 4, 0, 0]),
        short(0xc61a, &[BLACK]),
        long(0xc61d, &[WHITE.into()]),
        fraction(0xc628, &[(1, 2), (1, 1), (1, 4)]),
    ]);
    entries.retain(|(tag, _)| more.iter().all(|(other, _)| other != tag));
    entries.extend(more.iter().cloned());
    entries.sort_by_key(|(tag, _)| *tag);
    let first = tiff.ifd(&entries, 0);
    tiff.finish(first)
}

/// Strips of 16 rows.
fn strips(samples: &[u16], pack: impl Fn(&[u16]) -> Vec<u8>) -> Vec<Vec<u8>> {
    samples.chunks(16 * WIDTH).map(|strip| strip.chunks(WIDTH).flat_map(&pack).collect()).collect()
}

/// Packs a row without gaps, the highest bits first.
fn packed(row: &[u16], bits: usize) -> Vec<u8> {
    let of_row: Vec<bool> = row.iter().flat_map(|value| (0..bits).rev().map(move |bit| value >> bit & 1 == 1)).collect();
    let byte = |bits: &[bool]| bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | u8::from(*bit) << (7 - at));
    of_row.chunks(8).map(byte).collect()
}

/// Tiles of 32 × 32 as lossless JPEG of two components. What lies outside is zero.
fn tiles(samples: &[u16]) -> Vec<Vec<u8>> {
    let tile = |left: usize, top: usize| {
        let value = |x: usize, y: usize| if x < WIDTH && y < HEIGHT { samples[y * WIDTH + x] } else { 0 };
        let all: Vec<u16> = (0..32 * 32).map(|at| value(left + at % 32, top + at / 32)).collect();
        encode(&all, [16, 32, 2], 10)
    };
    [(0, 0), (32, 0), (0, 32), (32, 32)].map(|(left, top)| tile(left, top)).to_vec()
}

#[test]
fn every_way_to_store_sensor_data_gives_the_same_picture() {
    const RGGB: [u8; 4] = [0, 1, 1, 2];
    const GBRG: [u8; 4] = [1, 2, 0, 1];
    for order in ORDERS {
        for pattern in [RGGB, GBRG] {
            let all = samples(pattern);
            let plain = strips(&all, |row| row.iter().flat_map(|value| number16(order, *value)).collect());
            for (what, bytes) in [
                ("16 bits", dng(order, pattern, 16, 1, None, &plain, &[])),
                ("12 bits", dng(order, pattern, 12, 1, None, &strips(&all, |row| packed(row, 12)), &[])),
                ("10 bits", dng(order, pattern, 10, 1, None, &strips(&all, |row| packed(row, 10)), &[])),
                ("lossless JPEG", dng(order, pattern, 16, 7, Some([32, 32]), &tiles(&all), &[])),
            ] {
                let identified = identify(&bytes, &Limits::default()).expect(what).picture;
                assert_eq!((identified.format, identified.dimensions.width), (Format::Raw, WIDTH as u32), "{what}");
                let decoded = decode(&bytes, &Limits::default()).expect(what);
                let picture = decoded.picture;
                assert_eq!((picture.dimensions.width, picture.dimensions.height), (24, 20), "{what}");
                // White balance makes all of it grey: white on the left, and half of the light on the right.
                for (at, pixel) in picture.rgb.chunks_exact(3).enumerate() {
                    let wanted = if at % 24 < 12 { 255 } else { 188 };
                    assert!(pixel.iter().all(|value| value.abs_diff(wanted) <= 1), "{what} {pattern:?} {at}: {pixel:?}");
                }
                assert!(decoded.pixels.is_some() && !decoded.is_converted);
            }
        }
    }
}

#[test]
fn a_crop_begins_at_a_whole_square_and_a_turned_file_is_upright() {
    let pattern = [0, 1, 1, 2];
    let all = samples(pattern);
    let parts = strips(&all, |row| row.iter().flat_map(|value| value.to_le_bytes()).collect());
    let more = [long(0xc61f, &[5, 3]), long(0xc620, &[39, 31]), short(0x0112, &[6])];
    let bytes = dng(Order::Little, pattern, 16, 1, None, &parts, &more);
    let identified = identify(&bytes, &Limits::default()).expect("a DNG").picture;
    assert_eq!((identified.dimensions.width, identified.dimensions.height), (31, 39));
    let picture = decode(&bytes, &Limits::default()).expect("a picture").picture;
    assert_eq!((picture.dimensions.width, picture.dimensions.height), (15, 19));
    assert!(picture.rgb[..3].iter().all(|value| *value > 250), "the left is on top");
}

#[test]
fn what_is_not_simple_is_refused_with_the_reason() {
    let pattern = [0, 1, 1, 2];
    let plain = strips(&samples(pattern), |row| row.iter().flat_map(|value| value.to_le_bytes()).collect());
    let with = |compression, more: &[Entry]| dng(Order::Little, pattern, 16, compression, None, &plain, more);
    for (bytes, why) in [
        (with(9, &[]), "packed with VC-5"),
        (with(8, &[]), "packed with ZIP"),
        (with(1, &[short(0x0106, &[34892]), short(0x0115, &[3])]), "has no colour filter"),
        (
            with(
                1,
                &[blob(
                    0x828e,
                    &[0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2],
                )],
            ),
            "two by two",
        ),
        (with(1, &[blob(0x828e, &[0, 1, 1, 3])]), "two by two"),
        (with(1, &[short(0xc618, &[0, 1, 2, 3])]), "coded by a table"),
        (with(1, &[short(0x0102, &[32])]), "has 32 bits"),
        (with(1, &[long(0x0117, &[9, 9, 90_000_000])]), "damaged or missing"),
        (with(1, &[long(0xc61d, &[3])]), "damaged or missing"),
    ] {
        let reason = identify(&bytes, &Limits::default()).expect_err(why).reason;
        assert!(reason.starts_with("raw without a JPEG preview") && reason.contains(why) && reason.ends_with("(DNG)"), "{reason}");
    }
}

#[test]
fn damaged_sensor_data_is_a_picture_or_a_reason() {
    let pattern = [0, 1, 1, 2];
    let all = samples(pattern);
    let mut random = fastrand::Rng::with_seed(8);
    let little = strips(&all, |row| row.iter().flat_map(|value| value.to_le_bytes()).collect());
    for whole in
        [dng(Order::Little, pattern, 16, 1, None, &little, &[]), dng(Order::Little, pattern, 16, 7, Some([32, 32]), &tiles(&all), &[])]
    {
        for round in 0..1000 {
            let mut damaged = whole.clone();
            for _ in 0..random.usize(1..4) {
                // The directory is at the end.
                let start = if random.bool() { damaged.len() - 300 } else { 0 };
                let (at, any) = (random.usize(start..damaged.len()), random.u8(..));
                damaged[at] = [0, 1, 0x7f, 0xff, any][random.usize(..5)];
            }
            if round % 7 == 0 {
                damaged.truncate(random.usize(8..whole.len()));
            }
            let limits = Limits { pixels: 1 << 20, ..Limits::default() };
            if identify(&damaged, &limits).is_ok() {
                let _ = decode(&damaged, &limits);
            }
        }
    }
    // A small file that names many pixels.
    let huge = dng(
        Order::Little,
        pattern,
        16,
        7,
        Some([65_000, 65_000]),
        &[tiles(&all).remove(0)],
        &[long(0x0100, &[65_000]), long(0x0101, &[65_000])],
    );
    assert!(identify(&huge, &Limits::default()).is_err_and(|failure| failure.reason.contains("megapixels")));
    assert!(matches!(read(&huge).expect("a DNG").sensor, Some(Ok(sensor::Sensor { .. }))));
}
