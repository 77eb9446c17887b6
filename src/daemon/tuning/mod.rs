//! Tuning a head on this library: one at a time, on a thread of its own that gives way to all others.
//!
//! The order and the views made for it are in the store, so that a daemon that starts again goes on;
//! training itself takes a minute and starts over.

mod folders;
mod sample;
mod versions;
mod views;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::decisions::now;
use super::heads::{self, BASE, Switch};
use super::power::on_mains;
use super::shared::{Shared, Signal, lock, read};
use super::write::{Unwritten, Write, written};
use crate::api::types::{Outcome, Phase, TuningEnd, TuningOrder, TuningProgress, TuningReport, TuningState, What};
use crate::api::{Code, Problem};
use crate::likeness::Head;
use crate::store::{self, HeadRecord, Positives, Reader};
use crate::vision::backbone::Backbone;

/// Names of the order and of the number of decisions that the last tuning knew, in the store.
const ORDER: &str = "tuning";
const KNEW: &str = "tuning-knew";

/// How often it is looked whether a tuning is due without being asked for.
const DUE: Duration = Duration::from_secs(60);

/// Minutes and photos where nobody says.
const MINUTES: u64 = 10;
const PHOTOS: usize = 1000;

/// Folders need no photo to be read again.
const FOLDER_PHOTOS: usize = 20_000;

/// At most: every two photos are held against each other, and all views are in memory.
const MOST: usize = 5_000;
const MOST_OF_FOLDERS: usize = 100_000;

/// How long to wait before trying again when the disk is full.
const RETRY: Duration = Duration::from_secs(2);

/// The share of the time that views may take; the rest is for training and judging.
const PREPARING: f64 = 0.7;

/// Where the tuning stands, and the wish to end it.
#[derive(Default)]
pub struct Tuning {
    state: Mutex<TuningState>,
    stop: AtomicBool,
    asked: Signal,
}

impl Tuning {
    pub fn state(&self) -> TuningState {
        lock(&self.state).clone()
    }

    /// Ends it with what it has.
    pub fn stop(&self) -> Result<(), Problem> {
        if lock(&self.state).progress.is_none() {
            return Err(Problem::new(Code::NoTuning, "no head is being tuned").hint("simctl tune starts one"));
        }
        self.stop.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Wakes the thread.
    pub fn wake(&self) {
        self.asked.raise();
    }
}

/// An order with everything that was left open chosen.
pub fn order(shared: &Shared, name: Option<String>, positives: String, minutes: Option<u64>, photos: Option<usize>) -> TuningOrder {
    let names: Vec<String> = heads::list(shared).into_iter().map(|head| head.name).collect();
    let stem = if positives == Positives::Folders.name() { "folders" } else { "tuned" };
    let free = || (1..).map(|n| format!("{stem}-{n}")).find(|name| !names.contains(name)).expect("some number is free");
    let most = if stem == "folders" { FOLDER_PHOTOS } else { PHOTOS };
    TuningOrder {
        name: name.unwrap_or_else(free),
        positives,
        minutes: minutes.unwrap_or(MINUTES),
        photos: photos.unwrap_or(most),
        asked: now(),
    }
}

/// Takes an order; the tuning goes on by itself.
pub fn start(shared: &Shared, writes: &SyncSender<Write>, order: TuningOrder) -> Result<TuningOrder, Problem> {
    check(&order)?;
    let is_taken = heads::list(shared).iter().any(|head| head.name == order.name);
    {
        let mut state = lock(&shared.tuning.state);
        if let Some(running) = &state.progress {
            return Err(
                Problem::new(Code::Tuning, format!("{} is being tuned", running.name)).hint("simctl tune --stop ends it with what it has")
            );
        }
        if is_taken {
            return Err(Problem::new(Code::Name, format!("there is a head named {} already", order.name))
                .hint("--name gives this one another, or simctl heads remove makes room"));
        }
        *state = TuningState { progress: Some(first(&order)), ended: None };
    }
    shared.tuning.stop.store(false, Ordering::Relaxed);
    let text = serde_json::to_string(&order).map_err(Problem::internal)?;
    if let Err(e) = written(writes, move |writer| writer.batch(|batch| batch.set(ORDER, &text))) {
        lock(&shared.tuning.state).progress = None;
        return Err(e.into());
    }
    shared.tuning.wake();
    Ok(order)
}

fn check(order: &TuningOrder) -> Result<(), Problem> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if order.name.is_empty() || order.name.len() > 60 || order.name == BASE || !order.name.chars().all(is_plain) {
        return Err(Problem::new(Code::Name, format!("{:?} is no name for a head", order.name)).hint("letters, digits, - _ . and not base"));
    }
    if order.positives.parse::<Positives>().is_err() {
        return Err(
            Problem::new(Code::Positives, format!("{} is not what photos can have in common", order.positives)).hint("edits, folders")
        );
    }
    let most = if order.positives == Positives::Folders.name() { MOST_OF_FOLDERS } else { MOST };
    if !(1..=24 * 60).contains(&order.minutes) {
        return Err(Problem::new(Code::Minutes, format!("minutes={}: it takes from one minute to a day", order.minutes)));
    }
    if !(1..=most).contains(&order.photos) {
        return Err(Problem::new(Code::Photos, format!("photos={}: it takes from one photo to {most}", order.photos)));
    }
    Ok(())
}

fn first(order: &TuningOrder) -> TuningProgress {
    TuningProgress { name: order.name.clone(), phase: Phase::Preparing, done: 0, of: 0, loss: None, recall: None, left: 60 * order.minutes }
}

/// Starts the thread.
pub fn spawn(shared: Arc<Shared>, writes: SyncSender<Write>, backbone: Backbone) -> std::io::Result<()> {
    let work = move || {
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19);
        while !shared.is_stopping() {
            match next(&shared, &writes) {
                Ok(Some(order)) => run(&shared, &writes, &backbone, &order),
                Ok(None) => shared.tuning.asked.wait(DUE),
                Err(e) => {
                    shared.set_problem("tuning", Some(e.to_string()));
                    shared.tuning.asked.wait(DUE);
                }
            }
        }
    };
    thread::Builder::new().name("tune".into()).spawn(work).map(drop)
}

/// The order that is waiting, or one of our own when many decisions were made since the last.
fn next(shared: &Shared, writes: &SyncSender<Write>) -> Result<Option<TuningOrder>, Unwritten> {
    let reader = Reader::open(&shared.location)?;
    if let Some(text) = reader.setting(ORDER)? {
        let order = serde_json::from_str::<TuningOrder>(&text).ok().filter(|order| check(order).is_ok());
        if order.is_none() {
            written(writes, |writer| writer.batch(|batch| batch.unset(ORDER)))?;
        }
        return Ok(order);
    }
    let Some(every) = shared.live().tune_after_decisions else { return Ok(None) };
    let knew: usize = reader.setting(KNEW)?.and_then(|n| n.parse().ok()).unwrap_or(0);
    let decided = read(&shared.decisions).len();
    let is_due = decided >= knew + every;
    if !is_due || !on_mains() || !is_idle(shared, &reader)? {
        return Ok(None);
    }
    let order = order(shared, None, Positives::Edits.name().into(), None, None);
    tracing::info!("{} decisions since the last tuning: {} is tuned", decided - knew, order.name);
    Ok(start(shared, writes, order).ok())
}

fn is_idle(shared: &Shared, reader: &Reader) -> store::Result<bool> {
    let roots = read(&shared.roots).clone();
    let scopes: Vec<_> = roots.iter().map(|root| crate::photo::Place { root: root.id, path: "".into() }).collect();
    Ok(!roots.iter().any(|root| shared.activity.is_busy(root.id)) && !reader.is_pending(&scopes)?)
}

/// A tuning under way.
pub struct Run<'a> {
    pub shared: &'a Arc<Shared>,
    pub writes: &'a SyncSender<Write>,
    pub backbone: &'a Backbone,
    pub order: &'a TuningOrder,
    started: Instant,
}

/// Why a tuning gives no head.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The daemon ends; the next one goes on.
    #[error("the daemon is ending")]
    Ending,
    /// The head is not better.
    #[error("{0}")]
    Refused(String, Box<TuningReport>),
    #[error("{0}")]
    Failed(String),
}

impl<E: Into<Unwritten>> From<E> for Why {
    fn from(error: E) -> Why {
        match error.into() {
            Unwritten::Ending => Why::Ending,
            Unwritten::Store(e) => Why::Failed(e.to_string()),
        }
    }
}

/// A head that passed, with its threshold in this library and what it was judged by.
pub struct Passed {
    pub head: Head,
    pub threshold: f32,
    pub report: TuningReport,
}

impl Run<'_> {
    pub fn left(&self) -> Duration {
        Duration::from_secs(60 * self.order.minutes).saturating_sub(self.started.elapsed())
    }

    /// Whether views should still be made.
    pub fn may_prepare(&self) -> bool {
        let whole = Duration::from_secs(60 * self.order.minutes);
        self.started.elapsed() < whole.mul_f64(PREPARING) && !self.is_stopped() && !self.shared.is_stopping()
    }

    pub fn is_stopped(&self) -> bool {
        self.shared.tuning.stop.load(Ordering::Relaxed)
    }

    pub fn is_over(&self) -> bool {
        self.is_stopped() || self.shared.is_stopping() || self.left().is_zero()
    }

    pub fn seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    pub fn tell(&self, phase: Phase, done: usize, of: usize, loss: Option<f32>, recall: Option<f32>) {
        let progress = TuningProgress {
            name: self.order.name.clone(),
            phase,
            done: done as u64,
            of: of as u64,
            loss,
            recall,
            left: self.left().as_secs(),
        };
        lock(&self.shared.tuning.state).progress = Some(progress.clone());
        self.shared.tell(What::Tuning(progress));
    }
}

fn run(shared: &Arc<Shared>, writes: &SyncSender<Write>, backbone: &Backbone, order: &TuningOrder) {
    lock(&shared.tuning.state).progress.get_or_insert_with(|| first(order));
    shared.set_problem("tuning", None);
    let run = Run { shared, writes, backbone, order, started: Instant::now() };
    let knew = read(&shared.decisions).len();
    let positives = order.positives.parse::<Positives>().unwrap_or_default();
    // A daemon before this one may have got as far as keeping the head.
    let kept = read(&shared.heads).iter().find(|head| head.name == order.name && head.made >= order.asked).cloned();
    let passed = match (kept, positives) {
        (Some(record), _) => again(record),
        (None, Positives::Edits) => versions::tune(&run),
        (None, Positives::Folders) => folders::tune(&run),
    };
    let ended = passed.and_then(|passed| keep(&run, positives, passed));
    let end = |outcome, message: String, report| TuningEnd { name: order.name.clone(), outcome, message, report };
    let end = match ended {
        Ok(end) => end,
        Err(Why::Ending) => return,
        Err(Why::Refused(reason, report)) => end(Outcome::Refused, format!("the new head is not used: {reason}"), Some(*report)),
        Err(Why::Failed(reason)) => end(Outcome::Failed, reason, None),
    };
    tracing::info!("tuning {}: {}", order.name, end.message);
    if !forget(shared, writes, knew) {
        return;
    }
    *lock(&shared.tuning.state) = TuningState { progress: None, ended: Some(end.clone()) };
    shared.tell(What::Tuned(end));
}

/// Takes the order and its views from the store, again and again while the disk has no room for it: else it
/// would be carried out once more. False when the daemon ends first.
fn forget(shared: &Shared, writes: &SyncSender<Write>, knew: usize) -> bool {
    while !shared.is_stopping() {
        let knew = knew.to_string();
        let forgotten = written(writes, move |writer| {
            writer.batch(|batch| {
                batch.unset(ORDER)?;
                batch.set(KNEW, &knew)?;
                batch.drop_views()
            })
        });
        shared.set_problem(
            "tuning",
            forgotten.as_ref().err().map(|e| format!("a tuning cannot be ended: {e}; make room, it goes on by itself")),
        );
        if forgotten.is_ok() {
            return true;
        }
        thread::sleep(RETRY);
    }
    false
}

/// What was kept of a head that passed.
fn again(record: HeadRecord) -> Result<Passed, Why> {
    let failed = |e: &dyn std::fmt::Display| Why::Failed(format!("{} cannot be read again: {e}", record.name));
    let head = Head::from_safetensors(&record.name, &record.weights).map_err(|e| failed(&e))?;
    let report = serde_json::from_str(&record.report).map_err(|e| failed(&e))?;
    Ok(Passed { head, threshold: record.threshold, report })
}

/// Keeps a head that passed, and has it answer if it is one for `dupes`.
fn keep(run: &Run<'_>, positives: Positives, passed: Passed) -> Result<TuningEnd, Why> {
    let record = |report: &TuningReport| HeadRecord {
        name: run.order.name.clone(),
        backbone: run.shared.backbone.clone(),
        positives,
        weights: passed.head.to_safetensors(),
        threshold: passed.threshold,
        report: serde_json::to_string(report).unwrap_or_default(),
        made: now(),
    };
    let Passed { mut report, .. } = passed;
    while let Err(e) = heads::add(run.shared, run.writes, record(&report)) {
        match e {
            Unwritten::Store(e) if e.is_disk() && !run.shared.is_stopping() => {
                run.shared.set_problem("tuning", Some(format!("the new head cannot be stored: {e}; make room, it goes on by itself")));
                thread::sleep(RETRY);
            }
            e => return Err(e.into()),
        }
    }
    let name = run.order.name.clone();
    if positives == Positives::Folders {
        let message = format!("the new head is kept: simctl similar --head {name} FILE uses it");
        return Ok(TuningEnd { name, outcome: Outcome::Kept, message, report: Some(report) });
    }
    run.tell(Phase::Pairing, 0, 0, None, None);
    let changes = heads::switch(run.shared, run.writes, &name, Switch::Take).map_err(|e| match e {
        heads::Error::Unwritten(e) => e.into(),
        e => Why::Failed(e.to_string()),
    })?;
    report.clusters = Some(changes);
    heads::add(run.shared, run.writes, record(&report))?;
    let message = "the new head is better and is used from now on; simctl heads use base goes back".into();
    Ok(TuningEnd { name, outcome: Outcome::Used, message, report: Some(report) })
}
