//! Joint questions that end before anything is computed: by their owner, whose rows do not
//! fit, and by whoever asked.

use std::io::Write as _;

use super::*;

/// Rows that can't be shared end the question, by their owner, with what is wrong: nobody
/// waits for inputs that never come.
pub(super) fn rows_that_do_not_fit(city: &City) {
    let world = &city.world;
    let own = city.sql("SELECT account FROM accounts WHERE institution = 'bank_a' AND id_number IS NOT NULL LIMIT 1");
    let path = world.folder().join("long-account.csv");
    let mut file = std::fs::File::create(&path).unwrap();
    // A name is shared in 23 bytes; an account may have 32 digits.
    writeln!(
        file,
        "from_account,from_bank,to_account,to_bank,amount_cny,at,kind\n{},bank_a,{},bank_b,5.00,2018-11-12T10:00:00Z,transfer",
        own[0][0],
        "6".repeat(30),
    )
    .unwrap();
    world.publish(&[("bank_a", "more", path)]);
    let warrant = city.warrant(&["phone:13800000001"], &[], 100);
    let question = world.ask(ask(&warrant, "called-then-paid"));
    world.approve_all(&question);
    let police = world.police();
    let ended = ["aborted", "completed", "counted"];
    let view = world.phase(&police, &question, &ended);
    assert_eq!(view.phase, "aborted", "{:?}", view.cause);
    let cause = view.cause.unwrap();
    assert!(cause.ends_with("(refused by bank_a)"), "{cause}");
    assert!(cause.starts_with("protocol-"), "{cause}");
}

/// A question that waits for inputs of a node that is down ends as soon as its asker says
/// so, and the node hears of it when it is back.
pub(super) fn cancelled_while_inputs_are_missing(city: &City) {
    let world = &city.world;
    let warrant = city.warrant(&["phone:13800000001"], &[], 100);
    let question = world.ask(ask(&warrant, "called-then-paid"));
    world.delivered(&question);
    // It gives the warrant's phones.
    world.network.stop(&id("procuratorate"));
    world.approve_all(&question);
    let police = world.police();
    let view = world.phase(&police, &question, &["running"]);
    assert_eq!(view.phase, "running");
    police.cancel_question(&question).unwrap();
    // What was acknowledged is on record.
    let view = police.question(&question).unwrap();
    assert_eq!(view.phase, "aborted");
    assert_eq!(view.cause.as_deref(), Some("cancelled"));
    let authority = id("procuratorate");
    world.network.start(&authority).unwrap();
    let healthy = world.network.wait_healthy(&authority, LIMIT, &world.stop);
    healthy.unwrap();
    let auditor = world.officer("procuratorate", "auditor");
    let heard = world.phase(&auditor, &question, &["aborted"]);
    assert_eq!(heard.cause.as_deref(), Some("cancelled"));
    assert_refused("already-decided", police.cancel_question(&question));
}
