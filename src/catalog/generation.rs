//! A generation of the index: a head, and all that was made with it (embeddings, local densities, pairs).

use std::sync::Arc;

use crate::likeness::{
    Arrival, CANDIDATES, Crowd, Head, HeadError, Index, REACH, THRESHOLD, arrive, candidates, crowds, doubtful, is_doubtful, verify,
};
use crate::photo::{Distance, Encoded, Looks, PhotoId};
use crate::store::{self, Batch, HeadNumber, HeadRecord, Positives, Reader};
use crate::sys::parallel::parallel;

/// The name of the head in the binary.
pub const BASE: &str = "base";

/// Photos embedded and paired in one commit.
pub const INCREMENT_PHOTOS: usize = 512;

/// New photos and what they bring.
pub type Increment = Arc<(Vec<(PhotoId, Looks)>, Arrival)>;

/// A head with its index; one of them answers.
pub struct Generation {
    pub number: HeadNumber,
    pub head: Head,
    /// Up to which pairs join a cluster unless a question says otherwise.
    pub threshold: Distance,
    pub index: Index,
}

/// A head with its threshold in this library.
pub struct UsableHead {
    pub head: Head,
    pub threshold: Distance,
    pub positives: Positives,
}

/// The head of a name among those that were tuned and the base; `None` when there is none for this
/// backbone.
///
/// # Errors
/// When its weights cannot be read.
pub fn find(heads: &[HeadRecord], backbone: &str, name: &str) -> Result<Option<UsableHead>, HeadError> {
    if name == BASE {
        return Ok(Some(UsableHead { head: Head::base()?, threshold: THRESHOLD, positives: Positives::Edits }));
    }
    let Some(record) = heads.iter().find(|h| h.name == name && h.backbone == backbone) else { return Ok(None) };
    let head = Head::from_safetensors(&record.name, &record.weights)?.fitting(&Head::base()?)?;
    Ok(Some(UsableHead { head, threshold: record.threshold, positives: record.positives }))
}

/// Names a head and how its pairs are made.
pub fn fingerprint(head: &Head) -> String {
    format!("{}-{REACH}-crowds-parts-keypoints", head.fingerprint())
}

/// Stores what new photos bring to a head.
pub fn keep(batch: &mut Batch<'_>, head: HeadNumber, new: &[(PhotoId, Looks)], arrival: &Arrival) -> store::Result<()> {
    new.iter().try_for_each(|(photo, looks)| batch.add_embedding(head, *photo, &looks.embedding))?;
    batch.add_pairs(head, &arrival.pairs)?;
    arrival.crowds.iter().try_for_each(|(photo, crowd)| batch.set_crowd(head, *photo, crowd.level, crowd.edge))
}

/// What a photo is compared by under a head.
pub fn looks(head: &Head, encoded: &Encoded) -> Looks {
    Looks { embedding: head.embed(&encoded.features), parts: encoded.parts.clone() }
}

/// What the store holds of a head.
pub fn load(reader: &Reader, head: &Head, number: HeadNumber) -> store::Result<Index> {
    let mut index = Index::new(head.dimensions());
    reader.each_looks(number, |photo, looks, crowd| {
        index.add(photo, &looks);
        if let Some((level, edge)) = crowd {
            index.set_crowd(photo, Crowd { level, edge });
        }
    })?;
    Ok(index)
}

/// Embeds and pairs all photos that the index lacks, on all `cores`, having each part stored before it
/// joins. As long as no crowd is known, crowds wait until all photos are there, which is quicker.
pub fn catch_up<E: From<store::Error>>(
    generation: &mut Generation,
    reader: &Reader,
    cores: usize,
    mut store: impl FnMut(Vec<(PhotoId, Looks)>, Arrival) -> Result<Increment, E>,
) -> Result<(), E> {
    let Generation { number, head, index, .. } = generation;
    loop {
        let missing = reader.encoded_after(index.last(), INCREMENT_PHOTOS)?;
        if missing.is_empty() {
            break;
        }
        let new: Vec<(PhotoId, Looks)> =
            parallel(&missing, cores, |part| part.iter().map(|(photo, encoded)| (*photo, looks(head, encoded))).collect());
        let arrival = if index.knows_crowds() {
            arrive(index, &new, REACH, |photos| reader.keypoints_of(photos))?
        } else {
            let numbered: Vec<(usize, Looks)> = new.iter().map(|(_, looks)| looks.clone()).enumerate().collect();
            let found = parallel(&numbered, cores, |part| {
                let queries: Vec<Looks> = part.iter().map(|(_, looks)| looks.clone()).collect();
                index.within(&queries, CANDIDATES).into_iter().map(|(query, photo, d)| (part[query].0, photo, d)).collect()
            });
            let candidates = candidates(&new, found, REACH);
            let keypoints = reader.keypoints_of(&doubtful(&candidates))?;
            let pairs = parallel(&candidates, cores, |part| verify(part.to_vec(), REACH, &keypoints));
            Arrival { pairs, crowds: Vec::new() }
        };
        let part = store(new, arrival)?;
        index.join(&part.0, &part.1.crowds);
    }
    let mut who: Vec<PhotoId> = reader.pairs(*number, REACH)?.iter().filter(|p| is_doubtful(p)).flat_map(|p| [p.a, p.b]).collect();
    who.retain(|photo| !index.knows_crowd(*photo));
    who.sort_unstable();
    who.dedup();
    for who in who.chunks(INCREMENT_PHOTOS) {
        let crowds = parallel(who, cores, |part| crowds(index, &[], &part.iter().copied().collect()));
        let part = store(Vec::new(), Arrival { pairs: Vec::new(), crowds })?;
        index.join(&part.0, &part.1.crowds);
    }
    Ok(())
}
