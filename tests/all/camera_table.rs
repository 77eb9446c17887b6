//! What is read of each real camera file, beside what exiftool says of it and what other programs decode.
//!
//! A line of the table has the path of a file, width and height of the upright picture, the orientation, time, make and model that EXIF
//! has by exiftool 12.57 (`-` for nothing), and the means of 16 × 16 parts of the picture as base64, upright, on white and in sRGB: by
//! Pillow (LittleCMS), libheif, libjxl or psd-tools, and of a RAW file those of its largest preview. `-` where none of them reads
//! it, or brings HDR to sRGB. A line with `!` has the beginning of the reason for which the file is refused.
//!
//! Where exiftool is installed, size, time and camera are compared with what it says now, and `--nocapture` prints both.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use similard::photo::{Capture, Picture};
use similard::vision::Limits;
use similard::vision::decode::decode;
use similard::vision::identify::identify;

use crate::cameras::camera_files;
use crate::support::{array, skip};

const TABLE: &str = include_str!("../camera_table.tsv");

/// The side of the square of means.
const PARTS: usize = 16;

/// The largest mean difference of two squares of means, of 255.
const MOST_OFF: f64 = 3.0;

/// What exiftool says otherwise, or does not say.
const NOT_AS_EXIFTOOL: [(&str, &str); 10] = [
    // It is not in EXIF: in a note of the maker, in segments of the camera's own, in XMP.
    ("jpg/Reconyx_HC500_Hyperfire.jpg", "time"),
    ("jpg/exif-org/olympus-d320l.jpg", "time"),
    ("jpg/exif-org/sony-powershota5.jpg", "time"),
    ("jpg/exif-org/sony-powershota5.jpg", "make"),
    ("jpg/exif-org/sony-powershota5.jpg", "model"),
    ("jpg/tests/30-type_error.jpg", "time"),
    // The size before the picture is cropped.
    ("more/avif/AOMediaCodec-clap_irot_imir_non_essential.avif", "size"),
    ("more/heic/strukturag-rainbow-451x461.heic", "size"),
    // Version 12.57 finds no size.
    ("more/jxl/KDE-compressed_xmp.jxl", "size"),
    ("more/jxl/KDE-testcard_rgba_fp16.jxl", "size"),
];

/// Files that are no pictures, and not named like one.
const NO_PICTURES: [&str; 5] = ["README", "README.rst", "CREDITS.md", "dump", ".DS_Store"];

fn lines() -> BTreeMap<&'static str, Vec<&'static str>> {
    TABLE.lines().filter_map(|line| line.split_once('\t')).map(|(name, rest)| (name, rest.split('\t').collect())).collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a list").flatten() {
        match entry.path() {
            path if path.is_dir() => files(&path, found),
            path if NO_PICTURES.iter().any(|name| path.ends_with(name)) => {}
            path => found.push(path),
        }
    }
}

/// How a pixel is shared among the parts of a side.
fn shares(at: u32, side: u32) -> impl Iterator<Item = (usize, f64)> {
    let place = |at: u32| f64::from(at) * PARTS as f64 / f64::from(side);
    let (start, end) = (place(at), place(at + 1));
    (start as usize..PARTS)
        .map(move |part| (part, end.min(part as f64 + 1.0) - start.max(part as f64)))
        .take_while(|(_, share)| *share > 0.0)
}

fn means(picture: &Picture) -> Vec<f64> {
    let (width, height) = (picture.dimensions.width, picture.dimensions.height);
    let mut means = vec![0.0; 3 * PARTS * PARTS];
    for (y, row) in (0..height).zip(picture.rgb.chunks_exact(3 * width as usize)) {
        for (x, pixel) in (0..width).zip(row.chunks_exact(3)) {
            for (down, high) in shares(y, height) {
                for (right, wide) in shares(x, width) {
                    let mean = &mut means[3 * (down * PARTS + right)..][..3];
                    mean.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += f64::from(*value) * high * wide);
                }
            }
        }
    }
    means
}

/// Returns what is read of a file as the table says it.
fn read(bytes: &[u8]) -> Result<(Vec<String>, Vec<f64>), String> {
    let limits = Limits::default();
    let claimed = identify(bytes, &limits).map_err(|failure| failure.reason)?;
    let decoded = decode(bytes, &limits).map_err(|failure| failure.reason)?;
    let Capture { taken, make, model, orientation, .. } = claimed.metadata.capture;
    let size = claimed.picture.dimensions;
    let said = [Some(format!("{}x{}", size.width, size.height)), orientation.map(|o| o.to_string()), taken, make, model];
    Ok((said.map(|said| said.unwrap_or_else(|| "-".into())).to_vec(), means(&decoded.picture)))
}

/// Returns what is wrong with what is read of a file.
fn difference(expected: &[&str], bytes: &[u8]) -> Option<String> {
    match (read(bytes), expected) {
        (Err(reason), ["!", expected]) => (!reason.starts_with(expected)).then_some(reason),
        (Err(reason), _) => Some(reason),
        (Ok((said, _)), [expected @ .., "-"]) if said == expected => None,
        (Ok((said, means)), [expected @ .., reference]) if said == expected => {
            let reference = STANDARD.decode(reference).expect("base64");
            let off = means.iter().zip(&reference).map(|(mean, byte)| (mean - f64::from(*byte)).abs()).sum::<f64>() / means.len() as f64;
            (off > MOST_OFF).then(|| format!("its picture is off by {off:.1}"))
        }
        (Ok((said, _)), _) => Some(said.join(", ")),
    }
}

#[test]
fn each_camera_file_is_read_as_other_programs_do_or_refused_with_a_reason() {
    let Some(folder) = camera_files() else { return };
    let mut found = Vec::new();
    files(&folder, &mut found);
    let lines = lines();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in found {
        let bytes = fs::read(&path).expect("read");
        let name = path.strip_prefix(&folder).expect("below it").to_str().expect("UTF-8");
        match lines.get(name) {
            Some(expected) => {
                seen += 1;
                wrong.extend(
                    difference(expected, &bytes)
                        .map(|what| format!("{name}: {what}\n    not {}", expected[..expected.len() - 1].join(", "))),
                );
            }
            // The folder may have more files than the table.
            None => drop(read(&bytes)),
        }
    }
    assert!(wrong.is_empty(), "{} of {seen}:\n{}", wrong.len(), wrong.join("\n"));
    if seen < lines.len() {
        skip("the camera files are not here");
    }
}

/// What exiftool says of files, in their order: width and height, orientation, time without its fraction, make and model.
fn said_by_exiftool(folder: &Path, names: &[&str]) -> Option<Vec<[String; 5]>> {
    const TAGS: [&str; 5] = ["ImageSize", "Orientation", "DateTimeOriginal", "Make", "Model"];
    let mut command = Command::new("exiftool");
    command.args(["-json", "-ImageSize", "-Orientation#", "-DateTimeOriginal", "-Make", "-Model"]).current_dir(folder).args(names);
    let said: Value = serde_json::from_slice(&command.output().ok()?.stdout).expect("JSON");
    let text = |file: &Value, tag: &str| match &file[tag] {
        Value::String(text) if !text.trim().is_empty() => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => "-".to_owned(),
    };
    let of = |file: &Value| {
        let mut said = TAGS.map(|tag| text(file, tag));
        said[2] = said[2].get(..19).map_or("-".into(), |time| time.replacen(':', "-", 2).replace(' ', "T"));
        said
    };
    Some(array(&said).iter().map(of).collect())
}

/// Whether a field of the table says what exiftool does. A size may be that before the picture was turned.
fn says_the_same(field: &str, ours: &str, theirs: &str) -> bool {
    let sides = |size: &str| {
        let mut sides: Vec<String> = size.split('x').map(str::to_owned).collect();
        sides.sort();
        sides
    };
    match field {
        "size" => sides(ours) == sides(theirs),
        // Upright is what a picture without orientation is.
        "orientation" => [ours, theirs].map(|turn| if turn == "-" { "1" } else { turn }).windows(2).all(|two| two[0] == two[1]),
        "time" => ours.get(..19).unwrap_or(ours) == theirs,
        _ => ours == theirs,
    }
}

#[test]
fn the_table_has_the_time_the_camera_and_the_size_that_exiftool_says() {
    let Some(folder) = camera_files() else { return };
    let lines = lines();
    let read: Vec<(&str, &Vec<&str>)> =
        lines.iter().filter(|(name, said)| said[0] != "!" && folder.join(name).is_file()).map(|(name, said)| (*name, said)).collect();
    let names: Vec<&str> = read.iter().map(|(name, _)| *name).collect();
    let Some(said) = said_by_exiftool(&folder, &names) else { return skip("there is no exiftool") };
    assert_eq!(said.len(), names.len());
    let mut wrong = Vec::new();
    for ((name, ours), theirs) in read.iter().zip(&said) {
        println!("{name}: {}", theirs.join(", "));
        // The boxes of these say how a picture is turned, whatever EXIF says.
        let is_turned_by_boxes = ["heic", "heif", "avif", "jxl"].iter().any(|ending| name.to_lowercase().ends_with(ending));
        for ((field, ours), theirs) in ["size", "orientation", "time", "make", "model"].iter().zip(&ours[..5]).zip(theirs) {
            let is_known = NOT_AS_EXIFTOOL.contains(&(*name, field)) || *field == "orientation" && is_turned_by_boxes;
            if !is_known && !says_the_same(field, ours, theirs) {
                wrong.push(format!("{name}: {field} {ours}, and {theirs} by exiftool"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}
