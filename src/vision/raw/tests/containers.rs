//! RAW files in containers of their own, built after the tables of their makers around small JPEG headers. Where a whole real file
//! of a family is at hand, `real` checks it. The others are marked "by specification, no real file seen".

use super::super::bytes::Order;
use super::super::{Family, Tags, read};
use super::build::{
    ORDERS, Tiff, boxed, check, frame, heap, high, jpeg, long, number16, number32, short, text, turned_jpeg, wide, written,
};

/// A CR3 with a preview box, a track with a JPEG, and a track with sensor data.
fn cr3(preview: &[u8], track: &[u8], offsets: &[u8; 4]) -> Vec<u8> {
    let uuid = |id: u128, body: &[u8]| boxed(b"uuid", &[&id.to_be_bytes()[..], body].concat());
    let mut image = Tiff::new(Order::Little);
    let first = image.ifd(&[wide(6000), high(4000), short(0x0112, &[8])], 0);
    let mut exif = Tiff::new(Order::Little);
    let time = exif.ifd(&[text(0x9003, "2018:02:21 12:08:56")], 0);
    let metadata = [
        boxed(b"CMT1", &image.finish(first)),
        boxed(b"CMT2", &exif.finish(time)),
        boxed(b"THMB", &[&[0, 0, 0, 0, 0, 160, 0, 120][..], &jpeg(160, 120)].concat()),
    ];
    let sizes = (preview.len() as u32).to_be_bytes();
    let body = [&[0, 0, 0, 0, 0, 1, 0x06, 0x54, 0x04, 0x38, 0, 1][..], &sizes, preview].concat();
    let preview = uuid(0xeaf42b5e_1c98_4b88_b9fb_b7dc406e4d16, &[vec![0; 8], boxed(b"PRVW", &body)].concat());
    let sample = |at: u64, length: usize| {
        // Canon writes one length for all samples, and in newer cameras a list.
        let (all, list) = if offsets == b"co64" { (0, length as u32) } else { (length as u32, 0) };
        let lengths = [0, all, 1, list].map(u32::to_be_bytes).concat();
        let places = if offsets == b"co64" {
            [&[0, 0, 0, 0, 0, 0, 0, 1][..], &at.to_be_bytes()].concat()
        } else {
            [0, 1, at as u32].map(u32::to_be_bytes).concat()
        };
        let table = [boxed(b"stsz", &lengths), boxed(b"free", &[0; 7]), boxed(offsets, &places)].concat();
        boxed(b"trak", &boxed(b"mdia", &boxed(b"minf", &boxed(b"stbl", &table))))
    };
    let movie = |start: u64| {
        let metadata = uuid(0x85c0b687_820f_11e0_8111_f4ce462b6a48, &metadata.concat());
        boxed(b"moov", &[metadata, sample(start, track.len()), sample(start + track.len() as u64, 100)].concat())
    };
    let head = boxed(b"ftyp", b"crx \0\0\0\x01crx isom");
    let start = head.len() + movie(0).len() + preview.len() + 8;
    [head, movie(start as u64), preview, boxed(b"mdat", &[track, &[1; 100]].concat())].concat()
}

#[test]
fn cr3_has_a_preview_of_its_own_and_one_in_a_track() {
    for offsets in [b"co64", b"stco"] {
        let (small, large, tiny) = (jpeg(1620, 1080), jpeg(6000, 4000), jpeg(320, 214));
        check(&cr3(&small, &large, offsets), Family::Cr3, (6000, 4000), Some(8), Some(&small));
        // By specification, no real file seen: a whole track.
        check(&cr3(&tiny, &large, offsets), Family::Cr3, (6000, 4000), Some(8), Some(&large));
        check(&cr3(&tiny, &frame(0xc3, 6000, 4000), offsets), Family::Cr3, (6000, 4000), Some(8), None);
        let bytes = cr3(&small, &large, offsets);
        let tags: Vec<Tags> = read(&bytes).expect("a CR3").exif.iter().map(|exif| exif.tags).collect();
        assert_eq!(tags, [Tags::Image, Tags::Exif]);
    }
}

/// By specification, no real file seen: a CR3 whose first structure has no size.
#[test]
fn cr3_may_have_its_size_in_exif() {
    let bytes = cr3(&jpeg(1620, 1080), &jpeg(6000, 4000), b"co64");
    let at = bytes.windows(4).position(|bytes| bytes == b"CMT1").expect("a box");
    let end = bytes.windows(4).position(|bytes| bytes == b"CMT2").expect("a box");
    let mut exif = Tiff::new(Order::Little);
    let first = exif.ifd(&[long(0xa002, &[5472]), long(0xa003, &[3648])], 0);
    let exif = exif.finish(first);
    let mut changed = bytes.clone();
    changed[at..at + 4].copy_from_slice(b"free");
    changed[end + 4..end + 4 + exif.len()].copy_from_slice(&exif);
    let raw = read(&changed).expect("a CR3");
    assert_eq!((raw.dimensions, raw.orientation, raw.exif.len()), (Some((5472, 3648)), None, 1));
}

/// A box whose length has 64 bits, and one that goes to the end of the file.
#[test]
fn boxes_may_have_long_lengths_or_none() {
    let preview = jpeg(1620, 1080);
    let bytes = cr3(&preview, &jpeg(6000, 4000), b"co64");
    let length = u32::from_be_bytes(bytes[24..28].try_into().expect("four bytes"));
    let long = [&1_u32.to_be_bytes()[..], b"moov", &u64::from(length + 8).to_be_bytes()].concat();
    let mut changed = bytes.clone();
    changed.splice(24..32, long);
    check(&changed, Family::Cr3, (6000, 4000), Some(8), Some(&preview));
    let mut changed = bytes;
    changed[24..28].copy_from_slice(&0_u32.to_be_bytes());
    assert_eq!(read(&changed).expect("a CR3").dimensions, Some((6000, 4000)));
}

/// By specification, no real file seen: a RAF with a whole JPEG.
#[test]
fn raf_has_one_jpeg_with_exif() {
    let preview = turned_jpeg(1920, 1280, 6);
    let mut bytes = b"FUJIFILMCCD-RAW 0201".to_vec();
    bytes.resize(0x94, 0);
    let records = 0x94 + preview.len() as u32;
    bytes[0x54..0x58].copy_from_slice(&0x94_u32.to_be_bytes());
    bytes[0x58..0x5c].copy_from_slice(&(preview.len() as u32).to_be_bytes());
    bytes[0x5c..0x60].copy_from_slice(&records.to_be_bytes());
    bytes.extend(&preview);
    // Two records: the size of the sensor, and that of the picture.
    bytes.extend([0, 0, 0, 2, 1, 0, 0, 4, 0x0d, 0x10, 0x13, 0xa0]);
    bytes.extend([1, 0x11, 0, 4]);
    bytes.extend([3264_u16, 4896].map(u16::to_be_bytes).concat());
    check(&bytes, Family::Raf, (4896, 3264), Some(6), Some(&preview));
    assert_eq!(read(&bytes).expect("a RAF").exif[0].tags, Tags::Image);
}

#[test]
fn crw_has_its_preview_in_a_heap() {
    for order in ORDERS {
        let preview = jpeg(1440, 960);
        let numbers = [2160, 1440, 0x3f80_0000, 270].map(|n| number32(order, n)).concat();
        let time = [number32(order, 1_068_485_966), [0; 4], [0; 4]].concat();
        let model = heap(order, &[(0x080a, b"Canon\0Canon EOS 10D\0".to_vec())]);
        let about = heap(order, &[(0x1810, numbers), (0x180e, time), (0x2807, model), (0x580b, vec![0; 8])]);
        let root = heap(order, &[(0x2005, frame(0xc3, 2176, 1448)), (0x2007, preview.clone()), (0x300a, about)]);
        let mark: &[u8] = if order == Order::Little { b"II" } else { b"MM" };
        let bytes = [mark, &number32(order, 26), b"HEAPCCDR", &[0; 12], &root].concat();
        check(&bytes, Family::Crw, (2160, 1440), Some(8), Some(&preview));
        let camera = read(&bytes).expect("a CRW").camera.expect("a camera");
        assert_eq!((camera.make.as_deref(), camera.model.as_deref()), (Some("Canon"), Some("Canon EOS 10D")));
        assert_eq!(camera.taken.as_deref(), Some("2003-11-10T17:39:26"));
    }
}

/// An X3F with the sections given.
fn x3f(version: u32, sections: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let order = Order::Little;
    let mut bytes = [&b"FOVb"[..], &version.to_le_bytes()].concat();
    bytes.resize(if version >= 0x4_0000 { 40 } else { 28 }, 0);
    bytes.extend([2640, 1760, 180].map(|n| number32(order, n)).concat());
    bytes.resize(0x300, 0);
    let mut directory = [&b"SECd"[..], &number32(order, 2 << 16), &number32(order, sections.len() as u32)].concat();
    for (kind, section) in sections {
        directory.extend([number32(order, bytes.len() as u32), number32(order, section.len() as u32), **kind].concat());
        bytes.extend(section);
    }
    let at = number32(order, bytes.len() as u32);
    [&bytes[..], &directory, &at].concat()
}

/// By specification, no real file seen: an X3F with a whole JPEG.
#[test]
fn x3f_has_previews_in_sections() {
    let order = Order::Little;
    let section = |kind: u32, format: u32, data: &[u8]| {
        let numbers = [2 << 16, kind, format, 2640, 1760, 0].map(|n| number32(order, n)).concat();
        [&b"SECi"[..], &numbers, data].concat()
    };
    let preview = turned_jpeg(2640, 1760, 3);
    let texts: Vec<u8> = "CAMMODEL\0SIGMA DP2\0".encode_utf16().flat_map(|unit| number16(order, unit)).collect();
    let head = [2 << 16, 1, 0, 0, texts.len() as u32 / 2, 0, 9].map(|n| number32(order, n)).concat();
    let properties = [&b"SECp"[..], &head, &texts].concat();
    for version in [0x0002_0003, 0x0004_0000] {
        let sensor = section(1, 30, &frame(0xc0, 4000, 4000));
        let thumbnail = section(2, 11, &jpeg(660, 440));
        let sections = [(b"IMA2", sensor), (b"IMAG", thumbnail), (b"IMA2", section(2, 18, &preview)), (b"PROP", properties.clone())];
        let bytes = x3f(version, &sections);
        check(&bytes, Family::X3f, (2640, 1760), Some(3), Some(&preview));
        let raw = read(&bytes).expect("an X3F");
        assert_eq!((raw.exif.len(), raw.camera.and_then(|camera| camera.model).as_deref()), (1, Some("SIGMA DP2")));
    }
}

/// By specification, no real file seen: an MRW with a whole preview.
#[test]
fn mrw_has_its_preview_in_the_makernote() {
    let mut tiff = Tiff::new(Order::Big);
    let preview = jpeg(640, 480);
    let [at, length] = tiff.stream([0x0088, 0x0089], &preview);
    let makernote = tiff.ifd(&[at, length], 0);
    let exif = tiff.ifd(&[written(0x927c, makernote, 30)], 0);
    let first = tiff.ifd(&[wide(3272), high(2456), short(0x0112, &[6]), long(0x8769, &[exif])], 0);
    let tiff = tiff.finish(first);
    let sensor = [&b"27200001"[..], &[2456_u16, 3272, 2448, 3264].map(u16::to_be_bytes).concat(), &[0; 8]].concat();
    let block = |kind: &[u8; 4], data: &[u8]| [&kind[..], &(data.len() as u32).to_be_bytes(), data].concat();
    let blocks = [block(b"\0PRD", &sensor), block(b"\0WBG", &[0; 12]), block(b"\0TTW", &tiff)].concat();
    let bytes = [&b"\0MRM"[..], &(blocks.len() as u32).to_be_bytes(), &blocks, &[5; 100]].concat();
    check(&bytes, Family::Mrw, (3264, 2448), Some(6), Some(&preview));
    assert_eq!(read(&bytes).expect("an MRW").exif[0].tiff, tiff);
}
