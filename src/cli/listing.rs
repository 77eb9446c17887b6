//! The text of clusters: what each photo of one is, in aligned columns.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::slice::from_ref;

use owo_colors::OwoColorize;

use super::badges::{badges, is_in_other_row};
use super::text::{bytes, count, names, shown, time};
use crate::api::types::{BesideCluster, Cluster, ClusterPair, Photo, PhotoFile, Scene};
use crate::photo::{Format, KeeperRule, MetadataKind, PhotoChange, ReasonCode, Relation, SourceRule};

/// A column is as wide as its longest text up to this number of characters. A longer one moves the rest of its line.
const MAX_COLUMN: usize = 48;

/// The same for a path with another one after it.
const MAX_PATH: usize = 90;

/// So many pairs are listed of which it is not sure what they are.
const MAX_UNSURE: usize = 30;

/// The lengths of a time to the minute, to the second, and with a fraction: `2026-05-01T10:00:00.123`.
const TO_MINUTE: usize = 16;
const TO_SECOND: usize = 19;
const TO_FRACTION: usize = 23;

/// A version whose file has fewer bytes for each pixel than this share of its source's was compressed more.
const MAX_SHARE_RECOMPRESSED: f64 = 0.9;

/// A line of a cluster.
struct Row {
    /// What it is, the distance, the size in pixels, the format, the bytes and the time.
    columns: [String; 6],
    path: String,
    /// What else is to be known of the file, coloured.
    notes: String,
    look: Look,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Source,
    Plain,
    Dimmed,
}

/// The columns whose text stands on the right.
const ON_THE_RIGHT: [bool; 6] = [false, true, true, false, true, false];

/// Prints a cluster, or the stars of a series under one heading, with its number in the answer.
pub fn print(out: &mut impl Write, number: u64, stars: &[Cluster]) -> io::Result<()> {
    writeln!(out, "{} {}", format!("{number:>3}").bold(), title(stars))?;
    let to = time_length(stars);
    write_rows(out, &stars.iter().flat_map(|star| rows(star, to)).collect::<Vec<_>>())?;
    writeln!(out)
}

fn rows(cluster: &Cluster, to: usize) -> Vec<Row> {
    let photos = cluster.photos.iter().enumerate().zip(pairs(cluster));
    let photos = photos.flat_map(|((place, photo), pair)| photo_rows(cluster, place, photo, pair, to));
    photos.chain(cluster.beside.iter().filter(is_sure).map(|beside| beside_row(cluster, beside, to))).collect()
}

fn is_sure(beside: &&BesideCluster) -> bool {
    beside.relation != Relation::Unknown
}

/// What an answer is not sure of. It stands last, because nothing can be done about it but to look.
#[derive(Default)]
pub struct Unsure {
    /// Clusters of photos of which nothing else is known than that they are near.
    clusters: Vec<Cluster>,
    /// Two photos each, with their distance, the smaller path first.
    pairs: BTreeMap<[String; 2], f32>,
    has_more: bool,
}

impl Unsure {
    /// Takes what is not sure of a cluster. Returns the cluster itself, unless it is to be printed with the others.
    pub fn take(&mut self, cluster: Cluster) -> Option<Cluster> {
        for beside in cluster.beside.iter().filter(|beside| !is_sure(beside)) {
            let mut two = [&cluster.photos[beside.near].path, &beside.path].map(|path| shown(&path.path));
            two.sort_unstable();
            if self.pairs.len() < MAX_UNSURE || self.pairs.contains_key(&two) {
                self.pairs.insert(two, beside.distance);
            } else {
                self.has_more = true;
            }
        }
        let has_identical = cluster.photos.iter().any(|photo| photo.files.len() > 1);
        if has_identical || cluster.pairs.is_empty() || cluster.pairs.iter().any(|pair| pair.relation != Relation::Unknown) {
            return Some(cluster);
        }
        self.clusters.push(cluster);
        None
    }

    /// Prints what is not sure. `printed`: the number of clusters that stand above it.
    pub fn print(&self, out: &mut impl Write, printed: u64) -> io::Result<()> {
        if self.clusters.is_empty() && self.pairs.is_empty() {
            return Ok(());
        }
        let heading = "Not sure: near, and the evidence does not decide.";
        let help = "simctl compare A B says what tells; simctl decide same|different A B settles it.";
        writeln!(out, "{} {}\n", heading.yellow().bold(), help.dimmed())?;
        for (number, cluster) in (printed + 1..).zip(&self.clusters) {
            print(out, number, from_ref(cluster))?;
        }
        let mut pairs: Vec<(&[String; 2], f32)> = self.pairs.iter().map(|(two, distance)| (two, *distance)).collect();
        pairs.sort_by(|x, y| x.1.total_cmp(&y.1));
        let width = pairs.iter().map(|([first, _], _)| first.chars().count()).filter(|length| *length <= MAX_PATH).max().unwrap_or(0);
        for ([first, second], distance) in &pairs {
            writeln!(out, "    {distance:.2}  {first:<width$}  {second}")?;
        }
        if self.has_more {
            writeln!(out, "    {}", "and more: --relation unknown".dimmed())?;
        }
        if pairs.is_empty() { Ok(()) } else { writeln!(out) }
    }
}

/// The clusters of an answer in its order, but for the stars of a series: they stand together where the first of them does.
#[derive(Default)]
pub struct Ordered {
    /// From the first star of a series on.
    held: Vec<Cluster>,
}

impl Ordered {
    /// Takes a cluster. Returns it, unless later ones may belong before it.
    pub fn take(&mut self, cluster: Cluster) -> Option<Cluster> {
        if self.held.is_empty() && cluster.series.is_none() {
            return Some(cluster);
        }
        self.held.push(cluster);
        None
    }

    /// Returns what was held back: single clusters and series, the stars of each in the order in which they were taken.
    pub fn rest(&mut self) -> Vec<Vec<Cluster>> {
        let mut groups: Vec<Vec<Cluster>> = Vec::new();
        let mut series: HashMap<String, usize> = HashMap::new();
        for cluster in self.held.drain(..) {
            let place = cluster.series.as_ref().map_or(groups.len(), |id| *series.entry(id.clone()).or_insert(groups.len()));
            match groups.get_mut(place) {
                Some(stars) => stars.push(cluster),
                None => groups.push(vec![cluster]),
            }
        }
        let taken = |star: &Cluster| (star.photos[0].taken.clone(), star.photos[0].path.path.clone());
        groups.iter_mut().for_each(|stars| stars.sort_by_cached_key(taken));
        groups
    }
}

fn series(scene: &Scene) -> String {
    let frames = count(scene.frames, "frame", "frames");
    scene.seconds.map_or_else(|| format!("series · {frames}"), |seconds| format!("series · {frames} in {}", duration(seconds)))
}

/// A time in whole units, the smallest of which there are fewer than 120.
fn duration(seconds: f64) -> String {
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

fn write_rows(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let length = |text: &str| text.chars().count();
    let widths: [usize; 6] = std::array::from_fn(|column| {
        let lengths = rows.iter().map(|row| length(&row.columns[column]));
        lengths.filter(|length| *length <= MAX_COLUMN).max().unwrap_or(0)
    });
    for row in rows {
        let mut line = String::from("    ");
        // What nothing is said of takes no room.
        for column in (0..widths.len()).filter(|column| widths[*column] > 0) {
            let (text, width) = (&row.columns[column], widths[column]);
            let space = " ".repeat(width.saturating_sub(length(text)));
            let padded = if ON_THE_RIGHT[column] { format!("{space}{text}") } else { format!("{text}{space}") };
            line += &if row.look == Look::Source && column == 0 { padded.green().bold().to_string() } else { padded };
            line += "  ";
        }
        line += &row.path;
        if row.look == Look::Dimmed {
            line = line.dimmed().to_string();
        }
        writeln!(out, "{line}{}", row.notes)?;
    }
    Ok(())
}

fn title(stars: &[Cluster]) -> String {
    let files: usize = stars.iter().flat_map(|star| &star.photos).map(|photo| photo.files.len()).sum();
    let versions: Vec<u64> = stars.iter().flat_map(others).filter(|(relation, _)| is_version(*relation)).map(|(_, bytes)| bytes).collect();
    let source = if stars.len() == 1 { "source" } else { "sources" };
    // Frames and parts are not there to be spared.
    let spared = (!versions.is_empty()).then(|| format!(", {} beside the {source}", bytes(versions.iter().sum())));
    let is_alone = |star: &Cluster, place: usize, number: usize| !is_in_other_row(star, (place, number));
    let rows = |star: &Cluster| -> usize {
        let photos = star.photos.iter().enumerate();
        photos.map(|(place, photo)| (0..photo.files.len()).filter(|number| is_alone(star, place, *number)).count()).sum()
    };
    let shots: usize = stars.iter().map(rows).sum();
    let of_shots = if shots < files { format!(" of {}", count(shots as u64, "shot", "shots")) } else { String::new() };
    let files = format!("{}{of_shots}{}", count(files as u64, "file", "files"), spared.unwrap_or_default());
    match stars.iter().find_map(|star| star.scene.as_ref()) {
        Some(scene) if stars.len() > 1 => format!("{}; {files}", series(scene)),
        Some(scene) => format!("{files}; {}", series(scene)),
        None => files,
    }
}

/// What the photos and files of a cluster are beside the one that stays, with their bytes.
pub fn others(cluster: &Cluster) -> impl Iterator<Item = (Relation, u64)> {
    let identical = cluster.photos.iter().flat_map(|photo| photo.files.iter().skip(1)).map(|file| (Relation::Identical, file.size));
    let photos = cluster.photos.iter().zip(pairs(cluster)).enumerate().filter(|(place, _)| *place > 0 && !cluster.is_in_shot(*place));
    photos.map(|(_, photo)| photo).map(|(photo, pair)| (pair.map_or(Relation::Unknown, |pair| pair.relation), photo.bytes)).chain(identical)
}

pub fn is_version(relation: Relation) -> bool {
    matches!(relation, Relation::Identical | Relation::Copy | Relation::Edit)
}

/// To what length times are told: to where they tell two photos apart, and to the second for frames of a series.
fn time_length(stars: &[Cluster]) -> usize {
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

/// A row for each file of a photo, and one for each other name of it.
fn photo_rows(cluster: &Cluster, place: usize, photo: &Photo, pair: Option<&ClusterPair>, to: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, file) in photo.files.iter().enumerate().filter(|(number, _)| !is_in_other_row(cluster, (place, *number))) {
        let is_source = (place, number) == (0, 0);
        let what = match (number, place) {
            (0, 0) => source(cluster),
            (0, _) => pair.map_or(Relation::Unknown.to_string(), |pair| what(cluster, place, pair)),
            _ => Relation::Identical.to_string(),
        };
        let distance = pair.filter(|_| place > 0 && number == 0).map(|pair| format!("{:.2}", pair.distance)).unwrap_or_default();
        let time = photo.taken.as_deref().map(|taken| time(taken, to)).unwrap_or_default();
        let size = format!("{} × {}", photo.width, photo.height);
        rows.push(Row {
            columns: [what, distance, size, photo.format.to_string(), bytes(file.size), time],
            path: shown(&file.path.path),
            notes: badges(cluster, file) + &notes(file, photo.kept_by.filter(|_| is_source)),
            look: if is_source { Look::Source } else { Look::Plain },
        });
        let link = |path: &str| Row {
            columns: ["link".to_owned(), String::new(), String::new(), String::new(), String::new(), String::new()],
            path: shown(path),
            notes: String::new(),
            look: Look::Dimmed,
        };
        rows.extend(file.also.iter().map(|name| link(&name.path)));
    }
    rows
}

/// What is to be known of a file beside what its photo is.
fn notes(file: &PhotoFile, kept_by: Option<KeeperRule>) -> String {
    let mut notes = kept_by.map(|rule| format!(" (stays: {})", self::kept_by(rule)).dimmed().to_string()).unwrap_or_default();
    let lost: Vec<MetadataKind> = file.metadata_lost.iter().flatten().copied().collect();
    if !lost.is_empty() {
        notes += &format!(" (has its own {})", names(&lost)).yellow().to_string();
    }
    if let Some(why) = file.unpaired {
        notes += &format!(" ({})", why.words()).dimmed().to_string();
    }
    if file.offline {
        notes += &" (offline)".yellow().to_string();
    }
    notes
}

/// A photo beside a cluster.
fn beside_row(cluster: &Cluster, beside: &BesideCluster, to: usize) -> Row {
    let near = &cluster.photos[beside.near];
    let of = if beside.near == 0 { String::new() } else { format!(" · near {}", name(&near.path.path)) };
    let BesideCluster { relation, distance, width, height, format, bytes, ref taken, ref path, .. } = *beside;
    let time = taken.as_deref().map(|taken| time(taken, to)).unwrap_or_default();
    let size = format!("{width} × {height}");
    Row {
        columns: [format!("{relation}{of}"), format!("{distance:.2}"), size, format.to_string(), self::bytes(bytes), time],
        path: shown(&path.path),
        notes: String::new(),
        look: Look::Dimmed,
    }
}

/// The pair by which each photo is in its cluster: the one with the source, or else with the photo that it is nearest to.
fn pairs(cluster: &Cluster) -> Vec<Option<&ClusterPair>> {
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
fn source(cluster: &Cluster) -> String {
    let is_version = |pair: &&ClusterPair| pair.a == 0 && matches!(pair.relation, Relation::Copy | Relation::Edit);
    let others = cluster.pairs.iter().filter(|pair| pair.a == 0).map(|pair| pair.relation).next();
    match (cluster.pairs.iter().find(is_version), others) {
        (None, Some(relation)) if cluster.photos[0].files.len() == 1 => relation.to_string(),
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
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    Some(format!("as good as {}{more}", name(&cluster.photos[*first].path.path)))
}

/// What another photo of a cluster is: a version of the source, with what was changed, or of which photo it is one.
fn what(cluster: &Cluster, place: usize, pair: &ClusterPair) -> String {
    if pair.a != 0 {
        let other = name(&cluster.photos[if pair.a == place { pair.b } else { pair.a }].path.path);
        return match pair.relation {
            Relation::Unknown => format!("unknown · near {other}"),
            relation => format!("{relation} of {other}"),
        };
    }
    let is_screenshot = |change: &PhotoChange| *change == PhotoChange::Screenshot;
    let first = if pair.changes.iter().any(is_screenshot) { PhotoChange::Screenshot.to_string() } else { pair.relation.to_string() };
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
        (ReasonCode::FileName, "named as another frame"),
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
    } else if is_all && copy.bytes == source.bytes {
        // No program writes as many bytes by chance.
        Some("as many bytes: one may be damaged".to_owned())
    } else {
        (is_compressed || is_all).then(|| "recompressed".to_owned())
    };
    is_turned.then(|| "turned".to_owned()).into_iter().chain(size).chain(compression).collect()
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
fn name(path: &str) -> String {
    shown(path.rsplit('/').next().unwrap_or(path))
}

/// Why a photo is the source of the others.
fn source_by(rule: SourceRule) -> &'static str {
    match rule {
        SourceRule::Time => "taken before the others",
        SourceRule::WholeFrame => "the whole frame",
        SourceRule::Camera => "as the camera wrote it",
        SourceRule::Metadata => "says where it was taken",
        SourceRule::Format => "the better format",
        SourceRule::Detail => "not enlarged",
        SourceRule::Pixels => "most pixels",
        SourceRule::Rgb => "RGB, not CMYK",
        SourceRule::Lossless => "lossless",
        SourceRule::Bytes => "most bytes",
        SourceRule::PlainName => "plain name",
        SourceRule::Oldest => "oldest file",
        SourceRule::Path => "shortest path",
    }
}

/// Why a file comes before the others of its photo.
fn kept_by(rule: KeeperRule) -> &'static str {
    match rule {
        KeeperRule::Description => "rated or described",
        KeeperRule::Shot => "the whole shot",
        KeeperRule::Metadata => "most metadata",
        KeeperRule::PlainName => "plain name",
        KeeperRule::Oldest => "oldest file",
        KeeperRule::Path => "shortest path",
    }
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;
    use crate::api::types::{Evidence, PathText, Reason, ShotFile};
    use crate::photo::{ShotFileKind, Unpaired};

    fn path(path: &str) -> PathText {
        PathText { path: path.into(), path_bytes: None }
    }

    fn photo(path: &str, width: u32, bytes: u64) -> Photo {
        let path = self::path(path);
        let file = PhotoFile {
            path: path.clone(),
            also: Vec::new(),
            offline: false,
            content: String::new(),
            volume: String::new(),
            inode: 1,
            size: bytes,
            mtime_ns: 0,
            ctime_ns: 0,
            metadata: None,
            metadata_lost: None,
            shot: Vec::new(),
            unpaired: None,
        };
        Photo {
            paths: vec![path.path.clone()],
            path,
            paths_bytes: None,
            offline: Vec::new(),
            bytes,
            width,
            height: 2 * width / 3,
            format: Format::Jpeg,
            taken: None,
            detail: None,
            source: false,
            kept_by: None,
            files: vec![file],
        }
    }

    fn pair(a: usize, b: usize, distance: f32, relation: Relation) -> ClusterPair {
        ClusterPair { a, b, distance, relation, changes: Vec::new(), evidence: Evidence::NONE }
    }

    fn cluster(photos: Vec<Photo>, pairs: Vec<ClusterPair>) -> Cluster {
        Cluster {
            id: "1".into(),
            diameter: 0.1,
            source_by: Some(SourceRule::Bytes),
            ties: Vec::new(),
            photos,
            pairs,
            beside: Vec::new(),
            series: None,
            scene: None,
            within_shots: false,
        }
    }

    /// The text of a cluster without colours, a line each.
    fn lines(cluster: &Cluster) -> Vec<String> {
        let mut out = Vec::new();
        print(&mut out, 7, from_ref(cluster)).expect("written");
        plain(out).lines().map(str::to_owned).collect()
    }

    fn told_of(cluster: &Cluster, place: usize) -> String {
        what(cluster, place, pairs(cluster)[place].expect("each has a pair"))
    }

    fn plain(out: Vec<u8>) -> String {
        strip_str(&String::from_utf8(out).expect("text")).to_string()
    }

    #[test]
    fn each_line_says_what_a_photo_is_in_columns() {
        let mut photos = vec![photo("/a.jpg", 3000, 4_000_000), photo("/half.jpg", 1500, 400_000), photo("/bw.jpg", 2000, 900_000)];
        photos[0].taken = Some("2026-05-01T10:00:07".into());
        photos[1].files[0].metadata_lost = Some(vec![MetadataKind::Rating, MetadataKind::Capture]);
        let changes = vec![PhotoChange::Crop(0.43), PhotoChange::BlackAndWhite];
        let pairs = vec![pair(0, 1, 0.01, Relation::Copy), ClusterPair { changes, ..pair(0, 2, 0.1, Relation::Edit) }];
        let page = BesideCluster {
            path: path("/page.png"),
            near: 2,
            distance: 0.2,
            relation: Relation::Part,
            bytes: 7_000_000,
            width: 4000,
            height: 6000,
            format: Format::Png,
            taken: None,
            evidence: Evidence::NONE,
        };
        let cluster = Cluster { beside: vec![page], ..cluster(photos, pairs) };
        let row = |[what, distance, size, format, bytes, time]: [&str; 6], path: &str| {
            format!("    {what:<34}  {distance:>4}  {size:>11}  {format:<4}  {bytes:>6}  {time:<16}  {path}")
        };
        assert_eq!(
            lines(&cluster),
            [
                format!("  7 3 files, {} beside the source", bytes(1_300_000)),
                row(["source · most bytes", "", "3000 × 2000", "jpeg", "4 MB", "2026-05-01 10:00"], "/a.jpg"),
                row(
                    ["copy · half size · recompressed", "0.01", "1500 × 1000", "jpeg", "400 kB", ""],
                    "/half.jpg (has its own rating and capture)"
                ),
                row(["edit · crop 43 % · black and white", "0.10", "2000 × 1333", "jpeg", "900 kB", ""], "/bw.jpg"),
                row(["part · near bw.jpg", "0.20", "4000 × 6000", "png", "7 MB", ""], "/page.png"),
                String::new(),
            ]
        );
    }

    #[test]
    fn a_shot_is_one_row_with_badges() {
        let names = ["/a/1.CR3", "/a/1.JPG", "/a/1.CR3.xmp", "/a/1.xmp", "/a/1.MOV", "/a/IMG_E1.JPG"];
        let of = |name: &str| ShotFile {
            path: path(name),
            kind: if name.ends_with("xmp") || name.ends_with("MOV") { ShotFileKind::Sidecar } else { ShotFileKind::Photo },
            offline: false,
            shared: false,
            size: 1,
            mtime_ns: 0,
            ctime_ns: 0,
        };
        let mut photos = ["/a/1.CR3", "/a/1.JPG", "/b/1.JPG"].map(|name| photo(name, 100, 1000)).to_vec();
        photos[..2].iter_mut().for_each(|photo| photo.files[0].shot = names.map(of).to_vec());
        photos[2].files[0].unpaired = Some(Unpaired::OtherFolder);
        let pairs = vec![pair(0, 1, 0.0, Relation::Copy), pair(0, 2, 0.0, Relation::Copy)];
        let cluster = cluster(photos, pairs);
        let said = lines(&cluster);
        assert_eq!(said[0], "  7 3 files of 2 shots, 1 kB beside the source");
        assert!(said[1].ends_with("/a/1.CR3 +JPG +2 xmp +MOV +IMG_E1.JPG"), "{said:?}");
        assert!(said[2].ends_with("/b/1.JPG (two shots: RAW file and picture are in two folders)"), "{said:?}");
        assert_eq!(others(&cluster).count(), 1);
        let within = Cluster { within_shots: true, ..cluster };
        let said = lines(&within);
        assert_eq!(said[0], "  7 3 files, 2 kB beside the source");
        assert!(said[2].ends_with("/a/1.JPG +2 xmp +MOV") && others(&within).count() == 2, "{said:?}");
    }

    #[test]
    fn a_copy_is_told_by_its_size_format_and_compression() {
        let told = |change: &dyn Fn(&mut Photo)| {
            let mut copy = photo("/copy.jpg", 3000, 4_000_000);
            change(&mut copy);
            told_of(&cluster(vec![photo("/a.jpg", 3000, 4_000_001), copy], vec![pair(0, 1, 0.0, Relation::Copy)]), 1)
        };
        assert_eq!(told(&|_| {}), "copy · recompressed");
        assert_eq!(told(&|copy| (copy.width, copy.height, copy.bytes) = (1500, 1000, 1_000_000)), "copy · half size");
        assert_eq!(told(&|copy| (copy.width, copy.height, copy.bytes) = (1800, 1200, 500_000)), "copy · 60 % of the size · recompressed");
        assert_eq!(told(&|copy| (copy.width, copy.height) = (6000, 4000)), "copy · 200 % of the size");
        assert_eq!(told(&|copy| (copy.width, copy.height) = (2000, 3000)), "copy · turned");
        assert_eq!(told(&|copy| copy.format = Format::WebP), "copy · webp");
        assert_eq!(told(&|copy| copy.bytes += 1), "copy · as many bytes: one may be damaged");
    }

    fn because(pair: ClusterPair, codes: &[ReasonCode]) -> ClusterPair {
        let reasons = codes.iter().map(|code| Reason { code: *code, words: String::new() }).collect();
        ClusterPair { evidence: Evidence { reasons, ..Evidence::NONE }, ..pair }
    }

    #[test]
    fn a_larger_version_is_enlarged_only_if_that_is_known() {
        let told = |relation, codes: &[ReasonCode], width| {
            let photos = vec![photo("/a.jpg", 3000, 1000), photo("/larger.jpg", width, 1000)];
            told_of(&cluster(photos, vec![because(pair(0, 1, 0.0, relation), codes)]), 1)
        };
        for relation in [Relation::Copy, Relation::Edit] {
            assert_eq!(told(relation, &[ReasonCode::Enlarged], 6000), format!("{relation} · enlarged"));
            assert_eq!(told(relation, &[ReasonCode::Size], 6000), format!("{relation} · 200 % of the size"));
            // Of a still smaller one.
            assert!(told(relation, &[ReasonCode::Enlarged], 2000).starts_with(&format!("{relation} · 67 % of the size")));
        }
    }

    #[test]
    fn an_edit_without_a_change_that_is_seen_says_why_it_is_one() {
        let told = |codes: &[ReasonCode], changes: &[PhotoChange]| {
            let pair = because(ClusterPair { changes: changes.to_vec(), ..pair(0, 1, 0.0, Relation::Edit) }, codes);
            told_of(&cluster(vec![photo("/a.jpg", 3000, 1000), photo("/edit.jpg", 3000, 1000)], vec![pair]), 1)
        };
        assert_eq!(told(&[ReasonCode::Decision, ReasonCode::FileName], &[]), "edit · named as another frame");
        assert_eq!(told(&[ReasonCode::EditName], &[]), "edit · named as one");
        assert_eq!(told(&[ReasonCode::Document], &[]), "edit · of one document");
        assert_eq!(told(&[ReasonCode::Decision], &[]), "edit · as you decided");
        assert_eq!(told(&[ReasonCode::Decision], &[PhotoChange::BlackAndWhite]), "edit · black and white");
    }

    #[test]
    fn an_edit_is_told_by_its_changes() {
        let told = |changes: &[PhotoChange], width: u32| {
            let pairs = vec![ClusterPair { changes: changes.to_vec(), ..pair(0, 1, 0.0, Relation::Edit) }];
            told_of(&cluster(vec![photo("/a.jpg", 3000, 1000), photo("/edit.jpg", width, 1000)], pairs), 1)
        };
        assert_eq!(told(&[PhotoChange::BlackAndWhite], 1500), "edit · black and white · half size");
        assert_eq!(told(&[PhotoChange::Crop(0.5)], 1500), "edit · crop 50 %");
        assert_eq!(told(&[PhotoChange::Crop(0.9), PhotoChange::Screenshot], 1170), "screenshot of it · crop 90 %");
        assert_eq!(told(&[], 3000), "edit");
    }

    #[test]
    fn a_photo_that_has_no_pair_with_the_source_is_told_of_another_one() {
        let photos = ["/a/collage.jpg", "/a/first.jpg", "/a/second.jpg"].map(|path| photo(path, 100, 1000)).to_vec();
        for (relation, first, told) in [
            (Relation::Part, "part", "part of first.jpg"),
            (Relation::Unknown, "unknown", "unknown · near first.jpg"),
            (Relation::Copy, "source · most bytes", "copy of first.jpg"),
        ] {
            let cluster = cluster(photos.clone(), vec![pair(0, 1, 0.2, relation), pair(1, 2, 0.1, relation)]);
            assert_eq!((source(&cluster), told_of(&cluster, 2)), (first.to_owned(), told.to_owned()));
        }
    }

    #[test]
    fn a_tie_is_said_of_the_source() {
        let photos = ["/a.jpg", "/folder/b.jpg", "/c.jpg"].map(|path| photo(path, 100, 1000)).to_vec();
        let cluster = cluster(photos, vec![pair(0, 1, 0.0, Relation::Copy), pair(0, 2, 0.0, Relation::Copy)]);
        let told = |ties: &[usize]| source(&Cluster { source_by: Some(SourceRule::Oldest), ties: ties.to_vec(), ..cluster.clone() });
        assert_eq!(told(&[]), "source · oldest file");
        assert_eq!(told(&[1]), "source · oldest file · as good as b.jpg");
        assert_eq!(told(&[1, 2]), "source · oldest file · as good as b.jpg and 1 more");
    }

    #[test]
    fn times_are_told_to_where_they_differ() {
        let length = |times: &[&str]| {
            let photos = times.iter().map(|time| Photo { taken: Some((*time).into()), ..photo("/a.jpg", 100, 1000) }).collect();
            time_length(&[cluster(photos, Vec::new())])
        };
        assert_eq!(length(&["2026-05-01T10:00:07", "2026-05-01T10:00:07"]), TO_MINUTE, "a copy");
        assert_eq!(length(&["2026-05-01T10:00:07", "2026-05-01T10:01:07"]), TO_MINUTE);
        assert_eq!(length(&["2026-05-01T10:00:07", "2026-05-01T10:03:07", "2026-05-01T10:00:08"]), TO_SECOND);
        assert_eq!(length(&["2026-05-01T10:00:07.25", "2026-05-01T10:00:07.5"]), TO_FRACTION);
        assert_eq!(length(&["2026-05-01T10:00:07.25", "2026-05-01T10:00:07"]), TO_MINUTE, "it lost the fraction");
    }

    #[test]
    fn a_cluster_of_a_scene_says_how_many_frames_it_has() {
        let scene = Some(Scene { frames: 7, seconds: Some(2.2) });
        let one = Cluster { scene, ..cluster(vec![photo("/1.jpg", 100, 1000)], Vec::new()) };
        assert_eq!(lines(&one)[0], "  7 1 file; series · 7 frames in 2 s");
        assert_eq!(series(&Scene { frames: 2, seconds: None }), "series · 2 frames");
        let times = [0.0, 119.0, 120.0, 7_200.0, 40.0 * 86_400.0].map(duration);
        assert_eq!(times, ["1 s", "119 s", "2 min", "2 h", "40 days"]);
    }

    #[test]
    fn the_stars_of_a_series_stand_together_under_one_heading() {
        let star = |series: Option<&str>, taken: &str, paths: &[&str]| {
            let mut photos: Vec<Photo> = paths.iter().map(|path| photo(path, 100, 1000)).collect();
            photos.iter_mut().for_each(|photo| photo.taken = Some(taken.into()));
            let pairs = (1..paths.len()).map(|at| pair(0, at, 0.0, Relation::Copy)).collect();
            let scene = series.is_some().then_some(Scene { frames: 3, seconds: Some(2.0) });
            Cluster { series: series.map(str::to_owned), scene, ..cluster(photos, pairs) }
        };
        let [first, second, third] = ["2026-05-01T10:00:00", "2026-05-01T10:00:01", "2026-05-01T10:00:02"];
        let mut ordered = Ordered::default();
        assert!(ordered.take(star(None, first, &["/x.jpg", "/y.jpg"])).is_some(), "nothing stands before it");
        for cluster in [
            star(Some("a"), third, &["/3.jpg", "/3-copy.jpg"]),
            star(None, first, &["/z.jpg", "/w.jpg"]),
            star(Some("b"), first, &["/other.jpg"]),
            star(Some("a"), first, &["/1.jpg"]),
            star(Some("a"), second, &["/2.jpg"]),
        ] {
            assert!(ordered.take(cluster).is_none());
        }
        let groups = ordered.rest();
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 1]);
        assert!(ordered.rest().is_empty());
        let mut out = Vec::new();
        print(&mut out, 2, &groups[0]).expect("written");
        let text = plain(out);
        let said: Vec<&str> = text.lines().collect();
        assert_eq!(said[0], "  2 series · 3 frames in 2 s; 4 files, 1 kB beside the sources");
        let rows: Vec<[Option<&str>; 2]> =
            said[1..5].iter().map(|row| [row.split_whitespace().next(), row.split_whitespace().last()]).collect();
        let expected = [("frame", "/1.jpg"), ("frame", "/2.jpg"), ("source", "/3.jpg"), ("copy", "/3-copy.jpg")];
        assert_eq!(rows, expected.map(|(what, path)| [Some(what), Some(path)]), "{text}");
        assert!(said[1].contains("10:00:00  /1.jpg") && said[2].contains("10:00:01"), "{text}");
    }

    #[test]
    fn what_is_not_sure_stands_last_and_each_pair_once() {
        let beside = |near: usize, path: &str, relation: Relation| BesideCluster {
            path: self::path(path),
            near,
            distance: 0.25,
            relation,
            bytes: 1000,
            width: 100,
            height: 66,
            format: Format::Jpeg,
            taken: None,
            evidence: Evidence::NONE,
        };
        let two = |first: &str, second: &str, relation, beside| Cluster {
            beside,
            ..cluster(vec![photo(first, 100, 1000), photo(second, 100, 1000)], vec![pair(0, 1, 0.1, relation)])
        };
        let mut unsure = Unsure::default();
        let first =
            two("/a.jpg", "/b.jpg", Relation::Copy, vec![beside(1, "/c.jpg", Relation::Unknown), beside(0, "/p.jpg", Relation::Part)]);
        let second = two("/c.jpg", "/d.jpg", Relation::Copy, vec![beside(0, "/b.jpg", Relation::Unknown)]);
        let sure = unsure.take(first).expect("it has a copy");
        assert!(unsure.take(second).is_some() && unsure.take(two("/x.jpg", "/y.jpg", Relation::Unknown, Vec::new())).is_none());
        let text = lines(&sure).concat();
        assert!(text.contains("/p.jpg") && !text.contains("/c.jpg"), "{text}");
        let mut out = Vec::new();
        unsure.print(&mut out, 2).expect("written");
        let text = plain(out);
        let said: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        assert!(said[0].starts_with("Not sure: ") && said[1].starts_with("  3 2 files"), "{text}");
        assert_eq!(said.last(), Some(&"    0.25  /b.jpg  /c.jpg"));
        assert_eq!(text.matches("/c.jpg").count(), 1, "{text}");
    }

    #[test]
    fn parts_are_no_versions_in_a_title() {
        let titled = |relation| {
            let photos = ["/1.jpg", "/2.jpg", "/3.jpg"].map(|path| photo(path, 100, 1000)).to_vec();
            title(&[cluster(photos, vec![pair(0, 1, 0.1, Relation::Unknown), pair(0, 2, 0.1, relation)])])
        };
        assert_eq!([Relation::Part, Relation::Unknown].map(titled), ["3 files"; 2]);
        assert_eq!(titled(Relation::Copy), "3 files, 1 kB beside the source");
    }
}
