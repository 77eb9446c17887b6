//! The routes of `/v1`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast};

use super::paths::{parse_query, path_of};
use super::types::{DecisionText, ErrorBody, ErrorText, Event, Selection, What};
use super::uploads::Uploads;
use super::{Problem, Service, openapi};
use crate::photo::{Relation, Verdict};

/// Answers made at once, each on a thread; others wait their turn.
const TURNS: usize = 16;

/// Requests that wait for photos to be read, at once; beyond, a client is told.
const WAITS: usize = 128;

/// Longest query that comes as a body: some thousands of paths.
const QUERY: usize = 16 << 20;

/// Longest wait that one request may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct App {
    service: Arc<dyn Service>,
    uploads: Uploads,
    turns: Arc<Semaphore>,
    waits: Arc<Semaphore>,
}

pub fn router(service: Arc<dyn Service>) -> Router {
    Router::new()
        .route("/v1/version", get(version))
        .route("/v1/status", get(status))
        .route("/v1/roots", get(roots).post(add_root).delete(remove_root))
        .route("/v1/scan", post(scan))
        .route("/v1/wait", get(wait).post(wait))
        .route("/v1/clusters", get(clusters).post(clusters))
        .route("/v1/pairs", get(pairs).post(pairs))
        .route("/v1/failures", get(failures))
        .route("/v1/decisions", get(decisions).post(decide).delete(undecide))
        .route("/v1/decisions/import", post(import))
        .route("/v1/similar", post(similar))
        .route("/v1/compare", post(compare))
        .route("/v1/heads", get(heads).delete(remove_head))
        .route("/v1/heads/use", post(use_head))
        .route("/v1/tune", get(tuning).post(tune).delete(stop_tuning))
        .route("/v1/events", get(events))
        .route("/v1/reload", post(reload))
        .route("/v1/stop", post(stop))
        .route("/v1/openapi.json", get(async || Json(openapi::document())))
        .fallback(async || Problem {
            status: StatusCode::NOT_FOUND,
            code: "no-such-route",
            message: "there is nothing here".into(),
            hint: Some("GET /v1/openapi.json lists what there is".into()),
        })
        .layer(DefaultBodyLimit::max(QUERY))
        .with_state(App {
            service,
            uploads: Uploads::new(),
            turns: Arc::new(Semaphore::new(TURNS)),
            waits: Arc::new(Semaphore::new(WAITS)),
        })
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: ErrorText { code: self.code.into(), message: self.message, hint: self.hint } };
        (self.status, Json(body)).into_response()
    }
}

/// A query's parameters; every one must be taken.
struct Query(Vec<(String, Vec<u8>)>);

impl Query {
    fn new(query: Option<String>) -> Query {
        Query(parse_query(query.as_deref().unwrap_or_default()))
    }

    /// A query too long for a URI comes as the body of a POST.
    fn or_body(query: Option<String>, body: &[u8]) -> Query {
        if body.is_empty() { Query::new(query) } else { Query::new(Some(String::from_utf8_lossy(body).into_owned())) }
    }

    fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(at).1)
    }

    fn paths(&mut self) -> Result<Vec<PathBuf>, Problem> {
        let mut paths = Vec::new();
        while let Some(value) = self.take("path") {
            let path = path_of(value);
            if !path.is_absolute() {
                return Err(Problem::bad_request("relative-path", format!("{} is not an absolute path", path.display())));
            }
            paths.push(path);
        }
        Ok(paths)
    }

    fn one_path(&mut self) -> Result<PathBuf, Problem> {
        match <[PathBuf; 1]>::try_from(self.paths()?) {
            Ok([path]) => Ok(path),
            Err(_) => Err(Problem::bad_request("path", "exactly one path is needed")),
        }
    }

    fn number<T: std::str::FromStr>(&mut self, name: &'static str) -> Result<Option<T>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = String::from_utf8_lossy(&value).into_owned();
        text.parse().map(Some).map_err(|_| Problem::bad_request("number", format!("{name}={text} is not a number that fits")))
    }

    fn text(&mut self, name: &'static str) -> Result<String, Problem> {
        let value = self.take(name).ok_or_else(|| Problem::bad_request("parameter", format!("{name} is missing")))?;
        Ok(String::from_utf8_lossy(&value).into_owned())
    }

    fn distance(&mut self, name: &'static str) -> Result<Option<f32>, Problem> {
        match self.number::<f32>(name)? {
            Some(d) if !(0.0..=2.0).contains(&d) => {
                Err(Problem::bad_request("distance", format!("{name}={d} is not a distance from 0 to 2")))
            }
            distance => Ok(distance),
        }
    }

    fn relations(&mut self) -> Result<Vec<Relation>, Problem> {
        let Some(value) = self.take("relation") else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(&value).into_owned();
        let known =
            |name: &str| [Relation::Identical, Relation::Copy, Relation::Moment, Relation::Unknown].into_iter().find(|r| r.name() == name);
        text.split(',')
            .map(|name| {
                known(name).ok_or_else(|| {
                    Problem::bad_request("relation", format!("{name} is no relation")).hint("identical, copy, moment, unknown")
                })
            })
            .collect()
    }

    fn end(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::bad_request("parameter", format!("{name} is not a parameter here"))),
        }
    }
}

/// Runs a blocking answer apart from the threads that serve.
async fn answer<T: Serialize + Send + 'static>(
    app: &App,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let _turn = app.turns.acquire().await.map_err(Problem::internal)?;
    apart(app, work).await
}

async fn apart<T: Serialize + Send + 'static>(
    app: &App,
    work: impl FnOnce(&dyn Service) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let service = app.service.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let answer = work(service.as_ref())?;
        serde_json::to_vec(&answer).map_err(Problem::internal)
    });
    let json = answer.await.map_err(Problem::internal)??;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
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

async fn add_root(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let path = query.one_path()?;
    query.end()?;
    answer(&app, move |s| s.add_root(&path)).await
}

async fn remove_root(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let path = query.one_path()?;
    query.end()?;
    answer(&app, move |s| s.remove_root(&path)).await
}

async fn scan(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let paths = query.paths()?;
    let forget = query.take("forget").is_some_and(|v| v != b"false");
    query.end()?;
    answer(&app, move |s| s.scan(&paths, forget)).await
}

async fn wait(State(app): State<App>, RawQuery(query): RawQuery, body: Bytes) -> Answer {
    let mut query = Query::or_body(query, &body);
    let paths = query.paths()?;
    let timeout = Duration::from_millis(query.number("timeout_ms")?.unwrap_or(1000)).min(LONGEST_WAIT);
    query.end()?;
    let _place = app.waits.try_acquire().map_err(|_| Problem {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "busy",
        message: format!("{WAITS} requests wait already"),
        hint: Some("try again in a moment".into()),
    })?;
    apart(&app, move |s| s.wait(&paths, timeout)).await
}

async fn clusters(State(app): State<App>, RawQuery(query): RawQuery, body: Bytes) -> Answer {
    let mut query = Query::or_body(query, &body);
    let everywhere = query.take("everywhere").is_some_and(|v| v != b"false");
    let selection = Selection { paths: query.paths()?, threshold: query.distance("threshold")?, relations: query.relations()?, everywhere };
    query.end()?;
    answer(&app, move |s| s.clusters(&selection)).await
}

async fn pairs(State(app): State<App>, RawQuery(query): RawQuery, body: Bytes) -> Answer {
    let mut query = Query::or_body(query, &body);
    let selection =
        Selection { paths: query.paths()?, threshold: query.distance("max_distance")?, relations: query.relations()?, everywhere: false };
    query.end()?;
    answer(&app, move |s| s.pairs(&selection)).await
}

async fn failures(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let paths = query.paths()?;
    query.end()?;
    answer(&app, move |s| s.failures(&paths)).await
}

async fn decisions(State(app): State<App>) -> Answer {
    answer(&app, |s| Ok(s.decisions())).await
}

async fn decide(State(app): State<App>, RawQuery(query): RawQuery, body: Bytes) -> Answer {
    let mut query = Query::or_body(query, &body);
    let verdict = query.text("verdict")?;
    let known = Verdict::from_name(&verdict)
        .ok_or_else(|| Problem::bad_request("verdict", format!("{verdict:?} is no verdict")).hint("same, different"))?;
    let paths = query.paths()?;
    query.end()?;
    answer(&app, move |s| s.decide(&paths, Some(known))).await
}

async fn undecide(State(app): State<App>, RawQuery(query): RawQuery, body: Bytes) -> Answer {
    let mut query = Query::or_body(query, &body);
    let paths = query.paths()?;
    query.end()?;
    answer(&app, move |s| s.decide(&paths, None)).await
}

async fn import(State(app): State<App>, request: Request) -> Answer {
    let upload = app.uploads.take(request).await?;
    let decisions: Vec<DecisionText> = serde_json::from_slice(&upload.bytes).map_err(|e| {
        Problem::bad_request("decision", format!("these are no decisions: {e}")).hint("GET /v1/decisions shows what they look like")
    })?;
    answer(&app, move |s| s.import(decisions)).await
}

async fn heads(State(app): State<App>) -> Answer {
    answer(&app, |s| Ok(s.heads())).await
}

async fn use_head(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let name = query.text("name")?;
    let only_try = query.take("try").is_some_and(|v| v != b"false");
    query.end()?;
    answer(&app, move |s| s.use_head(&name, only_try)).await
}

async fn remove_head(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let name = query.text("name")?;
    query.end()?;
    answer(&app, move |s| s.remove_head(&name)).await
}

/// What is left out is chosen.
async fn tune(State(app): State<App>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::new(query);
    let name = query.take("name").map(|name| String::from_utf8_lossy(&name).into_owned());
    let positives = query.take("positives").map_or_else(|| "edits".into(), |p| String::from_utf8_lossy(&p).into_owned());
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
    answer(&app, move |s| s.similar(&upload.bytes, count, head.as_deref())).await
}

async fn compare(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = Query::new(query);
    let split: usize = query
        .number("split")?
        .ok_or_else(|| Problem::bad_request("split", "split says how many bytes of the body are the first file's"))?;
    query.end()?;
    let upload = app.uploads.take(request).await?;
    if split > upload.bytes.len() {
        return Err(Problem::bad_request("split", "split is past the end of the body"));
    }
    answer(&app, move |s| s.compare(&upload.bytes[..split], &upload.bytes[split..])).await
}

async fn reload(State(app): State<App>) -> Answer {
    answer(&app, |s| s.reload()).await
}

async fn stop(State(app): State<App>) -> StatusCode {
    app.service.stop();
    StatusCode::ACCEPTED
}

/// Numbers of events are of one run of the daemon: who comes back says which run the last was of.
async fn events(State(app): State<App>, headers: HeaderMap) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>>> {
    let run = app.service.version().run;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.split_once('-'));
    // After another run everything of this one is new.
    let after = last.map(|(of, id)| if of == run { id.parse().unwrap_or(0) } else { 0 });
    let (missed, next) = app.service.events(after);
    let mut before: VecDeque<Event> = missed.into();
    if last.is_some_and(|(of, _)| of != run) {
        before.push_front(Event { id: 0, what: What::Missed { count: 0 } });
    }
    Sse::new(stream::unfold(Listening { run, before, next }, next_event)).keep_alive(KeepAlive::default())
}

struct Listening {
    run: String,
    /// What came before it listened.
    before: VecDeque<Event>,
    next: broadcast::Receiver<Event>,
}

async fn next_event(mut listening: Listening) -> Option<(Result<SseEvent, Infallible>, Listening)> {
    let event = match listening.before.pop_front() {
        Some(event) => event,
        None => match listening.next.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => Event { id: 0, what: What::Missed { count } },
            Err(RecvError::Closed) => return None,
        },
    };
    let mut sse = SseEvent::default().json_data(&event).unwrap_or_default();
    // What was missed leaves the number of the last event as it is.
    if event.id > 0 {
        sse = sse.id(format!("{}-{}", listening.run, event.id));
    }
    Some((Ok(sse), listening))
}
