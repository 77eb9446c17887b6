//! Kept pictures: features are made from them, also without the files, and their loss costs nothing but time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rusqlite::types::Value;
use rusqlite::{Connection, Row};

use crate::photos;
use crate::support::{BEFORE_METADATA, Instance, names, skip, wait_until};

const NAMES: [&str; 2] = ["00003", "00009"];

/// All that is made of the photos, by picture: features, crop descriptors, keypoints, embeddings, densities and pairs.
fn made(instance: &Instance) -> Vec<Vec<Value>> {
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let rows = |select: &str| -> Vec<Vec<Value>> {
        let mut statement = index.prepare(select).expect("a query");
        let columns = statement.column_count();
        let values = |row: &Row<'_>| (0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>();
        let rows = statement.query_map([], values).expect("rows").collect::<rusqlite::Result<_>>();
        rows.expect("values")
    };
    let photos = rows(
        "SELECT p.picture, p.files, p.pixels, f.backbone, f.data, f.parts, k.data, e.data, e.crowd_level, e.crowd_edge
         FROM photos p JOIN features f ON f.photo = p.id JOIN keypoints k ON k.photo = p.id JOIN embeddings e ON e.photo = p.id
         ORDER BY p.picture",
    );
    let pairs = rows(
        "SELECT min(a.picture, b.picture), max(a.picture, b.picture), distance FROM pairs
         JOIN photos a ON a.id = a JOIN photos b ON b.id = b ORDER BY 1, 2",
    );
    assert!(!pairs.is_empty());
    [photos, pairs].concat()
}

/// All kept pictures, by picture hash.
fn kept(instance: &Instance) -> Vec<(Vec<u8>, Vec<u8>)> {
    let file = Connection::open(instance.data_dir().join("pictures.db")).expect("opens");
    let mut statement = file.prepare("SELECT picture, jpeg FROM pictures ORDER BY picture").expect("a query");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows").collect::<rusqlite::Result<_>>();
    rows.expect("values")
}

fn coverage(instance: &Instance, count: &str) -> u64 {
    instance.status()["coverage"][count].as_u64().expect("a number")
}

/// A library of two photos with four versions each, and its answer.
fn library(instance: &Instance, settings: &str) -> (std::path::PathBuf, Vec<Vec<String>>) {
    instance.configure(settings);
    let folder = instance.folder("photos");
    photos::library(&folder, &NAMES);
    let answer = names(&instance.dupes(&folder));
    assert_eq!(answer, photos::expected(&NAMES));
    (folder, answer)
}

#[test]
fn an_index_of_another_recipe_is_made_again_without_the_files() {
    let instance = Instance::new();
    let (folder, answer) = library(&instance, "");
    let (before, read) = (made(&instance), instance.counter("read"));
    instance.stop();
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let of_another_encoder = "UPDATE features SET backbone = 'other.1', data = zeroblob(64), parts = zeroblob(448);
        UPDATE keypoints SET data = x''; UPDATE embeddings SET data = zeroblob(64);";
    index.execute_batch(of_another_encoder).expect("changed");
    drop(index);
    let away = instance.folder("away").join("photos");
    fs::rename(&folder, &away).expect("unmounted");
    instance.ok(["decisions", "list"]);
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let stale = || index.query_row("SELECT count(*) FROM photos WHERE stale", [], |row| row.get::<_, i64>(0)).expect("counted");
    wait_until("all is made again", || stale() == 0);
    assert_eq!(made(&instance), before);
    fs::rename(&away, &folder).expect("mounted");
    assert_eq!(names(&instance.dupes(&folder)), answer);
    assert_eq!(instance.counter("read"), read, "no file is read");
}

#[test]
fn what_has_no_kept_picture_is_read_when_the_recipe_changes() {
    let instance = Instance::new();
    let (folder, answer) = library(&instance, "");
    let before = made(&instance);
    instance.stop();
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    index.execute_batch("UPDATE features SET backbone = 'other.1', data = zeroblob(64)").expect("changed");
    // The index says that all are there.
    let pictures = Connection::open(instance.data_dir().join("pictures.db")).expect("opens");
    pictures.execute_batch("UPDATE pictures SET jpeg = x'ffd8' WHERE number % 2 = 0").expect("changed");
    drop((index, pictures));
    assert_eq!(names(&instance.dupes(&folder)), answer);
    assert_eq!(made(&instance), before);
}

#[test]
fn an_index_of_the_version_before_answers_at_once_and_pictures_are_kept_in_the_background() {
    let instance = Instance::new();
    let (folder, answer) = library(&instance, "");
    let (before, pictures) = (made(&instance), kept(&instance));
    assert_eq!(pictures.len(), before.iter().filter(|row| row.len() > 3).count());
    instance.stop();
    Connection::open(instance.data_dir().join("index.db")).expect("opens").execute_batch(BEFORE_METADATA).expect("older");
    fs::remove_file(instance.data_dir().join("pictures.db")).expect("an older version has none");
    assert_eq!(names(&instance.dupes(&folder)), answer);
    wait_until("all pictures are kept", || coverage(&instance, "without_picture") == 0);
    assert_eq!(kept(&instance), pictures);
    let data = |rows: &[Vec<Value>]| rows.iter().map(|row| row.last().cloned()).collect::<Vec<_>>();
    assert_eq!(data(&made(&instance)), data(&before), "nothing is paired again");
    // Each was read once more.
    let read = instance.counter("read");
    instance.ok(["scan"]);
    assert_eq!((read, instance.counter("read")), (2 * pictures.len() as u64, read));
}

#[test]
fn pictures_of_an_older_decoder_are_made_again() {
    let instance = Instance::new();
    let (folder, answer) = library(&instance, "");
    let pictures = kept(&instance);
    instance.stop();
    let file = Connection::open(instance.data_dir().join("pictures.db")).expect("opens");
    // Another identity: the index looks at the file anew.
    let older = "UPDATE identity SET number = 5; UPDATE pictures SET decoding = 99, jpeg = x'ffd8' WHERE number <= 2";
    file.execute_batch(older).expect("changed");
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let decoded = || index.query_row("SELECT value FROM counters WHERE name = 'decoded'", [], |row| row.get::<_, i64>(0)).expect("counted");
    let before = decoded();
    instance.ok(["decisions", "list"]);
    wait_until("they are made again", || kept(&instance) == pictures);
    wait_until("it is known", || coverage(&instance, "without_picture") == 0);
    assert_eq!(decoded(), before + 2, "the others are not");
    // What was made of the other pictures is made again when the daemon starts, without the files.
    let work = || ["read", "embedded"].map(|counter| instance.counter(counter));
    let [read, embedded] = work();
    instance.stop();
    assert_eq!(names(&instance.dupes(&folder)), answer);
    assert_eq!(work(), [read, embedded + 2]);
}

#[test]
fn a_deleted_or_damaged_file_costs_nothing_but_time() {
    let instance = Instance::new();
    let (folder, answer) = library(&instance, "");
    let (before, pictures) = (made(&instance), kept(&instance));
    let file = instance.data_dir().join("pictures.db");
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let whole = fs::read(&file).expect("read");
    // Its first pages are as they were, so that it opens.
    let inside = [&whole[..4096], &vec![0xff; whole.len() - 4096]].concat();
    for damage in [
        None,
        Some(inside),
        Some(b"this is no database, and longer than a header of one is ".repeat(9)),
        Some(whole[..whole.len() / 2].to_vec()),
    ] {
        instance.stop();
        match &damage {
            None => fs::remove_file(&file).expect("deleted"),
            Some(bytes) => fs::write(&file, bytes).expect("damaged"),
        }
        assert_eq!(names(&instance.dupes(&folder)), answer);
        wait_until("all pictures are kept again", || coverage(&instance, "without_picture") == 0 && kept(&instance) == pictures);
        assert_eq!(made(&instance), before);
    }
    assert_eq!(instance.status()["problems"], serde_json::json!([]));
}

#[test]
fn a_full_disk_keeps_no_pictures_and_loses_nothing_else() {
    let instance = Instance::new();
    let disk = instance.folder("disk");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"]).arg(&disk).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return skip("this user may not mount");
    }
    let _unmounted = Unmounted(&disk);
    let (folder, answer) = library(&instance, &format!("kept-pictures = {:?}\n", disk.to_str().expect("text")));
    let problems = instance.status()["problems"].to_string();
    assert!(problems.contains("no pictures are kept") && problems.contains("full"), "{problems}");
    assert!(coverage(&instance, "without_picture") > 0);
    let grown = Command::new("mount").args(["-o", "remount,size=8m"]).arg(&disk).status();
    assert!(grown.is_ok_and(|status| status.success()));
    // New photos are kept at once, and the others in the background.
    photos::library(&folder, &["00011"]);
    wait_until("they are kept", || coverage(&instance, "without_picture") == 0);
    assert_eq!(instance.status()["problems"], serde_json::json!([]));
    assert_eq!(names(&instance.dupes(&folder))[..2], answer);
}

struct Unmounted<'a>(&'a Path);

impl Drop for Unmounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn none_are_kept_where_none_are_wanted() {
    let instance = Instance::new();
    let (folder, answer) = library(&instance, "kept-pictures = \"off\"\n");
    assert!(!instance.data_dir().join("pictures.db").exists());
    assert_eq!(coverage(&instance, "without_picture"), 0);
    let before = made(&instance);
    instance.stop();
    instance.configure("kept-pictures = \"beside\"\n");
    let refused = instance.run(["config"]);
    assert_eq!(refused.status.code(), Some(2));
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("kept-pictures must be the absolute path of a folder, or off, and not beside"), "{error}");
    // The features are the same as with kept pictures.
    instance.configure("");
    assert_eq!(names(&instance.dupes(&folder)), answer);
    wait_until("all pictures are kept", || coverage(&instance, "without_picture") == 0);
    assert_eq!(made(&instance), before);
}
