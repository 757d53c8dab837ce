//! Validators down and back, and members that come and change their keys.
//!
//! Seven validators: two may be down, a third stops the network until one is
//! back; nothing that was waiting is lost.

use std::{
    fs::File,
    process::{Child, Command, Stdio},
};

use cordon::{
    client::{Client, Credential},
    failure::Family,
    found::{self, NewHome},
};
use docket::Role;
use node::{
    api::types::{Act, Membership, ProposalView, Recorded},
    config::{Config, Log, files},
    keystore::NodeKeys,
    rotation,
};
use primitives::SigningKey;

use crate::world::{LIMIT, MEMBERS, PROGRAM, World, assert_refused, id};

fn enrolment(handle: &str) -> Act {
    Act::EnrolOfficer {
        officer: handle.into(),
        key: SigningKey::generate().public().to_string(),
        duties: vec!["investigator".into()],
    }
}

/// Whether a node's members view shows an officer.
fn knows(world: &World, institution: &str, handle: &str) -> bool {
    let members = world
        .network
        .operator(&id(institution))
        .unwrap()
        .members()
        .unwrap_or_default();
    members
        .iter()
        .flat_map(|member| &member.officers)
        .any(|officer| officer.officer == handle)
}

#[test]
fn two_of_seven_down_and_it_goes_on_three_down_and_it_says_so_one_back_and_it_resumes() {
    let world = World::bare();
    let police = world.network.operator(&id("police")).unwrap();
    police.enrol(&enrolment("before")).unwrap();
    for down in ["bank_b", "customs"] {
        world.network.kill(&id(down));
    }
    for n in 0..3 {
        police.enrol(&enrolment(&format!("with-five-{n}"))).unwrap();
    }
    let missed = world.until("two missed members", || {
        Ok(world.status("police").filter(|status| status.heard == 5))
    });
    assert!(missed.healthy && missed.advice.is_none());
    world.network.kill(&id("telecom_b"));
    let unhealthy = world.until("three missed members", || {
        Ok(world.status("police").filter(|status| !status.healthy))
    });
    assert_eq!(
        (unhealthy.heard, unhealthy.quorum, unhealthy.members),
        (4, 5, 7)
    );
    assert!(
        unhealthy
            .advice
            .unwrap()
            .contains("start the missing nodes")
    );
    let stalled = police.enrol(&enrolment("waits")).unwrap_err();
    assert_eq!(
        (stalled.family, stalled.rule.as_str()),
        (Family::Trouble, "ledger-stalled")
    );
    assert!(
        stalled.retry
            && stalled
                .advice
                .unwrap()
                .contains("becomes final when enough members return")
    );
    assert!(!knows(&world, "police", "waits"));
    // Reading goes on.
    assert!(knows(&world, "telecom_a", "with-five-2"));
    world.network.start(&id("telecom_b")).unwrap();
    world.until("the record that waited", || {
        Ok(knows(&world, "telecom_b", "waits").then_some(()))
    });
    police.enrol(&enrolment("after")).unwrap();
    for back in ["bank_b", "customs"] {
        world.network.start(&id(back)).unwrap();
        world
            .network
            .wait_healthy(&id(back), LIMIT, &world.stop)
            .unwrap();
    }
    world.same_root(&MEMBERS.map(|(name, _)| name));
    assert!(knows(&world, "bank_b", "waits") && knows(&world, "customs", "after"));
}

/// A node's process beside the network's seven.
struct Eighth(Child);

impl Drop for Eighth {
    fn drop(&mut self) {
        // An error means that it had ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(world: &World, config: &Config) -> Eighth {
    let log = File::create(config.file("node.log")).unwrap();
    let mut command = Command::new(PROGRAM);
    command
        .args(["node", "--exit-with-parent", "--home"])
        .arg(&config.home)
        .arg("--passphrase-file")
        .arg(world.network.passphrase_file())
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    Eighth(command.spawn().unwrap())
}

fn operator(world: &World, config: &Config) -> Client {
    let token = std::fs::read_to_string(config.file(files::OPERATOR_TOKEN)).unwrap();
    Client::new(
        &format!("http://{}", config.listen.api),
        world.network.id(),
        config.institution.clone(),
        Credential::Operator(token.trim().into()),
    )
}

fn newcomer(world: &World) -> Config {
    let ports: Vec<_> = (0..3)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let ports: Vec<_> = ports
        .iter()
        .map(|port| port.local_addr().unwrap())
        .collect();
    let home = world.folder().join("bank_c");
    let new = NewHome {
        home: home.clone(),
        institution: id("bank_c"),
        name: "Bank C".into(),
        roles: [Role::Custodian].into(),
        ledger: ports[0],
        exchange: ports[1],
        api: ports[2],
        log: Log::default(),
    };
    found::make_home(&new, &world.passphrase()).unwrap();
    found::join(&home, world.network.charter()).unwrap();
    Config::read(&home).unwrap()
}

/// Proposes a change at the police, and has members vote until it is carried:
/// not by one vote less.
fn carry(world: &World, change: &Membership) {
    let police = world.network.operator(&id("police")).unwrap();
    let proposal = police
        .membership(change)
        .unwrap_or_else(|e| panic!("{e}"))
        .record;
    let open = |proposal: &str| {
        let views: Vec<ProposalView> = police.get("/v1/proposals").unwrap();
        views.into_iter().find(|view| view.proposal == proposal)
    };
    let needed = open(&proposal).unwrap().needed;
    assert_eq!(needed, world.status("police").unwrap().quorum);
    for (cast, (voter, _)) in MEMBERS.iter().take(needed).enumerate() {
        assert_eq!(open(&proposal).map(|view| view.yes.len()), Some(cast));
        let client = world.network.operator(&id(voter)).unwrap();
        let vote = Membership::Vote {
            proposal: proposal.clone(),
            yes: true,
        };
        let voted: Recorded = world.until("the vote", || match client.membership(&vote) {
            // The proposal is not on its ledger yet.
            Err(failure) if failure.rule == "membership" => Ok(None),
            other => other.map(Some),
        });
        assert_eq!(voted.kind, "change-voted");
        world.until("the vote at the police", || {
            let counted = open(&proposal).is_none_or(|view| view.yes.len() > cast);
            Ok(counted.then_some(()))
        });
    }
    assert!(open(&proposal).is_none());
}

fn approver(handle: &str) -> Act {
    Act::EnrolOfficer {
        officer: handle.into(),
        key: SigningKey::generate().public().to_string(),
        duties: vec!["approver".into()],
    }
}

#[test]
fn an_eighth_member_is_voted_in_and_changes_its_key() {
    let world = World::bare();
    let eighth = newcomer(&world);
    let client = operator(&world, &eighth);
    let mut process = start(&world, &eighth);
    admitted(&world, &eighth, &client);
    rotated(&world, &eighth, &client, &mut process);
    world.same_root(&MEMBERS.map(|(name, _)| name));
}

/// A newcomer follows the network; its word counts once it is voted in.
fn admitted(world: &World, eighth: &Config, client: &Client) {
    let card = found::read_json(&eighth.file(files::CARD)).unwrap();
    let follows = world.status("police").unwrap().records;
    world.until("the newcomer to follow", || {
        Ok(client
            .status()
            .ok()
            .filter(|status| status.records >= follows))
    });
    assert_refused("signer-unknown", client.enrol(&approver("early")));
    carry(world, &Membership::Admit { card });
    let status = world.until("the admission", || {
        Ok(client
            .status()
            .ok()
            .filter(|status| status.members == 8 && status.healthy))
    });
    assert_eq!((status.quorum, status.epoch), (6, 1));
    client
        .enrol(&approver("first"))
        .unwrap_or_else(|e| panic!("{e}"));
    world.until("the newcomer's word", || {
        Ok(knows(world, "police", "first").then_some(()))
    });
}

/// A member's keys are renewed: the node takes the new ones by itself when the members
/// have voted, its store stays readable, and the old key is nobody's from then on.
fn rotated(world: &World, eighth: &Config, client: &Client, process: &mut Eighth) {
    let old = NodeKeys::read(&eighth.file(files::KEYS), &world.passphrase()).unwrap();
    publish(world, eighth);
    let card = rotation::prepare(eighth, &world.passphrase()).unwrap();
    carry(
        world,
        &Membership::Replace {
            card: Box::new(card.clone()),
        },
    );
    let key = card.institution.node_key;
    world.until("the rotation", || {
        let police = world.network.operator(&id("police")).unwrap();
        let known = police
            .members()?
            .iter()
            .any(|view| view.node_key == key.to_string());
        let epoch = world.status("police").map(|status| status.epoch);
        Ok((known && epoch == Some(2)).then_some(()))
    });
    world.until("the eighth with its new key", || {
        let keys = NodeKeys::read(&eighth.file(files::KEYS), &world.passphrase()).unwrap();
        Ok((keys.node.public() == key).then_some(()))
    });
    let fresh = NodeKeys::read(&eighth.file(files::KEYS), &world.passphrase()).unwrap();
    assert_eq!(fresh.store, old.store);
    let records = world.status("police").unwrap().records;
    world.until("the eighth's ledger", || {
        Ok(client
            .status()
            .ok()
            .filter(|status| status.healthy && status.members == 8 && status.records >= records))
    });
    assert!(
        process.0.try_wait().unwrap().is_none(),
        "one process all along"
    );
    client
        .enrol(&approver("second"))
        .unwrap_or_else(|e| panic!("{e}"));
    world.until("the new key's word", || {
        Ok(knows(world, "police", "second").then_some(()))
    });
    // The table's description is in the store, from before.
    cordon(world, eighth, &["dataset", "snapshot", "accounts"]);
}

/// Publishes a table of one account.
fn publish(world: &World, eighth: &Config) {
    let source = world.folder().join("accounts.csv");
    let table = "account,holder,id_number,phone,opened\n\
        6228018170772010000,Holder,431321199507215837,13334234785,2016-01-17\n";
    std::fs::write(&source, table).unwrap();
    let source = source.to_str().unwrap();
    cordon(
        world,
        eighth,
        &["dataset", "publish", "accounts", "--source", source],
    );
}

fn cordon(world: &World, home: &Config, args: &[&str]) {
    let output = Command::new(PROGRAM)
        .args(args)
        .arg("--home")
        .arg(&home.home)
        .arg("--passphrase-file")
        .arg(world.network.passphrase_file())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
}
