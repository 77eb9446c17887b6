//! Clusters: photos that are versions of each other, from the pairs in the store.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::beside::{add_beside, add_scenes};
use super::files::{FileOfPhoto, count_files, files_of};
use super::groups::join;
use super::ranked::{Edge, Found, Rank};
use super::relations::Relations;
use super::roots::Roots;
use super::shots::{add_shots, is_one_shot};
use super::{Context, IsWanted, decided_same, shows, shows_near};
use crate::likeness::{Candidate, Index, SourceOrder, clusters as joined_by, normalized, source_first};
use crate::photo::{self, Amount, Direction, Distance, Evidence, Link, Pair, PhotoId, Place, Reason, Relation};
use crate::store::{Comparisons, FileRecord, PhotoRecord, Result, Wanted};

/// Returns whether the normalised distance of a pair is within the threshold.
pub fn counts(pair: &Pair, threshold: Distance, index: &Index) -> bool {
    normalized(pair.distance, index.density(pair.a), index.density(pair.b)) <= threshold
}

/// The clusters of some scopes, with their photos.
pub struct Clustering {
    pub found: Vec<Found>,
    pub within: WithinShots,
    /// Clusters that are left out because all of their files are of one shot.
    pub shots: u64,
    /// Pairs that are near and that the answer does not join.
    pub held_apart: BTreeMap<Relation, Amount>,
    photos: HashMap<PhotoId, PhotoRecord>,
}

impl Clustering {
    /// Counts what is beside the sources of the clusters, by what it is to them.
    pub fn amounts(&self) -> BTreeMap<Relation, Amount> {
        let mut amounts: BTreeMap<Relation, Amount> = BTreeMap::new();
        for (relation, bytes) in self.found.iter().flat_map(|found| &found.others) {
            *amounts.entry(*relation).or_default() += Amount::one(*bytes);
        }
        amounts
    }

    /// Returns a photo of one of the clusters, or beside one.
    pub fn photo(&self, id: PhotoId) -> &PhotoRecord {
        &self.photos[&id]
    }
}

/// Whether an answer shows the photos of one shot as versions of each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WithinShots {
    Shown,
    Hidden,
}

/// What clusters are made of.
struct Material {
    /// What a person decided to be the same.
    decided: Vec<(PhotoId, PhotoId)>,
    photos: HashMap<PhotoId, PhotoRecord>,
}

/// Returns the clusters of the scopes, in the order of [`Rank`], or those of them that have one of the photos `about`. `None` if
/// nobody waits for them.
pub fn clusters(
    context: &Context<'_>,
    scopes: &[Place],
    about: Option<&HashSet<PhotoId>>,
    threshold: Distance,
    relations: &[Relation],
    shots: WithinShots,
    is_wanted: IsWanted<'_>,
) -> Result<Option<Clustering>> {
    let Context { reader, generation, decisions, .. } = *context;
    let mut pairs = if shows_near(relations) { reader.pairs(generation.number, threshold)? } else { Vec::new() };
    pairs.retain(|p| counts(p, threshold, &generation.index));
    let decided = if shows(relations, Relation::Copy) { decided_same(reader, decisions)? } else { Vec::new() };
    let named: HashSet<PhotoId> = pairs.iter().flat_map(|p| [p.a, p.b]).chain(decided.iter().flat_map(|&(a, b)| [a, b])).collect();
    let mut material = Material { decided, photos: reader.photos(scopes, Wanted::TheseAndSeveral(&named))? };
    add_shots(reader, decisions, &mut material.photos)?;
    let Some(known) = Relations::of(context, &material.photos, &pairs, is_wanted)? else { return Ok(None) };
    let is_about = |photos: &[PhotoId]| about.is_none_or(|about| photos.iter().any(|photo| about.contains(photo)));
    let Some((mut found, apart)) = made(context, pairs, &material, &known, threshold, relations, is_wanted) else { return Ok(None) };
    drop(known);
    found.retain(|found| is_about(&found.members));
    let held_apart = held_apart(apart.iter().filter(|(pair, _)| is_about(&[pair.a, pair.b])), &material.photos);
    let photos = material.photos;
    let all = found.len();
    if shots == WithinShots::Hidden {
        let record = |photo: &PhotoId| &photos[photo];
        // A frame of a series that is shown stands for itself.
        let is_frame = |found: &Found| shows(relations, Relation::Series) && found.series.is_some();
        found.retain(|found| is_frame(found) || !is_one_shot(found.members.iter().map(record)));
        for found in &mut found {
            found.hide_shot(&found.members.iter().map(record).collect::<Vec<_>>());
        }
    }
    Ok(Some(Clustering { within: shots, shots: (all - found.len()) as u64, found, held_apart, photos }))
}

/// Returns the clusters of some photos as they are among the clusters of the whole library, with what `more` says of the relations by
/// which they are made. Only photos are read that are joined to these, directly or by way of others.
pub fn clusters_of<T>(context: &Context<'_>, photos: &[PhotoId], more: impl FnOnce(&Relations<'_>) -> T) -> Result<(Vec<Found>, T)> {
    let Context { reader, generation, decisions, roots, .. } = *context;
    let (threshold, head) = (generation.threshold, generation.number);
    let mut same: HashMap<PhotoId, Vec<PhotoId>> = HashMap::new();
    let decided = decided_same(reader, decisions)?;
    decided.iter().flat_map(|&(a, b)| [(a, b), (b, a)]).for_each(|(a, b)| same.entry(a).or_default().push(b));
    let mut comparisons = Comparisons::new();
    let (mut met, mut next): (HashSet<PhotoId>, Vec<PhotoId>) = (photos.iter().copied().collect(), photos.to_vec());
    while let Some(photo) = next.pop() {
        // Photos that were never to be compared are versions of each other by way of others only.
        let compared = reader.comparisons_of(photo)?;
        let others = compared.keys().flat_map(|&(a, b)| [a, b]).chain(same.get(&photo).into_iter().flatten().copied());
        next.extend(others.filter(|other| met.insert(*other)));
        comparisons.extend(compared);
    }
    let mut pairs = Vec::new();
    for photo in &met {
        let later = reader.pairs_with_later(head, *photo, threshold)?;
        pairs.extend(later.into_iter().filter(|pair| met.contains(&pair.b) && counts(pair, threshold, &generation.index)));
    }
    let decided = decided.into_iter().filter(|(a, _)| met.contains(a)).collect();
    let mut material = Material { decided, photos: reader.photos(&roots.scopes(), Wanted::These(&met))? };
    add_shots(reader, context.decisions, &mut material.photos)?;
    let goes_on = "it goes on to the end";
    let known = Relations::by(context, comparisons, &material.photos, &pairs, &|| true).expect(goes_on);
    let (found, _) = made(context, pairs, &material, &known, threshold, &[], &|| true).expect(goes_on);
    Ok((found, more(&known)))
}

/// Pairs, each with what the two are to each other.
type Told = Vec<(Pair, Relation)>;

/// Makes clusters of the pairs within the threshold, and returns them with the pairs that are not joined. `None` if nobody waits for
/// them.
fn made(
    context: &Context<'_>,
    pairs: Vec<Pair>,
    material: &Material,
    known: &Relations<'_>,
    threshold: Distance,
    relations: &[Relation],
    is_wanted: IsWanted<'_>,
) -> Option<(Vec<Found>, Told)> {
    let (Material { decided, photos }, roots, index) = (material, context.roots, &context.generation.index);
    // Pairs of an older version of the program keep their relation until they are compared.
    let is_as_before = |a: PhotoId, b: PhotoId, relation| relation == Relation::Unknown && relations.is_empty() && known.is_pending(a, b);
    let is_shown = |a: PhotoId, b: PhotoId, relation| shows(relations, relation) || is_as_before(a, b, relation);
    let distance = |a: PhotoId, b: PhotoId| index.distance(a, b).unwrap_or(0.0);
    // There may be millions of pairs, so they are not kept twice.
    let near: Vec<(Pair, Relation)> = pairs.into_iter().filter_map(|p| Some((p, known.between(p.a, p.b)??))).collect();
    let of_series = of_series(&near, known, relations);
    let is_joined = |p: &Pair, relation: Relation| match relation {
        Relation::Series => false,
        Relation::Copy | Relation::Edit => is_shown(p.a, p.b, relation) || of_series.contains(&known.source(p.a)),
        Relation::Identical | Relation::Part | Relation::Unknown => is_shown(p.a, p.b, relation),
    };
    let here = near.iter().filter(|(p, relation)| is_joined(p, *relation)).map(|(p, _)| p);
    let is_here = |photo| photos.contains_key(&photo);
    let decided: Vec<Pair> =
        decided.iter().filter(|&&(a, b)| is_here(a) && is_here(b)).map(|&(a, b)| Pair::new(a, b, distance(a, b))).collect();
    let cannot_link = known.cannot_link();
    let identical = shows(relations, Relation::Identical);
    let is_alone = |photo: &&PhotoRecord| identical && count_files(photo) > 1 || of_series.contains(&known.source(photo.id));
    let alone: Vec<PhotoId> = photos.values().filter(is_alone).map(|photo| photo.id).collect();
    let joined = joined_by(here, &decided, &alone, threshold, &cannot_link, distance, is_wanted)?;
    let mut found: Vec<Found> = joined.iter().take_while(|_| is_wanted()).map(|cluster| ranked(cluster, photos, known, roots)).collect();
    if found.len() < joined.len() {
        return None;
    }
    found.sort_unstable_by(|x, y| y.rank.cmp(&x.rank));
    add_beside(&mut found, &near);
    for Found { members, beside, .. } in &mut found {
        beside.iter_mut().for_each(|beside| beside.evidence = known.evidence(members[beside.near], beside.photo));
    }
    add_scenes(&mut found, &near, |photo| known.source(photo), |photo| photos[&photo].capture.seconds());
    if shows(relations, Relation::Series) {
        count_frames(&mut found, |source| files_of(&photos[&source], roots).files[0].stamp.size);
    }
    let apart = near.into_iter().filter(|(p, relation)| !is_shown(p.a, p.b, *relation)).collect();
    Some((found, apart))
}

/// Returns the sources of all exposures that are frames of a series, if the answer shows series. These are stars side by side: each
/// frame is shown with all of its versions, whatever else is asked for, and a frame without versions stands alone.
fn of_series(near: &[(Pair, Relation)], known: &Relations<'_>, relations: &[Relation]) -> HashSet<PhotoId> {
    let of_series = near.iter().filter(|(_, relation)| shows(relations, *relation) && *relation == Relation::Series);
    of_series.flat_map(|(pair, _)| [pair.a, pair.b]).map(|photo| known.source(photo)).collect()
}

/// Counts the source of each star of a series but the first. `size`: the bytes of a source.
fn count_frames(found: &mut [Found], size: impl Fn(PhotoId) -> u64) {
    for star in found.iter_mut().filter(|star| star.series.as_ref().is_some_and(|first| *first != star.rank.id)) {
        star.others.push((Relation::Series, size(star.members[0])));
    }
}

/// Counts near pairs, by their relation.
fn held_apart<'a>(pairs: impl Iterator<Item = &'a (Pair, Relation)>, photos: &HashMap<PhotoId, PhotoRecord>) -> BTreeMap<Relation, Amount> {
    let mut amounts: BTreeMap<Relation, Amount> = BTreeMap::new();
    let mut counted: HashSet<(Relation, PhotoId)> = HashSet::new();
    for (pair, relation) in pairs {
        let new = [pair.a, pair.b].into_iter().filter(|photo| counted.insert((*relation, *photo)));
        let sizes: Vec<u64> = new.map(|photo| photos[&photo].files.first().map_or(0, |file| file.stamp.size)).collect();
        *amounts.entry(*relation).or_default() += Amount { pairs: 1, photos: sizes.len() as u64, bytes: sizes.iter().sum() };
    }
    amounts
}

/// Counts the photos outside the scopes that are versions of photos inside. `None` if nobody waits for the number.
pub fn versions_outside(
    context: &Context<'_>,
    scopes: &[Place],
    threshold: Distance,
    relations: &[Relation],
    is_wanted: IsWanted<'_>,
) -> Result<Option<u64>> {
    let Context { reader, generation, roots, .. } = *context;
    let everywhere = roots.scopes();
    if scopes == everywhere {
        return Ok(Some(0));
    }
    let mut pairs = if shows_near(relations) { reader.pairs(generation.number, threshold)? } else { Vec::new() };
    pairs.retain(|p| counts(p, threshold, &generation.index));
    let named: HashSet<PhotoId> = pairs.iter().flat_map(|p| [p.a, p.b]).collect();
    let all = reader.photos(&everywhere, Wanted::TheseAndSeveral(&named))?;
    let is_inside =
        |file: &FileRecord| scopes.iter().any(|scope| scope.root == file.place.root && file.place.path.starts_with(&scope.path));
    let inside: HashSet<PhotoId> = all.values().filter(|photo| photo.files.iter().any(is_inside)).map(|photo| photo.id).collect();
    let Some(known) = Relations::of(context, &all, &pairs, is_wanted)? else { return Ok(None) };
    pairs.retain(|p| inside.contains(&p.a) != inside.contains(&p.b));
    let is_version = |p: &&Pair| known.between(p.a, p.b).flatten().is_some_and(|relation| shows(relations, relation));
    let mut outside: HashSet<PhotoId> =
        pairs.iter().filter(is_version).flat_map(|p| [p.a, p.b]).filter(|photo| !inside.contains(photo)).collect();
    if shows(relations, Relation::Identical) {
        let is_in_both = |photo: &&PhotoRecord| inside.contains(&photo.id) && !photo.files.iter().all(is_inside);
        outside.extend(all.values().filter(is_in_both).map(|photo| photo.id));
    }
    Ok(Some(outside.len() as u64))
}

fn ranked(cluster: &photo::Cluster, photos: &HashMap<PhotoId, PhotoRecord>, known: &Relations<'_>, roots: &Roots) -> Found {
    let records: Vec<&PhotoRecord> = cluster.photos.iter().map(|id| &photos[id]).collect();
    let files: Vec<Vec<FileOfPhoto>> = records.iter().map(|r| files_of(r, roots).files).collect();
    let candidates: Vec<Candidate<'_>> = records
        .iter()
        .zip(files.iter().map(|files| &files[0]))
        .map(|(record, file)| Candidate {
            dimensions: record.dimensions,
            format: record.format,
            capture: &record.capture,
            software: file.metadata.as_ref().and_then(|metadata| metadata.software.as_deref()),
            detail: record.detail,
            quantisation: record.quantisation,
            has_position: file.metadata.as_ref().is_some_and(|metadata| metadata.description.position.is_some()),
            bytes: file.told_bytes(),
            mtime: file.stamp.mtime,
            path: file.path(),
        })
        .collect();
    let laid = |link: &Link| Some((link.a, link.b, known.comparison(records[link.a].id, records[link.b].id)?));
    let SourceOrder { order, rule, ties, enlarged } = source_first(&candidates, &cluster.links.iter().filter_map(laid).collect::<Vec<_>>());
    let mut position = vec![0; records.len()];
    for (to, &from) in order.iter().enumerate() {
        position[from] = to;
    }
    let members: Vec<PhotoId> = order.iter().map(|&i| records[i].id).collect();
    let edge = |(a, b, distance): (usize, usize, Distance)| {
        let relation = known.between(members[a], members[b]).flatten().unwrap_or(Relation::Unknown);
        let changes = if relation == Relation::Edit { known.changes(members[a], members[b]) } else { Vec::new() };
        // Of others both may be versions of the source.
        let is_of_source = a == 0 && is_version(relation) && ties.binary_search(&b).is_err();
        let mut evidence = Evidence { direction: is_of_source.then_some(Direction::AToB), ..known.evidence(members[a], members[b]) };
        evidence.reasons.extend((a == 0 && enlarged.binary_search(&b).is_ok()).then_some(Reason::Enlarged));
        Edge { a, b, distance, relation, changes, evidence }
    };
    let edges: Vec<Edge> = edges(&cluster.links, &position).into_iter().map(edge).collect();
    let size = |file: &FileOfPhoto| file.stamp.size;
    let identical = files.iter().flat_map(|files| &files[1..]).map(|file| (Relation::Identical, size(file)));
    let relations = relations_of(&edges, members.len());
    let others = (1..members.len()).map(|place| (relations[place], size(&files[order[place]][0]))).chain(identical).collect();
    let all_bytes: u64 = files.iter().flatten().map(|file| file.stamp.size).sum();
    let is_tie = |edge: &Edge| edge.a == 0 && is_version(edge.relation) && ties.binary_search(&edge.b).is_ok();
    let mut ties: Vec<usize> = edges.iter().filter(|edge| is_tie(edge)).map(|edge| edge.b).collect();
    ties.sort_unstable();
    Found {
        rank: Rank { files: files.iter().map(Vec::len).sum(), spare: all_bytes - files[order[0]][0].stamp.size, id: id(&records) },
        members,
        rule,
        ties,
        diameter: cluster.diameter,
        edges,
        others,
        beside: Vec::new(),
        series: None,
        scene: None,
    }
}

fn is_version(relation: Relation) -> bool {
    matches!(relation, Relation::Copy | Relation::Edit)
}

/// What each photo of a cluster is to the source, or else to the photo that it is nearest to. The edges are sorted, the closest first.
fn relations_of(edges: &[Edge], count: usize) -> Vec<Relation> {
    let mut relations = vec![Relation::Unknown; count];
    let (of_source, others): (Vec<&Edge>, Vec<&Edge>) = edges.iter().partition(|edge| edge.a == 0);
    // What comes later counts.
    for edge in others.into_iter().rev().chain(of_source) {
        [edge.a, edge.b].into_iter().filter(|place| *place > 0).for_each(|place| relations[place] = edge.relation);
    }
    relations
}

/// Returns the links of a cluster that an answer lists, by position, the closest first: those with the first photo, and
/// those that hold the cluster together. These are at most two for each photo.
fn edges(links: &[Link], position: &[usize]) -> Vec<(usize, usize, Distance)> {
    let by_position = |link: &Link| {
        let (a, b) = (position[link.a], position[link.b]);
        (a.min(b), a.max(b), link.distance)
    };
    let mut edges: Vec<(usize, usize, Distance)> = links.iter().map(by_position).collect();
    // Equal distances are ordered by position, because photo ids depend on which photo was seen first.
    edges.sort_by(|x, y| x.2.total_cmp(&y.2).then((x.0, x.1).cmp(&(y.0, y.1))));
    let mut groups: Vec<usize> = (0..position.len()).collect();
    edges.retain(|&(a, b, _)| join(&mut groups, a, b) || a == 0);
    edges
}

/// Returns the id of a cluster. It depends on the picture hashes alone, so moves and renames do not change it.
fn id(records: &[&PhotoRecord]) -> String {
    let mut pictures: Vec<_> = records.iter().map(|r| r.picture).collect();
    pictures.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for picture in pictures {
        hasher.update(&picture.0);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tempfile::TempDir;

    use super::*;
    use crate::catalog::generation::Generation;
    use crate::catalog::pairs::pairs;
    use crate::likeness::Head;
    use crate::photo::{
        Capture, Compared, Comparison, ContentHash, CropDescriptors, Decision, Decisions, Dimensions, EqualPictures, Features, Format,
        Identity, Keypoints, Metadata, PictureHash, Root, RootId, Stamp, StoredFeatures, Verdict,
    };
    use crate::store::{HeadNumber, Location, Reader, Writer};

    const COUPLES: u8 = 4;

    /// A library of couples of photos: each two are versions.
    fn library() -> (TempDir, Reader) {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::new(folder.path());
        let mut writer = Writer::open(&location).expect("opens");
        let stored = StoredFeatures { features: Features(Vec::new()), crops: CropDescriptors::none(), keypoints: Keypoints::default() };
        let filled = writer.batch(|batch| {
            let head = batch.head_number("a head")?;
            let mut photos = Vec::new();
            for number in 1..=2 * COUPLES {
                let place = Place { root: RootId(1), path: format!("{number}.jpg").into() };
                let stamp = Stamp { volume: 1, inode: number.into(), size: 100, mtime: 1, ctime: 1, birth: None };
                let dimensions = Dimensions { width: 60 * u32::from(number), height: 40 * u32::from(number) };
                let (content, picture) = (ContentHash([number; 32]), PictureHash([number; 32]));
                let identity = Identity { content, picture, format: Format::Jpeg, dimensions, quantisation: None };
                batch.upsert_seen(&place, &stamp)?;
                let (photo, _) = batch.add_photo(&identity, &Capture::default(), "a recipe", &stored)?;
                batch.link(&place, &stamp, &content, photo, &Metadata::default())?;
                photos.push(photo);
            }
            for couple in photos.chunks(2) {
                let pair = Pair::new(couple[0], couple[1], 0.1);
                batch.add_pairs(head, &[pair])?;
                batch.want_comparisons(&[pair], 1.0, true)?;
                batch.set_compared([pair.a, pair.b], Some(&Compared::Laid(Comparison::WHOLE)))?;
            }
            Ok(head)
        });
        assert_eq!(filled.expect("filled"), HeadNumber(1));
        let reader = Reader::open(&location).expect("opens");
        (folder, reader)
    }

    /// Whenever the client leaves, nothing more is done.
    fn ends_when_nobody_waits(answer: impl Fn(IsWanted<'_>) -> bool) {
        let asked = Cell::new(0);
        let until = |end: usize| {
            asked.set(0);
            answer(&|| {
                asked.set(asked.get() + 1);
                asked.get() < end
            })
        };
        assert!(until(usize::MAX), "there is an answer");
        let questions = asked.get();
        assert!(questions >= usize::from(COUPLES), "{questions} questions whether to go on");
        for end in 1..=questions {
            assert!(!until(end), "no answer");
            assert_eq!(asked.get(), end, "it does not go on");
        }
    }

    #[test]
    fn an_answer_ends_when_nobody_waits_for_it() {
        let (_folder, reader) = library();
        let head = Head::base().expect("the head of the program");
        let generation = Generation { number: HeadNumber(1), threshold: 0.3, index: Index::new(head.dimensions()), head };
        let (decisions, roots) = (Decisions::default(), Roots::new(vec![Root::new(RootId(1), "/photos")]));
        let versions = crate::likeness::VersionModel::base();
        let context = Context { reader: &reader, generation: &generation, versions, decisions: &decisions, roots: &roots };
        let all = roots.scopes();
        let found = clusters(&context, &all, None, 0.3, &[], WithinShots::Hidden, &|| true).expect("read").expect("an answer").found;
        assert_eq!(found.iter().map(|found| found.members.len()).collect::<Vec<_>>(), [2; COUPLES as usize]);
        ends_when_nobody_waits(|is_wanted| {
            clusters(&context, &all, None, 0.3, &[], WithinShots::Hidden, is_wanted).expect("read").is_some()
        });
        ends_when_nobody_waits(|is_wanted| pairs(&context, &all, 0.3, true, &[], is_wanted).expect("read").is_some());
        let one = [Place { root: RootId(1), path: "1.jpg".into() }];
        let outside = |is_wanted: IsWanted<'_>| versions_outside(&context, &one, 0.3, &[], is_wanted).expect("read");
        assert_eq!(outside(&|| true), Some(1));
        ends_when_nobody_waits(|is_wanted| outside(is_wanted).is_some());
    }

    #[test]
    fn clusters_of_some_photos_are_those_of_the_library() {
        let (_folder, reader) = library();
        let head = Head::base().expect("the head of the program");
        let generation = Generation { number: HeadNumber(1), threshold: 0.3, index: Index::new(head.dimensions()), head };
        let roots = Roots::new(vec![Root::new(RootId(1), "/photos")]);
        let of = |number: u8| PictureHash([number; 32]);
        let photo = |number: u8| reader.photo_of_picture(&of(number)).expect("read").expect("a photo");
        // The second couple and the third are joined by a decision.
        let same = Decision { a: of(3), b: of(6), verdict: Verdict::Same, made: 1, follows: None };
        for (decisions, asked, expected) in
            [(Decisions::default(), [3, 4], &[3, 4][..]), (Decisions::new([same], EqualPictures::default()), [3, 4], &[3, 4, 5, 6])]
        {
            let versions = crate::likeness::VersionModel::base();
            let context = Context { reader: &reader, generation: &generation, versions, decisions: &decisions, roots: &roots };
            let photos = asked.map(photo);
            let (found, relation) = clusters_of(&context, &photos, |known| known.between(photos[0], photos[1])).expect("read");
            let told =
                |found: &[Found]| found.iter().map(|found| (found.members.clone(), found.rank.clone(), found.rule)).collect::<Vec<_>>();
            let all =
                clusters(&context, &roots.scopes(), None, 0.3, &[], WithinShots::Hidden, &|| true).expect("read").expect("an answer").found;
            let of_these: Vec<Found> = all.into_iter().filter(|found| found.members.contains(&photos[0])).collect();
            assert_eq!((told(&found), relation), (told(&of_these), Some(Some(Relation::Copy))), "and no other is read");
            let mut members = found[0].members.clone();
            members.sort_unstable();
            assert_eq!(members, expected.iter().map(|number| photo(*number)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_a_photo_is_goes_by_the_source_or_else_by_the_nearest() {
        let edge = |a, b, relation| Edge { a, b, distance: 0.1, relation, changes: Vec::new(), evidence: Evidence::default() };
        use Relation::{Copy, Edit, Part, Unknown};
        let edges = [edge(1, 2, Copy), edge(2, 3, Part), edge(0, 1, Edit)];
        assert_eq!(relations_of(&edges, 5)[1..], [Edit, Copy, Part, Unknown]);
    }

    #[test]
    fn an_answer_lists_what_holds_a_cluster_together_and_the_links_of_the_first_photo() {
        let link = |a, b, distance| Link { a, b, distance };
        // All pairs of five photos. In the answer their order is reversed.
        let all = (0..5).flat_map(|a| (a + 1..5).map(move |b| link(a, b, 0.01 * (b - a) as Distance)));
        let listed = edges(&all.collect::<Vec<_>>(), &[4, 3, 2, 1, 0]);
        let pairs: Vec<(usize, usize)> = listed.iter().map(|&(a, b, _)| (a, b)).collect();
        assert_eq!(pairs, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 2), (0, 3), (0, 4)]);
        assert!(edges(&[], &[0]).is_empty());
    }
}
