//! Converts the types of the daemon and of the catalog to those of the API, and back.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::decisions::DecisionCount;
use super::heads::Switch;
use super::messages::Gone;
use super::state::Part;
use super::state::events::{Event, EventKind};
use super::state::tuning::{Phase, TuningEnd, TuningOrder, TuningOutcome, TuningProgress, TuningState};
use super::state::version::OwnVersion;
use crate::api::types::{self, BesideCluster, ClusterPair};
use crate::api::{self, PROTOCOL, text_of};
use crate::catalog::clusters::{Clustering, WithinShots};
use crate::catalog::files::{FileOfPhoto, FileOfShot, Files, files_of};
use crate::catalog::pairs::FilePair;
use crate::catalog::query;
use crate::catalog::ranked::{Beside, Edge, Found};
use crate::catalog::roots::Roots;
use crate::learn::report::{HeadFigures, TuningReport};
use crate::photo::{
    ClusterChange, ClusterChanges, Evidence, KeeperRule, KeptPicture, Metadata, PictureHash, Place, Reason, RootId, ShotFile,
};
use crate::store::{Location, PhotoRecord};

pub fn cluster(clustering: &Clustering, found: &Found, roots: &Roots) -> types::Cluster {
    let mut files: Vec<Files> = found.members.iter().map(|id| files_of(clustering.photo(*id), roots)).collect();
    // If a person removes the others, only the first file of the first photo stays.
    let (first, others) = files.split_at_mut(1);
    let keeper = &first[0].files[0];
    for of_photo in others {
        stay_with(of_photo, keeper, clustering.within);
    }
    let photos = found.members.iter().zip(&files).enumerate();
    let pair = |edge: &Edge| {
        let Edge { a, b, distance, relation, ref changes, evidence: ref found } = *edge;
        ClusterPair { a, b, distance, relation, changes: changes.clone(), evidence: evidence(found) }
    };
    types::Cluster {
        id: found.rank.id.clone(),
        diameter: found.diameter,
        source_by: found.rule,
        ties: found.ties.clone(),
        photos: photos.map(|(place, (id, files))| photo_with(clustering.photo(*id), place == 0, files)).collect(),
        pairs: found.edges.iter().map(pair).collect(),
        beside: found.beside.iter().map(|beside| beside_cluster(clustering.photo(beside.photo), beside, roots)).collect(),
        series: found.series.clone(),
        scene: found.scene.map(|scene| types::Scene { frames: scene.frames, seconds: scene.seconds }),
        within_shots: clustering.within == WithinShots::Shown,
    }
}

/// Says what is lost with the files of a photo beside a keeper. One that is in the shot of the keeper stays with it, and is the first.
fn stay_with(of_photo: &mut Files, keeper: &FileOfPhoto, within: WithinShots) {
    let in_shot = of_photo.files.iter().position(|file| keeper.is_with(file)).filter(|_| within == WithinShots::Hidden);
    if let Some(at) = in_shot {
        of_photo.files[..=at].rotate_right(1);
        of_photo.rule = of_photo.rule.map(|rule| if at > 0 { KeeperRule::Shot } else { rule });
    }
    let kept = in_shot.map(|_| of_photo.files[0].clone());
    for file in &mut of_photo.files {
        file.missing_in_keeper = file.missing_in(kept.as_ref().unwrap_or(keeper));
    }
}

fn beside_cluster(record: &PhotoRecord, beside: &Beside, roots: &Roots) -> BesideCluster {
    let Beside { near, distance, relation, evidence: ref found, .. } = *beside;
    let first = files_of(record, roots).files.swap_remove(0);
    BesideCluster {
        path: text_of(first.path()),
        near,
        distance,
        relation,
        bytes: first.stamp.size,
        width: record.dimensions.width,
        height: record.dimensions.height,
        format: record.format,
        taken: record.capture.taken.clone(),
        evidence: evidence(found),
    }
}

fn evidence(evidence: &Evidence) -> types::Evidence {
    let reason = |reason: &Reason| types::Reason { code: reason.code(), words: reason.to_string() };
    types::Evidence {
        direction: evidence.direction,
        overlap: evidence.overlap.map(|share| share as f32),
        reasons: evidence.reasons.iter().map(reason).collect(),
    }
}

/// Converts a photo, with its files sorted by absolute path.
pub fn photo(record: &PhotoRecord, is_source: bool, roots: &Roots) -> types::Photo {
    photo_with(record, is_source, &files_of(record, roots))
}

fn photo_with(record: &PhotoRecord, is_source: bool, Files { files, rule }: &Files) -> types::Photo {
    let names: Vec<_> = files.iter().flat_map(|file| &file.names).collect();
    let texts: Vec<_> = names.iter().map(|name| text_of(&name.path)).collect();
    let lossy = texts.iter().any(|t| t.path_bytes.is_some());
    types::Photo {
        path: texts[0].clone(),
        paths_bytes: lossy.then(|| names.iter().map(|name| STANDARD.encode(name.path.as_os_str().as_bytes())).collect()),
        paths: texts.into_iter().map(|t| t.path).collect(),
        offline: names.iter().enumerate().filter(|(_, name)| !name.is_here).map(|(place, _)| place).collect(),
        picture: record.picture.to_string(),
        bytes: files[0].stamp.size,
        width: record.dimensions.width,
        height: record.dimensions.height,
        format: record.format,
        taken: record.capture.taken.clone(),
        detail: record.detail.map(|share| share as f32),
        source: is_source,
        kept_by: *rule,
        files: files.iter().map(file).collect(),
    }
}

fn file(file: &FileOfPhoto) -> types::PhotoFile {
    types::PhotoFile {
        path: text_of(file.path()),
        also: file.names[1..].iter().map(|name| text_of(&name.path)).collect(),
        offline: !file.names[0].is_here,
        content: file.content.to_string(),
        volume: format!("{:016x}", file.stamp.volume),
        inode: file.stamp.inode,
        size: file.stamp.size,
        mtime_ns: file.stamp.mtime,
        ctime_ns: file.stamp.ctime,
        metadata: file.metadata.as_ref().map(metadata),
        metadata_lost: file.missing_in_keeper.clone(),
        shot: file.shot.iter().map(shot_file).collect(),
        unpaired: file.unpaired,
    }
}

fn shot_file(of: &FileOfShot) -> types::ShotFile {
    let ShotFile { kind, stamp, is_shared, .. } = of.file;
    types::ShotFile {
        path: text_of(&of.name.path),
        kind,
        offline: !of.name.is_here,
        shared: is_shared,
        size: stamp.size,
        mtime_ns: stamp.mtime,
        ctime_ns: stamp.ctime,
    }
}

fn metadata(metadata: &Metadata) -> types::FileMetadata {
    types::FileMetadata {
        taken: metadata.capture.taken.clone(),
        description: metadata.description.clone(),
        software: metadata.software.clone(),
        trailer_bytes: metadata.trailer_bytes - metadata.padding_bytes(),
        padding_bytes: metadata.padding_bytes(),
    }
}

pub fn pair(pair: &FilePair) -> types::FilePair {
    types::FilePair { distance: pair.distance, a: text_of(&pair.a), b: text_of(&pair.b), relation: pair.relation, offline: pair.offline }
}

/// Returns the key of a pair. A later answer can continue after it, even if the pair is gone by then.
pub fn pair_key(pair: &FilePair) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&self::pair(pair)).unwrap_or_default())
}

/// Returns the pair of a [`pair_key`]. `None` if the key is not valid.
pub fn keyed_pair(key: &str) -> Option<FilePair> {
    let pair: types::FilePair = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
    let (a, b) = (pair.a.to_path(), pair.b.to_path());
    Some(FilePair { distance: pair.distance, a, b, relation: pair.relation, offline: pair.offline })
}

pub fn neighbour(neighbour: &query::Neighbour<'_>, roots: &Roots) -> types::Neighbour {
    let query::Neighbour { record, distance, relation, decided } = *neighbour;
    types::Neighbour { distance, relation, decided, photo: photo(record, false, roots) }
}

/// Converts kept pictures, with their picture hashes.
pub fn kept_pictures(kept: impl Iterator<Item = (PictureHash, KeptPicture)>) -> types::KeptPictures {
    let jpeg =
        |(picture, kept): (PictureHash, KeptPicture)| types::KeptJpeg { picture: picture.to_string(), jpeg: STANDARD.encode(kept.jpeg) };
    types::KeptPictures { pictures: kept.map(jpeg).collect() }
}

pub fn comparison(comparison: query::Comparison, threshold: f32) -> types::Comparison {
    types::Comparison {
        evidence: evidence(&comparison.evidence()),
        distance: comparison.distance,
        normalized_distance: comparison.normalized,
        relation: comparison.of_two.relation,
        decided: comparison.decided,
        threshold,
        source: comparison.of_two.source,
        source_by: comparison.of_two.source_by,
        tie: comparison.of_two.is_tie,
        changes: comparison.of_two.changes,
        indexed: comparison.is_indexed,
        shot: comparison.is_one_shot,
        score: comparison.score,
        exposures: comparison.taken.each_ref().map(|taken| taken.exposure),
        lenses: comparison.taken.map(|taken| taken.lens),
        laid_over: comparison.laid.map(|(laid, scale)| types::LaidOver {
            scale: scale as f32,
            degrees: laid.map.degrees() as f32,
            mirrored: laid.map.is_mirrored(),
            overlap: laid.overlap.map(|share| share as f32),
            agreement: laid.fine.agreement as f32,
            misfit: laid.fine.misfit as f32,
            plain: laid.fine.plain as f32,
            coarse_agreement: laid.coarse.agreement as f32,
            spot: laid.fine.spot as f32,
            tones: laid.tones.map(|tone| types::Tones {
                brightness: tone.brightness as f32,
                contrast: tone.contrast as f32,
                chroma: tone.chroma as f32,
            }),
            colour: laid.colour.map(|difference| difference as f32),
        }),
        differences: comparison.differences,
    }
}

/// The problem of a part, with the file that the part is about.
pub fn problem(part: Part, message: String, location: &Location) -> types::DaemonProblem {
    use types::ProblemCode;
    let (code, path) = match part {
        Part::Decode => (ProblemCode::Decode, None),
        Part::Desktop => (ProblemCode::Desktop, None),
        Part::Dispatcher => (ProblemCode::Dispatcher, None),
        Part::Heads => (ProblemCode::Heads, None),
        Part::Index => (ProblemCode::Index, Some(location.index())),
        Part::Library => (ProblemCode::Library, Some(location.library())),
        Part::LibraryFile => (ProblemCode::LibraryFile, Some(location.library())),
        Part::Marker => (ProblemCode::Marker, None),
        Part::Pictures => (ProblemCode::Pictures, location.pictures()),
        Part::Store => (ProblemCode::Store, Some(location.index())),
        Part::Tuning => (ProblemCode::Tuning, None),
        Part::Versions => (ProblemCode::Versions, None),
        Part::Watch => (ProblemCode::Watch, None),
    };
    types::DaemonProblem { code, message, path: path.map(|path| text_of(&path)) }
}

/// The order of places in a list that can be continued: by the bytes of their paths, as the store has them.
pub fn place_order(place: &Place) -> (RootId, &[u8]) {
    (place.root, place.path.as_os_str().as_bytes())
}

/// Returns the key of a place. A later answer can continue after it, even if nothing is there by then.
pub fn place_key(place: &Place) -> String {
    URL_SAFE_NO_PAD.encode([&place.root.0.to_be_bytes()[..], place.path.as_os_str().as_bytes()].concat())
}

/// Returns the place of a [`place_key`]. `None` if the key is not valid.
pub fn keyed_place(key: &str) -> Option<Place> {
    let bytes = URL_SAFE_NO_PAD.decode(key).ok()?;
    let (root, path) = bytes.split_first_chunk()?;
    Some(Place { root: RootId(i64::from_be_bytes(*root)), path: OsStr::from_bytes(path).into() })
}

pub fn version(version: &OwnVersion) -> types::Version {
    let OwnVersion { version, program, build, pid, run } = version.clone();
    types::Version { version: version.into(), protocol: PROTOCOL, program, build, pid, run }
}

pub fn event(event: Event) -> types::Event {
    types::Event { id: event.id, kind: event_kind(event.kind) }
}

fn event_kind(kind: EventKind) -> types::EventKind {
    match kind {
        EventKind::Added(path) => types::EventKind::Added(text_of(&path)),
        EventKind::Changed(path) => types::EventKind::Changed(text_of(&path)),
        EventKind::Moved { from, path } => types::EventKind::Moved { from: text_of(&from), path: text_of(&path) },
        EventKind::Failed { path, reason } => types::EventKind::Failed { path: text_of(&path), reason },
        EventKind::Gone(path) => types::EventKind::Gone(text_of(&path)),
        EventKind::NewCluster { cluster, paths } => types::EventKind::NewCluster { cluster, paths: texts(&paths) },
        EventKind::ClusterGrew { cluster, paths } => types::EventKind::ClusterGrew { cluster, paths: texts(&paths) },
        EventKind::Offline { path, reason } => types::EventKind::Offline { path: text_of(&path), reason },
        EventKind::Online(path) => types::EventKind::Online(text_of(&path)),
        EventKind::ScanStarted(path) => types::EventKind::ScanStarted(text_of(&path)),
        EventKind::ScanProgress { path, entries } => types::EventKind::ScanProgress { path: text_of(&path), entries },
        EventKind::ScanFinished { path, changes } => types::EventKind::ScanFinished { path: text_of(&path), changes },
        EventKind::Decided { pairs, verdict } => types::EventKind::Decided { pairs, verdict },
        EventKind::Tuning(at) => types::EventKind::Tuning(progress(&at)),
        EventKind::Tuned(end) => types::EventKind::Tuned(tuning_end(&end)),
        EventKind::HeadChanged { name } => types::EventKind::HeadChanged { name },
        EventKind::Missed { count } => types::EventKind::Missed { count },
    }
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| text_of(path).path).collect()
}

impl From<api::Gone> for Gone {
    fn from(gone: api::Gone) -> Gone {
        match gone {
            api::Gone::AskIfMany => Gone::AskIfMany,
            api::Gone::Forget => Gone::Forget,
        }
    }
}

impl From<api::Switch> for Switch {
    fn from(switch: api::Switch) -> Switch {
        match switch {
            api::Switch::Take => Switch::Take,
            api::Switch::Try => Switch::Try,
        }
    }
}

impl From<DecisionCount> for types::DecisionCount {
    fn from(count: DecisionCount) -> types::DecisionCount {
        let DecisionCount { pairs, changed, reversed, outdone, first_outdone } = count;
        types::DecisionCount { pairs, changed, reversed, outdone, first_outdone }
    }
}

impl From<TuningOrder> for types::TuningOrder {
    fn from(order: TuningOrder) -> types::TuningOrder {
        let TuningOrder { name, positives, minutes, photos, asked } = order;
        types::TuningOrder { name, positives, minutes, photos, asked }
    }
}

pub fn tuning(state: &TuningState) -> types::TuningState {
    types::TuningState { progress: state.progress.as_ref().map(progress), ended: state.ended.as_ref().map(tuning_end) }
}

pub fn progress(at: &TuningProgress) -> types::TuningProgress {
    let TuningProgress { name, phase, done, of, loss, recall, left } = at.clone();
    let phase = match phase {
        Phase::Preparing => types::Phase::Preparing,
        Phase::Training => types::Phase::Training,
        Phase::Pairing => types::Phase::Pairing,
    };
    types::TuningProgress { name, phase, done, of, loss, recall, left }
}

fn tuning_end(end: &TuningEnd) -> types::TuningEnd {
    types::TuningEnd {
        name: end.name.clone(),
        positives: end.positives,
        outcome: match end.outcome {
            TuningOutcome::Used => types::Outcome::Used,
            TuningOutcome::Kept => types::Outcome::Kept,
            TuningOutcome::Refused => types::Outcome::Refused,
            TuningOutcome::Failed => types::Outcome::Failed,
        },
        message: end.message.clone(),
        report: end.report.as_ref().map(report),
    }
}

pub fn report(report: &TuningReport) -> types::TuningReport {
    types::TuningReport {
        tuned_on: report.tuned_on,
        held_out: report.held_out,
        copies: report.versions,
        decisions: report.decisions,
        steps: report.steps,
        seconds: report.seconds,
        before: figures(report.before),
        after: figures(report.after),
        clusters: report.clusters.as_ref().map(cluster_changes),
    }
}

fn figures(figures: HeadFigures) -> types::HeadFigures {
    let HeadFigures { recall, found, false_pairs, agreed, threshold } = figures;
    types::HeadFigures { recall, found, false_pairs, agreed, threshold }
}

pub fn cluster_changes(changes: &ClusterChanges) -> types::ClusterChanges {
    let ClusterChanges { new, gone, grown, shrunk, ref examples } = *changes;
    let example = |example: &ClusterChange| types::ClusterChange { change: example.kind, paths: texts(&example.paths) };
    types::ClusterChanges { new, gone, grown, shrunk, examples: examples.iter().map(example).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::photo::{ClusterChangeKind, Positives, Verdict};

    fn json_of(kind: EventKind) -> Value {
        serde_json::to_value(event(Event { id: 7, kind })).expect("JSON")
    }

    #[test]
    fn events_have_the_names_and_fields_that_clients_know() {
        let path = || PathBuf::from("/p/a.jpg");
        let paths = || vec![path(), PathBuf::from(OsStr::from_bytes(b"/p/\xff.jpg"))];
        for (kind, expected) in [
            (EventKind::Added(path()), json!({"event": "added", "path": "/p/a.jpg"})),
            (EventKind::Changed(path()), json!({"event": "changed", "path": "/p/a.jpg"})),
            (
                EventKind::Moved { from: "/p/b.jpg".into(), path: path() },
                json!({"event": "moved", "from": {"path": "/p/b.jpg"}, "path": "/p/a.jpg"}),
            ),
            (
                EventKind::Failed { path: path(), reason: "cut off".into() },
                json!({"event": "failed", "path": "/p/a.jpg", "reason": "cut off"}),
            ),
            (EventKind::Gone(path()), json!({"event": "gone", "path": "/p/a.jpg"})),
            (
                EventKind::NewCluster { cluster: "1a".into(), paths: paths() },
                json!({"event": "new-cluster", "cluster": "1a", "paths": ["/p/a.jpg", "/p/\u{fffd}.jpg"]}),
            ),
            (
                EventKind::ClusterGrew { cluster: "1a".into(), paths: paths() },
                json!({"event": "cluster-grew", "cluster": "1a", "paths": ["/p/a.jpg", "/p/\u{fffd}.jpg"]}),
            ),
            (EventKind::Offline { path: "/p".into(), reason: "gone".into() }, json!({"event": "offline", "path": "/p", "reason": "gone"})),
            (EventKind::Online("/p".into()), json!({"event": "online", "path": "/p"})),
            (EventKind::ScanStarted("/p".into()), json!({"event": "scan-started", "path": "/p"})),
            (EventKind::ScanProgress { path: "/p".into(), entries: 9 }, json!({"event": "scan-progress", "path": "/p", "entries": 9})),
            (EventKind::ScanFinished { path: "/p".into(), changes: 3 }, json!({"event": "scan-finished", "path": "/p", "changes": 3})),
            (EventKind::Decided { pairs: 2, verdict: Verdict::Same }, json!({"event": "decided", "pairs": 2, "verdict": "same"})),
            (EventKind::HeadChanged { name: "base".into() }, json!({"event": "head-changed", "name": "base"})),
            (EventKind::Missed { count: 5 }, json!({"event": "missed", "count": 5})),
        ] {
            let mut found = json_of(kind);
            assert_eq!(found.as_object_mut().expect("an object").remove("id"), Some(json!(7)));
            assert_eq!(found, expected);
        }
        let bytes = json_of(EventKind::Added(paths()[1].clone()));
        assert_eq!(bytes, json!({"id": 7, "event": "added", "path": "/p/\u{fffd}.jpg", "path_bytes": STANDARD.encode(b"/p/\xff.jpg")}));
    }

    #[test]
    fn a_place_survives_its_key() {
        for path in [&b""[..], b"a/b.jpg", b"\xff\n"] {
            let place = Place { root: RootId(7), path: OsStr::from_bytes(path).into() };
            assert_eq!(keyed_place(&place_key(&place)), Some(place));
        }
        assert!(["", "x", "nonsense", "AAAA"].iter().all(|key| keyed_place(key).is_none()));
    }

    #[test]
    fn a_problem_names_the_file_that_it_is_about() {
        let said = |part| serde_json::to_value(problem(part, "it is full".into(), &Location::new("/d".as_ref()))).expect("JSON");
        assert_eq!(said(Part::Store), json!({"code": "store", "message": "it is full", "path": "/d/index.db"}));
        assert_eq!(said(Part::LibraryFile), json!({"code": "library-file", "message": "it is full", "path": "/d/library.db"}));
        assert_eq!(said(Part::Desktop), json!({"code": "desktop", "message": "it is full"}));
        let newer = json!({"code": "of-a-newer-daemon", "message": "?"});
        assert_eq!(serde_json::from_value::<types::DaemonProblem>(newer).expect("read").code, types::ProblemCode::Other);
    }

    #[test]
    fn a_tuning_has_the_names_and_fields_that_clients_know() {
        let figures = |found| HeadFigures { recall: 0.5, found, false_pairs: 1, agreed: 2, threshold: 0.25 };
        let example = ClusterChange { kind: ClusterChangeKind::Grown, paths: vec!["/p/a.jpg".into()] };
        let report = TuningReport {
            tuned_on: 1,
            held_out: 2,
            versions: 3,
            decisions: 4,
            steps: 5,
            seconds: 6,
            before: figures(7),
            after: figures(8),
            clusters: Some(ClusterChanges { grown: 1, examples: vec![example], ..ClusterChanges::default() }),
        };
        let end = |outcome| TuningEnd {
            name: "tuned-1".into(),
            positives: Positives::Edits,
            outcome,
            message: "it is better".into(),
            report: Some(report.clone()),
        };
        let figures = |found| json!({"recall": 0.5, "found": found, "false_pairs": 1, "agreed": 2, "threshold": 0.25});
        let expected = json!({
            "id": 7,
            "event": "tuned",
            "name": "tuned-1",
            "positives": "edits",
            "outcome": "used",
            "message": "it is better",
            "report": {
                "tuned_on": 1, "held_out": 2, "copies": 3, "decisions": 4, "steps": 5, "seconds": 6,
                "before": figures(7), "after": figures(8),
                "clusters": {
                    "new": 0, "gone": 0, "grown": 1, "shrunk": 0,
                    "examples": [{"change": "grown", "paths": ["/p/a.jpg"]}],
                },
            },
        });
        assert_eq!(json_of(EventKind::Tuned(end(TuningOutcome::Used))), expected);
        for (outcome, name) in [(TuningOutcome::Kept, "kept"), (TuningOutcome::Refused, "refused"), (TuningOutcome::Failed, "failed")] {
            assert_eq!(json_of(EventKind::Tuned(end(outcome)))["outcome"], name);
        }
        let at = |phase| TuningProgress { name: "tuned-1".into(), phase, done: 1, of: 2, loss: Some(0.5), recall: None, left: 60 };
        for (phase, name) in [(Phase::Preparing, "preparing"), (Phase::Training, "training"), (Phase::Pairing, "pairing")] {
            let expected =
                json!({"id": 7, "event": "tuning", "name": "tuned-1", "phase": name, "done": 1, "of": 2, "loss": 0.5, "left": 60});
            assert_eq!(json_of(EventKind::Tuning(at(phase))), expected);
        }
        let state = TuningState { progress: Some(at(Phase::Training)), ended: None };
        assert_eq!(serde_json::to_value(tuning(&state)).expect("JSON")["progress"]["phase"], "training");
    }
}
