//! What lies beside clusters: photos that are near a member and that an answer does not join, and the clusters of one scene.

use std::collections::{HashMap, HashSet};

use super::groups::{first, join};
use super::ranked::{Beside, Found, Scene};
use crate::photo::{Distance, Evidence, Pair, PhotoId, Relation};

/// At most this many photos are listed beside a cluster, the nearest first.
const MAX_BESIDE: usize = 4;

/// A photo that may be listed beside a cluster. There may be millions, so it has no evidence yet.
#[derive(Clone, Copy)]
struct Candidate {
    photo: PhotoId,
    near: usize,
    distance: Distance,
    relation: Relation,
}

/// Tells each cluster what is beside it, without evidence, and joins those of one scene: they get the id of the first of them as
/// their series. A frame of the scene of a cluster is not unknown to it, whatever is known of single members: a version may have
/// lost its time.
pub fn add_beside(found: &mut [Found], near: &[(Pair, Relation)]) {
    let mut places: HashMap<PhotoId, (usize, usize)> = HashMap::new();
    for (cluster, of) in found.iter().enumerate() {
        places.extend(of.members.iter().enumerate().map(|(at, photo)| (*photo, (cluster, at))));
    }
    let mut scenes: Vec<usize> = (0..found.len()).collect();
    let mut frames: HashSet<(usize, PhotoId)> = HashSet::new();
    let mut beside: Vec<Vec<Candidate>> = vec![Vec::new(); found.len()];
    for (pair, relation) in near {
        let (a, b) = (places.get(&pair.a), places.get(&pair.b));
        match (relation, a, b) {
            (_, Some((x, _)), Some((y, _))) if x == y => {}
            (Relation::Series, ..) => {
                frames.extend([(a, pair.b), (b, pair.a)].into_iter().filter_map(|(place, photo)| Some((place?.0, photo))));
                if let (Some((x, _)), Some((y, _))) = (a, b) {
                    join(&mut scenes, *x, *y);
                }
            }
            (Relation::Part | Relation::Unknown, ..) => {
                for (place, photo) in [(a, pair.b), (b, pair.a)] {
                    if let Some(&(cluster, near)) = place {
                        beside[cluster].push(Candidate { photo, near, distance: pair.distance, relation: *relation });
                    }
                }
            }
            _ => {}
        }
    }
    for (cluster, all) in beside.iter_mut().enumerate() {
        all.retain(|beside| {
            let mut is_of_scene = || {
                let other = places.get(&beside.photo).map(|(other, _)| *other);
                frames.contains(&(cluster, beside.photo))
                    || other.is_some_and(|other| first(&mut scenes, other) == first(&mut scenes, cluster))
            };
            beside.relation != Relation::Unknown || !is_of_scene()
        });
    }
    for (cluster, mut all) in found.iter_mut().zip(beside) {
        // Ids depend on which photo was seen first, so equal distances are ordered by the member.
        all.sort_by(|x, y| x.distance.total_cmp(&y.distance).then(x.near.cmp(&y.near)));
        let mut listed: Vec<Beside> = Vec::new();
        for Candidate { photo, near, distance, relation } in all {
            if listed.len() < MAX_BESIDE && !listed.iter().any(|other| other.photo == photo) {
                listed.push(Beside { photo, near, distance, relation, evidence: Evidence::default() });
            }
        }
        cluster.beside = listed;
    }
    let mut sizes = vec![0; found.len()];
    let firsts: Vec<usize> = (0..found.len()).map(|cluster| first(&mut scenes, cluster)).collect();
    firsts.iter().for_each(|first| sizes[*first] += 1);
    for cluster in 0..found.len() {
        let first = firsts[cluster];
        found[cluster].series = (sizes[first] > 1).then(|| found[first].rank.id.clone());
    }
}

/// Tells each cluster of which scene its photos are. Near pairs that are a series join the exposures of a scene, also those that
/// are in no cluster. `source`: the same for all versions of one exposure. `taken`: when a photo was taken, in seconds.
pub fn add_scenes(
    found: &mut [Found],
    near: &[(Pair, Relation)],
    source: impl Fn(PhotoId) -> PhotoId,
    taken: impl Fn(PhotoId) -> Option<f64>,
) {
    let mut frames: HashMap<PhotoId, usize> = HashMap::new();
    let mut times: Vec<Option<f64>> = Vec::new();
    let mut scenes: Vec<usize> = Vec::new();
    for (pair, _) in near.iter().filter(|(_, relation)| *relation == Relation::Series) {
        let [a, b] = [pair.a, pair.b].map(|photo| {
            let frame = *frames.entry(source(photo)).or_insert_with(|| {
                times.push(None);
                scenes.push(scenes.len());
                scenes.len() - 1
            });
            // A program may have written a later one.
            times[frame] = [times[frame], taken(photo)].into_iter().flatten().reduce(f64::min);
            frame
        });
        join(&mut scenes, a, b);
    }
    let mut times_of: HashMap<usize, Vec<Option<f64>>> = HashMap::new();
    for (frame, time) in times.into_iter().enumerate() {
        times_of.entry(first(&mut scenes, frame)).or_default().push(time);
    }
    let scene = |times: Vec<Option<f64>>| {
        let (frames, known) = (times.len() as u64, times.into_iter().collect::<Option<Vec<f64>>>());
        let seconds = known.and_then(|times| {
            let last = times.iter().copied().reduce(f64::max)?;
            Some(last - times.into_iter().reduce(f64::min)?)
        });
        Scene { frames, seconds }
    };
    let of_first: HashMap<usize, Scene> = times_of.into_iter().map(|(first, times)| (first, scene(times))).collect();
    for cluster in found {
        let Some(frame) = cluster.members.iter().find_map(|photo| frames.get(&source(*photo))) else { continue };
        cluster.scene = of_first.get(&first(&mut scenes, *frame)).copied();
    }
}

#[cfg(test)]
mod tests {
    use super::super::ranked::Rank;
    use super::*;
    use crate::photo::Distance;

    fn cluster(id: &str, members: &[i64]) -> Found {
        let rank: Rank = format!("2.0.{id}").parse().expect("a rank");
        Found {
            rank,
            members: members.iter().copied().map(PhotoId).collect(),
            rule: None,
            ties: Vec::new(),
            diameter: 0.1,
            edges: Vec::new(),
            others: Vec::new(),
            beside: Vec::new(),
            series: None,
            scene: None,
        }
    }

    fn pair(a: i64, b: i64, distance: Distance, relation: Relation) -> (Pair, Relation) {
        (Pair::new(PhotoId(a), PhotoId(b), distance), relation)
    }

    #[test]
    fn frames_of_one_scene_are_one_series_and_the_unsure_stand_beside() {
        let mut found = [cluster("a", &[1, 2]), cluster("b", &[3, 4]), cluster("c", &[5, 6])];
        add_beside(
            &mut found,
            &[
                pair(1, 2, 0.1, Relation::Copy),
                pair(2, 3, 0.1, Relation::Series),
                pair(1, 7, 0.3, Relation::Unknown),
                pair(2, 7, 0.2, Relation::Unknown),
                pair(6, 8, 0.1, Relation::Part),
                pair(6, 9, 0.1, Relation::Series),
                pair(5, 6, 0.1, Relation::Unknown),
            ],
        );
        assert_eq!(found.each_ref().map(|cluster| cluster.series.as_deref()), [Some("a"), Some("a"), None]);
        let beside =
            |photo, distance, relation| Beside { photo: PhotoId(photo), near: 1, distance, relation, evidence: Evidence::default() };
        assert_eq!(found[0].beside, [beside(7, 0.2, Relation::Unknown)]);
        assert_eq!(found[2].beside, [beside(8, 0.1, Relation::Part)]);
        assert!(found[1].beside.is_empty());
    }

    #[test]
    fn a_frame_of_the_scene_is_not_unknown() {
        let mut found = [cluster("a", &[1, 2]), cluster("b", &[3, 4])];
        let near = [
            pair(1, 3, 0.1, Relation::Series),
            pair(2, 4, 0.1, Relation::Unknown),
            pair(1, 7, 0.1, Relation::Series),
            pair(2, 7, 0.1, Relation::Unknown),
            pair(2, 8, 0.1, Relation::Unknown),
        ];
        add_beside(&mut found, &near);
        assert_eq!(
            found.each_ref().map(|cluster| cluster.beside.iter().map(|beside| beside.photo.0).collect::<Vec<_>>()),
            [vec![8], Vec::new()]
        );
    }

    #[test]
    fn only_the_nearest_are_told() {
        let mut found = [cluster("a", &[1, 2])];
        let near: Vec<(Pair, Relation)> = (0..9).map(|at| pair(1, 10 + at, 0.4 - 0.01 * at as Distance, Relation::Unknown)).collect();
        add_beside(&mut found, &near);
        assert_eq!(found[0].beside.iter().map(|beside| beside.photo.0).collect::<Vec<_>>(), [18, 17, 16, 15]);
    }

    /// The scenes of the clusters 1 and 2, and 5 and 6, where 2 is a version of 1, and photos are taken at these times.
    fn scenes(near: &[(i64, i64, Relation)], taken: &[(i64, f64)]) -> [Option<Scene>; 2] {
        let mut found = [cluster("a", &[1, 2]), cluster("b", &[5, 6])];
        let pair = |&(a, b, relation): &(i64, i64, Relation)| (Pair::new(PhotoId(a), PhotoId(b), 0.1 as Distance), relation);
        let near: Vec<(Pair, Relation)> = near.iter().map(pair).collect();
        let source = |photo: PhotoId| if photo.0 == 2 { PhotoId(1) } else { photo };
        add_scenes(&mut found, &near, source, |photo| taken.iter().find(|(number, _)| *number == photo.0).map(|(_, time)| *time));
        found.map(|cluster| cluster.scene)
    }

    #[test]
    fn a_scene_has_one_frame_for_each_exposure() {
        use Relation::{Copy, Series, Unknown};
        let near = [(1, 2, Copy), (1, 3, Series), (2, 3, Series), (3, 4, Series), (4, 8, Unknown), (5, 6, Copy)];
        let taken = [(1, 100.0), (2, 700.0), (3, 101.5), (4, 102.0)];
        assert_eq!(scenes(&near, &taken), [Some(Scene { frames: 3, seconds: Some(2.0) }), None]);
        assert_eq!(scenes(&near, &taken[..3])[0], Some(Scene { frames: 3, seconds: None }), "the last does not say when");
        let more = [&near[..], &[(4, 6, Series)]].concat();
        assert_eq!(scenes(&more, &[]), [Some(Scene { frames: 4, seconds: None }); 2]);
        assert_eq!(scenes(&[], &taken), [None; 2]);
    }
}
