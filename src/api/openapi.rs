//! The API's description, served at `/v1/openapi.json`.

use serde_json::{Value, json};

/// Method, path, what it does, parameters, answer's schema.
type Operation = (&'static str, &'static str, &'static str, &'static [&'static str], &'static str);

const OPERATIONS: &[Operation] = &[
    ("get", "/v1/version", "Which daemon answers", &[], "Version"),
    ("get", "/v1/status", "What the daemon is and does", &[], "Status"),
    ("get", "/v1/roots", "The watched folders", &[], "RootStatus[]"),
    ("post", "/v1/roots", "Watch a folder", &["path"], ""),
    ("delete", "/v1/roots", "Stop watching a folder", &["path"], ""),
    ("post", "/v1/scan", "Look at the paths, or everything, again", &["path", "forget"], ""),
    ("get", "/v1/wait", "Wait until everything under the paths is read", &["path", "timeout_ms"], "Progress"),
    ("get", "/v1/clusters", "Photos that are versions of each other", &["path", "threshold", "relation", "everywhere"], "Clusters"),
    ("get", "/v1/pairs", "Pairs of photos, closest first", &["path", "max_distance", "relation"], "Pairs"),
    ("post", "/v1/similar", "The photos nearest to the picture in the body", &["k", "head"], "Similar"),
    ("post", "/v1/compare", "Two pictures, one after the other in the body; split is the length of the first", &["split"], "Comparison"),
    ("get", "/v1/decisions", "What a person said of photos, by content", &[], "DecisionText[]"),
    ("post", "/v1/decisions", "Keep a person's word on every two of the photos", &["verdict", "path"], "DecisionCount"),
    ("delete", "/v1/decisions", "Take it back", &["path"], "DecisionCount"),
    ("post", "/v1/decisions/import", "Take over the decisions in the body, as GET shows them", &[], "DecisionCount"),
    ("get", "/v1/heads", "The heads there are, with what their tuning measured", &[], "HeadInfo[]"),
    ("post", "/v1/heads/use", "Have a head answer; with try only say how clusters would change", &["name", "try"], "ClusterChanges"),
    ("delete", "/v1/heads", "Forget a head", &["name"], ""),
    ("get", "/v1/tune", "How far a tuning is, or how the last one ended", &[], "TuningState"),
    ("post", "/v1/tune", "Tune a head on this library", &["name", "positives", "minutes", "photos"], "TuningOrder"),
    ("delete", "/v1/tune", "End a tuning with what it has", &[], ""),
    ("get", "/v1/failures", "Files that could not be read, and why", &["path"], "Failures"),
    ("get", "/v1/events", "What happens, as server-sent events", &[], "Event"),
    ("post", "/v1/reload", "Read the settings again", &[], "Reloaded"),
    ("post", "/v1/stop", "End the daemon", &[], ""),
];

pub fn document() -> Value {
    let mut paths = json!({});
    for (method, path, summary, parameters, answer) in OPERATIONS {
        let parameters: Vec<Value> =
            parameters.iter().map(|name| json!({"name": name, "in": "query", "schema": schema_of(name)})).collect();
        let kind = if *path == "/v1/events" { "text/event-stream" } else { "application/json" };
        let success =
            if answer.is_empty() { json!({"description": "done"}) } else { json!({"description": answer, "content": {kind: {}}}) };
        paths[*path][*method] = json!({
            "summary": summary,
            "parameters": parameters,
            "responses": {"2XX": success, "default": {"description": "{\"error\": {\"code\", \"message\", \"hint\"}}"}}
        });
    }
    json!({"openapi": "3.1.0", "info": {"title": "similard", "version": env!("CARGO_PKG_VERSION")}, "paths": paths})
}

fn schema_of(parameter: &str) -> Value {
    match parameter {
        "threshold" | "max_distance" => json!({"type": "number", "minimum": 0, "maximum": 2}),
        "k" | "split" | "timeout_ms" | "minutes" | "photos" => json!({"type": "integer", "minimum": 0}),
        "everywhere" | "forget" | "try" => json!({"type": "boolean"}),
        "name" | "head" => json!({"type": "string", "description": "the name of a head"}),
        "positives" => json!({"type": "string", "enum": ["edits", "folders"]}),
        "verdict" => json!({"type": "string", "enum": ["same", "different"]}),
        "relation" => json!({"type": "string", "description": "identical, copy, moment, unknown; several with commas"}),
        _ => json!({"type": "string", "description": "an absolute path, percent-encoded bytes; may be given several times"}),
    }
}
