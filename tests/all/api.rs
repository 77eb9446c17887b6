//! The socket: who may, what is answered, and what rubbish does to it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::photos;
use crate::support::{Instance, skip};

fn running() -> Instance {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    instance.dupes(&folder);
    instance
}

#[test]
fn the_socket_is_for_its_user_alone() {
    let instance = running();
    let mode = |path: std::path::PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(instance.socket()), mode(instance.data_dir())), (0o600, 0o700));
}

#[test]
fn curl_reads_it() {
    let instance = running();
    let curl = Command::new("curl").args(["-sS", "--unix-socket"]).arg(instance.socket()).arg("http://localhost/v1/clusters").output();
    let Ok(output) = curl else { return skip("curl is not installed") };
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["clusters"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_documented_is_there_and_what_is_wrong_is_said() {
    let instance = running();
    let (status, document) = instance.get("/v1/openapi.json");
    assert_eq!(status, 200);
    for (path, methods) in document["paths"].as_object().expect("paths") {
        if path != "/v1/events" && methods.get("get").is_some() {
            assert_eq!(instance.get(path).0, 200, "{path}");
        }
    }
    for (target, status, code) in [
        ("/v1/nothing", 404, "no-such-route"),
        ("/v1/clusters?threshold=x", 400, "number"),
        ("/v1/clusters?threshold=3", 400, "distance"),
        ("/v1/clusters?threshold=1.5", 400, "beyond-reach"),
        ("/v1/clusters?thershold=0.1", 400, "parameter"),
        ("/v1/clusters?relation=cousin", 400, "relation"),
        ("/v1/clusters?path=relative", 400, "relative-path"),
        ("/v1/clusters?path=/nowhere", 404, "not-watched"),
    ] {
        let (got, body) = instance.get(target);
        assert_eq!((got, body["error"]["code"].as_str()), (status, Some(code)), "{target}");
        assert!(!body["error"]["message"].as_str().expect("a message").is_empty());
    }
}

#[test]
fn random_bytes_do_it_no_harm() {
    let instance = running();
    let pid = instance.pid();
    let mut runner = TestRunner::new(Config::with_cases(64));
    let target = proptest::string::string_regex("/v1/[a-z]{2,9}[?&=%a-z0-9./-]{0,40}").expect("a pattern");
    let requests = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        target.prop_map(|t| format!("GET {t} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(|b| [
            format!("POST /v1/similar HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", b.len()).into_bytes(),
            b
        ]
        .concat()),
    ];
    runner
        .run(&requests, |request| {
            // Listening for events is an answer without an end; stopping is not what is tested.
            prop_assume!(!request.windows(6).any(|w| w == b"/event") && !request.windows(5).any(|w| w == b"/stop"));
            instance.raw(&request, Duration::from_millis(50));
            prop_assert_eq!(instance.get("/v1/version").0, 200);
            Ok(())
        })
        .expect("it answers after anything");
    assert_eq!(instance.pid(), pid, "it is the same process");
}

#[test]
fn a_client_that_stops_reading_holds_up_nobody() {
    let instance = running();
    let mut deaf: Vec<UnixStream> = Vec::new();
    for target in ["/v1/events", "/v1/status", "/v1/clusters"].iter().cycle().take(60) {
        let mut socket = UnixStream::connect(instance.socket()).expect("connects");
        socket.write_all(format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).expect("sent");
        deaf.push(socket);
    }
    instance.ok(["scan"]);
    assert_eq!(instance.get("/v1/clusters").0, 200);
    drop(deaf);
}
