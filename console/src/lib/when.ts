/** Days and minutes as they are typed, in the reader's own time zone.
 *
 * A text is a day (`2026-03-01`) or a minute of it (`2026-03-01 09:30`). Careless
 * forms are understood and written in the one form when the field is left.
 */
import { moment } from './format'

const two = (text: string) => text.padStart(2, '0')
/** Years that a field takes: what a hand types beyond them is a slip. */
const YEAR_MIN = 1900
const YEAR_MAX = 2200

/** The one form of what was typed; null where it is no day or minute. */
export function tidyWhen(text: string, withTime = true): string | null {
  const plain = text.trim().replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xfee0))
  const parts =
    /^(\d{4})(?:[-/.年 ]\s?(\d{1,2})[-/.月 ]\s?(\d{1,2})日?|(\d{2})(\d{2}))(?:[T ]?\s*(\d{1,2})[:：时](\d{2})分?)?$/.exec(
      plain,
    )
  if (!parts) return null
  const [, year = '', month, day, shortMonth, shortDay, hour, minute] = parts
  const date = `${year}-${two(month ?? shortMonth ?? '')}-${two(day ?? shortDay ?? '')}`
  if (hour !== undefined && !withTime) return null
  const whole = hour === undefined ? date : `${date} ${two(hour)}:${minute ?? ''}`
  return exact(whole) === null ? null : whole
}

/** The first millisecond of a text in the one form; null where it is none. */
function exact(text: string): number | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})(?: (\d{2}):(\d{2}))?$/.exec(text)
  if (!parts) return null
  const [year, month, day, hour, minute] = parts.slice(1).map((part) => Number(part ?? 0))
  if (year === undefined || year < YEAR_MIN || year > YEAR_MAX) return null
  const ms = new Date(year, (month ?? 0) - 1, day, hour, minute).getTime()
  // A day that the calendar lacks, or an hour that the clocks leap over, reads back otherwise.
  return moment(ms).slice(0, text.length) === text ? ms : null
}

/** The first millisecond of a typed day or minute; null where it is none. */
export const startOf = (text: string): number | null => exact(tidyWhen(text) ?? '')

/** The first millisecond after a typed day or minute. Days have 23 to 25 hours where clocks change. */
export function endOf(text: string): number | null {
  const start = startOf(text)
  if (start === null) return null
  if ((tidyWhen(text) ?? '').length > 10) return start + 60_000
  const date = new Date(start)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime()
}

/** A text in the one form, some days or months further on; a month keeps its day where it has it. Keeps the time. */
export function shifted(text: string, by: { days?: number; months?: number }): string | null {
  const start = exact(text)
  if (start === null) return null
  const date = new Date(start)
  if (by.months) {
    const day = date.getDate()
    date.setDate(1)
    date.setMonth(date.getMonth() + by.months)
    const last = new Date(date.getFullYear(), date.getMonth() + 1, 0).getDate()
    date.setDate(Math.min(day, last))
  }
  if (by.days) date.setDate(date.getDate() + by.days)
  const next = moment(date.getTime()).slice(0, text.length)
  return exact(next) === null ? null : next
}

/** The weeks of a day's month, from Monday on, as days in the one form. */
export function weeksOf(day: string): string[][] {
  const first = `${day.slice(0, 8)}01`
  const start = startOf(first)
  if (start === null) return []
  const lead = (new Date(start).getDay() + 6) % 7
  const weeks: string[][] = []
  for (let at = -lead; weeks.length < 6; at += 7) {
    const week = Array.from({ length: 7 }, (_, i) => shifted(first, { days: at + i }) ?? '')
    if (weeks.length > 0 && week[0]?.slice(0, 7) !== first.slice(0, 7)) break
    weeks.push(week)
  }
  return weeks
}
