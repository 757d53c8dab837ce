/** The tables that this custodian publishes, and their snapshots. */
import { Database, Plus } from 'lucide-react'
import { Link } from 'react-router'
import { useJobs } from '../api/jobs'
import { useGet } from '../api/queries'
import type { DatasetView } from '../api/types'
import { has, isOperator, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { doingSaid } from '../i18n/said'
import { tables, word } from '../i18n/words'
import { number } from '../lib/format'
import { Card, LinkButton, PageHead, Phase, Progress, Status, When } from '../ui/basic'
import { Await, Blank } from '../ui/state'

export function DatasetsPage() {
  const { say, lang } = useSpeech()
  const session = useSession()
  const datasets = useGet<DatasetView[]>('/v1/datasets')
  const jobs = useJobs()
  const add = (has(session, 'steward') || isOperator(session)) && (
    <LinkButton to="/datasets/new" tone="primary" icon={Plus}>
      {say('接入数据表', 'Connect a table')}
    </LinkButton>
  )
  return (
    <>
      <PageHead
        title={say('数据表', 'Datasets')}
        lead={say(
          '本机构在目录中公布的表。数据不离开本机构；目录只有列的含义与披露规则。',
          'The tables this institution publishes. The data stay here; the catalogue has what columns mean and how they may be used.',
        )}
        actions={add}
      />
      <Await
        query={datasets}
        empty={{
          when: (list) => list.length === 0,
          show: (
            <Card>
              <Blank icon={Database} title={say('还没有数据表', 'No datasets yet')} action={add || undefined} />
            </Card>
          ),
        }}
      >
        {(list) => (
          <Card flush>
            <div className="table-wrap" tabIndex={0} role="group" aria-label={say('数据表', 'Datasets')}>
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">{say('名称', 'Name')}</th>
                    <th scope="col">{say('种类', 'Kind')}</th>
                    <th scope="col" className="num">
                      {say('行数', 'Rows')}
                    </th>
                    <th scope="col" className="num">
                      {say('拒收', 'Rejected')}
                    </th>
                    <th scope="col">{say('最新快照', 'Latest snapshot')}</th>
                    <th scope="col">{say('来源', 'Source')}</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((dataset) => {
                    const latest = dataset.snapshots.find((snap) => snap.latest) ?? dataset.snapshots[0]
                    const job = dataset.replaced ? undefined : jobs.get(dataset.dataset)
                    return (
                      <tr key={dataset.record}>
                        <td>
                          {dataset.replaced ? (
                            <>
                              {dataset.dataset} <Status mood="off">{say('已被取代', 'replaced')}</Status>
                            </>
                          ) : (
                            <Link to={`/datasets/${dataset.dataset}`}>{dataset.dataset}</Link>
                          )}
                        </td>
                        <td>{word(tables, dataset.table, lang)}</td>
                        <td className="num">{latest ? number(latest.rows, lang) : '—'}</td>
                        <td className="num">{latest ? number(latest.rejected, lang) : '—'}</td>
                        <td>
                          {job?.phase === 'running' ? (
                            <Progress value={job.progress} label={doingSaid(job.doing, lang)} />
                          ) : latest ? (
                            <When ms={latest.extracted_ms} />
                          ) : (
                            <Phase phase="waiting" />
                          )}
                        </td>
                        <td className="muted nowrap">{dataset.source?.method ?? '—'}</td>
                      </tr>
                    )
                  })}
                </tbody>
              </table>
            </div>
          </Card>
        )}
      </Await>
    </>
  )
}
