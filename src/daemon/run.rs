//! Starts the daemon from its settings, runs it, and ends it.

use std::collections::HashSet;
use std::env;
use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;

use listenfd::ListenFd;
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::dispatcher::Dispatcher;
use super::error::Error;
use super::fence::{self, Fence, Writable};
use super::heads::{self, Switcher};
use super::intake::{Intakes, Marker, Parts, mounts};
use super::lock::{Lock, Socket, data_directory};
use super::log_summary::LogSummary;
use super::messages::{Change, Write};
use super::notifier::Notifier;
use super::service::Answers;
use super::service_manager::{self, Reported};
use super::state::events::EventKind;
use super::state::version::own_version;
use super::state::{Configuration, Events, Heads, Health, Lifecycle, Part, Queue, SharedRoots, State, Tuning};
use super::tuning::Tuner;
use super::watchdog::Watchdog;
use super::worker::{ReadingTools, WorkerPool};
use super::writer::{WriterThread, unreadable};
use crate::api::client::Client;
use crate::api::{self, Service};
use crate::catalog::encoder::Encoder;
use crate::catalog::generation::{Generation, InUse, Versions};
use crate::catalog::query::Queries;
use crate::config::Settings;
use crate::likeness::CropHead;
use crate::store::{self, Location, Reader, Writer};
use crate::sys::SameProgram;
use crate::sys::background::{Nice, background, vital};
use crate::vision::backbone::Backbone;
use crate::vision::sandbox;

/// The most messages that may wait for the writer. Workers block on a full queue, so that it does not fill the memory.
const MAX_WAITING_WRITES: usize = 64;

/// Why the daemon ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// A signal or a client made it stop.
    Told,
    /// The index is damaged: the daemon must start again, with a new index.
    ToStartAgain,
}

/// Runs the daemon until SIGTERM, SIGINT, a stop request, or damage of the index.
///
/// # Errors
/// See [`enum@Error`].
pub fn run(settings: Settings) -> Result<Ended, Error> {
    let location = location(&settings);
    match run_once(settings) {
        Err(e) if store::damage::helps_to_start_again() => {
            tracing::error!("{e}; the daemon starts again and makes a new index");
            store::damage::request_check(&location)?;
            Ok(Ended::ToStartAgain)
        }
        ended => ended,
    }
}

fn run_once(settings: Settings) -> Result<Ended, Error> {
    // Children must not inherit files that were open when the daemon was started.
    close_fds::set_fds_cloexec(3, &[]);
    heed_children()?;
    data_directory(&settings.data_dir)?;
    // A core file is written there too, if the system names no other place.
    env::set_current_dir(&settings.data_dir).map_err(|source| Error::DataDirectory { path: settings.data_dir.clone(), source })?;
    // With socket activation systemd creates and owns the socket.
    let handed = ListenFd::from_env().take_unix_listener(0)?;
    let socket_dir = if handed.is_none() { Some(Socket::directory(&settings.socket)?) } else { None };
    let fence = fence::enclose(&Writable { data_dir: &settings.data_dir, pictures_dir: settings.kept_pictures.as_deref(), socket_dir });
    let lock = Lock::take(&settings.data_dir)?;
    let location = location(&settings);
    let mut writer = Writer::open(&location)?;
    writer.nest_roots(&|below| settings.reloadable.rules.hide(below))?;
    let forgotten = writer.forget_unknown_roots()?;
    if forgotten > 0 {
        tracing::info!("{forgotten} files of folders that this library.db does not have are forgotten");
    }
    // From here on connections wait instead of failing.
    let (_socket, listener) = match handed {
        Some(listener) => (None, listener),
        None => Socket::bind(&settings.socket).map(|(socket, listener)| (Some(socket), listener))?,
    };
    let address = listener.local_addr().ok().and_then(|address| address.as_pathname().map(Path::to_owned));
    lock.say(Some(address.as_deref().unwrap_or(&settings.socket)));
    let daemon = Daemon::start(settings, location, writer, fence)?;
    daemon.serve(listener, &lock)
}

fn location(settings: &Settings) -> Location {
    Location::new(&settings.data_dir).keeping_pictures_in(settings.kept_pictures.as_deref())
}

/// Has the kernel keep the exit status of decoding processes until the daemon reads it. It does not where the program that
/// started the daemon ignores SIGCHLD. The status says whether a photo is to blame.
fn heed_children() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    // It stays in force after the runtime has ended.
    signal(SignalKind::child()).map(drop)
}

/// The daemon after its start.
struct Daemon {
    state: State,
    writes: SyncSender<Write>,
    writer: JoinHandle<()>,
    log_summary: Arc<LogSummary>,
    service: Arc<dyn Service>,
}

impl Daemon {
    /// Reads the store and starts all threads.
    fn start(settings: Settings, location: Location, mut writer: Writer, fence: Fence) -> Result<Daemon, Error> {
        let (backbone, crop_head) = (Backbone::embedded()?, CropHead::embedded()?);
        let set_aside = writer.set_aside.take();
        let chosen = heads::chosen(&mut writer)?;
        let active = heads::ready(&mut writer, &location, &backbone, chosen.as_deref(), settings.workers)?;
        let in_use = active.head.name().to_owned();
        let log_summary = Arc::new(LogSummary::default());
        let state = state(settings, location.clone(), &backbone, &mut writer, active, fence, &log_summary)?;
        if let Some(aside) = set_aside {
            let problem = format!("the index was damaged; it is kept as {}, and is made again from the photos", aside.display());
            state.health.set_problem(Part::Index, Some(problem));
        }
        let (writes, write_queue) = sync_channel(MAX_WAITING_WRITES);
        let (switcher, tuner) = (switcher(&state, &writes), tuner(&state, &writes));
        let writer = WriterThread {
            configuration: state.configuration.clone(),
            roots: state.roots.clone(),
            heads: state.heads.clone(),
            decisions: state.decisions.clone(),
            events: state.events.clone(),
            queue: state.queue.clone(),
            health: state.health.clone(),
            lifecycle: state.lifecycle.clone(),
            tuning: state.tuning.clone(),
            writer,
            writes: write_queue,
            changed: HashSet::new(),
            // A daemon that was killed may have left something.
            is_log_filled: true,
        };
        let writer = vital("writer", Nice::No, move || writer.run())?;
        let failed = |source| Error::DataDirectory { path: Marker::path_in(&state.configuration.settings.data_dir), source };
        let intakes = Intakes::new(Parts {
            marker: Arc::new(Marker::new(&state.configuration.settings.data_dir).map_err(failed)?),
            configuration: state.configuration.clone(),
            roots: state.roots.clone(),
            events: state.events.clone(),
            queue: state.queue.clone(),
            health: state.health.clone(),
            lifecycle: state.lifecycle.clone(),
            writes: writes.clone(),
        });
        start_reading(&state, &writes, &intakes, &backbone, &crop_head)?;
        start_reporting(&state, &log_summary)?;
        // Started before requests are answered, so that the roots are busy from the first request on.
        state.roots.now().list().iter().try_for_each(|root| intakes.start(root.clone()))?;
        mounts::spawn(intakes.clone())?;
        if let Some(chosen) = chosen.filter(|chosen| *chosen != in_use) {
            // The daemon ended before the chosen head was ready.
            tracing::info!("head {in_use} is in use until {chosen} is ready");
            let switcher = switcher.clone();
            background("heads", Nice::No, move || switcher.take_up(&chosen))?;
        }
        let (for_tuning, network) = (tuner.clone(), backbone.clone());
        background("tuning", Nice::ToAll, move || for_tuning.work(&network))?;
        let decoder = sandbox::Decoder::new(SameProgram::of_this_process()?, state.configuration.settings.limits);
        let encoder = Encoder { runner: backbone.runner()?, crop_head };
        let queries = Queries { decoder, encoder, other: None };
        let service: Arc<dyn Service> = Arc::new(Answers::new(state.clone(), intakes, switcher, tuner, queries));
        Ok(Daemon { state, writes, writer, log_summary, service })
    }

    /// Answers requests until the daemon stops, then waits until everything that was sent to the writer is stored.
    fn serve(self, listener: StdListener, lock: &Lock) -> Result<Ended, Error> {
        let Daemon { state, writes, writer, log_summary, service } = self;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("api").enable_all().build()?;
        let address = listener.local_addr()?.as_pathname().map(Client::new);
        let reported = Reported {
            heads: state.heads.clone(),
            queue: state.queue.clone(),
            health: state.health.clone(),
            lifecycle: state.lifecycle.clone(),
        };
        let client = address.unwrap_or_else(|| Client::new(&state.configuration.settings.socket));
        runtime.spawn(service_manager::report(reported, writes.clone(), client));
        let served = runtime.block_on(serve(listener, service, state.lifecycle.clone()));
        lock.say(None);
        state.lifecycle.stop();
        let ended = if state.lifecycle.starts_again() { Ended::ToStartAgain } else { Ended::Told };
        if ended == Ended::Told {
            service_manager::notify_stopping();
        }
        // Wakes the writer.
        let _ = writes.try_send(Change::Flush(sync_channel(1).0).into());
        // Requests under way are cut off. The writer still stores what was sent to it.
        runtime.shutdown_background();
        let _ = writer.join();
        log_summary.write();
        tracing::info!("stopped");
        served.map(|()| ended)
    }
}

/// Makes the state of the daemon at its start.
fn state(
    settings: Settings,
    location: Location,
    backbone: &Backbone,
    writer: &mut Writer,
    active: Generation,
    fence: Fence,
    log_summary: &Arc<LogSummary>,
) -> Result<State, Error> {
    let roots = writer.roots()?;
    tracing::info!("{} photos known, {} roots, socket {}", active.index.len(), roots.len(), settings.socket.display());
    fence.missing.iter().for_each(|missing| tracing::warn!("the daemon runs without {missing}"));
    let (queue, tuning, notify) = (Queue::default(), Tuning::default(), Arc::<super::state::Signal>::default());
    let (summary, notifier) = (log_summary.clone(), notify.clone());
    let count = move |event: &EventKind| summary.count(event);
    let wake_notifier = move |event: &EventKind| {
        if changes_clusters(event) {
            notifier.raise();
        }
    };
    let wake = vec![queue.pending.clone(), tuning.asked.clone(), notify.clone()];
    let (name, recipe) = (backbone.name().to_owned(), backbone.recipe());
    let (records, decisions, health) = (writer.heads()?, writer.decisions()?, Health::new(fence));
    health.set_problem(Part::Pictures, writer.pictures_problem());
    let versions = heads::versions(&writer.chosen_versions()?, &records).unwrap_or_else(|problem| {
        health.set_problem(Part::Versions, Some(problem));
        Versions::base()
    });
    // By now all of library.db has been read.
    health.set_problem(Part::Library, unreadable(writer));
    Ok(State {
        lifecycle: Arc::new(Lifecycle::new(location.clone(), wake)),
        configuration: Arc::new(Configuration::new(own_version(), settings, location, name, recipe)),
        roots: Arc::new(SharedRoots::new(roots)),
        heads: Arc::new(Heads {
            active: InUse::new(active),
            versions: RwLock::new(Arc::new(versions)),
            switching: Mutex::default(),
            records: RwLock::new(records),
            unreadable: RwLock::new(writer.unreadable_heads()),
        }),
        decisions: Arc::new(RwLock::new(decisions)),
        events: Arc::new(Events::new(vec![Box::new(count), Box::new(wake_notifier)])),
        queue: Arc::new(queue),
        health: Arc::new(health),
        tuning: Arc::new(tuning),
        notify,
    })
}

/// Returns whether an event may change clusters.
fn changes_clusters(event: &EventKind) -> bool {
    let is_of_a_file = matches!(event, EventKind::Added(_) | EventKind::Changed(_) | EventKind::Moved { .. } | EventKind::Gone(_));
    is_of_a_file || matches!(event, EventKind::Decided { .. } | EventKind::HeadChanged { .. })
}

fn switcher(state: &State, writes: &SyncSender<Write>) -> Switcher {
    Switcher {
        configuration: state.configuration.clone(),
        roots: state.roots.clone(),
        heads: state.heads.clone(),
        decisions: state.decisions.clone(),
        events: state.events.clone(),
        health: state.health.clone(),
        lifecycle: state.lifecycle.clone(),
        writes: writes.clone(),
    }
}

fn tuner(state: &State, writes: &SyncSender<Write>) -> Tuner {
    Tuner { switcher: switcher(state, writes), queue: state.queue.clone(), tuning: state.tuning.clone() }
}

/// Starts the workers, the watchdog and the dispatcher.
fn start_reading(
    state: &State,
    writes: &SyncSender<Write>,
    intakes: &Arc<Intakes>,
    backbone: &Backbone,
    crop_head: &CropHead,
) -> Result<(), Error> {
    let workers = state.configuration.settings.workers;
    let (jobs, job_queue) = sync_channel(2 * workers);
    let pool = WorkerPool {
        configuration: state.configuration.clone(),
        roots: state.roots.clone(),
        queue: state.queue.clone(),
        health: state.health.clone(),
        lifecycle: state.lifecycle.clone(),
        tools: ReadingTools { program: SameProgram::of_this_process()?, backbone: backbone.clone(), crop_head: crop_head.clone() },
        jobs: Arc::new(Mutex::new(job_queue)),
        writes: writes.clone(),
        intakes: intakes.clone(),
    };
    (0..workers).try_for_each(|_| pool.spawn())?;
    let watchdog = Watchdog {
        roots: state.roots.clone(),
        events: state.events.clone(),
        queue: state.queue.clone(),
        health: state.health.clone(),
        lifecycle: state.lifecycle.clone(),
        workers: pool,
    };
    vital("watchdog", Nice::No, move || watchdog.run())?;
    let dispatcher = Dispatcher {
        roots: state.roots.clone(),
        decisions: state.decisions.clone(),
        queue: state.queue.clone(),
        health: state.health.clone(),
        lifecycle: state.lifecycle.clone(),
        reader: Reader::open(&state.configuration.location)?,
        jobs,
    };
    vital("dispatcher", Nice::No, move || dispatcher.run())?;
    Ok(())
}

/// Starts the notifier and the log summary.
fn start_reporting(state: &State, log_summary: &Arc<LogSummary>) -> Result<(), Error> {
    let notifier = Notifier {
        configuration: state.configuration.clone(),
        roots: state.roots.clone(),
        heads: state.heads.clone(),
        decisions: state.decisions.clone(),
        events: state.events.clone(),
        queue: state.queue.clone(),
        health: state.health.clone(),
        lifecycle: state.lifecycle.clone(),
        notify: state.notify.clone(),
        reader: Reader::open(&state.configuration.location)?,
    };
    background("notifier", Nice::ToPeople, move || notifier.run())?;
    let (summary, lifecycle) = (log_summary.clone(), state.lifecycle.clone());
    background("log summary", Nice::No, move || summary.run(&lifecycle))?;
    Ok(())
}

async fn serve(listener: StdListener, service: Arc<dyn Service>, lifecycle: Arc<Lifecycle>) -> Result<(), Error> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(reload_at_hangups(signal(SignalKind::hangup())?, service.clone()));
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = lifecycle.stopped.notified() => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    };
    Ok(api::serve(listener, service, stop).await?)
}

async fn reload_at_hangups(mut hangups: Signal, service: Arc<dyn Service>) {
    while hangups.recv().await.is_some() {
        let service = service.clone();
        match tokio::task::spawn_blocking(move || service.reload()).await {
            Ok(Ok(reloaded)) => tracing::info!("settings read again from {}", reloaded.config),
            Ok(Err(problem)) => tracing::warn!("{}", problem.message),
            Err(e) => tracing::warn!("{e}"),
        }
    }
}
