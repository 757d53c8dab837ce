//! What an officer reads before signing, in plain words.

use docket::Plan;

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
}
