//! The files of a kind: photos as a camera would write them, and what becomes of them.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use exif::experimental::Writer;
use exif::{Field, In, Tag, Value};
use fastrand::Rng;
use image::RgbImage;
use jpeg_decoder::{Decoder, PixelFormat};
use similard::learn::edits;
use similard::photo::{Format, Picture};
use similard::vision::Limits;
use similard::vision::identify::identify;
use similard::vision::resize::{Window, resized};

use super::drawn;
use super::pictures::{self, Result};
use super::score::{Label, Version};

/// The largest grain of the sensor.
const GRAIN: i16 = 5;

/// The longer side of a photo that a messenger sends, and its quality.
const SENT_SIDE: u32 = 1600;
const SENT_QUALITY: u8 = 75;

/// A file of a kind.
pub struct Made {
    pub label: Label,
    pub bytes: Vec<u8>,
}

impl Made {
    pub fn new(name: impl Into<String>, exposure: usize, version: Version, bytes: Vec<u8>) -> Made {
        Made { label: Label { name: name.into(), exposure, version }, bytes }
    }
}

/// Returns the paths of a number of photos below a folder, drawn by a seed.
pub fn sample(folder: &Path, count: usize, seed: u64) -> Result<Vec<PathBuf>> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
        let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}: name a folder of photos", folder.display()))?;
        for entry in entries {
            let entry = entry.map_err(|e| format!("{}: {e}", folder.display()))?;
            let path = entry.path();
            if entry.file_type().map_err(|e| format!("{}: {e}", path.display()))?.is_dir() {
                walk(&path, out)?;
            } else if Format::from_name(&path).is_some_and(Format::is_supported) {
                out.push(path);
            }
        }
        Ok(())
    }
    let mut paths = Vec::new();
    walk(folder, &mut paths)?;
    paths.sort();
    Rng::with_seed(seed).shuffle(&mut paths);
    paths.truncate(count);
    Ok(paths)
}

pub fn image(picture: Picture) -> RgbImage {
    let (width, height) = (picture.dimensions.width, picture.dimensions.height);
    RgbImage::from_raw(width, height, picture.rgb).expect("three bytes for each pixel")
}

pub fn picture(image: RgbImage) -> Picture {
    Picture::new(image.width(), image.height(), image.into_raw())
}

pub fn jpeg(image: &RgbImage, quality: u8) -> Vec<u8> {
    edits::jpeg(&picture(image.clone()), quality)
}

/// Returns an image in this size.
pub fn in_size(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    self::image(resized(&picture(image.clone()), None, width, height))
}

pub fn half(image: &RgbImage) -> RgbImage {
    in_size(image, (image.width() / 2).max(1), (image.height() / 2).max(1))
}

/// Returns an image with this longer side.
pub fn with_long_side(image: &RgbImage, side: u32) -> RgbImage {
    let scale = f64::from(side) / f64::from(image.width().max(image.height()));
    let scaled = |side: u32| (f64::from(side) * scale).round().max(1.0) as u32;
    in_size(image, scaled(image.width()), scaled(image.height()))
}

/// Returns the middle of an image, in this size.
pub fn fitted(image: &RgbImage, width: u32, height: u32) -> RgbImage {
    let (w, h) = (f64::from(image.width()), f64::from(image.height()));
    let scale = (f64::from(width) / w).max(f64::from(height) / h);
    let (inner_width, inner_height) = ((f64::from(width) / scale).min(w), (f64::from(height) / scale).min(h));
    let window = Window { left: (w - inner_width) / 2.0, top: (h - inner_height) / 2.0, width: inner_width, height: inner_height };
    self::image(resized(&picture(image.clone()), Some(window), width, height))
}

/// Reads a photo and makes it as large as that of a camera, with the grain of a sensor.
pub fn large(path: &Path, long_side: u32, seed: u64) -> Result<RgbImage> {
    let mut photo = with_long_side(&image(pictures::picture(path)?), long_side);
    drawn::grain(&mut photo, GRAIN, &mut Rng::with_seed(seed));
    Ok(photo)
}

/// Adds EXIF to a JPEG.
pub fn with_exif(jpeg: &[u8], fields: &[Field]) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut tiff = Cursor::new(Vec::new());
    writer.write(&mut tiff, false)?;
    let segment = [&b"Exif\0\0"[..], tiff.get_ref()].concat();
    let length = u16::try_from(segment.len() + 2)?.to_be_bytes();
    Ok([&jpeg[..2], &[0xff, 0xe1], &length, &segment, &jpeg[2..]].concat())
}

fn text(tag: Tag, value: &str) -> Field {
    Field { tag, ifd_num: In::PRIMARY, value: Value::Ascii(vec![value.as_bytes().to_vec()]) }
}

/// What a camera writes of the photo with this number. Each was taken on another day.
pub fn camera(number: usize) -> Vec<Field> {
    let rational = |tag, numerator, denominator| Field {
        tag,
        ifd_num: In::PRIMARY,
        value: Value::Rational(vec![exif::Rational { num: numerator, denom: denominator }]),
    };
    let (day, month, year) = (1 + number % 28, 1 + number / 28 % 12, 2015 + number / 336);
    let time = format!("{year:04}:{month:02}:{day:02} 10:{:02}:{:02}", number % 60, number * 7 % 60);
    vec![
        text(Tag::Make, "Maker"),
        text(Tag::Model, "Model 1"),
        text(Tag::DateTimeOriginal, &time),
        rational(Tag::ExposureTime, 1, 250),
        rational(Tag::FNumber, 56, 10),
    ]
}

/// What a phone writes that took a photo of a print, years later.
fn phone(number: usize) -> Vec<Field> {
    let time = format!("2026:09:{:02} 18:{:02}:11", 1 + number % 28, number % 60);
    vec![text(Tag::Make, "Phone maker"), text(Tag::Model, "Phone 1"), text(Tag::DateTimeOriginal, &time)]
}

/// A photo as a camera writes it.
pub fn taken(photo: &RgbImage, number: usize) -> Result<Vec<u8>> {
    with_exif(&jpeg(photo, 92), &camera(number))
}

/// A picture, and two copies: of half the size, and compressed again.
pub fn with_two_copies(name: &str, exposure: usize, picture: &RgbImage, original: Vec<u8>) -> Vec<Made> {
    let extension = if original.starts_with(b"\x89PNG") { "png" } else { "jpg" };
    vec![
        Made::new(format!("{name}.{extension}"), exposure, Version::Original, original),
        Made::new(format!("{name}-half.jpg"), exposure, Version::Copy, jpeg(&half(picture), 80)),
        Made::new(format!("{name}-low.jpg"), exposure, Version::Copy, jpeg(picture, 50)),
    ]
}

/// A photo of 1,600 pixels as its camera wrote it, and six files that were made of it.
pub fn with_six_edits(path: &Path, number: usize, seed: u64) -> Result<Vec<Made>> {
    let mut rng = Rng::with_seed(seed);
    let photo = large(path, 1600, seed)?;
    let original = taken(&photo, number)?;
    let plain = jpeg(&photo, 92);
    let (width, height) = photo.dimensions();
    let edge = width.max(height) / 12;
    let mut framed = drawn::plain(width + 2 * edge, height + 2 * edge, [255; 3]);
    image::imageops::replace(&mut framed, &photo, edge.into(), edge.into());
    let mut exported = camera(number);
    exported.push(text(Tag::Software, "Adobe Photoshop Lightroom 13.0"));
    let enlarged = jpeg(&in_size(&photo, 2 * width, 2 * height), 85);
    let enlarged = if number % 3 == 2 { with_exif(&enlarged, &camera(number))? } else { enlarged };
    let shown = with_width(&photo, 1080, 2000);
    let print = jpeg(&drawn::print(&photo, rng.f32() * 16.0 - 8.0, &mut rng), 88);
    let print = if number.is_multiple_of(2) { with_exif(&print, &phone(number))? } else { print };
    let resaved = with_exif(&jpeg(&photo, [22, 40, 60, 75][rng.usize(..4)]), &camera(number))?;
    // Where nothing else decides, the shortest path does. So the original has the longest: it is not right by chance.
    let of = |what: &str, extension: &str| format!("{what}/{number:03}.{extension}");
    Ok(vec![
        Made::new(of("from-the-camera", "jpg"), number, Version::Original, original),
        Made::new(of("screenshots", "png"), number, Version::Edit, drawn::png(&drawn::screenshot(&shown))),
        Made::new(of("borders", "jpg"), number, Version::Edit, with_exif(&jpeg(&framed, 90), &exported)?),
        Made::new(of("enlarged", "jpg"), number, Version::Copy, enlarged),
        Made::new(of("resaved", "jpg"), number, Version::Copy, resaved),
        Made::new(of("prints", "jpg"), number, Version::Edit, print),
        Made::new(of("stripped", "jpg"), number, Version::SameData, plain),
    ])
}

/// Returns an image of this width, or of less if it would be higher than that.
pub fn with_width(image: &RgbImage, width: u32, most: u32) -> RgbImage {
    let scale = (f64::from(width) / f64::from(image.width())).min(f64::from(most) / f64::from(image.height()));
    let scaled = |side: u32| (f64::from(side) * scale).round().max(1.0) as u32;
    in_size(image, scaled(image.width()), scaled(image.height()))
}

/// What a messenger makes of a JPEG: smaller, upright, and without EXIF.
pub fn sent(path: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
    let told = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let mut decoder = Decoder::new(bytes);
    let pixels = decoder.decode().map_err(|e| told(&e))?;
    let info = decoder.info().ok_or_else(|| told(&"it has no header"))?;
    let rgb = match info.pixel_format {
        PixelFormat::RGB24 => pixels,
        PixelFormat::L8 => pixels.into_iter().flat_map(|value| [value; 3]).collect(),
        other => return Err(told(&format_args!("frames are JPEGs in colour or grey, not {other:?}")).into()),
    };
    let claimed = identify(bytes, &Limits::default()).map_err(|failure| told(&failure))?;
    let stored = Picture::new(info.width.into(), info.height.into(), rgb);
    let upright = image(stored.upright(claimed.metadata.capture.orientation.unwrap_or(1)));
    let is_small = upright.width().max(upright.height()) <= SENT_SIDE;
    Ok(jpeg(&if is_small { upright } else { with_long_side(&upright, SENT_SIDE) }, SENT_QUALITY))
}
