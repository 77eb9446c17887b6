//! Pictures that come with a question.

use std::collections::HashSet;
use std::io::{Seek, SeekFrom, Write as _};

use super::clustering;
use super::heads::{self, Active, looks};
use super::shared::{Shared, read};
use crate::api::types::{Comparison, Neighbour, Similar};
use crate::api::{Code, Problem};
use crate::likeness::{self, Head, Index, PartsHead, crowded, crowds, relation, verified, whole};
use crate::photo::{Decisions, Distance, Encoded, Identity, Keypoints, Looks, PhotoId, Place, Relation, Verdict};
use crate::store::{PhotoRecord, Positives, Reader, Wanted};
use crate::vision::apart;
use crate::vision::backbone::Runner;
use crate::vision::decode::Decoded;
use crate::vision::keypoints::keypoints;

/// Photos embedded at once for a head that does not answer.
const PART: usize = 1024;

/// Reads pictures, as any other, in a child.
pub struct Encoder {
    pub reader: apart::Reader,
    pub runner: Runner,
    pub parts: PartsHead,
    /// The library under a head that does not answer: the one asked for last.
    pub other: Option<(Head, Index)>,
}

/// A picture that came with a question.
struct Asked {
    identity: Identity,
    decoded: Decoded,
    encoded: Encoded,
}

impl Encoder {
    fn ask(&mut self, shared: &Shared, bytes: &[u8]) -> Result<Asked, Problem> {
        let mut file = tempfile::tempfile_in(&shared.settings.data_dir).map_err(Problem::internal)?;
        file.write_all(bytes).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(Problem::internal)?;
        let refused = |problem: apart::Problem| match problem {
            apart::Problem::Photo(failure) => Problem::new(Code::NotReadable, failure.reason),
            apart::Problem::Child(e) => Problem::internal(e),
        };
        let identity = self.reader.identify(&file).map_err(refused)?;
        let decoded = self.reader.decode().map_err(refused)?;
        let (whole, parts) = self.runner.features_and_parts(&decoded.picture).map_err(Problem::internal)?;
        let encoded = self.parts.encoded(whole, &parts, keypoints(&decoded.picture));
        Ok(Asked { identity, decoded, encoded })
    }

    /// The library's photos nearest to a picture, by the head of this name or else the one that answers.
    pub fn similar(
        &mut self,
        shared: &Shared,
        reader: &Reader,
        scopes: &[Place],
        bytes: &[u8],
        count: usize,
        head: Option<&str>,
    ) -> Result<Similar, Problem> {
        let asked = self.ask(shared, bytes)?;
        // Photos whose files are all gone stay in the index: ask for more than will be shown.
        let wanted = count.saturating_mul(2).saturating_add(64);
        let nearest = |head: &Head, index: &Index, positives: Positives| {
            // Folders are what wholes have in common.
            let nearest = match positives {
                Positives::Edits => verified_all(reader, &asked.encoded.keypoints, index.nearest(&looks(head, &asked.encoded), wanted))?,
                Positives::Folders => index.nearest(&whole(head.embed(&asked.encoded.features)), wanted),
            };
            Ok::<_, Problem>((head.name().to_owned(), nearest))
        };
        let (head, nearest) = {
            let active = read(&shared.active);
            match head.filter(|name| *name != active.head.name()) {
                None => nearest(&active.head, &active.index, Positives::Edits)?,
                Some(name) => {
                    drop(active);
                    let ((head, index), positives) = self.other(shared, reader, name)?;
                    nearest(head, index, positives)?
                }
            }
        };
        let named: HashSet<PhotoId> = nearest.iter().map(|(photo, _)| *photo).collect();
        let photos = reader.photos(scopes, Wanted::These(&named))?;
        let decisions = read(&shared.decisions);
        let similar = nearest.iter().filter_map(|(photo, distance)| Some((photos.get(photo)?, *distance))).take(count);
        let similar = similar.map(|(record, distance)| Neighbour {
            distance,
            relation: between(&decisions, record, &asked),
            photo: clustering::photo(record, false, shared),
        });
        Ok(Similar { head, similar: similar.collect() })
    }

    /// The library under another head, and what that was tuned on.
    fn other(&mut self, shared: &Shared, reader: &Reader, name: &str) -> Result<(&(Head, Index), Positives), Problem> {
        let known = heads::find(&read(&shared.heads), &shared.backbone, name).map_err(Problem::internal)?;
        let known = known.ok_or_else(|| heads::Error::Unknown(name.to_owned()))?;
        let kept = self.other.take().filter(|(head, _)| head.fingerprint() == known.head.fingerprint());
        let (head, mut index) = kept.unwrap_or_else(|| {
            let index = Index::new(known.head.dimensions());
            (known.head, index)
        });
        loop {
            let missing = reader.encoded_after(index.last(), PART)?;
            if missing.is_empty() {
                return Ok((self.other.insert((head, index)), known.positives));
            }
            missing.iter().for_each(|(photo, encoded)| index.add(*photo, &looks(&head, encoded)));
        }
    }

    /// Two pictures, as if they came to the library now.
    pub fn compare(&mut self, shared: &Shared, a: &[u8], b: &[u8]) -> Result<Comparison, Problem> {
        let which = |name: &'static str| move |p: Problem| Problem { message: format!("the {name} file: {}", p.message), ..p };
        let (a, b) = (self.ask(shared, a).map_err(which("first"))?, self.ask(shared, b).map_err(which("second"))?);
        let active = read(&shared.active);
        let (distance, crowded) = if a.identity.picture == b.identity.picture { (0.0, 0.0) } else { apart(&active, &a, &b) };
        let decided = read(&shared.decisions).of(a.identity.picture, b.identity.picture);
        let relation = match decided {
            _ if a.identity.picture == b.identity.picture => Relation::Identical,
            Some(Verdict::Same) => Relation::Copy,
            _ => relation(&a.decoded.capture, &b.decoded.capture),
        };
        Ok(Comparison { distance, crowded, relation, decided, threshold: active.threshold, differences: differences(&a, &b) })
    }
}

/// How far apart two pictures are, alone and among the photos of the library.
fn apart(active: &Active, a: &Asked, b: &Asked) -> (f32, f32) {
    let looks = |asked: &Asked| looks(&active.head, &asked.encoded);
    let new: [(PhotoId, Looks); 2] = [(PhotoId(i64::MAX - 1), looks(a)), (PhotoId(i64::MAX), looks(b))];
    let distance = verified(likeness::apart(&new[0].1, &new[1].1), &a.encoded.keypoints, &b.encoded.keypoints);
    let crowds = crowds(&active.index, &new, &new.iter().map(|(photo, _)| *photo).collect());
    (distance, crowded(distance, crowds[0].1.level, crowds[1].1.level))
}

/// Photos with their distances once their keypoints were looked at, nearest first.
fn verified_all(reader: &Reader, asked: &Keypoints, mut nearest: Vec<(PhotoId, Distance)>) -> Result<Vec<(PhotoId, Distance)>, Problem> {
    let keypoints = reader.keypoints_of(&nearest.iter().map(|(photo, _)| *photo).collect())?;
    for (photo, distance) in &mut nearest {
        if let Some(points) = keypoints.get(photo) {
            *distance = verified(*distance, asked, points);
        }
    }
    nearest.sort_by(|x, y| x.1.total_cmp(&y.1).then(x.0.cmp(&y.0)));
    Ok(nearest)
}

fn between(decisions: &Decisions, record: &PhotoRecord, asked: &Asked) -> Relation {
    match decisions.of(record.picture, asked.identity.picture) {
        _ if record.picture == asked.identity.picture => Relation::Identical,
        Some(Verdict::Same) => Relation::Copy,
        _ => relation(&record.capture, &asked.decoded.capture),
    }
}

impl From<heads::Error> for Problem {
    fn from(error: heads::Error) -> Problem {
        match error {
            heads::Error::Unknown(_) => Problem::new(Code::NoHead, error.to_string()).hint("simctl heads list shows what there is"),
            heads::Error::InUse(_) => Problem::new(Code::InUse, error.to_string()).hint("simctl heads use base, then remove it"),
            heads::Error::NotForDupes(_) => Problem::new(Code::NotForDupes, error.to_string()).hint("simctl similar --head NAME uses it"),
            _ => Problem::internal(error),
        }
    }
}

fn differences(a: &Asked, b: &Asked) -> Vec<String> {
    let mut out = Vec::new();
    let mut differ = |what: &str, a: String, b: String| {
        if a != b {
            out.push(format!("{what}: {a}, {b}"));
        }
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
    let (x, y) = (&a.identity, &b.identity);
    differ("format", x.format.to_string(), y.format.to_string());
    differ(
        "dimensions",
        format!("{} × {}", x.dimensions.width, x.dimensions.height),
        format!("{} × {}", y.dimensions.width, y.dimensions.height),
    );
    let (x, y) = (&a.decoded.capture, &b.decoded.capture);
    differ("taken", or_none(&x.taken), or_none(&y.taken));
    differ("camera", or_none(&x.model), or_none(&y.model));
    if a.identity.content == b.identity.content {
        out.push("nothing: the files are byte for byte the same".into());
    } else if a.identity.picture == b.identity.picture {
        out.push("metadata only: the picture data is the same".into());
    }
    out
}
