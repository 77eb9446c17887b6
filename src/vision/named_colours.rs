//! What a file says of its colours.

/// The largest ICC profile. Those of printing presses have up to three megabytes.
pub const MAX_PROFILE_BYTES: usize = 8 << 20;

/// The name of colours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NamedColours {
    /// An ICC profile.
    Profile(Vec<u8>),
    /// Numbers of ITU-T H.273.
    Coded { primaries: u16, transfer: u16 },
    /// Adobe RGB, by EXIF.
    AdobeRgb,
    /// The primaries of sRGB, in proportion to the light.
    Linear,
}
