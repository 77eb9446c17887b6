//! Real camera files, from the repository exif-samples: each readable one is indexed, and each broken one is a failure
//! with a reason.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use jpeg_decoder::Decoder;

use crate::support::{Instance, array, skip};

/// The folder of camera files. Without it, that is said.
pub fn camera_files() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/camera-files");
    let folder = std::env::var_os("SIMILARD_CAMERA_FILES").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return fs::canonicalize(folder).ok();
    }
    skip("the camera files are not here");
    None
}

/// The first JPEG of this width in the bytes of a RAW file.
pub fn preview(bytes: &[u8], width: u32) -> RgbImage {
    let starts = bytes.windows(3).enumerate().filter(|(_, window)| *window == [0xff, 0xd8, 0xff]).map(|(at, _)| at);
    let mut decoded = starts.filter_map(|at| {
        let mut decoder = Decoder::new(&bytes[at..]);
        let pixels = decoder.decode().ok()?;
        let found = decoder.info()?;
        RgbImage::from_raw(found.width.into(), found.height.into(), pixels)
    });
    decoded.find(|picture| picture.width() == width).expect("a preview")
}

#[test]
fn every_camera_file_is_indexed_or_has_a_reason() {
    let Some(folder) = camera_files() else { return };
    let instance = Instance::new();
    let asked = ["dump", "heic", "jpg", "tiff"].map(|name| folder.join(name));
    let words = ["dupes".into(), "--format=json".into()].into_iter().chain(asked.iter().map(|path| path.clone().into_os_string()));
    let coverage = &instance.json(words)["coverage"];
    let count = |name: &str| coverage[name].as_u64().expect("a count");
    assert_eq!((count("pending"), count("offline")), (0, 0));
    assert_eq!(count("unsupported"), 0);
    let failures = instance.json(["failures", "--format=json"]);
    let failed: Vec<(String, String)> = array(&failures["failures"])
        .iter()
        .filter(|f| f["stage"] != "unsupported")
        // A file is watched with its whole folder, which may be read by now.
        .filter(|f| f["path"].as_str().is_some_and(|path| asked.iter().any(|asked| Path::new(path).starts_with(asked))))
        .map(|f| (f["path"].as_str().expect("a path").to_owned(), f["reason"].as_str().expect("a reason").to_owned()))
        .collect();
    assert_eq!(count("failed"), failed.len() as u64);
    for (path, reason) in &failed {
        assert!(!reason.is_empty());
        assert!(image::open(path).is_err(), "{path} can be read, but: {reason}");
    }
    assert!(count("indexed") >= 90, "{coverage}");
}

/// Most of these files are cut off, or hold dummies in place of previews, as test collections keep them.
#[test]
fn every_raw_file_is_read_by_its_preview_or_says_why() {
    let Some(folder) = camera_files().map(|folder| folder.join("more/raw")).filter(|folder| folder.is_dir()) else {
        return skip("the camera files are not here");
    };
    let instance = Instance::new();
    let answer = instance.dupes(&folder);
    let count = |name: &str| answer["coverage"][name].as_u64().expect("a count");
    let failures = instance.json(["failures", "--format=json"]);
    let reasons: Vec<&str> = array(&failures["failures"]).iter().map(|f| f["reason"].as_str().expect("a reason")).collect();
    assert_eq!((count("indexed"), count("unsupported"), count("failed")), (6, 19, 0), "{reasons:?}");
    assert_eq!(answer["unsupported_formats"], serde_json::json!({ "raw": 19 }));
    assert!(reasons.iter().all(|reason| reason.starts_with("raw without a JPEG preview")), "{reasons:?}");
}

#[test]
fn every_heic_file_is_read_or_says_why() {
    let Some(folder) = camera_files().map(|folder| folder.join("more/heic")).filter(|folder| folder.is_dir()) else {
        return skip("the camera files are not here");
    };
    let instance = Instance::new();
    let answer = instance.dupes(&folder);
    let count = |name: &str| answer["coverage"][name].as_u64().expect("a count");
    let failures = instance.json(["failures", "--format=json"]);
    let mut reasons: Vec<String> = array(&failures["failures"])
        .iter()
        .map(|f| {
            format!(
                "{}: {}",
                f["path"].as_str().expect("a path").rsplit('/').next().unwrap_or_default(),
                f["reason"].as_str().expect("a reason")
            )
        })
        .collect();
    reasons.sort();
    // One of the others is a JPEG by its content.
    assert_eq!((count("indexed"), count("unsupported"), count("failed")), (14, 1, 2), "{reasons:?}");
    for (reason, (name, why)) in reasons.iter().zip([
        ("bigcat88-alpha.heic", "heic whose picture is made of other pictures is not read by this version"),
        ("bigcat88-corrupted.heic", "its index cannot be read"),
        ("bigcat88-truncated.heic", "ends in the middle of the picture"),
    ]) {
        assert!(reason.starts_with(name) && reason.contains(why), "{reason}");
    }
}

#[test]
fn every_avif_and_jpeg_xl_file_is_read() {
    for (name, count) in [("avif", 12), ("jxl", 8)] {
        let Some(folder) = camera_files().map(|folder| folder.join("more").join(name)).filter(|folder| folder.is_dir()) else {
            return skip("the camera files are not here");
        };
        let instance = Instance::new();
        let coverage = &instance.dupes(&folder)["coverage"];
        let failures = instance.json(["failures", "--format=json"]);
        assert_eq!((&coverage["indexed"], &coverage["unsupported"]), (&count.into(), &0.into()), "{failures}");
    }
}

#[test]
fn the_eight_orientations_of_a_picture_are_one_cluster() {
    let Some(folder) = camera_files() else { return };
    let instance = Instance::new();
    // They differ a little, as two frames of a camera on a tripod do, and nothing says that they are versions.
    let words = ["dupes", "--format=json", "--relation=copy,edit,series,unknown"].map(OsStr::new);
    let answer = instance.json(words.into_iter().chain([folder.join("jpg/orientation").as_os_str()]));
    let mut series: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for cluster in array(&answer["clusters"]) {
        let paths = array(&cluster["photos"]).iter().map(|photo| Path::new(photo["path"].as_str().expect("a path")));
        let names = paths.map(|path| path.file_name().expect("a name").to_string_lossy().into_owned());
        series.entry(cluster["series"].as_str().unwrap_or_default()).or_default().extend(names);
    }
    let mut series: Vec<Vec<String>> = series.into_values().collect();
    series.iter_mut().for_each(|names| names.sort());
    series.sort();
    let of = |kind: &str| -> Vec<String> { (1..=8).map(|n| format!("{kind}_{n}.jpg")).collect() };
    assert_eq!(series, [of("landscape"), of("portrait")]);
}
