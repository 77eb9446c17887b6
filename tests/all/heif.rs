//! HEIC files: beside their export as JPEG and a crop of it, and after an update.

use std::fs;

use image::RgbImage;
use rusqlite::Connection;
use serde_json::json;
use similard::vision::heif;

use crate::cameras::camera_files;
use crate::photos;
use crate::support::{Instance, array, names, skip};

/// A real file of 1280 × 854 pixels, and its picture.
fn real() -> Option<(Vec<u8>, RgbImage)> {
    let Ok(bytes) = fs::read(camera_files()?.join("more/heic/strukturag-example.heic")) else {
        skip("the camera files are not here");
        return None;
    };
    let bounds = heif::Bounds { short_side: u32::MAX, pixels: 1 << 28 };
    let heif::Rgb { width, height, pixels } = heif::whole(&bytes, bounds).expect("it is whole");
    Some((bytes, RgbImage::from_raw(width, height, pixels).expect("as many pixels")))
}

#[test]
fn a_heic_file_is_the_source_of_its_export_and_of_a_crop() {
    let Some((bytes, picture)) = real() else { return };
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("written");
    write("IMG_1.HEIC", &bytes);
    write("export.jpg", &photos::jpeg(&picture, 90));
    write("crop.jpg", &photos::jpeg(&photos::crop(&picture, 0.6), 90));
    write("other.jpg", &photos::jpeg(&photos::open("00009"), 90));
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), [["IMG_1.HEIC", "crop.jpg", "export.jpg"]]);
    assert_eq!((&answer["coverage"]["indexed"], &answer["coverage"]["unsupported"]), (&json!(4), &json!(0)));
    let photos = array(&answer["clusters"][0]["photos"]);
    let source = photos.iter().find(|photo| photo["source"] == true).expect("a source");
    assert_eq!((&source["format"], &source["width"], &source["height"]), (&json!("heic"), &json!(1280), &json!(854)));
}

/// Files that an older version counted as HEIC are read, and no other file.
#[test]
fn an_update_reads_heic_files_that_were_not_read() {
    let Some((bytes, _)) = real() else { return };
    let instance = Instance::new();
    let folder = instance.folder("photos");
    fs::write(folder.join("a.heic"), bytes).expect("written");
    fs::write(folder.join("b.jpg"), photos::jpeg(&photos::open("00009"), 90)).expect("written");
    fs::write(folder.join("c.raf"), photos::unread()).expect("written");
    instance.dupes(&folder);
    let read = instance.counter("read");
    instance.stop();
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let older = "INSERT INTO failures (root, path, stage, reason)
             SELECT root, path, 'unsupported', 'heic is not read by this version' FROM files WHERE path = CAST('a.heic' AS BLOB);
         UPDATE files SET photo = NULL, content = NULL WHERE path = CAST('a.heic' AS BLOB);
         DROP TABLE others; DROP INDEX files_unread_by_size;
         DROP INDEX photos_of_unknown_colours; ALTER TABLE photos DROP COLUMN converted; PRAGMA user_version = 17;";
    index.execute_batch(older).expect("as the version before left it");
    drop(index);
    let answer = instance.dupes(&folder);
    assert_eq!((&answer["coverage"]["indexed"], &answer["coverage"]["unsupported"]), (&json!(2), &json!(1)), "{answer}");
    assert_eq!(answer["unsupported_formats"], json!({ "raw": 1 }));
    assert_eq!(instance.counter("read"), read + 1);
}
