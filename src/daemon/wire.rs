//! Converts the types of the catalog to those of the API.

use std::os::unix::ffi::OsStrExt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::api::text_of;
use crate::api::types::{self, BesideCluster, ClusterChange, ClusterChanges, ClusterPair};
use crate::catalog::beside::Beside;
use crate::catalog::changes::{Change, Known};
use crate::catalog::clusters::{Clustering, Edge, Found};
use crate::catalog::files::{FileOfPhoto, Files, files_of};
use crate::catalog::pairs::FilePair;
use crate::catalog::query;
use crate::catalog::roots::Roots;
use crate::photo::Metadata;
use crate::store::PhotoRecord;

/// The most examples of each kind of change.
const MAX_EXAMPLES: u64 = 10;

pub fn cluster(clustering: &Clustering, found: &Found, roots: &Roots) -> types::Cluster {
    let mut files: Vec<Files> = found.members.iter().map(|id| files_of(clustering.photo(*id), roots)).collect();
    // If a person removes the others, only the first file of the first photo stays.
    let (first, others) = files.split_at_mut(1);
    for file in others.iter_mut().flat_map(|of_photo| &mut of_photo.files) {
        file.missing_in_keeper = file.missing_in(&first[0].files[0]);
    }
    let photos = found.members.iter().zip(&files).enumerate();
    let pair = |edge: &Edge| {
        let Edge { a, b, distance, relation, ref changes } = *edge;
        ClusterPair { a, b, distance, relation, changes: changes.clone() }
    };
    types::Cluster {
        id: found.rank.id.clone(),
        diameter: found.diameter,
        source_by: found.rule,
        photos: photos.map(|(place, (id, files))| photo_with(clustering.photo(*id), place == 0, files)).collect(),
        pairs: found.edges.iter().map(pair).collect(),
        beside: found.beside.iter().map(|beside| beside_cluster(clustering.photo(beside.photo), beside, roots)).collect(),
        series: found.series.clone(),
        scene: found.scene.map(|scene| types::Scene { frames: scene.frames, seconds: scene.seconds }),
    }
}

fn beside_cluster(record: &PhotoRecord, beside: &Beside, roots: &Roots) -> BesideCluster {
    let Beside { near, distance, relation, .. } = *beside;
    let first = files_of(record, roots).files.swap_remove(0);
    BesideCluster {
        path: text_of(first.path()),
        near,
        distance,
        relation,
        bytes: first.stamp.size,
        width: record.dimensions.width,
        height: record.dimensions.height,
        format: record.format,
        taken: record.capture.taken.clone(),
    }
}

/// Converts a photo, with its files sorted by absolute path.
pub fn photo(record: &PhotoRecord, is_source: bool, roots: &Roots) -> types::Photo {
    photo_with(record, is_source, &files_of(record, roots))
}

fn photo_with(record: &PhotoRecord, is_source: bool, Files { files, rule }: &Files) -> types::Photo {
    let names: Vec<_> = files.iter().flat_map(|file| &file.names).collect();
    let texts: Vec<_> = names.iter().map(|name| text_of(&name.path)).collect();
    let lossy = texts.iter().any(|t| t.path_bytes.is_some());
    types::Photo {
        path: texts[0].clone(),
        paths_bytes: lossy.then(|| names.iter().map(|name| STANDARD.encode(name.path.as_os_str().as_bytes())).collect()),
        paths: texts.into_iter().map(|t| t.path).collect(),
        offline: names.iter().enumerate().filter(|(_, name)| !name.is_here).map(|(place, _)| place).collect(),
        bytes: files[0].stamp.size,
        width: record.dimensions.width,
        height: record.dimensions.height,
        format: record.format,
        taken: record.capture.taken.clone(),
        source: is_source,
        kept_by: *rule,
        files: files.iter().map(file).collect(),
    }
}

fn file(file: &FileOfPhoto) -> types::PhotoFile {
    types::PhotoFile {
        path: text_of(file.path()),
        also: file.names[1..].iter().map(|name| text_of(&name.path)).collect(),
        offline: !file.names[0].is_here,
        content: file.content.to_string(),
        volume: format!("{:016x}", file.stamp.volume),
        inode: file.stamp.inode,
        size: file.stamp.size,
        mtime_ns: file.stamp.mtime,
        ctime_ns: file.stamp.ctime,
        metadata: file.metadata.as_ref().map(metadata),
        metadata_lost: file.missing_in_keeper.clone(),
    }
}

fn metadata(metadata: &Metadata) -> types::FileMetadata {
    types::FileMetadata {
        taken: metadata.capture.taken.clone(),
        description: metadata.description.clone(),
        software: metadata.software.clone(),
        trailer_bytes: metadata.trailer_bytes,
    }
}

pub fn pair(pair: &FilePair) -> types::FilePair {
    types::FilePair { distance: pair.distance, a: text_of(&pair.a), b: text_of(&pair.b), relation: pair.relation, offline: pair.offline }
}

/// Returns the key of a pair. A later answer can continue after it, even if the pair is gone by then.
pub fn pair_key(pair: &FilePair) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&self::pair(pair)).unwrap_or_default())
}

/// Returns the pair of a [`pair_key`]. `None` if the key is not valid.
pub fn keyed_pair(key: &str) -> Option<FilePair> {
    let pair: types::FilePair = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
    let (a, b) = (pair.a.to_path(), pair.b.to_path());
    Some(FilePair { distance: pair.distance, a, b, relation: pair.relation, offline: pair.offline })
}

pub fn neighbour(neighbour: &query::Neighbour<'_>, roots: &Roots) -> types::Neighbour {
    types::Neighbour { distance: neighbour.distance, relation: neighbour.relation, photo: photo(neighbour.record, false, roots) }
}

pub fn comparison(comparison: query::Comparison, threshold: f32) -> types::Comparison {
    types::Comparison {
        distance: comparison.distance,
        normalized_distance: comparison.normalized,
        relation: comparison.relation,
        decided: comparison.decided,
        threshold,
        source: comparison.source,
        changes: comparison.changes,
        indexed: comparison.is_indexed,
        score: comparison.score,
        exposures: comparison.exposures,
        laid_over: comparison.laid.map(|(laid, scale)| types::LaidOver {
            scale: scale as f32,
            degrees: laid.map.degrees() as f32,
            mirrored: laid.map.is_mirrored(),
            overlap: laid.overlap.map(|share| share as f32),
            agreement: laid.fine.agreement as f32,
            misfit: laid.fine.misfit as f32,
            plain: laid.fine.plain as f32,
            coarse_agreement: laid.coarse.agreement as f32,
            spot: laid.fine.spot as f32,
            tones: laid.tones.map(|tone| types::Tones {
                brightness: tone.brightness as f32,
                contrast: tone.contrast as f32,
                chroma: tone.chroma as f32,
            }),
            colour: laid.colour.map(|difference| difference as f32),
        }),
        differences: comparison.differences,
    }
}

/// Counts the changed clusters by kind, with the first ones of each kind as examples.
pub fn cluster_changes(changes: &[(Change, &Known)]) -> ClusterChanges {
    let mut counted = ClusterChanges::default();
    for (change, cluster) in changes {
        let (count, change) = match change {
            Change::New => (&mut counted.new, types::Change::New),
            Change::Gone => (&mut counted.gone, types::Change::Gone),
            Change::Grown => (&mut counted.grown, types::Change::Grown),
            Change::Shrunk => (&mut counted.shrunk, types::Change::Shrunk),
        };
        *count += 1;
        if *count <= MAX_EXAMPLES {
            let paths = cluster.paths.iter().map(|path| text_of(path).path).collect();
            counted.examples.push(ClusterChange { change, paths });
        }
    }
    counted
}
