//! Lists decisions, and reads exported ones.

use std::collections::HashMap;

use crate::api::types::{DecidedPhoto, DecisionText, ListedDecision, PathText};
use crate::api::{Code, Problem, text_of};
use crate::catalog::roots::Roots;
use crate::photo::{Decision, Decisions, PictureHash, PixelHash};
use crate::store::{self, Reader};

/// Returns all decisions with the files of their photos, the oldest first.
pub fn listed(decisions: &Decisions, roots: &Roots, reader: &Reader) -> store::Result<Vec<ListedDecision>> {
    let mut known: HashMap<PictureHash, DecidedPhoto> = HashMap::new();
    let mut photo = |picture: PictureHash| -> store::Result<DecidedPhoto> {
        if let Some(photo) = known.get(&picture) {
            return Ok(photo.clone());
        }
        let mut files = Vec::new();
        for equal in decisions.equal().of(picture) {
            files.extend(reader.files_of_picture(&equal)?);
        }
        let mut files: Vec<PathText> = files.iter().filter_map(|place| Some(text_of(&roots.path_of(place)?))).collect();
        files.sort_unstable();
        Ok(known.entry(picture).or_insert(DecidedPhoto { picture: picture.to_string(), files }).clone())
    };
    let mut all: Vec<&Decision> = decisions.iter().collect();
    all.sort_unstable_by_key(|d| (d.made, d.a, d.b));
    let mut listed = Vec::with_capacity(all.len());
    for d in all {
        let contradicted = decisions.is_contradicted(d);
        let follows = d.follows.map(|picture| picture.to_string());
        listed.push(ListedDecision { a: photo(d.a)?, b: photo(d.b)?, verdict: d.verdict, made: d.made, follows, contradicted });
    }
    Ok(listed)
}

/// Returns all decisions, sorted by picture hash.
pub fn list(decisions: &Decisions) -> Vec<DecisionText> {
    let pixels = |picture| decisions.equal().pixels(picture).map(|pixels| pixels.to_string());
    let text = |d: &Decision| DecisionText {
        a: d.a.to_string(),
        b: d.b.to_string(),
        verdict: d.verdict,
        made: d.made,
        follows: d.follows.map(|picture| picture.to_string()),
        a_pixels: pixels(d.a),
        b_pixels: pixels(d.b),
    };
    let mut decisions: Vec<DecisionText> = decisions.iter().map(text).collect();
    decisions.sort_by(|x, y| (&x.a, &x.b).cmp(&(&y.a, &y.b)));
    decisions
}

/// Reads an exported decision, with the pixel hashes that came with it.
///
/// # Errors
/// If one of its hashes is none: it would not be what was exported.
pub fn imported(number: usize, text: &DecisionText, now: i64) -> Result<(Decision, Vec<(PictureHash, PixelHash)>), Problem> {
    let refused = |what: String| {
        Problem::new(Code::Decision, format!("decision {number} {what}"))
            .hint("nothing was imported; simctl decisions export writes what import reads")
    };
    let pictures = PictureHash::from_hex(&text.a).zip(PictureHash::from_hex(&text.b)).filter(|(a, b)| a != b);
    let (a, b) = pictures.ok_or_else(|| refused(format!("does not name two photos: {} and {}", text.a, text.b)))?;
    let no_hash = |field: &str, hash: &str| refused(format!("has {hash:?} as {field}, which is not a hash"));
    let follows = match &text.follows {
        Some(hash) => Some(PictureHash::from_hex(hash).ok_or_else(|| no_hash("follows", hash))?),
        None => None,
    };
    let mut pixels = Vec::new();
    for (picture, field, hash) in [(a, "a_pixels", &text.a_pixels), (b, "b_pixels", &text.b_pixels)] {
        if let Some(hash) = hash {
            pixels.push((picture, PixelHash::from_hex(hash).ok_or_else(|| no_hash(field, hash))?));
        }
    }
    // A time in the future, from a clock that was ahead, would win over later decisions.
    Ok((Decision { a, b, verdict: text.verdict, made: text.made.min(now), follows }, pixels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::Verdict;

    fn exported() -> DecisionText {
        let hash = |digit: &str| digit.repeat(64);
        DecisionText {
            a: hash("1"),
            b: hash("2"),
            verdict: Verdict::Same,
            made: 10,
            follows: Some(hash("3")),
            a_pixels: Some(hash("4")),
            b_pixels: None,
        }
    }

    #[test]
    fn an_exported_decision_is_read_as_a_whole() {
        let (decision, pixels) = imported(1, &exported(), 9).expect("a decision");
        assert_eq!((decision.made, decision.follows), (9, Some(PictureHash([0x33; 32]))));
        assert_eq!(pixels, [(PictureHash([0x11; 32]), PixelHash([0x44; 32]))]);
    }

    #[test]
    fn what_is_no_hash_is_refused_with_the_number_and_the_field() {
        let no_hash = || Some("4f2".to_owned());
        for (wrong, said) in [
            (DecisionText { a: "x".into(), ..exported() }, "decision 7 does not name two photos"),
            (DecisionText { follows: no_hash(), ..exported() }, "decision 7 has \"4f2\" as follows"),
            (DecisionText { a_pixels: Some("g".repeat(64)), ..exported() }, "as a_pixels"),
            (DecisionText { b_pixels: Some(String::new()), ..exported() }, "decision 7 has \"\" as b_pixels"),
        ] {
            let refused = imported(7, &wrong, 20).expect_err(said);
            assert!(refused.code == Code::Decision && refused.message.contains(said), "{refused:?}");
        }
    }
}
