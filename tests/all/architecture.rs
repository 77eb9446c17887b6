//! Rules for the source: which module may import which, how each file begins, and the longest file and function. Prints
//! the figures.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// A module and the modules it may use. All may use `photo`.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("photo", &[]),
    ("sys", &[]),
    ("config", &["intake", "vision"]),
    ("intake", &["sys"]),
    ("vision", &["sys"]),
    ("store", &["sys"]),
    ("likeness", &[]),
    ("learn", &["vision", "likeness"]),
    ("catalog", &["store", "likeness", "learn", "vision", "sys"]),
    ("api", &["sys"]),
    ("daemon", &["api", "catalog", "config", "intake", "vision", "store", "likeness", "learn", "sys"]),
    ("cli", &["api", "config", "vision", "daemon", "store", "sys"]),
];

/// The same inside the daemon, for each of its folders and files but `run.rs`, which makes them all.
const INSIDE_DAEMON: [(&str, &[&str]); 23] = [
    // What must not depend on a thread.
    ("fence/", &[]),
    ("power.rs", &[]),
    ("state/", &["fence/"]),
    ("messages.rs", &["state/"]),
    ("records.rs", &["state/"]),
    // The threads and what they share.
    ("retry.rs", &["messages.rs", "state/"]),
    ("heads.rs", &["messages.rs", "retry.rs", "state/"]),
    ("decisions.rs", &["messages.rs", "state/"]),
    ("writer/", &["messages.rs", "retry.rs", "state/"]),
    ("intake/", &["messages.rs", "state/"]),
    ("dispatcher.rs", &["messages.rs", "state/"]),
    ("worker.rs", &["error.rs", "intake/", "messages.rs", "state/"]),
    ("watchdog.rs", &["intake/", "state/", "worker.rs"]),
    ("notifier.rs", &["state/"]),
    ("log_summary.rs", &["state/"]),
    ("tuning/", &["heads.rs", "messages.rs", "power.rs", "records.rs", "retry.rs", "state/", "worker.rs", "writer/"]),
    // The daemon as others see it.
    ("error.rs", &["heads.rs", "intake/"]),
    ("lock.rs", &["error.rs"]),
    ("service_manager.rs", &["messages.rs", "state/"]),
    ("waiting.rs", &["intake/", "state/"]),
    ("wire.rs", &["decisions.rs", "heads.rs", "messages.rs", "state/"]),
    ("problems.rs", &["decisions.rs", "heads.rs", "intake/", "messages.rs", "tuning/"]),
    (
        "service/",
        &["decisions.rs", "heads.rs", "intake/", "messages.rs", "problems.rs", "records.rs", "state/", "tuning/", "waiting.rs", "wire.rs"],
    ),
];

/// Who in the daemon may use the API. All others have types of their own, which `wire.rs` and `problems.rs` convert.
const USE_API: [&str; 5] = ["service/", "wire.rs", "problems.rs", "run.rs", "service_manager.rs"];

/// The only places that may use a heavy crate.
const HOMES: [(&str, &[&str]); 25] = [
    ("burn", &["learn"]),
    ("notify", &["intake"]),
    ("globset", &["intake"]),
    ("image", &["vision"]),
    ("jpeg_encoder", &["learn/edits", "vision/kept.rs", "vision/colour/tests.rs"]),
    ("jpeg_decoder", &["vision/decode", "vision/kept.rs", "vision/colour/tests.rs"]),
    ("fast_image_resize", &["vision/resize.rs"]),
    ("exif", &["vision"]),
    ("flate2", &["vision"]),
    ("tiff", &["vision"]),
    ("re_rav1d", &["vision/heif"]),
    ("jxl", &["vision"]),
    ("moxcms", &["vision/colour"]),
    ("heifer_isobmff", &["vision/heif", "vision/jxl.rs"]),
    ("heifer_hevc_dec", &["vision/heif"]),
    ("tract_onnx", &["vision/backbone"]),
    ("pulp", &["vision/backbone", "likeness/geometry.rs", "likeness/placement.rs", "likeness/plane.rs"]),
    ("rusqlite", &["store"]),
    ("landlock", &["sys/restrict.rs", "vision/sandbox/layers.rs", "daemon/fence/linux.rs"]),
    ("seccompiler", &["sys/restrict.rs", "vision/sandbox/layers.rs", "daemon/fence/linux.rs"]),
    ("libc", &["sys/restrict.rs", "vision/sandbox/layers.rs", "daemon/fence/linux.rs"]),
    ("safetensors", &["likeness/tensors.rs"]),
    ("hyper", &["api"]),
    ("clap", &["cli"]),
    ("clap_mangen", &["cli/commands/man.rs"]),
];

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 80;

/// The most files that may import each other in a circle: a folder's `mod.rs` and one of its files, or two files that share
/// one thing, such as an index and the densities in it. The catalog has no circle.
const MAX_CIRCLE_FILES: usize = 2;

/// The files that start threads for others.
const THREADS: [&str; 2] = ["sys/background.rs", "sys/parallel.rs"];

/// Who may use them outside the daemon, and why.
const WITH_THREADS: [(&str, &str); 4] = [
    ("catalog/generation.rs", "one call makes the embeddings and pairs of a library on all cores, and its threads end before it returns"),
    ("cli/missing/walk.rs", "listing a folder of a disk that does not answer may take for ever, so a thread lists"),
    ("cli/missing/read.rs", "reading a file of such a disk may too, and two files are read at a time"),
    ("sys/probe.rs", "asking a mount that does not answer may take for ever, so a thread asks"),
];

/// What a channel or a socket is made with. The catalog has none.
const CHANNELS: [&str; 6] = ["mpsc", "sync_channel", "broadcast", "UnixStream", "UnixListener", "tokio"];

/// The most fields of a struct that files of more than one thread use.
const MAX_SHARED_FIELDS: usize = 10;

/// The most parts of the daemon's state that a struct may hold, also within others.
const MAX_PARTS: usize = 7;

/// Who may hold more of the ten, and why. `run.rs` and `service/` have all.
const WITH_MORE_PARTS: [(&str, &str); 3] = [
    ("daemon/writer/", "it alone changes what is stored, and then what each part has of that in memory"),
    ("daemon/notifier.rs", "it compares answers about the whole library, and these are made of all parts but that of the tuning"),
    ("daemon/tuning/", "it learns from the whole library, and then switches heads"),
];

/// A source file: its path below `src`, and its code without tests.
struct Source {
    file: String,
    text: String,
    code: String,
}

/// The source of the program.
fn sources() -> Vec<Source> {
    sources_in("src")
}

fn sources_in(folder: &str) -> Vec<Source> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() { walk(&path, out) } else { out.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    let source = |path: &PathBuf| {
        let file = path.strip_prefix(&root).expect("below it").display().to_string();
        let text = fs::read_to_string(path).expect("text");
        Source { file, code: without_tests(&text), text }
    };
    paths.iter().filter(|p| p.extension().is_some_and(|e| e == "rs")).map(source).collect()
}

/// The code without the items that are only for tests. In formatted code such an item ends with a closing line of the
/// same indentation.
fn without_tests(text: &str) -> String {
    let mut out = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start() != "#[cfg(test)]" {
            out.push(line);
            continue;
        }
        let indentation = &line[..line.len() - line.trim_start().len()];
        let first = lines.next().unwrap_or_default();
        if first.trim_end().ends_with('{') {
            lines.by_ref().find(|line| *line == format!("{indentation}}}"));
        }
    }
    out.join("\n")
}

/// Whether a line is code.
fn is_code(line: &str) -> bool {
    !line.trim_start().starts_with("//")
}

/// The full paths in the `use` items of some code.
fn uses(code: &str) -> Vec<String> {
    items(code, &["", "pub", "pub(crate)", "pub(super)"])
}

/// The paths of `use` items with one of these words before them.
fn items(code: &str, visibilities: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("use ") {
        let before = rest[..at].rsplit('\n').next().unwrap_or_default().trim();
        rest = &rest[at + 4..];
        let starts_item = visibilities.contains(&before);
        if let Some(end) = rest.find(';').filter(|_| starts_item) {
            let tree: Vec<&str> = rest[..end].split_whitespace().collect();
            expand("", &tree.join(" ").replace(", ", ",").replace("{ ", "{").replace(" }", "}"), &mut found);
            rest = &rest[end..];
        }
    }
    found
}

/// The paths of this crate in code that is no `use` item.
fn inline_paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_item = false;
    for line in code.lines().filter(|line| is_code(line)) {
        is_item |= ["use ", "pub use ", "pub(crate) use ", "pub(super) use "].iter().any(|start| line.trim_start().starts_with(start));
        if is_item {
            is_item = !line.trim_end().ends_with(';');
            continue;
        }
        let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let words = line.split(|c: char| !is_of_path(c)).map(|word| word.trim_end_matches(':'));
        found.extend(words.filter(|word| word.starts_with("crate::") || word.starts_with("super::")).map(str::to_owned));
    }
    found
}

/// `a::{b,c::{d}}` as `a::b` and `a::c::d`.
fn expand(before: &str, tree: &str, found: &mut Vec<String>) {
    let Some(open) = tree.find('{') else {
        return found.push(format!("{before}{tree}"));
    };
    let prefix = format!("{before}{}", &tree[..open]);
    let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if start < at {
                    expand(&prefix, &inner[start..at], found);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The path in a `use` item, and the name that it gets: another one after `as`.
fn named(path: &str) -> (&str, &str) {
    path.split_once(" as ").unwrap_or((path, path.rsplit("::").next().unwrap_or_default()))
}

#[test]
fn every_import_of_a_file_is_seen() {
    let code = "
//! use a::comment;

use std::io::{self, Write as _};
use super::first;
use super::second::{third, fourth::{fifth, sixth}};

use crate::photo::{
    Pair, Root,
};
pub use inner::Name;
pub(super) use super::super::outer::Other as Renamed;

// use another::comment;
fn f() {
    use crate::store::Reader;
    use crate::sys::now;
    because();
}
";
    let private = ["std::io::self", "std::io::Write as _", "super::first", "super::second::third", "super::second::fourth::fifth"];
    let more = ["super::second::fourth::sixth", "crate::photo::Pair", "crate::photo::Root"];
    let of_function = ["crate::store::Reader", "crate::sys::now"];
    assert_eq!(items(code, &[""]), [private.as_slice(), &more, &of_function].concat());
    assert_eq!(items(code, &["pub"]), ["inner::Name"]);
    let renamed = "super::super::outer::Other as Renamed";
    assert_eq!(items(code, &["pub(super)"]), [renamed]);
    assert_eq!(uses(code).len(), 12);
    assert_eq!((named(renamed), named("a::b")), (("super::super::outer::Other", "Renamed"), ("a::b", "b")));
    let inline = "let a: Vec<super::other::Name> = crate::sys::now(super::super::f);\nuse crate::x::{\n    y, z,\n};\n// crate::no\n";
    assert_eq!(inline_paths(inline), ["super::other::Name", "crate::sys::now", "super::super::f"]);
    // From paths to files.
    let source = |file: &str, code: &str| Source { file: file.into(), text: String::new(), code: code.into() };
    let sources = [
        source("a/mod.rs", "mod b;\nmod c;\npub use b::{B, inner as given};\nuse c::C;\nuse std::io;\n"),
        source("a/b.rs", "use std::io;\nuse super::c::C;\nuse crate::d::D as Other;\n"),
        source("a/c.rs", "pub struct C;\nuse crate::a::B;\nuse crate::a::given;\n"),
        source("d.rs", "use crate::a::c;\nuse crate::a::given;\n"),
        source("a/e.rs", "fn f() -> super::c::C {\n    crate::a::given()\n}\n"),
    ];
    let found = imports(&sources);
    let of = |file: &str| found[file].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("a/mod.rs"), ["a/c.rs"], "what is only given on is not used");
    assert_eq!(of("a/b.rs"), ["a/c.rs", "d.rs"]);
    assert_eq!(of("a/c.rs"), ["a/b.rs"], "a name that is given on belongs to the file that defines it");
    assert_eq!(of("d.rs"), ["a/b.rs", "a/c.rs"]);
    assert_eq!(of("a/e.rs"), ["a/b.rs", "a/c.rs"], "a path need not be in a use item");
}

/// The files that each file imports.
fn imports(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let module = |file: &str| file.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
    let files: HashMap<String, &str> = sources.iter().map(|s| (module(&s.file), s.file.as_str())).collect();
    // A re-exported name belongs to the file that defines it.
    let mut given_on: HashMap<String, String> = HashMap::new();
    for source in sources {
        let own = module(&source.file);
        for path in items(&source.code, &["pub"]) {
            let (path, name) = named(&path);
            let full = path.strip_prefix("crate::").map_or_else(|| format!("{own}::{path}"), str::to_owned);
            given_on.insert(format!("{own}::{name}"), full);
        }
    }
    let resolve = |path: &str| {
        let mut path = path.to_owned();
        while let Some(further) = given_on.get(&path) {
            path.clone_from(further);
        }
        let parts: Vec<&str> = path.split("::").collect();
        (1..=parts.len()).rev().find_map(|length| files.get(&parts[..length].join("::")).copied())
    };
    let of = |source: &Source| {
        let own = module(&source.file);
        let full = |path: &String| {
            let mut base: Vec<&str> = own.split("::").collect();
            let (mut rest, _) = named(path);
            if let Some(inner) = rest.strip_prefix("crate::") {
                return Some(inner.to_owned());
            }
            let mut is_relative = false;
            while let Some(outer) = rest.strip_prefix("super::") {
                base.pop();
                (rest, is_relative) = (outer, true);
            }
            // A folder's own files are named without a prefix.
            let is_inner = files.contains_key(&format!("{own}::{}", rest.split("::").next().unwrap_or_default()));
            (is_relative || is_inner).then(|| [base.join("::"), rest.to_owned()].join("::"))
        };
        // A module does not use the names that it only re-exports.
        let mut names = items(&source.code, &["", "pub(crate)", "pub(super)"]);
        names.extend(inline_paths(&source.code));
        let names = names.iter().filter_map(full).collect::<Vec<_>>();
        names.iter().filter_map(|name| resolve(name)).filter(|file| *file != source.file).map(str::to_owned).collect()
    };
    sources.iter().map(|source| (source.file.clone(), of(source))).collect()
}

#[test]
fn modules_know_only_what_they_may() {
    for Source { file, code, .. } in sources() {
        let Some((module, _)) = file.split_once('/') else { continue };
        let Some((_, allowed)) = MAY_USE.iter().find(|(m, _)| *m == module) else {
            assert_eq!(module, "bin", "{file} is in a module that has no rule");
            continue;
        };
        for (other, _) in MAY_USE {
            let used = code.lines().filter(|line| is_code(line)).any(|line| line.contains(&format!("crate::{other}")))
                || uses(&code).iter().any(|path| path.starts_with(&format!("crate::{other}")));
            assert!(!used || other == "photo" || other == module || allowed.contains(&other), "{file} uses {other}");
        }
    }
}

#[test]
fn only_the_edge_of_the_daemon_uses_the_api() {
    for Source { file, code, .. } in sources() {
        let Some(file) = file.strip_prefix("daemon/") else { continue };
        let uses = code.lines().any(|line| is_code(line) && line.contains("crate::api"))
            || uses(&code).iter().any(|path| path.starts_with("crate::api"));
        assert!(!uses || USE_API.iter().any(|may| file.starts_with(may)), "daemon/{file} uses the API");
    }
}

#[test]
fn the_state_of_the_daemon_knows_no_thread_and_no_thread_knows_all_of_it() {
    let sources = sources();
    let imports = imports(&sources);
    for (part, allowed) in INSIDE_DAEMON {
        for (file, imported) in imports.iter().filter(|(file, _)| file.starts_with(&format!("daemon/{part}"))) {
            let inside = imported.iter().filter_map(|file| file.strip_prefix("daemon/"));
            let wrong: Vec<&str> =
                inside.filter(|other| !other.starts_with(part) && !allowed.iter().any(|a| other.starts_with(a))).collect();
            assert!(wrong.is_empty(), "{file} imports {wrong:?}");
        }
    }
    for file in imports.keys().filter_map(|file| file.strip_prefix("daemon/")) {
        let has_rule = INSIDE_DAEMON.iter().any(|(part, _)| file.starts_with(part));
        assert!(has_rule || ["mod.rs", "run.rs"].contains(&file), "daemon/{file} has no rule for what it may import");
    }
    for Source { file, code, .. } in &sources {
        let takes_all = uses(code).iter().any(|path| path.ends_with("state::State"));
        assert!(!takes_all || ["daemon/run.rs", "daemon/service/mod.rs"].contains(&file.as_str()), "{file} takes the whole state");
    }
    let mut largest = (0, String::new());
    let is_shared_code = |s: &&Source| ["daemon/", "catalog/"].iter().any(|folder| s.file.starts_with(folder));
    let shared = sources.iter().filter(is_shared_code).flat_map(structs).filter(|found| found.is_public);
    for Struct { file: owner, name, fields, .. } in shared {
        // The files of a folder of the daemon are of one thread. Only `run.rs` hands out parts to all of them.
        let thread = owner.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_of_owner =
            |s: &&Source| s.file == owner || !["daemon", "catalog"].contains(&thread) && s.file.starts_with(&format!("{thread}/"));
        let is_named_by =
            |s: &&Source| s.file.starts_with("daemon/") && uses(&s.code).iter().any(|path| named(path).0.ends_with(&format!("::{name}")));
        let is_shared = sources.iter().filter(is_named_by).any(|s| s.file != "daemon/run.rs" && !is_of_owner(&s));
        if is_shared {
            largest = largest.max((fields.len(), format!("{owner}: {name}")));
        }
    }
    println!("largest struct that files of more than one thread name: {} fields, {}", largest.0, largest.1);
    assert!(largest.0 <= MAX_SHARED_FIELDS, "{largest:?}");
}

#[test]
fn a_thread_has_few_parts_of_the_state_or_a_reason() {
    let sources = sources();
    let all: Vec<Struct> = sources.iter().filter(|s| s.file.starts_with("daemon/")).flat_map(structs).collect();
    let state = &all.iter().find(|found| found.name == "State").expect("the state").fields;
    let mut with_reason: BTreeSet<&str> = BTreeSet::new();
    let has_all = |found: &&Struct| ["daemon/run.rs", "daemon/service/", "daemon/state/"].iter().any(|may| found.file.starts_with(may));
    for Struct { file, name, .. } in all.iter().filter(|found| !has_all(found)) {
        let parts = parts_of(name, &all, state, &mut BTreeSet::new()).len();
        let reason = WITH_MORE_PARTS.iter().find(|(may, _)| file.starts_with(may));
        assert!(parts <= MAX_PARTS || reason.is_some(), "{file}: {name} has {parts} of {} parts of the state", state.len());
        with_reason.extend(reason.filter(|_| parts > MAX_PARTS).map(|(may, _)| *may));
    }
    for (file, why) in WITH_MORE_PARTS {
        assert!(with_reason.contains(file), "{file} has few parts of the state, and needs no reason: {why}");
    }
}

/// The parts of the state that the structs of a name hold. `seen`: the names that were looked at.
fn parts_of<'a>(name: &'a str, all: &'a [Struct], state: &[String], seen: &mut BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut parts = BTreeSet::new();
    if seen.insert(name) {
        for field in all.iter().filter(|found| found.name == name).flat_map(|found| &found.fields) {
            if state.contains(field) {
                parts.insert(field.as_str());
            } else {
                field.split(|c: char| !c.is_alphanumeric()).for_each(|word| parts.extend(parts_of(word, all, state, seen)));
            }
        }
    }
    parts
}

/// A struct with named fields, each as `name: Type`.
struct Struct {
    file: String,
    name: String,
    is_public: bool,
    fields: Vec<String>,
}

/// The structs of a file.
fn structs(source: &Source) -> Vec<Struct> {
    let mut found = Vec::new();
    let mut lines = source.code.lines();
    while let Some(line) = lines.next() {
        let starts = ["pub struct ", "pub(crate) struct ", "pub(super) struct ", "struct "];
        let name = starts.iter().find_map(|start| line.strip_prefix(start));
        let Some(name) = name.filter(|rest| rest.ends_with('{')) else { continue };
        let name = name.trim_end_matches(" {").split('<').next().unwrap_or_default().to_owned();
        let fields = lines.by_ref().take_while(|line| *line != "}").filter(|line| is_code(line)).filter_map(|line| {
            let (name, of_type) = line.trim_end_matches(',').split_once(": ")?;
            Some(format!("{}: {of_type}", name.split_whitespace().last()?))
        });
        found.push(Struct { file: source.file.clone(), name, is_public: line.starts_with("pub"), fields: fields.collect() });
    }
    found
}

#[test]
fn files_import_each_other_in_no_circle() {
    let imports = imports(&sources());
    // A file is in a circle if it reaches itself.
    let reach = |from: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(file) = next.pop() {
            for imported in &imports[file] {
                if seen.insert(imported) {
                    next.push(imported);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<&String>> = imports.keys().map(|file| (file, reach(file))).collect();
    let circle =
        |file: &String| -> Vec<&String> { reached[file].iter().filter(|other| reached[**other].contains(file)).copied().collect() };
    let circles: BTreeSet<Vec<&String>> = imports.keys().map(circle).filter(|circle| circle.len() > 1).collect();
    let edges: usize = imports.values().map(BTreeSet::len).sum();
    let largest = circles.iter().map(Vec::len).max().unwrap_or(0);
    println!("imports of a file by another: {edges}; circles: {}, the largest of {largest} files", circles.len());
    for circle in circles {
        let is_in_catalog = circle.iter().any(|file| file.starts_with("catalog/"));
        assert!(circle.len() <= MAX_CIRCLE_FILES && !is_in_catalog, "these import each other: {circle:?}");
    }
}

#[test]
fn heavy_crates_have_one_home() {
    for Source { file, code, .. } in sources() {
        for (name, homes) in HOMES {
            let used = code.lines().any(|l| {
                l.trim_start().starts_with(&format!("use {name}::"))
                    || l.contains(&format!(" {name}::")) && !l.contains(&format!("crate::{name}")) && is_code(l)
            });
            let here = homes.iter().any(|home| file.starts_with(home)) || (name == "exif" && file == "vision/exif.rs");
            // `exif` and `jxl` are also names of our own modules inside vision, `rusqlite` of error codes in store.
            assert!(!used || here, "{file} uses {name}");
        }
    }
}

#[test]
fn every_file_opens_with_what_it_owns_and_stays_readable() {
    for Source { file, text, code } in sources() {
        assert!(text.starts_with("//! "), "{file} does not open with //!");
        let lines = code.lines().count();
        assert!(lines <= MAX_FILE_LINES, "{file} has {lines} lines without its tests");
    }
    for (folder, without_tests) in [("src", true), ("src", false), ("tests", false), ("benches", false)] {
        let (mut longest, mut over_60) = (0, 0);
        for Source { file, text, code } in sources_in(folder) {
            for (name, lines) in functions(if without_tests { &code } else { &text }) {
                assert!(lines <= MAX_FUNCTION_LINES, "{folder}/{file}: {name} has {lines} lines");
                longest = longest.max(lines);
                over_60 += usize::from(lines > 60);
            }
        }
        let what = if without_tests { " without its tests" } else { "" };
        println!("{folder}{what}: longest function: {longest} lines; over 60: {over_60}");
    }
}

/// The functions of some code, as formatted, with their numbers of lines.
fn functions(code: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let starts = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.contains('(') || word.starts_with("pub(")).collect();
        words.contains(&"fn") || line.trim_start().split('(').next().is_some_and(|head| head.split_whitespace().rev().nth(1) == Some("fn"))
    };
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_code(line) && starts(line)) {
        let indentation = &line[..line.len() - line.trim_start().len()];
        let end = lines[at..].iter().position(|line| *line == format!("{indentation}}}"));
        let name = line.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next()).unwrap_or_default();
        // Not a declaration without a body, and not a function on one line.
        if !line.trim_end().ends_with([';', '}']) {
            found.push((name.to_owned(), end.map_or(1, |end| end + 1)));
        }
    }
    found
}

/// Threads are started in two files, for the daemon and for who is named in [`WITH_THREADS`]. Tasks and blocking calls are for
/// modules that serve requests.
#[test]
fn no_module_but_the_daemon_starts_threads() {
    let sources = sources();
    let imports = imports(&sources);
    let has_threads = |file: &str| imports[file].iter().any(|imported| THREADS.contains(&imported.as_str()));
    for (file, why) in WITH_THREADS {
        assert!(imports.contains_key(file) && has_threads(file), "{file} has no threads any more, and needs no reason: {why}");
    }
    for Source { file, code, .. } in &sources {
        let uses = |what: &str| code.lines().any(|line| is_code(line) && line.contains(what));
        let starts = ["spawn", "scope", "Builder"].iter().any(|what| {
            uses(&format!("thread::{what}")) || self::uses(code).iter().any(|path| named(path).0 == format!("std::thread::{what}"))
        });
        assert!(!starts || THREADS.contains(&file.as_str()), "{file} starts a thread without one of {THREADS:?}");
        let may = file.starts_with("daemon/") || WITH_THREADS.iter().any(|(may, _)| may == file);
        assert!(!has_threads(file) || may, "{file} starts a thread");
        let tasks = uses("tokio::spawn") || uses("spawn_blocking") || uses("runtime.spawn");
        let may = ["api/", "daemon/", "cli/"].iter().any(|folder| file.starts_with(folder));
        assert!(!tasks || may, "{file} starts a task");
        let has_channel = CHANNELS.iter().any(|channel| uses(channel));
        assert!(!(has_channel && file.starts_with("catalog/")), "{file} has a channel or a socket");
    }
}

/// One command, one file.
#[test]
fn every_command_has_a_file_of_its_own() {
    let sources = sources();
    let code = &sources.iter().find(|s| s.file == "cli/args.rs").expect("the arguments").code;
    let variants = code.lines().skip_while(|line| *line != "pub enum Command {").skip(1).take_while(|line| *line != "}");
    let name = |line: &str| {
        let variant = line.strip_prefix("    ").filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))?;
        Some(variant.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_lowercase())
    };
    let commands: BTreeSet<String> = variants.filter_map(name).collect();
    let files = sources.iter().filter_map(|s| s.file.strip_prefix("cli/commands/"));
    let files: BTreeSet<String> =
        files.filter(|file| *file != "mod.rs").map(|f| f.split(['/', '.']).next().unwrap_or_default().to_owned()).collect();
    assert!(commands.len() > 20, "{commands:?}");
    assert_eq!(commands, files);
}

#[test]
fn every_test_file_is_in_the_test_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all");
    let modules = ["main.rs", "support.rs"].map(|file| fs::read_to_string(folder.join(file)).expect(file)).concat();
    for entry in fs::read_dir(folder).expect("tests").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || modules.contains(&format!("mod {module};")), "{name} is not in main.rs");
    }
}
