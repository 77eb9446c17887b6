//! Files that change while the daemon runs.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::photos;
use crate::support::{Instance, array, names, wait_until};

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

fn ends_with(event: &Value, key: &str, name: &str) -> bool {
    event[key].as_str().is_some_and(|path| path.ends_with(name))
}

#[test]
fn a_question_waits_until_a_folder_that_is_back_is_listed() {
    let instance = Instance::new();
    let disk = instance.folder("disk");
    let (folder, away) = (disk.join("photos"), disk.join("away"));
    fs::create_dir(&folder).expect("made");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    for name in ["00009", "00011"] {
        instance.stop();
        fs::rename(&folder, &away).expect("unplugged");
        photos::library(&away, &[name]);
        // Starts the daemon.
        instance.ok(["decisions", "list"]);
        fs::rename(&away, &folder).expect("plugged in");
        let back = instance.json([OsStr::new("dupes"), OsStr::new("--format=json"), folder.as_os_str()]);
        assert!(names(&back).iter().flatten().any(|photo| photo.starts_with(name)) && back["whole"] == true, "{back}");
    }
}

#[test]
fn events_tell_what_happens() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let listener = instance.listen("events.log");
    fs::copy(photos::path("00009"), folder.join("new.webp")).expect("copied");
    listener.receives("added", |e| ends_with(e, "path", "new.webp"));
    // A move shortly before the event of a writer is handled is doubted, and told as another file.
    instance.dupes(&folder);
    fs::rename(folder.join("new.webp"), folder.join("renamed.webp")).expect("renamed");
    let moved = listener.receives("moved", |e| ends_with(e, "path", "renamed.webp"));
    assert!(ends_with(&moved["from"], "path", "new.webp"), "{moved}");
    fs::copy(photos::path("00011"), folder.join("renamed.webp")).expect("overwritten");
    listener.receives("changed", |e| ends_with(e, "path", "renamed.webp"));
    fs::write(folder.join("renamed.webp"), b"no photo").expect("overwritten");
    listener.receives("failed", |e| ends_with(e, "path", "renamed.webp"));
    fs::remove_file(folder.join("renamed.webp")).expect("removed");
    listener.receives("gone", |e| ends_with(e, "path", "renamed.webp"));
    let told = listener.events();
    let of = |name: &str, path: &str| told.iter().filter(|e| e["event"] == name && ends_with(e, "path", path)).count();
    assert_eq!((of("gone", "new.webp"), of("added", "renamed.webp")), (0, 0), "a move is one event: {told:?}");
}

#[test]
fn new_copies_are_told_once_all_of_them_are_there() {
    let instance = Instance::new();
    let (folder, desktop) = (instance.folder("photos"), instance.folder("desktop"));
    // A `notify-send` that writes its arguments to a file. The fence allows that in the data directory only.
    let (program, notifications) = (desktop.join("notify-send"), instance.data_dir().join("notifications"));
    fs::write(&program, format!("#!/bin/sh\necho \"$@\" >> '{}'\n", notifications.display())).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
    instance.configure("notify-desktop = true\n");
    let path = format!("{}:{}", desktop.display(), std::env::var("PATH").unwrap_or_default());
    fs::copy(photos::path("00009"), folder.join("nine.webp")).expect("copied");
    photos::library(&folder, &["00003"]);
    let started = instance.command().env("PATH", path).arg("dupes").arg(&folder).output().expect("runs");
    assert!(started.status.success());
    // The first clusters are reported, too. Wait for that, so that the listener only receives later ones.
    wait_until("the desktop is told of what was there", || fs::read_to_string(&notifications).is_ok_and(|told| told.contains("00003")));
    let listener = instance.listen("events.log");
    let nine = photos::open("00009");
    fs::write(folder.join("nine-small.jpg"), photos::jpeg(&photos::half(&nine), 85)).expect("written");
    let new = listener.receives("new-cluster", |_| true);
    assert_eq!(array(&new["paths"]).len(), 2, "{new}");
    assert!(array(&new["paths"]).iter().all(|p| p.as_str().is_some_and(|p| p.contains("nine"))), "{new}");
    fs::copy(folder.join("nine.webp"), folder.join("nine-again.webp")).expect("copied");
    let grown = listener.receives("cluster-grew", |_| true);
    assert_eq!((&grown["cluster"], array(&grown["paths"]).len()), (&new["cluster"], 3), "{grown}");
    fs::rename(folder.join("nine.webp"), folder.join("neuf.webp")).expect("renamed");
    listener.receives("moved", |e| ends_with(e, "path", "neuf.webp"));
    wait_until("the desktop is told", || fs::read_to_string(&notifications).is_ok_and(|told| told.contains("nine-again.webp")));
    assert!(fs::read_to_string(&notifications).is_ok_and(|told| told.contains("A photo has new versions")));
    let clusters = listener.events().into_iter().filter(|e| e["event"] == "new-cluster" || e["event"] == "cluster-grew").count();
    assert_eq!(clusters, 2, "a new name is reported as a copy");
}

#[test]
fn a_file_is_read_once_its_writer_is_done() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let (read, listener) = (instance.counter("read"), instance.listen("events.log"));
    let photo = photos::jpeg(&photos::large("00009"), 90);
    let mut asking = Vec::new();
    let mut file = fs::File::create(folder.join("slow.jpg")).expect("made");
    for part in photo.chunks(photo.len() / 6) {
        file.write_all(part).expect("written");
        std::thread::sleep(Duration::from_millis(800));
        // Scans during the write must not read half a photo.
        asking.push(instance.command().arg("scan").stdout(Stdio::null()).spawn().expect("runs"));
    }
    drop(file);
    asking.iter_mut().for_each(|process| assert!(process.wait().is_ok_and(|ended| ended.success())));
    listener.receives("added", |e| ends_with(e, "path", "slow.jpg"));
    assert_eq!(instance.counter("read"), read + 1);
    assert!(listener.events().iter().all(|e| e["event"] != "failed"));
}

#[test]
fn what_is_left_out_can_be_chosen() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    for below in ["proofs", ".kept", ".thumbnails", "."] {
        photos::library(&instance.folder(&format!("photos/{below}")), &["00003"]);
    }
    let content = fs::read(photos::path("00009")).expect("a photo");
    let many = instance.folder("photos/many");
    (0..60).for_each(|number| fs::write(many.join(format!("{number}.webp")), &content).expect("written"));
    let files = |answer: &Value| answer["coverage"]["indexed"].as_u64();
    let each = fs::read_dir(folder.join("proofs")).expect("a folder").count() as u64;
    assert_eq!(files(&instance.dupes(&folder)), Some(2 * each + 60));
    instance.configure("exclude = [\"/proofs/\", \"many\"]\ninclude = [\".kept\"]\n");
    assert!(instance.ok(["reload"]).contains("in force"));
    // Files that the settings leave out are forgotten whatever their number.
    wait_until("they are left out", || files(&instance.dupes(&folder)) == Some(2 * each));
    assert!(instance.ok(["reload"]).contains("nothing changed"));
    let config = instance.ok(["config"]);
    assert!(config.contains("exclude = [\"/proofs/\", \"many\"]") && config.contains("default\nforget-at-once = 0.5"), "{config}");
    let list = instance.ok(["roots", "list"]);
    assert!(list.contains(".*  ") && list.contains("  @eaDir  ") && list.contains("/proofs/") && list.contains("but not: .kept"), "{list}");
    photos::library(&folder.join("many"), &["00011"]);
    photos::library(&folder.join(".kept"), &["00011"]);
    wait_until("only what is not left out is watched", || files(&instance.dupes(&folder)) > Some(2 * each));
    assert_eq!(files(&instance.dupes(&folder)), Some(3 * each));
    // A wrong setting is reported, and the daemon continues with the old ones.
    let (pid, socket) = (instance.pid(), instance.socket());
    instance.configure("exclude = [\"[a\"]\n");
    let refused = instance.run(["config"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("\"[a\" is not a valid glob"), "{refused:?}");
    let reload = "POST /v1/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let answer = instance.raw(reload.as_bytes(), Duration::from_secs(20));
    assert!(String::from_utf8_lossy(&answer).contains("\"code\":\"settings\""), "{}", String::from_utf8_lossy(&answer));
    // SIGHUP reloads the settings as well.
    instance.configure("");
    assert!(Command::new("kill").args(["-HUP", &pid.to_string()]).status().is_ok_and(|s| s.success()));
    wait_until("nothing of it is left out any more", || files(&instance.dupes(&folder)) == Some(3 * each + 60));
    assert!(socket.exists() && instance.pid() == pid);
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
    // Nobody has to be told that a folder moved away, and its watch moves with it.
    fs::rename(&folder, folder.with_extension("old")).expect("moved");
    photos::library(&instance.folder("photos"), &["00021"]);
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00021"]));
    photos::library(&folder, &["00034"]);
    wait_until("the folder in its place is watched", || now() == photos::expected(&["00021", "00034"]));
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

/// The number of watches of a daemon.
fn watches(instance: &Instance) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{}/fdinfo", instance.pid())).expect("a process");
    let infos = descriptors.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    infos.map(|info| info.lines().filter(|line| line.starts_with("inotify wd")).count()).sum()
}

#[test]
fn a_folder_that_is_left_out_costs_no_watch() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    for number in 0..50 {
        for below in ["@eaDir", ".git/objects", "new/@eaDir"] {
            fs::create_dir_all(folder.join(below).join(number.to_string())).expect("made");
        }
    }
    instance.dupes(&folder);
    let before = watches(&instance);
    assert!((2..10).contains(&before), "{before} watches");
    // Also if it appears later.
    fs::create_dir_all(folder.join("later/@eaDir/a/b")).expect("made");
    photos::library(&folder.join("later"), &["00009"]);
    let now = || names(&instance.json([OsStr::new("dupes"), OsStr::new("--no-wait"), OsStr::new("--format=json"), folder.as_os_str()]));
    wait_until("the new photos are in the answer", || now() == photos::expected(&["00003", "00009"]));
    assert_eq!(watches(&instance), before + 1);
}

#[test]
fn a_folder_that_moved_and_the_one_in_its_place_are_both_watched() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let inner = |name: &str| folder.join(name).join("inner");
    fs::create_dir_all(inner("a")).expect("made");
    photos::library(&inner("a"), &["00003"]);
    instance.dupes(&folder);
    let now = || names(&instance.json([OsStr::new("dupes"), OsStr::new("--no-wait"), OsStr::new("--format=json"), folder.as_os_str()]));
    let mut expected = vec!["00003"];
    for (round, name) in ["00009", "00011", "00021"].into_iter().enumerate() {
        // The folder keeps its inode, and the name gets another.
        fs::rename(folder.join("a"), folder.join(format!("b{round}"))).expect("moved");
        fs::create_dir_all(inner("a")).expect("made");
        expected.push(name);
        wait_until("the folders are known", || now().len() == expected.len() - 1);
        photos::library(&inner("a"), &[name]);
        wait_until("a new photo in the new folder is found", || now() == photos::expected(&expected));
        let old = inner(&format!("b{round}")).join("copy.jpg");
        fs::write(&old, photos::jpeg(&photos::open(name), 70)).expect("written");
        wait_until("and one in the old folder", || now().concat().contains(&"copy.jpg".to_owned()));
        fs::remove_file(old).expect("removed");
        wait_until("and that it is gone", || now() == photos::expected(&expected));
    }
    assert_eq!(instance.json(["roots", "list", "--format=json"])["roots"][0]["times_lost"], 0);
}
