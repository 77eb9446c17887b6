//! The tables. Migrations are only ever added at the end.

use rusqlite_migration::{M, Migrations};

/// `application_id` of the two files: "siml" and "simi".
pub const LIBRARY_ID: i32 = 0x7369_6d6c;
pub const INDEX_ID: i32 = 0x7369_6d69;

pub const LIBRARY: Migrations<'static> = Migrations::from_slice(LIBRARY_STEPS);

pub const INDEX: Migrations<'static> = Migrations::from_slice(INDEX_STEPS);

const LIBRARY_STEPS: &[M<'static>] = &[
    M::up(
        "CREATE TABLE roots (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         path BLOB NOT NULL UNIQUE
     ) STRICT;",
    ),
    // The filesystem that a root is on, and its path there.
    M::up("ALTER TABLE roots ADD COLUMN volume TEXT; ALTER TABLE roots ADD COLUMN inner BLOB;"),
    // What a person said (a < b, by picture), the heads that were tuned, and which is to be used.
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
    // How crowded it is around a photo, where a doubtful pair asks for it.
    M::up("ALTER TABLE features ADD COLUMN crowd_level REAL; ALTER TABLE features ADD COLUMN crowd_edge REAL;"),
    // Embeddings, crowds and pairs of several heads: one answers (the setting `head` is its number) while
    // another is made. They are made again from the features.
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
    // How many files hold a photo: those with several are wanted by every answer.
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
    // A photo's parts: 8-bit integers. Features from before are of no backbone, so their files are read again.
    M::up("ALTER TABLE features ADD COLUMN parts BLOB; UPDATE features SET backbone = '';"),
    // A photo's keypoints, apart from its features, which are read without them. Photos of before have none: their recipe
    // is another, so their files are read again.
    M::up("CREATE TABLE keypoints (photo INTEGER PRIMARY KEY REFERENCES photos(id), data BLOB NOT NULL) STRICT;"),
];

#[cfg(test)]
mod tests {
    #[test]
    fn migrations_are_valid() {
        super::LIBRARY.validate().expect("library");
        super::INDEX.validate().expect("index");
    }
}
