//! Files whose size and time stay while their bytes change, and files whose bytes stay while the kernel's time changes.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use image::ImageFormat;
use image::imageops::{FilterType, resize};
use rusqlite::Connection;
use serde_json::Value;

use crate::photos;
use crate::support::{BEFORE_METADATA, Instance, PATIENCE, array, names, wait_until};

/// A photo whose file always has the same size.
fn frame(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    resize(&photos::open(name), 160, 120, FilterType::Triangle).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Bmp).expect("encoded");
    bytes
}

/// Replaces the bytes of a file, and puts its time back, as programs do that must not look as if they changed a photo.
fn rewrite(path: &Path, bytes: &[u8]) {
    let mut file = fs::File::options().write(true).open(path).expect("opens");
    let time = file.metadata().and_then(|m| m.modified()).expect("a time");
    file.write_all(bytes).expect("written");
    file.set_modified(time).expect("set");
}

fn clusters(instance: &Instance, folder: &Path) -> Vec<Vec<String>> {
    names(&instance.json([OsStr::new("dupes"), OsStr::new("--partial"), OsStr::new("--format=json"), folder.as_os_str()]))
}

fn of(names: &[&str]) -> Vec<Vec<String>> {
    vec![names.iter().map(|name| (*name).to_owned()).collect()]
}

#[test]
fn bytes_that_change_under_an_old_time_are_read() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let (one, other) = (frame("00003"), frame("00009"));
    for (name, bytes) in [("a.bmp", &one), ("b.bmp", &one), ("c.bmp", &other)] {
        fs::write(folder.join(name), bytes).expect("written");
    }
    let now = || clusters(&instance, &folder);
    assert_eq!(now(), of(&["a.bmp", "b.bmp"]));
    rewrite(&folder.join("b.bmp"), &other);
    wait_until("a change is noticed while the daemon runs", || now() == of(&["b.bmp", "c.bmp"]));
    instance.kill();
    rewrite(&folder.join("b.bmp"), &one);
    assert_eq!(now(), of(&["a.bmp", "b.bmp"]), "a change while it did not run");
    // A hard link is made, written through, and removed before anything looks at it.
    let link = folder.join("link.bmp");
    fs::hard_link(folder.join("c.bmp"), &link).expect("linked");
    rewrite(&link, &one);
    fs::remove_file(&link).expect("removed");
    wait_until("a change through another name", || now() == of(&["a.bmp", "b.bmp", "c.bmp"]));
    assert_eq!(instance.counter("decoded"), 2, "both pictures are known");
}

/// A write through a hard link that is not watched raises no event, and a rename hides its ctime.
#[test]
fn a_rename_does_not_vouch_for_a_write_that_nobody_saw() {
    let instance = Instance::new();
    let (folder, elsewhere) = (instance.folder("photos"), instance.folder("elsewhere"));
    fs::create_dir(folder.join("moved")).expect("made");
    // The keeper of the first two is written to and renamed, the other one of the next two, and nothing but the name changes of
    // the last two.
    for (names, picture) in [(["a", "b"], "00003"), (["c", "d"], "00009"), (["e", "f"], "00011")] {
        for name in names {
            fs::write(folder.join(name).with_extension("bmp"), frame(picture)).expect("written");
        }
    }
    for (name, age) in [("a", 1000), ("c", 1000), ("e", 1000)] {
        let file = fs::File::options().write(true).open(folder.join(name).with_extension("bmp")).expect("opens");
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("set");
    }
    for name in ["a.bmp", "d.bmp"] {
        fs::hard_link(folder.join(name), elsewhere.join(name)).expect("linked");
    }
    assert_eq!(clusters(&instance, &folder), [["a.bmp", "b.bmp"], ["c.bmp", "d.bmp"], ["e.bmp", "f.bmp"]]);
    let work = || (instance.counter("decoded"), instance.counter("read"));
    let before = work();
    rewrite(&elsewhere.join("a.bmp"), &frame("00021"));
    rewrite(&elsewhere.join("d.bmp"), &frame("00034"));
    for name in ["a.bmp", "d.bmp", "f.bmp"] {
        fs::rename(folder.join(name), folder.join("moved").join(name)).expect("renamed");
    }
    let listed = instance.ok([OsStr::new("dupes"), OsStr::new("--format=paths0"), folder.as_os_str()]);
    assert!(listed.ends_with("f.bmp\0") && listed.matches('\0').count() == 1, "{listed:?}");
    wait_until("what was written is read", || clusters(&instance, &folder) == of(&["e.bmp", "f.bmp"]));
    wait_until("the bytes of all three were looked at", || work().1 >= before.1 + 3);
    wait_until("what was written is decoded", || work().0 >= before.0 + 2);
    // The ctime of the file that was renamed only is the one that it has.
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let now = || index.query_row("SELECT ctime FROM files WHERE path = ?1", [b"moved/f.bmp".as_slice()], |row| row.get::<_, i64>(0)).ok();
    let metadata = fs::metadata(folder.join("moved/f.bmp")).expect("there");
    wait_until("its bytes were compared", || now() == Some(metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec()));
    assert_eq!(clusters(&instance, &folder), of(&["e.bmp", "f.bmp"]));
    assert_eq!(work().0, before.0 + 2, "a file that was renamed is not decoded");
}

#[test]
fn another_mode_costs_a_look_at_the_bytes_and_nothing_else() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let files = photos::library(&folder, &["00003"]) as u64;
    let before = names(&instance.dupes(&folder));
    let decoded = instance.counter("decoded");
    let modes = |mode| {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            fs::set_permissions(entry.path(), PermissionsExt::from_mode(mode)).expect("set");
        }
    };
    modes(0o640);
    wait_until("every file is read again", || instance.counter("read") == 2 * files);
    assert_eq!(names(&instance.dupes(&folder)), before);
    assert_eq!(instance.counter("decoded"), decoded);
}

/// Neither is read or paired again. The next scan completes the index.
#[test]
fn an_index_and_a_library_of_the_version_before_are_used_as_they_are() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003", "00009"]);
    let all: Vec<OsString> = ["decide", "different", "00003_low.jpg", "00009_low.jpg"].map(OsString::from).to_vec();
    let (words, files) = all.split_at(2);
    let before = names(&instance.dupes(&folder));
    instance.ok(words.iter().cloned().chain(files.iter().map(|file| folder.join(file).into())));
    let work = || ["read", "decoded", "embedded"].map(|counter| instance.counter(counter));
    // Of all relations, because they are compared again in the background, and an older index does not know how a photo was
    // compressed.
    let any = "--relation=identical,copy,edit,part,series,unknown";
    let pairs = || {
        let (_, answer) = instance.get("/v1/pairs?max_distance=0.45&relation=identical,copy,edit,part,series,unknown");
        array(&answer["pairs"]).iter().map(|pair| [&pair["distance"], &pair["a"], &pair["b"]].map(ToString::to_string)).collect::<Vec<_>>()
    };
    let (worked, paired) = (work(), pairs());
    instance.kill();
    let older = |file: &str, sql: &str| {
        let database = Connection::open(instance.data_dir().join(file)).expect("opens");
        database.execute_batch(sql).expect("as the version before left it");
        database
    };
    let index = older("index.db", &[BEFORE_METADATA, "ALTER TABLE files DROP COLUMN birth; PRAGMA user_version = 6;"].concat());
    let library = older(
        "library.db",
        "DROP TABLE absorbed; DROP TABLE pictures; ALTER TABLE decisions DROP COLUMN follows; PRAGMA user_version = 3;",
    );
    assert_eq!(names(&instance.dupes(&folder)), before);
    assert_eq!(pairs(), paired);
    assert!(!paired.is_empty());
    // The two photos that were decided on are decoded once more, in the background, for their pixel hashes.
    let known = || library.query_row("SELECT count(*) FROM pictures", [], |row| row.get::<_, i64>(0)).expect("a number");
    wait_until("the decided photos are known by their pixels", || known() == 2);
    let worked = [worked[0] + 2, worked[1] + 2, worked[2]];
    assert_eq!(work(), worked);
    assert_eq!(instance.ok(["decisions", "list"]).matches("00009_low.jpg").count(), 1);
    let undated = || index.query_row("SELECT count(*) FROM files WHERE birth IS NULL", [], |row| row.get::<_, i64>(0)).expect("a number");
    wait_until("all birth times are stored", || undated() == 0);
    // A file that moves is known by its birth time.
    fs::rename(folder.join("00003_low.jpg"), folder.join("moved.jpg")).expect("moved");
    let any = ["dupes", any, "--format=json"].map(OsStr::new);
    let all = || names(&instance.json(any.into_iter().chain([folder.as_os_str()]))).concat();
    wait_until("it is in the answer", || all().contains(&"moved.jpg".to_owned()));
    assert_eq!(work(), worked);
}

#[test]
fn a_question_waits_for_what_happened_before_it_and_for_nothing_else() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let ask = || instance.run([OsStr::new("dupes"), OsStr::new("--format=json"), folder.as_os_str()]);
    assert_eq!(ask().status.code(), Some(0));
    let whole = fs::read(folder.join("00003_low.jpg")).expect("read");
    // A program that saves one file over and over.
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (part, name) = (folder.join("live.part"), folder.join("live.jpg"));
            let other = photos::jpeg(&photos::half(&photos::open("00009")), 90);
            while !is_over.load(Ordering::Relaxed) {
                fs::write(&part, &other).and_then(|()| fs::rename(&part, &name)).expect("written");
                thread::sleep(Duration::from_millis(100));
            }
        });
        let _over = Over(&is_over);
        for number in 0..5 {
            let name = format!("new-{number}.jpg");
            fs::write(folder.join(&name), &whole).expect("written");
            let began = Instant::now();
            let answer = ask();
            assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
            let answer: Value = serde_json::from_slice(&answer.stdout).expect("JSON");
            assert!(names(&answer).concat().contains(&name), "{name} was there before the question");
            assert!(began.elapsed() < PATIENCE / 4, "the changes after it do not delay it");
        }
    });
}

/// Ends the other thread, also when an assertion fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
