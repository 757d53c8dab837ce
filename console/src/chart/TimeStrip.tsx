/** When things happened: a mark a row on a time axis, in lanes that do not overlap. */
import { useEffect, useMemo, useRef, useState } from 'react'
import { useSpeech } from '../i18n/lang'
import { day, moment } from '../lib/format'
import type { Model, Moment, RowKey } from './model'

const HEIGHT = 132
const PAD = 14
const TOP = 12
const AXIS = 22
const LANE_PX = 9
/** Beyond this many marks they are counted in bars. */
const MARKS_MAX = 1_500

export function TimeStrip({
  model,
  selected,
  onSelect,
}: {
  model: Model
  selected: ReadonlySet<RowKey>
  onSelect: (rows: RowKey[]) => void
}) {
  const { say, lang } = useSpeech()
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(640)
  useEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(() => setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const { moments } = model
  const first = moments[0]?.at ?? 0
  const last = moments.at(-1)?.at ?? 1
  const span = Math.max(1, last - first)
  const x = (at: number) => PAD + ((at - first) / span) * (width - 2 * PAD)
  const many = moments.length > MARKS_MAX
  const bins = useMemo(
    () => binned(moments, first, span, Math.max(20, Math.floor(width / 9))),
    [moments, first, span, width],
  )
  const lanes = useMemo(() => (many ? [] : lane(moments, x)), [moments, width, many])
  if (moments.length === 0) return null
  const most = Math.max(...bins.map((bin) => bin.rows.length), 1)
  const tall = HEIGHT - TOP - AXIS
  return (
    <div ref={box} className="time-strip">
      <svg
        width={width}
        height={HEIGHT}
        role="group"
        aria-label={say(
          `时间线：${moments.length} 个事件，${moment(first)} 至 ${moment(last)}`,
          `Timeline: ${moments.length} events from ${moment(first)} to ${moment(last)}`,
        )}
      >
        {ticks(first, last, Math.max(2, Math.floor(width / 120))).map((at) => (
          <g key={at} aria-hidden>
            <line x1={x(at)} x2={x(at)} y1={TOP} y2={HEIGHT - AXIS} className="grid-line" />
            <text x={x(at)} y={HEIGHT - 6} textAnchor="middle" className="axis">
              {span < 3 * 86_400_000 ? moment(at).slice(5) : lang === 'zh' ? day(at) : day(at)}
            </text>
          </g>
        ))}
        {many
          ? bins.map((bin) => {
              const lit = bin.rows.some((row) => selected.has(row))
              const size = (bin.rows.length / most) * tall
              return bin.rows.length === 0 ? null : (
                <rect
                  key={bin.from}
                  x={x(bin.from) + 1}
                  y={HEIGHT - AXIS - size}
                  width={Math.max(2, (width - 2 * PAD) / bins.length - 2)}
                  height={size}
                  className={lit ? 'mark lit' : 'mark'}
                  onClick={() => onSelect(bin.rows)}
                >
                  <title>{`${moment(bin.from)} · ${bin.rows.length}`}</title>
                </rect>
              )
            })
          : moments.map((event, i) => (
              <circle
                key={event.row}
                cx={x(event.at)}
                cy={HEIGHT - AXIS - 7 - Math.min(lanes[i] ?? 0, Math.floor(tall / LANE_PX) - 1) * LANE_PX}
                r={selected.has(event.row) ? 5 : 3.6}
                className={`${selected.has(event.row) ? 'mark lit' : `mark ${event.kind}`}${event.subject ? ' subject' : ''}`}
                onClick={() => onSelect([event.row])}
              >
                <title>{`${moment(event.at, true)}${event.subject ? say('，涉及令状对象', ', with a subject') : ''}`}</title>
              </circle>
            ))}
        <line x1={PAD} x2={width - PAD} y1={HEIGHT - AXIS} y2={HEIGHT - AXIS} className="axis-line" />
      </svg>
    </div>
  )
}

function binned(moments: readonly Moment[], first: number, span: number, count: number) {
  const bins = Array.from({ length: count }, (_, i) => ({ from: first + (span * i) / count, rows: [] as RowKey[] }))
  for (const event of moments) {
    const at = Math.min(count - 1, Math.floor(((event.at - first) / span) * count))
    bins[at]?.rows.push(event.row)
  }
  return bins
}

/** The lowest lane in which a mark touches no earlier one. */
function lane(moments: readonly Moment[], x: (at: number) => number): number[] {
  const ends: number[] = []
  return moments.map((event) => {
    const at = x(event.at)
    let free = ends.findIndex((end) => at - end >= LANE_PX)
    if (free < 0) free = ends.length < 12 ? ends.length : ends.indexOf(Math.min(...ends))
    ends[free] = at
    return free
  })
}

function ticks(first: number, last: number, count: number): number[] {
  const span = last - first
  return Array.from({ length: count }, (_, i) => first + (span * (i + 0.5)) / count)
}
