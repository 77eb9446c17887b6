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

/// Makes memes of one photo, each with a copy. Returns their names.
fn memes(folder: &Path, photo: &str, draw: impl Fn(&RgbImage, &mut Rng) -> RgbImage) -> Vec<Vec<String>> {
    let photo = crop_imm(&photos::large(photo), 200, 350, 1200, 900).to_image();
    (0..3).map(|number| with_half(folder, &format!("meme{number}"), &draw(&photo, &mut Rng::with_seed(number)))).collect()
}

/// The words differ in 3 % of the picture, which a photo and the same with a text do too. So they are edits, but never copies.
#[test]
fn of_memes_with_words_on_a_band_only_the_copies_can_go() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let expected = memes(&folder, "00003", drawn::meme_with_band);
    let listed = instance.ok([OsStr::new("dupes"), OsStr::new("--format=paths0"), folder.as_os_str()]);
    let listed: Vec<&str> = listed.split_terminator('\0').collect();
    let halves: Vec<String> = expected.iter().map(|names| folder.join(&names[0]).display().to_string()).collect();
    assert!(!listed.is_empty() && listed.iter().all(|path| halves.iter().any(|half| half == path)), "{listed:?}");
}

#[test]
fn memes_with_words_on_the_photo_are_apart_and_have_their_copies() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let expected = memes(&folder, "00040", drawn::meme);
    assert_eq!(names(&instance.dupes(&folder)), expected);
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
