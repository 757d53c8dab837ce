/** Tabs after the ARIA pattern: arrows move, the panel is named by its tab. */
import { type KeyboardEvent, type ReactNode, useId, useRef } from 'react'

export interface TabItem {
  key: string
  name: ReactNode
  panel: ReactNode
}

export function Tabs({
  label,
  items,
  chosen,
  onChange,
}: {
  label: string
  items: readonly TabItem[]
  chosen: string
  onChange: (key: string) => void
}) {
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const move = (event: KeyboardEvent) => {
    const at = items.findIndex((item) => item.key === chosen)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: items.length - 1 }[event.key]
    if (to === undefined) return
    const next = items[(to + items.length) % items.length]
    if (!next) return
    event.preventDefault()
    onChange(next.key)
    list.current?.querySelector<HTMLElement>(`[data-tab="${next.key}"]`)?.focus()
  }
  const open = items.find((item) => item.key === chosen) ?? items[0]
  return (
    <div className="stack">
      <div className="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
        {items.map((item) => (
          <button
            key={item.key}
            type="button"
            role="tab"
            id={`${id}-${item.key}`}
            data-tab={item.key}
            aria-selected={item === open}
            aria-controls={item === open ? `${id}-panel` : undefined}
            tabIndex={item === open ? 0 : -1}
            onClick={() => onChange(item.key)}
          >
            {item.name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${open?.key}`} tabIndex={0}>
        {open?.panel}
      </div>
    </div>
  )
}
