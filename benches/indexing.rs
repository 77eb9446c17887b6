//! Photos per second, from the start of a command to its answer, compared with the perceptual hash of czkawka_cli.
//!
//!     cargo bench --bench indexing -- [PHOTOS] [--count 48] [--runs 3]
//!
//! Makes JPEGs of 12 megapixels in a temporary folder: mosaics of the pictures in PHOTOS with sensor noise, or
//! artificial landscapes if PHOTOS is missing. One in twelve is progressive. Then both programs search them in turn,
//! each with an empty cache or index, and with the files in the page cache. The medians and their ratio are printed.
//! czkawka_cli is taken from $CZKAWKA or the PATH. Without it only our own figure is printed. The last line has our
//! time for each stage, on one core.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image::imageops::FilterType;
use image::{Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use similard::photo::Format;
use similard::vision::backbone::Backbone;
use similard::vision::keypoints::keypoints;
use similard::vision::{Limits, decode, identify, kept};

const WIDTH: u32 = 4000;
const HEIGHT: u32 = 3000;
const TILES: u32 = 4;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|a| a == name);
        at.and_then(|i| arguments.get(i + 1)?.parse().ok()).unwrap_or(default)
    };
    let (count, runs) = (number("--count", 48), number("--runs", 3));
    let photos = arguments.first().filter(|a| !a.starts_with("--")).map(PathBuf::from);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = folder.path().join("photos");
    fs::create_dir(&library).expect("a folder for photos");
    let bytes = make_photos(&library, count, photos.as_deref());
    println!("{count} photos of {WIDTH} × {HEIGHT}, {:.1} MB each", bytes as f64 / count as f64 / 1e6);

    let czkawka = env::var("CZKAWKA").unwrap_or_else(|_| "czkawka_cli".into());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let state = folder.path().join(format!("state-{run}"));
        fs::create_dir(&state).expect("a folder for caches");
        ours.push(time_similard(&library, &state.join("similard")));
        theirs.extend(time_czkawka(&czkawka, &library, &state.join("czkawka")));
    }
    let ours = report("similard", &mut ours, count);
    if theirs.is_empty() {
        println!("{czkawka} is not installed, so there is no ratio");
    } else {
        let theirs = report("czkawka", &mut theirs, count);
        println!("ratio     {:.2} × the photos per second of czkawka", theirs.as_secs_f64() / ours.as_secs_f64());
    }
    stages(&library);
}

fn report(name: &str, times: &mut [Duration], count: usize) -> Duration {
    times.sort();
    let median = times[times.len() / 2];
    println!("{name:<9} {:>6.2} s, {:.1} photos/s  (all runs: {times:.2?})", median.as_secs_f64(), count as f64 / median.as_secs_f64());
    median
}

fn time_similard(library: &Path, data: &Path) -> Duration {
    let simctl = |command: &[&str]| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_simctl"));
        run.args(command).env("SIMILARD_DATA_DIR", data).stdout(Stdio::null()).stderr(Stdio::inherit());
        run.env_remove("SIMILARD_SOCKET").env_remove("SIMILARD_CONFIG");
        run
    };
    let start = Instant::now();
    let status = simctl(&["dupes"]).arg(library).status().expect("simctl runs");
    let time = start.elapsed();
    assert!(status.success(), "simctl failed");
    peak_memory(data);
    stop(data);
    time
}

/// Stops the daemon of a data directory.
fn stop(data: &Path) {
    let status = Command::new(env!("CARGO_BIN_EXE_simctl")).args(["status", "--json"]).env("SIMILARD_DATA_DIR", data).output();
    let status: serde_json::Value = serde_json::from_slice(&status.expect("simctl runs").stdout).expect("the daemon answers");
    let ended = Command::new("kill").arg(status["pid"].to_string()).status();
    assert!(ended.is_ok_and(|s| s.success()), "the daemon of this run ends");
}

/// Prints the sum of the largest resident sizes of the daemon and its children.
fn peak_memory(data: &Path) {
    let mut total = 0;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let is_ours = line.contains(&*data.to_string_lossy()) || line.contains("decode-in-sandbox");
        if is_ours {
            let kib = status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<u64>().ok());
            total += kib.unwrap_or(0);
        }
    }
    println!("          peak resident memory, daemon and decoding processes: {} MB", total / 1000);
}

fn time_czkawka(program: &str, library: &Path, home: &Path) -> Option<Duration> {
    let start = Instant::now();
    Command::new(program)
        .args(["image", "-H", "-W", "-N", "-M", "-d"])
        .arg(library)
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    Some(start.elapsed())
}

fn make_photos(folder: &Path, count: usize, source: Option<&Path>) -> u64 {
    let mut pictures: Vec<PathBuf> = source.into_iter().flat_map(walk).collect();
    pictures.sort();
    let mut bytes = 0;
    for number in 0..count {
        let mut random = Random(number as u64 * 77 + 1);
        let mut photo = if pictures.is_empty() { landscape(&mut random) } else { mosaic(&pictures, &mut random) };
        for pixel in photo.pixels_mut() {
            let noise = (random.next() % 17) as i32 - 8;
            pixel.0 = pixel.0.map(|v| (i32::from(v) + noise).clamp(0, 255) as u8);
        }
        let path = folder.join(format!("{number:04}.jpg"));
        let mut encoder = Encoder::new_file(&path, 92).expect("a file");
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.set_progressive(number % 12 == 11);
        encoder.encode(photo.as_raw(), WIDTH as u16, HEIGHT as u16, ColorType::Rgb).expect("encodes");
        bytes += fs::metadata(&path).expect("written").len();
    }
    bytes
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).filter(|p| image::ImageFormat::from_path(p).is_ok()).collect()
}

fn mosaic(pictures: &[PathBuf], random: &mut Random) -> RgbImage {
    let mut out = RgbImage::new(WIDTH, HEIGHT);
    let (w, h) = (WIDTH / TILES, HEIGHT / TILES);
    for tile in 0..TILES * TILES {
        let path = &pictures[random.next() as usize % pictures.len()];
        let Ok(picture) = image::open(path) else { continue };
        let part = image::imageops::resize(&picture.to_rgb8(), w, h, FilterType::CatmullRom);
        image::imageops::replace(&mut out, &part, i64::from(tile % TILES * w), i64::from(tile / TILES * h));
    }
    out
}

/// Hills under a sky: smooth and rough parts, as in photos.
fn landscape(random: &mut Random) -> RgbImage {
    let phase: Vec<f32> = (0..8).map(|_| (random.next() % 628) as f32 / 100.0).collect();
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (x, y) = (x as f32 / 300.0, y as f32 / 300.0);
        let hill = 4.0 + (x * 0.7 + phase[0]).sin() + 0.4 * (x * 2.3 + phase[1]).sin();
        let rough = if y > hill { (x * 61.0 + phase[2]).sin() * (y * 53.0 + phase[3]).sin() * 40.0 } else { 0.0 };
        let value = |p: usize| (120.0 + 60.0 * (x * 0.3 + y * 0.5 + phase[p]).sin() + rough).clamp(0.0, 255.0) as u8;
        Rgb([value(4), value(5), value(6)])
    })
}

fn stages(library: &Path) {
    let backbone = Backbone::embedded().expect("loads");
    let mut runner = backbone.runner().expect("a state");
    let limits = Limits::default();
    let mut spent = [Duration::ZERO; 6];
    let mut kept_bytes = 0;
    let files: Vec<PathBuf> = walk(library);
    for path in &files {
        let mut lap = Instant::now();
        let mut next = |stage: usize| {
            spent[stage] += lap.elapsed();
            lap = Instant::now();
        };
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut File::open(path).expect("opens"), &mut bytes).expect("reads");
        next(0);
        identify::identify(&bytes, &limits).expect("a photo");
        next(1);
        let decoded = decode::decode(&bytes, &limits).expect("decodes");
        next(2);
        let kept = kept::keep(&decoded.picture, Format::Jpeg);
        let picture = kept::picture(&kept).expect("a picture");
        kept_bytes += kept.jpeg.len();
        next(3);
        runner.features_and_crops(&picture).expect("runs");
        next(4);
        keypoints(&picture);
        next(5);
    }
    let per = |d: Duration| d.as_secs_f64() * 1000.0 / files.len() as f64;
    println!(
        "one core, ms a photo: read {:.1}, identify (hashes, EXIF) {:.1}, decode {:.1}, kept picture {:.1}, encoder (with crops) {:.1}, \
         keypoints {:.1}; {} bytes the kept picture",
        per(spent[0]),
        per(spent[1]),
        per(spent[2]),
        per(spent[3]),
        per(spent[4]),
        per(spent[5]),
        kept_bytes / files.len()
    );
}

/// A xorshift generator, so that the photos are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }
}
