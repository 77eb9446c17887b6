//! For a long time photos are added, removed, moved and changed, clients send requests, and a listener connects and
//! disconnects. Prints the resources of the daemon each minute, and checks at the end whether its answers agree with
//! the disk.
//!
//! The index keeps the features of photos whose files are gone. So the photos are taken from a fixed set: once all of
//! them have been read, memory must not grow. If every photo is new, the growth for each of them is measured.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::Value;

use crate::client::{self, Latencies, Listener, Said};
use crate::daemon::{Daemon, Home};
use crate::library::{Maker, files};
use crate::tree::{self, mb};

const FOLDERS: usize = 12;

/// The requests. A client for each sends it five times a second.
const QUESTIONS: [&str; 5] = ["clusters", "status", "pairs", "similar", "failures"];

const PACE: Duration = Duration::from_millis(200);

/// The growth in the second half that still counts as none, as a share.
const FLAT: f64 = 0.03;

/// The state that the threads share.
struct Soak<'a> {
    daemon: &'a Daemon,
    folder: PathBuf,
    over: AtomicBool,
    changes: AtomicU64,
    asked: Mutex<Vec<(&'static str, Latencies)>>,
    failed: Mutex<Vec<String>>,
}

impl Soak<'_> {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn fail(&self, why: String) {
        let mut failed = self.failed.lock().expect("no panic");
        println!("    FAILED: {why}");
        failed.push(why);
    }
}

/// Returns whether there was no failure.
pub fn run(simctl: &Path, photos: &Path, minutes: u64, count: usize, ever_new: bool) -> bool {
    let home = Home::new(simctl);
    let mut maker = Maker::new(photos);
    let mut set: Vec<Vec<u8>> = (0..2 * count).map(|_| maker.photo()).collect();
    for damaged in set.iter_mut().step_by(100) {
        damaged.truncate(damaged.len() / 2);
    }
    let folder = home.folder();
    for number in 0..FOLDERS {
        fs::create_dir(folder.join(format!("{number:02}"))).expect("made");
    }
    for (number, photo) in set.iter().take(count).enumerate() {
        fs::write(folder.join(format!("{:02}/{number}.jpg", number % FOLDERS)), photo).expect("written");
    }
    let daemon = home.watch();
    let soak = Soak {
        daemon: &daemon,
        folder,
        over: AtomicBool::new(false),
        changes: AtomicU64::new(0),
        asked: Mutex::new(QUESTIONS.iter().map(|q| (*q, Latencies::default())).collect()),
        failed: Mutex::default(),
    };
    println!(
        "about {count} files {}; {minutes} minutes",
        if ever_new { "of photos that are always new" } else { "of twice as many photos" }
    );
    let question = maker.photo();
    let mut all: Vec<(&str, Latencies)> = soak.asked.lock().expect("no panic").clone();
    let (samples, heard) = thread::scope(|scope| {
        let soak = &soak;
        let mut next = move |rng: &mut Rng| if ever_new { maker.photo() } else { set[rng.usize(..set.len())].clone() };
        scope.spawn(move || {
            let mut rng = Rng::with_seed(3);
            while !soak.is_over() {
                match change(&mut rng, &soak.folder, count, &mut next) {
                    Ok(()) => soak.changes.fetch_add(1, Ordering::Relaxed),
                    Err(e) => {
                        soak.fail(format!("a change of the folder: {e}"));
                        0
                    }
                };
                thread::sleep(Duration::from_millis(rng.u64(100..400)));
            }
        });
        QUESTIONS.iter().for_each(|q| drop(scope.spawn(|| ask(soak, q, &question))));
        let listener = scope.spawn(|| listen(soak));
        let mut samples = Vec::new();
        let began = Instant::now();
        for minute in 1..=minutes {
            thread::sleep((began + Duration::from_secs(60 * minute)).saturating_duration_since(Instant::now()));
            samples.push(sample(soak, minute, &mut all));
        }
        soak.over.store(true, Ordering::Relaxed);
        (samples, listener.join().expect("no panic"))
    });
    for (question, times) in &all {
        println!("{question}: {times}");
    }
    println!("events: {heard}");
    if heard.silent > 0 {
        soak.fail(format!("{} events were lost without a report", heard.silent));
    }
    is_all_there(&soak, &question);
    judge(&soak, &samples, ever_new)
}

/// Makes one change as programs and people do. The number of files stays about the same.
fn change(rng: &mut Rng, folder: &Path, count: usize, next: &mut impl FnMut(&mut Rng) -> Vec<u8>) -> io::Result<()> {
    let files = files(folder);
    let new = |rng: &mut Rng| folder.join(format!("{:02}/{:08x}.jpg", rng.usize(..FOLDERS), rng.u32(..)));
    let Some(some) = rng.choice(&files) else { return fs::write(new(rng), next(rng)) };
    match rng.u8(..100) {
        0..70 if files.len() > count => fs::remove_file(some),
        // As programs save a file: under another name first.
        0..15 => {
            let (to, part) = (new(rng), folder.join("part"));
            fs::write(&part, next(rng))?;
            fs::rename(part, to)
        }
        15..25 => fs::copy(some, new(rng)).map(drop),
        25..70 => fs::write(new(rng), next(rng)),
        70..85 => fs::rename(some, new(rng)),
        _ => fs::write(some, next(rng)),
    }
}

fn ask(soak: &Soak<'_>, question: &'static str, photo: &[u8]) {
    let socket = &soak.daemon.socket;
    while !soak.is_over() {
        let began = Instant::now();
        let answer = match question {
            "similar" => client::post(socket, "/v1/similar?k=5", photo),
            "pairs" => client::get(socket, "/v1/pairs?max_distance=0.2"),
            _ => client::get(socket, &format!("/v1/{question}")),
        };
        match answer {
            Ok(answer) if answer.status == 200 => {
                let mut asked = soak.asked.lock().expect("no panic");
                asked.iter_mut().filter(|(q, _)| *q == question).for_each(|(_, times)| times.add(answer.seconds));
            }
            Ok(answer) => soak.fail(format!("{question}: {} {}", answer.status, String::from_utf8_lossy(&answer.body))),
            Err(e) => soak.fail(format!("{question}: {e}")),
        }
        thread::sleep(PACE.saturating_sub(began.elapsed()));
    }
}

/// The events of a listener that disconnects, and connects again after its last event.
#[derive(Default)]
struct Heard {
    events: u64,
    connections: u64,
    /// Lost events that the daemon reported, and those that it did not report.
    said: u64,
    silent: u64,
}

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Heard { events, connections, said, silent } = self;
        write!(f, "{events} received on {connections} connections, {said} reported as lost, {silent} lost without a report")
    }
}

fn listen(soak: &Soak<'_>) -> Heard {
    let (mut heard, mut rng, mut last) = (Heard::default(), Rng::with_seed(9), None::<String>);
    while !soak.is_over() {
        let Ok(mut listener) = Listener::connect(&soak.daemon.socket, last.as_deref()) else {
            soak.fail("the listener of events cannot connect".into());
            break;
        };
        heard.connections += 1;
        let until = Instant::now() + Duration::from_secs(rng.u64(10..40));
        let (mut lost, mut is_lost) = (0, false);
        while Instant::now() < until && !soak.is_over() {
            match listener.next() {
                Ok(None) => {}
                Ok(Some(Said::Event(event))) => {
                    is_lost = event["event"] == "missed";
                    lost = if is_lost { event["count"].as_u64().unwrap_or(0) } else { 0 };
                    heard.said += lost;
                    heard.events += u64::from(!is_lost);
                }
                Ok(Some(Said::Id(id))) => {
                    let number = |id: &str| id.rsplit_once('-').and_then(|(_, n)| n.parse::<u64>().ok()).unwrap_or(0);
                    if let Some(last) = &last
                        && !is_lost
                    {
                        heard.silent += number(&id).abs_diff(number(last) + 1).saturating_sub(lost);
                    }
                    last = Some(id);
                }
                Err(e) => {
                    soak.fail(format!("the daemon closed the listener of events: {e}"));
                    break;
                }
            }
        }
        drop(listener);
        thread::sleep(Duration::from_millis(rng.u64(500..4000)));
    }
    heard
}

struct Sample {
    usage: tree::Usage,
    photos: f64,
}

fn sample(soak: &Soak<'_>, minute: u64, all: &mut [(&'static str, Latencies)]) -> Sample {
    let status = soak.daemon.json("/v1/status");
    let usage = tree::usage(soak.daemon.pid());
    let mut minutes = Latencies::default();
    for ((_, times), (_, all)) in soak.asked.lock().expect("no panic").iter_mut().zip(all) {
        let times = std::mem::take(times);
        all.extend(times.clone());
        minutes.extend(times);
    }
    let coverage = &status["coverage"];
    println!(
        "{minute:>3} min: {} files indexed, {} failed, {} pending, {} photos ever; {:.1} MB resident ({:.1} anonymous, {:.1} the daemon's), {} children, {} descriptors, {} threads; {minutes}; {} changes",
        coverage["indexed"],
        coverage["failed"],
        coverage["pending"],
        status["photos"],
        mb(usage.resident),
        mb(usage.anonymous),
        mb(usage.own_anonymous),
        usage.children,
        usage.descriptors,
        usage.threads,
        soak.changes.swap(0, Ordering::Relaxed),
    );
    Sample { usage, photos: status["photos"].as_f64().unwrap_or(0.0) }
}

/// Compares the answers with the disk, once the daemon is idle.
fn is_all_there(soak: &Soak<'_>, any: &[u8]) {
    let began = Instant::now();
    let (mut missing, mut gone);
    loop {
        let coverage = soak.daemon.settle();
        let on_disk: BTreeSet<PathBuf> = files(&soak.folder).into_iter().collect();
        let said = paths(soak.daemon, any);
        missing = on_disk.difference(&said).count();
        gone = said.difference(&on_disk).count();
        let covered = coverage["indexed"].as_u64().unwrap_or(0) + coverage["failed"].as_u64().unwrap_or(0);
        let is_whole = missing == 0 && gone == 0 && covered == on_disk.len() as u64;
        if is_whole || began.elapsed() > Duration::from_secs(60) {
            println!(
                "{} files on the disk after {:.1} s without changes, {coverage}: {missing} missing in the answers, {gone} in the answers but not on the disk",
                on_disk.len(),
                began.elapsed().as_secs_f64()
            );
            if !is_whole {
                soak.fail("the answers do not agree with the disk".into());
            }
            return;
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// All files in the answers of the daemon: the photos, by a request for the nearest of all, and the failures.
fn paths(daemon: &Daemon, any: &[u8]) -> BTreeSet<PathBuf> {
    let similar = client::post(&daemon.socket, "/v1/similar?k=1000000", any).expect("an answer");
    let similar: Value = serde_json::from_slice(&similar.body).expect("JSON");
    let failures = daemon.json("/v1/failures");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let photos = list(&similar["similar"]).into_iter().flat_map(|n| list(&n["photo"]["paths"]));
    let failed = list(&failures["failures"]).into_iter().map(|f| f["path"].clone());
    photos.chain(failed).filter_map(|path| path.as_str().map(PathBuf::from)).collect()
}

/// The growth during the second half, by least squares.
fn growth(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    let half = &samples[samples.len() / 2..];
    let count = half.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = half.iter().map(&of).sum::<f64>() / count;
    let (mut products, mut squares) = (0.0, 0.0);
    for (minute, sample) in half.iter().enumerate() {
        let x = minute as f64 - middle;
        products += x * (of(sample) - mean);
        squares += x * x;
    }
    if squares > 0.0 { products / squares * (count - 1.0) } else { 0.0 }
}

fn judge(soak: &Soak<'_>, samples: &[Sample], ever_new: bool) -> bool {
    let half = &samples[samples.len() / 2..];
    let mean = half.iter().map(|s| s.usage.resident as f64).sum::<f64>() / half.len() as f64;
    let resident = growth(samples, |s| s.usage.resident as f64);
    let anonymous = growth(samples, |s| s.usage.own_anonymous as f64);
    let descriptors = growth(samples, |s| s.usage.descriptors as f64);
    let photos = growth(samples, |s| s.photos);
    println!(
        "second half, {} minutes: resident {:+.2} MB ({:+.2} % of {:.1}), the daemon's anonymous {:+.2} MB, descriptors {descriptors:+.2}, photos ever {photos:+.0}",
        half.len(),
        resident / 1e6,
        100.0 * resident / mean,
        mean / 1e6,
        anonymous / 1e6,
    );
    if ever_new {
        println!("the daemon's memory for each new photo: {:.0} bytes", anonymous / photos);
    } else if resident > FLAT * mean {
        soak.fail("resident memory grows".into());
    }
    if descriptors > 2.0 {
        soak.fail("descriptors grow".into());
    }
    let failed = soak.failed.lock().expect("no panic");
    println!(
        "{}",
        if failed.is_empty() {
            "SOUND: nothing lost, no failed answer, no growth".to_owned()
        } else {
            format!("NOT SOUND: {} failures", failed.len())
        }
    );
    failed.is_empty()
}
