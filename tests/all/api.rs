//! The API on the socket: who may connect, the answers, and garbage as input.

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::photos;
use crate::schema;
use crate::support::{Instance, array, skip};

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
fn what_is_documented_is_what_there_is() {
    let instance = running();
    let (status, document) = instance.get("/v1/openapi.json");
    assert_eq!(status, 200);
    let (mut asked, mut ids) = (0, HashSet::new());
    let tags: Vec<&Value> = array(&document["tags"]).iter().map(|tag| &tag["name"]).collect();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id) && id.starts_with(method) && tags.contains(&&operation["tags"][0]), "{method} {path}: {id}");
            if path == "/v1/events" || path == "/v1/stop" {
                continue;
            }
            // The route accepts each parameter alone, with its example, and no parameters at all.
            let parameters = array(&operation["parameters"]).iter().map(|parameter| {
                let example = if parameter["example"].is_array() { &parameter["example"][0] } else { &parameter["example"] };
                let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                format!("?{}={example}", parameter["name"].as_str().expect("a name"))
            });
            for query in parameters.chain([String::new()]) {
                let target = format!("{path}{query}");
                let (_, body) = instance.ask(&method.to_uppercase(), &target, "application/json");
                let answer: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
                let code = answer["error"]["code"].as_str().unwrap_or_default();
                let is_unknown = code == "parameter" && body.contains("is not a parameter here");
                assert!(!is_unknown && !code.starts_with("no-such-"), "{method} {target}: {body}");
                asked += 1;
            }
            if method == "get" && path != "/v1/openapi.json" {
                let (status, answer) = instance.get(path);
                assert_eq!(status, 200, "{path}");
                let described = &operation["responses"]["200"]["content"]["application/json"]["schema"];
                assert_eq!(schema::check(&document, described, &answer), Ok(()), "{path}: {answer}");
                let mut schema = described;
                while let Some(reference) = schema["$ref"].as_str() {
                    schema = document.pointer(reference.trim_start_matches('#')).expect("a schema");
                }
                let known = schema["properties"].as_object().unwrap_or_else(|| panic!("{path}: {schema}"));
                let fields = answer.as_object().expect("an object");
                fields.keys().for_each(|field| assert!(known.contains_key(field), "{path}: {field} is not described"));
                assert_eq!(answer["schema"], 1, "{path}");
            }
        }
    }
    assert!(asked > 50, "{asked} requests");
    let relation = array(&document["paths"]["/v1/clusters"]["get"]["parameters"]).iter().find(|known| known["name"] == "relation");
    let names = &relation.expect("a parameter")["schema"]["items"]["enum"];
    assert_eq!(array(names).len(), 6, "{names}");
}

#[test]
fn lists_come_whole_by_lines_or_by_pages() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003", "00009", "00011"]);
    fs::copy(folder.join("00003.webp"), folder.join("same.webp")).expect("copied");
    instance.dupes(&folder);
    for (route, items) in [("/v1/clusters", "clusters"), ("/v1/pairs", "pairs")] {
        let (_, whole) = instance.get(route);
        let all = array(&whole[items]);
        assert!(all.len() >= 3, "{whole}");

        let (_, text) = instance.ask("GET", route, "application/x-ndjson");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines[1..lines.len() - 1], *all);
        assert_eq!(lines[0]["begin"]["head"], whole["head"]);
        assert_eq!(lines.last().expect("an end")["end"]["coverage"], whole["coverage"]);

        for size in [1, 2] {
            let (mut paged, mut target) = (Vec::new(), format!("{route}?limit={size}"));
            loop {
                let (status, page) = instance.get(&target);
                assert_eq!(status, 200, "{page}");
                assert!(array(&page[items]).len() <= size);
                paged.extend(array(&page[items]).to_vec());
                let Some(next) = page["next"].as_str() else { break };
                target = format!("{route}?limit={size}&after={next}");
            }
            assert_eq!(paged, all, "{route} in pages of {size}");
        }
    }
    // A list continues after an item that no longer exists.
    let (_, first) = instance.get("/v1/pairs?limit=1");
    let (_, whole) = instance.get("/v1/pairs");
    fs::remove_file(folder.join("same.webp")).expect("removed");
    instance.ok(["scan"]);
    let (_, rest) = instance.get(&format!("/v1/pairs?after={}", first["next"].as_str().expect("more")));
    assert_eq!(array(&rest["pairs"]), &array(&whole["pairs"])[1..]);
}

#[test]
fn what_is_wrong_is_said() {
    let instance = running();
    assert!(instance.ask("PUT", "/v1/status", "*/*").1.contains("no-such-method"));
    for (target, status, code) in [
        ("/v1/nothing", 404, "no-such-route"),
        ("/v1/clusters?threshold=x", 400, "number"),
        ("/v1/clusters?threshold=3", 400, "distance"),
        ("/v1/clusters?threshold=1.5", 400, "beyond-reach"),
        ("/v1/clusters?thershold=0.1", 400, "parameter"),
        ("/v1/clusters?relation=cousin", 400, "relation"),
        ("/v1/clusters?path=relative", 400, "relative-path"),
        ("/v1/clusters?limit=0", 400, "number"),
        ("/v1/clusters?everywhere=1", 400, "flag"),
        ("/v1/clusters?everywhere", 400, "flag"),
        ("/v1/clusters?after=nonsense", 400, "key"),
        ("/v1/pairs?after=nonsense", 400, "key"),
        ("/v1/clusters?path=/nowhere", 404, "not-watched"),
    ] {
        let (got, body) = instance.get(target);
        assert_eq!((got, body["error"]["code"].as_str()), (status, Some(code)), "{target}");
        assert!(!body["error"]["message"].as_str().expect("a message").is_empty());
    }
    for value in ["0", "1", "no", "False", "TRUE", ""] {
        let (status, body) = instance.ask("POST", &format!("/v1/scan?forget={value}"), "*/*");
        assert!(status == 400 && body.contains("flag"), "forget={value}: {status} {body}");
    }
    assert_eq!(instance.ask("POST", "/v1/scan?forget=false", "*/*"), (204, String::new()));
    // The description says how far pairs go.
    let (_, document) = instance.get("/v1/openapi.json");
    let parameters = array(&document["paths"]["/v1/clusters"]["get"]["parameters"]);
    let threshold = parameters.iter().find(|parameter| parameter["name"] == "threshold").expect("described");
    let most = threshold["schema"]["maximum"].as_f64().expect("a number");
    assert_eq!(instance.get(&format!("/v1/clusters?threshold={most}")).0, 200);
    assert_eq!(instance.get(&format!("/v1/clusters?threshold={}", most + 0.001)).0, 400);
    // Parameters of the URI count beside those of the body.
    let mut socket = UnixStream::connect(instance.socket()).expect("connects");
    let request = "POST /v1/clusters?threshold=0.2 HTTP/1.1\r\nhost: x\r\ncontent-length: 14\r\n\r\nthershold=0.20";
    socket.write_all(request.as_bytes()).expect("sent");
    assert_eq!(answer(&mut socket).1["error"]["code"], "parameter");
    let request = "POST /v1/clusters?threshold=0.2 HTTP/1.1\r\nhost: x\r\ncontent-length: 7\r\n\r\nlimit=1";
    socket.write_all(request.as_bytes()).expect("sent");
    assert_eq!(answer(&mut socket).1["threshold"].as_f64().map(|threshold| (threshold * 100.0).round()), Some(20.0));
}

/// An answer of a connection that stays open: its status, and its body by the length that it states.
fn answer(socket: &mut UnixStream) -> (u16, Value) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("text").to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    socket.read_exact(&mut body).expect("a body");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[test]
fn a_client_that_is_still_sending_sees_why_it_is_refused() {
    let instance = running();
    let mut socket = UnixStream::connect(instance.socket()).expect("connects");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let body = vec![b'x'; 8 << 20];
    for (target, kind, code) in [
        ("/v1/similar?k=many", "image/jpeg", "number"),
        ("/v1/nothing", "image/jpeg", "no-such-route"),
        ("/v1/clusters", "application/json", "media-type"),
    ] {
        let head = format!("POST {target} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
        socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(&body)).expect("all of it is taken");
        assert_eq!(answer(&mut socket).1["error"]["code"], code, "{target}");
        // The connection goes on.
        socket.write_all(b"GET /v1/version HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        assert_eq!(answer(&mut socket).0, 200);
    }
}

#[test]
fn a_body_of_another_type_is_refused_with_what_to_send() {
    let instance = running();
    let send = |target: &str, kind: &str, body: &str| {
        let length = body.len();
        let request = format!("POST {target} HTTP/1.1\r\nhost: x\r\n{kind}connection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        let text = String::from_utf8(instance.raw(request.as_bytes(), Duration::from_secs(20))).expect("text");
        let status: u16 = text.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, text)
    };
    let json = "Content-Type: application/json; charset=utf-8\r\n";
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    for (target, kind, body, hint) in [
        ("/v1/clusters", json, "{\"limit\": 1}", "application/x-www-form-urlencoded"),
        ("/v1/tune", json, "{\"minutes\": 1}", "application/x-www-form-urlencoded"),
        ("/v1/similar", json, "{}", "image/*"),
        ("/v1/similar", "content-type: multipart/form-data; boundary=x\r\n", "--x", "image/*"),
        ("/v1/decisions/import", form, "{\"decisions\": []}", "Content-Type: application/json"),
    ] {
        let (status, text) = send(target, kind, body);
        assert!(status == 415 && text.contains("\"code\":\"media-type\"") && text.contains(hint), "{target}: {text}");
    }
    for (target, kind, body) in [
        ("/v1/clusters", form, "limit=1"),
        ("/v1/clusters", "", "limit=1"),
        ("/v1/clusters", json, ""),
        ("/v1/decisions/import", json, "{\"decisions\": []}"),
        ("/v1/decisions/import", "", "{\"decisions\": []}"),
    ] {
        assert_eq!(send(target, kind, body).0, 200, "{target} {kind} {body}");
    }
    assert_eq!(send("/v1/similar", form, "no picture").0, 422, "curl says of every body that it is a form");
}

#[test]
fn failures_come_in_pages() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    // In the order of their bytes: `.` comes before `/`.
    let names = ["a.b/x.jpg", "a/x.jpg", "b.jpg", "c.jpg"];
    for name in names {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().expect("a folder")).and_then(|()| fs::write(file, b"no picture")).expect("written");
    }
    instance.dupes(&folder);
    let (_, whole) = instance.get("/v1/failures");
    assert_eq!((array(&whole["failures"]).len(), whole.get("next")), (4, None));
    for size in [1, 2, 3] {
        let (mut paged, mut target) = (Vec::new(), format!("/v1/failures?limit={size}"));
        loop {
            let (status, page) = instance.get(&target);
            assert!(status == 200 && array(&page["failures"]).len() <= size, "{page}");
            paged.extend(array(&page["failures"]).to_vec());
            let Some(next) = page["next"].as_str() else { break };
            target = format!("/v1/failures?limit={size}&after={next}");
        }
        assert_eq!(&paged, array(&whole["failures"]), "in pages of {size}");
    }
    let (status, refused) = instance.get("/v1/failures?after=nonsense");
    assert_eq!((status, &refused["error"]["code"]), (400, &"key".into()));
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
            // An answer with events does not end, and a stop would end the test.
            prop_assume!(!request.windows(6).any(|w| w == b"/event") && !request.windows(5).any(|w| w == b"/stop"));
            instance.raw(&request, Duration::from_millis(50));
            prop_assert_eq!(instance.get("/v1/version").0, 200);
            Ok(())
        })
        .expect("it answers after anything");
    assert_eq!(instance.pid(), pid, "the daemon was restarted");
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

/// Everything that arrives within a time.
fn hear(socket: &mut UnixStream, time: Duration) -> String {
    let (began, mut heard) = (std::time::Instant::now(), Vec::new());
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let mut buffer = [0; 4096];
    while began.elapsed() < time {
        if let Ok(length) = socket.read(&mut buffer) {
            heard.extend_from_slice(&buffer[..length]);
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

#[test]
fn a_listener_that_comes_back_hears_what_it_missed() {
    let instance = running();
    let listen = |after: &str| {
        let mut socket = UnixStream::connect(instance.socket()).expect("connects");
        let last = if after.is_empty() { String::new() } else { format!("last-event-id: {after}\r\n") };
        socket.write_all(format!("GET /v1/events HTTP/1.1\r\nhost: x\r\n{last}\r\n").as_bytes()).expect("sent");
        socket
    };
    let mut first = listen("");
    hear(&mut first, Duration::from_millis(300));
    instance.ok(["scan"]);
    let heard = hear(&mut first, Duration::from_secs(1));
    assert!(heard.lines().any(|line| line == "event: scan-finished"), "{heard}");
    drop(first);
    let last = heard.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().expect("a number").to_owned();
    let folder = instance.folder("photos");
    fs::copy(photos::path("00009"), folder.join("meanwhile.webp")).expect("copied");
    instance.dupes(&folder);
    let heard = hear(&mut listen(&last), Duration::from_secs(1));
    assert!(heard.contains("meanwhile.webp") && !heard.contains("missed"), "{heard}");
    assert!(!heard.contains(&format!("id: {last}\n")), "an event came twice: {heard}");
    let (run, _) = last.split_once('-').expect("a run and a number");
    let heard = hear(&mut listen("another-7"), Duration::from_secs(1));
    assert!(heard.contains("missed") && heard.contains("meanwhile.webp"), "{heard}");
    assert!(!hear(&mut listen(&format!("{run}-999999")), Duration::from_secs(1)).contains("meanwhile"), "no event has a larger number");
}

#[test]
fn a_crowd_of_clients_holds_up_nobody() {
    let instance = running();
    let pid = instance.pid();
    // Some send nothing, some half a request, some the beginning of a body. One announces a body that is too large.
    let mut crowd: Vec<UnixStream> = (0..700)
        .map(|number| {
            let mut socket = UnixStream::connect(instance.socket()).expect("connects");
            let words: &[u8] = match number % 4 {
                0 => b"",
                1 => b"GET /v1/sta",
                2 => b"POST /v1/clusters HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\np",
                _ => b"POST /v1/similar HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\nabc",
            };
            let _ = socket.write_all(words);
            socket
        })
        .collect();
    assert_eq!(instance.get("/v1/version").0, 200);
    let answer = instance.raw(b"POST /v1/similar HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n", Duration::from_secs(20));
    assert!(String::from_utf8_lossy(&answer).contains("too-large"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(instance.dupes(&instance.folder("photos"))["clusters"].as_array().map(Vec::len), Some(1));
    // A client that sends too slowly gets an error or is disconnected. None stays for ever.
    let slow = &mut crowd[499];
    slow.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let ended = slow.read_to_end(&mut Vec::new());
    assert!(!matches!(ended, Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)));
    drop(crowd);
    assert_eq!((instance.get("/v1/status").0, instance.pid()), (200, pid));
}

#[test]
fn idle_connections_drive_out_no_listener() {
    let instance = running();
    let mut listener = UnixStream::connect(instance.socket()).expect("connects");
    listener.write_all(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    assert!(hear(&mut listener, Duration::from_millis(500)).starts_with("HTTP/1.1 200"));
    let crowd: Vec<UnixStream> = (0..600).map(|_| UnixStream::connect(instance.socket()).expect("connects")).collect();
    assert_eq!(instance.get("/v1/version").0, 200);
    let descriptors = fs::read_dir(format!("/proc/{}/fd", instance.pid())).expect("a process").count();
    assert!(descriptors < 500, "{descriptors} descriptors");
    instance.ok(["scan"]);
    assert!(hear(&mut listener, Duration::from_secs(1)).contains("scan-finished"));
    drop(crowd);
}

#[test]
fn bodies_of_unknown_length_hold_up_no_photo() {
    let instance = running();
    let chunked = |_| {
        let mut socket = UnixStream::connect(instance.socket()).expect("connects");
        socket.write_all(b"POST /v1/similar HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n").expect("sent");
        socket
    };
    let crowd: Vec<UnixStream> = (0..4).map(chunked).collect();
    let photo = photos::path("00009");
    let asked = std::time::Instant::now();
    instance.ok([std::ffi::OsStr::new("similar"), photo.as_os_str()]);
    // It would wait for half a minute.
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    drop(crowd);
}

#[test]
fn another_user_is_sent_away() {
    let instance = running();
    let open = |path: std::path::PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let home = instance.folder(".");
    // Open the modes, so that only the check of the peer keeps other users out.
    if open(home, 0o755).and(open(instance.data_dir(), 0o755)).and(open(instance.socket(), 0o666)).is_err() {
        return skip("modes cannot be changed");
    }
    let as_another =
        |script: &str| Command::new("setpriv").args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", script]).output();
    let Ok(tried) = as_another("exit 0") else { return skip("there is no setpriv") };
    if !tried.status.success() {
        return skip("this user cannot be another");
    }
    let script = format!("curl -sS --unix-socket '{}' http://localhost/v1/status", instance.socket().display());
    let output = as_another(&script).expect("setpriv");
    // The shell does not find it.
    if output.status.code() == Some(127) {
        return skip("curl is not installed");
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("foreign-user"), "{said} {}", String::from_utf8_lossy(&output.stderr));
}
