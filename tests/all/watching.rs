//! Files that come and go while the daemon runs.

use std::ffi::OsStr;
use std::fs;

use crate::photos;
use crate::support::{Instance, names, wait_until};

#[test]
fn new_and_deleted_files_show_by_themselves() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let now = || names(&instance.json([OsStr::new("dupes"), OsStr::new("--no-wait"), OsStr::new("--format=json"), folder.as_os_str()]));
    photos::library(&folder, &["00009"]);
    wait_until("the new photos are in the answer", || now() == photos::expected(&["00003", "00009"]));
    let deep = folder.join("a/b/c");
    fs::create_dir_all(&deep).expect("made");
    photos::library(&deep, &["00011"]);
    wait_until("photos in a new folder are too", || now() == photos::expected(&["00003", "00009", "00011"]));
    fs::remove_file(folder.join("00009_low.jpg")).expect("deleted");
    wait_until("the deleted photo is not", || now()[1].len() == 4);
    fs::remove_dir_all(folder.join("a")).expect("deleted");
    wait_until("nor a deleted folder", || now().len() == 2);
}

#[test]
fn a_root_that_is_away_keeps_its_photos() {
    let instance = Instance::new();
    let (folder, away) = (instance.folder("card"), instance.folder("pocket").join("card"));
    let files = photos::library(&folder, &["00003"]) as u64;
    let before = names(&instance.dupes(&folder));
    fs::rename(&folder, &away).expect("unplugged");
    instance.ok(["scan"]);
    let status = instance.status();
    assert_eq!((&status["roots"][0]["state"], status["coverage"]["offline"].as_u64()), (&"offline".into(), Some(files)));
    fs::rename(&away, &folder).expect("plugged in");
    instance.ok(["scan"]);
    assert_eq!(names(&instance.dupes(&folder)), before);
    assert_eq!(instance.counter("read"), files);
}

#[test]
fn events_tell_what_happens() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let log = instance.data_dir().join("events.log");
    let file = fs::File::create(&log).expect("a file");
    let mut listener = instance.command().args(["events", "--format=ndjson"]).stdout(file).spawn().expect("runs");
    let told = || fs::read_to_string(&log).unwrap_or_default();
    // The listener is there once it hears of a scan.
    wait_until("it listens", || {
        instance.ok(["scan"]);
        told().contains("scan-finished")
    });
    fs::copy(photos::path("00009"), folder.join("new.webp")).expect("copied");
    wait_until("the new file is told", || told().lines().any(|l| l.contains("\"added\"") && l.contains("new.webp")));
    listener.kill().expect("ends");
    let _ = listener.wait();
}

#[test]
fn an_index_inside_its_own_library_comes_to_rest() {
    let instance = Instance::new();
    let home = instance.folder(".");
    photos::library(&instance.folder("photos"), &["00003"]);
    assert_eq!(names(&instance.dupes(&home)), photos::expected(&["00003"]));
    assert_eq!(names(&instance.dupes(&home)), photos::expected(&["00003"]));
}

#[test]
fn a_root_that_is_replaced_is_looked_at_again() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    fs::remove_dir_all(&folder).expect("removed");
    photos::library(&instance.folder("photos"), &["00009"]);
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00009"]));
    photos::library(&folder, &["00011"]);
    let now = || names(&instance.json([OsStr::new("dupes"), OsStr::new("--no-wait"), OsStr::new("--format=json"), folder.as_os_str()]));
    wait_until("the new folder is watched", || now() == photos::expected(&["00009", "00011"]));
}

#[test]
fn several_simctl_at_once_start_one_daemon() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003", "00009"]);
    let started: Vec<_> = (0..4)
        .map(|_| {
            instance.command().arg("dupes").arg("--format=json").arg(&folder).stdout(std::process::Stdio::piped()).spawn().expect("runs")
        })
        .collect();
    for run in started {
        let output = run.wait_with_output().expect("ends");
        assert!(output.status.success());
        assert_eq!(names(&serde_json::from_slice(&output.stdout).expect("JSON")), photos::expected(&["00003", "00009"]));
    }
}
