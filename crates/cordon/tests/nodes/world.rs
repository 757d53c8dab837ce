//! A network of seven real nodes, its officers, and the acts of a case.
//!
//! *Invariants*: one network at a time on this machine; every wait is for an
//! event with a limit; a failure quotes the log of the node that it was about.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    fs::File,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use cordon::{
    client::Client,
    demo::network::{MemberSpec, Network, NetworkSpec},
    failure::{Failure, Family},
    stop::Stop,
};
use docket::{Duty, Role, charter::CharterLimits};
use node::{
    api::types::{
        Act, Ask, DraftWarrant, IssueWarrant, NodeStatus, Publish, QuestionView, Recorded,
    },
    config::{Config, Log, files},
    keystore::{NodeKeys, Passphrase},
};
use primitives::InstitutionId;
use tempfile::TempDir;

use crate::tables;

/// The longest wait for anything that should happen.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);
/// The four custodians with tables.
pub(crate) const CUSTODIANS: [&str; 4] = ["bank_a", "bank_b", "telecom_a", "telecom_b"];
/// All members: seven, of which two may be down.
pub(crate) const MEMBERS: [(&str, &[Role]); 7] = [
    ("police", &[Role::Requester]),
    ("procuratorate", &[Role::Authority, Role::Overseer]),
    // A requester that holds data too, as some institutions are.
    ("customs", &[Role::Requester, Role::Custodian]),
    ("telecom_a", &[Role::Custodian]),
    ("telecom_b", &[Role::Custodian]),
    ("bank_a", &[Role::Custodian]),
    ("bank_b", &[Role::Custodian]),
];

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_cordon");

pub(crate) fn id(text: &str) -> InstitutionId {
    text.parse().unwrap()
}

/// A network that runs, and the folder of its data.
pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) stop: Stop,
    folder: TempDir,
    /// Held for as long as the network runs.
    _turn: File,
}

/// Waits until no other test on this machine runs a network.
fn turn() -> File {
    let path = std::env::temp_dir().join("cordon-nodes-tests.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .unwrap();
    file.lock().unwrap();
    file
}

impl World {
    /// Seven nodes that agree, nobody enrolled, nothing published.
    pub(crate) fn bare() -> Self {
        Self::of(&MEMBERS)
    }

    /// These members' nodes, nobody enrolled, nothing published.
    pub(crate) fn of(members: &[(&str, &[Role])]) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), members, PROGRAM.into())
    }

    /// These members' nodes in a folder, run by a program that becomes `cordon`.
    pub(crate) fn in_folder(
        folder: TempDir,
        members: &[(&str, &[Role])],
        program: PathBuf,
    ) -> Self {
        let turn = turn();
        let member = |(name, roles): &(&str, &[Role])| MemberSpec::new(id(name), name, roles);
        let network = Network::found(NetworkSpec {
            dir: folder.path().join("network"),
            program,
            name: "Tests".into(),
            members: members.iter().map(member).collect(),
            limits: CharterLimits::default(),
            log: Log::default(),
        })
        .unwrap();
        let world = Self {
            network,
            stop: Stop::quiet(),
            folder,
            _turn: turn,
        };
        world.begin();
        world
    }

    /// The nodes of a network that an older program left in `folder`, with the officers
    /// whose keys lie in its `officers`.
    pub(crate) fn reopened(folder: TempDir, program: PathBuf) -> Self {
        let turn = turn();
        let dir = folder.path().join("network");
        let network = Network::reopen(&dir, program, &folder.path().join("officers"));
        let world = Self {
            network: network.unwrap(),
            stop: Stop::quiet(),
            folder,
            _turn: turn,
        };
        world.begin();
        world
    }

    fn begin(&self) {
        self.network.start_all().unwrap();
        self.network
            .wait_all_healthy(LIMIT, &self.stop)
            .unwrap_or_else(|e| panic!("{e}"));
    }

    /// Seven nodes with officers: nobody has two duties but customs' one officer.
    pub(crate) fn with_officers() -> Self {
        let world = Self::bare();
        let mut officers = vec![
            ("police", "investigator", vec![Duty::Investigator]),
            ("procuratorate", "judge", vec![Duty::Judge]),
            ("procuratorate", "auditor", vec![Duty::Auditor]),
            ("customs", "both", vec![Duty::Investigator, Duty::Approver]),
        ];
        officers.extend(CUSTODIANS.map(|custodian| (custodian, "approver", vec![Duty::Approver])));
        world.enrol(officers);
        world
    }

    /// Enrols officers, all at once.
    pub(crate) fn enrol(&self, officers: Vec<(&str, &str, Vec<Duty>)>) {
        together(officers, |(institution, handle, duties)| {
            self.network
                .enrol(&id(institution), &handle.parse().unwrap(), &duties)
                .unwrap();
        });
    }

    /// Seven nodes with officers and the small tables.
    pub(crate) fn with_tables() -> Self {
        let world = Self::with_officers();
        let files = tables::write(world.folder());
        world.publish(&files);
        world
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Publishes and snapshots tables, every custodian on its own thread.
    pub(crate) fn publish(&self, files: &[(&str, &str, PathBuf)]) {
        let institutions: BTreeSet<&str> = files.iter().map(|(name, ..)| *name).collect();
        together(institutions.into_iter().collect(), |institution| {
            let client = self.network.operator(&id(institution)).unwrap();
            for (_, dataset, path) in files.iter().filter(|(name, ..)| *name == institution) {
                let publish = Publish {
                    dataset: (*dataset).into(),
                    source: path.display().to_string(),
                    source_table: None,
                    table: None,
                    spec: None,
                };
                self.publish_one(&client, &publish);
            }
        });
    }

    /// Publishes and snapshots the tables of a city that an institution holds, as
    /// they are described there.
    pub(crate) fn publish_city(&self, city: &Path, institutions: &[&str]) {
        together(institutions.to_vec(), |institution| {
            let client = self.network.operator(&id(institution)).unwrap();
            for spec in data::city::datasets(city, institution) {
                let publish = Publish {
                    dataset: spec.kind.clone(),
                    source: String::new(),
                    source_table: None,
                    table: None,
                    spec: Some(toml::to_string(&spec).unwrap()),
                };
                self.publish_one(&client, &publish);
            }
        });
    }

    fn publish_one(&self, client: &Client, publish: &Publish) {
        let dataset = &publish.dataset;
        client
            .publish(publish)
            .unwrap_or_else(|e| panic!("{dataset}: {e}"));
        let job = client.snapshot(dataset).unwrap();
        let done = self.until("the snapshot", || {
            let view = client.job(&job.job)?;
            Ok((view.phase != "running").then_some(view))
        });
        assert_eq!(done.phase, "done", "{dataset}: {:?}", done.error);
    }

    pub(crate) fn officer(&self, institution: &str, handle: &str) -> Client {
        self.network
            .officer(&id(institution), &handle.parse().unwrap())
            .unwrap()
    }

    pub(crate) fn police(&self) -> Client {
        self.officer("police", "investigator")
    }

    pub(crate) fn judge(&self) -> Client {
        self.officer("procuratorate", "judge")
    }

    pub(crate) fn auditor(&self) -> Client {
        self.officer("procuratorate", "auditor")
    }

    /// A member's configuration.
    pub(crate) fn config(&self, institution: &str) -> Config {
        Config::read(self.network.home(&id(institution)).unwrap()).unwrap()
    }

    /// A member's keys, which the test made and can open.
    pub(crate) fn keys(&self, institution: &str) -> NodeKeys {
        NodeKeys::read(
            &self.config(institution).file(files::KEYS),
            &self.passphrase(),
        )
        .unwrap()
    }

    pub(crate) fn passphrase(&self) -> Passphrase {
        Passphrase::new(std::fs::read_to_string(self.network.passphrase_file()).unwrap())
    }

    /// Looks until there is something, at most [`LIMIT`]; in vain, every node's log is
    /// shown.
    pub(crate) fn until<T>(
        &self,
        what: &str,
        look: impl FnMut() -> Result<Option<T>, Failure>,
    ) -> T {
        self.stop.wait(what, LIMIT, look).unwrap_or_else(|failure| {
            for institution in self.network.institutions() {
                eprintln!("{}", self.network.log_tail(institution));
            }
            panic!("{what}: {failure}")
        })
    }

    /// Does an act, waiting for bodies that are on their way.
    pub(crate) fn act(&self, client: &Client, act: &Act) -> Result<Recorded, Failure> {
        self.stop.wait("the act", LIMIT, || match client.act(act) {
            Err(failure) if failure.rule == "body-missing" => Ok(None),
            done => done.map(Some),
        })
    }

    /// Has a draft drafted.
    pub(crate) fn draft(&self, draft: DraftWarrant) -> String {
        let recorded = self.act(&self.police(), &Act::DraftWarrant(draft)).unwrap();
        recorded.warrant.unwrap()
    }

    /// Has a draft issued.
    pub(crate) fn issue(&self, warrant: &str) -> Recorded {
        let judge = self.judge();
        self.until("the draft", || {
            let drafts = judge.inbox()?.drafts;
            Ok(drafts.into_iter().find(|draft| draft.warrant == warrant))
        });
        let issue = IssueWarrant {
            warrant: warrant.into(),
            ..IssueWarrant::default()
        };
        self.act(&judge, &Act::IssueWarrant(issue)).unwrap()
    }

    /// Drafts and issues a warrant.
    pub(crate) fn warrant(&self, draft: DraftWarrant) -> String {
        let warrant = self.draft(draft);
        self.issue(&warrant);
        self.until("the warrant at the police", || {
            let view = self
                .police()
                .warrants()?
                .into_iter()
                .find(|view| view.warrant == warrant);
            Ok(view.filter(|view| view.phase == "issued"))
        });
        warrant
    }

    /// Asks a question and gives its id.
    pub(crate) fn ask(&self, ask: Ask) -> String {
        self.act(&self.police(), &Act::Ask(ask))
            .unwrap_or_else(|e| panic!("{e}"))
            .record
    }

    /// Waits until every custodian of a question holds its plan; then nobody
    /// needs the requester to decide. Gives the custodians.
    pub(crate) fn delivered(&self, question: &str) -> Vec<String> {
        let view = self.police().question(question).unwrap();
        let custodians: Vec<String> = view.decisions.into_keys().collect();
        for custodian in &custodians {
            self.delivered_to(custodian, question);
        }
        custodians
    }

    /// Waits until a custodian holds a question's plan.
    pub(crate) fn delivered_to(&self, custodian: &str, question: &str) {
        let approver = self.officer(custodian, "approver");
        self.until("the plan at the custodian", || {
            Ok(approver
                .question(question)
                .ok()
                .filter(|view| !view.plan_en.is_empty()))
        });
    }

    /// Has a custodian approve.
    pub(crate) fn approve(&self, custodian: &str, question: &str) -> Recorded {
        let approver = self.officer(custodian, "approver");
        self.until("the question at the custodian", || {
            let questions = approver.inbox()?.questions;
            Ok(questions.into_iter().find(|view| view.question == question))
        });
        let act = Act::Approve {
            question: question.into(),
        };
        self.act(&approver, &act)
            .unwrap_or_else(|e| panic!("{custodian}: {e}"))
    }

    /// Has every custodian of a question approve, all at once.
    pub(crate) fn approve_all(&self, question: &str) {
        let view = self.police().question(question).unwrap();
        together(view.decisions.into_keys().collect(), |custodian| {
            self.approve(&custodian, question);
        });
    }

    /// Waits until a question has come to one of these phases, as a node sees it.
    pub(crate) fn phase(&self, client: &Client, question: &str, phases: &[&str]) -> QuestionView {
        self.until(&format!("the question to be {phases:?}"), || {
            let view = client.question(question)?;
            Ok(phases.contains(&view.phase.as_str()).then_some(view))
        })
    }

    /// Waits until every custodian has committed its inputs, as one of them sees it.
    pub(crate) fn bound(&self, custodian: &str, question: &str) {
        let client = self.officer(custodian, "approver");
        self.until("the inputs", || {
            let view = client.question(question)?;
            Ok((view.inputs.len() == view.decisions.len()).then_some(()))
        });
    }

    /// Has every custodian of a question approve and commit its inputs while the police's
    /// node is down, which must be started for the run to begin.
    pub(crate) fn held_up(&self, question: &str) {
        let custodians = self.delivered(question);
        self.network.stop(&id("police"));
        for custodian in &custodians {
            self.approve(custodian, question);
        }
        for custodian in &custodians {
            self.bound(custodian, question);
        }
    }

    /// The bundle of an answer whose export is on record.
    pub(crate) fn bundle(&self, police: &Client, question: &str) -> Vec<u8> {
        self.until("the bundle", || match police.bundle(question) {
            Err(failure) if failure.retry => Ok(None),
            other => other.map(Some),
        })
    }

    /// Runs a question to its opened answer.
    pub(crate) fn answer(&self, ask: Ask) -> node::api::types::AnswerView {
        let question = self.ask(ask);
        self.approve_all(&question);
        let police = self.police();
        let view = self.phase(&police, &question, &["completed", "aborted", "declined"]);
        assert_eq!(
            view.phase,
            "completed",
            "{:?}\n{}",
            view.cause,
            self.log("police")
        );
        self.act(
            &police,
            &Act::OpenAnswer {
                question: question.clone(),
            },
        )
        .unwrap();
        police.answer(&question).unwrap()
    }

    pub(crate) fn log(&self, institution: &str) -> String {
        self.network.log_tail(&id(institution))
    }

    pub(crate) fn status(&self, institution: &str) -> Option<NodeStatus> {
        self.network.nobody(&id(institution)).unwrap().status().ok()
    }

    /// Waits until these nodes have the same log, and gives its root.
    pub(crate) fn same_root(&self, institutions: &[&str]) -> String {
        let mut before: Option<String> = None;
        self.until("the same root everywhere", || {
            let roots: Option<BTreeSet<String>> = institutions
                .iter()
                .map(|name| {
                    self.status(name)
                        .map(|s| format!("{} {}", s.records, s.root))
                })
                .collect();
            let roots = roots.unwrap_or_default();
            let one = (roots.len() == 1)
                .then(|| roots.into_iter().next())
                .flatten();
            // Seen twice: nothing is on its way any more.
            let settled = one.is_some() && one == before;
            before = one.clone();
            Ok(one.filter(|_| settled))
        })
    }

    /// Holds that an act was refused by a rule, with a denial in the docket.
    pub(crate) fn assert_denied<T: Debug>(
        &self,
        warrant: &str,
        rule: &str,
        result: Result<T, Failure>,
    ) {
        let failure = assert_refused(rule, result);
        let record = failure
            .record
            .unwrap_or_else(|| panic!("no denial of {rule} is recorded"));
        let denial = self.until("the denial in the docket", || {
            let records = self.auditor().docket(warrant)?.records;
            Ok(records.into_iter().find(|view| view.record == record))
        });
        assert_eq!(denial.kind, "denied");
        assert!(denial.text_en.contains(rule), "{}", denial.text_en);
    }
}

/// Holds that something was refused by a rule.
#[track_caller]
pub(crate) fn assert_refused<T: Debug>(rule: &str, result: Result<T, Failure>) -> Failure {
    let failure = result.expect_err(&format!("`{rule}` should refuse this"));
    assert_eq!(failure.family, Family::Refusal, "{failure}");
    assert_eq!(failure.rule, rule, "{failure}");
    failure
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Does the same for each item, all at once.
pub(crate) fn together<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync) {
    let work = &work;
    thread::scope(|scope| {
        for item in items {
            scope.spawn(move || work(item));
        }
    });
}

/// A draft over the small tables: three templates, two hops, three runs, a day.
pub(crate) fn draft(custodians: &[&str], subjects: &[&str]) -> DraftWarrant {
    let names = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    DraftWarrant {
        case: "case-1".into(),
        reason: "a report of fraud by telephone".into(),
        basis: "Criminal Procedure Law of the PRC, art. 144".into(),
        authority: "procuratorate".into(),
        templates: names(&["identify", "call-contacts", "follow-the-money"]),
        custodians: names(custodians),
        subjects: names(subjects),
        scenes: Vec::new(),
        window_from_ms: tables::FROM_MS,
        window_to_ms: tables::TO_MS,
        hops: 2,
        answer_cap: 1_000,
        runs: 3,
        not_before_ms: None,
        life_ms: 24 * 3_600_000,
    }
}

/// A question with nothing but its template.
pub(crate) fn ask(warrant: &str, template: &str) -> Ask {
    Ask {
        warrant: warrant.into(),
        template: template.into(),
        ..Ask::default()
    }
}
