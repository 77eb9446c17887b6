//! Bodies of requests. Their total size is limited, and slow ones are refused. Large bodies, and those of unknown
//! length, wait for each other and do not delay small ones.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::listing::NDJSON;
use super::problem::{Code, Problem};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// What a body holds.
#[derive(Clone, Copy)]
enum Content {
    Pictures,
    Query,
    Json,
    Lines,
}

impl Content {
    /// Whether a body of this media type may hold it. curl says of every body that it is a form.
    fn may_be(self, media_type: &str) -> bool {
        match self {
            Content::Pictures => media_type.starts_with("image/") || [FORM, "application/octet-stream"].contains(&media_type),
            Content::Query => media_type == FORM,
            Content::Json => media_type == JSON || media_type.ends_with("+json"),
            Content::Lines => [NDJSON, FORM].contains(&media_type),
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Content::Pictures => "send the bytes of the picture alone, as image/* or application/octet-stream, or without a Content-Type",
            Content::Query => "send the parameters in the address, or as application/x-www-form-urlencoded; no parameter is sent as JSON",
            Content::Lines => "send one JSON object per line with the header Content-Type: application/x-ndjson, or without one",
            Content::Json => "send JSON with the header Content-Type: application/json",
        }
    }
}

const MEGABYTE: usize = 1 << 20;

/// The largest body: a pair of the largest files that are read.
const MAX_BODY_BYTES: usize = 512 * MEGABYTE;

/// The largest query that is sent as a body: more than 100,000 paths.
pub(super) const MAX_QUERY_BYTES: usize = 64 * MEGABYTE;

/// Bodies up to this size, which is that of two photos, have their own share of memory.
const MAX_SMALL_BODY_BYTES: usize = 64 * MEGABYTE;

/// The memory for all small bodies, and for all others.
const SMALL_BODIES_BYTES: usize = 256 * MEGABYTE;
const LARGE_BODIES_BYTES: usize = MAX_BODY_BYTES;

/// How long to wait for memory, and for the next bytes.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);
const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The least average speed of a body, in bytes a second.
const MIN_BYTES_PER_SECOND: usize = MEGABYTE;

/// The memory for bodies.
#[derive(Clone)]
pub struct Uploads {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// A body, and the memory that it reserves until it is dropped.
pub struct Upload {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Deref for Upload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Uploads {
    pub fn new() -> Uploads {
        let room = |bytes: usize| Arc::new(Semaphore::new(bytes / MEGABYTE));
        Uploads { small: room(SMALL_BODIES_BYTES), large: room(LARGE_BODIES_BYTES) }
    }

    /// Receives the body of a request: one picture or more.
    ///
    /// # Errors
    /// If it is said to be of another type, is too large or too slow, or if no memory becomes free in time.
    pub async fn take(&self, request: Request) -> Result<Upload, Problem> {
        self.take_up_to(MAX_BODY_BYTES, Content::Pictures, request).await
    }

    /// Receives a body that holds a query.
    ///
    /// # Errors
    /// See [`take`](Uploads::take).
    pub async fn take_query(&self, request: Request) -> Result<Upload, Problem> {
        self.take_up_to(MAX_QUERY_BYTES, Content::Query, request).await.map_err(|problem| match problem.code {
            Code::TooLarge => problem.hint("ask about fewer paths, or about the folders that they are in"),
            _ => problem,
        })
    }

    /// Receives a body that holds JSON.
    ///
    /// # Errors
    /// See [`take`](Uploads::take).
    pub async fn take_json(&self, request: Request) -> Result<Upload, Problem> {
        self.take_up_to(MAX_BODY_BYTES, Content::Json, request).await
    }

    /// Receives a body that holds JSON objects, one per line.
    ///
    /// # Errors
    /// See [`take`](Uploads::take).
    pub async fn take_lines(&self, request: Request) -> Result<Upload, Problem> {
        self.take_up_to(MAX_QUERY_BYTES, Content::Lines, request).await
    }

    async fn take_up_to(&self, largest: usize, content: Content, request: Request) -> Result<Upload, Problem> {
        let stated = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        check_type(content, &request)?;
        let length = if request.body().is_end_stream() { 0 } else { stated.unwrap_or(largest) };
        if length > largest {
            return Err(too_large(largest));
        }
        let room = if length <= MAX_SMALL_BODY_BYTES { &self.small } else { &self.large };
        // A request without a body does not have to wait for memory.
        let room = room.clone().acquire_many_owned(length.div_ceil(MEGABYTE) as u32);
        let room = timeout(QUEUE_TIMEOUT, room).await.map_err(|_| busy())?.map_err(Problem::internal)?;
        // Reserving memory that is not used costs nothing. Growing a buffer would need twice the memory.
        let bytes = Vec::with_capacity(stated.unwrap_or(0).min(length));
        Ok(Upload { bytes: read(request.into_body(), bytes, length).await?, _room: room })
    }
}

/// Refuses a body that is said to be of another type than the route reads. Most clients do not say.
fn check_type(content: Content, request: &Request) -> Result<(), Problem> {
    let stated = request.headers().get(header::CONTENT_TYPE).map(|stated| String::from_utf8_lossy(stated.as_bytes()).to_lowercase());
    let media_type = stated.as_deref().and_then(|stated| stated.split(';').next()).map(str::trim);
    match media_type {
        Some(media_type) if !request.body().is_end_stream() && !content.may_be(media_type) => {
            Err(Problem::new(Code::MediaType, format!("this route does not read a body of type {media_type}")).hint(content.hint()))
        }
        _ => Ok(()),
    }
}

async fn read(mut body: Body, mut bytes: Vec<u8>, length: usize) -> Result<Vec<u8>, Problem> {
    let began = Instant::now();
    loop {
        let deadline = began + QUEUE_TIMEOUT + Duration::from_secs((bytes.len() / MIN_BYTES_PER_SECOND) as u64);
        let frame = timeout_at(deadline.min(Instant::now() + STALL_TIMEOUT), body.frame()).await.map_err(|_| slow())?;
        let Some(frame) = frame else { return Ok(bytes) };
        let frame = frame.map_err(|e| Problem::new(Code::Body, format!("the body ended early: {e}")))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > length {
                return Err(too_large(length));
            }
            bytes.extend_from_slice(&data);
        }
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::TooLarge, format!("the body is larger than {} MB", limit / MEGABYTE))
}

fn slow() -> Problem {
    Problem::new(Code::Slow, "the body arrives too slowly")
}

fn busy() -> Problem {
    Problem::new(Code::Busy, "the daemon is receiving too much at once").hint("try again in a moment")
}
