/** One dataset: columns, disclosure rules, snapshots with what they rejected;
 * and connecting a new one, its types guessed and confirmed. */
import { Camera, CircleStop, Search } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { post } from '../api/client'
import { useJobs } from '../api/jobs'
import { useGet, useStale } from '../api/queries'
import type { DatasetPreview, DatasetView, JobView, SnapshotView } from '../api/types'
import { has, isOperator, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { doingSaid, reasonSaid } from '../i18n/said'
import { columns, disclosures, semantics, tables, templates, word } from '../i18n/words'
import { count, number } from '../lib/format'
import { useKept } from '../lib/kept'
import { Button, Card, Facts, Hex, PageHead, Phase, Progress, Status, Tags, When } from '../ui/basic'
import { Select, TextArea, TextField } from '../ui/form'
import { Await, Blank, Failed, Notice } from '../ui/state'

export function DatasetPage() {
  const { dataset = '' } = useParams()
  const { say, lang } = useSpeech()
  const session = useSession()
  const stale = useStale()
  const [error, setError] = useState<unknown>(null)
  const list = useGet<DatasetView[]>('/v1/datasets')
  const job = useJobs().get(dataset)
  const may = has(session, 'steward') || isOperator(session)
  const begin = async () => {
    setError(null)
    try {
      await post<JobView>(`/v1/datasets/${dataset}/snapshot`, {})
    } catch (caught) {
      setError(caught)
    }
    stale('/v1/jobs')
  }
  return (
    <Await query={list} heading={say('数据表', 'Dataset')}>
      {(all) => {
        const view = all.find((one) => one.dataset === dataset && !one.replaced)
        if (!view) return <Blank title={say('没有此数据表', 'No such dataset')} />
        const running = job?.phase === 'running'
        return (
          <>
            <PageHead
              crumb={<Link to="/datasets">{say('数据表', 'Datasets')}</Link>}
              title={view.dataset}
              lead={word(tables, view.table, lang)}
              actions={
                may && (
                  <Button tone="primary" icon={Camera} disabled={running} onClick={() => void begin()}>
                    {say('生成快照', 'Take a snapshot')}
                  </Button>
                )
              }
            />
            <div className="stack">
              {error !== null && <Failed error={error} retry={() => void begin()} />}
              {job && <Job job={job} />}
              <div className="cols main-side">
                <Card title={say('快照', 'Snapshots')} flush>
                  {view.snapshots.length === 0 ? (
                    <Blank icon={Camera} title={say('还没有快照', 'No snapshots yet')}>
                      {say(
                        '快照是对当时各行的承诺；查询只用快照作答。',
                        'A snapshot commits to the rows of its time; questions are answered from snapshots alone.',
                      )}
                    </Blank>
                  ) : (
                    <ul className="tasks">
                      {view.snapshots.map((snap) => (
                        <Snapshot key={snap.record} snap={snap} may={may} />
                      ))}
                    </ul>
                  )}
                </Card>
                <Card title={say('列与披露规则', 'Columns and disclosure rules')} flush>
                  <table className="table">
                    <thead>
                      <tr>
                        <th scope="col">{say('列', 'Column')}</th>
                        <th scope="col">{say('含义', 'Meaning')}</th>
                        <th scope="col">{say('披露', 'Disclosure')}</th>
                      </tr>
                    </thead>
                    <tbody>
                      {view.columns.map((column) => (
                        <tr key={column.name}>
                          <td>{word(columns, column.name, lang)}</td>
                          <td>{word(semantics, column.semantic, lang)}</td>
                          <td>{word(disclosures, column.disclosure, lang)}</td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                  <div style={{ padding: 16 }}>
                    <Facts
                      items={[
                        [say('查询键', 'Lookup keys'), <Tags key="k" items={view.keys} />],
                        view.source ? [say('来源', 'Source'), `${view.source.method} · ${view.source.place}`] : null,
                        [say('公布', 'Published'), <When key="p" ms={view.published_ms} />],
                        [say('记录', 'Record'), <Hex key="r" id={view.record} />],
                      ]}
                    />
                  </div>
                </Card>
              </div>
            </div>
          </>
        )
      }}
    </Await>
  )
}

function Job({ job }: { job: JobView }) {
  const { say, lang } = useSpeech()
  const stale = useStale()
  if (job.phase === 'done') return null
  if (job.phase !== 'running')
    return (
      <Notice mood="bad" title={<Phase phase={job.phase} />}>
        {job.error?.detail}
      </Notice>
    )
  return (
    <Card>
      <div className="stack-s" aria-live="polite">
        <div className="row between">
          <span>
            {doingSaid(job.doing, lang)} · {say(`${number(job.rows, lang)} 行`, count(job.rows, 'row'))}
          </span>
          <Button
            small
            icon={CircleStop}
            onClick={() => void post(`/v1/jobs/${job.job}/cancel`, {}).finally(() => stale('/v1/jobs'))}
          >
            {say('停止', 'Stop')}
          </Button>
        </div>
        <Progress value={job.progress} label={say('快照进度', 'The snapshot')} />
      </div>
    </Card>
  )
}

function Snapshot({ snap, may }: { snap: DatasetView['snapshots'][number]; may: boolean }) {
  const { say, lang } = useSpeech()
  const [open, setOpen] = useState(false)
  const detail = useGet<SnapshotView>(open ? `/v1/snapshots/${snap.record}` : null, {
    staleTime: Number.POSITIVE_INFINITY,
  })
  return (
    <li className="task column">
      <div className="row between">
        <span>
          <strong>
            <When ms={snap.extracted_ms} />
          </strong>{' '}
          {snap.latest && <Status mood="good">{say('最新', 'latest')}</Status>}{' '}
          {!snap.kept && <Status mood="off">{say('已销毁', 'destroyed')}</Status>}
        </span>
        <Hex id={snap.record} />
      </div>
      <div className="row small muted">
        <span>{say(`${number(snap.rows, lang)} 行`, count(snap.rows, 'row'))}</span>
        <span>{say(`拒收 ${number(snap.rejected, lang)} 行`, `${number(snap.rejected, lang)} rejected`)}</span>
        {snap.keys.map((key) => (
          <span key={key.name}>
            {key.name}:{' '}
            {say(
              `${number(key.distinct, lang)} 个值，${number(key.buckets, lang)} 桶`,
              `${number(key.distinct, lang)} values in ${number(key.buckets, lang)} buckets`,
            )}
          </span>
        ))}
      </div>
      {may && snap.rejected > 0 && (
        <div>
          <Button small onClick={() => setOpen(!open)} aria-expanded={open}>
            {open ? say('收起', 'Hide') : say('拒收了哪些行，为何', 'Which rows were rejected, and why')}
          </Button>
        </div>
      )}
      {open && (
        <Await query={detail} lines={3}>
          {(d) => (
            <div className="cols half">
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">{say('列', 'Column')}</th>
                    <th scope="col">{say('原因', 'Reason')}</th>
                    <th scope="col" className="num">
                      {say('行数', 'Rows')}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {d.by_reason.map((one) => (
                    <tr key={one.column + one.reason}>
                      <td>{one.column ? word(columns, one.column, lang) : say('整行', 'whole row')}</td>
                      <td>{reasonSaid(one.reason, lang)}</td>
                      <td className="num">{number(one.rows, lang)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              <div
                className="table-wrap short"
                tabIndex={0}
                role="group"
                aria-label={say('被拒收的行', 'Rejected rows')}
              >
                <table className="table">
                  <thead>
                    <tr>
                      <th scope="col" className="num">
                        {say('行号', 'Row')}
                      </th>
                      <th scope="col">{say('列', 'Column')}</th>
                      <th scope="col">{say('原因', 'Reason')}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {d.rejected_rows.map((one) => (
                      <tr key={`${one.row}${one.column}`}>
                        <td className="num">{number(one.row, lang)}</td>
                        <td>{one.column ? word(columns, one.column, lang) : say('整行', 'whole row')}</td>
                        <td>{reasonSaid(one.reason, lang)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </div>
          )}
        </Await>
      )}
    </li>
  )
}

const SEMANTICS = [
  'phone',
  'resident_id',
  'account',
  'money',
  'timestamp',
  'date',
  'integer',
  'real',
  'text',
  'institution',
  'premise',
]

export function NewDatasetPage() {
  const { say, lang } = useSpeech()
  const navigate = useNavigate()
  const stale = useStale()
  const [form, setForm, drop] = useKept('dataset', () => ({ dataset: '', source: '', table: '', kind: '' }))
  const [preview, setPreview, dropPreview] = useKept<DatasetPreview | null>('dataset/preview', () => null)
  const [spec, setSpec, dropSpec] = useKept('dataset/spec', () => '')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const postgres = /^postgres(ql)?:\/\//.test(form.source)
  const body = (withSpec: boolean) => ({
    dataset: form.dataset.trim(),
    source: form.source.trim(),
    source_table: postgres && form.table.trim() ? form.table.trim() : null,
    table: form.kind || null,
    spec: withSpec ? spec : null,
  })
  const work = async (run: () => Promise<void>) => {
    setBusy(true)
    setError(null)
    try {
      await run()
    } catch (caught) {
      setError(caught)
    } finally {
      setBusy(false)
    }
  }
  const look = (event: FormEvent) => {
    event.preventDefault()
    void work(async () => {
      const found = await post<DatasetPreview>('/v1/datasets/preview', body(false), { limitMs: 60_000 })
      setPreview(found)
      setSpec(found.spec)
    })
  }
  const again = () =>
    work(async () => setPreview(await post<DatasetPreview>('/v1/datasets/preview', body(true), { limitMs: 60_000 })))
  const publish = () =>
    work(async () => {
      await post('/v1/datasets', body(true), { limitMs: 60_000 })
      drop()
      dropPreview()
      dropSpec()
      stale('/v1/datasets')
      await navigate(`/datasets/${form.dataset.trim()}`)
    })
  return (
    <>
      <PageHead
        crumb={<Link to="/datasets">{say('数据表', 'Datasets')}</Link>}
        title={say('接入数据表', 'Connect a table')}
        lead={say(
          '先看一眼来源：节点猜出每列的含义，由您确认后再公布。',
          'Have a look at the source first: the node guesses what each column means, and you confirm before it is published.',
        )}
      />
      <div className="stack">
        <form onSubmit={look}>
          <Card title={say('来源', 'Source')}>
            <div className="stack">
              <div className="pair">
                <TextField
                  label={say('数据表名', 'Dataset’s name')}
                  value={form.dataset}
                  onChange={(e) => setForm({ ...form, dataset: e.target.value })}
                  pattern="[a-z0-9_\-]{1,32}"
                  hint={say('小写字母、数字、_、-', 'lower-case letters, digits, _ and -')}
                  required
                />
                <TextField
                  label={say('文件路径或数据库', 'File or database')}
                  value={form.source}
                  onChange={(e) => setForm({ ...form, source: e.target.value })}
                  hint={say(
                    '节点机器上的 CSV、Parquet，或 postgres:// 地址',
                    'CSV or Parquet on the node’s machine, or a postgres:// address',
                  )}
                  required
                />
                {postgres && (
                  <TextField
                    label={say('数据库中的表', 'Table in the database')}
                    value={form.table}
                    onChange={(e) => setForm({ ...form, table: e.target.value })}
                    required
                  />
                )}
                <Select
                  label={say('种类', 'Kind')}
                  value={form.kind}
                  onChange={(e) => setForm({ ...form, kind: e.target.value })}
                  options={[
                    ['', say('由节点猜', 'Guess')],
                    ...Object.keys(tables).map((t) => [t, word(tables, t, lang)] as const),
                  ]}
                />
              </div>
              <div>
                <Button
                  type="submit"
                  icon={Search}
                  busy={busy}
                  tone={preview ? 'plain' : 'primary'}
                  disabled={busy || !form.dataset.trim() || !form.source.trim()}
                >
                  {say('看一眼来源', 'Look at the source')}
                </Button>
              </div>
            </div>
          </Card>
        </form>
        {error !== null && <Failed error={error} />}
        {preview && (
          <>
            <Card
              title={say(
                `猜测的含义（抽样 ${preview.sampled} 行）`,
                `What the columns seem to mean (${preview.sampled} rows sampled)`,
              )}
              flush
            >
              <div className="table-wrap" tabIndex={0} role="group" aria-label={say('列', 'Columns')}>
                <table className="table even">
                  <thead>
                    <tr>
                      <th scope="col">{say('来源列', 'Source column')}</th>
                      <th scope="col">{say('列', 'Column')}</th>
                      <th scope="col">{say('含义', 'Meaning')}</th>
                      <th scope="col">{say('披露', 'Disclosure')}</th>
                      <th scope="col" className="num">
                        {say('有值', 'Filled')}
                      </th>
                      <th scope="col">{say('符合', 'Fits')}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {preview.columns.map((column) => (
                      <tr key={column.name}>
                        <td>
                          <code>{column.source_name}</code>
                        </td>
                        <td>{word(columns, column.name, lang)}</td>
                        <td>
                          <Chosen
                            spec={spec}
                            setSpec={setSpec}
                            column={column.name}
                            field="semantic"
                            value={column.semantic}
                            choices={SEMANTICS}
                            book={semantics}
                            label={say(`${column.name} 的含义`, `Meaning of ${column.name}`)}
                          />
                        </td>
                        <td>
                          <Chosen
                            spec={spec}
                            setSpec={setSpec}
                            column={column.name}
                            field="disclosure"
                            value={column.disclosure}
                            choices={['open', 'key_only', 'aggregate_only', 'compare_only', 'never']}
                            book={disclosures}
                            label={say(`${column.name} 的披露规则`, `Disclosure of ${column.name}`)}
                          />
                        </td>
                        <td className="num">{column.filled}</td>
                        <td>
                          <Fit fit={column.fit} filled={column.filled} />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </Card>
            <div className="cols half">
              <Card title={say('可回答的问题', 'Questions it could answer')}>
                <div className="stack-s">
                  <Tags items={preview.templates.map((t) => word(templates, t, lang))} />
                </div>
              </Card>
              <Card title={say('查询键', 'Lookup keys')}>
                <ul className="stack-s">
                  {preview.keys.map((key) => (
                    <li key={key.name}>
                      <code>{key.name}</code>{' '}
                      <span className="muted">
                        {say('取自列：', 'over ')}
                        {key.columns.map((column) => word(columns, column, lang)).join(say('、', ', '))}
                        {key.period ? ` · ${say('按天', 'by day')}` : ''}
                      </span>
                    </li>
                  ))}
                </ul>
              </Card>
            </div>
            <details>
              <summary>{say('完整说明（TOML）', 'The whole specification (TOML)')}</summary>
              <div style={{ marginTop: 8 }}>
                <TextArea
                  label={say('说明', 'Specification')}
                  className="mono"
                  rows={16}
                  spellCheck={false}
                  value={spec}
                  onChange={(e) => setSpec(e.target.value)}
                />
              </div>
            </details>
            <div className="row">
              <Button onClick={() => void again()} disabled={busy}>
                {say('按修改再看一眼', 'Look again with these')}
              </Button>
              <Button tone="primary" busy={busy} disabled={busy} onClick={() => void publish()}>
                {say('确认并公布', 'Confirm and publish')}
              </Button>
            </div>
          </>
        )}
      </div>
    </>
  )
}

/** How many of the values sampled are of the type; never rounded up to all of them. */
function Fit({ fit, filled }: { fit: number; filled: number }) {
  const share = filled > 0 ? fit / filled : 1
  return (
    <Status mood={share > 0.98 ? 'good' : share > 0.8 ? 'wait' : 'bad'}>{`${Math.floor(share * 1000) / 10}%`}</Status>
  )
}

/** A choice that is written into the specification's text, where it stands. */
function Chosen({
  spec,
  setSpec,
  column,
  field,
  value,
  choices,
  book,
  label,
}: {
  spec: string
  setSpec: (spec: string) => void
  column: string
  field: string
  value: string
  choices: readonly string[]
  book: Parameters<typeof word>[0]
  label: string
}) {
  const { lang } = useSpeech()
  const now = fieldOf(spec, column, field) ?? value
  const all = choices.includes(now) ? choices : [now, ...choices]
  return (
    <select
      className="input"
      aria-label={label}
      value={now}
      onChange={(e) => setSpec(withField(spec, column, field, e.target.value))}
    >
      {all.map((choice) => (
        <option key={choice} value={choice}>
          {word(book, choice, lang)}
        </option>
      ))}
    </select>
  )
}

const block = (spec: string, column: string): [number, number] | null => {
  const parts = [...spec.matchAll(/^\[\[columns?\]\]\s*$/gm)].map((m) => m.index)
  for (const [i, from] of parts.entries()) {
    const next = spec.slice(from + 1).search(/^\[/m)
    const to = parts[i + 1] ?? (next < 0 ? spec.length : from + 1 + next)
    if (new RegExp(`^name\\s*=\\s*"${column}"`, 'm').test(spec.slice(from, to))) return [from, to]
  }
  return null
}

function fieldOf(spec: string, column: string, field: string): string | null {
  const at = block(spec, column)
  if (!at) return null
  return new RegExp(`^${field}\\s*=\\s*"([^"]*)"`, 'm').exec(spec.slice(...at))?.[1] ?? null
}

function withField(spec: string, column: string, field: string, value: string): string {
  const at = block(spec, column)
  if (!at) return spec
  const text = spec.slice(...at)
  const line = new RegExp(`^${field}\\s*=\\s*"[^"]*"`, 'm')
  const next = line.test(text)
    ? text.replace(line, `${field} = "${value}"`)
    : text.replace(/^(name\s*=.*)$/m, `$1\n${field} = "${value}"`)
  return spec.slice(0, at[0]) + next + spec.slice(at[1])
}
