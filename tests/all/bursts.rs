//! Frames of one scene are not versions, and their copies do not join them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use image::imageops::{FilterType, crop_imm, overlay, resize};
use image::{Rgb, RgbImage};
use jpeg_decoder::Decoder;
use serde_json::Value;

use crate::photos;
use crate::support::{Instance, array, names, skip};

/// Three frames of a burst, a second apart and shifted a little. A small copy of the first keeps its EXIF, and a
/// black-and-white version of the second has lost it.
fn burst(folder: &Path) {
    let scene = photos::large("00040");
    let frame = |at: u32| -> RgbImage { crop_imm(&scene, at * 50, at * 30, 1400, 1400).to_image() };
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.join(name), bytes).expect("written");
    for (name, at) in [("frame1.jpg", 0), ("frame2.jpg", 1), ("frame3.jpg", 2)] {
        write(name, photos::taken(&photos::jpeg(&frame(at), 90), &format!("2026:05:01 10:00:0{at}")));
    }
    write("small1.jpg", photos::taken(&photos::jpeg(&photos::half(&frame(0)), 80), "2026:05:01 10:00:00"));
    write("grey2.jpg", photos::jpeg(&photos::grey(&frame(1)), 80));
}

#[test]
fn a_burst_is_not_a_cluster_and_its_versions_stay_with_their_frame() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    burst(&folder);
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), [["frame1.jpg", "small1.jpg"], ["frame2.jpg", "grey2.jpg"]]);
    for cluster in array(&answer["clusters"]) {
        assert_eq!(cluster["scene"], serde_json::json!({ "frames": 3, "seconds": 2.0 }), "{cluster}");
    }
    let text = instance.ok([OsStr::new("dupes"), folder.as_os_str()]);
    assert_eq!(text.matches("  1 series · 3 frames in 2 s; 4 files, ").count(), 1, "{text}");
    assert!(text.contains("2 photos have versions.\n") && text.contains("  held apart as frames of a series  "), "{text}");
    let apart = &answer["held_apart"]["series"];
    assert!(text.contains(&format!("{} pairs of {} photos  simctl dupes --relation series", apart["pairs"], apart["photos"])), "{text}");
    // The version without EXIF is of another exposure too, by that of its frame.
    let [bare, frame] = ["grey2.jpg", "frame1.jpg"].map(|name| folder.join(name));
    let two = instance.json(["compare".as_ref(), "--format=json".as_ref(), bare.as_os_str(), frame.as_os_str()]);
    assert_eq!((&two["relation"], &two["reasons"][0]["code"]), (&"series".into(), &"time".into()), "{two}");
    let amount = |relation: &str| answer["found"][relation]["photos"].as_u64();
    assert_eq!((amount("copy"), amount("edit"), amount("series")), (Some(1), Some(1), None), "{answer}");
    assert!(answer["held_apart"]["series"]["photos"] == answer["series"] && answer["series"].as_u64() > Some(2), "{answer}");
    let could_go = instance.ok([OsStr::new("dupes"), OsStr::new("--format=paths0"), folder.as_os_str()]);
    assert!(!could_go.contains("frame"), "no frame may go: {could_go:?}");

    let pairs = instance.ok([OsStr::new("pairs"), folder.as_os_str()]);
    assert!(!pairs.contains("series") && pairs.contains("copy") && pairs.contains("edit"), "{pairs}");
    let compared = instance.ok([OsStr::new("compare"), folder.join("frame1.jpg").as_os_str(), folder.join("frame3.jpg").as_os_str()]);
    assert!(compared.contains("two exposures"), "{compared}");
}

#[test]
fn an_answer_about_one_file_counts_what_is_near_it() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    burst(&folder);
    fs::write(folder.join("other.jpg"), photos::jpeg(&photos::open(photos::NAMES[1]), 90)).expect("written");
    fs::write(folder.join("scan.jp2"), b"\0\0\0\x0cjP  \r\n\x87\n").expect("written");
    let about = |name: &str| instance.json([OsStr::new("dupes"), OsStr::new("--format=json"), folder.join(name).as_os_str()]);
    let other = about("other.jpg");
    assert!(other["held_apart"].is_null() && other["unsupported_formats"] == serde_json::json!({}), "{other}");
    let frame = about("frame3.jpg");
    let pairs = |answer: &Value| answer["held_apart"]["series"]["pairs"].as_u64();
    assert!(pairs(&frame) >= Some(2), "{frame}");
    assert!(pairs(&frame) < pairs(&instance.dupes(&folder)), "not those of the other frames: {frame}");
}

#[test]
fn a_series_is_stars_side_by_side() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    burst(&folder);
    // Versions that are in no series.
    photos::library(&folder, &["00003"]);
    let stars = [vec!["frame1.jpg", "small1.jpg"], vec!["frame2.jpg", "grey2.jpg"], vec!["frame3.jpg"]];
    let asked = |relations: &str| -> Value {
        let relation = format!("--relation={relations}");
        instance.json([OsStr::new("dupes"), OsStr::new(&relation), OsStr::new("--format=json"), folder.as_os_str()])
    };
    let series = asked("series");
    assert_eq!(names(&series), stars);
    for star in array(&series["clusters"]) {
        assert_eq!((&star["series"], &star["photos"][0]["source"]), (&series["clusters"][0]["id"], &true.into()), "{star}");
        assert!(array(&star["pairs"]).iter().all(|pair| pair["relation"] != "series"), "{star}");
    }
    assert_eq!((&series["found"]["series"]["photos"], &series["held_apart"]["series"]), (&2.into(), &Value::Null), "{series}");
    let all = asked("identical,copy,edit,part,series,unknown");
    assert!(names(&all).starts_with(&names(&asked("identical,copy,edit"))[..1]), "{all}");
    assert!(stars.iter().all(|star| names(&all).contains(&star.iter().map(|name| (*name).to_owned()).collect())), "{all}");
    assert!(!array(&asked("unknown,part")["clusters"]).iter().any(|cluster| cluster["series"] != Value::Null));

    let text = instance.ok([OsStr::new("dupes"), OsStr::new("--relation=series"), folder.as_os_str()]);
    let further = text.lines().find(|line| line.contains("  further frames of each series  ")).unwrap_or_default();
    assert!(text.contains("  1 series · 3 frames in 2 s; 5 files, ") && further.contains("  2 photos ("), "{text}");
    let files = text.lines().filter(|line| line.starts_with("    ") && !line.contains("simctl "));
    let rows: Vec<[&str; 2]> = files.filter_map(|line| Some([line.split_whitespace().next()?, line.rsplit_once('/')?.1])).collect();
    let expected =
        [("source", "frame1.jpg"), ("copy", "small1.jpg"), ("source", "frame2.jpg"), ("edit", "grey2.jpg"), ("frame", "frame3.jpg")];
    assert_eq!(rows, expected.map(|(what, name)| [what, name]), "{text}");
    let could_go = instance.ok([OsStr::new("dupes"), OsStr::new("--format=paths0"), OsStr::new("--relation=series"), folder.as_os_str()]);
    assert!(could_go.is_empty(), "{could_go:?}");

    // One after another, as a client that asks for parts of an answer gets them.
    let mut after = String::new();
    let mut parts = Vec::new();
    loop {
        let part = instance.get(&format!("/v1/clusters?relation=series&limit=1{after}")).1;
        parts.extend(names(&part));
        let Some(next) = part["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    parts.sort();
    assert_eq!(parts, stars);
}

/// Also where two photos by themselves would be something else: a version of one frame is no version of the next.
#[test]
fn compare_says_what_dupes_says() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    burst(&folder);
    // It has more pixels than its source, and lost what the camera wrote.
    let scene = photos::large("00009");
    let [small, large] = ["small.jpg", "large.jpg"].map(|name| folder.join(name));
    fs::write(&small, photos::taken(&photos::jpeg(&photos::half(&scene), 90), "2026:05:02 10:00:00")).expect("written");
    fs::write(&large, photos::jpeg(&scene, 90)).expect("written");
    // The relation, the source, the changes, and whether both are in the index.
    type Said = (Value, Value, Value, Value);
    let compare = |a: &Path, b: &Path| -> Said {
        let words = ["compare".as_ref(), "--format=json".as_ref(), a.as_os_str(), b.as_os_str()];
        let answer = instance.json(words);
        (answer["relation"].clone(), answer["source"].clone(), answer["changes"].clone(), answer["indexed"].clone())
    };
    let path = |path: &Value| PathBuf::from(path.as_str().expect("a path"));
    let unread: Said = ("copy".into(), 0.into(), Value::Null, false.into());
    assert_eq!(compare(&small, &large), unread, "nothing is in the index yet");

    let answer = instance.dupes(&folder);
    let clusters = array(&answer["clusters"]);
    assert_eq!(clusters.len(), 3, "{answer}");
    for cluster in clusters {
        let photos = array(&cluster["photos"]);
        assert_eq!((photos.len(), array(&cluster["pairs"]).len()), (2, 1), "{cluster}");
        let [source, version] = [0, 1].map(|at: usize| path(&photos[at]["path"]));
        let pair = &cluster["pairs"][0];
        let said = |source: u64| -> Said { (pair["relation"].clone(), source.into(), pair["changes"].clone(), true.into()) };
        assert_eq!(compare(&source, &version), said(0), "{cluster}");
        assert_eq!(compare(&version, &source), said(1), "{cluster}");
    }
    assert_eq!(clusters.iter().filter(|cluster| path(&cluster["photos"][0]["path"]) == small).count(), 1, "{answer}");
    let pairs = instance.get("/v1/pairs?relation=copy,edit,part,series,unknown").1;
    assert!(array(&pairs["pairs"]).len() > 3, "{pairs}");
    for pair in array(&pairs["pairs"]) {
        let [a, b] = ["a", "b"].map(|side| path(&pair[side]["path"]));
        assert_eq!(compare(&a, &b).0, pair["relation"], "{pair}");
    }
}

#[test]
fn a_bracket_within_one_second_is_told_by_its_shutter_speeds() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let scene = photos::large("00040");
    let time = "2026:05:01 10:00:00";
    for (name, stops, shutter) in [("middle.jpg", 0.0, 200), ("dark.jpg", -1.0, 400), ("bright.jpg", 1.0, 100)] {
        let frame = photos::jpeg(&photos::brighter(&scene, stops), 90);
        fs::write(folder.join(name), photos::exposed(&frame, time, shutter)).expect("written");
    }
    let edit = photos::jpeg(&photos::brighter(&photos::half(&scene), 0.5), 90);
    fs::write(folder.join("edit.jpg"), photos::exposed(&edit, time, 200)).expect("written");
    assert_eq!(names(&instance.dupes(&folder)), [["edit.jpg", "middle.jpg"]]);
}

#[test]
fn an_enlarged_copy_is_no_source_though_it_has_all_that_the_camera_wrote() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let mut random = fastrand::Rng::with_seed(1);
    let mut taken = photos::large("00040");
    // The grain of a sensor, which the enlarged photo of the test lacks.
    taken.pixels_mut().for_each(|Rgb(pixel)| {
        let grain = random.u8(..10);
        *pixel = pixel.map(|value| value.saturating_add(grain));
    });
    let enlarged = resize(&taken, 2 * taken.width(), 2 * taken.height(), FilterType::CatmullRom);
    for (name, picture, quality) in [("taken.jpg", &taken, 92), ("enlarged.jpg", &enlarged, 80)] {
        fs::write(folder.join(name), photos::taken(&photos::jpeg(picture, quality), "2026:05:01 10:00:00")).expect("written");
    }
    let answer = instance.dupes(&folder);
    assert_eq!(answer["clusters"][0]["source_by"], "detail", "{answer}");
    let source = answer["clusters"][0]["photos"][0]["path"].as_str().expect("a path");
    assert!(source.ends_with("taken.jpg"), "{source}");
    // It may be the other way round: a soft original beside a sharp half of it.
    let could_go = instance.run([OsStr::new("dupes"), OsStr::new("--format=paths0"), folder.as_os_str()]);
    let said = String::from_utf8_lossy(&could_go.stderr);
    assert!(could_go.stdout.is_empty() && said.contains("may be enlarged"), "{said}");
}

#[test]
fn a_collage_is_a_version_of_no_photo_and_a_screenshot_is_one_of_its_photo() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let write = |name: &str, picture: &RgbImage| fs::write(folder.join(name), photos::jpeg(picture, 90)).expect("written");
    let [first, second, third] = ["00040", "00003", "00009"].map(photos::large);
    let (mut collage, mut screenshot) = (RgbImage::from_pixel(1700, 820, Rgb([255; 3])), RgbImage::from_pixel(900, 1900, Rgb([24; 3])));
    for (left, photo) in [(20, &first), (870, &second)] {
        overlay(&mut collage, &photos::half(photo), left, 10);
    }
    overlay(&mut screenshot, &photos::half(&third), 50, 400);
    // The controls of a program.
    overlay(&mut screenshot, &RgbImage::from_pixel(500, 40, Rgb([180; 3])), 60, 60);
    for at in 0..6 {
        overlay(&mut screenshot, &RgbImage::from_pixel(60, 60, Rgb([200, 210, 220])), 60 + 140 * at, 1750);
    }
    for (name, picture) in
        [("a.jpg", &first), ("b.jpg", &second), ("c.jpg", &third), ("collage.jpg", &collage), ("screen.jpg", &screenshot)]
    {
        write(name, picture);
    }
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), [["c.jpg", "screen.jpg"]]);
    let cluster = &array(&answer["clusters"])[0];
    assert_eq!((&cluster["photos"][0]["source"], cluster["source_by"].as_str()), (&true.into(), Some("whole-frame")), "{cluster}");
    assert!(array(&cluster["photos"][0]["paths"])[0].as_str().is_some_and(|path| path.ends_with("c.jpg")), "{cluster}");
    assert_eq!(cluster["pairs"][0]["changes"][0]["change"], "screenshot", "{cluster}");
    assert!(answer["parts"].as_u64() > Some(0), "the collage is counted: {answer}");
}

/// A JPEG without what its camera wrote.
fn stripped(jpeg: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (jpeg[..2].to_vec(), 2);
    while jpeg[at + 1] != 0xda {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] != 0xe1 {
            out.extend(&jpeg[at..end]);
        }
        at = end;
    }
    out.extend(&jpeg[at..]);
    out
}

#[test]
fn frames_of_real_scenes_are_apart_and_each_version_is_with_its_frame() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bursts");
    let scenes = std::env::var_os("SIMILARD_SCENES").map_or(beside, PathBuf::from);
    if !scenes.is_dir() {
        return skip("the frames of real scenes are not here");
    }
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let mut expected = BTreeSet::new();
    for scene in ["banana", "et", "lund", "sceaux"] {
        let frames = fs::read_dir(scenes.join(scene)).expect("frames").map(|entry| entry.expect("an entry").path());
        let mut frames: Vec<_> = frames.filter(|path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("jpg"))).collect();
        frames.sort();
        for (number, path) in frames.iter().enumerate() {
            let frame = format!("{scene}-{number}");
            fs::write(folder.join(format!("{frame}.jpg")), stripped(&fs::read(path).expect("a frame"))).expect("written");
            if number % 3 == 0 {
                let mut decoder = Decoder::new(File::open(path).expect("a frame"));
                let pixels = decoder.decode().expect("decodes");
                let size = decoder.info().expect("decoded");
                let picture = RgbImage::from_raw(size.width.into(), size.height.into(), pixels).expect("in colour");
                let write = |name: &str, picture: &RgbImage, quality| {
                    fs::write(folder.join(format!("{frame}-{name}.jpg")), photos::jpeg(picture, quality)).expect("written");
                };
                write("half", &photos::half(&picture), 80);
                write("warm", &photos::warm(&picture), 85);
                write("crop", &photos::crop(&picture, 0.7), 85);
                let star = ["-crop", "-half", "-warm", ""].map(|version| format!("{frame}{version}.jpg"));
                expected.insert(star.to_vec());
            }
        }
    }
    let answer = instance.dupes(&folder);
    let found: BTreeSet<Vec<String>> = names(&answer).into_iter().collect();
    assert_eq!(found, expected);
}
