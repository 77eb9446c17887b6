//! Files beside photos that are not decoded: films, sound, pictures of formats that are not read, and sidecars.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;
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
            | "acr" | "srt" => OtherKind::Sidecar,
            "json" if is_takeout(path) => OtherKind::Sidecar,
            _ => return None,
        })
    }

    /// Whether the daemon remembers a file of this name, as a photo or as one of these.
    pub fn is_remembered(path: &Path) -> bool {
        Format::from_name(path).is_some() || OtherKind::from_name(path).is_some()
    }
}

/// Whether this is a JSON file of Google Takeout.
fn is_takeout(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| TakeoutName::of(stem.as_bytes()).is_some())
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
            (Some(OtherKind::Film), &["MVI_0001.MOV", "a.mp4", "00001.MTS", "GX010001.LRV"][..]),
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
                ],
            ),
            (None, &["a.jpg", "a.NEF", "a.jp2", "metadata.json", "a.txt.json", "a.xmp.json", "a.jpg.metadata.json", "a", "xmp", "a.txt"]),
        ] {
            for name in names {
                assert_eq!(OtherKind::from_name(Path::new(name)), kind, "{name}");
            }
        }
    }

    #[test]
    fn no_name_is_both_a_photo_and_another_file() {
        for format in ["jpg", "mpo", "insp", "raw", "dng", "heic", "jp2", "jpx", "gif", "psb", "mos", "ori"] {
            let name = format!("a.{format}");
            assert!(Format::from_name(Path::new(&name)).is_some() && OtherKind::from_name(Path::new(&name)).is_none(), "{name}");
        }
    }
}
