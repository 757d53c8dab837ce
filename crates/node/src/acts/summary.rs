//! What an officer reads before signing, in plain words.

use docket::{
    Plan,
    body::{Scene, Subjects},
    statement::Terms,
};
use primitives::{InstitutionId, WarrantId};

use crate::api::types::DraftWarrant;

/// What an officer reads before signing, line by line in both languages.
#[derive(Default)]
pub(super) struct Summary {
    pub(super) en: Vec<String>,
    pub(super) zh: Vec<String>,
}

impl Summary {
    pub(super) fn of(en: String, zh: String) -> Self {
        Self {
            en: vec![en],
            zh: vec![zh],
        }
    }

    pub(super) fn and(mut self, en: String, zh: String) -> Self {
        self.en.push(en);
        self.zh.push(zh);
        self
    }

    pub(super) fn of_plan(plan: &Plan) -> Self {
        let explained = query::explain(plan);
        Self {
            en: explained.lines_en,
            zh: explained.lines_zh,
        }
    }

    pub(super) fn of_draft(draft: &DraftWarrant, authority: &InstitutionId, terms: &Terms) -> Self {
        let (subjects, hops, cap) = (terms.subjects, terms.hops, terms.answer_cap);
        Self::of(
            format!("Ask {authority} for a warrant in case {}", draft.case),
            format!("就案件 {} 向 {authority} 申请令状", draft.case),
        )
        .and(
            format!(
                "{subjects} subjects, {} scenes, {hops} hops, at most {cap} rows",
                terms.scenes
            ),
            format!(
                "对象 {subjects} 个，现场 {} 处，{hops} 跳，至多 {cap} 行",
                terms.scenes
            ),
        )
        .and(
            format!("Custodians: {}", draft.custodians.join(", ")),
            format!("数据保管方：{}", draft.custodians.join("、")),
        )
        .and(
            format!("Templates: {}", draft.templates.join(", ")),
            format!("问题模板：{}", draft.templates.join("、")),
        )
    }

    /// What a judge signs: every subject by name.
    pub(super) fn of_order(id: &WarrantId, requester: &InstitutionId, draft: &Subjects) -> Self {
        let mut summary = Self::of(
            format!("Issue the warrant {id} to {requester}"),
            format!("向 {requester} 签发令状 {id}"),
        )
        .and(
            format!("Case {}: {}", draft.case, draft.reason),
            format!("案件 {}：{}", draft.case, draft.reason),
        )
        .and(
            format!("Legal basis: {}", draft.basis),
            format!("法律依据：{}", draft.basis),
        );
        for scene in &draft.scenes {
            let (en, zh) = said(scene);
            summary = summary.and(format!("Scene: {en}"), format!("现场：{zh}"));
        }
        for subject in &draft.subjects {
            let selector = &subject.selector;
            summary = summary.and(format!("Subject: {selector}"), format!("对象：{selector}"));
        }
        summary
    }
}

/// A scene in words, English and Chinese.
fn said(scene: &Scene) -> (String, String) {
    let at = |ms: u64| {
        primitives::semantic::Semantic::Timestamp.text(&primitives::semantic::Normal::Int(
            i64::try_from(ms).unwrap_or(i64::MAX),
        ))
    };
    let (from, to) = (at(scene.from_ms), at(scene.to_ms));
    match scene.cell {
        Some(cell) => (
            format!("cell {cell}, {from} to {to}"),
            format!("小区 {cell}，{from} 至 {to}"),
        ),
        None => (
            format!("everywhere, {from} to {to}"),
            format!("全市，{from} 至 {to}"),
        ),
    }
}
