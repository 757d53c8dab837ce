/** Answers of a node, for looking at pages in every state without a network.
 *
 * Only plays use these: the console itself knows no other data than a node's.
 */
import type {
  Alarm,
  AnswerView,
  BundleCheck,
  CaseCard,
  CaseView,
  DatasetView,
  Engine,
  Inbox,
  JobView,
  MemberView,
  PlanView,
  ProposalView,
  Provenance,
  QuestionView,
  RecordView,
  RulesView,
  Statistics,
  TemplateView,
  WarrantView,
} from '../src/api/types'

const now = Date.UTC(2026, 10, 25, 6, 30)
const hour = 3_600_000
const day = 24 * hour
const hex = (seed: string, length = 64): string => {
  let state = [...seed].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7)
  let text = ''
  while (text.length < length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    text += state.toString(16).padStart(8, '0')
  }
  return text.slice(0, length)
}
const W = hex('warrant', 32)
const Q = hex('question')

const CUSTODIANS = ['bank_a', 'bank_b', 'bank_c', 'bank_d', 'telecom_a', 'telecom_b', 'power', 'water']
const names: Record<string, string> = {
  police: 'Police bureau / 公安局',
  procuratorate: 'Procuratorate / 检察院',
  bank_a: 'Bank A / 银行A',
  bank_b: 'Bank B / 银行B',
  bank_c: 'Bank C / 银行C',
  bank_d: 'Bank D / 银行D',
  telecom_a: 'Telecom operator A / 电信运营商A',
  telecom_b: 'Telecom operator B / 电信运营商B',
  power: 'Power company / 供电公司',
  water: 'Water company / 供水公司',
}

export const network: MemberView[] = Object.entries(names).map(([institution, name]) => ({
  institution,
  name,
  roles:
    institution === 'police'
      ? ['requester']
      : institution === 'procuratorate'
        ? ['authority', 'overseer']
        : ['custodian'],
  node_key: hex(`node${institution}`),
  officers: [
    {
      officer: institution === 'police' ? 'investigator-1' : institution === 'procuratorate' ? 'judge-1' : 'approver-1',
      key: `passkey:${hex(`key${institution}`)}`,
      kind: 'passkey',
      duties: institution === 'police' ? ['investigator'] : institution === 'procuratorate' ? ['judge'] : ['approver'],
    },
  ],
})) as MemberView[]

export const templates: TemplateView[] = [
  {
    template: 'identify',
    title_en: 'Who holds these phones, id numbers and accounts?',
    title_zh: '这些电话、身份证号、账户是谁的？',
    what_en: 'The holders of the subjects, and every phone and account under the same id number.',
    what_zh: '查明对象的登记人，以及同一身份证号名下的全部电话与账户。',
    subjects: ['phone', 'resident_id', 'account'],
    parameters: [],
    terms: [],
    assessment: '',
    impact: hex('i1'),
  },
  {
    template: 'call-contacts',
    title_en: 'Whom did these phones call, and who called them?',
    title_zh: '这些电话与谁通过话？',
    what_en: 'The calls of the subjects within the warrant’s window; with two hops also those of their contacts.',
    what_zh: '令状时段内对象的通话；两跳时还包括其联系人的通话。',
    subjects: ['phone'],
    parameters: [{ name: 'hops', what_en: '1 or 2', what_zh: '1 或 2' }],
    terms: [],
    assessment: '',
    impact: hex('i2'),
  },
  {
    template: 'follow-the-money',
    title_en: 'Where did the money go?',
    title_zh: '钱去了哪里？',
    what_en: 'Transfers out of the accounts, and out of each account that received one soon after, hop by hop.',
    what_zh: '从所列账户转出的款项，以及收款账户随后在时限内的转出，逐跳追踪。',
    subjects: ['account'],
    parameters: ['hops', 'min_amount_minor', 'within_ms'].map((name) => ({ name, what_en: name, what_zh: name })),
    terms: [],
    assessment: '',
    impact: hex('i3'),
  },
  {
    template: 'at-the-scenes',
    title_en: 'Which phones were at several scenes?',
    title_zh: '哪些电话到过多个现场？',
    what_en:
      'The phones that called under the cells of at least so many of the warrant’s scenes, over all telecoms: first how many, then which, up to the cap.',
    what_zh: '在令状所列现场中至少若干处的基站下呼出过的电话（各电信运营商合计）：先得数量，不超上限才打开号码。',
    subjects: [],
    parameters: [],
    joint: 'scenes',
    terms: [
      {
        name: 'least',
        default: null,
        least: 1,
        most: 64,
        what_en: 'at how many of the scenes at least; all of them unless given',
        what_zh: '至少出现在几个现场；默认全部',
      },
    ],
    assessment: '',
    impact: hex('i4'),
  },
  {
    template: 'totals',
    title_en: 'How much did they pay, and where?',
    title_zh: '他们付了多少，付往何处？',
    what_en:
      'Persons, transfers and sums of those who called at the warrant’s scenes, by bank, day or amount; groups of few persons are withheld, and how many are is said.',
    what_zh: '在令状现场呼出过的人的付款人数、笔数与金额，按银行、日期或金额分组；人数过少的组不予打开，但说明有几组。',
    subjects: [],
    parameters: [],
    joint: 'scenes',
    terms: [
      {
        name: 'by',
        default: 0,
        least: 0,
        most: 2,
        what_en: 'groups: 0 by the paying bank, 1 by day, 2 by the amount’s number of digits; 0 unless given',
        what_zh: '分组：0 按付款行，1 按日，2 按金额位数；默认 0',
      },
    ],
    assessment: '',
    impact: hex('i5'),
  },
]

const decisions = Object.fromEntries(
  ['bank_a', 'bank_b', 'bank_c', 'bank_d'].map((bank, i) => [bank, i < 2 ? 'approved' : 'pending']),
)
const question = (
  id: string,
  template: string,
  phase: string,
  more: Partial<CaseCard['questions'][number]> = {},
): CaseCard['questions'][number] => ({
  question: id,
  template,
  phase,
  hops: 3,
  answer_cap: 500,
  asked_ms: now - 3 * hour,
  asked_by: 'investigator-1',
  decisions,
  inputs: [],
  disclosed: false,
  exported: false,
  ...more,
})

export const card: CaseCard = {
  warrant: W,
  phase: 'issued',
  case: '锦公刑〔2026〕0417号',
  case_commitment: hex('c1'),
  requester: 'police',
  authority: 'procuratorate',
  templates: ['identify', 'call-contacts', 'follow-the-money', 'at-the-scenes', 'totals'],
  custodians: CUSTODIANS,
  subjects: 24,
  scenes: 3,
  noticed: 0,
  hops: 3,
  answer_cap: 500,
  runs: 6,
  spent: 2,
  runs_left: 4,
  not_before_ms: now - day,
  expires_ms: now + 6 * day,
  drafted_ms: now - 26 * hour,
  drafted_by: 'investigator-1',
  decided_ms: now - 25 * hour,
  decided_by: 'judge-1',
  last_ms: now - 8 * 60_000,
  last_kind: 'approved',
  last_index: 118,
  records: 41,
  questions: [
    question(Q, 'follow-the-money', 'running', { progress: 0.46 }),
    question(hex('q2'), 'identify', 'completed', { disclosed: true, exported: true }),
    question(hex('q4'), 'at-the-scenes', 'counted', { decisions: { telecom_a: 'approved', telecom_b: 'approved' } }),
    question(hex('q3'), 'call-contacts', 'declined', { decisions: { telecom_a: 'refused', telecom_b: 'approved' } }),
  ],
  waits: [
    {
      what: 'open-answer',
      institution: 'police',
      duty: 'investigator',
      question: hex('q2'),
      since_ms: now - hour,
      mine: true,
    },
  ],
}
const drafted: CaseCard = {
  ...card,
  warrant: hex('w2', 32),
  phase: 'drafted',
  case: '锦公刑〔2026〕0422号',
  subjects: 7,
  scenes: 2,
  spent: 0,
  runs_left: 6,
  last_kind: 'warrant-drafted',
  questions: [],
  decided_ms: null,
  decided_by: null,
  last_ms: now - 25 * 60_000,
  waits: [
    { what: 'decide-draft', institution: 'procuratorate', duty: 'judge', since_ms: now - 25 * 60_000, mine: true },
  ],
}
export const cases: CaseCard[] = [
  card,
  drafted,
  { ...card, warrant: hex('w3', 32), case: null, phase: 'expired', questions: [], waits: [], last_ms: now - 20 * day },
  {
    ...card,
    warrant: hex('w4', 32),
    case: '锦公刑〔2026〕0398号',
    phase: 'revoked',
    questions: [],
    waits: [],
    last_ms: now - 30 * day,
    last_kind: 'warrant-revoked',
  },
]

const terms = (c: CaseCard) => ({
  templates: c.templates,
  custodians: c.custodians,
  subjects: c.subjects,
  scenes: c.scenes,
  hops: c.hops,
  answer_cap: c.answer_cap,
  runs: c.runs,
  not_before_ms: c.not_before_ms,
  expires_ms: c.expires_ms,
})
export const caseView: CaseView = {
  ...card,
  basis: '《刑事诉讼法》第一百四十四条',
  window_ms: [now - 90 * day, now],
  asked: { ...terms(card), hops: 4, answer_cap: 2000 },
  granted: terms(card),
  narrowed: [
    { field: 'hops', before: 4, after: 3 },
    { field: 'answer_cap', before: 2000, after: 500 },
  ],
  readable: ['subjects', 'order'],
  predecessor: null,
}
export const draftView: CaseView = {
  ...drafted,
  basis: '《刑事诉讼法》第一百四十四条',
  window_ms: [now - 90 * day, now],
  asked: terms(drafted),
  granted: null,
  narrowed: [],
  readable: ['subjects', 'order'],
  predecessor: hex('w5', 32),
}

const subjects = [
  'phone:+8613812345678',
  'phone:+8613987654321',
  'phone:+8615011112222',
  'account:6222021234567890128',
  'account:6217000012345678906',
  'account:6228480012345678912',
  'id:110101199003078515',
  'account:622200000001000000',
  'account:622200000001007919',
]
export const warrantView = {
  ...draftView,
  subject_list: {
    case: '锦公刑〔2026〕0422号',
    reason: '受害人报案：冒充客服诱导转账，涉案金额 46 万元。需查明收款账户的资金去向与主叫号码的登记人。',
    subjects,
    scenes: [
      { cell: 4711, from_ms: now - 12 * day, to_ms: now - 12 * day + hour / 2 },
      { cell: 16_733, from_ms: now - 9 * day, to_ms: now - 9 * day + 2 * hour },
      { cell: null, from_ms: now - 5 * day, to_ms: now - 4 * day },
    ],
  },
  scenes: 3,
  questions: [],
} as unknown as WarrantView
export const changes = {
  warrant: drafted.warrant,
  previous: { warrant: hex('w5', 32), phase: 'refused', drafted_ms: now - 2 * day, drafted_by: 'investigator-1' },
  fields: [
    { field: 'hops', before: 5, after: 3 },
    { field: 'answer_cap', before: 5000, after: 500 },
    { field: 'reason', before: '范围待补充', after: '补充受害人陈述' },
  ],
  subjects_comparable: true,
  subjects_added: ['account:6217000012345678906'],
  subjects_removed: ['phone:+8613700000000', 'phone:+8613700000001'],
  subjects_kept: 6,
  scenes_added: [{ cell: 17, from_ms: now - 3 * day, to_ms: now - 2 * day }],
  scenes_removed: [],
}

const words = (zh: string, en: string) => ({ text_zh: zh, text_en: en })
export const plan: PlanView = {
  question: Q,
  warrant: W,
  plan: hex('plan'),
  template: 'follow-the-money',
  title_en: 'Where did the money go?',
  title_zh: '钱去了哪里？',
  requester: 'police',
  window_ms: [now - 90 * day, now],
  hops: 3,
  answer_cap: 500,
  bucket_keys: 1000,
  selectors_max: 2000,
  parameters: { min_amount_minor: 100_000, within_ms: day, hops: 3 },
  parties: [
    {
      institution: 'police',
      name: names['police'] ?? '',
      role: 'requester',
      computes: [
        words(
          '走完三步查询，只打开令状对象与逐跳派生账户的行',
          'Walks three lookups; opens only rows of the warrant’s subjects and of accounts derived hop by hop',
        ),
      ],
      learns: [
        words('对象账户在时段内的转出记录', 'The transfers out of the subjects’ accounts within the window'),
        words('所读分桶的大小级别', 'The size class of the buckets it reads'),
      ],
    },
    ...['bank_a', 'bank_b'].map((bank) => ({
      institution: bank,
      name: names[bank] ?? '',
      role: 'custodian',
      computes: [
        words(
          '以自己的密钥对盲化值作一次求值，送出整桶密文',
          'Evaluates its own key on blinded values once, and sends whole buckets, encrypted',
        ),
      ],
      learns: [
        words(
          '查询了多少个值、读了哪些分桶，不知道是谁',
          'How many values are looked up and which buckets are read, not who',
        ),
      ],
    })),
  ],
  tables: ['bank_a', 'bank_b', 'bank_c', 'bank_d'].map((bank, i) => ({
    institution: bank,
    dataset: 'transfers',
    table: 'transfers',
    snapshot: hex(`s${bank}`),
    rows: 48_211 + i * 7_113,
    rejected: 12,
    extracted_ms: now - 30 * hour,
  })),
  steps: [1, 2, 3].map((hop) => ({
    step: hop - 1,
    hop,
    table: 'transfers',
    key: 'from_account',
    by: ['bank_a', 'bank_b', 'bank_c', 'bank_d'],
    columns: ['from_account', 'to_account', 'amount', 'at'],
    from_subjects: hop === 1 ? ['account'] : [],
    from_steps: hop === 1 ? [] : [hop - 2],
    text_zh: `第 ${hop} 步：以${hop === 1 ? '令状对象（账户）' : `第 ${hop - 1} 步所得`}按“转出账号”查各方的“转账记录”表；仅限金额不低于 1000.00 元。`,
    text_en: `Step ${hop}: look up ${hop === 1 ? 'the warrant’s subjects (account)' : `what step ${hop - 1} found`} in every table \`transfers\`; only amounts from 1000.00 yuan.`,
  })),
  leaks: [
    {
      leak: 'selector-count',
      ...words('持有方得知每一步查询了多少个值。', 'Custodians learn how many selectors each step looks up.'),
    },
    {
      leak: 'buckets',
      ...words(
        '持有方得知读取了哪些分桶（每桶至少 1000 个键，或整张表）。',
        'Custodians learn which buckets, of at least 1000 keys each or the whole table, are read.',
      ),
    },
  ],
  withheld: [
    words(
      '任何数据方都不知道查的是谁；请求方打不开其他人的任何一行。',
      'No custodian learns which subject is looked up, and the requester opens no row of anyone else.',
    ),
  ],
  lines_en: [],
  lines_zh: [],
  cost: {
    rounds: 6,
    lookups: 12,
    selectors_first: 12,
    selectors_max: 2000,
    keys_read_first: 12_000,
    runs_left: 4,
    last: { question: hex('q9'), evaluated: 212, bytes: 4_812_331, took_ms: 5_800 },
  },
  custody: {
    to: 'police',
    leaves: [
      words(
        '所列账户在时段内的转出记录，整桶加密，请求方只能打开令状对象的行',
        'Transfers out of the accounts sought, in encrypted buckets of which the requester opens only the subjects’ rows',
      ),
    ],
    stays: [
      words('其他客户的任何一行', 'Any row of any other customer'),
      words('户名、证件号、余额', 'Names, id numbers, balances'),
    ],
    learns: [words('查询了多少个值、读了哪些分桶', 'How many values are looked up and which buckets are read')],
    columns: { transfers: ['from_account', 'to_account', 'amount', 'at'] },
    rule: null,
    by_hand: [words('没有适用于“资金去向”的规则', 'No rule covers “follow the money”')],
  },
}

/** A joint question: no lookups, its sentences say how it is computed. */
export const jointPlan: PlanView = {
  ...plan,
  question: hex('q4'),
  template: 'at-the-scenes',
  title_en: 'Which phones were at several scenes?',
  title_zh: '哪些电话到过多个现场？',
  hops: 1,
  answer_cap: 50,
  parameters: {},
  steps: [],
  tables: ['telecom_a', 'telecom_b'].map((telecom) => ({
    institution: telecom,
    dataset: 'calls',
    table: 'calls',
    snapshot: hex(`s${telecom}`),
    rows: 812_004,
    rejected: 0,
    extracted_ms: now - 30 * hour,
  })),
  lines_en: [
    'telecom_a splits into shares: which phones called under the scenes’ cells.',
    'telecom_b splits into shares: which phones called under the scenes’ cells.',
    'telecom_a, procuratorate, telecom_b compute over the shares: each sees noise; any two of them together could see everything.',
    'With least = 3.',
    'Bounds: rows of 90 days, 3 scenes; the count opens first, and rows only if they are at most 50.',
  ],
  lines_zh: [
    'telecom_a 拆成份额：在现场基站下呼出过的电话。',
    'telecom_b 拆成份额：在现场基站下呼出过的电话。',
    'telecom_a、procuratorate、telecom_b 在份额上计算：单独一方只见噪声；其中任何两方合谋则可还原全部。',
    '取 least = 3。',
    '限度：90 天内的数据，3 个现场；先打开数量，不超过 50 行才打开内容。',
  ],
  cost: { ...plan.cost, rounds: 0, lookups: 0, selectors_first: 0, selectors_max: 0, last: null },
  custody: null,
}
const jointQuestion = (id: string, template: string, phase: string, rows: number, withheld: number): QuestionView =>
  ({
    question: id,
    warrant: W,
    template,
    phase,
    decisions: { telecom_a: 'approved', telecom_b: 'approved' },
    inputs: ['telecom_a', 'telecom_b'],
    disclosed: phase === 'completed',
    plan_en: jointPlan.lines_en,
    plan_zh: jointPlan.lines_zh,
    progress: null,
    doing: null,
    cause: null,
    parties: [],
    count: { rows, withheld },
  }) as unknown as QuestionView
const jointAnswer = {
  question: hex('q5'),
  template: 'totals',
  tables: [
    {
      step: 0,
      table: 'totals',
      columns: ['institution', 'persons', 'transfers', 'sum_fen'],
      semantics: ['text', 'text', 'text', 'text'],
      rows: [
        ['bank_a', 31, 112, 48_120_050],
        ['bank_b', 14, 37, 9_300_000],
        ['bank_d', 22, 64, 21_904_410],
      ],
      origins: [[], [], []],
    },
  ],
  evaluated: [],
  bytes: 41_208,
  rounds: 1,
} as unknown as AnswerView

export const questionView = (phase: string): QuestionView =>
  ({
    question: Q,
    warrant: W,
    template: 'follow-the-money',
    phase,
    decisions: {
      ...decisions,
      bank_c: phase === 'open' ? 'pending' : 'approved',
      bank_d: phase === 'open' ? 'pending' : 'approved',
    },
    inputs: phase === 'open' ? [] : ['bank_a', 'bank_b'],
    disclosed: phase === 'completed',
    plan_en: [],
    plan_zh: [],
    progress: 0.46,
    doing: phase === 'running' ? '第 2 步：查询 bank_c' : null,
    cause: null,
    parties:
      phase === 'running'
        ? ['bank_a', 'bank_b', 'bank_c', 'bank_d'].map((institution, i) => ({
            institution,
            step: 1,
            selectors_done: [40, 40, 17, 0][i] ?? 0,
            selectors_total: 40,
            bytes: [812_000, 640_221, 210_000, 0][i] ?? 0,
            state: (['signed', 'answered', 'asking', 'waiting'] as const)[i] ?? 'waiting',
          }))
        : null,
  }) as unknown as QuestionView

function answerOf(): AnswerView {
  const bank = (i: number) => ['bank_a', 'bank_b', 'bank_c', 'bank_d'][i % 4] ?? 'bank_a'
  const account = (hop: number, i: number) => `62220${hop}${String(1000000 + i * 7919).padStart(12, '0')}`
  const tables = [1, 2, 3].map((hop) => {
    const rows: unknown[][] = []
    const origins: string[][] = []
    const count = [6, 14, 26][hop - 1] ?? 0
    for (let i = 0; i < count; i++) {
      const from = hop === 1 ? account(0, i % 3) : account(hop - 1, i % ([6, 14][hop - 2] ?? 1))
      rows.push([
        from,
        account(hop, hop === 3 && i % 4 === 0 ? 0 : i),
        (i * 7_331 + 120_000) * 10,
        now - (20 - hop * 4) * day + i * 3.3 * hour,
        bank(i),
        bank(i + 1),
      ])
      origins.push([`${bank(i)}/${hex(`s${bank(i)}`)}`])
    }
    return {
      step: hop - 1,
      table: 'transfers',
      columns: ['from_account', 'to_account', 'amount', 'at', 'from_bank', 'to_bank'],
      semantics: ['account', 'account', 'money', 'timestamp', 'institution', 'institution'],
      rows,
      origins,
    }
  })
  return {
    question: Q,
    template: 'follow-the-money',
    tables,
    evaluated: [12, 40, 96],
    bytes: 4_812_331,
    rounds: 6,
  } as unknown as AnswerView
}
export const answer = answerOf()

/** 5,000 accounts and 20,000 links: as much as a chart must bear. */
export function largeAnswer(): AnswerView {
  const accounts = Array.from({ length: 5_000 }, (_, i) => `62220${String(10_000_000_000_000 + i * 7_919)}`)
  let state = 42
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
  const pairs = new Set<string>()
  const steps = [1, 2, 3].map((hop) => ({
    step: hop - 1,
    table: 'transfers',
    columns: ['from_account', 'to_account', 'amount', 'at', 'from_bank', 'to_bank'],
    semantics: ['account', 'account', 'money', 'timestamp', 'institution', 'institution'],
    rows: [] as unknown[][],
    origins: [] as string[][],
  }))
  // Every account is reached once; the rest of the links fall where money flows.
  for (let i = 0; pairs.size < 20_000; i++) {
    const to = i < 4_950 ? i + 50 : next(5_000)
    const from = i < 4_950 ? Math.floor(i / 10) % 1_200 : next(next(5_000) + 1)
    if (from === to || pairs.has(`${from}>${to}`)) continue
    pairs.add(`${from}>${to}`)
    const step = steps[Math.min(2, Math.floor(Math.log10(to + 1) - 1))] ?? steps[0]
    step?.rows.push([
      accounts[from],
      accounts[to],
      100_000 + next(9_000_000),
      now - 90 * day + next(90) * day + next(24) * hour,
      'bank_a',
      'bank_b',
    ])
    step?.origins.push([`bank_a/${hex('sbank_a')}`])
  }
  return {
    question: Q,
    template: 'follow-the-money',
    tables: steps,
    evaluated: [12, 40, 96],
    bytes: 48_000_000,
    rounds: 6,
  } as unknown as AnswerView
}

const event = (institution: string, officer: string | null, ago: number) => ({
  record: hex(`r${institution}${ago}`),
  index: 400 - ago,
  time_ms: now - ago * hour,
  institution,
  officer,
})
export const provenance: Provenance = {
  question: Q,
  warrant: W,
  template: 'follow-the-money',
  plan: hex('plan'),
  asked: event('police', 'investigator-1', 3),
  order: {
    event: event('procuratorate', 'judge-1', 25),
    basis: '《刑事诉讼法》第一百四十四条',
    window_ms: [now - 90 * day, now],
  },
  drafted: event('police', 'investigator-1', 26),
  steps: plan.steps.map((step) => ({
    step: step.step,
    text_en: step.text_en,
    text_zh: step.text_zh,
    computed_en: 'Opened by a warranted lookup; the row is in the snapshot committed before the question.',
    computed_zh: '经令状约束的查询打开；该行在提问之前已提交的快照内。',
    evaluated: 40,
  })),
  sources: plan.tables.map((table) => ({
    origin: `${table.institution}/${table.snapshot}`,
    institution: table.institution,
    name: names[table.institution] ?? '',
    dataset: table.dataset,
    table: table.table,
    snapshot: table.snapshot,
    root: hex(`root${table.institution}`),
    rows: table.rows,
    rejected: table.rejected,
    extracted_ms: table.extracted_ms,
    method: 'parquet',
    published: event(table.institution, null, 40),
    committed: event(table.institution, null, 30),
  })),
  approvals: plan.tables.map((table, i) => ({
    institution: table.institution,
    by_rule: i === 3 ? 'small-transfers' : null,
    event: event(table.institution, i === 3 ? null : 'approver-1', 2),
  })),
  run: {
    event: event('police', null, 1),
    attestations: ['bank_a', 'bank_b', 'bank_c', 'bank_d'],
    evaluated: [12, 40, 96],
  },
  disclosed: [event('police', 'investigator-1', 1)],
  seen: [{ event: event('police', null, 0), reader: 'investigator-1', what: 'answer' }],
  exported: [],
  passed_on: [],
}

const record = (
  kind: string,
  institution: string,
  officer: string | null,
  hours: number,
  zh: string,
  en: string,
  more: Record<string, unknown> = {},
): RecordView =>
  ({
    index: 400 - Math.round(hours * 10),
    time_ms: now - hours * hour,
    record: hex(kind + hours),
    kind,
    institution,
    officer,
    text_zh: zh,
    text_en: en,
    follows: [],
    ...more,
  }) as RecordView
export const docket = {
  warrant: W,
  records: [
    record(
      'warrant-drafted',
      'police',
      'investigator-1',
      26,
      'police/investigator-1 向 procuratorate 申请令状，对象 24 个',
      'police/investigator-1 asks procuratorate for a warrant over 24 subjects',
    ),
    record(
      'warrant-issued',
      'procuratorate',
      'judge-1',
      25,
      'procuratorate/judge-1 签发令状：对象 24 个，3 跳，至多 500 行，6 次',
      'procuratorate/judge-1 issues the warrant: 24 subjects, 3 hops, 500 rows, 6 runs',
      { reason: '依申请准予，跳数与行数缩小。' },
    ),
    record(
      'consulted',
      'police',
      null,
      4,
      'police/investigator-1 查阅：subjects',
      'police/investigator-1 reads: subjects',
    ),
    record(
      'question-asked',
      'police',
      'investigator-1',
      3.5,
      'police/investigator-1 向 4 个数据方提出 follow-the-money',
      'police/investigator-1 asks follow-the-money of 4 custodians',
    ),
    record('approved', 'bank_a', 'approver-1', 3.2, 'bank_a/approver-1 同意', 'bank_a/approver-1 approves'),
    record('refused', 'bank_b', 'approver-1', 3, 'bank_b/approver-1 拒绝', 'bank_b/approver-1 refuses', {
      reason: '时段过长，请缩短后再问。',
    }),
    record('denied', 'police', null, 2.5, 'police 依规则 budget 拒绝 ask', 'police denies ask by rule budget', {
      rule: 'budget',
    }),
    record('count-opened', 'police', null, 1.2, 'police 公布计数：212 行', 'police opens the count: 212 rows'),
    record(
      'run-completed',
      'police',
      null,
      1,
      'police 完成计算：148 个查询对象，4 个数据方签名',
      'police completes the run: 148 selectors, signed by 4 custodians',
    ),
    record(
      'bundle-exported',
      'police',
      'investigator-1',
      0.5,
      'police/investigator-1 导出证据包',
      'police/investigator-1 exports the evidence',
    ),
  ],
}

export const inbox: Inbox = {
  drafts: [warrantView],
  questions: [questionView('open')],
  answers: [questionView('completed')],
} as Inbox

export const rules: RulesView = {
  record: hex('ru'),
  rules: [
    { name: 'small-identify', template: 'identify', answer_cap: 200, hops: 1, subjects: 50 },
    { name: 'near-contacts', template: 'call-contacts', answer_cap: 500, hops: 1, subjects: 20 },
    {
      name: 'usual-totals',
      template: 'totals',
      answer_cap: 100,
      hops: 1,
      subjects: 20,
      computing: ['bank_a', 'procuratorate', 'telecom_a'],
    },
  ],
  history: [
    { record: hex('ru'), changed_ms: now - 3 * day, changed_by: 'approver-1', reason: '节后恢复常规', rules: [] },
  ],
}
const snap = (i: number, rejected: number) => ({
  record: hex(`snap${i}`),
  index: 30 + i,
  committed_ms: now - (i * 10 + 1) * day,
  extracted_ms: now - (i * 10 + 1) * day,
  rows: 48_211 - i * 900,
  rejected,
  method: 'parquet',
  root: hex(`rt${i}`),
  keys: [
    { name: 'from_account', distinct: 9_120, buckets: 8 },
    { name: 'from_account_day', distinct: 31_442, buckets: 32 },
  ],
  latest: i === 0,
  kept: i < 2,
})
export const datasets: DatasetView[] = [
  {
    dataset: 'transfers',
    table: 'transfers',
    record: hex('d1'),
    published_ms: now - 60 * day,
    replaced: false,
    columns: ['from_account', 'to_account', 'amount', 'at'].map((name, i) => ({
      name,
      semantic: ['account', 'account', 'money', 'timestamp'][i] ?? 'text',
      disclosure: 'open',
    })),
    keys: ['from_account', 'from_account_day'],
    source: { method: 'parquet', place: '/data/transfers.parquet' },
    snapshots: [snap(0, 12), snap(1, 0), snap(2, 3)],
  },
  {
    dataset: 'accounts',
    table: 'accounts',
    record: hex('d2'),
    published_ms: now - 60 * day,
    replaced: false,
    columns: [
      { name: 'account', semantic: 'account', disclosure: 'key_only' },
      { name: 'holder', semantic: 'text', disclosure: 'open' },
    ],
    keys: ['account', 'id_number'],
    source: { method: 'postgres', place: 'postgres://bank/core' },
    snapshots: [],
  },
]
export const jobs: JobView[] = [
  {
    job: '1',
    dataset: 'accounts',
    phase: 'running',
    doing: 'preparing the lookup key id_number',
    progress: 0.62,
    rows: 31_442,
    rejected: [],
    rejected_total: 0,
    started_ms: now,
  },
]
export const snapshot = {
  ...snap(0, 12),
  by_reason: [
    { column: 'amount', reason: 'precision', rows: 9 },
    { column: 'at', reason: 'calendar', rows: 3 },
  ],
  rejected_rows: Array.from({ length: 12 }, (_, i) => ({
    row: 100 + i * 371,
    column: i < 9 ? 'amount' : 'at',
    reason: i < 9 ? 'more than two decimals' : 'no such day',
  })),
}
export const preview = {
  dataset: 'transfers',
  table: 'transfers',
  spec: '[[columns]]\nname = "from_account"\nsemantic = "account"\n',
  columns: datasets[0]?.columns.map((c) => ({
    ...c,
    source_name: c.name.toUpperCase(),
    required: true,
    filled: 1000,
    fit: c.name === 'amount' ? 991 : 1000,
  })),
  keys: [{ name: 'from_account', columns: ['from_account'] }],
  sampled: 1000,
  templates: ['follow-the-money'],
}

const tally = (asked: number, answered: number, declined: number, aborted: number) => ({
  asked,
  answered,
  declined,
  denied: 4,
  aborted,
  open: asked - answered - declined - aborted,
  runs: answered,
  rows: answered * 310,
})
export const statistics: Statistics = {
  totals: tally(41, 29, 7, 2),
  by_template: [
    { template: 'identify', ...tally(18, 15, 2, 0) },
    { template: 'call-contacts', ...tally(9, 5, 3, 1) },
    { template: 'follow-the-money', ...tally(14, 9, 2, 1) },
  ],
  by_institution: ['bank_a', 'bank_b', 'telecom_a', 'power'].map((institution, i) => ({
    institution,
    ...tally(20 - i, 14, i, 1),
    approved: 15 - i,
    approved_by_rule: i > 1 ? 9 : 0,
    narrowed: 2,
    blamed: 0,
    decision_ms_median: (i + 1) * 34 * 60_000,
  })),
  by_month: ['2026-08', '2026-09', '2026-10', '2026-11'].map((month, i) => ({
    month,
    ...tally(6 + i * 3, 4 + i * 2, 1, i % 2),
  })),
  warrants: { drafted: 14, issued: 11, narrowed: 5, refused: 2, revoked: 1, expired: 6 },
}
export const alarms: Alarm[] = [
  {
    alarm: 'repeated',
    severity: 'warning',
    warrant: W,
    question: Q,
    institution: 'police',
    since_ms: now - 2 * hour,
    records: [hex('a1'), hex('a2')],
    ...words(
      '同一令状下三次近似查询：资金去向，仅金额不同',
      'Three near-identical questions under one warrant: follow the money, only the amount differs',
    ),
  },
  {
    alarm: 'budget',
    severity: 'info',
    warrant: W,
    since_ms: now - hour,
    records: [],
    ...words('令状只剩 1 次计算', 'One run is left under the warrant'),
  },
  {
    alarm: 'behind',
    severity: 'critical',
    institution: 'water',
    since_ms: now - 5 * hour,
    records: [],
    ...words('供水公司的节点落后 212 个区块', 'The water company’s node is 212 blocks behind'),
  },
]
const status = {
  institution: 'police',
  network: hex('net'),
  version: '0.1.0',
  height: 1_204,
  records: 412,
  root: hex('root'),
  epoch: 1,
  members: 10,
  quorum: 7,
  heard: 9,
  syncing: false,
  healthy: true,
  advice: null,
}
export const engine: Engine = {
  status: status as unknown as Engine['status'],
  started_ms: now - 3 * day,
  uptime_ms: 3 * day + 4 * hour,
  time_ms: now,
  build: { version: '0.1.0', profile: 'release', target: 'x86_64-unknown-linux-gnu', console_files: 40 },
  validator: true,
  signed: 1_198,
  waiting: 0,
  finality: { last_ms: 310, count: 412, p50_ms: 284, p95_ms: 640, buckets: [] },
  storage: [
    { what: 'ledger', bytes: 48_112_331, files: 22 },
    { what: 'store', bytes: 9_812_331, files: 1 },
    { what: 'snapshots', bytes: 181_120_331, files: 14 },
  ],
  members: network.map((member, i) => ({
    institution: member.institution,
    name: member.name,
    roles: member.roles,
    node_key: member.node_key,
    ledger_address: `10.1.${i}.2:7001`,
    exchange_address: `10.1.${i}.2:7002`,
    validator: true,
    me: member.institution === 'police',
    height: member.institution === 'water' ? 992 : 1_204,
    behind: member.institution === 'water' ? 212 : 0,
    heard: member.institution !== 'bank_d',
    heard_ms: now - (member.institution === 'bank_d' ? hour : i * 400),
    connected: i < 3,
    inbound: i < 3 ? 1 : 0,
    outbound: i < 2 ? 1 : 0,
    calls: 40 + i,
    bytes_in: 812_331 * (i + 1),
    bytes_out: 912_331 * (i + 1),
    last_error: member.institution === 'bank_d' ? { time_ms: now - hour, text: 'connection refused' } : null,
  })),
  half_open: 0,
  turned_away: 2,
}
export const bundle: BundleCheck = {
  valid: false,
  network: hex('net'),
  findings: [
    {
      file: 'bodies/answer.cbor',
      rule: 'commitment',
      text_en: 'the body is not what the record commits to',
      text_zh: '附件与记录所承诺的不符',
    },
  ],
  case: {
    question: Q,
    warrant: W,
    template: 'follow-the-money',
    requester: 'police',
    authority: 'procuratorate',
    basis: '《刑事诉讼法》第一百四十四条',
    window_ms: [now - 90 * day, now],
    rows: 46,
    lookups: 4,
    records: 31,
    log_size: 412,
    network_name: '城市协查网络',
    disclosed_ms: now - hour,
    exported_ms: now,
    sources: plan.tables.map((t) => ({
      institution: t.institution,
      dataset: t.dataset,
      snapshot: t.snapshot,
      extracted_ms: t.extracted_ms,
    })),
    approvals: [{ institution: 'bank_a', officer: 'approver-1', time_ms: now - 2 * hour }],
  },
}

export const proposals: ProposalView[] = [
  {
    proposal: hex('pr1'),
    change: 'admit',
    institution: 'bank_e',
    card: {
      institution: {
        id: 'bank_e',
        name: 'Bank E / 银行E',
        roles: ['custodian'],
        node_key: hex('bank_e'),
        seal_key: hex('bank_e seal'),
        ledger_address: '10.0.0.9:7101',
        exchange_address: '10.0.0.9:7102',
      },
      signature: hex('card', 128),
    },
    proposed_by: 'bank_c',
    time_ms: now - 5 * hour,
    ...words('bank_c 提议接纳 bank_e', 'bank_c proposes to admit bank_e'),
    yes: ['bank_c', 'police', 'procuratorate', 'telecom_a'],
    no: ['water'],
    needed: 7,
  },
  {
    proposal: hex('pr2'),
    change: 'replace',
    institution: 'power',
    card: {
      institution: {
        id: 'power',
        name: names['power'] ?? '',
        roles: ['custodian'],
        node_key: hex('power next'),
        seal_key: hex('power seal'),
        ledger_address: '10.0.0.7:7101',
        exchange_address: '10.0.0.7:7102',
      },
      signature: hex('card2', 128),
    },
    proposed_by: 'power',
    time_ms: now - 2 * hour,
    ...words('power 提议更换 power 的密钥或地址', 'power proposes new keys or addresses for power'),
    yes: ['power'],
    no: [],
    needed: 7,
  },
]

const page = hex('page')
export const session = (duties: string[], roles: string[], institution: string, officer: string | null) => ({
  institution,
  name: names[institution],
  network: hex('net'),
  officer,
  duties,
  roles,
  credential: `passkey:${hex('cred')}`,
  expires_ms: Date.now() + 15 * 60_000,
  page,
})

/** A node's answers by path; `null` is a 404. */
export function respond(path: string, method: string): unknown {
  const at = path.split('?')[0] ?? ''
  const fixed: Record<string, unknown> = {
    '/v1/status': status,
    '/v1/network': network,
    '/v1/templates': templates,
    '/v1/cases': cases,
    '/v1/inbox': inbox,
    '/v1/rules': rules,
    '/v1/proposals': proposals,
    '/v1/jobs': jobs,
    '/v1/datasets': datasets,
    '/v1/oversight/alarms': alarms,
    '/v1/oversight/statistics': statistics,
    '/v1/engine': engine,
    '/v1/engine/log': { filter: 'info', default: 'info' },
    '/v1/bundles/verify': bundle,
    '/v1/questions/preview': plan,
    '/v1/datasets/preview': preview,
    '/v1/oversight/dockets': {
      total: cases.length,
      dockets: cases.map((c, i) => ({ ...c, denied: i, refused: i % 2, aborted: 0, consulted: 8 + i, matched: 1 })),
    },
    '/v1/oversight/records': { total: docket.records.length, records: [...docket.records].reverse() },
    '/v1/passkeys': {
      waiting: [
        {
          registration: hex('reg'),
          officer: 'inv_2',
          duties: ['investigator'],
          credential: `passkey:${hex('c2')}`,
          fingerprint: '1a2b 3c4d 5e6f 7081',
        },
      ],
      proposed: [
        {
          proposal: hex('prop'),
          proposal_bytes: '',
          officer: 'inv_3',
          duties: ['investigator'],
          credential: `passkey:${hex('c3')}`,
          fingerprint: '90ab cdef 1234 5678',
          kind: 'passkey',
          proposed_by: 'reg_1',
          time_ms: now - hour,
        },
      ],
    },
    '/v1/passkeys/begin': {
      institution: 'police',
      name: names['police'],
      officer: 'inv_2',
      duties: ['investigator'],
      publicKey: {},
    },
    '/v1/subjects/check': {
      lines: [
        { line: 1, state: 'ok', selector: 'phone:+8613812345678', semantic: 'phone', value: '+8613812345678' },
        {
          line: 2,
          state: 'invalid',
          reason: 'check_digit',
          text_zh: '第 2 行：校验位不对',
          text_en: 'line 2: its check digit is wrong',
        },
        { line: 3, state: 'duplicate', duplicate_of: 1 },
        {
          line: 4,
          state: 'ok',
          selector: 'account:6222021234567890128',
          semantic: 'account',
          value: '6222021234567890128',
        },
      ],
      ok: 2,
      invalid: 1,
      duplicate: 1,
      kinds: { phone: 1, account: 1 },
      limit: 1000,
    },
  }
  if (at in fixed) return fixed[at]
  if (/^\/v1\/cases\//.test(at)) return at.endsWith(drafted.warrant) ? draftView : caseView
  if (/\/changes$/.test(at)) return changes
  if (/^\/v1\/warrants\/[^/]+\/docket$/.test(at)) return docket
  if (/^\/v1\/warrants\//.test(at)) return warrantView
  if (/\/plan$/.test(at)) return at.includes(hex('q4')) ? jointPlan : plan
  if (/\/answer$/.test(at)) return at.includes(hex('q5')) ? jointAnswer : answer
  if (/\/provenance$/.test(at)) return provenance
  if (/^\/v1\/snapshots\//.test(at)) return snapshot
  if (at.endsWith(hex('q4'))) return jointQuestion(hex('q4'), 'at-the-scenes', 'counted', 212, 0)
  if (at.endsWith(hex('q5'))) return jointQuestion(hex('q5'), 'totals', 'completed', 3, 1)
  if (/^\/v1\/questions\//.test(at) && method === 'GET')
    return questionView(at.endsWith(hex('q2')) ? 'completed' : at.endsWith(hex('q3')) ? 'open' : 'running')
  return null
}
export const IDS = {
  W,
  Q,
  done: hex('q2'),
  open: hex('q3'),
  counted: hex('q4'),
  joint: hex('q5'),
  drafted: drafted.warrant,
}
