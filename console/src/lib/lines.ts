import type { CheckedLine } from '../api/types'

/** Lines in the order in which they need a person: unreadable, then the rest. */
export function orderLines(lines: readonly CheckedLine[]): CheckedLine[] {
  const rank = { invalid: 0, duplicate: 1, ok: 2, empty: 3 }
  return lines.filter((line) => line.state !== 'empty').sort((a, b) => rank[a.state] - rank[b.state] || a.line - b.line)
}
