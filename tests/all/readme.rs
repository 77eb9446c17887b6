//! The commands in the README and in the API page work, and so does the script of the page of exit codes.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::photos;
use crate::support::{Instance, skip};

#[test]
fn its_curl_lines_are_answered() {
    let instance = Instance::new();
    let folder = instance.folder("Pictures");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let pages =
        ["README.md", "docs/api.md"].map(|page| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect("a page"));
    let lines: Vec<&str> = pages.iter().flat_map(|page| page.lines()).filter_map(|line| line.strip_prefix("    curl ")).collect();
    assert!(lines.len() >= 20, "{lines:?}");
    for line in lines {
        let line = line
            .replace("$XDG_RUNTIME_DIR/similard/api.sock", &instance.socket().display().to_string())
            .replace("/home/me/Pictures", &folder.display().to_string())
            .replace("photo.jpg", &folder.join("00003.webp").display().to_string());
        // The stream of events does not end.
        let output = Command::new("sh").args(["-c", &format!("curl -sS --fail-with-body --max-time 5 {line}")]).output().expect("a shell");
        if output.status.code() == Some(127) {
            return skip("curl is not installed");
        }
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let is_endless = line.contains("/v1/events") && output.status.code() == Some(28);
        assert!(output.status.success() || is_endless, "{line}: {said} {errors}");
    }
}

/// The names of copies.
const NAMES: [&[u8]; 4] = [b"new\nline.jpg", b"latin-\xe9\xff.jpg", b"-n.jpg", b" 'quoted' $(touch ran) \\.jpg"];

/// Photos, and the script of the page that moves those of which the same photo stays.
struct Quarantine {
    instance: Instance,
    photos: PathBuf,
    /// The bytes of the photos. Each is in two files.
    bytes: Vec<Vec<u8>>,
}

impl Quarantine {
    fn new() -> Quarantine {
        let instance = Instance::new();
        let photos = instance.folder("photos");
        let copies = instance.folder("photos/copies\n");
        let bytes = ["00003", "00009", "00011", "00021"].map(|name| photos::jpeg(&photos::open(name), 95)).to_vec();
        for ((number, name), bytes) in NAMES.into_iter().enumerate().zip(&bytes) {
            fs::write(photos.join(format!("DSC_{number:04}.JPG")), bytes).expect("written");
            fs::write(copies.join(OsStr::from_bytes(name)), bytes).expect("written");
        }
        Quarantine { instance, photos, bytes }
    }

    /// Runs the script. The programs in `first` are taken before others.
    fn run(&self, to: &Path, first: &Path) -> Output {
        let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md")).expect("a page");
        let (_, script) = page.split_once("```sh\n").expect("a script");
        let (script, _) = script.split_once("```").expect("its end");
        assert!(script.lines().count() <= 10, "{script}");
        let programs = Path::new(env!("CARGO_BIN_EXE_simctl")).parent().expect("a folder");
        let path = format!("{}:{}:{}", first.display(), programs.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = self.instance.command_of("sh");
        command.args(["-c", script, "sh"]).args([&self.photos, to]).env("PATH", path).current_dir(to).output().expect("runs")
    }

    /// How many files below a folder hold each photo, byte for byte.
    fn count(&self, folder: &Path) -> Vec<usize> {
        let mut counts = vec![0; self.bytes.len()];
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for path in fs::read_dir(next).expect("a folder").map(|entry| entry.expect("an entry").path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if let Some(photo) = self.bytes.iter().position(|bytes| fs::read(&path).expect("read") == *bytes) {
                    counts[photo] += 1;
                }
            }
        }
        counts
    }
}

#[test]
fn the_script_moves_identical_files_whatever_their_names_are() {
    let case = Quarantine::new();
    let to = case.instance.folder("quarantine");
    // A full disk stands where the list is written.
    let first = case.instance.folder("bin");
    let (mktemp, list) = (first.join("mktemp"), first.join("list"));
    fs::write(&mktemp, format!("#!/bin/sh\nln -s /dev/full '{0}' && echo '{0}'\n", list.display())).expect("written");
    fs::set_permissions(&mktemp, fs::Permissions::from_mode(0o755)).expect("set");
    let full = case.run(&to, &first);
    assert_eq!(full.status.code(), Some(6), "{full:?}");
    assert_eq!((case.count(&case.photos), case.count(&to)), (vec![2; 4], vec![0; 4]));
    fs::remove_file(mktemp).expect("removed");
    let moved = case.run(&to, &first);
    assert!(moved.status.success(), "{moved:?}");
    assert_eq!((case.count(&case.photos), case.count(&to)), (vec![1; 4], vec![1; 4]));
    let copies = to.join(case.photos.join("copies\n").strip_prefix("/").expect("absolute"));
    assert!(NAMES.iter().all(|name| copies.join(OsStr::from_bytes(name)).is_file()), "the plain names stay");
    assert!(!to.join("ran").exists());
    assert!(case.run(&to, &first).status.success(), "nothing is left to move");
}

#[test]
fn the_script_stops_on_a_full_disk_and_loses_nothing() {
    let case = Quarantine::new();
    let to = case.instance.folder("full");
    let is_mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=100k", "tmpfs"]).arg(&to).output();
    if !is_mounted.is_ok_and(|mount| mount.status.success()) {
        return skip("this user may not mount");
    }
    let output = case.run(&to, &case.instance.folder("bin"));
    let (stay, moved) = (case.count(&case.photos), case.count(&to));
    let _ = Command::new("umount").args(["-l".as_ref(), to.as_os_str()]).status();
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    let (photos, all): (usize, usize) = (case.bytes.iter().map(Vec::len).sum(), stay.iter().chain(&moved).sum());
    assert!(photos > 100 << 10, "they have room: {photos}");
    assert!(all == 8 && stay.iter().all(|files| *files > 0) && stay.contains(&2), "{stay:?} {moved:?}");
}
