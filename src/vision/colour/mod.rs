//! Colours: from those that a file names to sRGB, in which pictures are compared.
//!
//! A file names its colours by an ICC profile, by numbers of ITU-T H.273, or by EXIF. What is near sRGB is left as it is, whatever
//! its name. A profile that is damaged or absurd counts as none, so no photo fails for it.

mod conversion;
mod curve;
mod head;
mod profile;
mod source;
#[cfg(test)]
pub mod tests;

use conversion::Conversion;

pub use head::needs_conversion;

use crate::photo::{Format, Picture};

/// What becomes of the colours of one picture while it is decoded.
#[derive(Default)]
pub struct Colours {
    /// What is still to be done.
    conversion: Option<Conversion>,
    /// Whether something was done.
    is_converted: bool,
}

impl Colours {
    /// Finds out how the colours of a file are converted.
    pub fn of(bytes: &[u8], format: Format) -> Colours {
        Colours { conversion: source::of(bytes, format).and_then(|source| Conversion::new(&source)), is_converted: false }
    }

    /// Whether fine values are to get another curve, with [`of_fine`](Colours::of_fine).
    pub fn has_curves(&self) -> bool {
        matches!(&self.conversion, Some(Conversion::Mixed(_)))
    }

    /// Whether the file has a profile of inks.
    pub fn has_inks(&self) -> bool {
        matches!(&self.conversion, Some(Conversion::Inks(_)))
    }

    /// Converts inks, four bytes a pixel: 0 is no ink. `None` if the file has no profile of inks.
    pub fn of_inks(&mut self, inks: &[u8]) -> Option<Vec<u8>> {
        let rgb = self.conversion.as_ref()?.of_inks(inks)?;
        (self.conversion, self.is_converted) = (None, true);
        Some(rgb)
    }

    /// Makes eight bits of sixteen, with the curve of sRGB: eight bits of linear light would be too coarse. What remains is done in
    /// [`finish`](Colours::finish). `None` if plain rounding does.
    pub fn of_fine(&mut self, fine: &[u16]) -> Option<Vec<u8>> {
        let rgb = self.conversion.as_ref()?.to_eight_bits(fine)?;
        self.toned();
        self.is_converted = true;
        Some(rgb)
    }

    /// Records that the decoder gave the picture the curve of sRGB.
    pub fn toned(&mut self) {
        self.conversion = self.conversion.take().and_then(Conversion::without_curves);
    }

    /// Converts a small picture, and says whether its colours were converted here or before.
    pub fn finish(self, mut picture: Picture) -> (Picture, bool) {
        let is_now = self.conversion.is_some_and(|conversion| conversion.apply(&mut picture.rgb));
        (picture, is_now || self.is_converted)
    }
}
