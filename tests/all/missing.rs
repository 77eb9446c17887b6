//! `simctl missing`: every state on real files, and never a false "safe".

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use exif::{Field, In, Tag, Value as Exif};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::photos;
use crate::support::{Instance, array, skip, wait_until};

/// The file for which a person sees a photo.
fn photo(name: &str) -> Vec<u8> {
    photos::taken(&photos::jpeg(&photos::half(&photos::open(name)), 90), "2024:05:01 10:00:00")
}

/// The same picture data, with a rating.
fn rated(name: &str) -> Vec<u8> {
    let rating = Field { tag: Tag(exif::Context::Tiff, 0x4746), ifd_num: In::PRIMARY, value: Exif::Short(vec![5]) };
    photos::with_exif(&photos::jpeg(&photos::half(&photos::open(name)), 90), "2024:05:01 10:00:00", &[rating])
}

fn turned(name: &str) -> Vec<u8> {
    let orientation = Field { tag: Tag::Orientation, ifd_num: In::PRIMARY, value: Exif::Short(vec![6]) };
    photos::with_exif(&photos::jpeg(&photos::half(&photos::open(name)), 90), "2024:05:01 10:00:00", &[orientation])
}

/// A JPEG with what a thermal camera keeps among its metadata.
fn thermal(jpeg: &[u8], heat: &[u8]) -> Vec<u8> {
    let body = [b"FLIR\0", heat].concat();
    [&jpeg[..2], &[0xff, 0xe1], &(body.len() as u16 + 2).to_be_bytes(), &body, &jpeg[2..]].concat()
}

/// Bytes that look like no picture.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A JPEG made as long as another file, by a comment.
fn padded(jpeg: &[u8], length: usize) -> Vec<u8> {
    let room = length - jpeg.len() - 4;
    [&jpeg[..2], &[0xff, 0xfe], &(room as u16 + 2).to_be_bytes(), &vec![b'x'; room], &jpeg[2..]].concat()
}

struct Case {
    instance: Instance,
    library: PathBuf,
    cards: Cell<usize>,
}

impl Case {
    /// A daemon that watches a library of photos, films, sound, sidecars and files that are not read.
    fn new() -> Case {
        let instance = Instance::new();
        instance.configure("exclude = [\"private\"]\n");
        let library = instance.folder("library");
        let put = |name: &str, bytes: Vec<u8>| {
            fs::create_dir_all(library.join(name).parent().expect("a folder")).expect("made");
            fs::write(library.join(name), bytes).expect("written");
        };
        for name in ["00003", "00009", "00011"] {
            put(&format!("2024/{name}.jpg"), photo(name));
        }
        put("2024/00003.xmp", b"<x:xmpmeta>three</x:xmpmeta>".to_vec());
        put("film.mov", noise(1, 300_000));
        put("sound.wav", noise(2, 90_000));
        put("unread.raf", photos::unread());
        put("light.exr", noise(3, 5_000));
        put("private/00021.jpg", photo("00021"));
        put(".Trash-1000/files/00034.jpg", photo("00034"));
        instance.ok([OsStr::new("roots"), OsStr::new("add"), library.as_os_str()]);
        Case { instance, library, cards: Cell::new(0) }
    }

    /// A new card with these files.
    fn card(&self, files: &[(&str, Vec<u8>)]) -> PathBuf {
        self.cards.set(self.cards.get() + 1);
        let card = self.instance.folder(&format!("cards/{}", self.cards.get()));
        for (name, bytes) in files {
            fs::create_dir_all(card.join(name).parent().expect("a folder")).expect("made");
            fs::write(card.join(name), bytes).expect("written");
        }
        card
    }

    fn ask(&self, card: &Path, more: &[&str]) -> Asked {
        let words = [OsStr::new("missing"), OsStr::new("--json"), card.as_os_str()].into_iter().chain(more.iter().map(OsStr::new));
        Asked::of(self.instance.run(words), card)
    }
}

impl Case {
    /// Asks as somebody who may read only what the modes of files allow: root, unless it gives that up, may read all.
    fn ask_by_modes(&self, card: &Path) -> Option<Asked> {
        let mut command = self.instance.command();
        if rustix::process::geteuid().is_root() {
            let program = command.get_program().to_owned();
            command = self.instance.command_of("setpriv");
            command.arg("--bounding-set=-dac_override,-dac_read_search").arg(program);
        }
        let output = command.args(["missing", "--json"]).arg(card).output().ok()?;
        Some(Asked::of(output, card))
    }

    fn text(&self, card: &Path, more: &[&str]) -> String {
        let words = [OsStr::new("missing"), card.as_os_str()].into_iter().chain(more.iter().map(OsStr::new));
        String::from_utf8_lossy(&self.instance.run(words).stdout).into_owned()
    }
}

/// An answer.
struct Asked {
    code: Option<i32>,
    answer: Value,
    said: String,
    card: PathBuf,
}

impl Asked {
    fn of(output: Output, card: &Path) -> Asked {
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let answer = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        Asked { code: output.status.code(), answer, said, card: card.to_owned() }
    }

    /// The state of each file, by its name below the card.
    fn states(&self) -> Vec<(String, String)> {
        let name = |file: &Value| {
            let path = Path::new(file["path"].as_str().expect("a path"));
            path.strip_prefix(&self.card).unwrap_or(path).display().to_string()
        };
        array(&self.answer["files"]).iter().map(|file| (name(file), file["state"].as_str().expect("a state").to_owned())).collect()
    }

    #[track_caller]
    fn is(&self, code: i32, states: &[(&str, &str)]) {
        let expected: Vec<(String, String)> = states.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect();
        assert_eq!((self.code, self.states()), (Some(code), expected), "{}", self.said);
        assert_eq!(self.answer["end"]["exit"], code);
    }

    #[track_caller]
    fn says(&self, words: &str) {
        assert!(self.said.contains(words), "{words}: {}", self.said);
    }
}

fn set_time(path: &Path, time: SystemTime) {
    fs::File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("set");
}

/// Runs a shell script as root, which may mount. False, with a message, if nobody is root here.
fn as_root(script: &str, arguments: &[&Path]) -> bool {
    if !rustix::process::geteuid().is_root() {
        skip("this user may not mount");
        return false;
    }
    let done = Command::new("sh").args(["-ec", script, "sh"]).args(arguments).stderr(Stdio::null()).status().expect("a shell");
    if !done.success() {
        skip("this system mounts nothing");
    }
    done.success()
}

/// Unmounts a folder at the end of a test.
struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l".as_ref(), self.0.as_os_str()]).stderr(Stdio::null()).status();
    }
}

#[test]
fn every_state_has_its_exit_code() {
    let case = Case::new();
    let names = |name: &str| format!("DCIM/{name}");
    let one = |case: &Case, name: &str, bytes: Vec<u8>, code: i32, state: &str| {
        let card = case.card(&[(&names(name), bytes)]);
        case.ask(&card, &[]).is(code, &[(&names(name), state)]);
    };
    for (name, bytes, code, state) in [
        ("00003.jpg", photo("00003"), 0, "safe"),
        ("IMG_0001.JPG", photo("00009"), 0, "safe"),
        ("rated.jpg", rated("00003"), 0, "safe"),
        ("turned.jpg", turned("00003"), 1, "missing"),
        ("resaved.jpg", photos::jpeg(&photos::half(&photos::open("00003")), 80), 1, "missing"),
        ("cut.jpg", photo("00003")[..4_000].to_vec(), 1, "missing"),
        ("second.jpg", photo("00040"), 1, "missing"),
        ("empty.jpg", Vec::new(), 4, "unread"),
        ("empty.mov", Vec::new(), 4, "unread"),
        ("garbage.jpg", noise(4, 3_000), 4, "unread"),
        ("film.mov", noise(1, 300_000), 0, "safe"),
        ("MVI_0001.MP4", noise(1, 300_000), 0, "safe"),
        ("other.mov", noise(5, 300_000), 1, "missing"),
        ("longer.mov", noise(6, 300_001), 1, "missing"),
        ("sound.wav", noise(2, 90_000), 0, "safe"),
        ("unread.raf", photos::unread(), 0, "safe"),
        ("other.raf", [photos::unread(), vec![1]].concat(), 1, "missing"),
        ("light.exr", noise(3, 5_000), 0, "safe"),
        ("excluded.jpg", photo("00021"), 1, "missing"),
        ("trash.jpg", photo("00034"), 1, "missing"),
    ] {
        one(&case, name, bytes, code, state);
    }
    // What cannot be judged wins over what is missing.
    let mixed = case.card(&[("a.jpg", photo("00003")), ("b.jpg", photo("00040")), ("c.jpg", noise(7, 50)), ("notes.TXT", b"x".to_vec())]);
    let asked = case.ask(&mixed, &[]);
    asked.is(4, &[("a.jpg", "safe"), ("b.jpg", "missing"), ("c.jpg", "unread")]);
    assert_eq!(asked.answer["end"]["neither"]["txt"], 1);
    // Nothing to judge is no permission.
    let empty = case.card(&[]);
    case.ask(&empty, &[]).is(4, &[]);
    // A sidecar counts with its photo, and by its own bytes.
    let sidecar = |text: &str| text.as_bytes().to_vec();
    let with = case.card(&[("a.jpg", photo("00003")), ("a.xmp", sidecar("<x:xmpmeta>three</x:xmpmeta>"))]);
    case.ask(&with, &[]).is(0, &[("a.jpg", "safe"), ("a.xmp", "safe")]);
    let with = case.card(&[("a.jpg", photo("00003")), ("a.xmp", sidecar("<x:xmpmeta>thr33</x:xmpmeta>"))]);
    let asked = case.ask(&with, &[]);
    asked.is(1, &[("a.jpg", "safe"), ("a.xmp", "missing")]);
    assert_eq!(asked.answer["end"]["folders"][0]["safe"], 0, "its photo is not whole");
    // Also with its film.
    fs::write(case.library.join("C0001M01.XML"), b"<NonRealTimeMeta/>").expect("written");
    let with = |text: &str| case.card(&[("C0001.MP4", noise(1, 300_000)), ("C0001M01.XML", sidecar(text))]);
    case.ask(&with("<NonRealTimeMeta/>"), &[]).is(0, &[("C0001.MP4", "safe"), ("C0001M01.XML", "safe")]);
    let asked = case.ask(&with("<NonRealTimeMet4/>"), &[]);
    asked.is(1, &[("C0001.MP4", "safe"), ("C0001M01.XML", "missing")]);
    assert_eq!(asked.answer["end"]["folders"][0]["safe"], 0, "its film is not whole");
    let with = case.card(&[("a.jpg", photo("00003")), ("a.txt", b"Ann".to_vec())]);
    case.ask(&with, &[]).is(1, &[("a.jpg", "safe"), ("a.txt", "missing")]);
    // The text ends with what one can do.
    let text = |card: &Path| case.text(card, &[]);
    let said = text(&mixed);
    assert!(said.lines().last().is_some_and(|last| last.contains("Keep this folder")), "{said}");
    assert!(said.contains("not judged: 1 file of other types: 1 .txt"), "{said}");
    let safe = case.card(&[("a.jpg", photo("00003")), ("b.jpg", photo("00009")), ("c.mov", noise(1, 300_000))]);
    assert_eq!(text(&safe), "2 of 2 photos and 1 of 1 video are in the library. This folder can be deleted.\n");
    // What nobody looked at is no part of the permission.
    let beside = case.card(&[("a.jpg", photo("00003")), ("notes.txt", b"x".to_vec()), ("more.zip", b"y".to_vec())]);
    let last = "This folder can be deleted, if nobody needs the 2 files of other types.";
    assert!(text(&beside).trim_end().ends_with(last), "{}", text(&beside));
    // Only what counts as missing is listed, and only the library that is asked about counts.
    let listed = case.instance.run([OsStr::new("missing"), OsStr::new("--format=paths0"), mixed.as_os_str()]);
    let expected: Vec<u8> =
        ["b.jpg", "c.jpg"].iter().flat_map(|name| [mixed.join(name).as_os_str().as_encoded_bytes(), b"\0"].concat()).collect();
    assert_eq!((listed.status.code(), listed.stdout), (Some(4), expected));
    let within = case.library.join("2024").display().to_string();
    case.ask(&safe, &["--in", &within]).is(1, &[("a.jpg", "safe"), ("b.jpg", "safe"), ("c.mov", "missing")]);
    // A reader that closes the pipe has not read that everything is safe.
    let mut closed = case.instance.command().arg("missing").arg(&mixed).stdout(Stdio::piped()).spawn().expect("runs");
    drop(closed.stdout.take());
    assert_ne!(closed.wait().expect("ends").code(), Some(0));
}

#[test]
fn a_name_that_tells_nothing_hides_no_photo_and_no_film() {
    let case = Case::new();
    let film = |seed| [&b"\0\0\0\x18ftypmp42\0\0\0\0"[..], &noise(seed, 50_000)].concat();
    fs::write(case.library.join("PXL_1.MP"), film(51)).expect("written");
    fs::write(case.library.join("IMG_0007"), photo("00034")).expect("written");
    let card = case.card(&[
        ("DCIM/00003.JPG.tmp", photo("00003")),
        ("DCIM/IMG_0001", photo("00040")),
        ("DCIM/IMG_0007", photo("00034")),
        ("DCIM/PXL_1.MP", film(51)),
        ("DCIM/PXL_1.MP~2", film(52)),
        ("DCIM/RAW.bak", photos::unread()),
        ("FILE0000.CHK", film(53)),
        ("FILE0001.CHK", b"a text".to_vec()),
    ]);
    symlink(card.join("DCIM/IMG_0001"), card.join("link")).expect("linked");
    assert!(Command::new("mkfifo").arg(card.join("pipe")).status().expect("mkfifo runs").success());
    let expected = [
        ("DCIM/00003.JPG.tmp", "safe"),
        ("DCIM/IMG_0001", "missing"),
        // The library reads only what has the name of a photo.
        ("DCIM/IMG_0007", "missing"),
        ("DCIM/PXL_1.MP", "safe"),
        ("DCIM/PXL_1.MP~2", "missing"),
        ("DCIM/RAW.bak", "safe"),
        ("FILE0000.CHK", "missing"),
    ];
    let asked = case.ask(&card, &[]);
    asked.is(1, &expected);
    let kinds: Vec<&str> = array(&asked.answer["files"]).iter().filter_map(|file| file["kind"].as_str()).collect();
    assert_eq!(kinds, ["photo", "photo", "photo", "film", "film", "photo", "film"]);
    assert_eq!((&asked.answer["end"]["neither"]["chk"], &asked.answer["end"]["links"]), (&1.into(), &1.into()));
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return skip("there is no /dev/shm") };
    let asked = case.ask(&card, &["--copy-to", &memory.path().display().to_string()]);
    asked.says("4 files were copied");
    asked.says("Not copied: the 2 files of other types.");
    assert!(fs::read(memory.path().join("DCIM/IMG_0001")).expect("copied") == photo("00040"));
}

#[test]
fn what_was_not_looked_into_is_no_part_of_the_permission() {
    let case = Case::new();
    let safe = ("a.jpg", photo("00003"));
    let last = |files: &[(&str, Vec<u8>)], folder: &str| {
        let card = case.card(files);
        fs::create_dir_all(card.join(folder)).expect("made");
        let asked = case.ask(&card, &[]);
        asked.is(0, &[("a.jpg", "safe")]);
        (case.text(&card, &[]), asked.answer["end"]["left_out_files"].clone())
    };
    let (said, files) = last(std::slice::from_ref(&safe), ".Trashes/501");
    assert!(said.ends_with("This folder can be deleted.\n") && said.contains("not looked into: .Trashes (0 files)"), "{said}");
    assert_eq!(files, 0);
    let deleted = (".Trashes/501/b.jpg", photo("00040"));
    let (said, files) = last(&[safe.clone(), deleted.clone()], ".");
    assert!(said.ends_with("can be deleted, if nobody needs what is in 1 folder that was not looked into.\n"), "{said}");
    assert!(said.contains("not looked into: .Trashes (1 file)"), "{said}");
    assert_eq!(files, 1);
    let small = ("DCIM/.thumbnails/c.jpg", photo("00040"));
    let (said, files) = last(&[safe, deleted, small, ("b.txt", b"x".to_vec())], ".");
    let end = "if nobody needs the 1 file of other types and what is in 2 folders that were not looked into.\n";
    assert!(said.ends_with(end), "{said}");
    assert_eq!(files, 2);
}

#[test]
fn what_is_safe_with_other_metadata_is_named() {
    let case = Case::new();
    let card = case.card(&[("a.jpg", photo("00003")), ("b.jpg", rated("00009")), ("c.mov", noise(1, 300_000))]);
    let asked = case.ask(&card, &[]);
    asked.is(0, &[("a.jpg", "safe"), ("b.jpg", "safe"), ("c.mov", "safe")]);
    let marked: Vec<bool> = array(&asked.answer["files"]).iter().map(|file| file["other_metadata"] == true).collect();
    assert_eq!(marked, [false, true, false]);
    let line = "1 photo is in the library with other metadata, such as a rating: b.jpg\n";
    assert!(case.text(&card, &[]).contains(line), "{}", case.text(&card, &[]));
    // What is listed is not safe. That is said beside the list.
    let listed = case.instance.run([OsStr::new("missing"), OsStr::new("--format=paths0"), card.as_os_str()]);
    assert_eq!((listed.status.code(), &*String::from_utf8_lossy(&listed.stdout)), (Some(0), ""));
    assert!(String::from_utf8_lossy(&listed.stderr).starts_with(line), "{}", String::from_utf8_lossy(&listed.stderr));
    // A copy with the same bytes has these metadata too.
    fs::write(case.library.join("rated.jpg"), rated("00009")).expect("written");
    let text = case.text(&card, &[]);
    assert!(!text.contains("other metadata"), "{text}");
    // The library is on one drive.
    let text = case.text(&card, &["--on-disks", "2"]);
    let last = "0 of 2 photos and 0 of 1 video are in the library on 2 drives. 3 are not; 3 of these are on fewer.";
    assert!(text.lines().last().is_some_and(|line| line.starts_with(last)), "{text}");
}

#[test]
fn a_copy_that_cannot_be_read_is_not_called_gone() {
    let case = Case::new();
    let folder = case.library.join("2024");
    let card = case.card(&[("a.jpg", photo("00003"))]);
    case.ask(&card, &[]).is(0, &[("a.jpg", "safe")]);
    let set_mode = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("set");
    set_mode(0);
    let asked = case.ask_by_modes(&card);
    set_mode(0o700);
    let Some(asked) = asked else { return skip("there is no setpriv") };
    asked.is(1, &[("a.jpg", "missing")]);
    asked.says("the library's copy, or its folder, cannot be read");
}

#[test]
fn size_name_and_time_prove_nothing() {
    let case = Case::new();
    let original = photo("00003");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_714_557_600);
    let in_library = case.library.join("2024/IMG_0001.JPG");
    let length = photo("00040").len().max(photo("00055").len()) + 10;
    let (kept, twin) = (padded(&photo("00040"), length), padded(&photo("00055"), length));
    fs::write(&in_library, &kept).expect("written");
    set_time(&in_library, time);
    let card = case.card(&[("IMG_0001.JPG", twin)]);
    set_time(&card.join("IMG_0001.JPG"), time);
    assert_eq!(fs::metadata(&in_library).expect("there").len(), fs::metadata(card.join("IMG_0001.JPG")).expect("there").len());
    case.ask(&card, &[]).is(1, &[("IMG_0001.JPG", "missing")]);
    let asked = case.ask(&card, &["--quick"]);
    asked.is(4, &[("IMG_0001.JPG", "alike")]);
    assert!(!asked.said.contains("can be"), "{}", asked.said);
    // Also of what is safe: it was not compared.
    let renamed = case.card(&[("other name.jpg", original)]);
    case.ask(&renamed, &["--quick"]).is(1, &[("other name.jpg", "missing")]);
    assert_eq!(case.ask(&renamed, &["--quick", "--verify"]).code, Some(2));
    // The nearest version is named, and is missing all the same.
    let resaved = case.card(&[("a.jpg", photos::jpeg(&photos::half(&photos::open("00003")), 80))]);
    let asked = case.ask(&resaved, &["--versions"]);
    asked.is(1, &[("a.jpg", "version")]);
    assert!(asked.answer["files"][0]["version"]["path"].as_str().is_some_and(|path| path.ends_with("00003.jpg")), "{}", asked.said);
    // Not of another folder than those that are asked about.
    let other = case.instance.folder("other");
    fs::write(other.join("00040.jpg"), photo("00040")).expect("written");
    let other = other.display().to_string();
    case.ask(&resaved, &["--versions", "--in", &other]).is(1, &[("a.jpg", "missing")]);
    // What is there is read again.
    let safe = case.card(&[("a.jpg", photo("00009")), ("b.jpg", rated("00009")), ("c.mov", noise(1, 300_000))]);
    case.ask(&safe, &["--verify"]).is(0, &[("a.jpg", "safe"), ("b.jpg", "safe"), ("c.mov", "safe")]);
}

#[test]
fn files_that_are_not_decoded_are_known_from_events_and_hashed_once() {
    let case = Case::new();
    let length = 6_000_000;
    let (first, second) = (case.library.join("a.mp4"), case.library.join("b.mp4"));
    fs::write(&first, noise(11, length)).expect("written");
    fs::write(&second, noise(12, length)).expect("written");
    fs::write(case.library.join("c.mp4"), noise(13, length + 1)).expect("written");
    let card = case.card(&[("b.mp4", noise(12, length)), ("d.mp4", noise(14, length + 2))]);
    let io = || {
        let text = fs::read_to_string(format!("/proc/{}/io", case.instance.pid())).expect("readable");
        text.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse::<u64>().ok()).expect("a number")
    };
    // It waits until the library is read.
    case.ask(&card, &["--quick"]);
    let before = io();
    let asked = case.ask(&card, &[]);
    asked.is(1, &[("b.mp4", "safe"), ("d.mp4", "missing")]);
    let (read, twins) = (io() - before, 2 * length as u64);
    assert_eq!(asked.answer["end"]["library_bytes_read"], twins);
    assert!(read <= twins + twins / 20, "{read} bytes were read of {twins}");
    wait_until("the hashes are kept", || case.ask(&card, &[]).answer["end"]["library_bytes_read"] == 0);
    // A file that is renamed, changed or removed has a new row, or none.
    fs::rename(&second, case.library.join("renamed.m4v")).expect("renamed");
    case.ask(&card, &[]).is(1, &[("b.mp4", "safe"), ("d.mp4", "missing")]);
    let mut changed = noise(12, length);
    changed[length / 2] ^= 1;
    fs::write(case.library.join("renamed.m4v"), changed).expect("written");
    case.ask(&card, &[]).is(1, &[("b.mp4", "missing"), ("d.mp4", "missing")]);
    fs::write(case.library.join("d.mp4"), noise(14, length + 2)).expect("written");
    case.ask(&card, &[]).is(1, &[("b.mp4", "missing"), ("d.mp4", "safe")]);
    fs::remove_file(case.library.join("d.mp4")).expect("removed");
    case.ask(&card, &[]).is(1, &[("b.mp4", "missing"), ("d.mp4", "missing")]);
}

#[test]
fn a_copy_that_goes_with_the_card_or_is_gone_makes_nothing_safe() {
    let case = Case::new();
    let library = case.library.clone();
    let photos = library.join("2024");
    // The folder itself, and a hard link.
    let missing = [("00003.jpg", "missing"), ("00003.xmp", "missing"), ("00009.jpg", "missing"), ("00011.jpg", "missing")];
    let asked = case.ask(&photos, &[]);
    asked.is(1, &missing);
    asked.says("only here");
    let linked = case.card(&[]);
    fs::hard_link(photos.join("00003.jpg"), linked.join("a.jpg")).expect("linked");
    case.ask(&linked, &[]).is(1, &[("a.jpg", "missing")]);
    fs::remove_file(linked.join("a.jpg")).expect("removed");
    // A root that is in a trash folder.
    let trash = case.instance.folder("home/.local/share/Trash/files");
    fs::write(trash.join("a.jpg"), photo("00068")).expect("written");
    case.instance.ok([OsStr::new("roots"), OsStr::new("add"), trash.as_os_str()]);
    let card = case.card(&[("a.jpg", photo("00068"))]);
    let asked = case.ask(&card, &[]);
    asked.is(1, &[("a.jpg", "missing")]);
    asked.says("only in a trash folder");
    // A bind mount of the library, in a namespace that the daemon does not see either.
    let bound = case.instance.folder("bound");
    let simctl = case.instance.command();
    let run_in = |script: &str, card: &Path, arguments: &[&Path]| {
        let inner = format!("{script}; exec '{}' missing --json '{}'", simctl.get_program().to_string_lossy(), card.display());
        let mut command = case.instance.command_of("unshare");
        command.args(["-m", "--propagation", "private", "sh", "-ec", &inner, "sh"]).args(arguments);
        Asked::of(command.output().expect("unshare runs"), card)
    };
    if !as_root("unshare -m true", &[]) {
        return;
    }
    let asked = run_in("mount --bind \"$1\" \"$2\"", &bound, &[&photos, &bound]);
    asked.is(1, &missing);
    // Behind the daemon's back: another folder is where the library was, nothing is, or its files are others.
    let card = case.card(&[("a.jpg", photo("00003"))]);
    let empty = case.instance.folder("empty");
    let asked = run_in("mount --bind \"$1\" \"$2\"", &card, &[&empty, &library]);
    asked.is(1, &[("a.jpg", "missing")]);
    asked.says("not there any more");
    let other = case.instance.folder("other");
    fs::create_dir_all(other.join("2024")).expect("made");
    fs::write(other.join("2024/00003.jpg"), photo("00003")).expect("written");
    let asked = run_in("mount --bind \"$1\" \"$2\"", &card, &[&other, &library]);
    asked.is(1, &[("a.jpg", "missing")]);
    asked.says("written to since it was read");
    // Only the ctime is another one, since the link went: the copy is read again here.
    case.ask(&card, &[]).is(0, &[("a.jpg", "safe")]);
    // Written to with its size and time as they were, and nobody told the daemon.
    fs::remove_dir_all(other.join("2024")).expect("removed");
    let copied = Command::new("cp").arg("-a").args([&library.join("2024"), &other.join("2024")]).status().expect("cp runs");
    assert!(copied.success());
    flip_last_byte(&other.join("2024/00003.jpg"));
    let asked = run_in("mount --bind \"$1\" \"$2\"", &card, &[&other, &library]);
    asked.is(1, &[("a.jpg", "missing")]);
    let intact = case.card(&[("b.jpg", photo("00009"))]);
    run_in("mount --bind \"$1\" \"$2\"", &intact, &[&other, &library]).is(0, &[("b.jpg", "safe")]);
}

/// Changes the last byte of a file, and puts its time back.
fn flip_last_byte(path: &Path) {
    let time = fs::metadata(path).and_then(|found| found.modified()).expect("a time");
    let mut bytes = fs::read(path).expect("there");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(path, bytes).expect("written");
    set_time(path, time);
}

#[test]
fn a_disk_that_is_away_makes_nothing_safe_and_is_named() {
    let case = Case::new();
    let disk = case.instance.folder("disk");
    if !as_root("mount -t tmpfs -o size=4m tmpfs \"$1\"", &[&disk]) {
        return;
    }
    let _unmount = Unmount(&disk);
    fs::write(disk.join("a.jpg"), photo("00055")).expect("written");
    fs::write(disk.join("00003.jpg"), photo("00003")).expect("written");
    case.instance.ok([OsStr::new("roots"), OsStr::new("add"), disk.as_os_str()]);
    let (card, both) = (case.card(&[("a.jpg", photo("00055"))]), case.card(&[("b.jpg", photo("00003"))]));
    case.ask(&card, &[]).is(0, &[("a.jpg", "safe")]);
    // Memory is on no known drive. That may be any.
    case.ask(&card, &["--on-disks", "2"]).is(1, &[("a.jpg", "missing")]);
    case.ask(&both, &["--on-disks", "2"]).is(1, &[("b.jpg", "missing")]);
    // The whole card was asked about.
    let on_disk = case.instance.run([OsStr::new("missing"), disk.as_os_str()]);
    assert_eq!(on_disk.status.code(), Some(1));
    let umount = Command::new("umount").arg(&disk).status().expect("umount runs");
    assert!(umount.success());
    let is_away = || array(&case.instance.get("/v1/roots").1["roots"]).iter().any(|root| root["state"] == "offline");
    wait_until("the disk is away", is_away);
    let asked = case.ask(&card, &[]);
    asked.is(1, &[("a.jpg", "safe-elsewhere")]);
    asked.says(&format!("only in {}", disk.display()));
    case.ask(&both, &[]).is(0, &[("b.jpg", "safe")]);
    // A folder of the library that is asked about must be whole.
    let within = disk.display().to_string();
    assert_eq!(case.ask(&both, &["--in", &within]).code, Some(5));
}

#[test]
fn what_is_missing_is_copied_and_read_back() {
    let case = Case::new();
    let card = case.card(&[
        ("DCIM/100/a.jpg", photo("00003")),
        ("DCIM/100/b.jpg", photo("00040")),
        ("DCIM/101/b.jpg", photo("00055")),
        ("DCIM/101/c.mov", noise(21, 700_000)),
    ]);
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500_000_000_120);
    set_time(&card.join("DCIM/100/b.jpg"), time);
    let listing = |folder: &Path| {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
            }
        }
        found.sort();
        found
    };
    let before: Vec<(PathBuf, i64)> =
        listing(&card).into_iter().map(|path| (path.clone(), fs::metadata(path).expect("there").ctime_nsec())).collect();
    // Not below the card, and not on its drive.
    let refused = |to: &Path| {
        let asked = case.ask(&card, &["--copy-to", &to.display().to_string()]);
        assert_eq!(asked.code, Some(2), "{}", asked.said);
        assert!(!to.exists(), "nothing is made");
        asked.said
    };
    assert!(refused(&card.join("copy")).contains("below the folder"));
    let beside = case.instance.folder("beside").join("copy");
    assert!(refused(&beside).contains("on the drive that was asked about"));
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return skip("there is no /dev/shm") };
    let to = memory.path().join("copy/of card");
    fs::create_dir_all(to.join("DCIM/101")).expect("made");
    fs::write(to.join("DCIM/101/b.jpg"), b"another file of this name").expect("written");
    let asked = case.ask(&card, &["--copy-to", &to.display().to_string()]);
    asked.is(1, &[("DCIM/100/a.jpg", "safe"), ("DCIM/100/b.jpg", "missing"), ("DCIM/101/b.jpg", "missing"), ("DCIM/101/c.mov", "missing")]);
    asked.says("2 files were copied");
    asked.says("1 file could not be copied. Ask again once the library has them.");
    asked.says("is not overwritten");
    let expected = ["DCIM/100/b.jpg", "DCIM/101/b.jpg", "DCIM/101/c.mov"].map(|name| to.join(name));
    assert_eq!(listing(&to), expected);
    assert_eq!(fs::read(&expected[1]).expect("there"), b"another file of this name");
    for name in ["DCIM/100/b.jpg", "DCIM/101/c.mov"] {
        assert!(fs::read(to.join(name)).expect("there") == fs::read(card.join(name)).expect("there"));
    }
    assert_eq!(fs::metadata(&expected[0]).and_then(|found| found.modified()).expect("a time"), time);
    let after: Vec<(PathBuf, i64)> =
        listing(&card).into_iter().map(|path| (path.clone(), fs::metadata(path).expect("there").ctime_nsec())).collect();
    assert_eq!(before, after, "nothing was written to the card");
    let asked = case.ask(&card, &["--copy-to", &to.display().to_string()]);
    asked.says("2 files were there already, and compared. 1 file could not be copied.");
    assert!(!asked.said.contains("read back"), "{}", asked.said);
    assert_eq!(array(&asked.answer["files"]).iter().filter(|file| file["copied_before"] == true).count(), 2);
    // A disk without room.
    let full = case.instance.folder("full");
    if !as_root("mount -t tmpfs -o size=400k tmpfs \"$1\"", &[&full]) {
        return;
    }
    let asked = case.ask(&card, &["--copy-to", &full.display().to_string()]);
    let left = listing(&full);
    let _ = Command::new("umount").arg(&full).status();
    assert_eq!(asked.code, Some(6), "{}", asked.said);
    assert!(left.iter().all(|path| path.ends_with("b.jpg")), "the partial file is removed: {left:?}");
}

#[test]
fn an_end_in_the_middle_is_no_permission_and_writes_nothing() {
    let case = Case::new();
    // Long to hash, and of no length on the disk.
    let length = 300_u64 << 30;
    let sparse = |path: &Path| fs::File::create(path).and_then(|file| file.set_len(length)).expect("made");
    sparse(&case.library.join("long.mov"));
    let card = case.card(&[("a.jpg", photo("00003"))]);
    sparse(&card.join("long.mov"));
    let start = || case.instance.command().arg("missing").arg(&card).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    let pid = |process: &std::process::Child| Pid::from_raw(process.id() as i32).expect("a process");
    let reads_card = |process: &std::process::Child| {
        let open = fs::read_dir(format!("/proc/{}/fd", process.id())).into_iter().flatten().flatten();
        open.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|path| path == card.join("long.mov"))
    };
    // Ctrl-C says what is known.
    let interrupted = start();
    wait_until("it reads the card", || reads_card(&interrupted));
    std::thread::sleep(Duration::from_millis(600));
    kill_process(pid(&interrupted), Signal::INT).expect("sent");
    let output = interrupted.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("Ended early: 1 of 2 files were judged, 1 of them safe"), "{said}");
    // Killed.
    let mut killed = start();
    wait_until("it reads the card", || reads_card(&killed));
    killed.kill().expect("sent");
    assert_eq!(killed.wait().expect("ends").code(), None);
    assert_eq!(fs::read_dir(&card).expect("a folder").count(), 2);
    // The daemon is killed before the last question.
    for path in [card.join("long.mov"), case.library.join("long.mov")] {
        fs::File::options().write(true).open(path).and_then(|file| file.set_len(4 << 30)).expect("shortened");
    }
    let waiting = start();
    wait_until("it reads the card", || reads_card(&waiting));
    let daemon = Pid::from_raw(case.instance.pid() as i32).expect("a process");
    kill_process(daemon, Signal::KILL).expect("sent");
    let output = waiting.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_dir(&card).expect("a folder").count(), 2);
}

#[test]
fn a_copy_that_goes_while_others_are_verified_is_missing() {
    let case = Case::new();
    let sparse = |path: &Path| fs::File::create(path).and_then(|file| file.set_len(3 << 30)).expect("made");
    let long = case.library.join("long.mov");
    sparse(&long);
    let card = case.card(&[("a.jpg", photo("00003"))]);
    sparse(&card.join("long.mov"));
    let mut command = case.instance.command();
    let asked = command.args(["missing", "--verify"]).arg(&card).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    wait_until("it verifies the film, after the photo", || {
        let open = fs::read_dir(format!("/proc/{}/fd", asked.id())).into_iter().flatten().flatten();
        open.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|path| path == long)
    });
    fs::remove_file(case.library.join("2024/00003.jpg")).expect("deleted");
    let output = asked.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.code() == Some(1) && said.contains("a.jpg") && !said.contains("can be deleted"), "{said}");
}

const OVERLAY: &str = "mount -t overlay overlay -o \"lowerdir=$1:$2\" \"$3\"";

/// Each file has a ctime of its own, as on a card.
#[test]
fn a_file_of_the_card_that_the_library_sees_through_another_mount_makes_nothing_safe() {
    let case = Case::new();
    let card = case.card(&[("a.jpg", photo("00040"))]);
    std::thread::sleep(Duration::from_millis(30));
    fs::create_dir(card.join("more")).expect("made");
    fs::write(card.join("more/same.jpg"), photo("00040")).expect("written");
    let [view, empty] = ["view", "empty"].map(|name| case.instance.folder(name));
    let _unmount = Unmount(&view);
    if !as_root(OVERLAY, &[&card.join("more"), &empty, &view]) {
        return;
    }
    case.instance.ok([OsStr::new("roots"), OsStr::new("add"), view.as_os_str()]);
    let asked = case.ask(&card, &[]);
    asked.is(1, &[("a.jpg", "missing"), ("more/same.jpg", "missing")]);
    asked.says("seen through another mount");
    // The other way round. The first file is another one, and is in the library now.
    case.instance.ok([OsStr::new("roots"), OsStr::new("add"), card.as_os_str()]);
    case.ask(&view, &[]).is(0, &[("same.jpg", "safe")]);
    fs::remove_file(card.join("a.jpg")).expect("removed");
    case.ask(&view, &[]).is(1, &[("same.jpg", "missing")]);
    fs::write(case.library.join("copy.jpg"), photo("00040")).expect("written");
    case.ask(&view, &[]).is(0, &[("same.jpg", "safe")]);
    case.ask(&card, &[]).is(0, &[("more/same.jpg", "safe")]);
}

#[test]
fn an_image_that_is_on_the_card_goes_with_it() {
    let case = Case::new();
    let (card, other) = (case.card(&[("a.jpg", photo("00040"))]), case.card(&[("a.jpg", photo("00040"))]));
    let disk = case.instance.folder("disk");
    let _unmount = Unmount(&disk);
    let script = "truncate -s 8M \"$1\" && mkfs.ext4 -q \"$1\" && mount -o loop \"$1\" \"$2\"";
    if !as_root(script, &[&card.join("disk.img"), &disk]) {
        return;
    }
    fs::write(disk.join("b.jpg"), photo("00040")).expect("written");
    case.instance.ok([OsStr::new("roots"), OsStr::new("add"), disk.as_os_str()]);
    case.ask(&other, &[]).is(0, &[("a.jpg", "safe")]);
    // The image and the library are on one drive.
    case.ask(&case.card(&[("a.jpg", photo("00003"))]), &["--on-disks", "2"]).is(1, &[("a.jpg", "missing")]);
    let asked = case.ask(&card, &[]);
    asked.is(1, &[("a.jpg", "missing")]);
    asked.says("only here");
    // Nor is anything copied there.
    let asked = case.ask(&card, &["--copy-to", &disk.join("copy").display().to_string()]);
    assert_eq!(asked.code, Some(2), "{}", asked.said);
    asked.says("it is kept in the folder that was asked about");
}

#[test]
fn a_copy_that_leads_back_to_the_card_is_none() {
    let case = Case::new();
    let card = case.card(&[("DCIM/a.jpg", photo("00040"))]);
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return skip("there is no /dev/shm") };
    let [linked, bound] = ["linked", "bound"].map(|name| memory.path().join(name));
    fs::create_dir_all(bound.join("DCIM")).expect("made");
    fs::create_dir(&linked).expect("made");
    symlink(card.join("DCIM"), linked.join("DCIM")).expect("linked");
    let is_not_copied = |to: &Path, why: &str| {
        let asked = case.ask(&card, &["--copy-to", &to.display().to_string()]);
        asked.is(1, &[("DCIM/a.jpg", "missing")]);
        assert_eq!(asked.answer["files"][0]["copied"], Value::Null);
        asked.says(why);
        asked.says(&format!("Nothing was copied to {}. 1 file could not be copied.", to.display()));
        assert!(!asked.said.contains("Ask again"), "{}", asked.said);
    };
    is_not_copied(&linked, "DCIM is a link");
    let (at_bound, view, empty) = (bound.join("DCIM"), case.instance.folder("view"), case.instance.folder("empty"));
    let (_unmount, _too) = (Unmount(&at_bound), Unmount(&view));
    if !as_root("mount --bind \"$1\" \"$2\"", &[&card.join("DCIM"), &at_bound]) {
        return;
    }
    is_not_copied(&bound, "another disk is mounted there");
    if as_root(OVERLAY, &[&card, &empty, &view]) {
        is_not_copied(&view, "seen through another mount");
    }
}

#[test]
fn what_is_no_metadata_must_be_in_the_copy_too() {
    let case = Case::new();
    fs::write(case.library.join("heat.jpg"), thermal(&photo("00040"), b"hot")).expect("written");
    fs::write(case.library.join("plain.jpg"), photo("00055")).expect("written");
    for (what, bytes, code, state) in [
        ("rated", thermal(&rated("00040"), b"hot"), 0, "safe"),
        ("without it", rated("00040"), 0, "safe"),
        ("with other heat", thermal(&rated("00040"), b"ice"), 1, "missing"),
        ("of which only the picture is there", thermal(&photo("00055"), b"hot"), 1, "missing"),
    ] {
        let card = case.card(&[("a.jpg", bytes)]);
        let asked = case.ask(&card, &[]);
        assert_eq!(asked.states(), [("a.jpg".to_owned(), state.to_owned())], "{what}");
        asked.is(code, &[("a.jpg", state)]);
        if state == "missing" {
            asked.says("does not hold all of this file");
        }
    }
}

#[test]
fn what_cannot_be_read_cannot_be_judged() {
    let case = Case::new();
    let film = noise(1, 300_000);
    let card = case.card(&[
        ("a.jpg", photo("00003")),
        ("b.jpg", photo("00009")),
        ("c.mov", film),
        ("e", b"x".to_vec()),
        ("shut/d.jpg", photo("00011")),
    ]);
    let locked = ["b.jpg", "c.mov", "e", "shut"].map(|name| card.join(name));
    let set_modes = |mode| locked.iter().for_each(|path| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set"));
    case.ask(&card, &[]).is(0, &["a.jpg", "b.jpg", "c.mov", "shut/d.jpg"].map(|name| (name, "safe")));
    set_modes(0);
    let asked = case.ask_by_modes(&card);
    set_modes(0o700);
    let Some(asked) = asked else { return skip("there is no setpriv") };
    asked.is(4, &[("a.jpg", "safe"), ("b.jpg", "unread"), ("c.mov", "unread"), ("e", "unread"), ("shut", "unread")]);
    assert_eq!(asked.said.matches("Permission denied").count(), 4, "{}", asked.said);
    asked.says("it cannot be read, and may be a photo: Permission denied");
    asked.says("4 could not be judged. Keep this folder.");
}

/// Bytes of a JPEG without the segments that hold metadata, found by looking at each.
fn stripped(jpeg: &[u8]) -> Option<Vec<u8>> {
    let mut rest = jpeg.strip_prefix(&[0xff, 0xd8])?;
    let mut kept = Vec::new();
    while let [0xff, marker, high, low, ..] = rest {
        let length = 2 + usize::from(*high) * 256 + usize::from(*low);
        if *marker == 0xda {
            break;
        }
        let segment = rest.get(..length)?;
        if *marker != 0xe1 || segment.get(4..8) == Some(b"FLIR") {
            kept.extend_from_slice(segment);
        }
        rest = rest.get(length..)?;
    }
    kept.extend_from_slice(rest);
    Some(kept)
}

/// Random subsets of files in all states, against an oracle that reads both folders and compares all with all.
#[test]
fn random_cards_are_judged_as_an_oracle_does() {
    let case = Case::new();
    let choices: Vec<(&str, Vec<u8>)> = vec![
        ("same.jpg", photo("00003")),
        ("rated.jpg", rated("00009")),
        ("thermal.jpg", thermal(&rated("00009"), b"hot")),
        ("resaved.jpg", photos::jpeg(&photos::half(&photos::open("00011")), 85)),
        ("new.jpg", photo("00040")),
        ("cut.jpg", photo("00009")[..3_000].to_vec()),
        ("excluded.jpg", photo("00021")),
        ("film.mov", noise(1, 300_000)),
        ("other.mov", noise(31, 300_000)),
        ("sound.wav", noise(2, 90_000)),
        ("same.xmp", b"<x:xmpmeta>three</x:xmpmeta>".to_vec()),
        ("new.xmp", b"<x:xmpmeta>f0rty</x:xmpmeta>".to_vec()),
        ("unread.raf", photos::unread()),
    ];
    let library: Vec<Vec<u8>> =
        ["2024/00003.jpg", "2024/00009.jpg", "2024/00011.jpg", "2024/00003.xmp", "film.mov", "sound.wav", "unread.raf"]
            .iter()
            .map(|name| fs::read(case.library.join(name)).expect("there"))
            .collect();
    let is_safe =
        |bytes: &Vec<u8>| library.iter().any(|other| other == bytes || stripped(bytes).is_some_and(|mine| Some(mine) == stripped(other)));
    for (round, bits) in noise(41, 24).chunks(2).enumerate() {
        let bits = u16::from_le_bytes([bits[0], bits[1]]);
        let chosen: Vec<(&str, Vec<u8>)> =
            choices.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, choice)| choice.clone()).collect();
        if chosen.is_empty() {
            continue;
        }
        let card = case.card(&chosen);
        let asked = case.ask(&card, &[]);
        let mut expected: Vec<(String, bool)> = chosen.iter().map(|(name, bytes)| ((*name).to_owned(), is_safe(bytes))).collect();
        expected.sort();
        let said: Vec<(String, bool)> = asked.states().into_iter().map(|(name, state)| (name, state == "safe")).collect();
        assert_eq!(said, expected, "round {round}: {}", asked.said);
        assert_eq!(asked.code == Some(0), expected.iter().all(|(_, safe)| *safe), "round {round}");
    }
}
