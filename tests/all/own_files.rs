//! The daemon's own files: never through a symbolic link, never another user's, and no mode is changed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use crate::photos;
use crate::support::{Instance, names, skip};

/// What it says when it may not run.
fn refusal(instance: &Instance, folder: &Path) -> String {
    let output = instance.run(["dupes".as_ref(), folder.as_os_str()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    said
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

#[test]
fn no_link_is_followed_to_its_files() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    instance.stop();
    let target = instance.folder("elsewhere").join("target");
    // Without kept pictures it runs, and says so.
    let of_pictures = ["pictures.db", "pictures.db-wal"];
    let databases = ["library.db", "library.db-wal", "index.db", "index.db-wal", "index.db-shm", "index.db.suspect"];
    for name in [&databases[..], &of_pictures, &["daemon.log", "lock", "api.sock", "marker"]].concat() {
        let (path, aside) = (instance.data_dir().join(name), instance.data_dir().join("aside"));
        let was_there = fs::rename(&path, &aside).is_ok();
        for is_dangling in [true, false] {
            let _ = fs::remove_file(&target);
            if !is_dangling {
                fs::write(&target, b"precious").expect("written");
            }
            symlink(&target, &path).expect("linked");
            let said = if of_pictures.contains(&name) {
                instance.dupes(&folder);
                let problems = instance.status()["problems"].to_string();
                instance.stop();
                problems
            } else {
                refusal(&instance, &folder)
            };
            assert!(said.contains("symbolic link") && said.contains(name), "{name}: {said}");
            assert!(path.is_symlink() && target.exists() != is_dangling, "{name}");
            assert!(is_dangling || fs::read(&target).expect("read") == b"precious", "{name}");
            fs::remove_file(&path).expect("removed");
        }
        if was_there {
            fs::rename(&aside, &path).expect("back");
        }
    }
    // The directory itself may be reached through a link.
    let linked = instance.folder("elsewhere").join("data");
    symlink(instance.data_dir(), &linked).expect("linked");
    let mut command = instance.command();
    let output = command.env("SIMILARD_DATA_DIR", &linked).args(["dupes", "--format=json"]).arg(&folder).output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(names(&serde_json::from_slice(&output.stdout).expect("JSON")), photos::expected(&["00003"]));
}

#[test]
fn a_folder_that_it_did_not_make_keeps_its_mode() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let data = instance.folder("data");
    for open in [0o755, 0o770, 0o1777] {
        fs::set_permissions(&data, fs::Permissions::from_mode(open)).expect("ours");
        let said = refusal(&instance, &folder);
        assert!(said.contains("other users can access") && said.contains("chmod 700"), "{said}");
        assert_eq!(mode(&data), open);
        assert_eq!(fs::read_dir(&data).expect("listed").count(), 0, "something was made in it");
    }
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).expect("ours");
    instance.dupes(&folder);
}

#[test]
fn another_users_files_are_not_used() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    instance.stop();
    let own = rustix::process::geteuid().as_raw();
    for name in ["library.db", "index.db", "daemon.log", "lock", ""] {
        let path = instance.data_dir().join(name);
        if chown(&path, Some(4321), None).is_err() {
            return skip("only root can give a file away");
        }
        let said = refusal(&instance, &folder);
        assert!(said.contains("belongs to user 4321"), "{name}: {said}");
        chown(&path, Some(own), None).expect("taken back");
    }
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003"]));
}

#[test]
fn root_leaves_nothing_in_the_home_of_the_user_who_calls_sudo() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let (home, run) = (instance.folder("."), instance.folder("run"));
    let user = 4321;
    if [&home, &run].iter().any(|place| chown(place, Some(user), Some(user)).is_err()) {
        return skip("only root can give a file away");
    }
    let contents = || fs::read_dir(&home).expect("listed").count() + fs::read_dir(&run).expect("listed").count();
    let before = contents();
    let simctl = |words: &[&str]| {
        let mut command = instance.command();
        command.env_remove("SIMILARD_DATA_DIR").env("XDG_RUNTIME_DIR", &run).args(words).arg(&folder);
        let output = command.output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = simctl(&["dupes"]);
    assert!(code == Some(2) && said.contains("belongs to user 4321") && said.contains("sudo -H"), "{said}");
    assert_eq!(contents(), before);
    for words in [&["setup"][..], &["setup", "--remove"]] {
        let setup = instance.command().args(words).output().expect("runs");
        let said = String::from_utf8_lossy(&setup.stderr).into_owned();
        assert!(setup.status.code() == Some(2) && said.contains("belongs to user 4321") && said.contains("--prefix"), "{said}");
        assert!(!home.join(".local").exists());
    }
    // In a directory that is named it may keep its own library.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let data = elsewhere.path().join("data");
    let named = ["--data-dir", data.to_str().expect("text")];
    assert_eq!(simctl(&[&named[..], &["dupes"]].concat()).0, Some(0));
    assert_eq!(contents(), before);
    let mut stop = instance.command();
    assert!(stop.args(named).arg("stop").status().is_ok_and(|ended| ended.success()));
    // After su, the runtime directory is still that of the user before.
    chown(&home, Some(rustix::process::geteuid().as_raw()), None).expect("taken back");
    assert_eq!(simctl(&["dupes"]).0, Some(0));
    assert!(!run.join("similard").exists() && home.join(".local/share/similard/api.sock").exists());
    let mut stop = instance.command();
    assert!(stop.env_remove("SIMILARD_DATA_DIR").arg("stop").status().is_ok_and(|ended| ended.success()));
}
