//! Warrants and the questions asked under them.

use std::time::Duration;

use docket::{Duty, State};
use node::api::types::{Act, Ask, DraftWarrant, IssueWarrant};
use primitives::WarrantId;

use super::{Docket, Office};
use crate::tables::{FROM_MS, TO_MS};

impl Office {
    /// The terms that the investigator asks for.
    pub(crate) fn draft(&self, case: &str, subjects: Vec<String>, life: Duration) -> DraftWarrant {
        let custodians = self.custodians();
        let name = |n: usize| self.world.members[n].id.to_string();
        DraftWarrant {
            case: case.into(),
            reason: "a reason".into(),
            basis: "article 1".into(),
            authority: "procuratorate".into(),
            templates: vec!["identify".into()],
            custodians: custodians.into_iter().map(name).collect(),
            subjects,
            scenes: Vec::new(),
            window_from_ms: FROM_MS,
            window_to_ms: TO_MS,
            hops: 1,
            answer_cap: 1_000,
            runs: 2,
            not_before_ms: None,
            life_ms: u64::try_from(life.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Has a warrant drafted and issued. `life` is that of the warrant.
    pub(crate) async fn warrant(
        &self,
        case: &'static str,
        subjects: Vec<String>,
        life: Duration,
    ) -> Option<WarrantId> {
        self.warrant_as_drafted(&self.draft(case, subjects, life))
            .await
    }

    /// Has a draft made and issued.
    pub(crate) async fn warrant_as_drafted(&self, draft: &DraftWarrant) -> Option<WarrantId> {
        let (police, court) = (
            self.world.place("police"),
            self.world.place("procuratorate"),
        );
        let all = |state: &State| Some(warrants(state));
        let before = self.persist(police, "draft", all, async || Ok(()));
        let before: Vec<WarrantId> = before.await?;
        let new = |state: &State| {
            let drafted = warrants(state);
            drafted.into_iter().find(|id| !before.contains(id))
        };
        let attempt = async || {
            let act = Act::DraftWarrant(draft.clone());
            self.act(police, Duty::Investigator, act).await.map(|_| ())
        };
        let id = self.persist(police, "draft", new, attempt).await?;
        let issued = |state: &State| state.warrant(&id)?.issued;
        let attempt = async || {
            let issue = IssueWarrant {
                warrant: id.to_string(),
                ..IssueWarrant::default()
            };
            let act = Act::IssueWarrant(issue);
            self.act(court, Duty::Judge, act).await.map(|_| ())
        };
        self.persist(court, "issue", issued, attempt).await?;
        Some(id)
    }

    /// Has a question asked under a warrant.
    pub(crate) async fn ask(&self, warrant: WarrantId) -> Option<Docket> {
        self.ask_by(warrant, &identify(warrant)).await
    }

    /// Has a warrant issued over some subjects in a case of its own, and its question asked.
    pub(crate) async fn another_case(&self, subjects: Vec<String>) -> Option<Docket> {
        let warrant = self.warrant("another case", subjects, crate::LIFE).await?;
        self.ask(warrant).await
    }

    /// Has a question of a template asked of some custodians alone, under a warrant of its
    /// own; `draft` and `ask` say what is not usual about the two.
    pub(crate) async fn ask_apart(
        &self,
        (case, template, of): (&str, &str, &[usize]),
        draft: impl FnOnce(&mut DraftWarrant),
        ask: impl FnOnce(&mut Ask),
    ) -> Option<Docket> {
        let mut terms = self.draft(case, Vec::new(), crate::LIFE);
        terms.templates = vec![template.into()];
        let custodians = of.iter().map(|n| self.world.members[*n].id.to_string());
        terms.custodians = custodians.collect();
        draft(&mut terms);
        let warrant = self.warrant_as_drafted(&terms).await?;
        let mut asked = usual(warrant);
        asked.template = template.into();
        ask(&mut asked);
        self.ask_by(warrant, &Act::Ask(asked)).await
    }

    /// Has a question asked under a warrant by an act.
    pub(crate) async fn ask_by(&self, warrant: WarrantId, ask: &Act) -> Option<Docket> {
        let police = self.world.place("police");
        let asked = |state: &State| state.warrant(&warrant)?.questions.keys().next().copied();
        let attempt = async || {
            self.act(police, Duty::Investigator, ask.clone())
                .await
                .map(|_| ())
        };
        let question = self.persist(police, "ask", asked, attempt).await?;
        Some(Docket { warrant, question })
    }
}

fn warrants(state: &State) -> Vec<WarrantId> {
    state.warrants().map(|(id, _)| *id).collect()
}

/// The question of whom the warrant's subjects are.
pub(crate) fn identify(warrant: WarrantId) -> Act {
    Act::Ask(usual(warrant))
}

fn usual(warrant: WarrantId) -> Ask {
    Ask {
        warrant: warrant.to_string(),
        template: "identify".into(),
        ..Ask::default()
    }
}
