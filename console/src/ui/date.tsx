/** A day, or a minute of one, typed or chosen from a calendar.
 *
 * Why our own: the browser's field follows the browser's language, not the
 * console's, and its form cannot be copied or pasted. Arrow keys move by days,
 * page keys by months; the calendar is a grid after the ARIA practices.
 */
import { CalendarDays, ChevronLeft, ChevronRight } from 'lucide-react'
import { type KeyboardEvent, type RefObject, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import { useSpeech } from '../i18n/lang'
import { day as dayOf, month as monthOf } from '../lib/format'
import { shifted, startOf, tidyWhen, weeksOf } from '../lib/when'
import { Button, IconButton } from './basic'
import { type Around, Field } from './form'

const STEPS: Record<string, { days?: number; months?: number }> = {
  ArrowUp: { days: -7 },
  ArrowDown: { days: 7 },
  ArrowLeft: { days: -1 },
  ArrowRight: { days: 1 },
  PageUp: { months: -1 },
  PageDown: { months: 1 },
}
/** Between field and calendar. */
const GAP_PX = 6
/** In the text itself left and right move the caret, so up and down move by a day. */
const TYPED: typeof STEPS = { ...STEPS, ArrowUp: { days: 1 }, ArrowDown: { days: -1 } }

export function DateField({
  label,
  hint,
  error,
  value,
  onChange,
  time = false,
}: Around & {
  value: string
  onChange: (text: string) => void
  /** Whether a time of day may follow. */
  time?: boolean
}) {
  const { say } = useSpeech()
  const [open, setOpen] = useState(false)
  const [left, setLeft] = useState(true)
  const box = useRef<HTMLDivElement>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const form = time ? say('年-月-日 时:分', 'YYYY-MM-DD HH:MM') : say('年-月-日', 'YYYY-MM-DD')
  const good = value.trim() === '' || tidyWhen(value, time) !== null
  const wrong =
    error ??
    (left && !good
      ? time
        ? say('请写成 2026-03-01 或 2026-03-01 09:30', 'Write it as 2026-03-01 or 2026-03-01 09:30')
        : say('请写成 2026-03-01', 'Write it as 2026-03-01')
      : undefined)
  const close = (back: boolean) => {
    setOpen(false)
    if (back) opener.current?.focus()
  }

  useEffect(() => {
    if (!open) return
    const away = (event: PointerEvent) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', away)
    return () => document.removeEventListener('pointerdown', away)
  }, [open])

  const keys = (event: KeyboardEvent) => {
    const by = TYPED[event.key]
    if (!by || event.key === 'ArrowLeft' || event.key === 'ArrowRight' || event.altKey || event.ctrlKey) return
    const next = shifted(tidyWhen(value, time) ?? '', by)
    event.preventDefault()
    if (next) onChange(next)
  }
  return (
    <Field label={label} hint={hint} error={wrong}>
      {(tied) => (
        <div
          className="date-field"
          ref={box}
          onBlur={(event) => {
            if (open && !box.current?.contains(event.relatedTarget)) setOpen(false)
          }}
        >
          <input
            {...tied}
            type="text"
            autoComplete="off"
            spellCheck={false}
            maxLength={24}
            placeholder={form}
            value={value}
            onChange={(event) => onChange(event.target.value)}
            onFocus={() => setLeft(false)}
            onBlur={() => {
              setLeft(true)
              const tidy = tidyWhen(value, time)
              if (tidy !== null && tidy !== value) onChange(tidy)
            }}
            onKeyDown={keys}
          />
          <button
            ref={opener}
            type="button"
            className="button quiet icon small"
            aria-label={say('打开日历', 'Open the calendar')}
            aria-expanded={open}
            aria-haspopup="dialog"
            onClick={() => setOpen(!open)}
          >
            <CalendarDays size={16} aria-hidden />
          </button>
          {open && (
            <Calendar
              anchor={opener}
              chosen={(tidyWhen(value, time) ?? '').slice(0, 10)}
              onChoose={(day) => {
                onChange(day + (tidyWhen(value, time) ?? '').slice(10))
                close(true)
              }}
              onClose={() => close(true)}
            />
          )}
        </div>
      )}
    </Field>
  )
}

function Calendar({
  anchor,
  chosen,
  onChoose,
  onClose,
}: {
  anchor: RefObject<HTMLElement | null>
  chosen: string
  onChoose: (day: string) => void
  onClose: () => void
}) {
  const { say, lang } = useSpeech()
  const today = dayOf(Date.now())
  const [at, setAt] = useState(chosen || today)
  const grid = useRef<HTMLTableElement>(null)
  const moved = useRef(true)
  const box = useRef<HTMLDivElement>(null)
  const title = useId()
  // In the top layer, so that no scrolling column cuts it off; it goes where the field goes.
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    element.showPopover()
    const place = () => {
      const beside = anchor.current?.getBoundingClientRect()
      if (!beside) return
      const { offsetWidth: width, offsetHeight: height } = element
      const below = beside.bottom + GAP_PX + height <= window.innerHeight
      element.style.left = `${Math.max(GAP_PX, beside.right - width)}px`
      element.style.top = `${below ? beside.bottom + GAP_PX : Math.max(GAP_PX, beside.top - height - GAP_PX)}px`
    }
    place()
    window.addEventListener('scroll', place, true)
    window.addEventListener('resize', place)
    return () => {
      window.removeEventListener('scroll', place, true)
      window.removeEventListener('resize', place)
    }
  }, [anchor])
  useEffect(() => {
    if (moved.current) grid.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus()
    moved.current = false
  }, [at])
  const turn = (months: number) => setAt((before) => shifted(before, { months }) ?? before)
  const keys = (event: KeyboardEvent) => {
    const monday = (new Date(startOf(at) ?? 0).getDay() + 6) % 7
    const by = STEPS[event.key] ?? { Home: { days: -monday }, End: { days: 6 - monday } }[event.key]
    if (!by) return
    event.preventDefault()
    moved.current = true
    setAt((before) => shifted(before, by) ?? before)
  }
  const locale = lang === 'zh' ? 'zh-CN' : 'en-GB'
  const weekday = (day: string, width: 'narrow' | 'long') =>
    new Intl.DateTimeFormat(locale, { weekday: width }).format(startOf(day) ?? 0)
  const full = (day: string) => new Intl.DateTimeFormat(locale, { dateStyle: 'long' }).format(startOf(day) ?? 0)
  const weeks = weeksOf(at)
  return (
    <div
      ref={box}
      popover="manual"
      className="calendar"
      role="dialog"
      aria-labelledby={title}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        // The dialog around a form stays open: only the calendar goes.
        event.stopPropagation()
        event.preventDefault()
        onClose()
      }}
    >
      <div className="row between">
        <IconButton small label={say('上个月', 'The month before')} icon={ChevronLeft} onClick={() => turn(-1)} />
        <strong id={title} aria-live="polite">
          {monthOf(startOf(at) ?? 0, lang)}
        </strong>
        <IconButton small label={say('下个月', 'The next month')} icon={ChevronRight} onClick={() => turn(1)} />
      </div>
      <table role="grid" aria-labelledby={title} ref={grid} onKeyDown={keys}>
        <thead>
          <tr>
            {(weeks[0] ?? []).map((day) => (
              <th key={day} scope="col" abbr={weekday(day, 'long')}>
                {weekday(day, 'narrow')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]}>
              {week.map((day) => (
                <td key={day} role="gridcell" aria-selected={day === chosen}>
                  <button
                    type="button"
                    tabIndex={day === at ? 0 : -1}
                    aria-label={full(day)}
                    aria-current={day === today ? 'date' : undefined}
                    className={day.slice(0, 7) === at.slice(0, 7) ? 'day' : 'day other'}
                    onClick={() => onChoose(day)}
                  >
                    {Number(day.slice(8))}
                  </button>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <div className="row between">
        <Button small tone="quiet" onClick={() => onChoose(today)}>
          {say('今天', 'Today')}
        </Button>
        <Button small tone="quiet" onClick={onClose}>
          {say('关闭', 'Close')}
        </Button>
      </div>
    </div>
  )
}
