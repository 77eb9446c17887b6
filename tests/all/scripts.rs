//! What scripts rely on: JSON and its schemas, exit codes, and metrics.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::photos;
use crate::schema;
use crate::support::{Instance, array};

const SIMCTL: &str = env!("CARGO_BIN_EXE_simctl");

/// Checks an answer against what `simctl schema` says of its command.
fn check(schemas: &Value, command: &str, answer: &Value) {
    let schema = &schemas[command];
    assert!(schema.is_object(), "{command} has no schema");
    assert_eq!(schema::check(schema, schema, answer), Ok(()), "{command}: {answer}");
}

#[test]
fn every_answer_is_as_its_schema_says() {
    let instance = Instance::new();
    let (folder, out) = (instance.folder("photos"), instance.folder("out"));
    photos::library(&folder, &["00003", "00009"]);
    fs::write(folder.join("broken.jpg"), b"no picture").expect("written");
    let schemas = instance.json(["schema"]);
    let path = |name: &str| folder.join(name).display().to_string();
    let (a, b) = (path("00003.webp"), path("00009.webp"));
    let (photos, backup, export) = (folder.display().to_string(), out.join("backup.db"), out.join("decisions.jsonl"));
    let (backup, export) = (backup.display().to_string(), export.display().to_string());
    let mut checked = 0;
    let mut answered = |command: &str, arguments: &[&str]| {
        let words = command.split(' ').chain(["--json"]).chain(arguments.iter().copied());
        let answer = instance.json(words);
        assert_eq!(answer["schema"], 1, "{command}: {answer}");
        check(&schemas, command, &answer);
        checked += 1;
        answer
    };
    let added = answered("roots add", &[&photos]);
    assert!(added["added"][0]["message"].as_str().is_some_and(|said| said.contains("is watched from now on")), "{added}");
    assert_eq!(answered("scan", &[])["whole"], true);
    let clusters = answered("dupes", &[&photos]);
    assert_eq!((array(&clusters["clusters"]).len(), &clusters["version"]), (2, &1.into()));
    assert!(!array(&answered("pairs", &[&photos])["pairs"]).is_empty());
    let card = instance.folder("card");
    fs::copy(&a, card.join("a.webp")).expect("copied");
    assert_eq!(answered("missing", &[&card.display().to_string()])["files"][0]["state"], "safe");
    answered("similar", &[&a]);
    answered("compare", &[&a, &b]);
    assert_eq!(answered("failures", &[])["failures"][0]["stage"], "decode");
    assert_eq!(answered("decide different", &[&a, &b])["changed"], 1);
    assert_eq!(array(&answered("decisions list", &[])["decisions"]).len(), 1);
    instance.ok(["decisions", "export", &export]);
    assert_eq!(answered("decide forget", &[&a, &b])["changed"], 1);
    assert_eq!(answered("decisions import", &[&export])["changed"], 1);
    answered("decide forget", &[&a, &b]);
    answered("decide same", &[&a, &path("00003_half.jpg")]);
    assert_eq!(answered("backup", &[&backup])["decisions"], 1);
    let status = answered("status", &[]);
    assert_eq!((&status["activity"], &status["roots"][0]["state"]), (&"idle".into(), &"online".into()));
    assert_eq!(answered("roots list", &[])["roots"][0]["path"], photos.as_str());
    assert_eq!(answered("heads list", &[])["heads"][0]["name"], "base");
    answered("heads use", &["base", "--try"]);
    assert_eq!(answered("config", &[])["settings"][0]["name"], "workers");
    answered("reload", &[]);
    let running = answered("restart", &[])["pid"].clone();
    assert_eq!(answered("roots remove", &[&photos])["removed"][0]["path"], photos.as_str());
    assert_eq!(answered("stop", &[])["process"], running);
    assert_eq!(answered("stop", &[])["process"], Value::Null);
    // A tuning takes long, events do not end, and a service needs systemd.
    let known = schemas.as_object().map(serde_json::Map::len);
    assert_eq!((checked - 2, known), (23, Some(26)), "each once, stop and decide forget twice");
}

#[test]
fn lines_begin_and_end_and_are_as_their_schema_says() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003", "00009"]);
    let schemas = instance.json(["schema", "--ndjson"]);
    for (command, items) in [("dupes", 2), ("pairs", 4)] {
        let text = instance.ok([OsStr::new(command), OsStr::new("--format=ndjson"), folder.as_os_str()]);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert!(lines.len() >= items + 2, "{text}");
        let (begin, end) = (&lines[0]["begin"], &lines[lines.len() - 1]["end"]);
        assert!(begin["schema"] == 1 && begin["head"] == "base" && end["whole"] == true, "{text}");
        assert!(lines[1..lines.len() - 1].iter().all(|line| line.get("begin").is_none() && line.get("end").is_none()), "{text}");
        lines.iter().for_each(|line| check(&schemas, command, line));
    }
    let listener = instance.listen("events.jsonl");
    listener.events().iter().for_each(|event| check(&schemas, "events", event));
    assert!(listener.events().iter().all(|event| event["schema"] == 1));
    assert_eq!(instance.json(["schema", "pairs", "--ndjson"]), schemas["pairs"]);
    let unknown = instance.run(["schema", "man"]);
    assert!(unknown.status.code() == Some(2) && String::from_utf8_lossy(&unknown.stderr).contains("dupes"), "{unknown:?}");
}

#[test]
fn the_description_of_the_api_needs_no_daemon() {
    let instance = Instance::new();
    let printed = instance.json(["openapi"]);
    assert!(!instance.data_dir().exists());
    instance.ok(["restart"]);
    assert_eq!(instance.get("/v1/openapi.json").1, printed);
}

/// What a command ends with, as `docs/exit-codes.md` says.
#[test]
fn commands_end_with_the_codes_of_the_table() {
    let instance = Instance::new();
    let (folder, fresh) = (instance.folder("photos"), instance.folder("fresh"));
    photos::library(&folder, &["00003"]);
    photos::library(&fresh, &photos::NAMES);
    let (photos, fresh) = (folder.display().to_string(), fresh.display().to_string());
    let (photos, fresh) = (photos.as_str(), fresh.as_str());
    let check = |codes: &[(&[&str], i32)]| {
        for (arguments, code) in codes {
            let output = instance.run(*arguments);
            assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    };
    check(&[
        (&["stop"], 0),
        (&["status"], 3),
        (&["roots"], 3),
        (&["heads"], 3),
        (&["status", "--format", "prometheus"], 3),
        (&["--no-start", "dupes", photos], 3),
        (&["dupes"], 2),
        (&["dupes", "/nowhere/at/all"], 2),
        (&["schema", "nothing"], 2),
    ]);
    check(&[
        (&["dupes", photos], 0),
        (&["dupes", "--exit-code", photos], 1),
        (&["status", "--json", "--format", "json"], 2),
        (&["dupes", "--threshold", "7", photos], 2),
        (&["heads", "use", "nothing"], 2),
        (&["dupes", "--no-wait", "--format", "paths0", fresh], 5),
        (&["dupes", "--strict", "--exit-code", photos], 1),
    ]);
    fs::write(folder.join("broken.jpg"), b"no picture").expect("written");
    let of = |name: &str| folder.join(name).display().to_string();
    let other = photos::path("00068").display().to_string();
    check(&[
        (&["compare", "--exit-code", &of("00003.webp"), &of("00003_half.jpg")], 0),
        (&["compare", "--exit-code", &of("00003.webp"), &other], 1),
        (&["compare", &of("00003.webp"), &other], 0),
        (&["dupes", "--limit", "0", photos], 2),
        (&["dupes", "--sort", "size", "--format", "paths0", photos], 2),
        (&["dupes", "--format", "html", "--exit-code", photos], 1),
    ]);
    check(&[(&["dupes", "--strict", "--exit-code", photos], 4), (&["roots"], 0), (&["heads"], 0)]);
    instance.ok([
        OsStr::new("decide"),
        OsStr::new("same"),
        folder.join("00003.webp").as_os_str(),
        folder.join("00003_half.jpg").as_os_str(),
    ]);
    ends_with_6_if_nothing_can_be_written(&instance, photos);
}

fn ends_with_6_if_nothing_can_be_written(instance: &Instance, photos: &str) {
    let unwritten: [&[&str]; 19] = [
        &["dupes", photos],
        &["dupes", "--format", "html", photos],
        &["dupes", "--json", photos],
        &["dupes", "--format", "ndjson", photos],
        &["pairs", photos],
        &["pairs", "--json", photos],
        &["roots"],
        &["roots", "add", photos],
        &["heads", "--no-start"],
        &["scan", "--json"],
        &["status", "--format", "prometheus"],
        &["failures"],
        &["decisions", "list"],
        &["decisions", "export"],
        &["schema"],
        &["openapi"],
        &["man"],
        &["config", "--json"],
        &["reload"],
    ];
    for arguments in unwritten {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("opens");
        let output = instance.command().args(arguments).stdout(full).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(6) && said.contains("the output could not be written"), "{arguments:?}: {said}");
        // Also if nobody can be told.
        let full = || fs::OpenOptions::new().write(true).open("/dev/full").expect("opens");
        let untold = instance.command().args(arguments).stdout(full()).stderr(full()).status().expect("runs");
        assert_eq!(untold.code(), Some(6), "{arguments:?}");
        // A reader that closes the pipe has read what it wanted.
        let mut closed = instance.command().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
        drop(closed.stdout.take());
        assert_eq!(closed.wait().expect("ends").code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn the_daemon_is_shown_and_stopped_with_broken_settings() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    instance.configure("workers = \"many\"\n");
    let said = |arguments: &[&str]| {
        let output = instance.run(arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let plain = "workers must be a whole number, and not \"many\"";
    for arguments in [&["config"][..], &["roots"], &["reload"]] {
        let (code, _, errors) = said(arguments);
        assert!(code == Some(2) && errors.contains(plain) && errors.contains("hint:"), "{arguments:?}: {errors}");
    }
    let (code, status, errors) = said(&["status", "--json"]);
    assert!(code == Some(0) && errors.contains(plain) && errors.contains("warning:"), "{errors}");
    assert_eq!(serde_json::from_str::<Value>(&status).expect("JSON")["activity"], "idle");
    let (code, stopped, errors) = said(&["stop"]);
    assert!(code == Some(0) && stopped.contains("has ended") && errors.contains(plain), "{stopped} {errors}");
    instance.configure("workers = many\n");
    let (code, _, errors) = said(&["dupes", "/"]);
    assert!(code == Some(2) && errors.contains("line 1 is not a setting: workers = many"), "{errors}");
}

#[test]
fn roots_and_heads_alone_list() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    assert!(instance.ok(["roots"]).contains(folder.to_str().expect("text")));
    assert!(instance.ok(["heads"]).contains("base  in use"));
    // What the scripts of shells ask.
    assert_eq!(instance.ok(["names", "roots"]), format!("{}\n", folder.display()));
    assert_eq!(instance.ok(["names", "heads"]).lines().next(), Some("base"));
    let nobody = Instance::new();
    assert_eq!((nobody.ok(["names", "heads"]), nobody.data_dir().exists()), (String::new(), false));
}

#[test]
fn similard_is_a_name_of_simctl() {
    let instance = Instance::new();
    let similard = instance.folder("bin").join("similard");
    symlink(Path::new(SIMCTL), &similard).expect("linked");
    let similard = similard.to_str().expect("text");
    let output = instance.command_of(similard).arg("--version").output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), concat!("similard ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(instance.ok(["--version"]), concat!("simctl ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = instance.command_of(similard).arg("--help").output().expect("runs");
    assert!(String::from_utf8_lossy(&help.stdout).contains("Usage: similard"), "{help:?}");
}

#[test]
fn metrics_say_whether_the_daemon_answers() {
    let instance = Instance::new();
    let metrics = || {
        let output = instance.run(["status", "--format", "prometheus"]);
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, text) = metrics();
    assert!(code == Some(3) && text.ends_with("similard_up 0\n"), "{text}");
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let (code, text) = metrics();
    let root = format!("similard_root_online{{root=\"{}\"}} 1", folder.display());
    assert!(code == Some(0) && text.contains("\nsimilard_up 1\n") && text.lines().any(|line| line == root), "{text}");
}
