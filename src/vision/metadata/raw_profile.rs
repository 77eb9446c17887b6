//! EXIF that ImageMagick, exiv2 and GIMP write into the text of a PNG: a name, a length, and hexadecimal digits.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::split_at_zero;

/// The keywords of such texts.
const KEYWORDS: [&[u8]; 2] = [b"Raw profile type exif", b"Raw profile type APP1"];

/// What the data begin with in a JPEG, where they come from. Not all programs write it here.
const SIGNATURE: &[u8] = b"Exif\0\0";

/// The longest text that is read. EXIF in a JPEG has up to 64 KiB, and each byte is two digits.
const MAX_TEXT_BYTES: u64 = 1 << 20;

/// Returns the EXIF data in a text chunk of a PNG, from their byte order on. `None` if the chunk holds something else, such as
/// the XMP of a JPEG, or is broken.
pub fn exif(kind: &[u8; 4], body: &[u8]) -> Option<Vec<u8>> {
    let (keyword, rest) = split_at_zero(body).filter(|(keyword, _)| KEYWORDS.contains(keyword))?;
    let mut text = Vec::new();
    match (kind, rest) {
        (b"tEXt", text_itself) => text.extend_from_slice(text_itself),
        // The only method of compression.
        (b"zTXt", [0, packed @ ..]) => drop(ZlibDecoder::new(packed).take(MAX_TEXT_BYTES).read_to_end(&mut text).ok()?),
        _ => return None,
    }
    let data = digits(&text)?;
    let data = data.strip_prefix(SIGNATURE).map_or_else(|| data.clone(), <[u8]>::to_vec);
    let is_exif = keyword == KEYWORDS[0] || data.starts_with(b"II*\0") || data.starts_with(b"MM\0*");
    is_exif.then_some(data)
}

/// Returns the bytes that the digits after the name and the length stand for.
fn digits(text: &[u8]) -> Option<Vec<u8>> {
    let mut lines = text.trim_ascii_start().splitn(3, |byte| *byte == b'\n');
    let (_name, length) = (lines.next()?, lines.next()?);
    let length: usize = str::from_utf8(length).ok()?.trim().parse().ok()?;
    let digits = lines.next()?.iter().filter(|byte| !byte.is_ascii_whitespace()).map(|byte| char::from(*byte).to_digit(16));
    let digits: Vec<u8> = digits.map(|digit| digit.map(|digit| digit as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|two| two[0] << 4 | two[1]).collect();
    (bytes.len() == length && length > 0).then_some(bytes)
}

#[cfg(test)]
pub mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    /// The body of a text chunk that holds these data.
    pub fn profile(data: &[u8]) -> Vec<u8> {
        let digits: Vec<String> = data.iter().map(|byte| format!("{byte:02x}")).collect();
        let lines: Vec<String> = digits.chunks(36).map(<[String]>::concat).collect();
        format!("Raw profile type exif\0\nexif\n{:8}\n{}\n", data.len(), lines.join("\n")).into_bytes()
    }

    #[test]
    fn data_are_read_plain_and_compressed_with_and_without_a_signature() {
        let exif_data = b"II*\0\x08\0\0\0 and so on, for more than one line of digits";
        for data in [exif_data.to_vec(), [SIGNATURE, exif_data].concat()] {
            let plain = profile(&data);
            assert_eq!(exif(b"tEXt", &plain).as_deref(), Some(&exif_data[..]));
            let (keyword, text) = split_at_zero(&plain).expect("a keyword");
            let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(text).expect("written");
            let packed = [keyword, b"\0\0", &packed.finish().expect("compressed")].concat();
            assert_eq!(exif(b"zTXt", &packed).as_deref(), Some(&exif_data[..]));
            for cut in 0..packed.len() / 2 {
                assert!(exif(b"zTXt", &packed[..cut]).is_none(), "{cut}");
            }
        }
    }

    #[test]
    fn other_texts_are_not_exif() {
        let whole = profile(b"II*\0");
        let other = |from: &str, to: &str| String::from_utf8_lossy(&whole).replace(from, to).into_bytes();
        for text in [
            other("exif\0", "xmp\0"),
            other("exif\0", "APP1\0").iter().map(|byte| if *byte == b'9' { b'8' } else { *byte }).collect(),
            other("       4", "       5"),
            other("       4", "   none "),
            other("492a", "49xy"),
            whole[..30].to_vec(),
            b"Raw profile type exif".to_vec(),
        ] {
            assert_eq!(exif(b"tEXt", &text), None, "{}", String::from_utf8_lossy(&text));
        }
        assert!(exif(b"tEXt", &other("exif\0", "APP1\0")).is_some() && exif(b"iTXt", &whole).is_none());
    }
}
