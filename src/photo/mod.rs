//! The domain types, used by every module: no I/O, no threads.

mod capture;
mod cluster;
mod coverage;
mod crops;
mod decision;
mod embedding;
mod failure;
mod file;
mod format;
mod hash;
mod keeper;
mod keypoints;
mod names;
mod orientation;
mod pair;
mod picture;
mod place;
mod positives;

pub use capture::Capture;
pub use cluster::{Cluster, Link};
pub use coverage::{Counters, Coverage};
pub use crops::CropDescriptors;
pub use decision::{Contradiction, Decision, Decisions, Verdict, ordered};
pub use embedding::{Descriptors, Embedding, Features, StoredFeatures};
pub use failure::{Failure, Stage};
pub use file::{FileState, Identity, KnownFile, Stamp};
pub use format::Format;
pub use hash::{ContentHash, PictureHash};
pub use keeper::KeeperRule;
pub use keypoints::{Keypoint, KeypointDescriptor, Keypoints};
pub use names::UnknownName;
pub use orientation::DihedralOrientation;
pub use pair::{Distance, Pair, PhotoId, Relation};
pub use picture::{Dimensions, Picture};
pub use place::{Place, Root, RootId, scopes_of};
pub use positives::Positives;
