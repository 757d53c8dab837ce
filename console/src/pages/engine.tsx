/** The engineer's pages: the node itself, and the network's map. */
import { CircleCheck, Server, TriangleAlert, Unplug } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import { call } from '../api/client'
import { useGet, useStale } from '../api/queries'
import type { Engine, MemberView, NodeStatus, Peer } from '../api/types'
import { useMembers } from '../app/names'
import { has, isOperator, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { duties, memberName, roles, word } from '../i18n/words'
import { ago, bytes, duration, number } from '../lib/format'
import { peerState } from '../lib/peer'
import { Button, Card, Facts, Hex, PageHead, Status, Tags, When } from '../ui/basic'
import { TextField } from '../ui/form'
import { Await, Blank, Failed, Notice } from '../ui/state'
import { useToast } from '../ui/toast'
import { NetworkMap } from './network-map'

export function EnginePage() {
  const { say } = useSpeech()
  const engine = useGet<Engine>('/v1/engine', { refetchInterval: 5_000 })
  return (
    <>
      <PageHead
        title={say('节点', 'The node')}
        lead={say('本机构节点的健康、账本、存储与日志。', 'This institution’s node: health, ledger, storage, log.')}
      />
      <Await query={engine}>{(data) => <EngineView engine={data} />}</Await>
    </>
  )
}

function EngineView({ engine }: { engine: Engine }) {
  const { say, lang } = useSpeech()
  const { status, finality } = engine
  const most = Math.max(1, ...engine.storage.map((one) => one.bytes))
  const stores: Record<string, string> = {
    ledger: say('账本', 'Ledger'),
    store: say('私有库', 'Private store'),
    snapshots: say('快照', 'Snapshots'),
  }
  return (
    <div className="stack">
      {status.healthy ? (
        <Notice
          mood="good"
          icon={CircleCheck}
          title={say('健康：账本可以推进', 'Healthy: the ledger makes progress')}
        />
      ) : (
        <Notice
          mood="bad"
          role="alert"
          icon={TriangleAlert}
          title={say('账本不能推进', 'The ledger makes no progress')}
        >
          {status.advice}
        </Notice>
      )}
      <dl className="figures">
        <Figure name={say('区块高度', 'Height')} value={number(status.height, lang)} />
        <Figure name={say('记录数', 'Records')} value={number(status.records, lang)} />
        <Figure name={say('在线成员', 'Members heard')} value={`${status.heard}/${status.members}`} />
        <Figure name={say('须同意', 'Quorum')} value={String(status.quorum)} />
        <Figure
          name={say('终局用时（中位）', 'Finality, median')}
          value={finality.p50_ms != null ? `${Math.round(finality.p50_ms)} ms` : '—'}
        />
        <Figure
          name={say('终局用时（95%）', 'Finality, 95%')}
          value={finality.p95_ms != null ? `${Math.round(finality.p95_ms)} ms` : '—'}
        />
        <Figure name={say('运行时间', 'Uptime')} value={duration(engine.uptime_ms, lang)} />
        <Figure name={say('待入账', 'Waiting')} value={number(engine.waiting, lang)} />
      </dl>
      <div className="cols half">
        <Card title={say('程序与账本', 'Program and ledger')}>
          <Facts
            items={[
              [say('版本', 'Version'), `${engine.build.version} · ${engine.build.profile} · ${engine.build.target}`],
              [say('启动', 'Started'), <When key="s" ms={engine.started_ms} />],
              [say('网络', 'Network'), <Hex key="n" id={status.network} />],
              [say('账本根', 'Log’s root'), <Hex key="r" id={status.root} />],
              [say('成员届次', 'Epoch'), String(status.epoch)],
              [say('状态', 'State'), status.syncing ? say('正在追赶', 'catching up') : say('同步', 'in step')],
              [say('半开连接', 'Half-open'), String(engine.half_open)],
              [say('拒绝的连接', 'Turned away'), String(engine.turned_away)],
            ]}
          />
        </Card>
        <Card title={say('存储', 'Storage')}>
          <ul className="bar-rows">
            {engine.storage.map((one) => (
              <li key={one.what}>
                <span className="bar-name">{stores[one.what] ?? one.what}</span>
                <span className="bar-track">
                  <span className="bar" style={{ display: 'block' }}>
                    <span style={{ width: `${(one.bytes / most) * 100}%` }} />
                  </span>
                </span>
                <span className="bar-number wide">{bytes(one.bytes)}</span>
              </li>
            ))}
          </ul>
        </Card>
      </div>
      <Card title={say('与各成员的连接', 'Links to the members')} flush>
        <Peers peers={engine.members} now={engine.time_ms} />
      </Card>
      <LogLevel />
    </div>
  )
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function Peers({ peers, now }: { peers: Peer[]; now: number }) {
  const { say, lang } = useSpeech()
  return (
    <div className="table-wrap" tabIndex={0} role="group" aria-label={say('成员', 'Members')}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{say('成员', 'Member')}</th>
            <th scope="col">{say('状态', 'State')}</th>
            <th scope="col" className="num">
              {say('高度', 'Height')}
            </th>
            <th scope="col">{say('最近听到', 'Last heard')}</th>
            <th scope="col" className="num">
              {say('通道', 'Channels')}
            </th>
            <th scope="col" className="num">
              {say('收', 'In')}
            </th>
            <th scope="col" className="num">
              {say('发', 'Out')}
            </th>
            <th scope="col">{say('地址', 'Addresses')}</th>
          </tr>
        </thead>
        <tbody>
          {peers.map((peer) => (
            <tr key={peer.institution}>
              <th scope="row" className="plain nowrap">
                {memberName(peer.name, lang)}
                <div className="small muted">{peer.roles.map((role) => word(roles, role, lang)).join(' · ')}</div>
              </th>
              <td>
                <PeerMark peer={peer} />
              </td>
              <td className="num">
                {peer.height != null ? number(peer.height, lang) : '—'}
                {peerState(peer) === 'behind' ? <div className="small muted">−{peer.behind}</div> : null}
              </td>
              <td className="nowrap">
                {peer.me ? '—' : peer.heard_ms != null ? ago(peer.heard_ms, now, lang) : say('从未', 'never')}
              </td>
              <td className="num">{peer.me ? '—' : peer.inbound + peer.outbound}</td>
              <td className="num nowrap">{bytes(peer.bytes_in)}</td>
              <td className="num nowrap">{bytes(peer.bytes_out)}</td>
              <td className="small">
                <code>{peer.ledger_address}</code>
                <br />
                <code>{peer.exchange_address}</code>
                {peer.last_error && <div className="wrong">{peer.last_error.text}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function PeerMark({ peer }: { peer: Peer }) {
  const { say } = useSpeech()
  const marks = {
    me: (
      <Status mood="run" icon={Server}>
        {say('本节点', 'this node')}
      </Status>
    ),
    up: (
      <Status mood="good" icon={CircleCheck}>
        {say('正常', 'in step')}
      </Status>
    ),
    behind: (
      <Status mood="wait" icon={TriangleAlert}>
        {say('落后', 'behind')}
      </Status>
    ),
    down: (
      <Status mood="bad" icon={Unplug}>
        {say('听不到', 'not heard')}
      </Status>
    ),
  }
  return marks[peerState(peer)]
}

function LogLevel() {
  const { say } = useSpeech()
  const toast = useToast()
  const stale = useStale()
  const log = useGet<{ filter: string; default: string }>('/v1/engine/log')
  const [filter, setFilter] = useState('')
  const [error, setError] = useState<unknown>(null)
  useEffect(() => {
    if (log.data) setFilter(log.data.filter)
  }, [log.data])
  const save = async (event: FormEvent) => {
    event.preventDefault()
    setError(null)
    try {
      await call('/v1/engine/log', { method: 'PUT', body: { filter } })
      toast({ mood: 'good', text: say('日志级别已改，重启后复原', 'The log’s level is set until the node restarts') })
      stale('/v1/engine/log')
    } catch (caught) {
      setError(caught)
    }
  }
  return (
    <Card title={say('日志级别', 'The log’s level')}>
      <Await query={log} lines={2}>
        {(data) => (
          <form className="stack-s" onSubmit={(e) => void save(e)}>
            <div className="filters">
              <TextField
                label={say('过滤', 'Filter')}
                value={filter}
                onChange={(e) => setFilter(e.target.value)}
                hint={say(
                  `如 info,node=debug；默认 ${data.default}`,
                  `such as info,node=debug; ${data.default} by default`,
                )}
                className="mono"
              />
              <Button type="submit" disabled={filter === data.filter}>
                {say('设定', 'Set')}
              </Button>
            </div>
            {error !== null && <Failed error={error} />}
          </form>
        )}
      </Await>
    </Card>
  )
}

export function NetworkPage() {
  const { say } = useSpeech()
  const session = useSession()
  const engineer = isOperator(session) || has(session, 'registrar')
  const engine = useGet<Engine>(engineer ? '/v1/engine' : null, { refetchInterval: 10_000 })
  const known = useGet<NodeStatus>('/v1/status')
  const status = engine.data?.status ?? known.data
  const members = useMembers(10_000)
  return (
    <>
      <PageHead
        title={say('网络', 'The network')}
        lead={say(
          '每家机构一个节点，共同维护一本账；没有谁说了算。',
          'One node an institution, one ledger among them; nobody alone has the say.',
        )}
      />
      <Await query={members}>
        {(list) => (
          <div className="stack">
            <div className="wide-only">
              <Card
                title={say('成员图', 'Map')}
                extra={
                  status && (
                    <span className="small muted">
                      {say(
                        `${status.heard}/${status.members} 家在线，须 ${status.quorum} 家同意`,
                        `${status.heard} of ${status.members} heard, ${status.quorum} must agree`,
                      )}
                    </span>
                  )
                }
              >
                <NetworkMap members={list} me={session.institution} peers={engine.data?.members} />
              </Card>
            </div>
            <Members members={list} />
          </div>
        )}
      </Await>
    </>
  )
}

function Members({ members }: { members: MemberView[] }) {
  const { say, lang } = useSpeech()
  if (members.length === 0) return <Blank title={say('没有成员', 'No members')} />
  return (
    <Card title={say('成员与经办人', 'Members and officers')} flush>
      <div className="table-wrap" tabIndex={0} role="group" aria-label={say('成员与经办人', 'Members and officers')}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{say('机构', 'Institution')}</th>
              <th scope="col">{say('角色', 'Roles')}</th>
              <th scope="col">{say('经办人', 'Officers')}</th>
              <th scope="col">{say('节点公钥', 'Node’s key')}</th>
            </tr>
          </thead>
          <tbody>
            {members.map((member) => (
              <tr key={member.institution}>
                <th scope="row" className="plain nowrap">
                  {memberName(member.name, lang)}
                  <div className="small muted">{member.institution}</div>
                </th>
                <td>
                  <Tags items={member.roles.map((role) => word(roles, role, lang))} />
                </td>
                <td>
                  {member.officers.length === 0 ? (
                    <span className="muted">—</span>
                  ) : (
                    <ul>
                      {member.officers.map((officer) => (
                        <li key={officer.key}>
                          {officer.officer}{' '}
                          <span className="muted small">
                            {officer.duties.map((d) => word(duties, d, lang)).join(' · ')}
                          </span>
                        </li>
                      ))}
                    </ul>
                  )}
                </td>
                <td>
                  <Hex id={member.node_key} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  )
}
