//! Backups of the data directory, and the files beside the databases.

use std::fs;

use crate::photos;
use crate::support::{Instance, wait_until};

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
    wait_until("the log is empty again", || {
        instance.dupes(&folder)["coverage"]["indexed"] == count + 1 && length("index.db-wal") == 0
    });
}
