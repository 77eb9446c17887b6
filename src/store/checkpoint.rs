//! Moving a write-ahead log into its file.

use std::time::Duration;

use rusqlite::Connection;

use super::open::BUSY_TIMEOUT;

/// How long a checkpoint waits for each reader. Changes wait meanwhile.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_millis(200);

/// Moves the write-ahead log of a file into the file, and empties it. Returns whether it is empty.
pub(super) fn empty_log(file: &Connection) -> rusqlite::Result<bool> {
    file.busy_timeout(CHECKPOINT_TIMEOUT)?;
    let emptied = file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok(row.get::<_, i64>(0)? == 0));
    file.busy_timeout(BUSY_TIMEOUT)?;
    emptied
}
