//! Damaged files: cut off anywhere, with changed bytes, and with pointers in circles.

use std::time::{Duration, Instant};

use super::super::bytes::Order;
use super::super::preview::MIN_SHORT_SIDE;
use super::super::{family, read};
use super::build::{Tiff, blob, boxed, heap, jpeg, long, number32, short, text, turned_jpeg, written};
use super::{Random, camera_files};

/// The largest file whose bytes are changed, the number of changes for each, and the bytes at either end that get half of them.
const LARGEST: usize = 200_000;
const CHANGES: usize = 5000;
const EDGE: usize = 3000;

/// The number of lengths that each file is cut to.
const CUTS: usize = 2000;

/// Reads bytes, and checks what holds for any.
fn survives(bytes: &[u8]) {
    match read(bytes) {
        Ok(raw) => {
            assert_eq!(family(bytes), Some(raw.family));
            assert!(raw.orientation.is_none_or(|orientation| (1..=8).contains(&orientation)));
            assert!(raw.dimensions.is_none_or(|(width, height)| width > 0 && height > 0));
            if let Some(preview) = raw.preview {
                assert!(preview.jpeg.starts_with(&[0xff, 0xd8]) && preview.width.min(preview.height) >= MIN_SHORT_SIDE);
                assert!(bytes.as_ptr_range().contains(&preview.jpeg.as_ptr()));
            }
            assert!(raw.exif.len() <= 3);
        }
        Err(reason) => assert!(!reason.is_empty() && reason.len() < 100 && !reason.contains('\n'), "{reason}"),
    }
}

/// All real RAW files, and small containers with every kind of pointer.
fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = built();
    if let Some(folder) = camera_files()
        && let Ok(entries) = std::fs::read_dir(folder.join("more/raw"))
    {
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            seeds.push((path.display().to_string(), std::fs::read(&path).expect("readable")));
        }
    }
    seeds.sort();
    seeds
}

fn built() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for order in [Order::Little, Order::Big] {
        let mut tiff = Tiff::new(order);
        let (large, small) = (jpeg(6000, 4000), turned_jpeg(1620, 1080, 6));
        let preview = tiff.stream([0x0201, 0x0202], &large);
        let preview = tiff.ifd(&preview, 0);
        let sensor = [short(0x0106, &[32803]), long(0x0100, &[6048]), long(0x0101, &[4024])];
        let sensor = tiff.ifd(&sensor, 0);
        let mut makernote = Tiff::with_head(order, if order == Order::Little { b"OLYMPUS\0II\x03\0" } else { b"OLYMPUS\0MM\x03\0" });
        let main = makernote.reserve(2);
        let stream = makernote.stream([0x0101, 0x0102], &small);
        let settings = makernote.ifd(&stream, 0);
        let processing = makernote.ifd(&[short(0x1113, &[0, 0, 5999, 3999])], 0);
        makernote.fill(main, &[long(0x2020, &[settings]), long(0x2040, &[processing])], 0);
        let exif = tiff.ifd(&[short(0xa002, &[6000]), blob(0x927c, &makernote.bytes)], 0);
        let strip = tiff.stream([0x0111, 0x0117], &jpeg(160, 120));
        let subs = [preview, sensor];
        let mut entries = vec![long(0x00fe, &[1]), long(0x014a, &subs), text(0x010f, "NIKON")];
        let pointer = [exif];
        entries.push(long(0x8769, &pointer));
        entries.extend(strip);
        let first = tiff.ifd(&entries, preview);
        seeds.push((format!("TIFF {order:?}"), tiff.finish(first)));
        let about = heap(order, &[(0x1810, [4000, 3000, 0, 90].map(|n| number32(order, n)).concat())]);
        let root = heap(order, &[(0x2007, jpeg(1440, 960)), (0x300a, about)]);
        let mark: &[u8] = if order == Order::Little { b"II" } else { b"MM" };
        seeds.push((format!("CRW {order:?}"), [mark, &number32(order, 14), b"HEAPCCDR", &root].concat()));
    }
    seeds
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_read_or_refused() {
    for (name, bytes) in seeds() {
        let start = Instant::now();
        // Each length up to 2,000 bytes and from 500 before the end, and others in between.
        let near = (0..bytes.len().min(CUTS)).chain(bytes.len().saturating_sub(500)..bytes.len());
        let between = (0..CUTS).map(|i| bytes.len() * i / CUTS);
        near.chain(between).for_each(|length| survives(&bytes[..length]));
        assert!(start.elapsed() < Duration::from_secs(30), "{name}");
    }
}

#[test]
fn a_file_with_changed_bytes_is_read_or_refused() {
    for (name, mut bytes) in seeds().into_iter().filter(|(_, bytes)| bytes.len() <= LARGEST) {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for change in 0..CHANGES {
            let mut undo = Vec::new();
            for _ in 0..=random.below(6) {
                let edge = EDGE.min(bytes.len());
                let at = match change % 4 {
                    0 => random.below(edge),
                    1 => bytes.len() - 1 - random.below(edge),
                    _ => random.below(bytes.len()),
                };
                undo.push((at, bytes[at]));
                // Extreme numbers, small ones, a flipped bit, or anything.
                bytes[at] = match random.below(4) {
                    0 => [0, 1, 0x7f, 0xff][random.below(4)],
                    1 => bytes[at].wrapping_add(random.below(5) as u8).wrapping_sub(2),
                    2 => bytes[at] ^ (1 << random.below(8)),
                    _ => random.below(256) as u8,
                };
            }
            survives(&bytes);
            undo.into_iter().rev().for_each(|(at, byte)| bytes[at] = byte);
        }
        assert!(read(&bytes).is_ok() || name.ends_with("Issue 247-1.nef"), "{name} was restored wrongly");
    }
}

#[test]
fn random_bytes_after_a_mark_are_read_or_refused() {
    let marks: [&[u8]; 10] = [
        b"II*\0\x10\0\0\0CR\x02\0",
        b"MM\0*\0\0\0\x08",
        b"IIU\0\x08\0\0\0",
        b"IIRO\x08\0\0\0",
        b"FUJIFILMCCD-RAW ",
        b"FOVb\x03\0\x02\0",
        b"\0MRM\0\0\x01\0\0PRD\0\0\0\x18",
        b"II\x1a\0\0\0HEAPCCDR",
        b"\0\0\0\x18ftypcrx \0\0\0\x01",
        b"",
    ];
    let mut random = Random(42);
    for mark in marks {
        for _ in 0..5000 {
            let length = random.below(300);
            // Many small numbers, so that offsets and counts lie in the file.
            let noise = (0..length).map(|_| if random.below(2) == 0 { 0 } else { random.next() as u8 });
            let bytes: Vec<u8> = mark.iter().copied().chain(noise.collect::<Vec<_>>()).collect();
            survives(&bytes);
        }
    }
}

#[test]
fn pointers_in_circles_end() {
    let mut tiff = Tiff::new(Order::Little);
    let first = tiff.reserve(3);
    let other = tiff.reserve(2);
    let subs = [first, other, first, other];
    tiff.fill(first, &[short(0x0106, &[32803]), long(0x014a, &subs), long(0x8769, &[first])], other);
    tiff.fill(other, &[long(0x014a, &subs), written(0x927c, first, 60)], first);
    survives(&tiff.finish(first));

    // A heap that holds itself.
    let mut root = heap(Order::Little, &[(0x300a, vec![0; 8]), (0x2807, vec![0; 8]), (0x3004, vec![0; 8])]);
    let (length, directory) = (root.len() as u32, root.len() - 4 - 30);
    for record in 0..3 {
        let at = directory + 10 * record + 2;
        root[at..at + 8].copy_from_slice(&[length.to_le_bytes(), 0_u32.to_le_bytes()].concat());
    }
    survives(&[&b"II"[..], &14_u32.to_le_bytes(), b"HEAPCCDR", &root].concat());
}

/// The most directories, each with the most entries and sub-directories, and as many boxes, heaps and sections.
#[test]
fn what_asks_for_much_work_ends_soon() {
    let start = Instant::now();
    let mut tiff = Tiff::new(Order::Little);
    let rooms: Vec<u32> = (0..3000).map(|_| tiff.reserve(1)).collect();
    for pair in rooms.windows(2) {
        tiff.fill(pair[0], &[written(0x014a, 8, 8)], pair[1]);
    }
    let list: Vec<u32> = (0..100_000).map(|i| rooms[i % rooms.len()]).collect();
    let list_at = tiff.put(&list.iter().flat_map(|at| at.to_le_bytes()).collect::<Vec<_>>());
    for pair in rooms.windows(2) {
        let at = pair[0] as usize + 2;
        tiff.bytes[at + 2..at + 4].copy_from_slice(&4_u16.to_le_bytes());
        tiff.bytes[at + 4..at + 8].copy_from_slice(&100_000_u32.to_le_bytes());
        tiff.bytes[at + 8..at + 12].copy_from_slice(&list_at.to_le_bytes());
    }
    survives(&tiff.finish(rooms[0]));
    let boxes = [boxed(b"ftyp", b"crx \0\0\0\x01"), boxed(b"free", b"").repeat(1_000_000)].concat();
    survives(&boxes);
    let tracks = boxed(b"trak", &boxed(b"mdia", b"")).repeat(100_000);
    survives(&[boxed(b"ftyp", b"crx \0\0\0\x01"), boxed(b"moov", &tracks)].concat());
    // A JPEG of nothing but fill bytes, or of segments.
    for body in [vec![0xff; 5_000_000], [0xff, 0xe0, 0, 2].repeat(1_000_000)] {
        let mut bytes = b"FUJIFILMCCD-RAW ".to_vec();
        bytes.resize(0x94, 0);
        bytes[0x54..0x5c].copy_from_slice(&[0x94_u32.to_be_bytes(), (body.len() as u32 + 2).to_be_bytes()].concat());
        survives(&[bytes, vec![0xff, 0xd8], body].concat());
    }
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}
