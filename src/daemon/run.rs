//! From settings to a running daemon, and to its end.

use std::collections::HashSet;
use std::env;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread;

use listenfd::ListenFd;
use thiserror::Error;
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::answers::Answers;
use super::asking::Encoder;
use super::fence::{self, Writable};
use super::heads::{self, Active};
use super::intake::{Intakes, Refused};
use super::lock::{Lock, Socket, data_directory};
use super::shared::{Known, Shared};
use super::work::Crew;
use super::write::{Write, WriteThread};
use super::{feed, mounts, news, service_manager, silence, tally, tuning};
use crate::api::client::Client;
use crate::api::{self, Service};
use crate::config::{Settings, own_program};
use crate::likeness::{HeadError, PartsHead};
use crate::store::{self, HeadRecord, Location, Positives, Reader, Writer};
use crate::vision::apart;
use crate::vision::backbone::{self, Backbone};

/// Why the daemon did not start, or ended.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{path} cannot be used: {source}")]
    DataDirectory { path: PathBuf, source: io::Error },
    #[error("a daemon already runs on {0}")]
    AlreadyRunning(PathBuf),
    #[error("the socket {path} cannot be made: {source}")]
    Socket { path: PathBuf, source: io::Error },
    #[error("{0} is open to other users; a socket there would be too (chmod 700 mends it)")]
    OpenDirectory(PathBuf),
    #[error("something already listens at {0}")]
    SocketTaken(PathBuf),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Intake(#[from] Refused),
    #[error(transparent)]
    Backbone(#[from] backbone::Error),
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// Changes that may wait for the writer; workers stop for it rather than fill memory.
const WRITES: usize = 64;

/// Why the daemon ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It was told to.
    Told,
    /// To start again, with a new index.
    ToStartAgain,
}

/// Runs until SIGTERM, SIGINT or a client says stop, or until the index turns out to be damaged.
///
/// # Errors
/// See [`enum@Error`].
pub fn run(settings: Settings) -> Result<Ended, Error> {
    let location = Location::new(&settings.data_dir);
    match run_once(settings) {
        Err(e) if store::damage::is_noticed() => {
            tracing::error!("{e}; the daemon starts again and makes a new index");
            store::damage::suspect(&location)?;
            Ok(Ended::ToStartAgain)
        }
        ended => ended,
    }
}

fn run_once(settings: Settings) -> Result<Ended, Error> {
    // Whatever was open where it was started is not for its children.
    close_fds::set_fds_cloexec(3, &[]);
    data_directory(&settings.data_dir)?;
    // A core file goes there, too, where the system says no other place.
    env::set_current_dir(&settings.data_dir).map_err(|source| Error::DataDirectory { path: settings.data_dir.clone(), source })?;
    // Made and kept by systemd, where it starts the daemon.
    let handed = ListenFd::from_env().take_unix_listener(0)?;
    let socket_dir = if handed.is_none() { Some(Socket::directory(&settings.socket)?) } else { None };
    let fence = fence::enclose(&Writable { data_dir: &settings.data_dir, socket_dir });
    let _lock = Lock::take(&settings.data_dir)?;
    let location = Location::new(&settings.data_dir);
    let mut writer = Writer::open(&location)?;
    writer.absorb(&|below| settings.live.rules.hide(below))?;
    let set_aside = writer.set_aside.take();
    // From here on connections wait instead of failing.
    let (_socket, listener) = match handed {
        Some(listener) => (None, listener),
        None => Socket::bind(&settings.socket).map(|(socket, listener)| (Some(socket), listener))?,
    };
    let (backbone, parts) = (Backbone::embedded()?, PartsHead::embedded()?);
    let known = Known { roots: writer.roots()?, heads: writer.heads()?, decisions: writer.decisions()? };
    let chosen = writer.chosen_head()?.unwrap_or_else(|| heads::BASE.to_owned());
    let active = active(&mut writer, &location, &backbone, &known.heads, &chosen, settings.workers)?;
    let roots = known.roots.clone();
    tracing::info!("{} photos known, {} roots, socket {}", active.index.len(), roots.len(), settings.socket.display());
    fence.missing.iter().for_each(|missing| tracing::warn!("without {missing}"));
    let is_chosen = active.head.name() == chosen;
    let shared = Arc::new(Shared::new(settings, location.clone(), &backbone, known, active, fence));
    let (writes, write_queue) = sync_channel(WRITES);
    let (jobs, job_queue) = sync_channel(2 * shared.settings.workers);
    let program = own_program()?;

    let write_thread = WriteThread { shared: shared.clone(), writer, writes: write_queue, changed: HashSet::new() };
    let write_thread = thread::Builder::new().name("write".into()).spawn(move || write_thread.run())?;
    if let Some(aside) = set_aside {
        shared.set_problem(
            "index",
            Some(format!("the index was damaged; it is kept as {}, and is made again from the photos", aside.display())),
        );
    }
    let intakes = Intakes::new(shared.clone(), writes.clone());
    let crew = Crew {
        shared: shared.clone(),
        program: program.clone(),
        backbone: backbone.clone(),
        parts: parts.clone(),
        jobs: Arc::new(Mutex::new(job_queue)),
        writes: writes.clone(),
        intakes: intakes.clone(),
    };
    (0..shared.settings.workers).try_for_each(|_| crew.hire())?;
    silence::spawn(shared.clone(), crew)?;
    feed::spawn(shared.clone(), Reader::open(&location)?, jobs)?;
    news::spawn(shared.clone(), Reader::open(&location)?)?;
    // Busy from the first request on, before intake has taken up its orders.
    roots.into_iter().try_for_each(|root| intakes.start(root))?;
    mounts::spawn(intakes.clone())?;
    tally::spawn(shared.clone())?;
    if !is_chosen {
        // It was chosen, and the daemon ended before it was ready.
        let (shared, writes) = (shared.clone(), writes.clone());
        thread::Builder::new().name("heads".into()).spawn(move || heads::take_up(&shared, &writes, &chosen))?;
    }
    tuning::spawn(shared.clone(), writes.clone(), backbone.clone())?;

    let last_words = writes.clone();
    let query_reader = apart::Reader::new(program, shared.settings.limits);
    let service: Arc<dyn Service> = Arc::new(Answers::new(
        shared.clone(),
        intakes,
        writes,
        Encoder { reader: query_reader, runner: backbone.runner()?, parts, other: None },
    ));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("api").enable_all().build()?;
    let address = listener.local_addr()?.as_pathname().map(Client::new);
    runtime.spawn(service_manager::report(
        shared.clone(),
        last_words.clone(),
        address.unwrap_or_else(|| Client::new(&shared.settings.socket)),
    ));
    let served = runtime.block_on(serve(listener, service, shared.clone()));
    shared.stop();
    let ended = if shared.starts_again.load(Ordering::Relaxed) { Ended::ToStartAgain } else { Ended::Told };
    if ended == Ended::Told {
        service_manager::tell_stopping();
    }
    let _ = last_words.try_send(Write::Flush(sync_channel(1).0));
    // Requests under way are cut off; the writer finishes what it was given.
    runtime.shutdown_background();
    let _ = write_thread.join();
    shared.tally.tell();
    tracing::info!("ended");
    served.map(|()| ended)
}

async fn serve(listener: std::os::unix::net::UnixListener, service: Arc<dyn Service>, shared: Arc<Shared>) -> Result<(), Error> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(reload_at_hangups(signal(SignalKind::hangup())?, service.clone()));
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = shared.stopped.notified() => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
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

/// The head that answers: the one chosen, or while its embeddings are not all made the one that answered
/// last, or else the one chosen, made ready now.
fn active(
    writer: &mut Writer,
    location: &Location,
    backbone: &Backbone,
    heads: &[HeadRecord],
    chosen: &str,
    cores: usize,
) -> Result<Active, Error> {
    let dropped = writer.batch(|batch| batch.keep_recipe(&backbone.recipe()))?;
    if dropped > 0 {
        tracing::info!("this version looks at photos in another way: {dropped} are read again");
    }
    let reader = Reader::open(location)?;
    let answered = reader.head()?;
    let names = [chosen, heads::BASE].into_iter().chain(heads.iter().map(|h| h.name.as_str()));
    let usable = |name: &str| match heads::find(heads, backbone.name(), name) {
        Ok(known) => known.filter(|known| known.positives == Positives::Edits),
        Err(e) => {
            tracing::warn!("{e}");
            None
        }
    };
    let known: Vec<heads::Known> = names.filter_map(usable).collect();
    let is_last = |known: &heads::Known| answered.as_ref().is_some_and(|(_, print)| *print == heads::fingerprint(&known.head));
    let place = known.iter().position(is_last).unwrap_or(0);
    let heads::Known { head, threshold, .. } = known.into_iter().nth(place).expect("the base is always known");
    let number = writer.batch(|batch| batch.head_number(&heads::fingerprint(&head)))?;
    let mut active = Active { number, threshold, index: heads::load(&reader, &head, number)?, head };
    heads::catch_up(&mut active, &reader, cores, |new, arrival| {
        writer.batch(|batch| heads::keep(batch, number, &new, &arrival))?;
        store::Result::Ok(Arc::new((new, arrival)))
    })?;
    writer.batch(|batch| batch.use_head(number))?;
    Ok(active)
}
