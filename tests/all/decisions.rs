//! Decisions: they apply at once, belong to the picture, and can be exported.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use image::{RgbImage, imageops};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;

use crate::photos;
use crate::support::{Instance, array, names, wait_until};

fn library(instance: &Instance) -> PathBuf {
    let folder = instance.folder("photos");
    photos::library(&folder, &photos::NAMES[..3]);
    folder
}

/// The names in the cluster that holds a file.
fn cluster_of(answer: &Value, name: &str) -> Vec<String> {
    names(answer).into_iter().find(|cluster| cluster.iter().any(|n| n == name)).unwrap_or_default()
}

#[test]
fn different_photos_are_never_together_and_same_ones_always() {
    let instance = Instance::new();
    let folder = library(&instance);
    let file = |name: &str| folder.join(name).display().to_string();
    let before = instance.dupes(&folder);
    assert_eq!(names(&before), photos::expected(&photos::NAMES[..3]));

    instance.ok(["decide", "different", &file("00003.webp"), &file("00003_warm.jpg")]);
    let apart = instance.dupes(&folder);
    let cluster = cluster_of(&apart, "00003.webp");
    assert!(!cluster.contains(&"00003_warm.jpg".to_owned()), "{cluster:?}");
    let pairs = instance.ok(["pairs", &folder.display().to_string()]);
    assert!(!pairs.lines().any(|l| l.contains("00003.webp") && l.contains("00003_warm.jpg")), "{pairs}");

    // Two photos that have nothing in common become one cluster, with the versions of both.
    instance.ok(["decide", "same", &file("00009.webp"), &file("00011.webp")]);
    let joined = cluster_of(&instance.dupes(&folder), "00009.webp");
    assert!(joined.contains(&"00011_half.jpg".to_owned()) && joined.contains(&"00009_low.jpg".to_owned()), "{joined:?}");
    let copies = instance.json(["dupes", "--format=json", "--relation=copy", &folder.display().to_string()]);
    assert!(cluster_of(&copies, "00009.webp").contains(&"00011.webp".to_owned()), "{copies}");
    let said = instance.ok(["compare", &file("00009.webp"), &file("00011.webp")]);
    assert!(said.contains("as you decided"), "{said}");
    // A decision joins, and lists nothing unasked.
    let go = |relation: &str| instance.ok(["dupes", "--format=paths0", relation, &folder.display().to_string()]);
    let decided = |listed: &str| listed.split('\0').filter(|path| path.ends_with("00009.webp") || path.ends_with("00011.webp")).count();
    assert_eq!(decided(&instance.ok(["dupes", "--format=paths0", &folder.display().to_string()])), 0);
    assert_eq!((decided(&go("--relation=identical,copy")), decided(&go("--relation=identical,copy,edit"))), (0, 1));

    instance.ok(["decide", "forget", &file("00009.webp"), &file("00011.webp"), &file("00003.webp"), &file("00003_warm.jpg")]);
    assert_eq!(names(&instance.dupes(&folder)), names(&before));
    assert_eq!(instance.status()["decisions"], 0);
}

#[test]
fn decisions_outlive_the_index_a_crash_and_a_rename() {
    let instance = Instance::new();
    let folder = library(&instance);
    let file = |name: &str| folder.join(name).display().to_string();
    instance.dupes(&folder);
    instance.ok(["decide", "different", &file("00003.webp"), &file("00003_half.jpg"), &file("00003_low.jpg")]);
    let decided = names(&instance.dupes(&folder));
    instance.kill();
    for name in ["index.db", "index.db-wal", "index.db-shm"] {
        let _ = fs::remove_file(instance.data_dir().join(name));
    }
    assert_eq!(names(&instance.dupes(&folder)), decided);
    fs::rename(folder.join("00003_half.jpg"), folder.join("renamed.jpg")).expect("renamed");
    let after = instance.dupes(&folder);
    assert!(!cluster_of(&after, "00003.webp").contains(&"renamed.jpg".to_owned()), "{:?}", names(&after));
}

#[test]
fn decisions_go_to_another_library_in_a_file() {
    let (here, there) = (Instance::new(), Instance::new());
    let (folder, other) = (library(&here), library(&there));
    here.dupes(&folder);
    let file = |name: &str| folder.join(name).display().to_string();
    here.ok(["decide", "different", &file("00003.webp"), &file("00003_crop.jpg")]);
    let written = here.folder("out").join("decisions.jsonl");
    here.ok(["decisions", "export", &written.display().to_string()]);
    assert_eq!(here.ok(["decisions", "export"]), fs::read_to_string(&written).expect("written"));
    assert_eq!(here.ok(["decisions", "export", "-"]), fs::read_to_string(&written).expect("written"));
    // An earlier export is replaced, and nothing else.
    here.ok(["decisions", "export", &written.display().to_string()]);
    let photo = fs::read(file("00003.webp")).expect("read");
    let refused = here.run(["decisions", "export", &file("00003.webp")]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is not an earlier export"), "{refused:?}");
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(fs::read(file("00003.webp")).expect("read"), photo);

    there.dupes(&other);
    let said = there.ok(["decisions", "import", &written.display().to_string()]);
    assert!(said.contains("1 decision read, 1 of them new"), "{said}");
    assert!(there.ok(["decisions", "import", &written.display().to_string()]).contains("0 of them new"));
    assert!(!cluster_of(&there.dupes(&other), "00003.webp").contains(&"00003_crop.jpg".to_owned()));

    // Of two verdicts the later one holds, and what is not taken is said.
    let [webp, crop] = ["00003.webp", "00003_crop.jpg"].map(|name| other.join(name).display().to_string());
    let reversed = there.ok(["decide", "same", &webp, &crop]);
    assert!(reversed.contains("1 was decided to be different before"), "{reversed}");
    let said = there.ok(["decisions", "import", &written.display().to_string()]);
    assert!(said.contains("1 decision read, 0 of them new; 1 was not taken"), "{said}");
    assert!(
        said.contains(&format!("{webp} and {crop} are different")) || said.contains(&format!("{crop} and {webp} are different")),
        "{said}"
    );
    let both = fs::read_to_string(&written).expect("written");
    let both = both.clone() + &both.replace("different", "same");
    let clash = here.folder("out").join("clash.jsonl");
    fs::write(&clash, both).expect("written");
    let refused = here.run(["decisions", "import", &clash.display().to_string()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("would contradict each other"), "{said}");

    let broken = here.folder("out").join("broken.jsonl");
    fs::write(&broken, "{\"a\":\"12\",\"b\":\"34\",\"verdict\":\"same\",\"made\":1}\n").expect("written");
    let refused = there.run(["decisions", "import", &broken.display().to_string()]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("nothing was imported"));
    fs::write(&broken, "no JSON\n").expect("written");
    let refused = there.run(["decisions", "import", &broken.display().to_string()]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("line 1"));
}

#[test]
fn what_cannot_be_decided_says_why() {
    let instance = Instance::new();
    let folder = library(&instance);
    instance.dupes(&folder);
    let file = |name: &str| folder.join(name).display().to_string();
    fs::copy(folder.join("00003.webp"), folder.join("twin.webp")).expect("copied");
    fs::write(folder.join("broken.jpg"), b"\xff\xd8\xff\xe0 broken").expect("written");
    instance.dupes(&folder);
    let refused = |arguments: &[&str], why: &str| {
        let output = instance.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    refused(&["decide", "same", &file("00003.webp"), &file("twin.webp")], "hold the same photo");
    refused(&["decide", "same", &file("00003.webp"), &file("broken.jpg")], "is not a photo that has been read");
    refused(&["decide", "same", &file("00003.webp"), &folder.display().to_string()], "is a folder, and a decision is about single photos");
    refused(&["decide", "same", &file("00003.webp"), &file("absent.jpg")], "does not exist");
    refused(&["decide", "same", &file("00003.webp")], "required");
    let (code, answer) = instance.get("/v1/decisions");
    assert_eq!((code, array(&answer["decisions"]).len()), (200, 0));
}

#[test]
fn a_decision_that_contradicts_others_is_refused_and_says_which() {
    let instance = Instance::new();
    let folder = instance.folder("My Pictures");
    photos::library(&folder, &photos::NAMES[..3]);
    instance.dupes(&folder);
    let file = |name: &str| folder.join(name).display().to_string();
    let [a, b, c] = [file("00003.webp"), file("00009.webp"), file("00011.webp")];
    instance.ok(["decide", "same", &a, &b]);
    instance.ok(["decide", "same", &b, &c]);
    let before = instance.get("/v1/decisions");
    let refused = |arguments: &[&str]| {
        let output = instance.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("would contradict each other"), "{said}");
        assert_eq!(instance.get("/v1/decisions"), before);
        said
    };
    let said = refused(&["decide", "different", &a, &c]);
    assert!([&a, &b, &c].iter().all(|path| said.contains(*path)), "{said}");
    // What the hint says is possible, and then the decision is, too.
    let forget = said.lines().find_map(|line| line.split("simctl decide forget ").nth(1)).expect("a hint");
    let forget = words(&instance, forget);
    assert_eq!(forget.len(), 2);
    instance.ok(["decide", "forget"].into_iter().chain(forget.iter().map(String::as_str)));
    instance.ok(["decide", "different", &a, &c]);
    instance.ok(["decide", "forget", &a, &b, &c]);

    // One import is as good as many decisions.
    let hashes: Vec<String> = (1..4).map(|n| format!("{n:064x}")).collect();
    let line = |a: usize, b: usize, verdict: &str| {
        format!("{{\"a\":\"{}\",\"b\":\"{}\",\"verdict\":\"{verdict}\",\"made\":1}}\n", hashes[a], hashes[b])
    };
    let import = instance.folder("out").join("decisions.jsonl");
    fs::write(&import, [line(0, 1, "same"), line(1, 2, "same"), line(0, 2, "different")].concat()).expect("written");
    let before = instance.get("/v1/decisions");
    let output = instance.run(["decisions".as_ref(), "import".as_ref(), import.as_os_str()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && said.contains("would contradict each other") && said.contains("the photo 000000000000…"),
        "{said}"
    );
    assert_eq!(instance.get("/v1/decisions"), before);
    assert_eq!(instance.status()["contradictions"], 0);
    // Other hints can be pasted too.
    let (_, answer) = instance.get("/v1/failures?path=/Other%20Pictures");
    let add = answer["error"]["hint"].as_str().expect("a hint");
    let add = add.strip_prefix("simctl roots add ").expect("a command");
    assert_eq!(words(&instance, add), ["/Other Pictures"]);
}

/// The words of a command as a shell reads them.
fn words(instance: &Instance, command: &str) -> Vec<String> {
    let output = instance.command_of("sh").args(["-c", &format!("printf '%s\\n' {command}")]).output().expect("runs");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn contradictions_of_an_earlier_version_stay_and_are_said() {
    let instance = Instance::new();
    let folder = library(&instance);
    instance.dupes(&folder);
    let file = |name: &str| folder.join(name).display().to_string();
    let [a, b, c] = [file("00003.webp"), file("00009.webp"), file("00011.webp")];
    instance.ok(["decide", "same", &a, &b, &c]);
    instance.stop();
    let different =
        "UPDATE decisions SET verdict = 'different' WHERE a = (SELECT min(a) FROM decisions) AND b = (SELECT max(b) FROM decisions)";
    let changed = rusqlite::Connection::open(instance.data_dir().join("library.db")).and_then(|file| file.execute(different, []));
    assert_eq!(changed.expect("changed"), 1);
    assert_eq!(instance.dupes(&folder)["coverage"]["pending"], 0);
    assert_eq!((&instance.status()["contradictions"], &instance.status()["decisions"]), (&1.into(), &3.into()));
    assert!(instance.ok(["status"]).contains("contradict"));
}

/// Takes a library back to an earlier version, with what that one stored.
fn take_back(library: &Path, version: u32) {
    let steps = [
        (7, "ALTER TABLE roots DROP COLUMN inside; ALTER TABLE roots DROP COLUMN asked;"),
        (
            6,
            "CREATE TABLE earlier (id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE, volume TEXT, inner BLOB) STRICT;
             INSERT INTO earlier (id, path, volume, inner) SELECT id, path, volume, inner FROM roots;
             DROP TABLE roots; ALTER TABLE earlier RENAME TO roots;",
        ),
        (5, "DROP TABLE pictures; ALTER TABLE decisions DROP COLUMN follows;"),
        (4, "DROP TABLE absorbed;"),
    ];
    let undone: String = steps.iter().filter(|(since, _)| version < *since).map(|(_, sql)| *sql).collect();
    let library = rusqlite::Connection::open(library).expect("opens");
    library.execute_batch(&format!("{undone} PRAGMA user_version = {version};")).expect("as that version left it");
}

#[test]
fn decisions_of_every_earlier_library_hold_for_photos_that_are_away_at_the_upgrade() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let away = folder.with_file_name("away");
    photos::library(&folder, &["00003"]);
    fs::copy(photos::path("00009"), folder.join("00009.webp")).expect("copied");
    let file = |name: &str| folder.join(name).display().to_string();
    instance.dupes(&folder);
    instance.ok(["decide", "different", &file("00003.webp"), &file("00003_warm.jpg")]);
    instance.ok(["decide", "same", &file("00003_low.jpg"), &file("00009.webp")]);
    let said = || {
        let (_, decisions) = instance.get("/v1/decisions");
        array(&decisions["decisions"]).iter().map(|d| ["a", "b", "verdict", "made"].map(|key| d[key].to_string())).collect::<Vec<_>>()
    };
    let before = (names(&instance.dupes(&folder)), said());
    assert!(before.0.iter().any(|cluster| cluster.contains(&"00009.webp".to_owned())), "{before:?}");
    for version in 3..=7 {
        instance.stop();
        fs::rename(&folder, &away).expect("moved away");
        take_back(&instance.data_dir().join("library.db"), version);
        let keeps_index = version % 2 == 1;
        if !keeps_index {
            for name in ["index.db", "index.db-wal", "index.db-shm"] {
                let _ = fs::remove_file(instance.data_dir().join(name));
            }
        }
        instance.ok(["decisions", "list"]);
        assert_eq!(instance.status()["decisions"], 2, "version {version}");
        fs::rename(&away, &folder).expect("moved back");
        let mut answer = None;
        wait_until("the photos are back", || {
            let output = instance.run(["dupes".as_ref(), "--format=json".as_ref(), folder.as_os_str()]);
            answer = serde_json::from_slice::<Value>(&output.stdout).ok().filter(|_| output.status.code() == Some(0));
            answer.is_some()
        });
        assert_eq!((names(&answer.expect("just there")), said()), before, "version {version}, index kept: {keeps_index}");
    }
}

/// A limit on the size of files stands for a full disk: the daemon gets an error for what it would write beyond it.
#[test]
fn a_decision_on_a_full_disk_is_refused_at_once_and_not_made_later() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let script = format!("trap '' XFSZ; exec {} daemon", env!("CARGO_BIN_EXE_simctl"));
    let mut daemon = instance.command_of("sh").args(["-c", &script]).stderr(Stdio::null()).spawn().expect("runs");
    wait_until("it answers", || instance.run(["status"]).status.success());
    instance.dupes(&folder);
    let length = |name: &str| fs::metadata(instance.data_dir().join(name)).map_or(0, |m| m.len());
    wait_until("the log is empty", || length("index.db-wal") == 0);
    let pid = Pid::from_raw(instance.pid() as i32);
    let limit = |current| prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).expect("limited");
    limit(Some(length("index.db").max(64 << 10)));
    for number in 0..40 {
        let crop = photos::crop(&photos::open("00011"), 0.4 + 0.01 * number as f32);
        fs::write(folder.join(format!("more-{number}.jpg")), photos::jpeg(&crop, 90)).expect("written");
    }
    wait_until("nothing can be stored", || instance.status()["problems"].to_string().contains("nothing can be stored"));
    let file = |name: &str| folder.join(name).display().to_string();
    let refused = |arguments: &[&str]| {
        let began = Instant::now();
        let output = instance.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(2) && said.contains("nothing can be stored") && said.contains("nothing was changed"),
            "{said}"
        );
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    };
    refused(&["decide", "different", &file("00003.webp"), &file("00003_half.jpg")]);
    refused(&["roots", "add", &instance.folder("other").display().to_string()]);
    refused(&["roots", "remove", &folder.display().to_string()]);
    // What is stored can be asked about.
    for folder in [&folder, &folder.join("00003.webp")] {
        let partial = instance.run([OsStr::new("dupes"), OsStr::new("--partial"), folder.as_os_str()]);
        let [out, said] = [partial.stdout, partial.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(partial.status.success() && out.contains("00003_half.jpg"), "{out} {said}");
        assert!(said.contains("nothing can be stored") && said.contains("are not read yet"), "{said}");
    }
    // Also without simctl.
    let target = format!("/v1/decisions?verdict=same&path={}&path={}", file("00003.webp"), file("00003_half.jpg"));
    let (code, body) = instance.ask("POST", &target, "application/json");
    assert!(code == 500 && body.contains("nothing can be stored"), "{code} {body}");
    limit(None);
    wait_until("it continues", || instance.status()["coverage"]["indexed"] == 45);
    let status = instance.status();
    assert_eq!((&status["decisions"], array(&status["roots"]).len(), array(&status["problems"]).len()), (&0.into(), 1, 0));
    instance.ok(["decide", "different", &file("00003.webp"), &file("00003_half.jpg")]);
    assert_eq!(instance.status()["decisions"], 1);
    let _ = daemon.kill();
    let _ = daemon.wait();
}

#[test]
fn an_export_that_cannot_be_written_leaves_the_one_before() {
    let instance = Instance::new();
    let folder = library(&instance);
    instance.dupes(&folder);
    let file = |name: &str| folder.join(name).display().to_string();
    instance.ok(["decide", "different", &file("00003.webp"), &file("00003_half.jpg")]);
    let out = instance.folder("out");
    let export = out.join("decisions.jsonl");
    let words = ["decisions", "export"].map(OsStr::new);
    instance.ok(words.into_iter().chain([export.as_os_str()]));
    let before = fs::read_to_string(&export).expect("exported");
    instance.ok(["decide", "same", &file("00003.webp"), &file("00003_half.jpg")]);
    // No file may have any contents.
    let script = format!("trap '' XFSZ; ulimit -f 0; exec {} decisions export {}", env!("CARGO_BIN_EXE_simctl"), export.display());
    let output = instance.command_of("sh").args(["-c", &script]).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(6) && said.contains("cannot be written") && said.contains("unchanged"), "{said}");
    assert_eq!(fs::read_to_string(&export).expect("there"), before);
    assert_eq!(fs::read_dir(&out).expect("there").count(), 1, "nothing is left beside it");
    instance.ok(["decisions".as_ref(), "export".as_ref(), export.as_os_str()]);
    assert_eq!(fs::read_to_string(&export).expect("there"), instance.ok(["decisions", "export"]));
}

#[test]
fn decisions_are_listed_with_their_files_and_dates() {
    let instance = Instance::new();
    let folder = library(&instance);
    assert!(instance.ok(["roots".as_ref(), "add".as_ref(), folder.as_os_str()]).contains("is watched from now on"));
    assert!(instance.ok(["roots".as_ref(), "add".as_ref(), folder.as_os_str()]).contains("was watched already"));
    instance.dupes(&folder);
    assert!(instance.ok(["decisions", "list"]).contains("nothing is decided"));
    let file = |name: &str| folder.join(name).display().to_string();
    let said = instance.ok(["decide", "same", &file("00003.webp"), &file("00003_half.jpg"), &file("00003_low.jpg")]);
    assert_eq!(said, "3 pairs of photos are the same photo from now on\n");
    let said = instance.ok(["decide", "different", &file("00003.webp"), &file("00009.webp")]);
    assert_eq!(said, "1 pair of photos is different from now on\n");
    fs::copy(file("00009.webp"), folder.join("twin.webp")).expect("copied");
    fs::remove_file(file("00003_low.jpg")).expect("removed");
    let said = instance.ok(["scan"]);
    assert_eq!(said, "scanned 1 folder: 15 files indexed\n");
    let listed = instance.ok(["decisions", "list"]);
    assert_eq!(listed.lines().count(), 4, "{listed}");
    let line = listed.lines().find(|line| line.contains("00009.webp")).expect("listed");
    assert!(line.contains(" UTC  different  ") && line.contains("(and 1 more file)") && line.starts_with("20"), "{line}");
    let gone: Vec<&str> = listed.lines().filter(|line| line.contains("(no known file)")).collect();
    assert_eq!(gone.len(), 2, "{listed}");
    let json = instance.json(["decisions", "list", "--format=json"])["decisions"].take();
    let known = array(&json).iter().find(|d| d["verdict"] == "different").expect("listed");
    let mut files: Vec<usize> = ["a", "b"].iter().map(|side| array(&known[side]["files"]).len()).collect();
    files.sort_unstable();
    assert!(files == [1, 2] && known["made"].as_i64() > Some(1_700_000_000) && known["contradicted"] == false, "{known}");
    // A photo without files is named by its picture hash.
    let hash = gone[0].split_whitespace().find(|word| word.len() == 64).expect("a hash");
    let said = instance.ok(["decide", "forget", hash, &file("00003.webp"), &file("00003_half.jpg")]);
    assert_eq!(said, "3 decisions forgotten\n");
    let said = instance.ok(["decide", "forget", hash, &file("00003.webp")]);
    assert_eq!(said, "there was no decision about these photos\n");
    let said = instance.ok(["roots".as_ref(), "remove".as_ref(), folder.as_os_str()]);
    assert!(said.contains("is no longer watched"), "{said}");
}

/// A decision holds for what a person saw: the same coefficients in another file, and the same pixels in another format.
#[test]
fn a_decision_holds_for_the_same_pixels_in_another_form() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::large("00003");
    let file = |name: &str| folder.join(name).display().to_string();
    fs::write(folder.join("photo.jpg"), photos::jpeg(&photo, 90)).expect("written");
    fs::write(folder.join("warm.jpg"), photos::jpeg(&photos::warm(&photo), 90)).expect("written");
    photos::half(&photo).save(folder.join("half.png")).expect("written");
    assert_eq!(names(&instance.dupes(&folder)).len(), 1);
    instance.ok(["decide", "different", &file("photo.jpg"), &file("warm.jpg"), &file("half.png")]);
    assert_eq!(names(&instance.dupes(&folder)), Vec::<Vec<String>>::new());

    fs::write(folder.join("progressive.jpg"), photos::progressive(&photo, 90)).expect("written");
    photos::half(&photo).save(folder.join("half.tiff")).expect("written");
    let together = |names: &[Vec<String>], a: &str, b: &str| names.iter().any(|c| [a, b].iter().all(|n| c.iter().any(|m| m == n)));
    let now = names(&instance.dupes(&folder));
    assert!(together(&now, "photo.jpg", "progressive.jpg") && together(&now, "half.png", "half.tiff"), "{now:?}");
    for (a, b) in
        [("progressive.jpg", "warm.jpg"), ("progressive.jpg", "half.png"), ("half.tiff", "photo.jpg"), ("half.tiff", "progressive.jpg")]
    {
        assert!(!together(&now, a, b), "{a} and {b}: {now:?}");
    }
    // The same with what is stored in another index and another library.
    let export = instance.ok(["decisions", "export"]);
    assert_eq!(export.matches("pixels").count(), 6, "{export}");
    assert!(instance.ok(["decisions", "list"]).contains("(and 1 more file)"));
    fs::remove_file(folder.join("photo.jpg")).expect("removed");
    instance.stop();
    fs::remove_file(instance.data_dir().join("index.db")).expect("removed");
    assert!(!together(&names(&instance.dupes(&folder)), "progressive.jpg", "warm.jpg"), "a decided photo is away");
    let other = Instance::new();
    other.dupes(&folder);
    let exported = other.folder("out").join("decisions.jsonl");
    fs::write(&exported, export).expect("written");
    other.ok(["decisions", "import", &exported.display().to_string()]);
    assert!(!together(&names(&other.dupes(&folder)), "progressive.jpg", "warm.jpg"), "imported");

    // A later decision counts, and a removed one is gone, whichever form is named.
    instance.ok(["decide", "same", &file("progressive.jpg"), &file("warm.jpg")]);
    assert!(together(&names(&instance.dupes(&folder)), "progressive.jpg", "warm.jpg"));
    assert_eq!(instance.status()["decisions"], 3);
    assert!(instance.ok(["decide", "forget", &file("half.tiff"), &file("warm.jpg")]).contains("1 decision forgotten"));
    let refused = instance.run(["decide", "same", &file("half.tiff"), &file("half.png")]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("hold the same photo"));
}

#[test]
fn a_decision_follows_an_edit_and_no_other_photo_of_that_name() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::large("00003");
    let file = |name: &str| folder.join(name).display().to_string();
    let put = |name: &str, bytes: &[u8]| {
        // As editors save: beside it, then renamed.
        fs::write(folder.join(".saved"), bytes).expect("written");
        fs::rename(folder.join(".saved"), folder.join(name)).expect("renamed");
    };
    let second = |number: u8| format!("2026:05:01 10:00:{number:02}");
    let edited = photos::taken(&photos::jpeg(&photos::warm(&photo), 92), &second(1));
    let all = ["edited.jpg", "cropped.jpg", "replaced.jpg", "next.jpg"];
    for (name, quality) in all.into_iter().zip([90, 86, 82, 78]) {
        put(name, &photos::taken(&photos::jpeg(&photo, quality), &second(1)));
    }
    put("half.jpg", &photos::jpeg(&photos::half(&photo), 90));
    assert_eq!(names(&instance.dupes(&folder)).concat().len(), 5);
    for name in all {
        instance.ok(["decide", "different", &file(name), &file("half.jpg")]);
    }
    put("edited.jpg", &edited);
    put("cropped.jpg", &photos::taken(&photos::jpeg(&photos::crop(&photo, 0.8), 90), &second(1)));
    put("replaced.jpg", &photos::jpeg(&photos::large("00009"), 90));
    // The next card: a frame of the same scene.
    put("next.jpg", &photos::taken(&photos::jpeg(&photos::warm(&photo), 91), &second(2)));
    let now = names(&instance.dupes(&folder));
    let with_half = |name: &str| {
        let listed = instance.json(["compare", "--format=json", &file(name), &file("half.jpg")]);
        listed["decided"].as_str().map(str::to_owned)
    };
    assert_eq!(with_half("edited.jpg").as_deref(), Some("different"), "{now:?}");
    for name in ["cropped.jpg", "replaced.jpg", "next.jpg"] {
        assert_eq!(with_half(name), None, "{name}: {now:?}");
    }
    let listed = instance.ok(["decisions", "list"]);
    let kept: Vec<&str> = listed.lines().filter(|line| line.contains("kept for an edited photo")).collect();
    assert!(matches!(kept[..], [line] if line.contains("edited.jpg") && line.contains("half.jpg")), "{listed}");
    // It is a decision like others.
    let said = instance.ok(["decide", "forget", &file("edited.jpg"), &file("half.jpg")]);
    assert_eq!(said, "1 decision forgotten\n");
    assert_eq!(with_half("edited.jpg"), None);
}

/// A frame of a scene whose parts have moved, each by another number of pixels up to the given one.
fn frame(scene: &RgbImage, pixels: f32) -> RgbImage {
    let moved = |at: u32, along: f32| (at as f32 + 100.0 + (pixels * along).round()) as u32;
    RgbImage::from_fn(1400, 1400, |x, y| *scene.get_pixel(moved(x, (y as f32 / 120.0).sin()), moved(y, (x as f32 / 120.0).cos())))
}

/// It has no EXIF that would tell, and is as near as an edit.
#[test]
fn a_decision_does_not_follow_another_frame_of_the_scene_however_it_was_saved() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let scene = photos::large("00040");
    let file = |name: &str| folder.join(name).display().to_string();
    let put = |name: &str, bytes: Vec<u8>| {
        fs::write(folder.join(".saved"), bytes).expect("written");
        fs::rename(folder.join(".saved"), folder.join(name)).expect("renamed");
    };
    let (photo, next) = (frame(&scene, 0.0), frame(&scene, 4.0));
    let all = ["next.jpg", "coarse.jpg", "small.jpg", "over.jpg", "warm.jpg", "resaved.jpg"];
    for (name, quality) in all.into_iter().zip([90, 89, 88, 87, 86, 85]) {
        put(name, photos::jpeg(&photo, quality));
    }
    put("half.jpg", photos::jpeg(&photos::half(&photo), 90));
    put("known.jpg", photos::jpeg(&frame(&scene, -4.0), 90));
    instance.dupes(&folder);
    for name in all {
        instance.ok(["decide", "different", &file(name), &file("half.jpg")]);
    }
    put("next.jpg", photos::jpeg(&next, 91));
    put("coarse.jpg", photos::jpeg(&next, 60));
    put("small.jpg", photos::jpeg(&photos::half(&next), 90));
    // A frame that is known already.
    fs::rename(folder.join("known.jpg"), folder.join("over.jpg")).expect("renamed");
    put("warm.jpg", photos::jpeg(&photos::warm(&photo), 92));
    put("resaved.jpg", photos::jpeg(&photo, 84));
    instance.dupes(&folder);
    let listed = instance.ok(["decisions", "list"]);
    let kept: Vec<&str> = listed.lines().filter(|line| line.contains("kept for an edited photo")).collect();
    let follows = |name: &str| kept.iter().any(|line| line.contains(name));
    assert!(kept.len() == 2 && follows("warm.jpg") && follows("resaved.jpg"), "{listed}");
    // Each file has the photo that was put there.
    let (_, answer) = instance.get("/v1/pairs?max_distance=0.45&relation=identical,copy,edit,part,series,unknown");
    assert!(["next.jpg", "coarse.jpg", "small.jpg", "over.jpg"].iter().all(|name| answer.to_string().contains(name)), "{answer}");
}

/// A photo that is turned has other keypoints.
#[test]
fn a_decision_follows_a_photo_that_is_turned() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let file = |name: &str| folder.join(name).display().to_string();
    for name in photos::NAMES {
        let photo = photos::open(name);
        fs::write(file(&format!("{name}.jpg")), photos::jpeg(&photo, 92)).expect("written");
        fs::write(file(&format!("{name}-half.jpg")), photos::jpeg(&photos::half(&photo), 85)).expect("written");
    }
    instance.dupes(&folder);
    for name in photos::NAMES {
        instance.ok(["decide", "different", &file(&format!("{name}.jpg")), &file(&format!("{name}-half.jpg"))]);
    }
    assert_eq!(array(&instance.dupes(&folder)["clusters"]).len(), 0);
    for (at, name) in photos::NAMES.iter().enumerate() {
        let photo = photos::open(name);
        let turned = if at % 2 == 0 { imageops::rotate180(&photo) } else { imageops::rotate90(&photo) };
        fs::write(folder.join(".turned"), photos::jpeg(&turned, 92)).expect("written");
        fs::rename(folder.join(".turned"), file(&format!("{name}.jpg"))).expect("renamed");
    }
    let answer = instance.dupes(&folder);
    assert_eq!(array(&answer["clusters"]).len(), 0, "{}", instance.ok(["decisions", "list"]));
}
