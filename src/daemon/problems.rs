//! Converts the daemon's errors to those of the API.

use super::intake::Refused;
use super::messages::Unwritten;
use super::{decisions, heads, tuning};
use crate::api::{Code, Problem, shell_word};
use crate::catalog::query;
use crate::likeness::MAX_PAIR_DISTANCE;
use crate::store;

/// Returns the distance if pairs are stored up to it.
///
/// # Errors
/// If they are not.
pub fn within_max_pair_distance(distance: f32, name: &str) -> Result<f32, Problem> {
    if distance <= MAX_PAIR_DISTANCE {
        return Ok(distance);
    }
    Err(Problem::new(
        Code::BeyondMaxPairDistance,
        format!("{name}={distance} is greater than {MAX_PAIR_DISTANCE}, the maximum pair distance"),
    )
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
                .hint("use another one first: simctl heads use base, or simctl heads use versions"),
            heads::Error::NotForSimilar(_) => Problem::new(Code::NoHead, error.to_string()).hint("simctl heads list shows all heads"),
            heads::Error::NotForDupes(_) => Problem::new(Code::NotForDupes, error.to_string()).hint("simctl similar --head NAME uses it"),
            _ => Problem::internal(error),
        }
    }
}

impl From<decisions::Error> for Problem {
    fn from(error: decisions::Error) -> Problem {
        use decisions::Error;
        let message = error.to_string();
        match error {
            Error::Count(_) => Problem::new(Code::Path, message),
            Error::NotWatched(_) => Problem::new(Code::NotWatched, message).hint("simctl roots add FOLDER watches a folder"),
            Error::NotIndexed(_) => {
                Problem::new(Code::NotIndexed, message).hint("name files, not folders; simctl failures lists files that could not be read")
            }
            Error::OnePhoto(..) => Problem::new(Code::OnePhoto, message),
            Error::Contradiction { removable: Some((a, b)), .. } => Problem::new(Code::Contradiction, message).hint(format!(
                "nothing was changed; this removes an earlier decision: simctl decide forget {} {}",
                shell_word(&a),
                shell_word(&b)
            )),
            Error::Contradiction { removable: None, .. } => {
                Problem::new(Code::Contradiction, message).hint("nothing was changed; simctl decisions list shows all decisions")
            }
            Error::Unwritten(e) => e.into(),
            Error::Store(e) => e.into(),
        }
    }
}

impl From<tuning::Error> for Problem {
    fn from(error: tuning::Error) -> Problem {
        use tuning::Error;
        let message = error.to_string();
        match error {
            Error::Running(_) => Problem::new(Code::Tuning, message).hint("simctl tune --stop ends it with the result so far"),
            Error::NotRunning => Problem::new(Code::NoTuning, message).hint("simctl tune starts one"),
            Error::Taken(_) => {
                Problem::new(Code::Name, message).hint("give another one with --name, or remove that head with simctl heads remove")
            }
            Error::Name(_) => {
                Problem::new(Code::Name, message).hint("use letters, digits, - _ and . for a name other than base and versions")
            }
            Error::Minutes(_) => Problem::new(Code::Minutes, message),
            Error::Photos(..) => Problem::new(Code::Photos, message),
            Error::Unwritten(e) => e.into(),
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_contradiction_names_the_command_that_ends_it() {
        let contradiction =
            |removable| Problem::from(decisions::Error::Contradiction { decisions: "a and b are the same".into(), removable });
        let problem = contradiction(Some((PathBuf::from("/p/a b.jpg"), PathBuf::from("/p/c.jpg"))));
        assert_eq!(
            (problem.code, problem.message.as_str()),
            (Code::Contradiction, "these decisions would contradict each other: a and b are the same")
        );
        assert!(problem.hint.is_some_and(|hint| hint.ends_with("simctl decide forget '/p/a b.jpg' /p/c.jpg")));
        assert!(contradiction(None).hint.is_some_and(|hint| hint.contains("simctl decisions list")));
    }

    #[test]
    fn an_order_of_a_tuning_is_refused_for_its_field() {
        for (error, code) in [
            (tuning::Error::Running("tuned-1".into()), Code::Tuning),
            (tuning::Error::NotRunning, Code::NoTuning),
            (tuning::Error::Taken("tuned-1".into()), Code::Name),
            (tuning::Error::Name("a b".into()), Code::Name),
            (tuning::Error::Minutes(0), Code::Minutes),
            (tuning::Error::Photos(0, 5_000), Code::Photos),
            (tuning::Error::Unwritten(Unwritten::Ending), Code::Internal),
        ] {
            let message = error.to_string();
            let problem = Problem::from(error);
            assert_eq!((problem.code, problem.message), (code, message));
        }
    }
}
