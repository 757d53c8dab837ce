//! Subjects as a person typed them: each line's canonical form, or why it has none.
//!
//! *Invariants*: a pure function; nothing of a line is stored or logged.

use std::collections::{BTreeMap, HashMap};

use primitives::semantic::{Reason, Reject, Selector, Semantic};

use crate::api::types::{CheckedLine, CheckedSubjects};

/// Checks lines as a draft would take them.
#[must_use]
pub(crate) fn check(lines: &[String], limit: u32) -> CheckedSubjects {
    let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut out = CheckedSubjects {
        lines: Vec::with_capacity(lines.len()),
        ok: 0,
        invalid: 0,
        duplicate: 0,
        kinds: BTreeMap::new(),
        limit,
    };
    for (number, text) in (1u32..).zip(lines) {
        let checked = line(number, text, &mut seen);
        match checked.state.as_str() {
            "ok" => {
                out.ok += 1;
                let kind = checked.semantic.clone().unwrap_or_default();
                *out.kinds.entry(kind).or_default() += 1;
            }
            "duplicate" => out.duplicate += 1,
            "invalid" => out.invalid += 1,
            _ => {}
        }
        out.lines.push(checked);
    }
    out
}

fn line(number: u32, text: &str, seen: &mut HashMap<Vec<u8>, u32>) -> CheckedLine {
    let mut view = CheckedLine {
        line: number,
        state: "empty".into(),
        selector: None,
        semantic: None,
        value: None,
        duplicate_of: None,
        reason: None,
        text_en: None,
        text_zh: None,
    };
    if text.trim().is_empty() {
        return view;
    }
    let invalid = |mut view: CheckedLine, reason: &str, (en, zh): (String, String)| {
        view.state = "invalid".into();
        view.reason = Some(reason.into());
        view.text_en = Some(en);
        view.text_zh = Some(zh);
        view
    };
    let selector: Selector = match text.parse() {
        Ok(selector) => selector,
        Err(reject) => return invalid(view, reason_name(reject), words(reject)),
    };
    if selector.period().is_some() {
        let words = (
            "a subject has no day of its own".into(),
            "对象不能附带日期".into(),
        );
        return invalid(view, "period", words);
    }
    let seedable = [Semantic::Phone, Semantic::ResidentId, Semantic::Account];
    if !seedable.contains(&selector.semantic()) {
        let words = (
            "no template begins from such a value; write phone:, id: or account:".into(),
            "没有模板以此类值为起点；请写 phone:、id: 或 account:".into(),
        );
        return invalid(view, "kind", words);
    }
    view.selector = Some(selector.to_string());
    view.semantic = Some(selector.semantic().name().into());
    view.value = Some(selector.value().into());
    match seen.entry(selector.to_input()) {
        std::collections::hash_map::Entry::Occupied(first) => {
            view.state = "duplicate".into();
            view.duplicate_of = Some(*first.get());
        }
        std::collections::hash_map::Entry::Vacant(place) => {
            place.insert(number);
            view.state = "ok".into();
        }
    }
    view
}

fn reason_name(reject: Reject) -> &'static str {
    match reject.reason {
        Reason::Empty => "empty",
        Reason::TooLong => "too_long",
        Reason::TooShort => "too_short",
        Reason::Character => "character",
        Reason::Form => "form",
        Reason::CheckDigit => "check_digit",
        Reason::Calendar => "calendar",
        Reason::Range => "range",
        Reason::Precision => "precision",
        Reason::Rounded => "rounded",
        Reason::Kind => "kind",
        Reason::Ambiguous => "ambiguous",
        _ => "other",
    }
}

fn words(reject: Reject) -> (String, String) {
    let kind = match reject.semantic {
        Semantic::Phone => "电话号码",
        Semantic::ResidentId => "身份证号",
        Semantic::Account => "账号",
        Semantic::Date => "日期",
        _ => "此类值",
    };
    let why = match reject.reason {
        Reason::Empty => "内容为空",
        Reason::TooLong => "过长",
        Reason::TooShort => "过短",
        Reason::Character => "含有此类值不会有的字符",
        Reason::Form => "不符合此类值的任何写法",
        Reason::CheckDigit => "校验码不符",
        Reason::Calendar => "没有这一天或这一时刻，或不在 1900 至 2199 年间",
        Reason::Range => "超出范围",
        Reason::Precision => "比最小单位更细",
        Reason::Rounded => "已被电子表格四舍五入",
        Reason::Kind => "列的类型不能承载此类值",
        Reason::Ambiguous => "可作多种解读；请在前面写明 phone:、id: 或 account:",
        _ => "不能识别",
    };
    (reject.to_string(), format!("不是{kind}：{why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(lines: &[&str]) -> CheckedSubjects {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        check(&lines, 10)
    }

    #[test]
    fn one_subject_in_two_forms_counts_once() {
        let all = checked(&["phone:13812345678", "", "0086 138 1234 5678"]);
        assert_eq!((all.ok, all.duplicate, all.invalid), (1, 1, 0));
        assert_eq!(all.lines[0].value.as_deref(), Some("+8613812345678"));
        assert_eq!(all.lines[1].state, "empty");
        assert_eq!(all.lines[2].duplicate_of, Some(1));
        assert_eq!(all.kinds, BTreeMap::from([("phone".to_owned(), 1)]));
    }

    #[test]
    fn a_line_that_names_nobody_says_why_and_never_repeats_what_it_held() {
        let all = checked(&[
            "id:110101199003070011",
            "phone:138x",
            "account:6228480402564890018@2024-01-01",
            "money:12",
        ]);
        let reasons: Vec<_> = all.lines.iter().map(|l| l.reason.as_deref()).collect();
        assert_eq!(
            reasons,
            [
                Some("check_digit"),
                Some("character"),
                Some("period"),
                Some("kind")
            ]
        );
        assert_eq!(all.invalid, 4);
        for line in &all.lines {
            let json = serde_json::to_string(line).unwrap();
            assert!(
                !json.contains("1990030") && !json.contains("138x"),
                "{json}"
            );
            assert!(line.text_zh.as_ref().is_some_and(|text| !text.is_empty()));
        }
    }
}
