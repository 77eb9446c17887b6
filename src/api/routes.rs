//! The routes of `/v1`: their parameters and handlers.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete as on_delete, get as on_get, post as on_post};
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::asked::Asked;
use super::events;
use super::listing;
use super::openapi::{self, Operation, delete, get, post};
use super::problem::{Code, Problem};
use super::query::Query;
use super::service::{Gone, Service, Switch, Take};
use super::types::{
    Cluster, ClusterChanges, Clusters, Comparison, DecisionCount, DecisionText, Event, Failures, FilePair, HeadInfo, ListedDecision,
    Listing, Pairs, Progress, Reloaded, RootStatus, Selection, Similar, Status, TuningOrder, TuningState, Version, Watched,
};
use super::uploads::Uploads;
use crate::photo::Verdict;

/// Permits for quick answers, each on a thread. Others wait. Requests that read much of the library or decode a
/// picture have permits of their own, one per core, so that they do not delay the quick ones.
const SHORT_PERMITS: usize = 16;

/// The most requests that may wait for photos to be read. Further ones are refused.
const MAX_LONG_POLLS: usize = 128;

/// The longest wait of one request.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// How long a disk may take to look up a path.
const VIEW_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct App {
    service: Arc<dyn Service>,
    uploads: Uploads,
    short_permits: Arc<Semaphore>,
    long_permits: Arc<Semaphore>,
    /// There is one encoder, and one change of heads at a time.
    encoder_permit: Arc<Semaphore>,
    heads_permit: Arc<Semaphore>,
    wait_permits: Arc<Semaphore>,
}

impl App {
    /// The parameters of a request, from its URI or its body.
    async fn query(&self, line: Option<String>, request: Request) -> Result<Query, Problem> {
        let body = self.uploads.take_query(request).await?;
        Ok(Query::or_body(line, &body))
    }
}

async fn permit(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    permits.clone().acquire_owned().await.map_err(Problem::internal)
}

/// All operations, with their descriptions and handlers.
fn operations() -> Vec<(Operation, MethodRouter<App>)> {
    [about_photos(), about_decisions_and_heads()].into_iter().flatten().collect()
}

fn about_photos() -> Vec<(Operation, MethodRouter<App>)> {
    vec![
        (get("/v1/version", "The version of the daemon").answer::<Version>(), on_get(version)),
        (get("/v1/status", "The status of the daemon").answer::<Status>(), on_get(status)),
        (get("/v1/roots", "The watched folders").answer::<Vec<RootStatus>>(), on_get(roots)),
        (post("/v1/roots", "Watch a folder").needs(&["path"]).answer::<Watched>(), on_post(add_root)),
        (delete("/v1/roots", "Stop watching a folder").needs(&["path"]), on_delete(remove_root)),
        (post("/v1/scan", "Scan the paths, or everything").takes(&["path", "forget"]), on_post(scan)),
        (
            get("/v1/wait", "Wait until everything under the paths is read").takes(&["path", "timeout_ms", "since"]).answer::<Progress>(),
            on_get(wait),
        ),
        (
            post("/v1/wait", "The same, also with the parameters as the body").takes(&["path", "timeout_ms", "since"]).answer::<Progress>(),
            on_post(wait),
        ),
        (
            get("/v1/clusters", "Photos that are versions of each other")
                .takes(&["path", "threshold", "relation", "everywhere", "after", "limit"])
                .list::<Clusters, Cluster>(),
            on_get(clusters),
        ),
        (
            post("/v1/clusters", "The same, also with the parameters as the body")
                .takes(&["path", "threshold", "relation", "everywhere", "after", "limit"])
                .list::<Clusters, Cluster>(),
            on_post(clusters),
        ),
        (
            get("/v1/pairs", "Pairs of photos, closest first")
                .takes(&["path", "max_distance", "relation", "after", "limit"])
                .list::<Pairs, FilePair>(),
            on_get(pairs),
        ),
        (
            post("/v1/pairs", "The same, also with the parameters as the body")
                .takes(&["path", "max_distance", "relation", "after", "limit"])
                .list::<Pairs, FilePair>(),
            on_post(pairs),
        ),
        (
            post("/v1/similar", "The photos nearest to the picture in the body").takes(&["k", "head"]).sent("image/*").answer::<Similar>(),
            on_post(similar),
        ),
        (
            post("/v1/compare", "Two pictures, one after the other in the body; split is the length of the first")
                .needs(&["split"])
                .sent("application/octet-stream")
                .answer::<Comparison>(),
            on_post(compare),
        ),
    ]
}

fn about_decisions_and_heads() -> Vec<(Operation, MethodRouter<App>)> {
    vec![
        (get("/v1/decisions", "All decisions, by picture hash").answer::<Vec<DecisionText>>(), on_get(decisions)),
        (
            get("/v1/decisions/list", "All decisions with the files of their photos, the oldest first").answer::<Vec<ListedDecision>>(),
            on_get(listed_decisions),
        ),
        (
            post("/v1/decisions", "Store a decision on every two of the photos")
                .needs(&["verdict"])
                .takes(&["path"])
                .answer::<DecisionCount>(),
            on_post(decide),
        ),
        (
            delete("/v1/decisions", "Remove the decisions on every two of the photos")
                .takes(&["path", "picture"])
                .answer::<DecisionCount>(),
            on_delete(undecide),
        ),
        (
            post("/v1/decisions/import", "Import the decisions in the body, in the form of GET /v1/decisions")
                .sent_json::<Vec<DecisionText>>()
                .answer::<DecisionCount>(),
            on_post(import),
        ),
        (get("/v1/heads", "All heads, with the results of their tuning").answer::<Vec<HeadInfo>>(), on_get(heads)),
        (delete("/v1/heads", "Remove a head").needs(&["name"]), on_delete(remove_head)),
        (
            post("/v1/heads/use", "Put a head in use; with try, only report how clusters would change")
                .needs(&["name"])
                .takes(&["try"])
                .answer::<ClusterChanges>(),
            on_post(use_head),
        ),
        (get("/v1/tune", "The running tuning, or how the last one ended").answer::<TuningState>(), on_get(tuning)),
        (
            post("/v1/tune", "Tune a head on this library").takes(&["name", "positives", "minutes", "photos"]).answer::<TuningOrder>(),
            on_post(tune),
        ),
        (delete("/v1/tune", "End a tuning with its current head"), on_delete(stop_tuning)),
        (get("/v1/failures", "Files that could not be read, and why").takes(&["path"]).answer::<Failures>(), on_get(failures)),
        (post("/v1/failures", "The same, also with the parameters as the body").takes(&["path"]).answer::<Failures>(), on_post(failures)),
        (get("/v1/events", "Events as they happen; with Last-Event-ID, those after that event").events::<Event>(), on_get(events)),
        (post("/v1/reload", "Read the settings again").answer::<Reloaded>(), on_post(reload)),
        (post("/v1/stop", "End the daemon"), on_post(stop)),
        (get("/v1/openapi.json", "This description"), on_get(async || Json(document()))),
    ]
}

fn document() -> serde_json::Value {
    openapi::document(operations().iter().map(|(operation, _)| operation))
}

pub fn router(service: Arc<dyn Service>) -> Router {
    operations()
        .into_iter()
        .fold(Router::new(), |router, (operation, handler)| router.route(operation.path, handler))
        .fallback(async || Problem::new(Code::NoSuchRoute, "there is no such route").hint("GET /v1/openapi.json lists the routes"))
        .method_not_allowed_fallback(async || {
            Problem::new(Code::NoSuchMethod, "this route has no such method").hint("GET /v1/openapi.json lists the methods")
        })
        .with_state(App {
            service,
            uploads: Uploads::new(),
            short_permits: Arc::new(Semaphore::new(SHORT_PERMITS)),
            long_permits: Arc::new(Semaphore::new(available_parallelism().map_or(2, NonZeroUsize::get))),
            encoder_permit: Arc::new(Semaphore::new(1)),
            heads_permit: Arc::new(Semaphore::new(1)),
            wait_permits: Arc::new(Semaphore::new(MAX_LONG_POLLS)),
        })
}

/// Runs a blocking answer outside of the server's threads.
async fn answer<T: Serialize + Send + 'static>(
    app: &App,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    blocking(app, permit(&app.short_permits).await?, work).await
}

/// The same for CPU-heavy answers.
async fn long_answer<T: Serialize + Send + 'static>(
    app: &App,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    blocking(app, permit(&app.long_permits).await?, work).await
}

/// The same for answers that may wait for a disk.
async fn waiting<T: Serialize + Send + 'static>(
    app: &App,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let permit = wait_permit(app)?;
    blocking(app, permit, work).await
}

/// A permit for a request that may wait for a disk.
fn wait_permit(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    let permit = app.wait_permits.clone().try_acquire_owned();
    permit.map_err(|_| Problem::new(Code::Busy, format!("{MAX_LONG_POLLS} requests wait already")).hint("try again in a moment"))
}

/// The paths, after a check that the daemon's view of each is the client's. It comes before any permit for an answer,
/// because a disk may not answer.
async fn seen_alike(app: &App, asked: Asked) -> Result<Vec<PathBuf>, Problem> {
    let permit = wait_permit(app)?;
    let (service, first) = (app.service.clone(), asked.first());
    let compared = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        asked.seen_alike(service.as_ref())
    });
    let compared = tokio::time::timeout(VIEW_TIMEOUT, compared).await;
    let silent = |_| Problem::new(Code::OtherView, format!("no answer: a disk does not respond, that of {first} or of a later path"));
    compared.map_err(silent)?.map_err(Problem::internal)?
}

/// Runs `work` on another thread, which keeps the permit to the end, even if the client disconnects.
async fn blocking<T: Serialize + Send + 'static>(
    app: &App,
    permit: impl Send + 'static,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let service = app.service.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let answer = work(service.as_ref())?;
        serde_json::to_vec(&answer).map_err(Problem::internal)
    });
    let json = answer.await.map_err(Problem::internal)??;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// Sends a long answer in the form that the client requests.
async fn list<L: Listing>(
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

type Answer = Result<Response, Problem>;

async fn version(State(app): State<App>) -> Response {
    Json(app.service.version()).into_response()
}

async fn status(State(app): State<App>) -> Answer {
    answer(&app, |s| s.status()).await
}

async fn roots(State(app): State<App>) -> Answer {
    answer(&app, |s| s.roots()).await
}

async fn add_root(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let asked = query.asked()?;
    query.end()?;
    let path = only(seen_alike(&app, asked).await?)?;
    waiting(&app, move |s| s.add_root(&path)).await
}

async fn remove_root(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let asked = query.asked()?;
    query.end()?;
    let path = only(seen_alike(&app, asked).await?)?;
    waiting(&app, move |s| s.remove_root(&path)).await
}

fn only(paths: Vec<PathBuf>) -> Result<PathBuf, Problem> {
    let [path] = <[PathBuf; 1]>::try_from(paths).map_err(|_| Problem::new(Code::Path, "exactly one path is needed"))?;
    Ok(path)
}

async fn scan(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let asked = query.asked()?;
    let gone = if query.is_on("forget")? { Gone::Forget } else { Gone::AskIfMany };
    query.end()?;
    let paths = seen_alike(&app, asked).await?;
    answer(&app, move |s| s.scan(&paths, gone)).await
}

async fn wait(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let asked = query.asked()?;
    let timeout = Duration::from_millis(query.number("timeout_ms")?.unwrap_or(1000)).min(MAX_WAIT);
    let since = query.number("since")?;
    query.end()?;
    let paths = seen_alike(&app, asked).await?;
    waiting(&app, move |s| s.wait(&paths, timeout, since)).await
}

async fn clusters(State(app): State<App>, headers: HeaderMap, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let everywhere = query.is_on("everywhere")?;
    let (after, limit) = query.page()?;
    let asked = query.asked()?;
    let selection =
        Selection { paths: Vec::new(), threshold: query.distance("threshold")?, relations: query.relations()?, everywhere, after, limit };
    query.end()?;
    let selection = Selection { paths: seen_alike(&app, asked).await?, ..selection };
    list::<Clusters>(&app, &headers, move |service, take| service.clusters(&selection, take)).await
}

async fn pairs(State(app): State<App>, headers: HeaderMap, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let (after, limit) = query.page()?;
    let asked = query.asked()?;
    let selection = Selection {
        paths: Vec::new(),
        threshold: query.distance("max_distance")?,
        relations: query.relations()?,
        everywhere: false,
        after,
        limit,
    };
    query.end()?;
    let selection = Selection { paths: seen_alike(&app, asked).await?, ..selection };
    list::<Pairs>(&app, &headers, move |service, take| service.pairs(&selection, take)).await
}

async fn events(State(app): State<App>, headers: HeaderMap) -> impl IntoResponse {
    events::stream(app.service.as_ref(), &headers)
}

async fn failures(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let asked = query.asked()?;
    query.end()?;
    let paths = seen_alike(&app, asked).await?;
    long_answer(&app, move |s| s.failures(&paths)).await
}

async fn decisions(State(app): State<App>) -> Answer {
    answer(&app, |s| Ok(s.decisions())).await
}

async fn listed_decisions(State(app): State<App>) -> Answer {
    long_answer(&app, |s| s.listed_decisions()).await
}

async fn decide(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let verdict = query.text("verdict")?;
    let known = verdict.parse::<Verdict>().map_err(|e| Problem::new(Code::Verdict, e.to_string()).hint("use same or different"))?;
    let asked = query.asked()?;
    query.end()?;
    let paths = seen_alike(&app, asked).await?;
    answer(&app, move |s| s.decide(&paths, known)).await
}

async fn undecide(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let (asked, pictures) = (query.asked()?, query.pictures()?);
    query.end()?;
    let paths = seen_alike(&app, asked).await?;
    answer(&app, move |s| s.forget(&paths, &pictures)).await
}

async fn import(State(app): State<App>, request: Request) -> Answer {
    let upload = app.uploads.take(request).await?;
    answer(&app, move |s| {
        let decisions: Vec<DecisionText> = serde_json::from_slice(&upload).map_err(|e| {
            Problem::new(Code::Decision, format!("the body does not hold decisions: {e}")).hint("GET /v1/decisions shows their form")
        })?;
        s.import(decisions)
    })
    .await
}

async fn heads(State(app): State<App>) -> Answer {
    answer(&app, |s| Ok(s.heads())).await
}

async fn use_head(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let name = query.text("name")?;
    let switch = if query.is_on("try")? { Switch::Try } else { Switch::Take };
    query.end()?;
    blocking(&app, permit(&app.heads_permit).await?, move |s| s.use_head(&name, switch)).await
}

async fn remove_head(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let name = query.text("name")?;
    query.end()?;
    blocking(&app, permit(&app.heads_permit).await?, move |s| s.remove_head(&name)).await
}

/// The daemon chooses the parameters that are missing.
async fn tune(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let name = query.take("name").map(|name| String::from_utf8_lossy(&name).into_owned());
    let positives = query.positives()?;
    let (minutes, photos) = (query.number("minutes")?, query.number("photos")?);
    query.end()?;
    answer(&app, move |s| s.tune(name, positives, minutes, photos)).await
}

async fn tuning(State(app): State<App>) -> Answer {
    answer(&app, |s| Ok(s.tuning())).await
}

async fn stop_tuning(State(app): State<App>) -> Answer {
    answer(&app, |s| s.stop_tuning()).await
}

async fn similar(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = Query::new(query);
    let count = query.number("k")?.unwrap_or(10);
    let head = query.take("head").map(|name| String::from_utf8_lossy(&name).into_owned());
    query.end()?;
    let upload = app.uploads.take(request).await?;
    let permits = (permit(&app.encoder_permit).await?, permit(&app.long_permits).await?);
    blocking(&app, permits, move |s| s.similar(&upload, count, head.as_deref())).await
}

async fn compare(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = Query::new(query);
    let split: usize = query.number("split")?.ok_or_else(|| Problem::new(Code::Split, "split must be the length of the first file"))?;
    query.end()?;
    let upload = app.uploads.take(request).await?;
    if split > upload.len() {
        return Err(Problem::new(Code::Split, "split is past the end of the body"));
    }
    let permits = (permit(&app.encoder_permit).await?, permit(&app.long_permits).await?);
    blocking(&app, permits, move |s| s.compare(&upload[..split], &upload[split..])).await
}

async fn reload(State(app): State<App>) -> Answer {
    answer(&app, |s| s.reload()).await
}

async fn stop(State(app): State<App>) -> StatusCode {
    app.service.stop();
    StatusCode::ACCEPTED
}
