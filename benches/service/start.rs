//! The time of a start: of the daemon until its first answer, and of the program until it prints its version.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::client::Latencies;
use crate::daemon::Home;
use crate::library::Maker;

const FILES: usize = 1000;

pub fn run(simctl: &Path, photos: &Path, times: usize) {
    let home = Home::new(simctl);
    let mut version = Latencies::default();
    for _ in 0..times {
        let began = Instant::now();
        assert!(home.command(["--version"]).status().expect("simctl runs").success());
        version.add(began.elapsed().as_secs_f64());
    }
    println!("simctl --version: {}", said(&version));

    let mut empty = Latencies::default();
    for _ in 0..times {
        empty.add(first_answer(&home));
        fs::remove_dir_all(home.data()).expect("removed");
    }
    println!("exec to the first answer (a status), no index yet: {}", said(&empty));

    let bytes = Maker::new(photos).fill(&home.folder(), FILES);
    let mut daemon = home.watch();
    let coverage = daemon.settle();
    daemon.end();
    let mut known = Latencies::default();
    (0..times).for_each(|_| known.add(first_answer(&home)));
    println!("the same, {FILES} files ({:.0} MB) in the index, {coverage}: {}", bytes as f64 / 1e6, said(&known));
}

fn first_answer(home: &Home) -> f64 {
    let began = Instant::now();
    let mut daemon = home.start();
    let seconds = began.elapsed().as_secs_f64();
    daemon.end();
    seconds
}

fn said(times: &Latencies) -> String {
    format!("median {:.1} ms, worst {:.1} ms", 1000.0 * times.median(), 1000.0 * times.worst())
}
