//! HEIC and AVIF: the primary picture of a HEIF file that is coded with HEVC or AV1, and its thumbnail.
//!
//! The boxes and HEVC are read by heifer, and AV1 by re_rav1d. This module owns which item is decoded, and how grids, opacity, colours, crops and
//! turns make a picture of it. Tiles are shrunk as they come, so the largest grids need little memory.

mod av1;
mod canvas;
mod colour;
mod container;
mod picture;
mod problem;
#[cfg(test)]
mod tests;

use super::named_colours::NamedColours;
use container::Container;

pub use canvas::Rgb;
pub use container::{Metadata, is_avif, metadata};
pub use picture::Bounds;
pub use problem::Problem;

/// Returns width and height of the upright picture.
///
/// # Errors
/// If the file is damaged, or its picture is coded in another way.
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), Problem> {
    let container = Container::of(bytes)?;
    Ok(container.upright(container.primary())?.size)
}

/// Returns what the file says of the colours of its picture.
pub fn colours(bytes: &[u8]) -> Option<NamedColours> {
    let container = Container::of(bytes).ok()?;
    container.colours(container.primary())
}

/// Returns the hash of the coded picture: of what the decoder gets, and of how its result is cropped, turned and made opaque.
/// Files that differ in their metadata alone have the same.
///
/// # Errors
/// If a part of the picture is missing.
pub fn coded_hash(bytes: &[u8]) -> Result<blake3::Hash, Problem> {
    let container = Container::of(bytes)?;
    let mut hasher = blake3::Hasher::new();
    container.hash(container.primary(), &mut hasher)?;
    Ok(hasher.finalize())
}

/// Decodes a small picture: of the thumbnail if it is large enough, of the same shape, and like some tiles of the picture, else of the
/// whole picture.
///
/// # Errors
/// If the picture cannot be decoded.
pub fn small(bytes: &[u8], bounds: Bounds) -> Result<Rgb, Problem> {
    let container = Container::of(bytes)?;
    match container.thumbnail(bounds.short_side).and_then(|thumbnail| picture::of_thumbnail(&container, thumbnail, bounds)) {
        Some(picture) => Ok(picture),
        None => picture::decode(&container, container.primary(), bounds),
    }
}

/// Decodes the whole picture, whatever thumbnail it has.
///
/// # Errors
/// If it cannot be decoded.
pub fn whole(bytes: &[u8], bounds: Bounds) -> Result<Rgb, Problem> {
    let container = Container::of(bytes)?;
    picture::decode(&container, container.primary(), bounds)
}
