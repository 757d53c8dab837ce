//! Checking a bundle that somebody brings, with the exact place of what is wrong.

use docket::Statement;
use evidence::{Case, Finding, TrustAnchor};
use primitives::NetworkId;

use crate::api::types::{BundleApproval, BundleCase, BundleCheck, BundleSource, FindingView};

/// Checks a bundle against a network. Nothing is kept.
#[must_use]
pub(crate) fn check(bytes: &[u8], network: NetworkId) -> BundleCheck {
    let anchor = TrustAnchor {
        network: Some(network),
    };
    let (findings, case) = match evidence::verify(bytes, &anchor) {
        Ok(case) => (Vec::new(), Some(view(&case))),
        Err(refused) => (refused.findings.iter().map(finding).collect(), None),
    };
    BundleCheck {
        valid: case.is_some(),
        network: network.to_string(),
        findings,
        case,
    }
}

fn view(case: &Case) -> BundleCase {
    BundleCase {
        network_name: case.network_name.clone(),
        question: case.question.to_string(),
        warrant: case.warrant.to_string(),
        template: case.plan.template.to_string(),
        requester: case.requester.to_string(),
        authority: case.authority.to_string(),
        basis: case.order.as_ref().map(|order| order.basis.clone()),
        window_ms: [case.plan.window.from_ms, case.plan.window.to_ms],
        rows: u32::try_from(case.answer.rows()).unwrap_or(u32::MAX),
        lookups: case
            .lookups
            .map(|lookups| u32::try_from(lookups).unwrap_or(u32::MAX)),
        records: u32::try_from(case.timeline.len()).unwrap_or(u32::MAX),
        log_size: case.log_size,
        disclosed_ms: case.disclosed_ms,
        exported_ms: case.exported_ms,
        sources: case
            .sources
            .iter()
            .map(|source| BundleSource {
                institution: source.institution.to_string(),
                dataset: source.dataset.dataset.clone(),
                snapshot: source.record.to_string(),
                extracted_ms: source.snapshot.extracted_ms,
            })
            .collect(),
        approvals: case
            .timeline
            .iter()
            .filter_map(|entry| match &entry.statement {
                Statement::Approved {
                    question, by_rule, ..
                } if *question == case.question => Some(BundleApproval {
                    institution: entry.institution.to_string(),
                    officer: entry.officer.as_ref().map(ToString::to_string),
                    by_rule: by_rule.clone(),
                    time_ms: entry.time_ms,
                }),
                _ => None,
            })
            .collect(),
    }
}

fn finding(finding: &Finding) -> FindingView {
    FindingView {
        file: finding.file.clone(),
        rule: finding.rule.clone(),
        text_en: format!("{}: {}.", file_en(&finding.file), finding.detail),
        text_zh: format!("{}：{}。", file_zh(&finding.file), rule_zh(&finding.rule)),
    }
}

/// What a file of a bundle is: in English, then in Chinese.
fn file_words(file: &str) -> (&'static str, &'static str) {
    let folder = file.split_once('/').map_or(file, |(folder, _)| folder);
    match folder {
        "(archive)" => ("The archive itself", "压缩包本身"),
        "manifest.json" => ("The list of files", "文件清单"),
        "manifest.sig" => ("The exporter's signature", "导出方签名"),
        "charter" => ("The founding charter", "创始章程"),
        "records" => ("A record", "记录"),
        "receipts" => ("A receipt of the ledger", "账本回执"),
        "bodies" => ("An opened body", "密封内容"),
        "lookups" => ("A lookup that shows rows", "显示各行的查询"),
        "answer.json" => ("The answer", "答案"),
        "report.html" => ("The report", "报告"),
        _ => ("A file", "文件"),
    }
}

fn file_en(file: &str) -> String {
    format!("{} ({file})", file_words(file).0)
}

fn file_zh(file: &str) -> String {
    format!("{}（{file}）", file_words(file).1)
}

fn rule_zh(rule: &str) -> String {
    let words = match rule {
        "missing-file" => "缺少文件",
        "unexpected-file" => "多出文件，或文件名与内容不符",
        "manifest" => "内容与清单不符",
        "one-form" => "不是规定的唯一形式",
        "archive-form" => "压缩包不是规定的形式",
        "file-name" => "文件名不合规定",
        "checksum" => "校验和不符，文件已损坏或被改动",
        "within-limit" => "超出限度",
        "signature" => "签名验证不通过",
        "exporter" => "签名者不是导出机构的节点",
        "network" => "属于另一个网络",
        "rendered" => "与证据所示不一致，已被改动",
        "log-order" => "次序与账本不符",
        "time-skew" => "时间与联署不符",
        "path-length" => "证明路径长度不对",
        "one-log" => "不是同一本账",
        "parts" => "密封内容与记录的承诺不符",
        "reader" => "内容的读者不对",
        "question" => "与所问问题不符",
        "exported" => "导出记录不符",
        "answer-unknown" => "没有已开启的答案",
        "answer-mismatch" => "答案与账本上的承诺不符",
        "lookups" => "与数据机构所签不符",
        "snapshot-unknown" => "快照不在账本上",
        "warrant-unknown" => "令状不在账本上",
        other => return format!("违反规则 {other}"),
    };
    words.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use primitives::Digest;

    #[test]
    fn what_is_no_bundle_is_refused_at_the_archive() {
        let check = check(b"PK nothing", NetworkId(Digest([1; 32])));
        assert!(!check.valid && check.case.is_none());
        assert_eq!(check.findings[0].file, "(archive)");
        assert!(
            check.findings[0].text_zh.starts_with("压缩包本身"),
            "{:?}",
            check.findings
        );
    }

    #[test]
    fn a_finding_names_its_file_in_both_languages() {
        let view = finding(&Finding {
            file: "records/0003-approved.cose".into(),
            rule: "signature".into(),
            detail: "the record's signature does not verify".into(),
        });
        assert_eq!(
            view.text_en,
            "A record (records/0003-approved.cose): the record's signature does not verify."
        );
        assert_eq!(
            view.text_zh,
            "记录（records/0003-approved.cose）：签名验证不通过。"
        );
    }
}
