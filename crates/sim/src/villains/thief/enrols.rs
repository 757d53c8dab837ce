//! What a stolen operator's token is worth against an institution's list of officers.
//!
//! Where no registrar is, whoever holds the token enrols in the node's name (ADR 0010):
//! everybody sees that the node did, and the officer so made can do what its duty lets it,
//! which without a warrant is nothing. Where two registrars hold passkeys, the token
//! enrols and retires nobody.

use docket::{CredentialId, Duty, OfficerId, Statement, state::WarrantPhase};
use node::api::types::Act;
use primitives::{SigningKey, WarrantId};
use serde_json::{Value, json};

use super::{
    super::{AGAIN, Attempt, TRIES_MAX, judge},
    ME, Thief, act,
    browser::{Kept, Reply, Seat, post},
};
use crate::{people::identify, world::sub};

/// An officer of the thief's making.
struct Puppet {
    n: usize,
    id: OfficerId,
    key: SigningKey,
}

impl Thief<'_> {
    /// Enrols officers with an operator's token.
    pub(crate) async fn enrols(&self) -> Option<()> {
        let police = self.investigator.n;
        let puppet = self.puppet(police, Duty::Investigator).await?;
        self.without_a_warrant(&puppet).await;
        self.past_registrars().await
    }

    fn stranger(&self, n: usize, duty: Duty) -> Puppet {
        let world = &self.office.world;
        let purpose = format!("a thief's {}", duty.name());
        Puppet {
            n,
            id: "puppet".parse().expect("a handle"),
            key: SigningKey::from_seed(&sub(world.seed, &purpose, n).0),
        }
    }

    /// Has an officer enrolled where no registrar is, as the node's own word.
    async fn puppet(&self, n: usize, duty: Duty) -> Option<Puppet> {
        let world = &self.office.world;
        let puppet = self.stranger(n, duty);
        let credential = CredentialId::Key(puppet.key.public());
        let known = |state: &docket::State| Some(state.officer(&credential)?.record);
        let attempt = async || {
            let done = self.enrol(&puppet, duty).await;
            let refused = done.filter(|done| !done.is_done());
            refused.map_or(Ok(()), |refused| Err(refused.rule().to_owned()))
        };
        let record = self.office.persist(n, "enrol", known, attempt).await?;
        // Whoever looks sees whose word it was.
        let core = world.core(n)?;
        let record = core.record(&record).ok()?.record;
        let by_node = record.header.institution == world.members[n].id
            && record.signer == CredentialId::Key(world.members[n].keys().node.public());
        let says = matches!(&record.header.statement, Statement::OfficerEnrolled { .. });
        let became = "the node's own word, for all to see";
        world.report.attempt(ME, "enrols with a token", became);
        if !by_node || !says {
            let detail = format!("an enrolment by a token that does not say so: {record:?}");
            world.report.broken("villainy", detail);
        }
        Some(puppet)
    }

    /// One request to enrol an officer by its key, with the operator's token.
    async fn enrol(&self, puppet: &Puppet, duty: Duty) -> Option<Reply> {
        let world = &self.office.world;
        let enrol = json!({
            "act": "enrol-officer",
            "officer": puppet.id.to_string(),
            "key": puppet.key.public().to_string(),
            "duties": [duty.name()],
        });
        let token = Kept::token(&world.operator_token(puppet.n));
        post(world, puppet.n, &token, "/v1/officers", &enrol).await
    }

    /// What such an officer is refused.
    async fn without_a_warrant(&self, puppet: &Puppet) {
        let none = WarrantId([7; 16]);
        let what = "asks without a warrant, as an officer of its own making";
        let rules = ["warrant-unknown"];
        self.by_puppet(puppet, what, identify(none), &rules).await;
        let draft = || {
            let state = self.office.state(puppet.n)?;
            let mut warrants = state.warrants();
            let found = warrants.find(|(_, known)| known.phase == WarrantPhase::Drafted);
            found.map(|(id, _)| *id)
        };
        // Where there is one: the officer's own, which no authority has seen.
        if let Some(draft) = draft() {
            let what = "asks under a draft, as an officer of its own making";
            self.by_puppet(puppet, what, identify(draft), &rules).await;
            let issue = act("issue-warrant", "warrant", draft, Value::Null);
            let issue = serde_json::from_value(issue).expect("an act");
            let what = "issues a warrant as an officer of its own making";
            self.by_puppet(puppet, what, issue, &["duty"]).await;
        }
    }

    /// Tries an act until a rule says no, or nobody does.
    async fn by_puppet(&self, puppet: &Puppet, what: &'static str, act: Act, rules: &[&str]) {
        let world = &self.office.world;
        let mut attempt = None;
        for _ in 0..TRIES_MAX {
            let who = (puppet.id.clone(), puppet.key.clone());
            match self.office.act_as(puppet.n, who, act.clone()).await {
                Ok(_) => {
                    attempt = Some(Attempt::Done(()));
                    break;
                }
                Err(rule) if rule == "no-answer" => {}
                Err(rule) => {
                    let expected = rules.contains(&&rule[..]);
                    attempt = Some(Attempt::Refused(rule));
                    if expected {
                        break;
                    }
                }
            }
            world.sleep(AGAIN).await;
        }
        judge(world, (ME, what), attempt, rules);
    }

    /// Two registrars with passkeys: the token has no word any more.
    async fn past_registrars(&self) -> Option<()> {
        let office = self.office;
        let world = &office.world;
        let bank = self.approver.n;
        let first = Seat::enrol(office, bank, Duty::Registrar).await?;
        let second = Seat::propose(office, bank, Duty::Registrar).await?;
        let credential = second.credential();
        let enrolled = |state: &docket::State| state.officer(&credential).map(|_| ());
        let confirm = async || {
            let state = office.state(bank).ok_or("no-answer")?;
            let nominee = state
                .nominees()
                .find(|(_, nominee)| nominee.credential.id() == credential);
            let Some((proposal, _)) = nominee else {
                return Err("proposal-unknown".to_owned());
            };
            let act = Act::ConfirmOfficer {
                proposal: proposal.to_string(),
            };
            first.act(office, &act).await;
            Ok(())
        };
        office.persist(bank, "enrol", enrolled, confirm).await?;
        let puppet = self.stranger(bank, Duty::Approver);
        let token = Kept::token(&world.operator_token(bank));
        let retire =
            json!({ "act": "retire-officer", "key": self.approver.credential().to_string() });
        let enrol = async |_| self.enrol(&puppet, Duty::Approver).await;
        let what = "enrols with a token past two registrars";
        self.judge(what, self.insist(&first, enrol).await, &["second-word"]);
        let retire = async |_| post(world, bank, &token, "/v1/officers", &retire).await;
        let what = "retires with a token past two registrars";
        self.judge(what, self.insist(&first, retire).await, &["second-word"]);
        Some(())
    }
}
