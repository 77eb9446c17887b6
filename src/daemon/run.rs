//! From settings to a running daemon, and to its end.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread;

use thiserror::Error;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

use super::answers::Answers;
use super::feed;
use super::intake::{Intake, Order};
use super::lock::{Lock, Socket, data_directory};
use super::mounts;
use super::shared::Shared;
use super::work::Worker;
use super::write::WriteThread;
use crate::api::{self, Service};
use crate::config::{Settings, own_program};
use crate::likeness::{Crowd, Head, HeadError, Index, REACH, arrive};
use crate::photo::{Embedding, PhotoId};
use crate::store::{self, Location, Reader, Writer};
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
    Backbone(#[from] backbone::Error),
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// Hints and orders that may wait; a folder of a few thousand new files fits.
const ORDERS: usize = 8192;

/// Changes that may wait for the writer; workers stop for it rather than fill memory.
const WRITES: usize = 64;

/// Photos in one search when all pairs are made again.
const REPAIR: usize = 256;

/// Runs until SIGTERM, SIGINT or a client says stop.
///
/// # Errors
/// See [`enum@Error`].
pub fn run(settings: Settings) -> Result<(), Error> {
    data_directory(&settings.data_dir)?;
    let _lock = Lock::take(&settings.data_dir)?;
    let location = Location::new(&settings.data_dir);
    let mut writer = Writer::open(&location)?;
    // From here on connections wait instead of failing.
    let (_socket, listener) = Socket::bind(&settings.socket)?;
    let backbone = Backbone::embedded()?;
    let head = Head::base()?;
    let index = index(&mut writer, &location, &backbone, &head)?;
    let roots = writer.roots()?;
    tracing::info!("{} photos known, {} roots, socket {}", index.len(), roots.len(), settings.socket.display());

    let shared = Arc::new(Shared::new(settings, location.clone(), roots.clone(), index, head.name().to_owned()));
    let (orders, intake_orders) = sync_channel::<Order>(ORDERS);
    let (writes, write_queue) = sync_channel(WRITES);
    let (jobs, job_queue) = sync_channel(2 * shared.settings.workers);
    let program = own_program()?;

    let write_thread = WriteThread { shared: shared.clone(), writer, head, backbone: backbone.name().to_owned(), writes: write_queue };
    let write_thread = thread::Builder::new().name("write".into()).spawn(move || write_thread.run())?;
    let job_queue = Arc::new(Mutex::new(job_queue));
    for number in 0..shared.settings.workers {
        let worker = Worker {
            shared: shared.clone(),
            store: Reader::open(&location)?,
            reader: apart::Reader::new(program.clone(), shared.settings.limits),
            runner: backbone.runner()?,
            jobs: job_queue.clone(),
            writes: writes.clone(),
            orders: orders.clone(),
        };
        thread::Builder::new().name(format!("work-{number}")).spawn(move || worker.run())?;
    }
    feed::spawn(shared.clone(), Reader::open(&location)?, jobs)?;
    // Busy from the first request on, before intake has taken up its orders.
    let first_scans: Vec<Order> = roots
        .into_iter()
        .map(|root| {
            let ticket = shared.activity.begin(root.id);
            Order::Start(root, ticket)
        })
        .collect();
    let intake = Intake::new(shared.clone(), intake_orders, orders.clone(), writes.clone(), Reader::open(&location)?);
    thread::Builder::new().name("intake".into()).spawn(move || intake.run())?;
    mounts::spawn(orders.clone())?;
    for order in first_scans {
        let _ = orders.send(order);
    }

    let query_reader = apart::Reader::new(program, shared.settings.limits);
    let service: Arc<dyn Service> = Arc::new(Answers::new(shared.clone(), orders, writes, query_reader, backbone.runner()?)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("api").enable_all().build()?;
    let served = runtime.block_on(serve(listener, service, shared.clone()));
    shared.stop();
    // Requests under way are cut off; the writer finishes what it was given.
    runtime.shutdown_background();
    let _ = write_thread.join();
    tracing::info!("ended");
    served
}

async fn serve(listener: std::os::unix::net::UnixListener, service: Arc<dyn Service>, shared: Arc<Shared>) -> Result<(), Error> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = shared.stopped.notified() => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    };
    Ok(api::serve(listener, service, stop).await?)
}

/// All embeddings in memory, of this backbone and this head: what another made is made again,
/// from the photos or from their features.
fn index(writer: &mut Writer, location: &Location, backbone: &Backbone, head: &Head) -> Result<Index, Error> {
    let fingerprint = format!("{}-{REACH}-crowds", head.fingerprint());
    let is_current = writer.batch(|batch| {
        let dropped = batch.keep_backbone(backbone.name())?;
        if dropped > 0 {
            tracing::info!("a new encoder: {dropped} photos are read again");
        }
        let is_current = batch.setting("head")?.as_deref() == Some(&fingerprint);
        if !is_current {
            batch.embed_again(|features| head.embed(features))?;
        }
        Ok(is_current)
    })?;
    let mut index = Index::new(head.dimensions());
    let reader = Reader::open(location)?;
    if is_current {
        reader.each_embedding(|photo, embedding, crowd| {
            index.add(photo, &embedding);
            if let Some((level, edge)) = crowd {
                index.set_crowd(photo, Crowd { level, edge });
            }
        })?;
        return Ok(index);
    }
    let mut all: Vec<(PhotoId, Embedding)> = Vec::new();
    reader.each_embedding(|photo, embedding, _| all.push((photo, embedding)))?;
    for part in all.chunks(REPAIR) {
        let arrival = arrive(&index, part, REACH);
        writer.batch(|batch| {
            batch.add_pairs(&arrival.pairs)?;
            arrival.crowds.iter().try_for_each(|(photo, crowd)| batch.set_crowd(*photo, crowd.level, crowd.edge))
        })?;
        part.iter().for_each(|(photo, embedding)| index.add(*photo, embedding));
        arrival.crowds.into_iter().for_each(|(photo, crowd)| index.set_crowd(photo, crowd));
    }
    writer.batch(|batch| batch.set("head", &fingerprint))?;
    Ok(index)
}
