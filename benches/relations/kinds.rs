//! Kinds of files of which is known what they are to each other: drawn pages and memes, collages, panoramas, what a messenger
//! sends, edits of which one is the source, and different photos.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use image::RgbImage;
use image::imageops::crop_imm;
use similard::learn::edits::{EDITED_JPEG_QUALITY, edits, jpeg as edited_jpeg};

use super::answers::{Answer, Models, Read};
use super::drawn::{self, Page};
use super::made::{self, Made, fitted, half, large, sample, sent, taken, with_six_edits, with_two_copies, with_width};
use super::pictures::{self, Result, all};
use super::score::{Across, HEAD, Label, Score, Truth, Version};

/// The least photos that the kinds are made of.
const MIN_PHOTOS: usize = 16;

/// How many pages have one layout.
const PAGES: usize = 10;

/// How many photos are templates of memes, and how many memes are made of each.
const TEMPLATES: usize = 3;
const MEMES: usize = 6;

/// The most collages, pages with a photo, and panoramas.
const COLLAGES: usize = 20;
const PAGES_WITH_PHOTO: usize = 20;
const PANORAMAS: usize = 20;

/// The frames of a panorama, and the share of each that the next one shows too.
const FRAMES_OF_PANORAMA: u32 = 3;
const OVERLAP: f64 = 0.4;

/// The quality of a camera's own JPEG.
const CAMERA_JPEG_QUALITY: u8 = 97;

/// The edits of each of the different photos.
const EDITS: usize = 6;

/// The first letters of the names of edits that change the size, the compression or the turn only.
const COPIES: [&str; 5] = ["resize_", "thumbnail_", "jpeg_", "quarter_turn", "half_turn"];

/// What is made of one photo or drawn together, at a time of its own: not all files of a kind are in memory.
type Subject<'a> = Box<dyn Fn() -> Result<Vec<Made>> + Sync + 'a>;

struct Kind<'a> {
    name: String,
    subjects: Vec<Subject<'a>>,
    across: Across,
}

impl<'a> Kind<'a> {
    /// A kind of which two exposures are different pictures.
    fn new(name: impl Into<String>, subjects: Vec<Subject<'a>>) -> Kind<'a> {
        Kind { name: name.into(), subjects, across: HashMap::new() }
    }
}

/// A frame of the burst that the benchmark is about, with the name of its scene.
pub struct Frame {
    pub path: PathBuf,
    pub scene: String,
}

/// Makes all kinds from a sample of the photos, and prints how right the answers about them are.
pub fn print(folder: &Path, count: usize, frames: &[Frame], every: usize, seed: u64) -> Result<()> {
    let photos = sample(folder, count, seed)?;
    if photos.len() < MIN_PHOTOS {
        let found = photos.len();
        return Err(format!("{}: {found} photos, and at least {MIN_PHOTOS} are needed: name a larger folder", folder.display()).into());
    }
    let models = Models::embedded()?;
    println!("\nSynthetic kinds of pictures, from {} photos and the frames, seed {seed}:\n\n{HEAD}", photos.len());
    let mut kinds: Vec<Kind<'_>> = Page::ALL.iter().map(|(page, name)| pages(*page, name, seed)).collect();
    kinds.push(memes("memes, words on the photo", drawn::meme, &photos, seed));
    kinds.push(memes("memes, words on a band", drawn::meme_with_band, &photos, seed));
    kinds.extend([
        collages(&photos, seed),
        pages_with_photo(&photos, seed),
        panoramas(&photos, seed),
        messenger(frames, every),
        sources(&photos, seed),
        different(&photos, seed),
    ]);
    let mut faults = String::new();
    for kind in &kinds {
        let score = scored(kind, &models).map_err(|e| format!("{}: {e}", kind.name))?;
        println!("{}", score.row(&kind.name));
        faults += &score.faults(&kind.name);
    }
    println!("\nThe first of each fault:\n\n{}", if faults.is_empty() { "none" } else { &faults });
    Ok(())
}

/// Makes and reads the files of a kind, and asks what they are to each other.
fn scored(kind: &Kind<'_>, models: &Models) -> Result<Score> {
    let parts: Vec<&[Subject<'_>]> = kind.subjects.chunks(kind.subjects.len().div_ceil(8).max(1)).collect();
    let read = all(&parts, |part| {
        let mut encoder = models.encoder()?;
        let mut files: Vec<(Label, Read)> = Vec::new();
        for subject in *part {
            for Made { label, bytes } in subject()? {
                let read = Read::of(&label.name, &bytes, &mut encoder)?;
                files.push((label, read));
            }
        }
        Ok(files)
    })?;
    let (labels, files): (Vec<Label>, Vec<Read>) = read.into_iter().flatten().unzip();
    Ok(Score::of(&labels, &kind.across, &Answer::about(&files, models)?))
}

/// Returns a seed for one subject.
fn seed_of(seed: u64, number: usize) -> u64 {
    seed.wrapping_mul(1_000_003).wrapping_add(number as u64)
}

/// Returns all photos with their numbers.
fn numbered(photos: &[PathBuf]) -> impl Iterator<Item = (usize, &Path)> {
    photos.iter().map(PathBuf::as_path).enumerate()
}

fn pages(page: Page, name: &str, seed: u64) -> Kind<'static> {
    let subject = |number: usize| -> Subject<'static> {
        Box::new(move || {
            let drawn = page.drawn(&mut Rng::with_seed(seed_of(seed, number)));
            let original = if page.is_of_screen() { drawn::png(&drawn) } else { made::jpeg(&drawn, 85) };
            Ok(with_two_copies(&format!("{number:02}"), number, &drawn, original))
        })
    };
    Kind::new(name, (0..PAGES).map(subject).collect())
}

fn memes<'a>(name: &str, draw: fn(&RgbImage, &mut Rng) -> RgbImage, photos: &'a [PathBuf], seed: u64) -> Kind<'a> {
    let subject = |(template, path): (usize, &'a Path)| -> Subject<'a> {
        Box::new(move || {
            let photo = fitted(&large(path, 1200, seed)?, 1200, 900);
            let mut rng = Rng::with_seed(seed_of(seed, template));
            let meme = |number: usize| {
                let meme = draw(&photo, &mut rng);
                let original = made::jpeg(&meme, 85);
                with_two_copies(&format!("{template}-{number}"), MEMES * template + number, &meme, original)
            };
            Ok((0..MEMES).flat_map(meme).collect())
        })
    };
    Kind::new(name, numbered(&photos[..TEMPLATES]).map(subject).collect())
}

/// Four photos, and a collage of them.
fn collages(photos: &[PathBuf], seed: u64) -> Kind<'_> {
    let mut across = Across::new();
    let mut subjects: Vec<Subject<'_>> = Vec::new();
    for (number, four) in photos.chunks_exact(4).take(COLLAGES).enumerate() {
        let (first, collage) = (5 * number, 5 * number + 4);
        across.extend((first..collage).map(|photo| ((photo, collage), Truth::Part)));
        subjects.push(Box::new(move || {
            let mut files = Vec::new();
            let mut cells = Vec::new();
            for (path, exposure) in four.iter().zip(first..) {
                let photo = large(path, 1600, seed_of(seed, exposure))?;
                files.push(Made::new(format!("camera/{exposure:03}.jpg"), exposure, Version::Original, taken(&photo, exposure)?));
                cells.push(fitted(&photo, 1120, 840));
            }
            let cells: [RgbImage; 4] = cells.try_into().expect("four photos");
            let drawn = made::jpeg(&drawn::collage(&cells), 90);
            files.push(Made::new(format!("collage-{number:02}.jpg"), collage, Version::Original, drawn));
            Ok(files)
        }));
    }
    Kind { across, ..Kind::new("collages of four photos", subjects) }
}

/// A photo, and a page of text with it.
fn pages_with_photo(photos: &[PathBuf], seed: u64) -> Kind<'_> {
    let mut across = Across::new();
    let mut subjects: Vec<Subject<'_>> = Vec::new();
    for (number, path) in numbered(photos).take(PAGES_WITH_PHOTO) {
        across.insert((2 * number, 2 * number + 1), Truth::Part);
        subjects.push(Box::new(move || {
            let seed = seed_of(seed, number);
            let photo = large(path, 1600, seed)?;
            let page = drawn::page_with(&with_width(&photo, 1060, 900), &mut Rng::with_seed(seed));
            Ok(vec![
                Made::new(format!("camera/{number:03}.jpg"), 2 * number, Version::Original, taken(&photo, number)?),
                Made::new(format!("page-{number:02}.jpg"), 2 * number + 1, Version::Original, made::jpeg(&page, 85)),
            ])
        }));
    }
    Kind { across, ..Kind::new("pages with one photo", subjects) }
}

/// Frames along the longer side of a large photo, each with a copy of half its size.
fn panoramas(photos: &[PathBuf], seed: u64) -> Kind<'_> {
    let of_one = FRAMES_OF_PANORAMA as usize;
    let mut across = Across::new();
    let mut subjects: Vec<Subject<'_>> = Vec::new();
    for (number, path) in numbered(photos).take(PANORAMAS) {
        let first = of_one * number;
        across.extend((first..first + of_one - 1).map(|frame| ((frame, frame + 1), Truth::Series)));
        subjects.push(Box::new(move || {
            let photo = large(path, 2640, seed_of(seed, number))?;
            let (width, height) = photo.dimensions();
            let long = width.max(height);
            let side = (f64::from(long) / (1.0 + (1.0 - OVERLAP) * f64::from(FRAMES_OF_PANORAMA - 1))) as u32;
            let mut files = Vec::new();
            for (at, frame) in (0..FRAMES_OF_PANORAMA).zip(first..) {
                let start = (f64::from(at * side) * (1.0 - OVERLAP)) as u32;
                let (left, top, width, height) = if width >= height { (start, 0, side, height) } else { (0, start, width, side) };
                let cut = crop_imm(&photo, left, top, width, height).to_image();
                let name = format!("{number:02}-{at}");
                files.push(Made::new(format!("{name}.jpg"), frame, Version::Original, made::jpeg(&cut, 90)));
                files.push(Made::new(format!("{name}-half.jpg"), frame, Version::Copy, made::jpeg(&half(&cut), 80)));
            }
            Ok(files)
        }));
    }
    Kind { across, ..Kind::new("frames of panoramas", subjects) }
}

/// The frames with their EXIF, and what a messenger made of some.
fn messenger<'a>(frames: &'a [Frame], every: usize) -> Kind<'a> {
    let mut across = Across::new();
    for (b, of_b) in frames.iter().enumerate() {
        let of_scene = frames[..b].iter().enumerate().filter(|(_, of_a)| of_a.scene == of_b.scene);
        across.extend(of_scene.map(|(a, _)| ((a, b), Truth::Series)));
    }
    let subject = |(number, Frame { path, .. }): (usize, &'a Frame)| -> Subject<'a> {
        Box::new(move || {
            let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let copy = if number.is_multiple_of(every) { Some(sent(path, &bytes)?) } else { None };
            let copy = copy.map(|copy| Made::new(format!("sent/{number:04}.jpg"), number, Version::Copy, copy));
            Ok([Made::new(format!("camera/{number:04}.jpg"), number, Version::Original, bytes)].into_iter().chain(copy).collect())
        })
    };
    Kind { across, ..Kind::new("frames sent by a messenger", frames.iter().enumerate().map(subject).collect()) }
}

/// Photos with six edits each, of which the photo is the source.
fn sources<'a>(photos: &'a [PathBuf], seed: u64) -> Kind<'a> {
    let subject =
        |(number, path): (usize, &'a Path)| -> Subject<'a> { Box::new(move || with_six_edits(path, number, seed_of(seed, number))) };
    Kind::new("sources among six edits", numbered(photos).map(subject).collect())
}

/// Different photos, compressed as by a camera, with edits of the table.
fn different<'a>(photos: &'a [PathBuf], seed: u64) -> Kind<'a> {
    let subject = |(number, path): (usize, &'a Path)| -> Subject<'a> {
        Box::new(move || {
            let mut rng = Rng::with_seed(seed_of(seed, number));
            let original = pictures::picture(path)?;
            let bytes = edited_jpeg(&original, CAMERA_JPEG_QUALITY);
            let mut files = vec![Made::new(format!("{number:04}.jpg"), number, Version::Original, bytes)];
            for edit in rng.choose_multiple(edits(), EDITS) {
                let is_copy = COPIES.iter().any(|first| edit.name.starts_with(first));
                let version = if is_copy { Version::Copy } else { Version::Edit };
                let bytes = edited_jpeg(&edit.apply(&original, rng.u64(..)), EDITED_JPEG_QUALITY);
                files.push(Made::new(format!("{number:04}-{}.jpg", edit.name), number, version, bytes));
            }
            Ok(files)
        })
    };
    Kind::new("different photos with their edits", numbered(photos).map(subject).collect())
}
