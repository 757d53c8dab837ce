/** Bars in SVG, each with its table: seen, heard and copied alike.
 *
 * Parts differ in pattern as well as in colour, and every bar has its number.
 */
import { useState } from 'react'
import { useSpeech } from '../i18n/lang'
import { Button } from './basic'

export interface Part {
  key: string
  name: string
  colour: string
  pattern?: 'stripe' | 'dots' | 'cross'
}
export interface Bar {
  name: string
  values: Record<string, number>
}

const ROW = 30

export function Bars({ caption, parts, bars }: { caption: string; parts: readonly Part[]; bars: readonly Bar[] }) {
  const { say } = useSpeech()
  const [table, setTable] = useState(false)
  const total = (bar: Bar) => parts.reduce((sum, part) => sum + (bar.values[part.key] ?? 0), 0)
  const most = Math.max(1, ...bars.map(total))
  return (
    <figure className="bars">
      <div className="row between">
        <ul className="legend small" aria-hidden>
          {parts.map((part) => (
            <li key={part.key}>
              <svg width="12" height="12">
                <Patterned part={part} x={0} y={0} width={12} height={12} />
              </svg>
              {part.name}
            </li>
          ))}
        </ul>
        <Button small tone="quiet" aria-pressed={table} onClick={() => setTable(!table)}>
          {table ? say('看图', 'Chart') : say('看表', 'Table')}
        </Button>
      </div>
      {table ? (
        <div className="table-wrap" tabIndex={0} role="group" aria-label={caption}>
          <table className="table">
            <caption className="sr">{caption}</caption>
            <thead>
              <tr>
                <th scope="col">{caption}</th>
                {parts.map((part) => (
                  <th key={part.key} scope="col" className="num">
                    {part.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {bars.map((bar) => (
                <tr key={bar.name}>
                  <th scope="row" className="plain">
                    {bar.name}
                  </th>
                  {parts.map((part) => (
                    <td key={part.key} className="num">
                      {bar.values[part.key] ?? 0}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <ul className="bar-rows" aria-label={caption}>
          {bars.map((bar) => {
            const sum = total(bar)
            const words = parts.filter((p) => bar.values[p.key]).map((p) => `${p.name} ${bar.values[p.key] ?? 0}`)
            return (
              <li key={bar.name}>
                <span className="bar-name">{bar.name}</span>
                <span className="bar-track" role="img" aria-label={words.join('，') || '0'}>
                  <svg width="100%" height={ROW - 12} preserveAspectRatio="none">
                    {parts.map((part, i) => {
                      const before = parts.slice(0, i).reduce((s, p) => s + (bar.values[p.key] ?? 0), 0)
                      const value = bar.values[part.key] ?? 0
                      return value === 0 ? null : (
                        <Patterned
                          key={part.key}
                          part={part}
                          x={`${(before / most) * 100}%`}
                          y={0}
                          width={`${(value / most) * 100}%`}
                          height={ROW - 12}
                        >
                          <title>{`${part.name} ${value}`}</title>
                        </Patterned>
                      )
                    })}
                  </svg>
                </span>
                <span className="bar-number">{sum}</span>
              </li>
            )
          })}
        </ul>
      )}
    </figure>
  )
}

function Patterned({
  part,
  children,
  ...box
}: {
  part: Part
  x: number | string
  y: number
  width: number | string
  height: number
  children?: React.ReactNode
}) {
  const id = `p-${part.key}`
  if (!part.pattern)
    return (
      <rect {...box} fill={part.colour} rx={2}>
        {children}
      </rect>
    )
  return (
    <>
      <defs>
        <pattern
          id={id}
          width="6"
          height="6"
          patternUnits="userSpaceOnUse"
          patternTransform={part.pattern === 'stripe' ? 'rotate(45)' : undefined}
        >
          <rect width="6" height="6" fill={part.colour} />
          {part.pattern === 'stripe' && <rect width="2" height="6" fill="var(--surface)" opacity="0.55" />}
          {part.pattern === 'dots' && <circle cx="3" cy="3" r="1.4" fill="var(--surface)" opacity="0.75" />}
          {part.pattern === 'cross' && (
            <path d="M0 0 6 6M6 0 0 6" stroke="var(--surface)" strokeWidth="1.2" opacity="0.6" />
          )}
        </pattern>
      </defs>
      <rect {...box} fill={`url(#${id})`} rx={2}>
        {children}
      </rect>
    </>
  )
}
