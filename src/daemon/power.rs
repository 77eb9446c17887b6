//! Finds out whether the machine runs on mains power, from what Linux reports.

use std::fs;
use std::path::{Path, PathBuf};

const SUPPLIES: &str = "/sys/class/power_supply";

/// Returns whether the machine runs on mains power. A machine without a battery does.
pub fn on_mains() -> bool {
    let read = |supply: &Path, what: &str| fs::read_to_string(supply.join(what)).map(|text| text.trim().to_owned());
    // Batteries of devices do not count, for example that of a mouse.
    let is_machine = |supply: &PathBuf| !read(supply, "scope").is_ok_and(|scope| scope == "Device");
    let supplies: Vec<PathBuf> =
        fs::read_dir(SUPPLIES).into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_machine).collect();
    let is = |kind: &str| supplies.iter().filter(|s| read(s, "type").is_ok_and(|t| t == kind)).collect::<Vec<_>>();
    let mains = is("Mains");
    if mains.is_empty() { is("Battery").is_empty() } else { mains.iter().any(|s| read(s, "online").is_ok_and(|o| o == "1")) }
}
