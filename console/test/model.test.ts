import { describe, expect, test } from 'vitest'
import type { AnswerView } from '../src/api/types'
import { buildModel, isJoint, isSubject, rowKey, semanticOf, subjectIds } from '../src/chart/model'
import { cell } from '../src/lib/cell'

const view = (tables: unknown[]) => ({ tables }) as unknown as AnswerView

describe('an answer as a graph', () => {
  const money = buildModel(
    view([
      {
        step: 0,
        table: 'transfers',
        columns: ['from_account', 'to_account', 'amount', 'at'],
        origins: [],
        rows: [
          ['a', 'b', 100, 5],
          ['a', 'b', 50, 3],
          ['a', 'c', 1, 4],
        ],
      },
      {
        step: 1,
        table: 'transfers',
        columns: ['from_account', 'to_account', 'amount', 'at'],
        origins: [],
        rows: [['b', 'd', 7, 9]],
      },
    ]),
  )
  test('rows between the same two are one link that knows its rows', () => {
    expect(money.nodes.map((n) => n.value)).toEqual(['a', 'b', 'c', 'd'])
    expect(money.links[0]).toMatchObject({
      source: 0,
      target: 1,
      count: 2,
      weight: 150,
      rows: [rowKey(0, 0), rowKey(0, 1)],
    })
  })
  test('a node knows every row that names it, and its first hop', () => {
    expect(money.nodes[1]?.rows).toEqual([rowKey(0, 0), rowKey(0, 1), rowKey(1, 0)])
    expect(money.nodes.map((n) => n.hop)).toEqual([0, 1, 1, 2])
  })
  test('a row leads back to its nodes and link, and stands on the timeline in order', () => {
    expect(money.byRow.get(rowKey(1, 0))).toEqual({ nodes: [1, 3], link: 2 })
    expect(money.moments.map((m) => m.at)).toEqual([3, 4, 5, 9])
  })
  test('holders become persons that hold phones and accounts', () => {
    const held = buildModel(
      view([
        {
          step: 0,
          table: 'subscribers',
          columns: ['phone', 'holder', 'id_number'],
          origins: [],
          rows: [
            ['1', '张三', 'X'],
            ['2', '张三', 'X'],
          ],
        },
      ]),
    )
    expect(held.nodes.map((n) => [n.kind, n.name])).toEqual([
      ['person', '张三'],
      ['phone', '张三'],
      ['phone', '张三'],
    ])
    expect(held.links.every((l) => l.kind === 'holds' && l.source === 0)).toBe(true)
  })
  test('an answer without rows is an empty graph', () => {
    expect(buildModel(view([]))).toMatchObject({ nodes: [], links: [], moments: [] })
  })
  test('the warrant’s subjects are marked wherever they stand, on the timeline too', () => {
    const subjects = subjectIds(['account:b', 'id:X', 'phone:+861'])
    const marked = buildModel(
      view([
        {
          step: 0,
          table: 'transfers',
          columns: ['from_account', 'to_account', 'amount', 'at'],
          origins: [],
          rows: [
            ['a', 'b', 100, 5],
            ['a', 'c', 1, 4],
          ],
        },
        {
          step: 1,
          table: 'accounts',
          columns: ['account', 'holder', 'id_number'],
          origins: [],
          rows: [['c', '张三', 'X']],
        },
      ]),
      subjects,
    )
    expect(marked.nodes.filter((node) => node.subject).map((node) => node.id)).toEqual(['account:b', 'person:X'])
    expect(marked.moments.map((one) => [one.at, one.subject])).toEqual([
      [4, false],
      [5, true],
    ])
    expect([
      isSubject(subjects, 'account', 'b'),
      isSubject(subjects, 'phone', 'b'),
      isSubject(subjects, 'resident_id', 'X'),
      isSubject(subjects, 'text', 'b'),
      isSubject(subjects, 'phone', null),
    ]).toEqual([true, false, true, false, false])
  })
})

describe('a joint answer', () => {
  const table = {
    step: 0,
    table: 'totals',
    columns: ['institution', 'persons', 'sum_fen', 'cell', 'risk_thousandths', 'amount'],
    semantics: Array.from({ length: 6 }, () => 'text'),
    rows: [['bank_a', 12, 123_456, 4711, 1_500, '0 – 10']],
    origins: [[]],
  }
  test('has no chart, and says by its columns’ names what they hold', () => {
    expect(isJoint(table)).toBe(true)
    expect(buildModel(view([table])).links).toEqual([])
    const shown = table.columns.map((_, i) => cell(table.rows[0]?.[i], semanticOf(table, i), 'en'))
    expect(shown).toEqual(['bank_a', '12', '1,234.56', '4711', '1.500', '0 – 10'])
    expect(semanticOf(table, 0)).toBe('institution')
  })
  test('is none where a row has an origin, or there is no row', () => {
    const looked = { ...table, origins: [['bank_a/00']] }
    expect([isJoint(looked), isJoint({ ...table, rows: [], origins: [] })]).toEqual([false, false])
    expect(semanticOf(looked, 2)).toBe('text')
  })
  test('of accounts is nodes without links', () => {
    const accounts = {
      ...table,
      table: 'risk-propagation',
      columns: ['account', 'risk_thousandths'],
      rows: [['6222', 9]],
    }
    const model = buildModel(view([accounts]), subjectIds(['account:6222']))
    expect([model.nodes.length, model.links.length, model.moments.length]).toEqual([1, 0, 0])
    expect(model.nodes[0]?.subject).toBe(true)
  })
})
