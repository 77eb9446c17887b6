//! The settings file: all settings, in one table.

use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

use super::Settings;

/// A setting, by its name in the file.
struct Key {
    name: &'static str,
    what: &'static str,
    /// The current value, if any.
    value: fn(&Settings) -> Option<Value>,
}

const KEYS: [Key; 11] = [
    Key { name: "workers", what: "photos read at once (default: as many as there are cores)", value: |s| number(s.workers as u64) },
    Key { name: "max-file-bytes", what: "larger files are not read", value: |s| number(s.limits.bytes) },
    Key {
        name: "max-pixels",
        what: "pictures with more pixels are not decoded; a JPEG may have ten times as many",
        value: |s| number(s.limits.pixels),
    },
    Key { name: "max-decode-memory", what: "bytes that reading one photo may take", value: |s| number(s.limits.memory) },
    Key { name: "max-decode-seconds", what: "how long one step of one photo may take", value: |s| number(s.limits.seconds) },
    Key {
        name: "kept-pictures",
        what: "folder of the small pictures that are kept, or off (default: beside the index)",
        value: |s| Some(Value::String(s.kept_pictures.as_ref().map_or("off".into(), |folder| folder.display().to_string()))),
    },
    Key {
        name: "forget-at-once",
        what: "share of a folder's files that may go at once without a question, 0 to 1",
        value: |s| Some(Value::Float(s.reloadable.forget_at_once)),
    },
    Key { name: "exclude", what: "globs of files and folders to leave out", value: |s| Some(globs(s.reloadable.rules.chosen())) },
    Key { name: "include", what: "globs of what is not left out after all", value: |s| Some(globs(s.reloadable.rules.exceptions())) },
    Key { name: "notify-desktop", what: "show new versions on the desktop", value: |s| Some(Value::Boolean(s.reloadable.notify_desktop)) },
    Key {
        name: "tune-after-decisions",
        what: "tune the encoder after this many decisions, when the daemon is idle",
        value: |s| number(s.reloadable.tune_after_decisions? as u64),
    },
];

/// The settings file. Every key is optional.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    pub workers: Option<usize>,
    pub max_file_bytes: Option<u64>,
    pub max_pixels: Option<u64>,
    pub max_decode_memory: Option<u64>,
    pub max_decode_seconds: Option<u64>,
    pub kept_pictures: Option<String>,
    pub forget_at_once: Option<f64>,
    #[serde(default)]
    pub exclude: Vec<String>,
    #[serde(default)]
    pub include: Vec<String>,
    pub notify_desktop: Option<bool>,
    pub tune_after_decisions: Option<usize>,
}

impl File {
    /// # Errors
    /// What is wrong with the text. For an unknown key the nearest known one is suggested.
    pub fn parse(text: &str) -> Result<File, String> {
        let table: Table = toml::from_str(text).map_err(|e| e.to_string())?;
        let unknown = table.keys().find(|name| !KEYS.iter().any(|key| key.name == *name));
        if let Some(name) = unknown {
            let near = KEYS.iter().map(|key| (strsim::jaro_winkler(name, key.name), key.name)).max_by(|a, b| a.0.total_cmp(&b.0));
            let guess = near.filter(|(likeness, _)| *likeness > 0.75).map(|(_, key)| format!("; did you mean {key}?"));
            return Err(format!("there is no setting {name}{} (simctl config lists all)", guess.unwrap_or_default()));
        }
        toml::from_str(text).map_err(|e| e.to_string())
    }
}

/// The names and descriptions of all settings.
pub fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.iter().map(|key| (key.name, key.what))
}

/// All current settings as a file, each with its description and source.
pub fn in_force(settings: &Settings) -> String {
    let named = std::fs::read_to_string(&settings.config).ok().and_then(|text| toml::from_str::<Table>(&text).ok()).unwrap_or_default();
    // A comment has one line.
    let name = |path: &Path| path.display().to_string().replace('\n', "\\n");
    let mut out = format!("# {}\n", name(&settings.config));
    out += &format!("# index {}, socket {}\n", name(&settings.data_dir), name(&settings.socket));
    for key in &KEYS {
        let source = if named.contains_key(key.name) { "from the file" } else { "default" };
        out += &match (key.value)(settings) {
            Some(value) => format!("\n# {}; {source}\n{} = {value}\n", key.what, key.name),
            None => format!("\n# {}; not set\n# {} = \n", key.what, key.name),
        };
    }
    out
}

fn number(value: u64) -> Option<Value> {
    Some(Value::Integer(value as i64))
}

fn globs(globs: &[String]) -> Value {
    Value::Array(globs.iter().map(|glob| Value::String(glob.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_comes_with_the_nearest() {
        let error = File::parse("wokers = 3\n").err().expect("unknown");
        assert!(error.contains("no setting wokers; did you mean workers?"), "{error}");
        let error = File::parse("colour = 3\n").err().expect("unknown");
        assert!(error.contains("no setting colour (simctl config"), "{error}");
        assert!(File::parse("workers = \"many\"\n").is_err());
    }
}
