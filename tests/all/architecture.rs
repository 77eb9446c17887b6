//! The shape of the source: which module may know which, and how each file opens.

use std::fs;
use std::path::{Path, PathBuf};

/// A module and the modules it may use. `photo` is free to all.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("photo", &[]),
    ("sys", &[]),
    ("config", &["intake", "vision"]),
    ("intake", &["sys"]),
    ("vision", &["sys"]),
    ("store", &[]),
    ("likeness", &[]),
    ("learn", &["vision", "likeness"]),
    ("api", &["sys"]),
    ("daemon", &["api", "config", "intake", "vision", "store", "likeness", "learn", "sys"]),
    ("cli", &["api", "config", "vision", "daemon", "store", "sys"]),
];

/// A heavy crate's only homes.
const HOMES: [(&str, &[&str]); 18] = [
    ("burn", &["learn"]),
    ("notify", &["intake"]),
    ("globset", &["intake"]),
    ("image", &["vision"]),
    ("jpeg_encoder", &["learn/edits"]),
    ("jpeg_decoder", &["vision/decode"]),
    ("fast_image_resize", &["vision/decode", "vision/keypoints.rs"]),
    ("exif", &["vision"]),
    ("tract_onnx", &["vision/backbone"]),
    ("pulp", &["vision/backbone", "likeness/geometry.rs"]),
    ("rusqlite", &["store"]),
    ("landlock", &["sys/fence.rs", "vision/apart/fence.rs", "daemon/fence/linux.rs"]),
    ("seccompiler", &["sys/fence.rs", "vision/apart/fence.rs", "daemon/fence/linux.rs"]),
    ("libc", &["sys/fence.rs", "vision/apart/fence.rs", "daemon/fence/linux.rs"]),
    ("safetensors", &["likeness/head.rs"]),
    ("hyper", &["api"]),
    ("clap", &["cli"]),
    ("clap_mangen", &["cli/manual.rs"]),
];

const LONGEST: usize = 500;

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("src").flatten() {
            let path = entry.path();
            if path.is_dir() { walk(&path, out) } else { out.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    let name = |path: &PathBuf| path.strip_prefix(&root).expect("below src").display().to_string();
    paths.iter().filter(|p| p.extension().is_some_and(|e| e == "rs")).map(|p| (name(p), fs::read_to_string(p).expect("text"))).collect()
}

/// The code without its unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn modules_know_only_what_they_may() {
    for (file, text) in sources() {
        let Some((module, _)) = file.split_once('/') else { continue };
        let Some((_, allowed)) = MAY_USE.iter().find(|(m, _)| *m == module) else {
            assert_eq!(module, "bin", "{file} is in a module that has no rule");
            continue;
        };
        for (other, _) in MAY_USE {
            let used = code(&text).contains(&format!("crate::{other}"))
                || code(&text).contains(&format!(", {other}::")) && code(&text).contains("use crate::{");
            assert!(!used || other == "photo" || other == module || allowed.contains(&other), "{file} uses {other}");
        }
    }
}

#[test]
fn heavy_crates_have_one_home() {
    for (file, text) in sources() {
        for (name, homes) in HOMES {
            let used = code(&text).lines().any(|l| {
                l.trim_start().starts_with(&format!("use {name}::"))
                    || l.contains(&format!(" {name}::")) && !l.contains(&format!("crate::{name}")) && !l.trim_start().starts_with("//")
            });
            let here = homes.iter().any(|home| file.starts_with(home)) || (name == "exif" && file == "vision/exif.rs");
            // `exif` is also the name of our own module inside vision, `rusqlite` of error codes in store.
            assert!(!used || here, "{file} uses {name}");
        }
    }
}

#[test]
fn every_file_opens_with_what_it_owns_and_stays_readable() {
    for (file, text) in sources() {
        assert!(text.starts_with("//! "), "{file} does not open with //!");
        let lines = code(&text).lines().count();
        assert!(lines <= LONGEST, "{file} has {lines} lines without its tests");
    }
}

#[test]
fn no_module_but_the_daemon_starts_threads() {
    for (file, text) in sources() {
        let starts = code(&text).contains("thread::spawn") || code(&text).contains("thread::Builder");
        assert!(!starts || file.starts_with("daemon/"), "{file} starts a thread");
    }
}

#[test]
fn every_test_file_is_in_the_test_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all");
    let main = fs::read_to_string(folder.join("main.rs")).expect("main.rs");
    for entry in fs::read_dir(folder).expect("tests").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || main.contains(&format!("mod {module};")), "{name} is not run");
    }
}
