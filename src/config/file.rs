//! The settings file: all settings, in one table.

use std::path::Path;

use serde::Deserialize;
use toml::{Table, Value};

use super::Settings;

/// What the value of a setting may be.
#[derive(Clone, Copy)]
enum Kind {
    Whole,
    Share,
    Flag,
    Text,
    Globs,
}

impl Kind {
    fn takes(self, value: &Value) -> bool {
        match self {
            Kind::Whole => value.as_integer().is_some_and(|number| number >= 0),
            Kind::Share => {
                let number = value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
                number.is_some_and(|number| (0.0..=1.0).contains(&number))
            }
            Kind::Flag => value.is_bool(),
            Kind::Text => value.is_str(),
            Kind::Globs => value.as_array().is_some_and(|globs| globs.iter().all(Value::is_str)),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Kind::Whole => "a whole number",
            Kind::Share => "a number from 0 to 1",
            Kind::Flag => "true or false",
            Kind::Text => "a text in quotes",
            Kind::Globs => "a list of globs in quotes, such as [\"*_web.jpg\"]",
        }
    }
}

/// A setting, by its name in the file.
struct Key {
    name: &'static str,
    kind: Kind,
    what: &'static str,
    /// The current value, if any.
    value: fn(&Settings) -> Option<Value>,
}

const KEYS: [Key; 11] = [
    Key {
        name: "workers",
        kind: Kind::Whole,
        what: "photos read at once (default: as many as there are cores)",
        value: |s| number(s.workers as u64),
    },
    Key { name: "max-file-bytes", kind: Kind::Whole, what: "larger files are not read", value: |s| number(s.limits.bytes) },
    Key {
        name: "max-pixels",
        kind: Kind::Whole,
        what: "pictures with more pixels are not decoded; a JPEG may have ten times as many",
        value: |s| number(s.limits.pixels),
    },
    Key {
        name: "max-decode-memory",
        kind: Kind::Whole,
        what: "bytes of memory that reading one photo may take",
        value: |s| number(s.limits.memory),
    },
    Key {
        name: "max-decode-seconds",
        kind: Kind::Whole,
        what: "seconds that one step in reading a photo may take",
        value: |s| number(s.limits.seconds),
    },
    Key {
        name: "kept-pictures",
        kind: Kind::Text,
        what: "folder of the kept small pictures, or off to keep none (default: beside the index)",
        value: |s| Some(Value::String(s.kept_pictures.as_ref().map_or("off".into(), |folder| folder.display().to_string()))),
    },
    Key {
        name: "forget-at-once",
        kind: Kind::Share,
        what: "share of a folder's files, 0 to 1, that may disappear at once without your confirmation",
        value: |s| Some(Value::Float(s.reloadable.forget_at_once)),
    },
    Key {
        name: "exclude",
        kind: Kind::Globs,
        what: "globs of files and folders to leave out",
        value: |s| Some(globs(s.reloadable.rules.chosen())),
    },
    Key {
        name: "include",
        kind: Kind::Globs,
        what: "globs of exceptions: what is read although it would be left out",
        value: |s| Some(globs(s.reloadable.rules.exceptions())),
    },
    Key {
        name: "notify-desktop",
        kind: Kind::Flag,
        what: "show new versions on the desktop",
        value: |s| Some(Value::Boolean(s.reloadable.notify_desktop)),
    },
    Key {
        name: "tune-after-decisions",
        kind: Kind::Whole,
        what: "tune the version model after this many new decisions, when the daemon is idle and on mains power",
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
    /// What is wrong with the text, in plain words. For an unknown key the nearest known one is suggested.
    pub fn parse(text: &str) -> Result<File, String> {
        let table: Table = toml::from_str(text).map_err(|e| no_settings(text, &e))?;
        let unknown = table.keys().find(|name| !KEYS.iter().any(|key| key.name == *name));
        if let Some(name) = unknown {
            let near = KEYS.iter().map(|key| (strsim::jaro_winkler(name, key.name), key.name)).max_by(|a, b| a.0.total_cmp(&b.0));
            let guess = near.filter(|(likeness, _)| *likeness > 0.75).map(|(_, key)| format!("; did you mean {key}?"));
            return Err(format!("there is no setting {name}{} (simctl config lists all)", guess.unwrap_or_default()));
        }
        let wrong = KEYS.iter().find_map(|key| Some((key, table.get(key.name).filter(|value| !key.kind.takes(value))?)));
        if let Some((Key { name, kind, .. }, value)) = wrong {
            return Err(format!("{name} must be {}, and not {value}", kind.words()));
        }
        toml::from_str(text).map_err(|e| no_settings(text, &e))
    }
}

/// Says which line is no setting, and why.
fn no_settings(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default().trim();
    format!(
        "line {number} is not a setting: {line} ({}); a line is name = value, and a text is in quotes",
        error.message().replace('\n', ", ")
    )
}

/// The names and descriptions of all settings.
pub fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.iter().map(|key| (key.name, key.what))
}

/// A setting in force.
pub struct InForce {
    pub name: &'static str,
    pub what: &'static str,
    /// `None` if it is not set and has no default.
    pub value: Option<Value>,
    /// Whether the file has it.
    pub is_from_file: bool,
}

pub fn in_force(settings: &Settings) -> Vec<InForce> {
    let named = std::fs::read_to_string(&settings.config).ok().and_then(|text| toml::from_str::<Table>(&text).ok()).unwrap_or_default();
    let setting =
        |key: &Key| InForce { name: key.name, what: key.what, value: (key.value)(settings), is_from_file: named.contains_key(key.name) };
    KEYS.iter().map(setting).collect()
}

/// All current settings as a file, each with its description and source.
pub fn as_file(settings: &Settings) -> String {
    // A comment has one line.
    let name = |path: &Path| path.display().to_string().replace('\n', "\\n");
    let mut out = format!("# {}\n", name(&settings.config));
    out += &format!("# index {}, socket {}\n", name(&settings.data_dir), name(&settings.socket));
    for InForce { name, what, value, is_from_file } in in_force(settings) {
        let source = if is_from_file { "from the file" } else { "default" };
        out += &match value {
            Some(value) => format!("\n# {what}; {source}\n{name} = {value}\n"),
            None => format!("\n# {what}; not set\n# {name} = \n"),
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
    }

    #[test]
    fn a_wrong_value_is_said_in_plain_words() {
        for (text, said) in [
            ("workers = \"many\"", "workers must be a whole number, and not \"many\""),
            ("workers = 1.5", "workers must be a whole number, and not 1.5"),
            ("max-pixels = -1", "max-pixels must be a whole number, and not -1"),
            ("forget-at-once = 2", "forget-at-once must be a number from 0 to 1, and not 2"),
            ("notify-desktop = 1", "notify-desktop must be true or false, and not 1"),
            ("kept-pictures = false", "kept-pictures must be a text in quotes, and not false"),
            ("exclude = \"*.bak\"", "exclude must be a list of globs in quotes, such as [\"*_web.jpg\"], and not \"*.bak\""),
        ] {
            assert_eq!(File::parse(text).err().as_deref(), Some(said), "{text}");
        }
        let broken = File::parse("# mine\n\nworkers = many\n").err().expect("not TOML");
        assert!(broken.starts_with("line 3 is not a setting: workers = many (") && broken.ends_with("a text is in quotes"), "{broken}");
        assert!(File::parse("nonsense").err().expect("not TOML").starts_with("line 1 is not a setting: nonsense ("));
        for right in ["forget-at-once = 1", "forget-at-once = 0.5", "workers = 3", "exclude = []", "tune-after-decisions = 0"] {
            assert!(File::parse(right).is_ok(), "{right}");
        }
    }
}
