//! Submission to receipt over real sockets.

mod common;

use std::time::{Duration, Instant};

use common::{Net, record, trace};
use ledger::SubmitError;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_becomes_final_everywhere_with_a_receipt() {
    trace();
    let mut net = Net::new(4, 0);
    net.start_all(4).await;
    let began = Instant::now();
    let receipt = net.ledger(0).submit(record("first")).await.unwrap();
    println!("first receipt after {:?}", began.elapsed());
    let membership = net.ledger(0).membership(0).unwrap();
    receipt
        .verify(b"first", &net.ledger(0).origin(), &membership)
        .unwrap();
    assert_eq!(receipt.index(), 0);
    for n in 0..20 {
        let began = Instant::now();
        let receipt = net
            .ledger(n % 4)
            .submit(record(format!("r{n}")))
            .await
            .unwrap();
        println!("{:?}", began.elapsed());
        assert_eq!(receipt.index(), n as u64 + 1);
    }
    for n in 0..4 {
        let mut follow = net.ledger(n).follow(0);
        for index in 0..21 {
            let seen = tokio::time::timeout(Duration::from_secs(5), follow.recv()).await;
            assert_eq!(seen.unwrap().unwrap().index, index);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_name_their_rule() {
    trace();
    let mut net = Net::new(4, 0);
    net.start_all(4).await;
    let ledger = net.ledger(1);
    let rule = |result| match result {
        Err(SubmitError::Refused(refused)) => refused.rule,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(rule(ledger.submit(record("bad")).await), "check");
    assert_eq!(rule(ledger.submit(record("")).await), "record-size");
    ledger.submit(record("once:a")).await.unwrap();
    assert_eq!(rule(ledger.submit(record("once:a/again")).await), "once");
    let (here, there) = (net.ledger(0), net.ledger(2));
    let (one, other) = tokio::join!(
        here.submit(record("once:b/0")),
        there.submit(record("once:b/2"))
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert_eq!(rule(if one.is_ok() { other } else { one }), "once");
}
