//! Camera RAW files by the JPEG previews that the cameras put into them.
//!
//! Owns where each family keeps its previews, its size, its orientation and its EXIF. Decodes neither sensor data nor
//! JPEG, except for the sensor data of DNG files that have no preview. A preview is found by the tags, boxes and records of its format, never by a search for bytes that look like one, so the
//! lossless JPEG stream that many cameras store the sensor data in is not mistaken for a picture.
//!
//! All functions are pure and take the whole file. They never panic, end on any input after a bounded number of steps, and
//! allocate less than a megabyte, except [`Exif::standard`], which may copy the file, and [`develop`], which needs two bytes for
//! each pixel of the sensor and more.
//!
//! | family | where the previews are | checked on |
//! |---|---|---|
//! | CR3 | `PRVW` in a box of its own; the first sample of a track, at the start of `mdat` | real previews; tracks by specification |
//! | CRW | record 0x2007 | real previews |
//! | DNG | the strip of a reduced picture in IFD0 or a sub-directory | real previews |
//! | PEF | `JPEGInterchangeFormat` of a later directory; the makernote | a real preview in a makernote |
//! | CR2 | the strip of IFD0 | real files without previews |
//! | NEF | `JPEGInterchangeFormat` in a sub-directory; the preview directory of the makernote | real files without previews |
//! | ARW | `JPEGInterchangeFormat` in IFD0 and in IFD2; the makernote | real files without previews |
//! | RAF | a JPEG at an offset of the header | a real file with a dummy |
//! | RW2 | the tags `JpgFromRaw` (0x002e) and `JpgFromRaw2` (0x0127) | a real file with a dummy |
//! | X3F | sections `IMAG` and `IMA2` of type 2, format 18 | a real file with a dummy |
//! | MRW | the makernote | a real file without a preview |
//! | ORF | the camera settings of the makernote | by specification, no real file seen |
//! | SRW | `JPEGInterchangeFormat` in a sub-directory; the makernote | by specification, no real file seen |
//! | other | any of the places of TIFF | by specification; a real IIQ without a preview |

mod bytes;
mod camera;
mod cr3;
mod crw;
mod develop;
mod jpeg;
mod lossless;
mod makernotes;
mod mrw;
mod preview;
mod raf;
mod sensor;
mod tiff;
mod tiff_raw;
mod x3f;

#[cfg(test)]
pub mod tests;

use std::borrow::Cow;
use std::fmt;

pub use camera::Camera;
pub use develop::{Developed, develop};
pub use preview::{MIN_SHORT_SIDE, Preview};
pub use sensor::Sensor;

use preview::Previews;

/// A kind of RAW file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Family {
    /// Canon, from 2004.
    Cr2,
    /// Canon, from 2018.
    Cr3,
    /// Canon, until 2004.
    Crw,
    /// Nikon, NEF and NRW.
    Nef,
    /// Sony, with SR2.
    Arw,
    /// Adobe's Digital Negative, with GoPro's GPR.
    Dng,
    /// Fujifilm.
    Raf,
    /// Olympus and OM System.
    Orf,
    /// Panasonic, with Leica's RWL.
    Rw2,
    /// Pentax.
    Pef,
    /// Samsung.
    Srw,
    /// Sigma.
    X3f,
    /// Minolta.
    Mrw,
    /// Another one that is made of TIFF: 3FR, FFF, IIQ, ERF, MEF, DCR, KDC, and the TIFF files of Canon's EOS-1D.
    Other,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Cr2 => "CR2",
            Family::Cr3 => "CR3",
            Family::Crw => "CRW",
            Family::Nef => "NEF",
            Family::Arw => "ARW",
            Family::Dng => "DNG",
            Family::Raf => "RAF",
            Family::Orf => "ORF",
            Family::Rw2 => "RW2",
            Family::Pef => "PEF",
            Family::Srw => "SRW",
            Family::X3f => "X3F",
            Family::Mrw => "MRW",
            Family::Other => "RAW",
        })
    }
}

/// Which tags the first directory of a TIFF structure holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tags {
    /// Those of IFD0, which points to the Exif and GPS directories.
    Image,
    /// Those of an Exif directory.
    Exif,
    /// Those of a GPS directory.
    Gps,
}

/// A TIFF structure with metadata.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exif<'a> {
    /// From its `II` or `MM` on. The whole file, if the family is made of TIFF.
    pub tiff: &'a [u8],
    /// What its first directory holds.
    pub tags: Tags,
}

impl<'a> Exif<'a> {
    /// Returns the bytes with TIFF's version number 42, which EXIF readers insist on. ORF and RW2 have other numbers: their bytes
    /// are copied, as many as the file has. Those of the others are borrowed.
    pub fn standard(&self) -> Cow<'a, [u8]> {
        let version: &[u8] = if self.tiff.starts_with(b"II") { &[42, 0] } else { &[0, 42] };
        match self.tiff.get(2..4) {
            Some(written) if written != version => {
                let mut bytes = self.tiff.to_vec();
                bytes[2..4].copy_from_slice(version);
                Cow::Owned(bytes)
            }
            _ => Cow::Borrowed(self.tiff),
        }
    }
}

/// What is known of a RAW file.
#[derive(Clone, PartialEq, Debug)]
pub struct Raw<'a> {
    /// Its kind.
    pub family: Family,
    /// Width and height in pixels of the developed picture, before the orientation is applied. Without the borders that the
    /// sensor has around it, if the file says how wide they are.
    pub dimensions: Option<(u32, u32)>,
    /// The EXIF orientation, 1 to 8. It applies to the preview too.
    pub orientation: Option<u8>,
    /// `None` if the file has no JPEG with a short side of [`MIN_SHORT_SIDE`], or ends before it does.
    pub preview: Option<Preview<'a>>,
    /// The sensor data of a DNG without a preview, or why it cannot be developed. `None` of others.
    pub sensor: Option<Result<Sensor<'a>, String>>,
    /// The structures with EXIF, the most important one first.
    pub exif: Vec<Exif<'a>>,
    /// What CRW and X3F say of the camera outside EXIF, which they may not have.
    pub camera: Option<Camera>,
}

impl<'a> Raw<'a> {
    fn new(family: Family, dimensions: Option<(u32, u32)>, orientation: Option<u8>, previews: &Previews<'a>) -> Raw<'a> {
        let dimensions = dimensions.map(|size| previews.without_borders(size));
        let preview = previews.choose(dimensions);
        Raw { family, dimensions, orientation, preview, sensor: None, exif: Vec::new(), camera: None }
    }
}

/// Returns the family of a RAW file by its content. `None` if it is none, or is cut off before that is known.
///
/// A TIFF is a RAW file if its first directory holds sensor data, or a reduced picture with the full one in a sub-directory. One
/// with a full picture is no RAW file, whatever else it carries: a camera's name, a thumbnail in a sub-directory, `DNGVersion`.
pub fn family(bytes: &[u8]) -> Option<Family> {
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', b'c', b'r', b'x', b' ', ..] => Some(Family::Cr3),
        [b'F', b'U', b'J', b'I', b'F', b'I', b'L', b'M', b'C', b'C', b'D', b'-', b'R', b'A', b'W', ..] => Some(Family::Raf),
        [b'F', b'O', b'V', b'b', ..] => Some(Family::X3f),
        [0, b'M', b'R', b'M', ..] => Some(Family::Mrw),
        [b'I' | b'M', b'I' | b'M', _, _, _, _, b'H', b'E', b'A', b'P', b'C', b'C', b'D', b'R', ..] => Some(Family::Crw),
        _ => tiff_raw::family(bytes),
    }
}

/// Reads what is known of a RAW file. A file that is cut off may be read in part.
///
/// # Errors
/// A reason in one line, if this is no RAW file or its index is missing.
pub fn read(bytes: &[u8]) -> Result<Raw<'_>, String> {
    let family = family(bytes).ok_or("not a RAW file")?;
    let raw = match family {
        Family::Cr3 => cr3::read(bytes),
        Family::Raf => raf::read(bytes),
        Family::X3f => x3f::read(bytes),
        Family::Mrw => mrw::read(bytes),
        Family::Crw => crw::read(bytes),
        _ => tiff_raw::read(bytes, family),
    };
    raw.ok_or_else(|| format!("the {family} file is damaged or cut off: its index cannot be read"))
}
