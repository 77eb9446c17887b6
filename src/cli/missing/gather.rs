//! Finds out what files hold, and asks the daemon what it knows of that, in batches.

use std::collections::{HashMap, HashSet};
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::arguments::MissingArguments;
use super::judge::Read;
use super::read::{Held, Job, Readers, Report};
use super::walk::Below;
use crate::api::client::Client;
use crate::api::query_of;
use crate::api::types::{KnownAnswer, KnownQuestion};
use crate::cli::answers::NearestVersion;
use crate::cli::failure::Failure;
use crate::cli::session::{Parameters, about};
use crate::photo::{PictureData, PictureHash};
use crate::vision::Limits;

/// How many files are asked about at once, where the daemon reads nothing for the answer.
const BATCH_FILES: usize = 500;

/// How many files of what size are asked about at once, where the daemon may have to read files of their size.
const READ_FILES: usize = 64;
const READ_BYTES: u64 = 1 << 30;

/// How long what was read waits for more, so that much is known if this is ended early.
const ASK_INTERVAL: Duration = Duration::from_millis(250);

/// All that is found out, by the number of the file. What is not known yet is `None`.
pub struct Asked {
    pub below: Below,
    is_quick: bool,
    held: Vec<Option<Result<Held, String>>>,
    pub answers: Vec<Option<KnownAnswer>>,
    /// What files have besides metadata, of which a second child says that they have their picture.
    pub confirmed: HashMap<usize, PictureData>,
    pub versions: HashMap<usize, NearestVersion>,
    pub library_bytes_read: u64,
}

impl Asked {
    pub fn new(below: Below, is_quick: bool) -> Asked {
        let count = below.files.len();
        Asked {
            below,
            is_quick,
            held: vec![None; count],
            answers: vec![None; count],
            confirmed: HashMap::new(),
            versions: HashMap::new(),
            library_bytes_read: 0,
        }
    }

    fn picture_of(&self, number: usize) -> Option<PictureHash> {
        self.held[number].as_ref()?.as_ref().ok()?.picture
    }

    /// Returns what is known of a file. `None` if it was not asked about yet.
    pub fn read_of(&self, number: usize) -> Option<Read> {
        let file = &self.below.files[number];
        if file.at.size == 0 {
            return Some(Read::Not("it is empty".into()));
        }
        if let Some(Err(why)) = &self.held[number] {
            return Some(Read::Not(why.clone()));
        }
        let answer = self.answers[number].as_ref()?;
        if self.is_quick {
            return Some(Read::Quick { is_alike: !answer.alike.is_empty() });
        }
        let problem = self.held[number].as_ref().and_then(|held| held.as_ref().ok()).and_then(|held| held.problem.as_ref());
        match problem {
            // Bytes that are in the library are safe, whatever they are.
            Some(why) if answer.content.is_empty() => Some(Read::Not(why.clone())),
            _ => Some(Read::Whole),
        }
    }

    fn question(&self, number: usize) -> KnownQuestion {
        let file = &self.below.files[number];
        let held = self.held[number].as_ref().and_then(|held| held.as_ref().ok());
        let name = || file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        KnownQuestion {
            n: number as u64,
            size: file.at.size,
            content: held.map(|held| held.content.to_string()),
            picture: held.and_then(|held| held.picture).map(|picture| picture.to_string()),
            name: self.is_quick.then(name),
            mtime_ns: self.is_quick.then_some(file.at.mtime_ns),
        }
    }

    fn take(&mut self, answers: Vec<KnownAnswer>) -> Result<Vec<usize>, Failure> {
        let mut numbers = Vec::new();
        for answer in answers {
            let number = answer.n as usize;
            if number >= self.answers.len() {
                return Err(Failure::unreachable("the daemon answers about a file that was not asked about"));
            }
            self.library_bytes_read += answer.read;
            self.answers[number] = Some(answer);
            numbers.push(number);
        }
        Ok(numbers)
    }
}

/// Reads the files and asks about them. What is found out is in `asked` also when this ends early.
pub async fn gather(
    asked: &mut Asked,
    client: &Client,
    within: &[PathBuf],
    limits: Limits,
    options: &MissingArguments,
) -> Result<(), Failure> {
    let daemon = Daemon { client, within };
    let all: Vec<usize> = (0..asked.below.files.len()).filter(|&number| asked.below.files[number].at.size > 0).collect();
    if options.quick {
        for batch in all.chunks(BATCH_FILES) {
            daemon.ask(asked, batch).await?;
        }
        return Ok(());
    }
    // Of a file that is known by its bytes only, nothing has to be read if nothing in the library has its size.
    let (mut to_read, undecoded): (Vec<usize>, Vec<usize>) = all.into_iter().partition(|&number| asked.below.files[number].is_photo());
    for batch in undecoded.chunks(BATCH_FILES) {
        for number in daemon.ask(asked, batch).await? {
            if asked.answers[number].as_ref().is_some_and(|answer| answer.same_size > 0) {
                asked.answers[number] = None;
                to_read.push(number);
            }
        }
    }
    to_read.sort_unstable();
    read_and_ask(asked, &daemon, &to_read, limits).await
}

/// The daemon, and the folders that it is asked about.
struct Daemon<'a> {
    client: &'a Client,
    within: &'a [PathBuf],
}

impl Daemon<'_> {
    /// Asks about files. Returns those that were answered.
    async fn ask(&self, asked: &mut Asked, numbers: &[usize]) -> Result<Vec<usize>, Failure> {
        let questions: Vec<KnownQuestion> = numbers.iter().map(|&number| asked.question(number)).collect();
        let send = async |query: Parameters| Ok(self.client.post_lines(&format!("/v1/known?{}", query_of(query)), &questions).await?);
        let answers: Vec<KnownAnswer> = about(self.within, send).await?;
        if answers.len() != numbers.len() {
            return Err(Failure::unreachable("the daemon's answer is not whole").hint("simctl status shows what it does"));
        }
        asked.take(answers)
    }
}

async fn read_and_ask(asked: &mut Asked, daemon: &Daemon<'_>, to_read: &[usize], limits: Limits) -> Result<(), Failure> {
    let total = to_read.iter().map(|&number| asked.below.files[number].at.size).sum();
    let bar = bar(total);
    let mut readers = Readers::start(limits)?;
    let mut left: HashSet<usize> = to_read.iter().copied().collect();
    for &number in to_read {
        let file = &asked.below.files[number];
        let (path, at) = (file.path.clone(), file.at);
        readers.send(if file.is_photo() { Job::Photo(number, path, at) } else { Job::Bytes(number, path, at) });
    }
    let (mut ready, mut ready_bytes, mut last) = (Vec::new(), 0, Instant::now());
    let mut confirming: HashSet<usize> = HashSet::new();
    while !left.is_empty() || !confirming.is_empty() {
        let Some(report) = readers.next().await else {
            // Of those whose answer came, only the proof is missing.
            for number in left.drain() {
                asked.held[number] = Some(Err("its disk does not answer".into()));
            }
            break;
        };
        match report {
            Report::Step(bytes) => bar.inc(bytes),
            Report::Confirmed(number, held) => {
                confirming.remove(&number);
                asked.confirmed.extend(held.map(|held| (number, held)));
            }
            Report::Read(number, held) => {
                left.remove(&number);
                let is_read = held.is_ok();
                asked.held[number] = Some(held);
                if is_read {
                    ready.push(number);
                    ready_bytes += asked.below.files[number].at.size;
                }
            }
        }
        let is_enough = ready.len() >= READ_FILES || ready_bytes >= READ_BYTES || left.is_empty() || last.elapsed() >= ASK_INTERVAL;
        if is_enough && !ready.is_empty() {
            for number in daemon.ask(asked, &ready).await? {
                if let Some(picture) = asked.picture_to_confirm(number) {
                    confirming.insert(number);
                    readers.send(Job::Confirm(number, asked.below.files[number].path.clone(), picture));
                }
            }
            (ready, ready_bytes, last) = (Vec::new(), 0, Instant::now());
        }
    }
    if !ready.is_empty() {
        daemon.ask(asked, &ready).await?;
    }
    bar.finish_and_clear();
    Ok(())
}

impl Asked {
    /// The picture that a file is known by, if its bytes are not known.
    fn picture_to_confirm(&self, number: usize) -> Option<PictureHash> {
        let answer = self.answers[number].as_ref()?;
        if answer.picture.is_empty() { None } else { self.picture_of(number) }
    }
}

fn bar(bytes: u64) -> ProgressBar {
    let bar = if stderr().is_terminal() { ProgressBar::new(bytes) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{msg} {wide_bar:.cyan} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.set_message("reading");
    bar
}
