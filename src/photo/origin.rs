//! Origin: what cameras and programs write to tell one picture from others.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Dimensions;

/// Where a picture comes from, by ids and numbers. What is not said is `None`, false or empty.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// The id that the camera gave the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The frame by the counter of the camera.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// The width and height that the camera wrote. A smaller or larger copy may still say those of its original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<[u32; 2]>,
    /// Whether it is in the inks of a printing press (CMYK), which no camera writes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_for_print: bool,
    /// Whether a scanner made it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_scanned: bool,
    /// The ids that programs gave the document and what it was derived from.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub documents: BTreeSet<String>,
}

impl Origin {
    /// Whether both say which document they are of, and an id is the same.
    pub fn is_of_one_document(&self, other: &Origin) -> bool {
        !self.documents.is_disjoint(&other.documents)
    }

    /// Whether both have ids of the camera, and other ones.
    pub fn is_other_image(&self, other: &Origin) -> bool {
        self.image.as_ref().zip(other.image.as_ref()).is_some_and(|(a, b)| a != b)
    }

    /// Whether both have one id or one number of a frame.
    pub fn is_of_one_frame(&self, other: &Origin) -> bool {
        self.image.is_some() && self.image == other.image || self.number.is_some() && self.number == other.number
    }

    /// Whether the camera wrote the size of another picture, which may be turned.
    pub fn says_size_of(&self, other: Dimensions) -> bool {
        self.size.is_some_and(|[width, height]| [(width, height), (height, width)].contains(&(other.width, other.height)))
    }

    /// Returns both numbers of frames, if they are other ones.
    pub fn other_numbers(&self, other: &Origin) -> Option<[u32; 2]> {
        self.number.zip(other.number).filter(|(a, b)| a != b).map(|(a, b)| [a, b])
    }
}
