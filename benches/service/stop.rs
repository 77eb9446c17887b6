//! SIGTERM during indexing: how soon the daemon ends, and whether the next daemon has all photos.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::client::Latencies;
use crate::daemon::Home;
use crate::library::Maker;

const WIDTH: u32 = 4000;
const HEIGHT: u32 = 3000;

pub fn run(simctl: &Path, photos: &Path, files: usize, times: u32) {
    let home = Home::new(simctl);
    let mut rng = Rng::with_seed(5);
    let noise: Vec<i8> = (0..1_000_003).map(|_| rng.i8(-8..=8)).collect();
    let mut maker = Maker::new(photos);
    let mut bytes = 0;
    for number in 0..files {
        let photo = maker.large(WIDTH, HEIGHT, &noise);
        bytes += photo.len();
        fs::write(home.folder().join(format!("{number:04}.jpg")), photo).expect("written");
    }
    println!("{files} JPEGs of {WIDTH} × {HEIGHT}, {:.1} MB each", bytes as f64 / files as f64 / 1e6);

    let began = Instant::now();
    let mut daemon = home.watch();
    daemon.settle();
    let whole = began.elapsed();
    daemon.end();
    println!("indexing all of them without a stop: {:.1} s", whole.as_secs_f64());

    let mut ends = Latencies::default();
    let mut lost = 0;
    for round in 0..times {
        fs::remove_dir_all(home.data()).expect("removed");
        let mut daemon = home.watch();
        // The stops are spread over the time of indexing.
        thread::sleep(whole.mul_f64((f64::from(round) + 0.2) / f64::from(times)).max(Duration::from_millis(50)));
        let before = daemon.json("/v1/status")["coverage"].clone();
        let (time, status) = daemon.end();
        ends.add(time.as_secs_f64());
        let mut daemon = home.start();
        let after = daemon.settle();
        let decoded = daemon.json("/v1/status")["counters"]["decoded"].as_u64().unwrap_or(0);
        daemon.end();
        let is_whole = after["indexed"] == files && after["failed"] == 0 && after["pending"] == 0;
        lost += u32::from(!is_whole);
        println!(
            "SIGTERM at {} indexed, {} pending: ended in {:.0} ms ({status}); after the restart {} indexed, {} failed; decoded {decoded} in all",
            before["indexed"],
            before["pending"],
            1000.0 * time.as_secs_f64(),
            after["indexed"],
            after["failed"],
        );
    }
    println!(
        "{times} times SIGTERM while indexing: median {:.0} ms to the end, worst {:.0} ms; {}",
        1000.0 * ends.median(),
        1000.0 * ends.worst(),
        if lost == 0 { "nothing lost".to_owned() } else { format!("LOST something {lost} times") }
    );
}
