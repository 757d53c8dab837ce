/** Small parts: buttons, states, facts, digests, times. */
import {
  Ban,
  Check,
  CircleCheck,
  CircleDashed,
  CircleSlash,
  Clock3,
  Copy,
  Hash,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  OctagonX,
  Scissors,
} from 'lucide-react'
import { type ButtonHTMLAttributes, type ReactNode, useEffect, useState } from 'react'
import { Link, type LinkProps } from 'react-router'
import { useSpeech } from '../i18n/lang'
import { ago, moment } from '../lib/format'

type Tone = 'primary' | 'danger' | 'quiet' | 'plain'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: Tone
  small?: boolean
  busy?: boolean
  icon?: LucideIcon
}

export function Button({ tone = 'plain', small, busy, icon: Icon, children, ...rest }: ButtonProps) {
  const mark = busy ? <LoaderCircle size={16} className="spin" aria-hidden /> : Icon && <Icon size={16} aria-hidden />
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy || undefined}
      className={`button ${tone} ${small ? 'small' : ''} ${rest.className ?? ''}`}
    >
      {mark}
      {children}
    </button>
  )
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  label: string
  icon: LucideIcon
  small?: boolean
}

export function IconButton({ label, icon: Icon, small, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      title={label}
      className={`button quiet icon ${small ? 'small' : ''} ${rest.className ?? ''}`}
    >
      <Icon size={small ? 15 : 18} aria-hidden />
    </button>
  )
}

export function LinkButton({
  tone = 'plain',
  small,
  icon: Icon,
  children,
  ...rest
}: LinkProps & { tone?: Tone; small?: boolean; icon?: LucideIcon }) {
  return (
    <Link {...rest} className={`button ${tone} ${small ? 'small' : ''}`}>
      {Icon && <Icon size={16} aria-hidden />}
      {children}
    </Link>
  )
}

export type Mood = 'good' | 'wait' | 'bad' | 'run' | 'off'

/** Each phase has a mood, a shape and words, so that none rests on colour. */
const PHASES: Record<string, readonly [Mood, LucideIcon, string, string]> = {
  drafted: ['wait', Hourglass, '待审批', 'Awaiting decision'],
  'not-yet-valid': ['run', Clock3, '尚未生效', 'Not yet valid'],
  issued: ['good', CircleCheck, '有效', 'In force'],
  expired: ['off', Clock3, '已过期', 'Expired'],
  refused: ['bad', OctagonX, '已拒绝', 'Refused'],
  revoked: ['bad', Ban, '已撤销', 'Revoked'],
  open: ['wait', Hourglass, '待数据方决定', 'With custodians'],
  running: ['run', LoaderCircle, '计算中', 'Running'],
  declined: ['bad', OctagonX, '未获同意', 'Declined'],
  completed: ['good', CircleCheck, '已完成', 'Completed'],
  counted: ['good', Hash, '已得计数', 'Counted'],
  aborted: ['bad', CircleSlash, '已中止', 'Aborted'],
  pending: ['wait', CircleDashed, '待决定', 'Pending'],
  approved: ['good', Check, '同意', 'Approved'],
  narrowed: ['wait', Scissors, '要求缩小', 'Narrower'],
  done: ['good', CircleCheck, '完成', 'Done'],
  failed: ['bad', OctagonX, '失败', 'Failed'],
  cancelled: ['off', CircleSlash, '已取消', 'Cancelled'],
  waiting: ['off', CircleDashed, '等待', 'Waiting'],
  asking: ['run', LoaderCircle, '查询中', 'Looking up'],
  answered: ['run', Check, '已作答', 'Answered'],
  signed: ['good', CircleCheck, '已签名', 'Signed'],
}

export function Phase({ phase }: { phase: string }) {
  const { say } = useSpeech()
  const known = PHASES[phase]
  if (!known) return <Status mood="off">{phase}</Status>
  const [mood, Icon, zh, en] = known
  return (
    <Status mood={mood} icon={Icon}>
      {say(zh, en)}
    </Status>
  )
}

export function Status({ mood, icon: Icon, children }: { mood: Mood; icon?: LucideIcon; children: ReactNode }) {
  return (
    <span className={`status ${mood}`}>
      {Icon && <Icon size={14} aria-hidden />}
      {children}
    </span>
  )
}

export const Tag = ({ children }: { children: ReactNode }) => <span className="tag">{children}</span>

/** A node's sentence, in which names of tables and columns stand between backticks. */
export function Said({ text }: { text: string }) {
  return text.split('`').map((part, i) =>
    // Parts have no other name than their place.
    i % 2 === 1 ? <code key={i}>{part}</code> : part,
  )
}

export function Tags({ items }: { items: readonly string[] }) {
  return (
    <span className="row" style={{ gap: 4 }}>
      {items.map((item) => (
        <Tag key={item}>{item}</Tag>
      ))}
    </span>
  )
}

export function Card({
  title,
  extra,
  children,
  flush,
  level = 2,
  id,
}: {
  title?: ReactNode
  extra?: ReactNode
  children: ReactNode
  flush?: boolean
  level?: 2 | 3
  id?: string
}) {
  const Heading = level === 2 ? 'h2' : 'h3'
  return (
    <section className="card" id={id}>
      {(title || extra) && (
        <header>
          <Heading style={{ fontSize: 'var(--t-l)' }}>{title}</Heading>
          {extra}
        </header>
      )}
      <div className={flush ? 'body flush' : 'body'}>{children}</div>
    </section>
  )
}

export function Facts({ items }: { items: readonly (readonly [ReactNode, ReactNode] | null | false)[] }) {
  return (
    <dl className="facts">
      {items.map((item, i) =>
        item ? (
          // The list is fixed by its caller: places are names enough.
          <FactPair key={i} name={item[0]} value={item[1]} />
        ) : null,
      )}
    </dl>
  )
}

function FactPair({ name, value }: { name: ReactNode; value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  )
}

/** An id, shortened, that copies itself whole. */
export function Hex({ id, full, what }: { id: string; full?: boolean; what?: string }) {
  const { say } = useSpeech()
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), 1500)
    return () => clearTimeout(timer)
  }, [copied])
  return (
    <button
      type="button"
      className="copy"
      title={id}
      onClick={(event) => {
        event.stopPropagation()
        void navigator.clipboard?.writeText(id).then(() => setCopied(true))
      }}
    >
      <span className="hex">{full ? id : id.slice(0, 10)}</span>
      {copied ? <Check size={12} aria-hidden /> : <Copy size={12} aria-hidden />}
      <span className="sr" aria-live="polite">
        {copied ? say('已复制', 'Copied') : say(`复制${what ?? '编号'}`, `copy the ${what ?? 'id'}`)}
      </span>
    </button>
  )
}

/** A time: absolute, with how long ago beside it where asked. */
export function When({ ms, relative }: { ms: number; relative?: boolean }) {
  const { lang } = useSpeech()
  const full = moment(ms, true)
  return (
    <time dateTime={new Date(ms).toISOString()} title={full} className="nowrap">
      {relative ? ago(ms, Date.now(), lang) : moment(ms)}
    </time>
  )
}

export function Progress({ value, label, mood }: { value: number; label: string; mood?: 'good' | 'bad' }) {
  const percent = Math.round(Math.max(0, Math.min(1, value)) * 100)
  return (
    <div
      className={`bar ${mood ?? ''}`}
      role="progressbar"
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-label={label}
    >
      <span style={{ width: `${percent}%` }} />
    </div>
  )
}

export function PageHead({
  title,
  lead,
  crumb,
  actions,
}: {
  title: ReactNode
  lead?: ReactNode
  crumb?: ReactNode
  actions?: ReactNode
}) {
  return (
    <div className="page-head">
      <div className="grow">
        {crumb && <div className="crumb">{crumb}</div>}
        <h1 tabIndex={-1} id="page-title">
          {title}
        </h1>
        {lead && <div className="lead">{lead}</div>}
      </div>
      {actions && <div className="row">{actions}</div>}
    </div>
  )
}
