//! Tuning a head, or the version model, on this library. One tuning runs at a time, on a thread with the lowest priority.
//!
//! The order and its edited versions are in the store, so that a tuning continues after a restart of the daemon.
//! Training itself takes a minute and starts over.

mod decisions;
mod edited_versions;
mod folders;
mod threads;
mod versions;

use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::heads::{self, Switch, Switcher};
use super::messages::{Request, Unwritten, request};
use super::power::on_mains;
use super::records::{order_to_store, report_to_store, stored_order, stored_report};
use super::retry::while_full;
use super::state::events::EventKind;
use super::state::tuning::{Phase, TuningEnd, TuningOrder, TuningOutcome, TuningProgress, TuningState};
use super::state::{Part, Queue, Tuning, read};
use super::writer::{TUNING_KNEW, TUNING_ORDER};
use crate::catalog::generation::{BASE, BASE_VERSIONS};
use crate::learn::report::TuningReport;
use crate::store::{HeadRecord, Positives, Reader};
use crate::sys::now;
use crate::vision::backbone::Backbone;

/// How often the thread checks whether an automatic tuning is due.
const DUE_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// Minutes and photos of an order that does not name them.
const DEFAULT_MINUTES: u64 = 10;
const DEFAULT_PHOTOS: usize = 1000;

/// Photos of such an order for folders. There are more, because no photo is read again.
const DEFAULT_FOLDER_PHOTOS: usize = 20_000;

/// Photos of such an order for decisions. Six versions of each are made and compared.
const DEFAULT_DECISION_PHOTOS: usize = 300;

/// The most photos of a tuning: every two of them are compared, and all edited versions are in memory.
const MAX_TUNING_PHOTOS: usize = 5_000;
const MAX_FOLDER_PHOTOS: usize = 100_000;

/// The share of the time that may be spent on making edited versions. The rest is for training and judging.
const PREPARING_SHARE: f64 = 0.7;

/// Why an order was not accepted, or no tuning was ended.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{0} is being tuned")]
    Running(String),
    #[error("no head is being tuned")]
    NotRunning,
    #[error("there is a head named {0} already")]
    Taken(String),
    #[error("{0:?} is not a valid name for a head")]
    Name(String),
    #[error("minutes={0} is out of range: 1 to 1440")]
    Minutes(u64),
    /// The number of photos, and the most.
    #[error("photos={0} is out of range: 1 to {1}")]
    Photos(usize, usize),
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
}

/// The parts of the daemon that tuning needs.
#[derive(Clone)]
pub struct Tuner {
    pub switcher: Switcher,
    pub queue: Arc<Queue>,
    pub tuning: Arc<Tuning>,
}

impl Tuner {
    /// Makes an order, with defaults for everything that is not given.
    pub fn order(&self, name: Option<String>, positives: Positives, minutes: Option<u64>, photos: Option<usize>) -> TuningOrder {
        let heads = &self.switcher.heads;
        let (stem, most) = match positives {
            Positives::Edits => ("tuned", DEFAULT_PHOTOS),
            Positives::Folders => ("folders", DEFAULT_FOLDER_PHOTOS),
            Positives::Decisions => ("decisions", DEFAULT_DECISION_PHOTOS),
        };
        let free = || (1..).map(|n| format!("{stem}-{n}")).find(|name| !heads.is_taken(name)).expect("some number is free");
        TuningOrder {
            name: name.unwrap_or_else(free),
            positives,
            minutes: minutes.unwrap_or(DEFAULT_MINUTES),
            photos: photos.unwrap_or(most),
            asked: now(),
        }
    }

    /// Accepts an order. The tuning runs on its own thread.
    pub fn start(&self, order: TuningOrder) -> Result<TuningOrder, Error> {
        check(&order)?;
        let is_taken = self.switcher.heads.is_taken(&order.name);
        {
            let mut state = self.tuning.change();
            if let Some(running) = &state.progress {
                return Err(Error::Running(running.name.clone()));
            }
            if is_taken {
                return Err(Error::Taken(order.name));
            }
            *state = TuningState { progress: Some(first(&order)), ended: None };
        }
        self.tuning.set_stopped(false);
        let text = serde_json::to_string(&order_to_store(&order)).expect("a record is plain data");
        if let Err(e) = request(&self.switcher.writes, |reply| Request::QueueTuning(text, reply)) {
            self.tuning.change().progress = None;
            return Err(e.into());
        }
        self.tuning.asked.raise();
        Ok(order)
    }

    /// Ends the tuning with the result so far.
    pub fn stop(&self) -> Result<(), Error> {
        if self.tuning.state().progress.is_none() {
            return Err(Error::NotRunning);
        }
        self.tuning.set_stopped(true);
        Ok(())
    }

    /// Runs until the daemon stops.
    pub fn work(&self, backbone: &Backbone) {
        while !self.switcher.lifecycle.is_stopping() {
            match self.next() {
                Ok(Some(order)) => self.run(backbone, &order),
                Ok(None) => self.tuning.asked.wait(DUE_CHECK_INTERVAL),
                Err(e) => {
                    self.switcher.health.set_problem(Part::Tuning, Some(e.to_string()));
                    self.tuning.asked.wait(DUE_CHECK_INTERVAL);
                }
            }
        }
    }

    /// Returns the stored order, or a new one if an automatic tuning is due.
    fn next(&self) -> Result<Option<TuningOrder>, Unwritten> {
        let reader = Reader::open(&self.switcher.configuration.location)?;
        if let Some(text) = reader.setting(TUNING_ORDER)? {
            return match read_order(&text) {
                Ok(order) => Ok(Some(order)),
                Err(problem) => {
                    self.switcher.health.set_problem(Part::Tuning, Some(problem));
                    request(&self.switcher.writes, Request::DropTuning)?;
                    Ok(None)
                }
            };
        }
        let Some(every) = self.switcher.configuration.reloadable().tune_after_decisions else { return Ok(None) };
        let knew = match read_knew(reader.setting(TUNING_KNEW)?.as_deref()) {
            Ok(knew) => knew,
            Err(problem) => {
                self.switcher.health.set_problem(Part::Tuning, Some(problem));
                return Ok(None);
            }
        };
        let decided = read(&self.switcher.decisions).len();
        let is_due = decided.checked_sub(knew).is_some_and(|new| new >= every);
        if !is_due || !on_mains() || !self.queue.is_settled(&reader, &self.switcher.roots.now().scopes())? {
            return Ok(None);
        }
        let order = self.order(None, Positives::Decisions, None, None);
        tracing::info!("{} decisions since the last tuning: tuning {}", decided - knew, order.name);
        Ok(self.start(order).ok())
    }

    fn run(&self, backbone: &Backbone, order: &TuningOrder) {
        self.tuning.change().progress.get_or_insert_with(|| first(order));
        self.switcher.health.set_problem(Part::Tuning, None);
        let run = Run { tuner: self, backbone, order, started: Instant::now() };
        let decisions = read(&self.switcher.decisions).len();
        let positives = order.positives;
        // The daemon may have stored the head before it was restarted.
        let kept = read(&self.switcher.heads.records).iter().find(|head| head.name == order.name && head.made >= order.asked).cloned();
        let passed = match (kept, positives) {
            (Some(record), _) => again(record),
            (None, Positives::Edits) => versions::tune(&run),
            (None, Positives::Folders) => folders::tune(&run),
            (None, Positives::Decisions) => decisions::tune(&run),
        };
        let ended = passed.and_then(|passed| keep(&run, positives, passed));
        let end = |outcome, message: String, report| TuningEnd { name: order.name.clone(), positives, outcome, message, report };
        let end = match ended {
            Ok(end) => end,
            Err(Why::Ending) => return,
            Err(Why::Refused(reason, report)) => {
                end(TuningOutcome::Refused, format!("the new {} is not used: {reason}", subject(positives)), Some(*report))
            }
            Err(Why::Failed(reason)) => end(TuningOutcome::Failed, reason, None),
        };
        tracing::info!("tuning {}: {}", order.name, end.message);
        // Otherwise the order would be carried out again.
        let forgotten = while_full(
            &self.switcher.health,
            Part::Tuning,
            "the end of a tuning cannot be stored",
            || !self.switcher.lifecycle.is_stopping(),
            || request(&self.switcher.writes, |reply| Request::EndTuning { decisions, reply }),
        );
        match forgotten {
            Ok(()) => {}
            Err(Unwritten::Store(e)) if !self.switcher.lifecycle.is_stopping() => {
                self.switcher.health.set_problem(Part::Tuning, Some(format!("the end of a tuning cannot be stored: {e}")));
            }
            Err(_) => return,
        }
        *self.tuning.change() = TuningState { progress: None, ended: Some(end.clone()) };
        self.switcher.events.emit(EventKind::Tuned(end));
    }
}

/// Reads the stored order of a tuning.
///
/// # Errors
/// A problem for people, if another version or another program wrote it.
fn read_order(text: &str) -> Result<TuningOrder, String> {
    let dropped = |why: String| format!("the stored order of a tuning is dropped: {why}; simctl tune starts another");
    let record = serde_json::from_str(text).map_err(|e| dropped(e.to_string()))?;
    let order = stored_order(record).map_err(|e| dropped(e.to_string()))?;
    check(&order).map_err(|e| dropped(e.to_string()))?;
    Ok(order)
}

/// Reads the stored number of decisions at the start of the last tuning: 0 before the first.
///
/// # Errors
/// A problem for people, if it is not a number. Whether a tuning is due is then not known.
fn read_knew(text: Option<&str>) -> Result<usize, String> {
    let known = text.map_or(Ok(0), str::parse);
    known.map_err(|_| {
        let text = text.unwrap_or_default();
        format!("the number of decisions at the last tuning is stored as {text:?}: no tuning starts automatically; simctl tune starts one and stores the number again")
    })
}

fn check(order: &TuningOrder) -> Result<(), Error> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    if order.name.is_empty()
        || order.name.len() > 60
        || [BASE, BASE_VERSIONS].contains(&order.name.as_str())
        || !order.name.chars().all(is_plain)
    {
        return Err(Error::Name(order.name.clone()));
    }
    let most = if order.positives == Positives::Folders { MAX_FOLDER_PHOTOS } else { MAX_TUNING_PHOTOS };
    if !(1..=24 * 60).contains(&order.minutes) {
        return Err(Error::Minutes(order.minutes));
    }
    if !(1..=most).contains(&order.photos) {
        return Err(Error::Photos(order.photos, most));
    }
    Ok(())
}

fn first(order: &TuningOrder) -> TuningProgress {
    TuningProgress { name: order.name.clone(), phase: Phase::Preparing, done: 0, of: 0, loss: None, recall: None, left: 60 * order.minutes }
}

/// A running tuning.
pub struct Run<'a> {
    pub tuner: &'a Tuner,
    pub backbone: &'a Backbone,
    pub order: &'a TuningOrder,
    started: Instant,
}

/// Why a tuning produced no head.
#[derive(Debug, Error)]
pub enum Why {
    /// The daemon ends. The tuning continues after its next start.
    #[error("the daemon is ending")]
    Ending,
    /// The head did not pass the acceptance test.
    #[error("{0}")]
    Refused(String, Box<TuningReport>),
    #[error("{0}")]
    Failed(String),
}

impl<E: Into<Unwritten>> From<E> for Why {
    fn from(error: E) -> Why {
        match error.into() {
            Unwritten::Ending => Why::Ending,
            error @ (Unwritten::Store(_) | Unwritten::NotStoring(_)) => Why::Failed(error.to_string()),
        }
    }
}

/// A head or a version model that passed its test.
pub struct Passed {
    /// Safetensors.
    pub weights: Vec<u8>,
    /// Of a head in this library.
    pub threshold: f32,
    pub report: TuningReport,
}

impl Run<'_> {
    pub fn left(&self) -> Duration {
        Duration::from_secs(60 * self.order.minutes).saturating_sub(self.started.elapsed())
    }

    /// Returns whether edited versions should still be made.
    pub fn may_prepare(&self) -> bool {
        let whole = Duration::from_secs(60 * self.order.minutes);
        self.started.elapsed() < whole.mul_f64(PREPARING_SHARE) && !self.is_stopped() && !self.tuner.switcher.lifecycle.is_stopping()
    }

    pub fn is_stopped(&self) -> bool {
        self.tuner.tuning.is_stopped()
    }

    /// Returns whether the daemon ends.
    pub fn is_ending(&self) -> bool {
        self.tuner.switcher.lifecycle.is_stopping()
    }

    pub fn is_over(&self) -> bool {
        self.is_stopped() || self.is_ending() || self.left().is_zero()
    }

    pub fn seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    pub fn report_progress(&self, phase: Phase, done: usize, of: usize, loss: Option<f32>, recall: Option<f32>) {
        let progress = TuningProgress {
            name: self.order.name.clone(),
            phase,
            done: done as u64,
            of: of as u64,
            loss,
            recall,
            left: self.left().as_secs(),
        };
        self.tuner.tuning.change().progress = Some(progress.clone());
        self.tuner.switcher.events.emit(EventKind::Tuning(progress));
    }
}

/// Reads a head that passed and was stored before.
fn again(record: HeadRecord) -> Result<Passed, Why> {
    let failed = |e: serde_json::Error| Why::Failed(format!("{} cannot be read again: {e}", record.name));
    let report = serde_json::from_str(&record.report).map(stored_report).map_err(failed)?;
    Ok(Passed { weights: record.weights, threshold: record.threshold, report })
}

/// Stores a head that passed. A head for `dupes` is also put into use.
fn keep(run: &Run<'_>, positives: Positives, passed: Passed) -> Result<TuningEnd, Why> {
    let record = |report: &TuningReport| HeadRecord {
        name: run.order.name.clone(),
        backbone: run.tuner.switcher.configuration.backbone.clone(),
        positives,
        weights: passed.weights.clone(),
        threshold: passed.threshold,
        report: serde_json::to_string(&report_to_store(report)).expect("a record is plain data"),
        made: now(),
    };
    let Passed { mut report, .. } = passed;
    let add = |report: &TuningReport| request(&run.tuner.switcher.writes, |reply| Request::AddHead(record(report), reply));
    while_full(
        &run.tuner.switcher.health,
        Part::Tuning,
        &format!("the new {} cannot be stored", subject(positives)),
        || !run.is_ending(),
        || add(&report),
    )?;
    let name = run.order.name.clone();
    if positives == Positives::Folders {
        let message = format!("the new head is stored; simctl similar --head {name} FILE uses it");
        return Ok(TuningEnd { name, positives, outcome: TuningOutcome::Kept, message, report: Some(report) });
    }
    run.report_progress(Phase::Pairing, 0, 0, None, None);
    let changes = run.tuner.switcher.switch(&name, Switch::Take).map_err(|e| match e {
        heads::Error::Unwritten(e) => e.into(),
        e => Why::Failed(e.to_string()),
    })?;
    report.clusters = Some(changes);
    add(&report)?;
    let before = if positives == Positives::Decisions { BASE_VERSIONS } else { BASE };
    let message = format!("the new {} is better and is used from now on; simctl heads use {before} goes back", subject(positives));
    Ok(TuningEnd { name, positives, outcome: TuningOutcome::Used, message, report: Some(report) })
}

/// What a tuning makes.
fn subject(positives: Positives) -> &'static str {
    match positives {
        Positives::Edits | Positives::Folders => "head",
        Positives::Decisions => "version model",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_is_not_carried_out_says_why() {
        let order = r#"{"name":"tuned-1","positives":"edits","minutes":5,"photos":100,"asked":1}"#;
        assert_eq!(read_order(order).expect("an order").positives, Positives::Edits);
        for (wrong, why) in [
            ("tuned-1".to_owned(), "expected"),
            (order.replace("edits", "weather"), "\"weather\" is not a kind of positives"),
            (order.replace("tuned-1", "base"), "not a valid name"),
            (order.replace("\"minutes\":5,", ""), "minutes=0 is out of range"),
        ] {
            let problem = read_order(&wrong).expect_err(&wrong);
            assert!(problem.contains(why) && problem.ends_with("simctl tune starts another"), "{problem}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_taken_for_none() {
        assert_eq!((read_knew(None), read_knew(Some("17"))), (Ok(0), Ok(17)));
        for wrong in ["", "many", "-1", "1.5", "17 "] {
            assert!(read_knew(Some(wrong)).is_err_and(|problem| problem.contains(&format!("{wrong:?}"))), "{wrong}");
        }
    }
}
