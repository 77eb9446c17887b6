//! RAW files: read by their previews, beside the JPEG of the camera, and after an update.

use std::ffi::OsStr;
use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::cameras::{camera_files, preview};
use crate::photos;
use crate::support::{Instance, array, names, skip};

const TIME: &str = "2026:05:01 10:00:00";

/// A RAW file of a photo, with a smaller preview.
fn raw(name: &str) -> Vec<u8> {
    photos::raf(&photos::taken(&photos::jpeg(&photos::half(&photos::large(name)), 80), TIME), (3200, 3200))
}

#[test]
fn a_raw_file_is_the_source_of_its_jpeg_and_of_a_crop_and_nothing_of_it_can_go() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let large = photos::large("00003");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("written");
    write("IMG_1.RAF", &raw("00003"));
    write("IMG_1.JPG", &photos::taken(&photos::jpeg(&large, 90), TIME));
    write("crop.jpg", &photos::jpeg(&photos::crop(&large, 0.6), 90));
    // Some programs name a developed picture like its RAW file.
    write("IMG_2.NEF", &photos::jpeg(&photos::open("00009"), 90));
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), [["IMG_1.JPG", "IMG_1.RAF", "crop.jpg"]]);
    assert_eq!((&answer["coverage"]["indexed"], &answer["coverage"]["unsupported"]), (&json!(4), &json!(0)));
    let photos = array(&answer["clusters"][0]["photos"]);
    let source = photos.iter().find(|photo| photo["source"] == true).expect("a source");
    assert_eq!((&source["format"], &source["width"], &source["height"]), (&json!("raw"), &json!(3200), &json!(3200)));
    assert_eq!(source["taken"], "2026-05-01T10:00:00");
    let words = ["dupes", "--format=paths0", "--relation=copy,edit,identical"].map(OsStr::new);
    let output = instance.run(words.into_iter().chain([folder.as_os_str()]));
    let [listed, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(listed.is_empty() && said.contains("one of them is a RAW file"), "{listed:?} {said}");
}

#[test]
fn real_raw_files_are_the_sources_of_their_exports_and_of_crops() {
    let Some(files) = camera_files().map(|files| files.join("more/raw")) else { return };
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let mut expected = Vec::new();
    for (letter, name, width) in [
        ("a", "mindeng-canon-r6.cr3", 1620),
        ("b", "Exiv2-Canon-R6-pruned.CR3", 1620),
        ("c", "bep-jølstravatnet.pef", 720),
        ("d", "evanoberholster-CRW.CRW", 1440),
        ("e", "photoprism-canon_eos_6d.dng", 1024),
    ] {
        let Ok(bytes) = fs::read(files.join(name)) else { return skip("the camera files are not here") };
        let picture = preview(&bytes, width);
        let ending = name.rsplit('.').next().expect("an ending");
        let names = [format!("{letter}.{ending}"), format!("{letter}_crop.jpg"), format!("{letter}_export.jpg")];
        let contents = [bytes, photos::jpeg(&photos::crop(&picture, 0.6), 90), photos::jpeg(&picture, 85)];
        names.iter().zip(contents).for_each(|(name, bytes)| fs::write(folder.join(name), bytes).expect("written"));
        expected.push(names.to_vec());
    }
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), expected);
    let is_source = |photo: &&Value| photo["source"] == true;
    let sources = array(&answer["clusters"]).iter().filter_map(|cluster| array(&cluster["photos"]).iter().find(is_source));
    assert!(sources.clone().count() == expected.len() && sources.clone().all(|source| source["format"] == "raw"), "{answer}");
}

#[test]
fn a_dng_without_a_preview_is_developed_and_is_the_source_of_its_export() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let large = photos::large("00009");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("written");
    write("a.dng", &photos::dng(&large));
    write("b.jpg", &photos::jpeg(&large, 90));
    write("crop.jpg", &photos::jpeg(&photos::crop(&large, 0.6), 90));
    write("other.dng", &photos::dng(&photos::large("00021")));
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), [["a.dng", "b.jpg", "crop.jpg"]]);
    assert_eq!((&answer["coverage"]["indexed"], &answer["coverage"]["unsupported"]), (&json!(4), &json!(0)), "{answer}");
    let photos = array(&answer["clusters"][0]["photos"]);
    let source = photos.iter().find(|photo| photo["source"] == true).expect("a source");
    assert_eq!((&source["format"], &source["width"], &source["height"]), (&json!("raw"), &json!(1600), &json!(1600)));
}

/// Files that an older version counted as RAW are read, and no other file.
#[test]
fn an_update_reads_raw_files_that_were_not_read() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    fs::write(folder.join("a.raf"), raw("00003")).expect("written");
    fs::write(folder.join("b.jpg"), photos::jpeg(&photos::open("00009"), 90)).expect("written");
    fs::write(folder.join("c.raf"), photos::unread()).expect("written");
    instance.dupes(&folder);
    let read = instance.counter("read");
    instance.stop();
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let older = "INSERT INTO failures (root, path, stage, reason)
             SELECT root, path, 'unsupported', 'raw is not read by this version' FROM files WHERE path = CAST('a.raf' AS BLOB);
         UPDATE files SET photo = NULL, content = NULL WHERE path = CAST('a.raf' AS BLOB);
         ALTER TABLE metadata DROP COLUMN origin; DROP TABLE others; DROP INDEX files_unread_by_size;
         DROP INDEX photos_of_unknown_colours; ALTER TABLE photos DROP COLUMN converted; PRAGMA user_version = 14;";
    index.execute_batch(older).expect("as the version before left it");
    drop(index);
    let answer = instance.dupes(&folder);
    assert_eq!((&answer["coverage"]["indexed"], &answer["coverage"]["unsupported"]), (&json!(2), &json!(1)), "{answer}");
    assert_eq!(answer["unsupported_formats"], json!({ "raw": 1 }));
    assert_eq!(instance.counter("read"), read + 1);
}
