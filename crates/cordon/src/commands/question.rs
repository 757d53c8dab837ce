//! `cordon ask` and the custodians' decisions.

use std::time::Duration;

use ::node::api::types::{Act, Ask as AskAct, CountView, QuestionView};
use clap::Args;
use primitives::{InstitutionId, TemplateId};
use serde_json::json;

use super::{Sign, sign, sign_and_show, warrant};
use crate::{
    client::Client,
    connect::Connect,
    failure::{Failure, Result},
    output::{Colour, Out, complain},
    stop::Stop,
    units,
};

/// Longest that a question is waited for; it goes on without the command.
const QUESTION_S_MAX: u64 = 30 * 24 * 3_600;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon ask --home police --officer investigator.key 3f9a0c5be21d4477a8d0e6b1c2f3a495 identify
  cordon ask --home police --officer investigator.key 3f9a0c5be21d4477a8d0e6b1c2f3a495 \\
    follow-the-money --min-amount 5000 --within 24h --hops 3

Ends when the run has: then open it with `cordon answer QUESTION`. Ctrl-C stops
the waiting, not the question; `cordon cancel QUESTION` stops the question.")]
pub(crate) struct Ask {
    #[command(flatten)]
    connect: Connect,
    /// The warrant.
    warrant: String,
    /// The template: identify, call-contacts, follow-the-money, or a joint question:
    /// at-the-scenes, sim-box, called-then-paid, totals, risk-propagation, in-common.
    template: TemplateId,
    /// Hops; else as many as the warrant allows.
    #[arg(long)]
    hops: Option<u8>,
    /// Least amount of a transfer, in yuan.
    #[arg(long, value_parser = units::fen, value_name = "YUAN")]
    min_amount: Option<i64>,
    /// Longest time between an incoming and an outgoing transfer.
    #[arg(long, value_parser = units::duration_ms, value_name = "TIME")]
    within: Option<u64>,
    /// Most rows; else as many as the warrant allows.
    #[arg(long)]
    answer_cap: Option<u32>,
    /// Ask only this custodian of the warrant's; may be repeated.
    #[arg(long = "custodian")]
    custodians: Vec<InstitutionId>,
    /// A number that a joint question takes, with its name; may be repeated. `cordon
    /// templates` lists them.
    #[arg(long = "term", value_parser = units::term, value_name = "NAME=NUMBER")]
    terms: Vec<(String, i64)>,
    /// Of a joint question the count alone: nothing else opens.
    #[arg(long)]
    count_only: bool,
    /// Do not wait for the run.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    sign: Sign,
}

impl Ask {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let client = self.connect.open()?;
        let custodians = self
            .custodians
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>();
        let act = Act::Ask(AskAct {
            warrant: self.warrant,
            template: self.template.to_string(),
            hops: self.hops,
            min_amount_minor: self.min_amount,
            within_ms: self.within,
            answer_cap: self.answer_cap,
            custodians: (!custodians.is_empty()).then_some(custodians),
            terms: self.terms.into_iter().collect(),
            count_only: self.count_only,
        });
        let (recorded, _) = sign(&client, &act, &self.sign, out)?;
        let id = recorded.record.clone();
        out.say(
            &format!("question {id} is asked"),
            &format!("问题 {id} 已提出"),
        );
        if self.no_wait {
            return out.value(&json!({ "question": id, "recorded": recorded }));
        }
        let stop = Stop::listen()?;
        let waited = wait_for_question(&client, &id, &stop, |line| complain(&format!("  {line}")));
        let view = waited.map_err(|failure| {
            if stop.asked() {
                failure.advise(format!("the question goes on: cordon question {id}"))
            } else {
                failure
            }
        })?;
        if let Some(count) = view.count {
            say_count(out, count);
        }
        if view.phase == "completed" {
            out.say(
                &format!("the run is complete; open the answer: cordon answer {id}"),
                &format!("计算完成；打开答案：cordon answer {id}"),
            );
        }
        out.value(&view)
    }
}

/// What a joint question counted.
fn say_count(out: &Out, count: CountView) {
    out.say(
        &format!(
            "counted: {} rows; {} groups withheld",
            count.rows, count.withheld
        ),
        &format!("数量：{} 行；{} 组未予打开", count.rows, count.withheld),
    );
}

/// Waits until a question's run has ended, saying what it waits for.
///
/// # Errors
/// A refusal where a custodian refused, a fault or trouble where it was aborted.
pub(crate) fn wait_for_question(
    client: &Client,
    id: &str,
    stop: &Stop,
    mut say: impl FnMut(&str),
) -> Result<QuestionView> {
    let mut last = String::new();
    let limit = Duration::from_secs(QUESTION_S_MAX);
    let view = stop.wait("the question", limit, || {
        let view = client.question(id)?;
        let line = state_of(&view);
        if line != last {
            say(&line);
            last = line;
        }
        Ok((!matches!(view.phase.as_str(), "open" | "running")).then_some(view))
    })?;
    match view.phase.as_str() {
        "completed" | "counted" => Ok(view),
        "declined" => Err(
            Failure::refusal("declined", state_of(&view)).advise(format!(
                "read the reason with `cordon docket {}`",
                view.warrant
            )),
        ),
        phase => {
            let cause = view
                .cause
                .clone()
                .unwrap_or_else(|| "no cause given".into());
            Err(
                Failure::trouble("run-aborted", format!("the question is {phase}: {cause}"))
                    .advise(match cause.starts_with("too-many-rows") {
                        true => "a table has more rows than can be shared at once: ask again with --term parts=4, or of a shorter time",
                        false => "the abort is on record; ask again if the warrant's budget allows it",
                    }),
            )
        }
    }
}

/// One line on where a question stands.
fn state_of(view: &QuestionView) -> String {
    let names = |wanted: &str| -> Vec<&str> {
        view.decisions
            .iter()
            .filter(|(_, d)| *d == wanted)
            .map(|(n, _)| n.as_str())
            .collect()
    };
    match view.phase.as_str() {
        "open" => match names("pending") {
            pending if pending.is_empty() => {
                "all custodians approved; inputs are being bound".into()
            }
            pending => format!("waiting for the approval of {}", pending.join(", ")),
        },
        "running" => {
            let doing = view.doing.as_deref().unwrap_or("running");
            let percent = view
                .progress
                .map(|done| format!("{:3.0} %  ", done * 100.0));
            format!("{}{doing}", percent.unwrap_or_default())
        }
        "declined" => {
            let refused = names("refused").join(", ");
            let narrowed = names("narrowed").join(", ");
            match (refused.is_empty(), narrowed.is_empty()) {
                (false, _) => format!("refused by {refused}"),
                (true, false) => format!("{narrowed} would approve a narrower plan"),
                _ => "declined".into(),
            }
        }
        other => other.into(),
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon question --home bank_a --officer approver.key \\
    9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")]
pub(crate) struct Show {
    #[command(flatten)]
    connect: Connect,
    /// The question.
    question: String,
}

impl Show {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let view = self.connect.open()?.question(&self.question)?;
        show(&view, out);
        out.value(&view)
    }
}

/// Shows a question to a person.
fn show(view: &QuestionView, out: &Out) {
    out.line(format!("question  {}", view.question));
    out.line(format!("warrant   {}", view.warrant));
    out.line(format!("template  {}  {}", view.template, state_of(view)));
    for (custodian, decision) in &view.decisions {
        let colour = match decision.as_str() {
            "approved" => Colour::Green,
            "pending" => Colour::Yellow,
            _ => Colour::Red,
        };
        out.line(format!("  {custodian:<12} {}", out.paint(colour, decision)));
    }
    if view.plan_en.len() == view.plan_zh.len() {
        for (en, zh) in view.plan_en.iter().zip(&view.plan_zh) {
            out.say(&format!("  {en}"), &format!("  {zh}"));
        }
    } else {
        for line in &view.plan_en {
            out.line(format!("  {line}"));
        }
    }
    if let Some(cause) = &view.cause {
        out.line(format!("cause     {cause}"));
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon cancel --home police --officer investigator.key \\
    9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")]
pub(crate) struct Cancel {
    #[command(flatten)]
    connect: Connect,
    /// The question.
    question: String,
}

impl Cancel {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let answer = self.connect.open()?.cancel_question(&self.question)?;
        out.say(
            "the run is stopped; the abort is recorded",
            "已停止计算，中止已记录",
        );
        out.value(&answer)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon inbox --home bank_a --officer approver.key")]
pub(crate) struct Inbox {
    #[command(flatten)]
    connect: Connect,
}

impl Inbox {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let inbox = self.connect.open()?.inbox()?;
        let nothing =
            inbox.drafts.is_empty() && inbox.questions.is_empty() && inbox.answers.is_empty();
        if nothing {
            out.say("nothing waits for you", "没有待办事项");
        }
        for draft in &inbox.drafts {
            out.say("a draft waits for a decision:", "有调取令草案待决定：");
            warrant::show(draft, out);
        }
        for question in &inbox.questions {
            out.say("a question waits for approval:", "有问题待批准：");
            show(question, out);
        }
        for question in &inbox.answers {
            out.say("an answer waits to be opened:", "有答案待打开：");
            show(question, out);
        }
        out.value(&inbox)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon approve --home bank_a --officer approver.key \\
    9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")]
pub(crate) struct Approve {
    #[command(flatten)]
    connect: Connect,
    /// The question.
    question: String,
    #[command(flatten)]
    sign: Sign,
}

impl Approve {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let act = Act::Approve {
            question: self.question,
        };
        sign_and_show(&self.connect.open()?, &act, &self.sign, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon refuse --home bank_a --officer approver.key --reason \"the order names no account\" \\
    9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")]
pub(crate) struct Refuse {
    #[command(flatten)]
    connect: Connect,
    /// The question.
    question: String,
    /// Why; the requester reads it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    sign: Sign,
}

impl Refuse {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let act = Act::Refuse {
            question: self.question,
            reason: self.reason,
        };
        sign_and_show(&self.connect.open()?, &act, &self.sign, out)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon narrow --home bank_a --officer approver.key --hops 1 --answer-cap 500 \\
    --reason \"one hop is enough to find the receiving accounts\" \\
    9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")]
pub(crate) struct Narrow {
    #[command(flatten)]
    connect: Connect,
    /// The question.
    question: String,
    /// Hops that would be approved.
    #[arg(long)]
    hops: u8,
    /// Rows that would be approved.
    #[arg(long)]
    answer_cap: u32,
    /// Why; the requester reads it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    sign: Sign,
}

impl Narrow {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let act = Act::Narrow {
            question: self.question,
            hops: self.hops,
            answer_cap: self.answer_cap,
            reason: self.reason,
        };
        sign_and_show(&self.connect.open()?, &act, &self.sign, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(phase: &str, decisions: &[(&str, &str)]) -> QuestionView {
        QuestionView {
            question: String::new(),
            warrant: String::new(),
            template: "identify".into(),
            phase: phase.into(),
            decisions: decisions
                .iter()
                .map(|(n, d)| ((*n).into(), (*d).into()))
                .collect(),
            inputs: Vec::new(),
            disclosed: false,
            plan_en: Vec::new(),
            plan_zh: Vec::new(),
            progress: (phase == "running").then_some(0.5),
            doing: None,
            parties: Vec::new(),
            cause: None,
            count: None,
        }
    }

    #[test]
    fn a_state_says_whom_it_waits_for() {
        let open = view("open", &[("bank_a", "approved"), ("bank_b", "pending")]);
        assert_eq!(state_of(&open), "waiting for the approval of bank_b");
        assert_eq!(state_of(&view("running", &[])), " 50 %  running");
        let declined = view("declined", &[("bank_a", "approved"), ("bank_b", "refused")]);
        assert_eq!(state_of(&declined), "refused by bank_b");
        let narrowed = view("declined", &[("bank_b", "narrowed")]);
        assert_eq!(state_of(&narrowed), "bank_b would approve a narrower plan");
    }
}
