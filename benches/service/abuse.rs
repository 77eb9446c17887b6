//! How attacks affect other clients. One client requests the status twenty times a second, one requests similar photos
//! once a second, and one listens to events, while attacks run one after another.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::attacks::{self, Outcomes, Target};
use crate::client::{self, Latencies, Listener};
use crate::daemon::{Daemon, Home};
use crate::library::Maker;
use crate::tree;

const FILES: usize = 240;

/// The longest time for a status of another client, in seconds.
const PROMISE: f64 = 0.1;

pub fn run(simctl: &Path, photos: &Path, seconds: u64, only: &str) {
    let home = Home::new(simctl);
    let mut maker = Maker::new(photos);
    maker.fill(&home.folder(), FILES);
    let daemon = home.watch();
    let coverage = daemon.settle();
    let clusters = client::get(&daemon.socket, "/v1/clusters").expect("an answer").body.len();
    println!("{FILES} files, {coverage}; clusters are {clusters} bytes");
    let photo = maker.photo();
    let mut broken = Vec::new();
    for (name, attack) in attacks::ALL.iter().filter(|(name, _)| name.contains(only)) {
        let report = during(&daemon, &photo, Duration::from_secs(seconds), attack);
        println!("{name}, {seconds} s");
        println!("    status: {}, {} failed {}", report.status.times, report.status.failed, report.status.why);
        println!("    similar: {}, {} failed {}", report.similar.times, report.similar.failed, report.similar.why);
        println!(
            "    daemon: {:.0} MB at most, {:.0} MB after; {} descriptors at most, {} after; the listener of events {}",
            tree::mb(report.peak),
            tree::mb(report.after.resident),
            report.descriptors,
            report.after.descriptors,
            if report.is_heard { "stays" } else { "was closed" }
        );
        let outcomes: Vec<String> = report.outcomes.iter().map(|(what, count)| format!("{what} {count}")).collect();
        println!("    they got: {}", outcomes.join(", "));
        if report.status.times.worst() > PROMISE || report.status.failed > 0 {
            broken.push(*name);
        }
    }
    let verdict = if broken.is_empty() { "in all of them".to_owned() } else { format!("but not with {}", broken.join("; ")) };
    println!("others have their status within {:.0} ms {verdict}", 1000.0 * PROMISE);
}

struct Report {
    status: Asked,
    similar: Asked,
    outcomes: Outcomes,
    peak: u64,
    descriptors: usize,
    after: tree::Usage,
    is_heard: bool,
}

#[derive(Default)]
struct Asked {
    times: Latencies,
    /// The number of requests that were refused or not answered in full, and the reason of the last one.
    failed: u64,
    why: String,
}

fn during(daemon: &Daemon, photo: &[u8], time: Duration, attack: &attacks::Attack) -> Report {
    let mut listener = Listener::connect(&daemon.socket, None).expect("it listens");
    while listener.next().expect("it is open").is_some() {}
    tree::forget_peak(daemon.pid());
    let (over, descriptors) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (status, similar, outcomes) = thread::scope(|scope| {
        let status = scope.spawn(|| ask(&over, Duration::from_millis(50), || client::get(&daemon.socket, "/v1/status")));
        let similar = scope.spawn(|| ask(&over, Duration::from_secs(1), || client::post(&daemon.socket, "/v1/similar?k=3", photo)));
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                descriptors.fetch_max(tree::usage(daemon.pid()).descriptors, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(500));
            }
        });
        let outcomes = attack(&Target { socket: &daemon.socket, until: Instant::now() + time, photo });
        over.store(true, Ordering::Relaxed);
        (status.join().expect("no panic"), similar.join().expect("no panic"), outcomes)
    });
    thread::sleep(Duration::from_secs(3));
    let after = tree::usage(daemon.pid());
    let is_heard = loop {
        match listener.next() {
            Ok(Some(_)) => {}
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    Report { status, similar, outcomes, peak: after.own_peak, descriptors: descriptors.into_inner(), after, is_heard }
}

/// Sends a request at each interval of `pace` until `over`, and at once if the answer before took longer.
fn ask(over: &AtomicBool, pace: Duration, ask: impl Fn() -> std::io::Result<client::Answer>) -> Asked {
    let mut asked = Asked::default();
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        match ask() {
            Ok(answer) if answer.status == 200 => asked.times.add(answer.seconds),
            failed => {
                asked.failed += 1;
                asked.why = failed.map_or_else(|e| format!("({e})"), |answer| format!("({})", answer.status));
            }
        }
        thread::sleep(pace.saturating_sub(began.elapsed()));
    }
    asked
}
