//! What the handlers share, and how a blocking answer is run: outside of the server's threads, with a permit.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::asked::Asked;
use super::listing;
use super::problem::{Code, Problem};
use super::query::Query;
use super::service::{Service, Take};
use super::types::{Listing, Versioned};
use super::uploads::Uploads;

pub type Answer = Result<Response, Problem>;

/// Permits for quick answers, each on a thread. Others wait. Requests that read much of the library or decode a
/// picture have permits of their own, one per core, so that they do not delay the quick ones.
const SHORT_PERMITS: usize = 16;

/// The most requests that may wait for photos to be read. Further ones are refused.
const MAX_LONG_POLLS: usize = 128;

/// How long a disk may take to look up a path.
const VIEW_TIMEOUT: Duration = Duration::from_secs(10);

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    pub service: Arc<dyn Service>,
    pub uploads: Uploads,
    short_permits: Arc<Semaphore>,
    pub long_permits: Arc<Semaphore>,
    /// There is one encoder, and one change of heads at a time.
    pub encoder_permit: Arc<Semaphore>,
    pub heads_permit: Arc<Semaphore>,
    wait_permits: Arc<Semaphore>,
}

impl App {
    pub fn new(service: Arc<dyn Service>) -> App {
        App {
            service,
            uploads: Uploads::new(),
            short_permits: Arc::new(Semaphore::new(SHORT_PERMITS)),
            long_permits: Arc::new(Semaphore::new(available_parallelism().map_or(2, NonZeroUsize::get))),
            encoder_permit: Arc::new(Semaphore::new(1)),
            heads_permit: Arc::new(Semaphore::new(1)),
            wait_permits: Arc::new(Semaphore::new(MAX_LONG_POLLS)),
        }
    }

    /// The parameters of a request, from its URI or its body.
    pub async fn query(&self, line: Option<String>, request: Request) -> Result<Query, Problem> {
        let body = self.uploads.take_query(request).await?;
        Ok(Query::with_body(line, &body))
    }
}

pub async fn permit(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    permits.clone().acquire_owned().await.map_err(Problem::internal)
}

/// Runs a quick blocking request whose answer has no body.
pub async fn done(app: &App, work: impl FnOnce(&dyn Service) -> Result<(), Problem> + Send + 'static) -> Answer {
    no_content(app, permit(&app.short_permits).await?, work).await
}

/// Runs a blocking answer outside of the server's threads.
pub async fn answer<T: Serialize + Send + 'static>(
    app: &App,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    blocking(app, permit(&app.short_permits).await?, work).await
}

/// The same for CPU-heavy answers.
pub async fn long_answer<T: Serialize + Send + 'static>(
    app: &App,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    blocking(app, permit(&app.long_permits).await?, work).await
}

/// The same for answers that may wait for a disk.
pub async fn waiting<T: Serialize + Send + 'static>(
    app: &App,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let permit = wait_permit(app)?;
    blocking(app, permit, work).await
}

/// A permit for a request that may wait for a disk.
pub fn wait_permit(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    let permit = app.wait_permits.clone().try_acquire_owned();
    permit.map_err(|_| Problem::new(Code::Busy, format!("{MAX_LONG_POLLS} requests are waiting already")).hint("try again in a moment"))
}

/// The paths, after a check that the daemon's view of each is the client's. It comes before any permit for an answer,
/// because a disk may not answer.
pub async fn seen_alike(app: &App, asked: Asked) -> Result<Vec<PathBuf>, Problem> {
    let permit = wait_permit(app)?;
    let (service, first) = (app.service.clone(), asked.first());
    let compared = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        asked.seen_alike(service.as_ref())
    });
    let compared = tokio::time::timeout(VIEW_TIMEOUT, compared).await;
    let silent = |_| Problem::new(Code::OtherView, format!("no answer: the disk of {first} or of a later path does not respond"));
    compared.map_err(silent)?.map_err(Problem::internal)?
}

/// Answers with what `work` returns, and the version of its form.
pub async fn blocking<T: Serialize + Send + 'static>(
    app: &App,
    permit: impl Send + 'static,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Answer {
    let to_json = move |service: &dyn Service| serde_json::to_vec(&Versioned::of(work(service)?)).map_err(Problem::internal);
    let json = on_another_thread(app, permit, to_json).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// Answers with a line for each item.
pub async fn lines<T: Serialize + Send + 'static>(
    app: &App,
    permit: impl Send + 'static,
    work: impl FnOnce(&dyn Service) -> Result<Vec<T>, Problem> + Send + 'static,
) -> Answer {
    let to_lines = move |service: &dyn Service| {
        let mut text = Vec::new();
        for item in work(service)? {
            serde_json::to_writer(&mut text, &item).map_err(Problem::internal)?;
            text.push(b'\n');
        }
        Ok(text)
    };
    let text = on_another_thread(app, permit, to_lines).await?;
    Ok(([(header::CONTENT_TYPE, listing::NDJSON)], text).into_response())
}

/// Answers without a body.
pub async fn no_content(
    app: &App,
    permit: impl Send + 'static,
    work: impl FnOnce(&dyn Service) -> Result<(), Problem> + Send + 'static,
) -> Answer {
    on_another_thread(app, permit, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Runs `work` on another thread, which keeps the permit to the end, even if the client disconnects.
async fn on_another_thread<T: Send + 'static>(
    app: &App,
    permit: impl Send + 'static,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let service = app.service.clone();
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(service.as_ref())
    });
    done.await.map_err(Problem::internal)?
}

/// Sends a long answer in the form that the client requests.
pub async fn list<L: Listing>(
    app: &App,
    headers: &HeaderMap,
    make: impl FnOnce(&dyn Service, Take<'_, L::Item>) -> Result<(), Problem> + Send + 'static,
) -> Answer {
    let permit = permit(&app.long_permits).await?;
    let service = app.service.clone();
    let make = move |take: Take<'_, L::Item>| {
        let _permit = permit;
        make(service.as_ref(), take)
    };
    if listing::accepts_lines(headers) { listing::send_lines(make).await } else { listing::send_object::<L>(make).await }
}
