//! Metadata: what a file says of its photo besides the picture.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Capture;
use super::names::names;

/// What a file says of its photo. Of sidecars it is stored as JSON: a field that is new is missing there. It belongs to the bytes of the file: two files of one picture may say different things.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    pub capture: Capture,
    pub description: Description,
    /// The program that wrote the file.
    pub software: Option<String>,
    /// The bytes after the picture, for example the film of a motion photo.
    pub trailer_bytes: u64,
    /// The hash of these bytes, empty if they are zeros. `None` if there are none, or if an older version read the file.
    pub trailer: Option<String>,
    /// Hashes of the parts that are not understood and may be of a person: comments, other XMP properties, further pages and the like.
    pub other: BTreeSet<String>,
}

/// What a person says of a photo. Missing values are `None` or empty.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Description {
    /// 1 to 5 stars, or -1 for a rejected photo.
    pub rating: Option<i8>,
    /// The name of a colour label.
    pub label: Option<String>,
    /// Sorted, each once.
    pub keywords: BTreeSet<String>,
    pub title: Option<String>,
    pub caption: Option<String>,
    pub creator: Option<String>,
    pub position: Option<Position>,
}

/// Where a photo was taken, in degrees: north and east are positive.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    pub latitude: f64,
    pub longitude: f64,
}

/// What stands for the hash of a trailer of zeros.
pub const OF_ZEROS: &str = "";

/// Degrees by which two programs may round one position differently: about ten metres.
const SAME_POSITION: f64 = 1e-4;

impl Position {
    /// `None` for zeros, which a receiver without a signal writes.
    pub fn known(self) -> Option<Position> {
        ((self.latitude, self.longitude) != (0.0, 0.0)).then_some(self)
    }

    pub fn is_near(self, other: Position) -> bool {
        (self.latitude - other.latitude).abs() < SAME_POSITION && (self.longitude - other.longitude).abs() < SAME_POSITION
    }
}

/// A kind of metadata that is lost with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetadataKind {
    Rating,
    Label,
    Keywords,
    Title,
    Caption,
    Creator,
    Position,
    /// When, where from and by what it was taken.
    Capture,
    /// Bytes after the picture, for example the film of a motion photo.
    Trailer,
    /// Parts that are not understood.
    OtherMetadata,
}

names!(MetadataKind, "kind of metadata" {
    Rating: "rating",
    Label: "label",
    Keywords: "keywords",
    Title: "title",
    Caption: "caption",
    Creator: "creator",
    Position: "position",
    Capture: "capture",
    Trailer: "trailer",
    OtherMetadata: "other-metadata",
});

impl Metadata {
    /// Returns the kinds of metadata that this file has and `kept` has not, or has with another value.
    pub fn missing_in(&self, kept: &Metadata) -> Vec<MetadataKind> {
        let (own, other) = (&self.description, &kept.description);
        let is_missing = |kind: MetadataKind| match kind {
            MetadataKind::Rating => is_lost(&own.rating, &other.rating),
            MetadataKind::Label => is_lost(&own.label, &other.label),
            MetadataKind::Keywords => !own.keywords.is_subset(&other.keywords),
            MetadataKind::Title => is_lost(&own.title, &other.title),
            MetadataKind::Caption => is_lost(&own.caption, &other.caption),
            MetadataKind::Creator => is_lost(&own.creator, &other.creator),
            MetadataKind::Position => own.position.is_some_and(|own| !other.position.is_some_and(|other| own.is_near(other))),
            MetadataKind::Capture => self.capture.is_missing_in(&kept.capture),
            MetadataKind::Trailer => self.trailer_bytes > self.padding_bytes() && (self.trailer.is_none() || self.trailer != kept.trailer),
            MetadataKind::OtherMetadata => !self.other.is_subset(&kept.other),
        };
        MetadataKind::ALL.iter().copied().filter(|kind| is_missing(*kind)).collect()
    }

    /// The zeros after the picture, which say nothing: a disk or a download left them.
    pub fn padding_bytes(&self) -> u64 {
        if self.trailer.as_deref() == Some(OF_ZEROS) { self.trailer_bytes } else { 0 }
    }
}

impl Metadata {
    /// Adds what a sidecar of the file says. Where both say something else, the sidecar counts, and what the file says is kept among
    /// the other parts: programs write into a sidecar what they do not write into the file.
    pub fn with_sidecar(mut self, sidecar: &Metadata) -> Metadata {
        let own = std::mem::take(&mut self.description);
        let said = &sidecar.description;
        let texts = [
            ("label", &own.label, &said.label),
            ("title", &own.title, &said.title),
            ("caption", &own.caption, &said.caption),
            ("creator", &own.creator, &said.creator),
        ];
        let hidden = texts.into_iter().filter(|(_, own, said)| said.is_some() && own.is_some() && own != said);
        let hidden: Vec<String> = hidden.filter_map(|(kind, own, _)| Some(format!("{kind}: {}", own.as_ref()?))).collect();
        self.other.extend(hidden);
        self.other.extend(own.rating.filter(|own| said.rating.is_some_and(|said| said != *own)).map(|stars| format!("rating: {stars}")));
        self.other.extend(sidecar.other.iter().cloned());
        self.description = Description {
            rating: said.rating.or(own.rating),
            label: said.label.clone().or(own.label),
            keywords: said.keywords.iter().cloned().chain(own.keywords).collect(),
            title: said.title.clone().or(own.title),
            caption: said.caption.clone().or(own.caption),
            creator: said.creator.clone().or(own.creator),
            position: said.position.or(own.position),
        };
        self.software = self.software.or_else(|| sidecar.software.clone());
        self
    }
}

impl Description {
    /// Returns how much it says: the number of kinds, and of keywords.
    pub fn richness(&self) -> (usize, usize) {
        let texts = [&self.label, &self.title, &self.caption, &self.creator].into_iter().flatten().count();
        let kinds = [self.rating.is_some(), !self.keywords.is_empty(), self.position.is_some()].into_iter().filter(|kind| *kind).count();
        (texts + kinds, self.keywords.len())
    }
}

fn is_lost<T: PartialEq>(own: &Option<T>, kept: &Option<T>) -> bool {
    own.is_some() && own != kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(description: Description) -> Metadata {
        Metadata { description, ..Metadata::default() }
    }

    #[test]
    fn what_a_person_wrote_is_missing_in_a_file_without_it_or_with_something_else() {
        let keywords = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let position = |latitude| Some(Position { latitude, longitude: 13.4 });
        let plain = Metadata::default();
        for (own, other, missing) in [
            (Description { rating: Some(5), ..Description::default() }, Description::default(), vec![MetadataKind::Rating]),
            (
                Description { rating: Some(5), ..Description::default() },
                Description { rating: Some(3), ..Description::default() },
                vec![MetadataKind::Rating],
            ),
            (
                Description { keywords: keywords(&["sea", "sky"]), ..Description::default() },
                Description { keywords: keywords(&["sea"]), ..Description::default() },
                vec![MetadataKind::Keywords],
            ),
            (
                Description { keywords: keywords(&["sea"]), ..Description::default() },
                Description { keywords: keywords(&["sea", "sky"]), ..Description::default() },
                vec![],
            ),
            (
                Description { position: position(52.52), ..Description::default() },
                Description { position: position(52.520_01), ..Description::default() },
                vec![],
            ),
            (
                Description { title: Some("A".into()), position: position(52.52), ..Description::default() },
                Description { position: position(48.1), ..Description::default() },
                vec![MetadataKind::Title, MetadataKind::Position],
            ),
        ] {
            let own = described(own);
            assert_eq!(own.missing_in(&described(other.clone())), missing, "{own:?} beside {other:?}");
            assert!(own.missing_in(&own).is_empty() && plain.missing_in(&own).is_empty());
        }
        let dated = |taken: &str| Metadata { capture: Capture { taken: Some(taken.into()), ..Capture::default() }, ..Metadata::default() };
        assert_eq!(dated("2026-05-01").missing_in(&plain), [MetadataKind::Capture]);
        assert_eq!(dated("2026-05-01").missing_in(&dated("2025-05-01")), [MetadataKind::Capture], "one of them was corrected");
        let noted = |notes: &[&str]| Metadata { other: keywords(notes), ..Metadata::default() };
        assert_eq!(noted(&["1", "2"]).missing_in(&noted(&["2"])), [MetadataKind::OtherMetadata]);
        assert!(noted(&["2"]).missing_in(&noted(&["1", "2"])).is_empty());
    }

    #[test]
    fn what_a_sidecar_says_counts_and_nothing_that_the_file_says_is_lost() {
        let own = Description { rating: Some(2), title: Some("A".into()), keywords: ["sea".into()].into(), ..Description::default() };
        let said = Description { rating: Some(5), keywords: ["sky".into()].into(), ..Description::default() };
        let both = described(own.clone()).with_sidecar(&described(said));
        let Description { rating, title, keywords, .. } = &both.description;
        assert_eq!((*rating, title.as_deref(), keywords.len()), (Some(5), Some("A"), 2));
        assert_eq!(both.missing_in(&described(both.description.clone())), [MetadataKind::OtherMetadata], "two stars");
        let same = described(own.clone()).with_sidecar(&described(own.clone()));
        assert_eq!(same, described(own));
    }

    #[test]
    fn a_trailer_is_missing_in_a_file_without_it_or_with_another_one() {
        let film = |bytes, hash: Option<&str>| Metadata { trailer_bytes: bytes, trailer: hash.map(str::to_owned), ..Metadata::default() };
        let none = film(0, None);
        for (what, own, kept, is_missing) in [
            ("none", &none, film(9, Some("a")), false),
            ("the same", &film(9, Some("a")), film(9, Some("a")), false),
            ("the only one", &film(9, Some("a")), none.clone(), true),
            ("another one, and not longer", &film(8, Some("a")), film(9, Some("b")), true),
            ("an older version knew only the length", &film(9, None), film(9, None), true),
            ("of one an older version knew only the length", &film(9, None), film(9, Some("a")), true),
            ("of the other", &film(9, Some("a")), film(9, None), true),
            ("zeros", &film(9, Some(OF_ZEROS)), none.clone(), false),
        ] {
            assert_eq!(own.missing_in(&kept) == [MetadataKind::Trailer], is_missing, "{what}");
        }
    }
}
