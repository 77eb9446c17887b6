//! Which TIFF is a RAW file, which preview is taken, and which size counts.

use super::super::bytes::Order;
use super::super::{Family, family, read};
use super::build::{
    Entry, ORDERS, STRIP, Tiff, blob, cfa, check, fraction, frame, high, is_full, is_reduced, jpeg, long, preview_size, rgb, short, text,
    wide, with_sub_ifds, ycbcr,
};

/// A DNG of IFD0 and SubIFDs.
fn dng(order: Order, first: &[u8], reduced: &[&[u8]], sensor: &[Entry]) -> Vec<u8> {
    let mut tiff = Tiff::new(order);
    let mut subs = vec![tiff.ifd(sensor, 0)];
    for jpeg in reduced {
        let [at, length] = tiff.stream(STRIP, jpeg);
        subs.push(tiff.ifd(&[is_reduced(), short(0x0103, &[7]), ycbcr(), at, length], 0));
    }
    let [at, length] = tiff.stream(STRIP, first);
    let first = vec![is_reduced(), rgb(), at, length, blob(0xc612, &[1, 4, 0, 0])];
    with_sub_ifds(tiff, "Adobe", first, &subs)
}

#[test]
fn dng_has_previews_of_any_size_beside_the_sensor_data() {
    for order in ORDERS {
        let sensor = [is_full(), wide(4064), high(3000), cfa()];
        let crop = [is_full(), wide(4064), high(3000), cfa(), fraction(0xc620, &[(7999, 2), (3000, 1)])];
        let active = [is_full(), wide(4064), high(3000), cfa(), long(0xc68d, &[0, 32, 3000, 4032])];
        let (full, middle, small) = (jpeg(4000, 3000), jpeg(1024, 768), jpeg(256, 192));
        check(&dng(order, &small, &[&middle, &full], &crop), Family::Dng, (4000, 3000), Some(8), Some(&middle));
        check(&dng(order, &small, &[&full], &sensor), Family::Dng, (4000, 3000), Some(8), Some(&full));
        check(&dng(order, &small, &[], &active), Family::Dng, (4000, 3000), Some(8), None);
        // Leica's first directory is large enough.
        check(&dng(order, &middle, &[&full], &crop), Family::Dng, (4000, 3000), Some(8), Some(&middle));
    }
}

/// Programs that make a DNG of another RAW file keep its Exif, with the size of a picture that a camera made.
#[test]
fn the_size_of_a_dng_is_not_that_in_exif() {
    let mut tiff = Tiff::new(Order::Little);
    let exif = tiff.ifd(&[long(0xa002, &[3000]), long(0xa003, &[2000])], 0);
    let sensor = tiff.ifd(&[is_full(), wide(6000), high(4000), cfa()], 0);
    let first = vec![is_reduced(), rgb(), long(0x8769, &[exif]), blob(0xc612, &[1, 4, 0, 0])];
    check(&with_sub_ifds(tiff, "Canon", first, &[sensor]), Family::Dng, (6000, 4000), Some(8), None);
}

/// Sensor data that is a plain JPEG is no preview, and neither is a mask, nor a JPEG that has its tables elsewhere.
#[test]
fn a_jpeg_that_is_not_for_viewing_is_no_preview() {
    let stream = jpeg(4000, 3000);
    let others =
        [vec![short(0x0106, &[34892]), short(0x0103, &[34892])], vec![short(0x0106, &[52527])], vec![ycbcr(), blob(0x015b, &[0; 20])]];
    for other in others {
        let mut tiff = Tiff::new(Order::Little);
        let mut entries = other;
        entries.extend(tiff.stream(STRIP, &stream));
        let other = tiff.ifd(&entries, 0);
        let sensor = tiff.ifd(&[is_full(), wide(4000), high(3000), cfa()], 0);
        let bytes = with_sub_ifds(tiff, "x", vec![is_reduced(), rgb(), blob(0xc612, &[1, 4, 0, 0])], &[other, sensor]);
        check(&bytes, Family::Dng, (4000, 3000), Some(8), None);
    }
}

#[test]
fn a_developed_picture_is_no_raw_file_whatever_it_carries() {
    let pictures: [Vec<Entry>; 6] = [
        vec![rgb()],
        vec![is_full(), rgb()],
        vec![ycbcr()],
        vec![short(0x0106, &[1])],
        vec![short(0x0106, &[5])],
        vec![rgb(), blob(0x828e, &[0, 1, 1, 2])],
    ];
    for order in ORDERS {
        for picture in &pictures {
            for dng in [false, true] {
                let mut tiff = Tiff::new(order);
                let thumbnail = tiff.ifd(&[is_reduced(), rgb()], 0);
                let mut entries: Vec<_> = picture.clone();
                if dng {
                    entries.push(blob(0xc612, &[1, 4, 0, 0]));
                }
                let bytes = with_sub_ifds(tiff, "Canon", entries, &[thumbnail]);
                assert_eq!(family(&bytes), None);
            }
        }
        // A full picture with sensor data below it.
        let mut tiff = Tiff::new(order);
        let sensor = tiff.ifd(&[is_full(), cfa()], 0);
        assert_eq!(family(&with_sub_ifds(tiff, "Canon", vec![is_full(), rgb()], &[sensor])), None);
        // A picture and its page 2, which is a mask.
        let mut tiff = Tiff::new(order);
        let mask = tiff.ifd(&[long(0x00fe, &[4])], 0);
        let first = tiff.ifd(&[rgb(), text(0x010f, "NIKON")], mask);
        assert_eq!(family(&tiff.finish(first)), None);
    }
}

#[test]
fn the_smallest_preview_that_is_large_enough_and_has_no_bars_is_taken() {
    let size = |previews: &[&[u8]]| {
        let sensor = [is_full(), wide(6000), high(4000), cfa()];
        preview_size(&read(&dng(Order::Little, &jpeg(160, 120), previews, &sensor)).expect("a DNG"))
    };
    let [large, middle, least, less] = [jpeg(6000, 4000), jpeg(1620, 1080), jpeg(648, 432), jpeg(646, 431)];
    assert_eq!(size(&[&large, &middle]), Some((1620, 1080)));
    assert_eq!(size(&[&least, &large, &middle]), Some((648, 432)));
    assert_eq!(size(&[&less, &large]), Some((6000, 4000)));
    assert_eq!(size(&[&less]), None);
    // Bars make a picture of 3:2 one of 4:3.
    assert_eq!(size(&[&jpeg(640, 480), &large]), Some((6000, 4000)));
    assert_eq!(size(&[&jpeg(640, 480)]), Some((640, 480)));
    // Progressive is read, arithmetic coding, lossless and hierarchical JPEG are not.
    for (marker, expected) in [(0xc1, true), (0xc2, true), (0xc3, false), (0xc5, false), (0xc9, false), (0xca, false), (0xcb, false)] {
        assert_eq!(size(&[&frame(marker, 1620, 1080)]).is_some(), expected, "{marker:x}");
    }
    // 12 bits, four channels, and a frame header without a size.
    let frame_at = middle.windows(2).position(|bytes| bytes == [0xff, 0xc0]).expect("a frame header");
    for (at, bytes) in [(4, &[12][..]), (9, &[2]), (9, &[4]), (5, &[0, 0]), (7, &[0, 0])] {
        let mut stream = middle.clone();
        stream[frame_at + at..frame_at + at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(size(&[&stream]), None, "{at}");
    }
}

/// The size of a full preview replaces that of the sensor, but not one that is larger or much smaller.
#[test]
fn the_size_is_that_of_the_picture_without_borders() {
    let dimensions = |previews: &[&[u8]]| {
        let sensor = [is_full(), wide(6048), high(4024), cfa()];
        read(&dng(Order::Little, &jpeg(160, 120), previews, &sensor)).expect("a DNG").dimensions
    };
    let [full, less, small, large] = [jpeg(6000, 4000), jpeg(5900, 3930), jpeg(3000, 2000), jpeg(6050, 4000)];
    assert_eq!(dimensions(&[&small, &large]), Some((6048, 4024)));
    assert_eq!(dimensions(&[&small, &large, &less, &full]), Some((6000, 4000)));
    assert_eq!(dimensions(&[&full, &less]), Some((6000, 4000)));
}

/// A JPEG in several strips is several streams.
#[test]
fn a_picture_in_several_strips_is_no_preview() {
    let mut tiff = Tiff::new(Order::Big);
    let at = tiff.put(&jpeg(1620, 1080));
    let strips = [long(0x0111, &[at, at + 40]), long(0x0117, &[100, 60])];
    let strips = tiff.ifd(&[&[is_reduced(), ycbcr()][..], &strips].concat(), 0);
    let sensor = tiff.ifd(&[is_full(), wide(6000), high(4000), cfa(), short(0x0112, &[5])], 0);
    let first = tiff.ifd(&[is_reduced(), rgb(), text(0x010f, "Nikon"), long(0x014a, &[strips, sensor])], 0);
    // Its orientation is beside the sensor data only.
    check(&tiff.finish(first), Family::Nef, (6000, 4000), Some(5), None);
}

#[test]
fn a_preview_beyond_the_end_of_the_file_is_none() {
    let sensor = [is_full(), wide(6000), high(4000), cfa()];
    let bytes = dng(Order::Little, &jpeg(160, 120), &[&jpeg(1620, 1080)], &sensor);
    let at = bytes.windows(4).position(|bytes| bytes == [0x17, 1, 4, 0]).expect("a length") + 8;
    let mut changed = bytes.clone();
    changed[at..at + 4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    assert_eq!(preview_size(&read(&bytes).expect("a DNG")), Some((1620, 1080)));
    assert_eq!(preview_size(&read(&changed).expect("a DNG")), None);
}
