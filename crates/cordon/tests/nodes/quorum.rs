//! Validators down and back, and members that come and change their keys.
//!
//! Seven validators: two may be down, a third stops the network until one is
//! back; nothing that was waiting is lost.

use std::{
    fs::File,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use cordon::{
    client::{Client, Credential},
    failure::{Failure, Family},
    found::{self, NewHome},
};
use docket::{Duty, Role, charter::Card};
use node::{
    api::types::{Act, Membership, Recorded},
    config::{Config, Log, files},
    keystore::NodeKeys,
};
use primitives::SigningKey;

use crate::world::{LIMIT, MEMBERS, World, id};

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
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
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
        approve: Vec::new(),
        log: Log::default(),
    };
    found::make_home(&new, &world.passphrase()).unwrap();
    found::join(&home, world.network.charter()).unwrap();
    Config::read(&home).unwrap()
}

/// Proposes a change at the police, and has members vote until it is carried.
fn carry(world: &World, change: &Membership) {
    let police = world.network.operator(&id("police")).unwrap();
    let proposal = police
        .membership(change)
        .unwrap_or_else(|e| panic!("{e}"))
        .record;
    let needed = 5 + usize::from(world.status("police").unwrap().members > 7);
    for (voter, _) in MEMBERS.iter().take(needed) {
        let client = world.network.operator(&id(voter)).unwrap();
        let vote = Membership::Vote {
            proposal: proposal.clone(),
            yes: true,
        };
        let voted: Recorded = world.until("the vote", || match client.membership(&vote) {
            Err(failure) if !settled(&failure) => Ok(None),
            other => other.map(Some),
        });
        assert_eq!(voted.kind, "change-voted");
    }
}

/// Whether a vote failed for another reason than that the proposal is not here yet.
fn settled(failure: &Failure) -> bool {
    failure.family == Family::Refusal && failure.rule != "membership"
}

#[test]
fn an_eighth_member_is_voted_in_and_a_member_changes_its_key() {
    let world = World::bare();
    let eighth = newcomer(&world);
    let card: serde_json::Value = found::read_json(&eighth.file(files::CARD)).unwrap();
    let process = start(&world, &eighth);
    let client = operator(&world, &eighth);
    world.until("the newcomer's node", || Ok(client.status().ok()));
    // Not a member yet: it may follow, and its word counts for nothing.
    let early = client.enrol(&Act::EnrolOfficer {
        officer: "early".into(),
        key: SigningKey::generate().public().to_string(),
        duties: vec!["approver".into()],
    });
    assert!(early.is_err());
    // One vote too few does not carry it: four of seven.
    carry(&world, &Membership::Admit { card });
    let members = world.until("the admission", || {
        Ok(client
            .status()
            .ok()
            .filter(|status| status.members == 8 && status.healthy))
    });
    assert_eq!((members.quorum, members.epoch), (6, 1));
    let enrolled = client.enrol(&Act::EnrolOfficer {
        officer: "approver".into(),
        key: SigningKey::generate().public().to_string(),
        duties: vec!["approver".into()],
    });
    enrolled.unwrap_or_else(|e| panic!("{e}"));
    assert!(knows(&world, "police", "approver"));

    // The eighth's key is replaced: the old one is nobody's from then on.
    let keys = NodeKeys::read(&eighth.file(files::KEYS), &world.passphrase()).unwrap();
    let fresh = NodeKeys {
        node: SigningKey::generate(),
        ..keys.clone()
    };
    let old: Card = found::read_json(&eighth.file(files::CARD)).unwrap();
    let mut institution = old.institution;
    institution.node_key = fresh.node.public();
    let card = Card::sign(institution, &fresh.node).unwrap();
    let value = serde_json::to_value(&card).unwrap();
    carry(&world, &Membership::Replace { card: value });
    drop(process);
    std::fs::rename(eighth.file(files::KEYS), eighth.file("keys.old")).unwrap();
    fresh
        .write(&eighth.file(files::KEYS), &world.passphrase())
        .unwrap();
    found::write_json(&eighth.file(files::CARD), &card).unwrap();
    let process = start(&world, &eighth);
    world.until("the rotation", || {
        let views = world.network.operator(&id("police")).unwrap().members()?;
        let view = views.into_iter().find(|view| view.institution == "bank_c");
        let known = view.is_some_and(|view| view.node_key == fresh.node.public().to_string());
        Ok((known
            && world
                .status("police")
                .is_some_and(|status| status.epoch == 2))
        .then_some(()))
    });
    world.until("the eighth with its new key", || {
        Ok(client
            .status()
            .ok()
            .filter(|status| status.healthy && !status.syncing))
    });
    let by_new = client.enrol(&Act::EnrolOfficer {
        officer: "second".into(),
        key: SigningKey::generate().public().to_string(),
        duties: vec!["approver".into()],
    });
    by_new.unwrap_or_else(|e| panic!("{e}"));
    // With its old keys it is a stranger: it may listen to nobody.
    drop(process);
    fresh_to_old(&eighth);
    let process = start(&world, &eighth);
    thread::sleep(Duration::from_millis(1));
    let before = world.status("police").unwrap().records;
    world
        .network
        .operator(&id("police"))
        .unwrap()
        .enrol(&enrolment("last"))
        .unwrap();
    assert!(world.status("police").unwrap().records > before);
    let old_word = client.enrol(&Act::EnrolOfficer {
        officer: "third".into(),
        key: SigningKey::generate().public().to_string(),
        duties: vec!["approver".into()],
    });
    assert!(old_word.is_err(), "a retired key's word counts for nothing");
    drop(process);
    world.same_root(&MEMBERS.map(|(name, _)| name));
    let _: Duty = Duty::Registrar;
}

fn fresh_to_old(config: &Config) {
    std::fs::rename(config.file(files::KEYS), config.file("keys.new")).unwrap();
    std::fs::rename(config.file("keys.old"), config.file(files::KEYS)).unwrap();
}
