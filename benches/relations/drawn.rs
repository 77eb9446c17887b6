//! Drawn pictures: pages of one layout that differ in their text alone, memes of one photo, and photos on pages, screens and
//! desks. The tests of the program draw some of them too.

use std::io::Cursor;

use fastrand::Rng;
use font8x8::legacy::BASIC_LEGACY;
use image::imageops::overlay;
use image::{ImageFormat, Rgb, RgbImage};

type Colour = [u8; 3];

const WHITE: Colour = [255; 3];
const BLACK: Colour = [20; 3];

/// The size of the letters of a page.
const LETTER: (u32, u32) = (14, 26);

const WORDS: &str = "the of and to in is that for with as on at by from this have not are be or an will one all would there their \
    what so up out if about who get which go me when make can like time no just him know take people into year your good some \
    could them see other than then now look only come its over think also back after use two how our work first well way even \
    new want because any these give day most us";

/// A layout of pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Page {
    Letter,
    Book,
    Receipt,
    Chat,
    Slide,
    Table,
    Code,
}

impl Page {
    pub const ALL: [(Page, &str); 7] = [
        (Page::Letter, "letters"),
        (Page::Book, "pages of a book"),
        (Page::Receipt, "receipts"),
        (Page::Chat, "chats"),
        (Page::Slide, "slides"),
        (Page::Table, "tables"),
        (Page::Code, "QR codes"),
    ];

    /// Whether it is a screenshot, and not a scan.
    pub fn is_of_screen(self) -> bool {
        matches!(self, Page::Chat | Page::Slide | Page::Table | Page::Code)
    }

    /// Draws a page with text of its own.
    pub fn drawn(self, rng: &mut Rng) -> RgbImage {
        match self {
            Page::Letter => letter(rng),
            Page::Book => {
                let mut page = plain(1240, 1754, WHITE);
                paragraph(&mut page, &words(rng, 330), 90);
                scanned(page, rng)
            }
            Page::Receipt => receipt(rng),
            Page::Chat => chat(rng),
            Page::Slide => slide(rng),
            Page::Table => table(rng),
            Page::Code => code(rng),
        }
    }
}

pub fn plain(width: u32, height: u32, colour: Colour) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb(colour))
}

pub fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).expect("memory takes every byte");
    bytes.into_inner()
}

/// Adds the grain of a sensor: up to this much to the brightness of each pixel, or less.
pub fn grain(picture: &mut RgbImage, most: i16, rng: &mut Rng) {
    picture.pixels_mut().for_each(|Rgb(pixel)| {
        let by = rng.i16(-most..=most);
        *pixel = pixel.map(|value| (i16::from(value) + by).clamp(0, 255) as u8);
    });
}

/// Fills a rectangle. What is outside the picture is left out.
fn fill(picture: &mut RgbImage, (left, top): (u32, u32), (width, height): (u32, u32), colour: Colour) {
    for y in top..(top + height).min(picture.height()) {
        for x in left..(left + width).min(picture.width()) {
            picture.put_pixel(x, y, Rgb(colour));
        }
    }
}

/// Writes ASCII, each letter of this width and height.
fn write(picture: &mut RgbImage, text: &str, (left, top): (u32, u32), (width, height): (u32, u32), colour: Colour) {
    for (place, letter) in (0..).zip(text.bytes()) {
        let rows = BASIC_LEGACY[usize::from(letter) % BASIC_LEGACY.len()];
        for y in 0..height {
            for x in 0..width {
                let is_ink = rows[(8 * y / height) as usize] >> (8 * x / width) & 1 == 1;
                let (x, y) = (left + place * width + x, top + y);
                if is_ink && x < picture.width() && y < picture.height() {
                    picture.put_pixel(x, y, Rgb(colour));
                }
            }
        }
    }
}

pub fn words(rng: &mut Rng, count: usize) -> String {
    let all: Vec<&str> = WORDS.split(' ').collect();
    (0..count).map(|_| all[rng.usize(..all.len())]).collect::<Vec<_>>().join(" ")
}

/// Breaks a text into lines of at most this many letters.
fn lines(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Writes a text on a page of 1240 pixels, and returns where it ends.
fn paragraph(page: &mut RgbImage, text: &str, top: u32) -> u32 {
    let lines = lines(text, 74);
    for (at, line) in (0..).zip(&lines) {
        write(page, line, (90, top + 37 * at), LETTER, BLACK);
    }
    top + 37 * lines.len() as u32
}

/// What a scanner makes of a page.
fn scanned(mut page: RgbImage, rng: &mut Rng) -> RgbImage {
    page.pixels_mut().for_each(|Rgb(pixel)| *pixel = pixel.map(|value| (f32::from(value) * 0.97) as u8 + 2));
    grain(&mut page, 5, rng);
    page
}

fn letter(rng: &mut Rng) -> RgbImage {
    let mut page = plain(1240, 1754, WHITE);
    fill(&mut page, (0, 0), (1240, 70), [30, 60, 120]);
    write(&mut page, "ACME Insurance Ltd - 12 High Street - London", (90, 20), (20, 30), WHITE);
    paragraph(&mut page, &words(rng, 260), 110);
    scanned(page, rng)
}

fn receipt(rng: &mut Rng) -> RgbImage {
    let mut page = plain(700, 1400, WHITE);
    let rule = "-".repeat(26);
    let mut rows = vec!["      SUPERMARKET".to_owned(), "   Main street 1, Town".to_owned(), rule.clone()];
    let cents = |rng: &mut Rng, from: u32, to: u32| f64::from(rng.u32(100 * from..100 * to)) / 100.0;
    for _ in 0..rng.u32(9..=18) {
        rows.push(format!("{:<18}{:7.2}", words(rng, 2), cents(rng, 1, 30)));
    }
    rows.extend([rule, format!("TOTAL EUR {:15.2}", cents(rng, 20, 200))]);
    rows.push(format!("2024-0{}-1{} 1{}:3{}", rng.u8(1..=9), rng.u8(..10), rng.u8(..10), rng.u8(..10)));
    for (at, row) in (0..).zip(&rows) {
        write(&mut page, row, (90, 90 + 43 * at), (18, 30), BLACK);
    }
    scanned(page, rng)
}

fn chat(rng: &mut Rng) -> RgbImage {
    let mut page = plain(1080, 2340, [236, 229, 221]);
    fill(&mut page, (0, 0), (1080, 210), [7, 94, 84]);
    write(&mut page, ["Mum", "Anna", "Bob", "Team"][rng.usize(..4)], (180, 110), (34, 48), WHITE);
    let mut top = 260;
    while top < 2150 {
        let (count, is_own) = (rng.usize(3..=26), rng.bool());
        let lines = lines(&words(rng, count), 30);
        let (left, height) = (if is_own { 360 } else { 40 }, 48 * lines.len() as u32 + 40);
        fill(&mut page, (left, top), (680, height), if is_own { [220, 248, 198] } else { WHITE });
        for (at, line) in (0..).zip(&lines) {
            write(&mut page, line, (left + 24, top + 16 + 48 * at), (21, 36), BLACK);
        }
        top += height + 24;
    }
    fill(&mut page, (0, 2200), (1080, 140), [240; 3]);
    page
}

fn slide(rng: &mut Rng) -> RgbImage {
    let mut page = plain(1600, 900, WHITE);
    fill(&mut page, (0, 0), (1600, 120), [0, 90, 160]);
    write(&mut page, &words(rng, 4), (60, 30), (36, 54), WHITE);
    write(&mut page, &format!("ACME   {}", rng.u8(1..90)), (1400, 850), (16, 28), [128; 3]);
    for at in 0..rng.u32(3..=6) {
        let count = rng.usize(4..=8);
        write(&mut page, &format!("- {}", words(rng, count)), (100, 190 + 105 * at), (26, 40), BLACK);
    }
    page
}

fn table(rng: &mut Rng) -> RgbImage {
    let mut page = plain(1600, 1000, WHITE);
    (0..1000).step_by(36).for_each(|y| fill(&mut page, (0, y), (1600, 1), [200; 3]));
    (0..1600).step_by(160).for_each(|x| fill(&mut page, (x, 0), (1, 1000), [200; 3]));
    for row in 0..27 {
        for column in 0..10 {
            let text = if column == 0 { words(rng, 1) } else { rng.u32(..100_000).to_string() };
            write(&mut page, &text, (10 + 160 * column, 8 + 36 * row), (12, 20), BLACK);
        }
    }
    page
}

fn code(rng: &mut Rng) -> RgbImage {
    const MODULES: u32 = 29;
    let mut page = plain(20 * MODULES + 120, 20 * MODULES + 120, WHITE);
    for y in 0..MODULES {
        for x in 0..MODULES {
            if rng.bool() {
                fill(&mut page, (60 + 20 * x, 60 + 20 * y), (20, 20), [0; 3]);
            }
        }
    }
    for (left, top) in [(60, 60), (60 + 20 * (MODULES - 7), 60), (60, 60 + 20 * (MODULES - 7))] {
        for (edge, colour) in [(0, [0; 3]), (1, WHITE), (2, [0; 3])] {
            fill(&mut page, (left + 20 * edge, top + 20 * edge), (20 * (7 - 2 * edge), 20 * (7 - 2 * edge)), colour);
        }
    }
    page
}

/// A photo with words in white letters with black edges, above and below.
pub fn meme(photo: &RgbImage, rng: &mut Rng) -> RgbImage {
    let mut meme = photo.clone();
    let (width, height) = photo.dimensions();
    let (size, edge) = ((height / 24, height / 14), height / 220 + 1);
    for top in [2 * edge, height - height / 14 - 4 * edge] {
        let text = words(rng, 4).to_uppercase();
        let left = (width.saturating_sub(size.0 * text.len() as u32) / 2).max(edge);
        for (x, y) in [(0, 1), (2, 1), (1, 0), (1, 2), (0, 0), (2, 2), (0, 2), (2, 0)] {
            write(&mut meme, &text, (left + x * edge - edge, top + y * edge - edge), size, [0; 3]);
        }
        write(&mut meme, &text, (left, top), size, WHITE);
    }
    meme
}

/// A photo with words on a white band above it, which has a tenth of the height.
pub fn meme_with_band(photo: &RgbImage, rng: &mut Rng) -> RgbImage {
    let (width, height) = photo.dimensions();
    let band = height / 9;
    let mut meme = plain(width, height + band, WHITE);
    overlay(&mut meme, photo, 0, band.into());
    let size = (band / 3, band / 2);
    write(&mut meme, &words(rng, 4), (band / 4, band / 4), size, BLACK);
    meme
}

/// Four photos of one size side by side, on white ground.
pub fn collage(photos: &[RgbImage; 4]) -> RgbImage {
    const GAP: u32 = 20;
    let (width, height) = photos[0].dimensions();
    let mut sheet = plain(2 * width + 3 * GAP, 2 * height + 3 * GAP, WHITE);
    for (at, photo) in (0..).zip(photos) {
        overlay(&mut sheet, photo, (GAP + at % 2 * (width + GAP)).into(), (GAP + at / 2 * (height + GAP)).into());
    }
    sheet
}

/// A photo on a page with text above and below. It is at most 1060 pixels wide and 900 high.
pub fn page_with(photo: &RgbImage, rng: &mut Rng) -> RgbImage {
    let mut page = plain(1240, 1754, WHITE);
    let above = paragraph(&mut page, &words(rng, 90), 90);
    overlay(&mut page, photo, i64::from(1240 - photo.width()) / 2, i64::from(above) + 20);
    paragraph(&mut page, &words(rng, 120), above + photo.height() + 60);
    page
}

/// A photo of 1080 pixels width on the screen of a phone, with the controls of a program.
pub fn screenshot(photo: &RgbImage) -> RgbImage {
    let mut screen = plain(1080, 2340, [24; 3]);
    write(&mut screen, "10:41", (60, 30), (24, 36), WHITE);
    fill(&mut screen, (60, 140), (500, 40), [180; 3]);
    overlay(&mut screen, photo, 0, (2340 - i64::from(photo.height())) / 2);
    for at in 0..6 {
        fill(&mut screen, (80 + 160 * at, 2220), (60, 60), [200, 210, 220]);
    }
    screen
}

/// A photo of a print that lies on a desk, turned by some degrees.
pub fn print(photo: &RgbImage, degrees: f32, rng: &mut Rng) -> RgbImage {
    let (width, height) = (photo.width() * 13 / 10, photo.height() * 13 / 10);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let mut desk = RgbImage::from_fn(width, height, |x, y| {
        // Grain of wood.
        let shade = 90.0 + 14.0 * ((y as f32) * 0.09 + ((x as f32) * 0.011).sin() * 2.0).sin();
        Rgb([(shade * 1.25) as u8, shade as u8, (shade * 0.7) as u8])
    });
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (x as f32 - width as f32 / 2.0, y as f32 - height as f32 / 2.0);
            let u = dx * cos + dy * sin + photo.width() as f32 / 2.0;
            let v = dy * cos - dx * sin + photo.height() as f32 / 2.0;
            if u >= 0.0 && v >= 0.0 && u < photo.width() as f32 && v < photo.height() as f32 {
                // Paper shows fewer tones than a screen.
                let pixel = photo.get_pixel(u as u32, v as u32).0.map(|value| (f32::from(value) * 0.82 + 22.0) as u8);
                desk.put_pixel(x, y, Rgb(pixel));
            }
        }
    }
    grain(&mut desk, 4, rng);
    desk
}
