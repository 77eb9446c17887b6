//! A cluster of an answer: its photos, its rank among the others, and what is beside it.

use std::fmt;
use std::str::FromStr;

use crate::photo::{Distance, Evidence, PhotoChange, PhotoId, Relation, SourceRule};
use crate::store::PhotoRecord;

/// A cluster with its rank among the others.
pub struct Found {
    pub rank: Rank,
    /// The source first.
    pub members: Vec<PhotoId>,
    /// Why the first is the source, if there are several.
    pub rule: Option<SourceRule>,
    /// The positions of the versions that are as good as the source, as far as is known.
    pub ties: Vec<usize>,
    pub diameter: Distance,
    pub edges: Vec<Edge>,
    /// What the photos and files beside the first file of the source are, with their bytes. Of a series that is shown, the source
    /// itself is beside that of the first star.
    pub others: Vec<(Relation, u64)>,
    pub beside: Vec<Beside>,
    /// The same for all clusters of one scene. `None` if there is no other.
    pub series: Option<String>,
    /// The scene of which the photos are, if there are other exposures of it.
    pub scene: Option<Scene>,
}

impl Found {
    /// Does not count the photos that are in the shot of the first file of the source: they are no versions of it. `records`: the
    /// members.
    pub fn hide_shot(&mut self, records: &[&PhotoRecord]) {
        let Some(shot) = records.first().and_then(|source| source.files.iter().find_map(|file| file.shot.as_ref())) else { return };
        let is_in = |record: &&PhotoRecord| record.files.iter().any(|file| shot.holds(&file.place));
        // The sources of photos come first among the others, in the order of the members.
        let places: Vec<usize> = (1..records.len()).filter(|place| is_in(&records[*place])).collect();
        let mut at = 0;
        self.others.retain(|_| {
            at += 1;
            !places.contains(&at)
        });
    }
}

/// A pair inside a cluster, by position in `members`, `a < b`.
#[derive(Clone, PartialEq, Debug)]
pub struct Edge {
    pub a: usize,
    pub b: usize,
    pub distance: Distance,
    pub relation: Relation,
    /// What was changed from `a` to `b`.
    pub changes: Vec<PhotoChange>,
    pub evidence: Evidence,
}

/// Orders clusters: an answer begins with the clusters that have the most files, then those in which all files but one
/// take the most bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank {
    pub files: usize,
    /// The bytes of all files except one file of the source.
    pub spare: u64,
    pub id: String,
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.files, self.spare, self.id)
    }
}

impl FromStr for Rank {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Rank, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(());
        Ok(Rank { files: part()?.parse().map_err(drop)?, spare: part()?.parse().map_err(drop)?, id: part()?.to_owned() })
    }
}

/// A photo beside a cluster: one holds the other beside something else, or it is not known what they are to each other.
#[derive(Clone, PartialEq, Debug)]
pub struct Beside {
    pub photo: PhotoId,
    /// The position of the member that it is near.
    pub near: usize,
    pub distance: Distance,
    pub relation: Relation,
    /// Of the member and this photo.
    pub evidence: Evidence,
}

/// The exposures of one scene.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scene {
    /// How many there are, each with all of its versions.
    pub frames: u64,
    /// The time from the first to the last. `None` if it is not known of each when it was taken.
    pub seconds: Option<f64>,
}
