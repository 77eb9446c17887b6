//! The data of a tuning on decisions: the pairs that were decided on, and photos of the library.

use std::collections::{HashMap, HashSet};

use fastrand::Rng;

use crate::catalog::decided_photos;
use crate::catalog::relations::{laid, member};
use crate::catalog::roots::Roots;
use crate::learn::decisions::Decided;
use crate::likeness::{Member, is_series};
use crate::photo::{Capture, Compared, Comparison, Decision, Decisions, PhotoId};
use crate::store::{Comparisons, PhotoRecord, Reader, Result, Wanted};

/// The most decisions that are learnt from. The latest are used.
const MAX_LEARNT_DECISIONS: usize = 500;

/// The most frames of one camera that are known to be others than a photo.
const MAX_OTHERS: usize = 6;

/// The data of a tuning on decisions.
pub struct DecisionData {
    pub decided: Vec<Decided>,
    /// Photos with a kept picture, in a random order, each with frames that its camera took at another time.
    pub photos: Vec<(PhotoRecord, Vec<(Member, Comparison)>)>,
}

/// Draws up to `count` photos, and reads the decisions. The model in use may have learnt from decisions up to the time `known`.
///
/// # Errors
/// If the store cannot be read.
pub fn decision_data(reader: &Reader, roots: &Roots, decisions: &Decisions, known: i64, seed: u64, count: usize) -> Result<DecisionData> {
    let photos = reader.photos(&roots.scopes(), Wanted::All)?;
    let comparisons = reader.comparisons()?;
    Ok(DecisionData {
        decided: decided(reader, decisions, &photos, &comparisons, known)?,
        photos: drawn(photos, &comparisons, seed, count),
    })
}

/// Returns the latest decisions on photos that are here and were compared.
fn decided(
    reader: &Reader,
    decisions: &Decisions,
    photos: &HashMap<PhotoId, PhotoRecord>,
    comparisons: &Comparisons,
    known: i64,
) -> Result<Vec<Decided>> {
    let mut latest: Vec<&Decision> = decisions.iter().collect();
    latest.sort_unstable_by_key(|decision| (decision.made, decision.a, decision.b));
    let mut decided = Vec::new();
    for decision in latest.into_iter().rev() {
        let here = |picture| -> Result<Option<&PhotoRecord>> {
            Ok(decided_photos(reader, decisions, picture)?.iter().find_map(|photo| photos.get(photo)))
        };
        let (Some(a), Some(b)) = (here(decision.a)?, here(decision.b)?) else { continue };
        let Some(comparison) = laid(comparisons, a.id, b.id) else { continue };
        let is_known = decision.made <= known;
        decided.push(Decided { members: [member(a), member(b)], comparison, verdict: decision.verdict, is_known });
        if decided.len() == MAX_LEARNT_DECISIONS {
            break;
        }
    }
    Ok(decided)
}

/// Draws photos. If there are enough, half of them have frames of another time.
fn drawn(
    mut photos: HashMap<PhotoId, PhotoRecord>,
    comparisons: &Comparisons,
    seed: u64,
    count: usize,
) -> Vec<(PhotoRecord, Vec<(Member, Comparison)>)> {
    let mut others: HashMap<PhotoId, Vec<PhotoId>> = HashMap::new();
    for (&(a, b), compared) in comparisons {
        if let (Compared::Laid(_), Some(x), Some(y)) = (compared, photos.get(&a), photos.get(&b))
            && is_series(&x.capture, &y.capture)
        {
            others.entry(a).or_default().push(b);
            others.entry(b).or_default().push(a);
        }
    }
    let mut rng = Rng::with_seed(seed);
    let mut shuffled = |photos: Vec<PhotoId>| {
        let mut photos = photos;
        photos.sort_unstable();
        rng.shuffle(&mut photos);
        photos
    };
    let with_others = shuffled(others.keys().copied().collect());
    let taken: HashSet<PhotoId> = with_others.iter().copied().take(count / 2).collect();
    let rest = shuffled(photos.keys().copied().filter(|photo| !taken.contains(photo)).collect());
    let mut chosen: Vec<PhotoId> = taken.iter().copied().collect();
    chosen.extend(rest.into_iter().take(count.saturating_sub(chosen.len())));
    let chosen = shuffled(chosen);
    // The camera and the names say that these are others. The pictures should say so too.
    let by_picture = |record: &PhotoRecord| Member { capture: Capture::default(), names: Vec::new(), ..member(record) };
    let with_frames: Vec<(PhotoId, Vec<(Member, Comparison)>)> = chosen
        .into_iter()
        .map(|photo| {
            let mut frames = others.remove(&photo).unwrap_or_default();
            frames.sort_unstable();
            frames.truncate(MAX_OTHERS);
            let other = |frame: &PhotoId| Some((by_picture(&photos[frame]), laid(comparisons, photo, *frame)?));
            (photo, frames.iter().filter_map(other).collect())
        })
        .collect();
    with_frames.into_iter().filter_map(|(photo, frames)| Some((photos.remove(&photo)?, frames))).collect()
}
