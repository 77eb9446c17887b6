//! What reading a file of each format costs, beside the usual program for it: CPU time and the most memory.
//!
//!     cargo bench --bench formats -- FILE… [--runs 5]
//!
//! Each file is read in a process of its own, as the decoding child does it: identified, and decoded to its small picture, over and over
//! for half a second, because CPU time is counted in hundredths of one. The others decode all of it and write it without compression:
//! heif-convert (libheif), avifdec (libavif), djxl (libjxl), and dcraw_emu (LibRaw, at half size). Those that are not installed are left
//! out. The medians are printed. A file that is not read is named, with the reason. Paths are absolute, or below the folder of Cargo.toml.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use similard::photo::Format;
use similard::vision::Limits;
use similard::vision::decode::decode;
use similard::vision::identify::identify;

/// Asks this program to read one file and to print what that cost.
const ONE: &str = "--one";

/// How long a file is read over and over, in milliseconds of CPU.
const MEASURED: f64 = 500.0;

/// Where others write what they decode.
const DECODED: [&str; 2] = ["/dev/shm/formats.y4m", "/dev/shm/formats.ppm"];

/// How often the memory of another program is looked at.
const STEP: Duration = Duration::from_millis(2);

/// What a run cost.
#[derive(Clone, Copy)]
struct Cost {
    milliseconds: f64,
    mebibytes: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [one, file] = &arguments[..]
        && one == ONE
    {
        return read(Path::new(file));
    }
    let runs = match arguments.iter().position(|a| a == "--runs") {
        Some(at) => arguments.drain(at..arguments.len().min(at + 2)).nth(1).ok_or("--runs N")?.parse()?,
        None => 5,
    };
    println!("{:>6} {:>9} {:>8}  {:>9} {:>8}", "MP", "CPU ms", "MiB", "other ms", "MiB");
    let program = env::current_exe()?;
    for file in &arguments {
        let path = Path::new(file);
        let identified = match identify(&fs::read(path)?, &Limits::default()) {
            Ok(identified) => identified.picture,
            Err(failure) => {
                println!("{file}: {}", failure.reason);
                continue;
            }
        };
        let ours = median((0..runs).map(|_| {
            let said = Command::new(&program).args([ONE, file]).stderr(Stdio::inherit()).output()?.stdout;
            let said = String::from_utf8(said)?;
            let (milliseconds, mebibytes) = said.trim().split_once(' ').ok_or_else(|| format!("{file} was not decoded"))?;
            Ok(Cost { milliseconds: milliseconds.parse()?, mebibytes: mebibytes.parse()? })
        }))?;
        let megapixels = identified.dimensions.pixels() as f64 / 1e6;
        print!("{megapixels:6.1} {:9.1} {:8.1}  ", ours.milliseconds, ours.mebibytes);
        match other(identified.format, path).map(|_| median((0..runs).map(|_| by_another(identified.format, path)))) {
            Some(Ok(cost)) => print!("{:9.0} {:8.1}", cost.milliseconds, cost.mebibytes),
            Some(Err(_)) | None => print!("{:>9} {:>8}", "–", "–"),
        }
        println!("  {}, {file}", identified.format);
    }
    DECODED.iter().for_each(|file| drop(fs::remove_file(file)));
    Ok(())
}

/// Reads a file and prints the CPU time and the most memory of this process.
fn read(path: &Path) -> Result<(), Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let limits = Limits::default();
    let (before, mut rounds, mut mebibytes) = (cpu(OF_ITSELF)?, 0.0, None);
    while cpu(OF_ITSELF)? - before < MEASURED {
        identify(&bytes, &limits).map_err(|failure| failure.reason)?;
        decode(&bytes, &limits).map_err(|failure| failure.reason)?;
        rounds += 1.0;
        mebibytes = mebibytes.or_else(|| most_memory("self"));
    }
    println!("{} {}", (cpu(OF_ITSELF)? - before) / rounds, mebibytes.ok_or("no memory")?);
    Ok(())
}

/// Where the statistics of a process have, after its name, the CPU time of all its threads, and that of the processes that it waited for.
const OF_ITSELF: usize = 11;
const OF_CHILDREN: usize = 13;

/// The CPU time of this process or of its children, in milliseconds.
fn cpu(place: usize) -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(") ").ok_or("no name")?.1;
    let ticks: Vec<f64> = after_name.split(' ').skip(place).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() * 10.0)
}

/// The most memory that was resident of a process, in MiB.
fn most_memory(process: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

/// The program that decodes a file of this format elsewhere.
fn other(format: Format, path: &Path) -> Option<Command> {
    let (program, options, target): (_, &[&str], _) = match format {
        Format::Heic => ("heif-convert", &[], Some(DECODED[0])),
        Format::Avif => ("avifdec", &["--jobs", "1"], Some(DECODED[0])),
        Format::Jxl => ("djxl", &["--num_threads=0"], Some(DECODED[1])),
        Format::Raw => ("dcraw_emu", &["-h", "-Z", "-"], None),
        _ => return None,
    };
    let mut command = Command::new(program);
    command.args(options).arg(path).args(target).stdout(Stdio::null()).stderr(Stdio::null());
    Some(command)
}

/// Decodes a file by that program. Its time is that of all its threads, in steps of a hundredth of a second.
fn by_another(format: Format, path: &Path) -> Result<Cost, Box<dyn Error>> {
    let before = cpu(OF_CHILDREN)?;
    let mut child: Child = other(format, path).ok_or("no program")?.spawn()?;
    let process = child.id().to_string();
    let mut mebibytes = 0.0_f64;
    let status = loop {
        mebibytes = most_memory(&process).map_or(mebibytes, |now| now.max(mebibytes));
        match child.try_wait()? {
            Some(status) => break status,
            None => thread::sleep(STEP),
        }
    };
    if !status.success() {
        return Err(format!("it ended with {status}").into());
    }
    Ok(Cost { milliseconds: cpu(OF_CHILDREN)? - before, mebibytes })
}

fn median(costs: impl Iterator<Item = Result<Cost, Box<dyn Error>>>) -> Result<Cost, Box<dyn Error>> {
    let mut costs = costs.collect::<Result<Vec<_>, _>>()?;
    costs.sort_by(|a, b| a.milliseconds.total_cmp(&b.milliseconds));
    costs.get(costs.len() / 2).copied().ok_or_else(|| "no runs".into())
}
