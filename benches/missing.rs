//! The time and the cost of asking whether a card is in the library.
//!
//!     cargo bench --bench missing -- [--files 2500] [--megabytes 6] [--library 100000]
//!
//! The card has this many JPEGs of this size, each with other bytes after its picture, and ten films, of which two are in the library. The library
//! has copies of all JPEGs but ten, and further files of one small picture with different comments. All of it is made in a temporary
//! folder (TMPDIR) and deleted at the end: it takes twice the size of the card.

#[allow(dead_code)]
#[path = "../tests/all/photos.rs"]
mod photos;
#[allow(dead_code, unused_imports)]
#[path = "../tests/all/support.rs"]
mod support;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::Value;
use support::Instance;

const FILMS: usize = 10;
const KNOWN_FILMS: usize = 2;
const MISSING: usize = 10;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|a| a == name);
        at.and_then(|i| arguments.get(i + 1)?.parse().ok()).unwrap_or(default)
    };
    let (files, size, library) = (number("--files", 2_500), number("--megabytes", 6) * 1_000_000, number("--library", 100_000));
    let instance = Instance::new();
    let (card, folder, more) = (instance.folder("card"), instance.folder("library"), instance.folder("more"));
    make(&card, &folder, files, size);
    let picture = photos::jpeg(&photos::half(&photos::open(photos::NAMES[1])), 80);
    for number in 0..library.saturating_sub(files) {
        let comment = format!("{number:08}");
        let bytes = [&picture[..2], &[0xff, 0xfe, 0, 10], comment.as_bytes(), &picture[2..]].concat();
        fs::write(more.join(format!("{number}.jpg")), bytes).expect("written");
    }
    let began = Instant::now();
    for folder in [&folder, &more] {
        instance.ok(["roots".as_ref(), "add".as_ref(), folder.as_os_str()]);
    }
    // Waits until all is read.
    instance.run(["missing".as_ref(), "--quick".as_ref(), card.as_os_str()]);
    println!("{library} files in the library, read after {:.0} s", began.elapsed().as_secs_f64());
    for (what, option) in
        [("the first time", None), ("again", None), ("with --verify", Some("--verify")), ("with --quick", Some("--quick"))]
    {
        ask(&instance, &card, what, option);
    }
}

/// Makes a card, and copies of most of it.
fn make(card: &Path, library: &Path, files: usize, size: usize) {
    let picture = photos::jpeg(&photos::half(&photos::open(photos::NAMES[0])), 90);
    let mut rng = fastrand::Rng::with_seed(1);
    let noise = |rng: &mut fastrand::Rng, length: usize| {
        let mut bytes = vec![0; length];
        rng.fill(&mut bytes);
        bytes
    };
    for number in 0..files {
        let bytes = [picture.clone(), noise(&mut rng, size - picture.len())].concat();
        fs::write(card.join(format!("{number:04}.jpg")), &bytes).expect("written");
        if number >= MISSING {
            fs::write(library.join(format!("{number:04}.jpg")), &bytes).expect("written");
        }
    }
    for number in 0..FILMS {
        let bytes = noise(&mut rng, size + number);
        fs::write(card.join(format!("{number:04}.mov")), &bytes).expect("written");
        if number < KNOWN_FILMS {
            fs::write(library.join(format!("{number:04}.mov")), &bytes).expect("written");
        }
    }
}

/// Asks once. Prints the time, the bytes that simctl and the daemon read, and the memory of simctl.
fn ask(instance: &Instance, card: &Path, what: &str, option: Option<&str>) {
    let read = |pid: u32| field(pid, "io", "rchar:");
    let (daemon, began) = (instance.pid(), Instant::now());
    let before = read(daemon);
    let mut command = instance.command();
    let output = card.with_extension(what.replace(' ', "-"));
    let out = fs::File::create(&output).expect("a file");
    let mut process = command.args(["missing", "--json"]).args(option).arg(card).stdout(out).stderr(Stdio::null()).spawn().expect("runs");
    let (mut memory, mut bytes) = (0, 0);
    let status = loop {
        memory = memory.max(field(process.id(), "status", "VmHWM:"));
        bytes = bytes.max(read(process.id()));
        if let Some(status) = process.try_wait().expect("runs") {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let seconds = began.elapsed().as_secs_f64();
    let answer: Value = serde_json::from_slice(&fs::read(&output).expect("there")).unwrap_or(Value::Null);
    println!(
        "{what}: {seconds:.2} s, exit {:?}, simctl read {:.1} MB and had {} MB at most, the daemon read {:.1} MB of which {:.1} MB are of the library; {}",
        status.code().or(status.signal()),
        bytes as f64 / 1e6,
        memory / 1000,
        (read(daemon) - before) as f64 / 1e6,
        answer["end"]["library_bytes_read"].as_f64().unwrap_or(f64::NAN) / 1e6,
        answer["end"]["sentence"]
    );
}

/// A number of a process, from a file of `/proc`. 0 once it has ended.
fn field(pid: u32, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
