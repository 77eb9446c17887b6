//! The status as metrics, for the textfile collector of Prometheus' node_exporter.

use std::fmt::{Display, Write};

use crate::api::types::{RootState, RootStatus, Status};

/// All metrics. Without a status the daemon does not answer.
pub fn text(status: Option<&Status>) -> String {
    let mut out = Text(String::new());
    out.gauge("similard_up", "Whether the daemon answers.", u8::from(status.is_some()));
    if let Some(status) = status {
        of_daemon(&mut out, status);
        of_library(&mut out, status);
        of_roots(&mut out, &status.roots);
    }
    out.0
}

fn of_daemon(out: &mut Text, s: &Status) {
    let (version, protocol) = (s.version.version.as_str(), s.version.protocol.to_string());
    out.family(
        "similard_build_info",
        "gauge",
        "The version of the daemon.",
        [(vec![("version", version), ("protocol", protocol.as_str())], 1)],
    );
    out.gauge("similard_problems", "Problems that simctl status names.", s.problems.len());
    let mut codes: Vec<String> = s.problems.iter().filter_map(|problem| name(&problem.code)).collect();
    codes.dedup();
    let present = codes.iter().map(|code| (vec![("code", code.as_str())], 1));
    out.family("similard_problem", "gauge", "A problem that there is, by its code.", present);
    out.gauge("similard_tuning", "Whether a tuning is running.", u8::from(s.tuning.is_some()));
}

fn of_library(out: &mut Text, s: &Status) {
    let c = &s.coverage;
    out.gauge("similard_photos", "Distinct photos in the index.", s.photos);
    let states =
        [("indexed", c.indexed), ("pending", c.pending), ("unsupported", c.unsupported), ("failed", c.failed), ("offline", c.offline)];
    let files = states.map(|(state, number)| (vec![("state", state)], number));
    out.family("similard_files", "gauge", "Files in the watched folders, by their state.", files);
    out.gauge("similard_photos_without_kept_picture", "Photos that have no kept picture yet.", c.without_picture);
    out.gauge("similard_photos_uncompared", "Photos that were not yet compared with those nearest to them.", c.uncompared);
    out.counter("similard_files_read_total", "Files read since the index was made.", s.counters.read);
    out.counter("similard_photos_decoded_total", "Photos decoded since the index was made.", s.counters.decoded);
    out.counter("similard_photos_embedded_total", "Photos embedded since the index was made.", s.counters.embedded);
    out.gauge("similard_decisions", "Your decisions on two photos.", s.decisions);
    out.gauge("similard_decisions_contradicting", "Decisions that contradict others.", s.contradictions);
}

fn of_roots(out: &mut Text, roots: &[RootStatus]) {
    let mut each = |name: &str, kind: &str, help: &str, value: fn(&RootStatus) -> Option<u64>| {
        let samples = roots.iter().filter_map(|root| Some((vec![("root", root.path.path.as_str())], value(root)?)));
        out.family(name, kind, help, samples);
    };
    let online = |root: &RootStatus| Some(u64::from(root.state == RootState::Online));
    each("similard_root_online", "gauge", "Whether a watched folder can be read.", online);
    each("similard_root_busy", "gauge", "Whether a watched folder is being scanned or read.", |root| Some(u64::from(root.busy)));
    each("similard_root_photos", "gauge", "Distinct photos of a watched folder.", |root| Some(root.photos));
    each("similard_root_missing_files", "gauge", "Known files that are gone at once, and are kept until you confirm it.", |root| {
        Some(root.missing)
    });
    each("similard_root_away_files", "gauge", "Known files that a mount hides, or that are not mounted.", |root| Some(root.away));
    let last_scan = "When the last full scan of a watched folder ended, in seconds since 1970.";
    each("similard_root_last_scan_timestamp_seconds", "gauge", last_scan, |root| root.last_scan);
    each("similard_root_scan_interval_seconds", "gauge", "The time between regular scans of a watched folder.", |root| {
        Some(root.scanned_every)
    });
    each("similard_root_file_events_total", "counter", "File events of a watched folder since the daemon started.", |root| {
        Some(root.events)
    });
    each("similard_root_file_event_losses_total", "counter", "How often file events of a watched folder were lost.", |root| {
        Some(root.times_lost)
    });
}

/// The name of a value in JSON.
fn name(value: &impl serde::Serialize) -> Option<String> {
    Some(serde_json::to_value(value).ok()?.as_str()?.to_owned())
}

/// Metrics in the text format of Prometheus. Writing to a text does not fail.
struct Text(String);

impl Text {
    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help, [(Vec::new(), value)]);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "counter", help, [(Vec::new(), value)]);
    }

    /// A metric with its samples, each with labels. One without samples is left out.
    fn family<'a, V: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<(&'a str, &'a str)>, V)>,
    ) {
        for (number, (labels, value)) in samples.into_iter().enumerate() {
            if number == 0 {
                let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
            }
            let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

/// The value of a label. A path may hold anything.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    fn status() -> Status {
        let coverage =
            json!({"indexed": 5, "pending": 2, "unsupported": 0, "failed": 1, "offline": 0, "without_picture": 3, "uncompared": 4});
        let root = |path: &str, state: &str, last_scan: Option<u64>| {
            json!({
                "path": path, "state": state, "busy": false, "scanned_every": 3600, "last_scan": last_scan, "events": 7, "times_lost": 1,
                "missing": 9, "away": 0, "excluded": [], "included": [], "photos": 5, "coverage": coverage,
            })
        };
        let problem = |message: &str| json!({"code": "store", "message": message});
        let status = json!({
            "version": "0.1.0", "protocol": 8, "program": "/bin/simctl", "build": "1", "pid": 1, "data_dir": "/d", "activity": "idle",
            "problems": [problem("full"), problem("gone")], "head": "base", "threshold": 0.4, "max_pair_distance": 0.45,
            "roots": [root("/p \"q\"\\\n", "online", Some(1_700_000_000)), root("/r", "offline", None)],
            "photos": 5, "coverage": coverage, "counters": {"read": 10, "decoded": 9, "embedded": 8}, "decisions": 6,
        });
        serde_json::from_value(status).expect("a status")
    }

    #[test]
    fn a_status_is_metrics() {
        let text = text(Some(&status()));
        for line in [
            "similard_up 1",
            "similard_build_info{version=\"0.1.0\",protocol=\"8\"} 1",
            "similard_problems 2",
            "similard_problem{code=\"store\"} 1",
            "similard_tuning 0",
            "similard_files{state=\"pending\"} 2",
            "similard_files_read_total 10",
            "similard_root_online{root=\"/p \\\"q\\\"\\\\\\n\"} 1",
            "similard_root_online{root=\"/r\"} 0",
            "similard_root_last_scan_timestamp_seconds{root=\"/p \\\"q\\\"\\\\\\n\"} 1700000000",
            "similard_root_missing_files{root=\"/r\"} 9",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert_eq!(text.matches("similard_problem{").count(), 1, "a sample comes once: {text}");
        assert!(!text.contains("timestamp_seconds{root=\"/r\"}"), "it was not scanned: {text}");
        assert_eq!(super::text(None), "# HELP similard_up Whether the daemon answers.\n# TYPE similard_up gauge\nsimilard_up 0\n");
    }

    /// The rules of `promtool check metrics`.
    #[test]
    fn every_metric_has_a_help_and_a_type_and_a_name_that_says_its_unit() {
        let text = text(Some(&status()));
        let (mut families, mut current) = (HashSet::new(), String::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').expect("words");
                assert!(words.ends_with('.') && families.insert(name.to_owned()), "{line}");
                current = name.to_owned();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a kind");
                assert!(name == current && ["gauge", "counter"].contains(&kind), "{line}");
                assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
                assert!(name.starts_with("similard_") && !name.ends_with("_count") && !name.ends_with("_sum"), "{line}");
            } else {
                let name = line.split(['{', ' ']).next().expect("a name");
                assert_eq!(name, current, "the samples of a metric stand together");
                assert!(line.rsplit(' ').next().expect("a value").parse::<u64>().is_ok(), "{line}");
            }
        }
        assert!(families.len() > 15, "{families:?}");
    }
}
