//! Photos in answers: their files, and what the files say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PathText;
use crate::photo::{Description, Format, KeeperRule, MetadataKind, ShotFileKind, Unpaired};

/// A photo and its files.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Photo {
    #[serde(flatten)]
    pub path: PathText,
    /// All names of the files of this photo, in the order of `files`; the first is `path`.
    pub paths: Vec<String>,
    /// Base64 of each of `paths`. Present only if one is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths_bytes: Option<Vec<String>>,
    /// The positions in `paths`, from 0, of files that are offline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offline: Vec<usize>,
    /// The hexadecimal picture hash, which `/v1/pictures` takes.
    #[serde(default)]
    pub picture: String,
    /// Of one file.
    pub bytes: u64,
    pub width: u32,
    pub height: u32,
    pub format: Format,
    pub taken: Option<String>,
    /// The share of its width and height that it needs for all of its detail: what was enlarged needs less than all. Absent if it is not
    /// known: it is measured only of JPEGs that are not progressive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<f32>,
    /// Whether it is the source of the other photos of its cluster.
    pub source: bool,
    /// Why the first of `files` stays when the others go. Present only if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_by: Option<KeeperRule>,
    /// The keeper first.
    pub files: Vec<PhotoFile>,
}

/// A file of a photo, as it was when it was read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PhotoFile {
    #[serde(flatten)]
    pub path: PathText,
    /// Other names of the same inode: hard links, and the same folder seen at another path.
    pub also: Vec<PathText>,
    pub offline: bool,
    /// The BLAKE3 hash of its bytes.
    pub content: String,
    /// The filesystem, as a hexadecimal number of this index.
    pub volume: String,
    /// 0 if the filesystem has no stable inode numbers.
    pub inode: u64,
    pub size: u64,
    /// Nanoseconds since 1970.
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    /// What the file says. Null if it is not read yet: an older version indexed the file.
    pub metadata: Option<FileMetadata>,
    /// The metadata that would be lost with this file: the file that stays has it not, or with another value. That is the
    /// first file of the first photo of a cluster, or the file of the photo in the shot of that one, elsewhere of the photo. Null if
    /// it is not known.
    pub metadata_lost: Option<Vec<MetadataKind>>,
    /// The files of its shot, itself among them: of one exposure in one folder, RAW before the others. A file with several names has
    /// those of all names. Absent if it has no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shot: Vec<ShotFile>,
    /// Why it is not one shot with a file of its name. Absent if there is no such file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpaired: Option<Unpaired>,
}

/// A file of a shot, as it was when it was seen or read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShotFile {
    #[serde(flatten)]
    pub path: PathText,
    pub kind: ShotFileKind,
    pub offline: bool,
    /// Whether it stays when the shot goes: it is also of other files of its name, or it is a film and may be none of this shot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    pub size: u64,
    /// Nanoseconds since 1970.
    pub mtime_ns: i64,
    pub ctime_ns: i64,
}

impl PhotoFile {
    /// The length of the file without the zeros at its end, as far as they are known.
    pub fn told_bytes(&self) -> u64 {
        let padding = self.metadata.as_ref().map_or(0, |metadata| metadata.padding_bytes);
        self.size.saturating_sub(padding)
    }

    /// Whether another file is in its shot, by any of its names.
    pub fn is_with(&self, other: &PhotoFile) -> bool {
        let is_name = |of: &ShotFile| of.path == other.path || other.also.contains(&of.path);
        self.shot.iter().any(is_name)
    }
}

/// What a file says of its photo, from EXIF, XMP and IPTC, and its sidecars in XMP. Missing values are null or empty.
#[derive(Clone, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FileMetadata {
    /// The local time of capture.
    pub taken: Option<String>,
    #[serde(flatten)]
    pub description: Description,
    /// The program that wrote the file.
    pub software: Option<String>,
    /// The bytes after the picture, for example the film of a motion photo.
    pub trailer_bytes: u64,
    /// The zeros after the picture, if nothing else is there. They are no part of `trailer_bytes`.
    pub padding_bytes: u64,
}

/// How a picture lies in another one, and what is left between them then.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LaidOver {
    /// The pixels of the second picture in which one pixel of the first is shown, along a side.
    pub scale: f32,
    /// The clockwise turn, -180 to 180, after the first picture was mirrored if it is.
    pub degrees: f32,
    pub mirrored: bool,
    /// The shares of the first and of the second picture that show what the other shows too.
    pub overlap: [f32; 2],
    /// The correlation of their structure, -1 to 1. Brightness and contrast do not count.
    pub agreement: f32,
    /// The share of places with structure that do not agree.
    pub misfit: f32,
    /// The share of places without structure, which prove nothing.
    pub plain: f32,
    /// The same as `agreement` on a coarser grid, where compression and small shifts count less.
    pub coarse_agreement: f32,
    /// How many times more the place that differs most differs than the median one.
    pub spot: f32,
    /// Of the first and of the second picture, where both show the same.
    pub tones: [Tones; 2],
    /// The mean difference of their colours, 0 to 255. Brightness does not count.
    pub colour: Option<f32>,
}

/// The tones of a picture, 0 to 255.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tones {
    /// The mean brightness.
    pub brightness: f32,
    /// The standard deviation of the brightness.
    pub contrast: f32,
    /// The mean strength of the colours. Near 0 it is black and white.
    pub chroma: f32,
}
