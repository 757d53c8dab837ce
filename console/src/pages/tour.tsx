/** A guided tour: a case's way through the roles, and what each of them sees. */
import { BadgeCheck, Route } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'
import { navigation } from '../app/navigation'
import { has, isOperator, useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { useGuide } from '../tour/guide'
import { STOPS, stepsOf } from '../tour/roles'
import { Button, Card, LinkButton, PageHead } from '../ui/basic'

export function TourPage() {
  const { say } = useSpeech()
  const session = useSession()
  const guide = useGuide()
  const [params] = useSearchParams()
  const own = STOPS.findIndex((stop) =>
    stop.duties.some((duty) => (duty === 'operator' ? isOperator(session) : has(session, duty))),
  )
  const [at, setAt] = useState(Math.max(own, 0))
  const stop = STOPS[at] ?? STOPS[0]
  const asked = params.has('guide')
  const { start } = guide
  // Who comes from a demonstration's seat is guided without asking.
  useEffect(() => {
    if (asked) start()
  }, [asked, start])
  const open = new Set(navigation(session).flatMap((group) => group.places.map((place) => place.to)))
  if (!stop) return null
  return (
    <>
      <PageHead
        title={say('角色导览', 'A tour of the roles')}
        lead={say(
          '一个案件怎样走过五种人的手：没有谁能独自完成，也没有谁看得到全部。',
          'How a case passes through five pairs of hands: nobody completes it alone, and nobody sees it all.',
        )}
        actions={
          !guide.on &&
          stepsOf(session).length > 0 && (
            <Button tone="primary" icon={Route} onClick={start}>
              {say('带我走一遍我的角色', 'Guide me through my role')}
            </Button>
          )
        }
      />
      <ol className="tour-steps" aria-label={say('角色', 'Roles')}>
        {STOPS.map((one, i) => (
          <li key={one.who[1]}>
            <button type="button" aria-current={i === at ? 'step' : undefined} onClick={() => setAt(i)}>
              <one.icon size={18} aria-hidden />
              <span>{say(one.who[0], one.who[1])}</span>
            </button>
          </li>
        ))}
      </ol>
      <div aria-live="polite">
        <Card title={say(stop.who[0], stop.who[1])}>
          <div className="pair">
            <section className="stack-s">
              <h3>{say('做什么', 'Does')}</h3>
              <ul className="stack-s bullets">
                {stop.does.map(([zh, en]) => (
                  <li key={en}>{say(zh, en)}</li>
                ))}
              </ul>
            </section>
            <section className="stack-s">
              <h3>{say('看到什么', 'Sees')}</h3>
              <ul className="stack-s bullets">
                {stop.sees.map(([zh, en]) => (
                  <li key={en}>{say(zh, en)}</li>
                ))}
              </ul>
            </section>
            <section className="stack-s">
              <h3>{say('做不到什么', 'Never')}</h3>
              <p>{say(stop.never[0], stop.never[1])}</p>
            </section>
          </div>
          <div className="row between" style={{ marginTop: 20 }}>
            <div className="row">
              <Button disabled={at === 0} onClick={() => setAt(at - 1)}>
                {say('上一步', 'Back')}
              </Button>
              <Button tone="primary" disabled={at === STOPS.length - 1} onClick={() => setAt(at + 1)}>
                {say('下一步', 'Next')}
              </Button>
            </div>
            {open.has(stop.to) && <LinkButton to={stop.to}>{say('去看看', 'See the page')}</LinkButton>}
          </div>
        </Card>
        <p className="row muted small" style={{ marginTop: 16 }}>
          <BadgeCheck size={15} aria-hidden />
          {say(
            '每一步都是一条签名记录；法院可在任何机器上离线核验证据包。',
            'Every step is a signed record; a court can check the bundle offline on any machine.',
          )}
        </p>
      </div>
    </>
  )
}
