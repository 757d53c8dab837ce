//! The program as a user meets it: the demonstration from its command line to a
//! bundle that verifies, and what is left when it is stopped.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where; clippy knows only #[test] functions as tests"
)]

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const CORDON: &str = env!("CARGO_BIN_EXE_cordon");
/// People of the cities played on here.
const PEOPLE: &str = "400";

fn cordon(arguments: &[&str]) -> Output {
    let mut command = Command::new(CORDON);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("CORDON_HOME");
    command.output().expect("the program starts")
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 1, "one JSON line, not: {text}");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_headless_demonstration_ends_by_itself_with_answers_and_a_bundle_that_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let played = cordon(&[
        "demo",
        "--people",
        PEOPLE,
        "--out",
        out,
        "--headless",
        "--json",
    ]);
    let errors = String::from_utf8_lossy(&played.stderr);
    assert!(
        played.status.success(),
        "{errors}{}",
        String::from_utf8_lossy(&played.stdout)
    );
    let line = json(&played);

    for template in ["identify", "call-contacts", "follow-the-money"] {
        let file = line["answers"][template].as_str().unwrap();
        let answer: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert_eq!(answer["asked"]["template"], template);
        assert_eq!(answer["template"], template);
        assert!(line["seconds"][template].as_f64().unwrap() > 0.0);
    }
    assert!(line["found"]["planted-accounts"].as_u64().unwrap() > 0);
    assert_eq!(
        line["found"]["planted-accounts"],
        line["found"]["planted-accounts-reached"]
    );
    let refused: Vec<&str> = line["refusals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["rule"].as_str().unwrap())
        .collect();
    assert_eq!(refused, ["hops-beyond", "budget"]);
    assert!(line["refusals"][0]["record"].is_string());

    check_bundle(
        line["bundle"].as_str().unwrap(),
        line["network"].as_str().unwrap(),
    );
    let left: Vec<_> = fs::read_dir(out)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    let kept = left
        .iter()
        .any(|name| name.to_string_lossy().starts_with("network-"));
    assert!(!kept, "the institutions' keys stay in {left:?}");
}

fn check_bundle(bundle: &str, network: &str) {
    let verified = cordon(&["verify", "--network", network, bundle, "--json"]);
    assert_eq!(verified.status.code(), Some(0));
    assert_eq!(json(&verified)["template"], "follow-the-money");

    let other = "11".repeat(32);
    let foreign = cordon(&["verify", "--network", &other, bundle, "--json"]);
    assert_eq!(foreign.status.code(), Some(4));
    assert_eq!(json(&foreign)["error"]["rule"], "network");

    let mut bytes = fs::read(bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let altered = Path::new(bundle).with_extension("altered");
    fs::write(&altered, bytes).unwrap();
    let refused = cordon(&["verify", altered.to_str().unwrap(), "--json"]);
    assert_eq!(refused.status.code(), Some(4));
    assert_eq!(json(&refused)["error"]["family"], "fault");
}

/// Child processes of a process, as the kernel lists them.
fn children_of(pid: u32) -> Vec<u32> {
    let mut children = Vec::new();
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return children;
    };
    for task in tasks.flatten() {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.extend(
            list.split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
    }
    children
}

/// Whether a process runs; one that ended and is not yet reaped does not.
fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

fn wait(what: &str, limit: Duration, mut look: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !look() {
        assert!(begun.elapsed() < limit, "{what} within {limit:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn demonstration_with_nodes(out: &Path) -> (Child, Vec<u32>) {
    let child = Command::new(CORDON)
        .args(["demo", "--people", PEOPLE, "--headless", "--json", "--out"])
        .arg(out)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let pid = child.id();
    wait("ten nodes", Duration::from_secs(120), || {
        children_of(pid).len() == 10
    });
    let nodes = children_of(pid);
    (child, nodes)
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn an_interrupted_demonstration_says_so_and_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let (demo, nodes) = demonstration_with_nodes(&folder.path().join("out"));
    signal(demo.id(), rustix::process::Signal::INT);
    let output = demo.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(json(&output)["error"]["family"], "cancelled");
    assert!(nodes.iter().all(|pid| !runs(*pid)));
}

#[test]
fn a_killed_demonstration_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let (mut demo, nodes) = demonstration_with_nodes(&folder.path().join("out"));
    demo.kill().unwrap();
    demo.wait().unwrap();
    wait("the nodes' end", Duration::from_secs(30), || {
        nodes.iter().all(|pid| !runs(*pid))
    });
}

#[test]
fn exit_codes_are_those_that_the_help_names() {
    let help = cordon(&["help", "exit-codes"]);
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    for line in [
        "0    done",
        "1    trouble",
        "2    usage",
        "3    refused",
        "4    a peer's fault",
    ] {
        assert!(text.contains(line), "{line}");
    }
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let missing = missing.to_str().unwrap();
    assert_eq!(cordon(&["status"]).status.code(), Some(2));
    assert_eq!(
        cordon(&["status", "--home", missing]).status.code(),
        Some(1)
    );
    assert_eq!(cordon(&["no-such-command"]).status.code(), Some(2));
    fs::write(missing, "not a bundle").unwrap();
    assert_eq!(cordon(&["verify", missing]).status.code(), Some(4));
    let full = folder.path().to_str().unwrap();
    assert_eq!(
        cordon(&["city", "--people", "100", "--out", full])
            .status
            .code(),
        Some(3)
    );
}
