//! What differs between two files and what they say, for people.

use std::fmt::Display;

use crate::photo::{Identity, Metadata, Position};

/// What is told of a picture and its file.
pub struct Told<'a> {
    pub identity: &'a Identity,
    pub metadata: &'a Metadata,
    pub bytes: u64,
}

/// Returns a line for each difference, with what the first and the second say.
pub fn differences(of: [Told<'_>; 2]) -> Vec<String> {
    let mut out = Vec::new();
    let mut differ = |what: &str, of_each: &dyn Fn(&Told<'_>) -> String| {
        let [a, b] = of.each_ref().map(of_each);
        if a != b {
            out.push(format!("{what}: {a}, {b}"));
        }
    };
    differ("format", &|of| of.identity.format.to_string());
    differ("dimensions", &|of| format!("{} × {}", of.identity.dimensions.width, of.identity.dimensions.height));
    differ("bytes", &|of| of.bytes.to_string());
    differ("taken", &|of| or_none(of.metadata.capture.taken.as_ref()));
    differ("camera", &|of| or_none(of.metadata.capture.model.as_ref()));
    differ("serial number", &|of| or_none(of.metadata.capture.serial.as_ref()));
    differ("position", &|of| or_none(of.metadata.description.position.map(position).as_ref()));
    differ("rating", &|of| or_none(of.metadata.description.rating.as_ref()));
    differ("label", &|of| or_none(of.metadata.description.label.as_ref()));
    differ("keywords", &|of| listed(of.metadata.description.keywords.iter().map(String::as_str)));
    differ("title", &|of| or_none(of.metadata.description.title.as_ref()));
    differ("caption", &|of| or_none(of.metadata.description.caption.as_ref()));
    differ("creator", &|of| or_none(of.metadata.description.creator.as_ref()));
    differ("written by", &|of| or_none(of.metadata.software.as_ref()));
    differ("bytes after the picture", &|of| (of.metadata.trailer_bytes - of.metadata.padding_bytes()).to_string());
    differ("zeros after the picture", &|of| of.metadata.padding_bytes().to_string());
    differ("compression (sum of quantiser steps)", &|of| {
        of.identity.quantisation.map_or("not known".to_owned(), |steps| steps.to_string())
    });
    let [a, b] = of.each_ref().map(|of| of.identity);
    if a.content == b.content {
        out.push("the files are byte for byte the same".into());
    } else if a.picture == b.picture {
        out.push("only the metadata differ: the picture data is the same".into());
    }
    out
}

fn or_none(value: Option<&impl Display>) -> String {
    value.map_or("none".into(), ToString::to_string)
}

fn position(Position { latitude, longitude }: Position) -> String {
    format!("{latitude:.4}° {longitude:.4}°")
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "none".into() } else { words.join(" + ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::{ContentHash, Description, Dimensions, Format, PictureHash};

    #[test]
    fn what_two_files_say_of_a_photo_is_told_where_it_differs() {
        let identity = Identity {
            content: ContentHash([1; 32]),
            picture: PictureHash([1; 32]),
            format: Format::Jpeg,
            dimensions: Dimensions { width: 30, height: 20 },
            quantisation: Some(7),
        };
        let other = Identity { content: ContentHash([2; 32]), ..identity };
        let described = Description {
            rating: Some(4),
            keywords: ["leaf", "tree"].map(str::to_owned).into(),
            position: Some(Position { latitude: 52.5, longitude: -13.25 }),
            ..Description::default()
        };
        let [plain, rated] = [Metadata::default(), Metadata { description: described, ..Metadata::default() }];
        let told = |identity, metadata, bytes| Told { identity, metadata, bytes };
        assert_eq!(
            differences([told(&identity, &plain, 900), told(&other, &rated, 1000)]),
            [
                "bytes: 900, 1000",
                "position: none, 52.5000° -13.2500°",
                "rating: none, 4",
                "keywords: none, leaf + tree",
                "only the metadata differ: the picture data is the same",
            ]
        );
        let same = differences([told(&identity, &plain, 900), told(&identity, &plain, 900)]);
        assert_eq!(same, ["the files are byte for byte the same"]);
    }
}
