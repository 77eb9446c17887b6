//! The families that are made of TIFF: which files are RAW, their sizes and their previews.

use super::makernotes;
use super::preview::Previews;
use super::sensor;
use super::tiff::{Ifd, Place, Tiff, directories};
use super::{Exif, Family, Raw, Tags};

const NEW_SUBFILE_TYPE: u16 = 0x00fe;
const WIDTH: u16 = 0x0100;
const HEIGHT: u16 = 0x0101;
const COMPRESSION: u16 = 0x0103;
const PHOTOMETRIC: u16 = 0x0106;
const MAKE: u16 = 0x010f;
const STRIP_OFFSETS: u16 = 0x0111;
const STRIP_BYTE_COUNTS: u16 = 0x0117;
const SUB_IFDS: u16 = 0x014a;
const JPEG_TABLES: u16 = 0x015b;
const JPEG_START: u16 = 0x0201;
const JPEG_LENGTH: u16 = 0x0202;
const CFA_PATTERN: u16 = 0x828e;
const EXIF: u16 = 0x8769;
const EXIF_WIDTH: u16 = 0xa002;
const EXIF_HEIGHT: u16 = 0xa003;
const DNG_VERSION: u16 = 0xc612;
const DEFAULT_CROP_SIZE: u16 = 0xc620;
const ACTIVE_AREA: u16 = 0xc68d;

/// Photometric interpretations of sensor data: colour filter array, linear RAW.
const SENSOR: [u32; 2] = [32803, 34892];

/// Photometric interpretations of what a DNG has beside a picture: depth, semantic masks.
const BESIDE: [u32; 2] = [51177, 52527];

/// Compressions of sensor data: Sony, Samsung (three), Panasonic, Nikon, DNG's lossy JPEG, Kodak, Pentax.
const SENSOR_COMPRESSIONS: [u32; 9] = [32767, 32769, 32770, 32772, 34316, 34713, 34892, 65000, 65535];

/// Panasonic's tags: the edges of the picture on the sensor, and JPEG streams.
const PANASONIC_EDGES: [u16; 4] = [0x0004, 0x0005, 0x0006, 0x0007];
const PANASONIC_PREVIEWS: [u16; 2] = [0x002e, 0x0127];

/// Returns the family of a TIFF, or of a file with a header like it.
pub fn family(bytes: &[u8]) -> Option<Family> {
    match bytes {
        [b'I', b'I', b'*', 0, _, _, _, _, b'C', b'R', ..] => return Some(Family::Cr2),
        [b'I', b'I', b'U', 0, ..] => return Some(Family::Rw2),
        [b'I', b'I', b'R', b'O' | b'S', ..] | [b'M', b'M', b'O' | b'S', b'R', ..] => return Some(Family::Orf),
        // Canon's EOS-1D and 1Ds.
        [b'I', b'I', b'*', 0, _, _, _, _, 0xba, 0xb0, 0xac, 0xbb, ..] => return Some(Family::Other),
        // Phase One and Leaf. Their first directory looks like a full picture.
        [_, _, _, _, _, _, _, _, b'I', b'I', b'I', b'I', _, b'w', b'a', b'R', ..] => return Some(Family::Other),
        [_, _, _, _, _, _, _, _, b'M', b'M', b'M', b'M', b'R', b'a', b'w', ..] => return Some(Family::Other),
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => {}
        _ => return None,
    }
    let first = Tiff::open(bytes, 0)?.1?;
    is_raw(&directories(first)).then(|| if first.has(DNG_VERSION) { Family::Dng } else { by_make(first) })
}

fn by_make(first: Ifd<'_>) -> Family {
    let make = first.text(MAKE).unwrap_or_default();
    let families = [
        ("NIKON", Family::Nef),
        ("SONY", Family::Arw),
        ("PENTAX", Family::Pef),
        ("RICOH", Family::Pef),
        ("ASAHI", Family::Pef),
        ("SAMSUNG", Family::Srw),
    ];
    let is_start = |name: &str| make.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    families.into_iter().find(|(name, _)| is_start(name)).map_or(Family::Other, |(_, family)| family)
}

/// Returns whether a directory is a reduced version of another picture. `None` if it does not say.
fn is_reduced(ifd: Ifd<'_>) -> Option<bool> {
    ifd.number(NEW_SUBFILE_TYPE).map(|kind| kind & 1 == 1)
}

/// Returns whether a directory holds sensor data. Samsung writes the pattern of the colour filter and no photometric
/// interpretation. Beside one, the pattern says nothing: programs copy it into developed pictures.
fn is_sensor(ifd: Ifd<'_>) -> bool {
    let has_sensor_compression = ifd.number(COMPRESSION).is_some_and(|compression| SENSOR_COMPRESSIONS.contains(&compression));
    has_sensor_compression
        || match ifd.number(PHOTOMETRIC) {
            Some(photometric) => SENSOR.contains(&photometric),
            None => ifd.has(CFA_PATTERN),
        }
}

fn is_raw(ifds: &[(Ifd<'_>, Place)]) -> bool {
    let Some(&(first, _)) = ifds.first() else { return false };
    let mut below = ifds.iter().filter(|(_, place)| *place == Place::Sub).map(|(ifd, _)| *ifd);
    let is_picture = first.has(PHOTOMETRIC);
    match is_reduced(first) {
        _ if is_sensor(first) => true,
        // In a camera's file that is cut off, the directory of the full picture may be unreadable.
        Some(true) => below.any(|ifd| is_reduced(ifd) != Some(true)) || (first.has(SUB_IFDS) && first.has(MAKE)),
        Some(false) if is_picture => false,
        _ => below.any(is_sensor),
    }
}

/// Reads a file of a family of TIFF. `None` if its first directory cannot be read.
pub fn read(bytes: &[u8], family: Family) -> Option<Raw<'_>> {
    let first = Tiff::open(bytes, 0)?.1?;
    let ifds: Vec<Ifd<'_>> = directories(first).into_iter().map(|(ifd, _)| ifd).collect();
    let mut raw = structure(family, first, &ifds, None);
    if family == Family::Dng && raw.preview.is_none() {
        raw.sensor = Some(sensor::read(first, main(&ifds).unwrap_or(first)));
    }
    raw.exif.push(Exif { tiff: bytes, tags: Tags::Image });
    Some(raw)
}

/// Reads what the directories of a TIFF structure say. `known` is the size, if it is known from elsewhere.
pub fn structure<'a>(family: Family, first: Ifd<'a>, ifds: &[Ifd<'a>], known: Option<(u32, u32)>) -> Raw<'a> {
    let exif = first.child(EXIF);
    let makernote = exif.and_then(makernotes::find);
    let main = main(ifds).unwrap_or(first);
    let mut previews = Previews::default();
    for ifd in ifds.iter().filter(|ifd| may_be_preview(**ifd)) {
        previews.offer(ifd.stream(JPEG_START, JPEG_LENGTH));
        previews.offer(ifd.stream(STRIP_OFFSETS, STRIP_BYTE_COUNTS));
    }
    if family == Family::Rw2 {
        PANASONIC_PREVIEWS.iter().for_each(|tag| previews.offer(first.get(*tag).map(|value| value.bytes)));
    }
    if let Some(makernote) = makernote {
        makernote.offer_previews(&mut previews);
    }
    let cropped = || main.pair(DEFAULT_CROP_SIZE, 0);
    let by_makernote = || makernote.and_then(makernotes::MakerNote::size);
    let by_exif = || exif.filter(|_| family != Family::Dng).and_then(|exif| exif.size(EXIF_WIDTH, EXIF_HEIGHT));
    let by_edges = || if family == Family::Rw2 { panasonic_size(first) } else { active_size(main) };
    let dimensions = known.or_else(cropped).or_else(by_makernote).or_else(by_exif).or_else(by_edges).or_else(|| main.size(WIDTH, HEIGHT));
    Raw::new(family, dimensions, first.orientation().or_else(|| main.orientation()), &previews)
}

/// Returns the directory with the sensor data, or else that of the largest full picture.
fn main<'a>(ifds: &[Ifd<'a>]) -> Option<Ifd<'a>> {
    let pixels = |ifd: &&Ifd<'a>| ifd.size(WIDTH, HEIGHT).map_or(0, |(width, height)| u64::from(width) * u64::from(height));
    let full = || ifds.iter().filter(|ifd| is_reduced(**ifd) != Some(true));
    full().filter(|ifd| is_sensor(**ifd)).max_by_key(pixels).or_else(|| full().max_by_key(pixels)).copied()
}

/// Returns whether a directory may hold a JPEG for viewing. One that keeps its tables elsewhere is not whole.
fn may_be_preview(ifd: Ifd<'_>) -> bool {
    let is_other = ifd.number(PHOTOMETRIC).is_some_and(|photometric| SENSOR.contains(&photometric) || BESIDE.contains(&photometric));
    !is_other && !ifd.has(JPEG_TABLES)
}

/// Returns the size of the part of the sensor that has light: top, left, bottom, right.
fn active_size(main: Ifd<'_>) -> Option<(u32, u32)> {
    let area = main.get(ACTIVE_AREA)?;
    between([area.number(0)?, area.number(1)?, area.number(2)?, area.number(3)?])
}

fn panasonic_size(first: Ifd<'_>) -> Option<(u32, u32)> {
    let [top, left, bottom, right] = PANASONIC_EDGES.map(|tag| first.number(tag));
    between([top?, left?, bottom?, right?])
}

fn between([top, left, bottom, right]: [u32; 4]) -> Option<(u32, u32)> {
    let (width, height) = (right.checked_sub(left)?, bottom.checked_sub(top)?);
    (width > 0 && height > 0).then_some((width, height))
}
