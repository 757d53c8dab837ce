//! The report's vocabulary, Chinese beside English.
//!
//! *Invariants*: a word that is not here is shown as the ledger writes it.

/// One thing said in both languages.
#[derive(Clone, Copy)]
pub(crate) struct Word {
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
}

const fn word(zh: &'static str, en: &'static str) -> Word {
    Word { zh, en }
}

/// What a kind of record is called.
pub(crate) fn kind(kind: &str) -> Option<Word> {
    Some(match kind {
        "change-proposed" => word("提议变更成员", "Change of members proposed"),
        "change-voted" => word("成员表决", "Vote on members"),
        "officer-enrolled" => word("登记经办人", "Officer enrolled"),
        "officer-retired" => word("注销经办人", "Officer retired"),
        "officer-proposed" => word("提名经办人", "Officer proposed"),
        "officer-confirmed" => word("确认经办人", "Officer confirmed"),
        "rules-changed" => word("修改审批规则", "Approval rules changed"),
        "equivocation-witnessed" => word("举证自相矛盾", "Equivocation witnessed"),
        "dataset-published" => word("发布数据目录", "Dataset published"),
        "snapshot-committed" => word("提交数据快照", "Snapshot committed"),
        "warrant-drafted" => word("申请令状", "Warrant drafted"),
        "warrant-issued" => word("签发令状", "Warrant issued"),
        "warrant-refused" => word("驳回申请", "Warrant refused"),
        "warrant-revoked" => word("撤销令状", "Warrant revoked"),
        "question-asked" => word("提出查询", "Question asked"),
        "denied" => word("系统拒绝", "Denied"),
        "approved" => word("同意查询", "Approved"),
        "narrowed" => word("要求缩小范围", "Narrowed"),
        "refused" => word("拒绝查询", "Refused"),
        "inputs-committed" => word("锁定输入", "Inputs committed"),
        "count-opened" => word("公布计数", "Count opened"),
        "run-completed" => word("计算完成", "Run completed"),
        "run-aborted" => word("计算中止", "Run aborted"),
        "answer-disclosed" => word("开启答案", "Answer disclosed"),
        "consulted" => word("查阅", "Consulted"),
        "passed-on" => word("移交答案副本", "Answer passed on"),
        "notice-given" => word("告知对象", "Notice given"),
        "bundle-exported" => word("导出证据包", "Bundle exported"),
        _ => return None,
    })
}

/// What a template asks.
pub(crate) fn template(template: &str) -> Option<Word> {
    Some(match template {
        "identify" => word("查明持有人", "Identify the holder"),
        "call-contacts" => word("通话联系人", "Call contacts"),
        "follow-the-money" => word("资金去向", "Follow the money"),
        "at-the-scenes" => word("多处在场", "At the scenes"),
        "sim-box" => word("猫池处所", "Where a SIM box may stand"),
        "called-then-paid" => word("接电后转账", "Called, then paid"),
        "totals" => word("分组合计", "Totals by group"),
        "risk-propagation" => word("风险传播", "Risk propagation"),
        "in-common" => word("同在两方", "In both sets"),
        _ => return None,
    })
}

/// What a kind of table is called.
pub(crate) fn table(table: &str) -> Option<Word> {
    Some(match table {
        "subscribers" => word("电话用户", "Subscribers"),
        "accounts" => word("银行账户", "Accounts"),
        "calls" => word("通话记录", "Calls"),
        "transfers" => word("转账记录", "Transfers"),
        "premises" => word("用户处所", "Premises"),
        "readings" => word("表计读数", "Readings"),
        "residents" => word("户籍人口", "Residents"),
        _ => return None,
    })
}

/// What a table of a joint question is called.
pub(crate) fn joint_table(joint: &str) -> Option<Word> {
    Some(match joint {
        "sightings" => word("在场记录", "Sightings"),
        "phones" => word("电话", "Phones"),
        "sims" => word("用户卡位置", "Places of SIM cards"),
        "wet" => word("用水处所", "Premises that use water"),
        "subjects" => word("令状对象", "The warrant's subjects"),
        "facts" => word("分组数额", "Amounts by group"),
        "ledger" => word("账户往来", "Accounts and transfers"),
        "callers" => word("现场呼出用户", "Who called at the scenes"),
        "payees" => word("时段内收款客户", "Who was paid in that time"),
        "householders" => word("现场用电户主", "Who holds premises there"),
        _ => return table(joint),
    })
}

/// What a column is called.
pub(crate) fn column(column: &str) -> Option<Word> {
    Some(match column {
        "phone" => word("电话", "Phone"),
        "holder" => word("户名", "Holder"),
        "id_number" | "holder_id_number" => word("身份号码", "Id number"),
        "account" => word("账号", "Account"),
        "opened" => word("开户日期", "Opened"),
        "caller" => word("主叫", "Caller"),
        "callee" => word("被叫", "Callee"),
        "at" => word("时间", "Time"),
        "seconds" | "duration_s" => word("时长（秒）", "Seconds"),
        "cell" => word("基站", "Cell"),
        "from_account" => word("转出账号", "From account"),
        "to_account" => word("转入账号", "To account"),
        "amount" | "amount_fen" => word("金额（元）", "Amount (yuan)"),
        "from_bank" => word("转出银行", "From bank"),
        "to_bank" => word("转入银行", "To bank"),
        "kind" => word("类型", "Kind"),
        "address" => word("地址", "Address"),
        "premise" => word("户号", "Premise"),
        _ => return None,
    })
}

/// What a column of a joint answer is called.
pub(crate) fn joint_column(joint: &str) -> Option<Word> {
    Some(match joint {
        "premise" => word("用电地址", "Premises"),
        "persons" => word("人数", "Persons"),
        "institution" => word("机构", "Institution"),
        "day" => word("第几日（自时段起）", "Day of the window"),
        "amount" => word("金额（元）", "Amount (yuan)"),
        "transfers" => word("笔数", "Transfers"),
        "sum_fen" => word("合计（分）", "Sum (fen)"),
        "risk_thousandths" => word("风险分值（千分之一）", "Risk (thousandths)"),
        _ => return column(joint),
    })
}

/// What a party learns beyond the answer.
pub(crate) fn leak(leak: &str) -> Option<Word> {
    Some(match leak {
        "selector-count" => word(
            "数据方知道每一步查询的对象数量",
            "Custodians learn how many selectors each step looks up",
        ),
        "buckets" => word(
            "数据方知道哪些分桶被读取，但不知道桶内是谁",
            "Custodians learn which buckets are read, not who in them is sought",
        ),
        "bucket-size" => word(
            "查询方知道所读分桶的大小级别",
            "The requester learns the size class of the buckets it reads",
        ),
        "voucher-count" => word(
            "数据方知道同行为多少个派生对象作保",
            "Custodians learn how many derived selectors a peer vouched for",
        ),
        "day-granularity" => word(
            "查询方看到派生账户在相关日期的全部记录",
            "The requester sees a derived account's rows of the whole days concerned",
        ),
        "table-size" => word(
            "三个计算方和账本的读者知道每张共享表的大小级别",
            "The three that compute, and whoever reads the ledger, learn each shared table's size class",
        ),
        "count" => word(
            "账本的读者知道查询找到多少行",
            "Whoever reads the ledger learns how many rows the question found",
        ),
        _ => return None,
    })
}
