//! What the encoder should hold together, and how it learns that: the edits of a photo, the material they
//! make, tuning a head on it with Burn, and judging a head on photos it was not tuned on.

pub mod acceptance;
pub mod device;
pub mod edits;
pub mod evaluation;
pub mod folders;
pub mod library;
mod loss;
mod projection;
pub mod training;
pub mod training_set;
pub mod tuning;
