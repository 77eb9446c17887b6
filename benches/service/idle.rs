//! The CPU time and memory of a daemon that is idle, with one listener.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Listener;
use crate::daemon::Home;
use crate::library::Maker;
use crate::tree;

const FILES: usize = 400;

pub fn run(simctl: &Path, photos: &Path, minutes: u64) {
    let home = Home::new(simctl);
    Maker::new(photos).fill(&home.folder(), FILES);
    let daemon = home.watch();
    let coverage = daemon.settle();
    let mut listener = Listener::connect(&daemon.socket, None).expect("it listens");
    thread::sleep(Duration::from_secs(15));
    println!("{FILES} files, {coverage}; one listener");
    let (began, mut heard) = (Instant::now(), 0);
    let start = tree::work(daemon.pid());
    let mut before = start;
    for minute in 1..=minutes {
        // Waiting for events wakes this process, not the daemon.
        while began.elapsed() < Duration::from_secs(60 * minute) {
            heard += u64::from(listener.next().expect("it stays connected").is_some());
        }
        let now = tree::work(daemon.pid());
        print(&format!("minute {minute}"), now.since(before), 60.0, daemon.pid());
        before = now;
    }
    let all = before.since(start);
    print(&format!("idle for {minutes} minutes"), all, 60.0 * minutes as f64, daemon.pid());
    println!("{:.4} % of a processor; {heard} events received", (all.user + all.system) as f64 / (60.0 * minutes as f64));
}

fn print(what: &str, work: tree::Work, seconds: f64, pid: u32) {
    let usage = tree::usage(pid);
    println!(
        "{what}: {} ticks of 10 ms ({} user, {} system), {} switches ({} involuntary), woken {:.2} times a second; {:.1} MB resident ({:.1} anonymous) with {} children, {} descriptors, {} threads",
        work.user + work.system,
        work.user,
        work.system,
        work.voluntary + work.involuntary,
        work.involuntary,
        work.voluntary as f64 / seconds,
        tree::mb(usage.resident),
        tree::mb(usage.anonymous),
        usage.children,
        usage.descriptors,
        usage.threads,
    );
}
