//! The picture in a picture: what a screenshot or a broad border encloses.
//!
//! A change here changes stored data: raise the recipe version in [`prepare`](super::prepare).

use std::ops::{Range, RangeInclusive};

use super::resize::Window;
use crate::photo::Picture;

/// A pixel that differs by at most this much in each channel has the colour of the ground.
const GROUND_TOLERANCE: u8 = 4;

/// In a plain line at most one pixel in this number has another colour: letters, buttons, the end of a bar.
const PLAIN_PIXELS_PER_OTHER: usize = 10;

/// Screenshots need two or three rounds. The limit bounds the cost of a malicious picture.
const MAX_CUT_ROUNDS: usize = 8;

/// The least short side of an inner picture.
const MIN_SHORT_SIDE: usize = 64;

/// The share of the whole area that an inner picture has. A larger one is matched as a whole anyway, and may be a
/// photo with a dark edge.
const AREA_SHARE: RangeInclusive<f64> = 0.08..=0.75;

/// The largest picture on plain ground, if it is neither nearly all of the picture nor too small to be one.
pub fn inner(picture: &Picture) -> Option<Window> {
    within_margins(picture).filter(|window| AREA_SHARE.contains(&share(picture, *window)))
}

/// Returns the share of the picture that is within plain margins. 1 if it has none.
pub fn content_share(picture: &Picture) -> f64 {
    within_margins(picture).map_or(1.0, |window| share(picture, window))
}

fn share(picture: &Picture, window: Window) -> f64 {
    window.width * window.height / picture.dimensions.pixels() as f64
}

/// Removes plain rows and columns in turn until none remains. `None` if hardly anything does.
fn within_margins(picture: &Picture) -> Option<Window> {
    let (width, height) = (picture.dimensions.width as usize, picture.dimensions.height as usize);
    let pixel = |x: usize, y: usize| -> [u8; 3] { std::array::from_fn(|channel| picture.rgb[(y * width + x) * 3 + channel]) };
    let (mut x, mut y) = (0..width, 0..height);
    for _ in 0..MAX_CUT_ROUNDS {
        let rows = longest(y.clone(), |row| is_plain(x.len(), |i| pixel(x.start + i, row)));
        let columns = longest(x.clone(), |column| is_plain(rows.len(), |i| pixel(column, rows.start + i)));
        if columns.len().min(rows.len()) < MIN_SHORT_SIDE {
            return None;
        }
        if (&columns, &rows) == (&x, &y) {
            break;
        }
        (x, y) = (columns, rows);
    }
    Some(Window { left: x.start as f64, top: y.start as f64, width: x.len() as f64, height: y.len() as f64 })
}

/// The longest run of lines that are not plain.
fn longest(lines: Range<usize>, mut is_plain: impl FnMut(usize) -> bool) -> Range<usize> {
    let (mut best, mut start) = (lines.start..lines.start, lines.start);
    for line in lines.clone() {
        if is_plain(line) {
            start = line + 1;
        } else if line + 1 - start > best.len() {
            best = start..line + 1;
        }
    }
    best
}

/// Whether nearly all pixels of a line have one colour: the median of five samples.
fn is_plain(len: usize, pixel: impl Fn(usize) -> [u8; 3]) -> bool {
    let mut samples: [[u8; 3]; 5] = std::array::from_fn(|i| pixel((2 * i + 1) * len / 10));
    let ground: [u8; 3] = std::array::from_fn(|channel| {
        samples.sort_unstable_by_key(|sample| sample[channel]);
        samples[2][channel]
    });
    let is_other = |i: &usize| pixel(*i).iter().zip(ground).any(|(a, b)| a.abs_diff(b) > GROUND_TOLERANCE);
    (0..len).filter(is_other).nth(len / PLAIN_PIXELS_PER_OTHER).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A screen with a photo of noise on it, and letters above and below.
    fn screen(width: u32, height: u32, [left, top, photo_width, photo_height]: [u32; 4]) -> Picture {
        let mut random = fastrand::Rng::with_seed(1);
        let pixel = |(x, y): (u32, u32)| {
            let in_photo = (left..left + photo_width).contains(&x) && (top..top + photo_height).contains(&y);
            let is_letter = (4..40).contains(&x) && (6..14).contains(&y) && x % 3 == 0;
            if in_photo { random.u8(..) } else { [20, 230][usize::from(is_letter)] }
        };
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Picture::new(width, height, places.map(pixel).flat_map(|gray| [gray; 3]).collect())
    }

    #[test]
    fn what_stands_on_plain_ground_is_found() {
        for (screen_size, photo) in [((216, 468), [0, 80, 216, 150]), ((400, 250), [90, 30, 250, 180]), ((300, 216), [40, 30, 220, 150])] {
            let inner = inner(&screen(screen_size.0, screen_size.1, photo)).expect("a photo on a screen");
            let found = [inner.left, inner.top, inner.width, inner.height];
            assert_eq!(found, photo.map(f64::from));
        }
    }

    #[test]
    fn a_picture_of_its_own_has_no_other_in_it() {
        assert_eq!(inner(&screen(300, 216, [0, 0, 300, 216])), None, "no plain ground");
        let bordered = screen(300, 216, [20, 20, 270, 190]);
        assert_eq!(inner(&bordered), None, "a thin border");
        assert!((content_share(&bordered) - 0.792).abs() < 0.001);
        assert_eq!(content_share(&screen(300, 216, [0, 0, 300, 216])), 1.0);
        assert_eq!(inner(&screen(300, 216, [0, 0, 0, 0])), None, "plain, with letters only");
        assert_eq!(inner(&screen(300, 216, [100, 100, 40, 40])), None, "the photo is too small");
        assert_eq!(inner(&Picture::new(1, 1, vec![0; 3])), None);
    }
}
