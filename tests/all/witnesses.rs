//! What cameras, programs and names say beside the clock: it tells exposures from versions, and each pair says why.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use exif::{Field, In, Tag, Value as ExifValue};
use image::imageops::{FilterType, resize};
use image::{Luma, Rgb, RgbImage};
use serde_json::Value;

use crate::photos;
use crate::support::{Instance, array, names};

const TIME: &str = "2026:05:01 10:00:00";

fn scene(name: &str) -> RgbImage {
    photos::half(&photos::large(name))
}

/// A picture with the grain of one exposure: all but equal to those with another grain.
fn grained(picture: &RgbImage, seed: u64) -> RgbImage {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut out = picture.clone();
    out.pixels_mut().for_each(|Rgb(pixel)| *pixel = pixel.map(|value| value.saturating_add(random.u8(..4))));
    out
}

/// A picture with a texture over all of it, so that it agrees as little as another frame of a tripod.
fn textured(picture: &RgbImage) -> RgbImage {
    let mut random = fastrand::Rng::with_seed(7);
    let texture = image::GrayImage::from_fn(160, 160, |_, _| Luma([random.u8(..)]));
    let texture = resize(&texture, picture.width(), picture.height(), FilterType::Triangle);
    let mut out = picture.clone();
    for (Rgb(pixel), Luma([level])) in out.pixels_mut().zip(texture.pixels()) {
        let more = (f32::from(*level) / 255.0 - 0.5) * 80.0;
        *pixel = pixel.map(|value| (f32::from(value) + more).clamp(0.0, 255.0) as u8);
    }
    out
}

/// A JPEG with the id of a document in XMP.
fn of_document(jpeg: &[u8], id: &str) -> Vec<u8> {
    let segment = format!(
        "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description
         xmlns:xmpMM='http://ns.adobe.com/xap/1.0/mm/' xmpMM:DocumentID='xmp.did:{id}'/></rdf:RDF></x:xmpmeta>"
    );
    let length = (segment.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, segment.as_bytes(), &jpeg[2..]].concat()
}

/// The relation of two files, and the codes of its reasons.
fn compared(instance: &Instance, a: &Path, b: &Path) -> (String, Vec<String>) {
    let answer = instance.json([OsStr::new("compare"), OsStr::new("--format=json"), a.as_os_str(), b.as_os_str()]);
    (text(&answer["relation"]), codes(&answer))
}

fn codes(pair: &Value) -> Vec<String> {
    array(&pair["reasons"]).iter().map(|reason| text(&reason["code"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn the_ids_of_a_camera_tell_frames_that_are_all_but_equal() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let [first, second] = ["00040", "00009"].map(scene);
    let [one, another] = ["0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c1e", "1a2b3c4d5e6f708192a3b4c5d6e7f809"];
    for (name, picture, seed, id) in
        [("1.jpg", &first, 1, one), ("2.jpg", &first, 2, another), ("3.jpg", &second, 3, one), ("4.jpg", &second, 4, one)]
    {
        // Of two that are saved equally well, either may be the source.
        let quality = if name == "4.jpg" { 88 } else { 90 };
        let value = ExifValue::Ascii(vec![id.as_bytes().to_vec()]);
        let id = Field { tag: Tag::ImageUniqueID, ifd_num: In::PRIMARY, value };
        let jpeg = photos::jpeg(&grained(picture, seed), quality);
        fs::write(folder.join(name), photos::with_exif(&jpeg, TIME, &[id])).expect("written");
    }
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), [["3.jpg", "4.jpg"]]);
    let pair = &answer["clusters"][0]["pairs"][0];
    assert_eq!((pair["relation"].as_str(), pair["direction"].as_str()), (Some("copy"), Some("a-to-b")), "{pair}");
    assert!(pair["overlap"].as_f64().is_some_and(|share| share > 0.98), "{pair}");
    assert_eq!(codes(pair), ["agreement", "version-model", "whole-frame"], "{pair}");
    let [a, b] = ["1.jpg", "2.jpg"].map(|name| folder.join(name));
    assert_eq!(compared(&instance, &a, &b), ("series".into(), vec!["image-id".into()]));
    let said = instance.ok([OsStr::new("compare"), a.as_os_str(), b.as_os_str()]);
    assert!(said.contains("because: one camera gave them different ids"), "{said}");
}

#[test]
fn a_bracket_of_sensitivities_is_told_apart() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let scene = photos::large("00040");
    let exposed = |picture: &RgbImage, iso| {
        let iso = Field { tag: Tag::PhotographicSensitivity, ifd_num: In::PRIMARY, value: ExifValue::Short(vec![iso]) };
        photos::with_exif(&photos::jpeg(picture, 90), TIME, &[iso])
    };
    for (name, stops, iso) in [("middle.jpg", 0.0, 200), ("dark.jpg", -1.0, 100), ("bright.jpg", 1.0, 400)] {
        fs::write(folder.join(name), exposed(&photos::brighter(&scene, stops), iso)).expect("written");
    }
    fs::write(folder.join("edit.jpg"), exposed(&photos::brighter(&scene, 0.5), 200)).expect("written");
    assert_eq!(names(&instance.dupes(&folder)), [["edit.jpg", "middle.jpg"]]);
    let (relation, codes) = compared(&instance, &folder.join("middle.jpg"), &folder.join("dark.jpg"));
    assert_eq!((relation.as_str(), codes), ("series", vec!["exposure".to_owned()]));
}

#[test]
fn the_ids_of_a_document_tell_an_edit_that_could_be_another_frame() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    for (name, picture) in [("with", scene("00009")), ("without", scene("00003"))] {
        for (end, picture) in [("a", &picture), ("b", &textured(&picture))] {
            let jpeg = photos::jpeg(picture, 90);
            let jpeg = if name == "with" { of_document(&jpeg, "0f3c5a7e9b1d2f4a6c8e") } else { jpeg };
            fs::write(folder.join(format!("{name}-{end}.jpg")), jpeg).expect("written");
        }
    }
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), [["with-a.jpg", "with-b.jpg"]]);
    let pair = &answer["clusters"][0]["pairs"][0];
    // What was changed is not seen, so it is no copy, and none may go.
    assert_eq!(
        (pair["relation"].as_str(), &codes(pair)[..2]),
        (Some("edit"), &["document".to_owned(), "agreement".to_owned()][..]),
        "{pair}"
    );
    let could_go = instance.run([OsStr::new("dupes"), OsStr::new("--format=paths0"), folder.as_os_str()]);
    assert!(could_go.stdout.is_empty(), "{could_go:?}");
}

#[test]
fn the_names_of_two_frames_part_what_is_all_but_equal() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    for (scene, names) in [(scene("00040"), ["DSC_0001.jpg", "DSC_0002.jpg"]), (scene("00009"), ["DSC_0010.jpg", "DSC_0010-edit.jpg"])] {
        for (seed, name) in (1..).zip(names) {
            fs::write(folder.join(name), photos::jpeg(&grained(&scene, seed), 90)).expect("written");
        }
    }
    assert_eq!(names(&instance.dupes(&folder)), [["DSC_0010-edit.jpg", "DSC_0010.jpg"]]);
    let (relation, codes) = compared(&instance, &folder.join("DSC_0001.jpg"), &folder.join("DSC_0002.jpg"));
    assert_eq!((relation.as_str(), codes), ("series", vec!["file-name".to_owned()]));
}

/// The field of a place, and the size that the camera wrote.
fn of_place(side: u32) -> Vec<Field> {
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let ascii = |text: &str| ExifValue::Ascii(vec![text.as_bytes().to_vec()]);
    let degrees = || ExifValue::Rational(vec![(48, 1).into(), (12, 1).into(), (30, 1).into()]);
    vec![
        field(Tag::GPSLatitudeRef, ascii("N")),
        field(Tag::GPSLatitude, degrees()),
        field(Tag::GPSLongitudeRef, ascii("E")),
        field(Tag::GPSLongitude, degrees()),
        field(Tag::PixelXDimension, ExifValue::Long(vec![side])),
        field(Tag::PixelYDimension, ExifValue::Long(vec![side])),
    ]
}

#[test]
fn the_source_goes_by_more_than_places_and_bytes() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.join(name), bytes).expect("written");
    let [sea, street, iphone] = ["00040", "00009", "00003"].map(scene);
    let side = sea.width();
    write("sea.jpg", photos::taken(&photos::jpeg(&grained(&sea, 1), 90), TIME));
    // Only the smaller copy says where it was taken, and it still says the size of the original.
    write("small.jpg", photos::with_exif(&photos::jpeg(&photos::half(&sea), 90), TIME, &of_place(side)));
    write("street.jpg", photos::jpeg(&street, 80));
    let inks: Vec<u8> = street.pixels().flat_map(|Rgb([r, g, b])| [255 - r, 255 - g, 255 - b, 0]).collect();
    let mut press = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut press, 95);
    encoder.encode(&inks, street.width() as u16, street.height() as u16, jpeg_encoder::ColorType::Cmyk).expect("encodes");
    write("press.jpg", press);
    write("IMG_1234.JPG", photos::taken(&photos::jpeg(&iphone, 80), "2026:05:03 10:00:00"));
    write("IMG_E1234.JPG", photos::taken(&photos::jpeg(&iphone, 92), "2026:05:03 10:00:00"));

    // What an iPhone edited is one shot with its original.
    let asked = |format| [OsStr::new("dupes"), OsStr::new("--within-shots"), OsStr::new(format), folder.as_os_str()];
    let answer = instance.json(asked("--format=json"));
    let mut sources: Vec<[String; 3]> = array(&answer["clusters"])
        .iter()
        .map(|cluster| {
            let source = text(&cluster["photos"][0]["path"]);
            let name = Path::new(&source).file_name().expect("a name").to_string_lossy().into_owned();
            [name, text(&cluster["source_by"]), text(&cluster["pairs"][0]["relation"])]
        })
        .collect();
    sources.sort();
    let expected = [["IMG_1234.JPG", "plain-name", "edit"], ["sea.jpg", "pixels", "copy"], ["street.jpg", "rgb", "edit"]];
    assert_eq!(sources, expected.map(|source| source.map(str::to_owned)), "{answer}");
    let said = instance.ok(asked("--format=text"));
    assert!(
        said.contains("edit · named as one") && said.contains("edit · in other inks (CMYK)") && said.contains("source · RGB, not CMYK"),
        "{said}"
    );
}

#[test]
fn where_nothing_tells_the_source_the_answer_says_so() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let scene = scene("00040");
    // A format whose files have one size whatever they show.
    for (seed, name) in [(1, "a.bmp"), (2, "b.bmp")] {
        grained(&scene, seed).save(folder.join(name)).expect("saved");
    }
    let answer = instance.dupes(&folder);
    let cluster = &answer["clusters"][0];
    assert!(matches!(cluster["source_by"].as_str(), Some("oldest" | "path")), "{cluster}");
    assert_eq!((&cluster["ties"], &cluster["pairs"][0]["direction"]), (&serde_json::json!([1]), &Value::Null), "{cluster}");
    let text = instance.ok([OsStr::new("dupes"), folder.as_os_str()]);
    assert!(text.contains(" · as good as "), "{text}");
    let [a, b] = ["a.bmp", "b.bmp"].map(|name| folder.join(name));
    let said = instance.ok([OsStr::new("compare"), a.as_os_str(), b.as_os_str()]);
    assert!(said.contains("it is not known which is the source"), "{said}");
    let could_go = instance.run([OsStr::new("dupes"), OsStr::new("--format=paths0"), folder.as_os_str()]);
    assert!(could_go.stdout.is_empty(), "{could_go:?}");
}
