//! The previews of a file, and which of them is used.

use super::jpeg;

/// The least short side of a preview, in pixels. Thumbnails of 160 × 120 are far below it: they have black bars, unless the
/// picture is 4:3.
pub const MIN_SHORT_SIDE: u32 = 432;

/// The most previews of a file. Cameras store up to four.
const MAX_PREVIEWS: usize = 16;

/// A JPEG inside the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Preview<'a> {
    /// The whole stream, as long as the file says. Bytes may follow its end.
    pub jpeg: &'a [u8],
    /// In pixels, by its own frame header.
    pub width: u32,
    /// In pixels, by its own frame header.
    pub height: u32,
}

impl Preview<'_> {
    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Returns whether its aspect ratio differs from that of a size by 3 % at most. Borders of the sensor change the ratio by up to
    /// 1.6 % (Pentax Q S1), and bars that make 4:3 of 3:2 by 11 %.
    fn has_aspect(&self, (width, height): (u32, u32)) -> bool {
        let (a, b) = (u64::from(self.width) * u64::from(height), u64::from(self.height) * u64::from(width));
        a.abs_diff(b) * 100 <= a.max(b) * 3
    }

    /// Returns whether a size is this one with borders of up to 3 %. The widest one known is 2.8 % (Samsung NX20).
    fn is_within(&self, (width, height): (u32, u32)) -> bool {
        let fits = |inner: u32, outer: u32| inner <= outer && u64::from(inner) * 100 >= u64::from(outer) * 97;
        fits(self.width, width) && fits(self.height, height)
    }
}

/// The previews that are large enough.
#[derive(Default)]
pub struct Previews<'a>(Vec<Preview<'a>>);

impl<'a> Previews<'a> {
    /// Adds a stream, if it is there and a JPEG that is large enough.
    pub fn offer(&mut self, stream: Option<&'a [u8]>) {
        let Some((jpeg, header)) = stream.and_then(|stream| Some((stream, jpeg::header(stream)?))) else { return };
        if header.width.min(header.height) >= MIN_SHORT_SIDE && self.0.len() < MAX_PREVIEWS {
            self.0.push(Preview { jpeg, width: header.width, height: header.height });
        }
    }

    /// Returns the smallest one that has the aspect ratio of the picture: others have bars, or show a part. If none has, or the size
    /// of the picture is not known, the smallest of all.
    pub fn choose(&self, dimensions: Option<(u32, u32)>) -> Option<Preview<'a>> {
        let key = |preview: &&Preview<'a>| {
            let is_other = dimensions.is_some_and(|size| !preview.has_aspect(size));
            (is_other, preview.pixels(), preview.jpeg.len())
        };
        self.0.iter().min_by_key(key).copied()
    }

    /// Returns the size of the largest preview, if it is the given size with small borders. Cameras develop the sensor's pixels
    /// without its borders, and not every family says how wide these are.
    pub fn without_borders(&self, size: (u32, u32)) -> (u32, u32) {
        let whole = self.0.iter().filter(|preview| preview.is_within(size)).max_by_key(|preview| preview.pixels());
        whole.map_or(size, |preview| (preview.width, preview.height))
    }
}
