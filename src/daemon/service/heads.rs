//! Lists the heads.

use crate::api::types::HeadInfo;
use crate::catalog::generation::{BASE, BASE_VERSIONS};
use crate::daemon::records::stored_report;
use crate::daemon::state::{Heads, read};
use crate::daemon::wire;
use crate::likeness::THRESHOLD;
use crate::store::{HeadRecord, Positives};

/// Returns all heads: the base, then the tuned ones, oldest first.
pub fn list(heads: &Heads, backbone: &str) -> Vec<HeadInfo> {
    let active = heads.active.now();
    let in_use = active.head.name();
    let base = HeadInfo {
        name: BASE.into(),
        positives: Positives::Edits,
        in_use: in_use == BASE,
        unusable: None,
        threshold: THRESHOLD,
        made: None,
        report: None,
    };
    let versions_in_use = read(&heads.versions).name.clone();
    let base_versions = HeadInfo {
        name: BASE_VERSIONS.into(),
        positives: Positives::Decisions,
        in_use: versions_in_use == BASE_VERSIONS,
        threshold: 0.0,
        ..base.clone()
    };
    let tuned = |record: &HeadRecord| HeadInfo {
        name: record.name.clone(),
        positives: record.positives,
        in_use: [in_use, versions_in_use.as_str()].contains(&record.name.as_str()),
        unusable: (record.backbone != backbone && record.positives != Positives::Decisions)
            .then(|| "it was tuned for another backbone than this version has".into()),
        threshold: record.threshold,
        made: Some(record.made),
        // `status` says which reports cannot be read.
        report: serde_json::from_str(&record.report).ok().map(|report| wire::report(&stored_report(report))),
    };
    [base, base_versions].into_iter().chain(read(&heads.records).iter().map(tuned)).collect()
}
