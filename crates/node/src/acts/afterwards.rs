//! Acts about an answer once it is open: exporting its evidence, passing it on, and
//! telling those whom the warrant named.

use std::sync::Arc;

use docket::{Opened, State, Statement, body::Reason};

use super::{
    make::{Made, question_of, warrant_of},
    summary::Summary,
};
use crate::{
    bundle,
    core::Core,
    error::{Error, Result},
};

/// The forms in which an answer can be passed on.
const FORMS: &[&str] = &["csv"];

pub(super) fn export(core: &Arc<Core>, state: &State, question: &str) -> Result<Made> {
    let (id, record, known, _) = question_of(core, state, question)?;
    let disclosed = known.disclosed.iter().next().copied();
    let content = bundle::begin(core, record)?;
    Ok(Made {
        warrant: Some(id),
        follows: [record].into_iter().chain(disclosed).collect(),
        bodies: Vec::new(),
        statement: Statement::BundleExported {
            question: record,
            content,
        },
        summary: Summary::of(
            format!("Export the evidence of question {}", record.short()),
            format!("导出问题 {} 的证据", record.short()),
        ),
    })
}

pub(super) fn pass_on(
    core: &Core,
    state: &State,
    question: &str,
    form: &str,
    reason: &str,
) -> Result<Made> {
    if !FORMS.contains(&form) {
        return Err(Error::refused("format", format!("no form {form}"))
            .advise(format!("forms: {}", FORMS.join(", "))));
    }
    let (id, record, known, warrant) = question_of(core, state, question)?;
    let disclosed = known.disclosed.iter().next().copied();
    let readers = core.readers(state, [&warrant.requester, &warrant.authority]);
    let body = reason_of(core, reason)?;
    Ok(Made {
        warrant: Some(id),
        follows: [record].into_iter().chain(disclosed).collect(),
        bodies: vec![(body, readers)],
        statement: Statement::PassedOn {
            question: record,
            form: form.into(),
        },
        summary: Summary::of(
            format!(
                "Pass on the answer to question {} as {form}",
                record.short()
            ),
            format!("以 {form} 形式移交问题 {} 的答案", record.short()),
        )
        .and(
            format!("For whom and why: {reason}"),
            format!("移交对象与理由：{reason}"),
        ),
    })
}

pub(super) fn give_notice(
    core: &Core,
    state: &State,
    warrant: &str,
    (told, withheld): (u32, u32),
    reason: &str,
) -> Result<Made> {
    let (id, known) = warrant_of(state, warrant)?;
    let issued = known
        .issued
        .ok_or_else(|| Error::refused("warrant-unknown", "the warrant was not issued"))?;
    let readers = core.readers(state, [&known.requester, &known.authority]);
    let body = reason_of(core, reason)?;
    Ok(Made {
        warrant: Some(id),
        follows: vec![issued],
        bodies: vec![(body, readers)],
        statement: Statement::NoticeGiven { told, withheld },
        summary: Summary::of(
            format!("Warrant {id}: {told} subjects were told of it, {withheld} were not"),
            format!("令状 {id}：已告知对象 {told} 个，未告知 {withheld} 个"),
        )
        .and(
            format!("How, or why not: {reason}"),
            format!("方式，或不告知的理由：{reason}"),
        ),
    })
}

/// A reason that must be given.
pub(super) fn reason_of(core: &Core, text: &str) -> Result<Opened> {
    if text.trim().is_empty() {
        return Err(Error::refused("parts", "a reason is needed"));
    }
    core.host.open(&Reason { text: text.into() })
}
