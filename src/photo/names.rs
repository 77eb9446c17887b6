//! Names of enum values: the same in the database, in JSON and on the screen.

use thiserror::Error;

/// A text that is not the name of a value.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{text:?} is not a {kind}")]
pub struct UnknownName {
    /// The kind of value that was expected.
    pub kind: &'static str,
    pub text: String,
}

/// Names the values of an enum: `ALL`, `name`, [`Display`](std::fmt::Display) and [`FromStr`](std::str::FromStr),
/// which rejects every other text.
///
/// Names are stored, so a released name must not change.
macro_rules! names {
    ($Type:ident, $kind:literal { $($Value:ident: $name:literal),+ $(,)? }) => {
        impl $Type {
            pub const ALL: &'static [$Type] = &[$($Type::$Value),+];

            pub const fn name(self) -> &'static str {
                match self {
                    $($Type::$Value => $name),+
                }
            }
        }

        impl std::fmt::Display for $Type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $Type {
            type Err = $crate::photo::UnknownName;

            fn from_str(text: &str) -> Result<$Type, $crate::photo::UnknownName> {
                match text {
                    $($name => Ok($Type::$Value),)+
                    _ => Err($crate::photo::UnknownName { kind: $kind, text: text.to_owned() }),
                }
            }
        }
    };
}

pub(super) use names;

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};
    use std::str::FromStr;

    use serde::Serialize;

    use super::super::{
        ClusterChangeKind, Direction, Format, KeeperRule, MetadataKind, OtherKind, Positives, ReasonCode, Relation, ShotFileKind,
        SourceRule, Stage, UnknownName, Unpaired, Verdict,
    };

    /// Each name parses as its value and is its JSON. No other text parses.
    fn check<T>(all: &[T], names: &[&str], unknown: &str)
    where
        T: Copy + PartialEq + Debug + Display + Serialize + FromStr<Err = UnknownName>,
    {
        let written: Vec<String> = all.iter().map(T::to_string).collect();
        assert_eq!(written, names, "a name is stored: it must not change");
        for (value, name) in all.iter().zip(names) {
            assert_eq!(name.parse(), Ok(*value));
            assert_eq!(serde_json::to_value(value).expect("JSON"), serde_json::Value::from(*name));
            assert!(name.to_uppercase().parse::<T>().is_err() && format!("{name} ").parse::<T>().is_err());
        }
        for text in ["", "perhaps", "Same"] {
            let error = text.parse::<T>().expect_err("no name");
            assert_eq!(error.to_string(), format!("{text:?} is not a {unknown}"));
        }
    }

    #[test]
    fn every_value_has_one_name_and_no_other_text_is_read_as_one() {
        check(Verdict::ALL, &["same", "different"], "verdict");
        check(Stage::ALL, &["open", "read", "unsupported", "decode", "embed"], "stage");
        check(Relation::ALL, &["identical", "copy", "edit", "part", "series", "unknown"], "relation");
        check(
            MetadataKind::ALL,
            &["rating", "label", "keywords", "title", "caption", "creator", "position", "capture", "trailer", "other-metadata"],
            "kind of metadata",
        );
        check(KeeperRule::ALL, &["description", "shot", "metadata", "plain-name", "oldest", "path"], "keeper rule");
        check(
            SourceRule::ALL,
            &[
                "time",
                "whole-frame",
                "camera",
                "metadata",
                "format",
                "detail",
                "pixels",
                "colour",
                "rgb",
                "lossless",
                "bytes",
                "plain-name",
                "oldest",
                "path",
            ],
            "source rule",
        );
        check(
            ReasonCode::ALL,
            &[
                "decision",
                "same-picture",
                "distance",
                "not-compared",
                "not-laid",
                "time",
                "rewritten-time",
                "exposure",
                "image-id",
                "frame-number",
                "document",
                "file-name",
                "edit-name",
                "agreement",
                "disagreement",
                "version-model",
                "size",
                "enlarged",
                "format",
                "inks",
                "compression",
                "whole-frame",
                "frame",
                "tones",
                "colour",
                "spot",
                "third-photo",
                "other-photos",
                "beside",
                "collage",
                "layout",
            ],
            "reason",
        );
        check(OtherKind::ALL, &["film", "sound", "picture", "sidecar"], "kind of file");
        check(ShotFileKind::ALL, &["photo", "film", "sound", "picture", "sidecar"], "kind of file in a shot");
        check(Unpaired::ALL, &["other-folder", "several", "time", "no-time", "decision"], "reason why files are not one shot");
        check(Direction::ALL, &["a-to-b", "b-to-a"], "direction");
        check(ClusterChangeKind::ALL, &["new", "gone", "grown", "shrunk"], "kind of cluster change");
        check(Positives::ALL, &["edits", "folders", "decisions"], "kind of positives");
        check(Format::ALL, &["raw", "heic", "jpeg", "tiff", "psd", "jxl", "avif", "jp2", "png", "webp", "bmp", "gif"], "format");
    }
}
