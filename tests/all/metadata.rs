//! What files say of a photo: which stays, what would be lost, and times that are corrected.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use exif::{Field, In, Tag, Value as ExifValue};
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::photos;
use crate::support::{BEFORE_METADATA, Instance, array, names, wait_until};

/// An XMP packet.
fn packet(properties: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'>
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description
         xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/'>{properties}</rdf:Description>
         </rdf:RDF></x:xmpmeta>"
    )
}

/// A JPEG with an XMP packet.
fn described(jpeg: &[u8], properties: &str) -> Vec<u8> {
    let segment = format!("http://ns.adobe.com/xap/1.0/\0{}", packet(properties));
    let length = (segment.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, segment.as_bytes(), &jpeg[2..]].concat()
}

/// A PNG with a chunk after its header.
fn png_with(png: &[u8], kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let (header, rest) = png.split_at(8 + 25);
    let chunk = [&kind[..], body].concat();
    let crc = !chunk.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    });
    [header, &(body.len() as u32).to_be_bytes(), &chunk, &crc.to_be_bytes(), rest].concat()
}

/// A WebP with a chunk after its picture, and the header that announces EXIF.
fn webp_with_exif(webp: &[u8], (width, height): (u32, u32), exif: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], body: &[u8]| {
        let mut chunk = [&kind[..], &(body.len() as u32).to_le_bytes(), body].concat();
        chunk.resize(chunk.len() + body.len() % 2, 0);
        chunk
    };
    let size = [width, height].map(|side| (side - 1).to_le_bytes());
    let header = chunk(b"VP8X", &[&[8, 0, 0, 0], &size[0][..3], &size[1][..3]].concat());
    let chunks = [b"WEBP", &header[..], &webp[12..], &chunk(b"EXIF", exif)].concat();
    [b"RIFF", &(chunks.len() as u32).to_le_bytes()[..], &chunks].concat()
}

const RATED: &str = "<xmp:Rating>5</xmp:Rating>";
const KEYWORDS: &str = "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>summer</rdf:li></rdf:Bag></dc:subject>";

fn could_go(instance: &Instance, folder: &Path) -> (String, String) {
    let output = instance.run([OsStr::new("dupes"), OsStr::new("--format=paths0"), folder.as_os_str()]);
    assert!(output.status.success(), "{output:?}");
    let [listed, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (listed.replace(&format!("{}/", folder.display()), ""), said)
}

#[test]
fn the_file_with_what_a_person_said_stays_and_nothing_said_is_lost() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    // The plain file has the better name.
    fs::write(folder.join("a.jpg"), &photo).expect("written");
    fs::write(folder.join("a (1).jpg"), described(&photo, RATED)).expect("written");
    let answer = instance.dupes(&folder);
    let photo_of = |answer: &Value| answer["clusters"][0]["photos"][0].clone();
    let files = photo_of(&answer);
    assert_eq!(files["kept_by"], "description");
    assert_eq!(files["files"][0]["metadata"]["rating"], 5);
    assert_eq!((&files["files"][0]["metadata_lost"], &files["files"][1]["metadata_lost"]), (&json!([]), &json!([])));
    assert_eq!(could_go(&instance, &folder), ("a.jpg\0".to_owned(), String::new()));

    // Now each file has something that the other has not.
    fs::write(folder.join("a.jpg"), described(&photo, KEYWORDS)).expect("written");
    let photo = photo_of(&instance.dupes(&folder));
    let lost: Vec<&Value> = array(&photo["files"]).iter().map(|file| &file["metadata_lost"]).collect();
    assert_eq!(lost[0], &json!([]));
    assert!([json!(["rating"]), json!(["keywords"])].contains(lost[1]), "{lost:?}");
    let (listed, said) = could_go(&instance, &folder);
    assert!(listed.is_empty() && said.contains("would be lost"), "{listed} {said}");
    let shown = instance.ok([OsStr::new("dupes"), folder.as_os_str()]);
    assert!(shown.contains("only this file has: "), "{shown}");
}

#[test]
fn of_a_png_a_webp_and_a_tiff_the_file_with_what_a_person_said_stays() {
    let instance = Instance::new();
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let degrees = |whole: u32| ExifValue::Rational(vec![(whole, 1).into(), (30, 1).into(), (0, 1).into()]);
    let direction = |letter: &[u8]| ExifValue::Ascii(vec![letter.to_vec()]);
    let place = photos::exif(&[
        field(Tag::GPSLatitudeRef, direction(b"N")),
        field(Tag::GPSLatitude, degrees(52)),
        field(Tag::GPSLongitudeRef, direction(b"W")),
        field(Tag::GPSLongitude, degrees(13)),
    ]);
    let picture = photos::open("00003");
    let png = photos::png(&picture);
    let webp = fs::read(photos::path("00003")).expect("a test photo");
    let rated = png_with(&png, b"iTXt", format!("XML:com.adobe.xmp\0\0\0\0\0{}", packet(RATED)).as_bytes());
    let placed = webp_with_exif(&webp, picture.dimensions(), &place);
    let caption = field(Tag::ImageDescription, ExifValue::Ascii(vec![b"On the beach".to_vec()]));
    let captioned = photos::tiff(&picture, &[caption]);
    for (name, plain, described, kind, said) in [
        ("png", png, rated, "rating", json!(5)),
        ("webp", webp, placed, "position", json!({"latitude": 52.5, "longitude": -13.5})),
        ("tif", photos::tiff(&picture, &[]), captioned, "caption", json!("On the beach")),
    ] {
        let folder = instance.folder(name);
        // The plain file has the better name.
        fs::write(folder.join(format!("a.{name}")), plain).expect("written");
        fs::write(folder.join(format!("a (1).{name}")), described).expect("written");
        let answer = instance.dupes(&folder);
        let files: Vec<&Value> = array(&answer["clusters"][0]["photos"]).iter().flat_map(|photo| array(&photo["files"])).collect();
        assert_eq!(files.len(), 2, "{name}: {answer}");
        assert_eq!(files[0]["path"], folder.join(format!("a (1).{name}")).to_str().expect("a path"), "{name}");
        assert_eq!((&files[0]["metadata"][kind], &files[1]["metadata"][kind]), (&said, &Value::Null), "{name}");
        assert_eq!((&files[0]["metadata_lost"], &files[1]["metadata_lost"]), (&json!([]), &json!([])), "{name}");
        assert_eq!(could_go(&instance, &folder), (format!("a.{name}\0"), String::new()), "{name}");
    }
}

#[test]
fn a_film_goes_only_with_a_file_that_has_the_same_one() {
    let instance = Instance::new();
    let photo = photos::jpeg(&photos::open("00003"), 90);
    let with_film = |jpeg: &[u8], byte: u8, length: usize| [jpeg, &vec![byte; length]].concat();
    let folder = instance.folder("films");
    fs::write(folder.join("a.jpg"), with_film(&photo, 1, 50_000)).expect("written");
    fs::write(folder.join("b.jpg"), with_film(&photo, 2, 50_001)).expect("written");
    let (listed, said) = could_go(&instance, &folder);
    assert!(listed.is_empty() && said.contains("trailer in") && said.contains("would be lost"), "{listed} {said}");
    let answer = instance.dupes(&folder);
    let files = array(&answer["clusters"][0]["photos"]).iter().flat_map(|photo| array(&photo["files"]));
    assert_eq!(files.map(|file| &file["metadata_lost"]).collect::<Vec<_>>(), [&json!([]), &json!(["trailer"])]);

    let folder = instance.folder("film");
    fs::write(folder.join("a.jpg"), with_film(&photo, 1, 50_000)).expect("written");
    fs::write(folder.join("b.jpg"), with_film(&described(&photo, RATED), 1, 50_000)).expect("written");
    let listed = ("a.jpg\0".to_owned(), String::new());
    assert_eq!(could_go(&instance, &folder), listed);
    // Of an earlier version only the length is known. The files are read again, because they have one picture.
    instance.kill();
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    assert!(index.execute("UPDATE metadata SET trailer = NULL", []).expect("forgotten") > 0);
    wait_until("the two are read", || could_go(&instance, &folder) == listed);
}

#[test]
fn zeros_after_the_picture_make_no_file_worth_more() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    fs::write(folder.join("a.jpg"), &photo).expect("written");
    fs::write(folder.join("a copy.jpg"), [&photo[..], &vec![0; 50_000]].concat()).expect("written");
    assert_eq!(could_go(&instance, &folder), ("a copy.jpg\0".to_owned(), String::new()));
    let shown = instance.ok([OsStr::new("dupes"), folder.as_os_str()]);
    assert!(shown.contains("more zeros at its end"), "{shown}");
    // The same length, and another picture: one of the two may be damaged.
    let mut damaged = photo.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    damaged.resize(photo.len() + 50_000, 0);
    fs::write(folder.join("a copy.jpg"), damaged).expect("written");
    assert_eq!(could_go(&instance, &folder).0, "");
}

#[test]
fn while_the_source_may_be_damaged_no_version_of_it_is_listed() {
    let instance = Instance::new();
    let picture = photos::open("00003");
    let jpeg = photos::jpeg(&picture, 90);
    for (name, damage) in [("one byte", &[0x55; 1][..]), ("zeros", &[0; 300])] {
        let folder = instance.folder(name);
        let mut damaged = jpeg.clone();
        let at = jpeg.len() * 19 / 20;
        damaged[at..at + damage.len()].copy_from_slice(damage);
        fs::write(folder.join("a.jpg"), damaged).expect("written");
        fs::write(folder.join("a copy.jpg"), &jpeg).expect("written");
        fs::write(folder.join("small.jpg"), photos::jpeg(&photos::half(&picture), 85)).expect("written");
        // With copies alone the answer leaves out the damaged file with zeros, which is told to be an edit.
        for relation in ["edit", "copy,edit", "identical,copy,edit"] {
            let options = ["dupes", "--format=paths0", "--relation", relation].map(OsStr::new);
            let output = instance.run(options.into_iter().chain([folder.as_os_str()]));
            let listed = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && listed.is_empty(), "{name} {relation}: {listed}");
        }
    }
}

#[test]
fn what_is_not_stored_of_a_file_is_not_lost_with_it() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let picture = photos::open("00003");
    let write = |name: &str, jpeg: Vec<u8>, more: &[Field]| {
        fs::write(folder.join(name), photos::with_exif(&jpeg, "2026:05:01 10:00:00", more)).expect("written");
    };
    write("a.jpg", photos::jpeg(&picture, 90), &[]);
    write("small.jpg", photos::jpeg(&photos::half(&picture), 85), &[]);
    assert_eq!(could_go(&instance, &folder), ("small.jpg\0".to_owned(), String::new()));
    let lens = Field { tag: Tag::LensModel, ifd_num: In::PRIMARY, value: ExifValue::Ascii(vec![b"RF50mm".to_vec()]) };
    write("small.jpg", photos::jpeg(&photos::half(&picture), 85), std::slice::from_ref(&lens));
    let (listed, said) = could_go(&instance, &folder);
    assert!(listed.is_empty() && said.contains("lens in") && said.contains("small.jpg would be lost"), "{listed} {said}");
    write("a.jpg", photos::jpeg(&picture, 90), &[lens]);
    assert_eq!(could_go(&instance, &folder), ("small.jpg\0".to_owned(), String::new()));
}

#[test]
fn a_caption_in_a_text_stays_with_its_photo() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    for name in ["a", "b"] {
        fs::create_dir(folder.join(name)).expect("made");
        fs::write(folder.join(name).join("IMG_1.jpg"), &photo).expect("written");
    }
    let (listed, _) = could_go(&instance, &folder);
    let [goes, stays] = if listed.starts_with("a/") { ["a", "b"] } else { ["b", "a"] };
    let caption = |folder_name: &str, name: &str| fs::write(folder.join(folder_name).join(name), "Ann").expect("written");
    caption(goes, "notes.txt");
    assert_eq!(could_go(&instance, &folder).0, format!("{goes}/IMG_1.jpg\0"), "it is of no photo");
    caption(goes, "IMG_1.jpg.txt");
    assert_eq!(could_go(&instance, &folder).0, format!("{stays}/IMG_1.jpg\0"));
    // Both have it, so one of the two goes as a whole.
    caption(stays, "IMG_1.jpg.txt");
    let (listed, said) = could_go(&instance, &folder);
    assert!(listed.contains("IMG_1.jpg\0") && listed.contains("IMG_1.jpg.txt\0"), "{listed} {said}");
}

#[test]
fn what_picasa_says_of_a_photo_is_not_lost_with_it() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let [plain, starred] = ["a", "b"].map(|name| folder.join(name));
    for folder in [&plain, &starred] {
        fs::create_dir(folder).expect("made");
        fs::write(folder.join("IMG_1.jpg"), photos::jpeg(&photos::open("00003"), 90)).expect("written");
    }
    assert!(could_go(&instance, &folder).0.contains("IMG_1.jpg"));
    for folder in [&plain, &starred] {
        fs::write(folder.join(".picasa.ini"), "[IMG_1.jpg]\nbackuphash=1\n").expect("written");
    }
    assert!(could_go(&instance, &folder).0.contains("IMG_1.jpg"), "it says nothing of the photo");
    let (listed, _) = could_go(&instance, &folder);
    let goes = if listed.starts_with("a/") { &plain } else { &starred };
    fs::write(goes.join(".picasa.ini"), "[IMG_1.jpg]\nstar=yes\n").expect("written");
    let (listed, said) = could_go(&instance, &folder);
    assert!(listed.is_empty() && said.contains("Picasa keeps of"), "{listed} {said}");
}

#[test]
fn further_frames_go_only_with_a_file_that_has_them() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let frame = |name| Frame::new(DynamicImage::from(photos::open(name)).to_rgba8());
    let mut film = Vec::new();
    GifEncoder::new(&mut film).encode_frames([frame("00003"), frame("00009")]).expect("encodes");
    let first = image::load_from_memory(&film).expect("a picture").to_rgb8();
    fs::write(folder.join("a.gif"), &film).expect("written");
    fs::write(folder.join("a.png"), photos::png(&first)).expect("written");
    let (listed, said) = could_go(&instance, &folder);
    assert!(!listed.contains("a.gif"), "{listed} {said}");
    let lost = |answer: &Value| {
        let files = array(&answer["clusters"][0]["photos"]).iter().flat_map(|photo| array(&photo["files"]));
        let of_film = files.clone().find(|file| file["path"].as_str().is_some_and(|path| path.ends_with(".gif")));
        (files.count(), of_film.expect("the film")["metadata_lost"].clone())
    };
    assert_eq!(lost(&instance.dupes(&folder)), (2, json!(["other-metadata"])), "{listed} {said}");
    assert!(said.contains("would be lost"), "{said}");
}

#[test]
fn a_corrected_time_counts_and_what_a_deleted_file_said_does_not() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    let taken = |name: &str, time: &str| fs::write(folder.join(name), photos::taken(&photo, time)).expect("written");
    let shown = || instance.dupes(&folder)["clusters"][0]["photos"][0]["taken"].clone();
    taken("a.jpg", "2026:05:01 10:00:00");
    fs::write(folder.join("b.jpg"), described(&photo, RATED)).expect("written");
    assert_eq!(shown(), "2026-05-01T10:00:00");
    taken("a.jpg", "2026:05:01 11:00:00");
    assert_eq!(shown(), "2026-05-01T11:00:00");
    assert_eq!(instance.counter("decoded"), 1);
    fs::remove_file(folder.join("a.jpg")).expect("removed");
    fs::write(folder.join("c.jpg"), described(&photo, KEYWORDS)).expect("written");
    assert_eq!(shown(), Value::Null);
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let stored: i64 = index.query_row("SELECT count(*) FROM metadata", [], |row| row.get(0)).expect("counted");
    assert_eq!(stored, 2, "one for each file");
}

#[test]
fn files_of_an_older_version_are_read_for_metadata_when_it_matters() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    fs::write(folder.join("a.jpg"), described(&photo, RATED)).expect("written");
    fs::write(folder.join("b.jpg"), &photo).expect("written");
    // Equal bytes say the same, and a photo alone has no copy that could go.
    let other = photos::jpeg(&photos::open("00009"), 90);
    for name in ["c.jpg", "d.jpg"] {
        fs::write(folder.join(name), &other).expect("written");
    }
    fs::write(folder.join("e.jpg"), photos::jpeg(&photos::open("00011"), 90)).expect("written");
    let before = names(&instance.dupes(&folder));
    let listed = could_go(&instance, &folder);
    let work = || ["read", "decoded", "embedded"].map(|counter| instance.counter(counter));
    let [read, decoded, embedded] = work();
    instance.kill();
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    index.execute_batch(BEFORE_METADATA).expect("as the version before left it");
    assert_eq!(names(&instance.dupes(&folder)), before);
    let described = || index.query_row("SELECT count(*) FROM metadata", [], |row| row.get::<_, i64>(0)).unwrap_or_default();
    wait_until("the two are read", || described() == 2);
    assert_eq!(could_go(&instance, &folder), listed);
    assert_eq!(work(), [read + 2, decoded, embedded]);
}
