/** Connecting a table: its source looked at, its types guessed and confirmed. */
import { Search } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { post } from '../api/client'
import { useStale } from '../api/queries'
import type { DatasetPreview } from '../api/types'
import { useSpeech } from '../i18n/lang'
import { columns, disclosures, semantics, tables, templates, word } from '../i18n/words'
import { useKept } from '../lib/kept'
import { Button, Card, PageHead, Status, Tags } from '../ui/basic'
import { Select, TextArea, TextField } from '../ui/form'
import { Failed } from '../ui/state'
import { fieldOf, withField } from '../lib/spec'

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
