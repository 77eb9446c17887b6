//! The OpenAPI description, served at `/v1/openapi.json`. It is made from the routes and the types of the answers.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::asked::{MOUNT, SEEN};
use super::listing::NDJSON;
use super::problem::ErrorBody;
use super::types::{HASH, Line, Versioned};
use crate::photo::{Positives, Relation, Verdict};

/// The distance up to which pairs are stored. A larger one is refused.
const MAX_PAIR_DISTANCE: f64 = 0.45;

/// What operations are about, by the first part of their paths.
const TAGS: [(&str, &str, &[&str]); 5] = [
    ("daemon", "The daemon itself", &["version", "status", "events", "reload", "stop", "openapi.json"]),
    ("folders", "The watched folders, and their files that cannot be read", &["roots", "scan", "wait", "failures"]),
    ("photos", "Photos, and what they are to each other", &["clusters", "pairs", "similar", "compare", "pictures", "known"]),
    ("decisions", "What you decided", &["decisions"]),
    ("heads", "Heads and version models, and their tuning", &["heads", "tune"]),
];

/// An operation: a method at a path.
pub struct Operation {
    method: &'static str,
    pub path: &'static str,
    summary: &'static str,
    /// Required and optional parameters.
    needs: &'static [&'static str],
    parameters: &'static [&'static str],
    body: Option<(&'static str, SchemaOf)>,
    answers: Vec<(&'static str, SchemaOf)>,
}

type SchemaOf = fn(&mut SchemaGenerator) -> Value;

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

pub fn get(path: &'static str, summary: &'static str) -> Operation {
    Operation { method: "get", path, summary, needs: &[], parameters: &[], body: None, answers: Vec::new() }
}

pub fn post(path: &'static str, summary: &'static str) -> Operation {
    Operation { method: "post", ..get(path, summary) }
}

pub fn delete(path: &'static str, summary: &'static str) -> Operation {
    Operation { method: "delete", ..get(path, summary) }
}

impl Operation {
    pub fn needs(self, needs: &'static [&'static str]) -> Operation {
        Operation { needs, ..self }
    }

    pub fn takes(self, parameters: &'static [&'static str]) -> Operation {
        Operation { parameters, ..self }
    }

    /// The operation takes a body of this media type.
    pub fn sent(self, body: &'static str) -> Operation {
        Operation { body: Some((body, |_| json!({}))), ..self }
    }

    /// The operation takes lines of this type, and answers with lines.
    pub fn lines<Question: JsonSchema, Line: JsonSchema>(self) -> Operation {
        let operation = Operation { body: Some((NDJSON, schema_of::<Question>)), ..self };
        operation.answered(NDJSON, schema_of::<Line>)
    }

    pub fn sent_json<T: JsonSchema>(self) -> Operation {
        Operation { body: Some(("application/json", schema_of::<T>)), ..self }
    }

    pub fn answer<T: JsonSchema>(self) -> Operation {
        self.answered("application/json", schema_of::<Versioned<T>>)
    }

    /// The answer is any JSON object.
    pub fn answer_json(self) -> Operation {
        self.answered("application/json", |_| json!({"type": "object"}))
    }

    /// The answer is one object, or one line for each item.
    pub fn list<All: JsonSchema, Item: JsonSchema>(self) -> Operation {
        self.answered("application/json", schema_of::<All>).answered(NDJSON, schema_of::<Line<Item>>)
    }

    pub fn events<T: JsonSchema>(self) -> Operation {
        self.answered("text/event-stream", schema_of::<Versioned<T>>)
    }

    fn answered(mut self, kind: &'static str, schema: SchemaOf) -> Operation {
        self.answers.push((kind, schema));
        self
    }

    /// The name of the operation in programs that are made from the description: `getDecisionsList`.
    fn id(&self) -> String {
        let words = self.path.trim_start_matches("/v1/").split(['/', '.']);
        words.fold(self.method.to_owned(), |id, word| id + &word[..1].to_uppercase() + &word[1..])
    }

    fn tag(&self) -> &'static str {
        let first = self.path.trim_start_matches("/v1/").split('/').next().unwrap_or_default();
        let tag = TAGS.iter().find(|(.., paths)| paths.contains(&first)).map(|(tag, ..)| *tag);
        tag.unwrap_or_else(|| unreachable!("{first} has a tag"))
    }

    fn describe(&self, generator: &mut SchemaGenerator) -> Value {
        let takes_paths = self.needs.contains(&"path") || self.parameters.contains(&"path");
        let of_paths: &[&str] = if takes_paths { &[SEEN, MOUNT] } else { &[] };
        let optional = || self.parameters.iter().chain(of_paths).map(|name| (name, false));
        let known = || self.needs.iter().map(|name| (name, true)).chain(optional());
        let parameters: Vec<Value> = known().map(|(name, needed)| parameter(name, needed)).collect();
        // If there are many, they are sent as the body.
        let fields: serde_json::Map<String, Value> =
            known().map(|(name, _)| ((*name).to_owned(), parameter(name, false)["schema"].clone())).collect();
        let encoding = json!({"relation": {"style": "form", "explode": false}});
        let form = json!({"content": {"application/x-www-form-urlencoded": {
            "schema": {"type": "object", "properties": fields},
            "encoding": if fields.contains_key("relation") { encoding } else { json!({}) },
        }}});
        let content: serde_json::Map<String, Value> =
            self.answers.iter().map(|(kind, schema)| ((*kind).to_owned(), json!({"schema": schema(generator)}))).collect();
        let success = if content.is_empty() {
            json!({"204": {"description": "done; there is no body"}})
        } else {
            json!({"200": {"description": "done", "content": content}})
        };
        let error = json!({"description": "not done", "content": {"application/json": {"schema": schema_of::<ErrorBody>(generator)}}});
        let mut description = json!({
            "operationId": self.id(),
            "tags": [self.tag()],
            "summary": self.summary,
            "responses": success,
            "parameters": &parameters,
        });
        description["responses"]["default"] = error;
        if let Some((kind, schema)) = self.body {
            description["requestBody"] = json!({"required": true, "content": {kind: {"schema": schema(generator)}}});
        } else if self.method != "get" && !parameters.is_empty() {
            description["requestBody"] = form;
        }
        description
    }
}

pub fn document<'a>(operations: impl Iterator<Item = &'a Operation>) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.for_serialize().into_generator();
    let mut paths = json!({});
    for operation in operations {
        paths[operation.path][operation.method] = operation.describe(&mut generator);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "similard", "version": env!("CARGO_PKG_VERSION")},
        "servers": [{"url": "http://localhost", "description": "on the Unix socket"}],
        "tags": TAGS.map(|(name, description, _)| json!({"name": name, "description": description})),
        "paths": paths,
        "components": {"schemas": generator.take_definitions(true)},
    })
}

fn parameter(name: &str, needed: bool) -> Value {
    let number = |description: &str, example: f64| {
        (json!({"type": "number", "minimum": 0, "maximum": MAX_PAIR_DISTANCE}), description.to_owned(), json!(example))
    };
    let count = |description: &str, least: u32, example: u32| {
        (json!({"type": "integer", "minimum": least}), description.to_owned(), json!(example))
    };
    let switch = |description: &str| (json!({"type": "boolean"}), description.to_owned(), json!(true));
    let text = |description: &str, example: &str| (json!({"type": "string"}), description.to_owned(), json!(example));
    let several = |pattern: &str| json!({"type": "array", "items": {"type": "string", "pattern": pattern}});
    let one_of = |description: &str, names: &[&str]| (json!({"type": "string", "enum": names}), description.to_owned(), json!(names[0]));
    let (schema, description, example) = match name {
        "path" => (
            several("^/"),
            "absolute paths, their bytes percent-encoded, each as a parameter of its own".to_owned(),
            json!(["/home/me/Pictures"]),
        ),
        SEEN => (
            several("^[0-9]{1,18}(:[0-9]{1,18})?$"),
            "your view of the path before it: st_dev:st_ino, or st_dev if inode numbers are not stable; if the daemon's view differs, \
             the answer is the error other-view"
                .to_owned(),
            json!(["66305:1234"]),
        ),
        MOUNT => (
            several(r"^[0-9]{1,9}:[0-9]{1,9}:/[^\0]*\0/[^\0]*$"),
            "a mount that you see below the path before it: major:minor, a colon, the folder of that filesystem, NUL, the mount point"
                .to_owned(),
            json!(["8:1:/\0/home/me/Pictures/card"]),
        ),
        "threshold" => number("the distance up to which photos are versions of each other; by default that of the head", 0.2),
        "max_distance" => number("pairs up to this distance; by default the threshold of the head", 0.2),
        "relation" => {
            let names: Vec<&str> = Relation::ALL.iter().map(|relation| relation.name()).collect();
            let description = "what photos are to each other, several with commas; by default identical,copy,edit";
            (json!({"type": "array", "items": {"type": "string", "enum": names}}), description.to_owned(), json!(["identical", "copy"]))
        }
        "everywhere" => switch("also versions outside the paths"),
        "within_shots" => switch("also photos of one shot as versions of each other: a RAW file and the picture of the camera"),
        "after" => (
            json!({"type": "string", "minLength": 1}),
            "only items after this one: `next` of the previous answer; leave it out for the first page".to_owned(),
            Value::Null,
        ),
        "limit" => count("the most items", 1, 100),
        "forget" => switch("forget missing files, whatever their number"),
        "timeout_ms" => count("the longest wait, up to a minute", 0, 1000),
        "since" => count("the `moment` of an earlier answer: only changes from before it are waited for", 0, 0),
        "k" => count("the number of photos", 0, 10),
        "split" => count("the length of the first file", 1, 4096),
        "head" => text("the head to use, if not the one in use", "base"),
        "name" => text("a head", "base"),
        "try" => switch("only report how clusters would change"),
        "picture" => (
            several(HASH),
            "picture hashes of photos, also of those without a known file, each as a parameter of its own".to_owned(),
            json!(["0000000000000000000000000000000000000000000000000000000000000000"]),
        ),
        "verdict" => one_of("what the photos are", &Verdict::ALL.iter().map(|verdict| verdict.name()).collect::<Vec<_>>()),
        "positives" => {
            let names: Vec<&str> = Positives::ALL.iter().map(|positives| positives.name()).collect();
            one_of("the photos that the head learns to hold together", &names)
        }
        "minutes" => count("the time limit; the tuning ends with its current head", 1, 5),
        "photos" => count("the most photos of the library to tune on", 1, 1000),
        _ => unreachable!("{name} is described here"),
    };
    let mut parameter =
        json!({"name": name, "in": "query", "required": needed, "description": description, "schema": schema, "example": example});
    if parameter["example"].is_null() {
        parameter.as_object_mut().expect("an object").remove("example");
    }
    if name == "relation" {
        parameter["explode"] = json!(false);
    }
    parameter
}
