//! The marker segments of a JPEG, and which of them are metadata.

pub const SOI: u8 = 0xd8;
pub const EOI: u8 = 0xd9;
pub const SOS: u8 = 0xda;
pub const DQT: u8 = 0xdb;
pub const DHT: u8 = 0xc4;
pub const DRI: u8 = 0xdd;
const APP0: u8 = 0xe0;
pub const APP1: u8 = 0xe1;
pub const APP2: u8 = 0xe2;
const APP12: u8 = 0xec;
pub const APP13: u8 = 0xed;
pub const APP14: u8 = 0xee;
pub const COM: u8 = 0xfe;

/// How segments of metadata begin: EXIF, an XMP packet, and the image resources of Photoshop.
pub const EXIF: &[u8] = b"Exif\0";
pub const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
pub const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Segments of programs that say only how the file is made: its shape and a thumbnail, the profile, where further pictures are in it,
/// the quality, and how colours are stored.
const OF_THE_FILE: [(u8, &[u8]); 6] =
    [(APP0, b"JFIF\0"), (APP0, b"JFXX\0"), (APP2, b"ICC_PROFILE\0"), (APP2, b"MPF\0"), (APP12, b"Ducky"), (APP14, b"Adobe")];

/// A marker with its body, which is empty for markers that stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    pub marker: u8,
    pub body: &'a [u8],
}

impl Segment<'_> {
    /// SOF0 to SOF15 without DHT, JPG and DAC, which share their range.
    pub fn is_frame_header(&self) -> bool {
        matches!(self.marker, 0xc0..=0xcf) && !matches!(self.marker, DHT | 0xc8 | 0xcc)
    }

    /// EXIF, XMP, Photoshop's IPTC and comments are metadata. ICC profiles (APP2) and Adobe's colour transform
    /// (APP14) are not, because they change the picture.
    pub fn is_metadata(&self) -> bool {
        matches!(self.marker, APP1 | APP13 | COM)
    }

    /// Whether it is where metadata are, and holds something else: heat, depth, or more than fits into one XMP packet, such as a sound.
    pub fn is_payload(&self) -> bool {
        matches!(self.marker, APP1 | APP13) && ![EXIF, XMP, PHOTOSHOP].iter().any(|start| self.body.starts_with(start))
    }

    /// Whether it may say something of the photo: comments, and what programs write, known or not.
    pub fn may_say_something(&self) -> bool {
        let is_of_the_file = || OF_THE_FILE.iter().any(|(marker, start)| self.marker == *marker && self.body.starts_with(start));
        matches!(self.marker, APP0..=0xef | COM) && !is_of_the_file()
    }
}

/// Takes the next segment from `rest`. `None` at the end. Bytes before the next 0xff are skipped, as decoders do.
pub fn next<'a>(rest: &mut &'a [u8]) -> Option<Segment<'a>> {
    loop {
        let start = memchr::memchr(0xff, rest)?;
        let after = &rest[start + 1..];
        let marker = *after.first()?;
        *rest = &after[1..];
        match marker {
            0x00 => {}
            0xff => *rest = after,
            0x01 | 0xd0..=0xd7 | SOI | EOI => return Some(Segment { marker, body: &[] }),
            _ => {
                let length = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
                let body = rest.get(2..length)?;
                *rest = &rest[length..];
                return Some(Segment { marker, body });
            }
        }
    }
}

/// The segments between and after the scans that may say something, and the bytes after the picture: none if the file ends before it.
pub fn after_header(bytes: &[u8]) -> (Vec<Segment<'_>>, &[u8]) {
    let mut rest = bytes.get(2..).unwrap_or_default();
    let (mut said, mut is_header) = (Vec::new(), true);
    while let Some(segment) = next(&mut rest) {
        if segment.marker == EOI {
            return (said, rest);
        }
        is_header &= segment.marker != SOS;
        said.extend(Some(segment).filter(|segment| !is_header && segment.may_say_something()));
    }
    (said, &[])
}

/// Whether the picture data begins in these bytes of a file that may be cut off.
pub fn has_whole_header(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(|| next(&mut rest)).any(|segment| segment.marker == SOS)
}

/// The segments before the picture data.
pub fn header_segments(bytes: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(move || next(&mut rest)).take_while(|s| s.marker != SOS && s.marker != EOI)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\xff\xd8\xff\xe1\0\x05abc\xff\xff\xfe\0\x04\xff\xd9\xff\xda\0\x02";
    const SCANS: &[u8] = b"\x01\xff\0\xd9\xff\xd0\x02\xff\xda\0\x02\x03\xff\xd9";

    #[test]
    fn the_segments_before_the_picture_are_found_with_their_bodies() {
        let of = |bytes: &[u8]| header_segments(bytes).map(|segment| (segment.marker, segment.body.to_vec())).collect::<Vec<_>>();
        let all = of(&[HEADER, SCANS].concat());
        assert_eq!(all, [(APP1, b"abc".to_vec()), (COM, b"\xff\xd9".to_vec())]);
        assert_eq!(of(&HEADER[..8]), [], "cut in its middle");
        assert_eq!(of(&HEADER[..9]), all[..1]);
        assert_eq!(of(b"\xff\xd8junk\xff\xe1\0\x02\xff\xd9"), [(APP1, vec![])]);
        for length in [[0, 0], [0, 1], [0xff, 0xff]] {
            let wrong = [&HEADER[..4], &length, &HEADER[6..], SCANS].concat();
            assert_eq!(of(&wrong), [], "{length:?}");
        }
        let metadata = |marker| Segment { marker, body: &[] }.is_metadata();
        assert_eq!([APP1, APP13, COM, 0xe2, APP14, DQT].map(metadata), [true, true, true, false, false, false]);
        let may_say = |marker, body: &[u8]| Segment { marker, body }.may_say_something();
        assert!([APP0, APP1, 0xef, COM].into_iter().all(|marker| may_say(marker, b"Ann")) && !may_say(DQT, b"") && !may_say(0xf0, b""));
        assert!(OF_THE_FILE.iter().all(|(marker, start)| !may_say(*marker, &[start, &b"..."[..]].concat())));
        let frame = |marker| Segment { marker, body: &[] }.is_frame_header();
        assert_eq!([0xc0, 0xc2, 0xcf, DHT, 0xc8, 0xcc, SOS].map(frame), [true, true, true, false, false, false, false]);
    }

    #[test]
    fn the_trailer_begins_after_the_last_scan() {
        let trailer = |bytes: &[u8]| after_header(bytes).1.to_vec();
        let picture = [HEADER, SCANS].concat();
        assert_eq!(trailer(&picture), b"");
        for film in [&b"film"[..], b"\xff\xd8\xff\xd9", b"\xff", &[0; 9]] {
            assert_eq!(trailer(&[&picture, film].concat()), film);
        }
        for length in 0..picture.len() {
            assert_eq!(trailer(&picture[..length]), b"", "the end is missing");
        }
        let (scans, end) = SCANS.split_at(SCANS.len() - 2);
        let late = [HEADER, scans, b"\xff\xc4\0\x03t\xff\xfe\0\x05Ann\xff\xef\0\x03x", end, b"film"].concat();
        let said = [Segment { marker: COM, body: b"Ann" }, Segment { marker: 0xef, body: b"x" }];
        assert_eq!(after_header(&late), (said.to_vec(), &b"film"[..]));
        assert_eq!(after_header(&late[..late.len() - 6]), (said.to_vec(), &[][..]), "the end is missing");
    }
}
