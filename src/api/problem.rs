//! Why a request was not answered.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// What went wrong, for programs: these names stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// There is no such route.
    NoSuchRoute,
    /// There is one, but not by this method.
    NoSuchMethod,
    /// A parameter is missing, or unknown here.
    Parameter,
    /// A number is none, or does not fit.
    Number,
    /// `after` is not the key of an item.
    Key,
    /// Too few or too many paths.
    Path,
    /// A path does not begin at the root of the filesystem.
    RelativePath,
    /// Not a distance from 0 to 2.
    Distance,
    /// Pairs are not kept up to this distance.
    BeyondReach,
    /// Not a relation.
    Relation,
    /// Not a verdict.
    Verdict,
    /// The body ended early.
    Body,
    /// The body is too large.
    TooLarge,
    /// The body comes too slowly.
    Slow,
    /// `split` does not part the body.
    Split,
    /// The body holds something other than decisions.
    Decision,
    /// Too much at once: ask again in a moment.
    Busy,
    /// This is another user's library.
    ForeignUser,
    /// A path is under no watched folder.
    NotWatched,
    /// A path is not a watched folder.
    NoRoot,
    /// A path is not a folder that can be watched.
    NoFolder,
    /// The daemon does not see at a path what the asker sees there.
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
    /// A head cannot be removed while it answers.
    InUse,
    /// A head of folders is for `similar` alone.
    NotForDupes,
    /// A name that a head cannot have, or that another has.
    Name,
    /// Not a kind of positives.
    Positives,
    /// A tuning cannot take so many minutes.
    Minutes,
    /// A tuning cannot take so many photos.
    Photos,
    /// A head is being tuned already.
    Tuning,
    /// No head is being tuned.
    NoTuning,
    /// The daemon's own fault, or its disk's.
    Internal,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Code::ForeignUser => StatusCode::FORBIDDEN,
            Code::NoSuchRoute | Code::NotWatched | Code::NoRoot | Code::NotIndexed | Code::NoHead => StatusCode::NOT_FOUND,
            Code::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Code::Slow => StatusCode::REQUEST_TIMEOUT,
            Code::InUse | Code::Tuning | Code::NoTuning | Code::OtherView => StatusCode::CONFLICT,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
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
    /// What happened, to what.
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

/// Every error's body.
#[derive(Serialize, JsonSchema)]
pub struct ErrorBody {
    pub error: Problem,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.code.status(), Json(ErrorBody { error: self })).into_response()
    }
}
