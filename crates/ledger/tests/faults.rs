//! Validators that stop, come back, or are killed.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Net, record, trace, until};
use ledger::{Error, Refusal, SubmitError, Trouble};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_seven_may_stop_but_not_three() {
    trace();
    let mut net = Net::new(7, 0);
    net.start_all(7).await;
    net.ledger(0).submit(record("all")).await.unwrap();
    net.stop(5);
    net.stop(6);
    for n in 0..10 {
        net.ledger(n % 5)
            .submit(record(format!("five/{n}")))
            .await
            .unwrap();
    }
    net.stop(4);
    let ledger = net.ledger(0);
    match ledger.submit(record("four")).await {
        Err(SubmitError::Stalled { heard, needed }) => assert_eq!((heard, needed), (4, 5)),
        other => panic!("not stalled: {other:?}"),
    }
    let status = ledger.status();
    assert_eq!((status.heard, status.needed, status.size), (4, 5, 11));
    net.start(4).await;
    let receipt = ledger.submit(record("four")).await.unwrap();
    assert_eq!(receipt.index(), 11);
    net.start(5).await;
    net.start(6).await;
    let root = ledger.status().root;
    for n in 0..7 {
        let ledger = net.ledger(n);
        until("catching up", LIMIT, || ledger.status().size == 12).await;
        until("a signed checkpoint", LIMIT, || {
            ledger.status().signed == 12
        })
        .await;
        assert_eq!(ledger.status().root, root);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_network_restarts_with_what_it_had() {
    trace();
    let mut net = Net::new(4, 0);
    net.leg_blocks = 4;
    net.start_all(4).await;
    for n in 0..10 {
        net.ledger(n % 4)
            .submit(record(format!("{n}")))
            .await
            .unwrap();
    }
    // The last record was another node's: this one may be a block behind.
    all_final(&net, 10).await;
    let before = net.ledger(0).status();
    for n in 0..4 {
        net.stop(n);
    }
    net.start_all(4).await;
    all_final(&net, 10).await;
    assert_eq!(net.ledger(0).status().root, before.root);
    let receipt = net.ledger(3).submit(record("after")).await.unwrap();
    assert_eq!(receipt.index(), 10);
    assert_eq!(net.ledger(3).record(4).await.unwrap().record, record("4"));
}

/// Waits until the first node has this many records.
async fn all_final(net: &Net, records: usize) {
    let mut finals = net.ledger(0).follow(0);
    for _ in 0..records {
        finals.recv().await.unwrap();
    }
}

/// The child's body: a validator that submits records and prints those that were acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(recipe) = std::env::var("LEDGER_TEST_CHILD") else {
        return;
    };
    trace();
    let (host, n) = common::start_from_recipe(&recipe).await;
    println!("ready {}", host.ledger().status().size);
    for count in 0u64.. {
        let text = format!("child{n}/{}/{count}", std::process::id());
        if host.ledger().submit(record(text.clone())).await.is_ok() {
            println!("acknowledged {text}");
        }
    }
}

fn spawn(net: &Net, n: usize) -> (Child, std::sync::mpsc::Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env("LEDGER_TEST_CHILD", net.recipe(n))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    (child, receiver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_record_is_lost_to_sigkill() {
    trace();
    let mut net = Net::new(4, 0);
    net.leg_blocks = 8;
    net.start_all(3).await;
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let (mut child, lines) = spawn(&net, 3);
        let mut seen = 0;
        while seen < 5 + 7 * round {
            let line = lines.recv_timeout(LIMIT).unwrap();
            if let Some((_, text)) = line.split_once("acknowledged ") {
                acknowledged.push(text.to_owned());
                seen += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        while let Ok(line) = lines.recv_timeout(Duration::from_millis(200)) {
            if let Some((_, text)) = line.split_once("acknowledged ") {
                acknowledged.push(text.to_owned());
            }
        }
        net.ledger(0)
            .submit(record(format!("without/{round}")))
            .await
            .unwrap();
    }
    net.start(3).await;
    let (revived, witness) = (net.ledger(3), net.ledger(0));
    for text in acknowledged {
        let leaf = proof::leaf_hash(text.as_bytes());
        let index = witness
            .find(&leaf)
            .unwrap_or_else(|| panic!("{text} is lost"));
        until("the revived node's copy", LIMIT, || {
            revived.find(&leaf) == Some(index)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_address_and_a_foreign_folder_are_refused() {
    let net = Net::new(1, 1);
    let _taken = std::net::TcpListener::bind(net.cast[0].address).unwrap();
    match common::try_start(&net.recipe(0)).await.map(drop) {
        Err(Error::Trouble(Trouble::Listen(address))) => assert_eq!(address, net.cast[0].address),
        other => panic!("started on a taken address: {other:?}"),
    }
    let mut other = Net::new(1, 1);
    other.leg_blocks = 8;
    let host = common::try_start(&other.recipe(0)).await.unwrap();
    host.0.stop();
    other.leg_blocks = 16;
    match common::try_start(&other.recipe(0)).await.map(drop) {
        Err(Error::Refusal(Refusal::OtherNetwork)) => {}
        other => panic!("started on a foreign folder: {other:?}"),
    }
}
