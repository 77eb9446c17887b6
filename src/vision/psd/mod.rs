//! Photoshop files, PSD and PSB: the merged picture, the header and the image resources.
//!
//! Photoshop stores a picture of all layers together at the end of the file, if it is set to maximise compatibility. This
//! module reads that picture and no layers. It follows Adobe's "Photoshop File Formats Specification". Merged pictures with ZIP
//! compression are read by the specification alone: no real one was seen.

mod channels;
mod convert;
mod header;
mod packbits;
mod reasons;
mod sections;
mod shrunk;
#[cfg(test)]
mod tests;

use blake3::Hasher;

use convert::Meaning;
use sections::Sections;
use shrunk::Shrunk;

pub use header::{Header, Mode, header, is_psd};
pub use sections::resources;
pub use shrunk::Rgb;

const NOT_MERGED: &str = "saved without Maximize Compatibility, so it has layers but no merged picture: in Photoshop, set \
     Preferences, File Handling, Maximize PSD and PSB File Compatibility to Always, and save it again";
const MULTICHANNEL: &str = "a Multichannel picture has separate inks without colours: in Photoshop, convert it to RGB and save it again";

/// Decodes the merged picture at `1 / shrink` of its size. Each pixel is the mean of a box of `shrink` × `shrink` pixels, so
/// the sides are those of the header divided by `shrink` and rounded up. 0 counts as 1.
///
/// Saved selections are left out, transparent pixels are on white, and colour profiles are not applied: inks come as they are, too.
///
/// It needs memory for the result and for a few rows. Its time grows with the pixels that the [`header`] names, and a small
/// file can name many: a caller with a limit compares the header first. A file whose bytes are too few for its pixels is
/// refused before anything is decoded.
///
/// # Errors
/// If the file is damaged or cut short, has no real merged picture, or is of a kind that is not read. The text is for people.
pub fn merged(bytes: &[u8], shrink: u32) -> Result<Rgb, String> {
    let header = header(bytes)?;
    let colours = header.mode.colour_channels().ok_or(MULTICHANNEL)?;
    if header.channels < colours {
        return Err(format!("the header names {} channels, and {} has {colours}", header.channels, header.mode.name()));
    }
    let sections = sections::sections(bytes, header.is_large)?;
    if !sections::is_merged_real(bytes) {
        return Err(NOT_MERGED.into());
    }
    if header.mode == Mode::Indexed && sections.palette.len() < 768 {
        return Err("the palette is cut short".into());
    }
    let has_opacity = sections.is_transparent && header.channels > colours && !matches!(header.mode, Mode::Bitmap | Mode::Indexed);
    let picture = Merged { header, sections, colours, has_opacity };
    // Photoshop, GIMP and Affinity store colours that are blended with white. Others are blended here.
    let (rgb, is_on_white) = picture.decode(shrink, Blend::Stored)?;
    if is_on_white {
        return Ok(rgb);
    }
    drop(rgb);
    Ok(picture.decode(shrink, Blend::Here)?.0)
}

/// Returns what a file holds besides its merged picture: layers, and the picture data if there are saved selections in them.
pub fn beside_merged(bytes: &[u8]) -> Vec<&[u8]> {
    let found = header(bytes).and_then(|header| Ok((header, sections::sections(bytes, header.is_large)?)));
    let Ok((header, Sections { layers, picture, is_transparent, .. })) = found else { return Vec::new() };
    let of_picture = header.mode.colour_channels().unwrap_or(header.channels) + u16::from(is_transparent);
    let selections = if header.channels > of_picture { picture } else { &[] };
    [layers, selections].into_iter().filter(|part| !part.is_empty()).collect()
}

/// A merged picture that can be decoded.
struct Merged<'a> {
    header: Header,
    sections: Sections<'a>,
    /// The number of colour channels.
    colours: u16,
    /// Whether the channel after the colours is the opacity of the picture.
    has_opacity: bool,
}

/// Where transparent colours are blended with white.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blend {
    /// In the file.
    Stored,
    /// By this reader.
    Here,
}

impl Merged<'_> {
    /// Decodes all rows. Also returns whether the colours, as they are then, can be on white.
    fn decode(&self, shrink: u32, blend: Blend) -> Result<(Rgb, bool), String> {
        let Header { width, height, depth, mode, .. } = self.header;
        let mut channels = channels::channels(self.sections.picture, &self.header, self.colours + u16::from(self.has_opacity))?;
        let mut shrunk = Shrunk::new(width, height, shrink.max(1), 3)?;
        let mut inks = if mode == Mode::Cmyk { Some(Shrunk::new(width, height, shrink.max(1), 4)?) } else { None };
        let mut stored = vec![0; self.header.row_bytes()];
        let mut values = vec![vec![0; width as usize]; channels.len()];
        let mut rgb = vec![0; 3 * width as usize];
        let mut is_on_white = true;
        let mut hasher = Hasher::new();
        hasher.update(&width.to_le_bytes()).update(&height.to_le_bytes());
        for _ in 0..height {
            for (at, (channel, values)) in channels.iter_mut().zip(&mut values).enumerate() {
                channel.next_row(&mut stored)?;
                convert::to_eight_bits(&stored, depth, self.meaning(at), values);
            }
            let (colours, opacity) = values.split_at_mut(self.colours.into());
            if let [opacity] = opacity {
                match blend {
                    Blend::Stored => is_on_white &= convert::is_on_white(mode, colours, opacity),
                    Blend::Here => convert::put_on_white(mode, colours, opacity),
                }
            }
            convert::to_rgb(mode, self.sections.palette, colours, &mut rgb);
            hasher.update(&rgb);
            shrunk.add(&rgb);
            if let Some(inks) = &mut inks {
                inks.add(&convert::to_inks(colours));
            }
        }
        Ok((shrunk.finish(width, hasher.finalize(), inks), is_on_white))
    }

    fn meaning(&self, channel: usize) -> Meaning {
        match channel {
            _ if channel >= usize::from(self.colours) => Meaning::Opacity,
            1 | 2 if self.header.mode == Mode::Lab => Meaning::Chroma,
            _ => Meaning::Light,
        }
    }
}
