/** One question: its plan, who decided what, how its run goes, what comes of it. */
import { Check, CircleStop, FileOutput, Hash, MailOpen, OctagonX, Scissors, Table2 } from 'lucide-react'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { post } from '../api/client'
import { useGet, useRun, useStale } from '../api/queries'
import type { Act, CaseView, PlanView, QuestionView, RunParty } from '../api/types'
import { useNames } from '../app/names'
import { has, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { causeSaid, doingSaid } from '../i18n/said'
import { templates, word } from '../i18n/words'
import { bytes, count as counted, number } from '../lib/format'
import { useSign } from '../sign/SignDialog'
import { Button, Card, Hex, LinkButton, PageHead, Phase, Progress } from '../ui/basic'
import { Choice, TextArea, TextField } from '../ui/form'
import { Await, Failed, Notice } from '../ui/state'
import { caseTitle } from './case-words'
import { Cost, Custody, Plan } from './plan'

export function QuestionPage() {
  const { question = '' } = useParams()
  const { say } = useSpeech()
  const view = useGet<QuestionView>(`/v1/questions/${question}`, {
    // Events may be missed where a stream broke: a slow look keeps the page true.
    refetchInterval: (query) => (['open', 'running'].includes(query.state.data?.phase ?? '') ? 5_000 : false),
  })
  return (
    <Await query={view} heading={say('查询', 'Question')}>
      {(data) => <Question key={data.question} view={data} />}
    </Await>
  )
}

function Question({ view }: { view: QuestionView }) {
  const { say, lang } = useSpeech()
  const session = useSession()
  const kase = useGet<CaseView>(`/v1/cases/${view.warrant}`)
  const plan = useGet<PlanView>(`/v1/questions/${view.question}/plan`, { staleTime: Number.POSITIVE_INFINITY })
  const mine = view.decisions[session.institution]
  const decides = has(session, 'approver') && mine === 'pending' && view.phase === 'open'
  const asks = has(session, 'investigator') && kase.data?.requester === session.institution
  return (
    <>
      <PageHead
        crumb={
          <Link to={`/cases/${view.warrant}`}>{kase.data ? caseTitle(kase.data, say) : say('令状', 'Warrant')}</Link>
        }
        title={
          <>
            {word(templates, view.template, lang)} <Phase phase={view.phase} />
          </>
        }
        lead={<Hex id={view.question} what={say('查询编号', 'question id')} />}
      />
      <div className="cols main-side">
        <div className="stack">
          {asks && (
            <NextStep
              view={view}
              exported={kase.data?.questions.find((q) => q.question === view.question)?.exported ?? false}
            />
          )}
          <Counted view={view} plan={plan.data} />
          {view.phase === 'running' && <Running view={view} asks={asks} />}
          {view.cause && (
            <Notice
              mood={view.cause === 'cancelled' ? 'off' : 'bad'}
              title={say('计算中止的原因', 'Why the run was aborted')}
            >
              {causeSaid(view.cause, lang)}
            </Notice>
          )}
          {view.phase === 'declined' && (
            <Notice
              mood="wait"
              title={say('有数据方不同意，查询不再进行', 'A custodian said no: the question goes no further')}
            >
              {say(
                '可在卷宗里看到理由；可缩小范围或不问该数据方后再问。',
                'The docket has the reason; ask again with less, or without that custodian.',
              )}
            </Notice>
          )}
          {plan.data && <Custody plan={plan.data} />}
          <Await query={plan} lines={8}>
            {(p) => <Plan plan={p} />}
          </Await>
        </div>
        <div className="stack sticky">
          {decides && <Decide view={view} plan={plan.data} />}
          <Decisions view={view} />
          {view.phase === 'open' && asks && <Cancel view={view} />}
          {plan.data && <Cost plan={plan.data} />}
        </div>
      </div>
    </>
  )
}

/** What a joint question found, and why none of it opened where it ended with that. */
function Counted({ view, plan }: { view: QuestionView; plan: PlanView | undefined }) {
  const { say, lang } = useSpeech()
  const count = view.count
  if (!count) return null
  const rows = number(count.rows, lang)
  const withheld = number(count.withheld, lang)
  const found =
    count.withheld > 0
      ? say(
          `查得 ${rows} 行；${withheld} 组未予打开`,
          `${counted(count.rows, 'row')} found; ${counted(count.withheld, 'group')} withheld`,
        )
      : say(`查得 ${rows} 行`, `${counted(count.rows, 'row')} found`)
  const why = () => {
    if (view.phase !== 'counted') return null
    if (count.rows === 0)
      return say('没有一行符合，因此没有可打开的。', 'Nothing fits the question, so there is nothing to open.')
    if (plan && count.rows > plan.answer_cap)
      return say(
        `多于方案的上限 ${number(plan.answer_cap, lang)} 行，一行都不得打开。`,
        `More than the plan’s cap of ${counted(plan.answer_cap, 'row')}: none of them may open.`,
      )
    if (plan) return say('此次只问数量，各行没有打开。', 'The count alone was asked for: no row opened.')
    return null
  }
  return (
    <Notice mood={view.phase === 'counted' && count.rows > 0 ? 'good' : 'off'} icon={Hash} title={found}>
      {why()}
      {count.withheld > 0 && (
        <div>{say('未予打开的组人数过少。', 'Groups that are withheld have too few persons.')}</div>
      )}
    </Notice>
  )
}

function NextStep({ view, exported }: { view: QuestionView; exported: boolean }) {
  const { say } = useSpeech()
  const sign = useSign()
  const stale = useStale()
  const navigate = useNavigate()
  if (view.phase !== 'completed') return null
  if (!view.disclosed)
    return (
      <Notice
        mood="good"
        title={say('答案已得，等待开启', 'The answer is there, to be opened')}
        action={
          <Button
            tone="primary"
            icon={MailOpen}
            onClick={() =>
              sign({
                act: { act: 'open-answer', question: view.question },
                onDone: () => {
                  stale('/v1/cases', '/v1/inbox', '/v1/questions')
                  void navigate(`/questions/${view.question}/answer`)
                },
              })
            }
          >
            {say('开启答案…', 'Open the answer…')}
          </Button>
        }
      >
        {say('开启是一项留痕的操作，须以通行密钥签名。', 'Opening is an act on record, signed with your passkey.')}
      </Notice>
    )
  return (
    <Notice
      mood="good"
      title={say('答案已开启', 'The answer is open')}
      action={
        <LinkButton tone="primary" icon={exported ? FileOutput : Table2} to={`/questions/${view.question}/answer`}>
          {say('查看答案', 'See the answer')}
        </LinkButton>
      }
    >
      {say(
        '表格、关系图与时间线；可导出表格与证据包。',
        'Table, link chart and timeline; export as a table or as a bundle.',
      )}
    </Notice>
  )
}

function Running({ view, asks }: { view: QuestionView; asks: boolean }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const run = useRun(view.question)
  const parties: RunParty[] = run?.parties ?? view.parties ?? []
  const done = run?.done ?? view.progress ?? 0
  return (
    <Card title={say('计算进行中', 'The run')} extra={asks && <Cancel view={view} small />}>
      <div className="stack">
        <div className="stack-s" aria-live="polite">
          <div className="row between">
            <span>{doingSaid(run?.doing ?? view.doing ?? '', lang) || say('准备中', 'preparing')}</span>
            <strong>{Math.round(done * 100)}%</strong>
          </div>
          <Progress value={done} label={say('全部进度', 'The whole run')} />
        </div>
        {parties.length > 0 && (
          <ul className="stack-s">
            {parties.map((party) => (
              <li key={party.institution} className="run-party">
                <span className="grow">{name(party.institution)}</span>
                <Phase phase={party.state} />
                <span className="small muted num">
                  {say(`第 ${party.step + 1} 步`, `step ${party.step + 1}`)} · {number(party.selectors_done, lang)}/
                  {number(party.selectors_total, lang)} · {bytes(party.bytes)}
                </span>
                <Progress
                  value={
                    party.state === 'signed'
                      ? 1
                      : party.selectors_total
                        ? party.selectors_done / party.selectors_total
                        : 0
                  }
                  label={name(party.institution)}
                  {...(party.state === 'signed' ? { mood: 'good' as const } : {})}
                />
              </li>
            ))}
          </ul>
        )}
      </div>
    </Card>
  )
}

function Decisions({ view }: { view: QuestionView }) {
  const { say } = useSpeech()
  const name = useNames()
  const entries = Object.entries(view.decisions)
  return (
    <Card title={say('数据方的决定', 'Custodians’ decisions')} flush>
      <ul className="decisions">
        {entries.map(([institution, decision]) => (
          <li key={institution}>
            <span className="grow">{name(institution)}</span>
            {view.inputs.includes(institution) && (
              <span className="small muted">{say('已锁定输入', 'inputs bound')}</span>
            )}
            <Phase phase={decision} />
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Cancel({ view, small }: { view: QuestionView; small?: boolean }) {
  const { say } = useSpeech()
  const stale = useStale()
  const [sure, setSure] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const cancel = async () => {
    setBusy(true)
    setError(null)
    try {
      await post(`/v1/questions/${view.question}/cancel`, {}, { limitMs: 60_000 })
      setSure(false)
    } catch (caught) {
      setError(caught)
    } finally {
      setBusy(false)
      stale('/v1/questions', '/v1/cases')
    }
  }
  return (
    <div className="stack-s">
      {sure ? (
        <div className="row">
          <Button small tone="danger" busy={busy} disabled={busy} onClick={() => void cancel()}>
            {say('确认取消', 'Yes, cancel it')}
          </Button>
          <Button small tone="quiet" onClick={() => setSure(false)}>
            {say('不取消', 'Keep it')}
          </Button>
        </div>
      ) : (
        <Button small={small ?? false} icon={CircleStop} onClick={() => setSure(true)}>
          {say('取消查询', 'Cancel the question')}
        </Button>
      )}
      {error !== null && <Failed error={error} />}
    </div>
  )
}

type Verdict = 'approve' | 'narrow' | 'refuse'

function Decide({ view, plan }: { view: QuestionView; plan: PlanView | undefined }) {
  const { say } = useSpeech()
  const sign = useSign()
  const stale = useStale()
  const [verdict, setVerdict] = useState<Verdict>('approve')
  const [hops, setHops] = useState(String(plan?.hops ?? 1))
  const [cap, setCap] = useState(String(plan?.answer_cap ?? 1))
  const [reason, setReason] = useState('')
  const [tried, setTried] = useState(false)
  const mostHops = plan?.hops ?? 1
  const mostCap = plan?.answer_cap ?? 1
  const okHops = /^\d+$/.test(hops) && Number(hops) >= 1 && Number(hops) <= mostHops
  const okCap = /^\d+$/.test(cap) && Number(cap) >= 1 && Number(cap) <= mostCap
  const narrower = okHops && okCap && (Number(hops) < mostHops || Number(cap) < mostCap)
  const onDone = () => stale('/v1/questions', '/v1/inbox', '/v1/cases')
  const decide = () => {
    setTried(true)
    if (verdict === 'approve') return sign({ act: { act: 'approve', question: view.question }, onDone })
    if (!reason.trim()) return
    const act: Act =
      verdict === 'refuse'
        ? { act: 'refuse', question: view.question, reason: reason.trim() }
        : { act: 'narrow', question: view.question, hops: Number(hops), answer_cap: Number(cap), reason: reason.trim() }
    if (verdict === 'narrow' && !narrower) return
    sign({ act, danger: verdict === 'refuse', onDone })
  }
  return (
    <Card title={say('您的决定', 'Your decision')}>
      <div className="stack">
        {plan?.custody?.by_hand && plan.custody.by_hand.length > 0 && (
          <details className="small">
            <summary>{say('为何须人工决定', 'Why it is decided by hand')}</summary>
            <ul className="stack-s" style={{ marginTop: 6 }}>
              {plan.custody.by_hand.map((w) => (
                <li key={w.text_en}>{say(w.text_zh, w.text_en)}</li>
              ))}
            </ul>
          </details>
        )}
        <Choice
          legend={<span className="sr">{say('决定', 'Decision')}</span>}
          chosen={verdict}
          onChange={(value) => setVerdict(value as Verdict)}
          options={[
            {
              value: 'approve',
              name: <strong>{say('同意', 'Approve')}</strong>,
              what: say('此方案，仅此一次', 'This plan, this once'),
            },
            {
              value: 'narrow',
              name: <strong>{say('要求缩小', 'Ask for less')}</strong>,
              what: say('说明可同意的范围', 'Say what you would approve'),
            },
            {
              value: 'refuse',
              name: <strong>{say('拒绝', 'Refuse')}</strong>,
              what: say('须写明理由', 'With a reason'),
            },
          ]}
        />
        {verdict === 'narrow' && (
          <div className="pair narrow">
            <TextField
              label={say(`跳数（方案 ${mostHops}）`, `Hops (plan ${mostHops})`)}
              inputMode="numeric"
              value={hops}
              onChange={(e) => setHops(e.target.value)}
              error={okHops ? undefined : say(`1 至 ${mostHops}`, `1 to ${mostHops}`)}
            />
            <TextField
              label={say(`行数上限（方案 ${mostCap}）`, `Rows (plan ${mostCap})`)}
              inputMode="numeric"
              value={cap}
              onChange={(e) => setCap(e.target.value)}
              error={
                okCap
                  ? tried && !narrower
                    ? say('须小于方案', 'Less than the plan')
                    : undefined
                  : say(`1 至 ${mostCap}`, `1 to ${mostCap}`)
              }
            />
          </div>
        )}
        {verdict !== 'approve' && (
          <TextArea
            label={say('理由', 'Reason')}
            hint={say('请求方与监督方会读到', 'Requester and overseers read it')}
            value={reason}
            onChange={(e) => setReason(e.target.value)}
            error={tried && !reason.trim() ? say('请写明理由', 'Give the reason') : undefined}
          />
        )}
        <Button
          tone={verdict === 'refuse' ? 'danger' : 'primary'}
          icon={{ approve: Check, narrow: Scissors, refuse: OctagonX }[verdict]}
          onClick={decide}
        >
          {
            {
              approve: say('同意…', 'Approve…'),
              narrow: say('要求缩小…', 'Ask for less…'),
              refuse: say('拒绝…', 'Refuse…'),
            }[verdict]
          }
        </Button>
      </div>
    </Card>
  )
}
