//! `simctl openapi`: the description of the API, which needs no daemon.

use crate::api;
use crate::cli::output::{Done, put_json};

pub fn run() -> Done {
    put_json(&api::document())
}
