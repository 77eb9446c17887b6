//! A large library that is indexed already: how long the daemon takes to start, to answer `dupes`, and to change the
//! head while it answers. Then what an index of an earlier version costs.
//!
//!     cargo bench --bench library -- [--photos 100000] [--clusters 5000]
//!     cargo bench --bench library -- --copies 10000 | --listed 99000
//!
//! The photos are random features, and those of a cluster are near each other. Their files exist with the stamps in the
//! store, so none is read. Every answer during the change of heads is compared with the answers of the two heads alone.
//!
//! `--copies` has distinct copies of one photo read and compared. It prints the time and the size of the answer, the memory,
//! and the times of `/v1/status` meanwhile. `--listed` has files read, 99 of each photo. It prints how long an answer takes as
//! JSON and as `paths0`, and as `paths0` once more after the mode of every file was changed.

#[path = "library/copies.rs"]
mod copies;

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use half::f16;
use serde_json::Value;
use similard::intake::walk;
use similard::likeness::{CropHead, Head};
use similard::photo::{Capture, ContentHash, Dimensions, Features, Format, Identity, Keypoints, PictureHash, Place, Stamp};
use similard::store::{HeadRecord, Location, Positives, Writer};
use similard::vision::backbone::Backbone;

const FEATURES: usize = 512;

/// The difference between a version and its photo, as a share of the features.
const NOISE: f32 = 0.25;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |name: &str| -> Option<usize> {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1)?.parse().ok()
    };
    let (photos, clusters) = (number("--photos").unwrap_or(100_000), number("--clusters").unwrap_or(5_000));
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = home.path().join("photos");
    fs::create_dir(&folder).expect("a folder");
    let folder = fs::canonicalize(folder).expect("it is there");
    let library = Library { home: home.path(), folder: &folder };
    if let Some(count) = number("--copies") {
        return copies::compare(&library, count);
    }
    if let Some(count) = number("--listed") {
        return copies::list(&library, count);
    }
    // The files hold no picture that could be kept.
    let settings = home.path().join(".config/similard");
    fs::create_dir_all(&settings).and_then(|()| fs::write(settings.join("config.toml"), "kept-pictures = \"off\"\n")).expect("settings");
    make(home.path(), &folder, photos, clusters);

    // The first start embeds and pairs the whole library, as a new head does.
    let (seconds, _) = timed(|| library.run(&["roots", "add", &folder.display().to_string()]));
    println!("{photos} photos, {clusters} clusters: first start, everything embedded and paired, {seconds:.2} s");
    library.run(&["status"]);
    library.stop();
    let (seconds, _) = timed(|| library.run(&["roots", "add", &folder.display().to_string()]));
    println!("later start {seconds:.2} s");

    for format in ["ndjson", "json", "text"] {
        let mut times: Vec<(f64, f64)> = (0..9).map(|_| library.dupes_time(format)).collect();
        let (cold, _) = times[0];
        times.sort_by(|x, y| x.0.total_cmp(&y.0));
        let (first, whole) = times[4];
        let ms = |seconds: f64| 1000.0 * seconds;
        println!("dupes, {format}: first byte {:.0} ms, the first time {:.0} ms, all {:.0} ms", ms(first), ms(cold), ms(whole));
    }
    let mut status: Vec<f64> = (0..20).map(|_| timed(|| library.run(&["status"])).0).collect();
    status.sort_by(f64::total_cmp);
    println!("status: median {:.1} ms", 1000.0 * status[10]);
    let status = library.json(&["status", "--json"]);
    assert_eq!((&status["coverage"]["indexed"], &status["counters"]["read"]), (&Value::from(photos), &Value::from(0)), "no file is read");
    let pid = library.pid();
    println!("resident {}", memory(pid, "VmRSS:"));

    change_heads(&library, pid);
    library.stop();

    let index = rusqlite::Connection::open(library.home.join("data/index.db")).expect("opens");
    index.execute_batch(AS_AN_EARLIER_VERSION).expect("made older");
    drop(index);
    let (start, _) = timed(|| library.run(&["roots", "add", &folder.display().to_string()]));
    let (scan, _) = timed(|| library.run(&["scan"]));
    let read = library.json(&["status", "--json"])["counters"]["read"].clone();
    println!("an index from before birth times, metadata and pixel hashes: start {start:.2} s, first scan {scan:.2} s, {read} files read");
    assert_eq!(read, 0);
    let (scan, _) = timed(|| library.run(&["scan"]));
    println!("the next scan {scan:.2} s");
    library.stop();
}

/// Puts another head into use while questions are answered, and the first one again.
fn change_heads(library: &Library<'_>, pid: u64) {
    let base = library.answer();
    let answers: Mutex<Vec<(f64, Answer)>> = Mutex::default();
    let done = AtomicBool::new(false);
    let seconds = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let (seconds, answer) = timed(|| library.answer());
                answers.lock().expect("no panic").push((seconds, answer));
                thread::sleep(Duration::from_millis(50));
            }
        });
        let (seconds, _) = timed(|| library.run(&["heads", "use", "other"]));
        done.store(true, Ordering::Relaxed);
        seconds
    });
    let other = library.answer();
    let answers = answers.into_inner().expect("no panic");
    let mixed = answers.iter().filter(|(_, answer)| *answer != base && *answer != other).count();
    let slowest = answers.iter().map(|(seconds, _)| *seconds).fold(0.0, f64::max);
    println!(
        "another head took over in {seconds:.1} s; meanwhile {} answers, the slowest in {slowest:.2} s, {mixed} of them mixed from both heads; resident {}",
        answers.len(),
        memory(pid, "VmRSS:")
    );
    assert!(mixed == 0 && other != base);
    let (seconds, _) = timed(|| library.run(&["heads", "use", "base"]));
    println!("back to the base head in {seconds:.2} s");
    assert!(library.answer() == base);
}

/// Makes an index that of the version before birth times, metadata and pixel hashes.
const AS_AN_EARLIER_VERSION: &str = "DROP TRIGGER photo_went; DROP TABLE comparisons;
    ALTER TABLE photos DROP COLUMN quantisation; ALTER TABLE photos DROP COLUMN detail;
    DROP INDEX photos_without_picture; ALTER TABLE photos DROP COLUMN decoding;
    DROP INDEX photos_of_unknown_colours; ALTER TABLE photos DROP COLUMN converted;
     DROP INDEX photos_stale; ALTER TABLE photos DROP COLUMN stale; DELETE FROM settings WHERE name LIKE 'pictures%';
    DROP INDEX photos_by_pixels; ALTER TABLE photos DROP COLUMN pixels;
    DROP INDEX files_replaced; ALTER TABLE files DROP COLUMN replaced;
    DROP TABLE others; DROP INDEX files_unread_by_size;
    DROP TRIGGER content_went; DROP TRIGGER content_changed; DROP TABLE metadata;
    ALTER TABLE files DROP COLUMN birth; PRAGMA user_version = 6;";

/// The head, the threshold, and a hash of all clusters with their distances.
type Answer = (Value, Value, blake3::Hash);

struct Library<'a> {
    home: &'a Path,
    folder: &'a Path,
}

impl Library<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_simctl"));
        command.args(arguments).env("HOME", self.home).env("SIMILARD_DATA_DIR", self.home.join("data")).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.command(arguments).output().expect("simctl runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.run(arguments)).expect("JSON")
    }

    fn answer(&self) -> Answer {
        let answer = self.json(&["dupes", "--no-wait", "--format=json", &self.folder.display().to_string()]);
        (answer["head"].clone(), answer["threshold"].clone(), blake3::hash(answer["clusters"].to_string().as_bytes()))
    }

    fn dupes_time(&self, format: &str) -> (f64, f64) {
        let start = Instant::now();
        let mut child = self
            .command(&["dupes", "--no-wait", "--format", format, &self.folder.display().to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("simctl runs");
        let mut out = child.stdout.take().expect("piped");
        out.read_exact(&mut [0]).expect("a first byte");
        let first = start.elapsed().as_secs_f64();
        out.read_to_end(&mut Vec::new()).expect("the rest");
        child.wait().expect("ends");
        (first, start.elapsed().as_secs_f64())
    }

    fn pid(&self) -> u64 {
        self.json(&["status", "--json"])["pid"].as_u64().expect("a process")
    }

    fn stop(&self) {
        Command::new("kill").arg(self.pid().to_string()).status().expect("kill runs");
        let lock = self.home.join("data/lock");
        while fs::File::open(&lock).is_ok_and(|file| file.try_lock_shared().is_err()) {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed().as_secs_f64(), done)
}

/// A line of what the kernel says of a process, in megabytes.
fn memory(pid: u64, line: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes = status.lines().find_map(|l| l.strip_prefix(line)?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.map_or_else(|| "unknown".into(), |k| format!("{} MB", k / 1000))
}

/// Makes a store as the daemon leaves it, but without embeddings, and a second head with other distances.
fn make(home: &Path, folder: &Path, photos: usize, clusters: usize) {
    let data = home.join("data");
    fs::create_dir(&data).expect("a data directory");
    fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("for us alone");
    let mut writer = Writer::open(&Location::new(&data)).expect("a store");
    let backbone = Backbone::embedded().expect("loads");
    let recipe = backbone.recipe();
    let crop_head = CropHead::embedded().expect("loads");
    let base = Head::base().expect("loads");
    let mut rng = fastrand::Rng::with_seed(7);
    let mut normal = || (0..6).map(|_| rng.f32() - 0.5).sum::<f32>();
    let weight = base.weight().iter().map(|w| w + 0.01 * normal()).collect();
    let other = Head::new("other", weight, base.bias().to_vec());
    let record = HeadRecord {
        name: "other".into(),
        backbone: backbone.name().to_owned(),
        positives: Positives::Edits,
        weights: other.to_safetensors(),
        threshold: 0.41,
        report: "{}".into(),
        made: 1,
    };
    writer.add_head(&record).expect("kept");
    let root = writer.add_root(folder, None, &|_| false).expect("a root");
    let path = |number: usize| PathBuf::from(format!("{:03}/{number:06}.jpg", number / 1000));
    for number in 0..photos {
        if number % 1000 == 0 {
            fs::create_dir(folder.join(format!("{:03}", number / 1000))).expect("a folder");
        }
        fs::write(folder.join(path(number)), "x").expect("a file");
    }
    let stamps: HashMap<PathBuf, Stamp> =
        walk(folder, Path::new(""), &|_| false, &|_, _| {}, &|| true).expect("walked").files.into_iter().collect();
    let mut first: Vec<f32> = Vec::new();
    for part in 0..photos.div_ceil(1000) {
        writer
            .batch(|batch| {
                for number in 1000 * part..photos.min(1000 * (part + 1)) {
                    // The first photos are clusters of three.
                    let is_version = number < 3 * clusters && number % 3 > 0;
                    if !is_version {
                        first = (0..FEATURES).map(|_| normal()).collect();
                    }
                    let scale = if is_version { NOISE } else { 0.0 };
                    let features = Features(first.iter().map(|v| f16::from_f32(v + scale * normal())).collect());
                    let hash = *blake3::hash(&number.to_le_bytes()).as_bytes();
                    let identity = Identity {
                        content: ContentHash(hash),
                        picture: PictureHash(hash),
                        format: Format::Jpeg,
                        dimensions: Dimensions { width: 4000, height: 3000 },
                        quantisation: None,
                    };
                    let (photo, _) = batch.add_photo(
                        &identity,
                        &Capture::default(),
                        &recipe,
                        &crop_head.stored_features(features, &[], Keypoints::default()),
                    )?;
                    let place = Place { root, path: path(number) };
                    let stamp = stamps[&place.path];
                    batch.upsert_seen(&place, &stamp)?;
                    batch.link(&place, &stamp, &ContentHash(hash), photo, &Default::default())?;
                }
                Ok(())
            })
            .expect("stored");
    }
}
