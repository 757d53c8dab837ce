import { describe, expect, test } from 'vitest'
import type { CheckedLine } from '../src/api/types'
import { askFields, askProblems } from '../src/lib/ask'
import { cell } from '../src/lib/cell'
import { blankScene, type DraftForm, draftAct, problems, sceneProblems, subjectLines } from '../src/lib/draft'
import { bytes, duration, fen, moment, windowText } from '../src/lib/format'
import { orderLines } from '../src/lib/lines'
import { endOf, shifted, startOf, tidyWhen, weeksOf } from '../src/lib/when'

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
  scenes: [],
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

describe('scenes', () => {
  const known = [
    { template: 'identify', joint: null },
    { template: 'at-the-scenes', joint: 'scenes' },
    { template: 'called-then-paid', joint: 'subjects' },
    { template: 'risk-propagation', joint: 'window' },
  ]
  const scene = { city: false, cell: '4711', from: '2026-03-01 09:00', to: '2026-03-01 09:29' }
  const of = (templates: string[], scenes = [scene]) => ({ ...form, templates, scenes })
  const wrong = (templates: string[], scenes: (typeof scene)[], checked: CheckedLine[]) =>
    Object.keys(problems(of(templates, scenes), checked, known))
  test('are needed where a template begins from them, and subjects where one begins from those', () => {
    expect(wrong(['at-the-scenes'], [], good)).toEqual(['scenes'])
    expect(wrong(['at-the-scenes'], [scene], [])).toEqual([])
    expect(wrong(['at-the-scenes', 'identify'], [scene], [])).toEqual(['subjects'])
    expect(wrong(['called-then-paid'], [scene], [])).toEqual(['subjects'])
    expect(wrong(['identify'], [], good)).toEqual([])
    // A warrant names something, even where the question reads the window alone.
    expect(wrong(['risk-propagation'], [], [])).toEqual(['scenes'])
    expect(wrong(['risk-propagation'], [], good)).toEqual([])
    expect(wrong(['risk-propagation'], [scene], [])).toEqual([])
    expect(wrong(['at-the-scenes'], [scene], [line(1, 'invalid')])).toEqual(['subjects'])
  })
  test.each([
    ['cell', { cell: '' }],
    ['cell', { cell: '-1' }],
    ['cell', { cell: '4294967296' }],
    ['from', { from: '' }],
    ['from', { from: '2026-02-28 23:59' }],
    ['to', { to: 'noon' }],
    ['to', { to: '2026-03-02 00:00' }],
    ['to', { to: '2026-03-01 08:59' }],
  ] as const)('with a wrong %s are not sent', (field, part) => {
    expect(Object.keys(sceneProblems({ ...scene, ...part }, form))).toEqual([field])
    expect(wrong(['at-the-scenes'], [{ ...scene, ...part }], good)).toEqual(['scenes'])
  })
  test('stand in the act once each, the whole city without a cell', () => {
    const act = draftAct(of(['at-the-scenes'], [scene, { ...scene }, { ...scene, city: true }]), []) as unknown as {
      scenes: { cell: number | null; from_ms: number; to_ms: number }[]
    }
    expect(act.scenes.map((one) => one.cell)).toEqual([4711, null])
    expect((act.scenes[0]?.to_ms ?? 0) - (act.scenes[0]?.from_ms ?? 0)).toBe(30 * 60_000)
    expect(draftAct(form, good)).not.toHaveProperty('scenes')
    expect(Object.keys(sceneProblems(blankScene(), form))).toEqual(['cell', 'from', 'to'])
  })
})

describe('a question', () => {
  const warrant = { warrant: 'w', hops: 3, answer_cap: 500, custodians: ['a', 'b'] }
  const ask = {
    template: 't',
    hops: '2',
    amount: '1000.5',
    hours: '24',
    cap: '',
    custodians: ['a', 'b'],
    terms: {},
    countOnly: false,
  }
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
  const term = (name: string, least: number, most: number) => ({
    name,
    least,
    most,
    default: 4,
    what_en: '',
    what_zh: '',
  })
  const joint = { joint: 'scenes', terms: [term('sims', 1, 1000), term('calls', 1, 20)] }
  test('of a joint template has its numbers, and the count alone where that is wished', () => {
    const typed = { ...ask, hops: '', terms: { 't/sims': '7', 't/calls': ' ', 'other/calls': '9' }, countOnly: true }
    const plain = { warrant: 'w', template: 't' }
    expect(askFields(typed, warrant, () => false, joint)).toEqual({ ...plain, terms: { sims: 7 }, count_only: true })
    expect(askFields(ask, warrant, () => false, joint)).toEqual(plain)
    // Lookups take neither, whatever stands in the form.
    expect(askFields(typed, warrant, () => false, { joint: null, terms: [] })).toEqual(plain)
  })
  test('with a number out of its range is not sent', () => {
    for (const calls of ['0', '21', '-1', '1.5', 'x', '1e1'])
      expect(askProblems({ ...ask, terms: { 't/calls': calls } }, warrant, () => false, joint)).toHaveProperty('terms')
    expect(askProblems({ ...ask, terms: { 't/calls': '20' } }, warrant, () => false, joint)).toEqual({})
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

describe('days and minutes as typed', () => {
  test.each([
    ['2026-03-01', '2026-03-01'],
    ['2026/3/1', '2026-03-01'],
    ['20260301', '2026-03-01'],
    ['2026年3月1日', '2026-03-01'],
    [' 2026.03.01 ', '2026-03-01'],
    ['2026-3-1 9:05', '2026-03-01 09:05'],
    ['2026年3月1日9时05分', '2026-03-01 09:05'],
    ['2026-03-01T09:05', '2026-03-01 09:05'],
    ['２０２６-０３-０１', '2026-03-01'],
    ['2024-02-29', '2024-02-29'],
    ['2026-02-29', null],
    ['2026-13-01', null],
    ['2026-03-01 24:00', null],
    ['2026-03-01 9', null],
    ['1-3-2026', null],
    ['0026-03-01', null],
    ['', null],
    ['soon', null],
  ])('%j is %j', (text, tidy) => expect(tidyWhen(text)).toBe(tidy))
  test('a field of days takes no time', () => expect(tidyWhen('2026-03-01 09:05', false)).toBeNull())
  test('a day ends where the next begins, a minute after sixty seconds', () => {
    expect(moment(startOf('2026-03-01') ?? 0)).toBe('2026-03-01 00:00')
    expect(moment(endOf('2026-02-28') ?? 0)).toBe('2026-03-01 00:00')
    expect(moment(endOf('2026/2/28 23:59') ?? 0)).toBe('2026-03-01 00:00')
    expect([startOf('x'), endOf('')]).toEqual([null, null])
  })
  test('keys move by days and months, and keep time and a month’s last day', () => {
    expect(shifted('2026-02-28', { days: 1 })).toBe('2026-03-01')
    expect(shifted('2026-03-31 08:00', { months: -1 })).toBe('2026-02-28 08:00')
    expect(shifted('2200-12-31', { days: 1 })).toBeNull()
  })
  test('a month’s weeks begin on Monday and hold each of its days once', () => {
    const weeks = weeksOf('2026-02-14')
    expect([weeks.length, weeks[0]?.[0], weeks.at(-1)?.[6]]).toEqual([5, '2026-01-26', '2026-03-01'])
    expect(weeks.flat().filter((day) => day.startsWith('2026-02'))).toHaveLength(28)
    expect(weeksOf('2027-02-01')).toHaveLength(4)
    expect(weeksOf('2026-08-01')).toHaveLength(6)
  })
  test('a window tells its hours where it does not end at midnight', () => {
    const span = (from: string, to: string) => windowText([startOf(from) ?? 0, endOf(to) ?? 0])
    expect(span('2026-03-01', '2026-03-31')).toBe('2026-03-01 – 2026-03-31')
    expect(span('2026-03-01 09:30', '2026-03-31')).toBe('2026-03-01 09:30 – 2026-03-31 23:59')
  })
})
