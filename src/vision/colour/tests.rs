//! Pictures with other colours beside their twins in sRGB.

use std::io::Cursor;

use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, GrayImage, ImageEncoder, RgbImage};
use jpeg_encoder::{ColorType, Encoder};
use moxcms::{ColorProfile, Layout, ToneReprCurve, TransformOptions};

use super::conversion::Conversion;
use super::curve::Curve;
use super::*;
use crate::photo::Picture;
use crate::vision::Limits;
use crate::vision::decode::{Decoded, decode};
use crate::vision::named_colours::NamedColours;
use crate::vision::raw::tests::collected;

/// A profile with changes, and without the numbers of H.273, which may say something else then.
fn changed(mut profile: ColorProfile, change: impl Fn(&mut ColorProfile)) -> Vec<u8> {
    profile.cicp = None;
    change(&mut profile);
    profile.encode().expect("a profile")
}

/// A profile with this curve for all colours.
fn of_curve(profile: ColorProfile, curve: &ToneReprCurve) -> Vec<u8> {
    changed(profile, |profile| {
        profile.red_trc = Some(curve.clone());
        profile.green_trc = Some(curve.clone());
        profile.blue_trc = Some(curve.clone());
    })
}

pub fn display_p3() -> Vec<u8> {
    changed(ColorProfile::new_display_p3(), |_| ())
}

pub fn adobe_rgb() -> Vec<u8> {
    ColorProfile::new_adobe_rgb().encode().expect("a profile")
}

fn pro_photo() -> Vec<u8> {
    ColorProfile::new_pro_photo_rgb().encode().expect("a profile")
}

/// The primaries of sRGB, in proportion to the light.
fn linear() -> Vec<u8> {
    of_curve(ColorProfile::new_srgb(), &ToneReprCurve::Lut(vec![]))
}

fn grey(gamma: f32) -> Vec<u8> {
    ColorProfile::new_gray_with_gamma(gamma).encode().expect("a profile")
}

/// Soft shapes in all colours, also black and the most saturated ones.
fn picture(width: u32, height: u32) -> RgbImage {
    let wave = |at: f32| (127.0 + 127.0 * at.sin()) as u8;
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 / width as f32 * 6.0, y as f32 / height as f32 * 6.0);
        image::Rgb([wave(x + 0.3 * y), wave(y - 0.5 * x + 1.0), wave(0.7 * (x + y) + 2.0)])
    })
}

/// The same colours in another space, by the crate itself.
fn in_space(picture: &RgbImage, profile: &[u8]) -> RgbImage {
    let space = ColorProfile::new_from_slice(profile).expect("a profile");
    let fine: Vec<f32> = picture.as_raw().iter().map(|value| f32::from(*value) / 255.0).collect();
    let mut converted = vec![0.0; fine.len()];
    let way = ColorProfile::new_srgb().create_transform_f32(Layout::Rgb, &space, Layout::Rgb, TransformOptions::default());
    way.expect("a way").transform(&fine, &mut converted).expect("converts");
    let rounded = converted.iter().map(|value| (value * 255.0 + 0.5) as u8).collect();
    RgbImage::from_raw(picture.width(), picture.height(), rounded).expect("as many pixels")
}

fn jpeg(picture: &RgbImage, profile: Option<&[u8]>) -> Vec<u8> {
    jpeg_of(picture.as_raw(), picture.dimensions(), ColorType::Rgb, profile)
}

fn jpeg_of(samples: &[u8], (width, height): (u32, u32), colours: ColorType, profile: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile).expect("small enough");
    }
    encoder.encode(samples, width as u16, height as u16, colours).expect("encodes");
    bytes
}

fn encoded<E: ImageEncoder>(mut encoder: E, picture: &RgbImage, profile: Option<&[u8]>) {
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile.to_vec()).expect("it has a place for one");
    }
    encoder.write_image(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::Rgb8).expect("encodes");
}

fn png(picture: &RgbImage, profile: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoded(PngEncoder::new(&mut bytes), picture, profile);
    bytes
}

fn webp(picture: &RgbImage, profile: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoded(WebPEncoder::new_lossless(&mut bytes), picture, profile);
    bytes
}

fn tiff(picture: &RgbImage, profile: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    encoded(TiffEncoder::new(&mut bytes), picture, profile);
    bytes.into_inner()
}

fn psd(picture: &RgbImage, profile: Option<&[u8]>) -> Vec<u8> {
    let planes: Vec<u8> = (0..3).flat_map(|plane| picture.pixels().map(move |pixel| pixel.0[plane])).collect();
    psd_of(3, 3, picture.dimensions(), &planes, profile)
}

fn psd_of(channels: u8, mode: u8, (width, height): (u32, u32), planes: &[u8], profile: Option<&[u8]>) -> Vec<u8> {
    let sides = [height, width].map(u32::to_be_bytes).concat();
    let head = [&b"8BPS\0\x01\0\0\0\0\0\0\0"[..], &[channels], &sides, &[0, 8, 0, mode], &[0; 4]].concat();
    let resource = profile.map(|profile| {
        let mut resource = [&b"8BIM\x04\x0f\0\0"[..], &(profile.len() as u32).to_be_bytes(), profile].concat();
        resource.resize(resource.len().next_multiple_of(2), 0);
        resource
    });
    let resources = resource.unwrap_or_default();
    [head, (resources.len() as u32).to_be_bytes().to_vec(), resources, vec![0; 6], planes.to_vec()].concat()
}

fn decoded(bytes: &[u8]) -> Decoded {
    decode(bytes, &Limits::default()).expect("a picture")
}

/// The mean and the greatest difference of two pictures of one size.
fn difference(a: &Picture, b: &Picture) -> (f64, u8) {
    assert_eq!(a.dimensions, b.dimensions);
    let all = || a.rgb.iter().zip(&b.rgb).map(|(a, b)| a.abs_diff(*b));
    (all().map(f64::from).sum::<f64>() / a.rgb.len() as f64, all().max().unwrap_or(0))
}

type Writer = fn(&RgbImage, Option<&[u8]>) -> Vec<u8>;

const WRITERS: [(&str, Writer); 5] = [("JPEG", jpeg), ("PNG", png), ("WebP", webp), ("TIFF", tiff), ("PSD", psd)];

#[test]
fn a_picture_in_other_colours_is_like_its_twin_in_srgb() {
    // At an eighth, and at its own size.
    for (width, height) in [(1760, 1740), (300, 240)] {
        let plain = picture(width, height);
        for (space, profile) in
            [("Display P3", display_p3()), ("Adobe RGB", adobe_rgb()), ("ProPhoto RGB", pro_photo()), ("linear", linear())]
        {
            let other = in_space(&plain, &profile);
            for (format, write) in WRITERS {
                let [twin, with, without] =
                    [write(&plain, None), write(&other, Some(&profile)), write(&other, None)].map(|bytes| decoded(&bytes));
                let what = format!("{space} in {format} of {width}");
                assert_eq!((twin.is_converted, with.is_converted, without.is_converted), (false, true, false), "{what}");
                // Eight bits are coarse in the dark where they are in proportion to the light.
                let (mean, _) = difference(&with.picture, &twin.picture);
                assert!(mean < 3.0, "{what}: {mean}");
                assert!(difference(&without.picture, &twin.picture).0 > 1.5 * mean.max(1.0), "{what} without its profile");
                assert_eq!(with.pixels, without.pixels, "{what}: the pixels are the same, whatever they mean");
            }
        }
    }
}

#[test]
fn what_is_nearly_srgb_is_left_as_it_is_bit_for_bit() {
    let srgb = ColorProfile::new_srgb();
    let sampled: Vec<u16> = (0..1024).map(|at| (Curve::Srgb.light(at as f32 / 1023.0) * 65_535.0 + 0.5) as u16).collect();
    for profile in [
        srgb.encode().expect("a profile"),
        of_curve(srgb.clone(), &ToneReprCurve::Lut(sampled)),
        of_curve(srgb, &ToneReprCurve::Lut(vec![(2.2 * 256.0) as u16])),
        grey(2.2),
    ] {
        assert!(Conversion::new(&NamedColours::Profile(profile.clone())).is_none());
        for (format, write) in WRITERS {
            let picture = picture(1760, 1740);
            let [with, without] = [Some(&profile[..]), None].map(|profile| decoded(&write(&picture, profile)));
            assert!(!with.is_converted && with.picture == without.picture, "{format}");
        }
    }
}

#[test]
fn a_jpeg_without_a_profile_is_decoded_as_it_ever_was() {
    let bytes = jpeg(&picture(1760, 1740), None);
    let means = crate::vision::jpeg::block_means(&bytes).expect("a plain one").into_picture();
    assert_eq!((decoded(&bytes).picture, decoded(&bytes).is_converted), (means, false));
    let small = jpeg(&picture(300, 240), None);
    let mut decoder = jpeg_decoder::Decoder::new(&*small);
    decoder.scale(300, 240).expect("a size");
    assert_eq!(decoded(&small).picture.rgb, decoder.decode().expect("decodes"));
}

#[test]
fn grey_values_have_a_curve_of_their_own_and_colours_have_not() {
    let profile = grey(1.0);
    let light = GrayImage::from_fn(64, 64, |x, y| image::Luma([(x * 4) as u8 / 2 + y as u8]));
    let stored = light.as_raw();
    let shown = decoded(&jpeg_of(stored, (64, 64), ColorType::Luma, Some(&profile)));
    let plain = decoded(&jpeg_of(stored, (64, 64), ColorType::Luma, None));
    assert!(shown.is_converted && !plain.is_converted);
    for (shown, plain) in shown.picture.rgb.iter().zip(&plain.picture.rgb) {
        assert_eq!(*shown, crate::vision::lab::from_linear(f32::from(*plain) / 255.0));
    }
    assert!(!decoded(&jpeg(&picture(64, 64), Some(&profile))).is_converted, "a profile of grey values in a picture of colours");
}

/// A profile of inks: black is the sum of the ink, on paper that is a little yellow. Its table has two steps of each ink.
fn inks() -> Vec<u8> {
    let mut table = [&b"mft1\0\0\0\0\x04\x03\x02\0"[..]].concat();
    table.extend([65_536_u32, 0, 0, 0, 65_536, 0, 0, 0, 65_536].map(u32::to_be_bytes).concat());
    let same: Vec<u8> = (0..=255).collect();
    (0..4).for_each(|_| table.extend(&same));
    for node in 0..16_u8 {
        let [cyan, magenta, yellow, black] = [8, 4, 2, 1].map(|ink| i32::from(node & ink != 0));
        let lightness = (255 - 60 * cyan - 70 * magenta - 20 * yellow - 200 * black).max(0);
        let [a, b] = [80 * magenta - 50 * cyan, 8 + 80 * yellow - 50 * cyan].map(|colour| 128 + colour * i32::from(black == 0));
        table.extend([lightness, a, b].map(|value| value.clamp(0, 255) as u8));
    }
    (0..3).for_each(|_| table.extend(&same));
    table.resize(table.len().next_multiple_of(4), 0);
    let length = (128 + 4 + 12 + table.len()) as u32;
    let mut header = vec![0; 128];
    header[..4].copy_from_slice(&length.to_be_bytes());
    header[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
    header[12..24].copy_from_slice(b"prtrCMYKLab ");
    header[36..40].copy_from_slice(b"acsp");
    header[68..80].copy_from_slice(&[63_190_u32, 65_536, 54_061].map(u32::to_be_bytes).concat());
    let tag = [&1_u32.to_be_bytes()[..], b"A2B0", &144_u32.to_be_bytes(), &(table.len() as u32).to_be_bytes()].concat();
    [header, tag, table].concat()
}

type InkWriter<'a> = &'a dyn Fn(&[u8], Option<&[u8]>) -> Vec<u8>;

#[test]
fn inks_are_mixed_by_their_profile() {
    let profile = inks();
    let side = 480;
    let jpeg = |stored: &[u8], profile: Option<&[u8]>| jpeg_of(stored, (side, side), ColorType::Cmyk, profile);
    let formats: [(&str, InkWriter<'_>); 3] = [
        ("JPEG", &jpeg),
        ("TIFF", &|stored, profile| tiff_of_inks(stored, side, profile)),
        ("PSD", &|stored, profile| psd_of_inks(stored, side, profile)),
    ];
    for (format, write) in formats {
        let all = |pixel: [u8; 4], profile: Option<&[u8]>| {
            let stored: Vec<u8> = (0..side * side).flat_map(|_| pixel).collect();
            let decoded = decoded(&write(&stored, profile));
            let middle = decoded.picture.rgb.len() / 6 * 3;
            (<[u8; 3]>::try_from(&decoded.picture.rgb[middle..middle + 3]).expect("a pixel"), decoded.is_converted)
        };
        let near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 16);
        let ((paper, is_converted), (plain, is_plain_converted)) = (all([0; 4], Some(&profile)), all([0; 4], None));
        assert!(is_converted && !is_plain_converted && near(plain, [255; 3]), "{format}: {plain:?}");
        assert!(paper[0] > 230 && paper[2] < paper[0] - 8, "{format}, a little yellow: {paper:?}");
        let (black, (plain, _)) = (all([0, 0, 0, 255], Some(&profile)).0, all([0, 0, 0, 255], None));
        assert!(near(plain, [0; 3]) && near(black, [55; 3]), "{format}: {plain:?} {black:?}");
        assert!(all([0, 255, 0, 0], Some(&profile)).0[1] < 120, "{format}, magenta");
    }
    let rgb = picture(64, 64);
    for (format, write) in WRITERS {
        assert!(!decoded(&write(&rgb, Some(&profile))).is_converted, "{format}: a profile of inks in a picture of colours");
    }
}

fn tiff_of_inks(stored: &[u8], side: u32, profile: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes).expect("a TIFF");
    let mut picture = encoder.new_image::<tiff::encoder::colortype::CMYK8>(side, side).expect("a picture");
    if let Some(profile) = profile {
        picture.encoder().write_tag(tiff::tags::Tag::IccProfile, profile).expect("written");
    }
    picture.write_data(stored).expect("written");
    bytes.into_inner()
}

fn psd_of_inks(stored: &[u8], side: u32, profile: Option<&[u8]>) -> Vec<u8> {
    let planes: Vec<u8> = (0..4).flat_map(|ink| stored.iter().skip(ink).step_by(4).map(|ink| 255 - ink)).collect();
    psd_of(4, 4, (side, side), &planes, profile)
}

/// Inserts a chunk before the picture data of a PNG, without its check sum.
fn with_chunk(png: &[u8], kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(&[&kind[..], body].concat());
    let chunk = [&(body.len() as u32).to_be_bytes()[..], kind, body, &crc.sum().to_be_bytes()].concat();
    [&png[..33], &chunk, &png[33..]].concat()
}

#[test]
fn bright_pictures_are_shown_with_paper_as_white() {
    let plain = picture(300, 240);
    let twin = decoded(&png(&plain, None)).picture;
    // The opposite of each curve, found by trying.
    for (number, curve) in [(16, Curve::Pq), (18, Curve::Hlg)] {
        let light = |value: f32| match curve {
            Curve::Hlg => curve::on_screen([curve.light(value); 3])[0],
            _ => curve.light(value),
        };
        let table: Vec<f32> = (0..=255).map(|value| light(value as f32 / 255.0)).collect();
        let code = |value: u8| table.partition_point(|light| *light < Curve::Srgb.light(f32::from(value) / 255.0)) as u8;
        // Grey, for which the curve of HLG is the same for all colours.
        let grey = RgbImage::from_fn(300, 240, |x, y| image::Rgb([code(plain.get_pixel(x, y).0[1]); 3]));
        let shown = decoded(&with_chunk(&png(&grey, None), b"cICP", &[9, number, 0, 1]));
        let wanted = twin.rgb.chunks_exact(3).flat_map(|pixel| [pixel[1]; 3]).collect();
        let (mean, _) = difference(&shown.picture, &Picture::new(300, 240, wanted));
        assert!(shown.is_converted && mean < 10.0, "{number}: {mean}");
        assert!(difference(&decoded(&png(&grey, None)).picture, &twin).0 > 2.0 * mean);
    }
    let as_srgb = with_chunk(&png(&plain, None), b"cICP", &[1, 13, 0, 1]);
    assert!(!decoded(&as_srgb).is_converted);
    let in_p3 = with_chunk(&png(&in_space(&plain, &display_p3()), None), b"cICP", &[12, 13, 0, 1]);
    let shown = decoded(&in_p3);
    assert!(shown.is_converted && difference(&shown.picture, &twin).0 < 1.5);
}

#[test]
fn damaged_and_absurd_profiles_count_as_none() {
    let plain = picture(64, 64);
    let expected = decoded(&jpeg(&plain, None)).picture;
    let absurd = |change: fn(&mut ColorProfile)| changed(ColorProfile::new_adobe_rgb(), change);
    for profile in [
        absurd(|profile| profile.red_colorant = moxcms::Xyzd::new(9.0, 9.0, 9.0)),
        absurd(|profile| profile.green_colorant = moxcms::Xyzd::new(f64::from(i16::MIN), 0.0, 0.0)),
        absurd(|profile| profile.red_trc = Some(ToneReprCurve::Parametric(vec![-20.0, 0.0, 0.0]))),
        absurd(|profile| profile.blue_trc = Some(ToneReprCurve::Lut(vec![0; 16]))),
        b"no profile".to_vec(),
        vec![0; 200],
        vec![0xff; 4000],
    ] {
        let shown = decoded(&jpeg(&plain, Some(&profile)));
        assert!(!shown.is_converted && shown.picture == expected, "{:?}", &profile[..8]);
    }
    let mut random = fastrand::Rng::with_seed(4);
    for whole in [adobe_rgb(), display_p3(), inks(), grey(1.0)] {
        for length in (0..whole.len()).step_by(9) {
            let _ = Conversion::new(&NamedColours::Profile(whole[..length].to_vec()));
        }
        for _ in 0..400 {
            let mut damaged = whole.clone();
            for _ in 0..random.usize(1..4) {
                let end = if random.bool() { damaged.len() } else { damaged.len().min(300) };
                let at = random.usize(..end);
                // Huge counts and offsets, among others.
                let any = random.u8(..);
                damaged[at] = [0, 1, 0x7f, 0xff, any][random.usize(..5)];
            }
            let shown = decoded(&jpeg(&plain, Some(&damaged)));
            assert!(shown.is_converted || shown.picture == expected);
        }
    }
}

#[test]
fn xyb_and_linear_light_are_shown_right() {
    if let Some(bytes) = collected("more/odd/14-xyb-icc.jpg") {
        let shown = decoded(&bytes);
        let means = [0, 1, 2].map(|colour| {
            let values = shown.picture.rgb.iter().skip(colour).step_by(3);
            values.map(|value| f64::from(*value)).sum::<f64>() / shown.picture.dimensions.pixels() as f64
        });
        assert!(shown.is_converted && means.iter().zip(XYB_MEANS).all(|(a, b)| (a - b).abs() < 4.0), "{means:?}");
    }
    let [float, reference] = ["08-float32-linear.tif", "00-reference.png"].map(|name| collected(&format!("more/odd/{name}")));
    if let (Some(float), Some(reference)) = (float, reference) {
        let (shown, reference) = (decoded(&float), decoded(&reference));
        let (mean, _) = difference(&shown.picture, &reference.picture);
        assert!(shown.is_converted && mean < 2.0, "{mean}");
    }
}

/// Red, green and blue of the whole picture, by Pillow with LittleCMS.
const XYB_MEANS: [f64; 3] = [126.6, 117.4, 108.2];

/// A file that counts what is read of it.
struct Counted<'a>(&'a [u8], usize);

impl std::io::Read for &mut Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = std::io::Read::read(&mut self.0, into)?;
        self.1 += read;
        Ok(read)
    }
}

#[test]
fn the_beginning_of_a_file_says_whether_its_colours_are_converted() {
    let look = |bytes: &[u8]| {
        let mut file = Counted(bytes, 0);
        (needs_conversion(&mut file, 1 << 30, &mut Vec::new()).expect("reads"), file.1)
    };
    let large = picture(1760, 1740);
    let (p3, srgb) = (display_p3(), ColorProfile::new_srgb().encode().expect("a profile"));
    for (format, write) in WRITERS {
        assert!(look(&write(&large, Some(&p3))).0, "{format}");
        assert!(!look(&write(&large, Some(&srgb))).0 && !look(&write(&large, None)).0, "{format}");
    }
    let plain = jpeg(&large, None);
    assert!(plain.len() > 1 << 17);
    assert_eq!(look(&plain), (false, 1 << 16), "not more than its first bytes");
    // A header that is longer than what is read at first.
    let note = [&[0xff, 0xe1, 0xff, 0xff][..], &vec![7; 65_533]].concat();
    let wide = jpeg(&large, Some(&p3));
    let far = [&wide[..2], &note, &note, &wide[2..]].concat();
    assert_eq!(look(&far).0, decoded(&far).is_converted);
    assert!(look(&far).0);
    for bytes in [&b""[..], b"\xff\xd8\xff", b"no picture", &far[..70_000], &png(&large, Some(&p3))[..60]] {
        assert!(!look(bytes).0);
    }
    let mut random = fastrand::Rng::with_seed(6);
    for bytes in [&far, &tiff(&picture(40, 40), Some(&p3)), &png(&picture(40, 40), Some(&p3))] {
        for _ in 0..200 {
            let mut damaged = bytes.clone();
            let at = random.usize(..damaged.len().min(400));
            damaged[at] = random.u8(..);
            let _ = std::panic::catch_unwind(|| look(&damaged));
        }
    }
}

/// What the conversion of a small picture takes: `cargo test --lib what_a_conversion_takes -- --ignored --nocapture`.
#[test]
#[ignore = "it measures"]
fn what_a_conversion_takes() {
    let small = picture(324, 216);
    for (name, profile) in [
        ("sRGB", ColorProfile::new_srgb().encode().expect("a profile")),
        ("Display P3", display_p3()),
        ("Adobe RGB", adobe_rgb()),
        ("inks of two steps", inks()),
    ] {
        let colours = NamedColours::Profile(profile);
        let (mut found, mut applied) = (Vec::new(), Vec::new());
        for _ in 0..50 {
            let began = std::time::Instant::now();
            let conversion = Conversion::new(&colours);
            found.push(began.elapsed().as_secs_f64() * 1000.0);
            let began = std::time::Instant::now();
            let mut rgb = small.as_raw().clone();
            if let Some(conversion) = conversion {
                conversion.apply(&mut rgb);
            }
            applied.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        let median = |values: &mut Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!("{name}: found in {:.3} ms, applied in {:.3} ms", median(&mut found), median(&mut applied));
    }
}
