//! The routes of `/v1`: their parameters and handlers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete as on_delete, get as on_get, post as on_post};
use axum::{Json, Router};

use super::app::{Answer, App, answer, blocking, done, lines, list, long_answer, no_content, permit, seen_alike, wait_permit, waiting};
use super::events;
use super::openapi::{self, Operation, delete, get, post};
use super::problem::{Code, Problem};
use super::query::Query;
use super::service::{Gone, Service, Switch};
use super::types::{
    Cluster, ClusterChanges, Clusters, Comparison, DecisionCount, DecisionList, Event, Failures, FilePair, HeadList, KeptPictures,
    KnownAnswer, KnownQuestion, ListedDecisions, Pairs, Progress, Reloaded, RootList, Selection, Similar, Status, TuningOrder, TuningState,
    Version, Versioned, Watched,
};
use crate::photo::Verdict;

/// The longest wait of one request.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The most kept pictures of one answer, which is made in memory.
const MAX_PICTURES: usize = 256;

/// All operations, with their descriptions and handlers.
fn operations() -> Vec<(Operation, MethodRouter<App>)> {
    [about_photos(), about_decisions_and_heads()].into_iter().flatten().collect()
}

fn about_photos() -> Vec<(Operation, MethodRouter<App>)> {
    vec![
        (get("/v1/version", "The version of the daemon").answer::<Version>(), on_get(version)),
        (get("/v1/status", "The status of the daemon").answer::<Status>(), on_get(status)),
        (get("/v1/roots", "The watched folders").answer::<RootList>(), on_get(roots)),
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
                .takes(&["path", "threshold", "relation", "everywhere", "within_shots", "after", "limit"])
                .list::<Clusters, Cluster>(),
            on_get(clusters),
        ),
        (
            post("/v1/clusters", "The same, also with the parameters as the body")
                .takes(&["path", "threshold", "relation", "everywhere", "within_shots", "after", "limit"])
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
            get("/v1/pictures", "The kept pictures of photos, by picture hash").takes(&["picture"]).answer::<KeptPictures>(),
            on_get(pictures),
        ),
        (
            post("/v1/pictures", "The same, also with the parameters as the body").takes(&["picture"]).answer::<KeptPictures>(),
            on_post(pictures),
        ),
        (
            post("/v1/compare", "Two pictures, one after the other in the body; split is the length of the first")
                .needs(&["split"])
                .sent("application/octet-stream")
                .answer::<Comparison>(),
            on_post(compare),
        ),
        (
            post("/v1/known", "Whether files are known, and where: one question per line of the body, one answer per line")
                .takes(&["path"])
                .lines::<KnownQuestion, KnownAnswer>(),
            on_post(known),
        ),
    ]
}

fn about_decisions_and_heads() -> Vec<(Operation, MethodRouter<App>)> {
    vec![
        (get("/v1/decisions", "All decisions, by picture hash").answer::<DecisionList>(), on_get(decisions)),
        (
            get("/v1/decisions/list", "All decisions with the files of their photos, the oldest first").answer::<ListedDecisions>(),
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
                .sent_json::<DecisionList>()
                .answer::<DecisionCount>(),
            on_post(import),
        ),
        (get("/v1/heads", "All heads, with the results of their tuning").answer::<HeadList>(), on_get(heads)),
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
        (
            get("/v1/failures", "Files that could not be read, and why").takes(&["path", "after", "limit"]).answer::<Failures>(),
            on_get(failures),
        ),
        (
            post("/v1/failures", "The same, also with the parameters as the body").takes(&["path", "after", "limit"]).answer::<Failures>(),
            on_post(failures),
        ),
        (get("/v1/events", "Events as they happen; with Last-Event-ID, those after that event").events::<Event>(), on_get(events)),
        (post("/v1/reload", "Read the settings again").answer::<Reloaded>(), on_post(reload)),
        (post("/v1/stop", "End the daemon"), on_post(stop)),
        (get("/v1/openapi.json", "This description").answer_json(), on_get(async || Json(document()))),
    ]
}

/// The OpenAPI description.
pub fn document() -> serde_json::Value {
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
        .with_state(App::new(service))
}

async fn version(State(app): State<App>) -> Response {
    Json(Versioned::of(app.service.version())).into_response()
}

async fn status(State(app): State<App>) -> Answer {
    answer(&app, |s| s.status()).await
}

async fn roots(State(app): State<App>) -> Answer {
    answer(&app, |s| Ok(RootList { roots: s.roots()? })).await
}

async fn add_root(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let asked = query.asked()?;
    query.end()?;
    let path = only(seen_alike(&app, asked).await?)?;
    waiting(&app, move |s| s.add_root(&path)).await
}

async fn remove_root(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let asked = query.asked()?;
    query.end()?;
    let path = only(seen_alike(&app, asked).await?)?;
    let permit = wait_permit(&app)?;
    no_content(&app, permit, move |s| s.remove_root(&path)).await
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
    done(&app, move |s| s.scan(&paths, gone)).await
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
    let (everywhere, within_shots) = (query.is_on("everywhere")?, query.is_on("within_shots")?);
    let (after, limit) = query.page()?;
    let asked = query.asked()?;
    let (threshold, relations) = (query.distance("threshold")?, query.relations()?);
    let selection = Selection { paths: Vec::new(), threshold, relations, everywhere, within_shots, after, limit };
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
        within_shots: false,
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
    let (after, limit) = query.page()?;
    let asked = query.asked()?;
    query.end()?;
    let paths = seen_alike(&app, asked).await?;
    long_answer(&app, move |s| s.failures(&paths, after.as_deref(), limit)).await
}

async fn decisions(State(app): State<App>) -> Answer {
    answer(&app, |s| Ok(DecisionList { decisions: s.decisions() })).await
}

async fn listed_decisions(State(app): State<App>) -> Answer {
    long_answer(&app, |s| Ok(ListedDecisions { decisions: s.listed_decisions()? })).await
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
    let upload = app.uploads.take_json(request).await?;
    answer(&app, move |s| {
        let DecisionList { decisions } = serde_json::from_slice(&upload).map_err(|e| {
            Problem::new(Code::Decision, format!("the body does not hold decisions: {e}")).hint("GET /v1/decisions shows their form")
        })?;
        s.import(decisions)
    })
    .await
}

async fn heads(State(app): State<App>) -> Answer {
    answer(&app, |s| Ok(HeadList { heads: s.heads() })).await
}

async fn use_head(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let name = query.text("name")?;
    let switch = if query.is_on("try")? { Switch::Try } else { Switch::Take };
    query.end()?;
    blocking(&app, permit(&app.heads_permit).await?, move |s| s.use_head(&name, switch)).await
}

async fn remove_head(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let name = query.text("name")?;
    query.end()?;
    no_content(&app, permit(&app.heads_permit).await?, move |s| s.remove_head(&name)).await
}

/// The daemon chooses the parameters that are missing.
async fn tune(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
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
    done(&app, |s| s.stop_tuning()).await
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

async fn pictures(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = app.query(query, request).await?;
    let pictures = query.pictures()?;
    query.end()?;
    if pictures.len() > MAX_PICTURES {
        return Err(
            Problem::new(Code::Parameter, format!("more than {MAX_PICTURES} pictures were asked for")).hint("ask again for the others")
        );
    }
    long_answer(&app, move |s| s.pictures(&pictures)).await
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

async fn known(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Answer {
    let mut query = Query::new(query);
    let asked = query.asked()?;
    query.end()?;
    let upload = app.uploads.take_lines(request).await?;
    let questions = questions(&upload)?;
    let paths = seen_alike(&app, asked).await?;
    let permit = permit(&app.long_permits).await?;
    lines(&app, permit, move |s| s.known(&paths, &questions)).await
}

/// The questions of a body, one per line.
fn questions(body: &[u8]) -> Result<Vec<KnownQuestion>, Problem> {
    let lines = body.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    let parsed = lines.map(|(line, number): (&[u8], u64)| {
        serde_json::from_slice(line).map_err(|e| {
            let hint = r#"a line is an object such as {"n": 1, "size": 4096, "content": "…"}"#;
            Problem::new(Code::Question, format!("line {number} of the body is not a question: {e}")).hint(hint)
        })
    });
    parsed.collect()
}

async fn reload(State(app): State<App>) -> Answer {
    answer(&app, |s| s.reload()).await
}

async fn stop(State(app): State<App>) -> StatusCode {
    app.service.stop();
    StatusCode::NO_CONTENT
}
