//! Shots: a RAW file with the picture of the camera, sidecars, films and edits, of which nothing goes alone.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::cameras::{camera_files, preview};
use crate::photos;
use crate::support::{Instance, array, names, skip, wait_until};

const TIME: &str = "2026:05:01 10:00:00";

fn raw(name: &str, time: &str) -> Vec<u8> {
    photos::raf(&photos::taken(&photos::jpeg(&photos::half(&photos::large(name)), 80), time), (3200, 3200))
}

fn picture(name: &str, time: &str) -> Vec<u8> {
    photos::taken(&photos::jpeg(&photos::large(name), 90), time)
}

/// A sidecar with this many stars.
fn rated(stars: u8) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description
         xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='{stars}'/></rdf:RDF></x:xmpmeta>"
    )
}

/// Writes a shot with a sidecar and a film.
fn shot(folder: &Path, stem: &str, photo: &str) {
    fs::create_dir_all(folder).expect("made");
    let write = |ending: &str, bytes: &[u8]| fs::write(folder.join(format!("{stem}.{ending}")), bytes).expect("written");
    write("RAF", &raw(photo, TIME));
    write("JPG", &picture(photo, TIME));
    write("xmp", rated(3).as_bytes());
    write("MOV", b"a film");
}

fn text(instance: &Instance, folder: &Path) -> String {
    instance.ok([OsStr::new("dupes"), folder.as_os_str()])
}

/// What `paths0` lists below a folder, sorted, and what it says.
fn could_go(instance: &Instance, folder: &Path, options: &[&str]) -> (Vec<String>, String) {
    let words = ["dupes", "--format=paths0"].iter().chain(options).map(OsStr::new);
    let output = instance.run(words.chain([folder.as_os_str()]));
    let [listed, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let below = format!("{}/", folder.display());
    let mut listed: Vec<String> = listed.split_terminator('\0').map(|path| path.replace(&below, "")).collect();
    listed.sort();
    (listed, said)
}

/// The row of a file in the text of clusters.
fn row<'a>(text: &'a str, file: &str) -> &'a str {
    text.lines().find(|line| line.contains(file)).unwrap_or_else(|| panic!("no {file} in {text}"))
}

#[test]
fn a_shot_is_one_line_and_goes_as_a_whole_or_not_at_all() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let [a, b] = ["a", "b"].map(|name| folder.join(name));
    shot(&a, "DSC_1", "00003");
    let answer = instance.dupes(&folder);
    assert_eq!((&answer["clusters"], &answer["shots"]), (&json!([]), &json!(1)), "{answer}");
    let said = text(&instance, &folder);
    let beyond = "with versions only in their own shot  1 shot  simctl dupes --within-shots";
    assert!(said.contains("No duplicates found.") && said.contains(beyond), "{said}");
    // Only who asks for it is told that one was made of the other.
    let within = instance.json(["dupes", "--json", "--within-shots", &folder.display().to_string()]);
    assert_eq!(names(&within), [["DSC_1.JPG", "DSC_1.RAF"]]);
    assert_eq!(within["clusters"][0]["within_shots"], true);
    let compared =
        instance.json([OsStr::new("compare"), OsStr::new("--json"), a.join("DSC_1.RAF").as_os_str(), a.join("DSC_1.JPG").as_os_str()]);
    assert_eq!(compared["shot"], true, "{compared}");
    // A copy of the whole shot.
    fs::create_dir(&b).expect("made");
    for ending in ["RAF", "JPG", "xmp", "MOV"] {
        fs::copy(a.join(format!("DSC_1.{ending}")), b.join(format!("DSC_1.{ending}"))).expect("copied");
    }
    let all = ["b/DSC_1.JPG", "b/DSC_1.MOV", "b/DSC_1.RAF", "b/DSC_1.xmp"];
    assert_eq!(could_go(&instance, &folder, &[]), (all.map(str::to_owned).to_vec(), String::new()));
    let said = text(&instance, &folder);
    for line in ["a/DSC_1.RAF +JPG +MOV +xmp", "b/DSC_1.RAF +JPG +MOV +xmp"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!said.contains("a/DSC_1.JPG") && said.contains("4 files of 2 shots"), "{said}");
    let file = &instance.dupes(&folder)["clusters"][0]["photos"][0]["files"][0];
    let kinds: Vec<&str> = array(&file["shot"]).iter().filter_map(|of| of["kind"].as_str()).collect();
    assert_eq!(kinds, ["photo", "photo", "film", "sidecar"]);
    // It is renamed together, and moved to another folder.
    let decoded = instance.counter("decoded");
    let c = folder.join("c");
    fs::create_dir(&c).expect("made");
    for ending in ["RAF", "JPG", "xmp", "MOV"] {
        fs::rename(b.join(format!("DSC_1.{ending}")), c.join(format!("P_7.{ending}"))).expect("renamed");
    }
    let all = ["c/P_7.JPG", "c/P_7.MOV", "c/P_7.RAF", "c/P_7.xmp"];
    assert_eq!(could_go(&instance, &folder, &[]).0, all);
    // A rating makes no photo new. The shot with it stays, and nothing goes as long as the other has words of its own.
    fs::write(c.join("P_7.xmp"), rated(5)).expect("written");
    let (listed, why) = could_go(&instance, &folder, &[]);
    assert!(listed.is_empty() && why.contains("would be lost"), "{listed:?} {why}");
    assert_eq!(instance.counter("decoded"), decoded, "no photo is new");
    // A film that is not the same, and then none at all: the other shot is whole.
    fs::write(c.join("P_7.xmp"), rated(3)).expect("written");
    let written = fs::metadata(c.join("P_7.RAF")).and_then(|found| found.modified()).expect("a time");
    fs::write(c.join("P_7.MOV"), b"b film").expect("written");
    // A film belongs to the photo that was written when it was.
    fs::File::options().write(true).open(c.join("P_7.MOV")).and_then(|film| film.set_modified(written)).expect("set");
    let (listed, why) = could_go(&instance, &folder, &[]);
    assert!(listed.is_empty() && why.contains("P_7.MOV would be lost with its shot"), "{listed:?} {why}");
    fs::remove_file(c.join("P_7.MOV")).expect("removed");
    assert_eq!(could_go(&instance, &folder, &[]).0, ["c/P_7.JPG", "c/P_7.RAF", "c/P_7.xmp"]);
    // Without its picture, the larger shot stays.
    fs::remove_file(a.join("DSC_1.JPG")).expect("removed");
    fs::remove_file(a.join("DSC_1.MOV")).expect("removed");
    assert_eq!(could_go(&instance, &folder, &[]).0, ["a/DSC_1.RAF", "a/DSC_1.xmp"]);
    // One of its files in another folder is another shot, and is said to be one.
    fs::create_dir(folder.join("d")).expect("made");
    fs::rename(c.join("P_7.JPG"), folder.join("d/DSC_1.JPG")).expect("moved");
    let answer = instance.dupes(&folder);
    let unpaired = |answer: &Value, name: &str| {
        let files = array(&answer["clusters"]).iter().flat_map(|c| array(&c["photos"])).flat_map(|photo| array(&photo["files"]));
        files.filter(|file| file["path"].as_str().is_some_and(|path| path.ends_with(name))).map(|file| file["unpaired"].clone()).next()
    };
    assert_eq!(unpaired(&answer, "d/DSC_1.JPG"), Some(json!("other-folder")), "{answer}");
    assert!(row(&text(&instance, &folder), "d/DSC_1.JPG").contains("two shots"));
    // One of several of its name is of none.
    fs::copy(folder.join("d/DSC_1.JPG"), a.join("DSC_1.JPG")).expect("copied");
    fs::write(a.join("DSC_1.jpeg"), photos::taken(&photos::jpeg(&photos::half(&photos::large("00003")), 70), TIME)).expect("written");
    let answer = instance.dupes(&folder);
    for name in ["a/DSC_1.RAF", "a/DSC_1.JPG", "a/DSC_1.jpeg"] {
        assert_eq!(unpaired(&answer, name), Some(json!("several")), "{name} {answer}");
    }
}

#[test]
fn the_identical_file_with_a_rated_sidecar_stays() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    for name in ["a", "b", "c"] {
        fs::create_dir(folder.join(name)).expect("made");
        fs::write(folder.join(name).join("1.jpg"), &photo).expect("written");
    }
    fs::write(folder.join("b/1.xmp"), rated(5)).expect("written");
    let photo_of = |instance: &Instance| instance.dupes(&folder)["clusters"][0]["photos"][0].clone();
    let found = photo_of(&instance);
    assert_eq!((&found["kept_by"], &found["files"][0]["metadata"]["rating"]), (&json!("description"), &json!(5)), "{found}");
    assert_eq!(could_go(&instance, &folder, &[]), (vec!["a/1.jpg".to_owned(), "c/1.jpg".to_owned()], String::new()));
    let id = instance.dupes(&folder)["clusters"][0]["id"].clone();
    // Of a sidecar with the whole name, and one of the same words elsewhere.
    fs::rename(folder.join("b/1.xmp"), folder.join("c/1.jpg.XMP")).expect("renamed");
    assert_eq!(could_go(&instance, &folder, &[]).0, ["a/1.jpg", "b/1.jpg"]);
    fs::copy(folder.join("c/1.jpg.XMP"), folder.join("a/1.xmp")).expect("copied");
    assert_eq!(could_go(&instance, &folder, &[]).0, ["b/1.jpg", "c/1.jpg", "c/1.jpg.XMP"]);
    // Two opinions: both stay.
    fs::write(folder.join("a/1.xmp"), rated(1)).expect("written");
    let (listed, why) = could_go(&instance, &folder, &[]);
    assert_eq!(listed, ["b/1.jpg"], "{why}");
    assert!(why.contains("rating in") && why.contains("would be lost"), "{why}");
    assert_eq!(instance.dupes(&folder)["clusters"][0]["id"], id);
    // What cannot be understood counts as something of its own.
    fs::write(folder.join("a/1.xmp"), "no packet").expect("written");
    let (listed, why) = could_go(&instance, &folder, &[]);
    assert!(listed == ["b/1.jpg"] && !why.is_empty(), "{listed:?} {why}");
}

#[test]
fn a_shot_of_which_a_file_is_away_stays_and_an_edit_of_a_phone_is_of_its_shot() {
    let instance = Instance::new();
    let [here, there] = ["here", "there"].map(|name| instance.folder(name));
    for folder in [&here, &there] {
        shot(folder, "DSC_1", "00003");
    }
    instance.dupes(&there);
    let words = ["dupes", "--format=paths0", "--everywhere", "--partial"].map(OsStr::new);
    let listed = || instance.run(words.iter().copied().chain([here.as_os_str()]));
    assert_eq!(listed().stdout.iter().filter(|byte| **byte == 0).count(), 4);
    fs::rename(&there, there.with_extension("away")).expect("moved");
    wait_until("it is offline", || array(&instance.status()["roots"]).iter().any(|root| root["state"] == "offline"));
    let output = listed();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.stdout.is_empty() && said.contains("is offline"), "{said}");
    // A phone.
    let phone = instance.folder("phone");
    let write = |name: &str, bytes: &[u8]| fs::write(phone.join(name), bytes).expect("written");
    let large = photos::large("00009");
    write("IMG_1234.JPG", &photos::taken(&photos::jpeg(&large, 90), TIME));
    write("IMG_E1234.JPG", &photos::taken(&photos::jpeg(&photos::warm(&large), 90), TIME));
    write("IMG_1234.AAE", b"what was changed");
    write("IMG_1234.MOV", b"a film");
    assert_eq!(instance.dupes(&phone)["clusters"], json!([]));
    write("small.jpg", &photos::jpeg(&photos::half(&large), 60));
    let said = text(&instance, &phone);
    assert!(row(&said, "IMG_1234.JPG").contains("IMG_1234.JPG +IMG_E1234.JPG +MOV +AAE"), "{said}");
    assert!(said.contains("3 files of 2 shots"), "{said}");
}

#[test]
fn a_decision_on_one_file_is_one_on_its_shot() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    for (stem, photo) in [("DSC_1", "00003"), ("DSC_2", "00009")] {
        fs::write(folder.join(format!("{stem}.RAF")), raw(photo, TIME)).expect("written");
        fs::write(folder.join(format!("{stem}.JPG")), picture(photo, TIME)).expect("written");
    }
    let path = |name: &str| folder.join(name).display().to_string();
    // A decision holds for what was read of a shot by then.
    instance.dupes(&folder);
    let made = instance.json(["decide", "same", "--json", &path("DSC_1.JPG"), &path("DSC_2.RAF")]);
    assert_eq!(made["pairs"], 4, "{made}");
    assert_eq!(names(&instance.dupes(&folder)), [["DSC_1.JPG", "DSC_1.RAF", "DSC_2.JPG", "DSC_2.RAF"]]);
    // Whatever file of the shots is named, and whatever they are called.
    fs::rename(folder.join("DSC_1.RAF"), folder.join("P.RAF")).expect("renamed");
    fs::rename(folder.join("DSC_1.JPG"), folder.join("P.JPG")).expect("renamed");
    instance.dupes(&folder);
    let gone = instance.json(["decide", "forget", "--json", &path("P.RAF"), &path("DSC_2.JPG")]);
    assert_eq!((&gone["pairs"], &gone["changed"]), (&json!(4), &json!(4)), "{gone}");
    let answer = instance.dupes(&folder);
    assert_eq!((&answer["clusters"], &answer["shots"]), (&json!([]), &json!(2)));
    // Two files of one shot, if a person says so.
    let made = instance.json(["decide", "different", "--json", &path("P.RAF"), &path("P.JPG")]);
    assert_eq!(made["pairs"], 1);
    assert_eq!(instance.dupes(&folder)["shots"], 1);
}

#[test]
fn a_shot_of_which_a_file_was_moved_to_another_disk_is_two() {
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return skip("there is no /dev/shm") };
    let instance = Instance::new();
    let (here, there) = (instance.folder("here"), memory.path());
    shot(&here, "DSC_1", "00003");
    assert_eq!(instance.dupes(&here)["shots"], 1);
    fs::copy(here.join("DSC_1.JPG"), there.join("DSC_1.JPG")).expect("copied");
    fs::remove_file(here.join("DSC_1.JPG")).expect("removed");
    let ask = |format: &str| {
        let words = ["dupes".into(), format.into(), "--relation=identical,copy,edit".into()];
        instance.run(words.into_iter().chain([here.clone().into_os_string(), there.as_os_str().to_owned()]))
    };
    let answer: Value = serde_json::from_slice(&ask("--format=json").stdout).expect("JSON");
    let files = array(&answer["clusters"][0]["photos"]).iter().flat_map(|photo| array(&photo["files"]));
    let told: Vec<(bool, &Value)> =
        files.map(|file| (file["path"].as_str().is_some_and(|p| p.ends_with("JPG")), &file["unpaired"])).collect();
    assert_eq!(told, [(false, &json!("other-folder")), (true, &json!("other-folder"))], "{answer}");
    assert!(ask("--format=paths0").stdout.is_empty(), "what was made of a RAW file stays, wherever it is");
}

/// Writes a file that was written last at the same time as another one, or long before.
fn written(path: &Path, bytes: &[u8], with: Option<&Path>) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, bytes).expect("written");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    let time = with.map_or(long_ago, |other| fs::metadata(other).and_then(|found| found.modified()).expect("a time"));
    fs::File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("set");
}

#[test]
fn a_film_of_another_time_is_not_left_without_its_photo_and_keeps_the_sidecar_of_its_name() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let path = |name: &str| folder.join(name);
    let photo = photos::jpeg(&photos::open("00003"), 90);
    for name in ["a/IMG_1.JPG", "b/IMG_1.JPG"] {
        written(&path(name), &photo, None);
        fs::File::open(path(name)).and_then(|file| file.set_modified(SystemTime::now())).expect("set");
        written(&path(name).with_extension("xmp"), rated(3).as_bytes(), None);
    }
    // The larger shot stays.
    ["b/IMG_1.JPG.pp3", "b/IMG_1.JPG.dop"].iter().for_each(|name| written(&path(name), name.as_bytes(), None));
    assert_eq!(could_go(&instance, &folder, &[]), (["a/IMG_1.JPG", "a/IMG_1.xmp"].map(str::to_owned).to_vec(), String::new()));
    written(&path("a/IMG_1.MOV"), b"a film", None);
    let (listed, why) = could_go(&instance, &folder, &[]);
    assert!(listed.is_empty() && why.contains("a/IMG_1.MOV would be left without a photo of its name"), "{listed:?} {why}");
    assert!(row(&text(&instance, &folder), "a/IMG_1.JPG").contains("+MOV +xmp"));
    // The shot that stays has the film too. The sidecar of its name stays with it.
    written(&path("b/IMG_1.MOV"), b"a film", None);
    assert_eq!(could_go(&instance, &folder, &[]), (vec!["a/IMG_1.JPG".to_owned()], String::new()));
    // Written when the photo was, it is the film of the photo.
    written(&path("a/IMG_1.MOV"), b"a film", Some(&path("a/IMG_1.JPG")));
    assert_eq!(could_go(&instance, &folder, &[]).0, ["a/IMG_1.JPG", "a/IMG_1.MOV", "a/IMG_1.xmp"]);
}

#[test]
fn the_sidecars_of_a_film_go_with_it_or_stay_with_it() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let path = |name: &str| folder.join(name);
    let photo = photos::jpeg(&photos::open("00003"), 90);
    for shot in ["a", "b"] {
        written(&path(shot).join("C0001.JPG"), &photo, None);
        let names = ["MP4", "LRV", "MP4.xmp", "MP4.xml", "THM"].map(|ending| format!("C0001.{ending}"));
        for name in names.iter().map(String::as_str).chain(["C0001M01.XML", "C0001.MP4.json"]) {
            written(&path(shot).join(name), name.as_bytes(), None);
        }
    }
    let all = ["C0001.JPG", "C0001.LRV", "C0001.MP4", "C0001.MP4.json", "C0001.MP4.xml", "C0001.MP4.xmp", "C0001.THM", "C0001M01.XML"];
    let all = all.map(|name| format!("b/{name}"));
    assert_eq!(could_go(&instance, &folder, &[]), (all.to_vec(), String::new()));
    // One that says something else keeps its shot.
    for name in ["b/C0001M01.XML", "b/C0001.MP4.xmp"] {
        let before = fs::read(path(name)).expect("there");
        written(&path(name), b"something else", None);
        let (listed, why) = could_go(&instance, &folder, &[]);
        assert!(listed.is_empty() && why.contains(&format!("{name} would be lost with its shot")), "{listed:?} {why}");
        written(&path(name), &before, None);
    }
    // A film of another time stays, and all that is its own.
    fs::write(path("b/C0001.MP4"), "C0001.MP4").expect("written");
    assert_eq!(could_go(&instance, &folder, &[]).0, ["b/C0001.JPG"]);
}

#[test]
fn a_shot_with_a_sidecar_that_the_daemon_does_not_read_stays() {
    let instance = Instance::new();
    instance.configure("exclude = [\"*.pp3\", \"NKSC_PARAM\", \"*.XML\"]\n");
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    for name in ["a/1.jpg", "b/1.jpg"] {
        written(&folder.join(name), &photo, None);
    }
    assert_eq!(could_go(&instance, &folder, &[]), (vec!["b/1.jpg".to_owned()], String::new()));
    for name in ["b/1.jpg.pp3", "b/NKSC_PARAM/1.jpg.nksc"] {
        written(&folder.join(name), b"settings", None);
        let (listed, why) = could_go(&instance, &folder, &[]);
        assert!(listed.is_empty() && why.contains(&format!("{name} is of the shot of")), "{listed:?} {why}");
        fs::remove_file(folder.join(name)).expect("removed");
    }
    assert_eq!(could_go(&instance, &folder, &[]).0, ["b/1.jpg"]);
    // Also one of a film.
    ["a/1.MOV", "b/1.MOV"].iter().for_each(|name| written(&folder.join(name), b"a film", None));
    assert_eq!(could_go(&instance, &folder, &[]).0, ["b/1.MOV", "b/1.jpg"]);
    written(&folder.join("b/1M01.XML"), b"settings", None);
    let (listed, why) = could_go(&instance, &folder, &[]);
    assert!(listed.is_empty() && why.contains("b/1M01.XML is of the shot of"), "{listed:?} {why}");
}

#[test]
fn paths0_lists_no_picture_beside_its_raw_file_and_says_so_once() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    for (stem, photo) in [("DSC_1", "00003"), ("DSC_2", "00009")] {
        written(&folder.join(format!("{stem}.RAF")), &raw(photo, TIME), None);
        written(&folder.join(format!("{stem}.JPG")), &picture(photo, TIME), None);
    }
    let ask = || could_go(&instance, &folder, &["--within-shots", "--relation=identical,copy,edit"]);
    let (listed, why) = ask();
    let line = "--format paths0 lists no photo because of another one of its shot: ";
    assert!(listed.is_empty() && why.starts_with(line) && why.lines().count() == 1, "{listed:?} {why}");
    // A copy of a whole shot can go all the same.
    fs::create_dir(folder.join("copy")).expect("made");
    ["DSC_1.RAF", "DSC_1.JPG"].iter().for_each(|name| _ = fs::copy(folder.join(name), folder.join("copy").join(name)).expect("copied"));
    assert_eq!(ask().0, ["copy/DSC_1.JPG", "copy/DSC_1.RAF"]);
}

#[test]
fn the_numbered_files_of_takeout_go_with_their_photos() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let long = "a-name-that-is-too-long-for-its-json-in-all-";
    let photos = [("00003", "IMG_1.jpg".to_owned()), ("00009", "IMG_1(1).jpg".into()), ("00021", format!("{long}.jpg"))];
    let sidecars = ["IMG_1.jpg.json".to_owned(), "IMG_1.jpg(1).json".into(), format!("{long}.j.json")];
    let (a, b) = (folder.join("a"), folder.join("b"));
    for ((photo, name), sidecar) in photos.iter().zip(&sidecars) {
        for folder in [&a, &b] {
            written(&folder.join(name), &photos::jpeg(&photos::open(photo), 90), None);
            written(&folder.join(sidecar), photo.as_bytes(), None);
        }
    }
    let mut all: Vec<String> = photos.iter().map(|(_, name)| name).chain(&sidecars).map(|name| format!("b/{name}")).collect();
    all.sort();
    assert_eq!(could_go(&instance, &folder, &[]), (all.clone(), String::new()));
    fs::rename(b.join(&sidecars[1]), b.join("IMG_1.jpg.supplemental-metadata(1).json")).expect("renamed");
    assert_eq!(could_go(&instance, &folder, &[]).0.len(), all.len());
    // One that says something else keeps its photo.
    fs::write(b.join("IMG_1.jpg.supplemental-metadata(1).json"), "another text").expect("written");
    let (listed, why) = could_go(&instance, &folder, &[]);
    assert!(listed.len() == 4 && why.contains("supplemental-metadata(1).json would be lost with its shot"), "{listed:?} {why}");
}

#[test]
fn what_differs_only_in_case_is_of_the_shot() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let write = |name: &str, bytes: &[u8]| written(&folder.join(name), bytes, None);
    let photo = photos::jpeg(&photos::open("00003"), 90);
    write("a/IMG_1.JPG", &photo);
    write("b/IMG_1.JPG", &photo);
    // The shot with the sidecar stays: its rating is that of the photo.
    write("b/img_1.xmp", rated(3).as_bytes());
    let kept = instance.dupes(&folder)["clusters"][0]["photos"][0].clone();
    assert_eq!((&kept["kept_by"], &kept["files"][0]["metadata"]["rating"]), (&json!("description"), &json!(3)), "{kept}");
    assert_eq!(could_go(&instance, &folder, &[]), (vec!["a/IMG_1.JPG".to_owned()], String::new()));
    // And none if each has one.
    write("a/Img_1.XMP", rated(4).as_bytes());
    let (listed, why) = could_go(&instance, &folder, &[]);
    assert!(listed.is_empty() && why.contains("rating in") && why.contains("would be lost"), "{listed:?} {why}");
    write("a/Img_1.XMP", rated(3).as_bytes());
    assert_eq!(could_go(&instance, &folder, &[]).0.len(), 2);
    // A film, and a sidecar in a folder for those.
    for name in ["b/img_1.mov", "b/captureone/settings/img_1.jpg.cos"] {
        write(name, b"more");
        let listed = could_go(&instance, &folder, &[]).0;
        assert!(listed == ["a/IMG_1.JPG", "a/Img_1.XMP"], "{name} {listed:?}");
        fs::remove_file(folder.join(name)).expect("removed");
    }
    // A RAW file and its picture too. The photos of a shot go after each other.
    let raws = instance.folder("raws");
    for (name, [raf, jpg, xmp]) in [("c", ["IMG_1.RAF", "IMG_1.JPG", "IMG_1.xmp"]), ("d", ["img_1.raf", "IMG_1.jpg", "Img_1.XMP"])] {
        let path = |file: &str| raws.join(name).join(file);
        written(&path(raf), &raw("00003", TIME), None);
        written(&path(jpg), &picture("00003", TIME), None);
        written(&path(xmp), rated(3).as_bytes(), None);
    }
    assert_eq!(could_go(&instance, &raws, &[]), (["d/IMG_1.jpg", "d/Img_1.XMP", "d/img_1.raf"].map(str::to_owned).to_vec(), String::new()));
    // Where two names differ in nothing else, nobody can tell of which a third is.
    let twins = instance.folder("twins");
    ["IMG_1.JPG", "img_1.JPG"].iter().for_each(|name| written(&twins.join(name), &photo, None));
    assert_eq!(could_go(&instance, &twins, &[]).0.len(), 1);
    written(&twins.join("Img_1.xmp"), rated(3).as_bytes(), None);
    let (listed, why) = could_go(&instance, &twins, &[]);
    assert!(listed.is_empty() && why.contains("names in its folder differ only in upper and lower case"), "{listed:?} {why}");
}

#[test]
fn the_film_of_a_motion_photo_and_the_masks_of_capture_one_are_of_the_shot() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let write = |name: &str, bytes: &[u8]| written(&folder.join(name), bytes, None);
    let photo = photos::jpeg(&photos::open("00003"), 90);
    for shot in ["a", "b"] {
        for name in ["PXL_1.MP.jpg", "PXL_2.MP~2.jpg"].iter().zip(["00003", "00009"]) {
            write(&format!("{shot}/{}", name.0), &photos::jpeg(&photos::open(name.1), 90));
            write(&format!("{shot}/{}.json", name.0), name.1.as_bytes());
        }
        // Written long before the photo.
        write(&format!("{shot}/PXL_1.MP"), b"a film");
        write(&format!("{shot}/PXL_2.MP~2"), b"another film");
    }
    let mut all: Vec<String> = ["PXL_1.MP", "PXL_1.MP.jpg", "PXL_1.MP.jpg.json", "PXL_2.MP~2", "PXL_2.MP~2.jpg", "PXL_2.MP~2.jpg.json"]
        .map(|name| format!("b/{name}"))
        .into();
    all.sort();
    assert_eq!(could_go(&instance, &folder, &[]), (all, String::new()));
    write("b/PXL_1.MP", b"b film");
    let (listed, why) = could_go(&instance, &folder, &[]);
    assert!(listed.len() == 3 && why.contains("b/PXL_1.MP would be lost with its shot"), "{listed:?} {why}");
    // Capture One.
    let masks = instance.folder("masks");
    ["a/1.jpg", "b/1.jpg"].iter().for_each(|name| written(&masks.join(name), &photo, None));
    written(&masks.join("a/1.jpg.xmp"), b"a", None);
    written(&masks.join("a/1.jpg.pp3"), b"a", None);
    for name in ["1.jpg.123.comask", "1.jpg.layers", "1.jpg.2.cos"] {
        let mask = Path::new("CaptureOne/Settings1531").join(name);
        written(&masks.join("b").join(&mask), b"a mask", None);
        let (listed, why) = could_go(&instance, &masks, &[]);
        assert!(listed.is_empty() && why.contains(&format!("{name} would be lost with its shot")), "{listed:?} {why}");
        written(&masks.join("a").join(&mask), b"a mask", None);
        assert_eq!(could_go(&instance, &masks, &[]).0, ["b/1.jpg".to_owned(), format!("b/{}", mask.display())]);
        ["a", "b"].iter().for_each(|shot| fs::remove_file(masks.join(shot).join(&mask)).expect("removed"));
    }
}

#[test]
fn the_json_of_a_photo_stays_with_its_edit_in_google_photos() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let write = |name: &str, bytes: &[u8]| written(&folder.join(name), bytes, None);
    let (photo, edited) = (photos::jpeg(&photos::open("00003"), 90), photos::jpeg(&photos::warm(&photos::open("00003")), 90));
    for shot in ["a", "b"] {
        write(&format!("{shot}/P.jpg"), &photo);
        write(&format!("{shot}/P.jpg.json"), b"when and where");
    }
    assert_eq!(could_go(&instance, &folder, &[]).0, ["b/P.jpg", "b/P.jpg.json"]);
    write("b/P-edited.jpg", &edited);
    assert_eq!(could_go(&instance, &folder, &["--relation=identical"]).0, ["b/P.jpg"]);
    // An edit without its photo has the JSON.
    fs::remove_file(folder.join("b/P.jpg")).expect("removed");
    write("a/P-bearbeitet.jpg", &edited);
    let (listed, why) = could_go(&instance, &folder, &["--relation=identical"]);
    assert_eq!(listed, ["a/P-bearbeitet.jpg"], "{why}");
}

#[test]
fn a_shot_goes_as_a_whole_also_if_only_identical_files_are_asked_for() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    shot(&folder.join("a"), "DSC_1", "00003");
    fs::create_dir(folder.join("b")).expect("made");
    for ending in ["RAF", "JPG", "xmp", "MOV"] {
        fs::copy(folder.join(format!("a/DSC_1.{ending}")), folder.join(format!("b/DSC_1.{ending}"))).expect("copied");
    }
    let identical = ["--relation=identical"];
    let all = ["b/DSC_1.JPG", "b/DSC_1.MOV", "b/DSC_1.RAF", "b/DSC_1.xmp"];
    assert_eq!(could_go(&instance, &folder, &identical), (all.map(str::to_owned).to_vec(), String::new()));
    // A picture of which there is only one keeps its shot.
    fs::write(folder.join("b/DSC_1.JPG"), photos::taken(&photos::jpeg(&photos::large("00003"), 80), TIME)).expect("written");
    let (listed, why) = could_go(&instance, &folder, &identical);
    assert!(listed.is_empty() && why.contains("DSC_1.RAF stays with") && why.contains("DSC_1.JPG, which is of the same shot"), "{why}");
    assert!(why.contains("no version of ") && !why.contains("cluster"), "{why}");
    let (listed, why) = could_go(&instance, &folder, &["--relation=unknown,series,copy"]);
    assert!(listed.is_empty() && why.contains("never lists photos of the relation series and unknown"), "{why}");
}

#[test]
fn the_file_that_is_alone_goes_before_one_that_may_be_of_a_shot() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let large = photos::large("00009");
    let edited = photos::jpeg(&photos::warm(&large), 90);
    // No time is known of them.
    written(&folder.join("b/IMG_1234.JPG"), &photos::jpeg(&large, 90), None);
    written(&folder.join("b/IMG_E1234.JPG"), &edited, None);
    written(&folder.join("b/IMG_1234.AAE"), b"what was changed", None);
    written(&folder.join("a/IMG_E1234.JPG"), &edited, None);
    assert_eq!(could_go(&instance, &folder, &["--relation=identical"]), (vec!["a/IMG_E1234.JPG".to_owned()], String::new()));
    assert!(text(&instance, &folder).contains("no shot with IMG_"), "it says with which file");
}

#[test]
fn real_raw_files_are_shots_with_pictures_of_their_time() {
    let Some(files) = camera_files() else { return };
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let real: [(&str, u32, &str); 2] =
        [("photoprism-canon_eos_6d.dng", 1024, "2019:06:06 07:29:51"), ("mindeng-canon-r6.cr3", 1620, "2025:09:06 20:24:47")];
    for (number, (name, width, time)) in (1..).zip(real) {
        let path: PathBuf = files.join("more/raw").join(name);
        let bytes = fs::read(&path).expect("readable");
        let ending = path.extension().expect("an ending").to_str().expect("text").to_uppercase();
        fs::write(folder.join(format!("IMG_{number}.{ending}")), &bytes).expect("written");
        fs::write(folder.join(format!("IMG_{number}.JPG")), photos::taken(&photos::jpeg(&preview(&bytes, width), 92), time))
            .expect("written");
    }
    let answer = instance.dupes(&folder);
    assert_eq!((&answer["clusters"], &answer["shots"]), (&json!([]), &json!(2)), "{answer}");
    let within = instance.json(["dupes", "--json", "--within-shots", &folder.display().to_string()]);
    assert_eq!(names(&within), [["IMG_1.DNG", "IMG_1.JPG"], ["IMG_2.CR3", "IMG_2.JPG"]]);
    // A small one made of a picture is a version of the shot.
    let bytes = fs::read(files.join("more/raw").join(real[0].0)).expect("readable");
    fs::write(folder.join("web.jpg"), photos::jpeg(&photos::half(&preview(&bytes, real[0].1)), 70)).expect("written");
    let said = text(&instance, &folder);
    assert!(row(&said, "IMG_1.").contains('+') && said.contains("web.jpg"), "{said}");
}
