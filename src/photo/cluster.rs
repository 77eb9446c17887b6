//! Clusters.

use super::{Distance, PhotoId};

/// Photos joined by pairs under a threshold, or one photo that several files hold.
#[derive(Clone, PartialEq, Debug)]
pub struct Cluster {
    /// Ascending.
    pub photos: Vec<PhotoId>,
    /// The pairs under the threshold that join them, closest first.
    pub links: Vec<Link>,
    /// The largest distance between two members, whether or not a pair joins them.
    pub diameter: Distance,
}

/// A pair inside a cluster, by position in `Cluster::photos`, `a < b`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Link {
    pub a: usize,
    pub b: usize,
    pub distance: Distance,
}
