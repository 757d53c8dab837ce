//! Members who join, leave, and bring a new key.

mod common;

use std::time::Duration;

use common::{Net, record, trace, until};

const LIMIT: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_joins_and_another_leaves() {
    trace();
    let mut net = Net::new(4, 1);
    net.leg_blocks = 8;
    net.start_all(4).await;
    net.start(4).await;
    for n in 0..12 {
        net.ledger(n % 4)
            .submit(record(format!("before/{n}")))
            .await
            .unwrap();
    }
    let change = record("members:inst0,inst1,inst2,inst3,inst4");
    let receipt = net.ledger(1).submit(change.clone()).await.unwrap();
    let joiner = net.ledger(4);
    until("the admission", LIMIT, || joiner.status().member).await;
    assert_eq!(joiner.status().epoch, 1);
    let joined = joiner.submit(record("by the new member")).await.unwrap();
    let (origin, outgoing) = (joiner.origin(), joiner.membership(0).unwrap());
    joined
        .verify(
            b"by the new member",
            &origin,
            &joiner.membership(1).unwrap(),
        )
        .unwrap();
    // The change itself stands by the word of those who were in office.
    until("the closing checkpoint", LIMIT, || {
        joiner.receipt_of_epoch(receipt.index(), 0).is_some()
    })
    .await;
    let change_receipt = joiner.receipt_of_epoch(receipt.index(), 0).unwrap();
    change_receipt.verify(&change, &origin, &outgoing).unwrap();

    net.ledger(0)
        .submit(record("members:inst1,inst2,inst3,inst4"))
        .await
        .unwrap();
    let left = net.ledger(0);
    until("the departure", LIMIT, || {
        !left.status().member && left.status().epoch == 2
    })
    .await;
    net.stop(0);
    let receipt = net
        .ledger(2)
        .submit(record("without the first"))
        .await
        .unwrap();
    let membership = joiner.membership(2).unwrap();
    receipt
        .verify(b"without the first", &origin, &membership)
        .unwrap();
}
