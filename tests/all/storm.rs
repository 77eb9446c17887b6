//! Storms: several threads change two watched folders in every way that programs and people do. Afterwards the daemon
//! must answer the same as a new index of these folders, also if it was killed several times in between.
//!
//! `cargo bench --bench watching` runs more and longer storms.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rusqlite::Connection;
use serde_json::Value;

use crate::photos;
use crate::support::{Instance, PATIENCE, array};

const THREADS: u64 = 3;

/// The contents of small files: photos, versions of them, and a damaged one.
fn contents() -> Vec<Vec<u8>> {
    let mut contents: Vec<Vec<u8>> = photos::NAMES
        .iter()
        .flat_map(|name| {
            let small = photos::half(&photos::open(name));
            [photos::jpeg(&small, 85), photos::jpeg(&photos::warm(&small), 60), photos::jpeg(&photos::crop(&small, 0.9), 80)]
        })
        .collect();
    let whole = contents[0].clone();
    contents.push(whole[..whole.len() / 2].to_vec());
    contents
}

/// Makes one random change. Returns an error if another thread made it impossible.
fn step(rng: &mut Rng, roots: &[PathBuf], contents: &[Vec<u8>]) -> std::io::Result<()> {
    let folder = |rng: &mut Rng| {
        let mut folder = roots[rng.usize(..roots.len())].clone();
        for _ in 0..rng.usize(..3) {
            folder.push(format!("d{}", rng.u8(..3)));
        }
        folder
    };
    let name = |rng: &mut Rng| format!("p{}.jpg", rng.u8(..12));
    let some = |rng: &mut Rng| {
        let folder = folder(rng);
        let name = name(rng);
        folder.join(name)
    };
    let content = &contents[rng.usize(..contents.len())];
    // A write through one of several names of a file raises an event for that name only. If the name is removed at
    // once, only a scan finds the change. So such a name is removed first.
    let alone = |path: PathBuf| -> std::io::Result<PathBuf> {
        if fs::metadata(&path).is_ok_and(|m| m.nlink() > 1) {
            fs::remove_file(&path)?;
        }
        Ok(path)
    };
    match rng.u8(..100) {
        // A new file, or new bytes in an old one.
        0..28 => {
            let folder = folder(rng);
            fs::create_dir_all(&folder)?;
            fs::write(alone(folder.join(name(rng)))?, content)
        }
        // A slow write in two parts.
        28..38 => {
            let mut file = fs::File::create(alone(some(rng))?)?;
            let (first, rest) = content.split_at(content.len() / 2);
            std::io::Write::write_all(&mut file, first)?;
            thread::sleep(Duration::from_millis(rng.u64(1..60)));
            std::io::Write::write_all(&mut file, rest)
        }
        // As programs save: a temporary file, then a rename over the old one.
        38..50 => {
            let to = some(rng);
            let part = to.with_extension("part");
            fs::write(&part, content)?;
            fs::rename(part, to)
        }
        // Moves, also between roots.
        50..62 => fs::rename(some(rng), some(rng)),
        // Two files are exchanged.
        62..66 => {
            let (a, b) = (some(rng), some(rng));
            let between = a.with_extension("swap");
            fs::rename(&a, &between)?;
            fs::rename(&b, &a)?;
            fs::rename(between, b)
        }
        66..72 => fs::hard_link(some(rng), some(rng)),
        72..82 => fs::remove_file(some(rng)),
        // A folder moves, with everything in it.
        82..90 => {
            let (from, to) = (folder(rng).join("d0"), folder(rng).join(format!("d{}", rng.u8(..3))));
            fs::rename(from, to)
        }
        // New nested folders with a file in the innermost.
        90..95 => {
            let deep = folder(rng).join("d0/d1");
            fs::create_dir_all(&deep)?;
            fs::write(alone(deep.join(name(rng)))?, content)
        }
        95..98 => fs::remove_dir_all(folder(rng).join(format!("d{}", rng.u8(..3)))),
        // The same bytes with a new time.
        _ => fs::File::options().append(true).open(alone(some(rng))?)?.set_modified(std::time::SystemTime::now()),
    }
}

fn storm(seed: u64, steps: u64, roots: &[PathBuf], contents: &[Vec<u8>]) {
    thread::scope(|scope| {
        for number in 0..THREADS {
            scope.spawn(move || {
                let mut rng = Rng::with_seed(seed * 100 + number);
                for _ in 0..steps / THREADS {
                    let _ = step(&mut rng, roots, contents);
                    if rng.u8(..10) == 0 {
                        thread::sleep(Duration::from_millis(rng.u64(..30)));
                    }
                }
            });
        }
    });
}

/// An instance that forgets any number of missing files.
fn careless() -> Instance {
    let instance = Instance::new();
    instance.configure("forget-at-once = 1.0\n");
    instance
}

/// The parts of an answer that do not depend on the history of the index.
fn said(instance: &Instance, roots: &[PathBuf]) -> Value {
    let ask = |words: &[&str]| instance.json(words.iter().map(OsStr::new).chain(roots.iter().map(|r| r.as_os_str())));
    let mut clusters = ask(&["dupes", "--partial", "--format=json"]);
    // A link changes the ctime of a file, and raises no event for its other names.
    let photos = clusters["clusters"].as_array_mut().into_iter().flatten().filter_map(|c| c["photos"].as_array_mut()).flatten();
    photos.filter_map(|photo| photo["files"].as_array_mut()).flatten().for_each(|file| file["ctime_ns"] = Value::Null);
    let strip = |cluster: &Value| (cluster["id"].clone(), cluster["photos"].clone(), cluster["pairs"].clone());
    let mut stripped: Vec<String> = array(&clusters["clusters"]).iter().map(|c| format!("{:?}", strip(c))).collect();
    stripped.sort();
    let pairs =
        instance.ok(["pairs", "--partial", "--max-distance=0.45"].iter().map(OsStr::new).chain(roots.iter().map(|r| r.as_os_str())));
    let mut pairs: Vec<&str> = pairs.lines().collect();
    pairs.sort_unstable();
    let failures = instance.ok(["failures"]);
    let mut failures: Vec<&str> = failures.lines().collect();
    failures.sort_unstable();
    serde_json::json!({ "clusters": stripped, "pairs": pairs, "failures": failures, "coverage": clusters["coverage"] })
}

/// Waits until the daemon answers the same as a new one on these folders.
fn agrees_with_a_new_index(what: &str, instance: &Instance, roots: &[PathBuf]) {
    let fresh = Instance::new();
    let expected = said(&fresh, roots);
    let deadline = Instant::now() + PATIENCE / 4;
    loop {
        let now = said(instance, roots);
        if now == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {}", difference(&now, &expected));
        thread::sleep(Duration::from_millis(100));
    }
}

fn difference(now: &Value, expected: &Value) -> String {
    let mut out = format!("coverage {} and not {}\n", now["coverage"], expected["coverage"]);
    for part in ["clusters", "pairs", "failures"] {
        let (now, expected) = (array(&now[part]), array(&expected[part]));
        now.iter().filter(|x| !expected.contains(x)).for_each(|x| out += &format!("too much in {part}: {x}\n"));
        expected.iter().filter(|x| !now.contains(x)).for_each(|x| out += &format!("missing in {part}: {x}\n"));
    }
    out
}

/// Checks what must always hold in the databases.
fn is_sound(instance: &Instance) {
    let index = Connection::open(instance.data_dir().join("index.db")).expect("opens");
    let one = |sql: &str| index.query_row(sql, [], |row| row.get::<_, String>(0)).expect("a row");
    assert_eq!(one("PRAGMA integrity_check"), "ok");
    let none = |sql: &str| assert_eq!(index.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number"), 0, "{sql}");
    none("SELECT count(*) FROM pragma_foreign_key_check");
    none("SELECT count(*) FROM photos WHERE id NOT IN (SELECT photo FROM features)");
    none("SELECT count(*) FROM files WHERE photo IS NULL AND NOT pending AND (root, path) NOT IN (SELECT root, path FROM failures)");
    none("SELECT count(*) FROM files WHERE photo IS NOT NULL AND (pending OR content IS NULL)");
    none("SELECT count(*) FROM pairs WHERE a >= b");
    none("SELECT count(*) FROM photos p WHERE p.files <> (SELECT count(*) FROM files f WHERE f.photo = p.id)");
}

/// Runs a storm, and compares the daemon with a new index after it. Returns the time it took.
pub fn weather(seed: u64, steps: u64) -> Duration {
    let instance = careless();
    let roots = [instance.folder("a"), instance.folder("b")];
    instance.dupes(&roots[0]);
    instance.dupes(&roots[1]);
    let began = Instant::now();
    storm(seed, steps, &roots, &contents());
    agrees_with_a_new_index(&format!("seed {seed}"), &instance, &roots);
    is_sound(&instance);
    began.elapsed()
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Kills the daemon at random moments of a storm that does not end.
pub fn kills(count: u64) {
    let contents = contents();
    let instance = careless();
    let roots = [instance.folder("a"), instance.folder("b")];
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (roots, contents, over) = (&roots, &contents, &over);
        scope.spawn(move || {
            let mut seed = 1000;
            while !over.load(Ordering::Relaxed) {
                storm(seed, 30, roots, contents);
                seed += 1;
            }
        });
        // The storm must also end if an assertion fails. Otherwise the test would not end.
        let _over = Ends(over);
        let mut rng = Rng::with_seed(7);
        for _ in 0..count {
            let mut started = instance.command();
            started.args(["dupes", "--no-wait"]).args(roots.iter()).stdout(std::process::Stdio::null());
            assert!(started.status().expect("runs").success());
            thread::sleep(Duration::from_millis(rng.u64(5..400)));
            instance.kill();
            is_sound(&instance);
        }
    });
    agrees_with_a_new_index("after the last kill", &instance, &roots);
    is_sound(&instance);
}

#[test]
fn after_a_storm_the_answer_is_that_of_a_new_index() {
    for seed in 0..3 {
        weather(seed, 240);
    }
}

#[test]
fn killed_in_a_storm_it_comes_to_the_same_answer() {
    kills(8);
}

#[test]
fn a_file_written_through_another_name_is_another_photo_under_all_its_names() {
    let instance = Instance::new();
    let root = instance.folder("root");
    let (one, two, other) = (root.join("one.jpg"), root.join("two.jpg"), root.join("other.jpg"));
    let photo = |name: &str| photos::jpeg(&photos::open(name), 90);
    fs::write(&one, photo("00003")).expect("written");
    fs::hard_link(&one, &two).expect("linked");
    fs::write(&other, photo("00009")).expect("written");
    assert!(crate::support::names(&instance.dupes(&root)).is_empty(), "two names of one file are not duplicates");
    // Only the name that is written through raises an event.
    fs::write(&one, photo("00009")).expect("written");
    crate::support::wait_until("all three are one", || {
        crate::support::names(&instance.dupes(&root)) == [["one.jpg", "other.jpg", "two.jpg"]]
    });
    // That name may be gone before the daemon reads it.
    fs::write(&one, photo("00003")).expect("written");
    fs::remove_file(&one).expect("removed");
    crate::support::wait_until("none are alike", || crate::support::names(&instance.dupes(&root)).is_empty());
}

/// Also with names that are not UTF-8.
#[test]
fn a_folder_that_moves_costs_no_read() {
    let instance = Instance::new();
    let root = instance.folder("root");
    let folder = root.join(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"2024 \xff"));
    fs::create_dir(&folder).expect("made");
    let files = photos::library(&folder, &["00003", "00009"]) as u64;
    let before = instance.dupes(&root);
    assert_eq!(instance.counter("read"), files);
    let moved = root.join("2024 Summer");
    fs::rename(&folder, &moved).expect("moved");
    let moved_to = |answer: &Value| {
        array(&answer["clusters"])
            .iter()
            .flat_map(|c| array(&c["photos"]))
            .all(|p| p["path"].as_str().is_some_and(|p| std::path::Path::new(p).starts_with(&moved)))
    };
    crate::support::wait_until("the new names are in the answer", || moved_to(&instance.dupes(&root)));
    let after = instance.dupes(&root);
    assert_eq!(array(&after["clusters"]).len(), array(&before["clusters"]).len());
    assert_eq!(after["clusters"][0]["id"], before["clusters"][0]["id"]);
    assert_eq!(instance.counter("read"), files, "a rename reads nothing");
}
