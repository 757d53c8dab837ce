/** Drafting a warrant: the form keeps what was typed, in memory only. */
import { FileUp, PenLine, Plus, Trash2 } from 'lucide-react'
import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { post } from '../api/client'
import { useGet } from '../api/queries'
import type { CheckedLine, SubjectsCheck, TemplateView } from '../api/types'
import { useMembers } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { memberName, semantics, word } from '../i18n/words'
import {
  begins,
  blankScene,
  type DraftForm,
  draftAct,
  problems,
  type SceneForm,
  sceneProblems,
  SCENES_MAX,
  subjectLines,
  type Wrong,
} from '../lib/draft'
import { count, day } from '../lib/format'
import { useKept } from '../lib/kept'
import { useSign } from '../sign/SignDialog'
import { Button, Card, IconButton, PageHead } from '../ui/basic'
import { DateField } from '../ui/date'
import { Picks, Select, TextArea, TextField } from '../ui/form'
import { Await, Failed, Notice } from '../ui/state'
import { LineList } from './lines'

/** Largest file of subjects that is read into the form. */
const FILE_BYTES_MAX = 2_000_000
const CHECK_AFTER_MS = 350

const blank = (): DraftForm => ({
  case: '',
  reason: '',
  basis: '',
  authority: '',
  templates: [],
  custodians: [],
  subjects: '',
  scenes: [],
  from: day(Date.now() - 90 * 86_400_000),
  to: day(Date.now()),
  hops: '2',
  cap: '500',
  runs: '3',
  days: '7',
})

export function DraftPage() {
  const { say, lang } = useSpeech()
  const sign = useSign()
  const navigate = useNavigate()
  const [form, setForm, drop] = useKept('draft', blank)
  const [tried, setTried] = useState(false)
  const members = useMembers()
  const templates = useGet<TemplateView[]>('/v1/templates', { staleTime: Number.POSITIVE_INFINITY })
  const check = useChecked(form.subjects)
  const top = useRef<HTMLDivElement>(null)

  const authorities = (members.data ?? []).filter((member) => member.roles.includes('authority'))
  const custodians = (members.data ?? []).filter((member) => member.roles.includes('custodian'))
  const only = authorities.length === 1 ? authorities[0]?.institution : undefined
  useEffect(() => {
    if (only && !form.authority) setForm((before) => ({ ...before, authority: only }))
  }, [only, form.authority, setForm])

  const set = <K extends keyof DraftForm>(key: K, value: DraftForm[K]) =>
    setForm((before) => ({ ...before, [key]: value }))
  const wrong: Wrong = useMemo(
    () => problems(form, check.lines, templates.data ?? []),
    [form, check.lines, templates.data],
  )
  const needs = begins(form, templates.data ?? [])
  const error = (key: keyof DraftForm) => {
    const pair = wrong[key]
    return tried && pair ? say(pair[0], pair[1]) : undefined
  }
  const text = (key: 'case' | 'reason' | 'basis' | 'hops' | 'cap' | 'runs' | 'days') => ({
    value: form[key],
    onChange: (event: { target: { value: string } }) => set(key, event.target.value),
    error: error(key),
  })
  const date = (key: 'from' | 'to') => ({
    value: form[key],
    onChange: (value: string) => set(key, value),
    error: error(key),
  })

  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    const count = Object.keys(wrong).length
    if (count > 0 || !check.lines || check.pending) {
      requestAnimationFrame(() =>
        (document.querySelector<HTMLElement>('[aria-invalid="true"]') ?? top.current)?.focus(),
      )
      return
    }
    const act = draftAct(form, check.lines)
    sign({
      act,
      beside: {
        subjects: new Set(check.lines.flatMap((l) => (l.state === 'ok' && l.selector ? [l.selector] : []))).size,
      },
      note: (
        <Notice mood="run">
          {say(
            '对象、现场、案号与理由此时只密封给签发机关；其他成员只看到条款，以及对象与现场各有几个。',
            'For now subjects, scenes, case and reason are sealed to the authority alone; other members see the terms and how many subjects and scenes there are.',
          )}
        </Notice>
      ),
      onDone: (recorded) => {
        drop()
        void navigate(recorded.warrant ? `/cases/${recorded.warrant}` : '/cases')
      },
    })
  }

  return (
    <>
      <PageHead
        title={say('申请令状', 'Draft a warrant')}
        lead={say(
          '写明要问什么、问谁、查哪段时间、到什么限度。检察院或法院据此决定。',
          'Say what would be asked, of whom, over which time, and up to what limits. The authority decides on it.',
        )}
      />
      <div ref={top} tabIndex={-1}>
        {tried && Object.keys(wrong).length > 0 && (
          <div style={{ marginBottom: 16 }}>
            <Notice
              mood="bad"
              role="alert"
              title={say(
                `还有 ${Object.keys(wrong).length} 处需要填写或更正`,
                `${count(Object.keys(wrong).length, 'field')} to fill in or mend`,
              )}
            />
          </div>
        )}
      </div>
      <form onSubmit={submit} noValidate className="cols main-side">
        <div className="stack">
          <Card title={say('案情', 'The case')}>
            <div className="stack">
              <div className="pair">
                <TextField
                  label={say('案号', 'Case')}
                  hint={say('只有承诺值离开本机构', 'Only a commitment to it leaves this institution')}
                  {...text('case')}
                />
                <Select
                  label={say('签发机关', 'Authority')}
                  value={form.authority}
                  onChange={(e) => set('authority', e.target.value)}
                  error={error('authority')}
                  options={[
                    ['', say('请选择', 'Choose')],
                    ...authorities.map((m) => [m.institution, memberName(m.name, lang)] as const),
                  ]}
                />
              </div>
              <TextArea
                label={say('理由', 'Reason')}
                hint={say('签发机关会读到', 'The authority reads it')}
                {...text('reason')}
              />
              <TextField
                label={say('法律依据', 'Legal basis')}
                hint={say('签发机关与数据方会读到', 'Authority and custodians read it')}
                {...text('basis')}
              />
            </div>
          </Card>
          <Card title={say('查什么', 'What would be asked')}>
            <div className="stack">
              <Await query={templates} lines={3}>
                {(list) => (
                  <Picks
                    legend={say('查询模板', 'Templates')}
                    chosen={form.templates}
                    onChange={(chosen) => set('templates', chosen)}
                    error={error('templates')}
                    options={list.map((t) => ({
                      value: t.template,
                      name: <strong>{say(t.title_zh, t.title_en)}</strong>,
                      what: say(t.what_zh, t.what_en),
                    }))}
                  />
                )}
              </Await>
              <Await query={members} lines={3}>
                {() => (
                  <Picks
                    legend={say('数据方', 'Custodians')}
                    chosen={form.custodians}
                    onChange={(chosen) => set('custodians', chosen)}
                    error={error('custodians')}
                    options={custodians.map((m) => ({ value: m.institution, name: memberName(m.name, lang) }))}
                  />
                )}
              </Await>
              <div>
                <Button
                  small
                  tone="quiet"
                  onClick={() =>
                    set(
                      'custodians',
                      custodians.map((m) => m.institution),
                    )
                  }
                >
                  {say('全选', 'Choose all')}
                </Button>
                <Button small tone="quiet" onClick={() => set('custodians', [])}>
                  {say('清空', 'Choose none')}
                </Button>
              </div>
            </div>
          </Card>
          {(needs.scenes || needs.window || form.scenes.length > 0) && (
            <Scenes
              form={form}
              onChange={(scenes) => set('scenes', scenes)}
              tried={tried}
              needed={needs.scenes}
              error={error('scenes')}
            />
          )}
          <Subjects form={form} set={set} check={check} needed={needs.subjects} error={error('subjects')} />
        </div>
        <div className="stack sticky">
          <Card title={say('限度', 'Limits')}>
            <div className="stack">
              <fieldset>
                <legend>{say('数据时段', 'Window')}</legend>
                <div className="stack-s">
                  <DateField time label={say('从', 'From')} {...date('from')} />
                  <DateField time label={say('到（含）', 'To (inclusive)')} {...date('to')} />
                </div>
              </fieldset>
              <div className="pair narrow">
                <TextField label={say('跳数', 'Hops')} inputMode="numeric" {...text('hops')} />
                <TextField label={say('可计算次数', 'Runs')} inputMode="numeric" {...text('runs')} />
                <TextField
                  label={say('答案行数上限', 'Answer cap')}
                  inputMode="numeric"
                  after={say('行', 'rows')}
                  {...text('cap')}
                />
                <TextField
                  label={say('有效期', 'Life')}
                  inputMode="numeric"
                  after={say('天', 'days')}
                  {...text('days')}
                />
              </div>
              <p className="hint">
                {say('签发机关只能在此范围内缩小，不能放宽。', 'The authority can narrow this, never widen it.')}
              </p>
            </div>
          </Card>
          <Button type="submit" tone="primary" icon={PenLine}>
            {say('核对并签名…', 'Review and sign…')}
          </Button>
          <p className="hint">
            {say(
              '离开此页或节点断开，填写的内容都还在（仅存于内存）。',
              'What you typed stays when you leave this page or the node goes away (in memory only).',
            )}
          </p>
        </div>
      </form>
    </>
  )
}

interface Checking {
  lines: CheckedLine[] | null
  result: SubjectsCheck | null
  pending: boolean
  error: unknown
  again: () => void
}

/** The node's word on each line, a moment after typing stops. */
function useChecked(text: string): Checking {
  const [state, setState] = useState<Omit<Checking, 'again'>>({
    lines: null,
    result: null,
    pending: false,
    error: null,
  })
  const [round, setRound] = useState(0)
  useEffect(() => {
    const lines = subjectLines(text)
    if (lines.every((line) => line === '')) {
      setState({ lines: [], result: null, pending: false, error: null })
      return
    }
    const ended = new AbortController()
    setState((before) => ({ ...before, pending: true }))
    const timer = setTimeout(() => {
      post<SubjectsCheck>('/v1/subjects/check', { lines }, { signal: ended.signal }).then(
        (result) => setState({ lines: result.lines, result, pending: false, error: null }),
        (error: unknown) => {
          if (!ended.signal.aborted) setState({ lines: null, result: null, pending: false, error })
        },
      )
    }, CHECK_AFTER_MS)
    return () => {
      clearTimeout(timer)
      ended.abort()
    }
  }, [text, round])
  return { ...state, again: () => setRound(round + 1) }
}

/** Where and when: what joint questions of this kind begin from. */
function Scenes({
  form,
  onChange,
  tried,
  needed,
  error,
}: {
  form: DraftForm
  onChange: (scenes: SceneForm[]) => void
  tried: boolean
  needed: boolean
  error: string | undefined
}) {
  const { say } = useSpeech()
  const add = useRef<HTMLButtonElement>(null)
  const change = (place: number, part: Partial<SceneForm>) =>
    onChange(form.scenes.map((scene, i) => (i === place ? { ...scene, ...part } : scene)))
  return (
    <Card
      title={needed ? say('现场', 'Scenes') : say('现场（可不填）', 'Scenes (optional)')}
      extra={
        <span ref={(element) => void (add.current = element?.querySelector('button') ?? null)}>
          <Button
            small
            icon={Plus}
            disabled={form.scenes.length >= SCENES_MAX}
            onClick={() => onChange([...form.scenes, blankScene()])}
          >
            {say('添加现场', 'Add a scene')}
          </Button>
        </span>
      }
    >
      <div className="stack">
        <p className="hint">
          {say(
            '现场是一个基站小区或全市，加一段时间；时间在数据时段之内。签发之前只有签发机关能读，签发之后令状所列数据方也会读到。',
            'A scene is a cell, or the whole city, and a time inside the window. Until the warrant is issued the authority alone reads it; then its custodians do too.',
          )}
        </p>
        {form.scenes.map((scene, place) => {
          const wrong = sceneProblems(scene, form)
          const said = (key: keyof typeof wrong) => {
            const pair = wrong[key]
            return tried && pair ? say(pair[0], pair[1]) : undefined
          }
          return (
            <fieldset key={place} className="scene">
              <legend>{say(`现场 ${place + 1}`, `Scene ${place + 1}`)}</legend>
              <div className="scene-row">
                <div className="stack-s">
                  <TextField
                    label={say('基站小区', 'Cell')}
                    inputMode="numeric"
                    value={scene.city ? '' : scene.cell}
                    placeholder={scene.city ? say('全市', 'the whole city') : undefined}
                    disabled={scene.city}
                    onChange={(event) => change(place, { cell: event.target.value })}
                    error={said('cell')}
                  />
                  <label className="row small">
                    <input
                      type="checkbox"
                      checked={scene.city}
                      onChange={(event) => change(place, { city: event.target.checked })}
                    />
                    {say('全市', 'the whole city')}
                  </label>
                </div>
                <DateField
                  time
                  label={say('何时起', 'From when')}
                  value={scene.from}
                  onChange={(from) => change(place, { from })}
                  error={said('from')}
                />
                <DateField
                  time
                  label={say('何时止（含）', 'Until when (inclusive)')}
                  value={scene.to}
                  onChange={(to) => change(place, { to })}
                  error={said('to')}
                />
                <IconButton
                  small
                  icon={Trash2}
                  label={say(`删去现场 ${place + 1}`, `Remove scene ${place + 1}`)}
                  onClick={() => {
                    onChange(form.scenes.filter((_, i) => i !== place))
                    add.current?.focus()
                  }}
                />
              </div>
            </fieldset>
          )
        })}
        {error && (
          <p className="wrong" role="status">
            {error}
          </p>
        )}
      </div>
    </Card>
  )
}

function Subjects({
  form,
  set,
  check,
  needed,
  error,
}: {
  form: DraftForm
  set: (key: 'subjects', value: string) => void
  check: Checking
  needed: boolean
  error: string | undefined
}) {
  const { say, lang } = useSpeech()
  const file = useRef<HTMLInputElement>(null)
  const [tooLarge, setTooLarge] = useState(false)
  const upload = async (chosen: File | undefined) => {
    if (!chosen) return
    setTooLarge(chosen.size > FILE_BYTES_MAX)
    if (chosen.size > FILE_BYTES_MAX) return
    const text = await chosen.text()
    const before = form.subjects.trim()
    set('subjects', before ? `${before}\n${text}` : text)
  }
  const kinds = Object.entries(check.result?.kinds ?? {})
  return (
    <Card
      title={needed ? say('对象', 'Subjects') : say('对象（可不填）', 'Subjects (optional)')}
      extra={
        <>
          <Button small icon={FileUp} onClick={() => file.current?.click()}>
            {say('上传文件', 'Upload a file')}
          </Button>
          <input
            ref={file}
            type="file"
            accept=".txt,.csv,text/plain,text/csv"
            hidden
            onChange={(event) => {
              void upload(event.target.files?.[0])
              event.target.value = ''
            }}
          />
        </>
      }
    >
      <div className="cols half">
        <TextArea
          label={say('每行一个', 'One a line')}
          hint={say(
            '电话、身份证号或账号；可写 phone:、id:、account: 指明类型。',
            'Phones, resident ids or accounts; phone:, id: or account: says which.',
          )}
          rows={10}
          className="mono"
          spellCheck={false}
          value={form.subjects}
          onChange={(event) => set('subjects', event.target.value)}
          error={error ?? (tooLarge ? say('文件超过 2 MB', 'The file has more than 2 MB') : undefined)}
        />
        <div className="stack-s">
          <div className="row between small" aria-live="polite">
            {check.result ? (
              <>
                <span>
                  {kinds.map(([kind, count]) => `${word(semantics, kind, lang)} ${count}`).join(' · ') || '—'}
                </span>
                <span className="muted">
                  {say(
                    `可用 ${check.result.ok}，重复 ${check.result.duplicate}，不能识别 ${check.result.invalid}`,
                    `${check.result.ok} good, ${check.result.duplicate} twice, ${check.result.invalid} unreadable`,
                  )}
                </span>
              </>
            ) : (
              <span className="muted">{say('逐行核对会显示在这里', 'Each line is checked here')}</span>
            )}
          </div>
          {check.error !== null ? <Failed error={check.error} retry={check.again} /> : null}
          {check.lines && check.lines.length > 0 && <LineList lines={check.lines} />}
        </div>
      </div>
    </Card>
  )
}
