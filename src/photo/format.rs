//! Picture formats, by name and by first bytes.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;

/// A picture format, ordered from the best original to the least: RAW before HEIC before JPEG, then formats that are
/// usually exports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Raw,
    Heic,
    Jpeg,
    Tiff,
    Psd,
    Jxl,
    Avif,
    Jp2,
    Png,
    WebP,
    Bmp,
    Gif,
}

impl Format {
    /// Returns the version of how this format is decoded and reduced. Raise it when that changes: the photos of this format
    /// are then read again, in the background, and what was made of a kept picture that changed is made again at the next start. 0
    /// if this version does not decode it.
    pub fn decoding(self) -> i64 {
        match self {
            // Some kinds of it were decoded to noise.
            Format::Tiff => 2,
            // JPEG 2000.
            Format::Jp2 => 0,
            Format::Raw
            | Format::Heic
            | Format::Jpeg
            | Format::Psd
            | Format::Jxl
            | Format::Avif
            | Format::Png
            | Format::WebP
            | Format::Bmp
            | Format::Gif => 1,
        }
    }

    /// Returns the format by the extension of the file name.
    pub fn from_name(path: &Path) -> Option<Format> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            // Several pictures of one camera, a sphere, and what exiftool keeps of a file that it changed.
            "jpg" | "jpeg" | "jpe" | "jfif" | "mpo" | "insp" | "jpg_original" => Format::Jpeg,
            "png" => Format::Png,
            "webp" => Format::WebP,
            "tif" | "tiff" => Format::Tiff,
            "psd" | "psb" => Format::Psd,
            "gif" => Format::Gif,
            "bmp" | "dib" => Format::Bmp,
            "heic" | "heif" | "hif" => Format::Heic,
            "avif" => Format::Avif,
            "jxl" => Format::Jxl,
            "jp2" | "j2k" | "jpf" | "jpx" => Format::Jp2,
            "cr2" | "cr3" | "crw" | "nef" | "nrw" | "arw" | "srf" | "sr2" | "dng" | "orf" | "rw2" | "raf" | "pef" | "srw" | "3fr"
            | "fff" | "iiq" | "rwl" | "x3f" | "erf" | "mef" | "mos" | "kdc" | "dcr" | "gpr" | "mrw" | "ori" | "raw" => Format::Raw,
            _ => return None,
        })
    }

    /// Whether a file of this format holds what it was made of, bit for bit. WebP and newer formats may, but seldom do.
    pub fn is_lossless(self) -> bool {
        match self {
            Format::Raw | Format::Tiff | Format::Psd | Format::Png | Format::Bmp => true,
            Format::Heic | Format::Jpeg | Format::Jxl | Format::Avif | Format::Jp2 | Format::WebP | Format::Gif => false,
        }
    }

    /// Returns the format by the first bytes. At least 16 bytes are needed to distinguish all formats. Many RAW files are TIFF
    /// files by these.
    pub fn from_bytes(start: &[u8]) -> Option<Format> {
        Some(match start {
            [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Format::Png,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::WebP,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Format::Gif,
            [b'B', b'M', ..] => Format::Bmp,
            [b'8', b'B', b'P', b'S', 0, 1 | 2, ..] => Format::Psd,
            [b'I', b'I', b'*', 0, _, _, _, _, b'C', b'R', ..] => Format::Raw,
            [b'I', b'I', b'U', 0, ..] | [b'I', b'I', b'R', b'O' | b'S', ..] | [b'M', b'M', b'O' | b'S', b'R', ..] => Format::Raw,
            [b'I' | b'M', b'I' | b'M', _, _, _, _, b'H', b'E', b'A', b'P', b'C', b'C', b'D', b'R', ..] => Format::Raw,
            [b'F', b'U', b'J', b'I', b'F', b'I', b'L', b'M', ..] | [b'F', b'O', b'V', b'b', ..] | [0, b'M', b'R', b'M', ..] => Format::Raw,
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Format::Tiff,
            [0xff, 0x4f, 0xff, 0x51, ..] | [0, 0, 0, 0x0c, b'j', b'P', b' ', b' ', ..] => Format::Jp2,
            [0xff, 0x0a, ..] | [0, 0, 0, 0x0c, b'J', b'X', b'L', b' ', ..] => Format::Jxl,
            [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4)? {
                b"avif" | b"avis" => Format::Avif,
                b"crx " => Format::Raw,
                b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1" => Format::Heic,
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Returns whether this build reads the format.
    pub fn is_supported(self) -> bool {
        self.decoding() > 0
    }
}

names!(Format, "format" {
    Raw: "raw",
    Heic: "heic",
    Jpeg: "jpeg",
    Tiff: "tiff",
    Psd: "psd",
    Jxl: "jxl",
    Avif: "avif",
    Jp2: "jp2",
    Png: "png",
    WebP: "webp",
    Bmp: "bmp",
    Gif: "gif",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bytes_tell_formats() {
        assert_eq!(Format::from_name(Path::new("/a/IMG_1.JPG")), Some(Format::Jpeg));
        assert_eq!(Format::from_name(Path::new("/a/GOPR0024.GPR")), Some(Format::Raw));
        assert_eq!(Format::from_name(Path::new("/a/IMG_1.jpg_original")), Some(Format::Jpeg));
        assert_eq!(Format::from_name(Path::new("/a/scan.JP2")), Some(Format::Jp2));
        assert_eq!(Format::from_name(Path::new("/a/notes.txt")), None);
        assert_eq!(Format::from_bytes(b"\xff\xd8\xff\xe0"), Some(Format::Jpeg));
        assert_eq!(Format::from_bytes(b"\0\0\0\x18ftypheic\0\0\0\0"), Some(Format::Heic));
        assert_eq!(Format::from_bytes(b"\0\0\0\x0cjP  \r\n\x87\n"), Some(Format::Jp2));
        assert_eq!(Format::from_bytes(b"\xff\x4f\xff\x51\0\x2f"), Some(Format::Jp2));
        assert_eq!(Format::from_bytes(b"8BPS\0\x01\0\0"), Some(Format::Psd));
        for tiff in [&b"II*\0\x08\0\0\0"[..], b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"] {
            assert_eq!(Format::from_bytes(tiff), Some(Format::Tiff), "{tiff:?}");
        }
        for raw in [
            &b"FOVb\x03\0\x02\0"[..],
            b"\0MRM\0\0\x01\0",
            b"II\x1a\0\0\0HEAPCCDR",
            b"MM\0\0\0\x1aHEAPCCDR",
            b"IIRO\x08\0\0\0",
            b"MMOR\0\0\0\x08",
        ] {
            assert_eq!(Format::from_bytes(raw), Some(Format::Raw), "{raw:?}");
        }
        assert_eq!(Format::from_bytes(b"hello, this is no picture"), None);
        assert_eq!(Format::from_bytes(b""), None);
    }
}
