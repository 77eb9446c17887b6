//! What surrounds or covers a photo: borders, words, the screen of an application.

use fastrand::Rng;
use font8x8::legacy::BASIC_LEGACY;

use crate::photo::Picture;
use crate::vision::resize::resized;

type Colour = [u8; 3];

/// A plain picture to draw on. Drawing outside of it has no effect.
struct Canvas {
    width: i64,
    height: i64,
    rgb: Vec<u8>,
}

impl Canvas {
    fn plain(width: u32, height: u32, colour: Colour) -> Canvas {
        Canvas { width: width.into(), height: height.into(), rgb: colour.repeat((width * height) as usize) }
    }

    fn of(picture: Picture) -> Canvas {
        Canvas { width: picture.dimensions.width.into(), height: picture.dimensions.height.into(), rgb: picture.rgb }
    }

    fn picture(self) -> Picture {
        Picture::new(self.width as u32, self.height as u32, self.rgb)
    }

    fn blend(&mut self, x: i64, y: i64, colour: Colour, opacity: f32) {
        if (0..self.width).contains(&x) && (0..self.height).contains(&y) {
            let at = 3 * (y * self.width + x) as usize;
            for (value, ink) in self.rgb[at..at + 3].iter_mut().zip(colour) {
                *value = (f32::from(*value) * (1.0 - opacity) + f32::from(ink) * opacity).round() as u8;
            }
        }
    }

    fn rectangle(&mut self, left: i64, top: i64, width: i64, height: i64, colour: Colour) {
        for y in top..top + height {
            for x in left..left + width {
                self.blend(x, y, colour, 1.0);
            }
        }
    }

    fn disc(&mut self, x: i64, y: i64, radius: i64, colour: Colour) {
        for dy in -radius..=radius {
            for dx in -radius..=radius {
                if dx * dx + dy * dy <= radius * radius {
                    self.blend(x + dx, y + dy, colour, 1.0);
                }
            }
        }
    }

    fn paste(&mut self, picture: &Picture, left: i64, top: i64) {
        let width = i64::from(picture.dimensions.width);
        for (i, pixel) in picture.rgb.chunks_exact(3).enumerate() {
            self.blend(left + i as i64 % width, top + i as i64 / width, [pixel[0], pixel[1], pixel[2]], 1.0);
        }
    }

    /// ASCII, each letter `size` pixels square.
    fn text(&mut self, words: &str, left: i64, top: i64, size: i64, colour: Colour, opacity: f32) {
        for (place, letter) in (0..).zip(words.bytes()) {
            let rows = BASIC_LEGACY[usize::from(letter) % BASIC_LEGACY.len()];
            for y in 0..size {
                for x in 0..size {
                    if rows[(y * 8 / size) as usize] >> (x * 8 / size) & 1 == 1 {
                        self.blend(left + place * size + x, top + y, colour, opacity);
                    }
                }
            }
        }
    }
}

fn sides(picture: &Picture) -> (u32, u32) {
    (picture.dimensions.width, picture.dimensions.height)
}

/// As large as fits into width × height.
fn fitted(picture: &Picture, width: u32, height: u32) -> Picture {
    let (w, h) = sides(picture);
    let scale = (width as f32 / w as f32).min(height as f32 / h as f32);
    resized(picture, None, ((w as f32 * scale) as u32).max(1), ((h as f32 * scale) as u32).max(1))
}

pub fn border(picture: &Picture, share: f32, colour: Colour) -> Picture {
    let (w, h) = sides(picture);
    let edge = ((w.max(h) as f32 * share) as u32).max(1);
    let mut canvas = Canvas::plain(w + 2 * edge, h + 2 * edge, colour);
    canvas.paste(picture, edge.into(), edge.into());
    canvas.picture()
}

pub fn square(picture: &Picture, margin: f32, colour: Colour) -> Picture {
    let (w, h) = sides(picture);
    let side = (w.max(h) as f32 * (1.0 + margin)).ceil() as u32;
    let mut canvas = Canvas::plain(side, side, colour);
    canvas.paste(picture, i64::from(side - w) / 2, i64::from(side - h) / 2);
    canvas.picture()
}

pub fn text(picture: Picture, rng: &mut Rng) -> Picture {
    let (w, h) = sides(&picture);
    let words = "Summer in the hills";
    let size = i64::from((w / (words.len() as u32 + 2)).clamp(6, (h / 6).max(6)));
    let colour = [[255; 3], [0; 3], [250, 220, 30]][rng.usize(..3)];
    let top = (h as f32 * (0.1 + 0.65 * rng.f32())) as i64;
    let mut canvas = Canvas::of(picture);
    canvas.text(words, i64::from(w) / 16, top, size, colour, 1.0);
    canvas.picture()
}

pub fn watermark(picture: Picture) -> Picture {
    let (w, h) = sides(&picture);
    let size = i64::from((w.min(h) / 18).max(6));
    let mut canvas = Canvas::of(picture);
    for (row, y) in (0..i64::from(h)).step_by(3 * size as usize).enumerate() {
        let start = if row % 2 == 0 { 0 } else { -6 * size };
        for x in (start..i64::from(w)).step_by(13 * size as usize) {
            canvas.text("(c) sample", x, y, size, [255; 3], 0.43);
        }
    }
    canvas.picture()
}

/// A post in a phone application: status line, author, the photo at full width, buttons, a comment.
pub fn phone(picture: &Picture, rng: &mut Rng) -> Picture {
    const WIDTH: u32 = 300;
    const HEIGHT: u32 = 640;
    let (ground, ink) = if rng.bool() { ([10, 10, 12], [240; 3]) } else { ([250; 3], [20; 3]) };
    let photo = fitted(picture, WIDTH, HEIGHT - 100);
    let mut screen = Canvas::plain(WIDTH, HEIGHT, ground);
    screen.text("9:41", 14, 6, 10, ink, 1.0);
    screen.rectangle(260, 7, 26, 10, ink);
    let top = if photo.dimensions.height < 460 { 80 } else { 40 };
    if top == 80 {
        screen.disc(26, 54, 14, [90, 120, 200]);
        screen.text("traveller", 48, 48, 12, ink, 1.0);
    }
    screen.paste(&photo, i64::from(WIDTH - photo.dimensions.width) / 2, top);
    let below = (top + i64::from(photo.dimensions.height) + 20).min(600);
    for button in 0..3 {
        screen.disc(24 + button * 36, below, 10, ink);
        screen.disc(24 + button * 36, below, 7, ground);
    }
    screen.text("Liked by 128 others", 14, below + 18, 10, ink, 1.0);
    screen.picture()
}

/// A photo viewer in a window: menu, a list of albums, the photo on grey.
pub fn desktop(picture: &Picture) -> Picture {
    let photo = fitted(picture, 500, 350);
    let mut screen = Canvas::plain(640, 400, [52, 54, 58]);
    screen.rectangle(0, 0, 640, 26, [32, 33, 36]);
    for (place, name) in (0..).zip(["File", "Edit", "View", "Help"]) {
        screen.text(name, 10 + place * 52, 8, 10, [220; 3], 1.0);
    }
    screen.rectangle(0, 26, 120, 374, [44, 45, 49]);
    for album in 0..9 {
        screen.text(&format!("Album {album}"), 12, 40 + album * 26, 10, [190; 3], 1.0);
    }
    let (w, h) = sides(&photo);
    screen.paste(&photo, 130 + (500 - i64::from(w)) / 2, 36 + (350 - i64::from(h)) / 2);
    screen.picture()
}
