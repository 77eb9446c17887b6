//! Whether an answer is whole, for people and for the exit code.

use std::io;
use std::mem::take;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::text::{count, shown, tell};
use crate::api::types::{End, Incomplete, PlaceStatus};

/// Returns the state of the places of an answer. Files that appeared after the wait are not part of the question.
pub fn asked(waited: &[PlaceStatus], answered: Vec<PlaceStatus>) -> Vec<PlaceStatus> {
    let was_read = |place: &PlaceStatus| waited.iter().any(|before| before.whole && before.path == place.path);
    let as_waited = |place: PlaceStatus| {
        if !is_away(&place) && was_read(&place) { PlaceStatus { whole: true, reason: None, files: 0, ..place } } else { place }
    };
    answered.into_iter().map(as_waited).collect()
}

/// Makes the end of an answer say what holds for the question that was asked.
pub fn settle(end: &mut End, waited: &[PlaceStatus]) {
    end.places = asked(waited, take(&mut end.places));
    end.whole = is_whole(&end.places, false);
}

/// The same of the line that ends an answer, as JSON.
///
/// # Errors
/// If it is no such line.
pub fn settled(line: &RawValue, waited: &[PlaceStatus]) -> io::Result<Box<RawValue>> {
    let mut line: EndLine = serde_json::from_str(line.get())?;
    settle(&mut line.end, waited);
    Ok(to_raw_value(&line)?)
}

/// The last line of an answer.
#[derive(Serialize, Deserialize)]
struct EndLine {
    end: End,
}

/// Reports each place of which an answer does not have all photos, on standard error.
pub fn report(places: &[PlaceStatus]) {
    for place in places.iter().filter(|place| !place.whole) {
        tell(format_args!("incomplete: {}: {}", shown(&place.path.path), why(place)));
    }
}

/// Returns whether all places are whole, or lack only files that cannot be checked now where that `is_excused`.
pub fn is_whole(places: &[PlaceStatus], is_excused: bool) -> bool {
    places.iter().all(|place| place.whole || is_excused && is_away(place))
}

/// Whether known files cannot be checked now.
fn is_away(place: &PlaceStatus) -> bool {
    matches!(place.reason, Some(Incomplete::Offline | Incomplete::Silent | Incomplete::Missing))
}

fn why(place: &PlaceStatus) -> String {
    let files = |words: &str| format!("{} {words}", count(place.files, "file", "files"));
    match place.reason {
        Some(Incomplete::Offline) => format!("it is offline; {}", files("there were not checked")),
        Some(Incomplete::Silent) => format!("its disk does not answer; {}", files("there were not checked")),
        Some(Incomplete::Missing) => {
            let gone = count(place.files, "known file is", "known files are");
            format!("{gone} gone at once; if they were deleted: simctl scan --forget {}", shown(&place.path.path))
        }
        Some(Incomplete::NotListed) => "it is still being scanned".into(),
        Some(Incomplete::Pending) => files("there are not read yet"),
        None => "not all of its photos are in the answer".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::PathText;
    use crate::photo::Coverage;

    #[test]
    fn only_an_offline_place_is_excused() {
        let place = |reason: Option<Incomplete>| PlaceStatus {
            path: PathText { path: "/card".into(), path_bytes: None },
            whole: reason.is_none(),
            reason,
            files: 2,
        };
        for (reason, excused) in [
            (Incomplete::Offline, true),
            (Incomplete::Silent, true),
            (Incomplete::Missing, true),
            (Incomplete::NotListed, false),
            (Incomplete::Pending, false),
        ] {
            let places = [place(None), place(Some(reason))];
            assert!(!is_whole(&places, false));
            assert_eq!(is_whole(&places, true), excused, "{reason:?}");
        }
        assert!(is_whole(&[place(None)], false));
        // It was read, and a file has appeared since. But a drive that has gone since is missing in the answer.
        for (reason, whole) in [(Incomplete::Pending, true), (Incomplete::Offline, false), (Incomplete::Missing, false)] {
            assert_eq!(asked(&[place(None)], vec![place(Some(reason))])[0].whole, whole);
            assert!(!asked(&[], vec![place(Some(reason))])[0].whole);
        }
        let end = |place| serde_json::json!({ "end": { "places": [place], "whole": false, "series": 0, "outside": 0, "coverage": Coverage::default() } });
        let settled = |reason| {
            let line = to_raw_value(&end(place(Some(reason)))).expect("JSON");
            serde_json::from_str::<serde_json::Value>(settled(&line, &[place(None)]).expect("an end").get()).expect("JSON")
        };
        assert_eq!(settled(Incomplete::NotListed)["end"]["whole"], true, "a scan began since");
        let offline = settled(Incomplete::Offline);
        assert_eq!((&offline["end"]["whole"], &offline["end"]["places"][0]["reason"]), (&false.into(), &"offline".into()));
        assert_eq!(why(&place(Some(Incomplete::Offline))), "it is offline; 2 files there were not checked");
        let missing = why(&place(Some(Incomplete::Missing)));
        assert_eq!(missing, "2 known files are gone at once; if they were deleted: simctl scan --forget /card");
    }
}
