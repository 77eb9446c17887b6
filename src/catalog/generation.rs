//! Generations. A generation is a head with its threshold and its index in memory. The pairs of the head are in the
//! store only.

use std::sync::{Arc, PoisonError, RwLock};

use crate::likeness::{
    Arrival, Density, Head, HeadError, Index, MAX_CANDIDATE_DISTANCE, MAX_PAIR_DISTANCE, PairLimit, THRESHOLD, Taught, VersionModel,
    VersionModelError, arrive, candidates, densities, doubtful, is_doubtful, verify,
};
use crate::photo::{Descriptors, Distance, PhotoId, StoredFeatures};
use crate::store::damage::contradiction;
use crate::store::{self, Batch, HeadNumber, HeadRecord, Positives, Reader};
use crate::sys::parallel::parallel;

/// The name of the head that comes with the program.
pub const BASE: &str = "base";

/// The name of the version model that comes with the program.
pub const BASE_VERSIONS: &str = "versions";

/// Photos embedded and paired in one commit.
pub const INCREMENT_PHOTOS: usize = 512;

/// New photos, with the pairs and densities that result from them.
pub type Increment = Arc<(Vec<(PhotoId, Descriptors)>, Arrival)>;

/// A head with its threshold and its index. One generation is in use, another may be in preparation.
#[derive(Clone)]
pub struct Generation {
    pub number: HeadNumber,
    pub head: Head,
    /// The distance up to which pairs join a cluster, unless a query names another one.
    pub threshold: Distance,
    pub index: Index,
}

/// The generation in use. It is locked only for the moments in which it is taken or changed, never while it is used.
pub struct InUse(RwLock<Arc<Generation>>);

impl InUse {
    pub fn new(generation: Generation) -> InUse {
        InUse(RwLock::new(Arc::new(generation)))
    }

    /// Returns the generation as it is now. It stays so while an answer uses it.
    pub fn now(&self) -> Arc<Generation> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the generation. What is being answered goes on with the generation as it was, and shares most of its memory.
    pub fn change(&self, change: impl FnOnce(&mut Generation)) {
        change(Arc::make_mut(&mut self.0.write().unwrap_or_else(PoisonError::into_inner)));
    }

    /// Puts another generation into use, and returns the one that was.
    pub fn replace(&self, next: Generation) -> Arc<Generation> {
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), Arc::new(next))
    }
}

/// A head with its threshold in this library.
pub struct UsableHead {
    pub head: Head,
    pub threshold: Distance,
    pub positives: Positives,
}

/// A version model with its name.
#[derive(Clone, PartialEq, Debug)]
pub struct Versions {
    pub name: String,
    pub model: VersionModel,
    /// When it was tuned, in seconds since 1970. 0 for the one that comes with the program.
    pub made: i64,
}

impl Versions {
    pub fn base() -> Versions {
        Versions { name: BASE_VERSIONS.into(), model: VersionModel::base().clone(), made: 0 }
    }
}

/// Returns the version model of this name. `None` if there is none.
///
/// # Errors
/// If it cannot be read.
pub fn find_versions(heads: &[HeadRecord], name: &str) -> Result<Option<Versions>, VersionModelError> {
    if name == BASE_VERSIONS {
        return Ok(Some(Versions::base()));
    }
    let record = heads.iter().find(|head| head.name == name && head.positives == Positives::Decisions);
    let versions = |record: &HeadRecord| {
        let model = VersionModel::base().taught(Taught::from_safetensors(&record.weights)?);
        Ok(Versions { name: record.name.clone(), model, made: record.made })
    };
    record.map(versions).transpose()
}

/// Returns the base head or the tuned head of this name. `None` if there is none for this backbone.
///
/// # Errors
/// If its weights cannot be read.
pub fn find(heads: &[HeadRecord], backbone: &str, name: &str) -> Result<Option<UsableHead>, HeadError> {
    if name == BASE {
        return Ok(Some(UsableHead { head: Head::base()?, threshold: THRESHOLD, positives: Positives::Edits }));
    }
    let Some(record) = heads.iter().find(|h| h.name == name && h.backbone == backbone && h.positives != Positives::Decisions) else {
        return Ok(None);
    };
    let head = Head::from_safetensors(&record.name, &record.weights)?.fitting(&Head::base()?)?;
    Ok(Some(UsableHead { head, threshold: record.threshold, positives: record.positives }))
}

/// Returns the fingerprint of a head. It names the weights and how pairs are made.
pub fn fingerprint(head: &Head) -> String {
    format!("{}-{MAX_PAIR_DISTANCE}-crowds-parts-keypoints", head.fingerprint())
}

/// When near photos are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compare {
    /// At once: answers wait for it.
    Now,
    InTheBackground,
}

/// Stores the embeddings of new photos, and the pairs and densities that result from them, for a head.
pub fn keep(
    batch: &mut Batch<'_>,
    head: HeadNumber,
    new: &[(PhotoId, Descriptors)],
    arrival: &Arrival,
    compare: Compare,
) -> store::Result<()> {
    new.iter().try_for_each(|(photo, descriptors)| batch.add_embedding(head, *photo, &descriptors.embedding))?;
    batch.add_pairs(head, &arrival.pairs)?;
    batch.want_comparisons(&arrival.pairs, THRESHOLD, compare == Compare::Now)?;
    arrival
        .densities
        .iter()
        .try_for_each(|(photo, density)| batch.set_density(head, *photo, density.mean_similarity, density.min_similarity))
}

/// Returns the descriptors of a photo for a head.
pub fn descriptors(head: &Head, stored: &StoredFeatures) -> Descriptors {
    Descriptors { embedding: head.embed(&stored.features), crops: stored.crops.clone() }
}

/// Reads the index of a head from the store.
pub fn load(reader: &Reader, head: &Head, number: HeadNumber) -> store::Result<Index> {
    let mut index = Index::new(head.dimensions());
    let mut wrong = None;
    reader.each_descriptors(number, |photo, descriptors, density| {
        let values = &descriptors.embedding.0;
        if values.len() != head.dimensions() || photo <= index.last() || !values.iter().all(|value| value.is_finite()) {
            wrong.get_or_insert(photo);
            return;
        }
        index.add(photo, &descriptors);
        if let Some((mean_similarity, min_similarity)) = density {
            index.set_density(photo, Density { mean_similarity, min_similarity });
        }
    })?;
    match wrong {
        Some(photo) => Err(contradiction(format!("an embedding of photo {} that no head makes", photo.0))),
        None => Ok(index),
    }
}

/// Checks that the rows of a loaded generation fit together. Nothing may be stored meanwhile.
///
/// # Errors
/// If they do not.
pub fn check(generation: &Generation, reader: &Reader) -> store::Result<()> {
    reader.contradiction(generation.index.len())?.map_or(Ok(()), |what| Err(contradiction(what)))
}

/// Embeds and pairs all photos that the index lacks, on `cores` cores. Each part is stored before it joins the index.
/// If no density is known yet, the densities are computed after all photos have joined, which is faster.
pub fn catch_up<E: From<store::Error>>(
    generation: &mut Generation,
    reader: &Reader,
    cores: usize,
    mut store: impl FnMut(Vec<(PhotoId, Descriptors)>, Arrival) -> Result<Increment, E>,
) -> Result<(), E> {
    let Generation { number, head, index, .. } = generation;
    loop {
        let missing = reader.stored_features_after(index.last(), INCREMENT_PHOTOS)?;
        if missing.is_empty() {
            break;
        }
        if let Some((photo, _)) = missing.iter().find(|(_, stored)| stored.features.0.len() != head.features()) {
            return Err(contradiction(format!("features of photo {} that no encoder makes", photo.0)).into());
        }
        let new: Vec<(PhotoId, Descriptors)> =
            parallel("embedding", &missing, cores, |part| part.iter().map(|(photo, stored)| (*photo, descriptors(head, stored))).collect());
        let arrival = if index.knows_densities() {
            arrive(index, &new, PairLimit::STORED, |photos| reader.keypoints_of(photos))?
        } else {
            let numbered: Vec<(usize, Descriptors)> = new.iter().map(|(_, descriptors)| descriptors.clone()).enumerate().collect();
            let found = parallel("searching", &numbered, cores, |part| {
                let queries: Vec<Descriptors> = part.iter().map(|(_, descriptors)| descriptors.clone()).collect();
                index.within(&queries, MAX_CANDIDATE_DISTANCE).into_iter().map(|(query, photo, d)| (part[query].0, photo, d)).collect()
            });
            let candidates = candidates(&new, found, PairLimit::STORED);
            let keypoints = reader.keypoints_of(&doubtful(&candidates))?;
            let pairs = parallel("verifying", &candidates, cores, |part| verify(part.to_vec(), MAX_PAIR_DISTANCE, &keypoints));
            Arrival { pairs, densities: Vec::new() }
        };
        let part = store(new, arrival)?;
        index.join(&part.0, &part.1.densities);
    }
    let pairs = reader.pairs(*number, MAX_PAIR_DISTANCE)?;
    if pairs.iter().any(|pair| pair.distance < 0.0 || [pair.a, pair.b].iter().any(|photo| index.get(*photo).is_none())) {
        return Err(contradiction("a pair of photos that are not there").into());
    }
    let mut photos: Vec<PhotoId> = pairs.iter().filter(|p| is_doubtful(p)).flat_map(|p| [p.a, p.b]).collect();
    photos.retain(|photo| !index.knows_density(*photo));
    photos.sort_unstable();
    photos.dedup();
    for photos in photos.chunks(INCREMENT_PHOTOS) {
        let densities = parallel("densities", photos, cores, |part| densities(index, &[], &part.iter().copied().collect()));
        let part = store(Vec::new(), Arrival { pairs: Vec::new(), densities })?;
        index.join(&part.0, &part.1.densities);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::photo::{CropDescriptors, Embedding};

    /// With one thread, so a lock that an answer holds would end this test.
    #[test]
    fn the_generation_in_use_changes_while_answers_go_on_with_it() {
        let head = Head::base().expect("the head of the program");
        let generation = |number| {
            let (head, index) = (head.clone(), Index::new(head.dimensions()));
            Generation { number: HeadNumber(number), head, threshold: 0.3, index }
        };
        let in_use = InUse::new(generation(1));
        let (long, longer) = (in_use.now(), in_use.now());
        let descriptors = Descriptors { embedding: Embedding(vec![f16::ONE; head.dimensions()]), crops: CropDescriptors::none() };
        in_use.change(|generation| {
            generation.threshold = 0.2;
            generation.index.join(&[(PhotoId(7), descriptors)], &[]);
        });
        let now = in_use.now();
        assert_eq!((long.threshold, long.index.len()), (0.3, 0));
        assert_eq!((now.threshold, now.index.last()), (0.2, PhotoId(7)));
        assert_eq!(in_use.replace(generation(2)).index.len(), 1);
        assert_eq!([&in_use.now(), &now, &longer].map(|generation| generation.number.0), [2, 1, 1]);
    }
}
