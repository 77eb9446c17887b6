//! The blocks of a GIF.

use super::Other;

const EXTENSION: u8 = 0x21;
const FRAME: u8 = 0x2c;
const END: u8 = 0x3b;

/// The extension that says how a frame is shown.
const GRAPHIC_CONTROL: u8 = 0xf9;

/// Extensions of programs that say how a GIF is shown, by their names. Others hold XMP and the like.
const OF_PROGRAMS: [&[u8]; 3] = [b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"];

/// The bytes of the header, before the colours.
const HEADER_BYTES: usize = 13;

/// Adds the frames after the first one, comments and other extensions to `other`. Returns the bytes after the picture.
pub fn read<'a>(bytes: &'a [u8], other: &mut Other) -> &'a [u8] {
    let start = HEADER_BYTES + bytes.get(10).map_or(0, |flags| colours(*flags));
    let mut rest = bytes.get(start..).unwrap_or_default();
    let mut frames = 0;
    while let Some(length) = block(rest) {
        let (block, after) = rest.split_at(length);
        rest = after;
        match block {
            [END] => return rest,
            [FRAME, ..] => {
                frames += 1;
                if frames > 1 {
                    other.add(block);
                }
            }
            [EXTENSION, GRAPHIC_CONTROL, ..] => {}
            [EXTENSION, 0xff, 11, name @ ..] if OF_PROGRAMS.iter().any(|known| name.starts_with(known)) => {}
            _ => other.add(block),
        }
    }
    if !rest.is_empty() {
        other.add(rest);
    }
    &[]
}

/// Returns where the first frame is on the canvas, and its size: left, top, width, height.
pub fn first_frame(bytes: &[u8]) -> Option<[u16; 4]> {
    let mut rest = bytes.get(HEADER_BYTES + colours(*bytes.get(10)?)..)?;
    loop {
        match rest {
            [FRAME, place @ ..] => {
                let number = |at: usize| Some(u16::from_le_bytes([*place.get(at)?, *place.get(at + 1)?]));
                return Some([number(0)?, number(2)?, number(4)?, number(6)?]);
            }
            [EXTENSION, ..] => rest = rest.get(block(rest)?..)?,
            _ => return None,
        }
    }
}

/// Returns the length of the next block. `None` at the end, or if it is broken.
fn block(rest: &[u8]) -> Option<usize> {
    let mut end = match *rest.first()? {
        END => return Some(1),
        EXTENSION => 2,
        // Its place and size, its colours, and the size of a code.
        FRAME => 10 + colours(*rest.get(9)?) + 1,
        _ => return None,
    };
    // Each part begins with its length. An empty one is the last.
    loop {
        let length = usize::from(*rest.get(end)?);
        end += 1 + length;
        if length == 0 {
            return Some(end);
        }
    }
}

/// Returns the number of bytes of the colours that these flags announce.
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A GIF with two colours.
    fn gif(blocks: &[&[u8]]) -> Vec<u8> {
        [&b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff"[..], &blocks.concat()].concat()
    }

    fn frame(data: u8) -> Vec<u8> {
        vec![FRAME, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, data, 1, 0]
    }

    /// The same with two colours of its own.
    fn coloured(data: u8) -> Vec<u8> {
        vec![FRAME, 0, 0, 0, 0, 1, 0, 1, 0, 0x80, 1, 1, 1, 2, 2, 2, 2, 2, data, 1, 0]
    }

    const CONTROL: &[u8] = b"\x21\xf9\x04\0\x0a\0\0\0";
    const REPEATED: &[u8] = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0";

    #[test]
    fn further_frames_comments_and_a_trailer_are_found() {
        let of = |blocks: &[&[u8]]| {
            let mut other = Other::default();
            let gif = gif(blocks);
            let trailer = read(&gif, &mut other).to_vec();
            (other.into_hashes().len(), trailer)
        };
        let (first, second) = (frame(0x44), frame(0x45));
        assert_eq!(of(&[&first, &[END]]), (0, vec![]));
        assert_eq!(of(&[REPEATED, CONTROL, &first, &[END], b"film"]), (0, b"film".to_vec()));
        assert_eq!(of(&[CONTROL, &first, CONTROL, &second, CONTROL, &coloured(1), &[END]]), (2, vec![]));
        assert_eq!(of(&[&coloured(1), &second, &[END]]), (1, vec![]));
        assert_eq!(of(&[b"\x21\xfe\x03Ann\x04 Bob\0", &first, &[END]]), (1, vec![]), "a comment");
        assert_eq!(of(&[b"\x21\xff\x0bXMP DataXMP\x03<x>\0", &first, &[END]]), (1, vec![]), "XMP");
        assert_eq!(of(&[&first, b"broken"]), (1, vec![]));
        let whole = gif(&[&first, &second]);
        assert_eq!(of(&[&first, &second[..12]]), (1, vec![]), "cut in its middle");
        for length in 0..whole.len() {
            read(&whole[..length], &mut Other::default());
            let mut damaged = whole.clone();
            damaged[length] ^= 0xff;
            read(&damaged, &mut Other::default());
        }
    }
}
