//! What the photos of a cluster are, in words.

use super::super::text::{count, shown};
use crate::api::types::{Cluster, ClusterPair, Photo, Scene};
use crate::photo::{Format, KeeperRule, PhotoChange, ReasonCode, Relation, SourceRule};

/// The lengths of a time to the minute, to the second, and with a fraction: `2026-05-01T10:00:00.123`.
const TO_MINUTE: usize = 16;
const TO_SECOND: usize = 19;
const TO_FRACTION: usize = 23;

/// A version whose file has fewer bytes for each pixel than this share of its source's was compressed more.
const MAX_SHARE_RECOMPRESSED: f64 = 0.9;

/// What two photos are to each other, for people.
pub fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Unknown => "not sure",
        known => known.name(),
    }
}

/// The distance of a pair for people. Where they decided, it tells nothing.
pub fn distance(pair: &ClusterPair) -> String {
    if has_reason(pair, ReasonCode::Decision) { "yours".to_owned() } else { format!("{:.2}", pair.distance) }
}

pub fn series(scene: &Scene) -> String {
    let frames = count(scene.frames, "frame", "frames");
    scene.seconds.map_or_else(|| format!("series · {frames}"), |seconds| format!("series · {frames} in {}", duration(seconds)))
}

/// A time in whole units, the smallest of which there are fewer than 120.
pub fn duration(seconds: f64) -> String {
    let (minutes, hours, days) = (seconds / 60.0, seconds / 3_600.0, seconds / 86_400.0);
    if seconds < 119.5 {
        // Frames of one second are a second apart at most.
        format!("{:.0} s", seconds.max(1.0))
    } else if minutes < 119.5 {
        format!("{minutes:.0} min")
    } else if hours < 119.5 {
        format!("{hours:.0} h")
    } else {
        format!("{days:.0} days")
    }
}

/// To what length times are told: to where they tell two photos apart, and to the second for frames of a series.
pub fn time_length(stars: &[Cluster]) -> usize {
    let mut times: Vec<&str> = stars.iter().flat_map(|star| &star.photos).filter_map(|photo| photo.taken.as_deref()).collect();
    times.sort_unstable();
    times.dedup();
    let are_alike = |two: &[&str], length: usize| two[0].get(..length) == two[1].get(..length);
    // A version that lost the fraction is not another exposure.
    if times.windows(2).any(|two| are_alike(two, TO_SECOND) && two.iter().all(|time| time.len() > TO_SECOND)) {
        TO_FRACTION
    } else if stars.iter().any(|star| star.scene.is_some())
        || times.windows(2).any(|two| are_alike(two, TO_MINUTE) && !are_alike(two, TO_SECOND))
    {
        TO_SECOND
    } else {
        TO_MINUTE
    }
}

/// The pair by which each photo is in its cluster: the one with the source, or else with the photo that it is nearest to.
pub fn pairs(cluster: &Cluster) -> Vec<Option<&ClusterPair>> {
    let mut pairs: Vec<Option<&ClusterPair>> = vec![None; cluster.photos.len()];
    let rank = |pair: &ClusterPair| (pair.a != 0, pair.distance);
    for pair in &cluster.pairs {
        for place in [pair.a, pair.b] {
            if pairs[place].is_none_or(|known| rank(pair) < rank(known)) {
                pairs[place] = Some(pair);
            }
        }
    }
    pairs
}

/// What the first photo of a cluster is: the source, if others are versions of it, and why. A frame without versions is alone.
pub fn source(cluster: &Cluster) -> String {
    let is_version = |pair: &&ClusterPair| pair.a == 0 && matches!(pair.relation, Relation::Copy | Relation::Edit);
    let others = cluster.pairs.iter().filter(|pair| pair.a == 0).map(|pair| pair.relation).next();
    match (cluster.pairs.iter().find(is_version), others) {
        (None, Some(relation)) if cluster.photos[0].files.len() == 1 => self::relation(relation).to_owned(),
        (None, None) if cluster.photos[0].files.len() == 1 => "frame".to_owned(),
        _ => {
            let by = cluster.source_by.map(|rule| source_by(rule).to_owned());
            joined(std::iter::once("source".to_owned()).chain(by).chain(ties(cluster)))
        }
    }
}

/// Which photos are as good as the source.
fn ties(cluster: &Cluster) -> Option<String> {
    let (first, others) = cluster.ties.split_first()?;
    let more = if others.is_empty() { String::new() } else { format!(" and {}", count(others.len() as u64, "other", "others")) };
    Some(format!("as good as {}{more}", name(&cluster.photos[*first].path.path)))
}

/// What another photo of a cluster is: a version of the source, with what was changed, or of which photo it is one.
pub fn what(cluster: &Cluster, place: usize, pair: &ClusterPair) -> String {
    if pair.a != 0 {
        let other = name(&cluster.photos[if pair.a == place { pair.b } else { pair.a }].path.path);
        return match pair.relation {
            Relation::Unknown => format!("not sure · near {other}"),
            relation => format!("{relation} of {other}"),
        };
    }
    let is_screenshot = |change: &PhotoChange| *change == PhotoChange::Screenshot;
    let first =
        if pair.changes.iter().any(is_screenshot) { PhotoChange::Screenshot.to_string() } else { relation(pair.relation).to_owned() };
    let changes = pair.changes.iter().filter(|change| !is_screenshot(change)).map(ToString::to_string);
    let is_whole = !pair.changes.iter().any(shows_another_frame);
    let others = match pair.relation {
        Relation::Copy => copied(pair, &cluster.photos[0], &cluster.photos[place]),
        Relation::Edit if is_whole => resized(pair, &cluster.photos[0], &cluster.photos[place]).into_iter().collect(),
        _ => Vec::new(),
    };
    let unseen = unseen(pair).filter(|_| pair.changes.is_empty()).map(str::to_owned);
    joined(std::iter::once(first).chain(changes).chain(unseen).chain(others))
}

/// Why a photo is an edit though nothing is seen of a change.
fn unseen(pair: &ClusterPair) -> Option<&'static str> {
    let says = |code: ReasonCode| pair.relation == Relation::Edit && has_reason(pair, code);
    let words = [
        (ReasonCode::EditName, "named as one"),
        (ReasonCode::FileName, "has the name of another frame"),
        (ReasonCode::Inks, "in other inks (CMYK)"),
        (ReasonCode::Document, "of one document"),
        (ReasonCode::Decision, "as you decided"),
    ];
    words.into_iter().find(|(code, _)| says(*code)).map(|(_, words)| words)
}

fn has_reason(pair: &ClusterPair, code: ReasonCode) -> bool {
    pair.evidence.reasons.iter().any(|reason| reason.code == code)
}

/// Whether the size of a version says nothing of its scale.
fn shows_another_frame(change: &PhotoChange) -> bool {
    use PhotoChange::{Border, Crop, Screenshot, Stretched, Turned};
    matches!(change, Crop(_) | Border | Screenshot | Stretched(_) | Turned(_))
}

/// How a copy differs from its source.
fn copied(pair: &ClusterPair, source: &Photo, copy: &Photo) -> Vec<String> {
    let is_turned = (source.width > source.height) == (copy.width < copy.height) && source.width != source.height;
    let size = resized(pair, source, copy);
    let density = |photo: &Photo| photo.bytes as f64 / (f64::from(photo.width) * f64::from(photo.height)).max(1.0);
    let is_enlarged = long_side(copy) > long_side(source);
    let is_compressed = !is_enlarged && density(copy) < MAX_SHARE_RECOMPRESSED * density(source);
    let is_all = !is_turned && size.is_none();
    let compression = if copy.format != source.format {
        Some(copy.format.to_string())
    } else if !is_lossy(copy.format) {
        is_all.then(|| "saved again".to_owned())
    } else if is_all && padding(source) != padding(copy) && copy.bytes - padding(copy) == source.bytes - padding(source) {
        Some(if padding(copy) > padding(source) { "more zeros at its end" } else { "fewer zeros at its end" }.to_owned())
    } else if is_all && copy.bytes == source.bytes {
        // No program writes as many bytes by chance.
        Some("same number of bytes: one may be damaged".to_owned())
    } else {
        (is_compressed || is_all).then(|| "recompressed".to_owned())
    };
    is_turned.then(|| "turned".to_owned()).into_iter().chain(size).chain(compression).collect()
}

/// The zeros at the end of the file of a photo that would stay.
fn padding(photo: &Photo) -> u64 {
    photo.files[0].metadata.as_ref().map_or(0, |metadata| metadata.padding_bytes.min(photo.bytes))
}

/// The size of a version of the whole frame, if it is not that of its source. A larger one need not be enlarged: it may be what is left
/// of an original that lost what the camera wrote.
fn resized(pair: &ClusterPair, source: &Photo, version: &Photo) -> Option<String> {
    let share = long_side(version) / long_side(source);
    if (share - 0.5).abs() < 0.01 {
        Some("half size".into())
    } else if has_reason(pair, ReasonCode::Enlarged) && share >= 0.99 {
        Some("enlarged".into())
    } else {
        (!(0.99..=1.01).contains(&share)).then(|| format!("{:.0} % of the size", 100.0 * share))
    }
}

fn long_side(photo: &Photo) -> f64 {
    f64::from(photo.width.max(photo.height)).max(1.0)
}

fn is_lossy(format: Format) -> bool {
    match format {
        Format::Jpeg | Format::WebP | Format::Heic | Format::Avif | Format::Jxl | Format::Jp2 => true,
        Format::Raw | Format::Tiff | Format::Psd | Format::Png | Format::Bmp | Format::Gif => false,
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" · ")
}

/// The file name of a path, for a terminal.
pub fn name(path: &str) -> String {
    shown(path.rsplit('/').next().unwrap_or(path))
}

/// Why a photo is the source of the others.
pub fn source_by(rule: SourceRule) -> &'static str {
    match rule {
        SourceRule::Time => "taken before the others",
        SourceRule::WholeFrame => "the whole frame",
        SourceRule::Camera => "as the camera wrote it",
        SourceRule::Metadata => "says where it was taken",
        SourceRule::Format => "the better format",
        SourceRule::Detail => "not enlarged",
        SourceRule::Pixels => "most pixels",
        SourceRule::Colour => "in colour",
        SourceRule::Rgb => "RGB, not CMYK",
        SourceRule::Lossless => "lossless",
        SourceRule::Bytes => "most bytes",
        SourceRule::PlainName => "plain name",
        SourceRule::Oldest => "oldest file",
        SourceRule::Path => "shortest path",
    }
}

/// Why a file comes before the others of its photo.
pub fn kept_by(rule: KeeperRule) -> &'static str {
    match rule {
        KeeperRule::Description => "rated or described",
        KeeperRule::Shot => "beside more files of its name",
        KeeperRule::Metadata => "most metadata",
        KeeperRule::PlainName => "plain name",
        KeeperRule::Oldest => "oldest file",
        KeeperRule::Path => "shortest path",
    }
}
