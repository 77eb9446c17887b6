//! The words that a person reads: none of the inside without an explanation.

use std::ffi::OsStr;
use std::fs;

use crate::photos;
use crate::support::Instance;

/// Fails if a text has a word of the inside. A command may have one, because it is there to be typed.
fn check(command: &[&str], text: &str) {
    let typed = ["--relation unknown", "--relation identical,copy,edit,part,series,unknown", "simctl heads list"];
    let read = typed.iter().fold(text.to_owned(), |text, typed| text.replace(typed, ""));
    let words: Vec<&str> = read.split(|c: char| !c.is_alphanumeric()).collect();
    for inside in ["unknown", "head", "heads"] {
        assert!(!words.contains(&inside), "{command:?} says {inside}: {text}");
    }
    // A number of things that are not shown is said with what they are.
    let is_number = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    assert!(!words.windows(2).any(|two| is_number(two[0]) && two[1] == "more"), "{command:?}: {text}");
    assert!(!read.contains("so far"), "{command:?}: {text}");
}

#[test]
fn answers_have_no_word_of_the_inside() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003", "00009", "00011"]);
    fs::write(folder.join("broken.jpg"), b"no picture").expect("written");
    fs::write(folder.join("scan.raf"), photos::unread()).expect("written");
    let path = |name: &str| folder.join(name).display().to_string();
    let (all, a, b, other) = (folder.display().to_string(), path("00009_warm.jpg"), path("00009_half.jpg"), path("00009.webp"));
    instance.dupes(&folder);
    instance.ok(["decide", "same", &a, &other]);
    let commands: [&[&str]; 9] = [
        &["dupes", &all],
        &["dupes", "--relation", "identical,copy,edit,part,series,unknown", &all],
        &["dupes", "--threshold", "0.01", "--limit", "1", &all],
        &["similar", "-k20", &a],
        &["compare", &a, &b],
        &["compare", &a, &other],
        &["status"],
        &["failures"],
        &["decisions", "list"],
    ];
    for command in commands {
        let output = instance.run(command);
        assert!(output.status.success(), "{command:?}: {output:?}");
        check(command, &format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)));
    }
    // What you decided has no distance.
    let row = |name: &str, text: &str| text.lines().find(|line| line.contains(name)).expect(name).to_owned();
    let similar = instance.ok(["similar", "-k20", &a]);
    assert!(row("00009.webp", &similar).starts_with("yours "), "{similar}");
    let dupes = instance.ok([OsStr::new("dupes"), folder.as_os_str()]);
    assert!(dupes.contains("  yours  "), "{dupes}");
    let failures = instance.ok(["failures"]);
    assert!(failures.contains(": 1 file\n    ") && failures.contains(": 1 file, for example "), "{failures}");
}
