/** The members in a ring, by role, with the state of the links from here. */
import type { MemberView, Peer } from '../api/types'
import { useSpeech } from '../i18n/lang'
import { memberName, roles, word } from '../i18n/words'
import { peerState } from '../lib/peer'

const SIZE = { width: 760, height: 430 }
const ROLE_ORDER = ['requester', 'authority', 'overseer', 'custodian']
const COLOURS: Record<string, string> = {
  requester: 'var(--c1)',
  authority: 'var(--c5)',
  overseer: 'var(--c5)',
  custodian: 'var(--c3)',
}

export function NetworkMap({ members, me, peers }: { members: MemberView[]; me: string; peers: Peer[] | undefined }) {
  const { say, lang } = useSpeech()
  const first = (member: MemberView) => ROLE_ORDER.findIndex((role) => member.roles.includes(role))
  const ring = [...members].sort((a, b) => first(a) - first(b) || a.institution.localeCompare(b.institution))
  const place = (i: number) => {
    const angle = (i / ring.length) * Math.PI * 2 - Math.PI / 2
    return [SIZE.width / 2 + Math.cos(angle) * 250, SIZE.height / 2 + Math.sin(angle) * 148] as const
  }
  const mine = ring.findIndex((member) => member.institution === me)
  const [mx, my] = place(Math.max(0, mine))
  const state = (member: MemberView) => {
    const peer = peers?.find((one) => one.institution === member.institution)
    return peer ? peerState(peer) : 'known'
  }
  const words = {
    me: say('本节点', 'this node'),
    up: say('正常', 'in step'),
    behind: say('落后', 'behind'),
    down: say('听不到', 'not heard'),
    known: say('成员', 'a member'),
  }
  return (
    <svg
      className="network-map"
      viewBox={`0 0 ${SIZE.width} ${SIZE.height}`}
      role="img"
      aria-label={say(
        `${members.length} 家成员的网络图；下表有同样内容`,
        `A map of ${members.length} members; the table below has the same`,
      )}
    >
      {ring.flatMap((a, i) =>
        ring.slice(i + 1).map((b, j) => {
          const [ax, ay] = place(i)
          const [bx, by] = place(i + 1 + j)
          return <line key={`${a.institution}${b.institution}`} x1={ax} y1={ay} x2={bx} y2={by} className="mesh" />
        }),
      )}
      {mine >= 0 &&
        ring.map((member, i) => {
          if (i === mine) return null
          const [x, y] = place(i)
          return <line key={member.institution} x1={mx} y1={my} x2={x} y2={y} className={`link ${state(member)}`} />
        })}
      {ring.map((member, i) => {
        const [x, y] = place(i)
        const role = ROLE_ORDER.find((known) => member.roles.includes(known)) ?? 'custodian'
        const down = state(member) === 'down'
        return (
          <g key={member.institution}>
            <title>{`${memberName(member.name, lang)} · ${words[state(member)]}`}</title>
            <circle
              cx={x}
              cy={y}
              r={member.institution === me ? 17 : 13}
              fill={down ? 'var(--surface)' : COLOURS[role]}
              stroke={down ? 'var(--bad)' : 'var(--surface)'}
              strokeWidth={3}
              strokeDasharray={down ? '4 3' : undefined}
            />
            {member.institution === me && (
              <circle cx={x} cy={y} r={22} fill="none" stroke="var(--seal)" strokeWidth={2} />
            )}
            <text
              x={x}
              y={y + (y > SIZE.height / 2 ? 40 : -38 - (member.institution === me ? 6 : 0))}
              textAnchor="middle"
              className="map-name"
            >
              {memberName(member.name, lang)}
            </text>
            <text
              x={x}
              y={y + (y > SIZE.height / 2 ? 56 : -24 - (member.institution === me ? 6 : 0))}
              textAnchor="middle"
              className="map-role"
            >
              {member.roles.map((known) => word(roles, known, lang)).join(' · ')}
              {['down', 'behind'].includes(state(member)) ? ` · ${words[state(member)]}` : ''}
            </text>
          </g>
        )
      })}
    </svg>
  )
}
