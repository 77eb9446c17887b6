//! The sections of the file: palette, image resources, layers and merged picture.

use super::reasons::CUT_SHORT;

const HEADER_BYTES: usize = 26;
/// The version of the file and whether its merged picture is real.
const VERSION_INFO: u16 = 1057;
/// The signatures of image resources. Photoshop writes the first, other Adobe programs the rest.
const RESOURCE_SIGNATURES: [&[u8; 4]; 5] = [b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"];
/// The blocks beside the layers that have a length of 8 bytes in a PSB file, even with the signature `8BIM`.
const LONG_BLOCKS: [&[u8; 4]; 13] =
    [b"LMsk", b"Lr16", b"Lr32", b"Layr", b"Mt16", b"Mt32", b"Mtrn", b"Alph", b"FMsk", b"lnk2", b"FEid", b"FXid", b"PxSD"];
/// The blocks that say that the merged picture has transparency. Files of 16 and 32 bits have them, and keep the layers
/// in a block, too.
const TRANSPARENCY_BLOCKS: [&[u8; 4]; 3] = [b"Mt16", b"Mt32", b"Mtrn"];

/// The parts of a file that the merged picture needs.
pub struct Sections<'a> {
    /// 256 red, 256 green and 256 blue values if the mode is indexed.
    pub palette: &'a [u8],
    /// The layers, and what belongs to them.
    pub layers: &'a [u8],
    /// Whether the first channel after the colours is the transparency of the merged picture.
    pub is_transparent: bool,
    /// The merged picture: its compression in 2 bytes, then its channels.
    pub picture: &'a [u8],
}

/// Finds the sections of a file with a valid header.
///
/// # Errors
/// If the file ends before the merged picture.
pub fn sections(bytes: &[u8], is_large: bool) -> Result<Sections<'_>, String> {
    let find = || {
        let (palette, rest) = counted(bytes.get(HEADER_BYTES..)?, 4)?;
        let (_, rest) = counted(rest, 4)?;
        let (layers, picture) = counted(rest, length_bytes(is_large))?;
        Some(Sections { palette, layers, is_transparent: is_transparent(layers, is_large).unwrap_or(false), picture })
    };
    find().ok_or_else(|| CUT_SHORT.to_owned())
}

/// Returns the identifier and the content of each image resource: EXIF is 1058, XMP 1060, IPTC 1028, ICC 1039. It ends
/// early where the file is damaged.
pub fn resources(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = resource_section(bytes).unwrap_or_default();
    std::iter::from_fn(move || {
        let (id, content, after) = resource(rest)?;
        rest = after;
        Some((id, content))
    })
}

/// Returns whether the merged picture shows the layers. Old versions of Photoshop do not say, and always write it.
pub fn is_merged_real(bytes: &[u8]) -> bool {
    let info = resources(bytes).find(|(id, _)| *id == VERSION_INFO);
    // The version has 4 bytes.
    !matches!(info, Some((_, [_, _, _, _, 0, ..])))
}

fn resource_section(bytes: &[u8]) -> Option<&[u8]> {
    let (_, rest) = counted(bytes.get(HEADER_BYTES..)?, 4)?;
    let (length, rest) = number(rest, 4)?;
    // All that is there of a section that is cut short.
    Some(&rest[..length.min(rest.len())])
}

/// Splits off one image resource. Returns its identifier, its content and what follows.
fn resource(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let signature = bytes.get(..4)?;
    if !RESOURCE_SIGNATURES.iter().any(|known| *known == signature) {
        return None;
    }
    let id = u16::from_be_bytes([*bytes.get(4)?, *bytes.get(5)?]);
    // A byte with the length of the name, the name, and a byte to make both even.
    let name = (usize::from(*bytes.get(6)?) + 2) & !1;
    let (content, rest) = counted(bytes.get(6 + name..)?, 4)?;
    let padding = content.len() % 2;
    Some((id, content, rest.get(padding..).unwrap_or_default()))
}

/// Returns whether the merged picture has transparency, or `None` if the section does not say.
fn is_transparent(layers: &[u8], is_large: bool) -> Option<bool> {
    let (info, rest) = counted(layers, length_bytes(is_large))?;
    // The number of layers is negative if the merged picture has transparency.
    if let [high, low, ..] = *info
        && i16::from_be_bytes([high, low]) < 0
    {
        return Some(true);
    }
    let (_masks, mut rest) = counted(rest, 4)?;
    loop {
        let (key, after) = block(rest, is_large)?;
        if TRANSPARENCY_BLOCKS.iter().any(|known| *known == key) {
            return Some(true);
        }
        rest = after;
    }
}

/// Splits off one block after the layers. Returns its key and what follows.
fn block(bytes: &[u8], is_large: bool) -> Option<(&[u8], &[u8])> {
    let (signature, key, rest) = (bytes.get(..4)?, bytes.get(4..8)?, &bytes[8..]);
    if signature != b"8BIM" && signature != b"8B64" {
        return None;
    }
    let is_long = is_large && (signature == b"8B64" || LONG_BLOCKS.iter().any(|known| *known == key));
    let (content, rest) = counted(rest, length_bytes(is_long))?;
    // Each block is padded to a multiple of 4 bytes.
    let padding = content.len().next_multiple_of(4) - content.len();
    Some((key, rest.get(padding..)?))
}

fn length_bytes(is_long: bool) -> usize {
    if is_long { 8 } else { 4 }
}

/// Splits off a length of `size` bytes and as many bytes as it says. Returns these and what follows.
fn counted(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = number(bytes, size)?;
    rest.split_at_checked(length)
}

/// Splits off a number of `size` bytes, at most 8. `None` if it is larger than any slice.
fn number(bytes: &[u8], size: usize) -> Option<(usize, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(size)?;
    let value = digits.iter().fold(0u64, |value, digit| value << 8 | u64::from(*digit));
    Some((usize::try_from(value).ok()?, rest))
}
