//! The columns of the databases: how values are written and read.
//!
//! A value that this version does not write is an error of its row. It is never read as another value.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use half::f16;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;

use super::{EditedVersion, FileRecord, PhotoRecord, Result};
use crate::photo::{
    Capture, Compared, Comparison, ContentHash, CropDescriptors, Description, Dimensions, Embedding, Exposure, Failure, Features, Format,
    Keypoints, Metadata, Origin, OtherFile, OtherKind, Pair, PhotoId, PictureHash, PixelHash, Place, Position, Positives, RootId, Stage,
    Stamp, Verdict,
};

/// Returns whether an error means that a row holds a value that this version does not write.
pub fn is_unreadable(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..))
}

/// Reads columns that hold the name of an enum value.
macro_rules! named {
    ($($Type:ty),+) => {
        $(impl FromSql for $Type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<$Type> {
                value.as_str()?.parse().map_err(FromSqlError::other)
            }
        })+
    };
}

named!(Format, OtherKind, Positives, Stage, Verdict);

impl FromSql for Features {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Features> {
        halves_of(value).map(Features)
    }
}

impl FromSql for Embedding {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Embedding> {
        halves_of(value).map(Embedding)
    }
}

impl FromSql for CropDescriptors {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<CropDescriptors> {
        let values = value.as_blob()?.iter().map(|v| v.cast_signed()).collect();
        CropDescriptors::from_values(values).ok_or_else(|| FromSqlError::Other("the wrong number of crop descriptors".into()))
    }
}

impl FromSql for Keypoints {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Keypoints> {
        Keypoints::from_bytes(value.as_blob()?).ok_or_else(|| FromSqlError::Other("not valid keypoints".into()))
    }
}

/// Reads 16-bit floats. Reverses [`bytes_of`].
fn halves_of(value: ValueRef<'_>) -> FromSqlResult<Vec<f16>> {
    let (halves, []) = value.as_blob()?.as_chunks::<2>() else { return Err(FromSqlError::Other("an odd number of bytes".into())) };
    Ok(halves.iter().copied().map(f16::from_le_bytes).collect())
}

pub fn bytes_of(values: &[f16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Returns the stored form of crop descriptors.
pub fn bytes_of_crops(crops: &CropDescriptors) -> Vec<u8> {
    crops.values().iter().map(|v| v.cast_unsigned()).collect()
}

pub fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Reads a place from the first two columns: root and path.
pub fn place_of(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place { root: RootId(row.get(0)?), path: path_of(row.get_ref(1)?.as_blob()?) })
}

/// The columns of `files f` that [`stamp`] reads.
pub const STAMP_COLUMNS: &str = "f.volume, f.inode, f.size, f.mtime, f.ctime, f.birth";

/// Selects content, photo and ctime of a file that has been read, with the inode of [`same_inode`]: under another name it is
/// the same file.
pub const SAME_INODE: &str = "SELECT content, photo, ctime FROM files
     WHERE inode = ?1 AND inode <> 0 AND size = ?2 AND mtime = ?3 AND volume = ?4 AND ifnull(birth = ?5, TRUE)
     AND photo IS NOT NULL";

/// The parameters of [`SAME_INODE`]. A file without a birth time is never the same: its number may have been used again.
pub fn same_inode(stamp: &Stamp) -> [Option<i64>; 5] {
    let inode = stamp.birth.map_or(0, |_| stamp.inode as i64);
    [Some(inode), Some(stamp.size as i64), Some(stamp.mtime), Some(stamp.volume as i64), stamp.birth]
}

/// Reads a stamp from [`STAMP_COLUMNS`], starting at column `first`.
pub fn stamp(row: &Row<'_>, first: usize) -> rusqlite::Result<Stamp> {
    Ok(Stamp {
        volume: row.get::<_, i64>(first)? as u64,
        inode: row.get::<_, i64>(first + 1)? as u64,
        size: row.get::<_, i64>(first + 2)? as u64,
        mtime: row.get(first + 3)?,
        ctime: row.get(first + 4)?,
        birth: row.get(first + 5)?,
    })
}

/// Reads a file that holds a photo, without its metadata, from root, path, content and [`STAMP_COLUMNS`], starting at column
/// `first`.
pub fn file_of(row: &Row<'_>, first: usize) -> rusqlite::Result<FileRecord> {
    let place = Place { root: RootId(row.get(first)?), path: path_of(row.get_ref(first + 1)?.as_blob()?) };
    Ok(FileRecord {
        place,
        content: ContentHash(row.get(first + 2)?),
        stamp: stamp(row, first + 3)?,
        metadata: None,
        shot: None,
        unpaired: None,
    })
}

/// The columns of `others f` that [`other_of`] reads.
pub const OTHER_COLUMNS: &str = "f.root, f.path, f.kind, f.content, f.volume, f.inode, f.size, f.mtime, f.ctime, f.birth";

/// Reads a file that is not decoded from [`OTHER_COLUMNS`].
pub fn other_of(row: &Row<'_>) -> rusqlite::Result<OtherFile> {
    let content = row.get::<_, Option<[u8; 32]>>(3)?.map(ContentHash);
    Ok(OtherFile { place: place_of(row)?, kind: row.get(2)?, content, stamp: stamp(row, 4)? })
}

/// Reads the pixel hash of a photo. `None` if the picture has none, or an older version read it.
pub fn pixels_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PixelHash>> {
    Ok(row.get::<_, Option<[u8; 32]>>(column)?.map(PixelHash))
}

impl FromSql for Compared {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Compared> {
        let bytes = value.as_blob()?;
        let (chunks, rest) = bytes.as_chunks::<4>();
        let values: Vec<f32> = chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
        match Comparison::from_values(&values) {
            _ if bytes.is_empty() => Ok(Compared::Apart),
            Some(comparison) if rest.is_empty() && values.iter().all(|value| value.is_finite()) => Ok(Compared::Laid(comparison)),
            _ => Err(FromSqlError::Other("not a valid comparison".into())),
        }
    }
}

/// Reads a comparison from three columns: both photos, and the data.
pub fn comparison_of(row: &Row<'_>) -> rusqlite::Result<((PhotoId, PhotoId), Compared)> {
    let compared = row.get::<_, Option<Compared>>(2)?.unwrap_or(Compared::NotYet);
    Ok(((PhotoId(row.get(0)?), PhotoId(row.get(1)?)), compared))
}

/// The columns of `photos p` that [`photo_of`] reads.
pub const PHOTO_COLUMNS: &str =
    "p.id, p.picture, p.format, p.width, p.height, p.taken, p.utc_offset, p.make, p.model, p.serial, p.orientation,
     p.quantisation, p.detail";

/// Reads a photo from [`PHOTO_COLUMNS`], without its files.
pub fn photo_of(row: &Row<'_>) -> rusqlite::Result<PhotoRecord> {
    Ok(PhotoRecord {
        id: PhotoId(row.get(0)?),
        picture: PictureHash(row.get(1)?),
        format: row.get(2)?,
        dimensions: Dimensions { width: row.get(3)?, height: row.get(4)? },
        capture: capture_of(row, 5)?,
        quantisation: row.get(11)?,
        detail: row.get(12)?,
        files: Vec::new(),
    })
}

/// The columns of `metadata m` that [`metadata_of`] reads.
pub const METADATA_COLUMNS: &str = "m.keywords, m.taken, m.utc_offset, m.make, m.model, m.serial, m.orientation, m.rating, m.label,
    m.title, m.caption, m.creator, m.latitude, m.longitude, m.software, m.trailer_bytes, m.other, m.exposure, m.trailer, m.origin";

/// The version of the reader of metadata. With another one, files are read again where that matters.
pub const METADATA_READER: i64 = 2;

/// Reads metadata from [`METADATA_COLUMNS`], starting at column `first`. `None` if the row of a join has none.
pub fn metadata_of(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Metadata>> {
    let Some(Texts(keywords)) = row.get(first)? else { return Ok(None) };
    let position: Option<(f64, f64)> = row.get::<_, Option<f64>>(first + 12)?.zip(row.get(first + 13)?);
    let exposure = json_of(row, first + 17)?.unwrap_or_default();
    let origin = json_of(row, first + 19)?.unwrap_or_default();
    Ok(Some(Metadata {
        capture: Capture { exposure, origin, ..capture_of(row, first + 1)? },
        description: Description {
            rating: row.get(first + 7)?,
            label: row.get(first + 8)?,
            keywords,
            title: row.get(first + 9)?,
            caption: row.get(first + 10)?,
            creator: row.get(first + 11)?,
            position: position.map(|(latitude, longitude)| Position { latitude, longitude }),
        },
        software: row.get(first + 14)?,
        trailer_bytes: row.get::<_, i64>(first + 15)? as u64,
        trailer: row.get(first + 18)?,
        other: row.get::<_, Texts>(first + 16)?.0,
    }))
}

struct Texts(BTreeSet<String>);

impl FromSql for Texts {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Texts> {
        serde_json::from_str(value.as_str()?).map(Texts).map_err(FromSqlError::other)
    }
}

/// Reads a column with JSON, if it is set.
pub fn json_of<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    Ok(row.get::<_, Option<Json<T>>>(column)?.map(|Json(value)| value))
}

struct Json<T>(T);

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Json<T>> {
        serde_json::from_str(value.as_str()?).map(Json).map_err(FromSqlError::other)
    }
}

/// Reads capture data from six columns, starting at column `first`. The exposure and the origin are not among them.
pub fn capture_of(row: &Row<'_>, first: usize) -> rusqlite::Result<Capture> {
    Ok(Capture {
        taken: row.get(first)?,
        offset: row.get(first + 1)?,
        make: row.get(first + 2)?,
        model: row.get(first + 3)?,
        serial: row.get(first + 4)?,
        lens: None,
        orientation: row.get(first + 5)?,
        exposure: Exposure::default(),
        origin: Origin::default(),
    })
}

/// Reads a failure from two columns, stage and reason, starting at column `first`.
pub fn failure_of(row: &Row<'_>, first: usize) -> rusqlite::Result<Failure> {
    Ok(Failure { stage: row.get(first)?, reason: row.get(first + 1)? })
}

/// Reads a pair from three columns: both photos, and the distance.
pub fn pair_of(row: &Row<'_>) -> rusqlite::Result<Pair> {
    Ok(Pair { a: PhotoId(row.get(0)?), b: PhotoId(row.get(1)?), distance: row.get::<_, f64>(2)? as f32 })
}

/// Reads a view from two columns, edit and features, starting at column `first`.
pub fn edited_version_of(row: &Row<'_>, first: usize) -> rusqlite::Result<EditedVersion> {
    Ok(EditedVersion { edit: row.get(first)?, features: row.get(first + 1)? })
}

/// Returns the keypoints of the photos. Photos without stored keypoints are left out.
pub fn keypoints_of(index: &Connection, photos: &BTreeSet<PhotoId>) -> Result<HashMap<PhotoId, Keypoints>> {
    let mut statement = index.prepare_cached("SELECT data FROM keypoints WHERE photo = ?1")?;
    let mut found = HashMap::with_capacity(photos.len());
    for photo in photos {
        let points = statement.query_row([photo.0], |row| row.get(0)).optional()?;
        found.extend(points.map(|points| (*photo, points)));
    }
    Ok(found)
}
