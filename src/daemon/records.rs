//! Converts tuning orders and reports to what is stored of them, and back.

use super::state::tuning::TuningOrder;
use crate::learn::report::{HeadFigures, TuningReport};
use crate::photo::{ClusterChange, ClusterChanges, UnknownName};
use crate::store::{ClusterChangeRecord, ClusterChangesRecord, HeadFiguresRecord, TuningOrderRecord, TuningReportRecord};

pub fn order_to_store(order: &TuningOrder) -> TuningOrderRecord {
    let TuningOrder { name, positives, minutes, photos, asked } = order.clone();
    TuningOrderRecord { name, positives: positives.name().into(), minutes, photos, asked }
}

/// Converts a stored order.
///
/// # Errors
/// If this version does not know its positives.
pub fn stored_order(record: TuningOrderRecord) -> Result<TuningOrder, UnknownName> {
    let TuningOrderRecord { name, positives, minutes, photos, asked } = record;
    Ok(TuningOrder { name, positives: positives.parse()?, minutes, photos, asked })
}

pub fn report_to_store(report: &TuningReport) -> TuningReportRecord {
    TuningReportRecord {
        tuned_on: report.tuned_on,
        held_out: report.held_out,
        copies: report.versions,
        decisions: report.decisions,
        steps: report.steps,
        seconds: report.seconds,
        before: figures_to_store(&report.before),
        after: figures_to_store(&report.after),
        clusters: report.clusters.as_ref().map(|c| ClusterChangesRecord {
            new: c.new,
            gone: c.gone,
            grown: c.grown,
            shrunk: c.shrunk,
            examples: c.examples.iter().map(example_to_store).collect(),
        }),
    }
}

/// Converts a stored report. Examples with a kind of change that this version does not know are left out, and
/// [`Writer::problems`](crate::store::Writer::problems) reports them.
pub fn stored_report(record: TuningReportRecord) -> TuningReport {
    TuningReport {
        tuned_on: record.tuned_on,
        held_out: record.held_out,
        versions: record.copies,
        decisions: record.decisions,
        steps: record.steps,
        seconds: record.seconds,
        before: stored_figures(&record.before),
        after: stored_figures(&record.after),
        clusters: record.clusters.map(|c| ClusterChanges {
            new: c.new,
            gone: c.gone,
            grown: c.grown,
            shrunk: c.shrunk,
            examples: c.examples.into_iter().filter_map(stored_example).collect(),
        }),
    }
}

fn figures_to_store(figures: &HeadFigures) -> HeadFiguresRecord {
    let HeadFigures { recall, found, false_pairs, agreed, threshold } = *figures;
    HeadFiguresRecord { recall, found, false_pairs, agreed, threshold }
}

fn stored_figures(record: &HeadFiguresRecord) -> HeadFigures {
    let HeadFiguresRecord { recall, found, false_pairs, agreed, threshold } = *record;
    HeadFigures { recall, found, false_pairs, agreed, threshold }
}

fn example_to_store(example: &ClusterChange) -> ClusterChangeRecord {
    let paths = example.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    ClusterChangeRecord { change: example.kind.name().into(), paths }
}

fn stored_example(record: ClusterChangeRecord) -> Option<ClusterChange> {
    Some(ClusterChange { kind: record.change.parse().ok()?, paths: record.paths.into_iter().map(Into::into).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::wire;
    use crate::photo::{ClusterChangeKind, Positives};

    #[test]
    fn a_report_and_an_order_come_back_as_they_were_stored() {
        let figures = |found| HeadFigures { recall: 0.5, found, false_pairs: 1, agreed: 2, threshold: 0.25 };
        let examples = ClusterChangeKind::ALL.iter().map(|&kind| ClusterChange { kind, paths: vec![kind.name().into()] }).collect();
        let clusters = Some(ClusterChanges { new: 1, gone: 2, grown: 3, shrunk: 4, examples });
        let report = TuningReport {
            tuned_on: 1,
            held_out: 2,
            versions: 3,
            decisions: 4,
            steps: 5,
            seconds: 6,
            before: figures(7),
            after: figures(8),
            clusters,
        };
        let mut record = report_to_store(&report);
        assert_eq!(stored_report(record.clone()), report);
        // Earlier versions stored the type of the API, so the JSON of both must be the same.
        assert_eq!(serde_json::to_value(&record).expect("JSON"), serde_json::to_value(wire::report(&report)).expect("JSON"));
        record.clusters.as_mut().expect("there").examples[0].change = "split".into();
        assert_eq!(stored_report(record).clusters.expect("there").examples.len(), 3);
        let order = TuningOrder { name: "tuned-1".into(), positives: Positives::Folders, minutes: 5, photos: 9, asked: 1 };
        assert_eq!(stored_order(order_to_store(&order)), Ok(order.clone()));
        assert!(stored_order(TuningOrderRecord { positives: "weather".into(), ..order_to_store(&order) }).is_err());
    }
}
