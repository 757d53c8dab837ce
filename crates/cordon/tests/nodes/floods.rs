//! What a node's API does under floods: its memory stays bounded, who has a right to an
//! answer gets it, and the rest is told to come again.
//!
//! *Not here*: floods of the channels between nodes (`crates/net/src/tests/hostile.rs`).

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::world::{World, id};

/// Connections that never say what they want.
const HALF_OPEN: u64 = 10_000;
/// What a flood may cost the node beside the 128 MiB of bodies that it may hold.
const GROWTH_KIB_MAX: u64 = 96 * 1024;
/// Requests under way that one caller may have.
const CALLER_REQUESTS: usize = 32;
/// Longest that somebody with a right to an answer waits in a flood.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a reader who reads nothing has been cut.
const CUT_WITHIN: Duration = Duration::from_secs(15);
/// How many answers a reader asks for and never reads.
const UNREAD: usize = 400;

/// A flood that takes its time: readers who read nothing.
pub(crate) struct Begun {
    slow: Vec<TcpStream>,
    asked: Instant,
}

/// Begins what takes its time.
pub(crate) fn begin(world: &World) -> Begun {
    Begun {
        slow: slow_readers(world.config("police").listen.api),
        asked: Instant::now(),
    }
}

/// Holds that the police's node bears every flood.
pub(crate) fn bear(world: &World, begun: Begun) {
    let api = world.config("police").listen.api;
    let before = resident_kib(world);
    bodies_too_large(world, api);
    heads_too_large(api);
    bombs(world);
    too_many_at_once(world, api);
    bodies_held_in_memory(world, api, before);
    half_open_connections(world, api, before);
    slow_readers_are_cut(begun);
    served(world);
}

/// Officer and operator are served, and soon.
fn served(world: &World) {
    let begun = Instant::now();
    world
        .network
        .nobody(&id("police"))
        .unwrap()
        .status()
        .unwrap();
    world.police().warrants().unwrap();
    let operator = world.network.operator(&id("police")).unwrap();
    operator.get::<Value>("/v1/engine").unwrap();
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

fn resident_kib(world: &World) -> u64 {
    let pid = world.network.children().pid(&id("police")).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap()
}

fn connect(api: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(api).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
        .set_write_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
}

/// Reads until the node has said all, and gives the head and the error's rule.
fn said(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    // One answer: its body is an error, and ends with a brace.
    while !bytes.ends_with(b"}") {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&bytes)),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let error = serde_json::from_str::<Value>(body).unwrap_or_default();
    (
        head.to_lowercase(),
        error["rule"].as_str().unwrap_or_default().to_owned(),
    )
}

#[track_caller]
fn assert_said(stream: &mut TcpStream, status: u16, rule: &str) {
    let (head, named) = said(stream);
    assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
    assert_eq!(named, rule, "{head}");
    let again = head.contains("retry-after: ");
    assert_eq!(again, matches!(status, 429 | 503), "{head}");
}

fn post(path: &str, authorization: &str, more: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\n\
         authorization: {authorization}\r\n{more}\r\n\r\n"
    )
}

/// Credentials that no stranger can be refused by before the body has come.
fn unproven() -> String {
    let (key, time) = (
        primitives::SigningKey::generate().public(),
        cordon::client::now_ms(),
    );
    let (nonce, signature) = ("0".repeat(32), "0".repeat(128));
    format!("Cordon-Officer key={key},time={time},nonce={nonce},sig={signature}")
}

fn operators(world: &World) -> String {
    let path = world
        .network
        .home(&id("police"))
        .unwrap()
        .join("operator.token");
    format!(
        "Cordon-Operator {}",
        std::fs::read_to_string(path).unwrap().trim()
    )
}

/// Bodies that announce gigabytes, and bodies that announce nothing and go on for ever.
fn bodies_too_large(world: &World, api: SocketAddr) {
    let anybodys = [
        "/v1/session/finish",
        "/v1/acts/prepare",
        "/v1/bundles/verify",
    ];
    for path in anybodys {
        let mut stream = connect(api);
        let head = post(
            path,
            &unproven(),
            &format!("content-length: {}", 8u64 << 30),
        );
        stream.write_all(head.as_bytes()).unwrap();
        // Before a byte of the body was sent.
        assert_said(&mut stream, 413, "too-large");
    }
    for (path, authorization) in [
        ("/v1/session/finish", "none".to_owned()),
        ("/v1/acts/prepare", unproven()),
        ("/v1/datasets/preview", operators(world)),
    ] {
        let mut stream = connect(api);
        let head = post(path, &authorization, "transfer-encoding: chunked");
        stream.write_all(head.as_bytes()).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let sender = thread::spawn(move || {
            let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
            let mut sent: u64 = 0;
            while sent < 8 << 30 && writer.write_all(&chunk).is_ok() {
                sent += 0x10000;
            }
            sent
        });
        assert_said(&mut stream, 413, "too-large");
        stream.shutdown(Shutdown::Both).ok();
        let sent = sender.join().unwrap();
        assert!(sent < 1 << 30, "{path}: {sent} bytes went in");
    }
    // Who shows nothing is answered before anything is read.
    let mut stream = connect(api);
    let head = post(
        "/v1/acts/prepare",
        "Cordon-Operator 00",
        "content-length: 4000000",
    );
    stream.write_all(head.as_bytes()).unwrap();
    assert_said(&mut stream, 401, "unauthenticated");
}

fn heads_too_large(api: SocketAddr) {
    let long = format!("x-long: {}\r\n", "a".repeat(64 * 1024));
    let many: String = (0..200).map(|n| format!("x-{n}: a\r\n")).collect();
    for headers in [long, many] {
        let mut stream = connect(api);
        let head = format!("GET /v1/status HTTP/1.1\r\nhost: node\r\n{headers}\r\n");
        // The node may hang up in the middle.
        let _ = stream.write_all(head.as_bytes());
        let (head, _) = said(&mut stream);
        assert!(head.starts_with("http/1.1 431 "), "{head}");
    }
    let mut stream = connect(api);
    let line = format!("GET /{} HTTP/1.1\r\nhost: node\r\n\r\n", "a".repeat(70_000));
    let _ = stream.write_all(line.as_bytes());
    let (head, _) = said(&mut stream);
    assert!(
        head.starts_with("http/1.1 414 ") || head.starts_with("http/1.1 431 "),
        "{head}"
    );
}

/// What grows when it is unpacked is not unpacked.
fn bombs(world: &World) {
    let mut stream = connect(world.config("police").listen.api);
    let more = "content-encoding: gzip\r\ncontent-length: 20";
    let head = post("/v1/acts/prepare", &operators(world), more);
    stream.write_all(head.as_bytes()).unwrap();
    assert_said(&mut stream, 415, "content-type");
    // A ZIP that promises four gigabytes of a few bytes.
    let mut zip =
        b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\x10\0\0\0\xf0\xff\xff\xff\x01\0\0\0a".to_vec();
    zip.extend([0; 16]);
    let begun = Instant::now();
    let checked = world.police().check_bundle(&zip).unwrap();
    assert!(!checked.valid, "{checked:?}");
    assert!(begun.elapsed() < PATIENCE);
}

/// One caller with more requests under way than it may: told to come again, and served
/// as soon as one has ended.
fn too_many_at_once(world: &World, api: SocketAddr) {
    let head = post(
        "/v1/datasets/preview",
        &operators(world),
        "content-length: 2",
    );
    let mut open: Vec<TcpStream> = (0..CALLER_REQUESTS + 8).map(|_| connect(api)).collect();
    for stream in &mut open {
        stream.write_all(head.as_bytes()).unwrap();
    }
    // Which of them is one too many, the node's threads decide.
    let answered = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        let answered = stream.peek(&mut [0]).is_ok();
        stream.set_nonblocking(false).unwrap();
        answered
    };
    let refused: Vec<TcpStream> = world.until("the refusals", || {
        let refused = open.iter().filter(|stream| answered(stream)).count();
        if refused < 8 {
            return Ok(None);
        }
        let (told, held) = open.drain(..).partition(|stream| answered(stream));
        open = held;
        Ok(Some(told))
    });
    assert_eq!((refused.len(), open.len()), (8, CALLER_REQUESTS));
    for mut stream in refused {
        assert_said(&mut stream, 429, "too-many-requests");
    }
    // Others are served meanwhile.
    world.police().warrants().unwrap();
    for mut stream in open {
        stream.write_all(b"{}").unwrap();
        assert_said(&mut stream, 422, "format");
    }
    served(world);
}

/// Bodies that stop a byte before their end, more than the node holds in memory.
fn bodies_held_in_memory(world: &World, api: SocketAddr, before: u64) {
    const BODY: usize = 4 * 1024 * 1024;
    let mut held = Vec::new();
    let mut refused = None;
    for _ in 0..48 {
        let mut stream = connect(api);
        let head = post(
            "/v1/acts/prepare",
            &unproven(),
            &format!("content-length: {BODY}"),
        );
        stream.write_all(head.as_bytes()).unwrap();
        // Where it was refused, the node hangs up in the middle.
        let _ = stream.write_all(&vec![b' '; BODY - 1]);
        stream
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        if stream.peek(&mut [0]).is_ok() {
            refused = Some(stream);
            break;
        }
        held.push(stream);
    }
    let mut refused = refused.expect("bodies without end are held");
    assert_said(&mut refused, 503, "busy");
    assert!(held.len() >= 30, "{} bodies were held", held.len());
    let grown = resident_kib(world).saturating_sub(before);
    assert!(grown < 128 * 1024 + GROWTH_KIB_MAX, "{grown} KiB more");
    served(world);
    // Their senders are gone, and their memory is free again.
    drop(held);
    let head = post("/v1/acts/prepare", &unproven(), "content-length: 2");
    world.until("the memory", || {
        let mut stream = connect(api);
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"{}").unwrap();
        let (head, rule) = said(&mut stream);
        assert!(rule == "busy" || rule == "unauthenticated", "{head}");
        Ok((rule == "unauthenticated").then_some(()))
    });
}

/// Thousands of connections on which a request was begun, and nothing more comes.
fn half_open_connections(world: &World, api: SocketAddr, before: u64) {
    let handles = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let count = HALF_OPEN.min(handles.unwrap_or(HALF_OPEN).saturating_sub(500));
    let mut open = Vec::new();
    for n in 0..count {
        let mut stream = connect(api);
        // An early one may have had to make room already; that is what is looked at.
        let _ = stream.write_all(b"GET /v1/warrants HTTP/1.1\r\nhost: no");
        open.push(stream);
        if n % 2_500 == 2_499 {
            served(world);
        }
    }
    served(world);
    let grown = resident_kib(world).saturating_sub(before);
    // What bodies have left with the allocator is among it.
    assert!(
        grown < 128 * 1024 + GROWTH_KIB_MAX,
        "{grown} KiB more for {count} connections"
    );
    // The oldest made room for the newest.
    let first = &mut open[0];
    let end = first.read(&mut [0]);
    assert!(matches!(end, Ok(0) | Err(_)), "the oldest is still there");
    eprintln!("{count} half-open connections: {grown} KiB more in all");
}

/// Readers that ask again and again and never read.
fn slow_readers(api: SocketAddr) -> Vec<TcpStream> {
    let request = "GET /openapi.json HTTP/1.1\r\nhost: node\r\n\r\n".repeat(UNREAD);
    (0..8)
        .map(|_| {
            let mut stream = connect(api);
            stream
                .set_write_timeout(Some(Duration::from_millis(200)))
                .unwrap();
            let _ = stream.write_all(request.as_bytes());
            stream
        })
        .collect()
}

/// They are cut, having cost no more than their sockets' buffers.
fn slow_readers_are_cut(begun: Begun) {
    thread::sleep(CUT_WITHIN.saturating_sub(begun.asked.elapsed()));
    for mut stream in begun.slow {
        let mut all = Vec::new();
        // A reset is an end too.
        let _ = stream.read_to_end(&mut all);
        let answers = String::from_utf8_lossy(&all)
            .matches("HTTP/1.1 200")
            .count();
        assert!(answers < UNREAD, "everything was sent to who read nothing");
    }
}
