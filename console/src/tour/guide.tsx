/** A guide over the live pages: what a role does next, and the way there.
 *
 * Invariants: it decides nothing, signs nothing and stores nothing; a step is done
 * when the node says so, not when it was shown.
 */
import { ArrowRight, Check, ChevronLeft, ChevronRight, Route, X } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react'
import { useGet } from '../api/queries'
import type { CaseCard, Inbox } from '../api/types'
import { useSession } from '../app/session'
import { useSpeech } from '../i18n/lang'
import { Button, IconButton, LinkButton, Status } from '../ui/basic'
import { type Live, stepsOf } from './roles'

interface Guide {
  on: boolean
  start: () => void
  end: () => void
}

const Context = createContext<Guide | null>(null)

export function GuideProvider({ children }: { children: ReactNode }) {
  const [on, setOn] = useState(false)
  const start = useCallback(() => setOn(true), [])
  const end = useCallback(() => setOn(false), [])
  const value = useMemo(() => ({ on, start, end }), [on, start, end])
  return <Context.Provider value={value}>{children}</Context.Provider>
}

export function useGuide(): Guide {
  const guide = useContext(Context)
  if (!guide) throw new Error('no GuideProvider above')
  return guide
}

const NOTHING: Inbox = { drafts: [], questions: [], answers: [] }

/** The bar above each page while somebody is guided. */
export function GuideBar() {
  const { on } = useGuide()
  return on ? <Bar /> : null
}

function Bar() {
  const { say } = useSpeech()
  const { end } = useGuide()
  const session = useSession()
  const officer = session.officer !== null
  const cases = useGet<CaseCard[]>(officer ? '/v1/cases' : null)
  const inbox = useGet<Inbox>(officer ? '/v1/inbox' : null)
  const steps = useMemo(() => stepsOf(session), [session])
  const [at, setAt] = useState(0)
  const step = steps[at]
  if (!step) return null
  const live: Live = { cases: cases.data ?? [], inbox: inbox.data ?? NOTHING }
  const to = step.to(live)
  const done = step.done?.(live) ?? false
  return (
    <aside className="guide" aria-label={say('导览', 'Guide')}>
      <Route size={18} aria-hidden />
      <p aria-live="polite">
        <span className="muted small">
          {say(`第 ${at + 1} 步，共 ${steps.length} 步`, `Step ${at + 1} of ${steps.length}`)}
        </span>
        <br />
        {say(step.text[0], step.text[1])}
      </p>
      <div className="row">
        {done && (
          <Status mood="good" icon={Check}>
            {say('已完成', 'Done')}
          </Status>
        )}
        {to && (
          <LinkButton to={to} icon={ArrowRight} tone={done ? 'plain' : 'primary'}>
            {say('带我去', 'Take me there')}
          </LinkButton>
        )}
        <IconButton
          label={say('上一步', 'Step back')}
          icon={ChevronLeft}
          disabled={at === 0}
          onClick={() => setAt(at - 1)}
        />
        {at < steps.length - 1 ? (
          <IconButton label={say('下一步', 'Next step')} icon={ChevronRight} onClick={() => setAt(at + 1)} />
        ) : (
          <Button small onClick={end}>
            {say('结束导览', 'End')}
          </Button>
        )}
        <IconButton label={say('关闭导览', 'Close the guide')} icon={X} onClick={end} />
      </div>
    </aside>
  )
}
