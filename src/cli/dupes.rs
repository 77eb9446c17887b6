//! `simctl dupes`: the answer in its four formats.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use owo_colors::OwoColorize;

use super::args::DupesFormat;
use super::print::{bytes, count, coverage, shown, time};
use crate::api::types::{Cluster, Clusters, Photo};

pub fn print(out: &mut impl Write, answer: &Clusters, format: DupesFormat) -> io::Result<()> {
    match format {
        DupesFormat::Text => text(out, answer),
        DupesFormat::Json => {
            serde_json::to_writer(&mut *out, answer)?;
            writeln!(out)
        }
        DupesFormat::Ndjson => answer.clusters.iter().try_for_each(|cluster| {
            serde_json::to_writer(&mut *out, cluster)?;
            writeln!(out)
        }),
        DupesFormat::Paths0 => paths0(out, answer),
    }
}

/// What could go: every file but one of the representative, NUL after each. Of files on a disk that is not
/// here nothing is said, and one of those that are here always stays.
fn paths0(out: &mut impl Write, answer: &Clusters) -> io::Result<()> {
    for cluster in &answer.clusters {
        let here = cluster.photos.iter().flat_map(|photo| {
            raw_paths(photo).into_iter().enumerate().filter(|(place, _)| !photo.offline.contains(place)).map(|(_, path)| path)
        });
        for path in here.skip(1) {
            out.write_all(&path)?;
            out.write_all(b"\0")?;
        }
    }
    Ok(())
}

fn raw_paths(photo: &Photo) -> Vec<Vec<u8>> {
    match &photo.paths_bytes {
        Some(encoded) => encoded.iter().filter_map(|b| STANDARD.decode(b).ok()).collect(),
        None => photo.paths.iter().map(|p| std::path::Path::new(p).as_os_str().as_bytes().to_vec()).collect(),
    }
}

fn files(cluster: &Cluster) -> usize {
    cluster.photos.iter().map(|p| p.paths.len()).sum()
}

fn spare(cluster: &Cluster) -> u64 {
    cluster.photos.iter().map(|p| p.bytes * (p.paths.len() as u64 - u64::from(p.representative))).sum()
}

fn text(out: &mut impl Write, answer: &Clusters) -> io::Result<()> {
    for (number, cluster) in answer.clusters.iter().enumerate() {
        let mut title = format!("{}, {} in copies", count(files(cluster) as u64, "file", "files"), bytes(spare(cluster)));
        if cluster.loose {
            title.push_str(&format!("; {}: its ends are {:.2} apart, look before you delete", "loose".yellow(), cluster.diameter));
        }
        writeln!(out, "{} {title}", format!("{:>3}", number + 1).bold())?;
        for (place, photo) in cluster.photos.iter().enumerate() {
            lines(out, cluster, place, photo)?;
        }
        writeln!(out)?;
    }
    let all: u64 = answer.clusters.iter().map(spare).sum();
    let found = answer.clusters.len() as u64;
    let summary = if found == 0 {
        "No duplicates found.".to_owned()
    } else {
        format!(
            "{}; the copies take {}.",
            count(found, "photo has", "photos have").replace("photo has", "photo has copies").replace("photos have", "photos have copies"),
            bytes(all)
        )
    };
    writeln!(out, "{}", summary.bold())?;
    writeln!(out, "{}", coverage(&answer.coverage).dimmed())?;
    if answer.coverage.failed > 0 {
        writeln!(out, "{}", "simctl failures says why".dimmed())?;
    }
    Ok(())
}

/// One line for each file of a photo: what to keep, how near, what it is, where.
fn lines(out: &mut impl Write, cluster: &Cluster, place: usize, photo: &Photo) -> io::Result<()> {
    let nearest = cluster.pairs.iter().filter(|p| p.a == place || p.b == place).map(|p| p.distance).reduce(f32::min);
    for (number, path) in photo.paths.iter().enumerate() {
        let mark = match (photo.representative, number) {
            (true, 0) => "best".green().bold().to_string(),
            (_, 0) => nearest.map_or_else(|| "    ".to_owned(), |d| format!("{d:.2}")),
            _ => "same".dimmed().to_string(),
        };
        let size = format!("{} × {}", photo.width, photo.height);
        let taken = photo.taken.as_deref().map(time).unwrap_or_default();
        let away = if photo.offline.contains(&number) { " (offline)".yellow().to_string() } else { String::new() };
        writeln!(out, "    {mark}  {size:>13}  {:<4}  {:>10}  {taken:<16}  {}{away}", photo.format, bytes(photo.bytes), shown(path))?;
    }
    Ok(())
}
