//! Shots: the files of one exposure in one folder, as a camera or a phone and its programs write them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;
use super::{OtherKind, Place, Stamp};

/// A photo with the other files of its exposure: its RAW file or its picture of the camera, its sidecars, its film.
#[derive(Clone, PartialEq, Debug)]
pub struct Shot {
    /// Photos first: RAW before the others.
    pub files: Vec<ShotFile>,
}

impl Shot {
    pub fn holds(&self, place: &Place) -> bool {
        self.files.iter().any(|file| file.place == *place)
    }

    /// Returns the number of its photos.
    pub fn count_photos(&self) -> usize {
        self.files.iter().filter(|file| file.kind == ShotFileKind::Photo).count()
    }
}

/// A file of a shot.
#[derive(Clone, PartialEq, Debug)]
pub struct ShotFile {
    pub place: Place,
    pub kind: ShotFileKind,
    /// As it was when it was seen, or read.
    pub stamp: Stamp,
    /// Whether it stays when the shot goes: it is also of other files of its name, or it is a film and may be none of this shot.
    pub is_shared: bool,
}

/// What a file of a shot is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShotFileKind {
    /// A file that is read as a photo, or would be if it could.
    Photo,
    Film,
    Sound,
    /// A picture in a format that is not known.
    Picture,
    /// What a program or a camera says of the photo, in a file of its own.
    Sidecar,
}

names!(ShotFileKind, "kind of file in a shot" {
    Photo: "photo",
    Film: "film",
    Sound: "sound",
    Picture: "picture",
    Sidecar: "sidecar",
});

impl From<OtherKind> for ShotFileKind {
    fn from(kind: OtherKind) -> ShotFileKind {
        match kind {
            OtherKind::Film => ShotFileKind::Film,
            OtherKind::Sound => ShotFileKind::Sound,
            OtherKind::Picture => ShotFileKind::Picture,
            OtherKind::Sidecar => ShotFileKind::Sidecar,
        }
    }
}

/// Why files that look like one shot by their names are several.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unpaired {
    /// The RAW file and the picture of the camera are in two folders.
    OtherFolder,
    /// There are more of one name than one RAW file and one picture.
    Several,
    /// The camera wrote times that are more than a second apart.
    Time,
    /// One of them does not say when it was taken.
    NoTime,
    /// A person decided that they are different.
    Decision,
}

names!(Unpaired, "reason why files are not one shot" {
    OtherFolder: "other-folder",
    Several: "several",
    Time: "time",
    NoTime: "no-time",
    Decision: "decision",
});

impl Unpaired {
    /// Says it of a file, in a few words. `other`: the file with which it is not in one shot.
    pub fn words(self, other: &str) -> String {
        match self {
            Unpaired::OtherFolder => "two shots: RAW file and picture are in two folders".to_owned(),
            Unpaired::Several => "no shot: its folder has several files of its name".to_owned(),
            Unpaired::Time => format!("no shot with {other}: taken at another time"),
            Unpaired::NoTime => format!("no shot with {other}: one of the two does not say when it was taken"),
            Unpaired::Decision => format!("no shot with {other}: you decided that they are different"),
        }
    }
}
