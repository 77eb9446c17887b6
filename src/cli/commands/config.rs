//! `simctl config`: all settings in force.

use std::io::Write;

use serde_json::Value;

use crate::api::text_of;
use crate::cli::answers::{SettingInForce, SettingsInForce};
use crate::cli::args::TextFormat;
use crate::cli::output::{Done, show};
use crate::cli::text::shown_lines;
use crate::config::Settings;

pub fn run(settings: &Settings, format: TextFormat) -> Done {
    let setting = |in_force: crate::config::InForce| SettingInForce {
        name: in_force.name.to_owned(),
        value: in_force.value.and_then(|value| serde_json::to_value(value).ok()).unwrap_or(Value::Null),
        meaning: in_force.what.to_owned(),
        from_file: in_force.is_from_file,
    };
    let answer = SettingsInForce {
        config: text_of(&settings.config),
        data_dir: text_of(&settings.data_dir),
        socket: text_of(&settings.socket),
        settings: settings.in_force().into_iter().map(setting).collect(),
    };
    show(format, &answer, |out, _| write!(out, "{}", shown_lines(&settings.as_file())))
}
