//! The photos of `tests/photos`, and edited versions of them.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use exif::experimental::Writer;
use exif::{Field, In, Tag, Value};
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder};

pub const NAMES: [&str; 8] = ["00003", "00009", "00011", "00021", "00034", "00040", "00055", "00068"];

pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/photos").join(format!("{name}.webp"))
}

pub fn open(name: &str) -> RgbImage {
    image::open(path(name)).expect("a test photo").to_rgb8()
}

pub fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    Encoder::new(&mut bytes, quality).encode(picture.as_raw(), width as u16, height as u16, ColorType::Rgb).expect("encodes");
    bytes
}

/// The same coefficients as [`jpeg`] writes, in several scans.
pub fn progressive(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_progressive(true);
    encoder.encode(picture.as_raw(), width as u16, height as u16, ColorType::Rgb).expect("encodes");
    bytes
}

/// Adds EXIF with a time and a camera.
pub fn taken(jpeg: &[u8], time: &str) -> Vec<u8> {
    with_exif(jpeg, time, &[])
}

/// The same, with a shutter speed of one second by this number.
pub fn exposed(jpeg: &[u8], time: &str, shutter: u32) -> Vec<u8> {
    let value = Value::Rational(vec![(1, shutter).into()]);
    with_exif(jpeg, time, &[Field { tag: Tag::ExposureTime, ifd_num: In::PRIMARY, value }])
}

/// The same, with more fields.
pub fn with_exif(jpeg: &[u8], time: &str, more: &[Field]) -> Vec<u8> {
    let field = |tag, value: &str| Field { tag, ifd_num: In::PRIMARY, value: Value::Ascii(vec![value.as_bytes().to_vec()]) };
    let fields = [field(Tag::Make, "Maker"), field(Tag::Model, "Model 1"), field(Tag::DateTimeOriginal, time)];
    let tiff = exif(fields.iter().chain(more));
    let segment = [&b"Exif\0\0"[..], &tiff].concat();
    let length = (segment.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &segment, &jpeg[2..]].concat()
}

/// A RAW file of Fujifilm with this JPEG as its preview, whose sensor has that many pixels. It has no sensor data.
pub fn raf(preview: &[u8], (width, height): (u16, u16)) -> Vec<u8> {
    let head = [&b"FUJIFILMCCD-RAW 0201"[..], &[0; 64]].concat();
    let start = head.len() as u32 + 12;
    let length = preview.len() as u32;
    let places = [start, length, start + length].map(u32::to_be_bytes).concat();
    // One record, with the size of the picture.
    let size = [&[0, 0, 0, 1, 1, 0x11, 0, 4][..], &[height, width].map(u16::to_be_bytes).concat()].concat();
    [head, places, preview.to_vec(), size].concat()
}

/// A DNG without a preview: a camera with the colours of sRGB that sees less red and blue, in squares of red, green, green and blue.
pub fn dng(picture: &RgbImage) -> Vec<u8> {
    const BLACK: f32 = 512.0;
    const WHITE: f32 = 15_871.0;
    const NEUTRAL: [f32; 3] = [0.5, 1.0, 0.625];
    const FROM_XYZ: [[f32; 3]; 3] = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]];
    let (width, height) = picture.dimensions();
    let light = |value: u8| (f32::from(value) / 255.0).powf(2.2);
    let sample = |x: u32, y: u32| {
        let colour = [[0, 1], [1, 2]][y as usize % 2][x as usize % 2];
        (BLACK + light(picture.get_pixel(x, y).0[colour]) * NEUTRAL[colour] * (WHITE - BLACK)) as u16
    };
    let samples: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| sample(x, y).to_le_bytes())).collect();
    let field = |tag: u16, value| Field { tag: Tag(exif::Context::Tiff, tag), ifd_num: In::PRIMARY, value };
    let matrix = FROM_XYZ.iter().zip(NEUTRAL).flat_map(|(row, share)| row.map(|value| ((value * share * 10_000.0) as i32, 10_000).into()));
    let fields = [
        field(0x00fe, Value::Long(vec![0])),
        field(0x0100, Value::Long(vec![width])),
        field(0x0101, Value::Long(vec![height])),
        field(0x0102, Value::Short(vec![16])),
        field(0x0103, Value::Short(vec![1])),
        field(0x0106, Value::Short(vec![32803])),
        field(0x0112, Value::Short(vec![1])),
        field(0x0115, Value::Short(vec![1])),
        field(0x0116, Value::Long(vec![height])),
        field(0x828d, Value::Short(vec![2, 2])),
        field(0x828e, Value::Byte(vec![0, 1, 1, 2])),
        field(0xc612, Value::Byte(vec![1, 4, 0, 0])),
        field(0xc61a, Value::Short(vec![BLACK as u16])),
        field(0xc61d, Value::Short(vec![WHITE as u16])),
        field(0xc621, Value::SRational(matrix.collect())),
        field(0xc628, Value::Rational(NEUTRAL.iter().map(|share| ((share * 1000.0) as u32, 1000).into()).collect())),
    ];
    let strips = [&samples[..]];
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    writer.set_strips(&strips, In::PRIMARY);
    let mut bytes = Cursor::new(Vec::new());
    writer.write(&mut bytes, true).expect("a DNG");
    bytes.into_inner()
}

/// A RAW file without a preview, which is not read.
pub fn unread() -> Vec<u8> {
    [&b"FUJIFILMCCD-RAW 0201"[..], &[0; 100]].concat()
}

/// EXIF data with these fields.
pub fn exif<'a>(fields: impl IntoIterator<Item = &'a Field>) -> Vec<u8> {
    let mut writer = Writer::new();
    fields.into_iter().for_each(|field| writer.push_field(field));
    let mut data = Cursor::new(Vec::new());
    writer.write(&mut data, false).expect("EXIF");
    data.into_inner()
}

pub fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).expect("encodes");
    bytes.into_inner()
}

/// A Photoshop file without layers: its merged picture alone.
pub fn psd(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let head = [&b"8BPS\0\x01\0\0\0\0\0\0\0\x03"[..], &height.to_be_bytes(), &width.to_be_bytes(), &[0, 8, 0, 3]].concat();
    // No palette, no image resources, no layers, no compression.
    let planes = (0..3).flat_map(|plane| picture.pixels().map(move |pixel| pixel.0[plane]));
    [head, vec![0; 14], planes.collect()].concat()
}

/// The same for large documents: the length of its layers has twice the bytes.
pub fn psb(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = psd(picture);
    bytes[5] = 2;
    let after_header = 26;
    bytes.splice(after_header..after_header, [0; 4]);
    bytes
}

/// A TIFF with one strip, and these fields besides those of the picture.
pub fn tiff(picture: &RgbImage, more: &[Field]) -> Vec<u8> {
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let (width, height) = picture.dimensions();
    let of_picture = [
        field(Tag::ImageWidth, Value::Long(vec![width])),
        field(Tag::ImageLength, Value::Long(vec![height])),
        field(Tag::BitsPerSample, Value::Short(vec![8; 3])),
        field(Tag::Compression, Value::Short(vec![1])),
        field(Tag::PhotometricInterpretation, Value::Short(vec![2])),
        field(Tag::SamplesPerPixel, Value::Short(vec![3])),
        field(Tag::RowsPerStrip, Value::Long(vec![height])),
    ];
    let strips = [&picture.as_raw()[..]];
    let mut writer = Writer::new();
    of_picture.iter().chain(more).for_each(|field| writer.push_field(field));
    writer.set_strips(&strips, In::PRIMARY);
    let mut bytes = Cursor::new(Vec::new());
    writer.write(&mut bytes, true).expect("a TIFF");
    bytes.into_inner()
}

/// As large as a camera would take it, so that it is decoded at an eighth.
pub fn large(name: &str) -> RgbImage {
    imageops::resize(&open(name), 1600, 1600, FilterType::CatmullRom)
}

pub fn half(picture: &RgbImage) -> RgbImage {
    imageops::resize(picture, picture.width() / 2, picture.height() / 2, FilterType::Triangle)
}

/// The middle of a picture, with this share of its width and height.
pub fn crop(picture: &RgbImage, share: f32) -> RgbImage {
    let (w, h) = ((picture.width() as f32 * share) as u32, (picture.height() as f32 * share) as u32);
    imageops::crop_imm(picture, (picture.width() - w) / 2, (picture.height() - h) / 2, w, h).to_image()
}

pub fn warm(picture: &RgbImage) -> RgbImage {
    map(picture, |[r, g, b]| [r.saturating_add(25), g, b.saturating_sub(30)])
}

pub fn grey(picture: &RgbImage) -> RgbImage {
    map(picture, |[r, g, b]| [((u16::from(r) + u16::from(g) + u16::from(b)) / 3) as u8; 3])
}

/// Makes it brighter by a number of stops, in light.
pub fn brighter(picture: &RgbImage, stops: f32) -> RgbImage {
    map(picture, |pixel| pixel.map(|value| (255.0 * ((f32::from(value) / 255.0).powf(2.2) * stops.exp2()).min(1.0).powf(1.0 / 2.2)) as u8))
}

fn map(picture: &RgbImage, change: impl Fn([u8; 3]) -> [u8; 3]) -> RgbImage {
    let mut out = picture.clone();
    out.pixels_mut().for_each(|p| *p = Rgb(change(p.0)));
    out
}

/// Writes each photo and four edited versions of it. Returns the number of files.
pub fn library(folder: &Path, names: &[&str]) -> usize {
    for name in names {
        let original = open(name);
        let write = |edit: &str, bytes: Vec<u8>| fs::write(folder.join(format!("{name}_{edit}.jpg")), bytes).expect("written");
        fs::copy(path(name), folder.join(format!("{name}.webp"))).expect("copied");
        write("half", jpeg(&half(&original), 85));
        write("low", jpeg(&original, 25));
        write("warm", jpeg(&warm(&original), 90));
        write("crop", jpeg(&crop(&original, 0.8), 90));
    }
    5 * names.len()
}

/// The clusters of a [`library`].
pub fn expected(names: &[&str]) -> Vec<Vec<String>> {
    let of = |name: &&str| {
        vec![
            format!("{name}.webp"),
            format!("{name}_crop.jpg"),
            format!("{name}_half.jpg"),
            format!("{name}_low.jpg"),
            format!("{name}_warm.jpg"),
        ]
    };
    names.iter().map(of).collect()
}
