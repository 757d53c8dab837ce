//! A plan in plain words, for whoever approves it.

use docket::{
    Plan,
    plan::{JointPlan, Leak, Method, Source, Step},
};
use primitives::InstitutionId;

use crate::template::template;

/// A plan in plain words: who computes what, what each side learns, the bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// In English, a sentence a line.
    pub lines_en: Vec<String>,
    /// In Chinese, a sentence a line.
    pub lines_zh: Vec<String>,
}

/// Explains a plan.
#[must_use]
pub fn explain(plan: &Plan) -> Explanation {
    let mut out = Explanation {
        lines_en: Vec::new(),
        lines_zh: Vec::new(),
    };
    let title = template(plan.template.as_str());
    let (title_en, title_zh) = title
        .as_ref()
        .map_or(("", ""), |known| (known.title_en, known.title_zh));
    let names: Vec<&str> = plan
        .custodians
        .iter()
        .map(|custodian| custodian.institution.as_str())
        .collect();
    out.line(
        format!("Question {}: {title_en}", plan.template),
        format!("问题 {}：{title_zh}", plan.template),
    );
    out.line(
        format!(
            "{} asks and opens the answer; {} answer from their committed snapshots.",
            plan.requester,
            names.join(", ")
        ),
        format!(
            "{} 提问并打开答案；{} 以已承诺的快照作答。",
            plan.requester,
            names.join("、")
        ),
    );
    for (place, step) in plan.steps.iter().enumerate() {
        out.step(place, step);
    }
    if let Some(joint) = &plan.joint {
        out.joint(joint);
    }
    let days = plan.window.to_ms.saturating_sub(plan.window.from_ms) / 86_400_000;
    let last = if let Some(joint) = &plan.joint {
        out.joint_bounds(plan, joint, days);
        (
            "No member sees a row of another, and the requester opens nothing but the answer.",
            "任何一方都看不到他方的任何一行；请求方除答案外什么也打不开。",
        )
    } else {
        out.line(
            format!(
                "Bounds: rows of {days} days, {} hops, at most {} rows and {} selectors a step; an answer with more rows does not open.",
                plan.hops, plan.answer_cap, plan.selectors_max
            ),
            format!(
                "限度：{days} 天内的数据，{} 跳，答案至多 {} 行，每步至多 {} 个查询值；超出则不予打开。",
                plan.hops, plan.answer_cap, plan.selectors_max
            ),
        );
        (
            "No custodian learns which subject is looked up, and the requester opens no row of anyone else.",
            "任何持有方都不知道查的是谁；请求方打不开其他人的任何一行。",
        )
    };
    for leak in &plan.leaks {
        let (en, zh) = explain_leak(*leak, plan.bucket_keys);
        out.line(en, zh);
    }
    out.line(last.0.into(), last.1.into());
    out
}

impl Explanation {
    fn line(&mut self, en: String, zh: String) {
        self.lines_en.push(en);
        self.lines_zh.push(zh);
    }

    /// Who shares what, who computes, with which numbers.
    fn joint(&mut self, joint: &JointPlan) {
        match joint.method {
            Method::Shares => self.shares(joint),
            Method::Sets => self.sets(joint),
        }
        let terms: Vec<String> = joint
            .terms
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        if !terms.is_empty() {
            self.line(
                format!("With {}.", terms.join(", ")),
                format!("取 {}。", terms.join("，")),
            );
        }
    }

    fn shares(&mut self, joint: &JointPlan) {
        for input in &joint.inputs {
            let (en, zh) = explain_table(&input.table);
            self.line(
                format!("{} splits into shares: {en}.", input.owner),
                format!("{} 拆成份额：{zh}。", input.owner),
            );
        }
        let [names_en, names_zh] = [", ", "、"].map(|by| {
            let names: Vec<&str> = joint.computing.iter().map(InstitutionId::as_str).collect();
            names.join(by)
        });
        self.line(
            format!("{names_en} compute over the shares: each sees noise; any two of them together could see everything."),
            format!("{names_zh} 在份额上计算：单独一方只见噪声；其中任何两方合谋则可还原全部。"),
        );
    }

    fn sets(&mut self, joint: &JointPlan) {
        for input in &joint.inputs {
            let (en, zh) = explain_table(&input.table);
            self.line(
                format!("{} gives to nobody, and compares: {en}.", input.owner),
                format!("{} 不交给任何一方，仅作比对：{zh}。", input.owner),
            );
        }
        if let [first, second, counter] = joint.computing.as_slice() {
            self.line(
                format!("{first} and {second} compare their sets without showing them; {counter} counts what is in both, and sees noise beside the count. Any two of the three together could learn who is in both sets, and nobody else."),
                format!("{first} 与 {second} 在互不出示的情况下比对；{counter} 清点共有的数目，除数目外只见噪声。三者中任何两方合谋可得知谁同在两方，但得不到其他人。"),
            );
        }
    }

    fn joint_bounds(&mut self, plan: &Plan, joint: &JointPlan, days: u64) {
        let scenes = joint.scenes.len();
        if joint.count_only {
            self.line(
                format!("Bounds: rows of {days} days, {scenes} scenes; the count alone opens."),
                format!("限度：{days} 天内的数据，{scenes} 个现场；只打开数量。"),
            );
        } else {
            self.line(
                format!("Bounds: rows of {days} days, {scenes} scenes; the count opens first, and rows only if they are at most {}.", plan.answer_cap),
                format!("限度：{days} 天内的数据，{scenes} 个现场；先打开数量，不超过 {} 行才打开内容。", plan.answer_cap),
            );
        }
    }

    fn step(&mut self, place: usize, step: &Step) {
        let (en, zh) = explain_step(place, step);
        self.line(en, zh);
    }
}

/// What a shared table of a joint question holds, English and Chinese.
#[must_use]
pub fn explain_table(table: &str) -> (&'static str, &'static str) {
    match table {
        "sightings" => (
            "which phones called under the scenes' cells",
            "在现场基站下呼出过的电话",
        ),
        "sims" => (
            "cells of unregistered SIMs that call much and are called by nobody",
            "只呼出、无人呼入的未实名号卡所在小区",
        ),
        "premises" => (
            "premises of flat load, their cells and holders",
            "负荷平直的用电地址及其小区、户主",
        ),
        "wet" => ("premises that drew water", "用过水的地址"),
        "residents" => ("registered residents", "登记居民"),
        "phones" => ("the warrant's phones", "令状所列电话"),
        "calls" => (
            "calls to its own customers, by whom and when",
            "打给本方用户的通话（何人何时）",
        ),
        "transfers" => (
            "its customers' payments, to which account and when",
            "本行客户的付款（付往何账户、何时）",
        ),
        "subjects" => ("customers who called at the scenes", "在现场呼出过的用户"),
        "callers" => ("customers who called at the scenes", "在现场呼出过的用户"),
        "payees" => (
            "customers who were paid in the scenes' times",
            "在现场时段内收过款的客户",
        ),
        "householders" => (
            "holders of premises under the scenes' cells",
            "现场基站下用电地址的户主",
        ),
        "facts" => (
            "its customers' payments with their groups",
            "本行客户的付款及其分组",
        ),
        "ledger" => (
            "its accounts, their scores at the beginning and what they received",
            "本行账户、初始分值及所收款项",
        ),
        _ => ("a table", "一张表"),
    }
}

/// One step of a plan in a sentence, English and Chinese; `place` counts from 0.
#[must_use]
pub fn explain_step(place: usize, step: &Step) -> (String, String) {
    let number = place + 1;
    let from_en: Vec<String> = step
        .sources
        .iter()
        .map(|source| match source {
            Source::Subjects(kind) => format!("the warrant's subjects ({kind})"),
            Source::Step(earlier) => format!("what step {} found", u16::from(*earlier) + 1),
        })
        .collect();
    let from_zh: Vec<String> = step
        .sources
        .iter()
        .map(|source| match source {
            Source::Subjects(kind) => format!("令状对象（{kind}）"),
            Source::Step(earlier) => format!("第 {} 步所得", u16::from(*earlier) + 1),
        })
        .collect();
    let mut en = format!(
        "Step {number}: look up {} in every table `{}` by `{}`; opens {}",
        from_en.join(" and "),
        step.table,
        step.key,
        step.columns.join(", ")
    );
    let mut zh = format!(
        "第 {number} 步：以{}按“{}”查各方的“{}”表；打开 {}",
        from_zh.join("及"),
        step.key,
        step.table,
        step.columns.join("、")
    );
    if let Some(fen) = step.min_amount_minor.filter(|fen| *fen > 0) {
        let amount = format!("{}.{:02}", fen / 100, fen % 100);
        en.push_str(&format!("; only amounts from {amount} yuan"));
        zh.push_str(&format!("；仅限金额不低于 {amount} 元"));
    }
    for rule in &step.derive {
        en.push_str(&format!("; passes on `{}`", rule.column));
        zh.push_str(&format!("；向后传递“{}”", rule.column));
        if let Some(days) = &rule.days {
            let hours = days.within_ms.div_ceil(3_600_000);
            en.push_str(&format!(" for {hours} hours after `{}`", days.at_column));
            zh.push_str(&format!("，自“{}”起 {hours} 小时内有效", days.at_column));
        }
    }
    en.push('.');
    zh.push('。');
    (en, zh)
}

/// What a side learns beyond the answer, in a sentence, English and Chinese.
#[must_use]
pub fn explain_leak(leak: Leak, bucket_keys: u32) -> (String, String) {
    match leak {
        Leak::SelectorCount => (
            "Custodians learn how many selectors each step looks up.".into(),
            "持有方得知每一步查询了多少个值。".into(),
        ),
        Leak::Buckets => (
            format!("Custodians learn which buckets, of at least {bucket_keys} keys each or the whole table, are read."),
            format!("持有方得知读取了哪些分桶（每桶至少 {bucket_keys} 个键，或整张表）。"),
        ),
        Leak::BucketSize => (
            "The requester learns the size class of the buckets that it reads.".into(),
            "请求方得知所读分桶的大小级别。".into(),
        ),
        Leak::VoucherCount => (
            "Custodians learn which peer vouched for how many derived selectors.".into(),
            "持有方得知哪一同行担保了多少个派生查询值。".into(),
        ),
        Leak::DayGranularity => (
            "The requester's program sees all rows of a derived account on the days that the time rule touches.".into(),
            "请求方程序可见派生账户在时限所及各日的全部相关行。".into(),
        ),
        Leak::TableSize => (
            "Whoever reads the ledger learns the size class of each shared table, of one that comes in parts that of its largest part: a power of two.".into(),
            "账本读者得知各份额表的大小级别（2 的幂）；分部分计算的表，为其最大一部分的大小级别。".into(),
        ),
        Leak::Count => (
            "Whoever reads the ledger learns how many rows the question found, and how many groups were withheld.".into(),
            "账本读者得知查得多少行，以及有几组未予打开。".into(),
        ),
        _ => (format!("{leak:?}"), format!("{leak:?}")),
    }
}
