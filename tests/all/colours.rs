//! Photos in other colours than those of sRGB, and what an update reads again for them.

use std::fs;

use image::RgbImage;
use jpeg_encoder::{ColorType, Encoder};
use moxcms::{ColorProfile, Layout, TransformOptions};
use rusqlite::Connection;

use crate::photos;
use crate::support::{Instance, array, names, wait_until};

/// A JPEG in other colours, with their profile.
pub fn with_profile(picture: &RgbImage, colours: &ColorProfile) -> Vec<u8> {
    let to = ColorProfile::new_srgb().create_transform_8bit(Layout::Rgb, colours, Layout::Rgb, TransformOptions::default());
    let mut pixels = vec![0; picture.as_raw().len()];
    to.expect("a way").transform(picture.as_raw(), &mut pixels).expect("converts");
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 92);
    encoder.add_icc_profile(&colours.encode().expect("a profile")).expect("small enough");
    encoder.encode(&pixels, picture.width() as u16, picture.height() as u16, ColorType::Rgb).expect("encodes");
    bytes
}

/// Of each photo: its file, whether its colours were converted, and the version that decoded it.
fn converted(instance: &Instance) -> Vec<(String, Option<bool>, i64)> {
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let mut statement = index
        .prepare("SELECT CAST(f.path AS TEXT), p.converted, p.decoding FROM photos p JOIN files f ON f.photo = p.id ORDER BY f.path")
        .expect("a query");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    rows.collect::<rusqlite::Result<_>>().expect("values")
}

#[test]
fn an_export_in_other_colours_is_like_one_in_srgb_and_an_update_reads_it_alone_again() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let (large, other) = (photos::large("00003"), photos::large("00009"));
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("written");
    write("a-adobe.jpg", &with_profile(&large, &ColorProfile::new_adobe_rgb()));
    write("a.jpg", &photos::jpeg(&large, 90));
    write("b-plain.jpg", &photos::jpeg(&photos::half(&other), 90));
    write("b-srgb.jpg", &with_profile(&other, &ColorProfile::new_srgb()));
    let dupes = || {
        let answer = instance.dupes(&folder);
        assert_eq!(names(&answer), [["a-adobe.jpg", "a.jpg"], ["b-plain.jpg", "b-srgb.jpg"]]);
        array(&answer["clusters"][0]["pairs"])[0]["distance"].as_f64().expect("a distance")
    };
    let near = dupes();
    let now = converted(&instance);
    let is_converted: Vec<Option<bool>> = now.iter().map(|(_, converted, _)| *converted).collect();
    assert_eq!(is_converted, [true, false, false, false].map(Some), "{now:?}");
    let kept = || {
        let file = Connection::open(instance.data_dir().join("pictures.db")).expect("opens");
        let mut statement = file.prepare("SELECT jpeg, decoding FROM pictures ORDER BY picture").expect("a query");
        let rows = statement.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))).expect("rows");
        rows.collect::<rusqlite::Result<Vec<_>>>().expect("values")
    };
    let pictures = kept();
    let work = || ["read", "decoded", "embedded"].map(|counter| instance.counter(counter));
    let [read, decoded, embedded] = work();
    instance.stop();
    // An older version kept the picture as it was stored, and did not look for a profile.
    let as_before = Connection::open(instance.data_dir().join("pictures.db")).expect("opens");
    let other_picture =
        "UPDATE pictures SET decoding = 1, jpeg = (SELECT jpeg FROM pictures WHERE decoding < 1000 LIMIT 1) WHERE decoding > 1000;";
    as_before.execute_batch(other_picture).expect("as the version before left it");
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let older = "UPDATE photos SET decoding = 1; DROP INDEX photos_of_unknown_colours; ALTER TABLE photos DROP COLUMN converted;
         DELETE FROM settings WHERE name LIKE 'pictures%'; PRAGMA user_version = 20;";
    index.execute_batch(older).expect("as the version before left it");
    drop((index, as_before));
    dupes();
    wait_until("all files were looked at", || converted(&instance) == now && kept() == pictures);
    assert_eq!(work(), [read + 1, decoded + 1, embedded], "of the others only the beginning was read");
    // What was made of the old picture is made again when the daemon starts.
    instance.stop();
    assert_eq!(dupes(), near);
    assert_eq!(work(), [read + 1, decoded + 1, embedded + 1]);
    assert!(near < 0.02, "{near}");
}
