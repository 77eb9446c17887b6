//! The commands in the README and in the API page work.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::photos;
use crate::support::{Instance, skip};

#[test]
fn its_curl_lines_are_answered() {
    let instance = Instance::new();
    let folder = instance.folder("Pictures");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let pages =
        ["README.md", "docs/api.md"].map(|page| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect("a page"));
    let lines: Vec<&str> = pages.iter().flat_map(|page| page.lines()).filter_map(|line| line.strip_prefix("    curl ")).collect();
    assert!(lines.len() >= 20, "{lines:?}");
    for line in lines {
        let line = line
            .replace("$XDG_RUNTIME_DIR/similard/api.sock", &instance.socket().display().to_string())
            .replace("/home/me/Pictures", &folder.display().to_string())
            .replace("photo.jpg", &folder.join("00003.webp").display().to_string());
        // The stream of events does not end.
        let output = Command::new("sh").args(["-c", &format!("curl -sS --fail-with-body --max-time 5 {line}")]).output().expect("a shell");
        if output.status.code() == Some(127) {
            return skip("curl is not installed");
        }
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let is_endless = line.contains("/v1/events") && output.status.code() == Some(28);
        assert!(output.status.success() || is_endless, "{line}: {said} {errors}");
    }
}
