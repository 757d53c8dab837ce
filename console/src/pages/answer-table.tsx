/** The rows of an answer, a table a step; tens of thousands of rows stay quick. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp, ArrowUpDown, Fingerprint, Target } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { AnswerTable, AnswerView } from '../api/types'
import { isJoint, isSubject, type RowKey, rowKey, semanticOf } from '../chart/model'
import { useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { columns, tables, templates, word } from '../i18n/words'
import { cell } from '../lib/cell'
import { number } from '../lib/format'
import { Card, IconButton } from '../ui/basic'
import { Blank } from '../ui/state'
import { Tabs } from '../ui/tabs'

const ROW_PX = 38

export function AnswerTables({
  answer,
  subjects,
  selected,
  onSelect,
  onProvenance,
}: {
  answer: AnswerView
  subjects: ReadonlySet<string>
  selected: ReadonlySet<RowKey>
  onSelect: (key: RowKey) => void
  onProvenance: (key: RowKey) => void
}) {
  const { say, lang } = useSpeech()
  const [tab, setTab] = useState('0')
  // A selection made elsewhere shows the step that holds it.
  useEffect(() => {
    const first = selected.values().next().value
    if (first === undefined) return
    const held = new Set([...selected].map((key) => key.split(':')[0]))
    if (!held.has(tab)) setTab(first.split(':')[0] ?? '0')
  }, [selected])
  const name = (table: AnswerTable) =>
    // A joint question has one table, of its own name.
    isJoint(table) && table.table === answer.template
      ? word(templates, table.table, lang)
      : say(
          `第 ${table.step + 1} 步 · ${word(tables, table.table, lang)}`,
          `Step ${table.step + 1} · ${word(tables, table.table, lang)}`,
        )
  return (
    <Card flush>
      <Tabs
        label={say('步骤', 'Steps')}
        chosen={tab}
        onChange={setTab}
        items={answer.tables.map((table, t) => ({
          key: String(t),
          name: (
            <>
              {name(table)} <span className="muted">{number(table.rows.length, lang)}</span>
            </>
          ),
          panel: (
            <Rows
              key={t}
              place={t}
              table={table}
              name={name(table)}
              subjects={subjects}
              selected={selected}
              onSelect={onSelect}
              onProvenance={onProvenance}
            />
          ),
        }))}
      />
    </Card>
  )
}

function Rows({
  place,
  table,
  name,
  subjects,
  selected,
  onSelect,
  onProvenance,
}: {
  place: number
  table: AnswerTable
  name: string
  subjects: ReadonlySet<string>
  selected: ReadonlySet<RowKey>
  onSelect: (key: RowKey) => void
  onProvenance: (key: RowKey) => void
}) {
  const { say, lang } = useSpeech()
  const institution = useNames()
  const joint = isJoint(table)
  const box = useRef<HTMLDivElement>(null)
  const [sort, setSort] = useState<{ by: number; down: boolean } | null>(null)
  const [only, setOnly] = useState(false)
  const kinds = useMemo(() => table.columns.map((_, i) => semanticOf(table, i)), [table])
  const hasSelected = useMemo(() => [...selected].some((key) => key.startsWith(`${place}:`)), [selected, place])
  const order = useMemo(() => {
    let list = table.rows.map((_, i) => i)
    if (only && hasSelected) list = list.filter((i) => selected.has(rowKey(place, i)))
    if (sort) {
      const value = (i: number) => table.rows[i]?.[sort.by]
      list.sort((a, b) => {
        const [x, y] = [value(a), value(b)]
        const compared =
          typeof x === 'number' && typeof y === 'number' ? x - y : String(x ?? '').localeCompare(String(y ?? ''))
        return sort.down ? -compared : compared
      })
    }
    return list
  }, [table, sort, only, hasSelected, selected, place])
  const rows = useVirtualizer({
    count: order.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  })
  useEffect(() => {
    const at = order.findIndex((i) => selected.has(rowKey(place, i)))
    if (at >= 0) rows.scrollToIndex(at, { align: 'auto' })
    // Only a new selection scrolls; sorting leaves the place.
  }, [selected, place])
  const items = rows.getVirtualItems()
  const before = items[0]?.start ?? 0
  const after = rows.getTotalSize() - (items.at(-1)?.end ?? 0)
  if (table.rows.length === 0) return <Blank title={say('这一步没有记录', 'This step found nothing')} />
  return (
    <div>
      {joint && (
        <p className="small muted" style={{ padding: '0 16px 10px' }}>
          {say('由方案的全部数据表一起算出。', 'Computed from all tables of the plan together.')}
        </p>
      )}
      {hasSelected && (
        <label className="row small" style={{ padding: '0 16px 10px' }}>
          <input type="checkbox" checked={only} onChange={(e) => setOnly(e.target.checked)} />
          {say('只显示选中的行', 'Selected rows only')}
        </label>
      )}
      <div ref={box} className="table-wrap tall" tabIndex={0} role="group" aria-label={name}>
        <table className="table" aria-rowcount={order.length + 1}>
          <thead>
            <tr>
              {table.columns.map((column, i) => {
                const state = sort?.by === i ? (sort.down ? 'descending' : 'ascending') : 'none'
                const Mark = state === 'none' ? ArrowUpDown : state === 'ascending' ? ArrowUp : ArrowDown
                return (
                  <th key={column} scope="col" aria-sort={state} className={isNumber(kinds[i]) ? 'num' : undefined}>
                    <button
                      type="button"
                      onClick={() =>
                        setSort(sort?.by === i ? (sort.down ? null : { by: i, down: true }) : { by: i, down: false })
                      }
                    >
                      {word(columns, column, lang)}
                      <Mark size={12} aria-hidden />
                    </button>
                  </th>
                )
              })}
              {!joint && <th scope="col">{say('来自', 'From')}</th>}
              <th scope="col">
                <span className="sr">{say('来源', 'Provenance')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {before > 0 && <tr aria-hidden style={{ height: before }} />}
            {items.map((item) => {
              const i = order[item.index] ?? 0
              const key = rowKey(place, i)
              const origin = table.origins[i]?.[0]?.split('/')[0] ?? ''
              return (
                <tr
                  key={key}
                  className="live"
                  aria-selected={selected.has(key)}
                  aria-rowindex={item.index + 2}
                  style={{ height: ROW_PX }}
                  onClick={() => onSelect(key)}
                >
                  {table.columns.map((column, c) => (
                    <td key={column} className={isNumber(kinds[c]) ? 'num nowrap' : 'nowrap'}>
                      {isSubject(subjects, kinds[c] ?? 'text', table.rows[i]?.[c]) && (
                        <>
                          <Target size={14} className="subject-mark" aria-hidden />
                          <span className="sr">{say('令状对象：', 'subject of the warrant: ')}</span>
                        </>
                      )}
                      {kinds[c] === 'institution'
                        ? institution(String(table.rows[i]?.[c] ?? '—'))
                        : cell(table.rows[i]?.[c], kinds[c] ?? 'text', lang)}
                    </td>
                  ))}
                  {!joint && <td className="nowrap muted">{institution(origin)}</td>}
                  <td>
                    <IconButton
                      small
                      icon={Fingerprint}
                      label={say(`第 ${i + 1} 行的来源`, `Where row ${i + 1} comes from`)}
                      onClick={(event) => {
                        event.stopPropagation()
                        onProvenance(key)
                      }}
                    />
                  </td>
                </tr>
              )
            })}
            {after > 0 && <tr aria-hidden style={{ height: after }} />}
          </tbody>
        </table>
      </div>
    </div>
  )
}

const isNumber = (kind: string | undefined) =>
  kind === 'money' || kind === 'integer' || kind === 'real' || kind === 'thousandths'
