import type { Lang } from '../i18n/lang'
import { moment, number, yuan } from './format'

const DAY_MS = 86_400_000

/** A cell as people read it, by what its column means. */
export function cell(value: unknown, semantic: string, lang: Lang): string {
  if (value === null || value === undefined) return '—'
  if (typeof value !== 'number') return String(value)
  switch (semantic) {
    case 'money':
      return yuan(value, lang)
    case 'timestamp':
      return moment(value, true)
    case 'date':
      return new Date(value * DAY_MS).toISOString().slice(0, 10)
    case 'real':
      return String(value / 1_000_000)
    case 'thousandths':
      return (value / 1000).toFixed(3)
    case 'code':
      return String(value)
    default:
      return number(value, lang)
  }
}
