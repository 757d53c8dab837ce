//! The case itself: warrant, questions, approvals, answers, refusals, bundle.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use docket::{Duty, OfficerId};
use node::api::types::{Act, AnswerView, Ask, ChangeRules, DraftWarrant, IssueWarrant, Recorded};
use primitives::InstitutionId;
use serde_json::Value;

mod answers;
mod choice;
mod ending;
mod scenes;

use answers::{asked, count, write_answer};
pub(crate) use choice::{Left, play_to_choice};
use ending::{bundle, docket, refusals, verify};

use super::{
    network::Network,
    scene::{ANSWER_CAP, Scene, approves_by_rule, rules},
    stage::Stage,
};
use crate::{
    client::Client,
    commands::question,
    failure::{Failure, Result},
    stop::Stop,
};

const TEMPLATES: [&str; 3] = ["identify", "call-contacts", "follow-the-money"];
/// What nobody approves by rule.
const BY_HAND: [&str; 2] = ["follow-the-money", scenes::TEMPLATE];
/// Life of the warrant.
const LIFE_MS: u64 = 24 * 3_600_000;
/// Time within which another institution's officer finds what waits for them.
const INBOX: Duration = Duration::from_secs(60);

/// What a played case left.
pub(crate) struct Played {
    /// The warrant.
    pub(crate) warrant: String,
    /// Questions by template.
    pub(crate) questions: BTreeMap<String, String>,
    /// Answer files by template.
    pub(crate) answers: BTreeMap<String, PathBuf>,
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// Counts of what was found.
    pub(crate) found: BTreeMap<String, u64>,
    /// What was refused on purpose.
    pub(crate) refusals: Vec<Value>,
}

/// The people of the case.
struct Seats<'a> {
    network: &'a Network,
    police: InstitutionId,
    authority: InstitutionId,
}

fn id(text: &str) -> Result<InstitutionId> {
    InstitutionId::new(text).map_err(Failure::usage)
}

fn handle(text: &str) -> Result<OfficerId> {
    text.parse().map_err(Failure::usage)
}

impl<'a> Seats<'a> {
    fn new(network: &'a Network) -> Result<Self> {
        Ok(Self {
            network,
            police: id("police")?,
            authority: id("procuratorate")?,
        })
    }

    fn investigator(&self) -> Result<Client> {
        self.network
            .officer(&self.police, &handle("investigator-1")?)
    }

    fn judge(&self) -> Result<Client> {
        self.network.officer(&self.authority, &handle("judge-1")?)
    }

    fn auditor(&self) -> Result<Client> {
        self.network.officer(&self.authority, &handle("auditor-1")?)
    }

    fn approver(&self, custodian: &InstitutionId) -> Result<Client> {
        self.network.officer(custodian, &handle("approver-1")?)
    }
}

/// Enrols an investigator, a judge, an auditor, and an approver at each custodian.
pub(crate) fn enrol(scene: &Scene, network: &Network, stage: &Stage) -> Result<()> {
    let mut officers = vec![
        (id("police")?, "investigator-1", Duty::Investigator),
        (id("procuratorate")?, "judge-1", Duty::Judge),
        (id("procuratorate")?, "auditor-1", Duty::Auditor),
    ];
    officers.extend(
        scene
            .custodians
            .iter()
            .map(|c| (c.clone(), "approver-1", Duty::Approver)),
    );
    together(&officers, |(institution, name, duty)| {
        network
            .enrol(institution, &handle(name)?, &[*duty])
            .map(|_| ())
    })?;
    let count = officers.len();
    stage.say(
        &format!("{count} officers with their own keys: nobody both asks, orders and approves"),
        &format!("{count} 名人员各持密钥：申请、决定与批准互相分离"),
    );
    Ok(())
}

/// Telecoms, power and water put their rules for small questions in force.
pub(crate) fn set_rules(scene: &Scene, network: &Network, stage: &Stage) -> Result<()> {
    let seats = Seats::new(network)?;
    let custodians: Vec<_> = scene
        .custodians
        .iter()
        .filter(|custodian| approves_by_rule(custodian))
        .collect();
    together(&custodians, |custodian| {
        let change = Act::ChangeRules(ChangeRules {
            replaces: None,
            rules: rules(scene),
            reason: "small questions come every day".into(),
        });
        seats.approver(custodian)?.act(&change).map(|_| ())
    })?;
    let count = custodians.len();
    stage.say(
        &format!("{count} custodians approve small questions by a rule that an officer signed"),
        &format!("{count} 家机构按经办人签署的规则批准小额查询"),
    );
    Ok(())
}

/// Does the same for each item, all at once.
fn together<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let threads: Vec<_> = items
            .iter()
            .map(|item| scope.spawn(|| work(item)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| {
                Err(Failure::trouble("thread", "a thread ended before its work"))
            })
        })
    })
}

/// Drafts the case's warrant, and leaves it to its judge.
///
/// # Errors
/// What a node refuses or where it fails.
pub(crate) fn draft_only(stage: &mut Stage, scene: &Scene, network: &Network) -> Result<String> {
    let seats = Seats::new(network)?;
    stage.step(
        "draft",
        "the police draft a warrant",
        "警方起草令状",
        |stage| draft(scene, &seats, stage),
    )
}

/// The warrant of the case, from its draft to the judge's order.
fn order(stage: &mut Stage, scene: &Scene, seats: &Seats<'_>, stop: &Stop) -> Result<String> {
    let warrant = stage.step(
        "draft",
        "the police draft a warrant",
        "警方起草令状",
        |stage| draft(scene, seats, stage),
    )?;
    stage.step(
        "issue",
        "a judge reads the draft and issues it",
        "检察官审阅并签发令状",
        |stage| issue(seats, &warrant, stage, stop),
    )?;
    Ok(warrant)
}

/// Plays the case.
///
/// # Errors
/// What a node refuses or where it fails.
pub(crate) fn play(
    stage: &mut Stage,
    scene: &Scene,
    network: &Network,
    folder: &Path,
    stop: &Stop,
) -> Result<Played> {
    let seats = Seats::new(network)?;
    let warrant = order(stage, scene, &seats, stop)?;
    let mut played = Played {
        warrant: warrant.clone(),
        questions: BTreeMap::new(),
        answers: BTreeMap::new(),
        bundle: folder.join("case.cordon"),
        found: BTreeMap::new(),
        refusals: Vec::new(),
    };
    let mut places = Vec::new();
    for template in TEMPLATES {
        let (en, zh) = title(template);
        stage.step(template, en, zh, |stage| {
            let answer = ask(scene, &seats, &warrant, template, stage, stop)?;
            if template == "call-contacts" {
                places = scenes::found(scene, &answer);
            }
            let path = folder.join(format!("{template}.json"));
            let asked = asked(scene, &warrant, template);
            write_answer(&path, &answer, &asked)?;
            count(scene, &answer, &mut played.found, stage);
            played
                .questions
                .insert(template.into(), answer.question.clone());
            played.answers.insert(template.into(), path);
            Ok(())
        })?;
    }
    if !places.is_empty() {
        stage.step(
            scenes::TEMPLATE,
            "which phones were where the calls came from?",
            "来电之处还有哪些电话？",
            |stage| {
                let answer = scenes::play(scene, &seats, places, stage, stop)?;
                let rows = answer
                    .tables
                    .iter()
                    .map(|table| table.rows.len() as u64)
                    .sum();
                played.found.insert("phones_at_the_scenes".into(), rows);
                let template = scenes::TEMPLATE.to_owned();
                played.questions.insert(template, answer.question);
                Ok(())
            },
        )?;
    }
    stage.step(
        "refusals",
        "what the warrant does not allow is refused",
        "令状之外的请求一律被拒",
        |stage| {
            played.refusals = refusals(scene, &seats, &warrant, stage)?;
            Ok(())
        },
    )?;
    let exported = played.questions["follow-the-money"].clone();
    stage.step("bundle", "export the evidence", "导出证据包", |stage| {
        bundle(&seats, &exported, &played.bundle, stage)
    })?;
    stage.step(
        "docket",
        "the overseer reads the docket",
        "监督机构查阅卷宗",
        |stage| docket(&seats, &warrant, stage),
    )?;
    stage.step(
        "verify",
        "check the bundle as a court would",
        "像法庭一样核验证据包",
        |stage| verify(network, &played.bundle, stage),
    )?;
    Ok(played)
}

fn title(template: &str) -> (&'static str, &'static str) {
    match template {
        "identify" => (
            "who holds these phones and accounts?",
            "这些电话和账户属于谁？",
        ),
        "call-contacts" => (
            "whom did these phones call, and whom did those?",
            "这些电话与谁通话，对方又与谁通话？",
        ),
        _ => ("where did the money go?", "钱款流向哪里？"),
    }
}

fn first_draft(scene: &Scene, seats: &Seats<'_>) -> DraftWarrant {
    let [window_from_ms, window_to_ms] = scene.window_ms;
    DraftWarrant {
        case: "fraud-1".into(),
        reason: "telephone fraud: victims paid accounts named on the phone".into(),
        basis: "Criminal Procedure Law of the PRC, art. 144".into(),
        authority: seats.authority.to_string(),
        templates: TEMPLATES.map(str::to_owned).to_vec(),
        custodians: scene.custodians.iter().map(ToString::to_string).collect(),
        subjects: scene.subjects.clone(),
        scenes: Vec::new(),
        window_from_ms,
        window_to_ms,
        hops: scene.call_hops.max(scene.money.hops),
        answer_cap: ANSWER_CAP,
        runs: u32::try_from(TEMPLATES.len()).unwrap_or(u32::MAX),
        not_before_ms: None,
        life_ms: LIFE_MS,
    }
}

fn drafted(recorded: &Recorded) -> Result<String> {
    recorded
        .warrant
        .clone()
        .ok_or_else(|| Failure::fault("api", "the node did not say which warrant it drafted"))
}

fn draft(scene: &Scene, seats: &Seats<'_>, stage: &Stage) -> Result<String> {
    let act = Act::DraftWarrant(first_draft(scene, seats));
    let warrant = drafted(&seats.investigator()?.act(&act)?)?;
    let count = scene.subjects.len();
    stage.say(
        &format!("warrant {warrant}: {count} subjects, which only police and procuratorate read"),
        &format!("令状 {warrant}：{count} 个对象，仅警方与检察院可见"),
    );
    Ok(warrant)
}

fn issue(seats: &Seats<'_>, warrant: &str, stage: &Stage, stop: &Stop) -> Result<()> {
    let judge = seats.judge()?;
    let draft = stop.wait("the draft", INBOX, || {
        let drafts = judge.inbox()?.drafts;
        Ok(drafts.into_iter().find(|draft| draft.warrant == warrant))
    })?;
    let act = Act::IssueWarrant(IssueWarrant {
        warrant: warrant.into(),
        ..IssueWarrant::default()
    });
    judge.act(&act)?;
    // The police's node may see the order a moment after the judge's.
    let police = seats.investigator()?;
    stop.wait("the order at the police", INBOX, || {
        let warrants = police.warrants()?;
        Ok(warrants
            .into_iter()
            .find(|known| known.warrant == warrant && known.phase == "issued"))
    })?;
    if draft.subjects == 0 {
        stage.say(
            "issued; custodians read the scenes, which are the order's, not the police's to change",
            "已签发；数据机构可见现场，现场由令状确定，警方不得更改",
        );
        return Ok(());
    }
    stage.say(
        &format!(
            "issued for {} runs and {} hops; custodians see blinded subjects, not whom they are",
            draft.runs, draft.hops
        ),
        &format!(
            "准予运行 {} 次、追踪 {} 跳；数据机构只见盲化后的对象",
            draft.runs, draft.hops
        ),
    );
    Ok(())
}

fn question_of(scene: &Scene, warrant: &str, template: &str) -> Ask {
    let money = (template == "follow-the-money").then_some(scene.money);
    Ask {
        warrant: warrant.into(),
        template: template.into(),
        hops: match template {
            "identify" => None,
            "call-contacts" => Some(scene.call_hops),
            _ => Some(scene.money.hops),
        },
        min_amount_minor: money.map(|rule| rule.min_amount_minor),
        within_ms: money.map(|rule| rule.within_ms),
        ..Ask::default()
    }
}

fn ask(
    scene: &Scene,
    seats: &Seats<'_>,
    warrant: &str,
    template: &str,
    stage: &Stage,
    stop: &Stop,
) -> Result<AnswerView> {
    let police = seats.investigator()?;
    let (id, asked) = put(scene, seats, warrant, template)?;
    decide(seats, template, &id, &asked, None, stage, stop)?;
    question::wait_for_question(&police, &id, stop, |_| ())?;
    police.act(&Act::OpenAnswer {
        question: id.clone(),
    })?;
    police.answer(&id)
}

/// Puts a question: its id, and who is asked.
fn put(
    scene: &Scene,
    seats: &Seats<'_>,
    warrant: &str,
    template: &str,
) -> Result<(String, BTreeSet<InstitutionId>)> {
    let police = seats.investigator()?;
    let id = police
        .act(&Act::Ask(question_of(scene, warrant, template)))?
        .record;
    let view = police.question(&id)?;
    let asked = view
        .decisions
        .keys()
        .filter_map(|name| name.parse().ok())
        .collect();
    Ok((id, asked))
}

/// Has everybody who was asked approve, but the one who is left out.
fn decide(
    seats: &Seats<'_>,
    template: &str,
    id: &str,
    asked: &BTreeSet<InstitutionId>,
    left: Option<&InstitutionId>,
    stage: &Stage,
    stop: &Stop,
) -> Result<()> {
    let by_hand: Vec<InstitutionId> = asked
        .iter()
        .filter(|custodian| BY_HAND.contains(&template) || !approves_by_rule(custodian))
        .filter(|custodian| Some(*custodian) != left)
        .cloned()
        .collect();
    together(&by_hand, |custodian| approve(seats, custodian, id, stop))?;
    let by_rule = asked.len() - by_hand.len() - usize::from(left.is_some());
    stage.say(
        &format!(
            "{} custodians asked: {} approve by hand, {by_rule} by their own rule",
            asked.len(),
            by_hand.len()
        ),
        &format!(
            "询问 {} 家机构：{} 家人工批准，{by_rule} 家按规则批准",
            asked.len(),
            by_hand.len()
        ),
    );
    Ok(())
}

/// An approver finds the question in the inbox and approves its plan.
fn approve(seats: &Seats<'_>, custodian: &InstitutionId, id: &str, stop: &Stop) -> Result<()> {
    let approver = seats.approver(custodian)?;
    stop.wait("the question", INBOX, || {
        let questions = approver.inbox()?.questions;
        Ok(questions
            .into_iter()
            .find(|view| view.question == id && !view.plan_en.is_empty()))
    })?;
    approver
        .act(&Act::Approve {
            question: id.into(),
        })
        .map(|_| ())
}
