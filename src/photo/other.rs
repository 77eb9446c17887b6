//! Files beside photos that are not decoded: films, sound, pictures of formats that are not read, and sidecars.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;
use super::program_folder::is_settings;
use super::spelling::after;
use super::takeout::TakeoutName;
use super::{ContentHash, Format, Place, Stamp};

/// What a file is by its name, if it belongs to photos and is none that this version reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OtherKind {
    Film,
    Sound,
    /// A picture in a format that has no [`Format`].
    Picture,
    /// What a program or a camera says of another file, in a file of its own.
    Sidecar,
}

names!(OtherKind, "kind of file" {
    Film: "film",
    Sound: "sound",
    Picture: "picture",
    Sidecar: "sidecar",
});

impl OtherKind {
    /// The number of first bytes that tell what a file is.
    pub const START_BYTES: usize = 512;

    /// Returns the kind by the extension of the file name. `None` for photos, and for files that are neither.
    pub fn from_name(path: &Path) -> Option<OtherKind> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "mov" | "mp4" | "m4v" | "qt" | "avi" | "mts" | "m2ts" | "m2t" | "mpg" | "mpeg" | "mpe" | "m1v" | "m2v" | "vob" | "3gp"
            | "3gpp" | "3g2" | "wmv" | "asf" | "mkv" | "webm" | "flv" | "f4v" | "ogv" | "ogm" | "mod" | "tod" | "dv" | "dif" | "mxf"
            | "divx" | "mjpg" | "mjpeg" | "rm" | "rmvb" | "lrv" | "lrf" | "insv" | "360" | "braw" | "r3d" | "crm" | "ari" | "arx"
            | "mlv" | "cine" | "nev" => OtherKind::Film,
            // Source code may have this ending too. To remember it costs a row, and to pass by a film would cost the film.
            "ts" => OtherKind::Film,
            "wav" | "wave" | "bwf" | "rf64" | "w64" | "mp3" | "mp2" | "m4a" | "aac" | "flac" | "ogg" | "oga" | "opus" | "wma" | "aif"
            | "aiff" | "aifc" | "amr" | "3ga" | "caf" | "mka" | "ac3" | "dts" | "ape" | "wv" | "dsf" | "dff" => OtherKind::Sound,
            "bay" | "cap" | "cs1" | "dc2" | "dcs" | "drf" | "dxo" | "eip" | "k25" | "mdc" | "obm" | "ptx" | "pxn" | "qtk" | "rdc"
            | "rwz" | "sti" | "lfp" | "lfr" | "jps" | "pns" | "jxr" | "wdp" | "hdp" | "heics" | "heifs" | "avifs" | "exr" | "hdr"
            | "tga" | "ppm" | "pgm" | "pbm" | "pnm" | "pam" | "pfm" | "pcx" | "pict" | "pct" | "pcd" | "sgi" | "jpc" | "j2c" | "jpm"
            | "xcf" | "kra" | "ora" | "afphoto" => OtherKind::Picture,
            "xmp" | "pp3" | "dop" | "arp" | "on1" | "vrd" | "dr4" | "aae" | "thm" | "cos" | "nksc" | "dtdata" | "rrdata" | "exv"
            | "acr" | "srt" | "spd" => OtherKind::Sidecar,
            // A caption, if a file of its name is beside it.
            ending if ending == TEXT => OtherKind::Sidecar,
            "json" if is_takeout(path) => OtherKind::Sidecar,
            "xml" if is_of_film(path) => OtherKind::Sidecar,
            ending if is_motion_film(ending.as_bytes()) => OtherKind::Film,
            _ if is_of_capture_one(path) => OtherKind::Sidecar,
            _ => return None,
        })
    }

    /// Returns the kind by the first bytes, of which [`OtherKind::START_BYTES`] are needed to distinguish all. `None` for photos, and
    /// for all that does not say what it is.
    pub fn from_bytes(start: &[u8]) -> Option<OtherKind> {
        if Format::from_bytes(start).is_some() {
            return None;
        }
        Some(match start {
            [_, _, _, _, b'f', b't', b'y', b'p', b'M', b'4', b'A' | b'B' | b'P', ..] => OtherKind::Sound,
            [_, _, _, _, b'f', b't', b'y', b'p', ..] | [_, _, _, _, b'R', b'E', b'D', b'1' | b'2', ..] => OtherKind::Film,
            // QuickTime without a brand.
            [0, _, _, _, rest @ ..] if [b"moov", b"mdat", b"wide", b"pnot"].iter().any(|kind| rest.starts_with(*kind)) => OtherKind::Film,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => OtherKind::Film,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => OtherKind::Sound,
            [b'R' | b'B', b'F' | b'W', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => OtherKind::Sound,
            [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => OtherKind::Sound,
            // Matroska and WebM, a program stream and a video stream of MPEG, ASF, MXF, Flash, Magic Lantern.
            [0x1a, 0x45, 0xdf, 0xa3, ..] | [0, 0, 1, 0xba | 0xb3, ..] | [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, ..] => {
                OtherKind::Film
            }
            [6, 0x0e, 0x2b, 0x34, ..] | [b'F', b'L', b'V', 1, ..] | [b'M', b'L', b'V', b'I', ..] => OtherKind::Film,
            _ if is_transport_stream(start) => OtherKind::Film,
            [b'I', b'D', b'3', 2..=4, ..] | [b'f', b'L', b'a', b'C', ..] | [b'O', b'g', b'g', b'S', ..] => OtherKind::Sound,
            [b'#', b'!', b'A', b'M', b'R', ..] | [b'c', b'a', b'f', b'f', ..] => OtherKind::Sound,
            // OpenEXR, Radiance, JPEG XR.
            [0x76, 0x2f, 0x31, 1, ..] | [b'#', b'?', b'R', b'A', b'D', b'I', b'A', b'N', b'C', b'E', ..] | [b'I', b'I', 0xbc, 1, ..] => {
                OtherKind::Picture
            }
            _ => return None,
        })
    }

    /// Whether the daemon remembers a file of this name, as a photo or as one of these.
    pub fn is_remembered(path: &Path) -> bool {
        Format::from_name(path).is_some() || OtherKind::from_name(path).is_some()
    }
}

/// The ending of a text. Many programs write captions into such files, and most others have nothing to do with photos.
const TEXT: &str = "txt";

/// Whether a file is a text by its name. It is the sidecar of the files of its name, and of itself it is nothing.
pub fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(TEXT))
}

/// Whether this is a JSON file of Google Takeout.
fn is_takeout(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| TakeoutName::of(stem.as_bytes()).is_some())
}

/// Whether a camera or a program wrote this XML beside a film.
fn is_of_film(path: &Path) -> bool {
    path.file_stem().map(OsStr::as_bytes).is_some_and(|stem| is_film(stem) || film_of_sony(stem).is_some())
}

fn is_film(name: &[u8]) -> bool {
    OtherKind::from_name(Path::new(OsStr::from_bytes(name))) == Some(OtherKind::Film)
}

/// The name of the film of which a camera by Sony wrote an XML with this name, both without endings: `C0001` of `C0001M01`.
pub(super) fn film_of_sony(stem: &[u8]) -> Option<&[u8]> {
    let (film, number) = stem.split_at_checked(stem.len().checked_sub(3)?)?;
    let is_number = matches!(number, [b'M' | b'm', digits @ ..] if digits.iter().all(u8::is_ascii_digit));
    (is_number && !film.is_empty()).then_some(film)
}

/// Whether a file is made of packets of 188 bytes, as MPEG-TS is. On cameras a time of 4 bytes stands before each.
fn is_transport_stream(start: &[u8]) -> bool {
    let has = |at: &usize| start.get(*at) == Some(&0x47);
    [0, 188, 376].iter().all(has) || [4, 4 + 192, 4 + 2 * 192].iter().all(has)
}

/// Whether an ending is that of the film which Google Takeout writes beside a motion photo: `PXL_1.MP` and `PXL_1.MP~2`. The name of the
/// photo begins with all of it.
pub fn is_motion_film(ending: &[u8]) -> bool {
    let Some(number) = after(b"MP", ending) else { return false };
    number.is_empty() || number.strip_prefix(b"~").is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// Whether Capture One keeps in this file what it says of a photo: masks and layers have endings of their own.
fn is_of_capture_one(path: &Path) -> bool {
    let begins_as_photo = |name: &OsStr| media_before_dot(name.as_bytes()).is_some();
    Format::from_name(path).is_none() && path.parent().is_some_and(is_settings) && path.file_name().is_some_and(begins_as_photo)
}

/// Returns the name of a photo or a film with which a name begins, before a dot: `IMG_1.CR3` of `IMG_1.CR3.123.comask`.
pub(super) fn media_before_dot(name: &[u8]) -> Option<&[u8]> {
    let dots = (0..name.len()).rev().filter(|at| name[*at] == b'.');
    dots.map(|dot| &name[..dot]).find(|before| is_media(before))
}

/// Whether a file is a photo, a film, sound or a picture by its name.
pub(super) fn is_media(name: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(name));
    Format::from_name(path).is_some() || OtherKind::from_name(path).is_some_and(|kind| kind != OtherKind::Sidecar)
}

/// A file that is remembered without having been decoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OtherFile {
    pub place: Place,
    pub kind: OtherKind,
    /// As the file was when a scan or a file event found it.
    pub stamp: Stamp,
    /// The hash of its bytes with this stamp. `None` until somebody needs it.
    pub content: Option<ContentHash>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_films_sound_pictures_and_sidecars() {
        for (kind, names) in [
            (Some(OtherKind::Film), &["MVI_0001.MOV", "a.mp4", "00001.MTS", "GX010001.LRV", "PXL_1.MP", "PXL_1.MP~2"][..]),
            (Some(OtherKind::Sound), &["IMG_0001.WAV", "a.m4a"]),
            (Some(OtherKind::Picture), &["a.exr", "a.EIP"]),
            (
                Some(OtherKind::Sidecar),
                &[
                    "a.xmp",
                    "a.jpg.xmp",
                    "A.CR2.PP3",
                    "IMG_1.AAE",
                    "MVI_0001.THM",
                    "a.nef.cos",
                    "a.jpg.json",
                    "a.jpg.supplemental-metadata.json",
                    "a.jpg.supplemental-meta.json",
                    "a.mp4.s.json",
                    "a.jpg.supplemental-metadata(12).json",
                    "a.jpg(2).json",
                    "a-name-that-is-too-long-for-its-json-in-all-.j.json",
                    "CaptureOne/Settings153/a.nef.1.comask",
                    "b/captureone/settings/a.nef.layers",
                    "MVI_1.MOV.xml",
                    "C0001M01.XML",
                    "c0001m01.xml",
                    "SILKYPIX_DS/a.RW2.9.spd",
                    "a.txt",
                    "a.jpg.TXT",
                ],
            ),
            (
                None,
                &[
                    "a.jpg",
                    "a.NEF",
                    "a.jp2",
                    "metadata.json",
                    "a.txt.json",
                    "a.xmp.json",
                    "a.jpg.metadata.json",
                    "a",
                    "xmp",
                    "a.MP~",
                    "a.mp~x",
                    "a.mpx",
                    "a.nef.comask",
                    "a.xml",
                    "a.jpg.xml",
                    "M01.XML",
                    "C0001M1.XML",
                    "a.text",
                ],
            ),
        ] {
            for name in names {
                assert_eq!(OtherKind::from_name(Path::new(name)), kind, "{name}");
            }
        }
    }

    #[test]
    fn first_bytes_tell_films_sound_and_pictures() {
        let packets = |length: usize, at: usize| {
            let mut start = vec![0; OtherKind::START_BYTES];
            (at..start.len()).step_by(length).for_each(|at| start[at] = 0x47);
            start
        };
        let (stream, of_camera) = (packets(188, 0), packets(192, 4));
        for (kind, starts) in [
            (
                Some(OtherKind::Film),
                &[
                    &b"\0\0\0\x18ftypmp42\0\0\0\0"[..],
                    b"\0\0\0\x14ftypqt  ",
                    b"\0\0\0\x08wide\0\0\0\0mdat",
                    b"\0\x01\0\0moov",
                    b"RIFF\0\0\0\0AVI LIST",
                    b"\x1a\x45\xdf\xa3\x01",
                    b"\0\0\x01\xba\x44",
                    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6",
                    b"FLV\x01",
                    &stream,
                    &of_camera,
                ][..],
            ),
            (Some(OtherKind::Sound), &[b"RIFF\0\0\0\0WAVEfmt ", b"\0\0\0\x1cftypM4A ", b"ID3\x03", b"fLaC", b"FORM\0\0\0\0AIFF", b"OggS"]),
            (Some(OtherKind::Picture), &[b"\x76\x2f\x31\x01\x02", b"#?RADIANCE\n"]),
            (None, &[b"\0\0\0\x18ftypheic", b"\xff\xd8\xff\xe0", b"", b"GGGGGG", b"RIFF", b"the moov", b"%PDF-1.7", b"PK\x03\x04"]),
        ] {
            for start in starts {
                assert_eq!(OtherKind::from_bytes(start), kind, "{start:?}");
            }
        }
        assert_eq!(OtherKind::from_bytes(&stream[..300]), None, "of too few packets");
    }

    #[test]
    fn no_name_is_both_a_photo_and_another_file() {
        for format in ["jpg", "mpo", "insp", "raw", "dng", "heic", "jp2", "jpx", "gif", "psb", "mos", "ori"] {
            let name = format!("a.{format}");
            assert!(Format::from_name(Path::new(&name)).is_some() && OtherKind::from_name(Path::new(&name)).is_none(), "{name}");
        }
    }
}
