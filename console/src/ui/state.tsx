/** Empty, loading, failed and offline: the four states of every page. */
import { CircleAlert, CloudOff, Inbox, Info, type LucideIcon, OctagonX, RotateCw, TriangleAlert } from 'lucide-react'
import { Component, type ReactNode } from 'react'
import { ApiFailure } from '../api/client'
import { useSpeech } from '../i18n/lang'
import { refusalSaid } from '../i18n/refusals'
import { Button, Hex } from './basic'

export function Notice({
  mood = 'run',
  title,
  children,
  action,
  icon,
  role,
}: {
  mood?: 'run' | 'bad' | 'wait' | 'good' | 'off'
  title?: ReactNode
  children?: ReactNode
  action?: ReactNode
  icon?: LucideIcon
  role?: 'alert' | 'status'
}) {
  const Icon = icon ?? { run: Info, bad: OctagonX, wait: TriangleAlert, good: CircleAlert, off: Info }[mood]
  return (
    <div className={`notice ${mood}`} role={role}>
      <Icon size={18} aria-hidden />
      <div className="grow stack-s">
        {title && <strong>{title}</strong>}
        {children && <div>{children}</div>}
      </div>
      {action}
    </div>
  )
}

export function Blank({
  icon: Icon = Inbox,
  title,
  children,
  action,
}: {
  icon?: LucideIcon
  title: string
  children?: ReactNode
  action?: ReactNode
}) {
  return (
    <div className="blank">
      <Icon size={32} strokeWidth={1.4} aria-hidden />
      <p className="blank-title">{title}</p>
      {children && <p>{children}</p>}
      {action}
    </div>
  )
}

export function Loading({ lines = 5 }: { lines?: number }) {
  const { say } = useSpeech()
  return (
    <div className="bones" role="status">
      <span className="sr">{say('正在读取…', 'Loading…')}</span>
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} className="bone" aria-hidden />
      ))}
    </div>
  )
}

/** A failure as the API tells it: the rule, the detail, what to do. */
export function Failed({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const { say, lang } = useSpeech()
  const again = retry && (
    <Button small icon={RotateCw} onClick={retry}>
      {say('重试', 'Try again')}
    </Button>
  )
  if (error instanceof ApiFailure && error.offline) {
    return (
      <Notice
        mood="wait"
        role="alert"
        icon={CloudOff}
        title={
          error.rule === 'timeout'
            ? say('本机构节点没有及时答复', 'This institution’s node did not answer in time')
            : say('连接不到本机构节点', 'This institution’s node can’t be reached')
        }
        action={again}
      >
        {say(
          '您输入的内容仍在此页。节点恢复后可重试。',
          'What you typed is still here. Try again when the node is back.',
        )}
      </Notice>
    )
  }
  if (error instanceof ApiFailure) {
    const { family, rule, detail, advice, record } = error.body
    const said = lang === 'zh' ? refusalSaid(rule) : null
    const title = error.signedOut
      ? say('身份未被承认', 'Not recognised')
      : family === 'refusal'
        ? say('按规则不予办理', 'A rule says no')
        : family === 'fault'
          ? say('另一方节点行为异常', 'Another node misbehaved')
          : say('暂时无法办理', 'It can’t be done now')
    return (
      <Notice
        mood={family === 'trouble' ? 'wait' : 'bad'}
        role="alert"
        title={
          <>
            {title} <code className="tag">{rule}</code>
          </>
        }
        action={again}
      >
        {said && <div>{said}</div>}
        <div lang="en" className={said ? 'muted small' : undefined}>
          {detail}
        </div>
        {advice && (
          <div lang="en" className={said ? 'muted small' : 'muted'}>
            {advice}
          </div>
        )}
        {record && (
          <div className="small">
            {say('已记入卷宗：', 'It stands in the docket: ')}
            <Hex id={record} />
          </div>
        )}
      </Notice>
    )
  }
  const detail = error instanceof Error ? error.message : String(error)
  return (
    <Notice mood="bad" role="alert" title={say('出错了', 'Something went wrong')} action={again}>
      {detail}
    </Notice>
  )
}

export interface Waited<T> {
  data: T | undefined
  error: unknown
  isPending: boolean
  refetch: () => unknown
}

/** Shows a query's data, or why there is none. Data that stands stays visible
 * while a later fetch fails; the failure stands above it. */
export function Await<T>({
  query,
  children,
  empty,
  lines,
  heading,
}: {
  query: Waited<T>
  /** The page's heading while there is nothing else to head it. */
  heading?: string
  children: (data: T) => ReactNode
  empty?: { when: (data: T) => boolean; show: ReactNode }
  lines?: number
}) {
  if (query.data === undefined) {
    return (
      <>
        {heading && (
          <h1 className="sr" id="page-title">
            {heading}
          </h1>
        )}
        {query.error ? (
          <Failed error={query.error} retry={() => void query.refetch()} />
        ) : (
          <Loading lines={lines ?? 5} />
        )}
      </>
    )
  }
  return (
    <>
      {query.error ? <Failed error={query.error} retry={() => void query.refetch()} /> : null}
      {empty?.when(query.data) ? empty.show : children(query.data)}
    </>
  )
}

/** A page that breaks shows that, and the rest of the console stands. */
export class Guard extends Component<
  { children: ReactNode; show: (error: Error) => ReactNode },
  { error: Error | null }
> {
  override state: { error: Error | null } = { error: null }
  static getDerivedStateFromError(error: Error) {
    return { error }
  }
  override render() {
    return this.state.error ? this.props.show(this.state.error) : this.props.children
  }
}
