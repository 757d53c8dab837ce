/** A docket as a timeline: who stated what, when, with what reason. */
import {
  Ban,
  BookOpen,
  Check,
  CircleCheck,
  CircleSlash,
  Database,
  FileOutput,
  FilePen,
  Gavel,
  Hash,
  Lock,
  type LucideIcon,
  Mail,
  MailOpen,
  MessageCircleQuestionMark,
  OctagonX,
  Scissors,
  Share2,
  ShieldX,
} from 'lucide-react'
import { useMemo, useState } from 'react'
import { useRecordedGet } from '../api/queries'
import type { DocketView, RecordView } from '../api/types'
import { useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { kinds, word } from '../i18n/words'
import { count } from '../lib/format'
import { Button, Hex } from '../ui/basic'
import { Await, Blank } from '../ui/state'

type Tone = 'good' | 'bad' | 'wait' | 'run' | 'off'

const MARKS: Record<string, readonly [LucideIcon, Tone]> = {
  'warrant-drafted': [FilePen, 'run'],
  'warrant-issued': [Gavel, 'good'],
  'warrant-refused': [OctagonX, 'bad'],
  'warrant-revoked': [Ban, 'bad'],
  'question-asked': [MessageCircleQuestionMark, 'run'],
  denied: [ShieldX, 'bad'],
  approved: [Check, 'good'],
  narrowed: [Scissors, 'wait'],
  refused: [OctagonX, 'bad'],
  'inputs-committed': [Lock, 'run'],
  'count-opened': [Hash, 'run'],
  'run-completed': [CircleCheck, 'good'],
  'run-aborted': [CircleSlash, 'bad'],
  'answer-disclosed': [MailOpen, 'run'],
  consulted: [BookOpen, 'off'],
  'passed-on': [Share2, 'wait'],
  'notice-given': [Mail, 'good'],
  'bundle-exported': [FileOutput, 'run'],
  'snapshot-committed': [Database, 'off'],
}

export function Docket({ warrant }: { warrant: string }) {
  const { say } = useSpeech()
  const [open, setOpen] = useState(false)
  const docket = useRecordedGet<DocketView>(open ? `/v1/warrants/${warrant}/docket` : null)
  const [reads, setReads] = useState(false)
  if (!open) {
    return (
      <Blank
        icon={BookOpen}
        title={say('卷宗', 'The docket')}
        action={<Button onClick={() => setOpen(true)}>{say('打开卷宗', 'Open the docket')}</Button>}
      >
        {say('查阅卷宗本身也会留下记录。', 'Reading a docket leaves a record of its own.')}
      </Blank>
    )
  }
  return (
    <Await query={docket}>
      {(view) => {
        const consulted = view.records.filter((record) => record.kind === 'consulted').length
        return (
          <div className="stack">
            <div className="row between">
              <span className="muted small">
                {say(`共 ${view.records.length} 条记录`, count(view.records.length, 'record'))}
              </span>
              <span className="row">
                <label className="row small" style={{ gap: 6 }}>
                  <input type="checkbox" checked={reads} onChange={(e) => setReads(e.target.checked)} />
                  {say(`显示 ${consulted} 次查阅`, `show ${count(consulted, 'consultation')}`)}
                </label>
                <Button small onClick={() => void docket.refetch()} busy={docket.isFetching}>
                  {say('刷新', 'Read again')}
                </Button>
              </span>
            </div>
            <Timeline records={reads ? view.records : view.records.filter((record) => record.kind !== 'consulted')} />
          </div>
        )
      }}
    </Await>
  )
}

export function Timeline({ records }: { records: readonly RecordView[] }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const days = useMemo(() => {
    const groups: [string, RecordView[]][] = []
    for (const record of records) {
      const d = new Date(record.time_ms)
      const key = d.toLocaleDateString(lang === 'zh' ? 'zh-CN' : 'en-GB', {
        year: 'numeric',
        month: 'long',
        day: 'numeric',
        weekday: 'short',
      })
      const last = groups.at(-1)
      if (last?.[0] === key) last[1].push(record)
      else groups.push([key, [record]])
    }
    return groups
  }, [records, lang])
  return (
    <div className="stack">
      {days.map(([key, list]) => (
        <section key={key} className="stack-s">
          <h2 className="small muted day">{key}</h2>
          <ol className="line">
            {list.map((record) => {
              const [Icon, tone] = MARKS[record.kind] ?? [BookOpen, 'off']
              return (
                <li key={record.record}>
                  <span className="dot" style={{ color: `var(--${tone})` }}>
                    <Icon size={16} aria-hidden />
                  </span>
                  <div className="row" style={{ gap: '2px 10px' }}>
                    <strong>{word(kinds, record.kind, lang)}</strong>
                    <span className="muted small">
                      {name(record.institution)}
                      {record.officer ? ` · ${record.officer}` : say(' · 节点', ' · node')}
                    </span>
                    <span className="when" style={{ marginLeft: 'auto' }}>
                      {new Date(record.time_ms).toLocaleTimeString(lang === 'zh' ? 'zh-CN' : 'en-GB', {
                        hour12: false,
                      })}
                    </span>
                  </div>
                  <div>{say(record.text_zh, record.text_en)}</div>
                  {record.reason && <blockquote className="reason">{record.reason}</blockquote>}
                  <div className="small muted row" style={{ gap: '0 8px' }}>
                    <span>{say(`第 ${record.index} 条`, `record ${record.index}`)}</span>
                    <Hex id={record.record} what={say('记录摘要', 'record digest')} />
                    {record.rule && (
                      <span>
                        {say('规则 ', 'rule ')}
                        <code>{record.rule}</code>
                      </span>
                    )}
                  </div>
                </li>
              )
            })}
          </ol>
        </section>
      ))}
    </div>
  )
}
