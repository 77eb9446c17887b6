//! What files say of a photo: which stays, what would be lost, and times that are corrected.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::photos;
use crate::support::{BEFORE_METADATA, Instance, array, names, wait_until};

/// A JPEG with an XMP packet.
fn described(jpeg: &[u8], properties: &str) -> Vec<u8> {
    let packet = format!(
        "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description
         xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/'>{properties}</rdf:Description>
         </rdf:RDF></x:xmpmeta>"
    );
    let length = (packet.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, packet.as_bytes(), &jpeg[2..]].concat()
}

const RATED: &str = "<xmp:Rating>5</xmp:Rating>";
const KEYWORDS: &str = "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>summer</rdf:li></rdf:Bag></dc:subject>";

fn could_go(instance: &Instance, folder: &Path) -> (String, String) {
    let output = instance.run([OsStr::new("dupes"), OsStr::new("--format=paths0"), folder.as_os_str()]);
    assert!(output.status.success(), "{output:?}");
    let [listed, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (listed.replace(&format!("{}/", folder.display()), ""), said)
}

#[test]
fn the_file_with_what_a_person_said_stays_and_nothing_said_is_lost() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    // The plain file has the better name.
    fs::write(folder.join("a.jpg"), &photo).expect("written");
    fs::write(folder.join("a (1).jpg"), described(&photo, RATED)).expect("written");
    let answer = instance.dupes(&folder);
    let photo_of = |answer: &Value| answer["clusters"][0]["photos"][0].clone();
    let files = photo_of(&answer);
    assert_eq!(files["kept_by"], "description");
    assert_eq!(files["files"][0]["metadata"]["rating"], 5);
    assert_eq!((&files["files"][0]["metadata_lost"], &files["files"][1]["metadata_lost"]), (&json!([]), &json!([])));
    assert_eq!(could_go(&instance, &folder), ("a.jpg\0".to_owned(), String::new()));

    // Now each file has something that the other has not.
    fs::write(folder.join("a.jpg"), described(&photo, KEYWORDS)).expect("written");
    let photo = photo_of(&instance.dupes(&folder));
    let lost: Vec<&Value> = array(&photo["files"]).iter().map(|file| &file["metadata_lost"]).collect();
    assert_eq!(lost[0], &json!([]));
    assert!([json!(["rating"]), json!(["keywords"])].contains(lost[1]), "{lost:?}");
    let (listed, said) = could_go(&instance, &folder);
    assert!(listed.is_empty() && said.contains("would be lost"), "{listed} {said}");
    let shown = instance.ok([OsStr::new("dupes"), folder.as_os_str()]);
    assert!(shown.contains("has its own rating") || shown.contains("has its own keywords"), "{shown}");
}

#[test]
fn a_film_goes_only_with_a_file_that_has_the_same_one() {
    let instance = Instance::new();
    let photo = photos::jpeg(&photos::open("00003"), 90);
    let with_film = |jpeg: &[u8], byte: u8, length: usize| [jpeg, &vec![byte; length]].concat();
    let folder = instance.folder("films");
    fs::write(folder.join("a.jpg"), with_film(&photo, 1, 50_000)).expect("written");
    fs::write(folder.join("b.jpg"), with_film(&photo, 2, 50_001)).expect("written");
    let (listed, said) = could_go(&instance, &folder);
    assert!(listed.is_empty() && said.contains("trailer in") && said.contains("would be lost"), "{listed} {said}");
    let answer = instance.dupes(&folder);
    let files = array(&answer["clusters"][0]["photos"]).iter().flat_map(|photo| array(&photo["files"]));
    assert_eq!(files.map(|file| &file["metadata_lost"]).collect::<Vec<_>>(), [&json!([]), &json!(["trailer"])]);

    let folder = instance.folder("film");
    fs::write(folder.join("a.jpg"), with_film(&photo, 1, 50_000)).expect("written");
    fs::write(folder.join("b.jpg"), with_film(&described(&photo, RATED), 1, 50_000)).expect("written");
    let listed = ("a.jpg\0".to_owned(), String::new());
    assert_eq!(could_go(&instance, &folder), listed);
    // Of an earlier version only the length is known. The files are read again, because they have one picture.
    instance.kill();
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    assert!(index.execute("UPDATE metadata SET trailer = NULL", []).expect("forgotten") > 0);
    wait_until("the two are read", || could_go(&instance, &folder) == listed);
}

#[test]
fn a_corrected_time_counts_and_what_a_deleted_file_said_does_not() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    let taken = |name: &str, time: &str| fs::write(folder.join(name), photos::taken(&photo, time)).expect("written");
    let shown = || instance.dupes(&folder)["clusters"][0]["photos"][0]["taken"].clone();
    taken("a.jpg", "2026:05:01 10:00:00");
    fs::write(folder.join("b.jpg"), described(&photo, RATED)).expect("written");
    assert_eq!(shown(), "2026-05-01T10:00:00");
    taken("a.jpg", "2026:05:01 11:00:00");
    assert_eq!(shown(), "2026-05-01T11:00:00");
    assert_eq!(instance.counter("decoded"), 1);
    fs::remove_file(folder.join("a.jpg")).expect("removed");
    fs::write(folder.join("c.jpg"), described(&photo, KEYWORDS)).expect("written");
    assert_eq!(shown(), Value::Null);
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let stored: i64 = index.query_row("SELECT count(*) FROM metadata", [], |row| row.get(0)).expect("counted");
    assert_eq!(stored, 2, "one for each file");
}

#[test]
fn files_of_an_older_version_are_read_for_metadata_when_it_matters() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::open("00003"), 90);
    fs::write(folder.join("a.jpg"), described(&photo, RATED)).expect("written");
    fs::write(folder.join("b.jpg"), &photo).expect("written");
    // Equal bytes say the same, and a photo alone has no copy that could go.
    let other = photos::jpeg(&photos::open("00009"), 90);
    for name in ["c.jpg", "d.jpg"] {
        fs::write(folder.join(name), &other).expect("written");
    }
    fs::write(folder.join("e.jpg"), photos::jpeg(&photos::open("00011"), 90)).expect("written");
    let before = names(&instance.dupes(&folder));
    let listed = could_go(&instance, &folder);
    let work = || ["read", "decoded", "embedded"].map(|counter| instance.counter(counter));
    let [read, decoded, embedded] = work();
    instance.kill();
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    index.execute_batch(BEFORE_METADATA).expect("as the version before left it");
    assert_eq!(names(&instance.dupes(&folder)), before);
    let described = || index.query_row("SELECT count(*) FROM metadata", [], |row| row.get::<_, i64>(0)).unwrap_or_default();
    wait_until("the two are read", || described() == 2);
    assert_eq!(could_go(&instance, &folder), listed);
    assert_eq!(work(), [read + 2, decoded, embedded]);
}
