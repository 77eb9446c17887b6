//! Which photos are alike: features → embedding (by the head) and crop descriptors → pairs, verified by keypoints →
//! clusters.
//!
//! Everything here is a function of stored data, and can be computed again at any time.

mod arrival;
mod clusters;
mod comparison;
mod cosine;
mod crops;
mod density;
mod frame_name;
mod geometry;
mod head;
mod index;
mod keeper;
mod placement;
mod plane;
mod reasons;
mod relation;
mod residual;
mod shots;
mod source;
mod stars;
mod taught;
mod tensors;
mod version_inputs;
mod version_model;

pub use arrival::{Arrival, PairLimit, arrive, candidates, doubtful, verify};
pub use clusters::{CannotLink, clusters};
pub use comparison::compare;
pub use cosine::cosine_distance;
pub use crops::{CropHead, distance, global_only};
pub use density::{Density, densities, is_doubtful, normalized};
pub use frame_name::FrameName;
pub use geometry::{MAX_CANDIDATE_DISTANCE, shows_whole_frame, verified};
pub use head::{Error as HeadError, Head};
pub use index::Index;
pub use keeper::{FileCandidate, keeper_first};
pub use placement::{Framed, Placement, place};
pub use reasons::{Ground, reasons};
pub use relation::{changes, is_copy, is_series, relation};
pub use residual::residual;
pub use shots::{FileOfBase, Grouped, Member as ShotMember, shots};
pub use source::{Candidate, SourceOrder, source_first};
pub use stars::{Near, agree, are_named_otherwise, are_of_one_document, are_versions, held, sources};
pub use taught::{Anchor, Taught};
pub use version_inputs::{Error as VersionModelError, INPUTS, Inputs, Kind, Member, inputs, kind};
pub use version_model::{Linear, VersionModel};

use crate::photo::Distance;

/// The distance up to which pairs are stored: slightly above the threshold.
pub const MAX_PAIR_DISTANCE: Distance = 0.45;

/// The [normalised](normalized) distance up to which pairs join a cluster. Its precision is 99.9 % over all pairs of
/// held-out photos, with and without look-alikes among them (see `models/README.md`).
pub const THRESHOLD: Distance = 0.42;
