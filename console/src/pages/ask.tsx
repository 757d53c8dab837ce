/** Asking under a warrant: the plan stands in plain words before anything is asked. */
import { Eye, PenLine } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { post, whenHere } from '../api/client'
import { useGet, useStale } from '../api/queries'
import type { Act, CaseView, PlanView, TemplateView } from '../api/types'
import { useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { templates, word } from '../i18n/words'
import { type AskForm, askFields, askProblems, termKey, termProblem } from '../lib/ask'
import { number } from '../lib/format'
import { useKept } from '../lib/kept'
import { useSign } from '../sign/SignDialog'
import { Button, Card, PageHead } from '../ui/basic'
import { Choice, Picks, TextField } from '../ui/form'
import { Await, Blank, Failed } from '../ui/state'
import { caseTitle } from './case-words'
import { Cost, Plan } from './plan'

export function AskPage() {
  const { warrant = '' } = useParams()
  const { say } = useSpeech()
  const view = useGet<CaseView>(`/v1/cases/${warrant}`)
  const known = useGet<TemplateView[]>('/v1/templates', { staleTime: Number.POSITIVE_INFINITY })
  return (
    <Await query={view} heading={say('提问', 'Ask a question')}>
      {(data) => (
        <>
          <PageHead
            crumb={<Link to={`/cases/${data.warrant}`}>{caseTitle(data, say)}</Link>}
            title={say('提问', 'Ask a question')}
            lead={say(
              '先看方案：谁算什么、各方会知道什么、有何泄露。签名之后才会发给数据方。',
              'See the plan first: who computes what, what each side learns, what leaks. Nothing goes to custodians before you sign.',
            )}
          />
          <Await query={known}>{(list) => <Ask view={data} known={list} />}</Await>
        </>
      )}
    </Await>
  )
}

function Ask({ view, known }: { view: CaseView; known: TemplateView[] }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const sign = useSign()
  const stale = useStale()
  const navigate = useNavigate()
  const [form, setForm, drop] = useKept<AskForm>(`ask/${view.warrant}`, () => ({
    template: view.templates[0] ?? '',
    hops: String(view.hops),
    amount: '',
    hours: '',
    cap: '',
    custodians: view.custodians,
    terms: {},
    countOnly: false,
  }))
  const [plan, setPlan] = useState<{ of: string; view: PlanView } | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const template = known.find((t) => t.template === form.template)
  const takes = (parameter: string) => template?.parameters.some((p) => p.name === parameter) ?? false
  const wrong = askProblems(form, view, takes, template)
  const fields = askFields(form, view, takes, template)
  const stamp = JSON.stringify(fields)
  const fresh = plan?.of === stamp ? plan.view : null
  const set = <K extends keyof AskForm>(key: K, value: AskForm[K]) => setForm((before) => ({ ...before, [key]: value }))
  const wording = (key: keyof AskForm) => {
    const pair = wrong[key]
    return pair ? say(pair[0], pair[1]) : undefined
  }

  const preview = async (event?: FormEvent) => {
    event?.preventDefault()
    if (Object.keys(wrong).length > 0) return
    setBusy(true)
    setError(null)
    try {
      setPlan({ of: stamp, view: await whenHere(() => post<PlanView>('/v1/questions/preview', fields)) })
      requestAnimationFrame(() =>
        document.getElementById('plan')?.scrollIntoView({ block: 'start', behavior: 'smooth' }),
      )
    } catch (caught) {
      setPlan(null)
      setError(caught)
    } finally {
      setBusy(false)
    }
  }
  const ask = () =>
    sign({
      act: { act: 'ask', ...fields } as Act,
      onDone: (recorded) => {
        drop()
        stale('/v1/cases', '/v1/inbox')
        void navigate(`/questions/${recorded.record}`)
      },
    })

  if (view.phase !== 'issued')
    return (
      <Card>
        <Blank
          title={say('令状现在不能提问', 'Nothing can be asked under this warrant now')}
          action={<Link to={`/cases/${view.warrant}`}>{say('查看令状', 'See the warrant')}</Link>}
        />
      </Card>
    )
  return (
    <div className="cols main-side reverse">
      <div className="stack" id="plan">
        {error !== null && <Failed error={error} retry={() => void preview()} />}
        {fresh ? (
          <Plan plan={fresh} />
        ) : error === null ? (
          <Card>
            <Blank
              icon={Eye}
              title={
                plan
                  ? say('条件已改，请重新查看方案', 'The terms changed: see the plan again')
                  : say('方案会显示在这里', 'The plan appears here')
              }
            >
              {say('查看方案不留记录，也不通知任何人。', 'Seeing a plan leaves no record and tells nobody.')}
            </Blank>
          </Card>
        ) : null}
      </div>
      <form className="stack sticky" onSubmit={(e) => void preview(e)} noValidate>
        <Card title={say('问题', 'The question')}>
          <div className="stack">
            <Choice
              legend={say('查询模板', 'Template')}
              chosen={form.template}
              onChange={(value) => set('template', value)}
              options={view.templates.map((t) => {
                const item = known.find((k) => k.template === t)
                return {
                  value: t,
                  name: <strong>{word(templates, t, lang)}</strong>,
                  what: item ? say(item.title_zh, item.title_en) : undefined,
                }
              })}
            />
            {takes('hops') && (
              <TextField
                label={say('跳数', 'Hops')}
                inputMode="numeric"
                value={form.hops}
                onChange={(e) => set('hops', e.target.value)}
                error={wording('hops')}
                hint={say(`令状允许至多 ${view.hops}`, `at most ${view.hops} by the warrant`)}
              />
            )}
            {takes('min_amount_minor') && (
              <TextField
                label={say('最低金额', 'Least amount')}
                inputMode="decimal"
                after={say('元', 'yuan')}
                placeholder="0.00"
                value={form.amount}
                onChange={(e) => set('amount', e.target.value)}
                error={wording('amount')}
              />
            )}
            {takes('within_ms') && (
              <TextField
                label={say('转入后多久内转出', 'Out again within')}
                inputMode="numeric"
                after={say('小时', 'hours')}
                placeholder="24"
                value={form.hours}
                onChange={(e) => set('hours', e.target.value)}
                error={wording('hours')}
                hint={say('至多 168 小时；两跳以上适用', 'at most 168; for two hops or more')}
              />
            )}
            {template?.joint && (
              <>
                {template.terms.map((term) => {
                  const key = termKey(form, term)
                  const problem = termProblem(form, term)
                  return (
                    <TextField
                      key={key}
                      label={say(
                        term.what_zh,
                        term.what_en.replace(/^./, (first) => first.toUpperCase()),
                      )}
                      inputMode="numeric"
                      placeholder={term.default == null ? say('全部', 'all') : String(term.default)}
                      value={form.terms[key] ?? ''}
                      onChange={(e) => set('terms', { ...form.terms, [key]: e.target.value })}
                      error={problem ? say(problem[0], problem[1]) : undefined}
                      hint={`${number(term.least, lang)} – ${number(term.most, lang)}`}
                    />
                  )
                })}
                <label className="pick">
                  <input
                    type="checkbox"
                    checked={form.countOnly}
                    onChange={(e) => set('countOnly', e.target.checked)}
                  />
                  <span>
                    <strong>{say('只要数量', 'Only the count')}</strong>
                    <span className="what">{say('此次查询不打开任何一行。', 'No row of this question opens.')}</span>
                  </span>
                </label>
              </>
            )}
            <TextField
              label={say('答案行数上限', 'Answer cap')}
              inputMode="numeric"
              after={say('行', 'rows')}
              placeholder={String(view.answer_cap)}
              value={form.cap}
              onChange={(e) => set('cap', e.target.value)}
              error={wording('cap')}
            />
            <Picks
              legend={say('问哪些数据方', 'Custodians to ask')}
              chosen={form.custodians}
              onChange={(chosen) => set('custodians', chosen)}
              error={wording('custodians')}
              options={view.custodians.map((c) => ({ value: c, name: name(c) }))}
            />
            <Button
              type="submit"
              icon={Eye}
              busy={busy}
              disabled={busy || Object.keys(wrong).length > 0}
              tone={fresh ? 'plain' : 'primary'}
            >
              {say('查看方案', 'See the plan')}
            </Button>
            {fresh && (
              <Button tone="primary" icon={PenLine} onClick={ask}>
                {say('核对并签名…', 'Review and sign…')}
              </Button>
            )}
          </div>
        </Card>
        {fresh && <Cost plan={fresh} />}
      </form>
    </div>
  )
}
