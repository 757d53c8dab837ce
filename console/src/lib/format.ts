/** Times, amounts and sizes as people read them. */
import type { Lang } from '../i18n/lang'

const locale = (lang: Lang) => (lang === 'zh' ? 'zh-CN' : 'en-GB')

export function number(value: number, lang: Lang): string {
  return new Intl.NumberFormat(locale(lang)).format(value)
}

/** 2026-03-01 09:30 in the reader's own time zone. */
export function moment(ms: number, seconds = false): string {
  const d = new Date(ms)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`
  const time = `${two(d.getHours())}:${two(d.getMinutes())}`
  return seconds ? `${day} ${time}:${two(d.getSeconds())}` : `${day} ${time}`
}

export function day(ms: number): string {
  return moment(ms).slice(0, 10)
}

/** 2026年3月, March 2026. */
export function month(ms: number, lang: Lang): string {
  return new Intl.DateTimeFormat(locale(lang), { year: 'numeric', month: 'long' }).format(ms)
}

/** A window's first and last day; minutes too where it does not go from midnight to midnight. */
export function windowText(window: readonly number[]): string {
  const [from = 0, end = 0] = window
  const whole = [from, end].every((ms) => moment(ms, true).endsWith('00:00:00'))
  // The end is the first millisecond after the window.
  return whole ? `${day(from)} – ${day(end - 1)}` : `${moment(from)} – ${moment(end - 1)}`
}

export function ago(ms: number, nowMs: number, lang: Lang): string {
  const seconds = Math.round((ms - nowMs) / 1000)
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [60, 'second'],
    [60, 'minute'],
    [24, 'hour'],
    [30, 'day'],
    [12, 'month'],
    [Number.POSITIVE_INFINITY, 'year'],
  ]
  let value = seconds
  for (const [size, unit] of steps) {
    if (Math.abs(value) < size)
      return new Intl.RelativeTimeFormat(locale(lang), { numeric: 'auto' }).format(value, unit)
    value = Math.round(value / size)
  }
  return moment(ms)
}

export function duration(ms: number, lang: Lang): string {
  const units: [number, string, string][] = [
    [86_400_000, '天', 'd'],
    [3_600_000, '小时', 'h'],
    [60_000, '分', 'min'],
    [1000, '秒', 's'],
  ]
  const zh = lang === 'zh'
  for (const [i, [size, inZh, inEn]] of units.entries()) {
    if (ms < size) continue
    const whole = Math.floor(ms / size)
    const next = units[i + 1]
    const rest = next ? Math.floor((ms % size) / next[0]) : 0
    const one = (n: number, z: string, e: string) => (zh ? `${n} ${z}` : `${n} ${e}`)
    if (!next || rest === 0) return one(whole, inZh, inEn)
    return `${one(whole, inZh, inEn)} ${one(rest, next[1], next[2])}`
  }
  return `${Math.round(ms)} ms`
}

/** Fen as yuan with two decimals. */
export function yuan(fen: number, lang: Lang): string {
  return new Intl.NumberFormat(locale(lang), {
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
  }).format(fen / 100)
}

/** Yuan as typed into fen; null where it is no amount. */
export function fen(text: string): number | null {
  const parts = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(text.trim())
  if (!parts) return null
  return Number(parts[1]) * 100 + Number((parts[2] ?? '').padEnd(2, '0'))
}

export function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let size = value
  let unit = 0
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000
    unit++
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`
}

export const short = (id: string): string => id.slice(0, 8)

/** An English noun with its number: 1 row, 2 rows. */
export const count = (n: number, noun: string): string =>
  `${new Intl.NumberFormat('en-GB').format(n)} ${noun}${n === 1 ? '' : 's'}`
