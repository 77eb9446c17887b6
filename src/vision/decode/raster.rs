//! PNG, WebP, TIFF, GIF (its first frame) and BMP, by the image crate, except for the kinds of TIFF that it reads wrongly. Also blends
//! opacity of JPEG XL.

use std::borrow::Cow;
use std::io::Cursor;

use blake3::Hasher;
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageError, ImageFormat, ImageReader, Limits as ImageLimits, RgbaImage};

use super::tiff;
use crate::photo::{Dimensions, Format, Picture, PixelHash};
use crate::vision::colour::Colours;
use crate::vision::metadata::gif;
use crate::vision::resize::resized_gray;
use crate::vision::{Limits, jxl};

/// Where the header of a GIF has the width and height of its canvas.
const CANVAS: std::ops::Range<usize> = 6..10;

/// The format in the image crate, if it decodes this format.
fn image_format(format: Format) -> Option<ImageFormat> {
    match format {
        Format::Png => Some(ImageFormat::Png),
        Format::WebP => Some(ImageFormat::WebP),
        Format::Tiff => Some(ImageFormat::Tiff),
        Format::Gif => Some(ImageFormat::Gif),
        Format::Bmp => Some(ImageFormat::Bmp),
        _ => None,
    }
}

/// Returns width and height as stored.
pub fn dimensions(bytes: &[u8], format: Format) -> Result<Dimensions, String> {
    if format == Format::Tiff {
        return tiff::dimensions(bytes);
    }
    let (bytes, format) = readable(bytes, format)?;
    let (width, height) = ImageReader::with_format(Cursor::new(&*bytes), format).into_dimensions().map_err(|e| plain_reason(&e))?;
    Ok(Dimensions { width, height })
}

/// Returns the bytes as the image crate reads them rightly.
fn readable(bytes: &[u8], format: Format) -> Result<(Cow<'_, [u8]>, ImageFormat), String> {
    let known = image_format(format).ok_or_else(|| format!("{format} is not read by this version"))?;
    Ok((if format == Format::Gif { with_whole_frame(bytes) } else { bytes.into() }, known))
}

/// Enlarges the canvas of a GIF, if it does not hold all of the first frame, as viewers do.
fn with_whole_frame(bytes: &[u8]) -> Cow<'_, [u8]> {
    let (Some(&[w0, w1, h0, h1]), Some([left, top, width, height])) = (bytes.get(CANVAS), gif::first_frame(bytes)) else {
        return bytes.into();
    };
    let canvas = [u16::from_le_bytes([w0, w1]), u16::from_le_bytes([h0, h1])];
    let whole = [canvas[0].max(left.saturating_add(width)), canvas[1].max(top.saturating_add(height))];
    if whole == canvas {
        return bytes.into();
    }
    let mut bytes = bytes.to_vec();
    bytes[CANVAS].copy_from_slice(&whole.map(u16::to_le_bytes).concat());
    bytes.into()
}

/// Returns the upright picture and its pixel hash.
pub fn read(bytes: &[u8], format: Format, orientation: u8, colours: &mut Colours, limits: &Limits) -> Result<(Picture, PixelHash), String> {
    let ordered = if format == Format::Tiff { tiff::in_bit_order(bytes) } else { bytes.into() };
    let bytes = &*ordered;
    let other = if format == Format::Tiff { tiff::read(bytes, limits)? } else { None };
    let mut picture = other.map_or_else(|| by_image_crate(bytes, format, limits), Ok)?;
    if format == Format::Bmp && is_clear(&picture) {
        picture = picture.into_rgb8().into();
    }
    let turned = orientation;
    if let Some(orientation) = Orientation::from_exif(orientation) {
        picture.apply_orientation(orientation);
    }
    let finer = (picture.color().bytes_per_pixel() > picture.color().channel_count()).then(|| pixel_hash(&picture, picture.as_bytes()));
    let has_opacity = picture.color().has_alpha();
    let toned = if finer.is_some() && !has_opacity && colours.has_curves() { toned(&picture, colours) } else { None };
    let rgb = toned.unwrap_or_else(|| if has_opacity { on_white(&picture) } else { picture.into_rgb8() });
    let pixels = finer.unwrap_or_else(|| pixel_hash(&rgb, rgb.as_raw()));
    if format == Format::Tiff
        && let Some(mixed) = of_inks(bytes, colours, limits)
    {
        return Ok((mixed.upright(turned), pixels));
    }
    let (width, height) = rgb.dimensions();
    Ok((Picture::new(width, height, rgb.into_raw()), pixels))
}

fn by_image_crate(bytes: &[u8], format: Format, limits: &Limits) -> Result<DynamicImage, String> {
    let (bytes, format) = readable(bytes, format)?;
    let mut reader = ImageReader::with_format(Cursor::new(&*bytes), format);
    let mut allowed = ImageLimits::default();
    // Half of the child's memory: the picture and its copy as RGB must both fit.
    allowed.max_alloc = Some(limits.memory / 2);
    reader.limits(allowed);
    reader.decode().map_err(|e| plain_reason(&e))
}

/// Whether no pixel is opaque at all. Programs that know no transparency write zeros into a BMP.
fn is_clear(picture: &DynamicImage) -> bool {
    picture.as_rgba8().is_some_and(|rgba| rgba.pixels().all(|pixel| pixel.0[3] == 0))
}

/// Hashes pixels: 8-bit RGB, so that one picture in several formats has one hash, or finer ones as they are.
fn pixel_hash(picture: &impl GenericImageView, pixels: &[u8]) -> PixelHash {
    let (width, height) = picture.dimensions();
    let mut hasher = Hasher::new();
    hasher.update(&width.to_le_bytes()).update(&height.to_le_bytes()).update(pixels);
    PixelHash(hasher.finalize().into())
}

/// Returns the small picture of a TIFF of inks that has a profile of them, not turned. Without one, or if it is damaged, inks are mixed
/// plainly.
fn of_inks(bytes: &[u8], colours: &mut Colours, limits: &Limits) -> Option<Picture> {
    if !colours.has_inks() {
        return None;
    }
    let tiff::Inks { dimensions, planes } = tiff::inks(bytes, limits).ok()??;
    let small = super::small_size(dimensions).unwrap_or(dimensions);
    let [cyan, magenta, yellow, black] = planes.map(|plane| resized_gray(&plane, dimensions, small));
    let inks = cyan.into_iter().zip(magenta).zip(yellow).zip(black);
    let inks: Vec<u8> = inks.flat_map(|(((cyan, magenta), yellow), black)| [cyan, magenta, yellow, black]).collect();
    Some(Picture::new(small.width, small.height, colours.of_inks(&inks)?))
}

/// Returns a picture of fine samples with the curve of sRGB, if it has another one.
fn toned(picture: &DynamicImage, colours: &mut Colours) -> Option<image::RgbImage> {
    let fine = picture.as_rgb16().map_or_else(|| Cow::Owned(picture.to_rgb16()), Cow::Borrowed);
    image::RgbImage::from_raw(picture.width(), picture.height(), colours.of_fine(fine.as_raw())?)
}

/// Returns the picture of a JPEG XL, upright and on white.
pub fn jpeg_xl(bytes: &[u8], limits: &Limits) -> Result<Picture, String> {
    let jxl::Pixels { width, height, has_opacity, samples } = jxl::read(bytes, limits.pixels)?;
    if !has_opacity {
        return Ok(Picture::new(width, height, samples));
    }
    let rgba = RgbaImage::from_raw(width, height, samples).ok_or("the picture has too few samples")?;
    Ok(Picture::new(width, height, on_white(&rgba.into()).into_raw()))
}

/// Blends transparent pixels with white, as viewers do. Their hidden colours are often arbitrary.
fn on_white(picture: &DynamicImage) -> image::RgbImage {
    let rgba = picture.to_rgba8();
    image::RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0;
        let over = |v: u8| ((u32::from(v) * u32::from(a) + 255 * (255 - u32::from(a)) + 127) / 255) as u8;
        image::Rgb([over(r), over(g), over(b)])
    })
}

/// The cause of an error, without the wording that the crate adds.
fn plain_reason(error: &ImageError) -> String {
    match error {
        ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => "the file ends in the middle of the picture".into(),
        ImageError::Decoding(e) => e.to_string().lines().next().unwrap_or("the data is damaged").to_owned(),
        ImageError::Limits(_) => "the picture needs more memory than is allowed".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A BMP of two pixels of 16 bits, one of them for transparency.
    fn bmp(pixels: [u16; 2]) -> Vec<u8> {
        let numbers = |all: &[u32]| all.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let start = [&b"BM"[..], &numbers(&[74, 0, 70])].concat();
        let header = [&numbers(&[56, 2, 1])[..], &[1, 0, 16, 0], &numbers(&[3, 4, 2835, 2835, 0, 0, 0x7c00, 0x3e0, 0x1f, 0x8000])].concat();
        [start, header, pixels.map(u16::to_le_bytes).concat()].concat()
    }

    /// A GIF with this canvas and one frame of 2 × 1 pixels, red and blue, at this place.
    fn gif([width, height]: [u8; 2], [left, top]: [u8; 2]) -> Vec<u8> {
        let head = [&b"GIF89a"[..], &[width, 0, height, 0, 0x80, 0, 0, 255, 0, 0, 0, 0, 255, 0x21, 0xfe, 1, b'x', 0]].concat();
        // Codes of three bits: clear, 0, 1, end.
        [&head[..], &[0x2c, left, 0, top, 0, 2, 0, 1, 0, 0, 2, 2, 0b0100_0100, 0b0000_1010, 0, 0x3b]].concat()
    }

    #[test]
    fn the_canvas_of_a_gif_holds_its_first_frame() {
        let read = |canvas, place| {
            let bytes = gif(canvas, place);
            let (picture, _) = read(&bytes, Format::Gif, 1, &mut Colours::default(), &Limits::default()).expect("a picture");
            assert_eq!(dimensions(&bytes, Format::Gif), Ok(picture.dimensions));
            (picture.dimensions.width, picture.dimensions.height, picture.rgb)
        };
        let (red, blue, white) = ([255, 0, 0], [0, 0, 255], [255; 3]);
        assert_eq!(read([2, 1], [0, 0]), (2, 1, [red, blue].concat()));
        assert_eq!(read([1, 1], [0, 0]), (2, 1, [red, blue].concat()), "larger than its canvas");
        assert_eq!(read([0, 0], [0, 0]), (2, 1, [red, blue].concat()), "without a canvas");
        assert_eq!(read([2, 1], [1, 0]), (3, 1, [white, red, blue].concat()), "beyond its edge");
        assert_eq!(read([3, 1], [0, 0]), (3, 1, [red, blue, white].concat()), "smaller");
        for cut in 0..15 {
            assert!(dimensions(&gif([2, 1], [0, 0])[..cut], Format::Gif).is_err() || cut >= 13, "{cut}");
        }
    }

    #[test]
    fn a_bmp_without_an_opaque_pixel_is_not_transparent() {
        let read = |pixels| read(&bmp(pixels), Format::Bmp, 1, &mut Colours::default(), &Limits::default()).expect("a picture").0.rgb;
        assert_eq!(read([0x001f, 0x7c00]), [0, 0, 255, 255, 0, 0]);
        assert_eq!(read([0x801f, 0x7c00]), [0, 0, 255, 255, 255, 255]);
    }
}
