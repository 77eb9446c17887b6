//! The lines of a cluster: one for each file, with what it is.

use std::path::Path;

use super::super::badges::{badges, own_rows};
use super::super::text::{bytes, count, names, time};
use super::words::{self, name, pairs, series, source, time_length, what};
use crate::api::types::{BesideCluster, Cluster, ClusterPair, PathText, PhotoFile};
use crate::photo::{KeeperRule, MetadataKind, Relation, ShotName, folded, home};

/// The most files of a cluster among which a namesake is looked for.
const MAX_SEARCHED: usize = 200;

/// A line of a cluster.
pub struct Row<'a> {
    /// What it is, the distance, the size in pixels, the format and the bytes.
    pub columns: [String; 5],
    /// The time of capture. Empty if it is not known.
    pub time: String,
    pub path: &'a PathText,
    /// The hexadecimal picture hash. Absent for another name of a file, and for what is beside a cluster.
    pub picture: Option<&'a str>,
    /// What else is to be known of the file.
    pub notes: Vec<Note>,
    pub look: Look,
}

pub struct Note {
    pub words: String,
    pub kind: NoteKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// The other files of its shot.
    Badges,
    Remark,
    /// A person should heed it before a file goes.
    Warning,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Source,
    Plain,
    Dimmed,
}

/// Returns the lines of a cluster, or of the stars of a series.
pub fn rows(stars: &[Cluster]) -> Vec<Row<'_>> {
    let to = time_length(stars);
    stars.iter().flat_map(|star| rows_of(star, to)).collect()
}

fn rows_of(cluster: &Cluster, to: usize) -> Vec<Row<'_>> {
    let photos = own_rows(cluster).into_iter().enumerate().zip(pairs(cluster));
    let photos = photos.flat_map(|((place, own), pair)| photo_rows(cluster, place, &own, pair, to));
    photos.chain(cluster.beside.iter().filter(is_sure).map(|beside| beside_row(cluster, beside, to))).collect()
}

pub fn is_sure(beside: &&BesideCluster) -> bool {
    beside.relation != Relation::Unknown
}

pub fn title(stars: &[Cluster]) -> String {
    let versions: Vec<u64> = stars.iter().flat_map(others).filter(|(relation, _)| is_version(*relation)).map(|(_, bytes)| bytes).collect();
    let source = if stars.len() == 1 { "source" } else { "sources" };
    // Frames and parts are not there to be spared.
    let spared = (!versions.is_empty()).then(|| format!(", {} beside the {source}", bytes(versions.iter().sum())));
    let (files, shots) = (files_of(stars), stars.iter().map(rows_of_shots).sum());
    let of_shots = if shots < files { format!(" of {}", count(shots, "shot", "shots")) } else { String::new() };
    let files = format!("{}{of_shots}{}", count(files, "file", "files"), spared.unwrap_or_default());
    match stars.iter().find_map(|star| star.scene.as_ref()) {
        Some(scene) if stars.len() > 1 => format!("{}; {files}", series(scene)),
        Some(scene) => format!("{files}; {}", series(scene)),
        None => files,
    }
}

pub fn files_of(stars: &[Cluster]) -> u64 {
    stars.iter().flat_map(|star| &star.photos).map(|photo| photo.files.len() as u64).sum()
}

/// The number of files that have a row of their own.
fn rows_of_shots(star: &Cluster) -> u64 {
    own_rows(star).iter().flatten().filter(|has_row| **has_row).count() as u64
}

/// What the photos and files of a cluster are beside the one that stays, with their bytes.
pub fn others(cluster: &Cluster) -> impl Iterator<Item = (Relation, u64)> {
    let identical = cluster.photos.iter().flat_map(|photo| photo.files.iter().skip(1)).map(|file| (Relation::Identical, file.size));
    let photos = cluster.photos.iter().zip(pairs(cluster)).enumerate().skip(1).filter(|(place, _)| !cluster.is_in_shot(*place));
    photos.map(|(_, (photo, pair))| (pair.map_or(Relation::Unknown, |pair| pair.relation), photo.bytes)).chain(identical)
}

pub fn is_version(relation: Relation) -> bool {
    matches!(relation, Relation::Identical | Relation::Copy | Relation::Edit)
}

/// A row for each file of a photo that has one of its own, and one for each other name of it.
fn photo_rows<'a>(cluster: &'a Cluster, place: usize, own: &[bool], pair: Option<&ClusterPair>, to: usize) -> Vec<Row<'a>> {
    let photo = &cluster.photos[place];
    let mut rows = Vec::new();
    for (number, file) in photo.files.iter().enumerate().filter(|(number, _)| own[*number]) {
        let is_source = (place, number) == (0, 0);
        let what = match (number, place) {
            (0, 0) => source(cluster),
            (0, _) => pair.map_or(words::relation(Relation::Unknown).to_owned(), |pair| what(cluster, place, pair)),
            _ => Relation::Identical.to_string(),
        };
        let distance = pair.filter(|_| place > 0 && number == 0).map(words::distance).unwrap_or_default();
        let size = format!("{} × {}", photo.width, photo.height);
        rows.push(Row {
            columns: [what, distance, size, photo.format.to_string(), bytes(file.size)],
            time: photo.taken.as_deref().map(|taken| time(taken, to)).unwrap_or_default(),
            path: &file.path,
            picture: Some(&photo.picture),
            notes: notes(cluster, file, photo.kept_by.filter(|_| is_source)),
            look: if is_source { Look::Source } else { Look::Plain },
        });
        let link = |path: &'a PathText| Row {
            columns: ["link".to_owned(), String::new(), String::new(), String::new(), String::new()],
            time: String::new(),
            path,
            picture: None,
            notes: Vec::new(),
            look: Look::Dimmed,
        };
        rows.extend(file.also.iter().map(link));
    }
    rows
}

/// What is to be known of a file beside what its photo is.
fn notes(cluster: &Cluster, file: &PhotoFile, kept_by: Option<KeeperRule>) -> Vec<Note> {
    let note = |words: String, kind: NoteKind| Note { words, kind };
    let badges = Some(badges(cluster, file)).filter(|badges| !badges.is_empty()).map(|badges| note(badges, NoteKind::Badges));
    let stays = kept_by.map(|rule| note(format!("stays: {}", words::kept_by(rule)), NoteKind::Remark));
    let lost: Vec<MetadataKind> = file.metadata_lost.iter().flatten().copied().collect();
    let own = (!lost.is_empty()).then(|| note(format!("only this file has: {}", names(&lost)), NoteKind::Warning));
    let unpaired = file.unpaired.map(|why| note(why.words(&namesake(cluster, file)), NoteKind::Remark));
    let offline = file.offline.then(|| note("offline".to_owned(), NoteKind::Warning));
    [badges, stays, own, unpaired, offline].into_iter().flatten().collect()
}

/// The name of the photo with which a file looks like one shot and is none.
fn namesake(cluster: &Cluster, file: &PhotoFile) -> String {
    let base = |path: &Path| {
        let (folder, name) = home(path);
        ShotName::of(&folded(name)).map(|name| (folder.to_owned(), name.base.bytes()))
    };
    let own = base(&file.path.to_path());
    let mut others = cluster.photos.iter().flat_map(|photo| &photo.files).take(MAX_SEARCHED);
    let other = others.find(|other| other.path != file.path && other.unpaired == file.unpaired && base(&other.path.to_path()) == own);
    other.map_or_else(|| "a file of its name".to_owned(), |other| name(&other.path.path))
}

/// A photo beside a cluster.
fn beside_row<'a>(cluster: &Cluster, beside: &'a BesideCluster, to: usize) -> Row<'a> {
    let near = &cluster.photos[beside.near];
    let of = if beside.near == 0 { String::new() } else { format!(" · near {}", name(&near.path.path)) };
    let BesideCluster { relation, distance, width, height, format, bytes, ref taken, ref path, .. } = *beside;
    let size = format!("{width} × {height}");
    Row {
        columns: [format!("{}{of}", words::relation(relation)), format!("{distance:.2}"), size, format.to_string(), self::bytes(bytes)],
        time: taken.as_deref().map(|taken| time(taken, to)).unwrap_or_default(),
        path,
        picture: None,
        notes: Vec::new(),
        look: Look::Dimmed,
    }
}
