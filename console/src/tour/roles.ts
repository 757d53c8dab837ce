/** The roles of a case, and what a guide shows each of them on the live pages. */
import { Building2, ChartNoAxesGantt, Gavel, type LucideIcon, Search, Server } from 'lucide-react'
import type { CaseCard, Duty, Inbox, Session } from '../api/types'
import { isOperator } from '../app/session'

export interface Stop {
  duties: readonly (Duty | 'operator')[]
  icon: LucideIcon
  who: [string, string]
  does: [string, string][]
  sees: [string, string][]
  never: [string, string]
  to: string
}

export const STOPS: Stop[] = [
  {
    icon: Search,
    duties: ['investigator'],
    who: ['侦查员（请求方）', 'Investigator (requester)'],
    does: [
      ['申请令状：对象、模板、数据方、时段与限度', 'Drafts a warrant: subjects, templates, custodians, window, limits'],
      ['在令状之下提问；先看方案，再签名', 'Asks under the warrant, having seen the plan before signing'],
      [
        '看计算进度，开启答案，查每条事实的来源，导出证据包',
        'Watches the run, opens the answer, sees where each fact comes from, exports the bundle',
      ],
    ],
    sees: [['令状对象的行，仅此而已', 'The rows of the warrant’s subjects, and no others']],
    never: ['打不开令状之外任何人的一行', 'Can’t open one row of anybody else'],
    to: '/cases',
  },
  {
    icon: Gavel,
    duties: ['judge'],
    who: ['审批官（签发机关）', 'Judge (authority)'],
    does: [
      ['读对象与范围，看与上一份申请相比变了什么', 'Reads subjects and scope, and what changed since the draft before'],
      ['签发、缩小、驳回、撤销，各附理由', 'Issues, narrows, refuses or revokes, each with a reason'],
    ],
    sees: [['案情与对象', 'The case and its subjects']],
    never: ['不提问，也看不到答案', 'Asks nothing and sees no answer'],
    to: '/inbox',
  },
  {
    icon: Building2,
    duties: ['approver', 'steward'],
    who: ['数据审批员、数据管理员（数据方）', 'Approver, steward (custodian)'],
    does: [
      [
        '读明白：什么会离开本机构、交给谁，什么不会',
        'Reads in plain words what would leave the institution, to whom, and what would not',
      ],
      ['同意、要求缩小或拒绝；也可定规则', 'Approves, asks for less or refuses; may set standing rules'],
      [
        '接入数据表，确认列的含义与披露规则，生成快照',
        'Connects tables, confirms what columns mean and may disclose, takes snapshots',
      ],
    ],
    sees: [['查询了多少个值、读了哪些分桶', 'How many values are looked up, and which buckets are read']],
    never: ['不知道查的是谁', 'Never learns who is sought'],
    to: '/inbox',
  },
  {
    icon: ChartNoAxesGantt,
    duties: ['auditor'],
    who: ['监督员（监督方）', 'Auditor (overseer)'],
    does: [
      ['看每份卷宗的时间线，检索记录', 'Reads every docket as a timeline, searches the records'],
      ['看统计与预警，核验证据包', 'Watches statistics and alarms, checks bundles'],
    ],
    sees: [['谁在何时依何规则做了什么；拒绝同样在列', 'Who did what, when, by which rule; refusals like the rest']],
    never: ['不能提问、批准或开启任何东西', 'Can neither ask, approve nor open anything'],
    to: '/oversight',
  },
  {
    icon: Server,
    duties: ['operator', 'registrar'],
    who: ['工程师（各机构）', 'Engineer (each institution)'],
    does: [
      [
        '看护节点：成员、高度、终局、存储、版本、日志',
        'Keeps the node: members, heights, finality, storage, versions, log',
      ],
      ['登记经办人（须两名登记员）', 'Enrols officers (two registrars)'],
    ],
    sees: [['节点与网络的状态', 'The state of node and network']],
    never: ['不看案件，不签文书', 'Reads no case and signs no act'],
    to: '/network',
  },
]

/** What the guide knows of this node: what its own pages show. */
export interface Live {
  cases: readonly CaseCard[]
  inbox: Inbox
}

/** One thing to do or see. */
export interface Step {
  text: [zh: string, en: string]
  /** Where; none while there is nothing to go to. */
  to: (live: Live) => string | null
  /** Whether it was done, where that can be told. */
  done?: (live: Live) => boolean
}

const questions = (live: Live) => live.cases.flatMap((card) => card.questions.map((question) => ({ card, question })))
const opened = (live: Live) => questions(live).find(({ question }) => question.disclosed)

const STEPS: Partial<Record<Duty | 'operator', Step[]>> = {
  investigator: [
    {
      text: [
        '一份答案已得出，尚未开启。开启要您签名，写入账本。',
        'An answer is there and not yet open. Opening it takes your signature, and stands on the ledger.',
      ],
      to: (live) => (live.inbox.answers[0] ? `/questions/${live.inbox.answers[0].question}` : null),
      done: (live) => opened(live) !== undefined,
    },
    {
      text: [
        '看表格、关系图与时间线；点一行，看它从哪来、由谁下令、谁看过。',
        'See it as table, link chart and timeline; press a row to learn where it comes from, by whose order, and who has seen it.',
      ],
      to: (live) => {
        const found = opened(live)
        return found ? `/questions/${found.question.question}/answer` : null
      },
    },
    {
      text: [
        '另一问正等一家银行决定。换到那家银行的席位去决定，再回来看进度。',
        'Another question waits for one bank. Take that bank’s seat, decide, and come back to watch it run.',
      ],
      to: (live) => {
        const found = questions(live).find(({ question }) => question.phase === 'open' || question.phase === 'running')
        return found ? `/questions/${found.question.question}` : null
      },
      done: (live) =>
        questions(live).some(({ question }) => question.template === 'follow-the-money' && question.phase !== 'open'),
    },
    {
      text: [
        '再提一问：先看方案，谁算什么、各方知道什么，然后签名。',
        'Ask another: see the plan first, who computes what and what each side learns, then sign.',
      ],
      to: (live) => {
        const found = live.cases.find((card) => card.phase === 'issued' && card.runs_left > 0)
        return found ? `/cases/${found.warrant}/ask` : null
      },
      done: (live) => questions(live).length > 2,
    },
    {
      text: [
        '导出证据包，再把它拖到“核验证据包”；改动一个字节试试。',
        'Export the bundle, then drop it on “Check a bundle”; change one byte and try again.',
      ],
      to: (live) => {
        const found = opened(live)
        return found ? `/questions/${found.question.question}/answer` : null
      },
      done: (live) => questions(live).some(({ question }) => question.exported),
    },
  ],
  judge: [
    {
      text: [
        '同一案件的第二份申请在等您：看与上一份相比变了什么，再签发、缩小或驳回。',
        'A second draft in the same case waits: see what changed since the one before, then issue, narrow or refuse it.',
      ],
      to: (live) => (live.inbox.drafts[0] ? `/inbox/draft/${live.inbox.drafts[0].warrant}` : null),
      done: (live) => live.cases.length > 1 && live.inbox.drafts.length === 0,
    },
    {
      text: [
        '打开一份令状的卷宗：每一步都是签名记录。撤销令状，未完成的计算随即停止。',
        'Open a warrant’s docket: every step is a signed record. Revoke the warrant, and runs under way stop.',
      ],
      to: (live) => {
        const found = live.cases.find((card) => card.phase === 'issued')
        return found ? `/cases/${found.warrant}` : null
      },
    },
  ],
  approver: [
    {
      text: [
        '有一个查询等您决定：读明白什么会离开本机构、什么不会，再同意、要求缩小或拒绝。',
        'A question waits for you: read what would leave your institution and what would not, then approve, narrow or refuse it.',
      ],
      to: (live) => (live.inbox.questions[0] ? `/questions/${live.inbox.questions[0].question}` : null),
      done: (live) => live.inbox.questions.length === 0 && questions(live).length > 0,
    },
    {
      text: [
        '定一条规则，让小额查询今后不必等人；规则经您签名才生效。',
        'Set a rule, so that small questions need not wait for a person; it takes your signature.',
      ],
      to: () => '/rules',
    },
  ],
  steward: [
    {
      text: [
        '看已发布的数据表与快照；被剔除的行各有原因。',
        'See the tables and their snapshots; every rejected row has its reason.',
      ],
      to: () => '/datasets',
    },
  ],
  auditor: [
    {
      text: [
        '读全网的卷宗；看谁提了什么、谁拒绝了。',
        'Read every docket of the network: who asked what, who said no.',
      ],
      to: () => '/oversight',
    },
    {
      text: [
        '检索拒绝记录：被拒绝的请求同样在账上。',
        'Search the denials: what was refused stands on record as well.',
      ],
      to: () => '/oversight/records?kind=denied',
    },
    { text: ['看统计与预警。', 'See statistics and alarms.'], to: () => '/oversight/statistics' },
    {
      text: ['把侦查员导出的证据包拖到这里核验。', 'Drop the investigator’s bundle here and check it.'],
      to: () => '/verify',
    },
  ],
  operator: [
    {
      text: ['看节点：高度、终局、存储、日志。', 'See the node: heights, finality, storage, log.'],
      to: () => '/engine',
    },
    { text: ['看网络：成员、可达与否。', 'See the network: its members, and who is heard.'], to: () => '/network' },
    { text: ['登记一名经办人。', 'Invite an officer.'], to: () => '/officers' },
  ],
}

/** The steps for who is signed in. */
export function stepsOf(session: Session): Step[] {
  const duties: readonly (Duty | 'operator')[] = isOperator(session) ? ['operator'] : session.duties
  return duties.flatMap((duty) => STEPS[duty] ?? [])
}
