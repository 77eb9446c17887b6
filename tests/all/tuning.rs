//! Heads: one takes over from another without a mixed answer, and a tuning ends with a head that is no
//! worse, whatever happens to the daemon meanwhile.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use image::{Rgb, RgbImage};
use serde_json::{Value, json};
use similard::catalog::generation::fingerprint;
use similard::likeness::Head;
use similard::store::{HeadRecord, Location, Positives, Writer};
use similard::vision::backbone::Backbone;

use crate::photos;
use crate::support::{Instance, array, names, skip, wait_until};

/// A head that sees things a little differently.
fn other() -> Head {
    let base = Head::base().expect("loads");
    let mut rng = fastrand::Rng::with_seed(4);
    let weight = base.weight().iter().map(|w| w + 0.02 * (rng.f32() - 0.5)).collect();
    Head::new("other", weight, base.bias().to_vec())
}

/// Puts a head into an instance whose daemon does not run.
fn add(instance: &Instance, head: &Head, positives: Positives) {
    let record = HeadRecord {
        name: head.name().to_owned(),
        backbone: Backbone::embedded().expect("loads").name().to_owned(),
        positives,
        weights: head.to_safetensors(),
        threshold: 0.3,
        report: "{}".into(),
        made: 1,
    };
    DirBuilder::new().recursive(true).mode(0o700).create(instance.data_dir()).expect("a data directory");
    Writer::open(&Location::new(&instance.data_dir())).expect("opens").add_head(&record).expect("kept");
}

fn library(instance: &Instance, count: usize) -> PathBuf {
    let folder = instance.folder("photos");
    photos::library(&folder, &photos::NAMES[..count]);
    folder
}

/// An answer without what depends on the folder.
fn told(answer: &Value) -> (Value, Value, Vec<Vec<String>>, Vec<Value>) {
    let pairs = array(&answer["clusters"]).iter().map(|c| c["pairs"].clone()).collect();
    (answer["head"].clone(), answer["threshold"].clone(), names(answer), pairs)
}

#[test]
fn a_head_takes_over_in_one_step_and_goes_back() {
    let instance = Instance::new();
    let folder = library(&instance, 5);
    add(&instance, &other(), Positives::Edits);
    let base = told(&instance.dupes(&folder));
    assert_eq!(base.0, "base");
    let tried = instance.ok(["heads", "use", "other", "--try"]);
    assert!(tried.contains("clusters of this library"), "{tried}");
    assert_eq!(told(&instance.dupes(&folder)), base, "a try changes nothing");
    let decoded = instance.counter("decoded");

    // Each answer meanwhile comes from one of the two heads.
    let done = AtomicBool::new(false);
    let answers = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers = Vec::new();
            while !done.load(Ordering::Relaxed) {
                answers.push(told(&instance.dupes(&folder)));
            }
            answers
        });
        for _ in 0..5 {
            instance.ok(["heads", "use", "other"]);
            instance.ok(["heads", "use", "base"]);
        }
        instance.ok(["heads", "use", "other"]);
        done.store(true, Ordering::Relaxed);
        asking.join().expect("no panic")
    });
    let after = told(&instance.dupes(&folder));
    assert_eq!((&after.0, &after.1), (&"other".into(), &json!(0.3)));
    assert!(answers.iter().all(|answer| *answer == base || *answer == after));
    assert!(after.3 != base.3, "the heads are different");
    assert_eq!(instance.counter("decoded"), decoded, "a new head costs no decode");

    // A photo that comes now, and a fresh index under the same head, say the same.
    fs::write(folder.join("late.jpg"), photos::jpeg(&photos::grey(&photos::open("00003")), 80)).expect("written");
    let grown = told(&instance.dupes(&folder));
    let fresh = Instance::new();
    add(&fresh, &other(), Positives::Edits);
    fresh.dupes(&folder);
    fresh.ok(["heads", "use", "other"]);
    let of = |(head, threshold, names, _): (Value, Value, Vec<Vec<String>>, Vec<Value>)| (head, threshold, names);
    assert_eq!(of(told(&fresh.dupes(&folder))), of(grown));
    // Back, with the late photo.
    instance.ok(["heads", "use", "base"]);
    let back = instance.dupes(&folder);
    assert_eq!(back["head"], "base");
    assert!(names(&back).iter().any(|cluster| cluster.contains(&"late.jpg".to_owned())));
}

#[test]
fn a_chosen_head_is_used_after_a_crash() {
    let instance = Instance::new();
    let folder = library(&instance, 4);
    add(&instance, &other(), Positives::Edits);
    instance.dupes(&folder);
    instance.ok(["heads", "use", "other"]);
    let before = told(&instance.dupes(&folder));
    instance.kill();
    let log = instance.data_dir().join("daemon.log");
    let logged = fs::read_to_string(&log).expect("a log").len();
    // As if it had been killed before the other was ready.
    let mut writer = Writer::open(&Location::new(&instance.data_dir())).expect("opens");
    let base = writer.batch(|batch| {
        for head in batch.retire_heads(&[])? {
            batch.sweep_head(head, 1 << 20)?;
        }
        batch.head_number(&fingerprint(&Head::base().expect("loads")))
    });
    writer.batch(|batch| batch.use_head(base?)).expect("kept");
    drop(writer);
    // The base answers until the other is ready. The log goes on with what the killed daemon wrote.
    wait_until("the chosen head answers", || instance.dupes(&folder)["head"] == "other");
    assert_eq!(told(&instance.dupes(&folder)), before);
    let since = || fs::read_to_string(&log).expect("a log").split_off(logged);
    wait_until("the log says so", || since().contains("head other is in use now"));
    let log = since();
    let at = |line| log.find(line);
    let base = at("head base is in use until other is ready");
    assert!(base.is_some() && base < at("head other is in use now"), "the base answered first: {log}");
}

#[test]
fn heads_are_listed_and_removed_with_care() {
    let instance = Instance::new();
    let folder = library(&instance, 2);
    add(&instance, &other(), Positives::Edits);
    add(&instance, &Head::new("kinds", other().weight().iter().copied().collect(), other().bias().to_vec()), Positives::Folders);
    instance.dupes(&folder);
    let listed = instance.json(["heads", "list", "--format=json"])["heads"].take();
    assert_eq!(array(&listed).len(), 4, "with base and versions");
    let refused = |arguments: &[&str], why: &str| {
        let output = instance.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    refused(&["heads", "use", "nobody"], "there is no head named nobody");
    refused(&["heads", "use", "kinds"], "was tuned on folders");
    refused(&["heads", "remove", "base"], "cannot be removed");
    refused(&["heads", "remove", "versions"], "cannot be removed");
    refused(&["similar", "--head", "nobody", &folder.join("00003.webp").display().to_string()], "there is no head named nobody");
    let photo = folder.join("00003.webp").display().to_string();
    let similar = instance.json(["similar", "--head", "kinds", "-k", "1", "--format=json", &photo]);
    assert_eq!(similar["head"], "kinds");
    assert_eq!(similar["similar"][0]["photo"]["path"], photo.as_str());
    instance.ok(["heads", "use", "other"]);
    refused(&["heads", "remove", "other"], "cannot be removed");
    instance.ok(["heads", "use", "base"]);
    instance.ok(["heads", "remove", "other"]);
    assert_eq!(array(&instance.json(["heads", "list", "--format=json"])["heads"]).len(), 3);
}

/// The 48 photos of tests/accuracy, and copies of some that are cut and shrunk.
fn many(instance: &Instance) -> PathBuf {
    let folder = instance.folder("many");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/accuracy");
    for entry in fs::read_dir(from).expect("tests/accuracy").flatten() {
        if entry.path().extension().is_some_and(|e| e == "webp") {
            fs::copy(entry.path(), folder.join(entry.file_name())).expect("copied");
        }
    }
    folder
}

/// What must hold however a tuning ended.
fn check(instance: &Instance, folder: &Path, end: &Value, base: &Value) {
    let heads = instance.json(["heads", "list", "--format=json"])["heads"].take();
    let answer = instance.dupes(folder);
    let in_use: Vec<&Value> = array(&heads).iter().filter(|h| h["in_use"] == true).map(|h| &h["name"]).collect();
    assert_eq!(in_use, [&answer["head"], &json!("versions")]);
    let report = &end["report"];
    match end["outcome"].as_str() {
        Some("used") => {
            assert_eq!(answer["head"], end["name"]);
            assert!(report["after"]["found"].as_u64() > report["before"]["found"].as_u64(), "{end}");
        }
        Some("refused") => {
            assert_eq!((answer["head"].clone(), names(&answer)), ("base".into(), names(base)));
            assert_eq!(array(&heads).len(), 2, "a head that was refused is not kept");
        }
        other => panic!("{other:?}: {end}"),
    }
}

#[test]
fn a_tuning_ends_with_a_head_that_is_no_worse() {
    let instance = Instance::new();
    let folder = many(&instance);
    let base = instance.dupes(&folder);
    let end = instance.json(["tune", "--format=json", "--minutes", "5"]);
    check(&instance, &folder, &end, &base);
    let report = &end["report"];
    assert_eq!(report["tuned_on"].as_u64().unwrap_or(0) + report["held_out"].as_u64().unwrap_or(0), 48, "{end}");
    assert_eq!(report["copies"].as_u64(), report["held_out"].as_u64().map(|n| 6 * n));
    // Nothing is left of it in the index.
    instance.ok(["dupes", &folder.display().to_string()]);
    let (_, state) = instance.get("/v1/tune");
    assert!(state["progress"].is_null() && state["ended"]["name"] == end["name"], "{state}");
}

/// A spoilt head finds less than it could. If tuning does not help there, it never does.
#[test]
fn tuning_helps_where_it_must() {
    let instance = Instance::new();
    // One photo after the other, so that every run numbers them alike.
    instance.configure("workers = 1");
    let folder = many(&instance);
    let base = Head::base().expect("loads");
    let mut rng = fastrand::Rng::with_seed(9);
    let weight = base.weight().iter().map(|w| w + rng.f32() - 0.5).collect();
    add(&instance, &Head::new("spoilt", weight, base.bias().to_vec()), Positives::Edits);
    instance.dupes(&folder);
    instance.ok(["heads", "use", "spoilt"]);
    // The time of the order is the seed, by which photos are held out. So few of them may be judged by bad luck.
    let mut end = serde_json::Value::Null;
    for asked in 1..=3 {
        instance.kill();
        let order = json!({"name": "tuned-1", "positives": "edits", "minutes": 5, "photos": 100, "asked": asked});
        let mut writer = Writer::open(&Location::new(&instance.data_dir())).expect("opens");
        writer.batch(|batch| batch.set("tuning", &order.to_string())).expect("stored");
        drop(writer);
        instance.dupes(&folder);
        wait_until("it ended", || !instance.get("/v1/tune").1["ended"].is_null());
        end = instance.get("/v1/tune").1["ended"].clone();
        if end["outcome"] == "used" {
            break;
        }
    }
    assert_eq!(end["outcome"], "used", "{end}");
    assert!(end["report"]["after"]["found"].as_u64() > end["report"]["before"]["found"].as_u64(), "{end}");
    assert_eq!(instance.dupes(&folder)["head"], "tuned-1");
}

#[test]
fn a_tuning_goes_on_after_a_crash() {
    let instance = Instance::new();
    let folder = many(&instance);
    let base = instance.dupes(&folder);
    let mut tuning = instance.command().args(["tune"]).spawn().expect("starts");
    wait_until("some edited versions are made", || instance.get("/v1/tune").1["progress"]["done"].as_u64().is_some_and(|done| done >= 5));
    instance.kill();
    let _ = tuning.wait();
    // A daemon that starts again goes on by itself, with the edited versions that were made.
    instance.dupes(&folder);
    let first = instance.get("/v1/tune").1;
    wait_until("it ended", || !instance.get("/v1/tune").1["ended"].is_null());
    assert!(first["ended"].is_null(), "it was under way again: {first}");
    check(&instance, &folder, &instance.get("/v1/tune").1["ended"], &base);
}

#[test]
fn a_head_that_passed_before_a_crash_is_used_after_it() {
    let instance = Instance::new();
    let folder = library(&instance, 4);
    instance.dupes(&folder);
    instance.kill();
    // As a daemon leaves it that was killed while it paired the library again.
    let figures = json!({"recall": 0.9, "found": 9, "false_pairs": 0, "agreed": 0, "threshold": 0.3});
    let report =
        json!({"tuned_on": 1, "held_out": 1, "copies": 10, "decisions": 0, "steps": 1, "seconds": 1, "before": figures, "after": figures});
    let order = json!({"name": "other", "positives": "edits", "minutes": 5, "photos": 100, "asked": 1});
    add(&instance, &other(), Positives::Edits);
    let mut writer = Writer::open(&Location::new(&instance.data_dir())).expect("opens");
    let mut kept = writer.heads().expect("read").remove(0);
    kept.report = report.to_string();
    writer.add_head(&kept).expect("kept");
    writer.batch(|batch| batch.set("tuning", &order.to_string())).expect("kept");
    drop(writer);
    instance.dupes(&folder);
    wait_until("it ended", || !instance.get("/v1/tune").1["ended"].is_null());
    let end = instance.get("/v1/tune").1["ended"].clone();
    assert_eq!((&end["outcome"], &end["report"]["steps"]), (&"used".into(), &1.into()), "{end}");
    assert_eq!(instance.dupes(&folder)["head"], "other");
}

#[test]
fn a_tuning_waits_for_room_on_the_disk() {
    let instance = Instance::new();
    let folder = many(&instance);
    let mount =
        |options: &[&str], on: &Path| Command::new("mount").args(options).arg(on).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    let data = instance.data_dir();
    fs::create_dir(&data).expect("a data directory");
    if !mount(&["-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs"], &data) {
        return skip("this user may not mount");
    }
    let base = instance.dupes(&folder);
    let mut tuning = instance.command().args(["tune"]).spawn().expect("starts");
    wait_until("some edited versions are made", || instance.get("/v1/tune").1["progress"]["done"].as_u64().is_some_and(|done| done >= 3));
    fs::write(data.join("ballast"), vec![0; 16 << 20]).err();
    wait_until("the lack of room is said", || instance.ok(["status"]).contains("make room"));
    fs::remove_file(data.join("ballast")).expect("removed");
    assert!(tuning.wait().expect("ends").success());
    check(&instance, &folder, &instance.get("/v1/tune").1["ended"], &base);
    assert_eq!(array(&instance.status()["problems"]).len(), 0);
    assert!(Command::new("kill").arg(instance.pid().to_string()).status().is_ok_and(|s| s.success()));
    wait_until("it is unmounted", || Command::new("umount").arg(&data).stderr(Stdio::null()).status().is_ok_and(|s| s.success()));
}

#[test]
fn decisions_start_a_tuning_by_themselves_where_the_config_says_so() {
    let is = |what: &str, value: &str| {
        let supplies = fs::read_dir("/sys/class/power_supply").into_iter().flatten().flatten();
        supplies.filter_map(|s| fs::read_to_string(s.path().join(what)).ok()).any(|text| text.trim() == value)
    };
    if is("type", "Battery") && !is("online", "1") {
        return skip("this machine runs on its battery");
    }
    let instance = Instance::new();
    let folder = many(&instance);
    let config = instance.folder("config").join("config.toml");
    fs::write(&config, "tune-after-decisions = 2\n").expect("written");
    let run = |arguments: &[&str]| instance.ok(["--config", &config.display().to_string()].iter().chain(arguments));
    run(&["dupes", &folder.display().to_string()]);
    let mut files: Vec<String> = fs::read_dir(&folder).expect("many").flatten().map(|e| e.path().display().to_string()).collect();
    files.sort();
    run(&["decide", "different", &files[0], &files[1]]);
    assert!(instance.get("/v1/tune").1["progress"].is_null(), "one decision is not enough");
    run(&["decide", "different", &files[2], &files[3]]);
    wait_until("it ended", || !instance.get("/v1/tune").1["ended"].is_null());
    let end = instance.get("/v1/tune").1["ended"].clone();
    // Photos that are not near were not compared, so there is nothing to learn from.
    assert_eq!((&end["name"], &end["positives"], &end["outcome"]), (&json!("decisions-1"), &json!("decisions"), &json!("failed")));
    thread::sleep(Duration::from_millis(200));
    assert!(instance.get("/v1/tune").1["progress"].is_null(), "the same decisions start no other");
}

#[test]
fn a_tuning_is_stopped_and_only_one_runs() {
    let instance = Instance::new();
    let folder = many(&instance);
    let base = instance.dupes(&folder);
    let mut tuning = instance.command().args(["tune", "--name", "mine"]).spawn().expect("starts");
    wait_until("it started", || instance.get("/v1/tune").1["progress"]["name"] == "mine");
    let second = instance.raw(b"POST /v1/tune?name=second HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", Duration::from_secs(5));
    assert!(String::from_utf8_lossy(&second).contains("409"), "{}", String::from_utf8_lossy(&second));
    instance.ok(["tune", "--stop"]);
    tuning.wait().expect("ends");
    let end = instance.get("/v1/tune").1["ended"].clone();
    assert_eq!(end["name"], "mine");
    // If it was stopped early there is too little to learn from. Otherwise there is a head to test.
    if end["outcome"] == "failed" {
        assert!(end["message"].as_str().is_some_and(|m| m.contains("too little to learn from")), "{end}");
        assert_eq!(names(&instance.dupes(&folder)), names(&base));
    } else {
        check(&instance, &folder, &end, &base);
    }
    let again = instance.run(["tune", "--stop"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("no head is being tuned"));
}

#[test]
fn too_few_photos_and_wrong_orders_are_refused() {
    let instance = Instance::new();
    let folder = library(&instance, 2);
    instance.dupes(&folder);
    let refused = |arguments: &[&str], why: &str| {
        let output = instance.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    refused(&["tune"], "too little to learn from");
    refused(&["tune", "--positives", "folders"], "at least 25 folders");
    refused(&["tune", "--positives", "decisions"], "no new decisions");
    refused(&["tune", "--name", "base"], "is not a valid name for a head");
    refused(&["tune", "--name", "a/b"], "is not a valid name for a head");
    refused(&["tune", "--minutes", "0"], "minutes=0 is out of range");
    assert_eq!(instance.dupes(&folder)["head"], "base");
    // A stored head that cannot be read keeps its name.
    instance.kill();
    add(&instance, &other(), Positives::Edits);
    let library = rusqlite::Connection::open(Location::new(&instance.data_dir()).library()).expect("opens");
    library.execute("UPDATE heads SET positives = 'weather'", []).expect("changed");
    drop(library);
    refused(&["tune", "--name", "other"], "there is a head named other already");
}

/// Twenty-six folders of photos that have a colour in common.
#[test]
fn folders_teach_a_head_for_similar_alone() {
    let instance = Instance::new();
    let folder = instance.folder("sorted");
    let mut rng = fastrand::Rng::with_seed(8);
    for number in 0..26u32 {
        let sub = folder.join(format!("{number:02}"));
        fs::create_dir(&sub).expect("made");
        for photo in 0..8 {
            let base = photos::open(photos::NAMES[(photo + number as usize) % 8]);
            let mut picture = image::imageops::resize(&base, 64, 64, image::imageops::FilterType::Triangle);
            let tint = [(number % 3) as u8, (number / 3 % 3) as u8, (number / 9) as u8].map(|c| c * 110);
            picture.pixels_mut().for_each(|p| (0..3).for_each(|c| p.0[c] = (u16::from(p.0[c]) / 8 + u16::from(tint[c]) * 7 / 8) as u8));
            let corner = rng.u8(..);
            picture.put_pixel(rng.u32(..64), rng.u32(..64), image::Rgb([corner; 3]));
            fs::write(sub.join(format!("{photo}.jpg")), photos::jpeg(&picture, 90)).expect("written");
        }
    }
    instance.dupes(&folder);
    let end = instance.json(["tune", "--positives", "folders", "--name", "tints", "--format=json"]);
    assert_eq!(end["outcome"], "kept", "{end}");
    assert!(end["report"]["after"]["recall"].as_f64() > end["report"]["before"]["recall"].as_f64(), "{end}");
    assert_eq!(instance.dupes(&folder)["head"], "base");
    let photo = folder.join("05/3.jpg").display().to_string();
    let similar = instance.json(["similar", "--head", "tints", "--format=json", &photo]);
    assert_eq!(similar["head"], "tints");
}

/// Twenty photos, and smaller copies of them with a large patch.
fn patched(instance: &Instance) -> (PathBuf, Vec<[PathBuf; 2]>) {
    let folder = instance.folder("patched");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/accuracy");
    let mut photos: Vec<PathBuf> = fs::read_dir(from).expect("tests/accuracy").flatten().map(|entry| entry.path()).collect();
    photos.retain(|path| path.extension().is_some_and(|extension| extension == "webp"));
    photos.sort();
    let pair = |path: &PathBuf| {
        let original = image::open(path).expect("a test photo").to_rgb8();
        let mut other = photos::half(&original);
        let (width, height) = (other.width(), other.height());
        image::imageops::replace(&mut other, &RgbImage::from_pixel(width * 3 / 10, height * 3 / 10, Rgb([40, 90, 60])), 20, 20);
        let name = path.file_stem().expect("a name").to_string_lossy();
        let files = ["", "-patched"].map(|kind| folder.join(format!("{name}{kind}.jpg")));
        fs::write(&files[0], photos::jpeg(&original, 92)).expect("written");
        fs::write(&files[1], photos::jpeg(&other, 92)).expect("written");
        files
    };
    let pairs = photos.iter().take(20).map(pair).collect();
    (folder, pairs)
}

#[test]
fn decisions_teach_what_is_no_version() {
    let instance = Instance::new();
    let (folder, pairs) = patched(&instance);
    let joined = |of: &[[PathBuf; 2]]| {
        let clusters = names(&instance.dupes(&folder));
        let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
        of.iter().filter(|pair| clusters.iter().any(|cluster| pair.iter().all(|path| cluster.contains(&name(path))))).count()
    };
    let (decided, others) = pairs.split_at(12);
    for [a, b] in decided {
        instance.ok(["decide", "different", &a.display().to_string(), &b.display().to_string()]);
    }
    let before = joined(others);
    assert!(before >= 5, "the program takes a patch for a retouch: {before}");
    let end = instance.json(["tune", "--positives", "decisions", "--format=json"]);
    assert_eq!((&end["name"], &end["outcome"]), (&json!("decisions-1"), &json!("used")), "{end}");
    let left = joined(others);
    println!("{left} of {before} others are joined after {} decisions", decided.len());
    assert!(2 * left <= before, "{left} of {before} are left");
    let in_use = || {
        let heads = instance.json(["heads", "list", "--format=json"])["heads"].take();
        let used = array(&heads).iter().filter(|head| head["in_use"] == true).map(|head| head["name"].as_str().expect("a name").to_owned());
        used.collect::<Vec<String>>()
    };
    assert_eq!(in_use(), ["base", "decisions-1"]);
    assert!(instance.ok(["heads", "list"]).contains("a version model"));
    instance.kill();
    assert_eq!(joined(others), left, "it is used after a crash");
    // The same decisions teach it nothing more, and it goes back.
    let again = instance.run(["tune", "--positives", "decisions"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("no new decisions"));
    let refused = |arguments: &[&str], why: &str| {
        let output = instance.run(arguments);
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains(why), "{output:?}");
    };
    refused(&["heads", "remove", "decisions-1"], "in use");
    refused(&["similar", "--head", "decisions-1", &pairs[0][0].display().to_string()], "is a version model");
    assert!(instance.ok(["heads", "use", "versions", "--try"]).contains("clusters of this library"));
    assert_eq!(in_use(), ["base", "decisions-1"], "a try changes nothing");
    instance.ok(["heads", "use", "versions"]);
    assert_eq!((in_use(), joined(others)), (vec!["base".to_owned(), "versions".to_owned()], before));
    instance.ok(["heads", "remove", "decisions-1"]);
}
