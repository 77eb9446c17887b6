//! Damaged input: each gets a clear message, and everything else still works.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Cursor, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbaImage};
use jpeg_encoder::{ColorType, Encoder};
use rustix::process::Signal;

use crate::photos;
use crate::support::{Instance, array, names, skip, wait_until};

fn reasons(instance: &Instance) -> Vec<(String, String)> {
    let failures = instance.json(["failures", "--format=json"]);
    let name =
        |f: &serde_json::Value| Path::new(f["path"].as_str().expect("a path")).file_name().expect("a name").to_string_lossy().into_owned();
    array(&failures["failures"]).iter().map(|f| (name(f), f["reason"].as_str().expect("a reason").to_owned())).collect()
}

/// A PNG whose header states a size, with almost no data.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_chunk(png::chunk::IDAT, &[0x78, 0x9c, 0x63, 0x60]).expect("a chunk");
    drop(writer);
    bytes
}

#[test]
fn files_that_are_no_photos_say_why() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let good = photos::library(&folder, &["00003", "00009"]);
    let large = photos::jpeg(&photos::large("00011"), 90);
    let small = photos::jpeg(&photos::open("00011"), 90);
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("written");
    write("empty.jpg", b"");
    write("text.jpg", b"Dear diary, it rained all day.");
    write("cut-large.jpg", &large[..large.len() / 2]);
    write("cut-small.jpg", &small[..small.len() / 2]);
    write("cut-head.jpg", &small[..100]);
    write("bomb.png", &png_of(60_000, 60_000));
    write("hollow.png", &png_of(3_000, 3_000));
    write("IMG_1.RAF", &photos::unread());
    write("scan.jp2", b"\0\0\0\x0cjP  \r\n\x87\n");
    write("IMG_2", &small);
    write("cut.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    // A NEF looks like a TIFF with a thumbnail.
    photos::open("00003").save_with_format(folder.join("DSC_1.NEF"), ImageFormat::Tiff).expect("written");
    let answer = instance.dupes(&folder);
    assert_eq!(names(&answer), photos::expected(&["00003", "00009"]));
    assert_eq!((&answer["coverage"]["indexed"], &answer["coverage"]["unsupported"]), (&good.into(), &3.into()));
    assert_eq!(answer["unsupported_formats"], serde_json::json!({ "raw": 2, "jp2": 1 }));
    assert_eq!(answer["left_out"]["without_ending"], 1, "{answer}");
    let reasons = reasons(&instance);
    let reason =
        |name: &str| reasons.iter().find(|(n, _)| n == name).map(|(_, r)| r.as_str()).unwrap_or_else(|| panic!("{name} did not fail"));
    assert_eq!(reason("empty.jpg"), "the file is empty");
    assert!(reason("text.jpg").starts_with("not a picture"));
    assert!(reason("cut-large.jpg").contains("ends in the middle"), "{}", reason("cut-large.jpg"));
    assert!(reason("cut-small.jpg").contains("ends in the middle"), "{}", reason("cut-small.jpg"));
    assert!(!reason("cut-head.jpg").is_empty());
    assert!(reason("bomb.png").contains("60000 × 60000"));
    assert!(!reason("hollow.png").is_empty());
    assert!(reason("IMG_1.RAF").contains("raw without a JPEG preview"));
    assert!(reason("cut.heic").contains("cut short"), "{}", reason("cut.heic"));
    assert!(reason("DSC_1.NEF").contains("raw"));
    assert_eq!(reason("scan.jp2"), "jp2 is not read by this version");
    assert_eq!(reasons.len(), 11);
    // The content counts, not the name.
    write("scan.jp2", &small);
    // A repaired file is indexed.
    write("empty.jpg", &small);
    instance.ok(["scan"]);
    assert_eq!(instance.dupes(&folder)["coverage"]["indexed"], good + 2);
}

#[test]
fn every_kind_of_pixel_is_one_photo() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let original = photos::open("00003");
    let (width, height) = original.dimensions();
    let save = |name: &str, picture: DynamicImage, format: ImageFormat| {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("encodes");
        fs::write(folder.join(name), bytes.into_inner()).expect("written");
    };
    let rgb = DynamicImage::from(original.clone());
    save("rgb.png", rgb.clone(), ImageFormat::Png);
    save("rgb.tiff", rgb.clone(), ImageFormat::Tiff);
    save("rgb.bmp", rgb.clone(), ImageFormat::Bmp);
    save("rgb.gif", rgb.clone(), ImageFormat::Gif);
    fs::write(folder.join("rgb.psd"), photos::psd(&original)).expect("written");
    save("grey.png", DynamicImage::from(rgb.to_luma8()), ImageFormat::Png);
    save("sixteen.png", DynamicImage::from(rgb.to_rgb16()), ImageFormat::Png);
    let sixteen: ImageBuffer<Luma<u16>, Vec<u16>> = rgb.to_luma16();
    save("sixteen-grey.tiff", DynamicImage::from(sixteen), ImageFormat::Tiff);
    save(
        "clear.png",
        DynamicImage::from(RgbaImage::from_fn(width, height, |x, y| {
            let Rgb([r, g, b]) = *original.get_pixel(x, y);
            image::Rgba([r, g, b, 255])
        })),
        ImageFormat::Png,
    );
    let palette: Vec<u8> = (0..=255u8).flat_map(|i| [i & 0xe0, (i << 3) & 0xe0, i << 6]).collect();
    let mut indexed = Vec::new();
    let mut encoder = png::Encoder::new(&mut indexed, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(palette);
    let indices: Vec<u8> = original.pixels().map(|p| (p[0] & 0xe0) | ((p[1] & 0xe0) >> 3) | (p[2] >> 6)).collect();
    encoder.write_header().and_then(|mut w| w.write_image_data(&indices)).expect("encodes");
    fs::write(folder.join("palette.png"), indexed).expect("written");
    let cmyk: Vec<u8> = original.pixels().flat_map(|p| [255 - p[0], 255 - p[1], 255 - p[2], 0]).collect();
    let file = |name: &str| Encoder::new_file(folder.join(name), 90).expect("a file");
    file("cmyk.jpg").encode(&cmyk, width as u16, height as u16, ColorType::Cmyk).expect("encodes");
    file("grey.jpg").encode(rgb.to_luma8().as_raw(), width as u16, height as u16, ColorType::Luma).expect("encodes");
    let large = photos::large("00003");
    let mut progressive = file("progressive.jpg");
    progressive.set_progressive(true);
    progressive.encode(large.as_raw(), 1600, 1600, ColorType::Rgb).expect("encodes");
    let mut restarts = file("restarts.jpg");
    restarts.set_restart_interval(7);
    restarts.encode(large.as_raw(), 1600, 1600, ColorType::Rgb).expect("encodes");
    let mut frames = image::codecs::gif::GifEncoder::new(fs::File::create(folder.join("moving.gif")).expect("a file"));
    frames
        .encode_frames(
            [rgb.to_rgba8(), photos::half(&original).pixels().fold(RgbaImage::new(width, height), |i, _| i)].map(image::Frame::new),
        )
        .expect("encodes");
    drop(frames);
    let answer = instance.dupes(&folder);
    assert_eq!(reasons(&instance), []);
    let clusters = names(&answer);
    assert_eq!(clusters.len(), 1, "{clusters:?}");
    assert_eq!(clusters[0].len(), 15, "{clusters:?}");
}

#[test]
fn strange_names_and_loops_are_no_trouble() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let bytes = fs::read(photos::path("00003")).expect("read");
    for name in [&b"new\nline.webp"[..], b"not-utf8-\xff\xfe.webp", b"spaces and 'quotes\".webp"] {
        fs::write(folder.join(OsStr::from_bytes(name)), &bytes).expect("written");
    }
    symlink(&folder, folder.join("loop")).expect("linked");
    symlink("/nowhere", folder.join("dangling.jpg")).expect("linked");
    let made = Command::new("mkfifo").arg(folder.join("pipe.jpg")).status();
    assert!(made.is_ok_and(|s| s.success()));
    let answer = instance.dupes(&folder);
    assert_eq!(answer["coverage"]["indexed"], 3);
    let photo = &answer["clusters"][0]["photos"][0];
    assert_eq!(array(&photo["paths"]).len(), 3);
    assert!(array(&photo["paths_bytes"]).len() == 3, "bytes come with a path that is not UTF-8");
    let gone = instance.run([OsStr::new("dupes"), OsStr::new("--format=paths0"), folder.as_os_str()]).stdout;
    let listed: Vec<_> = gone.split(|&b| b == 0).filter(|p| !p.is_empty()).collect();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|p| Path::new(OsStr::from_bytes(p)).exists()));
    let text = instance.ok(["dupes".as_ref(), folder.as_os_str()]);
    assert!(text.lines().any(|l| l.contains("new\u{fffd}line")), "{text}");
}

#[test]
fn an_unreadable_folder_costs_only_itself() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let locked = folder.join("locked");
    fs::create_dir(&locked).expect("made");
    photos::library(&locked, &["00009"]);
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    fs::set_permissions(&locked, Permissions::from_mode(0o000)).expect("locked");
    if fs::read_dir(&locked).is_ok() {
        return skip("this user may read everything");
    }
    assert_eq!(instance.status()["roots"][0]["times_lost"], 0);
    instance.ok(["scan"]);
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003", "00009"]), "what is hidden is not gone");
    assert!(reasons(&instance)[0].1.contains("this folder cannot be read"));
    fs::set_permissions(&locked, Permissions::from_mode(0o700)).expect("unlocked");
    instance.ok(["scan"]);
    assert_eq!(reasons(&instance), []);
}

#[test]
fn files_that_vanish_or_change_while_they_are_read_are_no_trouble() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let bytes: Vec<Vec<u8>> = photos::NAMES.iter().map(|name| photos::jpeg(&photos::large(name), 90)).collect();
    let path = |number: usize| folder.join(format!("{number}.jpg"));
    for number in 0..24 {
        // A different comment makes each a different file of the same few photos' pictures.
        let comment = [0xff, 0xfe, 0, 3, number as u8];
        let photo = &bytes[number % bytes.len()];
        fs::write(path(number), [&photo[..2], &comment, &photo[2..]].concat()).expect("written");
    }
    instance.ok([OsStr::new("roots"), OsStr::new("add"), folder.as_os_str()]);
    for number in (0..24).step_by(3) {
        fs::remove_file(path(number)).expect("removed");
        fs::write(path(number + 1), photos::jpeg(&photos::open("00003"), 60 + number as u8 / 2)).expect("written");
    }
    instance.ok(["scan"]);
    let answer = instance.dupes(&folder);
    assert_eq!((&answer["coverage"]["indexed"], &answer["coverage"]["pending"]), (&16.into(), &0.into()));
    assert_eq!(reasons(&instance), []);
    let fresh = Instance::new();
    assert_eq!(names(&answer), names(&fresh.dupes(&folder)));
}

#[test]
fn a_missing_path_or_daemon_is_said() {
    let instance = Instance::new();
    let missing = instance.run(["dupes", "/nowhere/at/all"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/nowhere/at/all does not exist"));
    for command in [&["status"][..], &["events"], &["failures"], &["roots", "list"], &["--no-start", "dupes", "/"]] {
        let output = instance.run(command);
        assert_eq!(output.status.code(), Some(3), "{command:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("hint:"));
    }
    assert!(!instance.socket().exists(), "nothing was started");
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    instance.dupes(&folder);
    instance.kill();
    let database = instance.data_dir().join("index.db");
    let connection = rusqlite::Connection::open(&database).expect("opens");
    connection.pragma_update(None, "user_version", 999).expect("set");
    drop(connection);
    let output = instance.run(["dupes".as_ref(), folder.as_os_str()]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("newer version") && said.contains("index.db") && said.contains("hint:"), "{said}");
    let version: i64 =
        rusqlite::Connection::open(&database).and_then(|c| c.pragma_query_value(None, "user_version", |r| r.get(0))).expect("reads");
    assert_eq!(version, 999);
    // Another program's database is not touched either.
    fs::remove_file(&database).expect("removed");
    rusqlite::Connection::open(&database).and_then(|c| c.execute_batch("CREATE TABLE theirs (x)")).expect("made");
    assert!(String::from_utf8_lossy(&instance.run(["dupes".as_ref(), folder.as_os_str()]).stderr).contains("is not similard's"));
}

/// Overwrites all but the first page of the index.
fn damage(instance: &Instance) {
    let file = fs::File::options().write(true).open(instance.data_dir().join("index.db")).expect("an index");
    let length = file.metadata().expect("there").len();
    file.write_all_at(&vec![0x5a; (length - 4096) as usize], 4096).expect("overwritten");
}

#[test]
fn a_service_whose_index_is_damaged_asks_to_be_started_again() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let before = names(&instance.dupes(&folder));
    // After a stop all pages are in one file.
    instance.stop();
    let address = instance.folder("run").join("notify");
    let _manager = UnixDatagram::bind(&address).expect("bound");
    let mut daemon = instance.command().arg("daemon").env("NOTIFY_SOCKET", &address).stderr(Stdio::null()).spawn().expect("runs");
    wait_until("it answers", || instance.run(["status"]).status.success());
    damage(&instance);
    let mut ended = None;
    wait_until("it ends", || {
        instance.run(["dupes".as_ref(), "--no-start".as_ref(), folder.as_os_str()]);
        ended = daemon.try_wait().expect("a child");
        ended.is_some()
    });
    assert_eq!(ended.and_then(|status| status.code()), Some(75));
    assert_eq!(names(&instance.dupes(&folder)), before);
}

#[test]
fn a_damaged_index_is_made_again_and_decisions_stay() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003", "00009"]);
    let (a, b) = (folder.join("00003.webp"), folder.join("00003_low.jpg"));
    instance.dupes(&folder);
    instance.ok(["decide".as_ref(), "different".as_ref(), a.as_os_str(), b.as_os_str()]);
    let before = instance.dupes(&folder);
    let aside = instance.data_dir().join("index.db.damaged");
    let is_as_before = |what: &str| {
        let mut answer = serde_json::Value::Null;
        wait_until(what, || {
            let output = instance.run(["dupes".as_ref(), "--format=json".as_ref(), folder.as_os_str()]);
            answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
            output.status.success()
        });
        assert_eq!((names(&answer), &answer["coverage"]), (names(&before), &before["coverage"]), "{what}");
        let status = instance.ok(["status"]);
        assert!(status.contains("the index was damaged") && status.contains("index.db.damaged"), "{status}");
        assert!(aside.exists(), "{what}");
        fs::remove_file(&aside).expect("removed");
    };
    instance.stop();
    fs::write(instance.data_dir().join("index.db"), [b"no database at all".as_slice(); 400].concat()).expect("written");
    is_as_before("something else is there");
    instance.stop();
    damage(&instance);
    is_as_before("it opens, and cannot be read");
    // After a stop all pages are in one file. The daemon also starts by its other name, which is a link in a package.
    instance.stop();
    let similard = instance.folder("bin").join("similard");
    symlink(env!("CARGO_BIN_EXE_simctl"), &similard).expect("a link");
    let mut daemon = instance.command_of(&similard.display().to_string()).stderr(Stdio::null()).spawn().expect("runs");
    wait_until("it answers", || instance.run(["status"]).status.success());
    instance.dupes(&folder);
    let pid = instance.pid();
    damage(&instance);
    wait_until("the running daemon notices", || {
        instance.run(["dupes".as_ref(), folder.as_os_str()]);
        aside.exists()
    });
    is_as_before("it was damaged while it was used");
    assert_eq!(instance.pid(), pid, "the same process goes on");
    assert_eq!(daemon.id(), pid);
    let _ = daemon.kill();
    let _ = daemon.wait();
}

#[test]
fn an_index_that_cannot_be_loaded_is_made_again() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    for quality in [60, 90] {
        fs::write(folder.join(format!("{quality}.jpg")), photos::jpeg(&photos::open("00003"), quality)).expect("written");
    }
    let before = instance.dupes(&folder);
    instance.stop();
    let (index, aside) = (instance.data_dir().join("index.db"), instance.data_dir().join("index.db.damaged"));
    let sound = fs::read(&index).expect("an index");
    for sql in [
        "UPDATE embeddings SET data = x'0000' WHERE photo = 1",
        "UPDATE embeddings SET data = x'00' WHERE photo = 1",
        // Numbers that are none.
        &format!("UPDATE embeddings SET data = x'{}' WHERE photo = 1", "007e".repeat(256)),
        "DELETE FROM embeddings WHERE photo = 1",
        "UPDATE features SET parts = x'00' WHERE photo = 1",
        "DELETE FROM embeddings; UPDATE features SET data = x'003c' WHERE photo = 2",
        "INSERT INTO pairs (head, a, b, distance) SELECT head, a, 999, 0.1 FROM pairs LIMIT 1",
        "UPDATE pairs SET distance = -0.5",
        "UPDATE files SET photo = 999 WHERE photo = 1",
        "DELETE FROM photos WHERE id = 1",
        "DROP TABLE pairs",
    ] {
        fs::write(&index, &sound).expect("written");
        let file = rusqlite::Connection::open(&index).expect("opens");
        file.execute_batch(&format!("PRAGMA foreign_keys = off; {sql}")).expect(sql);
        drop(file);
        let answer = instance.dupes(&folder);
        assert_eq!((names(&answer), &answer["coverage"]), (names(&before), &before["coverage"]), "{sql}");
        assert!(instance.ok(["status"]).contains("the index was damaged"), "{sql}");
        fs::remove_file(&aside).expect(sql);
        instance.stop();
    }
}

/// These are read only when a question is asked.
#[test]
fn an_index_that_stops_every_answer_is_made_again() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let before = instance.dupes(&folder);
    let (index, aside) = (instance.data_dir().join("index.db"), instance.data_dir().join("index.db.damaged"));
    for sql in ["UPDATE comparisons SET data = x'00'", "UPDATE files SET content = x'00'"] {
        instance.stop();
        let file = rusqlite::Connection::open(&index).expect("opens");
        assert!(file.execute(sql, []).expect(sql) > 0);
        drop(file);
        let mut answer = serde_json::Value::Null;
        wait_until("it is made again", || {
            let output = instance.run(["dupes".as_ref(), "--format=json".as_ref(), folder.as_os_str()]);
            answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
            output.status.success() && aside.exists()
        });
        assert_eq!((names(&answer), &answer["coverage"]), (names(&before), &before["coverage"]), "{sql}");
        assert!(instance.ok(["status"]).contains("the index was damaged"), "{sql}");
        fs::remove_file(&aside).expect(sql);
    }
}

#[test]
fn a_file_that_is_deleted_under_the_daemon_is_noticed() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let before = instance.dupes(&folder);
    let (index, library, aside) = ["index.db", "library.db", "aside"].map(|name| instance.data_dir().join(name)).into();
    for is_replaced in [false, true] {
        let run = instance.status()["run"].clone();
        fs::copy(&index, &aside).expect("copied");
        fs::remove_file(&index).expect("removed");
        if is_replaced {
            fs::rename(&aside, &index).expect("replaced");
        }
        // A replaced index may be one without tables, until that is noticed.
        wait_until("it starts again", || {
            let status = instance.run(["status", "--format=json"]);
            status.status.success() && serde_json::from_slice::<serde_json::Value>(&status.stdout).is_ok_and(|status| status["run"] != run)
        });
        let answer = instance.dupes(&folder);
        assert_eq!((names(&answer), &answer["coverage"]), (names(&before), &before["coverage"]));
        assert!(index.exists());
    }
    let problems = || instance.status()["problems"].to_string();
    fs::rename(&library, &aside).expect("moved");
    wait_until("it says so", || problems().contains("library.db was deleted or replaced"));
    fs::rename(&aside, &library).expect("moved back");
    wait_until("all is well", || problems() == "[]");
}

#[test]
fn nothing_is_stored_in_a_library_that_was_deleted_or_replaced() {
    let instance = Instance::new();
    let (folder, other, out) = (instance.folder("photos"), instance.folder("other"), instance.folder("out"));
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let file = |name: &str| folder.join(name).display().to_string();
    let [webp, half, low] = ["00003.webp", "00003_half.jpg", "00003_low.jpg"].map(file);
    let [before, saved, backup] = ["before.jsonl", "saved.jsonl", "backup.db"].map(|name| out.join(name).display().to_string());
    instance.ok(["decide", "different", &webp, &half]);
    instance.ok(["decisions", "export", &before]);
    let refused = |arguments: &[&str]| {
        let output = instance.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("library.db was deleted or replaced") && said.contains("simctl decisions export"), "{said}");
    };
    let (library, aside) = (instance.data_dir().join("library.db"), instance.data_dir().join("aside"));
    fs::rename(&library, &aside).expect("moved");
    for is_replaced in [false, true] {
        if is_replaced {
            fs::copy(&aside, &library).expect("copied");
        }
        refused(&["decide", "different", &webp, &low]);
        refused(&["decide", "forget", &webp, &half]);
        refused(&["decisions", "import", &before]);
        refused(&["roots", "add", &other.display().to_string()]);
        refused(&["roots", "remove", &folder.display().to_string()]);
        refused(&["backup", &backup]);
    }
    instance.ok(["decisions", "export", &saved]);
    assert_eq!(fs::read(&saved).expect("saved"), fs::read(&before).expect("saved"));
    fs::rename(&aside, &library).expect("moved back");
    instance.ok(["decide", "different", &webp, &low]);
    assert_eq!(instance.status()["decisions"], 2);
}

#[test]
fn a_damaged_library_file_is_left_alone_and_said() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    instance.dupes(&folder);
    instance.stop();
    let library = instance.data_dir().join("library.db");
    let rubbish = [b"no database at all".as_slice(); 400].concat();
    fs::write(&library, &rubbish).expect("written");
    let refused = instance.run(["dupes".as_ref(), folder.as_os_str()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3));
    assert!(said.contains("library.db is damaged") && said.contains("hint:"), "{said}");
    assert_eq!(fs::read(&library).expect("there"), rubbish);
    assert!(!instance.data_dir().join("index.db.damaged").exists());
}

#[test]
fn rows_of_the_library_that_cannot_be_read_are_named_and_the_rest_is_used() {
    let instance = Instance::new();
    let (folder, other) = (instance.folder("photos"), instance.folder("other"));
    photos::library(&folder, &["00003"]);
    let before = instance.dupes(&folder);
    instance.dupes(&other);
    instance.stop();
    let open = || rusqlite::Connection::open(instance.data_dir().join("library.db")).expect("opens");
    let library = open();
    let spoilt = library.execute("UPDATE roots SET volume = CAST(x'ff41' AS TEXT) WHERE path = ?1", [other.as_os_str().as_bytes()]);
    assert_eq!(spoilt.expect("changed"), 1);
    let spoilt = library.execute("INSERT OR REPLACE INTO settings (name, value) VALUES ('head', CAST(x'ff42' AS TEXT))", []);
    assert_eq!(spoilt.expect("changed"), 1);
    drop(library);
    assert_eq!(names(&instance.dupes(&folder)), names(&before));
    let problems = || instance.status()["problems"].to_string();
    let said = problems();
    assert!(said.contains(&format!("the row of the watched folder {} cannot be read: ", other.display())), "{said}");
    assert!(said.contains("the name of the chosen head cannot be read: "), "{said}");
    let stored = |select: &str| open().query_row(select, [], |row| row.get::<_, String>(0)).expect(select);
    assert_eq!(stored("SELECT group_concat(hex(volume)) FROM roots WHERE hex(volume) LIKE 'FF%'"), "FF41");
    assert_eq!(stored("SELECT hex(value) FROM settings WHERE name = 'head'"), "FF42");
    assert!(!instance.data_dir().join("index.db.damaged").exists());
    // What the messages name puts an end to them.
    instance.ok(["heads", "use", "base"]);
    instance.ok(["roots".as_ref(), "remove".as_ref(), other.as_os_str()]);
    assert_eq!(problems(), "[]");
}

#[test]
fn there_is_one_daemon_for_a_data_directory() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    instance.dupes(&folder);
    let second = instance.run(["daemon"]);
    assert_eq!(second.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&second.stderr).contains("already runs"));
    let other_socket = instance.run(["daemon".as_ref(), "--socket".as_ref(), folder.join("other.sock").as_os_str()]);
    assert_eq!(other_socket.status.code(), Some(3));
    assert_eq!(instance.status()["activity"], "idle");
}

#[test]
fn a_stale_socket_is_replaced_and_a_foreign_file_is_not() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    instance.dupes(&folder);
    instance.kill();
    assert!(instance.socket().exists(), "a killed daemon leaves its socket");
    instance.dupes(&folder);
    instance.kill();
    fs::remove_file(instance.socket()).expect("removed");
    fs::write(instance.socket(), b"precious").expect("written");
    let output = instance.run(["dupes".as_ref(), folder.as_os_str()]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(fs::read(instance.socket()).expect("read"), b"precious");
    fs::remove_file(instance.socket()).expect("removed");
    drop(UnixListener::bind(instance.socket()).expect("bound"));
    instance.dupes(&folder);
}

#[test]
fn a_crash_of_the_decoder_costs_nothing() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    assert!(instance.signal_children(Signal::KILL) > 0, "the daemon has decoding processes");
    photos::library(&folder, &["00009"]);
    instance.ok(["scan"]);
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003", "00009"]));
    assert_eq!(reasons(&instance), []);
}

/// The answer is longer than what a pipe and the buffers on both sides of it hold.
#[test]
fn a_full_pipe_and_a_closed_one_end_quietly() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::crop(&photos::open("00003"), 0.2), 60);
    for number in 0..400 {
        fs::write(folder.join(format!("{number}{}.jpg", "-of-very-many-files-of-one-photo".repeat(6))), &photo).expect("written");
    }
    instance.dupes(&folder);
    let whole = instance.ok(["pairs".as_ref(), folder.as_os_str()]);
    assert!(whole.len() > 2 * (64 << 10) && whole.lines().count() == 399, "{} bytes", whole.len());
    for closes in [false, true] {
        let mut pairs = instance.command();
        pairs.arg("pairs").arg(&folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut pairs = pairs.spawn().expect("runs");
        let mut out = BufReader::new(pairs.stdout.take().expect("piped"));
        let mut text = String::new();
        out.read_line(&mut text).expect("read");
        assert_eq!(text.lines().next(), whole.lines().next());
        if closes {
            drop(out);
        } else {
            out.read_to_string(&mut text).expect("read");
            assert_eq!(text, whole);
        }
        let ended = pairs.wait_with_output().expect("ends");
        assert!(ended.stderr.is_empty(), "closed: {closes}: {}", String::from_utf8_lossy(&ended.stderr));
        assert_eq!(ended.status.code(), Some(0), "closed: {closes}");
    }
}

/// The daemon does not wait long for a client, so simctl takes the whole answer however slowly its own output is read.
#[test]
fn a_slow_reader_gets_all_of_a_long_answer() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let photo = photos::jpeg(&photos::crop(&photos::open("00003"), 0.2), 60);
    for number in 0..5000 {
        fs::write(folder.join(format!("{number}-of-very-many-files-of-one-photo.jpg")), &photo).expect("written");
    }
    instance.dupes(&folder);
    let descriptors = PathBuf::from(format!("/proc/{}/fd", instance.pid()));
    let sockets = || -> HashSet<PathBuf> {
        let links = fs::read_dir(&descriptors).expect("the daemon runs").flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
        links.filter(|link| link.to_string_lossy().starts_with("socket:")).collect()
    };
    let before = sockets();
    let mut pairs = instance.command();
    let mut pairs = pairs.arg("pairs").arg("--format=ndjson").arg(&folder).stdout(Stdio::piped()).spawn().expect("runs");
    let mut out = BufReader::new(pairs.stdout.take().expect("piped"));
    let mut text = String::new();
    out.read_line(&mut text).expect("read");
    wait_until("simctl has taken the answer", || sockets().is_subset(&before));
    instance.kill();
    out.read_to_string(&mut text).expect("read");
    assert!(pairs.wait().is_ok_and(|status| status.success()));
    assert!(text.len() > 800_000 && text.lines().count() == 4999 + 2, "{} lines", text.lines().count());
}

#[test]
fn a_disk_without_room_is_said_and_nothing_is_lost() {
    let instance = Instance::new();
    let (folder, small) = (instance.folder("photos"), instance.folder("small"));
    photos::library(&folder, &["00003", "00009"]);
    let mount = |options: &[&str]| {
        Command::new("mount").args(options).arg(&small).stderr(std::process::Stdio::null()).status().is_ok_and(|s| s.success())
    };
    if !mount(&["-t", "tmpfs", "-o", "size=600k,mode=700", "tmpfs"]) {
        return skip("this user may not mount");
    }
    let run = |arguments: &[&OsStr]| instance.command().env("SIMILARD_DATA_DIR", &small).args(arguments).output().expect("runs");
    // Room for an empty index, not for what is about to be stored.
    let mut no_room = String::new();
    run(&["roots".as_ref(), "add".as_ref(), small.join("..").join("photos").as_os_str()]);
    fs::write(small.join("ballast"), vec![0; 1 << 20]).err();
    for number in 0..40 {
        fs::write(
            folder.join(format!("more-{number}.jpg")),
            photos::jpeg(&photos::crop(&photos::open("00011"), 0.4 + 0.01 * number as f32), 90),
        )
        .expect("written");
    }
    wait_until("the lack of room is said", || {
        no_room = String::from_utf8_lossy(&run(&["status".as_ref()]).stdout).into_owned();
        no_room.contains("problem:")
    });
    assert!(no_room.contains("make room"), "{no_room}");
    assert!(mount(&["-o", "remount,size=64m,mode=700"]));
    wait_until("it goes on by itself", || {
        let status: serde_json::Value =
            serde_json::from_slice(&run(&["status".as_ref(), "--format=json".as_ref()]).stdout).unwrap_or_default();
        status["coverage"]["indexed"] == 50 && status["problems"].as_array().is_some_and(Vec::is_empty)
    });
    let stop = || {
        let status = run(&["status".as_ref(), "--format=json".as_ref()]).stdout;
        let pid = serde_json::from_slice::<serde_json::Value>(&status).expect("JSON")["pid"].to_string();
        assert!(Command::new("kill").arg(&pid).status().is_ok_and(|s| s.success()));
        wait_until("it has ended", || !Path::new(&format!("/proc/{pid}")).exists());
    };
    stop();
    // A disk that turned read-only, as they do after errors.
    assert!(mount(&["-o", "remount,ro"]));
    let refused = run(&["dupes".as_ref(), folder.as_os_str()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(3) && said.contains("Read-only") && said.contains("hint:"), "{said}");
    assert!(mount(&["-o", "remount,rw"]));
    assert!(run(&["dupes".as_ref(), folder.as_os_str()]).status.success());
    stop();
    wait_until("it is unmounted", || {
        Command::new("umount").arg(&small).stderr(std::process::Stdio::null()).status().is_ok_and(|s| s.success())
    });
}
