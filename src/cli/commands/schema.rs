//! `simctl schema`: JSON Schemas of what commands answer with `--json`, made from the types that they print.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::api::types::{
    Cluster, ClusterChanges, Clusters, Comparison, DecisionCount, Event, Failures, FilePair, HeadList, Line, ListedDecisions, Pairs,
    Progress, Reloaded, RootList, Similar, Status, TuningEnd, Versioned,
};
use crate::cli::answers::{
    AddedRoots, BackedUp, MissingAnswer, MissingLine, RemovedRoots, Restarted, ServiceStatus, SettingsInForce, Stopped,
};
use crate::cli::failure::Failure;
use crate::cli::output::{Done, put_json};
use crate::cli::text::shown;

/// The words of a command, and the schema of its answer.
type Answer = (&'static str, fn() -> Schema);

/// All answers. The commands of `args.rs` that have `--json` are all here.
const ANSWERS: [Answer; 26] = [
    ("dupes", of::<Clusters>),
    ("missing", of::<Versioned<MissingAnswer>>),
    ("pairs", of::<Pairs>),
    ("similar", of::<Versioned<Similar>>),
    ("compare", of::<Versioned<Comparison>>),
    ("roots add", of::<Versioned<AddedRoots>>),
    ("roots remove", of::<Versioned<RemovedRoots>>),
    ("roots list", of::<Versioned<RootList>>),
    ("scan", of::<Versioned<Progress>>),
    ("status", of::<Versioned<Status>>),
    ("events", of::<Versioned<Event>>),
    ("failures", of::<Versioned<Failures>>),
    ("decide same", of::<Versioned<DecisionCount>>),
    ("decide different", of::<Versioned<DecisionCount>>),
    ("decide forget", of::<Versioned<DecisionCount>>),
    ("decisions list", of::<Versioned<ListedDecisions>>),
    ("decisions import", of::<Versioned<DecisionCount>>),
    ("backup", of::<Versioned<BackedUp>>),
    ("tune", of::<Versioned<TuningEnd>>),
    ("heads list", of::<Versioned<HeadList>>),
    ("heads use", of::<Versioned<ClusterChanges>>),
    ("config", of::<Versioned<SettingsInForce>>),
    ("stop", of::<Versioned<Stopped>>),
    ("restart", of::<Versioned<Restarted>>),
    ("reload", of::<Versioned<Reloaded>>),
    ("service status", of::<Versioned<ServiceStatus>>),
];

/// The same of a line with `--format ndjson`.
const LINES: [Answer; 4] =
    [("dupes", of::<Line<Cluster>>), ("missing", of::<MissingLine>), ("pairs", of::<Line<FilePair>>), ("events", of::<Versioned<Event>>)];

fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

pub fn run(command: &[String], is_line: bool) -> Done {
    put_json(&schema(command, is_line)?)
}

/// The schema of one command, or those of all by name.
///
/// # Errors
/// When no such command answers with JSON.
fn schema(command: &[String], is_line: bool) -> Result<Value, Failure> {
    let known: &[Answer] = if is_line { &LINES } else { &ANSWERS };
    // These two list when they are alone.
    let name = match command.join(" ").as_str() {
        alone @ ("roots" | "heads") => format!("{alone} list"),
        name => name.to_owned(),
    };
    if name.is_empty() {
        return Ok(Value::Object(known.iter().map(|(name, make)| ((*name).to_owned(), make().to_value())).collect::<Map<_, _>>()));
    }
    let found = known.iter().find(|(known, _)| *known == name);
    found.map(|(_, make)| make().to_value()).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let form = if is_line { "--format ndjson" } else { "--json" };
        Failure::usage(format!("{} is not a command that answers with {form}", shown(&name)))
            .hint(format!("these do: {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{Command, CommandFactory};

    use super::*;
    use crate::cli::args::Arguments;

    /// The commands that have an argument of this name.
    fn with(argument: &str, command: &Command, words: &str, found: &mut BTreeSet<String>) {
        for inner in command.get_subcommands() {
            let words = format!("{words} {}", inner.get_name()).trim_start().to_owned();
            if inner.get_arguments().any(|known| known.get_id() == argument) {
                found.insert(words.clone());
            }
            with(argument, inner, &words, found);
        }
    }

    #[test]
    fn every_command_that_answers_with_json_has_a_schema() {
        let mut found = BTreeSet::new();
        with("json", &Arguments::command(), "", &mut found);
        assert_eq!(found, ANSWERS.iter().map(|(name, _)| (*name).to_owned()).collect());
        let all = schema(&[], false).expect("all");
        for (name, _) in ANSWERS {
            let words: Vec<String> = name.split(' ').map(str::to_owned).collect();
            let one = schema(&words, false).expect(name);
            assert_eq!(one, all[name]);
            assert_eq!(one["properties"]["schema"]["type"], "integer", "{name}: {one}");
        }
        assert_eq!(schema(&["roots".into()], false).ok(), Some(all["roots list"].clone()));
        assert!(schema(&["man".into()], false).is_err() && schema(&["status".into()], true).is_err());
        assert!(schema(&["pairs".into()], true).is_ok());
    }
}
