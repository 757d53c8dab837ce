//! A joint question played on the small network: two telecoms and the procuratorate
//! compute, the police gives a table of its own and gets the answer.

use std::collections::BTreeMap;

use docket::Role;
use docket::body::{Opened, Scene};
use docket::joint::{Field, Form, session, transcript};
use docket::plan::{
    Answer, AnswerRow, AnswerTable, Cell, JointInput, JointPlan, JointProof, Leak, Method, Part,
    Plan, PlanCustodian,
};
use docket::statement::{
    Asked, Attestation, Count, Joint, QuestionAsked, Statement, TableCommitment,
};
use primitives::{Digest, InstitutionId, TemplateId, WarrantId};

use super::world::{
    FOUNDERS, HOUR_MS, Options, Played, START_MS, TELECOMS, World, id, institution, key, plan,
};

/// Who computes, in the question's order.
pub(crate) const COMPUTING: [&str; 3] = ["telecom_b", "procuratorate", "telecom_a"];
/// Who gives a table.
const OWNERS: [&str; 4] = ["telecom_a", "telecom_b", "procuratorate", "police"];
const TEMPLATE: &str = "risk-propagation";
/// Rows of the answer.
const ROWS: usize = 3;

/// How a joint case departs from the lawful one, and where.
#[derive(Clone, Copy)]
pub(crate) struct Departs {
    pub(crate) plan: fn(&mut Plan),
    /// The question's record beside the plan's digest.
    pub(crate) asked: fn(&mut Joint),
    pub(crate) tables: fn(&str, &mut Vec<TableCommitment>),
    pub(crate) count: fn(&mut Count),
    /// The answer's words, a column each, before they are shared.
    pub(crate) words: fn(&mut Vec<Vec<u64>>),
    /// The parts that the three sign and give.
    pub(crate) signed: fn(&mut Vec<Part>),
    pub(crate) attested: fn(&mut Vec<Attestation>),
    /// What the requester writes down.
    pub(crate) answer: fn(&mut Answer),
}

impl Default for Departs {
    fn default() -> Self {
        Self {
            plan: |_| {},
            asked: |_| {},
            tables: |_, _| {},
            count: |_| {},
            words: |_| {},
            signed: |_| {},
            attested: |_| {},
            answer: |_| {},
        }
    }
}

/// A case with two scenes.
pub(crate) fn options() -> Options {
    let scene = |cell, hour: u64| Scene {
        cell,
        from_ms: START_MS - hour * HOUR_MS,
        to_ms: START_MS - (hour - 1) * HOUR_MS,
    };
    let scenes = vec![scene(None, 30), scene(Some(4_711), 20)];
    Options {
        template: TEMPLATE,
        scenes: scenes.clone(),
        own_scenes: scenes,
        scenes_said: 2,
        ..Options::default()
    }
}

fn field(name: &str, form: Form) -> Field {
    Field {
        name: name.into(),
        form,
    }
}

fn fields() -> Vec<Field> {
    let kind = "account".into();
    vec![
        field("", Form::Key { kind }),
        field("account", Form::Name),
        field("persons", Form::Number { bits: 20 }),
        field(
            "district",
            Form::Label {
                bits: 1,
                of: vec!["东<城>".into(), "西".into()],
            },
        ),
        field(
            "score",
            Form::Thousandths {
                bits: 40,
                fraction: 20,
            },
        ),
    ]
}

/// The answer's rows as they should read, in their order.
fn cells() -> Vec<Vec<Cell>> {
    let row = |account: &str, persons, district: &str, score| {
        vec![
            Cell::Text(account.into()),
            Cell::Int(persons),
            Cell::Text(district.into()),
            Cell::Int(score),
        ]
    };
    vec![
        row("6217000000000000001", 2, "东<城>", 1_500),
        row("6217000000000000002", 7, "西", 250),
        row("6217000000000000003", 1_048_575, "西", 0),
    ]
}

/// The same rows as the three hold them, a column each, in an order of their own.
fn words(session: &Digest) -> Vec<Vec<u64>> {
    let row = |account: &str, rest: [u64; 3]| {
        let key = mpc::joint::key::subject_key(session, "account", account.as_bytes());
        let name = mpc::joint::key::name_to_words(account.as_bytes(), 3).unwrap();
        [&key[..], &name, &rest].concat()
    };
    let rows: [Vec<u64>; ROWS] = [
        row("6217000000000000002", [7, 1, 1 << 18]),
        row("6217000000000000003", [1_048_575, 1, 0]),
        row("6217000000000000001", [2, 0, 3 << 19]),
    ];
    let columns = rows[0].len();
    (0..columns)
        .map(|at| rows.iter().map(|row| row[at]).collect())
        .collect()
}

/// The three's messages for these columns, by the words of the format.
pub(crate) fn parts(
    session: &Digest,
    (receiver, answer): (&str, &str),
    widths: &[u32],
    columns: &[Vec<u64>],
) -> Vec<Vec<u8>> {
    let rows = columns.first().map_or(0, Vec::len) as u64;
    let wide: Vec<u8> = widths.iter().flat_map(|w| w.to_be_bytes()).collect();
    let binding = Digest::of(
        "cordon/mpc/joint-answer/v1",
        &[
            &session.0,
            receiver.as_bytes(),
            answer.as_bytes(),
            &rows.to_be_bytes(),
            &wide,
        ],
    );
    let flat: Vec<u64> = columns.concat();
    let mask = |at: usize| {
        let width = widths[at / columns[0].len()];
        u64::MAX >> (64 - width.clamp(1, 64))
    };
    // Components 0 and 1 from a seed, the third is what is missing.
    let drawn = |component: u8, at: usize| {
        let digest = Digest::of("test/component", &[&[component], &at.to_le_bytes()]);
        u64::from_le_bytes(digest.0[..8].try_into().unwrap())
    };
    let component = |component: usize| -> Vec<u8> {
        let word = |(at, word): (usize, &u64)| {
            let (a, b) = (drawn(0, at) & mask(at), drawn(1, at) & mask(at));
            [a, b, word ^ a ^ b][component].to_le_bytes()
        };
        flat.iter().enumerate().flat_map(word).collect()
    };
    let part = |party: u8| {
        let (mine, next) = (usize::from(party), (usize::from(party) + 1) % 3);
        [&binding.0[..], &[party], &component(mine), &component(next)].concat()
    };
    [0, 1, 2].map(part).to_vec()
}

fn joint_plan(warrant: WarrantId, snapshots: &BTreeMap<&str, Digest>) -> Plan {
    let input = |table: &str, owner: &str| JointInput {
        table: table.into(),
        owner: id(owner),
        snapshots: snapshots.get(owner).copied().into_iter().collect(),
    };
    let custodian = |name: &&str| PlanCustodian {
        institution: id(name),
        tables: Vec::new(),
    };
    Plan {
        template: TemplateId::new(TEMPLATE).unwrap(),
        custodians: TELECOMS.iter().map(custodian).collect(),
        steps: Vec::new(),
        leaks: vec![Leak::TableSize, Leak::Count],
        joint: Some(JointPlan {
            computing: COMPUTING.map(id).to_vec(),
            scenes: options().scenes,
            inputs: vec![
                input("ledger", "telecom_a"),
                input("ledger", "telecom_b"),
                input("facts", "telecom_b"),
                input("subjects", "procuratorate"),
                input("phones", "police"),
            ],
            count_only: false,
            terms: BTreeMap::from([("iterations".into(), 3)]),
            fields: fields(),
            method: Method::Shares,
        }),
        ..plan(warrant, [Digest::default(); 2])
    }
}

/// The network whose police has tables of its own.
pub(crate) fn founded() -> World {
    let members = FOUNDERS.map(|name| {
        let mut member = institution(name);
        if name == "police" {
            member.roles.insert(Role::Custodian);
        }
        member
    });
    World::founded_by(members.to_vec(), &[])
}

impl World {
    /// Plays a joint case from draft to disclosure.
    pub(crate) fn play_joint(&mut self, options: &Options, departs: &Departs) -> Played {
        let owning = ["telecom_a", "telecom_b", "police"];
        let snapshots: BTreeMap<&str, Digest> =
            owning.map(|owner| (owner, self.snapshot(owner))).into();
        let warrant = WarrantId(*b"sixteen bytes id");
        let (issued, mut bodies) = self.order(warrant, options);
        let honest = joint_plan(warrant, &snapshots);
        let mut plan = honest.clone();
        (departs.plan)(&mut plan);
        let opened = Opened::new(&plan).unwrap();
        let question = self.ask_joint(warrant, issued, (&plan, &opened), &snapshots, departs);
        bodies.push((question, opened));
        let put = |world: &mut Self, who: &str, statement: Statement| {
            world.put(who, Some(warrant), vec![question], Vec::new(), statement)
        };
        for telecom in TELECOMS {
            let approved = Statement::Approved {
                question,
                plan: plan.digest().unwrap(),
                keys: Vec::new(),
                by_rule: None,
            };
            put(self, &format!("{telecom}/approver-1"), approved);
        }
        let inputs = &honest.joint.as_ref().unwrap().inputs;
        for owner in OWNERS {
            let own = inputs.iter().filter(|input| input.owner == id(owner));
            let table = |input: &JointInput| TableCommitment {
                table: input.table.clone(),
                rows: 1 << (6 + owner.len() % 5),
                shares: [b"0", b"1", b"2"]
                    .map(|share| Digest::plain(share))
                    .to_vec(),
            };
            let mut tables: Vec<_> = own.map(table).collect();
            (departs.tables)(owner, &mut tables);
            let statement = Statement::InputsCommitted {
                question,
                keys: Vec::new(),
                tables,
            };
            put(self, owner, statement);
        }
        let mut count = Count {
            rows: ROWS as u64,
            withheld: 4,
        };
        (departs.count)(&mut count);
        let said = count.transcript(&question);
        let statement = Statement::CountOpened {
            question,
            count,
            attestations: COMPUTING
                .map(|who| attestation(who, &question, said))
                .to_vec(),
        };
        put(self, "police", statement);
        let answer = self.answer(&plan, &question, departs);
        let signed = answer.joint.iter().flat_map(|proof| &proof.parts);
        let mut attestations = Vec::new();
        for ((seat, part), who) in (0..).zip(signed).zip(COMPUTING) {
            let said = transcript(&question, seat, &part.frames, &part.part);
            attestations.push(attestation(who, &question, said));
        }
        (departs.attested)(&mut attestations);
        let completed = Statement::RunCompleted {
            question,
            attestations,
            evaluated: Vec::new(),
        };
        let completed = put(self, "police", completed);
        let mut written = answer;
        (departs.answer)(&mut written);
        let opened = Opened::new(&written).unwrap();
        let statement = Statement::AnswerDisclosed {
            question,
            rows: u32::try_from(written.rows()).unwrap(),
        };
        let disclosed = self.put(
            "police/investigator-1",
            Some(warrant),
            vec![question, completed],
            vec![opened.part(vec![id("police")])],
            statement,
        );
        bodies.push((disclosed, opened));
        Played {
            warrant,
            question,
            bodies,
            lookups: Vec::new(),
        }
    }

    fn ask_joint(
        &mut self,
        warrant: WarrantId,
        issued: Digest,
        (plan, opened): (&Plan, &Opened),
        snapshots: &BTreeMap<&str, Digest>,
        departs: &Departs,
    ) -> Digest {
        let asked = |name: &str| Asked {
            institution: id(name),
            snapshots: snapshots.get(name).copied().into_iter().collect(),
        };
        let mut joint = Joint {
            computing: COMPUTING.map(id).to_vec(),
            owners: vec![asked("police"), asked("procuratorate")],
            count_only: false,
        };
        (departs.asked)(&mut joint);
        let statement = Statement::QuestionAsked(QuestionAsked {
            warrant: issued,
            template: plan.template.clone(),
            plan: plan.digest().unwrap(),
            custodians: TELECOMS.map(asked).to_vec(),
            hops: plan.hops,
            answer_cap: plan.answer_cap,
            joint: Some(joint),
        });
        let readers: Vec<InstitutionId> = FOUNDERS.map(id).to_vec();
        let follows: Vec<Digest> = [issued]
            .into_iter()
            .chain(snapshots.values().copied())
            .collect();
        let parts = vec![opened.part(readers)];
        let who = "police/investigator-1";
        self.put(who, Some(warrant), follows, parts, statement)
    }

    /// The answer as an honest requester puts it together, with the parts that the
    /// three gave.
    fn answer(&self, plan: &Plan, question: &Digest, departs: &Departs) -> Answer {
        let network = self.charter.network().unwrap();
        let session = session(&network, &plan.digest().unwrap(), question);
        let mut columns = words(&session);
        (departs.words)(&mut columns);
        let joint = plan.joint.clone().unwrap_or_else(|| JointPlan {
            computing: Vec::new(),
            scenes: Vec::new(),
            inputs: Vec::new(),
            count_only: false,
            terms: BTreeMap::new(),
            fields: fields(),
            method: Method::Shares,
        });
        let widths = joint.widths();
        let given = parts(&session, ("police", TEMPLATE), &widths, &columns);
        let part = |(seat, part): (u8, Vec<u8>)| Part {
            frames: Digest::plain(&[seat]),
            part,
            opened: Vec::new(),
        };
        let mut parts: Vec<Part> = (0..).zip(given).map(part).collect();
        (departs.signed)(&mut parts);
        let rows = cells().into_iter().map(|cells| AnswerRow {
            cells,
            origins: Vec::new(),
        });
        Answer {
            question: *question,
            template: plan.template.clone(),
            tables: vec![AnswerTable {
                step: 0,
                table: TEMPLATE.into(),
                columns: joint.columns(),
                rows: rows.collect(),
            }],
            joint: Some(JointProof { parts }),
        }
    }
}

pub(crate) fn attestation(who: &str, question: &Digest, transcript: Digest) -> Attestation {
    let message = Attestation::message(question, &transcript);
    Attestation {
        institution: id(who),
        transcript,
        signature: key(who).sign(Attestation::DOMAIN, &message),
    }
}
