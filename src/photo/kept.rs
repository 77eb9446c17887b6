//! The kept picture of a photo.

/// A small JPEG, upright. Features, crop descriptors and keypoints are made from it, also when the photo is new. So they
/// can be made again without the file, and are the same then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptPicture {
    pub jpeg: Vec<u8>,
    /// The version of the decoder of its format that made it.
    pub decoding: i64,
}
