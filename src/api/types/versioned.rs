//! The version of the form of answers, and lists as objects that have it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DecisionText, HeadInfo, ListedDecision, RootStatus};

/// The version of the form of answers. Raise it when a program that reads them may have to change: a field is gone, or means
/// something else. It stays when fields and names are added.
pub const SCHEMA: u32 = 1;

/// An answer with the version of its form.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Answer")]
pub struct Versioned<T> {
    /// The version of the form of this answer. It grows when a program that reads answers may have to change.
    pub schema: u32,
    #[serde(flatten)]
    pub answer: T,
}

impl<T> Versioned<T> {
    pub fn of(answer: T) -> Versioned<T> {
        Versioned { schema: SCHEMA, answer }
    }
}

/// The watched folders.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RootList {
    pub roots: Vec<RootStatus>,
}

/// All heads and version models.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HeadList {
    pub heads: Vec<HeadInfo>,
}

/// Decisions, by picture hash.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DecisionList {
    pub decisions: Vec<DecisionText>,
}

/// Decisions with the files of their photos, the oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListedDecisions {
    pub decisions: Vec<ListedDecision>,
}

#[cfg(test)]
mod tests {
    use super::super::{PathText, Watched};
    use super::*;

    #[test]
    fn the_version_stands_beside_the_fields_of_an_answer() {
        let watched = Watched { path: PathText { path: "/p".into(), path_bytes: None } };
        let json = serde_json::to_value(Versioned::of(watched)).expect("JSON");
        assert_eq!(json, serde_json::json!({"schema": SCHEMA, "path": "/p"}));
    }
}
