//! Tests that cannot run here. The unit tests have this file too.

/// Reports that a test cannot run here, on its output and in the file that `SIMILARD_SKIPPED` names. If
/// `SIMILARD_MAY_SKIP` is set, it lists the accepted reasons, separated by `;`. Any other reason is a failure.
pub fn skip(why: &str) {
    println!("SKIPPED: {why}");
    assert!(!why.contains(';'), "this reason cannot be in a list that is separated by semicolons: {why}");
    if let Some(file) = std::env::var_os("SIMILARD_SKIPPED") {
        let mut file = std::fs::File::options().create(true).append(true).open(file).expect("the list of skipped tests");
        let thread = std::thread::current();
        // Written at once, because several tests and programs write to it.
        let line = format!("skipped: {}: {why}\n", thread.name().unwrap_or("a test"));
        std::io::Write::write_all(&mut file, line.as_bytes()).expect("written");
    }
    if let Ok(allowed) = std::env::var("SIMILARD_MAY_SKIP") {
        assert!(is_allowed(&allowed, why), "this reason to skip a test is not among those allowed: {why}");
    }
}

fn is_allowed(allowed: &str, why: &str) -> bool {
    allowed.split(';').any(|reason| reason.trim() == why)
}

#[test]
fn only_listed_reasons_are_allowed() {
    let list = "this user may not mount; the camera files are not here";
    for (allowed, why, is_expected) in [
        (list, "this user may not mount", true),
        (list, "the camera files are not here", true),
        (list, "the camera files", false),
        ("", "this user may not mount", false),
    ] {
        assert_eq!(is_allowed(allowed, why), is_expected, "{why:?} in {allowed:?}");
    }
}
