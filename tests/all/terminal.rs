//! What people see on a terminal: names that hold what it obeys, its width, pagers, and Ctrl-C.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use anstream::adapter::strip_str;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

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

/// A command on a terminal of its own.
struct OnTerminal {
    child: Child,
    written: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl OnTerminal {
    fn start(mut command: Command, columns: u16) -> OnTerminal {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("granted");
        unlockpt(&terminal).expect("unlocked");
        let name = ptsname(&terminal, Vec::new()).expect("a name");
        tcsetwinsize(&terminal, Winsize { ws_row: 30, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).expect("it has a size");
        let end = || File::options().read(true).write(true).open(OsStr::from_bytes(name.to_bytes())).expect("opens");
        command.env("TERM", "xterm-256color").stdout(end()).stderr(end());
        let child = command.spawn().expect("runs");
        // The command holds the other end, which has to be closed for the terminal to end.
        drop(command);
        let written = Arc::new(Mutex::new(Vec::new()));
        let reader = thread::spawn({
            let (written, mut terminal) = (Arc::clone(&written), File::from(terminal));
            move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = terminal.read(&mut bytes) {
                    written.lock().expect("no panic").extend_from_slice(&bytes[..count]);
                }
            }
        });
        OnTerminal { child, written, reader }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().expect("no panic")).replace("\r\n", "\n")
    }

    /// Waits for its end. Returns the exit code and all that it wrote.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("ends").code();
        self.reader.join().expect("no panic");
        let shown = String::from_utf8_lossy(&self.written.lock().expect("no panic")).replace("\r\n", "\n");
        (code, shown)
    }
}

/// Runs `simctl` on a terminal, in the home of the instance.
fn on_terminal(instance: &Instance, columns: u16, arguments: &[&str], pager: Option<&str>) -> (Option<i32>, String) {
    let mut command = instance.command();
    command.args(arguments).current_dir(instance.folder("."));
    if let Some(pager) = pager {
        command.env("PAGER", pager);
    }
    OnTerminal::start(command, columns).end()
}

#[test]
fn a_terminal_shows_names_in_the_folder_within_its_width() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003", "00009"]);
    fs::copy(folder.join("00003_low.jpg"), folder.join("写真 from a camera with a long name, 2024-05-01.jpg")).expect("copied");
    instance.dupes(&folder);
    let shown = |columns, arguments: &[&str]| {
        let (code, raw) = on_terminal(&instance, columns, &[&["dupes", "--no-pager"], arguments, &["photos"]].concat(), None);
        assert_eq!(code, Some(0), "{raw}");
        (strip_str(&raw).to_string(), raw)
    };
    for columns in [80, 200] {
        let (text, raw) = shown(columns, &[]);
        assert!(text.lines().all(|line| line.width() <= columns.into()), "{columns}: {text}");
        assert!(
            text.contains("写真 from a camera with a long name, 2024-05-01.jpg") && !text.contains(folder.to_str().expect("text")),
            "{text}"
        );
        assert!(text.contains("simctl dupes --relation identical photos"), "{text}");
        let link = format!("\x1b]8;;file://{}/00003_half.jpg\x1b\\00003_half.jpg\x1b]8;;\x1b\\", folder.display());
        assert!(raw.contains(&link), "{raw:?}");
        // Nothing else of a terminal is used than colours and links.
        assert_eq!(
            raw.matches('\x1b').count(),
            raw.matches("\x1b[").count() + raw.matches("\x1b]8;;").count() + raw.matches("\x1b\\").count()
        );
    }
    let (text, _) = shown(250, &["--absolute"]);
    assert!(text.contains(&format!("  {}\n", folder.join("00003_half.jpg").display())), "{text}");
    let (code, said) = on_terminal(&instance, 80, &["dupes", "--format", "html", "photos"], None);
    assert!(code == Some(2) && said.contains("> report.html"), "{said}");
    let (code, said) = on_terminal(&instance, 80, &["dupes", "--format", "paths0", "--relation", "identical", "photos"], None);
    assert!(
        code == Some(0)
            && said.lines().any(|line| line.ends_with(".jpg"))
            && said.contains("1 file that you could delete")
            && !said.contains('\0'),
        "{said}"
    );
    let help = on_terminal(&instance, 60, &["dupes", "--help"], None).1;
    assert!(strip_str(&help).to_string().lines().all(|line| line.width() <= 60), "{help}");
}

#[test]
fn a_long_answer_goes_through_the_pager_that_a_person_chose() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let marked = "sed 's/^/paged: /'";
    let (code, text) = on_terminal(&instance, 100, &["dupes", "--exit-code", "photos"], Some(marked));
    assert_eq!(code, Some(1), "the code is that of the answer: {text}");
    assert!(text.lines().count() > 5 && text.lines().all(|line| line.starts_with("paged: ")), "{text}");
    assert!(text.contains("\x1b]8;;file://") && text.contains("\x1b["), "with links and colours: {text:?}");
    for (arguments, pager) in
        [(&["dupes", "--no-pager", "photos"][..], marked), (&["dupes", "photos"], "cat"), (&["dupes", "photos"], "none-such -R")]
    {
        let (code, text) = on_terminal(&instance, 100, arguments, Some(pager));
        assert!(code == Some(0) && text.contains("1 photo has versions.") && !text.contains("paged: "), "{arguments:?} {pager}: {text}");
    }
    // A person who leaves the pager has read enough.
    assert_eq!(on_terminal(&instance, 100, &["dupes", "photos"], Some("true")).0, Some(0));
    // Other answers are not for people.
    let (_, json) = on_terminal(&instance, 100, &["dupes", "--json", "photos"], Some(marked));
    assert!(json.starts_with('{'), "{json}");
}

#[test]
fn ctrl_c_says_that_the_daemon_reads_on_and_how_to_stop_it() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    // Pictures of their own, so that each is read.
    for (number, name) in (0..12_u8).flat_map(|number| ["00003", "00009", "00011", "00068"].map(|name| (number, name))) {
        let picture = photos::crop(&photos::open(name), 0.99 - 0.01 * f32::from(number));
        for (edit, picture) in [("a", picture.clone()), ("b", photos::warm(&picture))] {
            fs::write(folder.join(format!("{name}_{number}_{edit}.jpg")), photos::jpeg(&picture, 90)).expect("written");
        }
    }
    let mut command = instance.command();
    command.arg("dupes").arg(&folder);
    let running = OnTerminal::start(command, 100);
    wait_until("it shows what is read", || running.shown().contains("reading photos"));
    kill_process(Pid::from_child(&running.child), Signal::INT).expect("sent");
    let (code, said) = running.end();
    assert!(code == Some(130) && said.contains("the daemon continues to read") && said.contains("simctl stop ends it"), "{code:?}: {said}");
    let is_read = || instance.status()["coverage"]["pending"] == 0;
    wait_until("it has read on", is_read);
}

#[test]
fn a_path_that_is_not_there_proposes_the_nearest_name() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    fs::copy(photos::path("00003"), folder.join("IMG_0421.webp")).expect("copied");
    for (arguments, near) in [
        (&["dupes", "potos"][..], "did you mean photos?"),
        (&["similar", "photos/IMG_0412.webp"], "did you mean photos/IMG_0421.webp?"),
        (&["similar", "photos/IMG_0422.webp"], "photos is there, and has no IMG_0422.webp: was it moved or renamed"),
        (&["dupes", "music"], "this folder is there, and has no music: was it moved or renamed, or is its drive not connected?"),
    ] {
        let output = instance.command().args(arguments).current_dir(instance.folder(".")).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains("does not exist") && said.contains(near), "{arguments:?}: {said}");
    }
}
