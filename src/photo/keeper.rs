//! Why a file is the keeper of its photo.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::names;

/// The rule by which one file of a photo stays when the others go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeeperRule {
    /// It says more of what a person says of a photo: rating, keywords, caption.
    Description,
    /// It is in the shot that has the most files, or in that of the source, or beside a file of its name that may be of its shot.
    Shot,
    /// It has the most bytes: the pictures are the same, the rest is metadata.
    Metadata,
    /// Another file has a name that a copy gets.
    PlainName,
    Oldest,
    /// The shortest path, then the first.
    Path,
}

names!(KeeperRule, "keeper rule" {
    Description: "description",
    Shot: "shot",
    Metadata: "metadata",
    PlainName: "plain-name",
    Oldest: "oldest",
    Path: "path",
});
