//! What the encoder should hold together, and how well it does: the edits of a photo, a library of
//! them, and the evaluation of distances on it.

pub mod edits;
pub mod evaluation;
pub mod library;
