//! The sensor data of a DNG without a preview: where it is, and what its samples mean. Each has one of three colours, in squares of
//! two by two.

use super::bytes::part;
use super::lossless;
use super::tiff::{Ifd, Value};

const WIDTH: u16 = 0x0100;
const HEIGHT: u16 = 0x0101;
const BITS: u16 = 0x0102;
const COMPRESSION: u16 = 0x0103;
const PHOTOMETRIC: u16 = 0x0106;
const STRIP_OFFSETS: u16 = 0x0111;
const SAMPLES: u16 = 0x0115;
const ROWS_PER_STRIP: u16 = 0x0116;
const STRIP_BYTE_COUNTS: u16 = 0x0117;
const TILE_WIDTH: u16 = 0x0142;
const TILE_LENGTH: u16 = 0x0143;
const TILE_OFFSETS: u16 = 0x0144;
const TILE_BYTE_COUNTS: u16 = 0x0145;
const PATTERN_SIDES: u16 = 0x828d;
const PATTERN: u16 = 0x828e;
const LAYOUT: u16 = 0xc617;
const LINEARIZATION: u16 = 0xc618;
const BLACK_SIDES: u16 = 0xc619;
const BLACK: u16 = 0xc61a;
const WHITE: u16 = 0xc61d;
const CROP_ORIGIN: u16 = 0xc61f;
const CROP_SIZE: u16 = 0xc620;
const MATRICES: [u16; 2] = [0xc622, 0xc621];
const NEUTRAL: u16 = 0xc628;
const ACTIVE_AREA: u16 = 0xc68d;

const COLOUR_FILTER: u32 = 32803;

/// How sensor data is packed: not, and as lossless JPEG.
const PLAIN: u32 = 1;
const LOSSLESS_JPEG: u32 = 7;

/// Other ways, by name.
const OTHERS: [(u32, &str); 4] = [(8, "ZIP"), (9, "VC-5"), (34892, "lossy JPEG"), (52546, "JPEG XL")];

/// The most strips or tiles.
const MAX_PARTS: usize = 1 << 16;

/// A part of the data: its place and size in the picture.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Part<'a> {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    bytes: &'a [u8],
}

/// Where a rectangle begins, and its sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Area {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

/// What samples mean.
#[derive(Clone, PartialEq, Debug)]
pub struct Meaning {
    /// The colours of a square of two by two: 0 is red, 1 green, 2 blue.
    pub pattern: [u8; 4],
    /// The value without light, of each place of the square.
    pub black: [f32; 4],
    /// The largest value.
    pub white: f32,
    /// What the camera saw of something white. `None` if it does not say.
    pub neutral: Option<[f32; 3]>,
    /// From X, Y and Z to the colours of the camera.
    pub matrix: Option<[[f32; 3]; 3]>,
}

/// Sensor data that can be developed.
#[derive(Clone, PartialEq, Debug)]
pub struct Sensor<'a> {
    pub width: usize,
    pub height: usize,
    bits: usize,
    compression: u32,
    is_little: bool,
    parts: Vec<Part<'a>>,
    /// What is shown of it.
    pub area: Area,
    pub meaning: Meaning,
}

/// Describes the sensor data of a directory. `first` is the one that says what the colours are.
///
/// # Errors
/// Why it cannot be developed.
pub fn read<'a>(first: Ifd<'a>, main: Ifd<'a>) -> Result<Sensor<'a>, String> {
    if main.number(PHOTOMETRIC) != Some(COLOUR_FILTER) || main.number(SAMPLES).is_some_and(|samples| samples != 1) {
        return Err("whose sensor data has no colour filter".into());
    }
    let compression = main.number(COMPRESSION).unwrap_or(PLAIN);
    if ![PLAIN, LOSSLESS_JPEG].contains(&compression) {
        let name = OTHERS.iter().find(|(number, _)| *number == compression).map(|(_, name)| (*name).to_owned());
        return Err(format!("whose sensor data is packed with {}", name.unwrap_or_else(|| format!("method {compression}"))));
    }
    let damaged = || "whose sensor data is damaged or missing".to_owned();
    let (width, height) = main.size(WIDTH, HEIGHT).ok_or_else(damaged)?;
    let (width, height) = (width as usize, height as usize);
    let bits = main.number(BITS).unwrap_or(16) as usize;
    let is_plain_pattern = main.get(PATTERN_SIDES).is_none_or(|sides| (0..2).all(|at| sides.number(at) == Some(2)));
    let pattern: Option<[u8; 4]> = main.get(PATTERN).and_then(|value| value.bytes.try_into().ok());
    let pattern =
        pattern.filter(|pattern| is_plain_pattern && (0..3).all(|colour| pattern.contains(&colour)) && pattern.iter().all(|c| *c < 3));
    let pattern = pattern.filter(|_| main.number(LAYOUT).is_none_or(|layout| layout == 1));
    let pattern = pattern.ok_or("whose colour filter is not one of two by two")?;
    if main.has(LINEARIZATION) {
        return Err("whose sensor data is coded by a table".into());
    }
    if !matches!(bits, 8..=16) {
        return Err(format!("whose sensor data has {bits} bits"));
    }
    let parts = parts(main, width, height).ok_or_else(damaged)?;
    let area = area(main, width, height).ok_or_else(damaged)?;
    let meaning = meaning(first, main, pattern, bits).ok_or_else(damaged)?;
    let is_little = main.tiff.order == super::bytes::Order::Little;
    Ok(Sensor { width, height, bits, compression, is_little, parts, area, meaning })
}

fn parts<'a>(main: Ifd<'a>, width: usize, height: usize) -> Option<Vec<Part<'a>>> {
    let (offsets, lengths, wide, high) = match main.get(TILE_OFFSETS) {
        Some(offsets) => (offsets, main.get(TILE_BYTE_COUNTS)?, main.number(TILE_WIDTH)? as usize, main.number(TILE_LENGTH)? as usize),
        None => {
            let rows = main.number(ROWS_PER_STRIP).map_or(height, |rows| (rows as usize).min(height));
            (main.get(STRIP_OFFSETS)?, main.get(STRIP_BYTE_COUNTS)?, width, rows)
        }
    };
    if wide == 0 || high == 0 || wide > 1 << 16 || high > 1 << 16 {
        return None;
    }
    let (across, down) = (width.div_ceil(wide), height.div_ceil(high));
    let count = across.checked_mul(down).filter(|count| *count <= MAX_PARTS && offsets.count() == *count && lengths.count() == *count)?;
    let part = |at: usize| {
        let (left, top) = (at % across * wide, at / across * high);
        // Strips end with the picture. Tiles have their whole size.
        let height = if across == 1 && wide == width { high.min(height - top) } else { high };
        Some(Part { left, top, width: wide, height, bytes: main.tiff.part(offsets.number(at)?, lengths.number(at)?)? })
    };
    (0..count).map(part).collect()
}

/// The part with light, without what the camera crops. It begins at a whole square, and squares are counted from the part with light.
fn area(main: Ifd<'_>, width: usize, height: usize) -> Option<Area> {
    let number = |value: Value<'_>, at| value.number(at).map(|number| number as usize);
    let [top, left, bottom, right] = match main.get(ACTIVE_AREA) {
        Some(value) => [number(value, 0)?, number(value, 1)?, number(value, 2)?, number(value, 3)?],
        None => [0, 0, height, width],
    };
    let (inner_width, inner_height) = (right.min(width).checked_sub(left)?, bottom.min(height).checked_sub(top)?);
    let mut area = Area { left, top, width: inner_width, height: inner_height };
    if let (Some(origin), Some(size)) = (main.get(CROP_ORIGIN), main.get(CROP_SIZE)) {
        let (x, y, crop_width, crop_height) = (number(origin, 0)?, number(origin, 1)?, number(size, 0)?, number(size, 1)?);
        let is_within = x.checked_add(crop_width)? <= inner_width && y.checked_add(crop_height)? <= inner_height;
        if is_within {
            area = Area { left: left + x, top: top + y, width: crop_width, height: crop_height };
        }
    }
    let (odd_left, odd_top) = ((area.left - left) % 2, (area.top - top) % 2);
    let area = Area {
        left: area.left + odd_left,
        top: area.top + odd_top,
        width: area.width.checked_sub(odd_left)? & !1,
        height: area.height.checked_sub(odd_top)? & !1,
    };
    (area.width > 0 && area.height > 0).then_some(area)
}

fn meaning(first: Ifd<'_>, main: Ifd<'_>, pattern: [u8; 4], bits: usize) -> Option<Meaning> {
    let white = main.get(WHITE).and_then(|value| value.fraction(0)).unwrap_or(((1_u32 << bits) - 1) as f32);
    let black = match main.get(BLACK) {
        None => [0.0; 4],
        Some(value) => {
            let sides = main.get(BLACK_SIDES).and_then(|sides| Some((sides.number(0)?, sides.number(1)?))).unwrap_or((1, 1));
            let at = |place: usize| match sides {
                (2, 2) => value.fraction(place),
                (1, 2) => value.fraction(place % 2),
                (2, 1) => value.fraction(place / 2),
                _ => value.fraction(0),
            };
            [at(0)?, at(1)?, at(2)?, at(3)?]
        }
    };
    let is_sound = white.is_finite() && black.iter().all(|black| black.is_finite() && *black < white);
    let three = |value: Value<'_>, from: usize| Some([value.fraction(from)?, value.fraction(from + 1)?, value.fraction(from + 2)?]);
    let neutral =
        first.get(NEUTRAL).and_then(|value| three(value, 0)).filter(|neutral| neutral.iter().all(|share| (0.01..100.0).contains(share)));
    let matrix = MATRICES.into_iter().find_map(|tag| first.get(tag)).filter(|value| value.count() == 9);
    let matrix = matrix.and_then(|value| Some([three(value, 0)?, three(value, 3)?, three(value, 6)?]));
    is_sound.then_some(Meaning { pattern, black, white, neutral, matrix })
}

impl Sensor<'_> {
    /// The number of samples.
    pub fn pixels(&self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Hashes the data as it is stored.
    pub fn hash_into(&self, hasher: &mut blake3::Hasher) {
        hasher.update(format!("{} {} {:?} {:?}", self.width, self.height, self.area, self.meaning).as_bytes());
        for part in &self.parts {
            hasher.update(part.bytes);
        }
    }

    /// Returns all samples, rows from the top.
    ///
    /// # Errors
    /// If the data is damaged or cut short, or if there is not enough memory.
    pub fn samples(&self) -> Result<Vec<u16>, String> {
        let mut samples = Vec::new();
        samples.try_reserve_exact(self.width * self.height).map_err(|_| "the picture needs more memory than there is")?;
        samples.resize(self.width * self.height, 0);
        for part in &self.parts {
            let of_part = if self.compression == LOSSLESS_JPEG {
                lossless::decode(part.bytes, part.width * part.height)?
            } else {
                self.plain(part).ok_or("its sensor data is cut short")?
            };
            let shown = part.width.min(self.width - part.left);
            for (y, row) in of_part.chunks_exact(part.width).take(self.height - part.top).enumerate() {
                samples[(part.top + y) * self.width + part.left..][..shown].copy_from_slice(&row[..shown]);
            }
        }
        Ok(samples)
    }

    /// Reads samples of a part that is not packed. Rows begin at a whole byte.
    fn plain(&self, of: &Part<'_>) -> Option<Vec<u16>> {
        let row_bytes = (of.width * self.bits).div_ceil(8);
        let bytes = part(of.bytes, 0, row_bytes.checked_mul(of.height)?)?;
        let rows = bytes.chunks_exact(row_bytes);
        Some(match self.bits {
            8 => bytes.iter().map(|byte| u16::from(*byte)).collect(),
            16 => {
                let of = |pair: &[u8]| {
                    if self.is_little { u16::from_le_bytes([pair[0], pair[1]]) } else { u16::from_be_bytes([pair[0], pair[1]]) }
                };
                bytes.chunks_exact(2).map(of).collect()
            }
            // The highest bits come first, whatever the order of bytes is.
            bits => rows.flat_map(|row| (0..of.width).map(move |x| bits_at(row, x * bits, bits))).collect(),
        })
    }
}

/// Returns a number of 9 to 15 bits.
fn bits_at(row: &[u8], at: usize, bits: usize) -> u16 {
    let byte = |place: usize| u32::from(row.get(place).copied().unwrap_or(0));
    let held = byte(at / 8) << 16 | byte(at / 8 + 1) << 8 | byte(at / 8 + 2);
    (held >> (24 - bits - at % 8) & ((1 << bits) - 1)) as u16
}
