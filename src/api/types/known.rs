//! Whether files that a client holds are known, and where.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PathText;

/// A file that a client asks about: a line of the body of `/v1/known`. Hashes are in hexadecimal.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownQuestion {
    /// The client's number of the file.
    pub n: u64,
    /// In bytes.
    pub size: u64,
    /// The BLAKE3 hash of all bytes. With it, files of this size that are known by their stamp only are hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The picture hash, if it is a photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The name without its folder, and when the file was written in nanoseconds since 1970: for `alike`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtime_ns: Option<i64>,
}

/// What is known of a file that a client asked about.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct KnownAnswer {
    pub n: u64,
    /// Files with the same bytes.
    pub content: Vec<KnownCopy>,
    /// Files with the same picture data and other bytes: their metadata were written since.
    pub picture: Vec<KnownCopy>,
    /// Files of the same size, name and time, if both were given. Their bytes were not compared.
    pub alike: Vec<KnownCopy>,
    /// Files of the same size of which only the stamp is known, because they cannot be read now.
    pub perhaps: Vec<KnownCopy>,
    /// The number of files of the same size that are known by their stamp, and are hashed when they are asked about.
    pub same_size: u64,
    /// The bytes of files that were read for this answer.
    pub read: u64,
    /// When this photo was removed on purpose. Always null: nothing is remembered of that yet.
    pub removed: Option<i64>,
}

/// A known file, as it was when it was read. Compare it with the disk before you rely on it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KnownCopy {
    #[serde(flatten)]
    pub path: PathText,
    /// The filesystem of its folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// The watched folder that it is in.
    pub root: PathText,
    /// Whether its disk is not there, or the file is not.
    pub offline: bool,
    /// When its folder was scanned last, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    pub size: u64,
    pub mtime_ns: i64,
    /// Null if the filesystem keeps no inode numbers: then it may change without a change of the file.
    pub ctime_ns: Option<i64>,
    /// The hash of its bytes, in hexadecimal. Null in `alike` and `perhaps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}
