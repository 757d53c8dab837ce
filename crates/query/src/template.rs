//! The templates: named questions with parameters, an impact assessment and
//! the steps that they are made of.

use docket::plan::{Days, Derive, Parameters, Source, Step};
use primitives::{
    Digest,
    semantic::Semantic::{self, Account, Phone, ResidentId},
};

use crate::{
    error::{QueryRefusal, Rule, ensure},
    joint::Term,
};

/// Longest time between an incoming and an outgoing transfer: 7 days.
pub const WITHIN_MAX_MS: u64 = 7 * 24 * 3_600 * 1_000;
/// The same, where the question does not say: 24 hours.
pub const WITHIN_DEFAULT_MS: u64 = 24 * 3_600 * 1_000;
/// Most hops of `call-contacts`: a contact's contacts, and no further.
pub const CALL_HOPS_MAX: u8 = 2;

/// A parameter of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterSpec {
    /// The parameter's name in `docket::plan::Parameters`.
    pub name: &'static str,
    /// Range and default, in English.
    pub what_en: &'static str,
    /// Range and default, in Chinese.
    pub what_zh: &'static str,
}

/// A named question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The template's name.
    pub id: &'static str,
    /// Its title in English.
    pub title_en: &'static str,
    /// Its title in Chinese.
    pub title_zh: &'static str,
    /// What it answers, in English.
    pub what_en: &'static str,
    /// What it answers, in Chinese.
    pub what_zh: &'static str,
    /// The kinds of subjects that it begins from.
    pub subjects: &'static [Semantic],
    /// The parameters that it takes.
    pub parameters: &'static [ParameterSpec],
    /// The numbers that a joint question takes beside; of lookups none.
    pub terms: &'static [Term],
    /// Whether it is computed over the shares of many, and begins from scenes.
    pub joint: Option<Begins>,
    /// The impact assessment's text (Markdown).
    pub assessment: &'static str,
    /// The impact assessment's digest, domain `cordon/impact/v1`.
    pub impact: Digest,
}

/// What a joint question begins from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// The warrant's scenes.
    Scenes,
    /// The warrant's subjects.
    Subjects,
    /// The warrant's window alone.
    Window,
}

const HOPS: &str = "hops";
const MIN_AMOUNT: &str = "min_amount_minor";
const WITHIN: &str = "within_ms";

/// Every template.
#[must_use]
pub fn templates() -> Vec<Template> {
    let assessed = |text: &str| Digest::of("cordon/impact/v1", &[text.as_bytes()]);
    let identify = include_str!("../impact/identify.md");
    let contacts = include_str!("../impact/call-contacts.md");
    let money = include_str!("../impact/follow-the-money.md");
    let mut all = vec![
        Template {
            id: "identify",
            title_en: "Who holds these phones, id numbers and accounts?",
            title_zh: "这些电话、身份证号、账户是谁的？",
            what_en: "The holders of the subjects, and every phone and account under the same id number.",
            what_zh: "查明对象的登记人，以及同一身份证号名下的全部电话与账户。",
            subjects: &[Phone, ResidentId, Account],
            parameters: &[],
            terms: &[],
            joint: None,
            assessment: identify,
            impact: assessed(identify),
        },
        Template {
            id: "call-contacts",
            title_en: "Whom did these phones call, and who called them?",
            title_zh: "这些电话与谁通过话？",
            what_en: "The calls of the subjects within the warrant's window; with two hops also those of their contacts.",
            what_zh: "令状时段内对象的通话；两跳时还包括其联系人的通话。",
            subjects: &[Phone],
            parameters: &[ParameterSpec {
                name: HOPS,
                what_en: "1 or 2; 1 unless given",
                what_zh: "1 或 2；默认 1",
            }],
            terms: &[],
            joint: None,
            assessment: contacts,
            impact: assessed(contacts),
        },
        Template {
            id: "follow-the-money",
            title_en: "Where did the money go?",
            title_zh: "钱去了哪里？",
            what_en: "Transfers out of the accounts, and out of each account that received one soon after, hop by hop.",
            what_zh: "从所列账户转出的款项，以及收款账户随后在时限内的转出，逐跳追踪。",
            subjects: &[Account],
            parameters: &[
                ParameterSpec {
                    name: HOPS,
                    what_en: "1 to the warrant's hops; the warrant's unless given",
                    what_zh: "1 至令状允许的跳数；默认取令状所定",
                },
                ParameterSpec {
                    name: MIN_AMOUNT,
                    what_en: "least amount of a transfer in fen; 0 unless given",
                    what_zh: "转账最低金额（分）；默认 0",
                },
                ParameterSpec {
                    name: WITHIN,
                    what_en: "longest time between a transfer in and the next out, at most 7 days; 24 hours unless given; needs two hops",
                    what_zh: "转入与下一笔转出的最长间隔，至多 7 天；默认 24 小时；需两跳以上",
                },
            ],
            terms: &[],
            joint: None,
            assessment: money,
            impact: assessed(money),
        },
    ];
    all.extend(joint_templates());
    all
}

/// A joint question: its titles and what it answers, in English and Chinese.
fn joint(
    id: &'static str,
    titles: (&'static str, &'static str),
    whats: (&'static str, &'static str),
    subjects: &'static [Semantic],
    assessment: &'static str,
) -> Template {
    let program = crate::joint::program(id);
    let begins = match program {
        Some(program) if program.scenes => Begins::Scenes,
        _ if subjects.is_empty() => Begins::Window,
        _ => Begins::Subjects,
    };
    Template {
        id,
        title_en: titles.0,
        title_zh: titles.1,
        what_en: whats.0,
        what_zh: whats.1,
        subjects,
        parameters: &[],
        terms: program.map_or(&[], |program| program.terms),
        joint: Some(begins),
        assessment,
        impact: Digest::of("cordon/impact/v1", &[assessment.as_bytes()]),
    }
}

/// The joint questions.
fn joint_templates() -> Vec<Template> {
    vec![
        joint(
            "at-the-scenes",
            (
                "Which phones were at several scenes?",
                "哪些电话到过多个现场？",
            ),
            (
                "The phones that called under the cells of at least so many of the warrant's scenes, over all telecoms: first how many, then which, up to the cap.",
                "在令状所列现场中至少若干处的基站下呼出过的电话（各电信运营商合计）：先得数量，不超上限才打开号码。",
            ),
            &[],
            include_str!("../impact/at-the-scenes.md"),
        ),
        joint(
            "sim-box",
            ("Where do SIM boxes stand?", "猫池设在哪里？"),
            (
                "Premises of flat load under a cell with SIMs that call much and are called by nobody, that draw no water and whose holder is no resident: first how many, then which, up to the cap.",
                "同一基站下有只呼出、无人呼入的号卡，负荷平直、不用水且户主非居民的用电地址：先得数量，不超上限才打开。",
            ),
            &[],
            include_str!("../impact/sim-box.md"),
        ),
        joint(
            "called-then-paid",
            (
                "Which accounts were paid after these phones called?",
                "接到这些电话之后，钱付到了哪些账户？",
            ),
            (
                "Accounts that several persons paid, each soon after a call from one of the warrant's phones: first how many, then which, up to the cap.",
                "多人在接到令状所列电话之后不久付款的账户：先得数量，不超上限才打开。",
            ),
            &[Phone],
            include_str!("../impact/called-then-paid.md"),
        ),
        joint(
            "totals",
            (
                "How much did they pay, and where?",
                "他们付了多少，付往何处？",
            ),
            (
                "Persons, transfers and sums of those who called at the warrant's scenes, by bank, day or amount; groups of few persons are withheld, and how many are is said.",
                "在令状现场呼出过的人的付款人数、笔数与金额，按银行、日期或金额分组；人数过少的组不予打开，但说明有几组。",
            ),
            &[],
            include_str!("../impact/totals.md"),
        ),
        joint(
            "risk-propagation",
            (
                "Which accounts take on risk from others?",
                "哪些账户承接了他人的风险？",
            ),
            (
                "Risk scores spread over the banks' joint graph of transfers; accounts above a threshold open, up to the cap.",
                "风险分值沿各银行合并的转账图传播；超过阈值的账户才打开，且不超上限。",
            ),
            &[],
            include_str!("../impact/risk-propagation.md"),
        ),
        joint(
            "in-common",
            (
                "Who stands in the sets of two institutions?",
                "哪些人同时出现在两家机构？",
            ),
            (
                "Persons whom two custodians both know from the warrant's scenes: who called there (telecoms), who was paid in that time (banks), who holds premises there (power): first how many, then who, up to the cap.",
                "两家机构在令状所列现场都涉及的人：在现场呼出过（电信）、在该时段收过款（银行）、在该处有用电地址（电力）：先得人数，不超上限才打开。",
            ),
            &[],
            include_str!("../impact/in-common.md"),
        ),
    ]
}

/// The template with this name.
#[must_use]
pub fn template(id: &str) -> Option<Template> {
    templates().into_iter().find(|template| template.id == id)
}

/// The templates that read tables of a kind.
#[must_use]
pub fn templates_reading(table: &str) -> Vec<String> {
    let deepest = Parameters::default();
    templates()
        .into_iter()
        .filter(|template| match crate::joint::program(template.id) {
            Some(program) => {
                let mut from = program.inputs.iter().flat_map(|input| input.from);
                from.any(|from| from.table == table)
            }
            None => template.steps(&deepest, 2).iter().any(|s| s.table == table),
        })
        .map(|template| template.id.to_owned())
        .collect()
}

impl Template {
    /// The hops that a question takes, after its parameters were checked.
    pub(crate) fn hops(&self, parameters: &Parameters, granted: u8) -> Result<u8, QueryRefusal> {
        let beside = self.joint.is_some();
        let lookups_only = !parameters.joint.is_empty() || parameters.count_only;
        ensure(beside || !lookups_only, Rule::ParameterUnfit, || {
            format!("{} is no joint question", self.id)
        })?;
        let given = [
            (HOPS, parameters.hops.is_some()),
            (MIN_AMOUNT, parameters.min_amount_minor.is_some()),
            (WITHIN, parameters.within_ms.is_some()),
        ];
        for (name, given) in given {
            let taken = self.parameters.iter().any(|known| known.name == name);
            ensure(taken || !given, Rule::ParameterUnfit, || {
                format!("{} takes no {name}", self.id)
            })?;
        }
        let (default, most) = match self.id {
            "call-contacts" => (1, granted.min(CALL_HOPS_MAX)),
            "follow-the-money" => (granted, granted),
            _ => (1, granted.min(1)),
        };
        let hops = parameters.hops.unwrap_or(default);
        ensure((1..=most).contains(&hops), Rule::HopsBeyond, || {
            format!("{hops} hops where {most} are allowed")
        })?;
        let amount = parameters.min_amount_minor.unwrap_or(0);
        ensure(amount >= 0, Rule::ParameterUnfit, || {
            "the least amount is below zero".into()
        })?;
        if let Some(within_ms) = parameters.within_ms {
            ensure(
                (1..=WITHIN_MAX_MS).contains(&within_ms),
                Rule::ParameterUnfit,
                || "the time between two transfers is 1 ms to 7 days".into(),
            )?;
            ensure(hops >= 2, Rule::ParameterUnfit, || {
                "a time between two transfers needs two hops".into()
            })?;
        }
        Ok(hops)
    }

    /// The steps before columns, absent subjects and absent tables are known.
    pub(crate) fn steps(&self, parameters: &Parameters, hops: u8) -> Vec<Step> {
        match self.id {
            "identify" => identify(),
            "call-contacts" => call_contacts(hops),
            _ => follow_the_money(parameters, hops),
        }
    }
}

fn step(table: &str, key: &str, sources: Vec<Source>, hop: u8) -> Step {
    Step {
        table: table.into(),
        key: key.into(),
        sources,
        hop,
        min_amount_minor: None,
        columns: Vec::new(),
        derive: Vec::new(),
    }
}

fn derived(column: &str, semantic: Semantic) -> Derive {
    Derive {
        column: column.into(),
        semantic,
        days: None,
    }
}

fn identify() -> Vec<Step> {
    let by_id = || {
        vec![
            Source::Subjects(ResidentId),
            Source::Step(0),
            Source::Step(1),
        ]
    };
    let mut steps = vec![
        step("subscribers", "phone", vec![Source::Subjects(Phone)], 1),
        step("accounts", "account", vec![Source::Subjects(Account)], 1),
        step("subscribers", "id_number", by_id(), 1),
        step("accounts", "id_number", by_id(), 1),
    ];
    for first in &mut steps[..2] {
        first.derive = vec![derived("id_number", ResidentId)];
    }
    steps
}

fn call_contacts(hops: u8) -> Vec<Step> {
    let mut steps = vec![step("calls", "party", vec![Source::Subjects(Phone)], 1)];
    if hops >= 2 {
        steps[0].derive = vec![derived("caller", Phone), derived("callee", Phone)];
        steps.push(step("calls", "party", vec![Source::Step(0)], 2));
    }
    steps
}

fn follow_the_money(parameters: &Parameters, hops: u8) -> Vec<Step> {
    let within_ms = parameters.within_ms.unwrap_or(WITHIN_DEFAULT_MS);
    (1..=hops)
        .map(|hop| {
            let mut step = match hop.checked_sub(2) {
                None => step(
                    "transfers",
                    "from_account",
                    vec![Source::Subjects(Account)],
                    hop,
                ),
                Some(last) => step(
                    "transfers",
                    "from_account_day",
                    vec![Source::Step(last)],
                    hop,
                ),
            };
            step.min_amount_minor = Some(parameters.min_amount_minor.unwrap_or(0));
            if hop < hops {
                step.derive = vec![Derive {
                    days: Some(Days {
                        at_column: "at".into(),
                        within_ms,
                    }),
                    ..derived("to_account", Account)
                }];
            }
            step
        })
        .collect()
}
