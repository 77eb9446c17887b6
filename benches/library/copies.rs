//! Many copies of few photos: the cost of comparing them, and the time for a list of them.

#[allow(dead_code)]
#[path = "../../tests/all/photos.rs"]
mod photos;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::{Library, memory, timed};

/// The copies of one photo have sides from this length on, every second one, and all of these qualities.
const FIRST_SIDE: u32 = 240;
const FIRST_QUALITY: usize = 40;
const QUALITIES: usize = 56;

/// The files of each photo in a list.
const FILES: usize = 99;

/// The length of a side of their pictures.
const SIDE: u32 = 128;

const REQUEST: &[u8] = b"GET /v1/status HTTP/1.1\r\nhost: similard\r\nconnection: close\r\n\r\n";

/// Indexes a number of distinct copies of one photo, and asks for the status meanwhile.
pub fn compare(library: &Library<'_>, count: usize) {
    let photo = photos::open(photos::NAMES[0]);
    for (number, part) in (0..count).collect::<Vec<_>>().chunks(QUALITIES).enumerate() {
        let side = FIRST_SIDE + 2 * number as u32;
        let picture = imageops::resize(&photo, side, side, FilterType::CatmullRom);
        let folder = library.folder.join(side.to_string());
        fs::create_dir(&folder).expect("a folder");
        for quality in (FIRST_QUALITY..).take(part.len()) {
            fs::write(folder.join(format!("{quality}.jpg")), photos::jpeg(&picture, quality as u8)).expect("a file");
        }
    }
    let folder = library.folder.display().to_string();
    library.run(&["roots", "add", &folder]);
    let pid = library.pid();
    let socket = library.home.join("data/api.sock");
    let (end, ended) = channel();
    let (first, answers, mut waits) = thread::scope(|scope| {
        let asking = scope.spawn(|| ask_status(&socket, ended));
        // An answer waits until all is read and compared.
        let (first, _) = timed(|| library.run(&["dupes", "--format", "json", &folder]));
        let answers = [(); 3].map(|()| timed(|| library.run(&["dupes", "--format", "json", &folder]).len()));
        drop(end);
        (first, answers, asking.join().expect("the status"))
    });
    let most = memory(pid, "VmHWM:");
    library.stop();
    let index = rusqlite::Connection::open(library.home.join("data/index.db")).expect("opens");
    let comparisons: u32 = index.query_row("SELECT count(*) FROM comparisons", (), |row| row.get(0)).expect("a number");
    println!("{count} copies of one photo: {comparisons} comparisons, all read and compared after {first:.0} s");
    let (seconds, bytes) = median(answers);
    println!("dupes --format json: {seconds:.1} s, {:.1} MB; the daemon had {most} at most", bytes as f64 / 1e6);
    waits.sort_by(f64::total_cmp);
    let ms = |share: usize| waits.get(share * waits.len() / 100).map_or(f64::NAN, |seconds| 1000.0 * seconds);
    println!("status, every second until then: median {:.0} ms, 95 % within {:.0} ms, {} requests", ms(50), ms(95), waits.len());
}

/// Asks for the status every second until the other end of the channel is gone. Returns the seconds of each answer.
fn ask_status(socket: &Path, ended: Receiver<()>) -> Vec<f64> {
    let mut times = Vec::new();
    while ended.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
        let (seconds, answer) = timed(|| {
            let mut answer = Vec::new();
            let mut stream = UnixStream::connect(socket)?;
            stream.write_all(REQUEST)?;
            stream.read_to_end(&mut answer).map(|_| answer)
        });
        assert!(answer.expect("an answer").starts_with(b"HTTP/1.1 200"));
        times.push(seconds);
    }
    times
}

/// Lists a number of files, each photo [`FILES`] times.
pub fn list(library: &Library<'_>, count: usize) {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut files = Vec::new();
    for (number, part) in (0..count).collect::<Vec<_>>().chunks(FILES).enumerate() {
        let few = RgbImage::from_fn(9, 9, |_, _| Rgb([(); 3].map(|()| rng.u8(..))));
        let photo = photos::jpeg(&imageops::resize(&few, SIDE, SIDE, FilterType::Triangle), 80);
        let folder = library.folder.join(format!("{number:04}"));
        fs::create_dir(&folder).expect("a folder");
        for copy in 0..part.len() {
            files.push(folder.join(format!("{copy}.jpg")));
            fs::write(&files[files.len() - 1], &photo).expect("a file");
        }
    }
    let folder = library.folder.display().to_string();
    let (first, _) = timed(|| library.run(&["dupes", "--format", "json", &folder]));
    println!("{count} files, each photo {FILES} times: all read after {first:.0} s");
    for format in ["json", "paths0"] {
        let answers = [(); 3].map(|()| timed(|| library.run(&["dupes", "--format", format, &folder]).len()));
        let (seconds, bytes) = median(answers);
        println!("dupes --format {format}: {seconds:.1} s, {:.1} MB", bytes as f64 / 1e6);
    }
    for file in &files {
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("ours");
    }
    let (seconds, output) = timed(|| library.command(&["dupes", "--format", "paths0", &folder]).output().expect("simctl runs"));
    let listed = output.stdout.iter().filter(|byte| **byte == 0).count();
    println!("paths0 right after their modes were changed: {seconds:.1} s, {listed} files listed, exit code {:?}", output.status.code());
    library.stop();
}

/// The answer that took neither the longest nor the shortest time.
fn median(mut answers: [(f64, usize); 3]) -> (f64, usize) {
    answers.sort_by(|x, y| x.0.total_cmp(&y.0));
    answers[1]
}
