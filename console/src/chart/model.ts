/** An answer as a graph, a timeline and rows that know one another.
 *
 * Rows with two phones or accounts are links; rows that name the holder of a
 * phone or account are facts of their nodes. Every node, link and event holds
 * the keys of the rows that it stands for, so that the three views select
 * together.
 */
import type { AnswerTable, AnswerView } from '../api/types'

export type RowKey = string
export const rowKey = (table: number, row: number): RowKey => `${table}:${row}`

export interface Node {
  id: string
  kind: 'phone' | 'account' | 'person'
  value: string
  name: string | null
  subject: boolean
  /** The first step that found it. */
  hop: number
  rows: RowKey[]
  degree: number
}
export interface Link {
  source: number
  target: number
  kind: 'call' | 'transfer' | 'holds'
  count: number
  /** Fen of transfers, seconds of calls. */
  weight: number
  rows: RowKey[]
}
export interface Moment {
  at: number
  row: RowKey
  link: number
  weight: number
  kind: Link['kind']
  /** Whether one of its ends is a subject of the warrant. */
  subject: boolean
}
export interface Model {
  nodes: Node[]
  links: Link[]
  moments: Moment[]
  byRow: Map<RowKey, { nodes: number[]; link: number | null }>
}

/** Ids of the warrant's subjects as nodes bear them, from the order's selectors
 * (`phone:…`, `id:…`, `account:…`). */
export function subjectIds(selectors: readonly string[]): ReadonlySet<string> {
  return new Set(selectors.map((selector) => selector.replace(/^id:/, 'person:')))
}

/** Whether a cell names a subject, by what its column means. */
export function isSubject(subjects: ReadonlySet<string>, semantic: string, value: unknown): boolean {
  const kind = { phone: 'phone', account: 'account', resident_id: 'person' }[semantic]
  return kind !== undefined && value != null && subjects.has(`${kind}:${String(value)}`)
}

type Table = AnswerTable & { semantics?: string[] | null }

const column = (table: Table, ...names: string[]): number => {
  for (const name of names) {
    const at = table.columns.indexOf(name)
    if (at >= 0) return at
  }
  return -1
}

/** Columns of joint answers. A day is counted from the window's first moment on. */
const JOINT: Record<string, string> = {
  phone: 'phone',
  account: 'account',
  premise: 'premise',
  institution: 'institution',
  cell: 'code',
  day: 'integer',
  persons: 'integer',
  transfers: 'integer',
  sum_fen: 'money',
  risk_thousandths: 'thousandths',
}

/** Whether rows come from all tables of the plan together, so that none has an origin. */
export const isJoint = (table: Pick<AnswerTable, 'rows' | 'origins'>): boolean =>
  table.rows.length > 0 && table.origins.every((origins) => origins.length === 0)

export function semanticOf(table: Table, at: number): string {
  const name = table.columns[at] ?? ''
  // What was computed from many tables has no column of a published one: its name says what it is.
  const computed = JOINT[name]
  if (computed && isJoint(table)) return computed
  const given = table.semantics?.[at]
  if (given) return given
  if (['phone', 'caller', 'callee', 'party'].includes(name)) return 'phone'
  if (name === 'account' || name.endsWith('_account')) return 'account'
  if (name.endsWith('id_number')) return 'resident_id'
  if (name === 'at') return 'timestamp'
  if (name.startsWith('amount')) return 'money'
  if (name === 'opened') return 'date'
  if (name.endsWith('_bank')) return 'institution'
  return 'text'
}

/** The columns at both ends of a row that is a link; null where it is none. */
function ends(table: Table): [number, number, 'call' | 'transfer'] | null {
  const calls: [number, number] = [column(table, 'caller'), column(table, 'callee')]
  if (calls[0] >= 0 && calls[1] >= 0) return [...calls, 'call']
  const money: [number, number] = [column(table, 'from_account'), column(table, 'to_account')]
  if (money[0] >= 0 && money[1] >= 0) return [...money, 'transfer']
  return null
}

export function buildModel(answer: AnswerView, subjects: ReadonlySet<string> = new Set()): Model {
  const nodes: Node[] = []
  const links: Link[] = []
  const moments: Moment[] = []
  const byRow: Model['byRow'] = new Map()
  const nodeAt = new Map<string, number>()
  const linkAt = new Map<string, number>()

  const node = (kind: Node['kind'], value: string, hop: number, row: RowKey): number => {
    const id = `${kind}:${value}`
    let at = nodeAt.get(id)
    if (at === undefined) {
      at = nodes.length
      nodeAt.set(id, at)
      nodes.push({ id, kind, value, name: null, subject: subjects.has(id), hop, rows: [], degree: 0 })
    }
    const known = nodes[at]
    if (known && known.rows.at(-1) !== row) known.rows.push(row)
    return at
  }
  const link = (source: number, target: number, kind: Link['kind'], weight: number, row: RowKey): number => {
    const id = `${source}>${target}>${kind}`
    let at = linkAt.get(id)
    if (at === undefined) {
      at = links.length
      linkAt.set(id, at)
      links.push({ source, target, kind, count: 0, weight: 0, rows: [] })
      const [a, b] = [nodes[source], nodes[target]]
      if (a) a.degree++
      if (b) b.degree++
    }
    const known = links[at]
    if (known) {
      known.count++
      known.weight += weight
      known.rows.push(row)
    }
    return at
  }

  answer.tables.forEach((table: Table, t) => {
    const both = ends(table)
    const at = column(table, 'at')
    const weight = column(table, 'amount', 'amount_fen', 'seconds', 'duration_s')
    const person = column(table, 'id_number', 'holder_id_number')
    const holder = column(table, 'holder', 'name')
    const thing = both ? -1 : column(table, 'phone', 'account')
    table.rows.forEach((row, r) => {
      const key = rowKey(t, r)
      const number = (place: number) => (place >= 0 && typeof row[place] === 'number' ? row[place] : 0)
      const text = (place: number) => (place >= 0 && row[place] != null ? String(row[place]) : '')
      if (both) {
        const kind = both[2] === 'call' ? 'phone' : 'account'
        const source = node(kind, text(both[0]), table.step, key)
        const target = node(kind, text(both[1]), table.step + 1, key)
        const edge = link(source, target, both[2], number(weight), key)
        byRow.set(key, { nodes: [source, target], link: edge })
        const subject = nodes[source]?.subject === true || nodes[target]?.subject === true
        if (at >= 0)
          moments.push({ at: number(at), row: key, link: edge, weight: number(weight), kind: both[2], subject })
        return
      }
      const found: number[] = []
      let edge: number | null = null
      const owner = person >= 0 && text(person) ? node('person', text(person), table.step, key) : -1
      if (owner >= 0) found.push(owner)
      if (thing >= 0 && text(thing)) {
        const kind = table.columns[thing] === 'phone' ? 'phone' : 'account'
        const held = node(kind, text(thing), table.step, key)
        found.push(held)
        const known = nodes[held]
        if (known && text(holder)) known.name = text(holder)
        if (owner >= 0) edge = link(owner, held, 'holds', 0, key)
      }
      const known = nodes[owner]
      if (known && text(holder)) known.name = text(holder)
      byRow.set(key, { nodes: found, link: edge })
    })
  })
  moments.sort((a, b) => a.at - b.at)
  return { nodes, links, moments, byRow }
}

/** A node's label: the holder's name where known, else the value's end. */
export function label(node: Node): string {
  if (node.name) return node.name
  return node.value.length > 12 ? `…${node.value.slice(-8)}` : node.value
}
