//! The stored JSON of a tuning: its order and its report.
//!
//! Other versions wrote this data or will read it. A missing field gets its default, and an unknown field is ignored,
//! so that the rest is not lost.

use serde::{Deserialize, Serialize};

use crate::photo::{ClusterChangeKind, UnknownName};

/// An order to tune a head, stored in the index until it is done.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TuningOrderRecord {
    pub name: String,
    /// The name of a [`Positives`](super::Positives).
    pub positives: String,
    pub minutes: u64,
    /// The most photos of the library to tune on.
    pub photos: usize,
    /// Seconds since 1970.
    pub asked: i64,
}

/// The report of a tuning, stored with its head.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TuningReportRecord {
    /// Photos in the training set, and held-out photos.
    pub tuned_on: u64,
    pub held_out: u64,
    /// Edited versions of the held-out photos. For folders, the photos whose neighbours were counted.
    pub copies: u64,
    pub decisions: u64,
    pub steps: u64,
    pub seconds: u64,
    pub before: HeadFiguresRecord,
    pub after: HeadFiguresRecord,
    /// How the clusters of this library changed. `None` if the head was never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clusters: Option<ClusterChangesRecord>,
}

impl TuningReportRecord {
    /// Why the first example that this version does not know cannot be read.
    pub(super) fn unknown_example(&self) -> Option<UnknownName> {
        let mut examples = self.clusters.iter().flat_map(|clusters| &clusters.examples);
        examples.find_map(|example| example.change.parse::<ClusterChangeKind>().err())
    }
}

/// The results of a head on held-out photos.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HeadFiguresRecord {
    pub recall: f64,
    pub found: u64,
    pub false_pairs: u64,
    pub agreed: u64,
    pub threshold: f32,
}

/// The differences of clusters between two heads.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterChangesRecord {
    pub new: u64,
    pub gone: u64,
    pub grown: u64,
    pub shrunk: u64,
    /// Some of them.
    pub examples: Vec<ClusterChangeRecord>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterChangeRecord {
    /// The name of a [`ClusterChangeKind`]. It is text, so that an unknown value does not invalidate the report.
    pub change: String,
    pub paths: Vec<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Written by version 0.1.0.
    const REPORT: &str = concat!(
        r#"{"tuned_on":1200,"held_out":300,"copies":2400,"decisions":17,"steps":900,"seconds":611,"#,
        r#""before":{"recall":0.9125,"found":2190,"false_pairs":3,"agreed":15,"threshold":0.3},"#,
        r#""after":{"recall":0.9375,"found":2250,"false_pairs":1,"agreed":17,"threshold":0.28125},"#,
        r#""clusters":{"new":4,"gone":1,"grown":2,"shrunk":0,"#,
        r#""examples":[{"change":"new","paths":["/photos/a.jpg","/photos/b.jpg"]},{"change":"gone","paths":["/photos/c.jpg"]}]}}"#
    );
    const ORDER: &str = r#"{"name":"tuned-1","positives":"edits","minutes":30,"photos":20000,"asked":1784000000}"#;

    fn report() -> TuningReportRecord {
        let change = |change: &str, paths: &[&str]| ClusterChangeRecord {
            change: change.into(),
            paths: paths.iter().copied().map(str::to_owned).collect(),
        };
        TuningReportRecord {
            tuned_on: 1200,
            held_out: 300,
            copies: 2400,
            decisions: 17,
            steps: 900,
            seconds: 611,
            before: HeadFiguresRecord { recall: 0.9125, found: 2190, false_pairs: 3, agreed: 15, threshold: 0.3 },
            after: HeadFiguresRecord { recall: 0.9375, found: 2250, false_pairs: 1, agreed: 17, threshold: 0.28125 },
            clusters: Some(ClusterChangesRecord {
                new: 4,
                gone: 1,
                grown: 2,
                shrunk: 0,
                examples: vec![change("new", &["/photos/a.jpg", "/photos/b.jpg"]), change("gone", &["/photos/c.jpg"])],
            }),
        }
    }

    fn order() -> TuningOrderRecord {
        TuningOrderRecord { name: "tuned-1".into(), positives: "edits".into(), minutes: 30, photos: 20_000, asked: 1_784_000_000 }
    }

    /// Reads the report from its current JSON after `change`.
    fn changed(change: impl FnOnce(&mut Value)) -> TuningReportRecord {
        let mut value: Value = serde_json::from_str(REPORT).expect("JSON");
        change(&mut value);
        serde_json::from_value(value).expect("a report")
    }

    fn remove(value: &mut Value, field: &str) {
        value.as_object_mut().expect("an object").remove(field).expect("a field");
    }

    #[test]
    fn json_of_version_0_1_0_is_read_and_written_unchanged() {
        assert_eq!(serde_json::from_str::<TuningReportRecord>(REPORT).expect("a report"), report());
        assert_eq!(serde_json::to_string(&report()).expect("JSON"), REPORT);
        assert_eq!(serde_json::from_str::<TuningOrderRecord>(ORDER).expect("an order"), order());
        assert_eq!(serde_json::to_string(&order()).expect("JSON"), ORDER);
        let unused = TuningReportRecord { clusters: None, ..report() };
        assert_eq!(changed(|value| remove(value, "clusters")), unused);
        assert!(!serde_json::to_string(&unused).expect("JSON").contains("clusters"));
    }

    #[test]
    fn a_missing_field_gets_its_default_and_the_others_are_kept() {
        let fields: Vec<String> =
            serde_json::from_str::<Value>(REPORT).expect("JSON").as_object().expect("an object").keys().cloned().collect();
        for field in fields {
            let read = changed(|value| remove(value, &field));
            let mut expected = serde_json::to_value(report()).expect("JSON");
            let defaults = serde_json::to_value(TuningReportRecord::default()).expect("JSON");
            match defaults.get(&field) {
                Some(default) => expected[&field] = default.clone(),
                None => remove(&mut expected, &field),
            }
            assert_eq!(serde_json::to_value(read).expect("JSON"), expected, "{field}");
        }
        let read = changed(|value| remove(&mut value["after"], "agreed"));
        assert_eq!(read, TuningReportRecord { after: HeadFiguresRecord { agreed: 0, ..report().after }, ..report() });
        let read = changed(|value| remove(&mut value["clusters"], "examples"));
        assert_eq!(read.clusters.map(|clusters| (clusters.new, clusters.examples)), Some((4, vec![])));
        let mut value: Value = serde_json::from_str(ORDER).expect("JSON");
        remove(&mut value, "photos");
        assert_eq!(serde_json::from_value::<TuningOrderRecord>(value).expect("an order"), TuningOrderRecord { photos: 0, ..order() });
    }

    #[test]
    fn an_unknown_field_or_value_does_not_invalidate_a_record() {
        let read = changed(|value| {
            value["watts"] = json!({ "mean": 12.5 });
            value["before"]["precision"] = json!(0.99);
            value["clusters"]["split"] = json!(3);
            value["clusters"]["examples"][0]["photos"] = json!([1, 2]);
        });
        assert_eq!(read, report());
        let read = changed(|value| value["clusters"]["examples"][1]["change"] = json!("split"));
        assert_eq!(read.clusters.map(|clusters| clusters.examples[1].change.clone()), Some("split".to_owned()));
        let mut value: Value = serde_json::from_str(ORDER).expect("JSON");
        value["device"] = json!("cpu");
        assert_eq!(serde_json::from_value::<TuningOrderRecord>(value).expect("an order"), order());
    }
}
