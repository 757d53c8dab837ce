import { describe, expect, test } from 'vitest'
import type { AnswerView } from '../src/api/types'
import { buildModel, isSubject, rowKey, subjectIds } from '../src/chart/model'

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
