//! The header: size, channels, depth and colour mode.

use super::reasons::CUT_SHORT;

/// The largest width and height of a PSD file, in pixels.
const MAX_SIDE: u32 = 30_000;
/// The largest width and height of a PSB file, in pixels.
const MAX_LARGE_SIDE: u32 = 300_000;
/// Photoshop allows 56 channels, and adds one for the transparency of the merged picture.
const MAX_CHANNELS: u16 = 57;

/// What the header says of the merged picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// In pixels, at least 1.
    pub width: u32,
    /// In pixels, at least 1.
    pub height: u32,
    /// Those of the colours, the transparency and the saved selections together.
    pub channels: u16,
    /// Bits per channel: 1, 8, 16 or 32.
    pub depth: u16,
    pub mode: Mode,
    /// Whether this is a PSB file, which has longer length fields.
    pub is_large: bool,
}

/// A colour mode of Photoshop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// One bit per pixel. A set bit is black.
    Bitmap,
    Grey,
    /// 8-bit positions in a palette of 256 colours.
    Indexed,
    Rgb,
    /// Inverted: the largest value is no ink.
    Cmyk,
    /// Any number of inks, without a common meaning.
    Multichannel,
    /// Grey, with inks whose description is not public.
    Duotone,
    /// CIE L\*a\*b\* with the white point D50.
    Lab,
}

impl Mode {
    fn from_number(number: u16) -> Option<Mode> {
        Some(match number {
            0 => Mode::Bitmap,
            1 => Mode::Grey,
            2 => Mode::Indexed,
            3 => Mode::Rgb,
            4 => Mode::Cmyk,
            7 => Mode::Multichannel,
            8 => Mode::Duotone,
            9 => Mode::Lab,
            _ => return None,
        })
    }

    /// The name that Photoshop shows.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Bitmap => "Bitmap",
            Mode::Grey => "Grayscale",
            Mode::Indexed => "Indexed Color",
            Mode::Rgb => "RGB",
            Mode::Cmyk => "CMYK",
            Mode::Multichannel => "Multichannel",
            Mode::Duotone => "Duotone",
            Mode::Lab => "Lab",
        }
    }

    /// The number of channels that make the colour, or `None` if their meaning is not known.
    pub fn colour_channels(self) -> Option<u16> {
        match self {
            Mode::Bitmap | Mode::Grey | Mode::Indexed | Mode::Duotone => Some(1),
            Mode::Rgb | Mode::Lab => Some(3),
            Mode::Cmyk => Some(4),
            Mode::Multichannel => None,
        }
    }

    /// Returns whether Photoshop has this mode at this depth.
    fn has_depth(self, depth: u16) -> bool {
        match self {
            Mode::Bitmap => depth == 1,
            Mode::Indexed => depth == 8,
            Mode::Grey | Mode::Rgb => matches!(depth, 8 | 16 | 32),
            Mode::Cmyk | Mode::Multichannel | Mode::Duotone | Mode::Lab => matches!(depth, 8 | 16),
        }
    }
}

impl Header {
    /// The bytes of one row of one channel before compression.
    pub fn row_bytes(&self) -> usize {
        (self.width as usize * usize::from(self.depth)).div_ceil(8)
    }
}

/// Returns whether the file starts like a PSD or PSB file.
pub fn is_psd(bytes: &[u8]) -> bool {
    matches!(bytes, [b'8', b'B', b'P', b'S', 0, 1 | 2, ..])
}

/// Reads the header.
///
/// # Errors
/// If this is no Photoshop file, or if the header has values that Photoshop does not write. The text is for people.
pub fn header(bytes: &[u8]) -> Result<Header, String> {
    if !is_psd(bytes) {
        return Err("not a Photoshop file".into());
    }
    let short = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let fields = || Some((short(12)?, long(14)?, long(18)?, short(22)?, short(24)?));
    let (channels, height, width, depth, mode) = fields().ok_or(CUT_SHORT)?;
    let is_large = bytes[5] == 2;
    let limit = if is_large { MAX_LARGE_SIDE } else { MAX_SIDE };
    if !(1..=limit).contains(&width) || !(1..=limit).contains(&height) {
        return Err(format!("the header names an impossible size of {width} × {height} pixels"));
    }
    if !(1..=MAX_CHANNELS).contains(&channels) {
        return Err(format!("the header names {channels} channels, and Photoshop has 1 to {MAX_CHANNELS}"));
    }
    let mode = Mode::from_number(mode).ok_or_else(|| format!("colour mode {mode} is unknown"))?;
    if !mode.has_depth(depth) {
        return Err(format!("{} pictures of {depth} bits per channel are not read", mode.name()));
    }
    Ok(Header { width, height, channels, depth, mode, is_large })
}
