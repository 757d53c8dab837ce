/** A guided tour: a case's way through the roles, and what each of them sees. */
import { BadgeCheck, Building2, ChartNoAxesGantt, Gavel, type LucideIcon, Search, Server } from 'lucide-react'
import { useState } from 'react'
import { navigation } from '../app/navigation'
import { useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { Button, Card, LinkButton, PageHead } from '../ui/basic'

interface Stop {
  icon: LucideIcon
  who: [string, string]
  does: [string, string][]
  sees: [string, string][]
  never: [string, string]
  to: string
}

const STOPS: Stop[] = [
  {
    icon: Search,
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

export function TourPage() {
  const { say } = useSpeech()
  const session = useSession()
  const [at, setAt] = useState(0)
  const stop = STOPS[at] ?? STOPS[0]
  const open = new Set(navigation(session).flatMap((group) => group.places.map((place) => place.to)))
  if (!stop) return null
  return (
    <>
      <PageHead
        title={say('角色导览', 'A tour of the roles')}
        lead={say(
          '一个案件怎样走过五种人的手：没有谁能独自完成，也没有谁看得到全部。',
          'How a case passes through five pairs of hands: nobody completes it alone, and nobody sees it all.',
        )}
      />
      <ol className="tour-steps" aria-label={say('角色', 'Roles')}>
        {STOPS.map((one, i) => (
          <li key={one.who[1]}>
            <button type="button" aria-current={i === at ? 'step' : undefined} onClick={() => setAt(i)}>
              <one.icon size={18} aria-hidden />
              <span>{say(one.who[0], one.who[1])}</span>
            </button>
          </li>
        ))}
      </ol>
      <div aria-live="polite">
        <Card title={say(stop.who[0], stop.who[1])}>
          <div className="pair">
            <section className="stack-s">
              <h3>{say('做什么', 'Does')}</h3>
              <ul className="stack-s bullets">
                {stop.does.map(([zh, en]) => (
                  <li key={en}>{say(zh, en)}</li>
                ))}
              </ul>
            </section>
            <section className="stack-s">
              <h3>{say('看到什么', 'Sees')}</h3>
              <ul className="stack-s bullets">
                {stop.sees.map(([zh, en]) => (
                  <li key={en}>{say(zh, en)}</li>
                ))}
              </ul>
            </section>
            <section className="stack-s">
              <h3>{say('做不到什么', 'Never')}</h3>
              <p>{say(stop.never[0], stop.never[1])}</p>
            </section>
          </div>
          <div className="row between" style={{ marginTop: 20 }}>
            <div className="row">
              <Button disabled={at === 0} onClick={() => setAt(at - 1)}>
                {say('上一步', 'Back')}
              </Button>
              <Button tone="primary" disabled={at === STOPS.length - 1} onClick={() => setAt(at + 1)}>
                {say('下一步', 'Next')}
              </Button>
            </div>
            {open.has(stop.to) && <LinkButton to={stop.to}>{say('去看看', 'See the page')}</LinkButton>}
          </div>
        </Card>
        <p className="row muted small" style={{ marginTop: 16 }}>
          <BadgeCheck size={15} aria-hidden />
          {say(
            '每一步都是一条签名记录；法院可在任何机器上离线核验证据包。',
            'Every step is a signed record; a court can check the bundle offline on any machine.',
          )}
        </p>
      </div>
    </>
  )
}
