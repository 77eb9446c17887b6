//! The speed and the cost of watching: new files, an idle daemon, a large folder, and long storms.
//!
//!     cargo bench --bench watching -- [--arrivals 100] [--idle 60] [--files 100000] [--storms 20] [--steps 1500] [--kills 50]
//!
//! An arrival is the time from the close of a new file until it is in the answer. The files of the large folder hold
//! one small picture with different comments, so all are listed, read and hashed, but only one is decoded. The storms
//! are those of the tests (`tests/all/storm.rs`). After each the daemon is compared with a new index.

#[allow(dead_code)]
#[path = "../tests/all/photos.rs"]
mod photos;
#[allow(dead_code)]
#[path = "../tests/all/storm.rs"]
mod storm;
#[allow(dead_code, unused_imports)]
#[path = "../tests/all/support.rs"]
mod support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use support::Instance;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|a| a == name);
        at.and_then(|i| arguments.get(i + 1)?.parse().ok()).unwrap_or(default)
    };
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &photos::NAMES);
    instance.dupes(&folder);
    arrivals(&instance, &folder, number("--arrivals", 100));
    idle(&instance, number("--idle", 60));
    drop(instance);
    large(number("--files", 100_000));
    let (storms, steps) = (number("--storms", 20), number("--steps", 1500));
    let spent: Duration = (0..storms).map(|seed| storm::weather(seed, steps)).sum();
    println!("{storms} storms of {steps} operations: no difference from a new index, {:.0} s", spent.as_secs_f64());
    let kills = number("--kills", 50);
    storm::kills(kills);
    println!("{kills} times kill -9 in a storm: every database intact, no difference from a new index");
}

fn arrivals(instance: &Instance, folder: &Path, count: u64) {
    let mut events = UnixStream::connect(instance.socket()).expect("the daemon listens");
    events.write_all(b"GET /v1/events HTTP/1.1\r\nhost: similard\r\n\r\n").expect("asked");
    let mut lines = BufReader::new(events).lines().map_while(Result::ok);
    let mut times = Vec::new();
    for number in 0..count {
        let picture = photos::open(photos::NAMES[number as usize % photos::NAMES.len()]);
        let bytes = photos::jpeg(&photos::crop(&picture, 0.4 + 0.005 * number as f32), 90);
        // Wait until the machine is idle again.
        thread::sleep(Duration::from_millis(500));
        let name = format!("arrival-{number}.jpg");
        fs::write(folder.join(&name), bytes).expect("written");
        let began = Instant::now();
        lines.find(|line| line.contains("\"added\"") && line.contains(&name)).expect("an event");
        times.push(began.elapsed().as_secs_f64());
    }
    let answer = instance.dupes(folder);
    assert_eq!(answer["coverage"]["indexed"], 40 + count);
    times.sort_by(f64::total_cmp);
    println!("{count} arrivals: median {:.2} s, worst {:.2} s", times[times.len() / 2], times[times.len() - 1]);
}

fn idle(instance: &Instance, seconds: u64) {
    let pid = instance.pid();
    thread::sleep(Duration::from_secs(5));
    let before = (cpu(pid), wakings(pid));
    thread::sleep(Duration::from_secs(seconds));
    let (spent, woken) = (cpu(pid) - before.0, wakings(pid) - before.1);
    println!("idle for {seconds} s: {:.2} s of a processor, woken {:.1} times a second", spent, woken as f64 / seconds as f64);
}

/// The CPU time of a process in seconds, with a resolution of a hundredth.
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    (fields[11].parse::<f64>().expect("user time") + fields[12].parse::<f64>().expect("system time")) / 100.0
}

/// The voluntary context switches of all its threads. Each one follows a wake-up.
fn wakings(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("threads").flatten();
    let of = |status: String| status.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:")?.trim().parse::<u64>().ok());
    threads.filter_map(|thread| of(fs::read_to_string(thread.path().join("status")).ok()?)).sum()
}

fn large(files: u64) {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::half(&photos::half(&photos::open(photos::NAMES[0]))), 80);
    for number in 0..files {
        let month = folder.join(format!("{:04}", number / 250));
        if number % 250 == 0 {
            fs::create_dir(&month).expect("made");
        }
        let comment = [&[0xff, 0xfe, 0, 10][..], &number.to_le_bytes()].concat();
        fs::write(month.join(format!("{number}.jpg")), [&photo[..2], &comment, &photo[2..]].concat()).expect("written");
    }
    thread::sleep(Duration::from_secs(3));
    let timed = |words: &[&str]| {
        let began = Instant::now();
        let mut command = instance.command();
        command.args(words).arg(&folder).stdout(std::process::Stdio::null());
        assert!(command.status().expect("runs").success());
        began.elapsed().as_secs_f64()
    };
    let first = timed(&["dupes", "--format=paths0"]);
    let again = timed(&["scan"]);
    let status = fs::read_to_string(format!("/proc/{}/status", instance.pid())).expect("a process");
    let memory = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) * 1.024 / 1000.0
    };
    println!(
        "{files} files: first scan with all read {first:.1} s, scan with nothing new {again:.2} s; {:.0} MB resident, {:.0} at most",
        memory("VmRSS:"),
        memory("VmHWM:")
    );
}
