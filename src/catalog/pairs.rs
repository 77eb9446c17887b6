//! Pairs of files, from the pairs of photos in the store.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use std::os::unix::ffi::OsStrExt;

use super::clusters::counts;
use super::files::{FileOfPhoto, files_of};
use super::relations::Relations;
use super::{Context, IsWanted, shows, shows_near};
use crate::photo::{Distance, PhotoId, Place, Relation};
use crate::store::{Result, Wanted};

/// The first files of two near photos, or two files of one photo. `a` sorts before `b`.
#[derive(Clone, PartialEq, Debug)]
pub struct FilePair {
    pub distance: Distance,
    /// Absolute.
    pub a: PathBuf,
    pub b: PathBuf,
    pub relation: Relation,
    /// Whether one of the two files cannot be read now, as far as is known.
    pub offline: bool,
}

/// Returns the pairs of the scopes up to a distance, closest first. With `normalized`, the normalised distance must be
/// within that distance too. `None` if nobody waits for them.
pub fn pairs(
    context: &Context<'_>,
    scopes: &[Place],
    up_to: Distance,
    normalized: bool,
    relations: &[Relation],
    is_wanted: IsWanted<'_>,
) -> Result<Option<Vec<FilePair>>> {
    let Context { reader, generation, roots, .. } = *context;
    let mut near = if shows_near(relations) { reader.pairs(generation.number, up_to)? } else { Vec::new() };
    near.retain(|pair| !normalized || counts(pair, up_to, &generation.index));
    let named: HashSet<PhotoId> = near.iter().flat_map(|p| [p.a, p.b]).collect();
    let photos = reader.photos(scopes, Wanted::TheseAndSeveral(&named))?;
    let Some(between) = Relations::of(context, &photos, &near, is_wanted)? else { return Ok(None) };
    let mut pairs = Vec::new();
    if shows(relations, Relation::Identical) {
        for photo in photos.values() {
            let files = files_of(photo, roots).files;
            pairs.extend(files[1..].iter().map(|other| file_pair(0.0, &files[0], other, Relation::Identical)));
        }
    }
    for pair in near {
        if !is_wanted() {
            return Ok(None);
        }
        let (Some(a), Some(b)) = (photos.get(&pair.a), photos.get(&pair.b)) else { continue };
        let Some(Some(relation)) = between.between(pair.a, pair.b) else { continue };
        // Pairs of an older version of the program keep their relation until they are compared.
        if shows(relations, relation) || relation == Relation::Unknown && relations.is_empty() && between.is_pending(pair.a, pair.b) {
            let keeper = |photo| files_of(photo, roots).files.swap_remove(0);
            pairs.push(file_pair(pair.distance, &keeper(a), &keeper(b), relation));
        }
    }
    pairs.sort_unstable_by(order);
    Ok(Some(pairs))
}

fn file_pair(distance: Distance, x: &FileOfPhoto, y: &FileOfPhoto, relation: Relation) -> FilePair {
    let (x, y) = if bytes(x.path()) <= bytes(y.path()) { (x, y) } else { (y, x) };
    let offline = !x.names[0].is_here || !y.names[0].is_here;
    FilePair { distance, a: x.path().to_owned(), b: y.path().to_owned(), relation, offline }
}

/// Compares by distance, then by path. Photo ids are not used: they depend on which photo was seen first.
pub fn order(x: &FilePair, y: &FilePair) -> Ordering {
    let paths = |pair: &FilePair| (bytes(&pair.a).to_vec(), bytes(&pair.b).to_vec());
    x.distance.total_cmp(&y.distance).then_with(|| paths(x).cmp(&paths(y)))
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}
