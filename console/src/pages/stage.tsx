/** Where a demonstration begins: one case, and a seat for everybody in it.
 *
 * What is shown comes from the address, behind the `#`, which no server sees; it
 * is a demonstration's own, and this page fetches nothing.
 */
import { ArrowUpRight, Info } from 'lucide-react'
import { useMemo } from 'react'
import { useParams } from 'react-router'
import { Brand, Switches } from '../app/Shell'
import { useSpeech } from '../i18n/lang'
import { duties, memberName, word } from '../i18n/words'
import { type Stop, STOPS } from '../tour/roles'
import { Card, Status } from '../ui/basic'
import { Blank, Notice } from '../ui/state'

interface Seat {
  institution: string
  name: string
  officer: string
  duties: string[]
  origin: string
  link: string
}
interface Stage {
  seats: Seat[]
  left: { undecided: string }
  operator_token: string
}

/** Only what a demonstration writes, and only links to this machine. */
function unpack(packed: string): Stage | null {
  try {
    const binary = atob(packed.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0))
    const stage = JSON.parse(new TextDecoder().decode(bytes)) as Stage
    const local = (link: string) => /^https?:\/\/localhost(:\d+)?\/#\/enrol\/[\w-]+$/.test(link)
    const sound =
      Array.isArray(stage.seats) &&
      stage.seats.length <= 100 &&
      stage.seats.every(
        (seat) =>
          [seat.institution, seat.name, seat.officer].every((text) => typeof text === 'string') &&
          Array.isArray(seat.duties) &&
          local(seat.link),
      ) &&
      typeof stage.left.undecided === 'string' &&
      typeof stage.operator_token === 'string'
    return sound ? stage : null
  } catch {
    return null
  }
}

export function StagePage() {
  const { say } = useSpeech()
  const { packed = '' } = useParams()
  const stage = useMemo(() => unpack(packed), [packed])
  return (
    <div className="stage">
      <header className="top">
        <Brand sub={say('演示', 'Demonstration')} />
        <div className="row">
          <Switches />
        </div>
      </header>
      <main aria-labelledby="page-title">
        {stage ? (
          <Seats stage={stage} />
        ) : (
          <Card>
            <h1 id="page-title">{say('演示', 'Demonstration')}</h1>
            <Blank title={say('链接不完整', 'The link is not whole')}>
              {say('请从终端复制演示给出的完整链接。', 'Copy the whole link that the demonstration printed.')}
            </Blank>
          </Card>
        )}
      </main>
    </div>
  )
}

function Seats({ stage }: { stage: Stage }) {
  const { say } = useSpeech()
  return (
    <>
      <div className="stack-s">
        <h1 id="page-title">{say('一个案件，五种人', 'One case, five pairs of hands')}</h1>
        <p className="prose">
          {say(
            '一起电信诈骗案已办到要人选择的地方。每个席位在各自机构的节点上，用各自的通行密钥；没有谁能独自完成，也没有谁看得到全部。选一个席位坐下：新标签页里创建通行密钥、登录，导览会带您走下去。',
            'A telephone fraud has been played to where a person must choose. Each seat is at its own institution’s node, with a passkey of its own; nobody completes the case alone, and nobody sees it all. Take a seat: a new tab makes its passkey and signs in, and a guide leads on.',
          )}
        </p>
        <Notice mood="off">
          {say(
            '人名、电话、账户均为虚构。通行密钥可存于本机、手机或安全密钥；演示结束后可从系统中删除。',
            'Persons, phones and accounts are invented. A passkey can live on this machine, a phone or a security key; delete it from there when the demonstration is over.',
          )}
        </Notice>
      </div>
      <ol className="stage-stops">
        {STOPS.map((stop) => (
          <li key={stop.who[1]} className={stop.duties.includes('approver') ? 'wide' : undefined}>
            <Role stop={stop} stage={stage} />
          </li>
        ))}
      </ol>
    </>
  )
}

function Role({ stop, stage }: { stop: Stop; stage: Stage }) {
  const { say, lang } = useSpeech()
  const seats = stage.seats.filter((seat) =>
    seat.duties.some((duty) => (stop.duties as readonly string[]).includes(duty)),
  )
  const operator = stop.duties.includes('operator')
  const first = stage.seats[0]
  const waits: Partial<Record<string, [string, string]>> = {
    investigator: ['一份答案等着开启', 'an answer waits to be opened'],
    judge: ['第二份申请等着决定', 'a second draft waits for a decision'],
    approver: ['一个查询等着决定', 'a question waits for a decision'],
  }
  const waitsAt = (seat: Seat) => {
    const duty = seat.duties.find((one) => waits[one])
    const here = duty !== 'approver' || seat.institution === stage.left.undecided
    return here && duty ? waits[duty] : undefined
  }
  return (
    <Card
      title={
        <span className="row">
          <stop.icon size={18} aria-hidden /> {say(stop.who[0], stop.who[1])}
        </span>
      }
    >
      <div className="stack">
        <ul className="stack-s bullets">
          {stop.does.map(([zh, en]) => (
            <li key={en}>{say(zh, en)}</li>
          ))}
        </ul>
        <ul className="stage-seats">
          {seats.map((seat) => {
            const wait = waitsAt(seat)
            return (
              <li key={seat.link}>
                <div className="grow">
                  <strong>{memberName(seat.name, lang)}</strong>{' '}
                  <span className="small muted">{seat.duties.map((duty) => word(duties, duty, lang)).join(' · ')}</span>
                  {wait && (
                    <div>
                      <Status mood="wait" icon={Info}>
                        {say(wait[0], wait[1])}
                      </Status>
                    </div>
                  )}
                </div>
                <a
                  className={wait ? 'button primary' : 'button'}
                  href={`${seat.link}?guide=1`}
                  target="_blank"
                  rel="noreferrer"
                  aria-label={say(
                    `就座：${memberName(seat.name, 'zh')} ${seat.officer}`,
                    `Take the seat of ${seat.officer} at ${memberName(seat.name, 'en')}`,
                  )}
                >
                  {say('就座', 'Take the seat')} <ArrowUpRight size={15} aria-hidden />
                </a>
              </li>
            )
          })}
          {operator && first && (
            <li>
              <span className="grow small">
                {say(
                  '在任一节点的登录页选“运维人员”，令牌在：',
                  'At any node’s sign-in choose “Operator”; the token is in:',
                )}
                <br />
                <code>{stage.operator_token}</code>
              </span>
              <a className="button" href={`${first.origin}/#/tour?guide=1`} target="_blank" rel="noreferrer">
                {say('打开节点', 'Open the node')} <ArrowUpRight size={15} aria-hidden />
              </a>
            </li>
          )}
        </ul>
      </div>
    </Card>
  )
}
