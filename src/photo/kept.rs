//! The kept picture of a photo.

use super::Format;

/// A small JPEG, upright. Features, crop descriptors and keypoints are made from it, also when the photo is new. So they
/// can be made again without the file, and are the same then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptPicture {
    pub jpeg: Vec<u8>,
    /// The version of the decoder of its format that made it, and of the conversion of its colours.
    pub decoding: i64,
}

impl KeptPicture {
    /// What is added to the version of a decoder if it converted colours to sRGB. Raise it by a thousand when
    /// `vision/colour` changes what it does: the photos that have other colours are then read again, in the background.
    pub const CONVERTED: i64 = 1000;

    /// Returns the version that a kept picture of this format has now.
    pub fn decoding(format: Format, is_converted: bool) -> i64 {
        format.decoding() + if is_converted { Self::CONVERTED } else { 0 }
    }

    /// Whether the colours of the file were converted.
    pub fn is_converted(&self) -> bool {
        self.decoding > Self::CONVERTED
    }
}
