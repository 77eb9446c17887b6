//! Shots whose photos are in several clusters: these clusters are checked together, because a shot goes as a whole or not at all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::iter::once;

use crate::api::types::{Cluster, PathText, PhotoFile};
use crate::photo::ShotFileKind;

/// Whether a shot of the cluster has a photo that is not in it. It may be in another one, or in none.
pub fn has_divided_shots(cluster: &Cluster) -> bool {
    let names: HashSet<&PathText> = files(cluster).flat_map(|file| once(&file.path).chain(&file.also)).collect();
    files(cluster).flat_map(photos_of_shot).any(|photo| !names.contains(photo))
}

/// Puts the clusters together that have photos of one shot, in the order of the first of each.
pub fn joined_by_shots(clusters: Vec<Cluster>) -> Vec<Vec<Cluster>> {
    let mut parents: Vec<usize> = (0..clusters.len()).collect();
    let mut first_with: HashMap<&PathText, usize> = HashMap::new();
    for (at, file) in clusters.iter().enumerate().flat_map(|(at, cluster)| files(cluster).map(move |file| (at, file))) {
        for name in once(&file.path).chain(&file.also).chain(photos_of_shot(file)) {
            let other = *first_with.entry(name).or_insert(at);
            let [a, b] = [at, other].map(|at| first(&mut parents, at));
            parents[a.max(b)] = a.min(b);
        }
    }
    let mut joined: BTreeMap<usize, Vec<Cluster>> = BTreeMap::new();
    for (at, cluster) in clusters.into_iter().enumerate() {
        joined.entry(first(&mut parents, at)).or_default().push(cluster);
    }
    joined.into_values().collect()
}

/// Returns the first cluster of those to which one belongs, as far as is known by now.
fn first(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

fn files(cluster: &Cluster) -> impl Iterator<Item = &PhotoFile> {
    cluster.photos.iter().flat_map(|photo| &photo.files)
}

fn photos_of_shot(file: &PhotoFile) -> impl Iterator<Item = &PathText> {
    file.shot.iter().filter(|of| of.kind == ShotFileKind::Photo).map(|of| &of.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::ShotFile;
    use crate::cli::removable::tests::{cluster, file, photo};

    #[test]
    fn clusters_with_photos_of_one_shot_are_joined() {
        let with = |path: &str, shot: &[&str]| {
            let of = |path: &&str| ShotFile {
                path: file(path, 1).path,
                kind: ShotFileKind::Photo,
                offline: false,
                shared: false,
                size: 1,
                mtime_ns: 0,
                ctime_ns: 0,
            };
            cluster(vec![photo(vec![PhotoFile { shot: shot.iter().map(of).collect(), ..file(path, 1) }])], &[])
        };
        let pair = ["/a/1.CR3", "/a/1.JPG"];
        let clusters =
            vec![with(pair[0], &pair), with("/b/2.JPG", &[]), with("/c/3.HEIC", &["/c/3.HEIC", "/c/4.HEIC"]), with(pair[1], &pair)];
        let divided: Vec<bool> = clusters.iter().map(has_divided_shots).collect();
        assert_eq!(divided, [true, false, true, true]);
        let names = |clusters: &[Cluster]| clusters.iter().map(|cluster| cluster.photos[0].path.path.clone()).collect::<Vec<_>>();
        let joined: Vec<Vec<String>> = joined_by_shots(clusters).iter().map(|clusters| names(clusters)).collect();
        assert_eq!(joined, [&pair[..], &["/b/2.JPG"], &["/c/3.HEIC"]]);
    }
}
