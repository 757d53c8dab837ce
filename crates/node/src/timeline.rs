//! Records in plain words, Chinese and English.

use docket::{Change, Header, Statement};

fn who(header: &Header) -> String {
    match &header.officer {
        Some(officer) => format!("{}/{officer}", header.institution),
        None => header.institution.to_string(),
    }
}

fn say_of_officers(who: &str, statement: &Statement) -> (String, String) {
    match statement {
        Statement::OfficerEnrolled {
            officer, duties, ..
        } => {
            let duties: Vec<&str> = duties.iter().map(|duty| duty.name()).collect();
            let duties = duties.join(", ");
            (
                format!("{who} enrols officer {officer} as {duties}"),
                format!("{who} 登记经办人 {officer}（{duties}）"),
            )
        }
        Statement::OfficerRetired { .. } => (
            format!("{who} withdraws an officer's credential"),
            format!("{who} 注销一名经办人的凭证"),
        ),
        Statement::OfficerProposed {
            officer,
            credential,
            duties,
        } => {
            let duties: Vec<&str> = duties.iter().map(|duty| duty.name()).collect();
            let duties = duties.join(", ");
            let (en, zh) = match credential.passkey() {
                Some(_) => ("a passkey", "通行密钥"),
                None => ("a key", "密钥"),
            };
            (
                format!("{who} proposes officer {officer} as {duties}, with {en}"),
                format!("{who} 提名经办人 {officer}（{duties}），凭{zh}"),
            )
        }
        Statement::OfficerConfirmed { proposal } => {
            let proposal = proposal.short();
            (
                format!("{who} confirms the officer of proposal {proposal}"),
                format!("{who} 确认提名 {proposal} 的经办人"),
            )
        }
        _ => (who.to_owned(), who.to_owned()),
    }
}

/// What a record says: in English, then in Chinese.
#[must_use]
pub(crate) fn say(header: &Header) -> (String, String) {
    let who = who(header);
    match &header.statement {
        Statement::ChangeProposed { change } => {
            let (en, zh) = match change {
                Change::Admit(card) => (
                    format!("to admit {}", card.institution.id),
                    format!("接纳 {}", card.institution.id),
                ),
                Change::Replace(card) => (
                    format!("new keys or addresses for {}", card.institution.id),
                    format!("更换 {} 的密钥或地址", card.institution.id),
                ),
                Change::Remove(id) => (format!("that {id} leaves"), format!(" {id} 退出")),
            };
            (format!("{who} proposes {en}"), format!("{who} 提议{zh}"))
        }
        Statement::ChangeVoted { proposal, yes } => {
            let (en, zh) = if *yes {
                ("for", "赞成")
            } else {
                ("against", "反对")
            };
            let proposal = proposal.short();
            (
                format!("{who} votes {en} proposal {proposal}"),
                format!("{who} {zh}提议 {proposal}"),
            )
        }
        Statement::OfficerEnrolled { .. }
        | Statement::OfficerRetired { .. }
        | Statement::OfficerProposed { .. }
        | Statement::OfficerConfirmed { .. } => say_of_officers(&who, &header.statement),
        Statement::DatasetPublished(entry) => (
            format!("{who} publishes the table {}", entry.dataset),
            format!("{who} 发布数据表 {}", entry.dataset),
        ),
        Statement::SnapshotCommitted(snapshot) => (
            format!(
                "{who} commits to a snapshot: {} rows, {} rejected",
                snapshot.rows, snapshot.rejected
            ),
            format!(
                "{who} 提交快照：{} 行，{} 行未通过校验",
                snapshot.rows, snapshot.rejected
            ),
        ),
        Statement::WarrantDrafted { authority, terms } => (
            format!(
                "{who} asks {authority} for a warrant over {} subjects",
                terms.subjects
            ),
            format!("{who} 向 {authority} 申请令状，对象 {} 个", terms.subjects),
        ),
        Statement::EquivocationWitnessed { member, kind } => (
            format!("{who} holds evidence that {member} contradicted itself ({kind})"),
            format!("{who} 持有 {member} 自相矛盾的证据（{kind}）"),
        ),
        Statement::RulesChanged(change) => {
            let count = change.rules.len();
            (
                format!("{who} puts {count} standing rules in force"),
                format!("{who} 启用 {count} 条审批规则"),
            )
        }
        _ => say_case(&who, &header.statement),
    }
}

fn say_case(who: &str, statement: &Statement) -> (String, String) {
    match statement {
        Statement::WarrantIssued { terms, .. } => (
            format!(
                "{who} issues the warrant: {} subjects, {} hops, {} rows, {} runs",
                terms.subjects, terms.hops, terms.answer_cap, terms.runs
            ),
            format!(
                "{who} 签发令状：对象 {} 个，{} 跳，至多 {} 行，{} 次",
                terms.subjects, terms.hops, terms.answer_cap, terms.runs
            ),
        ),
        Statement::WarrantRefused { .. } => (
            format!("{who} refuses the draft"),
            format!("{who} 驳回申请"),
        ),
        Statement::WarrantRevoked {} => (
            format!("{who} revokes the warrant"),
            format!("{who} 撤销令状"),
        ),
        Statement::QuestionAsked(asked) => (
            format!(
                "{who} asks {} of {} custodians",
                asked.template,
                asked.custodians.len()
            ),
            format!(
                "{who} 向 {} 个数据方提出 {}",
                asked.custodians.len(),
                asked.template
            ),
        ),
        Statement::Denied { rule, act } => (
            format!("{who} denies {act} by rule {rule}"),
            format!("{who} 依规则 {rule} 拒绝 {act}"),
        ),
        Statement::Approved { by_rule, .. } => match by_rule {
            Some(rule) => (
                format!("{who} approves by its rule {rule}"),
                format!("{who} 依规则 {rule} 同意"),
            ),
            None => (format!("{who} approves"), format!("{who} 同意")),
        },
        Statement::Narrowed {
            hops, answer_cap, ..
        } => (
            format!("{who} would approve {hops} hops and {answer_cap} rows"),
            format!("{who} 要求缩小到 {hops} 跳、{answer_cap} 行"),
        ),
        Statement::Refused { .. } => (format!("{who} refuses"), format!("{who} 拒绝")),
        other => say_run(who, other),
    }
}

fn say_run(who: &str, statement: &Statement) -> (String, String) {
    match statement {
        Statement::InputsCommitted { tables, .. } if !tables.is_empty() => (
            format!("{who} binds its inputs: {} shared tables", tables.len()),
            format!("{who} 锁定输入：{} 张份额表", tables.len()),
        ),
        Statement::CountOpened { count, .. } if count.withheld > 0 => (
            format!(
                "{who} records the count: {} rows, {} groups withheld",
                count.rows, count.withheld
            ),
            format!(
                "{who} 登记数量：{} 行，{} 组未予打开",
                count.rows, count.withheld
            ),
        ),
        Statement::CountOpened { count, .. } => (
            format!("{who} records the count: {} rows", count.rows),
            format!("{who} 登记数量：{} 行", count.rows),
        ),
        Statement::InputsCommitted { keys, .. } => (
            format!("{who} binds its inputs: {} lookup keys", keys.len()),
            format!("{who} 锁定输入：{} 个查询键", keys.len()),
        ),
        Statement::RunCompleted {
            attestations,
            evaluated,
            ..
        } => {
            let selectors: u64 = evaluated.iter().map(|n| u64::from(*n)).sum();
            (
                format!(
                    "{who} completes the run: {selectors} selectors, signed by {} custodians",
                    attestations.len()
                ),
                format!(
                    "{who} 完成计算：{selectors} 个查询对象，{} 个数据方签名",
                    attestations.len()
                ),
            )
        }
        Statement::RunAborted {
            cause,
            refused_by: Some(refused),
            ..
        } => (
            format!("{who} aborts the run: {refused} refused ({cause})"),
            format!("{who} 中止计算：{refused} 拒绝（{cause}）"),
        ),
        Statement::RunAborted { cause, blamed, .. } => match blamed {
            Some(blamed) => (
                format!("{who} aborts the run: {cause} of {blamed}"),
                format!("{who} 中止计算：{blamed} 出现 {cause}"),
            ),
            None => (
                format!("{who} aborts the run: {cause}"),
                format!("{who} 中止计算：{cause}"),
            ),
        },
        Statement::AnswerDisclosed { rows, .. } => (
            format!("{who} opens the answer: {rows} rows"),
            format!("{who} 开启答案：{rows} 行"),
        ),
        Statement::Consulted { reader, what, .. } => (
            format!("{who}/{reader} reads: {what}"),
            format!("{who}/{reader} 查阅：{what}"),
        ),
        Statement::PassedOn { form, .. } => (
            format!("{who} passes on the answer as {form}"),
            format!("{who} 以 {form} 形式移交答案"),
        ),
        Statement::NoticeGiven { told, withheld } => (
            format!("{who} accounts for notice: {told} told, {withheld} not"),
            format!("{who} 说明告知情况：已告知 {told} 个对象，未告知 {withheld} 个"),
        ),
        Statement::BundleExported { .. } => (
            format!("{who} exports the evidence"),
            format!("{who} 导出证据包"),
        ),
        other => (
            format!("{who}: {}", other.kind()),
            format!("{who}：{}", other.kind()),
        ),
    }
}
