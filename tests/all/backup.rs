//! Backups of the data directory, and the files beside the databases.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::photos;
use crate::support::{Instance, names, wait_until};

#[test]
fn the_write_ahead_log_is_emptied_at_rest() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let count = photos::library(&folder, &["00003", "00009"]);
    instance.dupes(&folder);
    let length = |name: &str| fs::metadata(instance.data_dir().join(name)).map_or(0, |m| m.len());
    wait_until("the logs are empty", || length("index.db-wal") == 0 && length("library.db-wal") == 0);
    assert!(length("index.db") > 0);
    // Clients that ask all the time do not keep it full.
    fs::copy(folder.join("00003.webp"), folder.join("another.webp")).expect("copied");
    wait_until("the log is empty again", || instance.dupes(&folder)["coverage"]["indexed"] == count + 1 && length("index.db-wal") == 0);
}

/// The number of rows of a table in a database file.
fn rows(file: &Path, table: &str) -> i64 {
    let count = Connection::open(file).and_then(|file| file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)));
    count.unwrap_or_else(|e| panic!("{table}: {e}"))
}

/// Backup programs copy files one by one, and may not copy the log beside a database.
#[test]
fn a_copy_of_the_library_file_holds_all_that_was_answered() {
    let instance = Instance::new();
    let (folder, other) = (instance.folder("photos"), instance.folder("other"));
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let file = |name: &str| folder.join(name).display().to_string();
    let copy = instance.folder("out").join("copy.db");
    let copied = |table: &str| {
        fs::copy(instance.data_dir().join("library.db"), &copy).expect("copied");
        rows(&copy, table)
    };
    assert_eq!(copied("roots"), 1);
    instance.ok(["decide", "different", &file("00003.webp"), &file("00003_half.jpg"), &file("00003_low.jpg")]);
    assert_eq!(copied("decisions"), 3);
    instance.ok(["decide", "forget", &file("00003.webp"), &file("00003_half.jpg")]);
    assert_eq!(copied("decisions"), 2);
    instance.ok(["roots".as_ref(), "add".as_ref(), other.as_os_str()]);
    assert_eq!(copied("roots"), 2);
    instance.ok(["roots".as_ref(), "remove".as_ref(), other.as_os_str()]);
    assert_eq!(copied("roots"), 1);
    let decisions = instance.folder("out").join("decisions.jsonl");
    instance.ok(["decisions".as_ref(), "export".as_ref(), decisions.as_os_str()]);
    instance.ok(["decide", "forget", &file("00003.webp"), &file("00003_half.jpg"), &file("00003_low.jpg")]);
    assert_eq!(copied("decisions"), 0);
    instance.ok(["decisions".as_ref(), "import".as_ref(), decisions.as_os_str()]);
    assert_eq!(copied("decisions"), 2);
}

#[test]
fn a_backup_is_made_with_and_without_a_daemon_and_can_be_put_back() {
    let instance = Instance::new();
    let (folder, out) = (instance.folder("photos"), instance.folder("out"));
    photos::library(&folder, &["00003"]);
    let backup = |name: &str| instance.run(["backup".as_ref(), out.join(name).as_os_str()]);
    let none = backup("none.db");
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("nothing to back up"));
    instance.dupes(&folder);
    let file = |name: &str| folder.join(name).display().to_string();
    instance.ok(["decide", "different", &file("00003.webp"), &file("00003_half.jpg")]);
    let decided = names(&instance.dupes(&folder));

    let said = backup("running.db");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.starts_with("backed up 1 folder, 1 decision and 0 heads to "), "{said}");
    let refused = backup("running.db");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is there already"), "{refused:?}");
    assert_eq!(backup("no/such/folder.db").status.code(), Some(2));
    assert_eq!(fs::read_dir(&out).expect("there").count(), 1, "nothing else was written");

    // The way back, as the manual says.
    instance.ok(["decide", "forget", &file("00003.webp"), &file("00003_half.jpg")]);
    assert_ne!(names(&instance.dupes(&folder)), decided);
    instance.stop();
    let library = instance.data_dir().join("library.db");
    for beside in ["library.db-wal", "library.db-shm"] {
        let _ = fs::remove_file(instance.data_dir().join(beside));
    }
    fs::copy(out.join("running.db"), &library).expect("copied");
    assert!(backup("stopped.db").status.success());
    assert_eq!(rows(&out.join("stopped.db"), "decisions"), 1);
    assert_eq!(names(&instance.dupes(&folder)), decided);
}
