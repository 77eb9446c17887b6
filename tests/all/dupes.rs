//! `dupes`, `pairs`, `similar` and `compare`: the right answers in every format, also after a restart.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Connection;
use serde_json::Value;

use crate::photos;
use crate::support::{BEFORE_METADATA, Instance, array, names, wait_until};

#[test]
fn versions_of_a_photo_are_found_and_remembered() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let files = photos::library(&folder, &photos::NAMES);
    let first = instance.dupes(&folder);
    assert_eq!(names(&first), photos::expected(&photos::NAMES));
    assert_eq!(first["coverage"]["indexed"], files);
    assert_eq!((instance.counter("decoded"), instance.counter("embedded")), (files as u64, files as u64));
    assert_eq!(instance.dupes(&folder), first, "a second run says the same");
    instance.kill();
    assert_eq!(instance.dupes(&folder), first, "a new daemon says the same");
    assert_eq!((instance.counter("read"), instance.counter("decoded")), (files as u64, files as u64), "nothing was read twice");
}

/// A crop to a quarter of the area is far from the whole photo, and near one of its crop descriptors. The order in
/// which the two arrive does not matter.
#[test]
fn a_small_crop_is_found_in_its_photo() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let both = ["00003", "00009"];
    for (name, crop_first) in both.into_iter().zip([true, false]) {
        let photo = photos::open(name);
        let write = |kind: &str, picture: &image::RgbImage| {
            fs::write(folder.join(format!("{name}-{kind}.jpg")), photos::jpeg(picture, 90)).expect("written");
            instance.dupes(&folder);
        };
        let crop = photos::crop(&photo, 0.5);
        let mut files = [("crop", &crop), ("photo", &photo)];
        if !crop_first {
            files.reverse();
        }
        files.into_iter().for_each(|(kind, picture)| write(kind, picture));
    }
    let answer = instance.dupes(&folder);
    let pairs: Vec<Vec<String>> = both.iter().map(|name| vec![format!("{name}-crop.jpg"), format!("{name}-photo.jpg")]).collect();
    assert_eq!(names(&answer), pairs);
    let crop = folder.join("00009-crop.jpg");
    let similar = instance.json([OsStr::new("similar"), crop.as_os_str(), "--format".as_ref(), "json".as_ref()]);
    let nearest = &array(&similar["similar"])[1];
    assert!(nearest["photo"]["path"].as_str().is_some_and(|path| path.ends_with("00009-photo.jpg")), "{nearest}");
    let is_edit =
        |cluster: &serde_json::Value| cluster["pairs"][0]["relation"] == "edit" && cluster["pairs"][0]["changes"][0]["change"] == "crop";
    assert!(array(&answer["clusters"]).iter().all(is_edit), "{answer}");
}

#[test]
fn a_photo_is_found_in_a_screenshot() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::open("00003");
    let width = photo.width();
    let mut screen = image::RgbImage::from_pixel(width, 3 * photo.height(), image::Rgb([250; 3]));
    for button in 0..4 {
        image::imageops::replace(&mut screen, &image::RgbImage::new(width / 20, width / 20), i64::from(width / 8 * button), 10);
    }
    image::imageops::replace(&mut screen, &photo, 0, i64::from(photo.height() * 3 / 4));
    fs::write(folder.join("photo.jpg"), photos::jpeg(&photo, 90)).expect("written");
    fs::write(folder.join("screenshot.jpg"), photos::jpeg(&screen, 90)).expect("written");
    instance.dupes(&folder);
    let similar = instance.json([OsStr::new("similar"), folder.join("screenshot.jpg").as_os_str(), "--format".as_ref(), "json".as_ref()]);
    let nearest = &array(&similar["similar"])[1];
    assert!(nearest["photo"]["path"].as_str().is_some_and(|path| path.ends_with("photo.jpg")), "{nearest}");
    // The global descriptors are much farther apart, because the photo is a third of the screen.
    assert!(nearest["distance"].as_f64().is_some_and(|distance| distance < 0.1), "{nearest}");
}

#[test]
fn a_photo_on_its_side_is_found() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::open("00003");
    fs::write(folder.join("photo.jpg"), photos::jpeg(&photo, 90)).expect("written");
    for (turned, name) in [(image::imageops::rotate90(&photo), "clockwise.jpg"), (image::imageops::rotate270(&photo), "other.jpg")] {
        fs::write(folder.join(name), photos::jpeg(&turned, 90)).expect("written");
    }
    instance.dupes(&folder);
    for name in ["clockwise.jpg", "other.jpg"] {
        let [turned, upright] = [name, "photo.jpg"].map(|name| folder.join(name));
        let compared = instance.json(["compare".as_ref(), turned.as_os_str(), upright.as_os_str(), "--format".as_ref(), "json".as_ref()]);
        // The global descriptors are farther apart.
        assert!(compared["distance"].as_f64().is_some_and(|distance| distance < 0.05), "{name}: {compared}");
    }
}

/// No crop descriptor of the photo fits it. It is found by its keypoints.
#[test]
fn a_crop_to_a_fifth_is_found() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let names = ["00009", "00011", "00034", "00040", "00068"];
    for name in names {
        let photo = photos::open(name);
        let side = |side: u32| (f64::from(side) * 0.2f64.sqrt()) as u32;
        let crop =
            image::imageops::crop_imm(&photo, photo.width() * 3 / 10, photo.height() / 50, side(photo.width()), side(photo.height()));
        fs::write(folder.join(format!("{name}.jpg")), photos::jpeg(&photo, 90)).expect("written");
        fs::write(folder.join(format!("{name}-crop.jpg")), photos::jpeg(&crop.to_image(), 90)).expect("written");
    }
    // Where too few keypoints align, the relation is not known.
    let words = ["dupes", "--relation=identical,copy,edit,unknown", "--format=json"].map(OsStr::new);
    let answer = instance.json(words.into_iter().chain([folder.as_os_str()]));
    let clusters: Vec<Vec<String>> = array(&answer["clusters"])
        .iter()
        .map(|cluster| array(&cluster["photos"]).iter().map(|photo| photo["path"].to_string()).collect())
        .collect();
    println!("{clusters:?}");
    for name in names {
        let together = clusters.iter().any(|paths| paths.len() == 2 && paths.iter().all(|path| path.contains(name)));
        assert!(together, "{name} and its crop: {clusters:?}");
    }
}

#[test]
fn the_answer_has_the_promised_shape() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    fs::copy(photos::path("00003"), folder.join("again.webp")).expect("copied");
    let answer = instance.dupes(&folder);
    assert_eq!((answer["version"].as_u64(), answer["head"].as_str()), (Some(1), Some("base")));
    let cluster = &answer["clusters"][0];
    let members = array(&cluster["photos"]);
    assert_eq!(members.len(), 5);
    assert_eq!(members.iter().filter(|p| p["source"] == true).count(), 1);
    assert_eq!(members[0]["source"], true);
    assert_eq!(cluster["source_by"], "bytes", "{cluster}");
    let twice = members.iter().find(|p| array(&p["paths"]).len() == 2).expect("both files are one photo");
    assert_eq!((twice["width"].as_u64(), twice["format"].as_str()), (Some(288), Some("webp")));
    assert_eq!(twice["path"], twice["paths"][0]);
    let threshold = answer["threshold"].as_f64().expect("a number");
    for pair in array(&cluster["pairs"]) {
        assert!(pair["distance"].as_f64().expect("a number") <= threshold);
        assert!(pair["a"].as_u64() < pair["b"].as_u64() && pair["b"].as_u64() < Some(5));
        assert!(pair["relation"] == "copy" || pair["relation"] == "edit" && (pair["a"] != 0 || pair["changes"].is_array()), "{pair}");
    }
    assert!(cluster["diameter"].as_f64().expect("a number") >= 0.0);
    assert_eq!(cluster["id"].as_str().map(str::len), Some(16));
}

#[test]
fn a_file_is_an_inode_with_all_its_names() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    let [cafe, link, copy] =
        [&b"caf\xe9.jpg"[..], b"caf\xe9-link.jpg", b"caf\xe9-other-copy.jpg"].map(|name| folder.join(OsStr::from_bytes(name)));
    fs::write(&cafe, &photo).expect("written");
    fs::hard_link(&cafe, &link).expect("linked");
    fs::write(&copy, &photo).expect("written");
    let answer = instance.dupes(&folder);
    let photo = &answer["clusters"][0]["photos"][0];
    let [first, second] = array(&photo["files"]) else { panic!("two files: {photo}") };
    let bytes_of = |value: &serde_json::Value| STANDARD.decode(value["path_bytes"].as_str().expect("bytes")).expect("base64");
    let inode = |path: &Path| fs::metadata(path).expect("there").ino();
    for (file, path, also) in [(first, &cafe, vec![&link]), (second, &copy, vec![])] {
        assert_eq!(bytes_of(file), path.as_os_str().as_bytes(), "{file}");
        assert_eq!(file["path"], &*path.to_string_lossy());
        assert_eq!(file["inode"].as_u64(), Some(inode(path)));
        assert_eq!(file["volume"], first["volume"], "they are on one");
        let names: Vec<Vec<u8>> = array(&file["also"]).iter().map(bytes_of).collect();
        assert_eq!(names, also.iter().map(|path| path.as_os_str().as_bytes()).collect::<Vec<_>>());
    }
    let volume = first["volume"].as_str().expect("text");
    assert!(volume.len() == 16 && u64::from_str_radix(volume, 16).is_ok_and(|number| number != 0), "{volume}");
    // The list has both names of a file, or neither. The plain name stays with its link.
    let listed = instance.run(["dupes".as_ref(), "--format=paths0".as_ref(), folder.as_os_str()]).stdout;
    assert_eq!(listed, [copy.as_os_str().as_bytes(), b"\0"].concat());
}

#[test]
fn formats_relations_and_exit_codes_are_as_promised() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003", "00009"]);
    fs::copy(photos::path("00003"), folder.join("tab\there.webp")).expect("copied");
    fs::write(folder.join("broken.jpg"), b"no picture").expect("written");
    let dupes = |options: &[&str]| {
        instance.run([OsStr::new("dupes")].into_iter().chain(options.iter().map(OsStr::new)).chain([folder.as_os_str()]))
    };

    let gone = dupes(&["--format=paths0", "--relation=identical"]).stdout;
    assert!(gone.ends_with(b"tab\there.webp\0") && gone.iter().filter(|&&b| b == 0).count() == 1, "equal files only");
    let gone = dupes(&["--format=paths0"]).stdout;
    let copies = dupes(&["--format=paths0", "--relation=identical,copy"]).stdout;
    let edits = dupes(&["--format=paths0", "--relation=identical,copy,edit"]).stdout;
    assert!(gone == copies && (1..edits.len()).contains(&gone.len()), "copies may go, edits only if they are asked for");
    let gone = dupes(&["--format=paths0", "--relation=identical,copy,edit"]).stdout;
    let listed: Vec<&[u8]> = gone.split(|&b| b == 0).filter(|p| !p.is_empty()).collect();
    assert_eq!(listed.len(), 11 - 2, "all files but the keeper of each cluster");
    assert!(listed.iter().all(|p| std::path::Path::new(OsStr::from_bytes(p)).exists()));
    assert_eq!(dupes(&["--format=ndjson"]).stdout.split(|&b| b == b'\n').filter(|l| !l.is_empty()).count(), 4);
    let text = String::from_utf8(dupes(&[]).stdout).expect("text");
    assert!(text.contains("source") && text.contains("2 photos have versions") && text.contains("1 could not be read"), "{text}");

    assert!(text.contains("simctl dupes --format paths0 ") && text.contains("not compared: damaged or unreadable  1 file"), "{text}");

    let json = |options: &[&str]| serde_json::from_slice::<Value>(&dupes(&[&["--json"], options].concat()).stdout).expect("JSON");
    let spared = |cluster: &Value| {
        let files = array(&cluster["photos"]).iter().flat_map(|photo| array(&photo["files"])).filter_map(|file| file["size"].as_u64());
        files.skip(1).sum::<u64>()
    };
    let by_size: Vec<u64> = array(&json(&["--sort", "size"])["clusters"]).iter().map(spared).collect();
    assert!(by_size.len() == 2 && by_size.is_sorted_by(|x, y| x >= y), "{by_size:?}");
    let first = json(&["--limit", "1"]);
    assert!(array(&first["clusters"]).len() == 1 && first["next"].is_string(), "{first}");
    assert_eq!(array(&json(&["--limit", "1", "--sort", "size"])["clusters"]).iter().map(spared).collect::<Vec<_>>(), by_size[..1]);
    let lines = String::from_utf8(dupes(&["--format=ndjson", "--sort=certainty", "--limit=1"]).stdout).expect("text");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.len() == 3 && lines[0]["begin"].is_object() && lines[1]["photos"].is_array() && lines[2]["end"].is_object());
    let text = String::from_utf8(dupes(&["--limit=1", "--sort=date"]).stdout).expect("text");
    assert!(text.contains("1 cluster is not shown because of --limit 1.") && !text.contains("\n  2 "), "{text}");

    assert_eq!(dupes(&[]).status.code(), Some(0));
    assert_eq!(dupes(&["--exit-code"]).status.code(), Some(1));
    assert_eq!(dupes(&["--strict"]).status.code(), Some(4));
    assert_eq!(dupes(&["--threshold=7"]).status.code(), Some(2));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("opens");
    let unwritten = instance.command().arg("dupes").arg(&folder).stdout(full).output().expect("runs");
    let said = String::from_utf8_lossy(&unwritten.stderr);
    assert!(unwritten.status.code() == Some(6) && said.contains("the output could not be written"), "{said}");
    assert_eq!(dupes(&["--relation=cousins"]).status.code(), Some(2));
    assert_eq!(
        names(&serde_json::from_slice(&dupes(&["--format=json", "--relation=identical"]).stdout).expect("JSON")),
        [["00003.webp", "tab\there.webp"]]
    );
    let series = serde_json::from_slice(&dupes(&["--format=json", "--relation=series"]).stdout).expect("JSON");
    assert!(names(&series).is_empty(), "these photos have no time");

    let pairs = instance.ok([OsStr::new("pairs"), folder.as_os_str(), OsStr::new("--max-distance=0.45")]);
    let rows: Vec<Vec<&str>> = pairs.lines().map(|l| l.split('\t').collect()).collect();
    assert!(rows.iter().all(|r| r.len() == 4), "{pairs}");
    let distances: Vec<f32> = rows.iter().map(|r| r[0].parse().expect("a distance")).collect();
    assert!(distances.is_sorted());
    assert_eq!((rows[0][0], rows[0][3]), ("0.0000", "identical"));
    assert!(rows[0][2].ends_with("tab\\there.webp"));
}

/// A file, and `--everywhere`, are about what is there.
#[test]
fn a_place_that_is_away_is_named_and_does_not_change_the_exit_code() {
    let instance = Instance::new();
    let [here, away] = ["here", "away"].map(|name| instance.folder(name));
    for (picture, file) in [("00003", here.join("a.webp")), ("00003", here.join("b.webp")), ("00009", away.join("c.webp"))] {
        fs::copy(photos::path(picture), file).expect("copied");
    }
    instance.dupes(&here);
    instance.dupes(&away);
    fs::rename(&away, instance.folder("elsewhere").join("away")).expect("unplugged");
    instance.ok(["scan"]);
    wait_until("it is offline", || instance.status()["coverage"]["offline"] == 1);
    let file = here.join("a.webp");
    for (options, path) in [(&[][..], &file), (&["--everywhere"], &here), (&["--exit-code"], &file)] {
        for format in ["text", "paths0"] {
            let words = ["dupes", "--format", format].into_iter().chain(options.iter().copied()).map(OsStr::new);
            let output = instance.run(words.chain([path.as_os_str()]));
            let [listed, said] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
            let code = i32::from(options == ["--exit-code"]);
            assert!(output.status.code() == Some(code) && listed.contains("b.webp"), "{options:?} {format}: {listed} {said}");
            assert!(said.contains(&format!("{}: it is offline; 1 file", away.display())), "{options:?} {format}: {said}");
        }
    }
}

#[test]
fn a_place_with_files_that_are_gone_at_once_is_not_whole() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let album = instance.folder("photos/album");
    for number in 0..60 {
        fs::copy(photos::path("00003"), album.join(format!("{number}.webp"))).expect("copied");
    }
    for name in ["a.webp", "b.webp"] {
        fs::copy(photos::path("00009"), folder.join(name)).expect("copied");
    }
    fs::write(folder.join("broken.jpg"), b"no picture").expect("written");
    assert_eq!(instance.dupes(&folder)["whole"], true);
    // Without a daemon, because events would report every file.
    instance.kill();
    fs::remove_dir_all(&album).expect("removed");
    let dupes = |options: &[&str], path: &Path| {
        let output = instance.run([OsStr::new("dupes")].into_iter().chain(options.iter().map(OsStr::new)).chain([path.as_os_str()]));
        let [listed, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code(), listed, said)
    };
    let (code, answer, said) = dupes(&["--format=json", "--strict", "--exit-code"], &folder);
    assert_eq!(code, Some(5), "before the broken file (4) and the duplicates (1): {said}");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let place = serde_json::json!({ "path": folder.to_str(), "whole": false, "reason": "missing", "files": 60 });
    assert_eq!((&answer["whole"], &answer["places"]), (&false.into(), &serde_json::json!([place])));
    let command = format!("simctl scan --forget {}", folder.display());
    assert!(said.contains("60 known files are gone at once") && said.contains(&command), "{said}");

    assert_eq!(dupes(&["--partial", "--strict", "--exit-code"], &folder).0, Some(4));
    assert_eq!(dupes(&["--partial", "--exit-code"], &folder).0, Some(1));
    // --no-wait accepts an answer that is not whole, but not as a list of what could go.
    assert_eq!(dupes(&["--no-wait"], &folder).0, Some(0));
    for options in [&["--format=paths0"][..], &["--format=paths0", "--no-wait"]] {
        let (code, listed, said) = dupes(options, &folder);
        assert!(code == Some(5) && listed.is_empty(), "{options:?}: {listed} {said}");
    }
    let (code, listed, _) = dupes(&["--format=paths0", "--partial"], &folder);
    assert!(code == Some(0) && listed.ends_with("b.webp\0") && listed.matches('\0').count() == 1, "{listed}");
    // A file is compared with what is there.
    let (code, _, said) = dupes(&[], &folder.join("a.webp"));
    assert!(code == Some(0) && said.contains("gone at once"), "{said}");

    instance.ok([OsStr::new("scan"), OsStr::new("--forget"), folder.as_os_str()]);
    wait_until("nothing is missing", || instance.status()["roots"][0]["missing"] == 0);
    let (code, answer, said) = dupes(&["--format=json"], &folder);
    assert!(code == Some(0) && said.is_empty() && answer.contains("\"whole\":true"), "{answer} {said}");
}

#[test]
fn one_photo_is_compared_with_nothing() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    fs::copy(photos::path("00003"), folder.join("a.webp")).expect("copied");
    for name in ["x.raf", "y.nef"] {
        fs::write(folder.join(name), photos::unread()).expect("written");
    }
    let alone = "Nothing was compared: only one photo has been read.";
    let photo = folder.join("a.webp");
    let said = |path: &Path| instance.ok([OsStr::new("dupes"), path.as_os_str()]);
    assert!(said(&folder).contains(alone), "{}", said(&folder));
    assert!(said(&photo).contains(alone), "there is no other in the library either: {}", said(&photo));
    fs::copy(photos::path("00009"), instance.folder("more").join("b.webp")).expect("copied");
    instance.dupes(&instance.folder("more"));
    assert!(said(&photo).contains("No duplicates found."), "a file is compared with the whole library: {}", said(&photo));
    assert!(said(&folder).contains(alone), "a folder is not: {}", said(&folder));
    fs::copy(photos::path("00011"), folder.join("c.webp")).expect("copied");
    assert!(said(&folder).contains("No duplicates found."), "{}", said(&folder));
}

#[test]
fn a_format_that_is_not_read_is_no_strict_success() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::open("00003").save(folder.join("a.bmp")).expect("saved");
    let strict = || instance.run([OsStr::new("dupes"), OsStr::new("--strict"), folder.as_os_str()]).status.code();
    assert_eq!(strict(), Some(0));
    fs::write(folder.join("x.raf"), photos::unread()).expect("written");
    assert_eq!(strict(), Some(4));
    assert_eq!(instance.dupes(&folder)["coverage"]["failed"], 0, "it is not broken");
}

/// The names that could go, without their folder, and what is said on standard error.
fn could_go(instance: &Instance, folder: &Path) -> (Vec<String>, String) {
    let output = instance.run(["dupes".as_ref(), "--format=paths0".as_ref(), folder.as_os_str()]);
    assert!(output.status.success(), "{output:?}");
    let paths = output.stdout.split(|&b| b == 0).filter(|path| !path.is_empty()).map(OsStr::from_bytes);
    let names = paths.map(|path| Path::new(path).file_name().expect("a name").to_string_lossy().into_owned()).collect();
    (names, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_could_go_is_looked_at_before_it_is_listed() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    for name in ["DSC_1.jpg", "DSC_1 (1).jpg"] {
        fs::write(folder.join(name), &photo).expect("written");
    }
    fs::write(folder.join("alone.jpg"), photos::jpeg(&photos::open("00009"), 90)).expect("written");
    fs::hard_link(folder.join("alone.jpg"), folder.join("by-topic.jpg")).expect("linked");
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), [["DSC_1 (1).jpg", "DSC_1.jpg"]], "two names of one file are not duplicates");
    assert_eq!(answer["clusters"][0]["photos"][0]["kept_by"], "plain-name");
    assert_eq!(could_go(&instance, &folder), (vec!["DSC_1 (1).jpg".to_owned()], String::new()));
    // Another mode is not another picture.
    let keeper = folder.join("DSC_1.jpg");
    fs::set_permissions(&keeper, fs::Permissions::from_mode(0o600)).expect("changed");
    assert_eq!(could_go(&instance, &folder).0, ["DSC_1 (1).jpg"]);
    // Other bytes with the old size and time are.
    let written = fs::metadata(&keeper).and_then(|metadata| metadata.modified()).expect("a time");
    let mut damaged = photo.clone();
    damaged[photo.len() / 2..].fill(0);
    fs::write(&keeper, &damaged).expect("written");
    fs::File::options().append(true).open(&keeper).and_then(|file| file.set_modified(written)).expect("set back");
    assert!(could_go(&instance, &folder).0.is_empty(), "the file that would stay is damaged");
    fs::write(&keeper, &photo).expect("written");
    wait_until("both are known again", || could_go(&instance, &folder).0 == ["DSC_1 (1).jpg"]);
    // The file with more in it stays, whatever its name.
    let comment = [&photo[..2], &[0xff, 0xfe, 0, 9], b"wedding", &photo[2..]].concat();
    fs::write(folder.join("DSC_1 (1).jpg"), comment).expect("written");
    assert_eq!(could_go(&instance, &folder).0, ["DSC_1.jpg"]);
}

/// The reader of the list is slow, so that files change after all of them were checked and before they are listed.
#[test]
fn what_could_go_is_looked_at_again_right_before_it_is_listed() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    // The paths of one cluster are more than a pipe holds.
    let deep = (0..12).fold(folder.clone(), |folder, _| folder.join("d".repeat(240)));
    fs::create_dir_all(&deep).expect("made");
    for (name, picture) in [("a", "00003"), ("b", "00009")] {
        let photo = photos::jpeg(&photos::open(picture), 90);
        (0..40).for_each(|number| fs::write(deep.join(format!("{name}{number}.jpg")), &photo).expect("written"));
    }
    instance.dupes(&folder);
    let mut simctl = instance.command();
    simctl.args(["dupes", "--format=paths0"]).arg(&folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut simctl = simctl.spawn().expect("runs");
    let mut list = BufReader::with_capacity(64, simctl.stdout.take().expect("a pipe"));
    let mut first = Vec::new();
    list.read_until(0, &mut first).expect("a path");
    let name_of = |path: &[u8]| path.rsplit(|&byte| byte == b'/').next().map(|name| name[0]).expect("a name");
    let other = if name_of(&first) == b'a' { "b7.jpg" } else { "a7.jpg" };
    fs::write(deep.join(other), "something else").expect("written");
    let mut rest = Vec::new();
    list.read_to_end(&mut rest).expect("read");
    let output = simctl.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(&format!("{other} has changed since it was checked")), "{said}");
    let rest: Vec<&[u8]> = rest.split(|&byte| byte == 0).filter(|path| !path.is_empty()).collect();
    assert_eq!(rest.len(), 38, "the others of the first cluster");
    assert!(rest.iter().all(|path| name_of(path) == name_of(&first)));
}

#[test]
fn similar_and_compare_take_any_file() {
    let instance = Instance::new();
    let (folder, outside) = (instance.folder("photos"), instance.folder("outside"));
    photos::library(&folder, &["00003", "00009", "00011"]);
    instance.dupes(&folder);
    let crop = outside.join("crop.jpg");
    fs::write(&crop, photos::jpeg(&photos::crop(&photos::warm(&photos::open("00009")), 0.9), 80)).expect("written");
    let near = instance.json(["similar".as_ref(), crop.as_os_str(), "-k5".as_ref(), "--format=json".as_ref()]);
    let near = array(&near["similar"]);
    assert_eq!(near.len(), 5);
    assert!(near.iter().all(|n| n["photo"]["path"].as_str().expect("a path").contains("00009")), "{near:?}");
    let said = instance.ok(["similar".as_ref(), crop.as_os_str(), "-k20".as_ref()]);
    assert!(said.contains("\n------  threshold ") && !said.contains("unknown"), "{said}");
    let compare = |a: &std::path::Path, b: &std::path::Path| {
        instance.json([OsStr::new("compare"), a.as_os_str(), b.as_os_str(), OsStr::new("--format=json")])
    };
    let original = photos::path("00009");
    let said = instance.ok([OsStr::new("compare"), original.as_os_str(), crop.as_os_str()]);
    assert!(said.contains(" is the source: ") && said.contains("\n  bytes: "), "{said}");
    let same = compare(&original, &crop);
    assert!(same["distance"].as_f64() < same["threshold"].as_f64(), "{same}");
    let other = compare(&original, &photos::path("00068"));
    assert!(other["distance"].as_f64() > other["threshold"].as_f64(), "{other}");
    assert_eq!(compare(&original, &original)["relation"], "identical");
    let lens = exif::Field { tag: exif::Tag::LensModel, ifd_num: exif::In::PRIMARY, value: exif::Value::Ascii(vec![b"50mm".to_vec()]) };
    let signed = outside.join("signed.jpg");
    fs::write(&signed, photos::with_exif(&fs::read(&crop).expect("read"), "2026:05:01 10:00:00", &[lens])).expect("written");
    assert_eq!(compare(&signed, &crop)["lenses"], serde_json::json!(["50mm", null]));
}

#[test]
fn compare_names_what_was_changed_from_the_source_whichever_comes_first() {
    let instance = Instance::new();
    let (folder, outside) = (instance.folder("photos"), instance.folder("outside"));
    let of_name = |name: &str| (photos::jpeg(&photos::open(name), 92), photos::jpeg(&photos::grey(&photos::open(name)), 75));
    // One is in the index, and one is not.
    for (folder, name) in [(&folder, "00009"), (&outside, "00040")] {
        let (photo, grey) = of_name(name);
        let [photo_path, grey_path] = ["photo.jpg", "grey.jpg"].map(|name| folder.join(name));
        fs::write(&photo_path, photo).expect("written");
        fs::write(&grey_path, grey).expect("written");
        if name == "00009" {
            instance.dupes(folder);
        }
        for paths in [[&photo_path, &grey_path], [&grey_path, &photo_path]] {
            let [a, b] = paths;
            let said = instance.ok([OsStr::new("compare"), a.as_os_str(), b.as_os_str()]);
            assert!(said.contains("black and white") && !said.contains("colours;") && !said.contains("stronger"), "{said}");
            assert_eq!(said.matches("black and white").count(), 2, "of the version, and because of it: {said}");
        }
    }
}

#[test]
fn a_path_that_cannot_be_asked_about_is_named_with_what_to_do() {
    let instance = Instance::new();
    let (folder, outside) = (instance.folder("photos"), instance.folder("outside"));
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let text = outside.join("notes.jpg");
    fs::write(&text, "no picture").expect("written");
    let shown = |path: &Path| path.display().to_string();
    let (file, moved) = (shown(&text), shown(&outside.join("moved.jpg")));
    for (arguments, says) in [
        (["failures", &file], format!("simctl roots add {}\n", shown(&outside))),
        (["failures", &shown(&outside)], format!("simctl roots add {}\n", shown(&outside))),
        (["similar", &shown(&folder)], format!("simctl dupes {}\n", shown(&folder))),
        (["similar", &file], format!("{file}: not a picture")),
        (["similar", &moved], format!("{} is there, and has no moved.jpg", shown(&outside))),
    ] {
        let output = instance.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(&says), "{arguments:?}: {said}");
    }
    let readable = folder.join("00003_half.jpg");
    assert_eq!(instance.ok([OsStr::new("failures"), readable.as_os_str()]), "every photo could be read\n");
    let unknown = folder.join("notes.txt");
    fs::write(&unknown, "no photo").expect("written");
    assert!(instance.ok([OsStr::new("failures"), unknown.as_os_str()]).starts_with("no photo is known there"));
}

#[test]
fn moved_copied_and_rated_files_are_not_decoded_again() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    fs::create_dir(folder.join("old")).expect("made");
    let files = photos::library(&folder.join("old"), &["00003", "00009"]) as u64;
    let before = names(&instance.dupes(&folder));
    fs::rename(folder.join("old"), folder.join("new")).expect("renamed");
    instance.ok(["scan"]);
    assert_eq!(names(&instance.dupes(&folder)), before);
    assert_eq!((instance.counter("read"), instance.counter("decoded")), (files, files), "a rename is not read");
    fs::copy(folder.join("new/00003_low.jpg"), folder.join("copy.jpg")).expect("copied");
    let rated = fs::read(folder.join("new/00009_low.jpg")).expect("read");
    let comment = [0xff, 0xfe, 0, 8, b'5', b's', b't', b'a', b'r', b's'];
    fs::write(folder.join("new/00009_low.jpg"), [&rated[..2], &comment, &rated[2..]].concat()).expect("written");
    instance.ok(["scan"]);
    let after = names(&instance.dupes(&folder));
    assert!(after[0].contains(&"copy.jpg".to_owned()));
    assert_eq!(after[1], before[1]);
    assert_eq!((instance.counter("read"), instance.counter("decoded")), (files + 2, files), "copies and ratings are read, not decoded");
}

#[test]
fn an_index_from_before_keypoints_is_read_again() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let files = photos::library(&folder, &["00003", "00009"]) as u64;
    let before = names(&instance.dupes(&folder));
    instance.stop();
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    // As the last version before keypoints left it.
    let older =
        "UPDATE features SET backbone = 'older'; DROP TABLE keypoints; ALTER TABLE files DROP COLUMN birth; PRAGMA user_version = 5";
    index.execute_batch(&[BEFORE_METADATA, older].concat()).expect("made older");
    drop(index);
    fs::remove_file(instance.data_dir().join("pictures.db")).expect("it had none");
    assert_eq!(names(&instance.dupes(&folder)), before);
    assert_eq!(instance.counter("decoded"), 2 * files, "all are decoded again");
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let count = |sql: &str| index.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
    assert_eq!(count("SELECT count(*) FROM keypoints JOIN features USING (photo)"), files as i64);
    assert_eq!(count("SELECT count(*) FROM keypoints"), files as i64);
}

#[test]
fn a_killed_daemon_goes_on_and_ends_with_the_same_answer() {
    let (interrupted, fresh) = (Instance::new(), Instance::new());
    let folder = interrupted.folder("photos");
    for name in &photos::NAMES[..6] {
        let original = photos::large(name);
        for (edit, picture) in [
            ("original", original.clone()),
            ("warm", photos::warm(&original)),
            ("grey", photos::grey(&original)),
            ("crop", photos::crop(&original, 0.8)),
        ] {
            fs::write(folder.join(format!("{name}_{edit}.jpg")), photos::jpeg(&picture, 90)).expect("written");
        }
    }
    for round in 1..=3 {
        interrupted.ok([OsStr::new("roots"), OsStr::new("add"), folder.as_os_str()]);
        wait_until("some photos are embedded", || interrupted.counter("embedded") >= 4 * round);
        interrupted.kill();
    }
    let answer = interrupted.dupes(&folder);
    assert_eq!(answer["coverage"]["indexed"], 24);
    let of_fresh = fresh.dupes(&folder);
    assert_eq!(names(&answer), names(&of_fresh));
    let ids = |answer: &serde_json::Value| {
        let mut ids: Vec<String> = array(&answer["clusters"]).iter().map(|c| c["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&answer), ids(&of_fresh));
    assert!(interrupted.counter("decoded") < 24 + 3 * 16, "finished photos are not decoded again");
    for database in ["index.db", "library.db"] {
        let connection = Connection::open(interrupted.data_dir().join(database)).expect("opens");
        let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checks");
        assert_eq!(verdict, "ok");
    }
}

#[test]
fn only_the_asked_folder_counts_unless_everywhere() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let (here, there) = (folder.join("here"), folder.join("there"));
    fs::create_dir(&here).expect("made");
    fs::create_dir(&there).expect("made");
    fs::copy(photos::path("00003"), here.join("a.webp")).expect("copied");
    fs::write(there.join("b.jpg"), photos::jpeg(&photos::warm(&photos::open("00003")), 90)).expect("written");
    // A name that begins with the folder's name is not in the folder.
    fs::write(folder.join("here-not.jpg"), photos::jpeg(&photos::half(&photos::open("00003")), 90)).expect("written");
    assert_eq!(names(&instance.dupes(&folder)), [["a.webp", "b.jpg", "here-not.jpg"]]);
    assert!(names(&instance.dupes(&here)).is_empty());
    let everywhere = instance.json([OsStr::new("dupes"), OsStr::new("--everywhere"), OsStr::new("--format=json"), here.as_os_str()]);
    assert_eq!(names(&everywhere), [["a.webp", "b.jpg", "here-not.jpg"]]);
    assert_eq!(everywhere["coverage"]["indexed"], 1);
}

#[test]
fn a_root_that_takes_in_another_keeps_what_is_known() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let inner = folder.join("2024/summer");
    fs::create_dir_all(&inner).expect("made");
    let files = photos::library(&inner, &["00003"]) as u64;
    instance.dupes(&inner);
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003"]));
    assert_eq!(instance.counter("read"), files);
    let roots = instance.json(["roots", "list", "--format=json"])["roots"].take();
    assert_eq!(array(&roots).len(), 1);
    instance.ok([OsStr::new("roots"), OsStr::new("remove"), folder.as_os_str()]);
    // The one that it took in is back, with what is known of it, and is watched.
    let roots = instance.json(["roots", "list", "--format=json"])["roots"].take();
    assert!(matches!(array(&roots), [root] if root["path"] == inner.to_str().expect("text")), "{roots}");
    let more = photos::library(&inner, &["00009"]) as u64;
    let known = || instance.get("/v1/clusters").1;
    wait_until("new photos are found", || names(&known()) == photos::expected(&["00003", "00009"]));
    instance.dupes(&inner);
    assert_eq!(instance.counter("read"), files + more);
    instance.ok([OsStr::new("roots"), OsStr::new("remove"), inner.as_os_str()]);
    assert!(array(&instance.json(["roots", "list", "--format=json"])["roots"]).is_empty());
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003", "00009"]));
    assert_eq!(instance.counter("decoded"), files + more, "a root that is added again costs no decode");
    // A root in whose place there is a link now is removed by its path.
    let elsewhere = folder.with_file_name("elsewhere");
    fs::rename(&folder, &elsewhere).and_then(|()| std::os::unix::fs::symlink(&elsewhere, &folder)).expect("moved");
    instance.ok([OsStr::new("roots"), OsStr::new("remove"), folder.as_os_str()]);
    assert!(array(&instance.json(["roots", "list", "--format=json"])["roots"]).is_empty());
}

#[test]
fn a_folder_that_holds_far_more_than_photos_is_watched_only_on_purpose() {
    let instance = Instance::new();
    let (people, home) = (instance.folder("people"), instance.folder("people/me"));
    photos::library(&instance.folder("people/me/Pictures"), &["00003"]);
    let simctl = |words: &[&str], path: &Path| {
        let output = instance.command().env("HOME", &home).args(words).arg(path).output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (words, path) in [(&["dupes"][..], Path::new("/")), (&["pairs"], Path::new("/home/..")), (&["roots", "add"], &people)] {
        let (code, said) = simctl(words, path);
        assert!(code == Some(2) && said.contains("far more than photos") && said.contains("roots add --yes"), "{words:?}: {said}");
    }
    assert_eq!(instance.status()["roots"], serde_json::json!([]));
    assert_eq!(simctl(&["dupes"], &home).0, Some(0), "a home is one person's");
    assert_eq!(simctl(&["roots", "add", "--yes"], &people).0, Some(0));
    // It is watched now, so there is nothing to ask about.
    assert_eq!(simctl(&["dupes"], &people).0, Some(0));
}

#[test]
fn thousands_of_paths_are_one_question() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let files: Vec<_> = fs::read_dir(&folder).expect("lists").flatten().map(|e| e.path()).collect();
    let many = files.iter().cycle().take(3000).map(|p| p.as_os_str());
    let answer = instance.json(["dupes".as_ref(), "--format=json".as_ref()].into_iter().chain(many));
    assert_eq!(names(&answer), photos::expected(&["00003"]));
}

#[test]
fn completions_and_help_are_there() {
    let instance = Instance::new();
    assert!(instance.ok(["completions", "bash"]).contains("_simctl"));
    let help = instance.ok(["--help"]).split_whitespace().collect::<Vec<_>>().join(" ");
    for codes in ["Exit codes: 0 done", "2 usage error, or the daemon refused the request", ", 75 ", ", 130 ended by Ctrl-C."] {
        assert!(help.contains(codes), "{help}");
    }
    assert_eq!(instance.run(["dupes"]).status.code(), Some(2));
}

#[test]
fn every_command_says_that_its_output_cannot_be_written() {
    let instance = Instance::new();
    let prefix = instance.folder("prefix");
    let setup = ["setup", "--prefix", prefix.to_str().expect("text")];
    for arguments in [&["--help"][..], &["--version"], &["stop"], &["config"], &["completions", "bash"], &setup] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("opens");
        let output = instance.command().args(arguments).stdout(full).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(6) && said.contains("the output could not be written"), "{arguments:?}: {said}");
    }
    assert!(prefix.join("share/man/man1/simctl.1").exists(), "the files are there all the same");
}

#[test]
fn a_question_about_thousands_of_files_is_answered() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let picture = photos::jpeg(&photos::crop(&photos::open("00003"), 0.4), 60);
    let count = 3000;
    // With long names, the question is as long as one about 10,000 files.
    let files: Vec<PathBuf> = (0..count).map(|number| folder.join(format!("{number:0>200}.jpg"))).collect();
    for file in &files {
        fs::write(file, &picture).expect("written");
    }
    instance.dupes(&folder);
    let began = Instant::now();
    let mut arguments = vec![OsStr::new("dupes"), OsStr::new("--format=json")];
    arguments.extend(files.iter().map(|file| file.as_os_str()));
    let answer = instance.json(arguments);
    assert_eq!((names(&answer)[0].len(), &answer["coverage"]["indexed"]), (count, &count.into()));
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}
