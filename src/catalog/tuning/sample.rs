//! Draws the training photos and the held-out photos of a tuning on edits.

use std::collections::{HashMap, HashSet};

use fastrand::Rng;

use super::Library;
use crate::catalog::decided_photos;
use crate::likeness::{MAX_PAIR_DISTANCE, distance, is_series, normalized};
use crate::photo::{Descriptors, Embedding, Pair, PhotoId, PictureHash, Verdict};
use crate::store::{PhotoRecord, Result, Wanted};

/// The number of similar photos that are taken with each photo drawn at random: the nearest ones beyond the maximum
/// pair distance.
const PHOTOS_ALIKE_PER_DRAWN: usize = 2;

/// Photos whose similar photos are searched at once.
const QUERY_BATCH_PHOTOS: usize = 16;

/// The tenths of all photos that may be held out.
const HELD_OUT_TENTHS: u8 = 3;

/// The most held-out photos. All their pairs are ranked.
const MAX_HELD_OUT: usize = 300;

/// The label of two photos that are near or decided on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PairLabel {
    /// A person decided that they are versions.
    Same,
    /// A person decided that they are not versions.
    Different,
    /// They are frames of one scene, by the camera's clock.
    Series,
    /// They are near and may be versions.
    Undecided,
}

/// Training photos and held-out photos. Two photos with a label are never in different parts.
pub struct Sample {
    pub taught: Vec<PhotoRecord>,
    pub held_out: Vec<PhotoRecord>,
    pub pair_labels: HashMap<(PhotoId, PhotoId), PairLabel>,
}

/// Draws a sample of up to `count` photos. The same seed draws the same sample again after a restart, if the library
/// did not change.
///
/// # Errors
/// If the store cannot be read.
pub fn draw(library: &Library<'_>, seed: u64, count: usize) -> Result<Sample> {
    let mut rng = Rng::with_seed(seed);
    let wanted = candidates(library, count, &mut rng)?;
    let photos = library.reader.photos(&library.roots.online_scopes(), Wanted::These(&wanted.keys().copied().collect()))?;
    let mut order: Vec<PhotoId> = photos.keys().copied().collect();
    order.sort_unstable_by_key(|photo| wanted[photo]);
    order.truncate(count);
    let pair_labels = pair_labels(library, &order, &photos);
    let groups = groups(&order, &pair_labels);
    let most = (order.len() / 2).min(MAX_HELD_OUT);
    let mut held_out: HashSet<PhotoId> = HashSet::new();
    let judges = |group: &&Vec<PhotoId>| group.iter().map(|photo| photos[photo].picture).min().is_some_and(judges);
    for group in groups.iter().filter(judges) {
        if held_out.len() + group.len() <= most {
            held_out.extend(group);
        }
    }
    let (mut taught, mut judged) = (Vec::new(), Vec::new());
    let mut photos = photos;
    for photo in order {
        let record = photos.remove(&photo).expect("ordered from these");
        if held_out.contains(&photo) { judged.push(record) } else { taught.push(record) }
    }
    Ok(Sample { taught, held_out: judged, pair_labels })
}

/// Returns whether a photo may be held out. This depends on its picture hash alone, so that no head is judged by photos
/// that an earlier head was trained on.
fn judges(picture: PictureHash) -> bool {
    picture.0[0] % 10 < HELD_OUT_TENTHS
}

/// Returns candidates with their rank: photos with decisions first, then photos drawn at random, each followed by
/// similar photos.
fn candidates(library: &Library<'_>, count: usize, rng: &mut Rng) -> Result<HashMap<PhotoId, usize>> {
    let Library { reader, decisions, .. } = *library;
    let mut line: Vec<PhotoId> = Vec::new();
    for decision in decisions.iter() {
        for picture in [decision.a, decision.b] {
            line.extend(decided_photos(reader, decisions, picture)?);
        }
    }
    line.sort_unstable();
    // Photos whose files are all gone are in the index too, so more are drawn than wanted.
    let wanted = 2 * count;
    let ids = library.generation.now().index.photos().to_vec();
    let count = wanted.min(ids.len());
    let drawn: Vec<PhotoId> = rng.choose_multiple(ids, count);
    let few = drawn.len().min(wanted / (1 + PHOTOS_ALIKE_PER_DRAWN));
    for photos in drawn[..few].chunks(QUERY_BATCH_PHOTOS) {
        let generation = library.generation.now();
        let queries: Vec<Embedding> = photos.iter().filter_map(|&p| generation.index.get(p)).map(|e| Embedding(e.to_vec())).collect();
        for (photo, alike) in photos.iter().zip(generation.index.beyond(&queries, MAX_PAIR_DISTANCE, PHOTOS_ALIKE_PER_DRAWN)) {
            line.push(*photo);
            line.extend(alike.into_iter().map(|(_, other)| other));
        }
    }
    line.extend(&drawn[few..]);
    let mut places = HashMap::new();
    for (place, photo) in line.into_iter().enumerate() {
        places.entry(photo).or_insert(place);
    }
    Ok(places)
}

/// Returns a label for every two photos that are near or decided on.
fn pair_labels(library: &Library<'_>, order: &[PhotoId], photos: &HashMap<PhotoId, PhotoRecord>) -> HashMap<(PhotoId, PhotoId), PairLabel> {
    let decisions = library.decisions;
    let seen: Vec<(PhotoId, Descriptors, f32)> = {
        let generation = library.generation.now();
        let index = &generation.index;
        order.iter().filter_map(|&photo| Some((photo, index.descriptors(photo)?, index.density(photo)))).collect()
    };
    let mut pair_labels = HashMap::new();
    for (i, (x, x_descriptors, x_similarity)) in seen.iter().enumerate() {
        for (y, y_descriptors, y_similarity) in &seen[..i] {
            let pair = Pair::new(*x, *y, distance(x_descriptors, y_descriptors));
            let (a, b) = (&photos[&pair.a], &photos[&pair.b]);
            let decided = decisions.of(a.picture, b.picture);
            let is_near = normalized(pair.distance, *x_similarity, *y_similarity) <= MAX_PAIR_DISTANCE;
            let label = match (decided, is_near) {
                (Some(Verdict::Same), _) => PairLabel::Same,
                (Some(Verdict::Different), _) => PairLabel::Different,
                (None, true) if is_series(&a.capture, &b.capture) => PairLabel::Series,
                (None, true) => PairLabel::Undecided,
                (None, false) => continue,
            };
            pair_labels.insert((pair.a, pair.b), label);
        }
    }
    pair_labels
}

/// Divides photos into groups. Photos with a label between them are in one group.
fn groups(order: &[PhotoId], pair_labels: &HashMap<(PhotoId, PhotoId), PairLabel>) -> Vec<Vec<PhotoId>> {
    let mut bound: HashMap<PhotoId, Vec<PhotoId>> = HashMap::new();
    for &(a, b) in pair_labels.keys() {
        bound.entry(a).or_default().push(b);
        bound.entry(b).or_default().push(a);
    }
    let mut seen = HashSet::new();
    let mut groups = Vec::new();
    for &photo in order {
        let (mut group, mut next) = (Vec::new(), vec![photo]);
        while let Some(photo) = next.pop() {
            if seen.insert(photo) {
                group.push(photo);
                next.extend(bound.get(&photo).into_iter().flatten());
            }
        }
        if !group.is_empty() {
            group.sort_unstable();
            groups.push(group);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bound_photos_are_one_group() {
        let photos: Vec<PhotoId> = (1..=6).map(PhotoId).collect();
        let label = |a, b| ((PhotoId(a), PhotoId(b)), PairLabel::Undecided);
        let groups = groups(&photos, &HashMap::from([label(1, 4), label(4, 6), label(2, 3)]));
        let numbers: Vec<Vec<i64>> = groups.iter().map(|g| g.iter().map(|p| p.0).collect()).collect();
        assert_eq!(numbers, [vec![1, 4, 6], vec![2, 3], vec![5]]);
    }
}
