import { describe, expect, test } from 'vitest'
import type { CheckedLine } from '../src/api/types'
import { askFields, askProblems } from '../src/lib/ask'
import { cell } from '../src/lib/cell'
import { type DraftForm, draftAct, problems, subjectLines } from '../src/lib/draft'
import { bytes, dayStart, duration, fen, moment } from '../src/lib/format'
import { orderLines } from '../src/lib/lines'

const line = (n: number, state: CheckedLine['state'], more: Partial<CheckedLine> = {}): CheckedLine => ({
  line: n,
  state,
  ...more,
})
const form: DraftForm = {
  case: 'A-1',
  reason: 'r',
  basis: 'b',
  authority: 'court',
  templates: ['identify'],
  custodians: ['bank_a'],
  subjects: 'x',
  from: '2026-03-01',
  to: '2026-03-01',
  hops: '2',
  cap: '500',
  runs: '3',
  days: '7',
}
const good = [line(1, 'ok', { selector: 'phone:+861' }), line(2, 'duplicate'), line(3, 'empty')]

describe('subjects', () => {
  test('pasted text and files are cut into lines, without a byte order mark', () => {
    expect(subjectLines('\uFEFFa\r\nb,c\nd；e\n\n')).toEqual(['a', 'b', 'c', 'd', 'e', '', ''])
  })
  test('lines that need a person come first, empty ones not at all', () => {
    const lines = [line(1, 'ok'), line(2, 'empty'), line(3, 'duplicate'), line(4, 'invalid'), line(5, 'invalid')]
    expect(orderLines(lines).map((l) => l.line)).toEqual([4, 5, 3, 1])
  })
})

describe('a draft', () => {
  test('without faults is the act that was typed', () => {
    expect(problems(form, good)).toEqual({})
    const act = draftAct(form, good) as unknown as Record<string, unknown>
    expect(act['subjects']).toEqual(['phone:+861'])
    expect(Number(act['window_to_ms']) - Number(act['window_from_ms'])).toBe(86_400_000)
    expect(act['life_ms']).toBe(7 * 86_400_000)
  })
  test.each([
    ['case', { case: ' ' }],
    ['reason', { reason: '' }],
    ['basis', { basis: '' }],
    ['authority', { authority: '' }],
    ['templates', { templates: [] }],
    ['custodians', { custodians: [] }],
    ['from', { from: '2026-02-30' }],
    ['to', { to: '2026-02-01' }],
    ['hops', { hops: '0' }],
    ['hops', { hops: '1.5' }],
    ['cap', { cap: 'many' }],
    ['runs', { runs: '-1' }],
    ['days', { days: '' }],
  ] as const)('with a wrong %s is not sent', (field, part) => {
    expect(problems({ ...form, ...part } as DraftForm, good)).toHaveProperty(field)
  })
  test('with an unreadable line or none is not sent', () => {
    expect(problems(form, [...good, line(4, 'invalid')])).toHaveProperty('subjects')
    expect(problems(form, [])).toHaveProperty('subjects')
  })
})

describe('a question', () => {
  const warrant = { warrant: 'w', hops: 3, answer_cap: 500, custodians: ['a', 'b'] }
  const ask = { template: 't', hops: '2', amount: '1000.5', hours: '24', cap: '', custodians: ['a', 'b'] }
  test('takes only what its template takes', () => {
    expect(askFields(ask, warrant, () => false)).toEqual({ warrant: 'w', template: 't' })
    expect(askFields({ ...ask, custodians: ['b'] }, warrant, () => true)).toEqual({
      warrant: 'w',
      template: 't',
      hops: 2,
      min_amount_minor: 100_050,
      within_ms: 86_400_000,
      custodians: ['b'],
    })
  })
  test('beyond the warrant is not sent', () => {
    const wrong = askProblems(
      { ...ask, hops: '4', amount: '1.234', hours: '200', cap: '501', custodians: [] },
      warrant,
      () => true,
    )
    expect(Object.keys(wrong).sort()).toEqual(['amount', 'cap', 'custodians', 'hops', 'hours'])
  })
})

describe('words for values', () => {
  test('amounts, days, sizes', () => {
    expect([fen('1000'), fen('0.5'), fen('1.'), fen('x')]).toEqual([100_000, 50, null, null])
    expect(dayStart('2026-02-29')).toBeNull()
    expect(moment(dayStart('2026-03-01') ?? 0)).toBe('2026-03-01 00:00')
    expect([bytes(999), bytes(1_500), bytes(48_112_331)]).toEqual(['999 B', '1.5 KB', '48.1 MB'])
    expect([duration(90_000, 'en'), duration(26 * 3_600_000, 'zh'), duration(420, 'en')]).toEqual([
      '1 min 30 s',
      '1 天 2 小时',
      '420 ms',
    ])
  })
  test('cells by what their column means', () => {
    expect(cell(123_456, 'money', 'en')).toBe('1,234.56')
    expect(cell(20_000, 'date', 'en')).toBe('2024-10-04')
    expect(cell(null, 'text', 'en')).toBe('—')
    expect(cell('bank_a', 'text', 'en')).toBe('bank_a')
  })
})
