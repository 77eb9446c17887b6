//! TIFF of kinds that the image crate refuses or decodes wrongly, from the samples as they are stored.
//!
//! The tiff crate leaves out extra samples before it undoes a prediction, which makes noise of the picture, and it knows neither
//! palettes nor grey with extra samples. So it is told that the picture is grey with any number of samples: then it returns all
//! samples of each pixel, and this file knows what they mean.

use std::borrow::Cow;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use image::{DynamicImage, ImageBuffer, RgbImage};
use tiff::TiffError;
use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits as TiffLimits};
use tiff::tags::Tag;

use crate::photo::Dimensions;
use crate::vision::named_colours::{MAX_PROFILE_BYTES, NamedColours};
use crate::vision::{Limits, lab};

/// What `PhotometricInterpretation` says of the colours.
const WHITE_IS_ZERO: u16 = 0;
const BLACK_IS_ZERO: u16 = 1;
const RGB: u16 = 2;
const PALETTE: u16 = 3;
const CMYK: u16 = 5;
const YCBCR: u16 = 6;
const CIE_LAB: u16 = 8;
const ICC_LAB: u16 = 9;

const NO_PREDICTOR: u16 = 1;
const JPEG: u16 = 7;
const PLANAR: u16 = 2;
const LEAST_BIT_FIRST: u16 = 2;

/// Kinds of extra samples. Others are saved selections and the like.
const ASSOCIATED_ALPHA: u16 = 1;
const UNASSOCIATED_ALPHA: u16 = 2;

/// The compressions that the tiff crate undoes: none, CCITT G4, LZW, JPEG, ZIP (two numbers) and PackBits.
const COMPRESSIONS: [u16; 7] = [1, 4, 5, JPEG, 8, 32946, 32773];

/// The names of others that programs write.
const OTHER_COMPRESSIONS: [(u16, &str); 8] = [
    (2, "CCITT fax"),
    (3, "CCITT fax G3"),
    (6, "old JPEG"),
    (34712, "JPEG 2000"),
    (34925, "LZMA"),
    (50000, "Zstandard"),
    (50001, "WebP"),
    (50002, "JPEG XL"),
];

/// The formats of samples.
const UNSIGNED: u16 = 1;
const SIGNED: u16 = 2;
const FLOAT: u16 = 3;

/// Returns width and height as stored.
pub fn dimensions(bytes: &[u8]) -> Result<Dimensions, String> {
    let (width, height) = Decoder::new(Cursor::new(bytes)).and_then(|mut decoder| decoder.dimensions()).map_err(|e| plain(&e))?;
    Ok(Dimensions { width, height })
}

/// Returns the orientation that the first directory names, of a TIFF whose EXIF cannot be read otherwise.
pub fn orientation(bytes: &[u8]) -> Option<u8> {
    let named = Decoder::new(Cursor::new(bytes)).ok()?.find_tag_unsigned::<u8>(Tag::Orientation).ok()??;
    Some(named).filter(|orientation| (1..=8).contains(orientation))
}

/// Returns what a TIFF says of its colours. Floating-point samples without a profile are in proportion to the light.
pub fn colours(bytes: &[u8]) -> Option<NamedColours> {
    let mut limits = TiffLimits::default();
    limits.ifd_value_size = MAX_PROFILE_BYTES;
    let mut decoder = Decoder::new(Cursor::new(bytes)).ok()?.with_limits(limits);
    let layout = Layout::read(&mut decoder).ok()?;
    match layout.photometric {
        CIE_LAB | ICC_LAB => None,
        _ => match decoder.get_tag_u8_vec(Tag::IccProfile) {
            Ok(profile) => Some(NamedColours::Profile(profile)),
            Err(_) => (layout.format == FLOAT).then_some(NamedColours::Linear),
        },
    }
}

/// Returns a TIFF in whose data the first pixel has the highest bits of a byte, as the tiff crate takes all. Programs for fax write
/// them the other way round.
pub fn in_bit_order(bytes: &[u8]) -> Cow<'_, [u8]> {
    reversed(bytes).map_or(bytes.into(), Cow::from)
}

/// Reverses the bits of the data. `None` if they are in the usual order.
fn reversed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = Decoder::new(Cursor::new(bytes)).ok()?;
    let mut first = |tag| decoder.find_tag_unsigned::<u16>(tag).ok()?;
    if first(Tag::FillOrder) != Some(LEAST_BIT_FIRST) || first(Tag::Compression) == Some(JPEG) {
        return None;
    }
    let mut numbers = |tag| Some(decoder.find_tag_unsigned_vec::<u64>(tag).ok()?.unwrap_or_default());
    let starts = [Tag::StripOffsets, Tag::TileOffsets].map(&mut numbers);
    let lengths = [Tag::StripByteCounts, Tag::TileByteCounts].map(&mut numbers);
    let mut bytes = bytes.to_vec();
    // Parts of a damaged file may overlap.
    let mut left = bytes.len();
    for (start, length) in starts.into_iter().flatten().flatten().zip(lengths.into_iter().flatten().flatten()) {
        let (start, length) = (usize::try_from(start).ok()?, usize::try_from(length).ok()?);
        left = left.checked_sub(length)?;
        bytes.get_mut(start..start.checked_add(length)?)?.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
    }
    Some(bytes)
}

/// Returns the picture of a TIFF that the image crate does not read rightly. `None` if it does.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Option<DynamicImage>, String> {
    let layout = Decoder::new(Cursor::new(bytes)).and_then(|mut decoder| Layout::read(&mut decoder)).map_err(|e| plain(&e))?;
    if let Some(what) = layout.unreadable() {
        return Err(format!("a TIFF {what} is not read by this version"));
    }
    if layout.is_read_by_image_crate() {
        return Ok(None);
    }
    let mut decoder = of_samples(bytes, &layout, limits)?;
    let palette = decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap).map_err(|e| plain(&e))?.unwrap_or_default();
    if layout.photometric == PALETTE && palette.len() < 3 << layout.bits {
        return Err("the palette is cut short".into());
    }
    // Some programs write 8 bits where 16 belong.
    let shift = if palette.iter().all(|value| *value < 256) { 0 } else { 8 };
    let palette: Vec<u16> = palette.iter().map(|value| value >> shift).collect();
    let samples = layout.samples_of(&mut decoder).map_err(|e| plain(&e))?;
    layout.picture(&samples, &palette).map(Some).ok_or_else(|| "the picture needs more memory than is allowed".into())
}

/// The inks of a picture, one plane each: cyan, magenta, yellow and black. 0 is no ink.
pub struct Inks {
    pub dimensions: Dimensions,
    pub planes: [Vec<u8>; 4],
}

/// Returns the inks of a TIFF. `None` if it has colours, or opacity.
pub fn inks(bytes: &[u8], limits: &Limits) -> Result<Option<Inks>, String> {
    let layout = Decoder::new(Cursor::new(bytes)).and_then(|mut decoder| Layout::read(&mut decoder)).map_err(|e| plain(&e))?;
    if layout.photometric != CMYK || layout.kept_samples() != 4 || layout.unreadable().is_some() {
        return Ok(None);
    }
    let samples = layout.samples_of(&mut of_samples(bytes, &layout, limits)?).map_err(|e| plain(&e))?;
    let shift = if layout.most() == u16::MAX { 8 } else { 0 };
    let plane = |ink: usize| samples.iter().skip(ink).step_by(4).map(|sample| (sample >> shift) as u8).collect();
    let dimensions = Dimensions { width: layout.width as u32, height: layout.height as u32 };
    Ok(Some(Inks { dimensions, planes: [0, 1, 2, 3].map(plane) }))
}

/// Returns a decoder that hands out all samples of each pixel.
fn of_samples<'a>(bytes: &'a [u8], layout: &Layout, limits: &Limits) -> Result<Decoder<Patched<'a>>, String> {
    let kept = layout.kept_samples();
    let needed = (layout.width as u64 * layout.height as u64).saturating_mul(2 * kept as u64 + 6);
    if needed > limits.memory / 2 {
        return Err("the picture needs more memory than is allowed".into());
    }
    let (at, grey) = photometric_at(bytes).ok_or("its first directory cannot be read")?;
    let decoder = Decoder::new(Patched { bytes: Cursor::new(bytes), at, with: grey }).map_err(|e| plain(&e))?;
    let mut allowed = TiffLimits::unlimited();
    allowed.decoding_buffer_size = (limits.memory / 2) as usize;
    allowed.intermediate_buffer_size = allowed.decoding_buffer_size;
    Ok(decoder.with_limits(allowed))
}

/// How the first picture of a TIFF is stored.
struct Layout {
    width: usize,
    height: usize,
    photometric: u16,
    compression: u16,
    predictor: u16,
    /// Of each sample.
    bits: u16,
    format: u16,
    /// Of each pixel.
    samples: usize,
    /// What the samples after the colours are.
    extra: Vec<u16>,
    is_planar: bool,
    is_tiled: bool,
    /// Whether the colours of a YCbCr picture have its full size.
    is_full: bool,
}

impl Layout {
    fn read<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<Layout, TiffError> {
        let (width, height) = decoder.dimensions()?;
        let is_tiled = decoder.get_chunk_type() == ChunkType::Tile;
        let mut all = |tag| Ok::<_, TiffError>(decoder.find_tag_unsigned_vec::<u16>(tag)?.unwrap_or_default());
        let mut first = |tag, usual| Ok::<_, TiffError>(all(tag)?.first().copied().unwrap_or(usual));
        Ok(Layout {
            width: width as usize,
            height: height as usize,
            photometric: first(Tag::PhotometricInterpretation, u16::MAX)?,
            compression: first(Tag::Compression, 1)?,
            predictor: first(Tag::Predictor, NO_PREDICTOR)?,
            bits: first(Tag::BitsPerSample, 1)?,
            format: first(Tag::SampleFormat, UNSIGNED)?,
            samples: first(Tag::SamplesPerPixel, 1)?.into(),
            is_planar: first(Tag::PlanarConfiguration, 1)? == PLANAR,
            is_tiled,
            extra: all(Tag::ExtraSamples)?,
            is_full: all(Tag::ChromaSubsampling)? == [1, 1],
        })
    }

    /// The number of samples that make the colour. `None` if their meaning is not known.
    fn colours(&self) -> Option<usize> {
        match self.photometric {
            WHITE_IS_ZERO | BLACK_IS_ZERO | PALETTE => Some(1),
            RGB | YCBCR | CIE_LAB | ICC_LAB => Some(3),
            CMYK => Some(4),
            _ => None,
        }
    }

    /// The samples of each pixel that are needed: the colours, and the opacity if there is one.
    fn kept_samples(&self) -> usize {
        self.colours().unwrap_or(1) + usize::from(self.alpha().is_some())
    }

    /// The kind of opacity that the sample after the colours is. A saved selection is none.
    fn alpha(&self) -> Option<u16> {
        let is_alpha = |kind: &u16| [ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA].contains(kind);
        let colours = self.colours().filter(|colours| self.samples > *colours && matches!(self.photometric, 0..=2 | CMYK));
        self.extra.first().copied().filter(|kind| colours.is_some() && is_alpha(kind))
    }

    /// Says what it is of that nothing here reads.
    fn unreadable(&self) -> Option<String> {
        let is_lab = matches!(self.photometric, CIE_LAB | ICC_LAB);
        let has_size = match self.format {
            UNSIGNED => matches!(self.bits, 1 | 2 | 4 | 8 | 16 | 32),
            SIGNED => is_lab && matches!(self.bits, 8 | 16),
            FLOAT => matches!(self.bits, 16 | 32 | 64),
            _ => false,
        };
        if !COMPRESSIONS.contains(&self.compression) {
            let name = OTHER_COMPRESSIONS.iter().find(|(number, _)| *number == self.compression).map(|(_, name)| (*name).to_owned());
            return Some(format!("with compression {}", name.unwrap_or_else(|| self.compression.to_string())));
        }
        match self.colours() {
            None => Some(format!("with colours of kind {}", self.photometric)),
            Some(colours) if self.samples < colours => Some(format!("of {} samples, too few for its colours,", self.samples)),
            _ if !has_size || (is_lab && !matches!(self.bits, 8 | 16)) => {
                let kind = if self.format == FLOAT { " floating-point" } else { "" };
                Some(format!("of {}-bit{kind} samples", self.bits))
            }
            _ if self.photometric == PALETTE && self.bits > 8 => Some(format!("with a palette and {}-bit samples", self.bits)),
            _ if self.photometric == YCBCR && self.bits != 8 => Some(format!("of {}-bit YCbCr", self.bits)),
            _ if self.photometric == YCBCR && self.compression != JPEG && !self.is_full => Some("with reduced colours".into()),
            _ => None,
        }
    }

    fn is_read_by_image_crate(&self) -> bool {
        let has_usual_size = self.format == UNSIGNED && matches!(self.bits, 8 | 16);
        // What it leaves out must not be part of a prediction.
        let is_predicted = self.predictor != NO_PREDICTOR && !self.is_planar;
        let may_have_more = !is_predicted && self.extra.iter().all(|kind| *kind == 0 || *kind > UNASSOCIATED_ALPHA);
        match self.photometric {
            WHITE_IS_ZERO | BLACK_IS_ZERO => self.samples == 1 && (has_usual_size || self.bits == 1),
            RGB if self.is_tiled && self.is_planar => false,
            RGB if self.format == FLOAT => self.bits == 32 && self.extra.is_empty(),
            RGB => has_usual_size && (may_have_more || self.extra.is_empty() || self.extra == [UNASSOCIATED_ALPHA]),
            CMYK => has_usual_size && !self.is_planar && (self.samples == 4 || may_have_more),
            _ => false,
        }
    }

    /// Returns the samples of all pixels that are kept, each from 0 to [`Layout::most`].
    fn samples_of<R: Read + Seek>(&self, decoder: &mut Decoder<R>) -> Result<Vec<u16>, TiffError> {
        let kept = self.kept_samples();
        let (wide, high) = decoder.chunk_dimensions();
        let (wide, high) = (wide as usize, high as usize);
        let (across, down) = (self.width.div_ceil(wide), self.height.div_ceil(high));
        let mut samples = vec![0; self.width * self.height * kept];
        // Each plane has one sample of each pixel. The crate does not know where planes of tiles end, so no size that it names is
        // used but the width.
        let (planes, of_each) = if self.is_planar { (self.samples.min(kept), 1) } else { (1, self.samples) };
        for chunk in 0..planes * across * down {
            let (plane, column, row) = (chunk / (across * down), chunk % across, chunk / across % down);
            let stored = decoder.read_chunk(chunk as u32)?;
            let (left, top) = (column * wide, row * high);
            let width = wide.min(self.width - left);
            for y in 0..high.min(self.height - top) {
                let start = ((top + y) * self.width + left) * kept;
                for (x, pixel) in samples[start..start + width * kept].chunks_exact_mut(kept).enumerate() {
                    let first = if self.is_planar { plane } else { 0 };
                    for (at, sample) in pixel[first..].iter_mut().take(of_each).enumerate() {
                        *sample = self.sample(&stored, width * of_each, y, x * of_each + at).ok_or(TiffError::IntSizeError)?;
                    }
                }
            }
        }
        Ok(samples)
    }

    /// Returns a sample of a chunk, by its row and its place in the row. `None` if the chunk is shorter.
    fn sample(&self, stored: &DecodingResult, of_row: usize, row: usize, place: usize) -> Option<u16> {
        let at = row * of_row + place;
        let of_float = |value: f32| (value.clamp(0.0, 1.0) * 65_535.0 + 0.5) as u16;
        Some(match stored {
            DecodingResult::U8(all) if self.bits < 8 => {
                let bits = usize::from(self.bits);
                let byte = all.get(row * (of_row * bits).div_ceil(8) + place * bits / 8)?;
                let value = u16::from(byte >> (8 - bits - place * bits % 8)) & ((1 << bits) - 1);
                if self.photometric == PALETTE { value } else { value * 255 / ((1 << bits) - 1) }
            }
            DecodingResult::U8(all) => u16::from(*all.get(at)?),
            DecodingResult::U16(all) => *all.get(at)?,
            DecodingResult::U32(all) => (all.get(at)? >> 16) as u16,
            DecodingResult::I8(all) => u16::from(all.get(at)?.cast_unsigned()),
            DecodingResult::I16(all) => all.get(at)?.cast_unsigned(),
            DecodingResult::F16(all) => of_float(all.get(at)?.to_f32()),
            DecodingResult::F32(all) => of_float(*all.get(at)?),
            DecodingResult::F64(all) => of_float(*all.get(at)? as f32),
            _ => return None,
        })
    }

    /// The value of a sample that stands for all of its colour.
    fn most(&self) -> u16 {
        if self.bits <= 8 { 255 } else { u16::MAX }
    }

    /// Returns the picture of these samples, with transparent pixels on white.
    fn picture(&self, samples: &[u16], palette: &[u16]) -> Option<DynamicImage> {
        let (width, height) = (u32::try_from(self.width).ok()?, u32::try_from(self.height).ok()?);
        let pixels = samples.chunks_exact(self.kept_samples());
        if self.most() == u16::MAX && !matches!(self.photometric, CIE_LAB | ICC_LAB) {
            let fine = pixels.flat_map(|pixel| self.rgb(pixel, palette)).collect();
            return ImageBuffer::from_raw(width, height, fine).map(DynamicImage::ImageRgb16);
        }
        let rgb = pixels.flat_map(|pixel| self.rgb(pixel, palette).map(|value| value as u8)).collect();
        RgbImage::from_raw(width, height, rgb).map(DynamicImage::ImageRgb8)
    }

    /// Returns red, green and blue of a pixel. Those of Lab and of a palette have 8 bits.
    fn rgb(&self, pixel: &[u16], palette: &[u16]) -> [u16; 3] {
        let most = u32::from(self.most());
        let share = |value: u16, of: u16| ((u32::from(value) * u32::from(of) + most / 2) / most) as u16;
        let rest = |value: u16| self.most() - value;
        let colour = match (self.photometric, pixel) {
            (WHITE_IS_ZERO, [grey, ..]) => [rest(*grey); 3],
            (RGB, [red, green, blue, ..]) => [*red, *green, *blue],
            (CMYK, [cyan, magenta, yellow, black, ..]) => [cyan, magenta, yellow].map(|ink| share(rest(*ink), rest(*black))),
            (YCBCR, [y, cb, cr, ..]) => from_ycc(*y, *cb, *cr),
            (CIE_LAB | ICC_LAB, [l, a, b, ..]) => self.lab(*l, *a, *b).map(u16::from),
            (PALETTE, [place, ..]) => {
                let colours = palette.len() / 3;
                [0, 1, 2].map(|plane| palette[plane * colours + usize::from(*place)])
            }
            (_, pixel) => [pixel[0]; 3],
        };
        match (self.alpha(), pixel.last()) {
            // It is blended with black already.
            (Some(ASSOCIATED_ALPHA), Some(opacity)) => colour.map(|value| value.saturating_add(rest(*opacity)).min(self.most())),
            (Some(_), Some(opacity)) => colour.map(|value| share(value, *opacity) + rest(*opacity)),
            _ => colour,
        }
    }

    /// Converts Lab as it is stored: `a` and `b` with a sign, or with their middle as neutral.
    fn lab(&self, lightness: u16, a: u16, b: u16) -> [u8; 3] {
        let high = |value: u16| if self.bits == 8 { value as u8 } else { (value >> 8) as u8 };
        let lightness = match (self.bits, self.photometric) {
            (8, _) => lightness as u8,
            // The lightest is 0xff00.
            (_, ICC_LAB) => high(lightness),
            _ => (u32::from(lightness) * 255 / 65_535) as u8,
        };
        let sign = if self.photometric == CIE_LAB { 0x80 } else { 0 };
        lab::to_srgb(lightness, high(a) ^ sign, high(b) ^ sign)
    }
}

/// JFIF's YCbCr to RGB.
fn from_ycc(y: u16, cb: u16, cr: u16) -> [u16; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|value| (value + 0.5).clamp(0.0, 255.0) as u16)
}

/// Returns where the kind of colours is in the first directory, and the two bytes that stand for grey.
fn photometric_at(bytes: &[u8]) -> Option<(u64, [u8; 2])> {
    const SHORT: u64 = 3;
    let is_little = bytes.starts_with(b"II");
    let number = |at: usize, length: usize| {
        let part = bytes.get(at..at.checked_add(length)?)?;
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if is_little { part.iter().rev().fold(0, add) } else { part.iter().fold(0, add) })
    };
    let place = |at, length| usize::try_from(number(at, length)?).ok();
    // A BigTIFF has longer counts and offsets.
    let (first, count_bytes, entry_bytes, value) = match number(2, 2)? {
        43 => (place(8, 8)?, 8, 20, 12),
        _ => (place(4, 4)?, 2, 12, 8),
    };
    let entries = place(first, count_bytes)?.min(usize::from(u16::MAX));
    let start = first.checked_add(count_bytes)?;
    let mut entries = (0..entries).map(|entry| start + entry * entry_bytes);
    let entry = entries.find(|at| number(*at, 2) == Some(Tag::PhotometricInterpretation.to_u16().into()))?;
    let grey = if is_little { BLACK_IS_ZERO.to_le_bytes() } else { BLACK_IS_ZERO.to_be_bytes() };
    (number(entry + 2, 2)? == SHORT).then_some(((entry + value) as u64, grey))
}

/// A file of which two bytes are read as others.
struct Patched<'a> {
    bytes: Cursor<&'a [u8]>,
    at: u64,
    with: [u8; 2],
}

impl Read for Patched<'_> {
    fn read(&mut self, part: &mut [u8]) -> io::Result<usize> {
        let start = self.bytes.position();
        let read = self.bytes.read(part)?;
        for (at, byte) in (self.at..).zip(self.with) {
            if let Some(place) = at.checked_sub(start).and_then(|place| part[..read].get_mut(place as usize)) {
                *place = byte;
            }
        }
        Ok(read)
    }
}

impl Seek for Patched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// The cause of an error, for people.
fn plain(error: &TiffError) -> String {
    match error {
        TiffError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => "the file ends in the middle of the picture".into(),
        TiffError::LimitsExceeded => "the picture needs more memory than is allowed".into(),
        TiffError::FormatError(e) => e.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;
    use crate::vision::raw::tests::build::{self, Entry, long, number16, number32, short};

    const ZIP: u16 = 8;

    /// A TIFF of one strip for each plane, or of tiles.
    #[derive(Clone)]
    struct Stored {
        size: [u16; 2],
        photometric: u16,
        bits: u16,
        samples: u16,
        compression: u16,
        is_planar: bool,
        is_big_endian: bool,
        tile: Option<u16>,
        more: Vec<Entry>,
    }

    impl Stored {
        fn new(photometric: u16, bits: u16, samples: u16, more: Vec<Entry>) -> Stored {
            let (compression, is_planar, is_big_endian, tile) = (1, false, false, None);
            Stored { size: [1, 1], photometric, bits, samples, compression, is_planar, is_big_endian, tile, more }
        }

        fn order(&self) -> build::Order {
            if self.is_big_endian { build::Order::Big } else { build::Order::Little }
        }

        fn bytes(&self, chunks: &[Vec<u8>]) -> Vec<u8> {
            let mut tiff = build::Tiff::new(self.order());
            let chunks: Vec<Vec<u8>> =
                chunks.iter().map(|chunk| if self.compression == ZIP { zip(chunk) } else { chunk.clone() }).collect();
            let places: Vec<u32> = chunks.iter().map(|chunk| tiff.put(chunk)).collect();
            let lengths: Vec<u32> = chunks.iter().map(|chunk| chunk.len() as u32).collect();
            let mut entries = vec![
                short(0x0100, &[self.size[0]]),
                short(0x0101, &[self.size[1]]),
                short(0x0102, &vec![self.bits; self.samples.into()]),
                short(0x0103, &[self.compression]),
                short(0x0106, &[self.photometric]),
                short(0x0115, &[self.samples]),
                short(0x011c, &[if self.is_planar { PLANAR } else { 1 }]),
            ];
            match self.tile {
                Some(side) => {
                    entries.extend([short(0x0142, &[side]), short(0x0143, &[side]), long(0x0144, &places), long(0x0145, &lengths)]);
                }
                None => entries.extend([long(0x0111, &places), long(0x0117, &lengths)]),
            }
            entries.extend(self.more.clone());
            let first = tiff.ifd(&entries, 0);
            tiff.finish(first)
        }

        /// The red, green and blue of a file of one pixel, as 8 bits.
        fn pixel(&self, chunks: &[Vec<u8>]) -> [u8; 3] {
            let read = read(&self.bytes(chunks), &Limits::default()).expect("a picture").expect("not for the image crate");
            read.into_rgb8().get_pixel(0, 0).0
        }
    }

    fn zip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(bytes).expect("written");
        packed.finish().expect("compressed")
    }

    fn extra(kinds: &[u16]) -> Entry {
        short(0x0152, kinds)
    }

    fn predictor() -> Entry {
        short(0x013d, &[2])
    }

    /// A colour without a symmetry.
    fn colour(x: usize, y: usize) -> [u16; 3] {
        [x * 23 % 256, y * 41 % 256, (x * y * 7 + 90) % 256].map(|value| value as u16)
    }

    #[test]
    fn a_saved_selection_does_not_disturb_the_colours() {
        let (width, height) = (7, 5);
        for (bits, photometric, selections, is_big_endian) in
            [(8, RGB, 1, false), (8, RGB, 2, false), (16, RGB, 1, false), (16, RGB, 3, true), (8, CMYK, 1, false), (16, CMYK, 2, true)]
        {
            let colours = if photometric == RGB { 3 } else { 4 };
            let samples = colours + selections;
            let more = vec![extra(&vec![0; selections]), predictor()];
            let stored = Stored {
                size: [width as u16, height as u16],
                compression: ZIP,
                is_big_endian,
                ..Stored::new(photometric, bits, samples as u16, more)
            };
            let value = |x: usize, y: usize, sample: usize| match sample {
                0..3 => colour(x, y)[sample] * if bits == 16 { 257 } else { 1 },
                // No black ink.
                3 if photometric == CMYK => 0,
                _ => (x * 57 + y * 11 + sample) as u16 % 256,
            };
            let mut strip = Vec::new();
            for (y, x, sample) in (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..samples).map(move |sample| (y, x, sample)))) {
                let before = if x == 0 { 0 } else { value(x - 1, y, sample) };
                let step = value(x, y, sample).wrapping_sub(before);
                if bits == 8 { strip.push(step as u8) } else { strip.extend(number16(stored.order(), step)) }
            }
            let what = format!("{photometric} {bits} {selections}");
            let picture = read(&stored.bytes(&[strip]), &Limits::default()).expect("a picture").expect(&what).into_rgb8();
            assert_eq!(picture.dimensions(), (width as u32, height as u32));
            for (x, y, pixel) in picture.enumerate_pixels() {
                let colour = colour(x as usize, y as usize).map(|value| if photometric == RGB { value as u8 } else { 255 - value as u8 });
                assert_eq!(pixel.0, colour, "{what}: {x} {y}");
            }
        }
    }

    #[test]
    fn bits_may_be_in_the_other_order() {
        let stored = |order: u16| Stored::new(BLACK_IS_ZERO, 16, 1, vec![short(0x010a, &[order])]);
        let shown = |bytes: &[u8]| image::load_from_memory_with_format(bytes, image::ImageFormat::Tiff).expect("a picture").into_luma16();
        let value = number16(build::Order::Little, 0x1234);
        let reversed = value.iter().map(|byte| byte.reverse_bits()).collect::<Vec<u8>>();
        assert_eq!(shown(&in_bit_order(&stored(LEAST_BIT_FIRST).bytes(&[reversed]))).as_raw(), &[0x1234]);
        for other in [stored(1).bytes(&[value.to_vec()]), b"II*\0".to_vec(), stored(LEAST_BIT_FIRST).bytes(&[value.to_vec()])[..8].to_vec()]
        {
            assert!(matches!(in_bit_order(&other), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn samples_mean_what_the_file_says() {
        let of = Stored::new;
        assert_eq!(of(BLACK_IS_ZERO, 8, 2, vec![extra(&[0])]).pixel(&[vec![100, 7]]), [100; 3], "a selection");
        assert_eq!(of(BLACK_IS_ZERO, 8, 2, vec![]).pixel(&[vec![100, 7]]), [100; 3]);
        assert_eq!(of(WHITE_IS_ZERO, 8, 2, vec![extra(&[2])]).pixel(&[vec![155, 51]]), [224; 3], "20 of 100, and white");
        assert_eq!(of(RGB, 8, 4, vec![extra(&[1])]).pixel(&[vec![20, 10, 0, 51]]), [224, 214, 204], "on black already");
        assert_eq!(of(RGB, 8, 5, vec![extra(&[2, 0]), predictor()]).pixel(&[vec![100, 0, 255, 51, 9]]), [224, 204, 255]);
        assert_eq!(of(WHITE_IS_ZERO, 4, 1, vec![]).pixel(&[vec![0xf0]]), [0; 3]);
        assert_eq!(of(BLACK_IS_ZERO, 2, 1, vec![]).pixel(&[vec![0b1000_0000]]), [170; 3]);
        // All reds, then all greens, then all blues.
        let colours: Vec<u16> = (0..768).map(|at| (at % 256 / 2 + at / 256 * 10) << 8).collect();
        assert_eq!(of(PALETTE, 8, 1, vec![short(0x0140, &colours)]).pixel(&[vec![9]]), [4, 14, 24]);
        let two = short(0x0140, &[0, 0x8000, 0, 0x4000, 0, 0xff00]);
        assert_eq!(of(PALETTE, 1, 1, vec![two]).pixel(&[vec![0x80]]), [0x80, 0x40, 0xff]);
        assert_eq!(of(CMYK, 8, 5, vec![extra(&[2])]).pixel(&[vec![155, 255, 0, 0, 51]]), [224, 204, 255]);
        let planar = Stored { is_planar: true, ..of(CMYK, 8, 4, vec![]) };
        assert_eq!(planar.pixel(&[vec![55], vec![0], vec![255], vec![0]]), [200, 255, 0]);
        let full = short(0x0212, &[1, 1]);
        assert_eq!(of(YCBCR, 8, 3, vec![full]).pixel(&[vec![76, 85, 255]]), [254, 0, 0]);
        assert_eq!(of(CIE_LAB, 8, 3, vec![]).pixel(&[vec![255, 0, 0]]), [255; 3]);
        assert_eq!(of(ICC_LAB, 8, 3, vec![]).pixel(&[vec![255, 128, 128]]), [255; 3]);
        assert_eq!(of(ICC_LAB, 16, 3, vec![]).pixel(&[[0xff00_u16, 0x8000, 0x8000].map(u16::to_le_bytes).concat()]), [255; 3]);
        let red = of(CIE_LAB, 16, 3, vec![]).pixel(&[[35_580_u16, 20_687, 17_892].map(u16::to_le_bytes).concat()]);
        assert!(red[0] > 245 && red[1] < 15 && red[2] < 15, "{red:?}");
        let float = short(0x0153, &[FLOAT]);
        assert_eq!(of(BLACK_IS_ZERO, 32, 1, vec![float.clone()]).pixel(&[0.5_f32.to_le_bytes().to_vec()]), [128; 3]);
        assert_eq!(of(BLACK_IS_ZERO, 16, 1, vec![float]).pixel(&[vec![0, 0x3c]]), [255; 3], "one");
        let wide = [0x8000_0000_u32, 0, u32::MAX].map(|value| number32(build::Order::Little, value)).concat();
        assert_eq!(of(RGB, 32, 3, vec![]).pixel(&[wide]), [128, 0, 255]);
    }

    #[test]
    fn tiles_of_planes_are_put_where_they_belong() {
        let (width, height, side) = (20_usize, 34_usize, 16_usize);
        let chunk = |plane: usize, row: usize, column: usize| {
            let places = (0..side).flat_map(|y| (0..side).map(move |x| (column * side + x, row * side + y)));
            // What is beyond the picture is not of it.
            places.map(|(x, y)| if x < width && y < height { colour(x, y)[plane] as u8 } else { 99 }).collect::<Vec<u8>>()
        };
        let chunks: Vec<Vec<u8>> = (0..3)
            .flat_map(|plane| (0..3).flat_map(move |row| (0..2).map(move |column| (plane, row, column))))
            .map(|(p, r, c)| chunk(p, r, c))
            .collect();
        for compression in [1, ZIP] {
            let size = [width as u16, height as u16];
            let stored = Stored { size, compression, is_planar: true, tile: Some(side as u16), ..Stored::new(RGB, 8, 3, vec![]) };
            let picture =
                read(&stored.bytes(&chunks), &Limits::default()).expect("a picture").expect("not for the image crate").into_rgb8();
            for (x, y, pixel) in picture.enumerate_pixels() {
                assert_eq!(pixel.0.map(u16::from), colour(x as usize, y as usize), "{x} {y}");
            }
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        let reason = |stored: &Stored| read(&stored.bytes(&[vec![0; 64]]), &Limits::default()).expect_err("it is refused");
        for (compression, name) in [(3, "CCITT fax G3"), (6, "old JPEG"), (50_000, "Zstandard"), (12_345, "12345")] {
            let stored = Stored { compression, ..Stored::new(RGB, 8, 3, vec![]) };
            assert_eq!(reason(&stored), format!("a TIFF with compression {name} is not read by this version"));
        }
        assert!(reason(&Stored::new(RGB, 12, 3, vec![])).contains("12-bit samples"));
        assert!(reason(&Stored::new(YCBCR, 8, 3, vec![])).contains("reduced colours"));
        assert!(reason(&Stored::new(RGB, 8, 2, vec![])).contains("too few"));
        assert!(reason(&Stored::new(BLACK_IS_ZERO, 16, 1, vec![short(0x0153, &[SIGNED])])).contains("16-bit"));
        assert!(reason(&Stored::new(PALETTE, 8, 1, vec![short(0x0140, &[0; 6])])).contains("palette"));
        let large = Stored { size: [60_000, 60_000], ..Stored::new(BLACK_IS_ZERO, 8, 2, vec![]) };
        assert!(reason(&large).contains("memory"));
    }

    #[test]
    fn what_the_image_crate_reads_is_left_to_it() {
        for (photometric, bits, samples, more) in [
            (RGB, 8, 3, vec![]),
            (RGB, 16, 3, vec![predictor()]),
            (RGB, 8, 4, vec![extra(&[2]), predictor()]),
            (RGB, 8, 4, vec![extra(&[0])]),
            (BLACK_IS_ZERO, 16, 1, vec![]),
            (WHITE_IS_ZERO, 1, 1, vec![]),
            (CMYK, 8, 4, vec![predictor()]),
            (RGB, 32, 3, vec![short(0x0153, &[FLOAT])]),
        ] {
            let bytes = Stored::new(photometric, bits, samples, more).bytes(&[vec![0; 64]]);
            assert!(read(&bytes, &Limits::default()).expect("a picture").is_none(), "{photometric} {bits} {samples}");
        }
    }

    /// A BigTIFF has longer counts and offsets.
    fn big(photometric: u16, more: &[(u16, u16, u64, u64)], strip: &[u8]) -> Vec<u8> {
        let start = 16_u64;
        let first = start + strip.len() as u64;
        let mut entries: Vec<(u16, u16, u64, u64)> = vec![
            (0x0100, 3, 1, 2),
            (0x0101, 3, 1, 1),
            (0x0102, 3, 1, 8),
            (0x0103, 3, 1, 1),
            (0x0106, 3, 1, photometric.into()),
            (0x0111, 16, 1, start),
            (0x0115, 3, 1, strip.len() as u64 / 2),
            (0x0117, 16, 1, strip.len() as u64),
        ];
        entries.extend(more);
        let mut bytes = [&b"II+\0\x08\0\0\0"[..], &first.to_le_bytes(), strip, &(entries.len() as u64).to_le_bytes()].concat();
        for (tag, kind, count, value) in entries {
            bytes.extend([&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat());
        }
        [bytes, vec![0; 8]].concat()
    }

    #[test]
    fn a_big_tiff_is_a_tiff() {
        let turned = (0x0112, 3, 1, 6);
        let colours = big(RGB, &[turned], &[10, 20, 30, 40, 50, 60]);
        assert_eq!(dimensions(&colours), Ok(Dimensions { width: 2, height: 1 }));
        assert_eq!(orientation(&colours), Some(6));
        assert!(read(&colours, &Limits::default()).expect("a picture").is_none());
        let decoded = crate::vision::decode::decode(&colours, &Limits::default()).expect("decodes");
        assert_eq!((decoded.picture.dimensions.height, &decoded.picture.rgb[..]), (2, &[10, 20, 30, 40, 50, 60][..]));
        let grey = big(BLACK_IS_ZERO, &[(0x0152, 3, 1, 0)], &[10, 0, 40, 255]);
        let picture = read(&grey, &Limits::default()).expect("a picture").expect("not for the image crate").into_rgb8();
        assert_eq!(picture.as_raw(), &[10, 10, 10, 40, 40, 40]);
    }

    #[test]
    fn a_file_that_is_cut_off_or_damaged_is_an_error() {
        let stored = Stored { size: [4, 4], ..Stored::new(BLACK_IS_ZERO, 8, 2, vec![extra(&[2])]) };
        let whole = stored.bytes(&[vec![9; 32]]);
        for cut in 0..whole.len() {
            let _ = read(&whole[..cut], &Limits::default());
        }
        for (at, value) in (0..whole.len()).flat_map(|at| [0, 1, 0x7f, 0xff].map(|value| (at, value))) {
            let mut damaged = whole.clone();
            damaged[at] = value;
            let limits = Limits { memory: 1 << 24, ..Limits::default() };
            // The crate may panic on what it does not expect. The decoding process survives that.
            let _ = std::panic::catch_unwind(|| read(&damaged, &limits));
        }
    }
}
