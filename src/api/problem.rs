//! Errors of requests.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// What went wrong, for programs. These names do not change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// There is no such route.
    NoSuchRoute,
    /// The route exists, but not with this method.
    NoSuchMethod,
    /// A parameter is missing or unknown.
    Parameter,
    /// A number is not valid or out of range.
    Number,
    /// A flag that is neither `true` nor `false`.
    Flag,
    /// `after` is not the key of an item.
    Key,
    /// Too few or too many paths.
    Path,
    /// A path does not begin at the root of the filesystem.
    RelativePath,
    /// Not a distance from 0 to 2.
    Distance,
    /// Pairs are not stored up to this distance.
    #[serde(rename = "beyond-reach")]
    BeyondMaxPairDistance,
    /// Not a relation.
    Relation,
    /// Not a verdict.
    Verdict,
    /// The body ended early.
    Body,
    /// The body is too large.
    TooLarge,
    /// The body is said to be of a type that this route does not read.
    MediaType,
    /// The body comes too slowly.
    Slow,
    /// `split` is not a position inside the body.
    Split,
    /// The body does not hold questions about files.
    Question,
    /// The body does not hold decisions.
    Decision,
    /// Decisions would contradict each other.
    Contradiction,
    /// The daemon is overloaded. Try again in a moment.
    Busy,
    /// This is another user's library.
    ForeignUser,
    /// A path is under no watched folder.
    NotWatched,
    /// A path is not a watched folder.
    NoRoot,
    /// A path is not a folder that can be watched.
    NoFolder,
    /// The daemon and the client see different folders at a path.
    OtherView,
    /// A file is not a photo that has been read.
    NotIndexed,
    /// The body is not a picture that can be read.
    NotReadable,
    /// Two files hold the same photo, where two photos are needed.
    OnePhoto,
    /// The settings cannot be read; the daemon goes on with those it has.
    Settings,
    /// There is no such head.
    NoHead,
    /// The head in use cannot be removed.
    InUse,
    /// A head of folders is for `similar` alone.
    NotForDupes,
    /// A name that is not valid for a head, or in use by another.
    Name,
    /// Not a kind of positives.
    Positives,
    /// The minutes of a tuning are out of range.
    Minutes,
    /// The photos of a tuning are out of range.
    Photos,
    /// A head is being tuned already.
    Tuning,
    /// No head is being tuned.
    NoTuning,
    /// An internal error, or a failing disk.
    Internal,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Code::ForeignUser => StatusCode::FORBIDDEN,
            Code::NoSuchRoute | Code::NotWatched | Code::NoRoot | Code::NotIndexed | Code::NoHead => StatusCode::NOT_FOUND,
            Code::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Code::Slow => StatusCode::REQUEST_TIMEOUT,
            Code::InUse | Code::Contradiction | Code::Tuning | Code::NoTuning | Code::OtherView => StatusCode::CONFLICT,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::NotReadable => StatusCode::UNPROCESSABLE_ENTITY,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Code::Busy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Why a request was not answered, for the client.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Problem {
    pub code: Code,
    /// What happened.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    pub fn new(code: Code, message: impl Into<String>) -> Problem {
        Problem { code, message: message.into(), hint: None }
    }

    pub fn internal(message: impl ToString) -> Problem {
        Problem::new(Code::Internal, message.to_string())
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }
}

/// The body of every error.
#[derive(Serialize, JsonSchema)]
pub struct ErrorBody {
    pub error: Problem,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.code.status(), Json(ErrorBody { error: self })).into_response()
    }
}
