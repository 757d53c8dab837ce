/** One dataset: columns, disclosure rules, snapshots with what they rejected. */
import { Camera, CircleStop } from 'lucide-react'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { post } from '../api/client'
import { useJobs } from '../api/jobs'
import { useGet, useStale } from '../api/queries'
import type { DatasetView, JobView, SnapshotView } from '../api/types'
import { has, isOperator, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { doingSaid, reasonSaid } from '../i18n/said'
import { columns, disclosures, semantics, tables, word } from '../i18n/words'
import { count, number } from '../lib/format'
import { Button, Card, Facts, Hex, PageHead, Phase, Progress, Status, Tags, When } from '../ui/basic'
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
