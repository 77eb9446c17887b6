//! Which photos are alike: features → head → embedding → pairs → clusters.
//!
//! Everything here is a function of what is stored and can be made again at any time.

mod clusters;
mod head;
mod index;
mod representative;

pub use clusters::clusters;
pub use head::{Error as HeadError, Head};
pub use index::{Index, distance, new_pairs};
pub use representative::{Candidate, best_original};

use crate::photo::Distance;

/// The distance up to which pairs are stored: what 99.9 % precision allows among photos without
/// look-alikes (0.41), and a little more.
pub const REACH: Distance = 0.45;

/// The distance under which pairs join a cluster: precision 99.9 % over all pairs of held-out photos
/// with look-alikes among them (see `models/README.md`).
pub const THRESHOLD: Distance = 0.25;
