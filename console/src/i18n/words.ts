/** Names of things that the API gives as codes: Chinese, then English.
 *
 * Record kinds, templates, tables, columns and leaks have the words of
 * `crates/evidence/src/words.rs`. A code that is not here is shown as it is.
 */
import type { Lang } from './lang'

type Book = Record<string, readonly [zh: string, en: string]>

export const kinds: Book = {
  'change-proposed': ['提议变更成员', 'Change of members proposed'],
  'change-voted': ['成员表决', 'Vote on members'],
  'officer-enrolled': ['登记经办人', 'Officer enrolled'],
  'officer-proposed': ['提名经办人', 'Officer proposed'],
  'officer-confirmed': ['确认经办人', 'Officer confirmed'],
  'officer-retired': ['注销经办人', 'Officer retired'],
  'dataset-published': ['发布数据目录', 'Dataset published'],
  'snapshot-committed': ['提交数据快照', 'Snapshot committed'],
  'warrant-drafted': ['申请令状', 'Warrant drafted'],
  'warrant-issued': ['签发令状', 'Warrant issued'],
  'warrant-refused': ['驳回申请', 'Warrant refused'],
  'warrant-revoked': ['撤销令状', 'Warrant revoked'],
  'question-asked': ['提出查询', 'Question asked'],
  denied: ['系统拒绝', 'Denied'],
  approved: ['同意查询', 'Approved'],
  narrowed: ['要求缩小范围', 'Narrowed'],
  refused: ['拒绝查询', 'Refused'],
  'inputs-committed': ['锁定输入', 'Inputs committed'],
  'count-opened': ['公布计数', 'Count opened'],
  'run-completed': ['计算完成', 'Run completed'],
  'run-aborted': ['计算中止', 'Run aborted'],
  'answer-disclosed': ['开启答案', 'Answer disclosed'],
  consulted: ['查阅', 'Consulted'],
  'equivocation-witnessed': ['举证自相矛盾', 'Equivocation witnessed'],
  'rules-changed': ['修改审批规则', 'Approval rules changed'],
  'passed-on': ['移交答案副本', 'Answer passed on'],
  'notice-given': ['告知对象', 'Notice given'],
  'bundle-exported': ['导出证据包', 'Bundle exported'],
}

export const templates: Book = {
  identify: ['查明持有人', 'Identify the holder'],
  'call-contacts': ['通话联系人', 'Call contacts'],
  'follow-the-money': ['资金去向', 'Follow the money'],
  'at-the-scenes': ['多处在场', 'At the scenes'],
  'sim-box': ['猫池处所', 'Where a SIM box may stand'],
  'called-then-paid': ['接电后转账', 'Called, then paid'],
  totals: ['分组合计', 'Totals by group'],
  'risk-propagation': ['风险传播', 'Risk propagation'],
  'in-common': ['同在两方', 'In both sets'],
}

export const tables: Book = {
  subscribers: ['电话用户', 'Subscribers'],
  accounts: ['银行账户', 'Accounts'],
  calls: ['通话记录', 'Calls'],
  transfers: ['转账记录', 'Transfers'],
  premises: ['用户处所', 'Premises'],
  readings: ['表计读数', 'Readings'],
  residents: ['户籍人口', 'Residents'],
  sightings: ['在场记录', 'Sightings'],
  phones: ['电话', 'Phones'],
  sims: ['用户卡位置', 'Places of SIM cards'],
  wet: ['用水处所', 'Premises that use water'],
  subjects: ['令状对象', 'The warrant’s subjects'],
  facts: ['分组数额', 'Amounts by group'],
  ledger: ['账户往来', 'Accounts and transfers'],
  callers: ['现场呼出用户', 'Who called at the scenes'],
  payees: ['时段内收款客户', 'Who was paid in that time'],
  householders: ['现场用电户主', 'Who holds premises there'],
}

export const columns: Book = {
  phone: ['电话', 'Phone'],
  holder: ['户名', 'Holder'],
  name: ['姓名', 'Name'],
  id_number: ['身份号码', 'Id number'],
  holder_id_number: ['身份号码', 'Id number'],
  account: ['账号', 'Account'],
  opened: ['开户日期', 'Opened'],
  caller: ['主叫', 'Caller'],
  callee: ['被叫', 'Callee'],
  at: ['时间', 'Time'],
  seconds: ['时长（秒）', 'Seconds'],
  duration_s: ['时长（秒）', 'Seconds'],
  cell: ['基站', 'Cell'],
  from_account: ['转出账号', 'From account'],
  to_account: ['转入账号', 'To account'],
  amount: ['金额（元）', 'Amount (yuan)'],
  amount_fen: ['金额（元）', 'Amount (yuan)'],
  from_bank: ['转出银行', 'From bank'],
  to_bank: ['转入银行', 'To bank'],
  kind: ['类型', 'Kind'],
  address: ['地址', 'Address'],
  premise: ['户号', 'Premise'],
  persons: ['人数', 'Persons'],
  transfers: ['笔数', 'Transfers'],
  sum_fen: ['金额合计（元）', 'Sum (yuan)'],
  risk_thousandths: ['风险分', 'Risk'],
  institution: ['机构', 'Institution'],
  day: ['日', 'Day'],
}

export const duties: Book = {
  investigator: ['侦查员', 'Investigator'],
  judge: ['审批官', 'Judge'],
  approver: ['数据审批员', 'Approver'],
  steward: ['数据管理员', 'Steward'],
  auditor: ['监督员', 'Auditor'],
  registrar: ['登记员', 'Registrar'],
}

export const roles: Book = {
  requester: ['请求方', 'Requester'],
  custodian: ['数据方', 'Custodian'],
  authority: ['签发机关', 'Authority'],
  overseer: ['监督方', 'Overseer'],
}

export const semantics: Book = {
  phone: ['电话', 'Phone'],
  resident_id: ['身份证号', 'Resident id'],
  id: ['身份证号', 'Resident id'],
  account: ['账号', 'Account'],
  money: ['金额', 'Money'],
  timestamp: ['时刻', 'Time'],
  date: ['日期', 'Date'],
  integer: ['整数', 'Integer'],
  real: ['小数', 'Real number'],
  text: ['文字', 'Text'],
  institution: ['机构', 'Institution'],
  premise: ['户号', 'Premise'],
}

export const disclosures: Book = {
  open: ['可打开', 'Open'],
  key_only: ['只作查询键', 'Key only'],
  'key-only': ['只作查询键', 'Key only'],
  aggregate_only: ['只作汇总', 'Aggregate only'],
  'aggregate-only': ['只作汇总', 'Aggregate only'],
  compare_only: ['只作比较', 'Compare only'],
  'compare-only': ['只作比较', 'Compare only'],
  never: ['从不使用', 'Never'],
}

export const acts: Book = {
  'draft-warrant': ['申请令状', 'Draft a warrant'],
  'issue-warrant': ['签发令状', 'Issue the warrant'],
  'refuse-warrant': ['驳回申请', 'Refuse the draft'],
  'revoke-warrant': ['撤销令状', 'Revoke the warrant'],
  ask: ['提出查询', 'Ask the question'],
  approve: ['同意查询', 'Approve the question'],
  narrow: ['要求缩小范围', 'Ask for a narrower question'],
  refuse: ['拒绝查询', 'Refuse the question'],
  'open-answer': ['开启答案', 'Open the answer'],
  'export-bundle': ['导出证据包', 'Export the bundle'],
  'pass-on': ['移交答案副本', 'Pass the answer on'],
  'give-notice': ['说明告知情况', 'Account for notice'],
  'change-rules': ['修改审批规则', 'Change the approval rules'],
  'enrol-officer': ['登记经办人', 'Enrol an officer'],
  'propose-officer': ['提名经办人', 'Propose an officer'],
  'confirm-officer': ['确认经办人', 'Confirm an officer'],
  'retire-officer': ['注销经办人', 'Retire an officer'],
}

export const fields: Book = {
  templates: ['查询模板', 'Templates'],
  custodians: ['数据方', 'Custodians'],
  subjects: ['对象数量', 'Number of subjects'],
  scenes: ['现场数量', 'Number of scenes'],
  hops: ['跳数', 'Hops'],
  answer_cap: ['答案行数上限', 'Answer cap'],
  runs: ['可计算次数', 'Runs'],
  not_before_ms: ['生效时间', 'Valid from'],
  expires_ms: ['失效时间', 'Expires'],
  basis: ['法律依据', 'Legal basis'],
  window_ms: ['数据时段', 'Window'],
  reason: ['理由', 'Reason'],
  case: ['案号', 'Case'],
}

/** Reasons by which a value is not what its type says, when the node gives no words. */
export const consultations: Book = {
  subjects: ['对象', 'subjects'],
  docket: ['卷宗', 'docket'],
  answer: ['答案', 'answer'],
  changes: ['草案变更', 'changes of the draft'],
  provenance: ['来源', 'provenance'],
  'export-csv': ['导出表格', 'table exported'],
  bundle: ['证据包', 'bundle'],
}

export function word(book: Book, code: string, lang: Lang): string {
  const pair = Object.hasOwn(book, code) ? book[code] : undefined
  if (!pair) return code
  return lang === 'zh' ? pair[0] : pair[1]
}

/** A member's name, which the city's members write as "English / 中文". */
export function memberName(name: string, lang: Lang): string {
  const [en, zh, more] = name.split(' / ')
  if (more !== undefined || en === undefined || zh === undefined) return name
  return lang === 'zh' ? zh : en
}
