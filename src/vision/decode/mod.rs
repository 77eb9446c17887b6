//! Decoding: from the bytes of a file to a small upright picture.
//!
//! JPEG is decoded at reduced size, and so are the preview of a RAW file, the thumbnail or the tiles of a HEIC or AVIF, and a Photoshop file.
//! Other formats are decoded in full and then reduced.

mod jpeg;
mod raster;
pub mod tiff;

use super::colour::Colours;
use super::resize::resized;
use super::{Limits, format, heif, jxl, metadata, psd, raw};
use crate::photo::{Capture, Dimensions, Failure, Format, Picture, PixelHash, Stage};

pub use jpeg::plain_jpeg_reason;
pub use raster::dimensions;

/// The least short side of a decoded picture (eight ninths of it for a JPEG), unless the photo is smaller. A crop has
/// six tenths of it, and the encoder needs 128 pixels.
pub const SHORT_SIDE: u32 = 216;

/// The side of the squares that a picture and its thumbnail are compared as.
const COMPARED_SIDE: u32 = 16;

/// The largest mean difference of a picture and its thumbnail, of 255. Those of cameras and phones differ by 3 at most.
const MAX_THUMBNAIL_DIFFERENCE: u64 = 10;

/// The small upright picture of a photo, its pixel hash and its capture data.
#[derive(Clone, PartialEq, Debug)]
pub struct Decoded {
    pub picture: Picture,
    /// `None` for the rare kinds of JPEG that a general decoder reads, and for a progressive one that lacks scans.
    pub pixels: Option<PixelHash>,
    /// The share of its width and height that the photo needs for all of its detail. `None` if it is not known: of formats
    /// other than baseline JPEG, also of a RAW file with such a preview, and of plain pictures.
    pub detail: Option<f64>,
    pub capture: Capture,
    /// Whether its colours were other ones than those of sRGB, and were converted.
    pub is_converted: bool,
}

/// Decodes a file that [`identify`](super::identify::identify) has accepted.
///
/// # Errors
/// A [`Failure`] that describes what is wrong with the bytes.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Failure> {
    let broken = |reason: String| Failure::new(Stage::Decode, reason);
    let format = format::of(bytes).ok_or_else(|| broken("not a picture".into()))?;
    let capture = metadata::capture(bytes);
    let orientation = capture.orientation.unwrap_or(1);
    let mut colours = Colours::of(bytes, format);
    let (picture, pixels, detail) = match format {
        Format::Jpeg => {
            let (picture, pixels, detail) = jpeg::read(bytes, orientation, &mut colours).map_err(broken)?;
            (reduced(picture).upright(orientation), pixels, detail)
        }
        // The detail of the preview says nothing of the sensor's picture.
        Format::Raw => {
            let (picture, pixels) = raw_picture(bytes, orientation, &mut colours, limits).map_err(broken)?;
            (reduced(picture).upright(orientation), pixels, None)
        }
        Format::Heic | Format::Avif => {
            let (picture, pixels) = small_heif(bytes, limits).map_err(|problem| problem.failure(format))?;
            (reduced(picture), Some(pixels), None)
        }
        // The hash is that of what is coded: what is decoded depends on the processor.
        Format::Jxl => {
            let picture = raster::jpeg_xl(bytes, limits).map_err(broken)?;
            (reduced(picture), Some(PixelHash(jxl::coded_hash(bytes).into())), None)
        }
        Format::Psd => {
            let (picture, pixels) = photoshop(bytes, orientation, &mut colours).map_err(broken)?;
            (picture, Some(pixels), None)
        }
        _ => {
            let (picture, pixels) = raster::read(bytes, format, orientation, &mut colours, limits).map_err(broken)?;
            (reduced(picture), Some(pixels), None)
        }
    };
    let (picture, is_converted) = colours.finish(picture);
    Ok(Decoded { picture, pixels, detail, capture, is_converted })
}

/// Returns the preview of a RAW file, or else its sensor data, developed, and the hash of what is coded. The picture is not turned.
fn raw_picture(bytes: &[u8], orientation: u8, colours: &mut Colours, limits: &Limits) -> Result<(Picture, Option<PixelHash>), String> {
    let raw = raw::read(bytes)?;
    if let Some(preview) = raw.preview {
        let (picture, pixels, _) = jpeg::read(preview.jpeg, orientation, colours)?;
        return Ok((picture, pixels));
    }
    let sensor = raw.sensor.ok_or("it has no preview")??;
    if sensor.pixels() > limits.pixels {
        return Err(format!("its sensor has more pixels than the limit of {} megapixels", limits.pixels / 1_000_000));
    }
    // What EXIF says of the colours is meant for a preview.
    *colours = Colours::default();
    let mut hasher = blake3::Hasher::new();
    sensor.hash_into(&mut hasher);
    hasher.update(&[orientation]);
    let raw::Developed { width, height, pixels } = raw::develop(&sensor, SHORT_SIDE)?;
    Ok((Picture::new(width, height, pixels), Some(PixelHash(hasher.finalize().into()))))
}

/// Decodes every pixel of a file that [`identify`](super::identify::identify) has accepted.
///
/// # Errors
/// A [`Failure`] that describes what is wrong with the bytes.
pub fn decode_whole(bytes: &[u8], limits: &Limits) -> Result<(), Failure> {
    let whole = match format::of(bytes) {
        Some(format @ (Format::Heic | Format::Avif)) => {
            return whole_heif(bytes, limits).map_err(|problem| problem.failure(format));
        }
        Some(Format::Jpeg) => jpeg::read_whole(bytes, limits),
        Some(Format::Jxl) => jxl::read(bytes, limits.pixels).map(drop),
        Some(Format::Psd) => psd::merged(bytes, u32::MAX).map(drop),
        Some(Format::Raw) => Err("only its preview can be read, and the rest may be damaged".into()),
        Some(format) => raster::read(bytes, format, 1, &mut Colours::default(), limits).map(drop),
        None => Err("not a picture".into()),
    };
    whole.map_err(|reason| Failure::new(Stage::Decode, reason))
}

/// Returns the merged picture of a Photoshop file, and the hash of its pixels. It is that of the same pixels in another format,
/// unless the file says that they are turned.
fn photoshop(bytes: &[u8], orientation: u8, colours: &mut Colours) -> Result<(Picture, PixelHash), String> {
    let header = psd::header(bytes)?;
    // Floating-point colours get the curve of sRGB there.
    if header.depth == 32 {
        colours.toned();
    }
    let psd::Rgb { width, height, pixels, inks, whole } = psd::merged(bytes, header.width.min(header.height) / SHORT_SIDE)?;
    let pixels = if inks.is_empty() { pixels } else { colours.of_inks(&inks).unwrap_or(pixels) };
    let hash = if orientation == 1 { whole } else { blake3::hash(&[whole.as_bytes(), &[orientation][..]].concat()) };
    Ok((Picture::new(width, height, pixels).upright(orientation), PixelHash(hash.into())))
}

/// Returns the picture of a HEIC or AVIF, and the hash of what is coded: its thumbnail may be decoded in place of it.
fn small_heif(bytes: &[u8], limits: &Limits) -> Result<(Picture, PixelHash), heif::Problem> {
    let hash = heif::coded_hash(bytes)?;
    let heif::Rgb { width, height, pixels } = heif::small(bytes, bounds(limits))?;
    Ok((Picture::new(width, height, pixels), PixelHash(hash.into())))
}

/// Decodes every pixel of a HEIC or AVIF, and compares them with the thumbnail that it is known by.
fn whole_heif(bytes: &[u8], limits: &Limits) -> Result<(), heif::Problem> {
    let of = |rgb: heif::Rgb| resized(&Picture::new(rgb.width, rgb.height, rgb.pixels), None, COMPARED_SIDE, COMPARED_SIDE);
    let bounds = bounds(limits);
    let whole = of(heif::whole(bytes, bounds)?);
    let small = of(heif::small(bytes, bounds)?);
    let difference: u64 = whole.rgb.iter().zip(&small.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    if difference > MAX_THUMBNAIL_DIFFERENCE * whole.rgb.len() as u64 {
        return Err(heif::Problem::Damaged("its thumbnail shows another picture than the file".into()));
    }
    Ok(())
}

fn bounds(limits: &Limits) -> heif::Bounds {
    heif::Bounds { short_side: SHORT_SIDE, pixels: limits.pixels }
}

/// Shrinks the picture to a short side of [`SHORT_SIDE`] if it is more than twice that.
fn reduced(picture: Picture) -> Picture {
    match small_size(picture.dimensions) {
        Some(Dimensions { width, height }) => resized(&picture, None, width, height),
        None => picture,
    }
}

/// Returns the size that a picture is shrunk to. `None` if it is small enough.
fn small_size(Dimensions { width, height }: Dimensions) -> Option<Dimensions> {
    let short = width.min(height);
    let scaled = |side: u32| (u64::from(side) * u64::from(SHORT_SIDE)).div_ceil(u64::from(short)) as u32;
    (short > 2 * SHORT_SIDE).then(|| Dimensions { width: scaled(width), height: scaled(height) })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    use image::{ImageEncoder, ImageFormat, RgbImage, imageops};
    use jpeg_encoder::{ColorType, Encoder, QuantizationTableType};

    use super::*;

    /// A picture without symmetry. Two pixels beside each other are alike, so that the encoder has no choice when it halves
    /// the colours.
    fn picture(width: u32, height: u32) -> RgbImage {
        let pixel = |x: u32, y: u32| image::Rgb([(x * x / 7 + y) as u8, (y * 3) as u8, (x * y / 11) as u8]);
        RgbImage::from_fn(width, height, |x, y| pixel(x & !1, y & !1))
    }

    fn jpeg(picture: &RgbImage, orientation: u8, set: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        in_quality(90, picture, orientation, set)
    }

    fn in_quality(quality: u8, picture: &RgbImage, orientation: u8, set: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, quality);
        set(&mut encoder);
        encoder.encode(picture.as_raw(), picture.width() as u16, picture.height() as u16, ColorType::Rgb).expect("encodes");
        // EXIF with the orientation alone.
        let tiff = [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0, 0, 0, 0, 0][..]].concat();
        let exif = [&b"\xff\xe1\0\x22Exif\0\0"[..], &tiff].concat();
        [&bytes[..2], &exif, &bytes[2..]].concat()
    }

    fn pixels(bytes: &[u8]) -> PixelHash {
        decode(bytes, &Limits::default()).expect("decodes").pixels.expect("it has one")
    }

    #[test]
    fn the_pixel_hash_of_a_jpeg_is_that_of_its_coefficients_upright() {
        use jpeg_encoder::SamplingFactor;
        for (width, height) in [(64, 48), (1792, 1760)] {
            let upright = picture(width, height);
            // A table that is the same with rows and columns exchanged, as a lossless turn does.
            let flat = || QuantizationTableType::Flat;
            let sampled = |factor, picture: &RgbImage, orientation| {
                jpeg(picture, orientation, |e| {
                    e.set_sampling_factor(factor);
                    e.set_quantization_tables(flat(), flat());
                })
            };
            let (wide, tall) = (SamplingFactor::F_2_1, SamplingFactor::F_1_2);
            let plain = pixels(&sampled(wide, &upright, 1));
            let progressive = jpeg(&upright, 1, |e| {
                e.set_sampling_factor(wide);
                e.set_quantization_tables(flat(), flat());
                e.set_progressive(true);
                e.set_optimized_huffman_tables(true);
            });
            assert_eq!(plain, pixels(&progressive), "{width}");
            // Each stores the picture turned, and says so.
            let turned = [
                (2, imageops::flip_horizontal(&upright)),
                (3, imageops::rotate180(&upright)),
                (4, imageops::flip_vertical(&upright)),
                (6, imageops::rotate270(&upright)),
                (8, imageops::rotate90(&upright)),
                (5, imageops::flip_horizontal(&imageops::rotate90(&upright))),
                (7, imageops::flip_horizontal(&imageops::rotate270(&upright))),
            ];
            for (orientation, stored) in turned {
                let factor = if orientation < 5 { wide } else { tall };
                assert_eq!(plain, pixels(&sampled(factor, &stored, orientation)), "orientation {orientation} of {width}");
                assert_ne!(plain, pixels(&sampled(factor, &stored, 1)), "not turned back");
            }
            let mut other = upright.clone();
            other.put_pixel(9, 9, image::Rgb([255; 3]));
            assert_ne!(plain, pixels(&sampled(wide, &other, 1)));
            assert_ne!(plain, pixels(&jpeg(&upright, 1, |_| {})), "another sampling");
            // Their means are quantised alike.
            let [finer, coarser] = [92, 90].map(|quality| in_quality(quality, &upright, 1, |_| {}));
            assert_ne!(pixels(&finer), pixels(&coarser), "another quality");
        }
    }

    #[test]
    fn a_progressive_file_without_all_scans_has_no_pixel_hash() {
        let picture = picture(1792, 1760);
        let whole = jpeg(&picture, 1, |e| e.set_progressive(true));
        let read = |bytes: &[u8]| decode(bytes, &Limits::default()).expect("decodes");
        assert_eq!(read(&whole).pixels, Some(pixels(&jpeg(&picture, 1, |_| {}))));
        // In picture data 0xff is never followed by this.
        let scans: Vec<usize> = (0..whole.len()).filter(|at| whole[*at..].starts_with(&[0xff, 0xda])).collect();
        assert!(scans.len() > 3, "{scans:?}");
        let mut decoded_cuts = 0;
        for at in &scans[1..] {
            let cut = [&whole[..*at], &[0xff, 0xd9]].concat();
            // Those that end before the means of all colours are broken.
            let Ok(decoded) = decode(&cut, &Limits::default()) else { continue };
            assert_eq!((decoded.pixels, &decoded.picture), (None, &read(&whole).picture), "cut to {at}");
            decoded_cuts += 1;
        }
        assert!(decoded_cuts > 1);
        // The last scan leaves out a bit that no other one brings.
        let last = scans[scans.len() - 1];
        let approximation = last + 1 + usize::from(whole[last + 3]);
        let mut coarse = whole.clone();
        assert_eq!(coarse[approximation], 0);
        coarse[approximation] = 1;
        assert_eq!(read(&coarse).pixels, None);
        // A refinement without the scan before it.
        coarse[approximation] = 0x10;
        assert_eq!(read(&coarse).pixels, None);
    }

    #[test]
    fn a_raw_file_shows_its_preview_upright() {
        let picture = picture(960, 640);
        let preview = jpeg(&picture, 6, |_| {});
        let of_preview = decode(&preview, &Limits::default()).expect("decodes");
        let head = [&b"FUJIFILMCCD-RAW 0201"[..], &[0; 0x54 - 20]].concat();
        let places = [0x60, preview.len() as u32, 0].map(u32::to_be_bytes).concat();
        let raf = [head, places, preview].concat();
        let decoded = decode(&raf, &Limits::default()).expect("decodes");
        assert_eq!((&decoded.picture, decoded.pixels, decoded.detail), (&of_preview.picture, of_preview.pixels, None));
        assert!(decoded.picture.dimensions.height > decoded.picture.dimensions.width);
        assert_eq!(decoded.capture.orientation, Some(6));
        assert!(decode_whole(&raf, &Limits::default()).is_err(), "nobody knows whether its sensor data is whole");
        assert!(decode(&raf[..raf.len() / 2], &Limits::default()).is_err());
    }

    #[test]
    fn a_file_that_ends_early_is_not_whole() {
        let picture = picture(400, 320);
        let whole = jpeg(&picture, 1, |_| {});
        let mut png = Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).expect("encodes");
        for bytes in [whole, jpeg(&picture, 1, |e| e.set_progressive(true)), png.into_inner()] {
            assert_eq!(decode_whole(&bytes, &Limits::default()), Ok(()));
            for cut in [bytes.len() / 2, bytes.len() * 9 / 10] {
                assert!(decode_whole(&bytes[..cut], &Limits::default()).is_err(), "cut to {cut} of {}", bytes.len());
            }
        }
    }

    /// The mean difference of two pictures of one size, of 255.
    fn difference(a: &Picture, b: &Picture) -> f64 {
        assert_eq!(a.dimensions, b.dimensions);
        a.rgb.iter().zip(&b.rgb).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.rgb.len() as f64
    }

    /// Files that other programs wrote of one picture, and that were refused or decoded to something else.
    #[test]
    fn odd_files_show_what_they_hold() {
        use crate::vision::raw::tests::collected;
        let of = |name: &str| Some(decode(&collected(&format!("more/odd/{name}"))?, &Limits::default()));
        let Some(reference) = of("00-reference.png") else { return };
        let reference = reference.expect("decodes").picture;
        let grey = Picture {
            rgb: reference
                .rgb
                .chunks_exact(3)
                .flat_map(|p| [((299 * u32::from(p[0]) + 587 * u32::from(p[1]) + 114 * u32::from(p[2])) / 1000) as u8; 3])
                .collect(),
            ..reference.clone()
        };
        for (name, expected, most) in [
            ("01-rgb+alpha-channel-lzw-predictor.tif", &reference, 3.0),
            ("01-rgb16+alpha-channel-zip-predictor.tif", &reference, 3.0),
            ("02-camera-make+thumbnail-subifd.tif", &reference, 3.0),
            ("02-rgb-with-DNGVersion.tif", &reference, 3.0),
            ("05-bigtiff.tif", &reference, 3.0),
            ("06-gray+alpha-channel.tif", &grey, 3.0),
            ("06-palette.tif", &reference, 4.0),
            ("07-tiled-planar.tif", &reference, 3.0),
        ] {
            let Some(decoded) = of(name) else { return };
            let off = difference(&decoded.expect(name).picture, expected);
            assert!(off < most, "{name}: {off}");
        }
        // Its one strip is a whole JPEG, of colours that are not those of the others.
        let (Some(bytes), Some(decoded)) = (collected("more/odd/06-jpeg-ycbcr.tif"), of("06-jpeg-ycbcr.tif")) else { return };
        let strip = decode(&bytes[0x160..], &Limits::default()).expect("a JPEG").picture;
        let off = difference(&decoded.expect("decodes").picture, &strip);
        assert!(off < 3.0, "{off}");
        for (name, reason) in [
            ("09-reason-of-90-kB.tif", "the file ends in the middle of the picture"),
            ("10-lossless-jpeg-decoded-to-noise.jpg", "lossless JPEG is not read by this version"),
            ("13-arithmetic.jpg", "JPEG with arithmetic coding is not read by this version"),
        ] {
            let Some(decoded) = of(name) else { return };
            let said = decoded.expect_err(name).reason;
            assert!(said.contains(reason), "{name}: {said}");
        }
        for (name, orientation) in
            [("03-webp-exif-with-prefix-orientation-6.webp", 6), ("04-png-raw-profile-type-exif-orientation-6.png", 6)]
        {
            let Some(decoded) = of(name) else { return };
            assert_eq!(decoded.expect(name).capture.orientation, Some(orientation), "{name}");
        }
        let Some(opaque) = of("11-bmp-alpha-all-zero.bmp") else { return };
        assert!(opaque.expect("decodes").picture.rgb.iter().any(|value| *value < 255));
    }

    #[test]
    fn the_pixel_hash_of_other_formats_is_that_of_their_pixels() {
        let picture = picture(37, 23);
        let in_format = |format| {
            let mut bytes = Cursor::new(Vec::new());
            picture.write_to(&mut bytes, format).expect("encodes");
            pixels(&bytes.into_inner())
        };
        let mut packed = Vec::new();
        let encoder = PngEncoder::new_with_quality(&mut packed, CompressionType::Best, FilterType::Paeth);
        encoder.write_image(&picture, 37, 23, image::ExtendedColorType::Rgb8).expect("encodes");
        let png = in_format(ImageFormat::Png);
        let head = [&b"8BPS\0\x01\0\0\0\0\0\0\0\x03"[..], &[0, 0, 0, 23, 0, 0, 0, 37, 0, 8, 0, 3], &[0; 14]].concat();
        let planes = (0..3).flat_map(|plane| picture.pixels().map(move |pixel| pixel.0[plane])).collect::<Vec<u8>>();
        assert_eq!(pixels(&[head, planes].concat()), png, "Photoshop's");
        assert!([ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Bmp].into_iter().all(|format| in_format(format) == png));
        assert_eq!(pixels(&packed), png);
        let fine = |low: u16| {
            let fine = image::ImageBuffer::<image::Rgb<u16>, _>::from_fn(37, 23, |x, y| {
                image::Rgb(picture.get_pixel(x, y).0.map(|v| u16::from(v) << 8 | low))
            });
            let mut bytes = Cursor::new(Vec::new());
            image::DynamicImage::from(fine).write_to(&mut bytes, ImageFormat::Png).expect("encodes");
            pixels(&bytes.into_inner())
        };
        assert!(fine(0) != png && fine(0) != fine(1), "more than 8 bits count");
    }
}
