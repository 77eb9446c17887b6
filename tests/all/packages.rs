//! Man pages, completions and the Debian package.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::photos;
use crate::support::{Instance, names, skip};

const SIMCTL: &str = env!("CARGO_BIN_EXE_simctl");

fn source() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The paths of all files and links below a folder, relative to it, sorted.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    let mut found: Vec<String> = found.iter().map(|p| p.strip_prefix(folder).expect("below").display().to_string()).collect();
    found.sort();
    found
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn setup_writes_where_shells_and_man_look_and_takes_it_away() {
    let instance = Instance::new();
    let home = instance.folder(".");
    let bin = instance.folder("bin");
    let program = bin.join("simctl");
    fs::copy(SIMCTL, &program).expect("copied");
    let setup = |arguments: &[&str]| {
        let output = instance.command_of(program.to_str().expect("text")).arg("setup").args(arguments).output().expect("runs");
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    let said = setup(&[]);
    let share = home.join(".local/share");
    let written = files(&share);
    for expected in [
        "bash-completion/completions/simctl",
        "zsh/site-functions/_simctl",
        "fish/vendor_completions.d/simctl.fish",
        "nushell/vendor/autoload/simctl.nu",
    ] {
        assert!(written.iter().any(|f| f == expected) && said.contains(expected), "{expected}: {written:?}\n{said}");
    }
    for page in ["simctl", "similard", "simctl-dupes", "simctl-service", "simctl-setup"] {
        assert!(share.join(format!("man/man1/{page}.1")).exists(), "{page}");
    }
    assert!(said.contains("man -M"), "~/.local/bin is not in PATH: {said}");
    assert_eq!(fs::read_link(bin.join("similard")).expect("a link"), Path::new("simctl"));
    setup(&["--remove"]);
    assert_eq!(files(&share), Vec::<String>::new());
    assert_eq!(files(&bin), ["simctl"]);
    // Another program of that name stays.
    fs::write(bin.join("similard"), "mine").expect("written");
    assert!(setup(&[]).contains("cannot be made"));
    setup(&["--remove"]);
    assert_eq!(fs::read_to_string(bin.join("similard")).expect("there"), "mine");
    // For a packager: there is no home directory, and settings that cannot be read do not matter.
    let prefix = instance.folder("prefix");
    instance.configure("nonsense");
    let mut command = Command::new(SIMCTL);
    let output = command.arg("setup").arg("--prefix").arg(&prefix).env_clear().output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(files(&prefix.join("share")), written);
    let output = instance.run(["setup", "--prefix", "/dev/null"]);
    assert!(output.status.code() == Some(2) && String::from_utf8_lossy(&output.stderr).contains("--prefix"), "{output:?}");
}

#[test]
fn man_pages_are_printed_and_render_without_a_warning() {
    let instance = Instance::new();
    assert!(instance.ok(["man", "dupes"]).contains("simctl dupes"));
    assert_eq!(instance.run(["man", "duped"]).status.code(), Some(2));
    let pages = instance.folder("pages");
    instance.ok([OsStr::new("setup"), OsStr::new("--prefix"), pages.as_os_str()]);
    let pages: Vec<PathBuf> = fs::read_dir(pages.join("share/man/man1")).expect("pages").flatten().map(|e| e.path()).collect();
    assert!(pages.len() > 20, "{pages:?}");
    if !has("groff") {
        return skip("there is no groff");
    }
    for page in pages {
        let output = Command::new("groff").args(["-man", "-Kutf8", "-Tutf8", "-ww", "-P-cbou"]).arg(&page).output().expect("runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{}: {}", page.display(), String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(["NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"].iter().all(|heading| text.contains(heading)), "{text}");
    }
}

#[test]
fn the_man_page_names_every_variable() {
    let page = Instance::new().ok(["man"]).replace("\\-", "-");
    let mut sources = vec![source().join("src")];
    let mut variables = 0;
    while let Some(path) = sources.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder").flatten().map(|e| e.path());
            sources.extend(entries.filter(|path| path.file_name() != Some(OsStr::new("tests"))));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for rest in code.split("\"SIMILARD_").skip(1) {
            let name = rest.split('"').next().unwrap_or_default();
            assert!(page.contains(&format!("SIMILARD_{name}")), "{name} of {}", path.display());
            variables += 1;
        }
    }
    assert!(variables >= 4);
}

#[test]
fn bash_completes_commands_options_and_values() {
    let instance = Instance::new();
    let script = instance.folder("completions").join("simctl");
    fs::write(&script, instance.ok(["completions", "bash"])).expect("written");
    let complete = |words: &[&str]| {
        let text = format!(
            ". '{}'; COMP_WORDS=({}); COMP_CWORD={}; _simctl simctl \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.join(" "),
            words.len() - 1
        );
        let output = Command::new("bash").args(["-c", &text]).current_dir(source()).output().expect("bash runs");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["simctl", "du"]), ["dupes"]);
    assert_eq!(complete(&["simctl", "dupes", "--thr"]), ["--threshold"]);
    assert_eq!(complete(&["simctl", "dupes", "--format", "p"]), ["paths0"]);
    // Bash completes files itself where the script has no suggestion.
    assert_eq!(complete(&["simctl", "compare", "READ"]), [""]);
    assert!(fs::read_to_string(&script).is_ok_and(|text| text.contains("-o default simctl")));
    assert!(complete(&["simctl", "roots", "''"]).contains(&"add".to_owned()));
}

#[test]
fn bash_completes_heads_and_roots_by_name() {
    let instance = Instance::new();
    let folder = instance.folder("my $(touch ran) photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    let home = instance.folder("completions");
    let script = home.join("simctl");
    fs::write(&script, instance.ok(["completions", "bash"])).expect("written");
    let programs = Path::new(SIMCTL).parent().expect("a folder").display();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap_or_default());
    let complete = |words: &str| {
        let text = format!(
            ". '{}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _simctl_or_names simctl \
             \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let output = instance.command_of("bash").args(["-c", &text]).env("PATH", &path).current_dir(&home).output().expect("bash runs");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("simctl heads use b"), ["base"]);
    assert_eq!(complete("simctl similar --head b"), ["base"]);
    // A name is a name, whatever a shell would make of it.
    let quoted = folder.display().to_string().replace(' ', "\\ ").replace('$', "\\$").replace('(', "\\(").replace(')', "\\)");
    assert_eq!(complete("simctl roots remove ''"), [quoted]);
    assert_eq!(files(&home), ["simctl"], "nothing ran");
    // Where there are no names, all is as before.
    assert_eq!(complete("simctl du"), ["dupes"]);
}

/// Who publishes the package of the test.
const MAINTAINER: &str = "A Distributor <packages@example.org>";

/// Returns the package, with the tested program in place of a release build. `None`, with a message, if the tools for it
/// are missing.
pub fn package() -> Option<&'static Path> {
    let cargo_deb = Command::new("cargo").args(["deb", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !cargo_deb.is_ok_and(|s| s.success()) || !has("dpkg") {
        skip("there is no cargo-deb (cargo install cargo-deb), or no dpkg");
        return None;
    }
    // Built once, because it takes several seconds.
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    Some(PACKAGE.get_or_init(build_package))
}

fn build_package() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
    let _ = fs::remove_dir_all(&folder);
    let (target, out) = (folder.join("target"), folder.join("out"));
    fs::create_dir_all(target.join("release")).and_then(|()| fs::create_dir(&out)).expect("made");
    let program = target.join("release/simctl");
    let stripped = Command::new("strip").arg("-o").arg(&program).arg(SIMCTL).status();
    if !stripped.is_ok_and(|s| s.success()) {
        fs::copy(SIMCTL, &program).expect("copied");
    }
    let mut command = Command::new(source().join(".ci/deb"));
    command.args(["--no-build", "--no-strip", "--offline", "--fast", "-o"]).arg(&out).env("CARGO_TARGET_DIR", &target);
    command.env("SIMILARD_MAINTAINER", MAINTAINER);
    let output = command.stdin(Stdio::null()).output().expect("runs");
    assert!(output.status.success(), "{}", said(&output));
    let packages = files(&out);
    assert_eq!(packages.len(), 1, "{packages:?}");
    out.join(&packages[0])
}

/// Runs dpkg in a separate root directory with an empty database. Uses fakeroot if the user is not root.
fn dpkg(root: &Path, words: &[&OsStr]) -> String {
    let is_root = fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
    let mut command = Command::new(if is_root { "env" } else { "fakeroot" });
    command.arg("dpkg").arg("--root").arg(root).args(["--force-depends", "--force-not-root", "--log=/dev/null"]).args(words);
    let output = command.stdin(Stdio::null()).output().expect("runs");
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

#[test]
fn the_debian_package_is_built_installed_and_removed() {
    let instance = Instance::new();
    let Some(package) = package() else { return };
    let root = instance.folder("root");
    let database = instance.folder("root/var/lib/dpkg");
    for folder in ["info", "updates", "triggers"] {
        fs::create_dir_all(database.join(folder)).expect("made");
    }
    fs::write(database.join("status"), "").expect("written");
    dpkg(&root, &[OsStr::new("--install"), package.as_os_str()]);
    let status = dpkg(&root, &[OsStr::new("--status"), OsStr::new("similard")]);
    assert!(status.contains("install ok installed") && status.contains("libc6"), "{status}");
    assert!(status.contains(&format!("Maintainer: {MAINTAINER}\n")), "{status}");
    let usr = root.join("usr");
    let installed = files(&usr);
    for expected in [
        "bin/simctl",
        "bin/similard",
        "lib/systemd/user/similard.service",
        "lib/systemd/user/similard.socket",
        "share/man/man1/simctl.1.gz",
        "share/man/man1/simctl-dupes.1.gz",
        "share/man/man1/similard.1.gz",
        "share/bash-completion/completions/simctl",
        "share/zsh/vendor-completions/_simctl",
        "share/fish/vendor_completions.d/simctl.fish",
        "share/nushell/vendor/autoload/simctl.nu",
        "share/doc/similard/copyright",
        "share/doc/similard/changelog.Debian.gz",
        "share/doc/similard/README.md",
        "share/doc/similard/SECURITY.md",
        "share/doc/similard/docs/api.md",
    ] {
        assert!(installed.iter().any(|f| f == expected), "{expected} is not among {installed:?}");
    }
    let unit = fs::read_to_string(usr.join("lib/systemd/user/similard.service")).expect("a unit");
    assert!(unit.contains("ExecStart=/usr/bin/simctl daemon\n"));

    // The installed program works under both names.
    let program = usr.join("bin/simctl");
    let run = |program: &Path, words: &[&OsStr]| {
        let mut command = Command::new(program);
        command.args(words).env_clear().env("HOME", instance.folder("home")).env("SIMILARD_DATA_DIR", instance.data_dir());
        let output = command.stdin(Stdio::null()).output().expect("runs");
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(run(&program, &[OsStr::new("--version")]).trim(), concat!("simctl ", env!("CARGO_PKG_VERSION")));
    assert!(run(&usr.join("bin/similard"), &[OsStr::new("--help")]).contains("--replace"));
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let answer = run(&program, &[OsStr::new("dupes"), OsStr::new("--format=json"), folder.as_os_str()]);
    assert_eq!(names(&serde_json::from_str::<Value>(&answer).expect("JSON")), photos::expected(&["00003"]));
    let daemon = fs::read_link(format!("/proc/{}/exe", instance.pid())).expect("it runs");
    assert_eq!(daemon, program);
    instance.stop();

    let mine = files(&instance.data_dir());
    assert!(mine.iter().any(|f| f == "library.db"), "{mine:?}");
    dpkg(&root, &[OsStr::new("--purge"), OsStr::new("similard")]);
    assert_eq!(files(&usr), Vec::<String>::new(), "files are left");
    assert!(!usr.join("share/doc").exists() && !usr.join("lib").exists());
    assert_eq!(files(&instance.data_dir()), mine, "files of the user are removed");
}
