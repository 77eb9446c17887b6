//! Disks that are connected and removed: real mounts, in a namespace of the test.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::photos;
use crate::support::{Instance, array, names, skip, wait_until};

/// A process in a mount namespace. Commands in it may mount.
struct Namespace {
    keeper: Child,
    /// What enters it.
    enter: Vec<String>,
}

impl Namespace {
    /// With a user namespace, so that it needs no rights. `None`, with a message, if the system does not allow it.
    fn new() -> Option<Namespace> {
        Namespace::start("-Urm", &["-U", "-m", "--preserve-credentials"])
    }

    /// With the rights of root, for filesystems that nobody else may mount. `None`, with a message, if nobody is root here.
    fn of_root() -> Option<Namespace> {
        if !rustix::process::geteuid().is_root() {
            skip("only root may mount an image of a disk");
            return None;
        }
        Namespace::start("-m", &["-m"])
    }

    fn start(kinds: &str, enter: &[&str]) -> Option<Namespace> {
        let keeper = Command::new("unshare")
            .args([kinds, "--propagation", "private", "sleep", "600"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let Ok(mut keeper) = keeper else {
            skip("there is no unshare");
            return None;
        };
        for _ in 0..100 {
            thread::sleep(Duration::from_millis(20));
            let inside = fs::read_link(format!("/proc/{}/ns/mnt", keeper.id())).ok();
            let outside = fs::read_link("/proc/self/ns/mnt").ok();
            let name = fs::read_to_string(format!("/proc/{}/comm", keeper.id())).unwrap_or_default();
            if inside.is_some() && inside != outside && name.trim() == "sleep" {
                let target = ["-t".to_owned(), keeper.id().to_string()];
                let enter = target.into_iter().chain(enter.iter().map(|&option| option.to_owned())).collect();
                return Some(Namespace { keeper, enter });
            }
            if keeper.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
        }
        let _ = keeper.kill();
        skip("this system allows no user namespaces");
        None
    }

    fn run(&self, command: &[&OsStr]) {
        assert!(self.succeeds(command), "{command:?}");
    }

    fn succeeds(&self, command: &[&OsStr]) -> bool {
        Command::new("nsenter").args(&self.enter).args(command).status().expect("nsenter runs").success()
    }

    fn sh(&self, script: &str, argument: &Path) {
        self.run(&["sh", "-c", script, "sh"].map(OsStr::new).into_iter().chain([argument.as_os_str()]).collect::<Vec<_>>());
    }

    fn command(&self, instance: &Instance, words: &[&OsStr]) -> Command {
        let inner = instance.command();
        let mut command = Command::new("nsenter");
        command.args(&self.enter).arg(inner.get_program()).args(words).env_clear();
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
        command
    }

    fn simctl(&self, instance: &Instance, words: &[&OsStr]) -> String {
        let output = self.command(instance, words).output().expect("simctl runs");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn dupes(&self, instance: &Instance, folder: &Path) -> Value {
        let text = self.simctl(instance, &[OsStr::new("dupes"), OsStr::new("--format=json"), folder.as_os_str()]);
        serde_json::from_str(&text).expect("JSON")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

#[test]
fn a_path_whose_disk_does_not_answer_is_named_and_delays_no_other() {
    let Some(namespace) = Namespace::of_root() else { return };
    let instance = Instance::new();
    let (folder, source, dead) = (instance.folder("photos"), instance.folder("source"), instance.folder("dead"));
    photos::library(&folder, &["00003"]);
    fs::write(source.join("a.jpg"), photos::jpeg(&photos::open("00009"), 90)).expect("written");
    let pid = instance.folder("pid").join("bindfs");
    let script = format!("bindfs -f '{}' \"$1\" > /dev/null 2>&1 & echo $! > '{}'", source.display(), pid.display());
    let mount = [OsStr::new("sh"), OsStr::new("-c"), OsStr::new(&script), OsStr::new("sh"), dead.as_os_str()];
    let has_bindfs = Path::new("/dev/fuse").exists()
        && Command::new("bindfs").arg("--version").stdout(Stdio::null()).status().is_ok_and(|ended| ended.success());
    if !has_bindfs {
        return skip("there is no bindfs");
    }
    namespace.run(&mount);
    let is_mounted = || namespace.succeeds(&[OsStr::new("mountpoint"), OsStr::new("-q"), dead.as_os_str()]);
    wait_until("it is mounted", is_mounted);
    let signal = |name: &str| namespace.sh(&format!("kill -{name} $(cat \"$1\")"), &pid);
    signal("STOP");
    // For a second the kernel answers for it.
    thread::sleep(Duration::from_millis(1_200));
    let file = dead.join("a.jpg");
    let run = |words: &[&OsStr]| namespace.command(&instance, words).output().expect("simctl runs");
    let [all, partial, needs] = thread::scope(|scope| {
        let both = [folder.as_os_str(), dead.as_os_str()];
        let all = scope.spawn(move || run(&[OsStr::new("dupes"), OsStr::new("--format=json"), both[0], both[1]]));
        let partial =
            scope.spawn(move || run(&[OsStr::new("dupes"), OsStr::new("--partial"), OsStr::new("--format=json"), both[0], both[1]]));
        let needs = scope.spawn(|| run(&[OsStr::new("similar"), file.as_os_str()]));
        [all, partial, needs].map(|thread| thread.join().expect("no panic"))
    });
    signal("KILL");
    for (output, code, whose) in [(&all, 5, &dead), (&partial, 0, &dead), (&needs, 5, &file)] {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(&whose.display().to_string()) && said.contains("its disk does not answer"), "{said}");
    }
    for answered in [&all, &partial] {
        let answer: Value = serde_json::from_slice(&answered.stdout).expect("JSON");
        assert_eq!(names(&answer), photos::expected(&["00003"]));
    }
}

#[test]
fn a_watched_bind_mount_is_offline_once_it_is_unmounted() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let (source, root) = (instance.folder("source"), instance.folder("root"));
    let files = photos::library(&source, &["00003"]) as u64;
    let words = ["mount", "--bind"].map(OsStr::new).into_iter().chain([source.as_os_str(), root.as_os_str()]).collect::<Vec<_>>();
    namespace.run(&words);
    let before = namespace.dupes(&instance, &root);
    assert_eq!(names(&before), photos::expected(&["00003"]));
    let state = || instance.status()["roots"][0]["state"].clone();

    namespace.run(&[OsStr::new("umount"), root.as_os_str()]);
    wait_until("it is offline", || state() == "offline");
    let gone = namespace.command(&instance, &[OsStr::new("dupes"), root.as_os_str()]).output().expect("simctl runs");
    let said = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(gone.status.code() == Some(5) && said.contains("is offline"), "{said}");
    assert_eq!(instance.status()["coverage"]["offline"].as_u64(), Some(files));
    assert!(instance.status()["roots"][0]["offline"].to_string().contains("what was mounted there is not"), "{}", instance.status());

    namespace.run(&words);
    wait_until("it is online", || state() == "online");
    assert_eq!(names(&namespace.dupes(&instance, &root)), names(&before));
    assert_eq!(instance.status()["counters"]["read"].as_u64(), Some(files), "nothing is read again");
}

#[test]
fn a_disk_that_is_unplugged_and_plugged_in_elsewhere_is_known_again() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let (cover, here, disk) = (instance.folder("media"), instance.folder("first"), instance.folder("media/second"));
    // One filesystem at two mount points. A mount over the parent of one hides it.
    namespace.sh("mount -t tmpfs none \"$1\" && mkdir \"$1/DCIM\"", &disk);
    namespace.run(&["mount", "--bind"].map(OsStr::new).into_iter().chain([disk.as_os_str(), here.as_os_str()]).collect::<Vec<_>>());
    namespace.sh("mount -t tmpfs none \"$1\"", &cover);
    let unmount = |at: &Path| namespace.run(&[OsStr::new("umount"), at.as_os_str()]);
    let staging = instance.folder("staging");
    let files = photos::library(&staging, &["00003", "00009"]) as u64;
    let copy = format!("cp '{}'/* \"$1/DCIM/\"", staging.display());
    namespace.sh(&copy, &here);

    let root = here.join("DCIM");
    let before = namespace.dupes(&instance, &root);
    assert_eq!(names(&before), photos::expected(&["00003", "00009"]));

    unmount(&here);
    wait_until("the root is offline", || instance.status()["roots"][0]["state"] == "offline");
    assert_eq!(instance.status()["coverage"]["offline"].as_u64(), Some(files));
    // An empty folder at the mount point is not an empty disk.
    namespace.sh("mkdir \"$1/DCIM\"", &here);
    instance.ok(["scan"]);
    assert_eq!(instance.status()["roots"][0]["state"], "offline", "{}", instance.status());
    assert_eq!(instance.status()["coverage"]["offline"].as_u64(), Some(files));

    unmount(&cover);
    wait_until("the root is online elsewhere", || instance.status()["roots"][0]["state"] == "online");
    let moved = disk.join("DCIM");
    let after = namespace.dupes(&instance, &moved);
    assert_eq!(names(&after), names(&before));
    let status = instance.status();
    assert_eq!(array(&status["roots"]).len(), 1, "{status}");
    assert_eq!(status["roots"][0]["path"].as_str(), moved.to_str());
    assert_eq!(instance.counter("read"), files, "nothing was read again");

    // New files there appear without a scan.
    let more = instance.folder("more");
    photos::library(&more, &["00011"]);
    namespace.sh(&format!("cp '{}'/* \"$1/DCIM/\"", more.display()), &disk);
    wait_until("the new photos are in the answer", || {
        names(&namespace.dupes(&instance, &moved)) == photos::expected(&["00003", "00009", "00011"])
    });
}

#[test]
fn a_folder_at_another_path_is_not_watched_twice() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let [folder, shown] = ["photos", "shown"].map(|name| instance.folder(name));
    photos::library(&folder, &["00003"]);
    let before = namespace.dupes(&instance, &folder);
    namespace.run(&["mount", "--bind"].map(OsStr::new).into_iter().chain([folder.as_os_str(), shown.as_os_str()]).collect::<Vec<_>>());
    let asked = namespace.command(&instance, &["dupes", "--format=json"].map(OsStr::new)).arg(&shown).output().expect("runs");
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.success() && said.contains("is the same folder as") && said.contains("photos"), "{said}");
    let answer: Value = serde_json::from_slice(&asked.stdout).expect("JSON");
    assert_eq!(answer["clusters"], before["clusters"]);
    let file = |name: &str| shown.join(name).into_os_string();
    let [a, b] = [file("00003.webp"), file("00003_half.jpg")];
    namespace
        .simctl(&instance, &["decide", "different"].map(OsStr::new).into_iter().chain([a.as_os_str(), b.as_os_str()]).collect::<Vec<_>>());
    let status = instance.status();
    assert_eq!(
        (array(&status["roots"]).len(), &status["decisions"], &status["coverage"]["indexed"]),
        (1, &Value::from(1), &Value::from(5))
    );
}

/// An overlay shows the files of a folder on another device. To remove them there or in the folder may be the same.
#[test]
fn a_file_that_an_overlay_shows_again_is_not_listed() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let [folder, view, disk] = ["photos", "view", "disk"].map(|name| instance.folder(name));
    for (name, picture) in [("a.webp", "00003"), ("b.webp", "00003"), ("c.webp", "00009")] {
        fs::copy(photos::path(picture), folder.join(name)).expect("copied");
    }
    namespace.sh("mount -t tmpfs none \"$1\" && mkdir \"$1/upper\" \"$1/work\"", &disk);
    let [lower, upper] = [&folder, &disk].map(|path| path.display());
    let options = format!("lowerdir={lower},upperdir={upper}/upper,workdir={upper}/work");
    let mut mount = Command::new("nsenter");
    mount.args(&namespace.enter).args(["mount", "-t", "overlay", "none", "-o", &options]).arg(&view).stderr(Stdio::null());
    if !mount.status().is_ok_and(|ended| ended.success()) {
        return skip("this system allows no overlay in a user namespace");
    }
    let could_go = |folders: &[&Path]| {
        let words = ["dupes", "--format=paths0"].map(OsStr::new).into_iter().chain(folders.iter().map(|path| path.as_os_str()));
        let output = namespace.command(&instance, &words.collect::<Vec<_>>()).output().expect("simctl runs");
        assert!(output.status.success(), "{output:?}");
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let [listed, said] = could_go(&[&folder, &view]);
    assert!(listed.is_empty() && said.matches("may be one file at two paths").count() == 2, "{listed} {said}");
    let [listed, said] = could_go(&[&folder]);
    assert_eq!((listed.matches(".webp").count(), said.as_str()), (1, ""), "each is seen once there: {listed}");
    // What the overlay says of a file that was given another mode has a time of its own, and its bytes may still be those below.
    namespace.sh("chmod g+w \"$1\"/*.webp", &view);
    let [listed, said] = could_go(&[&folder, &view]);
    assert!(!listed.contains("a.webp") && !listed.contains("c.webp"), "{listed} {said}");
    assert!(said.contains("may be one file at two paths: overlay may show files of other filesystems"), "{said}");
}

#[test]
fn a_folder_that_was_also_shown_elsewhere_stays_watched() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let more = instance.folder("more");
    photos::library(&instance.folder("photos/a/d"), &["00003"]);
    photos::library(&more, &["00009"]);
    namespace.sh("mkdir \"$1/view\" && mount --bind \"$1/a\" \"$1/view\"", &folder);
    namespace.dupes(&instance, &folder);
    // The event of the move has one of the paths of the folder, and another folder is there after it.
    namespace.sh("mv \"$1/a/d\" \"$1/a/e\" && mkdir \"$1/a/d\"", &folder);
    namespace.dupes(&instance, &folder);
    namespace.sh("umount \"$1/view\" && rmdir \"$1/view\"", &folder);
    // What was there is away, and stays known.
    let dupes = || {
        let words = ["dupes", "--partial", "--format=json"].map(OsStr::new).into_iter().chain([folder.as_os_str()]);
        serde_json::from_str(&namespace.simctl(&instance, &words.collect::<Vec<_>>())).expect("JSON")
    };
    assert_eq!(names(&dupes()).len(), 1);
    // All is scanned once more, and then only events tell of new files.
    thread::sleep(Duration::from_secs(12));
    let last_scan = |instance: &Instance| instance.status()["roots"][0]["last_scan"].as_u64();
    let before = last_scan(&instance);
    namespace.sh(&format!("cp '{}'/* \"$1/a/d/\"", more.display()), &folder);
    wait_until("the new photos are in the answer", || names(&dupes()).len() == 2);
    assert_eq!(last_scan(&instance), before);
}

#[test]
fn a_card_that_is_taken_out_while_it_is_read_holds_nothing_up() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let [folder, card, reader, staging] = ["photos", "photos/card", "reader", "staging"].map(|name| instance.folder(name));
    for (number, name) in photos::NAMES.iter().cycle().take(40).enumerate() {
        let bytes = photos::jpeg(&photos::open(name), 95 - number as u8);
        fs::write(staging.join(format!("{number}.jpg")), bytes).expect("written");
    }
    let insert = || {
        namespace.sh(&format!("mount -t tmpfs none \"$1\" && cp -p '{}'/* \"$1/\"", staging.display()), &reader);
        namespace.run(&["mount", "--move"].map(OsStr::new).into_iter().chain([reader.as_os_str(), card.as_os_str()]).collect::<Vec<_>>());
    };
    photos::library(&folder, &["00003"]);
    namespace.dupes(&instance, &folder);
    let read = instance.counter("read");
    insert();
    wait_until("the card is being read", || instance.counter("read") > read);
    namespace.run(&[OsStr::new("umount"), OsStr::new("-l"), card.as_os_str()]);
    wait_until("nothing is to be read any more", || instance.status()["activity"] == "idle");
    let status = instance.status();
    assert_eq!((array(&status["roots"]).len(), &status["coverage"]["pending"]), (2, &0.into()), "{status}");
    let output = namespace.command(&instance, &[OsStr::new("dupes"), folder.as_os_str()]).output().expect("runs");
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    insert();
    wait_until("the whole card is read", || instance.status()["coverage"]["indexed"] == 45);
    assert_eq!(array(&instance.status()["roots"]).len(), 2, "it is the same card");
}

/// Cards have one name and the same names of files. Each is a root of its own at one path.
#[test]
fn two_cards_in_one_slot_do_not_forget_each_other() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let [slot, reader, pictures] = ["slot", "reader", "pictures"].map(|name| instance.folder(name));
    let write = |folder: &Path, name: &str, picture: &str, quality| {
        fs::write(folder.join(name), photos::jpeg(&photos::open(picture), quality)).expect("written");
    };
    let cards = [["00003", "00009"], ["00011", "00021"]].map(|pictures| {
        let card = instance.folder(pictures[0]);
        pictures.iter().zip(["IMG_1.JPG", "IMG_2.JPG"]).for_each(|(picture, name)| write(&card, name, picture, 90));
        card
    });
    write(&pictures, "of the first.jpg", "00003", 60);
    write(&pictures, "of the second.jpg", "00011", 60);
    // A card comes with its photos, and not empty.
    let insert = |card: &Path| {
        namespace.sh(&format!("mount -t tmpfs none \"$1\" && cp -p '{}'/* \"$1/\"", card.display()), &reader);
        namespace.run(&["mount", "--move"].map(OsStr::new).into_iter().chain([reader.as_os_str(), slot.as_os_str()]).collect::<Vec<_>>());
    };
    let eject = || {
        namespace.run(&[OsStr::new("umount"), slot.as_os_str()]);
        wait_until("nothing is in the slot", || roots_at(&instance, &slot).iter().all(|root| root["state"] == "offline"));
    };
    let is_in = |number: usize| {
        let roots = roots_at(&instance, &slot);
        roots.get(number).is_some_and(|root| root["state"] == "online" && root["busy"] == false && root["coverage"]["pending"] == 0)
    };
    let everywhere = || {
        let words = ["dupes", "--format=json", "--everywhere"].map(OsStr::new);
        let text = namespace.simctl(&instance, &words.into_iter().chain([pictures.as_os_str()]).collect::<Vec<_>>());
        names(&serde_json::from_str(&text).expect("JSON"))
    };
    insert(&cards[0]);
    namespace.dupes(&instance, &slot);
    eject();
    insert(&cards[1]);
    wait_until("the second card is read", || is_in(1));
    let both = [vec!["IMG_1.JPG".to_owned(), "of the first.jpg".to_owned()], vec!["IMG_1.JPG".to_owned(), "of the second.jpg".to_owned()]];
    assert_eq!(everywhere(), both);
    let decoded = instance.counter("decoded");
    for number in [0, 1, 0] {
        eject();
        insert(&cards[number]);
        wait_until("the card is known", || is_in(number));
        assert_eq!(everywhere(), both);
    }
    assert_eq!(roots_at(&instance, &slot).len(), 2, "{}", instance.status());
    assert_eq!(instance.counter("decoded"), decoded, "nothing is decoded again");
    // An answer about the slot says that a card is away.
    let asked = namespace.command(&instance, &[OsStr::new("dupes"), slot.as_os_str()]).output().expect("runs");
    assert_eq!(asked.status.code(), Some(5), "{}", String::from_utf8_lossy(&asked.stderr));
    instance.ok([OsStr::new("roots"), OsStr::new("remove"), slot.as_os_str()]);
    assert_eq!(roots_at(&instance, &slot), Vec::<Value>::new());
}

/// The kernel numbers XFS by its device, as it does FAT: both disks are on the first loop device.
#[test]
fn two_disks_with_the_number_of_one_device_do_not_forget_each_other() {
    let Some(namespace) = Namespace::of_root() else { return };
    let instance = Instance::new();
    let [point, staging, images] = ["disk", "staging", "images"].map(|name| instance.folder(name));
    let mount = |image: &Path, at: &Path| {
        namespace.succeeds(&["mount".as_ref(), "-o".as_ref(), "loop".as_ref(), image.as_os_str(), at.as_os_str()])
    };
    let unmount = |at: &Path| namespace.run(&["umount".as_ref(), at.as_os_str()]);
    let disks = [["00003", "00009"], ["00011", "00021"]].map(|pictures| (images.join(pictures[0]), pictures));
    for (image, pictures) in &disks {
        fs::File::create(image).and_then(|file| file.set_len(320 << 20)).expect("a sparse file");
        match Command::new("mkfs.xfs").arg("-q").arg(image).status() {
            Ok(made) => assert!(made.success(), "{made}"),
            Err(_) => return skip("there is no mkfs.xfs"),
        }
        if !mount(image, &staging) {
            return skip("this system mounts no images of XFS");
        }
        let [a, b] = pictures.map(photos::path);
        let copy = format!("cp '{}' '{}' \"$1\"", a.display(), b.display());
        namespace.sh(&copy, &staging);
        unmount(&staging);
    }
    let insert = |number: usize| assert!(mount(&disks[number].0, &point));
    let eject = || {
        unmount(&point);
        wait_until("no disk is there", || roots_at(&instance, &point).iter().all(|root| root["state"] == "offline"));
    };
    let is_in = |number: usize| {
        let roots = roots_at(&instance, &point);
        roots.get(number).is_some_and(|root| root["state"] == "online" && root["busy"] == false && root["coverage"]["indexed"] == 2)
    };
    insert(0);
    namespace.dupes(&instance, &point);
    assert!(is_in(0), "{}", instance.status());
    eject();
    insert(1);
    wait_until("the second disk is read", || is_in(1));
    let first = &roots_at(&instance, &point)[0];
    assert_eq!((&first["state"], &first["coverage"]["offline"]), (&"offline".into(), &2.into()), "{first}");
    let decoded = instance.counter("decoded");
    for number in [0, 1] {
        eject();
        insert(number);
        wait_until("the disk is known", || is_in(number));
    }
    assert_eq!(roots_at(&instance, &point).len(), 2, "{}", instance.status());
    assert_eq!(instance.counter("decoded"), decoded, "nothing is decoded again");
    unmount(&point);
}

/// The state of the roots at a path, in the order in which they were added.
fn roots_at(instance: &Instance, path: &Path) -> Vec<Value> {
    array(&instance.status()["roots"]).iter().filter(|root| root["path"].as_str() == path.to_str()).cloned().collect()
}

#[test]
fn a_limit_on_watches_is_said_and_scans_take_over() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let folder = instance.folder("photos");
    for number in 0..10 {
        fs::create_dir(folder.join(format!("day{number}"))).expect("made");
    }
    photos::library(&folder, &["00003"]);
    namespace.sh("echo 3 > /proc/sys/user/max_inotify_watches", &folder);
    assert_eq!(names(&namespace.dupes(&instance, &folder)), photos::expected(&["00003"]));
    let root = &instance.status()["roots"][0];
    assert!(root["unwatched"].is_string(), "{root}");
    assert!(root["times_lost"].as_u64().is_some_and(|times| times < 3), "{root}");
    assert!(root["scanned_every"].as_u64().is_some_and(|seconds| seconds <= 1800), "{root}");
    photos::library(&folder.join("day7"), &["00009"]);
    instance.ok(["scan"]);
    assert_eq!(names(&namespace.dupes(&instance, &folder)), photos::expected(&["00003", "00009"]));
}

#[test]
fn what_is_mounted_in_a_folder_and_is_not_watched_is_looked_at_before_an_answer() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let (folder, disk, staging) = (instance.folder("photos"), instance.folder("photos/disk"), instance.folder("staging"));
    namespace.sh("mount -t tmpfs none \"$1\" && cd \"$1\" && mkdir $(seq 30)", &disk);
    photos::library(&folder, &["00003"]);
    namespace.sh("echo 6 > /proc/sys/user/max_inotify_watches", &folder);
    assert_eq!(names(&namespace.dupes(&instance, &folder)), photos::expected(&["00003"]));
    let unwatched = |path: &Path| roots_at(&instance, path)[0]["unwatched"].clone();
    let why = unwatched(&disk).as_str().expect("the limit").to_owned();
    assert_eq!(unwatched(&folder), format!("disk: {why}"), "of the folder that it is mounted in, too");
    for (name, day) in [("00009", 7), ("00011", 21)] {
        fs::create_dir(staging.join(name)).expect("made");
        photos::library(&staging.join(name), &[name]);
        namespace.sh(&format!("cp '{}'/* \"$1/{day}\"", staging.join(name).display()), &disk);
    }
    let answer = namespace.dupes(&instance, &folder);
    assert_eq!((names(&answer), &answer["whole"]), (photos::expected(&["00003", "00009", "00011"]), &true.into()));
}

#[test]
fn the_first_question_waits_for_what_is_mounted_in_its_folder() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let (folder, disk, staging) = (instance.folder("photos"), instance.folder("photos/disk"), instance.folder("staging"));
    namespace.sh("mount -t tmpfs none \"$1\"", &disk);
    photos::library(&staging, &["00003"]);
    namespace.sh(&format!("cp '{}'/* \"$1\"", staging.display()), &disk);
    let answer = namespace.dupes(&instance, &folder);
    assert_eq!((names(&answer), &answer["whole"]), (photos::expected(&["00003"]), &true.into()));
}

#[test]
fn a_disk_that_was_away_while_the_index_was_damaged_is_known_again() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let here = instance.folder("here");
    namespace.sh("mount -t tmpfs none \"$1\"", &here);
    // A second mount point is hidden below another mount, for later.
    let safe = instance.folder("safe/inner");
    namespace.run(&["mount".as_ref(), "--bind".as_ref(), here.as_os_str(), safe.as_os_str()]);
    let cover = safe.parent().expect("a folder").to_owned();
    namespace.sh("mount -t tmpfs none \"$1\"", &cover);
    let staging = instance.folder("staging");
    photos::library(&staging, &["00003"]);
    namespace.sh(&format!("cp '{}'/* \"$1\"", staging.display()), &here);
    let before = names(&namespace.dupes(&instance, &here));
    instance.stop();
    namespace.run(&["umount".as_ref(), here.as_os_str()]);
    fs::write(instance.data_dir().join("index.db"), [b"no database at all".as_slice(); 400].concat()).expect("written");
    assert!(namespace.simctl(&instance, &["decisions".as_ref(), "export".as_ref()]).is_empty());
    wait_until("it is offline", || instance.status()["roots"][0]["state"] == "offline");
    namespace.run(&["umount".as_ref(), cover.as_os_str()]);
    wait_until("it is known at another place", || instance.status()["roots"][0]["path"].as_str() == safe.to_str());
    assert_eq!(names(&namespace.dupes(&instance, &safe)), before);
}

#[test]
fn folders_in_folders_are_one() {
    let instance = Instance::new();
    let outer = instance.folder("q");
    let (hidden, inner) = (instance.folder("q/.exports"), instance.folder("q/.exports/web"));
    fs::copy(photos::path("00003"), inner.join("only.webp")).expect("copied");
    for folder in [&outer, &inner, &hidden] {
        assert!(names(&instance.dupes(folder)).is_empty());
    }
    assert_eq!(array(&instance.status()["roots"]).len(), 2, "what is hidden in one is another");
    let everywhere = instance.ok(["dupes".as_ref(), "--everywhere".as_ref(), "--format=paths0".as_ref(), hidden.as_os_str()]);
    assert_eq!(everywhere, "", "a file is listed as its own copy");
    let left_out = instance.folder("q/.thumbnails");
    fs::copy(photos::path("00009"), left_out.join("small.webp")).expect("copied");
    instance.ok(["scan".as_ref(), left_out.as_os_str()]);
    assert_eq!(instance.status()["coverage"]["indexed"], 1);
}

#[test]
fn events_that_overflow_the_queue_lose_nothing() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let queue: usize =
        fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").ok().and_then(|n| n.trim().parse().ok()).unwrap_or(16384);
    let signal =
        |name: &str| assert!(Command::new("kill").args([name, &instance.pid().to_string()]).status().expect("kill runs").success());
    let pid = instance.pid().to_string();
    signal("-STOP");
    // Three events each: made, closed, removed.
    for number in 0..queue / 3 + 100 {
        let path = folder.join(format!("{number}.jpg"));
        fs::write(&path, b"").expect("written");
        fs::remove_file(path).expect("removed");
    }
    let deep = folder.join("a/b");
    fs::create_dir_all(&deep).expect("made");
    photos::library(&deep, &["00009"]);
    assert!(Command::new("kill").args(["-CONT", &pid]).status().expect("kill runs").success());
    let now = || names(&instance.json([OsStr::new("dupes"), OsStr::new("--no-wait"), OsStr::new("--format=json"), folder.as_os_str()]));
    wait_until("what happened in the meantime is in the answer", || now() == photos::expected(&["00003", "00009"]));
    photos::library(&deep, &["00011"]);
    wait_until("and what happens next", || now() == photos::expected(&["00003", "00009", "00011"]));
}

#[test]
fn most_of_a_folder_gone_at_once_is_a_question() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let content = fs::read(photos::path("00003")).expect("a photo");
    let file = |number: usize| folder.join(format!("{number}.webp"));
    (0..80).for_each(|number| fs::write(file(number), &content).expect("written"));
    let coverage = |answer: &Value| answer["coverage"]["indexed"].as_u64();
    assert_eq!(coverage(&instance.dupes(&folder)), Some(80));

    // Moving all files forgets none.
    let moved = folder.join("moved");
    fs::create_dir(&moved).expect("made");
    (0..80).for_each(|number| fs::rename(file(number), moved.join(format!("{number}.webp"))).expect("moved"));
    let all_moved = |answer: &Value| {
        array(&answer["clusters"][0]["photos"][0]["paths"]).iter().all(|p| p.as_str().is_some_and(|p| Path::new(p).starts_with(&moved)))
    };
    wait_until("all files are at their new place", || all_moved(&instance.dupes(&folder)));

    // Without a daemon, because events would report every file.
    instance.kill();
    fs::remove_dir_all(&moved).expect("removed");
    assert_eq!(coverage(&instance.dupes(&folder)), Some(80), "they are kept");
    assert_eq!(instance.status()["roots"][0]["missing"].as_u64(), Some(80));
    assert!(instance.status()["problems"][0]["message"].as_str().is_some_and(|p| p.contains("scan --forget")));
    fs::create_dir(&moved).expect("made");
    instance.ok([OsStr::new("scan"), OsStr::new("--forget"), moved.as_os_str()]);
    assert_eq!(coverage(&instance.dupes(&folder)), Some(0));
    wait_until("nothing is missing", || instance.status()["roots"][0]["missing"].as_u64() == Some(0));
}

#[test]
fn a_photo_that_is_gone_with_all_its_names_is_missed() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    let twins = instance.folder("photos/twins");
    let photo = photos::open("00003");
    for number in 0..60 {
        let name = format!("{number}.jpg");
        fs::write(folder.join(&name), photos::jpeg(&photos::crop(&photo, 0.5 + 0.005 * number as f32), 90)).expect("written");
        fs::hard_link(folder.join(&name), twins.join(&name)).expect("linked");
    }
    assert_eq!(instance.dupes(&folder)["coverage"]["indexed"], 120);
    instance.kill();
    fs::remove_dir_all(&twins).expect("removed");
    assert_eq!(instance.dupes(&folder)["coverage"]["indexed"], 60, "every photo is still there");
    instance.kill();
    for number in 0..60 {
        fs::create_dir_all(&twins).expect("made");
        fs::rename(folder.join(format!("{number}.jpg")), twins.join(format!("{number}.jpg"))).expect("moved");
    }
    assert_eq!(instance.dupes(&folder)["coverage"]["indexed"], 60, "and there, under other names");
    (0..60).for_each(|n| fs::hard_link(twins.join(format!("{n}.jpg")), folder.join(format!("{n}.jpg"))).expect("linked"));
    wait_until("both names are known", || instance.dupes(&folder)["coverage"]["indexed"] == 120);
    instance.kill();
    for number in 0..60 {
        fs::remove_file(folder.join(format!("{number}.jpg"))).expect("removed");
        fs::remove_file(twins.join(format!("{number}.jpg"))).expect("removed");
    }
    assert_eq!(instance.dupes(&folder)["coverage"]["indexed"], 120, "neither name is where the other went");
    assert_eq!(instance.status()["roots"][0]["missing"].as_u64(), Some(120));
}

/// A filesystem whose server never answers.
struct DeadMount(Child);

impl DeadMount {
    fn over(namespace: &Namespace, folder: &Path) -> Option<DeadMount> {
        let script = "exec 3<>/dev/fuse && mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 dead \"$1\" && exec sleep 600";
        let mut command = Command::new("nsenter");
        command.args(&namespace.enter).args(["sh", "-c", script, "sh"]).arg(folder).stdin(Stdio::null()).stderr(Stdio::null());
        let mut server = command.process_group(0).spawn().expect("nsenter runs");
        for _ in 0..100 {
            thread::sleep(Duration::from_millis(20));
            let mounts = fs::read_to_string(format!("/proc/{}/mounts", namespace.keeper.id())).unwrap_or_default();
            if mounts.lines().any(|line| line.starts_with("dead ")) {
                return Some(DeadMount(server));
            }
            if server.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
        }
        let _ = server.kill();
        skip("this system has no FUSE for namespaces");
        None
    }
}

impl Drop for DeadMount {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_disk_that_does_not_answer_holds_up_no_other_even_in_one_folder() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let (folder, disk) = (instance.folder("photos"), instance.folder("photos/server"));
    namespace.sh("mount -t tmpfs none \"$1\"", &disk);
    let staging = instance.folder("staging");
    let files = photos::library(&staging, &["00003"]) as u64;
    namespace.sh(&format!("cp '{}'/* \"$1\"", staging.display()), &disk);
    photos::library(&folder, &["00009"]);
    assert_eq!(names(&namespace.dupes(&instance, &folder)), photos::expected(&["00003", "00009"]));
    let read = instance.counter("read");

    let Some(dead) = DeadMount::over(&namespace, &disk) else { return };
    // Meanwhile the thread of the disk still waits for it.
    photos::library(&folder, &["00011"]);
    let words = ["dupes", "--format=json", "--partial"].map(OsStr::new).into_iter().chain([folder.as_os_str()]).collect::<Vec<_>>();
    let partial = || names(&serde_json::from_str(&namespace.simctl(&instance, &words)).expect("JSON"));
    wait_until("new photos elsewhere are in the answer", || partial() == photos::expected(&["00003", "00009", "00011"]));
    let root = |status: &Value| array(&status["roots"]).iter().find(|r| r["path"].as_str() == disk.to_str()).cloned().expect("a root");
    wait_until("the silent one is offline", || root(&instance.status())["state"] == "offline");
    let why = root(&instance.status())["offline"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains("does not answer"), "{why}");
    assert_eq!(instance.status()["coverage"]["offline"].as_u64(), Some(files));

    drop(dead);
    // Lazily: a thread of the daemon may still be in it.
    namespace.sh("umount -l \"$1\"", &disk);
    wait_until("it is back", || root(&instance.status())["state"] == "online");
    assert_eq!(names(&namespace.dupes(&instance, &folder)), photos::expected(&["00003", "00009", "00011"]));
    let again = instance.counter("read") - read;
    assert_eq!(again, photos::expected(&["00011"])[0].len() as u64, "nothing but the new photos was read");
}

#[test]
fn a_link_to_a_disk_that_does_not_answer_holds_nothing_up() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let (folder, server) = (instance.folder("photos"), instance.folder("server"));
    photos::library(&folder, &["00003"]);
    symlink("../server", folder.join("nas")).expect("linked");
    symlink("nas/in/..", folder.join("by way of a link")).expect("linked");
    let Some(_dead) = DeadMount::over(&namespace, &server) else { return };
    let answer = namespace.dupes(&instance, &folder);
    assert_eq!((names(&answer), &answer["whole"]), (photos::expected(&["00003"]), &true.into()));
    assert_eq!(answer["left_out"]["linked_others"], 2, "{answer}");
}

/// A disk that loses bytes changes no time.
#[test]
fn a_copy_stays_if_the_disk_of_the_other_file_lost_bytes() {
    let instance = Instance::new();
    let (folder, archive) = (instance.folder("photos"), instance.folder("photos/archive"));
    let image = instance.folder("disks").join("disk.img");
    let sh = |script: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(&image).arg(&archive).stdout(Stdio::null()).stderr(Stdio::null());
        shell.status().is_ok_and(|s| s.success())
    };
    if !sh("truncate -s 8M \"$1\" && mkfs.ext4 -q \"$1\" && mount -o loop \"$1\" \"$2\"") {
        return skip("this user may not mount disk images");
    }
    let unmount = || wait_until("it is unmounted", || sh("umount \"$2\""));
    let photo = photos::jpeg(&photos::open("00003"), 90);
    // The older one stays.
    for (path, age) in [(archive.join("a.jpg"), 2000), (folder.join("a.jpg"), 1000)] {
        fs::write(&path, &photo).expect("written");
        let file = fs::File::options().write(true).open(&path).expect("opens");
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("set");
    }
    let could_go = || {
        let output = instance.run(["dupes".as_ref(), "--format=paths0".as_ref(), folder.as_os_str()]);
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    assert_eq!(could_go(), [format!("{}\0", folder.join("a.jpg").display()), String::new()]);
    unmount();
    let away = || instance.status()["coverage"]["offline"].as_u64();
    wait_until("it is noticed", || away() == Some(1));
    let mut bytes = fs::read(&image).expect("read");
    let lost = &photo[4096..4096 + 64];
    let at = bytes.windows(lost.len()).position(|part| part == lost).expect("the photo is in it");
    bytes[at..at + lost.len()].fill(0);
    fs::write(&image, bytes).expect("written");
    assert!(sh("mount -o loop \"$1\" \"$2\""));
    wait_until("it is noticed", || away() == Some(0));
    let [listed, said] = could_go();
    instance.stop();
    unmount();
    assert!(
        listed.is_empty() && said.contains("archive/a.jpg, which would stay, has other bytes than when it was read"),
        "{listed} {said}"
    );
}

#[test]
fn a_disk_inside_a_watched_folder_takes_no_photos_along() {
    let instance = Instance::new();
    let (folder, archive) = (instance.folder("photos"), instance.folder("photos/archive"));
    let image = instance.folder("disks").join("disk.img");
    let sh = |script: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(&image).arg(&archive).stdout(Stdio::null()).stderr(Stdio::null());
        shell.status().is_ok_and(|s| s.success())
    };
    if !sh("truncate -s 8M \"$1\" && mkfs.ext4 -q \"$1\" && mount -o loop \"$1\" \"$2\"") {
        return skip("this user may not mount disk images");
    }
    let unmount = || wait_until("it is unmounted", || sh("umount \"$2\""));
    photos::library(&folder, &["00003"]);
    let files = photos::library(&archive, &["00009"]) as u64;
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003", "00009"]));
    unmount();
    let away = || instance.status()["coverage"]["offline"].as_u64();
    wait_until("it is noticed", || away() == Some(files));
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003", "00009"]), "its photos stay");
    // The only online file of a photo must not be listed while the others are offline.
    fs::copy(photos::path("00009"), folder.join("only.webp")).expect("copied");
    let answer = instance.dupes(&folder);
    let text = instance.ok(["dupes".as_ref(), "--partial".as_ref(), folder.as_os_str()]);
    assert_eq!(text.matches("(offline)").count() as u64, files, "{text}");
    assert_eq!(array(&answer["clusters"]).len(), 2);
    let place =
        |answer: &Value, path: &Path| array(&answer["places"]).iter().find(|place| place["path"].as_str() == path.to_str()).cloned();
    assert_eq!(answer["whole"], false);
    assert_eq!(place(&answer, &archive).map(|place| place["reason"].clone()), Some("offline".into()), "{answer}");
    assert_eq!(place(&answer, &folder).map(|place| place["whole"].clone()), Some(true.into()), "{answer}");
    let spare = instance.run(["dupes".as_ref(), "--format=paths0".as_ref(), folder.as_os_str()]);
    assert!(spare.status.code() == Some(5) && spare.stdout.is_empty(), "an incomplete answer lists nothing");
    assert!(String::from_utf8_lossy(&spare.stderr).contains(&format!("it is offline; {files} files")), "{spare:?}");
    let all = "--relation=identical,unknown".as_ref();
    let spare = instance.ok(["dupes".as_ref(), "--format=paths0".as_ref(), "--partial".as_ref(), all, folder.as_os_str()]);
    assert!(!spare.contains("only.webp") && !spare.contains("archive"), "{spare}");
    fs::remove_file(folder.join("only.webp")).expect("removed");
    let known = |answer: &Value| ["indexed", "offline"].map(|figure| answer["coverage"][figure].as_u64().expect("a number"));
    wait_until("it is gone", || known(&instance.dupes(&folder)) == [files, files]);
    let listed = instance.ok(["roots", "list"]);
    assert!(listed.contains("it is not mounted") && listed.contains(&format!("mounted in {}", folder.display())), "{listed}");
    let read = instance.counter("read");
    assert!(sh("mount -o loop \"$1\" \"$2\""));
    wait_until("it is noticed", || away() == Some(0));
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003", "00009"]));
    assert_eq!(instance.counter("read"), read);
    fs::remove_file(archive.join("00009_low.jpg")).expect("removed");
    instance.ok(["scan"]);
    assert_eq!(instance.dupes(&folder)["coverage"]["indexed"].as_u64(), Some(2 * files - 1), "what is deleted on it is gone");
    instance.stop();
    unmount();
}

#[test]
fn mounts_below_a_root_are_noticed_and_what_they_hide_is_not_gone() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let (folder, card) = (instance.folder("photos"), instance.folder("photos/card"));
    let staging = instance.folder("staging");
    photos::library(&folder, &["00003"]);
    let files = photos::library(&staging, &["00009"]) as u64;
    let fill = format!("cp '{}'/* \"$1\"", staging.display());
    let now = || names(&namespace.dupes(&instance, &folder));
    let away = || instance.status()["coverage"]["offline"].as_u64();
    assert_eq!(now(), photos::expected(&["00003"]));
    namespace.sh(&format!("mount -t tmpfs none \"$1\" && {fill}"), &card);
    wait_until("a card that is mounted is read", || now() == photos::expected(&["00003", "00009"]));
    namespace.sh("mount -t tmpfs none \"$1\"", &card);
    wait_until("what another card hides is away", || away() == Some(files));
    // Files that are written to the card on top are watched.
    namespace.sh(&format!("cp '{}' \"$1\"/top.webp", photos::path("00003").display()), &card);
    let words = ["dupes", "--format=json", "--partial"].map(OsStr::new).into_iter().chain([folder.as_os_str()]).collect::<Vec<_>>();
    wait_until("and that card is read", || namespace.simctl(&instance, &words).contains("top.webp"));
    let read = instance.counter("read");
    namespace.sh("umount -l \"$1\"", &card);
    wait_until("the first card is back", || away() == Some(1));
    namespace.sh("umount -l \"$1\"", &card);
    wait_until("both are away", || away() == Some(files + 1));
    assert_eq!(instance.counter("read"), read, "what was hidden is not read again");
}

/// Cards of one name that are mounted inside a watched folder, as in `/media/me`. Nobody asked for each.
#[test]
fn cards_in_one_slot_of_a_watched_folder_do_not_forget_each_other() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let [media, slot, other] = ["media", "media/NO NAME", "media/NO NAME1"].map(|name| instance.folder(name));
    let write = |folder: &Path, name: &str, picture: &str, quality| {
        fs::write(folder.join(name), photos::jpeg(&photos::open(picture), quality)).expect("written");
    };
    // A card that is not in a slot is mounted elsewhere.
    let cards = ["00003", "00009"].map(|picture| {
        let (photos, card) = (instance.folder(picture), instance.folder(&format!("card {picture}")));
        ["IMG_1.JPG", "IMG_2.JPG"].iter().zip([90, 60]).for_each(|(name, quality)| write(&photos, name, picture, quality));
        namespace.sh(&format!("mount -t tmpfs none \"$1\" && cp -p '{}'/* \"$1/\"", photos.display()), &card);
        card
    });
    let insert = |card: &Path, slot: &Path| {
        namespace.run(&["mount", "--bind"].map(OsStr::new).into_iter().chain([card.as_os_str(), slot.as_os_str()]).collect::<Vec<_>>());
    };
    let eject = |slot: &Path| namespace.run(&[OsStr::new("umount"), slot.as_os_str()]);
    let roots = || -> Vec<(String, String)> {
        let text = |root: &Value, key: &str| root[key].as_str().unwrap_or_default().to_owned();
        array(&instance.status()["roots"]).iter().map(|root| (text(root, "path"), text(root, "state"))).collect()
    };
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let known = || ["indexed", "offline"].map(|figure| instance.status()["coverage"][figure].as_u64().expect("a number"));
    let answer = || {
        let words = ["dupes", "--format=json", "--partial"].map(OsStr::new);
        let text = namespace.simctl(&instance, &words.into_iter().chain([media.as_os_str()]).collect::<Vec<_>>());
        serde_json::from_str::<Value>(&text).expect("JSON")
    };
    let both = [vec!["IMG_1.JPG".to_owned(), "IMG_2.JPG".to_owned()], vec!["IMG_1.JPG".to_owned(), "IMG_2.JPG".to_owned()]];
    namespace.dupes(&instance, &media);
    insert(&cards[0], &slot);
    wait_until("the first card is read", || known() == [2, 0]);
    eject(&slot);
    wait_until("it is away", || known() == [0, 2]);
    insert(&cards[1], &slot);
    wait_until("the second card is read, and the first is known", || known() == [2, 2]);
    assert_eq!(names(&answer()), both);
    let decoded = instance.counter("decoded");
    for card in [0, 1] {
        eject(&slot);
        wait_until("both are away", || known() == [0, 4]);
        insert(&cards[card], &slot);
        wait_until("one is back", || known() == [2, 2]);
        assert_eq!(names(&answer()), both);
    }
    // Both at once: the first gets another name, as desktops do.
    insert(&cards[0], &other);
    wait_until("both are there", || known() == [4, 0]);
    assert_eq!(answer()["whole"], true);
    assert_eq!(instance.counter("decoded"), decoded, "nothing is decoded again");
    let online = |path: String| (path, "online".to_owned());
    assert_eq!(
        roots().iter().filter(|(_, state)| state == "online").cloned().collect::<Vec<_>>(),
        [&media, &slot, &other].map(|at| online(path(at)))
    );
    // A card cannot be removed while it is there. It goes with the folder that it is in.
    let refused =
        namespace.command(&instance, &["roots", "remove"].map(OsStr::new).into_iter().chain([slot.as_os_str()]).collect::<Vec<_>>());
    let said = { refused }.output().expect("runs");
    assert!(!said.status.success() && String::from_utf8_lossy(&said.stderr).contains("is mounted in"), "{said:?}");
    instance.ok([OsStr::new("roots"), OsStr::new("remove"), media.as_os_str()]);
    assert_eq!(roots(), []);
}

/// A daemon that does not see a mount, or sees what it hides, does not answer requests about it.
#[test]
fn a_place_that_the_daemon_sees_otherwise_is_not_answered() {
    let Some(namespace) = Namespace::new() else { return };
    let instance = Instance::new();
    let (pictures, card) = (instance.folder("Pictures"), instance.folder("card"));
    photos::library(&pictures, &["00003"]);
    photos::library(&card, &["00009"]);
    // The daemon starts outside the namespace, and the commands run inside.
    instance.dupes(&pictures);
    let ask = |words: &[&OsStr]| {
        let inner = instance.command();
        let mut command = Command::new("nsenter");
        command.args(&namespace.enter).arg(inner.get_program()).args(words).env_clear();
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
        let output = command.output().expect("simctl runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let dupes = OsStr::new("dupes");
    assert_eq!(ask(&[dupes, pictures.as_os_str()]).0, Some(0), "what both see is answered");
    assert_eq!(ask(&[dupes, pictures.as_os_str(), pictures.as_os_str()]).0, Some(0), "also when it is named twice");
    namespace.sh("mount -t tmpfs none \"$1\"", &card);
    namespace.sh("cp \"$(dirname \"$1\")\"/Pictures/* \"$1\"", &card);
    let format = OsStr::new("--format=paths0");
    let everywhere = OsStr::new("--everywhere");
    let refused = |words: &[&OsStr]| {
        let (code, out, said) = ask(words);
        assert_eq!((code, out.as_str()), (Some(5), ""), "{words:?}: {said}");
        let lines: Vec<&str> = said.lines().collect();
        assert!(matches!(lines[..], [line] if line.contains("card") && line.contains("simctl restart")), "{words:?}: {said}");
    };
    let file = fs::read_dir(&pictures).expect("there").flatten().next().expect("a photo").file_name();
    refused(&[dupes, card.as_os_str()]);
    let [on_card, in_pictures] = [&card, &pictures].map(|folder| folder.join(&file));
    refused(&[dupes, on_card.as_os_str()]);
    refused(&[dupes, everywhere, card.as_os_str()]);
    refused(&[dupes, format, everywhere, card.as_os_str()]);
    refused(&[OsStr::new("pairs"), card.as_os_str()]);
    refused(&[OsStr::new("scan"), card.as_os_str()]);
    refused(&[OsStr::new("roots"), OsStr::new("add"), card.as_os_str()]);
    refused(&[OsStr::new("failures"), card.as_os_str()]);
    refused(&[OsStr::new("decide"), OsStr::new("same"), on_card.as_os_str(), in_pictures.as_os_str()]);
    // The other path is answered, and the answer is incomplete. `paths0` then lists nothing.
    let (code, out, said) = ask(&[dupes, card.as_os_str(), pictures.as_os_str()]);
    assert!(code == Some(5) && out.contains("Pictures") && said.lines().count() == 1, "{out}{said}");
    assert_eq!(ask(&[dupes, format, card.as_os_str(), pictures.as_os_str()]).1, "");
    // With a mount below the path, the daemon sees the photos that the mount hides. It must not answer with them.
    let below = fs::canonicalize(instance.folder("Pictures/below")).expect("there");
    fs::copy(photos::path("00011"), below.join("a.webp")).expect("copied");
    fs::copy(photos::path("00011"), below.join("b.webp")).expect("copied");
    namespace.sh("mount -t tmpfs none \"$1\"", &below);
    let (code, out, said) = ask(&[dupes, pictures.as_os_str()]);
    assert!(code == Some(5) && out.is_empty() && said.contains("does not see what is mounted at") && said.contains("below"), "{out}{said}");
    // `--everywhere` is about every root.
    let (code, out, said) = ask(&[dupes, everywhere, instance.folder("none").as_os_str()]);
    assert!(code == Some(5) && out.is_empty() && said.contains("Pictures"), "{out}{said}");
    // Outside the namespace everything is answered as before.
    assert_eq!(instance.run(["dupes".as_ref(), pictures.as_os_str()]).status.code(), Some(0));
}
