//! How one picture lies in another: known warps of real photos are found again.

use fastrand::Rng;
use image::RgbImage;
use image::imageops::{self, FilterType};
use similard::likeness::{Framed, compare, place, residual};
use similard::photo::{Affine, Picture};
use similard::vision::keypoints::keypoints;

use crate::photos;

/// The short side of the pictures that keypoints are found in.
const SHORT_SIDE: f64 = 216.0;

/// How often each photo is warped. With six warps each, 45 of 48 were placed, 42 within a pixel.
const WARPS: usize = 3;

/// The side of the photo that is warped.
const SIDE: u32 = 480;

fn picture(image: &RgbImage) -> Picture {
    Picture::new(image.width(), image.height(), image.as_raw().clone())
}

/// A part of a photo, at least a fifth of it: scaled by 0.3 to 3, turned by any quarter and up to 15 degrees more, perhaps
/// mirrored. Returns it with the map from the photo.
fn warped(photo: &RgbImage, rng: &mut Rng) -> (RgbImage, Affine) {
    let scale = 0.3 * 10.0_f64.powf(rng.f64());
    let angle = (90.0 * f64::from(rng.u8(..4)) + 30.0 * rng.f64() - 15.0).to_radians();
    let share = 0.45 + 0.25 * rng.f64();
    let (sin, cos) = angle.sin_cos();
    let mirror = if rng.bool() { -1.0 } else { 1.0 };
    let turn = Affine { x: [mirror * scale * cos, -scale * sin, 0.0], y: [mirror * scale * sin, scale * cos, 0.0] };
    let side = f64::from(SIDE);
    // A turned square of this share lies in the photo if its middle is not too near the edge.
    let room = 0.5 * share * side * (sin.abs() + cos.abs());
    let middle = |rng: &mut Rng| room + (side - 2.0 * room) * rng.f64();
    let (x, y) = turn.apply((middle(rng), middle(rng)));
    let length = (share * side * scale).round();
    let map = turn.then(&Affine::scaled(1.0, (length / 2.0 - x, length / 2.0 - y)));
    let back = map.inverse();
    let source = if scale < 0.95 { imageops::blur(photo, (0.5 * (1.0 / (scale * scale) - 1.0).sqrt()) as f32) } else { photo.clone() };
    let value = |u: u32, v: u32| {
        let (x, y) = back.apply((f64::from(u) + 0.5, f64::from(v) + 0.5));
        imageops::interpolate_bilinear(&source, (x - 0.5).clamp(0.0, side - 1.0) as f32, (y - 0.5).clamp(0.0, side - 1.0) as f32)
            .unwrap_or(image::Rgb([0; 3]))
    };
    (RgbImage::from_fn(length as u32, length as u32, value), map)
}

#[test]
fn a_warped_part_of_a_photo_is_placed_within_a_pixel() {
    let mut rng = Rng::with_seed(1);
    let (mut placed, mut near, mut tried) = (0, 0, 0);
    for name in photos::NAMES {
        let photo = imageops::resize(&photos::open(name), SIDE, SIDE, FilterType::CatmullRom);
        let whole = picture(&photo);
        let points = keypoints(&whole);
        for _ in 0..WARPS {
            let (part, map) = warped(&photo, &mut rng);
            let part = picture(&part);
            let part_points = keypoints(&part);
            let side = f64::from(part.dimensions.width);
            let a = Framed { picture: &whole, frame: [0.0, 0.0, SIDE.into(), SIDE.into()], content: 1.0, keypoints: &points };
            let b = Framed { picture: &part, frame: [0.0, 0.0, side, side], content: 1.0, keypoints: &part_points };
            tried += 1;
            let Some(found) = place(a, b) else { continue };
            let other = place(b, a).expect("the order does not matter");
            let corners = [(0.0, 0.0), (side, 0.0), (0.0, side), (side, side)];
            // In pixels of the coarser of the two at the size of keypoints.
            let pixel = (f64::from(SIDE) / SHORT_SIDE).max(side / SHORT_SIDE / map.scale());
            let off = |found: &Affine| {
                let one = |corner: (f64, f64)| {
                    let ((x, y), (u, v)) = (found.inverse().apply(corner), map.inverse().apply(corner));
                    (x - u).hypot(y - v) / pixel
                };
                corners.into_iter().map(one).fold(0.0, f64::max)
            };
            assert!((off(&found.map) - off(&other.map.inverse())).abs() < 1e-6);
            let left = residual(&whole, &part, &found, 128);
            // What agrees less was placed by chance, and says so.
            if !left.is_some_and(|left| left.agreement > 0.6) {
                continue;
            }
            placed += 1;
            if off(&found.map) < 1.0 {
                near += 1;
                assert!((found.overlap[1] - 1.0).abs() < 0.03 && found.map.is_mirrored() == map.is_mirrored());
                assert!(left.is_some_and(|left| left.agreement > 0.9), "{left:?}");
            }
        }
    }
    println!("{placed} of {tried} were placed, {near} within a pixel");
    // Some parts have too few keypoints.
    assert!(placed * 4 >= tried * 3 && near * 10 >= placed * 9, "{placed} of {tried} were placed, {near} within a pixel");
}

#[test]
fn two_photos_are_not_placed_or_do_not_agree() {
    let all: Vec<Picture> = photos::NAMES.iter().map(|name| picture(&photos::open(name))).collect();
    let points: Vec<_> = all.iter().map(keypoints).collect();
    let framed = |n: usize| Framed {
        picture: &all[n],
        frame: [0.0, 0.0, all[n].dimensions.width.into(), all[n].dimensions.height.into()],
        content: 1.0,
        keypoints: &points[n],
    };
    for a in 0..all.len() {
        for b in 0..a {
            let left = place(framed(a), framed(b)).and_then(|found| residual(&all[a], &all[b], &found, 128));
            assert!(left.is_none_or(|left| left.agreement < 0.7), "{} and {}: {left:?}", photos::NAMES[a], photos::NAMES[b]);
        }
    }
}

#[test]
fn a_stretched_photo_is_laid_over_the_whole_of_it_and_over_no_other_photo() {
    let of = |name: &str, width: u32, height: u32| picture(&imageops::resize(&photos::open(name), width, height, FilterType::CatmullRom));
    for name in photos::NAMES {
        let photo = of(name, 240, 240);
        let points = keypoints(&photo);
        for (width, height) in [(276, 240), (240, 319), (384, 240), (216, 400)] {
            for other in photos::NAMES {
                let stretched = of(other, width, height);
                let other_points = keypoints(&stretched);
                let frame = |picture: &Picture| [0.0, 0.0, picture.dimensions.width.into(), picture.dimensions.height.into()];
                let a = Framed { picture: &photo, frame: frame(&photo), content: 1.0, keypoints: &points };
                let b = Framed { picture: &stretched, frame: frame(&stretched), content: 1.0, keypoints: &other_points };
                let (found, swapped) = (compare(a, b), compare(b, a));
                let agreement = found.as_ref().map_or(0.0, |found| found.fine.agreement);
                let difference = swapped.map_or(0.0, |swapped| swapped.fine.agreement) - agreement;
                assert!(difference.abs() < 1e-6, "{name} and {other}: {difference}");
                if name == other {
                    let found = found.expect("it is laid over");
                    assert!(agreement > 0.95 && found.overlap.iter().all(|share| *share > 0.97), "{name} {width} × {height}: {found:?}");
                } else {
                    assert!(agreement < 0.9, "{name} and {other}: {agreement}");
                }
            }
        }
    }
}
