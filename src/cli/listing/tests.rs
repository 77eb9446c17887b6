//! Tests of the text of clusters.

use std::path::PathBuf;
use std::slice::from_ref;

use anstream::adapter::strip_str;

use super::super::text::bytes;
use super::rows::{others, title};
use super::words::{pairs, series, source, what};
use super::*;
use crate::api::types::{BesideCluster, ClusterPair, Evidence, FileMetadata, PathText, Photo, PhotoFile, Reason, Scene, ShotFile};
use crate::cli::args::SortBy;
use crate::photo::{Format, MetadataKind, PhotoChange, ReasonCode, Relation, ShotFileKind, SourceRule, Unpaired};

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
        picture: "0f".repeat(32),
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
    print(&mut out, &Layout::default(), 7, from_ref(cluster)).expect("written");
    plain(out).lines().map(str::to_owned).collect()
}

fn told_of(cluster: &Cluster, place: usize) -> String {
    what(cluster, place, pairs(cluster)[place].expect("each has a pair"))
}

fn plain(out: Vec<u8>) -> String {
    strip_str(&String::from_utf8(out).expect("text")).to_string()
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
    let mut photos = ["/a/IMG_1234.HEIC", "/a/IMG_E1234.JPG", "/b/IMG_E1234.JPG"].map(|name| photo(name, 100, 1000)).to_vec();
    photos.iter_mut().for_each(|photo| photo.files[0].unpaired = Some(Unpaired::NoTime));
    let said = lines(&self::cluster(photos, Vec::new()));
    for (row, other) in [(1, "IMG_E1234.JPG"), (2, "IMG_1234.HEIC"), (3, "a file of its name")] {
        assert!(said[row].ends_with(&format!("(no shot with {other}: one of the two does not say when it was taken)")), "{said:?}");
    }
    let within = Cluster { within_shots: true, ..cluster };
    let said = lines(&within);
    assert_eq!(said[0], "  7 3 files, 2 kB beside the source");
    assert!(said[2].ends_with("/a/1.JPG +2 xmp +MOV") && others(&within).count() == 2, "{said:?}");
}

/// Comparing each with all before it would take the most part of a minute.
#[test]
fn many_copies_with_sidecars_have_a_row_each() {
    const COPIES: usize = 40_000;
    let of = |number: usize| {
        let (name, sidecar) = (path(&format!("/a/{number:05}.JPG")), path(&format!("/a/{number:05}.xmp")));
        let part = |path, kind| ShotFile { path, kind, offline: false, shared: false, size: 1, mtime_ns: 0, ctime_ns: 0 };
        let shot = vec![part(name.clone(), ShotFileKind::Photo), part(sidecar, ShotFileKind::Sidecar)];
        PhotoFile { shot, ..photo(&name.path, 100, 1000).files.swap_remove(0) }
    };
    let photo = Photo { files: (0..COPIES).map(of).collect(), ..photo("/a/0.JPG", 100, 1000) };
    let cluster = cluster(vec![photo], Vec::new());
    let started = std::time::Instant::now();
    assert_eq!(title(from_ref(&cluster)), "40000 files, 40.00 MB beside the source");
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
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
                "/half.jpg (only this file has: rating and capture)"
            ),
            row(["edit · crop 43 % · black and white", "0.10", "2000 × 1333", "jpeg", "900 kB", ""], "/bw.jpg"),
            row(["part · near bw.jpg", "0.20", "4000 × 6000", "png", "7 MB", ""], "/page.png"),
            String::new(),
        ]
    );
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
    assert_eq!(told(&|copy| copy.bytes += 1), "copy · same number of bytes: one may be damaged");
    let padded = |bytes, padding_bytes| {
        told(&|copy| {
            copy.bytes = bytes;
            copy.files[0].metadata = Some(FileMetadata { padding_bytes, ..FileMetadata::default() });
        })
    };
    assert_eq!(padded(4_000_501, 500), "copy · more zeros at its end");
    assert_eq!(padded(4_000_501, 501), "copy · recompressed", "its data have another length");
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
    assert_eq!(told(&[ReasonCode::Decision, ReasonCode::FileName], &[]), "edit · has the name of another frame");
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
        (Relation::Unknown, "not sure", "not sure · near first.jpg"),
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
    assert_eq!(told(&[1, 2]), "source · oldest file · as good as b.jpg and 1 other");
}

#[test]
fn times_are_told_to_where_they_differ() {
    let length = |times: &[&str]| {
        let photos = times.iter().map(|time| Photo { taken: Some((*time).into()), ..photo("/a.jpg", 100, 1000) }).collect();
        words::time_length(&[cluster(photos, Vec::new())])
    };
    assert_eq!(length(&["2026-05-01T10:00:07", "2026-05-01T10:00:07"]), 16, "a copy");
    assert_eq!(length(&["2026-05-01T10:00:07", "2026-05-01T10:01:07"]), 16);
    assert_eq!(length(&["2026-05-01T10:00:07", "2026-05-01T10:03:07", "2026-05-01T10:00:08"]), 19);
    assert_eq!(length(&["2026-05-01T10:00:07.25", "2026-05-01T10:00:07.5"]), 23);
    assert_eq!(length(&["2026-05-01T10:00:07.25", "2026-05-01T10:00:07"]), 16, "it lost the fraction");
}

#[test]
fn a_cluster_of_a_scene_says_how_many_frames_it_has() {
    let scene = Some(Scene { frames: 7, seconds: Some(2.2) });
    let one = Cluster { scene, ..cluster(vec![photo("/1.jpg", 100, 1000)], Vec::new()) };
    assert_eq!(lines(&one)[0], "  7 1 file; series · 7 frames in 2 s");
    assert_eq!(series(&Scene { frames: 2, seconds: None }), "series · 2 frames");
    let times = [0.0, 119.0, 120.0, 7_200.0, 40.0 * 86_400.0].map(words::duration);
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
    print(&mut out, &Layout::default(), 2, &groups[0]).expect("written");
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
    let first = two("/a.jpg", "/b.jpg", Relation::Copy, vec![beside(1, "/c.jpg", Relation::Unknown), beside(0, "/p.jpg", Relation::Part)]);
    let second = two("/c.jpg", "/d.jpg", Relation::Copy, vec![beside(0, "/b.jpg", Relation::Unknown)]);
    let sure = unsure.take(first).expect("it has a copy");
    assert!(unsure.take(second).is_some() && unsure.take(two("/x.jpg", "/y.jpg", Relation::Unknown, Vec::new())).is_none());
    let text = lines(&sure).concat();
    assert!(text.contains("/p.jpg") && !text.contains("/c.jpg"), "{text}");
    let mut out = Vec::new();
    print_unsure(&mut out, &Layout::default(), &unsure, 2).expect("written");
    let text = plain(out);
    let said: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert!(said[0].starts_with("Not sure: ") && said[2].starts_with("  3 2 files"), "{text}");
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

#[test]
fn your_decision_is_no_distance() {
    let decided = because(pair(0, 1, 0.31, Relation::Edit), &[ReasonCode::Decision]);
    let told = lines(&cluster(vec![photo("/a.jpg", 300, 1000), photo("/b.jpg", 300, 900)], vec![decided])).concat();
    assert!(told.contains("edit · as you decided  yours") && !told.contains("0.31"), "{told}");
}

/// A photo that was taken, and two versions with long words and names.
fn long() -> Cluster {
    let long = "/photos/2026/a long name of a folder/and a name of a file that is long too, but not too long.jpg";
    let mut photos =
        vec![photo("/photos/2026/a.jpg", 3000, 4_000_000), photo(long, 1500, 400_000), photo("/other/写真.jpg", 2000, 900_000)];
    photos[0].taken = Some("2026-05-01T10:00:07".into());
    photos[1].files[0].metadata_lost = Some(vec![MetadataKind::Rating, MetadataKind::Capture]);
    let changes = vec![PhotoChange::Crop(0.43), PhotoChange::BlackAndWhite, PhotoChange::Mirrored, PhotoChange::Border];
    let pairs = vec![pair(0, 1, 0.01, Relation::Copy), ClusterPair { changes, ..pair(0, 2, 0.1, Relation::Edit) }];
    Cluster { ties: vec![1], ..cluster(photos, pairs) }
}

#[test]
fn a_narrow_terminal_breaks_no_name_and_a_wide_one_has_a_line_for_each() {
    let written = |width, has_links| {
        let mut out = Vec::new();
        let layout = Layout { width: Some(width), base: Some(PathBuf::from("/photos/2026")), has_links };
        print(&mut out, &layout, 1, &[long()]).expect("written");
        String::from_utf8(out).expect("text")
    };
    let narrow = strip_str(&written(80, false)).to_string();
    let name = "a long name of a folder/and a name of a file that is long too, but not too long.jpg";
    for line in narrow.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80 || line.trim() == name, "{line}");
    }
    for name in [name, "      a.jpg  2026-05-01 10:00", "/other/写真.jpg", "as good as and a name of a file"] {
        assert!(narrow.contains(name), "{name}: {narrow}");
    }
    let wide = strip_str(&written(250, false)).to_string();
    assert_eq!(wide.lines().count(), 5, "{wide}");
    assert!(wide.contains("2026-05-01 10:00  a.jpg"), "{wide}");
    let linked = written(250, true);
    assert!(linked.contains("\x1b]8;;file:///photos/2026/a.jpg\x1b\\a.jpg\x1b]8;;\x1b\\"), "{linked:?}");
    assert!(linked.contains("file:///other/%E5%86%99%E7%9C%9F.jpg"), "{linked:?}");
}

#[test]
fn a_time_has_a_column_only_where_there_is_one() {
    let photos = vec![photo("/a.jpg", 3000, 1000), photo("/b.jpg", 3000, 900)];
    let told = lines(&cluster(photos, vec![pair(0, 1, 0.0, Relation::Copy)]));
    assert!(told[1].ends_with("1 kB  /a.jpg") && told[2].ends_with("900 B  /b.jpg"), "{told:?}");
}

#[test]
fn clusters_are_sorted_by_what_a_person_asks_for() {
    let of = |relation, bytes: u64, taken: Option<&str>, distance| {
        let mut photos = vec![photo("/a.jpg", 300, 5000), photo("/b.jpg", 300, bytes)];
        photos[0].taken = taken.map(str::to_owned);
        Cluster { id: bytes.to_string(), diameter: distance, ..cluster(photos, vec![pair(0, 1, distance, relation)]) }
    };
    let mut clusters = vec![
        of(Relation::Edit, 1, Some("2026-01-01T00:00:00"), 0.01),
        of(Relation::Copy, 2, None, 0.3),
        of(Relation::Copy, 3, Some("2027-01-01T00:00:00"), 0.2),
    ];
    let mut sorted = |by| {
        order::sort(&mut clusters, by, from_ref);
        clusters.iter().map(|cluster| cluster.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(sorted(SortBy::Size), ["3", "2", "1"]);
    assert_eq!(sorted(SortBy::Date), ["3", "1", "2"]);
    assert_eq!(sorted(SortBy::Certainty), ["3", "2", "1"]);
    assert_eq!(sorted(SortBy::Date), ["3", "1", "2"]);
    assert_eq!(sorted(SortBy::Files), ["3", "1", "2"], "they have as many");
}
