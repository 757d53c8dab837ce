/** The overseer's pages: every docket, every record, alarms. */
import { BellOff, FileSearch, Info, Search, Siren, TriangleAlert } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { withQuery } from '../api/client'
import { useGet } from '../api/queries'
import type { Alarm, OversightDocket, OversightRecord } from '../api/types'
import { useMembers, useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { kinds, memberName, templates, word } from '../i18n/words'
import { count, number, short } from '../lib/format'
import { endOf, startOf } from '../lib/when'
import { Button, Card, Hex, PageHead, Phase, Status, When } from '../ui/basic'
import { DateField } from '../ui/date'
import { Select, TextField } from '../ui/form'
import { Await, Blank } from '../ui/state'
import { caseTitle } from './case-words'
import { Timeline } from './docket'

const PAGE = 50

/** Filters live in the address, so that a search can be gone back to. */
function useFilters() {
  const [search, setSearch] = useSearchParams()
  const value = (key: string) => search.get(key) ?? ''
  const set = (values: Record<string, string>) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before)
        next.delete('offset')
        for (const [key, v] of Object.entries(values)) {
          if (v) next.set(key, v)
          else next.delete(key)
        }
        return next
      },
      { replace: true },
    )
  const query = (path: string) =>
    withQuery(path, {
      q: value('q'),
      institution: value('institution'),
      template: value('template'),
      kind: value('kind'),
      phase: value('phase'),
      from_ms: startOf(value('from')),
      to_ms: endOf(value('to')),
      offset: value('offset'),
      limit: PAGE,
    })
  return { value, set, query }
}

type Filters = ReturnType<typeof useFilters>

function FilterBar({ filters, records }: { filters: Filters; records: boolean }) {
  const { say, lang } = useSpeech()
  const members = useMembers()
  const [text, setText] = useState(filters.value('q'))
  const find = (event: FormEvent) => {
    event.preventDefault()
    filters.set({ q: text.trim() })
  }
  const field = (key: string) => ({
    value: filters.value(key),
    onChange: (e: { target: { value: string } }) => filters.set({ [key]: e.target.value }),
  })
  const date = (key: string) => ({
    value: filters.value(key),
    onChange: (value: string) => filters.set({ [key]: value }),
  })
  return (
    <form className="filters" role="search" onSubmit={find}>
      <TextField
        label={say('检索', 'Search')}
        type="search"
        placeholder={say('文字、编号、经办人…', 'Words, ids, officers…')}
        value={text}
        onChange={(e) => setText(e.target.value)}
      />
      <Select
        label={say('机构', 'Institution')}
        {...field('institution')}
        options={[
          ['', say('全部', 'All')],
          ...(members.data ?? []).map((m) => [m.institution, memberName(m.name, lang)] as const),
        ]}
      />
      <Select
        label={say('模板', 'Template')}
        {...field('template')}
        options={[
          ['', say('全部', 'All')],
          ...Object.keys(templates).map((t) => [t, word(templates, t, lang)] as const),
        ]}
      />
      {records ? (
        <Select
          label={say('记录种类', 'Kind')}
          {...field('kind')}
          options={[
            ['', say('全部', 'All')],
            ['denied', say('系统拒绝', 'Denials')],
            ['refused,narrowed,warrant-refused', say('人工拒绝与缩小', 'Refusals')],
            ['run-aborted', word(kinds, 'run-aborted', lang)],
            ['consulted', word(kinds, 'consulted', lang)],
            ['bundle-exported', word(kinds, 'bundle-exported', lang)],
            ['passed-on', word(kinds, 'passed-on', lang)],
            ['notice-given', word(kinds, 'notice-given', lang)],
            ['rules-changed', word(kinds, 'rules-changed', lang)],
            ['warrant-issued', word(kinds, 'warrant-issued', lang)],
          ]}
        />
      ) : (
        <Select
          label={say('状态', 'State')}
          {...field('phase')}
          options={[
            ['', say('全部', 'All')],
            ['drafted', say('待审批', 'Awaiting')],
            ['issued', say('有效', 'In force')],
            ['expired', say('已过期', 'Expired')],
            ['refused', say('已拒绝', 'Refused')],
            ['revoked', say('已撤销', 'Revoked')],
          ]}
        />
      )}
      <DateField label={say('从', 'From')} {...date('from')} />
      <DateField label={say('到（含）', 'To (inclusive)')} {...date('to')} />
      <Button type="submit" icon={Search}>
        {say('检索', 'Search')}
      </Button>
    </form>
  )
}

function Pager({ total, filters }: { total: number; filters: Filters }) {
  const { say } = useSpeech()
  const offset = Number(filters.value('offset') || 0)
  if (total <= PAGE) return null
  return (
    <div className="row end">
      <span className="muted small">{`${offset + 1}–${Math.min(total, offset + PAGE)} / ${total}`}</span>
      <Button
        small
        disabled={offset === 0}
        onClick={() => filters.set({ offset: String(Math.max(0, offset - PAGE) || '') })}
      >
        {say('上一页', 'Previous')}
      </Button>
      <Button small disabled={offset + PAGE >= total} onClick={() => filters.set({ offset: String(offset + PAGE) })}>
        {say('下一页', 'Next')}
      </Button>
    </div>
  )
}

export function OversightPage() {
  const { say, lang } = useSpeech()
  const name = useNames()
  const filters = useFilters()
  const list = useGet<{ total: number; dockets: OversightDocket[] }>(filters.query('/v1/oversight/dockets'))
  return (
    <>
      <PageHead
        title={say('全部卷宗', 'Dockets')}
        lead={say('网络中每一份令状，从申请到导出。', 'Every warrant of the network, from its draft to its bundle.')}
      />
      <div className="stack">
        <FilterBar filters={filters} records={false} />
        <Await
          query={list}
          empty={{
            when: (d) => d.total === 0,
            show: (
              <Card>
                <Blank icon={FileSearch} title={say('没有符合的卷宗', 'No docket matches')} />
              </Card>
            ),
          }}
        >
          {(data) => (
            <Card flush>
              <div className="table-wrap" tabIndex={0} role="group" aria-label={say('卷宗', 'Dockets')}>
                <table className="table">
                  <thead>
                    <tr>
                      <th scope="col">{say('卷宗', 'Docket')}</th>
                      <th scope="col">{say('状态', 'State')}</th>
                      <th scope="col">{say('请求方 → 签发机关', 'Requester → authority')}</th>
                      <th scope="col" className="num">
                        {say('对象与现场', 'Subjects, scenes')}
                      </th>
                      <th scope="col" className="num">
                        {say('查询', 'Questions')}
                      </th>
                      <th scope="col" className="num">
                        {say('系统拒绝', 'Denied')}
                      </th>
                      <th scope="col" className="num">
                        {say('人工拒绝', 'Refused')}
                      </th>
                      <th scope="col" className="num">
                        {say('查阅', 'Read')}
                      </th>
                      <th scope="col">{say('最近', 'Last')}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {data.dockets.map((docket) => (
                      <tr key={docket.warrant}>
                        <td className="nowrap">
                          <Link to={`/cases/${docket.warrant}`}>{caseTitle(docket, say)}</Link>
                        </td>
                        <td>
                          <Phase phase={docket.phase} />
                        </td>
                        <td>
                          {name(docket.requester)} → {name(docket.authority)}
                        </td>
                        <td className="num">{number(docket.subjects + docket.scenes, lang)}</td>
                        <td className="num">{docket.questions.length}</td>
                        <Count value={docket.denied} />
                        <Count value={docket.refused} />
                        <td className="num">{docket.consulted}</td>
                        <td className="nowrap">
                          {word(kinds, docket.last_kind, lang)} · <When ms={docket.last_ms} relative />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </Card>
          )}
        </Await>
        {list.data && <Pager total={list.data.total} filters={filters} />}
      </div>
    </>
  )
}

function Count({ value }: { value: number }) {
  return <td className="num">{value > 0 ? <Status mood="bad">{value}</Status> : <span className="muted">0</span>}</td>
}

export function RecordsPage() {
  const { say } = useSpeech()
  const filters = useFilters()
  const list = useGet<{ total: number; records: OversightRecord[] }>(filters.query('/v1/oversight/records'))
  return (
    <>
      <PageHead
        title={say('记录检索', 'Records')}
        lead={say(
          '账本上的每一条记录；系统拒绝与人工拒绝同样在列。',
          'Every record of the ledger, denials and refusals like the rest.',
        )}
      />
      <div className="stack">
        <FilterBar filters={filters} records />
        <Await
          query={list}
          empty={{
            when: (d) => d.total === 0,
            show: (
              <Card>
                <Blank icon={FileSearch} title={say('没有符合的记录', 'No record matches')} />
              </Card>
            ),
          }}
        >
          {(data) => (
            <Card title={say(`${data.total} 条记录，新的在前`, `${count(data.total, 'record')}, newest first`)}>
              <Timeline records={data.records} />
            </Card>
          )}
        </Await>
        {list.data && <Pager total={list.data.total} filters={filters} />}
      </div>
    </>
  )
}

export function AlarmsPage() {
  const { say, pick } = useSpeech()
  const name = useNames()
  const alarms = useGet<Alarm[]>('/v1/oversight/alarms', { refetchInterval: 60_000 })
  const names: Record<string, string> = {
    budget: say('次数将尽', 'Budget near its end'),
    repeated: say('近似问题反复提出', 'Near-identical questions'),
    denials: say('多次被系统拒绝', 'Repeated denials'),
    fault: say('节点行为异常', 'A node misbehaved'),
    equivocation: say('对外言行不一', 'Equivocation'),
    stalled: say('办理停滞', 'Stalled'),
    behind: say('节点落后', 'A node is behind'),
    late: say('迟报', 'Late'),
  }
  return (
    <>
      <PageHead
        title={say('预警', 'Alarms')}
        lead={say(
          '从账本与网络状态推出，不含案情。',
          'Derived from the ledger and the network’s state; nothing of a case’s content.',
        )}
      />
      <Await
        query={alarms}
        empty={{
          when: (list) => list.length === 0,
          show: (
            <Card>
              <Blank icon={BellOff} title={say('没有预警', 'No alarms')} />
            </Card>
          ),
        }}
      >
        {(list) => (
          <ul className="stack">
            {list.map((alarm) => {
              const [mood, Icon, severity] = (
                {
                  critical: ['bad', Siren, say('严重', 'critical')],
                  warning: ['wait', TriangleAlert, say('注意', 'warning')],
                  info: ['off', Info, say('提示', 'info')],
                } as const
              )[alarm.severity]
              return (
                <li
                  key={`${alarm.alarm}${alarm.since_ms}${alarm.warrant ?? ''}${alarm.institution ?? ''}`}
                  className="card alarm"
                >
                  <Status mood={mood} icon={Icon}>
                    {severity}
                  </Status>
                  <div className="grow stack-s">
                    <strong>{names[alarm.alarm] ?? alarm.alarm}</strong>
                    <div>{pick(alarm)}</div>
                    <div className="small muted row">
                      <When ms={alarm.since_ms} />
                      {alarm.institution && <span>{name(alarm.institution)}</span>}
                      {alarm.warrant && (
                        <Link to={`/cases/${alarm.warrant}`}>
                          {say('卷宗 ', 'docket ')}
                          {short(alarm.warrant)}
                        </Link>
                      )}
                      {alarm.records.slice(0, 3).map((record) => (
                        <Hex key={record} id={record} />
                      ))}
                    </div>
                  </div>
                </li>
              )
            })}
          </ul>
        )}
      </Await>
    </>
  )
}
