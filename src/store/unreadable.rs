//! The rows of `library.db` that cannot be read.

/// A row that cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// The head, the photos, the folder or the choice it is about.
    pub(super) name: String,
    /// The reason, for people.
    pub(super) why: String,
}

/// The rows of `library.db` that could not be read the last time.
#[derive(Default, Debug)]
pub(super) struct Problems {
    pub(super) decisions: Vec<Unreadable>,
    pub(super) heads: Vec<Unreadable>,
    /// The reports of heads that can be read themselves.
    pub(super) reports: Vec<Unreadable>,
    /// The examples in reports that can be read themselves: for each head the first one.
    pub(super) examples: Vec<Unreadable>,
    pub(super) roots: Vec<Unreadable>,
    pub(super) choices: Vec<Unreadable>,
}
