//! Names of files that hold what a terminal obeys.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::photos;
use crate::support::{Instance, array, wait_until};

/// An escape sequence, a control character of two bytes, a mark that turns the text around, a line end, Latin-1, and characters that are
/// not seen.
const NAMES: [&[u8]; 6] = [
    b"red\x1b[31m.jpg",
    "c1\u{9b}2J.jpg".as_bytes(),
    "photo\u{202e}gpj.exe.jpg".as_bytes(),
    b"two\nlines\r\x07.jpg",
    b"latin\xe9\x9b.jpg",
    "zero\u{200b}tag\u{e0041}.jpg".as_bytes(),
];

/// Whether a text is free of what a terminal obeys, but for the line ends and tabs of the output itself.
fn is_plain(text: &[u8]) -> bool {
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_unseen = |c: char| matches!(c, '\u{200b}' | '\u{e0041}');
    let is_free = |c: char| !turns(c) && !is_unseen(c) && (!c.is_control() || c == '\n' || c == '\t');
    text.utf8_chunks().all(|chunk| chunk.valid().chars().all(is_free) && !chunk.invalid().iter().any(|b| (0x80..0xa0).contains(b)))
}

#[test]
fn no_command_writes_what_a_terminal_obeys() {
    let instance = Instance::new();
    let folder = instance.folder("photos").join(OsStr::from_bytes(b"fol\x1bder\n\xe2\x80\xae"));
    fs::create_dir(&folder).expect("made");
    let original = photos::open("00003");
    let files: Vec<PathBuf> = NAMES.iter().map(|name| folder.join(OsStr::from_bytes(name))).collect();
    for (number, file) in files.iter().enumerate() {
        fs::write(file, photos::jpeg(&original, 95 - 10 * number as u8)).expect("written");
    }
    let twin = folder.join(OsStr::from_bytes(b"twin\x1b.jpg"));
    fs::copy(&files[0], &twin).expect("copied");
    let broken = folder.join(OsStr::from_bytes(b"broken\x1b.jpg"));
    fs::write(&broken, b"\xff\xd8\xff\xe0 broken").expect("written");
    // The camera's name is shown by compare.
    let camera = photos::taken(&photos::jpeg(&original, 90), "2020:01:01 10:00:00");
    let at = camera.windows(7).position(|w| w == b"Model 1").expect("a camera");
    let camera = [&camera[..at], b"Mo\x1b[2Jl", &camera[at + 7..]].concat();
    let camera_file = folder.join("camera.jpg");
    fs::write(&camera_file, camera).expect("written");

    let exact = instance.dupes(&folder);
    let listed: Vec<OsString> = array(&exact["clusters"]).iter().flat_map(|c| array(&c["photos"])).flat_map(paths).collect();
    assert!(files.iter().all(|file| listed.iter().any(|path| path == file.as_os_str())), "JSON is exact");

    let plain = |arguments: &[&OsStr]| {
        let output = instance.run(arguments);
        let all = [&output.stdout[..], &output.stderr].concat();
        assert!(!all.is_empty(), "{arguments:?} writes nothing");
        assert!(is_plain(&all), "{arguments:?}: {}", String::from_utf8_lossy(&all).escape_debug());
    };
    let words = |line: &str| line.split_whitespace().map(OsString::from).collect::<Vec<_>>();
    let plain_with = |line: &str, paths: &[&PathBuf]| {
        let words = words(line);
        plain(&words.iter().map(OsString::as_os_str).chain(paths.iter().map(|path| path.as_os_str())).collect::<Vec<_>>());
    };
    let missing = folder.join(OsStr::from_bytes(b"mis\x1bsing"));
    for line in ["dupes", "pairs --max-distance 0.4", "failures", "scan", "roots add"] {
        plain_with(line, &[&folder]);
        plain_with(line, &[&missing]);
    }
    plain_with("similar", &[&files[0]]);
    plain_with("similar", &[&broken]);
    plain_with("compare", &[&files[0], &camera_file]);
    plain_with("compare", &[&files[0], &broken]);
    plain_with("decide same", &[&files[0], &files[1], &files[2]]);
    plain_with("decide same", &[&files[0], &twin]);
    plain_with("decide same", &[&files[0], &broken]);
    plain_with("decide different", &[&files[0], &files[3]]);
    plain_with("decide same", &[&files[1], &files[3]]);
    plain_with("decisions list", &[]);
    plain_with("decisions export", &[&missing.join("x")]);
    plain_with("decisions import", &[&broken]);
    plain_with("backup", &[&files[0]]);
    plain_with("backup", &[&folder.join(OsStr::from_bytes(b"back\x1bup.db"))]);
    plain_with("roots list", &[]);
    plain_with("status", &[]);
    plain_with("config", &[]);
    plain_with("reload", &[]);
    plain_with("setup --prefix", &[&folder]);
    plain_with("heads use", &[&PathBuf::from("he\u{1b}ad")]);
    plain_with("tune --name", &[&PathBuf::from("he\u{1b}ad")]);
    plain_with("", &[&PathBuf::from("--\u{1b}[2J")]);
    plain_with("--data-dir", &[&broken, &PathBuf::from("status")]);

    assert!(is_plain(&events(&instance, &folder, &files[0])));
    plain_with("roots remove", &[&folder]);
    assert!(is_plain(&fs::read(instance.data_dir().join("daemon.log")).expect("there")));
}

/// What `simctl events` writes while a file comes and goes.
fn events(instance: &Instance, folder: &Path, photo: &Path) -> Vec<u8> {
    let events = instance.data_dir().join("events.txt");
    let heard = fs::File::create(&events).expect("a file");
    let mut listener = instance.command().arg("events").stdout(heard).spawn().expect("runs");
    wait_until("events are written", || {
        let new = folder.join(OsStr::from_bytes(b"new\x1b.jpg"));
        fs::copy(photo, &new).expect("copied");
        instance.ok(["scan"]);
        fs::remove_file(&new).expect("removed");
        instance.ok(["scan"]);
        String::from_utf8_lossy(&fs::read(&events).expect("there")).contains("gone")
    });
    let _ = listener.kill();
    let _ = listener.wait();
    fs::read(&events).expect("there")
}

/// The paths of a photo, as bytes.
fn paths(photo: &Value) -> Vec<OsString> {
    use base64::Engine;
    let decode = |text: &Value| base64::engine::general_purpose::STANDARD.decode(text.as_str().expect("text")).expect("base64");
    match photo["paths_bytes"].as_array() {
        Some(bytes) => bytes.iter().map(|bytes| OsStr::from_bytes(&decode(bytes)).to_owned()).collect(),
        None => array(&photo["paths"]).iter().map(|path| path.as_str().expect("a path").into()).collect(),
    }
}
