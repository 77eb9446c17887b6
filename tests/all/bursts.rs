//! Frames of one scene are not copies, and their copies do not join them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use image::RgbImage;
use image::imageops::crop_imm;

use crate::photos;
use crate::support::{Instance, array, names};

/// Three frames of a burst, a second apart and shifted a little. A small copy of the first keeps its EXIF, and a
/// black-and-white version of the second has lost it.
fn burst(folder: &Path) {
    let scene = photos::large("00040");
    let frame = |at: u32| -> RgbImage { crop_imm(&scene, at * 50, at * 30, 1400, 1400).to_image() };
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.join(name), bytes).expect("written");
    for (name, at) in [("frame1.jpg", 0), ("frame2.jpg", 1), ("frame3.jpg", 2)] {
        write(name, photos::taken(&photos::jpeg(&frame(at), 90), &format!("2026:05:01 10:00:0{at}")));
    }
    write("small1.jpg", photos::taken(&photos::jpeg(&photos::half(&frame(0)), 80), "2026:05:01 10:00:00"));
    write("grey2.jpg", photos::jpeg(&photos::grey(&frame(1)), 80));
}

#[test]
fn a_burst_is_not_a_cluster_and_its_versions_stay_with_their_frame() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    burst(&folder);
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), [["frame1.jpg", "small1.jpg"], ["frame2.jpg", "grey2.jpg"]]);
    let could_go = instance.ok([OsStr::new("dupes"), OsStr::new("--format=paths0"), folder.as_os_str()]);
    assert!(!could_go.contains("frame"), "no frame may go: {could_go:?}");

    let series = instance.json([OsStr::new("dupes"), OsStr::new("--relation=series"), OsStr::new("--format=json"), folder.as_os_str()]);
    assert_eq!(names(&series).len(), 1);
    // One file of each exposure.
    let exposures: BTreeSet<char> = names(&series)[0].iter().filter_map(|name| name.chars().find(char::is_ascii_digit)).collect();
    assert_eq!(exposures, ['1', '2', '3'].into(), "{series}");
    let all = ["dupes", "--relation=identical,series,unknown", "--format=json"].map(OsStr::new);
    let all = instance.json(all.into_iter().chain([folder.as_os_str()]));
    assert_eq!(array(&all["clusters"]).len(), 1);
    assert_eq!(array(&all["clusters"][0]["photos"]).len(), 5);

    let pairs = instance.ok([OsStr::new("pairs"), folder.as_os_str()]);
    assert!(!pairs.contains("series") && pairs.contains("copy") && pairs.contains("edit"), "{pairs}");
    let compared = instance.ok([OsStr::new("compare"), folder.join("frame1.jpg").as_os_str(), folder.join("frame3.jpg").as_os_str()]);
    assert!(compared.contains("two exposures"), "{compared}");
}
