//! Photos to index: edited versions of the pictures in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use image::RgbImage;
use image::imageops::{self, FilterType};
use similard::vision::Limits;
use similard::vision::decode::decode;

use crate::photos;

/// The most pictures that are taken from a folder.
const SOURCES: usize = 64;

/// The longest edge, in pixels.
const EDGE: u32 = 1024;

/// Makes photos, all of them different.
pub struct Maker {
    sources: Vec<RgbImage>,
    rng: Rng,
}

impl Maker {
    /// Takes pictures of the folder, evenly spread over all it has.
    pub fn new(folder: &Path) -> Maker {
        let mut files = files(folder);
        files.sort();
        let mut sources: Vec<RgbImage> = Vec::new();
        for number in 0..files.len().min(2 * SOURCES) {
            let path = &files[number * files.len() / files.len().min(2 * SOURCES)];
            let decoded = fs::read(path).ok().and_then(|bytes| decode(&bytes, &Limits::default()).ok());
            let picture = decoded.map(|d| d.picture).and_then(|p| RgbImage::from_raw(p.dimensions.width, p.dimensions.height, p.rgb));
            sources.extend(picture.map(small));
            if sources.len() == SOURCES {
                break;
            }
        }
        assert!(!sources.is_empty(), "{} holds no pictures", folder.display());
        Maker { sources, rng: Rng::with_seed(11) }
    }

    /// A crop of one of the pictures, perhaps smaller, warmer or grey, as a JPEG.
    pub fn photo(&mut self) -> Vec<u8> {
        let picture = self.rng.choice(&self.sources).expect("there are some");
        let share = 0.6 + 0.4 * self.rng.f32();
        let (w, h) = ((picture.width() as f32 * share) as u32, (picture.height() as f32 * share) as u32);
        let (x, y) = (self.rng.u32(0..=picture.width() - w), self.rng.u32(0..=picture.height() - h));
        let crop = imageops::crop_imm(picture, x, y, w, h).to_image();
        let edited = match self.rng.u8(..6) {
            0 => photos::grey(&crop),
            1 => photos::warm(&crop),
            2 => photos::half(&crop),
            _ => crop,
        };
        photos::jpeg(&edited, self.rng.u8(50..95))
    }

    /// A picture of this size with sensor noise, as a camera would take it.
    pub fn large(&mut self, width: u32, height: u32, noise: &[i8]) -> Vec<u8> {
        let picture = self.rng.choice(&self.sources).expect("there are some");
        let mut large = imageops::resize(picture, width, height, FilterType::Nearest);
        let from = self.rng.usize(..noise.len());
        let noise = noise.iter().cycle().skip(from);
        large.iter_mut().zip(noise).for_each(|(value, noise)| *value = value.saturating_add_signed(*noise));
        photos::jpeg(&large, 90)
    }

    /// Writes `count` photos. Returns their total size in bytes.
    pub fn fill(&mut self, folder: &Path, count: usize) -> u64 {
        let photos = (0..count).map(|number| {
            let photo = self.photo();
            fs::write(folder.join(format!("{number:04}.jpg")), &photo).expect("written");
            photo.len() as u64
        });
        photos.sum()
    }
}

/// The files under a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn small(picture: RgbImage) -> RgbImage {
    let edge = picture.width().max(picture.height());
    if edge <= EDGE {
        return picture;
    }
    let scaled = |length: u32| (length * EDGE / edge).max(1);
    imageops::resize(&picture, scaled(picture.width()), scaled(picture.height()), FilterType::Triangle)
}
