//! How the clusters of a library changed.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::Context;
use super::clusters::{WithinShots, clusters};
use super::files::{count_files, files_of};
use crate::photo::{ClusterChange, ClusterChangeKind, ClusterChanges, PhotoId};
use crate::store;

/// The most examples of each kind of change.
const MAX_EXAMPLES: u64 = 10;

/// The clusters of the whole library at one moment.
pub struct Snapshot(Vec<SnapshotCluster>);

/// A cluster of a snapshot.
pub struct SnapshotCluster {
    pub id: String,
    /// The photo of each file, and the number of the file among those of the photo. So a copy of a file makes a cluster
    /// larger, and a renamed file does not.
    files: Vec<(PhotoId, usize)>,
    /// Absolute.
    pub paths: Vec<PathBuf>,
}

impl Snapshot {
    /// Makes the clusters of the whole library, as `dupes` does, with the generation of the context.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn take(context: &Context<'_>) -> store::Result<Snapshot> {
        let _held = context.reader.hold()?;
        let clustering =
            clusters(context, &context.roots.scopes(), None, context.generation.threshold, &[], WithinShots::Hidden, &|| true)?;
        let clustering = clustering.expect("it goes on to the end");
        let known = clustering.found.iter().map(|found| {
            let paths = |id: &PhotoId| files_of(clustering.photo(*id), context.roots).files.into_iter().map(|file| file.path().to_owned());
            let count = |id: &PhotoId| count_files(clustering.photo(*id));
            SnapshotCluster {
                id: found.rank.id.clone(),
                files: found.members.iter().flat_map(|id| (0..count(id)).map(|nth| (*id, nth))).collect(),
                paths: found.members.iter().flat_map(paths).collect(),
            }
        });
        Ok(Snapshot(known.collect()))
    }

    /// Compares with a later snapshot. Clusters with at least two files in common count as one cluster that changed.
    pub fn changes<'a>(&'a self, after: &'a Snapshot) -> Vec<(ClusterChangeKind, &'a SnapshotCluster)> {
        let (was, is) = (self.places(), after.places());
        let mut changes = Vec::new();
        for cluster in &after.0 {
            let old = met(cluster, &was);
            let known: HashSet<_> = old.iter().flat_map(|&i| &self.0[i].files).collect();
            if old.is_empty() {
                changes.push((ClusterChangeKind::New, cluster));
            } else if old.len() > 1 || cluster.files.iter().any(|file| !known.contains(file)) {
                changes.push((ClusterChangeKind::Grown, cluster));
            }
        }
        for cluster in &self.0 {
            let now = met(cluster, &is);
            let is_whole_in = |i: &usize| cluster.files.iter().all(|file| after.0[*i].files.contains(file));
            if now.is_empty() {
                changes.push((ClusterChangeKind::Gone, cluster));
            } else if !now.iter().any(is_whole_in) {
                changes.push((ClusterChangeKind::Shrunk, cluster));
            }
        }
        changes
    }

    fn places(&self) -> HashMap<(PhotoId, usize), usize> {
        self.0.iter().enumerate().flat_map(|(i, cluster)| cluster.files.iter().map(move |&file| (file, i))).collect()
    }
}

/// Counts the changed clusters by kind, with the first ones of each kind as examples.
pub fn counted(changes: &[(ClusterChangeKind, &SnapshotCluster)]) -> ClusterChanges {
    let mut counted = ClusterChanges::default();
    for (kind, cluster) in changes {
        let count = match kind {
            ClusterChangeKind::New => &mut counted.new,
            ClusterChangeKind::Gone => &mut counted.gone,
            ClusterChangeKind::Grown => &mut counted.grown,
            ClusterChangeKind::Shrunk => &mut counted.shrunk,
        };
        *count += 1;
        if *count <= MAX_EXAMPLES {
            counted.examples.push(ClusterChange { kind: *kind, paths: cluster.paths.clone() });
        }
    }
    counted
}

/// Returns the clusters that have at least two files in common with a cluster.
fn met(cluster: &SnapshotCluster, others: &HashMap<(PhotoId, usize), usize>) -> Vec<usize> {
    let mut common: HashMap<usize, usize> = HashMap::new();
    cluster.files.iter().filter_map(|file| others.get(file)).for_each(|&other| *common.entry(other).or_default() += 1);
    common.into_iter().filter(|(_, count)| *count >= 2).map(|(other, _)| other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(of: &[&[i64]]) -> Snapshot {
        let known = |members: &&[i64]| {
            let mut files: Vec<(PhotoId, usize)> = Vec::new();
            for &number in *members {
                files.push((PhotoId(number), files.iter().filter(|(photo, _)| photo.0 == number).count()));
            }
            SnapshotCluster { id: String::new(), files, paths: Vec::new() }
        };
        Snapshot(of.iter().map(known).collect())
    }

    fn count(before: &[&[i64]], after: &[&[i64]]) -> (usize, usize, usize, usize) {
        let (before, after) = (clusters(before), clusters(after));
        let changes = before.changes(&after);
        let of = |kind: ClusterChangeKind| changes.iter().filter(|(change, _)| *change == kind).count();
        (of(ClusterChangeKind::New), of(ClusterChangeKind::Gone), of(ClusterChangeKind::Grown), of(ClusterChangeKind::Shrunk))
    }

    #[test]
    fn clusters_are_new_gone_grown_or_shrunk() {
        assert_eq!(count(&[&[1, 2]], &[&[1, 2]]), (0, 0, 0, 0));
        assert_eq!(count(&[&[1, 2]], &[&[3, 4]]), (1, 1, 0, 0));
        assert_eq!(count(&[&[1, 2]], &[&[1, 2, 3]]), (0, 0, 1, 0));
        assert_eq!(count(&[&[1, 2, 3]], &[&[1, 2]]), (0, 0, 0, 1));
        assert_eq!(count(&[&[1, 2], &[3, 4]], &[&[1, 2, 3, 4]]), (0, 0, 1, 0));
        assert_eq!(count(&[&[7, 7]], &[&[7, 7]]), (0, 0, 0, 0), "one photo in two files");
        assert_eq!(count(&[&[7, 7]], &[&[7, 7, 7]]), (0, 0, 1, 0));
    }
}
