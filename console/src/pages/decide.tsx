/** A judge decides a draft: subjects and scope on one screen, then a signature. */
import { Gavel, OctagonX } from 'lucide-react'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { useGet, useOrder, useRecordedGet, useStale } from '../api/queries'
import type { Act, CaseView, TemplateView, WarrantChanges, WarrantView } from '../api/types'
import { useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { templates, word } from '../i18n/words'
import { DAY_MS } from '../lib/draft'
import { windowText } from '../lib/format'
import { useSign } from '../sign/SignDialog'
import { Button, Card, Facts, Hex, PageHead, Phase, When } from '../ui/basic'
import { Choice, Picks, TextArea, TextField } from '../ui/form'
import { Await, Blank, Notice } from '../ui/state'
import { caseTitle } from './case-words'
import { DraftChanges, Named, SubjectsComing } from './warrant-parts'

export function DecidePage() {
  const { warrant = '' } = useParams()
  const { say } = useSpeech()
  const view = useGet<CaseView>(`/v1/cases/${warrant}`)
  // Opening a draft to decide it is reading it: that leaves its record.
  const full = useOrder(warrant)
  const changes = useRecordedGet<WarrantChanges>(view.data?.predecessor ? `/v1/warrants/${warrant}/changes` : null)
  return (
    <Await query={view} heading={say('令状申请', 'Draft warrant')}>
      {(data) => (
        <>
          <PageHead
            crumb={<Link to="/inbox">{say('待办', 'Inbox')}</Link>}
            title={
              <>
                {caseTitle(data, say)} <Phase phase={data.phase} />
              </>
            }
          />
          <div className="cols decide">
            <div className="stack">
              <Await query={full}>{(f) => <CaseAndSubjects view={data} full={f} />}</Await>
              <Card title={say('与上一份申请相比', 'What changed since the draft before')}>
                {data.predecessor ? (
                  <Await query={changes} lines={3}>
                    {(c) => <DraftChanges changes={c} />}
                  </Await>
                ) : (
                  <p className="muted">{say('这是此案第一份申请。', 'This is the first draft of its case.')}</p>
                )}
              </Card>
            </div>
            {data.phase === 'drafted' ? (
              <Decision
                key={data.warrant}
                view={data}
                ready={!!full.data?.subject_list}
                scenes={full.data?.subject_list?.scenes?.length ?? 0}
              />
            ) : (
              <Card>
                <Blank
                  title={say('此申请已有决定', 'This draft is decided')}
                  action={<Link to={`/cases/${data.warrant}`}>{say('查看令状', 'See the warrant')}</Link>}
                />
              </Card>
            )}
          </div>
        </>
      )}
    </Await>
  )
}

function CaseAndSubjects({ view, full }: { view: CaseView; full: WarrantView }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const known = useGet<TemplateView[]>('/v1/templates', { staleTime: Number.POSITIVE_INFINITY })
  const list = full.subject_list
  const scenes = list?.scenes ?? []
  const window = view.window_ms ?? full.window_ms
  const basis = view.basis ?? full.basis
  return (
    <>
      <Card title={say('申请', 'The draft')}>
        <Facts
          items={[
            [say('申请人', 'Asked by'), `${name(view.requester)} · ${view.drafted_by ?? ''}`],
            [say('时间', 'When'), <When key="w" ms={view.drafted_ms} />],
            [
              say('理由', 'Reason'),
              <span key="r" className="prose">
                {list?.reason ?? '—'}
              </span>,
            ],
            basis ? [say('法律依据', 'Legal basis'), basis] : null,
            window ? [say('数据时段', 'Window'), windowText(window)] : null,
            [
              say('要问什么', 'What would be asked'),
              <ul key="t" className="stack-s">
                {view.templates.map((t) => {
                  const template = known.data?.find((k) => k.template === t)
                  return (
                    <li key={t}>
                      <strong>{word(templates, t, lang)}</strong>
                      {template && <div className="muted small">{say(template.what_zh, template.what_en)}</div>}
                    </li>
                  )
                })}
              </ul>,
            ],
            [say('编号', 'Id'), <Hex key="h" id={view.warrant} />],
          ]}
        />
      </Card>
      <Card
        title={
          scenes.length > 0
            ? say(
                `对象（${view.subjects}）与现场（${scenes.length}）`,
                `Subjects (${view.subjects}) and scenes (${scenes.length})`,
              )
            : say(`对象（${view.subjects}）`, `Subjects (${view.subjects})`)
        }
        extra={
          <span className="small muted">
            {scenes.length > 0
              ? say(
                  '数据方看到的对象是盲化的，现场是原样的',
                  'Custodians will see subjects blinded, scenes as they are',
                )
              : say('数据方只会看到盲化后的值', 'Custodians will see blinded values only')}
          </span>
        }
      >
        {list ? <Named subjects={list.subjects} scenes={scenes} /> : <SubjectsComing />}
      </Card>
    </>
  )
}

type Verdict = 'issue' | 'refuse'

function Decision({ view, ready, scenes }: { view: CaseView; ready: boolean; scenes: number }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const sign = useSign()
  const stale = useStale()
  const navigate = useNavigate()
  const asked = view.asked
  const [verdict, setVerdict] = useState<Verdict>('issue')
  const [hops, setHops] = useState(String(asked.hops))
  const [cap, setCap] = useState(String(asked.answer_cap))
  const [runs, setRuns] = useState(String(asked.runs))
  const askedDays = Math.max(1, Math.round((asked.expires_ms - asked.not_before_ms) / DAY_MS))
  const [days, setDays] = useState(String(askedDays))
  const [custodians, setCustodians] = useState(asked.custodians)
  const [chosen, setChosen] = useState(asked.templates)
  const [reason, setReason] = useState('')
  const [tried, setTried] = useState(false)

  const bound = (text: string, most: number) => {
    const value = Number(text)
    return /^\d+$/.test(text) && value >= 1 && value <= most
      ? undefined
      : say(`1 至 ${most}（只能缩小）`, `1 to ${most}: it can only be narrowed`)
  }
  const errors = {
    hops: bound(hops, asked.hops),
    cap: bound(cap, asked.answer_cap),
    runs: bound(runs, asked.runs),
    days: bound(days, askedDays),
    custodians: custodians.length === 0 ? say('至少保留一家', 'Keep at least one') : undefined,
    templates: chosen.length === 0 ? say('至少保留一个', 'Keep at least one') : undefined,
    reason: !reason.trim() ? say('请写明理由', 'Give the reason') : undefined,
  }
  const narrower =
    Number(hops) < asked.hops ||
    Number(cap) < asked.answer_cap ||
    Number(runs) < asked.runs ||
    Number(days) < askedDays ||
    custodians.length < asked.custodians.length ||
    chosen.length < asked.templates.length

  const decide = () => {
    setTried(true)
    if (verdict === 'refuse') {
      if (errors.reason) return
      sign({
        act: { act: 'refuse-warrant', warrant: view.warrant, reason: reason.trim() },
        danger: true,
        onDone,
      })
      return
    }
    if (Object.values(errors).some(Boolean)) return
    const act = {
      act: 'issue-warrant',
      warrant: view.warrant,
      reason: reason.trim(),
      hops: Number(hops) < asked.hops ? Number(hops) : null,
      answer_cap: Number(cap) < asked.answer_cap ? Number(cap) : null,
      runs: Number(runs) < asked.runs ? Number(runs) : null,
      custodians: custodians.length < asked.custodians.length ? custodians : null,
      templates: chosen.length < asked.templates.length ? chosen : null,
      life_ms: Number(days) < askedDays ? Number(days) * DAY_MS : null,
    } as Act
    sign({
      act,
      beside: { before: view, scenes },
      note: narrower ? (
        <Notice mood="wait">{say('您签发的范围小于申请。', 'You issue less than was asked for.')}</Notice>
      ) : undefined,
      onDone,
    })
  }
  const onDone = () => {
    stale('/v1/cases', '/v1/inbox')
    void navigate(`/cases/${view.warrant}`)
  }
  const show = <K extends keyof typeof errors>(key: K) => (tried ? errors[key] : undefined)

  return (
    <div className="stack sticky">
      <Card title={say('您的决定', 'Your decision')}>
        <div className="stack">
          <Choice
            legend={<span className="sr">{say('决定', 'Decision')}</span>}
            chosen={verdict}
            onChange={(value) => setVerdict(value as Verdict)}
            options={[
              {
                value: 'issue',
                name: <strong>{say('签发', 'Issue')}</strong>,
                what: say('照准或缩小范围', 'As asked or narrower'),
              },
              { value: 'refuse', name: <strong>{say('驳回', 'Refuse')}</strong>, what: say('不予签发', 'Not issued') },
            ]}
          />
          {verdict === 'issue' && (
            <>
              <div className="pair narrow">
                <TextField
                  label={say(`跳数（申请 ${asked.hops}）`, `Hops (asked ${asked.hops})`)}
                  inputMode="numeric"
                  value={hops}
                  onChange={(e) => setHops(e.target.value)}
                  error={errors.hops}
                />
                <TextField
                  label={say(`次数（申请 ${asked.runs}）`, `Runs (asked ${asked.runs})`)}
                  inputMode="numeric"
                  value={runs}
                  onChange={(e) => setRuns(e.target.value)}
                  error={errors.runs}
                />
                <TextField
                  label={say(`行数上限（申请 ${asked.answer_cap}）`, `Answer cap (asked ${asked.answer_cap})`)}
                  inputMode="numeric"
                  value={cap}
                  onChange={(e) => setCap(e.target.value)}
                  error={errors.cap}
                />
                <TextField
                  label={say(`天数（申请 ${askedDays}）`, `Days (asked ${askedDays})`)}
                  inputMode="numeric"
                  value={days}
                  onChange={(e) => setDays(e.target.value)}
                  error={errors.days}
                />
              </div>
              <Picks
                legend={say('查询模板', 'Templates')}
                chosen={chosen}
                onChange={setChosen}
                error={errors.templates}
                options={asked.templates.map((t) => ({ value: t, name: word(templates, t, lang) }))}
              />
              <Picks
                legend={say('数据方', 'Custodians')}
                chosen={custodians}
                onChange={setCustodians}
                error={errors.custodians}
                options={asked.custodians.map((c) => ({ value: c, name: name(c) }))}
              />
            </>
          )}
          <TextArea
            label={say('理由', 'Reason')}
            hint={
              verdict === 'issue'
                ? say('请求方、数据方与监督方会读到', 'Requester, custodians and overseer read it')
                : say('请求方会读到', 'The requester reads it')
            }
            value={reason}
            onChange={(e) => setReason(e.target.value)}
            error={show('reason')}
          />
          {verdict === 'issue' ? (
            <Button tone="primary" icon={Gavel} onClick={decide} disabled={!ready}>
              {narrower ? say('缩小并签发…', 'Narrow and issue…') : say('签发…', 'Issue…')}
            </Button>
          ) : (
            <Button tone="danger" icon={OctagonX} onClick={decide}>
              {say('驳回…', 'Refuse…')}
            </Button>
          )}
        </div>
      </Card>
    </div>
  )
}
