//! RAW files that are made of TIFF, built after the tables of their makers around small JPEG headers. Where a whole real file of a
//! family is at hand, `real` checks it. The others are marked "by specification, no real file seen".

use super::super::bytes::Order;
use super::super::{Family, read};
use super::build::{
    Entry, JPEG, ORDERS, STRIP, Tiff, blob, cfa, check, frame, high, is_full, is_reduced, jpeg, long, rgb, short, text, turned_jpeg, wide,
    with_sub_ifds, written, ycbcr,
};

/// By specification, no real file seen: a whole CR2. IFD3 has the sensor data as lossless JPEG, which is the largest stream.
#[test]
fn cr2_has_its_preview_in_the_strip_of_its_first_directory() {
    let mut tiff = Tiff::with_head(Order::Little, b"II*\0\0\0\0\0CR\x02\0\0\0\0\0");
    let (preview, thumbnail, sensor) = (jpeg(5184, 3456), jpeg(160, 120), frame(0xc3, 5344, 3516));
    let exif = tiff.ifd(&[short(0xa002, &[5184]), short(0xa003, &[3456])], 0);
    let strip = tiff.stream(STRIP, &sensor);
    let third = tiff.ifd(&strip, 0);
    let strip = tiff.stream(STRIP, &[7; 600]);
    let second = tiff.ifd(&strip, third);
    let stream = tiff.stream(JPEG, &thumbnail);
    let first = tiff.ifd(&stream, second);
    let [at, length] = tiff.stream(STRIP, &preview);
    let main = [wide(5184), high(3456), short(0x0112, &[6]), long(0x8769, &[exif]), at, length];
    let main = tiff.ifd(&main, first);
    check(&tiff.finish(main), Family::Cr2, (5184, 3456), Some(6), Some(&preview));
}

/// A NEF with full and smaller JPEG, sensor data, and the preview of the makernote.
fn nef(order: Order, jpegs: [&[u8]; 2], in_makernote: &[u8], crop: Option<&[u16]>) -> Vec<u8> {
    let mut tiff = Tiff::new(order);
    let subs: Vec<u32> = jpegs
        .iter()
        .map(|jpeg| {
            let [at, length] = tiff.stream(JPEG, jpeg);
            tiff.ifd(&[is_reduced(), short(0x0103, &[6]), at, length], 0)
        })
        .collect();
    let sensor = tiff.ifd(&[is_full(), wide(7424), high(4924), short(0x0103, &[34713]), cfa()], 0);
    // It has a TIFF header of its own, after ten bytes.
    let mut makernote = Tiff::new(order);
    let stream = makernote.stream(JPEG, in_makernote);
    let preview = makernote.ifd(&stream, 0);
    let mut entries = vec![long(0x0011, &[preview])];
    entries.extend(crop.map(|crop| short(0x0045, crop)));
    let first = makernote.ifd(&entries, 0);
    let makernote = [&b"Nikon\0\x02\x11\0\0"[..], &makernote.finish(first)].concat();
    let exif = tiff.ifd(&[blob(0x927c, &makernote)], 0);
    let [at, length] = tiff.stream(STRIP, &[9; 300]);
    let first = vec![is_reduced(), wide(160), high(120), rgb(), at, length, long(0x8769, &[exif])];
    with_sub_ifds(tiff, "NIKON CORPORATION", first, &[subs[0], sensor, subs[1]])
}

/// By specification, no real file seen: a whole NEF.
#[test]
fn nef_has_previews_in_sub_directories_and_in_its_makernote() {
    for order in ORDERS {
        let (full, half, small, tiny) = (jpeg(7360, 4912), jpeg(1632, 1080), jpeg(640, 424), jpeg(570, 375));
        let (left, size) = (4, [7360, 4912]);
        // The full preview is the sensor without its borders.
        check(&nef(order, [&full, &half], &tiny, None), Family::Nef, (7360, 4912), Some(8), Some(&half));
        check(&nef(order, [&tiny, &small], &small, None), Family::Nef, (7424, 4924), Some(8), None);
        let crop = [left, left, size[0], size[1]];
        check(&nef(order, [&tiny, &small], &half, Some(&crop)), Family::Nef, (7360, 4912), Some(8), Some(&half));
    }
}

/// By specification, no real file seen: a whole ARW. Newer ones have the full picture in IFD2.
#[test]
fn arw_has_previews_in_a_chain_of_directories() {
    let (preview, full, thumbnail) = (jpeg(1616, 1080), jpeg(7008, 4672), jpeg(160, 120));
    for (in_first, expected) in [(&preview, &preview), (&thumbnail, &full)] {
        let mut tiff = Tiff::new(Order::Little);
        let [at, length] = tiff.stream(JPEG, &full);
        let third = tiff.ifd(&[is_reduced(), wide(7008), high(4672), ycbcr(), at, length], 0);
        let stream = tiff.stream(JPEG, &thumbnail);
        let second = tiff.ifd(&stream, third);
        let [at, length] = tiff.stream(STRIP, &frame(0xc3, 7168, 5120));
        let sensor = tiff.ifd(&[is_full(), wide(7168), high(5120), cfa(), at, length], 0);
        let exif = tiff.ifd(&[long(0xa002, &[7008]), long(0xa003, &[4672])], 0);
        let [at, length] = tiff.stream(JPEG, in_first);
        let pointers = [long(0x8769, &[exif]), long(0x014a, &[sensor])];
        let first = [is_reduced(), text(0x010f, "SONY"), short(0x0112, &[3]), at, length];
        let first = tiff.ifd(&[&first[..], &pointers].concat(), second);
        check(&tiff.finish(first), Family::Arw, (7008, 4672), Some(3), Some(expected));
    }
}

/// By specification, no real file seen: previews of Sony's makernote, behind 32 bytes.
#[test]
fn sony_has_a_preview_in_its_makernote() {
    for mark in [&b"SONY DSC \0\0\0"[..], b""] {
        let mut tiff = Tiff::new(Order::Little);
        let preview = jpeg(1616, 1080);
        let start = tiff.put(mark);
        tiff.ifd(&[blob(0x2001, &[&[0; 32][..], &preview].concat())], 0);
        let length = tiff.bytes.len() as u32 - start;
        let exif = tiff.ifd(&[written(0x927c, start, length)], 0);
        let sensor = tiff.ifd(&[is_full(), wide(3880), high(2600), cfa()], 0);
        let bytes = with_sub_ifds(tiff, "SONY", vec![is_reduced(), long(0x8769, &[exif])], &[sensor]);
        check(&bytes, Family::Arw, (3880, 2600), Some(8), Some(&preview));
    }
}

/// A makernote of Olympus or OM System: its directory is at a fixed place, and offsets count from its mark.
fn olympus_makernote(mark: &[u8], order: Order, preview: &[u8], frame: Option<&[u16]>) -> Vec<u8> {
    let mut makernote = Tiff::with_head(order, mark);
    let main = makernote.reserve(2);
    let [at, length] = makernote.stream([0x0101, 0x0102], preview);
    let settings = makernote.ifd(&[long(0x0100, &[1]), at, length], 0);
    let mut entries = vec![short(0x0614, &[4608]), short(0x0615, &[3456])];
    entries.extend(frame.map(|frame| short(0x1113, frame)));
    let processing = makernote.ifd(&entries, 0);
    makernote.fill(main, &[long(0x2020, &[settings]), long(0x2040, &[processing])], 0);
    makernote.bytes
}

fn orf(order: Order, head: &[u8; 4], makernote: &[u8]) -> Vec<u8> {
    let mut tiff = Tiff::with_head(order, &[&head[..], &[0; 4]].concat());
    let exif = tiff.ifd(&[blob(0x927c, makernote)], 0);
    let [at, length] = tiff.stream(STRIP, &[3; 200]);
    let gray = short(0x0106, &[1]);
    let orientation = short(0x0112, &[8]);
    let first = tiff.ifd(&[wide(4640), high(3472), gray, orientation, long(0x8769, &[exif]), at, length], 0);
    tiff.finish(first)
}

/// By specification, no real file seen: ORF.
#[test]
fn orf_has_its_preview_in_the_camera_settings() {
    let preview = jpeg(3200, 2400);
    let kinds: [(Order, &[u8; 4], &[u8]); 4] = [
        (Order::Little, b"IIRO", b"OLYMPUS\0II\x03\0"),
        (Order::Little, b"IIRS", b"OLYMPUS\0II\x03\0"),
        (Order::Big, b"MMOR", b"OLYMPUS\0MM\x03\0"),
        (Order::Little, b"IIRO", b"OM SYSTEM\0\0\0II\x04\0"),
    ];
    for (order, head, mark) in kinds {
        let bytes = orf(order, head, &olympus_makernote(mark, order, &preview, None));
        check(&bytes, Family::Orf, (4608, 3456), Some(8), Some(&preview));
        let standard = read(&bytes).expect("an ORF").exif[0].standard().into_owned();
        assert!(standard.starts_with(b"II*\0") || standard.starts_with(b"MM\0*"));
        assert_eq!(standard[4..], bytes[4..]);
    }
    // A picture of 16:9 shows a part of the sensor.
    let preview = jpeg(3200, 1800);
    let makernote = olympus_makernote(b"OLYMPUS\0II\x03\0", Order::Little, &preview, Some(&[0, 432, 4607, 3023]));
    check(&orf(Order::Little, b"IIRO", &makernote), Family::Orf, (4608, 2592), Some(8), Some(&preview));
}

/// By specification, no real file seen: ORF of 2003 to 2006, whose makernote counts from the header of the file and holds its
/// directories as values.
#[test]
fn an_old_orf_has_its_camera_settings_inside_a_value() {
    let mut tiff = Tiff::with_head(Order::Little, b"IIRO\0\0\0\0");
    let preview = jpeg(1280, 960);
    let [at, length] = tiff.stream([0x0101, 0x0102], &preview);
    let settings = tiff.ifd(&[at, length], 0);
    let start = tiff.put(b"OLYMP\0\x01\0");
    tiff.ifd(&[written(0x2020, settings, 2 + 24 + 4)], 0);
    let exif = tiff.ifd(&[written(0x927c, start, 30)], 0);
    let first = tiff.ifd(&[wide(3280), high(2453), long(0x8769, &[exif])], 0);
    check(&tiff.finish(first), Family::Orf, (3280, 2453), None, Some(&preview));
    // It may also name its preview beside them.
    let mut tiff = Tiff::with_head(Order::Little, b"IIRO\0\0\0\0");
    let [at, length] = tiff.stream([0x1036, 0x1037], &preview);
    let start = tiff.put(b"OLYMP\0\x01\0");
    tiff.ifd(&[at, length], 0);
    let exif = tiff.ifd(&[written(0x927c, start, 38)], 0);
    let first = tiff.ifd(&[wide(3280), high(2453), long(0x8769, &[exif])], 0);
    check(&tiff.finish(first), Family::Orf, (3280, 2453), None, Some(&preview));
    // An older one has the sensor data only.
    let mut tiff = Tiff::with_head(Order::Little, b"IIRO\0\0\0\0");
    let first = tiff.ifd(&[wide(2576), high(1925)], 0);
    check(&tiff.finish(first), Family::Orf, (2576, 1925), None, None);
}

/// By specification, no real file seen: a RW2 with whole previews. RWL is the same.
#[test]
fn rw2_has_its_preview_inside_a_tag() {
    for tag in [0x002e, 0x0127] {
        let mut tiff = Tiff::with_head(Order::Little, b"IIU\0\0\0\0\0");
        let preview = turned_jpeg(1920, 1440, 1);
        let edges = [(4, 8), (5, 8), (6, 3456), (7, 4600)];
        let mut entries: Vec<Entry> = edges.map(|(tag, edge)| short(tag, &[edge])).into();
        entries.extend([blob(tag, &preview), short(0x0112, &[6])]);
        let first = tiff.ifd(&entries, 0);
        check(&tiff.finish(first), Family::Rw2, (4592, 3448), Some(6), Some(&preview));
    }
}

/// A PEF with a full JPEG in its third directory, or a smaller one in its makernote.
fn pef(order: Order, full: &[u8], in_makernote: &[u8], mark: &[u8], borders: &[u8; 4]) -> Vec<u8> {
    let mut tiff = Tiff::new(order);
    let [at, length] = tiff.stream(JPEG, full);
    let third = tiff.ifd(&[wide(6016), high(4000), at, length], 0);
    let stream = tiff.stream(JPEG, &jpeg(160, 120));
    let second = tiff.ifd(&stream, third);
    let borders = blob(0x003e, borders);
    let tags = [0x0004, 0x0003];
    let (start, length) = if mark.starts_with(b"AOC") {
        let [at, length] = tiff.stream(tags, in_makernote);
        let start = tiff.put(mark);
        tiff.ifd(&[at, length, borders], 0);
        (start, tiff.bytes.len() as u32 - start)
    } else {
        let mut makernote = Tiff::with_head(order, mark);
        let main = makernote.reserve(3);
        let [at, length] = makernote.stream(tags, in_makernote);
        makernote.fill(main, &[at, length, borders], 0);
        (tiff.put(&makernote.bytes), makernote.bytes.len() as u32)
    };
    let exif = tiff.ifd(&[written(0x927c, start, length)], 0);
    let make = text(0x010f, "RICOH IMAGING COMPANY, LTD.  ");
    let compression = short(0x0103, &[65535]);
    let orientation = short(0x0112, &[6]);
    let first = [wide(6080), high(4032), compression, cfa(), make, orientation, long(0x8769, &[exif])];
    let first = tiff.ifd(&first, second);
    tiff.finish(first)
}

/// By specification, no real file seen: a PEF that is whole, or older than 2015.
#[test]
fn pef_has_previews_in_a_later_directory_and_in_its_makernote() {
    for order in ORDERS {
        let name: &[u8] = if order == Order::Little { b"II" } else { b"MM" };
        let own = [&b"PENTAX \0"[..], name].concat();
        let outer = [&b"AOC\0"[..], name].concat();
        let unmarked = b"AOC\0  ".to_vec();
        let ricoh = [&b"RICOH\0"[..], name].concat();
        for mark in [own, outer, unmarked, ricoh] {
            let (full, plain, barred) = (jpeg(6016, 4000), jpeg(720, 480), jpeg(640, 480));
            let is_first = |bytes: &[u8], preview: &[u8]| check(bytes, Family::Pef, (6016, 4000), Some(6), Some(preview));
            is_first(&pef(order, &full, &plain, &mark, &[0; 4]), &plain);
            is_first(&pef(order, &full, &plain, &mark, &[26, 26, 0, 0]), &full);
            // Its aspect ratio gives it away, too.
            is_first(&pef(order, &full, &barred, &mark, &[0; 4]), &full);
        }
    }
}

/// By specification, no real file seen: the size in a makernote of Pentax.
#[test]
fn pentax_names_the_size_of_the_picture() {
    let mut tiff = Tiff::new(Order::Little);
    let start = tiff.put(b"AOC\0II");
    tiff.ifd(&[short(0x0039, &[4672, 3104])], 0);
    let exif = tiff.ifd(&[written(0x927c, start, 24)], 0);
    let first = [wide(4736), high(3136), cfa(), text(0x010f, "PENTAX Corporation "), long(0x8769, &[exif])];
    let first = tiff.ifd(&first, 0);
    check(&tiff.finish(first), Family::Pef, (4672, 3104), None, None);
}

/// By specification, no real file seen: SRW. Samsung marks each directory as a full picture, and names no photometric
/// interpretation.
#[test]
fn srw_has_previews_in_sub_directories_and_in_its_makernote() {
    for order in ORDERS {
        for (compression, in_sub) in [([32770], true), ([32772], true), ([32773], false)] {
            let mut tiff = Tiff::new(order);
            let (full, thumbnail) = (jpeg(5472, 3648), jpeg(160, 120));
            let [at, length] = tiff.stream(JPEG, if in_sub { &full } else { &thumbnail });
            let preview = tiff.ifd(&[is_full(), at, length], 0);
            let pattern = blob(0x828e, &[1, 0, 2, 1]);
            let sensor = [is_full(), wide(5546), high(3714), short(0x0103, &compression), pattern];
            let sensor = tiff.ifd(&sensor, 0);
            let stream = tiff.stream(JPEG, if in_sub { &thumbnail } else { &full });
            let other = tiff.ifd(&stream, 0);
            let start = tiff.bytes.len() as u32;
            tiff.ifd(&[long(0x0035, &[other])], 0);
            let length = tiff.bytes.len() as u32 - start;
            let makernote = written(0x927c, start, length);
            let exif = tiff.ifd(&[long(0xa002, &[5472]), long(0xa003, &[3648]), makernote], 0);
            let bytes = with_sub_ifds(tiff, "SAMSUNG", vec![long(0x8769, &[exif])], &[preview, sensor]);
            check(&bytes, Family::Srw, (5472, 3648), Some(8), Some(&full));
        }
    }
}

/// By specification, no real file seen: 3FR, IIQ, and the TIFF files of Canon's EOS-1D.
#[test]
fn other_families_of_tiff_are_found_by_sensor_data_or_their_mark() {
    for order in ORDERS {
        let preview = jpeg(2048, 1536);
        let mut tiff = Tiff::new(order);
        let sensor = tiff.ifd(&[is_full(), wide(8272), high(6200), cfa()], 0);
        let [at, length] = tiff.stream(STRIP, &preview);
        let reduced = tiff.ifd(&[is_reduced(), short(0x0103, &[7]), ycbcr(), at, length], 0);
        let bytes = with_sub_ifds(tiff, "Hasselblad", vec![is_reduced(), rgb()], &[reduced, sensor]);
        check(&bytes, Family::Other, (8272, 6200), Some(8), Some(&preview));
    }
    let marks: [(Order, &[u8]); 4] = [
        (Order::Little, b"II*\0\0\0\0\0\xba\xb0\xac\xbb"),
        (Order::Little, b"II*\0\0\0\0\0IIIITwaR"),
        (Order::Big, b"MM\0*\0\0\0\0MMMMRawT"),
        (Order::Big, b"MM\0*\0\0\0\0IIIICwaR"),
    ];
    for (order, head) in marks {
        let mut tiff = Tiff::with_head(order, head);
        let first = tiff.ifd(&[is_full(), wide(640), high(480), rgb()], 0);
        check(&tiff.finish(first), Family::Other, (640, 480), None, None);
    }
}
