/** The node's word on each line of subjects; thousands of lines stay quick. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { Check, CopyMinus, TriangleAlert } from 'lucide-react'
import { useMemo, useRef } from 'react'
import type { CheckedLine } from '../api/types'
import { useSpeech } from '../i18n/lang'
import { semantics, word } from '../i18n/words'
import { orderLines } from '../lib/lines'

const ROW_PX = 34

export function LineList({ lines }: { lines: readonly CheckedLine[] }) {
  const { say, lang } = useSpeech()
  const box = useRef<HTMLDivElement>(null)
  const shown = useMemo(() => orderLines(lines), [lines])
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  })
  return (
    <div ref={box} className="lines" tabIndex={0} role="group" aria-label={say('逐行核对', 'Each line checked')}>
      <ul style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {rows.getVirtualItems().map((item) => {
          const line = shown[item.index]
          if (!line) return null
          return (
            <li
              key={line.line}
              className={`checked ${line.state}`}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <span className="no">{line.line}</span>
              {line.state === 'ok' && (
                <>
                  <Check size={14} aria-hidden />
                  <code className="grow">{line.value}</code>
                  <span className="muted small">{word(semantics, line.semantic ?? '', lang)}</span>
                </>
              )}
              {line.state === 'duplicate' && (
                <>
                  <CopyMinus size={14} aria-hidden />
                  <span className="grow small">
                    {say(
                      `与第 ${line.duplicate_of ?? '?'} 行相同，只计一次`,
                      `same as line ${line.duplicate_of ?? '?'}: counted once`,
                    )}
                  </span>
                </>
              )}
              {line.state === 'invalid' && (
                <>
                  <TriangleAlert size={14} aria-hidden />
                  <span className="grow small">{say(line.text_zh ?? '不能识别', line.text_en ?? 'can’t be read')}</span>
                </>
              )}
            </li>
          )
        })}
      </ul>
    </div>
  )
}
