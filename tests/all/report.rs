//! The page of `dupes --format html`: what is in it, and that it asks for nothing.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::photos;
use crate::support::{Instance, array, skip};

/// Names that would be tags, scripts, or other names if they were not text.
const HOSTILE: [&[u8]; 5] = [
    b"<img src=x onerror=alert(1)>.jpg",
    b"\"><script>alert(1)<.jpg",
    "photo\u{202e}gpj.exe.jpg".as_bytes(),
    b"latin\xe9\x9b&amp;.jpg",
    b"two\nlines\x1b[31m.jpg",
];

/// A folder with two sources, versions of both with hostile names, and a file that is no picture.
fn folder(instance: &Instance) -> std::path::PathBuf {
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003", "00009"]);
    let original = photos::open("00003");
    for (number, name) in HOSTILE.iter().enumerate() {
        fs::write(folder.join(OsStr::from_bytes(name)), photos::jpeg(&original, 90 - 5 * number as u8)).expect("written");
    }
    fs::copy(folder.join("00009_low.jpg"), folder.join("the same again.jpg")).expect("copied");
    fs::write(folder.join("broken.jpg"), b"no picture").expect("written");
    folder
}

fn page(instance: &Instance, folder: &Path, options: &[&str]) -> String {
    instance.ok(["dupes", "--format=html"].iter().chain(options).map(OsStr::new).chain([folder.as_os_str()]))
}

/// The pictures in a page.
fn pictures(page: &str) -> Vec<Vec<u8>> {
    let found = page.split("src=\"data:image/jpeg;base64,").skip(1);
    found.map(|rest| STANDARD.decode(rest.split('"').next().expect("an end")).expect("base64")).collect()
}

#[test]
fn the_page_has_all_pictures_the_words_of_the_terminal_and_nothing_else() {
    let instance = Instance::new();
    let folder = folder(&instance);
    let answer = instance.dupes(&folder);
    let page = page(&instance, &folder, &[]);
    let photos: Vec<&Value> = array(&answer["clusters"]).iter().flat_map(|cluster| array(&cluster["photos"])).collect();
    let pictures = pictures(&page);
    assert_eq!(pictures.len(), photos.iter().map(|photo| array(&photo["files"]).len()).sum::<usize>());
    for picture in &pictures {
        let mut decoder = jpeg_decoder::Decoder::new(&picture[..]);
        decoder.decode().expect("a picture");
        assert!(decoder.info().is_some_and(|info| info.width.min(info.height) > 100));
    }
    assert_eq!(page.matches("<section>").count(), array(&answer["clusters"]).len());
    // Every tag is one of the page.
    let tags: HashSet<&str> = page.split('<').skip(1).filter_map(|rest| rest.split([' ', '>', '\n']).next()).collect();
    let known = "!DOCTYPE html head meta title style body header h1 h2 p strong code table tr td main section span ul li img div";
    let known: HashSet<&str> = known.split(' ').collect();
    assert!(tags.iter().all(|tag| known.contains(tag.trim_start_matches('/'))), "{tags:?}");
    assert!(page.contains("default-src 'none'") && !page.contains("http:") && !page.contains("https:") && !page.contains("javascript"));
    assert!(page.chars().all(|c| (!c.is_control() || c == '\n') && c != '\u{202e}'), "a name is shown safely");
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;.jpg"));
    // The lines of the terminal.
    let text = instance.ok([OsStr::new("dupes"), folder.as_os_str()]);
    let html =
        |words: &str| words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;");
    let mut compared = 0;
    for line in text.lines().filter(|line| line.starts_with("    ") && !line.contains("simctl ")) {
        let words = line.trim().split("  ").next().expect("words");
        assert!(page.contains(&format!("<p class=what>{}", html(words))), "{words}");
        compared += 1;
    }
    assert!(compared >= photos.len(), "{text}");
    let command = text.lines().find_map(|line| Some(&line[line.find("simctl dupes --format paths0")?..])).expect("a command");
    assert!(page.contains(&html(command)) && page.contains("not compared: damaged or unreadable"), "{command}");
    // What an earlier page shows of another order.
    let limited = self::page(&instance, &folder, &["--sort=certainty", "--limit=1"]);
    assert!(limited.matches("<section>").count() == 1 && limited.contains("1 cluster is not shown"), "{}", limited.len());
    // Kept pictures are asked for by hash.
    let hash = photos[0]["picture"].as_str().expect("a hash");
    let (status, kept) = instance.get(&format!("/v1/pictures?picture={hash}&picture={}", "0".repeat(64)));
    assert_eq!((status, array(&kept["pictures"]).len(), &kept["pictures"][0]["picture"]), (200, 1, &hash.into()));
    let many = format!("/v1/pictures?{}", format!("picture={hash}&").repeat(100));
    assert_eq!(instance.get(many.trim_end_matches('&')).0, 200);
}

#[test]
fn a_browser_shows_the_page_and_asks_for_nothing() {
    let Some(chromium) = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| has(name)) else {
        return skip("there is no chromium");
    };
    let instance = Instance::new();
    let folder = folder(&instance);
    instance.dupes(&folder);
    let out = instance.folder("out");
    let (report, log, shot) = (out.join("report.html"), out.join("net.json"), out.join("shot.png"));
    fs::write(&report, page(&instance, &folder, &[])).expect("written");
    let shown = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
            "--window-size=1200,2400",
        ])
        .args(["--virtual-time-budget=3000".to_owned(), format!("--user-data-dir={}", out.join("profile").display())])
        .args([format!("--log-net-log={}", log.display()), format!("--screenshot={}", shot.display())])
        .arg(format!("file://{}", report.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("runs");
    assert!(shown.success());
    // A page of broken pictures is grey.
    let picture = image::open(&shot).expect("a screenshot").to_rgb8();
    let colours: HashSet<[u8; 3]> = picture.pixels().map(|pixel| pixel.0.map(|value| value / 8)).collect();
    assert!(colours.len() > 500, "{} colours", colours.len());
    let asked = fs::read_to_string(&log).expect("a log");
    for (at, _) in asked.match_indices("\"url\":\"") {
        let url = asked[at + 7..].split('"').next().unwrap_or_default();
        // The browser itself asks its maker now and then. A page would name its own origin, which is a file.
        let context = &asked[at.saturating_sub(400)..(at + 400).min(asked.len())];
        assert!(!context.contains("\"initiator\":\"file") || url.starts_with("file:") || url.starts_with("data:"), "{url}");
    }
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
