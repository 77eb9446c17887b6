//! Converts the daemon's errors to those of the API.

use super::heads;
use super::intake::Refused;
use super::messages::Unwritten;
use crate::api::{Code, Problem};
use crate::catalog::query;
use crate::likeness::MAX_PAIR_DISTANCE;
use crate::store;

/// Returns the distance if pairs are stored up to it.
///
/// # Errors
/// If they are not.
pub fn within_reach(distance: f32, name: &str) -> Result<f32, Problem> {
    if distance <= MAX_PAIR_DISTANCE {
        return Ok(distance);
    }
    Err(Problem::new(Code::BeyondReach, format!("{name}={distance} is greater than {MAX_PAIR_DISTANCE}, the maximum pair distance"))
        .hint("simctl similar finds photos at any distance"))
}

pub fn no_key(text: &str) -> Problem {
    Problem::new(Code::Key, format!("after={text} is not a key of this list")).hint("use `next` of an earlier answer")
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        Problem::internal(error)
    }
}

impl From<query::Error> for Problem {
    fn from(error: query::Error) -> Problem {
        match error {
            query::Error::NotReadable(reason) => Problem::new(Code::NotReadable, reason),
            query::Error::Store(_) | query::Error::Internal(_) => Problem::internal(error),
        }
    }
}

impl From<heads::Error> for Problem {
    fn from(error: heads::Error) -> Problem {
        match error {
            heads::Error::Unknown(_) => Problem::new(Code::NoHead, error.to_string()).hint("simctl heads list shows all heads"),
            heads::Error::InUse(_) => Problem::new(Code::InUse, error.to_string())
                .hint("use another one before: simctl heads use base, or simctl heads use versions"),
            heads::Error::NotForSimilar(_) => Problem::new(Code::NoHead, error.to_string()).hint("simctl heads list shows all heads"),
            heads::Error::NotForDupes(_) => Problem::new(Code::NotForDupes, error.to_string()).hint("simctl similar --head NAME uses it"),
            _ => Problem::internal(error),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        match refused {
            Refused::Busy => Problem::new(Code::Busy, refused.to_string()).hint("try again in a moment"),
            _ => Problem::internal(refused),
        }
    }
}

impl From<Unwritten> for Problem {
    fn from(error: Unwritten) -> Problem {
        let hint = match &error {
            Unwritten::Store(e) if e.is_disk() => Some("nothing was changed; make room on the disk of the index, then try again"),
            Unwritten::NotStoring(_) => Some("nothing was changed; try again when there is room"),
            _ => None,
        };
        Problem { hint: hint.map(Into::into), ..Problem::internal(error) }
    }
}
