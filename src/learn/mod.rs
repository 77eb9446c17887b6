//! Tuning: the edits of a photo, the training set they make, training a head on it with Burn, and the acceptance test
//! on photos that it was not tuned on.

pub mod acceptance;
pub mod decisions;
pub mod device;
pub mod edits;
pub mod evaluation;
mod fit;
pub mod folders;
pub mod library;
mod loss;
mod projection;
pub mod report;
pub mod training;
pub mod training_set;
pub mod tuning;
pub mod versions;
