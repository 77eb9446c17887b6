//! Thousands of damaged pictures: the daemon survives, and each picture is indexed or recorded as a failure.
//!
//! `SIMILARD_MUTATIONS` is the number of each kind. They are the same in every run.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use fastrand::Rng;
use image::codecs::webp::WebPEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageFormat};
use jpeg_encoder::{ColorType, Encoder};

use crate::cameras::camera_files;
use crate::colours;
use crate::photos;
use crate::support::{Instance, array, skip, wait_until};

/// Pictures of each kind for one daemon. Near copies form pairs, whose number grows with the square of this.
const ROUND: usize = 60;

/// The most memory of the daemon, and of a decoding process (its `max-decode-memory`).
const DAEMON_MEMORY: u64 = 300 << 20;
const CHILD_MEMORY: u64 = 512 << 20;

/// An intact picture to damage.
struct Seed {
    kind: &'static str,
    bytes: Vec<u8>,
    /// Only this number of bytes at its beginning is damaged.
    head: usize,
}

fn seeds() -> Vec<Seed> {
    let photo = |name: &str| DynamicImage::from(imageops::resize(&photos::open(name), 160, 144, FilterType::Triangle));
    let saved = |name: &str, format: ImageFormat| {
        let mut bytes = Cursor::new(Vec::new());
        photo(name).write_to(&mut bytes, format).expect("encodes");
        bytes.into_inner()
    };
    // Large enough to be decoded at an eighth, by our own reader.
    let large = imageops::resize(&photos::open("00040"), 1064, 1040, FilterType::Triangle);
    let large_jpeg = |progressive, restarts| {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 40);
        encoder.set_progressive(progressive);
        encoder.set_restart_interval(restarts);
        encoder.encode(large.as_raw(), 1064, 1040, ColorType::Rgb).expect("encodes");
        bytes
    };
    let mut lossless = Vec::new();
    photo("00055").write_with_encoder(WebPEncoder::new_lossless(&mut lossless)).expect("encodes");
    let small = photos::jpeg(&photo("00003").to_rgb8(), 80);
    let taken = photos::taken(&small, "2026:05:01 10:00:00");
    let app1 = taken.len() - small.len();
    let adobe = colours::with_profile(&photo("00009").to_rgb8(), &moxcms::ColorProfile::new_adobe_rgb());
    // What is damaged is the profile, which comes before the tables.
    let profile = memchr::memmem::find(&adobe, &[0xff, 0xdb]).expect("tables");
    let sensor = photos::dng(&imageops::resize(&large, 96, 90, FilterType::Triangle));
    let whole = |kind, bytes: Vec<u8>| Seed { kind, head: bytes.len(), bytes };
    // What is damaged is where the preview is, and its header.
    let preview = photos::taken(&photos::jpeg(&imageops::resize(&large, 648, 432, FilterType::Triangle), 60), "2026:05:01 10:00:00");
    let raw = Seed { kind: "camera.raf", head: 2048, bytes: photos::raf(&preview, (6000, 4000)) };
    let mut seeds = vec![
        whole("small.jpg", small),
        Seed { kind: "exif.jpg", bytes: taken, head: app1 + 2 },
        Seed { kind: "profile.jpg", bytes: adobe, head: profile },
        whole("sensor.dng", sensor),
        whole("large.jpg", large_jpeg(false, 9)),
        whole("progressive.jpg", large_jpeg(true, 0)),
        whole("rgb.png", saved("00009", ImageFormat::Png)),
        whole("lossy.webp", fs::read(photos::path("00021")).expect("read")),
        whole("lossless.webp", lossless),
        whole("rgb.tiff", saved("00011", ImageFormat::Tiff)),
        whole("palette.gif", saved("00034", ImageFormat::Gif)),
        whole("rgb.bmp", saved("00068", ImageFormat::Bmp)),
        whole("merged.psd", photos::psd(&photo("00003").to_rgb8())),
        whole("merged.psb", photos::psb(&photo("00009").to_rgb8())),
        raw,
    ];
    // No writer of these formats is at hand. The first one has opacity and a profile. Of some RAW files only the beginning is damaged,
    // which says where the preview is, and the last four have none.
    let folder = camera_files();
    for (kind, name, head) in [
        ("alpha.heic", "heic/strukturag-with-alpha-512x512.heic", usize::MAX),
        ("plain.avif", "avif/KDE-unrotated.avif", usize::MAX),
        ("grey.jxl", "jxl/KDE-chicken8.jxl", usize::MAX),
        ("boxes.cr3", "raw/mindeng-canon-r6.cr3", 32_768),
        ("makernote.pef", "raw/bep-jølstravatnet.pef", 32_768),
        ("sub.nef", "raw/exiftool-Nikon.nef", usize::MAX),
        ("heap.crw", "raw/exiftool-CanonRaw.crw", usize::MAX),
        ("directory.x3f", "raw/exiftool-SigmaDP2.x3f", usize::MAX),
        ("blocks.mrw", "raw/exiftool-Minolta.mrw", usize::MAX),
    ] {
        match folder.as_ref().map(|folder| fs::read(folder.join("more").join(name))) {
            Some(Ok(bytes)) => seeds.push(Seed { kind, head: head.min(bytes.len()), bytes }),
            Some(Err(_)) => skip("the camera files are not here"),
            None => {}
        }
    }
    seeds
}

fn damaged(seed: &Seed, others: &[Seed], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = seed.bytes.clone();
    let mut head = seed.head;
    for _ in 0..rng.usize(1..=3) {
        // Headers matter most, so they get half of the damage.
        let reach = if rng.bool() { head.min(256) } else { head }.max(1);
        let at = rng.usize(0..reach);
        let end = (at + rng.usize(1..=64)).min(head).max(at);
        let before = bytes.len();
        match rng.u8(0..8) {
            0 | 1 => (0..rng.usize(1..12)).for_each(|_| bytes[rng.usize(0..reach)] ^= 1 << rng.u8(0..8)),
            2 => bytes.truncate(if head < before { before } else { rng.usize(1..=before) }),
            3 => bytes[at..end].fill(rng.choice([0, 0x7f, 0x80, 0xff]).expect("one")),
            // A length, a count or an offset.
            4 => {
                let value = rng.choice([0u32, 1, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_fff0, u32::MAX]).unwrap_or_else(|| rng.u32(..));
                let whole = if rng.bool() { value.to_be_bytes() } else { value.to_le_bytes() };
                let field = if rng.bool() { &whole[..2] } else { &whole[..] };
                let end = (at + field.len()).min(head).max(at);
                bytes[at..end].copy_from_slice(&field[..end - at]);
            }
            // A part is repeated.
            5 => drop(bytes.splice(at..at, seed.bytes[at.min(seed.head)..end.min(seed.head).max(at.min(seed.head))].to_vec())),
            6 => drop(bytes.drain(at..end)),
            _ => {
                let other = &others[rng.usize(0..others.len())].bytes;
                let from = rng.usize(0..other.len());
                let part = &other[from..(from + end - at).min(other.len())];
                bytes[at..at + part.len()].copy_from_slice(part);
            }
        }
        head = (head + bytes.len()).saturating_sub(before).min(bytes.len());
        if head == 0 {
            break;
        }
    }
    if seed.kind.ends_with(".png") && rng.bool() {
        mend_checksums(&mut bytes);
    }
    bytes
}

/// Corrects the checksums of a PNG's chunks. Otherwise a decoder would stop at the first wrong one.
fn mend_checksums(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize) {
        let end = at + 8 + length;
        let Some(chunk) = bytes.get(at + 4..end) else { return };
        let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        let sum = !chunk.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step));
        let Some(field) = bytes.get_mut(end..end + 4) else { return };
        field.copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
}

/// The most memory that was resident of a process, in bytes.
fn most_resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

fn children(pid: u32) -> Vec<u32> {
    let is_child = |pid_there: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid_there}/status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|parent| parent.trim() == pid.to_string()))
    };
    let processes = fs::read_dir("/proc").expect("a list of processes").flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_child).collect()
}

/// The results of a round.
#[derive(Default)]
struct Sum {
    files: u64,
    indexed: u64,
    unsupported: u64,
    /// The number of failures by reason.
    reasons: BTreeMap<String, u64>,
    daemon: u64,
    child: u64,
}

fn round(seeds: &[Seed], numbers: std::ops::Range<usize>, sum: &mut Sum) {
    let instance = Instance::new();
    instance.configure(&format!("max-decode-memory = {CHILD_MEMORY}\nmax-decode-seconds = 30\n"));
    instance.ok([Path::new("roots"), Path::new("add"), &instance.folder("none")]);
    let pid = instance.pid();
    let folder = instance.folder("photos");
    let files = (seeds.len() * numbers.len()) as u64;
    for seed in seeds {
        for number in numbers.clone() {
            let bytes = damaged(seed, seeds, &mut Rng::with_seed(number as u64 * 1009 + seed.bytes.len() as u64));
            fs::write(folder.join(format!("{number:05}-{}", seed.kind)), bytes).expect("written");
        }
    }
    instance.ok([Path::new("roots"), Path::new("add"), &folder]);
    let mut status = instance.status();
    wait_until("all are indexed or recorded", || {
        for child in children(pid) {
            sum.child = sum.child.max(most_resident(child).unwrap_or(0));
        }
        status = instance.status();
        let count = |what: &str| status["coverage"][what].as_u64().expect("a count");
        count("indexed") + count("failed") + count("unsupported") == files && count("pending") == 0
    });
    assert_eq!(status["pid"], pid, "the daemon was restarted");
    assert_eq!(status["problems"], serde_json::json!([]));
    sum.files += files;
    sum.indexed += status["coverage"]["indexed"].as_u64().expect("a count");
    sum.unsupported += status["coverage"]["unsupported"].as_u64().expect("a count");
    sum.daemon = sum.daemon.max(most_resident(pid).expect("it runs"));
    let failures = instance.json(["failures", "--format=json"]);
    for failure in array(&failures["failures"]).iter().filter(|f| f["stage"] != "unsupported") {
        let (reason, path) = (failure["reason"].as_str().expect("a reason"), failure["path"].as_str().expect("a path"));
        assert!(!reason.contains("must not"), "the sandbox denies a system call that decoding needs: {path}");
        if reason.contains("crashed") || reason.contains("killed") || reason.contains("seconds") || reason.contains("gave up") {
            println!("{reason}: {path}");
        }
        *sum.reasons.entry(reason.replace(|c: char| c.is_ascii_digit(), "#")).or_default() += 1;
    }
}

#[test]
fn damaged_pictures_cost_nothing_but_themselves() {
    let each: usize = std::env::var("SIMILARD_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let seeds = seeds();
    let mut sum = Sum::default();
    for first in (0..each).step_by(ROUND) {
        round(&seeds, first..(first + ROUND).min(each), &mut sum);
    }
    println!("{} files: {} indexed, {} unsupported", sum.files, sum.indexed, sum.unsupported);
    println!("most memory: daemon {} MB, a child {} MB", sum.daemon >> 20, sum.child >> 20);
    sum.reasons.iter().for_each(|(reason, count)| println!("{count:6}  {reason}"));
    assert!(sum.indexed > sum.files / 10, "too few damaged pictures are readable");
    assert!(sum.indexed + sum.unsupported < sum.files, "nothing was damaged");
    assert!(sum.daemon < DAEMON_MEMORY, "{} MB", sum.daemon >> 20);
    assert!(sum.child < CHILD_MEMORY, "{} MB", sum.child >> 20);
}
