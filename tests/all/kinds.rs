//! What looks alike and is another picture: pages of one layout, memes of one photo, and photos in a collage or on a page.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use image::RgbImage;
use image::imageops::crop_imm;

use crate::photos;
use crate::support::{Instance, names};

// The benchmark draws more kinds, and more of each.
#[allow(dead_code)]
#[path = "../../benches/relations/drawn.rs"]
mod drawn;

use drawn::Page;

/// Writes a picture and a copy of half its size. Returns their names, as a cluster has them.
fn with_half(folder: &Path, name: &str, picture: &RgbImage) -> Vec<String> {
    let files = [format!("{name}-half.jpg"), format!("{name}.jpg")];
    for (file, bytes) in files.iter().zip([photos::jpeg(&photos::half(picture), 80), photos::jpeg(picture, 85)]) {
        fs::write(folder.join(file), bytes).expect("written");
    }
    files.to_vec()
}

#[test]
fn pages_that_differ_in_their_text_alone_are_apart_and_have_their_copies() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let mut expected = Vec::new();
    for (page, name) in [(Page::Book, "book"), (Page::Chat, "chat"), (Page::Slide, "slide")] {
        for number in 0..3 {
            let drawn = page.drawn(&mut Rng::with_seed(number));
            expected.push(with_half(&folder, &format!("{name}{number}"), &drawn));
        }
    }
    assert_eq!(names(&instance.dupes(&folder)), expected);
}

/// Makes memes of one photo, each with a copy, and compares the clusters.
fn memes_are_apart(photo: &str, draw: impl Fn(&RgbImage, &mut Rng) -> RgbImage) {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = crop_imm(&photos::large(photo), 200, 350, 1200, 900).to_image();
    let meme = |number| with_half(&folder, &format!("meme{number}"), &draw(&photo, &mut Rng::with_seed(number)));
    let expected: Vec<Vec<String>> = (0..3).map(meme).collect();
    assert_eq!(names(&instance.dupes(&folder)), expected);
}

/// The band has a tenth of the height.
#[test]
fn memes_with_words_on_a_band_are_apart_and_have_their_copies() {
    memes_are_apart("00003", drawn::meme_with_band);
}

#[test]
fn memes_with_words_on_the_photo_are_apart_and_have_their_copies() {
    memes_are_apart("00040", drawn::meme);
}

#[test]
fn photos_in_a_collage_and_on_a_page_are_parts_and_no_versions() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let write = |name: &str, picture: &RgbImage| fs::write(folder.join(name), photos::jpeg(picture, 90)).expect("written");
    let four = ["00003", "00009", "00011", "00040"].map(photos::large);
    let fifth = photos::large("00034");
    for (name, photo) in ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"].iter().zip(four.iter().chain([&fifth])) {
        write(name, photo);
    }
    write("collage.jpg", &drawn::collage(&four.each_ref().map(photos::half)));
    write("page.jpg", &drawn::page_with(&photos::half(&fifth), &mut Rng::with_seed(1)));
    assert_eq!(names(&instance.dupes(&folder)), Vec::<Vec<String>>::new());
    let parts = instance.json([OsStr::new("dupes"), OsStr::new("--relation=part"), OsStr::new("--format=json"), folder.as_os_str()]);
    assert_eq!(names(&parts), [&["a.jpg", "b.jpg", "c.jpg", "collage.jpg", "d.jpg"][..], &["e.jpg", "page.jpg"]]);
}
