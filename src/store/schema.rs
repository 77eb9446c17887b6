//! The tables. Migrations are only ever added at the end.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::Result;

/// `application_id` of the three files: "siml", "simi" and "simp".
pub const LIBRARY_ID: i32 = 0x7369_6d6c;
pub const INDEX_ID: i32 = 0x7369_6d69;
pub const PICTURES_ID: i32 = 0x7369_6d70;

pub const LIBRARY: Migrations<'static> = Migrations::from_slice(LIBRARY_STEPS);

pub const INDEX: Migrations<'static> = Migrations::from_slice(INDEX_STEPS);

const LIBRARY_STEPS: &[M<'static>] = &[
    M::up(
        "CREATE TABLE roots (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         path BLOB NOT NULL UNIQUE
     ) STRICT;",
    ),
    // The filesystem of a root, and its path there.
    M::up("ALTER TABLE roots ADD COLUMN volume TEXT; ALTER TABLE roots ADD COLUMN inner BLOB;"),
    // Decisions (a < b, by picture hash), tuned heads, and the head in use.
    M::up(
        "CREATE TABLE decisions (
         a BLOB NOT NULL,
         b BLOB NOT NULL,
         verdict TEXT NOT NULL,
         made INTEGER NOT NULL,
         PRIMARY KEY (a, b)
     ) STRICT, WITHOUT ROWID;

     CREATE TABLE heads (
         name TEXT PRIMARY KEY,
         backbone TEXT NOT NULL,
         positives TEXT NOT NULL,
         weights BLOB NOT NULL,
         threshold REAL NOT NULL,
         report TEXT NOT NULL,
         made INTEGER NOT NULL
     ) STRICT;

     CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;",
    ),
    // Roots that became part of another one, the holder: the number that each had, and its path below the holder. They
    // come back when the holder is removed.
    M::up(
        "CREATE TABLE absorbed (
         holder INTEGER NOT NULL,
         path BLOB NOT NULL,
         root INTEGER NOT NULL,
         volume TEXT,
         inner BLOB,
         PRIMARY KEY (holder, path)
     ) STRICT, WITHOUT ROWID;",
    ),
    // The pixel hashes of pictures that were decided on, and of all others with these pixels. follows: the picture that was
    // decided on, if the decision holds for this one because it took the place of that one.
    M::up(
        "CREATE TABLE pictures (picture BLOB PRIMARY KEY, pixels BLOB NOT NULL) STRICT, WITHOUT ROWID;
     ALTER TABLE decisions ADD COLUMN follows BLOB;",
    ),
    // Several cards may have been at one path, each a root of its own. Numbers of removed roots are not used again.
    M::up(
        "CREATE TABLE new_roots (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         path BLOB NOT NULL,
         volume TEXT,
         inner BLOB
     ) STRICT;
     INSERT INTO new_roots (id, path, volume, inner) SELECT id, path, volume, inner FROM roots;
     DELETE FROM sqlite_sequence WHERE name = 'new_roots';
     INSERT INTO sqlite_sequence (name, seq) SELECT 'new_roots', seq FROM sqlite_sequence WHERE name = 'roots';
     DROP TABLE roots;
     ALTER TABLE new_roots RENAME TO roots;",
    ),
    // A filesystem that is mounted inside a root is a root too. Nobody asked for it, and it goes with the other.
    M::up("ALTER TABLE roots ADD COLUMN inside INTEGER; ALTER TABLE roots ADD COLUMN asked INTEGER NOT NULL DEFAULT TRUE;"),
];

const INDEX_STEPS: &[M<'static>] = &[
    M::up(
        "CREATE TABLE photos (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         picture BLOB NOT NULL UNIQUE,
         format TEXT NOT NULL,
         width INTEGER NOT NULL,
         height INTEGER NOT NULL,
         taken TEXT, utc_offset TEXT, make TEXT, model TEXT, serial TEXT, orientation INTEGER
     ) STRICT;

     -- pending: seen, not yet read. Otherwise it has a photo, or a failure.
     CREATE TABLE files (
         id INTEGER PRIMARY KEY,
         root INTEGER NOT NULL,
         path BLOB NOT NULL,
         volume INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
         mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,
         content BLOB,
         photo INTEGER REFERENCES photos(id),
         pending INTEGER NOT NULL DEFAULT 1,
         UNIQUE (root, path)
     ) STRICT;
     CREATE INDEX files_by_photo ON files (photo);
     CREATE INDEX files_pending ON files (root, path) WHERE pending;
     CREATE INDEX files_by_inode ON files (inode, size, mtime);

     -- A folder that cannot be listed has a failure and no file.
     CREATE TABLE failures (
         root INTEGER NOT NULL,
         path BLOB NOT NULL,
         stage TEXT NOT NULL,
         reason TEXT NOT NULL,
         PRIMARY KEY (root, path)
     ) STRICT, WITHOUT ROWID;

     -- data, embedding: 16-bit floats, little-endian. The embedding, like all pairs, is of the head
     -- that settings name.
     CREATE TABLE features (
         photo INTEGER PRIMARY KEY REFERENCES photos(id),
         backbone TEXT NOT NULL,
         data BLOB NOT NULL,
         embedding BLOB NOT NULL
     ) STRICT;

     -- a < b.
     CREATE TABLE pairs (
         a INTEGER NOT NULL REFERENCES photos(id),
         b INTEGER NOT NULL REFERENCES photos(id),
         distance REAL NOT NULL,
         PRIMARY KEY (a, b)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX pairs_by_distance ON pairs (distance);

     CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
     CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;",
    ),
    // The density of a photo in a doubtful pair.
    M::up("ALTER TABLE features ADD COLUMN crowd_level REAL; ALTER TABLE features ADD COLUMN crowd_edge REAL;"),
    // Embeddings, densities and pairs of several heads: one is in use (its number is the setting `head`) while
    // another is prepared. They are computed again from the features.
    M::up(
        "CREATE TABLE heads (number INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE) STRICT;

     CREATE TABLE embeddings (
         head INTEGER NOT NULL,
         photo INTEGER NOT NULL REFERENCES photos(id),
         data BLOB NOT NULL,
         crowd_level REAL, crowd_edge REAL,
         PRIMARY KEY (head, photo)
     ) STRICT, WITHOUT ROWID;

     DROP TABLE pairs;
     CREATE TABLE pairs (
         head INTEGER NOT NULL,
         a INTEGER NOT NULL REFERENCES photos(id),
         b INTEGER NOT NULL REFERENCES photos(id),
         distance REAL NOT NULL,
         PRIMARY KEY (head, a, b)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX pairs_by_distance ON pairs (head, distance);

     -- Features of edited views, kept while a head is tuned on them. edit is empty for a photo itself.
     CREATE TABLE views (
         photo INTEGER NOT NULL REFERENCES photos(id),
         number INTEGER NOT NULL,
         edit TEXT NOT NULL,
         data BLOB NOT NULL,
         PRIMARY KEY (photo, number)
     ) STRICT;

     ALTER TABLE features DROP COLUMN embedding;
     ALTER TABLE features DROP COLUMN crowd_level;
     ALTER TABLE features DROP COLUMN crowd_edge;
     DELETE FROM settings WHERE name = 'head';",
    ),
    // The number of files of a photo. Every answer includes photos with several files.
    M::up(
        "ALTER TABLE photos ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
     UPDATE photos SET files = (SELECT count(*) FROM files WHERE photo = photos.id);
     CREATE INDEX photos_of_several_files ON photos (id) WHERE files > 1;

     CREATE TRIGGER file_came AFTER INSERT ON files WHEN new.photo IS NOT NULL BEGIN
         UPDATE photos SET files = files + 1 WHERE id = new.photo;
     END;
     CREATE TRIGGER file_went AFTER DELETE ON files WHEN old.photo IS NOT NULL BEGIN
         UPDATE photos SET files = files - 1 WHERE id = old.photo;
     END;
     CREATE TRIGGER file_changed AFTER UPDATE OF photo ON files WHEN old.photo IS NOT new.photo BEGIN
         UPDATE photos SET files = files - 1 WHERE id = old.photo;
         UPDATE photos SET files = files + 1 WHERE id = new.photo;
     END;",
    ),
    // Crop descriptors: 8-bit integers. Features from before get no backbone, so their files are read again.
    M::up("ALTER TABLE features ADD COLUMN parts BLOB; UPDATE features SET backbone = '';"),
    // Keypoints, in their own table because features are read without them. Photos from before have another recipe,
    // so their files are read again.
    M::up("CREATE TABLE keypoints (photo INTEGER PRIMARY KEY REFERENCES photos(id), data BLOB NOT NULL) STRICT;"),
    // The birth time of a file. The next scan stores it for files from before, without reading them.
    M::up("ALTER TABLE files ADD COLUMN birth INTEGER;"),
    // What the bytes of a file say of its photo. keywords, other: JSON arrays. reader: the version of the reader, another
    // one's rows are not used. It goes with the last file that has these bytes.
    // Files from before are read for it when they have the picture of another file in other bytes.
    M::up(
        "CREATE TABLE metadata (
         content BLOB PRIMARY KEY,
         reader INTEGER NOT NULL,
         taken TEXT, utc_offset TEXT, make TEXT, model TEXT, serial TEXT, orientation INTEGER,
         rating INTEGER, label TEXT, keywords TEXT NOT NULL, title TEXT, caption TEXT, creator TEXT,
         latitude REAL, longitude REAL,
         software TEXT, trailer_bytes INTEGER NOT NULL, other TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;

     CREATE TRIGGER content_went AFTER DELETE ON files WHEN old.content IS NOT NULL BEGIN
         DELETE FROM metadata WHERE content = old.content
             AND NOT EXISTS (SELECT 1 FROM files WHERE photo = old.photo AND content = old.content);
     END;
     CREATE TRIGGER content_changed AFTER UPDATE OF content ON files WHEN old.content IS NOT new.content BEGIN
         DELETE FROM metadata WHERE content = old.content
             AND NOT EXISTS (SELECT 1 FROM files WHERE photo = old.photo AND content = old.content);
     END;",
    ),
    // The pixel hash of a photo. NULL if an older version read it; it is filled where a decision was made on it.
    // replaced: the photo that a file held before it changed, until the decisions on that photo were considered.
    M::up(
        "ALTER TABLE photos ADD COLUMN pixels BLOB;
     CREATE INDEX photos_by_pixels ON photos (pixels) WHERE pixels IS NOT NULL;
     ALTER TABLE files ADD COLUMN replaced INTEGER;
     CREATE INDEX files_replaced ON files (id) WHERE replaced IS NOT NULL;",
    ),
    // decoding: the version of the decoder that made the kept picture of a photo; negative if that is not the present one,
    // NULL if there is no kept picture. stale: the features are to be made again, from the kept picture.
    M::up(
        "ALTER TABLE photos ADD COLUMN decoding INTEGER;
     ALTER TABLE photos ADD COLUMN stale INTEGER NOT NULL DEFAULT FALSE;
     CREATE INDEX photos_without_picture ON photos (id) WHERE ifnull(decoding, 0) <= 0 AND files > 0;
     CREATE INDEX photos_stale ON photos (id) WHERE stale;",
    ),
    // What is left of two near photos, a < b, when one is laid over the other. data: 32-bit floats, little-endian; empty if
    // the place of one in the other is not found, and NULL while they are to be compared. is_new: an answer waits for it.
    // The pairs of an older version are compared in the background.
    M::up(
        "CREATE TABLE comparisons (
         a INTEGER NOT NULL,
         b INTEGER NOT NULL,
         is_new INTEGER NOT NULL,
         data BLOB,
         PRIMARY KEY (a, b)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX comparisons_missing ON comparisons (is_new, b) WHERE data IS NULL;
     INSERT OR IGNORE INTO comparisons (a, b, is_new, data)
         SELECT a, b, FALSE, NULL
         FROM (SELECT a, b, row_number() OVER (PARTITION BY head, b ORDER BY distance, a) AS place FROM pairs WHERE distance <= 0.42)
         WHERE place <= 8;

     CREATE TRIGGER photo_went AFTER DELETE ON photos BEGIN
         DELETE FROM comparisons WHERE a = old.id;
         DELETE FROM comparisons WHERE b = old.id;
     END;
     CREATE INDEX comparisons_by_b ON comparisons (b);

     -- The sum of the quantiser steps of a JPEG. NULL if an older version read it.
     ALTER TABLE photos ADD COLUMN quantisation INTEGER;",
    ),
    // Comparisons have seven numbers more. Those of 22 numbers count until they are made again, in the background.
    M::up(
        "DROP INDEX comparisons_missing;
     CREATE INDEX comparisons_missing ON comparisons (is_new, b) WHERE data IS NULL OR length(data) = 88;

     -- JSON. NULL if an older version read the file.
     ALTER TABLE metadata ADD COLUMN exposure TEXT;",
    ),
    // The share of its width and height that a photo needs for all of its detail. NULL if an older version read it.
    // The pairs that are to be compared are found in their order and counted in the index alone.
    M::up(
        "ALTER TABLE photos ADD COLUMN detail REAL;
     DROP INDEX comparisons_missing;
     CREATE INDEX comparisons_missing ON comparisons (is_new DESC, b, ifnull(length(data), 88)) WHERE ifnull(length(data), 88) = 88;",
    ),
    // The hash of the bytes after the picture. NULL if there are none, or if an older version read the file.
    M::up("ALTER TABLE metadata ADD COLUMN trailer TEXT;"),
    // RAW files are read by their previews, and so are TIFF files that an older version took for RAW.
    M::up(
        "UPDATE files SET pending = 1 WHERE photo IS NULL AND (root, path) IN
         (SELECT root, path FROM failures WHERE stage = 'unsupported' AND reason = 'raw is not read by this version');
     DELETE FROM failures WHERE stage = 'unsupported' AND (root, path) IN (SELECT root, path FROM files WHERE pending);",
    ),
    // More kinds of TIFF are read, and larger JPEGs. Only those that could not be read are read again.
    M::up(
        "UPDATE files SET pending = 1 WHERE photo IS NULL AND (root, path) IN
         (SELECT root, path FROM failures WHERE stage = 'decode' AND (CAST(path AS TEXT) LIKE '%.tif' OR CAST(path AS TEXT) LIKE '%.tiff'
             OR reason LIKE '%more than the limit of % megapixels'));
     DELETE FROM failures WHERE stage = 'decode' AND (root, path) IN (SELECT root, path FROM files WHERE pending);",
    ),
    // JSON. NULL if a file says nothing of the kind, or if an older version read it.
    M::up("ALTER TABLE metadata ADD COLUMN origin TEXT;"),
    // HEIC, AVIF and JPEG XL are read.
    M::up(
        "UPDATE files SET pending = 1 WHERE photo IS NULL AND (root, path) IN
         (SELECT root, path FROM failures WHERE stage = 'unsupported'
             AND reason IN ('heic is not read by this version', 'avif is not read by this version', 'jxl is not read by this version'));
     DELETE FROM failures WHERE stage = 'unsupported' AND (root, path) IN (SELECT root, path FROM files WHERE pending);",
    ),
    // Files that are remembered and not decoded: films, sound, pictures of formats without a name here, sidecars. The next
    // scan finds those from before. content: the hash of the bytes that a file had with this stamp, NULL until it is needed.
    // A file that could not be read as a photo gets one too when it is needed. It has no metadata, so others with its bytes
    // keep theirs.
    M::up(
        "CREATE TABLE others (
         root INTEGER NOT NULL,
         path BLOB NOT NULL,
         kind TEXT NOT NULL,
         volume INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
         mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, birth INTEGER,
         content BLOB,
         PRIMARY KEY (root, path)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX others_by_size ON others (size);
     CREATE INDEX files_unread_by_size ON files (size) WHERE photo IS NULL;

     DROP TRIGGER content_went;
     DROP TRIGGER content_changed;
     CREATE TRIGGER content_went AFTER DELETE ON files WHEN old.content IS NOT NULL AND old.photo IS NOT NULL BEGIN
         DELETE FROM metadata WHERE content = old.content
             AND NOT EXISTS (SELECT 1 FROM files WHERE photo = old.photo AND content = old.content);
     END;
     CREATE TRIGGER content_changed AFTER UPDATE OF content ON files
         WHEN old.content IS NOT new.content AND old.photo IS NOT NULL BEGIN
         DELETE FROM metadata WHERE content = old.content
             AND NOT EXISTS (SELECT 1 FROM files WHERE photo = old.photo AND content = old.content);
     END;",
    ),
    // What a sidecar says. facts: JSON, NULL if it is not read, or if it cannot be read. unread: it is still to be read.
    M::up(
        "ALTER TABLE others ADD COLUMN facts TEXT;
     ALTER TABLE others ADD COLUMN unread INTEGER NOT NULL DEFAULT FALSE;
     CREATE INDEX others_unread ON others (root, path) WHERE unread;
     CREATE INDEX others_with_facts ON others (root, path) WHERE facts IS NOT NULL;
     UPDATE others SET unread = TRUE WHERE CAST(path AS TEXT) LIKE '%.xmp';",
    ),
    // Whether the colours of a photo were converted to sRGB. NULL if an older version read it, and its file may name other colours: then
    // the beginning of the file is looked at. DNG files without a preview are read.
    M::up(
        "ALTER TABLE photos ADD COLUMN converted INTEGER;
     UPDATE photos SET converted = FALSE WHERE format IN ('gif', 'bmp');
     CREATE INDEX photos_of_unknown_colours ON photos (id) WHERE converted IS NULL AND files > 0;

     UPDATE files SET pending = 1 WHERE photo IS NULL AND (root, path) IN
         (SELECT root, path FROM failures WHERE stage = 'unsupported' AND reason LIKE 'raw without a JPEG preview %(DNG)');
     DELETE FROM failures WHERE stage = 'unsupported' AND (root, path) IN (SELECT root, path FROM files WHERE pending);",
    ),
    // Whether a photo has a file of these bytes is looked up, however many files it has.
    M::up("DROP INDEX files_by_photo; CREATE INDEX files_by_photo ON files (photo, content);"),
];

/// Returns whether an index has all that a new one has: tables with their columns, indexes and triggers.
pub fn is_complete(index: &Connection) -> Result<bool> {
    let parts = |file: &Connection| -> rusqlite::Result<BTreeSet<String>> {
        let mut statement = file.prepare(
            "SELECT s.type || ' ' || s.name || ' ' || ifnull(c.name, '') FROM sqlite_schema s
             LEFT JOIN pragma_table_info(iif(s.type = 'table', s.name, '')) c WHERE s.name NOT LIKE 'sqlite_%'",
        )?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    let mut new = Connection::open_in_memory()?;
    let is_made = INDEX.to_latest(&mut new).is_ok();
    let found = parts(index)?;
    Ok(is_made && parts(&new)?.iter().all(|part| found.contains(part)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use rusqlite::types::Value;
    use rusqlite::{Connection, Row};
    use tempfile::TempDir;

    use super::*;
    use crate::photo::{Coverage, PhotoId, Place, RootId, Verdict};
    use crate::store::columns::METADATA_READER;
    use crate::store::{Chosen, Location, Positives, Reader, Wanted, Writer};

    #[test]
    fn migrations_are_valid() {
        super::LIBRARY.validate().expect("library");
        super::INDEX.validate().expect("index");
    }

    /// Data that a migration removes or changes.
    struct Lost {
        /// The first version without it.
        version: usize,
        table: &'static str,
        what: What,
    }

    #[derive(PartialEq)]
    enum What {
        Table,
        Column(&'static str),
        /// Rows that match this condition.
        Rows(&'static str),
    }

    /// All data that migrations of the index intentionally remove or change.
    const LOST: [Lost; 13] = [
        // Embeddings, densities and pairs now belong to a head. They are computed again from the features, which
        // stay.
        Lost { version: 3, table: "pairs", what: What::Table },
        Lost { version: 3, table: "features", what: What::Column("embedding") },
        Lost { version: 3, table: "features", what: What::Column("crowd_level") },
        Lost { version: 3, table: "features", what: What::Column("crowd_edge") },
        // It was the fingerprint of the head of those pairs. Now it is a number in a table that is still empty.
        Lost { version: 3, table: "settings", what: What::Rows("name = 'head'") },
        // Emptied: it names the recipe, which then had no crop descriptors. So the files are read again.
        Lost { version: 5, table: "features", what: What::Column("backbone") },
        // RAW files that were not read are read now.
        Lost { version: 15, table: "failures", what: What::Rows("reason LIKE 'raw %'") },
        Lost { version: 15, table: "files", what: What::Rows("path = CAST('c.nef' AS BLOB)") },
        // So are TIFF files of kinds that were not read.
        Lost { version: 16, table: "failures", what: What::Rows("path = CAST('d.TIF' AS BLOB)") },
        Lost { version: 16, table: "files", what: What::Rows("path = CAST('d.TIF' AS BLOB)") },
        // And HEIC.
        Lost { version: 18, table: "failures", what: What::Rows("reason LIKE 'heic %'") },
        Lost { version: 18, table: "files", what: What::Rows("path = CAST('e.heic' AS BLOB)") },
        // Which file has the kept pictures. It is set when an index is opened.
        Lost { version: usize::MAX, table: "settings", what: What::Rows("name LIKE 'pictures%'") },
    ];

    const HASH: [&str; 4] = [
        "x'0101010101010101010101010101010101010101010101010101010101010101'",
        "x'0202020202020202020202020202020202020202020202020202020202020202'",
        "x'0303030303030303030303030303030303030303030303030303030303030303'",
        "x'f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0'",
    ];

    /// Rows for every table of a version of the library.
    fn library_rows(version: usize) -> String {
        let [a, b, c, _] = HASH;
        let roots = "INSERT INTO roots (id, path) VALUES (1, CAST('/gone' AS BLOB)), (2, CAST('/photos' AS BLOB)), (5, x'2fff2f');
                     DELETE FROM roots WHERE id = 1;";
        let homes = "UPDATE roots SET volume = '0a1b-2c3d', inner = CAST('/DCIM' AS BLOB) WHERE id = 2;";
        let words = format!(
            "INSERT INTO decisions (a, b, verdict, made) VALUES ({a}, {b}, 'same', 1700000000), ({a}, {c}, 'different', -1);
             INSERT INTO heads (name, backbone, positives, weights, threshold, report, made) VALUES
                 ('tuned-1', 'backbone-1', 'edits', x'00ff', 0.28125, '{{\"steps\":900}}', 1700000001),
                 ('folders-1', 'backbone-1', 'folders', x'01', 0.5, '{{}}', 1700000002);
             INSERT INTO settings (name, value) VALUES ('head', 'tuned-1');"
        );
        let absorbed = "INSERT INTO absorbed (holder, path, root, volume, inner) VALUES
                 (2, CAST('2025' AS BLOB), 3, NULL, NULL), (2, x'ff2f61', 4, '0a1b-2c3d', CAST('/DCIM' AS BLOB));";
        let equal =
            format!("INSERT INTO pictures (picture, pixels) VALUES ({a}, {c}); UPDATE decisions SET follows = {b} WHERE made = -1;");
        let mounted = "UPDATE roots SET inside = 2, asked = FALSE WHERE id = 5;";
        [(1, roots), (2, homes), (3, &words), (4, absorbed), (5, &equal), (7, mounted)]
            .into_iter()
            .filter(|(since, _)| *since <= version)
            .map(|(_, sql)| sql)
            .collect()
    }

    /// Rows for every table of a version of the index.
    fn index_rows(version: usize) -> String {
        let [a, b, c, d] = HASH;
        // Ids of removed photos are not used again.
        let files = format!(
            "INSERT INTO photos (id, picture, format, width, height, taken, utc_offset, make, model, serial, orientation) VALUES
                 (3, {a}, 'jpeg', 6000, 4000, '2026-05-01T10:00:00.123', '+02:00', 'Maker', 'Model', '0012', 6),
                 (7, {b}, 'webp', 1, 1, NULL, NULL, NULL, NULL, NULL, NULL),
                 (9, {c}, 'png', 2, 2, NULL, NULL, NULL, NULL, NULL, NULL);
             DELETE FROM photos WHERE id = 9;
             INSERT INTO files (id, root, path, volume, inode, size, mtime, ctime, content, photo, pending) VALUES
                 (1, 2, CAST('a.jpg' AS BLOB), -1, 9223372036854775807, 4096, 1700000000123456789, 1700000000123456790, {c}, 3, 0),
                 (2, 2, CAST('b/a.jpg' AS BLOB), -1, -2, 4097, -5, 6, {d}, 3, 0),
                 (3, 2, x'ff2e77656270', 8, 0, 4098, 7, 8, {d}, 7, 0),
                 (4, 2, CAST('new.jpg' AS BLOB), 8, 13, 4099, 9, 10, NULL, NULL, 1),
                 (5, 2, CAST('cut.jpg' AS BLOB), 8, 14, 4100, 11, 12, NULL, NULL, 0);
             INSERT INTO failures (root, path, stage, reason) VALUES
                 (2, CAST('cut.jpg' AS BLOB), 'decode', 'it ends in the middle'), (2, CAST('locked' AS BLOB), 'open', 'this folder cannot be read');
             INSERT INTO counters (name, value) VALUES ('read', 5), ('decoded', 3), ('embedded', 2);
             INSERT INTO settings (name, value) VALUES ('tuning-order', '{{\"name\":\"tuned-1\"}}');"
        );
        let one_head = "INSERT INTO features (photo, backbone, data, embedding) VALUES
                 (3, 'backbone-1', x'003c00bc', x'003c'), (7, 'backbone-1', x'00380034', x'0038');
             INSERT INTO pairs (a, b, distance) VALUES (3, 7, 0.125);
             INSERT INTO settings (name, value) VALUES ('head', 'fingerprint-1');";
        let densities = "UPDATE features SET crowd_level = 0.5, crowd_edge = 0.25 WHERE photo = 3;";
        let heads = "INSERT INTO features (photo, backbone, data) VALUES (3, 'backbone-1', x'003c00bc'), (7, 'backbone-1', x'00380034');
             INSERT INTO heads (number, fingerprint) VALUES (1, 'retired-1'), (2, 'fingerprint-2');
             INSERT INTO settings (name, value) VALUES ('head', '2');
             INSERT INTO embeddings (head, photo, data, crowd_level, crowd_edge) VALUES (2, 3, x'003c', 0.5, 0.25), (2, 7, x'0038', NULL, NULL);
             INSERT INTO pairs (head, a, b, distance) VALUES (2, 3, 7, 0.125);
             INSERT INTO views (photo, number, edit, data) VALUES (3, 0, '', x'003c00bc'), (3, 1, 'crop', x'00bc003c');";
        let parts = format!("UPDATE features SET parts = x'{}';", "7f80".repeat(224));
        let keypoints = "INSERT INTO keypoints (photo, data) VALUES (3, x'0102030405060708090a0b'), (7, x'');";
        let metadata = format!(
            "INSERT INTO metadata (content, reader, taken, rating, keywords, latitude, longitude, trailer_bytes, other) VALUES
                 ({c}, {METADATA_READER}, '2026-05-01T11:00:00', -1, '[\"sea\"]', 52.5, -13.25, 9, '[]');"
        );
        let pixels = format!("UPDATE photos SET pixels = {d} WHERE id = 3; UPDATE files SET replaced = 7 WHERE id = 4;");
        let unread = "INSERT INTO files (id, root, path, volume, inode, size, mtime, ctime, content, photo, pending) VALUES
                 (6, 2, CAST('c.nef' AS BLOB), 8, 15, 4101, 13, 14, NULL, NULL, 0),
                 (7, 2, CAST('d.TIF' AS BLOB), 8, 16, 4102, 15, 16, NULL, NULL, 0),
                 (8, 2, CAST('e.heic' AS BLOB), 8, 17, 4103, 17, 18, NULL, NULL, 0);
             INSERT INTO failures (root, path, stage, reason) VALUES
                 (2, CAST('c.nef' AS BLOB), 'unsupported', 'raw is not read by this version'),
                 (2, CAST('d.TIF' AS BLOB), 'decode', 'not a picture'),
                 (2, CAST('e.heic' AS BLOB), 'unsupported', 'heic is not read by this version');";
        let others = format!(
            "INSERT INTO others (root, path, kind, volume, inode, size, mtime, ctime, birth, content) VALUES
                 (2, CAST('a.mov' AS BLOB), 'film', 8, 17, 4104, 19, 20, 18, {a}),
                 (2, x'ff2e786d70', 'sidecar', 8, 18, 12, 21, 22, NULL, NULL);"
        );
        let latest = usize::MAX;
        [
            (1, latest, files.as_str()),
            (1, latest, unread),
            (1, 2, one_head),
            (2, 2, densities),
            (3, latest, heads),
            (5, latest, parts.as_str()),
            (6, latest, keypoints),
            (7, latest, "UPDATE files SET birth = 1699999999000000001 WHERE id = 1;"),
            (8, latest, &metadata),
            (9, latest, &pixels),
            (11, latest, "INSERT INTO comparisons (a, b, is_new, data) VALUES (3, 9, TRUE, x''), (3, 7, FALSE, zeroblob(88));"),
            (13, latest, "UPDATE photos SET detail = 0.5 WHERE id = 3;"),
            (14, latest, "UPDATE metadata SET trailer = '00ff';"),
            (21, latest, "UPDATE photos SET converted = TRUE WHERE id = 3;"),
            (17, latest, "UPDATE metadata SET origin = '{\"number\":9}';"),
            (19, latest, &others),
            (20, latest, "UPDATE others SET facts = '{}' WHERE kind = 'sidecar';"),
        ]
        .into_iter()
        .filter(|(first, last, _)| (*first..=*last).contains(&version))
        .map(|(.., sql)| sql)
        .collect()
    }

    /// Creates a file as that version left it.
    fn make(path: &Path, migrations: &Migrations<'_>, application: i32, version: usize, rows: &str) -> Connection {
        let mut connection = Connection::open(path).expect("opens");
        connection.pragma_update(None, "application_id", application).expect("set");
        connection.pragma_update(None, "foreign_keys", true).expect("set");
        migrations.to_version(&mut connection, version).expect("migrates");
        connection.execute_batch(rows).expect("filled");
        connection
    }

    fn read<T>(connection: &Connection, select: &str, of: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let mut statement = connection.prepare(select).expect(select);
        statement.query_map([], |row| of(row)).and_then(Iterator::collect).expect(select)
    }

    fn rows(connection: &Connection, select: &str) -> Vec<Vec<Value>> {
        read(connection, select, |row| (0..row.as_ref().column_count()).map(|column| row.get(column)).collect())
    }

    /// The data that must survive, by the statement that reads it: all columns and rows of all tables except those in
    /// [`LOST`].
    fn survivors(connection: &Connection, version: usize, lost: &[Lost]) -> BTreeMap<String, Vec<Vec<Value>>> {
        let mut survivors = BTreeMap::new();
        for table in read(connection, "SELECT name FROM sqlite_schema WHERE type = 'table'", |row| row.get::<_, String>(0)) {
            let lost: Vec<&What> =
                lost.iter().filter(|lost| lost.version > version && lost.table == table).map(|lost| &lost.what).collect();
            let mut columns = read(connection, &format!("SELECT name FROM pragma_table_info('{table}')"), |row| row.get::<_, String>(0));
            columns.retain(|column| !lost.iter().any(|what| matches!(what, What::Column(lost) if lost == column)));
            let columns = columns.join(", ");
            let kept: String = lost
                .iter()
                .filter_map(|what| if let What::Rows(rows) = what { Some(format!(" AND NOT ({rows})")) } else { None })
                .collect();
            let select = format!("SELECT {columns} FROM {table} WHERE 1{kept} ORDER BY {columns}");
            let found = rows(connection, &select);
            assert!(!found.is_empty(), "{table} of version {version} has no row that could be lost");
            if !lost.contains(&&What::Table) {
                survivors.insert(select, found);
            }
        }
        survivors
    }

    fn schema(connection: &Connection) -> Vec<Vec<Value>> {
        rows(connection, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
    }

    /// A folder and a new store in it, to compare with.
    fn new_store() -> (TempDir, Writer) {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::open(&Location::new(folder.path())).expect("opens");
        (folder, writer)
    }

    #[test]
    fn every_row_of_an_older_library_survives() {
        let (_folder, new) = new_store();
        for version in 1..=LIBRARY_STEPS.len() {
            let folder = tempfile::tempdir().expect("a folder");
            let location = Location::new(folder.path());
            let old = make(&location.library(), &LIBRARY, LIBRARY_ID, version, &library_rows(version));
            let expected = survivors(&old, version, &[]);
            drop(old);
            let mut writer = Writer::open(&location).expect("opens");
            for (select, rows_before) in &expected {
                assert_eq!(rows(&writer.library, select), *rows_before, "version {version}: {select}");
            }
            assert_eq!(schema(&writer.library), schema(&new.library), "version {version}");
            // The migrated rows are read with their old meaning.
            let roots = writer.roots().expect("read");
            assert_eq!(roots.iter().map(|root| root.id).collect::<Vec<_>>(), [RootId(2), RootId(5)], "version {version}");
            assert_eq!((roots[0].inside, roots[0].is_asked), (None, true), "version {version}");
            assert_eq!((roots[1].inside, roots[1].is_asked), if version < 7 { (None, true) } else { (Some(RootId(2)), false) });
            assert_eq!(roots[0].volume_location, (version >= 2).then(|| ("0a1b-2c3d".into(), "/DCIM".into())));
            assert_eq!(writer.add_root(Path::new("/more"), None, &|_| false).expect("added"), RootId(6), "ids are not used again");
            if version >= 3 {
                let mut decisions: Vec<(Verdict, i64)> = writer.decisions().expect("read").iter().map(|d| (d.verdict, d.made)).collect();
                decisions.sort_by_key(|(_, made)| *made);
                assert_eq!(decisions, [(Verdict::Different, -1), (Verdict::Same, 1_700_000_000)]);
                let heads = writer.heads().expect("read");
                let told: Vec<_> = heads.iter().map(|head| (head.name.as_str(), head.positives, head.weights.as_slice())).collect();
                assert_eq!(told, [("tuned-1", Positives::Edits, [0, 255].as_slice()), ("folders-1", Positives::Folders, &[1][..])]);
                assert_eq!(writer.chosen_head().expect("read"), Chosen::Name("tuned-1".into()));
            }
            assert_eq!(writer.problems(), Vec::<String>::new());
        }
    }

    #[test]
    fn every_row_of_an_older_index_survives_or_is_made_again() {
        let (_folder, new) = new_store();
        for version in 1..=INDEX_STEPS.len() {
            let folder = tempfile::tempdir().expect("a folder");
            let location = Location::new(folder.path());
            let old = make(&location.index(), &INDEX, INDEX_ID, version, &index_rows(version));
            let expected = survivors(&old, version, &LOST);
            drop(old);
            let writer = Writer::open(&location).expect("opens");
            assert_eq!(writer.set_aside, None);
            for (select, rows_before) in &expected {
                assert_eq!(rows(&writer.index, select), *rows_before, "version {version}: {select}");
            }
            assert_eq!(schema(&writer.index), schema(&new.index), "version {version}");
            // Lost data is lost completely, so that it is made again.
            let count = |select: &str| read(&writer.index, select, |row| row.get::<_, i64>(0))[0];
            let of_before = if version < 3 { 0 } else { 1 };
            assert_eq!(count("SELECT count(*) FROM pairs"), of_before, "version {version}");
            assert_eq!(count("SELECT count(*) FROM settings WHERE name = 'head'"), of_before, "version {version}");
            let backbones = read(&writer.index, "SELECT DISTINCT backbone FROM features", |row| row.get::<_, String>(0));
            assert_eq!(backbones, [if version < 5 { "" } else { "backbone-1" }], "version {version}");
            // Kept data is read as before.
            let reader = Reader::open(&location).expect("opens");
            let all = [Place { root: RootId(2), path: "".into() }];
            let photos = reader.photos(&all, Wanted::All).expect("read");
            assert_eq!((photos.len(), photos[&PhotoId(3)].files.len(), photos[&PhotoId(7)].files.len()), (2, 2, 1));
            let taken = if version < 8 { "2026-05-01T10:00:00.123" } else { "2026-05-01T11:00:00" };
            assert_eq!(photos[&PhotoId(3)].capture.taken.as_deref(), Some(taken), "version {version}");
            // Compared by this version or an earlier one, with fewer numbers: it is compared again.
            assert_eq!(reader.count_uncompared().expect("read"), u64::from(version >= 3), "version {version}");
            let undescribed = reader.without_metadata_after(&Place { root: RootId(0), path: "".into() }, 9).expect("read");
            // Without metadata, or with a trailer of which only the length is known.
            assert_eq!(undescribed.len(), if version < 14 { 2 } else { 1 }, "version {version}");
            assert_eq!(
                read(&writer.index, "SELECT files FROM photos ORDER BY id", |row| row.get::<_, i64>(0)),
                [2, 1],
                "version {version}"
            );
            // The RAW file, the TIFF and the HEIC of an older version are read now. This version would not have said so.
            let (pending, unsupported, failed) = match version {
                ..15 => (4, 0, 2),
                15 => (3, 1, 2),
                16 | 17 => (2, 1, 3),
                _ => (1, 2, 3),
            };
            let coverage = Coverage { indexed: 3, pending, unsupported, failed, ..Coverage::default() };
            assert_eq!(reader.coverage(&all).expect("read"), coverage);
            let stamp = reader.files(&all[0]).expect("read")[Path::new("b/a.jpg")].stamp;
            assert_eq!((stamp.volume, stamp.inode, stamp.mtime), (u64::MAX, u64::MAX - 1, -5));
        }
    }
}
