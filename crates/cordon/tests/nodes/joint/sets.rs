//! A question over two sets, between real nodes: the persons whom both institutions
//! have are those of plain SQL, the count comes first, and nobody else is seen.

use node::exchange::Call;

use super::*;
use std::sync::Arc;

use crate::villain::{Busy, call_of};

/// The question of two custodians.
fn of(pair: [&str; 2], warrant: &str) -> Ask {
    Ask {
        custodians: Some(pair.map(str::to_owned).to_vec()),
        ..ask(warrant, "in-common")
    }
}

/// Whom an institution has from the scenes, in SQL over everybody's tables.
fn set_of(institution: &str, scenes: &[SceneView]) -> String {
    let any = |of: &dyn Fn(&SceneView) -> String| {
        let all: Vec<String> = scenes.iter().map(of).collect();
        all.join(" OR ")
    };
    let time = |scene: &SceneView| format!("(at >= {} AND at < {})", scene.from_ms, scene.to_ms);
    match institution.split('_').next().unwrap() {
        "telecom" => format!(
            "SELECT DISTINCT s.id_number FROM subscribers s JOIN (SELECT * FROM calls WHERE {}) c \
             ON c.caller = s.phone AND c.institution = s.institution \
             WHERE s.id_number IS NOT NULL AND s.institution = '{institution}'",
            any(&at)
        ),
        "bank" => format!(
            "SELECT DISTINCT a.id_number FROM accounts a JOIN (SELECT * FROM transfers WHERE {}) t \
             ON t.to_account = a.account AND t.institution = a.institution \
             WHERE a.id_number IS NOT NULL AND a.institution = '{institution}'",
            any(&time)
        ),
        _ => format!(
            "SELECT DISTINCT holder_id_number FROM power_premises \
             WHERE holder_id_number IS NOT NULL AND ({})",
            any(&|scene| scene
                .cell
                .map_or("true".into(), |cell| format!("cell = {cell}")))
        ),
    }
}

fn in_both(city: &City, pair: [&str; 2], scenes: &[SceneView]) -> Vec<Vec<String>> {
    let [first, second] = pair.map(|institution| set_of(institution, scenes));
    city.sql(&format!("{first} INTERSECT {second}"))
}

/// Every pair of kinds gives what SQL over the pooled tables gives.
pub(super) fn in_common(city: &City) {
    let busiest = city.sql(
        "SELECT cell FROM calls WHERE cell IS NOT NULL GROUP BY cell ORDER BY count(*) DESC, cell LIMIT 1",
    );
    let cell = busiest[0][0].parse().ok();
    let scenes = [scene(None, 0, 2), scene(cell, 0, 30)];
    let warrant = city.warrant(&[], &scenes, 1_000);
    let mut found = 0;
    for pair in [
        ["bank_a", "telecom_a"],
        ["power", "telecom_b"],
        ["bank_a", "bank_b"],
        ["telecom_a", "telecom_b"],
    ] {
        let wanted = in_both(city, pair, &scenes);
        if wanted.is_empty() {
            continue;
        }
        let (rows, answer) = city.same(of(pair, &warrant), wanted);
        assert_eq!(answer.tables[0].columns, ["id_number"]);
        found += rows;
    }
    assert!(found > 10, "{found} persons in all pairs");
    // Three sets, or all that may be asked, are no two.
    let police = city.world.police();
    let three = ["bank_a", "power", "telecom_a"].map(str::to_owned);
    let three = Ask {
        custodians: Some(three.to_vec()),
        ..ask(&warrant, "in-common")
    };
    for unfit in [three, ask(&warrant, "in-common")] {
        let refused = police.act(&Act::Ask(unfit));
        city.world
            .assert_denied(&warrant, "parameter-unfit", refused);
    }
}

/// The rule by which a member refuses a call, once it has seen that the question runs.
async fn refusal_of(net: &net::Net, peer: primitives::PublicKey, call: &Call) -> String {
    let began = std::time::Instant::now();
    loop {
        match call_of(net, peer, call).await {
            Err(rule) if rule == "not-running" => {
                assert!(began.elapsed() < LIMIT, "the bank never saw it run");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(rule) => return rule,
            Ok(replies) => panic!("{call:?} was answered with {} frames", replies.len()),
        }
    }
}

/// Over the cap, or where the count alone was asked for, no list leaves its holder; nor
/// does it leave for anybody but the requester, or before the count.
pub(super) fn lists_stay_until_the_count(city: &City) {
    let world = &city.world;
    let pair = ["bank_a", "telecom_a"];
    let scenes = [scene(None, 0, 30)];
    let warrant = city.warrant(&[], &scenes, 2);
    let wanted = in_both(city, pair, &scenes).len() as u64;
    assert!(wanted > 2);
    let police = world.police();
    for count_only in [false, true] {
        let question = world.ask(Ask {
            count_only,
            ..of(pair, &warrant)
        });
        world.approve_all(&question);
        let view = world.phase(&police, &question, &["counted", "completed", "aborted"]);
        assert_eq!(view.phase, "counted", "{:?}", view.cause);
        assert_eq!(view.count.unwrap().rows, wanted);
        assert!(police.answer(&question).is_err());
    }
    // The other holder asks for what is not its own.
    let question = world.ask(of(pair, &warrant));
    world.held_up(&question);
    world.network.stop(&id("telecom_a"));
    play(world, "telecom_a", async |villain: Villain| {
        // The bank may have lost it in the middle of a comparison, and call again.
        let listen = villain.config.listen.exchange;
        let net = villain
            .channels(&villain.keys, listen, Arc::new(Busy))
            .await;
        let question = question.parse().unwrap();
        let bank = villain.key_of("bank_a");
        let table = "payees".to_owned();
        for (call, rule) in [
            (
                Call::Shares {
                    question,
                    table,
                    part: 0,
                },
                "joint",
            ),
            (Call::Part { question }, "separation-of-duties"),
            (Call::Count { question }, "separation-of-duties"),
            (Call::Progress { question }, "separation-of-duties"),
        ] {
            let refused = refusal_of(&net, bank, &call).await;
            assert_eq!(refused, rule);
        }
        net.stop(Duration::from_secs(1)).await;
    });
    for member in ["telecom_a", "police"] {
        world.network.start(&id(member)).unwrap();
        let healthy = world.network.wait_healthy(&id(member), LIMIT, &world.stop);
        healthy.unwrap();
    }
    let view = world.phase(&world.police(), &question, &["counted", "aborted"]);
    assert_eq!(view.phase, "counted", "{:?}", view.cause);
}

/// Each of the three is killed while sets are compared, and the answer is the same.
pub(super) fn killed_while_comparing(city: &City) {
    let pair = ["bank_a", "telecom_a"];
    let scenes = [scene(None, 0, 30)];
    let warrant = city.warrant(&[], &scenes, 1_000);
    let wanted: BTreeSet<Vec<String>> = in_both(city, pair, &scenes).into_iter().collect();
    for (victim, after_ms) in [
        ("telecom_a", 200),
        ("procuratorate", 700),
        ("bank_a", 1_500),
    ] {
        let question = city.world.ask(of(pair, &warrant));
        city.world.approve_all(&question);
        std::thread::sleep(Duration::from_millis(after_ms));
        city.world.network.kill(&id(victim));
        city.world.network.start(&id(victim)).unwrap();
        let police = city.world.police();
        let view = city
            .world
            .phase(&police, &question, &["completed", "aborted"]);
        let log = city.world.log(victim);
        assert_eq!(view.phase, "completed", "{victim}: {:?}\n{log}", view.cause);
        assert_eq!(
            city.opened(&question),
            wanted,
            "{victim} after {after_ms} ms"
        );
    }
}
