//! Templates and plans in plain words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing said in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Words {
    /// In English.
    pub text_en: String,
    /// In Chinese.
    pub text_zh: String,
}

impl Words {
    /// One thing said in both languages.
    pub(crate) fn new(text_en: impl Into<String>, text_zh: impl Into<String>) -> Self {
        Self {
            text_en: text_en.into(),
            text_zh: text_zh.into(),
        }
    }
}

/// A template: a named question.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TemplateView {
    /// Its name.
    pub template: String,
    /// Its title.
    pub title_en: String,
    /// The same in Chinese.
    pub title_zh: String,
    /// What it answers.
    pub what_en: String,
    /// The same in Chinese.
    pub what_zh: String,
    /// The semantic types of subjects that it begins from.
    pub subjects: Vec<String>,
    /// The parameters that it takes.
    pub parameters: Vec<ParameterView>,
    /// What it is computed from, where it is a joint question: `scenes`, `subjects` or
    /// `window`.
    pub joint: Option<String>,
    /// The numbers that a joint question takes.
    pub terms: Vec<TermView>,
    /// Its impact assessment, Markdown.
    pub assessment: String,
    /// The assessment's digest.
    pub impact: String,
}

/// A number that a joint question takes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TermView {
    /// Its name.
    pub name: String,
    /// What it is where none is given; absent: as many as there are scenes.
    pub default: Option<i64>,
    /// Least.
    pub least: i64,
    /// Most.
    pub most: i64,
    /// What it is, with range and default.
    pub what_en: String,
    /// The same in Chinese.
    pub what_zh: String,
}

/// A parameter of a template.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ParameterView {
    /// `hops`, `min_amount_minor` or `within_ms`.
    pub name: String,
    /// Range and default.
    pub what_en: String,
    /// The same in Chinese.
    pub what_zh: String,
}

/// A plan in plain words: who computes what, what each side learns, what it costs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// The question; absent: it was not asked.
    pub question: Option<String>,
    /// The warrant.
    pub warrant: String,
    /// The plan's digest.
    pub plan: String,
    /// The template.
    pub template: String,
    /// Its title.
    pub title_en: String,
    /// The same in Chinese.
    pub title_zh: String,
    /// Who asks and opens.
    pub requester: String,
    /// The time that rows may come from: first millisecond, and first after.
    pub window_ms: [u64; 2],
    /// Hops taken.
    pub hops: u8,
    /// Most rows in the answer.
    pub answer_cap: u32,
    /// Fewest keys in a bucket: the anonymity set.
    pub bucket_keys: u32,
    /// Most selectors that one step may look up.
    pub selectors_max: u32,
    /// The template's parameters, as asked.
    pub parameters: PlanParameters,
    /// The parties.
    pub parties: Vec<PlanParty>,
    /// The tables asked.
    pub tables: Vec<PlanTableView>,
    /// The steps.
    pub steps: Vec<PlanStepView>,
    /// What a side learns beyond the answer.
    pub leaks: Vec<LeakView>,
    /// What nobody learns.
    pub withheld: Vec<Words>,
    /// The whole in sentences, as the officer who asks signs it.
    pub lines_en: Vec<String>,
    /// The same in Chinese.
    pub lines_zh: Vec<String>,
    /// What it costs.
    pub cost: PlanCost,
    /// This custodian's own side; absent where this institution is none of the
    /// plan's custodians.
    pub custody: Option<Custody>,
}

/// A template's parameters.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlanParameters {
    /// Least amount of a transfer, in fen.
    pub min_amount_minor: Option<i64>,
    /// Longest time between an incoming and an outgoing transfer.
    pub within_ms: Option<u64>,
    /// Hops asked for.
    pub hops: Option<u8>,
}

/// A party of a plan.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlanParty {
    /// The institution.
    pub institution: String,
    /// The name that people read.
    pub name: String,
    /// `requester` or `custodian`.
    pub role: String,
    /// What it computes.
    pub computes: Vec<Words>,
    /// What it learns.
    pub learns: Vec<Words>,
}

/// A table of a plan.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlanTableView {
    /// Its custodian.
    pub institution: String,
    /// Its name there.
    pub dataset: String,
    /// Its kind.
    pub table: String,
    /// The snapshot's record.
    pub snapshot: String,
    /// Rows of the snapshot.
    pub rows: u64,
    /// Rows that it rejected.
    pub rejected: u64,
    /// When they were read.
    pub extracted_ms: u64,
}

/// A step of a plan.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlanStepView {
    /// Its place, from 0.
    pub step: u8,
    /// The hop that it belongs to, from 1.
    pub hop: u8,
    /// The kind of table.
    pub table: String,
    /// The lookup key.
    pub key: String,
    /// The custodians that answer it.
    pub by: Vec<String>,
    /// The columns that open.
    pub columns: Vec<String>,
    /// The semantic types of the warrant's subjects that it begins from.
    pub from_subjects: Vec<String>,
    /// The earlier steps whose rows it goes on from.
    pub from_steps: Vec<u8>,
    /// In a sentence.
    pub text_en: String,
    /// The same in Chinese.
    pub text_zh: String,
}

/// What a side learns beyond the answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LeakView {
    /// The leak's stable name.
    pub leak: String,
    /// In a sentence.
    pub text_en: String,
    /// The same in Chinese.
    pub text_zh: String,
}

/// What a plan costs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlanCost {
    /// Steps, each a round with every custodian that has a table for it.
    pub rounds: u32,
    /// Lookups: a step at a table.
    pub lookups: u32,
    /// Selectors of the steps that begin from the warrant's subjects.
    pub selectors_first: u32,
    /// Most selectors of any step.
    pub selectors_max: u32,
    /// Keys in the buckets that those first selectors read, about, all tables together.
    pub keys_read_first: u64,
    /// Runs that the warrant has left.
    pub runs_left: u32,
    /// What the last completed run of the same template took here.
    pub last: Option<PastRun>,
}

/// A completed run of this node.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PastRun {
    /// The question.
    pub question: String,
    /// Selectors evaluated in all steps.
    pub evaluated: u32,
    /// Bytes exchanged with custodians.
    pub bytes: u64,
    /// From the last inputs to the completing record.
    pub took_ms: u64,
}

/// A custodian's own side of a plan, in plain words.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Custody {
    /// Whom the rows would go to.
    pub to: String,
    /// What would leave the institution.
    pub leaves: Vec<Words>,
    /// What would not.
    pub stays: Vec<Words>,
    /// What this institution would learn.
    pub learns: Vec<Words>,
    /// The columns that would leave, by kind of table.
    pub columns: BTreeMap<String, Vec<String>>,
    /// The standing rule that would approve it.
    pub rule: Option<String>,
    /// Why no rule would.
    pub by_hand: Vec<Words>,
}
