//! A network with one case for whoever tries the API from outside: `cargo xtask api-fuzz`.
//!
//! Four real nodes; an officer of each duty at each; a table; a case from draft to
//! export, and a draft and a question that wait. One line of JSON says where the nodes
//! are and by which credentials they let in; the network lives until standard input
//! ends. Its keys are drawn for it and die with it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a stage for a test"
)]

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use cordon::{
    client::Client,
    demo::network::{MemberSpec, Network, NetworkSpec},
    failure::Failure,
    stop::Stop,
};
use docket::{Duty, Role, charter::CharterLimits};
use node::{
    api::types::{Act, Ask, DraftWarrant, IssueWarrant, Publish},
    config::{Config, Log, files},
};
use primitives::InstitutionId;
use serde_json::{Value, json};

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(90);
/// The members, and whom each has.
const MEMBERS: [(&str, &[Role], &[Duty]); 4] = [
    (
        "police",
        &[Role::Requester],
        &[Duty::Investigator, Duty::Registrar],
    ),
    (
        "procuratorate",
        &[Role::Authority, Role::Overseer],
        &[Duty::Judge, Duty::Auditor],
    ),
    (
        "telecom_a",
        &[Role::Custodian],
        &[Duty::Approver, Duty::Steward],
    ),
    ("bank_a", &[Role::Custodian], &[Duty::Approver]),
];

fn id(text: &str) -> InstitutionId {
    text.parse().unwrap()
}

struct Stage {
    network: Network,
    stop: Stop,
}

fn main() {
    let program = std::env::args().nth(1).map(PathBuf::from);
    let program = program.expect("usage: api-stage PROGRAM, the built `cordon`");
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::found(&folder.path().join("network"), program);
    let snapshot = stage.table(folder.path());
    let (warrant, question) = stage.case();
    let draft = stage.draft();
    let objects = json!({
        "warrants": [warrant, draft], "questions": [question.0, question.1],
        "snapshots": [snapshot], "jobs": ["1"],
    });
    let nodes: Vec<Value> = MEMBERS
        .iter()
        .map(|(name, _, duties)| stage.node(name, duties))
        .collect();
    let network = stage.network.id().to_string();
    println!(
        "{}",
        json!({"network": network, "objects": objects, "nodes": nodes})
    );
    let mut ended = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut ended);
}

impl Stage {
    fn found(dir: &Path, program: PathBuf) -> Self {
        let member =
            |(name, roles, _): &(&str, &[Role], &[Duty])| MemberSpec::new(id(name), name, roles);
        let network = Network::found(NetworkSpec {
            dir: dir.to_owned(),
            program,
            name: "Stage".into(),
            members: MEMBERS.iter().map(member).collect(),
            limits: CharterLimits::default(),
            log: Log::default(),
        })
        .unwrap();
        let stop = Stop::quiet();
        network.start_all().unwrap();
        network.wait_all_healthy(LIMIT, &stop).unwrap();
        for (name, _, duties) in MEMBERS {
            for duty in duties {
                let handle = duty.name().parse().unwrap();
                network.enrol(&id(name), &handle, &[*duty]).unwrap();
            }
        }
        Self { network, stop }
    }

    fn officer(&self, institution: &str, handle: &str) -> Client {
        let handle = handle.parse().unwrap();
        self.network.officer(&id(institution), &handle).unwrap()
    }

    /// Tries until the node has what it needs.
    fn act(&self, client: &Client, act: &Act) -> node::api::types::Recorded {
        let done = self.stop.wait("the act", LIMIT, || match client.act(act) {
            Err(failure) if failure.retry || failure.rule.ends_with("-unknown") => Ok(None),
            done => done.map(Some),
        });
        done.unwrap_or_else(|failure: Failure| panic!("{failure}"))
    }

    /// Publishes a table, and gives its snapshot.
    fn table(&self, folder: &Path) -> String {
        let path = folder.join("subscribers.csv");
        let rows = "phone,holder,id_number\n13800000001,Li,431321199507210016\n13800000002,Wang,431321199507210024\n";
        std::fs::write(&path, rows).unwrap();
        let operator = self.network.operator(&id("telecom_a")).unwrap();
        let publish = Publish {
            dataset: "subscribers".into(),
            source: path.display().to_string(),
            source_table: None,
            table: None,
            spec: None,
        };
        operator.publish(&publish).unwrap();
        let job = operator.snapshot("subscribers").unwrap();
        let done = self.stop.wait("the snapshot", LIMIT, || {
            let view = operator.job(&job.job)?;
            Ok((view.phase != "running").then_some(view))
        });
        done.unwrap().record.expect("a snapshot").record
    }

    fn drafted(&self) -> String {
        let draft = DraftWarrant {
            case: "stage".into(),
            reason: "a report of fraud by telephone".into(),
            basis: "Criminal Procedure Law of the PRC, art. 144".into(),
            authority: "procuratorate".into(),
            templates: vec!["identify".into()],
            custodians: vec!["telecom_a".into()],
            subjects: vec!["phone:+8613800000001".into()],
            scenes: Vec::new(),
            window_from_ms: 1_772_323_200_000,
            window_to_ms: 1_772_928_000_000,
            hops: 1,
            answer_cap: 100,
            runs: 3,
            not_before_ms: None,
            life_ms: 24 * 3_600_000,
        };
        let police = self.officer("police", "investigator");
        let recorded = self.act(&police, &Act::DraftWarrant(draft));
        recorded.warrant.unwrap()
    }

    /// A draft that waits for the judge.
    fn draft(&self) -> String {
        self.drafted()
    }

    /// A case to its export, and a second question that waits for its custodian.
    fn case(&self) -> (String, (String, String)) {
        let warrant = self.drafted();
        let issue = IssueWarrant {
            warrant: warrant.clone(),
            ..IssueWarrant::default()
        };
        let judge = self.officer("procuratorate", "judge");
        self.act(&judge, &Act::IssueWarrant(issue));
        let police = self.officer("police", "investigator");
        let ask = || {
            let ask = json!({"warrant": warrant, "template": "identify"});
            let ask: Ask = serde_json::from_value(ask).unwrap();
            self.act(&police, &Act::Ask(ask)).record
        };
        let question = ask();
        let of = |question: &String| question.clone();
        let approve = Act::Approve {
            question: of(&question),
        };
        self.act(&self.officer("telecom_a", "approver"), &approve);
        let ended = self.stop.wait("the run", LIMIT, || {
            let view = police.question(&question)?;
            Ok((view.phase == "completed").then_some(()))
        });
        ended.unwrap();
        let open = Act::OpenAnswer {
            question: of(&question),
        };
        self.act(&police, &open);
        let export = Act::ExportBundle {
            question: of(&question),
        };
        self.act(&police, &export);
        let waits = ask();
        (warrant, (question, waits))
    }

    /// Where a node is, and by what it lets in.
    fn node(&self, name: &str, duties: &[Duty]) -> Value {
        let home = self.network.home(&id(name)).unwrap();
        let config = Config::read(home).unwrap();
        let token = std::fs::read_to_string(home.join(files::OPERATOR_TOKEN)).unwrap();
        let officers: Vec<Value> = duties
            .iter()
            .map(|duty| {
                let handle = duty.name().parse().unwrap();
                let key = self.network.officer_key(&id(name), &handle).unwrap();
                let seed = hex::encode(*key.to_seed());
                json!({"duty": duty.name(), "key": key.public().to_string(), "seed": seed})
            })
            .collect();
        json!({
            "institution": name,
            "base": format!("http://{}", config.listen.api),
            "log": home.join("node.log"),
            "pid": self.network.children().pid(&id(name)),
            "operator": token.trim(),
            "officers": officers,
        })
    }
}
