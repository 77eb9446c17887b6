//! Measures a daemon in long operation: its stability, its answers during attacks, how it starts and stops, and its
//! cost when idle.
//!
//!     cargo bench --bench service -- soak [--minutes 60] [--photos DIR]
//!     cargo bench --bench service -- abuse | stop | start | idle [--minutes 10]
//!
//! Every mode uses its own home directory, with photos made from the pictures in DIR. `--simctl PATH` measures another
//! build.

mod abuse;
mod attacks;
mod client;
mod daemon;
mod idle;
mod library;
#[allow(dead_code)]
#[path = "../../tests/all/photos.rs"]
mod photos;
mod soak;
mod start;
mod stop;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures a daemon in long operation")]
struct Arguments {
    /// The program to measure
    #[arg(long, global = true, default_value = env!("CARGO_BIN_EXE_simctl"))]
    simctl: PathBuf,
    /// Pictures to make the photos from
    #[arg(long, global = true, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/photos"))]
    photos: PathBuf,
    #[command(subcommand)]
    mode: Mode,
    /// Passed by cargo
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Mode {
    /// Change photos while clients send requests; report memory, descriptors, latencies and losses
    Soak {
        #[arg(long, default_value_t = 60)]
        minutes: u64,
        /// The approximate number of files at a time
        #[arg(long, default_value_t = 600)]
        files: usize,
        /// Make every photo new; otherwise take them from a set of twice as many photos as files
        #[arg(long)]
        ever_new: bool,
    },
    /// Measure the answers of other clients during attacks
    Abuse {
        /// The seconds of each attack
        #[arg(long, default_value_t = 40)]
        seconds: u64,
        /// Only attacks whose name contains this
        #[arg(long, default_value = "")]
        only: String,
    },
    /// Send SIGTERM during indexing
    Stop {
        #[arg(long, default_value_t = 300)]
        files: usize,
        #[arg(long, default_value_t = 10)]
        times: u32,
    },
    /// Measure an idle daemon with one listener
    Idle {
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
    /// Measure the time from exec to the first answer
    Start {
        #[arg(long, default_value_t = 20)]
        times: usize,
    },
    /// Send requests as another user, one connection after the other
    #[command(hide = true)]
    Stranger { socket: PathBuf, seconds: u64 },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (simctl, photos) = (&arguments.simctl, &arguments.photos);
    if !matches!(arguments.mode, Mode::Stranger { .. }) {
        header(simctl);
    }
    match arguments.mode {
        Mode::Soak { minutes, files, ever_new } => {
            return if soak::run(simctl, photos, minutes, files, ever_new) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        Mode::Abuse { seconds, only } => abuse::run(simctl, photos, seconds, &only),
        Mode::Stop { files, times } => stop::run(simctl, photos, files, times),
        Mode::Idle { minutes } => idle::run(simctl, photos, minutes),
        Mode::Start { times } => start::run(simctl, photos, times),
        Mode::Stranger { socket, seconds } => attacks::ask_as_a_stranger(&socket, seconds),
    }
    ExitCode::SUCCESS
}

fn header(simctl: &Path) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let size = fs::metadata(simctl).map_or(0, |m| m.len());
    println!("{cores} cores, {}, Linux {}; simctl of {:.1} MB", model.unwrap_or("unknown"), kernel.trim(), size as f64 / 1e6);
}
